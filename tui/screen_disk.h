/* The jobs of the screen of disk images (disk_jobs.c). */
#pragma once

#include "analyzer/file_words.h"
#include "base/kinds.h"
#include "tui/app.h"
#include "tui/pane.h"

enum { DISK_BYTES = 64 << 10 }; /* of a file's content at a time */

struct disk_volume {
    int64_t exhibit;
    struct str name;
    uint64_t n, deleted;
    unsigned views;
};

struct disk_entry {
    struct str name, path;
    bool folder;
    struct file_row row; /* id 0: a folder without a row of its own */
};

/* The volumes, or the names of one folder: folders first, by name. */
struct disk_list_job {
    struct job job;
    bool volumes_only, hide_known;
    struct file_query q;
    size_t most;
    struct disk_volume *volumes;
    struct disk_entry *entries;
    size_t n, cap, left_out;
};
int disk_list_run(struct job *job, struct desk *d, struct err *err);

/* All that is known of one file. */
struct disk_about_job {
    struct job job;
    struct file_row file;
    struct pane about;
};
int disk_about_run(struct job *job, struct desk *d, struct err *err);

/* DISK_BYTES of its content from off, as hex. */
struct disk_bytes_job {
    struct job job;
    struct file_row file;
    uint64_t off, size;
    bool at_end;
    struct pane hex;
};
int disk_bytes_run(struct job *job, struct desk *d, struct err *err);

/* A copy of its content beside the case. */
struct disk_save_job {
    struct job job;
    int64_t exhibit;
    struct file_row file;
    char told[200];
};
int disk_save_run(struct job *job, struct desk *d, struct err *err);

struct file_row disk_row_copy(struct arena *a, const struct file_row *f);
