#include "base/crc32c.h"

#include "base/varint.h"

/* Four bits at a time: the table is small and stays constant. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const unsigned char *c = p;
    for (size_t i = 0; i < n; i++) {
        crc ^= c[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

#ifdef __x86_64__
/*
 * Whole logs and all inodes are checked: the processor's own instruction is 20
 * times as fast. Its result comes three steps later, but each step takes
 * another: three parts side by side take the time of one. What is in front of
 * n bytes counts as multiplied by x^(8n) modulo the polynomial; a carry-less
 * product with x^(8n - 33) and one more step of the checksum do that (the bits
 * are mirrored, so the product has one more x, and the step x^32).
 */
enum { SHORT = 128, LONG = 1024 };

__attribute__((target("sse4.2,pclmul"))) static uint32_t moved(uint32_t crc,
                                                               uint32_t by)
{
    typedef long long words __attribute__((vector_size(16)));
    const words a = { crc }, b = { by };
    const words product = __builtin_ia32_pclmulqdq128(a, b, 0);
    return (uint32_t)__builtin_ia32_crc32di(0, (unsigned long long)product[0]);
}

/* Three parts of n bytes, a multiple of 8, as long as there are; one, two: to
 * move by n and 2n bytes. */
__attribute__((target("sse4.2,pclmul"))) static uint32_t
thirds(uint32_t crc, const unsigned char **at, size_t *left, size_t n,
       uint32_t one, uint32_t two)
{
    const unsigned char *c = *at;
    for (; *left >= 3 * n; *left -= 3 * n, c += 3 * n) {
        uint64_t x = crc, y = 0, z = 0;
        for (size_t i = 0; i < n; i += 8) {
            x = __builtin_ia32_crc32di(x, u64le(c + i));
            y = __builtin_ia32_crc32di(y, u64le(c + n + i));
            z = __builtin_ia32_crc32di(z, u64le(c + 2 * n + i));
        }
        crc = moved((uint32_t)x, two) ^ moved((uint32_t)y, one) ^ (uint32_t)z;
    }
    *at = c;
    return crc;
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t
by_processor(uint32_t crc, const unsigned char *c, size_t n)
{
    crc = thirds(crc, &c, &n, LONG, 0x170076fa, 0xa51b6135);
    crc = thirds(crc, &c, &n, SHORT, 0x0d3b6092, 0xb9e02b86);
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
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")
               ? by_processor(crc, p, n)
               : crc32c_portable(crc, p, n);
}
#else
uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    return crc32c_portable(crc, p, n);
}
#endif
