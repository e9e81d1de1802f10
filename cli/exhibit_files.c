#include "cli/exhibit_files.h"

#include "base/text.h"
#include "evidence/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HEX = 64, SEGMENTS_MAX = 16384 };

void exhibit_files_open(struct exhibit_files *f, struct casedb *c)
{
    *f = (struct exhibit_files){ .c = c, .root = -1, .names_fd = -1 };
}

static void close_fds(struct exhibit_files *f)
{
    for (size_t i = 0; i < f->n_fds; i++)
        close(f->fds[i]);
    f->n_fds = 0;
    f->member = 0;
    f->embedded = false;
    f->names_fd = -1;
    f->n_names = 0;
    arena_reset(&f->set_arena);
}

void exhibit_files_close(struct exhibit_files *f)
{
    close_fds(f);
    free(f->fds);
    free(f->names);
    arena_free(&f->set_arena);
    if (f->root >= 0)
        close(f->root);
    f->root = -1;
}

/* Names inside an exhibit never lead out of it, not even by a link that was
 * planted after the import. */
static int open_beneath(int root, const char *path, uint64_t flags)
{
    struct open_how how = {
        .flags = flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve =
            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

int exhibit_file_open(int root, struct str path)
{
    struct arena a = { 0 };
    struct stat st;
    struct str z = arena_copy(&a, path);
    if (!z.p || memchr(path.p, 0, path.n)) {
        arena_free(&a);
        errno = z.p ? EINVAL : ENOMEM;
        return -1;
    }
    int fd = open_beneath(root, z.p, O_NOATIME);
    if (fd < 0 && errno == EPERM) /* O_NOATIME is the owner's */
        fd = open_beneath(root, z.p, 0);
    arena_free(&a);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

/* ---- the exhibit's folder ------------------------------------------------ */

static int open_root(struct exhibit_files *f, struct str path)
{
    struct arena a = { 0 };
    struct stat st;
    struct str z = arena_copy(&a, path);
    int flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY;
    f->single = false;
    if (z.p && lstat(z.p, &st) == 0 && !S_ISDIR(st.st_mode)) {
        f->single = true;
        while (z.n > 1 && z.p[z.n - 1] != '/')
            z.n--;
        z = arena_copy(&a, z);
    }
    f->root = z.p ? open(z.p, flags) : -1;
    if (f->root < 0) {
        err_errno(&f->why, ERR_EVIDENCE, "%s", text_line(path));
        err_hint(&f->why,
                 "If the evidence moved: kanshiki evidence CASE attach X%lld "
                 "PATH",
                 (long long)f->no);
    }
    arena_free(&a);
    return f->root;
}

static int use_exhibit(struct exhibit_files *f, int64_t no, struct err *err)
{
    struct arena a = { 0 };
    struct str path;
    if (f->no == no)
        return 0;
    if (f->root >= 0)
        close(f->root);
    f->root = -1;
    int rc = case_exhibit_path(f->c, no, &a, &path, err);
    f->no = no;
    if (rc == 0)
        open_root(f, path);
    arena_free(&a);
    return rc;
}

/* ---- the files of a member ----------------------------------------------- */

static int keep_fd(struct exhibit_files *f, int fd, struct err *err)
{
    if (f->n_fds == f->cap_fds) {
        size_t cap = f->cap_fds ? 2 * f->cap_fds : 8;
        int *more = realloc(f->fds, cap * sizeof(*more));
        if (!more) {
            close(fd);
            return err_set(err, ERR_INTERNAL, "out of memory");
        }
        f->fds = more;
        f->cap_fds = cap;
    }
    f->fds[f->n_fds++] = fd;
    return 0;
}

static int add_file(struct exhibit_files *f, struct str path, struct err *err)
{
    if (f->n_fds >= SEGMENTS_MAX)
        return err_set(err, ERR_EVIDENCE, "X%lld: too many segments",
                       (long long)f->no);
    int fd = exhibit_file_open(f->root, path);
    if (fd < 0)
        return err_errno(err, ERR_EVIDENCE, "X%lld/%s", (long long)f->no,
                         text_line(path));
    return keep_fd(f, fd, err);
}

struct segments {
    struct exhibit_files *f;
    const struct member *m;
    struct err *err;
};

/* The pipeline keeps "hex  name" of each segment as facts, in order. */
static int add_segment(void *ctx, int64_t member, struct str name,
                       struct str value)
{
    struct segments *s = ctx;
    if (member != s->m->id || !str_eq(name, STR("segment sha256")) ||
        value.n <= HEX + 2)
        return 0;
    return add_file(s->f, str_sub(value, HEX + 2, value.n), s->err);
}

/* ---- sets: the members after theirs are its files ------------------------ */

struct set_members {
    struct exhibit_files *f;
    const struct member *m;
    bool inside, failed;
};

static int add_set_member(void *ctx, const struct member *m)
{
    struct set_members *s = ctx;
    struct exhibit_files *f = s->f;
    bool part = str_eq(m->format, STR("ebs-file")) && m->layers.n == 0;
    if (m->id == s->m->id)
        s->inside = true;
    else if (s->inside && !part)
        s->inside = false;
    if (!s->inside || !part)
        return 0;
    if (f->n_names == f->cap_names) {
        size_t cap = f->cap_names ? 2 * f->cap_names : 64;
        struct str *more = realloc(f->names, cap * sizeof(*more));
        if (!more)
            return ERR_INTERNAL;
        f->names = more;
        f->cap_names = cap;
    }
    f->names[f->n_names] = arena_copy(&f->set_arena, m->path);
    return f->names[f->n_names++].p ? 0 : ERR_INTERNAL;
}

static bool is_set(const struct member *m)
{
    return str_ends(m->path, STR("/")) && str_starts(m->layers, STR("!ebs"));
}

static int add_set(struct exhibit_files *f, const struct member *m,
                   struct err *err)
{
    struct set_members s = { .f = f, .m = m };
    struct buf names = { 0 };
    int rc = case_members(f->c, m->exhibit, add_set_member, &s, err);
    for (size_t i = 0; i < f->n_names; i++) {
        buf_put(&names, f->names[i]);
        buf_putc(&names, 0);
    }
    if (rc == ERR_INTERNAL || names.failed)
        rc = err_set(err, ERR_INTERNAL, "out of memory");
    int fd = rc ? -1 : worker_memory(buf_str(&names), err);
    buf_free(&names);
    if (fd < 0)
        return rc ? rc : err->code;
    rc = keep_fd(f, fd, err);
    f->names_fd = rc ? -1 : fd;
    return rc;
}

int exhibit_files_supply(void *ctx, uint64_t i)
{
    const struct exhibit_files *f = ctx;
    return f->names_fd >= 0 && i < f->n_names
               ? exhibit_file_open(f->root, f->names[i])
               : -1;
}

/* A copy in memory that the reader gets like any file. */
static int add_embedded(struct exhibit_files *f, const struct member *m,
                        bool *found, struct err *err)
{
    struct arena a = { 0 };
    struct str bytes;
    int rc = case_embedded(f->c, m->id, &a, &bytes, found, err);
    if (rc == 0 && *found) {
        int fd = worker_memory(bytes, err);
        rc = fd < 0 ? err->code : keep_fd(f, fd, err);
        f->embedded = true;
    }
    arena_free(&a);
    return rc;
}

int exhibit_files_member(struct exhibit_files *f, const struct member *m,
                         struct err *err)
{
    if (f->member == m->id && f->n_fds)
        return 0;
    close_fds(f);
    int rc = use_exhibit(f, m->exhibit, err);
    bool embedded = false;
    if (rc)
        return rc;
    if (f->root >= 0) {
        struct segments s = { f, m, err };
        rc = is_set(m) ? add_set(f, m, err)
                       : case_facts(f->c, m->exhibit, add_segment, &s, err);
        if (rc == 0 && f->n_fds == 0)
            rc = add_file(f, m->path, err);
        if (rc == 0) {
            f->member = m->id;
            return 0;
        }
        if (rc != ERR_EVIDENCE)
            return rc;
        close_fds(f);
    } else {
        *err = f->why;
        rc = err->code;
    }
    struct err own;
    if (add_embedded(f, m, &embedded, &own) == 0 && embedded) {
        f->member = m->id;
        return 0;
    }
    return rc;
}
