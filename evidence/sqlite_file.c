#include "evidence/sqlite_file.h"

#include <stdlib.h>

#include "base/varint.h"

enum {
    HEADER = 100,
    DEPTH = 24,              /* of a tree: each level at least doubles */
    PAYLOAD_MAX = 128 << 20, /* of one row */
    INTERIOR = 5,
    LEAF = 13,
};

struct page {
    unsigned char *p;
    uint32_t no;
    unsigned at, cells; /* next cell, and all of them */
    uint32_t last;      /* of an interior page: its rightmost child */
};

struct sqlite_file {
    struct source *src;
    uint32_t page_size, usable, pages;
    bool wal;
    unsigned char *seen; /* bits: pages of the walk, each once */
    struct page stack[DEPTH];
    unsigned char *overflow;
    struct buf payload;
    struct sqlite_damage damage;
};

bool sqlite_file_is(struct str head)
{
    return head.n >= HEADER && memcmp(head.p, "SQLite format 3", 16) == 0;
}

static void damaged(struct sqlite_file *f, uint64_t off, const char *what)
{
    if (f->damage.n++ == 0) {
        f->damage.off = off;
        f->damage.what = what;
    }
}

static uint64_t page_off(const struct sqlite_file *f, uint32_t no)
{
    return (uint64_t)(no - 1) * f->page_size;
}

/* ---- opening ------------------------------------------------------------- */

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "sqlite: out of memory");
}

static const char *refusal(const unsigned char *h, uint32_t page)
{
    if (page < 512 || page > 65536 || (page & (page - 1)))
        return "an SQLite database with an impossible page size";
    if (page - h[20] < 480)
        return "an SQLite database whose pages have no room";
    if (u32be(h + 56) > 1)
        return "an SQLite database in UTF-16: it is not read by this version";
    return NULL;
}

static bool make_buffers(struct sqlite_file *f)
{
    f->seen = calloc((size_t)f->pages / 8 + 1, 1);
    f->overflow = calloc(1, f->page_size);
    bool ok = f->seen && f->overflow;
    for (unsigned i = 0; i < DEPTH && ok; i++)
        ok = (f->stack[i].p = calloc(1, f->page_size)) != NULL;
    return ok;
}

struct sqlite_file *sqlite_file_open(struct source *src, struct err *err)
{
    unsigned char h[HEADER];
    size_t got;
    if (source_read(src, 0, h, sizeof(h), &got, err))
        return NULL;
    if (!sqlite_file_is((struct str){ (const char *)h, got })) {
        err_set(err, ERR_EVIDENCE, "not an SQLite database");
        return NULL;
    }
    uint32_t page = u16be(h + 16) == 1 ? 65536 : u16be(h + 16);
    const char *why = refusal(h, page);
    if (why) {
        err_set(err, ERR_EVIDENCE, "%s", why);
        return NULL;
    }
    uint64_t pages = src->size / page;
    struct sqlite_file *f = calloc(1, sizeof(*f));
    if (f) {
        f->src = src;
        f->page_size = page;
        f->usable = page - h[20];
        f->pages = pages > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)pages;
        f->wal = h[18] == 2 || h[19] == 2;
        if (make_buffers(f))
            return f;
    }
    sqlite_file_close(f);
    no_memory(err);
    return NULL;
}

void sqlite_file_close(struct sqlite_file *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i < DEPTH; i++)
        free(f->stack[i].p);
    free(f->seen);
    free(f->overflow);
    buf_free(&f->payload);
    free(f);
}

bool sqlite_file_wal(const struct sqlite_file *f)
{
    return f->wal;
}

const struct sqlite_damage *sqlite_file_damage(const struct sqlite_file *f)
{
    return &f->damage;
}

/* ---- pages --------------------------------------------------------------- */

/* False: the page is not there or not of a table; noted. */
static bool load_page(struct sqlite_file *f, struct page *g, uint32_t no)
{
    size_t got;
    struct err ignored;
    if (no == 0 || no > f->pages) {
        damaged(f, 0, "a page that is not in the file");
        return false;
    }
    if (f->seen[no / 8] >> (no % 8) & 1) {
        damaged(f, page_off(f, no), "a page that is used twice");
        return false;
    }
    f->seen[no / 8] |= (unsigned char)(1u << no % 8);
    if (source_read(f->src, page_off(f, no), g->p, f->page_size, &got,
                    &ignored) ||
        got < f->page_size) {
        damaged(f, page_off(f, no), "a page that cannot be read");
        return false;
    }
    const unsigned char *h = g->p + (no == 1 ? HEADER : 0);
    size_t head = h[0] == INTERIOR ? 12 : 8;
    g->no = no;
    g->at = 0;
    g->cells = u16be(h + 3);
    g->last = h[0] == INTERIOR ? u32be(h + 8) : 0;
    if ((h[0] != INTERIOR && h[0] != LEAF) ||
        (size_t)(h - g->p) + head + (size_t)g->cells * 2 > f->usable) {
        damaged(f, page_off(f, no), "a page that is not of a table");
        return false;
    }
    return true;
}

static bool is_leaf(const struct page *g)
{
    return g->p[g->no == 1 ? HEADER : 0] == LEAF;
}

/* Offset of cell i within its page; 0: outside. */
static uint32_t cell_at(const struct sqlite_file *f, const struct page *g,
                        unsigned i)
{
    const unsigned char *h = g->p + (g->no == 1 ? HEADER : 0);
    uint32_t at = u16be(h + (is_leaf(g) ? 8 : 12) + (size_t)i * 2);
    return at >= 8 && at + 4 <= f->usable ? at : 0;
}

/* SQLite's varint: big endian, the ninth byte whole. */
static uint64_t big_varint(struct cursor *k)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        uint8_t b = cursor_u8(k);
        v = v << 7 | (b & 0x7f);
        if (b < 0x80)
            return v;
    }
    return v << 8 | cursor_u8(k);
}

/* ---- rows ---------------------------------------------------------------- */

/* The rest of a payload, from the page `no` on. */
static bool read_overflow(struct sqlite_file *f, uint32_t no, uint64_t left)
{
    uint32_t room = f->usable - 4;
    while (left) {
        size_t got;
        struct err ignored;
        if (no == 0 || no > f->pages ||
            source_read(f->src, page_off(f, no), f->overflow, f->page_size,
                        &got, &ignored) ||
            got < f->usable)
            return false;
        uint64_t n = left < room ? left : room;
        buf_put(&f->payload,
                (struct str){ (const char *)f->overflow + 4, (size_t)n });
        left -= n;
        no = u32be(f->overflow);
    }
    return !f->payload.failed;
}

/* How much of a payload is in the cell itself (file format 1.6). */
static uint32_t local_size(const struct sqlite_file *f, uint64_t payload)
{
    uint32_t most = f->usable - 35;
    uint32_t least = (f->usable - 12) * 32 / 255 - 23;
    if (payload <= most)
        return (uint32_t)payload;
    uint32_t k = least + (uint32_t)((payload - least) % (f->usable - 4));
    return k <= most ? k : least;
}

static int64_t big_int(const unsigned char *p, size_t n)
{
    uint64_t v = n && p[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

static bool take_value(struct cursor *body, uint64_t serial,
                       struct sqlite_value *v)
{
    static const uint8_t sizes[] = { 0, 1, 2, 3, 4, 6, 8, 8, 0, 0 };
    *v = (struct sqlite_value){ SQLITE_IS_NULL, 0, STR_NONE };
    if (serial == 10 || serial == 11)
        return false;
    uint64_t n = serial < 10 ? sizes[serial] : (serial - 12) / 2;
    if (n > cursor_left(body))
        return false;
    const unsigned char *p = cursor_take(body, (size_t)n);
    if (serial >= 12) {
        v->type = serial & 1 ? SQLITE_IS_TEXT : SQLITE_IS_BLOB;
        v->s = (struct str){ (const char *)p, (size_t)n };
    } else if (serial == 7) {
        v->type = SQLITE_IS_REAL;
        v->s = (struct str){ (const char *)p, 8 };
    } else if (serial) {
        v->type = SQLITE_IS_INTEGER;
        v->i = serial >= 8 ? (int64_t)serial - 8 : big_int(p, (size_t)n);
    }
    return true;
}

static bool take_row(struct str payload, struct sqlite_row *r)
{
    struct cursor head = cursor_of(payload.p, payload.n);
    uint64_t n = big_varint(&head);
    size_t used = payload.n - cursor_left(&head);
    if (head.failed || n < used || n > payload.n)
        return false;
    head.end = (const unsigned char *)payload.p + n;
    struct cursor body = cursor_of(payload.p + n, payload.n - (size_t)n);
    r->n = 0;
    while (cursor_left(&head)) {
        struct sqlite_value v;
        uint64_t serial = big_varint(&head);
        if (head.failed || !take_value(&body, serial, &v))
            return false;
        if (r->n < SQLITE_COLUMNS_MAX)
            r->v[r->n++] = v;
    }
    return true;
}

static bool read_row(struct sqlite_file *f, const struct page *g, uint32_t at,
                     struct sqlite_row *r)
{
    struct cursor k = cursor_of(g->p + at, f->usable - at);
    uint64_t payload = big_varint(&k);
    r->rowid = (int64_t)big_varint(&k);
    if (k.failed || payload > PAYLOAD_MAX || payload > f->src->size)
        return false;
    uint32_t local = local_size(f, payload);
    struct str s = cursor_str(&k, local);
    if (k.failed)
        return false;
    if (local < payload) {
        uint32_t next = 0;
        const unsigned char *p = cursor_take(&k, 4);
        if (p)
            next = u32be(p);
        buf_clear(&f->payload);
        buf_put(&f->payload, s);
        if (!read_overflow(f, next, payload - local))
            return false;
        s = buf_str(&f->payload);
    }
    r->off = page_off(f, g->no) + at;
    r->len = f->usable - at - (uint32_t)cursor_left(&k);
    return take_row(s, r);
}

struct walk {
    struct sqlite_file *f;
    const struct sqlite_table *t;
    int (*fn)(void *, const struct sqlite_row *);
    void *ctx;
    struct sqlite_row row;
};

static int leaf_rows(struct walk *w, const struct page *g)
{
    struct sqlite_file *f = w->f;
    int rc = 0;
    for (unsigned i = 0; i < g->cells && rc == 0; i++) {
        uint32_t at = cell_at(f, g, i);
        if (!at || !read_row(f, g, at, &w->row)) {
            damaged(f, page_off(f, g->no) + at, "a row that cannot be read");
            continue;
        }
        int id = w->t->rowid;
        if (id >= 0 && (size_t)id < w->row.n &&
            w->row.v[id].type == SQLITE_IS_NULL)
            w->row.v[id] = (struct sqlite_value){ SQLITE_IS_INTEGER,
                                                  w->row.rowid, STR_NONE };
        rc = w->fn(w->ctx, &w->row);
    }
    return rc;
}

/* The next child of an interior page; 0: none left. */
static uint32_t next_child(struct sqlite_file *f, struct page *g)
{
    while (g->at < g->cells) {
        uint32_t at = cell_at(f, g, g->at++);
        if (at)
            return u32be(g->p + at);
        damaged(f, page_off(f, g->no), "a cell outside its page");
    }
    return g->at++ == g->cells ? g->last : 0;
}

int sqlite_file_rows(struct sqlite_file *f, const struct sqlite_table *t,
                     int (*fn)(void *, const struct sqlite_row *), void *ctx,
                     struct err *err)
{
    struct walk *w = calloc(1, sizeof(*w));
    unsigned depth = 0;
    int rc = 0;
    if (!w)
        return no_memory(err);
    *w = (struct walk){ .f = f, .t = t, .fn = fn, .ctx = ctx };
    memset(f->seen, 0, (size_t)f->pages / 8 + 1);
    if (load_page(f, &f->stack[0], t->root))
        depth = 1;
    while (depth && rc == 0) {
        struct page *g = &f->stack[depth - 1];
        uint32_t child = 0;
        if (is_leaf(g))
            rc = leaf_rows(w, g);
        else
            child = next_child(f, g);
        if (!child)
            depth--;
        else if (depth == DEPTH)
            damaged(f, page_off(f, child), "a tree that is too deep");
        else if (load_page(f, &f->stack[depth], child))
            depth++;
    }
    free(w);
    return rc;
}

/* ---- tables -------------------------------------------------------------- */

/* Blanks and comments at the front go. */
static struct str skip_comments(struct str s)
{
    for (;;) {
        size_t end = SIZE_MAX, skip = 0;
        s = str_trim(s);
        if (str_starts(s, STR("/*"))) {
            end = str_find(s, STR("*/"));
            skip = 2;
        } else if (str_starts(s, STR("--"))) {
            end = str_find(s, STR("\n"));
            skip = 1;
        }
        if (!skip)
            return s;
        s = end == SIZE_MAX ? STR_NONE : str_sub(s, end + skip, s.n);
    }
}

/* The next word of a definition: a name without its quotes, or one sign. */
static struct str next_word(struct str *s)
{
    static const char quotes[] = "\"\"''``[]";
    *s = skip_comments(*s);
    size_t n = 0;
    if (s->n == 0)
        return STR_NONE;
    for (size_t i = 0; quotes[i]; i += 2) {
        const char *end = s->p[0] == quotes[i] && s->n > 1
                              ? memchr(s->p + 1, quotes[i + 1], s->n - 1)
                              : NULL;
        if (!end)
            continue;
        struct str w = { s->p + 1, (size_t)(end - s->p) - 1 };
        *s = str_sub(*s, w.n + 2, s->n);
        return w;
    }
    while (n < s->n && !strchr(" \t\r\n(),\"'`[", s->p[n]) && s->p[n])
        n++;
    struct str w = str_sub(*s, 0, n ? n : 1);
    *s = str_sub(*s, w.n, s->n);
    return w;
}

static bool is_constraint(struct str word)
{
    static const char *const words[] = { "constraint", "primary", "unique",
                                         "check", "foreign" };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_ieq(word, str_from(words[i])))
            return true;
    return false;
}

/* One column: up to the comma or parenthesis on its own level. */
static void take_column(struct sqlite_table *t, struct str name, struct str *s,
                        bool *more)
{
    struct str last = STR_NONE, first = STR_NONE;
    bool primary = false;
    unsigned depth = 0;
    for (;;) {
        struct str w = next_word(s);
        *more = w.n && depth == 0 && str_eq(w, STR(","));
        if (w.n == 0 || *more || (depth == 0 && str_eq(w, STR(")"))))
            break;
        depth += str_eq(w, STR("("));
        depth -= depth && str_eq(w, STR(")"));
        if (!first.p)
            first = w;
        primary |= str_ieq(w, STR("key")) && str_ieq(last, STR("primary"));
        last = w;
    }
    if (is_constraint(name) || t->n == SQLITE_COLUMNS_MAX)
        return;
    size_t n = name.n < SQLITE_NAME_MAX ? name.n : SQLITE_NAME_MAX - 1;
    if (n)
        memcpy(t->columns[t->n], name.p, n);
    t->columns[t->n][n] = 0;
    if (primary && str_ieq(first, STR("integer")))
        t->rowid = (int)t->n;
    t->n++;
}

static void take_columns(struct sqlite_table *t, struct str sql)
{
    bool more = true;
    size_t open = str_find(sql, STR("("));
    if (open == SIZE_MAX)
        return;
    sql = str_sub(sql, open + 1, sql.n);
    while (more) {
        struct str name = next_word(&sql);
        if (name.n == 0)
            return;
        take_column(t, name, &sql, &more);
    }
}

struct finding {
    struct str name;
    struct sqlite_table *t;
    bool found;
};

static int look_at(void *ctx, const struct sqlite_row *r)
{
    struct finding *x = ctx;
    if (x->found || r->n < 5 || !str_eq(sqlite_text(r, 0), STR("table")) ||
        !str_ieq(sqlite_text(r, 1), x->name))
        return 0;
    int64_t root = sqlite_int(r, 3);
    if (root < 1 || root > UINT32_MAX)
        return 0;
    x->found = true;
    x->t->root = (uint32_t)root;
    take_columns(x->t, sqlite_text(r, 4));
    return 0;
}

int sqlite_file_table(struct sqlite_file *f, const char *name,
                      struct sqlite_table *out, struct err *err)
{
    static const struct sqlite_table schema = { .root = 1, .rowid = -1 };
    struct finding x = { str_from(name), out, false };
    struct sqlite_damage before = f->damage;
    *out = (struct sqlite_table){ .rowid = -1 };
    int rc = sqlite_file_rows(f, &schema, look_at, &x, err);
    if (x.found) /* its damage is told when it is not found */
        f->damage = before;
    return rc ? rc : x.found;
}

int sqlite_column(const struct sqlite_table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (str_ieq(str_from(t->columns[i]), str_from(name)))
            return (int)i;
    return -1;
}

static const struct sqlite_value *value_at(const struct sqlite_row *r, int i)
{
    static const struct sqlite_value none;
    return i >= 0 && (size_t)i < r->n ? &r->v[i] : &none;
}

int64_t sqlite_int(const struct sqlite_row *r, int column)
{
    return value_at(r, column)->i;
}

struct str sqlite_text(const struct sqlite_row *r, int column)
{
    const struct sqlite_value *v = value_at(r, column);
    return v->type >= SQLITE_IS_TEXT ? v->s : STR_NONE;
}

bool sqlite_null(const struct sqlite_row *r, int column)
{
    return value_at(r, column)->type == SQLITE_IS_NULL;
}
