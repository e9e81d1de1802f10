#!/bin/sh
# The manual and the completion say what the program can do, and are well
# formed.
. "$SRCDIR/tests/lib.sh"
plan 7

"$KANSHIKI" help | sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p' | sort >commands
ok "help lists commands" test -s commands

cat "$BUILDDIR"/docs/kanshiki-*.1 | sed -n 's/^\.Ss //p' | sort >described
is_file_equal described "$TMP/commands" "each command is in a page of its group"
sed -n 's/^\.It Cm //p' "$BUILDDIR/docs/kanshiki.1" | sort >listed
is_file_equal listed "$TMP/commands" "kanshiki(1) lists the commands"

while read -r c; do
    "$KANSHIKI" help "$c" | grep -oE '^  --?[A-Za-z0-9-]+' | tr -d ' '
done <commands | sort -u >options
cat "$BUILDDIR"/docs/kanshiki-*.1 | sed -n 's/^\.It Fl \\&\([^ ]*\).*/-\1/p' |
    sort -u >documented
is_file_equal documented "$TMP/options" "every option is in the manual"

if command -v mandoc >mandoc.path; then
    mandoc -Tlint -Wstyle "$BUILDDIR"/docs/*.1 |
        grep -v 'referenced manual not found' >lint
    is_file_equal lint /dev/null "mandoc has nothing to say"
else
    skip "mandoc has nothing to say" "mandoc is not installed"
fi
if command -v groff >groff.path; then
    groff -man -mdoc -Tascii -ww -z "$BUILDDIR"/docs/*.1 >warnings 2>&1
    is_file_equal warnings /dev/null "groff has nothing to say"
else
    skip "groff has nothing to say" "groff is not installed"
fi

if command -v bash >bash.path; then
    cat >complete.sh <<'BASH'
. "$BUILDDIR/docs/completions/kanshiki"
COMP_WORDS=(kanshiki imp) COMP_CWORD=1
_kanshiki
echo "${COMPREPLY[@]}"
COMP_WORDS=(kanshiki import --exh) COMP_CWORD=2
_kanshiki
echo "${COMPREPLY[@]}"
BASH
    export BUILDDIR
    printf 'import importers\n--exhibit-note\n' >wanted
    bash complete.sh >got 2>&1
    is_file_equal got "$TMP/wanted" "bash completes commands and options"
else
    skip "bash completes commands and options" "bash is not installed"
fi
