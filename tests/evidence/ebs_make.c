/*
 * Makes the files that scripts over the EBS direct APIs leave behind:
 *
 *   ebs_make IMAGE DIR LAYOUT [sums] [pages=N] [more] [nolist] [changed=OLD]
 *            [snap=ID]
 *
 * LAYOUT: index, padded, block, snap, snap4n6. A block that is all zero counts
 * as never written. changed: only what differs from OLD, with the answer of
 * ListChangedBlocks. more: the last page has a NextToken. Tokens are the word
 * TOKEN and the index, so that a test can look for them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"

enum { BLOCK = 512 << 10 };

struct make {
    const char *dir, *layout, *snap;
    bool sums, more, list;
    int image, old;
    uint32_t pages, blocks, gib;
    char *now, *before;
    struct {
        uint32_t index;
        bool first, second;
    } * entries;
    uint32_t n;
};

static bool is_zero(const char *p)
{
    return p[0] == 0 && memcmp(p, p + 1, BLOCK - 1) == 0;
}

static void read_block(int fd, uint32_t i, char *p)
{
    memset(p, 0, BLOCK);
    if (fd >= 0 && pread(fd, p, BLOCK, (off_t)i * BLOCK) < 0)
        exit(1);
}

static void write_file(const struct make *m, const char *name, struct str s)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", m->dir, name);
    FILE *f = fopen(path, "we");
    if (!f || fwrite(s.p, 1, s.n, f) != s.n || fclose(f) != 0)
        exit(1);
}

static void base64(struct buf *b, const unsigned char *p, size_t n)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
                              "wxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;
        v |= i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0;
        v |= i + 2 < n ? p[i + 2] : 0;
        buf_putc(b, set[v >> 18]);
        buf_putc(b, set[v >> 12 & 63]);
        buf_putc(b, i + 1 < n ? set[v >> 6 & 63] : '=');
        buf_putc(b, i + 2 < n ? set[v & 63] : '=');
    }
}

static void block_files(const struct make *m, uint32_t i)
{
    unsigned char sha[SHA256_LEN];
    struct buf name = { 0 }, json = { 0 };
    hash_sha256((struct str){ m->now, BLOCK }, sha);
    if (strcmp(m->layout, "index") == 0) {
        buf_printf(&name, "%u", i);
    } else if (strcmp(m->layout, "padded") == 0) {
        buf_printf(&name, "%06u", i);
    } else if (strcmp(m->layout, "block") == 0) {
        buf_printf(&name, "block-%u.bin", i);
    } else if (strcmp(m->layout, "snap") == 0) {
        buf_printf(&name, "%s_%u", m->snap, i);
    } else {
        buf_printf(&name, "%010u_%s_", i, m->snap);
        buf_put_hex(&name, sha, sizeof sha);
        buf_printf(&name, "_%u_%u", m->gib, BLOCK);
    }
    buf_putc(&name, 0);
    write_file(m, name.p, (struct str){ m->now, BLOCK });
    if (m->sums) {
        name.n--;
        buf_putz(&name, ".json");
        buf_putc(&name, 0);
        buf_printf(&json, "{\n    \"DataLength\": %u,\n    \"Checksum\": \"",
                   BLOCK);
        base64(&json, sha, sizeof sha);
        buf_putz(&json, "\",\n    \"ChecksumAlgorithm\": \"SHA256\"\n}\n");
        write_file(m, name.p, buf_str(&json));
    }
    buf_free(&name);
    buf_free(&json);
}

static void blocks(struct make *m)
{
    for (uint32_t i = 0; i < m->blocks; i++) {
        read_block(m->image, i, m->now);
        read_block(m->old, i, m->before);
        bool first = m->old >= 0 && !is_zero(m->before);
        bool second = !is_zero(m->now);
        if (m->old >= 0 ? memcmp(m->now, m->before, BLOCK) == 0 : !second)
            continue;
        m->entries[m->n].index = i;
        m->entries[m->n].first = first;
        m->entries[m->n++].second = second;
        if (second)
            block_files(m, i);
    }
}

static void page(const struct make *m, uint32_t number)
{
    struct buf b = { 0 };
    char name[100];
    uint32_t from = (uint32_t)((uint64_t)m->n * number / m->pages);
    uint32_t to = (uint32_t)((uint64_t)m->n * (number + 1) / m->pages);
    buf_printf(&b, "{\"%s\": [", m->old >= 0 ? "ChangedBlocks" : "Blocks");
    for (uint32_t i = from; i < to; i++) {
        uint32_t index = m->entries[i].index;
        buf_printf(&b, "%s{\"BlockIndex\": %u", i > from ? ", " : "", index);
        if (m->old < 0)
            buf_printf(&b, ", \"BlockToken\": \"TOKEN%u\"", index);
        if (m->old >= 0 && m->entries[i].first)
            buf_printf(&b, ", \"FirstBlockToken\": \"TOKEN%u\"", index);
        if (m->old >= 0 && m->entries[i].second)
            buf_printf(&b, ", \"SecondBlockToken\": \"TOKEN%u\"", index);
        buf_putc(&b, '}');
    }
    buf_printf(&b,
               "], \"ExpiryTime\": \"2026-03-18T04:10:00+00:00\", "
               "\"VolumeSize\": %u, \"BlockSize\": %u",
               m->gib, BLOCK);
    if (number + 1 < m->pages || m->more)
        buf_printf(&b, ", \"NextToken\": \"TOKENPAGE%u\"", number);
    buf_putz(&b, "}\n");
    snprintf(name, sizeof name, "list-%sblocks-%s-%u.json",
             m->old >= 0 ? "changed-" : "", m->snap, number);
    write_file(m, name, buf_str(&b));
    buf_free(&b);
}

static void option(struct make *m, char *word)
{
    if (strcmp(word, "sums") == 0)
        m->sums = true;
    else if (strcmp(word, "more") == 0)
        m->more = true;
    else if (strcmp(word, "nolist") == 0)
        m->list = false;
    else if (strncmp(word, "pages=", 6) == 0)
        m->pages = (uint32_t)strtoul(word + 6, NULL, 10);
    else if (strncmp(word, "changed=", 8) == 0)
        m->old = open(word + 8, O_RDONLY | O_CLOEXEC);
    else if (strncmp(word, "snap=", 5) == 0)
        m->snap = word + 5;
    else
        exit(1);
}

int main(int argc, char **argv)
{
    struct make m = {
        .old = -1, .pages = 1, .list = true, .snap = "snap-0cc33dd44ee55ff66"
    };
    if (argc < 4)
        return 1;
    m.image = open(argv[1], O_RDONLY | O_CLOEXEC);
    m.dir = argv[2];
    m.layout = argv[3];
    for (int i = 4; i < argc; i++)
        option(&m, argv[i]);
    off_t size = lseek(m.image, 0, SEEK_END);
    m.now = malloc(BLOCK);
    m.before = malloc(BLOCK);
    m.blocks = (uint32_t)(size / BLOCK);
    m.gib = (uint32_t)(size >> 30);
    m.entries = calloc(m.blocks + 1, sizeof *m.entries);
    if (size <= 0 || !m.now || !m.before || !m.entries)
        return 1;
    blocks(&m);
    for (uint32_t i = 0; m.list && i < m.pages; i++)
        page(&m, i);
    free(m.now);
    free(m.before);
    free(m.entries);
    return 0;
}
