#!/bin/sh
# NTFS as ntfs-3g writes it: names, contents, times outside of 1970 to 2106
# (where libtsk is wrong), alternate streams, deleted files with their truth.
. "$SRCDIR/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root for mounts"
for tool in mkntfs ntfs-3g; do
    command -v $tool >/dev/null || skip_all "$tool is not installed"
done
dump=$BUILDDIR/tests/importers/import_dump
has() { is_match out "$1" "$2"; }
sum() { sha256sum <"$1" | cut -d' ' -f1; }
mkdir m
truncate -s 64M n.img
mkntfs -Q -F -q n.img >/dev/null 2>&1
ntfs-3g -o streams_interface=windows n.img m 2>err ||
    skip_all "ntfs-3g cannot mount here: $(head -n 1 err)"
head -c 100000 /dev/urandom >big
head -c 200000 /dev/urandom >stream
head -c 300 /dev/urandom >small
mkdir -p m/d/sub m/many
for i in big small; do cp $i m/d/$i && cp $i m/d/gone-$i && cp $i "m/d/kept $i"; done
cp stream "m/d/big:zone" && cp small "m/d/big:a b" && cp stream m/d/gone-big:zone
cp small m/d/sub:of-a-folder
i=0
while [ $i -lt 300 ]; do
    echo $i >"m/many/a longer name of number $i"
    i=$((i + 1))
done
printf 'x' >"m/d/日本語.txt"
# TEXT OF touch|AS TOLD: all of the 64 bits, to 100 ns
while IFS='|' read -r name text told; do
    : >"m/d/t-$name"
    touch -m -d "$text UTC" "m/d/t-$name"
    echo "$name|$told" >>times
done <<END
first|1601-01-01 00:00:01|1601-01-01T00:00:01
before|1960-03-04 05:06:07.1234567|1960-03-04T05:06:07.123456700
epoch|1970-01-01 00:00:00|1970-01-01T00:00:00
y2038|2038-01-19 03:14:08.5|2038-01-19T03:14:08.500
y2106|2106-02-07 06:28:16|2106-02-07T06:28:16
y2150|2150-12-31 23:59:59.9999999|2150-12-31T23:59:59.999999900
far|9999-12-31 23:59:59|9999-12-31T23:59:59
END
rm m/d/gone-big m/d/gone-small
# A name gets the times that the file has when it is made; then the file alone
# gets others.
: >m/d/old && touch -d "2011-02-03 04:05:06.7 UTC" m/d/old && mv m/d/old m/d/named
touch -d "2019-01-01 UTC" m/d/named
(cd m && find . -type f ! -path './many/*' ! -path './d/t-*' -exec sha256sum {} + |
    sed 's|^\([0-9a-f]*\)  \.|\1 |' | sort) >kernel
find m/many -type f | wc -l >many
umount m
"$dump" -H disk n.img >out
is_status $? 0 "an NTFS volume is read"
grep -v '/\$' out | sed -n 's|^file \[\] \(/.*\) inode=.* type=1 .*flags=0.* sha256=\([0-9a-f]*\)$|\2 \1|p' |
    grep -v ' /many/\| /d/t-\|[a-z]:[a-z]' | sort >ours
sed 's/日本語/\\u{65E5}\\u{672C}\\u{8A9E}/' kernel >want
cut -d' ' -f2- want >want.names
cut -d' ' -f2- ours >ours.names
is_file_equal ours.names "$TMP/want.names" "every name"
is_file_equal ours "$TMP/want" "every name and content"
is "$(grep -c '^file \[\] /many/a longer name of number [0-9]* .*flags=0' out)" "$(cat many)" \
    "a folder with an index of several levels"
has "file \[\] /d/big:zone .*size=200000 flags=0 .*sha256=$(sum stream)" "an alternate stream"
has "file \[\] /d/big:a b .*sha256=$(sum small)" "another one"
has "file \[\] /d/sub:of-a-folder .*sha256=$(sum small)" "a stream of a folder"
while IFS='|' read -r name told; do
    has "file \[\] /d/t-$name .* m=${told}Z" "a time: $told"
done <times
has "file \[\] /d/gone-big .*size=100000 flags=1 .*sha256=$(sum big) found=name confidence=1 free=100000" \
    "a deleted file, its content in free clusters"
has "file \[\] /d/gone-big:zone .*size=200000 flags=1 .*sha256=$(sum stream) found=name confidence=1 free=200000" \
    "its stream"
has "file \[\] /d/gone-small .*size=300 flags=1 .*sha256=$(sum small) found=name confidence=1 free=300" \
    "a deleted file, its content in its record"

# The times of the name ($FILE_NAME), as ntfsinfo has them, to the second.
TZ=UTC ntfsinfo -F /d/named n.img 2>/dev/null |
    sed -n '/FILE_NAME/,/^Dumping attribute .S/s/.* Time:[^A-Z]*//p' |
    while read -r told; do date -u -d "$told" +%Y-%m-%dT%H:%M:%S; done >theirs
grep '^file \[\] /d/named ' out | grep -o '[a-z]*=[-0-9T:]*\.[0-9]*Z' | tail -n 4 |
    sed 's/^[a-z]*=//; s/\..*//' >ours
is "$(wc -l <theirs)" 4 "ntfsinfo tells four times of a name"
is_file_equal ours "$TMP/theirs" "the times of a name that differ from the file's"
has "file \[\] /d/named .* m=2019-01-01T00:00:00Z .*times of the name: born=[^ ]* modified=2011-02-03T04:05:06.700000000Z" \
    "to 100 ns"
is "$(grep -c '^file \[\] /many/.*times of the name' out)" 0 "no others are told"

# The freed clusters and records are used again.
ntfs-3g n.img m && {
    head -c 55000000 /dev/zero | tr '\0' z >m/full
    umount m
    "$dump" disk n.img >out
    ! grep -Eq 'file \[\] /(d|\$OrphanFiles)/gone-big .*confidence=1 free=100000' out
    ok "used again, it is no longer probable"
}
done_testing
