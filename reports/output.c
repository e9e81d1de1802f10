/*
 * Whole files or none. The temporary name is .NAME.tmp-PID in the same
 * folder; those of processes that are gone are removed when the next output
 * of that name begins. fclose() and close() do not tell every failed write,
 * so write, fsync and rename are all looked at.
 */
#include "reports/output.h"

#include "base/text.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUTPUT_BUFFER = 256 << 10, NAME_LONGEST = 200 };

struct output {
    int fd, dir; /* dir -1: a descriptor of the caller */
    int error;   /* errno of the first failed write, 0 = none */
    bool force, finished, committed;
    char *shown; /* path as given, for messages */
    char name[256], temporary[256];
    uint64_t size;
    struct hasher *hash;
    char sha256[65];
    size_t n;
    char buffer[OUTPUT_BUFFER];
};

int report_tick(const struct report_ticker *t, uint64_t done, uint64_t all,
                struct err *err)
{
    if (t->tick && t->tick(t->ctx, done, all))
        return err_set(err, ERR_STOPPED, "interrupted");
    return 0;
}

/* ---- opening ------------------------------------------------------------- */

static struct output *new_output(struct err *err)
{
    struct output *o = malloc(sizeof(*o));
    if (o) {
        memset(o, 0, offsetof(struct output, buffer));
        o->fd = o->dir = -1;
        o->hash = hasher_open(1u << HASH_SHA256);
        if (o->hash)
            return o;
        free(o);
    }
    err_set(err, ERR_INTERNAL, "out of memory");
    return NULL;
}

/* Folder and name of a path. */
static bool split(const char *path, char **folder, struct str *name)
{
    const char *slash = strrchr(path, '/');
    *name = str_from(slash ? slash + 1 : path);
    *folder = slash == NULL   ? strdup(".")
              : slash == path ? strdup("/")
                              : strndup(path, (size_t)(slash - path));
    return *folder != NULL;
}

/* Half files of processes that were killed. */
static void sweep(int dir, struct str prefix)
{
    int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again < 0 ? NULL : fdopendir(again);
    if (!d && again >= 0)
        close(again);
    for (struct dirent *e; d && (e = readdir(d));) {
        struct str name = str_from(e->d_name);
        uint64_t pid;
        if (str_starts(name, prefix) &&
            str_u64(str_sub(name, prefix.n, name.n), &pid) && pid > 0 &&
            pid < INT32_MAX && kill((pid_t)pid, 0) && errno == ESRCH)
            unlinkat(dir, e->d_name, 0);
    }
    if (d)
        closedir(d);
}

static int may_take(const struct output *o, struct err *err)
{
    struct stat st;
    if (fstatat(o->dir, o->name, &st, AT_SYMLINK_NOFOLLOW)) {
        if (errno == ENOENT)
            return 0;
        return err_errno(err, ERR_WRITE, "%s", text_line(str_from(o->shown)));
    }
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: is not a regular file",
                       text_line(str_from(o->shown)));
    if (o->force)
        return 0;
    err_set(err, ERR_USAGE, "%s: exists", text_line(str_from(o->shown)));
    err_hint(err, "--force replaces it.");
    return ERR_USAGE;
}

static int open_temporary(struct output *o, const char *folder, struct err *err)
{
    o->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (o->dir < 0)
        return err_errno(err, ERR_WRITE, "%s", text_line(str_from(folder)));
    int r = may_take(o, err);
    if (r)
        return r;
    int n = snprintf(o->temporary, sizeof(o->temporary), ".%.*s.tmp-",
                     NAME_LONGEST, o->name);
    sweep(o->dir, (struct str){ o->temporary, (size_t)n });
    snprintf(o->temporary + n, sizeof(o->temporary) - (size_t)n, "%ld",
             (long)getpid());
    unlinkat(o->dir, o->temporary, 0); /* ours, of an earlier failure */
    o->fd = openat(o->dir, o->temporary,
                   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (o->fd < 0) {
        o->temporary[0] = 0;
        return err_errno(err, ERR_WRITE, "%s", text_line(str_from(o->shown)));
    }
    return 0;
}

static int open_path(struct output *o, const char *path, struct err *err)
{
    struct str name;
    char *folder;
    o->shown = strdup(path);
    if (!o->shown || !split(path, &folder, &name))
        return err_set(err, ERR_INTERNAL, "out of memory");
    int r = 0;
    if (name.n == 0 || name.n >= sizeof(o->name) || str_eq(name, STR(".")) ||
        str_eq(name, STR("..")))
        r = err_set(err, ERR_USAGE, "%s: is not the name of a file",
                    text_line(str_from(path)));
    if (r == 0) {
        memcpy(o->name, name.p, name.n + 1);
        r = open_temporary(o, folder, err);
    }
    free(folder);
    return r;
}

int output_open(const char *path, bool force, struct output **out,
                struct err *err)
{
    *out = NULL;
    if (strcmp(path, "-") == 0) {
        *out = output_fd(STDOUT_FILENO, err);
        return *out ? 0 : ERR_INTERNAL;
    }
    struct output *o = new_output(err);
    if (!o)
        return ERR_INTERNAL;
    o->force = force;
    int r = open_path(o, path, err);
    if (r) {
        output_close(o);
        return r;
    }
    *out = o;
    return 0;
}

struct output *output_fd(int fd, struct err *err)
{
    struct output *o = new_output(err);
    if (o) {
        o->fd = fd;
        o->shown = strdup("output");
    }
    return o;
}

/* ---- writing ------------------------------------------------------------- */

static void write_all(struct output *o, struct str s)
{
    while (s.n && o->error == 0) {
        ssize_t n = write(o->fd, s.p, s.n);
        if (n > 0)
            s = str_sub(s, (size_t)n, s.n);
        else if (n == 0)
            o->error = EIO;
        else if (errno != EINTR)
            o->error = errno;
    }
}

static void flush(struct output *o)
{
    write_all(o, (struct str){ o->buffer, o->n });
    o->n = 0;
}

void output_put(struct output *o, struct str s)
{
    if (s.n == 0 || o->error)
        return;
    hasher_add(o->hash, s.p, s.n);
    o->size += s.n;
    if (s.n > sizeof(o->buffer) - o->n)
        flush(o);
    if (s.n >= sizeof(o->buffer)) {
        write_all(o, s);
        return;
    }
    memcpy(o->buffer + o->n, s.p, s.n);
    o->n += s.n;
}

bool output_failed(const struct output *o)
{
    return o->error != 0;
}

uint64_t output_size(const struct output *o)
{
    return o->size;
}

static int write_error(struct output *o, struct err *err)
{
    if (o->error == EPIPE) {
        err_set(err, ERR_WRITE, "%s", "");
        return ERR_WRITE;
    }
    errno = o->error;
    return err_errno(err, ERR_WRITE, "%s",
                     text_line(str_from(o->shown ? o->shown : "output")));
}

int output_finish(struct output *o, char sha256[65], struct err *err)
{
    if (!o->finished) {
        flush(o);
        /* pipes and terminals have nothing to sync */
        if (o->error == 0 && fsync(o->fd) && errno != EINVAL &&
            errno != EROFS && errno != ENOTSUP)
            o->error = errno;
        unsigned char digest[32];
        if (hasher_end(o->hash, HASH_SHA256, digest) != SHA256_LEN)
            return err_set(err, ERR_INTERNAL, "SHA-256 failed");
        struct buf hex = { 0 };
        buf_put_hex(&hex, digest, sizeof(digest));
        if (hex.n == sizeof(o->sha256) - 1)
            memcpy(o->sha256, hex.p, hex.n);
        buf_free(&hex);
        o->finished = true;
    }
    if (sha256)
        memcpy(sha256, o->sha256, sizeof(o->sha256));
    return o->error ? write_error(o, err) : 0;
}

static int give_name(struct output *o)
{
    if (!o->force &&
        renameat2(o->dir, o->temporary, o->dir, o->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (!o->force && errno != EINVAL && errno != ENOSYS)
        return -1;
    return renameat(o->dir, o->temporary, o->dir, o->name);
}

int output_commit(struct output *o, struct err *err)
{
    int r = output_finish(o, NULL, err);
    if (r || o->dir < 0 || o->committed)
        return r;
    struct stat st;
    bool aside = fstatat(o->dir, o->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                 !S_ISREG(st.st_mode);
    if (aside)
        return err_set(err, ERR_WRITE, "%s: is not a regular file any more",
                       text_line(str_from(o->shown)));
    int failed = close(o->fd);
    o->fd = -1;
    if (failed || give_name(o) || fsync(o->dir))
        return err_errno(err, ERR_WRITE, "%s", text_line(str_from(o->shown)));
    o->committed = true;
    return 0;
}

void output_close(struct output *o)
{
    if (!o)
        return;
    if (o->dir >= 0) {
        if (o->fd >= 0)
            close(o->fd);
        if (!o->committed && o->temporary[0])
            unlinkat(o->dir, o->temporary, 0);
        close(o->dir);
    }
    hasher_close(o->hash);
    free(o->shown);
    free(o);
}
