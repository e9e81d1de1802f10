/* LVM2: groups out of what was found, and logical volumes as sources. */
#include "evidence/lvm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "evidence/lvm_inside.h"
#include "evidence/volume.h"

enum {
    ARENA_MAX = 256 << 20,
    LAYER_MAX = 6 * LVM_NAME + 8,
    /* Absent ranges of a striped volume are told one by one up to here; then
     * more is called absent than is. */
    CHUNKS_MAX = 1 << 20,
};

void lvm_issue(struct lvm *l, const char *code, uint64_t off, uint64_t len,
               const char *fmt, ...)
{
    va_list ap;
    if (l->n_issues == LVM_ISSUES_MAX)
        return;
    struct lvm_issue *is = &l->issues[l->n_issues++];
    *is = (struct lvm_issue){ .code = code, .off = off, .len = len };
    va_start(ap, fmt);
    vsnprintf(is->text, sizeof is->text, fmt, ap);
    va_end(ap);
}

/* ---- groups ------------------------------------------------------------- */

static int by_group(const void *a, const void *b)
{
    const struct lvm_found *x = a, *y = b;
    int c = memcmp(x->vg_id, y->vg_id, sizeof x->vg_id);
    if (c)
        return c;
    if (x->seqno != y->seqno)
        return x->seqno < y->seqno ? -1 : 1;
    /* The one to use last: present, verified, then by its place. */
    if (x->present != y->present)
        return x->present ? 1 : -1;
    if (x->verified != y->verified)
        return x->verified ? 1 : -1;
    return x->off < y->off ? 1 : x->off > y->off ? -1 : 0;
}

/* How good a text is to use: one that an area points at and that fits its
 * checksum, one without, an older copy; then the newest. */
static bool better(const struct lvm_found *a, const struct lvm_found *b)
{
    int x = a->present + (a->present && a->verified);
    int y = b->present + (b->present && b->verified);
    return x != y ? x > y : a->seqno >= b->seqno;
}

/* The best text of one group (they are by seqno) that can be decoded. */
static const struct lvm_found *choose(struct lvm *l, struct lvm_found *f,
                                      size_t n, struct lvm_vg *vg)
{
    for (size_t tries = 0; tries < n; tries++) {
        const struct lvm_found *best = NULL;
        size_t at = 0;
        for (size_t i = 0; i < n; i++)
            if (!f[i].useless && (!best || better(&f[i], best))) {
                best = &f[i];
                at = i;
            }
        if (!lvm_decode_group(l, best, vg)) {
            f[at].useless = true;
            continue;
        }
        if (!best->present || !best->verified)
            lvm_issue(l, "lvm-unverified", best->off, best->text.n,
                      "no whole metadata of a volume group: %s is used, "
                      "unverified",
                      best->present ? "a damaged one" : "an older copy");
        return best;
    }
    return NULL;
}

/* Areas of one group that point at different states. */
static void check_states(struct lvm *l, const struct lvm_found *f, size_t n,
                         const struct lvm_found *best)
{
    for (size_t i = 0; i < n; i++)
        if (f[i].present && f[i].verified && f[i].seqno != best->seqno) {
            lvm_issue(l, "lvm-states", f[i].off, f[i].text.n,
                      "the metadata of one physical volume is older (state "
                      "%llu, not %llu)",
                      (unsigned long long)f[i].seqno,
                      (unsigned long long)best->seqno);
            return;
        }
}

static void copies(struct lvm *l, const struct lvm_found *f, size_t n,
                   const struct lvm_found *best)
{
    for (size_t i = 0; i < n && l->n_copies < LVM_COPIES_MAX; i++) {
        bool last = i + 1 == n || f[i + 1].seqno != f[i].seqno;
        if (last && f[i].seqno != best->seqno)
            lvm_decode_copy(l, &f[i], &l->copies[l->n_copies++]);
    }
}

static void one_group(struct lvm *l, struct lvm_found *f, size_t n)
{
    struct lvm_vg *vg = &l->vgs[l->n_vgs];
    const struct lvm_found *best = choose(l, f, n, vg);
    if (!best)
        return;
    check_states(l, f, n, best);
    copies(l, f, n, best);
    for (size_t i = 0; i < l->n_vgs; i++)
        if (str_eq(l->vgs[i].name, vg->name))
            lvm_issue(l, "lvm-duplicate", vg->off, vg->len,
                      "two volume groups have the same name: the volumes of "
                      "the second one (%s) are cited by its id",
                      vg->uuid);
    l->n_vgs++;
    for (size_t i = 0; i < vg->n_members; i++) {
        struct lvm_member *m = &vg->members[i];
        for (size_t k = 0; k < l->n_pvs; k++)
            if (m->pv == &l->pvs[k])
                l->pvs[k].vg = vg->uuid;
        if (!m->pv)
            lvm_issue(l, "lvm-missing", vg->off, vg->len,
                      "physical volume %s of %llu bytes is not on this medium",
                      m->uuid, (unsigned long long)m->size);
    }
}

static bool groups(struct lvm *l, struct lvm_finds *finds)
{
    l->vgs = arena_array(&l->arena, finds->n, sizeof *l->vgs);
    l->copies = arena_array(&l->arena, LVM_COPIES_MAX, sizeof *l->copies);
    if (!l->vgs || !l->copies)
        return false;
    qsort(finds->items, finds->n, sizeof *finds->items, by_group);
    for (size_t i = 0, k; i < finds->n; i = k) {
        for (k = i + 1; k < finds->n &&
                        memcmp(finds->items[k].vg_id, finds->items[i].vg_id,
                               sizeof finds->items[i].vg_id) == 0;
             k++)
            ;
        one_group(l, &finds->items[i], k - i);
    }
    return true;
}

struct lvm *lvm_open(struct source *media, const struct lvm_place *places,
                     size_t n, struct err *err)
{
    struct lvm_finds finds = { 0 };
    struct lvm *l = calloc(1, sizeof *l);
    bool ok = l != NULL;
    if (ok) {
        l->media = media;
        l->arena.limit = ARENA_MAX;
        l->pvs = arena_array(&l->arena, LVM_PVS_MAX, sizeof *l->pvs);
        ok = l->pvs != NULL;
    }
    for (size_t i = 0; i < n && ok; i++)
        lvm_read_place(l, &places[i], &finds);
    ok = ok && !finds.no_memory && (finds.n == 0 || groups(l, &finds));
    free(finds.items);
    if (!ok) {
        lvm_close(l);
        err_set(err, ERR_INTERNAL, "out of memory for LVM metadata");
        return NULL;
    }
    return l;
}

void lvm_close(struct lvm *l)
{
    if (l)
        arena_free(&l->arena);
    free(l);
}

size_t lvm_places(struct source *media, struct lvm_place *places, size_t max)
{
    struct volume_table t;
    size_t n = 0;
    if (volumes_read(media, &t, NULL))
        return 0;
    for (size_t i = 0; i < t.n && n < max; i++) {
        const struct volume *v = &t.volumes[i];
        if (v->len == 0)
            continue;
        places[n] = (struct lvm_place){ .off = v->off, .len = v->len };
        snprintf(places[n].name, sizeof places[n].name, "p%u", v->number);
        n++;
    }
    volumes_free(&t);
    if (n < max) /* a label may stand before partitions, or there are none */
        places[n++] = (struct lvm_place){ 0, media->size, "" };
    return n;
}

struct str lvm_group_name(const struct lvm *l, const struct lvm_vg *vg)
{
    for (const struct lvm_vg *o = l->vgs; o < vg; o++)
        if (str_eq(o->name, vg->name))
            return str_from(vg->uuid);
    return vg->name;
}

void lvm_layer(struct buf *out, const struct lvm *l, const struct lvm_vg *vg,
               const struct lvm_lv *lv)
{
    buf_putz(out, "lv/");
    text_cite(out, lvm_group_name(l, vg), false);
    buf_putc(out, '/');
    text_cite(out, lv->name, false);
}

/* ---- content ------------------------------------------------------------ */

/* A stripe on the medium: [off, off+len) of it, behind that it is absent. */
struct lane {
    uint64_t off, len;
};

struct part {
    uint64_t start, len, chunk; /* bytes in the volume */
    size_t n, lane;             /* stripes from lanes[lane] on */
};

struct mapped {
    struct part *parts;
    struct lane *lanes;
    size_t n;
};

/* A piece of the volume in one piece on the medium. */
struct piece {
    uint64_t off, n;
    bool absent;
};

static const struct part *part_at(const struct mapped *m, uint64_t off)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->parts[mid].start + m->parts[mid].len <= off)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->n ? &m->parts[lo] : NULL;
}

/* The longest piece from off on, at most n bytes. */
static struct piece piece_at(const struct mapped *m, uint64_t off, uint64_t n)
{
    const struct part *p = part_at(m, off);
    if (!p)
        return (struct piece){ 0, n, true };
    uint64_t in = off - p->start, stripe = in / p->chunk;
    const struct lane *l = &m->lanes[p->lane + (size_t)(stripe % p->n)];
    uint64_t at = stripe / p->n * p->chunk + in % p->chunk;
    uint64_t left = p->n == 1 ? p->len - in : p->chunk - in % p->chunk;
    if (p->n == 1)
        at = in;
    if (n > left)
        n = left;
    if (at >= l->len)
        return (struct piece){ 0, n, true };
    if (n > l->len - at)
        n = l->len - at;
    return (struct piece){ l->off + at, n, false };
}

static int mapped_read(struct source *s, uint64_t off, void *buf, size_t n,
                       struct err *err)
{
    const struct mapped *m = s->state;
    char *p = buf;
    while (n > 0) {
        struct piece pc = piece_at(m, off, n);
        if (pc.absent)
            memset(p, 0, (size_t)pc.n);
        int code =
            pc.absent ? 0
                      : source_read_below(s, pc.off, off, p, (size_t)pc.n, err);
        if (code)
            return code;
        p += pc.n;
        off += pc.n;
        n -= (size_t)pc.n;
    }
    return 0;
}

static uint64_t mapped_next_data(struct source *s, uint64_t off, uint64_t *end)
{
    enum { PIECES = 256 }; /* looked at for one answer: stripes are small */
    const struct mapped *m = s->state;
    for (size_t i = 0; i < PIECES && off < s->size; i++) {
        struct piece pc = piece_at(m, off, s->size - off);
        uint64_t to = 0, at = pc.off;
        if (!pc.absent)
            at = source_next_data(s->below, pc.off, &to);
        if (!pc.absent && at < s->below->size && at - pc.off < pc.n) {
            uint64_t left = pc.n - (at - pc.off);
            off += at - pc.off;
            *end = off + (to - at < left ? to - at : left);
            return off;
        }
        off += pc.n;
    }
    *end = off < s->size ? off + 1 : s->size; /* ask again */
    return off;
}

static void mapped_free(struct mapped *m)
{
    if (m) {
        free(m->parts);
        free(m->lanes);
    }
    free(m);
}

static void mapped_close(struct source *s)
{
    mapped_free(s->state);
}

static const struct source_ops mapped_ops = { .read = mapped_read,
                                              .close = mapped_close,
                                              .next_data = mapped_next_data };

/* What of a stripe lies in its physical volume. */
static struct lane lane_of(const struct lvm_vg *vg, const struct lvm_stripe *st,
                           uint64_t want)
{
    uint64_t off, end;
    const struct lvm_member *m =
        st->member == UINT32_MAX ? NULL : &vg->members[st->member];
    if (!m || !m->pv || __builtin_mul_overflow(st->extent, vg->extent, &off) ||
        __builtin_add_overflow(off, m->start, &off) || off >= m->pv->place.len)
        return (struct lane){ 0, 0 };
    end = m->pv->place.len - off;
    return (struct lane){ m->pv->place.off + off, want < end ? want : end };
}

static struct mapped *map_volume(const struct lvm_vg *vg,
                                 const struct lvm_lv *lv)
{
    size_t lanes = 0;
    struct mapped *m = calloc(1, sizeof *m);
    for (size_t i = 0; i < lv->n; i++)
        lanes += lv->segments[i].n;
    if (m) {
        m->parts = calloc(lv->n ? lv->n : 1, sizeof *m->parts);
        m->lanes = calloc(lanes ? lanes : 1, sizeof *m->lanes);
    }
    if (!m || !m->parts || !m->lanes) {
        mapped_free(m);
        return NULL;
    }
    lanes = 0;
    for (size_t i = 0; i < lv->n; i++) {
        const struct lvm_segment *s = &lv->segments[i];
        uint64_t len = s->count * vg->extent;
        m->parts[m->n++] = (struct part){ s->start * vg->extent, len,
                                          s->stripe_size, s->n, lanes };
        for (size_t k = 0; k < s->n; k++)
            m->lanes[lanes++] = lane_of(vg, &s->stripes[k], len / s->n);
    }
    return m;
}

/* Absent ranges, known before any reading. */
static void absent_gaps(struct source *s, const struct mapped *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct part *p = &m->parts[i];
        bool whole = true;
        for (size_t k = 0; k < p->n; k++)
            whole &= m->lanes[p->lane + k].len == p->len / p->n;
        if (!whole && p->len / p->chunk > CHUNKS_MAX) {
            source_add_gap(s, p->start, p->len, GAP_ABSENT);
            continue;
        }
        for (uint64_t off = p->start; !whole && off < p->start + p->len;) {
            struct piece pc = piece_at(m, off, p->start + p->len - off);
            if (pc.absent)
                source_add_gap(s, off, pc.n, GAP_ABSENT);
            off += pc.n;
        }
    }
}

struct source *lvm_volume(struct lvm *l, const struct lvm_vg *vg,
                          const struct lvm_lv *lv, struct err *err)
{
    char layer[LAYER_MAX];
    struct buf b = { 0 };
    if (lv->refused) {
        err_set(err, ERR_EVIDENCE, "the logical volume is not read: %s",
                lv->refused);
        return NULL;
    }
    struct mapped *m = map_volume(vg, lv);
    lvm_layer(&b, l, vg, lv);
    if (!m || b.failed || b.n >= sizeof layer) {
        mapped_free(m);
        buf_free(&b);
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    memcpy(layer, b.p, b.n);
    layer[b.n] = '\0';
    buf_free(&b);
    struct source *s =
        source_make(&mapped_ops, m, lv->size, l->media, layer, err);
    if (s)
        absent_gaps(s, m);
    return s;
}

bool lvm_place_of(const struct source *lv, uint64_t off, uint64_t len,
                  uint64_t *at)
{
    if (lv->ops != &mapped_ops || len == 0 || off >= lv->size ||
        len > lv->size - off)
        return false;
    struct piece pc = piece_at(lv->state, off, len);
    *at = pc.off;
    return !pc.absent && pc.n == len;
}

struct source *lvm_volume_open(struct source *media, struct str name,
                               struct err *err)
{
    struct lvm_place *places = calloc(VOLUMES_MAX + 1, sizeof *places);
    struct source *s = NULL;
    struct lvm *l = NULL;
    if (places)
        l = lvm_open(media, places, lvm_places(media, places, VOLUMES_MAX + 1),
                     err);
    else
        err_set(err, ERR_INTERNAL, "out of memory");
    size_t slash = str_find(name, STR("/"));
    struct str group = str_sub(name, 0, slash);
    struct str want =
        str_sub(name, slash == SIZE_MAX ? name.n : slash + 1, name.n);
    bool found = false;
    for (size_t i = 0; l && i < l->n_vgs && !found; i++) {
        const struct lvm_vg *vg = &l->vgs[i];
        if (!str_eq(lvm_group_name(l, vg), group))
            continue;
        for (size_t k = 0; k < vg->n_lvs && !found; k++) {
            found = str_eq(vg->lvs[k].name, want);
            if (found)
                s = lvm_volume(l, vg, &vg->lvs[k], err);
        }
    }
    if (l && !found)
        err_set(err, ERR_EVIDENCE, "there is no such logical volume");
    lvm_close(l);
    free(places);
    return s;
}
