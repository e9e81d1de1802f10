/* Histories: what their readers share (private to importers/history*.c). */
#pragma once

#include "importers/identify.h"
#include "importers/lines.h"

struct history {
    struct import_job *job;
    struct lines l;
    struct line line;
    const char *program; /* bash, vim, .. */
    struct str owner;
    struct buf text, masked;
    struct refs refs;
    uint64_t given;
};

struct history_item {
    const char *action; /* NULL: command */
    struct str text;    /* decoded */
    struct str file;    /* target, or empty */
    bool timed;
    int64_t time;
    uint64_t off, end;
    bool joined; /* of several lines */
};

/* One event; refs that were added to h->refs before go along. */
int history_give(struct history *h, const struct history_item *item);
/* `text` of digits as a time that a history can hold: 1990 to 2200. */
bool history_time(struct str digits, int64_t *t);

int history_vim(struct history *h);
int history_less(struct history *h);
