/*
 * Registry hives: every key with the time it was last written, and what the
 * keys of registry_rules.c say. Keys that were deleted are looked for in the
 * cells that are free; transaction logs beside a hive are named, not replayed.
 */
#include "importers/registry.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mask.h"
#include "base/text.h"
#include "base/varint.h"
#include "importers/identify.h"
#include "importers/window.h"
#include "importers/windows.h"

enum {
    PATH_MOST = 8192,   /* bytes of a key's path; longer ones are cut */
    REJECTS_MOST = 500, /* of one hive, then a sum */
    TEXT_MOST = 4000,
    DATA_MOST = 16 << 10,
    HEX_MOST = 64,
};
static const size_t hive_most = (size_t)1 << 30;

/* ---- values as text ------------------------------------------------------ */

static void put_narrow(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c[4];
        unsigned n = text_utf8_put(c, (unsigned char)s.p[i]);
        buf_put(out, (struct str){ c, n });
    }
}

static void put_name(struct buf *out, struct str name, bool narrow)
{
    if (narrow)
        put_narrow(out, name);
    else
        windows_utf16(out, name);
}

static bool is_text(uint32_t type)
{
    return type == REGF_STRING || type == REGF_EXPAND || type == 6;
}

static void put_multi(struct buf *out, struct str s)
{
    for (bool first = true; s.n >= 2 && (s.p[0] || s.p[1]); first = false) {
        size_t n = 0;
        while (n + 2 <= s.n && (s.p[n] || s.p[n + 1]))
            n += 2;
        if (!first)
            buf_putz(out, ", ");
        windows_utf16(out, str_sub(s, 0, n));
        s = str_sub(s, n + 2, s.n);
    }
}

static struct str up_to_nul(struct str s)
{
    size_t n = 0;
    while (n + 2 <= s.n && (s.p[n] || s.p[n + 1]))
        n += 2;
    return str_sub(s, 0, n);
}

static void put_data(struct buf *out, uint32_t type, struct str s)
{
    if (is_text(type))
        windows_utf16(out, up_to_nul(s));
    else if (type == REGF_MULTI)
        put_multi(out, s);
    else if (type == REGF_DWORD && s.n >= 4)
        buf_put_u64(out, u32le(s.p));
    else if (type == REGF_QWORD && s.n >= 8)
        buf_put_u64(out, u64le(s.p));
    else
        buf_put_hex(out, s.p, s.n < HEX_MOST ? s.n : HEX_MOST);
    if (type != REGF_MULTI && !is_text(type) && s.n > HEX_MOST)
        buf_putz(out, "..");
}

struct str registry_data(struct hive *h, const struct regf_value *v)
{
    return v->big != REGF_NONE ? regf_big(&h->regf, v, h->job->arena, DATA_MOST)
                               : v->data;
}

bool registry_value(struct hive *h, const struct regf_key *k, struct str name,
                    struct regf_value *out)
{
    for (uint32_t i = 0; i < k->n_values && h->steps; i++) {
        h->steps--;
        if (!regf_value(&h->regf, k, i, out))
            continue;
        buf_clear(&h->name);
        put_name(&h->name, out->name, out->narrow);
        if (str_ieq(buf_str(&h->name), name))
            return true;
    }
    return false;
}

struct str registry_text(struct hive *h, const struct regf_value *v)
{
    struct buf b = { 0 };
    put_data(&b, v->type, registry_data(h, v));
    return b.n ? buf_to_arena(&b, h->job->arena) : STR("");
}

/* ---- events -------------------------------------------------------------- */

static int add_ref(void *ctx, size_t off, unsigned kind, struct str value)
{
    struct hive *h = ctx;
    (void)off;
    refs_add(&h->refs, kind, ROLE_MENTIONED, value);
    return 0;
}

void registry_event(struct hive *h, struct registry_event *e,
                    const struct regf_cell *c, uint64_t written)
{
    *e = (struct registry_event){ .r = {
                                      .off = c->off,
                                      .len = (uint32_t)c->data.n + 4,
                                      .t_kind = TIME_MODIFIED,
                                      .flags = h->flags,
                                      .actor = h->user,
                                      .service = h->kind,
                                  } };
    registry_time(e, written);
    h->refs.n = 0;
    h->refs.cut = false;
    buf_clear(&h->text);
}

void registry_time(struct registry_event *e, uint64_t filetime)
{
    e->r.timed = filetime != 0;
    e->r.t = windows_filetime(filetime);
    e->r.t_zone = ZONE_FORMAT;
    e->r.t_res = 7;
}

int registry_emit(struct hive *h, struct registry_event *e)
{
    struct str text = buf_str(&h->text);
    buf_clear(&h->masked);
    if (mask_secrets(text, &h->masked)) {
        text = buf_str(&h->masked);
        e->r.flags |= EVENT_SECRET;
    }
    if (e->r.actor.n)
        e->r.actor_kind = KIND_HOST_USER;
    identify_text(text, add_ref, h);
    if (h->refs.cut)
        e->r.flags |= EVENT_REFS_CUT;
    e->r.text = str_sub(text, 0, TEXT_MOST);
    e->r.refs = h->refs.v;
    e->r.n_refs = h->refs.n;
    if (h->text.failed || h->masked.failed || h->path.failed)
        return ERR_INTERNAL;
    return sink_record(h->job->sink, &e->r);
}

static int key_event(struct hive *h, const struct regf_key *k)
{
    struct registry_event e;
    registry_event(h, &e, &k->cell, k->written);
    e.r.action = STR("registry key");
    e.r.target = buf_str(&h->path);
    e.r.target_kind = KIND_RESOURCE;
    buf_printf(&h->text, "subkeys: %lu, values: %lu",
               (unsigned long)k->n_subkeys, (unsigned long)k->n_values);
    return registry_emit(h, &e);
}

/* ---- what rules say ------------------------------------------------------ */

static const char *const starts[] = { "boot", "system", "automatic", "manual",
                                      "disabled" };

/* "Name=data", after ": " or "; ". */
static void put_value(struct hive *h, struct str name, struct str data,
                      bool *first)
{
    uint64_t v;
    buf_putz(&h->text, *first ? ": " : "; ");
    *first = false;
    buf_put(&h->text, name.n ? name : STR("(default)"));
    buf_putc(&h->text, '=');
    if (str_ends(name, STR("Bias")) && str_u64(data, &v) && v <= UINT32_MAX)
        buf_put_i64(&h->text, (int32_t)(uint32_t)v); /* minutes, signed */
    else
        buf_put(&h->text, data);
    if (str_eq(name, STR("Start")) && str_u64(data, &v) &&
        v < sizeof starts / sizeof *starts)
        buf_printf(&h->text, " (%s)", starts[v]);
}

/* The next of "A|B|C". */
static struct str next_name(struct str *names)
{
    size_t n = str_find(*names, STR("|"));
    struct str one = str_sub(*names, 0, n < names->n ? n : names->n);
    *names = str_sub(*names, one.n + 1, names->n);
    return one;
}

static void named(struct hive *h, struct registry_event *e,
                  const struct registry_rule *rule)
{
    e->r.action = str_from(rule->action);
    e->r.target_kind = rule->target_kind;
    if (rule->says)
        buf_putz(&h->text, rule->says);
    buf_putz(&h->text, rule->says ? " " : "");
    buf_put(&h->text, buf_str(&h->path));
}

/* Data that names something: as an entity. */
static void mention(struct hive *h, struct str name, struct str data)
{
    char tmp[46];
    struct str ip;
    if (str_ieq(name, STR("ImagePath")) || str_ieq(name, STR("ServiceDll")) ||
        str_ieq(name, STR("Debugger")) || str_ieq(name, STR("Shell")) ||
        str_ieq(name, STR("StubPath")))
        refs_add(&h->refs, KIND_FILE, ROLE_MENTIONED, windows_program(data));
    if (str_ieq(name, STR("FileId")) && data.n == 44)
        refs_add(&h->refs, KIND_HASH, ROLE_MENTIONED, str_sub(data, 4, 40));
    if (identify_ip(data, tmp, &ip)) {
        struct str kept = arena_copy(h->job->arena, ip);
        refs_add(&h->refs, KIND_IP, ROLE_MENTIONED, kept);
    }
}

static int by_key(struct hive *h, const struct regf_key *k,
                  const struct registry_rule *rule, struct registry_event *e)
{
    struct str names = str_from(rule->values);
    struct regf_value v;
    bool first = true, one = false, all = false;
    registry_event(h, e, &k->cell, k->written);
    e->r.sub = 1;
    named(h, e, rule);
    e->r.target = windows_base(buf_str(&h->path));
    for (bool head = true; names.n; head = false) {
        struct str name = next_name(&names);
        if (!registry_value(h, k, name, &v))
            continue;
        struct str data = registry_text(h, &v);
        all |= head;
        one |= data.n > 0;
        put_value(h, name, data, &first);
        mention(h, name, data);
        if (rule->target && str_eq(name, str_from(rule->target)))
            e->r.target =
                rule->target_kind == KIND_FILE ? windows_program(data) : data;
    }
    bool head_needed = rule->target || rule->target_kind == KIND_UNIT;
    if (!one || (head_needed && !all))
        return -1;
    if (rule->target_kind == 0)
        e->r.target = STR_NONE;
    return 0;
}

/* A value's target: the program of a command line, the far end. */
static struct str value_target(const struct registry_rule *rule,
                               struct str name, struct str data)
{
    size_t at = str_find(name, STR(":"));
    if (rule->target_kind == KIND_FILE)
        return windows_program(data);
    if (rule->target_kind == KIND_HOST && !str_starts(name, STR("MRU")))
        return str_sub(name, at == SIZE_MAX ? 0 : at + 1, name.n);
    return rule->target_kind ? data : STR_NONE;
}

static int by_value(struct hive *h, const struct regf_key *k,
                    const struct registry_rule *rule,
                    const struct regf_value *v)
{
    struct registry_event e;
    bool first = true;
    struct buf b = { 0 };
    put_name(&b, v->name, v->narrow);
    struct str name = b.n ? buf_to_arena(&b, h->job->arena) : STR("");
    if (str_ieq(name, STR("MRUList")) || str_ieq(name, STR("MRUListEx")))
        return 0;
    if (rule->form == FORM_ASSIST)
        return registry_assist(h, k, rule, v, name);
    struct str data = rule->form == FORM_MRU
                          ? windows_text(h->job->arena, registry_data(h, v))
                          : registry_text(h, v);
    if (str_ends(data, STR("\\1")))
        data = str_sub(data, 0, data.n - 2);
    registry_event(h, &e, &v->cell, k->written);
    named(h, &e, rule);
    put_value(h, name, data, &first);
    e.r.target = value_target(rule, name, data);
    if (e.r.target.n == 0)
        e.r.target_kind = 0;
    return registry_emit(h, &e);
}

static int by_values(struct hive *h, const struct regf_key *k,
                     const struct registry_rule *rule)
{
    int rc = 0;
    for (uint32_t i = 0; !rc && i < k->n_values && h->steps; i++) {
        struct regf_value v;
        h->steps--;
        if (regf_value(&h->regf, k, i, &v))
            rc = by_value(h, k, rule, &v);
        else if (!(h->flags & EVENT_DELETED))
            rc = registry_reject(h, k->cell.off, k->cell.data.n + 4,
                                 "a value of this key is not there");
    }
    return rc;
}

static int by_rule(struct hive *h, const struct regf_key *k,
                   const struct registry_rule *rule)
{
    struct registry_event e;
    switch (rule->form) {
    case FORM_VALUES:
    case FORM_MRU:
    case FORM_ASSIST:
        return by_values(h, k, rule);
    case FORM_SHUTDOWN:
        return registry_shutdown(h, k, rule);
    case FORM_USER:
        return registry_user(h, k, rule);
    case FORM_DOMAIN:
        return registry_domain(h, k, rule);
    case FORM_NAME:
        registry_event(h, &e, &k->cell, k->written);
        e.r.sub = 1;
        named(h, &e, rule);
        e.r.target = windows_base(buf_str(&h->path));
        return registry_emit(h, &e);
    default:
        break;
    }
    if (by_key(h, k, rule, &e))
        return 0;
    int rc = registry_emit(h, &e);
    if (!rc && rule->form == FORM_RELEASE)
        rc = registry_installed(h, k);
    if (!rc && rule->form == FORM_ZONE)
        rc = registry_zone(h, k);
    if (!rc && rule->form == FORM_NETWORK)
        rc = registry_network(h, k, e.r.target);
    return rc;
}

/* ---- keys ---------------------------------------------------------------- */

int registry_reject(struct hive *h, uint64_t off, uint64_t len, const char *why)
{
    if (h->rejects++ >= REJECTS_MOST)
        return 0;
    return sink_reject(h->job->sink, off, len, "regf-key", "%s", why);
}

static int key(struct hive *h, const struct regf_key *k)
{
    const struct registry_rule *rule = NULL;
    arena_reset(h->job->arena);
    h->keys++;
    int rc = key_event(h, k);
    while (!rc && (rule = registry_rule_next(buf_str(&h->path), rule)) != NULL)
        rc = by_rule(h, k, rule);
    return rc;
}

/* Marks a key; false: it was met before. */
static bool first_time(struct hive *h, uint32_t at)
{
    unsigned char *byte = &h->seen[at / 64],
                  bit = (unsigned char)(1u << at / 8 % 8);
    bool first = !(*byte & bit);
    *byte |= bit;
    return first;
}

static void add_component(struct hive *h, const struct regf_key *k)
{
    buf_putc(&h->path, '\\');
    put_name(&h->path, k->name, k->narrow);
    if (h->path.n > PATH_MOST)
        h->path.n = PATH_MOST;
}

struct level {
    struct regf_list list;
    struct regf_cell cell;
    size_t path; /* length before the next component */
};

static int descend(struct hive *h, const struct regf_key *k, struct level *l)
{
    regf_list_open(&h->regf, k, &l->list);
    l->cell = k->cell;
    l->path = h->path.n;
    return 0;
}

static int walk(struct hive *h, struct level *level)
{
    struct regf_key k;
    uint32_t at;
    size_t n = 0;
    if (!regf_key(&h->regf, h->regf.root, &k))
        return registry_reject(h, 36, 4, "the root key is not there");
    first_time(h, h->regf.root);
    int rc = key(h, &k);
    descend(h, &k, &level[n++]);
    while (!rc && n) {
        struct level *l = &level[n - 1];
        h->path.n = l->path;
        if (!h->steps || !regf_list_next(&h->regf, &l->list, &at)) {
            if (l->list.damaged)
                rc = registry_reject(h, l->cell.off, l->cell.data.n + 4,
                                     "not all subkeys of this key are there");
            n--;
            continue;
        }
        h->steps--;
        if (!regf_key(&h->regf, at, &k)) {
            rc = registry_reject(h, l->cell.off, l->cell.data.n + 4,
                                 "a subkey of this key is none");
        } else if (!first_time(h, at)) {
            rc = registry_reject(h, k.cell.off, k.cell.data.n + 4,
                                 "a key has two places");
        } else {
            add_component(h, &k);
            rc = key(h, &k);
            if (n < REGF_DEPTH)
                descend(h, &k, &level[n++]);
        }
    }
    return rc;
}

/* ---- keys that nothing leads to ------------------------------------------ */

/* Path by the parents, as far as they are still keys. */
static void path_of(struct hive *h, const struct regf_key *k)
{
    enum { PARENTS = 64 };
    struct regf_key up[PARENTS];
    size_t n = 0;
    bool whole = false;
    uint32_t at = k->parent;
    while (n < PARENTS && regf_key(&h->regf, at, &up[n])) {
        if (at == h->regf.root) {
            whole = true;
            break;
        }
        at = up[n++].parent;
    }
    buf_clear(&h->path);
    buf_put(&h->path, h->kind);
    if (!whole)
        buf_putz(&h->path, "\\?");
    while (n)
        add_component(h, &up[--n]);
    add_component(h, k);
}

static bool plausible(const struct regf_key *k)
{
    /* 1995 to 2100; names of keys have at most 255 characters */
    static const uint64_t least = UINT64_C(124334784000000000),
                          most = UINT64_C(157766400000000000);
    return k->name.n && k->name.n <= 512 && k->written >= least &&
           k->written <= most && k->flags < 0x200;
}

static int remnant(struct hive *h, uint32_t at, bool deleted)
{
    struct regf_key k;
    if (!regf_key(&h->regf, at, &k) || !plausible(&k) || !first_time(h, at))
        return 0;
    h->flags = EVENT_RECOVERED | (deleted ? EVENT_DELETED : 0u);
    h->remnants++;
    path_of(h, &k);
    return key(h, &k);
}

/* Cells one after the other; a free one may hold several that were freed. */
static int sweep(struct hive *h)
{
    const struct str b = h->regf.bytes;
    size_t off = REGF_HEAD;
    int rc = 0;
    while (!rc && off + 32 <= b.n) {
        if (off % 4096 == 0 && memcmp(b.p + off, "hbin", 4) == 0) {
            off += 32;
            continue;
        }
        int64_t size = (int32_t)u32le(b.p + off);
        bool deleted = size > 0;
        size_t n = (size_t)(size < 0 ? -size : size);
        if (n < 8 || n % 8 || n > b.n - off) {
            off = (off / 4096 + 1) * 4096; /* on with the next block */
            continue;
        }
        for (size_t at = off; !rc && at + 80 <= off + n; at += 8) {
            if (b.p[at + 4] == 'n' && b.p[at + 5] == 'k')
                rc = remnant(h, (uint32_t)(at - REGF_HEAD), deleted);
            if (!deleted)
                break;
        }
        off += n;
    }
    h->flags = 0;
    return rc;
}

/* ---- the hive ------------------------------------------------------------ */

static const char *const kinds[] = { "SYSTEM",   "SOFTWARE", "SAM",
                                     "SECURITY", "DEFAULT",  "NTUSER",
                                     "UsrClass", "Amcache",  "COMPONENTS",
                                     "BCD",      "DRIVERS" };

static struct str kind_of(struct str name)
{
    struct str base = windows_base(name);
    size_t dot = str_find(base, STR("."));
    base = str_sub(base, 0, dot);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_ieq(base, str_from(kinds[i])))
            return str_from(kinds[i]);
    return STR_NONE;
}

static bool sum_holds(const char *p)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < 508; i += 4)
        sum ^= u32le(p + i);
    sum = sum == 0 ? 1 : sum == UINT32_MAX ? UINT32_MAX - 1 : sum;
    return sum == u32le(p + 508);
}

static int head(struct hive *h)
{
    struct sink *s = h->job->sink;
    const char *p = h->regf.bytes.p;
    char text[TIME_TEXT_MAX];
    size_t n = time_format(text, windows_filetime(u64le(p + 12)), -1, 0);
    h->inner = windows_text(&h->names, (struct str){ p + 48, 64 });
    h->kind = kind_of(h->job->name);
    if (h->kind.n == 0)
        h->kind = kind_of(h->inner);
    if (h->kind.n == 0)
        h->kind = STR("HIVE");
    if (str_eq(h->kind, STR("NTUSER")) || str_eq(h->kind, STR("UsrClass")))
        h->user = windows_user(h->job->name);
    int rc = sink_fact(s, "hive", h->kind);
    if (!rc && h->inner.n)
        rc = sink_fact(s, "name in the hive", h->inner);
    if (!rc)
        rc = sink_fact(s, "last written", (struct str){ text, n });
    if (!rc && !sum_holds(p))
        rc = sink_issue(s, ISSUE_WARNING, 0, 512, "regf-checksum",
                        "the head of the hive does not fit its checksum");
    if (!rc && u32le(p + 4) != u32le(p + 8))
        rc = sink_issue(s, ISSUE_WARNING, 4, 8, "regf-dirty",
                        "the hive was in use when it was copied: changes in "
                        "its transaction logs (.LOG1, .LOG2) are not in it");
    return rc;
}

static int sums(struct hive *h)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)h->keys);
    int rc = sink_fact(h->job->sink, "keys", (struct str){ text, (size_t)n });
    if (!rc && h->remnants) {
        n = snprintf(text, sizeof text, "%llu",
                     (unsigned long long)h->remnants);
        rc = sink_fact(h->job->sink, "keys without a place, of these",
                       (struct str){ text, (size_t)n });
    }
    if (!rc && h->rejects > REJECTS_MOST)
        rc = sink_issue(h->job->sink, ISSUE_WARNING, 0, 0, "regf-key",
                        "%llu more damaged places",
                        (unsigned long long)h->rejects - REJECTS_MOST);
    if (!rc && h->steps == 0)
        rc = sink_issue(h->job->sink, ISSUE_ERROR, 0, 0, "regf-budget",
                        "more entries of lists than a hive of this size can "
                        "have: not all was read");
    return rc;
}

static int read_hive(struct hive *h)
{
    struct str b = h->regf.bytes;
    struct level *level = calloc(REGF_DEPTH, sizeof *level);
    h->steps = b.n / 2;
    h->seen = calloc(b.n / 64 + 1, 1);
    int rc = level && h->seen ? head(h) : ERR_INTERNAL;
    buf_put(&h->path, h->kind);
    if (!rc)
        rc = walk(h, level);
    if (!rc)
        rc = sweep(h);
    free(level);
    return rc ? rc : sums(h);
}

/* Type at 28: 0 hive, else a log of it; old logs are the head and "DIRT". */
static bool is_log(struct str s, struct str name)
{
    return (s.n >= 32 && u32le(s.p + 28) != 0) ||
           (s.n >= 516 && memcmp(s.p + 512, "DIRT", 4) == 0) ||
           str_ifind(windows_base(name), STR(".LOG")) != SIZE_MAX;
}

static int import(struct import_job *job, struct err *err)
{
    struct input *in = job->in;
    while (!in->eof && in->n <= hive_most)
        if (input_more(in, 0))
            return err_set(err, ERR_INTERNAL, "out of memory");
    struct str all = { in->p, in->n };
    if (!in->eof)
        return sink_issue(job->sink, ISSUE_ERROR, 0, 0, "regf-large",
                          "larger than 1 GiB: not read");
    if (is_log(all, job->name))
        return sink_issue(job->sink, ISSUE_NOTE, 0, 0, "regf-log",
                          "a transaction log of a hive: not replayed");
    struct hive *h = calloc(1, sizeof *h);
    if (!h)
        return err_set(err, ERR_INTERNAL, "out of memory");
    h->job = job;
    int rc = regf_open(&h->regf, all)
                 ? read_hive(h)
                 : sink_issue(job->sink, ISSUE_ERROR, 0, all.n, "regf-head",
                              "the head of the hive is not whole");
    free(h->seen);
    buf_free(&h->path);
    buf_free(&h->name);
    buf_free(&h->text);
    buf_free(&h->masked);
    arena_free(&h->names);
    free(h);
    return rc;
}

static int probe(struct probe *p)
{
    if (!str_starts(p->head, STR("regf")) || p->head.n < 512)
        return 0;
    p->reason = "begins with regf";
    return 100;
}

static const char *const paths[] = {
    "(?i)system32/config/*",
    "(?i)ntuser.dat*",
    "(?i)usrclass.dat*",
    "(?i)amcache.hve*",
    NULL,
};

const struct importer importers_registry = {
    .name = "registry",
    .title = "Windows registry hive",
    .reads = "regf hives of Windows NT 4 and later",
    .paths = paths,
    .probe = probe,
    .import = import,
};
