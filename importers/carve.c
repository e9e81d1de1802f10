#include "importers/carve.h"

enum {
    BLOCK = 4096,
    LANES = 16,
    TOKEN_MAX = 2048,
    TRIM_MAX = 8,
    BANNER_MAX = 512,
    UTS_FIELD = 65,
    ID_HEX = 17,
    ID_PREFIX = 9,
    AROUND = 40, /* bytes beside four numbers that tell a version */
    ID_MAX = 22, /* longer than any key or unique id */
};
_Static_assert((int)TOKEN_MAX < CARVE_AFTER && (int)BANNER_MAX < CARVE_AFTER &&
                   6 * (int)UTS_FIELD < CARVE_AFTER &&
                   2 * (int)ID_MAX + 2 < CARVE_PAD &&
                   (int)AROUND + 16 < CARVE_BEFORE &&
                   (int)AROUND + 16 < CARVE_PAD,
               "every shape ends within the window");

struct window {
    struct carver *c;
    const char *p;
    size_t n;
    uint64_t base;
};

/* ---- classes of bytes --------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper_id(char c)
{
    return (c >= 'A' && c <= 'Z') || is_digit(c);
}

static bool is_alnum(char c)
{
    return is_upper_id(c) || (c >= 'a' && c <= 'z');
}

static bool is_word(char c)
{
    return is_alnum(c) || c == '_';
}

static bool is_lower_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* ARNs and URLs end at blanks, quotes, brackets, controls, and what is not
 * ASCII. */
static bool ends_token(char c)
{
    unsigned char u = (unsigned char)c;
    if (u <= ' ' || u >= 0x7f)
        return true;
    switch (c) {
    case '"':
    case '\'':
    case '<':
    case '>':
    case ',':
    case ';':
    case ')':
    case ']':
    case '}':
    case '|':
    case '\\':
    case '`':
        return true;
    default:
        return false;
    }
}

/* Does an identifier begin at i? A %HH before it is an escaped '=' or '/'. */
static bool begins(const char *p)
{
    if (!is_word(p[-1]))
        return true;
    return p[-3] == '%' && str_hex(p[-1]) >= 0 && str_hex(p[-2]) >= 0;
}

static int found(const struct window *w, size_t at, size_t len, unsigned kind,
                 struct str value)
{
    const struct carve_hit h = { CARVE_IDENTIFIER, (uint8_t)kind, w->base + at,
                                 (uint32_t)len, value };
    return w->c->hit(w->c->ctx, &h);
}

/* ---- the shapes --------------------------------------------------------- */

static int key_wide(const struct window *w, size_t i)
{
    const char *p = w->p + i;
    char text[ID_MAX];
    size_t n = 0;
    if (p[-1] == 0 && is_word(p[-2]))
        return 0;
    while (n < ID_MAX && p[2 * n + 1] == 0 && is_upper_id(p[2 * n])) {
        text[n] = p[2 * n];
        n++;
    }
    struct str s = { text, n };
    return identify_key(s) && (p[2 * n + 1] || !is_word(p[2 * n]))
               ? found(w, i, 2 * n, KIND_KEY, s)
               : 0;
}

static int key_at(const struct window *w, size_t i)
{
    const char *p = w->p + i;
    size_t n = 4;
    if (p[1] == 0)
        return key_wide(w, i);
    if (!begins(p) || !is_upper_id(p[1]) || !is_upper_id(p[2]))
        return 0;
    while (n < ID_MAX && is_upper_id(p[n]))
        n++;
    struct str s = { p, n };
    unsigned kind = is_word(p[n]) ? KIND_NONE : identify(s);
    return kind == KIND_KEY || kind == KIND_UNIQUE_ID ? found(w, i, n, kind, s)
                                                      : 0;
}

/* The token at i without full stops after it. What has no end in it is walked
 * once, however many tokens begin there. */
static struct str token(const struct window *w, size_t i)
{
    struct carver *c = w->c;
    uint64_t at = w->base + i, end = at + TOKEN_MAX, k = at;
    if (end > w->base + w->n)
        end = w->base + w->n;
    if (at >= c->token_from && at <= c->token_to)
        k = c->token_to;
    else
        c->token_from = at;
    while (k < end && !ends_token(w->p[k - w->base]))
        k++;
    c->token_to = k;
    size_t n = (size_t)((k < end ? k : end) - at);
    for (int t = 0; t < TRIM_MAX && n; t++, n--)
        if (w->p[i + n - 1] != '.' && w->p[i + n - 1] != ':')
            break;
    return (struct str){ w->p + i, n };
}

/* Text with a place to fill in is a program's pattern, not a name. */
static bool is_template(struct str s)
{
    return str_find(s, STR("%s")) != SIZE_MAX ||
           str_find(s, STR("${")) != SIZE_MAX;
}

static int arn_at(const struct window *w, size_t i)
{
    struct arn a;
    if (memcmp(w->p + i, "arn:aws", 7) != 0 || w->base + i < w->c->arn_until)
        return 0;
    struct str s = token(w, i);
    if (!arn_parse(s, &a) || (a.account.n && !identify_account(a.account)) ||
        is_template(a.rest))
        return 0;
    unsigned kind = arn_kind(&a);
    w->c->arn_until = w->base + i + s.n;
    bool s3 = kind == KIND_BUCKET || kind == KIND_OBJECT;
    return found(w, i, s.n, kind, s3 ? a.rest : s);
}

static int url_at(const struct window *w, size_t i)
{
    const char *p = w->p + i;
    size_t head = p[4] == 's' ? 8 : 7;
    if (memcmp(p, head == 8 ? "https://" : "http://", head) != 0 ||
        w->base + i < w->c->url_until || !(is_alnum(p[head]) || p[head] == '['))
        return 0;
    struct str s = token(w, i);
    if (s.n <= 10 || is_template(s))
        return 0;
    w->c->url_until = w->base + i + s.n;
    return found(w, i, s.n, KIND_URL, s);
}

/* At the '-' of "vol-0123456789abcdef0". */
static int id_at(const struct window *w, size_t i)
{
    const char *p = w->p + i;
    size_t n = 1, back = 0;
    if (!is_lower_hex(p[ID_HEX]) || is_word(p[ID_HEX + 1]))
        return 0;
    while (n < ID_HEX && is_lower_hex(p[n]))
        n++;
    if (n < ID_HEX)
        return 0;
    while (back < ID_PREFIX && p[-1 - (int)back] >= 'a' &&
           p[-1 - (int)back] <= 'z')
        back++;
    p -= back;
    struct str s = { p, back + 1 + ID_HEX };
    unsigned kind = back && begins(p) ? identify(s) : KIND_NONE;
    return kind ? found(w, i - back, s.n, kind, s) : 0;
}

/* Addresses that can be someone's: not 0/8, loopback, multicast and above. */
static bool is_host(struct str s)
{
    unsigned first = 0;
    for (size_t i = 0; i < s.n && s.p[i] != '.'; i++)
        first = first * 10 + (unsigned)(s.p[i] - '0');
    return first != 0 && first != 127 && first < 224;
}

/* At the first '.' of four numbers. */
static int ip_at(const struct window *w, size_t i)
{
    const char *p = w->p + i;
    size_t back = 0, n = 0;
    char tmp[46];
    struct str s;
    while (back < 4 && is_digit(p[-1 - (int)back]))
        back++;
    p -= back;
    if (back == 0 || back > 3 || p[-1] == '.' || !begins(p))
        return 0;
    while (n < 16 && (is_digit(p[n]) || p[n] == '.'))
        n++;
    while (n && p[n - 1] == '.')
        n--;
    if (is_word(p[n]) || !identify_ip((struct str){ p, n }, tmp, &s) ||
        !is_host(s) ||
        !identify_address_in((struct str){ p - AROUND, AROUND + n + AROUND },
                             AROUND, n))
        return 0;
    return found(w, i - back, n, KIND_IP, s);
}

/* ---- the system --------------------------------------------------------- */

static int banner(const struct window *w, size_t i)
{
    const char *p = w->p + i;
    size_t n = 0, left = w->n - i;
    while (n < BANNER_MAX && n < left && p[n] >= ' ' && p[n] < 0x7f)
        n++;
    const struct carve_hit h = {
        CARVE_BANNER, 0, w->base + i, (uint32_t)n, { p, n }
    };
    bool whole = memchr(p, '(', n) && memchr(p, '#', n);
    return whole && is_digit(p[14]) ? w->c->hit(w->c->ctx, &h) : 0;
}

/* struct new_utsname: six fields of 65 bytes, the second is the host's name,
 * then release, version, machine. */
static int utsname(const struct window *w, size_t i)
{
    const char *p = w->p + i, *node = p + UTS_FIELD;
    size_t n = 0;
    if (w->n - i < 6 * UTS_FIELD || !is_digit(p[2 * UTS_FIELD]) ||
        p[3 * UTS_FIELD] != '#' || !is_alnum(p[4 * UTS_FIELD]))
        return 0;
    for (size_t k = 5; k < UTS_FIELD; k++)
        if (p[k])
            return 0;
    while (n < UTS_FIELD &&
           (is_word(node[n]) || node[n] == '-' || node[n] == '.'))
        n++;
    if (n == 0 || n == UTS_FIELD || node[n])
        return 0;
    const struct carve_hit h = {
        CARVE_HOST, KIND_HOST, w->base + i + UTS_FIELD, (uint32_t)n, { node, n }
    };
    return w->c->hit(w->c->ctx, &h);
}

static int linux_at(const struct window *w, size_t i)
{
    const char *p = w->p + i;
    if (memcmp(p, "Linux", 6) == 0)
        return utsname(w, i);
    return memcmp(p, "Linux version ", 14) == 0 ? banner(w, i) : 0;
}

/* ---- candidates --------------------------------------------------------- */

typedef unsigned char lanes __attribute__((vector_size(LANES)));
typedef uint64_t halves __attribute__((vector_size(LANES)));

static inline lanes load(const char *p)
{
    lanes v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline lanes all(unsigned char c)
{
    return (lanes){ c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c };
}

static inline lanes equal(lanes v, char c)
{
    return (lanes)(v == all((unsigned char)c));
}

static inline lanes between(lanes v, char from, unsigned char n)
{
    return (lanes)(v - all((unsigned char)from) < all(n));
}

/* 0xff where something may begin: A..A, A.0....A, a..:, h..p, L..u, -HEX,
 * DIGIT.DIGIT */
static inline lanes candidates(const char *p)
{
    lanes v = load(p), v1 = load(p + 1), v3 = load(p + 3);
    lanes wide = equal(v1, 0) & equal(load(p + 6), 'A');
    lanes digit = between(v1, '0', 10);
    lanes m = equal(v, 'A') & (equal(v3, 'A') | wide);
    m |= equal(v, 'a') & equal(v3, ':');
    m |= equal(v, 'h') & equal(v3, 'p');
    m |= equal(v, 'L') & equal(v3, 'u');
    m |= equal(v, '-') & (digit | between(v1, 'a', 6));
    m |= equal(v, '.') & digit & between(load(p - 1), '0', 10);
    return m;
}

static int candidate(const struct window *w, size_t i)
{
    switch (w->p[i]) {
    case 'A':
        return key_at(w, i);
    case 'a':
        return arn_at(w, i);
    case 'h':
        return url_at(w, i);
    case 'L':
        return linux_at(w, i);
    case '-':
        return id_at(w, i);
    default:
        return ip_at(w, i);
    }
}

/* The bytes of m that are set, from i on. */
static int each(const struct window *w, size_t i, uint64_t m)
{
    int rc = 0;
    while (m && rc == 0) {
        unsigned k = (unsigned)__builtin_ctzll(m) / 8;
        m &= ~(UINT64_C(0xff) << k * 8);
        rc = candidate(w, i + k);
    }
    return rc;
}

static bool is_zero(const char *p, size_t n)
{
    lanes any = all(0);
    size_t i = 0;
    if (p[0] || p[n - 1])
        return false;
    for (; i + LANES <= n; i += LANES)
        any |= load(p + i);
    halves h = (halves)any;
    for (; i < n; i++)
        h[0] |= (unsigned char)p[i];
    return (h[0] | h[1]) == 0;
}

static int block(const struct window *w, size_t from, size_t to)
{
    for (size_t i = from; i < to; i += LANES) {
        halves m = (halves)candidates(w->p + i);
        if (!(m[0] | m[1]))
            continue;
        if (to - i < LANES) { /* none beyond the end */
            size_t n = to - i;
            if (n <= 8)
                m[1] = 0;
            if (n < 8)
                m[0] &= (UINT64_C(1) << n * 8) - 1;
            else if (n > 8)
                m[1] &= (UINT64_C(1) << (n - 8) * 8) - 1;
        }
        int rc = each(w, i, m[0]);
        if (rc == 0)
            rc = each(w, i + 8, m[1]);
        if (rc)
            return rc;
    }
    return 0;
}

int carve(struct carver *c, const char *p, size_t to, size_t n, uint64_t base)
{
    const struct window w = { c, p, n, base };
    int rc = 0;
    for (size_t i = 0, end; i < to && rc == 0; i = end) {
        end = to - i > BLOCK ? i + BLOCK : to;
        if (!is_zero(p + i, end - i))
            rc = block(&w, i, end);
    }
    return rc;
}
