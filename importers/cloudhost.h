/*
 * What importers of the cloud's side of a host share: the ids that stand in
 * paths (instances, commands and sessions of Systems Manager) and in texts.
 */
#pragma once

#include "importers/identify.h"
#include "importers/importer.h"

struct cloudhost {
    struct import_job *job;
    struct str service;  /* the program that wrote the file */
    struct str instance; /* of the path; empty: none */
    struct str command;  /* likewise: a command or session id */
    bool session;        /* it is a session */
    struct str plugin;   /* what lies below it: "awsrunShellScript" */
    struct refs refs;
    struct buf masked; /* of the record at hand */
    bool bare;         /* its text is not looked at for identifiers */
};

void cloudhost_open(struct cloudhost *h, struct import_job *job,
                    struct str service);
void cloudhost_close(struct cloudhost *h);
/* Entities of the record to be: none, but those of the path. */
void cloudhost_begin(struct cloudhost *h);
/* The identifiers in a text, as mentions. */
void cloudhost_mention(struct cloudhost *h, struct str text);
/* Masks the text, gives the record its service and entities, and emits it. */
int cloudhost_record(struct cloudhost *h, struct record *r) CHECKED;
/* What has no time of its own: when the content was last changed, where that
 * is known. */
void cloudhost_modified(const struct cloudhost *h, struct record *r);

/* All of the member, read on up to `most` bytes; false: no memory. Longer: the
 * part that is there, with in->eof not set. */
bool cloudhost_whole(struct import_job *job, size_t most, struct str *all);

/* Is it the id of an instance: i-, or mi- of a machine that is no instance? */
bool cloudhost_is_instance(struct str s);
/* 8-4-4-4-12 hex digits, lower case as the agents write them. */
bool cloudhost_is_uuid(struct str s);
/* NAME-0123456789abcdef0 (17 hex digits) or NAME- and 26 letters and digits. */
bool cloudhost_is_session(struct str s);
/* The UUID or session id that text names as a command (see the file). */
bool cloudhost_command_in(struct str text, struct str *id, bool *session);
