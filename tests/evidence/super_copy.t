#!/bin/sh
# A superblock that is gone: through the layer "super" the volume is what it
# was before, and what e2fsck and xfs_repair make of it by their copies, read
# by the kernel. Without the layer it is not read, and the import says which
# copy it used.
. "$SRCDIR/tests/lib.sh"
list=$BUILDDIR/tests/evidence/fs_list
dump=$BUILDDIR/tests/importers/import_dump

mkdir -p tree/a/b m
i=0
while [ $i -lt 300 ]; do
    echo $i >"tree/a/f$i"
    i=$((i + 1))
done
head -c 300000 /dev/urandom >tree/a/b/big

can_mount=
if [ "$(id -u)" = 0 ] && command -v mke2fs >/dev/null; then
    truncate -s 8M try.img
    mke2fs -q -F try.img && mount -o loop try.img m 2>err && can_mount=1
    [ -z "$can_mount" ] || umount m
fi

# wipe BYTES NAME: of a copy of i.img, d.img
wipe() {
    cp --sparse=always i.img d.img
    dd if=/dev/zero of=d.img bs="$1" count=1 conv=notrunc 2>/dev/null
}

# as_before NAME BYTES
as_before() {
    wipe "$2"
    "$list" d.img '!super' 2>issues | sort >got
    is_file_equal got "$TMP/want" "$1, $2 bytes lost: by its copy as before"
    grep -E '^issue [2]' issues >wrong
    [ "$2" -gt 2048 ] || is_file_equal wrong /dev/null "$1: and no errors"
}

# TYPE MODE SIZE SHA256 LINK PATH of plain files
files() { awk '$1 == "-" { print $1, $2, $6, $11, $12, $13 }' "$1" | sort; }

# repaired NAME COMMAND: d.img after the repair, by the kernel
repaired() {
    [ -n "$can_mount" ] || return 0
    wipe 2048
    "$list" d.img '!super' 2>/dev/null | grep -v OrphanFiles >ours
    $2 d.img >/dev/null 2>err
    mount -o loop,ro d.img m 2>>err || {
        skip "$1: by the repair" "cannot be mounted: $(tail -n 1 err)"
        return 0
    }
    "$list" -k "$TMP/m" >theirs
    umount m
    files ours >o
    files theirs >k
    [ "$(wc -l <o)" -gt 300 ]
    ok "$1: files to compare"
    is_file_equal o "$TMP/k" "$1: as the kernel reads it after $2"
}

# ---- ext --------------------------------------------------------------------
if command -v mke2fs >/dev/null; then
    while IFS='|' read -r name options; do
        rm -f i.img
        truncate -s 600M i.img
        # shellcheck disable=SC2086
        mke2fs -q -F -d tree $options i.img 2>err
        "$list" i.img 2>/dev/null | sort >want
        "$list" i.img '!super' >out 2>err
        is_status $? 1 "$name: a sound one needs no copy"
        as_before "$name" 2048
        as_before "$name" 8192
        repaired "$name" "e2fsck -fy"
    done <<END
ext4|-t ext4
ext4 with 1 KiB blocks|-t ext4 -b 1024
ext4 with clusters of 64 KiB, 1 KiB blocks|-t ext4 -b 1024 -O bigalloc -C 65536
ext3 with 2 KiB blocks|-t ext3 -b 2048
ext2|-t ext2
END
    # The first copy is lost as well.
    truncate -s 600M i.img
    mke2fs -q -F -d tree -t ext4 i.img
    dd if=/dev/zero of=i.img bs=1M seek=128 count=1 conv=notrunc 2>/dev/null
    "$list" i.img 2>/dev/null | sort >want
    as_before "ext4 with only its second copy" 2048
    # Damaged, not gone: the copy only where it tells something else.
    for at in 1056 1024; do
        cp --sparse=always i.img d.img
        printf '\001\002' | dd of=d.img bs=1 seek=$at conv=notrunc 2>/dev/null
        "$list" d.img '!super' 2>issues | sort >got
        is_file_equal got "$TMP/want" "a field at $at damaged: by the copy"
    done
    cp --sparse=always i.img d.img
    printf 'label' | dd of=d.img bs=1 seek=1144 conv=notrunc 2>/dev/null
    "$list" d.img '!super' >out 2>err
    is_status $? 1 "a damaged label needs no copy"
    wipe 2048
    "$dump" disk d.img >out
    grep -q 'error superblock-copy .*(whole).*ext2/3/4 superblock is not there' out
    ok "the import names the copy"
    grep -qE '^file \[super\] /a/f7 ' out
    ok "and lists the files in the layer"
    wipe 512
    "$list" d.img '!super' >out 2>err
    is_status $? 1 "a boot block is no superblock of ext"
    dd if=/dev/zero of=d.img bs=1M count=600 conv=notrunc,sparse 2>/dev/null
    truncate -s 0 d.img && truncate -s 600M d.img
    "$list" d.img '!super' >out 2>err
    is_status $? 1 "zeros have no copies"
else
    skip "ext" "mke2fs is not installed (e2fsprogs)"
fi

# A journal to replay: copies do not say so, the journal itself does.
if [ -n "$can_mount" ]; then
    # the kernel may write what is in the journal to its place at any moment
    for _ in 1 2 3 4 5; do
        truncate -s 0 i.img && truncate -s 64M i.img
        mke2fs -q -F -t ext4 -b 1024 i.img
        mount -o loop i.img m
        cp -r tree m/one
        sync m/one
        rm m/one/a/f7
        mv m/one/a/f8 m/moved
        sync m/one
        cp --sparse=always i.img used.img
        umount m
        mv used.img i.img
        "$list" i.img '!journal' 2>/dev/null | awk '$10 == "0"' | sort >want
        "$list" i.img 2>issues | awk '$10 == "0"' | sort >before
        ! cmp -s want before && grep -q journal-not-replayed issues && break
    done
    ! cmp -s want before && grep -q journal-not-replayed issues
    ok "a journal that is in use"
    wipe 2048
    "$list" d.img '!super!journal' 2>/dev/null | awk '$10 == "0"' | sort >got
    is_file_equal got "$TMP/want" "it is replayed over the copy all the same"
else
    skip "a journal over the copy" "needs root for loop mounts"
fi

# ---- XFS --------------------------------------------------------------------
if command -v mkfs.xfs >/dev/null; then
    . "$SRCDIR/tests/evidence/xfs_proto.sh"
    xfs_proto "$TMP/tree" >proto
    while IFS='|' read -r name options sector; do
        rm -f i.img
        truncate -s 500M i.img
        # shellcheck disable=SC2086
        mkfs.xfs -q -f -p proto $options i.img 2>err || {
            skip "$name" "mkfs.xfs cannot make it: $(tail -n 1 err)"
            continue
        }
        "$list" i.img 2>/dev/null | sort >want
        as_before "$name" "$sector"
        as_before "$name" 16384
        [ "$sector" = 4096 ] || repaired "$name" xfs_repair
    done <<END
XFS||512
XFS version 4|-m crc=0|512
XFS with blocks of 1 KiB|-b size=1024|512
XFS with sectors of 4 KiB|-s size=4096|4096
XFS in seven groups|-d agcount=7|512
XFS on a part of the volume|-d size=400m|512
END
    # Groups of a length that no table has: only its headers tell.
    truncate -s 500M i.img
    mkfs.xfs -q -f -p proto -d agsize=40123b i.img
    "$list" i.img 2>/dev/null | sort >want
    as_before "XFS with odd groups" 512
    cp --sparse=always i.img d.img
    printf '\001' | dd of=d.img bs=1 seek=90 conv=notrunc 2>/dev/null
    "$list" d.img '!super' 2>issues | sort >got
    is_file_equal got "$TMP/want" "XFS with a damaged count of groups"
    "$dump" disk d.img >out
    grep -q 'error superblock-copy .*XFS superblock makes no sense' out
    ok "the import names the copy of XFS"
else
    skip "XFS" "mkfs.xfs is not installed (xfsprogs)"
fi
done_testing
