#include "reports/bag.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 20, DEPTH_MAX = 64 };

const char *const bag_algo_names[BAG_ALGOS] = { "sha256", "sha512" };

/* ---- digests ------------------------------------------------------------- */

static int digest_with(int fd, EVP_MD_CTX *const *ctx, unsigned char *bytes,
                       struct bag_digest *out, struct err *err)
{
    ssize_t n;
    while ((n = read(fd, bytes, READ_SIZE)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, ERR_VERIFY, "cannot be read");
        for (int i = 0; i < BAG_ALGOS; i++)
            if (!EVP_DigestUpdate(ctx[i], bytes, (size_t)n))
                return err_set(err, ERR_INTERNAL, "hashing failed");
        out->size += (uint64_t)n;
    }
    for (int i = 0; i < BAG_ALGOS; i++) {
        unsigned char md[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        struct buf hex = { 0 };
        if (!EVP_DigestFinal_ex(ctx[i], md, &len))
            return err_set(err, ERR_INTERNAL, "hashing failed");
        buf_put_hex(&hex, md, len);
        if (!hex.failed && hex.n < sizeof(out->hex[i]))
            memcpy(out->hex[i], hex.p, hex.n);
        buf_free(&hex);
    }
    return 0;
}

int bag_digest(int fd, struct bag_digest *out, struct err *err)
{
    const EVP_MD *algos[BAG_ALGOS] = { EVP_sha256(), EVP_sha512() };
    EVP_MD_CTX *ctx[BAG_ALGOS];
    unsigned char *bytes = malloc(READ_SIZE);
    bool ready = bytes != NULL;
    memset(out, 0, sizeof(*out));
    for (int i = 0; i < BAG_ALGOS; i++) {
        ctx[i] = EVP_MD_CTX_new();
        ready = ready && ctx[i] && EVP_DigestInit_ex(ctx[i], algos[i], NULL);
    }
    int rc = ready ? digest_with(fd, ctx, bytes, out, err)
                   : err_set(err, ERR_INTERNAL, "out of memory");
    for (int i = 0; i < BAG_ALGOS; i++)
        EVP_MD_CTX_free(ctx[i]);
    free(bytes);
    return rc;
}

/* ---- the tree ------------------------------------------------------------ */

static int add_file(struct bag_files *f, struct arena *a, struct str path,
                    bool regular, bool empty_dir, struct err *err)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 64;
        struct bag_file *more = realloc(f->v, cap * sizeof(*more));
        if (!more)
            return err_set(err, ERR_INTERNAL, "out of memory");
        f->v = more;
        f->cap = cap;
    }
    struct str copy = arena_copy(a, path);
    if (!copy.p)
        return err_set(err, ERR_INTERNAL, "out of memory");
    f->v[f->n++] = (struct bag_file){ copy, regular, empty_dir };
    return 0;
}

/* Folders whose entries are not looked at yet; no recursion. */
struct todo {
    struct str *v;
    size_t n, cap;
};

static int push(struct todo *t, struct str path, struct err *err)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 16;
        struct str *more = realloc(t->v, cap * sizeof(*more));
        if (!more)
            return err_set(err, ERR_INTERNAL, "out of memory");
        t->v = more;
        t->cap = cap;
    }
    t->v[t->n++] = path;
    return 0;
}

static size_t depth_of(struct str path)
{
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

struct walker {
    struct arena *a;
    struct bag_files *out;
    struct todo todo;
    struct buf path;
    struct err *err;
};

static int see_entry(struct walker *w, int dir, struct str folder,
                     const char *name)
{
    struct stat st;
    buf_clear(&w->path);
    buf_put(&w->path, folder);
    if (folder.n)
        buf_putc(&w->path, '/');
    buf_putz(&w->path, name);
    if (w->path.failed)
        return err_set(w->err, ERR_INTERNAL, "out of memory");
    struct str path = buf_str(&w->path);
    bool known = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!known || !S_ISDIR(st.st_mode) || depth_of(path) >= DEPTH_MAX)
        return add_file(w->out, w->a, path, known && S_ISREG(st.st_mode), false,
                        w->err);
    struct str copy = arena_copy(w->a, path);
    return copy.p ? push(&w->todo, copy, w->err)
                  : err_set(w->err, ERR_INTERNAL, "out of memory");
}

static int see_folder(struct walker *w, int dir, struct str folder)
{
    int fd = openat(dir, folder.n ? folder.p : ".",
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return err_errno(w->err, ERR_VERIFY, "%s", text_line(folder));
    }
    int rc = 0;
    size_t entries = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        entries++;
        rc = see_entry(w, fd, folder, e->d_name);
    }
    closedir(d);
    if (rc == 0 && entries == 0 && folder.n)
        rc = add_file(w->out, w->a, folder, false, true, w->err);
    return rc;
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct bag_file *)a)->path,
                   ((const struct bag_file *)b)->path);
}

int bag_walk(int dir, struct arena *a, struct bag_files *out, struct err *err)
{
    struct walker w = { .a = a, .out = out, .err = err };
    int rc = see_folder(&w, dir, STR(""));
    while (rc == 0 && w.todo.n)
        rc = see_folder(&w, dir, w.todo.v[--w.todo.n]);
    if (out->n)
        qsort(out->v, out->n, sizeof(*out->v), by_path);
    free(w.todo.v);
    buf_free(&w.path);
    return rc;
}

void bag_files_free(struct bag_files *f)
{
    free(f->v);
    *f = (struct bag_files){ 0 };
}

int bag_open(int dir, struct str path)
{
    char name[4096];
    struct stat st;
    if (path.n >= sizeof(name) || path.n == 0 || path.p[0] == '/')
        return -1;
    memcpy(name, path.p, path.n);
    name[path.n] = 0;
    int fd = openat(dir, name,
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

int bag_read_fd(int fd, const char *name, struct buf *out, struct err *err)
{
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        return err_set(err, ERR_VERIFY, "%s: is missing or no regular file",
                       text_line(str_from(name)));
    ssize_t n = 1;
    while (n > 0 && out->n <= BAG_TEXT_MAX) {
        if (!buf_reserve(out, 64 << 10))
            break;
        do
            n = read(fd, out->p + out->n, 64 << 10);
        while (n < 0 && errno == EINTR);
        if (n > 0)
            out->n += (size_t)n;
    }
    close(fd);
    if (out->failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (n)
        return err_set(err, ERR_VERIFY, "%s: cannot be read, or is too long",
                       text_line(str_from(name)));
    return 0;
}

int bag_read(int dir, const char *name, struct buf *out, struct err *err)
{
    return bag_read_fd(bag_open(dir, str_from(name)), name, out, err);
}

/* ---- manifests ----------------------------------------------------------- */

bool bag_name_good(struct str path)
{
    if (path.n == 0 || path.p[0] == '/' || path.p[0] == '-' ||
        path.p[path.n - 1] == '/')
        return false;
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i], low = (char)(c | 0x20);
        bool plain = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
                     c == '.' || c == '_' || c == '/' || c == '-';
        bool dots = c == '.' && i + 1 < path.n && path.p[i + 1] == '.';
        bool twice = c == '/' && path.p[i + 1] == '/';
        if (!plain || dots || twice)
            return false;
    }
    return true;
}

bool bag_line_next(struct str *rest, size_t hex_n, struct bag_line *out)
{
    *out = (struct bag_line){ 0 };
    if (rest->n == 0)
        return false;
    const char *lf = memchr(rest->p, '\n', rest->n);
    size_t n = lf ? (size_t)(lf - rest->p) : rest->n;
    struct str line = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, lf ? n + 1 : n, rest->n);
    out->path = line;
    if (!lf || n < hex_n + 3 || line.p[hex_n] != ' ' ||
        line.p[hex_n + 1] != ' ')
        return true;
    for (size_t i = 0; i < hex_n; i++)
        if (!((line.p[i] >= '0' && line.p[i] <= '9') ||
              (line.p[i] >= 'a' && line.p[i] <= 'f')))
            return true;
    struct str path = str_sub(line, hex_n + 2, n);
    if (!bag_name_good(path))
        return true;
    *out = (struct bag_line){ str_sub(line, 0, hex_n), path };
    return true;
}

/* ---- giving up ----------------------------------------------------------- */

void bag_remove(int parent, const char *name)
{
    struct arena a = { 0 };
    struct bag_files files = { 0 };
    int dir =
        openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir >= 0 && bag_walk(dir, &a, &files, NULL) == 0)
        for (size_t i = files.n; i-- > 0;)
            unlinkat(dir, files.v[i].path.p,
                     files.v[i].empty_dir ? AT_REMOVEDIR : 0);
    bag_files_free(&files);
    /* now its folders are empty, the inner ones first */
    for (int depth = 0; dir >= 0 && depth < DEPTH_MAX; depth++) {
        if (bag_walk(dir, &a, &files, NULL) || files.n == 0)
            depth = DEPTH_MAX;
        for (size_t i = files.n; i-- > 0;)
            unlinkat(dir, files.v[i].path.p, AT_REMOVEDIR);
        bag_files_free(&files);
    }
    if (dir >= 0)
        close(dir);
    unlinkat(parent, name, AT_REMOVEDIR);
    arena_free(&a);
}
