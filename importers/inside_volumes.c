#include "importers/inside_volumes.h"

#include <stdlib.h>

#include "base/text.h"
#include "evidence/fileset.h"
#include "evidence/fs.h"
#include "evidence/worker.h"

enum { VOLUMES = 8 }; /* open at once; the one that waited longest is closed */

struct inside_volume {
    struct buf layers; /* that lead to it */
    struct source *src;
    struct fs *fs;
    uint64_t used;
};

struct inside_volumes {
    int *fds;
    struct source *image;
    struct inside_volume v[VOLUMES];
    uint64_t turn;
};

static void volume_close(struct inside_volume *v)
{
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
    return v ? file_of(v, str_sub(r->inside, bang, r->inside.n), err) : NULL;
}
