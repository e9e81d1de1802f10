/*
 * FAT, exFAT, NTFS and ISO 9660 through libtsk 4.11.1, which sees only our
 * source and only the type that we have recognised: its detection runs for an
 * hour on stale remnants, and its image layer turns failed reads into
 * garbage.
 *
 * What is not left to it: the walk (its own is recursive and enters deleted
 * directories), NTFS times (wrong outside 1970 to 2106; decoded here from
 * $STANDARD_INFORMATION), and sizes beyond the volume.
 *
 * An alternate data stream is a row of its own, "path:stream", whose inode
 * has the attribute's id in the bits from 48 on.
 */
#include "evidence/fs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <tsk/libtsk.h>

#include "base/text.h"
#include "base/varint.h"

enum {
    STREAM_SHIFT = 48,
    PROGRESS_STEP = 1024,
    SI_SIZE = 32, /* of $STANDARD_INFORMATION: the four times */
    FN_HEAD = 66, /* of $FILE_NAME: up to the name */
    FN_TEXT = 4 * 64,
    FREE_BUDGET = 1 << 24,
};

#define INODE_MASK ((UINT64_C(1) << STREAM_SHIFT) - 1)

struct image {
    TSK_IMG_INFO info; /* first: libtsk has only this pointer */
    struct source *vol;
};

struct tsk {
    struct image *image; /* 2 MiB, with libtsk's cache */
    TSK_FS_INFO *fs;
};

/* ---- the image ---------------------------------------------------------- */

static ssize_t image_read(TSK_IMG_INFO *info, TSK_OFF_T off, char *buf,
                          size_t n)
{
    struct image *im = (struct image *)info;
    size_t got = 0;
    if (off < 0 || (uint64_t)off >= im->vol->size ||
        source_read(im->vol, (uint64_t)off, buf, n, &got, NULL)) {
        tsk_error_reset();
        tsk_error_set_errno(TSK_ERR_IMG_READ);
        tsk_error_set_errstr("outside of the volume");
        return -1;
    }
    return (ssize_t)got;
}

static void image_close(TSK_IMG_INFO *info)
{
    (void)info; /* freed by tsk_close */
}

static void image_stat(TSK_IMG_INFO *info, FILE *f)
{
    (void)info;
    (void)f;
}

static void tsk_state_close(struct tsk *t)
{
    if (!t)
        return;
    if (t->fs)
        tsk_fs_close(t->fs);
    if (t->image && t->image->info.tag)
        tsk_img_close(&t->image->info);
    free(t->image);
    free(t);
}

static void tsk_close(struct fs *fs)
{
    tsk_state_close(fs->state);
}

/* ---- content ------------------------------------------------------------ */

struct content {
    TSK_FS_FILE *file;
    const TSK_FS_ATTR *attr;
};

/* libtsk cannot say which part of a failed read is bad: by clusters. */
static void read_pieces(struct source *s, const struct content *c, uint64_t off,
                        char *p, size_t n)
{
    enum { PIECE = 4096 };
    while (n > 0) {
        size_t part = PIECE - (size_t)(off % PIECE);
        if (part > n)
            part = n;
        tsk_error_reset();
        ssize_t r = tsk_fs_attr_read(c->attr, (TSK_OFF_T)off, p, part,
                                     TSK_FS_FILE_READ_FLAG_NONE);
        size_t have = r > 0 ? (size_t)r : 0;
        if (have < part) {
            memset(p + have, 0, part - have);
            source_add_gap(s, off + have, part - have, GAP_UNREADABLE);
        }
        p += part;
        off += part;
        n -= part;
    }
}

static int content_read(struct source *s, uint64_t off, void *buf, size_t n,
                        struct err *err)
{
    const struct content *c = s->state;
    (void)err;
    tsk_error_reset();
    ssize_t r = tsk_fs_attr_read(c->attr, (TSK_OFF_T)off, buf, n,
                                 TSK_FS_FILE_READ_FLAG_NONE);
    if (r < 0 || (size_t)r != n)
        read_pieces(s, c, off, buf, n);
    return 0;
}

static void content_close(struct source *s)
{
    struct content *c = s->state;
    tsk_fs_file_close(c->file);
    free(c);
}

static const struct source_ops content_ops = { .read = content_read,
                                               .close = content_close };

/* Does the volume lack bytes of the attribute? Those become gaps of `to`. */
static bool runs_gap(const struct fs *fs, const TSK_FS_ATTR *attr,
                     struct source *to)
{
    bool met = false;
    uint64_t block = fs->info.block;
    if (!attr || !(attr->flags & TSK_FS_ATTR_NONRES))
        return false;
    for (const TSK_FS_ATTR_RUN *r = attr->nrd.run; r; r = r->next) {
        uint64_t off, len, at;
        if (r->flags &
                (TSK_FS_ATTR_RUN_FLAG_FILLER | TSK_FS_ATTR_RUN_FLAG_SPARSE) ||
            __builtin_mul_overflow(r->addr, block, &off) ||
            __builtin_mul_overflow(r->len, block, &len) ||
            __builtin_mul_overflow(r->offset, block, &at))
            continue;
        uint64_t left = off < fs->vol->size ? fs->vol->size - off : 0;
        if (left >= len && !source_gap_in(fs->vol, off, len))
            continue;
        met = true;
        if (to)
            source_take_gaps(to, fs->vol, off, at, len);
        if (to && left < len)
            source_add_gap(to, at + left, len - left, GAP_ABSENT);
    }
    return met;
}

static const TSK_FS_ATTR *attr_of(TSK_FS_FILE *file, uint64_t inode)
{
    uint16_t id = (uint16_t)(inode >> STREAM_SHIFT);
    tsk_error_reset();
    return id ? tsk_fs_file_attr_get_id(file, id) : tsk_fs_file_attr_get(file);
}

static struct source *open_inode(struct fs *fs, uint64_t inode, struct err *err)
{
    struct tsk *t = fs->state;
    char layer[32];
    tsk_error_reset();
    TSK_FS_FILE *file = tsk_fs_file_open_meta(t->fs, NULL, inode & INODE_MASK);
    const TSK_FS_ATTR *attr = file && file->meta ? attr_of(file, inode) : NULL;
    if (!attr) {
        tsk_fs_file_close(file);
        err_set(err, ERR_EVIDENCE, "inode %llu has no content to read",
                (unsigned long long)inode);
        return NULL;
    }
    struct content *c = calloc(1, sizeof *c);
    if (!c) {
        tsk_fs_file_close(file);
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    c->file = file;
    c->attr = attr;
    snprintf(layer, sizeof layer, "ino/%llu", (unsigned long long)inode);
    uint64_t size = attr->size > 0 ? (uint64_t)attr->size : 0;
    struct source *s = source_make(&content_ops, c, size, fs->vol, layer, err);
    if (s)
        runs_gap(fs, attr, s);
    return s;
}

/* ---- metadata ----------------------------------------------------------- */

struct walk {
    struct fs *fs;
    struct tsk *t;
    const struct fs_visitor *v;
    struct fs_todo todo;
    unsigned char *named;      /* NTFS: bitmap of entries that have a name */
    struct fs_xattr name_attr; /* of the file at hand */
    char name_times[FN_TEXT];
    uint64_t names;
    uint64_t free_budget; /* blocks of deleted files still to be looked up */
    struct buf path, stream;
    int stop;
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
    if (!w->stop)
        w->stop = w->v->issue(w->v->ctx, severity, code, inode, text);
}

static void emit(struct walk *w, const struct fs_file *f)
{
    if (w->stop)
        return;
    w->stop = w->v->file(w->v->ctx, f);
    if (++w->names % PROGRESS_STEP == 0 && w->v->progress)
        w->v->progress(w->v->ctx, w->names);
}

static uint8_t type_of(TSK_FS_META_TYPE_ENUM type)
{
    switch (type) {
    case TSK_FS_META_TYPE_REG:
        return FS_FILE_REGULAR;
    case TSK_FS_META_TYPE_DIR:
        return FS_FILE_DIR;
    case TSK_FS_META_TYPE_FIFO:
        return FS_FILE_FIFO;
    case TSK_FS_META_TYPE_CHR:
        return FS_FILE_CHAR;
    case TSK_FS_META_TYPE_BLK:
        return FS_FILE_BLOCK;
    case TSK_FS_META_TYPE_LNK:
        return FS_FILE_LINK;
    case TSK_FS_META_TYPE_SOCK:
        return FS_FILE_SOCKET;
    default:
        return FS_FILE_OTHER;
    }
}

/* 100 ns since 1601. */
static void filetime(const unsigned char *p, struct instant *t, uint32_t *flags,
                     uint32_t none)
{
    uint64_t v = u64le(p);
    t->s = (int64_t)(v / 10000000) - INT64_C(11644473600);
    t->ns = (uint32_t)(v % 10000000) * 100;
    if (v == 0)
        *flags |= none;
}

static void ntfs_times(struct walk *w, TSK_FS_FILE *file, struct fs_file *f)
{
    unsigned char si[SI_SIZE];
    tsk_error_reset();
    if (tsk_fs_file_read_type(file, TSK_FS_ATTR_TYPE_NTFS_SI, 0, 0, (char *)si,
                              sizeof si,
                              TSK_FS_FILE_READ_FLAG_NOID) != sizeof si) {
        f->flags |= FS_FILE_NO_TIMES;
        issue(w, 1, "ntfs-times", f->inode, "its times cannot be read");
        return;
    }
    filetime(si, &f->b, &f->flags, FS_FILE_NO_B);
    filetime(si + 8, &f->m, &f->flags, FS_FILE_NO_M);
    filetime(si + 16, &f->c, &f->flags, FS_FILE_NO_C);
    filetime(si + 24, &f->a, &f->flags, FS_FILE_NO_A);
    f->t_res = 7;
}

/* The times that the name itself has ($FILE_NAME): those of its making, as a
 * rule all the same, which only the kernel sets. Where they tell something
 * else than when the file was born, they are an attribute of the file. */
static bool name_times(struct walk *w, TSK_FS_FILE *file, struct fs_file *f,
                       const TSK_FS_ATTR *a)
{
    static const char *const names[] = { "born=", " modified=", " changed=",
                                         " accessed=" };
    unsigned char fn[FN_HEAD];
    enum { DOS_NAME = 2, PARENT_BITS = 48 };
    tsk_error_reset();
    if (tsk_fs_attr_read(a, 0, (char *)fn, sizeof fn,
                         TSK_FS_FILE_READ_FLAG_NONE) != sizeof fn)
        return false;
    uint64_t parent = u64le(fn) & ((UINT64_C(1) << PARENT_BITS) - 1);
    if (fn[65] == DOS_NAME || (file->name && parent != f->parent))
        return false;
    bool same = true;
    char *p = w->name_times;
    for (size_t i = 0; i < 4; i++) {
        struct instant t;
        uint32_t none = 0;
        filetime(fn + 8 + 8 * i, &t, &none, 1);
        same &= instant_cmp(t, f->b) == 0;
        size_t n = strlen(names[i]);
        memcpy(p, names[i], n);
        p += n;
        p += time_format(p, t, 9, 0);
    }
    w->name_attr =
        (struct fs_xattr){ STR("ntfs.file_name_times"),
                           { w->name_times, (size_t)(p - w->name_times) } };
    f->xattrs = &w->name_attr;
    f->n_xattrs = same ? 0 : 1;
    return true;
}

static void ntfs_names(struct walk *w, TSK_FS_FILE *file, struct fs_file *f)
{
    int n = tsk_fs_file_attr_getsize(file);
    for (int i = 0; i < n; i++) {
        const TSK_FS_ATTR *a = tsk_fs_file_attr_get_idx(file, i);
        if (a && a->type == TSK_FS_ATTR_TYPE_NTFS_FNAME &&
            name_times(w, file, f, a))
            return;
    }
}

static void plain_time(struct instant *t, int64_t s, uint32_t ns,
                       uint32_t *flags, uint32_t none)
{
    t->s = s;
    t->ns = ns < 1000000000 ? ns : 0;
    if (s == 0)
        *flags |= none;
}

static void fill_times(struct walk *w, TSK_FS_FILE *file, struct fs_file *f)
{
    const TSK_FS_META *m = file->meta;
    f->flags |= FS_FILE_NO_D;
    if (w->fs->info.type == FS_NTFS) {
        ntfs_times(w, file, f);
        ntfs_names(w, file, f);
        return;
    }
    plain_time(&f->m, m->mtime, m->mtime_nano, &f->flags, FS_FILE_NO_M);
    plain_time(&f->a, m->atime, m->atime_nano, &f->flags, FS_FILE_NO_A);
    plain_time(&f->c, m->ctime, m->ctime_nano, &f->flags, FS_FILE_NO_C);
    plain_time(&f->b, m->crtime, m->crtime_nano, &f->flags, FS_FILE_NO_B);
    if (w->fs->info.type == FS_FAT)
        f->flags |= FS_FILE_NO_C;
}

static void fill(struct walk *w, TSK_FS_FILE *file, struct fs_file *f)
{
    const TSK_FS_META *m = file->meta;
    f->inode = m->addr;
    f->type = type_of(m->type);
    f->mode = (uint32_t)m->mode & 07777u;
    f->uid = (uint32_t)m->uid;
    f->gid = (uint32_t)m->gid;
    f->links = (uint32_t)m->nlink;
    f->size = m->size > 0 ? (uint64_t)m->size : 0;
    if (m->link)
        f->link = str_from(m->link);
    fill_times(w, file, f);
    if (m->size < 0 || f->size / 16 > w->fs->vol->size) {
        f->flags |= FS_FILE_UNRELIABLE;
        issue(w, 1, "fs-size", f->inode, "states a size far beyond the volume");
    } else if (w->fs->vol->n_gaps && runs_gap(w->fs, attr_of(file, 0), NULL)) {
        f->flags |= FS_FILE_PARTIAL;
    }
}

static bool block_free(struct walk *w, TSK_DADDR_T addr)
{
    TSK_FS_INFO *fs = w->t->fs;
    /* tsk_fs_block_get would read the block as well */
    return addr <= fs->last_block &&
           fs->block_getflags(fs, addr) & TSK_FS_BLOCK_FLAG_UNALLOC;
}

/* How much of a deleted content lies in blocks that no file uses. */
static uint64_t free_bytes(struct walk *w, const TSK_FS_ATTR *a)
{
    uint64_t size = a->size > 0 ? (uint64_t)a->size : 0, sum = 0;
    if (!(a->flags & TSK_FS_ATTR_NONRES))
        return size; /* within the freed record */
    for (const TSK_FS_ATTR_RUN *r = a->nrd.run; r; r = r->next) {
        if (r->flags &
            (TSK_FS_ATTR_RUN_FLAG_FILLER | TSK_FS_ATTR_RUN_FLAG_SPARSE))
            continue;
        for (TSK_DADDR_T i = 0; i < r->len && w->free_budget; i++) {
            w->free_budget--;
            if (block_free(w, r->addr + i))
                sum += w->fs->info.block;
        }
    }
    return sum < size ? sum : size;
}

/* Content of the attribute (0: the file's own) that a deleted file had. */
static void fill_deleted(struct walk *w, TSK_FS_FILE *file, struct fs_file *f,
                         const TSK_FS_ATTR *a)
{
    if (!a && f->type == FS_FILE_REGULAR)
        a = attr_of(file, 0);
    f->free_bytes = a ? free_bytes(w, a) : 0;
    f->confidence = f->size == 0               ? FS_SURE
                    : f->free_bytes >= f->size ? FS_PROBABLE
                                               : FS_POSSIBLE;
}

static void mark(struct walk *w, uint64_t inode)
{
    if (w->named && inode <= w->t->fs->last_inum)
        w->named[inode / 8] |= (unsigned char)(1u << inode % 8);
}

/* ---- names -------------------------------------------------------------- */

static bool plausible_name(struct str name)
{
    if (name.n == 0 || !text_utf8_valid(name))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
            return false;
    return true;
}

static bool join(struct walk *w, struct str parent, struct str name)
{
    buf_clear(&w->path);
    buf_put(&w->path, parent);
    buf_putc(&w->path, '/');
    buf_put(&w->path, name);
    return !w->path.failed && w->path.n <= FS_PATH_MAX;
}

/* Named $DATA attributes. f is the file's own row. */
static void streams(struct walk *w, TSK_FS_FILE *file, const struct fs_file *f)
{
    tsk_error_reset();
    int n = tsk_fs_file_attr_getsize(file);
    for (int i = 0; i < n && !w->stop; i++) {
        const TSK_FS_ATTR *a = tsk_fs_file_attr_get_idx(file, i);
        if (!a || a->type != TSK_FS_ATTR_TYPE_NTFS_DATA || !a->name ||
            !a->name[0] || strcmp(a->name, "$Data") == 0 || a->id == 0)
            continue;
        struct fs_file s = *f;
        s.n_xattrs = 0; /* the name's, told once */
        buf_clear(&w->stream);
        buf_put(&w->stream, f->path);
        buf_putc(&w->stream, ':');
        buf_putz(&w->stream, a->name);
        s.path = buf_str(&w->stream);
        s.type = FS_FILE_REGULAR;
        s.inode |= (uint64_t)a->id << STREAM_SHIFT;
        s.size = a->size > 0 ? (uint64_t)a->size : 0;
        if (f->flags & FS_FILE_DELETED)
            fill_deleted(w, file, &s, a);
        emit(w, &s);
    }
}

static void live_name(struct walk *w, const struct fs_pending *dir,
                      TSK_FS_FILE *file, struct str name)
{
    struct fs_file f = { .parent = dir->inode,
                         .inode = file->name->meta_addr,
                         .path = buf_str(&w->path) };
    bool fresh = true;
    if (!file->meta) {
        f.type = FS_FILE_OTHER;
        f.flags = FS_FILE_NO_TIMES | FS_FILE_UNRELIABLE;
        issue(w, 2, "fs-inode", f.inode,
              "a name leads to an inode that cannot be read");
        emit(w, &f);
        return;
    }
    mark(w, f.inode);
    fill(w, file, &f);
    emit(w, &f);
    if (w->fs->info.type == FS_NTFS)
        streams(w, file, &f);
    if (f.type != FS_FILE_DIR || !TSK_FS_IS_DIR_NAME(file->name->type))
        return;
    if (!fs_todo_push(&w->todo, f.inode, (struct str){ dir->path, dir->n },
                      name, &fresh))
        issue(w, 2, "no-memory", f.inode, "not enough memory: not entered");
    else if (!fresh)
        issue(w, 1, "fs-cycle", f.inode,
              "a directory has a second name; it is listed once");
}

/* NTFS counts a record's sequence number up when it is freed, and libtsk leaves
 * the record of such a name away. It is the name's if the record still has it,
 * and was used for no other file since. NULL: it is not. */
static TSK_FS_FILE *freed_record(struct walk *w, const struct fs_pending *dir,
                                 const TSK_FS_NAME *n)
{
    if (w->fs->info.type != FS_NTFS || n->meta_addr == 0)
        return NULL;
    tsk_error_reset();
    TSK_FS_FILE *file = tsk_fs_file_open_meta(w->t->fs, NULL, n->meta_addr);
    if (file && file->meta && file->meta->flags & TSK_FS_META_FLAG_UNALLOC &&
        file->meta->seq == n->meta_seq + 1)
        for (const TSK_FS_META_NAME_LIST *l = file->meta->name2; l; l = l->next)
            if (l->par_inode == dir->inode && strcmp(l->name, n->name) == 0)
                return file;
    tsk_fs_file_close(file);
    return NULL;
}

static void deleted_name(struct walk *w, const struct fs_pending *dir,
                         TSK_FS_FILE *file, struct str name)
{
    struct fs_file f = { .parent = dir->inode,
                         .inode = file->name->meta_addr,
                         .path = buf_str(&w->path),
                         .flags = FS_FILE_DELETED,
                         .found = FS_FOUND_NAME,
                         .confidence = FS_POSSIBLE };
    if (!plausible_name(name))
        return;
    TSK_FS_FILE *again = file->meta ? NULL : freed_record(w, dir, file->name);
    TSK_FS_FILE *of = again ? again : file;
    bool freed = of->meta && of->meta->flags & TSK_FS_META_FLAG_UNALLOC;
    if (freed) {
        mark(w, f.inode);
        fill(w, of, &f);
        fill_deleted(w, of, &f, NULL);
    } else {
        f.type = FS_FILE_OTHER;
        f.flags |= FS_FILE_NO_TIMES | (file->meta ? FS_FILE_REALLOCATED : 0);
    }
    emit(w, &f);
    if (freed && w->fs->info.type == FS_NTFS)
        streams(w, of, &f);
    tsk_fs_file_close(again);
}

static bool is_dot(struct str name)
{
    return str_eq(name, STR(".")) || str_eq(name, STR(".."));
}

static void one_name(struct walk *w, const struct fs_pending *dir,
                     TSK_FS_FILE *file)
{
    const TSK_FS_NAME *n = file->name;
    struct str name = str_from(n->name);
    if (name.n == 0 || is_dot(name) || n->type == TSK_FS_NAME_TYPE_VIRT ||
        n->type == TSK_FS_NAME_TYPE_VIRT_DIR)
        return;
    if (!join(w, (struct str){ dir->path, dir->n }, name))
        issue(w, 1, "path-length", n->meta_addr,
              "the path is longer than %d bytes and is left out", FS_PATH_MAX);
    else if (n->flags & TSK_FS_NAME_FLAG_ALLOC)
        live_name(w, dir, file, name);
    else
        deleted_name(w, dir, file, name);
}

static void read_dir(struct walk *w, const struct fs_pending *dir)
{
    tsk_error_reset();
    TSK_FS_DIR *d = tsk_fs_dir_open_meta(w->t->fs, dir->inode);
    if (!d) {
        issue(w, 2, "fs-directory", dir->inode,
              "the directory cannot be read; its names are missing");
        return;
    }
    size_t n = tsk_fs_dir_getsize(d);
    for (size_t i = 0; i < n && !w->stop; i++) {
        tsk_error_reset();
        TSK_FS_FILE *file = tsk_fs_dir_get(d, i);
        if (file && file->name)
            one_name(w, dir, file);
        else
            issue(w, 1, "fs-name", dir->inode, "a name cannot be read");
        tsk_fs_file_close(file);
    }
    tsk_fs_dir_close(d);
}

/* NTFS: entries of the master file table that no name led to. */
static void orphan(struct walk *w, uint64_t inode)
{
    char number[32];
    tsk_error_reset();
    TSK_FS_FILE *file = tsk_fs_file_open_meta(w->t->fs, NULL, inode);
    if (file && file->meta && file->meta->flags & TSK_FS_META_FLAG_USED) {
        bool freed = file->meta->flags & TSK_FS_META_FLAG_UNALLOC;
        const TSK_FS_META_NAME_LIST *name = file->meta->name2;
        struct fs_file f = {
            .flags = freed ? FS_FILE_DELETED : FS_FILE_UNRELIABLE,
            .parent = name ? name->par_inode : 0,
            .found = FS_FOUND_INODE,
        };
        snprintf(number, sizeof number, "OrphanFile-%llu",
                 (unsigned long long)inode);
        struct str text = str_from(name && name->name[0] ? name->name : number);
        if (join(w, STR("/$OrphanFiles"), text)) {
            f.path = buf_str(&w->path);
            fill(w, file, &f);
            if (freed)
                fill_deleted(w, file, &f, NULL);
            emit(w, &f);
            streams(w, file, &f);
        }
    }
    tsk_fs_file_close(file);
}

static void orphans(struct walk *w)
{
    enum { FIRST_USER = 16 }; /* entries below are NTFS's own */
    if (!w->named)
        return;
    /* The last inode is libtsk's virtual directory of orphans. */
    for (uint64_t i = FIRST_USER; i < w->t->fs->last_inum && !w->stop; i++)
        if (!(w->named[i / 8] >> i % 8 & 1))
            orphan(w, i);
}

static void volume_issues(struct walk *w)
{
    const struct fs_info *info = &w->fs->info;
    if (info->size > w->fs->vol->size)
        issue(w, 2, "fs-cut", 0,
              "the file system has %llu bytes, the volume only %llu",
              (unsigned long long)info->size,
              (unsigned long long)w->fs->vol->size);
    if (info->dirty)
        issue(w, 1, "journal-not-replayed", 0,
              "the volume was not dismounted: recent changes may be missing");
    if (info->type == FS_ISO9660)
        issue(w, 0, "iso-names", 0,
              "names are those of the Joliet or plain volume: Rock Ridge "
              "names, owners, modes and links are not read");
    if (info->local_time)
        issue(w, 0, "fs-local-time", 0,
              "times are local time of the writing system; read as UTC");
}

static int tsk_walk(struct fs *fs, const struct fs_visitor *v, struct err *err)
{
    struct tsk *t = fs->state;
    struct walk w = { .fs = fs, .t = t, .v = v, .free_budget = FREE_BUDGET };
    struct fs_pending dir;
    bool fresh;
    if (fs->info.type == FS_NTFS && t->fs->last_inum < fs->vol->size)
        w.named = calloc(1, (size_t)t->fs->last_inum / 8 + 1);
    volume_issues(&w);
    if (!fs_todo_push(&w.todo, t->fs->root_inum, STR_NONE, STR_NONE, &fresh))
        w.stop = err_set(err, ERR_INTERNAL, "out of memory");
    while (!w.stop && w.names < FS_NAMES_MAX && fs_todo_pop(&w.todo, &dir)) {
        read_dir(&w, &dir);
        free(dir.path);
    }
    orphans(&w);
    fs_todo_free(&w.todo);
    buf_free(&w.path);
    buf_free(&w.stream);
    free(w.named);
    return w.stop;
}

/* ---- one path ----------------------------------------------------------- */

/* The inode of a name in a directory; a name in use goes before a deleted
 * one. */
static bool find_in(struct tsk *t, uint64_t dir, struct str name,
                    uint64_t *inode)
{
    bool found = false;
    tsk_error_reset();
    TSK_FS_DIR *d = tsk_fs_dir_open_meta(t->fs, dir);
    for (size_t i = 0; d && i < tsk_fs_dir_getsize(d); i++) {
        const TSK_FS_NAME *n = tsk_fs_dir_get_name(d, i);
        if (!n || !n->name || !str_eq(str_from(n->name), name))
            continue;
        bool live = n->flags & TSK_FS_NAME_FLAG_ALLOC;
        if (live || !found)
            *inode = n->meta_addr;
        found = true;
        if (live)
            break;
    }
    if (d)
        tsk_fs_dir_close(d);
    return found;
}

static bool find_stream(struct tsk *t, uint64_t dir, struct str name,
                        uint64_t *inode)
{
    size_t colon = str_find(name, STR(":"));
    if (colon == SIZE_MAX || !find_in(t, dir, str_sub(name, 0, colon), inode))
        return false;
    struct str stream = str_sub(name, colon + 1, name.n);
    TSK_FS_FILE *file = tsk_fs_file_open_meta(t->fs, NULL, *inode);
    bool found = false;
    int n = file ? tsk_fs_file_attr_getsize(file) : 0;
    for (int i = 0; i < n && !found; i++) {
        const TSK_FS_ATTR *a = tsk_fs_file_attr_get_idx(file, i);
        found = a && a->type == TSK_FS_ATTR_TYPE_NTFS_DATA && a->name &&
                str_eq(str_from(a->name), stream);
        if (found)
            *inode |= (uint64_t)a->id << STREAM_SHIFT;
    }
    tsk_fs_file_close(file);
    return found;
}

static int tsk_find(struct fs *fs, struct str path, uint64_t *inode,
                    struct err *err)
{
    struct tsk *t = fs->state;
    *inode = t->fs->root_inum;
    while (path.n) {
        if (path.p[0] == '/') {
            path = str_sub(path, 1, path.n);
            continue;
        }
        size_t end = str_find(path, STR("/"));
        struct str name = str_sub(path, 0, end);
        uint64_t dir = *inode;
        path = str_sub(path, end, path.n);
        if (!find_in(t, dir, name, inode) && !find_stream(t, dir, name, inode))
            return err_set(err, ERR_EVIDENCE, "no such name in the volume");
    }
    return 0;
}

/* ---- opening ------------------------------------------------------------ */

static const struct fs_ops tsk_ops = { tsk_close, tsk_walk, open_inode,
                                       tsk_find };

static void set_label(struct fs_info *info, const void *p, size_t n)
{
    struct str s = { p, n };
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == 0))
        s.n--;
    info->label_n = s.n < sizeof info->label ? s.n : sizeof info->label;
    if (info->label_n) /* a volume without a name gives no bytes */
        memcpy(info->label, s.p, info->label_n);
}

/* Name and dirty flag are attributes of the file $Volume. */
static void ntfs_info(struct tsk *t, struct fs_info *info,
                      const unsigned char *boot)
{
    enum { VOLUME_FILE = 3, FLAGS_AT = 10, DIRTY = 1 };
    unsigned char raw[128], vi[12];
    struct buf name = { 0 };
    snprintf(info->uuid, sizeof info->uuid, "%016llx",
             (unsigned long long)u64le(boot + 72));
    TSK_FS_FILE *file = tsk_fs_file_open_meta(t->fs, NULL, VOLUME_FILE);
    if (!file)
        return;
    ssize_t n = tsk_fs_file_read_type(file, TSK_FS_ATTR_TYPE_NTFS_VNAME, 0, 0,
                                      (char *)raw, sizeof raw,
                                      TSK_FS_FILE_READ_FLAG_NOID);
    for (ssize_t i = 0; i + 1 < n; i += 2) {
        char utf8[4];
        unsigned k = text_utf8_put(utf8, u16le(raw + i));
        buf_put(&name, (struct str){ utf8, k });
    }
    set_label(info, name.p, name.n);
    buf_free(&name);
    if (tsk_fs_file_read_type(file, TSK_FS_ATTR_TYPE_NTFS_VINFO, 0, 0,
                              (char *)vi, sizeof vi,
                              TSK_FS_FILE_READ_FLAG_NOID) == sizeof vi)
        info->dirty = u16le(vi + FLAGS_AT) & DIRTY;
    tsk_fs_file_close(file);
}

static void fat_info(struct fs_info *info, const unsigned char *boot)
{
    bool wide = u16le(boot + 22) == 0;
    const unsigned char *ext = boot + (wide ? 64 : 36);
    info->local_time = true;
    info->dirty = ext[1] & 1;
    if (ext[2] == 0x29 || ext[2] == 0x28)
        snprintf(info->uuid, sizeof info->uuid, "%04x-%04x", u16le(ext + 5),
                 u16le(ext + 3));
    if (ext[2] == 0x29 && memcmp(ext + 7, "NO NAME    ", 11) != 0)
        set_label(info, ext + 7, 11);
}

static void info_fill(struct tsk *t, struct source *vol, struct fs_info *info)
{
    unsigned char boot[512] = { 0 }, pvd[72] = { 0 };
    size_t got;
    if (source_read(vol, 0, boot, sizeof boot, &got, NULL))
        return;
    info->block = t->fs->block_size;
    info->size = t->fs->block_count * t->fs->block_size;
    const char *name = tsk_fs_type_toname(t->fs->ftype);
    snprintf(info->name, sizeof info->name, "%s", name ? name : "");
    if (info->type == FS_NTFS)
        ntfs_info(t, info, boot);
    else if (info->type == FS_FAT)
        fat_info(info, boot);
    else if (info->type == FS_EXFAT)
        snprintf(info->uuid, sizeof info->uuid, "%04x-%04x", u16le(boot + 102),
                 u16le(boot + 100));
    if (info->type == FS_EXFAT) {
        info->local_time = true;
        info->dirty = u16le(boot + 106) & 2;
    }
    if (info->type == FS_ISO9660 &&
        !source_read(vol, 32768, pvd, sizeof pvd, &got, NULL))
        set_label(info, pvd + 40, 32);
}

static TSK_FS_TYPE_ENUM tsk_type(enum fs_type type)
{
    switch (type) {
    case FS_FAT:
        return TSK_FS_TYPE_FAT_DETECT;
    case FS_EXFAT:
        return TSK_FS_TYPE_EXFAT;
    case FS_NTFS:
        return TSK_FS_TYPE_NTFS;
    default:
        return TSK_FS_TYPE_ISO9660;
    }
}

struct fs *fs_tsk_open(struct source *vol, enum fs_type type, struct err *err)
{
    struct fs *fs = calloc(1, sizeof *fs);
    struct tsk *t = calloc(1, sizeof *t);
    if (t)
        t->image = calloc(1, sizeof *t->image);
    bool ok = fs && t && t->image;
    if (!ok)
        err_set(err, ERR_INTERNAL, "out of memory");
    if (ok) {
        t->image->vol = vol;
        tsk_error_reset();
        ok = tsk_img_open_external(&t->image->info, (TSK_OFF_T)vol->size, 512,
                                   image_read, image_close, image_stat) != NULL;
        if (ok)
            t->fs = tsk_fs_open_img(&t->image->info, 0, tsk_type(type));
        ok = ok && t->fs;
        if (!ok)
            err_set(err, ERR_EVIDENCE, "%s: damaged beyond reading (%08x)",
                    fs_type_name(type), tsk_error_get_errno());
    }
    if (!ok) {
        tsk_state_close(t);
        free(fs);
        return NULL;
    }
    *fs = (struct fs){ .ops = &tsk_ops, .vol = vol, .state = t };
    fs->info.type = type;
    info_fill(t, vol, &fs->info);
    return fs;
}
