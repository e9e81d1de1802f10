/* The way to stdout. Everything from evidence passes the text layer, here or
 * in base/table.c; only out_bytes, for --raw, does not. */
#include "cli/cli.h"

#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FLUSH = 64 * 1024, FIELD = 14 };

static void write_out(struct cli *cli)
{
    const char *p = cli->out.p;
    size_t left = cli->out_error ? 0 : cli->out.n;
    while (left) {
        ssize_t n = write(1, p, left);
        if (n >= 0) {
            p += n;
            left -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd wait = { 1, POLLOUT, 0 };
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            cli->out_error = errno;
            break;
        }
    }
    if (cli->out.failed && !cli->out_error)
        cli->out_error = ENOMEM;
    buf_clear(&cli->out);
}

static void put_done(struct cli *cli)
{
    if (cli->out.n >= FLUSH)
        write_out(cli);
}

void out_putz(struct cli *cli, const char *z)
{
    buf_putz(&cli->out, z);
    put_done(cli);
}

void out_printf(struct cli *cli, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text))
        cli->out_error = EOVERFLOW;
    else
        buf_put(&cli->out, (struct str){ text, (size_t)n });
    put_done(cli);
}

void out_text(struct cli *cli, struct str s)
{
    text_show(&cli->out, s, out_unicode(1) ? 0 : TEXT_ASCII);
    put_done(cli);
}

void out_bytes(struct cli *cli, struct str s)
{
    while (s.n) {
        struct str part = str_sub(s, 0, FLUSH);
        buf_put(&cli->out, part);
        s = str_sub(s, part.n, s.n);
        put_done(cli);
    }
}

void out_field(struct cli *cli, const char *title, struct str value)
{
    size_t n = strlen(title);
    buf_printf(&cli->out, "%s%*s", title, n < FIELD ? (int)(FIELD - n) : 1, "");
    out_text(cli, value);
    out_putz(cli, "\n");
}

int out_flush(struct cli *cli, struct err *err)
{
    write_out(cli);
    if (cli->out_error == 0)
        return 0;
    if (cli->out_error == EPIPE)
        return err_set(err, ERR_WRITE, "%s", "");
    errno = cli->out_error;
    return err_errno(err, ERR_WRITE, "cannot write to standard output");
}

bool out_closed(void)
{
    struct pollfd p = { 1, 0, 0 };
    return poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP);
}

/* ---- lists --------------------------------------------------------------- */

struct table *out_table(struct cli *cli, const struct table_column *columns,
                        size_t n, struct err *err)
{
    if (out_flush(cli, err))
        return NULL;
    struct table *t = table_open(1, cli->format, columns, n, out_width());
    if (!t)
        err_set(err, ERR_INTERNAL, "out of memory");
    else if (!out_unicode(1))
        table_ascii(t);
    return t;
}

void table_time(struct table *t, const struct cli *cli, bool timed,
                struct instant at, int digits)
{
    if (timed)
        table_str(t, cli_time(cli, at, digits));
    else
        table_null(t);
}

void table_u64(struct table *t, uint64_t v)
{
    table_i64(t, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

struct str cli_time(const struct cli *cli, struct instant at, int digits)
{
    static _Thread_local char ring[4][TIME_TEXT_MAX];
    static _Thread_local unsigned next;
    char *p = ring[next++ % 4];
    return (struct str){ p, time_format(p, at, digits, cli->tz) };
}

/* ---- the terminal -------------------------------------------------------- */

size_t out_width(void)
{
    struct winsize size;
    if (!isatty(1) || ioctl(1, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col >= 20 ? size.ws_col : 80;
}

bool out_unicode(int fd)
{
    if (!isatty(fd))
        return true;
    const char *names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct str v = str_from(getenv(names[i]));
        if (v.n)
            return str_ifind(v, STR("utf-8")) != SIZE_MAX ||
                   str_ifind(v, STR("utf8")) != SIZE_MAX;
    }
    return false;
}
