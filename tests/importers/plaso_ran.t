#!/bin/sh
# Opt-in: what plaso's tests count in its test_data. Where our events are
# others than its, the difference is said.
# PLASO_TEST_DATA=FOLDER make check TESTS=tests/importers/plaso_ran.t
. "$SRCDIR/tests/lib.sh"

dump=$BUILDDIR/tests/importers/job_dump
data=${PLASO_TEST_DATA:-}
[ "$data" ] || skip_all "PLASO_TEST_DATA does not name the folder of test data"

# counts FILE EVENTS REJECTED WHY
counts() {
    if [ ! -r "$data/$1" ]; then
        skip "$1" "not there"
        return
    fi
    is "$("$dump" -c "$data/$1" "$1" | cut -d, -f1,2)" \
        "$2 records, $3 rejected" "$1: $4"
}

counts bash_history 4 0 "four commands, one of four lines"
counts bash_history_desync 5 0 "five commands, the first without a stamp"
counts zsh_extended_history.txt 4 0 "four commands"
counts fish_history 10 0 "ten commands"
counts .viminfo 12 0 "ten, and two of marks within files"
counts .viminfo_alt 2 0 "two"
counts selinux.log 6 4 "seven lines, two of one event; four are none"
counts audit_enriched.log 12 0 "a login and its system call are one event"
done_testing
