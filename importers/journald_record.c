#include "importers/journald_record.h"

#include <stdio.h>

#include "base/mask.h"
#include "base/text.h"
#include "importers/meaning.h"

/* ---- the fields that are looked at ---------------------------------------
 * man systemd.journal-fields(7) */

enum field {
    MESSAGE,
    MESSAGE_ID,
    PRIORITY,
    IDENTIFIER,
    COMM,
    EXE,
    HOSTNAME,
    MACHINE,
    UID,
    SOURCE_TIME,
    TRANSPORT,
    SYSTEMD_UNIT,
    SYSTEMD_USER_UNIT,
    UNIT,
    USER_UNIT,
    USER_ID,
    UNIT_RESULT,
    JOB_RESULT,
    COREDUMP_EXE,
    COREDUMP_SIGNAL,
    MACHINE_NAME,
    CONTAINER_ID,
    NEW_REALTIME,
    N_DROPPED,
    FIELDS,
};

#define FIELD_NAME(literal)                                                    \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }
static const struct str names[FIELDS] = {
    [MESSAGE] = FIELD_NAME("MESSAGE"),
    [MESSAGE_ID] = FIELD_NAME("MESSAGE_ID"),
    [PRIORITY] = FIELD_NAME("PRIORITY"),
    [IDENTIFIER] = FIELD_NAME("SYSLOG_IDENTIFIER"),
    [COMM] = FIELD_NAME("_COMM"),
    [EXE] = FIELD_NAME("_EXE"),
    [HOSTNAME] = FIELD_NAME("_HOSTNAME"),
    [MACHINE] = FIELD_NAME("_MACHINE_ID"),
    [UID] = FIELD_NAME("_UID"),
    [SOURCE_TIME] = FIELD_NAME("_SOURCE_REALTIME_TIMESTAMP"),
    [TRANSPORT] = FIELD_NAME("_TRANSPORT"),
    [SYSTEMD_UNIT] = FIELD_NAME("_SYSTEMD_UNIT"),
    [SYSTEMD_USER_UNIT] = FIELD_NAME("_SYSTEMD_USER_UNIT"),
    [UNIT] = FIELD_NAME("UNIT"),
    [USER_UNIT] = FIELD_NAME("USER_UNIT"),
    [USER_ID] = FIELD_NAME("USER_ID"),
    [UNIT_RESULT] = FIELD_NAME("UNIT_RESULT"),
    [JOB_RESULT] = FIELD_NAME("JOB_RESULT"),
    [COREDUMP_EXE] = FIELD_NAME("COREDUMP_EXE"),
    [COREDUMP_SIGNAL] = FIELD_NAME("COREDUMP_SIGNAL_NAME"),
    [MACHINE_NAME] = FIELD_NAME("NAME"),
    [CONTAINER_ID] = FIELD_NAME("CONTAINER_ID_FULL"),
    [NEW_REALTIME] = FIELD_NAME("REALTIME"),
    [N_DROPPED] = FIELD_NAME("N_DROPPED"),
};

static enum field field_of(struct str name)
{
    unsigned i = 0;
    while (i < FIELDS && !str_eq(names[i], name))
        i++;
    return i;
}

static bool looked_at(struct str name)
{
    return field_of(name) != FIELDS;
}

/* ---- messages of systemd by their ids ------------------------------------
 * its catalogue (catalog/systemd.catalog), sd-messages.h */

static const struct known {
    struct str id, action;
    uint8_t target_kind;
    enum field target, target2, actor, outcome; /* FIELDS: none */
    const char *otherwise;                      /* outcome without the field */
} known[] = {
    { FIELD_NAME("39f53479d3a045ac8e11786248231fbf"),
      FIELD_NAME("service started"), KIND_UNIT, UNIT, USER_UNIT, FIELDS, FIELDS,
      "" },
    { FIELD_NAME("9d1aaa27d60140bd96365438aad20286"),
      FIELD_NAME("service stopped"), KIND_UNIT, UNIT, USER_UNIT, FIELDS, FIELDS,
      "" },
    { FIELD_NAME("be02cf6855d2428ba40df7e9d022f03d"),
      FIELD_NAME("service failed"), KIND_UNIT, UNIT, USER_UNIT, FIELDS,
      JOB_RESULT, "failed" },
    { FIELD_NAME("d9b373ed55a64feb8242e02dbe79a49c"),
      FIELD_NAME("service failed"), KIND_UNIT, UNIT, USER_UNIT, FIELDS,
      UNIT_RESULT, "failed" },
    { FIELD_NAME("8d45620c1a4348dbb17410da57c60c66"),
      FIELD_NAME("session opened"), 0, FIELDS, FIELDS, USER_ID, FIELDS, "" },
    { FIELD_NAME("3354939424b4456d9802ca8333ed424a"),
      FIELD_NAME("session closed"), 0, FIELDS, FIELDS, USER_ID, FIELDS, "" },
    { FIELD_NAME("98268866d1d54a499c4e98921d93bc40"), FIELD_NAME("shutdown"), 0,
      FIELDS, FIELDS, FIELDS, FIELDS, "" },
    { FIELD_NAME("c7a787079b354eaaa9e77b371893cd27"), FIELD_NAME("clock step"),
      0, FIELDS, FIELDS, FIELDS, FIELDS, "" },
    { FIELD_NAME("fc2e22bc6ee647b6b90729ab34a250b1"), FIELD_NAME("process"),
      KIND_FILE, COREDUMP_EXE, FIELDS, FIELDS, COREDUMP_SIGNAL, "dumped core" },
    { FIELD_NAME("fe6faa94e7774663a0da52717891d8ef"), FIELD_NAME("process"),
      KIND_UNIT, UNIT, USER_UNIT, FIELDS, FIELDS, "out of memory" },
    { FIELD_NAME("24d8d4452573402496068381a6312df2"), FIELD_NAME("container"),
      KIND_CONTAINER, MACHINE_NAME, FIELDS, FIELDS, FIELDS, "" },
    { FIELD_NAME("58432bd3bace477cb514b56381b8a758"), FIELD_NAME("container"),
      KIND_CONTAINER, MACHINE_NAME, FIELDS, FIELDS, FIELDS, "" },
};
static const struct str dropped_ids[] = {
    FIELD_NAME("a596d6fe7bfa4994828e72309e95d61e"), /* a service's, N_DROPPED */
    FIELD_NAME("e9bf28e6e834481bb6f48f548ad13606"), /* of the kernel */
};

static const struct known *known_of(struct str id)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(known[i].id, id))
            return &known[i];
    return NULL;
}

/* ---- reading the fields -------------------------------------------------- */

struct reading {
    struct journald_file *f;
    const struct journald_entry *e;
    struct import_job *job;
    struct journald_record *out;
    struct str v[FIELDS]; /* first value of each */
    bool complete;        /* all fields were hashed */
    struct meaning meaning;
    uint64_t hash;
};

static void one_field(struct reading *g, uint64_t off)
{
    struct journald_data d;
    journald_data(g->f, off, g->job->arena, looked_at, &d);
    if (d.damage != DATA_OK && g->out->damaged[d.damage]++ == 0)
        g->out->damaged_at[d.damage] = off;
    g->complete &= d.damage == DATA_OK && d.jenkins;
    g->hash ^= d.jenkins;
    enum field i = field_of(d.name);
    if (i != FIELDS && !g->v[i].p)
        g->v[i] = d.value;
}

static void read_fields(struct reading *g)
{
    uint64_t off[64], at = 0;
    size_t n;
    g->complete = true;
    while (at < g->e->n_items) {
        n = journald_items(g->f, g->e, at, off, sizeof off / sizeof *off);
        for (size_t i = 0; i < n; i++)
            one_field(g, off[i]);
        at += n;
        if (n == 0)
            break;
    }
    g->out->budget = at < g->e->n_items;
    g->out->differs =
        g->complete && !g->out->budget && g->hash != g->e->xor_hash;
}

/* ---- columns ------------------------------------------------------------- */

void journald_hex(const unsigned char id[16], char out[33])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 16; i++) {
        out[2 * i] = digits[id[i] >> 4];
        out[2 * i + 1] = digits[id[i] & 15];
    }
    out[32] = 0;
}

static struct instant from_usec(uint64_t usec)
{
    return (struct instant){ (int64_t)(usec / 1000000),
                             (uint32_t)(usec % 1000000 * 1000) };
}

static void time_of(const struct journald_entry *e, struct record *r)
{
    if (e->realtime == 0 || e->realtime >= (uint64_t)1 << 55)
        return;
    r->timed = true;
    r->t = from_usec(e->realtime);
    r->t_zone = ZONE_EXPLICIT;
    r->t_res = 6;
    if (r->t.s < 631152000) /* 1990 */
        r->flags |= EVENT_IMPLAUSIBLE;
}

/* syslog's levels: emerg, alert, crit, err. */
static uint8_t severity_of(struct str priority)
{
    if (priority.n != 1 || priority.p[0] < '0' || priority.p[0] > '3')
        return 0;
    return (uint8_t)('4' - priority.p[0]);
}

static struct str either(struct str a, struct str b)
{
    return a.n ? a : b;
}

/* Of a user there is the number only; 0 is root everywhere, others are written
 * as sudo does. That a program of root's wrote it does not mean that root did
 * what it tells. */
static void user_of(struct reading *g, struct record *r)
{
    uint64_t uid;
    bool line = str_eq(r->action, STR("log line"));
    if (r->actor.n || !str_u64(g->v[UID], &uid) || uid > UINT32_MAX ||
        (uid == 0 && !line))
        return;
    r->actor_kind = KIND_HOST_USER;
    if (uid == 0) {
        r->actor = STR("root");
        return;
    }
    int n = snprintf(g->out->actor, sizeof g->out->actor, "#%u", (unsigned)uid);
    r->actor = (struct str){ g->out->actor, (size_t)n };
}

/* The id of a message says it more surely than its words. */
static void message_of(struct reading *g, struct record *r)
{
    meaning_of(r->service, str_sub(g->v[MESSAGE], 0, JOURNALD_TEXT),
               g->job->arena, &g->meaning);
    meaning_into(&g->meaning, r);
    r->refs = NULL;
    r->n_refs = 0;
    const struct known *k = known_of(g->v[MESSAGE_ID]);
    if (!k)
        return;
    r->action = k->action;
    if (k->target != FIELDS) {
        r->target = g->v[k->target];
        if (r->target.n == 0 && k->target2 != FIELDS)
            r->target = g->v[k->target2];
        r->target_kind = k->target_kind;
    }
    if (k->actor != FIELDS && g->v[k->actor].n) {
        r->actor = g->v[k->actor];
        r->actor_kind = KIND_HOST_USER;
    }
    r->outcome = k->outcome != FIELDS && g->v[k->outcome].n
                     ? g->v[k->outcome]
                     : str_from(k->otherwise);
}

static void dropped(struct reading *g)
{
    uint64_t n;
    for (size_t i = 0; i < sizeof dropped_ids / sizeof *dropped_ids; i++)
        if (str_eq(dropped_ids[i], g->v[MESSAGE_ID]))
            g->out->dropped =
                str_u64(g->v[N_DROPPED], &n) && n ? n : UINT64_MAX;
}

/* ---- entities ------------------------------------------------------------ */

static int mention(void *ctx, size_t off, unsigned kind, struct str v)
{
    struct refs *refs = ctx;
    struct arn a;
    (void)off;
    if (kind == KIND_NONE)
        return 0;
    if (arn_parse(v, &a))
        identify_add(refs, ROLE_MENTIONED, v);
    else
        refs_add(refs, kind, ROLE_MENTIONED, v);
    return 0;
}

static bool all_zero(const unsigned char id[16])
{
    static const unsigned char zeros[16];
    return memcmp(id, zeros, 16) == 0;
}

static void entities(struct reading *g)
{
    struct journald_record *o = g->out;
    struct refs *refs = &o->refs;
    refs_add(refs, KIND_HOST, ROLE_WHERE, g->v[HOSTNAME]);
    if (!all_zero(g->e->boot))
        refs_add(refs, KIND_BOOT, ROLE_WHERE, str_from(o->ids[0]));
    if (g->v[MACHINE].n)
        refs_add(refs, KIND_MACHINE, ROLE_WHERE, g->v[MACHINE]);
    else if (!all_zero(g->f->machine_id))
        refs_add(refs, KIND_MACHINE, ROLE_WHERE, str_from(o->ids[1]));
    refs_add(refs, KIND_UNIT, ROLE_WHERE,
             either(g->v[SYSTEMD_USER_UNIT], g->v[SYSTEMD_UNIT]));
    refs_add(refs, KIND_UNIT, ROLE_MENTIONED,
             either(g->v[UNIT], g->v[USER_UNIT]));
    refs_add(refs, KIND_CONTAINER, ROLE_WHERE, g->v[CONTAINER_ID]);
    refs_add(refs, KIND_FILE, ROLE_MENTIONED, g->v[EXE]);
    for (size_t i = 0; i < g->meaning.n_refs; i++)
        refs_add(refs, g->meaning.refs[i].kind, g->meaning.refs[i].role,
                 g->meaning.refs[i].value);
    identify_text(str_sub(g->v[MESSAGE], 0, JOURNALD_TEXT), mention, refs);
    o->r.refs = refs->v;
    o->r.n_refs = refs->n;
    if (refs->cut)
        o->r.flags |= EVENT_REFS_CUT;
}

/* ---- the text ------------------------------------------------------------ */

static void put_time(struct buf *b, uint64_t usec)
{
    char text[TIME_TEXT_MAX];
    size_t n = time_format(text, from_usec(usec), 6, 0);
    buf_put(b, (struct str){ text, n });
}

static void note_times(struct reading *g, struct buf *b)
{
    uint64_t source, now = g->e->realtime;
    if (str_u64(g->v[SOURCE_TIME], &source) && source < (uint64_t)1 << 55 &&
        (source > now ? source - now : now - source) > 1000000) {
        buf_putz(b, " [sent at ");
        put_time(b, source);
        buf_putc(b, ']');
    }
    if (str_eq(g->out->r.action, STR("clock step")) &&
        str_u64(g->v[NEW_REALTIME], &source) && source < (uint64_t)1 << 55) {
        buf_putz(b, " [clock set to ");
        put_time(b, source);
        buf_putz(b, ", entry of ");
        put_time(b, now);
        buf_putc(b, ']');
    }
}

/* Whoever writes to the journal chooses MESSAGE, MESSAGE_ID and the name of the
 * program; the journal itself adds _COMM. A message that means something, of a
 * program that goes by another name, may be forged. */
static void note_sender(struct reading *g, struct buf *b)
{
    struct str comm = g->v[COMM], name = g->v[IDENTIFIER];
    bool by_id = known_of(g->v[MESSAGE_ID]) != NULL;
    if (comm.n == 0 || str_eq(g->out->r.action, STR("log line")))
        return;
    if (by_id ? str_starts(comm, STR("systemd")) || str_starts(comm, STR("(sd"))
              : str_ieq(str_sub(name, 0, comm.n), comm) && name.n)
        return;
    buf_putz(b, " [sent by ");
    buf_put(b, comm);
    if (g->v[UID].n) {
        buf_putz(b, ", uid ");
        buf_put(b, g->v[UID]);
    }
    buf_putc(b, ']');
}

static void note_damage(struct reading *g, struct buf *b)
{
    const uint64_t *n = g->out->damaged;
    uint64_t lost = n[DATA_NONE] + n[DATA_PACKED] + n[DATA_BUDGET];
    uint64_t wrong = n[DATA_HASH] + n[DATA_NAME];
    if (lost)
        buf_printf(b, " [fields lost: %llu]", (unsigned long long)lost);
    if (wrong)
        buf_printf(b, " [fields damaged: %llu]", (unsigned long long)wrong);
    if (g->out->budget)
        buf_putz(b, " [not all fields were read]");
    if (g->out->differs)
        buf_putz(b, " [its fields are not those that it was written with]");
}

/* Text, notes, and secrets masked; b is emptied. */
static void set_text(struct reading *g, struct str text, struct buf *b)
{
    struct record *r = &g->out->r;
    struct buf masked = { 0 };
    if (mask_secrets(text, &masked)) {
        text = buf_to_arena(&masked, g->job->arena);
        r->flags |= EVENT_SECRET;
    }
    r->text = text;
    if (b->n) {
        struct buf both = { 0 };
        buf_put(&both, text);
        buf_put(&both, str_sub(buf_str(b), text.n == 0, b->n));
        r->text = buf_to_arena(&both, g->job->arena);
    }
    buf_free(&masked);
    buf_free(b);
}

static void text_of(struct reading *g)
{
    struct buf b = { 0 };
    struct str message = g->v[MESSAGE], text = g->out->r.text;
    if (!text_utf8_valid(message))
        g->out->r.flags |= EVENT_BAD_TEXT;
    if (!message.p)
        buf_putz(&b, " (no message)");
    note_times(g, &b);
    note_sender(g, &b);
    note_damage(g, &b);
    set_text(g, str_sub(text.n ? text : message, 0, JOURNALD_TEXT), &b);
}

/* Numbers count only with the id that they are counted under. */
static void uid_of(struct journald_file *f, const struct journald_entry *e,
                   struct journald_record *o)
{
    if (all_zero(f->seqnum_id))
        return;
    journald_hex(f->seqnum_id, o->ids[2]);
    int n = snprintf(o->uid, sizeof o->uid, "s=%s;i=%llx", o->ids[2],
                     (unsigned long long)e->seqnum);
    o->r.uid = (struct str){ o->uid, (size_t)n };
}

/* The same entry in two files has the same times and the same hash. */
static uint32_t body_of(const struct import_job *job,
                        const struct journald_entry *e)
{
    uint64_t v[5] = { e->realtime, e->monotonic, e->xor_hash };
    memcpy(v + 3, e->boot, 16);
    return (uint32_t)(hash_bytes(&job->body_key, v, sizeof v) >> 33) | 1;
}

void journald_record(struct journald_file *f, const struct journald_entry *e,
                     struct import_job *job, struct journald_record *out)
{
    struct reading g = { .f = f, .e = e, .job = job, .out = out };
    struct record *r = &out->r;
    memset(out, 0, offsetof(struct journald_record, refs));
    out->refs.n = 0;
    out->refs.cut = false;
    memset(out->damaged, 0, sizeof out->damaged);
    out->dropped = 0;
    journald_hex(e->boot, out->ids[0]);
    journald_hex(f->machine_id, out->ids[1]);
    read_fields(&g);
    r->off = e->off;
    r->len = e->size > UINT32_MAX ? UINT32_MAX : (uint32_t)e->size;
    r->service = either(g.v[IDENTIFIER], g.v[COMM]);
    r->severity = severity_of(g.v[PRIORITY]);
    r->body_hash = body_of(job, e);
    time_of(e, r);
    uid_of(f, e, out);
    message_of(&g, r);
    user_of(&g, r);
    dropped(&g);
    text_of(&g);
    entities(&g);
    const uint64_t *n = out->damaged;
    if (n[DATA_NONE] + n[DATA_PACKED] + n[DATA_BUDGET] + n[DATA_HASH] +
            n[DATA_NAME] ||
        out->budget || out->differs)
        r->detail = 1;
}
