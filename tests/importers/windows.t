#!/bin/sh
# Files of a Windows host inside an NTFS image, as ntfs-3g writes it: each is
# found by its path, read in a sealed worker, and every count agrees.
. "$SRCDIR/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for mounts"
for tool in mkntfs ntfs-3g; do
    command -v $tool >/dev/null || skip_all "$tool is not installed"
done
mkdir m
truncate -s 40M n.img
mkntfs -Q -F -q n.img >/dev/null 2>&1
ntfs-3g n.img m 2>err || skip_all "ntfs-3g cannot mount here: $(head -n 1 err)"
for name in evtx registry iis windows-firewall powershell-history \
    powershell-transcript ec2launch scheduled-task setupapi; do
    echo $name >>names
    (cd "$SRCDIR/tests/data/host/$name" &&
        find . -type f ! -name '*.expect' -exec cp --parents {} "$TMP/m/" \;)
done
umount m
"$KANSHIKI" new c.kan >/dev/null 2>err
"$KANSHIKI" import c.kan n.img >out 2>err
is_status $? 2 "the image is imported, with issues"
"$KANSHIKI" status c.kan >status 2>err
is_match status "rejected: agrees, in every file" "every count agrees"
while read -r name; do
    find "$SRCDIR/tests/data/host/$name" -name '*.expect' \
        -exec grep -h '^event' {} + | grep -c . >want
    "$KANSHIKI" timeline c.kan "source:$name" --format jsonl 2>err |
        grep -c . >got
    is "$(cat got)" "$(cat want)" "$name: as many events as of the loose files"
done <names
done_testing
