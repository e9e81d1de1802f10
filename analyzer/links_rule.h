/* What rules of links.c share (within analyzer/). */
#pragma once

#include "analyzer/links.h"

struct links_run {
    struct casedb *c;
    const struct links_rule *rule;
    const struct raw_reader *raw; /* may be NULL */
    const struct analyzer_ticker *ticker;
    struct links_result *result;
    struct arena arena; /* of the rule; freed after it */
    void *inventory;    /* of links_evidence.c, kept between rules */
};

/* Fills rule and version; reason: our words and display form only. */
int links_add(struct links_run *r, const struct link *l,
              struct err *err) CHECKED;

/* First and last event of a plan, and their number; n 0 = none. */
struct links_use {
    uint64_t n;
    struct hit first, last;
};
int links_tally(struct links_run *r, const struct plan *p,
                struct links_use *out, struct err *err) CHECKED;
/* Of the events with the entity in one of these roles. */
int links_use(struct links_run *r, uint32_t entity, uint32_t role_mask,
              struct links_use *out, struct err *err) CHECKED;
/* Entities of a kind, in order of id. */
int links_entities(struct links_run *r, unsigned kind,
                   struct entity_count **out, size_t *n,
                   struct err *err) CHECKED;
/* "2026-03-11T02:00:00Z", "at no known time" */
void links_put_time(struct buf *b, const struct hit *h);
/* "1 event", "3 events" */
void links_put_n(struct buf *b, uint64_t n, const char *what);
/* "CreateAccessKey": the action of an event in display form, or "an event" */
const char *links_action(struct links_run *r, const struct event *e);

/* ---- the exhibits (links_evidence.c) ------------------------------------- */

struct links_exhibit_row {
    int64_t no;
    struct str kind;
    int64_t first_event, end_event; /* [first, end) */
};
/* An EC2 id that is written in or about an exhibit. */
struct links_mention {
    int64_t exhibit;
    uint32_t entity;
    bool stated;       /* by who acquired it, not found inside */
    const char *where; /* "the note", in our words */
    struct str name;   /* of the fact or member, evidence */
};
struct links_inventory {
    struct links_exhibit_row *exhibits;
    size_t n_exhibits;
    struct links_mention *mentions; /* by exhibit, entity, stated first */
    size_t n_mentions;
    uint32_t *cloudtrail; /* source ids of CloudTrail, in whatever form */
    size_t n_cloudtrail;
    bool others; /* there are events of other sources */
    struct arena arena;
    size_t cap_exhibits, cap_mentions;
};
/* Made at first need. */
int links_inventory(struct links_run *r, struct links_inventory **out,
                    struct err *err) CHECKED;
void links_inventory_free(void *inventory);
/* The exhibit of an event; NULL when there is none. */
const struct links_exhibit_row *
links_exhibit_of(const struct links_inventory *in, int64_t event);
/* What an id in a text is: *n its length, 0 = none begins here. */
unsigned links_ec2_id(struct str text, size_t at, size_t *n);

/* Where an id stands outside CloudTrail: by exhibit, first dated event (else
 * the first) and number.
 * list has room for all exhibits and one. */
struct links_found {
    const struct links_exhibit_row *exhibit;
    struct hit first;
    uint64_t n;
};
int links_elsewhere(struct links_run *r, const struct links_inventory *in,
                    uint32_t id, struct links_found *list, size_t *n,
                    struct err *err) CHECKED;
/* Its events of CloudTrail in one of these roles (0: any). */
int links_in_trail(struct links_run *r, const struct links_inventory *in,
                   uint32_t id, uint32_t role_mask, struct links_use *out,
                   struct err *err) CHECKED;

/* The instances that exhibits were last booted as, by cloud-init's own note
 * (links_host.c). In the rule's arena. */
struct links_booted {
    const struct links_exhibit_row *exhibit;
    uint32_t instance;
    int64_t event;
};
int links_booted(struct links_run *r, const struct links_inventory *in,
                 struct links_booted **out, size_t *n, struct err *err) CHECKED;

int links_issued(struct links_run *r, struct err *err) CHECKED;     /* C1 */
int links_key_made(struct links_run *r, struct err *err) CHECKED;   /* C2 */
int links_shared(struct links_run *r, struct err *err) CHECKED;     /* C3 */
int links_made(struct links_run *r, struct err *err) CHECKED;       /* C7 */
int links_exhibit(struct links_run *r, struct err *err) CHECKED;    /* C8 */
int links_inside(struct links_run *r, struct err *err) CHECKED;     /* C9 */
int links_disk_of(struct links_run *r, struct err *err) CHECKED;    /* C9 too */
int links_same_ids(struct links_run *r, struct err *err) CHECKED;   /* C10 */
int links_pushed_key(struct links_run *r, struct err *err) CHECKED; /* C13 */
int links_command(struct links_run *r, struct err *err) CHECKED;    /* C15 */
int links_user_data(struct links_run *r, struct err *err) CHECKED;  /* C16 */
int links_key_found(struct links_run *r, struct err *err) CHECKED;  /* C22 */
