#!/bin/sh
# Raw images inside gzip, xz, bzip2 and zstd: a disk in the case, content
# through the sealed reader, damage named. Rotated logs likewise.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

command -v mke2fs >/dev/null 2>&1 || skip_all "no mke2fs (package e2fsprogs)"
mkdir tree
echo 'root:x:0:0' >tree/passwd
head -c 2000000 /dev/urandom >tree/noise
mke2fs -q -F -t ext4 -d tree disk.img 16M
truncate -s 80M disk.img
sha=$(sha256sum <disk.img | cut -d' ' -f1)
import() {
    rm -f case.kan*
    k new case.kan >/dev/null 2>err
    k import case.kan "$1" --hash-files >out 2>err
    rc=$?
    k evidence case.kan show X1 >facts 2>>err
    k status case.kan --issues >>facts 2>>err
}
has() { is_match facts "$1" "$2"; }

# whole FILE LAYER
whole() {
    import "$1"
    is "$rc" 0 "$1: imported"
    has "media sha256: $sha" "  the medium is that of the image"
    has "^$1 +!$2 +disk" "  a disk in its layer"
    k disk case.kan cat X1 /passwd >got 2>err
    is "$(cat got)" 'root:x:0:0' "  content through the reader"
    cite=$(k disk case.kan stat X1 /passwd 2>err | sed -n 's/^cite  *//p')
    is "$(k show case.kan "$cite" --raw 2>err)" 'root:x:0:0' "  and by citation"
}
gzip -c disk.img >disk.img.gz
whole disk.img.gz gz
head -c 1000000 disk.img.gz >cut.img.gz
import cut.img.gz
is "$rc" 2 "a cut gzip: issues"
has 'gzip-cut' "named"
has 'disk' "and what is there is read as a disk"

# packed TOOL LAYER: an image and a log
packed() {
    command -v "$1" >/dev/null 2>&1 || {
        skip "$1" "not installed"
        return
    }
    "$1" -1 -c disk.img >"disk.img.$2"
    whole "disk.img.$2" "$2"
    head -c 1000000 "disk.img.$2" >cut.img
    import cut.img
    is "$rc" 2 "a cut $1: issues"
    has "$2-cut" "named"
    "$1" -c "$SRCDIR/tests/data/host/web-access/elb/classic.log" >"log.$2"
    import "log.$2"
    is "$rc" 0 "a log in $1: imported"
    has "^log.$2 +!$2 +web-access" "  by what it holds"
    k show case.kan E1 --raw >got 2>err
    is_match got 'app-lb 192.0.2.10:2817' "  and its bytes by the reader"
}
packed xz xz
packed bzip2 bz2

command -v zstd >/dev/null 2>&1 || {
    skip "zstd" "not installed (package zstd)"
    done_testing
    exit 0
}
zstd -q -c disk.img >disk.img.zst
whole disk.img.zst zst
for i in 0 1 2 3; do
    dd if=disk.img bs=20M skip=$i count=1 status=none | zstd -q -c
done >frames.img.zst
whole frames.img.zst zst
head -c 1000000 disk.img.zst >cut.img.zst
import cut.img.zst
is "$rc" 2 "a cut zstd: issues"
has 'zstd-cut' "named"
head -c 3000000 /dev/zero | tr '\0' 'x' >text
zstd -q -c text >text.zst
import text.zst
has 'not-recognised' "other content in zstd is looked at and named"
done_testing
