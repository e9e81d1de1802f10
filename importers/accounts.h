/* Accounts and access: what the readers of its files share (private to
 * importers/accounts*.c). */
#pragma once

#include "importers/identify.h"
#include "importers/lines.h"

struct accounts {
    struct import_job *job;
    struct lines l;
    struct line line;
    struct str owner; /* of the home folder that the file lies in */
    struct buf text, match;
    struct refs refs;
};

/* One event at a->line, or at off..end when end is not 0; its text is a->text,
 * and `why` follows it in brackets. */
struct fact {
    const char *action, *service, *why;
    struct str actor, target;
    uint8_t target_kind;
    bool timed, secret, joined;
    int64_t time; /* start of the day */
    uint64_t off, end;
};
int accounts_give(struct accounts *a, const struct fact *f);

int accounts_authorized(struct accounts *a);
int accounts_known(struct accounts *a);
int accounts_public(struct accounts *a);
int accounts_sshd(struct accounts *a);
int accounts_ssh(struct accounts *a);
int accounts_private(struct accounts *a);
/* Does a line hold a public key as OpenSSH writes it? */
bool accounts_is_key_line(struct str line);
bool accounts_is_private(struct str head);
