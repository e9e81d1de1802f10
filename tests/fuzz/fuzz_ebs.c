/* A block set: lines of names, an empty line, then the bytes of every answer;
 * without names, an archive of blocks. What is read twice is the same, gaps
 * read as zeros, and blocks that the listing does not have are zeros. */
#include "evidence/ebs.h"

#include <stdlib.h>

#include "evidence/fileset.h"
#include "tests/evidence/zeros.h"
#include "tests/fuzz/replay.h"

enum { NAMES = 64, PART = 5000, STEPS = 64, BLOCK = 4096 };

struct input {
    struct str names[NAMES];
    struct str answer;
    char block[BLOCK];
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct source *open_file(void *ctx, size_t i, struct err *err)
{
    const struct input *in = ctx;
    if (str_ends(in->names[i], STR(".json")))
        return source_open_memory(in->answer, err);
    return source_open_memory((struct str){ in->block, BLOCK }, err);
}

static void read_part(struct source *s, uint64_t off)
{
    char a[PART], b[PART];
    size_t got, again;
    must(!source_read(s, off, a, PART, &got, NULL));
    must(!source_read(s, off, b, PART, &again, NULL));
    must(got == again && memcmp(a, b, got) == 0);
    for (size_t i = 0; i < got; i++)
        if (a[i])
            must(!source_gap_in(s, off + i, 1));
}

static void check(struct source *s)
{
    const struct ebs_info *in = ebs_info(s);
    uint64_t step = s->size / STEPS + 1;
    must(in->block_size >= BLOCK && in->missing <= in->listed);
    for (uint64_t off = 0, i = 0; off < s->size && i < STEPS; i++) {
        read_part(s, off);
        off += i < 8 ? PART : step;
    }
    must(zeros_told(s, 1 << 20) != UINT64_MAX);
    for (size_t i = 0; i < in->n_issues; i++)
        must(in->issues[i].code && in->issues[i].text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .block = "a block" };
    struct str rest = { (const char *)data, size };
    size_t n = 0;
    while (rest.n && n < NAMES) {
        size_t end = str_find(rest, STR("\n"));
        struct str name = str_sub(rest, 0, end);
        rest = str_sub(rest, end == SIZE_MAX ? rest.n : end + 1, rest.n);
        if (name.n == 0)
            break;
        in.names[n++] = name;
    }
    in.answer = rest;
    struct fileset set = {
        .names = in.names, .n = n, .open = open_file, .ctx = &in
    };
    (void)ebs_names_fit(in.names, n);
    struct source *files =
        n ? fileset_make(&set, NULL) : source_open_memory(in.answer, NULL);
    struct source *s = files ? ebs_open(files, NULL) : NULL;
    if (s)
        check(s);
    source_close(s);
    source_close(files);
    return 0;
}
