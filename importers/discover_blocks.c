/*
 * Folders of EBS blocks: by names and lengths of their files (evidence/ebs.h
 * knows the names; docs/formats/ebs.md tells the rules). A folder whose
 * listings lie above it, and folders of changes beside the one that they
 * change, are one set with the folder above.
 */
#include "importers/discover_sets.h"

#include <stdlib.h>

#include "evidence/ebs.h"

enum { BARE_MIN = 8 };

struct folder {
    struct str path; /* "" or with its slash */
    size_t first, n; /* in struct blocks.order */
    size_t blocks, odd, bare, json, others;
    bool changes; /* called so, or a listing is */
    bool candidate;
    size_t root; /* folder whose set it is of; itself at first */
};

struct blocks {
    struct found *f;
    uint32_t *order; /* names, by folder */
    struct folder *folders;
    size_t n;
};

static struct str folder_of(struct str path)
{
    size_t n = path.n;
    while (n && path.p[n - 1] != '/')
        n--;
    return str_sub(path, 0, n);
}

static struct str above(struct str folder)
{
    return folder_of(str_sub(folder, 0, folder.n ? folder.n - 1 : 0));
}

/* qsort has no context: the names are sorted by path, so that the folder
 * decides first and the number after it. */
struct placed {
    struct str folder;
    uint32_t name;
};

static int by_folder(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    int c = str_cmp(x->folder, y->folder);
    return c ? c : x->name < y->name ? -1 : x->name > y->name;
}

static void count(struct folder *d, struct str path, uint64_t size)
{
    struct ebs_name e;
    bool changed =
        str_ifind(str_sub(path, d->path.n, path.n), STR("changed")) != SIZE_MAX;
    if (!ebs_name_parse(path, &e)) {
        d->others++;
        return;
    }
    if (!e.block) {
        d->json++;
        d->changes |= changed;
        return;
    }
    bool fits = size == (e.block_size ? e.block_size : EBS_BLOCK);
    d->blocks += fits;
    d->odd += !fits;
    d->bare += e.bare;
}

static int collect(struct blocks *b, struct err *err)
{
    struct found *f = b->f;
    struct placed *p = calloc(f->n_names + 1, sizeof(*p));
    b->order = calloc(f->n_names + 1, sizeof(*b->order));
    b->folders = calloc(f->n_names + 1, sizeof(*b->folders));
    if (!p || !b->order || !b->folders) {
        free(p);
        return err_set(err, ERR_INTERNAL, "discovery: out of memory");
    }
    for (size_t i = 0; i < f->n_names; i++)
        p[i] = (struct placed){ folder_of(f->names[i]), (uint32_t)i };
    qsort(p, f->n_names, sizeof(*p), by_folder);
    for (size_t i = 0; i < f->n_names; i++) {
        struct folder *d = &b->folders[b->n ? b->n - 1 : 0];
        if (i == 0 || !str_eq(d->path, p[i].folder)) {
            d = &b->folders[b->n++];
            *d = (struct folder){ .path = p[i].folder,
                                  .first = i,
                                  .root = b->n - 1 };
            struct str last = str_sub(d->path, above(d->path).n, d->path.n);
            d->changes = str_ifind(last, STR("changed")) != SIZE_MAX;
        }
        d->n++;
        b->order[i] = p[i].name;
        count(d, f->names[p[i].name], f->files[p[i].name].size);
    }
    free(p);
    return 0;
}

static struct folder *find(struct blocks *b, struct str path)
{
    size_t lo = 0, hi = b->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (str_cmp(b->folders[mid].path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < b->n && str_eq(b->folders[lo].path, path) ? &b->folders[lo]
                                                          : NULL;
}

/* A folder above without files is in no list: its set is named by it. */
static struct folder *parent_of(struct blocks *b, const struct folder *d)
{
    return d->path.n ? find(b, above(d->path)) : NULL;
}

static bool is_candidate(struct blocks *b, const struct folder *d)
{
    const struct folder *up = parent_of(b, d);
    bool told = d->json || (up && up->json);
    if (d->blocks == 0 || d->blocks <= d->odd)
        return false;
    if (d->bare == 0 || told)
        return true;
    return d->blocks >= BARE_MIN && d->blocks > 3 * (d->odd + d->others);
}

/* Folders beside each other, one of which holds changes, lie over each
 * other: their set is called after the first one's folder above. */
static void join_changes(struct blocks *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct folder *d = &b->folders[i];
        struct folder *up = parent_of(b, d);
        if (!d->candidate || d->path.n == 0 || (up && up->candidate))
            continue;
        bool changes = d->changes || (up && up->changes);
        for (size_t k = i + 1; k < b->n && !changes; k++)
            changes = b->folders[k].candidate && b->folders[k].changes &&
                      str_eq(above(b->folders[k].path), above(d->path));
        for (size_t k = i + 1; k < b->n && changes; k++)
            if (b->folders[k].candidate && b->folders[k].root == k &&
                str_eq(above(b->folders[k].path), above(d->path)))
                b->folders[k].root = d->root;
    }
}

/* What of a folder belongs to a set. */
static bool takes(struct str name, bool answers_only)
{
    struct ebs_name e;
    return ebs_name_parse(name, &e) && (!e.block || !answers_only);
}

static size_t take(struct blocks *b, const struct folder *d, bool answers_only,
                   uint32_t *list, size_t at, bool *taken)
{
    for (size_t i = 0; i < d->n; i++) {
        uint32_t name = b->order[d->first + i];
        if (taken[name] || !takes(b->f->names[name], answers_only))
            continue;
        taken[name] = true;
        list[at++] = name;
    }
    return at;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int make_set(struct blocks *b, size_t root, bool *taken, struct err *err)
{
    struct found *f = b->f;
    struct folder *d = &b->folders[root], *up = parent_of(b, d);
    size_t n = up ? up->n : 0, joined = 0, at = 0;
    for (size_t k = root; k < b->n; k++)
        if (b->folders[k].root == root && b->folders[k].candidate) {
            n += b->folders[k].n;
            joined++;
        }
    uint32_t *list = arena_array(&f->arena, n, sizeof(*list));
    if (!list)
        return err_set(err, ERR_INTERNAL, "discovery: out of memory");
    for (size_t k = root; k < b->n; k++)
        if (b->folders[k].root == root && b->folders[k].candidate)
            at = take(b, &b->folders[k], false, list, at, taken);
    bool outer = up && up->json && !up->candidate && (joined > 1 || !d->json);
    if (outer)
        at = take(b, up, true, list, at, taken);
    qsort(list, at, sizeof(*list), by_number);
    struct str path = joined > 1 || outer ? above(d->path) : d->path;
    struct found_file *file = &f->files[list[0]];
    taken[list[0]] = false;
    for (size_t i = 1; i < at; i++)
        file->size += f->files[list[i]].size;
    file->path = path.n ? path : STR("./");
    file->list = list;
    file->n_segments = (uint32_t)at;
    file->set = true;
    return 0;
}

int discover_blocks(struct found *f, bool *taken, struct err *err)
{
    struct blocks b = { .f = f };
    int rc = f->n_names ? collect(&b, err) : 0;
    for (size_t i = 0; i < b.n && rc == 0; i++)
        b.folders[i].candidate = is_candidate(&b, &b.folders[i]);
    if (rc == 0)
        join_changes(&b);
    for (size_t i = 0; i < b.n && rc == 0; i++)
        if (b.folders[i].candidate && b.folders[i].root == i)
            rc = make_set(&b, i, taken, err);
    free(b.order);
    free(b.folders);
    return rc;
}
