# shellcheck shell=sh
# CloudTrail events for tests: sourced after tests/lib.sh.

dump=$BUILDDIR/tests/importers/job_dump

# uuid N: the text of an event id; its bytes as job_dump shows them
uuid() { printf '0000000%s-1111-2222-3333-444444444444' "$1"; }
uid() { printf '0000000%s111122223333444444444444' "$1"; }

# ev N NAME [MEMBERS]: an event at 02:1N:00, without a line end. N is one digit.
ev() {
    printf '{"eventVersion":"1.08","userIdentity":{"type":"IAMUser",'
    printf '"principalId":"AIDAEXAMPLEEXAMPLE1","arn":"arn:aws:iam::'
    printf '111122223333:user/alice","accountId":"111122223333",'
    printf '"userName":"alice"},"eventTime":"2026-03-11T02:1%s:00Z",' "$1"
    printf '"eventSource":"iam.amazonaws.com","eventName":"%s",' "$2"
    printf '"awsRegion":"us-east-1","sourceIPAddress":"192.0.2.10",'
    printf '"userAgent":"aws-cli/2","requestParameters":null,'
    printf '"responseElements":null,"eventID":"%s",' "$(uuid "$1")"
    printf '%s"eventType":"AwsApiCall"}' "${3:+$3,}"
}
# line N NAME [REST]: what job_dump says of it
line() {
    printf 'event 2026-03-11T02:1%s:00Z %s iam.amazonaws.com ' "$1" "$2"
    printf 'by=arn:aws:iam::111122223333:user/alice ip=192.0.2.10 uid=%s%s\n' \
        "$(uid "$1")" "${3:+ $3}"
}
# as a JSON string
quoted() { sed 's/\\/\\\\/g; s/"/\\"/g; 1s/^/"/; $s/$/"/'; }

# reads NAME [PATH]: file `in` gives the lines of the file want, else of stdin
reads() {
    [ -s want ] || cat >want
    "$dump" in "${2:-in}" >got 2>err || echo "exit status $?" >>got
    if cmp -s want got; then
        pass "$1"
    else
        not_ok "$1"
        diff -au want got | tail -n +3 | diag
        [ -s err ] && diag <err
    fi
    rm -f want
}
