#!/bin/sh
# Opt-in: test data of log2timeline/plaso gives as many events as plaso's own
# tests say: PLASO_TEST_DATA=FOLDER (its test_data).
. "$SRCDIR/tests/lib.sh"

dump=$BUILDDIR/tests/importers/job_dump
data=${PLASO_TEST_DATA:-}
[ "$data" ] || skip_all "PLASO_TEST_DATA does not name the folder of test data"

# counts FILE IMPORTER ACTION WANTED: events with that action (empty: all)
counts() {
    if [ ! -s "$data/$1" ]; then
        skip "$1" "not there"
        return
    fi
    "$dump" "$data/$1" "x/$(basename "$1")" >out
    is_match out "^member.* $2\$" "$1 is recognised as $2"
    is "$(grep -v ' !recovered' out | grep -c "^event.*$3")" "$4" \
        "$1: $4 events"
}
counts evtx/System.evtx evtx "" 5009
# cut within its third chunk: plaso gives the 194 of the first two
counts evtx/System2.evtx evtx "" 283
counts iis/iis6.log iis "" 12
counts iis/iis7_sqli.log iis "" 2
counts iis/iis7_owa.log iis "" 3
counts iis/iis_without_date.log iis "" 11
counts iis/iis10.log iis "" 1
counts iis/iis10_edge_cases.log iis "" 15
counts iis/iis10_cookies.log iis "" 3
counts windows_firewall.log windows-firewall "" 15
counts setupapi.dev.log setupapi "device installed" 194
counts setupapi.setup.log setupapi "device installed" 16
counts NTUSER.DAT registry "text=started by hand" 14
counts regf/SAM registry " account SAM on=" 3
done_testing
