#!/bin/sh
# Hash lists: plain ones and an NSRL database; what they mark is left out or
# found, and which list was compared stays in the case.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

k new case.kan >out 2>err
k import case.kan "$SRCDIR/samples/disk/app-01-data.E01" --hash-files \
    >out 2>err
ok "import" test $? -eq 0 -o $? -eq 2
sha() {
    k disk case.kan stat X1 "$1" 2>err | sed -n 's/^sha256  *//p'
}
old=$(sha /archive/1979.txt)
{
    echo "# a list"
    echo "$old  ./archive/1979.txt"
    sha /archive/1901.txt | tr a-f A-F
    echo "$(sha /archive/2446.txt),name,size"
    echo
    printf '%064d\r\n' 0
} >good.txt
k known case.kan good.txt >out 2>err
is_status $? 0 "a list of known files"
is_match out 'good.txt: 4 listed, 3 files of the case are known' "  is counted"
k disk case.kan ls X1 /archive >out 2>err
is "$(grep -c 'known' out)" 3 "ls says so"
k disk case.kan ls X1 /archive --hide-known >out 2>err
is "$(grep -c '\.txt' out)" 2 "  or leaves them out"
sha /archive/1901.txt >notable.txt
echo "no digest" >>notable.txt
echo d41d8cd98f00b204e9800998ecf8427e >>notable.txt
k known case.kan notable.txt --notable >out 2>err
is_status $? 2 "a list with odd lines has issues"
is_match err '1 lines hold no digest, the first is line 2' "  which are named"
is_match err 'has MD5, and no file of the case has one' "  and what cannot match"
k known case.kan good.txt >out 2>err
k disk case.kan stat X1 /archive/1901.txt >out 2>err
is_match out '^state +NOTABLE' "notable stays notable"
k disk case.kan ls X1 /archive --hide-known >out 2>err
ok "  and is not hidden" grep -q 1901 out

# In the filter: all events of files fall into three parts.
count() { k timeline case.kan "$1" --format jsonl 2>err | grep -c '"event"'; }
is "$(count known:notable)" 4 "the times of a notable file"
is "$(count known:yes)" 8 "the times of two known files"
is "$(($(count known:no) + 12))" "$(count 'kind:file not action:"file system"')" \
    "  the others are the rest"
is "$(count 'known:(yes or notable) target:/archive/1979.txt')" 4 \
    "  with other terms"
k timeline case.kan known:maybe >out 2>err
is_status $? 1 "a word that does not exist"

k known case.kan --format csv --csv-raw >out 2>err
is "$(wc -l <out | tr -d ' ')" 4 "the lists are kept"
is_match out "known,4,3,lines,.*,$(sha256sum <good.txt | cut -d' ' -f1),good.txt" \
    "  with their own digest"
k audit case.kan list >out 2>err
is_match out '"class":"notable","files":1,"listed":2,"name":"notable.txt"' \
    "  and in the audit log"
k known case.kan /no/such >out 2>err
is_status $? 1 "a list that is not there"
k known case.kan --clear >out 2>err
is "$(count known:yes)" 0 "what lists said can be forgotten"
k verify case.kan >out 2>err
is_status $? 0 "the case is whole"

# ---- weak digests, for lists that have no others
k new weak.kan >out 2>err
k import weak.kan "$SRCDIR/samples/disk/app-01-data.E01" --hash-files \
    --hash-weak >out 2>err
{ printf 'earliest\n' | md5sum; k disk weak.kan cat X1 /archive/1979.txt |
    sha1sum; } >weak.txt
k known weak.kan weak.txt >out 2>err
is_match out '2 listed, 2 files of the case are known' "MD5 and SHA-1"

# ---- NSRL, with and without an index
if command -v sqlite3 >have; then
    for key in "PRIMARY KEY" ""; do
        rm -f rds.db
        sqlite3 rds.db "CREATE TABLE METADATA(sha256 TEXT $key, sha1 TEXT);
            INSERT INTO METADATA VALUES('$(echo "$old" | tr a-f A-F)', 'x'),
                ('$(printf %064d 7)', 'y'), ('short', 'z');
            CREATE VIEW FILE AS SELECT sha256, sha1 FROM METADATA;"
        k known case.kan --clear >out 2>err
        k known case.kan rds.db >out 2>err
        is_match out ' 1 files of the case are known' "NSRL, '$key'"
        is "$(count known:yes)" 4 "  its file is known"
    done
    echo 'CREATE TABLE t(x);' | sqlite3 other.db
    k known case.kan other.db >out 2>err
    is_status $? 6 "a database that is no list"
    is_match err 'no table FILE or METADATA' "  is named"
    { head -c 100 rds.db; head -c 9000 /dev/urandom; } >broken.db
    k known case.kan broken.db >out 2>err
    is_status $? 6 "a damaged one is refused"
else
    skip "NSRL databases" "the sqlite3 shell is not installed"
fi

done_testing
