#include "evidence/archive.h"

#include <stdlib.h>

#include "base/text.h"
#include "base/varint.h"
#include "evidence/gzip.h"

enum { EOCD = 22, STORED = 0, DEFLATED = 8 };

enum archive_kind members_recognise(struct str head, struct str tail)
{
    if (str_starts(head, STR("PK\x03\x04")))
        return ARCHIVE_ZIP;
    if (tar_is(head))
        return ARCHIVE_TAR;
    /* An empty zip, or one behind a program that unpacks it. */
    for (size_t n = tail.n < EOCD ? 0 : tail.n - EOCD + 1; n > 0;) {
        const char *p = memrchr(tail.p, 'P', n);
        if (!p)
            break;
        n = (size_t)(p - tail.p);
        struct str end = str_sub(tail, n, tail.n);
        if (str_starts(end, STR("PK\x05\x06")) &&
            u16le(end.p + 20) == end.n - EOCD)
            return ARCHIVE_ZIP;
    }
    return ARCHIVE_NONE;
}

void members_issue(struct members *a, const char *code, uint64_t off,
                   const char *text)
{
    if (a->n_issues < ARCHIVE_ISSUES_MAX)
        a->issues[a->n_issues++] = (struct archive_issue){ code, text, off };
}

struct archive_member *members_add(struct members *a, struct err *err)
{
    if (a->n == ARCHIVE_MEMBERS_MAX) {
        members_issue(a, "archive-members", 0,
                      "more than a million members: the rest is left out");
        return NULL;
    }
    if (a->n == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 64;
        struct archive_member *p = realloc(a->members, cap * sizeof *p);
        if (!p) {
            err_set(err, ERR_INTERNAL, "out of memory");
            return NULL;
        }
        a->members = p;
        a->cap = cap;
    }
    a->members[a->n] = (struct archive_member){ 0 };
    return &a->members[a->n++];
}

void members_free(struct members *a)
{
    free(a->members);
    arena_free(&a->arena);
    *a = (struct members){ 0 };
}

/* ---- judging the list --------------------------------------------------- */

static bool unsafe_name(struct str name)
{
    bool start = true;
    if (name.n == 0 || name.p[0] == '/' || name.p[0] == '\\' ||
        (name.n > 1 && name.p[1] == ':'))
        return true;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c < ' ' || c == 0x7f)
            return true;
        struct str rest = str_sub(name, i, name.n);
        if (start && (str_eq(rest, STR("..")) || str_starts(rest, STR("../")) ||
                      str_starts(rest, STR("..\\"))))
            return true;
        start = c == '/' || c == '\\';
    }
    return false;
}

static uint64_t end_of(const struct archive_member *m)
{
    uint64_t end;
    return __builtin_add_overflow(m->off, m->packed, &end) ? UINT64_MAX : end;
}

static int by_place(const void *a, const void *b)
{
    const struct archive_member *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    return end_of(x) < end_of(y) ? -1 : end_of(x) > end_of(y);
}

static int by_name(const void *a, const void *b)
{
    const struct archive_member *x = a, *y = b;
    int d = str_cmp(x->name, y->name);
    return d ? d : by_place(a, b);
}

static void judge(struct members *a, uint64_t size)
{
    struct archive_member *m = a->members, *widest = NULL;
    if (a->n == 0)
        return;
    qsort(m, a->n, sizeof *m, by_place);
    for (size_t i = 0; i < a->n; i++) {
        if (end_of(&m[i]) > size)
            m[i].flags |= ARCHIVE_BEYOND;
        if (unsafe_name(m[i].name))
            m[i].flags |= ARCHIVE_UNSAFE;
        if (widest && m[i].head < end_of(widest) && end_of(widest) > 0) {
            m[i].flags |= ARCHIVE_OVERLAP;
            widest->flags |= ARCHIVE_OVERLAP;
        }
        if (!widest || end_of(&m[i]) > end_of(widest))
            widest = &m[i];
    }
    qsort(m, a->n, sizeof *m, by_name);
    for (size_t i = 1; i < a->n; i++)
        if (str_eq(m[i].name, m[i - 1].name)) {
            m[i].flags |= ARCHIVE_DUPLICATE;
            m[i - 1].flags |= ARCHIVE_DUPLICATE;
        }
}

int members_list(struct source *s, enum archive_kind kind, struct members *a,
                 struct err *err)
{
    *a = (struct members){ .kind = kind };
    int code = kind == ARCHIVE_ZIP   ? zip_list(s, a, err)
               : kind == ARCHIVE_TAR ? tar_list(s, a, err)
                                     : err_set(err, ERR_USAGE, "no archive");
    if (code == 0)
        judge(a, s->size);
    else
        members_free(a);
    return code;
}

/* ---- content ------------------------------------------------------------ */

static const char *refusal(const struct archive_member *m)
{
    if (m->type != ARCHIVE_FILE)
        return "is not a file";
    if (m->flags & ARCHIVE_ENCRYPTED)
        return "is encrypted";
    if (m->flags & ARCHIVE_METHOD)
        return "is compressed by a method that is not read";
    if (m->flags & ARCHIVE_OVERLAP)
        return "shares its bytes with another member";
    return NULL;
}

struct source *members_open(struct source *s, enum archive_kind kind,
                            const struct archive_member *m, struct err *err)
{
    const char *no = refusal(m);
    struct buf layer = { 0 };
    struct source *out = NULL;
    if (no) {
        err_set(err, ERR_EVIDENCE, "%s: %s", text_line(m->name), no);
        return NULL;
    }
    buf_putz(&layer, kind == ARCHIVE_ZIP ? "zip/" : "tar/");
    text_cite(&layer, m->name, false);
    buf_putc(&layer, '\0');
    if (layer.failed) {
        err_set(err, ERR_INTERNAL, "out of memory");
    } else if (m->method == STORED) {
        out = source_open_slice(s, m->off, m->size, layer.p, err);
    } else {
        struct source *packed =
            source_open_slice(s, m->off, m->packed, layer.p, err);
        if (packed)
            out = deflate_source_open(packed, m->size, layer.p, true, m->crc,
                                      err);
        if (out)
            out->owns_below = true;
        else
            source_close(packed);
    }
    buf_free(&layer);
    return out;
}

struct source *members_open_name(struct source *s, enum archive_kind kind,
                                 struct str name, struct err *err)
{
    struct members a;
    struct source *out = NULL;
    if (members_list(s, kind, &a, err))
        return NULL;
    const struct archive_member *m = NULL;
    for (size_t i = 0; i < a.n; i++)
        if (str_eq(a.members[i].name, name))
            m = &a.members[i];
    if (m)
        out = members_open(s, kind, m, err);
    else
        err_set(err, ERR_EVIDENCE, "the archive has no such member");
    members_free(&a);
    return out;
}
