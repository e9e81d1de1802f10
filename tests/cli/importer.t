#!/bin/sh
# The importer of docs/CONTRIBUTING.md works as the page says: one file and one
# line in the table, nothing else.
. "$SRCDIR/tests/lib.sh"

[ -n "${TEST_LINK:-}" ] || skip_all "run by make check, which says how to link"
mkdir -p importers
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' \
    "$SRCDIR/docs/CONTRIBUTING.md" >importers/badge.c
awk '/^extern const/ && !done { print "extern const struct importer importers_badge;"; done = 1 }
    /^    NULL,/ { print "    &importers_badge," } { print }' \
    "$SRCDIR/importers/table.c" >importers/table.c
# The objects of our own come first: the library's table is then not taken.
for f in "$TMP/importers/badge.c" "$TMP/importers/table.c" \
    "$SRCDIR/cli/main.c"; do
    (cd "$BUILDDIR" && eval "$TEST_CC $TEST_CPPFLAGS $TEST_CFLAGS -c '$f' \
        -o '$TMP/$(basename "$f" .c).o'") >out 2>&1
    is_status $? 0 "$(basename "$f") compiles"
    head -n 20 out | diag
done
(cd "$BUILDDIR" && eval "$TEST_LINK -o '$TMP/kanshiki' '$TMP/main.o' \
    '$TMP/badge.o' '$TMP/table.o' $TEST_LIBS") >out 2>&1
is_status $? 0 "the program with the new importer links"
head -n 20 out | diag

mkdir ev
printf '%s\t%s\t%s\t%s\n' 2026-03-11T08:01:00+09:00 alice gate-1 ok \
    2026-03-11T08:02:00+09:00 mallory server-room denied >ev/doors.log
printf 'torn line\nno time\tbob\tgate-2\tok\n' >>ev/doors.log
./kanshiki importers >out 2>err
is_match out '^badge ' "it is listed"
./kanshiki new case.kan >out 2>err
./kanshiki import case.kan ev --format csv --csv-raw >out 2>err
is_status $? 2 "it imports, with an issue"
is_match out '^X1,1,[0-9]+,4,3,0,1,' "four read, three stored, one rejected"
./kanshiki timeline case.kan --format csv --csv-raw >out 2>err
is_match out ',2026-03-10T23:02:00Z,badge,passage,mallory,server-room,denied,' \
    "its lines are in the timeline"
is_match out '^E3,,badge,passage,bob,gate-2,' "also the one without a time"
./kanshiki show case.kan E2 --raw >out 2>err
is "$(cat out)" "$(sed -n 2p ev/doors.log)" "and lead back to their bytes"

done_testing
