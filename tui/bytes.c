#include "tui/bytes.h"

#include "analyzer/cite.h"
#include "tui/tui.h"

static int open_files(struct desk *d, struct err *err)
{
    if (!d->evidence)
        return err_set(err, ERR_EVIDENCE, "the evidence is not at hand");
    return d->files ? 0 : d->evidence->open(d->c, &d->files, err);
}

int bytes_place(struct desk *d, const struct member *m,
                struct reader_place *out, struct err *err)
{
    int rc = open_files(d, err);
    *out = (struct reader_place){ .layers = m->layers, .len = UINT64_MAX };
    return rc ? rc
              : d->evidence->member(d->files, m, &out->fds, &out->n_fds, err);
}

struct reader *bytes_reader(struct desk *d)
{
    return d->evidence->reader(d->files);
}

int bytes_for_analyzer(struct desk *d, struct raw_reader *out, struct err *err)
{
    int rc = open_files(d, err);
    if (rc == 0)
        d->evidence->for_analyzer(d->files, out);
    return rc;
}

int bytes_read(struct desk *d, const struct member *m, uint64_t off,
               uint64_t len, struct arena *a, struct reader_got *got,
               struct err *err)
{
    struct reader_place p;
    int rc = bytes_place(d, m, &p, err);
    if (rc)
        return rc;
    p.off = off;
    p.len = len > READER_READ_MAX ? READER_READ_MAX : len;
    return reader_read(bytes_reader(d), &p, a, got, err);
}

struct str bytes_cite(const struct member *m, uint64_t off, uint64_t len,
                      unsigned sub, struct arena *a)
{
    struct buf b = { 0 };
    cite_put_place(&b, m, off, len, sub);
    return buf_to_arena(&b, a);
}
