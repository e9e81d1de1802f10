#!/bin/sh
# The two disks of the sample against their truth: every name with inode,
# mode, owner, size, all four times in nanoseconds, content and attributes, as
# the guest's kernel said them (root) or as they were made (data), once as on
# disk and once after the journal.
. "$SRCDIR/tests/lib.sh"

command -v sqlite3 >/dev/null || skip_all "sqlite3 is not installed"
zip=$SRCDIR/samples/disk/app-01-root.zip
(cd "$SRCDIR/samples/disk" && sha256sum -c --quiet app-01-root.sha256)
ok "the blocks are as committed"
if command -v unzip >/dev/null && command -v openssl >/dev/null; then
    unzip -q "$zip"
    for sum in snap-*/block-*.json; do
        stated=$(sed -n 's/.*"Checksum": "\(.*\)".*/\1/p' "$sum")
        is "$(openssl dgst -sha256 -binary "${sum%.json}.bin" | base64)" \
            "$stated" "${sum##*/} states its block's checksum"
    done
    sed -n 's/.*"BlockIndex": \([0-9]*\).*/\1/p' snap-*/list-*.json |
        sort >listed
    for b in snap-*/block-*.bin; do
        expr "${b##*-}" : '0*\([0-9]*\)\.bin' \| 0
    done | sort | comm -23 listed - >missing
    is "$(cat missing)" 25 "all blocks of the listing are there, but one"
else
    skip "the blocks' checksums" "no unzip or openssl"
fi

"$KANSHIKI" new case.kan >out 2>err
"$KANSHIKI" import case.kan "$zip" "$SRCDIR/samples/disk/app-01-data.E01" \
    --hash-files --progress none >out 2>err
is_status $? 2 "import ends with issues: a block is missing"
"$KANSHIKI" status case.kan --issues --format jsonl >issues 2>err
is_match issues '"code":"ebs-missing","offset":13107200,"length":524288' \
    "which is said"
# the log that has bytes in it, in which a line is torn
is "$(grep -E '"severity":"(error|warning)"' issues |
    sed 's/.*"code":"\([^"]*\)".*/\1/' | sort | paste -sd' ')" \
    "audit-syntax ebs-missing file-part nul-padding" \
    "and nothing else is wrong but what follows from it"

# Paths and values as hexadecimal, so that no name breaks a line.
unescape='
BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = sprintf("%02X", i) }
function hex(s,  i, c, r) {
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        if (c != "%") { r = r code[c]; continue }
        r = r substr(s, i + 1, 2)
        i += 2
    }
    return r
}'
# rows VIEW VOLUME: as the case has it, deleted files left out
rows() {
    sqlite3 -separator '	' case.kan "
SELECT hex(e.value), $3 FROM file f
JOIN entity e ON e.id = f.path JOIN member m ON m.id = f.member
WHERE f.view IN (0, $1) AND f.found = 0 AND m.exhibit = $2 AND volume IN ('', 'p1')
AND e.value NOT LIKE '/\$OrphanFiles%'" | sort
}

# ---- the root disk ----------------------------------------------------------
kind="ifnull((SELECT group_concat(x.name || '=' || hex(x.value), ' ') FROM (
    SELECT name, value FROM xattr WHERE file = f.id ORDER BY name) x), '-')"
type="CASE f.type WHEN 1 THEN 32768 WHEN 2 THEN 16384 WHEN 3 THEN 8192
    WHEN 4 THEN 24576 WHEN 5 THEN 4096 WHEN 7 THEN 40960 END"
stamp() { echo "f.$1_s || '.' || printf('%09d', f.$1_ns)"; }
columns="f.inode, printf('%o', f.mode | $type), f.uid, f.gid, f.links, f.size,
$(stamp m), $(stamp a), $(stamp c), $(stamp b),
CASE f.type WHEN 1 THEN lower(hex(f.sha256)) WHEN 7 THEN hex(f.link_target)
WHEN 2 THEN '-' WHEN 5 THEN '-' ELSE (f.device >> 20) || ':' ||
(f.device & 1048575) END, $kind"
# One file has bytes in the missing block: all but its content is compared.
torn=$(printf /var/log/audit/audit.log.1 | od -An -tx1 | tr -d ' \n' |
    tr a-f A-F)
for view in disk log; do
    n=1
    [ $view = disk ] || n=2
    rows $n 1 "$columns" | sed "s/^\($torn	.*\)	[0-9a-f]*	/\1	torn	/" >got
    # the ACL is also told in the form that XFS keeps it in
    awk -F '\t' -v view=$view "$unescape"'
        /^#/ || ($1 != "both" && $1 != view) || $2 == "(unlinked)" { next }
        { n = split($14, part, " "); list = ""
          for (i = 1; i <= n; i++) {
              at = index(part[i], "=")
              name = substr(part[i], 1, at - 1)
              if (name == "trusted.SGI_ACL_FILE") continue
              text = name "=" hex(substr(part[i], at + 1))
              if (part[i] == "-") text = "-"
              # sorted by name: security.* has two at most
              if (list != "" && text < list) list = text " " list
              else list = list (list == "" ? "" : " ") text
          }
          if ($4 ~ /^12/) $13 = hex($13)
          line = hex($2)
          for (i = 3; i <= 13; i++) line = line "\t" $i
          print line "\t" list }' "$SRCDIR/samples/expected-root.tsv" |
        sed "s/^\($torn	.*\)	[0-9a-f]*	/\1	torn	/" | LC_ALL=C sort >want
    LC_ALL=C sort -o got got
    ok "root disk, $view: $(wc -l <want) names to compare" \
        test "$(wc -l <want)" -gt 1000
    is_file_equal got "$PWD/want" "  as the kernel said them"
done
open=$(grep '(unlinked)' "$SRCDIR/samples/expected-root.tsv")
is "$(sqlite3 -separator '	' case.kan "SELECT f.inode, f.size,
    lower(hex(f.sha256)) FROM file f WHERE f.inode = $(echo "$open" |
    cut -f3) AND f.links = 0")" "$(echo "$open" | cut -f3,8,13)" \
    "the implant, deleted while it runs, with its content"
is "$(sqlite3 case.kan "SELECT e.value FROM file f JOIN entity e
    ON e.id = f.path WHERE f.flags & 8")" /var/log/audit/audit.log.1 \
    "the one file with bytes in the missing block is marked"

# ---- the data disk ----------------------------------------------------------
columns="printf('%o', f.mode | $type), f.uid, f.gid, f.size, f.m_s, f.a_s,
f.c_s, f.b_s, f.b_ns"
for view in disk log; do
    n=1
    [ $view = disk ] || n=2
    rows $n 2 "$columns" | LC_ALL=C sort >got
    awk -F '\t' -v view=$view "$unescape"'
        /^#/ || ($10 != "both" && $10 != view && $2 != "link") ||
            $1 ~ /^\/upload\/\.t\/(c\.tgz|p\.sh)$/ { next }
        { path = hex($1) }
        $2 == "link" { print path "\t" row[$3]; next }
        { row[$1] = $2 "\t" $3 "\t" $3
          for (i = 4; i <= 9; i++) row[$1] = row[$1] "\t" $i
          print path "\t" row[$1] }' "$SRCDIR/samples/expected-disk.tsv" |
        LC_ALL=C sort >want
    ok "data disk, $view: $(wc -l <want) names to compare" \
        test "$(wc -l <want)" -gt 50
    is_file_equal got "$PWD/want" "  as they were made"
done

done_testing
