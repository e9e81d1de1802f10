/*
 * .viminfo: sections of plain lines (":command", "?/search", "> file"), since
 * Vim 8 each followed by a line with bars that repeats it with its time
 * (viminfo-timestamp): |2 histories, |3 registers, |4 marks. .lesshst:
 * searches, shell commands and marks.
 */
#include "importers/history.h"

enum { BARS = 10 };

struct vim {
    struct history *h;
    struct history_item plain; /* waits for its line with bars */
    bool waits;
    struct str file; /* "> FILE", in file_text */
    struct buf file_text, plain_text;
    uint64_t file_off;
};

static int give_plain(struct vim *v)
{
    if (!v->waits)
        return 0;
    v->waits = false;
    return history_give(v->h, &v->plain);
}

/* `"text"` in a line with bars: backslashes and quotes are escaped, \n is a
 * line break. */
static struct str unquoted(struct history *h, struct str s)
{
    if (s.n < 2 || s.p[0] != '"')
        return s;
    s = str_sub(s, 1, s.n - (s.p[s.n - 1] == '"' ? 2 : 1));
    char *p = arena_alloc(h->job->arena, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; p && i < s.n; i++) {
        bool escape = s.p[i] == '\\' && i + 1 < s.n;
        i += escape;
        p[n++] = escape && s.p[i] == 'n' ? '\n' : s.p[i];
    }
    return (struct str){ p, n };
}

/* The parts between commas, the last one up to the end when `most` are
 * there. */
static size_t bars_of(struct str s, struct str v[BARS], size_t most)
{
    size_t n = 0;
    bool quoted = false;
    size_t from = 0;
    for (size_t i = 0; i < s.n && n + 1 < most; i++) {
        if (s.p[i] == '\\' && quoted)
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (s.p[i] == ',' && !quoted) {
            v[n++] = str_sub(s, from, i - from);
            from = i + 1;
        }
    }
    v[n++] = str_sub(s, from, s.n);
    return n;
}

static int bar_history(struct vim *v, struct history_item *item, struct str s)
{
    struct str b[BARS];
    if (bars_of(s, b, 4 + 1) < 5)
        return 1;
    static const char marks[] = ":/=@>";
    uint64_t type;
    item->timed = history_time(b[2], &item->time);
    struct str text = unquoted(v->h, b[4]);
    buf_clear(&v->h->text);
    if (str_u64(b[1], &type) && type < 5)
        buf_putc(&v->h->text, marks[type]);
    buf_put(&v->h->text, text);
    item->text = buf_str(&v->h->text);
    return 0;
}

/* |3,FLAGS,NAME,TYPE,LINES,WIDTH,TIME,"text".. */
static int bar_register(struct vim *v, struct history_item *item, struct str s)
{
    struct str b[BARS];
    if (bars_of(s, b, 8) < 8)
        return 1;
    item->action = "log line";
    item->timed = history_time(b[6], &item->time);
    buf_clear(&v->h->text);
    buf_putz(&v->h->text, "register: ");
    buf_put(&v->h->text, unquoted(v->h, b[7]));
    item->text = buf_str(&v->h->text);
    return 0;
}

/* |4,NAME,LINE,COLUMN,TIME,"file" */
static int bar_mark(struct vim *v, struct history_item *item, struct str s)
{
    struct str b[BARS];
    if (bars_of(s, b, 6) < 6)
        return 1;
    item->action = "file opened";
    item->timed = history_time(b[4], &item->time);
    item->file = unquoted(v->h, b[5]);
    buf_clear(&v->h->text);
    buf_putz(&v->h->text, "line ");
    buf_put(&v->h->text, b[2]);
    item->text = buf_str(&v->h->text);
    return 0;
}

/* The line with bars that says with its time what the plain one said. */
static int bar_line(struct vim *v, struct str s)
{
    struct history_item item = { .off = v->h->line.off,
                                 .end = v->h->line.off + s.n };
    int none;
    if (str_starts(s, STR("|2,")))
        none = bar_history(v, &item, str_sub(s, 1, s.n));
    else if (str_starts(s, STR("|3,")))
        none = bar_register(v, &item, str_sub(s, 1, s.n));
    else if (str_starts(s, STR("|4,")))
        none = bar_mark(v, &item, str_sub(s, 1, s.n));
    else
        return 0; /* |1: version; |<, |>: text of a long line */
    if (none)
        return sink_reject(v->h->job->sink, v->h->line.off, s.n, "viminfo-bar",
                           "a line with bars that has too few parts");
    if (v->waits)
        item.off = v->plain.off;
    v->waits = false;
    return history_give(v->h, &item);
}

/* TAB MARK TAB LINE TAB COLUMN below "> FILE"; of the mark * LINE is the time
 * of the last visit. */
static int file_mark(struct vim *v, struct str s)
{
    int64_t t;
    if (!str_starts(s, STR("\t*\t")) || v->file.n == 0)
        return 0;
    s = str_sub(s, 3, s.n);
    const char *tab = s.n ? memchr(s.p, '\t', s.n) : NULL;
    struct history_item item = {
        .action = "file opened",
        .file = v->file,
        .off = v->file_off,
        .end = v->h->line.off + v->h->line.text.n,
    };
    item.timed =
        history_time(str_sub(s, 0, tab ? (size_t)(tab - s.p) : s.n), &t);
    item.time = item.timed ? t : 0;
    return history_give(v->h, &item);
}

static void wait_for_bar(struct vim *v, struct str s, const char *action)
{
    buf_clear(&v->plain_text);
    buf_put(&v->plain_text, s);
    v->plain = (struct history_item){ .off = v->h->line.off,
                                      .end = v->h->line.off + s.n,
                                      .action = action };
    v->plain.text = buf_str(&v->plain_text);
    v->waits = true;
}

static int vim_line(struct vim *v, struct str s)
{
    char c = s.n ? s.p[0] : '\n';
    if (c == '|')
        return bar_line(v, s);
    if (c == '\t')
        return file_mark(v, s);
    int rc = give_plain(v);
    switch (c) {
    case ':':
    case '=':
    case '@':
        wait_for_bar(v, s, NULL);
        break;
    case '?':
    case '/':
        wait_for_bar(v, str_sub(s, c == '?' ? 1 : 0, s.n), NULL);
        break;
    case '\'':
    case '-':
        wait_for_bar(v, s, "file opened");
        break;
    case '>':
        buf_clear(&v->file_text);
        buf_put(&v->file_text, str_trim(str_sub(s, 1, s.n)));
        v->file = buf_str(&v->file_text);
        v->file_off = v->h->line.off;
        break;
    default:
        break; /* comments, options, registers: their bars tell them */
    }
    return rc;
}

int history_vim(struct history *h)
{
    struct vim v = { .h = h };
    int rc;
    while ((rc = lines_next(&h->l, &h->line)) == 0) {
        arena_reset(h->job->arena);
        rc = h->line.rest ? 0 : vim_line(&v, h->line.text);
        if (rc)
            break;
    }
    if (rc == LINES_END) {
        int gave = give_plain(&v);
        rc = gave ? gave : rc;
    }
    buf_free(&v.file_text);
    buf_free(&v.plain_text);
    return rc;
}

/* ---- less ---------------------------------------------------------------- */

/* `m LETTER SCREEN PLACE FILE` */
static struct str marked_file(struct str s)
{
    size_t at = 0;
    for (int blanks = 0; at < s.n && blanks < 4; at++)
        blanks += s.p[at] == ' ';
    return str_sub(s, at, s.n);
}

int history_less(struct history *h)
{
    char section = 0;
    int rc;
    while ((rc = lines_next(&h->l, &h->line)) == 0) {
        struct str s = h->line.text;
        if (s.n < 2 || h->line.rest)
            continue;
        if (s.p[0] == '.') {
            section = s.p[1]; /* .search .shell .mark */
            continue;
        }
        struct history_item item = { .off = h->line.off,
                                     .end = h->line.off + s.n };
        buf_clear(&h->text);
        if (section == 's' || s.p[0] == '"')
            buf_put(&h->text, str_sub(s, s.p[0] == '"' ? 1 : 0, s.n));
        item.text = buf_str(&h->text);
        if (s.p[0] == 'm' && section == 'm') {
            item.action = "file opened";
            item.file = marked_file(s);
            item.text = STR("");
        }
        if ((rc = history_give(h, &item)))
            return rc;
    }
    return rc;
}
