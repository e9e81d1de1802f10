#!/bin/sh
# Time zones against the system's zdump: zones with few and many changes, as
# the system has them and as `zic -b slim` writes them (nearly all in the
# footer), and rules alone.
. "$SRCDIR/tests/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
check=$BUILDDIR/tests/base/zone_check
db=/usr/share/zoneinfo
command -v zdump >/dev/null || skip_all "no zdump here"
[ -f $db/tzdata.zi ] || skip_all "no time zone database here (tzdata)"

zones="Africa/Casablanca Africa/El_Aaiun America/Nuuk America/New_York
America/Sao_Paulo America/St_Johns Antarctica/Troll Asia/Kathmandu Asia/Pyongyang
Asia/Tehran Asia/Tokyo Atlantic/Azores Australia/Lord_Howe Europe/Berlin
Europe/Dublin Europe/Lisbon Europe/Moscow Pacific/Apia Pacific/Chatham
Pacific/Kiritimati UTC"
rules="UTC0 JST-9 CET-1CEST,M3.5.0,M10.5.0/3 IST-1GMT0,M10.5.0,M3.5.0/1
<-02>2<-01>,M3.5.0/-1,M10.5.0/0 AAA4BBB,J60,J300/4:30
CCC-5DDD,59,300/25 NZST-12NZDT,M9.5.0,M4.1.0/3"
plan 3

# agree NAME FILE|rule:TZ: with what zdump says of NAME
agree() {
    zdump -v -c 1850,2150 "$1" >dump
    "$check" "$2" <dump >out || { echo "# $2"; sed 's/^/# /;20q' out; return 1; }
    n=$(tail -n 1 out)
    compared=$((compared + ${n%% *}))
}

compared=0 failed=0
for z in $zones; do
    agree "$z" "$db/$z" || failed=1
done
echo "# $compared compared"
[ $failed = 0 ] && [ $compared -ge 10000 ]
ok "zones of the system are read as zdump reads them"

compared=0 failed=0
if command -v zic >/dev/null; then
    zic -b slim -d "$TMP/slim" $db/tzdata.zi 2>/dev/null
    for z in $zones; do
        agree "$z" "$TMP/slim/$z" || failed=1
    done
    echo "# $compared compared"
    [ $failed = 0 ] && [ $compared -ge 10000 ]
    ok "and in their slim form"
else
    skip "and in their slim form" "no zic here"
fi

compared=0 failed=0
for rule in $rules; do
    agree "$rule" "rule:$rule" || failed=1
done
echo "# $compared compared"
[ $failed = 0 ] && [ $compared -ge 2000 ]
ok "rules mean what the C library makes of them"
