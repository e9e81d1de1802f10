#!/bin/sh
# The audit log is checked with coreutils alone, as a court's expert would;
# and it keeps every confirmed entry when the process is killed.
. "$SRCDIR/tests/lib.sh"
plan 9
tool=$BUILDDIR/tests/casedb/casetool

"$tool" new a.kan && "$tool" act a.kan 40 && "$tool" log a.kan >audit.log
is_status $? 0 "a log is written and read"
is "$(wc -l <audit.log | tr -d ' ')" 41 "one line an entry"

# Prints what is wrong with the log $1 of the case number $2.
check() {
    prev=$(printf 'kanshiki-audit-v1\n%s' "$2" | sha256sum | cut -c1-64)
    n=0
    while IFS= read -r line; do
        n=$((n + 1))
        hash=${line%% *} body=${line#* }
        [ "$(printf '%s' "$body" | sha256sum | cut -c1-64)" = "$hash" ] ||
            echo "bad hash at $n"
        printf '%s\n' "$body" | cut -f1,2 >got
        printf '%s\t%s\n' "$n" "$prev" | cmp -s - got || echo "break at $n"
        prev=$hash
    done <"$1"
}

uuid=$("$tool" uuid a.kan)
check audit.log "$uuid" >wrong
is "$(cat wrong)" "" "hashes and order hold, from the number of the case on"
awk -F'\t' 'NF != 7 { print NR ": " NF " fields" }' audit.log >wrong
is "$(cat wrong)" "" "seven fields"
cut -f3 audit.log |
    grep -Evx '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z' >wrong
is "$(cat wrong)" "" "times in UTC with six digits"

sed '20s/act/hid/' audit.log >changed.log
check changed.log "$uuid" >wrong
is "$(cat wrong)" "bad hash at 20" "a changed entry shows"
sed '30d' audit.log >changed.log
check changed.log "$uuid" | head -n 1 >wrong
is "$(cat wrong)" "break at 30" "a removed entry shows"

# Killed at a random moment, twelve times; what was confirmed is there.
"$tool" new b.kan
confirmed=1 lost=
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    : >out # the child may be killed before it opens it
    "$tool" fill b.kan >out 2>err &
    pid=$!
    sleep "0.0$((i * 7 % 10))$i"
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    new=$(tail -n 1 out)
    confirmed=$((confirmed + ${new:-0}))
    "$tool" log b.kan >b.log || lost="$lost $i:unreadable"
    got=$(wc -l <b.log)
    # One entry may be there that was not confirmed in time.
    [ "$got" -ge "$confirmed" ] && [ "$got" -le $((confirmed + 1)) ] ||
        lost="$lost $i:$got/$confirmed"
    confirmed=$got
done
is "$lost" "" "no confirmed entry is lost to a kill"
check b.log "$("$tool" uuid b.kan)" >wrong
is "$(cat wrong)" "" "the chain goes on over the kills"
diag "$confirmed entries, 12 kills"
