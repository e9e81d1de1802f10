#!/bin/sh
# The host's part of the sample incident, fact by fact: a filter of the
# timeline finds as many events as the story has, and the bytes that their
# citations name say what the fact says.
. "$SRCDIR/tests/lib.sh"

"$KANSHIKI" new case.kan >out 2>err
"$KANSHIKI" import case.kan "$SRCDIR/samples/cloudtrail" \
    "$SRCDIR/samples/cloudwatch" "$SRCDIR/samples/disk/app-01-root.zip" \
    "$SRCDIR/samples/disk/app-01-data.E01" --progress none >out 2>err
is_status $? 2 "import ends with issues: a block and a part are missing"

# cited EVENT PATTERN: the record, by its number and again by its citation
cited() {
    "$KANSHIKI" show case.kan "$1" --raw >raw 2>err || return 1
    cite=$("$KANSHIKI" show case.kan "$1" 2>err | sed -n 's/^cite  *//p')
    "$KANSHIKI" show case.kan "$cite" --raw >again 2>err || return 1
    cmp -s raw again || return 1
    tr '\n' ' ' <raw | sed 's/ $//' | grep -aEq -- "$2"
}

facts=0
while IFS='	' read -r name count filter pattern; do
    case $name in '#'* | '') continue ;; esac
    facts=$((facts + 1))
    "$KANSHIKI" timeline case.kan "$filter" --format jsonl >found 2>err
    is_status $? 0 "$name: the filter is understood"
    is "$(wc -l <found | tr -d ' ')" "$count" "  $count events"
    wrong=
    for e in $(sed 's/^{"event":"\(E[0-9]*\)".*/\1/' found); do
        cited "$e" "$pattern" || wrong="$wrong $e"
    done
    is "$wrong" "" "  and the bytes that they cite say so"
done <"$SRCDIR/samples/expected-host.tsv"
ok "the list holds facts: $facts" test "$facts" -gt 40

# What the rules say of it, and what they must not say.
"$KANSHIKI" analyze case.kan >out 2>err
is_status $? 0 "analyze ends well"
id=5f0c2d7e-8b1a-4c39-9e42-3d1b7a60f215
"$KANSHIKI" links case.kan C15 --format jsonl >found 2>err
is "$(wc -l <found | tr -d ' ')" 1 "one command was sent and run"
is_match found "\"class\":\"exact\".*\"value\":\"$id\".*X3 \(disk\) has it in 8 events, first 2026-03-11T03:20:14" \
    "  it is the one of the story, by its id"
first=$(sed 's/.*"to":"\(E[0-9]*\)".*/\1/' found)
ok "  the agent's first line of it is cited" \
    cited "$first" "document $id submission started"
"$KANSHIKI" links case.kan C16 --format jsonl >found 2>err
is_match found '"value":"i-0f3a9c1d2b4e5f607".*RunInstances 2026-03-09T00:09:37Z made the instance; X3' \
    "the instance that the disk names is the one that was started"
"$KANSHIKI" links case.kan C13 --format jsonl >found 2>err
is "$(wc -l <found | tr -d ' ')" 0 "no key was pushed, so none is joined"

done_testing
