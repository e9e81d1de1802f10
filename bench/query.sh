#!/bin/sh
# Questions to a large case:
#
#   bench/query.sh [EVENTS [FOLDER]]
#
# Makes EVENTS (10,000,000) generated CloudTrail events in FOLDER (/tmp/q10:
# 2.2 GB of gzip files and a case of 2.2 GB for 10,000,000), imports them, and
# prints wall seconds, CPU seconds and the peak of the resident memory of all
# processes in MiB (bench/measure.py), then bench/query's table for the case.
# What is in FOLDER already is used again.
set -eu
cd "$(dirname "$0")/.."
events=${1:-10000000}
folder=${2:-/tmp/q10}
make -C build --no-print-directory bench/gen_cloudtrail bench/query >&2
mkdir -p "$folder"
if [ ! -f "$folder/case.kan" ]; then
    if [ ! -d "$folder/data" ]; then
        build/bench/gen_cloudtrail --events "$events" --per-file 2000 \
            "$folder/making" >&2
        mv "$folder/making" "$folder/data"
    fi
    build/kanshiki new "$folder/case.kan" --title bench --examiner bench
    echo 'import: wall s, CPU s, peak MiB'
    python3 bench/measure.py build/kanshiki import "$folder/case.kan" \
        "$folder/data"
fi
build/bench/query "$folder/case.kan"
