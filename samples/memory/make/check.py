"""Check the sample against the raw dump and against what the guest said.

usage: check.py SAMPLE OUTDIR

Reads SAMPLE with its own decoder (libsnappy), compares every kept byte with
mem.raw, then finds the kernel in the kept pages alone and walks it; every
answer must equal the guest's own.
"""
import glob
import os
import re
import struct
import sys

from avmlfile import joined, ranges
from kernel import Absent, Dump, translate_user

KEY = b"ASIAAPPSTOLENEXAMPLE"


def guest(out, name):
    return open(out + "/truth/" + name, "rb").read()


class Walk:
    def __init__(self, d):
        self.d, self.o, self.maple_seen = d, d.btf.off, 0

    def u32(self, va):
        return struct.unpack("<I", self.d.virt(va, 4))[0]

    def user(self, mm, first, last):
        pgd = self.d.translate(self.d.u64(mm + self.o("mm_struct.pgd")))
        a = self.d.u64(mm + self.o("mm_struct." + first))
        b = self.d.u64(mm + self.o("mm_struct." + last))
        return self.d.virt(a, b - a, pgd)

    def path(self, vfsmnt, dentry):
        o, u, names = self.o, self.d.u64, []
        mnt = vfsmnt - o("mount.mnt")
        for _ in range(64):
            if dentry == u(mnt + o("mount.mnt.mnt_root")):
                parent = u(mnt + o("mount.mnt_parent"))
                if parent == mnt:
                    break
                dentry, mnt = u(mnt + o("mount.mnt_mountpoint")), parent
                continue
            up = u(dentry + o("dentry.d_parent"))
            if up == dentry:
                break
            names.append(self.d.text(u(dentry + o("dentry.d_name.name")), 256))
            dentry = up
        return "/" + "/".join(reversed(names))

    def file(self, f):
        """(path, inode number, mode) of a struct file."""
        u, o = self.d.u64, self.o
        dentry = u(f + o("file.f_path.dentry"))
        inode = u(f + o("file.f_inode"))
        p = self.path(u(f + o("file.f_path.mnt")), dentry)
        if not self.u32(inode + o("inode.i_nlink")):
            p += " (deleted)"
        mode = self.u32(inode + o("inode.i_mode")) & 0xffff
        return p, u(inode + o("inode.i_ino")), mode, inode

    def fds(self, task):
        u, o = self.d.u64, self.o
        files = u(task + o("task_struct.files"))
        fdt = u(files + o("files_struct.fdt")) if files else 0
        if not fdt:
            return
        array = u(fdt + o("fdtable.fd"))
        for i in range(self.u32(fdt + o("fdtable.max_fds"))):
            f = u(array + 8 * i)
            if f:
                yield i, f

    def vmas(self, mm):
        self.found = []
        root = self.d.u64(mm + self.o("mm_struct.mm_mt.ma_root"))
        self.maple(root, 0, (1 << 64) - 1)
        return self.found

    def maple(self, entry, lo, hi):
        node, kind = entry & ~0xff, entry >> 3 & 15
        slots, what = (10, "ma64") if kind == 3 else (16, "mr64")
        piv = node + self.o("maple_node.%s.pivot" % what)
        slot = node + self.o("maple_node.%s.slot" % what)
        at = lo
        for i in range(slots):
            end = self.d.u64(piv + 8 * i) if i < slots - 1 else hi
            if i and not end:
                end = hi
            e = self.d.u64(slot + 8 * i)
            if kind > 1 and e:
                if kind == 2 and not e & 3 and not self.is_node(e):
                    self.found.append(e)
                else:
                    self.maple(e, at, end)
            elif e and not e & 3:
                self.found.append(e)
            if end >= hi:
                return
            at = end + 1

    def is_node(self, e):
        return bool(e & 0xff)


def check_bytes(parts, raw):
    for start, data in parts:
        assert raw[start:start + len(data)] == data, hex(start)
    n = sum(len(data) for _, data in parts)
    print("ok  %d bytes in %d ranges equal the raw dump" % (n, len(parts)))


def check_kernel(d, out):
    mine = sorted(("%016x" % a, t, n) for a, t, n in d.all)
    theirs = sorted(tuple(x.split()[:3]) for x in
                    guest(out, "sys/kallsyms").decode().splitlines()
                    if "[" not in x)
    assert mine == theirs
    banner = d.virt(d.symbols["linux_banner"],
                    512).split(b"\0")[0].decode()
    assert banner.encode().strip() == guest(out, "sys/version").strip()
    print("ok  BTF at %#x, %d types; %d symbols equal /proc/kallsyms; %s"
          % (d.btf_pa, len(d.btf.at) - 1, len(mine), banner.split(" (")[0]))


def status(out, pid):
    return dict(x.split(":\t", 1) for x in guest(
        out, "proc/%d/status" % pid).decode().splitlines() if ":\t" in x)


def check_processes(d, w, out):
    """pid, parent, uid, name, arguments, environment, exe, maps, files."""
    o, u = d.btf.off, d.u64
    pids, users, socks, mapped = set(), {}, [], {}
    born = o("task_struct.start_boottime")
    want = {int(p.split("/")[-1])
            for p in glob.glob(out + "/truth/proc/[0-9]*")}
    avml = [u(t + born) for t in d.tasks()
            if d.text(t + o("task_struct.comm"), 16) == "avml"][0]
    for t in d.tasks():
        pid = w.u32(t + o("task_struct.pid"))
        if not pid:
            continue
        if pid not in want:
            assert u(t + born) > avml and not u(t + o("task_struct.mm"))
            print("    kernel thread %d %s is younger than the account" %
                  (pid, d.text(t + o("task_struct.comm"), 16)))
            continue
        pids.add(pid)
        s = status(out, pid)
        parent = u(t + o("task_struct.real_parent"))
        cred = u(t + o("task_struct.cred"))
        assert w.u32(parent + o("task_struct.tgid")) == int(s["PPid"])
        assert w.u32(cred + o("cred.uid")) == int(s["Uid"].split()[0])
        comm = d.text(t + o("task_struct.comm"), 16)
        assert s["Name"].startswith(comm), (comm, s["Name"])
        head = u(t + o("task_struct.signal")) + o("signal_struct.thread_head")
        n, at = 0, u(head)
        while at != head:
            n, at = n + 1, u(at)
        assert n == int(s.get("Threads", 1))
        mm = u(t + o("task_struct.mm"))
        if not mm:
            continue
        users[pid] = comm, mm
        assert w.user(mm, "arg_start", "arg_end") == \
            guest(out, "proc/%d/cmdline" % pid), pid
        assert w.user(mm, "env_start", "env_end").rstrip(b"\0") == \
            guest(out, "proc/%d/environ" % pid).rstrip(b"\0"), pid
        exe = w.file(u(mm + o("mm_struct.exe_file")))[0]
        assert exe == guest(out, "proc/%d/exe" % pid).decode(), exe
        lines = [x.split()[0] for x in guest(
            out, "proc/%d/maps" % pid).decode().splitlines()
            if "vsyscall" not in x]
        got = ["%08x-%08x" % (u(v + o("vm_area_struct.vm_start")),
                              u(v + o("vm_area_struct.vm_end")))
               for v in w.vmas(mm)]
        assert got == lines, (pid, got, lines)
        open_files = dict(x.split(" -> ", 1) for x in guest(
            out, "proc/%d/fd" % pid).decode().splitlines())
        for i, f in w.fds(t):
            p, ino, mode, inode = w.file(f)
            if mode & 0xf000 == 0xc000:
                p = "socket:[%d]" % ino
                socks.append((pid, ino, inode))
            elif mode & 0xf000 == 0x1000:
                p = "pipe:[%d]" % ino
            told = open_files.get(str(i), "memfd")
            assert "memfd" in told or told == p, (pid, i, p, told)
        for line in guest(out, "pagemap").decode().splitlines():
            q, va, pfn = line.split()
            if int(q) == pid:
                va, pfn = int(va, 16), int(pfn, 16)
                if va >> 47:
                    continue
                try:
                    pa = translate_user(d, u(mm + o("mm_struct.pgd")), va)
                    assert pa >> 12 == pfn or comm == "avml", (pid, hex(va))
                except Absent:
                    assert comm == "avml", (pid, hex(va))
                mapped.setdefault(pfn, []).append((pid, comm, va))
    assert pids == want, pids ^ want
    print("ok  %d processes (%d with user memory): ids, parents, owners, "
          "threads, arguments, environments, exe paths, maps, open files, "
          "page tables" % (len(pids), len(users)))
    return mapped, socks, users


def check_tcp(d, w, out, socks):
    o, seen = d.btf.off, set()
    for pid, ino, inode in socks:
        sk = d.u64(inode - o("socket_alloc.vfs_inode") + o("socket.sk"))
        b = d.virt(sk, d.btf.sizeof("sock_common"))

        def num(name, fmt):
            return struct.unpack_from(fmt, b, o("sock_common." + name))[0]
        proto = struct.unpack("<H", d.virt(sk + o("sock.sk_protocol"), 2))[0]
        if num("skc_family", "<H") == 2 and proto == 6:
            seen.add((ino, "%08X:%04X" % (num("skc_rcv_saddr", "<I"),
                                          num("skc_num", "<H")),
                      "%08X:%04X" % (num("skc_daddr", "<I"),
                                     num("skc_dport", ">H")),
                      "%02X" % num("skc_state", "B")))
    want = set()
    for line in guest(out, "sys/net/tcp").decode().splitlines()[1:]:
        f = line.split()
        want.add((int(f[9]), f[1], f[2], f[3]))
    assert seen == want, (seen, want)
    print("ok  TCP sockets:", "; ".join(" ".join(map(str, s))
                                        for s in sorted(seen)))


def each(d, head, member):
    at = d.u64(head)
    while at != head:
        yield at - member
        at = d.u64(at)


def slots(d, entry):
    """Leaves of an xarray, in order."""
    if entry & 3 != 2:
        return [entry] if entry else []
    found = []
    for i in range(64):
        found += slots(d, d.u64(entry - 2 + d.btf.off("xa_node.slots") +
                                8 * i))
    return found


def check_lists(d, w, out, users):
    """Modules, mounts, the whole TCP table, pids, struct pages, one file."""
    o, u, sym = d.btf.off, d.u64, d.symbols
    got = [(d.text(m + o("module.name")), u(m + o("module.core_layout.base")))
           for m in each(d, sym["modules"], o("module.list"))]
    told = [(x.split()[0], int(x.split()[5], 16))
            for x in guest(out, "sys/modules").decode().splitlines()]
    assert got == told
    init = u(sym["init_task"] + o("task_struct.nsproxy"))
    mounts = [(w.u32(m + o("mount.mnt_id")), w.path(
        m + o("mount.mnt"), u(m + o("mount.mnt.mnt_root"))))
        for m in each(d, u(init + o("nsproxy.mnt_ns")) +
                      o("mnt_namespace.list"), o("mount.mnt_list"))]
    told = [(int(x.split()[0]), x.split()[4]) for x in
            guest(out, "sys/self/mountinfo").decode().splitlines()]
    assert mounts == told
    table = sym["tcp_hashinfo"]
    ehash = u(table + o("inet_hashinfo.ehash"))
    size = w.u32(table + o("inet_hashinfo.ehash_mask")) + 1
    conns = sum(1 for i in range(size) if not u(ehash + 8 * i) & 1)
    assert conns == 1
    pids = slots(d, u(sym["init_pid_ns"] +
                      o("pid_namespace.idr.idr_rt.xa_head")))
    for pfn in range(24576):
        u(d.vmemmap + pfn * 64)
    pid, mm = [(p, m) for p, (c, m) in users.items() if c == ".sysupd"][0]
    inode = u(u(mm + o("mm_struct.exe_file")) + o("file.f_inode"))
    pages = [(p - d.vmemmap) // 64 for p in slots(d, u(
        u(inode + o("inode.i_mapping")) + o("address_space.i_pages.xa_head")))]
    told = [int(x.split()[2], 16) for x in
            guest(out, "pagecache").decode().splitlines()
            if x.startswith("/proc/%d/exe " % pid)]
    assert pages == told and d.phys(pages[0] * 4096, 4) == b"\x7fELF"
    for pfn in pages:
        d.phys(pfn * 4096, 4096)
    print("ok  %d modules, %d mounts, %d slots of the TCP table with %d "
          "connection, %d pids in the tree, all struct pages, %d pages of the "
          "deleted executable" % (len(got), len(mounts), size, conns,
                                  len(pids), len(pages)))


def check_history(d, users):
    for pid, (comm, mm) in users.items():
        if comm != "bash":
            continue
        o = d.btf.off
        pgd = d.translate(d.u64(mm + o("mm_struct.pgd")))
        a, b = (d.u64(mm + o("mm_struct." + n)) for n in ("start_brk", "brk"))
        heap = b""
        for va in range(a, b, 4096):
            try:
                heap += d.virt(va, 4096, pgd)
            except Absent:
                heap += bytes(4096)
        for m in re.finditer(rb"#(\d{10})\0", heap):
            at = heap.find(struct.pack("<Q", a + m.start()))
            if at >= 8:
                line = struct.unpack_from("<Q", heap, at - 8)[0] - a
                if 0 <= line < len(heap):
                    text = heap[line:heap.index(b"\0", line)].decode()
                    print("    history of %d: %s %s"
                          % (pid, m.group(1).decode(), text))


def check_key(parts, mapped, out):
    cache = {int(x.split()[2], 16): x.split()[0] for x in
             guest(out, "pagecache").decode().splitlines()}
    owners, n = set(), 0
    for start, data in parts:
        for m in re.finditer(KEY, data):
            pa = start + m.start()
            who = mapped.get(pa >> 12, [])
            owners |= {c for _, c, _ in who}
            n += 1
            print("    key at %#x (page %#x): %s" % (
                pa, pa >> 12, ", ".join(
                    "%s pid %d at %#x" % (c, p, va + (pa & 4095))
                    for p, c, va in who) or cache.get(pa >> 12, "kernel")))
    assert {".sysupd", "nginx", "bash"} <= owners
    print("ok  %d copies of the stolen key" % n)


def main(sample, out):
    parts = joined(ranges(sample))
    size = os.path.getsize(sample)
    assert size <= 7864320, size
    check_bytes(parts, open(out + "/mem.raw", "rb").read())
    d = Dump(parts)
    check_kernel(d, out)
    w = Walk(d)
    mapped, socks, users = check_processes(d, w, out)
    check_tcp(d, w, out, socks)
    check_lists(d, w, out, users)
    check_history(d, users)
    check_key(parts, mapped, out)
    print("%s: %d bytes" % (os.path.basename(sample), size))


if __name__ == "__main__":
    main(*sys.argv[1:])
