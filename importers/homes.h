/* Whose home folder a path lies in: "/home/alice/.bash_history" is alice's. */
#pragma once

#include "base/str.h"

/* The name of the user, "root" below /root; empty: not known. */
struct str home_owner(struct str path);
