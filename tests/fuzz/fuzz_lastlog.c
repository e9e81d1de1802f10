/* lastlog: records lie within the input and account for it, and are found
 * alike from one window and in steps, as a long file is read. */
#include <stdio.h>
#include <stdlib.h>

#include "evidence/source.h"
#include "importers/importer.h"
#include "tests/fuzz/replay.h"

extern const struct importer importers_lastlog;

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* What comes out, as lines of text, in place of a sink. */
struct told {
    struct buf text;
    uint64_t size, end;
};

static void place(struct told *told, uint64_t off, uint64_t len)
{
    must(len > 0 && off >= told->end && off <= told->size &&
         len <= told->size - off);
    told->end = off + len;
    buf_printf(&told->text, "%llu+%llu ", (unsigned long long)off,
               (unsigned long long)len);
}

int sink_record(struct sink *s, const struct record *r)
{
    struct told *told = (void *)s;
    place(told, r->off, r->len);
    buf_printf(&told->text, "%lld ", (long long)r->t.s);
    buf_put(&told->text, r->ip);
    buf_put(&told->text, r->text);
    buf_putc(&told->text, '\n');
    return 0;
}

int sink_reject(struct sink *s, uint64_t off, uint64_t len, const char *code,
                const char *fmt, ...)
{
    must(code[0] && fmt[0]);
    place((void *)s, off, len);
    return 0;
}

int sink_issue(struct sink *s, enum issue_severity severity, uint64_t off,
               uint64_t len, const char *code, const char *fmt, ...)
{
    struct told *told = (void *)s;
    (void)severity, (void)off, (void)len;
    must(code[0] && fmt[0]);
    buf_putz(&told->text, code);
    return 0;
}

void sink_progress(struct sink *s, uint64_t done)
{
    struct told *told = (void *)s;
    must(done <= told->size);
}

static void probe(struct str s, struct str path)
{
    struct probe p = { s, str_sub(s, s.n > 4096 ? s.n - 4096 : 0, 4096), path,
                       s.n, "" };
    int sure = importers_lastlog.probe(&p);
    must(sure >= 0 && sure <= 100 && p.reason);
}

static void run(struct str s, bool whole, struct told *told)
{
    struct source *src = source_open_memory(s, NULL);
    struct input in = { .p = s.p, .n = s.n, .eof = whole, .src = src };
    struct arena arena = { 0 };
    struct err err;
    *told = (struct told){ .size = s.n };
    struct import_job job = { .in = &in,
                              .sink = (void *)told,
                              .arena = &arena,
                              .name = STR("var/log/lastlog") };
    must(src && importers_lastlog.import(&job, &err) == 0);
    arena_free(&arena);
    source_close(src);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = { (const char *)data, size };
    struct told whole, steps;
    probe(s, STR("var/log/lastlog"));
    probe(s, STR("elsewhere"));
    run(s, true, &whole);
    run(s, false, &steps);
    must(str_eq(buf_str(&whole.text), buf_str(&steps.text)));
    buf_free(&whole.text);
    buf_free(&steps.text);
    return 0;
}
