#!/bin/sh
# Made hives have the keys that libregf finds in them; public hives too when
# they are there: REGF_TEST_DATA=FOLDER (any folder of hives).
. "$SRCDIR/tests/lib.sh"

make=$BUILDDIR/tests/importers/regf_make
dump=$BUILDDIR/tests/importers/job_dump
data=$SRCDIR/tests/data/host/registry

# keys_ours FILE: paths without the hive's name, the root as an empty line.
# Keys that no list leads to are left out: libregf does not look for them.
keys_ours() {
    "$dump" -a registry "$1" HIVE |
        sed -n '/ !recovered/d; s/^event .* on=[A-Za-z]*\(.*\) text=subkeys: .*/\1/p' |
        sort
}
keys_theirs() {
    regfexport "$1" 2>/dev/null |
        sed -n 's/^Key path: [^\\]*\(.*\)/\1/p' | sort
}
same() {
    keys_theirs "$1" >theirs
    keys_ours "$1" >ours
    [ -s ours ] && cmp -s ours theirs
}

for kind in system user sam; do
    "$make" "$kind" "$kind.hive"
    if command -v regfexport >/dev/null; then
        ok "$kind: libregf finds the same keys" same "$kind.hive"
    else
        skip "$kind: libregf finds the same keys" "no regfexport (libregf-utils)"
    fi
done
is_file_equal system.hive "$data/Windows/System32/config/SYSTEM" \
    "the hives of the host tests are these: SYSTEM"
is_file_equal user.hive "$data/Users/alice/NTUSER.DAT" "NTUSER.DAT"
is_file_equal sam.hive "$data/Windows/System32/config/SAM" "SAM"

if [ -z "${REGF_TEST_DATA:-}" ] || ! command -v regfexport >/dev/null; then
    skip "public hives" "REGF_TEST_DATA names no folder of hives"
    done_testing
    exit
fi
for f in "$REGF_TEST_DATA"/*; do
    [ "$(head -c 4 "$f" 2>/dev/null)" = regf ] || continue
    # A hive that libregf cannot read to its end is no measure.
    if ! regfexport "$f" >/dev/null 2>&1; then
        skip "$(basename "$f"): the same keys" "libregf fails at it"
        continue
    fi
    ok "$(basename "$f"): the same keys" same "$f"
    diag "$(wc -l <ours) keys"
done
done_testing
