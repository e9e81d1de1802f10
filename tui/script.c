#include "tui/script.h"

#include "base/text.h"
#include "tui/term_text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { IDLE_S = 60, SCRIPT_MAX = 1 << 20 };

/* Draws between answers, as the terminal does: drawing asks for more. */
static int wait_idle(struct app *a, struct err *err)
{
    int64_t end = time_mono_ns() + (int64_t)IDLE_S * 1000000000;
    app_draw(a);
    while (app_deliver(a) || office_busy(a->office, NULL)) {
        struct pollfd fd = { .fd = office_fd(a->office), .events = POLLIN };
        app_draw(a);
        if (time_mono_ns() > end)
            return err_set(err, ERR_INTERNAL, "not idle after %d s", IDLE_S);
        if (office_busy(a->office, NULL))
            poll(&fd, 1, 1000);
    }
    app_draw(a);
    return 0;
}

static int press(struct app *a, struct str names, struct err *err)
{
    struct str name;
    for (size_t at = 0; keymap_next(names, &at, &name);) {
        uint32_t key = keymap_parse(name);
        if (key == KEY_NONE)
            return err_set(err, ERR_USAGE, "no such key: %s", text_line(name));
        app_key(a, key);
        app_deliver(a);
        app_draw(a);
    }
    return 0;
}

static int resize(struct app *a, struct str words, struct err *err)
{
    struct str w = STR_NONE, h = STR_NONE;
    uint64_t columns, rows;
    size_t at = 0;
    keymap_next(words, &at, &w);
    keymap_next(words, &at, &h);
    if (!str_u64(w, &columns) || !str_u64(h, &rows) || columns > 4000 ||
        rows > 4000)
        return err_set(err, ERR_USAGE, "size COLUMNS ROWS");
    app_resize(a, (int)columns, (int)rows);
    app_draw(a);
    return 0;
}

static int screen(struct app *a, struct str name, struct buf *out,
                  struct err *err)
{
    int rc = wait_idle(a, err);
    if (rc)
        return rc;
    buf_printf(out, "== %.*s (%dx%d)\n", STR_ARG(name), a->grid.w, a->grid.h);
    term_text(out, &a->grid, a->cursor_x, a->cursor_y);
    return 0;
}

static int step(struct app *a, struct str line, struct buf *out,
                struct err *err)
{
    struct str word = STR_NONE;
    size_t at = 0;
    if (!keymap_next(line, &at, &word) || word.p[0] == '#')
        return 0;
    struct str rest = str_sub(line, at + 1, line.n);
    if (str_eq(word, STR("keys")))
        return press(a, rest, err);
    if (str_eq(word, STR("text"))) {
        app_text(a, rest);
        return 0;
    }
    if (str_eq(word, STR("wait")))
        return wait_idle(a, err);
    if (str_eq(word, STR("size")))
        return resize(a, rest, err);
    if (str_eq(word, STR("screen")))
        return screen(a, rest, out, err);
    return err_set(err, ERR_USAGE,
                   "%s: steps are keys, text, wait idle, size, screen",
                   text_line(word));
}

int script_steps(struct app *a, struct str steps, struct buf *out,
                 struct err *err)
{
    unsigned n = 0;
    a->by_script = true;
    for (size_t at = 0; at < steps.n && !a->quit;) {
        struct str rest = str_sub(steps, at, steps.n);
        size_t end = str_find(rest, STR("\n"));
        struct str line = str_sub(rest, 0, end == SIZE_MAX ? rest.n : end);
        n++;
        if (step(a, line, out, err)) {
            err_wrap(err, "script, line %u", n);
            return err->code;
        }
        at += line.n + 1;
    }
    return 0;
}

static int read_script(const char *path, struct buf *b, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, ERR_USAGE, "%s", text_line(str_from(path)));
    ssize_t n = 0;
    while (b->n < SCRIPT_MAX && buf_reserve(b, 4096) &&
           (n = read(fd, b->p + b->n, 4096)) > 0)
        b->n += (size_t)n;
    if (n < 0)
        err_errno(err, ERR_USAGE, "%s", text_line(str_from(path)));
    close(fd);
    return n < 0 ? err->code : 0;
}

static int write_all(struct str s, struct err *err)
{
    for (size_t at = 0; at < s.n;) {
        ssize_t n = write(STDOUT_FILENO, s.p + at, s.n - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, ERR_WRITE, "standard output");
        at += (size_t)n;
    }
    return 0;
}

int script_run(struct app *a, const char *path, struct err *err)
{
    struct buf steps = { 0 }, out = { 0 };
    int rc = read_script(path, &steps, err);
    if (rc == 0) {
        rc = script_steps(a, buf_str(&steps), &out, err);
        struct err write_err = { 0 };
        int written = write_all(buf_str(&out), rc ? &write_err : err);
        rc = rc ? rc : written;
    }
    buf_free(&steps);
    buf_free(&out);
    return rc;
}
