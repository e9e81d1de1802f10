#include "tests/analyzer/little_case.h"

#include "casedb/intake.h"
#include "tests/tap.h"

#include <stdio.h>
#include <unistd.h>

#define ROLE_ARN "arn:aws:iam::111122223333:role/app-server-role"
#define SESSION_ARN                                                            \
    "arn:aws:sts::111122223333:assumed-role/app-server-role/"                  \
    "i-0f3a9c1d2b4e5f607"
#define STOLEN "ASIAAPPSTOLENEXAMPLE"
#define BACKUP "AKIASVCBACKUPEXAMPLE"

struct little_event {
    const char *time; /* of 2026-03-11; NULL = none */
    const char *source, *action;
    unsigned actor_kind;
    const char *actor;
    unsigned target_kind;
    const char *target;
    const char *outcome, *ip, *key, *service, *text;
    unsigned issued_kind;
    const char *issued;
    uint32_t flags;
    uint8_t t_kind, severity;
    const char *raw;
};

#define TRAIL(...) .source = "cloudtrail", __VA_ARGS__

static const struct little_event events[LITTLE_EVENTS] = {
    { .time = "02:13:00",
      .source = "cloudwatch",
      .action = "log line",
      .ip = "198.51.100.66",
      .text = "GET /fetch?url=http://169.254.169.254/ 200",
      .severity = 2,
      .raw = "2026-03-11T02:13:00Z GET /fetch?url=http://169.254.169.254/ "
             "200" },
    { .time = "02:14:00",
      TRAIL(.action = "AssumeRole", .service = "sts.amazonaws.com"),
      .actor_kind = KIND_SERVICE,
      .actor = "ec2.amazonaws.com",
      .target_kind = KIND_ROLE,
      .target = ROLE_ARN,
      .issued_kind = KIND_KEY,
      .issued = STOLEN,
      .raw = "{\"eventName\":\"AssumeRole\",\"requestParameters\":{\"roleArn\":"
             "\"" ROLE_ARN "\"},\"resources\":[{\"ARN\":\"" ROLE_ARN
             "\",\"type\":\"AWS::IAM::Role\"},{\"ARN\":\"arn:other\"}]}" },
    { .time = "02:19:00",
      TRAIL(.action = "GetCallerIdentity", .service = "sts.amazonaws.com"),
      .actor_kind = KIND_PRINCIPAL,
      .actor = SESSION_ARN,
      .ip = "198.51.100.66",
      .key = STOLEN,
      .flags = EVENT_READ_ONLY,
      .raw = "{\"eventName\":\"GetCallerIdentity\",\"readOnly\":true,"
             "\"sourceIPAddress\":\"198.51.100.66\"}" },
    { .time = "02:20:00",
      TRAIL(.action = "ListBuckets", .service = "s3.amazonaws.com"),
      .actor_kind = KIND_PRINCIPAL,
      .actor = SESSION_ARN,
      .outcome = "AccessDenied",
      .ip = "198.51.100.66",
      .key = STOLEN,
      .flags = EVENT_READ_ONLY,
      .raw = "{\"eventName\":\"ListBuckets\",\"errorCode\":\"AccessDenied\","
             "\"errorMessage\":\"no \\u0061ccess\"}" },
    { .time = "02:21:00",
      TRAIL(.action = "RunInstances", .service = "ec2.amazonaws.com"),
      .actor_kind = KIND_PRINCIPAL,
      .actor = SESSION_ARN,
      .outcome = "Client.UnauthorizedOperation",
      .ip = "198.51.100.67",
      .key = STOLEN,
      .raw = "{\"eventName\":\"RunInstances\"}" },
    { .time = "02:52:00",
      TRAIL(.action = "GetObject", .service = "s3.amazonaws.com"),
      .actor_kind = KIND_PRINCIPAL,
      .actor = SESSION_ARN,
      .target_kind = KIND_OBJECT,
      .target = "corp-reports/customers/a.csv",
      .ip = "198.51.100.66",
      .key = STOLEN,
      .flags = EVENT_READ_ONLY | EVENT_DATA,
      .raw = "{\"eventName\":\"GetObject\",\"requestParameters\":{"
             "\"bucketName\":\"corp-reports\",\"key\":\"customers/a.csv\"},"
             "\"additionalEventData\":{\"bytesTransferredOut\":634}}" },
    { .time = "03:05:00",
      TRAIL(.action = "CreateAccessKey", .service = "iam.amazonaws.com"),
      .actor_kind = KIND_PRINCIPAL,
      .actor = SESSION_ARN,
      .target_kind = KIND_USER,
      .target = "svc-backup",
      .ip = "198.51.100.66",
      .key = STOLEN,
      .issued_kind = KIND_KEY,
      .issued = BACKUP,
      .raw = "{\"eventName\":\"CreateAccessKey\"}" },
    { .time = "03:06:00",
      TRAIL(.action = "PutEventSelectors",
            .service = "cloudtrail.amazonaws.com"),
      .actor_kind = KIND_PRINCIPAL,
      .actor = "arn:aws:iam::111122223333:user/svc-backup",
      .target_kind = KIND_TRAIL,
      .target = "arn:aws:cloudtrail:ap-northeast-1:111122223333:trail/corp",
      .ip = "2001:db8::1",
      .key = BACKUP,
      .raw = "{\"eventName\":\"PutEventSelectors\",\"requestParameters\":{"
             "\"trailName\":\"corp\",\"eventSelectors\":[{\"readWriteType\":"
             "\"All\",\"includeManagementEvents\":true,\"dataResources\":[]}]"
             "}}" },
    { .time = "02:00:00",
      TRAIL(.action = "GetObject", .service = "s3.amazonaws.com"),
      .actor_kind = KIND_PRINCIPAL,
      .actor = "arn:aws:iam::111122223333:user/svc-backup",
      .target_kind = KIND_OBJECT,
      .target = "corp-reports/customers/b.csv",
      .ip = "10.0.1.20",
      .key = BACKUP,
      .raw = NULL /* not at hand */ },
    { .source = "disk",
      .action = "carved",
      .issued_kind = KIND_NONE,
      .target_kind = KIND_KEY,
      .target = STOLEN,
      .flags = EVENT_CARVED },
    { .time = "02:30:00",
      .source = "disk",
      .action = "modified",
      .target_kind = KIND_FILE,
      .target = "/tmp/.x/a*b.sh",
      .t_kind = TIME_MODIFIED,
      .flags = EVENT_DELETED },
    { .time = "02:30:00",
      .source = "disk",
      .action = "born",
      .target_kind = KIND_FILE,
      .target = "/tmp/.x/a*b.sh",
      .t_kind = TIME_BORN,
      .flags = EVENT_DELETED },
};

static void must(int rc, const struct err *err)
{
    ck_assert_msg(rc == 0, "%s", err->what);
}

static uint32_t entity(struct intake *in, unsigned kind, const char *value)
{
    return value ? intake_entity(in, kind, str_from(value)) : 0;
}

static void add(struct intake *in, size_t i)
{
    const struct little_event *l = &events[i];
    struct err err;
    struct intake_event e = { .off = i * 1000, .len = 900, .t_res = 0 };
    struct time_text t;
    char text[32];
    if (l->time) {
        snprintf(text, sizeof(text), "2026-03-11T%sZ", l->time);
        ck_assert(time_parse(str_from(text), &t));
        e.timed = true;
        e.t = t.t;
    }
    e.t_kind = l->t_kind;
    e.flags = l->flags;
    e.severity = l->severity;
    e.text = str_from(l->text);
    e.col[COL_SOURCE] = entity(in, KIND_SOURCE, l->source);
    e.col[COL_ACTION] = entity(in, KIND_ACTION, l->action);
    e.col[COL_ACTOR] = entity(in, l->actor_kind, l->actor);
    e.col[COL_TARGET] = entity(in, l->target_kind, l->target);
    e.col[COL_OUTCOME] = entity(in, KIND_OUTCOME, l->outcome);
    e.col[COL_IP] = entity(in, KIND_IP, l->ip);
    e.col[COL_KEY] = entity(in, KIND_KEY, l->key);
    e.col[COL_SERVICE] = entity(in, KIND_SERVICE, l->service);
    if (str_eq(str_from(l->source), STR("cloudtrail"))) {
        e.col[COL_REGION] = entity(in, KIND_REGION, "ap-northeast-1");
        e.col[COL_ACCOUNT] = entity(in, KIND_ACCOUNT, "111122223333");
    }
    unsigned char uid[16] = { 0x10, 0x20, 0x30, 0x40,
                              5,    6,    7,    8,
                              9,    10,   11,   12,
                              13,   14,   15,   (unsigned char)i };
    e.uid = (struct str){ (const char *)uid, 16 };
    e.request = i == 5 ? STR("79104EXAMPLEB723") : STR("");
    struct intake_ref refs[2];
    if (l->issued)
        refs[e.n_refs++] =
            (struct intake_ref){ entity(in, l->issued_kind, l->issued),
                                 ROLE_ISSUED };
    e.refs = refs;
    must(intake_event(in, &e, &err), &err);
}

static void member(struct intake *in, const char *path, const char *layers,
                   const char *format, size_t from, size_t to)
{
    struct err err;
    must(intake_member(in, str_from(path), str_from(layers), str_from(format),
                       4096, &err),
         &err);
    for (size_t i = from; i < to; i++)
        add(in, i);
    must(intake_member_end(in, STR(""), &err), &err);
}

struct exhibit_plan {
    const char *path, *kind;
    struct {
        const char *path, *layers, *format;
        size_t from, to;
    } members[2];
};

static const struct exhibit_plan plans[] = {
    { "/ev/app", "log", { { "app-01/000000.gz", "!gz", "cloudwatch", 0, 1 } } },
    { "/ev/trail",
      "log",
      { { "AWSLogs/a_20260311T0220Z.json.gz", "!gz", "cloudtrail", 1, 6 },
        { "AWSLogs/b 100%_20260311T0310Z.json.gz", "!gz", "cloudtrail", 6,
          9 } } },
    { "/ev/disk.E01", "disk", { { "disk.E01", "!ewf", "disk", 9, 12 } } },
};

static void exhibit(struct casedb *c, const struct exhibit_plan *p)
{
    struct err err;
    struct intake *in;
    uint64_t done;
    struct intake_options o = { .path = str_from(p->path),
                                .note = STR(""),
                                .version = STR("test"),
                                .libraries = STR(""),
                                .options = STR("") };
    must(intake_open(c, &o, &in, &done, &err), &err);
    must(intake_run(in, &o, STR("none"), 1800000000, &err), &err);
    uint64_t n = 0;
    for (size_t i = 0; i < 2 && p->members[i].path; i++, n++) {
        member(in, p->members[i].path, p->members[i].layers,
               p->members[i].format, p->members[i].from, p->members[i].to);
        must(intake_file_done(in, &err), &err);
    }
    must(intake_finish(in, str_from(p->kind), n, 4096 * n, STR(""), &err),
         &err);
    intake_close(in);
}

struct casedb *little_case(void)
{
    static int number; /* several in one process when nothing is forked */
    char path[512];
    struct err err;
    struct casedb *c;
    snprintf(path, sizeof(path), "%s/little%d-%d.kan", tap_dir(), getpid(),
             ++number);
    struct case_info info = { .title = STR("Little"),
                              .examiner = STR("examiner"),
                              .version = STR("test") };
    must(case_create(path, &info, &err), &err);
    must(case_open(path, CASE_WRITE, &c, &err), &err);
    for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++)
        exhibit(c, &plans[i]);
    return c;
}

/* ---- records ------------------------------------------------------------- */

static int read_raw(void *ctx, const struct event *e, struct arena *a,
                    struct str *raw, struct err *err)
{
    (void)ctx;
    const char *text =
        e->id >= 1 && e->id <= LITTLE_EVENTS ? events[e->id - 1].raw : NULL;
    if (!text)
        return err_set(err, ERR_EVIDENCE, "not at hand");
    *raw = arena_copy(a, str_from(text));
    return 0;
}

static int search_raw(void *ctx, struct str text, bool fold,
                      int (*hit)(void *, int64_t), void *hit_ctx,
                      uint64_t *unread, struct err *err)
{
    (void)ctx;
    (void)err;
    *unread = 1;
    for (int64_t id = LITTLE_EVENTS; id >= 1; id--) {
        struct str raw = str_from(events[id - 1].raw);
        size_t at = fold ? str_ifind(raw, text) : str_find(raw, text);
        int rc = raw.n && at != SIZE_MAX ? hit(hit_ctx, id) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

const struct raw_reader little_raw = { .read = read_raw, .search = search_raw };
const struct raw_reader little_raw_slow = { .read = read_raw };
