#!/bin/sh
# Snapshots as blocks fetched with the EBS direct APIs: one disk in the case,
# the same medium from every layout, what is missing, altered or unknown named
# with its range, every byte led back through the sealed reader.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

make=$BUILDDIR/tests/evidence/ebs_make
command -v mke2fs >/dev/null 2>&1 || skip_all "no mke2fs (package e2fsprogs)"
block=524288
sum() { sha256sum <"$1" | cut -d' ' -f1; }
# import DIR: into a new case; its status in $rc, its facts, members and issues
# in the file facts.
import() {
    rm -f case.kan*
    k new case.kan >/dev/null 2>err
    k import case.kan "$1" --hash-files >out 2>err
    rc=$?
    k evidence case.kan show X1 >facts 2>>err
    k status case.kan --issues --format jsonl >>facts 2>>err
}
has() { is_match facts "$1" "$2"; }
hasnt() {
    ! grep -Eq -- "$1" facts
    ok "$2"
}

mkdir tree
echo 'root:x:0:0' >tree/passwd
head -c 3000000 /dev/urandom >tree/noise
mke2fs -q -F -t ext4 -b 4096 -d tree vol 16M
truncate -s 1G vol
sha=$(sum vol)

# ---- layouts ---------------------------------------------------------------
for layout in index padded block snap; do
    mkdir set
    "$make" vol set $layout sums pages=3
    import set
    is "$rc" 0 "$layout: imported without an issue"
    has "media sha256: $sha" "  the medium is that of the volume"
    has 'ebs blocks: .* 0 missing, 0 altered, 0 extra, 0 without checksum' \
        "  all blocks are checked"
    k disk case.kan cat X1 /passwd >got 2>err
    is "$(cat got)" 'root:x:0:0' "  content through the reader"
    [ $layout = snap ] || rm -r set
done
is "$(grep -c ' ebs-file ' facts)" "$(find set -type f | wc -l | tr -d ' ')" \
    "every file is a member"
k status case.kan >out 2>err
is_match out 'agrees, in every file' "and accounted for"
k evidence case.kan verify >out 2>err
is_status $? 0 "evidence verify finds every file"
cite=$(k disk case.kan stat X1 /passwd 2>err | sed -n 's/^cite  *//p')
is_match /dev/fd/0 '^X1/\./!ebs!ino/[0-9]+@0\+11$' "a citation" <<EOF
$cite
EOF
is "$(k show case.kan "$cite" --raw 2>err)" 'root:x:0:0' "leads to the bytes"
ok "no token of a listing is in the case" \
    test "$(cat case.kan* | grep -ac TOKEN)" -eq 0
k import case.kan set >out 2>err
is_match err 'already in the case as X1' "a second import is none"
cp set/*_0 set/snap-0cc33dd44ee55ff66_2000
k import case.kan set >out 2>err
k status case.kan >out 2>err
is_match out '^X2 .*set' "a file that came later makes a supplement"
rm -r set

# snap4n6: names have it all, and there is no listing.
mkdir set
"$make" vol set snap4n6 nolist
import set
is "$rc" 2 "blocks without a listing: issues"
has "media sha256: $sha" "  the same bytes"
has 'media size: 1073741824' "  the size is in the names"
has 'ebs-no-list.*cannot be told from zeros' "  said once"
has ' 0 altered, 0 extra, 0 without checksum' "  the names' digests are checked"
mkdir list
"$make" vol list snap4n6
cp list/*.json set/
import set
is "$rc" 0 "with a listing nothing is unknown"
rm -r list

# ---- in folders and archives -----------------------------------------------
mkdir -p deep/snap-0cc33dd44ee55ff66/blocks
cp set/[0-9]* deep/snap-0cc33dd44ee55ff66/blocks/
cp set/*.json deep/snap-0cc33dd44ee55ff66/
echo 'preserved by ir-lead' >deep/README.txt
import deep
has "media sha256: $sha" "a listing above the folder of blocks"
has '^snap-0cc33dd44ee55ff66/ +!ebs +disk' "the set is called after its folder"
has '^README.txt' "other files are members of their own"
k disk case.kan cat X1 /passwd >got 2>err
is "$(cat got)" 'root:x:0:0' "and its content is read"
rm -r deep
tar -cf set.tar set
import set.tar
is "$rc" 0 "a tar of blocks"
has "media sha256: $sha" "  the same medium"
k disk case.kan cat X1 /passwd >got 2>err
is "$(cat got)" 'root:x:0:0' "  content through the reader"
rm set.tar
if command -v zip >/dev/null 2>&1; then
    zip -q -r set.zip set
    import set.zip
    has "media sha256: $sha" "a zip of blocks"
    rm set.zip
else
    skip "a zip of blocks" "no zip"
fi
rm -r set

# ---- damage ----------------------------------------------------------------
mkdir set
"$make" vol set padded sums pages=2
last=$(ls set | grep -v json | tail -n 1)
ls set | grep -v json | sed 's/^0*\(.\)/\1/' >there
gone=$(sed -n 4p there) altered=$(sed -n 6p there) short=$(sed -n 7p there)
name() { printf 'set/%06d' "$1"; }
rm "$(name "$gone")"
printf x | dd of="$(name "$altered")" bs=1 seek=1000 conv=notrunc status=none
truncate -s 1000 "$(name "$short")"
cp "$(name 0)" set/001900
import set
is "$rc" 2 "missing, altered, cut and extra blocks: issues"
at() { echo $(($1 * block)); }
range() { has "$1.*:$(at "$2"),.*:$block,.*block $2 " "$3, with its range"; }
range ebs-missing "$gone" "the missing block"
range digest-differs "$altered" "the altered block"
range ebs-block-size "$short" "the cut block"
range ebs-extra 1900 "the block that is not listed"
has 'ebs blocks: [0-9]+ used, 1 missing, 1 altered, 1 extra' "counted"
has "zeros in place of $((3 * block)) unreadable bytes" \
    "exactly three blocks are unreadable"
hasnt "media sha256: $sha" "the digest is another one"
k disk case.kan ls X1 / >out 2>err
is_match out ' partly unreadable .*/noise' "the file that lay there is partial"
k disk case.kan cat X1 /noise >got 2>err
is_status $? 2 "and its content comes with a warning"
rm -r set

# ---- listings --------------------------------------------------------------
mkdir set
"$make" vol set index sums pages=2 more
import set
is "$rc" 2 "a listing that goes on: issues"
has 'ebs-list-incomplete.*NextToken' "named"
has 'media sha256 covers: zeros in place of [0-9]+ ' \
    "what follows its last block is not taken for zeros"
printf '{"Blocks": [{"BlockIndex": -1}]}' >set/bad.json
printf '{"Blocks": [{"BlockIndex": 99999999999999999999}]' >set/worse.json
printf '[[[[[[[[[[[[{"BlockIndex":"x"}' >set/deep.json
: >set/empty.json
import set
is "$rc" 2 "answers that are none: issues"
has 'ebs-json.*worse.json' "named"
has 'media size: 1073741824' "the others are used"
rm -r set

# ---- changed blocks over a base --------------------------------------------
cp vol vol2
printf 'changed' | dd of=vol2 bs=1 seek=$((3 * block + 5)) conv=notrunc status=none
printf 'new' | dd of=vol2 bs=1 seek=$((1500 * block)) conv=notrunc status=none
dd if=/dev/zero of=vol2 bs=$block seek=5 count=1 conv=notrunc status=none
sha2=$(sum vol2)
mkdir -p pair/snap-0cc33dd44ee55ff66 pair/snap-0dd44ee55ff66aa77-changed
"$make" vol pair/snap-0cc33dd44ee55ff66 index sums
"$make" vol2 pair/snap-0dd44ee55ff66aa77-changed index sums changed=vol \
    snap=snap-0dd44ee55ff66aa77
import pair
is "$rc" 0 "changes over a base: no issue"
has "media sha256: $sha2" "  the medium is the later one"
has 'snapshot: snap-0dd44ee55ff66aa77' "  and called so"
rm -r pair/snap-0cc33dd44ee55ff66
import pair
is "$rc" 2 "changes without their base: issues"
has 'ebs-no-base' "named"
has 'media sha256 covers' "and nothing else is taken for zeros"
rm -r pair

# Two whole snapshots beside each other are two disks.
mkdir -p two/snap-0cc33dd44ee55ff66 two/snap-0dd44ee55ff66aa77
"$make" vol two/snap-0cc33dd44ee55ff66 index sums
"$make" vol2 two/snap-0dd44ee55ff66aa77 index sums snap=snap-0dd44ee55ff66aa77
import two
has "media sha256: $sha" "two snapshots: the first disk"
has "media sha256: $sha2" "and the second"
rm -r two

# A folder of other files is no set.
mkdir plain
for i in 1 2 3; do head -c $block /dev/zero >plain/$i; done
echo '{"a": 1}' >plain/notes.txt
import plain
hasnt '!ebs' "files called by a number alone are no set"
done_testing
