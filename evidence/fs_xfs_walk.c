/*
 * XFS: the walk over all names, then over what no name leads to: files that
 * were deleted while open (unlinked lists of the allocation groups), freed
 * inodes, which keep their times, and inodes in use that the tree lost.
 *
 * A freed inode has mode 0; its content is gone from it, but the times of the
 * last change of content and of birth stay, and the change time is that of
 * the deletion.
 */
#include "evidence/fs_xfs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/varint.h"

enum {
    DELETED_MAX = 1 << 16,
    PLACES_MAX = 1 << 20, /* of free space that are looked at */
    PROGRESS_STEP = 4096,
};

struct deleted {
    uint64_t inode;
    uint8_t type, name_n;
    bool low_only;
    size_t name; /* offset in names */
};

struct walk {
    struct xfs *x;
    const struct fs_visitor *v;
    struct fs_todo todo;
    struct xfs_chunks chunks;
    struct fs_todo told; /* numbers outside of chunks, of remnants of names */
    uint64_t names, n_open;
    int stop;
    struct buf path, link, names_buf;
    struct xfs_map map;
    struct xfs_dir dir_read;
    struct xfs_attrs attrs;
    struct xfs_inode inode, dir, old; /* large: not on the stack */
    bool quiet, whole;    /* of old: what is wrong with it is no issue */
    struct fs_pending in; /* the directory being read */
    struct deleted *deleted;
    size_t n_deleted;
    struct fs_names live; /* of one directory */
};

__attribute__((format(printf, 5, 6))) static void
issue(struct walk *w, int severity, const char *code, uint64_t inode,
      const char *fmt, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!w->stop && !w->quiet)
        w->stop = w->v->issue(w->v->ctx, severity, code, inode, text);
}

/* ---- one file ----------------------------------------------------------- */

static uint8_t type_of(unsigned mode)
{
    static const uint8_t types[16] = {
        [0x1] = FS_FILE_FIFO,   [0x2] = FS_FILE_CHAR,    [0x4] = FS_FILE_DIR,
        [0x6] = FS_FILE_BLOCK,  [0x8] = FS_FILE_REGULAR, [0xa] = FS_FILE_LINK,
        [0xc] = FS_FILE_SOCKET,
    };
    uint8_t type = types[mode >> 12 & 15];
    return type ? type : FS_FILE_OTHER;
}

static void emit(struct walk *w, const struct fs_file *f)
{
    if (w->stop)
        return;
    w->stop = w->v->file(w->v->ctx, f);
    if (++w->names % PROGRESS_STEP == 0 && w->v->progress)
        w->v->progress(w->v->ctx, w->names);
}

static void fill_attrs(struct walk *w, const struct xfs_inode *in,
                       struct fs_file *f)
{
    xfs_attrs_load(w->x, in, &w->attrs);
    f->xattrs = w->attrs.items;
    f->n_xattrs = w->attrs.n;
    if (w->attrs.wrong) {
        f->flags |= FS_FILE_UNRELIABLE;
        issue(w, 2, "xfs-attributes", in->ino, "%s", w->attrs.wrong);
    }
    if (w->attrs.doubt)
        issue(w, 1, "xfs-checksum", in->ino,
              "a block of its extended attributes differs from its checksum");
}

/* Extents, target of a link, and what is wrong with them. */
static void fill_content(struct walk *w, struct xfs_inode *in,
                         struct fs_file *f)
{
    bool realtime = in->flags & XFS_FLAG_REALTIME;
    xfs_map_load(w->x, in, false, &w->map);
    if (xfs_map_touches_gap(w->x, &w->map))
        f->flags |= FS_FILE_PARTIAL;
    if (w->map.wrong) {
        f->flags |= FS_FILE_UNRELIABLE;
        issue(w, 2, realtime ? "xfs-realtime-data" : "xfs-extents", in->ino,
              "%s", w->map.wrong);
    }
    if (f->type == FS_FILE_LINK) {
        if (xfs_link(w->x, in, &w->map, &w->link)) {
            f->link = buf_str(&w->link);
        } else {
            f->flags |= FS_FILE_UNRELIABLE;
            issue(w, 2, "xfs-link", in->ino, "its target cannot be read");
        }
    }
    if (w->map.doubt)
        issue(w, 1, "xfs-checksum", in->ino,
              "a block of it differs from its checksum");
}

static uint32_t device_of(const struct xfs_inode *in)
{
    struct str fork = xfs_fork(in, false);
    if (in->format != XFS_DEV || fork.n < 4)
        return 0;
    uint32_t v = u32be(fork.p);
    return (v >> 18 & 0xfff) << 20 | (v & 0x3ffff);
}

static void fill(struct walk *w, struct xfs_inode *in, struct fs_file *f)
{
    f->inode = in->ino;
    f->type = type_of(in->mode);
    f->mode = in->mode & 07777u;
    f->uid = in->uid;
    f->gid = in->gid;
    f->links = in->links;
    f->size = in->size;
    f->off = in->off;
    f->len = (uint32_t)in->raw_n;
    f->m = in->m;
    f->a = in->a;
    f->c = in->c;
    f->b = in->b;
    f->t_res = 9;
    f->flags |= FS_FILE_NO_D | (in->has_b ? 0 : FS_FILE_NO_B);
    if (f->type == FS_FILE_REGULAR || f->type == FS_FILE_DIR ||
        f->type == FS_FILE_LINK)
        fill_content(w, in, f);
    else if (f->type == FS_FILE_CHAR || f->type == FS_FILE_BLOCK)
        f->device = device_of(in);
    fill_attrs(w, in, f);
    if (in->bad) {
        f->flags |= FS_FILE_UNRELIABLE;
        issue(w, 1, "xfs-inode", in->ino, "%s", in->bad);
    }
    if (f->size > INT64_MAX ||
        (f->size / 16 > w->x->fs->info.size && in->blocks > w->x->blocks))
        issue(w, 1, "xfs-size", in->ino, "states a size far beyond the volume");
}

/* path = parent/name; false when it is too long to be kept. */
static bool join(struct walk *w, struct str name)
{
    buf_clear(&w->path);
    buf_put(&w->path, (struct str){ w->in.path, w->in.n });
    buf_putc(&w->path, '/');
    buf_put(&w->path, name);
    return !w->path.failed && w->path.n <= FS_PATH_MAX;
}

static struct xfs_chunk *chunk_bit(struct walk *w, uint64_t ino, uint64_t *bit)
{
    struct xfs_chunk *k = xfs_chunk_of(&w->chunks, ino);
    *bit = k ? UINT64_C(1) << (ino - k->first) : 0;
    return k;
}

/* True when it was not told before, as far as is known. */
static bool mark(struct walk *w, uint64_t ino)
{
    uint64_t bit;
    struct xfs_chunk *k = chunk_bit(w, ino, &bit);
    bool fresh = !k || !(k->named & bit);
    if (k)
        k->named |= bit;
    else if (!fs_todo_seen(&w->told, ino, &fresh))
        fresh = true;
    return fresh;
}

/* ---- deleted while open ------------------------------------------------- */

/* In use, without a link, on a list of its group: first the lists are read,
 * since remnants of names may lead to the same inodes. */
static void unlinked_list(struct walk *w, uint32_t ag, uint32_t first)
{
    enum { END = -1 };
    uint64_t base = (uint64_t)ag << (w->x->agblk_log + w->x->inop_log);
    uint32_t at = first;
    while (at != (uint32_t)END && !w->stop) {
        uint64_t bit;
        struct xfs_chunk *k = chunk_bit(w, base + at, &bit);
        if (!k || k->open & bit ||
            !xfs_inode_load(w->x, base + at, &w->inode) || w->inode.mode == 0 ||
            w->inode.links != 0) {
            issue(w, 1, "xfs-unlinked", base + at,
                  "a list of files deleted while open is damaged here");
            return;
        }
        k->open |= bit;
        w->n_open++;
        at = w->inode.next_unlinked;
    }
}

static void unlinked_lists(struct walk *w)
{
    struct xfs_agi agi;
    for (uint32_t ag = 0; ag < w->x->ag_count && !w->stop; ag++)
        if (w->x->budget > 0 && xfs_agi_load(w->x, ag, &agi))
            for (size_t i = 0; i < 64; i++)
                unlinked_list(w, ag, agi.unlinked[i]);
    if (w->n_open)
        issue(w, 0, "xfs-open-deleted", 0,
              "%llu files were deleted while still open",
              (unsigned long long)w->n_open);
}

static bool is_open(struct walk *w, uint64_t ino)
{
    uint64_t bit;
    const struct xfs_chunk *k = chunk_bit(w, ino, &bit);
    return k && k->open & bit;
}

/* ---- a name in use ------------------------------------------------------ */

static void enter(struct walk *w, const struct xfs_entry *e)
{
    bool fresh;
    struct str parent = { w->in.path, w->in.n };
    if (!fs_todo_push(&w->todo, e->inode, parent, e->name, &fresh))
        issue(w, 2, "no-memory", e->inode, "not enough memory: not entered");
    else if (!fresh)
        issue(w, 1, "xfs-cycle", e->inode,
              "a directory has a second name; it is listed once");
}

static void live_name(struct walk *w, const struct xfs_entry *e)
{
    uint64_t off;
    struct fs_file f = { .inode = e->inode,
                         .parent = w->in.inode,
                         .type = e->type ? e->type : FS_FILE_OTHER };
    if (!join(w, e->name)) {
        issue(w, 1, "path-length", e->inode,
              "the path is longer than %d bytes and is left out", FS_PATH_MAX);
        return;
    }
    f.path = buf_str(&w->path);
    if (!xfs_inode_load(w->x, e->inode, &w->inode)) {
        f.flags = FS_FILE_NO_TIMES | FS_FILE_UNRELIABLE;
        issue(w, 2, "xfs-lost-inode", e->inode,
              "a name leads to an inode that %s",
              xfs_inode_place(w->x, e->inode, &off) ? "cannot be read"
                                                    : "does not exist");
        emit(w, &f);
        return;
    }
    mark(w, e->inode);
    fill(w, &w->inode, &f);
    if (w->inode.mode == 0 || w->inode.links == 0) {
        f.flags |= FS_FILE_UNRELIABLE;
        issue(w, 1, "xfs-unused-inode", e->inode,
              "a name in use leads to an inode that is not");
    } else if (e->type && e->type != f.type) {
        f.flags |= FS_FILE_UNRELIABLE;
        issue(w, 1, "xfs-type", e->inode,
              "a name says another type than its inode");
    } else if (memchr(e->name.p, '/', e->name.n) ||
               memchr(e->name.p, 0, e->name.n)) {
        issue(w, 1, "xfs-name", e->inode, "a name holds a slash or NUL");
    }
    emit(w, &f);
    if (f.type == FS_FILE_DIR && !w->stop)
        enter(w, e);
}

/* ---- remnants of names -------------------------------------------------- */

/* By the lower half of the number: a remnant has no more. */
static uint64_t name_hash(struct str name, uint64_t inode)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (inode & UINT32_MAX);
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void deleted_add(struct walk *w, const struct xfs_entry *e)
{
    if (w->n_deleted == DELETED_MAX)
        return;
    if (!w->deleted)
        w->deleted = malloc(DELETED_MAX * sizeof *w->deleted);
    if (!w->deleted)
        return;
    w->deleted[w->n_deleted++] =
        (struct deleted){ e->inode, e->type, (uint8_t)e->name.n, e->low_only,
                          w->names_buf.n };
    buf_put(&w->names_buf, e->name);
}

/* A freed inode: mode 0, its times those of the file it was. */
static void fill_freed(const struct xfs_inode *in, struct fs_file *f)
{
    f->inode = in->ino;
    f->off = in->off;
    f->len = (uint32_t)in->raw_n;
    f->m = in->m;
    f->a = in->a;
    f->c = f->d = in->c;
    f->b = in->b;
    f->t_res = 9;
    f->flags |= in->has_b ? 0 : FS_FILE_NO_B;
    if (in->bad)
        f->flags |= FS_FILE_UNRELIABLE;
}

/* Does the log know what the freed inode was? Into w->old. */
static bool has_former(struct walk *w)
{
    return w->inode.mode == 0 &&
           xfs_history_inode(xfs_history(w->x), &w->inode, &w->old, &w->whole);
}

/* The file that w->old was, deleted since. */
static void fill_former(struct walk *w, struct fs_file *f)
{
    w->quiet = true;
    fill(w, &w->old, f);
    w->quiet = false;
    uint64_t bytes = xfs_map_bytes(w->x, &w->map, f->size);
    f->d = w->inode.c;
    f->flags = (f->flags | FS_FILE_DELETED) & ~(uint32_t)FS_FILE_NO_D;
    f->found = FS_FOUND_JOURNAL;
    f->free_bytes = xfs_free_bytes(w->x, &w->map, f->size);
    f->confidence = FS_POSSIBLE;
    if (!w->whole)
        f->flags |= FS_FILE_PARTIAL;
    else if (!w->map.wrong && f->free_bytes >= bytes)
        f->confidence = FS_PROBABLE;
}

/* Did the inode get its present life after the directory last changed? Then
 * the name, which was freed by then, was that of an earlier one. */
static bool later_life(const struct walk *w)
{
    const struct instant *b = &w->inode.b, *m = &w->dir.m;
    return w->inode.has_b && (b->s > m->s || (b->s == m->s && b->ns > m->ns));
}

static void deleted_name(struct walk *w, const struct deleted *d,
                         struct str name)
{
    struct fs_file f = {
        .parent = w->in.inode,
        .inode = d->inode,
        .type = d->type ? d->type : FS_FILE_OTHER,
        .flags = FS_FILE_DELETED,
        .found = FS_FOUND_NAME,
        .confidence = FS_POSSIBLE,
    };
    if (!join(w, name))
        return;
    /* The upper half is most often that of the directory: new inodes are put
     * into its group. */
    if (d->low_only)
        f.inode |= w->in.inode & ~(uint64_t)UINT32_MAX;
    if (!xfs_inode_load(w->x, f.inode, &w->inode) || w->inode.unused) {
        f.flags |= FS_FILE_NO_TIMES;
    } else if (later_life(w)) {
        f.flags |= FS_FILE_REALLOCATED | FS_FILE_NO_TIMES;
    } else if (has_former(w) && type_of(w->old.mode) == f.type) {
        mark(w, f.inode);
        fill_former(w, &f);
    } else if (w->inode.mode == 0) {
        /* Freed, as the name was: it may have been used in between. */
        f.confidence = mark(w, f.inode) ? FS_PROBABLE : FS_POSSIBLE;
        fill_freed(&w->inode, &f);
    } else if (w->inode.links == 0 && type_of(w->inode.mode) == f.type) {
        f.confidence = mark(w, f.inode) ? FS_PROBABLE : FS_POSSIBLE;
        fill(w, &w->inode, &f);
        f.free_bytes = xfs_map_bytes(w->x, &w->map, f.size);
        f.found = is_open(w, f.inode) ? FS_FOUND_OPEN : FS_FOUND_NAME;
    } else {
        f.flags |= FS_FILE_REALLOCATED | FS_FILE_NO_TIMES;
    }
    f.path = buf_str(&w->path);
    emit(w, &f);
}

static void deleted_names(struct walk *w)
{
    struct str all = buf_str(&w->names_buf);
    for (size_t i = 0; i < w->n_deleted && !w->stop; i++) {
        const struct deleted *d = &w->deleted[i];
        struct str name = str_sub(all, d->name, d->name_n);
        uint64_t h = name_hash(name, d->inode);
        /* The live entry may have moved and left its old copy. */
        if (fs_names_has(&w->live, h))
            continue;
        deleted_name(w, d, name);
    }
    if (w->n_deleted == DELETED_MAX)
        issue(w, 1, "xfs-deleted", w->in.inode,
              "more than %d deleted names in one directory", DELETED_MAX);
}

/* ---- directories -------------------------------------------------------- */

static bool visit_entry(void *ctx, const struct xfs_entry *e)
{
    struct walk *w = ctx;
    if (e->freed) {
        deleted_add(w, e);
    } else {
        fs_names_add(&w->live, name_hash(e->name, e->inode));
        live_name(w, e);
    }
    return w->stop == 0 && w->names < FS_NAMES_MAX;
}

static void read_dir(struct walk *w)
{
    struct xfs_dir *d = &w->dir_read;
    fs_names_clear(&w->live);
    w->n_deleted = 0;
    buf_clear(&w->names_buf);
    if (!xfs_inode_load(w->x, w->in.inode, &w->dir)) {
        issue(w, 2, "xfs-directory", w->in.inode, "it cannot be read");
        return;
    }
    xfs_dir_read(d, &w->dir);
    if (d->wrong)
        issue(w, 2, "xfs-directory", w->in.inode, "%s: names may be missing",
              d->wrong);
    if (d->doubt)
        issue(w, 1, "xfs-checksum", w->in.inode,
              "a block of the directory differs from its checksum");
    deleted_names(w);
}

/* Everything below the directories that wait. */
static void read_dirs(struct walk *w)
{
    while (!w->stop && w->names < FS_NAMES_MAX &&
           fs_todo_pop(&w->todo, &w->in)) {
        read_dir(w);
        free(w->in.path);
    }
}

/* ---- inodes without a name ---------------------------------------------- */

enum { UNNAMED_MAX = 64 };

static struct str unnamed_path(char out[UNNAMED_MAX], uint64_t ino)
{
    int n = snprintf(out, UNNAMED_MAX, "/$OrphanFiles/OrphanFile-%llu",
                     (unsigned long long)ino);
    return (struct str){ out, (size_t)n };
}

static void unnamed(struct walk *w, struct fs_file f)
{
    char name[UNNAMED_MAX];
    f.path = unnamed_path(name, w->inode.ino);
    if (has_former(w)) {
        fill_former(w, &f);
    } else if (w->inode.mode == 0) {
        f.type = FS_FILE_OTHER;
        fill_freed(&w->inode, &f);
    } else {
        fill(w, &w->inode, &f);
        if (f.flags & FS_FILE_DELETED)
            f.free_bytes = xfs_map_bytes(w->x, &w->map, f.size);
    }
    emit(w, &f);
}

static bool internal(const struct walk *w, const struct xfs_inode *in)
{
    for (size_t i = 0; i < sizeof w->x->internal / sizeof *w->x->internal; i++)
        if (w->x->internal[i] == in->ino)
            return true;
    return w->x->incompat & XFS_INCOMPAT_METADIR &&
           in->flags2 & XFS_FLAG2_METADATA;
}

struct lost {
    uint64_t names, inodes;
};

static bool is_lost_dir(struct walk *w, uint64_t ino)
{
    uint64_t bit;
    const struct xfs_chunk *k = chunk_bit(w, ino, &bit);
    return k && !((k->free | k->holes | k->named) & bit) &&
           xfs_inode_load(w->x, ino, &w->inode) && w->inode.links > 0 &&
           type_of(w->inode.mode) == FS_FILE_DIR && !internal(w, &w->inode);
}

static bool no_entry(void *ctx, const struct xfs_entry *e)
{
    (void)ctx;
    (void)e;
    return true;
}

/* The highest directory above a lost one that is lost as well. */
static uint64_t lost_top(struct walk *w, uint64_t ino)
{
    enum { CLIMB_MAX = 256 };
    struct xfs_dir d = { .x = w->x, .entry = no_entry };
    for (int i = 0; i < CLIMB_MAX; i++) {
        xfs_dir_read(&d, &w->inode);
        if (d.parent == ino || !is_lost_dir(w, d.parent))
            break;
        ino = d.parent;
    }
    xfs_dir_free(&d);
    return ino;
}

/* A directory that lost its name still has those in it. */
static void lost_dir(struct walk *w, uint64_t ino, struct lost *lost)
{
    char name[UNNAMED_MAX];
    bool fresh;
    ino = lost_top(w, ino);
    struct str path = unnamed_path(name, ino);
    if (!is_lost_dir(w, ino))
        return;
    lost->names++;
    mark(w, ino);
    unnamed(w, (struct fs_file){ .flags = FS_FILE_UNRELIABLE });
    if (!fs_todo_push(&w->todo, ino, path, STR_NONE, &fresh))
        issue(w, 2, "no-memory", ino, "not enough memory: not entered");
    read_dirs(w);
}

static void lost_dirs(struct walk *w, struct lost *lost)
{
    for (size_t c = 0; c < w->chunks.n && !w->stop; c++) {
        const struct xfs_chunk *k = &w->chunks.items[c];
        for (unsigned i = 0; i < XFS_CHUNK && !w->stop; i++)
            if (is_lost_dir(w, k->first + i))
                lost_dir(w, k->first + i, lost);
    }
}

static void unnamed_inode(struct walk *w, const struct xfs_chunk *k, unsigned i,
                          struct lost *lost)
{
    bool freed = k->free >> i & 1;
    if (!xfs_inode_load(w->x, k->first + i, &w->inode)) {
        lost->inodes++;
    } else if (w->inode.mode == 0) {
        if (!w->inode.unused)
            unnamed(w, (struct fs_file){ .flags = FS_FILE_DELETED,
                                         .found = FS_FOUND_INODE });
    } else if (freed || internal(w, &w->inode)) {
        return; /* what was not written when it was freed, and our own */
    } else if (w->inode.links == 0) {
        unnamed(w, (struct fs_file){ .flags = FS_FILE_DELETED,
                                     .found = FS_FOUND_OPEN,
                                     .confidence = k->open >> i & 1
                                                       ? FS_SURE
                                                       : FS_PROBABLE });
    } else {
        lost->names++;
        unnamed(w, (struct fs_file){ .flags = FS_FILE_UNRELIABLE });
    }
}

static void unnamed_inodes(struct walk *w)
{
    struct lost lost = { 0 };
    lost_dirs(w, &lost);
    for (size_t c = 0; c < w->chunks.n && !w->stop; c++) {
        const struct xfs_chunk *k = &w->chunks.items[c];
        uint64_t rest = ~(k->named | k->holes);
        for (; rest && !w->stop; rest &= rest - 1)
            unnamed_inode(w, k, (unsigned)__builtin_ctzll(rest), &lost);
    }
    if (lost.names)
        issue(w, 1, "xfs-no-name", 0,
              "%llu inodes in use have no name; listed below $OrphanFiles",
              (unsigned long long)lost.names);
    if (lost.inodes)
        issue(w, 2, "xfs-lost-inodes", 0,
              "%llu inodes that no name leads to cannot be read",
              (unsigned long long)lost.inodes);
}

/* ---- inodes in free space ------------------------------------------------ */

/* A freed chunk's inode, as it was when it was last written: freed already, or
 * still with its content. */
static bool found_free(void *ctx)
{
    struct walk *w = ctx;
    char name[UNNAMED_MAX];
    struct fs_file f = { .type = FS_FILE_OTHER,
                         .flags = FS_FILE_DELETED,
                         .found = FS_FOUND_INODE,
                         .confidence = FS_POSSIBLE };
    if (w->inode.unused || !mark(w, w->inode.ino))
        return !w->stop;
    if (has_former(w)) {
        fill_former(w, &f);
    } else if (w->inode.mode == 0) {
        fill_freed(&w->inode, &f);
    } else {
        w->quiet = true;
        fill(w, &w->inode, &f);
        w->quiet = false;
        f.free_bytes = xfs_free_bytes(w->x, &w->map, f.size);
    }
    f.confidence = FS_POSSIBLE;
    f.path = unnamed_path(name, w->inode.ino);
    emit(w, &f);
    return !w->stop && w->names < FS_NAMES_MAX;
}

static void free_space(struct walk *w)
{
    struct xfs_search s = {
        .budget = PLACES_MAX, .in = &w->inode, .ctx = w, .found = found_free
    };
    if (w->stop || w->names >= FS_NAMES_MAX)
        return;
    if (!xfs_search_free(w->x, &s))
        issue(w, 2, "no-memory", 0,
              "not enough memory to look for freed inodes");
    else if (s.cut)
        issue(w, 0, "xfs-free-space", 0,
              "freed inodes were looked for in the first %d places of free "
              "space only",
              PLACES_MAX);
}

/* ---- the volume --------------------------------------------------------- */

static void feature_issues(struct walk *w)
{
    const struct xfs *x = w->x;
    uint32_t unknown = x->incompat & ~(uint32_t)XFS_INCOMPAT_KNOWN;
    if (unknown)
        issue(w, 1, "xfs-features", 0,
              "unknown features 0x%x: what follows may be wrong", unknown);
    if (x->incompat & XFS_INCOMPAT_REPAIR)
        issue(w, 1, "xfs-needs-repair", 0,
              "marked as in need of repair: what follows may be wrong");
    if (x->external_log)
        issue(w, 1, "xfs-external-log", 0,
              "the log is on another device and was not looked at: recent "
              "names, times and contents may be missing");
    if (x->rt_blocks)
        issue(w, 1, "xfs-realtime", 0,
              "has a realtime device, on which contents of files may lie");
}

static void volume_issues(struct walk *w)
{
    const struct xfs *x = w->x;
    if (x->fs->info.size > x->vol->size)
        issue(w, 2, "fs-cut", 0,
              "the file system has %llu bytes, the volume only %llu",
              (unsigned long long)x->fs->info.size,
              (unsigned long long)x->vol->size);
    if (x->bad_super)
        issue(w, 1, "xfs-super-checksum", 0,
              "the superblock differs from its checksum");
    feature_issues(w);
    if (x->log_wrong)
        issue(w, 1, "xfs-log", 0, "%s: whether it was unmounted is not known",
              x->log_wrong);
    else if (x->fs->info.dirty)
        issue(w, 1, "journal-not-replayed", 0,
              "the log holds changes that are not in place: recent names, "
              "times and contents may be missing or older");
}

/* The headers of all groups, and where inodes are. */
static void load_chunks(struct walk *w)
{
    uint64_t bad = 0;
    struct xfs_agi agi;
    xfs_chunks_load(w->x, &w->chunks);
    for (uint32_t ag = 0; ag < w->x->ag_count && w->x->v5; ag++)
        bad += w->x->budget > 0 && xfs_agi_load(w->x, ag, &agi) && agi.bad;
    if (w->chunks.lost)
        issue(w, 2, "xfs-inode-tree", 0,
              "%llu parts of the lists of inodes are damaged: deleted files "
              "may be missing",
              (unsigned long long)w->chunks.lost);
    if (w->chunks.doubt + bad)
        issue(w, 1, "xfs-checksum", 0,
              "%llu blocks of the lists of inodes differ from their checksums",
              (unsigned long long)(w->chunks.doubt + bad));
    if (w->chunks.no_memory)
        issue(w, 2, "no-memory", 0,
              "not enough memory for the lists of inodes");
}

static void walk_free(struct walk *w)
{
    if (!w)
        return;
    fs_todo_free(&w->todo);
    fs_todo_free(&w->told);
    xfs_chunks_free(&w->chunks);
    xfs_map_free(&w->map);
    xfs_dir_free(&w->dir_read);
    xfs_attrs_free(&w->attrs);
    buf_free(&w->path);
    buf_free(&w->link);
    buf_free(&w->names_buf);
    free(w->deleted);
    fs_names_free(&w->live);
    free(w);
}

static void walk_root(struct walk *w)
{
    uint64_t root = w->x->root;
    struct fs_file f = { .path = STR("/"), .parent = root };
    bool fresh;
    if (!xfs_inode_load(w->x, root, &w->inode)) {
        issue(w, 2, "xfs-lost-inode", root, "the root directory is lost");
        return;
    }
    mark(w, root);
    fill(w, &w->inode, &f);
    emit(w, &f);
    if (!fs_todo_push(&w->todo, root, STR_NONE, STR_NONE, &fresh))
        issue(w, 2, "no-memory", root, "not enough memory");
}

int xfs_walk(struct fs *fs, const struct fs_visitor *v, struct err *err)
{
    struct xfs *x = fs->state;
    struct walk *w = calloc(1, sizeof *w);
    if (!w)
        return err_set(err, ERR_INTERNAL, "out of memory");
    w->x = x;
    w->v = v;
    w->dir_read = (struct xfs_dir){
        .x = x, .want_freed = true, .ctx = w, .entry = visit_entry
    };
    xfs_budget_reset(x);
    volume_issues(w);
    load_chunks(w);
    unlinked_lists(w);
    walk_root(w);
    read_dirs(w);
    if (w->names >= FS_NAMES_MAX)
        issue(w, 2, "fs-names", 0, "more than %d names: stopped", FS_NAMES_MAX);
    unnamed_inodes(w);
    free_space(w);
    if (x->budget == 0)
        issue(w, 2, "xfs-loops", 0,
              "more blocks of metadata are referred to than there can be: "
              "stopped");
    int stop = w->stop;
    walk_free(w);
    return stop;
}

/* ---- one path ----------------------------------------------------------- */

struct search {
    struct str name;
    uint64_t inode;
};

static bool search_entry(void *ctx, const struct xfs_entry *e)
{
    struct search *s = ctx;
    if (!str_eq(e->name, s->name))
        return true;
    s->inode = e->inode;
    return false;
}

/* "/$OrphanFiles/OrphanFile-N" is inode N, what follows a path from there. */
static bool orphan(struct str *path, uint64_t *inode)
{
    static const struct str prefix = { "/$OrphanFiles/OrphanFile-", 25 };
    if (!str_starts(*path, prefix))
        return false;
    struct str rest = str_sub(*path, prefix.n, path->n);
    size_t end = str_find(rest, STR("/"));
    if (!str_u64(str_sub(rest, 0, end), inode))
        return false;
    *path = str_sub(rest, end, rest.n);
    return true;
}

int xfs_find(struct fs *fs, struct str path, uint64_t *inode, struct err *err)
{
    struct xfs *x = fs->state;
    struct search s;
    struct xfs_dir d = { .x = x, .ctx = &s, .entry = search_entry };
    struct xfs_inode *in = malloc(sizeof *in);
    int code = in ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    uint64_t budget = x->budget; /* of a walk that may be under way */
    xfs_budget_reset(x);
    if (!orphan(&path, inode))
        *inode = x->root;
    while (code == 0 && path.n) {
        if (path.p[0] == '/') {
            path = str_sub(path, 1, path.n);
            continue;
        }
        size_t end = str_find(path, STR("/"));
        s = (struct search){ str_sub(path, 0, end), 0 };
        path = str_sub(path, end, path.n);
        if (xfs_inode_load(x, *inode, in) && type_of(in->mode) == FS_FILE_DIR)
            xfs_dir_read(&d, in);
        if (s.inode == 0)
            code = err_set(err, ERR_EVIDENCE, "no such name in the volume");
        *inode = s.inode;
    }
    x->budget = budget;
    xfs_dir_free(&d);
    free(in);
    return code;
}
