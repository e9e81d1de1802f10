#include "evidence/scan.h"

#include "evidence/scan_many.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

enum {
    NEEDLES_FEW = 16, /* of more, none may be short */
    NEEDLES_SIDE = 3, /* side by side; more by scan_many.h, if long enough */
    NEEDLE_LEN = 4096,
    BEHIND = 256,        /* kept before them, for \b, ^ and lookbehind */
    ROOM = SCAN_LONGEST, /* a good MiB of new bytes a round */
    /* Steps, not seconds: what is found must not depend on the machine. */
    MATCH_STEPS = 5 * 1000 * 1000,
    MATCH_DEPTH = 5 * 1000,
    MATCH_HEAP_KIB = 64 << 10,
};

/* The bytes in memory: [0, from) were searched before, hits may begin in
 * [from, to), what follows up to n is only looked at. */
struct window {
    char *raw, *folded; /* folded: NULL unless asked for */
    size_t from, to, n;
    uint64_t base; /* source offset of raw[0] */
    bool last;     /* nothing follows n */
};

struct scan {
    struct source *src;
    const struct reader_needles *needles;
    const struct scan_sink *sink;
    struct window w;
    uint64_t at, end;  /* source offsets not read yet */
    size_t ahead;      /* bytes a hit may need after its first */
    uint64_t left;     /* hits */
    bool in_line;      /* SCAN_LINES: the rest of this line is known */
    struct str *texts; /* the needles as they are compared */
    struct arena arena;
    struct scan_many *many;
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

static bool is_regex(const struct reader_needles *n)
{
    return n->flags & SCAN_REGEX;
}

/* Eight letters at once: bit 7 of each byte of `upper` says A..Z. */
static uint64_t fold_eight(uint64_t x)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
    uint64_t low = x & ~high;
    uint64_t from_a = low + (0x80 - 'A') * ones;
    uint64_t past_z = low + (0x7f - 'Z') * ones;
    uint64_t upper = ~x & high & (from_a ^ past_z);
    return x | upper >> 2;
}

static void fold_bytes(char *to, const char *from, size_t n)
{
    uint64_t x = 0;
    for (; n >= sizeof x; n -= sizeof x, to += sizeof x, from += sizeof x) {
        memcpy(&x, from, sizeof x);
        x = fold_eight(x);
        memcpy(to, &x, sizeof x);
    }
    memcpy(&x, from, n);
    x = fold_eight(x);
    memcpy(to, &x, n);
}

static pcre2_code *compile(const struct reader_needles *n, struct err *err)
{
    int number;
    PCRE2_SIZE at;
    uint32_t flags = PCRE2_MULTILINE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
                     PCRE2_NEVER_BACKSLASH_C;
    if (n->flags & SCAN_FOLD)
        flags |= PCRE2_CASELESS;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)n->needles[0].p, n->needles[0].n, flags,
                      &number, &at, NULL);
    if (code)
        return code;
    PCRE2_UCHAR text[120];
    pcre2_get_error_message(number, text, sizeof text);
    err_set(err, ERR_USAGE, "pattern, column %zu: %s", (size_t)at + 1,
            (const char *)text);
    return NULL;
}

int scan_check(const struct reader_needles *n, struct err *err)
{
    size_t shortest = n->n > NEEDLES_FEW ? SCAN_MANY_SHORTEST : 1;
    if (n->n == 0 || n->n > SCAN_NEEDLES_MAX || (is_regex(n) && n->n > 1))
        return err_set(err, ERR_USAGE,
                       "search for 1 to %d texts, or for one "
                       "pattern",
                       SCAN_NEEDLES_MAX);
    if (n->n > NEEDLES_FEW && n->flags & SCAN_LINES)
        return err_set(err, ERR_USAGE, "one hit a line: of at most %d texts",
                       NEEDLES_FEW);
    for (size_t i = 0; i < n->n; i++)
        if (n->needles[i].n < shortest || n->needles[i].n > NEEDLE_LEN)
            return err_set(err, ERR_USAGE,
                           "search text must have %zu to %d "
                           "bytes",
                           shortest, NEEDLE_LEN);
    if (!is_regex(n))
        return 0;
    pcre2_code *code = compile(n, err);
    pcre2_code_free(code);
    return code ? 0 : ERR_USAGE;
}

/* ---- the window ---------------------------------------------------------- */

/* Keeps what is still needed, reads on. False: the end. */
static int window_next(struct scan *s, bool *more, struct err *err)
{
    struct window *w = &s->w;
    size_t keep = w->to > BEHIND ? w->to - BEHIND : 0;
    memmove(w->raw, w->raw + keep, w->n - keep);
    w->base += keep;
    w->from = w->to - keep;
    w->n -= keep;
    uint64_t left = s->end - s->at;
    size_t want = (size_t)(left < ROOM - w->n ? left : ROOM - w->n), got = 0;
    int rc = source_read(s->src, s->at, w->raw + w->n, want, &got, err);
    if (rc)
        return rc;
    w->n += got;
    s->at += got;
    w->last = got < want || s->at == s->end;
    if (w->last)
        w->to = w->n;
    else
        w->to = w->n - s->ahead;
    if (w->folded)
        fold_bytes(w->folded, w->raw, w->n);
    *more = w->from < w->to;
    return 0;
}

/* ---- hits ---------------------------------------------------------------- */

enum { GO_ON = 0, ENOUGH = 1 }; /* else: stopped by the sink, an error */

/* One hit at window offset `at`; *next is where the search goes on at the
 * earliest. */
static int report(struct scan *s, size_t at, size_t len, unsigned needle,
                  size_t *next, int *stopped)
{
    struct reader_hit h = { s->w.base + at, len, needle };
    *stopped = s->sink->hit(s->sink->ctx, &h);
    if (*stopped || --s->left == 0)
        return ENOUGH;
    if (!(s->needles->flags & SCAN_LINES))
        return GO_ON;
    const char *lf = memchr(s->w.raw + at, '\n', s->w.to - at);
    s->in_line = !lf;
    *next = lf ? (size_t)(lf - s->w.raw) + 1 : s->w.to;
    return GO_ON;
}

/* Where the search of this window begins: after a line that is known. */
static size_t first_position(struct scan *s)
{
    struct window *w = &s->w;
    if (!s->in_line)
        return w->from;
    const char *lf = memchr(w->raw + w->from, '\n', w->to - w->from);
    s->in_line = !lf;
    return lf ? (size_t)(lf - w->raw) + 1 : w->to;
}

static size_t find(const struct scan *s, unsigned i, size_t from)
{
    const struct window *w = &s->w;
    const struct str *n = &s->texts[i];
    const char *hay = w->folded ? w->folded : w->raw;
    const char *hit =
        from < w->n ? memmem(hay + from, w->n - from, n->p, n->n) : NULL;
    size_t at = hit ? (size_t)(hit - hay) : SIZE_MAX;
    return at < w->to ? at : SIZE_MAX;
}

struct many_hits {
    struct scan *s;
    int stopped;
};

static int many_hit(void *ctx, size_t at, unsigned needle)
{
    struct many_hits *k = ctx;
    size_t next;
    return report(k->s, at, k->s->texts[needle].n, needle, &next, &k->stopped);
}

static int scan_many(struct scan *s, int *stopped)
{
    const struct window *w = &s->w;
    struct many_hits k = { s, 0 };
    int rc = scan_many_run(s->many, w->folded ? w->folded : w->raw, w->from,
                           w->to, w->n, many_hit, &k);
    *stopped = k.stopped;
    return rc;
}

/* All needles side by side: the earliest hit is the next one. */
static int scan_literals(struct scan *s, int *stopped)
{
    size_t next[NEEDLES_FEW], n = s->needles->n;
    size_t from = first_position(s);
    for (unsigned i = 0; i < n; i++)
        next[i] = find(s, i, from);
    for (;;) {
        unsigned best = 0;
        for (unsigned i = 1; i < n; i++)
            if (next[i] < next[best])
                best = i;
        size_t at = next[best];
        if (at == SIZE_MAX)
            return GO_ON;
        from = at;
        if (report(s, at, s->needles->needles[best].n, best, &from, stopped))
            return ENOUGH;
        next[best] = find(s, best, from > at ? from : at + 1);
        for (unsigned i = 0; i < n && from > at; i++)
            if (next[i] < from)
                next[i] = find(s, i, from);
    }
}

static int regex_error(const struct scan *s, int code, size_t at,
                       struct err *err)
{
    PCRE2_UCHAR text[120];
    pcre2_get_error_message(code, text, sizeof text);
    return err_set(err, ERR_EVIDENCE,
                   "search stopped at offset %llu: the pattern is too "
                   "costly here (%s)",
                   (unsigned long long)(s->w.base + at), (const char *)text);
}

static int scan_regex(struct scan *s, int *stopped, struct err *err)
{
    struct window *w = &s->w;
    uint32_t flags = w->last && s->at == s->src->size ? 0 : PCRE2_NOTEOL;
    size_t at = first_position(s);
    if (w->base > 0 && w->from == 0)
        flags |= PCRE2_NOTBOL;
    while (at < w->to) {
        int rc = pcre2_match(s->code, (PCRE2_SPTR)w->raw, w->n, at, flags,
                             s->match, s->limits);
        if (rc == PCRE2_ERROR_NOMATCH)
            break;
        if (rc < 0)
            return regex_error(s, rc, at, err);
        const PCRE2_SIZE *o = pcre2_get_ovector_pointer(s->match);
        if (o[0] >= w->to)
            break;
        size_t next = o[1];
        if (o[1] <= o[0]) /* empty (or \K): nothing to show */
            next = o[0] + 1;
        else if (report(s, o[0], o[1] - o[0], 0, &next, stopped))
            return ENOUGH;
        at = next > at ? next : at + 1;
    }
    /* The next window goes on after the last match. */
    if (at > w->to)
        w->to = at < w->n ? at : w->n;
    return GO_ON;
}

/* ---- the whole ------------------------------------------------------------
 */

static int prepare_regex(struct scan *s, struct err *err)
{
    s->ahead = SCAN_SPAN;
    s->code = compile(s->needles, err);
    if (!s->code)
        return ERR_USAGE;
    s->match = pcre2_match_data_create_from_pattern(s->code, NULL);
    s->limits = pcre2_match_context_create(NULL);
    if (!s->match || !s->limits)
        return err_set(err, ERR_INTERNAL, "out of memory");
    pcre2_set_match_limit(s->limits, MATCH_STEPS);
    pcre2_set_depth_limit(s->limits, MATCH_DEPTH);
    pcre2_set_heap_limit(s->limits, MATCH_HEAP_KIB);
    return 0;
}

static int prepare_literals(struct scan *s, struct err *err)
{
    bool fold = s->needles->flags & SCAN_FOLD;
    if (fold && !(s->w.folded = malloc(ROOM)))
        return err_set(err, ERR_INTERNAL, "out of memory");
    s->texts = arena_array(&s->arena, s->needles->n, sizeof *s->texts);
    for (size_t i = 0; s->texts && i < s->needles->n; i++) {
        const struct str *n = &s->needles->needles[i];
        if (n->n - 1 > s->ahead)
            s->ahead = n->n - 1;
        s->texts[i] = *n;
        char *folded = fold ? arena_alloc(&s->arena, n->n) : NULL;
        if (folded) {
            fold_bytes(folded, n->p, n->n);
            s->texts[i].p = folded;
        } else if (fold) {
            s->texts = NULL;
        }
    }
    bool many = s->needles->n > NEEDLES_SIDE &&
                !(s->needles->flags & SCAN_LINES);
    for (size_t i = 0; i < s->needles->n; i++)
        many = many && s->needles->needles[i].n >= SCAN_MANY_SHORTEST;
    if (s->texts && many) {
        s->many = scan_many_open(s->texts, s->needles->n);
        if (!s->many)
            s->texts = NULL;
    }
    return s->texts ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

static int run(struct scan *s, int *stopped, struct err *err)
{
    for (bool more = true;;) {
        int rc = window_next(s, &more, err);
        if (rc || !more)
            return rc;
        rc = is_regex(s->needles) ? scan_regex(s, stopped, err)
             : s->many            ? scan_many(s, stopped)
                                  : scan_literals(s, stopped);
        if (rc)
            return rc;
        *stopped = s->sink->progress(s->sink->ctx, s->w.base + s->w.to);
        if (*stopped)
            return ENOUGH;
    }
}

int scan_source(struct source *src, uint64_t off, uint64_t len,
                const struct reader_needles *needles,
                const struct scan_sink *sink, struct err *err)
{
    struct scan s = { .src = src, .needles = needles, .sink = sink };
    int stopped = 0;
    int rc = scan_check(needles, err);
    if (rc)
        return rc;
    s.at = off < src->size ? off : src->size;
    s.end = len < src->size - s.at ? s.at + len : src->size;
    s.left = needles->max_hits ? needles->max_hits : UINT64_MAX;
    s.w.base = s.at;
    s.w.raw = malloc(ROOM);
    if (!s.w.raw)
        rc = err_set(err, ERR_INTERNAL, "out of memory");
    if (rc == 0)
        rc = is_regex(needles) ? prepare_regex(&s, err)
                               : prepare_literals(&s, err);
    if (rc == 0)
        rc = run(&s, &stopped, err);
    pcre2_match_context_free(s.limits);
    pcre2_match_data_free(s.match);
    pcre2_code_free(s.code);
    scan_many_close(s.many);
    arena_free(&s.arena);
    free(s.w.folded);
    free(s.w.raw);
    return rc == ENOUGH ? stopped : rc;
}
