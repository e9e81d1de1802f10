#!/bin/bash
# make.sh WORKDIR: make the memory sample again, from the kernel package to the
# checked file. About five minutes on two cores; no root, no KVM.
# Needs: apt, gcc, musl-tools, bash-static, cpio, qemu-system-x86, libsnappy1v5,
# python3.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
mkdir -p "$1"
work=$(cd "$1" && pwd)
export PYTHONDONTWRITEBYTECODE=1
"$here/guest.sh" "$work"
gcc -O2 -Wall -Wextra -o "$work/pack" "$here/pack.c"
rm -rf "$work/out"
python3 "$here/run.py" "$work"/kernel/boot/vmlinuz-* "$work/initrd.gz" \
    "$work/out" 96
python3 "$here/choose.py" "$work/out" >"$work/ranges" 2>"$work/kept"
"$work/pack" avml "$work/out/mem.raw" "$work/ranges" "$here/../app-01.avml"
rm -rf "$here/../truth"
python3 "$here/truth.py" "$work/out" "$here/../truth"
cp "$work/kept" "$here/../truth/kept"
python3 "$here/check.py" "$here/../app-01.avml" "$work/out" |
    tee "$here/../truth/check"
python3 "$here/small.py" "$work/out" "$top/tests/data/memory" "$work/pack"
