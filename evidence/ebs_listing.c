/*
 * The JSON answers of the EBS direct APIs (service model of 2019-11-02):
 *
 *   ListSnapshotBlocks  {"Blocks": [{"BlockIndex", "BlockToken"}], ..}
 *   ListChangedBlocks   {"ChangedBlocks": [{"BlockIndex", "FirstBlockToken",
 *                        "SecondBlockToken"}], ..}
 *     both with VolumeSize (GiB), BlockSize, NextToken
 *   GetSnapshotBlock    {"DataLength", "Checksum" (base64 SHA-256), ..}, as
 *                       the command line prints it, one for each block
 *
 * Several values may follow each other or lie in an array. Tokens are only
 * looked at for being there.
 */
#include "base/base64.h"
#include "base/json.h"
#include "evidence/ebs_layers.h"

enum { DEPTH = 8, BASE64_SHA256 = 44 };

/* An object that is open. */
struct object {
    bool indexed, first, second, sum, page, next, changes;
    uint64_t index, length, gib, block_size;
    unsigned char sha256[32];
};

struct parse {
    struct ebs_layer *l;
    const struct ebs_name *name;
    struct object stack[DEPTH];
    size_t depth; /* objects open */
    bool changes; /* inside ChangedBlocks */
    bool any, failed;
};

static bool base64_sha256(struct str s, unsigned char out[32])
{
    struct buf b = { 0 };
    bool good = s.n == BASE64_SHA256 && s.p[BASE64_SHA256 - 1] == '=' &&
                base64_decode(s, 0, &b) && b.n == 32;
    if (good)
        memcpy(out, b.p, 32);
    buf_free(&b);
    return good;
}

/* ---- what an object said ------------------------------------------------ */

static void add_entry(struct parse *p, const struct object *o)
{
    struct ebs_layer *l = p->l;
    if (o->index > UINT32_MAX || l->entries.n >= EBS_BLOCKS_MAX) {
        p->failed = true;
        return;
    }
    struct ebs_entry *e = ebs_push(&l->entries, sizeof *e);
    if (!e) {
        p->failed = true;
        return;
    }
    *e = (struct ebs_entry){ (uint32_t)o->index, EBS_LISTED };
    if (p->changes && o->first && !o->second)
        e->kind = EBS_REMOVED;
    l->listing = p->any = true;
    l->changes |= p->changes;
}

static void add_sum(struct parse *p, const struct object *o, uint64_t index)
{
    if (index > UINT32_MAX || p->l->sums.n >= EBS_BLOCKS_MAX)
        return;
    struct ebs_sum *s = ebs_push(&p->l->sums, sizeof *s);
    if (!s) {
        p->failed = true;
        return;
    }
    s->index = (uint32_t)index;
    s->length = o->length <= UINT32_MAX ? (uint32_t)o->length : 0;
    memcpy(s->sha256, o->sha256, sizeof s->sha256);
    p->any = true;
}

static void end_object(struct parse *p)
{
    const struct object *o = &p->stack[--p->depth];
    struct ebs_layer *l = p->l;
    if (o->sum && (o->indexed || p->name->indexed))
        add_sum(p, o, o->indexed ? o->index : p->name->index);
    else if (o->indexed)
        add_entry(p, o);
    if (!o->page)
        return;
    p->any = l->listing = true;
    l->pages++;
    l->open_pages += o->next;
    l->changes |= o->changes;
    if (o->gib)
        l->gib = o->gib;
    if (o->block_size)
        l->block_size = (uint32_t)o->block_size;
}

/* ---- tokens ------------------------------------------------------------- */

static uint64_t number(enum json_type t, struct str text)
{
    int64_t v;
    return t == JSON_NUMBER && json_i64(text, &v) && v >= 0 ? (uint64_t)v
                                                            : UINT64_MAX;
}

/* Members whose value is looked at; others are skipped. */
static void member(struct parse *p, struct json *j, struct str key)
{
    struct object *o = &p->stack[p->depth - 1];
    struct str v;
    unsigned flags;
    enum json_type t = json_take(j, &v, &flags);
    bool set = (t == JSON_STRING && v.n) || t == JSON_NUMBER;
    if (str_eq(key, STR("BlockIndex"))) {
        o->index = number(t, v);
        o->indexed = o->index != UINT64_MAX;
        p->failed |= !o->indexed;
    } else if (str_eq(key, STR("FirstBlockToken"))) {
        o->first = set;
    } else if (str_eq(key, STR("SecondBlockToken"))) {
        o->second = set;
    } else if (str_eq(key, STR("NextToken"))) {
        o->next = set;
        o->page |= set;
    } else if (str_eq(key, STR("VolumeSize"))) {
        o->gib = number(t, v) == UINT64_MAX ? 0 : number(t, v);
        o->page = true;
    } else if (str_eq(key, STR("BlockSize"))) {
        uint64_t n = number(t, v);
        o->block_size = n <= UINT32_MAX ? n : 0;
    } else if (str_eq(key, STR("DataLength"))) {
        o->length = number(t, v);
    } else if (str_eq(key, STR("Checksum"))) {
        o->sum = t == JSON_STRING && base64_sha256(v, o->sha256);
    }
}

static void take_key(struct parse *p, struct json *j)
{
    struct object *o = &p->stack[p->depth - 1];
    struct str key = j->text;
    bool blocks = str_eq(key, STR("Blocks"));
    bool changed = str_eq(key, STR("ChangedBlocks"));
    if (!blocks && !changed) {
        member(p, j, key);
        return;
    }
    /* Its entries come as the next tokens. */
    o->page = true;
    o->changes = changed;
    p->changes = changed;
}

static bool one_value(struct parse *p, struct json *j)
{
    enum json_type t;
    p->depth = 0;
    while ((t = json_next(j)) != JSON_END && !p->failed) {
        if (t == JSON_ERROR)
            return false;
        if (t == JSON_OBJECT && p->depth == DEPTH) {
            if (!json_skip(j))
                return false;
        } else if (t == JSON_OBJECT) {
            p->stack[p->depth++] = (struct object){ .indexed = false };
        } else if (t == JSON_OBJECT_END && p->depth) {
            end_object(p);
        } else if (t == JSON_KEY && p->depth) {
            take_key(p, j);
        }
    }
    return !p->failed;
}

bool ebs_listing_parse(struct str text, const struct ebs_name *name,
                       struct ebs_layer *l)
{
    struct parse p = { .l = l, .name = name };
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_sub(text, 3, text.n);
    while (str_trim(text).n) {
        struct json j;
        json_open(&j, text);
        if (!one_value(&p, &j))
            return false;
        text = str_sub(text, json_rest(&j), text.n);
    }
    return p.any;
}
