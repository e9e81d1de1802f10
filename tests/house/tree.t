#!/bin/sh
# The tree itself: sizes, private paths, shell syntax, and lists that are
# complete.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/house/house.sh"
plan 8

(project_files) | sort >list

(cd "$SRCDIR" && tr '\n' '\0' <"$TMP/list" | xargs -0 wc -c) 2>/dev/null |
    grep -v ' total$' >sizes
awk '$1 > 8388608' sizes >wrong
none wrong "no file over 8 MiB"
awk '{ sum += $1 } END { if (sum > 60e6) print sum " bytes in all" }' sizes >wrong
none wrong "the tree is under 60 MB"

search() { # grep arguments; prints FILE:LINE:TEXT shortened
    (cd "$SRCDIR" && tr '\n' '\0' <"$TMP/list" |
        xargs -0 grep -nI "$@" /dev/null) | cut -c1-200
}

# Home folders of the sample incident's users and of examples are evidence;
# a developer's are not.
users='(ec2-user|ubuntu|admin|alice|bob|svc-backup|user|USER)?'
search -Eo '(^|[^A-Za-z0-9_./-])/(wor[k]|hom[e])/[A-Za-z0-9_-]*' |
    grep -vE "/hom[e]/$users\$" >wrong
none wrong "no path of a developer's machine"

# Hosts that this machine gets its packages from, unless everyone does.
cat /etc/apt/sources.list /etc/apt/sources.list.d/* "$HOME/.npmrc" \
    "$HOME/.config/pip/pip.conf" /etc/pip.conf 2>/dev/null |
    grep -Eo 'https?://[^/ "]+' | sed 's|.*//||; s|.*@||; s|:.*||' | sort -u |
    grep -vE '(^|\.)(debian|ubuntu|npmjs|pypi|llvm|docker)\.(org|com)$' >hosts
if [ -s hosts ]; then search -F -f "$TMP/hosts" >wrong; else : >wrong; fi
none wrong "no host of a package mirror"

{
    echo 'bash run'
    echo 'bash .ci/run'
    # $TMP/list is not quoted in the loop below
    grep -E '(\.t|\.sh)$' list | sed 's/^/sh /'
} | while read -r shell script; do
    grep -q '^#!.*bash' "$SRCDIR/$script" && shell=bash
    "$shell" -n "$SRCDIR/$script" 2>&1
done >wrong
none wrong "scripts are free of syntax errors"

for script in run .ci/run $(grep '\.t$' list); do
    [ -x "$SRCDIR/$script" ] || echo "$script is not executable"
done >wrong
none wrong "scripts and tests are executable"

# A file that no list names would be forgotten in silence.
{
    sources | grep '\.c$' | while read -r f; do
        grep -qF -e " $f" "$SRCDIR/${f%%/*}/local.am" ||
            echo "$f is not in ${f%%/*}/local.am"
    done
    grep -E '^tests/(.*/)?((test|fuzz)_[^/]*\.c|[^/]*\.t)$' list |
        while read -r f; do
            grep -qE "= ${f%.c}\$" "$SRCDIR/tests/local.am" ||
                echo "$f is not in tests/local.am"
        done
} >wrong
none wrong "every source and test is listed"

(cd "$SRCDIR" && for f in */local.am; do
    grep -E '^[a-zA-Z_]+ \+=' "$f" | sort | uniq -d | sed "s|^|$f: twice: |"
done) >wrong
none wrong "no entry is listed twice"
