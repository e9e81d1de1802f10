/* search --keywords: many texts over everything at once. */
#pragma once

#include "cli/cli.h"

int search_keywords(struct cli *cli, struct err *err) CHECKED;
