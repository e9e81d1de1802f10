#!/bin/sh
# The disk importer over images made here, without root: tables, containers,
# file systems, and what is broken in them. Tools that are missing are named.
. "$SRCDIR/tests/lib.sh"

dump=$BUILDDIR/tests/importers/import_dump
# need TOOL PACKAGE: false, with a line, when it is not installed
need() {
    command -v "$1" >/dev/null 2>&1 && return 0
    skip "tests with $1" "not installed (package $2)"
    return 1
}
# has REGEX NAME / hasnt: lines of the last dump
has() { is_match out "$1" "$2"; }
hasnt() {
    ! grep -Eq -- "$1" out
    ok "$2"
}
# poke FILE OFFSET BYTES(printf)
poke() {
    printf -- "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
le32() { od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '; }

# ---- sizes and nothing -----------------------------------------------------
: >empty
"$dump" disk empty >out
has 'stopped -6: the image is empty' "an empty image is refused"
head -c 300 /dev/zero >tiny
"$dump" disk tiny >out
has 'stopped -6: smaller than one sector' "a tiny image is refused"
head -c 1000000 /dev/urandom >random
"$dump" disk random >out
has 'probe 0' "random bytes are no image"
has 'error media-unknown' "random bytes have neither table nor file system"
has 'note media-tail' "an odd size is noted"
printf 'QFI\373\0\0\0\3' >q && head -c 5000 /dev/zero >>q
"$dump" disk q >out
has 'stopped -6: qcow2' "qcow2 is named, not taken for raw"

# ---- ext4, whole and cut ---------------------------------------------------
need mke2fs e2fsprogs || { done_testing; exit 0; }
mkdir -p tree/etc tree/home/alice
echo 'root:x:0:0' >tree/etc/passwd
head -c 200000 /dev/urandom >tree/home/alice/big
ln -s /etc/passwd tree/home/alice/link
mke2fs -q -F -t ext4 -d tree -L data -U 11111111-2222-3333-4444-555555555555 \
    e.img 16M
"$dump" -H disk e.img >out
is_status $? 0 "an ext4 volume is read"
has 'probe 95 ext2/3/4' "ext4 is recognised"
has 'fact volume .* uuid: 11111111-2222-3333-4444-555555555555' "its UUID"
has 'fact volume .* label: data' "its label"
has "file \[\] /etc/passwd .*size=11 .*sha256=$(sha256sum <tree/etc/passwd | cut -d' ' -f1)" \
    "content and digest of a file"
has "file \[\] /home/alice/big .*sha256=$(sha256sum <tree/home/alice/big | cut -d' ' -f1)" \
    "content and digest of a larger one"
has 'file \[\] /home/alice/link .*link=/etc/passwd' "a link's target"
hasnt '^(error|warning)' "nothing to complain of"
head -c 2000000 e.img >cut.img
"$dump" disk cut.img >out
has 'error fs-cut' "a cut image is named"
has 'file \[\] /etc/passwd' "its names are still listed"
cp e.img dirty.img
need debugfs e2fsprogs && {
    debugfs -w -R 'feature needs_recovery' dirty.img >/dev/null 2>&1
    "$dump" disk dirty.img >out
    has 'journal: marked as in use, but nothing to play back' \
        "an empty dirty journal is named"
}
for field in 24:'\377' 40:'\0\0\0\0' 32:'\0\0\0\0'; do
    cp e.img bad.img
    poke bad.img $((1024 + ${field%%:*})) "${field#*:}"
    "$dump" disk bad.img >out
    has 'error superblock-copy .*makes no sense' \
        "an impossible superblock (field ${field%%:*}) is named"
    has 'file \[super\] /etc/passwd ' "and its copy used"
    # Nor is a copy there: of the second group, which holds the only one.
    dd if=/dev/zero of=bad.img bs=1024 seek=8193 count=1 conv=notrunc 2>/dev/null
    "$dump" disk bad.img >out
    has 'error volume-(damaged|not-read)|error media-unknown|warning ext-super' \
        "without a copy (field ${field%%:*}) it is named"
done

# ---- tables ----------------------------------------------------------------
if need sgdisk gdisk; then
    truncate -s 24M g.img
    sgdisk -a 1 -n 2:2048:4095 -t 2:ef02 -n 1:4096:+16M -c 1:root g.img >/dev/null
    dd if=e.img of=g.img bs=512 seek=4096 conv=notrunc,sparse status=none
    "$dump" disk g.img >out
    has 'fact partition table: GPT' "GPT"
    has 'file \[p1\] /etc/passwd' "files of partition 1"
    has 'record 512\+512 partition table' "the disk's id is an event of its header"
    has 'record 1024\+128 partition$' "a partition's, of its entry"
    has "record $((4096 * 512 + 1024))\+1024 file system" "a file system's, of its superblock"
    has 'note volume-empty .*volume p2' "an empty partition is named"
    hasnt '^(error|warning)' "a whole GPT has no issue"
    cp g.img bad.img; poke bad.img 540 '\377\377'
    "$dump" disk bad.img >out
    has 'warning gpt-used-backup' "a damaged primary header: the backup is used"
    has 'file \[p1\] /etc/passwd' "and its files are read"
    cp g.img bad.img; poke bad.img 1030 '\377\377'
    "$dump" disk bad.img >out
    has 'warning gpt-used-backup' "damaged entries: the backup is used"
    poke bad.img $((24 * 1048576 - 500)) '\377\377'
    "$dump" disk bad.img >out
    has 'warning gpt-unverified' "both damaged: unverified"
    has 'fact volume p1: .*unverified' "and said so"
    cp g.img bad.img; poke bad.img 592 '\377\377\377\377'
    "$dump" disk bad.img >out
    has 'warning gpt-header' "a forged count breaks the header"
    cp g.img bad.img; truncate -s 10M bad.img
    "$dump" disk bad.img >out
    has 'warning volume-beyond' "a partition behind the end is named"
    has 'error fs-cut .*volume p1' "and its file system is cut"
    cp g.img bad.img; truncate -s 48M bad.img
    "$dump" disk bad.img >out
    has 'warning gpt-grown' "a grown disk is named"
fi

# An MBR by hand: partition 1, an extended one with a chain that loops.
truncate -s 20M m.img
dd if=e.img of=m.img bs=512 seek=2048 conv=notrunc,sparse status=none
poke m.img 446 '\200\0\0\0\203\0\0\0\0\010\0\0\0\200\0\0'
poke m.img 462 '\0\0\0\0\005\0\0\0\0\220\0\0\0\010\0\0'
poke m.img 510 '\125\252'
ebr=$((0x9000 * 512))
poke m.img $((ebr + 446)) '\0\0\0\0\203\0\0\0\001\0\0\0\020\0\0\0'
poke m.img $((ebr + 462)) '\0\0\0\0\005\0\0\0\0\0\0\0\020\0\0\0'
poke m.img $((ebr + 510)) '\125\252'
"$dump" disk m.img >out
has 'fact partition table: MBR' "MBR"
has 'file \[p1\] /etc/passwd' "files of the MBR's partition 1"
has 'fact volume p5: ' "a logical partition"
has 'warning mbr-loop' "a looping chain ends"

# ---- volumes that are named only -------------------------------------------
for v in '0:LUKS\272\276\0\2:LUKS' '3:-FVE-FS-:BitLocker' \
    '4086:SWAPSPACE2:swap' '65600:_BHRfS_M:btrfs'; do
    at=${v%%:*} name=${v##*:} bytes=${v#*:}
    bytes=${bytes%:*}
    rm -f v.img; truncate -s 1M v.img
    poke v.img "$at" "$bytes"
    "$dump" disk v.img >out
    has "(error|note) volume-not-read .*$name" "$name is named as not read"
done
rm -f v.img; truncate -s 1M v.img
poke v.img 512 LABELONE; poke v.img 536 'LVM2 001'
"$dump" disk v.img >out
has 'warning lvm-checksum .*label' "a label of LVM2 alone is damage"
has 'warning lvm-header' "and leads nowhere"
if need cryptsetup cryptsetup-bin; then
    id=99999999-8888-7777-6666-555555555555
    for version in 1 2; do
        rm -f v.img; truncate -s 20M v.img
        echo secret | cryptsetup -q luksFormat --type luks$version --uuid $id \
            --pbkdf pbkdf2 --pbkdf-force-iterations 1000 v.img - 2>err ||
            skip "LUKS $version" "$(head -n 1 err)"
        "$dump" disk v.img >out
        has "fact volume \(whole\) encryption: LUKS version $version, id $id" \
            "LUKS $version: version and id"
    done
fi

# ---- FAT, NTFS, ISO --------------------------------------------------------
if need mkfs.vfat dosfstools && need mcopy mtools; then
    rm -f f.img; truncate -s 8M f.img
    mkfs.vfat -n EFISYS f.img >/dev/null
    mmd -i f.img ::/EFI
    mcopy -i f.img tree/etc/passwd ::/EFI/passwd.txt
    mcopy -i f.img tree/etc/passwd ::/gone.txt
    mdel -i f.img ::/gone.txt
    TZ=Asia/Tokyo "$dump" -H disk f.img >here
    TZ=America/Lima "$dump" -H disk f.img >out
    has "file \[\] /EFI/passwd.txt .*sha256=$(sha256sum <tree/etc/passwd | cut -d' ' -f1)" \
        "a file of a FAT volume"
    has 'file \[\] /(_|g)one.txt .*flags=1' "a deleted name of FAT"
    has 'note fs-local-time' "FAT times are said to be local"
    is_file_equal out "$TMP/here" "FAT times do not depend on this machine"
fi
if need mkntfs ntfs-3g && need ntfscp ntfs-3g; then
    rm -f n.img; truncate -s 8M n.img
    mkntfs -Q -F -q -s 512 -p 0 -L ntvol n.img >/dev/null 2>&1
    ntfscp -f n.img tree/home/alice/big big.bin >/dev/null 2>&1
    ntfscp -f -N ads n.img tree/etc/passwd big.bin >/dev/null 2>&1
    "$dump" -H disk n.img >out
    has 'fact volume .* label: ntvol' "NTFS label"
    has "file \[\] /big.bin .*sha256=$(sha256sum <tree/home/alice/big | cut -d' ' -f1)" \
        "a file of an NTFS volume"
    has "file \[\] /big.bin:ads .*sha256=$(sha256sum <tree/etc/passwd | cut -d' ' -f1)" \
        "its alternate stream"
fi
if need genisoimage genisoimage; then
    genisoimage -quiet -R -J -V ISOVOL -o i.iso tree 2>/dev/null
    "$dump" -H disk i.iso >out
    has 'probe 95 ISO 9660' "ISO 9660 is recognised"
    has "file \[\] /etc/passwd .*sha256=$(sha256sum <tree/etc/passwd | cut -d' ' -f1)" \
        "a file of an ISO volume"
    has 'note iso-names' "what of ISO names is not read is said"
fi

# ---- E01 -------------------------------------------------------------------
if need ewfacquirestream ewf-tools; then
    head -c 3000000 /dev/urandom >noise
    cat e.img noise >medium
    truncate -s 20M medium
    ewfacquirestream -q -c fast -f encase6 -S 1048576 -C case7 -E ev1 -e Hanako \
        -D d -N n -t ev <medium >/dev/null 2>&1
    md5=$(md5sum <medium | cut -d' ' -f1)
    sha=$(sha256sum <medium | cut -d' ' -f1)
    "$dump" -H disk ev.E0? >out
    has 'probe 100 EWF' "E01 is recognised"
    has "fact stored md5: $md5" "its stored digest"
    has 'fact stored md5 verified: matches' "and it matches"
    has "fact acquired: $(date -u +%Y-%m)" "times of the header are readable"
    has "fact media sha256: $sha" "SHA-256 of the medium"
    has 'fact examiner: Hanako' "its header"
    has 'file \[\] /etc/passwd .*sha256' "its files"
    hasnt '^error' "a whole image has no error"
    "$dump" disk ev.E03 ev.E01 ev.E02 ev.E04 >out
    has 'fact stored md5 verified: matches' "segments in any order"
    "$dump" disk ev.E01 ev.E02 ev.E04 >out
    has 'error ewf-segment .*segment 3' "a missing segment is named"
    has 'error media-absent' "and what it held"
    hasnt 'verified: matches' "nothing is called verified"
    "$dump" disk ev.E01 ev.E02 ev.E03 >out
    has 'error ewf-incomplete' "a missing last segment is named"
    "$dump" disk ev.E02 >out
    has 'stopped -6: .*first segment is missing' "the first one is needed"
    "$dump" disk ev.E01 ev.E02 ev.E02 >out
    has 'stopped -6: .*twice' "a segment given twice is refused"
    cp ev.E02 bad.E02; poke bad.E02 9000 'damage damage damage'
    "$dump" disk ev.E01 bad.E02 ev.E03 ev.E04 >out
    has 'error media-unreadable .*\+32768 ' "a damaged chunk is one range"
    has 'error digest-differs' "and the digest differs"
    size=$(wc -c <ev.E02)
    for cut in 5 13 80 5000 $((size / 2)) $((size - 10)); do
        head -c "$cut" ev.E02 >bad.E02
        "$dump" disk ev.E01 bad.E02 ev.E03 ev.E04 >out
        has 'error (ewf-incomplete|media-absent)|stopped -6' \
            "a segment cut at $cut is named"
        hasnt 'verified: matches' "and not verified (cut at $cut)"
    done
    cp ev.E02 bad.E02; poke bad.E02 1141 'XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX'
    "$dump" disk ev.E01 bad.E02 ev.E03 ev.E04 >out
    has 'warning ewf-section' "a damaged section is named"
    has "fact media sha256: $sha" "and no chunk moves from its place"
    # A damaged first table is replaced by its copy; two damaged ones are not.
    table=$(grep -abo 'table' ev.E02 | cut -d: -f1 | head -n 1)
    table2=$(grep -abo 'table2' ev.E02 | cut -d: -f1 | head -n 1)
    cp ev.E02 bad.E02; poke bad.E02 $((table + 76 + 24 + 8)) '\377\377\377\377'
    "$dump" disk ev.E01 bad.E02 ev.E03 ev.E04 >out
    has 'warning ewf-section' "a damaged table is named"
    has "fact media sha256: $sha" "and its copy used"
    has 'stored md5 verified: matches' "which the digest confirms"
    poke bad.E02 $((table2 + 76 + 24 + 8)) '\377\377\377\377'
    "$dump" disk ev.E01 bad.E02 ev.E03 ev.E04 >out
    has 'error media-unreadable' "without both its chunks are unreadable"
    hasnt 'verified: matches' "and nothing is called verified"
    # Chunks that are stored as they are: damage must not pass as content.
    ewfacquirestream -q -c none -f encase6 -S 30000000 -C c -E e -e n -D d -N n \
        -t plain <medium >/dev/null 2>&1
    cp plain.E01 bad.E01; poke bad.E01 18000000 'damage'
    "$dump" disk bad.E01 >out
    has 'error media-unreadable [0-9]+\+32768 ' \
        "a damaged chunk that is not packed is one range"
    has 'fact media sha256 covers: zeros in place of 32768' "read as zeros"
    has 'error digest-differs' "and the digest differs"
    # What is lost is all zero: the digest of what is read equals that of the
    # whole medium, and is no proof.
    cp e.img tailed; truncate -s 40M tailed
    ewfacquirestream -q -c none -f encase6 -S 10000000 -C c -E e -e n -D d -N n \
        -t tail <tailed >/dev/null 2>&1
    lasts=$(ls tail.E0? | tail -n 1)
    # shellcheck disable=SC2046 # names of our own
    "$dump" disk $(ls tail.E0? | grep -v "$lasts") >out
    has 'error ewf-incomplete' "a set without its last segment"
    hasnt 'verified: matches' "is not verified though all that is lost is zero"
    # A segment of another acquisition: by what it says of the medium, or, of
    # a medium of the same size, by the number of its chunks.
    cat noise medium >other; truncate -s 24M other
    ewfacquirestream -q -c fast -f encase6 -S 1048576 -C case7 -E ev1 -e Hanako \
        -D d -N n -t other <other >/dev/null 2>&1
    "$dump" disk ev.E01 ev.E02 other.E03 ev.E04 >out
    has 'error ewf-foreign [0-9]+\+[0-9]+ segment 3 is of another acquisition \(another count of chunks\)' \
        "a segment of another acquisition is named"
    has 'error media-absent' "and its bytes count as absent"
    hasnt 'verified: matches' "and nothing is called verified"
    { head -c 4194304 /dev/zero; cat noise; } >late; truncate -s 20M late
    ewfacquirestream -q -c fast -f encase6 -S 1048576 -C case7 -E ev1 -e Hanako \
        -D d -N n -t late <late >/dev/null 2>&1
    # shellcheck disable=SC2046 # names of our own
    "$dump" disk $(ls late.E0? | sed s/late.E02/ev.E02/) >out
    has 'error (ewf-foreign|digest-differs)' \
        "one of a medium of the same size is seen by its chunks or the digest"
    hasnt 'verified: matches' "and nothing is called verified"
    if need ewfexport ewf-tools; then
        ewfexport -q -u -t ex -f raw ev.E01 >/dev/null 2>&1
        is "$(sha256sum <ex.raw | cut -d' ' -f1)" "$sha" "libewf reads the same"
    fi
fi
done_testing
