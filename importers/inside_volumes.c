#include "importers/inside_volumes.h"

#include <stdlib.h>

#include "base/text.h"
#include "base/zone.h"
#include "evidence/fileset.h"
#include "evidence/fs.h"
#include "evidence/worker.h"

enum {
    VOLUMES = 8, /* open at once; the one that waited longest is closed */
    ZONE_FILE_MAX = 64 << 10,
};

struct inside_volume {
    struct buf layers; /* that lead to it */
    struct source *src;
    struct fs *fs;
    uint64_t used;
    struct zone *zone;
};

struct inside_volumes {
    int *fds;
    struct source *image;
    struct inside_volume v[VOLUMES], *last;
    uint64_t turn;
};

static void volume_close(struct inside_volume *v)
{
    zone_close(v->zone);
    fs_close(v->fs);
    source_close(v->src);
    buf_free(&v->layers);
    *v = (struct inside_volume){ 0 };
}

static int image_open(struct inside_volumes *v, bool set, const int *fds,
                      size_t n, struct err *err)
{
    v->fds = malloc(n * sizeof(*fds));
    if (!v->fds)
        return err_set(err, ERR_INTERNAL, "worker: out of memory");
    memcpy(v->fds, fds, n * sizeof(*fds));
    worker_keep_fds();
    v->image = set     ? fileset_open_worker(v->fds[0], err)
               : n > 1 ? source_open_split(v->fds, n, err)
                       : source_open_fd(v->fds[0], err);
    return v->image ? 0 : err->code ? err->code : ERR_EVIDENCE;
}

/* ---- the zone ------------------------------------------------------------ */

/* A small file's bytes; of a symbolic link where it leads. */
static bool small_file(struct fs *fs, struct str path, struct buf *out)
{
    struct err ignored;
    struct source *s = fs_open_path(fs, path, &ignored);
    size_t got = 0;
    bool ok = s && s->size <= ZONE_FILE_MAX && buf_reserve(out, ZONE_FILE_MAX);
    ok = ok && !source_read(s, 0, out->p, (size_t)s->size, &got, &ignored);
    out->n = ok ? got : 0;
    source_close(s);
    return ok && got;
}

/* /etc/localtime is a copy of a zone, or leads to one below
 * /usr/share/zoneinfo; its links there are followed a few times. */
static struct zone *zone_of(struct fs *fs)
{
    static const struct str folder = { "zoneinfo/", 9 };
    struct buf content = { 0 }, path = { 0 };
    struct zone *z = NULL;
    struct err ignored;
    buf_putz(&path, "etc/localtime");
    for (int step = 0; step < 4 && !z && !path.failed; step++) {
        if (!small_file(fs, buf_str(&path), &content))
            break;
        struct str s = buf_str(&content);
        if (str_starts(s, STR("TZif"))) {
            z = zone_open(s, &ignored);
            break;
        }
        size_t at = str_find(s, folder);
        if (at == SIZE_MAX && step == 0)
            break; /* it leads elsewhere */
        struct str name = at == SIZE_MAX ? s : str_sub(s, at + folder.n, s.n);
        buf_clear(&path);
        buf_putz(&path, "usr/share/zoneinfo/");
        buf_put(&path, name);
    }
    buf_free(&content);
    buf_free(&path);
    return z;
}

const struct zone *inside_volumes_zone(const struct inside_volumes *v)
{
    return v->last ? v->last->zone : NULL;
}

/* ---- volumes ------------------------------------------------------------- */

static struct inside_volume *volume_of(struct inside_volumes *v,
                                       struct str layers, struct err *err)
{
    struct inside_volume *at = &v->v[0];
    for (size_t i = 0; i < VOLUMES; i++) {
        struct inside_volume *k = &v->v[i];
        if (k->fs && str_eq(buf_str(&k->layers), layers)) {
            k->used = ++v->turn;
            return k;
        }
        if (k->used < at->used)
            at = k;
    }
    volume_close(at);
    buf_put(&at->layers, layers);
    if (at->layers.failed) {
        err_set(err, ERR_INTERNAL, "worker: out of memory");
        return NULL;
    }
    at->src = source_open_layers(v->image, layers, err);
    at->fs = at->src ? fs_open(at->src, err) : NULL;
    at->used = at->fs ? ++v->turn : 0;
    at->zone = at->fs ? zone_of(at->fs) : NULL;
    return at->fs ? at : NULL;
}

/* "fs/etc/passwd" or "ino/12" of a volume. */
static struct source *file_of(struct inside_volume *v, struct str layer,
                              struct err *err)
{
    uint64_t inode;
    struct buf path = { 0 };
    struct source *s = NULL;
    if (str_starts(layer, STR("ino/")) &&
        str_u64(str_sub(layer, 4, layer.n), &inode))
        s = fs_open_inode(v->fs, inode, err);
    else if (str_starts(layer, STR("fs/")) &&
             text_uncite(&path, str_sub(layer, 3, layer.n)))
        s = fs_open_path(v->fs, buf_str(&path), err);
    else
        err_set(err, ERR_INTERNAL, "worker: a bad layer for a file");
    buf_free(&path);
    return s;
}

struct source *inside_volumes_file(struct inside_volumes **state,
                                   const struct wire_request *r, const int *fds,
                                   size_t n_fds, struct err *err)
{
    size_t bang = r->inside.n;
    if (!*state) {
        *state = calloc(1, sizeof(**state));
        if (!*state) {
            err_set(err, ERR_INTERNAL, "worker: out of memory");
            return NULL;
        }
        if (image_open(*state, r->set, fds, n_fds, err))
            return NULL;
    }
    while (bang && r->inside.p[bang - 1] != '!')
        bang--;
    if (!(*state)->image || bang == 0) {
        err_set(err, ERR_INTERNAL, "worker: no image, or bad layers");
        return NULL;
    }
    struct inside_volume *v =
        volume_of(*state, str_sub(r->inside, 0, bang - 1), err);
    (*state)->last = v;
    return v ? file_of(v, str_sub(r->inside, bang, r->inside.n), err) : NULL;
}
