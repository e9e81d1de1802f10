#include "analyzer/cite.h"

#include "base/text.h"

/* ---- writing
 * ------------------------------------------------------------------- */

void cite_put_event(struct buf *out, int64_t id)
{
    buf_putc(out, 'E');
    buf_put_i64(out, id);
}

void cite_put_exhibit(struct buf *out, int64_t no)
{
    buf_putc(out, 'X');
    buf_put_i64(out, no);
}

static void put_place(struct buf *out, int64_t exhibit, struct str path,
                      struct str layers)
{
    cite_put_exhibit(out, exhibit);
    buf_putc(out, '/');
    text_cite(out, path, false);
    buf_put(out, layers);
}

static void put_range(struct buf *out, uint64_t off, uint64_t len, unsigned sub)
{
    buf_putc(out, '@');
    buf_put_u64(out, off);
    buf_putc(out, '+');
    buf_put_u64(out, len);
    if (sub) {
        buf_putc(out, '#');
        buf_put_u64(out, sub);
    }
}

void cite_put_member(struct buf *out, const struct member *m)
{
    put_place(out, m->exhibit, m->path, m->layers);
}

void cite_put_place(struct buf *out, const struct member *m, uint64_t off,
                    uint64_t len, unsigned sub)
{
    put_place(out, m->exhibit, m->path, m->layers);
    put_range(out, off, len, sub);
}

void cite_put(struct buf *out, const struct cite *c)
{
    switch (c->form) {
    case CITE_EVENT:
        cite_put_event(out, c->event);
        return;
    case CITE_EXHIBIT:
        cite_put_exhibit(out, c->exhibit);
        return;
    case CITE_PLACE:
        put_place(out, c->exhibit, c->path, c->layers);
        if (c->has_range)
            put_range(out, c->off, c->len, c->sub);
        return;
    case CITE_ENTITY:
        if (c->kind) {
            buf_put(out, kind_name(c->kind));
            buf_putc(out, ':');
        }
        buf_put(out, c->value);
    }
}

static int kept(struct buf *b, struct arena *a, struct str *out,
                struct err *err)
{
    bool failed = b->failed;
    *out = buf_to_arena(b, a);
    return failed || !out->p ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

int cite_event(struct casedb *c, const struct event *e, struct arena *a,
               struct str *out, struct err *err)
{
    struct member m;
    int rc = case_member(c, e->member, a, &m, err);
    if (rc)
        return rc;
    struct buf b = { 0 };
    cite_put_place(&b, &m, e->off, e->len, e->sub);
    return kept(&b, a, out, err);
}

int cite_entity(struct casedb *c, uint32_t id, struct arena *a, struct str *out,
                struct err *err)
{
    struct buf b = { 0 };
    buf_put(&b, kind_name(id >> KIND_SHIFT));
    buf_putc(&b, ':');
    buf_put(&b, case_text(c, id));
    return kept(&b, a, out, err);
}

/* ---- reading
 * ------------------------------------------------------------------------ */

/* A letter and a number: E123, X1. */
static bool numbered(struct str s, char letter, int64_t *out)
{
    uint64_t v;
    if (s.n < 2 || (s.p[0] | 0x20) != (letter | 0x20) ||
        !str_u64(str_sub(s, 1, s.n), &v) || v == 0 || v > INT64_MAX)
        return false;
    *out = (int64_t)v;
    return true;
}

/* "@off+len[#n]" at the end of a place. */
static bool take_range(struct str *s, struct cite *c)
{
    size_t at = s->n;
    while (at && s->p[at - 1] != '@')
        at--;
    if (at == 0)
        return true;
    struct str range = str_sub(*s, at, s->n);
    const char *plus = memchr(range.p, '+', range.n);
    if (!plus)
        return false;
    size_t n = (size_t)(plus - range.p);
    struct str len = str_sub(range, n + 1, range.n);
    const char *hash = len.n ? memchr(len.p, '#', len.n) : NULL;
    uint64_t sub = 0;
    if (hash) {
        size_t k = (size_t)(hash - len.p);
        if (!str_u64(str_sub(len, k + 1, len.n), &sub) || sub > UINT16_MAX)
            return false;
        len.n = k;
    }
    if (!str_u64(str_sub(range, 0, n), &c->off) || !str_u64(len, &c->len) ||
        c->off > INT64_MAX || c->len > INT64_MAX)
        return false;
    c->sub = (uint16_t)sub;
    c->has_range = true;
    s->n = at - 1;
    return true;
}

static int parse_place(struct str text, size_t slash, struct arena *a,
                       struct cite *c, struct err *err)
{
    c->form = CITE_PLACE;
    struct str rest = str_sub(text, slash + 1, text.n);
    if (!take_range(&rest, c))
        return err_set(err, ERR_USAGE,
                       "%s: after '@' an offset, '+' and a length are "
                       "expected",
                       text_line(text));
    const char *bang = rest.n ? memchr(rest.p, '!', rest.n) : NULL;
    size_t n = bang ? (size_t)(bang - rest.p) : rest.n;
    struct buf path = { 0 };
    bool ok = text_uncite(&path, str_sub(rest, 0, n));
    c->path = buf_to_arena(&path, a);
    c->layers = arena_copy(a, str_sub(rest, n, rest.n));
    if (!ok)
        return err_set(err, ERR_USAGE, "%s: '%%' without two hex digits",
                       text_line(text));
    return c->path.p && c->layers.p
               ? 0
               : err_set(err, ERR_INTERNAL, "out of memory");
}

static int parse_entity(struct str text, struct arena *a, struct cite *c,
                        struct err *err)
{
    const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
    c->form = CITE_ENTITY;
    c->value = text;
    if (colon) {
        size_t n = (size_t)(colon - text.p);
        c->kind = kind_from_name(str_sub(text, 0, n));
        if (c->kind)
            c->value = str_sub(text, n + 1, text.n);
    }
    c->value = arena_copy(a, c->value);
    return c->value.p ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

int cite_parse(struct str text, struct arena *a, struct cite *out,
               struct err *err)
{
    *out = (struct cite){ 0 };
    text = str_trim(text);
    if (text.n == 0)
        return err_set(err, ERR_USAGE, "a reference is empty");
    if (numbered(text, 'E', &out->event)) {
        out->form = CITE_EVENT;
        return 0;
    }
    if (numbered(text, 'X', &out->exhibit)) {
        out->form = CITE_EXHIBIT;
        return 0;
    }
    const char *slash = memchr(text.p, '/', text.n);
    size_t n = slash ? (size_t)(slash - text.p) : 0;
    if (slash && numbered(str_sub(text, 0, n), 'X', &out->exhibit))
        return parse_place(text, n, a, out, err);
    return parse_entity(text, a, out, err);
}

/* ---- in a case
 * ------------------------------------------------------------------------- */

static int copy_member(struct member *to, const struct member *m,
                       struct arena *a)
{
    *to = *m;
    to->path = arena_copy(a, m->path);
    to->layers = arena_copy(a, m->layers);
    to->format = arena_copy(a, m->format);
    to->sha256 = arena_copy(a, m->sha256);
    return to->path.p && to->layers.p && to->format.p && to->sha256.p ? 1 : -1;
}

struct wanted {
    const struct cite *c;
    struct cite_found *out;
    struct arena *a;
};

static bool goes_on(struct str layers, struct str first)
{
    return str_starts(layers, first) &&
           (first.n == layers.n || layers.p[first.n] == '!');
}

/* Layers may go on below the member's own ("!ino/12" in a volume): the
 * longest member that is a prefix is the one. Or they end before (the bytes
 * of a gzip file themselves): the first member of the file. */
static int same_member(void *ctx, const struct member *m)
{
    struct wanted *w = ctx;
    struct member *have = &w->out->member;
    if (!str_eq(m->path, w->c->path))
        return 0;
    if (str_eq(m->layers, w->c->layers))
        return copy_member(have, m, w->a) > 0 ? 1 : -1;
    bool deeper = goes_on(w->c->layers, m->layers);
    if (deeper ? have->id == 0 || !goes_on(w->c->layers, have->layers) ||
                     m->layers.n > have->layers.n
               : have->id == 0 && goes_on(m->layers, w->c->layers))
        return copy_member(have, m, w->a) > 0 ? 0 : -1;
    return 0;
}

int cite_event_at(struct casedb *c, const struct member *m, uint64_t off,
                  unsigned sub, bool exact, int64_t *event, struct err *err)
{
    /* a member's events are one range of ids in the order of their places */
    struct arena a = { 0 };
    uint64_t lo = m->first_event, hi = m->first_event + m->n_events;
    int rc = 0;
    *event = 0;
    while (lo < hi && rc == 0) {
        uint64_t mid = lo + (hi - lo) / 2;
        struct event e;
        arena_reset(&a);
        rc = case_event(c, (int64_t)mid, &a, &e, err);
        if (rc)
            break;
        bool here = exact ? e.off == off && e.sub == sub
                          : off >= e.off && off - e.off < e.len;
        if (here) {
            *event = e.id;
            break;
        }
        if (e.off < off || (e.off == off && e.sub < sub))
            lo = mid + 1;
        else
            hi = mid;
    }
    arena_free(&a);
    return rc;
}

static int find_place(struct casedb *c, struct str text, struct arena *a,
                      struct cite_found *out, struct err *err)
{
    struct wanted w = { &out->cite, out, a };
    int rc = case_members(c, out->cite.exhibit, same_member, &w, err);
    if (rc < 0)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (out->member.id == 0)
        return err_set(err, ERR_USAGE, "%s: no such file in this case",
                       text_line(text));
    out->off = out->cite.off;
    out->len = out->cite.len;
    if (!out->cite.has_range || !str_eq(out->member.layers, out->cite.layers))
        return 0;
    return cite_event_at(c, &out->member, out->off, out->cite.sub, true,
                         &out->event, err);
}

static int find_entity(struct casedb *c, struct str text,
                       struct cite_found *out, struct err *err)
{
    uint32_t found[KIND_MAX + 1];
    size_t n = 0;
    for (unsigned k = 1; k <= KIND_MAX; k++) {
        if (kind_name(k).n == 0 || (out->cite.kind && out->cite.kind != k))
            continue;
        uint32_t id = case_find(c, k, out->cite.value);
        if (id)
            found[n++] = id;
    }
    if (n == 0)
        return err_set(err, ERR_USAGE, "%s: no such entity in this case",
                       text_line(text));
    out->entity = found[0];
    if (n == 1)
        return 0;
    struct buf b = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putz(&b, ", ");
        buf_put(&b, kind_name(found[i] >> KIND_SHIFT));
    }
    err_set(err, ERR_USAGE, "%s: a value of several kinds", text_line(text));
    err_hint(err, "write KIND:VALUE; the kinds are %.*s", STR_ARG(buf_str(&b)));
    buf_free(&b);
    return err->code;
}

int cite_find(struct casedb *c, struct str text, struct arena *a,
              struct cite_found *out, struct err *err)
{
    *out = (struct cite_found){ 0 };
    struct event e;
    struct exhibit x;
    int rc = cite_parse(text, a, &out->cite, err);
    if (rc)
        return rc;
    switch (out->cite.form) {
    case CITE_EVENT:
        rc = case_event(c, out->cite.event, a, &e, err);
        if (rc == 0)
            rc = case_member(c, e.member, a, &out->member, err);
        out->event = out->cite.event;
        out->off = e.off;
        out->len = e.len;
        return rc;
    case CITE_EXHIBIT:
        return case_exhibit(c, out->cite.exhibit, a, &x, err);
    case CITE_PLACE:
        return find_place(c, text, a, out, err);
    case CITE_ENTITY:
        break;
    }
    return find_entity(c, text, out, err);
}
