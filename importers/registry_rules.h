/*
 * Keys of the registry that say more than that they were changed. Data only;
 * importers/registry.c reads it.
 */
#pragma once

#include "base/str.h"

enum registry_form {
    FORM_KEY,      /* one event for the key, its values in the text */
    FORM_VALUES,   /* one for each value: name and data */
    FORM_MRU,      /* one for each value: text at the start of its data */
    FORM_ASSIST,   /* UserAssist: name in ROT13, data with count and time */
    FORM_SHUTDOWN, /* value is a FILETIME: the event's own time */
    FORM_RELEASE,  /* Windows NT\CurrentVersion: also when installed */
    FORM_ZONE,     /* also as a rule of POSIX */
    FORM_NETWORK,  /* two times of 16 bytes */
    FORM_NAME,     /* the key itself is the news, whatever its values */
    FORM_USER,     /* SAM: F and V */
    FORM_DOMAIN,   /* SAM: V ends in the machine's SID */
};

struct registry_rule {
    const char *path; /* last components; `*` within one */
    const char *action;
    const char *says;
    uint8_t form; /* enum registry_form */
    uint8_t target_kind;
    /* Names of values in order, "|" between; NULL: all. A key
     * without any of them is not told; nor without the first one where that
     * is the target, or the target a unit. */
    const char *values;
    const char *target; /* value that is the target; NULL: the key's name,
                           of FORM_VALUES the value's */
};

/* The rules for a path, one after the other; NULL: no further one. */
const struct registry_rule *registry_rule_next(struct str path,
                                               const struct registry_rule *r);
