/* The terminal session: waits for keys, signals and answers, draws once for
 * all that came together. */
#include "tui/app.h"
#include "tui/script.h"
#include "tui/term_curses.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { KEYS_MOST = 512 };

struct session {
    struct app app;
    struct terminal *term;
    int signals;
    bool gone;
};

/* All pending keys, but not without end: a stuck key must not stop drawing. */
static void take_keys(struct session *s)
{
    for (int i = 0; i < KEYS_MOST && !s->app.quit; i++) {
        uint32_t key;
        struct str paste;
        switch (term_read(s->term, &key, &paste)) {
        case TERM_NOTHING:
            return;
        case TERM_GONE:
            s->gone = true;
            return;
        case TERM_KEY:
            app_key(&s->app, key);
            break;
        case TERM_PASTE:
            app_text(&s->app, paste);
            break;
        }
        if (s->app.suspend) {
            s->app.suspend = false;
            term_suspend(s->term);
            s->app.repaint = true;
        }
    }
}

static void fit(struct session *s)
{
    int w, h;
    term_size(s->term, &w, &h);
    app_resize(&s->app, w, h);
}

static void take_signals(struct session *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        switch (info.ssi_signo) {
        case SIGWINCH:
        case SIGCONT:
            fit(s);
            break;
        case SIGTSTP:
            term_suspend(s->term);
            fit(s);
            break;
        default:
            s->gone = true;
            break;
        }
}

static void draw(struct session *s)
{
    struct app *a = &s->app;
    app_draw(a);
    term_present(s->term, &a->grid, a->cursor_x, a->cursor_y, a->repaint);
    a->repaint = false;
}

static void session(struct session *s)
{
    struct app *a = &s->app;
    struct pollfd fds[] = {
        { .fd = STDIN_FILENO, .events = POLLIN },
        { .fd = s->signals, .events = POLLIN },
        { .fd = office_fd(a->office), .events = POLLIN },
    };
    fit(s);
    while (!a->quit && !s->gone) {
        draw(s);
        if (poll(fds, 3, -1) < 0 && errno != EINTR)
            return;
        if (fds[1].revents)
            take_signals(s);
        if (fds[2].revents)
            app_deliver(a);
        if (fds[0].revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL) &&
            !s->gone)
            take_keys(s);
    }
}

static int on_terminal(struct session *s, const struct tui_options *o,
                       struct err *err)
{
    sigset_t mask;
    sigemptyset(&mask);
    const int list[] = { SIGWINCH, SIGCONT, SIGTSTP, SIGTERM, SIGHUP, SIGINT };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        sigaddset(&mask, list[i]);
    s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signals < 0)
        return err_errno(err, ERR_INTERNAL, "signalfd");
    int rc = app_open(&s->app, o, 80, 24, err);
    if (rc == 0) {
        rc = term_open(&s->term, o->color, o->ascii, &s->app.grid, err);
        if (rc == 0)
            session(s);
        term_close(s->term);
        app_close(&s->app);
    }
    close(s->signals);
    if (rc == 0 && s->gone) {
        rc = err_set(err, ERR_STOPPED, "%s", "the terminal went away");
    }
    return rc;
}

/* A script needs no terminal. */
static int by_script(struct session *s, const struct tui_options *o,
                     struct err *err)
{
    int w = o->columns ? o->columns : 100, h = o->rows ? o->rows : 30;
    int rc = app_open(&s->app, o, w, h, err);
    if (rc)
        return rc;
    s->app.grid.ascii = o->ascii;
    rc = script_run(&s->app, o->script, err);
    app_close(&s->app);
    return rc;
}

int tui_run(const struct tui_options *o, struct err *err)
{
    struct session s = { .signals = -1 };
    sigset_t all, before;
    if (o->script)
        return by_script(&s, o, err);
    struct sigaction ignore = { .sa_handler = SIG_IGN }, pipe_before;
    sigaction(SIGPIPE, &ignore, &pipe_before);
    /* the threads inherit this: only the UI thread hears of signals */
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGABRT);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = on_terminal(&s, o, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGPIPE, &pipe_before, NULL);
    return rc;
}
