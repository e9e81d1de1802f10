#include "base/table.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LOOK = 200,        /* rows that choose the widths */
    GAP = 2,           /* cells between columns */
    FLUSH = 64 * 1024, /* bytes kept before they are written */
    WIDEST = 400,      /* no column is padded to more */
    NARROWEST = 4,     /* no column is squeezed below */
};

struct cell {
    size_t from, n; /* in held */
};

struct table {
    int fd;
    enum table_format format;
    const struct table_column *columns;
    size_t n;
    size_t width;
    unsigned flags; /* of the text layer */

    size_t at; /* column of the next cell */
    uint64_t rows;
    struct buf out;
    int error;      /* errno of the first failed write */
    bool no_memory; /* rows are incomplete */

    /* of the text form: rows that are not printed yet, and the widths once
     * they are chosen */
    struct buf held;
    struct cell *cells;
    size_t held_rows;
    size_t *widths;
    bool chosen;
    struct buf scratch;
};

/* ---- writing ------------------------------------------------------------ */

/* After a failed write the rest is dropped: the caller learns of it at the
 * end, and until then nothing may pile up. */
static void flush(struct table *t)
{
    const char *p = t->out.p;
    size_t left = t->error ? 0 : t->out.n;
    while (left) {
        ssize_t n = write(t->fd, p, left);
        if (n >= 0) {
            p += n;
            left -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd wait = { t->fd, POLLOUT, 0 };
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            t->error = errno;
            break;
        }
    }
    t->no_memory |= t->out.failed;
    buf_clear(&t->out);
}

static void row_done(struct table *t)
{
    if (t->out.n >= FLUSH)
        flush(t);
}

/* ---- text --------------------------------------------------------------- */

static size_t cell_width(struct table *t, struct str s)
{
    buf_clear(&t->scratch);
    return text_clip(&t->scratch, s, WIDEST, t->flags);
}

static struct str held_cell(const struct table *t, size_t row, size_t column)
{
    struct cell c = t->cells[row * t->n + column];
    return str_sub(buf_str(&t->held), c.from, c.n);
}

static size_t total_width(const struct table *t)
{
    size_t total = GAP * (t->n - 1);
    for (size_t i = 0; i < t->n; i++)
        total += t->widths[i];
    return total;
}

/* Takes what is too much from the columns without a limit first, then from
 * the widest. */
static void squeeze(struct table *t)
{
    for (int pass = 0; pass < 2; pass++) {
        size_t total = total_width(t), most = 0;
        while (total > t->width) {
            most = t->n;
            for (size_t i = 0; i < t->n; i++)
                if ((pass || t->columns[i].max == 0) &&
                    t->widths[i] > (pass ? NARROWEST : 2 * NARROWEST) &&
                    (most == t->n || t->widths[i] > t->widths[most]))
                    most = i;
            if (most == t->n)
                break;
            t->widths[most]--;
            total--;
        }
    }
}

static void choose_widths(struct table *t)
{
    t->chosen = true;
    for (size_t i = 0; i < t->n; i++) {
        const struct table_column *c = &t->columns[i];
        size_t widest = cell_width(t, str_from(c->title));
        for (size_t row = 0; row < t->held_rows; row++) {
            size_t w = cell_width(t, held_cell(t, row, i));
            widest = w > widest ? w : widest;
        }
        t->widths[i] = c->max && widest > c->max ? c->max : widest;
    }
    if (t->width)
        squeeze(t);
}

static void pad(struct table *t, size_t from, size_t to)
{
    for (; from < to; from++)
        buf_putc(&t->out, ' ');
}

/* Without a limit nothing is cut: a pipe gets everything, if not aligned. */
static void put_cell(struct table *t, size_t column, struct str s)
{
    size_t width = t->widths[column], used;
    bool last = column == t->n - 1;
    buf_clear(&t->scratch);
    if (t->width) {
        used = text_clip(&t->scratch, s, width, t->flags);
    } else {
        text_show(&t->scratch, s, t->flags);
        used = text_width(buf_str(&t->scratch));
    }
    t->no_memory |= t->scratch.failed;
    if (t->columns[column].right)
        pad(t, used, width);
    buf_put(&t->out, buf_str(&t->scratch));
    if (!last && !t->columns[column].right)
        pad(t, used, width);
    if (!last) {
        pad(t, 0, GAP);
        return;
    }
    while (t->out.n && t->out.p[t->out.n - 1] == ' ')
        t->out.n--;
    buf_putc(&t->out, '\n');
}

static void print_held(struct table *t)
{
    if (!t->chosen) {
        choose_widths(t);
        for (size_t i = 0; i < t->n; i++)
            put_cell(t, i, str_from(t->columns[i].title));
    }
    for (size_t row = 0; row < t->held_rows; row++) {
        for (size_t i = 0; i < t->n; i++)
            put_cell(t, i, held_cell(t, row, i));
        row_done(t);
    }
    t->no_memory |= t->held.failed;
    buf_clear(&t->held);
    t->held_rows = 0;
}

static void text_cell(struct table *t, struct str s)
{
    struct cell *c = &t->cells[t->held_rows * t->n + t->at];
    *c = (struct cell){ t->held.n, s.n };
    buf_put(&t->held, s);
}

/* ---- all forms ---------------------------------------------------------- */

static void csv_header(struct table *t)
{
    /* The mark tells spreadsheets that the text is UTF-8. */
    if (t->format == TABLE_CSV)
        buf_putz(&t->out, "\xef\xbb\xbf");
    for (size_t i = 0; i < t->n; i++) {
        if (i)
            buf_putc(&t->out, ',');
        text_csv(&t->out, str_from(t->columns[i].name), false);
    }
    buf_putz(&t->out, "\r\n");
}

struct table *table_open(int fd, enum table_format f,
                         const struct table_column *columns, size_t n,
                         size_t width)
{
    struct table *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    *t = (struct table){ .fd = fd,
                         .format = f,
                         .columns = columns,
                         .n = n,
                         .width = width,
                         .flags = TEXT_NO_RTL };
    if (f == TABLE_TEXT) {
        t->cells = calloc(n * LOOK, sizeof(*t->cells));
        t->widths = calloc(n, sizeof(*t->widths));
        if (!t->cells || !t->widths) {
            free(t->cells);
            free(t->widths);
            free(t);
            return NULL;
        }
    }
    if (f == TABLE_CSV || f == TABLE_CSV_RAW)
        csv_header(t);
    return t;
}

void table_ascii(struct table *t)
{
    t->flags |= TEXT_ASCII;
}

/* Before and after the value of a cell in the streamed forms. */
static struct json_out begin_cell(struct table *t)
{
    struct json_out o = { &t->out, false };
    if (t->format != TABLE_JSONL) {
        if (t->at)
            buf_putc(&t->out, ',');
        return o;
    }
    if (t->at == 0)
        json_put_open(&o, '{');
    o.comma = t->at > 0;
    json_put_key(&o, str_from(t->columns[t->at].name));
    return o;
}

static void end_cell(struct table *t)
{
    if (++t->at < t->n)
        return;
    t->at = 0;
    t->rows++;
    if (t->format == TABLE_TEXT) {
        t->held_rows++;
        if (t->chosen || t->held_rows == LOOK)
            print_held(t);
        return;
    }
    buf_putz(&t->out, t->format == TABLE_JSONL ? "}\n" : "\r\n");
    row_done(t);
}

static bool is_number(struct str s)
{
    return s.n && (s.p[0] == '-' || (s.p[0] >= '0' && s.p[0] <= '9')) &&
           s.p[s.n - 1] >= '0' && s.p[s.n - 1] <= '9' &&
           json_valid(s, NULL, NULL);
}

void table_str(struct table *t, struct str s)
{
    if (t->format == TABLE_TEXT) {
        text_cell(t, s);
    } else {
        struct json_out o = begin_cell(t);
        if (t->format != TABLE_JSONL)
            text_csv(&t->out, s, t->format == TABLE_CSV);
        else if (t->columns[t->at].right && is_number(s))
            json_put_raw(&o, s);
        else
            json_put_str(&o, s);
    }
    end_cell(t);
}

void table_i64(struct table *t, int64_t v)
{
    char digits[24];
    struct buf b = { digits, 0, sizeof(digits), false };
    buf_put_i64(&b, v);
    if (t->format == TABLE_TEXT) {
        text_cell(t, buf_str(&b));
    } else {
        begin_cell(t);
        buf_put(&t->out, buf_str(&b));
    }
    end_cell(t);
}

void table_null(struct table *t)
{
    if (t->format == TABLE_TEXT) {
        text_cell(t, STR(""));
    } else {
        struct json_out o = begin_cell(t);
        if (t->format == TABLE_JSONL)
            json_put_null(&o);
    }
    end_cell(t);
}

void table_json(struct table *t, struct str json)
{
    if (t->format != TABLE_JSONL) {
        table_str(t, json);
        return;
    }
    struct json_out o = begin_cell(t);
    json_put_raw(&o, json);
    end_cell(t);
}

uint64_t table_rows(const struct table *t)
{
    return t->rows;
}

int table_close(struct table *t, struct err *err)
{
    int rc = 0;
    if (t->format == TABLE_TEXT)
        print_held(t);
    flush(t);
    if (t->error == EPIPE) {
        rc = err_set(err, ERR_WRITE, "%s", "");
    } else if (t->error) {
        errno = t->error;
        rc = err_errno(err, ERR_WRITE, "cannot write the list");
    } else if (t->no_memory) {
        rc = err_set(err, ERR_INTERNAL, "out of memory: the list is not whole");
    }
    free(t->cells);
    free(t->widths);
    buf_free(&t->out);
    buf_free(&t->held);
    buf_free(&t->scratch);
    free(t);
    return rc;
}
