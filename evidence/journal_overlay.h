/*
 * Cells of a volume that a journal replaces: for the replay of one format,
 * then the state of the source that journal_replay returns. A cell is either
 * bytes in memory or stands at another place of the volume.
 */
#pragma once

#include "evidence/journal.h"

struct overlay;

/* grain: bytes of a cell, a power of two from 512 to 65536. vol is borrowed.
 * NULL: out of memory. */
struct overlay *overlay_open(struct source *vol, uint32_t grain);
void overlay_free(struct overlay *o);
/* Cell number `cell` is what stands at `from`; its first four bytes are
 * replaced by head[] when has_head. False: out of memory. */
bool overlay_remap(struct overlay *o, uint64_t cell, uint64_t from,
                   const unsigned char *head);
/* Bytes into the overlay; what is not written of a cell stays as it is. False:
 * no memory, or JOURNAL_BYTES_MAX is reached; then nothing is written. */
bool overlay_write(struct overlay *o, uint64_t off, const void *p, size_t n);
/* The volume as replaced so far. False when it ends before or bytes of it are
 * gaps. */
bool overlay_read(struct overlay *o, uint64_t off, void *p, size_t n);
bool overlay_covers(const struct overlay *o, uint64_t off, uint64_t n);
uint64_t overlay_cells(const struct overlay *o);
/* The source "journal"; o belongs to it, also when this fails. */
struct source *overlay_source(struct overlay *o, struct err *err);

/* ---- one function a format ---------------------------------------------- */

struct journal_job {
    struct source *vol;
    struct journal_report *report;
    struct overlay *overlay; /* made by the format when it has to apply */
};
/* Fill report and, for JOURNAL_DIRTY, overlay. Nonzero: err says why. */
int jbd2_replay(struct journal_job *job, struct err *err);
int xfs_log_replay(struct journal_job *job, struct err *err);
/* Append to report->why, "; " between; what does not fit is left out whole. */
void journal_why(struct journal_report *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
