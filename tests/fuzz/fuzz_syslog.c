/* syslog: records lie within the input, and nothing is read beyond it. */
#include "tests/fuzz/importer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = { (const char *)data, size };
    struct collected c = { 0 };
    fuzz_probe(STR("syslog"), s, STR("var/log/messages-20260312"));
    fuzz_probe(STR("syslog"), s, STR("elsewhere"));
    collect(&c, s, STR("var/log/messages-20260312"), STR("syslog"),
            COLLECT_COUNT);
    if (c.failed)
        abort();
    collect_free(&c);
    return 0;
}
