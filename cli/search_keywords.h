/* search --keywords: many texts over everything at once. */
#pragma once

#include "cli/cli.h"

struct event;
/* The bytes around a hit as a cell; masked where they may hold a secret. */
void search_put_context(struct table *t, const struct cli *cli,
                        const struct event *e, struct str bytes);
int search_keywords(struct cli *cli, struct err *err) CHECKED;
