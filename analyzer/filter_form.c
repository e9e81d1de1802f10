/* The canonical form of a filter, and values written for a filter. */
#include "analyzer/filter_tree.h"

#include "base/text.h"

/* ---- values -------------------------------------------------------------- */

/* Does a character change how a line reads without being seen? */
static bool is_hidden(uint32_t cp)
{
    return cp < 0xa1 || cp == 0xad || (cp >= 0x200b && cp <= 0x200f) ||
           (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) ||
           cp == 0xfeff || cp >= 0xe0000;
}

static void put_string(struct buf *out, struct str s)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        unsigned char c = (unsigned char)s.p[i];
        unsigned n = text_utf8(str_sub(s, i, 4), &cp);
        if (c == '"' || c == '\\') {
            buf_putc(out, '\\');
            buf_putc(out, (char)c);
        } else if (c >= ' ' && c < 0x7f) {
            buf_putc(out, (char)c);
        } else if (n > 1 && !is_hidden(cp)) {
            buf_put(out, str_sub(s, i, n));
        } else if (n > 1) {
            buf_printf(out, "\\u{%X}", cp);
        } else {
            buf_printf(out, "\\x%02X", c);
        }
        i += n > 1 ? n : 1;
    }
    buf_putc(out, '"');
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("-._:/@+=,", c));
}

static bool is_number_after(struct str s, char letter)
{
    uint64_t n;
    return s.n > 1 && (s.p[0] | 0x20) == letter &&
           str_u64(str_sub(s, 1, s.n), &n);
}

/* Would it be read as something else without quotes? */
static bool reads_otherwise(struct str s)
{
    const char *colon = memchr(s.p, ':', s.n);
    return filter_word_find("or denied failed ok", s) >= 0 ||
           is_number_after(s, 'e') || is_number_after(s, 'x') ||
           (colon && kind_from_name(str_sub(s, 0, (size_t)(colon - s.p))));
}

void filter_put_value(struct buf *out, struct str value)
{
    bool plain = value.n > 0;
    for (size_t i = 0; i < value.n && plain; i++)
        plain = is_plain(value.p[i]);
    if (plain && !reads_otherwise(value))
        buf_put(out, value);
    else
        put_string(out, value);
}

/* ---- terms --------------------------------------------------------------- */

static void put_pattern(struct buf *out, struct str s)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_putc(out, '\\');
        buf_putc(out, s.p[i]);
        /* whatever a backslash escapes is its own matter */
        if (s.p[i] == '\\' && i + 1 < s.n)
            buf_putc(out, s.p[++i]);
    }
    buf_putc(out, '"');
}

static void put_name(struct buf *out, const struct filter_term *t)
{
    buf_putz(out, t->field->name);
    if (t->field == &filter_raw_field) {
        buf_putc(out, '.');
        buf_put(out, t->path);
    }
}

static void put_range(struct buf *out, struct str lo, struct str hi)
{
    buf_put(out, lo);
    buf_putz(out, "..");
    buf_put(out, hi);
}

static void put_number_range(struct buf *out, const struct filter_item *i)
{
    if (!i->range || i->lo.n)
        buf_printf(out, "E%lld", (long long)i->lo_n);
    if (i->range)
        buf_putz(out, "..");
    if (i->range && i->hi.n)
        buf_printf(out, "E%lld", (long long)i->hi_n);
}

static void put_item(struct buf *out, const struct filter_field *f,
                     const struct filter_item *i)
{
    switch (f->type) {
    case FILTER_WORD:
    case FILTER_SCALE:
        if (!i->range)
            buf_put(out, filter_word(f->words, (size_t)filter_word_find(
                                                   f->words, i->text)));
        else
            put_range(
                out, i->lo.n ? filter_word(f->words, (size_t)i->lo_n) : STR(""),
                i->hi.n ? filter_word(f->words, (size_t)i->hi_n) : STR(""));
        return;
    case FILTER_FLAG:
        buf_putz(out,
                 filter_word_find("yes true", i->text) >= 0 ? "yes" : "no");
        return;
    case FILTER_ID:
        put_number_range(out, i);
        return;
    case FILTER_PLACE:
        if (f->what == WHAT_EXHIBIT) {
            buf_putc(out, 'X');
            buf_put(out, str_sub(i->text, 1, i->text.n));
            return;
        }
        break;
    default:
        break;
    }
    if (i->quoted)
        put_string(out, i->text);
    else if (i->range)
        put_range(out, i->lo, i->hi);
    else
        buf_put(out, i->text);
}

static void put_term(struct buf *out, const struct filter_term *t)
{
    switch (t->form) {
    case FORM_HAS:
        buf_putz(out, "has:");
        put_name(out, t);
        return;
    case FORM_NEAR:
        buf_putz(out, "near:");
        buf_put(out, t->text);
        buf_putc(out, '/');
        buf_put(out, t->span);
        return;
    case FORM_WORD:
        if (t->quoted)
            put_string(out, t->text);
        else
            buf_put(out, t->text);
        return;
    case FORM_MATCH:
        put_name(out, t);
        buf_putc(out, '~');
        put_pattern(out, t->text);
        return;
    case FORM_VALUES:
        break;
    }
    put_name(out, t);
    buf_putz(out, t->n > 1 ? ":(" : ":");
    for (size_t i = 0; i < t->n; i++) {
        buf_putz(out, i ? " or " : "");
        put_item(out, t->field, &t->items[i]);
    }
    buf_putz(out, t->n > 1 ? ")" : "");
}

static void put_node(struct buf *out, const struct filter_node *n, bool inner)
{
    switch (n->op) {
    case OP_TERM:
        put_term(out, n->term);
        return;
    case OP_NOT:
        buf_putz(out, inner ? "(not " : "not ");
        put_node(out, n->kids[0], true);
        buf_putz(out, inner ? ")" : "");
        return;
    case OP_AND:
    case OP_OR:
        break;
    }
    buf_putz(out, inner ? "(" : "");
    for (size_t i = 0; i < n->n; i++) {
        const struct filter_node *kid = n->kids[i];
        if (i)
            buf_putz(out, n->op == OP_AND ? " " : " or ");
        /* a `not` needs brackets only below another `not` */
        bool bare = kid->op == OP_NOT || (n->op == OP_OR && kid->op == OP_AND);
        put_node(out, kid, !bare);
    }
    buf_putz(out, inner ? ")" : "");
}

void filter_put(const struct filter *f, struct buf *out)
{
    if (f->root)
        put_node(out, f->root, false);
}

bool filter_is_all(const struct filter *f)
{
    return f->root == NULL;
}

size_t filter_parts(const struct filter *f)
{
    if (!f->root)
        return 0;
    return f->root->op == OP_AND ? f->root->n : 1;
}

struct filter_place filter_part(const struct filter *f, size_t i)
{
    if (i >= filter_parts(f))
        return (struct filter_place){ 0, 0 };
    return f->root->op == OP_AND ? f->root->kids[i]->place : f->root->place;
}
