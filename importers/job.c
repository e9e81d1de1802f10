/*
 * Runs in the sealed worker: unwraps compression and archives, asks the
 * probes, runs the importer. Every member ends in a row with a format or an
 * issue that says why not.
 */
#include "importers/import.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/varint.h"
#include "evidence/archive.h"
#include "evidence/container.h"
#include "evidence/ebs.h"
#include "evidence/file_type.h"
#include "evidence/fileset.h"
#include "evidence/gzip.h"
#include "evidence/unpack.h"
#include "evidence/utf16.h"
#include "evidence/worker.h"
#include "evidence/zstd.h"
#include "importers/input.h"
#include "importers/inside_volumes.h"
#include "importers/wire.h"

enum {
    DEPTH = 3,               /* layers within layers */
    GZIP_WHOLE = 48 << 20,   /* compressed bytes inflated in memory */
    GZIP_MEMORY = 192 << 20, /* inflated bytes kept in memory */
    GZIP_KEPT = 64 << 20,    /* of that, kept for the next file */
    PACKED_SHORT = 2 << 20,
    HEAD = 64 << 10,
    TAIL = 4 << 10,
};
/* Of one layer of compression; a disk may be larger. */
static const uint64_t max_out = (uint64_t)64 << 30;
static const uint64_t max_image = (uint64_t)8 << 40;

struct job {
    const struct wire_request *req;
    struct sink *sink;
    struct gzip_inflater *gzip;
    struct buf inflated[DEPTH + 1];
    struct arena arena; /* the importer's, reset per record */
    struct arena names; /* layers: until the job ends */
    struct gzip_layer {
        const struct gzip_report *report;   /* NULL: no such layer */
        const struct zstd_report *zstd;     /* or of zstd */
        const struct unpack_report *unpack; /* or of xz, bzip2 */
        bool said;
    } layers[DEPTH];
    struct name { /* of the content at work, where it lay */
        struct str path;
        bool has_modified;
        struct instant modified;
    } name;
    const struct utf16_report *utf16; /* of the open layer, till it is said */
    struct file_types *types;
    bool outer;  /* the file's own member is still to come */
    bool image;  /* the file is to be read as one, in a worker for them */
    bool inside; /* a file within an image */
    const struct source *inner; /* its bytes; NULL: what they lack is said */
    struct inside_volumes *volumes;
    const struct zone *zone; /* of the host; NULL: not known */
    uint8_t verdict;
    struct err *err;
};

static int unwrap(struct job *j, struct source *src, struct str bytes,
                  struct str layers, unsigned depth);

static int begin(struct job *j, struct str layers, const char *format,
                 uint64_t size)
{
    bool outer = j->outer;
    j->outer = false;
    return sink_member(j->sink, outer, layers, str_from(format), size);
}

static int gzip_issue(struct job *j, const struct gzip_report *r)
{
    return sink_issue(
        j->sink, ISSUE_ERROR, r->in_off, 0, gzip_damage_code(r->damage),
        "%s (compressed byte %llu, content byte %llu)",
        gzip_damage_text(r->damage), (unsigned long long)r->in_off,
        (unsigned long long)r->out_off);
}

static int utf16_issue(struct job *j)
{
    const struct utf16_report *r = j->utf16;
    bool lost = r->odd || r->lone;
    j->utf16 = NULL;
    return sink_issue(
        j->sink, lost ? ISSUE_WARNING : ISSUE_NOTE, 0, 0, "utf-16",
        "UTF-16 text (%s), read as UTF-8: offsets are those of its layer%s%s",
        r->big ? "big endian" : "little endian",
        r->lone ? "; it has surrogates without their partner" : "",
        r->odd ? "; its last byte is half a character" : "");
}

static int zstd_issue(struct job *j, const struct zstd_report *r)
{
    if (r->damage)
        return sink_issue(
            j->sink, ISSUE_ERROR, r->in_off, 0, zstd_damage_code(r->damage),
            "%s (compressed byte %llu, content byte %llu)",
            zstd_damage_text(r->damage), (unsigned long long)r->in_off,
            (unsigned long long)r->out_off);
    if (r->again == 0)
        return 0;
    return sink_issue(j->sink, ISSUE_NOTE, 0, 0, "zstd-again",
                      "%llu bytes are decompressed again, from the start of "
                      "their frame (%llu in the file), each time they are read "
                      "backwards: that is slow",
                      (unsigned long long)r->again,
                      (unsigned long long)r->frames);
}

/* Of a file within an image: what of it is not in the evidence was read as
 * zeros. Known when all of it was read. */
static int gap_issue(struct job *j)
{
    const struct source *s = j->inner;
    j->inner = NULL;
    if (s->n_gaps == 0)
        return 0;
    return sink_issue(j->sink, ISSUE_ERROR, s->gaps[0].off, s->gaps[0].len,
                      "file-part",
                      "%llu bytes of the file are not in the evidence or "
                      "cannot be read: records in them are lost, the first "
                      "from byte %llu on",
                      (unsigned long long)source_gap_bytes(s),
                      (unsigned long long)s->gaps[0].off);
}

static int unpack_issue(struct job *j, const struct unpack_report *r)
{
    char code[16];
    if (r->damage)
        return sink_issue(j->sink, ISSUE_ERROR, r->in_off, 0,
                          unpack_damage_code(r->kind, r->damage),
                          "%s (compressed byte %llu, content byte %llu)",
                          unpack_damage_text(r->damage),
                          (unsigned long long)r->in_off,
                          (unsigned long long)r->out_off);
    /* a log is read once from its front; an image is not */
    if (r->again == 0 || !j->image)
        return 0;
    snprintf(code, sizeof(code), "%s-again", unpack_layer(r->kind));
    return sink_issue(j->sink, ISSUE_NOTE, 0, 0, code,
                      "%llu bytes are unpacked again, from one of %llu places, "
                      "each time they are read backwards: that is slow",
                      (unsigned long long)r->again,
                      (unsigned long long)r->points);
}

/* Damage of the layers around belongs to the first member that met it. */
static int end(struct job *j)
{
    for (unsigned i = 0; i < DEPTH; i++) {
        struct gzip_layer *l = &j->layers[i];
        if (l->said || (!l->report && !l->zstd && !l->unpack))
            continue;
        l->said = true;
        int rc = l->zstd                        ? zstd_issue(j, l->zstd)
                 : l->unpack                    ? unpack_issue(j, l->unpack)
                 : l->report->damage != GZIP_OK ? gzip_issue(j, l->report)
                                                : 0;
        if (rc)
            return rc;
    }
    int rc = j->utf16 ? utf16_issue(j) : 0;
    if (rc == 0 && j->inner)
        rc = gap_issue(j);
    return rc ? rc : sink_member_end(j->sink);
}

static int named(struct job *j, enum issue_severity severity, struct str layers,
                 uint64_t size, const char *code, const char *why)
{
    int rc = begin(j, layers, "", size);
    if (rc == 0)
        rc = sink_issue(j->sink, severity, 0, size, code, "%s", why);
    return rc ? rc : end(j);
}

static int unknown(struct job *j, struct str layers, uint64_t size,
                   const char *code, const char *why)
{
    return named(j, ISSUE_WARNING, layers, size, code, why);
}

/* Blank, {} or []: nothing is missing from it. */
static bool holds_nothing(struct str head, uint64_t size)
{
    struct str s = str_trim(head);
    if (str_starts(s, STR("\xef\xbb\xbf")))
        s = str_trim(str_sub(s, 3, s.n));
    return head.n == size &&
           (s.n == 0 || str_eq(s, STR("{}")) || str_eq(s, STR("[]")));
}

/* What is it, when no importer is sure: the honest reason. */
static const char *say_why(struct str head, const char **code)
{
    static const char utf16[] = "UTF-16 with what is no text at its start";
    static const struct {
        const char *magic;
        size_t n;
        const char *code, *why;
    } known[] = {
        { "version https://git-lfs", 23, "git-lfs-pointer",
          "a Git LFS pointer, not the data: fetch the real file" },
        { "PAR1", 4, "parquet", "Parquet is not read by this version" },
        { "7z\xbc\xaf", 4, "7z", "7z is not read by this version" },
        { "\xff\xfe", 2, "utf-16", utf16 },
        { "\xfe\xff", 2, "utf-16", utf16 },
        { "{\0", 2, "utf-16", utf16 },
        { "[\0", 2, "utf-16", utf16 },
        { "\0{", 2, "utf-16", utf16 },
        { "\0[", 2, "utf-16", utf16 },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (head.n >= known[i].n &&
            memcmp(head.p, known[i].magic, known[i].n) == 0) {
            *code = known[i].code;
            return known[i].why;
        }
    *code = "not-recognised";
    return "no importer recognises the content; it was not read";
}

static struct str add_layer(struct job *j, struct str layers, const char *layer)
{
    struct buf b = { 0 };
    buf_put(&b, layers);
    buf_putz(&b, layer);
    return buf_to_arena(&b, &j->names);
}

/* Records of an image lie on the medium inside its container. */
static struct str add_container(struct job *j, struct str layers,
                                struct source *src)
{
    const char *layer = src ? container_layer(container_of(src)) : NULL;
    char bang[16];
    if (!layer)
        return layers;
    snprintf(bang, sizeof(bang), "!%s", layer);
    return add_layer(j, layers, bang);
}

static int run_importer(struct job *j, const struct importer *imp,
                        struct input_buffer *in, struct str layers,
                        uint64_t size)
{
    if (imp->layer)
        layers = add_layer(j, layers, imp->layer);
    else if (imp->flags & IMPORTER_IMAGE && !str_ends(layers, STR("!ebs")))
        layers = add_container(j, layers, in->in.src);
    int rc = begin(j, layers, imp->name, size);
    if (rc)
        return rc;
    struct import_job run = {
        .path = j->req->path,
        .name = j->name.path,
        .has_modified = j->name.has_modified,
        .modified = j->name.modified,
        .zone = j->zone,
        .layers = layers,
        .sink = j->sink,
        .arena = &j->arena,
        .hash_files = j->req->hash_files,
        .hash_weak = j->req->hash_weak,
        .types = j->types,
        .body_key = j->req->body_key,
    };
    struct err err = { 0 };
    run.in = &in->in;
    rc = imp->import(&run, &err);
    arena_reset(&j->arena);
    if (rc && err.code && err.code != ERR_STOPPED)
        rc = sink_issue(j->sink, ISSUE_ERROR, err.offset, 0, "import-stopped",
                        "%s", err.what);
    return rc ? rc : end(j);
}

/* A block set: its files are one disk. */
static int run_set(struct job *j, struct source *src, struct str layers,
                   uint64_t size)
{
    struct input_buffer in;
    input_memory(&in, STR(""));
    in.in.src = src;
    return run_importer(j, importer_by_name(STR("disk")), &in, layers, size);
}

static struct str tail_of(struct input_buffer *in, char tail[TAIL])
{
    size_t n = 0;
    struct err ignored;
    if (in->in.src && in->in.src->size > TAIL) {
        if (source_read(in->in.src, in->in.src->size - TAIL, tail, TAIL, &n,
                        &ignored))
            n = 0;
    } else if (in->in.eof) {
        n = in->in.n < TAIL ? in->in.n : TAIL;
        memcpy(tail, in->in.p + in->in.n - n, n);
    }
    return (struct str){ tail, n };
}

static bool is_packing(struct str layers)
{
    return str_eq(layers, STR("!gz")) || str_eq(layers, STR("!zst")) ||
           str_eq(layers, STR("!xz")) || str_eq(layers, STR("!bz2"));
}

static int recognise(struct job *j, struct input_buffer *in, struct str layers,
                     uint64_t size)
{
    UNINITIALIZED char tail[TAIL];
    struct str head = { in->in.p, in->in.n < HEAD ? in->in.n : HEAD };
    struct probe p = { head, tail_of(in, tail), j->name.path, size, "" };
    int confidence;
    const struct importer *imp = j->req->as.n
                                     ? importer_by_name(j->req->as)
                                     : importer_recognise(&p, &confidence);
    if (layers.n == 0 && in->in.src && j->req->as.n == 0) {
        const struct importer *seen =
            importer_look(&p, in->in.src, imp ? confidence : 0);
        imp = seen ? seen : imp;
    }
    /* an empty history says something, most empty files do not */
    if ((!imp || imp->flags & IMPORTER_IMAGE) && size == 0)
        return named(j, ISSUE_NOTE, layers, 0, "empty", "the file is empty");
    if (!imp && holds_nothing(head, size))
        return named(j, ISSUE_NOTE, layers, size, "empty",
                     "the file holds no records");
    if (!imp) {
        const char *code;
        const char *why = say_why(head, &code);
        /* a path told to look, which promises nothing */
        return named(j, j->inside ? ISSUE_NOTE : ISSUE_WARNING, layers, size,
                     code, why);
    }
    if (imp->flags & IMPORTER_IMAGE && !j->image) {
        if (j->outer && (layers.n == 0 || is_packing(layers))) {
            j->verdict = WIRE_NEEDS_IMAGE;
            return 0;
        }
        return unknown(j, layers, size, "image-in-archive",
                       "a disk or memory image inside an archive or "
                       "compression: unpack it first");
    }
    return run_importer(j, imp, in, layers, size);
}

/* ---- gzip
 * ------------------------------------------------------------------------- */

static int unwrap_gzip_source(struct job *j, struct source *src,
                              struct str layers, unsigned depth);

/* Small enough: inflated whole in memory. */
static int unwrap_gzip(struct job *j, struct source *src, struct str bytes,
                       struct str layers, unsigned depth)
{
    struct gzip_report r;
    struct buf *out = &j->inflated[depth];
    int rc = gzip_inflate_all(j->gzip, bytes, out, GZIP_MEMORY, &r);
    if (rc)
        return err_set(j->err, ERR_INTERNAL, "worker: out of memory");
    if (r.damage == GZIP_TOO_LARGE) {
        buf_free(out);
        return unwrap_gzip_source(j, src, layers, depth);
    }
    struct str inner = add_layer(j, layers, "!gz");
    j->layers[depth] = (struct gzip_layer){ .report = &r };
    rc = unwrap(j, NULL, buf_str(out), inner, depth + 1);
    j->layers[depth].report = NULL;
    if (out->n > GZIP_KEPT)
        buf_free(out);
    return rc;
}

static int unwrap_gzip_source(struct job *j, struct source *src,
                              struct str layers, unsigned depth)
{
    struct source *gz =
        source_open_gzip(src, j->image ? max_image : max_out, j->err);
    if (!gz)
        return j->err->code;
    gz->owns_below = false;
    j->layers[depth] = (struct gzip_layer){ .report = gzip_source_report(gz) };
    int rc = unwrap(j, gz, STR_NONE, add_layer(j, layers, "!gz"), depth + 1);
    j->layers[depth].report = NULL;
    source_close(gz);
    return rc;
}

/* ---- zstd
 * ------------------------------------------------------------------------- */

static int unwrap_zstd(struct job *j, struct source *src, struct str layers,
                       unsigned depth)
{
    struct source *z =
        source_open_zstd(src, j->image ? max_image : max_out, j->err);
    if (!z)
        return j->err->code;
    j->layers[depth] = (struct gzip_layer){ .zstd = zstd_source_report(z) };
    int rc = unwrap(j, z, STR_NONE, add_layer(j, layers, "!zst"), depth + 1);
    j->layers[depth].zstd = NULL;
    source_close(z);
    return rc;
}

/* ---- xz, bzip2
 * ------------------------------------------------------------------------- */

static int unwrap_packed(struct job *j, enum unpack_kind kind,
                         struct source *src, struct str layers, unsigned depth)
{
    struct source *s =
        unpack_open(kind, src, j->image ? max_image : max_out, j->err);
    if (!s)
        return j->err->code;
    j->layers[depth] = (struct gzip_layer){ .unpack = unpack_source_report(s) };
    int rc = unwrap(j, s, STR_NONE,
                    add_layer(j, layers, kind == UNPACK_XZ ? "!xz" : "!bz2"),
                    depth + 1);
    j->layers[depth].unpack = NULL;
    source_close(s);
    return rc;
}

/* Is there an image inside? Told by the first bytes, so that a long one is
 * not decompressed here for nothing. Of a short one the whole content tells
 * (recognise), and its head is not decompressed twice. */
static bool packs_image(struct job *j, struct str packed)
{
    UNINITIALIZED char head[HEAD];
    struct probe p = { .path = j->req->path, .size = UINT64_MAX, .reason = "" };
    int confidence;
    if (j->image || !j->outer || packed.n <= PACKED_SHORT)
        return false;
    p.head.p = head;
    p.head.n = zstd_is(packed) ? zstd_head(packed, head, sizeof(head))
               : unpack_recognise(packed)
                   ? unpack_head(packed, head, sizeof(head))
                   : gzip_head(packed, head, sizeof(head));
    const struct importer *imp = j->req->as.n
                                     ? importer_by_name(j->req->as)
                                     : importer_recognise(&p, &confidence);
    return p.head.n && imp && imp->flags & IMPORTER_IMAGE;
}

/* ---- UTF-16
 * ------------------------------------------------------------------------- */

static bool for_image(const struct job *j)
{
    const struct importer *as =
        j->req->as.n ? importer_by_name(j->req->as) : NULL;
    return j->image || (as && as->flags & IMPORTER_IMAGE);
}

static int unwrap_utf16(struct job *j, struct source *src, struct str layers,
                        unsigned depth)
{
    struct source *s = source_open_utf16(src, j->err);
    if (!s)
        return j->err->code;
    j->utf16 = utf16_source_report(s);
    int rc = unwrap(j, s, STR_NONE, add_layer(j, layers, "!utf16"), depth + 1);
    j->utf16 = NULL;
    source_close(s);
    return rc;
}

/* ---- dispatch
 * -------------------------------------------------------------------------- */

static bool is_gzip(struct str head)
{
    return head.n >= 3 && (unsigned char)head.p[0] == 0x1f &&
           (unsigned char)head.p[1] == 0x8b && head.p[2] == 8;
}

/* ---- archives
 * ---------------------------------------------------------------- */

static int archive_member(struct job *j, struct source *src,
                          const struct members *a, size_t i, struct str layers,
                          unsigned depth)
{
    const struct archive_member *m = &a->members[i];
    struct buf b = { 0 };
    buf_put(&b, layers);
    buf_putz(&b, a->kind == ARCHIVE_ZIP ? "!zip/" : "!tar/");
    text_cite(&b, m->name, true);
    struct str inner = buf_to_arena(&b, &j->names);
    struct err err = { 0 };
    struct source *s = inner.p ? members_open(src, a->kind, m, &err) : NULL;
    if (!s)
        return unknown(j, inner, m->size, "archive-member", err.what);
    struct name outer = j->name;
    j->name = (struct name){ m->name, m->has_m, m->m };
    int rc = unwrap(j, s, STR_NONE, inner, depth + 1);
    j->name = outer;
    source_close(s);
    return rc;
}

static int flagged(struct job *j, const struct archive_member *m)
{
    static const struct {
        uint32_t flag;
        const char *code, *why;
    } flags[] = {
        { ARCHIVE_DUPLICATE, "archive-duplicate",
          "another member has the same name" },
        { ARCHIVE_UNSAFE, "archive-name",
          "a name that would leave the folder; it is only a label here" },
        { ARCHIVE_MISMATCH, "archive-mismatch",
          "its local header and the central directory differ" },
        { ARCHIVE_BEYOND, "archive-cut", "its bytes end behind the archive" },
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(flags) / sizeof(*flags); i++)
        if (m->flags & flags[i].flag)
            rc = sink_issue(j->sink, ISSUE_WARNING, m->head, 0, flags[i].code,
                            "%s: %s", text_line(m->name), flags[i].why);
    if (rc == 0 && m->type == ARCHIVE_LINK)
        rc = sink_issue(j->sink, ISSUE_NOTE, m->head, 0, "archive-link",
                        "%s: a link is not followed", text_line(m->name));
    return rc;
}

/* The archive is a member of its own, with what is odd about it; then come
 * its files, bytewise by name. */
static int archive_blocks(struct job *j, struct source *src,
                          const struct members *a, struct str layers)
{
    if (!j->image) {
        j->verdict = WIRE_NEEDS_IMAGE;
        return 0;
    }
    int rc = run_set(j, src, add_layer(j, layers, "!ebs"), src->size);
    for (size_t i = 0; i < a->n && rc == 0; i++) {
        const struct archive_member *m = &a->members[i];
        struct buf b = { 0 };
        if (m->type != ARCHIVE_FILE)
            continue;
        buf_put(&b, layers);
        buf_putz(&b, a->kind == ARCHIVE_ZIP ? "!zip/" : "!tar/");
        text_cite(&b, m->name, true);
        rc = begin(j, buf_to_arena(&b, &j->names), "ebs-file", m->size);
        if (rc == 0)
            rc = end(j);
    }
    return rc;
}

static bool blocks_in(struct job *j, const struct members *a)
{
    struct str *names = arena_array(&j->names, a->n + 1, sizeof(*names));
    size_t n = 0;
    for (size_t i = 0; names && i < a->n; i++)
        if (a->members[i].type == ARCHIVE_FILE)
            names[n++] = a->members[i].name;
    return names && ebs_names_fit(names, n);
}

static int unwrap_archive(struct job *j, struct source *src,
                          enum archive_kind kind, struct str layers,
                          unsigned depth)
{
    struct members a = { 0 };
    int rc = members_list(src, kind, &a, j->err);
    if (rc == 0 && j->outer && layers.n == 0 && blocks_in(j, &a)) {
        rc = archive_blocks(j, src, &a, layers);
        members_free(&a);
        return rc;
    }
    if (rc == 0)
        rc = begin(j, layers, kind == ARCHIVE_ZIP ? "zip" : "tar", src->size);
    for (size_t i = 0; i < a.n_issues && rc == 0; i++)
        rc = sink_issue(j->sink, ISSUE_WARNING, a.issues[i].off, 0,
                        a.issues[i].code, "%s", a.issues[i].text);
    for (size_t i = 0; i < a.n && rc == 0; i++)
        rc = flagged(j, &a.members[i]);
    if (rc == 0)
        rc = end(j);
    for (size_t i = 0; i < a.n && rc == 0; i++)
        if (a.members[i].type == ARCHIVE_FILE)
            rc = archive_member(j, src, &a, i, layers, depth);
    members_free(&a);
    return rc;
}

static enum archive_kind archive_of(struct job *j, struct input_buffer *in,
                                    unsigned depth)
{
    UNINITIALIZED char tail[TAIL];
    struct str head = { in->in.p, in->in.n };
    /* segments are of one image, whatever its end looks like */
    bool split = in->in.src && source_part(in->in.src, 1);
    if (depth >= DEPTH || split || j->req->as.n)
        return ARCHIVE_NONE;
    return members_recognise(head, tail_of(in, tail));
}

/* src or, when it is NULL, bytes (followed by 64 zeros). */
static int unwrap(struct job *j, struct source *src, struct str bytes,
                  struct str layers, unsigned depth)
{
    struct input_buffer in = { 0 };
    int rc = 0;
    if (src) {
        rc = input_open(&in, src, j->err);
        if (rc)
            return rc;
    } else {
        input_memory(&in, bytes);
    }
    uint64_t size = src ? src->size : bytes.n;
    struct str window = { in.in.p, in.in.n };
    struct source *memory = NULL;
    if (!src) {
        in.in.src = memory = source_open_memory(bytes, j->err);
        if (!memory)
            return j->err->code;
    }
    if (size == 0) {
        rc = recognise(j, &in, layers, size);
    } else if (depth == 0 &&
               (is_gzip(window) || zstd_is(window) ||
                unpack_recognise(window)) &&
               packs_image(j, window)) {
        j->verdict = WIRE_NEEDS_IMAGE;
    } else if (depth < DEPTH && zstd_is(window)) {
        rc = unwrap_zstd(j, in.in.src, layers, depth);
    } else if (depth < DEPTH && unpack_recognise(window)) {
        rc = unwrap_packed(j, unpack_recognise(window), in.in.src, layers,
                           depth);
    } else if (depth < DEPTH && is_gzip(window)) {
        if (in.in.eof && window.n <= GZIP_WHOLE && !j->image)
            rc = unwrap_gzip(j, in.in.src, window, layers, depth);
        else
            rc = unwrap_gzip_source(j, in.in.src, layers, depth);
    } else {
        enum archive_kind kind = archive_of(j, &in, depth);
        if (kind != ARCHIVE_NONE)
            rc = unwrap_archive(j, in.in.src, kind, layers, depth);
        else if (depth < DEPTH && !for_image(j) && utf16_recognise(window))
            rc = unwrap_utf16(j, in.in.src, layers, depth);
        else
            rc = recognise(j, &in, layers, size);
    }
    source_close(memory);
    input_close(&in);
    return rc;
}

/* Dictionary and buffers live on between the jobs of a worker. */
static int open_state(struct job *j, const struct wire_request *req,
                      struct err *err)
{
    if (!j->sink)
        j->sink = sink_open(&req->body_key, err);
    if (!j->gzip)
        j->gzip = gzip_inflater_open();
    return j->sink && j->gzip
               ? 0
               : err_set(err, ERR_INTERNAL, "worker: out of memory");
}

static int send_done(struct job *j)
{
    unsigned char done[9];
    int rc = sink_flush(j->sink);
    put_u64le(done, sink_items(j->sink));
    done[8] = j->verdict;
    return rc ? rc
              : worker_emit_str(FRAME_DONE,
                                (struct str){ (char *)done, sizeof(done) });
}

/* What the parent chose by its path, in an image that is in the case. */
static int inside_handle(struct job *j, const int *fds, size_t n_fds)
{
    const struct wire_request *req = j->req;
    j->outer = j->image = false;
    j->name = (struct name){ req->name, req->has_modified, req->modified };
    sink_set_flags(j->sink, req->event_flags);
    struct source *src =
        inside_volumes_file(&j->volumes, req, fds, n_fds, j->err);
    if (!src) {
        if (j->err->code == ERR_INTERNAL)
            return ERR_INTERNAL;
        return unknown(j, req->inside, 0, "not-read", j->err->what);
    }
    j->inner = src;
    j->zone = inside_volumes_zone(j->volumes);
    int rc = unwrap(j, src, STR_NONE, req->inside, 0);
    j->inner = NULL;
    j->zone = NULL;
    source_close(src);
    return rc;
}

static int file_handle(struct job *j, const int *fds, size_t n_fds)
{
    const struct wire_request *req = j->req;
    /* several descriptors: the segments of one image, in order */
    struct source *src = req->set    ? fileset_open_worker(fds[0], j->err)
                         : n_fds > 1 ? source_open_split(fds, n_fds, j->err)
                                     : source_open_fd(fds[0], j->err);
    if (!src)
        return j->err->code ? j->err->code : ERR_EVIDENCE;
    int rc = req->set ? run_set(j, src, STR(""), req->bytes)
                      : unwrap(j, src, STR_NONE, STR(""), 0);
    source_close(src);
    return rc;
}

static int import_handle(void *ctx, struct str request, const int *fds,
                         size_t n_fds, struct err *err)
{
    struct job *j = ctx;
    struct wire_request req;
    if (!wire_get_request(request, &req) || n_fds == 0)
        return err_set(err, ERR_INTERNAL, "worker: bad request");
    int rc = open_state(j, &req, err);
    if (rc)
        return rc;
    j->req = &req;
    j->err = err;
    j->outer = true;
    j->image = worker_kind() == WORKER_IMAGE;
    j->verdict = WIRE_DONE;
    sink_job(j->sink, STR(""));
    j->name = (struct name){ .path = req.path,
                             .has_modified = req.has_modified,
                             .modified = req.modified };
    j->inside = req.inside.n > 0;
    rc = j->inside ? inside_handle(j, fds, n_fds) : file_handle(j, fds, n_fds);
    arena_reset(&j->arena);
    arena_reset(&j->names);
    return rc ? rc : send_done(j);
}

void import_worker_handlers(struct worker_handler *handlers)
{
    struct job *j = calloc(1, sizeof(*j));
    if (!j)
        return; /* the worker answers that it has no handler */
    /* before the worker is sealed */
    j->types = file_types_open();
    handlers[WORKER_LOG] = handlers[WORKER_IMAGE] =
        (struct worker_handler){ .handle = import_handle, .ctx = j };
}
