/*
 * zone_check FILE|rule:TZ: compares base/zone.h with what `zdump -v` says of
 * the same zone, read from standard input: offsets at every change and a
 * second before, and what local times around the changes mean. Prints how
 * many it compared, and what differs; 1 when something does.
 */
#include "base/zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"

enum { FAR = 3 * 86400, WORDS = 20 };

static unsigned compared, wrong;

static void same(const char *what, int64_t at, int64_t is, int64_t should)
{
    compared++;
    if (is == should)
        return;
    wrong++;
    printf("%s at %lld: %lld, not %lld\n", what, (long long)at, (long long)is,
           (long long)should);
}

static size_t split(struct str s, struct str w[WORDS])
{
    size_t n = 0;
    while (n < WORDS && (s = str_trim(s)).n) {
        size_t len = 0;
        while (len < s.n && s.p[len] != ' ')
            len++;
        w[n++] = str_sub(s, 0, len);
        s = str_sub(s, len, s.n);
    }
    return n;
}

static int64_t value(struct str s)
{
    uint64_t v = 0;
    bool minus = s.n && s.p[0] == '-';
    if (!str_u64(str_sub(s, minus, s.n), &v))
        abort();
    return minus ? -(int64_t)v : (int64_t)v;
}

/* Sun Nov 18 16:59:59 1883 */
static int64_t seconds(const struct str *w)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    size_t m = str_find(STR(months), w[1]) / 3;
    int64_t days =
        time_days_from_civil(value(w[4]), (int)m + 1, (int)value(w[2]));
    return days * 86400 + value(str_sub(w[3], 0, 2)) * 3600 +
           value(str_sub(w[3], 3, 2)) * 60 + value(str_sub(w[3], 6, 2));
}

static void local(const struct zone *z, int64_t t, int64_t utc, unsigned flags)
{
    struct zone_local l = zone_utc(z, t);
    same("utc of local time", t, l.utc, utc);
    same("flags of local time", t, l.flags, flags);
    if (l.from < l.to) {
        compared++;
        if (t < l.from || t >= l.to)
            return; /* near a change */
        same("range", t, zone_utc(z, l.from).offset, l.offset);
        same("range", t, zone_utc(z, l.to - 1).offset, l.offset);
    }
}

/* A change at t from offset a to b, and no other near. */
static void change(const struct zone *z, int64_t t, int64_t a, int64_t b)
{
    local(z, t + a - 1, t - 1, b < a ? LOCAL_TWICE : 0);
    if (b > a) {
        local(z, t + a, t, LOCAL_SKIPPED);
        local(z, t + b - 1, t + b - 1 - a, LOCAL_SKIPPED);
    } else if (b < a) {
        local(z, t + b, t + b - a, LOCAL_TWICE);
        local(z, t + a, t + a - b, 0);
    }
    if (b < a)
        local(z, t + b - 1, t + b - 1 - a, 0);
    else
        local(z, t + b, t, 0);
    local(z, t + 40000 + (a > b ? a : b), t + 40000 + (a > b ? a - b : 0), 0);
}

static struct zone *open_zone(const char *name)
{
    static char bytes[1 << 20];
    struct err err;
    if (strncmp(name, "rule:", 5) == 0)
        return zone_open_rule(str_from(name + 5), &err);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    if (fd >= 0)
        close(fd);
    return n < 0 ? NULL : zone_open((struct str){ bytes, (size_t)n }, &err);
}

int main(int argc, char **argv)
{
    char line[512];
    struct str w[WORDS];
    struct zone *z = argc == 2 ? open_zone(argv[1]) : NULL;
    int64_t last[3] = { INT64_MIN, INT64_MIN, INT64_MIN }, offset[3] = { 0 };
    if (!z) {
        printf("no zone\n");
        return 1;
    }
    while (fgets(line, sizeof line, stdin)) {
        if (split(str_from(line), w) != 16 || w[5].n != 4)
            continue; /* NULL: beyond what the C library can say */
        int64_t t = seconds(w + 1);
        int64_t off = value(str_sub(w[15], 7, 20));
        same("offset", t, zone_offset(z, t), off);
        /* pairs: a second before, at; the one before that is far? */
        if (t == last[0] + 1 && last[0] - FAR > last[1])
            change(z, t, offset[0], off);
        last[2] = last[1];
        last[1] = last[0];
        offset[1] = offset[0];
        last[0] = t;
        offset[0] = off;
    }
    printf("%u compared\n", compared);
    zone_close(z);
    return wrong != 0;
}
