#include "tui/terms.h"

#include <stdio.h>

/* ---- parts --------------------------------------------------------------- */

/* Words at the top level: outside quotes and brackets. */
static size_t word_end(struct str s, size_t at)
{
    int depth = 0;
    bool quoted = false;
    for (; at < s.n; at++) {
        char c = s.p[at];
        if (quoted && c == '\\')
            at++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '(')
            depth++;
        else if (!quoted && c == ')')
            depth--;
        else if (!quoted && depth <= 0 && c == ' ')
            break;
    }
    return at < s.n ? at : s.n;
}

size_t terms_split(struct str text, struct part *out, size_t most)
{
    size_t n = 0, at = 0;
    bool not = false, any_or = false;
    size_t from = 0;
    while (at < text.n) {
        while (at < text.n && text.p[at] == ' ')
            at++;
        size_t end = word_end(text, at);
        struct str word = str_sub(text, at, end - at);
        if (word.n == 0)
            break;
        any_or |= str_ieq(word, STR("or"));
        if (!not )
            from = at;
        not = str_ieq(word, STR("not"));
        if (!not &&!str_ieq(word, STR("and")) && n < most)
            out[n++] = (struct part){ from, end };
        at = end;
    }
    /* "or" binds all: it cannot be taken apart */
    if (any_or && n && most) {
        out[0] = (struct part){ 0, text.n };
        n = 1;
    }
    return n;
}

void terms_add(struct buf *filter, bool not, const char *field,
               struct str value)
{
    struct part parts[2];
    struct str old = buf_str(filter);
    bool plain = value.n > 0;
    size_t n = terms_split(old, parts, 2);
    if (n == 1 && parts[0].from == 0 && parts[0].to == old.n &&
        (str_ifind(old, STR(" or ")) != SIZE_MAX) && old.p[0] != '(') {
        struct buf b = { 0 };
        buf_putc(&b, '(');
        buf_put(&b, old);
        buf_putc(&b, ')');
        buf_free(filter);
        *filter = b;
    }
    for (size_t i = 0; i < value.n; i++)
        plain &= value.p[i] > ' ' && value.p[i] < 0x7f &&
                 !strchr("()\"*\\", value.p[i]);
    if (filter->n)
        buf_putc(filter, ' ');
    buf_printf(filter, "%s%s:", not ? "not " : "", field);
    if (plain) {
        buf_put(filter, value);
        return;
    }
    buf_putc(filter, '"');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\')
            buf_putc(filter, '\\');
        buf_putc(filter, value.p[i]);
    }
    buf_putc(filter, '"');
}

void terms_remove(struct buf *filter, size_t i)
{
    struct part parts[32];
    size_t n = terms_split(buf_str(filter), parts, 32);
    struct buf b = { 0 };
    if (i >= n)
        return;
    for (size_t k = 0; k < n; k++) {
        if (k == i)
            continue;
        if (b.n)
            buf_putc(&b, ' ');
        buf_put(&b, str_sub(buf_str(filter), parts[k].from,
                            parts[k].to - parts[k].from));
    }
    buf_free(filter);
    *filter = b;
}

/* ---- at the desk --------------------------------------------------------- */

/* A few words of the filter language. */
struct ids {
    uint32_t *ids;
    size_t n, room;
    struct arena *a;
};

static int keep_id(void *ctx, uint32_t id, struct str value)
{
    struct ids *k = ctx;
    (void)value;
    if (k->n == k->room) {
        size_t room = k->room ? 2 * k->room : 16;
        uint32_t *more = arena_array(k->a, room, sizeof(*more));
        if (!more)
            return ERR_INTERNAL;
        if (k->n)
            memcpy(more, k->ids, k->n * sizeof(*more));
        k->ids = more;
        k->room = room;
    }
    k->ids[k->n++] = id;
    return 0;
}

static int refuse(struct refusal *no, size_t column, const char *why,
                  struct err *err)
{
    no->column = (int)column;
    snprintf(no->why, sizeof(no->why), "%s", why);
    return err_set(err, ERR_USAGE, "the filter: %s", why);
}

static const struct {
    const char *name;
    unsigned kind, roles;
} fields[] = {
    { "source", KIND_SOURCE, 0 },
    { "action", KIND_ACTION, 0 },
    { "outcome", KIND_OUTCOME, 0 },
    { "ip", KIND_IP, 0 },
    { "key", KIND_KEY, 0 },
    { "agent", KIND_AGENT, 0 },
    { "region", KIND_REGION, 0 },
    { "account", KIND_ACCOUNT, 0 },
    { "service", KIND_SERVICE, 0 },
    { "actor", 0, 1u << ROLE_ACTOR },
    { "target", 0, 1u << ROLE_TARGET },
    { "entity", 0, 0 },
};

static int term(struct desk *d, struct arena *a, struct str text, size_t column,
                struct plan **out, struct refusal *no, struct err *err)
{
    size_t colon = str_find(text, STR(":"));
    if (colon == SIZE_MAX)
        return refuse(no, column, "field:value is wanted", err);
    struct str name = str_sub(text, 0, colon);
    struct str value = str_sub(text, colon + 1, text.n);
    struct ids ids = { .a = a };
    if (value.n >= 2 && value.p[0] == '"')
        value = str_sub(value, 1, value.n - 2);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!str_eq(name, str_from(fields[i].name)))
            continue;
        for (unsigned k = 1; k <= KIND_MAX; k++) {
            if (fields[i].kind && fields[i].kind != k)
                continue;
            int rc = case_find_glob(d->c, k, value, keep_id, &ids, err);
            if (rc)
                return rc;
        }
        struct plan *p = arena_alloc(a, sizeof(*p));
        if (!p)
            return err_set(err, ERR_INTERNAL, "out of memory");
        *p = (struct plan){ .op = ids.n ? PLAN_ANY_OF : PLAN_NONE,
                            .ids = ids.ids,
                            .n = ids.n,
                            .role_mask = fields[i].roles };
        *out = p;
        return 0;
    }
    return refuse(no, column, "no such field", err);
}

int terms_plan(struct desk *d, struct str text, const struct plan **out,
               struct refusal *no, struct err *err)
{
    static const struct plan all = { .op = PLAN_ALL };
    struct part parts[32];
    size_t n = terms_split(text, parts, 32);
    *out = &all;
    if (n == 0)
        return 0;
    if (d->filter && str_eq(d->filter_text, text)) {
        *out = (const struct plan *)d->filter;
        return 0;
    }
    arena_reset(&d->filter_arena);
    d->filter = NULL;
    struct plan *plan = NULL;
    for (size_t i = 0; i < n; i++) {
        struct str part =
            str_sub(text, parts[i].from, parts[i].to - parts[i].from);
        struct plan *p = NULL;
        size_t skip = str_starts(part, STR("not ")) ? 4 : 0;
        int rc = term(d, &d->filter_arena, str_sub(part, skip, part.n),
                      parts[i].from + skip, &p, no, err);
        if (rc)
            return rc;
        struct plan *k = arena_array(&d->filter_arena, 2, sizeof(*k));
        if (!k)
            return err_set(err, ERR_INTERNAL, "out of memory");
        if (skip) {
            k[0] = (struct plan){ .op = PLAN_NOT, .a = p };
            p = &k[0];
        }
        if (plan) {
            k[1] = (struct plan){ .op = PLAN_AND, .a = plan, .b = p };
            p = &k[1];
        }
        plan = p;
    }
    d->filter = (struct filter *)plan;
    d->filter_text = arena_copy(&d->filter_arena, text);
    *out = plan;
    return 0;
}
