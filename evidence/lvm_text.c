#include "evidence/lvm_text.h"

#include <stdlib.h>

struct parser {
    struct lvm_text *t;
    struct str s;
    size_t at;
};

static bool wrong(struct parser *p, const char *what)
{
    if (!p->t->wrong) {
        p->t->wrong = what;
        p->t->wrong_at = p->at;
    }
    return false;
}

static struct lvm_node *node_add(struct parser *p, enum lvm_node_kind kind,
                                 struct str key)
{
    struct lvm_text *t = p->t;
    if (t->n == LVM_NODES_MAX) {
        wrong(p, "more values than are kept");
        return NULL;
    }
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 256;
        struct lvm_node *nodes = realloc(t->nodes, cap * sizeof *nodes);
        if (!nodes) {
            wrong(p, "not enough memory");
            return NULL;
        }
        t->nodes = nodes;
        t->cap = cap;
    }
    struct lvm_node *n = &t->nodes[t->n++];
    *n = (struct lvm_node){ .kind = kind, .key = key, .end = t->n };
    return n;
}

/* The next byte that is neither blank nor comment; 0 at the end. */
static char peek(struct parser *p)
{
    for (; p->at < p->s.n; p->at++) {
        char c = p->s.p[p->at];
        if (c == '#') {
            while (p->at < p->s.n && p->s.p[p->at] != '\n')
                p->at++;
            p->at -= p->at == p->s.n;
        } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return c;
        }
    }
    return 0;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' ||
           c == '.' || c == '/';
}

static struct str word(struct parser *p)
{
    size_t from = p->at;
    while (p->at < p->s.n && is_word(p->s.p[p->at]))
        p->at++;
    return str_sub(p->s, from, p->at - from);
}

static bool string(struct parser *p, struct str key)
{
    size_t from = ++p->at;
    while (p->at < p->s.n && p->s.p[p->at] != '"')
        p->at += p->s.p[p->at] == '\\' ? 2 : 1;
    if (p->at >= p->s.n)
        return wrong(p, "a string without an end");
    struct lvm_node *n = node_add(p, LVM_STRING, key);
    if (n)
        n->text = str_sub(p->s, from, p->at - from);
    p->at++;
    return n != NULL;
}

static bool scalar(struct parser *p, struct str key)
{
    if (peek(p) == '"')
        return string(p, key);
    struct str w = word(p);
    if (w.n == 0)
        return wrong(p, "a value is missing");
    struct lvm_node *n = node_add(p, LVM_NUMBER, key);
    if (n && !str_u64(w, &n->number))
        n->number = 0;
    return n != NULL;
}

static bool list(struct parser *p, struct str key)
{
    size_t self = p->t->n;
    if (!node_add(p, LVM_LIST, key))
        return false;
    p->at++;
    while (peek(p) != ']') {
        if (!scalar(p, STR_NONE))
            return false;
        if (peek(p) == ',')
            p->at++;
        else if (peek(p) != ']')
            return wrong(p, "a list without an end");
    }
    p->at++;
    p->t->nodes[self].end = p->t->n;
    return true;
}

/* One key with its value or the opening of its section. */
static bool entry(struct parser *p, size_t *open, size_t *depth)
{
    struct str key = word(p);
    if (key.n == 0)
        return wrong(p, "a name is missing");
    char c = peek(p);
    if (c == '{') {
        if (*depth == LVM_DEPTH_MAX)
            return wrong(p, "sections too deep");
        open[(*depth)++] = p->t->n;
        p->at++;
        return node_add(p, LVM_SECTION, key) != NULL;
    }
    if (c != '=')
        return wrong(p, "neither a value nor a section");
    p->at++;
    return peek(p) == '[' ? list(p, key) : scalar(p, key);
}

bool lvm_text_parse(struct lvm_text *t, struct str text)
{
    size_t open[LVM_DEPTH_MAX], depth = 0;
    struct parser p = { t, text, 0 };
    t->n = 0;
    t->wrong = NULL;
    for (char c; (c = peek(&p)) != 0;) {
        if (c == '}') {
            if (depth == 0)
                return wrong(&p, "a section ends that did not begin");
            t->nodes[open[--depth]].end = t->n;
            p.at++;
        } else if (!entry(&p, open, &depth)) {
            return false;
        }
    }
    return depth ? wrong(&p, "a section without an end") : t->n > 0;
}

void lvm_text_free(struct lvm_text *t)
{
    free(t->nodes);
    *t = (struct lvm_text){ 0 };
}

/* ---- looking things up -------------------------------------------------- */

static size_t end_of(const struct lvm_text *t, size_t top)
{
    return top == SIZE_MAX ? t->n : t->nodes[top].end;
}

size_t lvm_first(const struct lvm_text *t, size_t top)
{
    size_t first = top == SIZE_MAX ? 0 : top + 1;
    return first < end_of(t, top) ? first : SIZE_MAX;
}

size_t lvm_next(const struct lvm_text *t, size_t top, size_t node)
{
    size_t next = t->nodes[node].end;
    return next < end_of(t, top) ? next : SIZE_MAX;
}

size_t lvm_child(const struct lvm_text *t, size_t top, const char *key,
                 enum lvm_node_kind kind)
{
    size_t i = lvm_first(t, top);
    while (i != SIZE_MAX && (t->nodes[i].kind != kind ||
                             !str_eq(t->nodes[i].key, str_from(key))))
        i = lvm_next(t, top, i);
    return i;
}

struct str lvm_string(const struct lvm_text *t, size_t top, const char *key)
{
    size_t i = lvm_child(t, top, key, LVM_STRING);
    return i == SIZE_MAX ? STR_NONE : t->nodes[i].text;
}

uint64_t lvm_number(const struct lvm_text *t, size_t top, const char *key,
                    uint64_t none)
{
    size_t i = lvm_child(t, top, key, LVM_NUMBER);
    return i == SIZE_MAX ? none : t->nodes[i].number;
}

bool lvm_has_word(const struct lvm_text *t, size_t top, const char *key,
                  const char *w)
{
    size_t l = lvm_child(t, top, key, LVM_LIST);
    if (l == SIZE_MAX)
        return false;
    for (size_t i = lvm_first(t, l); i != SIZE_MAX; i = lvm_next(t, l, i))
        if (str_eq(t->nodes[i].text, str_from(w)))
            return true;
    return false;
}
