/* Virtual disks: what is read twice is the same, gaps read as zeros, no
 * offset of the medium is out of reach. The first byte chooses the kind, so
 * that a changed magic number is no dead end, or with AS_FOUND leaves it to
 * recognition; with SPLIT the file is cut into a descriptor and its extents.
 * The file may be packed as in tests/evidence/sectors.h. */
#include "evidence/container.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/evidence/sectors.h"
#include "tests/fuzz/replay.h"

enum {
    PART = 5000,
    PARTS = 64,
    FILE_MAX = 32 << 20,
    AS_FOUND = 4, /* bits of the first byte, above the kind */
    SPLIT = 8,
    DESCRIPTOR = 1024, /* bytes of the first file, */
    EXTENT = 8192,     /* and of each further one */
    EXTENTS = 8,
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void read_part(struct source *s, uint64_t off)
{
    char a[PART], b[PART];
    size_t got, again;
    must(!source_read(s, off, a, PART, &got, NULL));
    must(!source_read(s, off, b, PART, &again, NULL));
    must(got == again && memcmp(a, b, got) == 0);
    must(got == PART || off + got == s->size);
    for (size_t i = 0; i < got; i++)
        if (a[i])
            must(!source_gap_in(s, off + i, 1));
}

/* Split files are read from descriptors. */
static struct source *open_split(struct str s)
{
    int fds[1 + EXTENTS];
    size_t n = 0;
    for (size_t at = 0, len = DESCRIPTOR; n < 1 + EXTENTS && at < s.n; n++) {
        struct str part = str_sub(s, at, len);
        fds[n] = memfd_create("part", MFD_CLOEXEC);
        must(fds[n] >= 0);
        must(write(fds[n], part.p, part.n) == (ssize_t)part.n);
        at += len;
        len = EXTENT;
    }
    return n ? source_open_split(fds, n, NULL) : NULL;
}

static enum container_kind recognise(struct source *file, struct str s)
{
    enum container_kind kind = container_of(file);
    must(kind != CONTAINER_EBS && container_name(kind, s)[0]);
    must(kind == CONTAINER_NONE || kind == CONTAINER_OTHER ||
         container_layer(kind));
    return kind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum container_kind kinds[] = { CONTAINER_QCOW, CONTAINER_VHD,
                                                 CONTAINER_VHDX,
                                                 CONTAINER_VMDK };
    if (size == 0)
        return 0;
    struct str bytes = { (const char *)data + 1, size - 1 };
    size_t n;
    char *whole = sectors_unpack(bytes, FILE_MAX, &n);
    if (whole)
        bytes = (struct str){ whole, n };
    struct source *file =
        data[0] & SPLIT ? open_split(bytes) : source_open_memory(bytes, NULL);
    enum container_kind kind = kinds[data[0] % 4];
    if (file && data[0] & AS_FOUND)
        kind = recognise(file, bytes);
    struct source *s = file ? container_open(kind, file, NULL) : NULL;
    if (s) {
        const struct container_info *in = container_info(s);
        uint64_t step = s->size / PARTS + 1;
        must(kind == CONTAINER_EWF ? !in : in->n_values <= CONTAINER_VALUES);
        for (uint64_t off = 0, i = 0; off < s->size && i < PARTS; i++) {
            read_part(s, off);
            off += i < 8 ? PART : step;
        }
    }
    source_close(s);
    source_close(file);
    free(whole);
    return 0;
}
