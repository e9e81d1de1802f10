#!/bin/sh
# Figures of style. Only the hard limits fail; the rest is told, with our
# target beside it.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/house/house.sh"
plan 2

sources >list
(cd "$SRCDIR" && xargs awk -f tests/house/functions.awk) <list | sort -n >functions
(cd "$SRCDIR" && xargs wc -l) <list | awk '$2 != "total" { print $2, $1 }' >files

awk '{ n[NR] = $1; statics += $2 == "static"; long += $1 > 60 }
    END {
        if (NR)
            printf "functions: %d, median %d (14), p90 %d (45), p99 %d (100)," \
                " max %d (200), over 60 lines %.1f %% (4), static %.0f %% (60)\n",
                NR, n[int((NR + 1) / 2)], n[int(NR * .9 + .5)],
                n[int(NR * .99 + .5)], n[NR], 100 * long / NR,
                100 * statics / NR
    }' functions | diag
for kind in c h; do
    grep "\.$kind " files | sort -n -k2 | awk -v kind="$kind" '
        { n[NR] = $2 }
        END { if (NR) printf ".%s files: %d, median %d, max %d lines\n",
            kind, NR, n[int((NR + 1) / 2)], n[NR] }' | diag
done
awk '{ sub(/\/[^\/]*$/, "", $1); count[$1]++ }
    END { for (d in count) if (count[d] > 50)
        print d ": " count[d] " files (50: sources and headers)" }' files | diag
(cd "$SRCDIR" && xargs cat) <list | awk '
    length($0) > 80 { wide++ }
    END { if (NR) printf "lines over 80 columns: %.2f %% (1)\n",
        100 * wide / NR }' | diag
code=$(cd "$SRCDIR" && xargs cat <"$TMP/list" | wc -l)
tests=$(cd "$SRCDIR" && find tests -type f \( -name '*.[ch]' -o -name '*.t' \
    -o -name '*.sh' \) -exec cat {} + | wc -l)
echo "$tests $code" | awk '{ printf "tests : code = %.2f (0.7)\n", $1 / $2 }' |
    diag

awk '$1 > 200 { print $3, $1 " lines" }' functions |
    without_exceptions function-lines >wrong
none wrong "no function over 200 lines"
awk '$2 > 1000 { print $1, $2 " lines" }' files |
    without_exceptions file-lines >wrong
none wrong "no file over 1,000 lines"
