"""Cut a few pages of the dump into one tiny file per container format.

usage: small.py OUTDIR DESTDIR PACK

small.raw is the padded form (file offset = physical address); small.lime,
small.avml and small.elf hold the same bytes at the same addresses. The pages
are real, their addresses are new and low, so that the raw file stays small.
"""
import hashlib
import os
import struct
import subprocess
import sys

from kernel import Dump

# (new physical start, length); the second ends inside a page, as a real
# System RAM range does before the legacy hole
RANGES = [(0x1000, 0x3000), (0x6000, 0x1c00), (0xa000, 0x2000),
          (0xd000, 0x1000)]

HEAD = """\
# The same pages in several containers, made by samples/memory/make/small.py.
# small.lime, small.avml (v2), small.elf (core; LOADs not in address order,
# file offsets not page aligned), small.raw (padded: offset = address, gaps are
# zero), small.concat.raw (ranges joined without the gaps, as LiME's "raw").
# START LENGTH SHA256 SOURCE-PAGES (address in the sample guest)
"""


def sources(out, d, raw):
    """Addresses of the pages worth having, in the order of RANGES."""
    key = b'"AccessKeyId" : "ASIAAPPSTOLENEXAMPLE"'
    pids = {}
    for line in open(out + "/truth/pagemap"):
        pid, va, pfn = line.split()
        pids.setdefault(int(pfn, 16), []).append((int(pid), int(va, 16)))
    sysupd = [int(p.rsplit("/", 2)[1]) for p in
              (os.path.join(r, "exe") for r, _, f in
               os.walk(out + "/truth/proc") if "exe" in f)
              if "/.sysupd" in open(p).read()][0]
    heap = [p for p in sorted(pids) if any(q == sysupd for q, _ in pids[p])
            and key in raw[p * 4096:p * 4096 + 4096]][0] * 4096
    image = d.symbols
    note = raw.find(b"VMCOREINFO\0\0OSRELEASE") & ~0xfff
    banner = image["linux_banner"] - d.delta & ~0xfff
    init_task = image["init_task"] - d.delta & ~0xfff
    btf = d.btf_pa & ~0xfff
    return [banner, banner + 4096, note, init_task, init_task + 4096,
            heap, btf, bytes(4096)]


def elf(ranges, data, notes):
    """An ELF core as QEMU writes it: notes first, offsets not page aligned;
    the program headers are not in address order."""
    order = sorted(range(len(ranges)), key=lambda i: (i % 2, i))
    head = 64 + 56 * (len(ranges) + 1)
    at, out = head + len(notes), b""
    phdrs = struct.pack("<IIQQQQQQ", 4, 0, head, 0, 0, len(notes), len(notes),
                        0)
    for i in order:
        start, n = ranges[i]
        phdrs += struct.pack("<IIQQQQQQ", 1, 0, at, 0, start, n, n, 0)
        out += data[i]
        at += n
    return (b"\x7fELF\2\1\1" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(ranges) + 1, 0,
        0, 0) + phdrs + notes + out)


def notes_of(path):
    """The CORE and QEMU notes of the emulator's own dump."""
    with open(path, "rb") as f:
        head = f.read(4096)
        n = struct.unpack_from("<H", head, 56)[0]
        at = struct.unpack_from("<Q", head, 32)[0]
        for _ in range(n):
            kind, _, off, _, _, size = struct.unpack_from("<IIQQQQ", head, at)
            if kind == 4:
                f.seek(off)
                return f.read(size)
            at += 56
    raise SystemExit("no notes")


def main(out, dest, pack):
    raw = open(out + "/mem.raw", "rb").read()
    src = sources(out, Dump([(0, raw)]), raw)
    os.makedirs(dest, exist_ok=True)
    flat, text, data = bytearray(0xe000), [], []
    for start, n in RANGES:
        part, where = b"", []
        for at in range(0, n, 4096):
            s = src.pop(0)
            page = s if isinstance(s, bytes) else raw[s:s + 4096]
            where.append("zero" if isinstance(s, bytes) else "%#x" % s)
            part += page[:min(4096, n - at)]
        flat[start:start + n] = part
        data.append(part)
        text.append("%#x %#x %s %s" % (start, n,
                                       hashlib.sha256(part).hexdigest(),
                                       ",".join(where)))
    base = dest + "/small."
    with open(base + "raw", "wb") as f:
        f.write(flat)
    with open(base + "concat.raw", "wb") as f:
        f.write(b"".join(data))
    with open(base + "elf", "wb") as f:
        f.write(elf(RANGES, data, notes_of(out + "/mem.elf")))
    with open(base + "ranges", "w") as f:
        f.write("".join("%x %x\n" % r for r in RANGES))
    for kind in ("lime", "avml"):
        subprocess.check_call([pack, kind, base + "raw", base + "ranges",
                               base + kind])
    os.unlink(base + "ranges")
    with open(dest + "/small.txt", "w") as f:
        f.write(HEAD + "\n".join(text) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
