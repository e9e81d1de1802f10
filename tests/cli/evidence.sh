# shellcheck shell=sh
# A small exhibit for tests of the command line, with what hostile evidence
# holds: escapes, formulas, bytes that are not UTF-8, odd names, damage.
# Source after tests/lib.sh.

# record ID TIME NAME ARN-SUFFIX IP EXTRA
trail_record() {
    printf '{"eventVersion":"1.08","userIdentity":{"type":"IAMUser",'
    printf '"principalId":"AIDAEXAMPLE%s","arn":' "$1"
    printf '"arn:aws:iam::111122223333:user/%s",' "$4"
    printf '"accountId":"111122223333","accessKeyId":"AKIAEXAMPLE%s",' "$1"
    printf '"userName":"%s"},"eventTime":"%s",' "$4" "$2"
    printf '"eventSource":"iam.amazonaws.com","eventName":"%s",' "$3"
    printf '"awsRegion":"us-east-1","sourceIPAddress":"%s",' "$5"
    printf '"userAgent":"%s","requestParameters":null,' "${6:-aws-cli/2}"
    printf '"responseElements":null,"requestID":"req-%s",' "$1"
    printf '"eventID":"00000000-0000-4000-8000-00000000000%s",' "$1"
    printf '"readOnly":false,"eventType":"AwsApiCall",'
    printf '"managementEvent":true,"recipientAccountId":"111122223333",'
    printf '"eventCategory":"Management"}'
}

# make_evidence DIR
make_evidence() {
    mkdir -p "$1/sub"
    {
        printf '{"Records":['
        trail_record 1 2026-03-11T02:13:00Z CreateUser alice 192.0.2.10
        printf ,
        trail_record 2 2026-03-11T02:14:30Z DeleteUser bob 198.51.100.66 \
            '\u001b]0;owned\u0007\u202egpj.exe'
        printf ,
        trail_record 3 2026-03-11T02:15:00Z GetUser '=cmd|calc' 198.51.100.66
        printf ']}'
    } >"$1/a.json"
    # Made once: another gzip would make other bytes. Records 1 again, 4 (no
    # time, a name that is not UTF-8), and a number in place of a record.
    cp "$SRCDIR/tests/data/cli/b.json.gz" "$1/sub/b.json.gz"
    {
        printf '{"Records":['
        trail_record 5 2026-03-12T00:00:00Z ListRoles alice 192.0.2.10
        printf ']}'
    } >"$1/$(printf 'odd @#+!%% \033[2J.json')"
    printf 'nothing that any importer knows\n' >"$1/unknown.bin"
}

# normal FILE: what differs from run to run gets a name.
normal() {
    sed -E -e "s|$TMP|DIR|g" \
        -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g' \
        -e 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z/NOW/g' \
        -e '/created|imported|"at"|IMPORTED|^X/s/20[0-9-]{8}T[0-9:]{8}Z/NOW/g' \
        -e 's/^(audit head +[0-9]+:)[0-9a-f]{64}/\1HASH/' \
        -e 's/("head":")[0-9a-f]{64}/\1HASH/' \
        -e 's/^(kanshiki: protection of workers: ).*/\1FENCES/' \
        -e 's/^(made by +|.*"version":")[0-9.]+/\1VERSION/' "$1" >"$1.normal"
    mv "$1.normal" "$1"
}

k() { "$KANSHIKI" "$@"; }
