/*
 * Which files of an image are looked into for their type: those that run, and
 * those in places where nothing should lie. With --hash-files only, which
 * reads contents anyway.
 *
 * | rule       | what                                                      |
 * |------------|-----------------------------------------------------------|
 * | runs       | any bit of execution, setuid and setgid among them         |
 * | places     | below /tmp, /var/tmp, /dev/shm, /run/shm                   |
 * | hidden     | the name or a folder of the path begins with a dot         |
 * | deleted    | a freed inode or remnant that still has content            |
 * | journal    | of one view only: it was changed last                      |
 */
#pragma once

#include "evidence/fs.h"

bool disk_type_wanted(const struct fs_file *f, bool one_view);
