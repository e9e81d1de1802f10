#include "base/text_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <unictype.h>
#include <uniwidth.h>

/* Looks empty or like one of our own marks, though Unicode calls it visible:
 * U+FFFD, the control pictures, blank Braille, the null notehead. */
static bool is_misleading(uint32_t cp)
{
    return cp == 0xfffd || (cp >= 0x2400 && cp <= 0x2421) || cp == 0x2800 ||
           cp == 0x1d159;
}

/* Control, format, surrogate, private, unassigned, separators. U+0020 and
 * U+3000 are the only blanks whose look tells what they are. */
static bool is_invisible(uint32_t cp)
{
    if (cp == ' ' || cp == 0x3000)
        return false;
    return uc_is_general_category_withtable(cp, UC_CATEGORY_MASK_C |
                                                    UC_CATEGORY_MASK_Z) ||
           uc_is_property_default_ignorable_code_point(cp);
}

static bool is_rtl(uint32_t cp)
{
    switch (uc_bidi_category(cp)) {
    case UC_BIDI_R:
    case UC_BIDI_AL:
    case UC_BIDI_AN:
        return true;
    default:
        return false;
    }
}

/* Kana, Han and Hangul are most of what is asked beyond ASCII; the long way
 * below would give the same answer (a test compares). */
static bool is_plain_wide(uint32_t cp)
{
    return (cp >= 0x4e00 && cp <= 0x9ffc) || (cp >= 0x3041 && cp <= 0x3096) ||
           (cp >= 0x30a1 && cp <= 0x30fe) || (cp >= 0xac00 && cp <= 0xd7a3);
}

struct text_point text_point(uint32_t cp)
{
    if (cp < 0x20 || cp == 0x7f)
        return (struct text_point){ TEXT_PICTURE, 1 };
    if (cp < 0x7f)
        return (struct text_point){ TEXT_PLAIN, 1 };
    if (is_plain_wide(cp))
        return (struct text_point){ TEXT_PLAIN, 2 };
    int width =
        is_misleading(cp) || is_invisible(cp) ? -1 : uc_width(cp, "UTF-8");
    if (width < 0)
        return (struct text_point){ TEXT_ESCAPE, 0 };
    if (width == 0)
        return (struct text_point){ TEXT_MARK, 0 };
    return (struct text_point){ is_rtl(cp) ? TEXT_RTL : TEXT_PLAIN,
                                (uint8_t)width };
}
