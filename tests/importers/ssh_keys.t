#!/bin/sh
# Fingerprints as ssh-keygen -l gives them: of authorized_keys, of known_hosts
# with hashed names, of public and of private keys, encrypted or not.
. "$SRCDIR/tests/lib.sh"

command -v ssh-keygen >/dev/null ||
    skip_all "ssh-keygen (package openssh-client) is not there"
dump=$BUILDDIR/tests/importers/job_dump
for type in ed25519 ecdsa rsa; do
    ssh-keygen -q -t $type -N '' -C "$type key" -f $type >/dev/null
done
ssh-keygen -q -t ed25519 -N 'a phrase' -C locked -f locked >/dev/null
cat ed25519.pub ecdsa.pub rsa.pub >authorized_keys
for type in ed25519 ecdsa rsa; do
    echo "$type.example,192.0.2.7 $(cat $type.pub)"
done >known_hosts
ssh-keygen -H -f known_hosts >/dev/null 2>&1

# prints FILE PATH: the fingerprints that we give
prints() { "$dump" "$1" "$2" | grep -o 'SHA256:[^ ]*'; }
theirs() { ssh-keygen -lf "$1" | grep -o 'SHA256:[^ ]*'; }

theirs authorized_keys >theirs
prints authorized_keys home/alice/.ssh/authorized_keys >ours
is_file_equal ours "$TMP/theirs" "authorized_keys"
is "$(wc -l <ours)" 3 "  three of them"
theirs known_hosts >theirs
prints known_hosts home/alice/.ssh/known_hosts >ours
is_file_equal ours "$TMP/theirs" "known_hosts with hashed names"
for key in ed25519 ecdsa rsa locked; do
    theirs $key.pub >theirs
    prints $key.pub home/alice/.ssh/$key.pub >ours
    is_file_equal ours "$TMP/theirs" "$key.pub"
    prints $key home/alice/.ssh/$key >ours
    is_file_equal ours "$TMP/theirs" "$key, the private one"
done
"$dump" locked home/alice/.ssh/locked >out
is_match out 'encrypted by aes' "an encrypted one is told"
"$dump" rsa home/alice/.ssh/rsa >out
is_match out 'not encrypted' "and one that is not"
ok "nothing of the private part is kept" \
    sh -c '! sed -n 3,20p rsa | cut -c1-20 | grep -Ff - out'
done_testing
