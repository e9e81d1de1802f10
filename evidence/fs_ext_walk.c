/*
 * ext2/3/4: directories, and the walk over all names.
 *
 * Directories are read linearly: index blocks of a hashed one look like blocks
 * with one unused entry. Deleted names are looked for in the space that an
 * entry has beyond its own need, but not where a hash index lies (libtsk
 * reports its bytes as names). After the names come the inodes that none of
 * them reached: freed ones that still have their times, and orphans.
 */
#include "evidence/fs_ext.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "base/varint.h"

enum {
    DELETED_MAX = 1 << 16,
    PROGRESS_STEP = 4096,
    /* blocks of deleted files that are looked up in the bitmaps */
    FREE_BUDGET = 1 << 26,
    /* entries of old directory blocks */
    FORMER_BUDGET = 1 << 26,
};

struct deleted {
    uint64_t inode;
    uint8_t type;
    bool former; /* out of the journal */
    uint8_t name_n;
    size_t name; /* offset in names */
};

struct walk {
    struct ext *x;
    const struct fs_visitor *v;
    struct fs_todo todo;
    unsigned char *named; /* bitmap of inodes that a name leads to */
    uint64_t names;
    int stop;
    struct buf path, link, names_buf;
    struct ext_map map;
    struct ext_xattrs xattrs;
    struct ext_inode inode, dir; /* large: not on the stack */
    struct deleted *deleted;
    size_t n_deleted;
    struct fs_names live; /* of one directory */
    struct ext_open open;
    uint64_t n_open, free_budget;
    /* Out of the journal; former_names: hashes of the names of one directory
     * that are told already. */
    struct ext_history *history;
    struct ext_inode old;
    struct fs_todo former_names;
    struct fs_todo told; /* inodes whose former file is listed */
    struct fs_todo lost; /* deleted directories that are still to be read */
    uint64_t former_budget;
    uint32_t owner, owner_generation; /* the directory that is read */
    bool quiet; /* what is wrong with an old inode is no issue */
};

struct entry {
    uint64_t inode;
    struct str name;
    uint8_t type;
    size_t used, len; /* bytes it needs and has */
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

/* ---- entries ------------------------------------------------------------ */

static size_t need(size_t name_n)
{
    return (8 + name_n + 3) & ~(size_t)3;
}

/* The entry at `at` of a directory block; false when it is not one. */
static bool entry_at(const struct ext *x, struct str block, size_t at,
                     struct entry *e)
{
    if (block.n - at < 8)
        return false;
    const unsigned char *p = (const unsigned char *)block.p + at;
    size_t len = u16le(p + 4), name_n = p[6];
    if (len == 0xffff || (len == 0 && block.n == 65536))
        len = 65536; /* 64 KiB do not fit 16 bits */
    e->inode = u32le(p);
    e->type = x->incompat & EXT_INCOMPAT_FILETYPE ? p[7] : 0;
    e->used = need(name_n);
    e->len = len;
    if (len < 8 || len % 4 || len > block.n - at || e->used > len)
        return false;
    e->name = str_sub(block, at + 8, name_n);
    return true;
}

static bool plausible_name(struct str name)
{
    if (name.n == 0 || !text_utf8_valid(name))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f ||
            name.p[i] == '/')
            return false;
    return !str_eq(name, STR(".")) && !str_eq(name, STR(".."));
}

static bool is_dot(struct str name)
{
    return str_eq(name, STR(".")) || str_eq(name, STR(".."));
}

/* ---- one name ----------------------------------------------------------- */

static uint8_t type_of(unsigned mode)
{
    switch (mode & 0xf000) {
    case 0x1000:
        return FS_FILE_FIFO;
    case 0x2000:
        return FS_FILE_CHAR;
    case 0x4000:
        return FS_FILE_DIR;
    case 0x6000:
        return FS_FILE_BLOCK;
    case 0x8000:
        return FS_FILE_REGULAR;
    case 0xa000:
        return FS_FILE_LINK;
    case 0xc000:
        return FS_FILE_SOCKET;
    default:
        return FS_FILE_OTHER;
    }
}

/* The type byte of a directory entry. */
static uint8_t type_of_entry(unsigned type)
{
    static const uint8_t types[] = { FS_FILE_OTHER,  FS_FILE_REGULAR,
                                     FS_FILE_DIR,    FS_FILE_CHAR,
                                     FS_FILE_BLOCK,  FS_FILE_FIFO,
                                     FS_FILE_SOCKET, FS_FILE_LINK };
    return type < sizeof types ? types[type] : FS_FILE_OTHER;
}

static void emit(struct walk *w, const struct fs_file *f)
{
    if (w->stop)
        return;
    w->stop = w->v->file(w->v->ctx, f);
    if (++w->names % PROGRESS_STEP == 0 && w->v->progress)
        w->v->progress(w->v->ctx, w->names);
}

static void fill_times(const struct ext_inode *in, struct fs_file *f)
{
    f->m = in->m;
    f->a = in->a;
    f->c = in->c;
    f->b = in->b;
    f->d = in->d;
    f->t_res = in->fine ? 9 : 0;
    if (!in->has_b)
        f->flags |= FS_FILE_NO_B;
    if (in->links != 0 || in->dtime == 0)
        f->flags |= FS_FILE_NO_D;
}

/* Block map, link target and what is wrong with them. */
static void fill_content(struct walk *w, const struct ext_inode *in,
                         struct fs_file *f)
{
    ext_map_load(w->x, in, &w->map);
    if (ext_map_touches_gap(w->x, &w->map))
        f->flags |= FS_FILE_PARTIAL;
    if (w->map.wrong) {
        f->flags |= FS_FILE_UNRELIABLE;
        issue(w, 2, "ext-blocks", in->ino, "%s", w->map.wrong);
    }
    if (f->type == FS_FILE_LINK) {
        buf_clear(&w->link);
        if (ext_link(w->x, in, &w->map, &w->link))
            f->link = buf_str(&w->link);
        else
            f->flags |= FS_FILE_UNRELIABLE;
    }
    if (in->flags & EXT_INODE_ENCRYPTED)
        issue(w, 1, "ext-encrypted", in->ino,
              "name and content are encrypted (fscrypt)");
}

static void fill_xattrs(struct walk *w, const struct ext_inode *in,
                        struct fs_file *f)
{
    ext_xattrs_load(w->x, in, &w->xattrs);
    f->xattrs = w->xattrs.items;
    f->n_xattrs = w->xattrs.n;
    if (!w->xattrs.wrong)
        return;
    issue(w, 1, "ext-attributes", in->ino, "%s", w->xattrs.wrong);
}

/* Old numbers have 8 bits each, new ones 12 and 20. */
static uint32_t device_of(const struct ext_inode *in)
{
    uint32_t old = u32le(in->raw + 0x28), v = u32le(in->raw + 0x2c);
    if (old)
        return (old >> 8 & 0xff) << 20 | (old & 0xff);
    return (v >> 8 & 0xfff) << 20 | (v & 0xff) | (v >> 12 & 0xfff00);
}

static void fill(struct walk *w, const struct ext_inode *in, struct fs_file *f)
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
    fill_times(in, f);
    fill_content(w, in, f);
    fill_xattrs(w, in, f);
    if (f->type == FS_FILE_CHAR || f->type == FS_FILE_BLOCK)
        f->device = device_of(in);
    if (in->bad) {
        f->flags |= FS_FILE_UNRELIABLE;
        issue(w, 1, "ext-inode-checksum", in->ino,
              "the inode differs from its checksum, or a field is impossible");
    }
    if (f->size > INT64_MAX || f->size / 16 > w->x->fs->info.size)
        issue(w, 1, "ext-size", in->ino, "states a size far beyond the volume");
}

/* path = parent/name; false when it is too long to be kept. */
static bool join(struct walk *w, struct str parent, struct str name)
{
    buf_clear(&w->path);
    buf_put(&w->path, parent);
    buf_putc(&w->path, '/');
    buf_put(&w->path, name);
    return !w->path.failed && w->path.n <= FS_PATH_MAX;
}

static bool enter(struct walk *w, struct str parent, const struct entry *e)
{
    bool fresh;
    if (!fs_todo_push(&w->todo, e->inode, parent, e->name, &fresh))
        return false;
    if (!fresh)
        issue(w, 1, "ext-cycle", e->inode,
              "a directory has a second name; it is listed once");
    return true;
}

static void mark(struct walk *w, uint64_t ino)
{
    w->named[ino / 8] |= (unsigned char)(1u << ino % 8);
}

static bool marked(const struct walk *w, uint64_t ino)
{
    return w->named[ino / 8] >> ino % 8 & 1;
}

/* A name in use. */
static void live_name(struct walk *w, struct str parent, uint64_t parent_ino,
                      const struct entry *e)
{
    struct fs_file f = { .inode = e->inode, .parent = parent_ino };
    if (!join(w, parent, e->name)) {
        issue(w, 1, "path-length", e->inode,
              "the path is longer than %d bytes and is left out", FS_PATH_MAX);
        return;
    }
    f.path = buf_str(&w->path);
    f.type = type_of_entry(e->type);
    if (!ext_inode_load(w->x, e->inode, &w->inode)) {
        f.flags = FS_FILE_NO_TIMES | FS_FILE_UNRELIABLE;
        issue(w, 2, "ext-inode", e->inode, "a name leads to an inode that %s",
              e->inode > w->x->inodes ? "does not exist" : "cannot be read");
        emit(w, &f);
        return;
    }
    mark(w, e->inode);
    fill(w, &w->inode, &f);
    if (w->inode.mode == 0 || w->inode.links == 0) {
        f.flags |= FS_FILE_UNRELIABLE;
        issue(w, 1, "ext-unused-inode", e->inode,
              "a name in use leads to an inode that is not");
    } else if (memchr(e->name.p, '/', e->name.n) ||
               memchr(e->name.p, 0, e->name.n)) {
        issue(w, 1, "ext-name", e->inode, "a name holds a slash or NUL");
    }
    emit(w, &f);
    if (f.type == FS_FILE_DIR && !w->stop && !enter(w, parent, e))
        issue(w, 2, "no-memory", e->inode, "not enough memory: not entered");
}

/* ---- deleted names ------------------------------------------------------ */

static uint64_t name_hash(struct str name, uint64_t inode)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ inode;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void deleted_add(struct walk *w, const struct entry *e, bool former)
{
    if (w->n_deleted == DELETED_MAX)
        return;
    if (!w->deleted)
        w->deleted = malloc(DELETED_MAX * sizeof *w->deleted);
    if (!w->deleted)
        return;
    w->deleted[w->n_deleted++] =
        (struct deleted){ e->inode, e->type, former, (uint8_t)e->name.n,
                          w->names_buf.n };
    buf_put(&w->names_buf, e->name);
}

/* Candidates in [at, end) of a block, which no live entry uses. */
static void slack(struct walk *w, struct str block, size_t at, size_t end)
{
    while (at + 12 <= end) {
        struct entry e;
        bool ok = entry_at(w->x, block, at, &e) && at + e.used <= end &&
                  e.inode != 0 && e.inode <= w->x->inodes &&
                  (e.type >= 1 && e.type <= 7) && plausible_name(e.name);
        if (ok)
            deleted_add(w, &e, false);
        at += ok ? e.used : 4;
    }
}

/* A file without links: how it was found is said by the caller. */
static void fill_deleted(struct walk *w, struct fs_file *f)
{
    bool listed = ext_open_has(&w->open, w->inode.ino);
    if (listed)
        w->inode.dtime = 0; /* not a time here */
    /* Without a journal there is no list. */
    bool open =
        listed || (w->inode.dtime == 0 && ext_inode_used(w->x, w->inode.ino));
    w->n_open += open && !marked(w, w->inode.ino);
    mark(w, w->inode.ino);
    fill(w, &w->inode, f);
    f->free_bytes =
        ext_free_bytes(w->x, &w->map, w->inode.size, &w->free_budget);
    if (open) {
        f->found = FS_FOUND_OPEN;
        f->free_bytes = 0; /* its blocks are still its own */
        f->confidence = listed ? FS_SURE : FS_PROBABLE;
        return;
    }
    uint64_t bytes = w->map.mapped * w->x->block;
    if (bytes > w->inode.size)
        bytes = w->inode.size;
    if (bytes)
        f->confidence = f->free_bytes >= bytes ? FS_PROBABLE : FS_POSSIBLE;
}

/* A file as an old copy of its inode has it (w->old), deleted since: d is what
 * the inode says now. */
static void fill_former(struct walk *w, struct fs_file *f, bool same)
{
    uint64_t bytes;
    bool fresh;
    uint32_t dtime = w->inode.dtime;
    struct instant d = w->inode.d;
    if (same)
        mark(w, w->old.ino);
    else
        (void)fs_todo_seen(&w->told, w->old.ino, &fresh);
    w->quiet = true;
    fill(w, &w->old, f);
    w->quiet = false;
    f->flags |= FS_FILE_DELETED;
    if (same && dtime) {
        f->d = d;
        f->flags &= ~(uint32_t)FS_FILE_NO_D;
    }
    f->found = FS_FOUND_JOURNAL;
    f->free_bytes = ext_free_bytes(w->x, &w->map, w->old.size, &w->free_budget);
    bytes = w->map.mapped * w->x->block;
    if (bytes > w->old.size)
        bytes = w->old.size;
    f->confidence = same && !w->map.wrong && f->free_bytes >= bytes
                        ? FS_PROBABLE
                        : FS_POSSIBLE;
}

/* Was w->inode once more than it is now: the same file before it was deleted,
 * or another file of which nothing is left? Into w->old. */
static bool has_former(struct walk *w, bool same)
{
    if (!w->history || w->inode.mode == 0)
        return false;
    bool freed = w->inode.links == 0 && w->inode.size == 0 &&
                 !ext_open_has(&w->open, w->inode.ino);
    return (freed || !same) &&
           ext_history_inode(w->history, &w->inode, same, &w->old);
}

/* A deleted directory is entered when all others are read. */
static void lost_dir(struct walk *w, struct str parent, struct str name,
                     const struct fs_file *f)
{
    bool fresh;
    if (f->type == FS_FILE_DIR &&
        !fs_todo_push(&w->lost, f->inode, parent, name, &fresh))
        issue(w, 2, "no-memory", f->inode, "not enough memory: not entered");
}

static void deleted_name(struct walk *w, struct str parent, uint64_t parent_ino,
                         const struct deleted *d, struct str name)
{
    struct fs_file f = { .parent = parent_ino, .inode = d->inode };
    if (!join(w, parent, name))
        return;
    f.flags = FS_FILE_DELETED;
    f.type = type_of_entry(d->type);
    f.found = d->former ? FS_FOUND_JOURNAL : FS_FOUND_NAME;
    f.confidence = FS_POSSIBLE;
    if (!ext_inode_load(w->x, d->inode, &w->inode)) {
        f.flags |= FS_FILE_NO_TIMES;
    } else if (has_former(w, true) && type_of(w->old.mode) == f.type) {
        fill_former(w, &f, true);
        lost_dir(w, parent, name, &f);
    } else if (w->inode.links == 0 && w->inode.mode &&
               type_of(w->inode.mode) == f.type) {
        /* number and type agree: its name, if nothing says otherwise */
        f.confidence = FS_PROBABLE;
        fill_deleted(w, &f);
    } else if (d->former && has_former(w, false) &&
               type_of(w->old.mode) == f.type) {
        fill_former(w, &f, false);
        f.flags |= FS_FILE_REALLOCATED;
        lost_dir(w, parent, name, &f);
    } else {
        f.flags |= FS_FILE_REALLOCATED | FS_FILE_NO_TIMES;
    }
    f.path = buf_str(&w->path);
    emit(w, &f);
}

static void deleted_names(struct walk *w, struct str parent,
                          uint64_t parent_ino)
{
    struct str all = buf_str(&w->names_buf);
    for (size_t i = 0; i < w->n_deleted && !w->stop; i++) {
        const struct deleted *d = &w->deleted[i];
        struct str name = str_sub(all, d->name, d->name_n);
        /* The live entry may have moved and left its old copy. */
        if (fs_names_has(&w->live, name_hash(name, d->inode)))
            continue;
        deleted_name(w, parent, parent_ino, d, name);
    }
    if (w->n_deleted == DELETED_MAX)
        issue(w, 1, "ext-deleted", parent_ino,
              "more than %d deleted names in one directory", DELETED_MAX);
}

/* ---- one directory ------------------------------------------------------ */

/* What to do with each entry: the walk and the search for a name share the
 * reading of directories. False ends it. */
typedef bool entry_fn(void *ctx, struct str block, size_t at,
                      const struct entry *e, bool index);

static bool block_entries(struct ext *x, struct str block, bool index,
                          entry_fn *fn, void *ctx, bool *bad)
{
    for (size_t at = 0; at + 8 <= block.n;) {
        struct entry e;
        if (!entry_at(x, block, at, &e)) {
            *bad = true;
            return true;
        }
        if (!fn(ctx, block, at, &e, index))
            return false;
        at += e.len;
    }
    return true;
}

/* Inline directories: the parent's number, then entries, in two parts. */
static bool inline_entries(struct ext *x, const struct ext_map *map,
                           entry_fn *fn, void *ctx, bool *bad)
{
    struct str all = buf_str(&map->inlined);
    return block_entries(x, str_sub(all, 4, 56), false, fn, ctx, bad) &&
           block_entries(x, str_sub(all, 60, all.n), false, fn, ctx, bad);
}

/* Every entry of the directory `in`; *bad: parts could not be read. */
static bool dir_entries(struct ext *x, const struct ext_inode *in,
                        struct ext_map *map, entry_fn *fn, void *ctx, bool *bad)
{
    ext_map_load(x, in, map);
    *bad = map->wrong != NULL;
    if (map->is_inline)
        return inline_entries(x, map, fn, ctx, bad);
    char *block = malloc(x->block);
    bool go = block != NULL;
    uint64_t end = in->size / x->block + (in->size % x->block != 0);
    for (size_t i = 0; go && i < map->n; i++) {
        struct fs_run *r = &map->runs[i];
        if (r->kind == FS_RUN_BAD)
            *bad = true;
        for (uint64_t k = 0;
             go && r->kind == FS_RUN_DATA && k < r->n && r->logical + k < end;
             k++) {
            uint64_t off = (r->physical + k) * x->block;
            bool index = (in->flags & EXT_INODE_INDEX) != 0;
            if (!ext_read(x, off, block, x->block) ||
                source_gap_in(x->vol, off, x->block)) {
                *bad = true;
                continue;
            }
            struct str s = { block, x->block };
            bool first = r->logical + k == 0;
            go = block_entries(x, s, index && first, fn, ctx, bad);
        }
    }
    *bad |= block == NULL;
    free(block);
    return go;
}

/* ---- names out of the journal ------------------------------------------- */

static bool former_entry(void *ctx, struct str block, size_t at,
                         const struct entry *e, bool index)
{
    struct walk *w = ctx;
    bool fresh;
    (void)block;
    (void)at;
    (void)index;
    if (w->former_budget == 0)
        return false;
    w->former_budget--;
    uint64_t h = name_hash(e->name, e->inode);
    if (e->inode == 0 || e->inode > w->x->inodes || e->type < 1 ||
        e->type > 7 || !plausible_name(e->name) || fs_names_has(&w->live, h))
        return true;
    if (fs_todo_seen(&w->former_names, h, &fresh) && fresh)
        deleted_add(w, e, true);
    return true;
}

/* Was the block the directory's then? Its checksum holds the number and the
 * generation of the directory; without one only a first block tells. */
static bool block_of_owner(const struct walk *w, struct str block)
{
    enum { TAIL = 12 };
    const unsigned char *p = (const unsigned char *)block.p;
    const unsigned char *tail = p + block.n - TAIL;
    unsigned char le[8];
    if (!(w->x->ro & EXT_RO_METADATA_CSUM))
        return p[6] != 1 || p[8] != '.' || u32le(p) == w->owner;
    if (u32le(tail) != 0 || u16le(tail + 4) != TAIL || tail[7] != 0xde)
        return false;
    put_u32le(le, w->owner);
    put_u32le(le + 4, w->owner_generation);
    uint32_t crc = crc32c(crc32c(w->x->seed, le, 8), p, block.n - TAIL);
    return crc == u32le(tail + 8);
}

static void former_block(void *ctx, struct str block)
{
    struct walk *w = ctx;
    bool bad;
    if (block_of_owner(w, block))
        block_entries(w->x, block, false, former_entry, w, &bad);
}

/* Names that older copies of the directory's blocks have. */
static void former_names(struct walk *w, const struct ext_inode *dir,
                         const struct ext_map *map)
{
    w->owner = (uint32_t)dir->ino;
    w->owner_generation = dir->generation;
    for (size_t i = 0; w->history && i < map->n; i++) {
        const struct fs_run *r = &map->runs[i];
        for (uint64_t k = 0; r->kind == FS_RUN_DATA && k < r->n; k++)
            ext_history_blocks(w->history, r->physical + k, former_block, w);
    }
    fs_todo_free(&w->former_names);
}

struct visit {
    struct walk *w;
    struct fs_pending dir;
};

static bool visit_entry(void *ctx, struct str block, size_t at,
                        const struct entry *e, bool index)
{
    struct visit *vi = ctx;
    struct walk *w = vi->w;
    struct str parent = { vi->dir.path, vi->dir.n };
    if (e->inode && e->name.n && !is_dot(e->name)) {
        fs_names_add(&w->live, name_hash(e->name, e->inode));
        live_name(w, parent, vi->dir.inode, e);
    }
    /* The root of an index is inside "..", its nodes inside an entry without
     * inode and name; the checksum's tail is one of 12 bytes. */
    if (!index && (e->inode || e->name.n))
        slack(w, block, at + (e->inode ? e->used : 0), at + e->len);
    return w->stop == 0;
}

static void read_dir(struct walk *w, struct fs_pending *dir)
{
    struct ext_map map = { 0 };
    struct visit vi = { w, *dir };
    bool bad = false;
    fs_names_clear(&w->live);
    w->n_deleted = 0;
    buf_clear(&w->names_buf);
    if (!ext_inode_load(w->x, dir->inode, &w->dir)) {
        bad = true;
    } else {
        dir_entries(w->x, &w->dir, &map, visit_entry, &vi, &bad);
        former_names(w, &w->dir, &map);
        deleted_names(w, (struct str){ dir->path, dir->n }, dir->inode);
    }
    if (bad)
        issue(w, 2, "ext-directory", dir->inode,
              "parts of the directory cannot be read; names may be missing");
    ext_map_free(&map);
}

/* ---- inodes without a name ---------------------------------------------- */

/* Directories that were deleted, by what the journal has of them; deleted
 * ones in them follow. */
static void read_lost_dirs(struct walk *w)
{
    struct fs_pending dir;
    struct ext_map map = { 0 };
    while (!w->stop && fs_todo_pop(&w->lost, &dir)) {
        fs_names_clear(&w->live);
        w->n_deleted = 0;
        buf_clear(&w->names_buf);
        if (ext_inode_load(w->x, dir.inode, &w->inode) &&
            (has_former(w, true) || has_former(w, false))) {
            w->dir = w->old;
            ext_map_load(w->x, &w->dir, &map);
            former_names(w, &w->dir, &map);
            deleted_names(w, (struct str){ dir.path, dir.n }, dir.inode);
        }
        free(dir.path);
    }
    ext_map_free(&map);
}

enum what { NOW, FORMER, OTHER_FORMER };

static void unnamed(struct walk *w, uint64_t ino, uint32_t flags,
                    enum what what)
{
    char name[64];
    struct fs_file f = { .flags = flags, .found = FS_FOUND_INODE };
    int n = snprintf(name, sizeof name, "/$OrphanFiles/OrphanFile-%llu",
                     (unsigned long long)ino);
    f.path = (struct str){ name, (size_t)n };
    if (what != NOW)
        fill_former(w, &f, what == FORMER);
    else if (flags & FS_FILE_DELETED)
        fill_deleted(w, &f);
    else
        fill(w, &w->inode, &f);
    emit(w, &f);
}

static void unnamed_inode(struct walk *w, uint64_t ino, uint64_t *lost)
{
    if (!ext_inode_load(w->x, ino, &w->inode) || w->inode.mode == 0 ||
        w->inode.flags & EXT_INODE_EA)
        return;
    if (w->inode.links != 0) {
        ++*lost;
        unnamed(w, ino, FS_FILE_UNRELIABLE, NOW);
    } else {
        unnamed(w, ino, FS_FILE_DELETED, has_former(w, true) ? FORMER : NOW);
    }
}

/* A file whose inode another one has now. */
static void former_inode(struct walk *w, uint64_t ino)
{
    bool fresh = false;
    if (w->history && ext_inode_load(w->x, ino, &w->inode) &&
        has_former(w, false) && fs_todo_seen(&w->told, ino, &fresh) && fresh)
        unnamed(w, ino, FS_FILE_DELETED | FS_FILE_REALLOCATED, OTHER_FORMER);
}

static void unnamed_inodes(struct walk *w)
{
    struct ext *x = w->x;
    uint64_t lost = 0;
    /* Tables do not overlap: more inodes than there is room for are none. */
    uint64_t room = x->vol->size / x->inode_size + x->per_group;
    for (uint32_t g = 0; g < x->groups && !w->stop; g++) {
        /* the volume is cut, which is told: no group has a descriptor now */
        if (ext_desc_at(x, g) >= x->vol->size)
            break;
        uint32_t used = ext_group_used(x, g);
        if (used > room) {
            issue(w, 2, "ext-inode-tables", 0,
                  "more inodes than the volume has room for: not all were "
                  "looked at");
            break;
        }
        room -= used;
        uint64_t first = (uint64_t)g * x->per_group + 1;
        for (uint32_t i = ext_group_next(x, g, 0, used); i < used && !w->stop;
             i = ext_group_next(x, g, i + 1, used)) {
            uint64_t ino = first + i;
            if (ino < x->first_ino || ino > x->inodes)
                continue;
            if (!marked(w, ino) && ino != x->orphan_file)
                unnamed_inode(w, ino, &lost);
            former_inode(w, ino);
        }
    }
    if (lost)
        issue(w, 1, "ext-no-name", 0,
              "%llu inodes in use have no name; listed below $OrphanFiles",
              (unsigned long long)lost);
}

/* ---- the walk ----------------------------------------------------------- */

static void volume_issues(struct walk *w)
{
    struct ext *x = w->x;
    if (x->fs->info.size > x->vol->size)
        issue(w, 2, "fs-cut", 0,
              "the file system has %llu bytes, the volume only %llu",
              (unsigned long long)x->fs->info.size,
              (unsigned long long)x->vol->size);
    if (x->bad_super)
        issue(w, 1, "ext-super-checksum", 0,
              "the superblock differs from its checksum");
    if (x->incompat & EXT_INCOMPAT_RECOVER)
        issue(w, 1, "journal-not-replayed", 0,
              "the journal holds changes that are not in place: recent names, "
              "times and contents may be older than the volume's last state");
    if (w->open.wrong)
        issue(w, 1, "ext-orphans", 0, "%s", w->open.wrong);
    uint32_t unknown = x->incompat & ~(uint32_t)EXT_INCOMPAT_KNOWN;
    if (unknown)
        issue(w, 2, "ext-features", 0,
              "unknown features 0x%x: what follows may be wrong", unknown);
}

static void walk_free(struct walk *w)
{
    if (!w)
        return;
    fs_todo_free(&w->todo);
    fs_todo_free(&w->former_names);
    fs_todo_free(&w->told);
    fs_todo_free(&w->lost);
    ext_map_free(&w->map);
    ext_xattrs_free(&w->xattrs);
    buf_free(&w->path);
    buf_free(&w->link);
    buf_free(&w->names_buf);
    free(w->named);
    free(w->open.bits);
    free(w->deleted);
    fs_names_free(&w->live);
    free(w);
}

static void walk_root(struct walk *w)
{
    struct fs_file f = { .path = STR("/"), .parent = EXT_ROOT };
    bool fresh;
    if (!ext_inode_load(w->x, EXT_ROOT, &w->inode)) {
        issue(w, 2, "ext-inode", EXT_ROOT, "the root directory is lost");
        return;
    }
    mark(w, EXT_ROOT);
    fill(w, &w->inode, &f);
    emit(w, &f);
    if (!fs_todo_push(&w->todo, EXT_ROOT, STR_NONE, STR_NONE, &fresh))
        issue(w, 2, "no-memory", EXT_ROOT, "not enough memory");
}

int ext_walk(struct fs *fs, const struct fs_visitor *v, struct err *err)
{
    struct ext *x = fs->state;
    struct walk *w = calloc(1, sizeof *w);
    struct fs_pending dir;
    if (w) {
        w->x = x;
        w->v = v;
        w->free_budget = FREE_BUDGET;
        w->former_budget = FORMER_BUDGET;
        w->history = ext_history(x);
        w->named = calloc(1, (size_t)x->inodes / 8 + 1);
    }
    if (!w || !w->named || !ext_open_load(x, &w->open)) {
        walk_free(w);
        return err_set(err, ERR_INTERNAL, "out of memory");
    }
    volume_issues(w);
    walk_root(w);
    while (!w->stop && w->names < FS_NAMES_MAX && fs_todo_pop(&w->todo, &dir)) {
        read_dir(w, &dir);
        free(dir.path);
    }
    read_lost_dirs(w);
    if (w->names >= FS_NAMES_MAX)
        issue(w, 2, "fs-names", 0, "more than %d names: stopped", FS_NAMES_MAX);
    unnamed_inodes(w);
    if (w->n_open)
        issue(w, 0, "ext-open-deleted", 0,
              "%llu files were deleted while still open",
              (unsigned long long)w->n_open);
    if (w->free_budget == 0)
        issue(w, 1, "ext-free-budget", 0,
              "more blocks of deleted files than are looked up: whether they "
              "were used again is not known of all");
    int stop = w->stop;
    walk_free(w);
    return stop;
}

/* ---- one path ----------------------------------------------------------- */

struct search {
    struct str name;
    uint64_t inode;
};

static bool search_entry(void *ctx, struct str block, size_t at,
                         const struct entry *e, bool index)
{
    struct search *s = ctx;
    (void)block;
    (void)at;
    (void)index;
    if (e->inode == 0 || !str_eq(e->name, s->name))
        return true;
    s->inode = e->inode;
    return false;
}

int ext_find(struct fs *fs, struct str path, uint64_t *inode, struct err *err)
{
    static const struct str orphan = { "/$OrphanFiles/OrphanFile-", 25 };
    struct ext *x = fs->state;
    if (str_starts(path, orphan) &&
        str_u64(str_sub(path, orphan.n, path.n), inode))
        return 0;
    struct ext_inode *in = malloc(sizeof *in);
    struct ext_map map = { 0 };
    int code = in ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    *inode = EXT_ROOT;
    while (code == 0 && path.n) {
        if (path.p[0] == '/') {
            path = str_sub(path, 1, path.n);
            continue;
        }
        size_t end = str_find(path, STR("/"));
        struct search s = { str_sub(path, 0, end), 0 };
        bool bad;
        path = str_sub(path, end, path.n);
        if (ext_inode_load(x, *inode, in) && type_of(in->mode) == FS_FILE_DIR)
            dir_entries(x, in, &map, search_entry, &s, &bad);
        if (s.inode == 0)
            code = err_set(err, ERR_EVIDENCE, "no such name in the volume");
        *inode = s.inode;
    }
    ext_map_free(&map);
    free(in);
    return code;
}
