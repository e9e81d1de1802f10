/* The digest of sparse files is that of their bytes, holes as zeros. */
#include "importers/hashing.h"
#include "base/hash.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Pieces of data, KiB from and length, in a file of `size` bytes. */
static const struct {
    uint64_t size;
    struct {
        unsigned at, n;
    } data[3];
} files[] = {
    { 0, { { 0, 0 } } },
    { 1, { { 0, 0 } } },
    { 5000, { { 0, 0 } } },
    { 8 << 20, { { 0, 0 } } },               /* nothing but a hole */
    { 8 << 20, { { 0, 8 << 10 } } },         /* none */
    { 8 << 20, { { 0, 64 } } },              /* at the end */
    { 8 << 20, { { (8 << 10) - 64, 64 } } }, /* at the start */
    { 3 << 20, { { 0, 4 }, { 1000, 1000 }, { 2500, 100 } } },
    { (3 << 20) + 77, { { 64, 64 }, { 192, 64 }, { 3000, 60 } } },
    { 130 << 20, { { 64 << 10, 4 }, { 128 << 10, 4 } } }, /* over prefixes */
};

static int make(size_t i)
{
    char name[64], block[1024];
    snprintf(name, sizeof name, "%s/sparse%zu", tap_dir(), i);
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)files[i].size), 0);
    for (size_t k = 0; k < 3; k++)
        for (unsigned j = 0; j < files[i].data[k].n; j++) {
            unsigned kib = files[i].data[k].at + j;
            memset(block, (int)(kib % 251 + 1), sizeof block);
            ck_assert_int_eq(pwrite(fd, block, sizeof block, (off_t)kib << 10),
                             sizeof block);
        }
    return fd;
}

/* By reads alone. */
static void slow(int fd, unsigned char sha256[32], uint64_t *bytes)
{
    char block[4096];
    struct hasher *h = hasher_open(1u << HASH_SHA256);
    ssize_t n;
    ck_assert_ptr_nonnull(h);
    *bytes = 0;
    while ((n = pread(fd, block, sizeof block, (off_t)*bytes)) > 0) {
        hasher_add(h, block, (size_t)n);
        *bytes += (uint64_t)n;
    }
    hasher_end(h, HASH_SHA256, sha256);
    hasher_close(h);
}

START_TEST(holes_are_zeros)
{
    struct err err;
    struct hashing *h = hashing_open(1u << HASH_SHA256, &err);
    struct hashing_result r;
    unsigned char want[32];
    uint64_t ticket, bytes;
    int fd = make((size_t)_i);
    ck_assert_ptr_nonnull(h);
    ck_assert_int_eq(lseek(fd, 3, SEEK_SET), 3);
    ck_assert_int_eq(hashing_add(h, fd, &ticket, &err), 0);
    hashing_wait(h, ticket, &r);
    slow(fd, want, &bytes);
    ck_assert(!r.failed && !r.changed);
    ck_assert_uint_eq(r.bytes, bytes);
    ck_assert_mem_eq(r.sha256, want, 32);
    /* a descriptor is shared with the workers: its place is not ours */
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 3);
    hashing_close(h);
    close(fd);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("hashing");
    TCase *t = tcase_create("holes");
    tcase_add_loop_test(t, holes_are_zeros, 0,
                        (int)(sizeof(files) / sizeof(*files)));
    suite_add_tcase(s, t);
    return s;
}
