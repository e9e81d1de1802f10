/*
 * Posting lists: which events of a batch carry an entity (private to
 * casedb/). docs/case-format.md section "Index" describes the bytes.
 *
 * Within a batch, events are ranked by (undated first, t_s, t_ns, id). The
 * batch's time axis maps rank -> (time, id); an entity's list is a set of
 * ranks per role, so boolean combinations are set operations in time order.
 *
 * Row id = batch << 47 | entity << 16 | part. Entity 0 is the axis.
 */
#pragma once

#include "casedb/db.h"
#include "base/varint.h"

enum {
    POSTING_AXIS_PART = 1024, /* ranks per row of the axis */
    POSTING_PART = 2048,      /* entries per part of a long list */
    POSTING_PAGE = 8132,      /* bytes of a packed row: one database page */
    POSTING_BATCH_MAX = 65535,
    POSTING_RANK_MAX = 131071, /* 17 bits in uid_index */
    POSTING_TWICE = 0x80,      /* no role, see posting_counts */
    POSTING_SINGLE = 0x80,     /* in a packed row: role of a list of one */
};

static inline int64_t posting_id(uint32_t batch, uint32_t entity, uint32_t part)
{
    return (int64_t)((uint64_t)batch << 47 | (uint64_t)entity << 16 | part);
}

/* One list entry set to be written: ranks ascending. */
struct posting_list {
    uint32_t entity;
    uint8_t role;
    const uint32_t *ranks;
    size_t n;
};

/* Writes the lists of one batch; lists must come in (entity, role) order. */
struct posting_writer {
    struct casedb *c;
    uint32_t batch;
    struct buf page;      /* packed row being filled */
    uint32_t page_entity; /* first entity in it */
    uint32_t last_entity;
    struct posting_list pending[16]; /* the lists of one entity */
    size_t n_pending;
};
int posting_put(struct posting_writer *w, const struct posting_list *l,
                struct err *err) CHECKED;
int posting_end(struct posting_writer *w, struct err *err) CHECKED;

struct posting_time {
    bool timed;
    struct instant t;
    uint32_t index; /* event id - first_event of the batch */
};
/* The axis of a batch: n entries in rank order, n_undated first. */
int posting_put_axis(struct casedb *c, uint32_t batch,
                     const struct posting_time *axis, size_t n, bool has_ns,
                     struct err *err) CHECKED;

/* ---- reading ---- */

struct posting_batch {
    uint32_t id;
    int64_t first_event;
    uint32_t n, n_undated;
    int64_t min_s, max_s;   /* of dated events */
    struct instant *starts; /* time of each axis part's first dated entry,
                               loaded on demand */
    uint32_t n_parts;
    bool has_ns;
};

/* Fills b->starts. */
int posting_starts(struct casedb *c, struct posting_batch *b,
                   struct err *err) CHECKED;
/* Decodes axis part p into out[POSTING_AXIS_PART]; *n entries. */
int posting_axis(struct casedb *c, struct posting_batch *b, uint32_t part,
                 struct posting_time *out, uint32_t *n,
                 struct err *err) CHECKED;
/* First rank whose event is dated and not before t (n when none). */
int posting_rank(struct casedb *c, struct posting_batch *b, struct instant t,
                 uint32_t *rank, struct err *err) CHECKED;
/* The same for n instants, ascending; reads no more of the axis than they lie
 * in, and of it the times alone. */
int posting_ranks(struct casedb *c, struct posting_batch *b,
                  const struct instant *t, size_t n, uint32_t *ranks,
                  struct err *err) CHECKED;

/* A list opened for one batch and one entity. */
struct posting_part {
    uint32_t first, last; /* first rank; first rank of what follows */
    uint32_t part, count;
    uint8_t role;
};
struct posting_cursor {
    uint32_t batch, entity, role_mask;
    uint32_t roles; /* all that the entity has here, a bit each */
    uint64_t count; /* entries with the asked roles */
    /* short lists: decoded whole, ascending, without doubles */
    uint32_t *ranks;
    size_t n, cap;
    /* long lists */
    struct posting_part *parts;
    size_t n_parts;
};
int posting_open(struct casedb *c, uint32_t batch, uint32_t entity,
                 uint32_t role_mask, struct posting_cursor *out,
                 struct err *err) CHECKED;
void posting_close(struct posting_cursor *p);
/* Set the bits of ranks in [lo, hi) into words (bit 0 = rank lo); lo is a
 * multiple of 64. ORs into what is there. `mask`, of the same window, says
 * which ranks are asked for (NULL: all): parts without any are not read, the
 * others may set more. */
int posting_window(struct casedb *c, struct posting_cursor *p, uint32_t lo,
                   uint32_t hi, const uint64_t *mask, uint64_t *words,
                   struct err *err) CHECKED;
/* A lower bound of the next rank >= lo in the list (UINT32_MAX: none), and an
 * upper bound of the previous rank < hi, + 1 (0: none). */
uint32_t posting_next(const struct posting_cursor *p, uint32_t lo);
uint32_t posting_prev(const struct posting_cursor *p, uint32_t hi);

/* ORs the ranks of any of the ids (ascending, with one of the roles) into the
 * words of a whole batch; reads each row once, however many ids. */
int posting_union(struct casedb *c, const struct posting_batch *b,
                  const uint32_t *ids, size_t n, uint32_t role_mask,
                  uint64_t *words, struct err *err) CHECKED;

/* Counts per list of one kind's entities in one batch. With the role
 * POSTING_TWICE, n entries are to be taken off to count events: those have the
 * entity in several roles. Not 0 stops and is returned. */
typedef int posting_count_fn(void *ctx, uint32_t entity, uint8_t role,
                             uint64_t n);
int posting_counts(struct casedb *c, const struct posting_batch *b,
                   unsigned kind, posting_count_fn *fn, void *ctx,
                   struct err *err) CHECKED;
