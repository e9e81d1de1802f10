#!/bin/sh
# analyze says of the sample incident what its story is, and no more.
. "$SRCDIR/tests/lib.sh"

k() { "$KANSHIKI" "$@"; }
expected() { sed -n "s/^$1	//p" "$SRCDIR/samples/expected.tsv"; }
stolen=$(expected story.stolen_key)
made=$(expected story.persistence_key)

k new case.kan --title 'Sample incident' >out 2>err
(cd "$SRCDIR/samples" && k import "$TMP/case.kan" cloudtrail cloudwatch \
    disk/app-01-data.E01 memory/app-01.avml) >out 2>err
k status case.kan --content-hash >before 2>err
k analyze case.kan >out 2>err
is_status $? 0 "analyze ends well"
k status case.kan --content-hash >after 2>err
is "$(grep '^content hash' after)" "$(grep '^content hash' before)" \
    "what was imported is as it was"
k verify case.kan >out 2>err
is_status $? 0 "the case is whole"

# ---- coverage

k coverage case.kan --gaps --format jsonl >gaps 2>err
# shellcheck disable=SC2046
set -- $(expected cloudtrail.gap)
grep '"source":"cloudtrail",.*"state":"absent"' gaps >absent
is "$(wc -l <absent | tr -d ' ')" 1 "one gap of the deliveries, no false one"
is_match absent "\"region\":\"$1\",\"from\":\"$2\",\"to\":\"$3\"" \
    "it is the one that was made"
# shellcheck disable=SC2046
set -- $(expected story.data_events_off)
grep '"source":"cloudtrail data events",.*"state":"absent"' gaps >absent
is "$(wc -l <absent | tr -d ' ')" 1 "data events are missing once"
is_match absent "\"from\":\"$1\",\"to\":\"$2\"" "from and to the calls"
grep -c '"state":"damaged"' gaps >n
is "$(cat n)" 1 "one file is damaged"
is_match gaps '"from":"2026-03-10T06:10:00Z","to":"2026-03-10T06:15:00Z","state":"damaged"' \
    "the one that was cut"
is_match gaps 'X[0-9]+/[^ ]*AWSLogs/[^ ]*/[^ ]*gz!gz is damaged' "by its full path"
grep -c 'StopLogging\|DeleteTrail' gaps >n
is "$(cat n)" 0 "refused calls stopped nothing"
k coverage case.kan --format jsonl >all 2>err
grep 'export task a17f4a5e' all >task
is_match task '"from":"2026-03-09T00:00:00Z","to":"2026-03-12T00:00:00Z","state":"present".*log group /app/web' \
    "an export task says what was exported"
grep '"source":"disk"' all >disk
is_match disk '"from":"2026-03-12T02:30:00Z","to":"2026-03-12T02:30:00Z"' \
    "a disk image covers one moment"

# ---- links

if ! command -v sqlite3 >sqlite3.path; then
    skip "links" "sqlite3 is not installed"
    done_testing
    exit
fi
sqlite3 'file:case.kan?mode=ro&immutable=1' >links <<'SQL'
.mode tabs
SELECT rule, class, entity.value, CASE b_kind WHEN 1 THEN 'X' || b ELSE 'E' END,
       link.n, reason
FROM link JOIN entity ON entity.id = link.entity ORDER BY link.id;
SQL
tab='	'
is_match links "^C1${tab}0${tab}$stolen${tab}E${tab}[0-9]+${tab}AssumeRole issued .* from 198\.51\.100\.66, first 2026-03-11T02:19:44Z" \
    "the stolen key was issued to the server and used from outside"
is_match links "^C2${tab}0${tab}$made${tab}E${tab}[0-9]+${tab}CreateAccessKey .* from 198\.51\.100\.66" \
    "the key that was made was used"
is_match links "^C22${tab}0${tab}$stolen${tab}.*X4 \(memory\).*presence is not use" \
    "the stolen key stands in memory"
is_match links "^C8${tab}0${tab}vol-0bb22cc33dd44ee55${tab}X3${tab}8${tab}the acquisition record" \
    "the image is of the volume, by its acquisition record"
is_match links "^C8${tab}0${tab}snap-0dd44ee55ff66aa77${tab}X3" "by the snapshot"
is_match links "^C9${tab}1${tab}i-0f3a9c1d2b4e5f607${tab}X4" \
    "the instance in memory is a candidate"
is_match links "^C7${tab}0${tab}vol-0bb22cc33dd44ee55${tab}E${tab}1${tab}CreateVolume .* AttachVolume" \
    "the volume was attached"
is_match links "^C7${tab}0${tab}ami-0123abcd4567ef890${tab}E${tab}1${tab}CreateImage .* RunInstances" \
    "the server was started from the image"
grep -c '192\.0\.2\.99\|time-conflict' links >n
is "$(cat n)" 0 "decoys are not joined, no order is impossible"
cut -f 3,6 links | grep '198\.51\.100' | cut -f 1 | sort -u >outside
printf '%s\n' "$stolen" "$made" | sort >wanted
is_file_equal outside "$TMP/wanted" "only the two keys were used from outside"

cp links first
k analyze case.kan >out 2>err
sqlite3 'file:case.kan?mode=ro&immutable=1' >links <<'SQL'
.mode tabs
SELECT rule, class, entity.value, CASE b_kind WHEN 1 THEN 'X' || b ELSE 'E' END,
       link.n, reason
FROM link JOIN entity ON entity.id = link.entity ORDER BY link.id;
SQL
is_file_equal links "$TMP/first" "a second run gives the same"

done_testing
