/*
 * Files of hosts: each file of tests/data/host/IMPORTER/PATH is read as PATH.
 * It is recognised as IMPORTER's, gives what PATH.expect beside it says, the
 * same in little steps, and keeps its promises when it is cut or damaged at
 * any place: records lie within it, and what is told of the whole front part
 * does not depend on what follows.
 *
 * UPDATE_GOLDENS=1 writes the expectations. HOST_DATA=IMPORTER: only those.
 */
#include "tests/importers/collect.h"
#include "tests/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_LEN = 4096,
    CUTS = 3000, /* places at which a file is cut or damaged */
};

#ifdef INPUT_STEP
static const bool little_steps = true;
#else
static const bool little_steps = false;
static struct collected again;
static struct buf damaged;
#endif
static struct collected got;
static struct buf bytes, expect;

static bool load(const char *path, struct buf *out)
{
    char part[8192];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    buf_clear(out);
    while (fd >= 0 && (n = read(fd, part, sizeof part)) > 0)
        buf_put(out, (struct str){ part, (size_t)n });
    if (fd >= 0)
        close(fd);
    return fd >= 0 && n == 0 && !out->failed;
}

static void store(const char *path, struct str s)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert(fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n);
    close(fd);
}

#ifndef INPUT_STEP
static void cut_and_damage(struct str importer, struct str path)
{
    size_t step = bytes.n / CUTS + 1;
    for (size_t n = 0; n < bytes.n; n += step) {
        struct str s = str_sub(buf_str(&bytes), 0, n);
        collect(&again, s, path, importer, COLLECT_COUNT);
        ck_assert_msg(!again.failed, "cut at %zu: %s", n, again.err.what);
    }
    for (size_t n = 0; n < bytes.n; n += step) {
        buf_clear(&damaged);
        buf_put(&damaged, buf_str(&bytes));
        damaged.p[n] = (char)(damaged.p[n] ^ (n % 3 == 0   ? 0xff
                                              : n % 3 == 1 ? 0x80
                                                           : 0x01));
        collect(&again, buf_str(&damaged), path, importer, COLLECT_COUNT);
        ck_assert_msg(!again.failed, "damaged at %zu: %s", n, again.err.what);
    }
}
#endif

static void one_file(const char *importer, const char *file, struct str path)
{
    char name[PATH_LEN];
    printf("# %s/%.*s\n", importer, STR_ARG(path));
    fflush(stdout);
    ck_assert(load(file, &bytes));
    /* recognition looks at the first window, which little steps make short */
    collect(&got, buf_str(&bytes), path,
            little_steps ? str_from(importer) : STR(""),
            COLLECT_PLACES | COLLECT_REFS);
    ck_assert_msg(!got.failed, "%s: %s", file, got.err.what);
    ck_assert_msg(snprintf(name, sizeof name, " %s\n", importer) > 0 &&
                      str_find(buf_str(&got.text), str_from(name)) != SIZE_MAX,
                  "%s is not recognised as %s", file, importer);
    ck_assert(snprintf(name, sizeof name, "%s.expect", file) < PATH_LEN);
    const char *update = getenv("UPDATE_GOLDENS");
    if (update && !little_steps)
        store(name, buf_str(&got.text));
    ck_assert_msg(load(name, &expect), "%s is missing", name);
    ck_assert_msg(str_eq(buf_str(&got.text), buf_str(&expect)),
                  "%s differs; it gives now:\n%.*s", name,
                  STR_ARG(buf_str(&got.text)));
#ifndef INPUT_STEP /* in little steps the whole file is enough */
    cut_and_damage(str_from(importer), path);
#endif
}

static int visible(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
           !(n > 7 && strcmp(e->d_name + n - 7, ".expect") == 0);
}

static unsigned files_below(const char *importer, const char *folder,
                            size_t path_from)
{
    struct dirent **names;
    unsigned files = 0;
    int n = scandir(folder, &names, visible, alphasort);
    for (int i = 0; i < n; i++) {
        char path[PATH_LEN];
        struct stat st;
        ck_assert(snprintf(path, sizeof path, "%s/%s", folder,
                           names[i]->d_name) < PATH_LEN);
        free(names[i]);
        ck_assert(!stat(path, &st));
        if (S_ISDIR(st.st_mode)) {
            files += files_below(importer, path, path_from);
        } else {
            one_file(importer, path, str_from(path + path_from));
            files++;
        }
    }
    if (n >= 0)
        free(names);
    return files;
}

START_TEST(host_files)
{
    struct dirent **names;
    const char *only = getenv("HOST_DATA");
    unsigned files = 0;
    const char *root = tap_path("tests/data/host");
    int n = scandir(root, &names, visible, alphasort);
    for (int i = 0; i < n; i++) {
        char folder[PATH_LEN];
        int len =
            snprintf(folder, sizeof folder, "%s/%s", root, names[i]->d_name);
        ck_assert(len < PATH_LEN);
        if (!only || strcmp(only, names[i]->d_name) == 0)
            files += files_below(names[i]->d_name, folder, (size_t)len + 1);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    printf("# %u files\n", files);
    collect_free(&got);
    buf_free(&bytes);
    buf_free(&expect);
#ifndef INPUT_STEP
    collect_free(&again);
    buf_free(&damaged);
#endif
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("host");
    tcase_set_timeout(tap_case(s, "files", host_files), 240);
    return s;
}
