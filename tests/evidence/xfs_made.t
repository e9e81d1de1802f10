#!/bin/sh
# XFS that mkfs.xfs fills from a folder, without root: the kinds that new
# kernels do not mount (version 4, with blocks of 512 bytes to 64 KiB, with and
# without types in directories) and some that they do. Names, types, sizes,
# link targets and contents must be those of the folder.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/evidence/xfs_proto.sh"

command -v mkfs.xfs >/dev/null || skip_all "mkfs.xfs is not installed (xfsprogs)"
list=$BUILDDIR/tests/evidence/fs_list
repeat() { printf "%$1s" '' | tr ' ' "$2"; }

mkdir -p tree/many tree/d/e/f tree/few tree/long
i=0
while [ $i -lt 1500 ]; do
    echo $i >"tree/many/name-of-a-file-that-is-not-short-$i"
    [ $i -ge 60 ] || : >"tree/long/$(repeat 200 l)$i"
    i=$((i + 1))
done
for i in 1 2 3; do seq ${i}00000 >"tree/d/e/f/$i"; done
: >tree/few/a
: >tree/few/b
: >"tree/$(repeat 255 n)"
mkfifo tree/fifo
ln -s few/a tree/short
ln -s "$(repeat 50 m)" tree/medium
find tree -type d -exec chmod 755 {} +
find tree -type f -exec chmod 644 {} +
chmod 600 tree/fifo
xfs_proto "$TMP/tree" >proto
# Times are of the making, and mkfs makes root the owner.
columns() { awk '{ print $1, $2, $5, $6, $(NF - 2), $(NF - 1), $NF }' | sort; }
"$list" -k "$TMP/tree" | columns >want

while IFS='|' read -r name options; do
    rm -f i.img
    truncate -s 400M i.img
    # shellcheck disable=SC2086
    mkfs.xfs -q -f -p proto $options i.img 2>err || {
        skip "$name" "mkfs.xfs cannot make it: $(tail -n 1 err)"
        continue
    }
    "$list" i.img 2>issues >all
    is_status $? 0 "$name: read"
    columns <all >got
    is_file_equal got "$TMP/want" "$name: as the folder"
    is "$(cat issues)" "" "$name: no issues"
done <<END
version 4|-m crc=0
version 4 without types|-m crc=0 -n ftype=0
version 4, blocks of 512 bytes|-m crc=0 -b size=512
version 4, directory blocks of 8 KiB|-m crc=0 -b size=1024 -n size=8192
version 4, blocks of 64 KiB|-m crc=0 -b size=65536
version 4, project numbers of 16 bits|-m crc=0 -i projid32bit=0
version 4, large inodes and directory blocks|-m crc=0 -i size=2048 -n size=65536
version 4, old log|-m crc=0 -l version=1
version 5|-m crc=1
version 5, blocks of 64 KiB|-b size=65536
END

# Attributes, of which xfs_db writes those that need no block of their own.
if command -v xfs_db >/dev/null; then
    mkfs.xfs -q -f -m crc=0 -p proto i.img 2>err || :
    inode=$("$list" -x i.img | awk '$NF == "/few/a" { print $(NF - 4) }')
    xfs_db -x -c "inode $inode" -c "attr_set -u -v 20 name" \
        -c "attr_set -r -v 7 name" -c "attr_set -s -v 900 name" i.img
    "$list" -x i.img | awk '$NF == "/few/a" { print $(NF - 1) }' >got
    # Length and bytes of each name and value; xfs_db's values are v's.
    {
        printf '\015\0\0\0security.name\204\003\0\0%s' "$(repeat 900 v)"
        printf '\014\0\0\0trusted.name\007\0\0\0%s' "$(repeat 7 v)"
        printf '\011\0\0\0user.name\024\0\0\0%s' "$(repeat 20 v)"
    } | sha256sum | sed 's/^\(.\{16\}\).*/3:\1/' >want
    is_file_equal got "$TMP/want" "version 4: attributes"
else
    skip "version 4: attributes" "xfs_db is not installed"
fi
done_testing
