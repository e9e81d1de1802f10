/*
 * The journal of systemd: *.journal, also *.journal~ that an unclean end left
 * behind (docs/formats/journald.md). Entries are looked for from object to
 * object and by the file's own arrays; what one of the two ways finds is kept,
 * and both are told. A record's place is its ENTRY object.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "importers/journald_record.h"
#include "importers/journald_scan.h"

enum {
    LISTED = 50, /* issues of one kind told one by one */
    BOOTS = 64,
    STEP_US = 2000000, /* of the clock against the monotonic one */
};

/* How often something was met, and the place of the first. */
struct tally {
    uint64_t n, bytes, at;
};

struct boot {
    unsigned char id[16];
    uint64_t n, first, last; /* entries, realtime */
};

struct journal {
    struct import_job *job;
    struct journald_file f;
    struct journald_scan scan;
    struct journald_record rec;
    struct boot boots[BOOTS];
    size_t n_boots;
    uint64_t more_boots;        /* entries of others */
    struct journald_entry last; /* off 0: none yet */
    uint64_t entries, walked, reached, first_seq, last_seq;
    struct tally damage, dangling, data[DATA_KINDS], differs, budget, dropped;
    struct tally unlinked, swallowed, clock;
};

static bool tally(struct tally *t, uint64_t at, uint64_t bytes)
{
    if (t->n++ == 0)
        t->at = at;
    t->bytes += bytes;
    return t->n <= LISTED;
}

#define ULL(x) ((unsigned long long)(x))

/* ---- one entry ----------------------------------------------------------- */

static void count_boot(struct journal *j, const struct journald_entry *e)
{
    size_t i = j->n_boots;
    while (i > 0 && memcmp(j->boots[i - 1].id, e->boot, 16) != 0)
        i--;
    if (i == 0) {
        if (j->n_boots == BOOTS) {
            j->more_boots++;
            return;
        }
        i = ++j->n_boots;
        memcpy(j->boots[i - 1].id, e->boot, 16);
        j->boots[i - 1].first = j->boots[i - 1].last = e->realtime;
    }
    struct boot *b = &j->boots[i - 1];
    b->n++;
    if (e->realtime < b->first)
        b->first = e->realtime;
    if (e->realtime > b->last)
        b->last = e->realtime;
}

static void usec_text(char out[TIME_TEXT_MAX], uint64_t usec)
{
    const struct instant t = { (int64_t)(usec / 1000000),
                               (uint32_t)(usec % 1000000 * 1000) };
    out[time_format(out, t, 6, 0)] = 0;
}

/* Between two entries of one boot both clocks go on alike. */
static int clock_step(struct journal *j, const struct journald_entry *e)
{
    const struct journald_entry was = j->last;
    char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
    const uint64_t top = (uint64_t)1 << 55;
    j->last = *e;
    if (was.off == 0 || memcmp(was.boot, e->boot, 16) != 0 ||
        e->seqnum <= was.seqnum || e->monotonic < was.monotonic ||
        e->monotonic >= top || e->realtime >= top || was.realtime >= top)
        return 0;
    uint64_t passed = e->monotonic - was.monotonic;
    uint64_t due = was.realtime + passed;
    bool back = e->realtime < due;
    if ((back ? due - e->realtime : e->realtime - due) < STEP_US ||
        !tally(&j->clock, e->off, 0))
        return 0;
    usec_text(from, due);
    usec_text(to, e->realtime);
    return sink_issue(j->job->sink, ISSUE_NOTE, e->off, e->size,
                      "journal-clock",
                      "the clock was put %s: here it says %s, by the entry "
                      "before and the monotonic clock it should be %s%s",
                      back ? "back" : "forward", to, from,
                      back ? "" : " (or the machine slept)");
}

static const struct {
    const char *code, *what;
    enum issue_severity severity;
} data_issues[DATA_KINDS] = {
    [DATA_LONG] = { "journal-field-long",
                    "a field of more than 16 MiB: only its front part is read",
                    ISSUE_NOTE },
    [DATA_HASH] = { "journal-field-hash",
                    "a field differs from the hash it was written with",
                    ISSUE_ERROR },
    [DATA_PACKED] = { "journal-field-packed",
                      "the compressed content of a field is damaged",
                      ISSUE_ERROR },
    [DATA_NAME] = { "journal-field-name", "a field without a name",
                    ISSUE_ERROR },
    [DATA_NONE] = { "journal-field-lost",
                    "an entry names a field here, where none is", ISSUE_ERROR },
    [DATA_BUDGET] = { "journal-budget",
                      "more was compressed in this file than is unpacked of "
                      "one: a field from here on is left out",
                      ISSUE_ERROR },
};

static int field_issues(struct journal *j)
{
    const struct journald_record *r = &j->rec;
    int rc = 0;
    for (int k = 1; k < DATA_KINDS && rc == 0; k++)
        if (r->damaged[k]) {
            bool told = tally(&j->data[k], r->damaged_at[k], 0);
            j->data[k].n += r->damaged[k] - 1;
            if (told)
                rc = sink_issue(j->job->sink, data_issues[k].severity,
                                r->damaged_at[k], 0, data_issues[k].code,
                                "%s (entry at %llu)", data_issues[k].what,
                                ULL(r->r.off));
        }
    if (rc == 0 && r->differs && tally(&j->differs, r->r.off, 0))
        rc = sink_issue(j->job->sink, ISSUE_ERROR, r->r.off, r->r.len,
                        "journal-entry-hash",
                        "the fields of the entry are not those that it was "
                        "written with");
    if (rc == 0 && r->budget && tally(&j->budget, r->r.off, 0))
        rc = sink_issue(j->job->sink, ISSUE_ERROR, r->r.off, r->r.len,
                        "journal-budget",
                        "more fields are named in this file than it can "
                        "hold: those of the entry are not all read");
    if (rc == 0 && r->dropped && tally(&j->dropped, r->r.off, 0))
        rc = r->dropped == UINT64_MAX
                 ? sink_issue(j->job->sink, ISSUE_WARNING, r->r.off, r->r.len,
                              "journal-dropped",
                              "the entry says that messages were lost")
                 : sink_issue(j->job->sink, ISSUE_WARNING, r->r.off, r->r.len,
                              "journal-dropped",
                              "the entry says that %llu messages of a "
                              "service were not taken",
                              ULL(r->dropped));
    return rc;
}

static int entry(struct journal *j, const struct journald_found *found)
{
    const struct journald_entry *e = &found->entry;
    arena_reset(j->job->arena);
    journald_record(&j->f, e, j->job, &j->rec);
    if (j->f.err.code)
        return j->f.err.code;
    if (j->scan.reached && !found->reached) {
        j->rec.r.flags |= EVENT_RECOVERED;
        tally(&j->unlinked, e->off, e->size);
    }
    if (!found->walked)
        tally(&j->swallowed, e->off, e->size);
    j->reached += found->reached;
    j->walked += found->walked;
    if (j->entries++ == 0)
        j->first_seq = j->last_seq = e->seqnum;
    if (e->seqnum < j->first_seq)
        j->first_seq = e->seqnum;
    if (e->seqnum > j->last_seq)
        j->last_seq = e->seqnum;
    count_boot(j, e);
    int rc = sink_record(j->job->sink, &j->rec.r);
    if (rc == 0)
        rc = field_issues(j);
    return rc ? rc : clock_step(j, e);
}

/* ---- what is in the way -------------------------------------------------- */

static int found(struct journal *j, const struct journald_found *f)
{
    switch (f->kind) {
    case FOUND_ENTRY:
        return entry(j, f);
    case FOUND_DAMAGE:
        if (!tally(&j->damage, f->off, f->len))
            return 0;
        return sink_issue(j->job->sink, ISSUE_ERROR, f->off, f->len,
                          "journal-damage",
                          "%llu bytes at %llu are no objects of the journal",
                          ULL(f->len), ULL(f->off));
    case FOUND_DANGLING:
        tally(&j->dangling, f->off, f->len);
        return sink_reject(j->job->sink, f->off, f->len, "journal-entry-lost",
                           "an entry should be at %llu, and is not readable",
                           ULL(f->off));
    case FOUND_ARRAY:
        return sink_issue(j->job->sink, ISSUE_ERROR, f->off, f->len,
                          "journal-arrays",
                          "the chain of entry arrays goes on at %llu, where "
                          "none can be: entries from there on are found by "
                          "their objects alone",
                          ULL(j->scan.broken_to));
    case FOUND_END:
        break;
    }
    return 0;
}

static int scan(struct journal *j, struct err *err)
{
    struct journald_found f = { .kind = FOUND_DAMAGE };
    int rc = journald_scan_open(&j->scan, &j->f, err);
    while (rc == 0 && f.kind != FOUND_END) {
        rc = journald_scan_next(&j->scan, &f);
        if (rc == 0)
            rc = found(j, &f);
        sink_progress(j->job->sink, j->scan.at);
    }
    if (j->f.err.code)
        *err = j->f.err;
    return rc;
}

/* ---- facts --------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int
fact(struct journal *j, const char *name, const char *fmt, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return sink_fact(j->job->sink, name, str_from(text));
}

static int fact_id(struct journal *j, const char *name,
                   const unsigned char id[16])
{
    char hex[33];
    journald_hex(id, hex);
    return sink_fact(j->job->sink, name, str_from(hex));
}

static const char *state_text(uint8_t state)
{
    return state == JOURNALD_OFFLINE    ? "offline: closed in order"
           : state == JOURNALD_ONLINE   ? "online: in use, or not closed"
           : state == JOURNALD_ARCHIVED ? "archived: closed in order"
                                        : "unknown";
}

static int header_facts(struct journal *j)
{
    const struct journald_file *f = &j->f;
    uint32_t i = f->incompatible;
    int rc = fact(j, "format", "journal file, header of %llu bytes%s%s%s%s%s%s",
                  ULL(f->header_size), i & JOURNALD_COMPACT ? ", compact" : "",
                  i & JOURNALD_KEYED ? ", keyed hash" : "",
                  i & JOURNALD_HAS_XZ ? ", xz" : "",
                  i & JOURNALD_HAS_LZ4 ? ", lz4" : "",
                  i & JOURNALD_HAS_ZSTD ? ", zstd" : "",
                  f->compatible & 1 ? ", sealed" : "");
    if (rc == 0)
        rc = fact(j, "state", "%s", state_text(f->state));
    if (rc == 0)
        rc = fact_id(j, "machine id", f->machine_id);
    if (rc == 0)
        rc = fact_id(j, "file id", f->file_id);
    return rc ? rc : fact_id(j, "sequence number id", f->seqnum_id);
}

static int header_issues(struct journal *j)
{
    const struct journald_file *f = &j->f;
    struct sink *s = j->job->sink;
    uint32_t unknown = f->incompatible & ~(uint32_t)JOURNALD_KNOWN;
    int rc = 0;
    if (unknown)
        rc = sink_issue(s, ISSUE_ERROR, 12, 4, "journal-flags",
                        "unknown incompatible flags 0x%x: the file may be read "
                        "wrongly",
                        unknown);
    if (rc == 0 && f->header_odd)
        rc = sink_issue(s, ISSUE_ERROR, 88, 8, "journal-header",
                        "the header does not say how long it is: objects are "
                        "looked for from %d on",
                        (int)JOURNALD_HEADER_MIN);
    if (rc == 0 && f->state == JOURNALD_ONLINE)
        rc = sink_issue(s, ISSUE_NOTE, 16, 1, "journal-online",
                        "the file was not closed: it was copied while in use, "
                        "or the machine stopped without a shutdown");
    else if (rc == 0 && f->state > JOURNALD_ARCHIVED)
        rc = sink_issue(s, ISSUE_WARNING, 16, 1, "journal-header",
                        "unknown state %u", f->state);
    uint64_t end;
    if (rc == 0 && !f->header_odd &&
        !__builtin_add_overflow(f->header_size, f->arena_size, &end) &&
        end > f->size)
        rc = sink_issue(s, ISSUE_ERROR, f->size, end - f->size, "journal-cut",
                        "the file ends %llu bytes before the end that its "
                        "header states",
                        ULL(end - f->size));
    return rc;
}

static int boot_facts(struct journal *j)
{
    char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX], id[33];
    int rc = 0;
    for (size_t i = 0; i < j->n_boots && rc == 0; i++) {
        const struct boot *b = &j->boots[i];
        journald_hex(b->id, id);
        usec_text(first, b->first);
        usec_text(last, b->last);
        rc = fact(j, "boot", "%s, %s to %s, %llu entries", id, first, last,
                  ULL(b->n));
    }
    if (rc == 0 && j->more_boots)
        rc = fact(j, "boot", "more than %d boots; %llu entries of others",
                  (int)BOOTS, ULL(j->more_boots));
    return rc;
}

static int count_facts(struct journal *j)
{
    const uint64_t *n = j->scan.objects;
    int rc = fact(j, "entries stated by the header", "%llu", ULL(j->f.entries));
    if (rc == 0 && j->scan.reached)
        rc = fact(j, "entries named by arrays", "%llu",
                  ULL(j->scan.by_arrays + j->scan.outside));
    if (rc == 0)
        rc = fact(j, "entries found from object to object", "%llu",
                  ULL(j->walked));
    if (rc == 0)
        rc = fact(j, "objects",
                  "%llu data, %llu field, %llu entry, %llu hash table, %llu "
                  "entry array, %llu tag",
                  ULL(n[JOURNALD_DATA]), ULL(n[JOURNALD_FIELD]),
                  ULL(n[JOURNALD_ENTRY]),
                  ULL(n[JOURNALD_DATA_HASHES] + n[JOURNALD_FIELD_HASHES]),
                  ULL(n[JOURNALD_ARRAY]), ULL(n[JOURNALD_TAG]));
    if (rc == 0 && j->entries)
        rc = fact(j, "sequence numbers", "%llu to %llu", ULL(j->first_seq),
                  ULL(j->last_seq));
    return rc ? rc : boot_facts(j);
}

/* ---- what is said at the end --------------------------------------------- */

static int more(struct journal *j, enum issue_severity severity,
                const char *code, const struct tally *t)
{
    if (t->n <= LISTED)
        return 0;
    return sink_issue(j->job->sink, severity, t->at, 0, code,
                      "%llu more of the same", ULL(t->n - LISTED));
}

static int sums(struct journal *j)
{
    struct sink *s = j->job->sink;
    int rc = more(j, ISSUE_ERROR, "journal-damage", &j->damage);
    for (int k = 1; k < DATA_KINDS && rc == 0; k++)
        rc = more(j, data_issues[k].severity, data_issues[k].code, &j->data[k]);
    if (rc == 0)
        rc = more(j, ISSUE_ERROR, "journal-entry-hash", &j->differs);
    if (rc == 0)
        rc = more(j, ISSUE_ERROR, "journal-budget", &j->budget);
    if (rc == 0)
        rc = more(j, ISSUE_WARNING, "journal-dropped", &j->dropped);
    if (rc == 0)
        rc = more(j, ISSUE_NOTE, "journal-clock", &j->clock);
    if (rc == 0 && j->unlinked.n)
        rc = sink_issue(s, ISSUE_WARNING, j->unlinked.at, 0, "journal-unlinked",
                        "%llu entries are in no entry array of the file, the "
                        "first at %llu: journalctl does not show them",
                        ULL(j->unlinked.n), ULL(j->unlinked.at));
    if (rc == 0 && j->swallowed.n)
        rc = sink_issue(s, ISSUE_WARNING, j->swallowed.at, 0, "journal-overlap",
                        "%llu entries, the first at %llu, lie within other "
                        "objects by the sizes these state",
                        ULL(j->swallowed.n), ULL(j->swallowed.at));
    if (rc == 0 && j->scan.outside)
        rc = sink_issue(s, ISSUE_ERROR, 0, 0, "journal-entry-outside",
                        "%llu places in entry arrays are not within the file",
                        ULL(j->scan.outside));
    if (rc == 0 && !j->scan.reached)
        rc = sink_issue(s, ISSUE_NOTE, 0, 0, "journal-large",
                        "the file is too large to compare the entries found "
                        "with its entry arrays");
    if (rc == 0 && j->entries == 0)
        rc = sink_issue(s, ISSUE_NOTE, 0, 0, "empty",
                        "the journal file holds no entries");
    return rc;
}

static int import(struct import_job *job, struct err *err)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return err_set(err, ERR_INTERNAL, "out of memory");
    j->job = job;
    int rc = journald_open(&j->f, job->in, err);
    if (rc == 0)
        rc = header_facts(j);
    if (rc == 0)
        rc = header_issues(j);
    if (rc == 0)
        rc = scan(j, err);
    if (rc == 0)
        rc = count_facts(j);
    if (rc == 0)
        rc = sums(j);
    journald_scan_close(&j->scan);
    journald_close(&j->f);
    free(j);
    return rc;
}

static int probe(struct probe *p)
{
    if (!journald_is(p->head) || p->size < JOURNALD_HEADER_MIN)
        return 0;
    p->reason = "the signature of a journal file";
    return 95;
}

static const char *const paths[] = { "*.journal", "*.journal~", NULL };

const struct importer importers_journald = {
    .name = "journald",
    .title = "systemd journal",
    .reads = "journal files of systemd (*.journal, *.journal~), also damaged "
             "ones, every kind of compression",
    .paths = paths,
    .probe = probe,
    .import = import,
};
