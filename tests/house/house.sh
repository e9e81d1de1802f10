# shellcheck shell=sh
# What the architecture tests share. Source after tests/lib.sh.

# Folder and what it may include, highest floor first: docs/ARCHITECTURE.md.
floors() {
    cat <<'TABLE'
cli base evidence casedb importers analyzer reports tui
tui base evidence casedb analyzer
reports base evidence casedb analyzer
analyzer base casedb
importers base evidence casedb
casedb base
evidence base
base
TABLE
}

folders() { floors | cut -d' ' -f1; }

# The product's sources, relative to SRCDIR.
sources() {
    (cd "$SRCDIR" && for d in $(folders); do
        find "$d" -type f -name '*.[ch]'
    done | sort)
}

# Every file of the project, relative to SRCDIR: what git knows or would add,
# and in an unpacked tarball all that is there.
project_files() {
    cd "$SRCDIR" || return
    git ls-files -co --exclude-standard 2>/dev/null | grep . ||
        find . -type f ! -path './.git/*' ! -path './build*' ! -path './_*' \
            ! -path './autom4te.cache/*' | sed 's|^\./||'
}

# excepted RULE THING: is it named in tests/house/exceptions?
excepted() {
    awk -v rule="$1" -v thing="$2" '
        $1 == rule && $2 == thing && NF > 2 { found = 1 }
        END { exit !found }' "$SRCDIR/tests/house/exceptions"
}

# without_exceptions RULE: drop the lines of stdin whose first word is
# excepted.
without_exceptions() {
    while read -r thing rest; do
        excepted "$1" "$thing" || echo "$thing $rest"
    done
}

# none FILE NAME: passes when FILE is empty, else shows it.
none() {
    if [ -s "$1" ]; then
        not_ok "$2"
        head -n 100 "$1" | diag
    else
        pass "$2"
    fi
}
