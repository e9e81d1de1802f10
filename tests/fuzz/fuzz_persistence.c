/* What runs by itself: the first byte of the input chooses the file's name, so
 * that one target reaches every kind; from 128 on it has to be recognised, too.
 */
#include "tests/fuzz/importer.h"

static const char *const names[] = {
    "etc/crontab",
    "var/spool/cron/crontabs/svc-backup",
    "etc/anacrontab",
    "etc/cron.daily/logrotate",
    "var/spool/cron/atjobs/a0000101c2f2d0",
    "etc/rc.local",
    "home/alice/.bashrc",
    "etc/ld.so.preload",
    "etc/ld.so.conf.d/x.conf",
    "etc/pam.d/sshd",
    "etc/pam.conf",
    "etc/udev/rules.d/99-x.rules",
    "etc/modules",
    "etc/systemd/system/sysupd.service",
    "etc/systemd/system/sysupd.timer",
    "etc/systemd/system/x.socket",
    "etc/systemd/system/x.path",
    "etc/systemd/system/sshd.service.d/10-x.conf",
    "home/alice/.config/autostart/a.desktop",
    "copies/alice-crontab",
    "copies/crontab.txt",
    "etc/systemd/system/named.timer",
    "etc/systemd/system/plain.service",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct collected c = { 0 };
    if (n == 0)
        return 0;
    const char *name =
        names[(data[0] & 127) % (sizeof(names) / sizeof(*names))];
    collect(&c, (struct str){ (const char *)data + 1, n - 1 }, str_from(name),
            data[0] & 128 ? STR("") : STR("persistence"), COLLECT_COUNT);
    if (c.failed)
        abort();
    collect_free(&c);
    return 0;
}
