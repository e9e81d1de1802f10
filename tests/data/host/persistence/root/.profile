mesg n 2> /dev/null || true
