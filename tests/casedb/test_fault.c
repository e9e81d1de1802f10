/*
 * Every open, write, sync, truncation and deletion of SQLite failing in turn,
 * and power loss after every one of them: the case opens, is whole, and has
 * everything that was confirmed.
 */
#include "casedb/db.h"
#include "casedb/examiner.h"
#include "tests/casedb/faultvfs.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEPS = 12, ROWS = 40 };

/* The rows here are written by hand and have no index. */
int case_verify_index(struct casedb *c, struct err *err)
{
    (void)c;
    (void)err;
    return 0;
}

static struct err err;

static const char *path_of(const char *name)
{
    static char ring[4][512];
    static unsigned turn;
    char *p = ring[turn++ % 4];
    snprintf(p, 512, "%s/%s", tap_dir(), name);
    return p;
}

static bool there(const char *path, const char *suffix)
{
    char name[600];
    struct stat st;
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    return lstat(name, &st) == 0;
}

static void remove_case(const char *path)
{
    static const char suffixes[][9] = { "", "-wal", "-shm", "-journal",
                                        ".lock" };
    char name[600];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static void copy_file(const char *from, const char *to)
{
    char p[8192];
    ssize_t n;
    int in = open(from, O_RDONLY),
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert(in >= 0 && out >= 0);
    while ((n = read(in, p, sizeof(p))) > 0)
        ck_assert_int_eq(write(out, p, (size_t)n), n);
    close(in);
    close(out);
}

/* The folder is that of all tests here. */
static int create(const char *path)
{
    remove_case(path);
    const struct case_info info = { .title = STR("Faults"),
                                    .examiner = STR("alice"),
                                    .version = STR("0") };
    return case_create(path, &info, &err);
}

/* ---- the work ------------------------------------------------------------ */

static int entities(struct casedb *c, unsigned step)
{
    for (unsigned i = 0; i < ROWS; i++) {
        char text[200];
        sqlite3_stmt *st =
            db_prepare(c, "INSERT INTO entity VALUES(?1, ?2)", &err);
        if (!st)
            return err.code;
        int n = snprintf(text, sizeof(text), "%0*u", 150, step * ROWS + i);
        sqlite3_bind_int64(st, 1,
                           ((int64_t)KIND_IP << KIND_SHIFT) + step * ROWS + i);
        db_bind_text(st, 2, (struct str){ text, (size_t)n });
        int r = db_run(c, st, &err);
        if (r)
            return r;
    }
    return 0;
}

/* One step = one transaction: rows, a tag with its audit row. */
static int step(struct casedb *c, unsigned i)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "step %u", i);
    const struct mark m = { .kind = MARK_TAG,
                            .cite = STR("X1/a@0+1"),
                            .body = { text, (size_t)n } };
    int r = case_begin(c, &err);
    if (r)
        return r;
    r = entities(c, i);
    if (r == 0)
        r = case_mark_add(c, &m, NULL, &err);
    if (r == 0)
        return case_commit(c, &err);
    case_rollback(c);
    return r;
}

/* Steps that were confirmed, as bits. After a failure the work goes on. */
static unsigned work(const char *path)
{
    struct casedb *c;
    unsigned confirmed = 0;
    if (case_open(path, CASE_WRITE, &c, &err))
        return 0;
    for (unsigned i = 0; i < STEPS; i++) {
        int r = step(c, i);
        if (r == 0) {
            confirmed |= 1u << i;
            fault_record_mark(i + 1);
        } else {
            ck_assert_msg(r == ERR_WRITE || r == ERR_CASE, "%d %s", r,
                          err.what);
        }
        if (i % 4 == 3)
            (void)!db_checkpoint(c, i == STEPS - 1, &err);
    }
    case_close(c);
    return confirmed;
}

static unsigned found; /* steps found in the case, as bits */

static int one_mark(void *ctx, const struct mark *m)
{
    uint64_t i;
    (void)ctx;
    if (str_u64(str_sub(m->body, 5, 9), &i))
        found |= 1u << i;
    return 0;
}

static int64_t count(struct casedb *c, const char *query)
{
    int64_t n = -1;
    sqlite3_stmt *st = db_prepare(c, query, &err);
    ck_assert_msg(st != NULL, "%s", err.what);
    ck_assert_int_eq(db_integer(c, st, -1, &n, &err), 0);
    return n;
}

/* Opens, is whole; steps are there wholly or not at all. */
static unsigned examine(const char *path, enum case_mode mode)
{
    struct casedb *c;
    ck_assert_msg(case_open(path, mode, &c, &err) == 0, "%s", err.what);
    ck_assert_msg(case_verify(c, &err) == 0, "%s", err.what);
    found = 0;
    ck_assert_int_eq(case_marks(c, -1, 0, one_mark, NULL, &err), 0);
    int64_t n = __builtin_popcount(found);
    ck_assert_int_eq(count(c, "SELECT count(*) FROM entity"), n * ROWS);
    ck_assert_int_eq(
        count(c, "SELECT count(*) FROM audit WHERE line LIKE '%tag.add%'"), n);
    case_close(c);
    return found;
}

/* ---- failing operations -------------------------------------------------- */

static const struct {
    enum fault_op op;
    int rc;
    const char *name;
} faults[] = {
    { FAULT_WRITE, SQLITE_FULL, "write, disk full" },
    { FAULT_WRITE, SQLITE_IOERR_WRITE, "write" },
    { FAULT_SYNC, SQLITE_IOERR_FSYNC, "sync" },
    { FAULT_OPEN, SQLITE_CANTOPEN, "open" },
    { FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, "truncate" },
    { FAULT_DELETE, SQLITE_IOERR_DELETE, "delete" },
    { FAULT_SHM, SQLITE_IOERR_SHMSIZE, "shared memory" },
};

/* False when the nth operation was never reached. */
static bool fail_nth(size_t f, unsigned n, bool sticky)
{
    const char *path = path_of("work.kan");
    remove_case(path);
    copy_file(path_of("base.kan"), path);
    fault_arm(faults[f].op, n, faults[f].rc, sticky);
    unsigned confirmed = work(path);
    bool hit = fault_hit();
    fault_arm(FAULT_OPS, 0, 0, false);
    unsigned after = examine(path, CASE_READ);
    ck_assert_msg((confirmed & ~after) == 0, "%s %u %s: confirmed %x, found %x",
                  faults[f].name, n, sticky ? "sticky" : "once", confirmed,
                  after);
    ck_assert_uint_eq(examine(path, CASE_WRITE), after);
    ck_assert(!there(path, "-wal") && !there(path, "-shm"));
    ck_assert(!there(path, ".lock") && !there(path, "-journal"));
    return hit;
}

START_TEST(nothing_confirmed_is_lost_when_an_operation_fails)
{
    fault_install();
    ck_assert_int_eq(create(path_of("base.kan")), 0);
    unsigned tried = 0;
    for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++)
        for (int sticky = 0; sticky < 2; sticky++)
            for (unsigned n = 1; fail_nth(f, n, sticky) && n < 400;
                 n += n < 40 ? 1 : 7)
                tried++;
    ck_assert_uint_gt(tried, 100);
}
END_TEST

/* A new case is there whole, or not at all, and leaves nothing else. */
START_TEST(a_case_is_made_whole_or_not_at_all)
{
    fault_install();
    for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++)
        for (unsigned n = 1; n < 300; n++) {
            const char *path = path_of("new.kan");
            remove_case(path);
            fault_arm(faults[f].op, n, faults[f].rc, n % 2);
            int r = create(path);
            bool hit = fault_hit();
            fault_arm(FAULT_OPS, 0, 0, false);
            ck_assert_msg(r == 0 || !there(path, ""), "%s %u", faults[f].name,
                          n);
            ck_assert(!there(path, ".new") && !there(path, ".new-wal") &&
                      !there(path, ".new-shm") && !there(path, ".lock"));
            if (r == 0)
                ck_assert_uint_eq(examine(path, CASE_READ), 0);
            if (!hit)
                break;
        }
}
END_TEST

START_TEST(a_full_disk_says_what_it_needs)
{
    fault_install();
    const char *path = path_of("base.kan");
    struct casedb *c;
    ck_assert_int_eq(create(path), 0);
    ck_assert_int_eq(case_open(path, CASE_WRITE, &c, &err), 0);
    fault_arm(FAULT_WRITE, 1, SQLITE_FULL, false);
    ck_assert_int_eq(step(c, 0), ERR_WRITE);
    ck_assert_msg(strstr(err.what, "disk full") && strstr(err.what, "needed"),
                  "%s", err.what);
    fault_arm(FAULT_OPS, 0, 0, false);
    /* Usable, now that there is room. */
    ck_assert_int_eq(step(c, 1), 0);
    case_close(c);
    ck_assert_uint_eq(examine(path, CASE_READ), 2);
}
END_TEST

START_TEST(after_a_failed_sync_nothing_more_is_written)
{
    fault_install();
    const char *path = path_of("base.kan");
    struct casedb *c;
    ck_assert_int_eq(create(path), 0);
    ck_assert_int_eq(case_open(path, CASE_WRITE, &c, &err), 0);
    ck_assert_int_eq(step(c, 0), 0);
    fault_arm(FAULT_SYNC, 1, SQLITE_IOERR_FSYNC, false);
    ck_assert_int_eq(step(c, 1), ERR_WRITE);
    fault_arm(FAULT_OPS, 0, 0, false);
    ck_assert_int_eq(step(c, 2), ERR_WRITE);
    ck_assert(strstr(err.what, "did not confirm") != NULL);
    ck_assert_int_eq(count(c, "SELECT count(*) FROM mark"), 1);
    case_close(c);
    ck_assert(examine(path, CASE_WRITE) & 1);
}
END_TEST

/* An import writes for hours; the log beside the case does not grow so long. */
START_TEST(the_log_stays_short)
{
    fault_install();
    const char *path = path_of("base.kan"), *log = path_of("base.kan-wal");
    struct casedb *c;
    struct stat st;
    ck_assert_int_eq(create(path), 0);
    ck_assert_int_eq(case_open(path, CASE_WRITE, &c, &err), 0);
    for (int i = 0; i < 160; i++) {
        sqlite3_stmt *st_add =
            db_prepare(c,
                       "INSERT INTO fact(exhibit, member, name, value)"
                       " VALUES(1, 0, 'n', zeroblob(1048576))",
                       &err);
        ck_assert_int_eq(case_begin(c, &err), 0);
        ck_assert_int_eq(db_run(c, st_add, &err), 0);
        ck_assert_int_eq(case_commit(c, &err), 0);
    }
    ck_assert_int_eq(stat(log, &st), 0);
    ck_assert_int_lt(st.st_size, 80 << 20);
    case_close(c);
    ck_assert(!there(path, "-wal"));
    remove_case(path);
}
END_TEST

/* ---- power loss ---------------------------------------------------------- */

static void lose_power(bool bulk)
{
    const char *path = path_of("base.kan"), *after = path_of("after.kan");
    struct casedb *c;
    ck_assert_int_eq(create(path), 0);
    fault_record_start(path);
    if (bulk) {
        ck_assert_int_eq(case_open(path, CASE_WRITE, &c, &err), 0);
        ck_assert_int_eq(case_bulk(c, true, &err), 0);
        for (unsigned i = 0; i < STEPS; i++) {
            ck_assert_int_eq(step(c, i), 0);
            if (i == 5)
                ck_assert_int_eq(db_checkpoint(c, false, &err), 0);
        }
        ck_assert_int_eq(case_bulk(c, false, &err), 0);
        fault_record_mark(STEPS);
        case_close(c);
    } else {
        ck_assert_uint_eq(work(path), (1u << STEPS) - 1);
    }
    fault_record_stop();
    for (size_t n = 0; n <= fault_recorded(); n++)
        for (uint64_t seed = 1; seed <= 2; seed++) {
            remove_case(after);
            unsigned confirmed = fault_replay(n, seed, after);
            unsigned steps = examine(after, n % 2 ? CASE_READ : CASE_WRITE);
            ck_assert_msg((((1u << confirmed) - 1) & ~steps) == 0,
                          "operation %zu, seed %d: %u confirmed, found %x", n,
                          (int)seed, confirmed, steps);
            /* No later step without the earlier. */
            ck_assert_uint_eq(steps & (steps + 1), 0);
        }
}

START_TEST(power_loss_takes_nothing_that_was_confirmed)
{
    fault_install();
    lose_power(false);
}
END_TEST

START_TEST(power_loss_in_bulk_takes_whole_steps_from_the_end)
{
    fault_install();
    lose_power(true);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("fault");
    tap_case(s, "fail", nothing_confirmed_is_lost_when_an_operation_fails);
    tap_case(s, "create", a_case_is_made_whole_or_not_at_all);
    tap_case(s, "full", a_full_disk_says_what_it_needs);
    tap_case(s, "sync", after_a_failed_sync_nothing_more_is_written);
    tap_case(s, "long", the_log_stays_short);
    tap_case(s, "power", power_loss_takes_nothing_that_was_confirmed);
    tap_case(s, "bulk", power_loss_in_bulk_takes_whole_steps_from_the_end);
    return s;
}
