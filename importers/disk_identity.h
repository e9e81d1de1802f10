/*
 * What volumes are called: ids, labels and names of partition tables,
 * partitions, file systems, LVM and LUKS as entities, so that the same volume
 * is found again in other evidence (mounts of a memory image, fstab, cloud
 * records). Each is one event of the bytes that say it, timed where they say
 * when they were written.
 */
#pragma once

#include "importers/disk_volumes.h"
#include "evidence/lvm.h"
#include "evidence/luks.h"
#include "evidence/volume.h"

int disk_identify_table(struct sink *s, const struct volume_table *t) CHECKED;
int disk_identify_partition(struct sink *s, const struct volume_table *t,
                            const struct volume *v) CHECKED;
int disk_identify_fs(struct sink *s, const struct disk_volume *v,
                     const struct fs_info *info) CHECKED;
int disk_identify_luks(struct sink *s, const struct disk_volume *v,
                       const struct luks_info *info) CHECKED;
/* Physical volumes, groups with their former states, logical volumes. */
int disk_identify_lvm(struct sink *s, const struct lvm *l) CHECKED;
