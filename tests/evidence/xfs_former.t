#!/bin/sh
# What the log knows of deleted files of XFS: files of known content are
# deleted under a loop mount, the volume is unmounted cleanly, and sizes and
# contents come back from older inodes in the log.
. "$SRCDIR/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for loop mounts"
command -v mkfs.xfs >/dev/null || skip_all "mkfs.xfs is not installed (xfsprogs)"
list=$BUILDDIR/tests/evidence/fs_list
mkdir m
truncate -s 300M i.img
mkfs.xfs -q -f i.img && mount -o loop i.img m 2>err ||
    skip_all "loop mounts do not work here: $(head -n 1 err)"
mkdir m/keep m/more
for i in $(seq 30); do
    seq "$i" 3000 >"m/keep/gone$i"
    echo "stays $i" >"m/keep/stays$i"
done
# More extents than fit the inode.
for i in $(seq 0 2 100); do
    printf 'piece %d' "$i" | dd of=m/keep/pieces bs=4096 seek="$i" conv=notrunc \
        status=none
done
sync
(cd m/keep && sha256sum gone*) | sort >sums
cut -d ' ' -f 1 sums >wanted
rm m/keep/gone*
sync
umount m
"$list" i.img >all 2>issues
is_status $? 0 "read without an error"
awk '$1 == "-" && $10 % 2 == 1 && $11 != "-" { print $11 }' all | sort >hashes
is_file_equal hashes "$TMP/wanted" "30 deleted files with their content"
grep -E '^issue [12]' issues >wrong
is_file_equal wrong /dev/null "no issues"
awk '$1 == "-" && $10 % 2 == 1 && $13 ~ "^/keep/gone"' all >named
[ -s named ]
ok "$(wc -l <named) of them with their name"

# Lists of inodes that call the freed ones used: the log is read for those, too.
cp i.img lists.img
for ag in 0 1 2 3; do
    for record in 1 2 3 4 5 6 7 8; do
        xfs_db -x -c "agi $ag" -c 'addr root' -c "write recs[$record].free 0" \
            lists.img >>db 2>&1
    done
done
cmp -s i.img lists.img
is_status $? 1 "the lists of inodes were changed"
"$list" lists.img >all.lists 2>issues
is_file_equal all.lists "$TMP/all" "the same with lists that call them used"

# Their blocks are used again: only then the content is in doubt.
mount -o loop i.img m
for i in $(seq 40); do seq "$i" 9000 >"m/more/$i"; done
umount m
"$list" i.img >all 2>issues
is "$(grep -c '^issue [12]' issues)" 0 "no issues after more writing"
# Whole chunks of inodes are freed, and the log is emptied: what free space
# still holds.
truncate -s 0 i.img
truncate -s 300M i.img
mkfs.xfs -q -f i.img && mount -o loop i.img m
mkdir m/all
for i in $(seq 900); do seq "$i" 1000 >"m/all/$i"; done
(cd m/all && sha256sum -- *) | cut -d ' ' -f 1 | sort >wanted
umount m
mount -o loop i.img m
rm -r m/all
umount m
xfs_repair -L i.img >/dev/null 2>&1
is_status $? 0 "the log is emptied"
"$list" i.img >all 2>issues
awk '$1 == "-" && $10 % 2 == 1 && $11 != "-" { print $11 }' all | sort >hashes
comm -12 hashes wanted >both
[ "$(wc -l <both)" -ge 800 ]
ok "$(wc -l <both) of 900 deleted files with their content, of freed chunks"
is "$(grep -c '^issue [12]' issues)" 0 "no issues"
awk '$10 % 2 == 0 { print $13 }' all >live
is "$(cat live)" "/" "nothing of it is taken for a file in use"
# What is found does not depend on how the image is stored.
cp --sparse=never i.img dense.img
"$list" dense.img >all.dense 2>issues
is_file_equal all.dense "$TMP/all" "the same of an image without holes"
rm dense.img
# The same space, used again: no content that is not there.
mount -o loop i.img m
tr '\0' 'x' </dev/zero | head -c 250000000 >m/fill 2>/dev/null
umount m
"$list" i.img >all 2>issues
awk '$1 == "-" && $10 % 2 == 1 && $11 != "-" { print $11 }' all | sort >hashes
comm -12 hashes wanted >both
is "$(wc -l <both)" 0 "nothing when the space was used again"
is "$(grep -c '^issue [12]' issues)" 0 "no issues"
done_testing
