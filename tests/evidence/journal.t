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

"$list" "$data/ext4.img.gz" '!gz!journal!journal' >out 2>err
is_status $? 1 "what is recovered has nothing more to recover"
done_testing
