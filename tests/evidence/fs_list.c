/*
 * One line a name, of an image by our readers (fs_list IMAGE [LAYERS]) or of
 * a mounted folder by the kernel (fs_list -k FOLDER): what the oracle tests
 * compare. Names are hex where they are not plain.
 *
 *   TYPE MODE UID GID LINKS SIZE MTIME CTIME BTIME FLAGS SHA256 LINK PATH
 *
 * With -x before all else, INODE ATIME DEVICE XATTRS stand before PATH;
 * extended attributes as their count and a hash of all names and values.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/varint.h"
#include "evidence/fs.h"

static bool with_times = true, with_more;
static size_t prefix;

static void put_text(struct str s)
{
    if (s.n == 0)
        putchar('-');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c > ' ' && c < 0x7f && c != '\\')
            putchar(c);
        else
            printf("\\x%02x", c);
    }
}

static void put_time(bool known, struct instant t)
{
    if (known && with_times)
        printf(" %lld.%09u", (long long)t.s, t.ns);
    else
        printf(" -");
}

static void put_hash(const unsigned char *h, bool known)
{
    putchar(' ');
    for (size_t i = 0; known && i < 32; i++)
        printf("%02x", h[i]);
    if (!known)
        putchar('-');
}

static void hash_text(struct hasher *h, struct str s)
{
    char n[4];
    put_u32le(n, (uint32_t)s.n);
    hasher_add(h, n, 4);
    hasher_add(h, s.p, s.n);
}

static void put_more(const struct fs_file *f)
{
    unsigned char out[32];
    struct hasher *h = hasher_open(1u << HASH_SHA256);
    for (size_t i = 0; i < f->n_xattrs; i++) {
        hash_text(h, f->xattrs[i].name);
        hash_text(h, f->xattrs[i].value);
    }
    hasher_end(h, HASH_SHA256, out);
    hasher_close(h);
    printf(" %llu", (unsigned long long)f->inode);
    put_time(!(f->flags & FS_FILE_NO_A), f->a);
    printf(" %u:%u %zu:", f->device >> 20, f->device & 0xfffff, f->n_xattrs);
    for (size_t i = 0; i < 8; i++)
        printf("%02x", out[i]);
}

static void put_line(const struct fs_file *f, const unsigned char *hash)
{
    static const char types[] = "?-dcbpsl?";
    printf("%c %04o %u %u %u %llu", types[f->type], f->mode, f->uid, f->gid,
           f->links,
           (unsigned long long)(f->type == FS_FILE_DIR ? 0 : f->size));
    put_time(!(f->flags & FS_FILE_NO_M), f->m);
    put_time(!(f->flags & FS_FILE_NO_C), f->c);
    put_time(!(f->flags & FS_FILE_NO_B), f->b);
    printf(" %x", f->flags & ~(unsigned)FS_FILE_NO_TIMES);
    put_hash(hash, hash != NULL);
    putchar(' ');
    put_text(f->link);
    if (with_more)
        put_more(f);
    putchar(' ');
    put_text(f->path);
    putchar('\n');
}

/* ---- ours --------------------------------------------------------------- */

struct ctx {
    struct fs *fs;
    char *buf;
};

static bool hash_inode(struct ctx *c, uint64_t inode, unsigned char out[32])
{
    enum { STEP = 1 << 20 };
    struct source *s = fs_open_inode(c->fs, inode, NULL);
    struct hasher *h = hasher_open(1u << HASH_SHA256);
    bool ok = s && h;
    for (uint64_t off = 0; ok && off < s->size;) {
        size_t got;
        ok = !source_read(s, off, c->buf, STEP, &got, NULL) && got > 0;
        hasher_add(h, c->buf, got);
        off += got;
    }
    if (ok)
        hasher_end(h, HASH_SHA256, out);
    hasher_close(h);
    source_close(s);
    return ok;
}

static int on_file(void *ctx, const struct fs_file *f)
{
    unsigned char hash[32];
    struct ctx *c = ctx;
    bool hashed = f->type == FS_FILE_REGULAR &&
                  f->size / 16 <= c->fs->vol->size &&
                  hash_inode(c, f->inode, hash);
    put_line(f, hashed ? hash : NULL);
    return 0;
}

static int on_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    (void)ctx;
    fprintf(stderr, "issue %d %s inode %llu: %s\n", severity, code,
            (unsigned long long)inode, text);
    return 0;
}

static int list_image(const char *path, const char *layers)
{
    struct err err = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC), code = 1;
    struct source *file = source_open_fd(fd, &err), *vol = NULL;
    struct ctx c = { .buf = malloc(1 << 20) };
    const struct fs_visitor v = { &c, on_file, on_issue, NULL };
    if (file)
        vol = source_open_layers(file, str_from(layers), &err);
    if (vol)
        c.fs = fs_open(vol, &err);
    if (c.fs)
        code = fs_walk(c.fs, &v, &err);
    if (code)
        fprintf(stderr, "fs_list: %s\n", err.what);
    fs_close(c.fs);
    source_close(vol);
    source_close(file);
    free(c.buf);
    close(fd);
    return code;
}

/* ---- the kernel's ------------------------------------------------------- */

static bool hash_path(const char *path, unsigned char out[32])
{
    static char buf[1 << 20];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct hasher *h = hasher_open(1u << HASH_SHA256);
    ssize_t n;
    while ((n = read(fd, buf, sizeof buf)) > 0)
        hasher_add(h, buf, (size_t)n);
    hasher_end(h, HASH_SHA256, out);
    hasher_close(h);
    close(fd);
    return n == 0;
}

static uint8_t type_of(unsigned mode)
{
    return S_ISREG(mode)    ? FS_FILE_REGULAR
           : S_ISDIR(mode)  ? FS_FILE_DIR
           : S_ISCHR(mode)  ? FS_FILE_CHAR
           : S_ISBLK(mode)  ? FS_FILE_BLOCK
           : S_ISFIFO(mode) ? FS_FILE_FIFO
           : S_ISSOCK(mode) ? FS_FILE_SOCKET
                            : FS_FILE_LINK;
}

/* What the file system keeps its ACLs under is shown a second time as what the
 * system calls say: once is enough. */
static bool is_shown(const char *name)
{
    return strncmp(name, "trusted.SGI_ACL_", 16) != 0;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct fs_xattr *)a)->name,
                   ((const struct fs_xattr *)b)->name);
}

static void load_xattrs(const char *path, struct fs_file *f)
{
    enum { VALUES = 8 << 20 };
    static char names[64 << 10], values[VALUES];
    static struct fs_xattr items[FS_XATTRS_MAX];
    ssize_t n = llistxattr(path, names, sizeof names);
    size_t at = 0, count = 0;
    for (char *p = names; p < names + n; p += strlen(p) + 1) {
        if (!is_shown(p) || count == FS_XATTRS_MAX)
            continue;
        ssize_t got = lgetxattr(path, p, values + at, VALUES - at);
        if (got < 0)
            fprintf(stderr, "fs_list: %s: %s: %s\n", path, p, strerror(errno));
        items[count].name = str_from(p);
        items[count++].value = (struct str){ values + at, (size_t)got };
        at += got > 0 ? (size_t)got : 0;
    }
    qsort(items, count, sizeof *items, by_name);
    f->xattrs = items;
    f->n_xattrs = count;
}

static int on_name(const char *path, const struct stat *st, int flag,
                   struct FTW *where)
{
    static char target[4096];
    unsigned char hash[32];
    struct statx x = { 0 };
    struct fs_file f = { .path = str_from(path + prefix) };
    (void)st;
    (void)flag;
    (void)where;
    if (f.path.n == 0)
        f.path = STR("/");
    statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_ALL, &x);
    f.type = type_of(x.stx_mode);
    f.mode = x.stx_mode & 07777u;
    f.uid = x.stx_uid;
    f.gid = x.stx_gid;
    f.links = x.stx_nlink;
    f.size = x.stx_size;
    f.m = (struct instant){ x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec };
    f.c = (struct instant){ x.stx_ctime.tv_sec, x.stx_ctime.tv_nsec };
    f.b = (struct instant){ x.stx_btime.tv_sec, x.stx_btime.tv_nsec };
    f.flags = x.stx_mask & STATX_BTIME ? 0 : FS_FILE_NO_B;
    f.a = (struct instant){ x.stx_atime.tv_sec, x.stx_atime.tv_nsec };
    f.inode = x.stx_ino;
    f.device = x.stx_rdev_major << 20 | x.stx_rdev_minor;
    if (with_more)
        load_xattrs(path, &f);
    if (f.type == FS_FILE_LINK)
        f.link = (struct str){ target, (size_t)readlink(path, target, 4096) };
    bool hashed = f.type == FS_FILE_REGULAR && hash_path(path, hash);
    put_line(&f, hashed ? hash : NULL);
    return 0;
}

int main(int argc, char **argv)
{
    setenv("TZ", "UTC0", 1);
    with_more = argc > 1 && strcmp(argv[1], "-x") == 0;
    argc -= with_more;
    argv += with_more;
    if (argc > 2 && strcmp(argv[1], "-k") == 0) {
        prefix = strlen(argv[2]);
        return nftw(argv[2], on_name, 64, FTW_PHYS | FTW_MOUNT) != 0;
    }
    with_times = getenv("FS_LIST_NO_TIMES") == NULL;
    return argc < 2 ? 1 : list_image(argv[1], argc > 2 ? argv[2] : "");
}
