#include "base/crc32c.h"

#include "base/varint.h"

/* Four bits at a time: the table is small and stays constant. */
static uint32_t by_table(uint32_t crc, const unsigned char *c, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    for (size_t i = 0; i < n; i++) {
        crc ^= c[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

#ifdef __x86_64__
/* Whole logs are checked: the processor's own instruction is 20 times as
 * fast. */
__attribute__((target("sse4.2"))) static uint32_t
by_processor(uint32_t crc, const unsigned char *c, size_t n)
{
    uint64_t wide = crc;
    for (; n >= 8; n -= 8, c += 8)
        wide = __builtin_ia32_crc32di(wide, u64le(c));
    crc = (uint32_t)wide;
    for (; n > 0; n--, c++)
        crc = __builtin_ia32_crc32qi(crc, *c);
    return crc;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    return __builtin_cpu_supports("sse4.2") ? by_processor(crc, p, n)
                                            : by_table(crc, p, n);
}
#else
uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    return by_table(crc, p, n);
}
#endif
