/* The sink in a worker: gives values numbers, packs items, sends frames. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/varint.h"
#include "evidence/worker.h"
#include "importers/wire.h"

enum { FRAME_TARGET = 96 * 1024, LAST = 16 };

struct value {
    const char *p;
    uint32_t hash, id; /* id 0 = free slot */
    uint32_t n;
    uint8_t kind;
};

struct sink {
    struct hash_key key, body_key;
    struct buf out;
    uint64_t items, since_progress;
    struct value *slots;
    size_t cap, n; /* n values: numbers 1..n */
    struct arena text;
    uint32_t source_id; /* 0 = not yet given */
    struct str source, format;
    struct value last[LAST];
    uint32_t flags; /* of all records */
    bool gone;
};

enum { TABLE = WIRE_DICTIONARY_MAX * 2 };

struct sink *sink_open(const struct hash_key *body_key, struct err *err)
{
    struct sink *s = calloc(1, sizeof(*s));
    if (s) {
        s->slots = calloc(TABLE, sizeof(*s->slots));
        s->cap = TABLE;
    }
    if (!s || !s->slots) {
        err_set(err, ERR_INTERNAL, "worker: out of memory");
        return NULL;
    }
    hash_key_random(&s->key);
    s->body_key = *body_key;
    return s;
}

int sink_flush(struct sink *s)
{
    if (s->out.failed || s->gone)
        return ERR_INTERNAL;
    if (s->out.n == 0)
        return 0;
    int rc = worker_emit_str(FRAME_RECORDS, buf_str(&s->out));
    buf_clear(&s->out);
    s->gone = rc != 0;
    return rc;
}

static int item_done(struct sink *s)
{
    s->items++;
    return s->out.n >= FRAME_TARGET ? sink_flush(s) : s->out.failed ? -1 : 0;
}

/* ---- values
 * -------------------------------------------------------------------- */

static void reset_values(struct sink *s)
{
    buf_putc(&s->out, WIRE_RESET);
    memset(s->slots, 0, s->cap * sizeof(*s->slots));
    memset(s->last, 0, sizeof(s->last));
    arena_reset(&s->text);
    s->n = 0;
    s->source_id = 0;
}

static void put_u32(struct buf *b, uint32_t v)
{
    char tmp[4];
    put_u32le(tmp, v);
    buf_put(b, (struct str){ tmp, 4 });
}

static void put_u64(struct buf *b, uint64_t v)
{
    char tmp[8];
    put_u64le(tmp, v);
    buf_put(b, (struct str){ tmp, 8 });
}

static void put_u16(struct buf *b, uint16_t v)
{
    buf_putc(b, (char)(v & 0xff));
    buf_putc(b, (char)(v >> 8));
}

static bool add_value(struct sink *s, unsigned kind, struct str v,
                      struct value *slot, uint32_t h)
{
    struct str copy = arena_copy(&s->text, v);
    if (!copy.p) {
        s->out.failed = true;
        return false;
    }
    *slot = (struct value){ copy.p, h, (uint32_t)++s->n, (uint32_t)v.n,
                            (uint8_t)kind };
    buf_putc(&s->out, WIRE_STRING);
    buf_putc(&s->out, (char)kind);
    put_u32(&s->out, (uint32_t)v.n);
    buf_put(&s->out, v);
    return true;
}

static struct str cut(struct str v, size_t max)
{
    if (v.n > max)
        v.n = max;
    return v;
}

static uint64_t value_hash(const struct sink *s, unsigned kind, struct str v)
{
    return hash_bytes(&s->key, v.p, v.n) + kind * 0x9e3779b97f4a7c15u;
}

/* The slot of a value of at most WIRE_VALUE_MAX bytes with its hash; the
 * number in it is 0 only when memory is short. */
static const struct value *value_at(struct sink *s, unsigned kind, struct str v,
                                    uint64_t hash)
{
    uint32_t h = (uint32_t)(hash >> 32);
    size_t at = hash & (s->cap - 1);
    for (; s->slots[at].id; at = (at + 1) & (s->cap - 1)) {
        const struct value *o = &s->slots[at];
        if (o->hash == h && o->n == v.n && o->kind == kind &&
            str_same(o->p, v.p, v.n))
            return o;
    }
    add_value(s, kind, v, &s->slots[at], h);
    return &s->slots[at];
}

static const struct value *value_of(struct sink *s, unsigned kind, struct str v)
{
    v = cut(v, WIRE_VALUE_MAX);
    return value_at(s, kind, v, value_hash(s, kind, v));
}

static uint32_t number_of(struct sink *s, unsigned kind, struct str v)
{
    return value_of(s, kind, v)->id;
}

/* Columns repeat their value from record to record. */
static uint32_t column(struct sink *s, unsigned col, unsigned kind,
                       struct str v)
{
    struct value *last = &s->last[col];
    if (v.n == 0)
        return 0;
    if (last->n != v.n || last->kind != kind || !str_same(last->p, v.p, v.n))
        *last = *value_of(s, kind, v);
    return last->id;
}

/* Room for all values of one event, else start a new dictionary. */
static void make_room(struct sink *s, size_t values)
{
    if (s->n + values + 32 > WIRE_DICTIONARY_MAX ||
        s->text.used > WIRE_DICTIONARY_BYTES)
        reset_values(s);
}

void sink_set_source(struct sink *s, struct str importer)
{
    s->source = importer;
    s->source_id = 0;
}

void sink_job(struct sink *s, struct str source)
{
    s->items = 0;
    s->flags = 0;
    sink_set_source(s, source);
}

void sink_set_flags(struct sink *s, uint32_t event_flags)
{
    s->flags = event_flags;
}

uint64_t sink_items(const struct sink *s)
{
    return s->items;
}

/* ---- records
 * -------------------------------------------------------------------- */

static unsigned char *put32(unsigned char *p, uint32_t v)
{
    put_u32le(p, v);
    return p + 4;
}

static unsigned char *put64(unsigned char *p, uint64_t v)
{
    put_u64le(p, v);
    return p + 8;
}

static void columns_of(struct sink *s, const struct record *r, uint32_t *col)
{
    if (!s->source_id)
        s->source_id = number_of(s, KIND_SOURCE, s->source);
    col[COL_SOURCE] =
        r->source.n ? number_of(s, KIND_SOURCE, r->source) : s->source_id;
    col[COL_ACTION] = column(s, COL_ACTION, KIND_ACTION, r->action);
    col[COL_ACTOR] = column(
        s, COL_ACTOR, r->actor_kind ? r->actor_kind : KIND_PRINCIPAL, r->actor);
    col[COL_TARGET] =
        column(s, COL_TARGET, r->target_kind ? r->target_kind : KIND_RESOURCE,
               r->target);
    col[COL_OUTCOME] = column(s, COL_OUTCOME, KIND_OUTCOME, r->outcome);
    col[COL_IP] = column(s, COL_IP, KIND_IP, r->ip);
    col[COL_KEY] = column(s, COL_KEY, KIND_KEY, r->key);
    col[COL_AGENT] = column(s, COL_AGENT, KIND_AGENT, r->agent);
    col[COL_REGION] = column(s, COL_REGION, KIND_REGION, r->region);
    col[COL_ACCOUNT] = column(s, COL_ACCOUNT, KIND_ACCOUNT, r->account);
    col[COL_SERVICE] = column(s, COL_SERVICE, KIND_SERVICE, r->service);
}

/* Does a column hold the entity already, in this role or, for a mere mention,
 * in any? */
static bool in_column(const uint32_t *col, uint32_t id, unsigned role)
{
    bool mention = role == ROLE_MENTIONED;
    return (id == col[COL_ACTOR] && (mention || role == ROLE_ACTOR)) ||
           (id == col[COL_KEY] && (mention || role == ROLE_ACTOR)) ||
           (id == col[COL_TARGET] && (mention || role == ROLE_TARGET)) ||
           ((id == col[COL_ACCOUNT] || id == col[COL_IP]) && mention);
}

/* Refs that repeat a column's entity in its own role add nothing. */
static size_t refs_of(struct sink *s, const struct record *r,
                      const uint32_t *col, struct intake_ref *refs,
                      uint32_t *flags)
{
    UNINITIALIZED uint64_t hash[RECORD_REFS_MAX];
    size_t n = 0,
           most = r->n_refs < RECORD_REFS_MAX ? r->n_refs : RECORD_REFS_MAX;
    if (most < r->n_refs)
        *flags |= EVENT_REFS_CUT;
    /* all slots are asked for before the first is waited for */
    for (size_t i = 0; i < most; i++) {
        hash[i] = value_hash(s, r->refs[i].kind,
                             cut(r->refs[i].value, WIRE_VALUE_MAX));
        __builtin_prefetch(&s->slots[hash[i] & (s->cap - 1)]);
    }
    for (size_t i = 0; i < most; i++) {
        if (r->refs[i].value.n == 0)
            continue;
        uint32_t id = value_at(s, r->refs[i].kind,
                               cut(r->refs[i].value, WIRE_VALUE_MAX), hash[i])
                          ->id;
        bool known = in_column(col, id, r->refs[i].role);
        for (size_t k = 0; k < n && !known; k++)
            known = refs[k].id == id && (refs[k].role == r->refs[i].role ||
                                         r->refs[i].role == ROLE_MENTIONED);
        if (!known)
            refs[n++] = (struct intake_ref){ id, r->refs[i].role };
    }
    return n;
}

int sink_record(struct sink *s, const struct record *r)
{
    uint32_t col[INTAKE_COLUMNS], flags = r->flags | s->flags;
    UNINITIALIZED struct intake_ref refs[RECORD_REFS_MAX];
    make_room(s, INTAKE_COLUMNS + r->n_refs);
    columns_of(s, r, col);
    size_t n = refs_of(s, r, col, refs, &flags);
    struct str text = cut(r->text, WIRE_TEXT_MAX);
    struct str uid = cut(r->uid, 64), request = cut(r->request, 255);
    size_t bytes = 1 + WIRE_EVENT_FIXED + uid.n + request.n + n * 5 + text.n;
    if (!buf_reserve(&s->out, bytes))
        return ERR_INTERNAL;
    unsigned char *p = (unsigned char *)s->out.p + s->out.n;
    *p++ = WIRE_EVENT;
    *p++ = r->timed;
    *p++ = r->t_kind;
    *p++ = r->t_zone;
    *p++ = r->t_res;
    *p++ = r->severity;
    *p++ = r->detail;
    *p++ = (unsigned char)(r->sub & 0xff);
    *p++ = (unsigned char)(r->sub >> 8);
    p = put64(p, (uint64_t)r->t.s);
    p = put32(p, r->t.ns);
    p = put32(p, flags);
    p = put64(p, r->off);
    p = put32(p, r->len);
    p = put32(p, r->body_hash);
    for (size_t i = 0; i < INTAKE_COLUMNS; i++)
        p = put32(p, col[i]);
    *p++ = (unsigned char)uid.n;
    *p++ = (unsigned char)request.n;
    *p++ = (unsigned char)(n & 0xff);
    *p++ = (unsigned char)(n >> 8);
    p = put32(p, (uint32_t)text.n);
    s->out.n += (size_t)(p - (unsigned char *)s->out.p) - s->out.n;
    buf_put(&s->out, uid);
    buf_put(&s->out, request);
    for (size_t i = 0; i < n; i++) {
        put_u32(&s->out, refs[i].id);
        buf_putc(&s->out, (char)refs[i].role);
    }
    buf_put(&s->out, text);
    return item_done(s);
}

/* ---- files
 * ----------------------------------------------------------------------- */

static void put_instant(struct buf *b, struct instant t)
{
    put_u64(b, (uint64_t)t.s);
    put_u32(b, t.ns);
}

static int file_event(struct sink *s, const struct record_file *f,
                      enum time_kind kind, struct instant t, uint16_t sub)
{
    struct record r = {
        .timed = true,
        .t = t,
        .t_kind = (uint8_t)kind,
        .t_zone = ZONE_FORMAT,
        .t_res = f->t_res,
        .off = f->off,
        .len = f->len,
        .sub = sub,
        .action = time_kind_name(kind),
        .target = f->path,
        .target_kind = KIND_FILE,
        .flags = (f->flags & FILE_DELETED ? EVENT_DELETED : 0u) |
                 (f->view == FILE_VIEW_DISK ? EVENT_ON_DISK : 0u),
    };
    return sink_record(s, &r);
}

static int put_xattr(struct sink *s, const struct record_xattr *x)
{
    struct str name = cut(x->name, 255 + 32), value = x->value;
    value = cut(value, FILE_XATTR_MAX);
    buf_putc(&s->out, WIRE_XATTR);
    put_u16(&s->out, (uint16_t)name.n);
    put_u32(&s->out, (uint32_t)value.n);
    buf_put(&s->out, name);
    buf_put(&s->out, value);
    return item_done(s);
}

int sink_file(struct sink *s, const struct record_file *f)
{
    make_room(s, INTAKE_COLUMNS);
    struct str volume = cut(f->volume, 255), link = cut(f->link_target, 4096);
    struct str type = cut(f->content_type, WIRE_TYPE_MAX);
    uint32_t path = number_of(s, KIND_FILE, f->path);
    buf_putc(&s->out, WIRE_FILE);
    put_u32(&s->out, path);
    put_u64(&s->out, f->inode);
    put_u64(&s->out, f->parent_inode);
    put_u64(&s->out, f->size);
    put_u32(&s->out, f->mode);
    put_u32(&s->out, f->uid);
    put_u32(&s->out, f->gid);
    put_u32(&s->out, f->links);
    put_u32(&s->out, f->flags);
    buf_putc(&s->out, (char)f->type);
    buf_putc(&s->out, (char)f->t_res);
    put_u16(&s->out, (uint16_t)volume.n);
    buf_putc(&s->out, (char)type.n);
    buf_putc(&s->out, (char)(f->sha256.n == 32 ? 32 : 0));
    buf_putc(&s->out, (char)(f->sha1.n == 20 ? 20 : 0));
    buf_putc(&s->out, (char)(f->md5.n == 16 ? 16 : 0));
    buf_putc(&s->out, (char)f->view);
    buf_putc(&s->out, (char)f->found);
    buf_putc(&s->out, (char)f->confidence);
    put_u64(&s->out, f->free_bytes);
    put_u32(&s->out, f->device);
    put_instant(&s->out, f->m);
    put_instant(&s->out, f->a);
    put_instant(&s->out, f->c);
    put_instant(&s->out, f->b);
    put_instant(&s->out, f->d);
    put_u16(&s->out, (uint16_t)link.n);
    buf_put(&s->out, volume);
    buf_put(&s->out, link);
    buf_put(&s->out, type);
    if (f->sha256.n == 32)
        buf_put(&s->out, f->sha256);
    if (f->sha1.n == 20)
        buf_put(&s->out, f->sha1);
    if (f->md5.n == 16)
        buf_put(&s->out, f->md5);
    int rc = item_done(s);
    for (size_t i = 0; i < f->n_xattrs && rc == 0; i++)
        rc = put_xattr(s, &f->xattrs[i]);
    const struct instant t[] = { f->m, f->a, f->c, f->b, f->d };
    static const enum time_kind kind[] = { TIME_MODIFIED, TIME_ACCESSED,
                                           TIME_CHANGED, TIME_BORN,
                                           TIME_DELETED };
    for (unsigned i = 0; i < 5 && rc == 0; i++)
        if (!(f->flags >> (4 + i) & 1) && !(f->told >> i & 1))
            rc = file_event(s, f, kind[i], t[i], (uint16_t)i);
    return rc;
}

/* ---- packages
 * ----------------------------------------------------------------------------
 */

static void put_short(struct buf *b, struct str s)
{
    s = cut(s, 255);
    buf_putc(b, (char)s.n);
    buf_put(b, s);
}

int sink_package(struct sink *s, const struct record_package *p)
{
    make_room(s, 1);
    uint32_t name = number_of(s, KIND_PACKAGE, p->name);
    buf_putc(&s->out, WIRE_PACKAGE);
    put_u32(&s->out, name);
    buf_putc(&s->out, (char)p->manager);
    buf_putc(&s->out, (char)p->known);
    put_u64(&s->out, (uint64_t)p->installed_s);
    put_u64(&s->out, (uint64_t)p->built_s);
    put_short(&s->out, p->version);
    put_short(&s->out, p->arch);
    put_short(&s->out, p->vendor);
    put_short(&s->out, p->signer);
    put_short(&s->out, p->state);
    return item_done(s);
}

int sink_package_file(struct sink *s, const struct record_package_file *f)
{
    make_room(s, 2);
    uint32_t package = number_of(s, KIND_PACKAGE, f->package);
    uint32_t path = number_of(s, KIND_FILE, f->path);
    struct str link = cut(f->link_target, 4096);
    buf_putc(&s->out, WIRE_PACKAGE_FILE);
    put_u32(&s->out, package);
    put_u32(&s->out, path);
    buf_putc(&s->out, (char)f->manager);
    buf_putc(&s->out, (char)f->known);
    put_u32(&s->out, f->flags);
    put_u32(&s->out, f->mode);
    put_u64(&s->out, f->size);
    put_u64(&s->out, (uint64_t)f->m_s);
    put_short(&s->out, f->owner);
    put_short(&s->out, f->group);
    put_short(&s->out, f->digest);
    put_u16(&s->out, (uint16_t)link.n);
    buf_put(&s->out, link);
    return item_done(s);
}

/* ---- the rest
 * ----------------------------------------------------------------------- */

static void put_words(struct sink *s, const char *code, const char *detail)
{
    struct str c = cut(str_from(code), 255), d = cut(str_from(detail), 2000);
    buf_putc(&s->out, (char)c.n);
    buf_put(&s->out, c);
    put_u16(&s->out, (uint16_t)d.n);
    buf_put(&s->out, d);
}

int sink_reject(struct sink *s, uint64_t off, uint64_t len, const char *code,
                const char *fmt, ...)
{
    char detail[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    buf_putc(&s->out, WIRE_REJECT);
    put_u64(&s->out, off);
    put_u64(&s->out, len);
    put_words(s, code, detail);
    return item_done(s);
}

int sink_issue(struct sink *s, enum issue_severity severity, uint64_t off,
               uint64_t len, const char *code, const char *fmt, ...)
{
    char detail[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    buf_putc(&s->out, WIRE_ISSUE);
    buf_putc(&s->out, (char)severity);
    put_u64(&s->out, off);
    put_u64(&s->out, len);
    put_words(s, code, detail);
    return item_done(s);
}

int sink_fact(struct sink *s, const char *name, struct str value)
{
    struct str n = cut(str_from(name), 255);
    value = cut(value, 64 * 1024);
    buf_putc(&s->out, WIRE_FACT);
    buf_putc(&s->out, (char)n.n);
    put_u32(&s->out, (uint32_t)value.n);
    buf_put(&s->out, n);
    buf_put(&s->out, value);
    return item_done(s);
}

int sink_carved(struct sink *s, uint64_t off, uint32_t len, uint8_t kind,
                struct str value)
{
    struct record r = {
        .off = off,
        .len = len,
        .action = STR("carved"),
        .target = value,
        .target_kind = kind,
        .flags = EVENT_CARVED,
    };
    return sink_record(s, &r);
}

int sink_member(struct sink *s, bool outer, struct str layers,
                struct str format, uint64_t size)
{
    buf_putc(&s->out, WIRE_MEMBER);
    buf_putc(&s->out, outer);
    put_u64(&s->out, size);
    put_u16(&s->out, (uint16_t)cut(layers, 8192).n);
    put_u16(&s->out, (uint16_t)format.n);
    buf_put(&s->out, cut(layers, 8192));
    buf_put(&s->out, format);
    sink_set_source(s, format);
    s->format = format;
    return item_done(s);
}

int sink_member_end(struct sink *s)
{
    buf_putc(&s->out, WIRE_MEMBER_END);
    return item_done(s);
}

int sink_part(struct sink *s, struct str layers, uint64_t size)
{
    int rc = sink_member_end(s);
    return rc ? rc : sink_member(s, false, layers, s->format, size);
}

void sink_progress(struct sink *s, uint64_t done)
{
    if (done - s->since_progress >= 1 << 20 || done < s->since_progress) {
        s->since_progress = done;
        worker_progress(done);
    }
}

/* ---- requests
 * -------------------------------------------------------------------------- */

void wire_put_request(struct buf *b, const struct wire_request *r)
{
    put_u64(b, r->body_key.k[0]);
    put_u64(b, r->body_key.k[1]);
    buf_putc(b, (char)(r->hash_files | r->set << 1 | r->hash_weak << 2 |
                       r->has_modified << 3));
    buf_putc(b, (char)r->as.n);
    put_u64(b, r->bytes);
    put_u32(b, (uint32_t)r->path.n);
    put_u32(b, (uint32_t)r->inside.n);
    put_u32(b, (uint32_t)r->name.n);
    put_instant(b, r->modified);
    put_u32(b, r->event_flags);
    buf_put(b, r->as);
    buf_put(b, r->path);
    buf_put(b, r->inside);
    buf_put(b, r->name);
}

bool wire_get_request(struct str s, struct wire_request *r)
{
    struct cursor k = cursor_of(s.p, s.n);
    r->body_key.k[0] = cursor_u64(&k);
    r->body_key.k[1] = cursor_u64(&k);
    uint8_t flags = cursor_u8(&k);
    r->hash_files = flags & 1;
    r->set = flags & 2;
    r->hash_weak = flags & 4;
    r->has_modified = flags & 8;
    size_t as = cursor_u8(&k);
    r->bytes = cursor_u64(&k);
    size_t path = cursor_u32(&k), inside = cursor_u32(&k),
           name = cursor_u32(&k);
    r->modified.s = (int64_t)cursor_u64(&k);
    r->modified.ns = cursor_u32(&k);
    r->event_flags = cursor_u32(&k);
    r->as = cursor_str(&k, as);
    r->path = cursor_str(&k, path);
    r->inside = cursor_str(&k, inside);
    r->name = cursor_str(&k, name);
    return !k.failed && cursor_left(&k) == 0;
}
