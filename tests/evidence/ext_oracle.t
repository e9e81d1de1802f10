#!/bin/sh
# ext2/3/4 against the kernel: file systems of several kinds are filled under
# a loop mount; every name, mode, owner, link count, size, time to the
# nanosecond, link target and SHA-256 must be as the kernel has them.
# KANSHIKI_FULL=1 runs all variants.
. "$SRCDIR/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for loop mounts"
command -v mke2fs >/dev/null || skip_all "mke2fs is not installed (e2fsprogs)"
fill=$BUILDDIR/tests/evidence/fs_fill list=$BUILDDIR/tests/evidence/fs_list
mkdir m
truncate -s 8M try.img
mke2fs -q -F try.img && mount -o loop try.img m 2>err ||
    skip_all "loop mounts do not work here: $(head -n 1 err)"
umount m

cat >variants <<END
ext4 with 4 KiB blocks|-t ext4
ext4 with 1 KiB blocks and inline data|-t ext4 -b 1024 -O inline_data
ext4 with clusters|-t ext4 -O bigalloc
ext4 with meta groups, 128-byte inodes|-t ext4 -I 128 -O meta_bg,^resize_inode
ext2|-t ext2
END
[ -z "${KANSHIKI_FULL:-}" ] || cat >>variants <<END
ext3|-t ext3 -b 1024
ext4 without checksums|-t ext4 -O ^metadata_csum
ext4 without 64 bits|-t ext4 -O ^64bit
ext4 with 1 KiB inodes|-t ext4 -I 1024
ext4 with attribute inodes|-t ext4 -O ea_inode,large_dir
ext4 without an index|-t ext4 -O ^dir_index
ext4 with two backups|-t ext4 -O sparse_super2
END

# The column of flags is ours alone.
columns() { sed -E 's/ 0 ([0-9a-f]{64}|-) / \1 /' | sort; }

while IFS='|' read -r name options; do
    rm -f i.img
    truncate -s 500M i.img
    # shellcheck disable=SC2086
    mke2fs -q -F $options i.img >/dev/null 2>err &&
        mount -o loop i.img m 2>>err || {
        skip "$name" "cannot be made or mounted: $(tail -n 1 err)"
        continue
    }
    "$fill" m 2000
    umount m
    mount -o loop,ro i.img m
    "$list" -k "$TMP/m" | columns >kernel
    umount m
    "$list" i.img >all 2>issues
    is_status $? 0 "$name: read without an error"
    # Deleted names and what no name leads to are not the kernel's to tell.
    grep -v ' /\$OrphanFiles/' all | awk '$10 == "0"' | columns >ours
    [ "$(wc -l <kernel)" -gt 2000 ]
    ok "$name: $(wc -l <kernel) names to compare"
    is_file_equal ours "$TMP/kernel" "$name: as the kernel has it"
    is "$(grep -c '^issue [12]' issues)" 0 "$name: no issues"
done <variants
done_testing
