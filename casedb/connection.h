/*
 * Steps of making and opening a case, for case_open.c and case_create.c.
 */
#pragma once

#include "casedb/db.h"

/* ERR_CASE: "PATHsuffix: why". */
int connection_refuse(const struct casedb *c, struct err *err,
                      const char *suffix, const char *why);
/* Refuses network file systems; `at` is a file or folder there. */
int connection_place(const struct casedb *c, const char *at,
                     struct err *err) CHECKED;
/* A handle without a connection; path is used, shown is said. */
struct casedb *connection_handle(const char *path, const char *shown,
                                 enum case_mode mode, struct err *err);
/* Opens SQLite with every protection on and triggers off. */
int connection_open(struct casedb *c, int flags, struct err *err) CHECKED;
/* Statements of our own, NULL-ended. */
int connection_run(struct casedb *c, const char *const *sql,
                   struct err *err) CHECKED;
int connection_to_wal(struct casedb *c, struct err *err) CHECKED;
/* The schema, byte for byte, and the numbers of application and format. */
int connection_check(struct casedb *c, struct err *err) CHECKED;
/* After the check: triggers on, and the writer may move the log. */
int connection_trust(struct casedb *c, struct err *err) CHECKED;
/* Actor of a handle: the examiner, else the login name. */
void connection_actor(struct casedb *c, struct str examiner);
/* Exclusive or shared PATH.lock, by the mode. */
int connection_lock(struct casedb *c, struct err *err) CHECKED;
