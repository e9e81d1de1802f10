/* The input line at the foot: editing, and what it looks like. */
#pragma once

#include "tui/app.h"

void prompt_open(struct prompt *in, struct view *v, enum ask ask,
                 const char *title, struct str initial);
void prompt_close(struct prompt *in);
enum prompt_did { PROMPT_EDITED, PROMPT_DONE, PROMPT_LEFT, PROMPT_IGNORED };
enum prompt_did prompt_key(struct prompt *in, uint32_t key);
/* One line of it: controls are left out. */
void prompt_text(struct prompt *in, struct str text);
/* Rows that it needs, and drawing them at the bottom of an area. */
int prompt_rows(const struct prompt *in);
void prompt_draw(const struct prompt *in, struct area a, int *cx, int *cy);
