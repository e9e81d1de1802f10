/* Base64 (RFC 4648, section 4): the plain alphabet. */
#pragma once

#include "base/str.h"

enum base64_flag {
    BASE64_BREAKS = 1, /* blanks and line breaks are passed over */
    BASE64_NOISE = 2,  /* other bytes, too; the answer is false all the same */
};

/* Appends the bytes, up to the first `=`. False: a byte that is no digit, a
 * digit alone at the end, or no memory (out->failed). */
bool base64_decode(struct str s, unsigned flags, struct buf *out);
/* pad: with `=` to a multiple of four. */
void base64_encode(struct buf *out, struct str bytes, bool pad);
