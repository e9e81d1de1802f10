#!/bin/sh
# A volume with a dirty journal has two views. The journal written here holds
# all that makes one image into another: so the difference between the views
# must be that between the two images, imported each for itself.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

PATH=$PATH:/usr/sbin:/sbin
command -v mke2fs >have || skip_all "mke2fs is not installed (e2fsprogs)"
command -v debugfs >have || skip_all "debugfs is not installed (e2fsprogs)"

mkdir -p a/dir
echo same >a/same
echo removed >a/removed
echo before >a/dir/x
echo 1 >a/dir/y
for i in 1 2 3 4 5 6 7 8 9; do echo $i >a/dir/n$i; done
cp -a a b
rm b/removed
echo added >b/added
echo changed >b/dir/x
chmod 4755 b/dir/y
mv b/dir/n5 b/dir/renamed
find a b -exec touch -d 2026-03-10T00:00:00Z {} +
touch -d 2026-03-11T00:00:00Z b/dir/x
E2FSPROGS_FAKE_TIME=1773190000
export E2FSPROGS_FAKE_TIME
make() {
    mke2fs -q -F -t ext4 -b 1024 -O ^metadata_csum -J size=1 \
        -U 0bb22cc3-3dd4-4ee5-8000-111122220001 -d "$2" \
        -E root_owner=0:0,hash_seed=0bb22cc3-3dd4-4ee5-8000-111122220002 \
        "$1" 8M 2>mke2fs.err >&2 || diag <mke2fs.err
}
make a.img a
make b.img b
# Blocks that differ, but the superblock.
cmp -l a.img b.img | awk '{ b = int(($1 - 1) / 1024)
    if (b != 1 && !(b in seen)) { seen[b] = 1; print b } }' >blocks
while read -r b; do
    dd if=b.img bs=1024 skip="$b" count=1 status=none
done <blocks >data
cp a.img dirty.img
printf 'jo\njw -b %s data\njc\n' "$(paste -sd, blocks)" |
    debugfs -w -f - dirty.img >debugfs.out 2>&1
dumpe2fs -h dirty.img 2>&1 | grep -q needs_recovery ||
    skip_all "this debugfs writes no journal"

k new case.kan >out 2>err
for i in a b dirty; do
    k import case.kan $i.img --hash-files >out 2>err
    ok "import of $i" test $? -eq 0 -o $? -eq 2
done
# before a search is logged
k status case.kan --content-hash 2>err | grep "^content hash" >first
k disk case.kan volumes X3 >out 2>err
is_match out 'journal +1 transactions to play back, 1 to 1' "the journal is told"
is_match out 'changed by journal +names added: 2, removed: 2, changed: ' \
    "  and what it changes, in numbers"
k disk case.kan diff X1 X2 >wanted 2>err
k disk case.kan diff X3 >got 2>err
is_status $? 0 "diff of the two views"
is_file_equal got "$TMP/wanted" "  is that of the two images"
ok "  and not empty" test "$(wc -l <got)" -gt 5
for view in disk:X1 journal:X2; do
    k disk case.kan ls X3 -R --view "${view%:*}" --format jsonl 2>err |
        sed 's/"state":"[^"]*"/"state":""/' | sort >got
    k disk case.kan ls "${view#*:}" -R --format jsonl 2>err | sort >wanted
    is_file_equal got "$TMP/wanted" "the view ${view%:*} is that image's"
done
k disk case.kan cat X3 /dir/x >out 2>err
is "$(cat out)" changed "content comes from the later view"
k disk case.kan cat X3 /dir/x --view disk >out 2>err
is "$(cat out)" before "  or from that on disk"
k disk case.kan cat X3 /removed >out 2>err
is_status $? 1 "what the journal removes is gone"
is_match err -- '--view all' "  with a hint"
k disk case.kan stat X3 /dir/x >out 2>err
is_match out '^cite +X3/dirty.img!journal!ino/[0-9]+@0\+8$' \
    "a citation leads through the journal"
is_match out '^state +after the journal' "  and the state says so"
cite=$(sed -n 's/^cite  *//p' out)
is "$(k show case.kan "$cite" --raw 2>err)" changed "  to the content"

# Each time is told once, the events lead to the bytes of their view.
k timeline case.kan 'target:/dir/x' --format jsonl >out 2>err
is "$(grep -c '"action":"born"' out)" 3 "a time that both views have is told once"
is "$(grep -c '"action":"modified"' out)" 4 "  one that differs is told of both"
event=$(sed -n 's/.*"event":"E\([0-9]*\)".*/\1/p' out | sort -n | tail -n 1)
event=E$event
k show case.kan "$event" >shown 2>err
is_match shown 'X3/dirty.img!journal@[0-9]+\+256' "its events are in the journal"
k show case.kan "$event" --raw >inode 2>err
is "$(od -An -tu4 -j4 -N4 inode | tr -d ' ')" 8 \
    "an event after the journal leads to the inode in it"
k verify case.kan >out 2>err
is_status $? 0 "the case is whole"

k new again.kan >out 2>err
for i in a b dirty; do k import again.kan $i.img --hash-files >out 2>err; done
k status again.kan --content-hash 2>err | grep "^content hash" >second
ok "a content hash" test -s second
is_file_equal second "$TMP/first" "the same evidence, the same content"

done_testing
