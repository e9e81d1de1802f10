#!/bin/sh
# Records inside an image: found by path, read in workers that have the image
# open, with the place that leads through all layers; the same for any number
# of workers, after kills, and when one of them costs its worker.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/importers/events.sh"

PATH=$PATH:/usr/sbin:/sbin
command -v mke2fs >have || skip_all "mke2fs is not installed (e2fsprogs)"
command -v debugfs >have || skip_all "debugfs is not installed (e2fsprogs)"
tool=$BUILDDIR/tests/importers/importtool
k() { "$KANSHIKI" "$@"; }

# events FROM TO: one a line
events() {
    for i in $(seq "$1" "$2"); do
        ev 7 "Call$i" | sed "s/-1111-/-$((1000 + i))-/"
        echo
    done
}
mkdir -p root/home/alice/AWSLogs root/etc
log=root/home/alice/AWSLogs
events 1 40 >$log/a.json
events 41 60 | gzip -9n >$log/b.json.gz
events 61 70 >$log/c.json
ln $log/c.json $log/c-again.json
: >$log/empty.json
echo 'nothing that any importer knows' >$log/notes.txt
echo elsewhere >root/etc/hosts.json
events 71 75 >root/deleted_CloudTrail_1.json
find root -exec touch -h -d 2026-03-10T00:00:00Z {} +
E2FSPROGS_FAKE_TIME=1773190000
export E2FSPROGS_FAKE_TIME
image() { # FILE
    mke2fs -q -F -t ext4 -b 1024 -O ^metadata_csum -J size=1 \
        -U 0bb22cc3-3dd4-4ee5-8000-111122220001 -d root \
        -E root_owner=0:0,hash_seed=0bb22cc3-3dd4-4ee5-8000-111122220002 \
        "$1" 8M 2>mke2fs.err >&2 || diag <mke2fs.err
}
image i.img
debugfs -w -R 'rm deleted_CloudTrail_1.json' i.img >debugfs.out 2>&1

"$tool" new c.kan
"$tool" import c.kan "$TMP/i.img" 0 2 >out 2>err
is_status $? 0 "the import ends"
whole=$("$tool" hash c.kan) # before searches are logged
members() {
    sqlite3 "$1" "SELECT layers, format, n_read, n_stored FROM member
        WHERE length(layers) ORDER BY id"
}
if command -v sqlite3 >have; then
    members c.kan >got
    grep -v ino/ got >named
    cat >want <<'END'
!fs/home/alice/AWSLogs/a.json|cloudtrail|40|40
!fs/home/alice/AWSLogs/b.json.gz!gz|cloudtrail|20|20
!fs/home/alice/AWSLogs/c-again.json|cloudtrail|10|10
!fs/home/alice/AWSLogs/notes.txt||0|0
END
    is "$(sort named)" "$(cat want)" "each file once, by its path"
    is "$(grep -c 'ino/[0-9]*|cloudtrail|5|5' got)" 1 "the deleted one, by inode"
fi
k timeline c.kan source:cloudtrail flag:deleted --format csv >out 2>err
is "$(tail -n +2 out | wc -l)" 5 "records of a deleted file say so"
event() { k timeline "$1" "$2" --format csv 2>err | sed -n '2s/,.*//p'; }
k show c.kan "$(event c.kan action:Call45)" >out 2>err
is_match out 'X1/i.img!fs/home/alice/AWSLogs/b.json.gz!gz@[0-9]+' \
    "a record is cited through all layers"
cite=$(sed -n 's/^cite *//p' out)
k show c.kan "$cite" --raw >out 2>err
is_match out '"eventName":"Call45"' "  and read again from there"
k status c.kan --issues --format csv >out 2>err
is "$(grep -c 'not-recognised' out)" 1 "what is not known is a note"
is "$(grep -c 'note,not-recognised' out)" 1 "  of no weight"
k evidence c.kan show X1 >out 2>err
is_match out 'files looked into: 5; 0 more' "how many were looked into"

# The same however it is worked, and in batches of any size.
for how in "0 1" "7 3" "33 2"; do
    rm -f k.kan*
    "$tool" new k.kan
    # shellcheck disable=SC2086
    "$tool" import k.kan "$TMP/i.img" $how >out 2>err
    is "$("$tool" hash k.kan)" "$whole" "the same with batch and workers $how"
done

# Killed before any batch, and resumed.
n=0
for at in 1 2 3 5 8 13 17; do
    rm -f k.kan*
    "$tool" new k.kan
    KAN_DIE_AT=$at "$tool" import k.kan "$TMP/i.img" 9 2 >out 2>err
    [ $? -eq 137 ] && n=$((n + 1))
    "$tool" import k.kan "$TMP/i.img" 9 2 >out 2>err
    is "$("$tool" hash k.kan)" "$whole" "killed before batch $at, resumed"
done
ok "it was killed in between" [ "$n" -ge 5 ]

# Files that cost their worker.
for how in crash late; do
    events 100 700 >$log/b2.json.$how
    touch -d 2026-03-10T00:00:00Z $log/b2.json.$how $log
    image j.img
    rm $log/b2.json.$how
    rm -f k.kan*
    "$tool" new k.kan
    "$tool" import k.kan "$TMP/j.img" 0 2 >out 2>err
    is_status $? 0 "$how: the import ends"
    first=$("$tool" hash k.kan)
    k status k.kan --issues --format csv >got 2>err
    is_match got "error,worker-died.*twice at this file" "$how: the issue says why"
    is "$(grep -c worker-died got)" 1 "  once"
    k timeline k.kan action:Call65 --format csv >out 2>err
    is "$(tail -n +2 out | wc -l)" 1 "$how: the rest is read"
    for at in 2 6 11; do
        rm -f k.kan*
        "$tool" new k.kan
        KAN_DIE_AT=$at "$tool" import k.kan "$TMP/j.img" 20 3 >out 2>err
        "$tool" import k.kan "$TMP/j.img" 20 3 >out 2>err
        is "$("$tool" hash k.kan)" "$first" "$how: killed before $at, resumed"
    done
done

# A log that the journal of its volume makes longer is read as it is after it; one
# that the journal removes is read as it is on disk.
rm -rf $log
mkdir -p $log
events 1 40 >$log/a.json
events 41 60 >$log/gone.json
find root -exec touch -h -d 2026-03-10T00:00:00Z {} +
image a.img
rm $log/gone.json
events 61 90 >>$log/a.json
find root -exec touch -h -d 2026-03-11T00:00:00Z {} +
image b.img
cmp -l a.img b.img | awk '{ b = int(($1 - 1) / 1024)
    if (b != 1 && !(b in seen)) { seen[b] = 1; print b } }' >blocks
while read -r b; do
    dd if=b.img bs=1024 skip="$b" count=1 status=none
done <blocks >data
printf 'jo\njw -b %s data\njc\n' "$(paste -sd, blocks)" |
    debugfs -w -f - a.img >debugfs.out 2>&1
if dumpe2fs -h a.img 2>&1 | grep -q needs_recovery; then
    rm -f k.kan*
    k new k.kan >out
    k import k.kan a.img >out 2>err
    k timeline k.kan source:cloudtrail --format csv >out 2>err
    is "$(tail -n +2 out | wc -l)" 90 "each record of both views once"
    k timeline k.kan source:cloudtrail flag:on-disk --format csv >out 2>err
    is "$(tail -n +2 out | wc -l)" 20 "  those that the journal removes say so"
    k show k.kan "$(event k.kan action:Call85)" >out 2>err
    is_match out '!journal!fs/home/alice/AWSLogs/a.json@' "  the others lie behind it"
    k evidence k.kan show X1 >out 2>err
    is_match out 'files looked into: 3; 2 more are these' "  how many, in words"
else
    skip "logs of two views" "this debugfs writes no journal"
fi

# Local times are those of the zone that the volume is set to.
rm -rf root
mkdir -p root/etc root/usr/share/zoneinfo/Asia root/var/log
{ # a TZif file of version 2 that has a rule alone
    for i in 1 2; do
        printf 'TZif2'
        head -c 15 /dev/zero
        printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4'
        printf '\0\0\176\220\0\0JST\0'
    done
    printf '\nJST-9\n'
} >root/usr/share/zoneinfo/Asia/Tokyo
ln -s ../usr/share/zoneinfo/Asia/Tokyo root/etc/localtime
echo '2026-03-11 12:20:14 install sysupd:amd64 <none> 1.0' >root/var/log/dpkg.log
image z.img
rm -f k.kan*
k new k.kan >out
k import k.kan z.img >out 2>err
e=$(k timeline k.kan source:dpkg-log --format csv 2>err | sed -n '2s/,.*//p')
k show k.kan "$e" >out 2>err
is_match out '^time +2026-03-11T03:20:14Z' "local time by /etc/localtime of the volume"
is_match out '^time is +.*local time of the host' "  and it is said"

# A block of the image that is not in the evidence lies in a log.
rm -f k.kan*
k new k.kan >out
k import k.kan "$SRCDIR/samples/disk/app-01-root.zip" >out 2>err
k status k.kan --issues --format csv >got 2>err
is_match got 'log/audit/audit.log.1,error,file-part,401408,524288,.524288 bytes of the file are not' \
    "a hole in a log is named"
is_match got 'log/audit/audit.log.1,warning,nul-padding,' "  and is no part of a line"
done_testing
