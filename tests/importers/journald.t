#!/bin/sh
# Journal files of every kind give what journalctl gives of them, field by
# field; damaged ones at least that.
. "$SRCDIR/tests/lib.sh"

command -v journalctl >/dev/null ||
    skip_all "no journalctl (package systemd): nothing to compare with"
make=$BUILDDIR/tests/importers/journald_make
dump=$BUILDDIR/tests/importers/journald_dump
remote=/lib/systemd/systemd-journal-remote

# entries N: N entries of three boots with long, binary, repeated and empty
# fields, in the export format. The numbers are the same each time.
entries() {
    awk -v n="$1" '
    function r(k) { seed = (seed * 1103 + 12345) % 65521; return seed % k }
    function le64(k) { printf "%c%c%c%c%c%c%c%c", k % 256, int(k / 256) % 256,
        int(k / 65536), 0, 0, 0, 0, 0 }
    function text(k,   s) { while (length(s) < k) s = s words[r(9)] " "; return s }
    function binary(name, k) { printf "%s\n", name; le64(k)
        while (k-- > 0) printf "%c", r(256); printf "\n" }
    BEGIN { seed = 7; split("alpha beta gamma delta unit 198.51.100.66 = \t x", w)
        for (i in w) words[i - 1] = w[i]
        time = 1773193000
        for (i = 0; i < n; i++) {
            boot = int(i * 3 / n); time += 1 + r(9)
            if (boot != was) start = time
            was = boot; mono = time - start + 5
            printf "__REALTIME_TIMESTAMP=%d%06d\n", time, r(9999)
            printf "__MONOTONIC_TIMESTAMP=%d000000\n_BOOT_ID=%032x\n", mono, boot + 1
            printf "PRIORITY=%d\n_HOSTNAME=app-01\n_UID=%d\n", r(8), r(3) * 500
            printf "SYSLOG_IDENTIFIER=%s\n_PID=%d\n", words[r(3)], r(30000)
            if (i % 7 == 0) printf "MESSAGE=%s\n", text(300 + r(6000))
            else if (i % 11 == 0) binary("MESSAGE", 1 + r(900))
            else if (i % 97 == 0) printf "MESSAGE=%s\n", text(150000)
            else printf "MESSAGE=number %d of %s\n", i, text(20)
            if (i % 5 == 0) printf "REPEATED=a\nREPEATED=b\nREPEATED=c\n"
            if (i % 13 == 0) binary("BINARY", 2000)
            if (i % 17 == 0) printf "EMPTY=\n"
            printf "\n"
        } }' </dev/null
}
# The entries of a file as journalctl reads them, without what is of its
# version.
theirs() {
    journalctl --file "$1" -o export 2>/dev/null |
        grep -av -e '^__CURSOR=' -e '^__SEQNUM'
}
count() { grep -ac '^__REALTIME_TIMESTAMP=' "$1"; }
stamps() { grep -a '^__REALTIME_TIMESTAMP=' "$1" | sort; }

# same FILE NAME: all fields of all entries.
same() {
    theirs "$1" >wanted
    "$dump" "$1" >got 2>told
    is_file_equal got "$TMP/wanted" "$2: $(count got) entries, all fields"
    "$dump" -b "$1" >got 2>/dev/null
    ok "  by blocks, too" cmp -s got wanted
}

journalctl --version | head -n 2 | diag
entries 700 >in
for kind in "" "-k" "-c" "-c -k" "-z xz" "-z xz -c -k" "-z lz4" "-z lz4 -c -k" \
    "-z zstd" "-z zstd -c -k" "-H 208" "-H 224 -k" "-H 240" "-H 256 -k" \
    "-H 272 -c -k"; do
    # shellcheck disable=SC2086 # several options
    "$make" $kind -b 499 <in >made
    ok "made ($kind): journalctl --verify passes" \
        journalctl --verify --quiet --file made 2>/dev/null
    same made "  made ($kind)"
    is "$(count got)" 700 "  none is missing"
done
if [ -x "$remote" ]; then
    for compact in 0 1; do
        for keyed in 0 1; do
            SYSTEMD_JOURNAL_COMPACT=$compact SYSTEMD_JOURNAL_KEYED_HASH=$keyed \
                "$remote" -o "$TMP/r$compact$keyed.journal" - <in >/dev/null 2>&1
            same "r$compact$keyed.journal" \
                "of journald's own code, compact $compact, keyed $keyed"
        done
    done
    "$KANSHIKI" new case.kan >/dev/null 2>&1
    "$KANSHIKI" import case.kan r11.journal >out 2>err
    is_match out '  700 +700 +0 +0 +0 ' "imported in a worker, without an issue"
else
    skip "files of journald's own code" "no systemd-journal-remote"
fi

# flip FILE OFFSET BIT
flip() {
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    bit=$3 mask=1
    while [ "$bit" -gt 0 ]; do mask=$((mask * 2)) bit=$((bit - 1)); done
    if [ $((byte / mask % 2)) -eq 1 ]; then mask=-$mask; fi
    # shellcheck disable=SC2059 # the format is made here
    printf "\\$(printf %o $((byte + mask)))" |
        dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

more=0 equal=0 fewer=0 ours=0 journalctls=0
# compared NAME: all of journalctl's entries are among ours.
compared() {
    theirs broken >wanted
    timeout 60 "$dump" broken >got 2>told || fewer=$((fewer + 1))
    stamps wanted >wanted.t
    stamps got >got.t
    a=$(wc -l <got.t) b=$(wc -l <wanted.t)
    ours=$((ours + a)) journalctls=$((journalctls + b))
    if [ -s wanted.t ] && [ "$(comm -23 wanted.t got.t | wc -l)" -gt 0 ]; then
        diag "$1: $a entries, not all of journalctl's $b"
        fewer=$((fewer + 1))
    elif [ "$a" -gt "$b" ]; then
        more=$((more + 1))
    else
        equal=$((equal + 1))
    fi
}
summed() {
    is "$fewer" 0 "$1: all that journalctl gives ($equal equal, $more with more)"
    diag "$ours entries, journalctl $journalctls"
    more=0 equal=0 fewer=0 ours=0 journalctls=0
}

entries 120 >in
for kind in "-k -z zstd" "-c -k -z lz4"; do
    # shellcheck disable=SC2086 # several options
    "$make" $kind -b 61 <in >whole
    size=$(wc -c <whole)
    part=1
    while [ $part -lt 20 ]; do
        head -c $((size * part / 20 + part)) whole >broken
        compared "cut at $part/20"
        part=$((part + 1))
    done
    summed "cut files ($kind)"
    at=217 bit=0
    while [ $at -lt "$size" ]; do
        cp whole broken
        flip broken $at $bit
        compared "bit $bit of $at"
        at=$((at + size / 60 + 3)) bit=$(((bit + 3) % 8))
    done
    summed "flipped bits ($kind)"
    cp whole broken
    printf '\001' | dd of=broken bs=1 seek=16 conv=notrunc 2>/dev/null
    printf '\0\0\0\0\0\0\0\0' | dd of=broken bs=1 seek=176 conv=notrunc 2>/dev/null
    compared "no arrays"
    is "$(count got)" 120 "without entry arrays, in use ($kind): all entries"
    summed "  of which journalctl gives few"
done

# A field of 20 MiB that is short when packed, in many entries.
awk 'BEGIN { for (i = 0; i < 16384; i++) m = m " "
    for (k = 0; k < 40; k++) {
        printf "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n", 1773193000000000 + k, k + 1
        printf "_BOOT_ID=%032x\nN=%d\nMESSAGE=", 1, k
        for (i = 0; i < 1280; i++) printf "%s", m
        printf "\n\n"
    } }' </dev/null >in
for kind in xz lz4 zstd; do
    "$make" -z $kind <in >bomb
    "$KANSHIKI" new $kind.kan >/dev/null 2>&1
    timeout 120 "$KANSHIKI" import $kind.kan bomb >out 2>err
    "$KANSHIKI" status $kind.kan >out 2>err
    is_match out '^sums +40 read = 40 stored' "a bomb ($kind): all entries"
    is_match out 'journal-field-long' "  the field is told to be long"
    is_match out 'journal-budget' "  and from a place on not unpacked"
done
done_testing
