#!/bin/sh
# Journals against the kernel's own recovery: a file system is kept busy under
# a loop mount and its backing file copied meanwhile. Each copy is read by us
# through the layer "!journal", and recovered by the kernel (mounted); names,
# modes, owners, sizes, times, link targets and contents must be the same.
# KANSHIKI_FULL=1 runs all variants and more copies.
. "$SRCDIR/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for loop mounts"
command -v mke2fs >/dev/null || skip_all "mke2fs is not installed (e2fsprogs)"
load=$BUILDDIR/tests/evidence/journal_load
list=$BUILDDIR/tests/evidence/fs_list
dump=$BUILDDIR/tests/importers/import_dump
# mkfs.xfs makes small logs, which wrap, for its own tests only.
TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1
export TEST_DIR TEST_DEV QA_CHECK_FS
mkdir m
truncate -s 8M try.img
mke2fs -q -F try.img && mount -o loop try.img m 2>err ||
    skip_all "loop mounts do not work here: $(head -n 1 err)"
umount m

# name|size|mount options|command that makes it|"fast": load for fast commits
cat >variants <<END
ext4|200M|defaults|mke2fs -q -F -t ext4
ext4, data in the journal, 1 KiB blocks|64M|data=journal|mke2fs -q -F -t ext4 -b 1024 -J size=4
ext4 without checksums and 64 bits|64M|defaults|mke2fs -q -F -t ext4 -O ^metadata_csum,^64bit -J size=4
XFS|320M|logbsize=32k|mkfs.xfs -q -f
XFS, a small log that wraps, large records|100M|logbsize=256k|mkfs.xfs -q -f -l size=1400b
ext4, fast commits|200M|defaults|mke2fs -q -F -t ext4 -O fast_commit|fast
END
rounds=2 ops=1500
if [ -n "${KANSHIKI_FULL:-}" ]; then
    rounds=6 ops=3000
    cat >>variants <<END
XFS, stripes of the log|100M|logbsize=64k|mkfs.xfs -q -f -l su=64k,size=1920b
XFS, 1 KiB blocks, many extents|100M|logbsize=32k|mkfs.xfs -q -f -b size=1024 -l size=8800b -i nrext64=1 -n size=8192
XFS, 1 KiB inodes, reverse map|100M|wsync|mkfs.xfs -q -f -i size=1024 -m rmapbt=1 -l size=3100b
XFS, old times|100M|defaults|mkfs.xfs -q -f -m bigtime=0,reflink=0 -i sparse=0 -l size=1000b
XFS version 4|100M|defaults|mkfs.xfs -q -f -m crc=0 -l size=1000b
XFS version 4, log version 1|100M|defaults|mkfs.xfs -q -f -m crc=0 -l size=1000b,version=1
ext3|64M|defaults|mke2fs -q -F -t ext3 -J size=4
ext3, data in the journal|64M|data=journal|mke2fs -q -F -t ext3 -b 1024 -J size=4
ext4, checksums of whole transactions|64M|journal_checksum|mke2fs -q -F -t ext4 -O ^metadata_csum -J size=4
ext4, commits without waiting|64M|journal_async_commit,data=writeback|mke2fs -q -F -t ext4 -O ^metadata_csum -J size=4
ext4, commits without waiting, checksums|64M|journal_async_commit,data=writeback|mke2fs -q -F -t ext4 -J size=4
ext4, clusters|300M|defaults|mke2fs -q -F -t ext4 -O bigalloc
ext4, inline data|200M|data=journal|mke2fs -q -F -t ext4 -O inline_data -I 256
ext4, fast commits, 1 KiB blocks|100M|defaults|mke2fs -q -F -t ext4 -b 1024 -O fast_commit|fast
ext4, fast commits without checksums|100M|defaults|mke2fs -q -F -t ext4 -O fast_commit,^metadata_csum,^64bit|fast
ext4, fast commits, small inodes|100M|defaults|mke2fs -q -F -t ext4 -I 128 -O fast_commit|fast
ext4, fast commits, clusters|300M|defaults|mke2fs -q -F -t ext4 -O fast_commit,bigalloc|fast
ext4, fast commits, 1 KiB inodes|200M|defaults|mke2fs -q -F -t ext4 -I 1024 -O fast_commit|fast
END
fi

# With fast commits the kernel gives directories the time of recovery, and those
# that were made the link count 1.
columns() {
    sed -E 's/ 0 ([0-9a-f]{64}|-) / \1 /' |
        awk -v fast="$fast" 'fast && $1 == "d" { $5 = $7 = $8 = "*" } { print }' |
        sort
}

# count_fast COPY: adds its fast commits to $commits
count_fast() {
    n=$("$dump" disk "$1" |
        sed -n 's/.* and \([0-9]*\) fast commits to play back.*/\1/p')
    commits=$((commits + ${n:-0}))
}

# compare COPY NAME: ours against the kernel's.
compare() {
    "$list" "$1" '!journal' >all 2>issues
    is_status $? 0 "$2: read through its journal"
    cp issues err
    grep -v ' /\$OrphanFiles/' all | awk '$10 == "0"' | columns >ours
    grep -E '^issue [12]' issues >wrong
    is_file_equal wrong /dev/null "$2: no issues"
    mount -o loop,noatime "$1" m 2>err || {
        not_ok "$2: the kernel recovers it"
        diag <err
        return
    }
    "$list" -k "$TMP/m" | columns >kernel
    umount m
    [ "$(wc -l <kernel)" -gt 100 ]
    ok "$2: $(wc -l <kernel) names to compare"
    is_file_equal ours "$TMP/kernel" "$2: as the kernel recovers it"
}

seed=1
commits=0
while IFS='|' read -r name size mount make fast; do
    rm -f i.img copy-*.img
    truncate -s "$size" i.img
    # shellcheck disable=SC2086
    $make i.img >/dev/null 2>err && mount -o loop,"$mount" i.img m 2>>err || {
        skip "$name" "cannot be made or mounted: $(tail -n 1 err)"
        continue
    }
    mkfifo go done
    # shellcheck disable=SC2086 # one word or none
    "$load" m $rounds $ops $seed $fast <go >done &
    exec 3>go 4<done
    for round in $(seq $rounds); do
        read -r _ <&4
        cp --sparse=always i.img "copy-$round.img"
        echo >&3
    done
    exec 3>&- 4<&-
    wait
    umount m
    rm go done
    for round in $(seq $rounds); do
        "$list" "copy-$round.img" >/dev/null 2>issues
        grep -q '^issue 1 journal-not-replayed' issues
        ok "$name, copy $round: dirty as it is on disk"
        [ -z "$fast" ] || count_fast "copy-$round.img"
        compare "copy-$round.img" "$name, copy $round"
    done
    seed=$((seed + 1))
done <variants
[ "$commits" -gt 0 ]
ok "fast commits were among it: $commits"
done_testing
