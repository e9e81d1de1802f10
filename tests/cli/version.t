#!/bin/sh
# The program says its name and version and what it runs with, and refuses
# what it does not know.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

"$KANSHIKI" version >out 2>err
is_status $? 0 "version ends well"
is_match out '^kanshiki [0-9]+\.[0-9]+\.[0-9]+' "version is printed"
is "$(wc -l <out)" 1 "  and nothing else"
"$KANSHIKI" no-such-command >out 2>err
is_status $? 1 "an unknown command is a usage error"

"$KANSHIKI" version --verbose >list 2>err
is_status $? 0 "version --verbose"
sed 1d list | grep -vE '^[A-Za-z0-9]+ [0-9]+(\.[0-9]+)+[^ ]*( \([a-z0-9-]+\))?$' >odd
ok "every library has a version" [ ! -s odd ]
diag <odd
ok "sorted bytewise" sh -c 'sed 1d list | LC_ALL=C sort -c'

# soname of what is linked    how it is called in the list
cat >names <<'TABLE'
libarchive archive
libbz2 bzip2
libc glibc
libcrypto OpenSSL
liblz4 lz4
liblzma liblzma
libm glibc
libncursesw ncurses
libpcre2-8 PCRE2
libsqlite3 SQLite
libtinfo ncurses
libz zlib
libzstd zstd
TABLE
if [ -z "${SANITIZERS:-}" ] && command -v readelf >which; then
    readelf -d "$KANSHIKI" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*/\1/p' >needed
    while read -r so; do
        name=$(awk -v so="$so" '$1 == so { print $2 }' names)
        [ "$name" ] || name=$so
        grep -qE "^(lib)?${name#lib} " list ||
            echo "$so: name it in FOLDER/libraries.c (base/libraries.h)"
    done <needed >missing
    ok "every library that is linked is in the list" [ ! -s missing ]
    diag <missing
    ok "  and there are some" [ "$(wc -l <needed)" -gt 5 ]
else
    skip "every library that is linked is in the list" "no readelf"
fi

# The record of a run has the same list, and its audit entry is canonical JSON.
make_evidence ev
k new case.kan >out 2>err
k import case.kan ev --exhibit-note 'a "b"' >out 2>err
libraries=$(sed 1d list | paste -sd';' | sed 's/;/; /g')
k audit case.kan list >audit 2>err
grep '	import started	X1	' audit | cut -f7 >detail
is_match detail '^\{"argv":"case.kan ev .--exhibit-note' \
    "the entry of an import is JSON"
is_match detail '"note":"a \\"b\\""' "  with its options"
ok "  and the libraries" grep -qF "\"libraries\":\"$libraries\"" detail
grep -oE '[{,]"[a-z_0-9]+":' detail | tr -d '{,:' >keys
ok "  its keys sorted" env LC_ALL=C sort -cu keys
ok "every entry of the log is an object" \
    [ "$(cut -f7 audit | grep -vcE '^\{.*\}$')" = 0 ]
k report case.kan -o report >out 2>err
ok "the report names the libraries" \
    grep -qF "$(echo "$libraries" | cut -c1-30)" report/*.html
done_testing
