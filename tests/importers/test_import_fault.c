/*
 * Every write, sync, open, .. of the case failing in turn while evidence is
 * imported: it ends with ERR_WRITE, the case is whole, and the same import
 * given again ends with the content of one that was left alone.
 */
#include "casedb/casedb.h"
#include "evidence/worker.h"
#include "importers/import.h"
#include "tests/casedb/faultvfs.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 5, EVENTS = 6, BATCH = 9 };

__attribute__((constructor)) static void become_worker(int argc, char **argv)
{
    struct worker_handler handlers[WORKER_KINDS] = { 0 };
    if (!worker_is(argc, argv))
        return;
    import_worker_handlers(handlers);
    _exit(worker_main(argc, argv, handlers));
}

static struct err err;
static char evidence[600], path[600], base[600];

static void write_file(int i)
{
    char name[700];
    snprintf(name, sizeof(name), "%s/%d.json", evidence, i);
    FILE *f = fopen(name, "w");
    ck_assert(f != NULL);
    fputs("{\"Records\":[", f);
    for (int k = 0; k < EVENTS; k++)
        fprintf(f,
                "%s{\"eventVersion\":\"1.08\",\"userIdentity\":{\"type\":"
                "\"Root\",\"accountId\":\"111122223333\"},\"eventTime\":"
                "\"2026-03-11T02:%02d:%02dZ\",\"eventSource\":"
                "\"s3.amazonaws.com\",\"eventName\":\"Get%d\","
                "\"sourceIPAddress\":\"192.0.2.%d\",\"eventID\":"
                "\"000%02d%03d-1111-2222-3333-444444444444\"}",
                k ? "," : "", i, k, k, i * EVENTS + k, i, k / 2);
    fputs(i == 3 ? "" : "]}", f);
    ck_assert_int_eq(fclose(f), 0);
}

static void copy_case(void)
{
    static const char suffixes[][9] = { "-wal", "-shm", "-journal", ".lock" };
    char name[700], p[8192];
    ssize_t n;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
    int in = open(base, O_RDONLY),
        out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert(in >= 0 && out >= 0);
    while ((n = read(in, p, sizeof(p))) > 0)
        ck_assert_int_eq(write(out, p, (size_t)n), n);
    close(in);
    close(out);
}

static int import(void)
{
    struct casedb *c;
    struct import_result r;
    struct import_options o = { .path = str_from(evidence),
                                .jobs = 1,
                                .batch = BATCH,
                                .version = STR("0"),
                                .argv = STR("{}") };
    int rc = case_open(path, CASE_WRITE, &c, &err);
    if (rc)
        return rc;
    rc = import_path(c, &o, &r, &err);
    case_close(c);
    return rc;
}

static void content(unsigned char sha[32])
{
    struct casedb *c;
    ck_assert_msg(case_open(path, CASE_READ, &c, &err) == 0, "%s", err.what);
    ck_assert_msg(case_verify(c, &err) == 0, "%s", err.what);
    ck_assert_int_eq(case_content_hash(c, sha, &err), 0);
    case_close(c);
}

static bool fail_nth(enum fault_op op, int rc, unsigned n,
                     const unsigned char want[32])
{
    unsigned char sha[32];
    copy_case();
    fault_arm(op, n, rc, n % 2);
    int got = import();
    bool hit = fault_hit();
    fault_arm(FAULT_OPS, 0, 0, false);
    ck_assert_msg(got == 0 || got == ERR_WRITE || got == ERR_CASE ||
                      (got == ERR_USAGE && strstr(err.what, "already")),
                  "operation %d, %u: %d %s", op, n, got, err.what);
    content(sha);
    if (got == 0) {
        ck_assert_msg(memcmp(sha, want, 32) == 0, "operation %d, %u", op, n);
        return hit;
    }
    got = import();
    /* the end was written before the failure came */
    ck_assert_msg(got == 0 || (got == ERR_USAGE && strstr(err.what, "already")),
                  "again, operation %d, %u: %d %s", op, n, got, err.what);
    content(sha);
    ck_assert_msg(memcmp(sha, want, 32) == 0, "again, operation %d, %u", op, n);
    return hit;
}

START_TEST(a_failed_write_loses_nothing_of_an_import)
{
    static const struct {
        enum fault_op op;
        int rc;
    } faults[] = {
        { FAULT_WRITE, SQLITE_FULL },
        { FAULT_SYNC, SQLITE_IOERR_FSYNC },
        { FAULT_OPEN, SQLITE_CANTOPEN },
        { FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE },
        { FAULT_SHM, SQLITE_IOERR_SHMSIZE },
    };
    unsigned char want[32];
    unsigned tried = 0;
    const struct case_info info = { .title = STR("Faults"),
                                    .examiner = STR("alice"),
                                    .version = STR("0") };
    fault_install();
    snprintf(evidence, sizeof(evidence), "%s/e", tap_dir());
    snprintf(path, sizeof(path), "%s/work.kan", tap_dir());
    snprintf(base, sizeof(base), "%s/base.kan", tap_dir());
    ck_assert_int_eq(mkdir(evidence, 0700), 0);
    for (int i = 0; i < FILES; i++)
        write_file(i);
    ck_assert_int_eq(case_create(base, &info, &err), 0);
    copy_case();
    ck_assert_msg(import() == 0, "%s", err.what);
    content(want);
    for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++)
        for (unsigned n = 1; n < 600; n += n < 60 ? 1 : 5) {
            if (!fail_nth(faults[f].op, faults[f].rc, n, want))
                break;
            tried++;
        }
    printf("# %u operations failed\n", tried);
    ck_assert_uint_gt(tried, 20);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("import fault");
    TCase *c = tap_case(s, "fail", a_failed_write_loses_nothing_of_an_import);
    tcase_set_timeout(c, 300);
    return s;
}
