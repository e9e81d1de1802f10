/* Histories: the first byte of the input chooses the file name, so that one
 * target reaches every kind; from 128 on it has to be recognised, too. */
#include "tests/fuzz/importer.h"

static const char *const names[] = {
    "root/.bash_history",  "root/.zsh_history",    "root/fish_history",
    "root/.viminfo",       "root/.lesshst",        "root/.mysql_history",
    "home/alice/.history", "x/.node_repl_history", "copy",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct collected c = { 0 };
    if (n == 0)
        return 0;
    const char *name =
        names[(data[0] & 127) % (sizeof(names) / sizeof(*names))];
    collect(&c, (struct str){ (const char *)data + 1, n - 1 }, str_from(name),
            data[0] & 128 ? STR("") : STR("shell-history"), COLLECT_COUNT);
    if (c.failed)
        abort();
    collect_free(&c);
    return 0;
}
