/* Accounts and access: the first byte of the input chooses the file's name, so
 * that one target reaches every kind; from 128 on it has to be recognised, too.
 */
#include "tests/fuzz/importer.h"

static const char *const names[] = {
    "etc/passwd",
    "etc/shadow",
    "etc/group",
    "etc/gshadow",
    "etc/sudoers",
    "home/alice/.ssh/authorized_keys",
    "home/alice/.ssh/known_hosts",
    "home/alice/.ssh/id.pub",
    "etc/ssh/sshd_config",
    "home/alice/.ssh/config",
    "home/alice/.ssh/id_plain",
    "home/alice/.ssh/id_locked",
    "home/alice/.ssh/id_bad",
    "copies/passwd.txt",
    "copies/shadow.bak",
    "copies/groups",
    "copies/my_known_hosts",
    "copies/loose.pem",
    "etc/ssh/ssh_host_x_key",
    "copies/authorized_keys.old",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct collected c = { 0 };
    if (n == 0)
        return 0;
    const char *name =
        names[(data[0] & 127) % (sizeof(names) / sizeof(*names))];
    collect(&c, (struct str){ (const char *)data + 1, n - 1 }, str_from(name),
            data[0] & 128 ? STR("") : STR("accounts"), COLLECT_COUNT);
    if (c.failed)
        abort();
    collect_free(&c);
    return 0;
}
