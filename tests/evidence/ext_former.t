#!/bin/sh
# What the journal knows of deleted files of ext4: files of known content are
# deleted under a loop mount, the volume is unmounted cleanly, and names,
# sizes and contents come back from the journal's older blocks.
. "$SRCDIR/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for loop mounts"
command -v mke2fs >/dev/null || skip_all "mke2fs is not installed (e2fsprogs)"
list=$BUILDDIR/tests/evidence/fs_list
mkdir m
truncate -s 8M try.img
mke2fs -q -F try.img && mount -o loop try.img m 2>err ||
    skip_all "loop mounts do not work here: $(head -n 1 err)"
umount m

for options in "-b 4096" "-b 1024 -O ^metadata_csum"; do
    truncate -s 64M i.img
    # shellcheck disable=SC2086
    mke2fs -q -F -t ext4 $options i.img
    mount -o loop i.img m
    mkdir -p m/keep m/gone/deep/deeper
    for i in $(seq 30); do
        seq "$i" 3000 >"m/keep/gone$i"
        seq "$i" 500 >"m/gone/deep/file$i"
        seq "$i" 200 >"m/gone/deep/deeper/last$i"
        echo "stays $i" >"m/keep/stays$i"
    done
    ln -s "$(seq -s / 60)" m/keep/link
    sync
    (cd m && find . -name 'gone[0-9]*' -o -name 'file*' -o -name 'last*') |
        sort >names
    (cd m && xargs sha256sum <"$TMP/names") | sort >sums
    rm -r m/gone m/keep/gone* m/keep/link
    sync
    umount m
    "$list" i.img >all 2>issues
    # A name twice would be one too many.
    awk '$1 == "-" && $10 % 2 == 1 && $11 != "-" { print $11 "  ." $13 }' all |
        grep -v OrphanFiles | sort >ours
    is_file_equal ours "$TMP/sums" "$options: 90 deleted files with content"
    awk '$1 == "d" && $10 == 1 { print $13 }' all | sort >dirs
    printf '/gone\n/gone/deep\n/gone/deep/deeper\n' >wanted
    is_file_equal dirs "$TMP/wanted" "$options: three deleted directories"
    grep -q '^l .* /keep/link$' all
    ok "$options: the link with its target"
    grep -cE '^issue [12]' issues >count
    is "$(cat count)" 0 "$options: no issues"
    is "$(grep -c OrphanFiles all)" 0 "$options: nothing is told twice"
    # Transactions without their commits are looked at block by block.
    LC_ALL=C grep -aboP '\xc0\x3b\x39\x98\x00\x00\x00\x02' i.img |
        cut -d : -f 1 >commits
    [ -s commits ]
    ok "$options: the journal has commits"
    while read -r at; do
        dd if=/dev/zero of=i.img bs=1 seek="$at" count=8 conv=notrunc status=none
    done <commits
    "$list" i.img >uncommitted 2>issues
    is_file_equal uncommitted "$TMP/all" "$options: the same without commits"
done
done_testing
