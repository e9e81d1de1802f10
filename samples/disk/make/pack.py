"""Cut the disk into the files that a preserver of EBS snapshots leaves.

usage: pack.py DISK CONTENTDIR TRUTH DESTDIR

DESTDIR/app-01-root.zip has a file for each block of 512 KiB that is not all
zeros, the answer of GetSnapshotBlock beside each, and the listing in pages;
one block in the middle of audit.log.1 is listed and not there.
DESTDIR/../expected-root.tsv has what the guest's kernel said of every name,
before ("disk": as the blocks are) and after ("log") the last half minute.
"""
import base64
import hashlib
import json
import os
import re
import sys
import zipfile

SNAP = "snap-0cc33dd44ee55ff66"
BLOCK = 512 << 10
PAGE = 8        # blocks of a page of the listing; the service may give few
EXPIRES = "2026-03-18T05:02:11.000000+00:00"
HEAD = """\
# What the guest's kernel said of each name, made by disk/make/pack.py.
# view: disk = before the log is replayed, log = after, both = the same.
# view path inode mode uid gid links size mtime atime ctime btime \
sha256|target|device xattrs
"""


def written(path):
    """Blocks with a byte in them, by their number."""
    size = os.path.getsize(path)
    zero = bytes(BLOCK)
    with open(path, "rb") as f:
        at = 0
        while at < size:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA) // BLOCK * BLOCK
            except OSError:
                return
            f.seek(at)
            data = f.read(BLOCK)
            if data != zero:
                yield at // BLOCK, data
            at += BLOCK


def missing(blocks, contents):
    """The block that has nothing but lines of the rotated audit log."""
    parts = [open(contents + "/" + n, "rb").read()
             for n in os.listdir(contents)]
    for i, data in blocks:
        lines = data[200000:201000].split(b"\n")
        if 0 not in data and any(lines[1] in p for p in parts if
                                 b'comm="gunicorn"' in p):
            return i
    raise SystemExit("no block is all of audit.log.1")


def listing(blocks, gib):
    for i in range(0, len(blocks), PAGE):
        page = {"Blocks": [{"BlockIndex": n, "BlockToken":
                            "EXAMPLEtoken%06d==" % n}
                           for n, _ in blocks[i:i + PAGE]],
                "ExpiryTime": EXPIRES, "VolumeSize": gib, "BlockSize": BLOCK}
        if i + PAGE < len(blocks):
            page["NextToken"] = "EXAMPLEnext%d==" % (i // PAGE + 1)
        yield i // PAGE + 1, page


def add(z, name, data, level=9):
    info = zipfile.ZipInfo(SNAP + "/" + name, (2026, 3, 11, 5, 2, 12))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o100644 << 16
    info.create_system = 3
    z.writestr(info, data, compresslevel=level)


def indent(value):
    return json.dumps(value, indent=4) + "\n"


def pack(disk, contents, path):
    blocks = list(written(disk))
    gib = os.path.getsize(disk) >> 30
    gone = missing(blocks, contents)
    with zipfile.ZipFile(path, "w") as z:
        for n, page in listing(blocks, gib):
            add(z, "list-snapshot-blocks-%d.json" % n, indent(page))
        for i, data in blocks:
            if i == gone:
                continue
            add(z, "block-%06d.json" % i, indent({
                "DataLength": BLOCK, "ChecksumAlgorithm": "SHA256",
                "Checksum": base64.b64encode(
                    hashlib.sha256(data).digest()).decode()}))
            add(z, "block-%06d.bin" % i, data)
    print("%d blocks, without %d" % (len(blocks), gone))


def accounts(truth):
    views, view = {}, None
    for line in open(truth, encoding="ascii"):
        line = line.rstrip("\r\n")
        if line.startswith("@@VIEW "):
            view = views.setdefault(line[7:], set())
        elif not line.startswith("@@"):
            view.add(line)
    return views


def audited(contents):
    """Inodes that the audit log names."""
    found = set()
    for name in os.listdir(contents):
        with open(contents + "/" + name, "rb") as f:
            found |= {int(n) for n in re.findall(
                rb'type=PATH [^\n]* inode=(\d+) ', f.read())}
    return found


def moved(before, views, named):
    """Paths that the audit log names with an inode of the run before."""
    now = {r[0]: r[1] for view in views.values()
           for r in (row.split("\t") for row in view)}
    with open(before, encoding="ascii") as f:
        rows = [line.split("\t") for line in f if line[0] != "#"]
    return 0 in named or [r[1] for r in rows
                          if int(r[2]) in named and now.get(r[1]) != r[2]]


def main(disk, contents, truth, dest):
    pack(disk, contents, dest + "/app-01-root.zip")
    v = accounts(truth)
    again = moved(dest + "/../expected-root.tsv", v, audited(contents))
    rows = [(x.split("\t")[0], "both", x) for x in v["disk"] & v["log"]]
    rows += [(x.split("\t")[0], "disk", x) for x in v["disk"] - v["log"]]
    rows += [(x.split("\t")[0], "log", x) for x in v["log"] - v["disk"]]
    with open(dest + "/../expected-root.tsv", "w") as f:
        f.write(HEAD.replace(" path inode", "\tpath\tinode"))
        f.writelines("%s\t%s\n" % (r[1], r[2]) for r in sorted(rows))
    if again:
        raise SystemExit("inodes in the audit log are others now: run again")


if __name__ == "__main__":
    main(*sys.argv[1:])
