/* How a worker makes an importer's input (importer.h). */
#pragma once

#include "importers/importer.h"

struct input_buffer {
    struct input in; /* first: input_more finds the buffer by it */
    char *p;         /* NULL: the window is borrowed and whole */
    size_t cap;
};

/* Members of up to 64 MiB are read whole, longer ones in steps. */
int input_open(struct input_buffer *b, struct source *src,
               struct err *err) CHECKED;
/* bytes are followed by 64 readable zeros. */
void input_memory(struct input_buffer *b, struct str bytes);
void input_close(struct input_buffer *b);
