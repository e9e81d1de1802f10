/*
 * A resumed import must stand on the same evidence: files that are whole in
 * the case have the digests that were stored, and the one that stood half is
 * compared with the stamp in the checkpoint.
 *
 * The stamp holds, for each segment of the file at work, its size, mtime and
 * the digest of what was hashed by then (little-endian):
 *
 *   path length u64, path, number of segments u64, then for each
 *   size u64, mtime s u64, ns u64, bytes hashed u64, whole u64, sha256 32
 */
#include "importers/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/varint.h"

enum {
    BLOCK = 1 << 20,
    /* Hashing a file of this size is waited for, so that the whole of it is
     * in the stamp. */
    SMALL = 64 << 20,
};

/* ---- the stamp ----------------------------------------------------------- */

static void put64(struct buf *b, uint64_t v)
{
    unsigned char tmp[8];
    put_u64le(tmp, v);
    buf_put(b, (struct str){ (char *)tmp, sizeof(tmp) });
}

void resume_stamp(void *ctx, struct buf *out)
{
    struct pipeline *p = ctx;
    if (p->front >= p->found.n_files || !p->jobs[p->front].open)
        return;
    const struct found_file *f = file_at(p, p->front);
    const struct file_job *j = &p->jobs[p->front];
    put64(out, f->path.n);
    buf_put(out, f->path);
    put64(out, f->n_segments);
    /* the files of a set are checked as members, when they are whole */
    for (uint32_t k = 0; k < f->n_segments && !f->set; k++) {
        struct stat st = { 0 };
        struct hashing_prefix h;
        if (fstat(j->fds[k], &st) == 0 && st.st_size <= SMALL) {
            struct hashing_result r;
            hashing_wait(p->hashing, j->tickets[k], &r);
        }
        hashing_so_far(p->hashing, j->tickets[k], &h);
        put64(out, (uint64_t)st.st_size);
        put64(out, (uint64_t)st.st_mtim.tv_sec);
        put64(out, (uint64_t)st.st_mtim.tv_nsec);
        put64(out, h.bytes);
        put64(out, h.whole);
        buf_put(out, (struct str){ (char *)h.sha256, sizeof(h.sha256) });
    }
}

struct stamp {
    uint64_t size, mtime_s, mtime_ns, bytes, whole;
    const unsigned char *sha256;
};

static bool get_stamp(struct cursor *k, struct stamp *s)
{
    s->size = cursor_u64(k);
    s->mtime_s = cursor_u64(k);
    s->mtime_ns = cursor_u64(k);
    s->bytes = cursor_u64(k);
    s->whole = cursor_u64(k);
    s->sha256 = cursor_take(k, 32);
    return !k->failed;
}

/* 1: the first bytes of fd have this digest, 0: they do not. */
static int prefix_same(struct pipeline *p, int fd, const struct stamp *s,
                       struct err *err)
{
    struct hasher *h = hasher_open(1u << HASH_SHA256);
    char *block = malloc(BLOCK);
    unsigned char sha[32] = { 0 };
    uint64_t at = 0;
    int rc = h && block ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    while (rc == 0 && at < s->bytes) {
        size_t want = s->bytes - at < BLOCK ? (size_t)(s->bytes - at) : BLOCK;
        ssize_t n = pread(fd, block, want, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        hasher_add(h, block, (size_t)n);
        at += (uint64_t)n;
        if (pipeline_report(p, false))
            rc = pipeline_stopped(err);
    }
    if (rc == 0)
        rc = at == s->bytes && hasher_end(h, HASH_SHA256, sha) == 32 &&
             memcmp(sha, s->sha256, 32) == 0;
    hasher_close(h);
    free(block);
    return rc;
}

/* Why a segment is not what it was; NULL when it is. Bytes that were hashed
 * decide, whatever its time; for the others size and time have to do. */
static int segment_changed(struct pipeline *p, int fd, const struct stamp *s,
                           const char **why, struct err *err)
{
    struct stat st;
    *why = NULL;
    if (fstat(fd, &st)) {
        *why = "it cannot be examined";
    } else if ((uint64_t)st.st_size != s->size) {
        *why = "its size is another one";
    } else if (!s->whole && ((uint64_t)st.st_mtim.tv_sec != s->mtime_s ||
                             (uint64_t)st.st_mtim.tv_nsec != s->mtime_ns)) {
        *why = "it was written to";
    } else {
        int same = prefix_same(p, fd, s, err);
        if (same < 0)
            return same;
        *why = same ? NULL : "its bytes are others";
    }
    return 0;
}

/* ---- what changed -------------------------------------------------------- */

static int refuse(struct str path, const char *why, struct err *err)
{
    err_set(err, ERR_EVIDENCE,
            "%s: the evidence changed since the import was interrupted: %s",
            text_line(path), why);
    return err->code;
}

/* Which file comes next is known by its place in the list, so that none can
 * be missing. */
static int gone(struct str path, struct err *err)
{
    refuse(path, "it is not there", err);
    err_hint(err, "give it back, or an empty file of this name and "
                  "--changed-reason");
    return err->code;
}

int resume_half(struct pipeline *p, const char *why, struct err *err)
{
    if (p->o->changed_reason.n) {
        p->half_changed = why;
        return 0;
    }
    refuse(file_at(p, p->front)->path, why, err);
    err_hint(err, "give it back as it was; to go on without what was not yet "
                  "read of this file, give --changed-reason with a reason, "
                  "which is recorded");
    return err->code;
}

/* path stays where it is */
static int changed(struct pipeline *p, struct str path, const char *why,
                   struct err *err)
{
    if (p->o->changed_reason.n) {
        struct changed_file *c = arena_alloc(&p->changed_arena, sizeof(*c));
        if (!c)
            return err_set(err, ERR_INTERNAL, "import: out of memory");
        *c = (struct changed_file){ path, why, p->changed };
        p->changed = c;
        return 0;
    }
    refuse(path, why, err);
    err_hint(err, "give it back as it was; to go on with what was read "
                  "before, give --changed-reason with a reason, which is "
                  "recorded");
    return err->code;
}

/* The file of the stamp; empty when nothing of a file was committed. */
static struct str half_path(const struct pipeline *p, struct cursor *k)
{
    struct str blob = intake_stamp(p->in);
    *k = cursor_of(blob.p, blob.n);
    struct str path = cursor_str(k, cursor_u64(k));
    bool half = intake_skipping(p->in) || intake_parts(p->in);
    return k->failed || !half ? STR("") : path;
}

static int check_half(struct pipeline *p, struct err *err)
{
    struct cursor k;
    const char *why = NULL;
    struct err open_err;
    int rc = 0;
    if (half_path(p, &k).n == 0)
        return 0;
    const struct found_file *f = file_at(p, p->front);
    uint64_t n = cursor_u64(&k);
    if (f->n_segments != n)
        why = "it has another number of segments";
    else if (pipeline_open_file(p, p->front, &open_err))
        why = "it cannot be opened";
    for (uint64_t i = 0; rc == 0 && !why && i < n && !f->set; i++) {
        struct stamp s;
        if (!get_stamp(&k, &s))
            return err_set(err, ERR_CASE, "checkpoint is damaged");
        rc = segment_changed(p, p->jobs[p->front].fds[i], &s, &why, err);
    }
    return rc || !why ? rc : resume_half(p, why, err);
}

int resume_say(struct pipeline *p, struct err *err)
{
    int rc = 0;
    if (p->came_later) {
        struct buf b = { 0 };
        buf_printf(&b,
                   "%zu files came while the import was interrupted: import "
                   "the path again to take them as a supplement",
                   p->came_later);
        rc = intake_issue(p->in, 1, 0, 0, STR("came-later"), buf_str(&b), err);
        buf_free(&b);
    }
    for (const struct changed_file *c = p->changed; c && rc == 0; c = c->next) {
        struct buf b = { 0 };
        buf_printf(&b, "%s: changed while the import was interrupted: %s; ",
                   text_line(c->path), c->why);
        buf_put(&b, p->o->changed_reason);
        rc = intake_issue(p->in, 2, 0, 0, STR("changed-before-resume"),
                          buf_str(&b), err);
        buf_free(&b);
    }
    return rc;
}

/* ---- files that are whole in the case ------------------------------------ */

struct check {
    struct pipeline *p;
    struct err *err;
};

/* The digest found now; NULL: no such name, or not of a file that is whole
 * (the one at work is checked by its stamp). */
static const struct name_digest *digest_of(const struct pipeline *p,
                                           struct str path, struct str *name)
{
    size_t lo = 0, hi = p->found.n_names;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (str_cmp(p->found.names[mid], path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == p->found.n_names || !str_eq(p->found.names[lo], path) ||
        !p->digests[lo].known)
        return NULL;
    *name = p->found.names[lo];
    return &p->digests[lo];
}

static int check_digest(struct check *c, struct str path,
                        const unsigned char *sha)
{
    struct str name;
    const struct name_digest *d = digest_of(c->p, path, &name);
    if (!d || memcmp(d->sha256, sha, 32) == 0)
        return 0;
    return changed(c->p, name, "its bytes are others", c->err);
}

static int check_member(void *ctx, const struct member *m)
{
    return m->sha256.n == 32
               ? check_digest(ctx, m->path, (const unsigned char *)m->sha256.p)
               : 0;
}

/* "hex  name" of each segment, in whatever order. */
static int check_segment(void *ctx, int64_t member, struct str name,
                         struct str value)
{
    enum { HEX = 64 };
    unsigned char sha[32];
    (void)member;
    if (!str_eq(name, STR("segment sha256")) || value.n <= HEX + 2 ||
        !hash_from_hex(str_sub(value, 0, HEX), sha, sizeof(sha)))
        return 0;
    return check_digest(ctx, str_sub(value, HEX + 2, value.n), sha);
}

/* ---- the list of files ---------------------------------------------------
 */

struct paths {
    struct arena arena;
    struct str *v;
    size_t n, cap;
};

/* Members come in the order of their files. */
static int add_path(void *ctx, const struct member *m)
{
    struct paths *k = ctx;
    if (str_eq(m->format, STR("ebs-file"))) /* of a set, which is a file */
        return 0;
    if (k->n && str_eq(k->v[k->n - 1], m->path))
        return 0;
    if (k->n == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 256;
        struct str *v = realloc(k->v, cap * sizeof(*v));
        if (!v)
            return ERR_INTERNAL;
        k->v = v;
        k->cap = cap;
    }
    k->v[k->n] = arena_copy(&k->arena, m->path);
    return k->v[k->n++].p ? 0 : ERR_INTERNAL;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Files that came since then and sort before what is done are left for the
 * supplement; the others are read when their turn comes. */
static void drop_new(struct pipeline *p, const struct paths *k, struct str half)
{
    struct found *f = &p->found;
    struct str last = half.n ? half : k->n ? k->v[k->n - 1] : STR("");
    size_t n = 0;
    for (size_t i = 0; i < f->n_files; i++) {
        struct str path = f->files[i].path;
        if (str_cmp(path, last) < 0 &&
            !(k->n && bsearch(&path, k->v, k->n, sizeof(path), by_bytes))) {
            f->bytes -= f->files[i].size;
            continue;
        }
        f->files[n++] = f->files[i];
    }
    p->came_later = f->n_files - n;
    f->n_files = n;
}

static int same_files(struct pipeline *p, size_t done, struct err *err)
{
    struct paths k = { 0 };
    struct cursor cursor;
    struct str half = half_path(p, &cursor);
    int rc = case_members(p->c, intake_exhibit(p->in), add_path, &k, err);
    if (rc == ERR_INTERNAL)
        err_set(err, rc, "import: out of memory");
    if (rc == 0)
        drop_new(p, &k, half);
    for (size_t i = 0; rc == 0 && i < k.n && i < done; i++)
        if (i >= p->found.n_files || !str_eq(file_at(p, i)->path, k.v[i]))
            rc = gone(k.v[i], err);
    if (rc == 0 && half.n &&
        (done >= p->found.n_files || !str_eq(file_at(p, done)->path, half)))
        rc = gone(half, err);
    free(k.v);
    arena_free(&k.arena);
    return rc;
}

static int hash_done(struct pipeline *p, size_t done, struct err *err)
{
    for (p->front = 0; p->front < done; p->front++) {
        const struct found_file *f = file_at(p, p->front);
        p->front_hashed = false;
        struct err open_err;
        /* one that could not be opened then has no digest to compare */
        if (pipeline_open_file(p, p->front, &open_err))
            continue;
        int rc = digests_front(p, err);
        if (rc)
            return rc;
        pipeline_close_file(p, p->front);
        p->progress.files_done++;
        p->progress.bytes_done += f->size;
        if (pipeline_report(p, false))
            return pipeline_stopped(err);
    }
    return 0;
}

int resume_check(struct pipeline *p, size_t done, struct err *err)
{
    struct check c = { p, err };
    int64_t exhibit = intake_exhibit(p->in);
    if (!intake_resumed(p->in))
        return 0;
    int rc = same_files(p, done, err);
    if (rc == 0)
        rc = hash_done(p, done, err);
    if (rc == 0)
        rc = case_members(p->c, exhibit, check_member, &c, err);
    if (rc == 0)
        rc = case_facts(p->c, exhibit, check_segment, &c, err);
    return rc ? rc : check_half(p, err);
}
