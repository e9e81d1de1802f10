#include "cli/show_entity.h"

#include "cli/names.h"

#include "analyzer/cite.h"
#include "base/json.h"
#include "base/text.h"
#include "casedb/examiner.h"

struct str role_names(uint32_t roles, struct arena *a)
{
    struct buf b = { 0 };
    for (unsigned r = 0; r < ROLE_COUNT; r++)
        if (roles & 1u << r) {
            buf_putz(&b, b.n ? " " : "");
            buf_put(&b, role_name(r));
        }
    return buf_to_arena(&b, a);
}

struct marks {
    struct cli *cli;
    struct str cite;
};

static int put_mark(void *ctx, const struct mark *m)
{
    static const char *const kinds[] = { "note", "tag", "bookmark", "verdict" };
    struct marks *s = ctx;
    if (m->undone || m->undoes || !str_eq(m->cite, s->cite))
        return 0;
    out_field(s->cli, kinds[m->kind & 3], m->body);
    return 0;
}

static int put_link(void *ctx, const struct link *l)
{
    struct cli *cli = ctx;
    out_printf(cli, "link          %.*s ", STR_ARG(l->rule));
    out_text(cli,
             l->a_kind == LINK_EVENT ? name_event(l->a) : name_exhibit(l->a));
    out_putz(cli, " -> ");
    out_text(cli,
             l->b_kind == LINK_EVENT ? name_event(l->b) : name_exhibit(l->b));
    out_putz(cli, ": ");
    out_text(cli, l->reason);
    out_putz(cli, "\n");
    return 0;
}

static void put_json(struct cli *cli, uint32_t id, struct str value,
                     const struct entity_count *e, bool timed)
{
    struct json_out o = { .b = &cli->out };
    json_put_open(&o, '{');
    json_put_kstr(&o, "type", STR("entity"));
    json_put_kstr(&o, "kind", kind_name(id >> KIND_SHIFT));
    json_put_kstr(&o, "value", value);
    json_put_ki64(&o, "events", (int64_t)e->n);
    if (timed) {
        json_put_kstr(&o, "first", cli_time(cli, e->first, -1));
        json_put_kstr(&o, "last", cli_time(cli, e->last, -1));
    }
    json_put_kstr(&o, "roles", role_names(e->roles, &cli->arena));
    json_put_close(&o, '}');
    out_putz(cli, "\n");
}

int show_entity(struct cli *cli, struct casedb *c, uint32_t id, struct err *err)
{
    struct entity_count e;
    struct marks marks = { .cli = cli };
    int rc = case_entity(c, id, &e, err);
    if (rc == 0)
        rc = cite_entity(c, id, &cli->arena, &marks.cite, err);
    if (rc)
        return rc;
    struct str value = arena_copy(&cli->arena, case_text(c, id));
    bool timed = e.first.s || e.first.ns || e.last.s || e.last.ns;
    if (cli->format == TABLE_JSONL) {
        put_json(cli, id, value, &e, timed);
        return 0;
    }
    out_field(cli, "kind", kind_name(id >> KIND_SHIFT));
    out_field(cli, "value", value);
    out_printf(cli, "events        %llu\n", (unsigned long long)e.n);
    if (timed) {
        out_field(cli, "first", cli_time(cli, e.first, -1));
        out_field(cli, "last", cli_time(cli, e.last, -1));
    }
    out_field(cli, "roles", role_names(e.roles, &cli->arena));
    rc = case_marks(c, -1, 0, put_mark, &marks, err);
    return rc ? rc : case_links_of_entity(c, id, put_link, cli, err);
}
