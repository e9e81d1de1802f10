/*
 * Events in words: one line for lists and reports, all fields for the detail
 * view. Texts are bytes of evidence: they pass the text layer when shown.
 */
#pragma once

#include "casedb/query.h"

/* The part of an identifier that people know: role/session, user name, last
 * part of a path. A view of value. */
struct str describe_short(unsigned kind, struct str value);
/* Same for an entity id; "" for 0. Valid as case_text says. */
struct str describe_name(struct casedb *c, uint32_t id);

/* "who action target, outcome", parts that are not known left out; for log
 * lines the text. At most `most` bytes of the text (0 = all). Appended. */
void describe_event(struct casedb *c, const struct event *e, size_t most,
                    struct buf *out);

/* The parts of that line for columns; in the arena. */
struct describe_parts {
    struct str source, actor, action, target, outcome, from, text;
};
int describe_parts(struct casedb *c, const struct event *e, struct arena *a,
                   struct describe_parts *out, struct err *err) CHECKED;

/* "2026-03-11T02:13:02.117Z" with the digits that are known; zone minutes
 * east. Undated: "(no time)". Appended. */
void describe_time(const struct event *e, int offset_min, struct buf *out);
/* Whether the time is approximate or its zone assumed, in words; "" = no. */
const char *describe_zone(const struct event *e);

struct describe_row {
    const char *label;
    struct str value;
    uint32_t entity; /* 0 = a plain value */
    uint8_t role;    /* of the entity */
};
/* All that the row says, columns first, then other identifiers by role. */
int describe_detail(struct casedb *c, const struct event *e, struct arena *a,
                    struct describe_row **out, size_t *n,
                    struct err *err) CHECKED;
/* An id of the source (event.uid, .request) as people write it: a UUID from
 * its 16 bytes, any other as it is. Appended. */
void describe_id(struct str id, struct buf *out);
/* The flags of an event, ended by bit 0: as a word for programs and filters,
 * and in words for people. */
struct describe_flag {
    uint32_t bit;
    const char *word, *text;
};
extern const struct describe_flag describe_flag_list[];
/* "read-only, data event", display form, appended. */
void describe_flags(uint32_t flags, struct buf *out);
/* "none", "low", .. of event.severity */
const char *describe_severity(unsigned severity);
