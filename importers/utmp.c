/*
 * utmp, wtmp and btmp of Linux (utmp(5)): records of 384 bytes, or 400 where
 * times have 64 bits without a 32-bit past (arm64, s390x), in the byte order of
 * the machine.
 *
 *     0 i16 type    4 i32 pid     8 line[32]   40 id[4]   44 user[32]
 *    76 host[256]   332 i16 i16 exit status
 *   384: 336 i32 session, 340 i32 seconds, 344 i32 microseconds, 348 addr[16]
 *   400: 336 i64 session, 344 i64 seconds, 352 i64 microseconds, 360 addr[16]
 *
 * A login is a period when the same line's next record ends it. btmp holds
 * failed logins, and what was typed for a name may be a password.
 */
#include <stdlib.h>

#include "base/varint.h"
#include "importers/identify.h"
#include "importers/window.h"

enum {
    SMALL = 384,
    LARGE = 400,
    LINES = 1024,     /* open sessions that are followed */
    PART = 256 << 10, /* what is read at once, and what tells the layout */
    PERIODS_MAX = 256 << 20,
};

enum type {
    EMPTY = 0,
    RUN_LEVEL = 1,
    BOOT_TIME = 2,
    NEW_TIME = 3,
    OLD_TIME = 4,
    INIT_PROCESS = 5,
    LOGIN_PROCESS = 6,
    USER_PROCESS = 7,
    DEAD_PROCESS = 8,
    ACCOUNTING = 9,
};

/* 1990, and what 32 bits can hold */
static const int64_t earliest = 631152000, latest = INT64_C(4294967295);

struct layout {
    size_t size;
    bool big;
};
static const struct layout layouts[] = {
    { SMALL, false }, { LARGE, false }, { SMALL, true }, { LARGE, true }
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

struct entry {
    int type;
    int64_t pid;
    struct str line, user, host;
    int64_t s, us;
    const unsigned char *addr;
};

static uint32_t u32(const unsigned char *p, bool big)
{
    return big ? u32be(p) : u32le(p);
}

static uint64_t u64(const unsigned char *p, bool big)
{
    return big ? u64be(p) : u64le(p);
}

static struct str text(const unsigned char *p, size_t n)
{
    const void *nul = memchr(p, 0, n);
    return (struct str){ (const char *)p,
                         nul ? (size_t)((const unsigned char *)nul - p) : n };
}

static void decode(const unsigned char *p, const struct layout *l,
                   struct entry *e)
{
    bool large = l->size == LARGE;
    *e = (struct entry){
        .type = (int16_t)(l->big ? u16be(p) : u16le(p)),
        .pid = (int32_t)u32(p + 4, l->big),
        .line = text(p + 8, 32),
        .user = text(p + 44, 32),
        .host = text(p + 76, 256),
        .s = large ? (int64_t)u64(p + 344, l->big)
                   : (int64_t)u32(p + 340, l->big),
        .us = large ? (int64_t)u64(p + 352, l->big)
                    : (int64_t)(int32_t)u32(p + 344, l->big),
        .addr = p + (large ? 360 : 348),
    };
}

static bool is_zero(const unsigned char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* ---- which layout -------------------------------------------------------- */

static bool printable(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

/* Says something, and that may be. */
static bool plausible(const struct entry *e)
{
    return e->type > EMPTY && e->type <= ACCOUNTING && e->us >= 0 &&
           e->us < 1000000 &&
           (e->s == 0 || (e->s > earliest && e->s < latest)) &&
           printable(e->line) && printable(e->user) && printable(e->host) &&
           (e->s || e->line.n);
}

struct fit {
    size_t records, zero, good;
};

static struct fit fit_of(struct str s, const struct layout *l)
{
    struct fit f = { 0 };
    struct entry e;
    for (size_t at = 0; at + l->size <= s.n; at += l->size) {
        const unsigned char *p = (const unsigned char *)s.p + at;
        f.records++;
        if (is_zero(p, l->size)) {
            f.zero++;
            continue;
        }
        decode(p, l, &e);
        f.good += plausible(&e);
    }
    return f;
}

/* The layout that makes sense of most records. */
static const struct layout *choose(struct str s, struct fit *best)
{
    const struct layout *chosen = NULL;
    *best = (struct fit){ 0 };
    for (size_t i = 0; i < LAYOUTS; i++) {
        struct fit f = fit_of(s, &layouts[i]);
        size_t told = f.records - f.zero, before = best->records - best->zero;
        if (f.good && (!chosen || f.good * before > best->good * told)) {
            *best = f;
            chosen = &layouts[i];
        }
    }
    return chosen;
}

/* ---- records ------------------------------------------------------------- */

struct session {
    char line[32];
    size_t n;
    size_t index; /* of its login; SIZE_MAX: none */
};

struct reader {
    struct import_job *job;
    struct window w;
    const struct layout *layout;
    bool failed_logins;
    int64_t *ends; /* of the login at each record, 0: not known */
    size_t n_ends, index;
    struct session sessions[LINES];
    size_t n_sessions;
    struct instant old_time;
    bool has_old_time;
    uint64_t zeros, zero_off;
    struct buf text;
};

static struct session *session_of(struct reader *r, struct str line)
{
    for (size_t i = 0; i < r->n_sessions; i++)
        if (str_eq((struct str){ r->sessions[i].line, r->sessions[i].n }, line))
            return &r->sessions[i];
    if (r->n_sessions == LINES)
        return NULL;
    struct session *s = &r->sessions[r->n_sessions++];
    memcpy(s->line, line.p, line.n);
    s->n = line.n;
    s->index = SIZE_MAX;
    return s;
}

/* A login ends with the next record of its line, or with the machine. */
static void end_sessions(struct reader *r, const struct entry *e, size_t i)
{
    bool machine = e->type == BOOT_TIME ||
                   (e->type == RUN_LEVEL && str_eq(e->user, STR("shutdown")));
    for (size_t k = 0; machine && k < r->n_sessions; k++) {
        if (r->sessions[k].index != SIZE_MAX)
            r->ends[r->sessions[k].index] = e->s;
        r->sessions[k].index = SIZE_MAX;
    }
    if ((e->type != USER_PROCESS && e->type != DEAD_PROCESS) || !e->line.n)
        return;
    struct session *s = session_of(r, e->line);
    if (!s)
        return;
    if (s->index != SIZE_MAX)
        r->ends[s->index] = e->s;
    s->index = e->type == USER_PROCESS ? i : SIZE_MAX;
}

/* The bytes of the member at off: of the window where that is all, else into
 * part. */
static struct str bytes_at(const struct input *in, uint64_t off, char *part)
{
    size_t got = 0;
    struct err ignored;
    if (in->base == 0 && in->eof)
        return str_sub((struct str){ in->p, in->n }, (size_t)off, PART);
    if (source_read(in->src, off, part, PART, &got, &ignored))
        got = 0;
    return (struct str){ part, got };
}

static bool find_ends(struct reader *r, char *part)
{
    const struct input *in = r->job->in;
    const size_t size = r->layout->size;
    uint64_t total = in->base == 0 && in->eof ? in->n : in->src->size;
    struct entry e;
    if (total > PERIODS_MAX)
        return true;
    r->n_ends = (size_t)total / size;
    r->ends = calloc(r->n_ends + 1, sizeof *r->ends);
    for (size_t i = 0; r->ends && i < r->n_ends;) {
        struct str s = bytes_at(in, (uint64_t)i * size, part);
        if (s.n < size)
            break;
        for (size_t at = 0; at + size <= s.n && i < r->n_ends; at += size) {
            decode((const unsigned char *)s.p + at, r->layout, &e);
            end_sessions(r, &e, i++);
        }
    }
    return r->ends != NULL;
}

/* What is no name but may be a password: signs that names do not have, or
 * letters of both cases with digits. */
static bool like_password(struct str s)
{
    bool lower = false, upper = false, digit = false, sign = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        lower |= c >= 'a' && c <= 'z';
        upper |= c >= 'A' && c <= 'Z';
        digit |= c >= '0' && c <= '9';
        sign |= c > ' ' && c < 0x7f && strchr("!\"#%&'()*+,/:;<=>?[]^`{|}~", c);
    }
    return (s.n >= 6 && sign && (lower || upper || digit)) ||
           (s.n >= 8 && lower && upper && digit);
}

static struct str address(const struct entry *e, struct arena *a)
{
    char tmp[46];
    struct str out;
    struct buf b = { 0 };
    if (is_zero(e->addr, 16))
        return STR("");
    if (is_zero(e->addr + 4, 12)) {
        buf_printf(&b, "%u.%u.%u.%u", e->addr[0], e->addr[1], e->addr[2],
                   e->addr[3]);
        return buf_to_arena(&b, a);
    }
    for (int i = 0; i < 16; i += 2)
        buf_printf(&b, "%s%x", i ? ":" : "", u16be(e->addr + i));
    if (!identify_ip(buf_str(&b), tmp, &out))
        out = STR("");
    out = arena_copy(a, out);
    buf_free(&b);
    return out;
}

static void put_time(struct buf *b, int64_t s)
{
    char when[TIME_TEXT_MAX];
    if (s < 0 || s > latest)
        s = 0;
    size_t n = time_format(when, (struct instant){ s, 0 }, 0, 0);
    buf_put(b, (struct str){ when, n });
}

static void put_words(struct buf *b, const char *before, struct str s)
{
    if (s.n == 0)
        return;
    buf_putz(b, b->n ? ", " : "");
    buf_putz(b, before);
    buf_put(b, s);
}

static void login(struct reader *r, const struct entry *e, struct record *rec)
{
    int64_t end = r->index < r->n_ends ? r->ends[r->index] : 0;
    rec->action = STR("login");
    put_words(&r->text, "on ", e->line);
    put_words(&r->text, "from ", e->host);
    if (end && end >= e->s && end < latest) {
        rec->t_kind = TIME_START;
        rec->flags |= EVENT_PERIOD;
        buf_putz(&r->text, ", until ");
        put_time(&r->text, end);
    }
}

static void failed_login(struct reader *r, const struct entry *e,
                         struct record *rec)
{
    rec->action = STR("login failed");
    rec->outcome = STR("failed");
    put_words(&r->text, "on ", e->line);
    put_words(&r->text, "from ", e->host);
    if (like_password(e->user)) {
        rec->flags |= EVENT_SECRET;
        rec->actor = STR("");
        put_words(&r->text, "",
                  STR("[masked]: the name looks like a password"));
    }
}

static void logout(struct reader *r, const struct entry *e, struct record *rec)
{
    rec->action = STR("logout");
    rec->t_kind = TIME_END;
    put_words(&r->text, "on ", e->line);
}

static void new_time(struct reader *r, const struct entry *e,
                     struct record *rec)
{
    rec->action = STR("clock step");
    rec->actor = STR("");
    if (r->has_old_time) {
        buf_putz(&r->text, "from ");
        put_time(&r->text, r->old_time.s);
        buf_putz(&r->text, " to ");
        put_time(&r->text, e->s);
    }
    r->has_old_time = false;
}

static void run_level(struct reader *r, const struct entry *e,
                      struct record *rec)
{
    rec->actor = STR("");
    if (str_eq(e->user, STR("shutdown"))) {
        rec->action = STR("shutdown");
    } else if (e->pid > 0 && (e->pid & 0xff) > ' ' && (e->pid & 0xff) < 0x7f) {
        buf_putz(&r->text, "run level ");
        buf_putc(&r->text, (char)(e->pid & 0xff));
    }
    put_words(&r->text, "kernel ", e->host);
}

static void describe(struct reader *r, const struct entry *e,
                     struct record *rec)
{
    bool asks = e->type == LOGIN_PROCESS && !str_eq(e->user, STR("LOGIN")) &&
                e->user.n && e->host.n;
    rec->action = STR("log line");
    if (r->failed_logins || asks) {
        failed_login(r, e, rec);
        return;
    }
    switch (e->type) {
    case USER_PROCESS:
        login(r, e, rec);
        return;
    case DEAD_PROCESS:
        logout(r, e, rec);
        return;
    case BOOT_TIME:
        rec->action = STR("boot");
        rec->actor = STR("");
        put_words(&r->text, "kernel ", e->host);
        return;
    case RUN_LEVEL:
        run_level(r, e, rec);
        return;
    case OLD_TIME:
        r->old_time = (struct instant){ e->s, 0 };
        r->has_old_time = true;
        rec->actor = STR("");
        buf_putz(&r->text, "time before the clock was set");
        return;
    case NEW_TIME:
        new_time(r, e, rec);
        return;
    default:
        rec->actor = STR("");
        buf_putz(&r->text, e->type == LOGIN_PROCESS  ? "waits for a login"
                           : e->type == INIT_PROCESS ? "started by init"
                           : e->type == ACCOUNTING   ? "accounting"
                                                     : "empty record");
        put_words(&r->text, "on ", e->line);
        return;
    }
}

static int one_record(struct reader *r, const unsigned char *p, uint64_t off)
{
    struct entry e;
    struct record_ref ref;
    decode(p, r->layout, &e);
    if (e.type < EMPTY || e.type > ACCOUNTING || e.us < 0 || e.us >= 1000000)
        return sink_reject(r->job->sink, off, r->layout->size, "utmp-record",
                           "type %d, %lld microseconds: not a record of utmp",
                           e.type, (long long)e.us);
    struct record rec = {
        .timed = e.s != 0,
        .t = { e.s, (uint32_t)e.us * 1000 },
        .t_zone = ZONE_EXPLICIT,
        .t_res = 6,
        .off = off,
        .len = (uint32_t)r->layout->size,
        .actor = e.user,
        .actor_kind = KIND_HOST_USER,
    };
    arena_reset(r->job->arena);
    buf_clear(&r->text);
    describe(r, &e, &rec);
    rec.ip = address(&e, r->job->arena);
    if (rec.timed && (e.s < earliest || e.s > latest))
        rec.flags |= EVENT_IMPLAUSIBLE;
    char tmp[46];
    struct str ip;
    bool login = e.type == USER_PROCESS || e.type == LOGIN_PROCESS;
    if (rec.ip.n == 0 && login && identify_ip(e.host, tmp, &ip))
        rec.ip = arena_copy(r->job->arena, ip);
    else if (login && e.host.n && memchr(e.host.p, '.', e.host.n) &&
             !identify_ip(e.host, tmp, &ip)) {
        ref = (struct record_ref){ KIND_DOMAIN, ROLE_FROM, e.host };
        rec.refs = &ref;
        rec.n_refs = 1;
    }
    if (rec.actor.n == 0)
        rec.actor_kind = 0;
    rec.text = buf_str(&r->text);
    return sink_record(r->job->sink, &rec);
}

static int records(struct reader *r)
{
    int rc = 0;
    for (; rc == 0; r->index++) {
        while (window_rest(&r->w).n < r->layout->size && !r->w.in->eof)
            if (window_more(&r->w))
                return ERR_INTERNAL;
        struct str s = window_rest(&r->w);
        uint64_t off = window_offset(&r->w);
        if (s.n == 0)
            return 0;
        if (s.n < r->layout->size)
            return sink_reject(r->job->sink, off, s.n, "utmp-cut",
                               "the last record is cut after %zu of %zu bytes",
                               s.n, r->layout->size);
        r->w.at += r->layout->size;
        if (is_zero((const unsigned char *)s.p, r->layout->size)) {
            r->zero_off = r->zeros++ ? r->zero_off : off;
            continue;
        }
        rc = one_record(r, (const unsigned char *)s.p, off);
    }
    return rc;
}

/* Programs write no such records: a crash does, and tools that wipe traces. */
static int say_zeros(struct reader *r)
{
    if (r->zeros == 0)
        return 0;
    return sink_issue(r->job->sink, ISSUE_WARNING, r->zero_off,
                      r->zeros * r->layout->size, "utmp-zero",
                      "%llu records of zeros, the first here: left by a crash, "
                      "or wiped",
                      (unsigned long long)r->zeros);
}

static bool is_btmp(struct str name)
{
    return str_starts(path_base(name), STR("btmp"));
}

static int import(struct import_job *job, struct err *err)
{
    struct reader *r = calloc(1, sizeof *r);
    struct fit fit;
    int rc = r ? 0 : ERR_INTERNAL;
    if (!r)
        return err_set(err, ERR_INTERNAL, "out of memory");
    r->job = job;
    r->w = (struct window){ .in = job->in, .sink = job->sink };
    r->failed_logins = is_btmp(job->name);
    char *part = malloc(PART);
    r->layout = part ? choose(bytes_at(job->in, 0, part), &fit) : NULL;
    if (!r->layout)
        r->layout = &layouts[0];
    if (!part || (!r->failed_logins && !find_ends(r, part)))
        rc = ERR_INTERNAL;
    free(part);
    rc = rc ? rc : records(r);
    rc = rc ? rc : say_zeros(r);
    free(r->ends);
    buf_free(&r->text);
    free(r);
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static const char *const paths[] = { "var/log/wtmp*", "var/log/btmp*",
                                     "run/utmp", "var/run/utmp", NULL };

static int probe(struct probe *p)
{
    struct fit fit;
    struct str base = path_base(p->path);
    bool named = str_starts(base, STR("wtmp")) ||
                 str_starts(base, STR("btmp")) || str_starts(base, STR("utmp"));
    if (p->head.n < SMALL || (!named && p->size % SMALL && p->size % LARGE))
        return 0;
    const struct layout *l = choose(p->head, &fit);
    if (!l)
        return 0;
    p->reason = "records of utmp";
    size_t told = fit.records - fit.zero;
    if (named && fit.good * 2 >= told)
        return 92;
    return fit.good * 4 >= told * 3 && p->size % l->size == 0 ? 75 : 0;
}

const struct importer importers_utmp = {
    .name = "utmp",
    .title = "utmp, wtmp, btmp",
    .reads = "logins, logouts, boots; failed logins (btmp)",
    .paths = paths,
    .probe = probe,
    .import = import,
};
