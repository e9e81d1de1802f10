/* What the readers of containers share; see the header. */
#include "config.h"

#include "evidence/container.h"

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "evidence/container_kinds.h"
#include "evidence/ebs.h"
#include "evidence/ewf.h"
#include "evidence/fileset.h"

/* ---- recognition -------------------------------------------------------- */

static const struct {
    const char *magic;
    size_t n;
    enum container_kind kind;
    const char *name;
} magics[] = {
    { "QFI\xfb", 4, CONTAINER_QCOW, "qcow2 container" },
    { "conectix", 8, CONTAINER_VHD, "VHD container" },
    { "vhdxfile", 8, CONTAINER_VHDX, "VHDX container" },
    { "KDMV", 4, CONTAINER_VMDK, "VMDK container" },
    { "# Disk DescriptorFile", 21, CONTAINER_VMDK, "VMDK descriptor" },
    { "COWD", 4, CONTAINER_OTHER, "VMDK (ESX sparse) container" },
    { "\xbe\xba\xfe\xca\0\0\0\0", 8, CONTAINER_OTHER,
      "VMDK (ESX seSparse) container" },
    { "EVF2\x0d\x0a\x81", 7, CONTAINER_OTHER, "EWF version 2 (Ex01) image" },
    { "QED\0", 4, CONTAINER_OTHER, "QED container" },
    { "AFF10\x0d\x0a", 7, CONTAINER_OTHER, "AFF image" },
    { "WithoutFreeSpace", 16, CONTAINER_OTHER, "Parallels container" },
    { "WithouFreSpacExt", 16, CONTAINER_OTHER, "Parallels container" },
    { "", 0, CONTAINER_OTHER, "VDI container" }, /* see find_magic */
};

static size_t find_magic(struct str head)
{
    static const struct str vdi = { "\x7f\x10\xda\xbe", 4 }; /* at 64 */
    size_t i = 0, n = sizeof magics / sizeof *magics - 1;
    if (str_eq(str_sub(head, 64, 4), vdi))
        return n;
    while (i < n &&
           !str_starts(head, (struct str){ magics[i].magic, magics[i].n }))
        i++;
    return i < n ? i : SIZE_MAX;
}

enum container_kind container_recognise(struct str head, struct str tail)
{
    size_t i = find_magic(head);
    if (ewf_is(head))
        return CONTAINER_EWF;
    if (i != SIZE_MAX)
        return magics[i].kind;
    if (tail.n >= CONTAINER_FOOTER)
        tail = str_sub(tail, tail.n - CONTAINER_FOOTER, CONTAINER_FOOTER);
    return tail.n == CONTAINER_FOOTER && vhd_footer_fits(tail) ? CONTAINER_VHD
                                                               : CONTAINER_NONE;
}

enum container_kind container_of(struct source *s)
{
    char head[CONTAINER_HEAD], tail[CONTAINER_FOOTER];
    size_t n = 0, t = 0;
    struct source *first = source_part(s, 0);
    if (fileset_of(s))
        return CONTAINER_EBS;
    if (source_read(first, 0, head, sizeof head, &n, NULL))
        n = 0;
    if (s->size < sizeof tail ||
        source_read(s, s->size - sizeof tail, tail, sizeof tail, &t, NULL))
        t = 0;
    return container_recognise((struct str){ head, n },
                               (struct str){ tail, t });
}

static const struct {
    const char *layer, *name;
    struct source *(*open)(struct source *s, struct err *err);
} kinds[] = {
    [CONTAINER_NONE] = { NULL, "no container", NULL },
    [CONTAINER_EWF] = { "ewf", "EWF (E01) image", ewf_source_open },
    [CONTAINER_QCOW] = { "qcow", "qcow2 container", qcow_open },
    [CONTAINER_VHD] = { "vhd", "VHD container", vhd_open },
    [CONTAINER_VHDX] = { "vhdx", "VHDX container", vhdx_open },
    [CONTAINER_VMDK] = { "vmdk", "VMDK container", vmdk_source_open },
    [CONTAINER_EBS] = { "ebs", "EBS block set", ebs_open },
    [CONTAINER_OTHER] = { NULL, "a container", NULL },
};

const char *container_name(enum container_kind kind, struct str head)
{
    size_t i = find_magic(head);
    return i != SIZE_MAX ? magics[i].name : kinds[kind].name;
}

const char *container_layer(enum container_kind kind)
{
    return kinds[kind].layer;
}

struct source *container_open(enum container_kind kind, struct source *s,
                              struct err *err)
{
    if (kinds[kind].open)
        return kinds[kind].open(s, err);
    err_set(err, ERR_EVIDENCE, "%s is not read by this version",
            kinds[kind].name);
    return NULL;
}

/* ---- what it says of itself --------------------------------------------- */

void container_value(struct container_info *in, const char *name,
                     const char *fmt, ...)
{
    va_list ap;
    if (in->n_values == CONTAINER_VALUES)
        return;
    struct container_value *v = &in->values[in->n_values++];
    v->name = name;
    va_start(ap, fmt);
    vsnprintf(v->text, sizeof v->text, fmt, ap);
    va_end(ap);
}

void container_issue(struct container_info *in, bool error, const char *code,
                     const char *fmt, ...)
{
    va_list ap;
    if (in->n_issues == CONTAINER_ISSUES)
        return;
    struct container_issue *i = &in->issues[in->n_issues++];
    i->code = code;
    i->error = error;
    va_start(ap, fmt);
    vsnprintf(i->text, sizeof i->text, fmt, ap);
    va_end(ap);
}

/* ---- unpacking ---------------------------------------------------------- */

struct inflater {
    z_stream z;
    int window; /* what z was made for: -15 raw, 15 zlib, 0 = not made */
    ZSTD_DCtx *zstd;
#ifdef HAVE_LIBDEFLATE
    struct libdeflate_decompressor *fast;
#endif
};

static void inflater_free(struct inflater *i)
{
    if (!i)
        return;
    if (i->window)
        inflateEnd(&i->z);
    ZSTD_freeDCtx(i->zstd);
#ifdef HAVE_LIBDEFLATE
    if (i->fast)
        libdeflate_free_decompressor(i->fast);
#endif
    free(i);
}

static bool unpack_zstd(struct inflater *i, const unsigned char *p, size_t n,
                        unsigned char *out, size_t size)
{
    if (!i->zstd)
        i->zstd = ZSTD_createDCtx();
    size_t frame = ZSTD_findFrameCompressedSize(p, n);
    if (!i->zstd || ZSTD_isError(frame))
        return false;
    return ZSTD_decompressDCtx(i->zstd, out, size, p, frame) == size;
}

#ifdef HAVE_LIBDEFLATE
static bool unpack_deflate(struct inflater *i, enum packing how,
                           const unsigned char *p, size_t n, unsigned char *out,
                           size_t size)
{
    size_t in, have;
    if (!i->fast)
        i->fast = libdeflate_alloc_decompressor();
    if (!i->fast)
        return false;
    enum libdeflate_result r =
        how == PACK_ZLIB ? libdeflate_zlib_decompress_ex(i->fast, p, n, out,
                                                         size, &in, &have)
                         : libdeflate_deflate_decompress_ex(i->fast, p, n, out,
                                                            size, &in, &have);
    return r == LIBDEFLATE_SUCCESS && have == size;
}
#else
static bool unpack_deflate(struct inflater *i, enum packing how,
                           const unsigned char *p, size_t n, unsigned char *out,
                           size_t size)
{
    int window = how == PACK_ZLIB ? 15 : -15;
    if (!i->window && inflateInit2(&i->z, window) == Z_OK)
        i->window = window;
    if (i->window != window || inflateReset(&i->z) != Z_OK || n > UINT32_MAX ||
        size > UINT32_MAX)
        return false;
    i->z.next_in = (unsigned char *)(uintptr_t)p;
    i->z.avail_in = (uInt)n;
    i->z.next_out = out;
    i->z.avail_out = (uInt)size;
    return inflate(&i->z, Z_FINISH) == Z_STREAM_END && i->z.avail_out == 0;
}
#endif

bool container_unpack(struct container *c, enum packing how,
                      const unsigned char *p, size_t n, unsigned char *out,
                      size_t size)
{
    if (!c->inflater)
        c->inflater = calloc(1, sizeof *c->inflater);
    if (!c->inflater)
        return false;
    return how == PACK_ZSTD ? unpack_zstd(c->inflater, p, n, out, size)
                            : unpack_deflate(c->inflater, how, p, n, out, size);
}

/* ---- reading ------------------------------------------------------------ */

bool container_meta(struct source *s, uint64_t off, void *buf, size_t n)
{
    size_t got;
    return source_read(s, off, buf, n, &got, NULL) == 0 && got == n &&
           !source_gap_in(s, off, n);
}

/* Content that lies in a file as it is. */
static int read_data(struct source *s, const struct run *r, uint64_t off,
                     void *buf, size_t n, struct err *err)
{
    struct source *file = r->file ? r->file : s->below;
    size_t got;
    int code = source_read(file, r->from, buf, n, &got, err);
    if (code)
        return code;
    if (got < n) {
        memset((char *)buf + got, 0, n - got);
        source_add_gap(s, off + got, n - got, GAP_ABSENT);
    }
    if (file->n_gaps)
        source_take_gaps(s, file, r->from, off, got);
    return 0;
}

/* The unit that begins at `at`, into out; false when it is damaged. */
static bool load_unit(struct source *s, const struct run *r, uint64_t at,
                      unsigned char *out)
{
    struct container *c = s->state;
    struct source *file = r->file ? r->file : s->below;
    size_t got;
    if (r->packed > c->packed_size) {
        unsigned char *p = realloc(c->packed, r->packed);
        if (!p)
            return false;
        c->packed = p;
        c->packed_size = r->packed;
    }
    if (source_read(file, r->from, c->packed, r->packed, &got, NULL) ||
        source_gap_in(file, r->from, got))
        return false;
    /* The last unit may have been packed whole or as far as the medium goes. */
    uint64_t left = s->size - at;
    return c->map->unpack(s, c->packed, got, out, (size_t)c->unit) ||
           (left < c->unit &&
            c->map->unpack(s, c->packed, got, out, (size_t)left));
}

static void read_packed(struct source *s, const struct run *r, uint64_t off,
                        unsigned char *buf, size_t n)
{
    struct container *c = s->state;
    uint64_t at = off - r->in;
    size_t skip = (size_t)r->in;
    if (!c->unit_bytes)
        c->unit_bytes = malloc((size_t)c->unit);
    if (c->unit_bytes && c->unit_at != at) {
        c->unit_at = at;
        c->unit_good = load_unit(s, r, at, c->unit_bytes);
    }
    if (c->unit_bytes && c->unit_good) {
        memcpy(buf, c->unit_bytes + skip, n);
        return;
    }
    memset(buf, 0, n);
    source_add_gap(s, at, c->unit, GAP_UNREADABLE);
}

static int read_run(struct source *s, const struct run *r, uint64_t off,
                    unsigned char *buf, size_t n, struct err *err)
{
    if (r->kind == RUN_DATA)
        return read_data(s, r, off, buf, n, err);
    if (r->kind == RUN_PACKED) {
        read_packed(s, r, off, buf, n);
        return 0;
    }
    memset(buf, 0, n);
    if (r->kind != RUN_ZERO)
        source_add_gap(s, off, r->len,
                       r->kind == RUN_LOST ? GAP_UNREADABLE : GAP_ABSENT);
    return 0;
}

static int container_read(struct source *s, uint64_t off, void *buf, size_t n,
                          struct err *err)
{
    const struct container *c = s->state;
    unsigned char *p = buf;
    int code = 0;
    while (n > 0 && code == 0) {
        struct run r = { .kind = RUN_LOST, .len = n };
        c->map->find(s, off, &r);
        if (r.kind == RUN_PACKED && r.len > c->unit - r.in)
            r.len = c->unit - r.in;
        size_t part = r.len < n ? (size_t)r.len : n;
        if (part == 0)
            return err_set(err, ERR_INTERNAL, "%s: empty range", s->layer);
        code = read_run(s, &r, off, p, part, err);
        p += part;
        off += part;
        n -= part;
    }
    return code;
}

void container_free(struct container *c)
{
    if (!c)
        return;
    if (c->map && c->map->free)
        c->map->free(c);
    inflater_free(c->inflater);
    free(c->unit_bytes);
    free(c->packed);
    free(c);
}

static void container_close(struct source *s)
{
    container_free(s->state);
}

static const struct source_ops container_ops = { .read = container_read,
                                                 .close = container_close };

struct source *container_make(struct container *c, uint64_t size,
                              struct source *below, struct err *err)
{
    c->unit_at = UINT64_MAX;
    return source_make(&container_ops, c, size, below, c->map->layer, err);
}

const struct container_info *container_info(const struct source *s)
{
    const struct container *c = s->state;
    return s->ops == &container_ops ? &c->info : NULL;
}
