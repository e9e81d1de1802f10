/* Files of disk images in words: the same in lists, reports and screens. */
#pragma once

#include "casedb/files.h"

/* "drwxr-xr-x", of ten characters. */
struct str file_mode(const struct file_row *f, char out[11]);
/* "deleted", "as on disk, partly unreadable"; empty: nothing to say. */
struct str file_state(const struct file_row *f, struct arena *a);
struct str file_found(const struct file_row *f);
struct str file_confidence(const struct file_row *f);
bool file_is_deleted(const struct file_row *f);
