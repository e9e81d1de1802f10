#!/bin/sh
# Partition tables as the usual tools write them: where each partition lies
# must be as the tool says; then damage.
. "$SRCDIR/tests/lib.sh"

for tool in sgdisk sfdisk mke2fs; do
    command -v $tool >/dev/null || skip_all "$tool is not installed"
done
dump=$BUILDDIR/tests/importers/import_dump
has() { is_match out "$1" "$2"; }
hasnt() {
    ! grep -Eq -- "$1" out
    ok "$2"
}
# ours: NUMBER START BYTES of the last dump
ours() {
    sed -n 's/^fact volume p\([0-9]*\): at \([0-9]*\), \([0-9]*\) bytes.*/\1 \2 \3/p' out | sort -n
}
# theirs IMAGE: the same of sfdisk
theirs() {
    sfdisk -d "$1" 2>/dev/null | sed -n 's/^[^ ]*[^0-9]\([0-9]*\) : start= *\([0-9]*\), size= *\([0-9]*\), type=\([^,]*\).*/\1 \2 \3 \4/p' |
        awk '$4 !~ /^(5|f|85)$/ { printf "%d %.0f %.0f\n", $1, $2 * 512, $3 * 512 }' | sort -n
}
same() { # IMAGE NAME
    "$dump" disk "$1" >out
    ours >a
    theirs "$1" >b
    [ -s b ]
    ok "$2: sfdisk sees partitions"
    is_file_equal a "$TMP/b" "$2: partitions as sfdisk has them"
}
put() { dd if="$1" of="$2" bs=512 seek="$3" conv=notrunc,sparse status=none; }
zero() { dd if=/dev/zero of="$1" bs=512 seek="$2" count="$3" conv=notrunc status=none; }

mkdir -p tree
echo content >tree/file
mke2fs -q -F -t ext4 -d tree e.img 8M

# ---- MBR with logical partitions -------------------------------------------
truncate -s 64M m.img
sfdisk -q m.img 2>err <<END
label: dos
start=2048, size=20480, type=83
start=22528, size=90000, type=f
start=120000, type=8e
start=24576, size=4096, type=83
start=30720, size=20480, type=83
start=53248, size=2048, type=82
start=57344, size=2048, type=7
END
put e.img m.img 2048
put e.img m.img 30720
same m.img "MBR with four logical partitions"
has 'file \[p1\] /file' "MBR: a primary one is read"
has 'file \[p6\] /file' "MBR: a logical one is read"
hasnt '^(warning|error) (mbr|volume-(beyond|overlap))' "MBR: nothing is wrong"

# ---- GPT --------------------------------------------------------------------
truncate -s 64M g.img
sgdisk -a 1 -n 1:2048:+16M -c 1:'root 日本' -n 14:40:2000 -t 14:ef02 -n 128:0:+4M \
    -t 128:8200 g.img >/dev/null
put e.img g.img 2048
same g.img "GPT with gaps in its numbers"
has 'fact volume p1: .*, name root ' "GPT: a partition's name"
has "fact volume p14: .*type BIOS boot, id $(sgdisk -i 14 g.img | sed -n 's/.*unique GUID: //p' | tr A-F a-f)" \
    "GPT: a partition's id as sgdisk has it"
hasnt '^(warning|error) (gpt|volume-(beyond|overlap))' "GPT: nothing is wrong"
ours >whole
for damage in '1 1|the primary header lost' '1 33|the primary header and entries lost' \
    '2 32|the primary entries lost'; do
    cp g.img bad.img
    # shellcheck disable=SC2086
    zero bad.img ${damage%%|*}
    "$dump" disk bad.img >out
    ours >a
    is_file_equal a "$TMP/whole" "GPT, ${damage#*|}: the same partitions"
    has 'warning gpt-used-backup' "GPT, ${damage#*|}: of the backup"
done
cp g.img bad.img
zero bad.img $((64 * 2048 - 33)) 33
"$dump" disk bad.img >out
ours >a
is_file_equal a "$TMP/whole" "GPT, the backup lost: the same partitions"
has 'warning gpt-backup' "GPT, the backup lost: named"
zero bad.img 1 33
"$dump" disk bad.img >out
has 'warning gpt-header .*the disk has a GPT that is lost' "a protective MBR without a GPT is named"
cp g.img bad.img
truncate -s 200M bad.img
"$dump" disk bad.img >out
ours >a
is_file_equal a "$TMP/whole" "GPT on a grown volume: the same partitions"
has 'warning gpt-grown' "and named"
zero bad.img 1 33
"$dump" disk bad.img >out
ours >a
is_file_equal a "$TMP/whole" "a grown volume that lost its primary GPT: the backup at the former end"
cp g.img h.img
sgdisk -h 1:14 h.img >/dev/null 2>&1
"$dump" disk h.img >out
ours >a
is_file_equal a "$TMP/whole" "a hybrid MBR: the GPT counts"

# ---- sectors of 4096 bytes --------------------------------------------------
truncate -s 64M k.img
if [ "$(id -u)" = 0 ] && L=$(losetup -b 4096 -f --show k.img 2>err); then
    sgdisk -n 1:256:+16M -n 2:0:0 "$L" >/dev/null 2>&1
    start=$(sgdisk -i 1 "$L" | sed -n 's/First sector: \([0-9]*\).*/\1/p')
    losetup -d "$L"
    dd if=e.img of=k.img bs=4096 seek="$start" conv=notrunc,sparse status=none
    "$dump" disk k.img >out
    has "fact volume p1: at $((start * 4096)), 16777216 bytes" "4096-byte sectors: where sgdisk put it"
    has 'file \[p1\] /file' "and it is read"
    hasnt '^(warning|error) (gpt|volume-(beyond|overlap))' "and nothing is wrong"
else
    skip "4096-byte sectors" "no loop devices"
fi

# ---- overlapping ------------------------------------------------------------
truncate -s 32M o.img
sfdisk -q --force o.img 2>err <<END
label: dos
start=2048, size=20480, type=83
start=30000, size=2000, type=83
END
printf '\000\020\000\000' | dd of=o.img bs=1 seek=$((462 + 8)) conv=notrunc status=none
"$dump" disk o.img >out
has 'warning volume-overlap .*partitions 1 and 2 overlap' "overlapping partitions are named"
done_testing
