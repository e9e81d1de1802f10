#!/bin/sh
# Logins and syslog of plaso's test data, in the folder PLASO_TEST_DATA (its
# test_data): counts and values as its own tests state them, restated here.
. "$SRCDIR/tests/lib.sh"
data=${PLASO_TEST_DATA:-}
[ -d "$data/utmp" ] && [ -d "$data/syslog" ] ||
    skip_all "PLASO_TEST_DATA is no folder of plaso's test data"

# events FILE: imports it alone, all its events in out
events() {
    rm -f a.kan
    "$KANSHIKI" new a.kan >/dev/null && "$KANSHIKI" import a.kan "$1" >/dev/null 2>import
    "$KANSHIKI" timeline a.kan --format jsonl --limit 1000 >out 2>err
}
count() { # NAME FILE N
    events "$data/$2"
    is "$(wc -l <out)" "$3" "$1: $3 events"
}
has() { # NAME WORDS..: one event has all of them
    name=$1
    shift
    cp out left
    for w in "$@"; do
        grep -F -e "$w" left >less
        mv less left
    done
    [ -s left ]
    ok "$name"
}

count "utmp" utmp/utmp 14
has "LOGIN on tty4" 2013-12-13T14:45:09 'tty4'
# plaso counts 4: two records are zeros, which are an issue here
count "wtmp" utmp/wtmp.1 2
"$KANSHIKI" status a.kan >status
grep -q "2 records of zeros" status
ok "its other two records are zeros"
has "userA from 10.10.122.1" 2011-12-01T17:36:38.432935 userA 10.10.122.1 pts/32
count "64-bit times" utmp/utmp_aarch64 6
has "the dead process" 2026-07-03T14:57:58 tty2 logout 4.3.2.1
has "the new time is five minutes later" 2026-07-03T15:02:58 'clock step'
count "x86-64" utmp/utmp_x86_64 6
has "its dead process" 2026-07-03T14:58:29 tty2 logout 4.3.2.1
count "big endian" utmp/utmp_s390 6
has "its boot" 2026-07-04T05:00:25 boot 1.2.3.4
count "damaged records" utmp/utmp_corrupted 2
has "bob after them" 2023-11-14T22:46:40 bob 10.0.0.5 pts/0

count "ChromeOS" syslog/syslog_chromeos 8
has "with its zone" 2016-10-25T19:37:23.297265 'cleanup_logs: job completed'
count "rsyslog" syslog/syslog_rsyslog 5
has "microseconds" 2020-05-31T00:00:45.698463 'message repeated 76 times: [-- MARK --]'
count "RFC 5424" syslog/syslog_rsyslog_SyslogProtocol23Format 9
has "its first line" 2021-03-06T04:07:38.251122 'this is debug'
count "no year, a leap day, several years" syslog/syslog 16
has "the next year after it" '-03-23T23:01:18.123' 'fractional value'
count "cron" syslog/syslog_cron.log 9
has "a command" command 'touch /var/run/crond.somecheck'
done_testing
