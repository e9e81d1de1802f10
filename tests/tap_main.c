/*
 * main of every test program: runs the suite() of a unit test, or replays
 * the corpus of a fuzz target. Which of the two a program is shows in the
 * symbol that its one file defines.
 */
#include "tests/tap.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/replay.h"

#pragma weak suite
#pragma weak LLVMFuzzerTestOneInput

enum { PATH_LEN = 4096 };

static char scratch[PATH_LEN];

TCase *tap_case(Suite *s, const char *name, const TTest *test)
{
    TCase *c = tcase_create(name);
    tcase_add_test(c, test);
    suite_add_tcase(s, c);
    return c;
}

const char *tap_path(const char *below_source_dir)
{
    static char ring[4][PATH_LEN];
    static unsigned turn;
    const char *top = getenv("SRCDIR");
    char *path = ring[turn++ % 4];
    int n =
        snprintf(path, PATH_LEN, "%s/%s", top ? top : "..", below_source_dir);
    return n > 0 && n < PATH_LEN ? path : "";
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *where)
{
    (void)st;
    (void)flag;
    (void)where;
    return remove(path);
}

static void remove_scratch(void)
{
    if (scratch[0])
        nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    scratch[0] = '\0';
}

const char *tap_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    if (scratch[0])
        return scratch;
    snprintf(scratch, sizeof scratch, "%s/kanshiki-test-XXXXXX",
             tmp ? tmp : "/tmp");
    if (!mkdtemp(scratch)) {
        perror(scratch);
        exit(99);
    }
    /* Each test may run in a child of its own, which must not remove what
     * its siblings use: Check leaves children by _exit or a signal, and
     * their atexit handlers are not ours to rely on. */
    return scratch;
}

static int run_suite(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;
    tap_dir();
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    remove_scratch();
    /* Under the harness the verdict is in the lines; a status other than 0
     * then means that the program itself broke. */
    return failed && !getenv("TAP_HARNESS") ? 1 : 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (LLVMFuzzerTestOneInput)
        return replay_main(LLVMFuzzerTestOneInput, argc, argv);
    return run_suite();
}
