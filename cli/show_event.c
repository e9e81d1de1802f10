#include "cli/show_event.h"

#include "cli/names.h"
#include "cli/raw.h"
#include "cli/show_entity.h"

#include "analyzer/cite.h"
#include "analyzer/describe.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mask.h"
#include "base/text.h"
#include "casedb/examiner.h"

static const char *const zones[] = { "stated", "by the format", "assumed UTC",
                                     "local time of the host" };
static const char *const severities[] = { "", "low", "medium", "high",
                                          "critical" };

struct shown {
    struct cli *cli;
    struct casedb *c;
    struct arena *a;
    struct event e;
    struct str cite;
    bool json;
    struct json_out o;
    struct err *err;
};

static struct str source_id(struct str id, struct arena *a)
{
    struct buf b = { 0 };
    describe_id(id, &b);
    return buf_to_arena(&b, a);
}

static void put(struct shown *s, const char *name, struct str value)
{
    if (s->json)
        json_put_kstr(&s->o, name, value);
    else if (value.n)
        out_field(s->cli, name, value);
}

static void put_number(struct shown *s, const char *name, int64_t v)
{
    if (s->json)
        json_put_ki64(&s->o, name, v);
    else
        out_printf(s->cli, "%-13s %lld\n", name, (long long)v);
}

static void begin_list(struct shown *s, const char *name)
{
    if (!s->json)
        return;
    json_put_key(&s->o, str_from(name));
    json_put_open(&s->o, '[');
}

static void end_list(struct shown *s)
{
    if (s->json)
        json_put_close(&s->o, ']');
}

/* ---- time, columns ------------------------------------------------------- */

static void put_time(struct shown *s)
{
    const struct event *e = &s->e;
    if (!e->timed) {
        if (s->json) {
            json_put_key(&s->o, STR("time"));
            json_put_null(&s->o);
        } else {
            out_putz(s->cli, "time          not known\n");
        }
        return;
    }
    const char *zone = e->t_zone < 4 ? zones[e->t_zone] : "?";
    struct str kind = time_kind_name((enum time_kind)e->t_kind);
    put(s, "time", cli_time(s->cli, e->t, e->t_res ? -1 : 0));
    if (s->json) {
        json_put_kstr(&s->o, "time_kind", kind);
        json_put_kstr(&s->o, "time_zone", str_from(zone));
        json_put_ki64(&s->o, "time_digits", e->t_res);
        return;
    }
    out_printf(s->cli, "time is       %.*s, zone %s, %u fraction digits\n",
               STR_ARG(kind), zone, e->t_res);
}

static void put_flags(struct shown *s)
{
    struct buf b = { 0 };
    for (const struct describe_flag *f = describe_flag_list; f->bit; f++)
        if (s->e.flags & f->bit)
            buf_printf(&b, "%s%s", b.n ? " " : "", f->word);
    put(s, "flags", buf_str(&b));
    buf_free(&b);
}

static void put_columns(struct shown *s)
{
    const struct event *e = &s->e;
    const struct {
        const char *name;
        uint32_t id;
    } columns[] = {
        { "source", e->source },   { "service", e->service },
        { "action", e->action },   { "actor", e->actor },
        { "target", e->target },   { "outcome", e->outcome },
        { "ip", e->ip },           { "key", e->key },
        { "agent", e->agent },     { "region", e->region },
        { "account", e->account },
    };
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        put(s, columns[i].name, case_text(s->c, columns[i].id));
    put(s, "text", e->text);
    put(s, "severity", str_from(severities[e->severity < 5 ? e->severity : 4]));
    put_flags(s);
    put(s, s->json ? "event_id" : "event id", source_id(e->uid, s->a));
    put(s, s->json ? "request_id" : "request id", source_id(e->request, s->a));
}

/* ---- what else refers to it ---------------------------------------------- */

static int put_refs(struct shown *s, struct err *err)
{
    struct event_ref *refs;
    size_t n;
    int rc = case_event_refs(s->c, s->e.id, s->a, &refs, &n, err);
    if (rc)
        return rc;
    begin_list(s, "entities");
    for (size_t i = 0; i < n; i++) {
        struct str role = role_name(refs[i].role);
        struct str kind = kind_name(refs[i].id >> KIND_SHIFT);
        struct str value = case_text(s->c, refs[i].id);
        if (s->json) {
            json_put_open(&s->o, '{');
            json_put_kstr(&s->o, "role", role);
            json_put_kstr(&s->o, "kind", kind);
            json_put_kstr(&s->o, "value", value);
            json_put_close(&s->o, '}');
            continue;
        }
        out_printf(s->cli, "%-13s %-9.*s %-14.*s ", i ? "" : "entities",
                   STR_ARG(role), STR_ARG(kind));
        out_text(s->cli, value);
        out_putz(s->cli, "\n");
    }
    end_list(s);
    return 0;
}

static int put_sighting(void *ctx, int64_t member, uint64_t off, uint32_t len)
{
    struct shown *s = ctx;
    struct member m;
    int rc = case_member(s->c, member, s->a, &m, s->err);
    if (rc)
        return rc;
    struct buf cite = { 0 };
    cite_put_place(&cite, &m, off, len, 0);
    if (s->json)
        json_put_str(&s->o, buf_str(&cite));
    else
        out_field(s->cli, "also at", buf_str(&cite));
    buf_free(&cite);
    return 0;
}

static int put_link(void *ctx, const struct link *l)
{
    static const char *const classes[] = { "exact", "candidate", "inferred" };
    struct shown *s = ctx;
    bool from_here = l->a_kind == LINK_EVENT && l->a == s->e.id;
    enum link_end kind = from_here ? l->b_kind : l->a_kind;
    int64_t other = from_here ? l->b : l->a;
    struct str name =
        kind == LINK_EVENT ? name_event(other) : name_exhibit(other);
    const char *class = classes[l->cls < 3 ? l->cls : 2];
    if (s->json) {
        json_put_open(&s->o, '{');
        json_put_kstr(&s->o, "rule", l->rule);
        json_put_kstr(&s->o, "class", str_from(class));
        json_put_kstr(&s->o, "to", name);
        json_put_ki64(&s->o, "events", (int64_t)l->n);
        json_put_kstr(&s->o, "reason", l->reason);
        json_put_close(&s->o, '}');
        return 0;
    }
    out_printf(s->cli, "link          %.*s %s %.*s ", STR_ARG(name), class,
               STR_ARG(l->rule));
    out_text(s->cli, l->reason);
    out_putz(s->cli, "\n");
    return 0;
}

static int put_mark(void *ctx, const struct mark *m)
{
    static const char *const kinds[] = { "note", "tag", "bookmark", "verdict" };
    struct shown *s = ctx;
    if (m->undone || m->undoes)
        return 0;
    if (s->json) {
        json_put_open(&s->o, '{');
        json_put_kstr(&s->o, "kind", str_from(kinds[m->kind & 3]));
        json_put_kstr(&s->o, "body", m->body);
        json_put_kstr(&s->o, "author", m->author);
        json_put_kstr(&s->o, "at", cli_time(s->cli, m->at, 0));
        json_put_close(&s->o, '}');
        return 0;
    }
    out_printf(s->cli, "%-13s ", kinds[m->kind & 3]);
    out_text(s->cli, m->body);
    out_putz(s->cli, " (");
    out_text(s->cli, m->author);
    out_printf(s->cli, ", %.*s)\n", STR_ARG(cli_time(s->cli, m->at, 0)));
    return 0;
}

static int put_lists(struct shown *s, struct err *err)
{
    int rc = put_refs(s, err);
    if (rc)
        return rc;
    begin_list(s, "also_at");
    rc = case_sightings(s->c, s->e.id, put_sighting, s, err);
    end_list(s);
    begin_list(s, "links");
    if (rc == 0)
        rc = case_links(s->c, s->e.id, put_link, s, err);
    end_list(s);
    begin_list(s, "marks");
    if (rc == 0)
        rc = case_marks(s->c, -1, s->e.id, put_mark, s, err);
    end_list(s);
    return rc;
}

/* ---- the record ---------------------------------------------------------- */

static void put_record(struct shown *s, const struct reader_got *got)
{
    unsigned char sha[SHA256_LEN];
    if (hash_sha256(got->bytes, sha))
        put(s, "sha256",
            name_hex(s->a, (struct str){ (const char *)sha, sizeof(sha) }));
    struct str shown = got->bytes;
    struct buf masked = { 0 };
    bool secret =
        s->e.flags & EVENT_SECRET && !arg_has(s->cli, "--show-secrets");
    if (secret) {
        mask_record(shown, &masked);
        shown = buf_to_arena(&masked, s->a);
        put(s, "masked", STR("secrets of the record; --show-secrets"));
    }
    if (s->json) {
        json_put_kstr(&s->o, "record", shown);
        json_put_kbool(&s->o, "gaps", got->n_gaps > 0 || got->more_gaps);
        return;
    }
    raw_gaps(s->cli, got);
    out_putz(s->cli, "\n");
    text_show(&s->cli->out, shown,
              TEXT_KEEP_LF | (out_unicode(1) ? 0 : TEXT_ASCII));
    out_putz(s->cli, "\n");
}

/* The record stays in the evidence; when that is not at hand, the view says
 * so and the rest of it holds. */
static int put_raw(struct shown *s, const struct member *m, struct err *err)
{
    struct raw raw;
    struct reader_got got;
    int rc = raw_begin(&raw, s->c, err);
    if (rc == 0)
        rc = raw_read(&raw, m, s->e.off, s->e.len, s->a, &got, err);
    raw_close(&raw);
    if (rc == 0) {
        put_record(s, &got);
        if (got.bytes.n < s->e.len) {
            message("only %zu of %u bytes of the record are there", got.bytes.n,
                    s->e.len);
            s->cli->issues = true;
        }
        return 0;
    }
    if (rc != ERR_EVIDENCE)
        return rc;
    s->cli->issues = true;
    put(s, "record", STR(""));
    message("the record cannot be shown: %s", err->what);
    if (err->hint[0])
        message("hint: %s", err->hint);
    return 0;
}

int show_event(struct cli *cli, struct casedb *c, int64_t id, struct err *err)
{
    struct member m;
    struct shown s = { .cli = cli,
                       .c = c,
                       .a = &cli->arena,
                       .json = cli->format == TABLE_JSONL,
                       .err = err };
    int rc = case_event(c, id, s.a, &s.e, err);
    if (rc == 0)
        rc = cite_event(c, &s.e, s.a, &s.cite, err);
    if (rc == 0)
        rc = case_member(c, s.e.member, s.a, &m, err);
    if (rc)
        return rc;
    s.o.b = &cli->out;
    if (s.json)
        json_put_open(&s.o, '{');
    put(&s, "event", name_event(id));
    put(&s, "cite", s.cite);
    put_time(&s);
    put_columns(&s);
    put_number(&s, "length", s.e.len);
    rc = put_lists(&s, err);
    if (rc == 0)
        rc = put_raw(&s, &m, err);
    if (s.json) {
        json_put_close(&s.o, '}');
        out_putz(cli, "\n");
    }
    return rc;
}
