/* The forms that the text layer gives to HTML, CSV, shells and citations. */
#include "base/text.h"

/* ---- HTML --------------------------------------------------------------- */

static const char *html_entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void text_html(struct buf *out, struct str s)
{
    struct buf shown = { 0 };
    text_show(&shown, s, 0);
    out->failed |= shown.failed;
    size_t from = 0;
    for (size_t at = 0; at < shown.n; at++) {
        const char *entity = html_entity(shown.p[at]);
        if (!entity)
            continue;
        buf_put(out, str_sub(buf_str(&shown), from, at - from));
        buf_putz(out, entity);
        from = at + 1;
    }
    buf_put(out, str_sub(buf_str(&shown), from, shown.n));
    buf_free(&shown);
}

/* ---- CSV ---------------------------------------------------------------- */

/* Would a spreadsheet take it for a formula? */
static bool is_formula(struct str s)
{
    uint32_t cp;
    if (s.n &&
        (s.p[0] == 0 || s.p[0] == '\t' || s.p[0] == '\r' || s.p[0] == '\n'))
        return true;
    while (s.n && (unsigned char)s.p[0] <= ' ')
        s = str_sub(s, 1, s.n);
    if (text_utf8(s, &cp) == 0)
        return false;
    return cp == '=' || cp == '+' || cp == '-' || cp == '@' || cp == 0xff1d ||
           cp == 0xff0b || cp == 0xff0d || cp == 0xff20;
}

static bool needs_quotes(struct str s)
{
    if (s.n == 0)
        return false;
    if (s.p[0] == ' ' || s.p[s.n - 1] == ' ')
        return true;
    /* ';' and TAB part the fields in some countries' spreadsheets */
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] && strchr("\",;\t\r\n", s.p[i]))
            return true;
    return false;
}

static void csv_field(struct buf *out, struct str s)
{
    if (!needs_quotes(s)) {
        buf_put(out, s);
        return;
    }
    buf_putc(out, '"');
    while (s.n) {
        const char *quote = memchr(s.p, '"', s.n);
        size_t n = quote ? (size_t)(quote - s.p) + 1 : s.n;
        buf_put(out, str_sub(s, 0, n));
        if (quote)
            buf_putc(out, '"');
        s = str_sub(s, n, s.n);
    }
    buf_putc(out, '"');
}

void text_csv(struct buf *out, struct str s, bool safe)
{
    if (!safe) {
        csv_field(out, s);
        return;
    }
    struct buf shown = { 0 };
    if (is_formula(s))
        buf_putc(&shown, '\'');
    text_show(&shown, s, 0);
    out->failed |= shown.failed;
    csv_field(out, buf_str(&shown));
    buf_free(&shown);
}

/* ---- shell -------------------------------------------------------------- */

static bool is_plain_word(struct str s)
{
    if (s.n == 0 || s.p[0] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], low = (char)(c | 0x20);
        bool word = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
        if (!word && (c == 0 || !strchr("_-./:,@%+", c)))
            return false;
    }
    return true;
}

/* Has the display form escapes? Then the reader would not see in '...' what
 * it is. (A backslash before xHH is not one: '...' keeps it as it is.) */
static bool has_escapes(struct str s)
{
    struct text_iter it;
    struct text_cell cell;
    text_iter_open(&it, s, TEXT_NO_RTL);
    for (size_t from = 0; text_iter_next(&it, &cell); from = it.at)
        if (cell.mark && s.p[from] != '\\')
            return true;
    return false;
}

/* Inside $'...': ASCII as it is, all else as \xHH, which is the same bytes in
 * every locale. */
static void shell_byte(struct buf *out, unsigned char c)
{
    if (c == '\'' || c == '\\')
        buf_putc(out, '\\');
    if (c >= 0x20 && c < 0x7f)
        buf_putc(out, (char)c);
    else
        buf_printf(out, "\\x%02X", c);
}

void text_shell(struct buf *out, struct str s)
{
    if (is_plain_word(s)) {
        buf_put(out, s);
        return;
    }
    if (has_escapes(s)) {
        buf_putz(out, "$'");
        for (size_t i = 0; i < s.n; i++)
            shell_byte(out, (unsigned char)s.p[i]);
        buf_putc(out, '\'');
        return;
    }
    buf_putc(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            buf_putz(out, "'\\''");
        else
            buf_putc(out, s.p[i]);
    }
    buf_putc(out, '\'');
}

/* ---- citations ---------------------------------------------------------- */

void text_cite(struct buf *out, struct str s, bool slash)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool keep =
            c > 0x20 && c < 0x7f && !strchr("%@#+!", c) && !(slash && c == '/');
        if (keep)
            buf_putc(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

bool text_uncite(struct buf *out, struct str s)
{
    size_t before = out->n;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            buf_putc(out, s.p[i]);
            continue;
        }
        int hi = s.n - i > 2 ? str_hex(s.p[i + 1]) : -1;
        int lo = s.n - i > 2 ? str_hex(s.p[i + 2]) : -1;
        if (hi < 0 || lo < 0) {
            out->n = before;
            return false;
        }
        buf_putc(out, (char)(hi << 4 | lo));
        i += 2;
    }
    return true;
}
