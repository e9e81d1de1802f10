#include "cli/progress.h"
#include "cli/names.h"
#include "cli/stop.h"

#include "base/json.h"
#include "base/text.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { EVERY = 200000000 }; /* ns between two lines */

int progress_open(struct progress *p, const struct cli *cli, const char *doing,
                  struct err *err)
{
    static const char *const names[] = { "auto", "jsonl", "none", NULL };
    struct str want = arg_str(cli, "--progress");
    size_t which = 0;
    if (want.p && arg_choice(want, names, &which, err))
        return err_wrap(err, "--progress");
    *p = (struct progress){ .doing = doing, .began = time_mono_ns() };
    if (which == 1)
        p->form = PROGRESS_JSONL;
    else if (which == 0 && isatty(2))
        p->form = PROGRESS_LINE;
    return 0;
}

static void put(struct buf *b)
{
    if (!b->failed)
        (void)!write(2, b->p, b->n);
    buf_free(b);
}

static size_t columns(void)
{
    struct winsize size;
    if (ioctl(2, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return 79;
    return size.ws_col - 1u;
}

static void put_left(struct buf *b, const struct progress *p,
                     const struct progress_state *s)
{
    uint64_t ms = (uint64_t)(p->last - p->began) / 1000000 + 1;
    if (s->done == 0 || s->all <= s->done || ms < 1000)
        return;
    uint64_t left = (s->all - s->done) / (s->done / ms + 1) / 1000;
    if (left >= 3600)
        buf_printf(b, ", %llu h %02llu min left",
                   (unsigned long long)(left / 3600),
                   (unsigned long long)(left / 60 % 60));
    else if (left >= 60)
        buf_printf(b, ", %llu min %02llu s left",
                   (unsigned long long)(left / 60),
                   (unsigned long long)(left % 60));
    else
        buf_printf(b, ", %llu s left", (unsigned long long)left);
}

static void put_line(struct progress *p, const struct progress_state *s)
{
    struct buf b = { 0 }, line = { 0 };
    struct arena scratch = { 0 };
    uint64_t ms = (uint64_t)(p->last - p->began) / 1000000 + 1;
    buf_printf(&b, "%s", p->doing);
    if (s->all)
        buf_printf(
            &b, " %llu%%",
            (unsigned long long)((double)s->done * 100 / (double)s->all));
    buf_putz(&b, " ");
    buf_put(&b, name_bytes(&scratch, s->done));
    buf_printf(&b, ", %llu %s (%llu/s)", (unsigned long long)s->items, s->unit,
               (unsigned long long)((double)s->items * 1000 / (double)ms));
    put_left(&b, p, s);
    if (s->path.n) {
        buf_putz(&b, "  ");
        buf_put(&b, s->path);
    }
    buf_putc(&line, '\r');
    size_t used = text_clip(&line, buf_str(&b), columns(),
                            TEXT_NO_RTL | (out_unicode(2) ? 0 : TEXT_ASCII));
    for (size_t i = used; i < p->width; i++)
        buf_putc(&line, ' ');
    p->width = used;
    arena_free(&scratch);
    buf_free(&b);
    put(&line);
}

static void put_json(struct progress *p, const struct progress_state *s)
{
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    json_put_open(&o, '{');
    json_put_kstr(&o, "type", STR("progress"));
    json_put_kstr(&o, "doing", str_from(p->doing));
    json_put_ki64(&o, "done", (int64_t)s->done);
    json_put_ki64(&o, "all", (int64_t)s->all);
    json_put_ki64(&o, s->unit, (int64_t)s->items);
    json_put_ki64(&o, "ms", (p->last - p->began) / 1000000);
    json_put_kstr(&o, "path", s->path);
    json_put_close(&o, '}');
    buf_putc(&b, '\n');
    put(&b);
}

int progress_tell(struct progress *p, const struct progress_state *s)
{
    if (stop_signal())
        return 1;
    int64_t now = time_mono_ns();
    if (p->form == PROGRESS_NONE || now - p->last < EVERY)
        return 0;
    p->last = now;
    if (p->form == PROGRESS_LINE)
        put_line(p, s);
    else
        put_json(p, s);
    return 0;
}

void progress_end(struct progress *p)
{
    struct buf b = { 0 };
    if (p->form != PROGRESS_LINE || p->width == 0)
        return;
    buf_printf(&b, "\r%*s\r", (int)p->width, "");
    p->width = 0;
    put(&b);
}
