#!/bin/sh
# The sample's disk image is what make-disk makes, and the E01 holds it.
. "$SRCDIR/tests/lib.sh"

PATH=$PATH:/usr/sbin:/sbin
sums=$SRCDIR/samples/disk/app-01-data.sha256
want=$(sed -n 's/ .*raw$//p' "$sums")

(cd "$SRCDIR/samples/disk" && grep -v 'raw$' "$sums" | sha256sum -c --quiet)
ok "the E01 is as committed"

if mke2fs -V 2>&1 | grep -q 'mke2fs 1\.47\.0 ' &&
    debugfs -V 2>&1 | grep -q 'debugfs 1\.47\.0 '; then
    "$SRCDIR/samples/make-disk" "$BUILDDIR/samples/generate" disk.img
    is_status $? 0 "make-disk makes it"
    is "$(sha256sum <disk.img)" "$want  -" "with the same bytes"
    dumpe2fs -h disk.img 2>&1 | grep -q needs_recovery
    ok "its journal is to be replayed"
    # Another reader of journals: the superblock's counts are made anew by it.
    names() { debugfs -R "ls -p /upload/.q" "$1" 2>err | cut -d/ -f6 |
        sort | tr '\n' ' '; }
    is "$(names disk.img)" " . .. a.part list log " "names on disk"
    e2fsck -fy disk.img >log 2>&1
    is_match log 'recovering journal' "e2fsck replays it"
    is "$(names disk.img)" " . .. a.done log " "names after the journal"
    e2fsck -fn disk.img >log 2>&1
    ok "the file system is consistent then" || diag <log
else
    skip "make-disk" "no mke2fs and debugfs of version 1.47.0"
fi

if command -v ewfexport >/dev/null; then
    ewfexport -q -u -f raw -t out "$SRCDIR/samples/disk/app-01-data.E01" \
        >log 2>&1 </dev/null || diag <log
    is "$(sha256sum <out.raw)" "$want  -" "the E01 holds these bytes"
else
    skip "the E01 holds these bytes" "no ewfexport"
fi

done_testing
