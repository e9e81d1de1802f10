/* The fields of the filter language: one table, from which the parser, the
 * help, the completion and docs/filter.md are made. */
#include "analyzer/filter_tree.h"

#include <stdlib.h>

#define K(kind)    (UINT64_C(1) << KIND_##kind)
#define AS(role)   (1u << ROLE_##role)
#define ANY_KIND   0
#define NO_WORDS   ""
#define NO_ALIAS   ""
#define NO_EXAMPLE ""

#define ENTITY(name, aliases, kinds, help, example)                            \
    {                                                                          \
        name, aliases, help, NO_WORDS, example, FILTER_ENTITY, WHAT_PLAIN,     \
            kinds, 0, NULL                                                     \
    }
#define ROLE(name, aliases, roles, help, example)                              \
    {                                                                          \
        name, aliases, help, NO_WORDS, example, FILTER_ENTITY, WHAT_PLAIN,     \
            ANY_KIND, roles, NULL                                              \
    }
#define OTHER(name, aliases, type, what, words, help, example)                 \
    {                                                                          \
        name, aliases, help, words, example, type, what, 0, 0, NULL            \
    }
#define RECORD(name, aliases, path, help)                                      \
    {                                                                          \
        name, aliases, help, NO_WORDS, NO_EXAMPLE, FILTER_RAW, WHAT_PLAIN, 0,  \
            0, path                                                            \
    }

const struct filter_field filter_fields[] = {
    /* ---- when, what, from where */
    OTHER("time", "eventTime when at", FILTER_TIME, WHAT_PLAIN, NO_WORDS,
          "Time of the event; a cut time means all of it.",
          "time:2026-03-11T02:00Z..03:30Z"),
    OTHER("undated", NO_ALIAS, FILTER_FLAG, WHAT_UNDATED, NO_WORDS,
          "Events without a readable time.", "undated:"),
    OTHER("timekind", "time-kind", FILTER_WORD, WHAT_TIME_KIND,
          "event modified accessed changed born deleted start end ingested "
          "acquired",
          "What the time says of its object.", "timekind:(born or deleted)"),
    { "source", "importer format", "Importer that read the record.", NO_WORDS,
      "source:cloudtrail", FILTER_ENTITY, WHAT_PLAIN, K(SOURCE), 0, NULL },
    OTHER("kind", NO_ALIAS, FILTER_WORD, WHAT_KIND,
          "call log file flow dns memory finding state other",
          "Kind of source: API calls, log lines, files of disk images, "
          "network flows, name look-ups, memory images, findings of other "
          "tools, recorded states.",
          "kind:file"),
    ENTITY("action", "eventName event_name call", K(ACTION),
           "API call, or what happened.", "action:(Create* or Put*)"),
    { "outcome", "errorCode error",
      "Error code; denied, failed and ok stand for all codes that mean it.",
      "denied failed ok", "not outcome:denied", FILTER_ENTITY, WHAT_OUTCOME,
      K(OUTCOME), 0, NULL },
    { "service", "eventSource", "Service that was called; s3 is enough.",
      NO_WORDS, "service:s3", FILTER_ENTITY, WHAT_SERVICE, K(SERVICE), 0,
      NULL },
    ENTITY("region", "awsRegion", K(REGION), "Region where it was recorded.",
           "region:us-east-1"),
    ENTITY("account", "accountId recipientAccountId", K(ACCOUNT),
           "Account, in any role.", "account:111122223333"),

    /* ---- by the part it played */
    ROLE("entity", "any", 0,
         "Any identifier of any kind; KIND:VALUE asks for one kind, E123 for "
         "one event, X1 for one exhibit.",
         "entity:i-0f3a9c1d2b4e5f607"),
    ROLE("actor", "who", AS(ACTOR), "Whoever acted: user, role, key, service.",
         "actor:*/svc-backup"),
    ROLE("target", "what", AS(TARGET), "What was acted on.",
         "target:corp-reports-*"),
    ROLE("from", NO_ALIAS, AS(FROM),
         "Address, program or network that it came from.",
         "from:198.51.100.66"),
    ROLE("issued", NO_ALIAS, AS(ISSUED),
         "Credential or resource that the event made.",
         "issued:ASIAAPPSTOLENEXAMPLE"),
    ROLE("issuer", NO_ALIAS, AS(ISSUER), "Role or user behind a session.",
         "issuer:*app-server-role"),
    ROLE("where", NO_ALIAS, AS(WHERE),
         "Account, region, host or log that recorded it.", "where:app-01"),

    /* ---- by kind of identifier */
    { "ip", "sourceIPAddress sourceIp address",
      "Address, in any role; also a network.", NO_WORDS, "ip:198.51.100.0/24",
      FILTER_IP, WHAT_PLAIN, K(IP), 0, NULL },
    ENTITY("key", "accessKeyId access_key", K(KEY), "Access key id.",
           "key:AKIASVCBACKUPEXAMPLE"),
    ENTITY("agent", "userAgent user_agent", K(AGENT), "User agent.",
           "agent:*aws-cli*"),
    ENTITY("principal", "userArn", K(PRINCIPAL),
           "ARN of a user, role session or root.", "principal:*user/alice"),
    ENTITY("user", "userName username", K(USER) | K(HOST_USER),
           "Name of a user, in the account or on a host.", "user:alice"),
    ENTITY("role", "roleArn", K(ROLE), "ARN of a role.",
           "role:*/app-server-role"),
    ENTITY("session", NO_ALIAS, K(SESSION), "Role session, ID:NAME.",
           "session:AROA*:i-0f3a9c1d2b4e5f607"),
    ENTITY("unique-id", "principalId", K(UNIQUE_ID),
           "Unique id of a user or role.", "unique-id:AROAAPPSERVER1EXAMPLE"),
    ENTITY("instance", "instanceId", K(INSTANCE), "Instance id.", NO_EXAMPLE),
    ENTITY("volume", "volumeId", K(VOLUME), "Volume id.", NO_EXAMPLE),
    ENTITY("snapshot", "snapshotId", K(SNAPSHOT), "Snapshot id.", NO_EXAMPLE),
    ENTITY("image", "imageId ami", K(IMAGE), "Machine image id.", NO_EXAMPLE),
    ENTITY("interface", "networkInterfaceId eni", K(INTERFACE),
           "Network interface id.", NO_EXAMPLE),
    ENTITY("vpc", "vpcId", K(VPC), "VPC id.", NO_EXAMPLE),
    ENTITY("subnet", "subnetId", K(SUBNET), "Subnet id.", NO_EXAMPLE),
    ENTITY("security-group", "groupId sg", K(SECURITY_GROUP),
           "Security group id.", NO_EXAMPLE),
    ENTITY("bucket", "bucketName", K(BUCKET), "Bucket.",
           "bucket:corp-reports-*"),
    ENTITY("object", "s3", K(OBJECT), "Object, BUCKET/KEY.",
           "object:*/customers/2026/*"),
    ENTITY("kms-key", "kms", K(KMS_KEY), "Key of the key service.", NO_EXAMPLE),
    ENTITY("function", "functionName lambda", K(FUNCTION), "Function.",
           NO_EXAMPLE),
    ENTITY("trail", "trailName", K(TRAIL), "Trail.", NO_EXAMPLE),
    ENTITY("command", "commandId", K(COMMAND),
           "Command or session id of remote management.", NO_EXAMPLE),
    ENTITY("shared-event", "sharedEventID", K(SHARED_EVENT),
           "Id that both sides of a call between accounts have.", NO_EXAMPLE),
    ENTITY("resource", "resourceArn", K(RESOURCE),
           "Any other ARN or resource name.", NO_EXAMPLE),
    ENTITY("log-group", "logGroup logGroupName", K(LOG_GROUP), "Log group.",
           NO_EXAMPLE),
    ENTITY("log-stream", "logStream logStreamName", K(LOG_STREAM),
           "Log stream.", NO_EXAMPLE),
    ENTITY("host", "hostname", K(HOST), "Host name.", "host:app-01"),
    ENTITY("host-user", NO_ALIAS, K(HOST_USER), "User on a host only.",
           NO_EXAMPLE),
    ENTITY("process", "proc", K(PROCESS), "Process.", NO_EXAMPLE),
    ENTITY("path", "file filename", K(FILE), "Path of a file.",
           "path~\"/tmp/.*\\.sh$\""),
    ENTITY("hash", "sha256 sha1 md5", K(HASH), "Hash of a file.", NO_EXAMPLE),
    ENTITY("fingerprint", NO_ALIAS, K(FINGERPRINT), "Fingerprint of a key.",
           NO_EXAMPLE),
    ENTITY("domain", "dns", K(DOMAIN), "Domain name.", "domain:*.example"),
    ENTITY("url", NO_ALIAS, K(URL), "URL.", NO_EXAMPLE),
    ENTITY("container", "containerId", K(CONTAINER), "Container id.",
           NO_EXAMPLE),
    ENTITY("fs-uuid", "uuid", K(FS_UUID),
           "UUID of a file system, partition, LVM or encrypted volume.",
           NO_EXAMPLE),
    ENTITY("volume-label", "label", K(VOLUME_LABEL),
           "Label or name of a volume.", NO_EXAMPLE),
    ENTITY("package", "pkg", K(PACKAGE), "Software package of a host.",
           "package:openssh-server"),
    ENTITY("unit", NO_ALIAS, K(UNIT),
           "Unit of systemd, Windows service or scheduled task.",
           "unit:sysupd.timer"),
    ENTITY("boot", "bootId", K(BOOT), "Boot id of a host, 32 hex digits.",
           NO_EXAMPLE),
    ENTITY("machine", "machineId", K(MACHINE),
           "Machine id of a host, 32 hex digits, or SID of a Windows machine.",
           NO_EXAMPLE),

    /* ---- of the row */
    OTHER("text", "message summary", FILTER_TEXT, WHAT_PLAIN, NO_WORDS,
          "Text of a log line, or a summary; contains.", "text:\"GET /fetch\""),
    OTHER("severity", "level", FILTER_SCALE, WHAT_SEVERITY,
          "none low medium high critical",
          "Severity that the source itself states.", "severity:medium.."),
    OTHER("flag", "flags", FILTER_WORD, WHAT_FLAG,
          "read-only data duplicate-key bad-text bad-field period refs-cut mfa "
          "implausible deleted continued leap carved on-disk "
          "year-inferred recovered secret",
          "What is known of the record.", "flag:deleted"),
    OTHER("read-only", "readOnly", FILTER_FLAG, WHAT_READ_ONLY, NO_WORDS,
          "The source says that the call changes nothing.", "read-only:no"),
    OTHER("mfa", "mfaAuthenticated", FILTER_FLAG, WHAT_MFA, NO_WORDS,
          "With a second factor.", "mfa:yes"),
    OTHER("uid", "eventID event-id", FILTER_UID, WHAT_PLAIN, NO_WORDS,
          "The source's own id of the event.", NO_EXAMPLE),
    OTHER("request", "requestID request-id", FILTER_UID, WHAT_REQUEST, NO_WORDS,
          "Request id.", NO_EXAMPLE),

    /* ---- place in the case */
    OTHER("id", NO_ALIAS, FILTER_ID, WHAT_PLAIN, NO_WORDS,
          "Number of the event in this case.", "id:E100..E120"),
    OTHER("exhibit", "evidence", FILTER_PLACE, WHAT_EXHIBIT, NO_WORDS,
          "Exhibit.", "exhibit:X2"),
    OTHER("member", "in", FILTER_PLACE, WHAT_MEMBER, NO_WORDS,
          "File of an exhibit, by its path or name.", "member:*_20260311T03*"),

    OTHER("known", NO_ALIAS, FILTER_WORD, WHAT_KNOWN, "yes no notable",
          "Files of disk images by what hash lists say of their content.",
          "known:notable"),

    /* ---- what the examiner added, what rules found */
    OTHER("tag", NO_ALIAS, FILTER_MARK, WHAT_TAG, NO_WORDS, "Tag of the event.",
          "tag:persistence"),
    OTHER("note", NO_ALIAS, FILTER_MARK, WHAT_NOTE, NO_WORDS,
          "Text of a note on the event; contains.", "has:note"),
    OTHER("verdict", NO_ALIAS, FILTER_MARK, WHAT_VERDICT, NO_WORDS,
          "Verdict on the event.", NO_EXAMPLE),
    OTHER("bookmark", "bookmarked", FILTER_FLAG, WHAT_BOOKMARK, NO_WORDS,
          "Bookmarked events.", "bookmark:"),
    OTHER("mark", "marked", FILTER_WORD, WHAT_MARK,
          "note tag bookmark verdict any", "Any mark of the examiner.",
          "mark:any"),
    OTHER("class", NO_ALIAS, FILTER_WORD, WHAT_CLASS,
          "exact candidate inferred",
          "Events at an end of a link of this class.", "class:exact"),
    OTHER("link", "rule", FILTER_MARK, WHAT_LINK, NO_WORDS,
          "Events at an end of a link by this rule.", "link:C1"),
    OTHER("finding", "findings", FILTER_MARK, WHAT_FINDING, NO_WORDS,
          "Events of a finding.", "finding:high"),
    OTHER("new", NO_ALIAS, FILTER_FLAG, WHAT_NEW, NO_WORDS,
          "Events that came since this examiner last looked.", "new:"),
    OTHER("story", NO_ALIAS, FILTER_MARK, WHAT_STORY, NO_WORDS,
          "Events of a story.", NO_EXAMPLE),

    /* ---- members of the record */
    RECORD("error-message", "errorMessage", "errorMessage",
           "Error message of a call."),
    RECORD("event-type", "eventType", "eventType", "Type of a call's record."),
    RECORD("event-category", "eventCategory", "eventCategory",
           "Management, Data, Insight or NetworkActivity."),
    RECORD("event-version", "eventVersion", "eventVersion",
           "Version of the record's form."),
    RECORD("identity-type", "identityType", "userIdentity.type",
           "Type of the identity that called."),
    RECORD("invoked-by", "invokedBy", "userIdentity.invokedBy",
           "Service that called for someone."),
    RECORD("vpc-endpoint", "vpcEndpointId", "vpcEndpointId",
           "Endpoint that a call came through."),
};
const size_t filter_n_fields = sizeof(filter_fields) / sizeof(*filter_fields);

const struct filter_field filter_raw_field = {
    "raw",      NO_ALIAS,   "Any member of the record.",
    NO_WORDS,   NO_EXAMPLE, FILTER_RAW,
    WHAT_PLAIN, 0,          0,
    NULL
};

/* ---- lists of words ------------------------------------------------------ */

struct str filter_word(const char *list, size_t i)
{
    for (;;) {
        list += strspn(list, " ");
        size_t n = strcspn(list, " ");
        if (n == 0 || i-- == 0)
            return (struct str){ list, n };
        list += n;
    }
}

int filter_word_find(const char *list, struct str word)
{
    struct str w;
    for (int i = 0; (w = filter_word(list, (size_t)i)).n; i++)
        if (str_ieq(w, word))
            return i;
    return -1;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Insertions, deletions, replacements and swaps of neighbours. Names are
 * short; what is longer is not near. */
size_t filter_distance(struct str a, struct str b, size_t most)
{
    enum { LONGEST = 32 };
    uint8_t row[3][LONGEST + 1] = { 0 };
    uint8_t *before = row[0], *last = row[1], *now = row[2];
    if (a.n > LONGEST || b.n > LONGEST)
        return most + 1;
    for (size_t j = 0; j <= b.n; j++)
        last[j] = (uint8_t)j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = (uint8_t)i;
        for (size_t j = 1; j <= b.n; j++) {
            char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);
            unsigned best = last[j - 1] + (x != y ? 1u : 0u);
            if (last[j] + 1u < best)
                best = last[j] + 1u;
            if (now[j - 1] + 1u < best)
                best = now[j - 1] + 1u;
            if (i > 1 && j > 1 && x == lower(b.p[j - 2]) &&
                y == lower(a.p[i - 2]) && before[j - 2] + 1u < best)
                best = before[j - 2] + 1u;
            now[j] = (uint8_t)best;
        }
        uint8_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.n] <= most ? last[b.n] : most + 1;
}

/* How far a word may be from what is still suggested. */
static size_t reach(struct str word)
{
    return word.n <= 3 ? 1 : word.n <= 7 ? 2 : 3;
}

struct str filter_word_nearest(const char *list, struct str word)
{
    struct str w, best = STR("");
    size_t most = reach(word);
    for (size_t i = 0; (w = filter_word(list, i)).n; i++) {
        size_t d = filter_distance(w, word, most);
        if (d > most)
            continue;
        best = w;
        if (d == 0)
            break;
        most = d - 1;
    }
    return best;
}

/* ---- finding ------------------------------------------------------------- */

const struct filter_field *filter_field_find(struct str name)
{
    for (size_t i = 0; i < filter_n_fields; i++)
        if (str_ieq(str_from(filter_fields[i].name), name) ||
            filter_word_find(filter_fields[i].aliases, name) >= 0)
            return &filter_fields[i];
    return NULL;
}

const char *filter_field_nearest(struct str name)
{
    const char *best = "";
    size_t most = reach(name);
    for (size_t i = 0; i < filter_n_fields; i++) {
        const struct filter_field *f = &filter_fields[i];
        size_t d = filter_distance(str_from(f->name), name, most);
        struct str alias = filter_word_nearest(f->aliases, name);
        size_t other = alias.n ? filter_distance(alias, name, most) : most + 1;
        d = other < d ? other : d;
        if (d > most)
            continue;
        best = f->name;
        if (d == 0)
            break;
        most = d - 1;
    }
    return best;
}

struct str filter_field_of_kind(unsigned kind)
{
    for (size_t i = 0; kind && kind <= KIND_MAX && i < filter_n_fields; i++)
        if (filter_fields[i].kinds == UINT64_C(1) << kind)
            return str_from(filter_fields[i].name);
    return STR("entity");
}

/* ---- kinds of timeline entries ------------------------------------------- */

/* Importers by the begin of their names; an importer that is not here is
 * "other" until it gets its line. */
static const struct {
    const char *kind, *prefixes;
} timeline_kinds[] = {
    { "call", "cloudtrail eks-audit" },
    { "log", "cloudwatch log syslog journal audit auth web nginx apache httpd "
             "alb elb nlb s3-access cloudfront waf rds lambda ssm utmp wtmp "
             "btmp history cloud-init" },
    { "file", "disk fs tar zip mactime" },
    { "flow", "vpc flow tgw" },
    { "dns", "route53 dns resolver" },
    { "memory", "memory" },
    { "finding", "guardduty securityhub security-hub trend inspector macie" },
    { "state", "config describe iam credential-report metric alarm" },
};

static const char *kind_of_source(struct str source)
{
    struct str w;
    for (size_t i = 0; i < sizeof(timeline_kinds) / sizeof(*timeline_kinds);
         i++)
        for (size_t k = 0; (w = filter_word(timeline_kinds[i].prefixes, k)).n;
             k++)
            if (str_starts(source, w))
                return timeline_kinds[i].kind;
    return "other";
}

bool filter_kind_has(struct str kind, struct str source)
{
    return str_ieq(kind, str_from(kind_of_source(source)));
}
