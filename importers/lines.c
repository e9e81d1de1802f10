#include "importers/lines.h"

enum { NUL_RUN = 16 }; /* so many within a line are a hole in it */

void lines_open(struct lines *l, struct import_job *job)
{
    *l = (struct lines){ .w = { .in = job->in, .sink = job->sink },
                         .sink = job->sink };
}

/* Length of the line at the window's place without its ending; *ending: bytes
 * of the ending. False: not all of it is in the window. */
static bool whole_line(const struct lines *l, size_t *n, size_t *ending)
{
    struct str rest = window_rest(&l->w);
    const char *lf = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
    *n = lf ? (size_t)(lf - rest.p) : rest.n;
    *ending = lf ? 1 : 0;
    return lf || l->w.in->eof;
}

static void skip_nuls(struct lines *l, struct str *text, uint64_t *off)
{
    size_t n = 0;
    while (n < text->n && text->p[n] == 0)
        n++;
    if (n == 0)
        return;
    if (l->nuls == 0)
        l->nul_off = *off;
    l->nuls += n;
    *text = str_sub(*text, n, text->n);
    *off += n;
}

/* Where a run of NUL bytes cuts the line in two; s.n when none does. */
static size_t before_nuls(struct str s)
{
    size_t at = 0;
    for (const char *p; at < s.n && (p = memchr(s.p + at, 0, s.n - at));) {
        size_t from = (size_t)(p - s.p);
        for (at = from; at < s.n && s.p[at] == 0; at++)
            ;
        if (from && at - from >= NUL_RUN)
            return from;
    }
    return s.n;
}

int lines_next(struct lines *l, struct line *out)
{
    size_t n, ending;
    while (!whole_line(l, &n, &ending) && n < LINES_PART)
        if (window_more(&l->w))
            return ERR_INTERNAL;
    if (n + ending == 0)
        return LINES_END;
    *out = (struct line){ .text = str_sub(window_rest(&l->w), 0, n),
                          .off = window_offset(&l->w),
                          .rest = l->in_part };
    l->n += !l->in_part;
    if (n > LINES_PART || (n == LINES_PART && ending == 0 && !l->w.in->eof)) {
        out->text.n = LINES_PART;
        out->part = true;
        ending = 0;
    }
    size_t whole = before_nuls(out->text);
    if (whole < out->text.n) { /* the rest is a line of its own */
        out->text.n = whole;
        out->part = false;
        ending = 0;
    }
    out->cut = !out->part && ending == 0;
    l->in_part = out->part;
    l->w.at += out->text.n + ending;
    if (!out->part && out->text.n && out->text.p[out->text.n - 1] == '\r')
        out->text.n--;
    skip_nuls(l, &out->text, &out->off);
    if (l->w.in->eof)
        sink_progress(l->sink, window_offset(&l->w));
    return 0;
}

struct str lines_peek(struct lines *l)
{
    size_t n, ending;
    while (!whole_line(l, &n, &ending) && n < LINES_PART)
        if (window_more(&l->w))
            break;
    return str_sub(window_rest(&l->w), 0, n);
}

int lines_end(struct lines *l, int rc)
{
    if (rc != LINES_END || l->nuls == 0)
        return rc == LINES_END ? 0 : rc;
    return sink_issue(l->sink, ISSUE_WARNING, l->nul_off, l->nuls,
                      "nul-padding",
                      "%llu NUL bytes in front of lines, the first here: left "
                      "by a crash or a truncation while the file was written",
                      (unsigned long long)l->nuls);
}
