/*
 * The text is looked at as it stands and after each of three rounds of
 * percent-decoding. Where a host can stand decides what counts as one: after
 * `//` every spelling does, as the whole of a parameter's value or of a part
 * of the path only those that mean nothing else.
 */
#include "importers/ssrf.h"

#include <arpa/inet.h>
#include <stdio.h>

enum {
    ROUNDS = 4, /* as it stands, and decoded so often */
    HOST_MOST = 255,
};

/* Where it stands. */
enum { IN_URL = 1, IN_VALUE = 2, IN_PATH = 4, ANYWHERE = 7 };

#define V4(a, b, c, d)                                                         \
    {                                                                          \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d                   \
    }
/* of IPv4 in the IPv6 address that stands for it */
#define BITS(n) (96 + (n))

static const struct {
    unsigned char net[16];
    uint8_t bits, severity, where;
    const char *what;
} nets[] = {
    { V4(169, 254, 169, 254), BITS(32), 3, ANYWHERE, "instance metadata" },
    { V4(169, 254, 170, 2), BITS(32), 3, ANYWHERE, "credentials of ECS tasks" },
    { V4(169, 254, 170, 23), BITS(32), 3, ANYWHERE, "credentials of EKS pods" },
    { V4(100, 100, 100, 200), BITS(32), 3, IN_URL | IN_VALUE,
      "instance metadata (Alibaba)" },
    { { 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54 },
      128,
      3,
      ANYWHERE,
      "instance metadata" },
    { { 0xfd, 0, 0x0e, 0xc2, [15] = 0x23 },
      128,
      3,
      ANYWHERE,
      "credentials of EKS pods" },
    { V4(127, 0, 0, 0), BITS(8), 2, IN_URL | IN_VALUE, "the server itself" },
    { V4(0, 0, 0, 0), BITS(32), 2, IN_URL, "the server itself" },
    { V4(169, 254, 0, 0), BITS(16), 2, IN_URL | IN_VALUE, "link-local" },
    { V4(10, 0, 0, 0), BITS(8), 1, IN_URL, "private network" },
    { V4(172, 16, 0, 0), BITS(12), 1, IN_URL, "private network" },
    { V4(192, 168, 0, 0), BITS(16), 1, IN_URL, "private network" },
    { { [15] = 1 }, 128, 2, IN_URL | IN_VALUE, "the server itself" },
    { { 0 }, 128, 2, IN_URL, "the server itself" },
    { { 0xfe, 0x80 }, 10, 2, IN_URL, "link-local" },
    { { 0xfc }, 7, 1, IN_URL, "private network" },
};

/* `*.` in front: the name and all below it. */
static const struct {
    const char *name;
    uint8_t severity, where;
    const char *what;
} names[] = {
    { "instance-data", 3, IN_URL | IN_VALUE, "instance metadata" },
    { "instance-data.ec2.internal", 3, ANYWHERE, "instance metadata" },
    { "metadata.google.internal", 3, ANYWHERE, "instance metadata (Google)" },
    { "metadata.goog", 3, IN_URL | IN_VALUE, "instance metadata (Google)" },
    { "metadata", 3, IN_URL, "instance metadata (Google)" },
    { "localhost", 2, IN_URL | IN_VALUE, "the server itself" },
    { "*.localhost", 2, IN_URL, "the server itself" },
    { "localhost.localdomain", 2, IN_URL | IN_VALUE, "the server itself" },
    { "localhost6", 2, IN_URL, "the server itself" },
    { "*.localtest.me", 2, IN_URL, "the server itself" },
    { "*.lvh.me", 2, IN_URL, "the server itself" },
    { "host.docker.internal", 2, IN_URL | IN_VALUE, "the host of a container" },
    { "kubernetes.default.svc", 2, IN_URL, "the cluster's own interface" },
    { "kubernetes.default.svc.cluster.local", 2, IN_URL,
      "the cluster's own interface" },
};

static const struct {
    const char *name; /* with its colon */
    bool slashes;     /* needs // to be told from a word before a colon */
    uint8_t severity;
    const char *what;
} schemes[] = {
    { "file:", false, 2, "a file of the server" },
    { "netdoc:", true, 2, "a file of the server" },
    { "gopher:", true, 2, "bytes sent to any service" },
    { "dict:", true, 2, "a line sent to any service" },
    { "tftp:", true, 2, "a datagram sent to any service" },
    { "ldap:", true, 2, "a directory asked by the server" },
    { "ldaps:", true, 2, "a directory asked by the server" },
};

struct look {
    struct arena *arena;
    struct ssrf *out;
    bool failed;
};

/* ---- decoding ------------------------------------------------------------ */

/* Digits and dots that IDNA maps to ASCII: circled and full-width ones. Bytes
 * taken, and up to two characters. */
static size_t fold_char(struct str s, size_t at, char out[2], size_t *n)
{
    unsigned a = (unsigned char)s.p[at], b, c;
    *n = 1;
    out[0] = s.p[at];
    if (a < 0xe2 || a > 0xef || s.n - at < 3)
        return 1;
    b = (unsigned char)s.p[at + 1];
    c = (unsigned char)s.p[at + 2];
    unsigned u = (a & 15) << 12 | (b & 63) << 6 | (c & 63);
    if ((b & 0xc0) != 0x80 || (c & 0xc0) != 0x80)
        return 1;
    if (u >= 0x2460 && u <= 0x2473) {
        unsigned v = u - 0x2460 + 1;
        *n = v > 9 ? 2 : 1;
        out[0] = (char)('0' + (v > 9 ? v / 10 : v));
        out[1] = (char)('0' + v % 10);
    } else if (u == 0x24ea) {
        out[0] = '0';
    } else if (u >= 0xff01 && u <= 0xff5e) {
        out[0] = (char)(u - 0xff01 + 0x21);
    } else if (u == 0x3002 || u == 0xff61) {
        out[0] = '.';
    } else {
        return 1;
    }
    return 3;
}

/* One round into out, which has room for s.n bytes: what is decoded is never
 * longer. True: something changed. */
static bool decode(struct str s, char *out, size_t *n)
{
    bool changed = false;
    size_t at = 0;
    *n = 0;
    while (at < s.n) {
        char c[2];
        size_t k, took = fold_char(s, at, c, &k);
        if (took == 1 && s.p[at] == '%' && s.n - at > 2 &&
            str_hex(s.p[at + 1]) >= 0 && str_hex(s.p[at + 2]) >= 0) {
            c[0] = (char)(str_hex(s.p[at + 1]) << 4 | str_hex(s.p[at + 2]));
            took = 3;
        }
        changed |= took > 1;
        at += took;
        for (size_t i = 0; i < k; i++)
            out[(*n)++] = c[i];
    }
    return changed;
}

/* ---- numbers ------------------------------------------------------------- */

/* A number as inet_aton takes it: decimal, 0 octal, 0x hexadecimal; the whole
 * of s. Decimal ones may be too large: some readers drop the upper bits. */
static bool number(struct str s, uint64_t *v)
{
    unsigned base = 10;
    if (s.n > 1 && s.p[0] == '0') {
        bool hex = (s.p[1] | 0x20) == 'x';
        base = hex ? 16 : 8;
        s = str_sub(s, hex ? 2 : 1, s.n);
    }
    *v = 0;
    for (size_t i = 0; i < s.n; i++) {
        int d = str_hex(s.p[i]);
        if (d < 0 || (unsigned)d >= base || *v >> 56)
            return false;
        *v = *v * base + (unsigned)d;
    }
    return s.n > 0;
}

/* a.b.c.d, a.b.c, a.b, a: the last fills what is left. *parts: how many. */
static bool number_address(struct str s, uint32_t *out, size_t *parts)
{
    uint64_t v[4];
    size_t n = 0;
    for (;;) {
        const char *dot = s.n ? memchr(s.p, '.', s.n) : NULL;
        struct str part = str_sub(s, 0, dot ? (size_t)(dot - s.p) : s.n);
        if (n == 4 || !number(part, &v[n++]))
            return false;
        if (!dot)
            break;
        s = str_sub(s, part.n + 1, s.n);
    }
    uint32_t a = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        if (v[i] > 255 && n < 4)
            return false;
        a |= (uint32_t)(v[i] & 255) << (24 - 8 * i);
    }
    unsigned left = 32 - 8 * (unsigned)(n - 1);
    *out = a | (uint32_t)(left == 32 ? v[n - 1] & UINT32_MAX
                                     : v[n - 1] & ((1u << left) - 1));
    *parts = n;
    return true;
}

static void from_v4(uint32_t a, unsigned char out[16])
{
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    for (int i = 0; i < 4; i++)
        out[12 + i] = (unsigned char)(a >> (24 - 8 * i));
}

/* [..] with or without a zone; also what stands for IPv4: compatible, NAT64,
 * 6to4. */
static bool six_address(struct str s, unsigned char out[16])
{
    static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };
    static const unsigned char none[12] = { 0 };
    char text[64];
    const char *zone = s.n ? memchr(s.p, '%', s.n) : NULL;
    s = str_sub(s, 0, zone ? (size_t)(zone - s.p) : s.n);
    if (s.n < 2 || s.n >= sizeof(text))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    if (inet_pton(AF_INET6, text, out) != 1)
        return false;
    bool low = memcmp(out, none, 12) == 0 && (out[12] || out[13]);
    if (low || memcmp(out, nat64, 12) == 0)
        memcpy(
            out,
            (const unsigned char[]){ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff },
            12);
    else if (out[0] == 0x20 && out[1] == 0x02) {
        unsigned char four[4];
        memcpy(four, out + 2, 4);
        from_v4((uint32_t)four[0] << 24 | (uint32_t)four[1] << 16 |
                    (uint32_t)four[2] << 8 | four[3],
                out);
    }
    return true;
}

/* An address in a name whose service gives it back: four labels, four parts of
 * a label, eight hex digits. */
static bool name_address(struct str s, uint32_t *out)
{
    for (size_t at = 0; at < s.n;) {
        uint32_t a = 0;
        unsigned parts = 0, digits = 0, v = 0;
        size_t i = at;
        char sep = 0;
        for (; i <= s.n && parts < 4; i++) {
            char c = i < s.n ? s.p[i] : '.';
            if (c >= '0' && c <= '9' && digits < 3) {
                v = v * 10 + (unsigned)(c - '0');
                digits++;
                continue;
            }
            bool ends = parts == 3 && (c == '.' || c == '-');
            if (digits == 0 || v > 255 ||
                !(ends || ((c == '.' || c == '-') && (!sep || sep == c))))
                break;
            sep = c;
            a = a << 8 | v;
            parts++;
            v = digits = 0;
        }
        *out = a;
        if (parts == 4)
            return true;
        size_t hex = 0;
        for (a = 0; at + hex < s.n && hex < 9; hex++) {
            int d = str_hex(s.p[at + hex]);
            if (d < 0)
                break;
            a = a << 4 | (unsigned)d;
        }
        *out = a;
        if (hex == 8 && at + 8 < s.n && s.p[at + 8] == '.')
            return true;
        while (at < s.n && s.p[at] != '.' && s.p[at] != '-')
            at++;
        at++;
    }
    return false;
}

/* ---- findings ------------------------------------------------------------ */

static void add(struct look *l, struct str value, unsigned kind,
                unsigned severity, const char *what, struct str spelled)
{
    struct ssrf *o = l->out;
    for (size_t i = 0; i < o->n; i++)
        if (o->v[i].kind == kind && str_eq(o->v[i].value, value))
            return;
    if (o->n == SSRF_MOST)
        return;
    struct ssrf_found *f = &o->v[o->n];
    *f = (struct ssrf_found){ .value = arena_copy(l->arena, value),
                              .kind = (uint8_t)kind,
                              .severity = (uint8_t)severity,
                              .what = what,
                              .spelled = arena_copy(l->arena, spelled) };
    l->failed |= !f->value.p || !f->spelled.p;
    o->n += !l->failed;
}

static bool in_net(const unsigned char a[16], const unsigned char net[16],
                   unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(a, net, whole) == 0 &&
           (rest == 0 || ((a[whole] ^ net[whole]) >> (8 - rest)) == 0);
}

/* least: the severity from which it counts. */
static bool address(struct look *l, const unsigned char a[16], unsigned where,
                    unsigned least, struct str spelled)
{
    static const unsigned char four[12] = { [10] = 0xff, [11] = 0xff };
    bool is_four = memcmp(a, four, 12) == 0;
    char text[INET6_ADDRSTRLEN];
    for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++)
        if (in_net(a, nets[i].net, nets[i].bits)) {
            if (!(nets[i].where & where) || nets[i].severity < least)
                return false;
            if (!inet_ntop(is_four ? AF_INET : AF_INET6, is_four ? a + 12 : a,
                           text, sizeof(text)))
                return false;
            add(l, str_from(text), KIND_IP, nets[i].severity, nets[i].what,
                spelled);
            return true;
        }
    return false;
}

static bool name_fits(struct str s, const char *name)
{
    struct str n = str_from(name);
    if (!str_starts(n, STR("*.")))
        return str_ieq(s, n);
    struct str below = str_sub(n, 1, n.n);
    return str_ieq(s, str_sub(n, 2, n.n)) ||
           (s.n > below.n &&
            str_ieq(str_sub(s, s.n - below.n, below.n), below));
}

static bool host_name(struct look *l, struct str s, unsigned where)
{
    uint32_t v4;
    unsigned char a[16];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if ((names[i].where & where) && name_fits(s, names[i].name)) {
            add(l,
                name_fits(str_from(names[i].name), "localhost")
                    ? STR("localhost")
                    : s,
                KIND_DOMAIN, names[i].severity, names[i].what, s);
            return true;
        }
    if (!(where & IN_URL) || !memchr(s.p, '.', s.n) || !name_address(s, &v4))
        return false;
    from_v4(v4, a); /* ip-10-0-1-20.ec2.internal is a name like any other */
    return address(l, a, where, 2, s);
}

/* A host without its port, in brackets or not. */
static bool host(struct look *l, struct str s, unsigned where)
{
    uint32_t v4;
    size_t parts;
    unsigned char a[16];
    if (s.n && s.p[0] == '[') {
        const char *end = memchr(s.p, ']', s.n);
        struct str six = str_sub(s, 1, end ? (size_t)(end - s.p) - 1 : s.n);
        return six_address(six, a) && address(l, a, where, 1, s);
    }
    if (where != IN_URL && six_address(s, a))
        return address(l, a, where, 1, s);
    const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
    s = str_sub(s, 0, colon ? (size_t)(colon - s.p) : s.n);
    while (s.n && s.p[s.n - 1] == '.')
        s.n--;
    if (s.n == 0 || s.n > HOST_MOST)
        return false;
    if (!number_address(s, &v4, &parts))
        return host_name(l, s, where);
    from_v4(v4, a);
    /* a number alone is an address only where it can be nothing else */
    return address(l, a, where, where == IN_URL || parts == 4 ? 1 : 3, s);
}

/* ---- places -------------------------------------------------------------- */

static bool ends_host(char c)
{
    return c == '/' || c == '\\' || c == '?' || c == '&' || c == '#' ||
           c == '"' || c == '\'' || c == '<' || c == '>' || c == '|' ||
           c == ',' || c == ';' || c == ')' || c == '}' || c == '{' ||
           (unsigned char)c <= ' ';
}

static size_t host_run(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && !ends_host(s.p[at + n]))
        n++;
    return n;
}

/* Readers of URLs differ in which side of @ or # is the host: any is. */
static bool authority(struct look *l, struct str s, size_t at)
{
    bool found = false;
    for (;;) {
        size_t n = host_run(s, at);
        struct str part = str_sub(s, at, n);
        const char *in = part.n ? memchr(part.p, '@', part.n) : NULL;
        size_t cut = in ? (size_t)(in - part.p) : n;
        found |= host(l, str_sub(part, 0, cut), IN_URL);
        at += cut;
        bool more = at + 1 < s.n &&
                    (s.p[at] == '@' || (s.p[at] == '#' && s.p[at + 1] == '@'));
        if (!more)
            return found;
        at += s.p[at] == '#' ? 2 : 1;
    }
}

static bool is_word(char c)
{
    char low = (char)(c | 0x20);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
}

static size_t url_run(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && n < 2048 && (unsigned char)s.p[at + n] > ' ' &&
           !memchr("\"'<>&", s.p[at + n], 5))
        n++;
    return n;
}

/* A scheme that has no business in a request, whose colon is at `colon`. */
static void scheme(struct look *l, struct str s, size_t colon)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        size_t n = strlen(schemes[i].name) - 1;
        size_t from = colon < n ? SIZE_MAX : colon - n;
        if (from == SIZE_MAX || (from && is_word(s.p[from - 1])) ||
            !str_ieq(str_sub(s, from, n),
                     str_sub(str_from(schemes[i].name), 0, n)))
            continue;
        struct str after = str_sub(s, colon + 1, 2);
        if (str_starts(after, schemes[i].slashes ? STR("//") : STR("/"))) {
            struct str url = str_sub(s, from, url_run(s, from));
            add(l, url, KIND_URL, schemes[i].severity, schemes[i].what, url);
        }
    }
}

/* http:host, http:/host, http:\\host are taken for http://host by many. */
static size_t after_slashes(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && n < 8 && (s.p[at + n] == '/' || s.p[at + n] == '\\'))
        n++;
    return n;
}

static bool is_web(struct str s, size_t colon)
{
    static const char *const web[] = { "http", "https", "ftp", "ws", "wss" };
    for (size_t i = 0; i < sizeof(web) / sizeof(*web); i++) {
        size_t n = strlen(web[i]);
        if (colon >= n && str_ieq(str_sub(s, colon - n, n), str_from(web[i])) &&
            (colon == n || !is_word(s.p[colon - n - 1])))
            return true;
    }
    return false;
}

static void round_of(struct look *l, struct str s)
{
    bool query = false;
    for (size_t i = 0; i < s.n && !l->failed && l->out->n < SSRF_MOST; i++) {
        char c = s.p[i];
        size_t slashes = after_slashes(s, i + 1);
        query |= c == '?';
        if (c == ':') {
            scheme(l, s, i);
            if (slashes > 1 || is_web(s, i))
                authority(l, s, i + 1 + slashes);
        } else if (c == '=' && slashes > 1) {
            authority(l, s, i + 1 + slashes);
        } else if (c == '=' || c == ',' || c == '|') {
            host(l, str_sub(s, i + 1, host_run(s, i + 1)), IN_VALUE);
        } else if (c == '/' && slashes == 0 && (i == 0 || s.p[i - 1] != '/')) {
            host(l, str_sub(s, i + 1, host_run(s, i + 1)),
                 query ? IN_VALUE : IN_PATH);
        } else if (i == 0 && c == '/' && slashes) {
            authority(l, s, 1 + slashes);
        }
    }
}

bool ssrf_look(struct str target, struct arena *arena, struct ssrf *out)
{
    struct look l = { .arena = arena, .out = out };
    struct str s = str_sub(target, 0, SSRF_LOOKED_AT);
    out->n = 0;
    for (int i = 0; i < ROUNDS && s.n && !l.failed; i++) {
        round_of(&l, s);
        char *to = i + 1 < ROUNDS ? arena_alloc(arena, s.n) : NULL;
        size_t n;
        if (i + 1 < ROUNDS && !to)
            return false;
        if (!to || !decode(s, to, &n))
            break;
        s = (struct str){ to, n };
    }
    return !l.failed;
}
