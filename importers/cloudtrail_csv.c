/*
 * CloudTrail as CSV (cloud.md 1.1): the console's event history with columns
 * of the user's choice, and results of CloudTrail Lake queries, where nested
 * fields are written {k=v, k2=v2}. Both hold less than the event itself: a
 * row is a poorer copy and never replaces a full record.
 */
#include <stdio.h>

#include "base/text.h"
#include "importers/cloudtrail.h"
#include "importers/csv.h"

enum { COLUMNS = 16, RECORD_MAX = 4 << 20 };

enum column {
    C_TIME,
    C_NAME,
    C_SOURCE,
    C_USER,
    C_ID,
    C_KEY,
    C_IP,
    C_ERROR,
    C_REGION,
    C_REQUEST,
    C_READ_ONLY,
    C_RESOURCE,
    C_AGENT,
    C_ACCOUNT,
    C_IDENTITY,
    C_RESOURCES,
};

/* console names, then Lake names */
static const char *const columns[COLUMNS] = {
    [C_TIME] = "Event time|eventTime|Event DateTime",
    [C_NAME] = "Event name|eventName",
    [C_SOURCE] = "Event source|eventSource",
    [C_USER] = "User name|Username",
    [C_ID] = "Event ID|eventID",
    [C_KEY] = "AWS access key",
    [C_IP] = "Source IP address|sourceIPAddress",
    [C_ERROR] = "Error code|errorCode",
    [C_REGION] = "AWS region|awsRegion",
    [C_REQUEST] = "Request ID|requestID",
    [C_READ_ONLY] = "Read-only|readOnly",
    [C_RESOURCE] = "Resource name",
    [C_AGENT] = "User agent|userAgent",
    [C_ACCOUNT] = "recipientAccountId",
    [C_IDENTITY] = "userIdentity",
    [C_RESOURCES] = "requestParameters",
};

struct table {
    int at[COLUMNS];
    bool lake; /* named as in the event */
};

static struct str cell(const struct table *t, const struct csv_row *row,
                       enum column c)
{
    return str_trim(csv_field(row, t->at[c]));
}

/* Value of `key` in Lake's {k=v, k2={..}} text. */
static struct str lake_member(struct str s, const char *key)
{
    struct str want = str_from(key);
    for (size_t i = 0; i + want.n < s.n; i++) {
        bool starts = i == 0 || s.p[i - 1] == '{' || s.p[i - 1] == ' ';
        if (!starts || s.p[i + want.n] != '=' ||
            memcmp(s.p + i, want.p, want.n) != 0)
            continue;
        size_t from = i + want.n + 1, to = from;
        while (to < s.n && s.p[to] != ',' && s.p[to] != '}')
            to++;
        struct str v = str_trim(str_sub(s, from, to - from));
        return str_eq(v, STR("null")) ? STR("") : v;
    }
    return STR("");
}

/* Takes a number of at most four digits from the front of *s. */
static bool take_number(struct str *s, unsigned *out)
{
    size_t n = 0;
    *out = 0;
    for (; n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        *out = *out * 10 + (unsigned)(s->p[n] - '0');
    *s = str_sub(*s, n, s->n);
    return n > 0;
}

static bool take_text(struct str *s, const char *text)
{
    if (!str_starts(*s, str_from(text)))
        return false;
    *s = str_sub(*s, strlen(text), s->n);
    return true;
}

/* "March 11, 2026, 11:12:00 (UTC+09:00)", as the console shows it. */
static bool console_time(struct str s, struct time_text *out)
{
    static const char *const months[] = {
        "January", "February", "March",     "April",   "May",      "June",
        "July",    "August",   "September", "October", "November", "December",
    };
    unsigned month = 0, day, year, h, m, sec;
    char iso[40];
    while (month < 12 && !take_text(&s, months[month]))
        month++;
    if (month == 12 || !take_text(&s, " ") || !take_number(&s, &day) ||
        !take_text(&s, ", ") || !take_number(&s, &year) ||
        !take_text(&s, ", ") || !take_number(&s, &h) || !take_text(&s, ":") ||
        !take_number(&s, &m) || !take_text(&s, ":") || !take_number(&s, &sec))
        return false;
    bool zone = take_text(&s, " (UTC") && str_ends(s, STR(")")) && s.n < 8;
    int n = snprintf(iso, sizeof(iso), "%04u-%02u-%02uT%02u:%02u:%02u", year,
                     month + 1, day, h, m, sec);
    if (zone && s.n == 1)
        n += snprintf(iso + n, sizeof(iso) - (size_t)n, "Z");
    else if (zone)
        n += snprintf(iso + n, sizeof(iso) - (size_t)n, "%.*s", (int)s.n - 1,
                      s.p);
    else if (s.n)
        return false;
    return time_parse((struct str){ iso, (size_t)n }, out);
}

static int add_text_ref(void *ctx, size_t off, unsigned kind, struct str v)
{
    (void)off;
    refs_add(ctx, kind, ROLE_MENTIONED, v);
    return 0;
}

static void take_identity(struct cloudtrail_event *e, struct str identity)
{
    struct str arn = lake_member(identity, "arn");
    if (arn.n == 0)
        return;
    e->r.actor = arn;
    e->r.actor_kind = KIND_PRINCIPAL;
    e->r.key = lake_member(identity, "accesskeyid");
    if (e->r.key.n == 0)
        e->r.key = lake_member(identity, "accessKeyId");
    identify_add(&e->refs, ROLE_ACTOR, arn);
}

static void decode(struct cloudtrail_event *e, const struct table *t,
                   const struct csv_row *row)
{
    struct time_text when;
    struct record *r = &e->r;
    *r = (struct record){ .detail = 2 };
    e->refs.n = 0;
    struct str time = cell(t, row, C_TIME), ip;
    if (time_parse(time, &when) || console_time(time, &when)) {
        r->timed = true;
        r->t = when.t;
        r->t_res = when.res;
        /* Lake writes UTC without saying so; a rendering of the console
         * without a zone may be the browser's */
        r->t_zone = when.zone == ZONE_ASSUMED && t->lake ? ZONE_FORMAT
                                                         : (uint8_t)when.zone;
    } else if (time.n) {
        r->flags |= EVENT_BAD_FIELD;
    }
    r->action = cell(t, row, C_NAME);
    r->service = cell(t, row, C_SOURCE);
    r->actor = cell(t, row, C_USER);
    r->actor_kind = KIND_USER;
    r->key = cell(t, row, C_KEY);
    r->outcome = cell(t, row, C_ERROR);
    r->region = cell(t, row, C_REGION);
    r->agent = cell(t, row, C_AGENT);
    if (identify_account(cell(t, row, C_ACCOUNT)))
        r->account = cell(t, row, C_ACCOUNT);
    if (identify_ip(cell(t, row, C_IP), e->ip, &ip))
        r->ip = ip;
    struct str id = cell(t, row, C_ID);
    r->uid =
        identify_uuid(id, e->uid) ? (struct str){ (char *)e->uid, 16 } : id;
    id = cell(t, row, C_REQUEST);
    r->request = identify_uuid(id, e->request)
                     ? (struct str){ (char *)e->request, 16 }
                     : id;
    if (str_ieq(cell(t, row, C_READ_ONLY), STR("true")))
        r->flags |= EVENT_READ_ONLY;
    take_identity(e, cell(t, row, C_IDENTITY));
    identify_text(cell(t, row, C_RESOURCE), add_text_ref, &e->refs);
    identify_text(cell(t, row, C_RESOURCES), add_text_ref, &e->refs);
    r->refs = e->refs.v;
    r->n_refs = e->refs.n;
}

static int import(struct import_job *job, struct err *err)
{
    struct cloudtrail_event e = { 0 };
    struct table t = { 0 };
    struct csv_row row;
    struct input *in = job->in;
    size_t at =
        str_starts((struct str){ in->p, in->n }, STR("\xef\xbb\xbf")) ? 3 : 0;
    bool header = true;
    int rc = 0;
    while (rc == 0) {
        arena_reset(job->arena);
        struct str rest = { in->p + at, in->n - at };
        enum csv_result got = csv_next(rest, in->eof, job->arena, &row);
        if (got == CSV_END)
            break;
        if (got == CSV_MORE && rest.n < RECORD_MAX) {
            rc = input_more(in, at);
            at = 0;
            continue;
        }
        uint64_t off = in->base + at;
        at += row.len;
        if (got != CSV_ROW) {
            rc = sink_reject(job->sink, off, row.len, "csv-syntax",
                             "a row with an open quote or too many fields");
            continue;
        }
        if (header) {
            for (int i = 0; i < COLUMNS; i++)
                t.at[i] = csv_column(&row, columns[i]);
            t.lake = csv_column(&row, "eventTime") >= 0;
            header = false;
            continue;
        }
        if (row.n == 1 && str_trim(row.field[0]).n == 0)
            continue;
        decode(&e, &t, &row);
        e.r.off = off;
        e.r.len = (uint32_t)row.len;
        rc = e.r.action.n || e.r.uid.n
                 ? sink_record(job->sink, &e.r)
                 : sink_reject(job->sink, off, row.len, "not-an-event",
                               "a row without event name and id");
    }
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static int probe(struct probe *p)
{
    struct str head = p->head;
    if (str_starts(head, STR("\xef\xbb\xbf")))
        head = str_sub(head, 3, head.n);
    const char *lf = memchr(head.p, '\n', head.n);
    head = str_sub(head, 0, lf ? (size_t)(lf - head.p) : head.n);
    for (size_t i = 0; i < head.n; i++) /* names only, no data */
        if ((unsigned char)head.p[i] < ' '
                ? head.p[i] != '\t' && head.p[i] != '\r'
                : strchr("{}[]:", head.p[i]) != NULL)
            return 0;
    bool console = str_ifind(head, STR("event name")) != SIZE_MAX &&
                   str_ifind(head, STR("event source")) != SIZE_MAX;
    bool lake = str_find(head, STR("eventName")) != SIZE_MAX &&
                str_find(head, STR("eventTime")) != SIZE_MAX &&
                memchr(head.p, ',', head.n) != NULL;
    p->reason = "a CSV header with CloudTrail's columns";
    return console ? 92 : lake ? 90 : 0;
}

const struct importer importers_cloudtrail_csv = {
    .name = "cloudtrail-csv",
    .title = "CloudTrail events as CSV",
    .reads = "console event history, CloudTrail Lake query results",
    .probe = probe,
    .import = import,
};
