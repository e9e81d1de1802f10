/*
 * ELF core files of a machine (QEMU, libvirt, /proc/vmcore): each PT_LOAD
 * holds the bytes of physical addresses from p_paddr on. Layout: elf(5). Only
 * 64 bits, little-endian. More than 0xfffe headers: their number is in
 * section header 0. What a segment has in memory but not in the file is a
 * hole.
 */
#include "base/varint.h"
#include "evidence/memory.h"

enum {
    EHDR = 64,
    PHDR = 56,
    SHDR = 64,
    MANY = 0xffff, /* PN_XNUM */
    LOAD = 1,
};

struct headers {
    uint64_t off, n;
    size_t size;
};

static int find_headers(struct memory_layout *l, struct headers *h,
                        struct err *err)
{
    const unsigned char *p = memory_peek(l, 0, EHDR);
    if (!p)
        return err_set(err, ERR_EVIDENCE, "ELF core: cut in its header");
    if (p[4] != 2)
        return err_set(err, ERR_EVIDENCE,
                       "ELF core of 32 bits: not read by "
                       "this version");
    h->off = u64le(p + 32);
    h->size = u16le(p + 54);
    h->n = u16le(p + 56);
    if (h->n == MANY) {
        p = memory_peek(l, u64le(p + 40), SHDR);
        if (!p)
            return err_set(err, ERR_EVIDENCE,
                           "ELF core: the section header with the number of "
                           "segments is not in the file");
        h->n = u32le(p + 44);
    }
    uint64_t bytes;
    if (h->n == 0)
        return err_set(err, ERR_EVIDENCE,
                       "ELF core without segments (Xen keeps memory in "
                       "sections): not read by this version");
    if (h->size < PHDR)
        return err_set(err, ERR_EVIDENCE,
                       "ELF core: segment headers of %zu bytes", h->size);
    if (__builtin_mul_overflow(h->n, (uint64_t)h->size, &bytes) ||
        bytes > l->file->size || h->off > l->file->size - bytes)
        return err_set(err, ERR_EVIDENCE,
                       "ELF core: its %llu segment headers lie beyond the end "
                       "of the file",
                       (unsigned long long)h->n);
    return 0;
}

/* One PT_LOAD; false when no more is taken. A small file whose segments all
 * mean the same bytes would be petabytes. */
static bool add_segment(struct memory_layout *l, const unsigned char *p,
                        uint64_t *nowhere)
{
    uint64_t off = u64le(p + 8), address = u64le(p + 24);
    uint64_t in_file = u64le(p + 32), in_memory = u64le(p + 40);
    l->stated++;
    if (address >= MEMORY_ADDRESS_END ||
        in_memory > MEMORY_ADDRESS_END - address) {
        ++*nowhere;
        return true;
    }
    uint64_t n = in_file < in_memory ? in_file : in_memory;
    uint64_t have = off < l->file->size ? l->file->size - off : 0;
    if (in_file > in_memory)
        memory_issue(l, "memory-segment", false, address,
                     "the segment of 0x%llx has more bytes in the file than in "
                     "memory",
                     (unsigned long long)address);
    else if (in_file && in_file < in_memory)
        memory_issue(l, "memory-short", false, address + in_file,
                     "the segment of 0x%llx ends %llu bytes early: they were "
                     "zero or not taken",
                     (unsigned long long)address,
                     (unsigned long long)(in_memory - in_file));
    if (have < n)
        memory_issue(l, "memory-cut", true, address + have,
                     "the segment of 0x%llx is cut: %llu of %llu bytes are "
                     "behind the end of the file",
                     (unsigned long long)address,
                     (unsigned long long)(n - have), (unsigned long long)n);
    n = have < n ? have : n;
    if (n > l->file->size - l->laid) {
        memory_issue(l, "memory-shared", true, address,
                     "segments share bytes of the file: from 0x%llx on they "
                     "would be more than the file holds and are not read",
                     (unsigned long long)address);
        return false;
    }
    l->laid += n;
    return memory_add(
        l, (struct memory_piece){ .start = address, .len = n, .file = off });
}

/* A process's core gives no physical address at all. */
static bool of_process(struct memory_layout *l, const struct headers *h)
{
    unsigned loads = 0;
    for (uint64_t i = 0; i < h->n && i < MEMORY_RANGES_MAX; i++) {
        const unsigned char *p = memory_peek(l, h->off + i * h->size, PHDR);
        if (!p || u32le(p) != LOAD)
            continue;
        if (u64le(p + 24) != 0)
            return false;
        loads += loads < 2;
    }
    return loads > 1;
}

int memory_walk_elf(struct memory_layout *l, struct err *err)
{
    struct headers h = { 0 };
    uint64_t nowhere = 0;
    int code = find_headers(l, &h, err);
    if (code)
        return code;
    if (of_process(l, &h))
        return err_set(err, ERR_EVIDENCE,
                       "a core file of a process, not of a machine: its "
                       "segments have no physical addresses");
    if (h.n > MEMORY_RANGES_MAX)
        memory_issue(l, "memory-ranges", true, 0,
                     "%llu segments; only the first %d are read",
                     (unsigned long long)h.n, (int)MEMORY_RANGES_MAX);
    for (uint64_t i = 0; i < h.n && i < MEMORY_RANGES_MAX; i++) {
        const unsigned char *p = memory_peek(l, h.off + i * h.size, PHDR);
        if (p && u32le(p) == LOAD && !add_segment(l, p, &nowhere))
            break;
    }
    if (nowhere)
        memory_issue(l, "memory-no-address", true, 0,
                     "%llu segments have no possible physical address and are "
                     "not read",
                     (unsigned long long)nowhere);
    return 0;
}
