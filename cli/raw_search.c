/* Searching in all bytes of a case; see raw.h. */
#include "cli/raw.h"

#include <stdlib.h>

#include "base/text.h"
#include "casedb/files.h"

enum { VOLUMES = 256 };

/* Members are kept: the case is used while they are gone through. */
struct members {
    struct member *list;
    const struct member **by_layers;
    size_t n, cap;
    struct arena arena;
};

struct scanning {
    struct raw *r;
    struct raw_search *s;
    struct members all;
    const struct member *m; /* at work */
    struct str volumes[VOLUMES];
    size_t n_volumes;
    struct arena arena; /* of the member at work */
    struct progress_state at;
};

/* ---- members ------------------------------------------------------------- */

static int keep_member(void *ctx, const struct member *m)
{
    struct members *s = ctx;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 256;
        struct member *more = realloc(s->list, cap * sizeof(*more));
        if (!more)
            return ERR_INTERNAL;
        s->list = more;
        s->cap = cap;
    }
    struct member *k = &s->list[s->n++];
    *k = *m;
    k->path = arena_copy(&s->arena, m->path);
    k->layers = arena_copy(&s->arena, m->layers);
    k->format = arena_copy(&s->arena, m->format);
    k->sha256 = STR_NONE;
    return k->path.p && k->layers.p && k->format.p ? 0 : ERR_INTERNAL;
}

static int by_layers(const void *a, const void *b)
{
    const struct member *x = *(const struct member *const *)a;
    const struct member *y = *(const struct member *const *)b;
    int c = x->exhibit < y->exhibit ? -1 : x->exhibit > y->exhibit;
    if (c == 0)
        c = str_cmp(x->path, y->path);
    return c ? c : str_cmp(x->layers, y->layers);
}

static int load_members(struct scanning *k, struct err *err)
{
    struct members *a = &k->all;
    int rc = case_members(k->r->files.c, k->s->exhibit, keep_member, a, err);
    if (rc == 0) {
        a->by_layers = malloc((a->n + 1) * sizeof(*a->by_layers));
        rc = a->by_layers ? 0 : ERR_INTERNAL;
    }
    if (rc)
        return rc == ERR_INTERNAL ? err_set(err, rc, "out of memory") : rc;
    for (size_t i = 0; i < a->n; i++)
        a->by_layers[i] = &a->list[i];
    if (a->n)
        qsort(a->by_layers, a->n, sizeof(*a->by_layers), by_layers);
    return 0;
}

static const struct member *member_of(const struct scanning *k,
                                      const struct member *place)
{
    const struct member **found =
        k->all.n ? bsearch(&place, k->all.by_layers, k->all.n,
                           sizeof(*k->all.by_layers), by_layers)
                 : NULL;
    return found ? *found : NULL;
}

/* The last layer is a file of a file system: its bytes are the medium's. */
static bool plain_inside(struct str layers)
{
    size_t at = layers.n;
    while (at && layers.p[at - 1] != '!')
        at--;
    struct str last = str_sub(layers, at, layers.n);
    return at &&
           (str_starts(last, STR("fs/")) || str_starts(last, STR("ino/")));
}

static bool is_disk(const struct member *m)
{
    return str_eq(m->format, STR("disk"));
}

/* A part of what another member is: the blocks of a disk, its other view. */
static bool left_out(const struct member *m)
{
    return str_eq(m->format, STR("ebs-file")) || plain_inside(m->layers) ||
           (is_disk(m) && str_ends(m->layers, STR("!journal")));
}

/* ---- hits ---------------------------------------------------------------- */

static bool stopped(struct scanning *k)
{
    return k->r->progress && progress_tell(k->r->progress, &k->at);
}

static int give(struct scanning *k, const struct raw_hit *h)
{
    k->at.items++;
    return stopped(k) ? ERR_STOPPED : k->s->hit(k->s->ctx, h);
}

static int plain_hit(void *ctx, const struct reader_hit *h)
{
    struct scanning *k = ctx;
    const struct raw_hit hit = {
        .place = *k->m,
        .records = k->m,
        .off = h->off,
        .len = h->len,
        .needle = h->needle,
        .where = str_eq(k->m->format, STR("memory")) ? RAW_MEMORY : RAW_LOG,
    };
    return give(k, &hit);
}

/* "!ewf!p1!fs/var/log/secure": where the file itself is cited. */
static struct str file_layers(struct scanning *k, const struct owner *o)
{
    struct buf b = { 0 };
    buf_put(&b, k->m->layers);
    if (o->volume.n) {
        buf_putc(&b, '!');
        buf_put(&b, o->volume);
    }
    if (o->kind == OWNER_FILE && o->path.n && o->path.p[0] == '/') {
        buf_putz(&b, "!fs/");
        text_cite(&b, str_sub(o->path, 1, o->path.n), false);
    } else {
        buf_printf(&b, "!ino/%llu", (unsigned long long)o->inode);
    }
    return buf_to_arena(&b, &k->arena);
}

/* The records of a file that a journal made longer are in the other view. */
static const struct member *records_of(struct scanning *k,
                                       const struct member *place,
                                       const struct owner *o)
{
    const struct member *m = member_of(k, place);
    struct member other = *place;
    struct buf b = { 0 };
    if (m)
        return m;
    size_t head = k->m->layers.n + (o->volume.n ? o->volume.n + 1 : 0);
    buf_put(&b, str_sub(place->layers, 0, head));
    buf_putz(&b, "!journal");
    buf_put(&b, str_sub(place->layers, head, place->layers.n));
    other.layers = buf_str(&b);
    m = b.failed ? NULL : member_of(k, &other);
    buf_free(&b);
    return m;
}

static int owned_hit(void *ctx, const struct reader_owned_hit *h)
{
    static const enum raw_where wheres[OWNER_KINDS] = {
        [OWNER_NONE] = RAW_NO_FILE,    [OWNER_FILE] = RAW_FILE,
        [OWNER_SLACK] = RAW_SLACK,     [OWNER_DELETED] = RAW_DELETED,
        [OWNER_OUTSIDE] = RAW_OUTSIDE, [OWNER_UNKNOWN] = RAW_OUTSIDE,
    };
    struct scanning *k = ctx;
    const struct owner *o = &h->owner;
    struct raw_hit hit = {
        .place = *k->m,
        .records = k->m,
        .off = h->hit.off,
        .len = h->hit.len,
        .needle = h->hit.needle,
        .where = wheres[o->kind],
    };
    if (o->kind == OWNER_FILE || o->kind == OWNER_DELETED) {
        hit.place.layers = file_layers(k, o);
        if (!hit.place.layers.p)
            return ERR_INTERNAL;
        hit.off = o->off;
        hit.records = records_of(k, &hit.place, o);
    }
    return give(k, &hit);
}

/* ---- one member ---------------------------------------------------------- */

static int add_volume(void *ctx, const struct file_volume *v)
{
    struct scanning *k = ctx;
    if (k->n_volumes < VOLUMES)
        k->volumes[k->n_volumes++] = arena_copy(&k->arena, v->name);
    return 0;
}

static int scan(struct scanning *k, struct err *err)
{
    uint64_t scanned = 0;
    struct raw *r = k->r;
    int rc = exhibit_files_member(&r->files, k->m, err);
    if (rc)
        return rc;
    struct reader_place p = { r->files.fds, r->files.n_fds, k->m->layers, 0,
                              UINT64_MAX };
    if (!is_disk(k->m))
        return reader_scan(r->reader, &p, &k->s->needles, plain_hit, k,
                           &scanned, err);
    k->n_volumes = 0;
    rc = case_file_volumes(r->files.c, k->m->exhibit, add_volume, k, err);
    return rc ? rc
              : reader_keywords(r->reader, &p, &k->s->needles, k->volumes,
                                k->n_volumes, owned_hit, k, &scanned, err);
}

static int search_member(struct scanning *k, struct err *err)
{
    struct err own = { 0 };
    k->at.path = k->m->path;
    arena_reset(&k->arena);
    int rc = scan(k, &own);
    if (rc == ERR_EVIDENCE) {
        if (!k->s->quiet)
            message("X%lld/%s: not searched: %s", (long long)k->m->exhibit,
                    text_line(k->m->path), own.what);
        k->s->unread++;
        rc = 0;
    } else if (rc < 0 && own.code) {
        *err = own;
    }
    k->at.done += k->m->size;
    k->s->members++;
    if (rc >= 0 && k->s->done) {
        int told = k->s->done(k->s->ctx, err);
        rc = told < 0 || rc == 0 ? told : rc;
    }
    return rc == 0 && stopped(k) ? ERR_STOPPED : rc;
}

int raw_search(struct raw *r, struct raw_search *s, struct err *err)
{
    struct scanning *k = calloc(1, sizeof(*k));
    if (!k)
        return err_set(err, ERR_INTERNAL, "out of memory");
    k->r = r;
    k->s = s;
    k->at.unit = "hits";
    s->members = s->unread = 0;
    int rc = load_members(k, err);
    for (size_t i = 0; i < k->all.n; i++)
        k->at.all += left_out(&k->all.list[i]) ? 0 : k->all.list[i].size;
    for (size_t i = 0; i < k->all.n && rc == 0; i++) {
        k->m = &k->all.list[i];
        if (!left_out(k->m))
            rc = search_member(k, err);
    }
    if (rc == ERR_STOPPED)
        err_set(err, rc, "search: interrupted");
    free(k->all.list);
    free(k->all.by_layers);
    arena_free(&k->all.arena);
    arena_free(&k->arena);
    free(k);
    return rc;
}
