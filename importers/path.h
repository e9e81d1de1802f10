// Patterns for the paths of files: which ones an importer is interested in.
//
// A pattern is compared with the last components of a path, or with the whole
// of it when it begins with a slash. `*` stands for anything within one
// component, `**` as a component for any number of them (also none). Bytes,
// case matters, but a pattern that begins with `(?i)` folds ASCII letters.
//
//   ".bash_history"            /root/.bash_history, home/a/.bash_history
//   "etc/cron.d/*"             /etc/cron.d/x, copy/etc/cron.d/x
//   "/var/log/**"              all below /var/log
//   "(?i)winevt/logs/*.evtx"
#pragma once

#include "base/str.h"

bool path_like(struct str path, const char *pattern);
/* Any of a NULL-ended list; NULL: none. */
bool path_like_any(struct str path, const char *const *patterns);
/* The last component. */
struct str path_base(struct str path);
