#include "tests/importers/collect.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/kinds.h"
#include "base/text.h"
#include "evidence/worker.h"
#include "importers/import.h"
#include "importers/wire.h"

static struct {
    struct collected *c;
    struct wire_request request;
    unsigned flags;
    bool in_member;
    uint64_t size; /* of the member; 0: not known */
} now;

static void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    if (now.flags & COLLECT_COUNT)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    buf_putz(&now.c->text, line);
}

static void put_str(const char *before, struct str s)
{
    if (s.n == 0 || now.flags & COLLECT_COUNT)
        return;
    buf_putz(&now.c->text, before);
    if (s.n > 300)
        s.n = 300;
    text_show(&now.c->text, s, TEXT_ASCII);
}

static void put_place(uint64_t off, uint64_t len)
{
    if (now.flags & COLLECT_PLACES)
        put(" @%llu+%llu", (unsigned long long)off, (unsigned long long)len);
}

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "collect: %s\n", what);
        abort();
    }
}

/* ---- the sink ------------------------------------------------------------ */

static void put_uid(const char *name, struct str v)
{
    if (v.n == 0)
        return;
    put(" %s=", name);
    bool text = true;
    for (size_t i = 0; i < v.n; i++)
        text &= v.p[i] > ' ' && v.p[i] < 0x7f;
    if (text)
        put_str("", v);
    for (size_t i = 0; !text && i < v.n; i++)
        put("%02x", (unsigned char)v.p[i]);
}

static void put_flags(uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {
        { EVENT_DUPLICATE_KEY, "duplicate-key" },
        { EVENT_BAD_TEXT, "bad-text" },
        { EVENT_BAD_FIELD, "bad-field" },
        { EVENT_LEAP, "leap" },
        { EVENT_IMPLAUSIBLE, "implausible" },
        { EVENT_PERIOD, "period" },
        { EVENT_CONTINUED, "continued" },
        { EVENT_MFA, "mfa" },
        { EVENT_DELETED, "deleted" },
        { EVENT_CARVED, "carved" },
        { EVENT_YEAR_INFERRED, "year-inferred" },
        { EVENT_RECOVERED, "recovered" },
        { EVENT_SECRET, "secret" },
        { EVENT_HOUR_TWICE, "hour-twice" },
        { EVENT_HOUR_SKIPPED, "hour-skipped" },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (flags & names[i].flag)
            put(" !%s", names[i].name);
}

static void put_time(const struct record *r)
{
    char text[TIME_TEXT_MAX];
    size_t n = time_format(text, r->t, -1, 0);
    if (r->timed)
        put(" %.*s%s", (int)n, text,
            r->t_zone == ZONE_ASSUMED ? "?"
            : r->t_zone == ZONE_HOST  ? "~"
                                      : "");
    else
        put(" undated");
}

static void put_ref(const struct record_ref *ref)
{
    put_str(" ", role_name(ref->role));
    put_str(":", kind_name(ref->kind));
    put_str("=", ref->value);
}

int sink_record(struct sink *s, const struct record *r)
{
    (void)s;
    must(now.in_member, "a record outside a member");
    must(r->n_refs <= RECORD_REFS_MAX && r->t.ns < 1000000000, "a bad record");
    must(!now.size || (r->off <= now.size && r->len <= now.size - r->off),
         "a record outside its member");
    now.c->records++;
    now.c->last_end = r->off + r->len;
    put("event");
    put_place(r->off, r->len);
    put_time(r);
    put_str(" ", r->action);
    put_str(" ", r->service);
    put_str(" by=", r->actor);
    put_str(" ip=", r->ip);
    put_str(" outcome=", r->outcome);
    put_str(" on=", r->target);
    put_uid("uid", r->uid);
    put_str(" source=", r->source);
    put_str(" text=", r->text);
    for (size_t i = 0; i < r->n_refs; i++)
        if (r->refs[i].kind == KIND_LOG_GROUP ||
            r->refs[i].kind == KIND_LOG_STREAM)
            put_str(" in=", r->refs[i].value);
        else if (now.flags & COLLECT_REFS)
            put_ref(&r->refs[i]);
    if (now.flags & COLLECT_REFS) {
        if (r->t_kind != TIME_EVENT)
            put_str(" kind=", time_kind_name(r->t_kind));
        put_str(" key=", r->key);
    }
    if (r->sub)
        put(" #%u", r->sub);
    if (r->detail)
        put(" detail=%u", r->detail);
    put_flags(r->flags);
    put("\n");
    return 0;
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
    (void)s;
    put_str("file ", f->path);
    put("\n");
    return 0;
}

int sink_package(struct sink *s, const struct record_package *p)
{
    (void)s;
    must(now.in_member, "a package outside a member");
    put("package");
    put_str(" ", p->name);
    put_str(" ", p->version);
    put_str(" ", p->arch);
    put_str(" vendor=", p->vendor);
    put_str(" signer=", p->signer);
    put_str(" state=", p->state);
    if (p->known & PACKAGE_INSTALLED)
        put(" installed=%lld", (long long)p->installed_s);
    if (p->known & PACKAGE_BUILT)
        put(" built=%lld", (long long)p->built_s);
    put("\n");
    return 0;
}

int sink_package_file(struct sink *s, const struct record_package_file *f)
{
    (void)s;
    must(now.in_member, "a package's file outside a member");
    must(f->digest.n <= 64 && f->mode <= 0xffff &&
             f->flags <= PACKAGE_FILE_FLAGS,
         "a bad file of a package");
    now.c->records++;
    put_str("claims ", f->path);
    put_str(" package=", f->package);
    if (f->known & PACKAGE_MODE)
        put(" mode=%o", f->mode);
    if (f->known & PACKAGE_SIZE)
        put(" size=%llu", (unsigned long long)f->size);
    if (f->known & PACKAGE_TIME)
        put(" m=%lld", (long long)f->m_s);
    put_str(" owner=", f->owner);
    put_str(" group=", f->group);
    if (f->digest.n)
        put(" digest=");
    for (size_t i = 0; i < f->digest.n; i++)
        put("%02x", (unsigned char)f->digest.p[i]);
    put_str(" link=", f->link_target);
    if (f->flags)
        put(" flags=%u", f->flags);
    put("\n");
    return 0;
}

static void words(const char *kind, uint64_t off, uint64_t len,
                  const char *code, const char *fmt, va_list ap)
{
    char detail[512];
    must(now.in_member, "an issue outside a member");
    vsnprintf(detail, sizeof(detail), fmt, ap);
    put("%s %s", kind, code);
    put_place(off, len);
    put_str(": ", str_from(detail));
    put("\n");
}

int sink_reject(struct sink *s, uint64_t off, uint64_t len, const char *code,
                const char *fmt, ...)
{
    va_list ap;
    (void)s;
    now.c->rejects++;
    va_start(ap, fmt);
    words("reject", off, len, code, fmt, ap);
    va_end(ap);
    return 0;
}

int sink_issue(struct sink *s, enum issue_severity severity, uint64_t off,
               uint64_t len, const char *code, const char *fmt, ...)
{
    static const char *const kinds[] = { "note", "warning", "error" };
    va_list ap;
    (void)s;
    now.c->issues++;
    va_start(ap, fmt);
    words(kinds[severity], off, len, code, fmt, ap);
    va_end(ap);
    return 0;
}

int sink_fact(struct sink *s, const char *name, struct str value)
{
    (void)s;
    put("fact %s", name);
    put_str(": ", value);
    put("\n");
    return 0;
}

int sink_carved(struct sink *s, uint64_t off, uint32_t len, uint8_t kind,
                struct str value)
{
    (void)s, (void)off, (void)len, (void)kind, (void)value;
    return 0;
}

void sink_progress(struct sink *s, uint64_t done)
{
    (void)s, (void)done;
}

/* ---- the sink's side of the job ------------------------------------------ */

struct sink *sink_open(const struct hash_key *body_key, struct err *err)
{
    (void)body_key, (void)err;
    return (struct sink *)(void *)&now;
}

int sink_member(struct sink *s, bool outer, struct str layers,
                struct str format, uint64_t size)
{
    (void)s, (void)outer;
    now.size = size;
    must(!now.in_member, "a member inside a member");
    now.in_member = true;
    now.c->members++;
    put("member");
    put_str(" ", layers);
    put_str(" ", format.n ? format : STR("-"));
    put("\n");
    return 0;
}

int sink_member_end(struct sink *s)
{
    (void)s;
    must(now.in_member, "a member ends that did not begin");
    now.in_member = false;
    return 0;
}

int sink_flush(struct sink *s)
{
    (void)s;
    return 0;
}

void sink_job(struct sink *s, struct str source)
{
    (void)s, (void)source;
}

uint64_t sink_items(const struct sink *s)
{
    (void)s;
    return 0;
}

void sink_set_source(struct sink *s, struct str importer)
{
    (void)s, (void)importer;
}

void sink_set_flags(struct sink *s, uint32_t event_flags)
{
    (void)s, (void)event_flags;
}

void worker_keep_fds(void)
{
}

bool wire_get_request(struct str s, struct wire_request *r)
{
    (void)s;
    *r = now.request;
    return true;
}

int worker_emit_str(unsigned type, struct str payload)
{
    (void)payload;
    return type == FRAME_DONE ? 0 : ERR_INTERNAL;
}

int worker_progress(uint64_t done)
{
    (void)done;
    return 0;
}

int worker_want(uint64_t i, struct err *err)
{
    (void)i;
    err_set(err, ERR_EVIDENCE, "no sets of files here");
    return -1;
}

uint64_t worker_job(void)
{
    return 0;
}

enum worker_kind worker_kind(void)
{
    return WORKER_LOG;
}

/* ---- running ------------------------------------------------------------- */

static struct worker_handler *handler(void)
{
    static struct worker_handler handlers[WORKER_KINDS];
    if (!handlers[WORKER_LOG].handle)
        import_worker_handlers(handlers);
    return &handlers[WORKER_LOG];
}

static int file_of(struct str bytes)
{
    int fd = memfd_create("bytes", MFD_CLOEXEC);
    size_t at = 0;
    while (fd >= 0 && at < bytes.n) {
        ssize_t n = write(fd, bytes.p + at, bytes.n - at);
        must(n > 0, "memory file");
        at += (size_t)n;
    }
    must(fd >= 0, "memory file");
    return fd;
}

void collect(struct collected *c, struct str bytes, struct str path,
             struct str as, unsigned flags)
{
    collect_free(c);
    now.c = c;
    now.flags = flags;
    now.in_member = false;
    now.request = (struct wire_request){ .body_key = { { 1, 2 } },
                                         .as = as,
                                         .path = path,
                                         .has_modified = true,
                                         /* 2026-03-13T00:00:00Z */
                                         .modified = { 1773360000, 0 } };
    int fd = file_of(bytes);
    struct worker_handler *h = handler();
    c->failed = h->handle(h->ctx, STR(""), &fd, 1, &c->err) != 0;
    if (c->failed)
        put("failed: %s\n", c->err.what);
    else
        must(!now.in_member, "a member stays open");
    close(fd);
}

void collect_free(struct collected *c)
{
    buf_free(&c->text);
    *c = (struct collected){ 0 };
}
