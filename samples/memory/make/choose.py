"""Which pages of the dump the sample keeps.

usage: choose.py OUTDIR        prints "START LENGTH" (hex) per kept range,
                               a table of what was kept and dropped to stderr

Every page gets one class from what the guest said of it (kpageflags), the
kernel's symbols and, for slabs, the name of the cache; DROP names the classes
that are left out. A dropped page is a gap between ranges, never zeros.
"""
import collections
import struct
import sys

from kernel import Absent, Dump

# page-cache contents that are only program text of others
BIG_FILES = ("/bin/bash", "/usr/local/bin/avml", "/usr/bin/aws",
             "/usr/bin/curl", "/usr/bin/id", "/usr/bin/hostname",
             "/usr/bin/systemctl", "/usr/bin/sha256sum")
DROP = {
    "free": "free pages (buddy lists)",
    "text": "kernel code",
    "unwind": "kernel unwind (ORC) and bug tables",
    "tables": "exported-symbol, ftrace and fixup tables",
    "file-other": "page cache of bash, avml and the small tools",
    "slab-debug": "inodes and dentries of tracefs, debugfs, securityfs",
    "slab-kernfs_node_cache": "sysfs nodes",
    "slab-ftrace_event_field": "event descriptions",
    "slab-trace_event_file": "event descriptions",
    "slab-biovec-max": "block layer reserves",
    "slab-lsm_inode_cache": "security labels",
    "slab-names_cache": "path buffers",
    "slab-Acpi": "ACPI objects",
    "low": "first MiB and boot leftovers outside the kernel",
}
OWN_FS = ("tmpfs", "proc", "devtmpfs", "pipefs", "sockfs", "bdev", "devpts",
          "anon_inodefs", "rootfs", "ramfs", "nsfs", "mqueue", "sysfs")
FS_BAD = ("tracefs", "debugfs", "securityfs")


class Chooser:
    def __init__(self, out):
        raw = open(out + "/mem.raw", "rb").read()
        self.raw, self.n = raw, len(raw) // 4096
        self.d = Dump([(0, raw)])
        self.flags = [1 << 20] * self.n
        for line in open(out + "/truth/kpageflags"):
            pfn, f, _ = line.split()
            self.flags[int(pfn, 16)] = int(f, 16)
        self.files = {}
        for line in open(out + "/truth/pagecache"):
            path, index, pfn = line.split()
            self.files[int(pfn, 16)] = path
        self.sym = {k: v - self.d.delta for k, v in self.d.symbols.items()
                    if 0xffffffff80000000 <= v < 0xffffffffc0000000}
        self.fs_of, self.cache_names = {}, {}

    def inside(self, pa, first, last):
        return self.sym[first] <= pa and pa + 4096 <= self.sym[last]

    def image_class(self, pa):
        if self.inside(pa, "_stext", "_etext"):
            return "text"
        if self.inside(pa, "__start_orc_unwind_ip", "__stop_orc_unwind"):
            return "unwind"
        if self.inside(pa, "__start___jump_table", "__start___param"):
            return "tables"
        if self.inside(pa, "__init_begin", "__init_end"):
            return "tables"
        if pa < self.sym["_etext"] + 4096:
            return "text"
        return "image"

    def page_word(self, pfn, off):
        return self.d.u64(self.d.vmemmap + pfn * 64 + off)

    def cache_of(self, pfn):
        head = self.page_word(pfn, 8)
        if self.flags[pfn] >> 16 & 1:
            pfn = ((head & ~1) - self.d.vmemmap) // 64
        cache = self.page_word(pfn, self.d.btf.off("slab.slab_cache"))
        if cache not in self.cache_names:
            name = self.d.u64(cache + self.d.btf.off("kmem_cache.name"))
            size = struct.unpack("<I", self.d.virt(
                cache + self.d.btf.off("kmem_cache.size"), 4))[0]
            self.cache_names[cache] = self.d.text(name), size
        return (pfn,) + self.cache_names[cache]

    def fs(self, sb):
        if sb not in self.fs_of:
            try:
                t = self.d.u64(sb + self.d.btf.off("super_block.s_type"))
                self.fs_of[sb] = self.d.text(self.d.u64(
                    t + self.d.btf.off("file_system_type.name")))
            except Absent:
                self.fs_of[sb] = ""
        return self.fs_of[sb]

    def only_debug(self, pfn, head, size, member):
        """No object that touches this page is of a file system of the host."""
        base = head * 4096
        first = max(0, (pfn * 4096 - base) // size)
        last = (pfn * 4096 + 4095 - base) // size
        for i in range(first, last + 1):
            at = base + i * size + member
            if at + 8 > len(self.raw):
                continue
            sb = struct.unpack_from("<Q", self.raw, at)[0]
            if sb >= 0xffff800000000000 and self.fs(sb) in OWN_FS:
                return False
        return True

    def slab_class(self, pfn):
        head, name, size = self.cache_of(pfn)
        o = self.d.btf.off
        if name == "inode_cache" and self.only_debug(
                pfn, head, size, o("inode.i_sb")):
            return "slab-debug"
        if name == "dentry" and self.only_debug(
                pfn, head, size, o("dentry.d_sb")):
            return "slab-debug"
        return "slab-" + ("Acpi" if name.startswith("Acpi") else name)

    def page_class(self, pfn):
        f, pa = self.flags[pfn], pfn * 4096
        if f >> 10 & 1:
            return "free"
        if self.sym["_text"] <= pa < self.sym["_end"] and f >> 32 & 1:
            return self.image_class(pa)
        if f >> 20 & 1 or pa < 1 << 20:
            return "low"
        if f >> 7 & 1:
            return self.slab_class(pfn)
        if f >> 26 & 1:
            return "page tables"
        if f >> 12 & 1:
            return "user anonymous"
        if pfn in self.files or f >> 5 & 1:
            path = self.files.get(pfn, "")
            other = path in BIG_FILES and self.raw[pa:pa + 4] != b"\x7fELF"
            return "file-other" if other or not path else "file"
        return "kernel other"


def main(out):
    c = Chooser(out)
    pages, kept, last = collections.Counter(), [], None
    for pfn in range(c.n):
        k = c.page_class(pfn)
        pages[k] += 1
        if k in DROP:
            continue
        if kept and kept[-1][1] == pfn:
            kept[-1][1] = pfn + 1
        else:
            kept.append([pfn, pfn + 1])
    for a, b in kept:
        print("%x %x" % (a * 4096, (b - a) * 4096))
    total = 0
    for k, n in pages.most_common():
        print("%-7s %6d  %s" % ("dropped" if k in DROP else "kept", n, k),
              file=sys.stderr)
        total += 0 if k in DROP else n
    print("kept %d of %d pages in %d ranges" % (total, c.n, len(kept)),
          file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
