#!/bin/sh
# Deleted files of ext2/3/4 with a known truth: made under a loop mount, then
# the volume is copied while the files are still open, and after.
. "$SRCDIR/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for loop mounts"
command -v mke2fs >/dev/null || skip_all "mke2fs is not installed (e2fsprogs)"
dump=$BUILDDIR/tests/importers/import_dump
mkdir m
truncate -s 8M try.img
mke2fs -q -F try.img && mount -o loop try.img m 2>err ||
    skip_all "loop mounts do not work here: $(head -n 1 err)"
umount m
has() { is_match out "$1" "$2"; }
hasnt() {
    ! grep -Eq -- "$1" out
    ok "$2"
}
sum() { sha256sum <"$1" | cut -d' ' -f1; }
head -c 300000 /dev/urandom >held
head -c 50000 /dev/urandom >other

for kind in 'orphan list|-O ^orphan_file' 'orphan file|-O orphan_file' \
    'clusters|-O bigalloc,orphan_file' 'no journal|-O ^has_journal'; do
    name=${kind%%|*}
    rm -f i.img
    truncate -s 64M i.img
    # shellcheck disable=SC2086
    mke2fs -q -F -t ext4 ${kind#*|} i.img >/dev/null 2>err &&
        mount -o loop i.img m 2>>err || {
        skip "$name" "cannot be made or mounted: $(tail -n 1 err)"
        continue
    }
    mkdir m/d
    for i in 1 2 3 4 5 6 7 8; do echo "content $i" >"m/d/file $i"; done
    cp held m/d/held && cp other m/d/other
    sync
    exec 8<m/d/held 9<m/d/other
    held=$(stat -c %i m/d/held) other=$(stat -c %i m/d/other)
    gone=$(stat -c %i "m/d/file 3")
    rm m/d/held m/d/other "m/d/file 3"
    sync
    fsfreeze -f m && cp i.img copy.img && fsfreeze -u m
    "$dump" -H disk copy.img >out
    has "file .* inode=$held .*size=300000 flags=1 .*sha256=$(sum held) found=open confidence=[01] free=0" \
        "$name: a file deleted while open, with its content"
    has "file .* inode=$other .*size=50000 flags=1 .*sha256=$(sum other) found=open" \
        "$name: and another one"
    has "note ext-open-deleted .* 2 files were deleted while still open" "$name: they are counted"
    # What a file was before, only the journal knows.
    case $name in
    *no\ journal*) gone_as="size=0 flags=1 m=20.* found=(inode|name) confidence=[01] free=0"
        held_as="size=0 flags=1 .*found=(inode|name) confidence=[01]" ;;
    *) gone_as="size=10 flags=1 m=20.* found=journal confidence=1 free=10"
        held_as="size=300000 flags=1 .*found=journal confidence=[12]" ;;
    esac
    has "file .* inode=$gone .*$gone_as" "$name: a freed inode with its times"
    hasnt '^(error|warning) ext-orphans' "$name: nothing wrong with them"
    exec 8<&- 9<&-
    umount m
    "$dump" disk i.img >out
    has "file .* inode=$held .*$held_as" "$name: closed, it is a freed inode"
    hasnt 'found=open|ext-open-deleted' "$name: none is open any more"
done

# Damage in the orphan file: its second entry, then its magic.
if [ -s copy.img ] && command -v debugfs >/dev/null; then
    truncate -s 64M o.img && mke2fs -q -F -t ext4 -O orphan_file o.img >/dev/null 2>&1
    block=$(debugfs -R 'blocks <12>' o.img 2>/dev/null | tr ' ' '\n' | grep -m 1 '[0-9]')
    size=$(dumpe2fs -h o.img 2>/dev/null | sed -n 's/^Block size: *//p')
    printf '\052' | dd of=o.img bs=1 seek=$((block * size + 4)) conv=notrunc status=none
    "$dump" disk o.img >out
    has 'warning ext-orphans .*damaged' "a damaged orphan file is named"
fi

# ext2 leaves names and block pointers behind: used again or not.
rm -f i.img && truncate -s 8M i.img
mke2fs -q -F -t ext2 -b 1024 -O ^dir_index i.img && mount -o loop i.img m
cp other m/other && sync && umount m
debugfs -w -R 'unlink other' i.img >/dev/null 2>&1
debugfs -w -R 'set_inode_field other links_count 0' i.img >/dev/null 2>&1
inode=12
debugfs -w -R "set_inode_field <$inode> links_count 0" i.img >/dev/null 2>&1
debugfs -w -R "set_inode_field <$inode> dtime 0x65000000" i.img >/dev/null 2>&1
cp i.img used.img
blocks=$(debugfs -R "blocks <$inode>" i.img 2>/dev/null)
for b in $blocks; do debugfs -w -R "freeb $b" i.img >/dev/null 2>&1; done
"$dump" -H disk i.img >out
has "file .* inode=$inode .*size=50000 flags=1 .*sha256=$(sum other) found=(inode|name) confidence=1 free=50000" \
    "content in free blocks only: probable"
set -- $blocks
debugfs -w -R "setb $2" i.img >/dev/null 2>&1
"$dump" disk i.img >out
has "file .* inode=$inode .*found=(inode|name) confidence=2 free=48976" \
    "one block is used again: possible, and how much"
"$dump" disk used.img >out
has "file .* inode=$inode .*confidence=2 free=0" "all blocks are used: possible"
done_testing
