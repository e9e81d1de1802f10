#!/bin/sh
# Settings and histories that lie loose are known by name and content: text of
# the same name is not claimed.
. "$SRCDIR/tests/lib.sh"

dump=$BUILDDIR/tests/importers/job_dump
cat >prose <<'END'
Dear all, the meeting is at ten.
Please bring: your laptop, a pen and some paper.
* tea will be served, at 5 o'clock
END

# claimed NAME WANTED CONTENT
claimed() {
    got=$("$dump" "$3" "$1" | sed -n '1s/member //p')
    is "$got" "$2" "$1: $2"
}

for name in passwd shadow group gshadow crontab my-crontab.txt authorized_keys.old \
    my_known_hosts x.service x.timer notes.txt history.txt; do
    claimed "copies/$name" - prose
done
echo 'root:x:0:0:root:/root:/bin/bash' >passwd
claimed copies/passwd accounts passwd
claimed copies/notes.txt - passwd
printf '# m h\n5 4 * * * root /usr/bin/true\n' >crontab
claimed copies/crontab persistence crontab
claimed copies/notes.txt - crontab
printf '[Service]\nExecStart=/bin/true\n' >unit
claimed copies/x.service persistence unit
claimed copies/notes.ini - unit
echo ls >history
claimed copies/.bash_history shell-history history
claimed copies/fresh_history - history
claimed copies/python_history.py - history
done_testing
