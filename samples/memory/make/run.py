"""Boot the sample guest, play its story, take the dumps and the ground truth.

usage: run.py VMLINUZ INITRD OUTDIR [MiB]

OUTDIR gets mem.raw, mem.elf, registers, serial.log and truth/ (what the
guest said about itself in the instant before it was stopped).
"""
import json
import os
import select
import socket
import subprocess
import sys
import time

from outside import Outside

kernel, initrd, out = sys.argv[1:4]
mib = int(sys.argv[4]) if len(sys.argv) > 4 else 96
boot = os.environ.get("BOOT", "2026-03-09T00:10:00")
os.makedirs(out + "/truth", exist_ok=True)
for name in ("qmp", "ctl"):
    if os.path.exists(out + "/" + name):
        os.unlink(out + "/" + name)
net = Outside(17701, 17702)
qemu = subprocess.Popen([
    "qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-cpu", "qemu64",
    "-smp", "1", "-m", "%dM" % mib, "-icount", "shift=3,sleep=off",
    "-rtc", "base=%s,clock=vm" % boot,
    "-kernel", kernel, "-initrd", initrd, "-append",
    "console=ttyS0 quiet rdinit=/usr/lib/systemd/systemd panic=-1"
    " -- --switched-root --system --deserialize=31",
    "-display", "none", "-vga", "none", "-no-reboot",
    "-action", "panic=pause", "-device", "pvpanic",
    "-serial", "file:%s/serial.log" % out,
    "-chardev", "socket,id=ctl,path=%s/ctl,server=on,wait=off" % out,
    "-serial", "chardev:ctl",
    "-netdev", "socket,id=n0,udp=127.0.0.1:17701,localaddr=127.0.0.1:17702",
    "-device", "virtio-net-pci,netdev=n0,mac=06:0c:3f:9a:1d:2b,romfile=",
    "-qmp", "unix:%s/qmp,server=on,wait=off" % out, "-S"])


def connect(name):
    for _ in range(100):
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect(out + "/" + name)
            return s
        except OSError:
            time.sleep(0.1)
    raise SystemExit("no " + name)


qmp = connect("qmp").makefile("rw")
ctl = connect("ctl")
qmp.readline()


def ask(execute, **arguments):
    qmp.write(json.dumps({"execute": execute, "arguments": arguments}) + "\n")
    qmp.flush()
    while True:
        r = json.loads(qmp.readline())
        if "event" not in r:
            return r.get("return", r)


ask("qmp_capabilities")
ask("cont")
started, tail, current = time.time(), b"", None


def line(text):
    global current
    if text.startswith(b"PHASE "):
        name = text[6:].decode()
        print("%6.1f s  %s" % (time.time() - started, name), flush=True)
        net.phase(name)
        return name != "stop"
    if text.startswith(b"@@FILE "):
        path = "%s/truth/%s" % (out, text[7:].decode())
        os.makedirs(os.path.dirname(path), exist_ok=True)
        current = open(path, "wb")
    elif text == b"@@END":
        current.seek(-1, 1)
        current.truncate()
        current.close()
        current = None
    elif current:
        current.write(text + b"\n")
    return True


going = True
while going:
    if qemu.poll() is not None:
        raise SystemExit("the emulator ended")
    if time.time() - started > 900:
        qemu.kill()
        raise SystemExit("too slow")
    for s in select.select([net, ctl], [], [], 1)[0]:
        if s is net:
            net.frame()
            continue
        tail += ctl.recv(1 << 16)
        *whole, tail = tail.split(b"\n")
        for text in whole:
            going = line(text) and going
for _ in range(200):
    if not ask("query-status")["running"]:
        break
    time.sleep(0.05)
print(ask("query-status"))
print(ask("pmemsave", val=0, size=mib << 20, filename=out + "/mem.raw"))
print(ask("dump-guest-memory", paging=False,
          protocol="file:%s/mem.elf" % out))
with open(out + "/truth/registers", "w") as f:
    f.write(ask("human-monitor-command", **{
        "command-line": "info registers"}))
ask("quit")
qemu.wait()
