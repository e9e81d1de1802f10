#include "tests/evidence/sectors.h"

#include <stdlib.h>

#include "base/varint.h"

char *sectors_unpack(struct str packed, size_t max, size_t *n)
{
    struct cursor c = cursor_of(packed.p, packed.n);
    struct str magic = cursor_str(&c, 8);
    uint64_t size = (uint64_t)cursor_u32(&c) * SECTOR;
    if (!str_eq(magic, STR("SECTORS1")) || size == 0)
        return NULL;
    *n = size < max ? (size_t)size : max;
    char *out = calloc(1, *n);
    while (out && cursor_left(&c) > 8) {
        uint64_t at = (uint64_t)cursor_u32(&c) * SECTOR;
        uint64_t len = (uint64_t)cursor_u32(&c) * SECTOR;
        if (len > cursor_left(&c))
            len = cursor_left(&c);
        struct str run = cursor_str(&c, (size_t)len);
        if (at < *n && run.n)
            memcpy(out + at, run.p, run.n < *n - at ? run.n : *n - at);
    }
    return out;
}
