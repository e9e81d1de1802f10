#!/bin/sh
# Secrets of records are masked wherever their bytes are shown; asked for, they
# are shown, and the audit log says so.
. "$SRCDIR/tests/lib.sh"

secret=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab
mkdir -p home/.aws
printf '[default]\naws_access_key_id = AKIASVCBACKUPEXAMPLE\naws_secret_access_key = %s\n' \
    $secret >home/.aws/credentials
"$KANSHIKI" new a.kan --title t --examiner ir-lead >/dev/null 2>&1
"$KANSHIKI" import a.kan home --progress none >out 2>err
is_status $? 0 "a file of credentials is imported"
"$KANSHIKI" timeline a.kan 'key:AKIASVCBACKUPEXAMPLE' --format jsonl >out 2>err
ok "its key is found" grep -q '"key found"' out
event=$(sed -n 's/.*"event":"\{0,1\}\(E\{0,1\}[0-9]*\).*/\1/p' out | head -1)
case $event in E*) ;; *) event=E$event ;; esac

hides() { # NAME: neither the text nor its hexadecimal
    ok "$1 hides it" sh -c "! grep -q '$secret' out && ! grep -q '77 4a 61 6c' out"
    ok "  and says so" sh -c "cat out err | grep -q masked"
}
"$KANSHIKI" show a.kan "$event" >out 2>err
hides "show"
records=$(head -c -1 home/.aws/credentials | sha256sum | cut -d' ' -f1)
ok "the digest is of the exact bytes" grep -q "$records" out
"$KANSHIKI" show a.kan "$event" --format jsonl >out 2>err
hides "show as JSON"
"$KANSHIKI" show a.kan "$event" --raw >out 2>err
hides "show --raw"
ok "  the key id stays" grep -q AKIASVCBACKUPEXAMPLE out
"$KANSHIKI" show a.kan "$event" --hex >out 2>err
hides "show --hex"
"$KANSHIKI" search a.kan AKIASVCBACKUPEXAMPLE >out 2>err
hides "search"
"$KANSHIKI" export a.kan --to jsonl --with-raw -o masked.jsonl >out 2>err
cat masked.jsonl >>out
hides "export"
ok "  in a field of its own" grep -q '"raw_masked":true' masked.jsonl
printf 'keys 2\nwait idle\nkeys Enter\nwait idle\nscreen fields\nkeys Tab\nwait idle\nscreen raw\nkeys Tab\nwait idle\nscreen hex\n' >steps
"$KANSHIKI" tui a.kan --script steps --size 120x40 >out 2>err
ok "the screens run" grep -q AKIASVCBACKUPEXAMPLE out
hides "the event's screen"
"$KANSHIKI" audit a.kan list --format jsonl >before 2>err
ok "nothing of that was asked for" sh -c "! grep -q secrets.show before"

"$KANSHIKI" show a.kan "$event" --raw --show-secrets >out 2>err
ok "--show-secrets shows it" grep -q $secret out
"$KANSHIKI" show a.kan "$event" --show-secrets >out 2>err
ok "  in the view, too" grep -q $secret out
"$KANSHIKI" search a.kan AKIASVCBACKUPEXAMPLE --show-secrets --context 80 >out 2>err
ok "  in search" grep -q $secret out
"$KANSHIKI" export a.kan --to jsonl --with-raw --show-secrets -o all.jsonl >out 2>err
ok "  in exports" grep -q $secret all.jsonl
ok "  and their manifest says so" grep -q '"secrets":true' all.jsonl.manifest.json
"$KANSHIKI" tui a.kan --script steps --size 120x40 --show-secrets >out 2>err
ok "  on the screens" grep -q $secret out
"$KANSHIKI" audit a.kan list --format jsonl >after 2>err
ok "the audit log has each" test "$(grep -c 'secrets.show' after)" -eq 4
ok "  and the export" grep -q 'secrets[\\]*":true' after
ok "  not the masked one" test "$(grep -c 'secrets[\\]*":true' after)" -eq 1
if [ "$(id -u)" -ne 0 ]; then
    chmod a-w . a.kan
    "$KANSHIKI" show a.kan "$event" --raw --show-secrets >out 2>err
    ok "what cannot be noted is not shown" sh -c "! grep -q $secret out"
    chmod u+w . a.kan
fi
done_testing
