#include "cli/reference.h"

#include "base/text.h"

/* ---- citations ----------------------------------------------------------- */

struct str reference_cite_bytes(const struct member *m, uint64_t off,
                                uint64_t len, unsigned sub, struct arena *a)
{
    struct buf b = { 0 };
    buf_printf(&b, "X%lld/", (long long)m->exhibit);
    text_cite(&b, m->path, false);
    buf_put(&b, m->layers);
    buf_printf(&b, "@%llu+%llu", (unsigned long long)off,
               (unsigned long long)len);
    if (sub)
        buf_printf(&b, "#%u", sub);
    return buf_to_arena(&b, a);
}

int reference_cite(struct casedb *c, const struct event *e, struct arena *a,
                   struct str *out, struct err *err)
{
    struct member m;
    int rc = case_member(c, e->member, a, &m, err);
    if (rc)
        return rc;
    *out = reference_cite_bytes(&m, e->off, e->len, e->sub, a);
    return out->p ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

struct place {
    int64_t exhibit;
    struct str path, layers; /* path decoded, in buf */
    uint64_t off, len;
    uint64_t sub;
    struct buf buf;
};

static bool take_number(struct str *rest, char before, uint64_t *out)
{
    size_t i = rest->n;
    while (i > 0 && rest->p[i - 1] != before)
        i--;
    if (i == 0 || !str_u64(str_sub(*rest, i, rest->n), out))
        return false;
    *rest = str_sub(*rest, 0, i - 1);
    return true;
}

/* X1/path!layers@off+len#sub, from right to left. */
static bool parse_place(struct str word, struct place *p)
{
    struct str rest = word;
    uint64_t no;
    *p = (struct place){ .sub = 0 };
    const char *hash = memrchr(rest.p, '#', rest.n);
    if (hash && !take_number(&rest, '#', &p->sub))
        return false;
    if (!take_number(&rest, '+', &p->len) || !take_number(&rest, '@', &p->off))
        return false;
    const char *slash = memchr(rest.p, '/', rest.n);
    if (!slash || rest.p[0] != 'X' ||
        !str_u64(str_sub(rest, 1, (size_t)(slash - rest.p) - 1), &no) ||
        no > INT64_MAX)
        return false;
    p->exhibit = (int64_t)no;
    rest = str_sub(rest, (size_t)(slash - rest.p) + 1, rest.n);
    const char *layers = memchr(rest.p, '!', rest.n);
    struct str path = rest;
    if (layers) {
        path.n = (size_t)(layers - rest.p);
        p->layers = str_sub(rest, path.n, rest.n);
    }
    if (!text_uncite(&p->buf, path))
        return false;
    p->path = buf_str(&p->buf);
    return true;
}

/* ---- the event at a place ------------------------------------------------ */

static int event_at(struct casedb *c, int64_t id, uint64_t off, unsigned sub,
                    bool exact, bool *found, int *order, struct err *err)
{
    struct arena a = { 0 };
    struct event e;
    int rc = case_event(c, id, &a, &e, err);
    arena_free(&a);
    if (rc)
        return rc;
    if (exact)
        *found = e.off == off && e.sub == sub;
    else
        *found = off >= e.off && off - e.off < e.len;
    *order = e.off < off ? -1 : e.off > off ? 1 : (int)e.sub - (int)sub;
    return 0;
}

int reference_event_at(struct casedb *c, const struct member *m, uint64_t off,
                       unsigned sub, bool exact, int64_t *event,
                       struct err *err)
{
    /* Events of a member are in the order of their places. */
    uint64_t lo = 0, hi = m->n_events;
    bool found = false;
    int order;
    *event = 0;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        int64_t id = (int64_t)(m->first_event + mid);
        int rc = event_at(c, id, off, sub, exact, &found, &order, err);
        if (rc)
            return rc;
        if (found) {
            *event = id;
            return 0;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return 0;
}

/* ---- finding ------------------------------------------------------------- */

struct search {
    const struct place *p;
    struct arena *a;
    struct member *out;
    bool found;
};

static int is_member(void *ctx, const struct member *m)
{
    struct search *s = ctx;
    if (!str_eq(m->path, s->p->path) || !str_eq(m->layers, s->p->layers))
        return 0;
    *s->out = *m;
    s->out->path = arena_copy(s->a, m->path);
    s->out->layers = arena_copy(s->a, m->layers);
    s->out->format = arena_copy(s->a, m->format);
    s->out->sha256 = arena_copy(s->a, m->sha256);
    s->found = true;
    return 1;
}

static int find_place(struct casedb *c, struct str word, struct place *p,
                      struct arena *a, struct reference *out, struct err *err)
{
    struct search s = { p, a, &out->member, false };
    int rc = case_members(c, p->exhibit, is_member, &s, err);
    if (rc < 0)
        return rc;
    if (!s.found)
        return err_set(err, ERR_USAGE, "%s: no such member in the case",
                       text_line(word));
    out->kind = REF_PLACE;
    out->exhibit = p->exhibit;
    out->off = p->off;
    out->len = p->len;
    return reference_event_at(c, &out->member, p->off, (unsigned)p->sub, true,
                              &out->event, err);
}

static int find_event(struct casedb *c, int64_t id, struct arena *a,
                      struct reference *out, struct err *err)
{
    struct event e;
    int rc = case_event(c, id, a, &e, err);
    if (rc == 0)
        rc = case_member(c, e.member, a, &out->member, err);
    out->kind = REF_EVENT;
    out->event = id;
    out->exhibit = out->member.exhibit;
    out->off = e.off;
    out->len = e.len;
    return rc;
}

static int find_entity(struct casedb *c, struct str word, struct reference *out,
                       struct err *err)
{
    const char *colon = memchr(word.p, ':', word.n);
    struct str prefix = str_sub(word, 0, colon ? (size_t)(colon - word.p) : 0);
    unsigned kind = colon ? kind_from_name(prefix) : 0;
    struct buf kinds = { 0 };
    size_t n = 0;
    out->kind = REF_ENTITY;
    if (kind)
        out->entity = case_find(c, kind, str_sub(word, prefix.n + 1, word.n));
    for (unsigned k = 1; out->entity == 0 && k <= KIND_MAX; k++) {
        uint32_t id = kind_name(k).n ? case_find(c, k, word) : 0;
        if (!id)
            continue;
        buf_printf(&kinds, "%s%.*s", n++ ? ", " : "", STR_ARG(kind_name(k)));
        if (n == 1)
            kind = id; /* kept until it is known to be the only one */
    }
    if (n == 1)
        out->entity = kind;
    buf_putc(&kinds, 0);
    int rc = 0;
    if (n > 1) {
        rc = err_set(err, ERR_USAGE, "%s: is of several kinds: %s",
                     text_line(word), kinds.failed ? "" : kinds.p);
        err_hint(err, "Put the kind before it: KIND:VALUE.");
    } else if (out->entity == 0) {
        rc = err_set(err, ERR_USAGE,
                     "%s: no event, citation or entity of this case",
                     text_line(word));
        err_hint(err, "E12, X1/path@off+len, or KIND:VALUE; kanshiki entities "
                      "lists values.");
    }
    buf_free(&kinds);
    return rc;
}

int reference_find(struct casedb *c, struct str word, struct arena *a,
                   struct reference *out, struct err *err)
{
    uint64_t n;
    struct place p;
    *out = (struct reference){ .event = 0 };
    if (word.n > 1 && (word.p[0] == 'E' || word.p[0] == 'e') &&
        str_u64(str_sub(word, 1, word.n), &n) && n <= INT64_MAX)
        return find_event(c, (int64_t)n, a, out, err);
    if (word.n > 1 && (word.p[0] == 'X' || word.p[0] == 'x') &&
        str_u64(str_sub(word, 1, word.n), &n) && n <= INT64_MAX) {
        out->kind = REF_EXHIBIT;
        out->exhibit = (int64_t)n;
        return 0;
    }
    bool place = word.n && parse_place(word, &p);
    int rc = place ? find_place(c, word, &p, a, out, err)
                   : find_entity(c, word, out, err);
    if (word.n)
        buf_free(&p.buf);
    return rc;
}
