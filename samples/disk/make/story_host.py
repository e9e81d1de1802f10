"""Texts of the host: settings and logs."""
import os
import struct
import subprocess
import tempfile

from story_audit import RULES, SETTINGS
from story_login import (BOOTED, HOST_KEY, INSTANCE, PROFILE, at, stamp)

MACHINE = "ec20f3a9c1d2b4e5f60711223344aabb"
BOOT_ID = "f0c0cabed8404e399a6a46699ee33e5f"   # as the memory sample says


def zone():
    """UTC as a TZif file of version 2."""
    part = b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, 0, 0, 1, 4) + \
        struct.pack(">iBB", 0, 0, 0) + b"UTC\0"
    return part + part + b"\nUTC0\n"


def etc_files():
    return {
        "/usr/lib/os-release": (0o644, 'NAME="Amazon Linux"\nVERSION="2023"\n'
                                'ID="amzn"\nID_LIKE="fedora"\n'
                                'VERSION_ID="2023"\nPRETTY_NAME="Amazon Linux '
                                '2023 (sample)"\n'),
        "/etc/passwd": (0o644, "root:x:0:0:root:/root:/bin/bash\n"
                        "sshd:x:74:74::/usr/share/empty.sshd:/sbin/nologin\n"
                        "nginx:x:993:993::/var/lib/nginx:/sbin/nologin\n"
                        "ec2-user:x:1000:1000::/home/ec2-user:/bin/bash\n"
                        "app:x:1001:1001::/data/www:/sbin/nologin\n"),
        "/etc/group": (0o644, "root:x:0:\nadm:x:4:ec2-user\n"
                       "wheel:x:10:ec2-user\nsshd:x:74:\nnginx:x:993:\n"
                       "ec2-user:x:1000:\napp:x:1001:\n"),
        "/etc/shadow": (0o000, "root:*:20508::::::\nsshd:!!:20508::::::\n"
                        "nginx:!!:20520::::::\nec2-user:!!:20521:0:99999:7:::"
                        "\napp:!!:20520::::::\n"),
        "/etc/hosts": (0o644, "127.0.0.1 localhost\n10.0.1.20 app-01\n"),
        "/etc/fstab": (0o644, "LABEL=/ / xfs defaults,noatime 1 1\n"
                       "PARTLABEL=EFI\\040System\\040Partition /boot/efi vfat "
                       "defaults,noatime,uid=0,gid=0,umask=0077 0 2\n"),
        "/etc/ssh/sshd_config": (0o600, "PasswordAuthentication no\n"
                                 "KbdInteractiveAuthentication yes\n"
                                 "PermitRootLogin no\nUsePAM yes\n"),
        "/etc/ssh/ssh_host_ed25519_key.pub":
            (0o644, "ssh-ed25519 %s root@app-01\n" % HOST_KEY),
        "/etc/sudoers.d/90-cloud-init-users":
            (0o440, "ec2-user ALL=(ALL) NOPASSWD:ALL\n"),
        "/etc/cron.d/0hourly": (0o644, "01 * * * * root run-parts "
                                "/etc/cron.hourly\n"),
        "/etc/profile.d/history.sh": (0o644, PROFILE),
        "/etc/audit/auditd.conf": (0o640, SETTINGS),
        "/etc/audit/rules.d/audit.rules": (0o600, RULES),
        "/usr/lib/systemd/system/crond.service":
            (0o644, "[Service]\nExecStart=/usr/sbin/crond -n\n"),
        "/usr/lib/systemd/system/sshd.service":
            (0o644, "[Service]\nExecStart=/usr/sbin/sshd -D\n"),
    }


def cloud_init():
    log = "".join("2026-03-09 00:10:0%d,%03d - %s\n" % x for x in (
        (1, 204, "util.py[DEBUG]: Cloud-init v. 22.2.2 running 'init-local'"),
        (2, 17, "DataSourceEc2.py[DEBUG]: instance-id " + INSTANCE),
        (3, 310, "stages.py[INFO]: previous iid i-0b1de5c0de0000001, new"),
        (4, 120, "cc_set_hostname.py[DEBUG]: setting hostname app-01"),
        (5, 77, "cc_users_groups.py[DEBUG]: adding user ec2-user"),
        (7, 640, "util.py[DEBUG]: running runcmd")))
    output = ("Cloud-init v. 22.2.2 running 'modules:final' at Mon, 09 Mar "
              "2026 00:10:07 +0000. Up 6.9 seconds.\n")
    return log, output


def messages(_, day):
    """9 March: boot; 10 March: the hours until midnight."""
    if day == 9:
        t = int(BOOTED)
        rows = [(t + 1, "kernel: Linux version 6.1.0-56-cloud-amd64"),
                (t + 1, "kernel: XFS (nvme0n1p1): Mounting V5 Filesystem"),
                (t + 4, "systemd[1]: Hostname set to <app-01>."),
                (t + 5, "sshd[81]: Server listening on 0.0.0.0 port 22."),
                (t + 5, "crond[82]: (CRON) INFO (running with inotify "
                 "support)"),
                (t + 6, "chronyd[83]: Selected source 169.254.169.123"),
                (t + 8, "amazon-ssm-agent[84]: INFO agent started")]
    else:
        rows = [(at(9 + h // 24, h % 24, 1, 1), "crond[82]: (root) CMD "
                 "(run-parts /etc/cron.hourly)") for h in range(1, 48)]
    return "".join("%s app-01 %s\n" % (stamp(t), x) for t, x in rows)


def journal(events):
    """A journal file with the same messages, by systemd's own writer."""
    text = []
    for i, (ms, line) in enumerate(events):
        head, body = line.split(": ", 1)
        name = head.split()[-1]
        pid = name[name.index("[") + 1:-1]
        us = ms * 1000 + 137
        text.append("".join("%s=%s\n" % x for x in (
            ("__CURSOR", "x%d" % i), ("__REALTIME_TIMESTAMP", us),
            ("__MONOTONIC_TIMESTAMP", us - int(BOOTED * 1000000)),
            ("_BOOT_ID", BOOT_ID), ("_MACHINE_ID", MACHINE),
            ("_HOSTNAME", "app-01"), ("_TRANSPORT", "syslog"),
            ("PRIORITY", 6), ("_UID", 0), ("_PID", pid),
            ("SYSLOG_IDENTIFIER", name.split("[")[0]), ("MESSAGE", body))) +
            "\n")
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "system.journal")
        subprocess.run(["/lib/systemd/systemd-journal-remote", "--compress=no",
                        "--output=" + path, "-"], check=True,
                       input="".join(text).encode(),
                       stderr=subprocess.DEVNULL)
        return open(path, "rb").read()
