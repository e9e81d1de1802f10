/*
 * One CloudTrail event (CloudTrail user guide, "CloudTrail record contents",
 * versions 1.00 to 1.11; Insights and aggregated events too). Fields are
 * found by the object they are in and their name; every string anywhere is
 * looked at for identifiers. A field of another type than documented is
 * skipped and flagged, it never drops the event.
 */
#include "importers/cloudtrail.h"

#include <stdlib.h>

/* ---- where we are in the event ----------------------------------------------
 */

enum context {
    IN_OTHER,
    IN_EVENT,
    IN_IDENTITY,
    IN_SESSION,
    IN_ISSUER,
    IN_ATTRIBUTES,
    IN_REQUEST,
    IN_REQUEST_DEEP, /* objects within: identifiers, no named fields */
    IN_RESPONSE,
    IN_RESOURCES,
    IN_INSIGHT,
    IN_WINDOW,
    IN_SUMMARY,
};

enum field {
    F_NONE,
    F_EVENT_TIME,
    F_EVENT_NAME,
    F_EVENT_SOURCE,
    F_REGION,
    F_SOURCE_IP,
    F_USER_AGENT,
    F_ERROR_CODE,
    F_REQUEST_ID,
    F_EVENT_ID,
    F_RECIPIENT,
    F_READ_ONLY,
    F_CATEGORY,
    F_SHARED_ID,
    F_VERSION,
    F_TIMESTAMP,
    F_ID_ARN,
    F_ID_KEY,
    F_ID_ACCOUNT,
    F_ID_PRINCIPAL,
    F_ID_USER,
    F_ID_INVOKED,
    F_ISSUER_ARN,
    F_ISSUER_USER,
    F_MFA,
    F_BUCKET,
    F_OBJECT,
    F_USER,
    F_FUNCTION,
    F_ROLE_ARN,
    F_INSTANCE,
    F_TRAIL,
    F_COMMAND,
    F_KEY_MADE,
    F_SESSION_ID,
    F_NAMED,
    F_ERROR_MESSAGE,
    F_COUNT
};

struct name {
    const char *text;
    uint8_t n, context, what; /* enum field, or the context it opens */
    bool opens;
};

#define FIELD(context, text, what)                                             \
    {                                                                          \
        text, sizeof(text) - 1, context, what, 0                               \
    }
#define OPENS(context, text, what)                                             \
    {                                                                          \
        text, sizeof(text) - 1, context, what, 1                               \
    }
static const struct name names[] = {
    FIELD(IN_EVENT, "eventTime", F_EVENT_TIME),
    FIELD(IN_EVENT, "@timestamp", F_TIMESTAMP), /* Logstash: no eventTime */
    FIELD(IN_EVENT, "eventName", F_EVENT_NAME),
    FIELD(IN_EVENT, "eventSource", F_EVENT_SOURCE),
    FIELD(IN_EVENT, "awsRegion", F_REGION),
    FIELD(IN_EVENT, "sourceIPAddress", F_SOURCE_IP),
    FIELD(IN_EVENT, "userAgent", F_USER_AGENT),
    FIELD(IN_EVENT, "errorCode", F_ERROR_CODE),
    FIELD(IN_EVENT, "errorMessage", F_ERROR_MESSAGE),
    FIELD(IN_EVENT, "requestID", F_REQUEST_ID),
    FIELD(IN_EVENT, "eventID", F_EVENT_ID),
    FIELD(IN_EVENT, "eventId", F_EVENT_ID),
    FIELD(IN_EVENT, "recipientAccountId", F_RECIPIENT),
    FIELD(IN_EVENT, "accountId", F_RECIPIENT),
    FIELD(IN_EVENT, "readOnly", F_READ_ONLY),
    FIELD(IN_EVENT, "eventCategory", F_CATEGORY),
    FIELD(IN_EVENT, "sharedEventID", F_SHARED_ID),
    FIELD(IN_EVENT, "eventVersion", F_VERSION),
    OPENS(IN_EVENT, "userIdentity", IN_IDENTITY),
    OPENS(IN_EVENT, "requestParameters", IN_REQUEST),
    OPENS(IN_EVENT, "responseElements", IN_RESPONSE),
    OPENS(IN_EVENT, "resources", IN_RESOURCES),
    OPENS(IN_EVENT, "insightDetails", IN_INSIGHT),
    OPENS(IN_EVENT, "timeWindow", IN_WINDOW),
    OPENS(IN_EVENT, "summary", IN_SUMMARY),
    FIELD(IN_IDENTITY, "arn", F_ID_ARN),
    FIELD(IN_IDENTITY, "accessKeyId", F_ID_KEY),
    FIELD(IN_IDENTITY, "accountId", F_ID_ACCOUNT),
    FIELD(IN_IDENTITY, "principalId", F_ID_PRINCIPAL),
    FIELD(IN_IDENTITY, "userName", F_ID_USER),
    FIELD(IN_IDENTITY, "invokedBy", F_ID_INVOKED),
    OPENS(IN_IDENTITY, "sessionContext", IN_SESSION),
    OPENS(IN_SESSION, "sessionIssuer", IN_ISSUER),
    OPENS(IN_SESSION, "attributes", IN_ATTRIBUTES),
    FIELD(IN_ISSUER, "arn", F_ISSUER_ARN),
    FIELD(IN_ISSUER, "userName", F_ISSUER_USER),
    FIELD(IN_ATTRIBUTES, "mfaAuthenticated", F_MFA),
    FIELD(IN_REQUEST, "bucketName", F_BUCKET),
    FIELD(IN_REQUEST, "key", F_OBJECT),
    FIELD(IN_REQUEST, "userName", F_USER),
    FIELD(IN_REQUEST, "functionName", F_FUNCTION),
    FIELD(IN_REQUEST, "roleArn", F_ROLE_ARN),
    FIELD(IN_REQUEST, "instanceId", F_INSTANCE),
    FIELD(IN_REQUEST, "trailName", F_TRAIL),
    FIELD(IN_REQUEST, "commandId", F_COMMAND),
    FIELD(IN_REQUEST, "sessionId", F_SESSION_ID),
    FIELD(IN_REQUEST, "roleName", F_NAMED),
    FIELD(IN_REQUEST, "groupName", F_NAMED),
    FIELD(IN_REQUEST, "policyArn", F_NAMED),
    FIELD(IN_REQUEST, "logGroupName", F_NAMED),
    FIELD(IN_REQUEST, "tableName", F_NAMED),
    FIELD(IN_REQUEST, "secretId", F_NAMED),
    FIELD(IN_REQUEST, "keyId", F_NAMED),
    FIELD(IN_REQUEST, "name", F_NAMED),
    FIELD(IN_REQUEST, "accessKeyId", F_NAMED),
    FIELD(IN_RESPONSE, "accessKeyId", F_KEY_MADE),
    FIELD(IN_RESPONSE, "commandId", F_COMMAND),
    FIELD(IN_RESPONSE, "sessionId", F_SESSION_ID),
    FIELD(IN_INSIGHT, "eventName", F_EVENT_NAME),
    FIELD(IN_INSIGHT, "eventSource", F_EVENT_SOURCE),
    FIELD(IN_INSIGHT, "errorCode", F_ERROR_CODE),
    FIELD(IN_WINDOW, "windowStart", F_EVENT_TIME),
};

enum { BUCKETS = 256 };

/* A perfect enough table: bucket by length, first and last character. */
struct name_table {
    uint8_t first[BUCKETS]; /* index + 1 into names */
    uint8_t next[sizeof(names) / sizeof(*names)];
};

static unsigned bucket_of(const char *p, size_t n)
{
    return (unsigned)(n * 7 + (unsigned char)p[0] * 3 +
                      (unsigned char)p[n - 1] * 11) %
           BUCKETS;
}

static void build_table(struct name_table *t)
{
    memset(t, 0, sizeof(*t));
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        unsigned b = bucket_of(names[i].text, names[i].n);
        t->next[i] = t->first[b];
        t->first[b] = (uint8_t)(i + 1);
    }
}

static const struct name *find_name(const struct name_table *t,
                                    unsigned context, struct str key)
{
    if (key.n == 0 || context == IN_OTHER)
        return NULL;
    for (unsigned i = t->first[bucket_of(key.p, key.n)]; i;
         i = t->next[i - 1]) {
        const struct name *n = &names[i - 1];
        if (n->n == key.n && n->context == context &&
            str_same(n->text, key.p, key.n))
            return n;
    }
    return NULL;
}

/* ---- decoding
 * ------------------------------------------------------------------ */

enum { LEVELS = JSON_DEPTH + 1 };

struct level {
    uint8_t context;
    bool array;
    uint32_t index;
    uint64_t hash; /* of the path here, for the content hash */
};

struct cloudtrail_decoder {
    struct json *j;
    struct arena *a;
    const struct hash_key *key;
    struct cloudtrail_event *e;
    struct name_table table;
    struct str value[F_COUNT];
    uint64_t seen; /* fields met, for duplicate keys */
    uint64_t body;
    struct level levels[LEVELS];
    unsigned depth;
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t m =
        (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xe7037ed1a0b428dbu);
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Names of members are few and short: their ends and length tell enough for
 * a comparison of two copies of one event. */
static uint64_t key_of(struct str k)
{
    uint64_t a = k.n, b = 0;
    if (k.n >= 8) {
        memcpy(&a, k.p, 8);
        memcpy(&b, k.p + k.n - 8, 8);
    } else {
        memcpy(&b, k.p, k.n);
    }
    return a * 0x9e3779b97f4a7c15u ^ b * 0xc2b2ae3d27d4eb4fu ^ k.n << 56;
}

static struct str decoded(struct cloudtrail_decoder *d, struct str s,
                          unsigned flags)
{
    if (!flags)
        return s;
    if (flags & JSON_ESCAPED && !json_decode(s, d->a, &s))
        return STR_NONE;
    if (flags & (JSON_BAD_UTF8 | JSON_SURROGATE))
        d->e->r.flags |= EVENT_BAD_TEXT;
    return s;
}

static void keep(struct cloudtrail_decoder *d, enum field f, struct str s)
{
    if (d->seen >> f & 1 && f != F_NAMED)
        d->e->r.flags |= EVENT_DUPLICATE_KEY;
    d->seen |= 1ull << f;
    d->value[f] = s;
}

static unsigned role_in(const struct cloudtrail_decoder *d)
{
    switch (d->levels[d->depth].context) {
    case IN_IDENTITY:
        return ROLE_ACTOR;
    case IN_ISSUER:
        return ROLE_ISSUER;
    case IN_REQUEST:
    case IN_REQUEST_DEEP:
    case IN_RESOURCES:
        return ROLE_TARGET;
    default:
        return ROLE_MENTIONED;
    }
}

/* Scalars add to the content hash by path and value, so the order of members
 * and white space do not matter. */
static void hash_scalar(struct cloudtrail_decoder *d, uint64_t path,
                        struct str s)
{
    d->body += mix(path, hash_bytes(d->key, s.p, s.n));
}

static uint64_t path_here(struct cloudtrail_decoder *d, uint64_t key_hash)
{
    struct level *l = &d->levels[d->depth];
    return (l->hash ^ (l->array ? ++l->index : key_hash)) * 0x9fb21c651e98df25u;
}

static void take_string(struct cloudtrail_decoder *d, const struct name *n,
                        uint64_t key_hash)
{
    struct str s = decoded(d, d->j->text, d->j->flags);
    hash_scalar(d, path_here(d, key_hash), s);
    if (n && !n->opens) {
        keep(d, n->what, s);
        if (n->context == IN_EVENT && n->what != F_SHARED_ID)
            return; /* columns of their own */
        if (n->what == F_KEY_MADE || n->what == F_ID_KEY ||
            n->what == F_ISSUER_ARN || n->what == F_ID_ARN)
            return; /* see columns() */
    } else if (n) {
        d->e->r.flags |= EVENT_BAD_FIELD;
    }
    if (identify_may(s))
        identify_add(&d->e->refs, role_in(d), s);
}

static void take_other(struct cloudtrail_decoder *d, const struct name *n,
                       enum json_type t, uint64_t key_hash)
{
    hash_scalar(d, path_here(d, key_hash), d->j->text);
    if (!n || t == JSON_NULL)
        return;
    if (n->opens) {
        d->e->r.flags |= EVENT_BAD_FIELD;
    } else if (n->what == F_READ_ONLY || n->what == F_MFA) {
        keep(d, n->what, d->j->text);
    } else {
        d->e->r.flags |= EVENT_BAD_FIELD;
    }
}

static void open_level(struct cloudtrail_decoder *d, const struct name *n,
                       bool array, uint64_t key_hash)
{
    struct level *up = &d->levels[d->depth];
    uint8_t context = up->context;
    uint64_t hash = path_here(d, key_hash);
    if (n && n->opens)
        context = n->what;
    else if (n && !n->opens)
        d->e->r.flags |= EVENT_BAD_FIELD;
    else if (context == IN_REQUEST)
        context = IN_REQUEST_DEEP;
    else if (!up->array && context != IN_REQUEST_DEEP && context != IN_RESPONSE)
        context = IN_OTHER; /* an object we do not know */
    d->levels[++d->depth] = (struct level){ context, array, 0, hash };
}

/* Walks the event's tokens; the first one, '{', has been read. */
static bool walk(struct cloudtrail_decoder *d)
{
    d->depth = 0;
    d->levels[0] = (struct level){ IN_EVENT, false, 0, 1 };
    for (;;) {
        enum json_type t = json_member(d->j);
        const struct name *n = NULL;
        uint64_t key_hash = 0;
        if (d->j->key.p) {
            struct str key = d->j->key;
            if (d->j->key_flags & JSON_ESCAPED)
                key = decoded(d, key, d->j->key_flags);
            n = find_name(&d->table, d->levels[d->depth].context, key);
            key_hash = key_of(key);
        }
        switch (t) {
        case JSON_ERROR:
        case JSON_END:
            return false;
        case JSON_OBJECT:
        case JSON_ARRAY:
            open_level(d, n, t == JSON_ARRAY, key_hash);
            break;
        case JSON_OBJECT_END:
        case JSON_ARRAY_END:
            if (d->depth == 0)
                return true;
            d->depth--;
            break;
        case JSON_STRING:
            take_string(d, n, key_hash);
            break;
        default:
            take_other(d, n, t, key_hash);
        }
    }
}

/* ---- columns
 * ----------------------------------------------------------------------- */

static void take_time(struct cloudtrail_decoder *d)
{
    struct record *r = &d->e->r;
    struct time_text t;
    struct str s = d->value[F_EVENT_TIME];
    if (s.n == 0)
        s = d->value[F_TIMESTAMP];
    if (s.n == 0)
        return;
    if (!time_parse(s, &t)) {
        r->flags |= EVENT_BAD_FIELD;
        return;
    }
    r->timed = true;
    r->t = t.t;
    r->t_zone = (uint8_t)t.zone;
    r->t_res = t.res;
    if (t.leap)
        r->flags |= EVENT_LEAP;
    if (t.t.s < 631152000) /* 1990 */
        r->flags |= EVENT_IMPLAUSIBLE;
}

static void take_source_ip(struct cloudtrail_decoder *d)
{
    struct str s = d->value[F_SOURCE_IP], ip;
    if (identify_ip(s, d->e->ip, &ip))
        d->e->r.ip = ip;
    else if (memchr(s.p ? s.p : "", '.', s.n))
        refs_add(&d->e->refs, KIND_DOMAIN, ROLE_FROM, s);
}

static void take_actor(struct cloudtrail_decoder *d)
{
    struct record *r = &d->e->r;
    r->actor_kind = KIND_PRINCIPAL;
    if (d->value[F_ID_ARN].n) {
        struct arn a;
        r->actor = d->value[F_ID_ARN];
        if (arn_parse(r->actor, &a) && identify_account(a.account) &&
            !str_eq(a.account, d->value[F_ID_ACCOUNT]))
            refs_add(&d->e->refs, KIND_ACCOUNT, ROLE_ACTOR, a.account);
    } else if (d->value[F_ID_INVOKED].n) {
        r->actor = d->value[F_ID_INVOKED];
        r->actor_kind = KIND_SERVICE;
    } else if (d->value[F_ID_USER].n) {
        r->actor = d->value[F_ID_USER];
        r->actor_kind = KIND_USER;
    } else if (d->value[F_ID_PRINCIPAL].n) {
        r->actor = d->value[F_ID_PRINCIPAL];
        r->actor_kind = KIND_SESSION;
    } else if (identify_account(d->value[F_ID_ACCOUNT])) {
        r->actor = d->value[F_ID_ACCOUNT];
        r->actor_kind = KIND_ACCOUNT;
    }
    if (d->value[F_ID_USER].n)
        refs_add(&d->e->refs, KIND_USER, ROLE_ACTOR, d->value[F_ID_USER]);
    struct str key = d->value[F_ID_KEY];
    if (key.n >= 16 && key.n <= 128)
        r->key = key;
}

static struct str object_name(struct cloudtrail_decoder *d)
{
    struct buf *b = &d->e->scratch;
    buf_clear(b);
    buf_put(b, d->value[F_BUCKET]);
    buf_putc(b, '/');
    buf_put(b, d->value[F_OBJECT]);
    return buf_str(b);
}

static void take_target(struct cloudtrail_decoder *d)
{
    static const struct {
        uint8_t field, kind;
    } order[] = {
        { F_INSTANCE, KIND_INSTANCE },  { F_FUNCTION, KIND_FUNCTION },
        { F_USER, KIND_USER },          { F_ROLE_ARN, KIND_ROLE },
        { F_TRAIL, KIND_TRAIL },        { F_COMMAND, KIND_COMMAND },
        { F_SESSION_ID, KIND_COMMAND }, { F_NAMED, KIND_RESOURCE },
    };
    struct record *r = &d->e->r;
    struct refs *refs = &d->e->refs;
    if (d->value[F_BUCKET].n) {
        r->target = d->value[F_BUCKET];
        r->target_kind = KIND_BUCKET;
        if (d->value[F_OBJECT].n) {
            refs_add(refs, KIND_BUCKET, ROLE_TARGET, d->value[F_BUCKET]);
            r->target = object_name(d);
            r->target_kind = KIND_OBJECT;
        }
        return;
    }
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        struct str v = d->value[order[i].field];
        if (v.n == 0)
            continue;
        unsigned kind = identify(v);
        if (kind == KIND_NONE || kind == KIND_RESOURCE)
            kind = order[i].kind;
        if (r->target.n == 0) {
            r->target = v;
            r->target_kind = (uint8_t)kind;
        } else {
            refs_add(refs, kind, ROLE_TARGET, v);
        }
    }
    for (size_t i = 0; i < refs->n && r->target.n == 0; i++)
        if (refs->v[i].role == ROLE_TARGET) {
            r->target = refs->v[i].value;
            r->target_kind = refs->v[i].kind;
        }
}

/* What the call made: keys, and resources that the answer names first. */
static void take_issued(struct cloudtrail_decoder *d)
{
    static const char *const makers[] = { "Create",   "Run",      "Copy",
                                          "Allocate", "Register", "Import" };
    struct str action = d->e->r.action;
    struct refs *refs = &d->e->refs;
    if (d->value[F_KEY_MADE].n)
        refs_add(refs, KIND_KEY, ROLE_ISSUED, d->value[F_KEY_MADE]);
    bool makes = false;
    for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++)
        makes |= str_starts(action, str_from(makers[i]));
    if (!makes)
        return;
    for (size_t i = 0; i < refs->n; i++) {
        struct record_ref *r = &refs->v[i];
        bool resource =
            (r->kind >= KIND_INSTANCE && r->kind <= KIND_SECURITY_GROUP);
        if (r->role == ROLE_MENTIONED && resource)
            r->role = ROLE_ISSUED;
    }
}

static struct str id_bytes(struct str s, unsigned char out[16])
{
    if (identify_uuid(s, out))
        return (struct str){ (char *)out, 16 };
    return s;
}

static bool is_true(struct str s)
{
    return str_eq(s, STR("true"));
}

static void columns(struct cloudtrail_decoder *d)
{
    struct record *r = &d->e->r;
    struct cloudtrail_event *e = d->e;
    r->action = d->value[F_EVENT_NAME];
    r->service = d->value[F_EVENT_SOURCE];
    r->region = d->value[F_REGION];
    r->agent = d->value[F_USER_AGENT];
    r->outcome = d->value[F_ERROR_CODE];
    if (r->outcome.n == 0 && d->value[F_ERROR_MESSAGE].n)
        r->outcome =
            str_eq(d->value[F_ERROR_MESSAGE], STR("Failed authentication"))
                ? STR("FailedAuthentication")
                : STR("Error");
    if (identify_account(d->value[F_RECIPIENT]))
        r->account = d->value[F_RECIPIENT];
    r->uid = id_bytes(d->value[F_EVENT_ID], e->uid);
    r->request = id_bytes(d->value[F_REQUEST_ID], e->request);
    if (d->value[F_SHARED_ID].n)
        refs_add(&e->refs, KIND_SHARED_EVENT, ROLE_MENTIONED,
                 d->value[F_SHARED_ID]);
    if (is_true(d->value[F_READ_ONLY]))
        r->flags |= EVENT_READ_ONLY;
    if (is_true(d->value[F_MFA]))
        r->flags |= EVENT_MFA;
    if (str_eq(d->value[F_CATEGORY], STR("Data")))
        r->flags |= EVENT_DATA;
    if (str_eq(d->value[F_CATEGORY], STR("Aggregated"))) {
        r->flags |= EVENT_PERIOD | EVENT_DATA;
        r->t_kind = TIME_START;
        if (r->action.n == 0)
            r->action = STR("(aggregated)");
    }
    take_time(d);
    take_source_ip(d);
    take_actor(d);
    take_target(d);
    take_issued(d);
    if (d->value[F_ISSUER_ARN].n)
        refs_add(&e->refs, KIND_ROLE, ROLE_ISSUER, d->value[F_ISSUER_ARN]);
}

bool cloudtrail_decode(struct json *j, const struct hash_key *body_key,
                       struct arena *a, struct cloudtrail_event *e)
{
    struct cloudtrail_decoder *d = e->decoder;
    if (!d) {
        d = e->decoder = calloc(1, sizeof(*d));
        if (!d) {
            j->error = "out of memory";
            return false;
        }
        build_table(&d->table);
    }
    d->j = j;
    d->a = a;
    d->key = body_key;
    d->e = e;
    d->seen = d->body = 0;
    memset(d->value, 0, sizeof(d->value));
    e->r = (struct record){ 0 };
    e->refs.n = 0;
    e->refs.cut = false;
    if (json_next(j) != JSON_OBJECT) {
        if (!j->error) {
            j->error = "an object expected";
            j->at = j->start;
        }
        return false;
    }
    if (!walk(d))
        return false;
    columns(d);
    e->r.refs = e->refs.v;
    e->r.n_refs = e->refs.n;
    if (e->refs.cut)
        e->r.flags |= EVENT_REFS_CUT;
    uint32_t h = (uint32_t)(d->body >> 33); /* 31 bits: 4 bytes stored */
    e->r.body_hash = h ? h : 1;
    e->looks_right = (d->value[F_EVENT_NAME].n && d->value[F_EVENT_SOURCE].n) ||
                     (d->value[F_VERSION].n && d->value[F_EVENT_ID].n);
    return true;
}

void cloudtrail_event_free(struct cloudtrail_event *e)
{
    buf_free(&e->scratch);
    free(e->decoder);
    e->decoder = NULL;
}
