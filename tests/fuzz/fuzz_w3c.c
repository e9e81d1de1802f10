/* Logs in the W3C extended format, as both of its importers read them. */
#include "tests/fuzz/importer.h"

static void read_as(struct str importer, struct str s, struct str path)
{
    struct collected c = { 0 };
    fuzz_probe(importer, s, path);
    fuzz_probe(importer, s, STR("elsewhere"));
    collect(&c, s, path, importer, COLLECT_COUNT);
    if (c.failed)
        abort();
    collect_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = { (const char *)data, size };
    read_as(STR("iis"), s, STR("inetpub/logs/LogFiles/W3SVC1/u_ex260311.log"));
    read_as(STR("windows-firewall"), s,
            STR("Windows/System32/LogFiles/Firewall/pfirewall.log"));
    return 0;
}
