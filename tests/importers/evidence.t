#!/bin/sh
# What an import does to the evidence: it reads, once. And what it does when
# it has it already, or some more came.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/importers/events.sh"

mkdir -p e/d
printf '{"Records":[%s]}' "$(ev 1 A)" >e/a.json
ev 2 B | gzip -n >e/d/b.json.gz
tar -cf e/c.tar -C e a.json
chmod 400 e/a.json
state() {
    find "$1" -printf '%p %s %T@ %C@ %m\n' | sort
    find "$1" -type f -exec sha256sum {} + | sort
}
state e >before
"$KANSHIKI" new k.kan >out 2>err

# LeakSanitizer cannot work under ptrace; it does in every other test.
traced_asan=${ASAN_OPTIONS:-}:detect_leaks=0

if command -v strace >/dev/null 2>&1 && strace -f true 2>/dev/null; then
    ASAN_OPTIONS=$traced_asan \
        strace -f -qq -e trace=%file,%network,socketpair -o calls \
        "$KANSHIKI" import k.kan e --progress none >out 2>err
    is_status $? 0 "an import under observation"
    grep "openat\|open(" calls | grep "a\.json\|b\.json\|c\.tar" >opened
    is "$(grep -vc O_RDONLY opened)" 0 "evidence is opened for reading only"
    ok "and it was seen to be" [ "$(grep -c O_RDONLY opened)" -ge 3 ]
    grep -E '(socket|connect|bind|sendto|accept)\(' calls >net
    is "$(grep -vc 'socketpair(AF_UNIX' net)" 0 "no socket but to workers" &&
        [ -s net ] && grep -v socketpair net | head -n 5 | diag
    grep -E 'unlink|rename|chmod|chown|truncate|utime|mkdir|link' calls |
        grep -E '[ "/]e/|a\.json|b\.json|c\.tar' >changed
    is "$(wc -l <changed)" 0 "nothing of it is changed by name"
    "$KANSHIKI" report k.kan -o report >out 2>err &&
        ASAN_OPTIONS=$traced_asan \
            strace -f -qq -e trace=%network -o net "$KANSHIKI" report k.kan \
            -o report2 >out 2>err
    is "$(grep -Ec '(socket|connect|bind)\(' net)" 0 "a report opens no socket"
else
    "$KANSHIKI" import k.kan e --progress none >out 2>err
    skip "what is opened and how" "strace is missing or may not trace"
fi
state e >after
is_file_equal after "$TMP/before" "bytes, times and modes are as before"

"$KANSHIKI" import k.kan e --progress none >out 2>err
is_status $? 0 "the same folder again is no failure"
is_match err 'already in the case as X1' "and is told"
"$KANSHIKI" import k.kan e/../e/ --progress none >out 2>err
is_match err 'already in the case as X1' "under another name too"
"$KANSHIKI" status k.kan --format jsonl >out 2>err
is "$(grep -c '"type":"exhibit"' out)" 1 "there is one exhibit"
grep -o '"read":3,"stored":2,"duplicates":1' out >got
ok "nothing is doubled" [ -s got ]

# Files that come later are an exhibit of their own.
ev 3 C >e/d/later.json
ev 4 D >e/0first.json
"$KANSHIKI" import k.kan e --progress none >out 2>err
is_status $? 0 "a folder to which files came"
"$KANSHIKI" status k.kan --format jsonl >out 2>err
grep '"exhibit":"X2"' out >got
is_match got '"files":2,.*"read":2,"stored":2,"duplicates":0' \
    "the new files alone are the next exhibit"
"$KANSHIKI" evidence k.kan show X2 >out 2>err
is_match out 'upplement.*X1' "marked as supplement of the first"
"$KANSHIKI" import k.kan e --progress none >out 2>err
is_match err 'already in the case as X1' "and then it is all there"

done_testing
