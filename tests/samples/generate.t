#!/bin/sh
# The committed sample incident is what its generator writes.
. "$SRCDIR/tests/lib.sh"

"$BUILDDIR/samples/generate" new
is_status $? 0 "the generator runs"

# Every generated file is committed, byte for byte. Another zlib may compress
# otherwise: then the content has to be the same.
same() {
    cmp -s "new/$1" "$SRCDIR/samples/$1" && return
    case $1 in
    *.gz)
        gzip -dc "new/$1" >a 2>/dev/null
        gzip -dc "$SRCDIR/samples/$1" >b 2>/dev/null
        cmp -s a b && [ -s a ]
        ;;
    *) false ;;
    esac
}
(cd new && find . -type f | sed 's|^\./||' | sort) >made
while read -r f; do
    same "$f" || echo "$f"
done <made >wrong
ok "all files are as committed" test ! -s wrong
head -n 20 wrong | diag

(cd "$SRCDIR/samples" && find cloudtrail cloudwatch -type f | sort) >have
grep -E '^cloud(trail|watch)/' made | cmp -s - have
ok "no other file lies among them"

# The times in the records are from the story, not from a clock.
"$BUILDDIR/samples/generate" again && diff -r new again >/dev/null
ok "a second run gives the same bytes"

done_testing
