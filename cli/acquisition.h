/* Logs of tools that made an image (import --acquisition): the digests that
 * they state are compared with those of what was imported. */
#pragma once

#include "base/sums.h"
#include "cli/cli.h"
#include "importers/import.h"

enum { ACQUISITION_DIGESTS = 16 };

struct acquisition {
    struct str name, text; /* of the log; empty: none was given */
    const char *tool;
    bool timed; /* when it began, where that is stated with a zone */
    struct instant began;
    struct {
        enum hash_algo algo;
        unsigned char value[32];
    } digest[ACQUISITION_DIGESTS];
    size_t n;
};

/* Reads --acquisition, and asks for the digests that it states. */
int acquisition_take(struct cli *cli, struct acquisition *a,
                     struct import_options *o, struct err *err) CHECKED;
/* After the import: compares, keeps outcomes and a custody entry. ERR_VERIFY
 * when a digest differs and there is no reason to go on. */
int acquisition_keep(struct cli *cli, struct casedb *c,
                     const struct acquisition *a, int64_t exhibit,
                     struct str reason, struct err *err) CHECKED;
