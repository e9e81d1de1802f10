/* What volumes are called, as entities; see the header. */
#include "importers/disk_identity.h"

#include <stdio.h>

#include "base/text.h"

enum { REFS = 8, SUPER_AT = 1024, SUPER = 1024, ISO_AT = 32768, SECTOR = 512 };

/* One event with its entities, put together. */
struct identity {
    struct record r;
    struct record_ref refs[REFS];
    struct buf text;
};

static void name(struct identity *id, uint8_t kind, uint8_t role,
                 struct str value)
{
    if (value.n && id->r.n_refs < REFS)
        id->refs[id->r.n_refs++] = (struct record_ref){ kind, role, value };
}

static void at_time(struct identity *id, bool known, struct instant t,
                    enum time_kind kind)
{
    id->r.timed = known;
    id->r.t = t;
    id->r.t_kind = (uint8_t)kind;
    id->r.t_zone = ZONE_FORMAT;
}

static int emit(struct sink *s, struct identity *id, const char *action,
                const char *uuid)
{
    id->r.action = str_from(action);
    id->r.target = str_from(uuid);
    id->r.target_kind = uuid[0] ? KIND_FS_UUID : KIND_NONE;
    id->r.refs = id->refs;
    id->r.text = buf_str(&id->text);
    int stop = id->r.len ? sink_record(s, &id->r) : 0;
    buf_free(&id->text);
    return stop;
}

/* ---- partitions --------------------------------------------------------- */

int disk_identify_table(struct sink *s, const struct volume_table *t)
{
    char guid[37];
    struct identity id = { .r = { .off = t->header, .len = SECTOR } };
    guid_format(guid, t->disk_guid);
    if (t->kind != VOLUMES_GPT)
        return 0;
    buf_printf(&id.text, "GPT, partitions: %zu", t->n);
    return emit(s, &id, "partition table", guid);
}

int disk_identify_partition(struct sink *s, const struct volume_table *t,
                            const struct volume *v)
{
    char guid[37], disk[37];
    struct identity id = { .r = { .off = v->entry, .len = v->entry_n } };
    if (t->kind != VOLUMES_GPT)
        return 0;
    guid_format(guid, v->guid);
    guid_format(disk, t->disk_guid);
    name(&id, KIND_VOLUME_LABEL, ROLE_MENTIONED,
         (struct str){ v->name, v->name_n });
    name(&id, KIND_FS_UUID, ROLE_WHERE, str_from(disk));
    buf_printf(&id.text, "partition p%u, type %s", v->number,
               volume_type_name(v, t->kind));
    return emit(s, &id, "partition", guid);
}

/* ---- content of volumes ------------------------------------------------- */

int disk_identify_fs(struct sink *s, const struct disk_volume *v,
                     const struct fs_info *in)
{
    struct identity id = { 0 };
    uint64_t off = in->type == FS_EXT       ? SUPER_AT
                   : in->type == FS_ISO9660 ? ISO_AT
                                            : 0;
    uint32_t len = in->type == FS_EXT ? SUPER : SECTOR;
    struct str label = { in->label, in->label_n };
    if ((!in->uuid[0] && !label.n) ||
        !disk_volume_place(v, off, len, &id.r.off))
        return 0;
    id.r.len = len;
    at_time(&id, in->has_made, in->made, TIME_BORN);
    name(&id, KIND_VOLUME_LABEL, ROLE_MENTIONED, label);
    buf_printf(&id.text, "volume %s, %s", disk_volume_title(v), in->name);
    if (in->mounted_n)
        buf_printf(&id.text, ", last mounted on %s",
                   text_line((struct str){ in->mounted, in->mounted_n }));
    return emit(s, &id, "file system", in->uuid);
}

int disk_identify_luks(struct sink *s, const struct disk_volume *v,
                       const struct luks_info *in)
{
    struct identity id = { .r = { .len = SECTOR } };
    if (!disk_volume_place(v, 0, SECTOR, &id.r.off))
        return 0;
    name(&id, KIND_VOLUME_LABEL, ROLE_MENTIONED, str_from(in->label));
    buf_printf(&id.text, "volume %s, LUKS version %u", disk_volume_title(v),
               in->version);
    return emit(s, &id, "encrypted volume", in->uuid);
}

/* ---- LVM ---------------------------------------------------------------- */

static int physical(struct sink *s, const struct lvm_pv *pv)
{
    struct identity id = { .r = { .off = pv->place.off, .len = 4 * SECTOR } };
    if (pv->vg)
        name(&id, KIND_FS_UUID, ROLE_WHERE, str_from(pv->vg));
    buf_printf(&id.text, "LVM2 physical volume in %s",
               pv->place.name[0] ? pv->place.name : "the whole medium");
    return emit(s, &id, "physical volume", pv->uuid);
}

static int missing(struct sink *s, const struct lvm_vg *vg,
                   const struct lvm_member *m, uint16_t sub)
{
    struct identity id = { .r = {
                               .off = vg->off, .len = vg->len, .sub = sub } };
    name(&id, KIND_FS_UUID, ROLE_WHERE, str_from(vg->uuid));
    buf_printf(&id.text, "missing here, last at %s", text_line(m->device));
    return emit(s, &id, "physical volume", m->uuid);
}

static int group(struct sink *s, const struct lvm_vg *vg)
{
    struct identity id = { .r = { .off = vg->off, .len = vg->len } };
    at_time(&id, vg->has_written, vg->written, TIME_MODIFIED);
    name(&id, KIND_VOLUME_LABEL, ROLE_MENTIONED, vg->name);
    name(&id, KIND_HOST, ROLE_WHERE, vg->host);
    buf_printf(&id.text, "volume group %.*s, state %llu: %s", STR_ARG(vg->name),
               (unsigned long long)vg->seqno, text_line(vg->description));
    return emit(s, &id, "volume group", vg->uuid);
}

static int former(struct sink *s, const struct lvm_copy *c)
{
    struct identity id = { .r = { .off = c->off, .len = c->len } };
    at_time(&id, c->has_written, c->written, TIME_MODIFIED);
    name(&id, KIND_VOLUME_LABEL, ROLE_MENTIONED, c->vg);
    name(&id, KIND_HOST, ROLE_WHERE, c->host);
    buf_printf(&id.text, "former state %llu: %s; logical volumes: %.*s",
               (unsigned long long)c->seqno, text_line(c->description),
               STR_ARG(c->layout.n ? c->layout : STR("none")));
    return emit(s, &id, "volume group", c->vg_uuid);
}

static int logical(struct sink *s, const struct lvm *l, const struct lvm_vg *vg,
                   const struct lvm_lv *lv, uint16_t sub)
{
    struct identity id = { .r = {
                               .off = vg->off, .len = vg->len, .sub = sub } };
    char full[2 * LVM_NAME + 2];
    int n = snprintf(full, sizeof full, "%.*s/%.*s", STR_ARG(vg->name),
                     STR_ARG(lv->name));
    struct buf layer = { 0 };
    lvm_layer(&layer, l, vg, lv);
    at_time(&id, lv->has_made, lv->made, TIME_BORN);
    name(&id, KIND_VOLUME_LABEL, ROLE_MENTIONED,
         (struct str){ full, (size_t)n });
    name(&id, KIND_FS_UUID, ROLE_WHERE, str_from(vg->uuid));
    name(&id, KIND_HOST, ROLE_WHERE, lv->host);
    buf_printf(&id.text, "volume %.*s, %llu bytes", STR_ARG(buf_str(&layer)),
               (unsigned long long)lv->size);
    buf_free(&layer);
    return emit(s, &id, "logical volume", lv->uuid);
}

int disk_identify_lvm(struct sink *s, const struct lvm *l)
{
    int stop = 0;
    for (size_t i = 0; i < l->n_pvs && !stop; i++)
        stop = physical(s, &l->pvs[i]);
    for (size_t i = 0; i < l->n_copies && !stop; i++)
        stop = former(s, &l->copies[i]);
    for (size_t i = 0; i < l->n_vgs && !stop; i++) {
        const struct lvm_vg *vg = &l->vgs[i];
        uint16_t sub = 1;
        stop = group(s, vg);
        for (size_t k = 0; k < vg->n_members && !stop; k++)
            if (!vg->members[k].pv && vg->members[k].uuid[0])
                stop = missing(s, vg, &vg->members[k], sub++);
        for (size_t k = 0; k < vg->n_lvs && !stop; k++)
            stop = logical(s, l, vg, &vg->lvs[k], sub++);
    }
    return stop;
}
