/*
 * Disk and volume images: raw or in a container; GPT, MBR or none; every
 * name of the file systems that evidence/fs.h reads as a row with its times.
 * What cannot be read is named: other containers, encryption, LVM, RAID,
 * file systems without a reader, damaged tables, unreadable ranges.
 *
 * Containers and split images are read once from start to end first. That
 * gives the digest of the medium, the comparison with a stored one, and all
 * unreadable ranges, so that the files they touch can be marked.
 */
#include "importers/disk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/text.h"
#include "evidence/container.h"
#include "evidence/file_type.h"
#include "evidence/fs.h"
#include "evidence/journal.h"
#include "evidence/volume.h"
#include "importers/disk_media.h"
#include "importers/disk_types.h"
#include "importers/disk_views.h"
#include "importers/disk_volumes.h"
#include "importers/wanted.h"

enum {
    STEP = 1 << 20,
    CODE_ISSUES_MAX = 50, /* of one code in one volume, then a sum */
    CODES_MAX = 32,
    XATTRS = 16,     /* attributes of one file without allocation */
    TOLD_MAX = 2048, /* issues of one volume that are told apart */
    LINKED = 1024,   /* digests kept for further names of one inode */
};

_Static_assert((int)FS_FILE_DELETED == FILE_DELETED &&
                   (int)FS_FILE_REALLOCATED == FILE_REALLOCATED &&
                   (int)FS_FILE_UNRELIABLE == FILE_UNRELIABLE &&
                   (int)FS_FILE_PARTIAL == FILE_PARTIAL &&
                   (int)FS_FILE_NO_D == FILE_NO_TIME_D &&
                   (int)FS_FILE_NO_B == FILE_NO_TIME_B &&
                   (int)FS_FILE_LINK == FILE_LINK &&
                   (int)FS_FILE_OTHER == FILE_OTHER &&
                   (int)FS_FOUND_JOURNAL == FILE_FOUND_KINDS - 1 &&
                   (int)FS_POSSIBLE == FILE_CONFIDENCES - 1 &&
                   (int)FS_XATTR_MAX == (int)FILE_XATTR_MAX,
               "the floors' lists of files differ");

/* ---- recognition -------------------------------------------------------- */

static bool named_as_image(struct str path)
{
    static const char *const ends[] = { ".img", ".raw", ".dd",  ".001",
                                        ".000", ".iso", ".bin", NULL };
    for (size_t i = 0; ends[i]; i++) {
        struct str e = str_from(ends[i]);
        if (path.n >= e.n && str_ieq(str_sub(path, path.n - e.n, e.n), e))
            return true;
    }
    return false;
}

static int fs_claim(enum fs_type type)
{
    switch (type) {
    case FS_UNKNOWN:
    case FS_EMPTY:
        return 0;
    case FS_FAT: /* no magic number of its own */
    case FS_SWAP:
    case FS_SQUASHFS:
    case FS_ZFS:
        return 80;
    default:
        return 95;
    }
}

static int probe(struct probe *p)
{
    enum container_kind container = container_recognise(p->head, p->tail);
    if (container) {
        p->reason = container_name(container, p->head);
        return container == CONTAINER_EWF ? 100 : 95;
    }
    enum volume_table_kind table = volumes_recognise(p->head);
    enum fs_type type = fs_recognise_head(p->head);
    if (table == VOLUMES_GPT) {
        p->reason = "GPT partition table";
        return 95;
    }
    if (fs_claim(type)) {
        p->reason = fs_type_name(type);
        return fs_claim(type);
    }
    if (table == VOLUMES_MBR) {
        p->reason = "MBR partition table";
        return 80;
    }
    if (type == FS_EMPTY && p->size >= STEP && named_as_image(p->path)) {
        p->reason = "zeros at the start, named like an image";
        return 55;
    }
    return 0;
}

/* ---- issues ------------------------------------------------------------- */

/* Of one content; n 0: not computed. */
struct digests {
    unsigned char hash[HASH_COUNT][SHA256_LEN];
    uint8_t n[HASH_COUNT];
};

/* A volume with a journal to play back: its names as on disk, until the names
 * after the journal are told, and the issues that were told of it. */
struct dirty {
    struct dirty *next;
    char name[DISK_VOLUME_NAME_MAX];
    struct disk_views *views;
    unsigned char (*issues)[SHA256_LEN];
    size_t n_issues;
};

struct disk {
    struct import_job *job;
    struct source *media;
    char *buf; /* STEP bytes */

    const struct disk_volume *volume; /* the one at hand */
    struct fs *fs;
    struct dirty *dirty; /* the volume at hand has two views; else NULL */
    bool after;          /* this is the one after the journal */
    struct dirty *all, **all_end;
    struct {
        const char *code;
        uint64_t n;
    } codes[CODES_MAX];
    size_t n_codes;
    uint64_t files, hashed;
    struct hasher *hasher;
    struct wanted *wanted;
    struct {
        uint64_t inode;
        struct digests digests;
    } linked[LINKED];
};

/* Counts an issue; false when there have been enough of its kind. */
static bool few_enough(struct disk *d, const char *code)
{
    size_t i = 0;
    while (i < d->n_codes && strcmp(d->codes[i].code, code) != 0)
        i++;
    if (i == CODES_MAX)
        return true;
    if (i == d->n_codes) {
        d->codes[i].code = code;
        d->codes[i].n = 0;
        d->n_codes++;
    }
    return ++d->codes[i].n <= CODE_ISSUES_MAX;
}

static int issue_sums(struct disk *d)
{
    int stop = 0;
    for (size_t i = 0; i < d->n_codes && !stop; i++)
        if (d->codes[i].n > CODE_ISSUES_MAX)
            stop =
                sink_issue(d->job->sink, ISSUE_WARNING, 0, 0, d->codes[i].code,
                           "volume %s: %llu more of this kind",
                           disk_volume_title(d->volume),
                           (unsigned long long)d->codes[i].n - CODE_ISSUES_MAX);
    d->n_codes = 0;
    return stop;
}

/* ---- files -------------------------------------------------------------- */

/* Digest of the content; false when it is left out. */
static bool hash_content(struct disk *d, const struct fs_file *f,
                         struct digests *out, bool *partial)
{
    struct source *s = fs_open_inode(d->fs, f->inode, NULL);
    bool ok = s != NULL;
    hasher_reset(d->hasher);
    for (uint64_t off = 0; ok && off < s->size;) {
        size_t got = 0;
        ok = !source_read(s, off, d->buf, STEP, &got, NULL) && got > 0;
        hasher_add(d->hasher, d->buf, got);
        off += got;
    }
    *partial = ok && s->n_gaps > 0;
    source_close(s);
    for (unsigned a = 0; a < HASH_COUNT; a++)
        out->n[a] =
            (uint8_t)hasher_end(d->hasher, (enum hash_algo)a, out->hash[a]);
    return ok && out->n[HASH_SHA256] == SHA256_LEN;
}

static bool worth_hashing(const struct disk *d, const struct fs_file *f)
{
    return d->hasher && f->type == FS_FILE_REGULAR &&
           !(f->flags & FS_FILE_REALLOCATED) &&
           !(f->flags & FS_FILE_DELETED && f->size == 0) &&
           f->size / 16 <= d->fs->vol->size;
}

/* Of a file with several names once. False: no digest. */
static bool file_hash(struct disk *d, const struct fs_file *f,
                      struct digests *out, uint32_t *flags)
{
    bool partial = false;
    size_t slot = (size_t)(f->inode % LINKED);
    if (!worth_hashing(d, f))
        return false;
    if (f->links > 1 && d->linked[slot].inode == f->inode) {
        *out = d->linked[slot].digests;
        return true;
    }
    if (!hash_content(d, f, out, &partial)) {
        *flags |= FILE_UNRELIABLE;
        return false;
    }
    if (partial)
        *flags |= FILE_PARTIAL;
    if (f->links > 1 && !partial) {
        d->linked[slot].inode = f->inode;
        d->linked[slot].digests = *out;
    }
    return true;
}

static struct str digest_of(const struct digests *g, enum hash_algo a)
{
    return (struct str){ (const char *)g->hash[a], g->n[a] };
}

/* From the first bytes of the content. */
static struct str type_of(struct disk *d, const struct fs_file *f)
{
    struct source *s = fs_open_inode(d->fs, f->inode, NULL);
    size_t got = 0;
    bool ok = s && !source_read(s, 0, d->buf, FILE_TYPE_HEAD, &got, NULL);
    source_close(s);
    return ok && got ? file_type_of(d->job->types, (struct str){ d->buf, got })
                     : STR_NONE;
}

/* The floor's list as the sink's; few fit into place. NULL: no memory. */
static struct record_xattr *xattrs_of(const struct fs_file *f,
                                      struct record_xattr place[XATTRS])
{
    struct record_xattr *x = place;
    if (f->n_xattrs > XATTRS)
        x = malloc(f->n_xattrs * sizeof *x);
    for (size_t i = 0; x && i < f->n_xattrs; i++)
        x[i] = (struct record_xattr){ f->xattrs[i].name, f->xattrs[i].value };
    return x;
}

/* Where the inode lies in the member's innermost layer: the medium, or the
 * volume after its journal. */
static void place(const struct disk *d, const struct fs_file *f,
                  struct record_file *r)
{
    const struct source *vol = d->volume->src;
    if (!f->len)
        return;
    if (!d->after && disk_volume_place(d->volume, f->off, f->len, &r->off))
        r->len = f->len;
    if (d->after && f->off <= vol->size && f->len <= vol->size - f->off) {
        r->off = f->off;
        r->len = f->len;
    }
}

/* False: the other view has told it. */
static bool view_of(struct disk *d, const struct fs_file *f,
                    struct record_file *r)
{
    if (!d->dirty)
        return true;
    if (d->after) {
        r->view = FILE_VIEW_JOURNAL;
        return disk_views_new(d->dirty->views, f);
    }
    if (!disk_views_same(d->dirty->views, f, &r->told))
        r->view = FILE_VIEW_DISK;
    return true;
}

/* Is its content there, and does an importer ask for files of its name? Of
 * what was deleted only what nothing else lies over. */
static bool has_records(struct disk *d, const struct fs_file *f)
{
    return f->type == FS_FILE_REGULAR && f->size > 0 &&
           !(f->flags & FS_FILE_REALLOCATED) &&
           f->size / 16 <= d->fs->vol->size &&
           (!(f->flags & FS_FILE_DELETED) || f->free_bytes == f->size ||
            f->found == FS_FOUND_OPEN) &&
           wanted_path(d->wanted, f->path);
}

static int on_file(void *ctx, const struct fs_file *f)
{
    struct disk *d = ctx;
    struct digests digests;
    struct record_file r = {
        .volume = str_from(d->volume->name),
        .path = f->path,
        .inode = f->inode,
        .parent_inode = f->parent,
        .type = f->type,
        .mode = f->mode,
        .uid = f->uid,
        .gid = f->gid,
        .links = f->links,
        .size = f->size,
        .flags = f->flags,
        .m = f->m,
        .a = f->a,
        .c = f->c,
        .b = f->b,
        .d = f->d,
        .t_res = f->t_res,
        .link_target = f->link,
        .found = f->found,
        .confidence = f->confidence,
        .free_bytes = f->free_bytes < f->size ? f->free_bytes : f->size,
        .device = f->device,
    };
    place(d, f, &r);
    if (has_records(d, f))
        r.flags |= FILE_RECORDS;
    if (!view_of(d, f, &r))
        return 0;
    struct record_xattr xattrs[XATTRS];
    struct record_xattr *all = xattrs_of(f, xattrs);
    if (!all)
        return ERR_INTERNAL;
    r.xattrs = all;
    r.n_xattrs = f->n_xattrs;
    if (file_hash(d, f, &digests, &r.flags)) {
        r.sha256 = digest_of(&digests, HASH_SHA256);
        r.sha1 = digest_of(&digests, HASH_SHA1);
        r.md5 = digest_of(&digests, HASH_MD5);
    }
    if (d->hasher && d->job->types &&
        disk_type_wanted(f, r.view != FILE_VIEW_BOTH))
        r.content_type = type_of(d, f);
    d->files++;
    int stop = sink_file(d->job->sink, &r);
    if (all != xattrs)
        free(all);
    return stop;
}

/* After the journal only what is new is an issue; and that there is a journal
 * is none where it is played back. */
static bool told_already(struct disk *d, const char *code, uint64_t inode,
                         const char *text)
{
    struct dirty *y = d->dirty;
    struct buf b = { 0 };
    unsigned char hash[SHA256_LEN];
    if (strcmp(code, "journal-not-replayed") == 0)
        return true;
    buf_printf(&b, "%s %llu %s", code, (unsigned long long)inode, text);
    bool told = b.failed || !hash_sha256(buf_str(&b), hash);
    buf_free(&b);
    for (size_t i = 0; !told && i < y->n_issues; i++)
        told = memcmp(y->issues[i], hash, SHA256_LEN) == 0;
    if (told)
        return d->after;
    if (y->n_issues < TOLD_MAX)
        memcpy(y->issues[y->n_issues++], hash, SHA256_LEN);
    return false;
}

static int on_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    struct disk *d = ctx;
    const char *volume = disk_volume_title(d->volume);
    if (d->dirty && told_already(d, code, inode, text))
        return 0;
    if (!few_enough(d, code))
        return 0;
    if (inode == 0)
        return sink_issue(d->job->sink, (enum issue_severity)severity, 0, 0,
                          code, "volume %s: %s", volume, text);
    return sink_issue(d->job->sink, (enum issue_severity)severity, 0, 0, code,
                      "volume %s, inode %llu: %s", volume,
                      (unsigned long long)inode, text);
}

static void on_progress(void *ctx, uint64_t files)
{
    struct disk *d = ctx;
    (void)files;
    sink_progress(d->job->sink, d->job->in->src->size);
}

/* ---- two views ---------------------------------------------------------- */

static void dirty_close(struct dirty *y)
{
    if (!y)
        return;
    disk_views_close(y->views);
    free(y->issues);
    free(y);
}

static struct dirty *dirty_open(const struct disk_volume *v)
{
    struct dirty *y = calloc(1, sizeof *y);
    if (!y)
        return NULL;
    memcpy(y->name, v->name, sizeof y->name);
    y->views = disk_views_open();
    y->issues = calloc(TOLD_MAX, sizeof *y->issues);
    if (y->views && y->issues)
        return y;
    dirty_close(y);
    return NULL;
}

static int add_name(void *ctx, const struct fs_file *f)
{
    struct disk *d = ctx;
    return disk_views_add(d->dirty->views, f) ? 0 : ERR_INTERNAL;
}

static int meet_name(void *ctx, const struct fs_file *f)
{
    struct disk *d = ctx;
    return disk_views_meet(d->dirty->views, f) ? 0 : ERR_INTERNAL;
}

static int no_issue(void *ctx, int severity, const char *code, uint64_t inode,
                    const char *text)
{
    (void)ctx;
    (void)severity;
    (void)code;
    (void)inode;
    (void)text;
    return 0;
}

static int journal_facts(struct disk *d, const struct journal_report *r)
{
    struct sink *s = d->job->sink;
    const char *vol = disk_volume_title(d->volume);
    char name[DISK_VOLUME_NAME_MAX + 40];
    char first[TIME_TEXT_MAX] = "", last[TIME_TEXT_MAX] = "", fast[60] = "";
    if (r->fast)
        snprintf(fast, sizeof fast, " and %llu fast commits",
                 (unsigned long long)r->fast);
    if (r->state == JOURNAL_NONE)
        return 0;
    snprintf(name, sizeof name, "volume %s journal", vol);
    if (r->state == JOURNAL_CLEAN)
        return disk_fact(s, name, "clean");
    if (r->state == JOURNAL_UNREADABLE)
        return sink_issue(s, ISSUE_WARNING, 0, 0, "journal-not-read",
                          "volume %s: its journal was not played back: %s", vol,
                          r->why);
    if (r->transactions == 0 && r->fast == 0)
        return disk_fact(s, name, "marked as in use, but nothing to play back");
    if (r->has_times) {
        first[time_format(first, r->first, 9, 0)] = 0;
        last[time_format(last, r->last, 9, 0)] = 0;
    }
    int stop = disk_fact(
        s, name, "%llu transactions%s to play back, %llu to %llu%s%s%s%s",
        (unsigned long long)r->transactions, fast,
        (unsigned long long)r->first_seq, (unsigned long long)r->last_seq,
        r->has_times ? ", " : "", first, r->has_times ? " to " : "", last);
    if (!stop)
        stop = sink_issue(s, ISSUE_NOTE, 0, 0, "journal-dirty",
                          "volume %s was copied while in use: its names are "
                          "told as on disk and as after its journal",
                          vol);
    if (!stop && (r->dropped || r->skipped || r->unfinished || r->why[0]))
        stop = sink_issue(
            s, ISSUE_WARNING, 0, 0, "journal-part",
            "volume %s, journal: not played back: %llu torn "
            "transactions, %llu changes, %llu intents%s%s",
            vol, (unsigned long long)r->dropped, (unsigned long long)r->skipped,
            (unsigned long long)r->unfinished, r->why[0] ? "; " : "", r->why);
    return stop;
}

/* The volume after its journal: NULL when there is nothing to play back. */
static struct source *after_journal(struct disk *d, int *stop)
{
    struct journal_report report = { 0 };
    struct err why = { 0 };
    struct source *s = journal_replay(
        d->volume->src, fs_recognise(d->volume->src), &report, &why);
    if (!s && why.code)
        *stop =
            sink_issue(d->job->sink, ISSUE_WARNING, 0, 0, "journal-not-read",
                       "volume %s: its journal was not played back: %s",
                       disk_volume_title(d->volume), why.what);
    else
        *stop = journal_facts(d, &report);
    return s;
}

/* Both views are gone through before the first name is told. */
static int compare_views(struct disk *d, struct source *after, struct err *err)
{
    const struct fs_visitor add = { d, add_name, no_issue, on_progress };
    const struct fs_visitor meet = { d, meet_name, no_issue, on_progress };
    struct err why = { 0 };
    struct fs *fs = fs_open(after, &why);
    if (!fs)
        return sink_issue(d->job->sink, ISSUE_WARNING, 0, 0, "journal-not-read",
                          "volume %s: not readable after its journal: %s",
                          disk_volume_title(d->volume), why.what);
    d->dirty = dirty_open(d->volume);
    if (!d->dirty) {
        fs_close(fs);
        return err_set(err, ERR_INTERNAL, "out of memory");
    }
    int stop = fs_walk(d->fs, &add, err);
    if (!stop)
        stop = fs_walk(fs, &meet, err);
    fs_close(fs);
    return stop;
}

static int view_sums(struct disk *d, const struct dirty *y)
{
    struct disk_views_sums sum;
    char name[DISK_VOLUME_NAME_MAX + 48];
    disk_views_sum(y->views, &sum);
    snprintf(name, sizeof name, "volume %s changed by journal",
             disk_volume_title(d->volume));
    if (!sum.compared)
        return sink_issue(d->job->sink, ISSUE_WARNING, 0, 0, "views-whole",
                          "volume %s: more than %d names: its two views are "
                          "kept whole, not compared",
                          disk_volume_title(d->volume), DISK_VIEWS_NAMES_MAX);
    return disk_fact(
        d->job->sink, name, "names added: %llu, removed: %llu, changed: %llu%s",
        (unsigned long long)sum.added, (unsigned long long)sum.removed,
        (unsigned long long)sum.changed, sum.changed_all ? "" : " or more");
}

/* ---- volumes ------------------------------------------------------------ */

static int walk_fs(struct disk *d, struct err *err)
{
    const struct fs_visitor visitor = { d, on_file, on_issue, on_progress };
    memset(d->linked, 0, sizeof d->linked);
    int stop = fs_walk(d->fs, &visitor, err);
    return stop ? stop : issue_sums(d);
}

static int walk_views(struct disk *d, struct err *err)
{
    int stop = 0;
    struct source *after = after_journal(d, &stop);
    if (!stop && after)
        stop = compare_views(d, after, err);
    source_close(after);
    if (!stop)
        stop = walk_fs(d, err);
    if (!d->dirty)
        return stop;
    if (!stop)
        stop = view_sums(d, d->dirty);
    disk_views_shrink(d->dirty->views);
    *d->all_end = d->dirty;
    d->all_end = &d->dirty->next;
    d->dirty = NULL;
    return stop;
}

static int walk(void *ctx, const struct disk_volume *v, struct err *err)
{
    struct disk *d = ctx;
    struct err why = { 0 };
    d->volume = v;
    d->fs = fs_open(v->src, &why);
    if (!d->fs) {
        if (why.code == ERR_INTERNAL)
            return err_set(err, why.code, "%s", why.what);
        return sink_issue(d->job->sink, ISSUE_ERROR, 0, 0, "volume-damaged",
                          "volume %s: %s", disk_volume_title(v), why.what);
    }
    int stop = disk_fs_facts(d->job->sink, v, &d->fs->info);
    if (!stop)
        stop = walk_views(d, err);
    fs_close(d->fs);
    d->fs = NULL;
    return stop;
}

/* The names that a journal brought or changed: a part of their own, whose
 * layers lead through it. */
static int walk_after(struct disk *d, struct dirty *y, struct err *err)
{
    struct buf in = { 0 }, cite = { 0 };
    struct disk_volume v = { .off = 0 };
    memcpy(v.name, y->name, sizeof v.name);
    if (y->name[0])
        buf_printf(&in, "!%s", y->name);
    buf_putz(&in, "!journal");
    buf_put(&cite, d->job->layers);
    buf_put(&cite, buf_str(&in));
    v.src = in.failed || cite.failed
                ? NULL
                : source_open_layers(d->media, buf_str(&in), err);
    int stop = v.src ? 0 : ERR_INTERNAL;
    d->volume = &v;
    d->dirty = y;
    d->after = true;
    d->fs = v.src ? fs_open(v.src, err) : NULL;
    if (!d->fs)
        stop = err->code ? err->code : ERR_INTERNAL;
    if (!stop)
        stop = sink_part(d->job->sink, buf_str(&cite), v.src->size);
    if (!stop)
        stop = walk_fs(d, err);
    fs_close(d->fs);
    source_close(v.src);
    buf_free(&in);
    buf_free(&cite);
    d->fs = NULL;
    d->dirty = NULL;
    d->volume = NULL;
    return stop;
}

static int all_volumes(struct disk *d, struct err *err)
{
    const struct disk_walker walker = { d, walk };
    d->all_end = &d->all;
    int stop = disk_volumes(d->job->sink, d->media, &walker, err);
    for (struct dirty *y = d->all; y && !stop; y = y->next)
        stop = walk_after(d, y, err);
    while (d->all) {
        struct dirty *next = d->all->next;
        dirty_close(d->all);
        d->all = next;
    }
    dirty_close(d->dirty); /* left over where the walk was stopped */
    return stop;
}

static int import(struct import_job *job, struct err *err)
{
    struct disk *d = calloc(1, sizeof *d);
    if (d) {
        d->buf = malloc(STEP);
        d->wanted = wanted_open();
    }
    if (d && job->hash_files)
        d->hasher = hasher_open(
            1u << HASH_SHA256 |
            (job->hash_weak ? 1u << HASH_SHA1 | 1u << HASH_MD5 : 0));
    if (!d || !d->buf || !d->wanted || (job->hash_files && !d->hasher)) {
        if (d) {
            free(d->buf);
            wanted_close(d->wanted);
            hasher_close(d->hasher);
        }
        free(d);
        return err_set(err, ERR_INTERNAL, "out of memory");
    }
    d->job = job;
    int code = disk_media_open(job, &d->media, err);
    if (!code && job->hash_files && !job->types)
        code = sink_issue(job->sink, ISSUE_NOTE, 0, 0, "no-file-types",
                          "no type of a file is told: libmagic has no "
                          "database here");
    if (!code)
        code = all_volumes(d, err);
    if (d->media && d->media != job->in->src)
        source_close(d->media);
    hasher_close(d->hasher);
    wanted_close(d->wanted);
    free(d->buf);
    free(d);
    return code;
}

const struct importer importers_disk = {
    .name = "disk",
    .title = "Disk or volume image",
    .reads = "raw, split raw, E01, qcow2, VMDK, VHD and VHDX images, EBS "
             "blocks; GPT, "
             "MBR, LVM2; ext2/3/4, XFS, NTFS, FAT, exFAT, ISO 9660",
    .flags = IMPORTER_IMAGE,
    .probe = probe,
    .import = import,
};
