#!/bin/sh
# Files of a volume against the packages on it: rpm by SHA-256, dpkg by MD5.
. "$SRCDIR/tests/lib.sh"

for tool in mke2fs debugfs md5sum; do
    command -v $tool >/dev/null || skip_all "no $tool here"
done

image() { # FOLDER FILE: an ext4 volume, all owned by root
    rm -f "$2"
    mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d "$1" "$2" 8M \
        >log 2>&1 || { diag <log; bail_out "mke2fs"; }
    (cd "$1" && find . ! -name . | sed 's/^\.//') | while read -r path; do
        printf 'sif "%s" uid 0\nsif "%s" gid 0\n' "$path" "$path"
    done >owners
    debugfs -w -f owners "$2" >log 2>&1
}
import() { # IMAGE OPTION...
    rm -f c.kan
    "$KANSHIKI" new c.kan >/dev/null 2>&1
    image=$1
    shift
    "$KANSHIKI" import c.kan "$image" "$@" >out 2>err
}
# What was told before the list, without the name of the image.
told() { sed -n 's/^kanshiki: *//p' err; }
has() { # TEXT NAME
    if grep -qF "$1" found; then pass "$2"; else
        not_ok "$2"
        diag <found
    fi
}

# ---- rpm: what the packages of tests/data/host/rpmdb claim

umask 022
mkdir -p r/var/lib/rpm r/usr/bin r/usr/lib/app r/usr/local/bin r/etc/cron.d \
    r/usr/share/app-tool r/home/alice r/opt
cp "$SRCDIR/tests/data/host/rpmdb/var/lib/rpm/rpmdb.sqlite" r/var/lib/rpm/
echo '#!/bin/sh' >r/usr/bin/app-tool
echo ping >r/usr/bin/app-ping
ln -s app-tool r/usr/bin/app-link
echo 'x=1' >r/etc/app-tool.conf
echo lib >r/usr/lib/app/libapp.so.1
echo doc >r/usr/share/app-tool/README
echo anything >r/etc/app.cache
chmod 4755 r/usr/bin/app-tool
chmod 0640 r/etc/app-tool.conf
image r whole.img
import whole.img --hash-files
"$KANSHIKI" packages c.kan --format csv >found 2>err
ok "the packages are listed" test "$(wc -l <found)" -eq 3
has 'X1,rpm,app-tool,1:2.1-4.amzn2023,x86_64,2026-03-09T12:00:00Z,2026-03-01T00:00:00Z,756d88b8f5b77832,Example Linux,' \
    "  with version, times and signer"
"$KANSHIKI" packages c.kan X1 --verify --format csv >found 2>err
told >found.told
# the group of app-tool.conf is daemon, the image's is root
ok "what is as packaged is not listed" test "$(wc -l <found)" -eq 2 ||
    diag <found
has 'config changed,group,app-tool,0640,0640,4,4,,/etc/app-tool.conf' \
    "  but the group of one file"
cp found.told found
has '9 paths claimed' "how many are claimed is told"
has '6 as packaged' "  how many are as packaged"
has '2 left open' "  how many are left open"

chmod 0755 r/usr/bin/app-tool
chmod 4755 r/usr/bin/app-ping
echo '#!/bin/sh evil' >r/usr/bin/app-tool
ln -sf evil r/usr/bin/app-link
echo 'x=2' >r/etc/app-tool.conf
rm r/usr/share/app-tool/README
echo LIB >r/usr/lib/app/libapp.so.1
echo evil >r/usr/bin/evil
echo evil >r/opt/helper
chmod 4755 r/opt/helper
echo evil >r/usr/local/bin/.sysupd
echo '* * * * * root /usr/local/bin/.sysupd' >r/etc/cron.d/sysupd
echo letter >r/home/alice/letter
image r evil.img
import evil.img --hash-files
"$KANSHIKI" packages c.kan X1 --verify --format csv >found 2>err
is_status $? 0 "deviations are no failure"
is_file_equal found cli/packages-rpm.csv "what deviates, most serious first"
"$KANSHIKI" packages c.kan X1 --verify --all --format csv >found 2>err
has 'no package owns it,,,0644,,7,,,/home/alice/letter' \
    "--all lists files of no package elsewhere"
"$KANSHIKI" packages c.kan X1 --verify --format jsonl >found 2>err
has '"state":"no package owns it"' "JSON lines"
"$KANSHIKI" verify c.kan >out 2>err
ok "the case is whole"

import evil.img
"$KANSHIKI" packages c.kan X1 --verify --format csv >found 2>err
is_status $? 2 "without digests it is said"
has 'changed,"size, mode",app-tool,0755,4755,15,10,,/usr/bin/app-tool' \
    "  sizes are compared"
told >found
has 'files have no SHA-256: import with --hash-files' "  and what to do"

# ---- dpkg, on a system whose /bin leads to /usr/bin

mkdir -p d/var/lib/dpkg/info d/usr/bin d/etc
ln -s usr/bin d/bin
echo run >d/usr/bin/tool
echo other >d/usr/bin/other
echo 'a=1' >d/etc/tool.conf
chmod 755 d/usr/bin/tool d/usr/bin/other
sum() { md5sum "$1" | cut -c 1-32; }
printf '/.\n/bin\n/bin/tool\n/bin/other\n/bin/gone\n/etc\n/etc/tool.conf\n' \
    >d/var/lib/dpkg/info/tool.list
printf '%s  bin/tool\n%s  bin/other\n%s  bin/gone\n' "$(sum d/usr/bin/tool)" \
    "$(sum d/usr/bin/other)" "$(sum d/usr/bin/tool)" \
    >d/var/lib/dpkg/info/tool.md5sums
printf 'Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\nConffiles:\n /etc/tool.conf %s\n' \
    "$(sum d/etc/tool.conf)" >d/var/lib/dpkg/status
echo changed >d/usr/bin/other
echo 'a=2' >d/etc/tool.conf
echo evil >d/usr/bin/evil
image d dpkg.img
import dpkg.img --hash-files
"$KANSHIKI" packages c.kan X1 --verify --format csv >found 2>err
is_status $? 2 "dpkg without MD5: it is said"
told >found
has 'state MD5, and only SHA-256 was computed' "  by which digest"
has '3 not hashed' "  and of how many files"
import dpkg.img --hash-files --hash-weak
"$KANSHIKI" packages c.kan X1 --verify --format csv >found 2>err
is_status $? 0 "dpkg with MD5"
is_file_equal found cli/packages-dpkg.csv "  what deviates, through links"

if command -v dpkg >/dev/null; then
    # dpkg names the claimed path, we the one that it leads to
    dpkg --root="$TMP/d" --verify 2>log | awk '{ print $NF }' |
        sed 's,^/bin/,/usr/bin/,' | sort >want
    sed -n 's/^\(changed\|missing\|config changed\),.*,//p' found |
        tr -d '\r' | sed 's,^/bin/,/usr/bin/,' | sort >got
    ok "  the same as dpkg --verify finds" cmp -s want got ||
        diff want got | diag
else
    skip "  the same as dpkg --verify finds" "no dpkg here"
fi

# ---- nothing to compare

mkdir -p loose/var/lib/rpm
cp r/var/lib/rpm/rpmdb.sqlite loose/var/lib/rpm/
import loose
"$KANSHIKI" packages c.kan X1 --verify >found 2>err
is_status $? 2 "a loose database has nothing to be compared with"
told >found
has 'packages that lie on no disk image' "  which is said"
"$KANSHIKI" packages c.kan --verify >out 2>err
is_status $? 1 "--verify takes an exhibit"
done_testing
