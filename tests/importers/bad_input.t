#!/bin/sh
# Damaged and hostile logs: what is whole is kept, what is not is named with
# its place, and nothing else happens. (Archives, gzip and JSON by themselves
# are tried in tests/evidence and tests/base.)
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/importers/events.sh"

recs() { printf '{"Records":[%s,%s]}' "$(ev 1 A)" "$(ev 2 B)"; }
L1=$(line 1 A) L2=$(line 2 B) L3=$(line 3 C)
# has LINE NAME; hasnt: of the last dump
has() { is_match got "^$1" "$2"; }
count() { # N REGEX NAME
    is "$(grep -Ec "$2" got)" "$1" "$3"
}
gives() { "$dump" -o "$@" in >got 2>err || echo "exit status $?" >>got; }

# ---- compression -----------------------------------------------------------
recs | gzip -n >g
size=$(wc -c <g)
head -c $((size - 5)) g >in && gives
count 2 '^event' "gzip cut in its trailer: all records"
has 'error gzip-cut @[0-9]+\+0: .*compressed byte [0-9]+, content byte 957' \
    "and the place in both streams"
{ head -c $((size - 8)) g; printf '\0\0\0\0'; tail -c 4 g; } >in && gives
count 2 '^event' "wrong checksum: all records"
has 'error gzip-checksum' "and said"
{ head -c $((size - 4)) g; printf '\1\0\0\0'; } >in && gives
count 2 '^event' "wrong length: all records"
has 'error gzip-length' "and said"
{ cat g; head -c 100 /dev/zero; } >in && gives
count 2 '^event' "zeros after the data: all records"
count 0 '^(error|warning)' "and no complaint"
{ cat g; echo garbage; } >in && gives
count 2 '^event' "garbage after the data: all records"
has "error gzip-trailing @$size" "and its place"
recs >in
printf 'member cloudtrail\n%s\n%s\n' "$L1" "$L2" >want
reads "plain JSON under the name of gzip" AWSLogs/x.json.gz
recs | gzip -n | gzip -n | gzip -n | gzip -n >in && gives
has 'warning not-recognised' "gzip in gzip in gzip in gzip is not followed"

# ---- nothing ---------------------------------------------------------------
: >in && gives
has 'note empty' "an empty file"
: | gzip -n >in && gives
has 'note empty' "gzip of nothing"
for t in '{}' '[]' ' ' '{"Records":[]}' '{"Records": [ ] }'; do
    printf %s "$t" >in && gives
    count 0 '^(error|warning|reject)' "nothing is wrong with '$t'"
done

# ---- JSON ------------------------------------------------------------------
{ ev 1 A; echo; head -c 17000000 /dev/zero | tr '\0' x; echo; ev 2 B; } >in
gives
count 2 '^event' "a line of 17 million bytes costs itself"
has 'reject json-syntax @472\+17000001' "with its place and length"
open=$(head -c 100000 /dev/zero | tr '\0' '[')
printf '{"Records":[%s,{"eventVersion":"1.08","eventName":%s%s},%s]}' \
    "$(ev 1 A)" "$open" "$(printf %s "$open" | tr '[' ']')" "$(ev 2 B)" >in
gives
count 2 '^event' "100,000 levels cost their record"
has 'reject json-syntax @484.*deeper than 256' "and are named"
ev 1 A '"eventName":"B"' >in && gives
has 'event .* B iam.*!duplicate-key' "of a key given twice the last one counts"
ev 1 A | sed 's/aws-cli/a\\u0000b/' >in && gives
count 1 '^event' "an escaped NUL is data"
{ recs | sed 's/}}*$//' | tr '\n' ' '; printf ',';
ev 3 'a@b' | tr '@' '\0'; printf ',%s]}' "$(ev 4 D)"; } >in && gives
has 'reject json-syntax .*control character' "a raw NUL is none"
count 1 'D iam' "the record after it is read"
printf '[ { awsRegion: "us-east-1", eventName: "A", eventSource: "s3.amazonaws.com" } ]' >in && gives
has 'reject json-syntax .*a key in quotes expected' "an event without quotes is rejected, not unknown"
for code in UTF-16LE UTF-16BE; do
    recs | iconv -f UTF-8 -t "$code" >in && gives
    has 'note utf-16' "$code is named"
    has '^member !utf16 cloudtrail' "  and read as a layer"
    count 2 '^event' "  with all its records"
    case $code in *LE) printf '\377\376' ;; *) printf '\376\377' ;; esac >in
    recs | iconv -f UTF-8 -t "$code" >>in && gives
    has 'note utf-16' "$code with a byte order mark is named"
    count 2 '^event' "  and read"
done
ev 1 A | sed "s/aws-cli/$(printf '\377\300\257\355\240\200')/" >in && gives
has 'event .*!bad-text' "bytes that are not UTF-8 are flagged"
ev 1 A | sed 's/aws-cli/\\ud800x/' >in && gives
has 'event .*!bad-text' "a lone surrogate is flagged"
ev 1 A '"x":{"a":1e400,"b":-0,"c":9007199254740993,"d":[1E-999,9223372036854775808]}' >in
gives
count 1 '^event' "numbers out of every range"
printf '{"Records":[%s,' "$(ev 1 A)" >in && gives
count 1 '^event' "a list without its end: what is there"
has 'error json-cut' "and the cut"
{ ev 1 A; echo; ev 2 B | head -c 300; } >in && gives
has 'reject json-cut @472\+300' "a last record that is cut"
is "$(wc -l <got)" 3 "the cut is told once"
printf '{"Records":[%s,]}' "$(ev 1 A)" >in
printf 'member cloudtrail\n%s\n' "$L1" >want
reads "a comma too many"
for bad in 's/null/NaN/' "s/\"/'/g" 's/^{/{\/* x *\//' 's/}$//' 's/:/ /'; do
    { ev 1 A; echo; ev 2 B | sed "$bad"; echo; ev 3 C; } >in && gives
    count 2 '^event' "a line broken by $bad costs itself"
    has 'reject json-syntax @472' "with its place"
    printf '{"Records":[%s,%s,%s]}' "$(ev 1 A)" "$(ev 2 B | sed "$bad")" \
        "$(ev 3 C)" >in && gives
    has 'event @[0-9+]* 2026-03-11T02:11' "before it in a list ($bad)"
    has 'event @[0-9+]* 2026-03-11T02:13' "after it in a list ($bad)"
    has 'reject json-syntax @484' "with its place in the list ($bad)"
done
printf '{"Records":[%s,/* x */%s]}' "$(ev 1 A)" "$(ev 2 B)" >in && gives
count 2 '^event' "a comment in a list costs itself"
{ ev 1 A; printf '\r'; ev 2 B; printf '\r\n\n'; ev 3 C; } >in
printf 'member cloudtrail\n%s\n%s\n%s\n' "$L1" "$L2" "$L3" >want
reads "CR, CR LF and empty lines"
{ ev 1 A; printf '\342\200\250'; ev 2 B; echo; ev 3 C; } >in && gives
has 'reject json-syntax @471' "U+2028 ends no line"
count 2 '^event' "and costs what follows on its own"

# ---- values ----------------------------------------------------------------
printf '{"Records":[null,1,"x",[%s],%s]}' "$(ev 2 B)" "$(ev 1 A)" >in && gives
count 4 '^reject not-an-object' "what is no object in a list is counted"
count 1 '^event' "and the rest is read"
printf '{"Records":{"eventVersion":"1.08","eventSource":"x"}}' >in && gives
has 'reject not-an-event' "Records that are no list"
ev 1 A | sed 's/"eventTime":"[^"]*"/"eventTime":12/; s/"192.0.2.10"/null/
    s/"us-east-1"/["a"]/; s/"aws-cli.2"/{"a":1}/' >in && gives
has 'event .* undated A .*!bad-field' "values of other types"
at() { # TEXT SHOWN
    ev 1 A | sed "s/\"eventTime\":\"[^\"]*\"/\"eventTime\":\"$1\"/" >in && gives
    has "event @[0-9+]* $2" "time $1"
}
at 0000-01-01T00:00:00Z '0000-01-01T00:00:00Z.*!implausible'
at 9999-12-31T23:59:59Z 9999-12-31T23:59:59Z
at 10000-01-01T00:00:00Z 'undated.*!bad-field'
at 1969-12-31T23:59:59Z '1969-12-31T23:59:59Z.*!implausible'
at 2026-02-30T00:00:00Z 'undated.*!bad-field'
at 2026-03-11T24:00:00Z 'undated.*!bad-field'
at 2026-12-31T23:59:60Z '2027-01-01T00:00:00Z.*!leap'
at 2026-03-11T02:00:00+14:59 2026-03-10T11:01:00Z
at 2026-03-11t02:00:00z 2026-03-11T02:00:00Z
at 2026-03-11T02:00:00 '2026-03-11T02:00:00Z\?'
at 1773195060123000000 'undated.*!bad-field'
at -5 'undated.*!bad-field'

# ---- CSV -------------------------------------------------------------------
head='Event name,Event time,Event source'
printf '%s\nA,2026-03-11T00:00:00Z,s\nB,"2026\nC,2026-03-11T00:00:00Z,s\n' \
    "$head" >in && gives
count 1 '^event' "an open quote costs what follows"
has 'reject csv-syntax @60' "with its place"
printf '%s\r\nA,2026-03-11T00:00:00Z\r\n\r\nB,,,,,,,,,\r\n' "$head" >in && gives
count 2 '^event' "rows that are too short or too long"
printf '%s\n' "$head" >in && gives
count 0 '^(event|reject|error)' "a header alone"

# ---- files, through the program --------------------------------------------
mkdir -p e/sub/deep && cd e || exit 1
recs >a.json
recs | gzip -n >sub/b.json.gz
: >empty
head -c 3000 /dev/urandom >noise
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n' >lfs.json
ln -s ../a.json sub/link
ln -s nowhere sub/dangling
ln -s . sub/loop
ln a.json sub/same
mkfifo sub/fifo
: >"$(printf 'sub/deep/\033[31mred\nline\377')"
# 640 million bytes in ten members of 62 kB
head -c 64000000 /dev/zero | gzip -1n >../z
for i in 1 2 3 4 5 6 7 8 9 10; do cat ../z; done >bomb.gz
mkdir t && printf x >t/x && recs >t/y
tar -cf evil.tar --transform='s,^t/x,../../x,' -P t/x t/y sub/link 2>/dev/null
recs >x && tar -cf in.tar x && tar -cf mid.tar in.tar && tar -cf out.tar mid.tar
tar -cf deep.tar out.tar && rm in.tar mid.tar out.tar x
rm -r t
find . -type f -exec sha256sum {} + | sort >../before
cd .. || exit 1
find e -printf '%p %s %T@ %C@ %m %l\n' | sort >meta
"$KANSHIKI" new k.kan >out 2>err
"$KANSHIKI" import k.kan e --progress none >out 2>err
is_status $? 2 "a folder of odd things is imported, with issues"
(cd e && find . -type f -exec sha256sum {} + | sort) >after
is_file_equal after "$TMP/before" "the evidence has the same bytes"
find e -printf '%p %s %T@ %C@ %m %l\n' | sort >meta2
is_file_equal meta2 "$TMP/meta" "the same names, times and modes"
"$KANSHIKI" status k.kan --issues --format csv >got 2>err
has '.*sub/fifo: not a regular' "a FIFO is named, not opened"
has '.*sub/link: a symbolic link is not followed' "a link is named"
has '.*sub/loop: a symbolic link' "a loop is named"
has '.*sub/dangling: a symbolic link' "a link to nowhere is named"
has '.*noise,,warning,not-recognised' "noise is named"
has '.*lfs.json,,warning,git-lfs-pointer' "a Git LFS pointer is named"
has '.*bomb.gz,!gz,warning,not-recognised' "a bomb is looked at"
has '.*evil.tar,,warning,archive-name' "a name that leaves the folder is named"
has '.*deep.tar.*(not-recognised|too-deep)' "archives too deep are named"
"$KANSHIKI" status k.kan --format jsonl >got 2>err
is "$(grep -o '"sums_agree":[a-z]*' got)" '"sums_agree":true' "the sums agree"
# a.json, sub/b, sub/same, t/y in evil.tar: two events, seen four times
is "$(grep '"exhibit"' got | grep -o '"stored":2,"duplicates":6,"rejected":0')" \
    '"stored":2,"duplicates":6,"rejected":0' "two events, stored once"
if [ "$(id -u)" -ne 0 ]; then
    chmod 0 e/a.json
    "$KANSHIKI" new k2.kan >out 2>err
    "$KANSHIKI" import k2.kan e --progress none >out 2>err
    is_status $? 2 "a file without permission is an issue"
else
    skip "a file without permission is an issue" "root may read all"
fi


# ---- zip (reliability 57 to 59) -----------------------------------------------

unset local flags method size packed head extra
le() { # VALUE BYTES
    v=$1
    for _ in $(seq "$2"); do
        printf "\\$(printf %03o $((v & 255)))"
        v=$((v >> 8))
    done
}
# zip_add NAME FILE: with local=NAME flags=N method=N size=N packed=N head=N
# extra=FILE in the environment, what the headers say instead of the truth
zip_begin() { : >z.zip; : >z.dir; entries=0; }
zip_add() {
    n=$(wc -c <"$2") at=$(wc -c <z.zip) own=${local:-$1}
    gzip -nc <"$2" | tail -c 8 | head -c 4 >crc
    {
        printf 'PK\3\4\24\0'
        le "${flags:-0}" 2; le "${method:-0}" 2; le 0 4
        cat crc
        le "$n" 4; le "$n" 4; le ${#own} 2; le 0 2
        printf %s "$own"
        cat "$2"
    } >>z.zip
    {
        printf 'PK\1\2\24\0\24\0'
        le "${flags:-0}" 2; le "${method:-0}" 2; le 0 4
        cat crc
        le "${packed:-$n}" 4; le "${size:-$n}" 4; le ${#1} 2
        le "$(cat /dev/null ${extra:+"$extra"} | wc -c)" 2; le 0 10
        le "${head:-$at}" 4
        printf %s "$1"
        cat /dev/null ${extra:+"$extra"}
    } >>z.dir
    entries=$((entries + 1))
}
zip_end() { # [COUNT]
    at=$(wc -c <z.zip) n=$(wc -c <z.dir)
    cat z.dir >>z.zip
    { printf 'PK\5\6\0\0\0\0'; le "${1:-$entries}" 2; le "${1:-$entries}" 2
      le "$n" 4; le "$at" 4; le 0 2; } >>z.zip
    cp z.zip in
    gives
}
printf '{"Records":[%s]}' "$(ev 1 A)" >a
printf '{"Records":[%s]}' "$(ev 2 B)" >b
zip_begin
zip_add x.json a
zip_add x.json b
zip_end
count 2 '^event' "two entries of one name: both are read"
is "$(grep -c 'archive-duplicate' got)" 2 "  and both are flagged"
is "$(sed -n 's/^warning archive-duplicate @\([0-9]*\).*/\1/p' got | sort -un | wc -l)" 2 \
    "  each at its own place"
zip_begin
local=other.json zip_add x.json a
zip_end
has 'warning archive-mismatch @0.*x.json' "the local header has another name"
has '^member !zip/x.json cloudtrail' "  the directory's is used"
zip_begin
zip_add x.json a
size=9 zip_add y.json b
zip_end
has 'warning archive-mismatch .*y.json' "another size in the directory"
count 1 'A iam' "  the entry before it is read"
zip_begin
zip_add x.json a
head=0 zip_add y.json b
head=0 zip_add z.json b
zip_end
count 0 'B iam' "entries that share bytes: none of the later ones is read"
has 'overlap|share' "  and that is said"
zip_begin
zip_add x.json a
flags=1 zip_add secret.json b
method=99 zip_add odd.json b
zip_end
count 1 '^event' "encrypted, and an unknown method: the others are read"
is "$(grep -c 'warning archive-member' got)" 2 "  an issue for each"
zip_begin
{ le 1 2; le 16 2; le -1 8; le -1 8; } >extra64
zip_add x.json a
size=4294967295 packed=4294967295 extra=extra64 zip_add huge.json b
zip_end
count 1 '^event' "sizes of 2^64-1: the other entry is read"
has 'huge.json|archive-(cut|member)' "  and the entry is named"
zip_begin
zip_add x.json a
zip_end 7
count 1 '^event' "another count of entries than stated"
has 'warning zip-count' "  is said"
done_testing
