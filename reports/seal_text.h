/* VERIFY-en.txt and VERIFY-ja.txt: how to check a bag without this program. */
#pragma once

#include "reports/words.h"

void seal_text(struct buf *out, enum report_lang lang, struct str bag);
