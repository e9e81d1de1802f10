/*
 * CloudTrail by what was delivered. CloudTrail writes a file about every five
 * minutes, but only when there was something to write, so a quiet region has
 * few files and a silence there says nothing. A silence is a gap only when it
 * is long for its neighbours on both sides, unlikely among all silences of
 * the region, and no habit (the same hours of another day or week).
 */
#include "analyzer/coverage_rows.h"

#include <stdlib.h>

#include "analyzer/cite.h"
#include "base/text.h"

enum { DAY_S = 86400, GAPS = 1000, ENOUGH = 6 };

/* ---- names --------------------------------------------------------------- */

static bool digits(struct str s, size_t at, size_t n, int *out)
{
    *out = 0;
    for (size_t i = at; i < at + n; i++) {
        if (i >= s.n || s.p[i] < '0' || s.p[i] > '9')
            return false;
        *out = *out * 10 + (s.p[i] - '0');
    }
    return true;
}

/* YYYYMMDDTHHmmZ */
static bool name_time(struct str s, int64_t *out)
{
    int y, mo, d, h, mi;
    if (s.n != 14 || s.p[8] != 'T' || s.p[13] != 'Z' || !digits(s, 0, 4, &y) ||
        !digits(s, 4, 2, &mo) || !digits(s, 6, 2, &d) || !digits(s, 9, 2, &h) ||
        !digits(s, 11, 2, &mi))
        return false;
    if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59)
        return false;
    *out = time_days_from_civil(y, mo, d) * DAY_S + h * 3600 + mi * 60;
    return true;
}

static struct str base_name(struct str path)
{
    size_t at = path.n;
    while (at > 0 && path.p[at - 1] != '/')
        at--;
    return str_sub(path, at, path.n);
}

/* Up to the next '_', which is left behind. */
static struct str field(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '_')
        n++;
    struct str f = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n + 1, rest->n);
    return f;
}

bool coverage_delivery(struct str path, struct coverage_delivery *out)
{
    struct str rest = base_name(path);
    int unused;
    *out = (struct coverage_delivery){ .account = field(&rest) };
    if (out->account.n != 12 || !digits(out->account, 0, 9, &unused) ||
        !digits(out->account, 9, 3, &unused) ||
        !str_eq(field(&rest), STR("CloudTrail")))
        return false;
    out->region = field(&rest);
    return out->region.n > 0 && name_time(field(&rest), &out->t_s);
}

/* ---- gaps ---------------------------------------------------------------- */

/* Mean distance of up to COVERAGE_NEIGHBOURS deliveries from i on in one
 * direction; 0 = too few to know what is usual. */
static int64_t usual(const int64_t *t, size_t n, size_t i, bool back)
{
    size_t k = back ? i : n - 1 - i;
    if (k > COVERAGE_NEIGHBOURS)
        k = COVERAGE_NEIGHBOURS;
    if (k < ENOUGH)
        return 0;
    int64_t span = back ? t[i] - t[i - k] : t[i + k] - t[i];
    return span / (int64_t)k > 0 ? span / (int64_t)k : 1;
}

/* How many times the usual distance: so that among n silences of chance
 * (exponential ones) the expected number of longer ones is below 0.01. */
static int64_t factor(size_t n)
{
    unsigned bits = 0;
    for (size_t k = n * 100; k; k >>= 1)
        bits++;
    int64_t log = ((int64_t)bits * 693 + 999) / 1000; /* ln 2 = 0.693 */
    return log > COVERAGE_GAP_FACTOR ? log : COVERAGE_GAP_FACTOR;
}

/* Is half of [from, to) silent too? */
static bool is_silent(const int64_t *t, size_t n, int64_t from, int64_t to)
{
    int64_t last = from, longest = 0;
    size_t lo = 0, hi = n;
    if (from < t[0] || to > t[n - 1])
        return false; /* not known */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t[mid] < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < n && t[lo] < to; lo++) {
        longest = t[lo] - last > longest ? t[lo] - last : longest;
        last = t[lo];
    }
    longest = to - last > longest ? to - last : longest;
    return longest * 2 >= to - from;
}

static bool is_habit(const int64_t *t, size_t n, int64_t from, int64_t to)
{
    static const int days[] = { -1, 1, -7, 7 };
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        int64_t shift = (int64_t)days[i] * DAY_S;
        if (to - from < (shift < 0 ? -shift : shift) &&
            is_silent(t, n, from + shift, to + shift))
            return true;
    }
    return false;
}

size_t coverage_gaps(const int64_t *t, size_t n, struct coverage_gap *out,
                     size_t most)
{
    size_t found = 0;
    int64_t times = factor(n);
    for (size_t i = 0; i + 1 < n; i++) {
        int64_t silence = t[i + 1] - t[i];
        if (silence <= COVERAGE_GAP_MIN_S)
            continue;
        int64_t before = usual(t, n, i, true);
        int64_t after = usual(t, n, i + 1, false);
        int64_t wider = before > after ? before : after;
        if (before == 0 || after == 0 || silence <= times * wider ||
            is_habit(t, n, t[i], t[i + 1]))
            continue;
        if (found < most)
            out[found] = (struct coverage_gap){ i, wider };
        found++;
    }
    return found;
}

/* ---- the deliveries of the case ------------------------------------------ */

struct deliveries {
    struct coverage_delivery *list;
    size_t n, cap;
    struct arena *a;
    struct str account, region; /* copies of the last, as most repeat */
};

static struct str copy(struct arena *a, struct str *last, struct str s)
{
    if (!str_eq(*last, s))
        *last = arena_copy(a, s);
    return *last;
}

static int take_member(void *ctx, const struct member *m)
{
    struct deliveries *d = ctx;
    struct coverage_delivery k;
    if (!str_eq(m->format, STR("cloudtrail")) ||
        !coverage_delivery(m->path, &k))
        return 0;
    if (d->n == d->cap) {
        size_t cap = d->cap ? 2 * d->cap : 1024;
        struct coverage_delivery *more = realloc(d->list, cap * sizeof(*more));
        if (!more)
            return ERR_INTERNAL;
        d->list = more;
        d->cap = cap;
    }
    k.account = copy(d->a, &d->account, k.account);
    k.region = copy(d->a, &d->region, k.region);
    k.n_events = m->n_events;
    d->list[d->n++] = k;
    return k.account.p && k.region.p ? 0 : ERR_INTERNAL;
}

static int by_place(const void *a, const void *b)
{
    const struct coverage_delivery *x = a, *y = b;
    int c = str_cmp(x->account, y->account);
    if (c == 0)
        c = str_cmp(x->region, y->region);
    if (c == 0)
        c = x->t_s < y->t_s ? -1 : x->t_s > y->t_s;
    return c;
}

static bool same_series(const struct coverage_delivery *a,
                        const struct coverage_delivery *b)
{
    return str_eq(a->account, b->account) && str_eq(a->region, b->region);
}

static int make_series(struct coverage_run *r, const struct deliveries *d,
                       struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        n += i == 0 || !same_series(&d->list[i - 1], &d->list[i]);
    r->series = arena_array(&r->arena, n + 1, sizeof(*r->series));
    int64_t *t = arena_array(&r->arena, d->n + 1, sizeof(*t));
    if (!r->series || !t)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < d->n; i++) {
        const struct coverage_delivery *k = &d->list[i];
        if (i == 0 || !same_series(k - 1, k))
            r->series[r->n_series++] = (struct coverage_series){
                .account = k->account, .region = k->region, .t = t
            };
        struct coverage_series *s = &r->series[r->n_series - 1];
        if (s->n == 0 || s->t[s->n - 1] != k->t_s) {
            s->t[s->n++] = k->t_s;
            t++;
        }
        s->n_files++;
        s->n_events += k->n_events;
        if (r->from_s > k->t_s - COVERAGE_GRID_S)
            r->from_s = k->t_s - COVERAGE_GRID_S;
        if (r->to_s < k->t_s)
            r->to_s = k->t_s;
    }
    return 0;
}

static int put_present(struct coverage_run *r, const struct coverage_series *s,
                       size_t first, size_t last, struct err *err)
{
    struct buf b = { 0 };
    int64_t longest = 0;
    for (size_t i = first; i < last; i++)
        longest =
            s->t[i + 1] - s->t[i] > longest ? s->t[i + 1] - s->t[i] : longest;
    buf_printf(&b, "files were delivered at %zu times", last - first + 1);
    if (longest > COVERAGE_GRID_S) {
        buf_putz(&b, ", at most ");
        coverage_span(&b, longest);
        buf_putz(&b, " apart, which is usual here: without events no file is "
                     "written");
    }
    buf_putz(&b, "; judged by the times in the names");
    struct coverage v = { .source = STR("cloudtrail"),
                          .account = s->account,
                          .region = s->region,
                          .from_s = s->t[first] - COVERAGE_GRID_S,
                          .to_s = s->t[last],
                          .state = COVER_PRESENT };
    return coverage_put_buf(r, &v, &b, err);
}

static int put_gap(struct coverage_run *r, const struct coverage_series *s,
                   const struct coverage_gap *g, struct err *err)
{
    struct buf b = { 0 };
    buf_putz(&b, "no file was delivered for ");
    coverage_span(&b, s->t[g->i + 1] - s->t[g->i]);
    buf_putz(&b, ", before and after one came about every ");
    coverage_span(&b, g->usual_s);
    buf_putz(&b, "; whether nothing was delivered or the files were not "
                 "collected is not known");
    struct coverage v = { .source = STR("cloudtrail"),
                          .account = s->account,
                          .region = s->region,
                          .from_s = s->t[g->i],
                          .to_s = s->t[g->i + 1] - COVERAGE_GRID_S,
                          .state = COVER_ABSENT };
    return coverage_put_buf(r, &v, &b, err);
}

static int put_series(struct coverage_run *r, const struct coverage_series *s,
                      struct err *err)
{
    struct coverage_gap *gaps = malloc(GAPS * sizeof(*gaps));
    size_t first = 0;
    int rc = 0;
    if (!gaps)
        return err_set(err, ERR_INTERNAL, "out of memory");
    size_t n = coverage_gaps(s->t, s->n, gaps, GAPS);
    for (size_t i = 0; i < n && i < GAPS && rc == 0; i++) {
        rc = put_present(r, s, first, gaps[i].i, err);
        if (rc == 0)
            rc = put_gap(r, s, &gaps[i], err);
        first = gaps[i].i + 1;
    }
    if (rc == 0)
        rc = put_present(r, s, first, s->n - 1, err);
    free(gaps);
    return rc;
}

int coverage_deliveries(struct coverage_run *r, struct err *err)
{
    struct deliveries d = { .a = &r->arena };
    int rc = case_members(r->c, 0, take_member, &d, err);
    if (rc == ERR_INTERNAL)
        err_set(err, rc, "out of memory");
    if (d.n)
        qsort(d.list, d.n, sizeof(*d.list), by_place);
    if (rc == 0)
        rc = make_series(r, &d, err);
    free(d.list);
    for (size_t i = 0; i < r->n_series && rc == 0; i++)
        rc = put_series(r, &r->series[i], err);
    return rc;
}

/* ---- damage -------------------------------------------------------------- */

struct damage {
    int64_t *members; /* each once */
    struct str *codes;
    size_t n, cap;
    struct arena *a;
};

enum { ISSUE_IS_ERROR = 2 }; /* the severity: evidence is lost */

static int take_issue(void *ctx, const struct issue *i)
{
    struct damage *d = ctx;
    if (i->severity < ISSUE_IS_ERROR || i->member == 0)
        return 0;
    for (size_t k = d->n; k-- > 0 && k + 64 > d->n;)
        if (d->members[k] == i->member)
            return 0; /* issues of a member come together */
    if (d->n == d->cap) {
        size_t cap = d->cap ? 2 * d->cap : 64;
        int64_t *members = realloc(d->members, cap * sizeof(*members));
        if (members)
            d->members = members;
        struct str *codes = realloc(d->codes, cap * sizeof(*codes));
        if (codes)
            d->codes = codes;
        if (!members || !codes)
            return ERR_INTERNAL;
        d->cap = cap;
    }
    d->members[d->n] = i->member;
    d->codes[d->n] = arena_copy(d->a, i->code);
    return d->codes[d->n++].p ? 0 : ERR_INTERNAL;
}

static int put_damage(struct coverage_run *r, int64_t member, struct str code,
                      struct err *err)
{
    struct coverage_delivery k;
    struct member m;
    struct buf b = { 0 };
    int rc = case_member(r->c, member, &r->arena, &m, err);
    if (rc || !coverage_delivery(m.path, &k))
        return rc;
    cite_put_member(&b, &m);
    buf_printf(&b, " is damaged (%s): %llu records of it could be read",
               text_line(code), (unsigned long long)(m.n_stored + m.n_dup));
    struct coverage v = { .source = STR("cloudtrail"),
                          .account = k.account,
                          .region = k.region,
                          .from_s = k.t_s - COVERAGE_GRID_S,
                          .to_s = k.t_s,
                          .state = COVER_DAMAGED };
    return coverage_put_buf(r, &v, &b, err);
}

int coverage_damage(struct coverage_run *r, struct err *err)
{
    struct damage d = { .a = &r->arena };
    int rc = case_issues(r->c, 0, take_issue, &d, err);
    if (rc == ERR_INTERNAL)
        err_set(err, rc, "out of memory");
    for (size_t i = 0; i < d.n && rc == 0; i++)
        rc = put_damage(r, d.members[i], d.codes[i], err);
    free(d.members);
    free(d.codes);
    return rc;
}
