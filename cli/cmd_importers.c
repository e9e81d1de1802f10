#include "cli/command.h"
#include "cli/commands.h"

#include "importers/importer.h"

static const struct table_column columns[] = {
    { "name", "NAME", false, 0 },
    { "title", "TITLE", false, 0 },
    { "reads", "READS", false, 0 },
};

static int run(struct cli *cli, struct err *err)
{
    struct table *t = out_table(cli, columns, 3, err);
    if (!t)
        return err->code;
    for (size_t i = 0; importers[i]; i++) {
        table_str(t, str_from(importers[i]->name));
        table_str(t, str_from(importers[i]->title));
        table_str(t, str_from(importers[i]->reads));
    }
    return table_close(t, err);
}

const struct command cmd_importers = {
    .name = "importers",
    .group = GROUP_PROGRAM,
    .flags = COMMAND_LIST,
    .words = "",
    .summary = "List the formats that can be read",
    .run = run,
};
