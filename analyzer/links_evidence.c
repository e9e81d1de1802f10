/*
 * What is known of the exhibits besides their events: who says what they are,
 * and which EC2 ids stand in notes, custody entries, facts and names.
 */
#include "analyzer/links_rule.h"

#include <stdlib.h>

#include "base/text.h"

struct making {
    struct casedb *c;
    struct links_inventory *in;
};

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "links: out of memory");
}

/* ---- ids in texts -------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '-';
}

static size_t hex_run(struct str s)
{
    size_t n = 0;
    while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') ||
                       (s.p[n] >= 'a' && s.p[n] <= 'f')))
        n++;
    return n;
}

unsigned links_ec2_id(struct str text, size_t at, size_t *n)
{
    static const struct {
        const char *prefix;
        uint8_t kind;
    } forms[] = { { "i-", KIND_INSTANCE },
                  { "vol-", KIND_VOLUME },
                  { "snap-", KIND_SNAPSHOT },
                  { "ami-", KIND_IMAGE } };
    struct str rest = str_sub(text, at, text.n);
    *n = 0;
    if (at > 0 && is_word(text.p[at - 1]) && text.p[at - 1] != '-')
        return KIND_NONE;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct str prefix = str_from(forms[i].prefix);
        if (!str_starts(rest, prefix))
            continue;
        struct str digits = str_sub(rest, prefix.n, rest.n);
        size_t k = hex_run(digits);
        if ((k != 8 && k != 17) ||
            (k < digits.n && is_word(digits.p[k]) && digits.p[k] != '-'))
            return KIND_NONE;
        if (str_starts(digits, STR("ffffffff"))) /* placeholder of AWS */
            return KIND_NONE;
        *n = prefix.n + k;
        return forms[i].kind;
    }
    return KIND_NONE;
}

static int add_mention(struct making *m, const struct links_mention *add)
{
    struct links_inventory *in = m->in;
    if (in->n_mentions == in->cap_mentions) {
        size_t cap = in->cap_mentions ? 2 * in->cap_mentions : 64;
        struct links_mention *more = realloc(in->mentions, cap * sizeof(*more));
        if (!more)
            return ERR_INTERNAL;
        in->mentions = more;
        in->cap_mentions = cap;
    }
    struct links_mention *k = &in->mentions[in->n_mentions++];
    *k = *add;
    k->name = arena_copy(&in->arena, add->name);
    return k->name.p ? 0 : ERR_INTERNAL;
}

/* Every id of the text that the case knows. */
static int look_in(struct making *m, struct str text,
                   struct links_mention about)
{
    for (size_t i = 0; i < text.n;) {
        size_t n;
        unsigned kind = links_ec2_id(text, i, &n);
        if (kind == KIND_NONE) {
            i++;
            continue;
        }
        about.entity = case_find(m->c, kind, str_sub(text, i, n));
        if (about.entity && add_mention(m, &about))
            return ERR_INTERNAL;
        i += n;
    }
    return 0;
}

/* ---- collecting ---------------------------------------------------------- */

static int take_exhibit(void *ctx, const struct exhibit *e)
{
    struct making *m = ctx;
    struct links_inventory *in = m->in;
    if (in->n_exhibits == in->cap_exhibits) {
        size_t cap = in->cap_exhibits ? 2 * in->cap_exhibits : 16;
        struct links_exhibit_row *more =
            realloc(in->exhibits, cap * sizeof(*more));
        if (!more)
            return ERR_INTERNAL;
        in->exhibits = more;
        in->cap_exhibits = cap;
    }
    struct links_exhibit_row *k = &in->exhibits[in->n_exhibits++];
    k->no = e->no;
    k->kind = arena_copy(&in->arena, e->kind);
    k->first_event = (int64_t)e->first_event;
    k->end_event = (int64_t)(e->first_event + e->n_events);
    struct links_mention note = { e->no, 0, true, "the examiner's note",
                                  STR_NONE };
    struct links_mention name = { e->no, 0, false, "the name of the exhibit",
                                  STR_NONE };
    size_t slash = e->path.n;
    while (slash > 0 && e->path.p[slash - 1] != '/')
        slash--;
    int rc = k->kind.p ? look_in(m, e->note, note) : ERR_INTERNAL;
    return rc ? rc : look_in(m, str_sub(e->path, slash, e->path.n), name);
}

static int take_custody(void *ctx, const struct custody *k)
{
    struct making *m = ctx;
    const struct str texts[] = { k->action, k->from,    k->to,
                                 k->place,  k->purpose, k->at_text };
    struct links_mention about = { k->exhibit, 0, true, "the custody entries",
                                   STR_NONE };
    int rc = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && rc == 0; i++)
        rc = look_in(m, texts[i], about);
    return rc;
}

static int take_digest(void *ctx, const struct digest *d)
{
    struct links_mention about = { d->exhibit, 0, true,
                                   "the acquisition record", STR_NONE };
    return look_in(ctx, d->note, about);
}

struct facts {
    struct making *m;
    int64_t exhibit;
};

/* Facts that whoever acquired the image wrote into its container. */
static bool is_stated(struct str name)
{
    static const char *const names[] = { "description", "case number",
                                         "evidence number", "examiner",
                                         "notes" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq(name, str_from(names[i])))
            return true;
    return str_starts(name, STR("acquisition"));
}

static int take_fact(void *ctx, int64_t member, struct str name,
                     struct str value)
{
    struct facts *f = ctx;
    bool stated = is_stated(name);
    struct links_mention about = { f->exhibit, 0, stated,
                                   stated ? "the acquisition record"
                                          : "a fact of the content",
                                   name };
    (void)member;
    return look_in(f->m, value, about);
}

/* Names of delivered log files say nothing of a machine. */
static int take_member(void *ctx, const struct member *k)
{
    struct links_mention about = { k->exhibit, 0, false, "the name of a file",
                                   STR_NONE };
    if (str_starts(k->format, STR("cloudtrail")))
        return 0;
    return look_in(ctx, k->path, about);
}

static int take_source(void *ctx, uint32_t id, struct str value)
{
    struct links_inventory *in = ctx;
    if (!str_starts(value, STR("cloudtrail"))) {
        in->others = true;
        return 0;
    }
    uint32_t *more =
        realloc(in->cloudtrail, (in->n_cloudtrail + 1) * sizeof(*more));
    if (!more)
        return ERR_INTERNAL;
    in->cloudtrail = more;
    in->cloudtrail[in->n_cloudtrail++] = id;
    return 0;
}

static int by_exhibit(const void *a, const void *b)
{
    const struct links_mention *x = a, *y = b;
    if (x->exhibit != y->exhibit)
        return x->exhibit < y->exhibit ? -1 : 1;
    if (x->entity != y->entity)
        return x->entity < y->entity ? -1 : 1;
    if (x->stated != y->stated)
        return x->stated ? -1 : 1;
    int by_where = strcmp(x->where, y->where);
    return by_where ? by_where : str_cmp(x->name, y->name);
}

static int collect(struct making *m, struct err *err)
{
    struct links_inventory *in = m->in;
    int rc = case_exhibits(m->c, take_exhibit, m, err);
    if (rc == 0)
        rc = case_find_glob(m->c, KIND_SOURCE, STR("*"), take_source, in, err);
    if (rc == 0)
        rc = case_custody(m->c, 0, take_custody, m, err);
    if (rc == 0)
        rc = case_digests(m->c, 0, take_digest, m, err);
    if (rc == 0)
        rc = case_members(m->c, 0, take_member, m, err);
    for (size_t i = 0; i < in->n_exhibits && rc == 0; i++) {
        struct facts f = { m, in->exhibits[i].no };
        rc = case_facts(m->c, f.exhibit, take_fact, &f, err);
    }
    if (rc == ERR_INTERNAL)
        return out_of_memory(err);
    if (rc == 0 && in->n_mentions)
        qsort(in->mentions, in->n_mentions, sizeof(*in->mentions), by_exhibit);
    return rc;
}

int links_inventory(struct links_run *r, struct links_inventory **out,
                    struct err *err)
{
    *out = r->inventory;
    if (r->inventory)
        return 0;
    struct making m = { r->c, calloc(1, sizeof(*m.in)) };
    if (!m.in)
        return out_of_memory(err);
    int rc = collect(&m, err);
    if (rc) {
        links_inventory_free(m.in);
        return rc;
    }
    *out = r->inventory = m.in;
    return 0;
}

void links_inventory_free(void *inventory)
{
    struct links_inventory *in = inventory;
    if (!in)
        return;
    free(in->exhibits);
    free(in->mentions);
    free(in->cloudtrail);
    arena_free(&in->arena);
    free(in);
}

/* Exhibits are numbered in the order of their events. */
const struct links_exhibit_row *
links_exhibit_of(const struct links_inventory *in, int64_t event)
{
    size_t lo = 0, hi = in->n_exhibits;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (in->exhibits[mid].end_event <= event)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < in->n_exhibits && in->exhibits[lo].first_event <= event
               ? &in->exhibits[lo]
               : NULL;
}

int links_elsewhere(struct links_run *r, const struct links_inventory *in,
                    uint32_t id, struct links_found *list, size_t *n,
                    struct err *err)
{
    struct plan here = { .op = PLAN_ANY_OF, .ids = &id, .n = 1 };
    struct plan trail = { .op = PLAN_ANY_OF,
                          .ids = in->cloudtrail,
                          .n = in->n_cloudtrail };
    struct plan not_trail = { .op = PLAN_NOT, .a = &trail };
    struct plan both = { .op = PLAN_AND, .a = &here, .b = &not_trail };
    struct scan *s;
    struct hit h;
    *n = 0;
    int rc = scan_open(r->c, &both, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0) {
        const struct links_exhibit_row *x = links_exhibit_of(in, h.id);
        size_t i = 0;
        while (i < *n && list[i].exhibit != x)
            i++;
        if (i == *n && x)
            list[(*n)++] = (struct links_found){ x, h, 0 };
        else if (x && !list[i].first.timed)
            list[i].first = h; /* undated ones come first */
        if (x)
            list[i].n++;
    }
    scan_close(s);
    return rc;
}

int links_in_trail(struct links_run *r, const struct links_inventory *in,
                   uint32_t id, uint32_t role_mask, struct links_use *out,
                   struct err *err)
{
    struct plan here = {
        .op = PLAN_ANY_OF, .ids = &id, .n = 1, .role_mask = role_mask
    };
    struct plan trail = { .op = PLAN_ANY_OF,
                          .ids = in->cloudtrail,
                          .n = in->n_cloudtrail };
    struct plan both = { .op = PLAN_AND, .a = &here, .b = &trail };
    return links_tally(r, &both, out, err);
}
