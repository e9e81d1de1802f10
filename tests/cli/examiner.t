#!/bin/sh
# What the examiner adds stays, and the log of it can be checked with
# coreutils alone.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

make_evidence ev
k new case.kan --examiner 'A. Examiner' >out 2>err
k import case.kan ev >out 2>err

k note case.kan E1 "first use, 'quoted' $(printf '\342\200\256')" >out 2>err
is_status $? 0 "note"
k tag case.kan ip:198.51.100.66 attacker >out 2>err
is_status $? 0 "tag"
k verdict case.kan E2 malicious because >out 2>err
is_status $? 0 "verdict"
k bookmark case.kan X1 --examiner 'B. Reviewer' >out 2>err
is_status $? 0 "bookmark"
k verdict case.kan E2 evil >out 2>err
is_status $? 1 "an unknown verdict"
k note case.kan --undo 1 >out 2>err
is_status $? 0 "undo"
k note case.kan --undo 1 >out 2>err
is_status $? 1 "once"
k note case.kan --format csv --csv-raw >out 2>err
is "$(wc -l <out)" 1 "a note taken back is not listed"
k note case.kan --all >out 2>err
is_match out 'taken back' "but is not gone"
k tag case.kan ip:198.51.100.66 --format jsonl >out 2>err
is_match out '"body":"attacker","author":"A. Examiner"' "tags of an entity"
k bookmark case.kan --format jsonl >out 2>err
is_match out '"author":"B. Reviewer"' "--examiner"
k show case.kan E2 >out 2>err
is_match out '^verdict +malicious because \(A. Examiner, ' "show has the verdict"

k custody case.kan X1 --action received --from ir-lead --to lab \
    --at 2026-03-16T09:00:00+09:00 >out 2>err
is_status $? 0 "custody"
k custody case.kan X1 --action received --from ir-lead --to 'lab 2' \
    --corrects 1 --at 2026-03-16T09:00:00+09:00 >out 2>err
is_status $? 0 "a correction"
k custody case.kan --format csv --csv-raw >out 2>err
is_match out '^2,X1,2026-03-16T00:00:00Z,received,ir-lead,lab 2,,,1,' \
    "is an entry of its own"
k custody case.kan X9 --action x >out 2>err
is_status $? 1 "no such exhibit"

k report case.kan -o out1 >out 2>err
is_status $? 0 "report"
sha=$(sed -n 's/^sha256  *//p' out)
is "$(sha256sum <out1/report.html | cut -d' ' -f1)" "$sha" "with its digest"
k report case.kan -o out1 >out 2>err
is_status $? 1 "an existing report is not replaced"
k report case.kan -o out1 --force >out 2>err
is "$(sed -n 's/^sha256  *//p' out)" "$sha" "but with --force, by the same bytes"
k report case.kan -o ev/out1 >out 2>err
is_status $? 1 "nothing is written into the evidence"

k export case.kan --to jsonl -o all.jsonl >out 2>err
is_status $? 0 "export"
is "$(wc -l <all.jsonl)" 5 "all events"
is "$(sha256sum <all.jsonl | cut -d' ' -f1)" "$(sed -n 's/^sha256  *//p' out)" \
    "with its digest"
k export case.kan --to jsonl -o some.jsonl user:alice >out 2>err
is "$(wc -l <some.jsonl)" 2 "a filter chooses"
k export case.kan --to jsonl -o - >dash 2>err
ok "- is standard output" cmp -s dash all.jsonl
k export case.kan --to jsonl -o all.jsonl >out 2>err
is_status $? 1 "an existing file is not replaced"
k export case.kan --to jsonl -o case.kan --force >out 2>err
is_status $? 1 "the case never is"
k export case.kan --to jsnl -o x >out 2>err
is_match err 'Did you mean jsonl' "an unknown form"

k verify case.kan E2 >out 2>err
is_status $? 0 "verify an event's file"
k seal case.kan -o bag >out 2>err
is_status $? 0 "seal"
k verify bag >out 2>err
is_status $? 0 "the bag is whole"
is_match out '^signature +none' "and not signed"
chmod -R u+w bag
printf x >>bag/data/case/case.kan
k verify bag >out 2>err
is_status $? 3 "an altered bag: exit 3"
is_match out '^problem .*case.kan' "the file is named"
cp ev/a.json kept.json
printf x >>ev/a.json
k seal case.kan -o bag2 >out 2>err
is_status $? 3 "altered evidence is not sealed unasked"
k verify case.kan E2 >out 2>err
is_status $? 3 "its events' file differs"
k seal case.kan -o bag2 --skip-verify >out 2>err
is_status $? 0 "--skip-verify seals"

# ---- the log ----------------------------------------------------------------

k audit case.kan list >audit.log 2>err
is_status $? 0 "audit list"
uuid=$(k status case.kan 2>err | sed -n 's/^id  *//p')
previous=$(printf 'kanshiki-audit-v1\n%s' "$uuid" | sha256sum | cut -d' ' -f1)
: >wrong
while IFS= read -r line; do
    hash=${line%% *} body=${line#* }
    [ "$(printf %s "$body" | sha256sum | cut -d' ' -f1)" = "$hash" ] ||
        echo "bad hash: $line" >>wrong
    [ "$(printf %s "$body" | cut -f2)" = "$previous" ] ||
        echo "break: $line" >>wrong
    previous=$hash
done <audit.log
ok "coreutils follow the chain" test ! -s wrong
head wrong | diag
is "$(k status case.kan 2>err | sed -n 's/^audit head  *[0-9]*://p')" \
    "$previous" "status prints its head"

anchor=$(sed -n 3p audit.log | cut -d' ' -f1)
k audit case.kan check --anchor "3:$anchor" >out 2>err
is_status $? 0 "an anchor is found"
k audit case.kan check --anchor "2:$anchor" >out 2>err
is_status $? 3 "another entry is not the anchor"
k audit case.kan check --anchor "9999:$anchor" >out 2>err
is_status $? 3 "a log that ends before its anchor"
is_match err 'truncated' "  is called truncated"

if command -v sqlite3 >sqlite.path; then
    cp case.kan bad.kan
    sqlite3 bad.kan "DROP TRIGGER audit_no_update;
        UPDATE audit SET line=replace(line,'A. Examiner','X. Examiner')
        WHERE seq=4" >out 2>err
    k verify bad.kan >out 2>err
    is_status $? 4 "a case whose triggers were removed is refused"
else
    skip "a case whose triggers were removed is refused" "no sqlite3 shell"
fi

done_testing
