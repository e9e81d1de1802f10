/*
 * What the message of a well-known program says: sshd, sudo, su, PAM, cron,
 * useradd and its like, systemd, the kernel, clocks, DHCP. For every importer
 * of messages: syslog, journal. docs/formats/host.md has the words.
 */
#pragma once

#include "importers/record.h"

enum { MEANING_REFS = 8 };

struct meaning {
    struct str action; /* "log line" when nothing is known of the message */
    struct str actor;
    uint8_t actor_kind;
    struct str target;
    uint8_t target_kind;
    struct str outcome;
    struct str ip;
    struct str text; /* empty: the message itself */
    struct record_ref refs[MEANING_REFS];
    uint8_t n_refs;
};

/* program without its pid, path and case do not matter. Values point into the
 * message or the arena. */
void meaning_of(struct str program, struct str message, struct arena *arena,
                struct meaning *out);
/* Puts it into a record whose text is the message; refs stay with `m`. */
void meaning_into(const struct meaning *m, struct record *r);
