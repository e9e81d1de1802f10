#!/bin/sh
# An import that was killed in the midst of a file goes on only on the same
# evidence: what changed in between is found, named, and refused or, with a
# reason, accounted for.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/importers/events.sh"

tool=$BUILDDIR/tests/importers/importtool
mkdir good
for i in 1 2 4; do
    printf '{"Records":[%s]}' "$(ev "$i" A)" >good/$i.json
done
for i in $(seq 400); do
    ev 7 "Call$i" | sed "s/-1111-/-$((1000 + i))-/"
    echo
done >good/3.json
find good -exec touch -d '2026-03-11 02:13:00.123456789' {} +
cp -pr good e
"$tool" new ref.kan
"$tool" import ref.kan "$TMP/e" 50 1 >out 2>err
is "$(cat out)" "403 read 403 stored 0 duplicates 0 rejected 0 issues" "undisturbed"
ref=$("$tool" hash ref.kan)

# In the midst of 3.json, after four batches.
"$tool" new half.kan
KAN_DIE_AT=5 "$tool" import half.kan "$TMP/e" 50 1 >out 2>err
is $? 137 "killed in the midst of a file"
half=$("$tool" hash half.kan)
begin() {
    rm -rf e k.kan*
    cp -pr good e
    cp half.kan k.kan
    for s in wal shm; do [ ! -e "half.kan-$s" ] || cp "half.kan-$s" "k.kan-$s"; done
}
resume() { "$tool" import k.kan "$TMP/e" 50 1 >out 2>err; }
refused() { # WHAT REGEX
    resume
    is $? 1 "$1: refused"
    is_match err "$2" "  and says why"
    is "$("$tool" hash k.kan)" "$half" "  the case is as it was"
    rm -rf e
    cp -pr good e
    resume
    is "$(cat out)" "403 read 403 stored 0 duplicates 0 rejected 0 issues" \
        "  given back as it was, it goes on"
    is "$("$tool" hash k.kan)" "$ref" "  to the same content"
}
begin
resume
is "$("$tool" hash k.kan)" "$ref" "unchanged: it goes on to the same content"

begin
touch e/3.json
resume
is "$("$tool" hash k.kan)" "$ref" "touched, the bytes are the same: it goes on"

begin
sed -i 's/Call350/Evil350/' e/3.json
touch -r good/3.json e/3.json
refused "bytes not read yet, size and time as before" \
    '3.json: the evidence changed.*its bytes are others'

begin
sed -i 's/Call10"/Evil10"/' e/3.json
refused "bytes that were read" '3.json.*its bytes are others'

begin
ev 7 More >>e/3.json
refused "a longer file" '3.json.*its size'

begin
sed -i 20q e/3.json
refused "a shorter one" '3.json.*its size'

begin
rm e/3.json
refused "no such file any more" '3.json.*not there'

begin
rm e/1.json
refused "one that was whole is missing" '1.json.*not there'

begin
sed -i 's/us-east-1/us-west-2/' e/1.json
touch -r good/1.json e/1.json
refused "one that was whole" '1.json.*its bytes are others'

# Files that came since are not mistaken for those that were read.
begin
cp good/4.json e/0.json
cp good/4.json e/2a.json
cp good/4.json e/5.json
resume
is "$(cat out)" "404 read 403 stored 1 duplicates 0 rejected 1 issues" \
    "files that came since: those before are left, with an issue"
"$KANSHIKI" status k.kan --issues --format csv >issues 2>err
is_match issues 'came-later,.*2 files came' "  that says so"
resume
is "$(cat out)" "2 read 0 stored 2 duplicates 0 rejected 0 issues" \
    "  and are a supplement afterwards"

# With a reason.
begin
sed -i 's/Call350/Evil350/' e/3.json
KAN_REASON='the disk was replaced' resume
is $? 0 "with a reason it goes on"
is_match out '^[0-9]+ read [0-9]+ stored 0 duplicates 0 rejected 1 issues' \
    "  the sums hold"
"$tool" hash k.kan >hash 2>err
is_status $? 0 "  the case is whole"
"$KANSHIKI" status k.kan --issues --format csv >issues 2>err
is_match issues '3.json.*changed-before-resume.*the disk was replaced' \
    "  the issue says so"
"$KANSHIKI" timeline k.kan 'action:(Call1 or Call350 or Evil350)' --format csv \
    >rows 2>err
ok "  what was read is there" grep -q Call1, rows
ok "  nothing of the new bytes is" [ "$(grep -c Evil350 rows)" = 0 ]

begin
sed -i 's/us-east-1/us-west-2/' e/1.json
KAN_REASON='known' resume
is "$(cat out)" "403 read 403 stored 0 duplicates 0 rejected 1 issues" \
    "a whole file with a reason: the rest is read"
"$KANSHIKI" status k.kan --issues --format csv >issues 2>err
is_match issues 'changed-before-resume,.*1.json: changed.*known' "  the issue says so"

# The segments of an image, each.
mkdir img
for i in 1 2 3; do
    head -c 65536 /dev/zero | tr '\0' "$i" >img/a.00$i
done
for i in $(seq 40); do
    ev 7 "Call$i" | sed "s/-1111-/-$((1000 + i))-/"
    echo
done >img/b.json
rm -rf e
cp -r img e
"$tool" new i.kan
KAN_DIE_AT=3 "$tool" import i.kan "$TMP/e" 10 1 >out 2>err
is $? 137 "killed after an image of three segments"
printf x | dd of=e/a.002 bs=1 seek=5 conv=notrunc 2>err
"$tool" import i.kan "$TMP/e" 10 1 >out 2>err
is_match err 'a.002.*its bytes are others' "a changed segment is found"

# ---- workers that end without a file in their hands --------------------------

rm -rf e
mkdir e
for i in $(seq 100 160); do
    printf '{"Records":[%s]}' "$(ev 3 A | sed "s/-1111-/-1$i-/")" >e/$i.json
done
"$tool" new w.kan
"$tool" import w.kan "$TMP/e" 0 1 >out 2>err
ref=$("$tool" hash w.kan)
for when in start middle; do
    [ $when = start ] && extra=1 || extra=2 # tried again alone
    for jobs in 1 2; do
        rm -f k.kan*
        "$tool" new k.kan
        KAN_KILL=$when "$tool" import k.kan "$TMP/e" 0 $jobs >out 2>err
        is "$("$tool" hash k.kan)" "$ref" "killed at $when of $jobs: the same content"
        n=$(sed -n 's/ workers started//p' err)
        ok "  another one took its place ($n)" [ "$n" -gt "$jobs" ]
        ok "  and no file needed one of its own" [ "$n" -le $((jobs + ${extra:-2})) ]
    done
done

# Idle: while so many images, each in a worker of its own, are all that may be
# read ahead.
for i in $(seq 201 218); do
    for k in 1 2; do
        head -c 4096 /dev/zero | tr '\0' "$k" >e/$i.00$k
    done
done
for i in $(seq 300 330); do
    printf '{"Records":[%s]}' "$(ev 3 A | sed "s/-1111-/-1$i-/")" >e/$i.json
done
rm -f w.kan*
"$tool" new w.kan
"$tool" import w.kan "$TMP/e" 0 1 >out 2>err
ref=$("$tool" hash w.kan)
alone=$(sed -n 's/ workers started//p' err)
ok "undisturbed: one worker, and one for each image ($alone)" [ "$alone" -eq 19 ]
rm -f k.kan*
"$tool" new k.kan
KAN_KILL=idle "$tool" import k.kan "$TMP/e" 0 1 >out 2>err
is "$("$tool" hash k.kan)" "$ref" "killed while idle: the same content"
is "$(sed -n 's/ workers started//p' err)" 20 "  one took its place"
done_testing
