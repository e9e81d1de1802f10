#!/bin/sh
# What rpm itself says of its database is what the case holds: packages and
# files, by SQLite and by the hash table of Berkeley DB. The packages are made
# here. NDB is not built into rpm here: tests/data/host/rpmdb has the same
# packages in all three.
# RPMDB_TEST_DATA=FOLDER: its databases are compared, too.
. "$SRCDIR/tests/lib.sh"

command -v rpmbuild >/dev/null || skip_all "no rpm here"
command -v sqlite3 >/dev/null || skip_all "no sqlite3 here"
HOME=$TMP
export HOME

spec() { # NAME VERSION EPOCH FILES: a package with so many files
    cat <<END
Name: $1
Version: $2
Release: 1
Epoch: $3
Summary: test
License: none
Vendor: Example Linux
BuildArch: noarch
%description
test
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc/$1 %{buildroot}/usr/share/$1
echo run >%{buildroot}/usr/bin/$1
echo ping >%{buildroot}/usr/bin/$1-ping
ln -s $1 %{buildroot}/usr/bin/$1-link
echo a=1 >%{buildroot}/etc/$1/conf
for i in \$(seq $4); do echo \$i >%{buildroot}/usr/share/$1/file-\$i; done
%files
%attr(4755,root,daemon) /usr/bin/$1
%caps(cap_net_raw=ep) /usr/bin/$1-ping
/usr/bin/$1-link
%config(noreplace) /etc/$1/conf
%dir /usr/share/$1
/usr/share/$1/file-*
%ghost /var/log/$1.log
END
}
for p in alpha:1.0:0:3 beta:2.5:7:40 gamma:0.1:0:900; do
    # shellcheck disable=SC2086 # four words
    spec $(echo $p | tr : ' ') >one.spec
    rpmbuild -bb --define "_topdir $TMP/rb" --define "_buildhost h.example" \
        one.spec >log 2>&1 || { diag <log; skip_all "rpmbuild fails here"; }
done
mkdir db bdb
rpm --dbpath "$TMP/db" --initdb >/dev/null 2>&1
rpm --dbpath "$TMP/db" -i --justdb --nodeps rb/RPMS/noarch/*.rpm >log 2>&1
ok "rpm made its database" test -s db/rpmdb.sqlite || diag <log

# Names and files as rpm says; what it does not verify is left open.
says() { # DB BACKEND
    q() { rpm --define "_db_backend $2" --dbpath "$1" -qa --qf "$3" 2>/dev/null; }
    # shellcheck disable=SC2016 # rpm expands these
    q "$1" "$2" '%{NAME}|%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}|%|ARCH?{%{ARCH}}|\|%|VENDOR?{%{VENDOR}}|\|%{INSTALLTIME}|%{BUILDTIME}\n' |
        LC_ALL=C sort >want.packages
    q "$1" "$2" '[%{=NAME}|%{FILENAMES}|%{FILEMODES:octal}|%{FILESIZES}|%{FILEMTIMES}|%{FILEUSERNAME}|%{FILEGROUPNAME}|%{FILEDIGESTS}|%{FILELINKTOS}|%{FILEVERIFYFLAGS}\n]' |
        awk -F'|' -v OFS='|' '
            function bit(v, b) { return int(v / b) % 2 }
            { v = $10 < 0 ? $10 + 4294967296 : $10
              if (!bit(v, 64)) $3 = "?"
              if (!bit(v, 2)) $4 = "?"
              if (!bit(v, 32)) $5 = "?"
              if (!bit(v, 8)) $6 = "?"
              if (!bit(v, 16)) $7 = "?"
              NF = 9; print }' | LC_ALL=C sort >want.files
}
case_says() { # CASE
    sqlite3 "$1" "SELECT e.value||'|'||version||'|'||arch||'|'||vendor||'|'||
        installed_s||'|'||built_s FROM package p JOIN entity e ON e.id=p.name" |
        LC_ALL=C sort >got.packages
    sqlite3 "$1" "SELECT e.value||'|'||x.value||'|'||
        CASE WHEN mode IS NULL THEN '?' ELSE printf('%o',mode) END||'|'||
        ifnull(size,'?')||'|'||ifnull(m_s,'?')||'|'||ifnull(owner,'?')||'|'||
        ifnull(grp,'?')||'|'||ifnull(lower(hex(digest)),'')||'|'||
        ifnull(CAST(link_target AS TEXT),'') FROM package_file p
        JOIN entity e ON e.id=p.package JOIN entity x ON x.id=p.path" |
        LC_ALL=C sort >got.files
}
compare() { # FILE BACKEND NAME
    rm -f c.kan c.kan-* # the lock goes with the program
    "$KANSHIKI" new c.kan >/dev/null 2>&1
    "$KANSHIKI" import c.kan "$1" >out 2>err
    says "$(dirname "$1")" "$2"
    case_says c.kan
    ok "$3: rpm knows packages" test -s want.files
    ok "$3: the same packages" cmp -s want.packages got.packages ||
        diff want.packages got.packages | head -20 | diag
    ok "$3: the same files" cmp -s want.files got.files ||
        diff want.files got.files | head -20 | diag
    "$KANSHIKI" verify c.kan >out 2>&1
    ok "$3: the case is whole"
}
compare "$TMP/db/rpmdb.sqlite" sqlite "SQLite"

load=$(command -v db5.3_load || command -v db_load)
if [ "$load" ]; then
    for size in 512 4096; do
        rm -f bdb/*
        {
            printf 'VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=%s\n' \
                $size
            printf 'HEADER=END\n 00000000\n 03000000\n'
            sqlite3 db/rpmdb.sqlite "SELECT ' '||printf('%02x000000',hnum)||
                char(10)||' '||lower(hex(blob)) FROM Packages"
            echo DATA=END
        } | "$load" bdb/Packages
        compare "$TMP/bdb/Packages" bdb_ro "Berkeley DB, pages of $size"
    done
else
    skip "Berkeley DB" "no db_load here"
fi

data=${RPMDB_TEST_DATA:-}
if [ "$data" ]; then
    for f in "$data"/*/rpmdb.sqlite "$data"/*/Packages; do
        [ -s "$f" ] || continue
        name=$(basename "$(dirname "$f")")
        mkdir -p "real/$name"
        cp "$f" "real/$name/"
        case $f in
        *.sqlite) compare "$TMP/real/$name/rpmdb.sqlite" sqlite "$name" ;;
        *) compare "$TMP/real/$name/Packages" bdb_ro "$name" ;;
        esac
    done
    f=$data/sle15-bci/Packages.db
    if [ -s "$f" ]; then
        rm -f c.kan
        "$KANSHIKI" new c.kan >/dev/null 2>&1
        "$KANSHIKI" import c.kan "$f" >out 2>err
        n=$(sqlite3 c.kan 'SELECT count(*) FROM package')
        ok "sle15-bci: the 35 packages that go-rpmdb's test lists" test "$n" -eq 35
    fi
else
    skip "databases of distributions" "RPMDB_TEST_DATA names no folder"
fi
done_testing
