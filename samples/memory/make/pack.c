/*
 * pack.c - writes page ranges of a raw dump as LiME v1 or AVML v2.
 *
 * usage: pack lime|avml RAW RANGES OUT
 *
 * RANGES: lines "START LENGTH" (hex, bytes), ascending. AVML v2 is a LiME
 * header with its own magic, one snappy framed stream, and the stream's length
 * as 64-bit little-endian. The snappy blocks are parsed for least size, which
 * the format allows and which makes the sample about a fifth smaller.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define BLOCK     65536
#define RANGE_MAX (16u << 20)
#define HASH_BITS 15
#define CHAIN_MAX 400

static FILE *out;
static uint64_t written;

static void put(const void *p, size_t n)
{
    if (fwrite(p, 1, n, out) != n) {
        perror("write");
        exit(1);
    }
    written += n;
}

static void put_le(uint64_t v, int bytes)
{
    unsigned char b[8];

    for (int i = 0; i < bytes; i++)
        b[i] = (unsigned char)(v >> 8 * i);
    put(b, (size_t)bytes);
}

static uint32_t crc32c(const unsigned char *p, size_t n)
{
    uint32_t c = ~0u;

    while (n--) {
        c ^= *p++;
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (0x82f63b78 & -(c & 1));
    }
    return ~c;
}

struct step {
    uint32_t cost;
    uint32_t from;   /* where the element that ends here begins */
    uint16_t offset; /* of its copy; 0 = literal */
};

static struct step step[BLOCK + 1];
static int32_t head[1 << HASH_BITS], chain[BLOCK];

static uint32_t hash(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v * 2654435761u >> (32 - HASH_BITS);
}

static void relax(uint32_t from, uint32_t to, uint32_t cost, uint32_t offset)
{
    if (step[from].cost + cost < step[to].cost)
        step[to] =
            (struct step){ step[from].cost + cost, from, (uint16_t)offset };
}

/* All copies that could begin at i: two bytes when near, three when far. */
static void copies(const unsigned char *p, uint32_t n, uint32_t i)
{
    uint32_t near = 0, near_off = 0, far = 0, far_off = 0, tries = CHAIN_MAX;
    uint32_t most = n - i < 64 ? n - i : 64;

    if (most < 4)
        return;
    for (int32_t j = head[hash(p + i)]; j >= 0 && tries--; j = chain[j]) {
        uint32_t k = 0;
        while (k < most && p[(uint32_t)j + k] == p[i + k])
            k++;
        if (i - (uint32_t)j < 2048 && k > near)
            near = k, near_off = i - (uint32_t)j;
        if (k > far)
            far = k, far_off = i - (uint32_t)j;
        if (far == most)
            break;
    }
    for (uint32_t k = 4; k <= near && k <= 11; k++)
        relax(i, i + k, 2, near_off);
    for (uint32_t k = 4; k <= far; k++)
        relax(i, i + k, 3, far_off);
}

static void parse(const unsigned char *p, uint32_t n)
{
    int64_t base = INT64_MAX; /* best cost-position of long literals */
    uint32_t base_at = 0;

    memset(head, 0xff, sizeof head);
    for (uint32_t i = 0; i <= n; i++)
        step[i].cost = UINT32_MAX / 2;
    step[0].cost = 0;
    for (uint32_t i = 0; i <= n; i++) {
        for (uint32_t k = 1; k <= 60 && k <= i; k++)
            relax(i - k, i, 1 + k, 0);
        if (i > 60) {
            int64_t v = (int64_t)step[i - 61].cost - (i - 61);
            if (v < base)
                base = v, base_at = i - 61;
            relax(base_at, i, (i - base_at > 256 ? 3 : 2) + i - base_at, 0);
        }
        if (i < n)
            copies(p, n, i);
        if (i + 4 <= n) {
            uint32_t h = hash(p + i);
            chain[i] = head[h];
            head[h] = (int32_t)i;
        }
    }
}

static size_t emit_literal(unsigned char *o, const unsigned char *p, uint32_t n)
{
    size_t w = 0;
    uint32_t m = n - 1;

    if (n <= 60) {
        o[w++] = (unsigned char)(m << 2);
    } else {
        o[w++] = n <= 256 ? 60 << 2 : 61 << 2;
        o[w++] = (unsigned char)m;
        if (n > 256)
            o[w++] = (unsigned char)(m >> 8);
    }
    memcpy(o + w, p, n);
    return w + n;
}

static size_t emit_copy(unsigned char *o, uint32_t n, uint32_t offset)
{
    if (n <= 11 && offset < 2048) {
        o[0] = (unsigned char)(1 | (n - 4) << 2 | (offset >> 8) << 5);
        o[1] = (unsigned char)offset;
        return 2;
    }
    o[0] = (unsigned char)(2 | (n - 1) << 2);
    o[1] = (unsigned char)offset;
    o[2] = (unsigned char)(offset >> 8);
    return 3;
}

static size_t snappy(const unsigned char *p, uint32_t n, unsigned char *o)
{
    static uint32_t at[BLOCK + 1];
    uint32_t count = 0;
    size_t w = 0;

    parse(p, n);
    for (uint32_t i = n; i; i = step[i].from)
        at[count++] = i;
    for (uint32_t v = n;; v >>= 7) {
        o[w++] = (unsigned char)(v > 127 ? (v & 127) | 128 : v);
        if (v <= 127)
            break;
    }
    while (count--) {
        const struct step *s = &step[at[count]];
        uint32_t len = at[count] - s->from;
        w += s->offset ? emit_copy(o + w, len, s->offset)
                       : emit_literal(o + w, p + s->from, len);
    }
    return w;
}

static void chunk(const unsigned char *p, uint32_t n)
{
    static unsigned char o[BLOCK * 2];
    size_t w = snappy(p, n, o);
    uint32_t c = crc32c(p, n);
    int raw = w >= n;

    put_le(raw ? 1 : 0, 1);
    put_le((raw ? n : w) + 4, 3);
    put_le(((c >> 15 | c << 17) + 0xa282ead8) & 0xffffffff, 4);
    put(raw ? p : o, raw ? n : w);
}

static void range(const unsigned char *raw, uint64_t start, uint64_t len,
                  int avml)
{
    put(avml ? "AVML" : "EMiL", 4);
    put_le(avml ? 2 : 1, 4);
    put_le(start, 8);
    put_le(start + len - 1, 8);
    put_le(0, 8);
    if (!avml) {
        put(raw + start, len);
        return;
    }
    uint64_t before = written;
    put("\xff\x06\0\0sNaPpY", 10);
    for (uint64_t i = 0; i < len; i += BLOCK)
        chunk(raw + start + i, (uint32_t)(len - i < BLOCK ? len - i : BLOCK));
    put_le(written - before, 8);
}

int main(int argc, char **argv)
{
    struct stat st;
    char line[128];

    if (argc != 5) {
        fputs("usage: pack lime|avml RAW RANGES OUT\n", stderr);
        return 1;
    }
    int avml = !strcmp(argv[1], "avml"), fd = open(argv[2], O_RDONLY);
    FILE *list = fopen(argv[3], "r");
    out = fopen(argv[4], "wb");
    if (fd < 0 || fstat(fd, &st) < 0 || !list || !out) {
        perror("open");
        return 1;
    }
    const unsigned char *raw =
        mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    while (fgets(line, sizeof line, list)) {
        char *end;
        uint64_t start = strtoull(line, &end, 16);
        uint64_t len = strtoull(end, NULL, 16);
        if (start + len > (uint64_t)st.st_size) {
            fputs("range outside the dump\n", stderr);
            return 1;
        }
        for (; len;) {
            uint64_t part = len < RANGE_MAX ? len : RANGE_MAX;
            range(raw, start, part, avml);
            start += part;
            len -= part;
        }
    }
    return fclose(out) ? 1 : 0;
}
