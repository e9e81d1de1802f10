/* What messages of programs say, and what forged names cannot make them say. */
#include "importers/meaning.h"
#include "tests/tap.h"

#include <stdlib.h>

#include "base/kinds.h"

#define FP "SHA256:0WD8o0mYXF6Wq6fY4Z74OhiqZly+SsbN9MILkMrQt5I"

static const struct {
    const char *program, *message;
    const char *says; /* action|actor|target|ip|outcome|text, then refs */
} cases[] = {
    /* sshd: names of existing users */
    { "sshd", "Accepted password for alice from 192.0.2.10 port 4242 ssh2",
      "login|alice||192.0.2.10||" },
    { "sshd",
      "Accepted publickey for ec2-user from 2001:DB8::5 port 50000 ssh2: "
      "ED25519 " FP,
      "login|ec2-user||2001:db8::5||| actor:fingerprint=" FP },
    { "sshd-session",
      "Accepted publickey for alice from 192.0.2.10 port 4242 ssh2: RSA "
      "43:51:43:a1:b5:fc:8b:b7:0a:3a:a9:b1:0f:66:73:a8",
      "login|alice||192.0.2.10||| "
      "actor:fingerprint=MD5:43:51:43:a1:b5:fc:8b:b7:0a:3a:a9:b1:0f:66:73:a8" },
    { "/usr/sbin/sshd",
      "Accepted publickey for alice from 192.0.2.10 port 4242 ssh2: "
      "ED25519-CERT " FP " ID x from 198.51.100.9 port 1 ssh2: (serial 0) CA "
      "RSA " FP,
      "login|alice||192.0.2.10||| actor:fingerprint=" FP },
    { "sshd", "Accepted password for LAB\\j doe from 192.0.2.10 port 1 ssh2",
      "login|LAB\\j doe||192.0.2.10||" },
    { "sshd",
      "Accepted publickey for LAB\\j doe from 192.0.2.10 port 1 ssh2: RSA " FP,
      "login|||||" },
    { "sshd",
      "Failed password for root from 198.51.100.66 port 4000 ssh2 [preauth]",
      "login failed|root||198.51.100.66|failed|" },
    { "sshd", "Failed none for invalid user  from 198.51.100.66 port 1 ssh2",
      "login failed|||198.51.100.66|failed|" },
    { "sshd",
      "Failed keyboard-interactive/pam for alice from 198.51.100.66 port 1 "
      "ssh2",
      "login failed|alice||198.51.100.66|failed|" },
    { "sshd",
      "Failed publickey for alice from fe80::1%eth0 port 1 ssh2: RSA " FP,
      "login failed|alice||fe80::1|failed|| mentioned:fingerprint=" FP },
    { "sshd", "Invalid user oracle from 198.51.100.66 port 4001",
      "login failed|oracle||198.51.100.66|invalid user|" },
    { "sshd", "Invalid user oracle from 198.51.100.66",
      "login failed|oracle||198.51.100.66|invalid user|" },
    { "sshd", "Invalid user  from 198.51.100.66 port 4001", "log line|||||" },
    { "sshd",
      "error: maximum authentication attempts exceeded for invalid user admin "
      "from 198.51.100.66 port 22 ssh2 [preauth]",
      "login failed|admin||198.51.100.66|invalid user|" },
    { "sshd",
      "User bin from 198.51.100.66 not allowed because not listed in "
      "AllowUsers",
      "login failed|bin||198.51.100.66|denied|" },
    { "sshd", "User bin from scan.example.net not allowed because x",
      "login failed|bin|||denied|| from:domain=scan.example.net" },
    { "sshd", "User child is on pid 4711", "log line|||||" },
    { "sshd",
      "Received disconnect from 198.51.100.66 port 4000:11: Bye Bye [preauth]",
      "log line|||198.51.100.66||" },
    { "sshd", "Disconnected from user alice 192.0.2.10 port 4242",
      "logout|alice||192.0.2.10||" },
    { "sshd",
      "Connection closed by authenticating user root 198.51.100.66 port 40 "
      "[preauth]",
      "log line|root||198.51.100.66||" },
    { "sshd",
      "Starting session: shell on pts/0 for alice from 192.0.2.10 port "
      "4242 id 0",
      "session opened|alice||192.0.2.10||" },
    { "sshd",
      "Starting session: subsystem 'sftp' for alice from 192.0.2.10 "
      "port 4242 id 0",
      "session opened|alice||192.0.2.10||" },
    { "sshd", "Close session: user alice from 192.0.2.10 port 4242 id 0",
      "session closed|alice||192.0.2.10||" },
    { "sshd", "Server listening on 0.0.0.0 port 22.", "log line|||||" },
    { "sshd",
      "AuthorizedKeysCommand /opt/aws/bin/eic_run_authorized_keys alice " FP
      " failed, status 22",
      "log line|alice||||| mentioned:fingerprint=" FP },
    { "ec2-instance-connect",
      "Providing ssh key from EC2 Instance Connect with fingerprint: " FP
      ", request-id: 133a1cfc-cefc-448f-ab58-ac2b3c8e64c4, for IAM principal: "
      "arn:aws:iam::111122223333:user/alice",
      "log line|arn:aws:iam::111122223333:user/alice||||| "
      "mentioned:fingerprint=" FP
      " mentioned:request=133a1cfc-cefc-448f-ab58-ac2b3c8e64c4" },

    /* sshd: forged names, methods, certificates, farewells */
    { "sshd",
      "Invalid user root from 192.0.2.1 port 22 from 198.51.100.66 port 4000",
      "login failed|root from 192.0.2.1 port 22||198.51.100.66|invalid user|" },
    { "sshd",
      "Failed password for invalid user root from 192.0.2.1 port 22 ssh2 from "
      "198.51.100.66 port 4000 ssh2",
      "login failed|root from 192.0.2.1 port 22 ssh2||198.51.100.66|invalid "
      "user|" },
    { "sshd",
      "Failed password for invalid user Accepted password for root from "
      "192.0.2.1 port 22 ssh2 from 198.51.100.66 port 4000 ssh2",
      "login failed|Accepted password for root from 192.0.2.1 port 22 "
      "ssh2||198.51.100.66|invalid user|" },
    /* the method is the client's, too: only the address is sure */
    { "sshd",
      "Failed x for root from 192.0.2.1 port 22 ssh2 for alice from "
      "198.51.100.66 port 4000 ssh2",
      "login failed|||198.51.100.66|failed|" },
    { "sshd",
      "Failed publickey for root from 192.0.2.1 port 22 ssh2: RSA for alice "
      "from 198.51.100.66 port 4000 ssh2",
      "login failed|||198.51.100.66|failed|" },
    /* a name or a certificate? Either is possible: nothing is taken */
    { "sshd",
      "Failed publickey for invalid user x from 192.0.2.1 port 2 ssh2: y from "
      "198.51.100.66 port 4000 ssh2: RSA " FP,
      "login failed||||failed|" },
    { "sshd",
      "Failed publickey for alice from 198.51.100.66 port 4000 ssh2: "
      "ED25519-CERT " FP
      " ID from 192.0.2.1 port 22 ssh2 (serial 0) CA RSA " FP,
      "login failed||||failed|" },
    { "sshd",
      "Connection closed by invalid user root 192.0.2.1 port 22 198.51.100.66 "
      "port 4000 [preauth]",
      "log line|root 192.0.2.1 port 22||198.51.100.66||" },
    { "sshd",
      "Received disconnect from 198.51.100.66 port 4000:11: Accepted password "
      "for root from 192.0.2.1 port 22 ssh2",
      "log line|||198.51.100.66||" },
    { "sshd",
      "Bad protocol version identification 'Accepted password for root from "
      "192.0.2.1 port 2 ssh2' from 198.51.100.66 port 4000",
      "log line|||198.51.100.66||" },
    { "sshd",
      "PAM: Authentication failure for illegal user x for root from "
      "198.51.100.66",
      "login failed|x for root||198.51.100.66|invalid user|" },
    { "sshd",
      "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 "
      "tty=ssh ruser= rhost=198.51.100.66  user=root rhost=192.0.2.1",
      "login failed|root rhost=192.0.2.1||198.51.100.66|failed|" },
    { "webapp", "Accepted password for root from 192.0.2.1 port 22 ssh2",
      "log line|||||" },

    /* PAM */
    { "sshd",
      "pam_unix(sshd:session): session opened for user alice(uid=1000) by "
      "(uid=0)",
      "session opened|alice||||" },
    { "sudo",
      "pam_unix(sudo:session): session opened for user root(uid=0) by "
      "alice(uid=1000)",
      "session opened|alice|root|||" },
    { "su", "pam_unix(su-l:session): session closed for user root",
      "session closed|root||||" },
    { "sudo",
      "pam_unix(sudo:auth): authentication failure; logname=alice uid=1000 "
      "euid=0 tty=/dev/pts/0 ruser=alice rhost=  user=alice",
      "sudo|alice|||failed|" },
    { "sshd",
      "pam_sss(sshd:auth): authentication failure; logname= uid=0 euid=0 "
      "tty=ssh ruser= rhost=198.51.100.66 user=alice",
      "login failed|alice||198.51.100.66|failed|" },
    { "passwd", "pam_unix(passwd:chauthtok): password changed for svc-backup",
      "account changed||svc-backup|||" },

    /* sudo, su */
    { "sudo",
      "    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/ls "
      "-l",
      "sudo|alice|root|||/bin/ls -l" },
    { "sudo",
      "alice : TTY=pts/0 ; PWD=/ ; USER=root ; GROUP=adm ; TSID=000001 ; "
      "ENV=A=b ; COMMAND=/bin/id",
      "sudo|alice|root|||/bin/id" },
    { "sudo",
      "alice : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; "
      "COMMAND=/bin/sh",
      "sudo|alice|root||denied|/bin/sh" },
    { "sudo",
      "alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; "
      "COMMAND=/bin/sh",
      "sudo|alice|root||failed|/bin/sh" },
    { "sudo",
      "alice : a password is required ; PWD=/ ; USER=root ; COMMAND=list",
      "sudo|alice|root||failed|list" },
    { "sudo", "alice : (command continued) --with a very long line",
      "log line|alice||||" },
    /* a directory or an argument that plays USER: not to be told apart */
    { "sudo",
      "alice : TTY=pts/0 ; PWD=/tmp/x ; USER=nobody ; COMMAND=/bin/true ; "
      "USER=root ; COMMAND=/bin/sh",
      "sudo|alice||||" },
    { "sudo",
      "alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/echo x ; USER=www",
      "sudo|alice||||" },
    { "su", "(to root) alice on pts/1", "su|alice|root|||" },
    { "su", "FAILED SU (to root) alice on pts/1", "su|alice|root||failed|" },
    { "su", "Successful su for root by alice", "su|alice|root|||" },
    { "su", "FAILED su for x by root by alice", "su|alice|x by root||failed|" },
    { "su", "+ /dev/pts/0 alice:root", "su|alice|root|||" },
    { "login", "LOGIN ON tty1 BY alice", "login|alice||||" },
    { "login", "ROOT LOGIN ON tty1", "login|root||||" },
    { "login",
      "FAILED LOGIN (1) on '/dev/tty1' FOR 'alice', Authentication "
      "failure",
      "login failed|alice|||failed|" },
    { "login",
      "FAILED LOGIN (1) on '/dev/tty1' FOR 'x', root', Authentication "
      "failure",
      "login failed|x', root|||failed|" },

    /* cron, accounts */
    { "CRON", "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
      "command|root||||cd / && run-parts --report /etc/cron.hourly" },
    { "crontab", "(alice) REPLACE (alice)", "cron entry|alice|alice|||" },
    { "cron", "(CRON) INFO (Running @reboot jobs)", "log line|||||" },
    { "useradd",
      "new user: name=svc-backup, UID=1001, GID=1001, home=/home/svc-backup, "
      "shell=/bin/bash, from=/dev/pts/0",
      "account changed||svc-backup|||" },
    { "usermod", "add 'svc-backup' to group 'sudo'",
      "account changed||svc-backup|||" },
    { "groupadd", "new group: name=ops, GID=1002", "account changed||ops|||" },
    { "userdel", "delete user 'svc-backup'", "account changed||svc-backup|||" },

    /* systemd, kernel, clocks, addresses */
    { "systemd", "Started ssh.service - OpenBSD Secure Shell server.",
      "service started||ssh.service|||" },
    { "systemd", "Started OpenBSD Secure Shell server.",
      "service started|||||" },
    { "systemd", "Started Session 3 of user alice.", "log line|alice||||" },
    { "systemd", "sysupd.service: Failed with result 'exit-code'.",
      "service failed||sysupd.service||failed|" },
    { "systemd", "Failed to start sysupd.service - Update.",
      "service failed||sysupd.service||failed|" },
    { "systemd", "sysupd.timer: Deactivated successfully.",
      "service stopped||sysupd.timer|||" },
    { "systemd", "Reached target multi-user.target - Multi-User System.",
      "log line|||||" },
    { "systemd-logind", "New session 5 of user alice.",
      "session opened|alice||||" },
    { "systemd-logind", "Session 5 logged out. Waiting for processes to exit.",
      "session closed|||||" },
    { "systemd-logind", "System is rebooting.", "shutdown|||||" },
    { "kernel", "[    0.000000] Linux version 6.1.0-1 (x@example.net)",
      "boot|||||" },
    { "kernel", "Linux version 6.1.0", "boot|||||" },
    { "chronyd", "System clock was stepped by -0.707730 seconds",
      "clock step|||||" },
    { "ntpd", "time reset +12.345 s", "clock step|||||" },
    { "systemd-timesyncd",
      "System clock time unset or jumped backwards, restored from recorded "
      "timestamp: Wed 2026-03-11",
      "clock step|||||" },
    { "dhclient", "bound to 10.0.1.20 -- renewal in 1500 seconds.",
      "host fact||10.0.1.20|||" },
    { "NetworkManager",
      "<info>  [1773200000.1] dhcp4 (eth0): state changed new lease, "
      "address=10.0.1.20",
      "host fact||10.0.1.20|||" },
    { "systemd-networkd",
      "ens5: DHCPv4 address 10.0.1.20/24, gateway 10.0.1.1 acquired from "
      "10.0.1.1",
      "host fact||10.0.1.20|||" },
    { "", "", "log line|||||" },
};

START_TEST(messages)
{
    struct arena arena = { 0 };
    struct buf b = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct meaning m;
        arena_reset(&arena);
        buf_clear(&b);
        meaning_of(str_from(cases[i].program), str_from(cases[i].message),
                   &arena, &m);
        struct str columns[] = { m.action, m.actor,   m.target,
                                 m.ip,     m.outcome, m.text };
        for (size_t c = 0; c < 6; c++) {
            if (c)
                buf_putz(&b, "|");
            buf_put(&b, columns[c]);
        }
        if (m.n_refs)
            buf_putz(&b, "|");
        for (unsigned r = 0; r < m.n_refs; r++) {
            buf_putz(&b, " ");
            buf_put(&b, role_name(m.refs[r].role));
            buf_putz(&b, ":");
            buf_put(&b, kind_name(m.refs[r].kind));
            buf_putz(&b, "=");
            buf_put(&b, m.refs[r].value);
        }
        ck_assert_msg(str_eq(buf_str(&b), str_from(cases[i].says)),
                      "%s: %s\n  says %.*s\n  not  %s", cases[i].program,
                      cases[i].message, STR_ARG(buf_str(&b)), cases[i].says);
        ck_assert(!m.actor.n || m.actor_kind);
        ck_assert(!m.target.n || m.target_kind);
    }
    buf_free(&b);
    arena_free(&arena);
}
END_TEST

/* Every front part of every message is read without a look beyond it. */
START_TEST(cut)
{
    struct arena arena = { 0 };
    struct meaning m;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t n = 0; n < strlen(cases[i].message); n++) {
            char *p = malloc(n + 1);
            ck_assert(p);
            memcpy(p + 1, cases[i].message, n);
            arena_reset(&arena);
            meaning_of(str_from(cases[i].program), (struct str){ p + 1, n },
                       &arena, &m);
            ck_assert(m.action.n > 0);
            free(p);
        }
    arena_free(&arena);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("meaning");
    tap_case(s, "messages", messages);
    tap_case(s, "cut", cut);
    return s;
}
