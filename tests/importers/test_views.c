/* Two views of one volume, from rows made here. */
#include "importers/disk_views.h"

#include "tests/tap.h"

static struct fs_file file(const char *path, uint64_t inode, int64_t m)
{
    return (struct fs_file){
        .path = str_from(path),
        .inode = inode,
        .type = FS_FILE_REGULAR,
        .mode = 0100644,
        .flags = FS_FILE_NO_D,
        .m = { m, 5 },
        .a = { 100, 0 },
        .c = { 200, 0 },
        .b = { 300, 0 },
    };
}

struct world {
    struct fs_file disk[8], after[8];
    size_t n_disk, n_after;
};

static struct disk_views *compare(const struct world *w)
{
    struct disk_views *v = disk_views_open();
    ck_assert_ptr_nonnull(v);
    for (size_t i = 0; i < w->n_disk; i++)
        ck_assert(disk_views_add(v, &w->disk[i]));
    for (size_t i = 0; i < w->n_after; i++)
        ck_assert(disk_views_meet(v, &w->after[i]));
    return v;
}

START_TEST(rows_fall_into_three_views)
{
    struct world w = {
        .disk = { file("/same", 11, 1), file("/gone", 12, 1),
                  file("/changed", 13, 1) },
        .after = { file("/same", 11, 1), file("/changed", 13, 2),
                   file("/new", 14, 1) },
        .n_disk = 3,
        .n_after = 3,
    };
    struct disk_views *v = compare(&w);
    struct disk_views_sums sum;
    uint8_t told;
    ck_assert(disk_views_same(v, &w.disk[0], &told));
    ck_assert(!disk_views_same(v, &w.disk[1], &told));
    ck_assert_uint_eq(told, 0);
    ck_assert(!disk_views_same(v, &w.disk[2], &told));
    ck_assert_uint_eq(told, 1u << 1 | 1u << 2 | 1u << 3); /* a, c, b */
    disk_views_shrink(v);
    ck_assert(!disk_views_new(v, &w.after[0]));
    ck_assert(disk_views_new(v, &w.after[1]));
    ck_assert(disk_views_new(v, &w.after[2]));
    disk_views_sum(v, &sum);
    ck_assert_uint_eq(sum.added, 1);
    ck_assert_uint_eq(sum.removed, 1);
    ck_assert_uint_eq(sum.changed, 1);
    ck_assert(sum.compared && sum.changed_all);
    disk_views_close(v);
}
END_TEST

/* Whatever a row shows makes a difference; where it lies does not. */
START_TEST(every_field_counts)
{
    static const struct fs_xattr label[] = { { { "user.a", 6 }, { "1", 1 } } };
    static const struct fs_xattr other[] = { { { "user.a", 6 }, { "2", 1 } } };
    static const struct fs_xattr moved[] = { { { "user.", 5 }, { "a1", 2 } } };
    struct fs_file base = file("/f", 11, 1), changed[20];
    base.xattrs = label;
    base.n_xattrs = 1;
    for (int i = 0; i < 20; i++)
        changed[i] = base;
    size_t n = 0;
    changed[n++].path = STR("/g");
    changed[n++].inode = 12;
    changed[n++].parent = 2;
    changed[n++].type = FS_FILE_FIFO;
    changed[n++].mode = 0104644;
    changed[n++].uid = 1;
    changed[n++].gid = 1;
    changed[n++].links = 2;
    changed[n++].size = 1;
    changed[n++].flags |= FS_FILE_NO_A;
    changed[n++].m.ns = 6;
    changed[n++].b.s = 301;
    changed[n++].t_res = 9;
    changed[n++].link = STR("x");
    changed[n++].device = 1;
    changed[n++].found = FS_FOUND_OPEN;
    changed[n++].confidence = FS_POSSIBLE;
    changed[n++].n_xattrs = 0;
    changed[n++].xattrs = other;
    changed[n++].xattrs = moved;
    ck_assert_uint_eq(n, 20);
    for (size_t i = 0; i < n; i++) {
        struct world w = { { base }, { changed[i] }, 1, 1 };
        struct disk_views *v = compare(&w);
        uint8_t told;
        ck_assert(!disk_views_same(v, &base, &told));
        ck_assert(disk_views_new(v, &changed[i]));
        disk_views_close(v);
    }
    struct fs_file elsewhere = base;
    elsewhere.off = 4096;
    elsewhere.len = 256;
    elsewhere.free_bytes = 1;
    elsewhere.d.s = 7; /* not known: says nothing */
    struct world w = { { base }, { elsewhere }, 1, 1 };
    struct disk_views *v = compare(&w);
    uint8_t told;
    ck_assert(disk_views_same(v, &base, &told));
    ck_assert(!disk_views_new(v, &elsewhere));
    disk_views_close(v);
}
END_TEST

START_TEST(a_name_twice_is_met_twice)
{
    struct world w = {
        .disk = { file("/f", 11, 1), file("/f", 11, 1), file("/f", 12, 1) },
        .after = { file("/f", 11, 1) },
        .n_disk = 3,
        .n_after = 1,
    };
    struct disk_views *v = compare(&w);
    uint8_t told;
    ck_assert(disk_views_same(v, &w.disk[0], &told));
    ck_assert(disk_views_same(v, &w.disk[1], &told));
    ck_assert(!disk_views_same(v, &w.disk[2], &told));
    disk_views_close(v);
}
END_TEST

START_TEST(an_empty_view_is_all_removed_or_all_added)
{
    struct world w = { { file("/f", 11, 1) }, { file("/g", 12, 1) }, 0, 1 };
    struct disk_views *v = compare(&w);
    uint8_t told;
    ck_assert(disk_views_new(v, &w.after[0]));
    disk_views_close(v);
    w.n_disk = 1;
    w.n_after = 0;
    v = compare(&w);
    ck_assert(!disk_views_same(v, &w.disk[0], &told));
    ck_assert_uint_eq(told, 0);
    disk_views_close(v);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("views");
    tap_case(s, "views", rows_fall_into_three_views);
    tap_case(s, "fields", every_field_counts);
    tap_case(s, "twice", a_name_twice_is_met_twice);
    tap_case(s, "empty", an_empty_view_is_all_removed_or_all_added);
    return s;
}
