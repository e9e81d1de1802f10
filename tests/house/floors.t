#!/bin/sh
# Includes respect the floors of the house, and libraries of others are used
# in one place each.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/house/house.sh"
plan 4

floors >table
sources >list

(cd "$SRCDIR" && xargs awk '
    function bad(why) { printf "%s:%d: %s: %s\n", FILENAME, FNR, $0, why }
    FILENAME ~ /^\// { may[$1] = " " $0 " "; next }
    FNR == 1 { split(FILENAME, part, "/"); here = part[1] }
    !/^[ \t]*#[ \t]*include[ \t]*"/ { next }
    {
        path = $0
        sub(/^[^"]*"/, "", path)
        sub(/".*/, "", path)
        if (path == "config.h")
            next
        there = path
        if (path ~ /\.\./ || !sub(/\/.*/, "", there))
            bad("name it from the top folder, \"folder/thing.h\"")
        else if (!index(may[here], " " there " "))
            bad("may include only:" may[here])
    }' "$TMP/table") <list >wrong
none wrong "includes respect the floors"

# header (prefix)   folders or files that may include it
cat >homes <<'TABLE'
sqlite3.h casedb/
curses.h tui/term_curses.c
ncurses.h tui/term_curses.c
term.h tui/term_curses.c
tsk/ evidence/
libewf evidence/
magic.h evidence/
archive.h evidence/
bzlib.h evidence/
lz4.h importers/
archive_entry.h evidence/
seccomp.h evidence/
linux/landlock.h evidence/
linux/seccomp.h evidence/
sys/socket.h evidence/
netdb.h nowhere
TABLE
(cd "$SRCDIR" && xargs awk '
    FILENAME ~ /^\// { home[$1] = $2; next }
    !/^[ \t]*#[ \t]*include[ \t]*</ { next }
    {
        path = $0
        sub(/^[^<]*</, "", path)
        sub(/>.*/, "", path)
        for (header in home)
            if (index(path, header) == 1 && index(FILENAME, home[header]) != 1)
                printf "%s:%d: <%s>: only in %s\n", FILENAME, FNR, path,
                    home[header]
    }' "$TMP/homes") <list >wrong
none wrong "libraries are included only in their own folder"

# A source file's own header comes first: it proves that the header stands
# alone where it is used.
(cd "$SRCDIR" && grep '\.c$' "$TMP/list" | while read -r c; do
    h=${c%.c}.h
    [ -f "$h" ] || continue
    first=$(grep -m1 '^#include "' "$c" | cut -d'"' -f2)
    [ "$first" = config.h ] &&
        first=$(grep '^#include "' "$c" | sed -n 2p | cut -d'"' -f2)
    [ "$first" = "$h" ] || echo "$c: \"$first\" comes before its own header"
done) >wrong
none wrong "a source file includes its own header first"

# The case file is the pipeline's business: an importer knows its sink alone.
(cd "$SRCDIR" && grep -n '^#include "casedb/' importers/*.[ch] |
    grep -v -E '^importers/(claims|import|inside|pipeline|wire|receive|supplement)\.[ch]:' |
    sed 's/$/: importers give records to a sink (importers\/record.h)/') >wrong
none wrong "no importer sees the case file"
