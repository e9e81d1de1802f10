#!/bin/sh
# A worker that dies costs the file it stood at, after one more try, and
# nothing else: neither other files nor the order of things.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/importers/events.sh"

tool=$BUILDDIR/tests/importers/importtool
mkdir e
for i in 1 2 3 4 5 6; do
    printf '{"Records":[%s,%s]}' "$(ev "$i" A)" "$(ev "$i" B | sed s/-1111-/-2222-/)" \
        >e/$i.json
done
import() { # CASE [BATCH [JOBS]]
    rm -f "$1"*
    "$tool" new "$1"
    "$tool" import "$1" "$TMP/e" "${2:-0}" "${3:-2}" >out 2>err
}
issues() { "$KANSHIKI" status "$1" --issues --format csv; }
import whole.kan
is "$(cat out)" "12 read 12 stored 0 duplicates 0 rejected 0 issues" \
    "without misfortune"
for how in crash hang eat; do
    cp e/1.json e/3.json.$how
    import k.kan
    is_status $? 0 "$how: the import ends"
    is "$(cat out)" "12 read 12 stored 0 duplicates 0 rejected 1 issues" \
        "$how: the rest is read, one issue"
    issues k.kan >got
    case $how in
    crash) why='worker-died.*segmentation fault.*twice at this file' ;;
    hang) why='worker-died.*twice at this file.*not reproducible' ;;
    eat)
        why='not-read.*out of memory'
        # without a limit of memory the clock ends it
        [ -z "${SANITIZERS:-}" ] || why='(not-read|worker-died)'
        ;;
    esac
    is_match got "3.json.$how,,error,$why" "$how: the issue says why"
    first=$("$tool" hash k.kan)
    import k.kan 2 3
    is "$("$tool" hash k.kan)" "$first" "$how: the same in small batches"
    rm e/3.json.$how
done

# One that dies after it gave records: they stay, once.
for i in $(seq 600); do
    ev 7 "Call$i" | sed "s/-1111-/-$((1000 + i))-/"
    echo
done >e/3.json.late
import k.kan 0 2
is_status $? 0 "late: the import ends"
kept=$(sed 's/ .*//' out)
ok "late: some of its records are kept" [ "$kept" -gt 12 ]
first=$("$tool" hash k.kan)
for jobs in 1 3; do
    import k.kan 50 $jobs
    is "$("$tool" hash k.kan)" "$first" "late: the same in small batches"
done
rm e/3.json.late

# Evidence that changes while it is read: what was parsed is what was hashed, and
# the change is an issue of its file.
rm -rf e
mkdir e
for i in 1 2 3; do
    printf '{"Records":[%s]}' "$(ev $i A)" >e/$i.json
done
changes() { # WHAT REGEX [VARIABLE=FILE]
    rm -f k.kan*
    "$tool" new k.kan
    env "$3" "$tool" import k.kan "$TMP/e" 0 1 >out 2>err
    is_status $? 0 "$1: the import ends"
    issues k.kan >got
    is_match got "1.json,,error,changed-during-read.*$2" "  the issue says so"
    is "$(grep -c changed-during-read got)" 1 "  of that file alone"
}
cp -r e good
changes "a file that grows" 'size or time' "KAN_GROW=e/1.json"
rm -rf e && cp -r good e
changes "one that is cut" 'size or time' "KAN_CUT=e/1.json"
rm -rf e && cp -r good e
sed 's/us-east-1/us-west-2/' e/1.json >new
sha=$(sha256sum <e/1.json | cut -d' ' -f1)
changes "one that is replaced" 'another file took its place' "KAN_REPLACE=e/1.json"
"$KANSHIKI" evidence k.kan show X1 --format csv >got 2>err
is_match got "$sha" "  its digest is that of the bytes that were read"
rm -rf e good
mkdir e

# Workers killed from outside while they work.
"$BUILDDIR/bench/gen_cloudtrail" --events 20000 --per-file 500 --seed 7 e >out
import ref.kan 700
ref=$("$tool" hash ref.kan)
killed=0 differs=0
for i in 1 2 3 4 5 6 7 8; do
    rm -f k.kan*
    "$tool" new k.kan
    "$tool" import k.kan "$TMP/e" 700 2 >out 2>err &
    pid=$!
    sleep 0.0$((i * 2 + 3))
    worker=$(pgrep -P "$pid" | sed -n "$((i % 2 + 1))p")
    [ "$worker" ] && kill -KILL "$worker" 2>/dev/null && killed=$((killed + 1))
    wait "$pid" || diag <err
    [ "$("$tool" hash k.kan)" = "$ref" ] || differs=$((differs + 1))
done
diag "$killed of 8 killed"
is "$differs" 0 "a worker killed in the midst of it changes nothing"
done_testing
