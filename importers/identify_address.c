/*
 * Four numbers in running text: an address, or a version?
 *
 * "Chrome/122.0.0.0", "Version=4.0.0.0" and "libfoo-1.2.3.4.tar.gz" have the
 * shape of an address. What stands beside them decides:
 *
 *   1. After NAME and '/', where NAME begins at a blank, a quote, a bracket, a
 *      comma or a semicolon: a product with its version (RFC 9110, 10.1.5).
 *      Not when NAME has a dot ("host.example/10.0.0.5": how some programs
 *      print an address) or is a word for machines (words[]), and not when a
 *      port follows.
 *   2. After a word for versions ("version", "ver", "v", "release", "rev",
 *      "build"), with blanks, quotes, ':' or '=' between.
 *   3. Joined to a name by '-', '_', '+' or '~' on either side, or by '.' on
 *      the right: a file or a package. Not when the other side is four numbers
 *      too ("10.0.0.1-10.0.0.9") or a word for machines ("ip-10.0.0.5").
 *
 * All else is an address. The rule looks at so many bytes on each side, so
 * that logs and memory are read alike; it errs on both sides, since text does
 * not say what it means.
 */
#include "importers/identify.h"

enum { BEFORE = 40, AFTER = 24 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(char c)
{
    return is_alpha(c) || is_digit(c) || c == '_' || c == '-' || c == '+' ||
           c == '.' || c == '~';
}

static bool is_joint(char c)
{
    return c == '-' || c == '_' || c == '+' || c == '~';
}

static bool one_of(struct str s, const char *const *words)
{
    for (; *words; words++)
        if (str_ieq(s, str_from(*words)))
            return true;
    return false;
}

static bool is_machine(struct str word)
{
    static const char *const words[] = {
        "ip",     "ips",   "ipv4",        "inet", "addr",   "address",
        "host",   "node",  "pod",         "peer", "client", "server",
        "remote", "local", "src",         "dst",  "from",   "to",
        "source", "dest",  "destination", "eth",  "cidr",   "net",
        "dns",    "gw",    "gateway",     "via",  NULL,
    };
    return one_of(word, words);
}

static bool is_version_word(struct str word)
{
    static const char *const words[] = { "version", "ver",   "v", "release",
                                         "rev",     "build", NULL };
    return one_of(word, words);
}

static bool is_quad(struct str s)
{
    size_t dots = 0;
    for (size_t i = 0; i < s.n; i++) {
        dots += s.p[i] == '.';
        if (s.p[i] != '.' && !is_digit(s.p[i]))
            return false;
    }
    return dots == 3;
}

/* The name that ends at b.n, without what does not belong to names. */
static struct str name_before(struct str b)
{
    size_t start = b.n;
    while (start && is_name(b.p[start - 1]))
        start--;
    return str_sub(b, start, b.n);
}

static bool begins_product(struct str b, struct str name)
{
    size_t start = b.n - name.n;
    if (start == 0)
        return true;
    char c = b.p[start - 1];
    return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f ||
           memchr("\"'`([{<,;|", c, 10) != NULL;
}

/* Rule 1; b ends before the '/'. */
static bool is_product(struct str b, struct str after)
{
    struct str name = name_before(b);
    bool letter = false;
    for (size_t i = 0; i < name.n; i++)
        letter |= is_alpha(name.p[i]);
    bool port = after.n > 1 && after.p[0] == ':' && is_digit(after.p[1]);
    return letter && !port && !memchr(name.p, '.', name.n) &&
           !is_machine(name) && begins_product(b, name);
}

/* Rule 2. */
static bool after_version_word(struct str b)
{
    while (b.n && memchr(" \t\"'`:=", b.p[b.n - 1], 7))
        b.n--;
    if (b.n && b.p[b.n - 1] == '.') /* "ver. 1.2.3.4" */
        b.n--;
    size_t start = b.n;
    while (start && is_alpha(b.p[start - 1]))
        start--;
    return is_version_word(str_sub(b, start, b.n));
}

/* Rule 3, to the left; b ends before the joint. */
static bool joined_before(struct str b)
{
    struct str name = name_before(b);
    size_t word = name.n;
    while (word && is_alpha(name.p[word - 1]))
        word--;
    return name.n && !is_quad(name) && !is_machine(str_sub(name, word, name.n));
}

/* Rule 3, to the right; after begins with the joint. */
static bool joined_after(struct str after)
{
    size_t n = 1;
    if (after.n < 2 || !(is_alpha(after.p[1]) || is_digit(after.p[1])))
        return false;
    if (after.p[0] == '.')
        return true;
    while (n < after.n && (is_digit(after.p[n]) || after.p[n] == '.'))
        n++;
    struct str other = str_sub(after, 1, n - 1);
    while (other.n && other.p[other.n - 1] == '.')
        other.n--;
    return !is_quad(other);
}

bool identify_address_in(struct str text, size_t at, size_t n)
{
    size_t from = at > BEFORE ? at - BEFORE : 0;
    struct str b = str_sub(text, from, at - from);
    struct str after = str_sub(text, at + n, AFTER);
    if (after.n && (is_joint(after.p[0]) || after.p[0] == '.') &&
        joined_after(after))
        return false;
    if (b.n == 0)
        return true;
    char c = b.p[b.n - 1];
    struct str left = str_sub(b, 0, b.n - 1);
    if (c == '.' && left.n && is_digit(left.p[left.n - 1]))
        return false; /* of five numbers and more, the last four */
    if (c == '/')
        return !is_product(left, after);
    if (is_joint(c))
        return !joined_before(left);
    return !after_version_word(b);
}
