#include "reports/words.h"

static const char *const texts[WORDS][REPORT_LANGS] = {
    [W_NONE] = { "", "" },
#define WORD(name, en, ja) [W_##name] = { en, ja },
#include "reports/words.def"
#undef WORD
};

struct str word_text(enum report_lang lang, enum word w)
{
    return str_from(texts[w][lang]);
}

struct str word_lang(enum report_lang lang)
{
    return lang == REPORT_JA ? STR("ja") : STR("en");
}
