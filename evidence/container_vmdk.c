/*
 * VMDK ("Virtual Disk Format 5.0", VMware): hosted sparse extents ("KDMV",
 * one or many, with packed grains or as a stream) and flat ones, alone or
 * joined by a descriptor. Refused: a disk over a parent, the ESX formats.
 *
 * A split source is a descriptor file and its extent files in the order of
 * the descriptor. Fields are little-endian, offsets sectors of 512 bytes.
 */
#include "evidence/container_vmdk.h"

#include <stdlib.h>

#include "base/text.h"
#include "base/varint.h"
#include "evidence/container_kinds.h"

enum {
    SECTOR = 512,
    DESCRIPTOR_MAX = 256 << 10,
    EXTENTS_MAX = 4096,
};

enum extent_kind { EXTENT_ZERO, EXTENT_FLAT, EXTENT_SPARSE };

struct extent {
    enum extent_kind kind;
    uint64_t off, len; /* bytes of the medium */
    uint64_t from;     /* FLAT: offset in its file */
    struct source *file;
    struct vmdk_sparse *sparse;
};

struct vmdk {
    struct container c;
    struct extent *extents;
    size_t n;
    uint64_t size;
};

static void vmdk_free(void *state)
{
    struct vmdk *v = state;
    for (size_t i = 0; i < v->n; i++)
        vmdk_sparse_free(v->extents[i].sparse);
    free(v->extents);
}

static const struct extent *extent_at(const struct vmdk *v, uint64_t off)
{
    size_t lo = 0, hi = v->n;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (v->extents[mid].off <= off)
            lo = mid;
        else
            hi = mid;
    }
    return &v->extents[lo];
}

static void find(struct source *s, uint64_t off, struct run *r)
{
    const struct vmdk *v = s->state;
    const struct extent *e = extent_at(v, off);
    uint64_t in = off - e->off, left = e->len - in;
    r->len = left;
    if (e->kind == EXTENT_ZERO)
        r->kind = RUN_ZERO;
    else if (e->kind == EXTENT_FLAT)
        *r = (struct run){
            .kind = RUN_DATA, .len = left, .file = e->file, .from = e->from + in
        };
    else
        vmdk_sparse_find(e->sparse, in, r);
    if (r->len > left)
        r->len = left;
}

static bool unpack(struct source *s, const unsigned char *packed, size_t n,
                   unsigned char *out, size_t size)
{
    struct vmdk *v = s->state;
    if (n < VMDK_MARKER)
        return false;
    uint32_t stated = u32le(packed + 8);
    if (stated > n - VMDK_MARKER)
        return false;
    return container_unpack(&v->c, PACK_ZLIB, packed + VMDK_MARKER, stated, out,
                            size);
}

static const struct container_map map = { "vmdk", find, unpack, vmdk_free };

/* ---- the descriptor ----------------------------------------------------- */

static struct extent *extent_add(struct vmdk *v, struct err *err)
{
    if (v->n == EXTENTS_MAX) {
        err_set(err, ERR_EVIDENCE, "VMDK: more than %d extents", EXTENTS_MAX);
        return NULL;
    }
    if (v->n % 16 == 0) {
        struct extent *more =
            realloc(v->extents, (v->n + 16) * sizeof *v->extents);
        if (!more) {
            err_set(err, ERR_INTERNAL, "out of memory");
            return NULL;
        }
        v->extents = more;
    }
    struct extent *e = &v->extents[v->n++];
    *e = (struct extent){ .off = v->size };
    return e;
}

static struct str word(struct str *line)
{
    *line = str_trim(*line);
    size_t n = 0;
    while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
        n++;
    struct str w = str_sub(*line, 0, n);
    *line = str_sub(*line, n, line->n);
    return w;
}

/* name=value, with or without quotes and blanks; empty when it is another. */
static struct str value_of(struct str line, const char *name)
{
    size_t eq = str_find(line, STR("="));
    if (eq == SIZE_MAX ||
        !str_ieq(str_trim(str_sub(line, 0, eq)), str_from(name)))
        return STR_NONE;
    struct str v = str_trim(str_sub(line, eq + 1, line.n));
    if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
        v = str_sub(v, 1, v.n - 2);
    return v;
}

static struct str next_line(struct str *text)
{
    size_t n = str_find(*text, STR("\n"));
    struct str line = str_trim(str_sub(*text, 0, n));
    *text = n == SIZE_MAX ? STR_NONE : str_sub(*text, n + 1, text->n);
    return line;
}

/* Descriptors are text with NULs after it. */
static bool descriptor_load(struct source *s, uint64_t off, uint64_t size,
                            char **text, struct str *out)
{
    size_t got, n = size < DESCRIPTOR_MAX ? (size_t)size : DESCRIPTOR_MAX;
    *text = calloc(1, n + 1);
    if (!*text || source_read(s, off, *text, n, &got, NULL))
        return false;
    *out = str_from(*text); /* to the first NUL */
    return true;
}

static int check_parent(struct str text, struct err *err)
{
    struct str cid = STR_NONE, hint = STR_NONE;
    while (text.n) {
        struct str line = next_line(&text), v;
        if ((v = value_of(line, "parentCID")).n)
            cid = v;
        else if ((v = value_of(line, "parentFileNameHint")).n)
            hint = v;
    }
    if (cid.n == 0 || str_ieq(cid, STR("ffffffff")))
        return 0;
    return err_set(err, ERR_EVIDENCE,
                   "VMDK over the parent %s, which is not read: merge them "
                   "first",
                   text_line(hint));
}

/* "RW 20480 SPARSE "disk-s001.vmdk"", "RW 20480 FLAT "disk-flat.vmdk" 0". */
struct extent_line {
    enum extent_kind kind;
    bool known;
    uint64_t sectors, from;
    struct str type, name;
};

static bool extent_line(struct str line, struct extent_line *x)
{
    static const struct {
        const char *name;
        enum extent_kind kind;
    } types[] = {
        { "FLAT", EXTENT_FLAT },
        { "VMFS", EXTENT_FLAT },
        { "SPARSE", EXTENT_SPARSE },
        { "ZERO", EXTENT_ZERO },
    };
    struct str access = word(&line), sectors = word(&line);
    *x = (struct extent_line){ .type = word(&line) };
    if ((!str_eq(access, STR("RW")) && !str_eq(access, STR("RDONLY")) &&
         !str_eq(access, STR("NOACCESS"))) ||
        !str_u64(sectors, &x->sectors))
        return false;
    line = str_trim(line);
    if (line.n && line.p[0] == '"') {
        size_t end = str_find(str_sub(line, 1, line.n), STR("\""));
        x->name = str_sub(line, 1, end);
        line = str_sub(line, end == SIZE_MAX ? line.n : end + 2, line.n);
        (void)!str_u64(word(&line), &x->from);
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq(x->type, str_from(types[i].name))) {
            x->kind = types[i].kind;
            x->known = true;
        }
    return true;
}

static int extent_open(struct vmdk *v, const struct extent_line *x,
                       struct source *file, struct err *err)
{
    struct extent *e = extent_add(v, err);
    uint64_t len, end;
    if (!e)
        return err && err->code ? err->code : ERR_INTERNAL;
    if (__builtin_mul_overflow(x->sectors, (uint64_t)SECTOR, &len) ||
        __builtin_mul_overflow(x->from, (uint64_t)SECTOR, &e->from) ||
        __builtin_add_overflow(v->size, len, &end) || end > INT64_MAX)
        return err_set(err, ERR_EVIDENCE, "VMDK: an extent is too long");
    e->kind = x->kind;
    e->len = len;
    e->file = file;
    v->size = end;
    if (x->kind == EXTENT_SPARSE)
        e->sparse = vmdk_sparse_open(file, &v->c, err);
    if (x->kind == EXTENT_SPARSE && !e->sparse)
        return err_wrap(err, "extent %zu", v->n);
    if (len == 0)
        v->n--, vmdk_sparse_free(e->sparse);
    return 0;
}

static int missing(size_t have, size_t want, struct str name, struct err *err)
{
    return err_set(err, ERR_EVIDENCE,
                   "VMDK descriptor of %zu extent files, of which %zu are "
                   "there (the first one is called %s)",
                   want, have, text_line(name));
}

/* The extents that a descriptor names, in the parts after the first. */
static int from_descriptor(struct vmdk *v, struct source *s, struct str text,
                           struct err *err)
{
    size_t want = 0, have = 0, next = 1;
    struct str first = STR_NONE, rest = text;
    struct extent_line x;
    while (rest.n)
        if (extent_line(next_line(&rest), &x) && x.kind != EXTENT_ZERO) {
            first = want++ ? first : x.name;
            if (!x.known)
                return err_set(err, ERR_EVIDENCE,
                               "VMDK with extents of type %s is not read",
                               text_line(x.type));
        }
    while (source_part(s, have + 1))
        have++;
    if (have != want || want == 0)
        return missing(have, want, first, err);
    int code = 0;
    while (text.n && code == 0) {
        if (!extent_line(next_line(&text), &x))
            continue;
        struct source *file =
            x.kind == EXTENT_ZERO ? NULL : source_part(s, next++);
        code = extent_open(v, &x, file, err);
    }
    return code;
}

static int open_text(struct vmdk *v, struct source *s, struct err *err)
{
    struct source *file = source_part(s, 0);
    char *text = NULL;
    struct str d;
    if (!descriptor_load(file, 0, file->size, &text, &d)) {
        free(text);
        return err_set(err, ERR_EVIDENCE, "VMDK: the descriptor is unreadable");
    }
    int code = check_parent(d, err);
    if (code == 0)
        code = from_descriptor(v, s, d, err);
    free(text);
    if (code == 0)
        container_value(&v->c.info, "container", "VMDK, %zu extents", v->n);
    return code;
}

/* ---- one sparse file ---------------------------------------------------- */

/* The descriptor inside says whether there is a parent. */
static int embedded(struct vmdk *v, struct source *s, struct err *err)
{
    const struct vmdk_sparse *sp = v->extents[0].sparse;
    uint64_t off = sp->descriptor * SECTOR, n = sp->descriptor_n * SECTOR;
    char *text = NULL;
    struct str d = STR_NONE;
    int code = 0;
    if (sp->descriptor && !descriptor_load(s, off, n, &text, &d))
        code = err_set(err, ERR_EVIDENCE, "VMDK: the descriptor is unreadable");
    else if (d.n == 0)
        container_issue(&v->c.info, true, "vmdk-extent",
                        "one extent of a larger disk, without its descriptor");
    if (code == 0)
        code = check_parent(d, err);
    free(text);
    return code;
}

static int open_sparse(struct vmdk *v, struct source *s, struct err *err)
{
    struct extent *e = extent_add(v, err);
    if (!e)
        return err && err->code ? err->code : ERR_INTERNAL;
    e->sparse = vmdk_sparse_open(s, &v->c, err);
    if (!e->sparse)
        return err && err->code ? err->code : ERR_EVIDENCE;
    e->kind = EXTENT_SPARSE;
    e->file = s;
    e->len = v->size = e->sparse->capacity * SECTOR;
    container_value(&v->c.info, "container",
                    "VMDK, sparse%s, grains of %llu bytes",
                    e->sparse->packed ? ", packed" : "",
                    (unsigned long long)e->sparse->grain);
    return embedded(v, s, err);
}

struct source *vmdk_source_open(struct source *s, struct err *err)
{
    char magic[4];
    struct vmdk *v = calloc(1, sizeof *v);
    if (!v) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    v->c.map = &map;
    bool sparse = container_meta(source_part(s, 0), 0, magic, 4) &&
                  memcmp(magic, "KDMV", 4) == 0;
    int code =
        sparse ? open_sparse(v, source_part(s, 0), err) : open_text(v, s, err);
    if (code == 0 && v->n == 0)
        code = err_set(err, ERR_EVIDENCE, "VMDK of a disk without extents");
    if (code) {
        container_free(&v->c);
        return NULL;
    }
    return container_make(&v->c, v->size, s, err);
}
