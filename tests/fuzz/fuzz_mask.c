/* Secrets in text: nothing but the spans that are masked changes. What comes
 * out, split at "[masked]", are pieces of the text in their order. */
#include "base/mask.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void need(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = { (const char *)data, n }, mark = STR("[masked]");
    struct buf out = { 0 };
    bool any = mask_secrets(s, &out);
    need(any || out.n == 0);
    struct str left = buf_str(&out);
    for (size_t from = 0; any && left.n;) {
        size_t end = str_find(left, mark);
        struct str piece = str_sub(left, 0, end);
        size_t found = piece.n ? str_find(str_sub(s, from, n), piece) : 0;
        need(found != SIZE_MAX);
        from += found + piece.n;
        left = end == SIZE_MAX ? STR("") : str_sub(left, end + mark.n, left.n);
    }
    buf_clear(&out);
    mask_record(s, &out);
    need(out.n > 0 && str_find(buf_str(&out), STR("[masked")) != SIZE_MAX);
    buf_free(&out);
    return 0;
}
