/* zip and tar: members with their places, and what is wrong with them. */
#include "evidence/archive.h"

#include <stdio.h>
#include <zlib.h>

#include "base/varint.h"
#include "tests/tap.h"

/* ---- building ----------------------------------------------------------- */

struct zip {
    struct buf b, dir;
    unsigned n;
};

static void le(struct buf *b, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_putc(b, (char)(i < 8 ? v >> 8 * i : 0));
}

struct entry {
    const char *name, *local; /* local: other name there, or NULL */
    const char *text;
    unsigned method, flags;
    uint32_t size; /* stated, 0 = the text's */
    uint32_t head; /* stated place + 1, 0 = the true one */
};

static void zip_add(struct zip *z, struct entry e)
{
    struct str name = str_from(e.name);
    struct str local = str_from(e.local ? e.local : e.name);
    struct str text = str_from(e.text);
    uint32_t size = e.size ? e.size : (uint32_t)text.n;
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)text.p, (uInt)text.n);
    uint64_t at = e.head ? e.head - 1 : z->b.n;
    buf_put(&z->b, STR("PK\x03\x04\x14\0"));
    le(&z->b, e.flags, 2);
    le(&z->b, e.method, 2);
    le(&z->b, 0, 4);
    le(&z->b, crc, 4);
    le(&z->b, text.n, 4);
    le(&z->b, size, 4);
    le(&z->b, local.n, 2);
    le(&z->b, 0, 2);
    buf_put(&z->b, local);
    buf_put(&z->b, text);
    buf_put(&z->dir, STR("PK\x01\x02\x14\0\x14\0"));
    le(&z->dir, e.flags, 2);
    le(&z->dir, e.method, 2);
    le(&z->dir, 0, 4);
    le(&z->dir, crc, 4);
    le(&z->dir, text.n, 4);
    le(&z->dir, size, 4);
    le(&z->dir, name.n, 2);
    le(&z->dir, 0, 12);
    le(&z->dir, at, 4);
    buf_put(&z->dir, name);
    z->n++;
}

static void zip_end(struct zip *z, unsigned count)
{
    size_t at = z->b.n;
    buf_put(&z->b, buf_str(&z->dir));
    buf_put(&z->b, STR("PK\x05\x06\0\0\0\0"));
    le(&z->b, count, 2);
    le(&z->b, count, 2);
    le(&z->b, z->dir.n, 4);
    le(&z->b, at, 4);
    le(&z->b, 0, 2);
}

static void zip_free(struct zip *z)
{
    buf_free(&z->b);
    buf_free(&z->dir);
}

static void tar_add(struct buf *b, const char *name, char type,
                    const char *size, const char *text)
{
    unsigned char h[512] = { 0 };
    unsigned sum = 0;
    size_t n = strlen(text);
    memcpy(h, name, strlen(name) < 100 ? strlen(name) : 100);
    memcpy(h + 124, size, strlen(size) < 12 ? strlen(size) : 12);
    memcpy(h + 136, "00000000017", 11);
    memcpy(h + 148, "        ", 8);
    h[156] = (unsigned char)type;
    memcpy(h + 257,
           "ustar\0"
           "00",
           8);
    for (size_t i = 0; i < sizeof h; i++)
        sum += h[i];
    snprintf((char *)h + 148, 8, "%06o", sum);
    buf_put(b, (struct str){ (char *)h, sizeof h });
    buf_put(b, (struct str){ text, n });
    while (b->n % 512)
        buf_putc(b, '\0');
}

static void tar_end(struct buf *b)
{
    for (int i = 0; i < 1024; i++)
        buf_putc(b, '\0');
}

/* ---- looking ------------------------------------------------------------ */

struct opened {
    struct source *s;
    struct members m;
};

static struct opened list(struct buf *b, enum archive_kind kind)
{
    struct opened o = { source_open_memory(buf_str(b), NULL), { 0 } };
    ck_assert_int_eq(members_list(o.s, kind, &o.m, NULL), 0);
    return o;
}

static void done(struct opened *o)
{
    members_free(&o->m);
    source_close(o->s);
}

static const struct archive_member *named(const struct opened *o,
                                          const char *name)
{
    for (size_t i = 0; i < o->m.n; i++)
        if (str_eq(o->m.members[i].name, str_from(name)))
            return &o->m.members[i];
    ck_abort_msg("no member %s", name);
    return NULL;
}

static bool has_issue(const struct opened *o, const char *code)
{
    for (size_t i = 0; i < o->m.n_issues; i++)
        if (strcmp(o->m.issues[i].code, code) == 0)
            return true;
    return false;
}

static void is_text(const struct opened *o, const char *name, const char *text)
{
    char buf[200];
    size_t got;
    struct source *s = members_open(o->s, o->m.kind, named(o, name), NULL);
    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(source_read(s, 0, buf, sizeof buf, &got, NULL), 0);
    ck_assert_uint_eq(got, strlen(text));
    ck_assert_mem_eq(buf, text, got);
    source_close(s);
}

/* ---- zip ---------------------------------------------------------------- */

START_TEST(zip_members_are_sorted_and_read)
{
    struct zip z = { 0 };
    zip_add(&z, (struct entry){ .name = "b", .text = "bee" });
    zip_add(&z, (struct entry){ .name = "a", .text = "ay" });
    zip_end(&z, 2);
    struct opened o = list(&z.b, ARCHIVE_ZIP);
    ck_assert_uint_eq(o.m.n, 2);
    ck_assert_int_eq(o.m.members[0].name.p[0], 'a');
    ck_assert_uint_eq(o.m.n_issues, 0);
    is_text(&o, "b", "bee");
    struct source *s = source_open_layers(o.s, STR("!zip/a"), NULL);
    ck_assert_str_eq(s->layer, "zip/a");
    source_close(s);
    done(&o);
    zip_free(&z);
}
END_TEST

START_TEST(zip_lies_are_flagged)
{
    static const struct {
        struct entry e;
        uint32_t flags;
    } cases[] = {
        { { .name = "../../x", .text = "1" }, ARCHIVE_UNSAFE },
        { { .name = "/abs", .text = "1" }, ARCHIVE_UNSAFE },
        { { .name = "C:\\x", .text = "1" }, ARCHIVE_UNSAFE },
        { { .name = "a/../../b", .text = "1" }, ARCHIVE_UNSAFE },
        { { .name = "new\nline", .text = "1" }, ARCHIVE_UNSAFE },
        { { .name = "n", .local = "other", .text = "1" }, ARCHIVE_MISMATCH },
        { { .name = "n", .text = "1", .flags = 1 }, ARCHIVE_ENCRYPTED },
        { { .name = "n", .text = "1", .method = 99 }, ARCHIVE_METHOD },
        { { .name = "n", .text = "1", .head = 999999 }, ARCHIVE_BEYOND },
        { { .name = "n", .text = "1", .size = 77 }, ARCHIVE_MISMATCH },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zip z = { 0 };
        zip_add(&z, cases[i].e);
        zip_end(&z, 1);
        struct opened o = list(&z.b, ARCHIVE_ZIP);
        ck_assert_uint_eq(o.m.n, 1);
        ck_assert_msg((o.m.members[0].flags & cases[i].flags) != 0,
                      "case %zu: flags %x", i, o.m.members[0].flags);
        done(&o);
        zip_free(&z);
    }
}
END_TEST

START_TEST(zip_overlap_duplicate_and_count)
{
    struct zip z = { 0 };
    zip_add(&z, (struct entry){ .name = "k", .text = "kernel" });
    zip_add(&z, (struct entry){ .name = "k", .text = "x", .head = 1 });
    zip_end(&z, 9);
    struct opened o = list(&z.b, ARCHIVE_ZIP);
    ck_assert_uint_eq(o.m.n, 2);
    ck_assert(o.m.members[0].flags & ARCHIVE_OVERLAP);
    ck_assert(o.m.members[1].flags & ARCHIVE_DUPLICATE);
    ck_assert_ptr_null(members_open(o.s, ARCHIVE_ZIP, &o.m.members[0], NULL));
    ck_assert(has_issue(&o, "zip-count"));
    done(&o);
    zip_free(&z);
}
END_TEST

START_TEST(zip_cut_at_every_byte)
{
    struct zip z = { 0 };
    zip_add(&z, (struct entry){ .name = "a", .text = "some text" });
    zip_add(&z, (struct entry){ .name = "b", .text = "other text" });
    zip_end(&z, 2);
    for (size_t n = 0; n < z.b.n; n++) {
        struct buf cut = { .p = z.b.p, .n = n };
        struct opened o = list(&cut, ARCHIVE_ZIP);
        ck_assert_msg(o.m.n_issues > 0, "cut at %zu", n);
        done(&o);
    }
    zip_free(&z);
}
END_TEST

/* ---- tar ---------------------------------------------------------------- */

START_TEST(tar_members_and_long_names)
{
    struct buf b = { 0 };
    char name[301];
    memset(name, 'n', 300);
    name[300] = '\0';
    tar_add(&b, "plain", '0', "5", "hello");
    tar_add(&b, "././@LongLink", 'L', "455", name);
    tar_add(&b, "nnn", '0', "2", "hi");
    tar_add(&b, "pax", 'x', "43", "14 path=a/b/c\n21 mtime=1.500000000\n");
    tar_add(&b, "short", '0', "1", "x");
    tar_add(&b, "link", '2', "0", "");
    tar_add(&b, "fifo", '6', "0", "");
    tar_end(&b);
    struct opened o = list(&b, ARCHIVE_TAR);
    ck_assert_uint_eq(o.m.n, 5);
    ck_assert_uint_eq(o.m.n_issues, 0);
    is_text(&o, "plain", "hello");
    is_text(&o, name, "hi");
    is_text(&o, "a/b/c", "x");
    ck_assert_int_eq(named(&o, "a/b/c")->m.s, 1);
    ck_assert_uint_eq(named(&o, "a/b/c")->m.ns, 500000000);
    ck_assert_int_eq(named(&o, "plain")->m.s, 15);
    ck_assert_ptr_null(members_open(o.s, ARCHIVE_TAR, named(&o, "link"), NULL));
    ck_assert_ptr_null(members_open(o.s, ARCHIVE_TAR, named(&o, "fifo"), NULL));
    done(&o);
    buf_free(&b);
}
END_TEST

START_TEST(tar_damage_is_named_and_passed)
{
    struct buf b = { 0 };
    tar_add(&b, "a", '0', "1", "1");
    tar_add(&b, "b", '0', "1", "2");
    tar_add(&b, "c", '0', "1", "3");
    tar_end(&b);
    b.p[1024] ^= 1; /* the header of b */
    struct opened o = list(&b, ARCHIVE_TAR);
    ck_assert_uint_eq(o.m.n, 2);
    ck_assert(has_issue(&o, "tar-header"));
    is_text(&o, "c", "3");
    done(&o);
    buf_free(&b);
}
END_TEST

START_TEST(tar_impossible_sizes)
{
    struct buf b = { 0 };
    tar_add(&b, "negative", '0', "\xff\xff\xff\xff\xff\xff\xff\xff", "");
    tar_add(&b, "huge", '0', "77777777777", "");
    struct opened o = list(&b, ARCHIVE_TAR);
    ck_assert(has_issue(&o, "tar-size"));
    ck_assert(has_issue(&o, "tar-cut"));
    ck_assert(named(&o, "huge")->flags & ARCHIVE_BEYOND);
    done(&o);
    buf_free(&b);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("archive");
    tap_case(s, "zip", zip_members_are_sorted_and_read);
    tap_case(s, "zip lies", zip_lies_are_flagged);
    tap_case(s, "zip overlap", zip_overlap_duplicate_and_count);
    tap_case(s, "zip cut", zip_cut_at_every_byte);
    tap_case(s, "tar", tar_members_and_long_names);
    tap_case(s, "tar damage", tar_damage_is_named_and_passed);
    tap_case(s, "tar sizes", tar_impossible_sizes);
    return s;
}
