/* Filters: the canonical form of a filter that is taken is taken, and is its
 * own canonical form; an error lies within the text. A value written for a
 * filter is read back as the same bytes. */
#include "analyzer/filter_tree.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

static void need(bool good)
{
    if (!good)
        abort();
}

static void one_form(struct str text, struct arena *a)
{
    struct filter *f;
    struct filter_place place = { 0, 0 };
    struct err err = { 0 };
    struct buf form = { 0 }, again = { 0 };
    int rc = filter_parse(text, a, &f, &place, &err);
    need(rc == 0 || rc == ERR_USAGE);
    if (rc) {
        need(place.at <= text.n && place.n <= text.n - place.at);
        need(strncmp(err.what, "column ", 7) == 0);
        return;
    }
    for (size_t i = 0; i < filter_parts(f); i++) {
        place = filter_part(f, i);
        need(place.n && place.at + place.n <= text.n);
    }
    filter_put(f, &form);
    rc = filter_parse(buf_str(&form), a, &f, &place, &err);
    /* only the form of a text that is as long as texts may be can be longer */
    if (rc && form.n > FILTER_TEXT_MAX) {
        buf_free(&form);
        return;
    }
    need(rc == 0);
    filter_put(f, &again);
    need(str_eq(buf_str(&form), buf_str(&again)));
    buf_free(&form);
    buf_free(&again);
}

static void value_back(struct str value, struct arena *a)
{
    struct filter *f;
    struct buf b = { 0 };
    if (value.n == 0 || value.n > 1000)
        return;
    buf_putz(&b, "agent:(");
    filter_put_value(&b, value);
    buf_putz(&b, " or x)");
    need(filter_parse(buf_str(&b), a, &f, NULL, NULL) == 0);
    need(f->root->op == OP_TERM && f->root->term->n == 2);
    need(str_eq(f->root->term->items[0].text, value));
    need(!f->root->term->items[0].glob);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct str text = { (const char *)data, size };
    one_form(text, &a);
    arena_reset(&a);
    value_back(text, &a);
    arena_free(&a);
    return 0;
}
