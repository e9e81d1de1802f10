#!/bin/sh
# Hashes of the parts of user data against Python's email package, which
# cloud-init itself takes them apart with.
. "$SRCDIR/tests/lib.sh"

command -v python3 >/dev/null || skip_all "no python3"
data=$SRCDIR/tests/data/host/user-data/var/lib/cloud/instances
cat >parts.py <<'PY'
import email, gzip, hashlib, sys
message = email.message_from_bytes(open(sys.argv[1], 'rb').read())
for part in message.walk():
    if part.is_multipart():
        continue
    content = part.get_payload(decode=True)
    if content[:2] == b'\x1f\x8b':
        content = gzip.decompress(content)
    print(hashlib.sha256(content).hexdigest())
PY
python3 parts.py "$data/i-0f3a9c1d2b4e5f607/user-data.txt.i" >hashes
ok "five parts" test "$(wc -l <hashes)" -eq 5
while read -r hash; do
    ok "$hash" grep -q "target:hash=$hash" \
        "$data/i-0f3a9c1d2b4e5f607/user-data.txt.i.expect"
done <hashes
ok "and the whole" test "$(grep -c target:hash= \
    "$data/i-0f3a9c1d2b4e5f607/user-data.txt.i.expect")" -eq 6
done_testing
