#include "importers/rpm_header.h"

#include "base/varint.h"

enum {
    INTRO = 8, /* number of entries and of data bytes */
    ENTRY = 16,
    ENTRIES_MAX = 1 << 16,
    DATA_MAX = 256 << 20,
};

enum type {
    TYPE_CHAR = 1,
    TYPE_INT8,
    TYPE_INT16,
    TYPE_INT32,
    TYPE_INT64,
    TYPE_STRING,
    TYPE_BIN,
    TYPE_STRINGS,
    TYPE_I18N,
};

static const uint16_t tags[RPM_FIELDS] = {
    [RPM_NAME] = 1000,         [RPM_VERSION] = 1001,     [RPM_RELEASE] = 1002,
    [RPM_EPOCH] = 1003,        [RPM_ARCH] = 1022,        [RPM_VENDOR] = 1011,
    [RPM_INSTALL_TIME] = 1008, [RPM_BUILD_TIME] = 1006,  [RPM_DIR_NAMES] = 1118,
    [RPM_BASE_NAMES] = 1117,   [RPM_DIR_INDEXES] = 1116, [RPM_OLD_NAMES] = 1027,
    [RPM_DIGESTS] = 1035,      [RPM_MODES] = 1030,       [RPM_SIZES] = 1028,
    [RPM_LONG_SIZES] = 5008,   [RPM_TIMES] = 1034,       [RPM_FLAGS] = 1037,
    [RPM_VERIFY] = 1045,       [RPM_STATES] = 1029,      [RPM_CAPS] = 5010,
    [RPM_LINKS] = 1036,        [RPM_USERS] = 1039,       [RPM_GROUPS] = 1040,
    [RPM_SIG_RSA] = 268,       [RPM_SIG_DSA] = 267,      [RPM_SIG_PGP] = 259,
    [RPM_SIG_GPG] = 262,
};

static int field_of(uint32_t tag)
{
    for (int i = 0; i < RPM_FIELDS; i++)
        if (tags[i] == tag)
            return i;
    return -1;
}

/* Bytes of one value of a type; 0: it has no fixed size. */
static uint32_t width(uint32_t type)
{
    static const uint8_t widths[] = { 0, 1, 1, 2, 4, 8, 0, 1, 0, 0 };
    return type < sizeof(widths) ? widths[type] : 0;
}

static bool fits(const struct rpm_entry *e)
{
    if (e->type == 0 || e->type > TYPE_I18N || e->count == 0)
        return false;
    uint32_t w = width(e->type);
    return w ? e->count <= e->data.n / w : e->count <= e->data.n;
}

bool rpm_header_parse(struct str blob, struct rpm_header *out,
                      uint32_t *damaged)
{
    *out = (struct rpm_header){ 0 };
    *damaged = 0;
    if (blob.n < INTRO)
        return false;
    uint32_t n = u32be(blob.p), bytes = u32be(blob.p + 4);
    if (n == 0 || n > ENTRIES_MAX || bytes > DATA_MAX ||
        blob.n - INTRO < (size_t)n * ENTRY)
        return false;
    struct str data = str_sub(blob, INTRO + (size_t)n * ENTRY, bytes);
    *damaged += data.n < bytes;
    for (uint32_t i = 0; i < n; i++) {
        const char *p = blob.p + INTRO + (size_t)i * ENTRY;
        int f = field_of(u32be(p));
        uint32_t off = u32be(p + 8);
        struct rpm_entry e = { u32be(p + 4), u32be(p + 12),
                               str_sub(data, off, data.n) };
        if (f < 0 || out->e[f].type)
            continue;
        if (off < data.n && fits(&e))
            out->e[f] = e;
        else
            ++*damaged;
    }
    return out->e[RPM_NAME].type != 0;
}

static struct str one_text(struct str s)
{
    const char *end = s.n ? memchr(s.p, 0, s.n) : NULL;
    return str_sub(s, 0, end ? (size_t)(end - s.p) : s.n);
}

static bool has_text(const struct rpm_entry *e)
{
    return e->type == TYPE_STRING || e->type == TYPE_STRINGS ||
           e->type == TYPE_I18N;
}

struct str rpm_text(const struct rpm_header *h, enum rpm_field f)
{
    const struct rpm_entry *e = &h->e[f];
    return has_text(e) ? one_text(e->data) : STR_NONE;
}

bool rpm_number(const struct rpm_header *h, enum rpm_field f, uint32_t i,
                uint64_t *out)
{
    const struct rpm_entry *e = &h->e[f];
    uint32_t w = e->type == TYPE_BIN ? 0 : width(e->type);
    if (w == 0 || i >= e->count)
        return false;
    const char *p = e->data.p + (size_t)i * w;
    *out = w == 1   ? (uint8_t)*p
           : w == 2 ? u16be(p)
           : w == 4 ? u32be(p)
                    : u64be(p);
    return true;
}

struct rpm_texts rpm_texts(const struct rpm_header *h, enum rpm_field f)
{
    const struct rpm_entry *e = &h->e[f];
    if (!has_text(e))
        return (struct rpm_texts){ STR_NONE, 0 };
    return (struct rpm_texts){ e->data, e->count };
}

struct str rpm_texts_next(struct rpm_texts *t)
{
    if (t->left == 0 || t->rest.n == 0)
        return STR_NONE;
    struct str s = one_text(t->rest);
    t->rest = str_sub(t->rest, s.n + 1, t->rest.n);
    t->left--;
    return s;
}

/* ---- signatures (RFC 4880, 5.2) ------------------------------------------ */

enum {
    PACKET_SIGNATURE = 2,
    SUBPACKET_ISSUER = 16,
    SUBPACKET_FINGERPRINT = 33,
    KEY_ID = 8,
};

/* The body of a packet, of either form. */
static bool packet_body(struct cursor *k, struct str *out)
{
    uint8_t tag = cursor_u8(k);
    uint64_t n;
    if ((tag & 0x80) == 0)
        return false;
    unsigned kind = tag & 0x40 ? tag & 0x3f : tag >> 2 & 15;
    if (tag & 0x40) {
        n = cursor_u8(k);
        if (n >= 192 && n < 224)
            n = (n - 192) * 256 + cursor_u8(k) + 192;
        else if (n >= 224)
            return false;
    } else {
        unsigned size = 1u << (tag & 3);
        if (size > 4)
            return false;
        n = 0;
        for (unsigned i = 0; i < size; i++)
            n = n << 8 | cursor_u8(k);
    }
    *out = cursor_str(k, (size_t)n);
    return !k->failed && kind == PACKET_SIGNATURE;
}

static struct str subpackets(struct cursor *k)
{
    size_t high = cursor_u8(k), low = cursor_u8(k);
    return cursor_str(k, high << 8 | low);
}

/* The issuer among the subpackets. */
static struct str issuer_in(struct str area)
{
    struct cursor k = cursor_of(area.p, area.n);
    while (cursor_left(&k)) {
        size_t n = cursor_u8(&k);
        if (n >= 192 && n < 255)
            n = (n - 192) * 256 + cursor_u8(&k) + 192;
        else if (n == 255)
            return STR_NONE;
        struct str s = cursor_str(&k, n);
        if (k.failed || s.n == 0)
            return STR_NONE;
        uint8_t type = (uint8_t)s.p[0] & 0x7f;
        if (type == SUBPACKET_ISSUER && s.n == 1 + KEY_ID)
            return str_sub(s, 1, KEY_ID);
        if (type == SUBPACKET_FINGERPRINT && s.n == 22 && s.p[1] == 4)
            return str_sub(s, s.n - KEY_ID, KEY_ID);
    }
    return STR_NONE;
}

static struct str issuer_of(struct str packet)
{
    struct cursor k = cursor_of(packet.p, packet.n);
    struct str body;
    if (!packet_body(&k, &body))
        return STR_NONE;
    k = cursor_of(body.p, body.n);
    uint8_t version = cursor_u8(&k);
    if (version == 3) {
        cursor_take(&k, 6); /* hashed length, type, time */
        return cursor_str(&k, KEY_ID);
    }
    if (version != 4)
        return STR_NONE;
    cursor_take(&k, 3); /* type and algorithms */
    struct str hashed = subpackets(&k), other = subpackets(&k);
    struct str id = issuer_in(hashed);
    return id.n ? id : issuer_in(other);
}

static const enum rpm_field signatures[] = { RPM_SIG_RSA, RPM_SIG_DSA,
                                             RPM_SIG_PGP, RPM_SIG_GPG };
enum { SIGNATURES = sizeof(signatures) / sizeof(*signatures) };

bool rpm_signer(const struct rpm_header *h, char out[17])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SIGNATURES; i++) {
        const struct rpm_entry *e = &h->e[signatures[i]];
        struct str id = e->type == TYPE_BIN
                            ? issuer_of(str_sub(e->data, 0, e->count))
                            : STR_NONE;
        if (id.n != KEY_ID)
            continue;
        for (size_t k = 0; k < KEY_ID; k++) {
            out[2 * k] = digits[(uint8_t)id.p[k] >> 4];
            out[2 * k + 1] = digits[(uint8_t)id.p[k] & 15];
        }
        out[16] = 0;
        return true;
    }
    return false;
}

bool rpm_signed(const struct rpm_header *h)
{
    for (size_t i = 0; i < SIGNATURES; i++)
        if (h->e[signatures[i]].type == TYPE_BIN)
            return true;
    return false;
}
