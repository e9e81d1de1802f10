/* The display form: safe, reversible, of known width; every sink keeps its
 * promise. The first byte chooses the flags. */
#include "base/json.h"
#include "base/text.h"
#include "base/text_table.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void need(bool good)
{
    if (!good)
        abort();
}

static void show(struct str s, unsigned flags)
{
    struct buf shown = { 0 }, back = { 0 };
    struct text_iter it;
    struct text_cell cell;
    size_t width = 0;
    text_show(&shown, s, flags);
    need(text_utf8_valid(buf_str(&shown)));
    for (size_t i = 0; i < shown.n; i++) {
        unsigned char c = (unsigned char)shown.p[i];
        need(c != 0x7f && (c >= 0x20 || (c == '\n' && flags & TEXT_KEEP_LF)));
        need(c < 0x80 || !(flags & TEXT_ASCII));
    }
    need(text_parse(&back, buf_str(&shown)) && str_eq(buf_str(&back), s));
    text_iter_open(&it, s, flags);
    while (text_iter_next(&it, &cell))
        width += cell.width;
    need(width == text_width(buf_str(&shown)));
    for (size_t cells = 0; cells < 100; cells += 9) {
        buf_clear(&back);
        size_t used = text_clip(&back, s, cells, flags);
        need(used <= cells && used == text_width(buf_str(&back)));
    }
    buf_free(&shown);
    buf_free(&back);
}

static void sinks(struct str s)
{
    struct buf b = { 0 }, back = { 0 };
    text_cite(&b, s, true);
    need(text_uncite(&back, buf_str(&b)) && str_eq(buf_str(&back), s));
    buf_clear(&b);
    struct json_out o = { &b, false };
    json_put_str(&o, s);
    need(json_valid(buf_str(&b), NULL, NULL));
    buf_clear(&b);
    text_html(&b, s);
    text_csv(&b, s, true);
    text_csv(&b, s, false);
    text_shell(&b, s);
    need(strlen(text_line(s)) < 160);
    buf_clear(&back);
    if (text_parse(&back, s))
        need(back.n <= s.n);
    buf_free(&b);
    buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct str s = { (const char *)data + 1, n - 1 };
    show(s, data[0] & 7);
    sinks(s);
    return 0;
}
