/*
 * The JSON scanner: walking and skipping judge alike, tokens lie inside the
 * input, strings survive decoding and writing; where jansson is installed, a
 * strict reader too, it must agree.
 */
#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>

#include "tests/fuzz/json_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void need(bool good)
{
    if (!good)
        abort();
}

static void string_round_trip(const struct json *j)
{
    struct arena a = { 0 };
    struct buf b = { 0 };
    struct json_out o = { &b, false };
    struct str text, back;
    need(json_decode(j->text, &a, &text));
    need(json_text_is(j->text, j->flags, text));
    need((j->flags & JSON_ESCAPED) || str_eq(text, j->text));
    if (!(j->flags & (JSON_BAD_UTF8 | JSON_SURROGATE)))
        need(text_utf8_valid(text));
    if (text_utf8_valid(text)) {
        json_put_str(&o, text);
        need(json_decode(str_sub(buf_str(&b), 1, b.n - 2), &a, &back));
        need(str_eq(back, text));
    }
    buf_free(&b);
    arena_free(&a);
}

/* Where walking ends; SIZE_MAX when the text is good. */
static size_t walk(struct str s, bool *flagged)
{
    struct json j;
    enum json_type type;
    json_open(&j, s);
    while ((type = json_next(&j)) > JSON_END) {
        need(j.text.p >= s.p && j.text.p + j.text.n <= s.p + s.n);
        need(j.start < s.n && j.depth <= JSON_DEPTH);
        *flagged |= (j.flags & ~(unsigned)JSON_ESCAPED) != 0;
        if (type == JSON_STRING || type == JSON_KEY)
            string_round_trip(&j);
    }
    if (type == JSON_ERROR) {
        need(j.error && j.at <= s.n && json_next(&j) == JSON_ERROR);
        return j.at;
    }
    return json_rest(&j) == s.n ? SIZE_MAX : json_rest(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = { (const char *)data, n }, out;
    size_t at;
    const char *error;
    bool flagged = false;
    bool good = json_valid(s, &at, &error);
    size_t end = walk(s, &flagged);
    need(good == (end == SIZE_MAX) && (good || at == end));
    need(good == (error == NULL));
    json_get(s, STR("a"), &out, NULL);
    json_path(s, STR("a.0.b"), &out, NULL);
    enum oracle_says says = json_oracle(s.p, s.n);
    if (says == ORACLE_GOOD)
        need(good || strcmp(error, "nested deeper than 256") == 0);
    if (says == ORACLE_BAD)
        need(!good || flagged);
    return 0;
}
