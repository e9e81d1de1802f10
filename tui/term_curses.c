#include "config.h"

#include "tui/term_curses.h"

#include "base/text.h"
#include "tui/keymap.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* After ours: term.h defines words like columns. */
#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <curses.h>
#include <term.h>

enum { PASTE_MAX = 1 << 16, PASTE_BEGIN = 2000, PASTE_END, ESC_DELAY = 25 };

struct terminal {
    SCREEN *screen;
    attr_t attrs[STYLE_COUNT];
    int pairs[STYLE_COUNT];
    uint32_t waiting; /* a key that came with the one before */
    bool pasting, has_paste_mode;
    struct buf paste;
};

/* ---- when we crash ------------------------------------------------------- */

/* Prepared while all is well: the handler may only write. */
static struct {
    struct termios tty;
    bool armed;
    size_t n;
    char bytes[256];
} crash;

static void on_crash(int sig)
{
    if (crash.armed) {
        ssize_t n = write(STDOUT_FILENO, crash.bytes, crash.n);
        (void)n;
        tcsetattr(STDIN_FILENO, TCSANOW, &crash.tty);
    }
    raise(sig); /* with its own effect: SA_RESETHAND */
}

static void crash_add(const char *capability, const char *otherwise)
{
    char *s = tigetstr(capability);
    if (!s || s == (char *)-1)
        s = (char *)(uintptr_t)otherwise;
    size_t n = s ? strlen(s) : 0;
    if (n && crash.n + n < sizeof(crash.bytes)) {
        memcpy(crash.bytes + crash.n, s, n);
        crash.n += n;
    }
}

static void crash_arm(bool paste_mode)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
    struct sigaction act = { .sa_handler = on_crash,
                             .sa_flags = (int)SA_RESETHAND | SA_NODEFER };
    crash.n = 0;
    if (paste_mode)
        crash_add("BD", "\033[?2004l");
    crash_add("sgr0", NULL);
    crash_add("cnorm", NULL);
    crash_add("rmcup", NULL);
    crash.armed = true;
#ifndef KANSHIKI_SANITIZERS
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &act, NULL);
#else
    (void)act;
    (void)signals;
#endif
}

/* ---- styles -------------------------------------------------------------- */

/* Meaning never by colour alone: the attributes say it too. No white, no
 * black, no background: the terminal's own. */
static const struct look {
    attr_t attr;
    short c256, c16; /* -1 = the terminal's own */
} looks[STYLE_COUNT] = {
    [STYLE_PLAIN] = { A_NORMAL, -1, -1 },
    [STYLE_TITLE] = { A_BOLD, -1, -1 },
    [STYLE_HEAD] = { A_UNDERLINE, -1, -1 },
    [STYLE_LABEL] = { A_NORMAL, 30, COLOR_CYAN },
    [STYLE_KEY] = { A_BOLD, 30, COLOR_CYAN },
    [STYLE_RULE] = { A_NORMAL, 245, -1 },
    [STYLE_MARK] = { A_REVERSE, 125, COLOR_MAGENTA },
    [STYLE_CHIP] = { A_BOLD, 25, COLOR_BLUE },
    [STYLE_FOCUS] = { A_BOLD | A_UNDERLINE, -1, -1 },
    [STYLE_FOUND] = { A_BOLD | A_UNDERLINE, 166, COLOR_RED },
    [STYLE_WARN] = { A_BOLD, 166, COLOR_MAGENTA },
    [STYLE_ERROR] = { A_BOLD | A_UNDERLINE, 160, COLOR_RED },
    [STYLE_GOOD] = { A_NORMAL, 28, COLOR_GREEN },
    [STYLE_LANE_C] = { A_NORMAL, 33, COLOR_BLUE },
    [STYLE_LANE_J] = { A_NORMAL, 172, COLOR_YELLOW },
    [STYLE_LANE_F] = { A_NORMAL, 135, COLOR_MAGENTA },
    [STYLE_LANE_M] = { A_NORMAL, 245, -1 },
};

static void make_styles(struct terminal *t, enum tui_color color)
{
    const char *no_color = getenv("NO_COLOR");
    int colors = 0;
    if (color == TUI_COLOR_AUTO && no_color && *no_color)
        color = TUI_COLOR_NEVER;
    if (color != TUI_COLOR_NEVER && has_colors() && start_color() == OK &&
        use_default_colors() == OK)
        colors = COLORS >= 256 && color != TUI_COLOR_16 ? 256 : 16;
    for (int i = 0; i < STYLE_COUNT; i++) {
        int c = colors == 256 ? looks[i].c256 : looks[i].c16;
        t->attrs[i] = looks[i].attr;
        if (colors && c >= 0 && i < COLOR_PAIRS &&
            init_extended_pair(i, c, -1) == OK)
            t->pairs[i] = i;
    }
}

/* ---- beginning and end --------------------------------------------------- */

/* A UTF-8 locale, whatever is set: decoding needs one. False: the user's
 * terminal is not known to show UTF-8. */
static bool make_locale(void)
{
    const char *codeset;
    setlocale(LC_CTYPE, ""); /* banned-ok: curses asks the locale for widths */
    codeset = nl_langinfo(CODESET);
    if (strcmp(codeset, "UTF-8") == 0)
        return true;
    setlocale(LC_CTYPE, "C.UTF-8"); /* banned-ok: the same */
    return false;
}

static bool is_poor(const char *name)
{
    return strcmp(name, "linux") == 0 || strncmp(name, "vt1", 3) == 0 ||
           strncmp(name, "vt2", 3) == 0;
}

static bool has(const char *capability)
{
    char *s = tigetstr(capability);
    return s && s != (char *)-1;
}

static int refuse(struct err *err, const char *name, const char *why)
{
    err_set(err, ERR_USAGE, "the terminal %s %s", text_line(str_from(name)),
            why);
    err_hint(err, "kanshiki timeline, show, entities, search and status work "
                  "without a terminal.");
    return ERR_USAGE;
}

static const struct {
    const char *bytes;
    int code;
} sequences[] = {
    /* what terminals send although keypad mode says otherwise */
    { "\033[A", KEY_UP },       { "\033[B", KEY_DOWN },
    { "\033[C", KEY_RIGHT },    { "\033[D", KEY_LEFT },
    { "\033OA", KEY_UP },       { "\033OB", KEY_DOWN },
    { "\033OC", KEY_RIGHT },    { "\033OD", KEY_LEFT },
    { "\033[H", KEY_HOME },     { "\033[F", KEY_END },
    { "\033OH", KEY_HOME },     { "\033OF", KEY_END },
    { "\033[1~", KEY_HOME },    { "\033[4~", KEY_END },
    { "\033[7~", KEY_HOME },    { "\033[8~", KEY_END },
    { "\033[5~", KEY_PPAGE },   { "\033[6~", KEY_NPAGE },
    { "\033[2~", KEY_IC },      { "\033[3~", KEY_DC },
    { "\033[Z", KEY_BTAB },     { "\033OP", KEY_F(1) },
    { "\033[11~", KEY_F(1) },   { "\033[200~", PASTE_BEGIN },
    { "\033[201~", PASTE_END },
};

static void start_input(struct terminal *t, const char *name)
{
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    meta(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    if (!getenv("ESCDELAY"))
        set_escdelay(ESC_DELAY);
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
        define_key(sequences[i].bytes, sequences[i].code);
    /* without it, a paste would be keys that do things */
    t->has_paste_mode = strncmp(name, "xterm", 5) == 0 ||
                        strncmp(name, "tmux", 4) == 0 ||
                        strncmp(name, "screen", 6) == 0 ||
                        strncmp(name, "rxvt", 4) == 0 || has("BE");
}

static void paste_mode(const struct terminal *t, bool on)
{
    if (!t->has_paste_mode)
        return;
    putp(on ? "\033[?2004h" : "\033[?2004l");
    fflush(stdout);
}

int term_open(struct terminal **out, enum tui_color color, bool ascii,
              struct grid *grid, struct err *err)
{
    const char *name = getenv("TERM");
    name = name ? name : "";
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        err_set(err, ERR_USAGE, "tui: input and output have to be a terminal");
        err_hint(err, "kanshiki timeline, show, entities, search and status "
                      "work without one.");
        return ERR_USAGE;
    }
    bool utf8 = make_locale();
    struct terminal *t = calloc(1, sizeof(*t));
    if (!t)
        return err_set(err, ERR_INTERNAL, "out of memory");
    tcgetattr(STDIN_FILENO, &crash.tty);
    if (strcmp(name, "dumb") == 0 || name[0] == '\0') {
        free(t);
        return refuse(err, name[0] ? name : "(TERM is not set)",
                      "cannot move its cursor");
    }
    t->screen = newterm(NULL, stdout, stdin);
    if (!t->screen) {
        free(t);
        return refuse(err, name, "is not in the terminfo database");
    }
    set_term(t->screen);
    if (!has("cup")) {
        term_close(t);
        return refuse(err, name, "cannot move its cursor");
    }
    make_styles(t, color);
    start_input(t, name);
    crash_arm(t->has_paste_mode);
    paste_mode(t, true);
    grid->ascii = ascii || !utf8 || is_poor(name);
    grid->text_flags = TEXT_TERM | (grid->ascii ? TEXT_ASCII : 0);
    *out = t;
    return 0;
}

void term_close(struct terminal *t)
{
    if (!t)
        return;
    paste_mode(t, false);
    endwin();
    crash.armed = false;
    delscreen(t->screen);
    buf_free(&t->paste);
    free(t);
}

void term_size(struct terminal *t, int *w, int *h)
{
    struct winsize ws = { 0 };
    (void)t;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col && ws.ws_row) {
        if (ws.ws_row != LINES || ws.ws_col != COLS)
            resizeterm(ws.ws_row, ws.ws_col);
    }
    *w = COLS;
    *h = LINES;
}

/* ---- output -------------------------------------------------------------- */

static void put_cell(struct terminal *t, const struct cell *c, int x, int y)
{
    wchar_t text[CELL_BYTES / 4 + 2];
    cchar_t cc;
    size_t n = 0;
    struct str s = { c->bytes, c->n };
    while (s.n && n < sizeof(text) / sizeof(text[0]) - 1) {
        uint32_t cp;
        unsigned k = text_utf8(s, &cp);
        if (k == 0)
            break;
        text[n++] = (wchar_t)cp;
        s = str_sub(s, k, s.n);
    }
    if (n == 0)
        text[n++] = L' ';
    text[n] = L'\0';
    unsigned style = c->style & ~(unsigned)STYLE_CURSOR;
    if (style >= STYLE_COUNT)
        style = STYLE_PLAIN;
    attr_t attr = t->attrs[style];
    if (c->style & STYLE_CURSOR)
        attr = attr & A_REVERSE ? (attr & ~A_REVERSE) | A_UNDERLINE | A_BOLD
                                : attr | A_REVERSE;
    int pair = t->pairs[style];
    if (setcchar(&cc, text, attr, (short)pair, &pair) == OK)
        mvadd_wch(y, x, &cc);
}

void term_present(struct terminal *t, const struct grid *g, int cursor_x,
                  int cursor_y, bool repaint)
{
    for (int y = 0; y < g->h && y < LINES; y++)
        for (int x = 0; x < g->w && x < COLS; x++) {
            const struct cell *c = grid_cell(g, x, y);
            /* nothing wide in the last column: it would wrap */
            if (c->width == 1 || (c->width == 2 && x + 1 < COLS))
                put_cell(t, c, x, y);
        }
    curs_set(cursor_y >= 0);
    if (cursor_y >= 0)
        move(cursor_y, cursor_x);
    else
        move(LINES - 1, 0);
    if (repaint)
        clearok(curscr, TRUE);
    refresh();
}

/* ---- input --------------------------------------------------------------- */

static uint32_t special(wint_t code)
{
    static const struct {
        wint_t theirs;
        uint32_t ours;
    } keys[] = {
        { KEY_UP, KEY_ARROW_UP },
        { KEY_DOWN, KEY_ARROW_DOWN },
        { KEY_LEFT, KEY_ARROW_LEFT },
        { KEY_RIGHT, KEY_ARROW_RIGHT },
        { KEY_PPAGE, KEY_PAGE_UP },
        { KEY_NPAGE, KEY_PAGE_DOWN },
        { KEY_HOME, KEY_TO_HOME },
        { KEY_END, KEY_TO_END },
        { KEY_IC, KEY_INSERT },
        { KEY_DC, KEY_DELETE },
        { KEY_BTAB, KEY_BACK_TAB },
        { KEY_BACKSPACE, 0x7f },
        { KEY_ENTER, '\r' },
        { KEY_SR, KEY_ARROW_UP },
        { KEY_SF, KEY_ARROW_DOWN },
        { KEY_SLEFT, KEY_ARROW_LEFT },
        { KEY_SRIGHT, KEY_ARROW_RIGHT },
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].theirs == code)
            return keys[i].ours;
    if (code >= KEY_F(1) && code <= KEY_F(12))
        return KEY_F1 + (uint32_t)(code - KEY_F(1));
    return KEY_NONE;
}

/* After ESC: an unknown sequence is swallowed whole, or its letters would run
 * commands. Something else is a key of its own. */
static uint32_t after_escape(struct terminal *t)
{
    wint_t c;
    int rc = get_wch(&c);
    if (rc == ERR)
        return KEY_ESC;
    if (rc == OK && (c == '[' || c == 'O')) {
        bool one = c == 'O';
        for (int i = 0; i < 64 && get_wch(&c) == OK; i++)
            if (one || (c >= 0x40 && c <= 0x7e))
                return KEY_NONE;
        return KEY_NONE;
    }
    t->waiting = rc == KEY_CODE_YES ? special(c) : (uint32_t)c;
    return KEY_ESC;
}

static void paste_add(struct terminal *t, wint_t c)
{
    char bytes[4];
    if (t->paste.n < PASTE_MAX && c <= 0x10ffff)
        buf_put(&t->paste,
                (struct str){ bytes, text_utf8_put(bytes, (uint32_t)c) });
}

static enum term_got nothing(void)
{
    struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
    int n = 0;
    if (poll(&fd, 1, 0) <= 0)
        return TERM_NOTHING;
    if (fd.revents & (POLLHUP | POLLERR | POLLNVAL))
        return TERM_GONE;
    /* readable without a byte is the end; bytes that were no character are
     * gone by now */
    if (ioctl(STDIN_FILENO, FIONREAD, &n) != 0 || n == 0)
        return TERM_GONE;
    return TERM_NOTHING;
}

enum term_got term_read(struct terminal *t, uint32_t *key, struct str *paste)
{
    wint_t c;
    int rc;
    if (t->waiting) {
        *key = t->waiting;
        t->waiting = KEY_NONE;
        return TERM_KEY;
    }
    while ((rc = get_wch(&c)) != ERR) {
        if (rc == KEY_CODE_YES && c == PASTE_BEGIN) {
            t->pasting = true;
            buf_clear(&t->paste);
            continue;
        }
        if (rc == KEY_CODE_YES && c == PASTE_END) {
            t->pasting = false;
            *paste = buf_str(&t->paste);
            return TERM_PASTE;
        }
        if (t->pasting) {
            if (rc == OK)
                paste_add(t, c);
            continue;
        }
        if (rc == KEY_CODE_YES)
            *key = special(c);
        else
            *key = c == KEY_ESC ? after_escape(t) : (uint32_t)c;
        if (*key != KEY_NONE)
            return TERM_KEY;
    }
    return nothing();
}

void term_suspend(struct terminal *t)
{
    paste_mode(t, false);
    endwin();
    raise(SIGSTOP);
    paste_mode(t, true);
    refresh();
}

void tui_libraries(library_fn fn, void *ctx)
{
    /* "ncurses 6.4.20221231" */
    const char *v = curses_version();
    fn(ctx, "ncurses", strncmp(v, "ncurses ", 8) == 0 ? v + 8 : v);
}
