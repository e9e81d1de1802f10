/*
 * Citations: the stable identity of everything in a case.
 *
 *     E123                        an event (number of this case)
 *     X1                          an exhibit
 *     X1/path/a.json.gz!gz@4711+1312#2   bytes: exhibit, member path, layers,
 *                                 offset + length in the innermost layer, #n
 *     KIND:VALUE or VALUE         an entity
 *
 * In paths, bytes that could be taken for another part are written %HH.
 */
#pragma once

#include "casedb/query.h"

enum cite_form { CITE_EVENT, CITE_EXHIBIT, CITE_PLACE, CITE_ENTITY };

/* A reference taken apart; no case is needed. */
struct cite {
    enum cite_form form;
    int64_t event;           /* EVENT */
    int64_t exhibit;         /* EXHIBIT, PLACE */
    struct str path, layers; /* PLACE: bytes of the path, decoded, in the
                                arena; layers as written, "!gz" */
    bool has_range;          /* PLACE: @off+len was given */
    uint64_t off, len;
    uint16_t sub;
    unsigned kind;    /* ENTITY: 0 = not given */
    struct str value; /* ENTITY: in the arena */
};
/* Never fails but for memory and malformed places: what has no other form is
 * an entity. ERR_USAGE says what is wrong with a place. */
int cite_parse(struct str text, struct arena *a, struct cite *out,
               struct err *err) CHECKED;
/* The one way to write it; appended. */
void cite_put(struct buf *out, const struct cite *c);
void cite_put_member(struct buf *out, const struct member *m);
void cite_put_place(struct buf *out, const struct member *m, uint64_t off,
                    uint64_t len, unsigned sub);
void cite_put_event(struct buf *out, int64_t id);   /* E123 */
void cite_put_exhibit(struct buf *out, int64_t no); /* X1 */

/* The citation of an event's record, in the arena. */
int cite_event(struct casedb *c, const struct event *e, struct arena *a,
               struct str *out, struct err *err) CHECKED;
/* kind:value of an entity, in the arena. */
int cite_entity(struct casedb *c, uint32_t id, struct arena *a, struct str *out,
                struct err *err) CHECKED;

/* What a reference names in this case. */
struct cite_found {
    struct cite cite;
    int64_t event; /* EVENT; PLACE: the event whose record begins there, 0 =
                      none */
    struct member member; /* EVENT, PLACE; in the arena. A place may have
                             more layers than it, or fewer: the bytes of a
                             gzip file themselves */
    uint64_t off, len;    /* EVENT: of its record; PLACE: as given */
    uint32_t entity;      /* ENTITY */
};
/* ERR_USAGE when there is no such thing, or a bare value is of several
 * kinds (the hint names them). */
int cite_find(struct casedb *c, struct str text, struct arena *a,
              struct cite_found *out, struct err *err) CHECKED;
/* The event of member whose record holds the byte at off (exact: begins there
 * with this sub); 0 = none. */
int cite_event_at(struct casedb *c, const struct member *m, uint64_t off,
                  unsigned sub, bool exact, int64_t *event,
                  struct err *err) CHECKED;
