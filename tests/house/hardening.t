#!/bin/sh
# The program is linked so that a memory fault is hard to use.
. "$SRCDIR/tests/lib.sh"

[ -z "${SANITIZERS:-}" ] || skip_all "a sanitizer build is not hardened"
command -v readelf >/dev/null || skip_all "readelf is not installed (binutils)"
plan 6

readelf -hldW "$KANSHIKI" >elf 2>/dev/null
is_match elf 'Type: +DYN' "position independent"
is_match elf 'GNU_RELRO' "relocations are read-only after start"
is_match elf 'BIND_NOW|FLAGS.* NOW' "all symbols are bound at start"
is_match elf 'GNU_STACK.* RW ' "the stack is not executable"
! grep -qE 'R(UN)?PATH|TEXTREL' elf
ok "no library path of its own and no text relocations"

# The program must not hold the folder that it was built in.
for top in "$SRCDIR" "$BUILDDIR"; do
    grep -aqF -- "$(cd "$top" && pwd)/" "$KANSHIKI" && echo "$top"
done >wrong
if [ -s wrong ]; then
    not_ok "the same bytes wherever it is built"
    diag <wrong
else
    pass "the same bytes wherever it is built"
fi
