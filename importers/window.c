#include "importers/window.h"

#define BOM "\xef\xbb\xbf"

int window_more(struct window *w)
{
    int rc = input_more(w->in, w->at);
    w->at = 0;
    sink_progress(w->sink, w->in->base);
    return rc;
}

char window_peek(struct window *w)
{
    for (;;) {
        while (w->at < w->in->n) {
            char c = w->in->p[w->at];
            if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
                return c ? c : 1;
            w->at++;
        }
        if (w->in->eof || window_more(w) || w->in->n == 0)
            return 0;
    }
}

int window_fill(struct input *in, size_t n)
{
    int rc = 0;
    while (rc == 0 && in->n < n && !in->eof)
        rc = input_more(in, 0);
    return rc;
}

struct str window_text(struct str head)
{
    return str_starts(head, STR(BOM)) ? str_sub(head, sizeof(BOM) - 1, head.n)
                                      : head;
}
