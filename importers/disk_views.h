/*
 * The two views of one volume, as on disk and after its journal, compared
 * without keeping either: 16 bytes a name of the first (a truncated SHA-256
 * of everything a row holds), and the times of the names that the journal
 * changes, so that no time is told twice.
 *
 * Use: add all files as on disk; meet all files after the journal; then ask
 * of each file as on disk which view it belongs to, and of each file after
 * the journal whether it is new. What a row holds: all of struct fs_file but
 * its place and free_bytes, which other files' blocks decide.
 */
#pragma once

#include "evidence/fs.h"

enum {
    DISK_VIEWS_NAMES_MAX = 1 << 24,   /* of one volume; then not compared */
    DISK_VIEWS_CHANGED_MAX = 1 << 18, /* whose times are kept */
};

struct disk_views_sums {
    uint64_t added, removed, changed;
    bool compared;    /* false: too many names, both views are kept whole */
    bool changed_all; /* false: too many changes to tell changed from added */
};

struct disk_views;
struct disk_views *disk_views_open(void); /* NULL: out of memory */
void disk_views_close(struct disk_views *v);

/* False: out of memory. */
bool disk_views_add(struct disk_views *v, const struct fs_file *f) CHECKED;
bool disk_views_meet(struct disk_views *v, const struct fs_file *f) CHECKED;
/* True: the file is the same in both views. Else *told gets a bit for each of
 * its times M A C B D that the file after the journal has too. */
bool disk_views_same(struct disk_views *v, const struct fs_file *f,
                     uint8_t *told);
/* After the journal: is it other than on disk? */
bool disk_views_new(struct disk_views *v, const struct fs_file *f);
/* Forget what only disk_views_same() needs; the sums are whole. */
void disk_views_shrink(struct disk_views *v);
void disk_views_sum(const struct disk_views *v, struct disk_views_sums *out);
