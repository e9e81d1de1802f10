/*
 * XFS: where the bytes of a fork lie (in the inode, in a list of extents, in a
 * B-tree of them), and the content of a file as a source.
 */
#include "evidence/fs_xfs.h"

#include <stdlib.h>

#include "base/varint.h"

enum { WRONG_MAX = 4096 }; /* then a fork is given up */

/* ---- runs --------------------------------------------------------------- */

void xfs_map_free(struct xfs_map *map)
{
    free(map->runs);
    buf_free(&map->local);
    *map = (struct xfs_map){ 0 };
}

static void wrong(struct xfs_map *map, const char *what)
{
    map->n_wrong++;
    if (!map->wrong)
        map->wrong = what;
}

static void run_add(struct xfs_map *map, struct fs_run r)
{
    struct fs_run *last = map->n ? &map->runs[map->n - 1] : NULL;
    uint64_t end = last ? last->logical + last->n : 0;
    if (r.logical < end) {
        wrong(map, "extents overlap or are out of order");
        if (r.logical + r.n <= end)
            return;
        r = (struct fs_run){ end, 0, r.n - (end - r.logical), FS_RUN_BAD };
    }
    if (last && r.kind == FS_RUN_BAD && last->kind == FS_RUN_BAD &&
        r.logical == end) {
        last->n += r.n;
        return;
    }
    if (r.n == 0 || map->n_wrong > WRONG_MAX)
        return;
    if (map->n == map->cap) {
        size_t cap = map->cap ? map->cap * 2 : 16;
        struct fs_run *p = realloc(map->runs, cap * sizeof *p);
        if (!p) {
            map->no_memory = true;
            wrong(map, "not enough memory for its extents");
            return;
        }
        map->runs = p;
        map->cap = cap;
    }
    map->runs[map->n++] = r;
}

struct fork_walk {
    struct xfs *x;
    struct xfs_map *map;
    uint64_t last; /* no block lies after it: offsets fit into 63 bits */
};

/* A record of 128 bits: unwritten 1, logical 54, address 52, count 21. */
static void record(struct fork_walk *w, const unsigned char *p)
{
    uint64_t a = u64be(p), b = u64be(p + 8);
    struct fs_run r = {
        .logical = a >> 9 & ((UINT64_C(1) << 54) - 1),
        .n = b & ((1u << 21) - 1),
        .kind = a >> 63 ? FS_RUN_ZERO : FS_RUN_DATA,
    };
    uint64_t address = (a & 0x1ff) << 43 | b >> 21;
    if (r.logical >= w->last || r.n > w->last - r.logical) {
        wrong(w->map, "an extent lies beyond what a file can have");
        return;
    }
    if (!xfs_fsblock(w->x, address, r.n, &r.physical)) {
        wrong(w->map, "extents lie outside of the file system");
        r.kind = FS_RUN_BAD;
    }
    run_add(w->map, r);
}

static void on_leaf(void *ctx, const unsigned char *recs, unsigned n)
{
    struct fork_walk *w = ctx;
    for (unsigned i = 0; i < n && w->map->n_wrong <= WRONG_MAX; i++)
        record(w, recs + 16 * (size_t)i);
}

static void on_lost(void *ctx, uint64_t from, uint64_t end)
{
    struct fork_walk *w = ctx;
    wrong(w->map, "a block of its extent tree is damaged");
    if (end > w->last)
        end = w->last;
    if (from < end)
        run_add(w->map, (struct fs_run){ from, 0, end - from, FS_RUN_BAD });
}

static void on_doubt(void *ctx)
{
    struct fork_walk *w = ctx;
    w->map->doubt = true;
}

static void map_extents(struct fork_walk *w, struct str fork, uint64_t n)
{
    uint64_t max = fork.n / 16;
    if (n > max)
        wrong(w->map, "it states more extents than it has room for");
    on_leaf(w, (const unsigned char *)fork.p, (unsigned)(n < max ? n : max));
}

static void map_btree(struct fork_walk *w, struct str fork, uint64_t owner)
{
    const unsigned char *p = (const unsigned char *)fork.p;
    const struct xfs_tree t = {
        .magic5 = "BMA3",
        .magic4 = "BMAP",
        .wide = true,
        .rec = 16,
        .owner = owner,
        .ctx = w,
        .leaf = on_leaf,
        .lost = on_lost,
        .doubt = on_doubt,
    };
    size_t max = fork.n < 4 ? 0 : (fork.n - 4) / 16;
    if (max == 0 || u16be(p + 2) > max) {
        on_lost(w, 0, UINT64_MAX);
        return;
    }
    if (!xfs_tree_walk(w->x, &t, p + 4, p + 4 + 8 * max, u16be(p + 2), u16be(p),
                       UINT64_MAX)) {
        w->map->no_memory = true;
        on_lost(w, 0, UINT64_MAX);
    }
}

void xfs_map_load(struct xfs *x, const struct xfs_inode *in, bool attr,
                  struct xfs_map *map)
{
    struct fork_walk w = { x, map, (uint64_t)INT64_MAX / x->block };
    struct str fork = xfs_fork(in, attr);
    map->n = map->n_wrong = 0;
    map->wrong = NULL;
    map->doubt = map->no_memory = map->is_local = false;
    buf_clear(&map->local);
    if (!attr && in->flags & XFS_FLAG_REALTIME &&
        (in->mode & 0xf000) == 0x8000) {
        wrong(map, "its content is on the realtime device");
        run_add(map, (struct fs_run){ 0, 0, w.last, FS_RUN_BAD });
        return;
    }
    switch (attr ? in->aformat : in->format) {
    case XFS_LOCAL:
        map->is_local = true;
        buf_put(&map->local, fork);
        map->no_memory = map->local.failed;
        break;
    case XFS_EXTENTS:
        map_extents(&w, fork, attr ? in->aextents : in->extents);
        break;
    case XFS_BTREE:
        map_btree(&w, fork, in->ino);
        break;
    case XFS_DEV:
        break;
    default:
        wrong(map, "its data have a form that is not known");
        run_add(map, (struct fs_run){ 0, 0, w.last, FS_RUN_BAD });
    }
}

bool xfs_map_read(struct xfs *x, const struct xfs_map *map, uint64_t logical,
                  void *buf, size_t n, uint64_t *off)
{
    unsigned char *to = buf;
    for (bool first = true; n > 0; first = false) {
        size_t i = fs_run_after(map->runs, map->n, logical);
        const struct fs_run *r = &map->runs[i];
        if (i == map->n || r->logical > logical || r->kind != FS_RUN_DATA)
            return false;
        uint64_t have = (r->n - (logical - r->logical)) * x->block;
        uint64_t at = (r->physical + (logical - r->logical)) * x->block;
        size_t part = have < n ? (size_t)have : n;
        if (first)
            *off = at;
        if (!xfs_read_meta(x, at, to, part))
            return false;
        to += part;
        n -= part;
        logical += part / x->block;
    }
    return true;
}

bool xfs_map_touches_gap(const struct xfs *x, const struct xfs_map *map)
{
    return fs_runs_touch_gap(x->vol, x->block, map->runs, map->n);
}

uint64_t xfs_map_bytes(const struct xfs *x, const struct xfs_map *map,
                       uint64_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < map->n; i++) {
        const struct fs_run *r = &map->runs[i];
        uint64_t at = r->logical * x->block, len = r->n * x->block;
        if (r->kind == FS_RUN_DATA && at < size)
            sum += len < size - at ? len : size - at;
    }
    return sum;
}

/* ---- links -------------------------------------------------------------- */

enum { LINK_HEADER = 56 };

/* The target's part in one extent; a header stands before each in v5. */
static bool link_part(struct xfs *x, struct xfs_map *map, size_t i, size_t size,
                      struct buf *space, struct buf *out)
{
    const struct fs_run *r = &map->runs[i];
    uint64_t off = r->physical * x->block, len = r->n * x->block;
    size_t head = x->v5 ? LINK_HEADER : 0, want = size - out->n;
    if (r->kind != FS_RUN_DATA || len > XFS_BLOCK_MAX)
        return false;
    buf_clear(space);
    if (!buf_reserve(space, (size_t)len) ||
        !xfs_read_meta(x, off, space->p, (size_t)len))
        return false;
    space->n = (size_t)len;
    const unsigned char *p = (const unsigned char *)space->p;
    if (x->v5) {
        size_t has = u32be(p + 8);
        if (memcmp(p, "XSLM", 4) != 0 || u32be(p + 4) != out->n ||
            has > len - head)
            return false;
        map->doubt |= !xfs_crc_ok(x, off, p, (size_t)len, 12);
        want = has < want ? has : want;
    }
    buf_put(out, str_sub(buf_str(space), head, want));
    return want > 0;
}

bool xfs_link(struct xfs *x, const struct xfs_inode *in, struct xfs_map *map,
              struct buf *out)
{
    struct buf space = { 0 };
    bool ok = in->size > 0 && in->size <= XFS_LINK_MAX && !map->wrong;
    buf_clear(out);
    if (ok && map->is_local) {
        buf_put(out, str_sub(buf_str(&map->local), 0, (size_t)in->size));
        return out->n == in->size;
    }
    for (size_t i = 0; ok && i < map->n && out->n < in->size; i++)
        ok = link_part(x, map, i, (size_t)in->size, &space, out);
    buf_free(&space);
    return ok && out->n == in->size;
}

/* ---- content ------------------------------------------------------------ */

/* A link's content is its target, wherever that is. */
static void content_link(struct xfs *x, const struct xfs_inode *in,
                         struct xfs_map *map)
{
    struct buf target = { 0 };
    if (xfs_link(x, in, map, &target)) {
        buf_free(&map->local);
        map->local = target;
        map->is_local = true;
    } else {
        buf_free(&target);
    }
}

/* A freed inode has lost its content; the log may know where it was. */
static void former(struct xfs *x, struct xfs_inode *in)
{
    struct xfs_inode *old = malloc(sizeof *old);
    bool whole;
    if (old && xfs_history_inode(xfs_history(x), in, old, &whole) && whole)
        *in = *old;
    free(old);
}

static bool content_load(struct xfs *x, uint64_t ino, struct xfs_map *map,
                         uint64_t *size, struct err *err)
{
    struct xfs_inode *in = malloc(sizeof *in);
    bool ok = in && xfs_inode_load(x, ino, in);
    if (ok && in->mode == 0)
        former(x, in);
    if (ok) {
        xfs_map_load(x, in, false, map);
        if ((in->mode & 0xf000) == 0xa000)
            content_link(x, in, map);
        *size = in->size > INT64_MAX ? 0 : in->size;
    }
    if (!in || (ok && map->no_memory)) {
        err_set(err, ERR_INTERNAL, "out of memory");
        ok = false;
    } else if (!ok) {
        err_set(err, ERR_EVIDENCE, "inode %llu cannot be read",
                (unsigned long long)ino);
    }
    free(in);
    return ok;
}

struct source *xfs_open_inode(struct fs *fs, uint64_t ino, struct err *err)
{
    struct xfs *x = fs->state;
    struct xfs_map map = { 0 };
    uint64_t size, budget = x->budget; /* of a walk that may be under way */
    xfs_budget_reset(x);
    bool ok = content_load(x, ino, &map, &size, err);
    x->budget = budget;
    if (!ok) {
        xfs_map_free(&map);
        return NULL;
    }
    struct fs_content c = { x->block, map.runs, map.n, map.is_local,
                            map.local };
    return fs_content_open(x->vol, &c, ino, size, err);
}
