/* All screens, in the order of help. */
#include "tui/screen.h"

extern const struct screen screen_overview, screen_timeline, screen_entities,
    screen_search, screen_marks, screen_evidence, screen_disk, screen_event, screen_entity,
    screen_around, screen_copy, screen_host, screen_help, screen_palette;

/* clang-format off: one a line */
const struct screen *const screens[] = {
    &screen_overview,
    &screen_timeline,
    &screen_entities,
    &screen_search,
    &screen_marks,
    &screen_evidence,
    &screen_disk,
    &screen_host,
    &screen_event,
    &screen_entity,
    &screen_around,
    &screen_copy,
    &screen_help,
    &screen_palette,
    NULL,
};
/* clang-format on */

const struct screen *screen_named(const char *name)
{
    for (size_t i = 0; screens[i]; i++)
        if (strcmp(screens[i]->name, name) == 0)
            return screens[i];
    return NULL;
}

const struct screen *screen_of_key(char key)
{
    for (size_t i = 0; screens[i]; i++)
        if (screens[i]->key == key && key)
            return screens[i];
    return NULL;
}
