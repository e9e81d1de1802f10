/* Files inside disk images, and their content (disk). */
#pragma once

#include "casedb/files.h"
#include "casedb/query.h"
#include "cli/cli.h"

struct disk {
    struct cli *cli;
    struct casedb *c;
    int64_t exhibit;
    struct str volume, path;
    uint64_t inode;
    bool by_inode;
};

struct disk_file {
    struct file_row row;  /* texts in the arena */
    struct member member; /* of the image; layers lead to the content */
};
/* The one file of d->path; ERR_USAGE when there is none or several. */
int disk_find(struct disk *d, struct disk_file *out, struct err *err) CHECKED;
/* The citation of the content. */
struct str disk_cite(const struct disk_file *f, struct arena *a);

int disk_cat(struct disk *d, struct err *err) CHECKED;
int disk_hexdump(struct disk *d, struct err *err) CHECKED;
int disk_extract(struct disk *d, struct err *err) CHECKED;
