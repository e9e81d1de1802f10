/* Records that hold a secret, as they are shown. */
#include "base/mask.h"

static struct str line_of(struct str s, size_t at)
{
    struct str rest = str_sub(s, at, s.n);
    const char *lf = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
    return str_sub(rest, 0, lf ? (size_t)(lf - rest.p) : rest.n);
}

static size_t blank_from(struct str s, size_t at)
{
    while (at < s.n && !memchr(" \t\r", s.p[at], 3))
        at++;
    return at;
}

struct span {
    size_t from, to;
};

/* "  - alice:secret": a value of YAML has a blank behind its colon. */
static struct span password_of_list(struct str line)
{
    const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
    size_t at = colon ? (size_t)(colon - line.p) + 1 : line.n;
    return (struct span){ at, blank_from(line, at) };
}

static struct span after(struct str line, struct str word, bool quoted)
{
    size_t at = str_find(line, word);
    if (at == SIZE_MAX)
        return (struct span){ line.n, line.n };
    at += word.n;
    if (!quoted)
        return (struct span){ at, blank_from(line, at) };
    while (at < line.n && memchr(" \t:", line.p[at], 3))
        at++;
    if (at == line.n || line.p[at] != '"')
        return (struct span){ line.n, line.n };
    const char *end =
        ++at < line.n ? memchr(line.p + at, '"', line.n - at) : NULL;
    return (struct span){ at, end ? (size_t)(end - line.p) : line.n };
}

static bool mask_line(struct str line, bool listed, struct buf *out)
{
    bool any = false;
    while (line.n) {
        struct span s = { line.n, line.n }, other;
        if (listed)
            s = password_of_list(line);
        other = after(line, STR("password "), false);
        s = other.from < s.from ? other : s;
        other = after(line, STR("\"auth\""), true);
        s = other.from < s.from ? other : s;
        buf_put(out, str_sub(line, 0, s.from));
        if (s.from < s.to) {
            buf_putz(out, "[masked]");
            any = true;
        }
        line = str_sub(line, s.to, line.n);
        listed = false;
    }
    return any;
}

bool mask_lines(struct str s, struct buf *out)
{
    bool inside = false, any = false;
    for (size_t at = 0; at < s.n;) {
        struct str line = line_of(s, at);
        bool indented = line.n && memchr(" \t-", line.p[0], 3);
        inside = indented ? inside : str_starts(line, STR("chpasswd:"));
        any |= mask_line(line, inside && indented, out);
        at += line.n + 1;
        if (at <= s.n)
            buf_putc(out, '\n');
    }
    return any;
}

void mask_record(struct str raw, struct buf *out)
{
    struct buf first = { 0 };
    size_t before = out->n;
    bool any = mask_secrets(raw, &first);
    if (!any)
        buf_put(&first, raw);
    any |= mask_lines(buf_str(&first), out);
    if (!any || first.failed) {
        out->n = before;
        buf_printf(out, "[masked: %zu bytes]", raw.n);
    }
    buf_free(&first);
}
