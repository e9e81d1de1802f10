#!/bin/sh
# An import that is killed at random moments, again and again, ends with the
# content of one that was left alone. KAN_KILLS: how often; KAN_SEED: when.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/importers/events.sh"

tool=$BUILDDIR/tests/importers/importtool
kills=${KAN_KILLS:-20}
seed=${KAN_SEED:-$(date +%s)}
diag "KAN_KILLS=$kills KAN_SEED=$seed"

"$BUILDDIR/bench/gen_cloudtrail" --events 20000 --per-file 500 --seed 7 e >out
now() { date +%s%N; }
"$tool" new ref.kan
"$tool" import ref.kan "$TMP/e" 700 2 >out 2>err
ok "the undisturbed import" grep -q '^20000 read' out
"$tool" new k.kan
start=$(now)
"$tool" import k.kan "$TMP/e" 700 2 >out 2>err
full=$((($(now) - start) / 1000000))
rm -f k.kan*
ref=$("$tool" hash ref.kan)
whole=$ref
diag "$(find e -type f | wc -l) files, $full ms"

awk -v n="$kills" -v seed="$seed" -v full="$full" 'BEGIN {
    srand(seed)
    for (i = 0; i < 20 * n; i++)
        printf "%.3f\n", (i % 10 == 9 ? 5 * rand() : full * 0.6 * rand()) / 1000
}' >delays
# left PGRP: its processes are gone within a second
left() {
    for i in 1 2 3 4 5 6 7 8 9 10; do
        pgrep -g "$1" -r R,S,D,T >/dev/null || return 0
        sleep 0.1
    done
    return 1
}
done=0 hit=0 differs=0 orphans=0 damaged=0 imports=0 resumed=0
finish() {
    imports=$((imports + 1))
    [ "$("$tool" hash k.kan)" = "$ref" ] || differs=$((differs + 1))
    rm -f k.kan*
    "$tool" new k.kan
}
"$tool" new k.kan
while [ "$hit" -lt "$kills" ] && read -r delay; do
    setsid "$tool" import k.kan "$TMP/e" 700 2 >out 2>err &
    pid=$!
    sleep "$delay"
    # every third time the main process alone
    if [ $((done % 3)) -eq 2 ]; then
        kill -KILL "$pid" 2>/dev/null
    else
        kill -s KILL -- "-$pid" 2>/dev/null
    fi
    wait "$pid" 2>/dev/null
    status=$?
    done=$((done + 1))
    left "$pid" || orphans=$((orphans + 1))
    # killed last time when all was done, or not killed
    if [ "$status" -eq 0 ] || grep -q 'already in the case' err; then
        finish
        continue
    fi
    [ "$status" -eq 137 ] || { diag "status $status"; diag <err; }
    hit=$((hit + 1))
    "$tool" hash k.kan >after 2>err || { damaged=$((damaged + 1)); diag <err; }
done <delays 2>noise
"$tool" import k.kan "$TMP/e" 700 2 >out 2>err ||
    grep -q 'already in the case' err
ok "the last one goes through"
finish
diag "$done tries, $hit killed, $imports imports to their end"
is "$differs" 0 "every import has the content of the undisturbed one"
is "$damaged" 0 "after every kill the case is whole"
is "$orphans" 0 "no worker outlives its import by a second"

# Files that are odd or end their workers, in batches of a few items.
mkdir odd
for i in 1 2 3 4 5; do
    ev "$i" A >odd/$i.json
done
cp odd/1.json odd/2.crash
for i in $(seq 400); do
    ev 7 "Call$i" | sed "s/-1111-/-$((1000 + i))-/"
    echo
done >odd/3.late
: >odd/empty
ln -s 1.json odd/link
ev 8 A | head -c 300 >odd/4.cut
tar -cf odd/5.tar -C odd 1.json empty
"$tool" new odd.kan
"$tool" import odd.kan "$TMP/odd" 100000 1 >out 2>err
ref=$("$tool" hash odd.kan)
hit=0 differs=0 imports=0 damaged=0 tries=0
while [ "$tries" -lt "$kills" ] && read -r delay; do
    tries=$((tries + 1))
    setsid "$tool" import k.kan "$TMP/odd" 8 1 >out 2>err &
    pid=$!
    sleep "$delay"
    kill -s KILL -- "-$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    case $? in
    0) finish ;;
    137) hit=$((hit + 1)) ;;
    *)
        grep -q 'already in the case' err && { finish; continue; }
        damaged=$((damaged + 1))
        diag <err
        rm -f k.kan*
        "$tool" new k.kan
        ;;
    esac
done <delays 2>noise
"$tool" import k.kan "$TMP/odd" 8 1 >out 2>err
finish
diag "$hit killed, $imports imports of odd files to their end"
is "$damaged" 0 "every import of odd files goes on after a kill"
is "$differs" 0 "and has the content of the undisturbed one"

# The program itself.
"$KANSHIKI" new p.kan >out 2>err
setsid "$KANSHIKI" import p.kan e --progress none --jobs 2 >out 2>err &
sleep 0.1
kill -KILL $! 2>/dev/null
wait
"$KANSHIKI" import p.kan e --progress none >out 2>err
"$KANSHIKI" status p.kan --content-hash --format jsonl >out 2>err
ok "the same for the program" grep -q "$whole" out
done_testing
