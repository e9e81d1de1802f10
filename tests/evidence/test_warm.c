/* What libraries do in a sealed worker after their warm-up. */
#include "tests/tap.h"

#include "base/hash.h"
#include "evidence/worker.h"

#include "tests/evidence/worker_start.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Umlaut and kanji. */
#define NAME "\303\274\346\227\245.txt"

/* ---- in the worker --------------------------------------------------------
 */

static la_ssize_t read_some(struct archive *a, void *ctx, const void **p)
{
    static char buffer[4096];
    (void)a;
    *p = buffer;
    return read(*(const int *)ctx, buffer, sizeof buffer);
}

static la_int64_t seek_to(struct archive *a, void *ctx, la_int64_t off, int how)
{
    (void)a;
    return lseek(*(const int *)ctx, off, how);
}

/* Answers the name of the first member and its content. */
static int list_archive(int fd, struct err *err)
{
    struct archive *a = archive_read_new();
    struct archive_entry *e;
    char out[200], content[64];
    archive_read_support_format_all(a);
    archive_read_support_filter_all(a);
    archive_read_set_read_callback(a, read_some);
    archive_read_set_seek_callback(a, seek_to);
    archive_read_set_callback_data(a, &fd);
    if (archive_read_open1(a) || archive_read_next_header(a, &e))
        return err_set(err, ERR_EVIDENCE, "%s", archive_error_string(a));
    la_ssize_t n = archive_read_data(a, content, sizeof content);
    const char *name = archive_entry_pathname(e);
    int len = snprintf(out, sizeof out, "%s=%.*s", name ? name : "?",
                       n > 0 ? (int)n : 0, content);
    archive_read_free(a);
    return worker_emit_str(FRAME_DATA, (struct str){ out, (size_t)len });
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Calls of libc that open files or ask the system on first use. */
static int use_libc(void)
{
    static int many[100000];
    time_t t = 1773190000;
    struct tm tm;
    char text[64];
    unsigned char sha[SHA256_LEN];
    for (int i = 0; i < 100000; i++)
        many[i] = i * 7919 % 100003;
    qsort(many, 100000, sizeof *many, compare);
    localtime_r(&t, &tm);
    timegm(&tm);
    hash_sha256(STR("abc"), sha);
    snprintf(text, sizeof text, "%.3f %s", strtod("1.5", NULL), strerror(5));
    return worker_emit_str(FRAME_DATA, str_from(text));
}

static int handle(void *ctx, struct str request, const int *fds, size_t n,
                  struct err *err)
{
    (void)ctx, (void)request;
    return n ? list_archive(fds[0], err) : use_libc();
}

static void warm_up(void)
{
    unsigned char sha[SHA256_LEN];
    hash_sha256(STR(""), sha);
    sandbox_warm_up_archives();
}

static const struct worker_handler worker_test_handlers[WORKER_KINDS] = {
    [WORKER_LOG] = { .handle = handle, .warm_up = warm_up },
};

/* ---- in the parent --------------------------------------------------------
 */

static void answers(int fd, const char *expected)
{
    const struct worker_options o = { .kind = WORKER_LOG };
    struct worker_end end = { .clean = false };
    struct frame f = { .type = 0 };
    struct err err = { .code = 0 };
    struct worker *w = worker_spawn(&o, &err);
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(
        worker_send(w, 1, STR("x"), &fd, fd < 0 ? 0 : 1, 1000, &err), 0);
    while (worker_fill(w) == WORKER_ALIVE && !worker_next_frame(w, &f)) {
        struct pollfd p = { .fd = worker_fd(w), .events = POLLIN };
        poll(&p, 1, 10000);
    }
    if (f.type == FRAME_DATA)
        ck_assert_msg(str_eq(f.payload, str_from(expected)), "%.*s",
                      STR_ARG(f.payload));
    else if (f.type == FRAME_ERROR)
        worker_error(&f, &err);
    worker_close(w, &end);
    ck_assert_msg(f.type == FRAME_DATA, "%s, %s", end.words, err.what);
}

START_TEST(libc_calls_pass_once_warm)
{
    answers(-1, "1.500 Input/output error");
}
END_TEST

static int make_archive(const char *path, int (*format)(struct archive *))
{
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    format(a);
    ck_assert_int_eq(archive_write_open_filename(a, path), ARCHIVE_OK);
    archive_entry_set_pathname(e, NAME);
    archive_entry_set_size(e, 2);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0600);
    ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
    ck_assert_int_eq((int)archive_write_data(a, "hi", 2), 2);
    archive_entry_free(e);
    ck_assert_int_eq(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(archives_list_names_beyond_ascii)
{
    static int (*const formats[])(struct archive *) = {
        archive_write_set_format_zip,
        archive_write_set_format_pax,
        archive_write_set_format_7zip,
        archive_write_set_format_gnutar,
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/archive%zu", tap_dir(), i);
        int fd = make_archive(path, formats[i]);
        answers(fd, NAME "=hi");
        close(fd);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("warm");
    tap_case(s, "libc", libc_calls_pass_once_warm);
    tap_case(s, "archives", archives_list_names_beyond_ascii);
    return s;
}
