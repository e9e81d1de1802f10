# shellcheck shell=sh
# Shell tests: source this, then plan, test, and end. POSIX sh.
#
#   . "$SRCDIR/tests/lib.sh"
#   plan 2                                  # or done_testing at the end
#   "$KANSHIKI" version >out 2>err
#   is_status $? 0 "version ends well"
#   is_file_equal out cli/version.out "version prints the golden text"
#
# From the harness: KANSHIKI (the program), SRCDIR, BUILDDIR, SANITIZERS=1 in
# a sanitizer build, UPDATE_GOLDENS=1 when goldens are rewritten. A test runs
# in an empty folder of its own ($TMP), which is removed at the end.

set -u
: "${SRCDIR:?run by make check, or set SRCDIR, BUILDDIR and KANSHIKI}"
: "${BUILDDIR:?}" "${KANSHIKI:?}"
GOLDENS=$SRCDIR/tests/golden
LC_ALL=C TZ=UTC
export LC_ALL TZ

tap_count=0 tap_failed=0
mkdir -p "$BUILDDIR/tests/tmp"
TMP=$(mktemp -d "$BUILDDIR/tests/tmp/$(basename "$0" .t).XXXXXX") || exit 99
cd "$TMP" || exit 99
tap_end() {
    tap_status=$?
    cd "$BUILDDIR" && chmod -R u+w "$TMP" 2>/dev/null
    rm -rf "$TMP"
    # Under the harness the verdict is in the lines.
    [ "$tap_status" -eq 0 ] && [ "$tap_failed" -gt 0 ] &&
        [ -z "${TAP_HARNESS:-}" ] && tap_status=1
    exit "$tap_status"
}
trap tap_end EXIT
trap 'exit 130' INT TERM HUP

plan() { echo "1..$1"; }
done_testing() { echo "1..$tap_count"; }
skip_all() { echo "1..0 # SKIP $*"; exit 0; }
bail_out() { echo "Bail out! $*"; exit 99; }

# Text as TAP comments: diag WORDS, or from stdin without any.
diag() {
    if [ $# -gt 0 ]; then echo "# $*"; else sed 's/^/# /'; fi
}

pass() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $*"; }
not_ok() {
    tap_count=$((tap_count + 1)) tap_failed=$((tap_failed + 1))
    echo "not ok $tap_count - $*"
}
# skip NAME REASON
skip() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $1 # SKIP $2"; }

# ok NAME: by the status of the command before; ok NAME COMMAND...: runs it.
ok() {
    tap_last=$? tap_name=$1
    shift
    if [ $# -gt 0 ]; then "$@"; tap_last=$?; fi
    if [ "$tap_last" -eq 0 ]; then
        pass "$tap_name"
    else
        not_ok "$tap_name"
        diag "status $tap_last"
    fi
}

# is_status GOT WANTED NAME; shows the file err of the test when it differs.
is_status() {
    if [ "$1" -eq "$2" ]; then
        pass "$3"
    else
        not_ok "$3"
        diag "exit status $1, not $2"
        if [ -s err ]; then head -n 20 err | diag; fi
    fi
}

# is GOT WANTED NAME
is() {
    if [ "$1" = "$2" ]; then
        pass "$3"
    else
        not_ok "$3"
        printf 'got:    %s\nwanted: %s\n' "$1" "$2" | diag
    fi
}

# is_match FILE REGEX NAME (extended regular expression)
is_match() {
    if grep -Eq -- "$2" "$1"; then
        pass "$3"
    else
        not_ok "$3"
        diag "no line matches $2:"
        head -n 20 "$1" | diag
    fi
}

# is_file_equal GOT GOLDEN NAME: GOLDEN is a path below tests/golden, or any
# absolute path. With UPDATE_GOLDENS=1 a golden is rewritten from GOT.
is_file_equal() {
    case $2 in
    /*) tap_golden=$2 ;;
    *) tap_golden=$GOLDENS/$2 ;;
    esac
    case ${UPDATE_GOLDENS:-}:$tap_golden in
    1:"$GOLDENS"/*)
        if ! cmp -s "$1" "$tap_golden"; then
            mkdir -p "$(dirname "$tap_golden")" && cp "$1" "$tap_golden" &&
                chmod 644 "$tap_golden" && diag "rewrote $2"
        fi
        ;;
    esac
    if cmp -s "$tap_golden" "$1" 2>/dev/null; then
        pass "$3"
    elif [ ! -e "$tap_golden" ]; then
        not_ok "$3"
        diag "no golden $2; make update-goldens writes it"
    else
        not_ok "$3"
        diff -au "$tap_golden" "$1" | head -n 60 | diag
        diag "when the new output is right: make update-goldens"
    fi
}
