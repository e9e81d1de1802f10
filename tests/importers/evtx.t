#!/bin/sh
# A made event log reads alike with libevtx and with our reader; public logs
# too when they are there: EVTX_TEST_DATA=FOLDER (any folder of .evtx files).
. "$SRCDIR/tests/lib.sh"

make=$BUILDDIR/tests/importers/evtx_make
xml=$BUILDDIR/tests/importers/evtx_xml
dump=$BUILDDIR/tests/importers/job_dump

ok "a log is made" "$make" whole.evtx whole
ok "a short one, too" "$make" short.evtx
is_file_equal short.evtx \
    "$SRCDIR/tests/data/host/evtx/Windows/System32/winevt/Logs/Made.evtx" \
    "the short one is the one of the host tests"
"$xml" whole.evtx >ours
ok "it has eleven events" test "$(grep -c '^<Event ' ours)" -eq 11
"$dump" whole.evtx whole.evtx | grep '^event' >a
"$dump" short.evtx short.evtx | grep '^event' >b
is_file_equal a "$PWD/b" "the chunk's end makes no difference"

# same FILE: what libevtx exports is what we read. It trims values of white
# space alone, writes 32-bit addresses in decimal and leaves RenderingInfo out.
same() {
    LC_ALL=C.UTF-8 evtxexport -f xml "$1" 2>/dev/null | sed 1,2d >theirs
    "$xml" "$1" >ours
    cmp -s ours theirs
}
if command -v evtxexport >/dev/null; then
    ok "libevtx reads the same of it" same whole.evtx
else
    skip "libevtx reads the same of it" "no evtxexport (libevtx-utils)"
fi

if [ -z "${EVTX_TEST_DATA:-}" ] || ! command -v evtxexport >/dev/null; then
    skip "public logs" "EVTX_TEST_DATA names no folder of logs"
    done_testing
    exit
fi
n=0 equal=0 fewer=0
for f in "$EVTX_TEST_DATA"/*.evtx; do
    [ -s "$f" ] || continue
    n=$((n + 1))
    if same "$f"; then
        equal=$((equal + 1))
    else
        diag "$(basename "$f"): libevtx gives $(grep -c '^<Event ' theirs)" \
            "events, we $(grep -c '^<Event ' ours)"
    fi
    [ "$(grep -c '^<Event ' ours)" -ge "$(grep -c '^<Event ' theirs)" ] ||
        fewer=$((fewer + 1))
done
diag "$equal of $n files are the same to the byte"
ok "nine of ten public logs are the same" test $((equal * 10)) -ge $((n * 9))
ok "and none gives fewer events" test $fewer -eq 0
done_testing
