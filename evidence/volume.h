/*
 * Partition tables: GPT (both copies), MBR with its extended chain, or none.
 * An own parser: libtsk loops on some chains and believes headers whose
 * checksum is wrong.
 */
#pragma once

#include "evidence/source.h"

enum volume_table_kind { VOLUMES_NONE, VOLUMES_MBR, VOLUMES_GPT };

enum volume_flag {
    VOLUME_BEYOND = 1,     /* ends behind the medium; len is clipped */
    VOLUME_OVERLAPS = 2,   /* shares sectors with another one */
    VOLUME_REVERSED = 4,   /* starts behind its end: not readable, len 0 */
    VOLUME_UNVERIFIED = 8, /* the table's checksums are wrong */
    VOLUME_LOGICAL = 16,   /* of the MBR's extended chain */
};

enum { VOLUMES_MAX = 1024, VOLUME_ISSUES_MAX = 32 };

struct volume {
    uint32_t number; /* 1.., as Linux counts: the layer "p1" */
    uint32_t flags;
    uint64_t off, len; /* bytes on the medium, inside it */
    uint64_t stated;   /* bytes as the table says */
    uint64_t entry;    /* where the table says it, on the medium */
    uint32_t entry_n;
    uint8_t mbr_type;
    unsigned char type[16], guid[16]; /* GPT, as stored */
    char name[112];                   /* GPT, UTF-8 (bytes of evidence) */
    size_t name_n;
};

struct volume_issue {
    const char *code; /* "gpt-header" */
    uint64_t off, len;
    char text[160]; /* our own words and numbers */
};

struct volume_table {
    enum volume_table_kind kind;
    uint32_t sector; /* bytes: 512 or 4096 */
    uint64_t header; /* of the GPT that is used, on the medium */
    unsigned char disk_guid[16];
    uint32_t disk_signature; /* MBR */
    struct volume *volumes;  /* by number */
    size_t n;
    struct volume_issue issues[VOLUME_ISSUES_MAX];
    size_t n_issues;
};

/* Damage is in t->issues; nonzero only when out of memory or the medium
 * cannot be read at all. */
int volumes_read(struct source *media, struct volume_table *t,
                 struct err *err) CHECKED;
/* What the first bytes of a medium look like; for probes. */
enum volume_table_kind volumes_recognise(struct str head);
void volumes_free(struct volume_table *t);
/* "Linux file system", "EFI system", "type 0x83"; never evidence bytes. */
const char *volume_type_name(const struct volume *v,
                             enum volume_table_kind kind);
/* A GUID's text form, first three fields little-endian. */
void guid_format(char out[37], const unsigned char guid[16]);
/* The volume with this number as a source "pN" over media. */
struct source *volume_open(struct source *media, uint32_t number,
                           struct err *err);
