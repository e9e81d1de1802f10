/*
 * journald_dump [-b] FILE: all entries of a journal file in journald's export
 * format, as `journalctl --file FILE -o export` writes it, but for the cursor
 * and the sequence numbers; read by the importer's reader. -b: through the
 * cache of blocks, as files are that are not in memory. On stderr counts.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "importers/journald_record.h"
#include "importers/journald_scan.h"
#include "base/text.h"
#include "base/varint.h"

static bool plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t')
            return false;
    return text_utf8_valid(s);
}

static void put(struct str s)
{
    if (s.n)
        fwrite(s.p, 1, s.n, stdout);
}

static void put_field(const struct journald_data *d)
{
    unsigned char n[8];
    if (str_eq(d->name, STR("_BOOT_ID")))
        return;
    put(d->name);
    if (plain(d->value)) {
        putchar('=');
    } else {
        putchar('\n');
        put_u64le(n, d->value.n);
        fwrite(n, 1, 8, stdout);
    }
    put(d->value);
    putchar('\n');
}

static void put_entry(struct journald_file *f, const struct journald_entry *e,
                      struct arena *a, uint64_t *bad)
{
    char boot[33];
    uint64_t off;
    struct journald_data d;
    journald_hex(e->boot, boot);
    printf("__REALTIME_TIMESTAMP=%llu\n__MONOTONIC_TIMESTAMP=%llu\n"
           "_BOOT_ID=%s\n",
           (unsigned long long)e->realtime, (unsigned long long)e->monotonic,
           boot);
    for (uint64_t i = 0; journald_items(f, e, i, &off, 1) == 1; i++) {
        arena_reset(a);
        journald_data(f, off, a, NULL, &d);
        *bad += d.damage != DATA_OK;
        if (d.name.n)
            put_field(&d);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    bool blocks = argc > 1 && strcmp(argv[1], "-b") == 0;
    int fd = argc > 1 ? open(argv[argc - 1], O_RDONLY) : -1;
    struct err err = { 0 };
    struct source *src = fd >= 0 ? source_open_fd(fd, &err) : NULL;
    if (!src)
        return 2;
    size_t got = 0;
    char *all = malloc(src->size + 64);
    struct input in = { .src = src };
    if (!blocks && all &&
        source_read(src, 0, all, src->size, &got, &err) == 0) {
        in.p = all;
        in.n = got;
        in.eof = true;
    }
    struct journald_file f;
    struct journald_scan s;
    struct journald_found found = { .kind = FOUND_DAMAGE };
    struct arena a = { 0 };
    uint64_t n[FOUND_END + 1] = { 0 }, bad = 0;
    int rc = journald_open(&f, &in, &err);
    if (rc == 0)
        rc = journald_scan_open(&s, &f, &err);
    while (rc == 0 && found.kind != FOUND_END) {
        rc = journald_scan_next(&s, &found);
        n[found.kind]++;
        if (rc == 0 && found.kind == FOUND_ENTRY)
            put_entry(&f, &found.entry, &a, &bad);
    }
    fprintf(stderr,
            "%llu entries, %llu by arrays, %llu damaged fields, %llu damaged "
            "ranges, %llu lost entries\n",
            (unsigned long long)n[FOUND_ENTRY], (unsigned long long)s.by_arrays,
            (unsigned long long)bad, (unsigned long long)n[FOUND_DAMAGE],
            (unsigned long long)n[FOUND_DANGLING]);
    journald_scan_close(&s);
    journald_close(&f);
    arena_free(&a);
    source_close(src);
    free(all);
    close(fd);
    return rc ? 1 : 0;
}
