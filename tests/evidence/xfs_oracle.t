#!/bin/sh
# XFS against the kernel: file systems of several kinds are filled under a loop
# mount; every name, mode, owner, link count, size, time to the nanosecond,
# link target, device number, extended attribute and SHA-256 must be as the
# kernel has them. KANSHIKI_FULL=1 runs all variants, with 10,000 names in a
# directory. Version 4, which new kernels do not mount, is in xfs_made.t.
. "$SRCDIR/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for loop mounts"
command -v mkfs.xfs >/dev/null || skip_all "mkfs.xfs is not installed (xfsprogs)"
fill=$BUILDDIR/tests/evidence/fs_fill list=$BUILDDIR/tests/evidence/fs_list
mkdir m
truncate -s 400M i.img
mkfs.xfs -q -f i.img && mount -o loop i.img m 2>err ||
    skip_all "loop mounts do not work here: $(head -n 1 err)"

# ---- states of the log, and what no name leads to --------------------------
list_of() { # IMAGE
    "$list" -x "$1" >all 2>issues
}
mkdir m/d
for i in 1 2 3 4 5 6 7 8 9; do echo "content $i" >"m/d/a file of nine, $i"; done
echo kept >m/d/kept
sync
exec 9>m/d/held
echo "still written to" >&9
rm m/d/held "m/d/a file of nine, 4"
sync
cp i.img copy.img
list_of copy.img
is_match issues 'issue 1 journal-not-replayed' \
    "a copy of a mounted volume is said to be behind its log"
# Freezing puts all in place; the lists of unlinked files stay.
xfs_freeze -f m && cp i.img copy.img && xfs_freeze -u m
list_of copy.img
hash=$(echo "still written to" | sha256sum | cut -d' ' -f1)
is_match all "^- 0644 0 0 0 17 .* $hash .*/d/held" \
    "a file that was deleted while open, with its name and content"
is_match issues 'issue 0 xfs-open-deleted inode 0: 1 files' "it is counted"
exec 9>&-
umount m
list_of i.img
sum=$(echo 'content 4' | sha256sum | cut -d ' ' -f 1)
is_match all "^- 0644 0 0 [01] 10 [0-9].* 1 $sum .*nine,.x204\$" \
    "a deleted name has what the log knows of its inode"
is "$(grep -c '^issue [12]' issues)" 0 "unmounted: no issues"
is "$(grep -c OrphanFile all)" 0 "a freed inode with a name is not told twice"

# ---- variants ---------------------------------------------------------------
cat >variants <<END
defaults|
1 KiB blocks, directory blocks of 64 KiB|-b size=1024 -n size=65536
64 KiB blocks|-b size=65536
END
names=2000
if [ -n "${KANSHIKI_FULL:-}" ]; then
    names=10000
    cat >>variants <<END
directory blocks of 16 KiB|-n size=16384
directory blocks of 64 KiB|-n size=65536
1 KiB blocks|-b size=1024
16 KiB blocks|-b size=16384
inodes of 1 KiB|-i size=1024
inodes of 2 KiB|-i size=2048
without shared extents|-m reflink=0
times of 32 bits|-m bigtime=0
counts of 64 bits|-i nrext64=1
reverse mapping|-m rmapbt=1
whole chunks of inodes|-i sparse=0
without the tree of free inodes|-m finobt=0,inobtcount=0
more allocation groups|-d agcount=7
sectors of 4 KiB|-s size=4096
END
fi

# The column of flags is ours alone.
columns() { sed -E 's/ 0 ([0-9a-f]{64}|-) / \1 /' | sort; }

# What the kernel says of i.img and what we say.
compare() { # NAME LEAST
    mount -o loop,ro i.img m
    "$list" -x -k "$TMP/m" | columns >kernel
    umount m
    list_of i.img
    is_status $? 0 "$1: read without an error"
    # Deleted names and what no name leads to are not the kernel's to tell.
    grep -v ' /\$OrphanFiles/' all | awk '$10 == "0"' | columns >ours
    [ "$(wc -l <kernel)" -gt "$2" ]
    ok "$1: $(wc -l <kernel) names to compare"
    is_file_equal ours "$TMP/kernel" "$1: as the kernel has it"
    is "$(grep -c '^issue [12]' issues)" 0 "$1: no issues"
}

while IFS='|' read -r name options; do
    rm -f i.img
    truncate -s 500M i.img
    # shellcheck disable=SC2086
    mkfs.xfs -q -f $options i.img >/dev/null 2>err &&
        mount -o loop i.img m 2>>err || {
        skip "$name" "cannot be made or mounted: $(tail -n 1 err)"
        continue
    }
    "$fill" m "$names" more
    umount m
    compare "$name" 2600
done <variants

# Free space in pieces that hold half a chunk of inodes: sparse chunks.
if [ -n "${KANSHIKI_FULL:-}" ]; then
    rm -f i.img
    truncate -s 320M i.img
    mkfs.xfs -q -f -d agcount=2 i.img && mount -o loop i.img m
    mkdir m/f
    dd if=/dev/zero of=m/big bs=64k 2>/dev/null
    at=0 end=$(stat -c %s m/big)
    while [ $((at + 131072)) -lt "$end" ]; do
        fallocate -p -o $at -l 28672 m/big
        at=$((at + 65536))
    done
    (cd m/f && seq 110000 | xargs touch 2>/dev/null)
    umount m
    compare "sparse chunks" 80000
    for at in "agi 0" "agi 1"; do
        for child in 1 2 3; do
            xfs_db -r -c "$at" -c "addr root" -c "addr ptrs[$child]" \
                -c "p recs" i.img 2>/dev/null
        done
    done | grep -Eq ',0xff(00)?,32,'
    ok "sparse chunks: there are some"
fi
done_testing
