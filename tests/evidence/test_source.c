/* Sources: reads are clipped, gaps are merged and pass through layers. */
#include "evidence/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/evidence/zeros.h"
#include "tests/tap.h"

static struct source *of(const char *z)
{
    return source_open_memory(str_from(z), NULL);
}

START_TEST(reads_are_clipped_at_the_end)
{
    char buf[10] = "";
    size_t got = 9;
    struct source *s = of("0123456789");
    ck_assert_int_eq(source_read(s, 8, buf, 10, &got, NULL), 0);
    ck_assert_uint_eq(got, 2);
    ck_assert_int_eq(source_read(s, 10, buf, 1, &got, NULL), 0);
    ck_assert_uint_eq(got, 0);
    ck_assert_int_eq(source_read(s, UINT64_MAX, buf, 10, &got, NULL), 0);
    ck_assert_uint_eq(got, 0);
    source_close(s);
    source_close(NULL);
}
END_TEST

START_TEST(gaps_are_merged_and_clipped)
{
    struct source *s = of("0123456789");
    source_add_gap(s, 2, 2, GAP_UNREADABLE);
    source_add_gap(s, 6, 2, GAP_UNREADABLE);
    ck_assert_uint_eq(s->n_gaps, 2);
    source_add_gap(s, 4, 2, GAP_UNREADABLE);
    ck_assert_uint_eq(s->n_gaps, 1);
    ck_assert_uint_eq(s->gaps[0].off, 2);
    ck_assert_uint_eq(s->gaps[0].len, 6);
    source_add_gap(s, 0, UINT64_MAX, GAP_ABSENT);
    ck_assert_uint_eq(s->n_gaps, 3);
    ck_assert_uint_eq(source_gap_bytes(s), 10);
    source_add_gap(s, 10, 5, GAP_ABSENT);
    ck_assert_uint_eq(source_gap_bytes(s), 10);
    ck_assert_ptr_null(source_gap_in(s, 3, 0));
    ck_assert_int_eq(source_gap_in(s, 3, 1)->kind, GAP_UNREADABLE);
    ck_assert_int_eq(source_gap_in(s, 9, 100)->kind, GAP_ABSENT);
    source_close(s);
}
END_TEST

/* Against a plain array, in any order. */
START_TEST(gaps_agree_with_a_map_of_bytes)
{
    static const char bytes[997] = { 0 };
    struct source *s =
        source_open_memory((struct str){ bytes, sizeof bytes }, NULL);
    bool map[sizeof bytes] = { false };
    unsigned seed = 7;
    for (int i = 0; i < 3000; i++) {
        seed = seed * 1103515245u + 12345u;
        size_t off = seed >> 8 & 1023, len = seed >> 20 & 7;
        source_add_gap(s, off, len,
                       seed >> 30 & 1 ? GAP_ABSENT : GAP_UNREADABLE);
        for (size_t k = off; k < off + len && k < sizeof bytes; k++)
            map[k] = true;
        for (size_t k = 1; k < s->n_gaps; k++)
            ck_assert(s->gaps[k - 1].off + s->gaps[k - 1].len <=
                      s->gaps[k].off);
    }
    for (size_t k = 0; k < sizeof bytes; k++)
        ck_assert_int_eq(source_gap_in(s, k, 1) != NULL, map[k]);
    source_close(s);
}
END_TEST

START_TEST(slices_take_over_gaps_and_name_what_is_missing)
{
    char buf[8];
    size_t got;
    struct source *s = of("0123456789");
    source_add_gap(s, 5, 1, GAP_UNREADABLE);
    struct source *p = source_open_slice(s, 4, 8, "p1", NULL);
    ck_assert_str_eq(p->layer, "p1");
    ck_assert_int_eq(source_read(p, 0, buf, 8, &got, NULL), 0);
    ck_assert_mem_eq(buf, "456789\0\0", 8);
    ck_assert_int_eq(source_gap_in(p, 1, 1)->kind, GAP_UNREADABLE);
    ck_assert_int_eq(source_gap_in(p, 6, 2)->kind, GAP_ABSENT);
    source_add_gap(s, 9, 1, GAP_UNREADABLE);
    ck_assert_ptr_null(source_gap_in(p, 5, 1));
    ck_assert_int_eq(source_read(p, 5, buf, 1, &got, NULL), 0);
    ck_assert_int_eq(source_gap_in(p, 5, 1)->kind, GAP_UNREADABLE);
    p->owns_below = true;
    source_close(p);
    ck_assert_ptr_null(source_open_slice(NULL, UINT64_MAX, 2, "x", NULL));
}
END_TEST

static int file_of(const char *name, const char *bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", tap_dir(), name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    return fd;
}

START_TEST(parts_are_one_after_the_other)
{
    int fds[] = { file_of("a", "abc"), file_of("b", ""),
                  file_of("c", "defgh") };
    char buf[16];
    size_t got;
    struct source *s = source_open_split(fds, 3, NULL);
    ck_assert_uint_eq(s->size, 8);
    ck_assert_int_eq(source_read(s, 1, buf, sizeof buf, &got, NULL), 0);
    ck_assert_uint_eq(got, 7);
    ck_assert_mem_eq(buf, "bcdefgh", 7);
    ck_assert_uint_eq(source_part(s, 2)->size, 5);
    ck_assert_ptr_null(source_part(s, 3));
    ck_assert_ptr_eq(source_part(source_part(s, 0), 0), source_part(s, 0));
    source_close(s);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    ck_assert_ptr_null(source_open_fd(-1, NULL));
}
END_TEST

START_TEST(a_file_that_shrinks_has_a_gap)
{
    char buf[8];
    size_t got;
    int fd = file_of("s", "01234567");
    struct source *s = source_open_fd(fd, NULL);
    ck_assert_int_eq(ftruncate(fd, 3), 0);
    ck_assert_int_eq(source_read(s, 0, buf, 8, &got, NULL), 0);
    ck_assert_uint_eq(got, 8);
    ck_assert_mem_eq(buf, "012\0\0\0\0\0", 8);
    ck_assert_uint_eq(source_gap_in(s, 0, 8)->off, 3);
    ck_assert_uint_eq(source_gap_bytes(s), 5);
    source_close(s);
    close(fd);
}
END_TEST

/* A file of n bytes with "data" at each of the places. */
static int sparse_of(const char *name, off_t n, const off_t *at, size_t places)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", tap_dir(), name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_eq(ftruncate(fd, n), 0);
    for (size_t i = 0; i < places; i++)
        ck_assert_int_eq(pwrite(fd, "data", 4, at[i]), 4);
    return fd;
}

START_TEST(holes_are_zeros)
{
    enum { MIB = 1 << 20 };
    static const off_t one[] = { 0, 3 * MIB + 5000 }, two[] = { 2 * MIB - 4 };
    int fds[] = { sparse_of("h1", 4 * MIB + 100, one, 2),
                  sparse_of("h2", 3 * MIB, NULL, 0),
                  sparse_of("h3", 2 * MIB, two, 1) };
    struct source *s = source_open_split(fds, 3, NULL);
    struct source *slice = source_open_slice(s, 1000, 20 * MIB, "p1", NULL);
    struct source *empty = source_open_fd(fds[1], NULL);
    struct source_holes h = { .s = slice };
    bool known = lseek(fds[1], 0, SEEK_DATA) < 0; /* may not know of holes */
    uint64_t end, told = zeros_told(s, UINT64_MAX);
    ck_assert_uint_le(told, s->size - 12);
    ck_assert(!known || told >= 8 * MIB);
    told = zeros_told(slice, UINT64_MAX);
    ck_assert(told != UINT64_MAX && (!known || told >= 19 * MIB));
    ck_assert_uint_eq(source_next_data(s, s->size, &end), s->size);
    ck_assert_uint_eq(source_next_data(s, UINT64_MAX, &end), s->size);
    ck_assert(!known ||
              source_next_data(empty, 5, &end) == (uint64_t)(3 * MIB));
    for (uint64_t at = 0; at < slice->size; at += 512) {
        char p[512];
        size_t got;
        ck_assert_int_eq(source_read(slice, at, p, sizeof p, &got, NULL), 0);
        if (memchr(p, 'd', got))
            ck_assert(!source_is_hole(&h, at, got));
    }
    ck_assert(!source_is_hole(&h, 3 * MIB + 4000, 1)); /* and back */
    ck_assert(!known || source_is_hole(&h, 2 * MIB, 512));
    source_close(empty);
    source_close(slice);
    source_close(s);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
}
END_TEST

START_TEST(bad_layers_are_refused)
{
    static const char *const bad[] = { "x",
                                       "!",
                                       "!nosuch",
                                       "!gz/a",
                                       "!p",
                                       "!px",
                                       "!p1",
                                       "!fs/a",
                                       "!ino/x",
                                       "!zip/%4",
                                       "!tar/a",
                                       "!ewf",
                                       "!p99999999999999999999" };
    struct source *s = of("no image at all");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = { 0 };
        ck_assert_msg(!source_open_layers(s, str_from(bad[i]), &err), "%s",
                      bad[i]);
        ck_assert_msg(err.code < 0 && err.what[0], "%s", bad[i]);
    }
    struct source *same = source_open_layers(s, STR(""), NULL);
    ck_assert_uint_eq(same->size, s->size);
    source_close(same);
    source_close(s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("source");
    tap_case(s, "reads", reads_are_clipped_at_the_end);
    tap_case(s, "holes", holes_are_zeros);
    tap_case(s, "gaps", gaps_are_merged_and_clipped);
    tap_case(s, "map", gaps_agree_with_a_map_of_bytes);
    tap_case(s, "slice", slices_take_over_gaps_and_name_what_is_missing);
    tap_case(s, "split", parts_are_one_after_the_other);
    tap_case(s, "shrink", a_file_that_shrinks_has_a_gap);
    tap_case(s, "layers", bad_layers_are_refused);
    return s;
}
