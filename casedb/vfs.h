/*
 * A file layer for SQLite around the system's own that knows one case: it
 * opens, asks for and deletes the case's own names only, so that no crafted
 * journal or schema can reach another file (reliability.md 4.1, 4.3), and it
 * checks the header of the case on SQLite's own descriptor before SQLite
 * reads it. (A second descriptor would, when closed, drop the locks that
 * SQLite holds in this process.)
 *
 * The names: PATH, PATH-wal, PATH-shm, and PATH-journal, which may be asked
 * for always, but exists only while a new case (under its temporary name) is
 * made. PATH.lock is ours, not SQLite's. The two names of a copy are added
 * for the time of case_copy. Temporary files have no name and are refused:
 * temp_store is memory.
 *
 * It wraps the default VFS, so a test that registers one of its own as the
 * default has every open, write and sync of a case pass through it.
 */
#pragma once

#include "base/err.h"
#include "casedb/header.h"

#include <sqlite3.h>

enum vfs_name {
    VFS_DB,
    VFS_WAL,
    VFS_SHM,
    VFS_JOURNAL,
    VFS_COPY,
    VFS_COPY_JOURNAL,
    VFS_LOCK, /* never SQLite's */
    VFS_NAMES
};

struct case_vfs {
    sqlite3_vfs base;
    sqlite3_vfs *real;
    char *names[VFS_NAMES]; /* full, without symbolic links; NULL = refused */
    bool creating;          /* no header yet; -journal may be written */
    bool immutable;         /* nobody writes: no locks, no -shm */
    struct case_header header;
    const char *refused; /* why the header was not taken, or NULL */
    uint64_t need;       /* bytes of the last write that failed, and where */
    const char *need_of;
    char name[40]; /* of the VFS */
};

/* path need not exist, its folder must. */
int vfs_open(const char *path, struct case_vfs **out, struct err *err) CHECKED;
void vfs_close(struct case_vfs *v);
/* Permit a copy's names too; NULL = no more. */
int vfs_allow_copy(struct case_vfs *v, const char *path,
                   struct err *err) CHECKED;
/* Folder of path resolved, name appended; the name itself is not followed.
 * malloc'd; NULL with err. */
char *vfs_resolve(const char *path, struct err *err);
