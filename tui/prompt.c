#include "tui/prompt.h"

#include "base/text.h"

enum { PROMPT_MAX = 4096 };

void prompt_open(struct prompt *in, struct view *v, enum ask ask,
                 const char *title, struct str initial)
{
    buf_clear(&in->text);
    buf_put(&in->text, initial);
    in->open = !in->text.failed;
    in->ask = ask;
    in->view = v;
    in->title = title;
    in->at = in->text.n;
    in->no = (struct refusal){ .column = -1 };
}

void prompt_close(struct prompt *in)
{
    in->open = false;
    in->view = NULL;
    buf_clear(&in->text);
}

/* Start of the character before byte `at`. */
static size_t before(const struct prompt *in, size_t at)
{
    while (at > 0 && ((unsigned char)in->text.p[--at] & 0xc0) == 0x80)
        continue;
    return at;
}

static size_t after(const struct prompt *in, size_t at)
{
    if (at < in->text.n)
        at++;
    while (at < in->text.n && ((unsigned char)in->text.p[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static void erase(struct prompt *in, size_t from, size_t to)
{
    if (to == from) /* an empty line may have no memory yet */
        return;
    memmove(in->text.p + from, in->text.p + to, in->text.n - to);
    in->text.n -= to - from;
    in->at = from;
}

static void insert(struct prompt *in, struct str s)
{
    if (s.n == 0 || in->text.n + s.n > PROMPT_MAX ||
        !buf_reserve(&in->text, s.n))
        return;
    memmove(in->text.p + in->at + s.n, in->text.p + in->at,
            in->text.n - in->at);
    memcpy(in->text.p + in->at, s.p, s.n);
    in->text.n += s.n;
    in->at += s.n;
}

/* To the start of the word before the cursor. */
static size_t word_before(const struct prompt *in)
{
    size_t at = in->at;
    while (at > 0 && in->text.p[at - 1] == ' ')
        at--;
    while (at > 0 && in->text.p[at - 1] != ' ')
        at--;
    return at;
}

enum prompt_did prompt_key(struct prompt *in, uint32_t key)
{
    char bytes[4];
    switch (key) {
    case '\r':
    case '\n':
        return PROMPT_DONE;
    case KEY_ESC:
    case 3:
    case 7:
        return PROMPT_LEFT;
    case 0x7f:
    case '\b':
        if (in->text.n == 0)
            return PROMPT_LEFT;
        erase(in, before(in, in->at), in->at);
        break;
    case KEY_DELETE:
    case 4:
        erase(in, in->at, after(in, in->at));
        break;
    case KEY_ARROW_LEFT:
    case 2:
        in->at = before(in, in->at);
        break;
    case KEY_ARROW_RIGHT:
    case 6:
        in->at = after(in, in->at);
        break;
    case KEY_TO_HOME:
    case 1:
        in->at = 0;
        break;
    case KEY_TO_END:
    case 5:
        in->at = in->text.n;
        break;
    case 21:
        erase(in, 0, in->at);
        break;
    case 11:
        in->text.n = in->at;
        break;
    case 23:
        erase(in, word_before(in), in->at);
        break;
    default:
        if (key < 0x20 || key >= KEY_SPECIAL || key > 0x10ffff)
            return PROMPT_IGNORED;
        insert(in, (struct str){ bytes, text_utf8_put(bytes, key) });
        break;
    }
    in->no = (struct refusal){ .column = -1 };
    return PROMPT_EDITED;
}

void prompt_text(struct prompt *in, struct str text)
{
    for (size_t at = 0; at < text.n;) {
        uint32_t cp;
        unsigned n = text_utf8(str_sub(text, at, 4), &cp);
        if (n && cp >= 0x20 && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0))
            insert(in, str_sub(text, at, n));
        at += n ? n : 1;
    }
    in->no = (struct refusal){ .column = -1 };
}

int prompt_rows(const struct prompt *in)
{
    return in->no.why[0] ? 2 : 1;
}

/* Cells of text[from, to). */
static int cells(const struct prompt *in, size_t from, size_t to,
                 unsigned flags)
{
    return text_cells(str_sub(buf_str(&in->text), from, to - from), flags,
                      PROMPT_MAX * 12);
}

/* The text is shifted so that the cursor and what is wrong are seen. */
void prompt_draw(const struct prompt *in, struct area a, int *cx, int *cy)
{
    unsigned flags = a.g->text_flags;
    struct area why = { 0 };
    if (a.h >= 2 && in->no.why[0])
        why = area_take_bottom(&a, 1);
    struct pen p = pen_at(a, 0, 0, STYLE_LABEL);
    pen_z(&p, in->title);
    pen_z(&p, ": ");
    if (pen_left(&p) < 8)
        p = pen_at(a, 0, 0, STYLE_PLAIN);
    p.style = STYLE_PLAIN;
    int room = pen_left(&p) - 1, from_x = p.x;
    size_t from = 0;
    while (from < in->at && cells(in, from, in->at, flags) > room)
        from = after(in, from);
    struct str seen = str_sub(buf_str(&in->text), from, in->text.n);
    size_t end = text_wrap(seen, 0, room > 0 ? room + 1 : 1, flags);
    pen_text(&p, str_sub(seen, 0, end), -1);
    *cx = a.x + from_x + cells(in, from, in->at, flags);
    *cy = a.y;
    if (*cx >= a.x + a.w)
        *cx = a.x + a.w - 1;
    if (why.h == 0) {
        if (in->no.why[0] && a.h == 1) {
            p = pen_at(a, 0, 0, STYLE_ERROR);
            pen_z(&p, in->no.why);
            pen_to(&p, a.w);
        }
        return;
    }
    p = pen_at(why, 0, 0, STYLE_ERROR);
    if (in->no.column >= (int)from) {
        size_t column = (size_t)in->no.column;
        if (column > in->text.n)
            column = in->text.n;
        int x = from_x + cells(in, from, column, flags);
        int need = (int)strlen(in->no.why) + 2;
        if (x + need <= why.w) {
            pen_to(&p, x);
            pen_f(&p, "^ %s", in->no.why);
            return;
        }
        /* no room to the right: the words stand before the sign */
        pen_f(&p, "%.*s", x > 1 ? x - 1 : 0, in->no.why);
        if (x < (int)strlen(in->no.why) + 1) {
            p = pen_at(why, 0, 0, STYLE_ERROR);
            pen_f(&p, "column %zu: %s", column + 1, in->no.why);
            return;
        }
        pen_to(&p, x);
        pen_z(&p, "^");
        return;
    }
    pen_z(&p, in->no.why);
}
