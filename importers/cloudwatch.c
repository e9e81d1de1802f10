/*
 * CloudWatch Logs (cloud.md 3): S3 export tasks, get-log-events and
 * filter-log-events answers, Insights results (JSON and CSV), subscription
 * records also concatenated by Firehose, and Lambda's base64 carrier. Each
 * message is an event; a message that is a CloudTrail event is one of that.
 */
#include <stdlib.h>

#include "base/base64.h"
#include "base/text.h"
#include "evidence/gzip.h"
#include "importers/cloudtrail.h"
#include "importers/csv.h"
#include "importers/window.h"

enum { LINE_MAX = 4 << 20, STAMP = 24 /* 2024-01-01T00:00:00.123Z */ };

struct reader {
    struct import_job *job;
    struct window w;
    struct str group, stream, owner;
    struct cloudtrail_event trail;
    struct refs refs;
    /* of a carrier: its content, its place, events so far */
    struct gzip_inflater *gzip;
    struct buf carried;
    uint64_t carrier_off;
    size_t carrier_len; /* 0: not within one */
    uint16_t sub;
};

/* Where a record is: what a carrier holds is at the carrier's place. */
static uint64_t place(const struct reader *r, uint64_t off, size_t *len)
{
    if (r->carrier_len)
        *len = r->carrier_len;
    return r->carrier_len ? r->carrier_off : off;
}

static int reject(struct reader *r, uint64_t off, size_t len, const char *code,
                  const char *why)
{
    off = place(r, off, &len);
    return sink_reject(r->job->sink, off, len, code, "%s", why);
}

static int give(struct reader *r, struct record *rec, uint64_t off, size_t len)
{
    rec->off = place(r, off, &len);
    rec->len = (uint32_t)len;
    if (r->carrier_len && r->sub < UINT16_MAX)
        rec->sub = ++r->sub;
    return sink_record(r->job->sink, rec);
}

/* ---- one message
 * ------------------------------------------------------------- */

static int add_ref(void *ctx, size_t off, unsigned kind, struct str v)
{
    struct reader *r = ctx;
    (void)off;
    if (kind == KIND_NONE)
        return 0;
    struct arn a;
    if (arn_parse(v, &a))
        identify_add(&r->refs, ROLE_MENTIONED, v);
    else
        refs_add(&r->refs, kind, ROLE_MENTIONED, v);
    return 0;
}

static int emit_trail(struct reader *r, struct str message, uint64_t off,
                      size_t len)
{
    struct json j;
    json_open(&j, message);
    if (!cloudtrail_decode(&j, &r->job->body_key, r->job->arena, &r->trail) ||
        !r->trail.looks_right)
        return 1;
    r->trail.r.source = STR("cloudtrail");
    return give(r, &r->trail.r, off, len);
}

static bool is_trail(struct str message)
{
    return message.n > 100 && message.p[0] == '{' &&
           str_find(message, STR("\"eventVersion\"")) != SIZE_MAX &&
           str_find(message, STR("\"eventSource\"")) != SIZE_MAX;
}

struct line {
    bool timed;
    struct instant t;
    struct str message, id;
    uint64_t off;
    size_t len;
    unsigned flags;
};

static int emit(struct reader *r, const struct line *l)
{
    if (is_trail(l->message)) {
        int rc = emit_trail(r, l->message, l->off, l->len);
        if (rc != 1)
            return rc;
    }
    struct record rec = {
        .timed = l->timed,
        .t = l->t,
        .t_zone = ZONE_EXPLICIT,
        .t_res = 3,
        .action = STR("log line"),
        .text = l->message,
        .uid = l->id,
        .flags = l->flags,
        .account = identify_account(r->owner) ? r->owner : STR(""),
        .body_hash = (uint32_t)(hash_bytes(&r->job->body_key, l->message.p,
                                           l->message.n) >>
                                33) |
                     1,
    };
    struct str ip, first = l->message;
    const char *blank = memchr(first.p ? first.p : "", ' ', first.n);
    char tmp[46];
    if (blank)
        first.n = (size_t)(blank - first.p);
    if (identify_ip(first, tmp, &ip))
        rec.ip = ip;
    if (l->timed && l->t.s < 631152000)
        rec.flags |= EVENT_IMPLAUSIBLE;
    r->refs.n = 0;
    r->refs.cut = false;
    refs_add(&r->refs, KIND_LOG_GROUP, ROLE_WHERE, r->group);
    refs_add(&r->refs, KIND_LOG_STREAM, ROLE_WHERE, r->stream);
    identify_add(&r->refs, ROLE_WHERE, r->stream);
    identify_text(l->message, add_ref, r);
    rec.refs = r->refs.v;
    rec.n_refs = r->refs.n;
    if (r->refs.cut)
        rec.flags |= EVENT_REFS_CUT;
    return give(r, &rec, l->off, l->len);
}

static bool from_ms(struct str number, struct line *l)
{
    int64_t ms;
    if (!json_i64(number, &ms))
        return false;
    l->timed = true;
    l->t.s = ms / 1000 - (ms % 1000 < 0);
    l->t.ns = (uint32_t)(ms - l->t.s * 1000) * 1000000u;
    return true;
}

/* ---- JSON
 * ---------------------------------------------------------------------- */

static struct str text_of(struct reader *r, struct str object, const char *key)
{
    struct str v;
    unsigned flags;
    enum json_type t = json_get(object, str_from(key), &v, &flags);
    if (t == JSON_STRING && json_decode(v, r->job->arena, &v))
        return v;
    return t == JSON_NUMBER ? v : STR("");
}

/* An entry of events[] or logEvents[]. */
static int log_event(struct reader *r, struct str o, uint64_t off)
{
    struct line l = { .off = off, .len = o.n };
    struct str when, stream = r->stream;
    unsigned flags;
    if (json_get(o, STR("timestamp"), &when, &flags) == JSON_NUMBER)
        from_ms(when, &l);
    l.message = text_of(r, o, "message");
    l.id = text_of(r, o, "eventId");
    if (l.id.n == 0)
        l.id = text_of(r, o, "id");
    struct str own = text_of(r, o, "logStreamName");
    if (own.n)
        r->stream = own;
    int rc = !l.timed && l.message.n == 0
                 ? reject(r, off, o.n, "not-a-log-event",
                          "an entry without timestamp and message")
                 : emit(r, &l);
    r->stream = stream;
    return rc;
}

/* A row of Insights results: [{"field":..,"value":..}, ..]. */
static int insights_row(struct reader *r, struct str row, uint64_t off)
{
    struct line l = { .off = off, .len = row.n };
    struct str group = r->group, stream = r->stream;
    struct json j;
    json_open(&j, row);
    for (enum json_type t = json_next(&j);
         (t = json_next(&j)) == JSON_OBJECT;) {
        size_t start = j.start;
        if (!json_skip(&j))
            break;
        struct str o = str_sub(row, start, (size_t)(j.p - j.base) - start);
        struct str field = text_of(r, o, "field"),
                   value = text_of(r, o, "value");
        struct time_text t2;
        if (str_eq(field, STR("@timestamp")) && time_parse(value, &t2)) {
            l.timed = true;
            l.t = t2.t;
        } else if (str_eq(field, STR("@message"))) {
            l.message = value;
        } else if (str_eq(field, STR("@logStream"))) {
            r->stream = value;
        } else if (str_eq(field, STR("@log"))) {
            r->group = value;
        } else if (str_eq(field, STR("@ptr"))) {
            l.id = str_sub(value, value.n > 64 ? value.n - 64 : 0, 64);
        }
    }
    if (l.message.n == 0)
        l.message = row;
    int rc = emit(r, &l);
    r->group = group;
    r->stream = stream;
    return rc;
}

enum list { LIST_EVENTS, LIST_RESULTS };

static int listed(struct reader *r, enum list kind, struct str list,
                  uint64_t base)
{
    struct json j;
    json_open(&j, list);
    int rc = 0;
    json_next(&j);
    for (;;) {
        enum json_type t = json_next(&j);
        if (t == JSON_ARRAY_END || t == JSON_END || t == JSON_ERROR || rc)
            return rc;
        size_t start = j.start;
        bool container = t == JSON_OBJECT || t == JSON_ARRAY;
        if (container && !json_skip(&j))
            return rc;
        struct str o = str_sub(list, start, (size_t)(j.p - j.base) - start);
        if (kind == LIST_EVENTS && t == JSON_OBJECT)
            rc = log_event(r, o, base + start);
        else if (kind == LIST_RESULTS && t == JSON_ARRAY)
            rc = insights_row(r, o, base + start);
        else
            rc = reject(r, base + start, o.n, "not-a-log-event",
                        "an entry of another type");
    }
}

static int say_incomplete(struct reader *r, struct str o, uint64_t off)
{
    struct str v;
    unsigned flags;
    if (json_get(o, STR("nextToken"), &v, &flags) == JSON_STRING && v.n)
        return sink_issue(r->job->sink, ISSUE_WARNING, off, o.n, "next-token",
                          "the answer has a nextToken: the collection stopped "
                          "before the last page");
    if (json_get(o, STR("status"), &v, &flags) == JSON_STRING &&
        !str_eq(v, STR("Complete")))
        return sink_issue(r->job->sink, ISSUE_WARNING, off, o.n,
                          "query-incomplete",
                          "the Insights query had not ended when it was "
                          "saved");
    return 0;
}

static int carrier(struct reader *r, struct str o, struct str data,
                   uint64_t off);

/* One object: an answer of the API, a subscription record, a carrier. */
static int json_object(struct reader *r, struct str o, uint64_t off)
{
    struct str v;
    unsigned flags;
    r->owner = text_of(r, o, "owner");
    r->group = text_of(r, o, "logGroup");
    r->stream = text_of(r, o, "logStream");
    if (str_eq(text_of(r, o, "messageType"), STR("CONTROL_MESSAGE")))
        return sink_issue(r->job->sink, ISSUE_NOTE, off, o.n, "control-message",
                          "a reachability check of the subscription");
    static const struct {
        const char *key;
        enum list kind;
    } lists[] = { { "logEvents", LIST_EVENTS },
                  { "events", LIST_EVENTS },
                  { "results", LIST_RESULTS } };
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        if (json_get(o, str_from(lists[i].key), &v, &flags) == JSON_ARRAY) {
            int rc = listed(r, lists[i].kind, v, off + (uint64_t)(v.p - o.p));
            return rc ? rc : say_incomplete(r, o, off);
        }
    if (json_get(o, STR("timestamp"), &v, &flags) == JSON_NUMBER)
        return log_event(r, o, off); /* JSON lines of events */
    if (r->carrier_len == 0 &&
        json_path(o, STR("awslogs.data"), &v, &flags) == JSON_STRING)
        return carrier(r, o, v, off);
    return reject(r, off, o.n, "not-a-log-record",
                  "an object without log events");
}

/* ---- Lambda's carrier: {"awslogs":{"data":"base64 of gzip"}}
 * ----------------------------------------------------------------------------
 */

static int carried_objects(struct reader *r)
{
    struct str s = str_trim(buf_str(&r->carried));
    int rc = 0;
    while (rc == 0 && s.n) {
        struct json j;
        json_open(&j, s);
        if (json_next(&j) != JSON_OBJECT || !json_skip(&j))
            return reject(r, 0, 0, "carrier-data",
                          "the content of a carrier is not JSON");
        size_t n = (size_t)(j.p - j.base);
        rc = json_object(r, str_sub(s, 0, n), 0);
        s = str_trim(str_sub(s, n, s.n));
    }
    return rc;
}

static int carrier(struct reader *r, struct str o, struct str data,
                   uint64_t off)
{
    enum { CARRIED_MAX = 64 << 20 }; /* Lambda passes on 6 MiB at most */
    struct gzip_report report;
    struct buf packed = { 0 };
    bool good = json_decode(data, r->job->arena, &data) &&
                base64_decode(data, 0, &packed);
    struct str gz = buf_to_arena(&packed, r->job->arena);
    if (!good || !gz.p)
        return reject(r, off, o.n, "carrier-data",
                      "the data of a carrier is not base64");
    if (!r->gzip)
        r->gzip = gzip_inflater_open();
    if (!r->gzip ||
        gzip_inflate_all(r->gzip, gz, &r->carried, CARRIED_MAX, &report))
        return ERR_INTERNAL;
    if (r->carried.n == 0)
        return reject(r, off, o.n, "carrier-data",
                      "the data of a carrier is not gzip");
    r->carrier_off = off;
    r->carrier_len = o.n;
    r->sub = 0;
    int rc = carried_objects(r);
    r->carrier_len = 0;
    if (rc == 0 && report.damage != GZIP_OK)
        rc = sink_issue(r->job->sink, ISSUE_ERROR, off, o.n,
                        gzip_damage_code(report.damage), "in a carrier: %s",
                        gzip_damage_text(report.damage));
    return rc;
}

static int json_stream(struct reader *r)
{
    int rc = 0;
    while (rc == 0) {
        struct str s = window_rest(&r->w);
        size_t skip = 0;
        while (skip < s.n && (strchr(" \r\n\t,", s.p[skip]) && s.p[skip]))
            skip++;
        r->w.at += skip;
        s = window_rest(&r->w);
        if (s.n == 0) {
            if (r->w.in->eof)
                return 0;
            rc = window_more(&r->w);
            continue;
        }
        struct json j;
        json_open(&j, s);
        arena_reset(r->job->arena);
        bool object = json_next(&j) == JSON_OBJECT && json_skip(&j);
        if (!object && !r->w.in->eof && j.at >= s.n) {
            rc = window_more(&r->w);
            continue;
        }
        uint64_t off = window_offset(&r->w);
        size_t len = (size_t)(j.p - j.base);
        if (!object) {
            const char *lf = memchr(s.p, '\n', s.n);
            len = lf ? (size_t)(lf - s.p) + 1 : s.n;
            rc = sink_reject(r->job->sink, off, len,
                             j.at >= s.n ? "json-cut" : "json-syntax",
                             "%s at byte %llu", j.error ? j.error : "not JSON",
                             (unsigned long long)(off + j.at));
        } else {
            rc = json_object(r, str_sub(s, 0, len), off);
        }
        r->w.at += len;
    }
    return rc;
}

/* ---- S3 export: stamped lines
 * --------------------------------------------------------- */

static bool stamp_of(struct str s, struct instant *t, size_t *n)
{
    struct time_text v;
    if (s.n < 20 || s.p[4] != '-' || s.p[10] != 'T')
        return false;
    const char *blank = memchr(s.p, ' ', s.n < 32 ? s.n : 32);
    size_t len = blank ? (size_t)(blank - s.p) : s.n;
    if (s.p[len - 1] == '\n')
        len--;
    if (len < 20 || !time_parse(str_sub(s, 0, len), &v) ||
        v.zone != ZONE_EXPLICIT)
        return false;
    *t = v.t;
    *n = blank ? len + 1 : len;
    return true;
}

/* End of the record at r->w.at: after the last line that has no stamp of its
 * own. SIZE_MAX: read on. */
static size_t record_end(struct reader *r, bool *continued)
{
    struct str s = window_rest(&r->w);
    size_t at = 0;
    struct instant t;
    size_t n;
    *continued = false;
    for (;;) {
        const char *lf = memchr(s.p + at, '\n', s.n - at);
        if (!lf)
            return r->w.in->eof || s.n >= LINE_MAX ? s.n : SIZE_MAX;
        at = (size_t)(lf - s.p) + 1;
        if (at >= LINE_MAX)
            return at;
        if (s.n - at < 32 && !r->w.in->eof)
            return SIZE_MAX;
        if (at == s.n || stamp_of(str_sub(s, at, s.n), &t, &n))
            return at;
        *continued = true;
    }
}

/* Export paths end in STREAM/000000.gz; the group is not in them. */
static void stream_from_path(struct reader *r)
{
    struct str p = r->job->path;
    size_t end = p.n, start;
    while (end && p.p[end - 1] != '/')
        end--;
    if (end == 0)
        return;
    for (start = end - 1; start && p.p[start - 1] != '/';)
        start--;
    r->stream = str_sub(p, start, end - 1 - start);
}

static int export_lines(struct reader *r)
{
    int rc = 0;
    stream_from_path(r);
    while (rc == 0) {
        bool continued;
        if (window_rest(&r->w).n == 0 && r->w.in->eof)
            return 0;
        size_t end = record_end(r, &continued);
        if (end == SIZE_MAX) {
            rc = window_more(&r->w);
            continue;
        }
        struct str s = str_sub(window_rest(&r->w), 0, end);
        struct line l = { .off = window_offset(&r->w), .len = end };
        size_t n = 0;
        l.timed = stamp_of(s, &l.t, &n);
        l.message = str_trim(str_sub(s, l.timed ? n : 0, s.n));
        l.flags = continued ? EVENT_CONTINUED : 0;
        r->w.at += end;
        arena_reset(r->job->arena);
        if (str_trim(s).n)
            rc = emit(r, &l);
    }
    return rc;
}

/* ---- Insights CSV
 * ------------------------------------------------------------------------ */

static int insights_csv(struct reader *r)
{
    struct csv_row row;
    int time = -1, message = -1, stream = -1, rc = 0;
    bool header = true;
    while (rc == 0) {
        arena_reset(r->job->arena);
        enum csv_result got =
            csv_next(window_rest(&r->w), r->w.in->eof, r->job->arena, &row);
        if (got == CSV_END)
            return 0;
        if (got == CSV_MORE && window_rest(&r->w).n < LINE_MAX) {
            rc = window_more(&r->w);
            continue;
        }
        struct line l = { .off = window_offset(&r->w), .len = row.len };
        r->w.at += row.len;
        if (got != CSV_ROW) {
            rc = sink_reject(r->job->sink, l.off, l.len, "csv-syntax",
                             "a row with an open quote or too many fields");
        } else if (header) {
            time = csv_column(&row, "@timestamp");
            message = csv_column(&row, "@message");
            stream = csv_column(&row, "@logStream");
            header = false;
        } else {
            struct time_text t;
            l.timed = time_parse(csv_field(&row, time), &t);
            l.t = t.t;
            l.message = csv_field(&row, message);
            r->stream = csv_field(&row, stream);
            rc = emit(r, &l);
        }
    }
    return rc;
}

/* ---- descriptor
 * ----------------------------------------------------------------------------
 */

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { .job = job, .w = { job->in, job->sink, 0 } };
    struct str head = window_rest(&r.w);
    int rc;
    if (str_starts(head, STR("\xef\xbb\xbf")))
        r.w.at = 3;
    head = str_trim(window_rest(&r.w));
    if (head.n && (head.p[0] == '{' || head.p[0] == '['))
        rc = json_stream(&r);
    else if (head.n && (head.p[0] == '@' || head.p[0] == '"'))
        rc = insights_csv(&r);
    else if (job->in->n < 200 && str_ends(job->path, STR("write-test")))
        rc = sink_issue(job->sink, ISSUE_NOTE, 0, job->in->n, "write-test",
                        "the export task's check of its permissions");
    else
        rc = export_lines(&r);
    cloudtrail_event_free(&r.trail);
    gzip_inflater_close(r.gzip);
    buf_free(&r.carried);
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static int probe(struct probe *p)
{
    struct instant t;
    size_t n;
    struct str head = str_trim(window_text(p->head));
    if (head.n == 0)
        return 0;
    if (head.p[0] == '{' && !window_has(head, "\"exportTasks\"")) {
        p->reason = "a CloudWatch Logs answer or subscription record";
        if (window_has(head, "\"logEvents\"") &&
            window_has(head, "\"messageType\""))
            return 97;
        if (window_has(head, "\"events\"") &&
            (window_has(head, "\"ingestionTime\"") ||
             window_has(head, "\"nextForwardToken\"") ||
             window_has(head, "\"searchedLogStreams\"")))
            return 96;
        if (window_has(head, "\"results\"") && window_has(head, "\"field\""))
            return 94;
        if (window_has(head, "\"awslogs\"") && window_has(head, "\"data\""))
            return 93;
        return 0;
    }
    if (str_starts(head, STR("@timestamp")) ||
        str_starts(head, STR("\"@timestamp\""))) {
        p->reason = "a CSV header with @timestamp";
        return 94;
    }
    if (stamp_of(window_text(p->head), &t, &n)) {
        p->reason = "lines that begin with the stamp of an S3 export";
        return 75;
    }
    p->reason = "the write test of an export task";
    return p->size < 200 && str_ends(p->path, STR("aws-logs-write-test")) ? 80
                                                                          : 0;
}

const struct importer importers_cloudwatch = {
    .name = "cloudwatch",
    .title = "CloudWatch Logs",
    .reads = "S3 exports, get- and filter-log-events, Insights, "
             "subscriptions, Firehose",
    .probe = probe,
    .import = import,
};
