#include "base/table.h"
#include "base/json.h"
#include "base/text.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct table_column columns[] = {
    { "id", "Id", true, 8 },
    { "who", "Who", false, 12 },
    { "what", "What", false, 0 },
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static int open_file(void)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/table", tap_dir());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static struct str contents(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *p = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(pread(fd, p, (size_t)size, 0), size);
    p[size] = 0;
    close(fd);
    return (struct str){ p, (size_t)size };
}

static void row(struct table *t, int64_t id, const char *who, const char *what)
{
    table_i64(t, id);
    table_str(t, str_from(who));
    if (what)
        table_str(t, str_from(what));
    else
        table_null(t);
}

static void expect(enum table_format f, size_t width, const char *want)
{
    struct err err;
    int fd = open_file();
    struct table *t = table_open(fd, f, columns, COLUMNS, width);
    ck_assert_ptr_nonnull(t);
    row(t, 7, "alice", "=1+1, \"x\"");
    row(t, -1200, "a-long-user-name", NULL);
    row(t, 0, "\xe7\x9b\xa3\xe8\xa6\x96", "a\x1b[2J\xff");
    ck_assert_uint_eq(table_rows(t), 3);
    ck_assert_int_eq(table_close(t, &err), 0);
    struct str got = contents(fd);
    ck_assert_str_eq(got.p, want);
    free((char *)got.p);
}

START_TEST(each_format_is_as_documented)
{
    expect(TABLE_TEXT, 40,
           "   Id  Who           What\n"
           "    7  alice         =1+1, \"x\"\n"
           "-1200  a-long-us\xe2\x80\xa6+7\n"
           "    0  \xe7\x9b\xa3\xe8\xa6\x96"
           "          a\xe2\x90\x9b[2J\\xFF\n");
    expect(TABLE_TEXT, 0,
           "   Id  Who           What\n"
           "    7  alice         =1+1, \"x\"\n"
           "-1200  a-long-user-name\n"
           "    0  \xe7\x9b\xa3\xe8\xa6\x96"
           "          a\xe2\x90\x9b[2J\\xFF\n");
    expect(TABLE_CSV, 0,
           "\xef\xbb\xbfid,who,what\r\n"
           "7,alice,\"'=1+1, \"\"x\"\"\"\r\n"
           "-1200,a-long-user-name,\r\n"
           "0,\xe7\x9b\xa3\xe8\xa6\x96,a\xe2\x90\x9b[2J\\xFF\r\n");
    expect(TABLE_CSV_RAW, 0,
           "id,who,what\r\n"
           "7,alice,\"=1+1, \"\"x\"\"\"\r\n"
           "-1200,a-long-user-name,\r\n"
           "0,\xe7\x9b\xa3\xe8\xa6\x96,a\x1b[2J\xff\r\n");
    expect(TABLE_JSONL, 0,
           "{\"id\":7,\"who\":\"alice\",\"what\":\"=1+1, \\\"x\\\"\"}\n"
           "{\"id\":-1200,\"who\":\"a-long-user-name\",\"what\":null}\n"
           "{\"id\":0,\"who\":\"\xe7\x9b\xa3\xe8\xa6\x96\",\"what\":"
           "{\"text\":\"a\xe2\x90\x9b[2J\\\\xFF\",\"bytes_hex\":"
           "\"611b5b324aff\"}}\n");
}
END_TEST

START_TEST(numbers_that_are_texts_stay_exact)
{
    static const struct {
        const char *in, *out;
    } values[] = {
        { "18446744073709551615", "18446744073709551615" },
        { "-0.50", "-0.50" },
        { "007", "\"007\"" },
        { "1e", "\"1e\"" },
        { "0x10", "\"0x10\"" },
        { "", "\"\"" },
        { " 1", "\" 1\"" },
        { "NaN", "\"NaN\"" },
    };
    static const struct table_column one[] = { { "n", "N", true, 0 } };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char want[64];
        struct err err;
        int fd = open_file();
        struct table *t = table_open(fd, TABLE_JSONL, one, 1, 0);
        table_str(t, str_from(values[i].in));
        table_json(t, STR("{\"a\":[1]}"));
        ck_assert_int_eq(table_close(t, &err), 0);
        struct str got = contents(fd);
        snprintf(want, sizeof(want), "{\"n\":%s}\n{\"n\":{\"a\":[1]}}\n",
                 values[i].out);
        ck_assert_str_eq(got.p, want);
        free((char *)got.p);
    }
}
END_TEST

/* No row is wider than the terminal, whatever the cells hold and however
 * narrow it is (to 4 cells a column). */
START_TEST(rows_fit_the_terminal)
{
    static const char *const values[] = {
        "x",
        "\xe7\x9b\xa3\xe8\xa6\x96\xe7\x9b\xa3\xe8\xa6\x96",
        "a long text that does not fit into a narrow column",
        "\x1b]0;t\x07",
        "\xff\xff\xff\xff",
        ""
    };
    for (size_t width = 16; width < 100; width += 7) {
        struct err err;
        int fd = open_file();
        struct table *t = table_open(fd, TABLE_TEXT, columns, COLUMNS, width);
        for (int i = 0; i < 450; i++)
            row(t, (int64_t)i * i * i, values[i % 6], values[i / 6 % 6]);
        ck_assert_int_eq(table_close(t, &err), 0);
        struct str got = contents(fd);
        size_t lines = 0;
        for (char *p = (char *)got.p; *p; lines++) {
            char *end = strchr(p, '\n');
            ck_assert_ptr_nonnull(end);
            struct str line = { p, (size_t)(end - p) };
            ck_assert_uint_le(text_width(line), width);
            p = end + 1;
        }
        ck_assert_uint_eq(lines, 451);
        free((char *)got.p);
    }
}
END_TEST

START_TEST(an_empty_list_has_its_header)
{
    static const char *const want[] = { "Id  Who  What\n",
                                        "\xef\xbb\xbfid,who,what\r\n",
                                        "id,who,what\r\n", "" };
    for (int f = TABLE_TEXT; f <= TABLE_JSONL; f++) {
        int fd = open_file();
        struct table *t =
            table_open(fd, (enum table_format)f, columns, COLUMNS, 80);
        ck_assert_int_eq(table_close(t, NULL), 0);
        struct str got = contents(fd);
        ck_assert_str_eq(got.p, want[f]);
        free((char *)got.p);
    }
}
END_TEST

START_TEST(ascii_means_ascii)
{
    int fd = open_file();
    struct table *t = table_open(fd, TABLE_TEXT, columns, COLUMNS, 30);
    table_ascii(t);
    row(t, 1, "\xe7\x9b\xa3", "a text that is too long for this");
    ck_assert_int_eq(table_close(t, NULL), 0);
    struct str got = contents(fd);
    for (size_t i = 0; i < got.n; i++)
        ck_assert(got.p[i] == '\n' || (got.p[i] >= ' ' && got.p[i] < 0x7f));
    free((char *)got.p);
}
END_TEST

static int fill(int fd, enum table_format f, struct err *err)
{
    struct table *t = table_open(fd, f, columns, COLUMNS, 0);
    for (int i = 0; i < 20000; i++)
        row(t, i, "someone", "something");
    return table_close(t, err);
}

START_TEST(failed_writes_are_told)
{
    for (int f = TABLE_TEXT; f <= TABLE_JSONL; f++) {
        struct err err = { 0 };
        int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
        if (fd >= 0) {
            ck_assert_int_eq(fill(fd, (enum table_format)f, &err), ERR_WRITE);
            ck_assert_ptr_nonnull(strstr(err.what, "No space"));
            close(fd);
        }
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        signal(SIGPIPE, SIG_IGN);
        close(ends[0]);
        ck_assert_int_eq(fill(ends[1], (enum table_format)f, &err), ERR_WRITE);
        ck_assert_str_eq(err.what, "");
        close(ends[1]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("table");
    tap_case(s, "formats", each_format_is_as_documented);
    tap_case(s, "numbers", numbers_that_are_texts_stay_exact);
    tap_case(s, "width", rows_fit_the_terminal);
    tap_case(s, "empty", an_empty_list_has_its_header);
    tap_case(s, "ascii", ascii_means_ascii);
    tap_case(s, "writes", failed_writes_are_told);
    return s;
}
