/*
 * Which files of an image are looked into for records: those whose path some
 * importer lists (importer.paths). Made for many paths of one folder after
 * another, as a walk gives them.
 */
#pragma once

#include "base/str.h"

struct wanted;

struct wanted *wanted_open(void); /* NULL: no memory */
void wanted_close(struct wanted *w);
bool wanted_path(struct wanted *w, struct str path);
