#!/bin/sh
# make.sh BUILDDIR: makes the volumes of this folder anew (as root: it mounts).
# Each is the copy of a small file system that was in use, NAME.img.gz, and
# NAME.txt, what the kernel has after its own recovery (fs_list -k). The files
# are committed; times and identifiers differ from run to run.
set -eu
cd "$(dirname "$0")"
list=$1/tests/evidence/fs_list
tmp=$(mktemp -d)
mkdir "$tmp/m"
# mkfs.xfs makes file systems this small for its own tests only.
TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1
export TEST_DIR TEST_DEV QA_CHECK_FS

# Something of each kind of change, the first half of it in place already.
use() (
    cd "$tmp/m"
    mkdir a b
    for i in 1 2 3 4 5 6 7 8 9; do
        printf '\300\073\071\230 file %d\n' $i >a/f$i
    done
    seq 300 >a/gone
    mkdir big
    for i in $(seq 40); do : >"big/a-name-that-takes-some-room-$i"; done
    sync
    seq 3000 >b/large
    mv a/f1 b/moved
    rm a/f2 a/gone
    rm -r big
    printf '\300\073\071\230 again\n' >a/f3
    chmod 4711 a/f4
    chown 70000:80000 a/f5
    touch -d '2031-02-03 04:05:06.789Z' a/f6
    ln a/f7 b/hard
    ln -s /some/where b/soft
    ln -s "$(seq -s / 60)" b/softer
    truncate -s 100000 a/f8
    setfattr -n user.note -v "a value" a/f9 2>/dev/null || :
    exec 9>b/open
    echo 'deleted while open' >&9
    rm b/open
    sync -f a/f3
    for i in 1 2 3; do echo "$i" >"b/last$i"; done
    sync b/last3
    cp --sparse=always "$tmp/v" "$tmp/copy"
)

# What fast commits hold, the first of it in place already.
use_fast() (
    cd "$tmp/m"
    mkdir a b
    for i in 1 2 3 4 5 6 7 8 9; do seq $((i * 500)) >a/f$i; done
    sync
    for i in 1 2 3; do
        seq $((i * 400)) >a/new$i
        sync a/new$i
    done
    then_sync() {
        "$@"
        echo more >>a/f9
        sync a/f9
    }
    then_sync mkdir a/made
    then_sync ln a/f3 a/made/hard
    then_sync mv a/f4 a/made/moved
    then_sync rm a/f5 a/new2
    then_sync truncate -s 700 a/f6
    then_sync chmod 4711 a/f7
    then_sync touch -d '2031-02-03 04:05:06.789Z' a/f8
    for i in $(seq 20); do
        then_sync touch "b/a-name-that-takes-some-room-and-one-more-block-$i"
    done
    cp --sparse=always "$tmp/v" "$tmp/copy"
)

# make NAME SIZE MOUNT-OPTIONS MKFS...
make() {
    name=$1 size=$2 options=$3
    shift 3
    rm -f "$tmp/v"
    truncate -s "$size" "$tmp/v"
    "$@" "$tmp/v" >/dev/null
    mount -o loop,"$options" "$tmp/v" "$tmp/m"
    case $name in
    *-fast) use_fast ;;
    *) use ;;
    esac
    umount "$tmp/m"
    gzip -9nc <"$tmp/copy" >"$name.img.gz"
    mount -o loop,noatime "$tmp/copy" "$tmp/m"
    "$list" -k "$tmp/m" | LC_ALL=C sort >"$name.txt"
    umount "$tmp/m"
}

make ext4 3M data=journal mke2fs -q -F -t ext4 -b 1024 -N 128 -J size=1
make ext4-none 3M data=journal mke2fs -q -F -t ext4 -b 1024 -N 128 \
    -J size=1 -O ^metadata_csum,^64bit
make ext4-sums 3M data=journal,journal_checksum mke2fs -q -F -t ext4 -b 1024 \
    -N 128 -J size=1 -O ^metadata_csum
make xfs 24M logbsize=32k mkfs.xfs -q -f -d agcount=1 -l size=1368b
make xfs-wide 36M logbsize=256k mkfs.xfs -q -f -d agcount=1 -i nrext64=1 \
    -m bigtime=0 -l size=4100b
make ext4-fast 6M defaults mke2fs -q -F -t ext4 -b 1024 -N 128 -J size=2 \
    -O fast_commit
rm -r "$tmp"
