#!/bin/sh
# The memory importer: the sample's key where it lies, strings over the ends
# of pages and windows, what is counted and not listed, linear time.
. "$SRCDIR/tests/lib.sh"

dump=$BUILDDIR/tests/importers/import_dump
sample=$SRCDIR/samples/memory/app-01.avml
has() { is_match out "$1" "$2"; }
hasnt() {
    ! grep -Eq -- "$1" out
    ok "$2"
}
poke() { printf -- "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# ---- the sample ------------------------------------------------------------
"$dump" memory "$sample" >out
is_status $? 0 "the sample is read"
has 'probe 100 AVML' "AVML is recognised"
has 'fact contiguous ranges: 172' "its ranges"
has 'fact bytes present: 34676736' "its size"
has 'fact kernel banner: Linux version 6.1.0-56-cloud-amd64 .*at 0x211ffe0' \
    "the banner, across a page end"
has 'fact host name: app-01 ' "the host's name"
hasnt '^(error|warning)' "nothing to complain of"
sed -n 's/^carved \([0-9]*\)+20 5 ASIAAPPSTOLENEXAMPLE$/\1/p' out |
    xargs printf '0x%x\n' >have
printf '%s\n' 0x39860a8 0x398c000 0x398c032 0x3990dd0 0x399c8a8 0x39e05d2 \
    0x57042ea 0x5b0d120 0x5b0d152 >want
is_file_equal have "$TMP/want" "the stolen key at its nine addresses"

# ---- containers of one memory ----------------------------------------------
for f in lime avml elf; do
    "$dump" memory "$SRCDIR/tests/data/memory/small.$f" >out
    grep -E '^carved|physical sha256:' out >small.$f
done
is_file_equal small.avml "$TMP/small.lime" "LiME and AVML give the same"
is_file_equal small.elf "$TMP/small.lime" "LiME and ELF give the same"
"$dump" memory "$SRCDIR/tests/data/memory/small.concat.raw" >out
has 'note memory-raw' "a raw file's layout is not trusted"
has 'error memory-tail' "a page that is not whole is named"
: >empty
"$dump" memory empty >out
has 'stopped -6: the file is empty' "an empty file is refused"
printf 'KDUMP   ' >k && head -c 9000 /dev/zero >>k
"$dump" memory k >out
has 'probe 95 a kdump' "kdump is recognised"
has 'stopped -6: a kdump-compressed dump: not read' "and named as not read"
printf 'Mar 9 kernel: Linux version 6.1.0 (a@b) #1 SMP\n' >log
"$dump" memory log >out
has 'probe 0' "a log with a banner is no memory"

# ---- windows ---------------------------------------------------------------
head -c 1048576 /dev/zero >w.raw
for at in 0 4090 8172 258038 262134 266230 520182 524287 1048556; do
    poke w.raw $at "AKIA$(printf %016d $at | tr 0-9 A-J)"
    printf '%d+20 5 AKIA%s\n' $at "$(printf %016d $at | tr 0-9 A-J)"
done >want
"$dump" memory w.raw >out
sed -n 's/^carved //p' out >have
is_file_equal have "$TMP/want" "keys across the ends of pages and windows"

# ---- what is counted -------------------------------------------------------
{
    head -c 8000 /dev/zero
    i=0
    while [ $i -lt 100 ]; do
        printf '10.1.2.3\nAKIAIOSFODNN7EXAMPLE\n'
        i=$((i + 1))
    done
    head -c 8384 /dev/zero
} >c.raw
printf 'ASIAABCDEFGHIJKLMNOP' | sed 's/./&\n/g' | tr '\n' '\0' |
    dd of=c.raw bs=1 seek=100 conv=notrunc status=none
"$dump" memory c.raw >out
is "$(grep -c '^carved .* 6 10.1.2.3$' out)" 64 "one address is listed so often"
has 'note carve-repeated .*10.1.2.3: 36 more' "and then counted"
is "$(grep -c '^carved .* 5 AKIAIOSFODNN7EXAMPLE$' out)" 100 \
    "every key is listed"
has 'note documentation-key .*AKIAIOSFODNN7EXAMPLE.* 100 found' \
    "a key of the documentation is called one"
has '^carved 100\+40 5 ASIAABCDEFGHIJKLMNOP' "a key in UTF-16"
has '^fact carved: key 101, ip 64' "sums"
has 'warning memory-no-kernel' "no kernel is said"

# ---- hostile ---------------------------------------------------------------
for text in A i-i- arn: arn:aws: 'http://' '1.' A.A.; do
    yes "$text" | tr -d '\n' | head -c 67108864 >h.raw
    timeout 60 "$dump" memory h.raw >out
    is_status $? 0 "64 MiB of $text take linear time"
done
rm -f h.raw

# ---- the program -----------------------------------------------------------
"$KANSHIKI" new case.kan >out 2>err
"$KANSHIKI" import case.kan "$sample" --progress none >out 2>err
is_status $? 0 "the program imports it, in a sealed worker"
"$KANSHIKI" show case.kan 'X1/app-01.avml!phys@60317864+20' --raw >out 2>err
is "$(cat out)" ASIAAPPSTOLENEXAMPLE "a hit is read again by its citation"
"$KANSHIKI" search case.kan ASIAAPPSTOLENEXAMPLE --format csv >out 2>err
is "$(grep -c 'phys@' out)" 9 "search reads the address space"

# ---- raw dumps without a banner at their start --------------------------------

banner='Linux version 6.1.0-56-cloud-amd64 (a@b) (gcc-12) #1 SMP Debian'
format_of() { # FILE: the format of its one member
    rm -f c.kan*
    "$KANSHIKI" new c.kan >out 2>err
    "$KANSHIKI" import c.kan "$1" >out 2>err
    "$KANSHIKI" evidence c.kan show X1 --format csv 2>err | sed 1d | cut -d, -f2,3
}
zeros() { head -c "${2:-20971520}" /dev/zero >"$1"; }
zeros r.raw
poke r.raw 17825000 "$banner\n\0"
is "$(format_of r.raw)" "!phys,memory" "a banner far from the start"
poke r.raw 17825000 XXXXX
poke r.raw 1048570 "$banner\n\0"
is "$(format_of r.raw)" "!phys,memory" "one across two pieces"
zeros r.xyz
poke r.xyz 17825000 "Mar 11 kernel: $banner\nMar 11 kernel: Command line\n"
poke r.xyz 19000000 "$banner"
is "$(format_of r.xyz)" "," "one of a log, or without an end, says nothing"
zeros host.MEM
is "$(format_of host.MEM)" "!phys,memory" "a name for memory dumps"
zeros host.xyz
is "$(format_of host.xyz)" "," "no name for them"
zeros host.mem 20971521
is "$(format_of host.mem)" "," "not whole pages"
if command -v mkfs.ext4 >mkfs.path; then
    zeros host.mem
    mkfs.ext4 -q -F host.mem >out 2>&1
    poke host.mem 17825000 "$banner\n\0"
    is "$(format_of host.mem | sort -u)" ",disk" \
        "a disk with a banner in it stays a disk"
else
    skip "a disk with a banner in it stays a disk" "no mkfs.ext4"
fi
done_testing
