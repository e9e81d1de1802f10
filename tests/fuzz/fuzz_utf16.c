/* What is decoded is the text: encoded again it is what was there, and reading
 * backwards gives the same as reading forwards. */
#include "evidence/utf16.h"

#include <stdlib.h>

#include "tests/fuzz/replay.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* One character of WTF-8 at *p. */
static unsigned take(const unsigned char **p)
{
    unsigned c = *(*p)++;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    c &= more == 3 ? 7u : more == 2 ? 15u : more == 1 ? 31u : 127u;
    while (more--)
        c = c << 6 | (*(*p)++ & 63u);
    return c;
}

static size_t put(unsigned char *out, unsigned u, bool big)
{
    out[big ? 0 : 1] = (unsigned char)(u >> 8);
    out[big ? 1 : 0] = (unsigned char)u;
    return 2;
}

static size_t encode(unsigned char *out, const unsigned char *p, size_t n,
                     bool big)
{
    const unsigned char *end = p + n;
    size_t at = 0;
    while (p < end) {
        unsigned c = take(&p);
        if (c >= 0x10000) {
            at += put(out + at, 0xd800 + ((c - 0x10000) >> 10), big);
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        at += put(out + at, c, big);
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { (const char *)data, size };
    struct source *file = source_open_memory(in, NULL);
    must(file != NULL);
    struct source *s = source_open_utf16(file, NULL);
    must((s != NULL) == utf16_recognise(in));
    if (!s) {
        source_close(file);
        return 0;
    }
    const struct utf16_report *r = utf16_source_report(s);
    unsigned char *text = malloc((size_t)s->size + 1), part[701];
    unsigned char *again = malloc(size + 4);
    size_t got;
    must(text && again && s->size <= size / 2 * 3);
    must(!source_read(s, 0, text, (size_t)s->size, &got, NULL));
    must(got == s->size);
    for (uint64_t off = s->size; off > 0;) {
        uint64_t n = off < sizeof part ? off : sizeof part;
        off -= n;
        must(!source_read(s, off, part, (size_t)n, &got, NULL) && got == n);
        must(memcmp(part, text + off, got) == 0);
    }
    size_t bom = r->bom ? 2 : 0;
    must(r->odd == (size % 2 == 1));
    must(encode(again, text, (size_t)s->size, r->big) ==
         size - bom - (size % 2));
    must(memcmp(again, data + bom, size - bom - (size % 2)) == 0);
    free(text);
    free(again);
    source_close(s);
    source_close(file);
    return 0;
}
