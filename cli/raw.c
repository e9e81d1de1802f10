#include "cli/raw.h"

#include "analyzer/cite.h"
#include "base/text.h"

#include <stdlib.h>

int raw_begin(struct raw *r, struct casedb *c, struct err *err)
{
    exhibit_files_open(&r->files, c);
    r->reader = reader_open(&(struct reader_options){ .silent_s = 0 }, err);
    const struct reader_supply supply = { &r->files.names_fd,
                                          exhibit_files_supply, &r->files };
    if (r->reader)
        reader_supply(r->reader, &supply);
    return r->reader ? 0 : err->code;
}

void raw_close(struct raw *r)
{
    reader_close(r->reader);
    exhibit_files_close(&r->files);
    r->reader = NULL;
}

int raw_read(struct raw *r, const struct member *m, uint64_t off, uint64_t len,
             struct arena *a, struct reader_got *got, struct err *err)
{
    int rc = exhibit_files_member(&r->files, m, err);
    if (rc)
        return rc;
    if (len > READER_READ_MAX)
        len = READER_READ_MAX;
    struct reader_place p = { r->files.fds, r->files.n_fds, m->layers, off,
                              len };
    return reader_read(r->reader, &p, a, got, err);
}

/* ---- for the analyzer ---------------------------------------------------- */

static int read_record(void *ctx, const struct event *e, struct arena *a,
                       struct str *out, struct err *err)
{
    struct raw *r = ctx;
    struct member m;
    struct reader_got got;
    int rc = case_member(r->files.c, e->member, a, &m, err);
    if (rc == 0)
        rc = raw_read(r, &m, e->off, e->len, a, &got, err);
    if (rc == 0)
        *out = got.bytes;
    return rc;
}

/* Which record, in the order of its place. */
struct wanted {
    int64_t member;
    uint64_t off, end;
    size_t i;
};

static int by_place(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    if (x->member != y->member)
        return x->member < y->member ? -1 : 1;
    if (x->off != y->off)
        return x->off < y->off ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

/* Records near each other come by one request: a request costs as much as
 * some tens of KiB. */
static size_t near_each_other(const struct wanted *w, size_t n, uint64_t *end)
{
    enum { GAP = 32 << 10, SPAN = 4 << 20 };
    size_t k = 1;
    *end = w->end;
    for (; k < n && w[k].member == w->member && w[k].off <= *end + GAP; k++) {
        uint64_t to = w[k].end > *end ? w[k].end : *end;
        if (to - w->off > SPAN)
            break;
        *end = to;
    }
    return k;
}

struct many {
    struct raw *r;
    struct member m;
    struct arena member, bytes;
    struct arena *out;
    struct str *raw;
};

static int read_span(struct many *k, const struct wanted *w, size_t n,
                     uint64_t end, struct err *err)
{
    struct reader_got got;
    struct err own = { 0 };
    int rc = 0;
    if (k->m.id != w->member) {
        arena_reset(&k->member);
        k->m.id = 0;
        rc = case_member(k->r->files.c, w->member, &k->member, &k->m, err);
        if (rc)
            return rc;
    }
    arena_reset(&k->bytes);
    rc = raw_read(k->r, &k->m, w->off, end - w->off, &k->bytes, &got, &own);
    if (rc == ERR_EVIDENCE)
        return 0;
    if (rc) {
        *err = own;
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        struct str at = str_sub(got.bytes, (size_t)(w[i].off - w->off),
                                (size_t)(w[i].end - w[i].off));
        struct str *raw = &k->raw[w[i].i];
        *raw = arena_copy(k->out, at);
        if (!raw->p)
            return err_set(err, ERR_INTERNAL, "out of memory");
    }
    return 0;
}

static int read_records(void *ctx, const struct event *const *e, size_t n,
                        struct arena *a, struct str *raw, struct err *err)
{
    struct many k = { .r = ctx, .out = a, .raw = raw };
    struct wanted *w = malloc(n * sizeof(*w) + 1);
    int rc = w ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < n && rc == 0; i++) {
        uint64_t len =
            e[i]->len < READER_READ_MAX ? e[i]->len : READER_READ_MAX;
        w[i] = (struct wanted){ e[i]->member, e[i]->off, e[i]->off + len, i };
        raw[i] = STR_NONE;
    }
    if (rc == 0 && n)
        qsort(w, n, sizeof(*w), by_place);
    for (size_t i = 0; i < n && rc == 0;) {
        uint64_t end;
        size_t near = near_each_other(w + i, n - i, &end);
        rc = read_span(&k, w + i, near, end, err);
        i += near;
    }
    free(w);
    arena_free(&k.member);
    arena_free(&k.bytes);
    return rc;
}

struct finding {
    struct casedb *c;
    int (*hit)(void *ctx, int64_t event);
    void *ctx;
    int64_t last; /* told already */
    struct err *err;
};

static int find_event(void *ctx, const struct raw_hit *h)
{
    struct finding *f = ctx;
    int64_t event = 0;
    int rc = h->records ? cite_event_at(f->c, h->records, h->off, 0, false,
                                        &event, f->err)
                        : 0;
    if (rc || event == 0 || event == f->last)
        return rc;
    f->last = event;
    return f->hit(f->ctx, event);
}

static int search_records(void *ctx, struct str text, bool fold,
                          int (*hit)(void *hit_ctx, int64_t event),
                          void *hit_ctx, uint64_t *unread, struct err *err)
{
    struct raw *r = ctx;
    struct finding f = { r->files.c, hit, hit_ctx, 0, err };
    struct raw_search s = {
        .needles = { &text, 1, fold ? SCAN_FOLD : 0, 0 },
        .hit = find_event,
        .ctx = &f,
        .quiet = true,
    };
    int rc = raw_search(r, &s, err);
    *unread = s.unread;
    return rc;
}

void raw_for_analyzer(struct raw *r, struct raw_reader *out)
{
    *out = (struct raw_reader){ .ctx = r,
                                .read = read_record,
                                .read_many = read_records,
                                .search = search_records };
}

/* ---- showing ------------------------------------------------------------- */

void raw_hex(struct cli *cli, struct str bytes, uint64_t off)
{
    enum { ROW = 16 };
    for (size_t at = 0; at < bytes.n; at += ROW) {
        struct str row = str_sub(bytes, at, ROW);
        out_printf(cli, "%08llx ", (unsigned long long)(off + at));
        for (size_t i = 0; i < ROW; i++)
            if (i < row.n)
                out_printf(cli, "%s%02x", i == ROW / 2 ? "  " : " ",
                           (unsigned char)row.p[i]);
            else
                out_putz(cli, i == ROW / 2 ? "    " : "   ");
        char shown[ROW + 1];
        for (size_t i = 0; i < row.n; i++)
            shown[i] = row.p[i] >= 0x20 && row.p[i] < 0x7f ? row.p[i] : '.';
        shown[row.n] = 0;
        out_printf(cli, "  |%s|\n", shown);
    }
}

void raw_gaps(struct cli *cli, const struct reader_got *got)
{
    for (size_t i = 0; i < got->n_gaps; i++)
        out_printf(cli, "gap           %llu bytes at %llu %s; shown as zeros\n",
                   (unsigned long long)got->gaps[i].len,
                   (unsigned long long)got->gaps[i].off,
                   got->gaps[i].kind == GAP_ABSENT ? "were never recorded"
                                                   : "could not be read");
    if (got->more_gaps)
        out_putz(cli, "gap           and more\n");
}
