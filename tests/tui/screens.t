#!/bin/sh
# Screens of the sample incident by scripts of keys, compared cell by cell.
. "$SRCDIR/tests/lib.sh"
plan 17

ln -s "$SRCDIR/samples/cloudtrail" cloudtrail
"$KANSHIKI" new case.kan --title corp-reports --number IR-2026-014 \
    --examiner examiner-1 >out 2>err
"$KANSHIKI" import case.kan cloudtrail >out 2>err
is_status $? 2 "the sample is imported"

# The path of the evidence is another one on every machine; how much is worth
# an issue is the importers' matter.
here() {
    sed 's#^\(|  X1 log .* events\) .*#\1 PATH#
        s#^\(| X1 *log *[0-9]*\) .*#\1 PATH#
        s#^\([0-9]*: cursor 0-1, .*\), cursor [0-9-]*, mark+cursor [0-9-]*$#\1, PATH#
        s#^\([0-9]*: cursor 0-1, title+cursor.*\), cursor [0-9-]*$#\1, PATH#
        /^1: mark [0-9-]*$/d
        s#, [0-9]* issues$#, N issues#'
}

# shot NAME COLUMNSxROWS OPTION..: runs tests/tui/NAME.keys
shot() {
    name=$1 size=$2
    shift 2
    "$KANSHIKI" tui case.kan --script "$SRCDIR/tests/tui/$name.keys" \
        --size "$size" "$@" >raw 2>err
    is_status $? 0 "$name runs at $size"
    here <raw >shown
    is_file_equal shown "tui/$name-$size$*.txt" "$name at $size $*"
}
shot tour 100x30
shot tour 80x24 --ascii
shot small 20x5
"$KANSHIKI" tui case.kan --script "$SRCDIR/tests/tui/small.keys" --size 1x1 \
    >shown 2>err
is_file_equal shown tui/small-1x1.txt "one cell is enough"

# A disk image, in a case of its own.
"$KANSHIKI" new disk.kan --title corp-reports --examiner examiner-1 >out 2>err
"$KANSHIKI" import disk.kan "$SRCDIR/samples/disk/app-01-data.E01" \
    --hash-files >out 2>err
ok "the sample's disk is imported" test $? -eq 0 -o $? -eq 2
disk() { # disk COLUMNSxROWS OPTION..
    size=$1
    shift
    "$KANSHIKI" tui disk.kan --script "$SRCDIR/tests/tui/disk.keys" \
        --size "$size" "$@" >shown 2>err
    is_status $? 0 "disk runs at $size"
    is_file_equal shown "tui/disk-$size$*.txt" "disk at $size $*"
    rm -f X1-*.bin
}
disk 100x30
disk 80x24 --ascii
disk 20x5
"$KANSHIKI" tui disk.kan --script "$SRCDIR/tests/tui/disk.keys" --size 1x1 \
    >shown 2>err
is_status $? 0 "one cell is enough for a disk"
is "$(sha256sum X1-ino60-1.bin | cut -d' ' -f1)" \
    "$(printf 'earliest\n' | sha256sum | cut -d' ' -f1)" "a copy is the content"
