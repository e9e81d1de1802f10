#include "importers/supplement.h"

#include <stdlib.h>

enum { EXHIBITS_MAX = 1024 };

struct known {
    struct str path; /* of the exhibit */
    int64_t exhibits[EXHIBITS_MAX];
    size_t n_exhibits;
    struct arena arena;
    struct str *files;
    size_t n, cap;
};

static int add_exhibit(void *ctx, const struct exhibit *e)
{
    struct known *k = ctx;
    if (e->state == EXHIBIT_CLOSED && str_eq(e->path, k->path) &&
        k->n_exhibits < EXHIBITS_MAX)
        k->exhibits[k->n_exhibits++] = e->no;
    return 0;
}

static int add_file(void *ctx, const struct member *m)
{
    struct known *k = ctx;
    if (k->n && str_eq(k->files[k->n - 1], m->path))
        return 0; /* another member of the same file */
    if (k->n == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 256;
        struct str *files = realloc(k->files, cap * sizeof(*files));
        if (!files)
            return ERR_INTERNAL;
        k->files = files;
        k->cap = cap;
    }
    k->files[k->n] = arena_copy(&k->arena, m->path);
    return k->files[k->n++].p ? 0 : ERR_INTERNAL;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool is_known(const struct known *k, struct str path)
{
    return k->n && bsearch(&path, k->files, k->n, sizeof(path), by_bytes);
}

/* A set to which files came is read again as a whole. */
static bool file_known(const struct known *k, const struct found *f,
                       const struct found_file *file)
{
    bool known = is_known(k, file->path);
    for (uint32_t i = 0; known && file->set && i < file->n_segments; i++)
        known = is_known(k, f->names[found_name(file, i)]);
    return known;
}

static void keep_new(struct found *f, const struct known *k)
{
    size_t n = 0;
    f->bytes = 0;
    for (size_t i = 0; i < f->n_files; i++) {
        if (file_known(k, f, &f->files[i]))
            continue;
        f->bytes += f->files[i].size;
        f->files[n++] = f->files[i];
    }
    f->n_files = n;
}

static int find(struct casedb *c, struct known *k, struct found *f, int64_t *of,
                struct err *err)
{
    int rc = case_exhibits(c, add_exhibit, k, err);
    for (size_t i = 0; rc == 0 && i < k->n_exhibits; i++) {
        rc = case_members(c, k->exhibits[i], add_file, k, err);
        if (rc == ERR_INTERNAL)
            err_set(err, rc, "import: out of memory");
    }
    if (rc || k->n_exhibits == 0)
        return rc;
    *of = k->exhibits[0];
    if (k->n)
        qsort(k->files, k->n, sizeof(*k->files), by_bytes);
    keep_new(f, k);
    return f->n_files ? 0
                      : err_set(err, ERR_USAGE, "already in the case as X%lld",
                                (long long)*of);
}

int supplement_find(struct casedb *c, struct str path, struct found *f,
                    int64_t *of, struct err *err)
{
    struct known *k = calloc(1, sizeof(*k));
    *of = 0;
    if (!k)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    k->path = path;
    int rc = find(c, k, f, of, err);
    free(k->files);
    arena_free(&k->arena);
    free(k);
    return rc;
}
