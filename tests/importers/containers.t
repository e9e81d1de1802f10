#!/bin/sh
# Virtual disks of every kind that qemu-img writes: the medium inside is the
# same byte for byte, damage is a range, an overlay is refused.
. "$SRCDIR/tests/lib.sh"

dump=$BUILDDIR/tests/importers/import_dump
command -v qemu-img >/dev/null 2>&1 || skip_all "no qemu-img (package qemu-utils)"
command -v mke2fs >/dev/null 2>&1 || skip_all "no mke2fs (package e2fsprogs)"
has() { is_match out "$1" "$2"; }
hasnt() {
    ! grep -Eq -- "$1" out
    ok "$2"
}
poke() {
    printf -- "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# A file system, noise that does not pack, zeros, and an end that is no
# multiple of anything.
mkdir tree
echo first >tree/a
echo 'root:x:0:0' >tree/passwd
head -c 700000 /dev/urandom >tree/noise
seq 100000 >tree/text
mke2fs -q -F -t ext4 -d tree medium 9M
truncate -s $((10 * 1048576 + 1024)) medium
sha=$(sha256sum <medium | cut -d' ' -f1)

# ---- every kind ------------------------------------------------------------
while read -r format options; do
    name="$format${options:+, $options}"
    rm -f d.img d-*
    # shellcheck disable=SC2086 # several words
    if ! qemu-img convert -q -f raw -O "$format" $options medium d.img 2>err; then
        skip "$name" "this qemu-img cannot write it"
        continue
    fi
    parts=$(ls d-* 2>/dev/null)
    # shellcheck disable=SC2086 # file names of our own
    "$dump" -H disk d.img $parts >out
    has "fact media sha256: $sha" "$name: the same medium"
    grep -E "^file \[\] /passwd .*sha256=$(sha256sum <tree/passwd | cut -d' ' -f1)" \
        out >found
    ok "  with its files, and nothing to complain of" \
        test -s found -a "$(grep -Ec '^(error|warning|stopped)' out)" -eq 0
done <<'LIST'
qcow2
qcow2 -c
qcow2 -o compat=0.10
qcow2 -o cluster_size=512
qcow2 -o cluster_size=2M
qcow2 -o extended_l2=on
qcow2 -c -o extended_l2=on
qcow2 -c -o compression_type=zstd
qcow2 -c -o cluster_size=4096
qcow2 -o preallocation=metadata
qcow2 -o preallocation=full
vpc -o subformat=dynamic,force_size=on
vpc -o subformat=fixed,force_size=on
vhdx -o subformat=dynamic
vhdx -o subformat=fixed
vhdx -o block_size=1M
vmdk -o subformat=monolithicSparse
vmdk -o subformat=monolithicSparse,zeroed_grain=on
vmdk -o subformat=streamOptimized
vmdk -o subformat=monolithicFlat
vmdk -o subformat=twoGbMaxExtentSparse
vmdk -o subformat=twoGbMaxExtentFlat
LIST

# Extents: the second one begins at 2 GiB.
truncate -s 2200M wide
dd if=medium of=wide bs=1M seek=2040 conv=notrunc,sparse status=none
wide=$(sha256sum <wide | cut -d' ' -f1)
qemu-img convert -q -f raw -O vmdk -o subformat=twoGbMaxExtentSparse wide w.vmdk
"$dump" disk w.vmdk w-s001.vmdk w-s002.vmdk >out
has "fact media sha256: $wide" "a disk in two extents"
"$dump" disk w.vmdk w-s001.vmdk >out
has 'stopped -6: VMDK descriptor of 2 extent files, of which 1' \
    "without one of its extents it is refused"
"$dump" disk w.vmdk >out
has 'stopped -6: .*the first one is called w-s001.vmdk' "so is a descriptor alone"
"$dump" disk w-s001.vmdk >out
has 'error vmdk-extent .*without its descriptor' "an extent alone is named"
rm -f wide w*.vmdk

# ---- what is not read ------------------------------------------------------
for f in qcow qed vdi parallels; do
    qemu-img convert -q -f raw -O $f medium o.img 2>/dev/null || continue
    "$dump" disk o.img >out
    has 'stopped -6: .*not read' "$f is named, not taken for raw"
done
qemu-img convert -q -f raw -O qcow2 medium base.qcow2
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 over.qcow2
"$dump" disk over.qcow2 >out
has 'stopped -6: qcow2 overlay over the backing file base.qcow2' \
    "an overlay over a backing file is refused"
qemu-img convert -q -f raw -O vmdk medium base.vmdk
qemu-img create -q -f vmdk -b base.vmdk -F vmdk over.vmdk
"$dump" disk over.vmdk >out
has 'stopped -6: VMDK over the parent base.vmdk' "so is one over a parent"
qemu-img create -q -f qcow2 -o data_file=data.raw ext.qcow2 1M
"$dump" disk ext.qcow2 >out
has 'stopped -6: .*data in another file' "and one with its data elsewhere"
qemu-img convert -q -f raw -O vpc -o force_size=on medium f.vhd
cp f.vhd diff.vhd
poke diff.vhd $(($(wc -c <diff.vhd) - 512 + 63)) '\004'
poke diff.vhd $(($(wc -c <diff.vhd) - 512 + 67)) '\000'
poke diff.vhd 63 '\004'
"$dump" disk diff.vhd >out
has 'stopped -6: VHD differencing disk' "a differencing VHD is refused"

# ---- damage ----------------------------------------------------------------
seq 300000 >packs
truncate -s 2M packs
qemu-img convert -q -c -f raw -O qcow2 packs p.qcow2
size=$(wc -c <p.qcow2)
head -c 50000 /dev/zero | tr '\0' '\377' |
    dd of=p.qcow2 bs=1 seek=$((size / 2)) conv=notrunc status=none
"$dump" disk p.qcow2 >out
has 'error media-unreadable [0-9]+\+(65536|131072|196608|262144) ' \
    "damaged clusters are a range"
hasnt "media sha256: $(sha256sum <packs | cut -d' ' -f1)" \
    "and the digest is not that of the medium"
qemu-img convert -q -c -f raw -O qcow2 medium p.qcow2
qemu-img map --output=json base.qcow2 >map
at=$(sed -n 's/.*"start": 0,.*"data": true.*"offset": \([0-9]*\).*/\1/p' map)
cp base.qcow2 bad.qcow2
truncate -s $((${at:-0} + 70000)) bad.qcow2
"$dump" disk bad.qcow2 >out
has 'error media-(absent|unreadable)' "what a cut qcow2 lacks is named"

# qemu-img puts the directory of a stream first; VMware's tools put it last and
# point to it from a footer: marker, header again, marker of the end.
qemu-img convert -q -f raw -O vmdk -o subformat=streamOptimized medium s.vmdk
size=$(($(wc -c <s.vmdk) / 512))
cp s.vmdk foot.vmdk
poke foot.vmdk 56 '\377\377\377\377\377\377\377\377'
cp foot.vmdk open.vmdk
dd if=s.vmdk of=foot.vmdk bs=512 count=1 seek=$((size + 1)) conv=notrunc \
    status=none
truncate -s $((512 * (size + 3))) foot.vmdk
"$dump" disk foot.vmdk >out
has "fact media sha256: $sha" "a stream with a footer"
hasnt '^(error|warning)' "  is whole"
"$dump" disk open.vmdk >out
has 'error vmdk-cut' "a stream without its footer is named"
has "fact media sha256: $sha|error media-absent" "  and read by its grains"
has 'file \[\] /passwd' "  with its files"
head -c $((size * 256)) open.vmdk >bad.vmdk
"$dump" -H disk bad.vmdk >out
has 'error vmdk-cut' "a stream cut in the middle is named"
has 'error media-absent' "  and what it lacks"
has "file \[\] /a .*sha256=$(echo first | sha256sum | cut -d' ' -f1)" \
    "  and files before the cut are read"
head -c $((size * 256)) s.vmdk >bad.vmdk
"$dump" disk bad.vmdk >out
has 'error media-absent' "what a cut stream with its directory first lacks"

qemu-img convert -q -f raw -O vhdx medium x.vhdx
cp x.vhdx bad.vhdx; poke bad.vhdx 65540 '\377\377'; poke bad.vhdx 196612 '\377'
"$dump" disk bad.vhdx >out
has 'warning vhdx-header' "a damaged header of VHDX is named"
has "fact media sha256: $sha" "and the other copies are used"
poke bad.vhdx 131076 '\377\377'
"$dump" disk bad.vhdx >out
has 'stopped -6: VHDX: both headers' "without any it is refused"
cp f.vhd bad.vhd; truncate -s -512 bad.vhd
"$dump" disk bad.vhd >out
has 'error vhd-footer' "a missing footer of VHD is named"
has "fact media sha256: $sha" "and its copy is used"

# Cut anywhere: never a crash, and another medium only with an error.
n=0 silent=0 died=0
for f in base.qcow2 p.qcow2 f.vhd x.vhdx base.vmdk s.vmdk; do
    size=$(wc -c <$f)
    for cut in 3 40 511 513 1100 4097 65600 66000 131080 262200 $((size / 3)) \
        $((size - 100000)) $((size - 1)); do
        [ "$cut" -lt "$size" ] || continue
        head -c "$cut" $f >bad
        timeout 60 "$dump" disk bad >out 2>&1
        [ $? -le 1 ] || died=$((died + 1))
        n=$((n + 1))
        grep -Eq "^(error|stopped)|media sha256: $sha" out || {
            silent=$((silent + 1))
            echo "# $f cut at $cut"
        }
    done
done
is "$died" 0 "none of $n cut images ends badly"
is "$silent" 0 "and none gives another medium silently"
done_testing
