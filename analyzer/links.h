/*
 * Links: what rules join, each with its class, its reason in words and the
 * number of alternatives. A rule is a line of the table and a file or
 * function of its own. The same case gives the same links in the same order.
 */
#pragma once

#include "analyzer/raw.h"
#include "casedb/examiner.h"

struct links_run;

struct links_rule {
    const char *id;    /* "C1" */
    int version;       /* raised whenever its result may change */
    const char *title; /* "Credential issued and used" */
    const char *says;  /* what a link of this rule means, and what not */
    enum link_class cls;
    /* Adds the rule's links by links_add; NULL: a rule that gives none, on
     * purpose (its `says` tells why). */
    int (*run)(struct links_run *r, struct err *err);
};
extern const struct links_rule links_rules[];
extern const size_t links_n_rules;
const struct links_rule *links_rule_find(struct str id);
const char *links_class_name(enum link_class cls);

struct links_result {
    uint64_t links;   /* of all rules */
    uint64_t skipped; /* identifiers with more events than a rule looks at */
};
/* Runs every rule, each in a transaction of its own. raw may be NULL: expiries
 * are then not known. */
int links_make(struct casedb *c, const struct raw_reader *raw,
               const struct analyzer_ticker *t, struct links_result *out,
               struct err *err) CHECKED;
