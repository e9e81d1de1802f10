/* What will run by itself: what the readers of its files share (private to
 * importers/persistence*.c). */
#pragma once

#include "importers/identify.h"
#include "importers/lines.h"

struct persistence {
    struct import_job *job;
    struct lines l;
    struct line line;
    struct str owner; /* of the file's home folder or spool */
    struct str unit;  /* the unit a file belongs to, or empty */
    const char *action;
    struct buf text, masked, joined;
    struct refs refs;
};

/* One entry at h->line, or at off..end when end is not 0. */
struct entry {
    const char *action; /* NULL: persistence.action */
    struct str text;
    struct str target;
    uint8_t target_kind; /* 0: KIND_FILE */
    struct str actor;
    const char *service;
    const char *why; /* in brackets behind the text; NULL: nothing to say */
    bool timed;
    int64_t time;
    bool joined;
    uint16_t sub; /* #n, where a line gives several */
    uint64_t off, end;
};
int persistence_give(struct persistence *p, const struct entry *e);
/* The next line that says something: joined where it ends in a backslash,
 * blanks at both ends and comments left out. comments: characters that begin
 * one. 0, LINES_END or no memory. e gets its place. */
int persistence_next(struct persistence *p, const char *comments, struct str *s,
                     struct entry *e);
/* The next word of *s, without its quotes; false at the end. */
bool persistence_word(struct str *s, struct str *word);
/* What a command line runs: its first word behind assignments, `exec`, `nohup`
 * and the like; of `sh -c '..'` that of the inner one. */
struct str persistence_program(struct str command);
/* Why a line of a shell's start files is worth a row; NULL: it is not. */
const char *persistence_odd(struct str line);

int persistence_cron_system(struct persistence *p);
int persistence_cron_user(struct persistence *p);
int persistence_anacron(struct persistence *p);
int persistence_at(struct persistence *p);
/* Is this what a crontab looks like? */
bool persistence_is_cron(struct str head);
int persistence_unit(struct persistence *p);
bool persistence_is_unit(struct str head);
int persistence_desktop(struct persistence *p);
int persistence_profile(struct persistence *p);
int persistence_script(struct persistence *p);
int persistence_commands(struct persistence *p);
int persistence_preload(struct persistence *p);
int persistence_ldconf(struct persistence *p);
int persistence_pam(struct persistence *p);
int persistence_udev(struct persistence *p);
int persistence_modules(struct persistence *p);
