#!/bin/sh
# How fast the records of a host come out of an image:
#
#   bench/host.sh [NAMES [MIB [FOLDER]]]
#
# Makes an ext4 image with NAMES (200,000) files and MIB (2048) MiB of logs in
# rotated files (syslog, audit, web access, in turn) in FOLDER (/tmp/host200;
# root, for a loop mount), reads it into the page cache, and imports it ROUNDS
# (1) times into a new case. Prints for each: wall and CPU seconds (of all
# processes), the peak of memory in MiB, MiB of log text a second, events a
# second.
set -eu
cd "$(dirname "$0")/.."
names=${1:-200000} mib=${2:-2048} folder=${3:-/tmp/host200}
make -C build --no-print-directory kanshiki bench/make_tree >&2
kanshiki=$PWD/build/kanshiki
mkdir -p "$folder/m"
image=$folder/host.img

logs() { # FOLDER MIB
    python3 - "$1" "$2" <<'PY'
import datetime, os, random, sys
folder, left = sys.argv[1], int(sys.argv[2]) << 20
rng = random.Random(20260311)
start = datetime.datetime(2026, 1, 1)
forms = (
    ("messages", lambda t, i: "%s %2d %s app-01 %s[%d]: %s\n" % (
        t.strftime("%b"), t.day, t.strftime("%H:%M:%S"),
        ("sshd", "CRON", "systemd", "app")[i % 4], 100 + i % 30000,
        ("Accepted publickey for ec2-user from 192.0.2.%d port %d ssh2: "
         "ED25519 SHA256:abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG" % (
             i % 250, 1024 + i % 60000),
         "pam_unix(cron:session): session opened for user root(uid=0)",
         "Started Session %d of User ec2-user." % i,
         "request id=%08x took %d ms path=/api/v1/items/%d status=200" % (
             i, i % 900, i % 5000))[i % 4])),
    ("audit/audit.log", lambda t, i: "type=SYSCALL msg=audit(%d.%03d:%d): "
     "arch=c000003e syscall=42 success=yes exit=0 a0=%x a1=7ffe%08x a2=10 a3=0 "
     "items=0 ppid=1 pid=%d auid=4294967295 uid=1001 gid=1001 euid=1001 "
     "tty=(none) ses=4294967295 comm=\"gunicorn\" exe=\"/usr/bin/python3.9\" "
     "key=\"net\"\n" % ((t - datetime.datetime(1970, 1, 1)).total_seconds(),
                         i % 1000, i, i % 40, i, 1300 + i % 4)),
    ("nginx/access.log", lambda t, i: "192.0.2.%d - - [%s +0000] \"GET "
     "/items/%d?page=%d HTTP/1.1\" %d %d \"-\" \"Mozilla/5.0 (X11; Linux "
     "x86_64; rv:122.0) Gecko/20100101 Firefox/122.0\"\n" % (
         i % 250, t.strftime("%d/%b/%Y:%H:%M:%S"), i % 9000, i % 20,
         (200, 200, 200, 404)[i % 4], i % 90000)))
n, serial = 0, 0
while left > 0:
    name, form = forms[n % 3]
    path = os.path.join(folder, name + ".%d" % (n // 3 + 1))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    size, want = 0, min(left, 64 << 20)
    with open(path, "w") as f:
        while size < want:
            t = start + datetime.timedelta(seconds=serial // 9)
            lines = "".join(form(t, serial + k) for k in range(500))
            serial += 500
            f.write(lines)
            size += len(lines)
    left -= size
    n += 1
PY
}
if [ ! -f "$image" ]; then
    truncate -s "${SIZE:-6G}" "$image.new"
    mke2fs -q -F -t ext4 -N "$((names * 2))" "$image.new" >&2
    mount -o loop "$image.new" "$folder/m"
    { build/bench/make_tree "$folder/m" "$names" && mkdir -p "$folder/m/var/log" &&
        logs "$folder/m/var/log" "$mib"; } || { umount "$folder/m"; exit 1; }
    umount "$folder/m"
    mv "$image.new" "$image"
fi
cat "$image" >/dev/null

i=0
while [ "$i" -lt "${ROUNDS:-1}" ]; do
    case=$folder/host.kan
    rm -f "$case"*
    "$kanshiki" new "$case" >/dev/null
    python3 bench/measure.py "$kanshiki" import "$case" "$image" \
        --progress none 2>/dev/null >"$folder/figures" || true
    events=$("$kanshiki" status "$case" --format jsonl 2>/dev/null |
        sed -n 's/.*"events":\([0-9]*\).*/\1/p' | head -n 1)
    awk -v mib="$mib" -v events="${events:-0}" 'NR == 1 {
        printf "%.1f s, %.1f s of CPU, %s MiB; %.0f MiB/s of logs, ", $1, $2, $3, mib / $1
        printf "%d events, %.0f events/s\n", events, events / $1 }' "$folder/figures"
    i=$((i + 1))
done
