/* Virtual disks: what is read twice is the same, gaps read as zeros, no
 * offset of the medium is out of reach. The first byte chooses the kind, so
 * that a changed magic number is no dead end; the file may be packed as in
 * tests/evidence/sectors.h. */
#include "evidence/container.h"

#include <stdlib.h>

#include "tests/evidence/sectors.h"
#include "tests/fuzz/replay.h"

enum { PART = 5000, PARTS = 64, FILE_MAX = 32 << 20 };

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
    struct source *file = source_open_memory(bytes, NULL);
    struct source *s =
        file ? container_open(kinds[data[0] % 4], file, NULL) : NULL;
    if (s) {
        uint64_t step = s->size / PARTS + 1;
        must(container_info(s)->n_values <= CONTAINER_VALUES);
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
