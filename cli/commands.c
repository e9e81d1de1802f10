/* All commands, in the order in which help lists them. */
#include "cli/commands.h"
#include "cli/command.h"

/* clang-format off: one a line */
const struct command *const commands[] = {
    &cmd_new,      &cmd_import,   &cmd_status,   &cmd_evidence, &cmd_custody,
    &cmd_verify,   &cmd_audit,    &cmd_timeline, &cmd_show,     &cmd_search,
    &cmd_entities, &cmd_pivot,    &cmd_analyze,  &cmd_links,    &cmd_lineage,
    &cmd_coverage, &cmd_host,     &cmd_disk,     &cmd_known,    &cmd_packages, &cmd_memory,   &cmd_note,
    &cmd_tag,      &cmd_verdict,  &cmd_bookmark, &cmd_tui,      &cmd_report,
    &cmd_export,   &cmd_seal,     &cmd_importers, &cmd_selftest, &cmd_version,
    &cmd_help,     &cmd_man,      &cmd_completion,
    NULL,
};
/* clang-format on */

const struct command_group_text command_groups[GROUP_COUNT] = {
    [GROUP_CASE] = { "case", "Make, fill and check a case" },
    [GROUP_ANALYSIS] = { "analysis", "Look, search and follow" },
    [GROUP_IMAGES] = { "images", "Disks and memory" },
    [GROUP_EXAMINER] = { "examiner", "Note, decide and report" },
    [GROUP_PROGRAM] = { "program", "The program itself" },
};

const struct command *command_find(struct str name)
{
    for (size_t i = 0; commands[i]; i++)
        if (str_eq(name, str_from(commands[i]->name)))
            return commands[i];
    return NULL;
}

size_t command_distance(struct str a, struct str b)
{
    enum { MOST = 32 };
    size_t row[MOST + 1];
    if (a.n > MOST || b.n > MOST)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 0; i < a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.n; j++) {
            size_t best = diagonal + (a.p[i] != b.p[j]);
            diagonal = row[j + 1];
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j + 1] = best;
        }
    }
    return row[b.n];
}

const char *command_nearest(struct str name)
{
    const char *best = NULL;
    size_t least = 3;
    for (size_t i = 0; commands[i]; i++) {
        size_t d = command_distance(name, str_from(commands[i]->name));
        if (!(commands[i]->flags & COMMAND_HIDDEN) && d < least) {
            least = d;
            best = commands[i]->name;
        }
    }
    return best;
}
