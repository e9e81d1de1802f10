#!/bin/sh
# Ours: CloudTrail files into a case file, hashed, linked and indexed.
#   kanshiki.sh FOLDER CASE [DUMP]     (KANSHIKI names the program)
# The dump is read by another SQLite, as a court's expert would.
set -eu
here=$(dirname "$0")
rm -f "$2" "$2"-*
"$KANSHIKI" new "$2" >/dev/null
"$KANSHIKI" import "$2" "$1" --progress none >/dev/null
if [ $# -gt 2 ]; then python3 "$here/dump_case.py" "$2" "$3"; fi
