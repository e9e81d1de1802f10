/*
 * Text in UTF-16 as a layer of its own, "!utf16": the same text in UTF-8, so
 * that importers read one encoding and offsets are those of what they read.
 * The byte order mark is no part of it. A surrogate without its partner comes
 * in its three-byte form (as WTF-8 has it), so that nothing is lost.
 */
#pragma once

#include "evidence/source.h"

struct utf16_report {
    bool big;      /* most significant byte first */
    bool bom;      /* began with a byte order mark */
    bool odd;      /* the last byte is half a unit: left out */
    uint64_t lone; /* surrogates without their partner */
};

/* Is this UTF-16 text? By its byte order mark, or by ASCII text with a zero in
 * every other byte; the first units must be characters of text. */
bool utf16_recognise(struct str head);
/* Reads below once to know the length. ERR_EVIDENCE: not UTF-16. */
struct source *source_open_utf16(struct source *below, struct err *err);
/* Valid while the source is open. */
const struct utf16_report *utf16_source_report(const struct source *s);
