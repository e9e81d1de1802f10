/*
 * Makes and shows cases for shell tests.
 *
 *   casetool new CASE          a new case
 *   casetool act CASE N        N entries in its audit log
 *   casetool log CASE          the audit log, one line an entry
 *   casetool uuid CASE
 *   casetool fill CASE         entries without end, each confirmed on stdout
 */
#include "casedb/casedb.h"

#include <stdio.h>
#include <stdlib.h>

static struct err err;

static int fail(void)
{
    fprintf(stderr, "casetool: %s\n", err.what);
    return -err.code;
}

static int act(struct casedb *c, long n)
{
    for (long i = 0; n < 0 || i < n; i++) {
        char detail[64];
        int k = snprintf(detail, sizeof(detail), "{\"n\":%ld}", i);
        if (case_audit(c, STR("act"), STR("X1/a\tb\n%"),
                       (struct str){ detail, (size_t)k }, &err))
            return fail();
        if (n < 0) {
            printf("%ld\n", i + 1);
            fflush(stdout);
        }
    }
    return 0;
}

static int print_line(void *ctx, struct str line)
{
    (void)ctx;
    fwrite(line.p, 1, line.n, stdout);
    putchar('\n');
    return 0;
}

static int show_uuid(struct casedb *c)
{
    struct arena a = { 0 };
    struct case_info info;
    if (case_get_info(c, &a, &info, &err))
        return fail();
    print_line(NULL, info.uuid);
    arena_free(&a);
    return 0;
}

static int run(struct casedb *c, const char *command, const char *n)
{
    if (!strcmp(command, "act"))
        return act(c, n ? strtol(n, NULL, 10) : 1);
    if (!strcmp(command, "fill"))
        return act(c, -1);
    if (!strcmp(command, "uuid"))
        return show_uuid(c);
    return case_audit_verify(c, NULL, print_line, NULL, &err) ? fail() : 0;
}

int main(int argc, char **argv)
{
    const struct case_info info = { .title = STR("Test"),
                                    .examiner = STR("alice"),
                                    .version = STR("0") };
    struct casedb *c;
    if (argc < 3)
        return 1;
    if (!strcmp(argv[1], "new"))
        return case_create(argv[2], &info, &err) ? fail() : 0;
    bool writes = !strcmp(argv[1], "act") || !strcmp(argv[1], "fill");
    if (case_open(argv[2], writes ? CASE_WRITE : CASE_READ, &c, &err))
        return fail();
    int r = run(c, argv[1], argc > 3 ? argv[3] : NULL);
    case_close(c);
    return r;
}
