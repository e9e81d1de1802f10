#!/bin/sh
# jq: CloudTrail files into lines of sixteen fields (no table, no index).
#   jq.sh FOLDER LINES [DUMP]
set -eu
find "$1" -name '*.json.gz' -print0 | sort -z | xargs -0 gzip -dc | jq -r '
    .Records[] | [.eventID, (.eventTime | fromdate), .eventName, .eventSource,
    .awsRegion, .sourceIPAddress, .userAgent, .errorCode, .errorMessage,
    .requestID, .eventType, .recipientAccountId, .userIdentity.type,
    .userIdentity.principalId, .userIdentity.arn, .userIdentity.accessKeyId]
    | @tsv' >"$2"
if [ $# -gt 2 ]; then cut -f1-3 "$2" >"$3"; fi
