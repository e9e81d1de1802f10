/*
 * disk diff: what differs between two sets of names: the two views of a
 * volume (what its journal had not yet put in its place), or two exhibits
 * (snapshots of one volume, or a baseline). Both are sorted by volume and
 * path and then gone through together.
 */
#include "cli/disk_content.h"

#include "base/text.h"
#include "cli/stop.h"
#include "importers/record.h"

#include <stdlib.h>

enum { BLOCK = 4096, PIECE = 4 << 20, RANGES_MAX = 64 };

/* ---- the two sets -------------------------------------------------------- */

struct set {
    struct file_row *rows; /* texts in the arena */
    size_t n, cap;
    struct arena a;
    unsigned views; /* bits: these rows only */
    struct err *err;
};

static void set_free(struct set *s)
{
    free(s->rows);
    arena_free(&s->a);
}

/* Names that the file system has; remnants are what `deleted` is for. */
static int add_row(void *ctx, const struct file_row *f)
{
    struct set *s = ctx;
    if (file_is_deleted(f))
        return 0;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 1024;
        struct file_row *p = realloc(s->rows, cap * sizeof(*p));
        if (!p)
            return err_set(s->err, ERR_INTERNAL, "out of memory");
        s->rows = p;
        s->cap = cap;
    }
    struct file_row *r = &s->rows[s->n++];
    *r = *f;
    struct str *texts[] = { &r->volume, &r->path, &r->link_target, &r->sha256 };
    for (size_t i = 0; i < 4; i++) {
        *texts[i] = arena_copy(&s->a, *texts[i]);
        if (!texts[i]->p)
            return err_set(s->err, ERR_INTERNAL, "out of memory");
    }
    r->sha1 = r->md5 = r->content_type = STR_NONE;
    return 0;
}

static int by_name(const struct file_row *a, const struct file_row *b)
{
    int c = str_cmp(a->volume, b->volume);
    return c ? c : str_cmp(a->path, b->path);
}

static int by_name_and_row(const void *a, const void *b)
{
    const struct file_row *x = a, *y = b;
    int c = by_name(x, y);
    return c ? c : x->id < y->id ? -1 : x->id > y->id;
}

static int load(struct disk *d, int64_t exhibit, struct set *s, struct err *err)
{
    const struct file_query q = { .exhibit = exhibit,
                                  .volume = d->volume,
                                  .path = d->path,
                                  .scope = FILES_BELOW,
                                  .views = s->views };
    s->err = err;
    int rc = case_files(d->c, &q, add_row, s, err);
    if (rc == 0 && s->n)
        qsort(s->rows, s->n, sizeof(*s->rows), by_name_and_row);
    return rc;
}

/* Two images that hold one volume each are compared whatever it is called. */
static bool one_volume(const struct set *s)
{
    for (size_t i = 1; i < s->n; i++)
        if (!str_eq(s->rows[i].volume, s->rows[0].volume))
            return false;
    return s->n > 0;
}

static void same_name(struct set *a, struct set *b)
{
    if (!one_volume(a) || !one_volume(b))
        return;
    for (size_t i = 0; i < a->n; i++)
        a->rows[i].volume = b->rows[0].volume;
}

/* ---- what changed -------------------------------------------------------- */

enum field {
    F_TYPE,
    F_CONTENT,
    F_SIZE,
    F_MODE,
    F_OWNER,
    F_LINK,
    F_LINKS,
    F_INODE,
    F_DEVICE,
    F_MODIFIED,
    F_CHANGED,
    F_BORN,
    F_ACCESSED,
    F_XATTRS,
    FIELDS
};
static const char *const field_names[FIELDS] = {
    "type",        "content", "size",     "mode",      "owner",
    "link target", "links",   "inode",    "device",    "modified",
    "changed",     "born",    "accessed", "attributes"
};

static bool time_differs(const struct file_row *a, const struct file_row *b,
                         uint32_t none, struct instant x, struct instant y)
{
    if ((a->flags & none) != (b->flags & none))
        return true;
    return !(a->flags & none) && (x.s != y.s || x.ns != y.ns);
}

static int put_xattr(void *ctx, struct str name, struct str value)
{
    struct buf *b = ctx;
    buf_put_u64(b, name.n);
    buf_putc(b, ' ');
    buf_put(b, name);
    buf_put_u64(b, value.n);
    buf_putc(b, ' ');
    buf_put(b, value);
    return 0;
}

static int xattrs_differ(struct casedb *c, int64_t a, int64_t b, bool *differ,
                         struct err *err)
{
    struct buf x = { 0 }, y = { 0 };
    int rc = case_xattrs(c, a, put_xattr, &x, err);
    if (rc == 0)
        rc = case_xattrs(c, b, put_xattr, &y, err);
    *differ = !str_eq(buf_str(&x), buf_str(&y));
    buf_free(&x);
    buf_free(&y);
    return rc;
}

/* Bits 1 << enum field. Content differs for sure by digest; without one a
 * new size says so. */
static int compare(struct casedb *c, const struct file_row *a,
                   const struct file_row *b, unsigned *fields, struct err *err)
{
    bool digests = a->sha256.n && b->sha256.n, xattrs = false;
    const bool differ[FIELDS] = {
        [F_TYPE] = a->type != b->type,
        [F_CONTENT] = digests && !str_eq(a->sha256, b->sha256),
        [F_SIZE] = a->size != b->size,
        [F_MODE] = (a->mode & 07777) != (b->mode & 07777),
        [F_OWNER] = a->uid != b->uid || a->gid != b->gid,
        [F_LINK] = !str_eq(a->link_target, b->link_target),
        [F_LINKS] = a->links != b->links,
        [F_INODE] = a->inode != b->inode,
        [F_DEVICE] = a->device != b->device,
        [F_MODIFIED] = time_differs(a, b, FILE_NO_TIME_M, a->m, b->m),
        [F_CHANGED] = time_differs(a, b, FILE_NO_TIME_C, a->c, b->c),
        [F_BORN] = time_differs(a, b, FILE_NO_TIME_B, a->b, b->b),
        [F_ACCESSED] = time_differs(a, b, FILE_NO_TIME_A, a->a, b->a),
    };
    int rc = xattrs_differ(c, a->id, b->id, &xattrs, err);
    *fields = xattrs ? 1u << F_XATTRS : 0;
    for (unsigned i = 0; i < FIELDS; i++)
        *fields |= (unsigned)differ[i] << i;
    return rc;
}

/* ---- blocks behind a changed content ------------------------------------- */

struct side {
    struct raw raw;
    struct disk_file file;
    struct arena a;
};

struct blocks {
    struct buf *out;
    uint64_t first, n; /* the open range, in blocks; n 0: none */
    size_t ranges;
};

static void end_range(struct blocks *k)
{
    if (k->n == 0)
        return;
    if (k->ranges < RANGES_MAX)
        buf_printf(k->out, k->n > 1 ? "%s%llu-%llu" : "%s%llu",
                   k->ranges ? "," : "", (unsigned long long)k->first,
                   (unsigned long long)(k->first + k->n - 1));
    else if (k->ranges == RANGES_MAX)
        buf_putz(k->out, ",..");
    k->ranges++;
    k->n = 0;
}

static void compare_piece(struct blocks *k, struct str a, struct str b,
                          uint64_t off)
{
    size_t longest = a.n > b.n ? a.n : b.n;
    for (size_t at = 0; at < longest; at += BLOCK) {
        bool same = str_eq(str_sub(a, at, BLOCK), str_sub(b, at, BLOCK));
        uint64_t block = (off + at) / BLOCK;
        if (same) {
            end_range(k);
        } else {
            if (k->n == 0)
                k->first = block;
            k->n++;
        }
    }
}

static int read_piece(struct side *s, uint64_t off, struct str *out,
                      struct err *err)
{
    struct reader_got got = { 0 };
    arena_reset(&s->a);
    int rc = raw_read(&s->raw, &s->file.member, off, PIECE, &s->a, &got, err);
    *out = got.bytes;
    return rc;
}

/* Both contents side by side; file blocks of 4 KiB that differ. */
static int changed_blocks(struct disk *d, struct side s[2],
                          const struct file_row *a, const struct file_row *b,
                          struct buf *out, struct err *err)
{
    struct blocks k = { .out = out };
    struct str x, y;
    int rc = disk_file_of(d->c, &d->cli->arena, a, &s[0].file, err);
    if (rc == 0)
        rc = disk_file_of(d->c, &d->cli->arena, b, &s[1].file, err);
    for (uint64_t off = 0; rc == 0; off += PIECE) {
        rc = read_piece(&s[0], off, &x, err);
        if (rc == 0)
            rc = read_piece(&s[1], off, &y, err);
        if (rc == 0)
            compare_piece(&k, x, y, off);
        if (rc == 0 && stop_signal())
            rc = err_set(err, ERR_STOPPED, "disk: interrupted");
        if (rc || (x.n < PIECE && y.n < PIECE))
            break;
    }
    end_range(&k);
    return rc;
}

/* ---- output -------------------------------------------------------------- */

static const struct table_column columns[] = {
    { "change", "CHANGE", false, 0 },
    { "fields", "FIELDS", false, 0 },
    { "size_before", "SIZE BEFORE", true, 0 },
    { "size", "SIZE", true, 0 },
    { "modified_before", "MODIFIED BEFORE", false, 0 },
    { "modified", "MODIFIED", false, 0 },
    { "blocks", "BLOCKS", false, 0 },
    { "volume", "VOLUME", false, 0 },
    { "path", "PATH", false, 0 },
};

struct diff {
    struct disk *d;
    struct table *t;
    struct side side[2];
    bool blocks, opened;
    unsigned counts; /* fields of which one has to differ */
    uint64_t n[3];   /* added, removed, changed */
};

static void put_side(struct diff *k, const struct file_row *f, bool size)
{
    if (!f)
        table_null(k->t);
    else if (size)
        table_u64(k->t, f->size);
    else
        table_time(k->t, k->d->cli, !(f->flags & FILE_NO_TIME_M), f->m, 0);
}

static int put_change(struct diff *k, const struct file_row *a,
                      const struct file_row *b, unsigned fields,
                      struct err *err)
{
    static const char *const words[] = { "added", "removed", "changed" };
    unsigned what = !a ? 0 : !b ? 1 : 2;
    struct buf names = { 0 }, blocks = { 0 };
    const struct file_row *f = b ? b : a;
    int rc = 0;
    k->n[what]++;
    for (unsigned i = 0; i < FIELDS; i++)
        if (fields >> i & 1)
            buf_printf(&names, "%s%s", names.n ? ", " : "", field_names[i]);
    bool content = fields & (1u << F_CONTENT | 1u << F_SIZE | 1u << F_MODIFIED);
    if (k->blocks && a && b && content && a->type == FILE_REGULAR &&
        b->type == FILE_REGULAR)
        rc = changed_blocks(k->d, k->side, a, b, &blocks, err);
    if (rc == ERR_EVIDENCE) { /* not at hand: told once, the list goes on */
        message("%s", err->what);
        k->d->cli->issues = true;
        k->blocks = false;
        *err = (struct err){ 0 };
        rc = 0;
    }
    table_str(k->t, str_from(words[what]));
    table_str(k->t, buf_str(&names));
    put_side(k, a, true);
    put_side(k, b, true);
    put_side(k, a, false);
    put_side(k, b, false);
    table_str(k->t, buf_str(&blocks));
    table_str(k->t, f->volume);
    table_str(k->t, f->path);
    buf_free(&names);
    buf_free(&blocks);
    return rc ? rc : out_closed();
}

/* A view of one file at a path; of several rows of one path (an image that
 * holds a name twice) those pair that stand at the same place. */
static int merge(struct diff *k, const struct set *a, const struct set *b,
                 struct err *err)
{
    size_t i = 0, j = 0;
    int rc = 0;
    while (rc == 0 && (i < a->n || j < b->n)) {
        int c = i == a->n   ? 1
                : j == b->n ? -1
                            : by_name(&a->rows[i], &b->rows[j]);
        unsigned fields = 0;
        if (c < 0) {
            rc = put_change(k, &a->rows[i++], NULL, 0, err);
        } else if (c > 0) {
            rc = put_change(k, NULL, &b->rows[j++], 0, err);
        } else {
            rc = compare(k->d->c, &a->rows[i], &b->rows[j], &fields, err);
            if (rc == 0 && fields & k->counts)
                rc = put_change(k, &a->rows[i], &b->rows[j], fields, err);
            i++;
            j++;
        }
    }
    return rc;
}

static int open_sides(struct diff *k, struct err *err)
{
    int rc = 0;
    k->opened = k->blocks;
    for (size_t i = 0; k->blocks && i < 2 && rc == 0; i++)
        rc = raw_begin(&k->side[i].raw, k->d->c, err);
    return rc;
}

static int run_diff(struct diff *k, struct set s[2], struct err *err)
{
    k->t =
        out_table(k->d->cli, columns, sizeof(columns) / sizeof(*columns), err);
    if (!k->t)
        return err->code;
    int rc = merge(k, &s[0], &s[1], err);
    struct err close_err = { 0 };
    int closed = table_close(k->t, rc ? &close_err : err);
    return rc < 0 ? rc : closed;
}

int disk_diff(struct disk *d, struct err *err)
{
    struct diff k = { .d = d, .blocks = arg_has(d->cli, "--blocks") };
    const unsigned times = 1u << F_INODE | 1u << F_MODIFIED | 1u << F_CHANGED |
                           1u << F_BORN | 1u << F_ACCESSED;
    k.counts = arg_has(d->cli, "--ignore-times") ? ~times : ~0u;
    struct set s[2] = { 0 };
    s[0].views = d->other ? d->views : 1u << FILE_VIEW_DISK;
    s[1].views = d->other ? d->views : 1u << FILE_VIEW_JOURNAL;
    int rc = load(d, d->exhibit, &s[0], err);
    if (rc == 0)
        rc = load(d, d->other ? d->other : d->exhibit, &s[1], err);
    if (rc == 0 && d->other)
        same_name(&s[0], &s[1]);
    if (rc == 0)
        rc = open_sides(&k, err);
    if (rc == 0)
        rc = run_diff(&k, s, err);
    for (size_t i = 0; i < 2; i++) {
        if (k.opened)
            raw_close(&k.side[i].raw);
        arena_free(&k.side[i].a);
        set_free(&s[i]);
    }
    if (rc == 0)
        message("%llu added, %llu removed, %llu changed",
                (unsigned long long)k.n[0], (unsigned long long)k.n[1],
                (unsigned long long)k.n[2]);
    return rc;
}
