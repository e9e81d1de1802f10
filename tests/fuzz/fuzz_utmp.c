/* utmp: records lie within the input, and nothing is read beyond it. */
#include "tests/fuzz/importer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = { (const char *)data, size };
    struct collected c = { 0 };
    fuzz_probe(STR("utmp"), s, STR("var/log/wtmp"));
    fuzz_probe(STR("utmp"), s, STR("elsewhere"));
    collect(&c, s, STR("var/log/wtmp"), STR("utmp"), COLLECT_COUNT);
    if (c.failed)
        abort();
    collect_free(&c);
    return 0;
}
