/*
 * Prints the records of event logs as evtxexport -f xml does, to compare our
 * reader of binary XML with that of libevtx: evtx_xml FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/varint.h"
#include "importers/binxml.h"

enum { HEAD = 4096, CHUNK = 65536, CHUNK_HEAD = 512 };

static void escaped(struct str s, bool attribute)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '<':
            fputs("&lt;", stdout);
            break;
        case '>':
            fputs("&gt;", stdout);
            break;
        case '&':
            fputs("&amp;", stdout);
            break;
        case '"':
            fputs(attribute ? "&quot;" : "\"", stdout);
            break;
        case '\'':
            fputs(attribute ? "&apos;" : "'", stdout);
            break;
        default:
            putchar(s.p[i]);
        }
    }
}

/* libevtx writes numbers in hexadecimal with all their digits. */
static void padded(const struct binxml_part *p, bool attribute)
{
    size_t digits = p->type == 0x15 ? 18 : p->type == 0x14 ? 10 : 0;
    if (p->value.n < 3 || p->value.n > digits) {
        escaped(p->value, attribute);
        return;
    }
    fputs("0x", stdout);
    for (size_t i = p->value.n; i < digits; i++)
        putchar('0');
    fwrite(p->value.p + 2, 1, p->value.n - 2, stdout);
}

static void indent(unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        fputs("  ", stdout);
}

static void print(const struct binxml *x)
{
    unsigned depth = 0;
    bool start = false, text = false;
    struct str names[64];
    for (size_t i = 0; i < x->n; i++) {
        const struct binxml_part *p = &x->v[i];
        if (start && p->kind == BINXML_TEXT)
            putchar('>');
        if (start && p->kind == BINXML_OPEN)
            puts(">");
        switch (p->kind) {
        case BINXML_OPEN:
            indent(depth);
            names[depth++ % 64] = p->name;
            putchar('<');
            fwrite(p->name.p, 1, p->name.n, stdout);
            text = false;
            break;
        case BINXML_ATTR:
            putchar(' ');
            fwrite(p->name.p, 1, p->name.n, stdout);
            fputs("=\"", stdout);
            padded(p, true);
            putchar('"');
            break;
        case BINXML_TEXT:
            padded(p, false);
            text = true;
            break;
        default:
            depth--;
            if (start) {
                puts("/>");
            } else {
                if (!text)
                    indent(depth);
                fputs("</", stdout);
                fwrite(names[depth % 64].p, 1, names[depth % 64].n, stdout);
                puts(">");
            }
            text = false;
        }
        start = p->kind == BINXML_OPEN || (start && p->kind == BINXML_ATTR);
    }
    putchar('\n');
}

static void chunk_print(struct binxml *x, struct str chunk)
{
    size_t at = CHUNK_HEAD, end = u32le(chunk.p + 48);
    if (end > chunk.n)
        end = chunk.n;
    binxml_chunk(x);
    while (at + 28 <= end && u32le(chunk.p + at) == 0x2a2a) {
        size_t n = u32le(chunk.p + at + 4);
        if (n < 28 || n > end - at)
            break;
        arena_reset(x->arena);
        if (binxml_read(x, chunk, at + 24, at + n - 4))
            printf("<!-- %s -->\n", x->why);
        print(x);
        at += n;
    }
}

int main(int argc, char **argv)
{
    static char bytes[CHUNK];
    struct arena a = { 0 };
    struct binxml x = { .arena = &a };
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 1;
    for (off_t off = HEAD; pread(fd, bytes, CHUNK, off) == CHUNK; off += CHUNK)
        if (memcmp(bytes, "ElfChnk", 8) == 0)
            chunk_print(&x, (struct str){ bytes, CHUNK });
    close(fd);
    binxml_free(&x);
    arena_free(&a);
    return 0;
}
