/* A volume whose superblock is damaged: the search for a copy ends, finds the
 * same twice, and what stands in the place of the superblock can be opened and
 * walked. The input may be packed as in tests/evidence/sectors.h. */
#include "evidence/super_copy.h"

#include <stdlib.h>

#include "tests/evidence/sectors.h"
#include "tests/fuzz/replay.h"

enum { VOLUME_MAX = 64 << 20, HEAD = 64 << 10, NAMES = 200 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static int on_file(void *ctx, const struct fs_file *f)
{
    unsigned *names = ctx;
    must(f->path.n > 0);
    return ++*names > NAMES;
}

static int on_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    (void)ctx;
    (void)inode;
    must(severity >= 0 && severity <= 2 && code[0] && text[0]);
    return 0;
}

static void check(struct source *s, struct source *again, enum fs_type type)
{
    static char a[HEAD], b[HEAD];
    size_t n, m;
    unsigned names = 0;
    const struct fs_visitor v = { &names, on_file, on_issue, NULL };
    must(!source_read(s, 0, a, HEAD, &n, NULL));
    must(!source_read(again, 0, b, HEAD, &m, NULL));
    must(n == m && memcmp(a, b, n) == 0);
    must(fs_recognise(s) == type || fs_recognise(s) > FS_EMPTY);
    struct fs *fs = fs_open(s, NULL);
    if (fs)
        must(fs_walk(fs, &v, NULL) >= 0);
    fs_close(fs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    char *image = sectors_unpack(bytes, VOLUME_MAX, &size);
    if (image)
        bytes = (struct str){ image, size };
    struct source *vol = source_open_memory(bytes, NULL);
    struct super_report one, two;
    struct err err = { 0 };
    must(vol != NULL);
    struct source *s = super_copy_open(vol, &one, &err);
    struct source *again = super_copy_open(vol, &two, &err);
    must((s != NULL) == (again != NULL));
    if (s) {
        must(one.from == two.from && one.replaced == two.replaced);
        must(one.from && one.from < vol->size && one.why && s->size == size);
        check(s, again, one.type);
    }
    source_close(s);
    source_close(again);
    source_close(vol);
    free(image);
    return 0;
}
