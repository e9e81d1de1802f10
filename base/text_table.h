/*
 * What the text layer needs to know of a code point, from libunistring (its
 * tables, no files, no locale) and our own rules before them.
 */
#pragma once

#include <stdint.h>

enum text_class {
    TEXT_PLAIN,   /* shown as it is */
    TEXT_MARK,    /* zero width: joins the character before it */
    TEXT_RTL,     /* plain, but moves its neighbours on a bidi terminal */
    TEXT_PICTURE, /* C0 and DEL: U+2400..2421 */
    TEXT_ESCAPE,  /* \u{HEX} */
};

struct text_point {
    uint8_t class; /* enum text_class */
    uint8_t width; /* cells when shown as it is: 0 for marks, 1 or 2 */
};

struct text_point text_point(uint32_t cp);
