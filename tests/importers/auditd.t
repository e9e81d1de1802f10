#!/bin/sh
# What ausearch -i reads in an audit log is in our events: times, arguments,
# titles, system calls, accounts, addresses of sockets. AUDIT_LOG=FILE compares
# another log, too.
. "$SRCDIR/tests/lib.sh"

dump=$BUILDDIR/tests/importers/job_dump
PATH=$PATH:/usr/sbin:/sbin
command -v ausearch >/dev/null || skip_all "ausearch (package auditd) is not there"

# ours: all lines of a time; theirs: what must be in one of them
cat >compare.awk <<'END'
function need(what) {
    gsub(/^ +| +$/, "", what)
    if (what == "" || what ~ /Bearer|S3cret|SECRET/)
        return # masked in ours
    what = substr(what, 1, 200) # the dump shows so much of a text
    needs++
    if (index(ours[when], what) == 0)
        printf "missing at %s: %s\n", when, what
}
function flush() {
    if (args != "")
        need(args)
    else if (title != "" && !leads)
        need(title)
    if (call != "" && call !~ /^execve/ && !leads && args == "")
        need(call)
    args = title = call = ""
    leads = 0
}
FILENAME == "ours" {
    if ($1 != "event")
        next
    line = $0
    gsub(/'/, "", line) # quotes around arguments
    gsub(/  +/, " ", line)
    ours[$2] = ours[$2] "\n" line
    next
}
/^----/ { flush(); events++; next }
/ msg=audit\(/ {
    split(substr($0, index($0, "audit(") + 6, 21), d, /[\/ ]/)
    when = "20" d[3] "-" d[1] "-" d[2] "T" d[4] "Z"
    sub(/\.000Z/, "Z", when)
    if (!(when in ours))
        printf "no event at %s\n", when
    type = $1
    sub(/^node=[^ ]* /, "")
    sub(/^type=/, "", type)
    body = substr($0, index($0, ") : ") + 4)
    if (type == "PROCTITLE")
        title = substr(body, 11)
    else if (type == "SYSCALL") {
        call = body
        sub(/.* syscall=/, "", call)
        sub(/ .*/, "", call)
    } else if (type == "EXECVE") {
        gsub(/(^| )(argc=[0-9]+|a[0-9]+_len=[0-9]+|a[0-9]+(\[0\])?=)/, " ", body)
        gsub(/ a[0-9]+\[[0-9]+\]=/, "", body)
        gsub(/  +/, " ", body)
        args = body args # ausearch lists the last record first
        gsub(/  +/, " ", args)
    } else if (type == "SOCKADDR" && body ~ /laddr=/) {
        address = body; port = body
        sub(/.* laddr=/, "", address); sub(/ .*/, "", address)
        sub(/.* lport=/, "", port); sub(/ .*/, "", port)
        need(address ~ /:/ ? "[" address "]:" port : address ":" port)
    } else if (type == "SOCKADDR" && body ~ / path=/) {
        sub(/.* path=/, "", body); sub(/ .*/, "", body)
        need(body)
    } else if (type !~ /^(PATH|CWD|EOE|OBJ_PID|URINGOP)$/)
        leads = 1
    if (body ~ / cmd=/) {
        sub(/.* cmd=/, "", body)
        sub(/ exe=.*/, "", body)
        need(body)
    }
}
END { flush(); printf "events %d, compared %d\n", events, needs }
END

compare() {
    "$dump" "$1" >ours
    # ausearch prints nothing where it is told a reader it has
    ausearch -i -if "$1" </dev/null >theirs 2>err
    awk -f compare.awk ours theirs >differences
    diag <differences
    ok "$2: nothing that ausearch tells is missing" \
        awk '!/^events/ { bad = 1 } END { exit bad }' differences
    ok "  and it told something" \
        awk '/^events/ { n = $2 } END { exit n < 1 }' differences
}

compare "$SRCDIR/tests/data/host/auditd/var/log/audit/audit.log" "our log"
if [ "${AUDIT_LOG:-}" ]; then
    compare "$AUDIT_LOG" "AUDIT_LOG"
else
    skip "another log" "AUDIT_LOG does not name one"
fi
done_testing
