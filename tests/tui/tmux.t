#!/bin/sh
# Inside tmux, as people run it: keys go in, screens come out, sizes change.
. "$SRCDIR/tests/lib.sh"
command -v tmux >/dev/null || skip_all "tmux is not installed"
plan 5

"$KANSHIKI" new case.kan --title smoke >out 2>err
"$KANSHIKI" import case.kan "$SRCDIR/samples/cloudtrail" >out 2>err

tmux() { command tmux -L "kanshiki-$$" -f /dev/null "$@"; }
# seen WORDS: polls the screen for them, 20 s at most
seen() {
    i=0
    while [ $i -lt 200 ]; do
        tmux capture-pane -p >screen 2>/dev/null
        grep -Fq -- "$1" screen && return 0
        sleep 0.1
        i=$((i + 1))
    done
    diag <screen
    return 1
}
tmux new-session -d -x 100 -y 30 \
    "LC_ALL=C.UTF-8 '$KANSHIKI' tui case.kan; echo ended \$?; sleep 60" ||
    bail_out "tmux does not start"
ok "the overview comes" seen agrees
tmux send-keys 2
ok "the timeline comes" seen 'ACTOR'
tmux send-keys f
tmux send-keys -l 'action:CreateUser'
tmux send-keys Enter
ok "the filter is taken" seen 'svc-backup'
tmux resize-window -x 3 -y 1
tmux resize-window -x 80 -y 24
ok "it survives the smallest window" seen 'hidden'
tmux send-keys q
seen EVIDENCE
tmux send-keys q
ok "q ends it" seen 'ended 0'
tmux kill-server
