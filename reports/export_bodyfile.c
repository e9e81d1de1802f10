/*
 * The body file of mactime 4.11:
 *   MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime
 * Whole seconds; -1 is "no such time" (an empty field drops the line); in
 * names, %XX is decoded by mactime, so % is %25 and | is %7C; control
 * characters are in display form (a line break would drop the line). A time
 * of a file is in its own place, any other event in all four.
 */
#include "reports/exporter.h"

#include "base/text.h"

static void put_name(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '%')
            buf_putz(out, "%25");
        else if (s.p[i] == '|')
            buf_putz(out, "%7C");
        else
            buf_putc(out, s.p[i]);
}

static enum export_put put(struct exporter *x, const struct export_row *row)
{
    static const int places[] = { [TIME_ACCESSED] = 0,
                                  [TIME_MODIFIED] = 1,
                                  [TIME_CHANGED] = 2,
                                  [TIME_BORN] = 3 };
    const struct event *e = &row->e;
    struct buf name = { 0 }, shown = { 0 };
    if (!e->timed)
        return EXPORT_LEFT_OUT;
    bool of_file = e->t_kind >= TIME_MODIFIED && e->t_kind <= TIME_BORN;
    buf_putc(&name, '[');
    buf_put(&name, case_text(x->c, e->source));
    buf_putz(&name, "] ");
    struct buf message = { 0 };
    export_message(x, row, &message);
    buf_put(&name, buf_str(&message));
    buf_putz(&name, " [");
    buf_put(&name, row->cite);
    buf_printf(&name, " E%lld]", (long long)e->id);
    text_show(&shown, buf_str(&name), 0);
    buf_putz(&x->b, "0|");
    put_name(&x->b, buf_str(&shown));
    buf_putz(&x->b, "|0|0|0|0|0");
    for (int i = 0; i < 4; i++) {
        buf_putc(&x->b, '|');
        buf_put_i64(&x->b, !of_file || places[e->t_kind] == i ? e->t.s : -1);
    }
    buf_putc(&x->b, '\n');
    x->b.failed |= name.failed || shown.failed || message.failed;
    buf_free(&message);
    buf_free(&name);
    buf_free(&shown);
    return EXPORT_PUT;
}

const struct export_kind export_bodyfile = {
    .form = { .name = "bodyfile",
              .title = "body file for mactime",
              .suffix = ".body" },
    .leaves_out = "no time: mactime drops such lines",
    .put = put,
};
