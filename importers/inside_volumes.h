/*
 * In a worker for images: the volumes of one image, kept open from one file
 * inside it to the next.
 */
#pragma once

#include "importers/importer.h"
#include "importers/wire.h"

struct inside_volumes;

/* The content of the file that the request names, as a source that the caller
 * closes before the next call. The first request's descriptors are kept. */
struct source *inside_volumes_file(struct inside_volumes **v,
                                   const struct wire_request *r, const int *fds,
                                   size_t n_fds, struct err *err);
/* The time zone that the host of that file's volume is set to, by its
 * /etc/localtime; NULL: the volume does not say. */
const struct zone *inside_volumes_zone(const struct inside_volumes *v);
