/* From one entity to the others that occur with it. */
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/show_entity.h"

#include "analyzer/cite.h"
#include "base/text.h"

#include <stdlib.h>

static const struct command_option options[] = {
    { "--top", "N", "the N of each kind with most events; default 10, 0 = all",
      0 },
    { "--kind", "KIND", "only entities of this kind", 0 },
    { 0 },
};

static const struct command_example examples[] = {
    { "pivot incident.kan ip:198.51.100.66",
      "Who and what occurs in events with this address." },
    { 0 },
};

static const struct table_column columns[] = {
    { "kind", "KIND", false, 0 },    { "value", "VALUE", false, 0 },
    { "events", "EVENTS", true, 0 }, { "first", "FIRST", false, 0 },
    { "last", "LAST", false, 0 },    { "roles", "ROLES", false, 0 },
};

/* An entity met in the events. */
struct met {
    uint32_t id, roles; /* id 0 = free */
    uint64_t n;
    int64_t last_event; /* counted once an event */
    bool timed;
    struct instant first, last;
};

struct pivot {
    struct cli *cli;
    struct casedb *c;
    struct met *slots; /* open addressing, a power of two */
    size_t n, cap;
    uint32_t self;
    uint64_t events;
};

static struct met *slot_of(struct met *slots, size_t cap, uint32_t id)
{
    size_t i = (id * (size_t)2654435761u) & (cap - 1);
    while (slots[i].id && slots[i].id != id)
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static bool grow(struct pivot *p)
{
    size_t cap = p->cap ? 2 * p->cap : 1024;
    struct met *more = calloc(cap, sizeof(*more));
    if (!more)
        return false;
    for (size_t i = 0; i < p->cap; i++)
        if (p->slots[i].id)
            *slot_of(more, cap, p->slots[i].id) = p->slots[i];
    free(p->slots);
    p->slots = more;
    p->cap = cap;
    return true;
}

static bool meet(struct pivot *p, const struct event_ref *r,
                 const struct hit *h)
{
    if (r->id == p->self)
        return true;
    if (2 * p->n >= p->cap && !grow(p))
        return false;
    struct met *m = slot_of(p->slots, p->cap, r->id);
    if (m->id == 0) {
        m->id = r->id;
        p->n++;
    }
    m->roles |= 1u << r->role;
    if (m->last_event == h->id)
        return true;
    m->last_event = h->id;
    m->n++;
    if (h->timed && !m->timed)
        m->first = h->t;
    if (h->timed)
        m->last = h->t; /* hits come in the order of time */
    m->timed |= h->timed;
    return true;
}

static int collect(struct pivot *p, struct progress *progress, struct err *err)
{
    struct plan plan = { .op = PLAN_ANY_OF, .ids = &p->self, .n = 1 };
    struct entity_count all;
    struct arena a = { 0 };
    struct scan *scan;
    struct hit hit;
    int rc = case_entity(p->c, p->self, &all, err);
    if (rc == 0)
        rc = scan_open(p->c, &plan, NULL, false, &scan, err);
    if (rc)
        return rc;
    while ((rc = scan_next(scan, &hit, err)) > 0) {
        struct event_ref *refs;
        size_t n;
        arena_reset(&a);
        rc = case_event_refs(p->c, hit.id, &a, &refs, &n, err);
        for (size_t i = 0; i < n && rc == 0; i++)
            if (!meet(p, &refs[i], &hit))
                rc = err_set(err, ERR_INTERNAL, "out of memory");
        if (rc)
            break;
        p->events++;
        if (progress_tell(progress,
                          &(struct progress_state){ .items = p->events,
                                                    .unit = "events",
                                                    .done = p->events,
                                                    .all = all.n })) {
            rc = err_set(err, ERR_STOPPED, "pivot: interrupted");
            break;
        }
    }
    scan_close(scan);
    arena_free(&a);
    return rc;
}

static int order(const void *a, const void *b, void *ctx)
{
    const struct met *x = a, *y = b;
    struct casedb *c = ctx;
    unsigned kx = x->id >> KIND_SHIFT, ky = y->id >> KIND_SHIFT;
    if (kx != ky)
        return kx < ky ? -1 : 1;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    struct arena arena = { 0 };
    struct str vx = arena_copy(&arena, case_text(c, x->id));
    int r = str_cmp(vx, case_text(c, y->id));
    arena_free(&arena);
    return r;
}

static int put(struct pivot *p, unsigned only, uint64_t top, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < p->cap; i++)
        if (p->slots[i].id &&
            (only == 0 || p->slots[i].id >> KIND_SHIFT == only))
            p->slots[n++] = p->slots[i];
    if (n)
        qsort_r(p->slots, n, sizeof(*p->slots), order, p->c);
    struct table *t =
        out_table(p->cli, columns, sizeof(columns) / sizeof(columns[0]), err);
    if (!t)
        return err->code;
    unsigned kind = 0;
    uint64_t put_of_kind = 0;
    for (size_t i = 0; i < n; i++) {
        const struct met *m = &p->slots[i];
        put_of_kind = m->id >> KIND_SHIFT == kind ? put_of_kind + 1 : 1;
        kind = m->id >> KIND_SHIFT;
        if (top && put_of_kind > top)
            continue;
        table_str(t, kind_name(kind));
        table_str(t, case_text(p->c, m->id));
        table_u64(t, m->n);
        table_time(t, p->cli, m->timed, m->first, -1);
        table_time(t, p->cli, m->timed, m->last, -1);
        table_str(t, role_names(m->roles, &p->cli->arena));
    }
    return table_close(t, err);
}

static int pivot(struct pivot *p, unsigned only, uint64_t top, struct err *err)
{
    struct cite_found ref;
    struct progress progress;
    int rc = progress_open(&progress, p->cli, "counting", err);
    if (rc == 0)
        rc = cite_find(p->c, arg_word(p->cli, 1), &p->cli->arena, &ref, err);
    if (rc == 0 && ref.cite.form != CITE_ENTITY)
        rc = err_set(err, ERR_USAGE, "pivot: %s: not an entity (KIND:VALUE)",
                     text_line(arg_word(p->cli, 1)));
    if (rc)
        return rc;
    p->self = ref.entity;
    rc = collect(p, &progress, err);
    progress_end(&progress);
    if (rc == 0 && p->cli->format == TABLE_TEXT) {
        rc = show_entity(p->cli, p->c, p->self, err);
        out_putz(p->cli, "\n");
    }
    return rc ? rc : put(p, only, top, err);
}

static int run(struct cli *cli, struct err *err)
{
    struct pivot p = { .cli = cli };
    struct str kind = arg_str(cli, "--kind");
    uint64_t top = 10;
    int rc = arg_u64(cli, "--top", &top, err);
    if (rc == 0 && kind.p && kind_from_name(kind) == 0)
        rc = err_set(err, ERR_USAGE, "--kind: %s: no such kind",
                     text_line(kind));
    if (rc == 0)
        rc = cli_open(cli, CASE_READ, &p.c, err);
    if (rc)
        return rc;
    rc = pivot(&p, kind.p ? kind_from_name(kind) : 0, top, err);
    case_close(p.c);
    free(p.slots);
    /* a value that is not in the case was searched for, too */
    if (rc == 0 || rc == ERR_USAGE) {
        struct err log_err = { 0 };
        int logged = cli_log_query(cli, arg_word(cli, 1), (int64_t)p.events,
                                   rc ? &log_err : err);
        rc = rc ? rc : logged;
    }
    return rc;
}

const struct command cmd_pivot = {
    .name = "pivot",
    .group = GROUP_ANALYSIS,
    .flags = COMMAND_CASE | COMMAND_LIST | COMMAND_ASKS,
    .words = "CASE ENTITY",
    .summary = "Show what occurs together with an entity",
    .text = "Counts every other entity in the events that have this one, per "
            "kind, with first and last time and the roles played.",
    .options = options,
    .examples = examples,
    .min = 2,
    .max = 2,
    .run = run,
};
