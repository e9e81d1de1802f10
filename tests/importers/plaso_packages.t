#!/bin/sh
# Opt-in: logs of package managers in test_data of log2timeline/plaso give what
# plaso's own tests count.
# PLASO_TEST_DATA=FOLDER make check TESTS=tests/importers/plaso_packages.t
. "$SRCDIR/tests/lib.sh"

data=${PLASO_TEST_DATA:-}
[ "$data" ] || skip_all "PLASO_TEST_DATA does not name plaso's test_data"
ask() { sqlite3 c.kan "$1"; }
take() { # FILE AS
    rm -f c.kan
    "$KANSHIKI" new c.kan >/dev/null 2>&1
    mkdir -p "files/$2"
    cp "$data/$1" "files/$2/"
    "$KANSHIKI" import c.kan "files/$2/$1" >out 2>err
}

if [ -s "$data/dpkg.log" ]; then
    take dpkg.log dpkg
    ok "dpkg.log: 4 events, as plaso's test counts" \
        test "$(ask "SELECT count(*) FROM event")" -eq 4
    ok "  none rejected" test "$(ask "SELECT n_rejected FROM member")" -eq 0
    ok "  the first at 2009-02-25T11:45:23" \
        test "$(ask "SELECT t_s FROM event WHERE id=1")" -eq 1235562323
else
    skip "dpkg.log" "not there"
fi
if [ -s "$data/apt_history.log" ]; then
    take apt_history.log apt
    # plaso counts the lists of a transaction, we its packages
    n=$(ask "SELECT count(*) FROM (SELECT 1 FROM event JOIN entity ON
        entity.id=(56<<25)+action WHERE value LIKE 'package %'
        GROUP BY t_s, value)")
    ok "apt_history.log: 10 lists, as plaso's test counts ($n)" test "$n" -eq 10
    ok "  none rejected" test "$(ask "SELECT n_rejected FROM member")" -eq 0
else
    skip "apt_history.log" "not there"
fi
done_testing
