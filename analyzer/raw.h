/*
 * Raw records, handed in from above: the analyzer never opens evidence. A
 * caller without evidence at hand passes NULL; what needs it then says so.
 */
#pragma once

#include "casedb/query.h"

struct raw_reader {
    void *ctx;
    /* The bytes of an event's record, in the arena. ERR_EVIDENCE when they
     * are not at hand: the row is then counted as not looked at. */
    int (*read)(void *ctx, const struct event *e, struct arena *a,
                struct str *raw, struct err *err);
    /* The records of n events, as read does; each file is opened and decoded
     * once for all that lie in it, whatever their order. Those not at hand
     * have p NULL. The caller bounds the sum of the lengths. May be NULL. */
    int (*read_many)(void *ctx, const struct event *const *e, size_t n,
                     struct arena *a, struct str *raw, struct err *err);
    /* Calls hit once for every event whose record holds the bytes `text`
     * (fold: ASCII letters in either case), in any order; doubles do no harm.
     * *unread: bytes or files that could not be searched. A nonzero result of
     * hit stops and is returned. May be NULL: records are read one by one. */
    int (*search)(void *ctx, struct str text, bool fold,
                  int (*hit)(void *hit_ctx, int64_t event), void *hit_ctx,
                  uint64_t *unread, struct err *err);
};

/* read_many, or read one by one where there is none; a reader of NULL has
 * nothing at hand. */
int raw_read_many(const struct raw_reader *r, const struct event *const *e,
                  size_t n, struct arena *a, struct str *raw,
                  struct err *err) CHECKED;

/* Told now and then by what takes long; nonzero stops with ERR_STOPPED.
 * all = 0: not known. NULL everywhere means nobody is interested. */
struct analyzer_ticker {
    void *ctx;
    int (*tick)(void *ctx, const char *what, uint64_t done, uint64_t all);
};
int analyzer_tick(const struct analyzer_ticker *t, const char *what,
                  uint64_t done, uint64_t all, struct err *err) CHECKED;
