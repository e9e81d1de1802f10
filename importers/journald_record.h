/*
 * An entry of a journal file as a record: what its fields say (systemd's
 * journal fields, and the ids of its catalogue of messages).
 */
#pragma once

#include "importers/identify.h"
#include "importers/journald_file.h"

struct journald_record {
    struct record r;
    struct refs refs;
    /* fields of it by what is wrong with them; the first place of each */
    uint64_t damaged[DATA_KINDS], damaged_at[DATA_KINDS];
    bool budget;      /* not all of its fields were read */
    bool differs;     /* its fields are others than its hash is of */
    uint64_t dropped; /* it says that so many messages were lost; ~0: some */
    char ids[3][33];  /* boot and machine id, uid's: hex */
    char uid[64];
    char actor[24];
};

/* Fills all but the place's flags. Values live in the arena and in out. */
void journald_record(struct journald_file *f, const struct journald_entry *e,
                     struct import_job *job, struct journald_record *out);
/* 32 hex digits and a NUL. */
void journald_hex(const unsigned char id[16], char out[33]);
