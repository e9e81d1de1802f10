/*
 * Opening a damaged or crafted case. The input is a list of patches, each
 * { u32 LE offset, u8 n, n bytes }, laid over a fresh case; the offset's upper
 * bit sends a patch to the log beside it. Property: opening succeeds or
 * refuses with ERR_CASE; what opens is verified without a crash, and a case
 * that is refused has its bytes unchanged.
 */
#include "casedb/casedb.h"

#include "base/hash.h"
#include "base/varint.h"
#include "tests/fuzz/replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_MAX = 1 << 16, PATH_LEN = 256 };
static const uint32_t to_log = 0x80000000u;

static char folder[PATH_LEN], path[PATH_LEN + 16], log_path[PATH_LEN + 16];
static unsigned char *fresh, *image, log_image[LOG_MAX];
static size_t fresh_n;

static void need(bool good)
{
    if (!good)
        abort();
}

static void remove_files(void)
{
    unlink(path);
    unlink(log_path);
    rmdir(folder);
}

static void start(void)
{
    const struct case_info info = { .title = STR("fuzz"),
                                    .examiner = STR("f"),
                                    .version = STR("0") };
    const char *tmp = getenv("TMPDIR");
    struct stat st;
    snprintf(folder, sizeof(folder), "%s/kanshiki-fuzz-XXXXXX",
             tmp ? tmp : "/tmp");
    need(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/a.kan", folder);
    snprintf(log_path, sizeof(log_path), "%s/a.kan-wal", folder);
    atexit(remove_files);
    need(case_create(path, &info, NULL) == 0);
    int fd = open(path, O_RDONLY);
    need(fd >= 0 && fstat(fd, &st) == 0);
    fresh_n = (size_t)st.st_size;
    fresh = malloc(fresh_n);
    image = malloc(fresh_n);
    need(fresh && image && read(fd, fresh, fresh_n) == (ssize_t)fresh_n);
    close(fd);
}

/* Returns the size of the log. */
static size_t apply(struct cursor in)
{
    size_t log_n = 0;
    memcpy(image, fresh, fresh_n);
    memset(log_image, 0, sizeof(log_image));
    while (cursor_left(&in) > 0) {
        uint32_t at = cursor_u32(&in);
        size_t n = cursor_u8(&in);
        const unsigned char *p = cursor_take(&in, n);
        bool is_log = at & to_log;
        size_t size = is_log ? (size_t)LOG_MAX : fresh_n;
        at &= ~to_log;
        if (!p || at > size || n > size - at)
            continue;
        memcpy((is_log ? log_image : image) + at, p, n);
        if (is_log && at + n > log_n)
            log_n = at + n;
    }
    return log_n;
}

static void save(const char *name, const unsigned char *p, size_t n)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    need(fd >= 0 && write(fd, p, n) == (ssize_t)n);
    close(fd);
}

static bool unchanged(void)
{
    unsigned char *p = malloc(fresh_n + 1);
    int fd = open(path, O_RDONLY);
    ssize_t n = p && fd >= 0 ? read(fd, p, fresh_n + 1) : -1;
    bool same = n == (ssize_t)fresh_n && memcmp(p, image, fresh_n) == 0;
    close(fd);
    free(p);
    return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    struct casedb *c = NULL;
    unsigned char hash[SHA256_LEN];
    if (!fresh)
        start();
    size_t log_n = apply(cursor_of(data, size));
    save(path, image, fresh_n);
    if (log_n)
        save(log_path, log_image, log_n);
    else
        unlink(log_path);
    int r = case_open(path, CASE_READ, &c, &err);
    need(r == 0 || (r == ERR_CASE && err.what[0]));
    if (r == 0) {
        r = case_verify(c, &err);
        if (r == 0)
            need(case_content_hash(c, hash, &err) == 0);
        case_close(c);
    }
    need(unchanged());
    unlink(path);
    unlink(log_path);
    return 0;
}
