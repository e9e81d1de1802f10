#include "cli/raw.h"

int raw_open(struct raw *r, struct casedb *c, struct err *err)
{
    exhibit_files_open(&r->files, c);
    r->reader = reader_open(&(struct reader_options){ .silent_s = 0 }, err);
    return r->reader ? 0 : err->code;
}

void raw_close(struct raw *r)
{
    reader_close(r->reader);
    exhibit_files_close(&r->files);
    r->reader = NULL;
}

int raw_read(struct raw *r, const struct member *m, uint64_t off, uint64_t len,
             struct arena *a, struct reader_got *got, struct err *err)
{
    int rc = exhibit_files_member(&r->files, m, err);
    if (rc)
        return rc;
    if (len > READER_READ_MAX)
        len = READER_READ_MAX;
    struct reader_place p = { r->files.fds, r->files.n_fds, m->layers, off,
                              len };
    return reader_read(r->reader, &p, a, got, err);
}

void raw_hex(struct cli *cli, struct str bytes, uint64_t off)
{
    enum { ROW = 16 };
    for (size_t at = 0; at < bytes.n; at += ROW) {
        struct str row = str_sub(bytes, at, ROW);
        out_printf(cli, "%08llx ", (unsigned long long)(off + at));
        for (size_t i = 0; i < ROW; i++)
            if (i < row.n)
                out_printf(cli, "%s%02x", i == ROW / 2 ? "  " : " ",
                           (unsigned char)row.p[i]);
            else
                out_putz(cli, i == ROW / 2 ? "    " : "   ");
        char shown[ROW + 1];
        for (size_t i = 0; i < row.n; i++)
            shown[i] = row.p[i] >= 0x20 && row.p[i] < 0x7f ? row.p[i] : '.';
        shown[row.n] = 0;
        out_printf(cli, "  |%s|\n", shown);
    }
}

void raw_gaps(struct cli *cli, const struct reader_got *got)
{
    for (size_t i = 0; i < got->n_gaps; i++)
        out_printf(cli, "gap           %llu bytes at %llu %s; shown as zeros\n",
                   (unsigned long long)got->gaps[i].len,
                   (unsigned long long)got->gaps[i].off,
                   got->gaps[i].kind == GAP_ABSENT ? "were never recorded"
                                                   : "could not be read");
    if (got->more_gaps)
        out_putz(cli, "gap           and more\n");
}
