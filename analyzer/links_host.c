/*
 * A host and the cloud around it: the instance that a disk was last booted as
 * (C9), ids that images share (C10), keys pushed and logged in with (C13),
 * commands sent and run (C15), user data (C16).
 */
#include "analyzer/links_rule.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

enum {
    EVENTS = 64,       /* of one id that a rule joins */
    ENTITIES = 200000, /* of one kind that are looked at */
    KEY_LIVES_S = 60,  /* a pushed key (EC2 Instance Connect API) */
    TICK = 256,
};

#define ROLE_BIT(role) (1u << (role))

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "links: out of memory");
}

static int add(struct links_run *r, struct link *l, struct buf *b,
               struct err *err)
{
    int rc = b->failed ? out_of_memory(err) : 0;
    l->reason = buf_str(b);
    return rc ? rc : links_add(r, l, err);
}

static unsigned kind_of(uint32_t id)
{
    return id >> KIND_SHIFT;
}

/* ---- which instance an exhibit is ---------------------------------------- */

int links_booted(struct links_run *r, const struct links_inventory *in,
                 struct links_booted **out, size_t *n, struct err *err)
{
    uint32_t fact = case_find(r->c, KIND_ACTION, STR("host fact"));
    uint32_t from = case_find(r->c, KIND_SOURCE, STR("cloud-data"));
    struct plan facts = { .op = PLAN_ANY_OF, .ids = &fact, .n = 1 };
    struct plan notes = { .op = PLAN_ANY_OF, .ids = &from, .n = 1 };
    struct plan both = { .op = PLAN_AND, .a = &facts, .b = &notes };
    struct buf found = { 0 };
    struct arena row = { 0 };
    struct scan *s;
    struct hit h;
    *n = 0;
    *out = NULL;
    if (!fact || !from)
        return 0;
    int rc = scan_open(r->c, &both, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0) {
        struct event e;
        arena_reset(&row);
        rc = case_event(r->c, h.id, &row, &e, err);
        if (rc)
            break;
        if (kind_of(e.target) != KIND_INSTANCE ||
            !str_eq(e.text, STR("instance id of the last boot")))
            continue;
        struct links_booted b = { links_exhibit_of(in, h.id), e.target, h.id };
        if (b.exhibit)
            buf_put(&found, (struct str){ (const char *)&b, sizeof(b) });
    }
    scan_close(s);
    arena_free(&row);
    *n = found.n / sizeof(**out);
    *out = arena_array(&r->arena, *n + 1, sizeof(**out));
    if (rc == 0 && (found.failed || !*out))
        rc = out_of_memory(err);
    if (rc == 0 && found.n)
        memcpy(*out, found.p, found.n);
    buf_free(&found);
    return rc;
}

/* 1: the exhibit is that instance, 0: nothing says what it is, -1: it is
 * another one. */
static int is_instance(const struct links_booted *booted, size_t n,
                       const struct links_exhibit_row *x, uint32_t instance)
{
    int is = 0;
    for (size_t i = 0; i < n; i++)
        if (booted[i].exhibit == x) {
            if (booted[i].instance == instance)
                return 1;
            is = -1;
        }
    return is;
}

/* ---- C9: the disk of an instance ----------------------------------------- */

/* The first successful call of CloudTrail that names both ids. */
static int names_both(struct links_run *r, const struct links_inventory *in,
                      uint32_t a, uint32_t b, struct event *out,
                      struct arena *row, bool *found, struct err *err)
{
    struct plan one = { .op = PLAN_ANY_OF, .ids = &a, .n = 1 };
    struct plan two = { .op = PLAN_ANY_OF, .ids = &b, .n = 1 };
    struct plan trail = { .op = PLAN_ANY_OF,
                          .ids = in->cloudtrail,
                          .n = in->n_cloudtrail };
    struct plan ids = { .op = PLAN_AND, .a = &one, .b = &two };
    struct plan all = { .op = PLAN_AND, .a = &ids, .b = &trail };
    struct scan *s;
    struct hit h;
    *found = false;
    int rc = scan_open(r->c, &all, NULL, false, &s, err);
    if (rc)
        return rc;
    while (!*found && (rc = scan_next(s, &h, err)) > 0) {
        arena_reset(row);
        rc = case_event(r->c, h.id, row, out, err);
        if (rc)
            break;
        *found = out->outcome == 0;
    }
    scan_close(s);
    return rc > 0 ? 0 : rc;
}

/* The volumes that calls with the snapshot name: it was made of one. */
static int volumes_of(struct links_run *r, const struct links_inventory *in,
                      uint32_t snapshot, uint32_t list[EVENTS], size_t *n,
                      struct err *err)
{
    struct plan here = { .op = PLAN_ANY_OF, .ids = &snapshot, .n = 1 };
    struct plan trail = { .op = PLAN_ANY_OF,
                          .ids = in->cloudtrail,
                          .n = in->n_cloudtrail };
    struct plan both = { .op = PLAN_AND, .a = &here, .b = &trail };
    uint32_t create = case_find(r->c, KIND_ACTION, STR("CreateSnapshot"));
    uint32_t creates = case_find(r->c, KIND_ACTION, STR("CreateSnapshots"));
    struct arena row = { 0 };
    struct scan *s;
    struct hit h;
    *n = 0;
    int rc = scan_open(r->c, &both, NULL, false, &s, err);
    if (rc)
        return rc;
    while (*n < EVENTS && (rc = scan_next(s, &h, err)) > 0) {
        struct event e;
        struct event_ref *refs;
        size_t n_refs = 0;
        arena_reset(&row);
        rc = case_event_whole(r->c, h.id, &row, &e, &refs, &n_refs, err);
        if (rc)
            break;
        /* only what made it says what it was made of */
        if (!e.action || (e.action != create && e.action != creates))
            continue;
        for (size_t i = 0; i < n_refs && *n < EVENTS; i++)
            if (kind_of(refs[i].id) == KIND_VOLUME)
                list[(*n)++] = refs[i].id;
    }
    scan_close(s);
    arena_free(&row);
    return rc > 0 ? 0 : rc;
}

static int join_disk(struct links_run *r, const struct links_inventory *in,
                     const struct links_booted *is,
                     const struct links_mention *m, uint32_t volume,
                     bool *found, struct err *err)
{
    struct arena row = { 0 };
    struct buf b = { 0 };
    struct event e;
    int rc = names_both(r, in, is->instance, volume, &e, &row, found, err);
    if (rc == 0 && *found) {
        struct hit at = { e.timed, e.t, e.id };
        buf_printf(&b,
                   "cloud-init noted the instance at the last boot of X%lld; ",
                   (long long)is->exhibit->no);
        buf_printf(&b, "%s has it with ", links_action(r, &e));
        buf_printf(&b, "%s ", text_line(case_text(r->c, volume)));
        links_put_time(&b, &at);
        if (volume != m->entity)
            buf_printf(&b, ", of which %s was made",
                       text_line(case_text(r->c, m->entity)));
        buf_printf(&b, "; %s name%s what X%lld is", m->where,
                   strstr(m->where, "entries") ? "" : "s",
                   (long long)is->exhibit->no);
        struct link l = { .cls = LINK_EXACT,
                          .a = e.id,
                          .b = is->event,
                          .entity = is->instance,
                          .n = 1 };
        rc = add(r, &l, &b, err);
    }
    buf_free(&b);
    arena_free(&row);
    return rc;
}

int links_disk_of(struct links_run *r, struct err *err)
{
    struct links_inventory *in;
    struct links_booted *booted;
    size_t n;
    int rc = links_inventory(r, &in, err);
    if (rc == 0)
        rc = links_booted(r, in, &booted, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        bool found = false;
        for (size_t k = 0; rc == 0 && k < in->n_mentions && !found; k++) {
            const struct links_mention *m = &in->mentions[k];
            uint32_t list[EVENTS] = { m->entity };
            size_t volumes = kind_of(m->entity) == KIND_VOLUME;
            if (m->exhibit != booted[i].exhibit->no || !m->stated)
                continue;
            if (kind_of(m->entity) == KIND_SNAPSHOT)
                rc = volumes_of(r, in, m->entity, list, &volumes, err);
            for (size_t v = 0; v < volumes && rc == 0 && !found; v++)
                rc = join_disk(r, in, &booted[i], m, list[v], &found, err);
        }
    }
    return rc;
}

/* ---- C10: ids that copies share ------------------------------------------ */

static int join_same(struct links_run *r, const struct links_inventory *in,
                     uint32_t id, const char *what, struct links_found *list,
                     struct err *err)
{
    struct buf b = { 0 };
    size_t n;
    int rc = links_elsewhere(r, in, id, list, &n, err);
    for (size_t i = 1; i < n && i < EVENTS && rc == 0; i++) {
        buf_clear(&b);
        buf_printf(&b,
                   "the same %s in X%lld (%.*s) and X%lld (%.*s); all that was "
                   "made of one image or snapshot has it",
                   what, (long long)list[0].exhibit->no,
                   STR_ARG(list[0].exhibit->kind),
                   (long long)list[i].exhibit->no,
                   STR_ARG(list[i].exhibit->kind));
        struct link l = { .cls = LINK_CANDIDATE,
                          .a = list[0].first.id,
                          .b = list[i].first.id,
                          .entity = id,
                          .n = n - 1 };
        rc = add(r, &l, &b, err);
    }
    r->result->skipped += n > EVENTS ? n - EVENTS : 0;
    buf_free(&b);
    return rc;
}

int links_same_ids(struct links_run *r, struct err *err)
{
    static const struct {
        uint8_t kind;
        const char *what;
    } kinds[] = { { KIND_MACHINE, "machine id" },
                  { KIND_FS_UUID, "UUID of a file system or partition" } };
    struct links_inventory *in;
    int rc = links_inventory(r, &in, err);
    if (rc || in->n_exhibits < 2)
        return rc;
    struct links_found *list =
        arena_array(&r->arena, in->n_exhibits + 1, sizeof(*list));
    if (!list)
        return out_of_memory(err);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]) && rc == 0; k++) {
        struct entity_count *v;
        size_t n;
        rc = links_entities(r, kinds[k].kind, &v, &n, err);
        if (rc == 0 && n > ENTITIES)
            r->result->skipped += n - ENTITIES;
        for (size_t i = 0; i < n && i < ENTITIES && rc == 0; i++) {
            if (i % TICK == 0)
                rc = analyzer_tick(r->ticker, r->rule->title, i, n, err);
            if (rc == 0 && v[i].n > 1)
                rc = join_same(r, in, v[i].id, kinds[k].what, list, err);
        }
    }
    return rc;
}

/* ---- C13: a key pushed and logged in with -------------------------------- */

/* "TYPE BASE64 COMMENT" to "SHA256:..", as sshd writes it. */
static bool fingerprint_of(struct str key, struct buf *out)
{
    unsigned char sha[SHA256_LEN];
    struct buf blob = { 0 };
    key = str_trim(key);
    const char *blank = key.n ? memchr(key.p, ' ', key.n) : NULL;
    if (!blank)
        return false;
    struct str s = str_trim(str_sub(key, (size_t)(blank - key.p), key.n));
    size_t end = str_find(s, STR(" "));
    bool good = base64_decode(str_sub(s, 0, end), 0, &blob) && blob.n > 16 &&
                hash_sha256(buf_str(&blob), sha);
    buf_free(&blob);
    if (!good)
        return false;
    buf_putz(out, "SHA256:");
    base64_encode(out, (struct str){ (char *)sha, sizeof sha }, false);
    return !out->failed;
}

struct pushed {
    const struct event *e;
    uint32_t instance;
    struct str user;
    uint32_t fingerprint;
};

static bool string_of(struct str record, const char *path, struct arena *a,
                      struct str *out)
{
    unsigned flags;
    return json_path(record, str_from(path), out, &flags) == JSON_STRING &&
           json_decode(*out, a, out);
}

/* What the call pushed, from its record. */
static bool read_pushed(struct links_run *r, struct str record, struct arena *a,
                        struct pushed *p)
{
    struct str key, instance;
    struct buf b = { 0 };
    if (!string_of(record, "requestParameters.sSHPublicKey", a, &key) ||
        !string_of(record, "requestParameters.instanceId", a, &instance))
        return false;
    if (!string_of(record, "requestParameters.instanceOSUser", a, &p->user))
        p->user = STR_NONE; /* of the serial console */
    p->instance = case_find(r->c, KIND_INSTANCE, instance);
    p->fingerprint = fingerprint_of(key, &b)
                         ? case_find(r->c, KIND_FINGERPRINT, buf_str(&b))
                         : 0;
    buf_free(&b);
    return p->instance && p->fingerprint;
}

/* Does the login itself name an instance (a log stream's name)? */
static int names_instance(const struct event_ref *refs, size_t n,
                          uint32_t instance)
{
    int is = 0;
    for (size_t i = 0; i < n; i++)
        if (kind_of(refs[i].id) == KIND_INSTANCE) {
            if (refs[i].id == instance)
                return 1;
            is = -1;
        }
    return is;
}

static int join_login(struct links_run *r, const struct pushed *p,
                      const struct hit *h, int is, uint64_t alternatives,
                      struct err *err)
{
    struct buf b = { 0 };
    buf_printf(&b,
               "the key of this fingerprint was pushed for %s, and sshd "
               "accepted it %lld s later",
               p->user.n ? text_line(p->user) : "the serial console",
               (long long)(h->t.s - p->e->t.s));
    if (is == 0)
        buf_putz(&b, "; nothing says that the host is that instance");
    struct link l = { .cls = is > 0 ? LINK_EXACT : LINK_CANDIDATE,
                      .a = p->e->id,
                      .b = h->id,
                      .entity = p->fingerprint,
                      .n = alternatives };
    int rc = add(r, &l, &b, err);
    buf_free(&b);
    return rc;
}

struct login {
    struct hit at;
    int is;
};

/* Logins with the fingerprint while the key lived: a second is what the call's
 * time is known to. */
static int logins_of(struct links_run *r, const struct links_inventory *in,
                     const struct pushed *p, const struct links_booted *booted,
                     size_t n_booted, struct login list[EVENTS], size_t *n,
                     struct err *err)
{
    uint32_t login = case_find(r->c, KIND_ACTION, STR("login"));
    struct plan key = { .op = PLAN_ANY_OF, .ids = &p->fingerprint, .n = 1 };
    struct plan logins = { .op = PLAN_ANY_OF, .ids = &login, .n = 1 };
    struct plan when = { .op = PLAN_TIME,
                         .from = p->e->t,
                         .to = { p->e->t.s + KEY_LIVES_S + 1, 0 } };
    struct plan both = { .op = PLAN_AND, .a = &key, .b = &logins };
    struct plan all = { .op = PLAN_AND, .a = &both, .b = &when };
    struct arena row = { 0 };
    struct scan *s;
    struct hit h;
    *n = 0;
    if (!login || !p->e->timed)
        return 0;
    int rc = scan_open(r->c, &all, NULL, false, &s, err);
    if (rc)
        return rc;
    while (*n < EVENTS && (rc = scan_next(s, &h, err)) > 0) {
        struct event e;
        struct event_ref *refs;
        size_t n_refs;
        arena_reset(&row);
        rc = case_event_whole(r->c, h.id, &row, &e, &refs, &n_refs, err);
        if (rc)
            break;
        if (p->user.n && !str_eq(case_text(r->c, e.actor), p->user))
            continue;
        int is = names_instance(refs, n_refs, p->instance);
        if (is == 0)
            is = is_instance(booted, n_booted, links_exhibit_of(in, h.id),
                             p->instance);
        if (is >= 0)
            list[(*n)++] = (struct login){ h, is };
    }
    scan_close(s);
    arena_free(&row);
    return rc > 0 ? 0 : rc;
}

static int one_push(struct links_run *r, const struct links_inventory *in,
                    const struct links_booted *booted, size_t n_booted,
                    int64_t id, struct err *err)
{
    struct arena a = { 0 };
    struct event e;
    struct str record = STR_NONE;
    struct pushed p = { .e = &e };
    struct login list[EVENTS];
    const struct event *one = &e;
    size_t n = 0;
    int rc = case_event(r->c, id, &a, &e, err);
    if (rc == 0)
        rc = raw_read_many(r->raw, &one, 1, &a, &record, err);
    if (rc == 0 && e.outcome == 0 && record.p && read_pushed(r, record, &a, &p))
        rc = logins_of(r, in, &p, booted, n_booted, list, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = join_login(r, &p, &list[i].at, list[i].is, n, err);
    arena_free(&a);
    return rc;
}

int links_pushed_key(struct links_run *r, struct err *err)
{
    uint32_t ids[2] = {
        case_find(r->c, KIND_ACTION, STR("SendSSHPublicKey")),
        case_find(r->c, KIND_ACTION, STR("SendSerialConsoleSSHPublicKey")),
    };
    struct plan p = { .op = PLAN_ANY_OF, .ids = ids, .n = 2 };
    struct links_inventory *in;
    struct links_booted *booted;
    size_t n;
    struct buf calls = { 0 };
    struct scan *s;
    struct hit h;
    if (!ids[0] || !ids[1]) {
        ids[0] = ids[0] ? ids[0] : ids[1];
        p.n = 1;
    }
    if (!ids[0] || !r->raw)
        return 0;
    int rc = links_inventory(r, &in, err);
    if (rc == 0)
        rc = links_booted(r, in, &booted, &n, err);
    if (rc == 0)
        rc = scan_open(r->c, &p, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0)
        buf_put(&calls, (struct str){ (const char *)&h.id, sizeof(h.id) });
    scan_close(s);
    for (size_t i = 0; rc == 0 && i + sizeof(h.id) <= calls.n;
         i += sizeof(h.id)) {
        memcpy(&h.id, calls.p + i, sizeof(h.id));
        rc = one_push(r, in, booted, n, h.id, err);
    }
    if (rc == 0 && calls.failed)
        rc = out_of_memory(err);
    buf_free(&calls);
    return rc;
}

/* ---- C15: commands and sessions ------------------------------------------ */

/* Calls whose answer is where an id begins. */
static bool sends(struct links_run *r, uint32_t action)
{
    struct str name = case_text(r->c, action);
    return str_eq(name, STR("SendCommand")) ||
           str_eq(name, STR("StartSession"));
}

static int join_command(struct links_run *r, const struct links_inventory *in,
                        const struct entity_count *id, struct links_found *list,
                        struct err *err)
{
    struct links_use made = { 0 }, named = { 0 };
    struct buf b = { 0 };
    struct arena row = { 0 };
    struct event e = { 0 };
    size_t n;
    int rc = links_elsewhere(r, in, id->id, list, &n, err);
    if (rc || n == 0)
        return rc;
    rc = links_in_trail(r, in, id->id, 0, &named, err);
    if (rc == 0)
        rc = links_in_trail(r, in, id->id, ROLE_BIT(ROLE_ISSUED), &made, err);
    struct hit first = made.n ? made.first : named.first;
    if (rc == 0 && named.n)
        rc = case_event(r->c, first.id, &row, &e, err);
    bool gave = made.n || sends(r, e.action);
    for (size_t i = 0; i < n && rc == 0 && named.n; i++) {
        const struct hit *at = &list[i].first;
        buf_clear(&b);
        buf_printf(&b, "%s %s the id ", links_action(r, &e),
                   gave ? "gave" : "names");
        links_put_time(&b, &first);
        buf_printf(&b, "; X%lld (%.*s) has it in ",
                   (long long)list[i].exhibit->no,
                   STR_ARG(list[i].exhibit->kind));
        links_put_n(&b, list[i].n, "event");
        buf_putz(&b, ", first ");
        links_put_time(&b, at);
        if (gave && at->timed && first.timed && at->t.s < first.t.s)
            buf_putz(&b, "; time-conflict: before it was sent, so the host's "
                         "clock was behind");
        struct link l = { .cls = LINK_EXACT,
                          .a = first.id,
                          .b = at->id,
                          .entity = id->id,
                          .n = list[i].n };
        rc = add(r, &l, &b, err);
    }
    buf_free(&b);
    arena_free(&row);
    return rc;
}

int links_command(struct links_run *r, struct err *err)
{
    struct links_inventory *in;
    struct entity_count *v;
    size_t n;
    int rc = links_inventory(r, &in, err);
    if (rc || !in->others)
        return rc;
    struct links_found *list =
        arena_array(&r->arena, in->n_exhibits + 1, sizeof(*list));
    if (!list)
        return out_of_memory(err);
    rc = links_entities(r, KIND_COMMAND, &v, &n, err);
    if (rc == 0 && n > ENTITIES)
        r->result->skipped += n - ENTITIES;
    for (size_t i = 0; i < n && i < ENTITIES && rc == 0; i++) {
        if (i % TICK == 0)
            rc = analyzer_tick(r->ticker, r->rule->title, i, n, err);
        if (rc == 0 && v[i].n > 1)
            rc = join_command(r, in, &v[i], list, err);
    }
    return rc;
}

/* ---- C16: user data ------------------------------------------------------ */

/* The first event `user data` of each exhibit under an instance's id. */
static int kept_under(struct links_run *r, const struct links_inventory *in,
                      uint32_t instance, uint32_t action,
                      struct links_found *list, size_t *n, struct err *err)
{
    struct plan at = { .op = PLAN_ANY_OF,
                       .ids = &instance,
                       .n = 1,
                       .role_mask = ROLE_BIT(ROLE_WHERE) };
    struct plan data = { .op = PLAN_ANY_OF, .ids = &action, .n = 1 };
    struct plan both = { .op = PLAN_AND, .a = &at, .b = &data };
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
        if (x)
            list[i].n++;
    }
    scan_close(s);
    return rc;
}

static const char *const giving[] = { "RunInstances",
                                      "ModifyInstanceAttribute" };

/* Does the call give user data? Of RunInstances it is told only when it does;
 * the other one changes many things. Without its record: not known. */
static int gives_data(struct links_run *r, const struct event *e, bool *gives,
                      struct err *err)
{
    struct arena a = { 0 };
    struct str record = STR_NONE;
    int rc = r->raw ? raw_read_many(r->raw, &e, 1, &a, &record, err) : 0;
    *gives = record.p && str_find(record, STR("\"userData\"")) != SIZE_MAX;
    arena_free(&a);
    return rc;
}

static int join_data(struct links_run *r, uint32_t instance,
                     const struct event *e, const struct links_found *f,
                     struct err *err)
{
    struct buf b = { 0 };
    struct hit at = { e->timed, e->t, e->id };
    bool gives;
    int rc = gives_data(r, e, &gives, err);
    bool made = str_eq(case_text(r->c, e->action), STR("RunInstances"));
    if (rc || (!gives && !made))
        return rc;
    buf_printf(&b, "%s ", links_action(r, e));
    links_put_time(&b, &at);
    buf_putz(&b, gives ? " has user data, which CloudTrail hides"
                       : " made the instance");
    buf_printf(&b, "; X%lld (%.*s) keeps user data under its id, ",
               (long long)f->exhibit->no, STR_ARG(f->exhibit->kind));
    links_put_n(&b, f->n, "part");
    buf_putz(&b, " with hashes");
    struct link l = { .cls = LINK_CANDIDATE,
                      .a = e->id,
                      .b = f->first.id,
                      .entity = instance,
                      .n = f->n };
    rc = add(r, &l, &b, err);
    buf_free(&b);
    return rc;
}

/* The calls that gave an instance its user data. */
static int givers(struct links_run *r, uint32_t instance,
                  const struct links_found *list, size_t n, struct err *err)
{
    uint32_t ids[2];
    size_t n_ids = 0;
    for (size_t i = 0; i < 2; i++) {
        uint32_t id = case_find(r->c, KIND_ACTION, str_from(giving[i]));
        if (id)
            ids[n_ids++] = id;
    }
    struct plan calls = { .op = PLAN_ANY_OF, .ids = ids, .n = n_ids };
    struct plan here = { .op = PLAN_ANY_OF, .ids = &instance, .n = 1 };
    struct plan both = { .op = PLAN_AND, .a = &calls, .b = &here };
    struct hit hits[EVENTS];
    size_t found = 0;
    struct scan *s;
    int rc = n_ids ? scan_open(r->c, &both, NULL, false, &s, err) : 0;
    if (rc || !n_ids)
        return rc;
    while (found < EVENTS && (rc = scan_next(s, &hits[found], err)) > 0)
        found++;
    scan_close(s);
    rc = rc > 0 ? 0 : rc;
    for (size_t i = 0; i < found && rc == 0; i++) {
        struct arena row = { 0 };
        struct event e;
        rc = case_event(r->c, hits[i].id, &row, &e, err);
        for (size_t k = 0; k < n && rc == 0 && e.outcome == 0; k++)
            rc = join_data(r, instance, &e, &list[k], err);
        arena_free(&row);
    }
    return rc;
}

int links_user_data(struct links_run *r, struct err *err)
{
    uint32_t action = case_find(r->c, KIND_ACTION, STR("user data"));
    struct links_inventory *in;
    struct entity_count *v;
    size_t n, kept;
    int rc = links_inventory(r, &in, err);
    if (rc || !action)
        return rc;
    struct links_found *list =
        arena_array(&r->arena, in->n_exhibits + 1, sizeof(*list));
    if (!list)
        return out_of_memory(err);
    rc = links_entities(r, KIND_INSTANCE, &v, &n, err);
    for (size_t i = 0; i < n && i < ENTITIES && rc == 0; i++) {
        if (!(v[i].roles & ROLE_BIT(ROLE_WHERE)))
            continue;
        rc = kept_under(r, in, v[i].id, action, list, &kept, err);
        if (rc == 0 && kept)
            rc = givers(r, v[i].id, list, kept, err);
    }
    return rc;
}
