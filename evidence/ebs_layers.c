/* See the header. A layer is found by the snapshot that names say, else by
 * the folder. */
#include "evidence/ebs_layers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum { ISSUES_MAX = 1000 };

void *ebs_push(struct ebs_vec *v, size_t size)
{
    if (v->n == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 64, bytes;
        void *p = __builtin_mul_overflow(cap, size, &bytes)
                      ? NULL
                      : realloc(v->p, bytes);
        if (!p)
            return NULL;
        v->p = p;
        v->cap = cap;
    }
    return (char *)v->p + v->n++ * size;
}

void ebs_issue(struct ebs_info *in, bool error, const char *code, uint64_t off,
               uint64_t len, const char *fmt, ...)
{
    va_list ap;
    if (in->n_issues == ISSUES_MAX) {
        in->more_issues++;
        return;
    }
    if (!in->issues)
        in->issues = calloc(ISSUES_MAX, sizeof *in->issues);
    if (!in->issues) {
        in->more_issues++;
        return;
    }
    struct ebs_issue *i = &in->issues[in->n_issues++];
    *i = (struct ebs_issue){ .code = code, error, off, len };
    va_start(ap, fmt);
    vsnprintf(i->text, sizeof i->text, fmt, ap);
    va_end(ap);
}

void ebs_layers_free(struct ebs_layers *ls)
{
    for (size_t i = 0; i < ls->n; i++) {
        free(ls->layers[i].entries.p);
        free(ls->layers[i].files.p);
        free(ls->layers[i].sums.p);
    }
    ls->n = 0;
}

static struct str folder_of(struct str path)
{
    size_t n = path.n;
    while (n && path.p[n - 1] != '/')
        n--;
    return str_sub(path, 0, n);
}

static struct ebs_layer *find_layer(struct ebs_layers *ls, struct str key)
{
    for (size_t i = 0; i < ls->n; i++)
        if (str_eq(ls->layers[i].key, key))
            return &ls->layers[i];
    return NULL;
}

static struct ebs_layer *add_layer(struct ebs_layers *ls, struct str key,
                                   struct err *err)
{
    if (ls->n == EBS_LAYERS_MAX) {
        err_set(err, ERR_EVIDENCE, "EBS blocks of more than %d snapshots",
                EBS_LAYERS_MAX);
        return NULL;
    }
    struct ebs_layer *l = &ls->layers[ls->n++];
    *l = (struct ebs_layer){ .key = key };
    return l;
}

/* ---- blocks ------------------------------------------------------------- */

static int add_block(struct ebs_layers *ls, const struct ebs_name *name,
                     struct str path, size_t file, struct err *err)
{
    struct str key = name->snapshot.n ? name->snapshot : folder_of(path);
    struct ebs_layer *l = find_layer(ls, key);
    if (!l && !(l = add_layer(ls, key, err)))
        return ERR_EVIDENCE;
    if (name->index > UINT32_MAX || l->files.n >= EBS_BLOCKS_MAX)
        return err_set(err, ERR_EVIDENCE, "EBS blocks: %s: too many",
                       text_line(path));
    struct ebs_file *f = ebs_push(&l->files, sizeof *f);
    struct ebs_sum *s =
        f && name->has_sha256 ? ebs_push(&l->sums, sizeof *s) : NULL;
    if (!f || (name->has_sha256 && !s))
        return err_set(err, ERR_INTERNAL, "out of memory");
    *f = (struct ebs_file){ (uint32_t)name->index, (uint32_t)file };
    if (s) {
        *s = (struct ebs_sum){ .index = f->index };
        memcpy(s->sha256, name->sha256, sizeof s->sha256);
    }
    if (name->gib)
        l->gib = name->gib;
    if (name->block_size)
        l->block_size = name->block_size;
    return 0;
}

/* ---- listings ----------------------------------------------------------- */

static struct ebs_layer *layer_of_json(struct ebs_layers *ls,
                                       const struct ebs_name *name,
                                       struct str path, struct err *err)
{
    struct str folder = folder_of(path);
    struct ebs_layer *l = NULL;
    if (name->snapshot.n)
        l = find_layer(ls, name->snapshot);
    if (!l)
        l = find_layer(ls, folder);
    if (!l && ls->n == 1)
        l = &ls->layers[0];
    return l ? l
             : add_layer(ls, name->snapshot.n ? name->snapshot : folder, err);
}

static int add_json(struct ebs_layers *ls, const struct fileset *set, size_t i,
                    struct ebs_info *info, struct err *err)
{
    struct ebs_name name;
    struct str path = set->names[i];
    if (!ebs_name_parse(path, &name) || name.block)
        return 0;
    struct ebs_layer *l = layer_of_json(ls, &name, path, err);
    if (!l)
        return ERR_EVIDENCE;
    struct err why = { 0 };
    struct source *s = set->open(set->ctx, i, &why);
    if (!s || s->size > EBS_JSON_MAX) {
        ebs_issue(info, true, "ebs-json", 0, 0, "%s: %s", text_line(path),
                  s ? "too large for an answer" : why.what);
        source_close(s);
        return 0;
    }
    size_t got = 0;
    char *text = malloc(s->size ? (size_t)s->size : 1);
    int code = text ? source_read(s, 0, text, (size_t)s->size, &got, err)
                    : err_set(err, ERR_INTERNAL, "out of memory");
    bool damaged = s->n_gaps > 0;
    source_close(s);
    if (code == 0 && !ebs_listing_parse((struct str){ text, got }, &name, l))
        ebs_issue(info, false, "ebs-json", 0, 0,
                  "%s: not, or not wholly, an answer of the EBS direct APIs",
                  text_line(path));
    if (code == 0 && damaged)
        ebs_issue(info, true, "ebs-json", 0, 0, "%s: parts are unreadable",
                  text_line(path));
    free(text);
    return code;
}

/* ---- order -------------------------------------------------------------- */

static int order(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static int by_entry(const void *a, const void *b)
{
    const struct ebs_entry *x = a, *y = b;
    int c = order(x->index, y->index);
    return c ? c : order(x->kind, y->kind);
}

static int by_file(const void *a, const void *b)
{
    const struct ebs_file *x = a, *y = b;
    int c = order(x->index, y->index);
    return c ? c : order(x->file, y->file);
}

static int by_sum(const void *a, const void *b)
{
    const struct ebs_sum *x = a, *y = b;
    int c = order(x->index, y->index);
    return c ? c : memcmp(x->sha256, y->sha256, sizeof x->sha256);
}

/* The snapshot with a listing of its own is under those with changes. */
static int by_place(const void *a, const void *b)
{
    const struct ebs_layer *x = a, *y = b;
    int c = (int)x->changes - (int)y->changes;
    return c ? c : str_cmp(x->key, y->key);
}

static void sort_vec(struct ebs_vec *v, size_t size,
                     int (*cmp)(const void *, const void *))
{
    if (v->n)
        qsort(v->p, v->n, size, cmp);
}

/* One entry and one file for each block. */
static void unique(struct ebs_layer *l, const struct fileset *set,
                   struct ebs_info *info)
{
    struct ebs_entry *e = l->entries.p;
    struct ebs_file *f = l->files.p;
    size_t out = 0;
    for (size_t i = 0; i < l->entries.n; i++)
        if (out == 0 || e[out - 1].index != e[i].index)
            e[out++] = e[i];
    l->entries.n = out;
    out = 0;
    for (size_t i = 0; i < l->files.n; i++) {
        if (out == 0 || f[out - 1].index != f[i].index)
            f[out++] = f[i];
        else
            ebs_issue(info, true, "ebs-twice", 0, 0,
                      "block %u is there twice; %s is not used", f[i].index,
                      text_line(set->names[f[i].file]));
    }
    l->files.n = out;
}

int ebs_layers_load(struct ebs_layers *ls, const struct fileset *set,
                    struct ebs_info *info, struct err *err)
{
    struct ebs_name name;
    int code = 0;
    for (size_t i = 0; i < set->n && code == 0; i++)
        if (ebs_name_parse(set->names[i], &name) && name.block)
            code = add_block(ls, &name, set->names[i], i, err);
    for (size_t i = 0; i < set->n && code == 0; i++)
        code = add_json(ls, set, i, info, err);
    if (code)
        return code;
    qsort(ls->layers, ls->n, sizeof *ls->layers, by_place);
    for (size_t i = 0; i < ls->n; i++) {
        struct ebs_layer *l = &ls->layers[i];
        sort_vec(&l->entries, sizeof(struct ebs_entry), by_entry);
        sort_vec(&l->files, sizeof(struct ebs_file), by_file);
        sort_vec(&l->sums, sizeof(struct ebs_sum), by_sum);
        unique(l, set, info);
    }
    size_t whole = 0;
    for (size_t i = 0; i < ls->n; i++)
        whole += !ls->layers[i].changes;
    if (whole > 1)
        return err_set(err, ERR_EVIDENCE,
                       "blocks of %zu snapshots that are no changes of each "
                       "other: put each into a folder of its own",
                       whole);
    return 0;
}
