/*
 * Writing posting rows. Row forms (first byte):
 *   'P'  packed: lists of several entities, ascending; each: varint entity -
 *        row's entity, role, varint count, varint bytes, deltas; or, of one
 *        rank only, role + 128, varint rank
 *   'D'  directory of one entity's long lists: varint parts, then per part
 *        role, varint first rank, varint last rank, varint count
 *   'L'  part of a long list: varint first rank, then varint deltas
 *   'B'  part of a long list as a bitmap: varint first rank (multiple of 8),
 *        then bytes, bit 0 = first rank
 * Axis: part 0 is 'A', flag ns, varint n, varint undated, then per part of
 * POSTING_AXIS_PART ranks i64 seconds + u32 nanoseconds of its first dated
 * entry (undated: zeros); parts from 1: 'T', then per rank varint delta
 * seconds (the first one zigzag absolute; undated none), varint ns when
 * flagged, zigzag delta index.
 */
#include "casedb/posting.h"

#include <stdlib.h>

static int insert(struct casedb *c, int64_t id, struct str data,
                  struct err *err)
{
    sqlite3_stmt *st =
        db_prepare(c, "INSERT INTO posting(id, data) VALUES(?1, ?2)", err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_blob64(st, 2, data.p, data.n, SQLITE_STATIC);
    return db_run(c, st, err);
}

static void put_varint(struct buf *b, uint64_t v)
{
    if (buf_reserve(b, 10)) {
        unsigned char *p = (unsigned char *)b->p + b->n;
        b->n += (size_t)(varint_put(p, v) - p);
    }
}

/* Ranks as deltas: the first absolute. */
static void put_deltas(struct buf *b, const uint32_t *ranks, size_t n)
{
    if (!buf_reserve(b, n * 5))
        return;
    unsigned char *p = (unsigned char *)b->p + b->n;
    uint32_t last = 0;
    for (size_t i = 0; i < n; i++) {
        p = varint_put(p, ranks[i] - last);
        last = ranks[i];
    }
    b->n = (size_t)(p - (unsigned char *)b->p);
}

static int flush_page(struct posting_writer *w, struct err *err)
{
    if (w->page.n == 0)
        return 0;
    if (w->page.failed)
        return err_set(err, ERR_INTERNAL, "posting list: out of memory");
    int rc = insert(w->c, posting_id(w->batch, w->page_entity, 0),
                    buf_str(&w->page), err);
    buf_clear(&w->page);
    return rc;
}

static int put_part(struct posting_writer *w, uint32_t entity, uint32_t part,
                    const uint32_t *ranks, size_t n, struct err *err)
{
    struct buf b = { 0 };
    uint32_t base = ranks[0] & ~7u;
    size_t span = (ranks[n - 1] - base) / 8 + 1;
    buf_putc(&b, 'L');
    put_deltas(&b, ranks, n);
    if (span + 6 < b.n) {
        buf_clear(&b);
        buf_putc(&b, 'B');
        put_varint(&b, base);
        size_t at = b.n;
        if (buf_reserve(&b, span)) {
            memset(b.p + at, 0, span);
            for (size_t i = 0; i < n; i++)
                b.p[at + (ranks[i] - base) / 8] =
                    (char)(b.p[at + (ranks[i] - base) / 8] |
                           1 << (ranks[i] & 7));
            b.n += span;
        }
    }
    int rc = b.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                      : insert(w->c, posting_id(w->batch, entity, part),
                               buf_str(&b), err);
    buf_free(&b);
    return rc;
}

/* All lists of one entity, together longer than a packed row takes. */
static int put_long(struct posting_writer *w, struct err *err)
{
    struct buf dir = { 0 }, body = { 0 };
    uint32_t part = 0;
    int rc = flush_page(w, err);
    for (size_t k = 0; k < w->n_pending && rc == 0; k++) {
        const struct posting_list *l = &w->pending[k];
        for (size_t at = 0; at < l->n && rc == 0; at += POSTING_PART) {
            size_t n = l->n - at < POSTING_PART ? l->n - at : POSTING_PART;
            buf_putc(&body, (char)l->role);
            put_varint(&body, l->ranks[at]);
            put_varint(&body, l->ranks[at + n - 1]);
            put_varint(&body, n);
            rc = put_part(w, l->entity, ++part, l->ranks + at, n, err);
        }
    }
    buf_putc(&dir, 'D');
    put_varint(&dir, part);
    buf_put(&dir, buf_str(&body));
    if (rc == 0 && (dir.failed || body.failed))
        rc = err_set(err, ERR_INTERNAL, "out of memory");
    if (rc == 0)
        rc = insert(w->c, posting_id(w->batch, w->pending[0].entity, 0),
                    buf_str(&dir), err);
    buf_free(&dir);
    buf_free(&body);
    return rc;
}

static int put_packed(struct posting_writer *w, struct err *err)
{
    struct buf b = { 0 };
    uint32_t entity = w->pending[0].entity;
    for (int attempt = 0; attempt < 2; attempt++) {
        buf_clear(&b);
        uint32_t base = w->page.n ? w->page_entity : entity;
        for (size_t k = 0; k < w->n_pending; k++) {
            const struct posting_list *l = &w->pending[k];
            put_varint(&b, entity - base);
            if (l->n == 1) { /* most lists are of one event */
                buf_putc(&b, (char)(l->role | POSTING_SINGLE));
                put_varint(&b, l->ranks[0]);
                continue;
            }
            struct buf d = { 0 };
            put_deltas(&d, l->ranks, l->n);
            buf_putc(&b, (char)l->role);
            put_varint(&b, l->n);
            put_varint(&b, d.n);
            buf_put(&b, buf_str(&d));
            if (d.failed)
                b.failed = true;
            buf_free(&d);
        }
        if (w->page.n + b.n <= POSTING_PAGE || w->page.n == 0)
            break;
        int rc = flush_page(w, err);
        if (rc) {
            buf_free(&b);
            return rc;
        }
    }
    if (b.n + 1 > POSTING_PAGE) {
        buf_free(&b);
        return put_long(w, err);
    }
    if (w->page.n == 0) {
        buf_putc(&w->page, 'P');
        w->page_entity = entity;
    }
    buf_put(&w->page, buf_str(&b));
    if (b.failed)
        w->page.failed = true;
    buf_free(&b);
    return 0;
}

static int put_entity(struct posting_writer *w, struct err *err)
{
    if (w->n_pending == 0)
        return 0;
    size_t n = 0;
    for (size_t k = 0; k < w->n_pending; k++)
        n += w->pending[k].n;
    int rc = n > POSTING_PART ? put_long(w, err) : put_packed(w, err);
    w->n_pending = 0;
    return rc;
}

int posting_put(struct posting_writer *w, const struct posting_list *l,
                struct err *err)
{
    if (w->n_pending && w->pending[0].entity != l->entity) {
        int rc = put_entity(w, err);
        if (rc)
            return rc;
    }
    if (w->n_pending == sizeof(w->pending) / sizeof(*w->pending))
        return err_set(err, ERR_INTERNAL, "posting list: too many roles");
    w->pending[w->n_pending++] = *l;
    return 0;
}

int posting_end(struct posting_writer *w, struct err *err)
{
    int rc = put_entity(w, err);
    if (rc == 0)
        rc = flush_page(w, err);
    buf_free(&w->page);
    return rc;
}

/* ---- axis ---------------------------------------------------------------- */

static void put_axis_part(struct buf *b, const struct posting_time *e, size_t n,
                          bool has_ns)
{
    int64_t last_s = 0;
    int64_t last_index = 0;
    bool first = true;
    buf_putc(b, 'T');
    for (size_t i = 0; i < n; i++) {
        if (e[i].timed) {
            put_varint(b, first ? zigzag(e[i].t.s)
                                : (uint64_t)e[i].t.s - (uint64_t)last_s);
            first = false;
            last_s = e[i].t.s;
            if (has_ns)
                put_varint(b, e[i].t.ns);
        }
        put_varint(b, zigzag((int64_t)e[i].index - last_index));
        last_index = e[i].index;
    }
}

int posting_put_axis(struct casedb *c, uint32_t batch,
                     const struct posting_time *axis, size_t n, bool has_ns,
                     struct err *err)
{
    struct buf dir = { 0 }, part = { 0 };
    uint32_t parts = 0, undated = 0;
    int rc = 0;
    while (undated < n && !axis[undated].timed)
        undated++;
    buf_putc(&dir, 'A');
    buf_putc(&dir, has_ns);
    put_varint(&dir, n);
    put_varint(&dir, undated);
    for (size_t at = 0; at < n && rc == 0; at += POSTING_AXIS_PART) {
        size_t k = n - at < POSTING_AXIS_PART ? n - at : POSTING_AXIS_PART;
        size_t first = at < undated ? undated : at;
        unsigned char start[12] = { 0 };
        if (first < at + k) {
            put_u64le(start, (uint64_t)axis[first].t.s);
            put_u32le(start + 8, axis[first].t.ns);
        }
        buf_put(&dir, (struct str){ (char *)start, sizeof(start) });
        buf_clear(&part);
        put_axis_part(&part, axis + at, k, has_ns);
        rc = part.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                         : insert(c, posting_id(batch, 0, ++parts),
                                  buf_str(&part), err);
    }
    if (rc == 0)
        rc = dir.failed
                 ? err_set(err, ERR_INTERNAL, "out of memory")
                 : insert(c, posting_id(batch, 0, 0), buf_str(&dir), err);
    buf_free(&dir);
    buf_free(&part);
    return rc;
}
