/* XFS images that are damaged: the walk ends, what is wrong is named, and what
 * can still be reached is there. */
#include <stdio.h>
#include <stdlib.h>

#include "base/varint.h"
#include "evidence/fs.h"
#include "tests/evidence/sectors.h"
#include "tests/tap.h"

struct image {
    char *p;
    size_t n;
};

static struct image load(const char *name)
{
    enum { MAX = 48 << 20 };
    char path[4096];
    static char packed[1 << 20];
    struct image im;
    const char *top = getenv("SRCDIR");
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/xfs/%s", top ? top : "..",
             name);
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(packed, 1, sizeof packed, f);
    fclose(f);
    im.p = sectors_unpack((struct str){ packed, n }, MAX, &im.n);
    ck_assert_ptr_nonnull(im.p);
    return im;
}

/* ---- a walk and what it told -------------------------------------------- */

enum { CODES = 64 };
struct told {
    struct fs *fs;
    unsigned live, found, open, unreliable, attrs;
    unsigned issues, bad; /* bad: errors */
    char codes[CODES][32];
    unsigned n_codes;
    uint64_t bytes;
};

static int on_file(void *ctx, const struct fs_file *f)
{
    struct told *t = ctx;
    char part[4096];
    size_t got = 1;
    ck_assert(f->path.n > 0 && f->path.p[0] == '/');
    t->live += f->found == FS_FOUND_LIVE;
    t->open += f->found == FS_FOUND_OPEN;
    t->found += f->found == FS_FOUND_NAME || f->found == FS_FOUND_INODE;
    t->unreliable += (f->flags & FS_FILE_UNRELIABLE) != 0;
    t->attrs += (unsigned)f->n_xattrs;
    struct source *s = fs_open_inode(t->fs, f->inode, NULL);
    for (uint64_t off = 0; s && got && off < 8192; off += got) {
        ck_assert(!source_read(s, off, part, sizeof part, &got, NULL));
        t->bytes += got;
    }
    source_close(s);
    return 0;
}

static int on_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    struct told *t = ctx;
    (void)inode;
    ck_assert(text[0]);
    t->issues += severity > 0;
    t->bad += severity > 1;
    for (unsigned i = 0; i < t->n_codes; i++)
        if (strcmp(t->codes[i], code) == 0)
            return 0;
    if (t->n_codes < CODES)
        snprintf(t->codes[t->n_codes++], sizeof *t->codes, "%s", code);
    return 0;
}

static bool says(const struct told *t, const char *code)
{
    for (unsigned i = 0; i < t->n_codes; i++)
        if (strcmp(t->codes[i], code) == 0)
            return true;
    return false;
}

/* False when it cannot be opened. */
static bool walk(struct str bytes, struct told *t)
{
    struct err err = { 0 };
    *t = (struct told){ 0 };
    struct source *vol = source_open_memory(bytes, &err);
    t->fs = fs_open(vol, &err);
    if (t->fs) {
        const struct fs_visitor v = { t, on_file, on_issue, NULL };
        ck_assert_int_eq(fs_walk(t->fs, &v, &err), 0);
    } else {
        ck_assert(err.what[0]);
    }
    bool opened = t->fs != NULL;
    fs_close(t->fs);
    source_close(vol);
    return opened;
}

static bool walk_image(const struct image *im, struct told *t)
{
    return walk((struct str){ im->p, im->n }, t);
}

/* Sectors that begin with the magic, from `from` on; SIZE_MAX: no more. */
static size_t next_block(const struct image *im, const char *magic,
                         size_t magic_at, size_t from)
{
    size_t len = strlen(magic);
    for (size_t at = from; at + SECTOR <= im->n; at += SECTOR)
        if (memcmp(im->p + at + magic_at, magic, len) == 0)
            return at;
    return SIZE_MAX;
}

/* ---- checksums ---------------------------------------------------------- */

static const struct kind {
    const char *magic, *code;
    size_t magic_at, crc_at;
    bool loses; /* without its magic number, something is missing */
} kinds[] = {
    { "XAGI", "xfs-checksum", 0, 312, false },
    { "IAB3", "xfs-checksum", 0, 52, false },
    { "BMA3", "xfs-checksum", 0, 64, true },
    { "XDB3", "xfs-checksum", 0, 4, true },
    { "XDD3", "xfs-checksum", 0, 4, true },
    { "XSLM", "xfs-checksum", 0, 12, true },
    { "XARM", "xfs-checksum", 0, 12, true },
    { "\x3b\xee", "xfs-checksum", 8, 12, true },
    { "IN\x81\xa4", "xfs-inode", 0, 100, true },
};

START_TEST(checksums_are_told_and_lose_nothing)
{
    struct image im = load("v5");
    struct told whole, t;
    ck_assert(walk_image(&im, &whole));
    ck_assert_uint_eq(whole.issues, 0);
    ck_assert_uint_eq(whole.live, 209);
    ck_assert_uint_eq(whole.open, 1);
    const struct kind *k = &kinds[_i];
    unsigned blocks = 0;
    for (size_t at = 0;
         (at = next_block(&im, k->magic, k->magic_at, at)) != SIZE_MAX;
         at += SECTOR) {
        im.p[at + k->crc_at] ^= 0x40;
        ck_assert(walk_image(&im, &t));
        im.p[at + k->crc_at] ^= 0x40;
        ck_assert_uint_eq(t.live, whole.live);
        ck_assert_uint_eq(t.found, whole.found);
        ck_assert_uint_eq(t.open, whole.open);
        ck_assert_uint_eq(t.attrs, whole.attrs);
        ck_assert_uint_eq(t.bytes, whole.bytes);
        blocks += says(&t, k->code);
    }
    ck_assert_uint_gt(blocks, 0);
    free(im.p);
}
END_TEST

START_TEST(lost_blocks_are_told)
{
    struct image im = load("v5");
    struct told t;
    const struct kind *k = &kinds[_i];
    unsigned blocks = 0, named = 0;
    for (size_t at = 0;
         (at = next_block(&im, k->magic, k->magic_at, at)) != SIZE_MAX;
         at += SECTOR) {
        im.p[at + k->magic_at] ^= 0x20;
        ck_assert(walk_image(&im, &t));
        im.p[at + k->magic_at] ^= 0x20;
        blocks++;
        named += t.bad > 0;
        ck_assert_uint_ge(t.live, 100); /* one block holds fewer names */
    }
    ck_assert_uint_gt(blocks, 0);
    if (k->loses)
        ck_assert_uint_gt(named, 0);
    free(im.p);
}
END_TEST

/* ---- the root's block is gone ------------------------------------------- */

START_TEST(directories_without_a_name_keep_theirs)
{
    struct image im = load("v5");
    struct told t;
    struct err err = { 0 };
    uint64_t root = u64be(im.p + 56);
    /* 1 KiB blocks, two inodes each, one group. */
    size_t at = (size_t)(root >> 1) * 1024 + (root & 1) * 512;
    ck_assert(memcmp(im.p + at, "IN", 2) == 0);
    im.p[at] = 'X';
    ck_assert(walk_image(&im, &t));
    ck_assert(says(&t, "xfs-lost-inode") && says(&t, "xfs-no-name"));
    ck_assert_uint_ge(t.live, 208);
    struct source *vol = source_open_memory((struct str){ im.p, im.n }, &err);
    struct fs *fs = fs_open(vol, &err);
    char part[16];
    size_t got = 0;
    /* /deep is the third directory that was made. */
    struct buf path = { 0 };
    for (uint64_t ino = root; ino < root + 400 && got == 0; ino++) {
        buf_clear(&path);
        buf_printf(&path, "/$OrphanFiles/OrphanFile-%llu/er/still/file",
                   (unsigned long long)ino);
        struct source *s = fs_open_path(fs, buf_str(&path), NULL);
        if (s)
            ck_assert(!source_read(s, 0, part, sizeof part, &got, &err));
        source_close(s);
    }
    ck_assert_uint_eq(got, 8);
    ck_assert(memcmp(part, "content\n", 8) == 0);
    buf_free(&path);
    fs_close(fs);
    source_close(vol);
    free(im.p);
}
END_TEST

/* ---- the superblock ----------------------------------------------------- */

static const struct super {
    size_t at, n;
    unsigned char bytes[8];
    const char *code; /* NULL: it cannot be opened */
} supers[] = {
    { 4, 4, { 0, 0, 0, 0 }, NULL },              /* block size */
    { 4, 4, { 0x80, 0, 0, 0 }, NULL },           /* */
    { 4, 4, { 0, 0, 4, 1 }, NULL },              /* */
    { 8, 8, { 0 }, NULL },                       /* no blocks */
    { 8, 8, { 0x7f, 0xff, 0xff, 0xff }, NULL },  /* too many */
    { 84, 4, { 0 }, NULL },                      /* length of groups */
    { 88, 4, { 0xff, 0xff, 0xff, 0xff }, NULL }, /* count of groups */
    { 100, 2, { 0xb4, 0xa3 }, NULL },            /* version 3 */
    { 100, 2, { 0x94, 0xa4 }, NULL },            /* old directories */
    { 102, 2, { 0, 3 }, NULL },                  /* sector size */
    { 104, 2, { 0, 1 }, NULL },                  /* inode size */
    { 124, 1, { 40 }, NULL },                    /* bits of a group */
    { 192, 1, { 9 }, NULL },                     /* directory blocks */
    { 120, 1, { 0x55 }, "xfs-super-checksum" },  /* not used */
    { 216, 4, { 0x80, 0, 0, 0x0b }, "xfs-features" },
    { 216, 4, { 0, 0, 0, 0x1b }, "xfs-needs-repair" },
    { 48, 8, { 0 }, "xfs-external-log" },
    { 16, 8, { 0, 0, 0, 0, 0, 1, 0, 0 }, "xfs-realtime" },
    { 48, 8, { 0xff }, "xfs-log" },
    { 56, 8, { 0xff }, "xfs-lost-inode" },
};

START_TEST(superblocks)
{
    struct image im = load("v5");
    struct told t;
    const struct super *s = &supers[_i];
    memcpy(im.p + s->at, s->bytes, s->n);
    ck_assert_int_eq(walk_image(&im, &t), s->code != NULL);
    if (s->code)
        ck_assert_msg(says(&t, s->code), "no %s", s->code);
    free(im.p);
}
END_TEST

/* ---- any damage --------------------------------------------------------- */

static unsigned next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(*state >> 33);
}

static size_t used_sectors(const struct image *im, uint32_t *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < im->n / SECTOR && n < max; i++)
        for (size_t k = 0; k < SECTOR; k++)
            if (im->p[i * SECTOR + k]) {
                out[n++] = (uint32_t)i;
                break;
            }
    return n;
}

static void random_damage(const char *name, unsigned rounds, unsigned at_once)
{
    enum { USED = 2048 };
    static uint32_t used[USED];
    struct image im = load(name);
    size_t n = used_sectors(&im, used, USED);
    uint64_t state = at_once;
    struct told t;
    for (unsigned round = 0; round < rounds; round++) {
        size_t at[64];
        char old[64];
        for (unsigned i = 0; i < at_once; i++) {
            at[i] = used[next_random(&state) % n] * (size_t)SECTOR +
                    next_random(&state) % SECTOR;
            old[i] = im.p[at[i]];
            im.p[at[i]] = (char)next_random(&state);
        }
        walk_image(&im, &t);
        for (unsigned i = at_once; i-- > 0;)
            im.p[at[i]] = old[i];
    }
    free(im.p);
}

START_TEST(random_bytes)
{
    static const char *const names[] = { "v5", "v5-wide", "v4" };
    random_damage(names[_i], 60, 1);
    random_damage(names[_i], 60, 8);
    random_damage(names[_i], 40, 64);
}
END_TEST

START_TEST(cut_anywhere)
{
    struct image im = load("v5");
    struct told t;
    uint64_t state = 5;
    for (unsigned i = 0; i < 60; i++) {
        size_t n =
            i < 20 ? i * 300 : (size_t)next_random(&state) * 64 % (2 << 20);
        if (n >= 512 && walk((struct str){ im.p, n }, &t))
            ck_assert(says(&t, "fs-cut"));
    }
    free(im.p);
}
END_TEST

/* A fork's tree that leads back to itself, and extents that all lead to one
 * block of names. */
START_TEST(trees_that_turn_back)
{
    struct image im = load("v5");
    struct told t;
    size_t at = 0, blocks = 0;
    while ((at = next_block(&im, "BMA3", 0, at)) != SIZE_MAX) {
        unsigned level = u16be(im.p + at + 4);
        if (level > 0) {
            uint64_t self = u64be(im.p + at + 24) / 2; /* its own block */
            size_t max = (1024 - 72) / 16;
            for (size_t i = 0; i < u16be(im.p + at + 6); i++)
                put_u64le(im.p + at + 72 + 8 * max + 8 * i,
                          __builtin_bswap64(self));
            blocks++;
        }
        at += SECTOR;
    }
    ck_assert_uint_gt(blocks, 0);
    ck_assert(walk_image(&im, &t));
    ck_assert(says(&t, "xfs-extents"));
    ck_assert_uint_eq(t.live, 209);
    free(im.p);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("xfs");
    TCase *c = tcase_create("damage");
    int n_kinds = (int)(sizeof kinds / sizeof *kinds);
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, checksums_are_told_and_lose_nothing, 0, n_kinds);
    tcase_add_loop_test(c, lost_blocks_are_told, 0, n_kinds);
    tcase_add_test(c, directories_without_a_name_keep_theirs);
    tcase_add_loop_test(c, superblocks, 0,
                        (int)(sizeof supers / sizeof *supers));
    tcase_add_loop_test(c, random_bytes, 0, 3);
    tcase_add_test(c, cut_anywhere);
    tcase_add_test(c, trees_that_turn_back);
    suite_add_tcase(s, c);
    return s;
}
