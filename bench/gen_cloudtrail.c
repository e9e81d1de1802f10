/*
 * CloudTrail files for benchmarks:
 *
 *   gen_cloudtrail [--events N] [--per-file N] [--seed N]
 *                  [--cardinality normal|high] FOLDER
 *
 * Thirty days of one account, in CloudTrail's own layout, compact JSON, about
 * 1.5 kB an event. Drawn from the seed alone: the same arguments give the
 * same bytes. What is skewed and what depends on what decides how large the
 * dictionaries of an importer grow, so it is kept as in life: the role is a
 * function of the session, the access key one of session and six hours.
 * With --cardinality high they are independent, keys and addresses hardly
 * ever repeat: the hostile case.
 */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

#define ACCOUNT "111122223333"
#define START   INT64_C(1769904000) /* 2026-02-01T00:00:00Z */

enum { PERIOD = 30 * 86400, WINDOW = 900, KEY_LIFE = 6 * 3600 };

static void die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("gen_cloudtrail: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

/* ---- chance ---------------------------------------------------------------
 */

struct options {
    uint64_t events, per_file, seed;
    bool high;
    const char *folder;
};

struct gen {
    const struct options *o;
    uint64_t rng;
    uint64_t file;
    const char *region;
    struct buf out;
};

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t next(struct gen *g)
{
    return mix(g->rng += UINT64_C(0x9E3779B97F4A7C15));
}

static unsigned below(struct gen *g, unsigned n)
{
    return (unsigned)(((next(g) >> 32) * n) >> 32);
}

static bool chance(struct gen *g, unsigned per_mille)
{
    return below(g, 1000) < per_mille;
}

/* floor(n * u^k): few values often, most seldom. */
static unsigned skewed(struct gen *g, unsigned n, int k)
{
    double u = (double)(next(g) >> 11) / 9007199254740992.0, p = 1;
    for (int i = 0; i < k; i++)
        p *= u;
    return (unsigned)(n * p);
}

/* ---- text ------------------------------------------------------------------
 */

static void put(struct gen *g, const char *z)
{
    buf_putz(&g->out, z);
}

static void put_chars(struct gen *g, const char *alphabet, unsigned size,
                      unsigned n, uint64_t state)
{
    for (unsigned i = 0; i < n; i++) {
        state = mix(state + UINT64_C(0x9E3779B97F4A7C15));
        buf_putc(&g->out, alphabet[(state >> 40) % size]);
    }
}

static void put_hex(struct gen *g, unsigned n, uint64_t state)
{
    put_chars(g, "0123456789abcdef", 16, n, state);
}

static void put_base64(struct gen *g, unsigned n, uint64_t state)
{
    put_chars(g,
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
              "0123456789+/",
              64, n, state);
}

static void put_uuid(struct gen *g)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t v[2] = { next(g), next(g) };
    char s[37];
    for (unsigned i = 0, d = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            s[i] = '-';
            continue;
        }
        s[i] = digits[(v[d / 16] >> (d % 16 * 4)) & 15];
        d++;
    }
    s[14] = '4';
    s[36] = 0;
    put(g, s);
}

static void put_key(struct gen *g, const char *prefix, uint64_t state)
{
    put(g, prefix);
    put_chars(g, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32, 9, state);
    put(g, "EXAMPLE");
}

static void put_id(struct gen *g, const char *prefix, uint64_t n)
{
    put(g, prefix);
    put_hex(g, 17, n * 0x1000193 + (unsigned char)prefix[0]);
}

/* Days since 1970 to a date; the period lies in 2026. */
static void date_of(int64_t t, int *month, int *day)
{
    static const int days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };
    int64_t n = t / 86400 - 20454; /* 2026-01-01 */
    int m = 0;
    while (n >= days[m])
        n -= days[m++];
    *month = m + 1;
    *day = (int)n + 1;
}

static void put_time(struct gen *g, int64_t t)
{
    int month, day, s = (int)(t % 86400);
    date_of(t, &month, &day);
    buf_printf(&g->out, "2026-%02d-%02dT%02d:%02d:%02dZ", month, day, s / 3600,
               s / 60 % 60, s % 60);
}

/* ---- what is called ---------------------------------------------------------
 */

/*
 * Templates: ' is ", and %x stands for
 *   i instance  v volume  s snapshot  n interface  g security group  m image
 *   a account   r region  b bucket    u UUID  d small number  k KMS key ARN
 *   R role ARN  S session name  K fresh access key  T session token
 *   t time in ms  h 64 hex digits
 */
static const struct api {
    unsigned weight; /* per mille */
    const char *service, *name, *params, *response;
    bool write, data;
} apis[] = {
    { 120, "s3", "GetObject",
      "{'bucketName':'%b','Host':'%b.s3.%r.amazonaws.com','key':"
      "'data/year=2026/part-%u.parquet'}",
      NULL, false, true },
    { 60, "s3", "PutObject",
      "{'bucketName':'%b','Host':'%b.s3.%r.amazonaws.com','key':"
      "'ingest/%u.json.gz','x-amz-server-side-encryption':'aws:kms'}",
      "{'x-amz-server-side-encryption':'aws:kms',"
      "'x-amz-server-side-encryption-aws-kms-key-id':'%k'}",
      true, true },
    { 30, "s3", "HeadObject",
      "{'bucketName':'%b','Host':'%b.s3.%r.amazonaws.com','key':'state/%u'}",
      NULL, false, true },
    { 25, "s3", "ListObjects",
      "{'list-type':'2','bucketName':'%b','prefix':'data/','encoding-type':"
      "'url','Host':'%b.s3.%r.amazonaws.com'}",
      NULL, false, true },
    { 15, "s3", "GetBucketAcl",
      "{'bucketName':'%b','Host':'%b.s3.%r.amazonaws.com','acl':''}", NULL,
      false, false },
    { 10, "s3", "GetBucketLocation",
      "{'bucketName':'%b','Host':'s3.amazonaws.com','location':''}", NULL,
      false, false },
    { 6, "s3", "DeleteObject",
      "{'bucketName':'%b','Host':'%b.s3.%r.amazonaws.com','key':'tmp/%u'}",
      NULL, true, true },
    { 4, "s3", "ListBuckets", "{'Host':'s3.amazonaws.com'}", NULL, false,
      false },
    { 80, "kms", "Decrypt",
      "{'encryptionContext':{'aws:s3:arn':'arn:aws:s3:::%b'},"
      "'encryptionAlgorithm':'SYMMETRIC_DEFAULT'}",
      NULL, false, false },
    { 50, "kms", "GenerateDataKey",
      "{'encryptionContext':{'aws:s3:arn':'arn:aws:s3:::%b'},'keySpec':"
      "'AES_256','keyId':'%k'}",
      NULL, false, false },
    { 6, "kms", "DescribeKey", "{'keyId':'%k'}", NULL, false, false },
    { 4, "kms", "ListAliases", NULL, NULL, false, false },
    { 80, "sts", "AssumeRole",
      "{'roleArn':'%R','roleSessionName':'%S','durationSeconds':3600}",
      "{'credentials':{'accessKeyId':'%K','sessionToken':'%T','expiration':"
      "'Feb 28, 2026, 1:00:00 PM'},'assumedRoleUser':{'assumedRoleId':"
      "'AROA%d:%S','arn':'%R/%S'}}",
      true, false },
    { 25, "sts", "GetCallerIdentity", NULL, NULL, false, false },
    { 10, "sts", "AssumeRoleWithWebIdentity",
      "{'roleArn':'%R','roleSessionName':'%S'}",
      "{'credentials':{'accessKeyId':'%K','sessionToken':'%T','expiration':"
      "'Feb 28, 2026, 1:00:00 PM'},'subjectFromWebIdentityToken':"
      "'system:serviceaccount:app:%d','assumedRoleUser':{'assumedRoleId':"
      "'AROA%d:%S','arn':'%R/%S'}}",
      true, false },
    { 5, "sts", "GetSessionToken", "{'durationSeconds':43200}",
      "{'credentials':{'accessKeyId':'%K','sessionToken':'%T'}}", false,
      false },
    { 50, "ec2", "DescribeInstances",
      "{'maxResults':1000,'instancesSet':{'items':[{'instanceId':'%i'}]},"
      "'filterSet':{}}",
      NULL, false, false },
    { 20, "ec2", "DescribeVolumes",
      "{'volumeSet':{'items':[{'volumeId':'%v'}]},'filterSet':{}}", NULL, false,
      false },
    { 15, "ec2", "DescribeNetworkInterfaces",
      "{'networkInterfaceIdSet':{'items':[{'networkInterfaceId':'%n'}]}}", NULL,
      false, false },
    { 15, "ec2", "DescribeSecurityGroups",
      "{'securityGroupIdSet':{'items':[{'groupId':'%g'}]},'filterSet':{}}",
      NULL, false, false },
    { 10, "ec2", "CreateTags",
      "{'resourcesSet':{'items':[{'resourceId':'%i'},{'resourceId':'%v'}]},"
      "'tagSet':{'items':[{'key':'Name','value':'worker-%d'}]}}",
      "{'requestId':'%u','_return':true}", true, false },
    { 10, "ec2", "DescribeSnapshots",
      "{'snapshotSet':{'items':[{'snapshotId':'%s'}]},'filterSet':{}}", NULL,
      false, false },
    { 8, "ec2", "CreateSnapshot", "{'volumeId':'%v','description':'backup %d'}",
      "{'requestId':'%u','snapshotId':'%s','volumeId':'%v','status':'pending',"
      "'startTime':%t,'progress':'','ownerId':'%a','volumeSize':'100',"
      "'encrypted':true}",
      true, false },
    { 8, "ec2", "RunInstances",
      "{'instancesSet':{'items':[{'imageId':'%m','minCount':1,'maxCount':1}]},"
      "'instanceType':'m6i.large','blockDeviceMapping':{},"
      "'disableApiTermination':false}",
      "{'requestId':'%u','reservationId':'r-%d','ownerId':'%a','instancesSet':"
      "{'items':[{'instanceId':'%i','imageId':'%m','instanceState':{'code':0,"
      "'name':'pending'},'launchTime':%t,'networkInterfaceSet':{'items':"
      "[{'networkInterfaceId':'%n'}]},'groupSet':{'items':[{'groupId':'%g'}]}}"
      "]}}",
      true, false },
    { 8, "ec2", "TerminateInstances",
      "{'instancesSet':{'items':[{'instanceId':'%i'}]}}",
      "{'requestId':'%u','instancesSet':{'items':[{'instanceId':'%i',"
      "'currentState':{'code':32,'name':'shutting-down'}}]}}",
      true, false },
    { 6, "ec2", "AttachVolume",
      "{'volumeId':'%v','instanceId':'%i','device':'/dev/sdf'}",
      "{'requestId':'%u','volumeId':'%v','instanceId':'%i','status':"
      "'attaching','attachTime':%t}",
      true, false },
    { 5, "ec2", "DescribeImages", "{'imagesSet':{'items':[{'imageId':'%m'}]}}",
      NULL, false, false },
    { 5, "ec2", "DescribeInstanceStatus", "{'includeAllInstances':true}", NULL,
      false, false },
    { 30, "ssm", "UpdateInstanceInformation",
      "{'instanceId':'%i','agentVersion':'3.2.2303.0','agentStatus':'Active',"
      "'platformType':'Linux','platformName':'Amazon Linux','iPAddress':"
      "'10.0.%d.7','computerName':'ip-10-0-%d-7'}",
      NULL, true, false },
    { 10, "ssm", "GetParameter",
      "{'name':'/app/%d/config','withDecryption':true}", NULL, false, false },
    { 4, "ssm", "SendCommand",
      "{'documentName':'AWS-RunShellScript','instanceIds':['%i'],'parameters':"
      "'HIDDEN_DUE_TO_SECURITY_REASONS'}",
      "{'command':{'commandId':'%u','status':'Pending','instanceIds':['%i']}}",
      true, false },
    { 25, "logs", "CreateLogStream",
      "{'logGroupName':'/aws/lambda/fn-%d','logStreamName':"
      "'2026/02/%d/[$LATEST]%h'}",
      NULL, true, false },
    { 8, "logs", "DescribeLogGroups", "{'limit':50}", NULL, false, false },
    { 20, "lambda", "Invoke",
      "{'functionName':'arn:aws:lambda:%r:%a:function:fn-%d','invocationType':"
      "'Event'}",
      NULL, false, true },
    { 10, "lambda", "GetFunction20150331v2", "{'functionName':'fn-%d'}", NULL,
      false, false },
    { 10, "iam", "GetRole", "{'roleName':'role-%d'}", NULL, false, false },
    { 8, "iam", "ListAttachedRolePolicies", "{'roleName':'role-%d'}", NULL,
      false, false },
    { 6, "iam", "ListUsers", NULL, NULL, false, false },
    { 3, "iam", "CreateAccessKey", "{'userName':'user-%d'}",
      "{'accessKey':{'userName':'user-%d','accessKeyId':'%K','status':"
      "'Active'}}",
      true, false },
    { 20, "dynamodb", "DescribeTable", "{'tableName':'table-%d'}", NULL, false,
      false },
    { 10, "dynamodb", "GetItem",
      "{'tableName':'table-%d','key':{'id':'%u'},'consistentRead':false}", NULL,
      false, true },
    { 10, "monitoring", "DescribeAlarms", "{'maxRecords':100}", NULL, false,
      false },
    { 8, "monitoring", "PutMetricAlarm",
      "{'alarmName':'a-%d','namespace':'AWS/EC2','threshold':80.5}", NULL, true,
      false },
    { 10, "autoscaling", "DescribeAutoScalingGroups", NULL, NULL, false,
      false },
    { 10, "elasticloadbalancing", "DescribeTargetHealth",
      "{'targetGroupArn':'arn:aws:elasticloadbalancing:%r:%a:targetgroup/"
      "tg-%d/6d0ecf831eec9f09'}",
      NULL, false, false },
    { 10, "secretsmanager", "GetSecretValue",
      "{'secretId':'arn:aws:secretsmanager:%r:%a:secret:app/%d-AbCdEf'}", NULL,
      false, false },
    { 8, "ecr", "GetAuthorizationToken", NULL, NULL, false, false },
    { 8, "ecr", "BatchGetImage",
      "{'repositoryName':'app-%d','imageIds':[{'imageDigest':'sha256:%h'}]}",
      NULL, false, false },
    { 8, "sqs", "GetQueueAttributes",
      "{'queueUrl':'https://sqs.%r.amazonaws.com/%a/queue-%d'}", NULL, false,
      false },
    { 6, "sns", "GetTopicAttributes",
      "{'topicArn':'arn:aws:sns:%r:%a:topic-%d'}", NULL, false, false },
    { 6, "rds", "DescribeDBInstances", "{'dBInstanceIdentifier':'db-%d'}", NULL,
      false, false },
    { 5, "cloudformation", "DescribeStacks", "{'stackName':'stack-%d'}", NULL,
      false, false },
    { 5, "config", "PutEvaluations",
      "{'resultToken':'%u','evaluations':[{'complianceResourceId':'%i',"
      "'complianceType':'COMPLIANT'}]}",
      NULL, true, false },
    { 5, "ecs", "DescribeTasks",
      "{'cluster':'main','tasks':['arn:aws:ecs:%r:%a:task/main/%h']}", NULL,
      false, false },
    { 4, "glue", "GetTable", "{'databaseName':'lake','name':'t-%d'}", NULL,
      false, false },
    { 4, "athena", "StartQueryExecution",
      "{'queryString':'***OMITTED***','workGroup':'primary'}",
      "{'queryExecutionId':'%u'}", true, false },
    { 3, "cloudtrail", "DescribeTrails", "{'trailNameList':[]}", NULL, false,
      false },
    { 3, "health", "DescribeEventAggregates",
      "{'aggregateField':'eventTypeCategory'}", NULL, false, false },
    { 3, "route53", "ListHostedZones", NULL, NULL, false, false },
    { 2, "guardduty", "GetFindings", "{'detectorId':'%h','findingIds':['%h']}",
      NULL, false, false },
};

enum { N_APIS = sizeof apis / sizeof *apis };

static const struct api *pick_api(struct gen *g)
{
    static unsigned total;
    if (!total)
        for (size_t i = 0; i < N_APIS; i++)
            total += apis[i].weight;
    unsigned at = below(g, total);
    size_t i = 0;
    while (at >= apis[i].weight)
        at -= apis[i++].weight;
    return &apis[i];
}

/* ---- who calls
 * ---------------------------------------------------------------- */

struct event {
    const struct api *api;
    int64_t t;
    unsigned session; /* of an assumed role */
    uint64_t role;
    bool instance; /* the session is an instance's */
    bool invoked;  /* by a service */
    bool service;  /* the caller is a service */
};

static void put_session_name(struct gen *g, const struct event *e)
{
    if (e->instance)
        put_id(g, "i-", e->session);
    else
        buf_printf(&g->out, "ci-run-%u", e->session);
}

static void put_role_arn(struct gen *g, uint64_t role)
{
    buf_printf(&g->out, "arn:aws:iam::" ACCOUNT ":role/role-%u",
               (unsigned)(role % 400));
}

static void expand(struct gen *g, const char *p, const struct event *e)
{
    unsigned bucket = skewed(g, 300, 2), other = skewed(g, 2000, 2);
    for (; *p; p++) {
        if (*p != '%') {
            buf_putc(&g->out, *p == '\'' ? '"' : *p);
            continue;
        }
        switch (*++p) {
        case 'i':
            put_id(g, "i-", other % 1500);
            break;
        case 'v':
            put_id(g, "vol-", other);
            break;
        case 's':
            put_id(g, "snap-", skewed(g, 9000, 2));
            break;
        case 'n':
            put_id(g, "eni-", other);
            break;
        case 'g':
            put_id(g, "sg-", other % 200);
            break;
        case 'm':
            put_id(g, "ami-", other % 40);
            break;
        case 'a':
            put(g, ACCOUNT);
            break;
        case 'r':
            put(g, g->region);
            break;
        case 'b':
            buf_printf(&g->out, "corp-data-%u-" ACCOUNT, bucket);
            break;
        case 'u':
            put_uuid(g);
            break;
        case 'd':
            buf_put_u64(&g->out, other % 900);
            break;
        case 'k':
            buf_printf(&g->out, "arn:aws:kms:%s:" ACCOUNT ":key/", g->region);
            put_hex(g, 8, bucket % 60);
            put(g, "-1111-4222-8333-444455556666");
            break;
        case 'R':
            put_role_arn(g, e->role);
            break;
        case 'S':
            put_session_name(g, e);
            break;
        case 'K':
            put_key(g, "ASIA", next(g));
            break;
        case 'T':
            put_base64(g, 330, next(g));
            break;
        case 't':
            buf_put_i64(&g->out, e->t * 1000);
            break;
        case 'h':
            put_hex(g, 64, next(g));
            break;
        default:
            die("bad template %%%c", *p);
        }
    }
}

static void choose_session(struct gen *g, struct event *e)
{
    e->instance = chance(g, 667);
    e->session = e->instance ? skewed(g, 1500, 2)
                             : (unsigned)(g->file / 4) * 40 + below(g, 40);
    e->role = mix(e->session * 2u + e->instance);
    if (g->o->high)
        e->role = next(g);
}

static void put_assumed_role(struct gen *g, const struct event *e)
{
    unsigned role = (unsigned)(e->role % 400);
    put(g, "{\"type\":\"AssumedRole\",\"principalId\":\"AROA");
    put_chars(g, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32, 10, role);
    put(g, "EXAMPLE:");
    put_session_name(g, e);
    buf_printf(&g->out,
               "\",\"arn\":\"arn:aws:sts::" ACCOUNT ":assumed-role/role-%u/",
               role);
    put_session_name(g, e);
    put(g, "\",\"accountId\":\"" ACCOUNT "\",\"accessKeyId\":\"");
    uint64_t life = (uint64_t)(e->t / KEY_LIFE);
    put_key(g, "ASIA",
            g->o->high && chance(g, 300)
                ? next(g)
                : mix(e->session * 2u + e->instance) ^ mix(life));
    put(g, "\",\"sessionContext\":{\"sessionIssuer\":{\"type\":\"Role\","
           "\"principalId\":\"AROA");
    put_chars(g, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32, 10, role);
    put(g, "EXAMPLE\",\"arn\":\"");
    put_role_arn(g, role);
    buf_printf(&g->out,
               "\",\"accountId\":\"" ACCOUNT
               "\",\"userName\":\"role-%u\"},\"attributes\":{\"creationDate\":"
               "\"",
               role);
    put_time(g, e->t / KEY_LIFE * KEY_LIFE);
    put(g, "\",\"mfaAuthenticated\":\"false\"}");
    if (e->instance)
        put(g, ",\"ec2RoleDelivery\":\"2.0\"");
    put(g, "}");
    if (e->invoked)
        buf_printf(&g->out, ",\"invokedBy\":\"%s.amazonaws.com\"",
                   e->api->service);
    put(g, "}");
}

static void put_user(struct gen *g)
{
    unsigned user = skewed(g, 60, 2);
    put(g, "{\"type\":\"IAMUser\",\"principalId\":\"AIDA");
    put_chars(g, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32, 10, user + 7000);
    buf_printf(&g->out,
               "EXAMPLE\",\"arn\":\"arn:aws:iam::" ACCOUNT
               ":user/user-%u\",\"accountId\":\"" ACCOUNT
               "\",\"accessKeyId\":\"",
               user);
    put_key(g, "AKIA", user + 9000);
    buf_printf(&g->out, "\",\"userName\":\"user-%u\"}", user);
}

static void put_identity(struct gen *g, struct event *e)
{
    unsigned at = below(g, 1000);
    if (at < 640) {
        e->invoked = chance(g, 200);
        put_assumed_role(g, e);
    } else if (at < 790) {
        e->service = true;
        buf_printf(&g->out,
                   "{\"type\":\"AWSService\",\"invokedBy\":"
                   "\"%s.amazonaws.com\"}",
                   e->api->service);
    } else if (at < 940) {
        put_user(g);
    } else if (at < 985) {
        unsigned other = below(g, 12);
        buf_printf(&g->out,
                   "{\"type\":\"AWSAccount\",\"principalId\":\"AIDAOTHER%06u"
                   "EXAMPLE\",\"accountId\":\"9999888877%02u\"}",
                   other, other);
    } else if (at < 988) {
        put(g, "{\"type\":\"Root\",\"principalId\":\"" ACCOUNT
               "\",\"arn\":\"arn:aws:iam::" ACCOUNT
               ":root\",\"accountId\":\"" ACCOUNT "\",\"accessKeyId\":\"\"}");
    } else {
        put(g, "{\"type\":\"WebIdentityUser\",\"principalId\":"
               "\"arn:aws:iam::" ACCOUNT
               ":oidc-provider/ci.corp.example:sub\",\"userName\":\"sub\","
               "\"identityProvider\":\"arn:aws:iam::" ACCOUNT
               ":oidc-provider/ci.corp.example\"}");
    }
}

static void put_address(struct gen *g, const struct event *e)
{
    if (e->invoked || e->service) {
        buf_printf(&g->out, "%s.amazonaws.com", e->api->service);
        return;
    }
    unsigned n = skewed(g, 3000, 3);
    if (g->o->high && chance(g, 500))
        n = 3000 + below(g, 16000000);
    if (n < 400)
        buf_printf(&g->out, "192.0.2.%u", n % 254 + 1);
    else if (n < 800)
        buf_printf(&g->out, "198.51.100.%u", n % 254 + 1);
    else if (n < 1200)
        buf_printf(&g->out, "203.0.113.%u", n % 254 + 1);
    else
        buf_printf(&g->out, "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255,
                   n & 255);
}

static void put_agent(struct gen *g, const struct event *e)
{
    static const char *const shapes[] = {
        "aws-sdk-java/2.25.% md/io#sync md/http#Apache ua/2.0 "
        "os/Linux#6.1.79 lang/java#17.0.10 md/OpenJDK_64-Bit_Server_VM "
        "exec-env/AWS_ECS_FARGATE cfg/retry-mode#standard",
        "Boto3/1.34.% md/Botocore#1.34.60 ua/2.0 os/linux#6.1.79 "
        "md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython Botocore/1.34.60",
        "aws-cli/2.15.% md/awscrt#0.19.19 ua/2.0 os/linux#6.1.79 "
        "md/arch#x86_64 lang/python#3.11.8 md/installer#exe md/prompt#off",
        "APN/1.0 HashiCorp/1.0 Terraform/1.7.% (+https://www.terraform.io) "
        "terraform-provider-aws/5.40.0 aws-sdk-go-v2/1.25.3 os/linux "
        "lang/go#1.21.8",
        "aws-sdk-go/1.50.% (go1.21.8; linux; amd64) amazon-ssm-agent/"
        "3.2.2303.0 exec-env/EC2",
    };
    unsigned n = skewed(g, 40, 2);
    if (e->invoked || e->service) {
        buf_printf(&g->out, "%s.amazonaws.com", e->api->service);
        return;
    }
    const char *shape = shapes[n % 5], *mark = strchr(shape, '%');
    buf_put(&g->out, (struct str){ shape, (size_t)(mark - shape) });
    buf_put_u64(&g->out, n);
    put(g, mark + 1);
}

/* ---- one record
 * ------------------------------------------------------------------ */

static void put_outcome(struct gen *g, const struct event *e, bool *failed)
{
    *failed = chance(g, 45);
    if (!*failed)
        return;
    if (chance(g, 667))
        buf_printf(&g->out,
                   ",\"errorCode\":\"AccessDenied\",\"errorMessage\":\"User: "
                   "arn:aws:sts::" ACCOUNT
                   ":assumed-role/role-%u/x is not authorized to perform: "
                   "%s:%s because no identity-based policy allows the %s:%s "
                   "action\"",
                   (unsigned)(e->role % 400), e->api->service, e->api->name,
                   e->api->service, e->api->name);
    else
        put(g, chance(g, 500)
                   ? ",\"errorCode\":\"ThrottlingException\","
                     "\"errorMessage\":\"Rate exceeded\""
                   : ",\"errorCode\":\"ResourceNotFoundException\","
                     "\"errorMessage\":\"The specified resource does not "
                     "exist.\"");
}

static void put_parameters(struct gen *g, const struct event *e, bool failed)
{
    put(g, ",\"requestParameters\":");
    if (e->api->params)
        expand(g, e->api->params, e);
    else
        put(g, "null");
    put(g, ",\"responseElements\":");
    if (e->api->response && !failed)
        expand(g, e->api->response, e);
    else
        put(g, "null");
    if (!e->api->data)
        return;
    put(g, ",\"additionalEventData\":{\"SignatureVersion\":\"SigV4\","
           "\"CipherSuite\":\"TLS_AES_128_GCM_SHA256\","
           "\"bytesTransferredIn\":");
    buf_put_u64(&g->out, e->api->write ? below(g, 900000) : 0);
    put(g, ",\"AuthenticationMethod\":\"AuthHeader\",\"x-amz-id-2\":\"");
    put_base64(g, 75, next(g));
    put(g, "=\",\"bytesTransferredOut\":");
    buf_put_u64(&g->out, e->api->write ? 0 : below(g, 900000));
    put(g, "}");
}

static void put_resources(struct gen *g, const struct event *e)
{
    if (strcmp(e->api->service, "s3") == 0) {
        unsigned bucket = skewed(g, 300, 2);
        put(g, ",\"resources\":[");
        if (e->api->data) {
            buf_printf(&g->out,
                       "{\"type\":\"AWS::S3::Object\",\"ARN\":"
                       "\"arn:aws:s3:::corp-data-%u-" ACCOUNT
                       "/data/year=2026/part-",
                       bucket);
            put_uuid(g);
            put(g, "\"},");
        }
        buf_printf(&g->out,
                   "{\"accountId\":\"" ACCOUNT
                   "\",\"type\":\"AWS::S3::Bucket\",\"ARN\":"
                   "\"arn:aws:s3:::corp-data-%u-" ACCOUNT "\"}]",
                   bucket);
    } else if (strcmp(e->api->service, "sts") == 0) {
        put(g, ",\"resources\":[{\"accountId\":\"" ACCOUNT
               "\",\"type\":\"AWS::IAM::Role\",\"ARN\":\"");
        put_role_arn(g, e->role);
        put(g, "\"}]");
    }
}

static void put_record(struct gen *g, int64_t t)
{
    struct event e = { .api = pick_api(g), .t = t };
    bool failed;
    choose_session(g, &e);
    put(g, "{\"eventVersion\":\"1.11\",\"userIdentity\":");
    put_identity(g, &e);
    put(g, ",\"eventTime\":\"");
    put_time(g, t);
    buf_printf(&g->out,
               "\",\"eventSource\":\"%s.amazonaws.com\",\"eventName\":\"%s\","
               "\"awsRegion\":\"%s\",\"sourceIPAddress\":\"",
               e.api->service, e.api->name, g->region);
    put_address(g, &e);
    put(g, "\",\"userAgent\":\"");
    put_agent(g, &e);
    put(g, "\"");
    put_outcome(g, &e, &failed);
    put_parameters(g, &e, failed);
    put(g, ",\"requestID\":\"");
    put_uuid(g);
    put(g, "\",\"eventID\":\"");
    put_uuid(g);
    put(g, e.api->write ? "\",\"readOnly\":false" : "\",\"readOnly\":true");
    put_resources(g, &e);
    buf_printf(
        &g->out,
        ",\"eventType\":\"AwsApiCall\",\"managementEvent\":%s,"
        "\"recipientAccountId\":\"" ACCOUNT "\",\"eventCategory\":\"%s\"",
        e.api->data ? "false" : "true", e.api->data ? "Data" : "Management");
    if (!e.service && !e.invoked)
        buf_printf(&g->out,
                   ",\"tlsDetails\":{\"tlsVersion\":\"TLSv1.3\","
                   "\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\","
                   "\"clientProvidedHostHeader\":\"%s.%s.amazonaws.com\"}",
                   e.api->service, g->region);
    else if (chance(g, 600)) {
        put(g, ",\"vpcEndpointId\":\"");
        put_id(g, "vpce-", below(g, 30));
        put(g, "\",\"vpcEndpointAccountId\":\"" ACCOUNT "\"");
    }
    put(g, "}");
}

/* ---- files
 * ------------------------------------------------------------------------ */

static void write_gz(const char *path, struct str bytes)
{
    static unsigned char *out;
    static size_t cap;
    z_stream z = { 0 };
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        die("zlib: no memory");
    size_t need = deflateBound(&z, (uLong)bytes.n);
    if (need > cap) {
        cap = need * 2;
        out = realloc(out, cap);
    }
    if (!out)
        die("out of memory");
    z.next_in = (Bytef *)(uintptr_t)bytes.p;
    z.avail_in = (uInt)bytes.n;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        die("zlib: deflate failed");
    size_t n = z.total_out;
    deflateEnd(&z);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(out, 1, n, f) != n || fclose(f) != 0)
        die("%s: %s", path, strerror(errno));
}

static void make_folders(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            die("%s: %s", path, strerror(errno));
        *p = '/';
    }
}

static const char *pick_region(uint64_t file)
{
    static const char *const regions[] = {
        "us-east-1", "us-east-1", "us-east-1", "us-east-1", "us-east-1",
        "us-west-2", "us-west-2", "eu-west-1", "eu-west-1",
    };
    unsigned n = (unsigned)(mix(file + 77) % 20);
    if (n == 18)
        return "ap-northeast-1";
    return n == 19 ? "sa-east-1" : regions[n / 2];
}

static uint64_t write_file(struct gen *g, uint64_t files, uint64_t n)
{
    const struct options *o = g->o;
    char path[4096];
    g->rng = mix(o->seed) ^ mix(g->file + 1);
    g->region = pick_region(g->file);
    int64_t begin =
        START + (int64_t)(g->file * (uint64_t)(PERIOD - WINDOW) / files);
    int64_t slot = (begin + WINDOW) / 300 * 300 + 300;
    int month, day, s = (int)(slot % 86400);
    date_of(slot, &month, &day);
    int len =
        snprintf(path, sizeof path,
                 "%s/AWSLogs/" ACCOUNT "/CloudTrail/%s/2026/%02d/%02d/" ACCOUNT
                 "_CloudTrail_%s_2026%02d%02dT%02d%02dZ_%016llx.json.gz",
                 o->folder, g->region, month, day, g->region, month, day,
                 s / 3600, s / 60 % 60, (unsigned long long)next(g));
    if (len < 0 || (size_t)len >= sizeof path)
        die("%s: name too long", o->folder);
    make_folders(path);
    buf_clear(&g->out);
    put(g, "{\"Records\":[");
    for (uint64_t i = 0; i < n; i++) {
        if (i)
            put(g, ",");
        put_record(g, begin + below(g, WINDOW));
    }
    put(g, "]}");
    if (g->out.failed)
        die("out of memory");
    write_gz(path, buf_str(&g->out));
    return g->out.n;
}

/* ---- start
 * ------------------------------------------------------------------------- */

static uint64_t number(const char *s)
{
    uint64_t v = 0;
    if (!s || !str_u64(str_from(s), &v))
        die("not a number: %s", s ? s : "(nothing)");
    return v;
}

static struct options parse(char **argv)
{
    struct options o = { 1000000, 2000, 1, false, NULL };
    for (argv++; *argv; argv++) {
        if (strcmp(*argv, "--events") == 0)
            o.events = number(*++argv);
        else if (strcmp(*argv, "--per-file") == 0)
            o.per_file = number(*++argv);
        else if (strcmp(*argv, "--seed") == 0)
            o.seed = number(*++argv);
        else if (strcmp(*argv, "--cardinality") == 0 && argv[1])
            o.high = strcmp(*++argv, "high") == 0;
        else if (**argv != '-' && !o.folder)
            o.folder = *argv;
        else
            die("unknown argument %s", *argv);
        if (!*argv)
            break;
    }
    if (!o.folder || !o.events || !o.per_file || o.per_file > 100000)
        die("usage: gen_cloudtrail [--events N] [--per-file N] [--seed N] "
            "[--cardinality normal|high] FOLDER");
    return o;
}

int main(int argc, char **argv)
{
    (void)argc;
    struct options o = parse(argv);
    struct gen g = { .o = &o };
    uint64_t files = (o.events + o.per_file - 1) / o.per_file, raw = 0;
    for (uint64_t left = o.events; left; g.file++) {
        uint64_t n = left < o.per_file ? left : o.per_file;
        raw += write_file(&g, files, n);
        left -= n;
    }
    printf("files\t%llu\nevents\t%llu\nraw_bytes\t%llu\n",
           (unsigned long long)files, (unsigned long long)o.events,
           (unsigned long long)raw);
    buf_free(&g.out);
    return 0;
}
