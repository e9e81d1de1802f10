/* Writes the generated part of the sample incident: generate FOLDER, and
 * what make-disk makes the data volume of: generate --disk FOLDER, and
 * generate --stamp IMAGE TIME... */
#include "samples/gen.h"

#include <stdio.h>
#include <stdlib.h>

static void write_facts(struct gen *g, const char *root)
{
    file_write(root, "expected.tsv", buf_str(&g->expected));
    file_write(root, "expected-files.tsv", buf_str(&g->members));
    file_write(root, "expected-disk.tsv", buf_str(&g->disk));
}

static void close_gen(struct gen *g)
{
    arena_free(&g->arena);
    buf_free(&g->scratch);
    buf_free(&g->expected);
    buf_free(&g->members);
    buf_free(&g->disk);
    free(g->events);
}

int main(int argc, char **argv)
{
    struct gen g = { 0 };
    if (argc == 3 && strcmp(argv[1], "--disk") == 0) {
        disk(&g, argv[2]);
        close_gen(&g);
        return 0;
    }
    if (argc > 3 && strcmp(argv[1], "--stamp") == 0) {
        if (!disk_stamp(argv[2], argv + 3, argc - 3))
            die("the image has other transactions");
        return 0;
    }
    if (argc != 2) {
        fputs("usage: generate FOLDER | generate --disk FOLDER |"
              " generate --stamp IMAGE TIME...\n",
              stderr);
        return 1;
    }
    background(&g);
    incident(&g);
    trail_deliver(&g, argv[1]);
    weblog(&g, argv[1]);
    hostlog(&g, argv[1]);
    disk(&g, NULL);
    write_facts(&g, argv[1]);
    close_gen(&g);
    return 0;
}
