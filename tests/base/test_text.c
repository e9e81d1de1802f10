#include "base/text.h"
#include "base/json.h"
#include "base/text_table.h"
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unictype.h>
#include <unistd.h>
#include <uniwidth.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t rng(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* ---- the display form as written ---------------------------------------- */

#define S(literal)                                                             \
    {                                                                          \
        (literal), sizeof(literal) - 1                                         \
    }

static const struct {
    struct str in;
    const char *out;
    unsigned flags;
} forms[] = {
    { S(""), "", 0 },
    { S("plain text ~"), "plain text ~", 0 },
    { S("\xe7\x9b\xa3\xe8\xa6\x96"), "\xe7\x9b\xa3\xe8\xa6\x96", 0 },
    { S("\xe7\x9b\xa3"), "\\u{76E3}", TEXT_ASCII },
    { S("\x1b[31m"), "\xe2\x90\x9b[31m", 0 },
    { S("\x1b[31m"), "\\x1B[31m", TEXT_ASCII },
    { S("a\0b\nc\x7f"),
      "a\xe2\x90\x80"
      "b\xe2\x90\x8a"
      "c\xe2\x90\xa1",
      0 },
    { S("a\nb\r\n"), "a\nb\xe2\x90\x8d\n", TEXT_KEEP_LF },
    { S("\xff\xfe\xc0\x80"), "\\xFF\\xFE\\xC0\\x80", 0 },
    { S("\xe3\x81"), "\\xE3\\x81", 0 },
    { S("\xed\xa0\x80"), "\\xED\\xA0\\x80", 0 },
    { S("\xf4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80", 0 },
    { S("\xc2\x9b"), "\\u{9B}", 0 },
    { S("\xe2\x80\xae"), "\\u{202E}", 0 },
    { S("\xf3\xa0\x81\x81"), "\\u{E0041}", 0 },
    { S("\xef\xbf\xbd"), "\\u{FFFD}", 0 },
    { S("\xe2\x90\x9b"), "\\u{241B}", 0 },
    { S("\xc2\xa0\xe3\x80\x80"), "\\u{A0}\xe3\x80\x80", 0 },
    { S("\xe3\x85\xa4\xe2\xa0\x80"), "\\u{3164}\\u{2800}", 0 },
    /* marks: three on a base, none alone, none on a blank */
    { S("a\xcc\x81"), "a\xcc\x81", 0 },
    { S("\xcc\x81"), "\\u{301}", 0 },
    { S(" \xcc\x81"), " \\u{301}", 0 },
    { S("\n\xcc\x81"), "\xe2\x90\x8a\\u{301}", 0 },
    { S("a\xcc\x81\xcc\x81\xcc\x81\xcc\x81"),
      "a\xcc\x81\xcc\x81\xcc\x81\\u{301}", 0 },
    { S("\xe3\x81\x8b\xe3\x82\x99"), "\xe3\x81\x8b\xe3\x82\x99", 0 },
    { S("\xe2\x9d\xa4\xef\xb8\x8f"), "\xe2\x9d\xa4\\u{FE0F}", 0 },
    /* right-to-left letters only in rows */
    { S("\xd8\xb4"), "\xd8\xb4", 0 },
    { S("\xd8\xb4\xd9\x8b"), "\\u{634}\\u{64B}", TEXT_NO_RTL },
    /* a backslash is escaped only where the reader would take it for ours */
    { S("C:\\Users\\x"), "C:\\Users\\x", 0 },
    { S("\\u0041\\n"), "\\u0041\\n", 0 },
    { S("\\x41"), "\\u{5C}x41", 0 },
    { S("\\\\x4f"), "\\\\u{5C}x4f", 0 },
    { S("\\u{41}"), "\\u{5C}u{41}", 0 },
    { S("\\u{110000}\\u{D800}\\u{}\\u{41"), "\\u{110000}\\u{D800}\\u{}\\u{41",
      0 },
    { S("\\x4"), "\\x4", 0 },
};

START_TEST(display_forms_are_as_documented)
{
    struct buf out = { 0 };
    for (size_t i = 0; i < COUNT(forms); i++) {
        buf_clear(&out);
        text_show(&out, forms[i].in, forms[i].flags);
        ck_assert_msg(str_eq(buf_str(&out), str_from(forms[i].out)),
                      "%zu: %.*s", i, STR_ARG(out));
    }
    buf_free(&out);
}
END_TEST

/* ---- properties --------------------------------------------------------- */

/* The reader of the form in other words: no byte that a terminal could obey,
 * no character that hides or reorders. */
static bool is_safe(struct str shown, unsigned flags)
{
    unsigned marks = 3;
    for (size_t at = 0; at < shown.n;) {
        uint32_t cp;
        unsigned n = text_utf8(str_sub(shown, at, 4), &cp);
        at += n;
        if (n == 0 || ((flags & TEXT_ASCII) && cp > 0x7e))
            return false;
        if (cp == '\n' && (flags & TEXT_KEEP_LF))
            continue;
        bool picture = cp >= 0x2400 && cp <= 0x2421;
        enum text_class class = text_point(cp).class;
        if (class == TEXT_PICTURE || (class == TEXT_ESCAPE && !picture) ||
            (class == TEXT_RTL && (flags & TEXT_NO_RTL)))
            return false;
        marks = class == TEXT_MARK ? marks + 1 : 0;
        if (marks > 3)
            return false;
    }
    return true;
}

static struct buf shown, back, clipped;

/* Everything that must hold of any bytes in any mode. */
static const char *broken(struct str s, unsigned flags)
{
    struct text_iter it;
    struct text_cell cell;
    size_t width = 0, at = 0;
    buf_clear(&shown);
    buf_clear(&back);
    text_show(&shown, s, flags);
    if (!is_safe(buf_str(&shown), flags))
        return "not safe";
    if (!text_parse(&back, buf_str(&shown)) || !str_eq(buf_str(&back), s))
        return "not reversible";
    text_iter_open(&it, s, flags);
    while (text_iter_next(&it, &cell)) {
        if (!str_eq(str_sub(buf_str(&shown), at, cell.bytes.n), cell.bytes))
            return "cells differ from the text";
        at += cell.bytes.n;
        width += cell.width;
    }
    if (at != shown.n || it.at != s.n)
        return "cells end early";
    if (width != text_width(buf_str(&shown)))
        return "width differs";
    if (flags & TEXT_KEEP_LF)
        return NULL;
    for (size_t cells = 0; cells < 24; cells += 1 + cells / 4) {
        buf_clear(&clipped);
        size_t used = text_clip(&clipped, s, cells, flags);
        if (used > cells || used != text_width(buf_str(&clipped)))
            return "clip too wide";
        if (width <= cells && !str_eq(buf_str(&clipped), buf_str(&shown)))
            return "clip cut what fits";
    }
    return NULL;
}

static void check(struct str s)
{
    for (unsigned flags = 0; flags < 8; flags++) {
        const char *what = broken(s, flags);
        if (what)
            ck_abort_msg("%s, flags %u: %s", what, flags, text_line(s));
    }
}

static void free_all(void)
{
    buf_free(&shown);
    buf_free(&back);
    buf_free(&clipped);
}

START_TEST(every_code_point_and_byte_is_safe_and_reversible)
{
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        char c[9] = "a";
        if ((cp >= 0xd800 && cp <= 0xdfff) ||
            (cp >= 0x20000 && cp < 0xe0000 && cp % 256 > 3))
            continue;
        size_t n = 1 + text_utf8_put(c + 1, cp);
        unsigned flags = cp % 4;
        const char *what = broken((struct str){ c + 1, n - 1 }, flags);
        what = what ? what : broken((struct str){ c, n }, flags);
        if (what)
            ck_abort_msg("%s: U+%04X", what, cp);
    }
    for (unsigned i = 0; i < 0x10000; i++) {
        char c[2] = { (char)(i >> 8), (char)i };
        const char *what = broken((struct str){ c, 2 }, i % 4);
        if (what)
            ck_abort_msg("%s: bytes %04x", what, i);
    }
    free_all();
}
END_TEST

START_TEST(random_texts_are_safe_and_reversible)
{
    static const char *const tokens[] = {
        "\\",
        "x41",
        "u{41}",
        "u{",
        "}",
        "x",
        "a",
        " ",
        "\x1b",
        "\n",
        "\0x",
        "\xff",
        "\xe3",
        "\x81",
        "\x8b",
        "\xcc\x81",
        "\xe3\x82\x99",
        "\xe2\x80\xae",
        "\xd8\xb4",
        "\xe7\x9b\xa3",
        "\xf0\x9f\x98\x80",
        "\xe2\x90\x9b",
        "\xef\xbf\xbd",
        "5C",
        "\xf3\xa0\x81\x81",
    };
    uint64_t seed = 3;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        size_t n = 0, want = rng(&seed) % 40;
        while (n < want) {
            if (i % 2) {
                text[n++] = (char)rng(&seed);
                continue;
            }
            const char *token = tokens[rng(&seed) % COUNT(tokens)];
            for (; *token; token++)
                text[n++] = *token;
        }
        const char *what = broken((struct str){ text, n }, (unsigned)i % 8);
        if (what)
            ck_abort_msg("%s: %s", what, text_line((struct str){ text, n }));
    }
    free_all();
}
END_TEST

START_TEST(only_display_forms_are_parsed)
{
    struct buf out = { 0 };
    buf_putz(&out, "kept");
    ck_assert(!text_parse(&out, STR("a\xff")));
    ck_assert(!text_parse(&out, STR("a\x1b")));
    ck_assert(!text_parse(&out, STR("a\x7f")));
    ck_assert_uint_eq(out.n, 4);
    ck_assert(text_parse(&out, STR("\\x1b\\u{76e3}\n")));
    ck_assert(str_eq(buf_str(&out), STR("kept\x1b\xe7\x9b\xa3\n")));
    buf_free(&out);
}
END_TEST

START_TEST(cuts_tell_how_much_is_missing)
{
    static const struct {
        const char *in;
        size_t cells;
        const char *out;
        unsigned flags;
    } cuts[] = {
        { "abcdefghij", 10, "abcdefghij", 0 },
        { "abcdefghij", 9, "abcdef\xe2\x80\xa6+4", 0 },
        { "abcdefghij", 4, "a\xe2\x80\xa6+9", 0 },
        { "abcdefghij", 5, "ab\xe2\x80\xa6+8", 0 },
        { "abcdefghij", 1, "\xe2\x80\xa6", 0 },
        { "abcdefghij", 0, "", 0 },
        { "abcdefghij", 6, "abc~+7", TEXT_ASCII },
        { "\xe7\x9b\xa3\xe8\xa6\x96\xe7\x9b\xa3", 6,
          "\xe7\x9b\xa3\xe8\xa6\x96\xe7\x9b\xa3", 0 },
        { "\xe7\x9b\xa3\xe8\xa6\x96\xe7\x9b\xa3", 5,
          "\xe7\x9b\xa3\xe2\x80\xa6+6", 0 },
        { "ab\x1b\xff\xff", 9, "ab\xe2\x90\x9b\xe2\x80\xa6+2", 0 },
    };
    struct buf out = { 0 };
    for (size_t i = 0; i < COUNT(cuts); i++) {
        buf_clear(&out);
        text_clip(&out, str_from(cuts[i].in), cuts[i].cells, cuts[i].flags);
        ck_assert_msg(str_eq(buf_str(&out), str_from(cuts[i].out)), "%zu: %.*s",
                      i, STR_ARG(out));
    }
    buf_free(&out);
}
END_TEST

START_TEST(message_lines_are_short_and_safe)
{
    static char big[1 << 20];
    static const char *const units[] = { "a", "\x1b", "\xff", "\xe7\x9b\xa3",
                                         "a\xcc\x81\xcc\x81\xcc\x81" };
    const char *lines[8];
    for (size_t u = 0; u < COUNT(units); u++) {
        struct str unit = str_from(units[u]);
        for (size_t i = 0; i < sizeof(big); i++)
            big[i] = unit.p[i % unit.n];
        for (size_t n = 0; n < 200; n++) {
            struct str line = str_from(text_line((struct str){ big, n }));
            ck_assert_uint_lt(line.n, 160);
            ck_assert(is_safe(line, TEXT_NO_RTL));
        }
        ck_assert_ptr_nonnull(
            strstr(text_line((struct str){ big, sizeof(big) }), "+1048"));
    }
    for (int i = 0; i < 8; i++) {
        char name[2] = { (char)('a' + i), 0 };
        lines[i] = text_line(str_from(name));
    }
    for (int i = 0; i < 8; i++)
        ck_assert(lines[i][0] == 'a' + i && lines[i][1] == 0);
}
END_TEST

/* The class by libunistring, without our own short cuts. */
START_TEST(letters_and_widths_are_those_of_unicode)
{
    for (uint32_t cp = 0x80; cp < 0x110000; cp++) {
        struct text_point point = text_point(cp);
        bool letter = uc_is_general_category_withtable(
            cp, UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Ll |
                    UC_CATEGORY_MASK_Nd | UC_CATEGORY_MASK_S);
        bool hidden = uc_is_general_category_withtable(cp, UC_CATEGORY_MASK_C);
        bool shown_plain = point.class == TEXT_PLAIN || point.class == TEXT_RTL;
        if (shown_plain && (hidden || point.width != uc_width(cp, "UTF-8")))
            ck_abort_msg("U+%04X is not plain", cp);
        /* the pictures, blank Braille, U+FFFD and the null notehead */
        bool ours = (cp >= 0x2400 && cp <= 0x2421) || cp == 0x2800 ||
                    cp == 0xfffd || cp == 0x1d159;
        if (letter && !ours && !shown_plain && uc_width(cp, "UTF-8") > 0)
            ck_abort_msg("U+%04X is plain", cp);
    }
}
END_TEST

/* ---- sinks -------------------------------------------------------------- */

/* ck_assert is too slow to be asked for every byte. */
static void need(bool good, const char *what)
{
    if (!good)
        ck_abort_msg("%s", what);
}

static void sink_html(struct str s)
{
    struct buf out = { 0 }, plain = { 0 }, form = { 0 };
    text_html(&out, s);
    text_show(&form, s, 0);
    for (size_t i = 0; i < out.n; i++) {
        static const struct {
            const char *name;
            char c;
        } entities[] = { { "&amp;", '&' },
                         { "&lt;", '<' },
                         { "&gt;", '>' },
                         { "&quot;", '"' },
                         { "&#39;", '\'' } };
        char c = out.p[i];
        need(c != '<' && c != '>' && c != '"' && c != '\'', "html");
        for (size_t e = 0; c == '&' && e < COUNT(entities); e++) {
            struct str name = str_from(entities[e].name);
            if (str_starts(str_sub(buf_str(&out), i, out.n), name)) {
                buf_putc(&plain, entities[e].c);
                i += name.n - 1;
                c = 0;
            }
        }
        need(c != '&', "entity");
        if (c)
            buf_putc(&plain, c);
    }
    ck_assert(str_eq(buf_str(&plain), buf_str(&form)));
    buf_free(&out);
    buf_free(&plain);
    buf_free(&form);
}

/* A reader of RFC 4180 fields: the value of the one field that `f` is. */
static bool csv_read(struct str f, struct buf *out)
{
    if (f.n == 0 || f.p[0] != '"') {
        for (size_t i = 0; i < f.n; i++)
            if (f.p[i] == '"' || f.p[i] == ',' || f.p[i] == '\n' ||
                f.p[i] == '\r')
                return false;
        buf_put(out, f);
        return true;
    }
    if (f.n < 2 || f.p[f.n - 1] != '"')
        return false;
    for (size_t i = 1; i < f.n - 1; i++) {
        if (f.p[i] == '"' && (i + 1 == f.n - 1 || f.p[++i] != '"'))
            return false;
        buf_putc(out, f.p[i]);
    }
    return true;
}

static void sink_csv(struct str s)
{
    struct buf field = { 0 }, value = { 0 };
    text_csv(&field, s, false);
    ck_assert(csv_read(buf_str(&field), &value));
    ck_assert(str_eq(buf_str(&value), s));
    buf_clear(&field);
    buf_clear(&value);
    text_csv(&field, s, true);
    ck_assert(csv_read(buf_str(&field), &value));
    ck_assert(is_safe(buf_str(&value), 0));
    ck_assert(value.n == 0 || !strchr("=+-@", value.p[0]) || value.p[0] == 0);
    bool quoted = value.n && value.p[0] == '\'' && (s.n == 0 || s.p[0] != '\'');
    struct buf source = { 0 };
    ck_assert(text_parse(&source, str_sub(buf_str(&value), quoted, value.n)));
    ck_assert(str_eq(buf_str(&source), s));
    buf_free(&source);
    buf_free(&field);
    buf_free(&value);
}

static void sink_json(struct str s)
{
    struct buf b = { 0 };
    struct arena a = { 0 };
    struct json_out o = { &b, false };
    json_put_str(&o, s);
    ck_assert(json_valid(buf_str(&b), NULL, NULL));
    for (size_t i = 0; i < b.n; i++)
        need(b.p[i] >= 0x20 || b.p[i] < 0, "json");
    struct str back_text = STR_NONE;
    if (text_utf8_valid(s)) {
        ck_assert(
            json_decode(str_sub(buf_str(&b), 1, b.n - 2), &a, &back_text));
        ck_assert(str_eq(back_text, s));
    } else {
        json_get(buf_str(&b), STR("bytes_hex"), &back_text, NULL);
        ck_assert_uint_eq(back_text.n, 2 * s.n);
    }
    arena_free(&a);
    buf_free(&b);
}

static void sink_cite(struct str s)
{
    struct buf b = { 0 }, source = { 0 };
    for (int slash = 0; slash < 2; slash++) {
        buf_clear(&b);
        buf_clear(&source);
        text_cite(&b, s, slash);
        for (size_t i = 0; i < b.n; i++)
            need(b.p[i] > ' ' && b.p[i] < 0x7f &&
                     !strchr(slash ? "@#+!/" : "@#+!", b.p[i]),
                 "cite");
        ck_assert(text_uncite(&source, buf_str(&b)));
        ck_assert(str_eq(buf_str(&source), s));
    }
    buf_free(&b);
    buf_free(&source);
}

static void sink_shell_text(struct str s)
{
    struct buf b = { 0 };
    text_shell(&b, s);
    ck_assert(is_safe(buf_str(&b), 0));
    buf_free(&b);
}

static void all_sinks(struct str s)
{
    check(s);
    sink_html(s);
    sink_csv(s);
    sink_json(s);
    sink_cite(s);
    sink_shell_text(s);
}

/* ---- the list of naughty strings ---------------------------------------- */

enum { NAUGHTY_MAX = 1024 };
static struct str naughty[NAUGHTY_MAX];
static size_t naughty_count;

static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *hit = c ? strchr(digits, c) : NULL;
    return hit ? (int)(hit - digits) : -1;
}

static struct str base64(const char *line)
{
    char *p = malloc(strlen(line) + 1);
    size_t n = 0;
    unsigned bits = 0, v = 0;
    ck_assert_ptr_nonnull(p);
    for (; base64_value(*line) >= 0; line++) {
        v = v << 6 | (unsigned)base64_value(*line);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            p[n++] = (char)(v >> bits);
        }
    }
    return (struct str){ p, n };
}

static void load_naughty(void)
{
    char line[8192];
    FILE *f = fopen(tap_path("tests/data/naughty.txt"), "r");
    ck_assert_ptr_nonnull(f);
    naughty_count = 0;
    while (fgets(line, sizeof(line), f) && naughty_count < NAUGHTY_MAX)
        if (line[0] != '#')
            naughty[naughty_count++] = base64(line);
    fclose(f);
    ck_assert_uint_ge(naughty_count, 515 + 60);
}

static void free_naughty(void)
{
    for (size_t i = 0; i < naughty_count; i++)
        free((char *)naughty[i].p);
    free_all();
}

START_TEST(naughty_strings_pass_every_sink)
{
    for (size_t i = 0; i < naughty_count; i++)
        all_sinks(naughty[i]);
    char *big = malloc(1 << 20);
    ck_assert_ptr_nonnull(big);
    for (size_t i = 0; i < 1 << 20; i++)
        big[i] = (char)(i * 2654435761u >> 13);
    all_sinks((struct str){ big, 1 << 20 });
    free(big);
}
END_TEST

/* One bash gets every string as a word of a printf and must give the bytes
 * back; strings with NUL cannot be words. */
START_TEST(a_shell_gives_the_same_bytes)
{
    char path[4200], out[4200];
    if (access("/bin/bash", X_OK) != 0)
        return;
    snprintf(path, sizeof(path), "%s/words.sh", tap_dir());
    snprintf(out, sizeof(out), "%s/words.out", tap_dir());
    struct buf script = { 0 }, want = { 0 };
    for (size_t i = 0; i < naughty_count; i++) {
        if (naughty[i].n && memchr(naughty[i].p, 0, naughty[i].n))
            continue;
        buf_putz(&script, "printf '%s\\0' ");
        text_shell(&script, naughty[i]);
        buf_putc(&script, '\n');
        buf_put(&want, naughty[i]);
        buf_putc(&want, 0);
    }
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(script.p, 1, script.n, f), script.n);
    fclose(f);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen(out, "w", stdout))
            _exit(98);
        execl("/bin/bash", "bash", path, (char *)NULL);
        _exit(99);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    char *got = malloc(want.n + 1);
    f = fopen(out, "r");
    ck_assert(got && f);
    size_t n = fread(got, 1, want.n + 1, f);
    fclose(f);
    ck_assert_uint_eq(n, want.n);
    ck_assert_mem_eq(got, want.p, n);
    free(got);
    buf_free(&script);
    buf_free(&want);
}
END_TEST

static void gives(void (*sink)(struct buf *, struct str), const char *in,
                  const char *out)
{
    struct buf b = { 0 };
    sink(&b, str_from(in));
    ck_assert_msg(str_eq(buf_str(&b), str_from(out)), "%s: %.*s", in,
                  STR_ARG(b));
    buf_free(&b);
}

static void csv_safe(struct buf *b, struct str s)
{
    text_csv(b, s, true);
}

static void csv_exact(struct buf *b, struct str s)
{
    text_csv(b, s, false);
}

static void cite_part(struct buf *b, struct str s)
{
    text_cite(b, s, true);
}

START_TEST(sinks_write_what_they_promise)
{
    gives(text_html, "<a href=\"x\">&'",
          "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    gives(csv_safe, "=1+1", "'=1+1");
    gives(csv_safe, "  -1", "'  -1");
    gives(csv_safe, "\tx", "'\xe2\x90\x89x");
    gives(csv_safe,
          "\xef\xbc\x9d"
          "1",
          "'\xef\xbc\x9d"
          "1");
    gives(csv_safe, "a,\"b\"", "\"a,\"\"b\"\"\"");
    gives(csv_exact, "=1+1", "=1+1");
    gives(csv_exact, "a\r\nb", "\"a\r\nb\"");
    gives(csv_exact, " x", "\" x\"");
    gives(text_shell, "", "''");
    gives(text_shell, "/var/log/a-b.log", "/var/log/a-b.log");
    gives(text_shell, "-rf", "'-rf'");
    gives(text_shell, "it's", "'it'\\''s'");
    gives(text_shell, "a\nb'\\\xff", "$'a\\x0Ab\\'\\\\\\xFF'");
    gives(text_shell, "\xe7\x9b\xa3", "'\xe7\x9b\xa3'");
    gives(cite_part, "a/b c%@#+!\xff", "a%2Fb%20c%25%40%23%2B%21%FF");
    struct buf b = { 0 };
    ck_assert(!text_uncite(&b, STR("a%4")));
    ck_assert(!text_uncite(&b, STR("a%4x")));
    ck_assert_uint_eq(b.n, 0);
    buf_free(&b);
}
END_TEST

/* ---- UTF-8 -------------------------------------------------------------- */

START_TEST(utf8_is_decoded_strictly)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x20",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xe1\x80",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80",
        "\xff",
        "\xf1\x80\x80",
    };
    uint32_t cp;
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_uint_eq(text_utf8(str_from(bad[i]), &cp), 0);
        ck_assert(!text_utf8_valid(str_from(bad[i])));
    }
    for (uint32_t v = 0; v < 0x110000; v++) {
        char c[4];
        unsigned n = text_utf8_put(c, v);
        bool surrogate = v >= 0xd800 && v <= 0xdfff;
        cp = 0x110000;
        unsigned got = text_utf8((struct str){ c, n }, &cp);
        if (got != (surrogate ? 0 : n) || (!surrogate && cp != v))
            ck_abort_msg("U+%04X", v);
    }
    ck_assert_uint_eq(text_utf8(STR(""), &cp), 0);
    ck_assert(text_utf8_valid(STR("")));
}
END_TEST

START_TEST(validity_is_found_at_any_offset)
{
    char text[80];
    for (size_t n = 1; n < sizeof(text); n++)
        for (size_t at = 0; at < n; at++) {
            memset(text, 'x', n);
            text[at] = (char)0xe7;
            if (at + 3 <= n)
                memcpy(text + at, "\xe7\x9b\xa3", 3);
            bool valid = text_utf8_valid((struct str){ text, n });
            if (valid != (at + 3 <= n))
                ck_abort_msg("%zu of %zu", at, n);
        }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("text");
    TCase *c;
    tap_case(s, "forms", display_forms_are_as_documented);
    tap_case(s, "points", every_code_point_and_byte_is_safe_and_reversible);
    tap_case(s, "random", random_texts_are_safe_and_reversible);
    tap_case(s, "classes", letters_and_widths_are_those_of_unicode);
    tap_case(s, "parse", only_display_forms_are_parsed);
    tap_case(s, "clip", cuts_tell_how_much_is_missing);
    tap_case(s, "line", message_lines_are_short_and_safe);
    c = tap_case(s, "naughty", naughty_strings_pass_every_sink);
    tcase_add_checked_fixture(c, load_naughty, free_naughty);
    c = tap_case(s, "shell", a_shell_gives_the_same_bytes);
    tcase_add_checked_fixture(c, load_naughty, free_naughty);
    tap_case(s, "sinks", sinks_write_what_they_promise);
    tap_case(s, "utf-8", utf8_is_decoded_strictly);
    tap_case(s, "utf-8", validity_is_found_at_any_offset);
    return s;
}
