#!/bin/sh
# Files out of disk images: lists, two snapshots compared, and copies that no
# name of the evidence can lead astray.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/cli/evidence.sh"

PATH=$PATH:/usr/sbin:/sbin
command -v mke2fs >have || skip_all "mke2fs is not installed"

# Two states of one volume. Names that a tree cannot hold are patched in: the
# entries have no checksums here.
make() { # make IMAGE TREE
    mke2fs -q -F -t ext4 -O ^metadata_csum,^dir_index -b 1024 \
        -E root_owner=0:0 -d "$2" "$1" 4M 2>mke2fs.err || diag <mke2fs.err
    LC_ALL=C sed -i -e 's/PATCH_UP_/..\/..\/up_/' \
        -e 's/PATCH_ABS/\/etc\/abs_/' "$1"
}
mkdir -p a/dir a/bin
echo up >a/dir/PATCH_UP_
echo abs >a/dir/PATCH_ABS
echo lf >"a/dir/line
break"
echo long >"a/dir/$(printf '%0255d' 7)"
echo con >a/dir/CON
echo dash >a/dir/-rf
ln -s /etc/passwd a/dir/link
echo same >a/same
echo removed >a/removed
{ head -c 4096 /dev/zero; echo one; head -c 9000 /dev/zero; } >a/big
echo prog >a/bin/su
chmod 4755 a/bin/su
cp -a a b
rm b/removed
echo added >b/added
{ head -c 4096 /dev/zero; echo two; head -c 9000 /dev/zero; } >b/big
chmod 755 b/bin/su
make a.img a
make b.img b

k new case.kan >out 2>err
for i in a b; do
    k import case.kan $i.img --hash-files >out 2>err
    ok "import of $i" test $? -eq 0 -o $? -eq 2
done

# ---- lists
k disk case.kan ls X1 /bin --privileged >out 2>err
is_match out '^-rwsr-xr-x .*/bin/su .*setuid 0' "setuid programs are listed"
k disk case.kan ls X2 --privileged >out 2>err
is "$(wc -l <out | tr -d ' ')" 1 "  and nothing else"
k disk case.kan ls X1 /dir/ --format csv --csv-raw >out 2>err
ok "a folder with a slash is the folder" grep -q '/dir/CON' out
k disk case.kan ls X1 -R >out 2>err
ok "-R lists all that lies below" grep -q '/bin/su' out

# ---- two snapshots
k disk case.kan diff X1 X2 --blocks --ignore-times >out 2>err
is_status $? 0 "diff of two exhibits"
is_match out '^added .* /added' "  what is new"
is_match out '^removed .* /removed' "  what is gone"
is_match out '^changed .*content.* 1 +/big' "  which block of a file changed"
is_match out '^changed .*mode.* /bin/su' "  whose rights changed"
ok "  nothing of what stayed" sh -c '! grep -q "/dir/CON" out'
k disk case.kan diff X1 X2 /bin --ignore-times >out 2>err
is "$(grep -c '/big' out)" 0 "  below a folder alone"
k disk case.kan diff X1 >out 2>err
is "$(wc -l <out | tr -d ' ')" 1 "a clean volume has one view"
is_match err '0 added, 0 removed, 0 changed' "  and it is said"

# ---- copies
mkdir work
k disk case.kan extract X1 /dir /big -o work/out >out 2>err
is_status $? 0 "extract of a folder and a file"
is "$(find work -type f | grep -vc 'work/out/X1-[0-9]*\.bin$')" 1 \
    "  names are ours, and one manifest"
is "$(find work -mindepth 1 ! -path 'work/out*' | wc -l | tr -d ' ')" 0 \
    "  nothing outside the folder"
is "$(find work/out -type d | wc -l | tr -d ' ')" 1 "  and no folders in it"
is "$(find work/out -type l | wc -l | tr -d ' ')" 0 "  and no links"
is "$(grep -c . work/out/manifest.jsonl)" 8 "  each has a line"
is "$(wc -l <work/out/manifest.jsonl | tr -d ' ')" 8 "  of one line"
ok "  with names as they are" grep -q '"path":"/dir/../../up_"' \
    work/out/manifest.jsonl
ok "  and nothing cut" grep -q "/dir/$(printf '%0255d' 7)\"" \
    work/out/manifest.jsonl
sed -n 's/^{"file":"\([^"]*\)","sha256":"\([0-9a-f]*\)".*/\2  \1/p' \
    work/out/manifest.jsonl >sums
ok "  digests are those of the copies" \
    sh -c 'cd work/out && sha256sum -c --quiet ../../sums'
sha=$(sha256sum work/out/manifest.jsonl | cut -d' ' -f1)
k audit case.kan list >out 2>err
is_match out "disk.extract.*\"files\":8,\"manifest_sha256\":\"$sha\"" \
    "  the manifest's digest is in the audit log"
cp -R work before
k disk case.kan extract X1 /dir -o work/out >out 2>err
is_status $? 1 "a folder that holds a manifest is not written into"
mkdir work/half
echo mine >work/half/X1-000001.bin
k disk case.kan extract X1 /dir -o work/half >out 2>err
is_status $? 1 "an existing file is not replaced"
is "$(cat work/half/X1-000001.bin)" mine "  it is as it was"
rm -r work/half
ok "  and nothing else changed" diff -r work before
ln -s /etc work/linked
k disk case.kan extract X1 /dir -o work/linked >out 2>err
is_status $? 5 "a link is not followed"
k disk case.kan extract X1 /no/such -o work/none >out 2>err
is_status $? 1 "no such folder"
k disk case.kan extract X1 /dir /big -o - >out 2>err
is_status $? 1 "many do not go to the standard output"
ok "  nothing came" test ! -s out

done_testing
