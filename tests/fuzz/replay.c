/*
 * Replays inputs through a fuzz target under any compiler. Every input is
 * copied into a heap block of exactly its size, so that a read beyond its end
 * is seen by the sanitizers and not hidden by a larger buffer.
 */
#include "tests/fuzz/replay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 4096, INPUT_MAX = 64 << 20 };

static int read_all(int fd, uint8_t *p, size_t n)
{
    while (n) {
        ssize_t got = read(fd, p, n);
        if (got <= 0)
            return -1;
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

static int replay_file(replay_target *target, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *data = NULL;
    int rc = -1;
    if (fd < 0 || fstat(fd, &st) || st.st_size > INPUT_MAX)
        goto out;
    size_t n = (size_t)st.st_size;
    data = malloc(n ? n : 1);
    if (!data || read_all(fd, data, n))
        goto out;
    /* A target that dies here is named by this line. */
    printf("# %s\n", path);
    fflush(stdout);
    /* An empty input gets a pointer that must not be read either. */
    rc = target(n ? data : data + 1, n);
out:
    if (rc)
        printf("# cannot replay %s: %s\n", path, strerror(errno));
    free(data);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int replay_path(replay_target *target, const char *path, unsigned *count)
{
    struct dirent **names;
    int failed = 0;
    int n = scandir(path, &names, visible, alphasort);
    if (n < 0) {
        ++*count;
        return replay_file(target, path);
    }
    for (int i = 0; i < n; i++) {
        char below[PATH_LEN];
        int len =
            snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name);
        free(names[i]);
        ++*count;
        if (len < 0 || len >= PATH_LEN || replay_file(target, below))
            failed = 1;
    }
    free(names);
    return failed;
}

int replay_main(replay_target *target, int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    const char *top = getenv("SRCDIR");
    char corpus[PATH_LEN];
    unsigned count = 0;
    int failed = 0;
    if (strncmp(name, "fuzz_", 5) == 0)
        name += 5;
    snprintf(corpus, sizeof corpus, "%s/tests/fuzz/corpus/%s", top ? top : "..",
             name);
    printf("1..1\n");
    if (target((const uint8_t *)"", 0))
        failed = 1;
    for (int i = 1; i < argc; i++)
        failed |= replay_path(target, argv[i], &count);
    if (argc < 2 && access(corpus, F_OK) == 0)
        failed |= replay_path(target, corpus, &count);
    printf("%sok 1 - %s: empty input and %u of the corpus\n",
           failed ? "not " : "", name, count);
    return failed && !getenv("TAP_HARNESS") ? 1 : 0;
}
