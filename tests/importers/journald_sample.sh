#!/bin/sh
# journald_sample.sh SYSTEM|USER|UNCLEAN: entries of an invented host in
# journald's export format, from which the files below tests/data/host/journald
# were made:
#   journald_sample.sh SYSTEM | journald_make -c -k -z zstd -i 1
#   journald_sample.sh USER | journald_make -z lz4 -H 208 -i 2
#   journald_sample.sh UNCLEAN | journald_make -k -z xz -H 240 -s 1 -i 3
set -eu
LC_ALL=C

machine=0c1d2e3f405162738495a6b7c8d9e0f1
boot1=b0070000000000000000000000000001
boot2=b0070000000000000000000000000002
boot=$boot1 base=1773108000 started=1773108000 # 2026-03-10T02:00:00Z

# entry SECONDS FIELD=VALUE...: SECONDS after base
entry() {
    at=$1
    shift
    printf '__REALTIME_TIMESTAMP=%s\n' "$(((base + at) * 1000000 + 250000))"
    printf '__MONOTONIC_TIMESTAMP=%s\n' \
        "$(((base + at - started) * 1000000 + 1250000))"
    printf '%s\n' "_BOOT_ID=$boot" "_MACHINE_ID=$machine" "_HOSTNAME=app-01" "$@"
    printf '\n'
}
kernel() {
    entry "$1" _TRANSPORT=kernel SYSLOG_IDENTIFIER=kernel PRIORITY=5 \
        "MESSAGE=$2"
}
# unit SECONDS MESSAGE_ID UNIT MESSAGE FIELD=VALUE...
unit() {
    at=$1 id=$2 unit=$3 message=$4
    shift 4
    entry "$at" _UID=0 _PID=1 _COMM=systemd _EXE=/usr/lib/systemd/systemd \
        _SYSTEMD_UNIT=init.scope SYSLOG_IDENTIFIER=systemd PRIORITY=6 \
        "MESSAGE_ID=$id" "UNIT=$unit" "MESSAGE=$message" "$@"
}
sshd() {
    entry "$1" _UID=0 _PID=812 _COMM=sshd _EXE=/usr/sbin/sshd \
        _SYSTEMD_UNIT=sshd.service SYSLOG_IDENTIFIER=sshd PRIORITY=6 \
        "MESSAGE=$2"
}
le64() { # of numbers below 65536
    # shellcheck disable=SC2059 # the format is made here
    printf "\\$(printf %o $(($1 % 256)))\\$(printf %o $(($1 / 256)))"
    printf '\0\0\0\0\0\0'
}

case $1 in
SYSTEM)
    kernel 0 "Linux version 6.1.0 (builder@example) #1 SMP"
    unit 3 39f53479d3a045ac8e11786248231fbf sshd.service \
        "Started OpenSSH server daemon."
    sshd 60 "Accepted publickey for alice from 192.0.2.10 port 50122 ssh2"
    entry 61 _UID=0 _COMM=systemd-logind SYSLOG_IDENTIFIER=systemd-logind \
        MESSAGE_ID=8d45620c1a4348dbb17410da57c60c66 USER_ID=alice \
        SESSION_ID=4 PRIORITY=6 "MESSAGE=New session 4 of user alice."
    entry 70 _UID=1000 _COMM=sudo SYSLOG_IDENTIFIER=sudo PRIORITY=5 \
        "MESSAGE=   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/systemctl restart app"
    unit 71 9d1aaa27d60140bd96365438aad20286 app.service "Stopped Application."
    unit 72 d9b373ed55a64feb8242e02dbe79a49c app.service \
        "app.service: Failed with result 'exit-code'." UNIT_RESULT=exit-code
    unit 73 be02cf6855d2428ba40df7e9d022f03d app.service \
        "Failed to start Application." JOB_RESULT=failed PRIORITY=3
    entry 80 _UID=0 _COMM=systemd-coredum SYSLOG_IDENTIFIER=systemd-coredump \
        MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1 PRIORITY=2 \
        COREDUMP_EXE=/opt/app/server COREDUMP_SIGNAL_NAME=SIGSEGV \
        "MESSAGE=Process 900 (server) of user 1000 dumped core."
    entry 90 _UID=1000 _COMM=logger SYSLOG_IDENTIFIER=sshd PRIORITY=6 \
        "MESSAGE=Accepted password for root from 198.51.100.77 port 4444 ssh2"
    entry 95 _UID=0 _COMM=systemd-journal SYSLOG_IDENTIFIER=systemd-journald \
        MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e N_DROPPED=1712 PRIORITY=4 \
        "MESSAGE=Suppressed 1712 messages from app.service"
    entry 100 _UID=33 _COMM=app SYSLOG_IDENTIFIER=app PRIORITY=4 \
        _SOURCE_REALTIME_TIMESTAMP=1773108040000000 \
        "MESSAGE=queued request of i-0f3a9c1d2b4e5f607, key AKIASVCBACKUPEXAMPLE"
    entry 110 _UID=33 _COMM=app SYSLOG_IDENTIFIER=app \
        "MESSAGE=connect --password=correct-horse-battery"
    i=0 long=
    while [ $i -lt 60 ]; do
        long="$long line $i of a long message;"
        i=$((i + 1))
    done
    entry 120 _UID=33 SYSLOG_IDENTIFIER=app "MESSAGE=$long" EXTRA=1 EXTRA=2
    printf '__REALTIME_TIMESTAMP=1773108130000000\n'
    printf '__MONOTONIC_TIMESTAMP=131000000\n_BOOT_ID=%s\nMESSAGE\n' "$boot"
    le64 11
    printf 'two\nlines\377\001\n\n'
    entry 135 _UID=0 _COMM=systemd SYSLOG_IDENTIFIER=systemd \
        CONTAINER_ID_FULL=4f0e PRIORITY=6
    entry 140 _UID=0 _COMM=systemd-logind SYSLOG_IDENTIFIER=systemd-logind \
        MESSAGE_ID=98268866d1d54a499c4e98921d93bc40 PRIORITY=6 \
        "MESSAGE=System is rebooting."
    boot=$boot2 base=1773195180 started=1773195180 # 2026-03-11T02:13:00Z
    kernel 0 "Linux version 6.1.0 (builder@example) #1 SMP"
    base=$((base - 900))
    entry 905 _UID=0 _COMM=systemd SYSLOG_IDENTIFIER=systemd PRIORITY=6 \
        MESSAGE_ID=c7a787079b354eaaa9e77b371893cd27 REALTIME=1773194285250000 \
        "MESSAGE=Time has been changed"
    started=$((started - 900))
    entry 30 _UID=0 _COMM=systemd SYSLOG_IDENTIFIER=systemd PRIORITY=6 \
        MESSAGE_ID=39f53479d3a045ac8e11786248231fbf UNIT=sysupd.timer \
        "MESSAGE=Started System update."
    ;;
USER)
    i=0
    while [ $i -lt 12 ]; do
        entry $((200 + i)) _UID=1000 _COMM=systemd SYSLOG_IDENTIFIER=systemd \
            _SYSTEMD_USER_UNIT=init.scope USER_UNIT="job-$i.service" \
            MESSAGE_ID=39f53479d3a045ac8e11786248231fbf \
            "MESSAGE=Started job $i$(printf "%0$((i * 80 + 1))d" 0)"
        i=$((i + 1))
    done
    ;;
UNCLEAN)
    i=0
    while [ $i -lt 20 ]; do
        sshd $((300 + i)) "Failed password for invalid user admin$i from 198.51.100.66 port $((40000 + i)) ssh2"
        i=$((i + 1))
    done
    sshd 330 "$(printf '%0700d' 7)"
    ;;
esac
