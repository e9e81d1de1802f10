#include "evidence/fileset.h"

#include <stdlib.h>
#include <unistd.h>

#include "evidence/worker.h"

static int set_read(struct source *s, uint64_t off, void *buf, size_t n,
                    struct err *err)
{
    (void)s;
    (void)off;
    (void)buf;
    (void)n;
    return err_set(err, ERR_INTERNAL, "a set of files has no bytes");
}

static void set_close(struct source *s)
{
    struct fileset *set = s->state;
    if (set && set->close)
        set->close(set->ctx);
    free(set);
}

static const struct source_ops set_ops = { .read = set_read,
                                           .close = set_close };

struct source *fileset_make(const struct fileset *set, struct err *err)
{
    struct fileset *copy = malloc(sizeof *copy);
    if (!copy) {
        if (set->close)
            set->close(set->ctx);
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    *copy = *set;
    return source_make(&set_ops, copy, 0, NULL, "", err);
}

const struct fileset *fileset_of(const struct source *s)
{
    return s->ops == &set_ops ? s->state : NULL;
}

/* ---- in a worker -------------------------------------------------------- */

enum { NAMES_MAX_BYTES = 512 << 20 };

struct wanted {
    char *text;
    struct str *names;
};

/* A file that the parent opened; closed with the source. */
struct wanted_file {
    struct source *file;
    int fd;
};

static int wanted_read(struct source *s, uint64_t off, void *buf, size_t n,
                       struct err *err)
{
    struct wanted_file *w = s->state;
    size_t got;
    int code = source_read(w->file, off, buf, n, &got, err);
    if (code == 0 && w->file->n_gaps)
        source_take_gaps(s, w->file, off, off, n);
    return code;
}

static void wanted_close(struct source *s)
{
    struct wanted_file *w = s->state;
    source_close(w->file);
    close(w->fd);
    free(w);
}

static const struct source_ops wanted_ops = { .read = wanted_read,
                                              .close = wanted_close };

static struct source *wanted_open(void *ctx, size_t i, struct err *err)
{
    struct wanted_file *w = calloc(1, sizeof *w);
    (void)ctx;
    if (!w) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    w->fd = worker_want(i, err);
    if (w->fd >= 0)
        w->file = source_open_fd(w->fd, err);
    if (w->file)
        return source_make(&wanted_ops, w, w->file->size, NULL, "", err);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
    return NULL;
}

static void wanted_free(void *ctx)
{
    struct wanted *w = ctx;
    free(w->names);
    free(w->text);
    free(w);
}

static int names_load(struct wanted *w, int fd, size_t *count, struct err *err)
{
    struct source *s = source_open_fd(fd, err);
    size_t got = 0, n = 0;
    if (!s)
        return ERR_EVIDENCE;
    size_t size = s->size < NAMES_MAX_BYTES ? (size_t)s->size : 0;
    w->text = malloc(size ? size : 1);
    int code = w->text && size ? source_read(s, 0, w->text, size, &got, err)
                               : err_set(err, ERR_INTERNAL, "too many names");
    source_close(s);
    if (code)
        return code;
    for (size_t i = 0; i < got; i++)
        n += w->text[i] == 0;
    w->names = calloc(n ? n : 1, sizeof *w->names);
    if (!w->names)
        return err_set(err, ERR_INTERNAL, "out of memory");
    *count = n;
    for (size_t i = 0, at = 0; i < n; i++) {
        w->names[i] = str_from(w->text + at);
        at += w->names[i].n + 1;
    }
    return 0;
}

struct source *fileset_open_worker(int fd, struct err *err)
{
    struct fileset set = { .open = wanted_open, .close = wanted_free };
    struct wanted *w = calloc(1, sizeof *w);
    if (!w) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    set.ctx = w;
    if (names_load(w, fd, &set.n, err)) {
        wanted_free(w);
        return NULL;
    }
    set.names = w->names;
    return fileset_make(&set, err);
}
