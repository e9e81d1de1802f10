#include "analyzer/analyze.h"

#include "base/json.h"

/* "C1/1 C2/1": rules with their versions. */
static void put_rules(struct json_out *o)
{
    struct buf b = { 0 };
    for (size_t i = 0; i < links_n_rules; i++)
        buf_printf(&b, "%s%s/%d", i ? " " : "", links_rules[i].id,
                   links_rules[i].version);
    json_put_kstr(o, "rules", buf_str(&b));
    buf_free(&b);
}

/* Keys sorted, as the audit log wants them. */
static int audit(struct casedb *c, const struct analyze_result *r,
                 struct err *err)
{
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    json_put_open(&o, '{');
    json_put_ki64(&o, "coverage", (int64_t)r->coverage.rows);
    json_put_ki64(&o, "events", (int64_t)r->events);
    json_put_ki64(&o, "gaps", (int64_t)r->coverage.gaps);
    json_put_ki64(&o, "links", (int64_t)r->links.links);
    put_rules(&o);
    json_put_ki64(&o, "skipped", (int64_t)r->links.skipped);
    json_put_close(&o, '}');
    int rc = b.failed
                 ? err_set(err, ERR_INTERNAL, "out of memory")
                 : case_audit(c, STR("analyze"), STR(""), buf_str(&b), err);
    buf_free(&b);
    return rc;
}

static int finish(struct casedb *c, const struct analyze_result *r,
                  struct err *err)
{
    int rc = case_begin(c, err);
    if (rc)
        return rc;
    rc = case_set_analyzed(c, r->events, err);
    if (rc == 0)
        rc = audit(c, r, err);
    if (rc == 0)
        return case_commit(c, err);
    case_rollback(c);
    return rc;
}

int analyze_run(struct casedb *c, const struct raw_reader *raw,
                const struct analyzer_ticker *t, struct analyze_result *out,
                struct err *err)
{
    struct scan_total span;
    *out = (struct analyze_result){ 0 };
    int rc = case_span(c, &span, err);
    if (rc)
        return rc;
    out->events = span.n;
    rc = links_make(c, raw, t, &out->links, err);
    if (rc == 0)
        rc = coverage_make(c, raw, t, &out->coverage, err);
    return rc ? rc : finish(c, out, err);
}

int analyze_stale(struct casedb *c, uint64_t *events, struct err *err)
{
    struct scan_total span;
    uint64_t seen = 0;
    int rc = case_analyzed(c, &seen, err);
    if (rc == 0)
        rc = case_span(c, &span, err);
    *events = rc == 0 && span.n > seen ? span.n - seen : 0;
    return rc;
}
