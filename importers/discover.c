#include "importers/discover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "importers/discover_sets.h"

enum { DEPTH_MAX = 128 };

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "discovery: out of memory");
}

static void *push(void *list, size_t *n, size_t *cap, size_t size)
{
    char **p = list;
    if (*n == *cap) {
        size_t want = *cap ? *cap * 2 : 64, bytes;
        void *grown = __builtin_mul_overflow(want, size, &bytes)
                          ? NULL
                          : realloc(*p, bytes);
        if (!grown)
            return NULL;
        *p = grown;
        *cap = want;
    }
    return *p + (*n)++ * size;
}

static int add_issue(struct found *f, struct str path, const char *code,
                     const char *detail, struct err *err)
{
    struct found_issue *i =
        push(&f->issues, &f->n_issues, &f->cap_issues, sizeof(*i));
    if (!i)
        return no_memory(err);
    *i = (struct found_issue){ arena_copy(&f->arena, path), str_from(code),
                               arena_copy(&f->arena, str_from(detail)) };
    return i->path.p && i->detail.p ? 0 : no_memory(err);
}

static int add_name(struct found *f, struct str path, uint64_t size,
                    struct err *err)
{
    struct str *name =
        push(&f->names, &f->n_names, &f->cap_names, sizeof(*name));
    struct found_file *file =
        name ? push(&f->files, &f->n_files, &f->cap_files, sizeof(*file))
             : NULL;
    if (!file)
        return no_memory(err);
    *name = arena_copy(&f->arena, path);
    *file = (struct found_file){ .path = *name, .size = size, .n_segments = 1 };
    f->bytes += size;
    return name->p ? 0 : no_memory(err);
}

/* ---- walking
 * -------------------------------------------------------------------- */

struct pending {
    struct str path; /* relative to the root, "" the root itself */
    unsigned depth;
};

struct walk {
    struct found *f;
    struct pending *dirs;
    size_t n, cap;
};

static int open_beneath(int root, struct str path, int flags)
{
    /* relative paths made by this walk; no component is a link */
    return openat(root, path.n ? path.p : ".",
                  flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
                      O_NOCTTY);
}

static struct str join(struct found *f, struct str dir, struct str name)
{
    struct buf b = { 0 };
    buf_put(&b, dir);
    if (dir.n)
        buf_putc(&b, '/');
    buf_put(&b, name);
    return buf_to_arena(&b, &f->arena);
}

static int visit_entry(struct walk *w, const struct pending *dir, int dir_fd,
                       struct str name, struct err *err)
{
    struct found *f = w->f;
    struct stat st;
    struct str path = join(f, dir->path, name);
    if (!path.p)
        return no_memory(err);
    if (fstatat(dir_fd, name.p, &st, AT_SYMLINK_NOFOLLOW))
        return add_issue(f, path, "unreadable", strerror(errno), err);
    if (S_ISREG(st.st_mode))
        return add_name(f, path, (uint64_t)st.st_size, err);
    if (S_ISLNK(st.st_mode))
        return add_issue(f, path, "symbolic-link",
                         "a symbolic link is not followed", err);
    if (!S_ISDIR(st.st_mode))
        return add_issue(f, path, "not-a-file",
                         "not a regular file; it was not opened", err);
    if (dir->depth + 1 > DEPTH_MAX)
        return add_issue(f, path, "too-deep", "directories nested too deeply",
                         err);
    struct pending *p = push(&w->dirs, &w->n, &w->cap, sizeof(*p));
    if (!p)
        return no_memory(err);
    *p = (struct pending){ path, dir->depth + 1 };
    return 0;
}

static int visit_dir(struct walk *w, struct pending dir, struct err *err)
{
    int fd = open_beneath(w->f->root_fd, dir.path, O_DIRECTORY);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        return add_issue(w->f, dir.path, "unreadable", strerror(saved), err);
    }
    int rc = 0;
    struct dirent *e;
    while (rc == 0 && (e = readdir(d))) {
        struct str name = str_from(e->d_name);
        if (str_eq(name, STR(".")) || str_eq(name, STR("..")))
            continue;
        rc = visit_entry(w, &dir, dirfd(d), name, err);
    }
    closedir(d);
    return rc;
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct found_file *)a)->path,
                   ((const struct found_file *)b)->path);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int by_issue(const void *a, const void *b)
{
    return str_cmp(((const struct found_issue *)a)->path,
                   ((const struct found_issue *)b)->path);
}

/* A single file may be the first of a set: look for its siblings. */
static int add_siblings(struct found *f, struct str name, struct err *err)
{
    int fd = open_beneath(f->root_fd, STR(""), O_DIRECTORY);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    int rc = 0;
    struct dirent *e;
    while (rc == 0 && (e = readdir(d))) {
        struct str n = str_from(e->d_name);
        struct stat st;
        if (!str_eq(n, name) && discover_sibling(name, n) &&
            fstatat(dirfd(d), n.p, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            rc = add_name(f, n, (uint64_t)st.st_size, err);
    }
    closedir(d);
    return rc;
}

static int finish(struct found *f, struct err *err)
{
    /* an empty list has no array */
    if (f->n_files)
        qsort(f->files, f->n_files, sizeof(*f->files), by_path);
    if (f->n_names)
        qsort(f->names, f->n_names, sizeof(*f->names), by_name);
    if (f->n_issues)
        qsort(f->issues, f->n_issues, sizeof(*f->issues), by_issue);
    return discover_join(f, err);
}

static int open_parent(struct found *f, struct str path, struct str *base,
                       struct err *err)
{
    size_t slash = path.n;
    while (slash && path.p[slash - 1] != '/')
        slash--;
    *base = arena_copy(&f->arena, str_sub(path, slash, path.n));
    struct str dir = arena_copy(&f->arena, str_sub(path, 0, slash ? slash : 0));
    if (!base->p || !dir.p)
        return no_memory(err);
    f->root_fd = open(dir.n ? dir.p : ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    return f->root_fd < 0 ? err_errno(err, ERR_EVIDENCE, "%s", text_line(dir))
                          : 0;
}

int discover(struct str path, struct found *out, struct err *err)
{
    *out = (struct found){ .root_fd = -1 };
    struct stat st;
    struct str z = arena_copy(&out->arena, path);
    if (!z.p)
        return no_memory(err);
    if (lstat(z.p, &st))
        return err_errno(err, ERR_EVIDENCE, "%s", text_line(path));
    int rc;
    if (S_ISREG(st.st_mode)) {
        struct str base;
        out->single = true;
        rc = open_parent(out, z, &base, err);
        if (rc == 0)
            rc = add_name(out, base, (uint64_t)st.st_size, err);
        if (rc == 0)
            rc = add_siblings(out, base, err);
        return rc ? rc : finish(out, err);
    }
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_EVIDENCE,
                       "%s: neither a regular file nor a directory",
                       text_line(path));
    out->root_fd = open(z.p, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    if (out->root_fd < 0)
        return err_errno(err, ERR_EVIDENCE, "%s", text_line(path));
    struct walk w = { .f = out };
    rc = visit_dir(&w, (struct pending){ STR(""), 0 }, err);
    while (rc == 0 && w.n) {
        struct pending next = w.dirs[--w.n];
        rc = visit_dir(&w, next, err);
    }
    free(w.dirs);
    return rc ? rc : finish(out, err);
}

void discover_close(struct found *f)
{
    if (f->root_fd >= 0)
        close(f->root_fd);
    free(f->files);
    free(f->names);
    free(f->issues);
    arena_free(&f->arena);
    *f = (struct found){ .root_fd = -1 };
}

int discover_open(const struct found *f, size_t name, struct err *err)
{
    struct stat st;
    struct str path = f->names[name];
    int fd = open_beneath(f->root_fd, path, O_NOATIME);
    if (fd < 0 && errno == EPERM) /* O_NOATIME is the owner's */
        fd = open_beneath(f->root_fd, path, 0);
    if (fd < 0 || fstat(fd, &st)) {
        err_errno(err, ERR_EVIDENCE, "%s", text_line(path));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(err, ERR_EVIDENCE, "%s: not a regular file any more",
                text_line(path));
        close(fd);
        return -1;
    }
    return fd;
}
