/* The volumes of a disk image; see the header. */
#include "importers/disk_volumes.h"

#include <stdio.h>

#include "base/text.h"
#include "evidence/volume.h"
#include "importers/disk_media.h"

struct volumes {
    struct sink *sink;
    struct source *media;
    const struct disk_walker *walker;
    struct volume_table table;
    struct disk_volume at; /* the one at hand */
};

const char *disk_volume_title(const struct disk_volume *v)
{
    return v->name[0] ? v->name : "(whole)";
}

bool disk_volume_place(const struct disk_volume *v, uint64_t off, uint64_t len,
                       uint64_t *at)
{
    if (off > v->src->size || len > v->src->size - off)
        return false;
    *at = v->off + off;
    return true;
}

/* ---- file systems ------------------------------------------------------- */

int disk_fs_facts(struct sink *s, const struct disk_volume *v,
                  const struct fs_info *in)
{
    char name[DISK_VOLUME_NAME_MAX + 40];
    const char *vol = disk_volume_title(v);
    snprintf(name, sizeof name, "volume %s file system", vol);
    int stop = disk_fact(s, name, "%s, %llu bytes, blocks of %u", in->name,
                         (unsigned long long)in->size, in->block);
    snprintf(name, sizeof name, "volume %s uuid", vol);
    if (!stop && in->uuid[0])
        stop = disk_fact(s, name, "%s", in->uuid);
    snprintf(name, sizeof name, "volume %s label", vol);
    if (!stop && in->label_n)
        stop = sink_fact(s, name, (struct str){ in->label, in->label_n });
    snprintf(name, sizeof name, "volume %s last mounted on", vol);
    if (!stop && in->mounted_n)
        stop = sink_fact(s, name, (struct str){ in->mounted, in->mounted_n });
    snprintf(name, sizeof name, "volume %s made", vol);
    if (!stop && in->has_made) {
        char t[TIME_TEXT_MAX];
        size_t n = time_format(t, in->made, 0, 0);
        stop = sink_fact(s, name, (struct str){ t, n });
    }
    return stop;
}

/* A volume whose content is named only. */
static int not_read(struct volumes *vs, enum fs_type type)
{
    const char *vol = disk_volume_title(&vs->at);
    if (type == FS_EMPTY)
        return sink_issue(vs->sink, ISSUE_NOTE, 0, 0, "volume-empty",
                          "volume %s: its first bytes are zeros", vol);
    if (type == FS_UNKNOWN)
        return sink_issue(vs->sink, ISSUE_WARNING, 0, 0, "volume-unknown",
                          "volume %s, %llu bytes: no known file system", vol,
                          (unsigned long long)vs->at.src->size);
    return sink_issue(vs->sink, type == FS_SWAP ? ISSUE_NOTE : ISSUE_ERROR, 0,
                      0, "volume-not-read",
                      "volume %s: %s, not read by this version", vol,
                      fs_type_name(type));
}

static int volume_content(struct volumes *vs, struct err *err)
{
    enum fs_type type = fs_recognise(vs->at.src);
    if (!fs_type_readable(type))
        return not_read(vs, type);
    return vs->walker->walk(vs->walker->ctx, &vs->at, err);
}

/* ---- partitions --------------------------------------------------------- */

static int whole(struct volumes *vs, struct err *err)
{
    vs->at = (struct disk_volume){ .src = vs->media };
    if (fs_recognise(vs->media) == FS_UNKNOWN)
        return sink_issue(vs->sink, ISSUE_ERROR, 0, vs->media->size,
                          "media-unknown",
                          "no partition table and no file system");
    return volume_content(vs, err);
}

static int volume_fact(struct volumes *vs, const struct volume *v)
{
    char name[DISK_VOLUME_NAME_MAX + 40], guid[37] = "";
    struct str label = { v->name, v->name_n };
    snprintf(name, sizeof name, "volume %s", vs->at.name);
    if (vs->table.kind == VOLUMES_GPT)
        guid_format(guid, v->guid);
    return disk_fact(vs->sink, name, "at %llu, %llu bytes, type %s%s%s%s%s%s",
                     (unsigned long long)v->off, (unsigned long long)v->len,
                     volume_type_name(v, vs->table.kind),
                     guid[0] ? ", id " : "", guid, label.n ? ", name " : "",
                     label.n ? text_line(label) : "",
                     v->flags & VOLUME_UNVERIFIED ? ", unverified" : "");
}

static int one_volume(struct volumes *vs, const struct volume *v,
                      struct err *err)
{
    vs->at = (struct disk_volume){ .off = v->off };
    snprintf(vs->at.name, sizeof vs->at.name, "p%u", v->number);
    int stop = volume_fact(vs, v);
    if (stop || v->len == 0)
        return stop;
    vs->at.src = source_open_slice(vs->media, v->off, v->len, vs->at.name, err);
    if (!vs->at.src)
        return err && err->code ? err->code : ERR_INTERNAL;
    stop = volume_content(vs, err);
    source_close(vs->at.src);
    return stop;
}

/* Does one of the partitions hold something known? Then an MBR is no chance
 * pattern in a boot sector. */
static bool holds_something(const struct volumes *vs)
{
    bool known = false;
    for (size_t i = 0; i < vs->table.n && !known; i++) {
        const struct volume *v = &vs->table.volumes[i];
        struct source *s =
            source_open_slice(vs->media, v->off, v->len, "", NULL);
        if (s)
            known = fs_recognise(s) > FS_EMPTY;
        source_close(s);
    }
    return known;
}

/* A boot sector or ISO hybrid may look like a table, and an old file system
 * may lie below one. */
static bool table_wins(const struct volumes *vs, enum fs_type type)
{
    if (vs->table.kind == VOLUMES_NONE || type == FS_ISO9660)
        return false;
    if (vs->table.kind == VOLUMES_GPT || type <= FS_EMPTY)
        return true;
    if (type == FS_FAT || type == FS_NTFS || type == FS_EXFAT ||
        type == FS_BITLOCKER || type == FS_REFS)
        return false;
    return holds_something(vs);
}

static int table_issues(struct volumes *vs)
{
    int stop = 0;
    for (size_t i = 0; i < vs->table.n_issues && !stop; i++) {
        const struct volume_issue *is = &vs->table.issues[i];
        stop = sink_issue(vs->sink, ISSUE_WARNING, is->off, is->len, is->code,
                          "%s", is->text);
    }
    return stop;
}

static int partitions(struct volumes *vs, enum fs_type stale, struct err *err)
{
    int stop = 0;
    if (stale > FS_EMPTY)
        stop = sink_issue(vs->sink, ISSUE_NOTE, 0, 0, "volume-stale",
                          "before the partitions lies an older file system "
                          "(%s)",
                          fs_type_name(stale));
    for (size_t i = 0; i < vs->table.n && !stop; i++)
        stop = one_volume(vs, &vs->table.volumes[i], err);
    return stop;
}

int disk_volumes(struct sink *s, struct source *media,
                 const struct disk_walker *w, struct err *err)
{
    static const char *const names[] = { "none", "MBR", "GPT" };
    struct volumes vs = { .sink = s, .media = media, .walker = w };
    int stop = volumes_read(media, &vs.table, err);
    enum fs_type type = stop ? FS_UNKNOWN : fs_recognise(media);
    bool tables = !stop && table_wins(&vs, type);
    if (!stop)
        stop = disk_fact(s, "partition table", "%s",
                         names[tables ? vs.table.kind : 0]);
    if (!stop && (tables || vs.table.kind == VOLUMES_NONE))
        stop = table_issues(&vs);
    if (!stop)
        stop = tables ? partitions(&vs, type, err) : whole(&vs, err);
    volumes_free(&vs.table);
    return stop;
}
