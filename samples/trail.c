/* CloudTrail: the record of one call, and the delivery of all records into
 * files on the five-minute grid. */
#include "samples/gen.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOT = 300, FILE_MAX_EVENTS = 90 };

struct event {
    int64_t t, slot; /* slot: the delivery, on the grid */
    const char *region, *id, *json;
    bool twice;
    bool data, copy;
    uint64_t order; /* within its file: not by time, as in life */
};

/* ---- who ------------------------------------------------------------------
 */

const char *who_user(struct gen *g, const char *name, const char *id,
                     const char *key, int64_t since, const char *mfa)
{
    const char *session =
        since ? js(g,
                   ",'sessionContext':{'attributes':{'creationDate':'%s',"
                   "'mfaAuthenticated':'%s'}}",
                   iso(g, since), mfa)
              : "";
    return js(
        g,
        "{'type':'IAMUser','principalId':'%s','arn':'arn:aws:iam::" ACCOUNT
        ":user/%s','accountId':'" ACCOUNT "'%s,'userName':'%s'%s}",
        id, name, key ? js(g, ",'accessKeyId':'%s'", key) : "", name, session);
}

const char *who_service(struct gen *g, const char *service)
{
    return js(g, "{'type':'AWSService','invokedBy':'%s'}", service);
}

const char *who_role(struct gen *g, const struct session *s)
{
    const char *web = s->provider
                          ? js(g,
                               "{'federatedProvider':'arn:aws:iam::" ACCOUNT
                               ":oidc-provider/%s','attributes':{}}",
                               s->provider)
                          : NULL;
    const char *path = s->invoked_by && strncmp(s->role, "AWSService", 10) == 0
                           ? text(g, "aws-service-role/%s/", s->invoked_by)
                           : "";
    return js(
        g,
        "{'type':'AssumedRole','principalId':'%s:%s','arn':'arn:aws:sts:"
        ":" ACCOUNT ":assumed-role/%s/%s','accountId':'" ACCOUNT
        "','accessKeyId':'%s','sessionContext':{'sessionIssuer':{'type':'Role',"
        "'principalId':'%s','arn':'arn:aws:iam::" ACCOUNT
        ":role/%s%s','accountId':'" ACCOUNT
        "','userName':'%s'},%s'attributes':{'creationDate':'%s',"
        "'mfaAuthenticated':'false'}%s}%s}",
        s->role_id, s->name, s->role, s->name, s->key, s->role_id, path,
        s->role, s->role, web ? js(g, "'webIdFederationData':%s,", web) : "",
        iso(g, s->since),
        s->delivery ? js(g, ",'ec2RoleDelivery':'%s'", s->delivery) : "",
        s->invoked_by ? js(g, ",'invokedBy':'%s'", s->invoked_by) : "");
}

/* Instances get new credentials of their role every six hours. */
int64_t app_key_since(int server, int64_t t)
{
    int64_t first = server == 1 ? at(1, 2, 0, 0) : at(1, 4, 50, 23);
    int64_t since = t - (t - first) % APP_KEY_PERIOD;
    return server == 1 && since < APP1_STARTED ? APP1_STARTED : since;
}

const char *app_key(struct gen *g, int server, int64_t t)
{
    int64_t since = app_key_since(server, t);
    if (server == 1 && since == at(11, 2, 0, 0))
        return STOLEN_KEY;
    struct chance keep = g->rng;
    g->rng = chance_of("app key", (uint64_t)since);
    const char *key = text(g, "ASIA%cPP%sEXAMPLE", server == 1 ? 'A' : 'B',
                           letters(g, BASE32, 6));
    g->rng = keep;
    return key;
}

const char *who_app(struct gen *g, int server, int64_t t)
{
    return who_role(
        g, &(struct session){ .role = APP_ROLE,
                              .role_id = APP_ROLE_ID,
                              .name = server == 1 ? APP1_ID : APP2_ID,
                              .key = app_key(g, server, t),
                              .since = app_key_since(server, t),
                              .delivery = server == 1 ? "1.0" : "2.0" });
}

/* ---- one record -----------------------------------------------------------
 */

static const struct service {
    const char *name, *version, *api, *host; /* host: %s = region */
} services[] = {
    { "ec2", "1.11", NULL, "ec2.%s.amazonaws.com" },
    { "s3", "1.11", NULL, NULL },
    { "kms", "1.11", NULL, "kms.%s.amazonaws.com" },
    { "iam", "1.11", NULL, "iam.amazonaws.com" },
    { "sts", "1.09", NULL, "sts.%s.amazonaws.com" },
    { "lambda", "1.11", NULL, "lambda.%s.amazonaws.com" },
    { "rds", "1.11", NULL, "rds.%s.amazonaws.com" },
    { "monitoring", "1.11", NULL, "monitoring.%s.amazonaws.com" },
    { "elasticloadbalancing", "1.09", "2015-12-01",
      "elasticloadbalancing.%s.amazonaws.com" },
    { "cloudfront", "1.09", "2020_05_31", "cloudfront.amazonaws.com" },
};

static const struct service *service_of(const char *source)
{
    static const struct service other = { "", "1.09", NULL,
                                          "%s.amazonaws.com" };
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        size_t n = strlen(services[i].name);
        if (strncmp(source, services[i].name, n) == 0 && source[n] == '.')
            return &services[i];
    }
    return &other;
}

static const char *tls_host(struct gen *g, const struct call *c,
                            const struct service *s)
{
    int name = (int)strcspn(c->service, ".");
    if (strcmp(s->name, "s3") == 0)
        return c->flags & DATA
                   ? text(g, REPORTS ".s3.%s.amazonaws.com", c->region)
                   : text(g, "s3.%s.amazonaws.com", c->region);
    if (!s->name[0])
        return text(g, "%.*s.%s.amazonaws.com", name, c->service, c->region);
    return strchr(s->host, '%')
               ? text(g, "%.*s.%s.amazonaws.com", name, c->service, c->region)
               : s->host;
}

static void put_member(struct buf *b, const char *name, const char *value)
{
    if (value)
        buf_printf(b, ",\"%s\":%s", name, value);
}

static void put_text(struct buf *b, const char *name, const char *value)
{
    if (value)
        buf_printf(b, ",\"%s\":\"%s\"", name, value);
}

static void put_head(struct gen *g, struct buf *b, const struct call *c,
                     const struct service *s)
{
    buf_printf(b, "{\"eventVersion\":\"%s\",\"userIdentity\":%s", s->version,
               c->who);
    put_text(b, "eventTime", iso(g, c->t));
    put_text(b, "eventSource", c->service);
    put_text(b, "eventName", c->name);
    put_text(b, "awsRegion", c->region);
    put_text(b, "sourceIPAddress", c->ip);
    put_text(b, "userAgent", c->agent);
    put_text(b, "errorCode", c->error);
    put_text(b, "errorMessage", c->message);
    put_member(b, "requestParameters", c->params ? c->params : "null");
    put_member(b, "responseElements", c->response ? c->response : "null");
    put_member(b, "additionalEventData", c->additional);
}

static void put_tail(struct gen *g, struct buf *b, const struct call *c,
                     const struct service *s, const char *id)
{
    bool signin = c->type && strcmp(c->type, "AwsConsoleSignIn") == 0;
    if (!signin && !(c->flags & SERVICE))
        put_text(b, "requestID",
                 strcmp(s->name, "s3") == 0 ? letters(g, HEX_UPPER, 16)
                                            : uuid(g));
    put_text(b, "eventID", id);
    put_member(b, "readOnly", c->flags & READ ? "true" : "false");
    put_member(b, "resources", c->resources);
    put_text(b, "eventType", c->type ? c->type : "AwsApiCall");
    put_text(b, "apiVersion", s->api);
    put_member(b, "managementEvent", c->flags & DATA ? "false" : "true");
    put_text(b, "recipientAccountId", ACCOUNT);
    put_text(b, "sharedEventID", c->shared);
    put_text(b, "vpcEndpointId", c->endpoint);
    if (c->endpoint)
        put_text(b, "vpcEndpointAccountId", ACCOUNT);
    put_member(b, "serviceEventDetails", c->details);
    put_text(b, "eventCategory", c->flags & DATA ? "Data" : "Management");
    if (signin)
        put_member(b, "tlsDetails",
                   js(g, "{'tlsVersion':'TLSv1.3','cipherSuite':"
                         "'TLS_AES_128_GCM_SHA256','clientProvidedHostHeader':"
                         "'" GLOBAL ".signin.aws.amazon.com'}"));
    else if (!strstr(c->ip, "amazonaws.com") && !(c->flags & SERVICE))
        put_member(b, "tlsDetails",
                   js(g,
                      "{'tlsVersion':'TLSv1.3','cipherSuite':"
                      "'TLS_AES_128_GCM_SHA256','clientProvidedHostHeader':"
                      "'%s'}",
                      tls_host(g, c, s)));
    if (c->flags & CONSOLE)
        put_text(b, "sessionCredentialFromConsole", "true");
    buf_putc(b, '}');
}

void call(struct gen *g, const struct call *c)
{
    if (g->n_events == g->cap_events) {
        g->cap_events = g->cap_events ? g->cap_events * 2 : 4096;
        g->events = realloc(g->events, g->cap_events * sizeof *g->events);
        if (!g->events)
            die("out of memory");
    }
    struct call full = *c;
    if (!full.region)
        full.region = HOME;
    const struct service *s = service_of(full.service);
    const char *id = uuid(g);
    struct buf b = { 0 };
    put_head(g, &b, &full, s);
    put_tail(g, &b, &full, s, id);
    int64_t arrives = full.t + 75 + (int64_t)chance_below(&g->rng, 140);
    g->events[g->n_events++] = (struct event){
        .t = full.t,
        .slot = (arrives + SLOT - 1) / SLOT * SLOT,
        .region = full.region,
        .id = id,
        .json = arena_copy(&g->arena, buf_str(&b)).p,
        .twice = full.flags & TWICE,
        .data = full.flags & DATA,
        .order = chance_next(&g->rng),
    };
    buf_free(&b);
}

void object_call(struct gen *g, struct call c, const char *key, size_t bytes)
{
    bool put = strcmp(c.name, "PutObject") == 0;
    bool list = strcmp(c.name, "ListObjects") == 0;
    c.service = "s3.amazonaws.com";
    c.region = HOME;
    c.flags |= DATA | (put ? WRITE : READ);
    const char *host = js(g, "'bucketName':'" REPORTS "','Host':'" REPORTS
                             ".s3." HOME ".amazonaws.com'");
    c.params = list ? js(g,
                         "{'list-type':'2','prefix':'%s','encoding-type':'url',"
                         "%s}",
                         key, host)
                    : js(g, "{%s,'key':'%s'}", host, key);
    size_t in = put ? bytes : 0, out = put ? 0 : bytes;
    if (c.error) {
        in = 0;
        out = 243;
    }
    if (put && !c.error)
        c.response = js(g, "{'x-amz-server-side-encryption':'AES256'}");
    c.additional = js(g,
                      "{'SignatureVersion':'SigV4','CipherSuite':"
                      "'TLS_AES_128_GCM_SHA256','bytesTransferredIn':%zu,"
                      "'AuthenticationMethod':'AuthHeader','x-amz-id-2':'%s=',"
                      "'bytesTransferredOut':%zu}",
                      in, letters(g, BASE64, 75), out);
    const char *bucket =
        js(g, "{'accountId':'" ACCOUNT "','type':'AWS::S3::Bucket','ARN':"
              "'arn:aws:s3:::" REPORTS "'}");
    c.resources =
        list ? js(g,
                  "[%s,{'type':'AWS::S3::Object','ARNPrefix':"
                  "'arn:aws:s3:::" REPORTS "/%s'}]",
                  bucket, key)
             : js(g,
                  "[{'type':'AWS::S3::Object','ARN':'arn:aws:s3:::" REPORTS
                  "/%s'},%s]",
                  key, bucket);
    call(g, &c);
}

/* ---- delivery -------------------------------------------------------------
 */

static bool in_tampered_period(const struct event *e)
{
    return e->data && e->t >= at(11, 3, 15, 40) && e->t < at(11, 3, 52, 0);
}

static bool in_delivery_gap(const struct event *e)
{
    return strcmp(e->region, HOME) == 0 && e->slot > at(12, 3, 0, 0) &&
           e->slot <= at(12, 5, 30, 0);
}

static size_t drop(struct gen *g, bool (*which)(const struct event *))
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n_events; i++)
        if (!which(&g->events[i]))
            g->events[kept++] = g->events[i];
    size_t gone = g->n_events - kept;
    g->n_events = kept;
    return gone;
}

/* The second delivery of some events: the next file, for global services the
 * folder of the other region. */
static size_t add_copies(struct gen *g)
{
    size_t n = g->n_events, copies = 0;
    for (size_t i = 0; i < n; i++) {
        if (!g->events[i].twice)
            continue;
        struct event e = g->events[i];
        e.copy = true;
        if (strcmp(e.region, GLOBAL) == 0)
            e.region = HOME;
        else
            e.slot += SLOT;
        if (g->n_events == g->cap_events) {
            g->cap_events *= 2;
            g->events = realloc(g->events, g->cap_events * sizeof *g->events);
            if (!g->events)
                die("out of memory");
        }
        g->events[g->n_events++] = e;
        copies++;
    }
    return copies;
}

static int by_file(const void *pa, const void *pb)
{
    const struct event *a = pa, *b = pb;
    int d = strcmp(a->region, b->region);
    if (d)
        return d;
    if (a->slot != b->slot)
        return a->slot < b->slot ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->copy - b->copy;
}

struct delivered {
    const char *path, *hash;
    int64_t slot, oldest, newest;
};

struct delivery {
    const char *root;
    struct delivered list[64]; /* of the hour that the digest covers */
    size_t n_list;
    size_t files, read, rejected, lost;
    const char **seen; /* event ids stored, in order of arrival */
    size_t n_seen, unique;
    char first[2][24], last[2][24];
};

static int cmp_id(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_damaged(const struct event *e)
{
    return strcmp(e->region, HOME) == 0 && e->slot == at(10, 6, 15, 0);
}

static bool is_digested(const struct event *e)
{
    return strcmp(e->region, HOME) == 0 && e->slot > at(11, 2, 5, 12) &&
           e->slot <= at(11, 3, 5, 12);
}

static const char *sha256_hex(struct gen *g, struct str s)
{
    unsigned char d[SHA256_DIGEST_LENGTH];
    struct buf b = { 0 };
    SHA256((const unsigned char *)s.p, s.n, d);
    buf_put_hex(&b, d, sizeof d);
    const char *hex = arena_copy(&g->arena, buf_str(&b)).p;
    buf_free(&b);
    return hex;
}

static const char *file_path(struct gen *g, const struct event *e,
                             unsigned chunk)
{
    g->rng = chance_of(e->region, (uint64_t)e->slot + chunk);
    int m = minute_of(e->slot), d = day_of(e->slot);
    return text(
        g,
        "cloudtrail/AWSLogs/" ACCOUNT "/CloudTrail/%s/2026/03/%02d/" ACCOUNT
        "_CloudTrail_%s_202603%02dT%02d%02dZ_%s.json.gz",
        e->region, d, e->region, d, m / 60, m % 60, letters(g, BASE64, 16));
}

static void remember(struct gen *g, struct delivery *d, const struct event *e,
                     size_t n, const char *path, struct str json)
{
    if (!is_digested(e) || d->n_list == 64)
        return;
    struct delivered *f = &d->list[d->n_list++];
    *f = (struct delivered){ path, sha256_hex(g, json), e->slot, e->t, e->t };
    for (size_t i = 0; i < n; i++) {
        f->oldest = e[i].t < f->oldest ? e[i].t : f->oldest;
        f->newest = e[i].t > f->newest ? e[i].t : f->newest;
    }
}

/* How many of n records are whole in the first `have` bytes. */
static size_t whole_records(const struct event *e, size_t n, size_t have)
{
    size_t end = strlen("{\"Records\":["), i = 0;
    while (i < n && end + strlen(e[i].json) <= have)
        end += strlen(e[i++].json) + 1;
    return i;
}

static void write_file(struct gen *g, struct delivery *d, struct event *e,
                       size_t n, unsigned chunk)
{
    const char *path = file_path(g, e, chunk);
    struct buf b = { 0 };
    buf_putz(&b, "{\"Records\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(&b, ',');
        buf_putz(&b, e[i].json);
    }
    buf_putz(&b, "]}");
    struct str packed = gz(g, buf_str(&b));
    size_t whole = n;
    if (is_damaged(e)) {
        packed.n = packed.n * 3 / 5;
        whole = whole_records(e, n, gunzip_cut(g, packed).n);
        d->lost += n - whole;
        d->rejected++;
    }
    file_write(d->root, path, packed);
    remember(g, d, e, n, path, buf_str(&b));
    buf_free(&b);
    for (size_t i = 0; i < whole; i++)
        d->seen[d->n_seen++] = e[i].id;
    buf_printf(&g->members, "%s\t%zu\t%d\n", path, whole, whole < n);
    d->files++;
    d->read += whole;
}

static void write_digest(struct gen *g, const struct delivery *d)
{
    struct buf b = { 0 };
    g->rng = chance_of("digest", 0);
    const char *folder =
        "AWSLogs/" ACCOUNT "/CloudTrail-Digest/" HOME "/2026/03/11/" ACCOUNT
        "_CloudTrail-Digest_" HOME "_" TRAIL "_" HOME "_20260311T";
    int64_t oldest = INT64_MAX, newest = 0;
    for (size_t i = 0; i < d->n_list; i++) {
        oldest = d->list[i].oldest < oldest ? d->list[i].oldest : oldest;
        newest = d->list[i].newest > newest ? d->list[i].newest : newest;
    }
    buf_putz(
        &b,
        js(g,
           "{'awsAccountId':'" ACCOUNT "','digestStartTime':"
           "'2026-03-11T02:05:12Z','digestEndTime':'2026-03-11T03:05:12Z',"
           "'digestS3Bucket':'corp-cloudtrail-" ACCOUNT "',"
           "'digestS3Object':'%s030512Z.json.gz',"
           "'digestPublicKeyFingerprint':'%s','digestSignatureAlgorithm':"
           "'SHA256withRSA','newestEventTime':'%s','oldestEventTime':'%s',",
           folder, letters(g, HEX_LOWER, 32), iso(g, newest), iso(g, oldest)));
    buf_putz(&b,
             js(g,
                "'previousDigestS3Bucket':'corp-cloudtrail-" ACCOUNT "',"
                "'previousDigestS3Object':'%s020512Z.json.gz',"
                "'previousDigestHashValue':'%s','previousDigestHashAlgorithm':"
                "'SHA-256','previousDigestSignature':'%s','logFiles':[",
                folder, letters(g, HEX_LOWER, 64), letters(g, HEX_LOWER, 512)));
    for (size_t i = 0; i < d->n_list; i++)
        buf_putz(&b, js(g,
                        "%s{'s3Bucket':'corp-cloudtrail-" ACCOUNT "',"
                        "'s3Object':'%s','hashValue':'%s','hashAlgorithm':"
                        "'SHA-256','newestEventTime':'%s','oldestEventTime':"
                        "'%s'}",
                        i ? "," : "", d->list[i].path + strlen("cloudtrail/"),
                        d->list[i].hash, iso(g, d->list[i].newest),
                        iso(g, d->list[i].oldest)));
    buf_putz(&b, "]}");
    file_write(d->root, text(g, "cloudtrail/%s030512Z.json.gz", folder),
               gz(g, buf_str(&b)));
    buf_free(&b);
}

static void count(struct gen *g, struct delivery *d)
{
    qsort(d->seen, d->n_seen, sizeof *d->seen, cmp_id);
    for (size_t i = 0; i < d->n_seen; i++)
        if (i == 0 || strcmp(d->seen[i], d->seen[i - 1]) != 0)
            d->unique++;
    fact_n(g, "cloudtrail.files", d->files);
    fact_n(g, "cloudtrail.digest_files", 1);
    fact_n(g, "cloudtrail.records", d->read);
    fact_n(g, "cloudtrail.unique", d->unique);
    fact_n(g, "cloudtrail.duplicates", d->read - d->unique);
    fact_n(g, "cloudtrail.rejected", d->rejected);
    fact_n(g, "cloudtrail.lost_in_damaged_file", d->lost);
}

void trail_deliver(struct gen *g, const char *root)
{
    size_t hidden = drop(g, in_tampered_period);
    size_t undelivered = drop(g, in_delivery_gap);
    add_copies(g);
    qsort(g->events, g->n_events, sizeof *g->events, by_file);
    struct delivery d = { .root = root };
    d.seen = calloc(g->n_events, sizeof *d.seen);
    if (!d.seen)
        die("out of memory");
    for (size_t i = 0, end; i < g->n_events; i = end) {
        unsigned chunk = 0;
        for (end = i;
             end < g->n_events && g->events[end].slot == g->events[i].slot &&
             strcmp(g->events[end].region, g->events[i].region) == 0;
             end++)
            ;
        for (size_t n; i < end; i += n, chunk++) {
            n = end - i < FILE_MAX_EVENTS ? end - i : FILE_MAX_EVENTS;
            write_file(g, &d, &g->events[i], n, chunk);
        }
    }
    write_digest(g, &d);
    count(g, &d);
    fact_n(g, "cloudtrail.data_events_not_recorded", hidden);
    fact_n(g, "cloudtrail.undelivered_in_gap", undelivered);
    fact(g, "cloudtrail.gap",
         HOME " 2026-03-12T03:00:00Z "
              "2026-03-12T05:30:00Z delivery");
    free(d.seen);
}
