/*
 * LUKS: what the header of an encrypted volume says in the clear.
 * Source: LUKS1 on-disk format 1.2.3 section 2.1, LUKS2 on-disk format 1.1
 * section 2.1; big-endian. Both: magic, version (u16 at 6), uuid (40 letters at
 * 168). Version 1: cipher at 8, its mode at 40, hash at 72 (32 bytes each).
 * Version 2: label (48 bytes at 24), checksum's name at 72, subsystem (48 at
 * 208).
 */
#pragma once

#include "evidence/source.h"

struct luks_info {
    unsigned version;
    /* Bytes of evidence, ended by NUL; empty where there is none. */
    char uuid[41], label[49], cipher[33], mode[33], hash[33];
};

/* False: no LUKS header. */
bool luks_read(struct source *vol, struct luks_info *info);
