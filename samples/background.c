/* What happens every day: servers, a pipeline, backups, monitoring, people.
 * It comes in bursts, so that most five-minute deliveries are empty. */
#include "samples/gen.h"

#define BACKUP_ACCOUNT "444455556666"
#define MONITOR_VENDOR "999988887777"
#define AGENT_SSM      "aws-sdk-go/1.50.9 (go1.21.8; linux; amd64) amazon-ssm-agent/"
#define AGENT_JAVA                                                             \
    "aws-sdk-java/2.25.11 md/io#sync md/http#Apache ua/2.0 os/Linux#6.1.79 "   \
    "lang/java#17.0.10 md/OpenJDK_64-Bit_Server_VM#17.0.10"
#define AGENT_BOTO                                                             \
    "Boto3/1.34.60 md/Botocore#1.34.60 ua/2.0 os/linux#6.1.79 "                \
    "md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython Botocore/1.34.60"
#define AGENT_CLI                                                              \
    "aws-cli/2.15.28 md/awscrt#0.19.19 ua/2.0 os/macos#23.3.0 "                \
    "md/arch#arm64 lang/python#3.11.8 md/installer#exe md/prompt#off "
#define AGENT_WEB                                                              \
    "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0"

static unsigned pick(struct gen *g, unsigned n)
{
    return chance_below(&g->rng, n);
}

/* A moment of the burst that starts at t. */
static int64_t soon(struct gen *g, int64_t t)
{
    return t + (int64_t)pick(g, 75);
}

/* ---- the application servers ----------------------------------------------
 */

static bool app_runs(int server, int64_t t)
{
    return server != 1 || t >= at(9, 0, 55, 0);
}

static bool app_serves(int server, int64_t t)
{
    return app_runs(server, t) && !(server == 1 && t > at(11, 4, 10, 0));
}

static void app_object(struct gen *g, int server, int64_t t)
{
    static const char *const branches[] = { "tokyo", "osaka", "nagoya",
                                            "fukuoka" };
    bool put = pick(g, 5) == 0;
    struct call c = { .t = t,
                      .who = who_app(g, server, t),
                      .name = put ? "PutObject" : "GetObject",
                      .ip = server == 1 ? APP1_IP : APP2_IP,
                      .agent = "[" AGENT_BOTO "]" };
    /* the responder revoked older sessions; new ones come at 04:50:23 */
    if (t > at(11, 4, 14, 20) && t < at(11, 4, 50, 23)) {
        c.error = "AccessDenied";
        c.message =
            text(g,
                 "User: arn:aws:sts::" ACCOUNT ":assumed-role/" APP_ROLE
                 "/%s is not authorized to perform: s3:%s on resource: "
                 "arn:aws:s3:::" REPORTS
                 "/customers with an explicit deny in an identity-based policy",
                 APP2_ID, c.name);
    }
    const char *key = put ? text(g, "daily/2026/03/%02d/summary-%04x.json",
                                 day_of(t), pick(g, 65536))
                          : text(g, "customers/2026/%s-%03u.csv",
                                 branches[pick(g, 4)], 1 + pick(g, 34));
    object_call(g, c, key, 900 + pick(g, 60000));
}

static void app_agent(struct gen *g, int server, int64_t t)
{
    const char *id = server == 1 ? APP1_ID : APP2_ID;
    bool isolated = !app_serves(server, t);
    call(g,
         &(struct call){
             .t = t,
             .who = who_app(g, server, t),
             .service = "ssm.amazonaws.com",
             .name = "UpdateInstanceInformation",
             .ip = isolated      ? APP1_INSIDE
                   : server == 1 ? APP1_IP
                                 : APP2_IP,
             .agent = AGENT_SSM "3.2.2303.0",
             .endpoint = isolated ? ENDPOINT : NULL,
             .params = js(g,
                          "{'instanceId':'%s','agentVersion':'3.2.2303.0',"
                          "'agentStatus':'Active','platformType':'Linux',"
                          "'platformName':'Amazon Linux','platformVersion':"
                          "'2023','iPAddress':'%s','computerName':"
                          "'app-0%d.corp.example','agentName':"
                          "'amazon-ssm-agent'}",
                          id, server == 1 ? APP1_INSIDE : "10.0.1.21", server),
             .flags = WRITE });
}

static void app_parameter(struct gen *g, int server, int64_t t)
{
    call(g, &(struct call){
                .t = t,
                .who = who_app(g, server, t),
                .service = "ssm.amazonaws.com",
                .name = "GetParameter",
                .ip = server == 1 ? APP1_IP : APP2_IP,
                .agent = AGENT_BOTO,
                .params = js(g, "{'name':'/app/web/config','withDecryption':"
                                "true}"),
                .resources =
                    js(g, "[{'accountId':'" ACCOUNT "','ARN':'arn:aws:ssm:" HOME
                          ":" ACCOUNT ":parameter/app/web/config'}]"),
                .flags = READ });
}

static void app_decrypt(struct gen *g, int server, int64_t t)
{
    struct session s = { .role = APP_ROLE,
                         .role_id = APP_ROLE_ID,
                         .name = server == 1 ? APP1_ID : APP2_ID,
                         .key = app_key(g, server, t),
                         .since = app_key_since(server, t),
                         .delivery = server == 1 ? "1.0" : "2.0",
                         .invoked_by = "ssm.amazonaws.com" };
    const char *key = "arn:aws:kms:" HOME ":" ACCOUNT
                      ":key/7c1d9e0a-52f4-4b6b-8f37-0e5a91c2d384";
    call(g, &(struct call){
                .t = t,
                .who = who_role(g, &s),
                .service = "kms.amazonaws.com",
                .name = "Decrypt",
                .ip = "ssm.amazonaws.com",
                .agent = "ssm.amazonaws.com",
                .params = js(g, "{'encryptionContext':{'PARAMETER_ARN':"
                                "'arn:aws:ssm:" HOME ":" ACCOUNT
                                ":parameter/app/web/config'},"
                                "'encryptionAlgorithm':'SYMMETRIC_DEFAULT'}"),
                .resources = js(g,
                                "[{'accountId':'" ACCOUNT
                                "','type':'AWS::KMS::Key','ARN':'%s'}]",
                                key),
                .flags = READ });
}

static void app_role(struct gen *g, int server, int64_t t)
{
    const char *id = server == 1 ? APP1_ID : APP2_ID;
    call(g, &(struct call){
                .t = t,
                .who = who_service(g, "ec2.amazonaws.com"),
                .service = "sts.amazonaws.com",
                .name = "AssumeRole",
                .ip = "ec2.amazonaws.com",
                .agent = "ec2.amazonaws.com",
                .params = js(g,
                             "{'roleArn':'arn:aws:iam::" ACCOUNT
                             ":role/" APP_ROLE "','roleSessionName':'%s'}",
                             id),
                .response =
                    js(g,
                       "{'credentials':{'accessKeyId':'%s','sessionToken':'%s',"
                       "'expiration':'%s'},'assumedRoleUser':{'assumedRoleId':"
                       "'" APP_ROLE_ID ":%s','arn':'arn:aws:sts::" ACCOUNT
                       ":assumed-role/" APP_ROLE "/%s'}}",
                       app_key(g, server, t), letters(g, BASE64, 120),
                       iso(g, t + 22472), id, id),
                .resources =
                    js(g, "[{'accountId':'" ACCOUNT
                          "','type':'AWS::IAM::Role','ARN':"
                          "'arn:aws:iam::" ACCOUNT ":role/" APP_ROLE "'}]"),
                .shared = uuid(g),
                .flags = WRITE });
}

static void servers(struct gen *g, int64_t t, unsigned objects)
{
    for (int s = 1; s <= 2; s++) {
        if (!app_runs(s, t))
            continue;
        app_agent(g, s, soon(g, t));
        for (unsigned i = 0; app_serves(s, t) && i < objects; i++)
            app_object(g, s, soon(g, t));
        if (app_serves(s, t) && pick(g, 3) == 0) {
            int64_t when = soon(g, t);
            app_parameter(g, s, when);
            app_decrypt(g, s, when);
        }
    }
}

/* ---- services and monitoring ----------------------------------------------
 */

struct plain {
    const char *service, *name, *params;
};

static void config_reads(struct gen *g, int64_t t)
{
    static const struct plain calls[] = {
        { "ec2.amazonaws.com", "DescribeSecurityGroups",
          "{'securityGroupSet':{},'securityGroupIdSet':{},'filterSet':{}}" },
        { "ec2.amazonaws.com", "DescribeNetworkInterfaces",
          "{'networkInterfaceIdSet':{},'filterSet':{}}" },
        { "ec2.amazonaws.com", "DescribeVolumes",
          "{'volumeSet':{},'filterSet':{}}" },
        { "s3.amazonaws.com", "GetBucketAcl",
          "{'bucketName':'" REPORTS "','Host':'" REPORTS ".s3." HOME
          ".amazonaws.com','acl':''}" },
        { "rds.amazonaws.com", "DescribeDBInstances", NULL },
        { "lambda.amazonaws.com", "ListFunctions20150331", NULL },
    };
    struct session s = { .role = "AWSServiceRoleForConfig",
                         .role_id = "AROACONFIGROLEEXAMPLE",
                         .name = "AWSConfig-Describe",
                         .key =
                             text(g, "ASIACNF%sEXAMPLE", letters(g, BASE32, 6)),
                         .since = t - 30,
                         .invoked_by = "config.amazonaws.com" };
    const char *who = who_role(g, &s);
    for (unsigned n = 2 + pick(g, 2); n; n--) {
        const struct plain *p = &calls[pick(g, 6)];
        call(g, &(struct call){ .t = soon(g, t),
                                .who = who,
                                .service = p->service,
                                .name = p->name,
                                .ip = "config.amazonaws.com",
                                .agent = "config.amazonaws.com",
                                .params =
                                    p->params ? js(g, "%s", p->params) : NULL,
                                .flags = READ });
    }
}

static void trail_service(struct gen *g, int64_t t)
{
    call(g,
         &(struct call){
             .t = t,
             .who = who_service(g, "cloudtrail.amazonaws.com"),
             .service = "s3.amazonaws.com",
             .name = "GetBucketAcl",
             .ip = "cloudtrail.amazonaws.com",
             .agent = "cloudtrail.amazonaws.com",
             .params = js(g, "{'bucketName':'corp-cloudtrail-" ACCOUNT
                             "','Host':'corp-cloudtrail-" ACCOUNT ".s3." HOME
                             ".amazonaws.com','acl':''}"),
             .resources = js(g, "[{'accountId':'" ACCOUNT
                                "','type':'AWS::S3::Bucket','ARN':"
                                "'arn:aws:s3:::corp-cloudtrail-" ACCOUNT "'}]"),
             .shared = uuid(g),
             .flags = READ | (pick(g, 6) == 0 ? TWICE : 0u) });
}

static void monitoring(struct gen *g, int64_t t)
{
    const char *key = text(g, "ASIAMON%sEXAMPLE", letters(g, BASE32, 6));
    int64_t since = soon(g, t);
    call(g,
         &(struct call){
             .t = since,
             .who = js(g, "{'type':'AWSAccount','principalId':"
                          "'AIDAMONITOR001EXAMPLE','accountId':'" MONITOR_VENDOR
                          "'}"),
             .service = "sts.amazonaws.com",
             .name = "AssumeRole",
             .ip = "203.0.113.200",
             .agent = AGENT_JAVA,
             .params = js(g, "{'roleArn':'arn:aws:iam::" ACCOUNT
                             ":role/monitoring-read','roleSessionName':"
                             "'poller','externalId':'corp-7731',"
                             "'durationSeconds':900}"),
             .response = js(
                 g,
                 "{'credentials':{'accessKeyId':'%s','sessionToken':'%s',"
                 "'expiration':'%s'},'assumedRoleUser':{'assumedRoleId':"
                 "'AROAMONITOR001EXAMPLE:poller','arn':'arn:aws:sts::" ACCOUNT
                 ":assumed-role/monitoring-read/poller'}}",
                 key, letters(g, BASE64, 120), iso(g, since + 900)),
             .resources = js(
                 g, "[{'accountId':'" ACCOUNT "','type':'AWS::IAM::Role','ARN':"
                    "'arn:aws:iam::" ACCOUNT ":role/monitoring-read'}]"),
             .shared = uuid(g),
             .flags = READ });
    struct session s = { .role = "monitoring-read",
                         .role_id = "AROAMONITOR001EXAMPLE",
                         .name = "poller",
                         .key = key,
                         .since = since };
    static const struct plain calls[] = {
        { "ec2.amazonaws.com", "DescribeInstances",
          "{'maxResults':1000,'instancesSet':{},'filterSet':{}}" },
        { "monitoring.amazonaws.com", "DescribeAlarms", "{'maxRecords':100}" },
        { "elasticloadbalancing.amazonaws.com", "DescribeTargetHealth",
          "{'targetGroupArn':'arn:aws:elasticloadbalancing:" HOME ":" ACCOUNT
          ":targetgroup/web/6d0ecf831eec9f09'}" },
    };
    for (unsigned i = 0; i < 3; i++)
        call(g, &(struct call){ .t = since + 1 + i,
                                .who = who_role(g, &s),
                                .service = calls[i].service,
                                .name = calls[i].name,
                                .ip = "203.0.113.200",
                                .agent = AGENT_JAVA,
                                .params = js(g, "%s", calls[i].params),
                                .flags = READ });
}

/* A key rotation: a service event, whose identity has no type. */
static void rotation(struct gen *g, int64_t t)
{
    call(g, &(struct call){
                .t = t,
                .who = js(g, "{'accountId':'" ACCOUNT
                             "','invokedBy':'AWS Internal'}"),
                .service = "kms.amazonaws.com",
                .name = "RotateKey",
                .ip = "AWS Internal",
                .agent = "AWS Internal",
                .resources = js(g, "[{'accountId':'" ACCOUNT
                                   "','type':'AWS::KMS::Key','ARN':"
                                   "'arn:aws:kms:" HOME ":" ACCOUNT
                                   ":key/7c1d9e0a-52f4-4b6b-8f37-"
                                   "0e5a91c2d384'}]"),
                .type = "AwsServiceEvent",
                .details = js(g, "{'keyId':'7c1d9e0a-52f4-4b6b-8f37-"
                                 "0e5a91c2d384','rotationType':'AUTOMATIC'}"),
                .flags = WRITE | SERVICE });
}

/* ---- the pipeline ---------------------------------------------------------
 */

static void deploy(struct gen *g, int64_t t)
{
    unsigned run = 4100 + (unsigned)((t - at(9, 0, 0, 0)) / 600);
    const char *name = text(g, "run-%u", run);
    const char *key = text(g, "ASIACID%sEXAMPLE", letters(g, BASE32, 6));
    const char *ip = text(g, "192.0.2.%u", 130 + pick(g, 8));
    int64_t since = soon(g, t);
    call(
        g,
        &(struct call){
            .t = since,
            .who = js(g, "{'type':'WebIdentityUser','principalId':"
                         "'arn:aws:iam::" ACCOUNT
                         ":oidc-provider/ci.corp.example:corp:repo/web:"
                         "main','userName':'repo/web:main',"
                         "'identityProvider':'arn:aws:iam::" ACCOUNT
                         ":oidc-provider/ci.corp.example'}"),
            .service = "sts.amazonaws.com",
            .name = "AssumeRoleWithWebIdentity",
            .ip = ip,
            .agent = AGENT_BOTO,
            .params = js(g,
                         "{'roleArn':'arn:aws:iam::" ACCOUNT
                         ":role/ci-deploy','roleSessionName':'%s',"
                         "'durationSeconds':1800}",
                         name),
            .response = js(
                g,
                "{'credentials':{'accessKeyId':'%s','sessionToken':'%s',"
                "'expiration':'%s'},'subjectFromWebIdentityToken':"
                "'repo/web:main','assumedRoleUser':{'assumedRoleId':"
                "'AROACIDEPLOY01EXAMPLE:%s','arn':'arn:aws:sts::" ACCOUNT
                ":assumed-role/ci-deploy/%s'},'provider':'arn:aws:iam::" ACCOUNT
                ":oidc-provider/ci.corp.example','audience':"
                "'sts.amazonaws.com'}",
                key, letters(g, BASE64, 120), iso(g, since + 1800), name, name),
            .flags = WRITE });
    struct session s = { .role = "ci-deploy",
                         .role_id = "AROACIDEPLOY01EXAMPLE",
                         .name = name,
                         .key = key,
                         .since = since,
                         .provider = "ci.corp.example" };
    static const struct plain calls[] = {
        { "ecr.amazonaws.com", "GetAuthorizationToken", NULL },
        { "ecr.amazonaws.com", "DescribeImages", "{'repositoryName':'web'}" },
        { "codedeploy.amazonaws.com", "ListDeployments",
          "{'applicationName':'web','deploymentGroupName':'app'}" },
        { "codedeploy.amazonaws.com", "CreateDeployment",
          "{'applicationName':'web','deploymentGroupName':'app',"
          "'revision':{'revisionType':'S3','s3Location':{'bucket':"
          "'corp-artifacts-" ACCOUNT "','bundleType':'tgz'}}}" },
    };
    for (unsigned i = 0; i < 4; i++)
        call(g, &(struct call){ .t = since + 2 + 3 * i,
                                .who = who_role(g, &s),
                                .service = calls[i].service,
                                .name = calls[i].name,
                                .ip = ip,
                                .agent = AGENT_BOTO,
                                .params = calls[i].params
                                              ? js(g, "%s", calls[i].params)
                                              : NULL,
                                .flags = i == 3 ? WRITE : READ });
}

/* ---- the nightly backup ---------------------------------------------------
 */

static const char *backup_role(struct gen *g, int64_t t)
{
    const char *key = text(g, "ASIABKP%sEXAMPLE", letters(g, BASE32, 6));
    call(g, &(struct call){
                .t = t,
                .who = who_service(g, "lambda.amazonaws.com"),
                .service = "sts.amazonaws.com",
                .name = "AssumeRole",
                .ip = "lambda.amazonaws.com",
                .agent = "lambda.amazonaws.com",
                .params = js(g, "{'roleArn':'arn:aws:iam::" ACCOUNT
                                ":role/nightly-backup','roleSessionName':"
                                "'nightly-backup'}"),
                .response =
                    js(g,
                       "{'credentials':{'accessKeyId':'%s','sessionToken':'%s',"
                       "'expiration':'%s'},'assumedRoleUser':{'assumedRoleId':"
                       "'AROABACKUPJOB1EXAMPLE:nightly-backup','arn':"
                       "'arn:aws:sts::" ACCOUNT
                       ":assumed-role/nightly-backup/nightly-backup'}}",
                       key, letters(g, BASE64, 120), iso(g, t + 3600)),
                .shared = uuid(g),
                .flags = WRITE });
    return who_role(g, &(struct session){ .role = "nightly-backup",
                                          .role_id = "AROABACKUPJOB1EXAMPLE",
                                          .name = "nightly-backup",
                                          .key = key,
                                          .since = t });
}

/* A decoy: the copy is shared, but with the organisation's own account. */
static void backup(struct gen *g, int day)
{
    int64_t t = at(day, 17, 50, 31);
    struct call c = { .who = backup_role(g, t),
                      .service = "ec2.amazonaws.com",
                      .ip = "10.0.9.14",
                      .agent = "Boto3/1.34.60 md/Botocore#1.34.60 "
                               "exec-env/AWS_Lambda_python3.11",
                      .endpoint = ENDPOINT,
                      .flags = WRITE };
    const char *snap = text(g, "snap-%s", letters(g, HEX_LOWER, 17));
    c.t = t + 2;
    c.name = "CreateSnapshot";
    c.params = js(g, "{'volumeId':'" DATA_VOLUME
                     "','description':'nightly backup of app-01 data'}");
    c.response = js(
        g,
        "{'requestId':'%s','snapshotId':'%s','volumeId':'" DATA_VOLUME
        "','status':'pending','startTime':%lld000,"
        "'progress':'','ownerId':'" ACCOUNT "','volumeSize':'1','description':"
        "'nightly backup of app-01 data','encrypted':false}",
        uuid(g), snap, (long long)c.t);
    call(g, &c);
    c.t = t + 55;
    c.name = "ModifySnapshotAttribute";
    c.params = js(g,
                  "{'snapshotId':'%s','createVolumePermission':{'add':"
                  "{'items':[{'userId':'" BACKUP_ACCOUNT
                  "'}]}},'attributeType':'CREATE_VOLUME_PERMISSION'}",
                  snap);
    c.response = js(g, "{'requestId':'%s','_return':true}", uuid(g));
    call(g, &c);
}

/* ---- people ---------------------------------------------------------------
 */

static void login(struct gen *g, const char *name, const char *id, int64_t t,
                  const char *ip, bool fails)
{
    call(g, &(struct call){
                .t = t,
                .who = fails ? js(g, "{'type':'IAMUser','accountId':'" ACCOUNT
                                     "','accessKeyId':'','userName':"
                                     "'HIDDEN_DUE_TO_SECURITY_REASONS'}")
                             : who_user(g, name, id, NULL, 0, NULL),
                .service = "signin.amazonaws.com",
                .name = "ConsoleLogin",
                .region = GLOBAL,
                .ip = ip,
                .agent = AGENT_WEB,
                .message = fails ? "Failed authentication" : NULL,
                .response = js(g, "{'ConsoleLogin':'%s'}",
                               fails ? "Failure" : "Success"),
                .additional = js(g,
                                 "{'LoginTo':'https://console.aws.amazon.com/"
                                 "console/home?region=" HOME
                                 "','MobileVersion':'No','MFAUsed':'%s'}",
                                 fails ? "No" : "Yes"),
                .type = "AwsConsoleSignIn",
                .flags = WRITE });
}

static void console_reads(struct gen *g, const char *who, const char *ip,
                          int64_t t, unsigned n)
{
    static const struct plain calls[] = {
        { "ec2.amazonaws.com", "DescribeInstances",
          "{'maxResults':500,'instancesSet':{},'filterSet':{}}" },
        { "s3.amazonaws.com", "GetBucketLocation",
          "{'bucketName':'" REPORTS "','Host':'s3." HOME
          ".amazonaws.com','location':''}" },
        { "ec2.amazonaws.com", "DescribeInstanceStatus",
          "{'instancesSet':{},'filterSet':{},'includeAllInstances':true}" },
        { "health.amazonaws.com", "DescribeEventAggregates",
          "{'aggregateField':'eventTypeCategory'}" },
        { "monitoring.amazonaws.com", "DescribeAlarms", "{'maxRecords':100}" },
        { "logs.amazonaws.com", "DescribeLogGroups", NULL },
    };
    for (unsigned i = 0; i < n; i++) {
        const struct plain *p = &calls[i % 6];
        call(g, &(struct call){ .t = t + (int64_t)(3 * i + pick(g, 3)),
                                .who = who,
                                .service = p->service,
                                .name = p->name,
                                .ip = ip,
                                .agent = AGENT_WEB,
                                .params =
                                    p->params ? js(g, "%s", p->params) : NULL,
                                .flags = READ | CONSOLE });
    }
}

static void alice_visits(struct gen *g, int64_t t, const char *ip)
{
    login(g, "alice", "AIDAALICE00001EXAMPLE", t, ip, false);
    const char *key = text(g, "ASIAALC%sEXAMPLE", letters(g, BASE32, 6));
    const char *who =
        who_user(g, "alice", "AIDAALICE00001EXAMPLE", key, t, "true");
    console_reads(g, who, ip, t + 12, 6);
}

static void bob_works(struct gen *g, int64_t t)
{
    const char *who = who_user(g, "bob", "AIDABOB0000001EXAMPLE",
                               "AKIABOB000001EXAMPLE", 0, NULL);
    bool denied = pick(g, 3) == 0;
    call(g, &(struct call){
                .t = t,
                .who = who,
                .service = "logs.amazonaws.com",
                .name = "FilterLogEvents",
                .ip = "2001:db8:40:12::1a7",
                .agent = AGENT_CLI "md/command#logs.filter-log-events",
                .params = js(g, "{'logGroupName':'/app/web','limit':100,"
                                "'filterPattern':'ERROR'}"),
                .flags = READ });
    call(g,
         &(struct call){
             .t = t + 20,
             .who = who,
             .service = "rds.amazonaws.com",
             .name = "DescribeDBSnapshots",
             .ip = "2001:db8:40:12::1a7",
             .agent = AGENT_CLI "md/command#rds.describe-db-snapshots",
             .error = denied ? "AccessDenied" : NULL,
             .message = denied ? "User: arn:aws:iam::" ACCOUNT
                                 ":user/bob is not authorized to perform: "
                                 "rds:DescribeDBSnapshots on resource: "
                                 "arn:aws:rds:" HOME ":" ACCOUNT
                                 ":snapshot:* because no identity-based policy "
                                 "allows the rds:DescribeDBSnapshots action"
                               : NULL,
             .flags = READ });
}

/* ---- the calendar ---------------------------------------------------------
 */

static void home_burst(struct gen *g, int64_t t, bool office)
{
    g->rng = chance_of("home", (uint64_t)t);
    servers(g, t, office ? 2 : 1);
    config_reads(g, t);
    if (pick(g, 3) == 0)
        trail_service(g, soon(g, t));
    if (!office || pick(g, 3) == 0)
        monitoring(g, t);
    if (office && pick(g, 7) == 0)
        deploy(g, t);
    if (office && pick(g, 6) == 0)
        bob_works(g, soon(g, t));
}

static void role_credentials(struct gen *g)
{
    for (int server = 1; server <= 2; server++) {
        int64_t from = server == 1 ? APP1_STARTED : at(9, 4, 50, 23);
        for (int64_t t = from; t < at(14, 0, 0, 0);
             t = app_key_since(server, t + APP_KEY_PERIOD)) {
            g->rng = chance_of("role", (uint64_t)t);
            app_role(g, server, t);
        }
    }
}

static void global_burst(struct gen *g, int64_t t)
{
    static const struct plain calls[] = {
        { "iam.amazonaws.com", "ListUsers", "{'maxItems':100}" },
        { "iam.amazonaws.com", "ListRoles", "{'maxItems':100}" },
        { "iam.amazonaws.com", "GetAccountSummary", NULL },
        { "iam.amazonaws.com", "GetAccountPasswordPolicy", NULL },
        { "cloudfront.amazonaws.com", "ListDistributions", NULL },
        { "organizations.amazonaws.com", "DescribeOrganization", NULL },
    };
    g->rng = chance_of("global", (uint64_t)t);
    struct session s = { .role = "AWSServiceRoleForConfig",
                         .role_id = "AROACONFIGROLEEXAMPLE",
                         .name = "AWSConfig-Describe",
                         .key =
                             text(g, "ASIACNF%sEXAMPLE", letters(g, BASE32, 6)),
                         .since = t - 30,
                         .invoked_by = "config.amazonaws.com" };
    for (unsigned i = 0; i < 6; i++)
        for (unsigned n = 1 + pick(g, 2); n; n--)
            call(g, &(struct call){
                        .t = soon(g, t),
                        .who = who_role(g, &s),
                        .service = calls[i].service,
                        .name = calls[i].name,
                        .region = GLOBAL,
                        .ip = "config.amazonaws.com",
                        .agent = "config.amazonaws.com",
                        .params = calls[i].params ? js(g, "%s", calls[i].params)
                                                  : NULL,
                        .flags = READ | (pick(g, 40) == 0 ? TWICE : 0u) });
}

static void office_day(struct gen *g, int day)
{
    g->rng = chance_of("people", (uint64_t)day);
    alice_visits(g, at(day, 5, 2, 11), "192.0.2.10");
    if (day == 10)
        login(g, "bob", NULL, at(10, 0, 10, 44), "2001:db8:40:12::1a7", true);
    if (day == 11) /* a decoy: a new address, but with her second factor */
        alice_visits(g, at(11, 1, 22, 31), "203.0.113.145");
    if (day == 10)
        rotation(g, at(10, 8, 0, 7));
    if (day < 13)
        backup(g, day);
}

void background(struct gen *g)
{
    role_credentials(g);
    for (int day = 9; day <= 13; day++) {
        for (int minute = 0; minute < 24 * 60; minute += 10) {
            bool office = minute < 9 * 60;
            int64_t t = at(day, 0, minute, 0);
            if (office || minute % 60 == 50)
                home_burst(g, t, office);
            if (minute % 120 == 10)
                global_burst(g, t);
        }
        office_day(g, day);
    }
}
