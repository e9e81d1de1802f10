#!/bin/sh
# LVM2 as lvm2 itself writes it: physical volumes, a group and its volumes are
# made on loop devices; file systems are put where lvm says that the volumes
# lie; ours must find them there.
. "$SRCDIR/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for loop devices"
for tool in lvm mke2fs sgdisk losetup; do
    command -v $tool >/dev/null || skip_all "$tool is not installed"
done
dump=$BUILDDIR/tests/importers/import_dump
has() { is_match out "$1" "$2"; }
hasnt() {
    ! grep -Eq -- "$1" out
    ok "$2"
}
sum() { sha256sum <"$1" | cut -d' ' -f1; }

M=1048576
truncate -s 64M a.img b.img
A=$(losetup -f --show a.img) && B=$(losetup -f --show b.img) ||
    skip_all "no loop devices here"
trap 'losetup -d "$A" "$B" 2>/dev/null' EXIT
# No device mapper: only the metadata are wanted.
config="devices { filter=[\"a|^$A\$|\",\"a|^$B\$|\",\"r|.*|\"] use_devicesfile=0 }
global { activation=0 event_activation=0 } backup { backup=0 archive=0 }"
lvm_do() {
    tool=$1
    shift
    LVM_SUPPRESS_FD_WARNINGS=1 "$tool" --config "$config" "$@" >>log 2>&1
}
lvm_do pvcreate "$A" "$B" && lvm_do vgcreate -s 4M vg0 "$A" "$B" &&
    lvm_do lvcreate -an -Zn -Wn -l 4 -n root vg0 &&
    lvm_do lvcreate -an -Zn -Wn -l 6 -i 2 -I 64k -n stripe vg0 &&
    lvm_do lvcreate -an -Zn -Wn -l 1 -n crypt+1 vg0 &&
    lvm_do lvextend -l +3 vg0/root
status=$?
losetup -d "$A" "$B"
[ $status = 0 ] || skip_all "lvm2 does not work here: $(tail -n 1 log)"

mkdir -p tree/etc
echo 'root:x:0:0' >tree/etc/passwd
head -c 9000000 /dev/urandom >tree/big
mke2fs -q -F -t ext4 -d tree r.img 24M
# Extents: root 0-3 of a, then 8-10; stripe 4-6 of a and 0-2 of b; crypt 7.
start=$M extent=$((4 * M))
put() { # FILE SKIP COUNT IMAGE OFFSET, all in 64 KiB
    dd if="$1" of="$4" bs=65536 skip="$2" count="$3" seek="$5" conv=notrunc status=none
}
e() { echo $(((start + $1 * extent) / 65536)); }
put r.img 0 256 a.img "$(e 0)"
put r.img 256 192 a.img "$(e 8)"
i=0
while [ $i -lt 384 ]; do
    if [ $((i % 2)) = 0 ]; then
        put r.img $i 1 a.img $(($(e 4) + i / 2))
    else
        put r.img $i 1 b.img $(($(e 0) + i / 2))
    fi
    i=$((i + 1))
done
printf 'LUKS\272\276\0\2' | dd of=a.img bs=1 seek=$((start + 7 * extent)) conv=notrunc status=none

truncate -s 140M disk.img
sgdisk -a 2048 -n 1:2048:+64M -t 1:8e00 -n 2:0:+64M -t 2:8e00 disk.img >/dev/null
dd if=a.img of=disk.img bs=$M seek=1 conv=notrunc,sparse status=none
dd if=b.img of=disk.img bs=$M seek=65 conv=notrunc,sparse status=none

"$dump" -H disk disk.img >out
is_status $? 0 "two physical volumes on one disk"
for lv in root stripe; do
    has "file \[lv/vg0/$lv\] /etc/passwd .*sha256=$(sum tree/etc/passwd)" "$lv: a file"
    has "file \[lv/vg0/$lv\] /big .*sha256=$(sum tree/big)" "$lv: a file over several segments"
done
has 'fact volume lv/vg0/root: 29360128 bytes in 2 segments' "root was extended"
has 'fact volume lv/vg0/stripe: 25165824 bytes in 1 segments' "stripe"
has 'fact physical volume p2: LVM2, id ' "physical volumes are facts"
has 'fact volume group vg0: id .*, state 5, written 20' "the group, its state, who wrote it"
has 'fact volume group vg0, former state 2: .*lvcreate.*logical volumes: root of 4 extents' \
    "an older text tells the layout before the extension, and the command"
has 'error volume-not-read .*volume lv/vg0/crypt%2B1: LUKS' "an encrypted logical volume is named"
hasnt '^warning' "nothing to warn of"
is "$(grep -c '^record .* logical volume$' out)" 3 "an event for each logical volume"
is "$(grep -c '^record .* physical volume$' out)" 2 "for each physical volume"
is "$(grep -c '^record .* volume group$' out)" 5 "and for each state of the group"
"$BUILDDIR/kanshiki" new c.kan --title t --examiner e >/dev/null
"$BUILDDIR/kanshiki" import c.kan disk.img >/dev/null 2>log2
"$BUILDDIR/kanshiki" pivot c.kan volume-label:vg0/root >pivot 2>&1
is_match pivot '^fs-uuid ' "the name of a logical volume leads to its id"
is_match pivot '^host ' "and to the host that made it"

# The layer of a citation leads to the same bytes.
"$BUILDDIR/tests/evidence/fs_list" disk.img '!lv/vg0/root' >ours 2>err
is_match ours ' /etc/passwd$' "!lv/vg0/root can be opened"
"$BUILDDIR/tests/evidence/fs_list" disk.img '!lv/vg0/none' >ours 2>err
is_match err 'no such logical volume' "!lv/vg0/none cannot"

# One physical volume alone.
"$dump" -H disk a.img >out
has 'warning lvm-missing .*is not on this medium' "a missing physical volume is named"
has "file \[lv/vg0/root\] /big .*sha256=$(sum tree/big)" "what lies on the other one is read"
has 'error lvm-incomplete .*lv/vg0/stripe: 12582912 of 25165824 bytes' "what is lost is counted"

# Damage: the present text, then its area's header.
text=$(grep -abo 'vg0 {' a.img | tail -n 1 | cut -d: -f1)
cp a.img bad.img
printf X | dd of=bad.img bs=1 seek=$((text + 200)) conv=notrunc status=none
"$dump" disk bad.img >out
has 'warning lvm-checksum' "a damaged text is named"
has 'warning lvm-unverified' "and what is used instead"
has 'file \[lv/vg0/root\] /etc/passwd' "and its volumes are read"
cp a.img bad.img
printf X | dd of=bad.img bs=1 seek=4100 conv=notrunc status=none
"$dump" disk bad.img >out
has 'warning lvm-checksum .*not where it should be' "a lost area header is named"
has 'file \[lv/vg0/root\] /etc/passwd' "and the newest text of the ring is used"
cp disk.img bad.img
printf X | dd of=bad.img bs=1 seek=$((M + 512 + 100)) conv=notrunc status=none
"$dump" disk bad.img >out
has 'warning lvm-checksum .*label' "a damaged label is named"

# Kinds that are not read: lvm2 makes none without the device mapper, so the
# text is changed in its place.
for kind in 'raid1"  ' 'raid5"  ' 'thin"   ' 'mirror" ' 'strange"'; do
    LC_ALL=C sed "s/^type = \"striped\"\(.*\)\$/type = \"$kind\1/" a.img >bad.img
    "$dump" disk bad.img >out
    has "error volume-not-read .*volume lv/vg0/stripe: .*(${kind%%\"*}|unknown)" "${kind%%\"*} is refused"
done
done_testing
