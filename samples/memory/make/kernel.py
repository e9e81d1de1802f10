"""A small symbol-free reader of a Linux x86-64 dump, for selecting and checking.

Finds the kernel's type data (BTF) and symbol table (kallsyms) by their own
structure, as docs of the program describe it; only for the sample's tools.
"""
import re
import struct

MASK = (1 << 64) - 1


class Absent(Exception):
    pass


class Btf:
    """Member offsets by name; enough of BTF for structs, unions, typedefs."""
    EXTRA = {1: 4, 3: 12, 14: 4, 17: 4}
    PER_ITEM = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}

    def __init__(self, blob):
        magic, _, _, hdr, toff, tlen, soff, slen = struct.unpack_from(
            "<HBBIIIII", blob)
        assert magic == 0xeb9f and hdr == 24 and toff == 0 and soff == tlen
        self.size = 24 + tlen + slen
        self.strs = blob[24 + soff:24 + soff + slen]
        assert len(self.strs) == slen and not self.strs[0] \
            and not self.strs[-1]
        self.b, self.at, self.names = blob, [0], {}
        p = 24
        while p < 24 + tlen:
            name, info, _ = struct.unpack_from("<III", blob, p)
            kind, vlen = info >> 24 & 31, info & 0xffff
            assert 1 <= kind <= 19 and name < slen
            if kind in (4, 5, 8):
                self.names.setdefault(self.name(name), []).append(len(self.at))
            self.at.append(p)
            p += 12 + self.EXTRA.get(kind, 0) + self.PER_ITEM.get(kind, 0) * vlen
        assert p == 24 + tlen
        for need in ("task_struct", "list_head", "mm_struct"):
            assert need in self.names

    def name(self, off):
        return self.strs[off:self.strs.index(b"\0", off)].decode()

    def strip(self, t):
        while True:
            _, info, ref = struct.unpack_from("<III", self.b, self.at[t])
            if info >> 24 & 31 not in (8, 9, 10, 11, 18):
                return t
            t = ref

    def find(self, t, member):
        """(byte offset, type) of a member, anonymous ones looked through."""
        p = self.at[self.strip(t)]
        info = struct.unpack_from("<I", self.b, p + 4)[0]
        for i in range(info & 0xffff):
            n, mt, off = struct.unpack_from("<III", self.b, p + 12 + 12 * i)
            off = (off & 0xffffff if info >> 31 else off) // 8
            if self.name(n) == member:
                return off, mt
            if not n:
                inner = self.find(mt, member)
                if inner:
                    return off + inner[0], inner[1]
        return None

    def off(self, path):
        """off("task_struct.comm") -> bytes."""
        first, *rest = path.split(".")
        for t in self.names[first]:
            at, ok = 0, True
            for member in rest:
                r = self.find(t, member)
                if not r:
                    ok = False
                    break
                at, t = at + r[0], r[1]
            if ok:
                return at
        raise KeyError(path)

    def sizeof(self, name):
        return max(struct.unpack_from("<I", self.b, self.at[t] + 8)[0]
                   for t in self.names[name])


class Dump:
    """Physical ranges [(start, bytes)] and what the kernel says of them."""

    def __init__(self, ranges):
        self.ranges = sorted(ranges)
        self.btf_pa, self.btf = self.find_btf()
        self.symbols = self.find_symbols()
        self.delta = self.symbols["__start_BTF"] - self.btf_pa
        assert self.delta % (2 << 20) == 0
        self.pgd = self.symbols["init_top_pgt"] - self.delta
        self.page_offset = self.u64(self.symbols["page_offset_base"])
        self.vmemmap = self.u64(self.symbols["vmemmap_base"])

    def phys(self, pa, n):
        for start, data in self.ranges:
            if start <= pa and pa + n <= start + len(data):
                return data[pa - start:pa - start + n]
        raise Absent(hex(pa))

    def find_btf(self):
        pattern = bytes.fromhex("9feb01001800000000000000")
        for start, data in self.ranges:
            at = data.find(pattern)
            while at >= 0:
                try:
                    b = Btf(data[at:at + (8 << 20)])
                    if b.size > 1 << 20:
                        return start + at, b
                except (AssertionError, ValueError, struct.error):
                    pass
                at = data.find(pattern, at + 1)
        raise Absent("BTF")

    def find_symbols(self):
        """The layout of 6.1: offsets, base, count, names, markers, tokens."""
        digits = b"".join(b"%d\0" % i for i in range(10))
        for start, d in self.ranges:
            for hit in re.finditer(re.escape(digits), d):
                got = self.symbols_at(d, hit.start())
                if got:
                    return got
        raise Absent("kallsyms")

    def symbols_at(self, d, hit):
        for p in range(hit + 1 & ~1, hit + 4096, 2):
            idx = struct.unpack_from("<256H", d, p) if p + 512 < len(d) else ()
            if idx and idx[0] == 0 and all(a < b for a, b in
                                           zip(idx, idx[1:])):
                break
        else:
            return None
        table = hit - idx[0x30]
        if table < 0:
            return None
        token = [d[table + i:d.index(b"\0", table + i)] for i in idx]

        def step(q):
            n, q = d[q], q + 1
            if n & 0x80:
                n, q = n & 0x7f | d[q] << 7, q + 1
            return q + n, q

        # names begin where a count precedes them and 256 steps meet markers
        for m in range(table & ~7, max(0, table - (1 << 20)), -8):
            m0, m1, m2 = struct.unpack_from("<III", d, m)
            if m0 or not 512 <= m1 <= 16384 or not 512 <= m2 - m1 <= 16384:
                continue
            marks, q = [0], m + 4
            while q < table:
                v = struct.unpack_from("<I", d, q)[0]
                if not marks[-1] + 256 <= v <= marks[-1] + 16384:
                    break
                marks.append(v)
                q += 4
            for names in range((m - marks[-1]) & ~7,
                               m - marks[-1] - 16384, -8):
                num = struct.unpack_from("<I", d, names - 8)[0]
                if (num + 255) // 256 != len(marks):
                    continue
                q = names
                for _ in range(256):
                    q = step(q)[0]
                if q == names + m1:
                    return self.expand(d, names, num, token, step)
        return None

    def expand(self, d, names, num, token, step):
        base = struct.unpack_from("<Q", d, names - 16)[0]
        offs = struct.unpack_from("<%di" % num, d,
                                  names - 16 - (num * 4 + 7) // 8 * 8)
        out, q, self.count, self.all = {}, names, num, []
        for i in range(num):
            end, q = step(q)
            text = b"".join(token[c] for c in d[q:end]).decode()
            q = end
            addr = offs[i] if offs[i] >= 0 else (base - 1 - offs[i]) & MASK
            self.all.append((addr, text[0], text[1:]))
            if text[1:] not in out or text[0] in "dDbBrR":
                out[text[1:]] = addr
        return out

    # virtual memory -------------------------------------------------------
    def translate(self, va, pgd=None):
        t = self.pgd if pgd is None else pgd
        for shift in (39, 30, 21, 12):
            e = struct.unpack("<Q", self.phys(
                t + (va >> shift & 511) * 8, 8))[0]
            if not e & 1:
                raise Absent("not mapped " + hex(va))
            t = e & 0x000ffffffffff000
            if shift in (30, 21) and e & 0x80:
                low = (1 << shift) - 1
                return t & ~low | va & low
        return t | va & 4095

    def virt(self, va, n, pgd=None):
        out = b""
        while n:
            part = min(n, 4096 - (va & 4095))
            out += self.phys(self.translate(va, pgd), part)
            va, n = va + part, n - part
        return out

    def u64(self, va):
        if 0xffffffff80000000 <= va < 0xffffffffc0000000:  # not modules
            return struct.unpack("<Q", self.phys(va - self.delta, 8))[0]
        return struct.unpack("<Q", self.virt(va, 8))[0]

    def text(self, va, n=64):
        n = min(n, 4096 - (va & 4095))
        return self.virt(va, n).split(b"\0")[0].decode("latin1")

    def tasks(self):
        o = self.btf.off
        t_tasks, first = o("task_struct.tasks"), self.symbols["init_task"]
        at, seen = first, set()
        while at not in seen:
            seen.add(at)
            yield at
            nxt = self.u64(at + t_tasks)
            assert self.u64(nxt + 8) == at + t_tasks, "list broken"
            at = nxt - t_tasks
        assert at == first, "list does not close"


def translate_user(dump, pgd_va, va):
    """Physical address of a user page through the process's own tables."""
    return dump.translate(va, dump.translate(pgd_va))
