/*
 * CloudTrail in every shape it is delivered or saved in as JSON (cloud.md
 * 1.1): S3 log files, Insights, network activity, aggregated events, JSON
 * lines, bare arrays, concatenated objects, single events, lookup-events of
 * both CLI versions, EventBridge, Splunk and Elastic exports.
 *
 * The text is a sequence of JSON values. Each value is an event, an array of
 * events, or an envelope with a list of them. Damage costs the record that
 * it is in: reading goes on at the next object that looks like an event.
 */
#include "importers/cloudtrail.h"

#include <stdlib.h>

#include "base/text.h"
#include "importers/window.h"

enum {
    RECORD_MAX = 16 << 20, /* AWS: 256 KiB, large events a few MiB */
    RESYNC_TRIES = 4096,
};

enum item { ITEM_EVENT, ITEM_LOOKUP, ITEM_ROW };

struct reader {
    struct import_job *job;
    struct window w;
    unsigned resyncs;
    bool cut; /* the file ended too early, and that was said */
    struct cloudtrail_event e;
};

/* ---- windows
 * ------------------------------------------------------------------- */

/* An error at the end of a window that is not the end of the file. */
static bool needs_more(const struct reader *r, const struct json *j)
{
    return !r->w.in->eof && j->at >= r->w.in->n - r->w.at &&
           r->w.in->n - r->w.at < RECORD_MAX;
}

/* ---- damage
 * ----------------------------------------------------------------------- */

static bool looks_like_event(struct str s)
{
    struct json j;
    json_open(&j, s);
    if (json_next(&j) != JSON_OBJECT || !json_skip(&j))
        return false;
    struct str span = str_sub(s, 0, (size_t)(j.p - s.p));
    return str_find(span, STR("\"eventName\"")) != SIZE_MAX ||
           str_find(span, STR("\"eventID\"")) != SIZE_MAX;
}

/* Where reading can go on after the damage in [at, ..): the next object that
 * is whole and looks like an event, else the end of the window. */
static size_t resync(struct reader *r, size_t from)
{
    const char *p = r->w.in->p;
    for (size_t i = from; i + 1 < r->w.in->n; i++) {
        if (p[i] != '{' || r->resyncs >= RESYNC_TRIES)
            continue;
        size_t k = i;
        while (k > 0 && (p[k - 1] == ' ' || p[k - 1] == '\t'))
            k--;
        struct str s = { p + i, r->w.in->n - i };
        if (k > 0 && p[k - 1] != ',' && p[k - 1] != '\n' && p[k - 1] != '[' &&
            p[k - 1] != '}' && !str_starts(s, STR("{\"eventVersion\"")))
            continue;
        r->resyncs++;
        if (looks_like_event(s))
            return i;
    }
    return r->w.in->n;
}

static int damaged(struct reader *r, const struct json *j)
{
    size_t start = r->w.at, error = r->w.at + j->at;
    bool cut = r->w.in->eof && error >= r->w.in->n;
    uint64_t off = r->w.in->base + start;
    r->w.at = resync(r, start + 1);
    r->cut = r->w.in->eof && r->w.at == r->w.in->n;
    return sink_reject(r->job->sink, off, r->w.at - start,
                       cut ? "json-cut" : "json-syntax",
                       "%s at byte %llu; the record there is lost",
                       j->error ? j->error : "not JSON",
                       (unsigned long long)(r->w.in->base + error));
}

/* ---- events
 * -------------------------------------------------------------------------- */

static int emit(struct reader *r, uint64_t off, size_t len)
{
    struct record *rec = &r->e.r;
    rec->off = off;
    rec->len = (uint32_t)len;
    if (!r->e.looks_right)
        return sink_reject(r->job->sink, off, len, "not-an-event",
                           "an object without the fields of an event");
    return sink_record(r->job->sink, rec);
}

/* The event in the string or object `s`, for wrappings; the pointer is the
 * wrapping's. 1 = it is none. */
static int emit_inner(struct reader *r, struct str s, uint64_t off, size_t len,
                      uint8_t detail)
{
    struct json j;
    json_open(&j, s);
    if (!cloudtrail_decode(&j, &r->job->body_key, r->job->arena, &r->e) ||
        !r->e.looks_right)
        return 1;
    r->e.r.detail = detail;
    if (detail && r->e.r.t_zone == ZONE_ASSUMED)
        r->e.r.t_zone = ZONE_FORMAT; /* Lake writes UTC without saying so */
    return emit(r, off, len);
}

/* Value of a member as JSON text: strings are decoded. */
static bool member(struct reader *r, struct str object, const char *path,
                   struct str *out)
{
    unsigned flags;
    enum json_type t = json_path(object, str_from(path), out, &flags);
    if (t == JSON_STRING)
        return json_decode(*out, r->job->arena, out);
    return t == JSON_OBJECT || t == JSON_NUMBER;
}

static struct str text_member(struct reader *r, struct str object,
                              const char *key)
{
    struct str v;
    return member(r, object, key, &v) ? v : STR("");
}

/* A lookup-events item without its CloudTrailEvent: the few outer fields. */
static int emit_lookup(struct reader *r, struct str o, uint64_t off)
{
    struct cloudtrail_event *e = &r->e;
    struct time_text t;
    struct str when = text_member(r, o, "EventTime"), inner;
    int64_t s;
    e->r = (struct record){ .detail = 1 };
    if (time_parse(when, &t)) {
        e->r.timed = true;
        e->r.t = t.t;
        e->r.t_zone = (uint8_t)t.zone;
    } else {
        size_t dot = str_find(when, STR("."));
        inner = str_sub(when, 0, dot);
        if (json_i64(inner, &s)) { /* CLI version 1: epoch seconds */
            e->r.timed = true;
            e->r.t.s = s;
        }
    }
    e->r.action = text_member(r, o, "EventName");
    e->r.service = text_member(r, o, "EventSource");
    e->r.actor = text_member(r, o, "Username");
    e->r.actor_kind = KIND_USER;
    e->r.key = text_member(r, o, "AccessKeyId");
    struct str id = text_member(r, o, "EventId");
    e->r.uid =
        identify_uuid(id, e->uid) ? (struct str){ (char *)e->uid, 16 } : id;
    e->looks_right = e->r.action.n && e->r.uid.n;
    return emit(r, off, o.n);
}

/* A row of a Lake query by API: an array of objects of one key each. It holds
 * the columns that were asked for, so it is a poorer copy. */
static int emit_row(struct reader *r, struct str row, uint64_t off)
{
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    struct json j;
    struct str key = STR_NONE;
    json_put_open(&o, '{');
    json_open(&j, row);
    for (enum json_type t; (t = json_next(&j)) != JSON_END;) {
        if (t == JSON_ERROR)
            break;
        if (t == JSON_KEY)
            key = j.text;
        if (t != JSON_STRING || key.n == 0)
            continue;
        struct str v = j.text;
        json_put_key(&o, key);
        if (json_decode(j.text, r->job->arena, &v) && v.n &&
            (v.p[0] == '{' || v.p[0] == '[') && json_valid(v, NULL, NULL))
            json_put_raw(&o, v);
        else
            json_put_str(&o, v);
    }
    json_put_close(&o, '}');
    struct str object = buf_to_arena(&b, r->job->arena);
    int rc = object.p ? emit_inner(r, object, off, row.n, 1) : ERR_INTERNAL;
    if (rc == 1)
        rc = sink_reject(r->job->sink, off, row.n, "not-an-event",
                         "a query row without the columns of an event");
    return rc;
}

/* Objects that wrap one event. 1 = not one of these. */
static int unwrap_one(struct reader *r, struct str o, uint64_t off)
{
    static const char *const keys[] = {
        "CloudTrailEvent", "detail",
        "result._raw",     "_raw",
        "_source",         "_source.event.original",
        "_source.message", "message",
        "event.original",  "_source.cloudtrail",
        "eventData",
    };
    struct str inner;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (member(r, o, keys[i], &inner) && inner.n && inner.p[0] == '{') {
            int rc = emit_inner(r, inner, off, o.n, 0);
            if (rc != 1)
                return rc;
        }
    return 1;
}

/* ---- one value
 * ------------------------------------------------------------------------ */

/* An event at r->w.at, decoded in one pass over the window. */
static int plain_event(struct reader *r)
{
    for (;;) {
        struct json j;
        arena_reset(r->job->arena);
        json_open(&j, window_rest(&r->w));
        if (cloudtrail_decode(&j, &r->job->body_key, r->job->arena, &r->e)) {
            size_t used = (size_t)(j.p - (r->w.in->p + r->w.at));
            uint64_t off = window_offset(&r->w);
            struct str o = { r->w.in->p + r->w.at, used };
            int rc =
                r->e.looks_right ? emit(r, off, used) : unwrap_one(r, o, off);
            if (rc == 1)
                rc = emit(r, off, used);
            r->w.at += used;
            return rc;
        }
        if (!needs_more(r, &j))
            return damaged(r, &j);
        int rc = window_more(&r->w);
        if (rc)
            return rc;
    }
}

/* The whole value at r->w.at as a span. 1 = damaged, dealt with. */
static int whole_value(struct reader *r, struct str *out)
{
    for (;;) {
        struct json j;
        json_open(&j, window_rest(&r->w));
        enum json_type t = json_next(&j);
        bool ok = t != JSON_ERROR && t != JSON_END;
        if (ok && (t == JSON_OBJECT || t == JSON_ARRAY))
            ok = json_skip(&j);
        if (ok) {
            *out = (struct str){ r->w.in->p + r->w.at, (size_t)(j.p - j.base) };
            return 0;
        }
        if (!needs_more(r, &j)) {
            int rc = damaged(r, &j);
            return rc ? rc : 1;
        }
        int rc = window_more(&r->w);
        if (rc)
            return rc;
    }
}

static int listed_item(struct reader *r, enum item kind)
{
    struct str o;
    if (kind == ITEM_EVENT && r->w.in->p[r->w.at] == '{')
        return plain_event(r);
    arena_reset(r->job->arena);
    int rc = whole_value(r, &o);
    if (rc)
        return rc == 1 ? 0 : rc;
    uint64_t off = window_offset(&r->w);
    r->w.at += o.n;
    if (kind == ITEM_ROW && o.p[0] == '[')
        return emit_row(r, o, off);
    if (kind == ITEM_LOOKUP && o.p[0] == '{') {
        rc = unwrap_one(r, o, off);
        return rc == 1 ? emit_lookup(r, o, off) : rc;
    }
    return sink_reject(r->job->sink, off, o.n, "not-an-object",
                       "an entry of the list that is no event");
}

/* The entries of a list; r->w.at is after '['. */
static int list(struct reader *r, enum item kind)
{
    for (;;) {
        char c = window_peek(&r->w);
        if (c == 0 && r->cut)
            return 0;
        if (c == 0) {
            r->cut = true;
            return sink_issue(r->job->sink, ISSUE_ERROR, window_offset(&r->w),
                              0, "json-cut",
                              "the list of records does not end: the file "
                              "is cut");
        }
        if (c == ']') {
            r->w.at++;
            return 0;
        }
        if (c == ',') {
            r->w.at++;
            continue;
        }
        int rc = listed_item(r, kind);
        if (rc)
            return rc;
    }
}

/* ---- envelopes
 * ----------------------------------------------------------------------------
 */

static bool list_key(struct str key, enum item *kind)
{
    *kind = str_eq(key, STR("Events"))            ? ITEM_LOOKUP
            : str_eq(key, STR("QueryResultRows")) ? ITEM_ROW
                                                  : ITEM_EVENT;
    return *kind != ITEM_EVENT || str_eq(key, STR("Records"));
}

/* Finds the list of an envelope whose '{' is at r->w.at: the number of objects
 * around it (Elastic has two: hits.hits) and r->w.at after its '['. 0: no list
 * before the window's end; r->w.at unchanged. */
static unsigned find_list(struct reader *r, enum item *kind)
{
    struct json j;
    unsigned around = 1;
    json_open(&j, window_rest(&r->w));
    if (json_next(&j) != JSON_OBJECT)
        return 0;
    for (enum json_type t; (t = json_next(&j)) == JSON_KEY;) {
        struct str key = j.text;
        bool hits = str_eq(key, STR("hits"));
        if (list_key(key, kind) || hits) {
            t = json_next(&j);
            if (t == JSON_ARRAY) {
                r->w.at += (size_t)(j.p - j.base);
                return around;
            }
            if (t != JSON_OBJECT || !hits || around > 1)
                return 0;
            around++;
        } else if (str_starts(key, STR("event")) || !json_skip(&j)) {
            return 0;
        }
    }
    return 0;
}

/* After the list: the rest of the envelope, up to its '}'. */
static int after_list(struct reader *r)
{
    for (;;) {
        char c = window_peek(&r->w);
        if (c == 0 && r->cut)
            return 0;
        if (c == 0)
            return sink_issue(r->job->sink, ISSUE_ERROR, window_offset(&r->w),
                              0, "json-cut",
                              "the file ends within its envelope");
        if (c == '}') {
            r->w.at++;
            return 0;
        }
        if (c == ',') {
            r->w.at++;
            continue;
        }
        if (c != '"')
            return sink_issue(r->job->sink, ISSUE_ERROR, window_offset(&r->w),
                              0, "json-syntax",
                              "the envelope is damaged after its list");
        struct str key, value;
        enum item kind;
        int rc = whole_value(r, &key);
        if (rc)
            return rc == 1 ? 0 : rc;
        bool token = str_eq(str_trim(key), STR("\"NextToken\""));
        bool again = list_key(str_sub(key, 1, key.n - 2), &kind);
        r->w.at += key.n;
        if (window_peek(&r->w) != ':')
            continue;
        r->w.at++;
        if (again && window_peek(&r->w) == '[') {
            r->w.at++;
            rc = list(r, kind);
            if (rc)
                return rc;
            continue;
        }
        window_peek(&r->w);
        rc = whole_value(r, &value);
        if (rc)
            return rc == 1 ? 0 : rc;
        r->w.at += value.n;
        if (token && value.n > 2 && value.p[0] == '"') {
            rc = sink_issue(r->job->sink, ISSUE_WARNING, window_offset(&r->w),
                            0, "next-token",
                            "the answer has a NextToken: the collection "
                            "stopped before the last page");
            if (rc)
                return rc;
        }
    }
}

static int object(struct reader *r)
{
    enum item kind;
    unsigned around = find_list(r, &kind);
    if (!around)
        return plain_event(r);
    int rc = list(r, kind);
    for (; rc == 0 && around; around--)
        rc = after_list(r);
    return rc;
}

static int junk(struct reader *r)
{
    size_t start = r->w.at;
    uint64_t off = r->w.in->base + start;
    const char *lf = memchr(r->w.in->p + start, '\n', r->w.in->n - start);
    r->w.at = lf ? (size_t)(lf - r->w.in->p) + 1 : r->w.in->n;
    return sink_reject(r->job->sink, off, r->w.at - start, "json-syntax",
                       "text that is not JSON");
}

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { .job = job, .w = { job->in, job->sink, 0 } };
    int rc = 0;
    if (str_starts(window_rest(&r.w), STR("\xef\xbb\xbf"))) {
        r.w.at = 3;
        rc = sink_issue(job->sink, ISSUE_NOTE, 0, 3, "bom",
                        "begins with a byte order mark");
    }
    while (rc == 0) {
        char c = window_peek(&r.w);
        if (c == 0)
            break;
        switch (c) {
        case '{':
            rc = object(&r);
            break;
        case '[':
            r.w.at++;
            rc = list(&r, ITEM_EVENT);
            break;
        case ',':
            r.w.at++;
            break;
        default:
            rc = junk(&r);
        }
    }
    cloudtrail_event_free(&r.e);
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

/* The value of the first member `key` that is not inside a string. */
static struct str value_of(struct str head, const char *key)
{
    size_t at = str_find(head, str_from(key));
    if (at == SIZE_MAX)
        return STR("");
    head = str_trim(str_sub(head, at + strlen(key), 256));
    if (head.n == 0 || head.p[0] != ':')
        return STR("");
    return str_trim(str_sub(head, 1, head.n));
}

/* Messages of SNS, SQS, S3 and others have Records too, S3's even with
 * eventVersion and eventName. */
static bool is_notification(struct str head)
{
    return str_starts(value_of(head, "\"eventSource\""), STR("\"aws:")) ||
           str_starts(value_of(head, "\"EventSource\""), STR("\"aws:")) ||
           (window_has(head, "\"TopicArn\"") &&
            window_has(head, "\"Message\""));
}

/* Events as strings of other systems' records. */
static bool is_wrapped(struct str head)
{
    return window_has(head, "\\\"eventVersion\\\"") &&
           (window_has(head, "\"_raw\"") || window_has(head, "\"message\"") ||
            window_has(head, "\"original\""));
}

static const struct {
    const char *a, *b, *reason;
    int confidence;
} marks[] = {
    { "via CloudTrail\"", "\"detail-type\"",
      "EventBridge events via CloudTrail", 95 },
    { "\"eventVersion\"", "\"eventSource\"",
      "objects with eventVersion and eventSource", 95 },
    { "\"CloudTrailEvent\"", "", "lookup-events items with CloudTrailEvent",
      95 },
    { "\"QueryResultRows\"", "\"event", "rows of a Lake query", 92 },
    { "\"insightDetails\"", "", "CloudTrail Insights", 90 },
    { "AwsAggregatedEvent", "", "aggregated events", 90 },
};

/* A log file as S3 has it says so in its first event. In answers and records
 * that only carry events these names stand inside of strings, escaped; this
 * saves the search through the whole head for all that it could be instead,
 * which costs as much as reading a small file. */
static bool begins_with_event(struct str head)
{
    head = str_sub(head, 0, 2048);
    return window_has(head, "\"eventVersion\"") &&
           window_has(head, "\"eventTime\"") &&
           window_has(head, "\"userIdentity\"") &&
           str_starts(head, STR("{\"Records\":[{\"event")) &&
           !str_starts(value_of(head, "\"eventSource\""), STR("\"aws:"));
}

static int probe(struct probe *p)
{
    struct str head = str_trim(p->head);
    if (str_starts(head, STR("\xef\xbb\xbf")))
        head = str_trim(str_sub(head, 3, head.n));
    if (head.n == 0 || (head.p[0] != '{' && head.p[0] != '['))
        return 0;
    if (begins_with_event(head)) {
        p->reason = "Records that begin with an event";
        return 95;
    }
    if (window_has(head, "\"logEvents\"") ||
        window_has(head, "\"ingestionTime\"") ||
        window_has(head, "\"digestS3Object\"") || is_notification(head))
        return 0;
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (window_has(head, marks[i].a) && window_has(head, marks[i].b)) {
            p->reason = marks[i].reason;
            return marks[i].confidence;
        }
    if (is_wrapped(head)) {
        p->reason = "records of another system with events in them";
        return 90;
    }
    if (window_has(head, "eventSource:") && window_has(head, "eventName:")) {
        p->reason = "an event's fields, without the quotes of JSON";
        return 60;
    }
    if (p->size < 64 && str_starts(head, STR("{\"Records\""))) {
        p->reason = "an empty list of Records";
        return 60;
    }
    return 0;
}

static const char *const paths[] = { "AWSLogs/**", "*_CloudTrail_*.json*",
                                     NULL };

const struct importer importers_cloudtrail = {
    .name = "cloudtrail",
    .title = "CloudTrail events",
    .reads = "S3 log files, JSON lines, arrays, lookup-events, Insights, "
             "EventBridge, Lake rows",
    .paths = paths,
    .probe = probe,
    .import = import,
};
