/* Writes the generated part of the sample incident: generate FOLDER */
#include "samples/gen.h"

#include <stdio.h>

static void write_facts(struct gen *g, const char *root)
{
    file_write(root, "expected.tsv", buf_str(&g->expected));
    file_write(root, "expected-files.tsv", buf_str(&g->members));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: generate FOLDER\n", stderr);
        return 1;
    }
    struct gen g = { 0 };
    background(&g);
    incident(&g);
    trail_deliver(&g, argv[1]);
    write_facts(&g, argv[1]);
    return 0;
}
