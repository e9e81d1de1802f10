/*
 * Opening the files of exhibits, read-only, for the reader and for hashing.
 * The files are where the exhibit was imported from, or where `evidence
 * attach` says, or embedded in the case.
 */
#pragma once

#include "cli/cli.h"

struct exhibit_files {
    struct casedb *c;
    int64_t no;     /* of the exhibit at hand, 0 = none yet */
    int root;       /* its folder, -1 = not there */
    bool single;    /* the exhibit is one file (or one image's segments) */
    struct err why; /* when root is -1 */
    /* the files of the member at hand */
    int64_t member;
    int *fds;
    size_t n_fds, cap_fds;
    bool embedded; /* from the copy in the case */
    /* of a set of files: fds has the descriptor of their names only */
    int names_fd; /* -1: no set */
    struct str *names;
    size_t n_names, cap_names;
    struct arena set_arena;
};

void exhibit_files_open(struct exhibit_files *f, struct casedb *c);
void exhibit_files_close(struct exhibit_files *f);
/* Opens the files beneath a member, segments in order; they stay open until
 * the next call. ERR_EVIDENCE when they are not there. */
int exhibit_files_member(struct exhibit_files *f, const struct member *m,
                         struct err *err) CHECKED;
/* reader_supply.open: file number i of the set at hand. */
int exhibit_files_supply(void *ctx, uint64_t i);
/* A regular file beneath a folder, never through a link; -1 with errno. */
int exhibit_file_open(int root, struct str path);
