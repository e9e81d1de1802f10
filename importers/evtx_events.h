/*
 * Windows events that are told as actions: which field of the event is who,
 * what, from where. Data only; importers/evtx.c reads it.
 */
#pragma once

#include "base/str.h"

struct evtx_rule {
    uint16_t id;
    const char *provider;
    const char *action; /* docs/formats/host.md */
    const char *says;   /* what happened, our words */
    const char *outcome;
    /* names of fields, NULL: none; unnamed ones are called 1, 2, .. */
    const char *status; /* outcome when it is not zero */
    const char *actor, *target;
    uint8_t target_kind;
    const char *ip;
    const char *show; /* fields of the text in order; NULL: all */
};

/* NULL: no rule for this event. */
const struct evtx_rule *evtx_rule_of(struct str provider, unsigned id);
/* Meaning of a value that is a number; empty: not known. */
struct str evtx_meaning(struct str field, struct str value);
