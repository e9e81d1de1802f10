#!/bin/sh
# What the compiled libraries refer to: an undeclared shortcut past the floors
# or past the rules on printing and ending shows in the symbols.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/house/house.sh"

[ -z "${SANITIZERS:-}" ] || skip_all "the sanitizers add symbols of their own"
[ "$TEST_NM" != : ] || skip_all "nm is not installed (binutils)"
plan 7

# One line a symbol: folder, member, type, name.
for d in $(folders); do
    "$TEST_NM" -A -f posix "$BUILDDIR/lib$d.a" 2>/dev/null |
        sed -n "s|^.*\[\(.*\)\]: *\([^ ]*\) \([A-Za-z]\).*|$d \1 \3 \2|p"
done >symbols
ok "the libraries have symbols" test -s symbols

# refer REGEX: references to such names from below cli.
refer() {
    awk -v want="^($1)$" '$3 == "U" && $1 != "cli" && $4 ~ want {
        print $1 "/" $2 ": " $4 }' symbols
}

refer '_?exit|_Exit|quick_exit' |
    grep -Ev '^evidence/.*: _exit$' >wrong
none wrong "nothing below cli ends the process (evidence's worker may _exit)"

refer '(__)?v?printf(_chk)?|puts|putchar|perror|stdin|stdout|stderr' |
    grep -Ev '^tui/term_curses\.o: std(in|out)$' >wrong
none wrong "nothing below cli prints"

refer 'sqlite3_.*' | grep -v '^casedb/' >wrong
none wrong "only casedb calls SQLite"

{
    floors | sed 's/^/floor /'
    cat symbols
} | awk '
    $1 == "floor" { may[$2] = " " $0 " "; next }
    $3 ~ /[TDBRCVW]/ { home[$4] = $1 }
    $3 == "U" { from[$1 " " $2 " " $4] = $4 }
    END {
        for (f in from) {
            split(f, p, " ")
            there = home[from[f]]
            if (there != "" && !index(may[p[1]], " " there " "))
                print p[1] "/" p[2] ": " p[3] " of " there
        }
    }' | sort >wrong
none wrong "symbols respect the floors"

# .data and .bss are what changes; .data.rel.ro are constant tables.
for d in $(folders); do
    "$TEST_NM" -A -f sysv "$BUILDDIR/lib$d.a" 2>/dev/null | tr -d ' ' |
        awk -F'|' -v d="$d" '
            $NF ~ /^(\.data|\.bss|\*COM\*)/ && $NF !~ /^\.data\.rel\.ro/ {
                sub(/^.*:/, "", $1)
                print $1, "(" d ")"
            }'
done | without_exceptions mutable >wrong
none wrong "no global state that changes"

# A symbol of ours that a library defines too: the linker takes ours for the
# library's own calls, or the library's for ours.
: >theirs
if command -v ldd >ldd.path; then
    ldd "$KANSHIKI" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | while read -r so; do
        "$TEST_NM" -D --defined-only -f posix "$so" 2>/dev/null |
            awk -v so="$(basename "$so")" '$2 ~ /[TDBRVWi]/ {
                sub(/@.*/, "", $1); print $1, so }'
    done >theirs
fi
if [ -s theirs ]; then
    awk 'FILENAME == "symbols" { if ($3 ~ /^[TDBRC]$/) ours[$4] = $1 "/" $2; next }
        $1 in ours { print ours[$1] ": " $1 " is also in " $2 }' symbols theirs |
        sort -u | without_exceptions clash >wrong
    none wrong "no symbol of ours is one of a library"
else
    skip "no symbol of ours is one of a library" "ldd says nothing"
fi
