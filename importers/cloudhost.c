/*
 * Commands are told from other UUIDs in a text by what stands before them:
 *
 *     [ssm-document-worker] [UUID]       [ssm-session-worker] [SESSION]
 *     aws.ssm.UUID.i-..                  orchestration/UUID
 *     document - UUID   document: UUID   command: UUID   command UUID
 *     session: SESSION
 *
 * Request ids, channels and message ids have the same shape.
 */
#include "importers/cloudhost.h"

#include "importers/hosttime.h"
#include "base/mask.h"

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static size_t hex_run(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_hex(s.p[n]))
        n++;
    return n;
}

bool cloudhost_is_instance(struct str s)
{
    if (s.n && s.p[0] == 'm')
        s = str_sub(s, 1, s.n);
    if (!str_starts(s, STR("i-")))
        return false;
    size_t n = s.n - 2;
    return (n == 8 || n == 17) && hex_run(str_sub(s, 2, n)) == n;
}

bool cloudhost_is_uuid(struct str s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
            return false;
    }
    return true;
}

static bool is_session_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || memchr("_-.@=+,", c, 7);
}

/* The length of what could be a session id at the start. */
static size_t session_run(struct str s)
{
    size_t n = 0;
    while (n < s.n && n < 96 && is_session_char(s.p[n]))
        n++;
    while (n && (s.p[n - 1] == '.' || s.p[n - 1] == ','))
        n--;
    return n;
}

bool cloudhost_is_session(struct str s)
{
    size_t dash = s.n, letters = 0;
    if (session_run(s) != s.n || cloudhost_is_instance(s))
        return false;
    while (dash && s.p[dash - 1] != '-')
        dash--;
    struct str id = str_sub(s, dash, s.n);
    if (dash < 2)
        return false;
    for (size_t i = 0; i < id.n; i++)
        letters += (id.p[i] >= 'a' && id.p[i] <= 'z') ||
                   (id.p[i] >= '0' && id.p[i] <= '9');
    return (id.n == 17 && hex_run(id) == 17) || (id.n == 26 && letters == 26);
}

/* ---- ids in texts -------------------------------------------------------- */

static bool id_at(struct str s, struct str *id, bool *session)
{
    if (s.n >= 36 && cloudhost_is_uuid(str_sub(s, 0, 36))) {
        *id = str_sub(s, 0, 36);
        *session = false;
        return true;
    }
    size_t n = session_run(s);
    *id = str_sub(s, 0, n);
    *session = cloudhost_is_session(*id);
    return *session;
}

bool cloudhost_command_in(struct str text, struct str *id, bool *session)
{
    static const struct str before[] = {
#define B(text) { text, sizeof(text) - 1 }
        B("-worker] ["),      B("aws.ssm."),    B("orchestration/"),
        B("orchestration\\"), B("document - "), B("document: "),
        B("document "),       B("command: "),   B("command "),
        B("session: "),       B("session "),    B("sessionId="),
        B("Session ID: "),
#undef B
    };
    text = str_sub(text, 0, 4096);
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        struct str rest = text;
        for (int tries = 0; tries < 8; tries++) {
            size_t at = str_find(rest, before[i]);
            if (at == SIZE_MAX)
                break;
            rest = str_sub(rest, at + before[i].n, rest.n);
            if (id_at(rest, id, session))
                return true;
        }
    }
    return false;
}

/* ---- ids of paths -------------------------------------------------------- */

/* The component before the end of *path; shortens it. */
static struct str last_part(struct str *path)
{
    size_t from = path->n;
    while (from && path->p[from - 1] != '/' && path->p[from - 1] != '\\')
        from--;
    struct str part = str_sub(*path, from, path->n);
    path->n = from ? from - 1 : 0;
    return part;
}

/* Is it a folder whose entries are named by sessions? */
static bool holds_sessions(struct str folder)
{
    return str_ends(folder, STR("orchestration")) ||
           str_find(folder, STR("/state/")) != SIZE_MAX;
}

void cloudhost_open(struct cloudhost *h, struct import_job *job,
                    struct str service)
{
    enum { DEEP = 64 };
    struct str rest = job->name, below = STR_NONE;
    h->job = job;
    h->service = service;
    h->instance = h->command = h->plugin = STR_NONE;
    h->session = h->bare = false;
    h->refs.n = 0;
    h->refs.cut = false;
    h->masked = (struct buf){ 0 };
    for (int i = 0; i < DEEP && rest.n; i++) {
        struct str part = last_part(&rest);
        bool uuid = cloudhost_is_uuid(part);
        if (h->instance.n == 0 && cloudhost_is_instance(part)) {
            h->instance = part;
        } else if (h->command.n == 0 &&
                   (uuid ||
                    (holds_sessions(rest) && cloudhost_is_session(part)))) {
            h->command = part;
            h->session = !uuid;
            if (i > 1)
                h->plugin = below;
        }
        below = part;
    }
}

void cloudhost_close(struct cloudhost *h)
{
    buf_free(&h->masked);
}

/* ---- records ------------------------------------------------------------- */

static unsigned instance_kind(struct str id)
{
    return id.n && id.p[0] == 'm' ? KIND_RESOURCE : KIND_INSTANCE;
}

void cloudhost_begin(struct cloudhost *h)
{
    h->refs.n = 0;
    h->refs.cut = false;
    refs_add(&h->refs, instance_kind(h->instance), ROLE_WHERE, h->instance);
    refs_add(&h->refs, KIND_COMMAND, ROLE_MENTIONED, h->command);
}

/* An address with a secret in it is not the same in every text. */
static bool is_masked(struct str url)
{
    return str_find(url, STR("[masked")) != SIZE_MAX;
}

static int add_ref(void *ctx, size_t off, unsigned kind, struct str v)
{
    struct refs *refs = ctx;
    struct arn a;
    (void)off;
    if (kind == KIND_NONE || (kind == KIND_URL && is_masked(v)))
        return 0;
    if (arn_parse(v, &a))
        identify_add(refs, ROLE_MENTIONED, v);
    else
        refs_add(refs, kind, ROLE_MENTIONED, v);
    return 0;
}

void cloudhost_mention(struct cloudhost *h, struct str text)
{
    identify_text(text, add_ref, &h->refs);
}

int cloudhost_record(struct cloudhost *h, struct record *r)
{
    buf_clear(&h->masked);
    if (mask_secrets(r->text, &h->masked)) {
        r->text = buf_str(&h->masked);
        r->flags |= EVENT_SECRET;
    }
    if (h->masked.failed)
        return ERR_INTERNAL;
    if (!h->bare) /* masked, since addresses of files hold signatures */
        cloudhost_mention(h, r->text);
    if (r->service.n == 0)
        r->service = h->service;
    r->refs = h->refs.v;
    r->n_refs = h->refs.n;
    if (h->refs.cut)
        r->flags |= EVENT_REFS_CUT;
    int rc = sink_record(h->job->sink, r);
    arena_reset(h->job->arena);
    return rc;
}

bool cloudhost_whole(struct import_job *job, size_t most, struct str *all)
{
    struct input *in = job->in;
    while (!in->eof && in->n < most)
        if (input_more(in, 0))
            return false;
    *all = (struct str){ in->p, in->n };
    return true;
}

void cloudhost_modified(const struct cloudhost *h, struct record *r)
{
    if (!h->job->has_modified)
        return;
    r->timed = true;
    r->t = h->job->modified;
    r->t_kind = TIME_MODIFIED;
    r->t_zone = ZONE_FORMAT;
    r->t_res = h->job->modified.ns ? 9 : 0;
}
