#!/bin/sh
# ext2/3/4 against the kernel: file systems of several kinds are filled under
# a loop mount; every name, mode, owner, link count, size, time to the
# nanosecond, link target, device number, extended attribute (as getxattr
# gives it) and SHA-256 must be as the kernel has them. Kinds that this kernel
# does not mount are filled by mke2fs and compared with the folder they were
# filled from. KANSHIKI_FULL=1 runs all variants.
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
ext4 with attribute inodes|-t ext4 -O ea_inode,large_dir
ext4 with meta groups, 128-byte inodes|-t ext4 -I 128 -O meta_bg,^resize_inode
ext2|-t ext2
END
[ -z "${KANSHIKI_FULL:-}" ] || cat >>variants <<END
ext3|-t ext3 -b 1024
ext4 without checksums|-t ext4 -O ^metadata_csum
ext4 without 64 bits|-t ext4 -O ^64bit
ext4 with 1 KiB inodes|-t ext4 -I 1024
ext4 with attribute inodes, without checksums|-t ext4 -O ea_inode,^metadata_csum
ext4 with 1 KiB inodes, inline data and attribute inodes|-t ext4 -I 1024 -O inline_data,ea_inode
ext4 with clusters of 64 KiB, 1 KiB blocks|-t ext4 -b 1024 -O bigalloc -C 65536
ext4 with an orphan file and verity|-t ext4 -O orphan_file,verity
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
    "$fill" m 2000 more
    # The same by the tools that set them.
    command -v setfacl >/dev/null &&
        setfacl -m u:1000:rwx,g:5:r,m:rx m/attrs/all &&
        setfacl -d -m u:70000:r m/attrs/d
    command -v setcap >/dev/null && setcap cap_net_raw+ep m/attrs/all
    umount m
    mount -o loop,ro i.img m
    "$list" -x -k "$TMP/m" | columns >kernel
    umount m
    "$list" -x i.img >all 2>issues
    is_status $? 0 "$name: read without an error"
    # Deleted names and what no name leads to are not the kernel's to tell.
    grep -v ' /\$OrphanFiles/' all | awk '$10 == "0"' | columns >ours
    [ "$(wc -l <kernel)" -gt 2000 ]
    ok "$name: $(wc -l <kernel) names to compare"
    is_file_equal ours "$TMP/kernel" "$name: as the kernel has it"
    is "$(grep -c '^issue [12]' issues)" 0 "$name: no issues"
done <variants

# ---- filled by mke2fs -------------------------------------------------------
mkdir tree && "$fill" tree 500 >/dev/null 2>&1
rm -rf tree/special tree/times # names and times that mke2fs does not take
while IFS='|' read -r name options; do
    rm -f i.img
    truncate -s 900M i.img
    # shellcheck disable=SC2086
    mke2fs -q -F -d tree $options i.img >/dev/null 2>err || {
        skip "$name" "cannot be made: $(tail -n 1 err)"
        continue
    }
    "$list" i.img >all 2>issues
    is_status $? 0 "$name: read without an error"
    # TYPE MODE UID GID LINKS SIZE SHA256 LINK PATH
    fields() { awk '{ print $1, $2, $3, $4, $6, $11, $12, $13 }' "$1" | sort; }
    grep -v ' /lost+found$' all | fields - >ours
    "$list" -k "$TMP/tree" | fields - >theirs
    is_file_equal ours "$TMP/theirs" "$name: as it was filled"
    is "$(grep -c '^issue [12]' issues)" 0 "$name: no issues"
done <<END
64 KiB blocks|-t ext4 -b 65536
names that fold case|-t ext4 -O casefold -E encoding=utf8
encryption permitted|-t ext4 -O encrypt
END
done_testing
