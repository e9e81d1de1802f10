"""Who logged in and what they typed: logs of logins, histories, SSM."""
import struct
from datetime import datetime, timezone

INSTANCE = "i-0f3a9c1d2b4e5f607"
CMD = "5f0c2d7e-8b1a-4c39-9e42-3d1b7a60f215"
BOOTED = 1773015000.738
# keys made for this; their private halves were never kept
ALICE_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIFItEdvpCWyRBwGWjbt5PncNnQ2/Y6E70dPaF8nr" \
    "JVHN"
ALICE_PRINT = "SHA256:tlZLe3xr2/r9/9DumBKKzTfRM7ta42GtxWYQxTgB0ig"
HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAILWPzbFiDeaxtbSmfbfMx+D6qF7BOQRGXkG2U+Jz" \
    "T8AZ"
SHELL = 31077       # the implant's second shell


def at(day, hour, minute, second):
    """UTC; days of March 2026, those before its first are of February."""
    return 1772323200 + ((day - 1) * 24 + hour) * 3600 + minute * 60 + second


def stamp(t):
    d = datetime.fromtimestamp(t, timezone.utc)
    return "%s %2d %s" % (d.strftime("%b"), d.day, d.strftime("%H:%M:%S"))


HOME = "/home/ec2-user"
# time, pid, as whom, where, what, as typed, seconds it took
SUDO = [
    (at(9, 0, 50, 1), 1233, "root", HOME,
     "/usr/sbin/mkfs.ext4 -L data /dev/nvme1n1",
     "sudo mkfs.ext4 -L data /dev/nvme1n1", 2),
    (at(9, 0, 50, 12), 1237, "root", HOME, "/usr/bin/mount LABEL=data /data",
     "sudo mount LABEL=data /data", 0),
    (at(9, 0, 51, 0), 1241, "root", HOME, "/usr/bin/install -d /data/log",
     "sudo install -d /data/log", 0),
    (at(9, 0, 52, 3), 1244, "app", HOME,
     "/usr/bin/git clone reports /data/www",
     "sudo -u app git clone reports /data/www", 9),
    (at(9, 0, 54, 10), 1252, "root", HOME, "/bin/bash", "sudo -i", 52),
    (at(9, 0, 58, 0), 1277, "root", HOME,
     "/usr/bin/systemctl restart reports nginx",
     "sudo systemctl restart reports nginx", 1),
]
# time, pid, name, port: no password is taken, no such user is there
SCANNED = [(at(11, 1, 41, 31 + 4 * i), 30417 + 3 * i, name, 44106 + i)
           for i, name in enumerate(("admin", "oracle", "ubuntu", "test"))]


def lines(rows):
    return "".join("%s app-01 %s\n" % (stamp(t), x) for t, x in rows)


def session(service, user, uid, by, opened):
    return "pam_unix(%s:session): session %s for user %s" % (
        service, "opened" if opened else "closed", user) + (
            "(uid=%d) by %s" % (uid, by) if opened else "")


def sudo_rows():
    for t, pid, user, cwd, command, typed, took in SUDO:
        pam = "sudo-i" if typed == "sudo -i" else "sudo"
        who = "sudo[%d]: " % pid
        yield t, who + "ec2-user : TTY=pts/0 ; PWD=%s ; USER=%s ; COMMAND=%s" \
            % (cwd, user, command)
        yield t, who + session(pam, user, 1001 if user == "app" else 0,
                               "ec2-user(uid=1000)", True)
        yield t + took, who + session(pam, user, 0, "", False)


def su_rows(t, pid, user, uid, tty, by):
    who = "su[%d]: " % pid
    return [(t, who + "(to %s) root on %s" % (user, tty)),
            (t, who + session("su-l", user, uid, "%s(uid=0)" % by, True)),
            (t, who + session("su-l", user, uid, "", False))]


def alice_secure():
    t = at(9, 0, 47, 31)
    rows = [(t, "sshd[1204]: Accepted publickey for ec2-user from "
             "192.0.2.10 port 50122 ssh2: ED25519 " + ALICE_PRINT),
            (t, "sshd[1204]: " + session("sshd", "ec2-user", 1000, "(uid=0)",
                                         True)),
            (at(9, 1, 3, 30), "sshd[1209]: Received disconnect from 192.0.2.10 "
             "port 50122:11: disconnected by user"),
            (at(9, 1, 3, 30), "sshd[1209]: Disconnected from user ec2-user "
             "192.0.2.10 port 50122"),
            (at(9, 1, 3, 30), "sshd[1204]: " + session(
                "sshd", "ec2-user", 1000, "", False))]
    rows += list(sudo_rows())
    rows += su_rows(at(9, 0, 54, 51), 1263, "app", 1001, "pts/0", "ec2-user")
    return lines(sorted(rows, key=lambda r: r[0]))


def scanner_secure():
    rows = [(at(11, 1, 41, 20 + i), "sshd[%d]: Connection closed by "
             "192.0.2.99 port %d [preauth]" % (30411 + i, 44100 + i))
            for i in range(6)]
    for t, pid, name, port in SCANNED:
        who, child = "sshd[%d]: " % pid, "sshd[%d]: " % (pid + 1)
        rows += [(t - 1, who + "Invalid user %s from 192.0.2.99 port %d" % (
                     name, port)),
                 (t, child + "pam_unix(sshd:auth): check pass; user unknown"),
                 (t, child + "pam_unix(sshd:auth): authentication failure; "
                  "logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.99"),
                 (t, who + "error: PAM: User not known to the underlying "
                  "authentication module for illegal user %s from 192.0.2.99"
                  % name),
                 (t, who + "Failed keyboard-interactive/pam for invalid user "
                  "%s from 192.0.2.99 port %d ssh2" % (name, port)),
                 (t + 1, who + "Connection closed by invalid user %s "
                  "192.0.2.99 port %d [preauth]" % (name, port))]
    return lines(rows)


def attacker_secure():
    return lines(su_rows(at(11, 3, 38, 31), SHELL + 9, "ec2-user", 1000,
                         "none", "(unknown)"))


def utmp(kind, pid, line, ident, user, host, t, addr=b"\0\0\0\0"):
    return struct.pack("<hxxi32s4s32s256shhiii4s12x20x", kind, pid, line,
                       ident, user, host, 0, 0, 0, t, 0, addr)


def wtmp(login):
    if not login:
        return utmp(2, 0, b"~", b"~~", b"reboot", b"6.1.0-56-cloud-amd64",
                    int(BOOTED) + 1)
    return utmp(7, 1204, b"pts/0", b"ts/0", b"ec2-user", b"192.0.2.10",
                at(9, 0, 47, 31), bytes((192, 0, 2, 10))) + \
        utmp(8, 1204, b"pts/0", b"", b"", b"", at(9, 1, 3, 30))


def btmp():
    """sshd's own: only failures of passwords are written there."""
    return b"".join(utmp(6, pid, b"ssh:notty", b"", name.encode(),
                         b"192.0.2.99", t, bytes((192, 0, 2, 99)))
                    for t, pid, name, _ in SCANNED)


def typed(rows):
    return "".join("#%d\n%s\n" % x for x in rows)


def alice_history():
    t = at(9, 0, 47, 31)
    return [(t + 60, "lsblk")] + [(x[0], x[5]) for x in SUDO] + [
        (at(9, 1, 2, 44), "aws s3 ls s3://corp-reports-111122223333/ "
         "--profile reports-ro"), (at(9, 1, 3, 30), "exit")]


# of alice's `sudo -i`
ROOT_HISTORY = [(at(9, 0, 54, 18), "blkid"),
                (at(9, 0, 54, 40), "chown -R app: /data/www"),
                (at(9, 0, 54, 51), "su - app -s /bin/bash -c 'git -C "
                 "/data/www log -1'"), (at(9, 0, 55, 2), "exit")]
# the second shell reads /etc/profile.d, so each line is in the file at once;
# `history -c` at 03:39:02 empties its list but not the file
ATTACKER_HISTORY = [
    (at(11, 3, 37, 12), "cat /root/.bash_history"),
    (at(11, 3, 37, 21), "cat /home/ec2-user/.aws/credentials"),
    (at(11, 3, 37, 34), "cp /bin/bash /var/tmp/.q/sh; chmod 4755 "
     "/var/tmp/.q/sh"),
    (at(11, 3, 38, 31), "su - ec2-user -c 'crontab -l'"),
    (at(11, 3, 39, 6), "history"),
    (at(11, 3, 39, 9), "exit")]
PROFILE = "HISTTIMEFORMAT='%F %T '\nPROMPT_COMMAND='history -a'\n"


def agent(t, ms, text):
    d = datetime.fromtimestamp(t, timezone.utc)
    return "%s.%04d INFO %s\n" % (d.strftime("%Y-%m-%d %H:%M:%S"), ms * 10,
                                  text)


def agent_boot():
    t, core = at(9, 0, 10, 8), "[amazon-ssm-agent] "
    worker = core + "[LongRunningWorkerContainer] "
    return "".join((
        agent(t, 12, "Agent will take identity from EC2"),
        agent(t, 14, core + "using named pipe channel for IPC"),
        agent(t, 15, core + "amazon-ssm-agent - v3.3.3050.0"),
        agent(t, 15, core + "OS: linux, Arch: amd64"),
        agent(t, 16, core + "Starting Core Agent"),
        agent(t, 240, worker + "[WorkerProvider] Worker ssm-agent-worker is "
              "not running, starting worker process"),
        agent(t, 251, worker + "[WorkerProvider] Worker ssm-agent-worker "
              "(pid:85) started"),
        agent(t + 1, 2, "[ssm-agent-worker] ssm-agent-worker - v3.3.3050.0"),
        agent(t + 1, 71, "[ssm-agent-worker] [MessageService] "
              "[EngineProcessor] Starting"),
        agent(t + 1, 88, "[ssm-agent-worker] [HealthCheck] HealthCheck "
              "reporting agent health.")))


def agent_command():
    t, service = at(11, 3, 20, 14), "[ssm-agent-worker] [MessageService] "
    doc = "[ssm-document-worker] [%s] " % CMD
    run = doc + "[DataBackend] [pluginName=aws:runShellScript] "
    return "".join((
        agent(t, 338, service + "[MGSInteractor] Processing AgentMessage: "
              "MessageType - agent_job, Id - 9b0d64e7-3c15-4f02-a8e6-"
              "27d1c05b83fa"),
        agent(t, 341, service + "document %s submission started" % CMD),
        agent(t, 420, doc + "ssm-document-worker - v3.3.3050.0"),
        agent(t, 421, doc + "document: %s worker started" % CMD),
        agent(t, 655, run + "Running plugin aws:runShellScript "
              "aws:runShellScript"),
        agent(t + 3, 24, doc + "[DataBackend] Sending plugin "
              "aws:runShellScript completion message"),
        agent(t + 3, 60, doc + "document: %s worker closed" % CMD)))


def agent_health():
    return agent(at(11, 4, 22, 11), 88, "[ssm-agent-worker] [HealthCheck] "
                 "HealthCheck reporting agent health.")
