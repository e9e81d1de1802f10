/* Any bytes as what a system states of its machine. */
#include "tests/fuzz/importer.h"

/* clang-format off: one a line */
FUZZ_IMPORTER_PATHS("host-identity",
    "etc/adjtime",
    "etc/fstab",
    "etc/hostname",
    "etc/hosts",
    "etc/image-id",
    "etc/localtime",
    "etc/machine-id",
    "etc/netplan/50-cloud-init.yaml",
    "etc/os-release",
    "etc/resolv.conf",
    "etc/sysconfig/network-scripts/ifcfg-eth0",
    "etc/system-release",
    "etc/timezone",
    "old/etc/localtime",
    "run/systemd/netif/leases/2",
    "var/lib/chrony/drift",
    "var/lib/dbus/machine-id",
    "var/lib/dhclient/dhclient--eth0.lease",
    "var/lib/systemd/random-seed",
    "var/log/chrony/tracking.log")
