/* lastlog: records lie within the input, and nothing is read beyond it. The
 * file may be packed as in tests/evidence/sectors.h: it is mostly holes, and a
 * long one is read in steps. */
#include "tests/evidence/sectors.h"
#include "tests/fuzz/importer.h"

enum { FILE_MAX = 65 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = { (const char *)data, size };
    struct collected c = { 0 };
    size_t n;
    char *whole = sectors_unpack(s, FILE_MAX, &n);
    if (whole)
        s = (struct str){ whole, n };
    fuzz_probe(STR("lastlog"), s, STR("var/log/lastlog"));
    fuzz_probe(STR("lastlog"), s, STR("elsewhere"));
    collect(&c, s, STR("var/log/lastlog"), STR("lastlog"), COLLECT_COUNT);
    if (c.failed)
        abort();
    collect_free(&c);
    free(whole);
    return 0;
}
