#include "analyzer/describe.h"

#include <stdlib.h>

#include "base/text.h"

/* ---- names that people know
 * -------------------------------------------------- */

static struct str after_last(struct str s, char c)
{
    for (size_t i = s.n; i-- > 0;)
        if (s.p[i] == c)
            return i + 1 < s.n ? str_sub(s, i + 1, s.n) : s;
    return s;
}

/* arn:..:assumed-role/ROLE/SESSION -> ROLE/SESSION, user/path/NAME -> NAME */
static struct str arn_name(struct str arn)
{
    struct str rest = arn;
    for (int i = 0; i < 5; i++) {
        const char *colon = rest.n ? memchr(rest.p, ':', rest.n) : NULL;
        if (!colon)
            return arn;
        rest = str_sub(rest, (size_t)(colon - rest.p) + 1, rest.n);
    }
    if (rest.n == 0)
        return arn;
    if (str_starts(rest, STR("assumed-role/")))
        return str_sub(rest, 13, rest.n);
    struct str name = after_last(rest, '/');
    return name.n == rest.n ? after_last(rest, ':') : name;
}

struct str describe_short(unsigned kind, struct str value)
{
    if (str_starts(value, STR("arn:")))
        return arn_name(value);
    if (kind == KIND_SERVICE && str_ends(value, STR(".amazonaws.com")))
        return str_sub(value, 0, value.n - 14);
    if (kind == KIND_SESSION)
        return after_last(value, ':');
    return value;
}

struct str describe_name(struct casedb *c, uint32_t id)
{
    return id ? describe_short(id >> KIND_SHIFT, case_text(c, id)) : STR("");
}

/* ---- one line
 * ------------------------------------------------------------------ */

static struct str first_bytes(struct str s, size_t most)
{
    if (most == 0 || s.n <= most)
        return s;
    while (most && ((unsigned char)s.p[most] & 0xc0) == 0x80)
        most--;
    return str_sub(s, 0, most);
}

static void put_word(struct buf *out, size_t start, const char *between,
                     struct str word)
{
    if (word.n == 0)
        return;
    if (out->n > start)
        buf_putz(out, between);
    buf_put(out, word);
}

void describe_event(struct casedb *c, const struct event *e, size_t most,
                    struct buf *out)
{
    size_t start = out->n;
    if (e->text.n && !e->actor) {
        buf_put(out, first_bytes(e->text, most));
        return;
    }
    put_word(out, start, " ", describe_name(c, e->actor));
    put_word(out, start, " ", describe_name(c, e->action));
    put_word(out, start, " ", describe_name(c, e->target));
    put_word(out, start, ", ", describe_name(c, e->outcome));
    put_word(out, start, ": ", first_bytes(e->text, most));
}

/* case_text lives in a cache: each part is copied. */
int describe_parts(struct casedb *c, const struct event *e, struct arena *a,
                   struct describe_parts *out, struct err *err)
{
    const struct {
        uint32_t id;
        struct str *to;
    } parts[] = {
        { e->source, &out->source },   { e->actor, &out->actor },
        { e->action, &out->action },   { e->target, &out->target },
        { e->outcome, &out->outcome }, { e->ip, &out->from },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        *parts[i].to = arena_copy(a, describe_name(c, parts[i].id));
        if (!parts[i].to->p)
            return err_set(err, ERR_INTERNAL, "out of memory");
    }
    out->text = e->text;
    return 0;
}

/* ---- times
 * ------------------------------------------------------------------------ */

void describe_time(const struct event *e, int offset_min, struct buf *out)
{
    char text[TIME_TEXT_MAX];
    if (!e->timed) {
        buf_putz(out, "(no time)");
        return;
    }
    int digits = e->t_res == 0 ? 0 : e->t_res <= 3 ? 3 : e->t_res <= 6 ? 6 : 9;
    size_t n = time_format(text, e->t, digits, offset_min);
    buf_put(out, (struct str){ text, n });
}

const char *describe_zone(const struct event *e)
{
    if (!e->timed)
        return "";
    if (e->flags & EVENT_IMPLAUSIBLE)
        return "implausible time";
    if (e->flags & EVENT_YEAR_INFERRED)
        return e->t_zone == ZONE_ASSUMED ? "year inferred, zone assumed"
                                         : "year inferred";
    return e->t_zone == ZONE_ASSUMED ? "zone assumed to be UTC"
           : e->t_zone == ZONE_HOST  ? "local time of the host"
                                     : "";
}

/* ---- all fields
 * --------------------------------------------------------------------- */

const struct describe_flag describe_flag_list[] = {
    { EVENT_READ_ONLY, "read-only", "read-only" },
    { EVENT_DATA, "data", "data event" },
    { EVENT_MFA, "mfa", "MFA" },
    { EVENT_PERIOD, "period", "start of a period" },
    { EVENT_DELETED, "deleted", "deleted" },
    { EVENT_CARVED, "carved", "carved" },
    { EVENT_RECOVERED, "recovered", "recovered" },
    { EVENT_YEAR_INFERRED, "year-inferred", "year inferred" },
    { EVENT_SECRET, "secret", "holds a secret" },
    { EVENT_HOUR_TWICE, "hour-twice", "an hour that came twice" },
    { EVENT_HOUR_SKIPPED, "hour-skipped", "an hour that the zone skips" },
    { EVENT_CONTINUED, "continued", "several lines" },
    { EVENT_LEAP, "leap-second", "leap second" },
    { EVENT_DUPLICATE_KEY, "duplicate-key", "a JSON key twice" },
    { EVENT_BAD_TEXT, "bad-text", "invalid text" },
    { EVENT_BAD_FIELD, "bad-field", "a field of another type" },
    { EVENT_REFS_CUT, "identifiers-cut", "more identifiers than are kept" },
    { EVENT_IMPLAUSIBLE, "implausible-time", "implausible time" },
    { 0, NULL, NULL },
};

void describe_flags(uint32_t f, struct buf *out)
{
    size_t start = out->n;
    for (const struct describe_flag *i = describe_flag_list; i->bit; i++)
        if (f & i->bit)
            put_word(out, start, ", ", str_from(i->text));
}

const char *describe_severity(unsigned severity)
{
    static const char *const names[] = { "none", "low", "medium", "high",
                                         "critical" };
    return severity < 5 ? names[severity] : "?";
}

struct detail {
    struct casedb *c;
    struct arena *a;
    struct describe_row *rows;
    size_t n;
    bool failed;
};

static void add(struct detail *d, const char *label, struct str value,
                uint32_t entity, uint8_t role)
{
    struct str copy = arena_copy(d->a, value);
    if (!copy.p) {
        d->failed = true;
        return;
    }
    d->rows[d->n++] = (struct describe_row){ label, copy, entity, role };
}

static void add_columns(struct detail *d, const struct event *e)
{
    const struct {
        const char *label;
        uint32_t id;
        uint8_t role;
    } columns[] = {
        { "source", e->source, ROLE_FACET },
        { "service", e->service, ROLE_FACET },
        { "action", e->action, ROLE_FACET },
        { "actor", e->actor, ROLE_ACTOR },
        { "key", e->key, ROLE_ACTOR },
        { "target", e->target, ROLE_TARGET },
        { "outcome", e->outcome, ROLE_FACET },
        { "from", e->ip, ROLE_FROM },
        { "agent", e->agent, ROLE_FROM },
        { "region", e->region, ROLE_WHERE },
        { "account", e->account, ROLE_WHERE },
    };
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
        if (columns[i].id)
            add(d, columns[i].label, case_text(d->c, columns[i].id),
                columns[i].id, columns[i].role);
}

/* The variant byte of a UUID is never ASCII (RFC 9562); a text of sixteen
 * characters, as request ids of S3 are, is. */
static bool is_uuid(struct str id)
{
    bool text = true;
    for (size_t i = 0; i < id.n; i++)
        text &= id.p[i] > ' ' && id.p[i] < 0x7f;
    return id.n == 16 && !text;
}

void describe_id(struct str id, struct buf *out)
{
    if (!is_uuid(id)) {
        buf_put(out, id);
        return;
    }
    static const uint8_t parts[] = { 4, 2, 2, 2, 6 };
    for (size_t i = 0, at = 0; i < sizeof(parts); at += parts[i++]) {
        if (i)
            buf_putc(out, '-');
        buf_put_hex(out, id.p + at, parts[i]);
    }
}

static void add_id(struct detail *d, const char *label, struct str id)
{
    struct buf b = { 0 };
    if (id.n == 0)
        return;
    describe_id(id, &b);
    add(d, label, buf_str(&b), 0, 0);
    buf_free(&b);
}

static void add_refs(struct detail *d, const struct event_ref *refs, size_t n,
                     const struct describe_row *columns, size_t n_columns)
{
    for (unsigned role = 1; role <= ROLE_COUNT; role++)
        for (size_t i = 0; i < n; i++) {
            /* mere mentions come last */
            bool mine = refs[i].role == role % ROLE_COUNT;
            bool shown = false;
            for (size_t k = 0; k < n_columns; k++)
                shown |= columns[k].entity == refs[i].id &&
                         columns[k].role == refs[i].role;
            if (mine && !shown)
                add(d, kind_name(refs[i].id >> KIND_SHIFT).p,
                    case_text(d->c, refs[i].id), refs[i].id, refs[i].role);
        }
}

int describe_detail(struct casedb *c, const struct event *e, struct arena *a,
                    struct describe_row **out, size_t *n, struct err *err)
{
    struct event_ref *refs;
    size_t n_refs;
    int rc = case_event_refs(c, e->id, a, &refs, &n_refs, err);
    if (rc)
        return rc;
    struct detail d = { .c = c, .a = a };
    d.rows = arena_array(a, n_refs + 24, sizeof(*d.rows));
    if (!d.rows)
        return err_set(err, ERR_INTERNAL, "out of memory");
    add_columns(&d, e);
    size_t columns = d.n;
    if (e->text.n)
        add(&d, "text", e->text, 0, 0);
    if (e->severity)
        add(&d, "severity", str_from(describe_severity(e->severity)), 0, 0);
    struct buf b = { 0 };
    describe_flags(e->flags, &b);
    if (b.n)
        add(&d, "flags", buf_str(&b), 0, 0);
    buf_free(&b);
    add_id(&d, "event id", e->uid);
    add_id(&d, "request id", e->request);
    add_refs(&d, refs, n_refs, d.rows, columns);
    *out = d.rows;
    *n = d.n;
    return d.failed ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}
