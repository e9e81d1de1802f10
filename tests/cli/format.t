#!/bin/sh
# The queries of docs/case-format.md work on the sample incident, and the page
# names every table and every kind.
. "$SRCDIR/tests/lib.sh"

page=$SRCDIR/docs/case-format.md
command -v sqlite3 >sqlite.path || skip_all "the sqlite3 shell is not installed"
"$KANSHIKI" new case.kan >out 2>err
"$KANSHIKI" import case.kan "$SRCDIR/samples/cloudtrail" \
    "$SRCDIR/samples/disk/app-01-data.E01" >out 2>err
is_status $? 2 "import"

awk '/^```sql/ { n++; on = 1; next } /^```/ { on = 0 }
    on { print > ("query." sprintf("%02d", n)) }' "$page"
ask() { sqlite3 'file:case.kan?mode=ro&immutable=1'; }
for q in query.*; do
    [ "$q" = query.01 ] && continue
    cat query.01 "$q" | ask >rows 2>err
    status=$?
    if [ $status -ne 0 ] || [ -s err ]; then
        not_ok "$q runs"
        diag <err
    elif grep -q '^-- no rows' "$q"; then
        ok "$q: no rows" test ! -s rows
    elif grep -q '^-- may be empty' "$q"; then
        ok "$q runs" true
    else
        ok "$q: rows" test -s rows
    fi
done
ok "there are ten queries and more" test -f query.12

# The answers agree with the program's.
"$KANSHIKI" pivot case.kan ip:198.51.100.66 --kind action --top 0 \
    --format csv --csv-raw 2>err | tail -n +2 | tr -d '\r' |
    cut -d, -f2,3 | sort >wanted
cat query.01 - <<'SQL' | ask | tr '|' , | sort >got
SELECT action, count(*) FROM e WHERE ip = '198.51.100.66' GROUP BY action;
SQL
is_file_equal got "$TMP/wanted" "a query and pivot count alike"
id=$(echo "SELECT id FROM event WHERE uid IS NOT NULL AND length(refs) > 8
    ORDER BY id LIMIT 1;" | ask)
"$KANSHIKI" show case.kan "E$id" 2>err |
    sed -n '/^entities/,/^[b-z]/p' | grep -E '^(entities| )' |
    sed -E 's/^.{14}[a-z]+ +[a-z-]+ +//' | sort -u >wanted
cat query.01 query.11 | ask | cut -d'|' -f3- | sort -u >got
comm -23 got wanted >wrong
ok "query 10 decodes refs as the program does" test -s got -a ! -s wrong
head wrong | diag

echo .tables | ask | tr -s ' ' '\n' | grep . | while read -r t; do
    grep -qE "^###.*\\b$t\\b|^- .*\`$t\`|^\`$t\`:" "$page" || echo "$t"
done >wrong
is_file_equal wrong /dev/null "the page tells of every table"
sed -n 's/^ *X([A-Z_]*, *\([0-9]*\), *"\([a-z-]*\)").*/\1 | \2 /p' \
    "$SRCDIR/base/kinds.h" | sed -n '/./p' | while read -r n bar kind; do
    grep -qF -e "| $n $bar $kind" "$page" ||
        grep -qE "(^|[ ,])$n $kind([,.]|\$)" "$page" || echo "$n $kind"
done >wrong
is_file_equal wrong /dev/null "the page tells of every kind and role"

done_testing
