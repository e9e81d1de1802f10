/* The lists of a batch: what waits to be written. */
#include "casedb/batch.h"

#include <stdlib.h>

void *batch_grow(void *list, size_t *cap, size_t n, size_t size)
{
    if (n < *cap)
        return list;
    size_t want = *cap ? *cap * 2 : 64, bytes;
    if (__builtin_mul_overflow(want, size, &bytes))
        return NULL;
    void *p = realloc(list, bytes);
    if (p)
        *cap = want;
    return p;
}

void batch_reset(struct batch *b)
{
    b->n = 0;
    b->n_entities = b->n_members = b->n_issues = b->n_sightings = 0;
    b->n_facts = b->n_embedded = b->n_files = b->n_xattrs = 0;
    b->n_packages = b->n_package_files = 0;
    buf_clear(&b->heap);
    arena_reset(&b->arena);
}

void batch_free(struct batch *b)
{
    free(b->rows);
    free(b->entities);
    free(b->members);
    free(b->issues);
    free(b->sightings);
    free(b->facts);
    free(b->embedded);
    free(b->files);
    free(b->xattrs);
    free(b->packages);
    free(b->package_files);
    buf_free(&b->heap);
    arena_free(&b->arena);
    *b = (struct batch){ 0 };
}

static bool copy_texts(struct arena *a, struct str *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        *texts[i] = arena_copy(a, *texts[i]);
        if (!texts[i]->p)
            return false;
    }
    return true;
}

bool batch_add_package(struct batch *b, int64_t member,
                       const struct intake_package *p)
{
    struct batch_package *row = BATCH_PUSH(b, packages);
    if (!row)
        return false;
    *row = (struct batch_package){ member, *p };
    struct str *texts[] = { &row->p.version, &row->p.arch, &row->p.vendor,
                            &row->p.signer, &row->p.state };
    return copy_texts(&b->arena, texts, sizeof(texts) / sizeof(*texts));
}

bool batch_add_package_file(struct batch *b, int64_t member,
                            const struct intake_package_file *f)
{
    struct batch_package_file *row = BATCH_PUSH(b, package_files);
    if (!row)
        return false;
    *row = (struct batch_package_file){ member, *f };
    struct str *texts[] = { &row->f.owner, &row->f.group, &row->f.digest,
                            &row->f.link_target };
    return copy_texts(&b->arena, texts, sizeof(texts) / sizeof(*texts));
}
