#include "base/json.h"
#include "tests/base/json_suite.h"
#include "tests/tap.h"

#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A heap block of exactly the text's size lets sanitizers see a read beyond
 * it. */
static struct str exact(struct str s)
{
    char *p = malloc(s.n ? s.n : 1);
    ck_assert_ptr_nonnull(p);
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){ p, s.n };
}

struct verdict {
    bool valid;
    size_t at;
    const char *error;
    unsigned flags; /* of all tokens */
};

/* Token by token. */
static struct verdict walk(struct str s)
{
    struct verdict v = { 0 };
    struct json j;
    enum json_type type;
    json_open(&j, s);
    do {
        type = json_next(&j);
        v.flags |= j.flags;
    } while (type > JSON_END);
    size_t rest = json_rest(&j);
    v.valid = type == JSON_END && rest == s.n;
    v.at = type == JSON_ERROR ? j.at : rest;
    v.error = j.error;
    return v;
}

/* Values with their keys are the tokens of json_next, key and value in one. */
static void members(struct str s)
{
    struct json j, m;
    enum json_type type, with_key;
    json_open(&j, s);
    json_open(&m, s);
    do {
        struct str key = STR_NONE;
        type = json_next(&j);
        with_key = json_member(&m);
        if (type == JSON_KEY) {
            key = j.text;
            ck_assert_uint_eq(m.key_flags, j.flags);
            type = json_next(&j);
        }
        ck_assert_int_eq(type, with_key);
        ck_assert_ptr_eq(m.key.p, key.p);
        ck_assert_uint_eq(m.key.n, key.n);
        ck_assert_ptr_eq(m.text.p, j.text.p);
        ck_assert_uint_eq(m.flags, j.flags);
        ck_assert_uint_eq(m.depth, j.depth);
        ck_assert_ptr_eq(m.error, j.error);
        ck_assert_uint_eq(m.at, j.at);
    } while (type > JSON_END);
}

/* All ways of reading agree on validity and place. */
static struct verdict judge(struct str text)
{
    struct str s = exact(text);
    size_t at;
    const char *error;
    bool valid = json_valid(s, &at, &error);
    struct verdict v = walk(s);
    members(s);
    if (valid != v.valid || (!valid && at != v.at) || valid != (error == NULL))
        ck_abort_msg("walk %d at %zu, skip %d at %zu: %.*s", v.valid, v.at,
                     valid, at, STR_ARG(s));
    free((char *)s.p);
    return v;
}

/* ---- JSONTestSuite ------------------------------------------------------ */

static bool has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

static bool expected_open(const char *name)
{
    /* Other encodings and byte order marks are the caller's matter. */
    return !has(name, "UTF-16") && !has(name, "utf16") && !has(name, "BOM");
}

START_TEST(the_test_suite_is_judged_right)
{
    unsigned counts[3] = { 0 };
    for (size_t i = 0; i < COUNT(json_suite); i++) {
        const char *name = json_suite[i].name;
        struct str s = { json_suite[i].text, json_suite[i].n };
        struct verdict v = judge(s);
        bool want = name[0] == 'y' || (name[0] == 'i' && expected_open(name));
        ck_assert_msg(v.valid == want, "%s", name);
        ck_assert_msg(v.at <= s.n, "%s", name);
        counts[name[0] == 'y' ? 0 : name[0] == 'n' ? 1 : 2]++;
    }
    ck_assert_uint_eq(counts[0], 95);
    ck_assert_uint_eq(counts[1], 186);
    ck_assert_uint_eq(counts[2], 34);
}
END_TEST

START_TEST(open_questions_are_accepted_and_flagged)
{
    unsigned surrogate = 0, utf8 = 0, number = 0;
    for (size_t i = 0; i < COUNT(json_suite); i++) {
        const char *name = json_suite[i].name;
        if (name[0] != 'i' || !expected_open(name))
            continue;
        struct verdict v =
            judge((struct str){ json_suite[i].text, json_suite[i].n });
        surrogate += (v.flags & JSON_SURROGATE) != 0;
        utf8 += (v.flags & JSON_BAD_UTF8) != 0;
        number += v.flags == 0;
    }
    ck_assert_uint_eq(surrogate, 10);
    ck_assert_uint_eq(utf8, 10);
    ck_assert_uint_eq(number, 10);
}
END_TEST

static struct str repeat(const char *unit, size_t times)
{
    struct str u = str_from(unit);
    char *p = malloc(u.n * times + 1);
    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < times; i++)
        memcpy(p + i * u.n, u.p, u.n);
    return (struct str){ p, u.n * times };
}

START_TEST(depth_is_limited_without_recursion)
{
    static const struct {
        const char *unit;
        size_t times, at;
    } deep[] = {
        { "[", 100000, 256 },
        { "[{\"\":", 50000, 128 * 5 },
        { "[", 500, 256 },
        { "{\"a\":", 1000, 256 * 5 },
    };
    for (size_t i = 0; i < COUNT(deep); i++) {
        struct str s = repeat(deep[i].unit, deep[i].times);
        struct verdict v = judge(s);
        ck_assert(!v.valid);
        ck_assert_uint_eq(v.at, deep[i].at);
        free((char *)s.p);
    }
    char most[2 * JSON_DEPTH];
    memset(most, '[', JSON_DEPTH);
    memset(most + JSON_DEPTH, ']', JSON_DEPTH);
    ck_assert(judge((struct str){ most, sizeof(most) }).valid);
}
END_TEST

/* ---- places ------------------------------------------------------------- */

static const char record[] =
    "{\"eventTime\":\"2026-03-11T02:13:04Z\",\"n\":[ -0.5e+3 , 12,true,false,"
    "null,{},[] ],\n\t\"user\":{\"arn\":\"arn:aws:iam::123456789012:user/x\","
    "\"note\":\"\xe7\x9b\xa3 \\u76e3 \\ud83d\\ude00 \\\"\"},\"last\":0}";

START_TEST(every_cut_is_refused_at_its_end)
{
    ck_assert(judge(STR(record)).valid);
    for (size_t n = 0; n < sizeof(record) - 1; n++) {
        struct verdict v = judge((struct str){ record, n });
        ck_assert_msg(!v.valid && v.at == n, "%zu: %zu", n, v.at);
        ck_assert_str_eq(v.error, "the text ends too early");
    }
}
END_TEST

START_TEST(errors_name_their_place)
{
    static const struct {
        const char *text;
        size_t at;
        const char *error;
    } bad[] = {
        { "{\"a\":1,}", 7, "a key in quotes expected" },
        { "{'a':1}", 1, "a key in quotes expected" },
        { "{\"a\" 1}", 5, "':' expected" },
        { "{\"a\":}", 5, "not a value" },
        { "{\"a\":1 \"b\":2}", 7, "',' or '}' expected" },
        { "[1,]", 3, "not a value" },
        { "[1 2]", 3, "',' or ']' expected" },
        { "[1}", 2, "',' or ']' expected" },
        { "[,1]", 1, "not a value" },
        { "[NaN]", 1, "not a value" },
        { "[nul]", 4, "not a value" },
        { "[-]", 2, "a digit is missing in a number" },
        { "[1.]", 3, "a digit is missing in a number" },
        { "[1e]", 3, "a digit is missing in a number" },
        { "[1e+]", 4, "a digit is missing in a number" },
        { "[01]", 2, "',' or ']' expected" },
        { "[1.2.3]", 4, "',' or ']' expected" },
        { "[\"a\nb\"]", 3, "control character in a string" },
        { "[\"\\x\"]", 3, "no such escape in a string" },
        { "[\"\\u12g4\"]", 6, "\\u without four hex digits" },
        { "[] x", 3, "bytes after the value" },
        { "// no\n1", 0, "not a value" },
        { "[1]/**/", 3, "bytes after the value" },
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct str s = exact(str_from(bad[i].text));
        size_t at;
        const char *error;
        ck_assert_msg(!json_valid(s, &at, &error), "%s", bad[i].text);
        ck_assert_msg(at == bad[i].at, "%s: %zu", bad[i].text, at);
        ck_assert_str_eq(error, bad[i].error);
        judge(s);
        free((char *)s.p);
    }
    ck_assert(!judge((struct str){ "[\"a\0b\"]", 7 }).valid);
    ck_assert(!judge((struct str){ "[\"\\\0\"]", 6 }).valid);
    ck_assert(!judge((struct str){ "[1]\0", 4 }).valid);
    ck_assert(!judge(STR("")).valid);
    ck_assert(!judge(STR(" \n")).valid);
}
END_TEST

/* A special byte at every place of strings of every length around the block
 * sizes, so that each tail of the block loops is met. The string is alone (and
 * is walked) or the second of an array (and is skipped too). */
static void special_byte(size_t n, size_t at, size_t before)
{
    static const char prefix[] = "[\"\",";
    char text[160];
    struct str s = { text, before + n + 2 + (before > 0) };
    memset(text, 'x', sizeof(text));
    memcpy(text, prefix, before);
    text[before] = text[before + n + 1] = '"';
    text[before + n + 2] = ']';
    size_t place = before + 1 + at;
    struct verdict v = judge(s);
    bool good = v.valid && v.flags == 0;
    text[place] = '\x1f';
    v = judge(s);
    good &= !v.valid && v.at == place;
    text[place] = (char)0xff;
    v = judge(s);
    good &= v.valid && v.flags == JSON_BAD_UTF8;
    text[place] = '"';
    v = judge(s);
    good &= !v.valid && v.at == place + 1;
    text[place] = '\x7f';
    good &= judge(s).valid;
    text[place] = '\\';
    v = judge(s);
    /* no escape goes on with x; the last one swallows the quote */
    good &= !v.valid && v.at == (at + 1 == n ? s.n : place + 1);
    if (!good)
        ck_abort_msg("length %zu, byte %zu, after %zu", n, at, before);
}

START_TEST(strings_end_where_they_end_at_any_length)
{
    for (size_t n = 1; n < 150; n++)
        for (size_t at = 0; at < n; at++) {
            special_byte(n, at, 0);
            special_byte(n, at, 4);
        }
}
END_TEST

static uint64_t rng(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

START_TEST(both_readers_agree_on_damaged_texts)
{
    static const char bytes[] = "{}[],:\"\\\n 01-+.eEtfnu\x80\xff\x01";
    uint64_t seed = 1;
    char text[sizeof(record)];
    unsigned valid = 0;
    for (int i = 0; i < 100000; i++) {
        size_t n = sizeof(record) - 1;
        memcpy(text, record, n);
        for (uint64_t k = rng(&seed) % 3 + 1; k; k--) {
            size_t at = rng(&seed) % n;
            if (rng(&seed) % 4 == 0)
                memmove(text + at, text + at + 1, --n - at);
            else
                text[at] = bytes[rng(&seed) % (sizeof(bytes) - 1)];
        }
        valid += judge((struct str){ text, n }).valid;
    }
    ck_assert_uint_gt(valid, 10000);
    ck_assert_uint_lt(valid, 90000);
}
END_TEST

/* ---- tokens ------------------------------------------------------------- */

START_TEST(tokens_come_in_order)
{
    static const struct {
        enum json_type type;
        const char *text;
        size_t start;
        unsigned depth;
    } want[] = {
        { JSON_OBJECT, "{", 1, 1 },      { JSON_KEY, "a", 2, 1 },
        { JSON_ARRAY, "[", 7, 2 },       { JSON_NUMBER, "-1.5e3", 8, 2 },
        { JSON_STRING, "x\\n", 16, 2 },  { JSON_TRUE, "true", 22, 2 },
        { JSON_ARRAY_END, "]", 26, 1 },  { JSON_KEY, "b", 28, 1 },
        { JSON_OBJECT, "{", 32, 2 },     { JSON_OBJECT_END, "}", 33, 1 },
        { JSON_KEY, "c", 35, 1 },        { JSON_NULL, "null", 39, 1 },
        { JSON_OBJECT_END, "}", 43, 0 },
    };
    struct str s = STR(" {\"a\": [-1.5e3, \"x\\n\",true],\"b\":{},\"c\":null} "
                       "{\"next\"");
    struct json j;
    json_open(&j, s);
    for (size_t i = 0; i < COUNT(want); i++) {
        ck_assert_int_eq(json_next(&j), want[i].type);
        ck_assert_msg(str_eq(j.text, str_from(want[i].text)), "%zu", i);
        ck_assert_uint_eq(j.start, want[i].start);
        ck_assert_uint_eq(j.depth, want[i].depth);
    }
    ck_assert_int_eq(json_next(&j), JSON_END);
    ck_assert_int_eq(json_next(&j), JSON_END);
    ck_assert_uint_eq(json_rest(&j), 45);
}
END_TEST

START_TEST(skipping_goes_on_behind)
{
    struct json j;
    json_open(&j,
              STR("{\"a\":{\"x\":[1,{\"y\":\"}\"}]},\"b\":[[],2],\"c\": 3 }"));
    ck_assert_int_eq(json_next(&j), JSON_OBJECT);
    ck_assert_int_eq(json_next(&j), JSON_KEY);
    ck_assert(json_skip(&j)); /* the value of a */
    ck_assert_int_eq(json_next(&j), JSON_KEY);
    ck_assert(str_eq(j.text, STR("b")));
    ck_assert_int_eq(json_next(&j), JSON_ARRAY);
    ck_assert_int_eq(json_next(&j), JSON_ARRAY);
    ck_assert(json_skip(&j)); /* the inner array */
    ck_assert_int_eq(json_next(&j), JSON_NUMBER);
    ck_assert(json_skip(&j)); /* nothing */
    ck_assert_int_eq(json_next(&j), JSON_ARRAY_END);
    ck_assert_int_eq(json_next(&j), JSON_KEY);
    ck_assert(json_skip(&j));
    ck_assert_int_eq(json_next(&j), JSON_OBJECT_END);
    ck_assert_int_eq(json_next(&j), JSON_END);

    json_open(&j, STR("[{\"a\":1}, {\"b\":}, 3]"));
    json_next(&j);
    json_next(&j);
    ck_assert(json_skip(&j));
    ck_assert_int_eq(json_next(&j), JSON_OBJECT);
    ck_assert(!json_skip(&j));
    ck_assert(!json_skip(&j));
    ck_assert_int_eq(json_next(&j), JSON_ERROR);
    ck_assert_uint_eq(j.at, 15);
}
END_TEST

START_TEST(values_are_taken_whole)
{
    static const char *const want[] = { "{\"a\":[1,2]}", "x", "[]", "-7" };
    struct json j;
    struct str value;
    json_open(&j, STR("[ {\"a\":[1,2]} , \"x\",[],-7]"));
    json_next(&j);
    for (size_t i = 0; i < COUNT(want); i++) {
        ck_assert_int_ne(json_take(&j, &value, NULL), JSON_ERROR);
        ck_assert(str_eq(value, str_from(want[i])));
    }
    ck_assert_int_eq(json_take(&j, &value, NULL), JSON_ARRAY_END);
    ck_assert_int_eq(json_take(&j, &value, NULL), JSON_END);
}
END_TEST

/* ---- values ------------------------------------------------------------- */

static const struct {
    const char *raw;
    struct str text;
} strings[] = {
    { "plain", { "plain", 5 } },
    { "", { "", 0 } },
    { "\\\"\\\\\\/\\b\\f\\n\\r\\t", { "\"\\/\b\f\n\r\t", 8 } },
    { "a\\u0000b", { "a\0b", 3 } },
    { "\\u0041\\u00e9\\u76E3", { "A\xc3\xa9\xe7\x9b\xa3", 6 } },
    { "\\ud83d\\ude00", { "\xf0\x9f\x98\x80", 4 } },
    { "\\uDBFF\\uDFFF", { "\xf4\x8f\xbf\xbf", 4 } },
    { "\\ud83d", { "\xed\xa0\xbd", 3 } },
    { "\\ude00\\ud83d", { "\xed\xb8\x80\xed\xa0\xbd", 6 } },
    { "\\ud83d\\ud83d\\ude00", { "\xed\xa0\xbd\xf0\x9f\x98\x80", 7 } },
    { "\\ud83dx", { "\xed\xa0\xbdx", 4 } },
    { "\xff\\n", { "\xff\n", 2 } },
};

START_TEST(escapes_decode)
{
    struct arena a = { 0 };
    for (size_t i = 0; i < COUNT(strings); i++) {
        struct str raw = str_from(strings[i].raw), out;
        unsigned flags = strchr(strings[i].raw, '\\') ? JSON_ESCAPED : 0;
        ck_assert(json_decode(raw, &a, &out));
        ck_assert_msg(str_eq(out, strings[i].text), "%s", strings[i].raw);
        ck_assert(json_text_is(raw, flags, strings[i].text));
        ck_assert(!json_text_is(raw, flags, STR("something else")));
        struct str less = str_sub(strings[i].text, 0, strings[i].text.n - 1);
        ck_assert(strings[i].text.n == 0 || !json_text_is(raw, flags, less));
    }
    struct arena small = { .limit = 16 };
    struct str out;
    ck_assert(!json_decode(STR("\\n0123456789012345678"), &small, &out));
    arena_free(&small);
    arena_free(&a);
}
END_TEST

START_TEST(integers_are_exact_or_refused)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t v;
    } numbers[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "9007199254740993", true, 9007199254740993 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "1e3", false, 0 },
        { "1.0", false, 0 },
        { "1e400", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
    };
    for (size_t i = 0; i < COUNT(numbers); i++) {
        int64_t v = 0;
        ck_assert_msg(json_i64(str_from(numbers[i].text), &v) == numbers[i].ok,
                      "%s", numbers[i].text);
        ck_assert_int_eq(v, numbers[i].v);
    }
}
END_TEST

START_TEST(members_are_found_by_key_and_path)
{
    struct str o = STR("{\"a\":1,\"b\":{\"c\":[10,{\"d\":\"x\\ty\"},[]],"
                       "\"e\":null},\"\\u0061\":2}");
    struct str v;
    unsigned flags = 0;
    ck_assert_int_eq(json_get(o, STR("a"), &v, NULL), JSON_NUMBER);
    ck_assert(str_eq(v, STR("2"))); /* the last one, though escaped */
    ck_assert_int_eq(json_get(o, STR("z"), &v, NULL), JSON_END);
    ck_assert_int_eq(json_get(STR("[1]"), STR("a"), &v, NULL), JSON_END);
    ck_assert_int_eq(json_get(STR("{\"a\":1,}"), STR("a"), &v, NULL),
                     JSON_ERROR);
    ck_assert_int_eq(json_path(o, STR("b.c.0"), &v, NULL), JSON_NUMBER);
    ck_assert(str_eq(v, STR("10")));
    ck_assert_int_eq(json_path(o, STR("b.c.1.d"), &v, &flags), JSON_STRING);
    ck_assert(str_eq(v, STR("x\\ty")) && flags == JSON_ESCAPED);
    ck_assert_int_eq(json_path(o, STR("b.c.2"), &v, NULL), JSON_ARRAY);
    ck_assert(str_eq(v, STR("[]")));
    ck_assert_int_eq(json_path(o, STR("b.e"), &v, NULL), JSON_NULL);
    ck_assert_int_eq(json_path(STR("  "), STR("a"), &v, NULL), JSON_ERROR);
    ck_assert_int_eq(json_path(STR_NONE, STR("a"), &v, NULL), JSON_ERROR);
    static const char *const absent[] = { "b.c.3",     "b.c.x",  "b.c.2.0",
                                          "a.b",       "b.e.x",  "q.r",
                                          "b.c.1.d.0", "b.c.-1", "b..c" };
    for (size_t i = 0; i < COUNT(absent); i++)
        ck_assert_msg(json_path(o, str_from(absent[i]), &v, NULL) == JSON_END,
                      "%s", absent[i]);
}
END_TEST

/* ---- writer ------------------------------------------------------------- */

START_TEST(what_is_written_is_exact)
{
    struct buf b = { 0 };
    struct json_out o = { &b, false };
    json_put_open(&o, '{');
    json_put_kstr(&o, "a", STR("q\" b\\ <\n\x1b\x7f"));
    json_put_ki64(&o, "min", INT64_MIN);
    json_put_kbool(&o, "yes", true);
    json_put_key(&o, STR("list"));
    json_put_open(&o, '[');
    json_put_u64(&o, UINT64_MAX);
    json_put_null(&o);
    json_put_bool(&o, false);
    json_put_open(&o, '{');
    json_put_close(&o, '}');
    json_put_raw(&o, STR("1.50"));
    json_put_close(&o, ']');
    json_put_kstr(&o, "cjk", STR("\xe7\x9b\xa3\xe8\xa6\x96"));
    json_put_kstr(&o, "bidi", STR("\xe2\x80\xae\xc2\x9b\xf3\xa0\x81\x81"));
    json_put_kstr(&o, "bad", STR("a\xff"));
    json_put_close(&o, '}');
    ck_assert(!b.failed);
    buf_putc(&b, 0);
    ck_assert_str_eq(b.p,
                     "{\"a\":\"q\\\" b\\\\ \\u003c\\n\\u001b\\u007f\","
                     "\"min\":-9223372036854775808,\"yes\":true,"
                     "\"list\":[18446744073709551615,null,false,{},1.50],"
                     "\"cjk\":\"\xe7\x9b\xa3\xe8\xa6\x96\","
                     "\"bidi\":\"\\u202e\\u009b\\udb40\\udc41\","
                     "\"bad\":{\"text\":\"a\\\\xFF\",\"bytes_hex\":\"61ff\"}}");
    ck_assert(judge((struct str){ b.p, b.n - 1 }).valid);
    buf_free(&b);
}
END_TEST

START_TEST(written_strings_read_back)
{
    uint64_t seed = 7;
    struct arena a = { 0 };
    struct buf b = { 0 };
    for (int i = 0; i < 100000; i++) {
        char text[40];
        size_t n = rng(&seed) % sizeof(text), hex_n;
        bool ascii = rng(&seed) % 2;
        for (size_t k = 0; k < n; k++)
            text[k] = (char)(rng(&seed) & (ascii ? 0x7f : 0xff));
        struct str s = { text, n }, raw, back;
        struct json_out o = { &b, false };
        json_put_str(&o, s);
        enum json_type type =
            json_path(buf_str(&b), STR("bytes_hex"), &raw, NULL);
        hex_n = raw.n / 2;
        if (type == JSON_STRING) {
            if (hex_n != n)
                ck_abort();
        } else {
            raw = str_sub(buf_str(&b), 1, b.n - 2);
            if (!json_decode(raw, &a, &back) || !str_eq(back, s) ||
                !json_valid(buf_str(&b), NULL, NULL))
                ck_abort();
        }
        buf_clear(&b);
        arena_reset(&a);
    }
    buf_free(&b);
    arena_free(&a);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("json");
    tap_case(s, "suite", the_test_suite_is_judged_right);
    tap_case(s, "suite", open_questions_are_accepted_and_flagged);
    tap_case(s, "depth", depth_is_limited_without_recursion);
    tap_case(s, "cut", every_cut_is_refused_at_its_end);
    tap_case(s, "errors", errors_name_their_place);
    tap_case(s, "strings", strings_end_where_they_end_at_any_length);
    tap_case(s, "damage", both_readers_agree_on_damaged_texts);
    tap_case(s, "tokens", tokens_come_in_order);
    tap_case(s, "skip", skipping_goes_on_behind);
    tap_case(s, "take", values_are_taken_whole);
    tap_case(s, "decode", escapes_decode);
    tap_case(s, "integers", integers_are_exact_or_refused);
    tap_case(s, "members", members_are_found_by_key_and_path);
    tap_case(s, "writer", what_is_written_is_exact);
    tap_case(s, "writer", written_strings_read_back);
    return s;
}
