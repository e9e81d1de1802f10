#!/bin/sh
# An import that is killed at random moments, again and again, ends with the
# content of one that was left alone. KAN_KILLS: how often; KAN_SEED: when.
. "$SRCDIR/tests/lib.sh"

tool=$BUILDDIR/tests/importers/importtool
kills=${KAN_KILLS:-25}
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
diag "$(find e -type f | wc -l) files, $full ms"

awk -v n="$kills" -v seed="$seed" -v full="$full" 'BEGIN {
    srand(seed)
    for (i = 0; i < 20 * n; i++)
        printf "%.3f\n", (i % 10 == 9 ? 5 * rand() : full * rand()) / 1000
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
        kill -KILL -- "-$pid" 2>/dev/null
    fi
    wait "$pid" 2>/dev/null
    status=$?
    done=$((done + 1))
    left "$pid" || orphans=$((orphans + 1))
    if [ "$status" -eq 0 ]; then
        finish
        continue
    fi
    [ "$status" -eq 137 ] || { diag "status $status"; diag <err; }
    hit=$((hit + 1))
    "$tool" hash k.kan >after 2>err || { damaged=$((damaged + 1)); diag <err; }
done <delays 2>noise
"$tool" import k.kan "$TMP/e" 700 2 >out 2>err
is_status $? 0 "the last one goes through"
finish
diag "$done tries, $hit killed, $imports imports to their end"
is "$differs" 0 "every import has the content of the undisturbed one"
is "$damaged" 0 "after every kill the case is whole"
is "$orphans" 0 "no worker outlives its import by a second"

# The program itself.
"$KANSHIKI" new p.kan >out 2>err
setsid "$KANSHIKI" import p.kan e --progress none --jobs 2 >out 2>err &
sleep 0.1
kill -KILL $! 2>/dev/null
wait
"$KANSHIKI" import p.kan e --progress none >out 2>err
"$KANSHIKI" status p.kan --content-hash --format jsonl >out 2>err
ok "the same for the program" grep -q "$ref" out
done_testing
