/*
 * Opening: what is not provably a case of ours is refused with ERR_CASE and
 * stays as it was, to the byte; who has a case open is told by name. The
 * audit chain, the examiner's rows, verify, content hash and copy.
 */
#include "casedb/db.h"
#include "casedb/examiner.h"
#include "casedb/schema.h"
#include "tests/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err err;
static char folder[400]; /* of one test */

static const char *in_folder(const char *name)
{
    static char ring[16][512];
    static unsigned turn;
    char *p = ring[turn++ % 16];
    snprintf(p, 512, "%s/%s", folder, name);
    return p;
}

static void start(void)
{
    snprintf(folder, sizeof(folder), "%s/XXXXXX", tap_dir());
    ck_assert(mkdtemp(folder) != NULL);
    memset(&err, 0, sizeof(err));
}

static const char *make(const char *name)
{
    const struct case_info info = { .title = STR("Title"),
                                    .examiner = STR("alice"),
                                    .version = STR("1.2") };
    const char *path = in_folder(name);
    ck_assert_msg(case_create(path, &info, &err) == 0, "%s", err.what);
    return path;
}

static struct casedb *open_case(const char *path, enum case_mode mode)
{
    struct casedb *c = NULL;
    ck_assert_msg(case_open(path, mode, &c, &err) == 0, "%s", err.what);
    return c;
}

static void write_file(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert(fd >= 0);
    ck_assert_int_eq(write(fd, p, n), (ssize_t)n);
    close(fd);
}

static void patch(const char *path, off_t at, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY);
    ck_assert(fd >= 0);
    ck_assert_int_eq(pwrite(fd, p, n, at), (ssize_t)n);
    close(fd);
}

/* A plain SQLite connection, as another tool has it. */
static void as_others(const char *path, const char *sql)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    for (const char *rest = sql; *rest;) {
        sqlite3_stmt *st = NULL;
        ck_assert_msg(sqlite3_prepare_v2(db, rest, -1, &st, &rest) == SQLITE_OK,
                      "%s", sqlite3_errmsg(db));
        int rc = SQLITE_DONE;
        while (st && (rc = sqlite3_step(st)) == SQLITE_ROW)
            ;
        ck_assert_msg(rc == SQLITE_DONE, "%s", sqlite3_errmsg(db));
        sqlite3_finalize(st);
    }
    sqlite3_close(db);
}

/* ---- the folder as one hash ---------------------------------------------- */

struct names {
    char name[32][64];
    size_t n;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Names, kinds, modes, times and bytes of all that lies in the folder. */
static void snapshot(struct buf *out)
{
    struct names all = { 0 };
    DIR *d = opendir(folder);
    ck_assert(d != NULL);
    for (struct dirent *e; (e = readdir(d)) && all.n < 32;)
        snprintf(all.name[all.n++], 64, "%.63s", e->d_name);
    closedir(d);
    qsort(all.name, all.n, sizeof(all.name[0]), by_name);
    for (size_t i = 0; i < all.n; i++) {
        char path[600];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", folder, all.name[i]);
        if (all.name[i][0] == '.' || lstat(path, &st) != 0)
            continue;
        buf_printf(out, "%s %o %lld %lld.%ld\n", all.name[i], st.st_mode,
                   (long long)st.st_size, (long long)st.st_mtim.tv_sec,
                   st.st_mtim.tv_nsec);
        if (!S_ISREG(st.st_mode))
            continue;
        char p[4096];
        ssize_t n;
        int fd = open(path, O_RDONLY | O_NOATIME);
        while (fd >= 0 && (n = read(fd, p, sizeof(p))) > 0)
            buf_put(out, (struct str){ p, (size_t)n });
        close(fd);
    }
}

/* Both ways of opening are refused with these words, and nothing changed. */
static void refused(const char *path, const char *words)
{
    for (int mode = CASE_READ; mode <= CASE_WRITE; mode++) {
        struct buf before = { 0 }, after = { 0 };
        struct casedb *c = NULL;
        snapshot(&before);
        int r = case_open(path, (enum case_mode)mode, &c, &err);
        ck_assert_msg(r == ERR_CASE, "%s: %d %s", words, r, err.what);
        ck_assert_msg(strstr(err.what, words) != NULL, "%s is not %s", err.what,
                      words);
        ck_assert(c == NULL);
        snapshot(&after);
        ck_assert_msg(str_eq(buf_str(&before), buf_str(&after)),
                      "%s: files changed", words);
        buf_free(&before);
        buf_free(&after);
    }
}

/* ---- what is refused ----------------------------------------------------- */

START_TEST(not_a_case)
{
    start();
    refused(in_folder("none.kan"), "No such file");
    refused(folder, "a folder");
    refused("/dev/null", "not a regular file");
    refused(in_folder("no/such/case.kan"), "its folder");
    write_file(in_folder("empty.kan"), "", 0);
    refused(in_folder("empty.kan"), "empty");
    write_file(in_folder("short.kan"), "SQLite format 3", 16);
    refused(in_folder("short.kan"), "not a case file");
    char text[5000];
    memset(text, 'x', sizeof(text));
    write_file(in_folder("text.kan"), text, sizeof(text));
    refused(in_folder("text.kan"), "not a case file");
    ck_assert_int_eq(mkfifo(in_folder("fifo.kan"), 0600), 0);
    refused(in_folder("fifo.kan"), "not a regular file");
    as_others(in_folder("other.kan"), "CREATE TABLE t(a)");
    refused(in_folder("other.kan"), "SQLite file, but not a case");
}
END_TEST

START_TEST(not_this_version)
{
    start();
    const char *path = make("a.kan");
    patch(path, 60, "\0\0\0\4", 4);
    refused(path, "newer version");
    ck_assert(strstr(err.hint, "format 4") != NULL);
    patch(path, 60, "\0\0\0\1", 4);
    refused(path, "older version");
    ck_assert(strstr(err.hint, "import the evidence again") != NULL);
    patch(path, 60, "\0\0\0\0", 4);
    refused(path, "no such version");
    patch(path, 60, "\0\0\0\3", 4);
    patch(path, 68, "KANX", 4);
    refused(path, "not a case");
    patch(path, 68, "KANS", 4);
    patch(path, 16, "\x10\0", 2);
    refused(path, "damaged header");
    patch(path, 16, "\x20\0", 2);
    patch(path, 18, "\3\3", 2);
    refused(path, "damaged header");
    patch(path, 18, "\2\2", 2);
    case_close(open_case(path, CASE_READ));
}
END_TEST

START_TEST(links_are_refused)
{
    start();
    const char *path = make("a.kan");
    ck_assert_int_eq(symlink(path, in_folder("link.kan")), 0);
    refused(in_folder("link.kan"), "symbolic link");
    ck_assert_int_eq(link(path, in_folder("hard.kan")), 0);
    refused(path, "more than one name");
    refused(in_folder("hard.kan"), "more than one name");
}
END_TEST

START_TEST(planted_side_files_are_refused)
{
    static const char suffixes[][9] = { "-wal", "-shm", "-journal", ".lock" };
    start();
    const char *path = make("a.kan");
    char side[600];
    write_file(in_folder("victim"), "victim", 6);
    for (int i = 0; i < 4; i++) {
        snprintf(side, sizeof(side), "%s%s", path, suffixes[i]);
        ck_assert_int_eq(symlink(in_folder("victim"), side), 0);
        refused(path, suffixes[i]);
        ck_assert_int_eq(unlink(side), 0);
        ck_assert_int_eq(link(in_folder("victim"), side), 0);
        refused(path, suffixes[i]);
        ck_assert_int_eq(unlink(side), 0);
        ck_assert_int_eq(mkdir(side, 0700), 0);
        refused(path, suffixes[i]);
        ck_assert_int_eq(rmdir(side), 0);
    }
    snprintf(side, sizeof(side), "%s-wal", path);
    write_file(side, "a text that is no log", 21);
    refused(path, "not a write-ahead log");
    unlink(side);
    snprintf(side, sizeof(side), "%s-journal", path);
    write_file(side, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
    refused(path, "rollback journal");
    unlink(side);
    snprintf(side, sizeof(side), "%s.lock", path);
    write_file(side, "my shopping list", 16);
    refused(path, "not a lock file");
    unlink(side);
    case_close(open_case(path, CASE_WRITE));
}
END_TEST

START_TEST(a_foreign_schema_is_refused)
{
    static const char *const plants[] = {
        "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON meta BEGIN SELECT 1; END",
        "CREATE INDEX i ON event(id+1)",
        "CREATE TABLE t(a, b AS (a+1))",
        "CREATE TABLE t(a UNIQUE)",
        "ANALYZE",
        "DROP TRIGGER event_no_update",
        "DROP INDEX link_a",
        "DROP TABLE link",
        "ALTER TABLE coverage ADD COLUMN x ANY",
        "ALTER TABLE coverage RENAME TO event2",
        "DROP TABLE meta; CREATE VIEW meta AS WITH RECURSIVE r(name) AS"
        " (SELECT 1 UNION ALL SELECT name+1 FROM r)"
        " SELECT name, name AS value FROM r",
    };
    start();
    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "%zu.kan", i);
        const char *path = make(name);
        as_others(path, plants[i]);
        refused(path, "not those of a case");
    }
}
END_TEST

/* The header is good, the log brings another schema. */
START_TEST(a_foreign_schema_in_the_log_is_refused)
{
    start();
    const char *path = make("a.kan");
    pid_t pid = fork();
    if (pid == 0) {
        sqlite3 *db;
        sqlite3_stmt *st;
        if (sqlite3_open(path, &db) ||
            sqlite3_prepare_v2(db, "CREATE VIEW v AS SELECT 1", -1, &st,
                               NULL) ||
            sqlite3_step(st) != SQLITE_DONE)
            _exit(1);
        _exit(0); /* as if killed: the log stays */
    }
    int status;
    waitpid(pid, &status, 0);
    ck_assert_int_eq(status, 0);
    unlink(in_folder("a.kan-shm"));
    refused(path, "not those of a case");
}
END_TEST

START_TEST(a_damaged_case_is_refused_or_fails_verification)
{
    start();
    unsigned survived = 0;
    for (int i = 0; i < 60; i++) {
        char name[32];
        unsigned char noise[64];
        struct casedb *c = NULL;
        snprintf(name, sizeof(name), "%d.kan", i);
        const char *path = make(name);
        for (size_t k = 0; k < sizeof(noise); k++)
            noise[k] = (unsigned char)(i * 37 + (int)k * 11);
        patch(path, 100 + 4096 * (i % 40) / 2 + i * 13, noise, sizeof(noise));
        int r = case_open(path, CASE_READ, &c, &err);
        ck_assert_msg(r == 0 || r == ERR_CASE, "%d %s", r, err.what);
        if (r == 0) {
            r = case_verify(c, &err);
            ck_assert_msg(r == 0 || r == ERR_VERIFY, "%d %s", r, err.what);
            survived += r == 0;
            case_close(c);
        }
        unlink(path);
    }
    ck_assert_uint_lt(survived, 60);
}
END_TEST

/* ---- making and opening -------------------------------------------------- */

START_TEST(a_new_case_is_private_and_alone)
{
    start();
    mode_t before = umask(0777);
    const char *path = make("a.kan");
    umask(before);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
    DIR *d = opendir(folder);
    unsigned n = 0;
    while (d && readdir(d))
        n++;
    closedir(d);
    ck_assert_uint_eq(n, 3);
    struct arena a = { 0 };
    struct case_info info;
    struct casedb *c = open_case(path, CASE_READ);
    ck_assert_int_eq(case_get_info(c, &a, &info, &err), 0);
    ck_assert(str_eq(info.title, STR("Title")));
    ck_assert(str_eq(info.examiner, STR("alice")));
    ck_assert_uint_eq(info.uuid.n, 36);
    ck_assert_int_gt(info.created.s, 0);
    case_close(c);
    arena_free(&a);
}
END_TEST

START_TEST(nothing_is_overwritten)
{
    static const char suffixes[][9] = { "", "-wal", "-shm", "-journal" };
    const struct case_info info = { .title = STR("x") };
    start();
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof(name), "a.kan%s", suffixes[i]);
        ck_assert_int_eq(symlink("nowhere", in_folder(name)), 0);
        ck_assert_int_eq(case_create(in_folder("a.kan"), &info, &err),
                         ERR_USAGE);
        ck_assert(strstr(err.what, "exists") != NULL);
        unlink(in_folder(name));
    }
    const struct case_info bad = { .title = STR("\xff") };
    ck_assert_int_eq(case_create(in_folder("a.kan"), &bad, &err), ERR_USAGE);
    ck_assert(access(in_folder("a.kan"), F_OK) != 0);
}
END_TEST

START_TEST(reading_changes_nothing)
{
    start();
    const char *path = make("a.kan");
    struct buf before = { 0 }, after = { 0 };
    unsigned char hash[32];
    snapshot(&before);
    struct casedb *c = open_case(path, CASE_READ);
    ck_assert_int_eq(case_content_hash(c, hash, &err), 0);
    ck_assert_int_eq(case_audit(c, STR("x"), STR(""), STR("{}"), &err),
                     ERR_CASE);
    const struct mark m = { .kind = MARK_TAG };
    ck_assert_int_eq(case_mark_add(c, &m, NULL, &err), ERR_CASE);
    sqlite3_stmt *st = db_prepare(c, "DELETE FROM link", &err);
    ck_assert(st && db_run(c, st, &err) == ERR_CASE);
    case_close(c);
    snapshot(&after);
    ck_assert(str_eq(buf_str(&before), buf_str(&after)));
    buf_free(&before);
    buf_free(&after);
}
END_TEST

/* Another process opens the case and waits until it is killed, or ends by
 * itself at once when `die`. */
static pid_t other_process(const char *path, enum case_mode mode, bool die)
{
    int ready[2];
    char go;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct casedb *c;
        if (case_open(path, mode, &c, &err))
            _exit(1);
        if (mode == CASE_WRITE &&
            case_audit(c, STR("other"), STR(""), STR("{}"), &err))
            _exit(1);
        if (write(ready[1], "x", 1) != 1 || die)
            _exit(2);
        pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &go, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_process(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

START_TEST(the_second_is_told_who_has_the_case)
{
    start();
    const char *path = make("a.kan");
    struct casedb *c = NULL;
    char pid_text[32], host[128] = "";
    pid_t pid = other_process(path, CASE_WRITE, false);
    snprintf(pid_text, sizeof(pid_text), "process %ld ", (long)pid);
    gethostname(host, sizeof(host) - 1);
    for (int mode = CASE_READ; mode <= CASE_WRITE; mode++) {
        ck_assert_int_eq(case_open(path, (enum case_mode)mode, &c, &err),
                         ERR_CASE);
        ck_assert_msg(strstr(err.what, pid_text) && strstr(err.what, host) &&
                          strstr(err.what, "writing, since 2"),
                      "%s", err.what);
    }
    end_process(pid);
    /* What a killed holder leaves is taken over, its rows are there. */
    c = open_case(path, CASE_READ);
    struct audit_head head;
    ck_assert_int_eq(case_audit_head(c, &head, &err), 0);
    ck_assert_uint_eq(head.seq, 2);
    case_close(c);
    c = open_case(path, CASE_WRITE);
    case_close(c);
    ck_assert(access(in_folder("a.kan-wal"), F_OK) != 0);
    ck_assert(access(in_folder("a.kan-shm"), F_OK) != 0);
    ck_assert(access(in_folder("a.kan.lock"), F_OK) != 0);
}
END_TEST

START_TEST(several_processes_read)
{
    start();
    const char *path = make("a.kan");
    pid_t pid = other_process(path, CASE_READ, false);
    struct casedb *c = open_case(path, CASE_READ), *w = NULL;
    ck_assert_int_eq(case_open(path, CASE_WRITE, &w, &err), ERR_CASE);
    ck_assert(strstr(err.what, "reading") != NULL);
    case_close(c);
    ck_assert_int_eq(case_open(path, CASE_WRITE, &w, &err), ERR_CASE);
    end_process(pid);
    case_close(open_case(path, CASE_WRITE));
}
END_TEST

START_TEST(readers_of_one_process_see_what_is_committed)
{
    start();
    const char *path = make("a.kan");
    struct audit_head head;
    struct casedb *w = open_case(path, CASE_WRITE);
    struct casedb *r = open_case(path, CASE_READ);
    struct casedb *s = open_case(path, CASE_READ), *second = NULL;
    ck_assert_int_eq(case_open(path, CASE_WRITE, &second, &err), ERR_CASE);
    ck_assert_int_eq(case_begin(w, &err), 0);
    ck_assert_int_eq(case_audit(w, STR("a"), STR(""), STR("{}"), &err), 0);
    ck_assert_int_eq(case_audit_head(r, &head, &err), 0);
    ck_assert_uint_eq(head.seq, 1);
    ck_assert_int_eq(case_commit(w, &err), 0);
    ck_assert_int_eq(case_audit_head(r, &head, &err), 0);
    ck_assert_uint_eq(head.seq, 2);
    /* A reader's long view does not hold up the writer. */
    ck_assert_int_eq(case_begin(s, &err), 0);
    ck_assert_int_eq(case_audit_head(s, &head, &err), 0);
    ck_assert_int_eq(case_audit(w, STR("b"), STR(""), STR("{}"), &err), 0);
    ck_assert_int_eq(db_checkpoint(w, true, &err), 0);
    ck_assert_int_eq(case_audit_head(s, &head, &err), 0);
    ck_assert_uint_eq(head.seq, 2);
    case_rollback(s);
    ck_assert_int_eq(case_audit_head(s, &head, &err), 0);
    ck_assert_uint_eq(head.seq, 3);
    case_close(s);
    case_close(r);
    case_close(w);
    ck_assert(access(in_folder("a.kan-wal"), F_OK) != 0);
    ck_assert(access(in_folder("a.kan.lock"), F_OK) != 0);
}
END_TEST

START_TEST(other_files_are_out_of_reach)
{
    static const char *const statements[] = {
        "ATTACH 'x.db' AS x",        "DROP TABLE mark",
        "CREATE TABLE t(a)",         "DROP TRIGGER audit_no_update",
        "CREATE VIEW v AS SELECT 1",
    };
    start();
    struct casedb *c = open_case(make("a.kan"), CASE_WRITE);
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        ck_assert_msg(db_prepare(c, statements[i], &err) == NULL, "%s",
                      statements[i]);
    ck_assert(db_prepare(c, "CREATE TEMP TABLE t(a)", &err) != NULL);
    case_close(c);
}
END_TEST

START_TEST(rows_cannot_be_changed)
{
    static const char *const statements[] = {
        "UPDATE audit SET line=''",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit VALUES(1, 'x', zeroblob(32))",
        "INSERT INTO audit VALUES(9, 'x', zeroblob(32))",
        "UPDATE mark SET body=''",
        "DELETE FROM mark",
        "INSERT OR REPLACE INTO mark VALUES(1, 0, '', 0, '', '', 0, 0)",
    };
    start();
    struct casedb *c = open_case(make("a.kan"), CASE_WRITE);
    const struct mark m = { .kind = MARK_TAG, .cite = STR("X1/a@0+1") };
    ck_assert_int_eq(case_mark_add(c, &m, NULL, &err), 0);
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        sqlite3_stmt *st = db_prepare(c, statements[i], &err);
        ck_assert(st != NULL);
        ck_assert_msg(db_run(c, st, &err) == ERR_INTERNAL, "%s", statements[i]);
    }
    ck_assert_int_eq(case_verify(c, &err), 0);
    case_close(c);
}
END_TEST

/* ---- transactions -------------------------------------------------------- */

static int64_t heads(struct casedb *c)
{
    struct audit_head head;
    ck_assert_int_eq(case_audit_head(c, &head, &err), 0);
    return (int64_t)head.seq;
}

START_TEST(an_inner_rollback_takes_all_back)
{
    start();
    struct casedb *c = open_case(make("a.kan"), CASE_WRITE);
    ck_assert_int_eq(case_begin(c, &err), 0);
    ck_assert_int_eq(case_audit(c, STR("a"), STR(""), STR("{}"), &err), 0);
    ck_assert_int_eq(case_begin(c, &err), 0);
    case_rollback(c);
    ck_assert_int_eq(case_commit(c, &err), ERR_INTERNAL);
    ck_assert_int_eq(heads(c), 1);
    ck_assert_int_eq(case_commit(c, &err), ERR_INTERNAL);
    case_rollback(c);
    ck_assert_int_eq(case_audit(c, STR("a"), STR(""), STR("{}"), &err), 0);
    ck_assert_int_eq(heads(c), 2);
    case_close(c);
}
END_TEST

/* ---- audit --------------------------------------------------------------- */

static int keep_line(void *ctx, struct str line)
{
    buf_put(ctx, line);
    buf_putc(ctx, '\n');
    return 0;
}

START_TEST(audit_lines_follow_each_other)
{
    start();
    struct casedb *c = open_case(make("a.kan"), CASE_WRITE);
    case_set_actor(c, STR("a\tb\n"));
    ck_assert_int_eq(case_audit(c, STR("act"), STR("x\ty"),
                                STR("{\"k\":\"a\\tb\\\\t\\n\"}"), &err),
                     0);
    ck_assert_int_eq(
        case_audit(c, STR("act"), STR(""), STR("{\"\n\":1}"), &err),
        ERR_INTERNAL);
    ck_assert_int_eq(case_audit(c, STR("act"), STR(""), STR("import x"), &err),
                     ERR_INTERNAL);
    ck_assert_int_eq(case_audit(c, STR("act"), STR(""), STR("[]"), &err),
                     ERR_INTERNAL);
    struct buf lines = { 0 };
    struct audit_head head, last;
    ck_assert_int_eq(case_audit_verify(c, &head, keep_line, &lines, &err), 0);
    ck_assert_int_eq(case_audit_head(c, &last, &err), 0);
    ck_assert_str_eq(head.hex, last.hex);
    ck_assert_uint_eq(head.seq, 2);
    ck_assert_uint_ne(str_find(buf_str(&lines), STR("a\\u0009b\\\\t\\u000a")),
                      SIZE_MAX);
    size_t tabs = 0, ends = 0;
    for (size_t i = 0; i < lines.n; i++) {
        tabs += lines.p[i] == '\t';
        ends += lines.p[i] == '\n';
    }
    ck_assert_uint_eq(tabs, 12);
    ck_assert_uint_eq(ends, 2);
    buf_free(&lines);
    case_close(c);
}
END_TEST

START_TEST(a_changed_audit_row_is_named)
{
    static const struct {
        const char *sql, *want;
    } changes[] = {
        { "UPDATE audit SET line=replace(line,'alice','mallo') WHERE seq=2",
          "entry 2" },
        { "UPDATE audit SET hash=zeroblob(32) WHERE seq=3", "entry 3" },
        { "DELETE FROM audit WHERE seq=2", "entry 2" },
        { "DELETE FROM audit", "entry 1" },
        { "UPDATE meta SET value=replace(value,substr(value,1,1),'x')"
          " WHERE name='uuid'",
          "entry 1" },
    };
    start();
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "%zu.kan", i);
        const char *path = make(name);
        struct casedb *c = open_case(path, CASE_WRITE);
        for (int k = 0; k < 3; k++)
            ck_assert_int_eq(case_audit(c, STR("x"), STR(""), STR("{}"), &err),
                             0);
        case_close(c);
        struct buf sql = { 0 };
        buf_printf(&sql,
                   "DROP TRIGGER audit_no_update;"
                   "DROP TRIGGER audit_no_delete; %s;",
                   changes[i].sql);
        for (const char *const *s = case_schema; *s; s++)
            if (strstr(*s, "TRIGGER audit_no_"))
                buf_printf(&sql, "%s;", *s);
        buf_putc(&sql, 0);
        as_others(path, sql.p);
        buf_free(&sql);
        c = open_case(path, CASE_READ);
        ck_assert_int_eq(case_audit_verify(c, NULL, NULL, NULL, &err),
                         ERR_VERIFY);
        ck_assert_msg(strstr(err.what, changes[i].want), "%s", err.what);
        ck_assert_int_eq(case_verify(c, &err), ERR_VERIFY);
        case_close(c);
    }
}
END_TEST

/* ---- the examiner -------------------------------------------------------- */

/* An exhibit with one member of two events, by hand. */
static void add_exhibit(const char *path)
{
    as_others(
        path,
        "INSERT INTO exhibit VALUES(1, x'2f65', '', 0, 1, 0);"
        "INSERT INTO member VALUES(1, 1, x'61', x'', 'f', 9, NULL, 4, 2, 1, 1,"
        " 1, 2);"
        "INSERT INTO entity VALUES((6<<25)+1, '198.51.100.66');"
        "INSERT INTO event(id, t_kind, t_zone, t_res, member, off, len, sub,"
        " severity, flags) VALUES(1, 0, 0, 0, 1, 0, 4, 0, 0, 0),"
        " (2, 0, 0, 0, 1, 4, 4, 0, 0, 0);"
        "INSERT INTO sighting VALUES(1, 1, 8, 1);"
        "INSERT INTO issue VALUES(1, 1, 1, 2, 8, 1, 'c', 'd');"
        "INSERT INTO fact VALUES(1, 1, 1, 'n', 'v');"
        "INSERT INTO embedded VALUES(1, x'000102');"
        "INSERT INTO exhibit_end VALUES(1, 'log', 1, 9, zeroblob(32), 4, 2, 1,"
        " 1, 1, 1, 1, 2)");
    struct casedb *c = open_case(path, CASE_WRITE);
    ck_assert_msg(case_reindex(c, &err) == 0, "%s", err.what);
    case_close(c);
}

static int keep_custody(void *ctx, const struct custody *e)
{
    struct buf *b = ctx;
    buf_printf(b, "%lld %.*s>%.*s %lld %.*s;", (long long)e->id,
               STR_ARG(e->from), STR_ARG(e->to), (long long)e->corrects,
               STR_ARG(e->entered_by));
    return 0;
}

START_TEST(custody_is_kept_and_corrected)
{
    start();
    const char *path = make("a.kan");
    add_exhibit(path);
    struct casedb *c = open_case(path, CASE_WRITE);
    struct custody e = { .exhibit = 1,
                         .action = STR("transfer"),
                         .from = STR("A"),
                         .to = STR("B"),
                         .at = { .s = 5 },
                         .at_text = STR("then") };
    ck_assert_int_eq(case_custody_add(c, &e, &err), 0);
    e.corrects = 1;
    e.to = STR("C");
    ck_assert_int_eq(case_custody_add(c, &e, &err), 0);
    e.corrects = 7;
    ck_assert_int_eq(case_custody_add(c, &e, &err), ERR_USAGE);
    e = (struct custody){ .exhibit = 2 };
    ck_assert_int_eq(case_custody_add(c, &e, &err), ERR_USAGE);
    e = (struct custody){ .exhibit = 1, .place = STR("\xff") };
    ck_assert_int_eq(case_custody_add(c, &e, &err), ERR_USAGE);
    struct buf b = { 0 };
    ck_assert_int_eq(case_custody(c, 1, keep_custody, &b, &err), 0);
    ck_assert(str_eq(buf_str(&b), STR("1 A>B 0 alice;2 A>C 1 alice;")));
    buf_free(&b);
    ck_assert_int_eq(heads(c), 4);
    case_close(c);
}
END_TEST

static int keep_mark(void *ctx, const struct mark *m)
{
    buf_printf(ctx, "%lld:%d:%lld:%.*s:%lld:%d;", (long long)m->id, m->kind,
               (long long)m->event, STR_ARG(m->body), (long long)m->undoes,
               m->undone);
    return 0;
}

START_TEST(marks_are_undone_by_new_rows)
{
    start();
    struct casedb *c = open_case(make("a.kan"), CASE_WRITE);
    struct mark m = { .kind = MARK_NOTE,
                      .event = 7,
                      .cite = STR("X1/a@0+1"),
                      .body = STR("secret text") };
    int64_t id;
    ck_assert_int_eq(case_mark_add(c, &m, &id, &err), 0);
    ck_assert_int_eq(id, 1);
    struct mark undo = { .kind = MARK_TAG, .undoes = 1 };
    ck_assert_int_eq(case_mark_add(c, &undo, &id, &err), ERR_USAGE);
    undo.kind = MARK_NOTE;
    ck_assert_int_eq(case_mark_add(c, &undo, &id, &err), 0);
    ck_assert_int_eq(case_mark_add(c, &undo, &id, &err), ERR_USAGE);
    m = (struct mark){ .kind = MARK_TAG, .body = STR("t") };
    ck_assert_int_eq(case_mark_add(c, &m, &id, &err), 0);
    struct buf b = { 0 }, lines = { 0 };
    ck_assert_int_eq(case_marks(c, -1, 0, keep_mark, &b, &err), 0);
    ck_assert(str_eq(buf_str(&b), STR("1:0:7:secret text:0:1;2:0:7::1:0;"
                                      "3:1:0:t:0:0;")));
    buf_clear(&b);
    ck_assert_int_eq(case_marks(c, MARK_NOTE, 7, keep_mark, &b, &err), 0);
    ck_assert(str_eq(buf_str(&b), STR("1:0:7:secret text:0:1;2:0:7::1:0;")));
    ck_assert_int_eq(case_audit_verify(c, NULL, keep_line, &lines, &err), 0);
    ck_assert_uint_eq(str_find(buf_str(&lines), STR("secret")), SIZE_MAX);
    buf_free(&b);
    buf_free(&lines);
    case_close(c);
}
END_TEST

static int count_links(void *ctx, const struct link *l)
{
    *(int64_t *)ctx += l->a;
    return 0;
}

START_TEST(links_are_replaced_as_a_whole)
{
    start();
    struct casedb *c = open_case(make("a.kan"), CASE_WRITE);
    int64_t sum = 0;
    for (int64_t turn = 1; turn < 3; turn++) {
        ck_assert_int_eq(case_links_begin(c, STR("C1"), &err), 0);
        for (int64_t i = 0; i < 10; i++) {
            const struct link l = {
                .rule = STR("C1"), .a = turn * 100 + i, .b = 7, .entity = 9
            };
            ck_assert_int_eq(case_link_add(c, &l, &err), 0);
        }
        ck_assert_int_eq(case_links_end(c, &err), 0);
    }
    ck_assert_int_eq(case_links_begin(c, STR("C1"), &err), 0);
    case_rollback(c);
    ck_assert_int_eq(case_links(c, 0, count_links, &sum, &err), 0);
    ck_assert_int_eq(sum, 2045);
    sum = 0;
    ck_assert_int_eq(case_links(c, 203, count_links, &sum, &err), 0);
    ck_assert_int_eq(sum, 203);
    sum = 0;
    ck_assert_int_eq(case_links_of_entity(c, 9, count_links, &sum, &err), 0);
    ck_assert_int_eq(sum, 2045);
    uint64_t n;
    ck_assert_int_eq(case_analyzed(c, &n, &err), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(case_set_analyzed(c, 5, &err), 0);
    ck_assert_int_eq(case_analyzed(c, &n, &err), 0);
    ck_assert_uint_eq(n, 5);
    case_close(c);
}
END_TEST

/* ---- content ------------------------------------------------------------- */

static int first_exhibit(void *ctx, const struct exhibit *e)
{
    *(struct exhibit *)ctx = *e;
    return 42;
}

START_TEST(what_intake_wrote_is_read)
{
    start();
    const char *path = make("a.kan");
    add_exhibit(path);
    struct casedb *c = open_case(path, CASE_WRITE);
    struct arena a = { 0 };
    struct exhibit e;
    struct member m;
    struct str s;
    bool embedded;
    ck_assert_int_eq(case_exhibits(c, first_exhibit, &e, &err), 42);
    ck_assert_int_eq(e.state, EXHIBIT_CLOSED);
    ck_assert_int_eq(case_exhibit(c, 1, &a, &e, &err), 0);
    ck_assert_uint_eq(e.n_read, 4);
    ck_assert_int_eq(case_exhibit(c, 2, &a, &e, &err), ERR_USAGE);
    ck_assert_int_eq(case_member(c, 1, &a, &m, &err), 0);
    ck_assert(str_eq(m.path, STR("a")) && m.n_events == 2);
    ck_assert_int_eq(case_embedded(c, 1, &a, &s, &embedded, &err), 0);
    ck_assert(embedded && str_eq(s, STR("\0\1\2")));
    ck_assert_int_eq(case_embedded(c, 2, &a, &s, &embedded, &err), 0);
    ck_assert(!embedded);
    ck_assert_int_eq(case_exhibit_path(c, 1, &a, &s, &err), 0);
    ck_assert(str_eq(s, STR("/e")));
    ck_assert_int_eq(case_attach(c, 1, STR("/media/e"), &err), 0);
    ck_assert_int_eq(case_exhibit_path(c, 1, &a, &s, &err), 0);
    ck_assert(str_eq(s, STR("/media/e")));
    ck_assert_int_eq(case_attach(c, 3, STR("/x"), &err), ERR_USAGE);
    ck_assert_int_eq(heads(c), 3);
    arena_free(&a);
    case_close(c);
}
END_TEST

START_TEST(equal_content_has_an_equal_hash)
{
    start();
    const char *paths[] = { make("a.kan"), make("b.kan") };
    unsigned char hash[2][32], more[32];
    for (int i = 0; i < 2; i++) {
        add_exhibit(paths[i]);
        struct casedb *c = open_case(paths[i], CASE_WRITE);
        if (i == 1)
            ck_assert_int_eq(case_attach(c, 1, STR("/x"), &err), 0);
        ck_assert_int_eq(case_content_hash(c, hash[i], &err), 0);
        case_close(c);
    }
    ck_assert_mem_eq(hash[0], hash[1], 32);
    as_others(paths[0], "INSERT INTO fact VALUES(2, 1, 1, 'n', x'76')");
    struct casedb *c = open_case(paths[0], CASE_READ);
    ck_assert_int_eq(case_content_hash(c, more, &err), 0);
    ck_assert_mem_ne(hash[0], more, 32);
    case_close(c);
    as_others(paths[1], "INSERT INTO fact VALUES(2, 1, 1, 'n', 'v')");
    c = open_case(paths[1], CASE_READ);
    ck_assert_int_eq(case_content_hash(c, hash[1], &err), 0);
    ck_assert_mem_ne(hash[1], more, 32); /* text is not bytes */
    case_close(c);
}
END_TEST

START_TEST(verify_finds_what_does_not_add_up)
{
    static const char *const faults[] = {
        "INSERT INTO event(id, t_kind, t_zone, t_res, member, off, len, sub,"
        " severity, flags) VALUES(4, 0, 0, 0, 1, 0, 4, 0, 0, 0)",
        "INSERT INTO event(id, t_kind, t_zone, t_res, member, off, len, sub,"
        " severity, flags) VALUES(3, 0, 0, 0, 1, 0, 4, 0, 0, 0)",
        "INSERT INTO event(id, t_kind, t_zone, t_res, member, off, len, sub,"
        " severity, flags) VALUES(3, 0, 0, 0, 9, 0, 4, 0, 0, 0)",
        "INSERT INTO member VALUES(2, 1, x'62', x'', 'f', 9, NULL, 0, 0, 0, 0,"
        " 0, 0)",
        "INSERT INTO exhibit VALUES(3, x'2f65', '', 0, 1, 0);"
        "INSERT INTO member VALUES(2, 3, x'62', x'', 'f', 9, NULL, 1, 0, 0, 0,"
        " 0, 0)",
        "INSERT INTO exhibit VALUES(3, x'2f65', '', 0, 1, 0)",
        "INSERT INTO sighting VALUES(7, 1, 8, 1)",
        "INSERT INTO issue VALUES(2, 1, 1, 2, 8, 1, 'c', 'd')",
        "INSERT INTO entity VALUES(3, 'x')",
        "INSERT INTO entity VALUES((60<<25)+1, 'x')",
        "INSERT INTO embedded VALUES(8, x'00')",
        "INSERT INTO run(exhibit, version, libraries, fences, options,"
        " started_s) VALUES(8, '', '', '', '', 0)",
    };
    start();
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "%zu.kan", i);
        const char *path = make(name);
        add_exhibit(path);
        struct casedb *c = open_case(path, CASE_READ);
        ck_assert_msg(case_verify(c, &err) == 0, "%s", err.what);
        case_close(c);
        as_others(path, faults[i]);
        c = open_case(path, CASE_READ);
        ck_assert_msg(case_verify(c, &err) == ERR_VERIFY, "%s", faults[i]);
        case_close(c);
    }
}
END_TEST

START_TEST(a_copy_is_the_same_case)
{
    start();
    const char *path = make("a.kan"), *one = in_folder("one.kan");
    const char *two = in_folder("two.kan");
    add_exhibit(path);
    unsigned char hash[3][32];
    struct casedb *c = open_case(path, CASE_WRITE);
    ck_assert_int_eq(case_copy(c, one, &err), 0);
    ck_assert_int_eq(case_copy(c, two, &err), 0);
    ck_assert_int_eq(case_copy(c, two, &err), ERR_USAGE);
    ck_assert_int_eq(case_content_hash(c, hash[0], &err), 0);
    case_close(c);
    c = open_case(one, CASE_READ);
    ck_assert_int_eq(case_verify(c, &err), 0);
    ck_assert_int_eq(case_content_hash(c, hash[1], &err), 0);
    ck_assert_mem_eq(hash[0], hash[1], 32);
    case_close(c);
    struct buf b[2] = { 0 };
    for (int i = 0; i < 2; i++) {
        char p[4096];
        ssize_t n;
        int fd = open(i ? two : one, O_RDONLY);
        while ((n = read(fd, p, sizeof(p))) > 0)
            buf_put(&b[i], (struct str){ p, (size_t)n });
        close(fd);
    }
    ck_assert(str_eq(buf_str(&b[0]), buf_str(&b[1])));
    ck_assert_int_eq(b[0].p[18], 1); /* rollback form */
    buf_free(&b[0]);
    buf_free(&b[1]);
    c = open_case(one, CASE_WRITE); /* and is worked on again */
    ck_assert_int_eq(case_audit(c, STR("x"), STR(""), STR("{}"), &err), 0);
    case_close(c);
    case_close(open_case(one, CASE_READ));
}
END_TEST

/* A medium that cannot be written: the whole folder, for whoever is not
 * root; for root the case opens all the same and this shows nothing. */
START_TEST(a_read_only_folder_can_be_read)
{
    start();
    const char *path = make("a.kan");
    ck_assert_int_eq(chmod(path, 0400), 0);
    ck_assert_int_eq(chmod(folder, 0500), 0);
    case_close(open_case(path, CASE_READ));
    ck_assert_int_eq(chmod(folder, 0700), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("case");
    tap_case(s, "refuse", not_a_case);
    tap_case(s, "version", not_this_version);
    tap_case(s, "links", links_are_refused);
    tap_case(s, "side", planted_side_files_are_refused);
    tap_case(s, "schema", a_foreign_schema_is_refused);
    tap_case(s, "log", a_foreign_schema_in_the_log_is_refused);
    tap_case(s, "damage", a_damaged_case_is_refused_or_fails_verification);
    tap_case(s, "new", a_new_case_is_private_and_alone);
    tap_case(s, "over", nothing_is_overwritten);
    tap_case(s, "read", reading_changes_nothing);
    tap_case(s, "second", the_second_is_told_who_has_the_case);
    tap_case(s, "several", several_processes_read);
    tap_case(s, "beside", readers_of_one_process_see_what_is_committed);
    tap_case(s, "reach", other_files_are_out_of_reach);
    tap_case(s, "append", rows_cannot_be_changed);
    tap_case(s, "inner", an_inner_rollback_takes_all_back);
    tap_case(s, "audit", audit_lines_follow_each_other);
    tap_case(s, "changed", a_changed_audit_row_is_named);
    tap_case(s, "custody", custody_is_kept_and_corrected);
    tap_case(s, "marks", marks_are_undone_by_new_rows);
    tap_case(s, "derived", links_are_replaced_as_a_whole);
    tap_case(s, "intake", what_intake_wrote_is_read);
    tap_case(s, "hash", equal_content_has_an_equal_hash);
    tap_case(s, "verify", verify_finds_what_does_not_add_up);
    tap_case(s, "copy", a_copy_is_the_same_case);
    tap_case(s, "medium", a_read_only_folder_can_be_read);
    return s;
}
