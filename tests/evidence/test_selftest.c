#include "tests/tap.h"

#include "evidence/selftest.h"

#include "tests/evidence/worker_start.h"

#include <stdio.h>

static const struct worker_handler worker_test_handlers[WORKER_KINDS];

/* The table is printed: what a machine does not have is worth knowing. */
static void print(const struct selftest *t)
{
    for (size_t i = 0; i < t->n; i++)
        printf("# %s %s: %s (expected: %s)\n", t->rows[i].ok ? " " : "!",
               t->rows[i].name, t->rows[i].got, t->rows[i].expected);
    printf("# %s\n", t->level);
    fflush(stdout);
}

START_TEST(every_fence_that_was_obtained_holds)
{
    static struct selftest t;
    struct err err;
    ck_assert_int_eq(selftest_run(&t, &err), 0);
    print(&t);
    ck_assert_uint_gt(t.n, 4);
    if (t.worker.got & FENCE_SECCOMP)
        ck_assert_uint_eq(t.failed, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("selftest");
    tap_case(s, "fences", every_fence_that_was_obtained_holds);
    return s;
}
