#!/bin/sh
# Looking at a case in all three forms; nothing of the evidence gets through
# undisguised.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

make_evidence ev
k new case.kan --title Test >out 2>err
k import case.kan ev >out 2>err
is_status $? 2 "import"

# name|arguments
while IFS='|' read -r name arguments; do
    for format in table csv jsonl; do
        case $format:$name in csv:show-*) continue ;; esac
        eval "k $arguments --format $format" >out 2>err
        is_status $? 0 "kanshiki $arguments --format $format"
        normal out
        is_file_equal out "cli/$name.$format" "  as it was"
        tr -d '\r\n -~\200-\377' <out | head -c 20 >controls
        ok "  no control characters" test ! -s controls
    done
done <<'VIEWS'
show-event|show case.kan E2
show-entity|show case.kan ip:198.51.100.66
entities|entities case.kan
entities-ip|entities case.kan ip
entities-user|entities case.kan user
pivot|pivot case.kan ip:198.51.100.66
search|search case.kan alice
timeline|timeline case.kan
timeline-part|timeline case.kan --from 2026-03-11T02:14 --to 2026-03-11 --reverse --limit 1
timeline-filter|timeline case.kan 'ip:198.51.100.0/24 not action:Delete*'
timeline-word|timeline case.kan bob
timeline-count|timeline case.kan --count
VIEWS

k timeline case.kan --from 2026-03-11T11:13+09:00 --to 2026-03-11T11:13+09:00 \
    --tz +09:00 --format csv --csv-raw >out 2>err
is "$(tail -n +2 out | cut -d, -f1,2)" 'E1,2026-03-11T11:13:00+09:00' \
    "times of another zone are understood and shown"
k timeline case.kan user:nobody >out 2>err
is_status $? 0 "a filter that matches nothing is done"
is_match err '^kanshiki: +cloudtrail: 5 events' \
    "  and says what is recorded of that time"
k audit case.kan list >out 2>err
is_match out '"command":"timeline","hits":0,"text":"user:nobody"' "  and is logged"
is_match out '"hits":1,"text":"bob"' "as is every other one"
k timeline case.kan --from yesterday >out 2>err
is_status $? 1 "what is no time is refused"
k timeline case.kan --from 2026 --to 2025 >out 2>err
is_status $? 1 "an empty range, too"

k show case.kan E2 --format csv >out 2>err
is_status $? 1 "an event is no list: not in csv"

k search case.kan nowhere-to-be-found >out 2>err
is_status $? 0 "a search without a hit is done"
is_match err '^kanshiki: 0 hits in ' "  and says so"
k search case.kan alice --limit 3 --format csv --csv-raw >out 2>err
is "$(wc -l <out)" 4 "a search stops at its limit"
is_match err '^kanshiki: 3 hits .*, stopped at the limit' "  and says so"
k search case.kan ALICE -i --format csv --csv-raw >out 2>err
is "$(wc -l <out)" 7 "-i"
k search case.kan --regex 'b[o]b' --exhibit X1 >out 2>err
is_match err '^kanshiki: 2 hits in 4 files' "--regex"
k show case.kan E1 --tz +09:00 >out 2>err
is_match out '^time +2026-03-11T11:13:00\+09:00$' "--tz"

# ---- back to the bytes ------------------------------------------------------

cite=$(k show case.kan E2 2>err | sed -n 's/^cite  *//p')
k show case.kan "$cite" --raw >raw 2>err
is_status $? 0 "a citation leads to its bytes"
off=${cite##*@} len=${cite##*+}
off=${off%+*}
tail -c +$((off + 1)) ev/a.json | head -c "$len" >wanted
ok "  to the exact ones" cmp -s raw wanted
k show case.kan E2 --hex >out 2>err
is_match out '^[0-9a-f]{8}  7b 22 65 76 65 6e 74 56 ' "--hex shows offsets"
for event in 1 2 3 4 5; do
    cite=$(k show case.kan E$event 2>err | sed -n 's/^cite  *//p')
    is "$(k show case.kan "$cite" 2>err | head -n 1)" "event         E$event" \
        "the citation of E$event is E$event: $(echo "$cite" | head -c 40)"
done

k show case.kan X1/a.json --raw >raw 2>err
ok "a citation without a range is the whole file" cmp -s raw ev/a.json
k show case.kan 'X1/sub/b.json.gz!gz' --raw >raw 2>err
gzip -dc ev/sub/b.json.gz >wanted
ok "  as its layer decodes it" cmp -s raw wanted
k show case.kan 'X1/sub/b.json.gz@0+10' --raw >raw 2>err
is_status $? 0 "bytes below the member's own layer: those of the gzip file"
head -c 10 ev/sub/b.json.gz >wanted
ok "  as they lie there" cmp -s raw wanted
k show case.kan 'X1/sub/b.json.gz@0+10' >out 2>err
is_match out '^00000000  1f 8b 08 ' "  as hex when nothing is asked for"
k verify case.kan 'X1/sub/b.json.gz@0+10' >out 2>err
is_status $? 0 "  and verified"
is_match out "^sha256 +$(sha256sum <wanted | cut -d' ' -f1)" "  by their digest"
k show case.kan 'X1/sub/b.json.gz!tar/x@0+10' --raw >out 2>err
is_match err 'no such file' "other layers than there are"
k show case.kan 'X1/a.json@99999+5' --raw >out 2>err
is_status $? 6 "bytes that are not there"

mv ev elsewhere
k show case.kan E2 >out 2>err
is_status $? 2 "without the evidence an event is shown as far as it is known"
is_match err 'the record cannot be shown' "  and what is missing is said"
k show case.kan E2 --raw >out 2>err
is_status $? 6 "its bytes are not"
k search case.kan alice >out 2>err
is_status $? 2 "nothing could be searched"
is_match err '0 hits in 4 files; 4 could not be searched' "  and that is said"
k evidence case.kan attach X1 elsewhere >out 2>err
k show case.kan "$cite" --raw >raw 2>err
is_status $? 0 "attach tells where it is now"
# the name of a member must not lead out of its exhibit
mv elsewhere/a.json outside.json
ln -s ../outside.json elsewhere/a.json
k show case.kan E2 --raw >out 2>err
is_status $? 6 "a link in place of a file is not followed"

done_testing
