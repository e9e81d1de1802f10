#!/bin/sh
# Small XFS images, made once by a kernel (tests/data/make-xfs): what it said
# then about every name must be read from them on any machine, without root;
# and what is found beyond its names stays as it was.
. "$SRCDIR/tests/lib.sh"

list=$BUILDDIR/tests/evidence/fs_list tool=$BUILDDIR/tests/evidence/sectors_tool
data=$SRCDIR/tests/data/xfs
columns() { sed -E 's/ 0 ([0-9a-f]{64}|-) / \1 /' | sort; }

for name in v5 v5-wide v4; do
    : >i.img
    "$tool" unpack "$SRCDIR/tests/fuzz/corpus/xfs/$name" i.img
    is_status $? 0 "$name: unpacked"
    "$list" -x i.img >all 2>issues
    is_status $? 0 "$name: read without an error"
    is "$(grep -c '^issue [12]' issues)" 0 "$name: no issues"
    if [ -f "$data/$name.kernel" ]; then
        awk '$10 == "0"' all | columns >ours
        columns <"$data/$name.kernel" >kernel
        is_file_equal ours "$TMP/kernel" "$name: as the kernel had it"
        awk '$10 != "0"' all >found
        cat issues >>found
    else
        cp all found
    fi
    is_file_equal found "evidence/xfs-$name.txt" "$name: beyond that"
done
done_testing
