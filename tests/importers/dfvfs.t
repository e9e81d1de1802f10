#!/bin/sh
# Opt-in: one public ext2 volume in seven containers (test_data of
# log2timeline/dfvfs) gives the same entries and digests from each.
# DFVFS_TEST_DATA=FOLDER make check TESTS=tests/importers/dfvfs.t
. "$SRCDIR/tests/lib.sh"

dump=$BUILDDIR/tests/importers/import_dump
data=${DFVFS_TEST_DATA:-}
[ "$data" ] || skip_all "DFVFS_TEST_DATA does not name the folder of test data"
n=0
for set in "ext2.raw" "ext2.splitraw.000 ext2.splitraw.001" "ext2.E01" \
    "ext2.split.E01 ext2.split.E02" "ext2.qcow2" "ext2.vmdk" "ext2.vhd" \
    "ext2.vhdx"; do
    # shellcheck disable=SC2086 # several names
    if ! (cd "$data" && "$dump" -H disk $set) >out 2>err; then
        skip "$set" "not there, or not read"
        continue
    fi
    grep '^file' out >entries
    [ $n -gt 0 ] || cp entries first
    is_file_equal entries "$TMP/first" "$set: the same entries and digests"
    ok "  and no error" test "$(grep -c '^error' out)" -eq 0
    n=$((n + 1))
done
ok "more than one container was there" test $n -gt 1
done_testing
