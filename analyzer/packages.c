#include "analyzer/packages.h"

#include <stdlib.h>

#include "analyzer/packages_judge.h"
#include "base/kinds.h"
#include "base/text.h"
#include "casedb/query.h"

enum {
    HOPS = 16, /* of links on one path */
    LINKED_PATH = 4096,
    NO_VOLUME = UINT32_MAX,
};

struct volume {
    struct str image, layers, name; /* layers of what lies on it, "!ewf!p1" */
    bool spoken;                    /* a database of packages is on it */
};

struct origin { /* a member with packages or claims */
    int64_t member;
    struct str image, layers;
    size_t root;
    bool superseded; /* the same file is there as the journal has it */
};

struct claim {
    struct package_claim p; /* texts in the group's arena */
};

struct work {
    struct casedb *c;
    struct packages_report *r;
    bool all;
    struct arena *a; /* of the report: texts that stay */

    struct member *disks;
    size_t n_disks, cap_disks;
    struct volume *volumes;
    size_t n_volumes, cap_volumes;
    int64_t last_member;
    struct str last_name;
    uint32_t last_volume;

    struct origin *origins;
    size_t n_origins, cap_origins;
    size_t cap_roots;
    uint32_t *root_volume;

    struct package_file *files; /* by path */
    size_t n_files, cap_files;

    struct claim *group; /* of one path */
    size_t n_group, cap_group;
    uint32_t group_path;
    struct arena group_arena;
    struct buf folder, resolved, path; /* the last folder that had links */
    size_t folder_root;
    bool folder_known;

    size_t cap_findings;
    struct err *err;
};

static int no_memory(struct work *w)
{
    return err_set(w->err, ERR_INTERNAL, "packages: out of memory");
}

static bool grow(void **v, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 64;
    void *p = realloc(*v, more * size);
    if (!p)
        return false;
    *v = p;
    *cap = more;
    return true;
}

#define GROW(w, list)                                                          \
    grow((void **)&(w)->list, (w)->n_##list, &(w)->cap_##list,                 \
         sizeof(*(w)->list))

/* ---- volumes ------------------------------------------------------------- */

static int take_disk(void *ctx, const struct member *m)
{
    struct work *w = ctx;
    if (!str_eq(m->format, STR("disk")))
        return 0;
    if (!GROW(w, disks))
        return no_memory(w);
    struct member *d = &w->disks[w->n_disks++];
    *d = (struct member){ .id = m->id,
                          .path = arena_copy(w->a, m->path),
                          .layers = arena_copy(w->a, m->layers) };
    return d->path.p && d->layers.p ? 0 : no_memory(w);
}

/* Both views of a volume are one. */
static struct str without_journal(struct str layers)
{
    static const struct str journal = { "!journal", 8 };
    return str_ends(layers, journal) ? str_sub(layers, 0, layers.n - journal.n)
                                     : layers;
}

static const struct member *disk_of(const struct work *w, int64_t member)
{
    for (size_t i = 0; i < w->n_disks; i++)
        if (w->disks[i].id == member)
            return &w->disks[i];
    return NULL;
}

/* The volume of a file, made when it is the first of it; NO_VOLUME: out of
 * memory. */
static uint32_t volume_of(struct work *w, int64_t member, struct str name)
{
    const struct member *d = disk_of(w, member);
    struct buf b = { 0 };
    if (w->last_member == member && str_eq(w->last_name, name))
        return w->last_volume;
    if (!d)
        return NO_VOLUME;
    struct str layers = without_journal(d->layers);
    buf_put(&b, layers);
    if (name.n && layers.n == d->layers.n) {
        buf_putc(&b, '!');
        buf_put(&b, name);
    }
    uint32_t i = 0;
    while (i < w->n_volumes && !(str_eq(w->volumes[i].layers, buf_str(&b)) &&
                                 str_eq(w->volumes[i].image, d->path)))
        i++;
    if (i == w->n_volumes) {
        if (!GROW(w, volumes)) {
            buf_free(&b);
            return NO_VOLUME;
        }
        w->volumes[w->n_volumes++] =
            (struct volume){ d->path, arena_copy(w->a, buf_str(&b)),
                             arena_copy(w->a, name), false };
    }
    buf_free(&b);
    w->last_member = member;
    w->last_name = w->volumes[i].name;
    w->last_volume = i;
    return i;
}

static struct str keep(struct work *w, struct str s)
{
    return s.n ? arena_copy(w->a, s) : STR_NONE;
}

static int take_file(void *ctx, const struct volume_file *f)
{
    struct work *w = ctx;
    uint32_t v = volume_of(w, f->member, f->volume);
    if (v == NO_VOLUME || !GROW(w, files))
        return no_memory(w);
    w->files[w->n_files++] = (struct package_file){
        .id = f->id,
        .path = f->path,
        .volume = v,
        .mode = f->mode,
        .uid = f->uid,
        .gid = f->gid,
        .flags = f->flags,
        .size = f->size,
        .link_target = keep(w, f->link_target),
        .sha256 = keep(w, f->sha256),
        .sha1 = keep(w, f->sha1),
        .md5 = keep(w, f->md5),
        .type = f->type,
        .capability = f->capability,
    };
    return 0;
}

/* The file of a path on a volume, NULL: none. */
static struct package_file *file_at(const struct work *w, uint32_t volume,
                                    uint32_t path)
{
    size_t lo = 0, hi = w->n_files;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (w->files[mid].path < path)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < w->n_files && w->files[lo].path == path; lo++)
        if (w->files[lo].volume == volume)
            return &w->files[lo];
    return NULL;
}

static struct package_file *file_named(const struct work *w, uint32_t volume,
                                       struct str path)
{
    uint32_t id = case_find(w->c, KIND_FILE, path);
    return id ? file_at(w, volume, id) : NULL;
}

/* ---- databases ----------------------------------------------------------- */

static int take_origin(void *ctx, const struct package_source *s)
{
    struct work *w = ctx;
    if (!GROW(w, origins))
        return no_memory(w);
    struct origin *o = &w->origins[w->n_origins++];
    *o = (struct origin){ .member = s->member,
                          .image = arena_copy(w->a, s->path),
                          .layers = arena_copy(w->a, s->layers) };
    return o->image.p && o->layers.p ? 0 : no_memory(w);
}

/* "!p1!fs/srv/root/var/lib/rpm/x": the layers of the volume, and the path. */
static bool split_layers(const struct origin *o, struct str *volume,
                         struct str *path)
{
    size_t at = str_find(o->layers, STR("!fs/"));
    if (at == SIZE_MAX)
        return false;
    *volume = str_sub(o->layers, 0, at);
    *path = str_sub(o->layers, at + 3, o->layers.n);
    return true;
}

/* Of "/srv/root/var/lib/rpm/Packages": "/srv/root"; "" is the volume's root. */
static struct str folder_of(struct str path)
{
    static const char *const homes[] = { "/var/lib/rpm/",
                                         "/usr/lib/sysimage/rpm/",
                                         "/usr/share/rpm/", "/var/lib/dpkg/" };
    for (size_t i = 0; i < sizeof(homes) / sizeof(*homes); i++) {
        size_t at = str_find(path, str_from(homes[i]));
        if (at != SIZE_MAX)
            return str_sub(path, 0, at);
    }
    return STR_NONE;
}

static uint32_t volume_like(const struct work *w, struct str image,
                            struct str layers)
{
    struct str plain = without_journal(layers);
    for (uint32_t i = 0; i < w->n_volumes; i++)
        if (str_eq(w->volumes[i].image, image) &&
            str_eq(w->volumes[i].layers, plain))
            return i;
    return NO_VOLUME;
}

static bool root_fits(const struct work *w, size_t i, struct str image,
                      uint32_t volume, struct str folder)
{
    const struct package_root *r = &w->r->roots[i];
    return w->root_volume[i] == volume && str_eq(r->image, image) &&
           str_eq(r->folder, folder);
}

static int root_of(struct work *w, struct origin *o)
{
    struct str layers = STR_NONE, path = STR_NONE, folder = STR_NONE;
    uint32_t volume = NO_VOLUME;
    struct buf b = { 0 };
    if (split_layers(o, &layers, &path)) {
        volume = volume_like(w, o->image, layers);
        if (!text_uncite(&b, folder_of(path)))
            buf_clear(&b);
    }
    folder = b.n ? arena_copy(w->a, buf_str(&b)) : STR("/");
    buf_free(&b);
    /* loose files belong together when they were given together */
    struct str image = volume == NO_VOLUME ? STR_NONE : o->image;
    for (o->root = 0; o->root < w->r->n_roots; o->root++)
        if (root_fits(w, o->root, image, volume, folder))
            return 0;
    size_t cap = w->cap_roots;
    if (!grow((void **)&w->r->roots, w->r->n_roots, &cap,
              sizeof(*w->r->roots)) ||
        !grow((void **)&w->root_volume, w->r->n_roots, &w->cap_roots,
              sizeof(*w->root_volume)))
        return no_memory(w);
    w->root_volume[w->r->n_roots] = volume;
    w->r->roots[w->r->n_roots++] = (struct package_root){
        .image = image,
        .volume = volume == NO_VOLUME ? STR_NONE : w->volumes[volume].name,
        .folder = folder,
        .on_volume = volume != NO_VOLUME,
    };
    if (volume != NO_VOLUME)
        w->volumes[volume].spoken = true;
    return 0;
}

/* Of one file in both views the journal's counts. */
static void supersede(struct work *w)
{
    for (size_t k = 0; k < w->n_origins; k++) {
        struct str vi, pi, vk, pk;
        const struct origin *later = &w->origins[k];
        if (!split_layers(later, &vk, &pk) || without_journal(vk).n == vk.n)
            continue;
        for (size_t i = 0; i < w->n_origins; i++)
            if (i != k && split_layers(&w->origins[i], &vi, &pi) &&
                str_eq(without_journal(vk), vi) && str_eq(pk, pi) &&
                str_eq(w->origins[i].image, later->image))
                w->origins[i].superseded = true;
    }
}

static const struct origin *origin_of(const struct work *w, int64_t member)
{
    size_t lo = 0, hi = w->n_origins;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (w->origins[mid].member < member)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < w->n_origins && w->origins[lo].member == member
               ? &w->origins[lo]
               : NULL;
}

/* ---- paths through links ------------------------------------------------- */

/* One step: the first link on the way to a folder is replaced by what it
 * leads to. False: there is none, or out of bounds. */
static bool step(const struct work *w, uint32_t volume, struct str root,
                 struct buf *path)
{
    struct str p = buf_str(path);
    for (size_t i = root.n + 1; i <= p.n; i++) {
        if (i < p.n && p.p[i] != '/')
            continue;
        struct str front = str_sub(p, 0, i), rest = str_sub(p, i, p.n);
        const struct package_file *f = file_named(w, volume, front);
        if (!f || f->type != FILE_LINK || f->link_target.n == 0)
            continue;
        struct buf next = { 0 };
        if (f->link_target.p[0] == '/') {
            buf_put(&next, root);
        } else {
            size_t slash = front.n;
            while (slash && front.p[slash - 1] != '/')
                slash--;
            buf_put(&next, str_sub(front, 0, slash));
        }
        buf_put(&next, f->link_target);
        buf_put(&next, rest);
        bool fits = !next.failed && next.n < LINKED_PATH;
        if (fits) {
            buf_clear(path);
            buf_put(path, buf_str(&next));
        }
        buf_free(&next);
        return fits;
    }
    return false;
}

/* Without "." and "..", in place. */
static void plain(struct buf *path)
{
    size_t out = 0, at = 0;
    while (at < path->n) {
        size_t from = at + 1, end = from;
        while (end < path->n && path->p[end] != '/')
            end++;
        struct str part = { path->p + from, end > from ? end - from : 0 };
        if (str_eq(part, STR(".."))) {
            while (out && path->p[--out] != '/')
                ;
        } else if (part.n && !str_eq(part, STR("."))) {
            path->p[out++] = '/';
            memmove(path->p + out, part.p, part.n);
            out += part.n;
        }
        at = end;
    }
    path->n = out;
}

static struct str root_folder(const struct work *w, size_t root)
{
    struct str f = w->r->roots[root].folder;
    return f.n == 1 ? STR_NONE : f;
}

/* A path whose folder leads through links (/lib of merged systems). */
static struct package_file *file_through(struct work *w, size_t root,
                                         struct str path)
{
    uint32_t volume = w->root_volume[root];
    size_t slash = path.n;
    while (slash && path.p[slash - 1] != '/')
        slash--;
    if (slash < 2)
        return NULL;
    struct str folder = str_sub(path, 0, slash - 1);
    if (!w->folder_known || w->folder_root != root ||
        !str_eq(buf_str(&w->folder), folder)) {
        buf_clear(&w->folder);
        buf_put(&w->folder, folder);
        buf_clear(&w->resolved);
        buf_put(&w->resolved, folder);
        w->folder_known = true;
        w->folder_root = root;
        for (int i = 0; i < HOPS; i++) {
            if (!step(w, volume, root_folder(w, root), &w->resolved))
                break;
            plain(&w->resolved);
        }
    }
    if (str_eq(buf_str(&w->resolved), folder))
        return NULL;
    struct buf b = { 0 };
    buf_put(&b, buf_str(&w->resolved));
    buf_put(&b, str_sub(path, slash - 1, path.n));
    struct package_file *f =
        b.failed ? NULL : file_named(w, volume, buf_str(&b));
    buf_free(&b);
    return f;
}

static struct package_file *claimed_file(struct work *w, size_t root,
                                         uint32_t path)
{
    struct str folder = root_folder(w, root);
    struct package_file *f = NULL;
    if (folder.n == 0)
        f = file_at(w, w->root_volume[root], path);
    if (f)
        return f;
    buf_clear(&w->path);
    buf_put(&w->path, folder);
    buf_put(&w->path, case_text(w->c, path));
    if (folder.n)
        f = file_named(w, w->root_volume[root], buf_str(&w->path));
    return f ? f : file_through(w, root, buf_str(&w->path));
}

/* ---- findings ------------------------------------------------------------ */

static int put_finding(struct work *w, const struct package_finding *f,
                       uint32_t path)
{
    struct packages_report *r = w->r;
    if (f->rank == RANK_OTHER && !w->all)
        return 0;
    if (!grow((void **)&r->findings, r->n_findings, &w->cap_findings,
              sizeof(*r->findings)))
        return no_memory(w);
    struct package_finding *x = &r->findings[r->n_findings++];
    *x = *f;
    x->path = arena_copy(w->a, case_text(w->c, path));
    return x->path.p ? 0 : no_memory(w);
}

static int tell(struct work *w, size_t root, const struct package_claim *p,
                const struct package_file *f, const struct package_verdict *v)
{
    struct package_root *r = &w->r->roots[root];
    r->n[v->state]++;
    r->owners += v->names_owner;
    if (v->state == PACKAGE_AS_PACKAGED || v->state == PACKAGE_OPEN)
        return 0;
    struct package_finding x = {
        .state = v->state,
        .rank = package_rank(p, f, v),
        .differs = v->differs,
        .privileged = f && package_privileged(f),
        .package = p->package,
        .mode = f ? f->mode : 0,
        .size = f ? f->size : 0,
        .packaged_mode = p->mode,
        .packaged_size = p->size,
        .has_mode = p->known & PACKAGE_MODE,
        .has_size = p->known & PACKAGE_SIZE,
        .file = f ? f->id : 0,
        .where = root,
    };
    return put_finding(w, &x, f ? f->path : p->path);
}

/* How much a verdict counts: several packages may ship one file, and one that
 * is as any of them says is as packaged. What states nothing says nothing. */
static int worth(const struct package_verdict *v)
{
    static const int order[PACKAGE_STATES] = {
        [PACKAGE_AS_PACKAGED] = 7,    [PACKAGE_OPEN] = 6,
        [PACKAGE_CONFIG_CHANGED] = 4, [PACKAGE_NOT_HASHED] = 5,
        [PACKAGE_CHANGED] = 3,        [PACKAGE_IS_MISSING] = 2,
        [PACKAGE_NOT_STATED] = 1,
    };
    return order[v->state];
}

/* dpkg states of one file in several lists. */
static void merge(struct work *w, size_t root, struct package_claim *out)
{
    bool first = true;
    for (size_t i = 0; i < w->n_group; i++) {
        const struct package_claim *p = &w->group[i].p;
        const struct origin *o = origin_of(w, p->member);
        if (!o || o->root != root || o->superseded ||
            p->manager != PACKAGE_DPKG)
            continue;
        if (first)
            *out = *p;
        first = false;
        out->flags |= p->flags;
        if (p->digest.n && !out->digest.n) {
            out->digest = p->digest;
            out->package = p->package;
        }
    }
}

static int judge_root(struct work *w, size_t root)
{
    struct package_file *f = claimed_file(w, root, w->group_path);
    struct package_verdict best = { PACKAGE_NOT_STATED, 0, false };
    const struct package_claim *by = NULL;
    struct package_claim merged;
    bool have_merged = false;
    for (size_t i = 0; i < w->n_group; i++) {
        const struct package_claim *p = &w->group[i].p;
        const struct origin *o = origin_of(w, p->member);
        if (!o || o->root != root || o->superseded ||
            (p->manager == PACKAGE_DPKG && have_merged))
            continue;
        if (p->manager == PACKAGE_DPKG) {
            merge(w, root, &merged);
            have_merged = true;
            p = &merged;
        }
        if (p->digest.n < sizeof(w->r->roots[root].wants))
            w->r->roots[root].wants[p->digest.n] = true;
        struct package_verdict v = package_judge(p, f);
        if (!by || worth(&v) > worth(&best)) {
            best = v;
            by = p;
        }
    }
    if (!by)
        return 0;
    if (f)
        f->claimed = true;
    return tell(w, root, by, f, &best);
}

static int judge_group(struct work *w)
{
    int rc = 0;
    for (size_t i = 0; i < w->r->n_roots && w->n_group && rc == 0; i++)
        if (w->r->roots[i].on_volume)
            rc = judge_root(w, i);
    w->n_group = 0;
    arena_reset(&w->group_arena);
    return rc;
}

static int take_claim(void *ctx, const struct package_claim *p)
{
    struct work *w = ctx;
    int rc = p->path == w->group_path ? 0 : judge_group(w);
    if (rc)
        return rc;
    if (!GROW(w, group))
        return no_memory(w);
    w->group_path = p->path;
    struct package_claim *q = &w->group[w->n_group++].p;
    *q = *p;
    q->owner = arena_copy(&w->group_arena, p->owner);
    q->group = arena_copy(&w->group_arena, p->group);
    q->digest = arena_copy(&w->group_arena, p->digest);
    q->link_target = arena_copy(&w->group_arena, p->link_target);
    return q->owner.p && q->group.p && q->digest.p && q->link_target.p
               ? 0
               : no_memory(w);
}

/* ---- files of no package ------------------------------------------------- */

static bool within(const struct work *w, size_t root, struct str path,
                   struct str *rest)
{
    struct str folder = root_folder(w, root);
    *rest = str_sub(path, folder.n, path.n);
    return str_starts(path, folder) && (rest->n == 0 || rest->p[0] == '/');
}

/* The root that speaks for a file: the deepest folder. */
static size_t speaker(const struct work *w, const struct package_file *f,
                      struct str path, struct str *rest)
{
    size_t best = SIZE_MAX, deepest = 0;
    for (size_t i = 0; i < w->r->n_roots; i++) {
        struct str r;
        size_t n = w->r->roots[i].folder.n;
        if (w->root_volume[i] != f->volume || !within(w, i, path, &r) ||
            (best != SIZE_MAX && n <= deepest))
            continue;
        best = i;
        deepest = n;
        *rest = r;
    }
    return best;
}

static int look_for_owner(struct work *w, const struct package_file *f)
{
    struct str path = case_text(w->c, f->path), rest = STR_NONE;
    size_t root = speaker(w, f, path, &rest);
    if (root == SIZE_MAX)
        return 0;
    struct package_root *r = &w->r->roots[root];
    r->files++;
    r->sha256 |= f->sha256.n != 0;
    r->sha1 |= f->sha1.n != 0;
    r->md5 |= f->md5.n != 0;
    if (f->claimed)
        return 0;
    r->n[PACKAGE_NO_OWNER]++;
    bool privileged = package_privileged(f);
    struct package_finding x = {
        .state = PACKAGE_NO_OWNER,
        .rank = privileged               ? RANK_PRIVILEGED
                : package_place(rest, f) ? RANK_STRANGER
                                         : RANK_OTHER,
        .privileged = privileged,
        .mode = f->mode,
        .size = f->size,
        .file = f->id,
        .where = root,
    };
    return put_finding(w, &x, f->path);
}

static int look_for_owners(struct work *w)
{
    int rc = 0;
    for (size_t i = 0; i < w->n_files && rc == 0; i++) {
        const struct package_file *f = &w->files[i];
        if (!w->volumes[f->volume].spoken)
            w->r->files_elsewhere += f->type == FILE_REGULAR;
        else if (f->type == FILE_REGULAR)
            rc = look_for_owner(w, f);
    }
    return rc;
}

/* ---- all of it ----------------------------------------------------------- */

static int by_rank(const void *a, const void *b)
{
    const struct package_finding *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->where != y->where)
        return x->where < y->where ? -1 : 1;
    int by_path = str_cmp(x->path, y->path);
    return by_path ? by_path : x->file < y->file ? -1 : x->file > y->file;
}

static int collect(struct work *w, int64_t exhibit)
{
    int rc = case_members(w->c, exhibit, take_disk, w, w->err);
    if (rc == 0)
        rc = case_volume_files(w->c, exhibit, take_file, w, w->err);
    if (rc == 0)
        rc = case_package_sources(w->c, exhibit, take_origin, w, w->err);
    for (size_t i = 0; i < w->n_origins && rc == 0; i++)
        rc = root_of(w, &w->origins[i]);
    if (rc)
        return rc;
    supersede(w);
    rc = case_package_claims(w->c, exhibit, take_claim, w, w->err);
    if (rc == 0)
        rc = judge_group(w);
    return rc ? rc : look_for_owners(w);
}

int packages_verify(struct casedb *c, int64_t exhibit, bool all,
                    struct packages_report *out, struct err *err)
{
    *out = (struct packages_report){ 0 };
    struct work w = { .c = c,
                      .r = out,
                      .all = all,
                      .a = &out->arena,
                      .last_member = -1,
                      .err = err };
    int rc = collect(&w, exhibit);
    if (rc == 0 && out->n_findings)
        qsort(out->findings, out->n_findings, sizeof(*out->findings), by_rank);
    free(w.disks);
    free(w.volumes);
    free(w.origins);
    free(w.root_volume);
    free(w.files);
    free(w.group);
    arena_free(&w.group_arena);
    buf_free(&w.folder);
    buf_free(&w.resolved);
    buf_free(&w.path);
    if (rc)
        packages_free(out);
    return rc;
}

void packages_free(struct packages_report *r)
{
    free(r->roots);
    free(r->findings);
    arena_free(&r->arena);
    *r = (struct packages_report){ 0 };
}
