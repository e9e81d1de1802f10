/*
 * Our own texts in reports, in each language: the only place where they are.
 * {} stands for a value.
 */
#pragma once

#include "base/str.h"

enum report_lang { REPORT_EN, REPORT_JA, REPORT_LANGS };

enum word {
    W_NONE,
#define WORD(name, en, ja) W_##name,
#include "reports/words.def"
#undef WORD
    WORDS
};

struct str word_text(enum report_lang lang, enum word w);
/* "en", "ja": also the lang attribute. */
struct str word_lang(enum report_lang lang);
