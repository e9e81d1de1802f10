#!/bin/sh
# Calls that are banned do not appear in the product's sources. A line with a
# comment "banned-ok: reason" is allowed.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/house/house.sh"
plan 4

sources >list
(cd "$SRCDIR" && xargs awk -f tests/house/code.awk) <list >code

# called NAME|NAME...: lines that call one of these
called() { grep -E ":[0-9]+:(.*[^A-Za-z0-9_.>])?($1)[[:space:]]*\(" code; }

called 'gets|strcpy|stpcpy|strcat|strncpy|strncat|v?sprintf|strtok|strtok_r|ato(i|l|ll|f)|v?[fs]?scanf|system|popen|tmpnam|tempnam|mktemp|alloca|s?rand|signal|bcopy|strdupa|strndupa' >wrong
none wrong "no unbounded, ambiguous or shelling call"

called '(local|gm)time(_r)?|[ac]?sctime(_r)?|ctime(_r)?|strftime|strptime|mktime|timegm|tzset|setlocale' |
    grep -v '^base/time' >wrong
none wrong "calendar only in base/time"

# A statement text must be a literal; values are bound.
called 'sqlite3_exec' | grep -Ev 'sqlite3_exec\([^,()]+, *""' >wrong
none wrong "sqlite3_exec runs literal statements only"

called 'socket|connect|listen|accept4?|getaddrinfo|gethostby[a-z]+' >wrong
none wrong "no network"
