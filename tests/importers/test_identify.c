/* Identifiers in running text: addresses and what only looks like one, in logs
 * and in memory alike. */
#include "importers/carve.h"
#include "importers/identify.h"
#include "tests/tap.h"

#include <stdlib.h>

static const struct {
    const char *text;
    const char *ip[3]; /* found, in order */
} cases[] = {
    /* what it says of itself */
    { "10.0.1.20", { "10.0.1.20" } },
    { "from 198.51.100.66 port 22", { "198.51.100.66" } },
    { "198.51.100.66 - - [11/Mar/2026:02:13:00 +0000] \"GET /",
      { "198.51.100.66" } },
    { "Accepted publickey for ec2-user from 192.0.2.10.", { "192.0.2.10" } },
    { "connect to 203.0.113.20:443 failed", { "203.0.113.20" } },
    { "http://198.51.100.66/x", { "198.51.100.66" } },
    { "https://198.51.100.66:8443/a/b", { "198.51.100.66" } },
    { "src=10.0.1.20 dst=203.0.113.20", { "10.0.1.20", "203.0.113.20" } },
    { "{\"ip\":\"10.0.1.20\",\"peer\":\"10.0.1.21\"}",
      { "10.0.1.20", "10.0.1.21" } },
    { "10.0.0.0/16 via 10.0.0.1", { "10.0.0.0", "10.0.0.1" } },
    { "10.0.0.1-10.0.0.9", { "10.0.0.1", "10.0.0.9" } },
    { "ip-10.0.0.5 up", { "10.0.0.5" } },
    { "inet/10.0.0.5", { "10.0.0.5" } },
    { "db.internal/10.0.0.5 is slow", { "10.0.0.5" } },
    { "Connection to app/10.0.0.5:5432 refused", { "10.0.0.5" } },
    { "/10.0.0.5:5432", { "10.0.0.5" } },
    { "GET /fetch?url=http://169.254.169.254/latest", { "169.254.169.254" } },
    { "GET /hosts/10.0.0.5/status", { "10.0.0.5" } },
    { "X-Forwarded-For: 192.0.2.10, 10.0.1.20", { "192.0.2.10", "10.0.1.20" } },
    { "(192.0.2.10)", { "192.0.2.10" } },
    { "node-10.0.0.5", { "10.0.0.5" } },
    { "10.0.0.5,10.0.0.6;10.0.0.7", { "10.0.0.5", "10.0.0.6", "10.0.0.7" } },
    { "convert 10.0.0.5", { "10.0.0.5" } }, /* ends in no version word */
    /* products of user agents */
    { "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/122.0.0.0 Safari/537.36 Edg/122.0.0.1",
      { 0 } },
    { "192.0.2.10 \"HeadlessChrome/120.0.0.0\"", { "192.0.2.10" } },
    { "agent=\"Boto3/1.28.0.1\"", { 0 } },
    { "nginx/1.2.3.4", { 0 } },
    { "[aws-cli/2.1.0.5 Python/3.9.0.1]", { 0 } },
    /* words for versions */
    { "version 1.2.3.4", { 0 } },
    { "Version: 10.0.0.5", { 0 } },
    { "ver. 1.2.3.4", { 0 } },
    { "v1.2.3.4", { 0 } },
    { "System, Version=4.0.0.0, Culture=neutral", { 0 } },
    { "\"Chromium\";v=\"122.0.0.0\", \"Not(A:Brand\";v=\"24.0.0.0\"", { 0 } },
    { "build 10.2.3.4 from 192.0.2.10", { "192.0.2.10" } },
    { "{\"version\": \"1.2.3.4\"}", { 0 } },
    /* files and packages */
    { "libfoo-1.2.3.4.tar.gz", { 0 } },
    { "foo_1.2.3.4_amd64.deb", { 0 } },
    { "foo 1.2.3.4-5.el8", { 0 } },
    { "foo (1.2.3.4+dfsg-1)", { 0 } },
    { "4.3.2.1.in-addr.arpa", { 0 } },
    { "1.2.3.4.5", { 0 } },
};

static const char *got[8];
static char texts[8][64];
static size_t n_got;

static void keep(unsigned kind, struct str v)
{
    if (kind != KIND_IP)
        return;
    ck_assert_uint_lt(n_got, 8);
    ck_assert_uint_lt(v.n, sizeof(texts[0]));
    memcpy(texts[n_got], v.p, v.n);
    texts[n_got][v.n] = 0;
    got[n_got] = texts[n_got];
    n_got++;
}

static int from_text(void *ctx, size_t off, unsigned kind, struct str v)
{
    (void)ctx;
    (void)off;
    keep(kind, v);
    return 0;
}

static int from_memory(void *ctx, const struct carve_hit *h)
{
    (void)ctx;
    keep(h->kind, h->value);
    return 0;
}

static void demand(const char *text, const char *const *ip, const char *where)
{
    size_t k = 0;
    for (; k < 3 && ip[k]; k++) {
        ck_assert_msg(k < n_got, "%s: %s: %s is missing", where, text, ip[k]);
        ck_assert_str_eq(got[k], ip[k]);
    }
    ck_assert_msg(k == n_got, "%s: %s: also %s", where, text,
                  k < n_got ? got[k] : "");
}

START_TEST(addresses_are_told_from_versions)
{
    enum { SIZE = 3 * 4096 };
    char *room = calloc(1, CARVE_BEFORE + SIZE + CARVE_PAD);
    char *p = room + CARVE_BEFORE;
    const char *text = cases[_i].text;
    n_got = 0;
    ck_assert_int_eq(identify_text(str_from(text), from_text, NULL), 0);
    demand(text, cases[_i].ip, "text");
    /* at the start of memory, and across a block's end */
    static const size_t places[] = { 0, 4096 - 3, 4096 - 20, 5000 };
    for (size_t i = 0; i < 4; i++) {
        struct carver c = { .hit = from_memory };
        memset(p, 0, SIZE);
        memcpy(p + places[i], text, strlen(text));
        n_got = 0;
        ck_assert_int_eq(carve(&c, p, SIZE, SIZE, 0x10000), 0);
        demand(text, cases[_i].ip, "memory");
    }
    free(room);
}
END_TEST

/* Whatever stands around, nothing beyond it is looked at. */
START_TEST(the_text_alone_is_read)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        size_t n = strlen(cases[i].text);
        for (size_t cut = 0; cut <= n; cut++) {
            char *p = malloc(cut ? cut : 1);
            memcpy(p, cases[i].text + n - cut, cut);
            n_got = 0;
            (void)identify_text((struct str){ p, cut }, from_text, NULL);
            free(p);
            p = malloc(cut ? cut : 1);
            memcpy(p, cases[i].text, cut);
            n_got = 0;
            (void)identify_text((struct str){ p, cut }, from_text, NULL);
            free(p);
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("identify");
    TCase *t = tcase_create("addresses");
    tcase_add_loop_test(t, addresses_are_told_from_versions, 0,
                        (int)(sizeof(cases) / sizeof(*cases)));
    suite_add_tcase(s, t);
    tap_case(s, "bounds", the_text_alone_is_read);
    return s;
}
