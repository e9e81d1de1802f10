#include "evidence/owners.h"

#include <stdlib.h>

#include "evidence/fs.h"
#include "evidence/fs_content.h"
#include "evidence/lvm.h"
#include "evidence/volume.h"
#include "evidence/worker.h"

/* Pieces kept: enough for some million files. Beyond, files are unknown. */
enum { PIECES_MAX = 1 << 24, VOLUMES = 256, FILES_STEP = 4096 };

struct piece {
    uint64_t at, len;  /* on the medium */
    uint64_t file_off; /* in the file */
    uint32_t file;
    bool deleted;
};

struct owned_file {
    struct str path;
    uint64_t inode, size;
    uint32_t volume;
};

struct owned_volume {
    struct str name;
    struct source *src;
    struct fs *fs;
    uint64_t off, len; /* on the medium; len 0: logical, or not readable */
    bool logical, known, cut;
};

struct owners {
    struct source *medium;
    struct owned_volume *volumes;
    size_t n_volumes;
    struct owned_file *files;
    size_t n_files, cap_files;
    struct piece *pieces; /* by place once built; live before deleted */
    size_t n, cap;
    struct arena arena;
    struct fs_todo seen; /* inodes of several names, of the volume at work */
    struct owned_volume *volume; /* the one at work */
    bool no_memory;
};

/* ---- places -------------------------------------------------------------- */

static bool add_piece(struct owners *o, struct piece p)
{
    struct piece *last = o->n ? &o->pieces[o->n - 1] : NULL;
    if (last && last->file == p.file && last->at + last->len == p.at &&
        last->file_off + last->len == p.file_off) {
        last->len += p.len;
        return true;
    }
    if (o->n == o->cap && o->n < PIECES_MAX) {
        size_t cap = o->cap ? o->cap * 2 : 4096;
        struct piece *v = realloc(o->pieces, cap * sizeof *v);
        if (!v) {
            o->no_memory = true;
            return false;
        }
        o->pieces = v;
        o->cap = cap;
    }
    if (o->n == PIECES_MAX) {
        o->volume->cut = true;
        return false;
    }
    o->pieces[o->n++] = p;
    return true;
}

/* Of a logical volume: split until each part lies in one piece. */
static bool add_logical(struct owners *o, struct piece p, uint64_t off,
                        uint32_t block)
{
    const struct source *lv = o->volume->src;
    /* maybe with a copy of its superblock laid over it */
    if (strcmp(lv->layer, "super") == 0)
        lv = lv->below;
    uint64_t left = p.len;
    while (left) {
        uint64_t part = left, at = 0;
        while (!lvm_place_of(lv, off, part, &at)) {
            if (part <= block)
                return true; /* absent: nobody's bytes */
            part = (part / 2 + block - 1) / block * block;
        }
        p.at = at;
        p.len = part;
        if (!add_piece(o, p))
            return false;
        p.file_off += part;
        off += part;
        left -= part;
    }
    return true;
}

static bool add_run(struct owners *o, uint32_t file, bool deleted,
                    const struct fs_run *r, uint32_t block)
{
    const struct owned_volume *v = o->volume;
    uint64_t off = r->physical * block, len = r->n * block;
    if (r->kind != FS_RUN_DATA || off >= v->src->size)
        return true;
    if (len > v->src->size - off)
        len = v->src->size - off;
    struct piece p = { v->off + off, len, r->logical * block, file, deleted };
    return v->logical ? add_logical(o, p, off, block) : add_piece(o, p);
}

/* ---- the walk ------------------------------------------------------------ */

static bool add_file(struct owners *o, const struct fs_file *f)
{
    if (o->n_files == o->cap_files) {
        size_t cap = o->cap_files ? o->cap_files * 2 : FILES_STEP;
        struct owned_file *v = realloc(o->files, cap * sizeof *v);
        if (!v)
            return false;
        o->files = v;
        o->cap_files = cap;
    }
    struct owned_file *x = &o->files[o->n_files++];
    /* other names do not lead to it */
    bool live = f->found == FS_FOUND_LIVE;
    *x = (struct owned_file){ .path = arena_copy(&o->arena,
                                                 live ? f->path : STR("")),
                              .inode = f->inode,
                              .size = f->size,
                              .volume = (uint32_t)(o->volume - o->volumes) };
    return x->path.p != NULL;
}

static int on_file(void *ctx, const struct fs_file *f)
{
    struct owners *o = ctx;
    bool fresh = true;
    if ((f->type != FS_FILE_REGULAR && f->type != FS_FILE_DIR &&
         f->type != FS_FILE_LINK) ||
        f->size == 0 || f->flags & FS_FILE_REALLOCATED || f->inode == 0)
        return 0;
    if (f->links > 1 && f->type != FS_FILE_DIR &&
        !fs_todo_seen(&o->seen, f->inode, &fresh))
        o->no_memory = true;
    if (!fresh || o->volume->cut)
        return 0;
    struct source *s = fs_open_inode(o->volume->fs, f->inode, NULL);
    const struct fs_content *c = s ? fs_content_of(s) : NULL;
    bool deleted = f->flags & FS_FILE_DELETED && f->found != FS_FOUND_OPEN;
    bool ok = true;
    if (c && !c->is_inline && c->n) {
        ok = add_file(o, f);
        for (size_t i = 0; ok && i < c->n; i++)
            ok = add_run(o, (uint32_t)o->n_files - 1, deleted, &c->runs[i],
                         c->block);
    }
    if (s && !c)
        o->volume->known = false;
    source_close(s);
    return o->no_memory || (!ok && !o->volume->cut) ? ERR_INTERNAL : 0;
}

static int on_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    (void)ctx, (void)severity, (void)code, (void)inode, (void)text;
    return 0; /* the import named them */
}

static void on_progress(void *ctx, uint64_t files)
{
    (void)ctx, (void)files;
    worker_progress(0);
}

static int by_place(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->deleted != y->deleted)
        return x->deleted ? 1 : -1;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->file < y->file ? -1 : x->file > y->file;
}

/* Where the volume lies: "p1" by the table, "" all of it. */
static void place_volume(struct owners *o, struct owned_volume *v)
{
    struct volume_table t = { 0 };
    uint64_t number = 0;
    struct str first = str_sub(v->name, 0, str_find(v->name, STR("!")));
    if (str_starts(first, STR("lv/"))) {
        v->logical = true;
        return;
    }
    v->len = v->src->size;
    if (!str_starts(first, STR("p")) ||
        !str_u64(str_sub(first, 1, first.n), &number))
        return;
    struct err ignored;
    if (volumes_read(o->medium, &t, &ignored))
        return;
    for (size_t i = 0; i < t.n; i++)
        if (t.volumes[i].number == number) {
            v->off = t.volumes[i].off;
            v->len = t.volumes[i].len;
        }
    volumes_free(&t);
}

/* What cannot be opened is outside of all that is known. */
static int add_volume(struct owners *o, struct owned_volume *v, struct err *err)
{
    const struct fs_visitor visitor = { o, on_file, on_issue, on_progress };
    struct buf layers = { 0 };
    struct err ignored;
    if (v->name.n) {
        buf_putc(&layers, '!');
        buf_put(&layers, v->name);
    }
    v->src = layers.failed
                 ? NULL
                 : source_open_layers(o->medium, buf_str(&layers), &ignored);
    buf_free(&layers);
    v->fs = v->src ? fs_open(v->src, &ignored) : NULL;
    if (!v->fs)
        return 0;
    v->known = true;
    place_volume(o, v);
    o->volume = v;
    int rc = fs_walk(v->fs, &visitor, err);
    fs_todo_free(&o->seen);
    o->seen = (struct fs_todo){ 0 };
    return rc && o->no_memory ? err_set(err, ERR_INTERNAL, "out of memory")
                              : rc;
}

struct owners *owners_open(struct source *medium, const struct str *volumes,
                           size_t n, struct err *err)
{
    struct owners *o = calloc(1, sizeof *o);
    int rc = o ? 0 : ERR_INTERNAL;
    if (o) {
        o->medium = medium;
        o->volumes = calloc(n + 1, sizeof *o->volumes);
        rc = o->volumes && n <= VOLUMES ? 0 : ERR_INTERNAL;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct owned_volume *v = &o->volumes[o->n_volumes++];
        v->name = volumes[i];
        rc = add_volume(o, v, err);
    }
    if (rc == 0) {
        if (o->n)
            qsort(o->pieces, o->n, sizeof *o->pieces, by_place);
        return o;
    }
    if (!err->code)
        err_set(err, ERR_INTERNAL, "out of memory, or too many volumes");
    owners_close(o);
    return NULL;
}

void owners_close(struct owners *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->n_volumes; i++) {
        fs_close(o->volumes[i].fs);
        source_close(o->volumes[i].src);
    }
    fs_todo_free(&o->seen);
    free(o->volumes);
    free(o->files);
    free(o->pieces);
    arena_free(&o->arena);
    free(o);
}

/* ---- questions ----------------------------------------------------------- */

static const struct piece *piece_at(const struct owners *o, bool deleted,
                                    uint64_t off)
{
    size_t lo = 0, hi = o->n;
    while (lo < hi) { /* the first that begins behind off */
        size_t mid = lo + (hi - lo) / 2;
        const struct piece *p = &o->pieces[mid];
        if (p->deleted < deleted || (p->deleted == deleted && p->at <= off))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return NULL;
    const struct piece *p = &o->pieces[lo - 1];
    return p->deleted == deleted && off - p->at < p->len ? p : NULL;
}

static void of_piece(const struct owners *o, const struct piece *p,
                     uint64_t off, struct owner *out)
{
    const struct owned_file *f = &o->files[p->file];
    uint64_t in_file = p->file_off + (off - p->at);
    *out = (struct owner){ .kind = p->deleted          ? OWNER_DELETED
                                   : in_file < f->size ? OWNER_FILE
                                                       : OWNER_SLACK,
                           .volume = o->volumes[f->volume].name,
                           .path = f->path,
                           .inode = f->inode,
                           .off = in_file };
}

void owners_find(const struct owners *o, uint64_t off, struct owner *out)
{
    const struct piece *p = piece_at(o, false, off);
    if (!p)
        p = piece_at(o, true, off);
    if (p) {
        of_piece(o, p, off, out);
        return;
    }
    *out = (struct owner){ .kind = OWNER_OUTSIDE };
    for (size_t i = 0; i < o->n_volumes; i++) {
        const struct owned_volume *v = &o->volumes[i];
        if (!v->fs || v->logical || off < v->off || off - v->off >= v->len)
            continue;
        out->kind = v->known && !v->cut ? OWNER_NONE : OWNER_UNKNOWN;
        out->volume = v->name;
        return;
    }
}

static int one_seam(struct owners *o, const struct piece *a, size_t reach,
                    char *buf, int (*fn)(void *, const struct owner_seam *),
                    void *ctx, struct err *err)
{
    const struct owned_file *f = &o->files[a->file];
    uint64_t before = a->len < reach ? a->len : reach;
    uint64_t seam = a->file_off + a->len, from = seam - before;
    if (seam >= f->size)
        return 0;
    size_t got = 0;
    struct source *s = fs_open_inode(o->volumes[f->volume].fs, f->inode, err);
    int rc =
        s ? source_read(s, from, buf, (size_t)before + reach, &got, err) : 0;
    source_close(s);
    if (!s || rc)
        return 0; /* damage was named when it was imported */
    struct owner_seam seen = { .bytes = { buf, got },
                               .at = (size_t)before,
                               .medium_off = a->at + a->len - before };
    of_piece(o, a, seen.medium_off, &seen.owner);
    return fn(ctx, &seen);
}

static int by_file(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return x->file_off < y->file_off ? -1 : x->file_off > y->file_off;
}

int owners_seams(struct owners *o, size_t reach,
                 int (*fn)(void *ctx, const struct owner_seam *s), void *ctx,
                 struct err *err)
{
    struct piece *v = malloc((o->n + 1) * sizeof *v);
    char *buf = malloc(2 * reach + 1);
    int rc = v && buf ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    if (rc == 0 && o->n) {
        memcpy(v, o->pieces, o->n * sizeof *v);
        qsort(v, o->n, sizeof *v, by_file);
    }
    for (size_t i = 0; rc == 0 && i + 1 < o->n; i++)
        if (v[i].file == v[i + 1].file && !v[i].deleted &&
            v[i].file_off + v[i].len == v[i + 1].file_off)
            rc = one_seam(o, &v[i], reach, buf, fn, ctx, err);
    free(v);
    free(buf);
    return rc;
}
