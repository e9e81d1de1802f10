/* XFS images that are damaged: the walk ends, what is wrong is named, and what
 * can still be reached is there. */
#include <stdio.h>
#include <stdlib.h>

#include "base/varint.h"
#include "evidence/fs.h"
#include "tests/evidence/sectors.h"
#include "tests/tap.h"

enum { NAMES = 216 }; /* of the image "v5", as the kernel counts */

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
    ck_assert_uint_eq(whole.live, NAMES);
    ck_assert_uint_eq(whole.open, 2);
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
    ck_assert_uint_ge(t.live, NAMES - 1);
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

/* ---- inodes ------------------------------------------------------------- */

struct place {
    const char *path;
    uint64_t off;
};

static int on_place(void *ctx, const struct fs_file *f)
{
    struct place *p = ctx;
    if (str_eq(f->path, str_from(p->path)))
        p->off = f->off;
    return 0;
}

static int no_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    (void)ctx;
    (void)severity;
    (void)code;
    (void)inode;
    (void)text;
    return 0;
}

static char *inode_at(const struct image *im, const char *path)
{
    struct place p = { path, 0 };
    struct err err = { 0 };
    const struct fs_visitor v = { &p, on_place, no_issue, NULL };
    struct source *vol = source_open_memory((struct str){ im->p, im->n }, &err);
    struct fs *fs = fs_open(vol, &err);
    ck_assert_int_eq(fs_walk(fs, &v, &err), 0);
    ck_assert_uint_gt(p.off, 0);
    fs_close(fs);
    source_close(vol);
    return im->p + p.off;
}

static const struct field {
    const char *path;
    size_t at, n;
    unsigned char bytes[8];
    const char *code;
} fields[] = {
    { "/deep/er/still/file", 2, 2, { 0x41, 0xed }, "xfs-type" },
    { "/deep/er/still/file", 4, 1, { 2 }, "xfs-inode" },
    { "/deep/er/still/file", 5, 1, { 9 }, "xfs-extents" },
    { "/deep/er/still/file", 16, 4, { 0 }, "xfs-unused-inode" },
    { "/deep/er/still/file", 56, 1, { 0xff }, "xfs-size" },
    { "/deep/er/still/file", 76, 4, { 0, 1 }, "xfs-extents" },
    { "/deep/er/still/file", 82, 1, { 0xff }, "xfs-inode" },
    { "/deep/er/still/file", 90, 2, { 0, 1 }, "xfs-realtime-data" },
    { "/deep/er/still/file", 152, 8, { 1 }, "xfs-inode" },
    { "/deep/er/still/file",
      176,
      8,
      { 0x7f, 0xff, 0xff, 0xff },
      "xfs-extents" },
    { "/deep/er/still/file",
      184,
      8,
      { 0x7f, 0xff, 0xff, 0xff },
      "xfs-extents" },
    { "/extents", 176, 2, { 0, 0 }, "xfs-extents" },
    { "/tree", 176, 2, { 0, 99 }, "xfs-extents" },
    { "/tree", 178, 2, { 0xff, 0xff }, "xfs-extents" },
    { "/short", 176, 1, { 0xff }, "xfs-directory" },
    { "/short", 56, 8, { 0 }, "xfs-directory" },
    { "/deep/link", 56, 8, { 0 }, "xfs-link" },
    { "/deep/long link", 56, 8, { 0, 0, 0, 0, 0, 0, 0xff }, "xfs-link" },
    { "/node", 5, 1, { 1 }, "xfs-directory" },
    { "/leaf", 76, 4, { 0 }, "xfs-lost-inodes" },
};

START_TEST(inodes)
{
    const struct field *f = &fields[_i];
    struct image im = load("v5");
    struct told t;
    char *p = inode_at(&im, f->path);
    memcpy(p + f->at, f->bytes, f->n);
    ck_assert(walk_image(&im, &t));
    if (strcmp(f->code, "xfs-lost-inodes") == 0)
        ck_assert(says(&t, "xfs-no-name")); /* its files are without it */
    else
        ck_assert_msg(says(&t, f->code), "no %s", f->code);
    ck_assert_uint_gt(t.live, 70); /* /node alone has 139 */
    free(im.p);
}
END_TEST

/* Content on a device that is not there is a gap, not zeros. */
START_TEST(realtime_content_is_a_gap)
{
    struct image im = load("v5");
    struct err err = { 0 };
    inode_at(&im, "/deep/er/still/file")[91] = 1;
    struct source *vol = source_open_memory((struct str){ im.p, im.n }, &err);
    struct fs *fs = fs_open(vol, &err);
    struct source *s = fs_open_path(fs, STR("/deep/er/still/file"), &err);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->size, 8);
    ck_assert_uint_eq(source_gap_bytes(s), 8);
    source_close(s);
    fs_close(fs);
    source_close(vol);
    free(im.p);
}
END_TEST

START_TEST(attributes_in_the_inode)
{
    struct image im = load("v5");
    struct told t, whole;
    ck_assert(walk_image(&im, &whole));
    char *p = inode_at(&im, "/attrs/d/inherits");
    ck_assert_int_eq(p[83], 1);
    p += 176 + 8 * p[82];
    p[2] = 99; /* more than there are */
    ck_assert(walk_image(&im, &t));
    ck_assert(says(&t, "xfs-attributes"));
    ck_assert_uint_eq(t.attrs, whole.attrs);
    p[2] = 1;
    p[6] |= 8; /* a parent pointer is none of the user's */
    ck_assert(walk_image(&im, &t));
    ck_assert_uint_eq(t.attrs, whole.attrs - 1);
    p[6] &= (char)~8;
    p[7 + 12] ^= 1; /* the count of an ACL: told as it is stored */
    ck_assert(walk_image(&im, &t));
    ck_assert_uint_eq(t.attrs, whole.attrs);
    free(im.p);
}
END_TEST

/* Version 4 has no header before a value in blocks of its own: an attribute is
 * made to lie there, its value the first bytes of the fork's first block. */
struct want {
    unsigned found;
};

static int on_value(void *ctx, const struct fs_file *f)
{
    struct want *w = ctx;
    for (size_t i = 0; i < f->n_xattrs; i++)
        if (f->xattrs[i].value.n == 30) {
            /* forward, back, magic of a leaf or node */
            unsigned magic = u16be(f->xattrs[i].value.p + 8);
            w->found += magic == 0xfebe || magic == 0xfbee;
        }
    return 0;
}

START_TEST(version_4_values_in_blocks)
{
    struct image im = load("v4");
    struct want w = { 0 };
    struct err err = { 0 };
    size_t at = next_block(&im, "\xfb\xee", 8, 0);
    ck_assert_uint_ne(at, SIZE_MAX);
    char *leaf = im.p + at, *entry = leaf + 32;
    char *local = leaf + u16be(entry + 4), name[8];
    size_t n = (unsigned char)local[2];
    ck_assert(entry[6] == 1 && n > 0 && n <= sizeof name);
    memcpy(name, local + 3, n);
    entry[6] = 0;
    memcpy(local, "\0\0\0\0\0\0\0\x1e", 8);
    local[8] = (char)n;
    memcpy(local + 9, name, n);
    const struct fs_visitor v = { &w, on_value, no_issue, NULL };
    struct source *vol = source_open_memory((struct str){ im.p, im.n }, &err);
    struct fs *fs = fs_open(vol, &err);
    ck_assert_int_eq(fs_walk(fs, &v, &err), 0);
    ck_assert_uint_eq(w.found, 1);
    fs_close(fs);
    source_close(vol);
    free(im.p);
}
END_TEST

/* A list of unlinked files that leads to a file in use. */
START_TEST(unlinked_lists)
{
    struct image im = load("v5");
    struct told t;
    uint64_t root = u64be(im.p + 56);
    size_t agi = next_block(&im, "XAGI", 0, 0);
    ck_assert_uint_ne(agi, SIZE_MAX);
    put_u32le(im.p + agi + 40, __builtin_bswap32((uint32_t)root));
    ck_assert(walk_image(&im, &t));
    ck_assert(says(&t, "xfs-unlinked"));
    ck_assert_uint_gt(t.open, 0);
    free(im.p);
}
END_TEST

/* Inodes that a chunk does not have are not looked for. */
START_TEST(sparse_chunks)
{
    struct image im = load("v5");
    struct told t, whole;
    ck_assert(walk_image(&im, &whole));
    size_t at = next_block(&im, "IAB3", 0, 0);
    unsigned char *p = (unsigned char *)im.p + at;
    unsigned n = u16be(p + 6), holes = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned char *r = p + 56 + 16 * i;
        for (unsigned b = 0; b < 16; b++)
            if ((u64be(r + 8) >> 4 * b & 15) == 15) {
                r[b < 8 ? 5 : 4] |= (unsigned char)(1u << b % 8);
                holes++;
            }
    }
    ck_assert_uint_gt(holes, 0);
    /* Freed inodes without a name were there. */
    ck_assert(walk_image(&im, &t));
    ck_assert_uint_eq(t.live, whole.live);
    ck_assert_uint_eq(t.bad, 0);
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
    ck_assert_uint_eq(t.live, NAMES);
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
    tcase_add_loop_test(c, inodes, 0, (int)(sizeof fields / sizeof *fields));
    tcase_add_test(c, realtime_content_is_a_gap);
    tcase_add_test(c, attributes_in_the_inode);
    tcase_add_test(c, version_4_values_in_blocks);
    tcase_add_test(c, unlinked_lists);
    tcase_add_test(c, sparse_chunks);
    tcase_add_loop_test(c, random_bytes, 0, 3);
    tcase_add_test(c, cut_anywhere);
    tcase_add_test(c, trees_that_turn_back);
    suite_add_tcase(s, c);
    return s;
}
