#include "tests/fuzz/members.h"

#include <stdlib.h>

enum { NAMED = 8 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void read_all(struct source *s)
{
    enum { READ_MAX = 1 << 20 };
    char part[4096];
    size_t got = 1;
    for (uint64_t off = 0; got && off < READ_MAX; off += got)
        must(!source_read(s, off, part, sizeof part, &got, NULL));
}

static void check(struct source *file, enum archive_kind kind,
                  const struct archive_member *m)
{
    uint64_t end;
    bool inside =
        !__builtin_add_overflow(m->off, m->packed, &end) && end <= file->size;
    must(inside || m->flags & ARCHIVE_BEYOND);
    /* Sizes are only claims: reading is bounded here, as by callers. */
    if (m->size > UINT64_C(1) << 40 || !inside)
        return;
    struct source *s = members_open(file, kind, m, NULL);
    must(!s || !(m->flags & (ARCHIVE_ENCRYPTED | ARCHIVE_OVERLAP)));
    if (!s)
        return;
    must(s->size == m->size);
    read_all(s);
    source_close(s);
}

/* By its name a member is found as well. */
static void by_name(struct source *file, enum archive_kind kind,
                    const struct members *a)
{
    for (size_t i = 0; i < a->n && i < NAMED; i++)
        source_close(members_open_name(file, kind, a->members[i].name, NULL));
    must(!members_open_name(file, kind, STR("\1 none\n"), NULL));
}

void check_members(const uint8_t *data, size_t size, enum archive_kind kind)
{
    struct str bytes = { (const char *)data, size };
    struct source *file = source_open_memory(bytes, NULL);
    struct err err = { 0 };
    struct members a;
    must(file != NULL);
    if (members_list(file, kind, &a, &err) == 0) {
        for (size_t i = 0; i < a.n; i++) {
            check(file, kind, &a.members[i]);
            if (i == 0)
                continue;
            int order = str_cmp(a.members[i - 1].name, a.members[i].name);
            must(order < 0 ||
                 (order == 0 && a.members[i].flags & ARCHIVE_DUPLICATE));
        }
        by_name(file, kind, &a);
        must(a.n_issues <= ARCHIVE_ISSUES_MAX);
        members_free(&a);
    }
    members_recognise(str_sub(bytes, 0, 512), bytes);
    source_close(file);
}
