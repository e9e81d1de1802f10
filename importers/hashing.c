#include "importers/hashing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

enum { QUEUE = 4096, BLOCK = 1 << 20, ZEROS = 64 << 10, STEP = 64 << 20 };

struct entry {
    int fd;
    struct hashing_many *many; /* instead of fd */
    struct hashing_result result;
};

struct hashing {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct entry queue[QUEUE];
    uint64_t added, done, taken;  /* tickets, ascending */
    struct hashing_prefix prefix; /* of the ticket `done`, at work */
    bool stop;
    struct hasher *hasher;
    unsigned char *block, *zeros;
};

static bool stopping(struct hashing *h)
{
    pthread_mutex_lock(&h->lock);
    bool stop = h->stop;
    pthread_mutex_unlock(&h->lock);
    return stop;
}

static void note_prefix(struct hashing *h, uint64_t bytes)
{
    struct hashing_prefix p = { .bytes = bytes };
    if (!hasher_peek(h->hasher, HASH_SHA256, p.sha256))
        return;
    pthread_mutex_lock(&h->lock);
    h->prefix = p;
    pthread_mutex_unlock(&h->lock);
}

/* ---- holes -----------------------------------------------------------------
 */

/* Holes of sparse files hold zeros. These are hashed like any byte, but reading
 * them would fill the page cache with them and push out what the workers read.
 * Where the holes are is asked of a description of our own, since asking moves
 * its offset. */
struct holes {
    int fd;       /* -1: none, or not told */
    uint64_t end; /* of the file */
    uint64_t hole,
        until; /* what is known: [.., hole) data, [hole, until) not */
};

static void holes_open(struct holes *o, int fd, const struct stat *st)
{
    char path[32];
    *o = (struct holes){ .fd = -1, .end = (uint64_t)st->st_size };
    if (!S_ISREG(st->st_mode) || st->st_blocks >= st->st_size / 512)
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    o->fd = open(path, O_RDONLY | O_CLOEXEC);
}

static void holes_close(struct holes *o)
{
    if (o->fd >= 0)
        close(o->fd);
    o->fd = -1;
}

/* Bytes of the hole at `at`; 0: there is none. */
static uint64_t hole_at(struct holes *o, uint64_t at)
{
    if (o->fd < 0 || at >= o->end)
        return 0;
    if (at >= o->until) {
        off_t hole = lseek(o->fd, (off_t)at, SEEK_HOLE);
        off_t data = hole < 0 ? -1 : lseek(o->fd, hole, SEEK_DATA);
        bool last = hole >= 0 && data < 0 && errno == ENXIO;
        if (hole < 0 || (data < 0 && !last)) {
            holes_close(o);
            return 0;
        }
        o->hole = (uint64_t)hole;
        o->until = last || (uint64_t)data > o->end ? o->end : (uint64_t)data;
    }
    return at >= o->hole && at < o->until ? o->until - at : 0;
}

/* The next bytes; false at the end, and when they cannot be read. */
static bool hash_part(struct hashing *h, int fd, struct holes *o,
                      struct hashing_result *r)
{
    uint64_t hole = hole_at(o, r->bytes);
    if (hole) {
        size_t n = hole < ZEROS ? (size_t)hole : ZEROS;
        hasher_add(h->hasher, h->zeros, n);
        r->bytes += n;
        return true;
    }
    ssize_t n;
    do
        n = pread(fd, h->block, BLOCK, (off_t)r->bytes);
    while (n < 0 && errno == EINTR && !stopping(h));
    if (n < 0) {
        r->failed = true;
        r->error = errno;
    }
    if (n <= 0)
        return false;
    hasher_add(h->hasher, h->block, (size_t)n);
    r->bytes += (uint64_t)n;
    return true;
}

static void hash_file(struct hashing *h, int fd, struct hashing_result *r)
{
    struct stat a, b;
    struct holes holes = { .fd = -1 };
    hasher_reset(h->hasher);
    *r = (struct hashing_result){ .failed = fstat(fd, &a) != 0 };
    if (!r->failed)
        holes_open(&holes, fd, &a);
    while (!r->failed && !stopping(h)) {
        uint64_t before = r->bytes;
        if (!hash_part(h, fd, &holes, r))
            break;
        if (before / STEP != r->bytes / STEP)
            note_prefix(h, r->bytes);
    }
    holes_close(&holes);
    unsigned char out[32];
    hasher_end(h->hasher, HASH_SHA256, r->sha256);
    if (hasher_end(h->hasher, HASH_MD5, out))
        memcpy(r->md5, out, sizeof(r->md5));
    if (hasher_end(h->hasher, HASH_SHA1, out))
        memcpy(r->sha1, out, sizeof(r->sha1));
    if (!r->failed && fstat(fd, &b) == 0)
        r->changed = a.st_size != b.st_size ||
                     a.st_mtim.tv_sec != b.st_mtim.tv_sec ||
                     a.st_mtim.tv_nsec != b.st_mtim.tv_nsec ||
                     r->bytes != (uint64_t)b.st_size;
}

static bool cancelled(struct hashing *h, const struct hashing_many *m)
{
    pthread_mutex_lock(&h->lock);
    bool stop = h->stop || m->cancelled;
    pthread_mutex_unlock(&h->lock);
    return stop;
}

static void hash_many(struct hashing *h, struct hashing_many *m)
{
    for (size_t i = 0; i < m->n && !cancelled(h, m); i++) {
        int fd = m->open(m->ctx, i);
        if (fd < 0) {
            m->results[i] =
                (struct hashing_result){ .failed = true, .error = errno };
            continue;
        }
        hash_file(h, fd, &m->results[i]);
        close(fd);
    }
}

static void *run(void *arg)
{
    struct hashing *h = arg;
    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        if (h->done == h->added) {
            pthread_cond_wait(&h->wake, &h->lock);
            continue;
        }
        struct entry *e = &h->queue[h->done % QUEUE];
        int fd = e->fd;
        struct hashing_many *many = e->many;
        pthread_mutex_unlock(&h->lock);
        struct hashing_result r = { .bytes = 0 };
        if (many)
            hash_many(h, many);
        else
            hash_file(h, fd, &r);
        pthread_mutex_lock(&h->lock);
        e->result = r;
        h->done++;
        h->prefix = (struct hashing_prefix){ 0 };
        pthread_cond_broadcast(&h->wake);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

struct hashing *hashing_open(unsigned algos, struct err *err)
{
    struct hashing *h = calloc(1, sizeof(*h));
    if (h) {
        h->hasher = hasher_open(algos);
        h->block = malloc(BLOCK);
        h->zeros = calloc(1, ZEROS);
    }
    if (!h || !h->hasher || !h->block || !h->zeros) {
        err_set(err, ERR_INTERNAL, "hashing: out of memory");
        return NULL;
    }
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);
    if (pthread_create(&h->thread, NULL, run, h)) {
        err_set(err, ERR_INTERNAL, "hashing: cannot start a thread");
        return NULL;
    }
    return h;
}

static int add(struct hashing *h, struct entry e, uint64_t *ticket,
               struct err *err)
{
    int rc = 0;
    pthread_mutex_lock(&h->lock);
    if (h->added - h->taken >= QUEUE) {
        rc = err_set(err, ERR_INTERNAL, "hashing: queue is full");
    } else {
        *ticket = h->added;
        h->queue[h->added++ % QUEUE] = e;
        pthread_cond_broadcast(&h->wake);
    }
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int hashing_add(struct hashing *h, int fd, uint64_t *ticket, struct err *err)
{
    return add(h, (struct entry){ .fd = fd }, ticket, err);
}

int hashing_add_many(struct hashing *h, struct hashing_many *m,
                     uint64_t *ticket, struct err *err)
{
    return add(h, (struct entry){ .fd = -1, .many = m }, ticket, err);
}

void hashing_cancel(struct hashing *h, struct hashing_many *m, uint64_t ticket)
{
    struct hashing_result r;
    pthread_mutex_lock(&h->lock);
    m->cancelled = true;
    pthread_mutex_unlock(&h->lock);
    hashing_wait(h, ticket, &r);
}

void hashing_wait(struct hashing *h, uint64_t ticket,
                  struct hashing_result *out)
{
    pthread_mutex_lock(&h->lock);
    while (h->done <= ticket && !h->stop)
        pthread_cond_wait(&h->wake, &h->lock);
    *out = h->queue[ticket % QUEUE].result;
    if (ticket >= h->taken)
        h->taken = ticket + 1;
    pthread_mutex_unlock(&h->lock);
}

bool hashing_ready(struct hashing *h, uint64_t ticket)
{
    pthread_mutex_lock(&h->lock);
    bool ready = h->done > ticket;
    pthread_mutex_unlock(&h->lock);
    return ready;
}

void hashing_so_far(struct hashing *h, uint64_t ticket,
                    struct hashing_prefix *out)
{
    *out = (struct hashing_prefix){ 0 };
    pthread_mutex_lock(&h->lock);
    if (h->done > ticket) {
        const struct hashing_result *r = &h->queue[ticket % QUEUE].result;
        out->bytes = r->bytes;
        out->whole = !r->failed;
        memcpy(out->sha256, r->sha256, sizeof(out->sha256));
    } else if (h->done == ticket) {
        *out = h->prefix;
    }
    pthread_mutex_unlock(&h->lock);
}

void hashing_close(struct hashing *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_broadcast(&h->wake);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->wake);
    hasher_close(h->hasher);
    free(h->block);
    free(h->zeros);
    free(h);
}
