/*
 * Rows of the examiner (custody, marks, searches) and of analyze (links,
 * coverage). The first are written with their audit row in one transaction;
 * the second are replaced as a whole, and the caller writes one audit row for
 * the run of analyze.
 */
#include "casedb/examiner.h"

#include "casedb/db.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>

/* ---- shared -------------------------------------------------------------- */

static int may_write(struct casedb *c, struct err *err)
{
    if (c->mode == CASE_WRITE)
        return 0;
    return err_set(err, ERR_CASE, "%s: opened for reading only",
                   text_line(str_from(c->path)));
}

/* What a person typed becomes TEXT, which holds UTF-8 only. */
static int check_texts(const struct str *s, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!text_utf8_valid(s[i]) || (s[i].n && memchr(s[i].p, 0, s[i].n)))
            return err_set(err, ERR_USAGE, "not valid UTF-8 text: %s",
                           text_line(s[i]));
    return 0;
}

static int exists(struct casedb *c, const char *query, int64_t id, bool *out,
                  struct err *err)
{
    int64_t v;
    sqlite3_stmt *st = db_prepare(c, query, err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, id);
    int r = db_integer(c, st, 0, &v, err);
    *out = v != 0;
    return r;
}

/* Audit entry about one row; the detail is built in *b. */
static int audit(struct casedb *c, struct str action, const char *object,
                 struct buf *b, struct err *err)
{
    if (b->failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    return case_audit(c, action, str_from(object), buf_str(b), err);
}

/* Ends a transaction as r says. */
static int settle(struct casedb *c, int r, struct err *err)
{
    if (r == 0)
        return db_commit(c, err);
    db_rollback(c);
    return r;
}

/* ---- custody ------------------------------------------------------------- */

static int check_custody(struct casedb *c, const struct custody *e,
                         struct err *err)
{
    const struct str texts[] = { e->action, e->from,    e->to,
                                 e->place,  e->purpose, e->at_text };
    bool found = false;
    int r = check_texts(texts, sizeof(texts) / sizeof(texts[0]), err);
    if (r == 0)
        r = exists(c, "SELECT 1 FROM exhibit WHERE no=?1", e->exhibit, &found,
                   err);
    if (r == 0 && !found)
        return err_set(err, ERR_USAGE, "no exhibit X%lld in this case",
                       (long long)e->exhibit);
    if (r || e->corrects == 0)
        return r;
    r = exists(c, "SELECT 1 FROM custody WHERE id=?1", e->corrects, &found,
               err);
    if (r == 0 && !found)
        return err_set(err, ERR_USAGE, "no custody entry %lld to correct",
                       (long long)e->corrects);
    return r;
}

static int insert_custody(struct casedb *c, const struct custody *e,
                          struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO custody(exhibit, action, from_party, to_party, place,"
        " purpose, at_s, at_text, entered_s, entered_by, corrects)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    const struct str texts[] = { e->action, e->from, e->to, e->place,
                                 e->purpose };
    sqlite3_bind_int64(st, 1, e->exhibit);
    for (int i = 0; i < 5; i++)
        db_bind_text(st, i + 2, texts[i]);
    sqlite3_bind_int64(st, 7, e->at.s);
    db_bind_text(st, 8, e->at_text);
    sqlite3_bind_int64(st, 9, time_now().s);
    db_bind_text(st, 10, str_from(c->actor));
    sqlite3_bind_int64(st, 11, e->corrects);
    return db_run(c, st, err);
}

static int audit_custody(struct casedb *c, const struct custody *e,
                         struct err *err)
{
    char object[32];
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    snprintf(object, sizeof(object), "X%lld", (long long)e->exhibit);
    json_put_open(&o, '{');
    json_put_kstr(&o, "action", e->action);
    json_put_kstr(&o, "at", e->at_text);
    if (e->corrects)
        json_put_ki64(&o, "corrects", e->corrects);
    json_put_kstr(&o, "from", e->from);
    json_put_ki64(&o, "id", sqlite3_last_insert_rowid(c->db));
    json_put_kstr(&o, "place", e->place);
    json_put_kstr(&o, "purpose", e->purpose);
    json_put_kstr(&o, "to", e->to);
    json_put_close(&o, '}');
    int r = audit(c, STR("custody.add"), object, &b, err);
    buf_free(&b);
    return r;
}

int case_custody_add(struct casedb *c, const struct custody *e, struct err *err)
{
    int r = may_write(c, err);
    if (r == 0)
        r = db_begin(c, err);
    if (r)
        return r;
    r = check_custody(c, e, err);
    if (r == 0)
        r = insert_custody(c, e, err);
    if (r == 0)
        r = audit_custody(c, e, err);
    return settle(c, r, err);
}

int case_custody(struct casedb *c, int64_t exhibit,
                 int (*fn)(void *ctx, const struct custody *e), void *ctx,
                 struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT id, exhibit, action, from_party, to_party, place, purpose,"
        " at_s, at_text, entered_s, entered_by, corrects FROM custody"
        " WHERE ?1=0 OR exhibit=?1 ORDER BY id",
        err);
    if (st)
        sqlite3_bind_int64(st, 1, exhibit);
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct custody e = {
            .id = sqlite3_column_int64(st, 0),
            .exhibit = sqlite3_column_int64(st, 1),
            .action = db_col(st, 2),
            .from = db_col(st, 3),
            .to = db_col(st, 4),
            .place = db_col(st, 5),
            .purpose = db_col(st, 6),
            .at = { .s = sqlite3_column_int64(st, 7) },
            .at_text = db_col(st, 8),
            .entered = { .s = sqlite3_column_int64(st, 9) },
            .entered_by = db_col(st, 10),
            .corrects = sqlite3_column_int64(st, 11),
        };
        r = fn(ctx, &e);
    }
    return r;
}

/* ---- marks --------------------------------------------------------------- */

static const char *const mark_actions[][2] = {
    [MARK_NOTE] = { "note.add", "note.undo" },
    [MARK_TAG] = { "tag.add", "tag.undo" },
    [MARK_BOOKMARK] = { "bookmark.add", "bookmark.undo" },
    [MARK_VERDICT] = { "verdict.add", "verdict.undo" },
};

/* The row taken back must be there, of this kind and not taken back yet; its
 * place becomes that of the undo. */
static int find_undone(struct casedb *c, struct mark *m, struct arena *a,
                       struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT cite, event FROM mark m WHERE id=?1 AND kind=?2 AND undoes=0"
        " AND NOT EXISTS (SELECT 1 FROM mark u WHERE u.undoes=m.id)",
        err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, m->undoes);
    sqlite3_bind_int64(st, 2, m->kind);
    int r = db_step(c, st, err);
    if (r == 0)
        return err_set(err, ERR_USAGE, "there is no such mark %lld to undo",
                       (long long)m->undoes);
    if (r > 0) {
        m->cite = arena_copy(a, db_col(st, 0));
        m->event = sqlite3_column_int64(st, 1);
        r = m->cite.p ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    }
    sqlite3_reset(st);
    return r;
}

static int insert_mark(struct casedb *c, const struct mark *m, int64_t *id,
                       struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO mark(kind, cite, event, body, author, at_s, undoes)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, m->kind);
    db_bind_text(st, 2, m->cite);
    sqlite3_bind_int64(st, 3, m->event);
    db_bind_text(st, 4, m->body);
    db_bind_text(st, 5, str_from(c->actor));
    sqlite3_bind_int64(st, 6, time_now().s);
    sqlite3_bind_int64(st, 7, m->undoes);
    int r = db_run(c, st, err);
    *id = sqlite3_last_insert_rowid(c->db);
    return r;
}

/* A note's text may have to be deleted lawfully one day; its hash in the
 * chain does not stand in the way. Tags and verdicts are words of ours. */
static int audit_mark(struct casedb *c, const struct mark *m, int64_t id,
                      struct err *err)
{
    struct buf b = { 0 }, object = { 0 };
    struct json_out o = { .b = &b };
    unsigned char hash[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];
    json_put_open(&o, '{');
    if (m->kind != MARK_NOTE)
        json_put_kstr(&o, "body", m->body);
    hash_sha256(m->body, hash);
    for (size_t i = 0; i < SHA256_LEN; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    json_put_kstr(&o, "body_sha256", str_from(hex));
    json_put_ki64(&o, "event", m->event);
    json_put_ki64(&o, "id", id);
    if (m->undoes)
        json_put_ki64(&o, "undoes", m->undoes);
    json_put_close(&o, '}');
    buf_put(&object, m->cite);
    buf_putc(&object, 0);
    int r = object.failed
                ? err_set(err, ERR_INTERNAL, "out of memory")
                : audit(c, str_from(mark_actions[m->kind][m->undoes != 0]),
                        object.p, &b, err);
    buf_free(&b);
    buf_free(&object);
    return r;
}

static int add_mark(struct casedb *c, struct mark *m, struct arena *a,
                    int64_t *id, struct err *err)
{
    const struct str texts[] = { m->cite, m->body };
    int r = check_texts(texts, 2, err);
    if (r == 0 && m->undoes)
        r = find_undone(c, m, a, err);
    if (r == 0)
        r = insert_mark(c, m, id, err);
    if (r == 0)
        r = audit_mark(c, m, *id, err);
    return r;
}

int case_mark_add(struct casedb *c, const struct mark *m, int64_t *id,
                  struct err *err)
{
    struct mark row = *m;
    struct arena a = { 0 };
    int64_t made = 0;
    if ((unsigned)m->kind > MARK_VERDICT)
        return err_set(err, ERR_USAGE, "no such kind of mark");
    int r = may_write(c, err);
    if (r == 0)
        r = db_begin(c, err);
    if (r)
        return r;
    r = settle(c, add_mark(c, &row, &a, &made, err), err);
    if (r == 0 && id)
        *id = made;
    arena_free(&a);
    return r;
}

int case_marks(struct casedb *c, int kind, int64_t event,
               int (*fn)(void *ctx, const struct mark *m), void *ctx,
               struct err *err)
{
    static const char columns[] =
        "WITH taken(id) AS MATERIALIZED"
        " (SELECT undoes FROM mark WHERE undoes<>0)"
        " SELECT id, kind, event, cite, body, author, at_s, undoes,"
        " id IN taken FROM mark"
        " WHERE (?1<0 OR kind=?1) AND (?2=0 OR event=?2) ORDER BY id";
    /* Of one event by its index; its undos have its event too. */
    static const char of_event[] =
        "SELECT id, kind, event, cite, body, author, at_s, undoes,"
        " EXISTS (SELECT 1 FROM mark u WHERE u.event=?2 AND u.undoes=m.id)"
        " FROM mark m WHERE event=?2 AND (?1<0 OR kind=?1) ORDER BY id";
    sqlite3_stmt *st = db_prepare(c, event ? of_event : columns, err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, kind);
    sqlite3_bind_int64(st, 2, event);
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct mark m = {
            .id = sqlite3_column_int64(st, 0),
            .kind = (enum mark_kind)sqlite3_column_int(st, 1),
            .event = sqlite3_column_int64(st, 2),
            .cite = db_col(st, 3),
            .body = db_col(st, 4),
            .author = db_col(st, 5),
            .at = { .s = sqlite3_column_int64(st, 6) },
            .undoes = sqlite3_column_int64(st, 7),
            .undone = sqlite3_column_int(st, 8) != 0,
        };
        r = fn(ctx, &m);
    }
    return r;
}

/* ---- searches ------------------------------------------------------------ */

static int insert_query(struct casedb *c, struct str command, struct str text,
                        int64_t hits, struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c,
                   "INSERT INTO query_log(at_s, author, command, text, hits)"
                   " VALUES(?1, ?2, ?3, ?4, ?5)",
                   err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, time_now().s);
    db_bind_text(st, 2, str_from(c->actor));
    db_bind_text(st, 3, command);
    db_bind_text(st, 4, text);
    sqlite3_bind_int64(st, 5, hits);
    return db_run(c, st, err);
}

static int audit_query(struct casedb *c, struct str command, struct str text,
                       int64_t hits, struct err *err)
{
    char object[32];
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    snprintf(object, sizeof(object), "Q%lld",
             (long long)sqlite3_last_insert_rowid(c->db));
    json_put_open(&o, '{');
    json_put_kstr(&o, "command", command);
    json_put_ki64(&o, "hits", hits);
    json_put_kstr(&o, "text", text);
    json_put_close(&o, '}');
    int r = audit(c, STR("query"), object, &b, err);
    buf_free(&b);
    return r;
}

int case_query_add(struct casedb *c, struct str command, struct str text,
                   int64_t hits, struct err *err)
{
    const struct str texts[] = { command, text };
    int r = may_write(c, err);
    if (r == 0)
        r = check_texts(texts, 2, err);
    if (r == 0)
        r = db_begin(c, err);
    if (r)
        return r;
    r = insert_query(c, command, text, hits, err);
    if (r == 0)
        r = audit_query(c, command, text, hits, err);
    return settle(c, r, err);
}

int case_queries(struct casedb *c,
                 int (*fn)(void *ctx, const struct query_entry *q), void *ctx,
                 struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c,
                   "SELECT id, at_s, author, command, text, hits FROM query_log"
                   " ORDER BY id",
                   err);
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct query_entry q = {
            .id = sqlite3_column_int64(st, 0),
            .at = { .s = sqlite3_column_int64(st, 1) },
            .author = db_col(st, 2),
            .command = db_col(st, 3),
            .text = db_col(st, 4),
            .hits = sqlite3_column_int64(st, 5),
        };
        r = fn(ctx, &q);
    }
    return r;
}

/* ---- links --------------------------------------------------------------- */

int case_links_begin(struct casedb *c, struct str rule, struct err *err)
{
    int r = may_write(c, err);
    if (r == 0)
        r = db_begin(c, err);
    if (r)
        return r;
    sqlite3_stmt *st = db_prepare(c, "DELETE FROM link WHERE rule=?1", err);
    r = st ? 0 : (err ? err->code : ERR_INTERNAL);
    if (st) {
        db_bind_text(st, 1, rule);
        r = db_run(c, st, err);
    }
    if (r)
        db_rollback(c);
    return r;
}

static int insert_link(struct casedb *c, const struct link *l, struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO link(rule, rule_version, class, a_kind, a, b_kind, b,"
        " entity, n, reason) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    db_bind_text(st, 1, l->rule);
    sqlite3_bind_int64(st, 2, l->rule_version);
    sqlite3_bind_int64(st, 3, l->cls);
    sqlite3_bind_int64(st, 4, l->a_kind);
    sqlite3_bind_int64(st, 5, l->a);
    sqlite3_bind_int64(st, 6, l->b_kind);
    sqlite3_bind_int64(st, 7, l->b);
    sqlite3_bind_int64(st, 8, l->entity);
    sqlite3_bind_int64(st, 9, (int64_t)l->n);
    db_bind_text(st, 10, l->reason);
    return db_run(c, st, err);
}

int case_link_add(struct casedb *c, const struct link *l, struct err *err)
{
    if (c->depth == 0)
        return err_set(err, ERR_INTERNAL, "a link outside of begin and end");
    int r = insert_link(c, l, err);
    if (r)
        db_rollback(c);
    return r;
}

int case_links_end(struct casedb *c, struct err *err)
{
    return db_commit(c, err);
}

#define LINK_COLUMNS                                                           \
    "SELECT id, rule, rule_version, class, a_kind, a, b_kind, b, entity, n,"   \
    " reason FROM link"

static int each_link(struct casedb *c, sqlite3_stmt *st,
                     int (*fn)(void *ctx, const struct link *l), void *ctx,
                     struct err *err)
{
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct link l = {
            .id = sqlite3_column_int64(st, 0),
            .rule = db_col(st, 1),
            .rule_version = sqlite3_column_int(st, 2),
            .cls = (enum link_class)sqlite3_column_int(st, 3),
            .a_kind = (enum link_end)sqlite3_column_int(st, 4),
            .a = sqlite3_column_int64(st, 5),
            .b_kind = (enum link_end)sqlite3_column_int(st, 6),
            .b = sqlite3_column_int64(st, 7),
            .entity = (uint32_t)sqlite3_column_int64(st, 8),
            .n = (uint64_t)sqlite3_column_int64(st, 9),
            .reason = db_col(st, 10),
        };
        r = fn(ctx, &l);
    }
    return r;
}

int case_links(struct casedb *c, int64_t event,
               int (*fn)(void *ctx, const struct link *l), void *ctx,
               struct err *err)
{
    static const char all[] = LINK_COLUMNS " ORDER BY id";
    static const char of_event[] = LINK_COLUMNS
        " WHERE (a_kind=0 AND a=?1) OR (b_kind=0 AND b=?1) ORDER BY id";
    sqlite3_stmt *st = db_prepare(c, event ? of_event : all, err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    if (event)
        sqlite3_bind_int64(st, 1, event);
    return each_link(c, st, fn, ctx, err);
}

int case_links_of_entity(struct casedb *c, uint32_t entity,
                         int (*fn)(void *ctx, const struct link *l), void *ctx,
                         struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c, LINK_COLUMNS " WHERE entity=?1 ORDER BY id", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, entity);
    return each_link(c, st, fn, ctx, err);
}

/* ---- coverage ------------------------------------------------------------ */

int case_coverage_replace_begin(struct casedb *c, struct err *err)
{
    int r = may_write(c, err);
    if (r == 0)
        r = db_begin(c, err);
    if (r)
        return r;
    sqlite3_stmt *st = db_prepare(c, "DELETE FROM coverage", err);
    r = st ? db_run(c, st, err) : (err ? err->code : ERR_INTERNAL);
    if (r)
        db_rollback(c);
    return r;
}

static int insert_coverage(struct casedb *c, const struct coverage *v,
                           struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "INSERT INTO coverage(source, account, region, from_s, to_s, state,"
        " basis, event) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    db_bind_text(st, 1, v->source);
    db_bind_text(st, 2, v->account);
    db_bind_text(st, 3, v->region);
    sqlite3_bind_int64(st, 4, v->from_s);
    sqlite3_bind_int64(st, 5, v->to_s);
    sqlite3_bind_int64(st, 6, v->state);
    db_bind_text(st, 7, v->basis);
    sqlite3_bind_int64(st, 8, v->event);
    return db_run(c, st, err);
}

int case_coverage_add(struct casedb *c, const struct coverage *v,
                      struct err *err)
{
    if (c->depth == 0)
        return err_set(err, ERR_INTERNAL, "coverage outside of begin and end");
    int r = insert_coverage(c, v, err);
    if (r)
        db_rollback(c);
    return r;
}

int case_coverage_replace_end(struct casedb *c, struct err *err)
{
    return db_commit(c, err);
}

int case_coverage(struct casedb *c,
                  int (*fn)(void *ctx, const struct coverage *v), void *ctx,
                  struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c,
        "SELECT source, account, region, from_s, to_s, state, basis, event"
        " FROM coverage ORDER BY id",
        err);
    int r = 0;
    while (db_next(c, st, &r, err)) {
        struct coverage v = {
            .source = db_col(st, 0),
            .account = db_col(st, 1),
            .region = db_col(st, 2),
            .from_s = sqlite3_column_int64(st, 3),
            .to_s = sqlite3_column_int64(st, 4),
            .state = (enum coverage_state)sqlite3_column_int(st, 5),
            .basis = db_col(st, 6),
            .event = sqlite3_column_int64(st, 7),
        };
        r = fn(ctx, &v);
    }
    return r;
}

int case_analyzed(struct casedb *c, uint64_t *events, struct err *err)
{
    int64_t v;
    sqlite3_stmt *st =
        db_prepare(c, "SELECT n_events FROM analyzed WHERE id=1", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    int r = db_integer(c, st, 0, &v, err);
    *events = (uint64_t)v;
    return r;
}

int case_set_analyzed(struct casedb *c, uint64_t events, struct err *err)
{
    int r = may_write(c, err);
    if (r)
        return r;
    sqlite3_stmt *st = db_prepare(
        c, "INSERT OR REPLACE INTO analyzed(id, n_events) VALUES(1, ?1)", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, (int64_t)events);
    return db_run(c, st, err);
}
