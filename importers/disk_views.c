#include "importers/disk_views.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/varint.h"

struct key {
    unsigned char b[16];
};

/* A name after the journal that is not as on disk. */
struct changed {
    struct key path;
    uint32_t flags; /* FS_FILE_NO_x */
    struct instant t[5];
};

struct disk_views {
    struct hasher *hasher;
    struct buf row;
    struct key *names;  /* sorted once all are there */
    unsigned char *met; /* a bit per name */
    size_t n, cap;
    struct changed *changed; /* sorted likewise */
    size_t n_changed, cap_changed;
    bool sorted, full, many;
    uint64_t n_new, n_disk, n_pairs;
};

struct disk_views *disk_views_open(void)
{
    struct disk_views *v = calloc(1, sizeof *v);
    if (v)
        v->hasher = hasher_open(1u << HASH_SHA256);
    if (v && !v->hasher) {
        free(v);
        return NULL;
    }
    return v;
}

void disk_views_close(struct disk_views *v)
{
    if (!v)
        return;
    hasher_close(v->hasher);
    buf_free(&v->row);
    free(v->names);
    free(v->met);
    free(v->changed);
    free(v);
}

/* ---- keys ---------------------------------------------------------------- */

static void put64(struct buf *b, uint64_t x)
{
    char p[8];
    put_u64le(p, x);
    buf_put(b, (struct str){ p, sizeof p });
}

static void put_counted(struct buf *b, struct str s)
{
    put64(b, s.n);
    buf_put(b, s);
}

static struct key key_of(struct disk_views *v, struct str s)
{
    unsigned char hash[SHA256_LEN] = { 0 };
    struct key k;
    hasher_reset(v->hasher);
    hasher_add(v->hasher, s.p, s.n);
    hasher_end(v->hasher, HASH_SHA256, hash);
    memcpy(k.b, hash, sizeof k.b);
    return k;
}

/* False: out of memory. */
static bool row_key(struct disk_views *v, const struct fs_file *f,
                    struct key *k)
{
    const uint64_t numbers[] = { f->inode,     f->parent, f->type,   f->mode,
                                 f->uid,       f->gid,    f->links,  f->size,
                                 f->flags,     f->t_res,  f->device, f->found,
                                 f->confidence };
    const struct instant t[] = { f->m, f->a, f->c, f->b, f->d };
    struct buf *b = &v->row;
    buf_clear(b);
    put_counted(b, f->path);
    put_counted(b, f->link);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put64(b, numbers[i]);
    for (unsigned i = 0; i < 5; i++) {
        bool known = !(f->flags >> (4 + i) & 1);
        put64(b, known ? (uint64_t)t[i].s : 0);
        put64(b, known ? t[i].ns : 0);
    }
    for (size_t i = 0; i < f->n_xattrs; i++) {
        put_counted(b, f->xattrs[i].name);
        put_counted(b, f->xattrs[i].value);
    }
    *k = key_of(v, buf_str(b));
    return !b->failed;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct key)); /* the key is the first member */
}

static struct key *find_name(const struct disk_views *v, const struct key *k)
{
    return v->n ? bsearch(k, v->names, v->n, sizeof *v->names, by_key) : NULL;
}

static struct changed *find_changed(struct disk_views *v,
                                    const struct fs_file *f)
{
    struct key path = key_of(v, f->path);
    return v->n_changed ? bsearch(&path, v->changed, v->n_changed,
                                  sizeof *v->changed, by_key)
                        : NULL;
}

/* ---- as on disk ---------------------------------------------------------- */

/* All items are there; equal ones are one. */
static bool sort_names(struct disk_views *v)
{
    size_t k = 0;
    if (v->n)
        qsort(v->names, v->n, sizeof *v->names, by_key);
    for (size_t i = 0; i < v->n; i++)
        if (k == 0 || by_key(&v->names[i], &v->names[k - 1]) != 0)
            v->names[k++] = v->names[i];
    v->n = k;
    v->met = calloc(k / 8 + 1, 1);
    v->sorted = true;
    return v->met != NULL;
}

bool disk_views_add(struct disk_views *v, const struct fs_file *f)
{
    if (v->full)
        return true;
    if (v->n == DISK_VIEWS_NAMES_MAX) {
        v->full = true;
        v->n = 0;
        return true;
    }
    if (v->n == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 4096;
        struct key *p = realloc(v->names, cap * sizeof *p);
        if (!p)
            return false;
        v->names = p;
        v->cap = cap;
    }
    return row_key(v, f, &v->names[v->n++]);
}

/* ---- after the journal --------------------------------------------------- */

static bool keep_changed(struct disk_views *v, const struct fs_file *f)
{
    v->n_new++;
    v->many |= v->n_changed == DISK_VIEWS_CHANGED_MAX;
    if (v->many)
        return true;
    if (v->n_changed == v->cap_changed) {
        size_t cap = v->cap_changed ? v->cap_changed * 2 : 256;
        struct changed *p = realloc(v->changed, cap * sizeof *p);
        if (!p)
            return false;
        v->changed = p;
        v->cap_changed = cap;
    }
    v->changed[v->n_changed++] =
        (struct changed){ key_of(v, f->path),
                          f->flags & FS_FILE_NO_TIMES,
                          { f->m, f->a, f->c, f->b, f->d } };
    return true;
}

bool disk_views_meet(struct disk_views *v, const struct fs_file *f)
{
    struct key k;
    if (v->full)
        return true;
    if (!v->sorted && !sort_names(v))
        return false;
    if (!row_key(v, f, &k))
        return false;
    const struct key *name = find_name(v, &k);
    if (!name)
        return keep_changed(v, f);
    size_t i = (size_t)(name - v->names);
    v->met[i / 8] |= (unsigned char)(1u << i % 8);
    return true;
}

/* ---- answers ------------------------------------------------------------- */

static uint8_t same_times(const struct fs_file *f, const struct changed *c)
{
    const struct instant t[] = { f->m, f->a, f->c, f->b, f->d };
    uint8_t told = 0;
    for (unsigned i = 0; i < 5; i++)
        if (!((f->flags | c->flags) >> (4 + i) & 1) && t[i].s == c->t[i].s &&
            t[i].ns == c->t[i].ns)
            told |= (uint8_t)(1u << i);
    return told;
}

bool disk_views_same(struct disk_views *v, const struct fs_file *f,
                     uint8_t *told)
{
    struct key k;
    *told = 0;
    if (v->full || !v->met || !row_key(v, f, &k))
        return false;
    const struct key *name = find_name(v, &k);
    size_t i = name ? (size_t)(name - v->names) : 0;
    if (name && v->met[i / 8] >> i % 8 & 1)
        return true;
    v->n_disk++;
    if (v->n_disk == 1 && v->n_changed)
        qsort(v->changed, v->n_changed, sizeof *v->changed, by_key);
    const struct changed *c = find_changed(v, f);
    if (c) {
        v->n_pairs++;
        *told = same_times(f, c);
    }
    return false;
}

bool disk_views_new(struct disk_views *v, const struct fs_file *f)
{
    struct key k;
    return v->full || !row_key(v, f, &k) || !find_name(v, &k);
}

void disk_views_shrink(struct disk_views *v)
{
    free(v->changed);
    free(v->met);
    v->changed = NULL;
    v->met = NULL;
    v->n_changed = v->cap_changed = 0;
}

void disk_views_sum(const struct disk_views *v, struct disk_views_sums *out)
{
    uint64_t pairs = v->n_pairs < v->n_new ? v->n_pairs : v->n_new;
    *out = (struct disk_views_sums){
        .added = v->n_new - pairs,
        .removed = v->n_disk - v->n_pairs,
        .changed = pairs,
        .compared = !v->full,
        .changed_all = !v->many,
    };
}
