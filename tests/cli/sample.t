#!/bin/sh
# The sample incident: the sums are those that its generator knows.
. "$SRCDIR/tests/lib.sh"

k() { "$KANSHIKI" "$@"; }
expected() { sed -n "s/^$1	//p" "$SRCDIR/samples/expected.tsv"; }
number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }

k new case.kan --title 'Sample incident' >out 2>err
k import case.kan "$SRCDIR/samples/cloudtrail" >out 2>err
is_status $? 2 "the sample has issues"
k status case.kan --format jsonl >status 2>err
grep '"type":"exhibit"' status >exhibit
is "$(number stored <exhibit)" "$(expected cloudtrail.unique)" "stored"
is "$(number duplicates <exhibit)" "$(expected cloudtrail.duplicates)" "duplicates"
is "$(number rejected <exhibit)" "$(expected cloudtrail.rejected)" "rejected"
is_match status '"sums_agree":true' "the sums agree"
k new again.kan >out 2>err
k import again.kan "$SRCDIR/samples/cloudtrail" --jobs 1 >out 2>err
k status case.kan --content-hash >a 2>err
k status again.kan --content-hash >b 2>err
is "$(grep '^content hash' a)" "$(grep '^content hash' b)" \
    "two imports, with one worker and with several, have the same content"

k evidence case.kan verify >out 2>err
is_status $? 0 "the evidence verifies"
k verify case.kan >out 2>err
is_status $? 0 "the case is whole"

k show case.kan "key:$(expected story.stolen_key)" --format jsonl >out 2>err
is_match out '"first":"2026-03-11T02:' "the stolen key is an entity"
k pivot case.kan "key:$(expected story.persistence_key)" --kind ip >out 2>err
is_match out '^ip +198\.51\.100\.66 ' "the key made by the attacker was used from there"

# ---- links and lineage ------------------------------------------------------

k analyze case.kan >out 2>err
is_status $? 0 "analyze"
# name|arguments
while IFS='|' read -r name arguments; do
    for format in table csv jsonl; do
        eval "k $arguments --format $format" >out 2>err
        is_status $? 0 "kanshiki $arguments --format $format"
        is_file_equal out "cli/$name.$format" "  as it was"
    done
done <<'VIEWS'
links-key|links case.kan key:ASIAAPPSTOLENEXAMPLE
links-c2|links case.kan C2
links-event|links case.kan E1914
lineage-key|lineage case.kan key:AKIASVCBACKUPEXAMPLE
lineage-role|lineage case.kan app-server-role
lineage-user|lineage case.kan arn:aws:iam::111122223333:user/svc-backup
VIEWS
is_match err 'CloudTrail is not whole for [0-9]+ periods' \
    "lineage says that CloudTrail is not whole"
k links case.kan c99 >out 2>err
is_status $? 1 "what is neither a rule nor in the case is refused"
k links case.kan --format jsonl >out 2>err
is "$(wc -l <out)" "$(k analyze case.kan --format jsonl 2>err |
    number links | awk '{ n += $1 } END { print n }')" "links lists all of them"
k lineage case.kan E5 >out 2>err
is_status $? 1 "an event has no lineage"

# ---- records in an export ---------------------------------------------------

k export case.kan --to jsonl --with-raw -o events.jsonl >out 2>err
is_status $? 0 "export with the records"
is "$(wc -l <events.jsonl)" "$(expected cloudtrail.unique)" "all events are in it"
not_here=$(grep -c '"raw":null}$' events.jsonl)
is "$not_here" 0 "with all records"
differ=''
for n in 1 2 500 1914 2147 3333 4471; do
    k show case.kan "E$n" --format jsonl 2>err |
        sed 's/.*"record":\(".*"\),"gaps":.*/\1/' >shown
    grep "^{\"event\":$n," events.jsonl | sed 's/.*"raw":\(".*"\)}$/\1/' >exported
    test -s exported && cmp -s shown exported || differ="$differ E$n"
done
is "$differ" '' "each is that of its event"

done_testing
