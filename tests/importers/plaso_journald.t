#!/bin/sh
# Opt-in: the journal files of plaso's test data (log2timeline/plaso, test_data)
# hold what its own tests say: XZ, LZ4, compact with ZSTD, and one that was not
# closed. PLASO_TEST_DATA=FOLDER make check TESTS=tests/importers/plaso_journald.t
. "$SRCDIR/tests/lib.sh"

data=${PLASO_TEST_DATA:-}
[ "$data" ] || skip_all "PLASO_TEST_DATA does not name plaso's test_data"
n=0

# file NAME ENTRIES: imports it; its timeline is in out.
file() {
    rm -rf case.kan
    "$KANSHIKI" new case.kan >/dev/null 2>&1
    "$KANSHIKI" import case.kan "$data/systemd/journal/$1" >said 2>err
    "$KANSHIKI" status case.kan >status 2>err
    "$KANSHIKI" timeline case.kan --format csv >out 2>err
    is_match status "^sums +$2 read = $2 stored \+ 0 duplicates" \
        "$1: $2 entries"
    n=$((n + 1))
}
there() {
    [ "$(head -c 8 "$data/systemd/journal/$1" 2>/dev/null)" = LPKSHHRH ] &&
        return 0
    skip "$1" "not there, or a pointer to it only"
    return 1
}

if there system.journal; then
    file system.journal 2101
    is_match out '2017-01-27T09:40:55\.913258Z.*Started User Manager for UID 1000\.' \
        "  the first one"
    is_match out '2017-02-06T16:24:32\.564585Z.*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' \
        "  one that is compressed by XZ"
fi
if there system.journal.lz4; then
    file system.journal.lz4 85
    is_match out '2018-07-03T15:00:16\.682340Z.*Reached target Paths\.' \
        "  the first one"
    is_match out '2018-07-03T15:19:04\.667807Z.* textual user names\.' \
        "  one that is compressed by LZ4"
fi
if there user-1000.journal; then
    file user-1000.journal 1
    is_match out '2023-09-26T07:42:46\.445209Z.*Some large string: AAAAAAAA' \
        "  one that is compressed by ZSTD"
fi
dirty=system@00053f9c9a4c1e0e-2e18a70e8b327fed.journalTILDE
if there $dirty; then
    # plaso stops at what is damaged: it gives 2211
    rm -rf case.kan
    "$KANSHIKI" new case.kan >/dev/null 2>&1
    "$KANSHIKI" import case.kan "$data/systemd/journal/$dirty" >said 2>err
    stored=$(awk '$1 == "X1" { print $5 }' said)
    ok "$dirty: $stored entries, plaso gives 2211" test "${stored:-0}" -ge 2211
    n=$((n + 1))
fi
ok "at least one file was there" test $n -gt 0
done_testing
