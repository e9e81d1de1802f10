#!/bin/sh
# Disk and memory images of the sample incident: names, content, identifiers,
# each of them back to its bytes.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

k new case.kan >out 2>err
k import case.kan "$SRCDIR/samples/disk/app-01-data.E01" \
    "$SRCDIR/samples/memory/app-01.avml" --hash-files >out 2>err
ok "import" test $? -eq 0 -o $? -eq 2

k disk case.kan volumes >out 2>err
is_match out '^X1 +volume \(whole\) file system +ext4, 33554432 bytes' "volumes"
k disk case.kan ls X1 /archive >out 2>err
is_status $? 0 "ls"
is_file_equal out cli/disk-ls.table "  as it was"
k disk case.kan deleted X1 >out 2>err
is_status $? 0 "deleted"
is_file_equal out cli/disk-deleted.table "  as it was"
k disk case.kan ls X1 / --recursive --format jsonl >all 2>err
ok "every name that was made is there, and some deleted ones" \
    test "$(wc -l <all)" -ge "$(grep -vc '^#\|	disk$' "$SRCDIR/samples/expected-disk.tsv")"
tr -d '\n -~\200-\377' <all >controls
ok "  without control characters" test ! -s controls

k disk case.kan stat X1 /archive/1901.txt >out 2>err
is_match out '^modified +1901-12-13T20:45:52\.999137647Z' "stat has the times"
cite=$(sed -n 's/^cite  *//p' out) sha=$(sed -n 's/^sha256  *//p' out)
k disk case.kan cat X1 /archive/1901.txt >content 2>err
is "$(cat content)" earliest "cat has the content"
k show case.kan "$cite" --raw >raw 2>err
ok "  which its citation leads to" cmp -s raw content
k disk case.kan hexdump X1 /archive/1901.txt >out 2>err
is_match out '^00000000  65 61 72 6c' "hexdump"
k disk case.kan extract X1 /archive/1901.txt -o copy >out 2>err
is_status $? 0 "extract"
is "$(sha256sum <copy | cut -d' ' -f1)" "$sha" "  the digest is that of the import"
k audit case.kan list >out 2>err
is_match out "disk.extract.*\"path\":\"/archive/1901.txt\",\"sha256\":\"$sha\"" \
    "  and in the audit log"
k disk case.kan extract X1 /archive/1901.txt -o copy >out 2>err
is_status $? 1 "an existing file is not replaced"

k disk case.kan stat X1 /upload/.t/p.sh >out 2>err
is_match out '^content +POSIX shell script' "what may run is looked into"
k disk case.kan stat X1 /archive/1979.txt >out 2>err
ok "  and nothing else" sh -c '! grep -q ^content out'

# A file's event leads to the bytes of its inode on the medium.
event=$(k timeline case.kan 'target:/archive/1901.txt' --limit 1 \
    --format jsonl 2>err | sed 's/.*"event":"\(E[0-9]*\)".*/\1/')
k show case.kan "$event" --raw >inode 2>err
is "$(wc -c <inode | tr -d ' ')" 256 "an event of a file leads to its inode"

# Any name can be given as ls prints it.
sed -n 's/.*"path":"\(\/upload\/inbox\/[^"]*\)".*/\1/p' all | grep -c . >n
k disk case.kan ls X1 /upload/inbox --format csv --csv-raw >raw 2>err
k disk case.kan ls X1 /upload/inbox 2>err | tail -n +2 |
    sed -E 's@^[^/]*(/upload)@\1@; s/ +$//' | grep -v ' blank' >names
: >wrong
while IFS= read -r name; do
    k disk case.kan stat X1 "$name" >out 2>err || echo "$name" >>wrong
done <names
ok "names with escapes, bad bytes and line breaks are found" \
    test -s names -a ! -s wrong
head wrong | diag

k disk case.kan cat X1 /upload/.t/c.tgz >gone 2>err
is_status $? 2 "deleted content comes with a warning"
is_match err 'deleted: its blocks may have been given to others' "  in words"
k disk case.kan cat X1 /no/such >out 2>err
is_status $? 1 "no such file"
k disk case.kan cat X1 /archive/1901.txt -o x >out 2>err
is_status $? 1 "-o only with extract"

k memory case.kan info >out 2>err
is_match out '^X2 +format +AVML' "memory info"
k memory case.kan carve X2 --kind key --format csv --csv-raw >out 2>err
is_match out ',key,ASIAAPPSTOLENEXAMPLE,' "memory carve"
off=$(sed -n '2s/^[^,]*,\([0-9]*\),.*/\1/p' out)
value=$(sed -n '2s/^[^,]*,[0-9]*,key,\([^,]*\),.*/\1/p' out)
is "$(k show case.kan "X2/app-01.avml!phys@$off+${#value}" --raw 2>err)" \
    "$value" "  its bytes are where it says"

done_testing
