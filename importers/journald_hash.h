/*
 * The two hashes of journal files: of every DATA object, and of the fields of
 * an ENTRY together.
 */
#pragma once

#include "base/str.h"

/* SipHash-2-4 (Aumasson, Bernstein 2012) with a key of 16 bytes. */
uint64_t journald_siphash(struct str s, const unsigned char key[16]);
/* hashlittle2 of Bob Jenkins' lookup3 (2006), both words from 0, the first one
 * in the high half. */
uint64_t journald_jenkins(struct str s);
