/* source_next_data() against reading: what it calls zeros reads as zeros. */
#pragma once

#include "evidence/source.h"

/* Bytes of the first `limit` that are called zeros; UINT64_MAX: one is none,
 * or the answers do not get on. */
static inline uint64_t zeros_told(struct source *s, uint64_t limit)
{
    uint64_t at = 0, told = 0, end;
    limit = limit < s->size ? limit : s->size;
    while (at < limit) {
        char p[4096];
        size_t got, n = sizeof p;
        uint64_t from = source_next_data(s, at, &end);
        if (from < at || from > s->size || (end <= from && from < s->size) ||
            end > s->size)
            return UINT64_MAX;
        for (uint64_t off = at; off < from && off < limit; off += got) {
            n = from - off < sizeof p ? (size_t)(from - off) : sizeof p;
            if (source_read(s, off, p, n, &got, NULL) || got != n)
                return UINT64_MAX;
            for (size_t i = 0; i < got; i++)
                if (p[i])
                    return UINT64_MAX;
            told += got;
        }
        at = end;
    }
    return told;
}
