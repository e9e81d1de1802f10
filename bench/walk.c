/*
 * Walks the file system of an image and prints what it saw:
 *
 *   walk [--rounds N] [--body] IMAGE [LAYERS]
 *
 * One line a round: names, deleted ones, extended attributes, issues, wall and
 * processor milliseconds, names a second; at the end the peak of the resident
 * memory. --body prints a body file line for each name instead (to compare
 * names and times with other tools), without escapes.
 */
#include "evidence/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static struct err err;

struct count {
    uint64_t names, deleted, xattrs, issues, sum;
    bool body;
};

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int on_file(void *ctx, const struct fs_file *f)
{
    struct count *c = ctx;
    c->names++;
    c->deleted += f->flags & FS_FILE_DELETED;
    c->xattrs += f->n_xattrs;
    c->sum += f->size ^ (uint64_t)f->m.s;
    if (c->body)
        printf("0|%.*s|%llu|%o|%u|%u|%llu|%lld|%lld|%lld|%lld\n",
               STR_ARG(f->path), (unsigned long long)f->inode, f->mode, f->uid,
               f->gid, (unsigned long long)f->size, (long long)f->a.s,
               (long long)f->m.s, (long long)f->c.s, (long long)f->b.s);
    return 0;
}

static int on_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    struct count *c = ctx;
    c->issues++;
    if (severity > 0 && c->issues < 20)
        fprintf(stderr, "walk: %s inode %llu: %s\n", code,
                (unsigned long long)inode, text);
    return 0;
}

static int walk(struct source *vol, struct count *c)
{
    const struct fs_visitor v = { c, on_file, on_issue, NULL };
    struct fs *fs = fs_open(vol, &err);
    int code = fs ? fs_walk(fs, &v, &err) : 1;
    fs_close(fs);
    return code;
}

static int rounds(struct source *vol, long n)
{
    struct rusage use;
    for (long i = 0; i < n; i++) {
        struct count c = { 0 };
        double wall = now(CLOCK_MONOTONIC);
        double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        if (walk(vol, &c))
            return 1;
        wall = now(CLOCK_MONOTONIC) - wall;
        cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        printf("names %llu deleted %llu xattrs %llu issues %llu wall %.1f cpu "
               "%.1f rate %.0f\n",
               (unsigned long long)c.names, (unsigned long long)c.deleted,
               (unsigned long long)c.xattrs, (unsigned long long)c.issues, wall,
               cpu, (double)c.names / wall * 1e3);
    }
    getrusage(RUSAGE_SELF, &use);
    printf("peak %ld KiB\n", use.ru_maxrss);
    return 0;
}

int main(int argc, char **argv)
{
    long n = 1;
    struct count body = { .body = false };
    setenv("TZ", "UTC0", 1);
    tzset();
    for (; argc > 2 && argv[1][0] == '-'; argc--, argv++) {
        if (strcmp(argv[1], "--rounds") == 0 && argc > 3) {
            n = strtol(argv[2], NULL, 10);
            argc--;
            argv++;
        } else if (strcmp(argv[1], "--body") == 0) {
            body.body = true;
        } else {
            break;
        }
    }
    if (argc < 2) {
        fprintf(stderr, "usage: walk [--rounds N] [--body] IMAGE [LAYERS]\n");
        return 1;
    }
    int code = 1, fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    struct source *file = source_open_fd(fd, &err), *vol = NULL;
    if (file)
        vol = source_open_layers(file, str_from(argc > 2 ? argv[2] : ""), &err);
    if (vol)
        code = body.body ? walk(vol, &body) : rounds(vol, n);
    if (code)
        fprintf(stderr, "walk: %s\n", err.what);
    source_close(vol);
    source_close(file);
    close(fd);
    return code;
}
