#!/bin/sh
# The commands of README.md do what it shows. UPDATE_GOLDENS=1 writes what they
# print now into it.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

mkdir samples bin
cp -r "$SRCDIR/samples/cloudtrail" "$SRCDIR/samples/cloudwatch" samples
mkdir samples/disk
cp "$SRCDIR/samples/disk/app-01-root.zip" samples/disk
chmod -R u+w samples
ln -s "$KANSHIKI" bin/kanshiki
PATH=$TMP/bin:$PATH

# README with the outputs of now.
on='' n=0
while IFS= read -r line; do
    case $line in
    '```console') on=1 ;;
    '```') on='' ;;
    esac
    case $on:$line in
    '1:$ '*)
        printf '%s\n' "$line"
        n=$((n + 1))
        eval "${line#??}" 2>&1 | sed "s|$TMP|/cases/2026-001|g; s|\\r\$||"
        # the last line may have no end
        printf '\n'
        ;;
    1:*) [ "$line" != '```console' ] || printf '%s\n' "$line" ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$SRCDIR/README.md" | awk '
    /^```console/ { on = 1 }
    /^```$/ { on = 0; blank = 0 }
    on && $0 == "" { blank++; next }
    { for (; blank && on && $0 !~ /^\$ /; blank--) print ""; blank = 0; print }
    ' >README.md
cp README.md now
cp "$SRCDIR/README.md" shown
if [ -n "${UPDATE_GOLDENS:-}" ] && [ -w "$SRCDIR/README.md" ]; then
    normal now
    normal shown
    cmp -s now shown || cat README.md >"$SRCDIR/README.md"
    cp README.md now
    cp "$SRCDIR/README.md" shown
fi
normal now
normal shown
is_file_equal shown "$TMP/now" "README.md shows what its commands print"
ok "it runs commands" grep -q '^agrees\|agrees, in every file' now
test "$(grep -c '^\$ kanshiki' shown)" -ge 12
ok "a dozen of them"
done_testing
