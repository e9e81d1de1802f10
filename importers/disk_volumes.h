/*
 * The volumes of a disk image: partitions, or the whole medium where there is
 * no table, and the logical volumes of LVM in them. What tables and file
 * systems say of themselves becomes facts and issues; the names in a volume are
 * its caller's.
 */
#pragma once

#include "evidence/fs.h"
#include "importers/importer.h"

enum { DISK_VOLUME_NAME_MAX = 800 };

struct disk_volume {
    /* As the layer of a citation: "p1", "lv/vg0/root"; empty is the whole
     * medium. */
    char name[DISK_VOLUME_NAME_MAX];
    struct source *src;
    uint64_t off; /* on the medium, of partitions */
    bool logical; /* of LVM: bytes lie on the medium as it maps them */
};

/* The name for messages: never empty. */
const char *disk_volume_title(const struct disk_volume *v);
/* Where bytes of the volume lie on the medium; false when they do not lie
 * there in one piece. */
bool disk_volume_place(const struct disk_volume *v, uint64_t off, uint64_t len,
                       uint64_t *at);

/* walk is called once for each volume whose content fs_type_readable() says
 * can be read; all others are named here. Nonzero ends it. */
struct disk_walker {
    void *ctx;
    int (*walk)(void *ctx, const struct disk_volume *v, struct err *err);
};
int disk_volumes(struct sink *s, struct source *media,
                 const struct disk_walker *w, struct err *err) CHECKED;
/* What an opened file system says of itself, as facts. */
int disk_fs_facts(struct sink *s, const struct disk_volume *v,
                  const struct fs_info *info) CHECKED;
