#include "evidence/fs_content.h"

#include <stdlib.h>

size_t fs_run_after(const struct fs_run *runs, size_t n, uint64_t logical)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (runs[mid].logical + runs[mid].n <= logical)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool fs_runs_touch_gap(const struct source *vol, uint32_t block,
                       const struct fs_run *runs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t off = runs[i].physical * block, len = runs[i].n * block;
        if (runs[i].kind == FS_RUN_DATA &&
            (off + len > vol->size || source_gap_in(vol, off, len)))
            return true;
    }
    return false;
}

static int run_read(struct source *s, const struct fs_content *c,
                    const struct fs_run *r, uint64_t off, void *p, size_t n,
                    struct err *err)
{
    if (r->kind != FS_RUN_DATA) {
        memset(p, 0, n);
        return 0;
    }
    uint64_t at = r->physical * c->block + (off - r->logical * c->block);
    return source_read_below(s, at, off, p, n, err);
}

static int content_read(struct source *s, uint64_t off, void *buf, size_t n,
                        struct err *err)
{
    const struct fs_content *c = s->state;
    char *p = buf;
    int code = 0;
    if (c->is_inline) {
        struct str part = str_sub(buf_str(&c->inlined), (size_t)off, n);
        memset(p, 0, n);
        if (part.n)
            memcpy(p, part.p, part.n);
        return 0;
    }
    size_t i = fs_run_after(c->runs, c->n, off / c->block);
    for (; n > 0 && !code; i++) {
        const struct fs_run *r = i < c->n ? &c->runs[i] : NULL;
        uint64_t start = r ? r->logical * c->block : UINT64_MAX;
        if (off < start) { /* a hole */
            size_t part = start - off < n ? (size_t)(start - off) : n;
            memset(p, 0, part);
            p += part;
            off += part;
            n -= part;
        }
        if (n == 0 || !r)
            break;
        uint64_t have = start + r->n * c->block - off;
        size_t part = have < n ? (size_t)have : n;
        code = run_read(s, c, r, off, p, part, err);
        p += part;
        off += part;
        n -= part;
    }
    return code;
}

static void content_free(struct fs_content *c)
{
    free(c->runs);
    buf_free(&c->inlined);
}

static void content_close(struct source *s)
{
    content_free(s->state);
    free(s->state);
}

static const struct source_ops content_ops = { .read = content_read,
                                               .close = content_close };

const struct fs_content *fs_content_of(const struct source *s)
{
    return s->ops == &content_ops ? s->state : NULL;
}

static void add_gaps(struct source *s, const struct fs_content *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->runs[i].kind == FS_RUN_BAD)
            source_add_gap(s, c->runs[i].logical * c->block,
                           c->runs[i].n * c->block, GAP_UNREADABLE);
    if (c->is_inline && c->inlined.n < s->size)
        source_add_gap(s, c->inlined.n, s->size - c->inlined.n, GAP_UNREADABLE);
}

struct source *fs_content_open(struct source *vol, struct fs_content *c,
                               uint64_t inode, uint64_t size, struct err *err)
{
    struct fs_content *own = malloc(sizeof *own);
    struct buf layer = { 0 };
    buf_put(&layer, STR("ino/"));
    buf_put_u64(&layer, inode);
    buf_putc(&layer, '\0');
    if (!own || layer.failed) {
        content_free(c);
        free(own);
        buf_free(&layer);
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    *own = *c;
    struct source *s = source_make(&content_ops, own, size, vol, layer.p, err);
    buf_free(&layer);
    if (s)
        add_gaps(s, own);
    return s;
}
