#!/bin/sh
# What the user gives is understood or refused, with a reason, a hint and an
# exit code; the surroundings may be as bad as they like.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

k new case.kan --title=T --examiner 'A. Examiner' >out 2>err
is_status $? 0 "--opt=VALUE and --opt VALUE"

mkdir folder
# code|arguments|regex that stderr matches
while IFS='|' read -r code arguments regex; do
    eval "k $arguments" >out 2>err
    is_status $? "$code" "kanshiki $arguments"
    is_match err "$regex" "  says: $regex"
    is "$(wc -c <out)" 0 "  nothing on stdout"
done <<'CASES'
1||what is to be done
1|statsu case.kan|Did you mean status
1|status|something is missing: kanshiki status CASE
1|status case.kan more|one word too many: more
1|status case.kan --formt csv|Did you mean --format
1|status case.kan --format cvs|not one of table, csv, jsonl
1|status case.kan --format|--format: needs a value
1|status case.kan --issues=yes|--issues: takes no value
1|status case.kan --format csv --format csv|given twice
1|status case.kan --csv-raw --format jsonl|--csv-raw: only with csv
1|status case.kan --tz Mars/Phobos|not a zone
1|version x|one word too many
1|help no-such|no such command
1|new case.kan|exists already
4|new no/such/case.kan|No such file
4|status no.kan|kanshiki new makes a case
4|status /etc/passwd|not a case file
4|status /dev/null|not a regular file
4|status folder|a folder, not a case file
1|import case.kan x --as nothing|no such format
1|import case.kan x --jobs many|not a number
6|import case.kan no-such-path|no-such-path: No such file
1|import case.kan .|lies inside this evidence
1|evidence case.kan shwo X1|Did you mean show
1|evidence case.kan show Y|not an exhibit
1|custody case.kan X1 --from me|only with --action
1|audit case.kan check --anchor 1:abc|not NUMBER:DIGEST
1|entities case.kan ipp|Did you mean ip
1|timeline case.kan 'ipp:1'|Did you mean ip
1|timeline case.kan 'ip:192.0.2.1 and ('|^kanshiki: column [0-9]+: 
1|timeline case.kan --from yesterday|not a time
1|export case.kan --to jsonl -o x.jsonl 'ipp:1'|no field "ipp"
1|report case.kan -o r 'has:'|^kanshiki: column
1|show case.kan ip:192.0.2.1|no such entity in this case
1|$(printf 'a\033]0;x\007b')|a.*b: no such command
CASES

"$KANSHIKI" "$(printf 'a\033]0;x\007b')" 2>err
tr -d '\n -~\200-\377' <err >controls
ok "no control character of an argument reaches the terminal" test ! -s controls

k --version >out 2>err && k --help >out2 2>err && k status --help >out3 2>err
is_status $? 0 "--version, --help"
is_match out3 '^usage: kanshiki status CASE' "--help of a command"
k status case.kan --color always >out 2>err
is_status $? 0 "--color is ignored"
printf 'x\n' >./-odd
k import case.kan -- -odd >out 2>err
is_match out '^X1 .*/-odd$' "-- ends the options"

# ---- surroundings -----------------------------------------------------------

if [ -e /dev/full ]; then
    k status case.kan >/dev/full 2>err
    is_status $? 5 "stdout full: exit 5"
    is_match err 'No space left' "  and says so"
    k entities case.kan >/dev/full 2>err
    is_status $? 5 "a list to a full stdout: exit 5"
else
    skip "stdout full" "no /dev/full"
fi
{ k status case.kan --format jsonl 2>err; echo $? >code; } | :
is "$(cat err)" "" "a closed pipe is no message"

k status case.kan <&- >&- 2>&-
is_status $? 2 "closed descriptors do no harm"
k verify case.kan >out 2>err
is_status $? 0 "  and the case is whole"

(umask 000 && k new open.kan >out 2>err)
is "$(stat -c %a open.kan)" 600 "a case is private whatever the umask"

TZ=Asia/Tokyo LC_ALL=de_DE.UTF-8 LANG=xx k status case.kan >there 2>err
k status case.kan >here 2>err
ok "neither locale nor TZ change the output" cmp -s here there

mkdir gone && (cd gone && rmdir ../gone && k version >"$TMP/out" 2>"$TMP/err")
is_status $? 0 "the working folder may be gone"
env -i "$KANSHIKI" status case.kan >out 2>err
is_status $? 2 "an empty environment"

# What is looked for is logged, but where it cannot be, that is said.
k pivot case.kan ip:192.0.2.1 >out 2>err
k audit case.kan list >log 2>err
is_match log '"command":"pivot","hits":0,"text":"ip:192.0.2.1"' \
    "a search without a hit is in the log"
k pivot case.kan ip:192.0.2.1 --read-only >out 2>err
is_match err 'not in the query log' "--read-only says that nothing is logged"
k audit case.kan list >log2 2>err
ok "  and logs nothing" cmp -s log log2

done_testing
