/*
 * Rules that join a host with the cloud around it (links_host.c): for each a
 * true pair, a near miss, and a decoy that shares the key. The fingerprint is
 * ssh-keygen's.
 */
#include "analyzer/analyze.h"
#include "casedb/intake.h"
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY                                                                    \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJMq4aGUpl7h+E8k0QFYwSjDcrOKkAzNY"    \
    "/emkiMJvVFe alice"
#define PRINT "SHA256:Om6i9CY1c9/mhQUI2bi8FQ8Cc4CK3uRAb9l/9zquhu4"
#define APP   "i-0123456789abcdef0"
#define OTHER "i-0123456789abcdef1"
#define VOL   "vol-0123456789abcdef0"
#define SNAP  "snap-0123456789abcdef0"
#define LAST  "instance id of the last boot"

static struct err err;
static struct casedb *c;
static struct intake *in;
static uint64_t records;
static const char *raws[64]; /* of events, by number */
static int64_t events;
static struct {
    struct link list[64];
    size_t n;
    struct arena a;
} got;

static void good(int rc)
{
    ck_assert_msg(rc == 0, "%s", err.what);
}

static void start(void)
{
    char path[4400];
    const struct case_info info = { .examiner = STR("alice") };
    snprintf(path, sizeof(path), "%s/XXXXXX", tap_dir());
    ck_assert(mkdtemp(path) != NULL);
    snprintf(path + strlen(path), 10, "/a.kan");
    memset(&err, 0, sizeof(err));
    memset(raws, 0, sizeof(raws));
    events = 0;
    good(case_create(path, &info, &err));
    good(case_open(path, CASE_WRITE, &c, &err));
}

static void begin(const char *path, const char *note, const char *format)
{
    uint64_t done;
    const struct intake_options o = { .path = str_from(path),
                                      .note = str_from(note),
                                      .version = STR("1") };
    good(intake_open(c, &o, &in, &done, &err));
    good(intake_member(in, str_from(path), STR(""), str_from(format), 1, &err));
    records = 0;
}

static void finish(const char *kind)
{
    static const char sha[33] = "0123456789abcdef0123456789abcdef";
    good(intake_member_end(in, STR_NONE, &err));
    good(intake_file_done(in, &err));
    good(
        intake_finish(in, str_from(kind), 1, 1, (struct str){ sha, 32 }, &err));
    intake_close(in);
}

struct what {
    int64_t s;
    bool undated;
    const char *source, *action, *outcome, *actor, *text, *raw, *target;
    unsigned kind; /* of the target */
    struct {
        unsigned kind;
        uint8_t role;
        const char *value;
    } refs[3];
};

static uint32_t id(unsigned kind, const char *value)
{
    return value ? intake_entity(in, kind, str_from(value)) : 0;
}

static void event(struct what w)
{
    struct intake_ref refs[3];
    struct intake_event e = { .timed = !w.undated,
                              .t = { 1773187200 + w.s, 0 },
                              .off = records++ * 10,
                              .len = 9,
                              .refs = refs };
    e.col[COL_SOURCE] = id(KIND_SOURCE, w.source ? w.source : "cloudtrail");
    e.col[COL_ACTION] = id(KIND_ACTION, w.action);
    e.col[COL_OUTCOME] = id(KIND_OUTCOME, w.outcome);
    e.col[COL_ACTOR] = id(KIND_HOST_USER, w.actor);
    e.col[COL_TARGET] = id(w.kind, w.target);
    e.text = w.text ? str_from(w.text) : STR("");
    for (; e.n_refs < 3 && w.refs[e.n_refs].value; e.n_refs++)
        refs[e.n_refs] = (struct intake_ref){ id(w.refs[e.n_refs].kind,
                                                 w.refs[e.n_refs].value),
                                              w.refs[e.n_refs].role };
    good(intake_event(in, &e, &err));
    raws[++events] = w.raw;
}

#define EVENT(...) event((struct what){ __VA_ARGS__ })

static int read_raw(void *ctx, const struct event *e, struct arena *a,
                    struct str *raw, struct err *why)
{
    (void)ctx, (void)a;
    if (!raws[e->id])
        return err_set(why, ERR_EVIDENCE, "not at hand");
    *raw = str_from(raws[e->id]);
    return 0;
}

static int take_link(void *ctx, const struct link *l)
{
    const char *rule = ctx;
    ck_assert_uint_lt(got.n, 64);
    if (!str_eq(l->rule, str_from(rule)))
        return 0;
    got.list[got.n] = *l;
    got.list[got.n++].reason = arena_copy(&got.a, l->reason);
    return 0;
}

/* The links of one rule. */
static void links(const char *rule)
{
    struct analyze_result r;
    char name[8];
    const struct raw_reader raw = { .read = read_raw };
    snprintf(name, sizeof(name), "%s", rule);
    got.n = 0;
    good(analyze_run(c, &raw, NULL, &r, &err));
    good(case_links(c, 0, take_link, name, &err));
}

static void is_link(size_t i, int64_t a, int64_t b, enum link_class cls,
                    const char *words)
{
    ck_assert_uint_lt(i, got.n);
    const struct link *l = &got.list[i];
    ck_assert_msg(l->a == a && l->b == b && l->cls == cls &&
                      str_find(l->reason, str_from(words)) != SIZE_MAX,
                  "%lld %lld %d: %.*s", (long long)l->a, (long long)l->b,
                  (int)l->cls, STR_ARG(l->reason));
}

static void end(void)
{
    case_close(c);
    arena_free(&got.a);
}

/* ---- C9: E1.. of CloudTrail, then disks ---------------------------------- */

static void booted(int64_t s, const char *instance)
{
    EVENT(.s = s, .source = "cloud-data", .action = "host fact",
          .kind = KIND_INSTANCE, .target = instance, .text = LAST);
}

START_TEST(disk_of_an_instance)
{
    start();
    begin("/logs", "", "cloudtrail");
    EVENT(.s = 1, .action = "AttachVolume", .outcome = "AccessDenied",
          .refs = { { KIND_VOLUME, ROLE_TARGET, VOL },
                    { KIND_INSTANCE, ROLE_TARGET, APP } });
    EVENT(.s = 2, .action = "AttachVolume",
          .refs = { { KIND_VOLUME, ROLE_TARGET, VOL },
                    { KIND_INSTANCE, ROLE_TARGET, APP } });
    EVENT(.s = 3, .action = "CreateSnapshot",
          .refs = { { KIND_VOLUME, ROLE_TARGET, VOL },
                    { KIND_SNAPSHOT, ROLE_ISSUED, SNAP } });
    EVENT(.s = 4, .action = "StopInstances",
          .refs = { { KIND_INSTANCE, ROLE_TARGET, OTHER } });
    finish("log");
    begin("/a.raw", "copy of " SNAP, "disk"); /* a true pair, by the snapshot */
    booted(9, APP);
    finish("disk");
    begin("/b.raw", "copy of " VOL, "disk"); /* booted as another: a clone */
    booted(9, OTHER);
    finish("disk");
    begin("/c.raw", "", "disk"); /* nobody says what it is */
    booted(9, APP);
    finish("disk");
    begin("/d.raw", "copy of " VOL, "disk"); /* an earlier boot only */
    EVENT(.s = 9, .source = "cloud-data", .action = "host fact",
          .kind = KIND_INSTANCE, .target = APP,
          .text = "instance id of an earlier boot");
    finish("disk");
    links("C9");
    size_t exact = 0;
    for (size_t i = 0; i < got.n; i++)
        if (got.list[i].cls == LINK_EXACT) {
            is_link(i, 2, 5, LINK_EXACT, "AttachVolume has it with " VOL);
            is_link(i, 2, 5, LINK_EXACT, "of which " SNAP " was made");
            exact++;
        }
    ck_assert_uint_eq(exact, 1);
    end();
}
END_TEST

/* ---- C10 ----------------------------------------------------------------- */

START_TEST(ids_of_copies)
{
    static const char id_a[] = "0123456789abcdef0123456789abcdef",
                      id_b[] = "fedcba9876543210fedcba9876543210";
    start();
    begin("/a.raw", "", "disk");
    EVENT(.source = "host-identity", .action = "host fact",
          .kind = KIND_MACHINE, .target = id_a);
    EVENT(.source = "host-identity", .action = "host fact",
          .kind = KIND_FS_UUID, .target = "uuid-1");
    EVENT(.source = "disk", .action = "host fact", .kind = KIND_FS_UUID,
          .target = "uuid-1"); /* twice in one exhibit is no pair */
    finish("disk");
    begin("/b.raw", "", "disk");
    EVENT(.source = "host-identity", .action = "host fact",
          .kind = KIND_MACHINE, .target = id_a);
    EVENT(.source = "host-identity", .action = "host fact",
          .kind = KIND_FS_UUID, .target = "uuid-2"); /* near miss */
    finish("disk");
    begin("/c.raw", "", "disk");
    EVENT(.source = "host-identity", .action = "host fact",
          .kind = KIND_MACHINE, .target = id_b);
    finish("disk");
    links("C10");
    ck_assert_uint_eq(got.n, 1);
    is_link(0, 1, 4, LINK_CANDIDATE, "the same machine id in X1 (disk) and X2");
    end();
}
END_TEST

/* ---- C13 ----------------------------------------------------------------- */

static void login(int64_t s, const char *user, const char *print)
{
    EVENT(.s = s, .source = "syslog", .action = "login", .actor = user,
          .refs = { { KIND_FINGERPRINT, ROLE_MENTIONED, print } });
}

START_TEST(pushed_keys)
{
    static const char push[] =
        "{\"requestParameters\":{\"instanceId\":\"" APP
        "\",\"instanceOSUser\":\"ec2-user\",\"sSHPublicKey\":\"" KEY "\"}}";
    start();
    begin("/logs", "", "cloudtrail");
    EVENT(.s = 100, .action = "SendSSHPublicKey", .raw = push,
          .refs = { { KIND_INSTANCE, ROLE_TARGET, APP } });
    EVENT(.s = 500, .action = "SendSSHPublicKey", .raw = push,
          .outcome = "AccessDenied",
          .refs = { { KIND_INSTANCE, ROLE_TARGET, APP } });
    EVENT(.s = 900, .action = "SendSSHPublicKey", /* not at hand */
          .refs = { { KIND_INSTANCE, ROLE_TARGET, APP } });
    finish("log");
    begin("/app.raw", "", "disk");
    booted(0, APP);                     /* E4 */
    login(160, "ec2-user", PRINT);      /* E5: at the last second */
    login(161, "ec2-user", PRINT);      /* too late: a near miss */
    login(99, "ec2-user", PRINT);       /* before */
    login(120, "root", PRINT);          /* another user */
    login(120, "ec2-user", "SHA256:x"); /* another key */
    login(510, "ec2-user", PRINT);      /* the call was denied */
    login(910, "ec2-user", PRINT);      /* nothing to compare with */
    finish("disk");
    begin("/other.raw", "", "disk");
    booted(0, OTHER);
    login(120, "ec2-user", PRINT); /* decoy: the key is there, too */
    finish("disk");
    begin("/unknown.log", "", "syslog");
    login(130, "ec2-user", PRINT); /* E14: nothing says which host it is */
    finish("log");
    links("C13");
    ck_assert_uint_eq(got.n, 2);
    is_link(0, 1, 14, LINK_CANDIDATE, "30 s later; nothing says");
    is_link(1, 1, 5, LINK_EXACT,
            "pushed for ec2-user, and sshd accepted it 60");
    end();
}
END_TEST

/* ---- C15 ----------------------------------------------------------------- */

START_TEST(commands)
{
    static const char run[] = "0b5e7c1a-2d34-4f56-8a9b-0c1d2e3f4a5b",
                      not_run[] = "1b5e7c1a-2d34-4f56-8a9b-0c1d2e3f4a5b",
                      early[] = "alice-0123456789abcdef0";
    start();
    begin("/logs", "", "cloudtrail");
    EVENT(.s = 1, .action = "GetCommandInvocation",
          .refs = { { KIND_COMMAND, ROLE_TARGET, run } });
    EVENT(.s = 10, .action = "SendCommand",
          .refs = { { KIND_COMMAND, ROLE_ISSUED, run } });
    EVENT(.s = 20, .action = "SendCommand",
          .refs = { { KIND_COMMAND, ROLE_ISSUED, not_run } });
    EVENT(.s = 30, .action = "StartSession",
          .refs = { { KIND_COMMAND, ROLE_TARGET, early } });
    finish("log");
    begin("/app.raw", "", "disk");
    EVENT(.s = 12, .source = "ssm-agent", .action = "ssm command",
          .kind = KIND_COMMAND, .target = run); /* E5 */
    EVENT(.s = 13, .source = "ssm-orchestration", .action = "ssm command",
          .kind = KIND_COMMAND, .target = run);
    EVENT(.s = 13, .source = "ssm-agent", .action = "log line",
          .refs = { { KIND_REQUEST, ROLE_MENTIONED, not_run } }); /* decoy */
    EVENT(.s = 13, .source = "ssm-agent", .action = "ssm command",
          .kind = KIND_COMMAND,
          .target = "2b5e7c1a-2d34-4f56-8a9b-0c1d2e3f4a5b"); /* near miss */
    EVENT(.s = 25, .source = "ssm-agent", .action = "ssm session",
          .kind = KIND_COMMAND, .target = early); /* E9 */
    EVENT(.undated = true, .source = "ssm-orchestration", .action = "log line",
          .kind = KIND_COMMAND, .target = early);
    finish("disk");
    links("C15");
    ck_assert_uint_eq(got.n, 2);
    is_link(0, 2, 5, LINK_EXACT, "SendCommand gave the id");
    is_link(0, 2, 5, LINK_EXACT, "X2 (disk) has it in 2 events");
    ck_assert(str_find(got.list[0].reason, STR("time-conflict")) == SIZE_MAX);
    is_link(1, 4, 9, LINK_EXACT, "time-conflict: before it was sent");
    end();
}
END_TEST

/* ---- C16 ----------------------------------------------------------------- */

START_TEST(user_data)
{
    start();
    begin("/logs", "", "cloudtrail");
    EVENT(.s = 1, .action = "RunInstances",
          .raw = "{\"requestParameters\":{\"userData\":\"x\"}}",
          .refs = { { KIND_INSTANCE, ROLE_ISSUED, APP } });
    EVENT(.s = 2, .action = "ModifyInstanceAttribute",
          .raw = "{\"requestParameters\":{\"userData\":\"x\"}}",
          .refs = { { KIND_INSTANCE, ROLE_TARGET, APP } });
    EVENT(.s = 3, .action = "ModifyInstanceAttribute",
          .raw = "{\"requestParameters\":{\"ebsOptimized\":{}}}",
          .refs = { { KIND_INSTANCE, ROLE_TARGET, APP } }); /* near miss */
    EVENT(.s = 4, .action = "ModifyInstanceAttribute", .outcome = "Denied",
          .raw = "{\"requestParameters\":{\"userData\":\"x\"}}",
          .refs = { { KIND_INSTANCE, ROLE_TARGET, APP } });
    EVENT(.s = 5, .action = "RunInstances",
          .refs = { { KIND_INSTANCE, ROLE_ISSUED, OTHER } });
    finish("log");
    begin("/app.raw", "", "disk");
    EVENT(.s = 9, .source = "user-data", .action = "user data",
          .kind = KIND_FILE, .target = "user-data.txt",
          .refs = { { KIND_INSTANCE, ROLE_WHERE, APP } }); /* E6 */
    EVENT(.s = 9, .source = "user-data", .action = "user data",
          .kind = KIND_FILE, .target = "part-001",
          .refs = { { KIND_INSTANCE, ROLE_WHERE, APP } });
    EVENT(.s = 9, .source = "user-data", .action = "user data",
          .kind = KIND_FILE, .target = "part-001",
          .refs = { { KIND_INSTANCE, ROLE_MENTIONED, OTHER } }); /* decoy */
    finish("disk");
    links("C16");
    ck_assert_uint_eq(got.n, 2);
    is_link(0, 1, 6, LINK_CANDIDATE, "user data, which CloudTrail hides; X2");
    is_link(0, 1, 6, LINK_CANDIDATE, "2 parts with hashes");
    is_link(1, 2, 6, LINK_CANDIDATE, "ModifyInstanceAttribute");
    end();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("links of hosts");
    tap_case(s, "C9", disk_of_an_instance);
    tap_case(s, "C10", ids_of_copies);
    tap_case(s, "C13", pushed_keys);
    tap_case(s, "C15", commands);
    tap_case(s, "C16", user_data);
    return s;
}
