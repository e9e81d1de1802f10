/* Messages on stderr and exit codes. */
#include "cli/cli.h"
#include "cli/stop.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* One line in one write. Whatever a message was made of, no control character
 * reaches the terminal. */
static void put_line(struct buf *b)
{
    for (size_t i = 0; i < b->n; i++) {
        unsigned char c = (unsigned char)b->p[i];
        if (c < 0x20 || c == 0x7f)
            b->p[i] = '?';
    }
    buf_putc(b, '\n');
    for (size_t at = 0; !b->failed && at < b->n;) {
        ssize_t n = write(2, b->p + at, b->n - at);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    buf_free(b);
}

void message_err(const struct err *err)
{
    struct buf b = { 0 };
    if (!err->what[0]) /* a closed pipe: nobody listens */
        return;
    buf_printf(&b, "kanshiki: %s", err->what);
    if (err->has_offset)
        buf_printf(&b, " (at offset %llu)", (unsigned long long)err->offset);
    put_line(&b);
    if (!err->hint[0])
        return;
    buf_printf(&b, "kanshiki: hint: %s", err->hint);
    put_line(&b);
}

void message(const char *fmt, ...)
{
    char text[1024];
    struct buf b = { 0 };
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    buf_printf(&b, "kanshiki: %s", text);
    put_line(&b);
}

void message_lines(const char *before, struct str text)
{
    while (text.n) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t n = lf ? (size_t)(lf - text.p) : text.n;
        message("%s%.*s", before, (int)n, text.p);
        text = str_sub(text, n + 1, text.n);
    }
}

int message_exit_code(int rc)
{
    if (rc >= 0)
        return rc;
    if (rc == ERR_STOPPED)
        return 128 + (stop_signal() ? stop_signal() : SIGINT);
    return rc >= ERR_INTERNAL ? -rc : -ERR_INTERNAL;
}
