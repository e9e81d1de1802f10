#include "importers/receive.h"

#include <stdlib.h>

#include "base/text.h"
#include "base/varint.h"

void receiver_free(struct receiver *r)
{
    free(r->values);
    arena_free(&r->text);
    buf_free(&r->folder);
    *r = (struct receiver){ 0 };
}

static int broken(const char **why, const char *rule)
{
    *why = rule;
    return RECEIVED_BROKEN;
}

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "import: out of memory");
}

static int get_string(struct receiver *r, struct cursor *k, const char **why,
                      struct err *err)
{
    uint8_t kind = cursor_u8(k);
    struct str v = cursor_str(k, cursor_u32(k));
    if (k->failed || v.n > WIRE_VALUE_MAX || kind > KIND_MAX ||
        kind_name(kind).n == 0)
        return broken(why, "a value out of bounds");
    if (r->n >= WIRE_DICTIONARY_MAX)
        return broken(why, "too many values");
    if (r->n + 1 >= r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 4096;
        void *p = realloc(r->values, cap * sizeof(*r->values));
        if (!p)
            return out_of_memory(err);
        r->values = p;
        r->cap = cap;
    }
    struct str copy = arena_copy(&r->text, v);
    if (!copy.p)
        return out_of_memory(err);
    r->values[++r->n] = (struct local_value){ copy.p, (uint32_t)v.n, 0, kind };
    return 0;
}

/* The case's id of a local number; asked at first use, in canonical order,
 * and never while records are being skipped. */
static bool resolve(struct receiver *r, struct intake *in, uint32_t local,
                    uint32_t *id)
{
    *id = 0;
    if (local == 0)
        return true;
    if (local > r->n)
        return false;
    struct local_value *v = &r->values[local];
    if (!v->id && !intake_skipping(in))
        v->id = intake_entity(in, v->kind, (struct str){ v->p, v->n });
    *id = v->id;
    return true;
}

static int get_event(struct receiver *r, struct cursor *k, struct intake *in,
                     const char **why, struct err *err)
{
    UNINITIALIZED struct intake_ref refs[RECORD_REFS_MAX];
    const unsigned char *p = cursor_take(k, WIRE_EVENT_FIXED);
    if (!p)
        return broken(why, "an event is cut");
    struct intake_event e = {
        .timed = p[0] != 0,
        .t_kind = p[1],
        .t_zone = p[2],
        .t_res = p[3],
        .severity = p[4],
        .detail = p[5],
        .sub = u16le(p + 6),
        .t = { (int64_t)u64le(p + 8), u32le(p + 16) },
        .flags = u32le(p + 20),
        .off = u64le(p + 24),
        .len = u32le(p + 32),
        .body = u32le(p + 36),
        .refs = refs,
    };
    p += 40;
    for (int i = 0; i < INTAKE_COLUMNS; i++, p += 4)
        if (!resolve(r, in, u32le(p), &e.col[i]))
            return broken(why, "an event names an unknown value");
    size_t uid = p[0], request = p[1], text = u32le(p + 4);
    e.n_refs = u16le(p + 2);
    if (e.t.ns > 999999999 || e.t_kind > TIME_ACQUIRED ||
        e.t_zone > ZONE_HOST || e.t_res > 9 || e.severity > 4 || e.detail > 3 ||
        uid > 64 || e.n_refs > RECORD_REFS_MAX || text > WIRE_TEXT_MAX ||
        e.off > INT64_MAX)
        return broken(why, "an event's field is out of range");
    e.uid = cursor_str(k, uid);
    e.request = cursor_str(k, request);
    p = cursor_take(k, e.n_refs * 5);
    e.text = cursor_str(k, text);
    if (k->failed)
        return broken(why, "an event is cut");
    size_t n = 0;
    for (size_t i = 0; i < e.n_refs; i++) {
        if (p[i * 5 + 4] >= ROLE_COUNT ||
            !resolve(r, in, u32le(p + i * 5), &refs[n].id))
            return broken(why, "an event names an unknown value");
        refs[n].role = p[i * 5 + 4];
        n += refs[n].id != 0;
    }
    e.n_refs = n;
    return intake_event(in, &e, err);
}

static struct instant get_instant(struct cursor *k)
{
    int64_t s = (int64_t)cursor_u64(k);
    return (struct instant){ s, cursor_u32(k) };
}

/* The folder that a path names; most files lie in that of the one before.
 * False: out of memory. */
static bool folder_of(struct receiver *r, struct intake *in, uint32_t local,
                      uint32_t *id)
{
    struct str path = { r->values[local].p, r->values[local].n };
    size_t n = path.n;
    *id = 0;
    while (n && path.p[n - 1] != '/')
        n--;
    if (n == 0 || path.n <= 1 || intake_skipping(in))
        return true;
    struct str folder = str_sub(path, 0, n > 1 ? n - 1 : 1);
    if (!r->folder_id || !str_eq(folder, buf_str(&r->folder))) {
        buf_clear(&r->folder);
        buf_put(&r->folder, folder);
        r->folder_id = intake_entity(in, KIND_FILE, folder);
    }
    *id = r->folder_id;
    return !r->folder.failed;
}

static int get_file(struct receiver *r, struct cursor *k, struct intake *in,
                    const char **why, struct err *err)
{
    struct intake_file f = { 0 };
    uint32_t path = cursor_u32(k);
    if (path == 0 || !resolve(r, in, path, &f.path))
        return broken(why, "a file names an unknown value");
    f.inode = cursor_u64(k);
    f.parent_inode = cursor_u64(k);
    f.size = cursor_u64(k);
    f.mode = cursor_u32(k);
    f.uid = cursor_u32(k);
    f.gid = cursor_u32(k);
    f.links = cursor_u32(k);
    f.flags = cursor_u32(k);
    f.type = cursor_u8(k);
    f.t_res = cursor_u8(k);
    size_t volume = cursor_u16(k), type = cursor_u8(k);
    size_t sha256 = cursor_u8(k), sha1 = cursor_u8(k), md5 = cursor_u8(k);
    f.view = cursor_u8(k);
    f.found = cursor_u8(k);
    f.confidence = cursor_u8(k);
    f.free_bytes = cursor_u64(k);
    f.device = cursor_u32(k);
    struct instant *t[] = { &f.m, &f.a, &f.c, &f.b, &f.d };
    bool bad = f.type > FILE_OTHER || f.t_res > 9 ||
               (sha256 != 0 && sha256 != 32) || (sha1 != 0 && sha1 != 20) ||
               (md5 != 0 && md5 != 16) || f.view >= FILE_VIEWS ||
               f.found >= FILE_FOUND_KINDS ||
               f.confidence >= FILE_CONFIDENCES || f.free_bytes > f.size ||
               type > WIRE_TYPE_MAX;
    for (int i = 0; i < 5; i++) {
        *t[i] = get_instant(k);
        bad |= t[i]->ns > 999999999;
    }
    size_t link = cursor_u16(k);
    f.volume = cursor_str(k, volume);
    f.link_target = cursor_str(k, link);
    f.content_type = cursor_str(k, type);
    f.sha256 = cursor_str(k, sha256);
    f.sha1 = cursor_str(k, sha1);
    f.md5 = cursor_str(k, md5);
    if (k->failed || bad || !text_utf8_valid(f.volume) ||
        !text_utf8_valid(f.content_type))
        return broken(why, "a file's field is out of range");
    if (!folder_of(r, in, path, &f.folder))
        return out_of_memory(err);
    r->file = true;
    return intake_file(in, &f, err);
}

static int get_xattr(struct receiver *r, struct cursor *k, struct intake *in,
                     const char **why, struct err *err)
{
    size_t n_name = cursor_u16(k), n_value = cursor_u32(k);
    struct str name = cursor_str(k, n_name), value = cursor_str(k, n_value);
    if (k->failed || !r->file || n_value > FILE_XATTR_MAX || n_name == 0)
        return broken(why, "an attribute of no file, or out of bounds");
    return intake_xattr(in, name, value, err);
}

static int get_package(struct receiver *r, struct cursor *k, struct intake *in,
                       const char **why, struct err *err)
{
    struct intake_package p = { 0 };
    uint32_t name = cursor_u32(k);
    if (name == 0 || !resolve(r, in, name, &p.name))
        return broken(why, "a package names an unknown value");
    p.manager = cursor_u8(k);
    p.known = cursor_u8(k);
    p.installed_s = (int64_t)cursor_u64(k);
    p.built_s = (int64_t)cursor_u64(k);
    struct str *texts[] = { &p.version, &p.arch, &p.vendor, &p.signer,
                            &p.state };
    bool bad = p.manager == 0 || p.manager >= PACKAGE_MANAGERS ||
               p.known > (PACKAGE_INSTALLED | PACKAGE_BUILT);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        *texts[i] = cursor_str(k, cursor_u8(k));
        bad |= !text_utf8_valid(*texts[i]);
    }
    if (k->failed || bad)
        return broken(why, "a package's field is out of range");
    return intake_package(in, &p, err);
}

static bool is_digest(size_t n)
{
    return n == 0 || n == 16 || n == 20 || n == 28 || n == 32 || n == 48 ||
           n == 64;
}

static int get_package_file(struct receiver *r, struct cursor *k,
                            struct intake *in, const char **why,
                            struct err *err)
{
    struct intake_package_file f = { 0 };
    uint32_t package = cursor_u32(k), path = cursor_u32(k);
    if (package == 0 || path == 0 || !resolve(r, in, package, &f.package) ||
        !resolve(r, in, path, &f.path))
        return broken(why, "a package's file names an unknown value");
    if (r->values[package].kind != KIND_PACKAGE ||
        r->values[path].kind != KIND_FILE)
        return broken(why, "a package's file is of another kind");
    f.manager = cursor_u8(k);
    f.known = cursor_u8(k);
    f.flags = cursor_u32(k);
    f.mode = cursor_u32(k);
    f.size = cursor_u64(k);
    f.m_s = (int64_t)cursor_u64(k);
    f.owner = cursor_str(k, cursor_u8(k));
    f.group = cursor_str(k, cursor_u8(k));
    f.digest = cursor_str(k, cursor_u8(k));
    f.link_target = cursor_str(k, cursor_u16(k));
    if (k->failed || f.manager == 0 || f.manager >= PACKAGE_MANAGERS ||
        f.known > (PACKAGE_MODE | PACKAGE_SIZE | PACKAGE_TIME) ||
        f.flags > PACKAGE_FILE_FLAGS || f.mode > 0xffff || f.size > INT64_MAX ||
        !is_digest(f.digest.n))
        return broken(why, "a package's file is out of range");
    return intake_package_file(in, &f, err);
}

/* Words of a worker: hostile text, so only its display form is kept. */
static int get_words(struct cursor *k, struct str *code, struct buf *detail,
                     const char **why)
{
    *code = cursor_str(k, cursor_u8(k));
    struct str d = cursor_str(k, cursor_u16(k));
    if (k->failed)
        return broken(why, "an issue is cut");
    for (size_t i = 0; i < code->n; i++)
        if (!((code->p[i] >= 'a' && code->p[i] <= 'z') ||
              (code->p[i] >= '0' && code->p[i] <= '9') || code->p[i] == '-'))
            return broken(why, "an issue's code has odd characters");
    struct buf shown = { 0 };
    if (text_utf8_valid(d) && text_parse(&shown, d))
        text_show(detail, buf_str(&shown), 0);
    else
        text_show(detail, d, 0);
    buf_free(&shown);
    return 0;
}

static int get_issue(struct cursor *k, bool reject, struct intake *in,
                     const char **why, struct err *err)
{
    struct str code;
    struct buf detail = { 0 };
    uint8_t severity = reject ? ISSUE_ERROR : cursor_u8(k);
    uint64_t off = cursor_u64(k), len = cursor_u64(k);
    int rc = get_words(k, &code, &detail, why);
    if (rc == 0 &&
        (severity > ISSUE_ERROR || off > INT64_MAX || len > INT64_MAX))
        rc = broken(why, "an issue's field is out of range");
    if (rc == 0)
        rc = reject ? intake_reject(in, off, len, code, buf_str(&detail), err)
                    : intake_issue(in, severity, off, len, code,
                                   buf_str(&detail), err);
    buf_free(&detail);
    return rc;
}

static int get_member(struct cursor *k, struct intake *in,
                      struct receive_hooks *hooks, const char **why,
                      struct err *err)
{
    hooks->outer = cursor_u8(k) != 0;
    uint64_t size = cursor_u64(k);
    size_t n_layers = cursor_u16(k), n_format = cursor_u16(k);
    struct str layers = cursor_str(k, n_layers);
    struct str format = cursor_str(k, n_format);
    if (k->failed || size > INT64_MAX || !text_utf8_valid(format))
        return broken(why, "a member's field is out of range");
    if (!intake_skipping(in) && intake_in_member(in))
        return broken(why, "a member begins inside a member");
    if (hooks->outer && !hooks->outer_end)
        return broken(why, "a file inside takes itself for the file");
    hooks->open = true;
    hooks->format(hooks->ctx, format);
    return intake_member(in, hooks->path, layers, format, size, err);
}

static int get_member_end(struct intake *in, struct receive_hooks *hooks,
                          const char **why, struct err *err)
{
    struct str sha256 = STR_NONE;
    if (!intake_skipping(in) && !intake_in_member(in))
        return broken(why, "a member ends that did not begin");
    if (hooks->outer) {
        int rc = hooks->outer_end(hooks->ctx, &sha256, err);
        if (rc)
            return rc;
    }
    hooks->outer = hooks->open = false;
    return intake_member_end(in, sha256, err);
}

static int get_fact(struct cursor *k, struct intake *in, const char **why,
                    struct err *err)
{
    size_t n = cursor_u8(k), v = cursor_u32(k);
    struct str name = cursor_str(k, n), value = cursor_str(k, v);
    if (k->failed || !text_utf8_valid(name))
        return broken(why, "a fact is cut");
    return intake_fact(in, name, value, err);
}

static bool inside_member(uint8_t tag, const struct intake *in)
{
    return tag == WIRE_STRING || tag == WIRE_RESET || tag == WIRE_MEMBER ||
           intake_skipping(in) || intake_in_member(in);
}

int receive(struct receiver *r, struct str payload, struct intake *in,
            struct receive_hooks *hooks, const char **why, struct err *err)
{
    struct cursor k = cursor_of(payload.p, payload.n);
    int rc = 0;
    while (rc == 0 && cursor_left(&k)) {
        uint8_t tag = cursor_u8(&k);
        if (!inside_member(tag, in))
            return broken(why, "an item outside a member");
        r->items += tag != WIRE_STRING && tag != WIRE_RESET;
        r->file &= tag == WIRE_XATTR || tag == WIRE_STRING;
        switch (tag) {
        case WIRE_STRING:
            rc = get_string(r, &k, why, err);
            break;
        case WIRE_RESET:
            r->n = 0;
            arena_reset(&r->text);
            break;
        case WIRE_MEMBER:
            rc = get_member(&k, in, hooks, why, err);
            break;
        case WIRE_MEMBER_END:
            rc = get_member_end(in, hooks, why, err);
            break;
        case WIRE_EVENT:
            rc = get_event(r, &k, in, why, err);
            break;
        case WIRE_FILE:
            rc = get_file(r, &k, in, why, err);
            break;
        case WIRE_XATTR:
            rc = get_xattr(r, &k, in, why, err);
            break;
        case WIRE_PACKAGE:
            rc = get_package(r, &k, in, why, err);
            break;
        case WIRE_PACKAGE_FILE:
            rc = get_package_file(r, &k, in, why, err);
            break;
        case WIRE_ISSUE:
            rc = get_issue(&k, false, in, why, err);
            break;
        case WIRE_REJECT:
            rc = get_issue(&k, true, in, why, err);
            break;
        case WIRE_FACT:
            rc = get_fact(&k, in, why, err);
            break;
        default:
            rc = broken(why, "an unknown item");
        }
    }
    return rc;
}
