/* Addresses in requests: every spelling that inet_aton() of the C library or
 * inet_pton() takes is found, with its severity; ordinary requests are not. */
#include "importers/ssrf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/tap.h"

static struct arena arena;

static void look(const char *target, struct ssrf *out)
{
    ck_assert(ssrf_look(str_from(target), &arena, out));
}

static const struct {
    const char *target, *value;
    uint8_t severity;
} found[] = {
    { "/fetch?url=http://169.254.169.254/latest/", "169.254.169.254", 3 },
    { "/fetch?url=http%3a%2f%2f169.254.169.254/", "169.254.169.254", 3 },
    { "/fetch?url=http%253A%252F%252F169.254.169.254", "169.254.169.254", 3 },
    { "/f?u=%68%74%74%70%3a//%31%36%39.254.169.254", "169.254.169.254", 3 },
    { "/f?u=http://2852039166/", "169.254.169.254", 3 },
    { "/f?u=http://0xa9fea9fe", "169.254.169.254", 3 },
    { "/f?u=http://0xA9.0xFE.0xA9.0xFE/", "169.254.169.254", 3 },
    { "/f?u=http://0251.0376.0251.0376/", "169.254.169.254", 3 },
    { "/f?u=http://169.0xfe.0251.254/", "169.254.169.254", 3 },
    { "/f?u=http://169.254.43518/", "169.254.169.254", 3 },
    { "/f?u=http://425.510.425.510/", "169.254.169.254", 3 },
    { "/f?u=http://7147006462/", "169.254.169.254", 3 },
    { "/f?u=http://[::ffff:a9fe:a9fe]:80/", "169.254.169.254", 3 },
    { "/f?u=http://[::ffff:169.254.169.254]/", "169.254.169.254", 3 },
    { "/f?u=http://[0:0:0:0:0:ffff:a9fe:a9fe]/", "169.254.169.254", 3 },
    { "/f?u=http://[64:ff9b::a9fe:a9fe]/", "169.254.169.254", 3 },
    { "/f?u=http://[2002:a9fe:a9fe::]/", "169.254.169.254", 3 },
    { "/f?u=http://[::a9fe:a9fe]/", "169.254.169.254", 3 },
    { "/f?u=http://[fd00:ec2::254]/", "fd00:ec2::254", 3 },
    { "/f?u=http://[fd00:ec2::254%25eth0]/", "fd00:ec2::254", 3 },
    { "/f?u=http://[fd00:ec2::23]/v1/credentials", "fd00:ec2::23", 3 },
    { "/f?u=http://169.254.169.254.nip.io/", "169.254.169.254", 3 },
    { "/f?u=http://x.169-254-169-254.sslip.io", "169.254.169.254", 3 },
    { "/f?u=http://a9fea9fe.nip.io", "169.254.169.254", 3 },
    { "/f?u=http://www-169-254-169-254.nip.io/", "169.254.169.254", 3 },
    { "/f?u=http://instance-data/latest", "instance-data", 3 },
    { "/f?u=http://metadata.google.internal./x", "metadata.google.internal",
      3 },
    { "/f?u=http://169.254.170.2/v2/credentials", "169.254.170.2", 3 },
    { "/f?host=169.254.169.254", "169.254.169.254", 3 },
    { "/f?host=2852039166", "169.254.169.254", 3 },
    { "/proxy/169.254.169.254/latest/meta-data", "169.254.169.254", 3 },
    { "//169.254.169.254/latest", "169.254.169.254", 3 },
    { "http://169.254.169.254/latest", "169.254.169.254", 3 },
    { "/f?u=//169.254.169.254/", "169.254.169.254", 3 },
    { "/f?u=http:169.254.169.254/", "169.254.169.254", 3 },
    { "/f?u=http:\\\\169.254.169.254/", "169.254.169.254", 3 },
    { "/f?u=http://good.example.com@169.254.169.254/", "169.254.169.254", 3 },
    { "/f?u=http://169.254.169.254#@good.example.com", "169.254.169.254", 3 },
    { "/f?u=http://good.example.com#@169.254.169.254", "169.254.169.254", 3 },
    { "/f?u=http://\xe2\x91\xa0\xe2\x91\xa5\xe2\x91\xa8\xe3\x80\x82"
      "\xe2\x91\xa1\xe2\x91\xa4\xe2\x91\xa3.169.254/",
      "169.254.169.254", 3 },
    { "/f?u=http://\xef\xbc\x91\xef\xbc\x96\xef\xbc\x99.254.169.254/",
      "169.254.169.254", 3 },
    { "/f?u=http://localhost:8080/admin", "localhost", 2 },
    { "/f?u=http://LOCALHOST/", "localhost", 2 },
    { "/f?u=http://127.0.0.1:22", "127.0.0.1", 2 },
    { "/f?u=http://127.1/", "127.0.0.1", 2 },
    { "/f?u=http://0/", "0.0.0.0", 2 },
    { "/f?u=http://[::1]/", "::1", 2 },
    { "/f?u=http://[::]/", "::", 2 },
    { "/f?u=http://localtest.me/", "localtest.me", 2 },
    { "/f?u=file:///etc/passwd", "file:///etc/passwd", 2 },
    { "/f?u=file:/etc/passwd&x=1", "file:/etc/passwd", 2 },
    { "/f?u=gopher://x.example.com:6379/_x", "gopher://x.example.com:6379/_x",
      2 },
    { "/f?u=http://10.0.1.20/", "10.0.1.20", 1 },
    { "/f?u=http://172.31.0.9/", "172.31.0.9", 1 },
    { "/f?u=http://[fd12::1]/", "fd12::1", 1 },
};

START_TEST(spellings)
{
    for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++) {
        struct ssrf s;
        look(found[i].target, &s);
        ck_assert_msg(s.n > 0, "%s: nothing found", found[i].target);
        ck_assert_msg(str_eq(s.v[0].value, str_from(found[i].value)),
                      "%s: %.*s", found[i].target, STR_ARG(s.v[0].value));
        ck_assert_msg(s.v[0].severity == found[i].severity, "%s: %u",
                      found[i].target, s.v[0].severity);
    }
    arena_free(&arena);
}
END_TEST

static const char *const ordinary[] = {
    "/",
    "*",
    "",
    "%",
    "/%%%2",
    "/index.html?x=1&y=2,3",
    "/a/b/c.css?v=10.0.0.1",
    "/10.0.0.1/x",
    "/localhost/x",
    "/metadata?x=metadata",
    "/file:x",
    "/profile://x",
    "/fetch?url=https://www.example.com/a?b=c",
    "/fetch?url=http://198.51.100.66/",
    "/fetch?url=http://1.example.com/127",
    "/fetch?url=http://ip-10-0-1-20.example.com/",
    "/fetch?url=http://[::2001:db8:0:1]/",
    "/fetch?url=http://[2001:db8::1]/",
    "/fetch?url=http://[::ffff",
    "/fetch?url=http://8.8.8.8.8/",
    "/fetch?id=2130706433&n=0",
    "/fetch?time=12:30:00",
    "/fetch?url=http://999999999999999999999999/",
    "/fetch?url=http://0x/",
    "/fetch?url=http://08.1.1.1/",
};

START_TEST(ordinary_requests)
{
    for (size_t i = 0; i < sizeof(ordinary) / sizeof(*ordinary); i++) {
        struct ssrf s;
        look(ordinary[i], &s);
        ck_assert_msg(s.n == 0, "%s: %.*s", ordinary[i],
                      (int)(s.n ? s.v[0].value.n : 0),
                      s.n ? s.v[0].value.p : "");
    }
    arena_free(&arena);
}
END_TEST

static size_t part(char *out, size_t room, uint32_t v, unsigned how)
{
    int n = how % 4 == 0   ? snprintf(out, room, "%u", v)
            : how % 4 == 1 ? snprintf(out, room, "0x%x", v)
            : how % 4 == 2 ? snprintf(out, room, "0%o", v)
                           : snprintf(out, room, "0x%08X", v);
    ck_assert(n > 0 && (size_t)n < room);
    return (size_t)n;
}

/* As the C library reads it. */
START_TEST(as_inet_aton)
{
    const uint32_t metadata = 0xa9fea9fe;
    unsigned seed = 5;
    for (int i = 0; i < 4000; i++) {
        char url[200] = "/f?u=http://", *host = url + 12;
        size_t at = 0;
        struct in_addr a;
        struct ssrf s;
        seed = seed * 1103515245u + 12345u;
        uint32_t want = i % 2 ? metadata : metadata ^ (1u << (seed >> 8 & 7));
        unsigned parts = 1 + (seed >> 16 & 3), how = seed >> 18;
        for (unsigned k = 0; k + 1 < parts; k++) {
            at += part(host + at, 50, want >> (24 - 8 * k) & 255, how >> k);
            host[at++] = '.';
        }
        unsigned left = 32 - 8 * (parts - 1);
        part(host + at, 50,
             left == 32 ? want : want & ((UINT32_C(1) << left) - 1), how >> 5);
        ck_assert_msg(inet_aton(host, &a), "%s", host);
        ck_assert_uint_eq(ntohl(a.s_addr), want);
        look(url, &s);
        ck_assert_msg(s.n == 1 && str_eq(s.v[0].value, str_from(inet_ntoa(a))),
                      "%s", url);
        ck_assert_uint_eq(s.v[0].severity, want == metadata ? 3 : 2);
        arena_reset(&arena);
    }
    arena_free(&arena);
}
END_TEST

/* Each end and each lost byte is read without harm. */
START_TEST(cut_anywhere)
{
    for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++)
        for (size_t n = 0; n <= strlen(found[i].target); n++) {
            struct ssrf s;
            char *copy = malloc(n + 1);
            memcpy(copy, found[i].target, n);
            ck_assert(ssrf_look((struct str){ copy, n }, &arena, &s));
            free(copy);
            arena_reset(&arena);
        }
    arena_free(&arena);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("ssrf");
    tap_case(s, "spellings", spellings);
    tap_case(s, "ordinary", ordinary_requests);
    tap_case(s, "aton", as_inet_aton);
    tap_case(s, "cut", cut_anywhere);
    return s;
}
