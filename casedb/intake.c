/*
 * Two batches: while one is being filled, the other is being written by the
 * writer thread. Identity is settled here, in canonical order: event ids,
 * entity ids, duplicates.
 */
#include "casedb/intake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/varint.h"
#include "casedb/batch.h"
#include "casedb/exhibit_rows.h"
#include "casedb/identity.h"

struct intake {
    struct casedb *c;
    int64_t exhibit;
    bool resumed;
    uint32_t batch_size;
    uint64_t left; /* events still to come, UINT64_MAX = not known */
    struct identity who;
    bool full[KIND_MAX + 1];

    int64_t next_event, next_member, next_file;
    uint32_t next_batch;
    struct batch_member member; /* the open one */
    struct arena member_arena;
    bool in_member;
    uint64_t files_done, parts_done, items, skip;
    struct intake_totals totals;
    uint64_t first_event;
    void (*stamp)(void *ctx, struct buf *out);
    void *stamp_ctx;
    struct buf old_stamp;

    struct batch batches[2];
    struct batch *filling;

    pthread_t thread;
    bool thread_up;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct batch *writing; /* handed to the thread, NULL when idle */
    bool stop;
    struct err write_err;
    bool write_failed;

    struct casedb *reader; /* looks at stored rows while batches are written */
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "import: out of memory");
}

static int add_issue(struct intake *in, int severity, uint64_t off,
                     uint64_t len, struct str code, struct str detail,
                     struct err *err);

/* ---- entities
 * ---------------------------------------------------------------- */

static uint32_t kind_full(struct intake *in, unsigned kind)
{
    struct err ignored;
    if (!in->full[kind])
        (void)!add_issue(in, 1, 0, 0, STR("kind-full"),
                         STR("too many distinct values of one kind: further "
                             "ones are not linked"),
                         &ignored);
    in->full[kind] = true;
    return 0;
}

uint32_t intake_entity(struct intake *in, unsigned kind, struct str value)
{
    uint32_t id;
    uint64_t hash;
    enum identity_found found =
        identity_value(&in->who, kind, value, &id, &hash);
    if (found == IDENTITY_OLD)
        return id;
    if (found == IDENTITY_FULL)
        return kind_full(in, kind);
    struct batch_entity *e = BATCH_PUSH(in->filling, entities);
    struct str copy = arena_copy(&in->filling->arena, value);
    if (!e || !copy.p) {
        if (e)
            in->filling->n_entities--;
        return 0;
    }
    *e = (struct batch_entity){ id, copy, hash };
    return id;
}

/* ---- duplicates ------------------------------------------------------------
 */

static int wait_writer(struct intake *in, struct err *err);

/* A larger table, filled anew from the case and the batch in memory. */
static int uids_grow(struct intake *in, uint64_t n, struct err *err)
{
    int rc = in->thread_up ? wait_writer(in, err) : 0;
    if (rc == 0)
        rc = identity_uids_load(&in->who, in->c, n, err);
    const struct batch *b = in->filling;
    for (size_t i = 0; rc == 0 && i < b->n; i++)
        if (b->rows[i].uid_n)
            identity_uid_put(&in->who, b->rows[i].uid_hash,
                             b->first_event + (int64_t)i);
    return rc;
}

struct uid_match {
    int64_t event;
    uint32_t body;
    unsigned detail;
};

static struct batch *batch_of(struct intake *in, int64_t event)
{
    for (int i = 0; i < 2; i++) {
        struct batch *b = &in->batches[i];
        if (b->n && event >= b->first_event &&
            event < b->first_event + (int64_t)b->n)
            return b;
    }
    return NULL;
}

/* Is `event` really the one with this uid? 1 yes, 0 no. */
static int uid_check(struct intake *in, int64_t event, struct str uid,
                     struct uid_match *m, struct err *err)
{
    struct batch *b = batch_of(in, event);
    m->event = event;
    if (b) {
        struct batch_row *r = &b->rows[event - b->first_event];
        m->body = r->body;
        m->detail = r->flags >> 28;
        return str_eq((struct str){ b->heap.p + r->heap, r->uid_n }, uid);
    }
    sqlite3_stmt *st = in->reader
                           ? db_prepare(in->reader,
                                        "SELECT uid, body, flags FROM event"
                                        " WHERE id=?1",
                                        err)
                           : NULL;
    if (!in->reader || !st)
        return in->reader ? err->code : err_set(err, ERR_INTERNAL, "no reader");
    sqlite3_bind_int64(st, 1, event);
    int rc = db_step(in->reader, st, err);
    if (rc <= 0)
        return rc;
    bool same = str_eq(db_col(st, 0), uid);
    m->body = (uint32_t)sqlite3_column_int64(st, 1);
    m->detail = (unsigned)(sqlite3_column_int64(st, 2) >> 28 & 15);
    sqlite3_reset(st);
    return same;
}

/* 1 = an event with this source id is in the case. */
static int uid_find(struct intake *in, uint64_t h, struct str uid,
                    struct uid_match *m, struct err *err)
{
    size_t at = SIZE_MAX;
    int64_t event;
    while ((event = identity_uid_next(&in->who, h, &at))) {
        int rc = uid_check(in, event, uid, m, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- writer thread
 * ----------------------------------------------------------------- */

static void *writer(void *arg)
{
    struct intake *in = arg;
    pthread_mutex_lock(&in->lock);
    for (;;) {
        while (!in->writing && !in->stop)
            pthread_cond_wait(&in->wake, &in->lock);
        if (!in->writing)
            break;
        struct batch *b = in->writing;
        pthread_mutex_unlock(&in->lock);
        struct err err = { 0 };
        int rc = batch_write(in->c, b, &err);
        pthread_mutex_lock(&in->lock);
        if (rc && !in->write_failed) {
            in->write_failed = true;
            in->write_err = err;
        }
        in->writing = NULL;
        pthread_cond_broadcast(&in->wake);
    }
    pthread_mutex_unlock(&in->lock);
    return NULL;
}

static int wait_writer(struct intake *in, struct err *err)
{
    pthread_mutex_lock(&in->lock);
    while (in->writing)
        pthread_cond_wait(&in->wake, &in->lock);
    bool failed = in->write_failed;
    pthread_mutex_unlock(&in->lock);
    if (failed) {
        *err = in->write_err;
        return err->code ? err->code : ERR_WRITE;
    }
    return 0;
}

/* ---- checkpoint
 * ------------------------------------------------------------------------ */

/* State blob: little-endian u64s, then the open member's path, layers and
 * format and the pipeline's stamp, each with a u64 length. Version 1 had no
 * stamp. */
enum { CHECKPOINT_VERSION = 3 };

static void put64(struct buf *b, uint64_t v)
{
    unsigned char tmp[8];
    put_u64le(tmp, v);
    buf_put(b, (struct str){ (char *)tmp, 8 });
}

static void put_counted(struct buf *b, struct str s)
{
    put64(b, s.n);
    buf_put(b, s);
}

static int make_checkpoint(struct intake *in, struct batch *b, struct err *err)
{
    struct buf s = { 0 };
    const uint64_t v[] = {
        CHECKPOINT_VERSION,
        in->files_done,
        in->items,
        in->first_event,
        in->totals.read,
        in->totals.stored,
        in->totals.dup,
        in->totals.rejected,
        in->totals.issues,
        in->totals.members,
        in->totals.files,
        in->totals.events,
        in->in_member,
        (uint64_t)in->member.id,
        in->member.size,
        in->member.n_read,
        in->member.n_stored,
        in->member.n_dup,
        in->member.n_rejected,
        in->member.first_event,
        in->member.n_events,
        (uint64_t)in->next_member,
    };
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
        put64(&s, v[i]);
    put_counted(&s, in->member.path);
    put_counted(&s, in->member.layers);
    put_counted(&s, in->member.format);
    struct buf stamp = { 0 };
    if (in->stamp)
        in->stamp(in->stamp_ctx, &stamp);
    s.failed |= stamp.failed;
    put_counted(&s, buf_str(&stamp));
    put64(&s, in->parts_done);
    buf_free(&stamp);
    bool failed = s.failed;
    b->checkpoint = buf_to_arena(&s, &b->arena);
    return failed || !b->checkpoint.p ? no_memory(err) : 0;
}

static struct str get_counted(struct intake *in, struct cursor *k)
{
    uint64_t n = cursor_u64(k);
    return arena_copy(&in->member_arena, cursor_str(k, n));
}

static int load_checkpoint(struct intake *in, struct str blob, struct err *err)
{
    struct cursor k = cursor_of(blob.p, blob.n);
    uint64_t version = cursor_u64(&k);
    if (version < 1 || version > CHECKPOINT_VERSION)
        return err_set(err, ERR_CASE, "checkpoint of an unknown form");
    in->files_done = cursor_u64(&k);
    in->skip = cursor_u64(&k);
    in->first_event = cursor_u64(&k);
    uint64_t *t[] = { &in->totals.read,   &in->totals.stored,
                      &in->totals.dup,    &in->totals.rejected,
                      &in->totals.issues, &in->totals.members,
                      &in->totals.files,  &in->totals.events };
    for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
        *t[i] = cursor_u64(&k);
    in->in_member = cursor_u64(&k) != 0;
    in->member.id = (int64_t)cursor_u64(&k);
    uint64_t *m[] = { &in->member.size,       &in->member.n_read,
                      &in->member.n_stored,   &in->member.n_dup,
                      &in->member.n_rejected, &in->member.first_event,
                      &in->member.n_events };
    for (size_t i = 0; i < sizeof(m) / sizeof(*m); i++)
        *m[i] = cursor_u64(&k);
    in->next_member = (int64_t)cursor_u64(&k);
    in->member.path = get_counted(in, &k);
    in->member.layers = get_counted(in, &k);
    in->member.format = get_counted(in, &k);
    if (version > 1)
        buf_put(&in->old_stamp, cursor_str(&k, cursor_u64(&k)));
    if (version > 2)
        in->parts_done = cursor_u64(&k);
    if (in->old_stamp.failed)
        return no_memory(err);
    if (k.failed)
        return err_set(err, ERR_CASE, "checkpoint is damaged");
    return 0;
}

/* ---- open
 * ---------------------------------------------------------------------------------
 */

static int load_numbers(struct intake *in, struct err *err)
{
    int64_t v;
    int rc = exhibit_integer(in->c, "SELECT max(id) FROM event", &v, err);
    in->next_event = v + 1;
    if (rc == 0)
        rc = exhibit_integer(in->c, "SELECT max(id) FROM batch", &v, err);
    in->next_batch = (uint32_t)v + 1;
    if (rc == 0)
        rc = exhibit_integer(in->c, "SELECT max(id) FROM member", &v, err);
    in->next_member = v + 1;
    if (rc == 0)
        rc = exhibit_integer(in->c, "SELECT max(id) FROM file", &v, err);
    in->next_file = v + 1;
    return rc;
}

/* Members' events are one range of ids, so one import ends before the next
 * one begins. */
static int refuse_second(struct intake *in, int64_t no, struct err *err)
{
    int64_t other;
    int rc = exhibit_unfinished(in->c, no, &other, err);
    if (rc || other == 0)
        return rc;
    err_set(err, ERR_USAGE, "the import of X%lld was interrupted",
            (long long)other);
    err_hint(err, "give its command again first; `status` names its path");
    return err->code;
}

static int begin_exhibit(struct intake *in, const struct intake_options *o,
                         struct err *err)
{
    int64_t no;
    bool open;
    int rc = exhibit_find(in->c, o->path, &no, &open, err);
    if (rc)
        return rc;
    if (no && !open && o->supplement_of)
        no = 0; /* a new exhibit */
    if (no && !open)
        return err_set(err, ERR_USAGE, "already in the case as X%lld",
                       (long long)no);
    rc = refuse_second(in, no, err);
    if (rc == 0)
        rc = load_numbers(in, err);
    in->first_event = (uint64_t)in->next_event;
    if (rc == 0)
        rc = db_begin(in->c, err);
    if (rc)
        return rc;
    if (no) {
        in->exhibit = no;
        in->resumed = true;
        sqlite3_stmt *st = db_prepare(
            in->c, "SELECT state FROM checkpoint WHERE exhibit=?1", err);
        rc = st ? 0 : err->code;
        if (st) {
            sqlite3_bind_int64(st, 1, no);
            rc = db_step(in->c, st, err);
            if (rc == 1)
                rc = load_checkpoint(in, db_col(st, 0), err);
            sqlite3_reset(st);
        }
    } else {
        rc = exhibit_insert(in->c, o, &in->exhibit, err);
    }
    char object[24];
    snprintf(object, sizeof(object), "X%lld", (long long)in->exhibit);
    if (rc == 0)
        rc = case_audit(
            in->c, in->resumed ? STR("import resumed") : STR("import started"),
            str_from(object), o->detail.n ? o->detail : STR("{}"), err);
    if (rc == 0)
        rc = db_commit(in->c, err);
    else
        db_rollback(in->c);
    return rc;
}

int intake_open(struct casedb *c, const struct intake_options *o,
                struct intake **out, uint64_t *files_done, struct err *err)
{
    struct intake *in = calloc(1, sizeof(*in));
    if (!in)
        return no_memory(err);
    in->c = c;
    in->batch_size = o->batch ? o->batch : INTAKE_BATCH;
    in->filling = &in->batches[0];
    in->stamp = o->stamp;
    in->stamp_ctx = o->stamp_ctx;
    pthread_mutex_init(&in->lock, NULL);
    pthread_cond_init(&in->wake, NULL);
    int rc = begin_exhibit(in, o, err);
    if (rc == 0)
        rc = case_open(c->path, CASE_READ, &in->reader, err);
    if (rc == 0)
        rc = case_bulk(c, true, err);
    if (rc == 0)
        rc = identity_load(&in->who, c, err);
    if (rc == 0)
        rc = uids_grow(in, (uint64_t)in->next_event + o->expect, err);
    if (rc == 0 && pthread_create(&in->thread, NULL, writer, in))
        rc = err_set(err, ERR_INTERNAL, "cannot start the writer thread");
    if (rc) {
        intake_close(in);
        return rc;
    }
    in->thread_up = true;
    *files_done = in->files_done;
    *out = in;
    return 0;
}

int intake_run(struct intake *in, const struct intake_options *o,
               struct str fences, int64_t started_s, struct err *err)
{
    int rc = wait_writer(in, err);
    return rc ? rc : exhibit_run(in->c, in->exhibit, o, fences, started_s, err);
}

int64_t intake_exhibit(const struct intake *in)
{
    return in->exhibit;
}

bool intake_resumed(const struct intake *in)
{
    return in->resumed;
}

struct str intake_stamp(const struct intake *in)
{
    return buf_str(&in->old_stamp);
}

void intake_hash_key(const struct intake *in, struct hash_key *out)
{
    *out = in->who.keys.body;
}

bool intake_skipping(const struct intake *in)
{
    return in->skip > 0;
}

void intake_get_totals(const struct intake *in, struct intake_totals *out)
{
    *out = in->totals;
}

/* ---- items
 * ------------------------------------------------------------------------------------
 */

static int hand_over(struct intake *in, struct err *err)
{
    struct batch *b = in->filling;
    b->exhibit = in->exhibit;
    b->id = b->n || b->n_entities ? in->next_batch++ : 0;
    if (in->next_batch > 65535)
        return err_set(err, ERR_INTERNAL, "too many batches in this case");
    int rc = make_checkpoint(in, b, err);
    if (rc == 0)
        rc = wait_writer(in, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&in->lock);
    in->writing = b;
    pthread_cond_broadcast(&in->wake);
    pthread_mutex_unlock(&in->lock);
    in->filling = b == &in->batches[0] ? &in->batches[1] : &in->batches[0];
    batch_reset(in->filling);
    return 0;
}

int intake_flush(struct intake *in, struct err *err)
{
    int rc = hand_over(in, err);
    return rc ? rc : wait_writer(in, err);
}

void intake_expect(struct intake *in, uint64_t events)
{
    in->left = events;
}

/* Of what is left, each batch takes the half, down to an eighth of a full
 * one. */
static uint64_t batch_limit(const struct intake *in)
{
    uint64_t full = in->batch_size, least = (full + 7) / 8;
    if (in->left >= full)
        return full;
    uint64_t half = (in->left + in->filling->n) / 2;
    return half > full ? full : half > least ? half : least;
}

/* 1 = this item is in the case already, 0 = there is room for it in the
 * batch, <0 error. A batch is handed over before the item is counted, so a
 * checkpoint never claims an item that is not in its batch. */
static int begin_item(struct intake *in, struct err *err)
{
    if (in->skip) {
        in->items++;
        in->skip--;
        return 1;
    }
    struct batch *b = in->filling;
    size_t small = b->n_issues + b->n_files + b->n_facts + b->n_members +
                   b->n_sightings + b->n_xattrs + b->n_packages +
                   b->n_package_files;
    size_t bytes = b->heap.n + b->arena.used;
    if (b->n >= batch_limit(in) || small >= in->batch_size ||
        bytes > (size_t)96 << 20) {
        int rc = hand_over(in, err);
        if (rc)
            return rc;
        b = in->filling;
    }
    if (b->n == 0)
        b->first_event = in->next_event;
    in->items++;
    return 0;
}

int intake_member(struct intake *in, struct str path, struct str layers,
                  struct str format, uint64_t size, struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    arena_reset(&in->member_arena);
    in->member = (struct batch_member){
        .id = in->next_member++,
        .path = arena_copy(&in->member_arena, path),
        .layers = arena_copy(&in->member_arena, layers),
        .format = arena_copy(&in->member_arena, format),
        .size = size,
        .first_event = (uint64_t)in->next_event,
    };
    in->in_member = true;
    if (!in->member.path.p || !in->member.layers.p || !in->member.format.p)
        return no_memory(err);
    return 0;
}

int intake_member_end(struct intake *in, struct str sha256, struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    struct batch *b = in->filling;
    struct batch_member *m = BATCH_PUSH(b, members);
    if (!m)
        return no_memory(err);
    *m = in->member;
    m->path = arena_copy(&b->arena, in->member.path);
    m->layers = arena_copy(&b->arena, in->member.layers);
    m->format = arena_copy(&b->arena, in->member.format);
    m->sha256 = sha256.n ? arena_copy(&b->arena, sha256) : STR_NONE;
    if (!m->path.p || !m->layers.p || !m->format.p)
        return no_memory(err);
    in->totals.members++;
    in->in_member = false;
    return 0;
}

static int add_sighting(struct intake *in, const struct intake_event *e,
                        const struct uid_match *m, struct err *err)
{
    struct batch *b = in->filling;
    struct batch_sighting *s = BATCH_PUSH(b, sightings);
    if (!s)
        return no_memory(err);
    *s = (struct batch_sighting){ m->event, in->member.id, e->off, e->len };
    in->member.n_read++;
    in->member.n_dup++;
    in->totals.read++;
    in->totals.dup++;
    return 0;
}

static bool heap_put(struct batch *b, struct batch_row *r,
                     const struct intake_event *e)
{
    r->heap = b->heap.n;
    buf_put(&b->heap, e->uid);
    buf_put(&b->heap, e->request);
    if (!buf_reserve(&b->heap, e->n_refs * 10))
        return false;
    unsigned char *start = (unsigned char *)b->heap.p + b->heap.n, *p = start;
    for (size_t i = 0; i < e->n_refs; i++)
        p = ref_put(p, e->refs[i].id, e->refs[i].role);
    r->refs_n = (uint16_t)(p - start);
    b->heap.n += r->refs_n;
    buf_put(&b->heap, e->text);
    return !b->heap.failed;
}

static int store_event(struct intake *in, const struct intake_event *e,
                       uint64_t h, struct err *err)
{
    struct batch *b = in->filling;
    if (b->cap < in->batch_size) {
        struct batch_row *rows =
            realloc(b->rows, in->batch_size * sizeof(*rows));
        if (!rows)
            return no_memory(err);
        b->rows = rows;
        b->cap = in->batch_size;
    }
    struct batch_row *r = &b->rows[b->n];
    *r = (struct batch_row){
        .t_s = e->t.s,
        .t_ns = e->t.ns,
        .timed = e->timed,
        .t_kind = e->t_kind,
        .t_zone = e->t_zone,
        .t_res = e->t_res,
        .severity = e->severity,
        .flags = (e->flags & 0x0fffffff) | (uint32_t)e->detail << 28,
        .off = e->off,
        .len = e->len,
        .sub = e->sub,
        .member = (uint32_t)in->member.id,
        .body = e->body,
        .text_n = (uint32_t)e->text.n,
        .uid_n = (uint8_t)e->uid.n,
        .request_n = (uint8_t)e->request.n,
        .uid_hash = h,
    };
    memcpy(r->col, e->col, sizeof(r->col));
    if (e->request.n)
        r->request_hash = case_uid_hash(&in->who.keys, e->request);
    if (!heap_put(b, r, e))
        return no_memory(err);
    b->n++;
    int64_t id = in->next_event++;
    in->member.n_events++;
    in->totals.events++;
    if (e->uid.n) {
        if (identity_uids_full(&in->who))
            return uids_grow(in, in->who.n_uids * 2, err);
        identity_uid_put(&in->who, h, id);
    }
    return 0;
}

static int add_issue(struct intake *in, int severity, uint64_t off,
                     uint64_t len, struct str code, struct str detail,
                     struct err *err)
{
    struct batch *b = in->filling;
    struct batch_issue *i = BATCH_PUSH(b, issues);
    if (!i)
        return no_memory(err);
    *i = (struct batch_issue){ in->in_member ? in->member.id : 0,
                               severity,
                               off,
                               len,
                               arena_copy(&b->arena, code),
                               arena_copy(&b->arena, detail) };
    in->totals.issues++;
    return i->code.p && i->detail.p ? 0 : no_memory(err);
}

int intake_event(struct intake *in, const struct intake_event *e,
                 struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    uint64_t h = 0;
    if (e->uid.n > 64 || e->request.n > 255 || e->n_refs > 1024 ||
        e->text.n > 1u << 24)
        return err_set(err, ERR_INTERNAL, "event out of bounds");
    if (e->uid.n) {
        struct uid_match m = { 0 };
        h = case_uid_hash(&in->who.keys, e->uid);
        rc = uid_find(in, h, e->uid, &m, err);
        if (rc < 0)
            return rc;
        if (rc && e->detail >= m.detail && m.detail == e->detail &&
            m.body != e->body) {
            struct buf d = { 0 };
            buf_printf(&d, "the same event id as E%lld with another content",
                       (long long)m.event);
            rc = add_issue(in, 2, e->off, e->len, STR("two-bodies"),
                           buf_str(&d), err);
            buf_free(&d);
            if (rc)
                return rc;
            rc = 0; /* both are kept */
        }
        if (rc && e->detail >= m.detail)
            return add_sighting(in, e, &m, err);
    }
    in->member.n_read++;
    in->member.n_stored++;
    in->totals.read++;
    in->totals.stored++;
    return store_event(in, e, h, err);
}

int intake_file(struct intake *in, const struct intake_file *f, struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    struct batch *b = in->filling;
    struct batch_file *row = BATCH_PUSH(b, files);
    if (!row)
        return no_memory(err);
    *row = (struct batch_file){ in->next_file++, in->member.id, in->next_event,
                                *f };
    struct str *texts[] = { &row->f.volume, &row->f.link_target,
                            &row->f.sha256, &row->f.sha1,
                            &row->f.md5,    &row->f.content_type };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        *texts[i] = arena_copy(&b->arena, *texts[i]);
        if (!texts[i]->p)
            return no_memory(err);
    }
    in->member.n_read++;
    in->member.n_stored++;
    in->totals.read++;
    in->totals.stored++;
    in->totals.files++;
    return 0;
}

int intake_xattr(struct intake *in, struct str name, struct str value,
                 struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    struct batch *b = in->filling;
    struct batch_xattr *x = BATCH_PUSH(b, xattrs);
    if (!x)
        return no_memory(err);
    *x = (struct batch_xattr){ in->next_file - 1, arena_copy(&b->arena, name),
                               arena_copy(&b->arena, value) };
    return x->name.p && x->value.p ? 0 : no_memory(err);
}

int intake_package(struct intake *in, const struct intake_package *p,
                   struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    bool ok = batch_add_package(in->filling, in->member.id, p);
    return ok ? 0 : no_memory(err);
}

int intake_package_file(struct intake *in, const struct intake_package_file *f,
                        struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (!batch_add_package_file(in->filling, in->member.id, f))
        return no_memory(err);
    in->member.n_read++;
    in->member.n_stored++;
    in->totals.read++;
    in->totals.stored++;
    return 0;
}

int intake_issue(struct intake *in, int severity, uint64_t off, uint64_t len,
                 struct str code, struct str detail, struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    return add_issue(in, severity, off, len, code, detail, err);
}

int intake_reject(struct intake *in, uint64_t off, uint64_t len,
                  struct str code, struct str detail, struct err *err)
{
    if (!intake_skipping(in)) {
        in->member.n_read++;
        in->member.n_rejected++;
        in->totals.read++;
        in->totals.rejected++;
    }
    return intake_issue(in, 2, off, len, code, detail, err);
}

static int add_blob(struct batch *b, struct batch_blob *f, int64_t member,
                    struct str name, struct str value, struct err *err)
{
    if (!f)
        return no_memory(err);
    *f = (struct batch_blob){ member, arena_copy(&b->arena, name),
                              arena_copy(&b->arena, value) };
    return f->name.p && f->value.p ? 0 : no_memory(err);
}

int intake_fact(struct intake *in, struct str name, struct str value,
                struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    struct batch *b = in->filling;
    return add_blob(b, BATCH_PUSH(b, facts), in->in_member ? in->member.id : 0,
                    name, value, err);
}

int intake_embed(struct intake *in, struct str data, struct err *err)
{
    int rc = begin_item(in, err);
    if (rc)
        return rc < 0 ? rc : 0;
    struct batch *b = in->filling;
    return add_blob(b, BATCH_PUSH(b, embedded), in->member.id, STR(""), data,
                    err);
}

bool intake_in_member(const struct intake *in)
{
    return in->in_member;
}

void intake_restart(struct intake *in)
{
    /* items still to be skipped are a part of those that are there */
    in->skip += in->items;
    in->items = 0;
}

void intake_abandon(struct intake *in)
{
    in->items += in->skip;
    in->skip = 0;
}

static int stream_done(struct intake *in, struct err *err)
{
    if (in->skip)
        return err_set(err, ERR_EVIDENCE,
                       "the evidence changed since the import was "
                       "interrupted: a file has fewer records now");
    in->items = 0;
    return 0;
}

uint64_t intake_parts(const struct intake *in)
{
    return in->parts_done;
}

int intake_part_done(struct intake *in, struct err *err)
{
    int rc = stream_done(in, err);
    in->parts_done += rc == 0;
    return rc;
}

int intake_file_done(struct intake *in, struct err *err)
{
    int rc = stream_done(in, err);
    if (rc == 0) {
        in->files_done++;
        in->parts_done = 0;
    }
    return rc;
}

/* ---- end
 * ------------------------------------------------------------------------------------------
 */

int intake_finish(struct intake *in, struct str kind, uint64_t n_files,
                  uint64_t size, struct str sha256, struct err *err)
{
    int rc = intake_flush(in, err);
    if (rc == 0)
        rc = case_bulk(in->c, false, err);
    if (rc == 0)
        rc = db_begin(in->c, err);
    if (rc)
        return rc;
    rc = exhibit_end(in->c, in->exhibit, &in->totals, in->first_event, kind,
                     n_files, size, sha256, err);
    if (rc == 0)
        rc = exhibit_drop_checkpoint(in->c, in->exhibit, err);
    if (rc == 0) {
        char object[24];
        struct buf d = { 0 };
        snprintf(object, sizeof(object), "X%lld", (long long)in->exhibit);
        buf_printf(&d,
                   "{\"duplicate\":%llu,\"issues\":%llu,\"read\":%llu,"
                   "\"rejected\":%llu,\"sha256\":\"",
                   (unsigned long long)in->totals.dup,
                   (unsigned long long)in->totals.issues,
                   (unsigned long long)in->totals.read,
                   (unsigned long long)in->totals.rejected);
        buf_put_hex(&d, sha256.p, sha256.n);
        buf_printf(&d, "\",\"stored\":%llu}",
                   (unsigned long long)in->totals.stored);
        rc = case_audit(in->c, STR("import finished"), str_from(object),
                        buf_str(&d), err);
        buf_free(&d);
    }
    if (rc == 0)
        rc = db_commit(in->c, err);
    else
        db_rollback(in->c);
    return rc;
}

void intake_close(struct intake *in)
{
    if (!in)
        return;
    if (in->thread_up) {
        pthread_mutex_lock(&in->lock);
        in->stop = true;
        pthread_cond_broadcast(&in->wake);
        pthread_mutex_unlock(&in->lock);
        pthread_join(in->thread, NULL);
        struct err ignored; /* the case stays as its last commit left it */
        (void)!case_bulk(in->c, false, &ignored);
    }
    case_close(in->reader);
    pthread_mutex_destroy(&in->lock);
    pthread_cond_destroy(&in->wake);
    batch_free(&in->batches[0]);
    batch_free(&in->batches[1]);
    arena_free(&in->member_arena);
    buf_free(&in->old_stamp);
    identity_free(&in->who);
    free(in);
}
