"""Put the guest's own account of itself into a few small text files.

usage: truth.py OUTDIR TRUTHDIR

NUL bytes of argument and environment lists are written as \\0.
"""
import glob
import gzip
import hashlib
import os
import sys

KALLSYMS = """_text _stext _etext __start_rodata __end_rodata _sdata _edata
__start_BTF __stop_BTF linux_banner init_task init_top_pgt init_uts_ns
page_offset_base vmemmap_base vmalloc_base modules prb tk_core tcp_hashinfo
init_pid_ns super_blocks init_net net_namespace_list per_cpu_offset
__per_cpu_offset kallsyms_names kallsyms_num_syms btf_modules slab_caches
udp_table init_nsproxy sys_call_table _end""".split()
SYSTEM = {
    "sys/net/tcp": "net-tcp", "sys/net/udp": "net-udp",
    "sys/net/tcp6": "net-tcp6",
    "sys/net/unix": "net-unix", "sys/net/route": "net-route",
    "sys/net/arp": "net-arp", "sys/net/dev": "net-dev",
    "sys/net/fib_trie": "net-fib_trie",
    "sys/modules": "modules", "sys/mounts": "mounts",
    "sys/self/mountinfo": "mountinfo", "sys/iomem": "iomem",
    "sys/cmdline": "kernel-cmdline", "sys/version": "version",
    "sys/stat": "stat", "sys/uptime": "uptime", "sys/clock": "clock",
    "sys/meminfo": "meminfo", "sys/slabinfo": "slabinfo",
    "sys/sys/kernel/random/boot_id": "boot_id", "sys/dmesg": "dmesg",
    "sys/sys/kernel/tainted": "tainted", "files/access.log": "nginx-access",
    "registers": "registers", "pagecache": "pagecache", "pagemap": "pagemap",
}


def per_process(src, kind):
    parts = []
    dirs = sorted(glob.glob(src + "/proc/[0-9]*"),
                  key=lambda p: int(p.rsplit("/", 1)[1]))
    for d in dirs:
        try:
            data = open(d + "/" + kind, "rb").read()
        except FileNotFoundError:
            continue
        if data:
            parts.append(b"== %s\n" % d.rsplit("/", 1)[1].encode() +
                         data.replace(b"\0", b"\\0").rstrip(b"\n") + b"\n")
    return b"".join(parts)


def symbols(src):
    lines = [x for x in open(src + "/sys/kallsyms").read().splitlines()
             if "[" not in x]
    whole = "".join(x.split("\t")[0].rstrip() + "\n" for x in sorted(lines))
    some = [x for x in lines if x.split()[2] in KALLSYMS]
    return ("# kernel symbols %d; sha256 of all \"ADDRESS TYPE NAME\" lines, "
            "sorted bytewise:\n# %s\n" %
            (len(lines), hashlib.sha256(whole.encode()).hexdigest()) +
            "".join(x + "\n" for x in some)).encode()


def put(path, data):
    if len(data) > 65536:
        with open(path + ".gz", "wb") as f:
            f.write(gzip.compress(data, 9, mtime=0))
        return
    with open(path, "wb") as f:
        f.write(data)


def main(out, to):
    src = out + "/truth"
    os.makedirs(to, exist_ok=True)
    for kind in ("status", "stat", "cmdline", "environ", "maps", "fd",
                 "exe"):
        put("%s/proc-%s" % (to, kind), per_process(src, kind))
    for name, short in SYSTEM.items():
        if os.path.exists(src + "/" + name):
            put("%s/%s" % (to, short), open(src + "/" + name, "rb").read())
    put(to + "/kallsyms", symbols(src))
    put(to + "/kpageflags", open(src + "/kpageflags", "rb").read())


if __name__ == "__main__":
    main(*sys.argv[1:])
