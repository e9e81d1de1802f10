/* A block set as a source: the layers merged into one map of blocks; each
 * block is checked when it is first read. */
#include "evidence/ebs.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/text.h"
#include "evidence/archive.h"
#include "evidence/ebs_layers.h"

enum {
    BLOCK_MIN = 4096,
    BLOCK_MAX = 16 << 20,
    CACHE = 16, /* blocks kept */
    GIB_MAX = 65536,
};

enum block_state { BLOCK_NEW, BLOCK_GOOD, BLOCK_BAD };

struct block {
    uint32_t index, file; /* file: EBS_NO_FILE = listed and not there */
    uint16_t layer;
    uint8_t state;
};

struct ebs_state {
    struct ebs_info info;
    struct fileset set; /* names and files */
    struct source *own; /* the set over an archive's members; or NULL */
    struct ebs_layers layers;
    struct block *blocks; /* by index */
    size_t n;
    uint64_t size;
    struct {
        uint64_t at; /* index + 1, 0 = none */
        unsigned char *bytes;
    } cache[CACHE];
};

static void state_free(struct ebs_state *e)
{
    if (!e)
        return;
    ebs_layers_free(&e->layers);
    source_close(e->own);
    for (size_t i = 0; i < CACHE; i++)
        free(e->cache[i].bytes);
    free(e->blocks);
    free(e->info.issues);
    free(e);
}

/* ---- merging ------------------------------------------------------------ */

static uint32_t file_of(const struct ebs_layer *l, uint32_t index)
{
    const struct ebs_file *f = l->files.p;
    size_t lo = 0, hi = l->files.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (f[mid].index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < l->files.n && f[lo].index == index ? f[lo].file : EBS_NO_FILE;
}

/* Entry k of a layer as a block; a layer without a listing has its files. */
static bool layer_block(const struct ebs_layer *l, size_t k, struct block *b)
{
    const struct ebs_entry *e = l->entries.p;
    const struct ebs_file *f = l->files.p;
    if (!l->listing) {
        *b = (struct block){ .index = f[k].index, .file = f[k].file };
        return true;
    }
    *b = (struct block){ .index = e[k].index, .file = file_of(l, e[k].index) };
    return e[k].kind == EBS_LISTED;
}

/* The layer's blocks over those there are: latest wins. */
static int merge(struct ebs_state *e, size_t which, struct err *err)
{
    const struct ebs_layer *l = &e->layers.layers[which];
    size_t n = l->listing ? l->entries.n : l->files.n, k = 0, i = 0, out = 0;
    struct block *all = calloc(e->n + n + 1, sizeof *all), b;
    if (!all)
        return err_set(err, ERR_INTERNAL, "out of memory");
    while (i < e->n || k < n) {
        bool there = k < n && layer_block(l, k, &b);
        if (k == n || (i < e->n && e->blocks[i].index < b.index)) {
            all[out++] = e->blocks[i++];
            continue;
        }
        if (i < e->n && e->blocks[i].index == b.index)
            i++;
        b.layer = (uint16_t)which;
        if (there)
            all[out++] = b;
        k++;
    }
    free(e->blocks);
    e->blocks = all;
    e->n = out;
    return 0;
}

/* ---- what is missing ---------------------------------------------------- */

static void range_issue(struct ebs_state *e, const char *code, const char *what,
                        uint64_t first, uint64_t last)
{
    uint64_t bs = e->info.block_size;
    if (first == last)
        ebs_issue(&e->info, true, code, first * bs, bs, "block %llu %s",
                  (unsigned long long)first, what);
    else
        ebs_issue(&e->info, true, code, first * bs, (last - first + 1) * bs,
                  "blocks %llu to %llu %s", (unsigned long long)first,
                  (unsigned long long)last, what);
}

static void name_missing(struct ebs_state *e)
{
    for (size_t i = 0; i < e->n; i++) {
        size_t first = i;
        if (e->blocks[i].file != EBS_NO_FILE)
            continue;
        while (i + 1 < e->n && e->blocks[i + 1].file == EBS_NO_FILE &&
               e->blocks[i + 1].index == e->blocks[i].index + 1)
            i++;
        e->info.missing += i - first + 1;
        range_issue(e, "ebs-missing", "listed, and not in the evidence",
                    e->blocks[first].index, e->blocks[i].index);
    }
}

static bool listed(const struct ebs_layer *l, uint32_t index)
{
    const struct ebs_entry *x = l->entries.p;
    size_t lo = 0, hi = l->entries.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (x[mid].index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < l->entries.n && x[lo].index == index &&
           x[lo].kind == EBS_LISTED;
}

static void name_extra(struct ebs_state *e, const struct ebs_layer *l)
{
    const struct ebs_file *f = l->files.p;
    for (size_t i = 0; l->listing && i < l->files.n; i++) {
        if (listed(l, f[i].index))
            continue;
        e->info.extra++;
        ebs_issue(&e->info, true, "ebs-extra",
                  (uint64_t)f[i].index * e->info.block_size, e->info.block_size,
                  "block %u (%s) is not in the listing and not used",
                  f[i].index, text_line(e->set.names[f[i].file]));
    }
}

/* ---- sizes -------------------------------------------------------------- */

static int take_sizes(struct ebs_state *e, struct err *err)
{
    uint64_t bs = 0, gib = 0, end = 0;
    for (size_t i = 0; i < e->layers.n; i++) {
        const struct ebs_layer *l = &e->layers.layers[i];
        if (l->block_size && bs && l->block_size != bs)
            return err_set(err, ERR_EVIDENCE,
                           "EBS blocks of different sizes: %llu and %u bytes",
                           (unsigned long long)bs, l->block_size);
        bs = l->block_size ? l->block_size : bs;
        gib = l->gib ? l->gib : gib;
    }
    bs = bs ? bs : EBS_BLOCK;
    if (bs < BLOCK_MIN || bs > BLOCK_MAX || (bs & (bs - 1)) || gib > GIB_MAX)
        return err_set(err, ERR_EVIDENCE,
                       "EBS blocks of %llu bytes, volume of %llu GiB",
                       (unsigned long long)bs, (unsigned long long)gib);
    e->info.block_size = (uint32_t)bs;
    if (e->n)
        end = ((uint64_t)e->blocks[e->n - 1].index + 1) * bs;
    e->size = gib << 30;
    if (gib == 0) {
        e->size = end;
        ebs_issue(&e->info, false, "ebs-size", 0, 0,
                  "nothing says how large the volume is; it is taken to end "
                  "with its last block");
    }
    size_t keep = e->n;
    while (keep && ((uint64_t)e->blocks[keep - 1].index + 1) * bs > e->size)
        keep--;
    if (keep < e->n)
        ebs_issue(&e->info, true, "ebs-beyond",
                  (uint64_t)e->blocks[keep].index * bs, 0,
                  "%zu blocks lie behind the end of the volume and are not "
                  "used",
                  e->n - keep);
    e->n = keep;
    return 0;
}

static const char *key_text(const struct ebs_layer *l)
{
    return l->key.n ? text_line(l->key) : "the snapshot";
}

static void say_listings(struct ebs_state *e)
{
    const struct ebs_layer *base = &e->layers.layers[0];
    if (base->changes)
        ebs_issue(&e->info, true, "ebs-no-base", 0, e->size,
                  "changes only: the blocks of the snapshot before are not in "
                  "the evidence");
    for (size_t i = 0; i < e->layers.n; i++) {
        const struct ebs_layer *l = &e->layers.layers[i];
        e->info.pages += l->pages;
        if (!l->listing)
            ebs_issue(&e->info, true, "ebs-no-list", 0, e->size,
                      "%s: no listing: blocks that are missing cannot be told "
                      "from zeros",
                      key_text(l));
        else if (l->pages && l->open_pages == l->pages)
            ebs_issue(&e->info, true, "ebs-list-incomplete", 0, 0,
                      "%s: the listing goes on (NextToken) in a page that is "
                      "not in the evidence",
                      key_text(l));
        else
            continue;
        e->info.complete = false;
    }
}

/* ---- reading ------------------------------------------------------------ */

/* The first block from index on: its place among all. */
static size_t block_from(const struct ebs_state *e, uint64_t index)
{
    size_t lo = 0, hi = e->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (e->blocks[mid].index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct block *find_block(struct ebs_state *e, uint64_t index)
{
    size_t i = block_from(e, index);
    return i < e->n && e->blocks[i].index == index ? &e->blocks[i] : NULL;
}

/* Sums of a block: there may be several (a name and an answer). */
static const struct ebs_sum *sums_of(const struct ebs_layer *l, uint32_t index,
                                     size_t *n)
{
    const struct ebs_sum *s = l->sums.p;
    size_t lo = 0, hi = l->sums.n, k;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s[mid].index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (k = lo; k < l->sums.n && s[k].index == index;)
        k++;
    *n = k - lo;
    return lo ? s + lo : s; /* s may be NULL */
}

static void bad(struct source *s, struct block *b, const char *code,
                const char *what)
{
    struct ebs_state *e = s->state;
    uint64_t bs = e->info.block_size, off = b->index * bs;
    b->state = BLOCK_BAD;
    source_add_gap(s, off, bs, GAP_UNREADABLE);
    ebs_issue(&e->info, true, code, off, bs, "block %u (%s): %s", b->index,
              text_line(e->set.names[b->file]), what);
}

static void check_sums(struct source *s, struct block *b,
                       const unsigned char *bytes)
{
    struct ebs_state *e = s->state;
    unsigned char have[SHA256_LEN];
    size_t n;
    const struct ebs_sum *sums =
        sums_of(&e->layers.layers[b->layer], b->index, &n);
    b->state = BLOCK_GOOD;
    e->info.unchecked += n == 0;
    if (n == 0)
        return;
    hash_sha256((struct str){ (const char *)bytes, e->info.block_size }, have);
    for (size_t i = 0; i < n && b->state == BLOCK_GOOD; i++)
        if (memcmp(have, sums[i].sha256, SHA256_LEN) != 0) {
            e->info.altered++;
            bad(s, b, "digest-differs", "its SHA-256 is not the stated one");
        }
}

/* The whole block, checked the first time. */
static void load(struct source *s, struct block *b, unsigned char *bytes)
{
    struct ebs_state *e = s->state;
    size_t bs = e->info.block_size, got = 0;
    struct err why = { 0 };
    struct source *f = e->set.open(e->set.ctx, b->file, &why);
    if (!f) {
        bad(s, b, "ebs-unreadable", why.what);
    } else if (f->size != bs) {
        bad(s, b, "ebs-block-size", "its length is not that of a block");
    } else if (source_read(f, 0, bytes, bs, &got, NULL) || got < bs ||
               f->n_gaps) {
        bad(s, b, "ebs-unreadable", "it cannot be read to its end");
    } else if (b->state == BLOCK_NEW) {
        check_sums(s, b, bytes);
    }
    source_close(f);
}

static const unsigned char *block_bytes(struct source *s, struct block *b)
{
    struct ebs_state *e = s->state;
    size_t slot = b->index % CACHE;
    if (b->file == EBS_NO_FILE || b->state == BLOCK_BAD)
        return NULL;
    if (e->cache[slot].at != (uint64_t)b->index + 1) {
        e->cache[slot].at = 0;
        if (!e->cache[slot].bytes)
            e->cache[slot].bytes = malloc(e->info.block_size);
        if (!e->cache[slot].bytes) {
            bad(s, b, "ebs-unreadable", "out of memory");
            return NULL;
        }
        load(s, b, e->cache[slot].bytes);
        if (b->state == BLOCK_BAD)
            return NULL;
        e->cache[slot].at = (uint64_t)b->index + 1;
    }
    return e->cache[slot].bytes;
}

static int ebs_read(struct source *s, uint64_t off, void *buf, size_t n,
                    struct err *err)
{
    struct ebs_state *e = s->state;
    uint64_t bs = e->info.block_size;
    char *p = buf;
    (void)err;
    while (n > 0) {
        size_t in = (size_t)(off % bs), part = (size_t)bs - in;
        struct block *b = find_block(e, off / bs);
        const unsigned char *bytes = b ? block_bytes(s, b) : NULL;
        if (part > n)
            part = n;
        if (bytes)
            memcpy(p, bytes + in, part);
        else /* zeros, or a gap that is known by now */
            memset(p, 0, part);
        p += part;
        off += part;
        n -= part;
    }
    return 0;
}

static void ebs_close(struct source *s)
{
    state_free(s->state);
}

/* What has no block is zeros, or a gap that is known by now. */
static uint64_t ebs_next_data(struct source *s, uint64_t off, uint64_t *end)
{
    const struct ebs_state *e = s->state;
    uint64_t bs = e->info.block_size;
    size_t i = block_from(e, off / bs);
    while (i < e->n && e->blocks[i].file == EBS_NO_FILE)
        i++;
    if (i == e->n)
        return s->size;
    uint64_t at = e->blocks[i].index * bs;
    *end = at + bs;
    return at > off ? at : off;
}

static const struct source_ops ebs_ops = { .read = ebs_read,
                                           .close = ebs_close,
                                           .next_data = ebs_next_data };

/* Ranges that were not recorded: listed and not there; and, where no complete
 * listing says that they are zeros, all that have no block. */
static void known_gaps(struct source *s)
{
    struct ebs_state *e = s->state;
    const struct ebs_layer *base = &e->layers.layers[0];
    uint64_t bs = e->info.block_size, next = 0;
    const struct ebs_entry *x = base->entries.p;
    bool open_end = base->pages && base->open_pages == base->pages;
    bool unknown = base->changes || !base->listing;
    uint64_t from = unknown ? 0
                    : open_end && base->entries.n
                        ? x[base->entries.n - 1].index + 1ull
                    : open_end ? 0
                               : UINT64_MAX;
    for (size_t i = 0; i < e->n; i++) {
        const struct block *b = &e->blocks[i];
        uint64_t start = next > from ? next : from;
        if (start < b->index)
            source_add_gap(s, start * bs, (b->index - start) * bs, GAP_ABSENT);
        if (b->file == EBS_NO_FILE)
            source_add_gap(s, b->index * bs, bs, GAP_ABSENT);
        next = b->index + 1ull;
    }
    uint64_t start = next > from ? next : from;
    if (start < s->size / bs)
        source_add_gap(s, start * bs, s->size - start * bs, GAP_ABSENT);
}

/* ---- opening ------------------------------------------------------------ */

/* The members of an archive as a set. */
struct packed {
    struct source *archive;
    enum archive_kind kind;
    struct members members;
    struct str *names;
    size_t *which;
};

static struct source *packed_open(void *ctx, size_t i, struct err *err)
{
    struct packed *p = ctx;
    return members_open(p->archive, p->kind, &p->members.members[p->which[i]],
                        err);
}

static void packed_close(void *ctx)
{
    struct packed *p = ctx;
    members_free(&p->members);
    free(p->names);
    free(p->which);
    free(p);
}

static struct source *packed_set(struct source *s, struct err *err)
{
    char head[1024], tail[4096];
    size_t h = 0, t = 0;
    struct packed *p = calloc(1, sizeof *p);
    struct fileset set = { .open = packed_open, .close = packed_close };
    uint64_t at = s->size > sizeof tail ? s->size - sizeof tail : 0;
    if (!p) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    int code = source_read(s, 0, head, sizeof head, &h, err);
    if (code == 0)
        code = source_read(s, at, tail, sizeof tail, &t, err);
    p->archive = s;
    p->kind =
        members_recognise((struct str){ head, h }, (struct str){ tail, t });
    if (code == 0 && p->kind == ARCHIVE_NONE)
        code = err_set(err, ERR_EVIDENCE, "neither blocks nor an archive");
    if (code == 0)
        code = members_list(s, p->kind, &p->members, err);
    p->names = calloc(p->members.n + 1, sizeof *p->names);
    p->which = calloc(p->members.n + 1, sizeof *p->which);
    if (code == 0 && (!p->names || !p->which))
        code = err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; code == 0 && i < p->members.n; i++)
        if (p->members.members[i].type == ARCHIVE_FILE) {
            p->names[set.n] = p->members.members[i].name;
            p->which[set.n++] = i;
        }
    if (code) {
        packed_close(p);
        return NULL;
    }
    set.names = p->names;
    set.ctx = p;
    return fileset_make(&set, err);
}

static int build(struct ebs_state *e, struct err *err)
{
    struct ebs_info *in = &e->info;
    int code = ebs_layers_load(&e->layers, &e->set, in, err);
    if (code == 0 && e->layers.n == 0)
        code = err_set(err, ERR_EVIDENCE, "no blocks of EBS");
    for (size_t i = 0; i < e->layers.n && code == 0; i++)
        code = merge(e, i, err);
    if (code == 0)
        code = take_sizes(e, err);
    if (code)
        return code;
    in->complete = true;
    in->layers = e->layers.n;
    in->listed = e->n;
    in->files = e->set.n;
    snprintf(in->snapshot, sizeof in->snapshot, "%s",
             text_line(e->layers.layers[e->layers.n - 1].key));
    say_listings(e);
    name_missing(e);
    for (size_t i = 0; i < e->layers.n; i++)
        name_extra(e, &e->layers.layers[i]);
    return 0;
}

struct source *ebs_open(struct source *s, struct err *err)
{
    struct ebs_state *e = calloc(1, sizeof *e);
    if (!e) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    const struct fileset *set = fileset_of(s);
    if (!set) {
        e->own = packed_set(s, err);
        set = e->own ? fileset_of(e->own) : NULL;
    }
    if (set)
        e->set = *set;
    if (!set || build(e, err)) {
        state_free(e);
        return NULL;
    }
    struct source *top = source_make(&ebs_ops, e, e->size, s, "ebs", err);
    if (top)
        known_gaps(top);
    return top;
}

const struct ebs_info *ebs_info(const struct source *s)
{
    const struct ebs_state *e = s->state;
    return s->ops == &ebs_ops ? &e->info : NULL;
}
