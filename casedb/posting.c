/* Reading posting rows; posting_write.c says how they are made. */
#include "casedb/posting.h"

#include <stdlib.h>

static int damaged(struct err *err)
{
    return err_set(err, ERR_CASE, "the case's index is damaged (posting list)");
}

/* A row being looked at: its bytes are SQLite's until it is let go. A
 * statement left on its row would keep an old view of the case, and the next
 * one would need a statement of its own. */
struct row {
    sqlite3_stmt *st;
    struct str data;
};

static void row_release(struct row *r)
{
    if (r->st)
        sqlite3_reset(r->st);
    r->st = NULL;
}

#define ROW __attribute__((cleanup(row_release))) struct row

/* The row with this id. 0 = none. */
static int row_exact(struct casedb *c, int64_t id, struct row *r,
                     struct err *err)
{
    r->st = db_prepare(c, "SELECT data FROM posting WHERE id=?1", err);
    if (!r->st)
        return err->code;
    sqlite3_bind_int64(r->st, 1, id);
    int rc = db_step(c, r->st, err);
    if (rc == 1)
        r->data = db_col(r->st, 0);
    return rc;
}

int posting_starts(struct casedb *c, struct posting_batch *b, struct err *err)
{
    if (b->starts)
        return 0;
    ROW row = { 0 };
    int rc = row_exact(c, posting_id(b->id, 0, 0), &row, err);
    if (rc != 1)
        return rc ? rc : damaged(err);
    struct cursor k = cursor_of(row.data.p, row.data.n);
    if (cursor_u8(&k) != 'A')
        return damaged(err);
    b->has_ns = cursor_u8(&k) != 0;
    uint64_t n = cursor_varint(&k), undated = cursor_varint(&k);
    uint32_t parts = (b->n + POSTING_AXIS_PART - 1) / POSTING_AXIS_PART;
    if (k.failed || n != b->n || undated != b->n_undated ||
        cursor_left(&k) != (size_t)parts * 12)
        return damaged(err);
    b->starts = calloc(parts ? parts : 1, sizeof(*b->starts));
    if (!b->starts)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (uint32_t i = 0; i < parts; i++) {
        b->starts[i].s = (int64_t)cursor_u64(&k);
        b->starts[i].ns = cursor_u32(&k);
    }
    b->n_parts = parts;
    return 0;
}

/* Most deltas are one byte. */
static inline uint64_t delta(struct cursor *k)
{
    return k->p < k->end && *k->p < 0x80 ? *k->p++ : cursor_varint(k);
}

int posting_axis(struct casedb *c, struct posting_batch *b, uint32_t part,
                 struct posting_time *out, uint32_t *n, struct err *err)
{
    uint32_t lo = part * POSTING_AXIS_PART;
    if (lo >= b->n)
        return err_set(err, ERR_INTERNAL, "axis part out of range");
    uint32_t count =
        b->n - lo < POSTING_AXIS_PART ? b->n - lo : POSTING_AXIS_PART;
    ROW row = { 0 };
    int rc = posting_starts(c, b, err);
    if (rc)
        return rc;
    bool has_ns = b->has_ns;
    rc = row_exact(c, posting_id(b->id, 0, part + 1), &row, err);
    if (rc != 1)
        return rc ? rc : damaged(err);
    struct cursor k = cursor_of(row.data.p, row.data.n);
    int64_t s = 0;
    uint64_t index = 0;
    bool first = true;
    if (cursor_u8(&k) != 'T')
        return damaged(err);
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (struct posting_time){ .timed = lo + i >= b->n_undated };
        if (out[i].timed) {
            uint64_t d = delta(&k);
            s = first ? unzigzag(d) : (int64_t)((uint64_t)s + d);
            first = false;
            out[i].t.s = s;
            out[i].t.ns = has_ns ? (uint32_t)delta(&k) : 0;
        }
        index += (uint64_t)unzigzag(delta(&k));
        if (k.failed || index >= b->n)
            return damaged(err);
        out[i].index = (uint32_t)index;
    }
    *n = count;
    return 0;
}

/* Past one varint; an index within a batch has at most three bytes. */
static void skip_varint(struct cursor *k)
{
    const unsigned char *p = k->p;
    if (cursor_left(k) < 3)
        cursor_varint(k);
    else if (p[0] < 0x80)
        k->p += 1;
    else if (p[1] < 0x80)
        k->p += 2;
    else if (p[2] < 0x80)
        k->p += 3;
    else
        cursor_varint(k);
}

/* A part of the axis, read for its times alone. */
struct times {
    struct cursor k;
    uint32_t i, n; /* next rank within the part, ranks */
    struct instant t;
    bool has_ns, first;
};

static int times_open(struct times *t, const struct posting_batch *b,
                      uint32_t part, struct str data, struct err *err)
{
    uint32_t lo = part * POSTING_AXIS_PART;
    *t = (struct times){ .k = cursor_of(data.p, data.n),
                         .n = b->n - lo < POSTING_AXIS_PART ? b->n - lo
                                                            : POSTING_AXIS_PART,
                         .has_ns = b->has_ns,
                         .first = true };
    if (cursor_u8(&t->k) != 'T')
        return damaged(err);
    for (; t->i < t->n && lo + t->i < b->n_undated; t->i++)
        cursor_varint(&t->k);
    return t->k.failed ? damaged(err) : 0;
}

/* Moves t->i to the first rank at or after `edge`, t->t being the time of the
 * rank before. False: damaged. */
static bool times_reach(struct times *t, struct instant edge)
{
    while (t->i < t->n) {
        struct cursor was = t->k;
        uint64_t d = delta(&t->k);
        int64_t s = t->first ? unzigzag(d) : (int64_t)((uint64_t)t->t.s + d);
        uint32_t ns = t->has_ns ? (uint32_t)delta(&t->k) : 0;
        if (s > edge.s || (s == edge.s && ns >= edge.ns)) {
            t->k = was; /* read again for the next edge */
            return !was.failed;
        }
        t->first = false;
        t->t = (struct instant){ s, ns };
        skip_varint(&t->k);
        if (t->k.failed)
            return false;
        t->i++;
    }
    return true;
}

/* The part in which the first rank at or after t is, or at the end of which
 * it follows: the last one that begins before t. */
static uint32_t part_of(const struct posting_batch *b, struct instant t)
{
    uint32_t lo = b->n_undated / POSTING_AXIS_PART, hi = b->n_parts;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (instant_cmp(b->starts[mid], t) < 0)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* Instants that all fall into one part of the axis. */
static int ranks_in_part(struct casedb *c, struct posting_batch *b,
                         uint32_t part, const struct instant *t, size_t n,
                         uint32_t *ranks, struct err *err)
{
    ROW row = { 0 };
    struct times times;
    int rc = row_exact(c, posting_id(b->id, 0, part + 1), &row, err);
    if (rc != 1)
        return rc ? rc : damaged(err);
    rc = times_open(&times, b, part, row.data, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!times_reach(&times, t[i]))
            return damaged(err);
        ranks[i] = part * POSTING_AXIS_PART + times.i;
    }
    return rc;
}

int posting_ranks(struct casedb *c, struct posting_batch *b,
                  const struct instant *t, size_t n, uint32_t *ranks,
                  struct err *err)
{
    size_t i = 0, end = n;
    for (; i < n && (b->n_undated == b->n || t[i].s < b->min_s); i++)
        ranks[i] = b->n_undated;
    for (; end > i && t[end - 1].s > b->max_s; end--)
        ranks[end - 1] = b->n;
    int rc = i < end ? posting_starts(c, b, err) : 0;
    while (i < end && rc == 0) {
        uint32_t part = part_of(b, t[i]);
        size_t k = i + 1;
        while (k < end && (part + 1 == b->n_parts ||
                           instant_cmp(b->starts[part + 1], t[k]) >= 0))
            k++;
        rc = ranks_in_part(c, b, part, t + i, k - i, ranks + i, err);
        i = k;
    }
    return rc;
}

int posting_rank(struct casedb *c, struct posting_batch *b, struct instant t,
                 uint32_t *rank, struct err *err)
{
    return posting_ranks(c, b, &t, 1, rank, err);
}

/* Appends the deltas of one list to the cursor's ranks. */
static int add_ranks(struct posting_cursor *p, struct cursor *k, uint64_t n,
                     struct err *err)
{
    if (p->n + n > p->cap) {
        size_t cap = p->cap * 2 > p->n + n ? p->cap * 2 : p->n + n;
        uint32_t *grown = realloc(p->ranks, cap * sizeof(*grown));
        if (!grown)
            return err_set(err, ERR_INTERNAL, "out of memory");
        p->ranks = grown;
        p->cap = cap;
    }
    uint64_t rank = 0;
    for (uint64_t i = 0; i < n; i++) {
        rank += delta(k);
        if (k->failed || rank > UINT32_MAX)
            return damaged(err);
        p->ranks[p->n++] = (uint32_t)rank;
    }
    return 0;
}

static int by_rank(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static bool role_wanted(uint32_t mask, uint8_t role)
{
    return mask == 0 || (role < 32 && (mask >> role & 1));
}

/* One list of a packed row. */
struct packed {
    uint64_t entity, n;
    struct cursor ranks;
    uint8_t role;
};

static bool next_packed(struct cursor *k, uint32_t page_entity,
                        struct packed *e)
{
    e->entity = page_entity + cursor_varint(k);
    e->role = cursor_u8(k);
    e->n = 1;
    e->ranks = *k;
    if (e->role & POSTING_SINGLE) {
        e->role &= (uint8_t)~POSTING_SINGLE;
        cursor_varint(k);
        return !k->failed;
    }
    e->n = cursor_varint(k);
    uint64_t bytes = cursor_varint(k);
    if (k->failed || bytes > cursor_left(k) || e->n > bytes)
        return false;
    e->ranks = cursor_of(k->p, bytes);
    cursor_take(k, bytes);
    return true;
}

static int open_packed(struct posting_cursor *p, struct cursor *k,
                       uint32_t page_entity, struct err *err)
{
    unsigned lists = 0;
    struct packed e;
    while (cursor_left(k)) {
        if (!next_packed(k, page_entity, &e))
            return damaged(err);
        if (e.entity > p->entity)
            break;
        if (e.entity != p->entity)
            continue;
        p->roles |= 1u << (e.role & 31);
        if (role_wanted(p->role_mask, e.role)) {
            int rc = add_ranks(p, &e.ranks, e.n, err);
            if (rc)
                return rc;
            lists++;
        }
    }
    p->count = p->n;
    if (lists > 1 && p->n) { /* an event may hold the entity in two roles */
        qsort(p->ranks, p->n, sizeof(*p->ranks), by_rank);
        size_t m = 0;
        for (size_t i = 0; i < p->n; i++)
            if (m == 0 || p->ranks[m - 1] != p->ranks[i])
                p->ranks[m++] = p->ranks[i];
        p->n = m;
    }
    return 0;
}

static int open_directory(struct posting_cursor *p, struct cursor *k,
                          struct err *err)
{
    uint64_t n = cursor_varint(k);
    if (k->failed || n > cursor_left(k))
        return damaged(err);
    p->parts = calloc(n ? n : 1, sizeof(*p->parts));
    if (!p->parts)
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (uint64_t i = 0; i < n; i++) {
        struct posting_part part = { .part = (uint32_t)i + 1,
                                     .role = cursor_u8(k) };
        part.first = (uint32_t)cursor_varint(k);
        part.last = (uint32_t)cursor_varint(k);
        part.count = (uint32_t)cursor_varint(k);
        if (k->failed || part.last < part.first || part.last > POSTING_RANK_MAX)
            return damaged(err);
        p->roles |= 1u << (part.role & 31);
        if (role_wanted(p->role_mask, part.role)) {
            p->count += part.count;
            p->parts[p->n_parts++] = part;
        }
    }
    return 0;
}

/* The row that can hold the entity's lists: its own, or the packed row that
 * begins before it. 0 = there is none. */
static int row_of(struct casedb *c, uint32_t batch, uint32_t entity,
                  struct row *r, uint32_t *row_entity, struct err *err)
{
    r->st = db_prepare(
        c, "SELECT id, data FROM posting WHERE id<=?1 ORDER BY id DESC LIMIT 1",
        err);
    if (!r->st)
        return err->code;
    sqlite3_bind_int64(r->st, 1, posting_id(batch, entity, 0));
    int rc = db_step(c, r->st, err);
    if (rc <= 0)
        return rc;
    uint64_t id = (uint64_t)sqlite3_column_int64(r->st, 0);
    r->data = db_col(r->st, 1);
    *row_entity = (uint32_t)(id >> 16 & 0x7fffffff);
    /* else the row before belongs to a long list or the axis */
    return id >> 47 == batch && (id & 0xffff) == 0 && *row_entity != 0;
}

int posting_open(struct casedb *c, uint32_t batch, uint32_t entity,
                 uint32_t role_mask, struct posting_cursor *out,
                 struct err *err)
{
    *out = (struct posting_cursor){ .batch = batch,
                                    .entity = entity,
                                    .role_mask = role_mask };
    ROW row = { 0 };
    uint32_t row_entity;
    int rc = row_of(c, batch, entity, &row, &row_entity, err);
    if (rc <= 0)
        return rc;
    struct cursor k = cursor_of(row.data.p, row.data.n);
    uint8_t form = cursor_u8(&k);
    if (form == 'P')
        return open_packed(out, &k, row_entity, err);
    if (form == 'D' && row_entity == entity)
        return open_directory(out, &k, err);
    return form == 'D' ? 0 : damaged(err);
}

void posting_close(struct posting_cursor *p)
{
    free(p->ranks);
    free(p->parts);
    *p = (struct posting_cursor){ 0 };
}

static void set_bit(uint64_t *words, uint32_t lo, uint32_t hi, uint64_t rank)
{
    if (rank >= lo && rank < hi)
        words[(rank - lo) >> 6] |= 1ull << ((rank - lo) & 63);
}

/* Bytes of a bitmap that begins at rank `base`; lo is a multiple of 64. */
static void or_bitmap(uint64_t *words, uint32_t lo, uint32_t hi, uint32_t base,
                      struct cursor *k)
{
    if (base < lo)
        cursor_take(k, cursor_left(k) < (lo - base) / 8 ? cursor_left(k)
                                                        : (lo - base) / 8);
    uint32_t at = base < lo ? 0 : base - lo;
    size_t n = cursor_left(k), i = 0;
    if (at >= hi - lo)
        return;
    size_t whole = (hi - lo - at) / 8 < n ? (hi - lo - at) / 8 : n;
    for (; i < whole && ((at + 8 * i) & 63); i++)
        words[(at + 8 * i) >> 6] |= (uint64_t)k->p[i] << ((at + 8 * i) & 63);
    for (; i + 8 <= whole; i += 8)
        words[(at + 8 * i) >> 6] |= u64le(k->p + i);
    for (; i < whole; i++)
        words[(at + 8 * i) >> 6] |= (uint64_t)k->p[i] << ((at + 8 * i) & 63);
    for (unsigned bit = 0; i < n && i == whole && bit < 8; bit++)
        if (k->p[i] >> bit & 1)
            set_bit(words, lo, hi, (uint64_t)lo + at + 8 * i + bit);
}

/* ORs the deltas that follow `rank` into the words, up to `n` of them or the
 * end; whatever else the bytes say, only ranks in [lo, hi) are set. Most
 * deltas are one byte, of short lists two, and this is nearly all of a
 * query's work. */
static void or_deltas(uint64_t *words, uint32_t lo, uint32_t hi, uint64_t rank,
                      struct cursor *k, uint64_t n)
{
    const unsigned char *p = k->p, *end = k->end;
    const uint64_t span = hi - lo;
    for (; n && p < end && rank < hi; n--) {
        uint64_t d = *p;
        if (d < 0x80) {
            p++;
        } else if (end - p > 1 && p[1] < 0x80) {
            d = (d & 0x7f) | (uint64_t)p[1] << 7;
            p += 2;
        } else {
            k->p = p;
            d = cursor_varint(k);
            p = k->p;
            if (k->failed || d > POSTING_RANK_MAX) {
                k->failed = true;
                return;
            }
        }
        rank += d;
        uint64_t at = rank - lo;
        if (at < span)
            words[at >> 6] |= 1ull << (at & 63);
    }
    k->p = p;
}

static int or_part(struct str data, uint32_t lo, uint32_t hi, uint64_t *words,
                   struct err *err)
{
    struct cursor k = cursor_of(data.p, data.n);
    uint8_t form = cursor_u8(&k);
    uint64_t rank = cursor_varint(&k);
    if (k.failed || rank > POSTING_RANK_MAX || (form != 'L' && form != 'B'))
        return damaged(err);
    if (form == 'B') {
        if (rank & 7)
            return damaged(err);
        or_bitmap(words, lo, hi, (uint32_t)rank, &k);
        return 0;
    }
    set_bit(words, lo, hi, rank);
    or_deltas(words, lo, hi, rank, &k, UINT64_MAX);
    return k.failed ? damaged(err) : 0;
}

/* Whether the mask, of the window [lo, hi), has a rank of the part. */
static bool part_wanted(const struct posting_part *part, uint32_t lo,
                        uint32_t hi, const uint64_t *mask)
{
    if (part->first >= hi || part->last < lo)
        return false;
    if (!mask)
        return true;
    uint32_t first = part->first > lo ? part->first - lo : 0;
    uint32_t last = (part->last < hi ? part->last : hi - 1) - lo;
    uint64_t any = mask[first >> 6] & UINT64_MAX << (first & 63);
    for (uint32_t i = (first >> 6) + 1; i <= last >> 6 && !any; i++)
        any = mask[i];
    return any != 0;
}

/* The rows of n parts that follow each other, by one walk over the table. */
static int parts_window(struct casedb *c, struct posting_cursor *p,
                        const struct posting_part *part, size_t n, uint32_t lo,
                        uint32_t hi, uint64_t *words, struct err *err)
{
    ROW row = { 0 };
    row.st = db_prepare(c,
                        "SELECT id, data FROM posting WHERE id>=?1 AND id<=?2"
                        " ORDER BY id",
                        err);
    if (!row.st)
        return err->code;
    sqlite3_bind_int64(row.st, 1, posting_id(p->batch, p->entity, part->part));
    sqlite3_bind_int64(row.st, 2,
                       posting_id(p->batch, p->entity, part[n - 1].part));
    for (size_t i = 0; i < n; i++) {
        int rc = db_step(c, row.st, err);
        if (rc != 1) {
            row.st = NULL;
            return rc ? rc : damaged(err);
        }
        if (sqlite3_column_int64(row.st, 0) !=
            posting_id(p->batch, p->entity, part[i].part))
            return damaged(err);
        rc = or_part(db_col(row.st, 1), lo, hi, words, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Index of the first short-list rank >= lo. */
static size_t lower(const struct posting_cursor *p, uint32_t lo)
{
    size_t a = 0, b = p->n;
    while (a < b) {
        size_t mid = a + (b - a) / 2;
        if (p->ranks[mid] < lo)
            a = mid + 1;
        else
            b = mid;
    }
    return a;
}

int posting_window(struct casedb *c, struct posting_cursor *p, uint32_t lo,
                   uint32_t hi, const uint64_t *mask, uint64_t *words,
                   struct err *err)
{
    for (size_t i = lower(p, lo); i < p->n && p->ranks[i] < hi; i++)
        set_bit(words, lo, hi, p->ranks[i]);
    for (size_t i = 0; i < p->n_parts;) {
        const struct posting_part *part = &p->parts[i];
        size_t n = 0;
        while (i + n < p->n_parts && part[n].part == part->part + n &&
               part_wanted(&part[n], lo, hi, mask))
            n++;
        int rc = n ? parts_window(c, p, part, n, lo, hi, words, err) : 0;
        if (rc)
            return rc;
        i += n ? n : 1;
    }
    return 0;
}

uint32_t posting_next(const struct posting_cursor *p, uint32_t lo)
{
    uint32_t best = UINT32_MAX;
    size_t i = lower(p, lo);
    if (i < p->n)
        best = p->ranks[i];
    for (i = 0; i < p->n_parts; i++) {
        if (p->parts[i].last < lo)
            continue;
        uint32_t at = p->parts[i].first > lo ? p->parts[i].first : lo;
        if (at < best)
            best = at;
    }
    return best;
}

uint32_t posting_prev(const struct posting_cursor *p, uint32_t hi)
{
    uint32_t best = 0;
    size_t i = lower(p, hi);
    if (i > 0)
        best = p->ranks[i - 1] + 1;
    for (i = 0; i < p->n_parts; i++) {
        if (p->parts[i].first >= hi)
            continue;
        uint32_t at = p->parts[i].last + 1 < hi ? p->parts[i].last + 1 : hi;
        if (at > best)
            best = at;
    }
    return best;
}

/* ---- many entities ---------------------------------------------------------
 */

/* Ascending ids that are looked for in one batch; `at` is the next. */
struct wanted {
    const uint32_t *ids;
    size_t n, at;
    uint32_t role_mask, hi;
    uint64_t *words;
};

static void pass(struct wanted *w, uint64_t entity)
{
    while (w->at < w->n && w->ids[w->at] <= entity)
        w->at++;
}

static int union_packed(struct wanted *w, struct cursor *k, uint32_t entity,
                        struct err *err)
{
    struct packed e = { .entity = entity };
    while (cursor_left(k) && w->at < w->n) {
        if (!next_packed(k, entity, &e))
            return damaged(err);
        if (e.entity)
            pass(w, e.entity - 1);
        if (w->at == w->n || w->ids[w->at] != e.entity ||
            !role_wanted(w->role_mask, e.role))
            continue;
        or_deltas(w->words, 0, w->hi, 0, &e.ranks, e.n);
        if (e.ranks.failed)
            return damaged(err);
    }
    if (cursor_left(k) == 0)
        pass(w, e.entity);
    return 0;
}

static int union_long(struct casedb *c, struct wanted *w, uint32_t batch,
                      struct err *err)
{
    struct posting_cursor p;
    int rc = posting_open(c, batch, w->ids[w->at], w->role_mask, &p, err);
    if (rc == 0)
        rc = posting_window(c, &p, 0, w->hi, NULL, w->words, err);
    posting_close(&p);
    return rc;
}

/* Passes the ids that lie before the next row, so that of many ids only few
 * are looked up one by one. */
static int skip_gap(struct casedb *c, struct wanted *w, uint32_t batch,
                    uint32_t after, struct err *err)
{
    ROW row = { 0 };
    row.st = db_prepare(
        c, "SELECT id FROM posting WHERE id>?1 ORDER BY id LIMIT 1", err);
    if (!row.st)
        return err->code;
    sqlite3_bind_int64(row.st, 1, posting_id(batch, after, 0xffff));
    int rc = db_step(c, row.st, err);
    if (rc < 0)
        return rc;
    uint64_t id = rc ? (uint64_t)sqlite3_column_int64(row.st, 0) : UINT64_MAX;
    uint32_t entity = (uint32_t)(id >> 16 & 0x7fffffff);
    if (id >> 47 != batch)
        w->at = w->n;
    else if (entity)
        pass(w, entity - 1);
    return 0;
}

int posting_union(struct casedb *c, const struct posting_batch *b,
                  const uint32_t *ids, size_t n, uint32_t role_mask,
                  uint64_t *words, struct err *err)
{
    struct wanted w = { ids, n, 0, role_mask, b->n, words };
    while (w.at < n) {
        uint32_t id = ids[w.at], row_entity;
        bool is_long = false;
        ROW row = { 0 };
        int rc = row_of(c, b->id, id, &row, &row_entity, err);
        if (rc == 1) {
            struct cursor k = cursor_of(row.data.p, row.data.n);
            uint8_t form = cursor_u8(&k);
            rc = form == 'P'   ? union_packed(&w, &k, row_entity, err)
                 : form == 'D' ? 0
                               : damaged(err);
            is_long = form == 'D' && row_entity == id;
        }
        row_release(&row);
        if (rc == 0 && is_long)
            rc = union_long(c, &w, b->id, err);
        pass(&w, id);
        if (rc == 0 && w.at < n)
            rc = skip_gap(c, &w, b->id, ids[w.at - 1], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- counts per entity -----------------------------------------------------
 */

/* The lists of one entity, to tell how many of their entries are of events
 * that have it in another role too. */
struct twice {
    uint32_t entity, lists;
    uint64_t n;
    struct posting_cursor all;
};

static int end_entity(struct twice *t, posting_count_fn *fn, void *ctx)
{
    int rc = 0;
    struct posting_cursor *p = &t->all;
    if (t->lists > 1 && p->n) {
        uint64_t distinct = 0;
        qsort(p->ranks, p->n, sizeof(*p->ranks), by_rank);
        for (size_t i = 0; i < p->n; i++)
            distinct += i == 0 || p->ranks[i - 1] != p->ranks[i];
        if (distinct < t->n)
            rc = fn(ctx, t->entity, POSTING_TWICE, t->n - distinct);
    }
    t->lists = 0;
    t->n = 0;
    p->n = 0;
    return rc;
}

static int count_packed(struct cursor *k, uint32_t row_entity, unsigned kind,
                        posting_count_fn *fn, void *ctx, struct err *err)
{
    struct twice t = { 0 };
    struct packed e;
    int rc = 0;
    while (cursor_left(k) && rc == 0) {
        if (!next_packed(k, row_entity, &e)) {
            rc = damaged(err);
            break;
        }
        if (e.entity >> KIND_SHIFT != kind)
            continue;
        if (e.entity != t.entity)
            rc = end_entity(&t, fn, ctx);
        t.entity = (uint32_t)e.entity;
        t.lists++;
        t.n += e.n;
        if (rc == 0)
            rc = add_ranks(&t.all, &e.ranks, e.n, err);
        if (rc == 0)
            rc = fn(ctx, t.entity, e.role, e.n);
    }
    if (rc == 0)
        rc = end_entity(&t, fn, ctx);
    posting_close(&t.all);
    return rc;
}

static int count_long(struct casedb *c, const struct posting_batch *b,
                      uint32_t entity, posting_count_fn *fn, void *ctx,
                      struct err *err)
{
    struct posting_cursor p;
    uint64_t distinct = 0, *words = NULL;
    int rc = posting_open(c, b->id, entity, 0, &p, err);
    for (size_t i = 0; i < p.n_parts && rc == 0; i++)
        rc = fn(ctx, entity, p.parts[i].role, p.parts[i].count);
    if (rc == 0 && p.roles & (p.roles - 1)) {
        size_t n = (b->n + 63) / 64;
        words = calloc(n, sizeof(*words));
        rc = words ? posting_window(c, &p, 0, b->n, NULL, words, err)
                   : err_set(err, ERR_INTERNAL, "out of memory");
        for (size_t i = 0; i < n && rc == 0; i++)
            distinct += (uint64_t)__builtin_popcountll(words[i]);
        if (rc == 0 && distinct < p.count)
            rc = fn(ctx, entity, POSTING_TWICE, p.count - distinct);
    }
    free(words);
    posting_close(&p);
    return rc;
}

int posting_counts(struct casedb *c, const struct posting_batch *b,
                   unsigned kind, posting_count_fn *fn, void *ctx,
                   struct err *err)
{
    sqlite3_stmt *st = db_prepare(c,
                                  "SELECT id, data FROM posting WHERE id>="
                                  "ifnull((SELECT max(id) FROM posting WHERE "
                                  "id<=?1 AND id>=?3), ?1) AND id<?2",
                                  err);
    if (!st)
        return err->code;
    sqlite3_bind_int64(st, 1,
                       posting_id(b->id, (uint32_t)kind << KIND_SHIFT, 0));
    sqlite3_bind_int64(st, 2,
                       posting_id(b->id, 0, 0) +
                           (int64_t)((uint64_t)(kind + 1) << KIND_SHIFT << 16));
    sqlite3_bind_int64(st, 3, posting_id(b->id, 1, 0));
    int rc;
    while ((rc = db_step(c, st, err)) == 1) {
        uint64_t id = (uint64_t)sqlite3_column_int64(st, 0);
        uint32_t entity = (uint32_t)(id >> 16 & 0x7fffffff);
        if (id & 0xffff)
            continue; /* a part: its counts are in the directory */
        struct str data = db_col(st, 1);
        struct cursor k = cursor_of(data.p, data.n);
        uint8_t form = cursor_u8(&k);
        if (form == 'P')
            rc = count_packed(&k, entity, kind, fn, ctx, err);
        else if (form != 'D')
            rc = damaged(err);
        else
            rc = entity >> KIND_SHIFT == kind
                     ? count_long(c, b, entity, fn, ctx, err)
                     : 0;
        if (rc)
            break;
    }
    sqlite3_reset(st);
    return rc;
}
