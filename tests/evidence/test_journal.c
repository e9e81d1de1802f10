/* Journals: what is recovered survives any damage, torn transactions are
 * dropped and told, gaps stay gaps unless the journal has the bytes. That
 * whole volumes come out right is told by journal.t and journal_oracle.t. */
#include "evidence/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/varint.h"
#include "evidence/journal_jbd2.h"
#include "evidence/journal_xfs.h"
#include "tests/evidence/zeros.h"
#include "tests/tap.h"

struct image {
    char *p;
    size_t n;
    struct source *vol;
};

static struct image image_load(const char *name)
{
    char path[128];
    size_t got;
    snprintf(path, sizeof path, "tests/data/journal/%s.img.gz", name);
    int fd = open(tap_path(path), O_RDONLY | O_CLOEXEC);
    struct source *file = source_open_fd(fd, NULL);
    struct source *gz = source_open_gzip(file, 1 << 27, NULL);
    struct image im = { malloc(gz->size), gz->size, NULL };
    ck_assert_int_eq(source_read(gz, 0, im.p, im.n, &got, NULL), 0);
    ck_assert_uint_eq(got, im.n);
    source_close(gz);
    source_close(file);
    close(fd);
    im.vol = source_open_memory((struct str){ im.p, im.n }, NULL);
    return im;
}

static void image_free(struct image *im)
{
    source_close(im->vol);
    free(im->p);
}

static struct source *replay(struct source *vol, struct journal_report *r)
{
    struct err err = { 0 };
    struct source *s = journal_replay(vol, fs_recognise(vol), r, &err);
    ck_assert_int_eq(err.code, 0);
    ck_assert_int_eq(s != NULL, r->state == JOURNAL_DIRTY);
    return s;
}

static int on_file(void *ctx, const struct fs_file *f)
{
    size_t *names = ctx;
    ck_assert_uint_gt(f->path.n, 0);
    return ++*names > 10000;
}

static int on_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    (void)ctx;
    (void)inode;
    ck_assert(severity >= 0 && severity <= 2 && code[0] && text[0]);
    return 0;
}

static size_t walk(struct source *s)
{
    struct fs *fs = fs_open(s, NULL);
    size_t names = 0;
    const struct fs_visitor v = { &names, on_file, on_issue, NULL };
    if (fs)
        ck_assert_int_ge(fs_walk(fs, &v, NULL), 0);
    fs_close(fs);
    return names;
}

static const char *const names[] = { "ext4", "ext4-none", "ext4-sums",
                                     "xfs",  "xfs-wide",  "ext4-fast" };

/* Where the journal lies: what damage is worth trying there. */
static void journal_range(struct image *im, uint64_t *from, uint64_t *n)
{
    if (fs_recognise(im->vol) == FS_XFS) {
        struct xfs_log_sb sb;
        ck_assert(xfs_log_sb_load(im->vol, &sb));
        *from = sb.log_off;
        *n = (uint64_t)sb.log_bbs * XFS_BB;
        return;
    }
    struct journal_report r = { 0 };
    struct jbd2 j;
    ck_assert_ptr_null(jbd2_open(&j, im->vol, NULL, &r));
    ck_assert(jbd2_place(&j, 0, from));
    *n = (uint64_t)j.end * j.block;
    jbd2_close(&j);
}

START_TEST(reports_say_what_was_recovered)
{
    struct image im = image_load(names[_i]);
    struct journal_report r;
    struct source *s = replay(im.vol, &r);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_gt(r.transactions, 0);
    ck_assert_uint_gt(r.blocks, 0);
    ck_assert_uint_eq(r.skipped, 0);
    ck_assert_uint_ge(r.last_seq, r.first_seq);
    ck_assert_str_eq(r.why, "");
    ck_assert_str_eq(s->layer, "journal");
    ck_assert(journal_is_layer(s) && !journal_is_layer(im.vol));
    ck_assert(!journal_covers(im.vol, 0, im.n));
    ck_assert(journal_covers(s, 0, im.n));
    ck_assert(!journal_covers(s, 0, 0));
    ck_assert(!journal_covers(s, UINT64_MAX, 2));
    if (fs_recognise(im.vol) == FS_EXT) {
        ck_assert(r.has_times);
        ck_assert_int_ge(r.last.s, r.first.s);
    }
    source_close(s);
    image_free(&im);
}
END_TEST

/* Read in pieces of any size, the source is the same, and where the journal
 * does not cover it, it is the volume. */
START_TEST(pieces_agree)
{
    struct image im = image_load(names[_i]);
    struct journal_report r;
    struct source *s = replay(im.vol, &r);
    char *all = malloc(im.n), part[3000];
    size_t got, changed = 0;
    ck_assert_int_eq(source_read(s, 0, all, im.n, &got, NULL), 0);
    ck_assert_uint_eq(got, im.n);
    for (size_t at = 0, n = 1; at < im.n; at += n, n = n * 7 % 2999 + 1) {
        ck_assert_int_eq(source_read(s, at, part, n, &got, NULL), 0);
        ck_assert_int_eq(memcmp(part, all + at, got), 0);
        bool same = memcmp(part, im.p + at, got) == 0;
        ck_assert(same || journal_covers(s, at, got));
        changed += !same;
    }
    ck_assert_uint_gt(changed, 0);
    free(all);
    source_close(s);
    image_free(&im);
}
END_TEST

/* Any byte of the journal may be wrong. */
START_TEST(damage_is_survived)
{
    struct image im = image_load(names[_i]);
    uint64_t from, n, state = 1;
    size_t recovered = 0, refused = 0;
    journal_range(&im, &from, &n);
    n = n < 60000 ? n : 60000; /* what is in use */
    for (int round = 0; round < 60; round++) {
        char old[8];
        struct journal_report r;
        state = state * UINT64_C(6364136223846793005) + 1;
        size_t at = (size_t)(from + (state >> 33) % (n - 8));
        memcpy(old, im.p + at, 8);
        if (round % 3 == 0) /* headers */
            at = (size_t)(at & ~(size_t)511) + (state >> 20) % 40;
        memcpy(old, im.p + at, 8);
        memset(im.p + at, round % 2 ? 0xff : 0, 1 + (state >> 50) % 8);
        struct source *s = replay(im.vol, &r);
        recovered += s && r.transactions > 0;
        refused += r.state == JOURNAL_UNREADABLE || r.dropped || r.skipped;
        if (s && round % 8 == 0)
            walk(s);
        source_close(s);
        memcpy(im.p + at, old, 8);
    }
    ck_assert_uint_gt(recovered, 0);
    ck_assert(refused > 0 || _i == 1); /* without checksums all looks right */
    image_free(&im);
}
END_TEST

START_TEST(cut_volumes_are_survived)
{
    struct image im = image_load(names[_i]);
    for (size_t n = 0; n < im.n; n += n < 70000 ? 4567 : 777777) {
        struct journal_report r;
        struct source *vol = source_open_memory((struct str){ im.p, n }, NULL);
        struct source *s = replay(vol, &r);
        if (s)
            walk(s);
        source_close(s);
        source_close(vol);
    }
    image_free(&im);
}
END_TEST

/* The last transaction torn: it is dropped, the others hold. */
START_TEST(torn_transactions_are_dropped)
{
    struct image im = image_load(names[_i]);
    struct journal_report whole, torn;
    uint64_t from, n;
    source_close(replay(im.vol, &whole));
    journal_range(&im, &from, &n);
    /* Of its last commit, or of its last record, the end is missing. */
    size_t last = 0, step = fs_recognise(im.vol) == FS_XFS ? 512 : 1024;
    for (size_t at = (size_t)from; at < from + n; at += step) {
        const char *p = im.p + at;
        if (step == 512 ? u32be(p) == 0xfeedbabe && u32be(p + 12)
                        : u32be(p) == 0xc03b3998 && u32be(p + 4) == 2 &&
                              u32be(p + 8) == whole.last_seq)
            last = at;
    }
    ck_assert_uint_gt(last, 0);
    memset(im.p + last + (step == 512 ? 512 : 0), 0, step == 512 ? 4096 : 512);
    source_close(replay(im.vol, &torn));
    ck_assert_int_eq(torn.state, JOURNAL_DIRTY);
    ck_assert_uint_lt(torn.last_seq, whole.last_seq);
    ck_assert(torn.dropped || torn.why[0]);
    image_free(&im);
}
END_TEST

START_TEST(gaps_stay_unless_the_journal_has_the_bytes)
{
    struct image im = image_load(names[_i]);
    struct journal_report r;
    uint64_t from, n, covered = 0, bare = 0;
    bool blocks = fs_recognise(im.vol) == FS_EXT; /* logged as a whole */
    struct source *s = replay(im.vol, &r);
    journal_range(&im, &from, &n);
    for (uint64_t at = 8192; at < im.n && !(covered && bare); at += 4096) {
        if (at >= from && at < from + n)
            continue;
        bool all = true;
        for (uint64_t k = 0; k < 4096; k += 512)
            all &= journal_covers(s, at + k, 512);
        if (all && blocks)
            covered = at;
        else if (!journal_covers(s, at, 4096))
            bare = at;
    }
    source_close(s);
    ck_assert_uint_gt(bare, 0);
    source_add_gap(im.vol, bare, 4096, GAP_UNREADABLE);
    if (covered)
        source_add_gap(im.vol, covered, 4096, GAP_UNREADABLE);
    s = replay(im.vol, &r);
    ck_assert_ptr_nonnull(source_gap_in(s, bare, 4096));
    if (covered)
        ck_assert_ptr_null(source_gap_in(s, covered, 4096));
    source_close(s);
    /* The journal itself cannot be read. */
    source_add_gap(im.vol, from, n, GAP_UNREADABLE);
    s = replay(im.vol, &r);
    ck_assert_ptr_null(s);
    ck_assert(r.state == JOURNAL_UNREADABLE || r.state == JOURNAL_CLEAN);
    image_free(&im);
}
END_TEST

/* What a journal puts into a hole of a sparse image is none. */
START_TEST(holes_end_at_what_the_journal_has)
{
    enum { MIB = 1 << 20, GRAIN = 4096 };
    char path[4096];
    snprintf(path, sizeof path, "%s/sparse", tap_dir());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_eq(ftruncate(fd, 8 * MIB), 0);
    ck_assert_int_eq(pwrite(fd, "data", 4, 6 * MIB), 4);
    struct source *vol = source_open_fd(fd, NULL);
    struct overlay *o = overlay_open(vol, GRAIN);
    ck_assert(overlay_write(o, 3 * MIB + 10, "new", 3));
    ck_assert(overlay_remap(o, 7 * MIB / GRAIN, 6 * MIB, NULL));
    struct source *s = overlay_source(o, NULL);
    bool known = lseek(fd, 0, SEEK_DATA) > 0; /* may not know of holes */
    uint64_t told = zeros_told(s, UINT64_MAX), end;
    ck_assert(told != UINT64_MAX && (!known || told >= 7 * MIB));
    ck_assert_uint_le(source_next_data(s, MIB, &end), 3 * MIB);
    ck_assert_uint_le(source_next_data(s, 3 * MIB + 5, &end), 3 * MIB + 5);
    source_close(s);
    source_close(vol);
    close(fd);
}
END_TEST

static enum journal_state state_of(struct image *im, char why[160])
{
    struct journal_report r;
    source_close(replay(im->vol, &r));
    memcpy(why, r.why, 160);
    return r.state;
}

START_TEST(other_states_of_ext_are_told)
{
    char why[160];
    struct image im = image_load("ext4-none");
    char *sb = im.p + 1024;
    uint32_t incompat = u32le(sb + 0x60), compat = u32le(sb + 0x5c);
    put_u32le(sb + 0x60, incompat & ~4u);
    ck_assert_int_eq(state_of(&im, why), JOURNAL_CLEAN);
    ck_assert_ptr_nonnull(strstr(why, "asks for no recovery"));
    put_u32le(sb + 0x60, incompat);
    put_u32le(sb + 0x5c, compat & ~4u);
    ck_assert_int_eq(state_of(&im, why), JOURNAL_NONE);
    put_u32le(sb + 0x5c, compat);
    put_u32le(sb + 0xe0, 0);
    ck_assert_int_eq(state_of(&im, why), JOURNAL_UNREADABLE);
    ck_assert_ptr_nonnull(strstr(why, "another device"));
    /* The inode is another one: the superblock's copy of its blocks helps. */
    put_u32le(sb + 0xe0, 2);
    ck_assert_int_eq(state_of(&im, why), JOURNAL_DIRTY);
    ck_assert_ptr_nonnull(strstr(why, "copy of its place"));
    sb[0xfd] = 0;
    ck_assert_int_eq(state_of(&im, why), JOURNAL_UNREADABLE);
    image_free(&im);
}
END_TEST

START_TEST(other_superblocks_of_jbd2_are_told)
{
    static const struct {
        unsigned at;
        uint32_t value; /* big-endian */
        const char *why;
    } wrong[] = {
        { 0, 0, "no superblock" },
        { 4, 1, "no superblock" },
        { 12, 4096, "another size" },
        { 16, 1 << 30, "fewer blocks" },
        { 20, 0, "first block" },
        { 28, 1 << 20, "start" },
        { 0x28, 0x80, "unknown features" },
        { 0x28, 0x18, "two kinds" },
        { 0x28, 0x10, "an unknown kind of checksum" },
    };
    struct image im = image_load("ext4-none");
    uint64_t at, n;
    char why[160], old[1024];
    journal_range(&im, &at, &n);
    memcpy(old, im.p + at, sizeof old);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put_u32le(im.p + at + wrong[i].at, __builtin_bswap32(wrong[i].value));
        ck_assert_int_eq(state_of(&im, why), JOURNAL_UNREADABLE);
        ck_assert_msg(strstr(why, wrong[i].why) != NULL, "%zu: %s", i, why);
        memcpy(im.p + at, old, sizeof old);
    }
    /* An empty log under a volume that asks for recovery. */
    put_u32le(im.p + at + 28, 0);
    ck_assert_int_eq(state_of(&im, why), JOURNAL_DIRTY);
    image_free(&im);
}
END_TEST

START_TEST(other_states_of_xfs_are_told)
{
    struct image im = image_load("xfs");
    uint64_t at, n;
    char why[160], old[512];
    struct xfs_log_sb sb;
    journal_range(&im, &at, &n);
    memcpy(old, im.p, sizeof old);
    put_u64le(im.p + 48, 0);
    ck_assert_int_eq(state_of(&im, why), JOURNAL_UNREADABLE);
    ck_assert_ptr_nonnull(strstr(why, "another device"));
    memcpy(im.p, old, sizeof old);
    im.p[32] ^= 1; /* the identity */
    ck_assert_int_eq(state_of(&im, why), JOURNAL_UNREADABLE);
    ck_assert_ptr_nonnull(strstr(why, "identity"));
    memcpy(im.p, old, sizeof old);
    im.p[120] = 30;
    ck_assert(!xfs_log_sb_load(im.vol, &sb));
    ck_assert_int_eq(state_of(&im, why), JOURNAL_UNREADABLE);
    memcpy(im.p, old, sizeof old);
    /* Only the record that mkfs wrote, an unmount; then none at all. */
    memset(im.p + at + 1024, 0, (size_t)n - 1024);
    ck_assert_int_eq(state_of(&im, why), JOURNAL_CLEAN);
    memset(im.p + at, 0, (size_t)n);
    ck_assert_int_eq(state_of(&im, why), JOURNAL_CLEAN);
    image_free(&im);
}
END_TEST

START_TEST(other_file_systems_have_none)
{
    char zeros[4096] = "";
    struct source *vol =
        source_open_memory((struct str){ zeros, sizeof zeros }, NULL);
    struct journal_report r;
    ck_assert_ptr_null(replay(vol, &r));
    ck_assert_int_eq(r.state, JOURNAL_NONE);
    source_close(vol);
}
END_TEST

Suite *suite(void)
{
    enum { IMAGES = sizeof names / sizeof *names };
    Suite *s = suite_create("journal");
    const struct {
        const char *name;
        const TTest *test;
    } each[] = {
        { "report", reports_say_what_was_recovered },
        { "pieces", pieces_agree },
        { "damage", damage_is_survived },
        { "cut", cut_volumes_are_survived },
        { "torn", torn_transactions_are_dropped },
        { "gaps", gaps_stay_unless_the_journal_has_the_bytes },
    };
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        TCase *c = tcase_create(each[i].name);
        tcase_set_timeout(c, 60);
        tcase_add_loop_test(c, each[i].test, 0, IMAGES);
        suite_add_tcase(s, c);
    }
    tap_case(s, "holes", holes_end_at_what_the_journal_has);
    tap_case(s, "ext", other_states_of_ext_are_told);
    tap_case(s, "jbd2", other_superblocks_of_jbd2_are_told);
    tap_case(s, "xfs", other_states_of_xfs_are_told);
    tap_case(s, "none", other_file_systems_have_none);
    return s;
}
