/* What all screens share of the case: read by jobs, replaced as a whole. */
#include "tui/facts.h"
#include "analyzer/timeline.h"

#include "tui/bytes.h"

#include <stdlib.h>

enum { SLOT_FACTS = 1, SLOT_MARKS };

/* ---- the case ------------------------------------------------------------ */

struct facts_job {
    struct job job;
    struct app *app;
    struct facts *facts;
    size_t room; /* of the list that is being read */
    bool failed;
};

/* Room for one more row in an array of the arena, which doubles. */
static void *grow(struct arena *a, void *rows, size_t n, size_t *room,
                  size_t size)
{
    if (n < *room)
        return rows;
    size_t more = *room ? 2 * *room : 16;
    void *new = arena_array(a, more, size);
    if (new &&n)
        memcpy(new, rows, n * size);
    if (new)
        *room = more;
    return new;
}

static int keep_exhibit(void *ctx, const struct exhibit *e)
{
    struct facts_job *j = ctx;
    struct facts *f = j->facts;
    struct exhibit *rows =
        grow(&f->arena, f->exhibits, f->n_exhibits, &j->room, sizeof(*rows));
    if (!rows)
        return ERR_INTERNAL;
    f->exhibits = rows;
    struct exhibit *x = &rows[f->n_exhibits++];
    *x = *e;
    x->path = arena_copy(&f->arena, e->path);
    x->kind = arena_copy(&f->arena, e->kind);
    x->note = arena_copy(&f->arena, e->note);
    x->sha256 = arena_copy(&f->arena, e->sha256);
    return 0;
}

static int keep_coverage(void *ctx, const struct coverage *v)
{
    struct facts_job *j = ctx;
    struct facts *f = j->facts;
    struct coverage *rows =
        grow(&f->arena, f->coverage, f->n_coverage, &j->room, sizeof(*rows));
    if (!rows)
        return ERR_INTERNAL;
    f->coverage = rows;
    struct coverage *x = &rows[f->n_coverage++];
    *x = *v;
    x->source = arena_copy(&f->arena, v->source);
    x->account = arena_copy(&f->arena, v->account);
    x->region = arena_copy(&f->arena, v->region);
    x->basis = arena_copy(&f->arena, v->basis);
    return 0;
}

static int read_sources(struct facts *f, struct casedb *c, struct err *err)
{
    int rc = case_entities_top(c, KIND_SOURCE, 0, &f->arena, &f->sources,
                               &f->n_sources, err);
    if (rc)
        return rc;
    f->source_names =
        arena_array(&f->arena, f->n_sources + 1, sizeof(struct str));
    if (!f->source_names)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < f->n_sources && rc == 0; i++) {
        f->source_names[i] =
            arena_copy(&f->arena, case_text(c, f->sources[i].id));
        rc = case_entity(c, f->sources[i].id, &f->sources[i], err);
    }
    return rc;
}

static int read_focus(struct facts *f, struct casedb *c, struct err *err)
{
    struct instant from, to;
    int rc = timeline_span(c, &from, &to, &f->focused, err);
    f->focus_from = from.s;
    f->focus_to = to.s;
    return rc;
}

static int read_facts(struct job *job, struct desk *d, struct err *err)
{
    struct facts_job *j = (struct facts_job *)job;
    struct facts *f = j->facts;
    int rc = case_get_info(d->c, &f->arena, &f->info, err);
    if (rc == 0)
        rc = case_span(d->c, &f->span, err);
    if (rc == 0)
        rc = read_focus(f, d->c, err);
    if (rc == 0)
        rc = case_exhibits(d->c, keep_exhibit, j, err);
    j->room = 0;
    if (rc == 0)
        rc = case_coverage(d->c, keep_coverage, j, err);
    if (rc == 0)
        rc = read_sources(f, d->c, err);
    if (rc == 0)
        rc = case_kind_counts(d->c, f->kinds, err);
    if (rc == 0)
        rc = case_analyzed(d->c, &f->analyzed, err);
    if (rc == 0)
        rc = case_audit_head(d->c, &f->audit, err);
    return rc;
}

static void tell(struct app *a)
{
    for (size_t i = 0; i < a->depth; i++)
        if (a->stack[i]->screen->news)
            a->stack[i]->screen->news(a->stack[i]);
}

static void free_facts(struct facts *f)
{
    if (f)
        arena_free(&f->arena);
    free(f);
}

static void clean_facts(struct job *job)
{
    free_facts(((struct facts_job *)job)->facts);
}

static void have_facts(struct job *job)
{
    struct facts_job *j = (struct facts_job *)job;
    struct app *a = j->app;
    if (job->rc) {
        app_say_err(a, &job->err);
        return;
    }
    free_facts(a->facts);
    a->facts = j->facts;
    j->facts = NULL;
    tell(a);
}

static void load_facts(struct app *a)
{
    struct facts_job *j = job_new(sizeof(*j));
    if (!j)
        return;
    j->app = a;
    j->facts = calloc(1, sizeof(*j->facts));
    if (!j->facts) {
        free(j);
        return;
    }
    j->job.lane = LANE_COUNT;
    j->job.slot = SLOT_FACTS;
    j->job.run = read_facts;
    j->job.answer = have_facts;
    j->job.clean = clean_facts;
    office_submit(a->office, &j->job);
}

/* ---- the examiner's entries ---------------------------------------------- */

struct marks_job {
    struct job job;
    struct app *app;
    struct marks *marks;
    size_t room;
};

static int keep_mark(void *ctx, const struct mark *m)
{
    struct marks_job *j = ctx;
    struct marks *k = j->marks;
    struct mark *rows = grow(&k->arena, k->rows, k->n, &j->room, sizeof(*rows));
    if (!rows)
        return ERR_INTERNAL;
    k->rows = rows;
    struct mark *x = &rows[k->n++];
    *x = *m;
    x->cite = arena_copy(&k->arena, m->cite);
    x->body = arena_copy(&k->arena, m->body);
    x->author = arena_copy(&k->arena, m->author);
    return 0;
}

static int read_marks(struct job *job, struct desk *d, struct err *err)
{
    return case_marks(d->c, -1, 0, keep_mark, job, err);
}

static void free_marks(struct marks *k)
{
    if (k)
        arena_free(&k->arena);
    free(k);
}

static void clean_marks(struct job *job)
{
    free_marks(((struct marks_job *)job)->marks);
}

static void have_marks(struct job *job)
{
    struct marks_job *j = (struct marks_job *)job;
    if (job->rc) {
        app_say_err(j->app, &job->err);
        return;
    }
    free_marks(j->app->marks);
    j->app->marks = j->marks;
    j->marks = NULL;
    tell(j->app);
}

static void load_marks(struct app *a)
{
    struct marks_job *j = job_new(sizeof(*j));
    if (!j)
        return;
    j->app = a;
    j->marks = calloc(1, sizeof(*j->marks));
    if (!j->marks) {
        free(j);
        return;
    }
    j->job.lane = LANE_PAGE;
    j->job.slot = SLOT_MARKS;
    j->job.run = read_marks;
    j->job.answer = have_marks;
    j->job.clean = clean_marks;
    office_submit(a->office, &j->job);
}

void app_reload(struct app *a, bool facts)
{
    if (facts)
        load_facts(a);
    load_marks(a);
}

void facts_free(struct app *a)
{
    free_facts(a->facts);
    free_marks(a->marks);
    a->facts = NULL;
    a->marks = NULL;
}

unsigned app_marked(const struct app *a, int64_t event)
{
    unsigned bits = 0;
    for (size_t i = 0; a->marks && i < a->marks->n; i++) {
        const struct mark *m = &a->marks->rows[i];
        if (m->event == event && !m->undone && !m->undoes)
            bits |= 1u << m->kind;
    }
    return bits;
}

const struct mark *marks_find(const struct app *a, int64_t event,
                              enum mark_kind kind)
{
    for (size_t i = a->marks ? a->marks->n : 0; i-- > 0;) {
        const struct mark *m = &a->marks->rows[i];
        if (m->event == event && m->kind == kind && !m->undone && !m->undoes)
            return m;
    }
    return NULL;
}

/* ---- writing ------------------------------------------------------------- */

struct write_job {
    struct job job;
    struct app *app;
    struct mark mark;
    struct str command; /* a search instead of a mark */
    int64_t hits;
};

static int write_entry(struct job *job, struct desk *d, struct err *err)
{
    struct write_job *j = (struct write_job *)job;
    int64_t id;
    if (j->command.n)
        return case_query_add(d->c, j->command, j->mark.body, j->hits, err);
    if (!j->mark.undoes) {
        /* entries stand by the citation, which outlives the number */
        struct event e;
        struct member m;
        struct arena *a = &job->arena;
        int rc = case_event(d->c, j->mark.event, a, &e, err);
        if (rc == 0)
            rc = case_member(d->c, e.member, a, &m, err);
        if (rc)
            return rc;
        j->mark.cite = bytes_cite(&m, e.off, e.len, e.sub, a);
    }
    return case_mark_add(d->c, &j->mark, &id, err);
}

static void written(struct job *job)
{
    struct write_job *j = (struct write_job *)job;
    if (job->rc)
        app_say_err(j->app, &job->err);
    else if (!j->command.n)
        app_reload(j->app, false);
}

static struct write_job *write_job(struct app *a)
{
    if (a->read_only[0])
        return NULL;
    struct write_job *j = job_new(sizeof(*j));
    if (!j)
        return NULL;
    j->app = a;
    j->job.lane = LANE_WRITE;
    j->job.run = write_entry;
    j->job.answer = written;
    return j;
}

void app_write_mark(struct app *a, const struct mark *m)
{
    struct write_job *j = write_job(a);
    if (!j) {
        app_say(a, STYLE_ERROR, "not written: %s", a->read_only);
        return;
    }
    j->mark = *m;
    j->mark.body = arena_copy(&j->job.arena, m->body);
    office_submit(a->office, &j->job);
}

void app_write_query(struct app *a, struct str command, struct str text,
                     int64_t hits)
{
    struct write_job *j = write_job(a);
    if (!j)
        return;
    j->command = arena_copy(&j->job.arena, command);
    j->mark.body = arena_copy(&j->job.arena, text);
    j->hits = hits;
    office_submit(a->office, &j->job);
}
