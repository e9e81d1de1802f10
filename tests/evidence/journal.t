#!/bin/sh
# Volumes that were copied in use (tests/data/journal, made by make.sh there):
# through "!journal" each is what the kernel's own recovery made of it.
. "$SRCDIR/tests/lib.sh"
list=$BUILDDIR/tests/evidence/fs_list
data=$SRCDIR/tests/data/journal

for name in ext4 ext4-none ext4-sums xfs xfs-wide; do
    "$list" "$data/$name.img.gz" '!gz!journal' >all 2>issues
    is_status $? 0 "$name: read through its journal"
    awk '$10 == "0"' all | LC_ALL=C sort >ours
    is_file_equal ours "$data/$name.txt" "$name: as the kernel recovered it"
    grep -E '^issue [12]' issues >wrong
    is_file_equal wrong /dev/null "$name: no issues"
    grep -q ' 19 .* /\$OrphanFiles/' all
    ok "$name: the file that was deleted while open is found"
    "$list" "$data/$name.img.gz" '!gz' >all 2>issues
    awk '$10 == "0"' all | LC_ALL=C sort >ours
    ! cmp -s ours "$data/$name.txt"
    ok "$name: on disk it is older"
    grep -q '^issue 1 journal-not-replayed' issues
    ok "$name: and says so"
done

# Fast commits: the kernel gives directories the time of recovery, and those
# that were made in one the link count 1.
mask() { awk '$1 == "d" { $5 = $7 = $8 = "*" } { print }' "$1" | LC_ALL=C sort; }
"$list" "$data/ext4-fast.img.gz" '!gz!journal' >all 2>issues
is_status $? 0 "fast commits: read"
awk '$10 == "0"' all >live
mask live >ours
mask "$data/ext4-fast.txt" >theirs
is_file_equal ours "$TMP/theirs" "fast commits: as the kernel recovered it"
grep -E '^issue [12]' issues >wrong
is_file_equal wrong /dev/null "fast commits: no issues"
grep -q ' /a/made/hard$' live
ok "fast commits: a directory that was made in one has its names"
"$list" "$data/ext4-fast.img.gz" '!gz' 2>/dev/null | grep -c ' /a/made' >before
is "$(cat before)" 0 "fast commits: on disk it is not there"

"$list" "$data/ext4.img.gz" '!gz!journal!journal' >out 2>err
is_status $? 1 "what is recovered has nothing more to recover"
done_testing
