#!/bin/sh
# The same evidence gives the same case and the same output: whatever the
# number of workers, the locale, the zone, the order of the directory.
. "$SRCDIR/tests/lib.sh"

"$BUILDDIR/bench/gen_cloudtrail" --events 6000 --per-file 200 --seed 3 e >out
cp -r "$SRCDIR/samples/cloudtrail" e/sample
content() { # CASE: its hash and the bytes of its timeline
    "$KANSHIKI" status "$1" --content-hash --format jsonl |
        sed -n 's/.*"type":"content","sha256":"\([0-9a-f]*\)".*/\1/p'
    "$KANSHIKI" timeline "$1" --format jsonl | sha256sum
}
# try NAME PATH [VARIABLE=VALUE...] [-- OPTION...]
try() {
    name=$1 path=$2
    shift 2
    set -- "$@" --
    vars=
    while [ "$1" != -- ]; do vars="$vars $1"; shift; done
    shift
    [ $# -gt 0 ] && { eval "last=\${$#}"; [ "$last" = -- ] && more=${*%--}; }
    rm -f k.kan*
    # shellcheck disable=SC2086
    env $vars "$KANSHIKI" new k.kan >out 2>err
    # shellcheck disable=SC2086
    env $vars "$KANSHIKI" import k.kan "$path" --progress none ${more:-} \
        >out 2>err
    is_status $? 2 "$name: imported, one file of the sample is damaged"
    # shellcheck disable=SC2086
    for v in $vars; do export "${v?}"; done
    content k.kan >got
    export LC_ALL=C TZ=UTC
    if [ -s want ]; then
        is_file_equal got "$TMP/want" "$name: the same content"
    else
        mv got want
    fi
}
try "first" e
is "$(wc -l <want)" 2 "there is something to compare"
for jobs in 1 2 7; do try "$jobs jobs" e -- --jobs $jobs; done
for locale in C C.UTF-8 de_DE.UTF-8 tr_TR.UTF-8 xx_YY; do
    try "locale $locale" e "LC_ALL=$locale"
done
try "zone of Nepal" e TZ=Asia/Kathmandu
try "zone that is none" e TZ=No/Such
mkdir -p r/e && (cd e && find . -type f) | sort -r | while read -r f; do
    mkdir -p "r/e/$(dirname "$f")" && cp "e/$f" "r/e/$f"
done
try "files made in reverse" r/e
done_testing
