#include "tests/tap.h"

#include "base/hash.h"
#include "base/varint.h"
#include "evidence/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* small.txt */
static const struct {
    uint64_t start, len;
    const char *sha256;
} small[] = {
    { 0x1000, 0x3000,
      "8a4fbd7219951d7604ff473498bec11075d1c8e365e6c774fb33aae63b6cb222" },
    { 0x6000, 0x1c00,
      "19cd882d657971f1529d03c78590b7cad483457eb02a3571c26e264e33d356da" },
    { 0xa000, 0x2000,
      "a5a96274450dbfc9c7bd11cfb1188b6f351a1dd2e9da03c67367ced6c9f47706" },
    { 0xd000, 0x1000,
      "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7" },
};
enum { SMALL = sizeof small / sizeof *small, SMALL_BYTES = 0x7c00 };

static struct str load(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "tests/data/memory/%s", name);
    int fd = open(tap_path(path), O_RDONLY);
    ck_assert_int_ge(fd, 0);
    off_t n = lseek(fd, 0, SEEK_END);
    char *p = malloc((size_t)n);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(pread(fd, p, (size_t)n, 0), n);
    close(fd);
    return (struct str){ p, (size_t)n };
}

static struct source *file, *phys;
static const struct memory_info *info;
static struct err err;

/* NULL when it is refused; err says why. */
static struct source *open_bytes(struct str bytes)
{
    err = (struct err){ 0 };
    file = source_open_memory(bytes, &err);
    ck_assert_ptr_nonnull(file);
    phys = memory_open(file, &err);
    info = phys ? memory_source_info(phys) : NULL;
    if (!phys)
        ck_assert_int_ne(err.code, 0);
    return phys;
}

static void done(void)
{
    source_close(phys);
    source_close(file);
    phys = file = NULL;
}

static bool has_issue(const char *code)
{
    for (size_t i = 0; info && i < info->n_issues; i++)
        if (strcmp(info->issues[i].code, code) == 0)
            return true;
    return false;
}

static void demand_refused(struct str bytes, const char *why)
{
    ck_assert_ptr_null(open_bytes(bytes));
    ck_assert_msg(strstr(err.what, why) != NULL, "%s", err.what);
    done();
}

static void demand_hash(uint64_t start, uint64_t len, const char *hex)
{
    unsigned char have[SHA256_LEN], want[SHA256_LEN];
    char *p = malloc((size_t)len);
    size_t got = 0;
    ck_assert_int_eq(source_read(phys, start, p, (size_t)len, &got, &err), 0);
    ck_assert_uint_eq(got, len);
    ck_assert(hash_sha256((struct str){ p, got }, have));
    ck_assert(hash_from_hex(str_from(hex), want, SHA256_LEN));
    ck_assert_mem_eq(have, want, SHA256_LEN);
    free(p);
}

static void demand_small(const char *name, enum memory_format format)
{
    struct str bytes = load(name);
    ck_assert_msg(open_bytes(bytes) != NULL, "%s: %s", name, err.what);
    ck_assert_int_eq(info->format, format);
    ck_assert_str_eq(phys->layer, "phys");
    ck_assert_uint_eq(phys->size, 0xe000);
    for (size_t i = 0; i < SMALL; i++)
        demand_hash(small[i].start, small[i].len, small[i].sha256);
    if (format != MEMORY_RAW) {
        ck_assert_uint_eq(info->n_issues, 0);
        ck_assert_uint_eq(info->n_ranges, SMALL);
        ck_assert_uint_eq(info->present, SMALL_BYTES);
        ck_assert_uint_eq(source_gap_bytes(phys), 0xe000 - SMALL_BYTES);
        ck_assert_int_eq(phys->gaps[0].kind, GAP_ABSENT);
        ck_assert_uint_eq(phys->gaps[0].len, 0x1000);
    }
    /* one byte at a time, and backwards */
    for (uint64_t at = phys->size; at-- > phys->size - 0x5000;) {
        size_t got = 0;
        char c;
        ck_assert_int_eq(source_read(phys, at, &c, 1, &got, &err), 0);
        ck_assert_uint_eq(got, 1);
    }
    done();
    free((void *)(uintptr_t)bytes.p);
}

START_TEST(each_container_holds_the_same_memory)
{
    demand_small("small.lime", MEMORY_LIME);
    demand_small("small.avml", MEMORY_AVML);
    demand_small("small.elf", MEMORY_ELF);
    demand_small("small.raw", MEMORY_RAW);
}
END_TEST

START_TEST(joined_ranges_are_only_raw)
{
    struct str bytes = load("small.concat.raw");
    ck_assert_ptr_nonnull(open_bytes(bytes));
    ck_assert_int_eq(info->format, MEMORY_RAW);
    ck_assert_uint_eq(info->present, bytes.n / 4096 * 4096);
    ck_assert(has_issue("memory-tail"));
    done();
    free((void *)(uintptr_t)bytes.p);
}
END_TEST

/* What is there of a cut file is what was there of the whole one, and what is
 * missing is said. */
static void cut_everywhere(const char *name)
{
    struct str bytes = load(name);
    struct str whole = { calloc(1, 0xe000), 0xe000 };
    char *p = malloc(0xe000);
    size_t got;
    ck_assert_ptr_nonnull(open_bytes(bytes));
    ck_assert_int_eq(
        source_read(phys, 0, (char *)(uintptr_t)whole.p, 0xe000, &got, &err),
        0);
    done();
    size_t end = bytes.n < 20480 ? bytes.n : 20480;
    for (size_t n = 0; n < end; n++) {
        char *exact = malloc(n ? n : 1); /* so that reading beyond shows */
        memcpy(exact, bytes.p, n);
        if (open_bytes((struct str){ exact, n })) {
            ck_assert(info->n_issues > 0 || info->present < SMALL_BYTES);
            ck_assert_int_eq(source_read(phys, 0, p, 0xe000, &got, &err), 0);
            ck_assert_uint_eq(got, phys->size);
            for (size_t i = 0; i < info->n_ranges; i++) {
                const struct memory_range *r = &info->ranges[i];
                if (!source_gap_in(phys, r->start, r->len))
                    ck_assert_mem_eq(p + r->start, whole.p + r->start, r->len);
            }
        }
        done();
        free(exact);
    }
    free(p);
    free((void *)(uintptr_t)whole.p);
    free((void *)(uintptr_t)bytes.p);
}

START_TEST(a_file_cut_anywhere_gives_what_it_has)
{
    cut_everywhere("small.lime");
    cut_everywhere("small.avml");
}
END_TEST

START_TEST(a_damaged_chunk_is_unreadable)
{
    struct str bytes = load("small.avml");
    char *p = (char *)(uintptr_t)bytes.p;
    char *all = malloc(0xe000);
    size_t got, gaps = 0;
    p[100] ^= 1; /* in the first chunk */
    ck_assert_ptr_nonnull(open_bytes(bytes));
    ck_assert_int_eq(source_read(phys, 0, all, 0xe000, &got, &err), 0);
    for (size_t i = 0; i < phys->n_gaps; i++)
        gaps += phys->gaps[i].kind == GAP_UNREADABLE;
    ck_assert_uint_eq(gaps, 1);
    for (size_t i = 0x1000; i < 0x4000; i++)
        ck_assert_int_eq(all[i], 0);
    for (size_t i = 1; i < SMALL; i++)
        demand_hash(small[i].start, small[i].len, small[i].sha256);
    done();
    /* a frame's type: its range is lost, the next header is found */
    p[100] ^= 1;
    p[32 + 10] = 0x42;
    ck_assert_ptr_nonnull(open_bytes(bytes));
    ck_assert(has_issue("memory-stream"));
    ck_assert_uint_eq(info->n_ranges, SMALL - 1);
    ck_assert_ptr_nonnull(source_gap_in(phys, 0x1000, 0x3000));
    ck_assert_int_eq(source_gap_in(phys, 0x1000, 1)->kind, GAP_UNREADABLE);
    for (size_t i = 1; i < SMALL; i++)
        demand_hash(small[i].start, small[i].len, small[i].sha256);
    done();
    free(all);
    free(p);
}
END_TEST

/* ---- hostile LiME ------------------------------------------------------- */

static struct buf made;

static void lime(uint64_t start, uint64_t end, size_t n, char fill)
{
    char h[32] = "EMiL\1";
    put_u64le(h + 8, start);
    put_u64le(h + 16, end);
    buf_put(&made, (struct str){ h, sizeof h });
    for (size_t i = 0; i < n; i++)
        buf_putc(&made, fill);
}

static struct source *open_made(void)
{
    struct source *s = open_bytes(buf_str(&made));
    return s;
}

static void again(void)
{
    done();
    buf_clear(&made);
}

static char byte_at(uint64_t at)
{
    char c = 0;
    size_t got;
    ck_assert_int_eq(source_read(phys, at, &c, 1, &got, &err), 0);
    return c;
}

START_TEST(odd_ranges_are_findings)
{
    lime(0x5000, 0x5fff, 4096, 'b'); /* descending */
    lime(0x1000, 0x1fff, 4096, 'a');
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-order"));
    ck_assert_int_eq(byte_at(0x1000), 'a');
    ck_assert_int_eq(byte_at(0x5fff), 'b');
    ck_assert_uint_eq(info->present, 8192);
    again();

    lime(0x1000, 0x2fff, 8192, 'a'); /* overlapping, and one inside */
    lime(0x2000, 0x3fff, 8192, 'b');
    lime(0x1100, 0x11ff, 256, 'c');
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-overlap"));
    ck_assert_uint_eq(info->present, 0x3000);
    ck_assert_uint_eq(info->n_ranges, 1);
    ck_assert_int_eq(byte_at(0x1180), 'a');
    ck_assert_int_eq(byte_at(0x2fff), 'a');
    ck_assert_int_eq(byte_at(0x3000), 'b');
    again();

    lime(0x1000, 0x1fff, 4096, 'a'); /* ends before it starts, then goes on */
    lime(0x9000, 0x8000, 100, 'x');
    lime(0x2000, 0x2fff, 4096, 'b');
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-break"));
    ck_assert_uint_eq(info->present, 8192);
    ck_assert_int_eq(byte_at(0x2000), 'b');
    again();

    lime(0x1000, UINT64_MAX, 4096, 'a');
    demand_refused(buf_str(&made), "beyond 2^52");
    buf_clear(&made);
    lime(0, UINT64_MAX, 4096, 'a');
    demand_refused(buf_str(&made), "beyond 2^52");
    buf_clear(&made);
    lime(0x1000, (UINT64_C(1) << 52) - 1, 4096, 'a'); /* huge, cut */
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-cut"));
    ck_assert_uint_eq(info->present, 4096);
    ck_assert_uint_eq(phys->size, 0x2000);
    again();
    lime(0x1000, 0x1fff, 4096, 'a');
    buf_putz(&made, "and then something else, longer than a header");
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-break"));
    again();
    buf_free(&made);
}
END_TEST

START_TEST(very_many_ranges_end)
{
    for (uint64_t i = 0; i < MEMORY_RANGES_MAX + 5; i++)
        lime(i * 2, i * 2, 1, 'a');
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-ranges"));
    ck_assert_uint_eq(info->n_ranges, MEMORY_RANGES_MAX);
    again();
    buf_free(&made);
}
END_TEST

/* ---- hostile ELF -------------------------------------------------------- */

START_TEST(elf_headers_are_checked)
{
    struct str bytes = load("small.elf");
    char *p = (char *)(uintptr_t)bytes.p;
    char keep[64];
    memcpy(keep, p, 64);
    p[4] = 1;
    demand_refused(bytes, "32 bits");
    memcpy(p, keep, 64);
    put_u64le(p + 32, UINT64_MAX - 10);
    demand_refused(bytes, "beyond the end");
    memcpy(p, keep, 64);
    p[54] = 8;
    demand_refused(bytes, "segment headers of");
    memcpy(p, keep, 64);
    p[56] = p[57] = 0;
    demand_refused(bytes, "without segments");
    p[56] = p[57] = '\xff'; /* the number is in a section that is not there */
    put_u64le(p + 40, UINT64_MAX - 3);
    demand_refused(bytes, "section header");
    put_u64le(p + 40, 16); /* or holds a number that cannot be */
    put_u32le(p + 60, UINT32_MAX);
    demand_refused(bytes, "beyond the end");
    memcpy(p, keep, 64);
    /* the true number where PN_XNUM puts it */
    unsigned n = u16le(p + 56);
    char *longer = calloc(1, bytes.n + 64);
    memcpy(longer, p, bytes.n);
    longer[56] = longer[57] = '\xff';
    put_u64le(longer + 40, bytes.n);
    put_u32le(longer + bytes.n + 44, n);
    ck_assert_ptr_nonnull(open_bytes((struct str){ longer, bytes.n + 64 }));
    for (size_t i = 0; i < SMALL; i++)
        demand_hash(small[i].start, small[i].len, small[i].sha256);
    done();
    free(longer);
    free(p);
}
END_TEST

/* An ELF core with two segments of a page. */
static void elf(const uint64_t v[2][4])
{
    char h[64 + 112] = "\x7f"
                       "ELF\2\1\1";
    h[16] = 4;
    h[18] = 62;
    put_u64le(h + 32, 64);
    h[54] = 56;
    h[56] = 2;
    for (int i = 0; i < 2; i++) {
        char *p = h + 64 + i * 56;
        p[0] = 1;
        put_u64le(p + 8, v[i][0]);
        put_u64le(p + 24, v[i][1]);
        put_u64le(p + 32, v[i][2]);
        put_u64le(p + 40, v[i][3]);
    }
    buf_put(&made, (struct str){ h, sizeof h });
    for (int i = 0; i < 8192; i++)
        buf_putc(&made, i < 4096 ? 'a' : 'b');
}

START_TEST(elf_segments_are_checked)
{
    /* offset, address, in file, in memory */
    elf((const uint64_t[2][4]){ { 176, 0x1000, 4096, 8192 },
                                { 4272, 0x8000, 4096, 4096 } });
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-short"));
    ck_assert_int_eq(byte_at(0x1fff), 'a');
    ck_assert_int_eq(byte_at(0x8fff), 'b');
    ck_assert_ptr_nonnull(source_gap_in(phys, 0x2000, 1));
    again();
    elf((const uint64_t[2][4]){ { 176, 0x1000, 4096, 4096 },
                                { UINT64_MAX - 5, 0x8000, 4096, 4096 } });
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-cut"));
    ck_assert_uint_eq(phys->size, 0x2000);
    again();
    elf((const uint64_t[2][4]){ { 176, UINT64_MAX, 4096, 4096 },
                                { 4272, 0x8000, UINT64_MAX, UINT64_MAX } });
    ck_assert_ptr_null(open_made());
    again();
    elf((const uint64_t[2][4]){ { 176, UINT64_MAX, 4096, 4096 },
                                { 4272, 0x8000, 4096, 4096 } });
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-no-address"));
    again();
    elf((const uint64_t[2][4]){ { 0, 0x1000, 8000, 8000 },
                                { 0, 0x10000, 8000, 8000 } });
    ck_assert_ptr_nonnull(open_made());
    ck_assert(has_issue("memory-shared"));
    ck_assert_uint_eq(info->present, 8000);
    again();
    elf((const uint64_t[2][4]){ { 176, 0, 4096, 4096 },
                                { 4272, 0, 4096, 4096 } });
    demand_refused(buf_str(&made), "of a process");
    again();
    buf_free(&made);
}
END_TEST

START_TEST(what_is_not_read_is_named)
{
    static const char *const heads[] = { "KDUMP   ", "DISKDUMP", "PAGEDU64",
                                         "PAGEDUMP", "\xd2\xbe\xd2\xbe" };
    char page[8192] = { 0 };
    demand_refused(STR(""), "empty");
    demand_refused((struct str){ page, 4095 }, "less than one page");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        memset(page, 0, sizeof page);
        memcpy(page, heads[i], strlen(heads[i]));
        demand_refused((struct str){ page, sizeof page }, "not read");
    }
    memset(page, 0, sizeof page);
    memcpy(page, "makedumpfile", 12);
    demand_refused((struct str){ page, sizeof page }, "flattened");
    memset(page, 0, sizeof page);
    memcpy(page + 4086, "S1SUSPEND", 9);
    demand_refused((struct str){ page, sizeof page }, "hibernation");
    memset(page, 0, sizeof page);
    memcpy(page, "EMiL\7", 5);
    demand_refused((struct str){ page, sizeof page }, "unknown version");
}
END_TEST

START_TEST(the_layer_is_opened_from_a_citation)
{
    struct str bytes = load("small.avml");
    struct source *f = source_open_memory(bytes, &err);
    struct source *s = source_open_layers(f, STR("!phys"), &err);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->size, 0xe000);
    source_close(s);
    source_close(f);
    free((void *)(uintptr_t)bytes.p);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("memory");
    tap_case(s, "containers", each_container_holds_the_same_memory);
    tap_case(s, "joined", joined_ranges_are_only_raw);
    tap_case(s, "cut", a_file_cut_anywhere_gives_what_it_has);
    tap_case(s, "damage", a_damaged_chunk_is_unreadable);
    tap_case(s, "lime", odd_ranges_are_findings);
    tap_case(s, "many", very_many_ranges_end);
    tap_case(s, "elf", elf_headers_are_checked);
    tap_case(s, "segments", elf_segments_are_checked);
    tap_case(s, "named", what_is_not_read_is_named);
    tap_case(s, "layer", the_layer_is_opened_from_a_citation);
    return s;
}
