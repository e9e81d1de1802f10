/* Exports: all rows or none, counts, forms that survive hostile text. */
#include "tests/tap.h"

#include "base/json.h"
#include "base/text.h"
#include "reports/export.h"
#include "tests/reports/small_case.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAUGHTY_MAX = 600 };

static struct arena arena;
static struct str naughty[NAUGHTY_MAX];
static size_t n_naughty;

static void make(void)
{
    n_naughty = small_case_naughty(&arena, naughty, NAUGHTY_MAX);
    small_case_make(small_case_path("c.kan"), naughty, n_naughty);
}

static int export(const char *form, const char *path, struct export_result *out,
                  struct err *err)
{
    struct casedb *c;
    const struct export_options o = { .form =
                                          export_form_find(str_from(form)) };
    ck_assert(o.form != NULL);
    ck_assert_int_eq(case_open(small_case_path("c.kan"), CASE_READ, &c, err),
                     0);
    int rc = export_write(c, path, &o, out, err);
    case_close(c);
    return rc;
}

static struct buf exported(const char *form, struct export_result *out)
{
    struct err err = { 0 };
    const char *path = small_case_path(form);
    int rc = export(form, path, out, &err);
    ck_assert_msg(rc == 0, "%s", err.what);
    return small_case_read(path);
}

static struct str next_line(struct str *rest)
{
    const char *lf = memchr(rest->p, '\n', rest->n);
    ck_assert(lf != NULL);
    struct str line = str_sub(*rest, 0, (size_t)(lf - rest->p));
    *rest = str_sub(*rest, line.n + 1, rest->n);
    return line;
}

START_TEST(jsonl_holds_every_byte)
{
    struct export_result out;
    make();
    struct buf b = exported("jsonl", &out);
    struct str rest = buf_str(&b);
    ck_assert_uint_eq(out.rows, n_naughty);
    ck_assert_uint_eq(out.undated, 1);
    ck_assert_uint_eq(out.left_out, 0);
    for (size_t i = 0; i < n_naughty; i++) {
        struct str line = next_line(&rest), value, hex, number;
        unsigned flags;
        int64_t event;
        struct buf want = { 0 };
        ck_assert(json_valid(line, NULL, NULL));
        ck_assert_int_eq(json_get(line, STR("event"), &number, &flags),
                         JSON_NUMBER);
        ck_assert(json_i64(number, &event));
        buf_put(&want, naughty[event - 1]);
        buf_printf(&want, " %zu", (size_t)event - 1);
        if (json_get(line, STR("actor"), &value, &flags) == JSON_OBJECT) {
            ck_assert_int_eq(json_get(value, STR("bytes_hex"), &hex, &flags),
                             JSON_STRING);
            struct buf again = { 0 };
            buf_put_hex(&again, want.p, want.n);
            ck_assert(str_eq(hex, buf_str(&again)));
            buf_free(&again);
        } else {
            struct str text;
            ck_assert(json_decode(value, &arena, &text));
            ck_assert(str_eq(text, buf_str(&want)));
        }
        buf_free(&want);
    }
    ck_assert_uint_eq(rest.n, 0);
    buf_free(&b);
}
END_TEST

/* An independent reader of RFC 4180: fields of one record. */
static size_t read_csv(struct str *rest, struct str *fields, size_t most)
{
    size_t n = 0;
    for (;;) {
        struct buf f = { 0 };
        if (rest->n && rest->p[0] == '"') {
            *rest = str_sub(*rest, 1, rest->n);
            for (;;) {
                ck_assert_uint_gt(rest->n, 0);
                bool twice =
                    rest->n > 1 && rest->p[0] == '"' && rest->p[1] == '"';
                if (rest->p[0] == '"' && !twice)
                    break;
                buf_putc(&f, rest->p[0]);
                *rest = str_sub(*rest, twice ? 2 : 1, rest->n);
            }
            *rest = str_sub(*rest, 1, rest->n);
        } else {
            while (rest->n && rest->p[0] != ',' && rest->p[0] != '\r') {
                buf_putc(&f, rest->p[0]);
                *rest = str_sub(*rest, 1, rest->n);
            }
        }
        ck_assert_uint_lt(n, most);
        fields[n++] = buf_to_arena(&f, &arena);
        if (rest->p[0] == ',') {
            *rest = str_sub(*rest, 1, rest->n);
            continue;
        }
        ck_assert(str_starts(*rest, STR("\r\n")));
        *rest = str_sub(*rest, 2, rest->n);
        return n;
    }
}

enum { FIELDS = 22, ACTOR = 6 };

START_TEST(csv_gives_back_the_exact_bytes)
{
    struct export_result out;
    struct str f[FIELDS];
    uint64_t event;
    make();
    struct buf b = exported("csv", &out);
    struct str rest = buf_str(&b);
    ck_assert_uint_eq(read_csv(&rest, f, FIELDS), FIELDS - 1);
    while (rest.n) {
        struct buf want = { 0 };
        ck_assert_uint_eq(read_csv(&rest, f, FIELDS), FIELDS - 1);
        ck_assert(str_u64(f[0], &event));
        buf_put(&want, naughty[event - 1]);
        buf_printf(&want, " %zu", (size_t)event - 1);
        ck_assert(str_eq(f[ACTOR], buf_str(&want)));
        buf_free(&want);
    }
    buf_free(&b);
}
END_TEST

START_TEST(safe_csv_has_no_formula_and_says_so)
{
    struct export_result out;
    struct str f[FIELDS];
    size_t changed = 0;
    make();
    struct buf b = exported("csv-safe", &out);
    struct str rest = buf_str(&b);
    ck_assert(str_starts(rest, STR("\xef\xbb\xbf")));
    rest = str_sub(rest, 3, rest.n);
    ck_assert_uint_eq(read_csv(&rest, f, FIELDS), FIELDS);
    while (rest.n) {
        ck_assert_uint_eq(read_csv(&rest, f, FIELDS), FIELDS);
        for (size_t i = 0; i < FIELDS; i++) {
            struct str t = str_trim(f[i]);
            ck_assert(t.n == 0 || !strchr("=+-@", t.p[0]) || t.p[0] == 0);
        }
        changed += f[FIELDS - 1].n > 0;
    }
    ck_assert_uint_gt(changed, 30);
    ck_assert_uint_lt(changed, n_naughty);
    buf_free(&b);
}
END_TEST

START_TEST(timesketch_counts_what_it_leaves_out)
{
    struct export_result out;
    struct str text, number;
    unsigned flags;
    int64_t micros;
    make();
    struct buf b = exported("timesketch", &out);
    struct str rest = buf_str(&b), line = next_line(&rest);
    ck_assert_uint_eq(out.left_out, 2); /* undated, before 1700 */
    ck_assert_uint_eq(out.rows, n_naughty - 2);
    ck_assert_int_eq(json_get(line, STR("datetime"), &text, &flags),
                     JSON_STRING);
    ck_assert(str_eq(text, STR("2026-03-11T02:00:02.123456+00:00")));
    ck_assert_int_eq(json_get(line, STR("timestamp"), &number, &flags),
                     JSON_NUMBER);
    ck_assert(json_i64(number, &micros));
    ck_assert_int_eq(micros, 1773194402123456);
    buf_free(&b);
    struct buf manifest =
        small_case_read(small_case_path("timesketch.manifest.json"));
    ck_assert(str_find(buf_str(&manifest), STR("\"left_out\":2")) != SIZE_MAX);
    ck_assert(str_find(buf_str(&manifest), str_from(out.sha256)) != SIZE_MAX);
    buf_free(&manifest);
}
END_TEST

START_TEST(body_lines_have_eleven_fields)
{
    struct export_result out;
    make();
    struct buf b = exported("bodyfile", &out);
    struct str rest = buf_str(&b);
    size_t lines = 0;
    ck_assert_uint_eq(out.left_out, 1);
    while (rest.n) {
        struct str line = next_line(&rest);
        size_t bars = 0;
        for (size_t i = 0; i < line.n; i++) {
            bars += line.p[i] == '|';
            if (line.p[i] == '%')
                ck_assert(str_starts(str_sub(line, i, 3), STR("%25")) ||
                          str_starts(str_sub(line, i, 3), STR("%7C")));
        }
        ck_assert_uint_eq(bars, 10);
        lines++;
    }
    ck_assert_uint_eq(lines, out.rows);
    buf_free(&b);
}
END_TEST

START_TEST(failed_writes_are_told)
{
    struct export_result out;
    struct err err = { 0 };
    int kept = dup(STDOUT_FILENO), pipes[2];
    make();
    int full = open("/dev/full", O_WRONLY);
    if (full >= 0) {
        dup2(full, STDOUT_FILENO);
        int rc = export("csv", "-", &out, &err);
        dup2(kept, STDOUT_FILENO);
        ck_assert_int_eq(rc, ERR_WRITE);
        ck_assert_int_ne(err.what[0], 0);
        close(full);
    }
    ck_assert_int_eq(pipe(pipes), 0);
    close(pipes[0]);
    dup2(pipes[1], STDOUT_FILENO);
    int rc = export("csv", "-", &out, &err);
    dup2(kept, STDOUT_FILENO);
    close(pipes[1]);
    close(kept);
    ck_assert_int_eq(rc, ERR_WRITE);
    ck_assert_str_eq(err.what, "");
    ck_assert_int_eq(export("csv", "/dev/full", &out, &err), ERR_USAGE);
    ck_assert_int_eq(export("csv", small_case_path("none/x.csv"), &out, &err),
                     ERR_WRITE);
}
END_TEST

START_TEST(nothing_half_is_left)
{
    struct export_result out;
    struct err err = { 0 };
    make();
    const char *path = small_case_path("x.csv");
    int fd =
        open(small_case_path("x.csv.manifest.json"), O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    /* the side file is in the way: then the export is not there either */
    ck_assert_int_eq(export("csv", path, &out, &err), ERR_USAGE);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static void prepare(void)
{
    signal(SIGPIPE, SIG_IGN);
    small_case_fresh();
}

Suite *suite(void)
{
    const struct {
        const char *name;
        const TTest *test;
    } tests[] = {
        { "jsonl", jsonl_holds_every_byte },
        { "csv", csv_gives_back_the_exact_bytes },
        { "csv-safe", safe_csv_has_no_formula_and_says_so },
        { "timesketch", timesketch_counts_what_it_leaves_out },
        { "bodyfile", body_lines_have_eleven_fields },
        { "faults", failed_writes_are_told },
        { "whole", nothing_half_is_left },
    };
    Suite *s = suite_create("export");
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        TCase *t = tap_case(s, tests[i].name, tests[i].test);
        tcase_add_checked_fixture(t, prepare, NULL);
    }
    return s;
}
