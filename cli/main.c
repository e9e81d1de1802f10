/* The program's entry: finds the command and runs it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "version") == 0) {
        printf("kanshiki %s\n", PACKAGE_VERSION);
        return 0;
    }
    fprintf(stderr, "usage: kanshiki version\n");
    return 1;
}
