#!/bin/sh
# The program stores of the sample incident what its generator put in.
. "$SRCDIR/tests/lib.sh"

expected() { sed -n "s/^$1	//p" "$SRCDIR/samples/expected.tsv"; }
stored() { # FIELD: of the exhibit
    sed -n "/\"type\":\"exhibit\"/s/.*\"$1\":\([0-9]*\).*/\1/p" status
}

"$KANSHIKI" new case.kan >out 2>err
"$KANSHIKI" import case.kan "$SRCDIR/samples/cloudtrail" \
    --progress none >out 2>err
is_status $? 2 "import ends with issues: one file is damaged"
"$KANSHIKI" status case.kan --format jsonl >status 2>err

rejected=$(expected cloudtrail.rejected)
is "$(stored read)" "$(($(expected cloudtrail.records) + rejected))" \
    "every record is read"
is "$(stored stored)" "$(expected cloudtrail.unique)" "each event is stored once"
is "$(stored duplicates)" "$(expected cloudtrail.duplicates)" \
    "the second deliveries are duplicates"
is "$(stored rejected)" "$rejected" "the torn record is rejected"
is "$(stored files)" "$(($(expected cloudtrail.files) + 1))" \
    "all files are counted, the digest too"

done_testing
