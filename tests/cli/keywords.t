#!/bin/sh
# A list of keywords over a disk: in files, in the slack behind them, in what
# was deleted, in free space, in UTF-16, across the pieces of a fragmented
# file. What lies where is known, since this test puts it there.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

PATH=$PATH:/usr/sbin:/sbin
command -v mke2fs >have || skip_all "mke2fs is not installed (e2fsprogs)"
command -v debugfs >have || skip_all "debugfs is not installed (e2fsprogs)"

# A volume of small files, every second one removed: what is written then is in
# pieces of one block.
mkdir root
for i in $(seq 100 260); do
    head -c 1000 /dev/zero | tr '\0' "$((i % 10))" >root/f$i
done
echo "here lies KEYWORD-IN-FILE and nothing else" >root/plain
printf 'W\0I\0D\0E\0-\0W\0O\0R\0D\0' >root/wide
echo "SLACK-OWNER" >root/slack
echo "DELETED-WORD is gone" >root/deleted
find root -exec touch -h -d 2026-03-10T00:00:00Z {} +
E2FSPROGS_FAKE_TIME=1773190000
export E2FSPROGS_FAKE_TIME
mke2fs -q -F -t ext4 -b 1024 -O ^metadata_csum,^has_journal,^uninit_bg,^resize_inode \
    -N 256 -d root -E root_owner=0:0 i.img 280k >mke2fs.out 2>&1 ||
    diag <mke2fs.out
{
    for i in $(seq 100 2 260); do echo "rm f$i"; done
} >removals
debugfs -w -f removals i.img >debugfs.out 2>&1
# SPLIT-KEYWORD-TEXT has its first half at the end of block 9 of the file
{
    head -c 10230 /dev/zero | tr '\0' x
    printf SPLIT-KEYWORD-TEXT
    head -c 9000 /dev/zero | tr '\0' y
} >big
debugfs -w -R 'write big big' i.img >debugfs.out 2>&1
debugfs -w -R 'rm deleted' i.img >debugfs.out 2>&1
block() { debugfs -R "bmap $1 $2" i.img 2>err; }
[ "$(block big 10)" -ne $(($(block big 9) + 1)) ] || skip_all "not in pieces"
# behind the end of a file, and in a block that is nobody's
poke() { printf %s "$2" | dd of=i.img bs=1 seek="$1" conv=notrunc status=none; }
poke $(($(block slack 0) * 1024 + 500)) SLACK-WORD
free=279 # the last one: nobody ever had it
debugfs -R "testb $free" i.img 2>err | grep -q 'not in use' || skip_all "no free block"
poke $((free * 1024 + 17)) FREE-WORD
k new c.kan >out
k import c.kan i.img >out 2>err
cat >words <<'END'
# a comment
KEYWORD-IN-FILE
SPLIT-KEYWORD-TEXT
WIDE-WORD
SLACK-WORD
FREE-WORD
DELETED-WORD

keyword-in-file
NOT-THERE
END
k search c.kan --keywords words --counts --format csv >out 2>err
is_status $? 0 "a list is searched for"
cat >want <<'END'
keyword,hits,file,slack,deleted,free,outside,memory,log
KEYWORD-IN-FILE,1,1,0,0,0,0,0,0
SPLIT-KEYWORD-TEXT,1,1,0,0,0,0,0,0
WIDE-WORD,1,1,0,0,0,0,0,0
SLACK-WORD,1,0,1,0,0,0,0,0
FREE-WORD,1,0,0,0,1,0,0,0
DELETED-WORD,1,0,0,1,0,0,0,0
keyword-in-file,0,0,0,0,0,0,0,0
NOT-THERE,0,0,0,0,0,0,0,0
END
tr -d '\r' <out | sed '1s/^[^k]*//' >got
same_text() { if cmp -s want got; then pass "$1"; else
    not_ok "$1"; diff -u want got | diag; fi; }
same_text "each where it lies"
is_match err '6 hits of 6 of 8 keywords' "  and in words"
k search c.kan --keywords words --format csv >out 2>err
is_match out '^KEYWORD-IN-FILE,.*,file,X1/i.img!fs/plain@10\+15,' "cited by file"
is_match out '^SPLIT-KEYWORD-TEXT,.*,file,X1/i.img!fs/big@10230\+18,.*SPLIT-KEYWORD-TEXTyyy' \
    "what lies in two pieces is cited and shown as one"
is_match out "^SLACK-WORD,.*,slack,X1/i.img@$(($(block slack 0) * 1024 + 500))\\+10," \
    "slack by its place on the medium"
is_match out "^FREE-WORD,.*,no file,X1/i.img@$((free * 1024 + 17))\\+9," \
    "free space likewise"
is_match out '^DELETED-WORD,.*,deleted,X1/i.img!ino/[0-9]+@0\+12,' \
    "a deleted file by its number"
k search c.kan --keywords words -i --counts --format csv >out 2>err
is_match out '^keyword-in-file,1,1,' "in either case, when asked"
k status c.kan --format jsonl >out 2>err
command -v sqlite3 >have && {
    sqlite3 c.kan "SELECT text || '=' || hits FROM query_log
        ORDER BY id LIMIT 8" >got
    cat >want <<'END'
KEYWORD-IN-FILE=1
SPLIT-KEYWORD-TEXT=1
WIDE-WORD=1
SLACK-WORD=1
FREE-WORD=1
DELETED-WORD=1
keyword-in-file=0
NOT-THERE=0
END
    same_text "each is in the query log, with none as well"
}

# A single text is found in the same places, each once.
k search c.kan SPLIT-KEYWORD-TEXT --format csv >out 2>err
is "$(tail -n +2 out | wc -l)" 1 "a single text across pieces, once"
k search c.kan KEYWORD-IN-FILE --format csv >out 2>err
is_match out 'X1/i.img!fs/plain@10\+15' "  by file"

# Many: more than one request takes; the places are those that grep tells.
seq 1000 3999 | sed 's/^/needle-/' >many
{
    for i in 1003 1999 2500 3998 1003; do printf 'a needle-%s b\n' "$i"; done
} >log.txt
k import c.kan log.txt >out 2>err
k search c.kan --keywords many --counts --exhibit X2 --format csv >out 2>err
grep -v ',0,0,0,0,0,0,0,0' out | tail -n +2 | cut -d, -f1,2 | tr -d '\r' >got
grep -o 'needle-[0-9]*' log.txt | sort | uniq -c | awk '{print $2 "," $1}' >want
same_text "three thousand keywords"

# Lists that are none.
: >empty
k search c.kan --keywords empty >out 2>err
is_status $? 1 "an empty list is a usage error"
printf 'ok-word\nab\n' >short
k search c.kan --keywords short >out 2>err
is_match err 'line 2: keywords have 3 to' "a short keyword is named by its line"
k search c.kan TEXT --keywords words >out 2>err
is_status $? 1 "a text and a list: one of them"
k search c.kan >out 2>err
is_status $? 1 "neither: what is missing is said"
done_testing
