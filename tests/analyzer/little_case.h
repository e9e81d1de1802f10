/* A case of a dozen events with known answers, made through the intake. */
#pragma once

#include "analyzer/raw.h"

/*
 * E1  02:13:00 cloudwatch  log line, text "GET /fetch?url=..", ip .66
 * E2  02:14:00 cloudtrail  AssumeRole by ec2, issues ASIA..STOLEN
 * E3  02:19:00 cloudtrail  GetCallerIdentity with the key from .66
 * E4  02:20:00 cloudtrail  ListBuckets, AccessDenied
 * E5  02:21:00 cloudtrail  RunInstances, Client.UnauthorizedOperation
 * E6  02:52:00 cloudtrail  GetObject corp-reports/customers/a.csv
 * E7  03:05:00 cloudtrail  CreateAccessKey by the role, issues AKIA..BACKUP
 * E8  03:06:00 cloudtrail  PutEventSelectors with AKIA..BACKUP from 2001:db8::1
 * E9  02:00:00 cloudtrail  GetObject with AKIA..BACKUP before it was issued
 * E10 no time  disk        carved, key ASIA..STOLEN
 * E11 02:30:00 disk        modified /tmp/.x/a*b.sh, deleted
 * E12 02:30:00 disk        born the same
 *
 * X1: cloudwatch log (E1); X2: two CloudTrail files (E2..E6, E7..E9);
 * X3: a disk image (E10..E12).
 */
enum { LITTLE_EVENTS = 12 };

/* A path of a new case in the test's folder; the handle is a writer. */
struct casedb *little_case(void);
/* Records of the CloudTrail events; search goes through them. */
extern const struct raw_reader little_raw;
/* The same without a search. */
extern const struct raw_reader little_raw_slow;
