/* The incident of 2026-03-11: how the server came to be, what the attacker
 * did through CloudTrail's eyes, what the responder did. */
#include "samples/gen.h"

#define CLI_ATTACK                                                             \
    "aws-cli/2.15.30 md/awscrt#0.19.19 ua/2.0 os/linux#6.6.9-amd64 "           \
    "md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython cfg/retry-mode#"      \
    "standard md/installer#exe md/distrib#debian.13 md/prompt#off "            \
    "md/command#"
#define CLI_HOST                                                               \
    "aws-cli/2.15.30 Python/3.9.16 Linux/6.1.192-amd64 source/x86_64.amzn."    \
    "2023 prompt/off command/"
#define CLI_LEAD                                                               \
    "aws-cli/2.15.28 md/awscrt#0.19.19 ua/2.0 os/linux#6.5.0 "                 \
    "md/arch#x86_64 lang/python#3.11.8 md/installer#exe md/prompt#off "        \
    "md/command#"
#define WEB_ATTACK                                                             \
    "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0"
#define WEB_OFFICE                                                             \
    "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0"
#define ROLE_DENIED                                                            \
    "User: arn:aws:sts::" ACCOUNT ":assumed-role/" APP_ROLE "/" APP1_ID        \
    " is not authorized to perform: %s because no identity-based policy "      \
    "allows the %s action"
#define SVC_ARN    "arn:aws:iam::" ACCOUNT ":user/svc-backup"
#define SVC_ID     "AIDASVCBACKUP1EXAMPLE"
#define SVC_WEBKEY "ASIASVCCONSOLEXAMPLE"
#define ALICE_ID   "AIDAALICE00001EXAMPLE"
#define LEAD_ID    "AIDAIRLEAD0001EXAMPLE"
#define LEAD_KEY   "ASIAIRLEAD001EXAMPLE"
#define LEAD_IP    "192.0.2.50"

/* A row of the story; service without its domain. */
struct step {
    int day, hour, minute, second;
    const char *service, *name, *region;
    const char *params, *response;
    const char *denied; /* action, for an AccessDenied */
    unsigned flags;
};

struct actor {
    const char *who, *ip, *agent; /* agent: the command is appended ... */
    bool cli;                     /* ... when it is a command line */
};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* rds, DescribeDBInstances -> rds.describe-db-instances */
static const char *command_of(struct gen *g, const char *service,
                              const char *name)
{
    struct buf b = { 0 };
    buf_printf(&b, "%s.", service);
    for (const char *p = name; *p && !is_digit(*p); p++) {
        bool word = p != name && is_upper(*p) &&
                    (!is_upper(p[-1]) || (p[1] && !is_upper(p[1])));
        if (word)
            buf_putc(&b, '-');
        buf_putc(&b, is_upper(*p) ? (char)(*p + 32) : *p);
    }
    const char *s = arena_copy(&g->arena, buf_str(&b)).p;
    buf_free(&b);
    return s;
}

static void play(struct gen *g, const struct actor *a, const struct step *s)
{
    g->rng =
        chance_of(s->name, (uint64_t)at(s->day, s->hour, s->minute, s->second));
    struct call c = { .t = at(s->day, s->hour, s->minute, s->second),
                      .who = a->who,
                      .service = text(g, "%s.amazonaws.com", s->service),
                      .name = s->name,
                      .region = s->region,
                      .ip = a->ip,
                      .agent = a->agent,
                      .params = s->params ? js(g, "%s", s->params) : NULL,
                      .response = s->response ? js(g, "%s", s->response) : NULL,
                      .flags = s->flags | (a->cli ? 0u : CONSOLE) };
    bool s3 = strcmp(s->service, "s3") == 0;
    if (a->cli)
        c.agent = text(g, s3 ? "[%s%s]" : "%s%s", a->agent,
                       command_of(g, s3 ? "s3api" : s->service, s->name));
    if (s->denied) {
        bool ec2 = strcmp(s->service, "ec2") == 0;
        c.error = ec2 ? "Client.UnauthorizedOperation" : "AccessDenied";
        c.message = text(g, ROLE_DENIED, s->denied, s->denied);
    }
    call(g, &c);
}

static void play_all(struct gen *g, const struct actor *a,
                     const struct step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        play(g, a, &steps[i]);
}

#define PLAY(g, a, steps) play_all(g, a, steps, sizeof(steps) / sizeof *(steps))

/* ---- 9 March: the server ---------------------------------------------------
 */

static const struct step building[] = {
    { 9, 0, 5, 10, "cloudtrail", "PutEventSelectors", NULL,
      "{'trailName':'" TRAIL "','eventSelectors':[{'readWriteType':'All',"
      "'includeManagementEvents':true,'dataResources':[{'type':"
      "'AWS::S3::Object','values':['arn:aws:s3:::" REPORTS
      "/']}],'excludeManagementEventSources':[]}]}",
      "{'trailARN':'" TRAIL_ARN "','eventSelectors':[{'readWriteType':'All',"
      "'includeManagementEvents':true,'dataResources':[{'type':"
      "'AWS::S3::Object','values':['arn:aws:s3:::" REPORTS
      "/']}],'excludeManagementEventSources':[]}]}",
      NULL, WRITE },
    { 9, 0, 7, 50, "ec2", "AuthorizeSecurityGroupIngress", NULL,
      "{'groupId':'" WEB_GROUP "','ipPermissions':{'items':[{'ipProtocol':"
      "'tcp','fromPort':443,'toPort':443,'groups':{},'ipRanges':{'items':"
      "[{'cidrIp':'0.0.0.0/0'}]},'ipv6Ranges':{},'prefixListIds':{}}]}}",
      "{'requestId':'5dd2f7a4-3f51-4cf7-bd2a-4a1c8f0e7731','_return':true}",
      NULL, WRITE },
    { 9, 0, 9, 37, "ec2", "RunInstances", NULL,
      "{'instancesSet':{'items':[{'imageId':'" APP_AMI
      "','minCount':1,'maxCount':1}]},'instanceType':'t3.micro',"
      "'blockDeviceMapping':{},'monitoring':{'enabled':false},"
      "'disableApiTermination':false,'networkInterfaceSet':{'items':"
      "[{'deviceIndex':0,'subnetId':'" APP_SUBNET
      "','groupSet':{'items':[{'groupId':'" WEB_GROUP "'}]}}]},"
      "'iamInstanceProfile':{'arn':'arn:aws:iam::" ACCOUNT
      ":instance-profile/" APP_ROLE "'},'tagSpecificationSet':{'items':"
      "[{'resourceType':'instance','tags':[{'key':'Name','value':'app-01'}]}]},"
      "'metadataOptions':{'httpTokens':'optional','httpEndpoint':'enabled'}}",
      "{'requestId':'0c8d9ed6-4c3e-4a9e-9c3c-20f6a7b2f0d5','reservationId':"
      "'r-0d1c2b3a495867584','ownerId':'" ACCOUNT
      "','groupSet':{},'instancesSet':{'items':[{'instanceId':'" APP1_ID
      "','imageId':'" APP_AMI "','instanceState':{'code':0,'name':'pending'},"
      "'privateDnsName':'ip-10-0-1-20." HOME
      ".compute.internal','amiLaunchIndex':0,'instanceType':'t3.micro',"
      "'launchTime':1773014977000,'placement':{'availabilityZone':'" HOME
      "a','tenancy':'default'},'monitoring':{'state':'disabled'},'subnetId':"
      "'" APP_SUBNET "','vpcId':'" APP_VPC "','privateIpAddress':'" APP1_INSIDE
      "','stateReason':{'code':'pending','message':'pending'},"
      "'architecture':'x86_64','rootDeviceType':'ebs','rootDeviceName':"
      "'/dev/xvda','blockDeviceMapping':{},'virtualizationType':'hvm',"
      "'hypervisor':'xen','groupSet':{'items':[{'groupId':'" WEB_GROUP
      "','groupName':'web'}]},'networkInterfaceSet':{'items':"
      "[{'networkInterfaceId':'" APP1_ENI "','subnetId':'" APP_SUBNET
      "','vpcId':'" APP_VPC "','ownerId':'" ACCOUNT
      "','status':'in-use','privateIpAddress':'" APP1_INSIDE
      "','privateIpAddressesSet':{'item':[{'privateIpAddress':'" APP1_INSIDE
      "','primary':true}]}}]},'iamInstanceProfile':{'arn':'arn:aws:iam:"
      ":" ACCOUNT ":instance-profile/" APP_ROLE
      "','id':'AIPAAPPSERVER1EXAMPLE'},'ebsOptimized':false}]}}",
      NULL, WRITE },
    { 9, 0, 12, 2, "ec2", "CreateVolume", NULL,
      "{'size':'1','zone':'" HOME "a','volumeType':'gp3','encrypted':false}",
      "{'requestId':'d6e4b1cf-8a55-43e6-8a0e-b7cf1c4f0a92','volumeId':"
      "'" DATA_VOLUME "','size':'1','zone':'" HOME
      "a','status':'creating','createTime':1773015122000,'volumeType':'gp3',"
      "'iops':3000,'encrypted':false,'tagSet':{},'multiAttachEnabled':false}",
      NULL, WRITE },
    { 9, 0, 12, 40, "ec2", "AttachVolume", NULL,
      "{'volumeId':'" DATA_VOLUME "','instanceId':'" APP1_ID
      "','device':'/dev/sdf','deleteOnTermination':false}",
      "{'requestId':'3a5f20bb-6a44-4c0e-9d4c-c1d2ff6a9b07','volumeId':"
      "'" DATA_VOLUME "','instanceId':'" APP1_ID
      "','device':'/dev/sdf','status':'attaching','attachTime':1773015160000,"
      "'deleteOnTermination':false}",
      NULL, WRITE },
    { 9, 0, 14, 0, "ec2", "AssociateAddress", NULL,
      "{'instanceId':'" APP1_ID "','allocationId':'eipalloc-"
      "0e1f2a3b4c5d6e7f8'}",
      "{'requestId':'9b8d3f0e-71e0-4b6c-8b60-68b6d7f5a1c4','_return':true,"
      "'associationId':'eipassoc-0f1e2d3c4b5a69788'}",
      NULL, WRITE },
    { 9, 0, 16, 31, "ec2", "CreateTags", NULL,
      "{'resourcesSet':{'items':[{'resourceId':'" ROOT_VOLUME
      "'},{'resourceId':'" DATA_VOLUME "'}]},'tagSet':{'items':[{'key':"
      "'Name','value':'app-01'}]}}",
      "{'requestId':'5e0a5d86-0f32-4d51-a2d2-f3b8e1c90a4b','_return':true}",
      NULL, WRITE },
};

static void build_server(struct gen *g)
{
    g->rng = chance_of("building", 0);
    struct session ci = { .role = "ci-deploy",
                          .role_id = "AROACIDEPLOY01EXAMPLE",
                          .name = "run-4098",
                          .key = "ASIACIDIMAGE1EXAMPLE",
                          .since = at(9, 0, 0, 20),
                          .provider = "ci.corp.example" };
    struct actor pipeline = { who_role(g, &ci), "192.0.2.131", CLI_LEAD, true };
    play(g, &pipeline,
         &(struct step){
             9, 0, 1, 5, "ec2", "CreateImage", NULL,
             "{'instanceId':'i-0b1de5c0de0000001','name':"
             "'app-base-2026-03-09','noReboot':false,'blockDeviceMapping':{}}",
             "{'requestId':'b5e7d1a2-2c1f-4a0d-8f3b-8b8a7c6d5e4f','imageId':"
             "'" APP_AMI "'}",
             NULL, WRITE });
    call(g, &(struct call){
                .t = at(9, 0, 4, 10),
                .who = who_user(g, "alice", ALICE_ID, NULL, 0, NULL),
                .service = "signin.amazonaws.com",
                .name = "ConsoleLogin",
                .region = GLOBAL,
                .ip = "192.0.2.10",
                .agent = WEB_OFFICE,
                .response = js(g, "{'ConsoleLogin':'Success'}"),
                .additional = js(g, "{'LoginTo':'https://console.aws.amazon."
                                    "com/ec2/home?region=" HOME
                                    "','MobileVersion':'No','MFAUsed':'Yes',"
                                    "'MFAIdentifier':'arn:aws:iam::" ACCOUNT
                                    ":mfa/alice'}"),
                .type = "AwsConsoleSignIn",
                .flags = WRITE });
    struct actor alice = { who_user(g, "alice", ALICE_ID,
                                    "ASIAALICE0001EXAMPLE", at(9, 0, 4, 10),
                                    "true"),
                           "192.0.2.10", WEB_OFFICE, false };
    PLAY(g, &alice, building);
}

/* ---- 02:19: the stolen key, outside ----------------------------------------
 */

static const struct step discovery[] = {
    { 11, 2, 19, 44, "sts", "GetCallerIdentity", GLOBAL, NULL, NULL, NULL,
      READ },
    { 11, 2, 20, 11, "s3", "ListBuckets", GLOBAL, "{'Host':'s3.amazonaws.com'}",
      NULL, NULL, READ },
    { 11, 2, 20, 58, "iam", "ListAttachedRolePolicies", GLOBAL,
      "{'roleName':'" APP_ROLE "'}", NULL, NULL, READ },
    { 11, 2, 21, 9, "iam", "ListRolePolicies", GLOBAL,
      "{'roleName':'" APP_ROLE "'}", NULL, NULL, READ },
    { 11, 2, 21, 30, "iam", "GetRolePolicy", GLOBAL,
      "{'roleName':'" APP_ROLE "','policyName':'app-inline'}", NULL, NULL,
      READ },
    { 11, 2, 22, 3, "iam", "GetAccountAuthorizationDetails", GLOBAL, NULL, NULL,
      "iam:GetAccountAuthorizationDetails", READ },
    { 11, 2, 22, 26, "iam", "ListUsers", GLOBAL, NULL, NULL, NULL, READ },
    { 11, 2, 22, 41, "iam", "ListRoles", GLOBAL, NULL, NULL, NULL, READ },
    { 11, 2, 23, 15, "organizations", "DescribeOrganization", GLOBAL, NULL,
      NULL, "organizations:DescribeOrganization", READ },
    { 11, 2, 23, 47, "secretsmanager", "ListSecrets", NULL, NULL, NULL,
      "secretsmanager:ListSecrets", READ },
    { 11, 2, 24, 19, "ssm", "DescribeParameters", NULL, "{'maxResults':50}",
      NULL, "ssm:DescribeParameters", READ },
    { 11, 2, 24, 50, "rds", "DescribeDBInstances", NULL, NULL, NULL,
      "rds:DescribeDBInstances", READ },
    { 11, 2, 25, 22, "lambda", "ListFunctions20150331", NULL, NULL, NULL,
      "lambda:ListFunctions", READ },
    { 11, 2, 25, 55, "kms", "ListKeys", NULL, "{'limit':100}", NULL,
      "kms:ListKeys", READ },
    { 11, 2, 26, 31, "ec2", "DescribeInstances", NULL,
      "{'instancesSet':{},'filterSet':{}}", NULL, NULL, READ },
    { 11, 2, 26, 58, "ec2", "DescribeSecurityGroups", NULL,
      "{'securityGroupSet':{},'securityGroupIdSet':{},'filterSet':{}}", NULL,
      NULL, READ },
    { 11, 2, 27, 20, "ec2", "DescribeVolumes", NULL,
      "{'volumeSet':{},'filterSet':{}}", NULL, NULL, READ },
    { 11, 2, 27, 44, "ec2", "DescribeSnapshots", NULL,
      "{'snapshotSet':{},'ownersSet':{'items':[{'owner':'self'}]},"
      "'filterSet':{}}",
      NULL, "ec2:DescribeSnapshots", READ },
    { 11, 2, 28, 12, "ec2", "DescribeRegions", NULL, "{'regionSet':{}}", NULL,
      NULL, READ },
    { 11, 2, 28, 49, "ec2", "DescribeInstances", GLOBAL,
      "{'instancesSet':{},'filterSet':{}}", NULL, NULL, READ },
    { 11, 2, 29, 30, "ec2", "DescribeVpcs", NULL,
      "{'vpcSet':{},'filterSet':{}}", NULL, NULL, READ },
    { 11, 2, 30, 8, "s3", "GetBucketLocation", NULL,
      "{'bucketName':'" REPORTS "','Host':'s3.amazonaws.com','location':''}",
      NULL, NULL, READ },
    { 11, 2, 30, 40, "s3", "GetBucketPolicy", NULL,
      "{'bucketName':'corp-payroll-" ACCOUNT
      "','Host':'s3.amazonaws.com','policy':''}",
      NULL, "s3:GetBucketPolicy", READ },
    { 11, 2, 31, 2, "s3", "GetBucketPublicAccessBlock", NULL,
      "{'bucketName':'" REPORTS
      "','Host':'s3.amazonaws.com','publicAccessBlock':''}",
      NULL, NULL, READ },
    { 11, 2, 33, 17, "cloudtrail", "DescribeTrails", NULL,
      "{'trailNameList':[]}", NULL, NULL, READ },
    { 11, 2, 33, 41, "cloudtrail", "GetTrailStatus", NULL,
      "{'name':'" TRAIL_ARN "'}", NULL, NULL, READ },
    { 11, 2, 34, 5, "cloudtrail", "GetEventSelectors", NULL,
      "{'trailName':'" TRAIL_ARN "'}", NULL, NULL, READ },
    { 11, 2, 35, 28, "guardduty", "ListDetectors", NULL, NULL, NULL,
      "guardduty:ListDetectors", READ },
    { 11, 2, 36, 50, "ssm", "DescribeInstanceInformation", NULL,
      "{'maxResults':50}", NULL, NULL, READ },
    { 11, 2, 38, 33, "iam", "ListAccessKeys", GLOBAL, "{'userName':'alice'}",
      NULL, "iam:ListAccessKeys", READ },
    { 11, 2, 39, 51, "iam", "ListInstanceProfiles", GLOBAL, NULL, NULL, NULL,
      READ },
};

/* ---- 02:52: the data -------------------------------------------------------
 */

void object_names(struct gen *g, const char *names[140])
{
    static const char *const branches[] = { "tokyo", "osaka", "nagoya",
                                            "fukuoka" };
    for (unsigned i = 0; i < 139; i++)
        names[i] =
            text(g, "customers/2026/%s-%03u.csv", branches[i / 35], 1 + i % 35);
    /* "head office, summary" */
    names[139] = "customers/2026/\xE6\x9C\xAC\xE7\xA4\xBE-"
                 "\xE3\x81\xBE\xE3\x81\xA8\xE3\x82\x81.csv";
}

static void take_data(struct gen *g, const char *who)
{
    const char *names[140];
    object_names(g, names);
    g->rng = chance_of("data", 0);
    struct call c = { .who = who, .ip = ATTACKER, .name = "ListObjects" };
    c.agent = "[" CLI_ATTACK "s3.ls]";
    c.t = at(11, 2, 51, 40);
    object_call(g, c, "customers/", 918);
    c.t = at(11, 2, 52, 2);
    c.agent = "[" CLI_ATTACK "s3.sync]";
    object_call(g, c, "customers/2026/", 31877);
    size_t total = 0;
    c.name = "GetObject";
    for (unsigned i = 0; i < 140; i++) {
        size_t bytes = 180000 + chance_below(&g->rng, 900000);
        total += bytes;
        c.t = at(11, 2, 52, 4) + i * 23 / 10;
        c.flags = i % 35 == 7 ? TWICE : 0;
        object_call(g, c, names[i], bytes);
    }
    fact(g, "story.objects_read", "140");
    fact_n(g, "story.object_bytes", total);
    c.flags = 0;
    c.agent = "[" CLI_ATTACK "s3.cp]";
    c.t = at(11, 2, 58, 30);
    c.error = "AccessDenied";
    c.message = "Access Denied";
    object_call(g, c, "payroll/2026-02.xlsx", 0);
}

/* ---- 03:05: to stay, unseen -------------------------------------------------
 */

static const struct step persistence[] = {
    { 11, 3, 5, 12, "iam", "CreateUser", GLOBAL, "{'userName':'svc-backup'}",
      "{'user':{'path':'/','userName':'svc-backup','userId':'" SVC_ID
      "','arn':'" SVC_ARN "','createDate':'Mar 11, 2026 3:05:12 AM'}}",
      NULL, WRITE },
    { 11, 3, 5, 15, "iam", "CreateAccessKey", GLOBAL,
      "{'userName':'svc-backup'}",
      "{'accessKey':{'userName':'svc-backup','accessKeyId':'" BACKUP_KEY
      "','status':'Active','createDate':'Mar 11, 2026 3:05:15 AM'}}",
      NULL, WRITE | TWICE },
    { 11, 3, 5, 21, "iam", "AttachUserPolicy", GLOBAL,
      "{'userName':'svc-backup','policyArn':"
      "'arn:aws:iam::aws:policy/AdministratorAccess'}",
      NULL, NULL, WRITE },
    { 11, 3, 6, 2, "iam", "CreateLoginProfile", GLOBAL,
      "{'userName':'svc-backup','passwordResetRequired':false}",
      "{'loginProfile':{'userName':'svc-backup','createDate':"
      "'Mar 11, 2026 3:06:02 AM','passwordResetRequired':false}}",
      NULL, WRITE },
};

static const struct step with_new_key[] = {
    { 11, 3, 8, 14, "sts", "GetCallerIdentity", GLOBAL, NULL, NULL, NULL,
      READ },
    { 11, 3, 18, 49, "ssm", "DescribeInstanceInformation", NULL,
      "{'maxResults':50}", NULL, NULL, READ },
    { 11, 3, 20, 14, "ssm", "SendCommand", NULL,
      "{'documentName':'AWS-RunShellScript','instanceIds':['" APP1_ID
      "'],'parameters':'HIDDEN_DUE_TO_SECURITY_REASONS','interactive':false}",
      "{'command':{'commandId':'" SEND_DROP
      "','documentName':'AWS-RunShellScript','documentVersion':'$DEFAULT',"
      "'comment':'','expiresAfter':'Mar 11, 2026 5:20:14 AM','parameters':"
      "'HIDDEN_DUE_TO_SECURITY_REASONS','instanceIds':['" APP1_ID
      "'],'targets':[],'requestedDateTime':'Mar 11, 2026 3:20:14 AM','status':"
      "'Pending','statusDetails':'Pending','targetCount':1,'completedCount':0,"
      "'errorCount':0,'timeoutSeconds':3600}}",
      NULL, WRITE },
    { 11, 3, 20, 31, "ssm", "GetCommandInvocation", NULL,
      "{'commandId':'" SEND_DROP "','instanceId':'" APP1_ID "'}", NULL, NULL,
      READ },
    { 11, 3, 20, 52, "ssm", "GetCommandInvocation", NULL,
      "{'commandId':'" SEND_DROP "','instanceId':'" APP1_ID "'}", NULL, NULL,
      READ },
    { 11, 3, 44, 26, "ec2", "DescribeInstances", NULL,
      "{'instancesSet':{},'filterSet':{}}", NULL, NULL, READ },
};

#define SELECTORS_OFF                                                          \
    "'eventSelectors':[{'readWriteType':'All','includeManagementEvents':"      \
    "true,'dataResources':[],'excludeManagementEventSources':[]}]}"

static const struct step on_console[] = {
    { 11, 3, 10, 2, "cloudtrail", "DescribeTrails", NULL,
      "{'trailNameList':[],'includeShadowTrails':false}", NULL, NULL, READ },
    { 11, 3, 10, 30, "cloudtrail", "GetTrailStatus", NULL,
      "{'name':'" TRAIL_ARN "'}", NULL, NULL, READ },
    { 11, 3, 14, 58, "cloudtrail", "GetEventSelectors", NULL,
      "{'trailName':'" TRAIL_ARN "'}", NULL, NULL, READ },
    { 11, 3, 15, 40, "cloudtrail", "PutEventSelectors", NULL,
      "{'trailName':'" TRAIL "'," SELECTORS_OFF,
      "{'trailARN':'" TRAIL_ARN "'," SELECTORS_OFF, NULL, WRITE },
    { 11, 3, 33, 50, "iam", "ListUsers", GLOBAL, "{'maxItems':1000}", NULL,
      NULL, READ },
};

static void denied_by_organisation(struct gen *g, const char *who, int64_t t,
                                   const char *name)
{
    g->rng = chance_of(name, (uint64_t)t);
    call(g,
         &(struct call){
             .t = t,
             .who = who,
             .service = "cloudtrail.amazonaws.com",
             .name = name,
             .ip = ATTACKER2,
             .agent = WEB_ATTACK,
             .error = "AccessDenied",
             .message = text(g,
                             "User: " SVC_ARN
                             " is not authorized to perform: cloudtrail:%s on "
                             "resource: " TRAIL_ARN
                             " with an explicit deny in a service control "
                             "policy",
                             name),
             .params = js(g, "{'name':'" TRAIL_ARN "'}"),
             .flags = WRITE | CONSOLE });
}

static void persist(struct gen *g, const char *stolen)
{
    struct actor thief = { stolen, ATTACKER, CLI_ATTACK, true };
    PLAY(g, &thief, persistence);
    /* typed on the host itself: the shell of the memory image */
    struct actor host = { stolen, APP1_IP, CLI_HOST, true };
    play(g, &host,
         &(struct step){ 11, 3, 25, 40, "sts", "GetCallerIdentity", NULL, NULL,
                         NULL, NULL, READ });
    struct actor key = { who_user(g, "svc-backup", SVC_ID, BACKUP_KEY, 0, NULL),
                         ATTACKER, CLI_ATTACK, true };
    PLAY(g, &key, with_new_key);
    int64_t since = at(11, 3, 9, 31);
    g->rng = chance_of("svc-backup login", 0);
    call(g, &(struct call){
                .t = since,
                .who = who_user(g, "svc-backup", SVC_ID, NULL, 0, NULL),
                .service = "signin.amazonaws.com",
                .name = "ConsoleLogin",
                .region = GLOBAL,
                .ip = ATTACKER2,
                .agent = WEB_ATTACK,
                .response = js(g, "{'ConsoleLogin':'Success'}"),
                .additional = js(g, "{'LoginTo':'https://console.aws.amazon."
                                    "com/cloudtrail/home?region=" HOME
                                    "','MobileVersion':'No','MFAUsed':'No'}"),
                .type = "AwsConsoleSignIn",
                .flags = WRITE });
    const char *web =
        who_user(g, "svc-backup", SVC_ID, SVC_WEBKEY, since, "false");
    struct actor console = { web, ATTACKER2, WEB_ATTACK, false };
    PLAY(g, &console, on_console);
    denied_by_organisation(g, web, at(11, 3, 12, 7), "StopLogging");
    denied_by_organisation(g, web, at(11, 3, 12, 40), "DeleteTrail");
}

/* ---- 03:48: the response ----------------------------------------------------
 */

#define ISO_RULE                                                               \
    "'ipPermissions':{'items':[{'ipProtocol':'-1','groups':{},'ipRanges':"     \
    "{'items':[{'cidrIp':'0.0.0.0/"                                            \
    "0'}]},'ipv6Ranges':{},'prefixListIds':{}}]}}"
#define SNAPSHOT(volume, snap, when, size)                                     \
    "{'requestId':'7f6d1c22-93f4-4ac1-a5d8-" size "aa0d1c3e5f7" size           \
    "','snapshotId':'" snap "','volumeId':'" volume                            \
    "','status':'pending','startTime':" when                                   \
    ",'progress':'','ownerId':'" ACCOUNT "','volumeSize':'" size               \
    "','description':'incident 2026-03-11 app-01','encrypted':false}"

static const struct step response[] = {
    { 11, 3, 49, 12, "guardduty", "GetFindings", NULL,
      "{'detectorId':'12abc34d567e8fa901bc2d34e56789f0','findingIds':"
      "['5e3f7a1c9b2d4e6f8a0b1c2d3e4f5a6b']}",
      NULL, NULL, READ },
    { 11, 3, 50, 1, "cloudtrail", "GetTrailStatus", NULL,
      "{'name':'" TRAIL_ARN "'}", NULL, NULL, READ },
    { 11, 3, 50, 40, "cloudtrail", "GetEventSelectors", NULL,
      "{'trailName':'" TRAIL_ARN "'}", NULL, NULL, READ },
    { 11, 3, 52, 0, "cloudtrail", "PutEventSelectors", NULL,
      "{'trailName':'" TRAIL "','eventSelectors':[{'readWriteType':'All',"
      "'includeManagementEvents':true,'dataResources':[{'type':"
      "'AWS::S3::Object','values':['arn:aws:s3:::" REPORTS
      "/']}],'excludeManagementEventSources':[]}]}",
      "{'trailARN':'" TRAIL_ARN "','eventSelectors':[{'readWriteType':'All',"
      "'includeManagementEvents':true,'dataResources':[{'type':"
      "'AWS::S3::Object','values':['arn:aws:s3:::" REPORTS
      "/']}],'excludeManagementEventSources':[]}]}",
      NULL, WRITE },
    { 11, 4, 10, 3, "ec2", "CreateSecurityGroup", NULL,
      "{'groupName':'isolation','groupDescription':"
      "'incident 2026-03-11','vpcId':'" APP_VPC "'}",
      "{'requestId':'1a0c8e64-5b2f-4f0e-9a3d-7d6c5b4a3928','_return':true,"
      "'groupId':'" ISO_GROUP "'}",
      NULL, WRITE },
    { 11, 4, 10, 21, "ec2", "RevokeSecurityGroupEgress", NULL,
      "{'groupId':'" ISO_GROUP "'," ISO_RULE,
      "{'requestId':'e1f9a6c4-02c5-4a45-bb1e-9d8c7b6a5f40','_return':true}",
      NULL, WRITE },
    { 11, 4, 11, 9, "ec2", "ModifyNetworkInterfaceAttribute", NULL,
      "{'networkInterfaceId':'" APP1_ENI
      "','groupSet':{'items':[{'groupId':'" ISO_GROUP "'}]}}",
      "{'requestId':'c4b7e0d9-6e8a-4d22-8c11-5a4b3c2d1e0f','_return':true}",
      NULL, WRITE },
    { 11, 4, 14, 20, "iam", "PutRolePolicy", GLOBAL,
      "{'roleName':'" APP_ROLE "','policyName':'AWSRevokeOlderSessions',"
      "'policyDocument':'{`Version`:`2012-10-17`,`Statement`:[{`Effect`:"
      "`Deny`,`Action`:[`*`],`Resource`:[`*`],`Condition`:{`DateLessThan`:"
      "{`aws:TokenIssueTime`:`2026-03-11T04:14:20Z`}}}]}'}",
      NULL, NULL, WRITE },
    { 11, 4, 16, 2, "iam", "UpdateAccessKey", GLOBAL,
      "{'userName':'svc-backup','accessKeyId':'" BACKUP_KEY
      "','status':'Inactive'}",
      NULL, NULL, WRITE },
    { 11, 4, 16, 30, "iam", "DeleteLoginProfile", GLOBAL,
      "{'userName':'svc-backup'}", NULL, NULL, WRITE },
    { 11, 4, 17, 15, "iam", "AttachUserPolicy", GLOBAL,
      "{'userName':'svc-backup','policyArn':"
      "'arn:aws:iam::aws:policy/AWSDenyAll'}",
      NULL, NULL, WRITE },
    { 11, 4, 18, 40, "ec2", "ModifyInstanceAttribute", NULL,
      "{'instanceId':'" APP1_ID "','disableApiTermination':{'value':true}}",
      "{'requestId':'8d2e4f60-1b3c-4d5e-9f70-a1b2c3d4e5f6','_return':true}",
      NULL, WRITE },
    { 11, 4, 19, 5, "ec2", "ModifyInstanceAttribute", NULL,
      "{'instanceId':'" APP1_ID "','blockDeviceMapping':{'items':"
      "[{'deviceName':'/dev/xvda','ebs':{'volumeId':'" ROOT_VOLUME
      "','deleteOnTermination':false}}]}}",
      "{'requestId':'4c5d6e7f-8091-4a2b-b3c4-d5e6f7081920','_return':true}",
      NULL, WRITE },
    { 11, 4, 20, 10, "ec2", "DescribeVolumes", NULL,
      "{'volumeSet':{},'filterSet':{'items':[{'name':"
      "'attachment.instance-id','valueSet':{'items':[{'value':'" APP1_ID
      "'}]}}]}}",
      NULL, NULL, READ },
    { 11, 4, 22, 14, "ec2", "CreateSnapshot", NULL,
      "{'volumeId':'" ROOT_VOLUME
      "','description':'incident 2026-03-11 app-01'}",
      SNAPSHOT(ROOT_VOLUME, ROOT_SNAP, "1773202934000", "8"), NULL, WRITE },
    { 11, 4, 22, 47, "ec2", "CreateSnapshot", NULL,
      "{'volumeId':'" DATA_VOLUME
      "','description':'incident 2026-03-11 app-01'}",
      SNAPSHOT(DATA_VOLUME, DATA_SNAP, "1773202967000", "1"), NULL, WRITE },
    { 11, 4, 24, 0, "ec2", "CreateTags", NULL,
      "{'resourcesSet':{'items':[{'resourceId':'" ROOT_SNAP
      "'},{'resourceId':'" DATA_SNAP "'},{'resourceId':'" APP1_ID
      "'}]},'tagSet':{'items':[{'key':'incident','value':'2026-03-11'}]}}",
      "{'requestId':'6e7f8091-a2b3-4c4d-95e6-f708192a3b4c','_return':true}",
      NULL, WRITE },
    { 11, 4, 31, 8, "ssm", "SendCommand", NULL,
      "{'documentName':'AWS-RunShellScript','instanceIds':['" APP1_ID
      "'],'comment':'memory image','parameters':"
      "'HIDDEN_DUE_TO_SECURITY_REASONS','interactive':false}",
      "{'command':{'commandId':'" SEND_DUMP
      "','documentName':'AWS-RunShellScript','documentVersion':'$DEFAULT',"
      "'comment':'memory image','expiresAfter':'Mar 11, 2026 6:31:08 AM',"
      "'parameters':'HIDDEN_DUE_TO_SECURITY_REASONS','instanceIds':['" APP1_ID
      "'],'targets':[],'requestedDateTime':'Mar 11, 2026 4:31:08 AM','status':"
      "'Pending','statusDetails':'Pending','targetCount':1,'completedCount':0,"
      "'errorCount':0,'timeoutSeconds':3600}}",
      NULL, WRITE },
    { 11, 4, 38, 20, "ssm", "GetCommandInvocation", NULL,
      "{'commandId':'" SEND_DUMP "','instanceId':'" APP1_ID "'}", NULL, NULL,
      READ },
    { 11, 4, 46, 51, "ec2", "DescribeSnapshots", NULL,
      "{'snapshotSet':{'items':[{'snapshotId':'" ROOT_SNAP
      "'},{'snapshotId':'" DATA_SNAP "'}]},'filterSet':{}}",
      NULL, NULL, READ },
    { 11, 4, 55, 33, "logs", "CreateExportTask", NULL,
      "{'taskName':'incident-app-web','logGroupName':'/app/web','from':"
      "1773014400000,'to':1773273600000,'destination':'corp-evidence-" ACCOUNT
      "','destinationPrefix':'exportedlogs'}",
      "{'taskId':'a17f4a5e-6c0b-4d0f-8b5e-2f9f1d6c3b70'}", NULL, WRITE },
    { 11, 5, 0, 12, "ec2", "DescribeInstances", NULL,
      "{'instancesSet':{'items':[{'instanceId':'" APP1_ID
      "'}]},'filterSet':{}}",
      NULL, NULL, READ },
    { 12, 1, 10, 4, "iam", "DetachUserPolicy", GLOBAL,
      "{'userName':'svc-backup','policyArn':"
      "'arn:aws:iam::aws:policy/AdministratorAccess'}",
      NULL, NULL, WRITE },
};

static void lead_arrives(struct gen *g)
{
    g->rng = chance_of("ir-lead", 0);
    call(g, &(struct call){
                .t = at(11, 3, 48, 20),
                .who = who_user(g, "ir-lead", LEAD_ID, "AKIAIRLEAD001EXAMPLE",
                                0, NULL),
                .service = "sts.amazonaws.com",
                .name = "GetSessionToken",
                .ip = LEAD_IP,
                .agent = CLI_LEAD "sts.get-session-token",
                .params = js(g, "{'durationSeconds':129600,'serialNumber':"
                                "'arn:aws:iam::" ACCOUNT ":mfa/ir-lead'}"),
                .response = js(g,
                               "{'credentials':{'accessKeyId':'" LEAD_KEY
                               "','sessionToken':'%s','expiration':"
                               "'Mar 12, 2026 3:48:20 PM'}}",
                               letters(g, BASE64, 120)),
                .flags = READ });
}

/* After the response the attacker's credentials fail. */
static void last_try(struct gen *g, const char *stolen)
{
    g->rng = chance_of("last try", 0);
    call(g,
         &(struct call){
             .t = at(11, 4, 27, 55),
             .who = stolen,
             .service = "s3.amazonaws.com",
             .name = "ListBuckets",
             .region = GLOBAL,
             .ip = ATTACKER,
             .agent = "[" CLI_ATTACK "s3.ls]",
             .error = "AccessDenied",
             .message = "User: arn:aws:sts::" ACCOUNT ":assumed-role/" APP_ROLE
                        "/" APP1_ID " is not authorized to perform: "
                        "s3:ListAllMyBuckets with an explicit deny in an "
                        "identity-based policy",
             .params = js(g, "{'Host':'s3.amazonaws.com'}"),
             .flags = READ });
}

void incident(struct gen *g)
{
    build_server(g);
    g->rng = chance_of("stolen", 0);
    const char *stolen = who_app(g, 1, at(11, 2, 14, 0));
    struct actor thief = { stolen, ATTACKER, CLI_ATTACK, true };
    PLAY(g, &thief, discovery);
    take_data(g, stolen);
    persist(g, stolen);
    lead_arrives(g);
    struct actor lead = { who_user(g, "ir-lead", LEAD_ID, LEAD_KEY,
                                   at(11, 3, 48, 20), "true"),
                          LEAD_IP, CLI_LEAD, true };
    PLAY(g, &lead, response);
    last_try(g, stolen);
    fact(g, "story.stolen_key", STOLEN_KEY);
    fact(g, "story.persistence_key", BACKUP_KEY);
    fact(g, "story.data_events_off",
         "2026-03-11T03:15:40Z 2026-03-11T03:52:00Z");
}
