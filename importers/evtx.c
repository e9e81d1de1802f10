/*
 * Windows event logs (EVTX): chunks of 64 KiB, each with its own names and
 * templates, so that what lies in one can be read whatever happened to the
 * others. Records are found by the chunks' own layout; behind the last one,
 * where records of an earlier use are left, by their signature.
 */
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/kinds.h"
#include "base/mask.h"
#include "base/text.h"
#include "base/varint.h"
#include "importers/binxml.h"
#include "importers/evtx_event.h"
#include "importers/evtx_events.h"
#include "importers/identify.h"
#include "importers/window.h"
#include "importers/windows.h"

enum {
    FILE_HEAD = 4096,
    CHUNK = 64 << 10,
    CHUNK_HEAD = 512,
    RECORD_HEAD = 24,
    RECORD_LEAST = RECORD_HEAD + 4,
    RECORDS_MAX = CHUNK / RECORD_LEAST + 1,
    TEXT_MAX = 4000, /* of one event; scripts go on in further ones */
    GAPS_MAX = 100,  /* issues of missing records; then a sum */
    PARTS_MAX = 40,  /* of a long script: more than a record can hold */
    FLAG_DIRTY = 1,
    FLAG_FULL = 2,
};
#define FILE_MAGIC   "ElfFile\0"
#define CHUNK_MAGIC  "ElfChnk\0"
#define RECORD_MAGIC 0x00002a2au

struct known {
    uint64_t id, time;
};

struct span {
    uint64_t first, last, off; /* record numbers of a chunk */
};

struct evtx {
    struct import_job *job;
    struct window w;
    struct binxml xml;
    struct evtx_event event;
    struct refs refs;
    struct buf text, masked;
    struct known known[RECORDS_MAX]; /* of the chunk at hand */
    size_t n_known;
    struct span *spans;
    size_t n_spans, cap_spans;
    uint64_t chunks, records, recovered, lost, other;
    uint64_t bad_sums, bad_sum_off, lost_off, gaps;
    uint64_t claimed; /* chunks by the file's header */
    bool clean;
};

/* ---- the text of an event ------------------------------------------------ */

static void put_field(struct evtx *x, struct str name, struct str value,
                      bool *first)
{
    struct str meaning = evtx_meaning(name, value);
    if (!*first)
        buf_putz(&x->text, "; ");
    *first = false;
    buf_put(&x->text, name);
    buf_putc(&x->text, '=');
    buf_put(&x->text, str_trim(value));
    if (meaning.n) {
        buf_putz(&x->text, " (");
        buf_put(&x->text, meaning);
        buf_putc(&x->text, ')');
    }
}

static bool tells(struct str value)
{
    return value.n && !str_eq(value, STR("-")) && value.p[0] != 0;
}

static void put_chosen(struct evtx *x, struct str names)
{
    bool first = true;
    while (names.n) {
        size_t n = str_find(names, STR(" "));
        struct str name = str_sub(names, 0, n < names.n ? n : names.n);
        names = str_sub(names, name.n + 1, names.n);
        for (size_t i = 0; i < x->event.n; i++)
            if (str_eq(x->event.field[i].name, name) &&
                tells(x->event.field[i].value))
                put_field(x, name, x->event.field[i].value, &first);
    }
}

static void put_all(struct evtx *x)
{
    bool first = true;
    for (size_t i = 0; i < x->event.n; i++)
        if (tells(x->event.field[i].value))
            put_field(x, x->event.field[i].name, x->event.field[i].value,
                      &first);
}

/* "4624 #17: by the user: LogonType=10 (remote interactive); .." */
static void describe(struct evtx *x, const struct evtx_rule *rule, uint64_t id)
{
    buf_clear(&x->text);
    buf_printf(&x->text, "%u #%llu", x->event.id, (unsigned long long)id);
    if (rule && rule->says) {
        buf_putz(&x->text, " ");
        buf_putz(&x->text, rule->says);
    }
    size_t before = x->text.n;
    buf_putz(&x->text, ": ");
    size_t empty = x->text.n;
    if (rule && rule->show)
        put_chosen(x, str_from(rule->show));
    if (x->text.n == empty)
        put_all(x);
    if (x->text.n == empty)
        x->text.n = before;
}

/* ---- columns ------------------------------------------------------------- */

/* 1 critical, 2 error, 3 warning */
static uint8_t severity_of(unsigned level)
{
    return level == 1 ? 4 : level == 2 ? 3 : level == 3 ? 2 : 0;
}

static bool is_zero(struct str s)
{
    if (str_starts(s, STR("0x")))
        s = str_sub(s, 2, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '0')
            return false;
    return true;
}

/* The user of "DOMAIN\user" or "user@domain". */
static struct str user_of(struct str s)
{
    size_t at = str_find(s, STR("@"));
    s = windows_base(s);
    if (at != SIZE_MAX && at && at < s.n)
        s = str_sub(s, 0, at);
    return tells(s) ? s : STR_NONE;
}

static struct str address_of(struct str s, char tmp[46])
{
    struct str out;
    if (str_starts(s, STR("::ffff:")))
        s = str_sub(s, 7, s.n);
    return identify_ip(s, tmp, &out) ? out : STR_NONE;
}

static int add_ref(void *ctx, size_t off, unsigned kind, struct str value)
{
    struct evtx *x = ctx;
    (void)off;
    refs_add(&x->refs, kind, ROLE_MENTIONED, value);
    return 0;
}

static bool is_sid(struct str s)
{
    return str_starts(s, STR("S-1-5-21-"));
}

/* "SHA1=..,MD5=..,SHA256=.." */
static void hashes(struct evtx *x, struct str s)
{
    while (s.n) {
        size_t n = str_find(s, STR(","));
        struct str one = str_sub(s, 0, n < s.n ? n : s.n);
        size_t eq = str_find(one, STR("="));
        if (eq != SIZE_MAX && !str_starts(one, STR("IMPHASH")))
            refs_add(&x->refs, KIND_HASH, ROLE_MENTIONED,
                     str_sub(one, eq + 1, one.n));
        s = str_sub(s, one.n + 1, s.n);
    }
}

static const struct {
    const char *field;
    uint8_t kind, role;
} entities[] = {
    { "Image", KIND_PROCESS, ROLE_MENTIONED },
    { "ParentImage", KIND_PROCESS, ROLE_MENTIONED },
    { "SourceImage", KIND_PROCESS, ROLE_ACTOR },
    { "ProcessName", KIND_PROCESS, ROLE_MENTIONED },
    { "NewProcessName", KIND_PROCESS, ROLE_MENTIONED },
    { "ParentProcessName", KIND_PROCESS, ROLE_MENTIONED },
    { "ServiceFileName", KIND_FILE, ROLE_MENTIONED },
    { "ImagePath", KIND_FILE, ROLE_MENTIONED },
    { "TargetFilename", KIND_FILE, ROLE_MENTIONED },
    { "ImageLoaded", KIND_FILE, ROLE_MENTIONED },
    { "DestinationHostname", KIND_DOMAIN, ROLE_MENTIONED },
    { "SourceIp", KIND_IP, ROLE_MENTIONED },
    { "DestinationIp", KIND_IP, ROLE_MENTIONED },
    { "WorkstationName", KIND_HOST, ROLE_FROM },
    { "Workstation", KIND_HOST, ROLE_FROM },
    { "ScriptBlockId", KIND_UNIQUE_ID, ROLE_MENTIONED },
};

static void add_entities(struct evtx *x)
{
    const struct evtx_event *e = &x->event;
    if (tells(e->computer))
        refs_add(&x->refs, KIND_HOST, ROLE_WHERE, e->computer);
    if (is_sid(e->user_sid))
        refs_add(&x->refs, KIND_HOST_USER, ROLE_ACTOR, e->user_sid);
    for (size_t i = 0; i < e->n; i++) {
        struct str v = e->field[i].value;
        if (!tells(v))
            continue;
        if (is_sid(v))
            refs_add(&x->refs, KIND_HOST_USER, ROLE_MENTIONED, v);
        else if (str_eq(e->field[i].name, STR("Hashes")))
            hashes(x, v);
        for (size_t k = 0; k < sizeof entities / sizeof *entities; k++)
            if (str_eq(e->field[i].name, str_from(entities[k].field)))
                refs_add(&x->refs, entities[k].kind, entities[k].role,
                         entities[k].kind == KIND_FILE ? windows_program(v)
                                                       : v);
    }
}

/* 7036 says in words what became of a service. */
static struct str action_of(const struct evtx *x, const struct evtx_rule *rule)
{
    struct str state = evtx_event_field(&x->event, "param2");
    if (!rule)
        return STR("log line");
    if (str_eq(str_from(rule->action), STR("service state")))
        return str_ieq(state, STR("running"))   ? STR("service started")
               : str_ieq(state, STR("stopped")) ? STR("service stopped")
                                                : STR("log line");
    return str_from(rule->action);
}

static struct str outcome_of(const struct evtx *x, const struct evtx_rule *rule)
{
    struct str status = evtx_event_field(&x->event, rule->status);
    if (rule->outcome)
        return str_from(rule->outcome);
    return tells(status) && !is_zero(status) ? status : STR_NONE;
}

static void columns(struct evtx *x, const struct evtx_rule *rule,
                    struct record *r, char tmp[46])
{
    const struct evtx_event *e = &x->event;
    r->action = action_of(x, rule);
    r->severity = severity_of(e->level);
    r->service = e->provider;
    if (rule) {
        r->outcome = outcome_of(x, rule);
        r->actor = user_of(evtx_event_field(e, rule->actor));
        r->target = evtx_event_field(e, rule->target);
        if (!tells(r->target))
            r->target = STR_NONE;
        r->target_kind = rule->target_kind;
        if (r->target_kind == KIND_HOST_USER)
            r->target = user_of(r->target);
        r->ip = address_of(evtx_event_field(e, rule->ip), tmp);
    }
    if (r->actor.n == 0 && tells(e->user_sid))
        r->actor = windows_sid_name(e->user_sid);
    r->actor_kind = r->actor.n ? KIND_HOST_USER : 0;
}

static void set_time(const struct evtx *x, uint64_t written, struct record *r)
{
    uint64_t t = x->event.has_time ? x->event.filetime : written;
    r->timed = t != 0;
    r->t = windows_filetime(t);
    r->t_zone = ZONE_FORMAT;
    r->t_res = 7;
}

/* A script or command longer than an event's text goes on in further events
 * of the same record. */
static int emit(struct evtx *x, struct record *r, struct str text, bool all)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0; i++) {
        size_t n = text.n < TEXT_MAX ? text.n : TEXT_MAX;
        while (n && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
            n--;
        r->text = str_sub(text, 0, n);
        r->sub = (uint16_t)i;
        rc = sink_record(x->job->sink, r);
        text = str_sub(text, n, text.n);
        if (!all || n == 0 || text.n == 0 || i + 1 == PARTS_MAX)
            break;
        r->flags |= EVENT_CONTINUED;
    }
    return rc;
}

/* ---- records ------------------------------------------------------------- */

struct place {
    struct str chunk;
    size_t at, n;
    uint64_t off; /* of the record in the member */
};

static int tell(struct evtx *x, const struct place *p, bool recovered)
{
    const char *head = p->chunk.p + p->at;
    uint64_t id = u64le(head + 8);
    const struct evtx_rule *rule = evtx_rule_of(x->event.provider, x->event.id);
    char tmp[46];
    struct record r = { .off = p->off, .len = (uint32_t)p->n };
    x->refs.n = 0;
    x->refs.cut = false;
    columns(x, rule, &r, tmp);
    set_time(x, u64le(head + 16), &r);
    describe(x, rule, id);
    add_entities(x);
    buf_clear(&x->masked);
    struct str text = buf_str(&x->text);
    if (mask_secrets(text, &x->masked)) {
        text = buf_str(&x->masked);
        r.flags |= EVENT_SECRET;
    }
    identify_text(text, add_ref, x);
    if (x->text.failed || x->masked.failed)
        return ERR_INTERNAL;
    r.refs = x->refs.v;
    r.n_refs = x->refs.n;
    r.flags |= (x->refs.cut || x->event.cut ? EVENT_REFS_CUT : 0u) |
               (recovered ? EVENT_RECOVERED : 0u);
    return emit(x, &r, text, rule && str_eq(r.action, STR("command")));
}

static bool known(const struct evtx *x, const char *head)
{
    for (size_t i = 0; i < x->n_known; i++)
        if (x->known[i].id == u64le(head + 8) &&
            x->known[i].time == u64le(head + 16))
            return true;
    return false;
}

static int reject(struct evtx *x, const struct place *p, const char *why)
{
    return sink_reject(x->job->sink, p->off, p->n, "evtx-record",
                       "record %llu: %s",
                       (unsigned long long)u64le(p->chunk.p + p->at + 8), why);
}

static int record(struct evtx *x, const struct place *p)
{
    const char *head = p->chunk.p + p->at;
    x->known[x->n_known++] =
        (struct known){ u64le(head + 8), u64le(head + 16) };
    x->records++;
    arena_reset(x->job->arena);
    int rc =
        binxml_read(&x->xml, p->chunk, p->at + RECORD_HEAD, p->at + p->n - 4);
    if (rc == BINXML_NO_MEMORY)
        return ERR_INTERNAL;
    if (rc)
        return reject(x, p, x->xml.why);
    if (!evtx_event_read(&x->event, &x->xml))
        return reject(x, p, "it is no event");
    if (x->event.id == 0 && x->event.provider.n == 0)
        return reject(x, p, "its values are gone");
    return tell(x, p, false);
}

/* A record behind the last one: kept when it can still be read. */
static int older(struct evtx *x, const struct place *p)
{
    arena_reset(x->job->arena);
    int rc =
        binxml_read(&x->xml, p->chunk, p->at + RECORD_HEAD, p->at + p->n - 4);
    if (rc == BINXML_NO_MEMORY)
        return ERR_INTERNAL;
    if (rc || !evtx_event_read(&x->event, &x->xml) ||
        x->event.provider.n == 0) {
        if (x->lost++ == 0)
            x->lost_off = p->off;
        return 0;
    }
    x->recovered++;
    return tell(x, p, true);
}

/* ---- chunks -------------------------------------------------------------- */

/* Bytes of a whole record at this place; 0: none. */
static size_t record_at(struct str chunk, size_t at, size_t end)
{
    if (at > end || end - at < RECORD_LEAST ||
        u32le(chunk.p + at) != RECORD_MAGIC)
        return 0;
    size_t n = u32le(chunk.p + at + 4);
    if (n < RECORD_LEAST || n > end - at ||
        u32le(chunk.p + at + n - 4) != (uint32_t)n)
        return 0;
    return n;
}

/* The next place from at on where a record may begin. */
static size_t find_record(struct str chunk, size_t at, size_t end)
{
    at = (at + 7) & ~(size_t)7; /* records are of whole 8 bytes */
    while (at + RECORD_LEAST <= end && !record_at(chunk, at, end))
        at += 8;
    return at + RECORD_LEAST <= end ? at : end;
}

static bool all_zero(struct str s)
{
    return s.n == 0 || (s.p[0] == 0 && memcmp(s.p, s.p + 1, s.n - 1) == 0);
}

static int damaged(struct evtx *x, uint64_t off, size_t n)
{
    return sink_reject(x->job->sink, off, n, "evtx-record",
                       "no record where one should be");
}

/* Records one after the other in [at, end); what is none there is named. */
static int records(struct evtx *x, struct str chunk, uint64_t off, size_t at,
                   size_t end)
{
    int rc = 0;
    while (!rc && at < end) {
        size_t n = record_at(chunk, at, end);
        if (n && x->n_known < RECORDS_MAX) {
            struct place p = { chunk, at, n, off + at };
            rc = record(x, &p);
            at += n;
            continue;
        }
        size_t next = find_record(chunk, at + 1, end);
        if (!all_zero(str_sub(chunk, at, next - at)))
            rc = damaged(x, off + at, next - at);
        at = next;
    }
    return rc;
}

static int slack(struct evtx *x, struct str chunk, uint64_t off, size_t at,
                 size_t end)
{
    int rc = 0;
    for (at = find_record(chunk, at, end); !rc && at < end;) {
        struct place p = { chunk, at, record_at(chunk, at, end), off + at };
        if (!known(x, chunk.p + at))
            rc = older(x, &p);
        at = find_record(chunk, at + p.n, end);
    }
    return rc;
}

static bool sums_hold(struct str chunk, size_t end)
{
    const unsigned char *p = (const unsigned char *)chunk.p;
    uLong head = crc32(crc32(0, p, 120), p + 128, CHUNK_HEAD - 128);
    uLong data = crc32(0, p + CHUNK_HEAD, (uInt)(end - CHUNK_HEAD));
    return head == u32le(p + 124) && data == u32le(p + 52);
}

static bool add_span(struct evtx *x, uint64_t off)
{
    struct span s = { UINT64_MAX, 0, off };
    for (size_t i = 0; i < x->n_known; i++) {
        s.first = x->known[i].id < s.first ? x->known[i].id : s.first;
        s.last = x->known[i].id > s.last ? x->known[i].id : s.last;
    }
    if (x->n_known == 0)
        return true;
    if (x->n_spans == x->cap_spans) {
        size_t cap = x->cap_spans ? 2 * x->cap_spans : 64;
        struct span *v = realloc(x->spans, cap * sizeof *v);
        if (!v)
            return false;
        x->spans = v;
        x->cap_spans = cap;
    }
    x->spans[x->n_spans++] = s;
    return true;
}

static int gap(struct evtx *x, uint64_t off, uint64_t from, uint64_t to)
{
    if (x->gaps++ >= GAPS_MAX)
        return 0;
    return sink_issue(x->job->sink, ISSUE_WARNING, off, 0, "evtx-gap",
                      "records %llu to %llu are missing",
                      (unsigned long long)from, (unsigned long long)to);
}

/* Record numbers that are missing between two of this chunk. */
static int gaps_within(struct evtx *x, uint64_t off)
{
    int rc = 0;
    for (size_t i = 1; !rc && i < x->n_known; i++)
        if (x->known[i].id > x->known[i - 1].id + 1)
            rc = gap(x, off, x->known[i - 1].id + 1, x->known[i].id - 1);
    return rc;
}

static int chunk_read(struct evtx *x, struct str chunk, uint64_t off)
{
    size_t end = u32le(chunk.p + 48);
    bool short_one = chunk.n < CHUNK;
    if (end < CHUNK_HEAD || end > chunk.n)
        end = chunk.n;
    x->n_known = 0;
    binxml_chunk(&x->xml);
    if (!short_one && !sums_hold(chunk, end) && x->bad_sums++ == 0)
        x->bad_sum_off = off;
    x->chunks++;
    int rc = records(x, chunk, off, CHUNK_HEAD, end);
    if (!rc)
        rc = slack(x, chunk, off, end, chunk.n);
    if (!rc)
        rc = gaps_within(x, off);
    if (!rc && !add_span(x, off))
        rc = ERR_INTERNAL;
    return rc;
}

/* A chunk whose head is gone: its records are looked for all the same. */
static int headless(struct evtx *x, struct str chunk, uint64_t off)
{
    if (all_zero(chunk))
        return 0;
    x->n_known = 0;
    binxml_chunk(&x->xml);
    x->other++;
    int rc = sink_issue(x->job->sink, ISSUE_WARNING, off, chunk.n, "evtx-chunk",
                        "no chunk of the log begins here");
    return rc ? rc : slack(x, chunk, off, 0, chunk.n);
}

/* ---- the file ------------------------------------------------------------ */

static int fill(struct evtx *x, size_t n)
{
    while (!x->w.in->eof && window_rest(&x->w).n < n)
        if (window_more(&x->w))
            return ERR_INTERNAL;
    return 0;
}

static int fact(struct evtx *x, const char *name, uint64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    return sink_fact(x->job->sink, name, (struct str){ text, (size_t)n });
}

static int file_head(struct evtx *x)
{
    struct str h = window_rest(&x->w);
    struct sink *s = x->job->sink;
    if (h.n < 128 || !str_starts(h, STR(FILE_MAGIC)))
        return sink_issue(s, ISSUE_WARNING, 0, h.n < 128 ? h.n : 128,
                          "evtx-head", "the head of the file is damaged");
    unsigned flags = u32le(h.p + 120);
    x->clean = !(flags & FLAG_DIRTY);
    x->claimed = u16le(h.p + 42);
    int rc = 0;
    if (crc32(0, (const unsigned char *)h.p, 120) != u32le(h.p + 124))
        rc = sink_issue(s, ISSUE_WARNING, 0, 128, "evtx-checksum",
                        "the head of the file does not fit its checksum");
    if (!rc && !x->clean)
        rc = sink_issue(s, ISSUE_NOTE, 120, 4, "evtx-dirty",
                        "the log was in use when it was copied: its head is "
                        "older than its records");
    if (!rc && flags & FLAG_FULL)
        rc = sink_issue(s, ISSUE_WARNING, 120, 4, "evtx-full",
                        "the log was full: later events were not written");
    return rc;
}

static int by_first(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->off < y->off ? -1 : x->off > y->off;
}

/* The chunks are used in a ring; by their numbers they are a line. */
static int gaps_between(struct evtx *x)
{
    int rc = 0;
    if (x->n_spans)
        qsort(x->spans, x->n_spans, sizeof *x->spans, by_first);
    for (size_t i = 1; !rc && i < x->n_spans; i++)
        if (x->spans[i].first > x->spans[i - 1].last + 1)
            rc = gap(x, x->spans[i].off, x->spans[i - 1].last + 1,
                     x->spans[i].first - 1);
    return rc;
}

static int sums(struct evtx *x)
{
    struct sink *s = x->job->sink;
    int rc = fact(x, "chunks", x->chunks);
    if (!rc)
        rc = fact(x, "records", x->records);
    if (!rc && x->recovered)
        rc = fact(x, "older records recovered", x->recovered);
    if (!rc && x->n_spans) {
        rc = fact(x, "first record", x->spans[0].first);
        if (!rc)
            rc = fact(x, "last record", x->spans[x->n_spans - 1].last);
    }
    if (!rc && x->bad_sums)
        rc = sink_issue(s, ISSUE_WARNING, x->bad_sum_off, CHUNK_HEAD,
                        "evtx-checksum",
                        "%llu chunks do not fit their checksums, the first "
                        "here: damaged, changed, or in use when copied",
                        (unsigned long long)x->bad_sums);
    if (!rc && x->gaps > GAPS_MAX)
        rc = sink_issue(s, ISSUE_WARNING, 0, 0, "evtx-gap",
                        "%llu more gaps in the numbers of records",
                        (unsigned long long)x->gaps - GAPS_MAX);
    if (!rc && x->lost)
        rc = sink_issue(s, ISSUE_NOTE, x->lost_off, 0, "evtx-older",
                        "%llu older records in unused space, the first here, "
                        "can no longer be decoded",
                        (unsigned long long)x->lost);
    if (!rc && x->clean && x->claimed && x->chunks < x->claimed)
        rc = sink_issue(s, ISSUE_WARNING, 0, 0, "evtx-short",
                        "the head of the file tells of %llu chunks, %llu are "
                        "there",
                        (unsigned long long)x->claimed,
                        (unsigned long long)x->chunks);
    return rc;
}

static int all_chunks(struct evtx *x)
{
    int rc = fill(x, FILE_HEAD);
    if (!rc)
        rc = file_head(x);
    size_t head = window_rest(&x->w).n;
    x->w.at += head < FILE_HEAD ? head : FILE_HEAD;
    while (!rc) {
        rc = fill(x, CHUNK);
        struct str chunk = str_sub(window_rest(&x->w), 0, CHUNK);
        if (rc || chunk.n == 0)
            break;
        uint64_t off = window_offset(&x->w);
        rc = chunk.n >= CHUNK_HEAD && str_starts(chunk, STR(CHUNK_MAGIC))
                 ? chunk_read(x, chunk, off)
                 : headless(x, chunk, off);
        x->w.at += chunk.n;
        sink_progress(x->job->sink, window_offset(&x->w));
    }
    if (!rc)
        rc = gaps_between(x);
    return rc ? rc : sums(x);
}

static int import(struct import_job *job, struct err *err)
{
    struct evtx *x = calloc(1, sizeof *x);
    if (!x)
        return err_set(err, ERR_INTERNAL, "out of memory");
    x->job = job;
    x->w = (struct window){ .in = job->in, .sink = job->sink };
    x->xml.arena = job->arena;
    int rc = all_chunks(x);
    binxml_free(&x->xml);
    buf_free(&x->text);
    buf_free(&x->masked);
    free(x->spans);
    free(x);
    return rc;
}

static int probe(struct probe *p)
{
    if (!str_starts(p->head, STR(FILE_MAGIC)) || p->head.n < 128)
        return 0;
    p->reason = "begins with ElfFile";
    return 100;
}

static const char *const paths[] = {
    "(?i)winevt/logs/*.evtx",
    "(?i)*.evtx",
    NULL,
};

const struct importer importers_evtx = {
    .name = "evtx",
    .title = "Windows event log",
    .reads = "EVTX files of Windows Vista and later",
    .paths = paths,
    .probe = probe,
    .import = import,
};
