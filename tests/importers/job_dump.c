/*
 * job_dump [-o] [-c] [-a IMPORTER] FILE [PATH]: what a worker makes of a file,
 * one line per item. -o: with offsets. -c: only the counts. PATH: its name.
 */
#include "tests/importers/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct str load(const char *path)
{
    struct buf b = { 0 };
    char p[65536];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    while ((n = fread(p, 1, sizeof(p), f)) > 0)
        buf_put(&b, (struct str){ p, n });
    fclose(f);
    return buf_str(&b);
}

int main(int argc, char **argv)
{
    struct collected c = { 0 };
    struct str as = STR("");
    unsigned flags = 0;
    int o;
    while ((o = getopt(argc, argv, "oca:")) != -1) {
        if (o == 'a')
            as = str_from(optarg);
        else
            flags |= o == 'o' ? COLLECT_PLACES : COLLECT_COUNT;
    }
    if (optind >= argc)
        return 1;
    struct str bytes = load(argv[optind]);
    collect(&c, bytes, str_from(argv[optind + 1] ? argv[optind + 1] : "file"),
            as, flags);
    fwrite(c.text.p, 1, c.text.n, stdout);
    if (flags & COLLECT_COUNT)
        printf("%llu records, %llu rejected, %llu issues, %llu members\n",
               (unsigned long long)c.records, (unsigned long long)c.rejects,
               (unsigned long long)c.issues, (unsigned long long)c.members);
    collect_free(&c);
    free((void *)(uintptr_t)bytes.p);
    return 0;
}
