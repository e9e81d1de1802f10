/* str_cmp is antisymmetric on any split of the input. */
#include "base/str.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = { (const char *)data, size };
    struct str a = str_sub(all, 0, size / 2);
    struct str b = str_sub(all, size / 2, SIZE_MAX);
    int ab = str_cmp(a, b);
    int ba = str_cmp(b, a);
    if ((ab < 0) != (ba > 0) || (ab == 0) != str_eq(a, b))
        abort();
    return 0;
}
