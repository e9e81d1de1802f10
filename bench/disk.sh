#!/bin/sh
# How fast names are read out of images:
#
#   bench/disk.sh [NAMES [FOLDER]]
#
# Makes an ext4 and an XFS image with NAMES (200,000) files in FOLDER
# (/tmp/disk200; root, for loop mounts), reads both into the page cache, and
# runs in turn, ROUNDS (5) times: ours (bench/walk: names, times, block maps,
# links, attributes, deleted files) on ext4 and on XFS, and `fls -r -m` of
# sleuthkit on ext4. Prints the medians in milliseconds of wall time and
#
#   fls / ours             above 1: ours is faster
#   ours on XFS / on ext4
#
# Before that the live names of both tools are compared.
set -eu
cd "$(dirname "$0")/.."
names=${1:-200000} folder=${2:-/tmp/disk200} rounds=${ROUNDS:-5}
make -C build --no-print-directory bench/walk bench/make_tree >&2
mkdir -p "$folder/m"
make_image() { # FILE MKFS...
    [ ! -f "$1" ] || return 0
    image=$1
    shift
    truncate -s "${SIZE:-4G}" "$image.new"
    "$@" "$image.new" >&2
    mount -o loop "$image.new" "$folder/m"
    build/bench/make_tree "$folder/m" "$names" || { umount "$folder/m"; exit 1; }
    umount "$folder/m"
    mv "$image.new" "$image"
}
ext4=$folder/ext4.img xfs=$folder/xfs.img
make_image "$ext4" mke2fs -q -F -t ext4 -N "$((names * 2))"
make_image "$xfs" mkfs.xfs -q -f
cat "$ext4" "$xfs" >/dev/null

build/bench/walk --body "$ext4" | grep -a -v 'OrphanFile' | cut -d'|' -f2 |
    LC_ALL=C sort -u >"$folder/ours.names"
if command -v fls >/dev/null; then
    fls -r -m / "$ext4" | grep -a -v 'OrphanFile' |
        sed -n 's/^0|\([^|]*\)|.*$/\1/p' | grep -a -v ' (deleted\(-realloc\)*)$' |
        sed 's/ -> .*//' | LC_ALL=C sort -u >"$folder/fls.names"
    echo "live names of fls that ours lacks: $(LC_ALL=C comm -13 "$folder/ours.names" "$folder/fls.names" | wc -l)"
fi

milliseconds() { # COMMAND...
    from=$(date +%s%N)
    "$@" >/dev/null
    echo $((($(date +%s%N) - from) / 1000000))
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
: >"$folder/t.ext4"
: >"$folder/t.xfs"
: >"$folder/t.fls"
i=0
while [ "$i" -lt "$rounds" ]; do
    milliseconds build/bench/walk "$ext4" >>"$folder/t.ext4"
    milliseconds build/bench/walk "$xfs" >>"$folder/t.xfs"
    ! command -v fls >/dev/null || milliseconds fls -r -m / "$ext4" >>"$folder/t.fls"
    i=$((i + 1))
done
e=$(median <"$folder/t.ext4") x=$(median <"$folder/t.xfs") f=$(median <"$folder/t.fls")
build/bench/walk "$ext4"
echo "ours on ext4 $e ms, ours on XFS $x ms, fls -r -m on ext4 ${f:-none} ms"
echo "$e $x ${f:-0}" | awk '{ if ($3) printf "fls / ours on ext4: %.2f\n", $3 / $1
    printf "ours on XFS / ours on ext4: %.2f\n", $2 / $1 }'
