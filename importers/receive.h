/* Takes a worker's items (wire.h) apart and gives them to the intake; checks
 * every one, since the worker may have been taken over. */
#pragma once

#include "importers/wire.h"

struct local_value {
    const char *p;
    uint32_t n, id; /* id: in the case, 0 = not yet asked */
    uint8_t kind;
};

/* Per worker. */
struct receiver {
    struct local_value *values; /* numbers from 1 */
    size_t n, cap;
    struct arena text;
    uint64_t items;    /* of the job */
    struct buf folder; /* of the last file */
    uint32_t folder_id;
    bool file; /* attributes may follow: the item before was a file */
};
void receiver_free(struct receiver *r);

/* Called when the outermost member of a file ends: its digest. */
struct receive_hooks {
    /* NULL: the job is of something inside, which has no digest of its own */
    int (*outer_end)(void *ctx, struct str *sha256, struct err *err);
    void (*format)(void *ctx, struct str format);
    struct str path;
    /* of the member that stands for a job that fails before it begins one */
    struct str layers;
    uint64_t size;
    void *ctx;
    bool outer; /* the open member is the file's own */
    bool open;  /* a member is open in the stream, skipped or not */
};

enum received {
    RECEIVED = 0,
    RECEIVED_BROKEN = 1, /* the worker broke a rule; why says which */
};
/* A RECORDS payload. RECEIVED, RECEIVED_BROKEN or a negative error. */
int receive(struct receiver *r, struct str payload, struct intake *in,
            struct receive_hooks *hooks, const char **why, struct err *err);
