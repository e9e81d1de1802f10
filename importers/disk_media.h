/* The medium of a disk image: its container opened, read once where that
 * gives what the exhibit's digest does not, its facts and gaps told. */
#pragma once

#include "importers/importer.h"

/* *media is the job's own source (a raw image) or a layer over it, which the
 * caller closes. Nonzero: no medium, or the sink wants an end. *media may be
 * set also then. */
int disk_media_open(struct import_job *job, struct source **media,
                    struct err *err) CHECKED;
/* A fact of at most 511 bytes. */
int disk_fact(struct sink *s, const char *name, const char *fmt, ...) CHECKED
    __attribute__((format(printf, 3, 4)));
