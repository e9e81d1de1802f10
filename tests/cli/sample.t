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

done_testing
