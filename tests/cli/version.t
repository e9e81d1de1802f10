#!/bin/sh
# The program says its name and version, and refuses what it does not know.
. "$SRCDIR/tests/lib.sh"
plan 3

"$KANSHIKI" version >out 2>err
is_status $? 0 "version ends well"
is_match out '^kanshiki [0-9]+\.[0-9]+\.[0-9]+' "version is printed"
"$KANSHIKI" no-such-command >out 2>err
is_status $? 1 "an unknown command is a usage error"
