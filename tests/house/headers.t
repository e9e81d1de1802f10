#!/bin/sh
# Every header compiles alone and has a guard.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/house/house.sh"
plan 2

{
    sources | grep '\.h$'
    (cd "$SRCDIR" && find tests -name '*.h' | sort)
} >list

# The include paths are relative to the build folder.
while read -r h; do
    # Twice, which finds a missing guard.
    printf '#include "%s"\n#include "%s"\n' "$h" "$h" |
        (cd "$BUILDDIR" && eval "$TEST_CC -std=gnu17 $TEST_CPPFLAGS -fsyntax-only \
            -Wall -Wextra -Werror -x c -") >out 2>&1 || {
        echo "$h:"
        head -n 5 out
    }
done <list >wrong
none wrong "every header compiles alone, and twice"

(cd "$SRCDIR" && xargs grep -L '^#pragma once$' <"$TMP/list") >wrong
none wrong "every header has #pragma once"
