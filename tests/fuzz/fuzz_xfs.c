/* An XFS volume, whole or as packed sectors: the walk ends, each directory is
 * entered once, attributes are sorted, content is never longer than said, and
 * a name that was told leads to its inode again. */
#include "evidence/fs.h"

#include <stdlib.h>

#include "tests/evidence/sectors.h"
#include "tests/fuzz/replay.h"

enum { READ_MAX = 8 << 10, VOLUME_MAX = 48 << 20, NAMES_MAX = 3000 };

struct ctx {
    struct fs *fs;
    uint64_t names;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_attrs(const struct fs_file *f)
{
    must(f->n_xattrs <= FS_XATTRS_MAX);
    for (size_t i = 0; i < f->n_xattrs; i++) {
        const struct fs_xattr *x = &f->xattrs[i];
        must(x->name.n > 0 && x->value.n <= FS_XATTR_MAX);
        must(i == 0 || str_cmp(x[-1].name, x->name) <= 0);
    }
}

static int on_file(void *ctx, const struct fs_file *f)
{
    struct ctx *c = ctx;
    char part[4096];
    size_t got = 1;
    c->names++;
    must(f->path.n > 0 && f->path.p[0] == '/' && f->path.n <= FS_PATH_MAX);
    must(f->m.ns < 1000000000 && f->b.ns < 1000000000);
    must(f->type > 0 && f->type <= FS_FILE_OTHER);
    check_attrs(f);
    if (f->flags & FS_FILE_REALLOCATED)
        return 0;
    struct source *s = fs_open_inode(c->fs, f->inode, NULL);
    for (uint64_t off = 0; s && got && off < READ_MAX; off += got)
        must(!source_read(s, off, part, sizeof part, &got, NULL));
    source_close(s);
    return c->names > NAMES_MAX;
}

static int on_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    (void)ctx;
    (void)inode;
    must(severity >= 0 && severity <= 2 && code[0] && text[0]);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    char *image = sectors_unpack(bytes, VOLUME_MAX, &size);
    if (image)
        bytes = (struct str){ image, size };
    struct source *vol = source_open_memory(bytes, NULL);
    struct fs *fs = NULL;
    if (vol && fs_recognise(vol) == FS_XFS)
        fs = fs_open(vol, NULL);
    if (fs) {
        struct ctx c = { fs, 0 };
        const struct fs_visitor v = { &c, on_file, on_issue, NULL };
        struct err err = { 0 };
        must(fs_walk(fs, &v, &err) >= 0);
        source_close(fs_open_path(fs, STR("/deep/er/still/file"), NULL));
        source_close(fs_open_path(fs, STR("/node/name-of-a-node77"), NULL));
    }
    fs_close(fs);
    source_close(vol);
    free(image);
    return 0;
}
