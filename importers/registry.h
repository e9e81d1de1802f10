/*
 * What the parts of the registry's importer share: the hive at hand, and
 * events about a key or value of it.
 */
#pragma once

#include "importers/identify.h"
#include "importers/importer.h"
#include "importers/regf.h"
#include "importers/registry_rules.h"

struct hive {
    struct import_job *job;
    struct regf regf;
    struct str kind, user, inner;
    struct arena names; /* of the hive, until it is read */
    struct buf path;    /* of the key at hand */
    struct buf name, text, masked;
    struct refs refs;
    uint32_t flags; /* of the events: recovered, deleted */
    unsigned char *seen;
    uint64_t steps; /* entries of lists that may still be looked at */
    uint64_t keys, remnants, rejects;
};

struct registry_event {
    struct record r;
};

/* A new event about a cell; its text is h->text, still empty. */
void registry_event(struct hive *h, struct registry_event *e,
                    const struct regf_cell *c, uint64_t written);
void registry_time(struct registry_event *e, uint64_t filetime);
int registry_emit(struct hive *h, struct registry_event *e) CHECKED;
int registry_reject(struct hive *h, uint64_t off, uint64_t len,
                    const char *why) CHECKED;
/* A value by its name. */
bool registry_value(struct hive *h, const struct regf_key *k, struct str name,
                    struct regf_value *out);
struct str registry_data(struct hive *h, const struct regf_value *v);
struct str registry_text(struct hive *h, const struct regf_value *v);

/* Values of a form of their own (registry_forms.c). */
int registry_assist(struct hive *h, const struct regf_key *k,
                    const struct registry_rule *rule,
                    const struct regf_value *v, struct str name) CHECKED;
int registry_shutdown(struct hive *h, const struct regf_key *k,
                      const struct registry_rule *rule) CHECKED;
int registry_installed(struct hive *h, const struct regf_key *k) CHECKED;
/* The time zone as a rule of POSIX. */
int registry_zone(struct hive *h, const struct regf_key *k) CHECKED;
int registry_network(struct hive *h, const struct regf_key *k,
                     struct str name) CHECKED;
int registry_user(struct hive *h, const struct regf_key *k,
                  const struct registry_rule *rule) CHECKED;
int registry_domain(struct hive *h, const struct regf_key *k,
                    const struct registry_rule *rule) CHECKED;
