/* The volumes of a disk image; see the header. */
#include "importers/disk_volumes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "evidence/super_copy.h"
#include "importers/disk_identity.h"
#include "importers/disk_media.h"

struct volumes {
    struct sink *sink;
    struct source *media;
    const struct disk_walker *walker;
    struct volume_table table;
    struct disk_volume at; /* the one at hand */
    struct lvm_place *pvs; /* volumes that are physical volumes of LVM */
    size_t n_pvs;
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
    if (v->logical) /* maybe with a copy of its superblock laid over it */
        return lvm_place_of(strcmp(v->src->layer, "super") == 0 ? v->src->below
                                                                : v->src,
                            off, len, at);
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
    return stop ? stop : disk_identify_fs(s, v, in);
}

static int luks_facts(struct volumes *vs)
{
    char name[DISK_VOLUME_NAME_MAX + 40];
    struct luks_info in;
    if (!luks_read(vs->at.src, &in))
        return 0;
    snprintf(name, sizeof name, "volume %s encryption",
             disk_volume_title(&vs->at));
    int stop =
        disk_fact(vs->sink, name, "LUKS version %u, id %s%s%s%s%s", in.version,
                  text_line(str_from(in.uuid)), in.cipher[0] ? ", cipher " : "",
                  text_line(str_from(in.cipher)), in.mode[0] ? "-" : "",
                  text_line(str_from(in.mode)));
    if (!stop && in.label[0])
        stop = disk_fact(vs->sink, name, "label %s",
                         text_line(str_from(in.label)));
    return stop ? stop : disk_identify_luks(vs->sink, &vs->at, &in);
}

/* A volume whose content is named only. */
static int not_read(struct volumes *vs, enum fs_type type)
{
    const char *vol = disk_volume_title(&vs->at);
    int stop = type == FS_LUKS ? luks_facts(vs) : 0;
    if (stop)
        return stop;
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

/* Its logical volumes come after all partitions were seen. */
static int physical_volume(struct volumes *vs)
{
    if (vs->n_pvs == LVM_PVS_MAX)
        return sink_issue(vs->sink, ISSUE_ERROR, 0, 0, "lvm-count",
                          "more than %d physical volumes", LVM_PVS_MAX);
    struct lvm_place *p = &vs->pvs[vs->n_pvs++];
    *p = (struct lvm_place){ .off = vs->at.off, .len = vs->at.src->size };
    snprintf(p->name, sizeof p->name, "%.20s", vs->at.name);
    return 0;
}

static int copy_used(struct volumes *vs, const struct super_report *r)
{
    struct buf more = { 0 };
    if (r->replaced)
        buf_printf(&more, ", and %llu group descriptors beside it",
                   (unsigned long long)r->replaced);
    int stop = sink_issue(
        vs->sink, ISSUE_ERROR, 0, 0, "superblock-copy",
        "volume %s: its %s superblock %s; the copy at byte %llu is used%.*s. "
        "Copies are older: recent changes, or a later file system, may be "
        "missing",
        disk_volume_title(&vs->at), fs_type_name(r->type), r->why,
        (unsigned long long)r->from, STR_ARG(buf_str(&more)));
    buf_free(&more);
    return stop;
}

/* The volume through the layer "super". */
static int volume_by_copy(struct volumes *vs, struct source *s, struct err *err)
{
    struct disk_volume v = vs->at;
    size_t n = strlen(v.name);
    v.src = s;
    snprintf(v.name + n, sizeof v.name - n, n ? "!super" : "super");
    return vs->walker->walk(vs->walker->ctx, &v, err);
}

static int volume_content(struct volumes *vs, struct err *err)
{
    enum fs_type type = fs_recognise(vs->at.src);
    struct super_report report;
    struct err why;
    if (type == FS_LVM && !vs->at.logical)
        return physical_volume(vs);
    struct source *s = super_copy_open(vs->at.src, &report, &why);
    int stop = s ? copy_used(vs, &report) : 0;
    if (s && !stop)
        stop = volume_by_copy(vs, s, err);
    source_close(s);
    if (s || stop)
        return stop;
    if (why.code == ERR_INTERNAL)
        return err_set(err, why.code, "%s", why.what);
    if (!fs_type_readable(type))
        return not_read(vs, type);
    return vs->walker->walk(vs->walker->ctx, &vs->at, err);
}

/* ---- partitions --------------------------------------------------------- */

static int whole(struct volumes *vs, struct err *err)
{
    struct super_report ignored;
    struct err why;
    vs->at = (struct disk_volume){ .src = vs->media };
    struct source *copy = super_copy_open(vs->media, &ignored, &why);
    bool none = !copy && fs_recognise(vs->media) == FS_UNKNOWN;
    source_close(copy);
    if (none)
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
    if (!stop)
        stop = disk_identify_partition(vs->sink, &vs->table, v);
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
    if (!stop)
        stop = disk_identify_table(vs->sink, &vs->table);
    for (size_t i = 0; i < vs->table.n && !stop; i++)
        stop = one_volume(vs, &vs->table.volumes[i], err);
    return stop;
}

/* ---- LVM ---------------------------------------------------------------- */

static const char *when(bool known, struct instant t, char out[TIME_TEXT_MAX])
{
    if (!known)
        return "at an unknown time";
    out[time_format(out, t, 0, 0)] = '\0';
    return out;
}

static int pv_facts(struct volumes *vs, const struct lvm *l)
{
    char name[80];
    int stop = 0;
    for (size_t i = 0; i < l->n_pvs && !stop; i++) {
        const struct lvm_pv *pv = &l->pvs[i];
        snprintf(name, sizeof name, "physical volume %s",
                 pv->place.name[0] ? pv->place.name : "(whole)");
        stop = disk_fact(vs->sink, name, "LVM2, id %s, %llu bytes%s%s",
                         pv->uuid, (unsigned long long)pv->size,
                         pv->vg ? ", of volume group " : ", of no known group",
                         pv->vg ? pv->vg : "");
        if (!stop && !pv->vg)
            stop = sink_issue(vs->sink, ISSUE_WARNING, pv->place.off,
                              pv->place.len, "lvm-no-group",
                              "physical volume %s: no metadata say what is in "
                              "it",
                              pv->uuid);
    }
    return stop;
}

static int vg_facts(struct volumes *vs, const struct lvm_vg *vg)
{
    char name[LVM_NAME + 40], t[TIME_TEXT_MAX];
    snprintf(name, sizeof name, "volume group %.*s", STR_ARG(vg->name));
    int stop =
        disk_fact(vs->sink, name,
                  "id %s, state %llu, written %s on host %s, extents of "
                  "%llu bytes, physical volumes: %zu",
                  vg->uuid, (unsigned long long)vg->seqno,
                  when(vg->has_written, vg->written, t), text_line(vg->host),
                  (unsigned long long)vg->extent, vg->n_members);
    for (size_t i = 0; i < vg->n_members && !stop; i++) {
        const struct lvm_member *m = &vg->members[i];
        stop = disk_fact(
            vs->sink, name, "physical volume %s, %llu bytes, last at %s: %s",
            m->uuid, (unsigned long long)m->size, text_line(m->device),
            !m->pv                 ? "MISSING"
            : m->pv->place.name[0] ? m->pv->place.name
                                   : "the whole medium");
    }
    return stop;
}

/* Former layouts, out of older texts. */
static int copy_facts(struct volumes *vs, const struct lvm *l)
{
    int stop = 0;
    for (size_t i = 0; i < l->n_copies && !stop; i++) {
        const struct lvm_copy *c = &l->copies[i];
        char name[LVM_NAME + 60], t[TIME_TEXT_MAX];
        snprintf(name, sizeof name, "volume group %.*s, former state %llu",
                 (int)(c->vg.n < LVM_NAME ? c->vg.n : LVM_NAME), c->vg.p,
                 (unsigned long long)c->seqno);
        stop = disk_fact(vs->sink, name,
                         "written %s on host %s by: %.160s; logical volumes: "
                         "%.*s",
                         when(c->has_written, c->written, t),
                         text_line(c->host), text_line(c->description),
                         STR_ARG(c->layout.n ? c->layout : STR("none")));
    }
    return stop;
}

static int lv_walk(struct volumes *vs, struct lvm *l, const struct lvm_vg *vg,
                   const struct lvm_lv *lv, struct err *err)
{
    struct err why = { 0 };
    vs->at.src = lvm_volume(l, vg, lv, &why);
    if (!vs->at.src && why.code == ERR_INTERNAL)
        return err_set(err, why.code, "%s", why.what);
    if (!vs->at.src)
        return sink_issue(vs->sink, ISSUE_ERROR, 0, 0, "volume-not-read",
                          "volume %s: LVM2 logical volume, not read: %s",
                          vs->at.name, lv->refused);
    int stop = 0;
    if (lv->incomplete)
        stop = sink_issue(vs->sink, ISSUE_ERROR, 0, 0, "lvm-incomplete",
                          "volume %s: %llu of %llu bytes are not on this "
                          "medium; they read as zeros",
                          vs->at.name,
                          (unsigned long long)source_gap_bytes(vs->at.src),
                          (unsigned long long)lv->size);
    if (!stop)
        stop = volume_content(vs, err);
    source_close(vs->at.src);
    return stop;
}

static int one_lv(struct volumes *vs, struct lvm *l, const struct lvm_vg *vg,
                  const struct lvm_lv *lv, struct err *err)
{
    struct buf layer = { 0 };
    char name[DISK_VOLUME_NAME_MAX + 40], t[TIME_TEXT_MAX];
    vs->at = (struct disk_volume){ .logical = true };
    lvm_layer(&layer, l, vg, lv);
    snprintf(vs->at.name, sizeof vs->at.name, "%.*s", STR_ARG(buf_str(&layer)));
    buf_free(&layer);
    snprintf(name, sizeof name, "volume %s", vs->at.name);
    int stop =
        disk_fact(vs->sink, name,
                  "%llu bytes in %zu segments, id %s, made %s on host "
                  "%s%s%s",
                  (unsigned long long)lv->size, lv->n, lv->uuid,
                  when(lv->has_made, lv->made, t), text_line(lv->host),
                  lv->refused ? ", kind " : "", lv->refused ? lv->refused : "");
    if (!stop && lv->visible)
        stop = lv_walk(vs, l, vg, lv, err);
    return stop;
}

static int logical_volumes(struct volumes *vs, struct err *err)
{
    struct lvm *l = lvm_open(vs->media, vs->pvs, vs->n_pvs, err);
    if (!l)
        return err && err->code ? err->code : ERR_INTERNAL;
    int stop = pv_facts(vs, l);
    for (size_t i = 0; i < l->n_issues && !stop; i++) {
        const struct lvm_issue *is = &l->issues[i];
        stop = sink_issue(vs->sink, ISSUE_WARNING, is->off, is->len, is->code,
                          "%s", is->text);
    }
    for (size_t i = 0; i < l->n_vgs && !stop; i++)
        stop = vg_facts(vs, &l->vgs[i]);
    if (!stop)
        stop = copy_facts(vs, l);
    if (!stop)
        stop = disk_identify_lvm(vs->sink, l);
    for (size_t i = 0; i < l->n_vgs && !stop; i++)
        for (size_t k = 0; k < l->vgs[i].n_lvs && !stop; k++)
            stop = one_lv(vs, l, &l->vgs[i], &l->vgs[i].lvs[k], err);
    lvm_close(l);
    return stop;
}

int disk_volumes(struct sink *s, struct source *media,
                 const struct disk_walker *w, struct err *err)
{
    static const char *const names[] = { "none", "MBR", "GPT" };
    struct volumes vs = { .sink = s, .media = media, .walker = w };
    vs.pvs = calloc(LVM_PVS_MAX, sizeof *vs.pvs);
    if (!vs.pvs)
        return err_set(err, ERR_INTERNAL, "out of memory");
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
    if (!stop && vs.n_pvs)
        stop = logical_volumes(&vs, err);
    volumes_free(&vs.table);
    free(vs.pvs);
    return stop;
}
