/* What rules of links.c share (within analyzer/). */
#pragma once

#include "analyzer/links.h"

struct links_run {
    struct casedb *c;
    const struct links_rule *rule;
    const struct analyzer_ticker *ticker;
    struct links_result *result;
    struct arena arena; /* of the rule; freed after it */
    void *inventory;    /* of links_evidence.c, kept between rules */
};

/* Fills rule and version; reason: our words and display form only. */
int links_add(struct links_run *r, const struct link *l,
              struct err *err) CHECKED;

/* First and last event with the entity in one of these roles, and their
 * number; n 0 = none. after: only later ones (NULL = all). */
struct links_use {
    uint64_t n;
    struct hit first, last;
};
int links_use(struct links_run *r, uint32_t entity, uint32_t role_mask,
              struct links_use *out, struct err *err) CHECKED;

int links_issued(struct links_run *r, struct err *err) CHECKED;    /* C1 */
int links_key_made(struct links_run *r, struct err *err) CHECKED;  /* C2 */
int links_shared(struct links_run *r, struct err *err) CHECKED;    /* C3 */
int links_made(struct links_run *r, struct err *err) CHECKED;      /* C7 */
int links_exhibit(struct links_run *r, struct err *err) CHECKED;   /* C8 */
int links_inside(struct links_run *r, struct err *err) CHECKED;    /* C9 */
int links_key_found(struct links_run *r, struct err *err) CHECKED; /* C22 */
