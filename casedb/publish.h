/* Files that appear whole, durable and under a free name, or not at all. */
#pragma once

#include "base/err.h"

/* A new empty file, mode 0600 whatever the umask. ERR_WRITE when anything of
 * that name exists. shown: the name for messages. */
int make_empty(const char *path, const char *shown, struct err *err) CHECKED;
/* from, made durable, gets the name `to`; ERR_USAGE when that is taken. */
int publish(const char *from, const char *to, const char *shown,
            struct err *err) CHECKED;
/* Folder part of a full path, malloc'd; NULL when memory is short. */
char *folder_of(const char *path);
