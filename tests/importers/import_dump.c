/*
 * import_dump [-H] IMPORTER FILE...: runs one importer over the files (several
 * are the segments of one image) in this process, and prints what it gives,
 * one line each: what tests of importers compare. The sink here only prints.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "importers/importer.h"

extern const struct importer importers_disk, importers_memory;
static const struct importer *const known[] = { &importers_disk,
                                                &importers_memory, NULL };

static void put(struct str s)
{
    struct buf b = { 0 };
    text_show(&b, s, TEXT_ASCII);
    printf("%.*s", (int)b.n, b.p ? b.p : "");
    buf_free(&b);
}

int sink_record(struct sink *s, const struct record *r)
{
    (void)s;
    printf("record %llu+%u ", (unsigned long long)r->off, r->len);
    put(r->action);
    putchar('\n');
    return 0;
}

static void put_time(const char *name, bool known_, struct instant t)
{
    char text[TIME_TEXT_MAX];
    if (!known_)
        return;
    size_t n = time_format(text, t, -1, 0);
    printf(" %s=%.*s", name, (int)n, text);
}

int sink_part(struct sink *s, struct str layers, uint64_t size)
{
    (void)s;
    (void)layers;
    (void)size;
    return 0;
}

int sink_file(struct sink *s, const struct record_file *f)
{
    static const char *const found[] = { "live", "open", "inode", "name",
                                         "journal" };
    (void)s;
    printf("file [");
    put(f->volume);
    printf("] ");
    put(f->path);
    printf(" inode=%llu type=%u mode=%o uid=%u size=%llu flags=%u",
           (unsigned long long)f->inode, f->type, f->mode, f->uid,
           (unsigned long long)f->size, f->flags & 15u);
    put_time("m", !(f->flags & FILE_NO_TIME_M), f->m);
    put_time("b", !(f->flags & FILE_NO_TIME_B), f->b);
    if (f->link_target.n) {
        printf(" link=");
        put(f->link_target);
    }
    for (size_t i = 0; i < f->n_xattrs; i++)
        if (str_starts(f->xattrs[i].name, STR("ntfs."))) {
            printf(" times of the name: ");
            put(f->xattrs[i].value);
        }
    if (f->sha256.n) {
        printf(" sha256=");
        for (size_t i = 0; i < f->sha256.n; i++)
            printf("%02x", (unsigned char)f->sha256.p[i]);
    }
    if (f->found)
        printf(" found=%s confidence=%u free=%llu", found[f->found % 5],
               f->confidence, (unsigned long long)f->free_bytes);
    putchar('\n');
    return 0;
}

static int issue(const char *kind, uint64_t off, uint64_t len, const char *code,
                 const char *fmt, va_list ap)
{
    printf("%s %s %llu+%llu ", kind, code, (unsigned long long)off,
           (unsigned long long)len);
    vprintf(fmt, ap);
    putchar('\n');
    return 0;
}

int sink_reject(struct sink *s, uint64_t off, uint64_t len, const char *code,
                const char *fmt, ...)
{
    va_list ap;
    (void)s;
    va_start(ap, fmt);
    issue("reject", off, len, code, fmt, ap);
    va_end(ap);
    return 0;
}

int sink_issue(struct sink *s, enum issue_severity severity, uint64_t off,
               uint64_t len, const char *code, const char *fmt, ...)
{
    static const char *const kinds[] = { "note", "warning", "error" };
    va_list ap;
    (void)s;
    va_start(ap, fmt);
    issue(kinds[severity], off, len, code, fmt, ap);
    va_end(ap);
    return 0;
}

int sink_fact(struct sink *s, const char *name, struct str value)
{
    (void)s;
    printf("fact %s: ", name);
    put(value);
    putchar('\n');
    return 0;
}

int sink_package(struct sink *s, const struct record_package *p)
{
    (void)s, (void)p;
    return 0;
}

int sink_package_file(struct sink *s, const struct record_package_file *f)
{
    (void)s, (void)f;
    return 0;
}

int sink_carved(struct sink *s, uint64_t off, uint32_t len, uint8_t kind,
                struct str value)
{
    (void)s;
    printf("carved %llu+%u %u ", (unsigned long long)off, len, kind);
    put(value);
    putchar('\n');
    return 0;
}

void sink_progress(struct sink *s, uint64_t done)
{
    (void)s;
    (void)done;
}

int input_more(struct input *in, size_t from)
{
    in->p += from;
    in->n -= from;
    in->base += from;
    return 0;
}

static const struct importer *by_name(const char *name)
{
    size_t i = 0;
    while (known[i] && strcmp(known[i]->name, name) != 0)
        i++;
    return known[i];
}

static int run(const struct importer *im, const char *path, struct source *src,
               bool hash)
{
    enum { HEAD = 65536, TAIL = 4096 };
    static char head[HEAD + 64], tail[TAIL];
    struct err err = { 0 };
    struct arena arena = { 0 };
    struct import_job job = { .path = str_from(path),
                              .arena = &arena,
                              .hash_files = hash };
    size_t n = 0, t = 0;
    uint64_t at = src->size > TAIL ? src->size - TAIL : 0;
    if (source_read(src, 0, head, HEAD, &n, &err) ||
        source_read(src, at, tail, TAIL, &t, &err))
        return 1;
    struct input in = { .p = head, .n = n, .eof = n == src->size, .src = src };
    job.in = &in;
    struct probe p = { { head, n }, { tail, t }, job.path, src->size, NULL };
    int sure = im->probe(&p);
    printf("probe %d %s\n", sure, p.reason ? p.reason : "");
    int code = im->import(&job, &err);
    if (code)
        printf("stopped %d: %s\n", code, err.what);
    arena_free(&arena);
    return code != 0;
}

int main(int argc, char **argv)
{
    bool hash = argc > 1 && strcmp(argv[1], "-H") == 0;
    struct err err = { 0 };
    int fds[256];
    size_t n = 0;
    setenv("TZ", "UTC0", 1);
    argv += hash;
    argc -= hash;
    const struct importer *im = argc > 2 ? by_name(argv[1]) : NULL;
    for (int i = 2; i < argc && n < 256; i++)
        fds[n++] = open(argv[i], O_RDONLY | O_CLOEXEC);
    struct source *src = im ? source_open_split(fds, n, &err) : NULL;
    if (!src) {
        fprintf(stderr, "import_dump: %s\n", im ? err.what : "usage");
        return 1;
    }
    int code = run(im, argv[2], src, hash);
    source_close(src);
    return code;
}
