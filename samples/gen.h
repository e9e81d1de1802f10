/*
 * The sample incident: what its generator's files share.
 *
 * Everything is invented, drawn from fixed seeds and from no clock, so that
 * a run anywhere gives the same files. Addresses are documentation ranges,
 * key ids end in EXAMPLE.
 */
#pragma once

#include "base/str.h"

#define ACCOUNT     "111122223333"
#define HOME        "ap-northeast-1"
#define GLOBAL      "us-east-1"

#define APP1_ID     "i-0f3a9c1d2b4e5f607"
#define APP1_IP     "203.0.113.20"
#define APP1_INSIDE "10.0.1.20"
#define APP1_ENI    "eni-0a11b22c33d44e55f"
#define APP2_ID     "i-0a77b66c55d44e332"
#define APP2_IP     "203.0.113.21"
#define APP_AMI     "ami-0123abcd4567ef890"
#define ROOT_VOLUME "vol-0aa11bb22cc33dd44"
#define DATA_VOLUME "vol-0bb22cc33dd44ee55"
#define ROOT_SNAP   "snap-0cc33dd44ee55ff66"
#define DATA_SNAP   "snap-0dd44ee55ff66aa77"
#define APP_VPC     "vpc-0a1b2c3d4e5f60718"
#define APP_SUBNET  "subnet-0c1d2e3f405162738"
#define WEB_GROUP   "sg-0a1b2c3d4e5f00001"
#define ISO_GROUP   "sg-0a1b2c3d4e5f0dead"
#define ENDPOINT    "vpce-0a1b2c3d4e5f60a01"
#define REPORTS     "corp-reports-111122223333"
#define TRAIL       "corp-trail"
#define TRAIL_ARN   "arn:aws:cloudtrail:" HOME ":" ACCOUNT ":trail/" TRAIL
#define APP_ROLE    "app-server-role"
#define APP_ROLE_ID "AROAAPPSERVER1EXAMPLE"
#define STOLEN_KEY  "ASIAAPPSTOLENEXAMPLE"
#define BACKUP_KEY  "AKIASVCBACKUPEXAMPLE"
#define ATTACKER    "198.51.100.66"
#define ATTACKER2   "198.51.100.77"
#define SCANNER     "192.0.2.99"
#define SEND_DROP   "5f0c2d7e-8b1a-4c39-9e42-3d1b7a60f215"
#define SEND_DUMP   "c81a6e30-47f2-4d0b-a9d5-60e2b7f4138c"

/* ---- chance and text ----------------------------------------------------- */

struct chance {
    uint64_t s;
};

/* A stream of its own per name and number: what is added to one part of the
 * story leaves the ids of the others as they are. */
struct chance chance_of(const char *name, uint64_t n);
uint64_t chance_next(struct chance *c);
unsigned chance_below(struct chance *c, unsigned n);

struct gen {
    struct arena arena;
    struct buf scratch;
    struct chance rng; /* of the part being written */
    struct event *events;
    size_t n_events, cap_events;
    struct buf expected; /* facts for tests, name TAB value */
    struct buf members;  /* the same per file */
    struct buf disk;     /* the same for the disk */
};

/* Formatted text in the arena. js() turns ' into " and ` into \", so that
 * JSON can be read in the source. */
const char *text(struct gen *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *js(struct gen *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *uuid(struct gen *g);
/* n characters of the alphabet. */
const char *letters(struct gen *g, const char *alphabet, unsigned n);
#define HEX_LOWER "0123456789abcdef"
#define HEX_UPPER "0123456789ABCDEF"
#define BASE32    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define BASE64    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Instants are seconds; all lie in March 2026. */
int64_t at(int day, int hour, int minute, int second);
const char *iso(struct gen *g, int64_t t);           /* 2026-03-11T02:13:02Z */
const char *stamp(struct gen *g, int64_t t, int ms); /* ..02.117Z */
int day_of(int64_t t);
int minute_of(int64_t t); /* of its day */
int second_of(int64_t t); /* of its minute */

void fact(struct gen *g, const char *name, const char *value);
void fact_n(struct gen *g, const char *name, size_t value);

/* ---- files --------------------------------------------------------------- */

/* Folders are made; any failure ends the program with a message. */
void file_write(const char *root, const char *path, struct str bytes);
struct str gz(struct gen *g, struct str bytes);
/* What can be inflated of a cut gzip member. */
struct str gunzip_cut(struct gen *g, struct str bytes);
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- CloudTrail records (trail.c) ---------------------------------------- */

enum { READ = 1, WRITE = 2, DATA = 4, CONSOLE = 8, SERVICE = 16, TWICE = 32 };

/* One API call. Texts that are NULL are null or left out, as CloudTrail
 * does. */
struct call {
    int64_t t;
    const char *who; /* userIdentity as JSON */
    const char *service, *name, *region, *ip, *agent;
    const char *error, *message;
    const char *params, *response, *additional, *resources;
    const char *type;     /* NULL = AwsApiCall */
    const char *shared;   /* sharedEventID */
    const char *endpoint; /* vpcEndpointId */
    const char *details;  /* serviceEventDetails */
    unsigned flags;       /* READ or WRITE, and more */
};

void call(struct gen *g, const struct call *c);
/* Fills gaps, files, duplicates and damage; writes the tree and the facts. */
void trail_deliver(struct gen *g, const char *root);

struct session {
    const char *role, *role_id, *name, *key;
    int64_t since;
    const char *invoked_by; /* or NULL */
    const char *delivery;   /* ec2RoleDelivery, or NULL */
    const char *provider;   /* web identity, or NULL */
};
const char *who_role(struct gen *g, const struct session *s);
/* since 0: a long-term key without a session; mfa "true" or "false". */
const char *who_user(struct gen *g, const char *name, const char *id,
                     const char *key, int64_t since, const char *mfa);
const char *who_service(struct gen *g, const char *service);
/* The application server's session on an instance (1 or 2) at t. */
const char *app_key(struct gen *g, int server, int64_t t);
enum { APP_KEY_PERIOD = 6 * 3600 };
#define APP1_STARTED at(9, 0, 10, 40)
int64_t app_key_since(int server, int64_t t);
const char *who_app(struct gen *g, int server, int64_t t);
/* The object calls of one bucket need much that is the same. */
void object_call(struct gen *g, struct call c, const char *key, size_t bytes);

/* ---- the parts of the story ---------------------------------------------- */

void background(struct gen *g);
void incident(struct gen *g);
void object_names(struct gen *g, const char *names[140]);
void weblog(struct gen *g, const char *root);
/* The logs' lines from an instant on, as on the disk. */
struct str web_lines(struct gen *g, int64_t from);
struct str app_lines(struct gen *g, int64_t from);
/* root NULL: only the list of what the disk holds. */
void disk(struct gen *g, const char *root);
bool disk_stamp(const char *path, char *const *times, int n);
void hostlog(struct gen *g, const char *root);
