/* Files inside disk images: which one is meant, and its content. */
#pragma once

#include "cli/disk.h"
#include "cli/raw.h"

struct disk_file {
    struct file_row row;  /* texts in the arena */
    struct member member; /* of the image; layers lead to the content */
};
/* The one file of d->path; ERR_USAGE when there is none or several. */
int disk_find(struct disk *d, struct disk_file *out, struct err *err) CHECKED;
/* The same for a row at hand: a copy, with the layers of its content. */
int disk_file_of(struct casedb *c, struct arena *a, const struct file_row *row,
                 struct disk_file *out, struct err *err) CHECKED;
/* Copies the content of one file beside the case, under a name made here;
 * told: one line on it. */
int disk_save(struct casedb *c, int64_t exhibit, const struct file_row *row,
              char *told, size_t n, struct err *err) CHECKED;
/* The citation of the content. */
struct str disk_cite(const struct disk_file *f, struct arena *a);
/* Regular files, folders and links have content. */
bool disk_has_content(const struct disk_file *f);
/* The content in pieces. Nonzero from take stops and is returned. *gaps: parts
 * could not be read and are zeros. */
int disk_stream(struct raw *raw, const struct disk_file *f, struct arena *a,
                int (*take)(void *ctx, uint64_t off, struct str bytes),
                void *ctx, bool *gaps, struct err *err) CHECKED;
