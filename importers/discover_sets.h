/* Files that are one thing together: segments of an image, extents of a
 * virtual disk (private to discovery). Told by names only: nothing of the
 * evidence is read here. */
#pragma once

#include "importers/discover.h"

/* discover_blocks.c: the folders that hold the blocks of EBS snapshots; what
 * belongs to a set is taken. */
int discover_blocks(struct found *f, bool *taken, struct err *err) CHECKED;

/* f->files and f->names are sorted and pair up; joins files into sets. */
int discover_join(struct found *f, struct err *err) CHECKED;
/* May a file called `other` belong to the set that begins with `first`?
 * Both in one folder. */
bool discover_sibling(struct str first, struct str other);
