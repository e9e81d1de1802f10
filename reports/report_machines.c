/* Which machines: what host facts state, each statement once an exhibit. */
#include "reports/report_machines.h"

#include "analyzer/filter.h"
#include "casedb/query.h"
#include "reports/place.h"

#include <stdlib.h>

enum { ROWS = 200, TEXT_MOST = 200, FACTS_MOST = 1 << 16 };

HTML_HEAD(machine_head, NONE, W_EXHIBIT, W_HOST_STATED, W_VALUE, W_HOST_TEXT,
          W_EVENT_CITE);

/* In the order of the table. */
static const struct {
    unsigned kind;
    enum word word;
} kinds[] = {
    { KIND_HOST, W_HOST_NAME },
    { KIND_INSTANCE, W_HOST_INSTANCE },
    { KIND_MACHINE, W_HOST_MACHINE },
    { KIND_IP, W_HOST_ADDRESS },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct fact {
    int64_t exhibit, member, event;
    unsigned rank; /* index into kinds, KINDS: others */
    struct str value, text;
};
struct facts {
    struct report *r;
    struct fact *v;
    size_t n, cap;
};

void report_machines_cite(struct html *h, struct str cite, int64_t event)
{
    html_raw(h, "<code>[");
    html_text(h, cite);
    html_raw(h, " ");
    html_text(h, report_event_name(event));
    html_raw(h, "]</code>");
}

static int add(struct facts *f, const struct fact *x)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 64;
        struct fact *more = realloc(f->v, cap * sizeof(*more));
        if (!more)
            return err_set(f->r->err, ERR_INTERNAL, "out of memory");
        f->v = more;
        f->cap = cap;
    }
    f->v[f->n++] = *x;
    return 0;
}

/* Settings of programs are facts, too, but tell no machine from another. */
static bool tells_machine(struct str source)
{
    return str_eq(source, STR("host-identity")) ||
           str_eq(source, STR("cloud-data")) || str_eq(source, STR("registry"));
}

static int add_event(struct facts *f, int64_t id)
{
    struct report *r = f->r;
    struct arena a = { 0 };
    struct event e;
    struct member m;
    int rc = case_event(r->c, id, &a, &e, r->err);
    if (rc == 0)
        rc = case_member(r->c, e.member, &a, &m, r->err);
    if (rc == 0) {
        struct fact x = { .exhibit = m.exhibit, .member = m.id, .event = id };
        while (x.rank < KINDS && kinds[x.rank].kind != e.target >> KIND_SHIFT)
            x.rank++;
        if (x.rank == KINDS && !tells_machine(case_text(r->c, e.source))) {
            arena_free(&a);
            return 0;
        }
        x.value = arena_copy(&r->a, case_text(r->c, e.target));
        x.text = arena_copy(
            &r->a,
            str_sub(e.text, 0, e.text.n < TEXT_MOST ? e.text.n : TEXT_MOST));
        rc = add(f, &x);
    }
    arena_free(&a);
    return rc;
}

static int collect(struct facts *f, uint64_t *all)
{
    struct report *r = f->r;
    struct filter_env env = { .c = r->c };
    struct filter_plan compiled;
    struct scan *scan;
    struct hit hit;
    int rc = filter_plan_text(STR("action:\"host fact\""), &env, &r->a,
                              &compiled, NULL, r->err);
    if (rc == 0)
        rc = scan_open(r->c, compiled.plan, NULL, false, &scan, r->err);
    if (rc)
        return rc;
    while ((rc = scan_next(scan, &hit, r->err)) > 0) {
        rc = ++*all <= FACTS_MOST ? add_event(f, hit.id) : 0;
        if (rc)
            break;
    }
    scan_close(scan);
    return rc < 0 ? rc : 0;
}

static int cmp_number(int64_t x, int64_t y)
{
    return x < y ? -1 : x > y;
}

/* Equal ones differ by their event alone. Leases and the like tell the same
 * address each time in other words; what has no kind is told by its file. */
static int cmp_fact(const struct fact *x, const struct fact *y)
{
    int cmp = cmp_number(x->exhibit, y->exhibit);
    if (cmp == 0)
        cmp = cmp_number(x->rank, y->rank);
    if (cmp == 0 && x->rank == KINDS)
        cmp = cmp_number(x->member, y->member);
    if (cmp == 0)
        cmp = str_cmp(x->value, y->value);
    return cmp || x->rank < KINDS ? cmp : str_cmp(x->text, y->text);
}

static int in_order(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;
    int cmp = cmp_fact(x, y);
    return cmp ? cmp : cmp_number(x->event, y->event);
}

/* What the file is called tells what its lines state: os-release, timezone. */
static struct str file_name(const struct member *m)
{
    struct str s = m->layers.n ? m->layers : m->path;
    for (size_t i = s.n; i-- > 0;)
        if (s.p[i] == '/')
            return str_sub(s, i + 1, s.n);
    return s;
}

static int put_fact(struct report *r, const struct fact *x)
{
    struct html *h = &r->h;
    struct arena a = { 0 };
    struct event e;
    struct member m;
    struct str cite;
    int rc = case_event(r->c, x->event, &a, &e, r->err);
    if (rc == 0)
        rc = case_member(r->c, e.member, &a, &m, r->err);
    if (rc == 0)
        rc = place_put(&a, &m, &e, &cite, r->err);
    if (rc == 0) {
        html_row(h, NULL);
        html_cell_short(h, report_exhibit_name(x->exhibit));
        if (x->rank < KINDS)
            html_cell_word(h, kinds[x->rank].word);
        else
            html_cell(h, file_name(&m));
        html_cell(h, x->value);
        html_cell_wide(h, x->text);
        html_raw(h, "<td>");
        report_machines_cite(h, cite, x->event);
        html_raw(h, "</td>");
        html_row_end(h);
    }
    arena_free(&a);
    return rc;
}

int report_machines(struct report *r)
{
    struct html *h = &r->h;
    struct facts f = { .r = r };
    uint64_t all = 0, different = 0;
    int rc = collect(&f, &all);
    html_word(h, "h3", NULL, W_HOST_MACHINES);
    if (rc == 0 && f.n == 0)
        html_word(h, "p", "class=\"soft\"", W_HOST_MACHINES_NONE);
    if (rc == 0 && f.n) {
        qsort(f.v, f.n, sizeof(*f.v), in_order);
        html_table(h, &machine_head);
        for (size_t i = 0; i < f.n && rc == 0; i++) {
            if (i && cmp_fact(&f.v[i - 1], &f.v[i]) == 0)
                continue;
            if (different++ < ROWS)
                rc = put_fact(r, &f.v[i]);
        }
        html_table_end(h);
        html_shown(h, different < ROWS ? different : ROWS, different);
        if (all > FACTS_MOST)
            html_shown(h, FACTS_MOST, all);
    }
    free(f.v);
    return rc;
}
