#include "tui/bytes.h"

#include "analyzer/cite.h"
#include "tui/tui.h"

static int open_reader(struct desk *d, struct err *err)
{
    if (d->reader)
        return 0;
    struct reader_options o = { .unsandboxed_ok = d->unsandboxed_ok };
    d->reader = reader_open(&o, err);
    return d->reader ? 0 : err->code;
}

int bytes_place(struct desk *d, const struct member *m,
                struct reader_place *out, struct err *err)
{
    if (!d->evidence)
        return err_set(err, ERR_EVIDENCE, "the evidence is not at hand");
    int rc = open_reader(d, err);
    if (rc == 0 && !d->files) {
        d->files = d->evidence->open(d->c);
        if (!d->files)
            rc = err_set(err, ERR_INTERNAL, "out of memory");
    }
    *out = (struct reader_place){ .layers = m->layers, .len = UINT64_MAX };
    return rc ? rc
              : d->evidence->member(d->files, m, &out->fds, &out->n_fds, err);
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
    return reader_read(d->reader, &p, a, got, err);
}

struct str bytes_cite(const struct member *m, uint64_t off, uint64_t len,
                      unsigned sub, struct arena *a)
{
    struct buf b = { 0 };
    cite_put_place(&b, m, off, len, sub);
    return buf_to_arena(&b, a);
}
