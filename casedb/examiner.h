/*
 * What the examiner adds: custody, notes, tags, verdicts, saved queries, and
 * what analyze derives: links, coverage. Examiner rows are append-only
 * (undo is a new row) and refer to citations, never to row numbers, so that
 * a re-import keeps them. Every write is one transaction with its audit row.
 */
#pragma once

#include "casedb/casedb.h"

struct custody {
    int64_t id, exhibit;
    struct str action, from, to, place, purpose, at_text, entered_by;
    struct instant at, entered;
    int64_t corrects;
};
/* id, entered and entered_by (the actor) are filled in here. ERR_USAGE when
 * the exhibit or the entry to correct does not exist, or a text is not UTF-8.
 */
int case_custody_add(struct casedb *c, const struct custody *e,
                     struct err *err) CHECKED;
/* exhibit 0 = all; in order of entry. */
int case_custody(struct casedb *c, int64_t exhibit,
                 int (*fn)(void *ctx, const struct custody *e), void *ctx,
                 struct err *err) CHECKED;

enum mark_kind { MARK_NOTE, MARK_TAG, MARK_BOOKMARK, MARK_VERDICT };
struct mark {
    int64_t id;
    enum mark_kind kind;
    int64_t event;   /* 0 when the citation has no event (any more) */
    struct str cite; /* X1/...@off+len, or an entity kind:value */
    struct str body; /* note text, tag, verdict */
    struct str author;
    struct instant at;
    int64_t undoes; /* id of the row this one takes back, 0 */
    bool undone;    /* taken back by a later row */
};
/* author (the actor) and at (now) are filled in here. undoes: a row of the
 * same kind that is not undone yet; its cite and event are taken over. The
 * audit row has the SHA-256 of a note's text, not the text. */
int case_mark_add(struct casedb *c, const struct mark *m, int64_t *id,
                  struct err *err) CHECKED;
/* kind -1 = all; event 0 = all. In order of id. */
int case_marks(struct casedb *c, int kind, int64_t event,
               int (*fn)(void *ctx, const struct mark *m), void *ctx,
               struct err *err) CHECKED;

/* Everything searched is kept, zero hits included. */
struct query_entry {
    int64_t id;
    struct instant at;
    struct str author, command, text;
    int64_t hits; /* -1 = not counted */
};
int case_query_add(struct casedb *c, struct str command, struct str text,
                   int64_t hits, struct err *err) CHECKED;
int case_queries(struct casedb *c,
                 int (*fn)(void *ctx, const struct query_entry *q), void *ctx,
                 struct err *err) CHECKED;

/* ---- derived --------------------------------------------------------------
 */

enum link_class { LINK_EXACT, LINK_CANDIDATE, LINK_INFERRED };
enum link_end { LINK_EVENT = 0, LINK_EXHIBIT = 1 };
struct link {
    int64_t id;
    struct str rule; /* "C1" */
    int rule_version;
    enum link_class cls;
    enum link_end a_kind, b_kind;
    int64_t a, b;    /* event id or exhibit number */
    uint32_t entity; /* the shared identifier */
    uint64_t n;      /* events on the b side with this identifier */
    struct str reason;
};
/* Replaces all links of one rule: begin, add.., end, as one transaction. After
 * an error of add or end, nothing is changed; to give up without one:
 * case_rollback. ids are given in order. */
int case_links_begin(struct casedb *c, struct str rule,
                     struct err *err) CHECKED;
int case_link_add(struct casedb *c, const struct link *l,
                  struct err *err) CHECKED;
int case_links_end(struct casedb *c, struct err *err) CHECKED;
/* event 0 = all links; else those that have it at either end. */
int case_links(struct casedb *c, int64_t event,
               int (*fn)(void *ctx, const struct link *l), void *ctx,
               struct err *err) CHECKED;
int case_links_of_entity(struct casedb *c, uint32_t entity,
                         int (*fn)(void *ctx, const struct link *l), void *ctx,
                         struct err *err) CHECKED;

enum coverage_state {
    COVER_PRESENT,
    COVER_ABSENT,
    COVER_UNKNOWN,
    COVER_DAMAGED
};
struct coverage {
    struct str source, account, region;
    int64_t from_s, to_s;
    enum coverage_state state;
    struct str basis; /* why we say so, with the citing event when any */
    int64_t event;
};
/* Replaces all rows, in the same manner. */
int case_coverage_replace_begin(struct casedb *c, struct err *err) CHECKED;
int case_coverage_add(struct casedb *c, const struct coverage *v,
                      struct err *err) CHECKED;
int case_coverage_replace_end(struct casedb *c, struct err *err) CHECKED;
int case_coverage(struct casedb *c,
                  int (*fn)(void *ctx, const struct coverage *v), void *ctx,
                  struct err *err) CHECKED;
/* When analyze last ran: number of events it saw; 0 = never. */
int case_analyzed(struct casedb *c, uint64_t *events, struct err *err) CHECKED;
int case_set_analyzed(struct casedb *c, uint64_t events,
                      struct err *err) CHECKED;
