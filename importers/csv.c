#include "importers/csv.h"

static struct str unquote(struct arena *a, const char *p, size_t n)
{
    if (!memchr(p, '"', n))
        return (struct str){ p, n };
    char *out = arena_alloc(a, n + 1);
    size_t k = 0;
    for (size_t i = 0; out && i < n; i++) {
        out[k++] = p[i];
        if (p[i] == '"')
            i++; /* doubled */
    }
    return (struct str){ out, out ? k : 0 };
}

/* End of the field at `at`: index of ',' or LF or s.n; SIZE_MAX when a quote
 * stays open. */
static size_t field_end(struct str s, size_t at)
{
    if (at < s.n && s.p[at] == '"') {
        for (size_t i = at + 1; i < s.n; i++)
            if (s.p[i] == '"') {
                if (i + 1 < s.n && s.p[i + 1] == '"')
                    i++;
                else
                    at = i + 1, i = s.n;
            } else if (i + 1 == s.n) {
                return SIZE_MAX;
            }
        if (at == s.n)
            return at;
    }
    while (at < s.n && s.p[at] != ',' && s.p[at] != '\n')
        at++;
    return at;
}

static struct str field_value(struct arena *a, struct str s, size_t at,
                              size_t end)
{
    if (end > at && end < s.n && s.p[end] == '\n' && s.p[end - 1] == '\r')
        end--;
    if (end >= at + 2 && s.p[at] == '"' && s.p[end - 1] == '"')
        return unquote(a, s.p + at + 1, end - at - 2);
    return (struct str){ s.p + at, end - at };
}

enum csv_result csv_next(struct str s, bool eof, struct arena *a,
                         struct csv_row *row)
{
    size_t at = 0;
    row->n = 0;
    row->len = s.n;
    if (s.n == 0)
        return eof ? CSV_END : CSV_MORE;
    for (;;) {
        size_t end = field_end(s, at);
        if (end == SIZE_MAX)
            return eof ? CSV_BAD : CSV_MORE;
        if (end == s.n && !eof)
            return CSV_MORE;
        if (row->n == CSV_FIELDS) {
            const char *lf = memchr(s.p + at, '\n', s.n - at);
            row->len = lf ? (size_t)(lf - s.p) + 1 : s.n;
            return CSV_BAD;
        }
        row->field[row->n++] = field_value(a, s, at, end);
        if (end == s.n || s.p[end] == '\n') {
            row->len = end < s.n ? end + 1 : end;
            return CSV_ROW;
        }
        at = end + 1;
    }
}

int csv_column(const struct csv_row *header, const char *names)
{
    struct str all = str_from(names);
    while (all.n) {
        const char *bar = memchr(all.p, '|', all.n);
        size_t n = bar ? (size_t)(bar - all.p) : all.n;
        for (size_t i = 0; i < header->n; i++)
            if (str_ieq(str_trim(header->field[i]), str_sub(all, 0, n)))
                return (int)i;
        all = str_sub(all, bar ? n + 1 : n, all.n);
    }
    return -1;
}

struct str csv_field(const struct csv_row *row, int column)
{
    return column >= 0 && (size_t)column < row->n ? row->field[column]
                                                  : STR("");
}
