#include "importers/identify.h"

#include <arpa/inet.h>

void refs_add(struct refs *r, unsigned kind, unsigned role, struct str value)
{
    if (value.n == 0)
        return;
    if (r->n == RECORD_REFS_MAX) {
        r->cut = true;
        return;
    }
    r->v[r->n++] = (struct record_ref){ (uint8_t)kind, (uint8_t)role, value };
}

/* ---- classes of characters
 * ----------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper_id(char c)
{
    return (c >= 'A' && c <= 'Z') || is_digit(c);
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool all(struct str s, bool (*f)(char))
{
    for (size_t i = 0; i < s.n; i++)
        if (!f(s.p[i]))
            return false;
    return s.n > 0;
}

bool identify_key(struct str s)
{
    return s.n == 20 && s.p[0] == 'A' &&
           (memcmp(s.p, "AKIA", 4) == 0 || memcmp(s.p, "ASIA", 4) == 0) &&
           all(s, is_upper_id);
}

bool identify_account(struct str s)
{
    return s.n == 12 && all(s, is_digit);
}

/* AROA, AIDA, .. + 12 to 17 more */
static bool is_unique_id(struct str s)
{
    static const char prefixes[] = "AROAAIDAAGPAAIPAANPAANVAASCAAPKAABIAACCA";
    if (s.n < 16 || s.n > 21 || s.p[0] != 'A' || s.p[3] != 'A')
        return false;
    for (size_t i = 0; i + 4 <= sizeof(prefixes) - 1; i += 4)
        if (s.p[1] == prefixes[i + 1] && s.p[2] == prefixes[i + 2])
            return all(s, is_upper_id);
    return false;
}

/* ---- EC2 ids: prefix, then 8 or 17 hex digits
 * ------------------------------------ */

static const struct {
    const char *prefix;
    uint8_t n, kind;
} ec2[] = {
    { "i-", 2, KIND_INSTANCE },        { "vol-", 4, KIND_VOLUME },
    { "snap-", 5, KIND_SNAPSHOT },     { "ami-", 4, KIND_IMAGE },
    { "eni-", 4, KIND_INTERFACE },     { "vpc-", 4, KIND_VPC },
    { "subnet-", 7, KIND_SUBNET },     { "sg-", 3, KIND_SECURITY_GROUP },
    { "vpce-", 5, KIND_RESOURCE },     { "igw-", 4, KIND_RESOURCE },
    { "rtb-", 4, KIND_RESOURCE },      { "acl-", 4, KIND_RESOURCE },
    { "nat-", 4, KIND_RESOURCE },      { "tgw-", 4, KIND_RESOURCE },
    { "eipalloc-", 9, KIND_RESOURCE }, { "lt-", 3, KIND_RESOURCE },
    { "fl-", 3, KIND_RESOURCE },       { "mrk-", 4, KIND_KMS_KEY },
};

/* The id that s begins with: its length and kind, 0 when none. short_ok: the
 * old 8-digit form too (in running text "i-" + 8 is mostly noise). */
static size_t ec2_at(struct str s, bool short_ok, unsigned *kind)
{
    /* every prefix is letters up to the first '-', nine at most */
    const char *dash = s.n < 10 ? NULL : memchr(s.p, '-', 10);
    if (!dash || s.p[0] < 'a' || s.p[0] > 'v')
        return 0;
    size_t prefix = (size_t)(dash - s.p) + 1;
    for (size_t k = 0; k < sizeof(ec2) / sizeof(*ec2); k++) {
        size_t n = ec2[k].n;
        if (n != prefix || s.n <= n || memcmp(s.p, ec2[k].prefix, n) != 0)
            continue;
        size_t hex = 0;
        while (n + hex < s.n && hex <= 32 && is_hex(s.p[n + hex]))
            hex++;
        bool mrk = ec2[k].kind == KIND_KMS_KEY;
        if (!(mrk ? hex == 32 : hex == 17 || (hex == 8 && short_ok)))
            continue;
        /* snap-ffffffff and vol-ffffffff stand for "none" */
        if (hex == 8 && memcmp(s.p + n, "ffffffff", 8) == 0)
            return 0;
        *kind = ec2[k].kind;
        return n + hex;
    }
    return 0;
}

/* ---- addresses
 * ---------------------------------------------------------------------- */

/* Length of a dotted quad at the beginning of s, 0 when none. */
static size_t quad_at(struct str s)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        unsigned v = 0;
        size_t digits = 0;
        while (at < s.n && is_digit(s.p[at]) && digits < 4) {
            v = v * 10 + (unsigned)(s.p[at] - '0');
            at++;
            digits++;
        }
        if (digits == 0 || digits > 3 || v > 255)
            return 0;
        if (part < 3) {
            if (at >= s.n || s.p[at] != '.')
                return 0;
            at++;
        }
    }
    return at;
}

bool identify_ip(struct str s, char tmp[46], struct str *out)
{
    if (s.n < 2 || s.n > 45)
        return false;
    if (quad_at(s) == s.n) {
        bool canonical = true;
        for (size_t i = 0; i + 1 < s.n; i++)
            if (s.p[i] == '0' && is_digit(s.p[i + 1]) &&
                (i == 0 || s.p[i - 1] == '.'))
                canonical = false;
        *out = s;
        return canonical; /* 010.0.0.1 is octal to some readers */
    }
    if (!memchr(s.p, ':', s.n))
        return false;
    unsigned char six[16];
    memcpy(tmp, s.p, s.n);
    tmp[s.n] = 0;
    if (inet_pton(AF_INET6, tmp, six) != 1 ||
        !inet_ntop(AF_INET6, six, tmp, 46))
        return false;
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0,    0,
                                              0, 0, 0, 0, 0xff, 0xff };
    if (memcmp(six, mapped, 12) == 0 && !inet_ntop(AF_INET, six + 12, tmp, 46))
        return false;
    *out = str_from(tmp);
    return true;
}

/* ---- ARNs
 * ---------------------------------------------------------------------------
 */

bool arn_parse(struct str s, struct arn *out)
{
    if (!str_starts(s, STR("arn:")) || s.n > 2048)
        return false;
    struct str *part[] = { &out->partition, &out->service, &out->region,
                           &out->account };
    size_t at = 4;
    for (int i = 0; i < 4; i++) {
        const char *colon = memchr(s.p + at, ':', s.n - at);
        if (!colon)
            return false;
        size_t end = (size_t)(colon - s.p);
        *part[i] = str_sub(s, at, end - at);
        at = end + 1;
    }
    out->rest = str_sub(s, at, s.n);
    return out->partition.n && out->service.n && out->rest.n;
}

unsigned arn_kind(const struct arn *a)
{
    static const struct {
        struct str service, rest;
        unsigned kind;
    } known[] = {
#define K(service, rest, kind)                                                 \
    { { service, sizeof(service) - 1 }, { rest, sizeof(rest) - 1 }, kind }
        K("sts", "assumed-role/", KIND_PRINCIPAL),
        K("sts", "federated-user/", KIND_PRINCIPAL),
        K("iam", "role/", KIND_ROLE),
        K("iam", "user/", KIND_PRINCIPAL),
        K("iam", "root", KIND_PRINCIPAL),
        K("kms", "key/", KIND_KMS_KEY),
        K("lambda", "function:", KIND_FUNCTION),
        K("cloudtrail", "trail/", KIND_TRAIL),
        K("logs", "log-group:", KIND_LOG_GROUP),
#undef K
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (str_eq(a->service, known[i].service) &&
            str_starts(a->rest, known[i].rest))
            return known[i].kind;
    if (str_eq(a->service, STR("s3")))
        return memchr(a->rest.p, '/', a->rest.n) ? KIND_OBJECT : KIND_BUCKET;
    return KIND_RESOURCE;
}

/* What an ARN names in the canonical form of its kind. */
static void add_named(struct refs *r, unsigned role, const struct arn *a,
                      unsigned kind)
{
    if (kind == KIND_BUCKET || kind == KIND_OBJECT) {
        const char *slash = memchr(a->rest.p, '/', a->rest.n);
        struct str bucket = str_sub(
            a->rest, 0, slash ? (size_t)(slash - a->rest.p) : a->rest.n);
        refs_add(r, KIND_BUCKET, role, bucket);
        if (slash && slash + 1 < a->rest.p + a->rest.n)
            refs_add(r, KIND_OBJECT, role, a->rest);
        return;
    }
    if (str_eq(a->service, STR("ec2"))) {
        const char *slash = memchr(a->rest.p, '/', a->rest.n);
        struct str id =
            slash ? str_sub(a->rest, (size_t)(slash - a->rest.p) + 1, a->rest.n)
                  : a->rest;
        unsigned id_kind;
        if (ec2_at(id, true, &id_kind) == id.n && id.n)
            refs_add(r, id_kind, role, id);
    }
}

static void add_arn(struct refs *r, unsigned role, struct str s)
{
    struct arn a;
    if (!arn_parse(s, &a))
        return;
    unsigned kind = arn_kind(&a);
    if (kind == KIND_BUCKET || kind == KIND_OBJECT) {
        add_named(r, role, &a, kind);
        return;
    }
    refs_add(r, kind, role, s);
    add_named(r, role, &a, kind);
    if (identify_account(a.account))
        refs_add(r, KIND_ACCOUNT, ROLE_MENTIONED, a.account);
}

/* ---- whole strings
 * --------------------------------------------------------------------- */

unsigned identify(struct str s)
{
    unsigned kind;
    struct arn a;
    if (s.n < 7)
        return KIND_NONE;
    switch (s.p[0]) {
    case 'A':
        return identify_key(s)   ? KIND_KEY
               : is_unique_id(s) ? KIND_UNIQUE_ID
                                 : KIND_NONE;
    case 'a':
        if (arn_parse(s, &a))
            return arn_kind(&a);
        break;
    default:
        if (is_digit(s.p[0])) {
            if (identify_account(s))
                return KIND_ACCOUNT;
            if (s.n <= 15 && quad_at(s) == s.n)
                return KIND_IP;
            return KIND_NONE;
        }
    }
    return ec2_at(s, true, &kind) == s.n ? kind : KIND_NONE;
}

void identify_add(struct refs *r, unsigned role, struct str s)
{
    if (str_starts(s, STR("arn:"))) {
        add_arn(r, role, s);
        return;
    }
    unsigned kind = identify(s);
    if (kind == KIND_NONE) {
        /* AROA..:session */
        const char *colon = s.n > 17 && s.p[0] == 'A'
                                ? memchr(s.p, ':', s.n < 22 ? s.n : 22)
                                : NULL;
        struct str id = colon ? str_sub(s, 0, (size_t)(colon - s.p)) : s;
        if (!colon || !is_unique_id(id))
            return;
        refs_add(r, KIND_SESSION, role, s);
        refs_add(r, KIND_UNIQUE_ID, role, id);
        identify_add(r, ROLE_MENTIONED, str_sub(s, id.n + 1, s.n));
        return;
    }
    refs_add(r, kind, role, s);
}

/* ---- running text
 * ------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           c == '_';
}

/* ARNs and URLs end at blanks, quotes, brackets, controls. */
static bool ends_token(char c)
{
    return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f || c == '"' ||
           c == '\'' || c == '<' || c == '>' || c == ',' || c == ';' ||
           c == ')' || c == ']' || c == '}' || c == '|' || c == '\\' ||
           c == '`';
}

static size_t token_len(struct str s)
{
    size_t n = 0;
    while (n < s.n && n < 2048 && !ends_token(s.p[n]))
        n++;
    while (n && (s.p[n - 1] == '.' || s.p[n - 1] == ':'))
        n--;
    return n;
}

/* Identifier at the start of s, which begins a word. */
static size_t text_at(struct str s, unsigned *kind)
{
    struct arn a;
    size_t n;
    switch (s.p[0]) {
    case 'A':
        if (s.n < 16)
            return 0;
        n = 0;
        while (n < s.n && n < 22 && is_upper_id(s.p[n]))
            n++;
        *kind = identify(str_sub(s, 0, n));
        return *kind == KIND_KEY || *kind == KIND_UNIQUE_ID ? n : 0;
    case 'h':
        if (!str_starts(s, STR("http://")) && !str_starts(s, STR("https://")))
            return 0;
        n = token_len(s);
        *kind = KIND_URL;
        return n > 10 ? n : 0;
    case 'a':
        if (str_starts(s, STR("arn:"))) {
            n = token_len(s);
            if (!arn_parse(str_sub(s, 0, n), &a) ||
                (a.account.n && !identify_account(a.account)))
                return 0;
            *kind = arn_kind(&a);
            return n;
        }
        break;
    default:
        if (is_digit(s.p[0])) {
            n = quad_at(s);
            *kind = KIND_IP;
            bool more = n && n < s.n && s.p[n] == '.' && n + 1 < s.n &&
                        is_digit(s.p[n + 1]);
            return more ? 0 : n;
        }
    }
    return ec2_at(s, false, kind);
}

int identify_text(struct str s, int (*fn)(void *, size_t, unsigned, struct str),
                  void *ctx)
{
    for (size_t i = 0; i + 7 <= s.n;) {
        unsigned kind;
        struct str rest = str_sub(s, i, s.n);
        size_t n = text_at(rest, &kind);
        bool whole =
            n && (n == rest.n || !is_word(rest.p[n]) || kind == KIND_URL) &&
            (kind != KIND_IP || identify_address_in(s, i, n));
        if (whole) {
            int rc = fn(ctx, i, kind, str_sub(rest, 0, n));
            if (rc)
                return rc;
            i += n;
            /* the host of a URL is found on its own */
            if (kind == KIND_URL)
                i = i - n + (rest.p[4] == 's' ? 8 : 7);
            continue;
        }
        while (i < s.n && is_word(s.p[i]))
            i++;
        while (i < s.n && !is_word(s.p[i]))
            i++;
    }
    return 0;
}

/* Value of a hex digit, 16 for other bytes. */
/* clang-format off */
static const unsigned char hex_value[256] = {
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 16, 16, 16, 16, 16,
    16, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
};
/* clang-format on */

bool identify_uuid(struct str s, unsigned char out[16])
{
    static const unsigned char at[16] = { 0,  2,  4,  6,  9,  11, 14, 16,
                                          19, 21, 24, 26, 28, 30, 32, 34 };
    if (s.n != 36 || s.p[8] != '-' || s.p[13] != '-' || s.p[18] != '-' ||
        s.p[23] != '-')
        return false;
    const unsigned char *p = (const unsigned char *)s.p;
    unsigned bad = 0;
    for (int i = 0; i < 16; i++) {
        unsigned a = hex_value[p[at[i]]], b = hex_value[p[at[i] + 1]];
        bad |= a | b;
        out[i] = (unsigned char)(a << 4 | b);
    }
    return bad < 16;
}
