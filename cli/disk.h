/* The sub-commands of disk: one file of the folder each or two. */
#pragma once

#include "analyzer/file_words.h"
#include "casedb/files.h"
#include "casedb/query.h"
#include "cli/cli.h"

struct disk {
    struct cli *cli;
    struct casedb *c;
    int64_t exhibit, other; /* other: of diff, 0 none */
    struct str volume, path;
    size_t first_path, n_paths; /* among the words */
    unsigned views;             /* bits 1 << enum file_view */
    uint64_t inode;
    bool by_inode;
};

int disk_ls(struct disk *d, struct err *err) CHECKED;
int disk_deleted(struct disk *d, struct err *err) CHECKED;
int disk_stat(struct disk *d, struct err *err) CHECKED;    /* disk_stat.c */
int disk_diff(struct disk *d, struct err *err) CHECKED;    /* disk_diff.c */
int disk_extract(struct disk *d, struct err *err) CHECKED; /* disk_extract.c */
int disk_cat(struct disk *d, struct err *err) CHECKED;     /* disk_content.c */
int disk_hexdump(struct disk *d, struct err *err) CHECKED; /* disk_content.c */
