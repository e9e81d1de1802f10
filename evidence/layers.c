/*
 * The layers part of a citation, turned back into a source: "!ewf!p1!ino/12"
 * read from left to right. One line of the table per kind of layer; each
 * opener gets the source below and the argument after the first slash, with
 * its %HH escapes undone.
 */
#include <stdlib.h>

#include "base/text.h"
#include "evidence/archive.h"
#include "evidence/container.h"
#include "evidence/fs.h"
#include "evidence/gzip.h"
#include "evidence/journal.h"
#include "evidence/lvm.h"
#include "evidence/memory.h"
#include "evidence/super_copy.h"
#include "evidence/unpack.h"
#include "evidence/utf16.h"
#include "evidence/volume.h"
#include "evidence/zstd.h"

enum {
    LAYERS_MAX = 16, /* deeper nesting than any importer makes */
};

/* As much as a compressed file may unfold to: a disk image may be large. An
 * import of records stops earlier. */
#define OUT_MAX (UINT64_C(8) << 40)

/* number: of "p1", else 0. */
typedef struct source *open_fn(struct source *below, uint64_t number,
                               struct str arg, struct err *err);

static struct source *open_gz(struct source *below, uint64_t number,
                              struct str arg, struct err *err)
{
    (void)number;
    (void)arg;
    return source_open_gzip(below, OUT_MAX, err);
}

static struct source *open_zst(struct source *below, uint64_t number,
                               struct str arg, struct err *err)
{
    (void)number;
    (void)arg;
    return source_open_zstd(below, OUT_MAX, err);
}

static struct source *open_xz(struct source *below, uint64_t number,
                              struct str arg, struct err *err)
{
    (void)number;
    (void)arg;
    return unpack_open(UNPACK_XZ, below, OUT_MAX, err);
}

static struct source *open_bz2(struct source *below, uint64_t number,
                               struct str arg, struct err *err)
{
    (void)number;
    (void)arg;
    return unpack_open(UNPACK_BZ2, below, OUT_MAX, err);
}

static struct source *open_partition(struct source *below, uint64_t number,
                                     struct str arg, struct err *err)
{
    (void)arg;
    if (number > UINT32_MAX) {
        err_set(err, ERR_USAGE, "partition numbers have 32 bits");
        return NULL;
    }
    return volume_open(below, (uint32_t)number, err);
}

static struct source *open_lv(struct source *below, uint64_t number,
                              struct str arg, struct err *err)
{
    (void)number;
    return lvm_volume_open(below, arg, err);
}

static struct source *open_phys(struct source *below, uint64_t number,
                                struct str arg, struct err *err)
{
    (void)number;
    (void)arg;
    return memory_open(below, err);
}

/* A file of a file system, with the file system it needs: one layer. */
struct fs_file_state {
    struct fs *fs;
    struct source *content;
};

static int fs_file_read(struct source *s, uint64_t off, void *buf, size_t n,
                        struct err *err)
{
    struct fs_file_state *st = s->state;
    size_t got;
    int code = source_read(st->content, off, buf, n, &got, err);
    source_take_gaps(s, st->content, off, off, n);
    return code;
}

static void fs_file_close(struct source *s)
{
    struct fs_file_state *st = s->state;
    source_close(st->content);
    fs_close(st->fs);
    free(st);
}

static const struct source_ops fs_file_ops = { .read = fs_file_read,
                                               .close = fs_file_close };

static struct source *fs_file_make(struct source *below, struct fs *fs,
                                   struct source *content, struct err *err)
{
    struct fs_file_state *st = content ? calloc(1, sizeof *st) : NULL;
    if (!st) {
        if (content)
            err_set(err, ERR_INTERNAL, "out of memory");
        source_close(content);
        fs_close(fs);
        return NULL;
    }
    *st = (struct fs_file_state){ fs, content };
    struct source *s = source_make(&fs_file_ops, st, content->size, below,
                                   content->layer, err);
    if (s)
        source_take_gaps(s, content, 0, 0, content->size);
    return s;
}

static struct source *open_path(struct source *below, uint64_t number,
                                struct str arg, struct err *err)
{
    struct fs *fs = fs_open(below, err);
    (void)number;
    return fs ? fs_file_make(below, fs, fs_open_path(fs, arg, err), err) : NULL;
}

static struct source *open_inode(struct source *below, uint64_t number,
                                 struct str arg, struct err *err)
{
    uint64_t inode;
    (void)number;
    if (!str_u64(arg, &inode)) {
        err_set(err, ERR_USAGE, "ino/N needs a number");
        return NULL;
    }
    struct fs *fs = fs_open(below, err);
    return fs ? fs_file_make(below, fs, fs_open_inode(fs, inode, err), err)
              : NULL;
}

/* The volume as its journal completes it. */
static struct source *open_journal(struct source *below, uint64_t number,
                                   struct str arg, struct err *err)
{
    struct journal_report report;
    struct err own = { 0 };
    (void)number;
    (void)arg;
    struct source *s =
        journal_replay(below, fs_recognise(below), &report, &own);
    if (!s && own.code == 0)
        err_set(&own, ERR_EVIDENCE, "no journal to play back here%s%s",
                report.why[0] ? ": " : "", report.why);
    if (!s && err)
        *err = own;
    return s;
}

/* The volume with a copy of its superblock in place of a damaged one. */
static struct source *open_super(struct source *below, uint64_t number,
                                 struct str arg, struct err *err)
{
    struct super_report report;
    struct err own = { 0 };
    (void)number;
    (void)arg;
    struct source *s = super_copy_open(below, &report, &own);
    if (!s && own.code == 0)
        err_set(&own, ERR_EVIDENCE, "the superblock needs no copy");
    if (!s && err)
        *err = own;
    return s;
}

static struct source *open_zip(struct source *below, uint64_t number,
                               struct str arg, struct err *err)
{
    (void)number;
    return members_open_name(below, ARCHIVE_ZIP, arg, err);
}

static struct source *open_tar(struct source *below, uint64_t number,
                               struct str arg, struct err *err)
{
    (void)number;
    return members_open_name(below, ARCHIVE_TAR, arg, err);
}

static struct source *open_utf16(struct source *below, uint64_t number,
                                 struct str arg, struct err *err)
{
    (void)number;
    (void)arg;
    return source_open_utf16(below, err);
}

static const struct {
    const char *name;
    bool numbered; /* digits follow the name: p1 */
    bool arg;      /* "/ARG" follows */
    open_fn *open;
} kinds[] = {
    { "gz", false, false, open_gz },
    { "zst", false, false, open_zst },
    { "xz", false, false, open_xz },
    { "bz2", false, false, open_bz2 },
    { "p", true, false, open_partition },
    { "fs", false, true, open_path },
    { "ino", false, true, open_inode },
    { "zip", false, true, open_zip },
    { "tar", false, true, open_tar },
    { "phys", false, false, open_phys },
    { "journal", false, false, open_journal },
    { "super", false, false, open_super },
    { "lv", false, true, open_lv },
    { "utf16", false, false, open_utf16 },
};

static bool name_fits(struct str name, const char *kind, bool numbered,
                      uint64_t *number)
{
    struct str k = str_from(kind);
    *number = 0;
    if (!numbered)
        return str_eq(name, k);
    return str_starts(name, k) && str_u64(str_sub(name, k.n, name.n), number);
}

static enum container_kind container_named(struct str name)
{
    for (unsigned k = CONTAINER_NONE + 1; k < CONTAINER_OTHER; k++)
        if (str_eq(name, str_from(container_layer((enum container_kind)k))))
            return (enum container_kind)k;
    return CONTAINER_NONE;
}

/* One layer, "gz" or "fs/etc/passwd", over below. */
static struct source *open_layer(struct source *below, struct str layer,
                                 struct err *err)
{
    size_t slash = str_find(layer, STR("/"));
    bool has_arg = slash != SIZE_MAX;
    struct str name = str_sub(layer, 0, slash);
    struct buf arg = { 0 };
    struct source *s = NULL;
    uint64_t number;
    size_t i = 0, n = sizeof kinds / sizeof *kinds;
    enum container_kind container =
        has_arg ? CONTAINER_NONE : container_named(name);
    if (container)
        return container_open(container, below, err);
    while (i < n && !name_fits(name, kinds[i].name, kinds[i].numbered, &number))
        i++;
    if (has_arg && !text_uncite(&arg, str_sub(layer, slash + 1, layer.n)))
        err_set(err, ERR_USAGE, "a name in the layers has a bad %%HH");
    else if (i == n)
        err_set(err, ERR_USAGE, "unknown layer in the citation");
    else if (has_arg != kinds[i].arg)
        err_set(err, ERR_USAGE, "layer %s: %s", kinds[i].name,
                has_arg ? "takes no name" : "needs /NAME");
    else
        s = kinds[i].open(below, number, buf_str(&arg), err);
    buf_free(&arg);
    return s;
}

struct source *source_open_layers(struct source *file, struct str layers,
                                  struct err *err)
{
    struct source *top = file;
    bool ok = true;
    size_t n = 0;
    if (layers.n == 0) /* a slice: the caller closes what it gets */
        return source_open_slice(file, 0, file->size, "", err);
    while (ok && layers.n > 0) {
        ok = false;
        if (layers.p[0] != '!' || ++n > LAYERS_MAX) {
            err_set(err, ERR_USAGE, "layers must be !NAME!NAME, at most %d",
                    LAYERS_MAX);
            break;
        }
        layers = str_sub(layers, 1, layers.n);
        size_t end = str_find(layers, STR("!"));
        struct source *s = open_layer(top, str_sub(layers, 0, end), err);
        if (!s)
            break;
        struct source *lowest = s; /* one layer may be of two sources */
        while (lowest->owns_below)
            lowest = lowest->below;
        lowest->owns_below = top != file;
        top = s;
        ok = true;
        layers = str_sub(layers, end, layers.n);
    }
    if (ok)
        return top;
    if (top != file)
        source_close(top);
    return NULL;
}
