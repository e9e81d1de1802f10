#include "base/base64.h"
#include "tests/tap.h"

/* RFC 4648, section 10. */
static const struct {
    const char *plain, *coded;
} vectors[] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
};

START_TEST(vectors_of_the_specification)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct buf b = { 0 };
        struct str plain = str_from(vectors[i].plain);
        struct str coded = str_from(vectors[i].coded);
        base64_encode(&b, plain, true);
        ck_assert(str_eq(buf_str(&b), coded));
        buf_clear(&b);
        base64_encode(&b, plain, false);
        size_t n = str_find(coded, STR("="));
        ck_assert(str_eq(buf_str(&b), str_sub(coded, 0, n)));
        buf_clear(&b);
        ck_assert(base64_decode(coded, 0, &b));
        ck_assert(str_eq(buf_str(&b), plain));
        buf_free(&b);
    }
}
END_TEST

START_TEST(every_byte_comes_back)
{
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    for (size_t n = 0; n <= 256; n++) {
        struct buf coded = { 0 }, plain = { 0 };
        struct str s = { bytes, n };
        base64_encode(&coded, s, n % 2);
        ck_assert(base64_decode(buf_str(&coded), 0, &plain));
        ck_assert(str_eq(buf_str(&plain), s));
        buf_free(&coded);
        buf_free(&plain);
    }
}
END_TEST

START_TEST(what_is_none)
{
    static const struct {
        const char *coded;
        unsigned flags;
        bool good;
        const char *plain; /* what is there of it */
    } v[] = {
        { "Zm9v!Zm9v", 0, false, "foo" },
        { "Zm9v!Zm9v", BASE64_NOISE, false, "foofoo" },
        { "Zm9v\r\nZm9v", 0, false, "foo" },
        { "Zm 9v\r\nZm9v\t", BASE64_BREAKS, true, "foofoo" },
        { "Zm9vY", 0, false, "foo" },
        { "Z", 0, false, "" },
        { "Zg==Zg==", 0, true, "f" },
        { "=", 0, true, "" },
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        struct buf b = { 0 };
        ck_assert_msg(base64_decode(str_from(v[i].coded), v[i].flags, &b) ==
                          v[i].good,
                      "%s", v[i].coded);
        ck_assert_msg(str_eq(buf_str(&b), str_from(v[i].plain)), "%s",
                      v[i].coded);
        buf_free(&b);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("base64");
    tap_case(s, "vectors", vectors_of_the_specification);
    tap_case(s, "bytes", every_byte_comes_back);
    tap_case(s, "none", what_is_none);
    return s;
}
