#!/bin/sh
# From files to a case: sums, issues, digests; interrupted and repeated.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

make_evidence ev
(find ev -type f -exec sha256sum {} + && find ev -exec stat -c '%n %Y %Z %a %s' {} +) |
    sort >before

k new case.kan --title Test >out 2>err
is_status $? 0 "new"
k import case.kan ev >out 2>err
is_status $? 2 "import ends with 2 when the evidence has issues"
normal out
is_file_equal out cli/import.table "import reports the sums"

for format in table csv jsonl; do
    k status case.kan --format $format >out 2>err
    is_status $? 2 "status --format $format"
    normal out
    is_file_equal out cli/status.$format "status as $format"
done
k status case.kan --issues >out 2>err
normal out
is_file_equal out cli/issues.table "every issue is listed with its place"
k evidence case.kan show X1 >out 2>err
normal out
is_file_equal out cli/evidence-show.table "the members of the exhibit"

k import case.kan ev >out 2>err
is_status $? 0 "the same path again is no error"
is_match err 'already in the case as X1' "  and is named"
k verify case.kan >out 2>err
is_status $? 0 "the case is whole"

(find ev -type f -exec sha256sum {} + && find ev -exec stat -c '%n %Y %Z %a %s' {} +) |
    sort >after
ok "the evidence is untouched" cmp -s before after

# ---- against the digests ----------------------------------------------------

k evidence case.kan verify >out 2>err
is_status $? 0 "the evidence is as it was"
is_match out '^X1 +match +4 ' "  all of it"
cp -r ev moved
printf x >>moved/a.json
rm moved/unknown.bin
printf new >moved/new
k evidence case.kan attach X1 moved >out 2>err
k evidence case.kan verify --format csv --csv-raw >out 2>err
is_status $? 3 "changed evidence: exit 3"
is_match out '^X1,differs,1,a.json,' "  the changed file"
is_match out '^X1,missing,1,unknown.bin,' "  the missing file"
is_match out '^X1,new,1,new,,' "  the new file"
k audit case.kan list >out 2>err
is_match out 'evidence.verify.*"differs":1,"match":2,"missing":1,"new":1' \
    "the outcome is in the audit log"

good=$(sha256sum <ev/a.json | cut -d' ' -f1)
k new claim.kan >out 2>err
k import claim.kan ev/a.json --sha256 "$(echo "$good" | tr 0-9 1-90)" >out 2>err
is_status $? 3 "a digest that differs stops the import"
k import claim.kan ev/a.json --sha256 "$good" >out 2>err
is_status $? 0 "the right one does not"

# Lists of digests.
k new sums.kan >out 2>err
find ev -type f -exec sha256sum {} + >list
k import sums.kan ev --sums list >out 2>err
is_status $? 2 "a list of sha256sum, made one folder above"
k evidence sums.kan show X1 >out 2>err
is "$(grep -c 'claimed sha256: .* match' out)" 4 "  every file was compared"
k status sums.kan --issues --format csv >out 2>err
is "$(grep -c claim out)" 0 "  nothing is missing from it"
for tool in md5sum sha1sum; do
    rm -f sums.kan*
    k new sums.kan >out 2>err
    (cd ev && $tool --tag a.json && $tool sub/b.json.gz) >list
    echo "$($tool <list | cut -d' ' -f1)  gone/file" >>list
    k import sums.kan ev --sums list >out 2>err
    is_status $? 2 "$tool, in both forms"
    k evidence sums.kan show X1 >out 2>err
    is "$(grep -c "claimed ${tool%sum}: .* match" out)" 2 "  compared"
    k status sums.kan --issues --format csv >out 2>err
    is_match out 'claim-without-file,.*1 digests.*gone/file' "  a file that is not here"
    is_match out 'file-without-claim,.*for 2 of 4 files' "  files that it does not name"
    sed -i '1s/......$/000000/' list
    rm -f sums.kan*
    k new sums.kan >out 2>err
    k import sums.kan ev --sums list >out 2>err
    is_status $? 3 "another digest stops the import"
    is_match err "its ${tool%sum} is not the claimed one" "  and is named"
    k import sums.kan ev --sums list --claim-reason 'copied twice' >out 2>err
    is_status $? 2 "  a reason lets it go on"
    k evidence sums.kan show X1 >out 2>err
    is_match out "claimed ${tool%sum}.*differs: copied twice" "  which is kept"
done
echo 'no digest' >list
rm -f sums.kan*
k new sums.kan >out 2>err
k import sums.kan ev --sums list >out 2>err
is_status $? 1 "what is no list"
is_match err 'list: line 1 is no digest' "  is refused with its place"

# Logs of tools that made an image.
head -c 65536 /dev/zero >disk.raw
md5=$(md5sum <disk.raw | cut -d' ' -f1) sha=$(sha256sum <disk.raw | cut -d' ' -f1)
sha1=$(sha1sum <disk.raw | cut -d' ' -f1)
acquire() { # OPTION...; the log comes on stdin
    cat >log
    rm -f acq.kan*
    k new acq.kan >out 2>err
    k import acq.kan disk.raw --acquisition log "$@" >out 2>err
}
acquire <<E
dc3dd 7.2.646 started at 2026-03-11 04:10:00 +0000
input results for device \`/dev/xvdf':
   128 sectors in
   $md5 (md5)
   $sha (sha256)
dc3dd completed at 2026-03-11 04:11:02 +0000
E
is_status $? 2 "a log of dc3dd"
k evidence acq.kan show X1 >out 2>err
is_match out "^claimed md5 $md5 match .*dc3dd" "  its MD5 is compared"
is_match out "^claimed sha256 $sha match" "  and its SHA-256"
is_match out "^acquisition log: dc3dd 7.2.646" "  the log is kept"
k custody acq.kan X1 --format csv >out 2>err
is_match out 'acquire.*made by dc3dd, log with SHA-256' "  with an entry in the custody"
acquire <<E
0 - 32768: $(echo "$md5" | tr 0-9a-f 1-9a-f0)
Total (md5): $md5
Total (sha1): $sha1
dcfldd
E
k evidence acq.kan show X1 >out 2>err
is "$(grep -c '^claimed .* match' out)" 2 "a log of dcfldd, the parts left out"
is "$(grep -c '^claimed' out)" 2 "  nothing else"
printf 'ewfacquire 20140813\nMD5 hash calculated over data:\t\t%s\n' \
    "$(echo "$md5" | tr 0-9a-f 1-9a-f0)" >log.bad
acquire <log.bad
is_status $? 3 "another digest than stated"
is_match err 'states another digest' "  is said"
k evidence acq.kan show X1 >out 2>err
is_match out '^claimed md5 .* differs' "  and kept"
acquire --claim-reason 'the log is of another copy' <log.bad
is_status $? 2 "  a reason lets it go on"
k evidence acq.kan show X1 >out 2>err
is_match out '^claimed md5 .* differs .*the log is of another copy' "  which is kept"

# ---- interrupted ------------------------------------------------------------

for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    cp -r "$SRCDIR/samples/cloudtrail" "big.$i"
done
mkdir big && mv big.* big && chmod -R u+w big
k new whole.kan >out 2>err
k import whole.kan big --jobs 2 >out 2>err
k status whole.kan --content-hash >whole 2>err
interrupt() { # SIGNAL CASE
    "$KANSHIKI" import "$2" big --jobs 2 --progress jsonl >out 2>progress &
    pid=$!
    n=0
    while [ ! -s progress ] && [ $n -lt 200 ]; do
        sleep 0.02
        n=$((n + 1))
    done
    kill -"$1" $pid 2>/dev/null
    wait $pid 2>wait.err
}
for signal in TERM KILL; do
    k new "$signal.kan" >out 2>err
    interrupt $signal "$signal.kan"
    code=$?
    case $code in
    0 | 2) skip "interrupted by $signal" "the import was faster" ;;
    *)
        [ $signal = TERM ] && is_status $code 143 "SIGTERM: exit 143"
        [ $signal = TERM ] && is_match progress 'same command resumes' \
            "  says how to go on"
        k status "$signal.kan" >out 2>err
        is_match out '^sums .*agrees' "what is there agrees after $signal"
        ;;
    esac
    k import "$signal.kan" big >out 2>err
    is_status $? 2 "the same command resumes after $signal"
    k status "$signal.kan" --content-hash >resumed 2>err
    is "$(grep '^content hash' resumed)" "$(grep '^content hash' whole)" \
        "  and ends with the same content"
    k verify "$signal.kan" >out 2>err
    is_status $? 0 "  in a whole case"
done

done_testing
