/*
 * The first three bytes of every text are in a table of bits. Most places fail
 * there, by one load and one test; the others look through the few texts that
 * begin alike.
 */
#include "evidence/scan_many.h"

#include <stdlib.h>

enum { BITS = 16, BUCKETS = 1 << BITS };

struct entry {
    uint32_t key;
    unsigned needle;
};

struct scan_many {
    const struct str *needles;
    struct entry *entries; /* by hash of the key, then by needle */
    size_t n;
    uint64_t bit[BUCKETS / 64];
    uint32_t first[BUCKETS + 1]; /* entries of each hash */
};

static uint32_t key_at(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16;
}

static uint32_t hash(uint32_t key)
{
    return key * 2654435761u >> (32 - BITS);
}

struct scan_many *scan_many_open(const struct str *needles, size_t n)
{
    struct scan_many *m = calloc(1, sizeof *m);
    if (m)
        m->entries = calloc(n + 1, sizeof *m->entries);
    if (!m || !m->entries) {
        free(m);
        return NULL;
    }
    m->needles = needles;
    m->n = n;
    for (size_t i = 0; i < n; i++)
        m->first[hash(key_at(needles[i].p)) + 1]++;
    for (size_t h = 0; h < BUCKETS; h++) {
        if (m->first[h + 1])
            m->bit[h / 64] |= UINT64_C(1) << (h % 64);
        m->first[h + 1] += m->first[h];
    }
    /* filled from the end of each bucket, so that texts stay in order */
    for (size_t i = n; i-- > 0;) {
        uint32_t key = key_at(needles[i].p), h = hash(key);
        uint32_t at = m->first[h + 1];
        while (at > m->first[h] && m->entries[at - 1].key)
            at--;
        m->entries[at - 1] = (struct entry){ key | 1u << 24, (unsigned)i };
    }
    return m;
}

void scan_many_close(struct scan_many *m)
{
    if (!m)
        return;
    free(m->entries);
    free(m);
}

/* From a place where three zeros begin: one as far on that all places up to
 * it are such, too. */
static size_t over_zeros(const char *hay, size_t at, size_t to)
{
    uint64_t x[2];
    while (at + sizeof x < to) {
        memcpy(x, hay + at, sizeof x);
        if (x[0] | x[1])
            break;
        at += sizeof x[0];
    }
    return at;
}

int scan_many_run(const struct scan_many *m, const char *hay, size_t from,
                  size_t to, size_t n,
                  int (*hit)(void *ctx, size_t at, unsigned needle), void *ctx)
{
    if (n < SCAN_MANY_SHORTEST)
        return 0;
    if (to > n - SCAN_MANY_SHORTEST + 1)
        to = n - SCAN_MANY_SHORTEST + 1;
    /* disks are zeros for the most part */
    bool zeros = !(m->bit[hash(0) / 64] >> (hash(0) % 64) & 1);
    for (size_t at = from; at < to; at++) {
        uint32_t key = key_at(hay + at), h = hash(key);
        if (key == 0 && zeros) {
            at = over_zeros(hay, at, to);
            continue;
        }
        if (!(m->bit[h / 64] >> (h % 64) & 1))
            continue;
        for (uint32_t i = m->first[h]; i < m->first[h + 1]; i++) {
            const struct str *s = &m->needles[m->entries[i].needle];
            if (m->entries[i].key != (key | 1u << 24) || s->n > n - at ||
                memcmp(hay + at, s->p, s->n) != 0)
                continue;
            int stop = hit(ctx, at, m->entries[i].needle);
            if (stop)
                return stop;
        }
    }
    return 0;
}
