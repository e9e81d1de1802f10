/*
 * Memory dumps: what the container says, the digest of the address space, the
 * kernel's banner and the host's name, and every identifier that is found in
 * present memory. Processes and the like are not read here.
 *
 * One pass. Each hit of a key, id or ARN is kept; of one address or URL only
 * the first SAME_MAX, the rest is counted. Strings that cross a page end are
 * found where the next page is the next in physical memory, as everywhere in
 * a dump; those of a process's own order of pages are not.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/text.h"
#include "evidence/memory.h"
#include "evidence/worker.h"
#include "importers/carve.h"
#include "importers/importer.h"

enum {
    STEP = 256 << 10,
    SAME_MAX = 64,    /* hits kept of one address or URL */
    VALUES = 1 << 21, /* slots for addresses and URLs */
    VALUES_MAX = VALUES / 4 * 3,
    CAPPED_LISTED = 200,
    GAPS_LISTED = 100,
    RANGES_LISTED = 64,
    SYSTEMS = 16, /* banners and host names that differ */
    PLACES = 8,
};

struct value {
    uint64_t hash;
    uint32_t n;
    uint32_t capped; /* 1 + index, 0 = not */
};

struct capped {
    struct str text;
    uint64_t at, n; /* first that is not kept, and how many */
};

/* A banner or a host name. */
struct system {
    char text[520];
    uint64_t at[PLACES], n;
};

struct memory {
    struct import_job *job;
    struct source *phys;
    const struct memory_info *info;
    char *room, *p; /* CARVE_BEFORE, then the window */
    struct hasher *hasher;
    struct carver carver;
    uint64_t done; /* bytes of present memory */

    struct hash_key key;
    struct value *values;
    size_t n_values;
    uint64_t beyond, beyond_at; /* hits of values that are too many */
    struct capped *capped;
    size_t n_capped, cap_capped;
    struct arena text;

    struct system banners[SYSTEMS], hosts[SYSTEMS];
    size_t n_banners, n_hosts;
    uint64_t counts[KIND_MAX + 1];
    struct {
        uint64_t n, at;
    } examples[8];
};

/* Keys and ids that the documentation and SDKs use. */
static const char *const examples[] = {
    "AKIAIOSFODNN7EXAMPLE",  "ASIAIOSFODNN7EXAMPLE",  "AKIAI44QH8DHBEXAMPLE",
    "ASIAI44QH8DHBEXAMPLE",  "AIDACKCEVSQ6C2EXAMPLE", "AROADBQP57FF2AEXAMPLE",
    "AIDAJQABLZS4A3QDU576Q", "AROAJ45Q7YFFAREXAMPLE",
};
enum { EXAMPLES = sizeof examples / sizeof *examples };
_Static_assert(EXAMPLES == sizeof((struct memory *)0)->examples /
                               sizeof *((struct memory *)0)->examples,
               "a count for each example");

/* ---- recognition -------------------------------------------------------- */

/* A kernel's banner among binary data; in a log there is no NUL. */
static bool holds_banner(struct str head)
{
    size_t nul = 0;
    size_t at = str_find(head, STR("Linux version "));
    if (at == SIZE_MAX || at + 15 > head.n || head.p[at + 14] < '1' ||
        head.p[at + 14] > '9')
        return false;
    for (size_t i = 0; i < head.n; i++)
        nul += head.p[i] == 0;
    return nul > 64;
}

static int probe(struct probe *p)
{
    const char *unread = memory_unread(p->head);
    if (unread) {
        p->reason = unread;
        return 95;
    }
    switch (memory_recognise(p->head)) {
    case MEMORY_LIME:
        p->reason = "LiME signature";
        return 100;
    case MEMORY_AVML:
        p->reason = "AVML signature";
        return 100;
    case MEMORY_ELF:
        p->reason = "ELF core file";
        return 95;
    default:
        break;
    }
    if (!holds_banner(p->head))
        return 0;
    p->reason = "binary data with a kernel's banner";
    return 60;
}

/* The kernel's own text of its version, linux_banner: it ends with a line end
 * and a NUL. In logs and on disks the line goes on or another follows. */
static bool is_banner(const char *p, size_t n)
{
    enum { LONGEST = 512 };
    n = n < LONGEST ? n : LONGEST;
    const char *end =
        n > 15 && p[14] >= '1' && p[14] <= '9' ? memchr(p, '\n', n) : NULL;
    return end && end + 1 < p + n && end[1] == 0 &&
           memchr(p, '(', (size_t)(end - p)) &&
           memchr(p, '#', (size_t)(end - p));
}

static bool banner_in(struct source *src)
{
    /* where kernels lie: from 16 MiB on, anywhere in the first GiB */
    static const uint64_t far = UINT64_C(1) << 30;
    enum { PIECE = 1 << 20, OVER = 1 << 10 };
    const struct str words = STR("Linux version ");
    char *room = malloc(PIECE + OVER);
    bool found = false;
    uint64_t end = src->size < far ? src->size : far;
    for (uint64_t at = 0; room && at < end && !found; at += PIECE) {
        size_t n;
        struct err ignored;
        if (source_read(src, at, room, PIECE + OVER, &n, &ignored))
            break;
        struct str s = { room, n };
        for (size_t k; !found && (k = str_find(s, words)) < s.n;
             s = str_sub(s, k + words.n, s.n))
            found = is_banner(s.p + k, s.n - k);
        worker_progress(at);
    }
    free(room);
    return found;
}

/* Raw dumps have no mark of their own. Asked only where nothing else was
 * recognised, a disk among that. */
static int look(struct probe *p, struct source *src)
{
    static const char *const names[] = { ".mem", ".vmem", ".dmp", NULL };
    enum { LEAST = 1 << 20, PAGE = 4096 };
    bool named = false;
    for (size_t i = 0; names[i] && !named; i++)
        named =
            p->path.n > 5 &&
            str_ieq(str_sub(p->path, p->path.n - strlen(names[i]), p->path.n),
                    str_from(names[i]));
    if (p->size < LEAST || !memchr(p->head.p, 0, p->head.n))
        return 0;
    p->reason = "the text of a kernel's version among binary data";
    if (banner_in(src))
        return 60;
    p->reason = "a name for memory dumps, and whole pages";
    return named && p->size % PAGE == 0 ? 50 : 0;
}

/* ---- facts -------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int
fact(struct memory *m, const char *name, const char *fmt, ...)
{
    struct buf b = { 0 };
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_putz(&b, text);
    int rc = sink_fact(m->job->sink, name, buf_str(&b));
    buf_free(&b);
    return rc;
}

static int fact_ranges(struct memory *m)
{
    const struct memory_info *in = m->info;
    struct buf b = { 0 };
    for (size_t i = 0; i < in->n_ranges && i < RANGES_LISTED; i++)
        buf_printf(
            &b, "%s0x%llx-0x%llx", i ? " " : "",
            (unsigned long long)in->ranges[i].start,
            (unsigned long long)(in->ranges[i].start + in->ranges[i].len - 1));
    if (in->n_ranges > RANGES_LISTED)
        buf_printf(&b, " and %zu more", in->n_ranges - RANGES_LISTED);
    int rc = sink_fact(m->job->sink, "memory ranges", buf_str(&b));
    buf_free(&b);
    return rc;
}

static int container_facts(struct memory *m)
{
    const struct memory_info *in = m->info;
    int rc = fact(m, "format", "%s", memory_format_name(in->format));
    if (rc == 0)
        rc = fact(m, "ranges in the file", "%llu",
                  (unsigned long long)in->stated);
    if (rc == 0)
        rc = fact(m, "contiguous ranges", "%zu", in->n_ranges);
    if (rc == 0)
        rc = fact_ranges(m);
    if (rc == 0)
        rc = fact(m, "bytes present", "%llu", (unsigned long long)in->present);
    if (rc == 0)
        rc = fact(m, "end of the address space", "0x%llx",
                  (unsigned long long)m->phys->size);
    if (rc == 0 && in->format == MEMORY_AVML)
        rc = fact(m, "gaps",
                  "AVML leaves out blocks of zeros without a mark: a gap is "
                  "zeros or was not taken");
    return rc;
}

static int container_issues(struct memory *m)
{
    const struct memory_info *in = m->info;
    struct sink *s = m->job->sink;
    int rc = 0;
    for (size_t i = 0; i < in->n_issues && rc == 0; i++) {
        const struct memory_issue *f = &in->issues[i];
        rc = sink_issue(s, f->lost ? ISSUE_ERROR : ISSUE_WARNING, f->address, 0,
                        f->code, "%s", f->text);
    }
    if (rc == 0 && in->more_issues)
        rc = sink_issue(s, ISSUE_ERROR, 0, 0, "memory-more",
                        "%llu more findings in the container",
                        (unsigned long long)in->more_issues);
    if (rc == 0 && in->format == MEMORY_RAW)
        rc = sink_issue(s, ISSUE_NOTE, 0, 0, "memory-raw",
                        "a raw file does not say where its bytes lay: offset "
                        "is taken as physical address, which is wrong when "
                        "the ranges were joined without their gaps");
    return rc;
}

static int unreadable(struct memory *m)
{
    const struct source *s = m->phys;
    uint64_t n = 0, bytes = 0;
    int rc = 0;
    for (size_t i = 0; i < s->n_gaps && rc == 0; i++) {
        const struct gap *g = &s->gaps[i];
        if (g->kind != GAP_UNREADABLE)
            continue;
        bytes += g->len;
        if (n++ < GAPS_LISTED)
            rc = sink_issue(
                m->job->sink, ISSUE_ERROR, g->off, g->len, "memory-unreadable",
                "%llu bytes at 0x%llx are damaged in the file and "
                "read as zeros",
                (unsigned long long)g->len, (unsigned long long)g->off);
    }
    if (rc == 0 && n > GAPS_LISTED)
        rc = sink_issue(m->job->sink, ISSUE_ERROR, 0, 0, "memory-unreadable",
                        "%llu more damaged ranges",
                        (unsigned long long)(n - GAPS_LISTED));
    if (rc == 0 && n)
        rc = fact(m, "physical sha256 covers",
                  "zeros in place of damaged bytes (%llu in all)",
                  (unsigned long long)bytes);
    return rc;
}

static int digest(struct memory *m)
{
    unsigned char sha256[SHA256_LEN];
    struct buf b = { 0 };
    hasher_end(m->hasher, HASH_SHA256, sha256);
    buf_put_hex(&b, sha256, sizeof sha256);
    int rc = sink_fact(m->job->sink, "physical sha256", buf_str(&b));
    buf_free(&b);
    return rc;
}

/* ---- what is found ------------------------------------------------------ */

static void note_system(struct system *list, size_t *n,
                        const struct carve_hit *h)
{
    size_t i = 0;
    struct str v = str_sub(h->value, 0, sizeof list->text - 1);
    while (i < *n && !str_eq(str_from(list[i].text), v))
        i++;
    if (i == SYSTEMS)
        return;
    if (i == *n) {
        memcpy(list[i].text, v.p, v.n);
        ++*n;
    }
    if (list[i].n < PLACES)
        list[i].at[list[i].n] = h->at;
    list[i].n++;
}

static int system_facts(struct memory *m, const char *name,
                        const struct system *list, size_t n)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct buf b = { 0 };
        buf_printf(&b, "%s (at", list[i].text);
        for (uint64_t k = 0; k < list[i].n && k < PLACES; k++)
            buf_printf(&b, " 0x%llx", (unsigned long long)list[i].at[k]);
        if (list[i].n > PLACES)
            buf_printf(&b, " and %llu more",
                       (unsigned long long)(list[i].n - PLACES));
        buf_putc(&b, ')');
        rc = sink_fact(m->job->sink, name, buf_str(&b));
        buf_free(&b);
    }
    return rc;
}

/* The slot of an address or URL; NULL when there are too many values. */
static struct value *value_of(struct memory *m, struct str v, unsigned kind)
{
    uint64_t h = hash_bytes(&m->key, v.p, v.n) + kind;
    size_t at = (size_t)h & (VALUES - 1);
    h |= h == 0;
    while (m->values[at].hash && m->values[at].hash != h)
        at = (at + 1) & (VALUES - 1);
    if (m->values[at].hash == 0) {
        if (m->n_values == VALUES_MAX)
            return NULL;
        m->n_values++;
        m->values[at].hash = h;
    }
    return &m->values[at];
}

/* Is this hit one too many? *rc: nonzero when memory is short. */
static bool suppressed(struct memory *m, const struct carve_hit *h, int *rc)
{
    struct value *v = value_of(m, h->value, h->kind);
    if (!v) {
        if (m->beyond++ == 0)
            m->beyond_at = h->at;
        return true;
    }
    if (v->n < SAME_MAX) {
        v->n++;
        return false;
    }
    if (v->capped) {
        m->capped[v->capped - 1].n++;
        return true;
    }
    if (m->n_capped == m->cap_capped) {
        size_t cap = m->cap_capped ? m->cap_capped * 2 : 64;
        void *grown = realloc(m->capped, cap * sizeof *m->capped);
        if (!grown) {
            *rc = ERR_INTERNAL;
            return true;
        }
        m->capped = grown;
        m->cap_capped = cap;
    }
    struct str text = arena_copy(&m->text, str_sub(h->value, 0, 160));
    m->capped[m->n_capped++] = (struct capped){ text, h->at, 1 };
    v->capped = (uint32_t)m->n_capped;
    return true;
}

static void count_example(struct memory *m, const struct carve_hit *h)
{
    for (size_t i = 0; i < EXAMPLES; i++)
        if (str_eq(h->value, str_from(examples[i]))) {
            if (m->examples[i].n++ == 0)
                m->examples[i].at = h->at;
            return;
        }
}

static int hit(void *ctx, const struct carve_hit *h)
{
    struct memory *m = ctx;
    int rc = 0;
    if (h->what == CARVE_BANNER) {
        note_system(m->banners, &m->n_banners, h);
        return 0;
    }
    if (h->what == CARVE_HOST)
        note_system(m->hosts, &m->n_hosts, h);
    if (h->kind == KIND_KEY || h->kind == KIND_UNIQUE_ID)
        count_example(m, h);
    if ((h->kind == KIND_IP || h->kind == KIND_URL || h->kind == KIND_HOST) &&
        suppressed(m, h, &rc))
        return rc;
    m->counts[h->kind]++;
    return sink_carved(m->job->sink, h->at, h->len, h->kind, h->value);
}

/* ---- the pass ----------------------------------------------------------- */

static void tell(struct memory *m)
{
    double part = (double)m->done / (double)m->info->present;
    sink_progress(m->job->sink,
                  (uint64_t)(part * (double)m->job->in->src->size));
}

static int one_range(struct memory *m, const struct memory_range *r,
                     struct err *err)
{
    uint64_t base = r->start, end = r->start + r->len;
    size_t n = 0;
    int rc = 0;
    memset(m->room, 0, CARVE_BEFORE);
    for (bool last = false; !last && rc == 0;) {
        uint64_t left = end - base - n;
        size_t got = 0, want = left < STEP ? (size_t)left : STEP;
        rc = source_read(m->phys, base + n, m->p + n, want, &got, err);
        if (rc)
            break;
        hasher_add(m->hasher, m->p + n, got);
        n += got;
        last = got == 0 || base + n == end;
        memset(m->p + n, 0, CARVE_PAD);
        size_t to = last || n < CARVE_AFTER ? n : n - CARVE_AFTER;
        rc = carve(&m->carver, m->p, to, n, base);
        memmove(m->room, m->room + to, CARVE_BEFORE + n - to);
        base += to;
        n -= to;
        m->done += got;
        tell(m);
    }
    return rc;
}

static int pass(struct memory *m, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < m->info->n_ranges && rc == 0; i++)
        rc = one_range(m, &m->info->ranges[i], err);
    return rc ? rc : digest(m);
}

/* ---- what is said at the end -------------------------------------------- */

static int capped_issues(struct memory *m)
{
    int rc = 0;
    uint64_t more = 0;
    for (size_t i = 0; i < m->n_capped && rc == 0; i++) {
        const struct capped *c = &m->capped[i];
        if (i >= CAPPED_LISTED)
            more += c->n;
        else
            rc =
                sink_issue(m->job->sink, ISSUE_NOTE, c->at, 0, "carve-repeated",
                           "%s: %llu more, from 0x%llx on, besides the %d "
                           "listed",
                           text_line(c->text), (unsigned long long)c->n,
                           (unsigned long long)c->at, (int)SAME_MAX);
    }
    if (rc == 0 && more)
        rc = sink_issue(m->job->sink, ISSUE_NOTE, 0, 0, "carve-repeated",
                        "%llu more of %zu other addresses and URLs",
                        (unsigned long long)more,
                        m->n_capped - (size_t)CAPPED_LISTED);
    if (rc == 0 && m->beyond)
        rc = sink_issue(
            m->job->sink, ISSUE_WARNING, m->beyond_at, 0, "carve-values",
            "more than %d different addresses and URLs: from 0x%llx "
            "on %llu of others are not listed",
            (int)VALUES_MAX, (unsigned long long)m->beyond_at,
            (unsigned long long)m->beyond);
    return rc;
}

static int example_issues(struct memory *m)
{
    int rc = 0;
    for (size_t i = 0; i < EXAMPLES && rc == 0; i++)
        if (m->examples[i].n)
            rc = sink_issue(m->job->sink, ISSUE_NOTE, m->examples[i].at, 0,
                            "documentation-key",
                            "%s is an example of the AWS documentation, no "
                            "one's key: %llu found",
                            examples[i], (unsigned long long)m->examples[i].n);
    return rc;
}

static int counted(struct memory *m)
{
    struct buf b = { 0 };
    for (unsigned k = 1; k <= KIND_MAX; k++)
        if (m->counts[k])
            buf_printf(&b, "%s%.*s %llu", b.n ? ", " : "",
                       STR_ARG(kind_name(k)), (unsigned long long)m->counts[k]);
    int rc = b.n ? sink_fact(m->job->sink, "carved", buf_str(&b)) : 0;
    buf_free(&b);
    return rc;
}

/* "6.1.0-56-cloud-amd64" of a banner. */
static struct str release_of(const struct system *b)
{
    struct str s = str_from(b->text + sizeof "Linux version " - 1);
    return str_sub(s, 0, str_find(s, STR(" ")));
}

/* Index of the first banner of another kernel than the first one's, or n. */
static size_t other_kernel(const struct memory *m)
{
    size_t i = 1;
    while (i < m->n_banners &&
           str_eq(release_of(&m->banners[i]), release_of(&m->banners[0])))
        i++;
    return i;
}

static int say_systems(struct memory *m)
{
    struct sink *s = m->job->sink;
    int rc = system_facts(m, "kernel banner", m->banners, m->n_banners);
    if (rc == 0)
        rc = system_facts(m, "host name", m->hosts, m->n_hosts);
    if (rc == 0 && m->n_banners == 0)
        rc = sink_issue(s, ISSUE_WARNING, 0, 0, "memory-no-kernel",
                        "no banner of a Linux kernel in the memory that is "
                        "present");
    size_t other = other_kernel(m);
    if (rc == 0 && other < m->n_banners)
        rc = sink_issue(s, ISSUE_NOTE, m->banners[other].at[0], 0,
                        "memory-kernels",
                        "banners of more than one kernel: files and logs hold "
                        "such text too, which one ran is not decided here");
    return rc;
}

static int say(struct memory *m)
{
    int rc = say_systems(m);
    if (rc == 0)
        rc = counted(m);
    if (rc == 0)
        rc = example_issues(m);
    if (rc == 0)
        rc = capped_issues(m);
    return rc ? rc : unreadable(m);
}

static bool rooms_open(struct memory *m)
{
    hash_key_random(&m->key);
    m->room = malloc(CARVE_BEFORE + STEP + CARVE_AFTER + CARVE_PAD);
    m->hasher = hasher_open(1u << HASH_SHA256);
    m->values = calloc(VALUES, sizeof *m->values);
    if (m->room)
        m->p = m->room + CARVE_BEFORE;
    m->carver.hit = hit;
    m->carver.ctx = m;
    return m->room && m->hasher && m->values;
}

static void memory_free(struct memory *m)
{
    source_close(m->phys);
    hasher_close(m->hasher);
    arena_free(&m->text);
    free(m->values);
    free(m->capped);
    free(m->room);
    free(m);
}

static int import(struct import_job *job, struct err *err)
{
    struct memory *m = calloc(1, sizeof *m);
    if (!m)
        return err_set(err, ERR_INTERNAL, "out of memory");
    m->job = job;
    int rc = 0;
    if (!rooms_open(m))
        rc = err_set(err, ERR_INTERNAL, "out of memory");
    else if (!(m->phys = memory_open(job->in->src, err)))
        rc = err->code ? err->code : ERR_EVIDENCE;
    else
        m->info = memory_source_info(m->phys);
    if (rc == 0)
        rc = container_facts(m);
    if (rc == 0)
        rc = container_issues(m);
    if (rc == 0)
        rc = pass(m, err);
    if (rc == 0)
        rc = say(m);
    memory_free(m);
    return rc;
}

const struct importer importers_memory = {
    .name = "memory",
    .title = "Memory dump",
    .reads = "LiME, AVML, ELF core and raw dumps of a machine's memory; keys, "
             "ids, ARNs, addresses, URLs found in it",
    .flags = IMPORTER_IMAGE,
    .layer = "!phys",
    .probe = probe,
    .look = look,
    .import = import,
};
