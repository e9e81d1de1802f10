/*
 * What the logs of package managers share: their words for what happened to a
 * package, names with versions, and command lines without their secrets.
 */
#pragma once

#include "importers/importer.h"

/* "Installed", "Upgraded:", "Erase", "remove", .. as an action of
 * docs/formats/host.md; empty: none of them. */
struct str package_action(struct str verb);

struct package_name {
    struct str name, version, arch; /* version with release and epoch */
};
/* "[EPOCH:]NAME-[EPOCH:]VERSION-RELEASE.ARCH" as rpm's tools write it; false:
 * it is only a name. The epoch in front of the name is not part of it. */
bool package_nevra(struct str s, struct package_name *out);
/* "NAME:ARCH" as dpkg's tools write it. */
void package_dpkg(struct str s, struct package_name *out);
/* The text without secrets: s, or what tmp holds then; flags gets
 * EVENT_SECRET. */
struct str package_masked(struct str s, struct buf *tmp, uint32_t *flags);
/* "DATE  TIME" with any number of blanks between. */
bool package_time(struct str s, struct time_text *out);
/* A record of a line. */
void package_record(const struct import_job *job, struct str source,
                    const struct time_text *t, uint64_t off, size_t len,
                    struct record *r);
