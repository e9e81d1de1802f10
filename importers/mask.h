/* Masking lies in base/, where the screens and exports reach it, too. */
#pragma once

#include "base/mask.h"
