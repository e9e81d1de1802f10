#!/bin/sh
# Every shape in which CloudTrail and CloudWatch Logs are delivered or saved:
# what is in it, how many, when, what, under which id.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/importers/events.sh"

records() { printf '{"Records":[%s,%s]}' "$(ev 1 ListUsers)" "$(ev 2 GetUser)"; }
two() {
    line 1 ListUsers
    line 2 GetUser
}

# ---- CloudTrail: log files -------------------------------------------------
records >in
{ echo 'member cloudtrail'; two; } >want; reads "a log file"

records | gzip -n >in
{ echo 'member !gz cloudtrail'; two; } >want; reads "a log file, gzip"

{ records | gzip -n; records | gzip -n; } >in
{ echo 'member !gz cloudtrail'; two; two; } >want; reads "two gzip members"

records | gzip -n | gzip -n >in
{ echo 'member !gz!gz cloudtrail'; two; } >want; reads "gzip within gzip"

records | sed 's/[{},]/&\n  /g' >in
{ echo 'member cloudtrail'; two; } >want; reads "a log file over many lines"

printf '{"Records":[]}' >in
echo 'member cloudtrail' >want; reads "an empty log file"

cat >in <<'E'
{"Records":[{"eventVersion":"1.07","eventTime":"2026-03-11T03:00:00Z","awsRegion":"us-east-1","eventID":"00000001-1111-2222-3333-444444444444","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"00000009-1111-2222-3333-444444444444","insightDetails":{"state":"Start","eventSource":"ssm.amazonaws.com","eventName":"UpdateInstanceInformation","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":0.01},"insight":{"average":6}}}},"eventCategory":"Insight"}]}
E
reads "an Insights file" <<'E'
member cloudtrail
event 2026-03-11T03:00:00Z UpdateInstanceInformation ssm.amazonaws.com uid=00000001111122223333444444444444
E

cat >in <<'E'
{"Records":[{"eventVersion":"1.09","userIdentity":{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"},"eventTime":"2026-03-11T03:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"us-east-1","sourceIPAddress":"10.0.1.20","errorCode":"VpceAccessDenied","errorMessage":"denied","requestParameters":null,"responseElements":null,"eventID":"00000001-1111-2222-3333-444444444444","eventType":"AwsVpceEvent","vpcEndpointId":"vpce-0a11b22c33d44e55f","vpcEndpointAccountId":"111122223333","eventCategory":"NetworkActivity"}]}
E
reads "a network activity file" <<'E'
member cloudtrail
event 2026-03-11T03:00:00Z ListBuckets s3.amazonaws.com ip=10.0.1.20 outcome=VpceAccessDenied uid=00000001111122223333444444444444
E

cat >in <<'E'
{"Records":[{"eventVersion":"1.0","accountId":"111122223333","eventId":"00000001-1111-2222-3333-444444444444","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"us-east-1","eventSource":"s3.amazonaws.com","timeWindow":{"windowStart":"2026-03-11T03:00:00Z","windowEnd":"2026-03-11T03:05:00Z","windowSize":"PT5M"},"summary":{"primaryDimension":{"dimension":"eventName","statistics":[{"name":"GetObject","value":140}]}}}]}
E
reads "an aggregated event is a period" <<'E'
member cloudtrail
event 2026-03-11T03:00:00Z (aggregated) s3.amazonaws.com uid=00000001111122223333444444444444 !period
E

cat >in <<'E'
{"Records":[{"eventVersion":"1.0","userIdentity":{"type":"IAMUser","userName":"bob"},"eventTime":"2014-03-24T21:11:59Z","eventSource":"ec2.amazonaws.com","eventName":"StartInstances","awsRegion":"us-west-2","sourceIPAddress":"205.251.233.176","userAgent":"ec2-api-tools","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-ebeaf9e2"}]}},"responseElements":null}]}
E
reads "version 1.0 without an event id" <<'E'
member cloudtrail
event 2014-03-24T21:11:59Z StartInstances ec2.amazonaws.com by=bob ip=205.251.233.176 on=i-ebeaf9e2
E

# ---- CloudTrail: lines, arrays, objects ------------------------------------
{ ev 1 ListUsers; echo; ev 2 GetUser; echo; } >in
{ echo 'member cloudtrail'; two; } >want; reads "a line per event"
sed 's/$/\r/' in >crlf && mv crlf in
{ echo 'member cloudtrail'; two; } >want; reads "a line per event, CR LF"
{ records; echo; records; echo; } >in
{ echo 'member cloudtrail'; two; two; } >want; reads "a line per batch of records"
printf '[%s,%s]\n' "$(ev 1 ListUsers)" "$(ev 2 GetUser)" >in
{ echo 'member cloudtrail'; two; } >want; reads "a bare array"
{ ev 1 ListUsers; ev 2 GetUser; } >in
{ echo 'member cloudtrail'; two; } >want; reads "objects one after another"
{ ev 1 ListUsers; printf ' ,\n'; ev 2 GetUser; printf ','; } >in
{ echo 'member cloudtrail'; two; } >want; reads "objects with commas between"
ev 1 ListUsers >in
{ echo 'member cloudtrail'; line 1 ListUsers; } >want; reads "a single event"
{ printf '\357\273\277'; ev 1 ListUsers; } >in
{ printf 'member cloudtrail\nnote bom: begins with a byte order mark\n'
line 1 ListUsers; } >want; reads "a byte order mark before it"
ev 1 ListUsers '"tlsDetails":{"tlsVersion":"TLSv1.3"},"future":{"a":[1,{"b":null}]}' >in
{ echo 'member cloudtrail'; line 1 ListUsers; } >want; reads "members that are not known"

# ---- lookup-events ---------------------------------------------------------
item() { # N NAME TIME
    printf '{"EventId":"%s","EventName":"%s","ReadOnly":"true",' "$(uuid "$1")" "$2"
    printf '"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","EventTime":%s,' "$3"
    printf '"EventSource":"iam.amazonaws.com","Username":"alice","Resources":[],'
    printf '"CloudTrailEvent":%s}' "$(ev "$1" "$2" | quoted)"
}
printf '{"Events":[%s,%s]}' "$(item 1 ListUsers 1453827732.0)" \
    "$(item 2 GetUser 1453827733.25)" >in
{ echo 'member cloudtrail'; two; } >want; reads "lookup-events of CLI version 1"
printf '{"Events":[%s],"NextToken":"abc"}' \
    "$(item 1 ListUsers '"2026-03-11T11:11:00+09:00"')" >in
{ echo 'member cloudtrail'; line 1 ListUsers
echo 'warning next-token: the answer has a NextToken: the collection stopped before the last page'
} >want; reads "lookup-events of CLI version 2, an unfinished page"
{ item 1 ListUsers '"2026-03-11 11:11:00+09:00"'; echo
item 2 GetUser '"2026-03-11 11:12:00+09:00"'; echo; } >in
{ echo 'member cloudtrail'; two; } >want; reads "lookup items as lines (boto3)"
printf '{"Events":[{"EventId":"%s","EventName":"GetUser","EventTime":"2026-03-11T11:12:00+09:00","EventSource":"iam.amazonaws.com","Username":"alice","CloudTrailEvent":""}]}' \
    "$(uuid 2)" >in
reads "a lookup item without its event" <<'E'
member cloudtrail
event 2026-03-11T02:12:00Z GetUser iam.amazonaws.com by=alice uid=00000002111122223333444444444444 detail=1
E

# ---- console, Lake ---------------------------------------------------------
cat >in <<'E'
Event name,Event time,User name,Event source,Resource type,Resource name,Event ID,Read-only,AWS access key,Source IP address,Error code,AWS region,Request ID
ListUsers,2026-03-11T02:11:00Z,alice,iam.amazonaws.com,,,00000001-1111-2222-3333-444444444444,true,AKIAIOSFODNN7EXAMPLE,192.0.2.10,,us-east-1,
"Get ""User""","March 11, 2026, 11:12:00 (UTC+09:00)",bob,iam.amazonaws.com,"a, b","i-0f3a9c1d2b4e5f607, x",00000002-1111-2222-3333-444444444444,false,,192.0.2.11,AccessDenied,us-east-1,
E
reads "console history as CSV" <<'E'
member cloudtrail-csv
event 2026-03-11T02:11:00Z ListUsers iam.amazonaws.com by=alice ip=192.0.2.10 uid=00000001111122223333444444444444 detail=2
event 2026-03-11T02:12:00Z Get "User" iam.amazonaws.com by=bob ip=192.0.2.11 outcome=AccessDenied uid=00000002111122223333444444444444 detail=2
E
printf '{\n  "Records": [\n    %s\n  ]\n}\n' "$(ev 1 ListUsers)" >in
{ echo 'member cloudtrail'; line 1 ListUsers; } >want; reads "console history as JSON"
cat >in <<'E'
"eventTime","eventName","eventSource","sourceIPAddress","userIdentity","eventID"
"2026-03-11 02:11:00.000","ListUsers","iam.amazonaws.com","192.0.2.10","{type=IAMUser, principalid=AIDAEXAMPLEEXAMPLE1, arn=arn:aws:iam::111122223333:user/alice, accountid=111122223333, accesskeyid=AKIAIOSFODNN7EXAMPLE}","00000001-1111-2222-3333-444444444444"
E
reads "results of a Lake query as CSV" <<'E'
member cloudtrail-csv
event 2026-03-11T02:11:00Z ListUsers iam.amazonaws.com by=arn:aws:iam::111122223333:user/alice ip=192.0.2.10 uid=00000001111122223333444444444444 detail=2
E
cat >in <<'E'
{"QueryStatus":"FINISHED","QueryStatistics":{"ResultsCount":1},"QueryResultRows":[[{"eventTime":"2026-03-11 02:11:00.000"},{"eventName":"ListUsers"},{"eventSource":"iam.amazonaws.com"},{"sourceIPAddress":"192.0.2.10"},{"eventID":"00000001-1111-2222-3333-444444444444"}]]}
E
reads "results of a Lake query by API" <<'E'
member cloudtrail
event 2026-03-11T02:11:00Z ListUsers iam.amazonaws.com ip=192.0.2.10 uid=00000001111122223333444444444444 detail=1
E

# ---- EventBridge and other systems -----------------------------------------
bridge() {
    printf '{"version":"0","id":"%s","detail-type":"AWS API Call via CloudTrail",' "$(uuid 9)"
    printf '"source":"aws.iam","account":"111122223333","time":"2026-03-11T02:11:00Z",'
    printf '"region":"us-east-1","resources":[],"detail":%s}\n' "$(ev "$1" "$2")"
}
bridge 1 ListUsers >in
{ echo 'member cloudtrail'; line 1 ListUsers; } >want; reads "an EventBridge event"
{ bridge 1 ListUsers; bridge 2 GetUser; } >in
{ echo 'member cloudtrail'; two; } >want; reads "EventBridge events as lines"
ev 1 ListUsers '"@version":"1","@timestamp":"2026-03-11T02:11:00.000Z"' |
    sed 's/"eventTime":"[^"]*",//' >in
{ echo 'member cloudtrail'; line 1 ListUsers; } >want
reads "Logstash: only @timestamp"
printf '{"preview":false,"result":{"_raw":%s,"_time":"2026-03-11"}}\n' \
    "$(ev 1 ListUsers | quoted)" >in
{ echo 'member cloudtrail'; line 1 ListUsers; } >want; reads "Splunk's _raw"
printf '{"_index":"x","_id":"1","_source":%s}\n' "$(ev 1 ListUsers)" >in
{ echo 'member cloudtrail'; line 1 ListUsers; } >want; reads "Elastic's _source"
printf '{"hits":{"total":2,"hits":[{"_index":"x","_source":%s},{"_source":%s}]}}\n' \
    "$(ev 1 ListUsers)" "$(ev 2 GetUser)" >in
{ echo 'member cloudtrail'; two; } >want; reads "an answer of Elastic"
printf '{"_source":{"event":{"original":%s}}}\n' "$(ev 1 ListUsers | quoted)" >in
{ echo 'member cloudtrail'; line 1 ListUsers; } >want; reads "Elastic's event.original"
printf '{"eventData":%s,"eventDataStore":"x"}\n' "$(ev 1 ListUsers)" >in
{ echo 'member cloudtrail'; line 1 ListUsers; } >want; reads "a Lake data store's event"

# ---- what is no CloudTrail -------------------------------------------------
s3note='{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-03-11T02:11:00.000Z","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"AWS:X"},"s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}'
none() { # NAME
    reads "$1" <<'E'
member -
warning not-recognised: no importer recognises the content; it was not read
E
}
echo "$s3note" >in; none "an S3 notification is not claimed"
printf '{"Records":[{"messageId":"1","body":%s,"attributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:111122223333:q"}]}\n' \
    "$(echo "$s3note" | quoted)" >in; none "an SQS batch is not claimed"
printf '{"Records":[{"messageId":"1","body":%s,"attributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:111122223333:q"}]}\n' \
    "$(bridge 1 ListUsers | quoted)" >in; none "an SQS batch with an event in it"
printf '{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"arn:x","Sns":{"Type":"Notification","Message":%s}}]}\n' \
    "$(echo "$s3note" | quoted)" >in; none "an SNS batch is not claimed"
printf '{"Type":"Notification","TopicArn":"arn:aws:sns:us-east-1:111122223333:t","Message":%s}\n' \
    "$(echo "$s3note" | quoted)" >in; none "an SNS message is not claimed"
printf '{"Records":[%s]}' "$(ev 1 ListUsers '"requestParameters":{"policy":"aws:s3","eventSource":"aws:s3"}')" >in
"$dump" in | grep -q '^event 2026.*ListUsers'
ok "an event that mentions aws:s3 is still one"
cat >in <<'E'
{"awsAccountId":"111122223333","digestStartTime":"2026-03-11T01:00:00Z","digestEndTime":"2026-03-11T02:00:00Z","digestS3Bucket":"b","digestS3Object":"AWSLogs/x.json.gz","digestPublicKeyFingerprint":"ab","logFiles":[]}
E
"$dump" in | head -n 1 >got
is "$(cat got)" "member cloudtrail-digest" "a digest file"

# ---- CloudWatch Logs -------------------------------------------------------
L1='event 2026-03-11T02:11:00.123Z log line'
printf '2026-03-11T02:11:00.123Z Started GET "/fetch" for 198.51.100.66\n2026-03-11T02:11:01.000Z Traceback:\n  File "a.py"\n\n    x\n2026-03-11T02:11:02.000Z end' >in
gzip -n in && mv in.gz in
reads "an S3 export, lines that go on" exported/0a-1b/web-1/000000.gz <<'E'
member !gz cloudwatch
event 2026-03-11T02:11:00.123Z log line text=Started GET "/fetch" for 198.51.100.66 in=web-1
event 2026-03-11T02:11:01Z log line text=Traceback:\x0A  File "a.py"\x0A\x0A    x in=web-1 !continued
event 2026-03-11T02:11:02Z log line text=end in=web-1
E
echo 'Permission Check Successful' >in
reads "the write test of an export" exportedlogs/aws-logs-write-test <<'E'
member cloudwatch
note write-test: the export task's check of its permissions
E
cat >in <<'E'
{"events":[{"timestamp":1773195060123,"message":"one","ingestionTime":1773195061000},{"timestamp":1773195061000,"message":"two\nlines","ingestionTime":1773195061000}],"nextForwardToken":"f/1","nextBackwardToken":"b/1"}
E
reads "get-log-events" <<E
member cloudwatch
$L1 text=one
event 2026-03-11T02:11:01Z log line text=two\\x0Alines
E
cat >in <<'E'
{"events":[{"logStreamName":"s1","timestamp":1773195060123,"message":"one","ingestionTime":1773195061000,"eventId":"37294857203948572039485720394857203948572039485720394857"}],"searchedLogStreams":[],"nextToken":"more"}
E
reads "filter-log-events, an unfinished page" <<E
member cloudwatch
$L1 uid=37294857203948572039485720394857203948572039485720394857 text=one in=s1
warning next-token: the answer has a nextToken: the collection stopped before the last page
E
cat >in <<'E'
{"results":[[{"field":"@timestamp","value":"2026-03-11 02:11:00.123"},{"field":"@message","value":"one"},{"field":"@logStream","value":"s1"},{"field":"@ptr","value":"CmEKJgoi"}]],"statistics":{"recordsMatched":1.0},"status":"Running"}
E
reads "Insights as JSON, not complete" <<E
member cloudwatch
$L1 uid=CmEKJgoi text=one in=s1
warning query-incomplete: the Insights query had not ended when it was saved
E
printf '@timestamp,@message,@logStream\r\n2026-03-11 02:11:00.123,"one, ""two""\nthree",s1\r\n' >in
reads "Insights as CSV" <<E
member cloudwatch
$L1 text=one, "two"\\x0Athree in=s1
E
data='{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/app/web","logStream":"s1","subscriptionFilters":["f"],"logEvents":[{"id":"371","timestamp":1773195060123,"message":"one"}]}'
control='{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1773195060123,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}'
D="$L1 uid=371 text=one in=/app/web in=s1"
printf %s "$data" | gzip -n >in
printf 'member !gz cloudwatch\n%s\n' "$D" >want; reads "a subscription's message"
{ printf %s "$control" | gzip -n; printf %s "$data" | gzip -n
printf %s "$data" | gzip -n; } >in
reads "Firehose: members one after another" <<E
member !gz cloudwatch
note control-message: a reachability check of the subscription
$D
$D
E
{ printf %s "$data" | gzip -n; printf %s "$data" | gzip -n; } | gzip -n >in
printf 'member !gz!gz cloudwatch\n%s\n%s\n' "$D" "$D" >want; reads "Firehose, gzip twice"
printf '{"awslogs":{"data":"%s"}}\n' \
    "$(printf %s "$data" | gzip -n | base64 -w 0)" >in
printf 'member cloudwatch\n%s #1\n' "$D" >want; reads "Lambda's carrier"
{ cat in; cat in; printf '{"awslogs":{"data":"bm90IGd6aXA="}}\n{"awslogs":{"data":"%%%%"}}\n'; } >in2
mv in2 in
reads "Lambda's carriers as lines, damaged ones too" <<E
member cloudwatch
$D #1
$D #1
reject carrier-data: the data of a carrier is not gzip
reject carrier-data: the data of a carrier is not base64
E
printf '{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"aws-cloudtrail-logs","logStream":"111122223333_CloudTrail_us-east-1","subscriptionFilters":[],"logEvents":[{"id":"1","timestamp":1773195060123,"message":%s}]}' \
    "$(ev 1 ListUsers | quoted)" >in
{ echo 'member cloudwatch'; line 1 ListUsers source=cloudtrail; } >want
reads "messages that are CloudTrail events"

# ---- other encodings and byte order marks ------------------------------------

bom() { printf '\357\273\277'; }
utf16() { # LE|BE
    case $1 in LE) printf '\377\376' ;; BE) printf '\376\377' ;; esac
    iconv -f UTF-8 -t "UTF-16$1"
}
{ bom; cat <<'E'; } >in
{"events":[{"timestamp":1773195060123,"message":"one","ingestionTime":1773195061000}]}
E
printf 'member cloudwatch\n%s text=one\n' "$L1" >want; reads "get-log-events after a BOM"
{ bom; printf '@timestamp,@message,@logStream\r\n2026-03-11 02:11:00.123,one,s1\r\n'; } >in
printf 'member cloudwatch\n%s text=one in=s1\n' "$L1" >want; reads "Insights as CSV after a BOM"
{ bom; printf '2026-03-11T02:11:00.123Z one\n'; } >in
printf 'member cloudwatch\n%s text=one in=web-1\n' "$L1" >want
reads "an export after a BOM" x/web-1/000000
for order in LE BE; do
    case $order in LE) name=little ;; *) name=big ;; esac
    note="note utf-16: UTF-16 text ($name endian), read as UTF-8: offsets are those of its layer"
    printf '@timestamp,@message,@logStream\r\n2026-03-11 02:11:00.123,one \303\244\360\237\230\200,s1\r\n' |
        utf16 $order >in
    printf 'member !utf16 cloudwatch\n%s text=one \\u{E4}\\u{1F600} in=s1\n%s\n' "$L1" "$note" >want
    reads "Insights as CSV in UTF-16$order"
    records | utf16 $order | gzip -n >in
    { echo 'member !gz!utf16 cloudtrail'; two; echo "$note"; } >want
    reads "a log file in UTF-16$order and gzip"
done

# ---- export tasks -------------------------------------------------------------

cat >in <<'E'
{"exportTasks":[
{"taskId":"t-1","logGroupName":"/app/web","from":1773014400000,"to":1773273600000,"destination":"corp-evidence-111122223333","status":{"code":"COMPLETED","message":"Completed successfully"},"executionInfo":{"creationTime":1773195060123,"completionTime":1773204951097}},
{"taskId":"t-2","logGroupName":"/app/db","from":1773014400000,"to":1773273600000,"status":{"code":"FAILED"}},
{"taskId":"t-3"}, 7]}
E
reads "describe-export-tasks" <<'E'
member cloudwatch-exports
event 2026-03-11T02:11:00.123Z export task on=/app/web text=/app/web from 2026-03-09T00:00:00.000Z to 2026-03-12T00:00:00.000Z: COMPLETED (Completed successfully)
fact export task: {"taskId":"t-1","logGroupName":"/app/web","from":1773014400000,"to":1773273600000,"destination":"corp-evidence-111122223333","status":{"code":"COMPLETED","message":"Completed successfully"},"executionInfo":{"creationTime":1773195060123,"completionTime":1773204951097}}
event undated export task outcome=FAILED on=/app/db text=/app/db from 2026-03-09T00:00:00.000Z to 2026-03-12T00:00:00.000Z: FAILED
fact export task: {"taskId":"t-2","logGroupName":"/app/db","from":1773014400000,"to":1773273600000,"status":{"code":"FAILED"}}
reject not-an-export-task: an entry without log group or status
reject not-an-export-task: an entry of another type
E

done_testing
