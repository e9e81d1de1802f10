/*
 * Posting rows of any bytes. The input is u16 LE events, u8 undated, then rows
 * { u32 LE entity, u8 part, u16 LE n, n bytes } of batch 1, in a database in
 * memory with that table alone. Properties: what is read is an answer or an
 * error with words; indexes of the axis lie within the batch; one entity's
 * ranks are the same by cursor, in one window or in many, and by union.
 */
#include "base/varint.h"
#include "casedb/posting.h"
#include "tests/fuzz/replay.h"

#include <stdlib.h>

enum { ROWS = 32, WORDS = (65535 + 63) / 64 };

static struct casedb c;

static void need(bool good)
{
    if (!good)
        abort();
}

static void start(void)
{
    static char path[] = "memory";
    c.path = path;
    need(sqlite3_open(":memory:", &c.db) == SQLITE_OK);
    need(sqlite3_exec(c.db,
                      "CREATE TABLE posting(id INTEGER PRIMARY KEY,"
                      " data BLOB NOT NULL) STRICT",
                      NULL, NULL, NULL) == SQLITE_OK);
}

static void clear(void)
{
    need(sqlite3_exec(c.db, "DELETE FROM posting", NULL, NULL, NULL) ==
         SQLITE_OK);
}

static void put(uint32_t entity, uint32_t part, struct str data)
{
    struct err err;
    sqlite3_stmt *st = db_prepare(
        &c, "INSERT OR REPLACE INTO posting(id, data) VALUES(?1, ?2)", &err);
    need(st != NULL);
    sqlite3_bind_int64(st, 1, posting_id(1, entity, part));
    db_bind_str(st, 2, data);
    need(db_run(&c, st, &err) == 0);
}

static bool fair(int rc, const struct err *err)
{
    need(rc >= 0 || (err->code == rc && err->what[0]));
    return rc >= 0;
}

static void try_axis(struct posting_batch *b)
{
    static struct posting_time axis[POSTING_AXIS_PART];
    struct err err = { 0 };
    uint32_t n, rank;
    for (uint32_t part = 0; part * POSTING_AXIS_PART < b->n; part++)
        if (fair(posting_axis(&c, b, part, axis, &n, &err), &err))
            for (uint32_t i = 0; i < n; i++)
                need(axis[i].index < b->n);
    enum { EDGES = 50 };
    struct instant edges[EDGES] = { { b->min_s, 0 } };
    uint32_t ranks[EDGES];
    size_t n_edges = 0;
    for (int64_t s = b->min_s; s <= b->max_s + 1 && n_edges < EDGES; s += 500)
        edges[n_edges++] = (struct instant){ s, 0 };
    bool all = fair(posting_ranks(&c, b, edges, n_edges, ranks, &err), &err);
    for (size_t i = 0; i < n_edges; i++)
        if (fair(posting_rank(&c, b, edges[i], &rank, &err), &err)) {
            need(rank <= b->n);
            need(!all || ranks[i] == rank);
        }
}

static void try_list(struct posting_batch *b, uint32_t entity, uint32_t mask)
{
    static uint64_t whole[WORDS], pieces[WORDS], merged[WORDS];
    struct err err = { 0 };
    struct posting_cursor p;
    size_t words = (b->n + 63) / 64;
    memset(whole, 0, sizeof(whole));
    memset(pieces, 0, sizeof(pieces));
    memset(merged, 0, sizeof(merged));
    bool good = fair(posting_open(&c, 1, entity, mask, &p, &err), &err) &&
                fair(posting_window(&c, &p, 0, b->n, NULL, whole, &err), &err);
    for (uint32_t lo = 0; good && lo < b->n; lo += 192) {
        uint32_t hi = b->n - lo < 192 ? b->n : lo + 192;
        /* asking for what is there finds it */
        good = fair(posting_window(&c, &p, lo, hi, whole + lo / 64,
                                   pieces + lo / 64, &err),
                    &err);
    }
    if (good) {
        need(memcmp(whole, pieces, words * 8) == 0);
        need(posting_next(&p, b->n) >= b->n);
        need(posting_prev(&p, 0) == 0);
    }
    posting_close(&p);
    if (fair(posting_union(&c, b, &entity, 1, mask, merged, &err), &err) &&
        good)
        need(memcmp(whole, merged, words * 8) == 0);
}

static int count(void *ctx, uint32_t entity, uint8_t role, uint64_t n)
{
    (void)entity;
    (void)role;
    *(uint64_t *)ctx += n;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t merged[WORDS];
    struct err err = { 0 };
    struct cursor in = cursor_of(data, size);
    uint32_t ids[2 * ROWS + 1] = { 1 << 25 };
    size_t n = 1;
    uint64_t sum = 0;
    if (!c.db)
        start();
    struct posting_batch b = { .id = 1, .first_event = 1, .max_s = 5000 };
    b.n = cursor_u16(&in) | 1u;
    b.n_undated = cursor_u8(&in) % (b.n + 1);
    while (cursor_left(&in) > 0 && n < 2 * ROWS) {
        uint32_t entity = cursor_u32(&in) & 0x7fffffff;
        uint32_t part = cursor_u8(&in);
        put(entity, part, cursor_str(&in, cursor_u16(&in)));
        ids[n++] = entity ? entity : 1;
        ids[n++] = entity < 0x7ffffffe ? entity + 2 : 2;
    }
    try_axis(&b);
    for (size_t i = 0; i < n; i++)
        try_list(&b, ids[i], i & 1 ? 0 : (uint32_t)i * 3);
    qsort(ids, n, sizeof(*ids), by_id);
    fair(posting_union(&c, &b, ids, n, 0, merged, &err), &err);
    for (unsigned kind = 0; kind <= KIND_MAX; kind++)
        fair(posting_counts(&c, &b, kind, count, &sum, &err), &err);
    free(b.starts);
    clear();
    return 0;
}
