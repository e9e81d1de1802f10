/*
 * tool.c - stands in for curl, aws, systemctl and sha256sum: prints what the
 * story needs and ends.
 */
#include "guest.h"

int main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "sts"))
        puts("{\n    \"UserId\": \"AROAAPPSERVER1EXAMPLE:" INSTANCE "\",\n"
             "    \"Account\": \"111122223333\",\n"
             "    \"Arn\": \"arn:aws:sts::111122223333:assumed-role/"
             "app-server-role/" INSTANCE "\"\n}");
    return 0;
}
