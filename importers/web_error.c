/*
 * Error logs of nginx and httpd, in local time:
 *
 *     2024/05/01 01:02:03 [error] 12#12: *45 TEXT, client: A, server: N,
 *         request: "GET / HTTP/1.1", upstream: "..", host: "N", referrer: ".."
 *     [Wed May 01 01:02:03.123456 2024] [core:error] [pid 1:tid 2]
 *         [client A:PORT] AH00126: TEXT, referer: U
 *
 * Lines without a time are what programs that a server runs have written.
 */
#include "importers/hosttime.h"
#include "importers/lines.h"
#include "importers/logtime.h"
#include "importers/web.h"

struct reader {
    struct cloudhost h;
    struct web_text text;
    struct buf words;
};

struct entry {
    struct time_text t;
    struct str level, text;
    struct str client, server, request, upstream, host, referrer;
};

static bool has(struct str s, const char *words)
{
    return str_ifind(s, str_from(words)) != SIZE_MAX;
}

/* ---- nginx --------------------------------------------------------------- */

/* ", NAME: VALUE": the value, in quotes or up to the next comma. */
static struct str named(struct str s, const char *name, size_t *front)
{
    size_t at = str_find(s, str_from(name));
    if (at == SIZE_MAX)
        return STR_NONE;
    if (*front > at)
        *front = at;
    struct str v = str_sub(s, at + strlen(name), s.n);
    bool quoted = v.n && v.p[0] == '"';
    if (quoted)
        v = str_sub(v, 1, v.n);
    for (size_t i = 0; i < v.n; i++) {
        bool ends = i + 1 >= v.n || v.p[i + 1] == ',';
        if (quoted ? v.p[i] == '"' && ends : v.p[i] == ',')
            return str_sub(v, 0, i);
    }
    return v;
}

static bool nginx(struct str s, struct entry *e)
{
    char time[19];
    *e = (struct entry){ .level = STR_NONE };
    if (s.n < 24 || s.p[4] != '/' || s.p[7] != '/' || s.p[20] != '[')
        return false;
    memcpy(time, s.p, 19);
    time[4] = time[7] = '-';
    const char *end = memchr(s.p, ']', s.n < 40 ? s.n : 40);
    if (!end || !time_parse((struct str){ time, 19 }, &e->t))
        return false;
    e->level = str_sub(s, 21, (size_t)(end - s.p) - 21);
    s = str_trim(str_sub(s, (size_t)(end - s.p) + 1, s.n));
    size_t colon = str_find(str_sub(s, 0, 40), STR(": "));
    if (colon != SIZE_MAX) /* PID#TID: *CONNECTION */
        s = str_sub(s, colon + 2, s.n);
    size_t front = s.n;
    e->client = named(s, ", client: ", &front);
    e->server = named(s, ", server: ", &front);
    e->request = named(s, ", request: ", &front);
    e->upstream = named(s, ", upstream: ", &front);
    e->host = named(s, ", host: ", &front);
    e->referrer = named(s, ", referrer: ", &front);
    if (e->client.n == 0)
        e->client = named(s, "client: ", &(size_t){ s.n });
    e->text = str_sub(s, 0, front);
    return true;
}

/* ---- httpd --------------------------------------------------------------- */

/* "Wed May 01 01:02:03.123456 2024" */
static bool httpd_time(struct str s, struct time_text *t)
{
    struct stamp st;
    char text[40];
    if (s.n < 24 || s.n > 34 || s.p[3] != ' ' || s.p[s.n - 5] != ' ')
        return false;
    struct str clock = str_sub(s, 4, s.n - 9), year = str_sub(s, s.n - 4, 4);
    if (!logtime_bsd(clock, &st) || clock.n < 15)
        return false;
    memcpy(text, year.p, 4);
    text[4] = text[7] = '-';
    text[5] = (char)('0' + st.month / 10);
    text[6] = (char)('0' + st.month % 10);
    text[8] = (char)('0' + st.day / 10);
    text[9] = (char)('0' + st.day % 10);
    text[10] = ' ';
    struct str rest = str_sub(clock, 7, clock.n);
    memcpy(text + 11, rest.p, rest.n);
    return time_parse((struct str){ text, 11 + rest.n }, t);
}

/* [..] at the front, taken off; false: none. */
static bool bracket(struct str *s, struct str *in)
{
    const char *end = s->n && s->p[0] == '[' ? memchr(s->p, ']', s->n) : NULL;
    /* [client 2001:db8::1] has none inside, [client [2001:..]:1] would */
    if (!end)
        return false;
    *in = str_sub(*s, 1, (size_t)(end - s->p) - 1);
    *s = str_trim(str_sub(*s, in->n + 2, s->n));
    return true;
}

static struct str word_level(struct str module_level)
{
    const char *colon =
        module_level.n ? memchr(module_level.p, ':', module_level.n) : NULL;
    return colon ? str_sub(module_level, (size_t)(colon - module_level.p) + 1,
                           module_level.n)
                 : module_level;
}

/* ADDRESS:PORT, of IPv6 without brackets. */
static struct str no_port(struct str s)
{
    size_t n = s.n;
    while (n && s.p[n - 1] >= '0' && s.p[n - 1] <= '9')
        n--;
    return n > 1 && s.p[n - 1] == ':' ? str_sub(s, 0, n - 1) : s;
}

static bool httpd(struct str s, struct entry *e)
{
    struct str in;
    *e = (struct entry){ .level = STR_NONE };
    if (!bracket(&s, &in) || !httpd_time(in, &e->t) || !bracket(&s, &in))
        return false;
    e->level = word_level(in);
    bool with_port = e->level.n != in.n; /* since 2.4 */
    for (int i = 0; i < 4; i++) {
        struct str before = s;
        if (!bracket(&s, &in))
            break;
        if (str_starts(in, STR("client "))) {
            e->client = with_port ? no_port(str_sub(in, 7, in.n))
                                  : str_sub(in, 7, in.n);
        } else if (!str_starts(in, STR("pid ")) &&
                   !str_starts(in, STR("remote "))) {
            s = before; /* of the message */
            break;
        }
    }
    size_t at = str_find(s, STR(", referer: "));
    if (at != SIZE_MAX)
        e->referrer = str_sub(s, at + 11, s.n);
    e->text = str_sub(s, 0, at);
    return true;
}

/* ---- records ------------------------------------------------------------- */

static uint8_t severity(struct str level)
{
    static const struct {
        const char *word;
        uint8_t severity;
    } levels[] = { { "warn", 1 },
                   { "error", 2 },
                   { "crit", 3 },
                   { "alert", 3 },
                   { "emerg", 3 } };
    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
        if (str_eq(level, str_from(levels[i].word)))
            return levels[i].severity;
    return 0;
}

/* user "x" was not found in, user x: authentication failure for */
static bool login(struct str text, struct str *user)
{
    size_t at = str_find(text, STR("user "));
    if (at == SIZE_MAX ||
        !(has(text, "password mismatch") || has(text, "not found in") ||
          has(text, "authentication failure") || has(text, "not found:")))
        return false;
    struct str s = str_sub(text, at + 5, text.n);
    bool quoted = s.n && s.p[0] == '"';
    s = str_sub(s, quoted, s.n);
    const char *end = s.n ? memchr(s.p, quoted ? '"' : ' ', s.n) : NULL;
    s = str_sub(s, 0, end ? (size_t)(end - s.p) : s.n);
    if (s.n && s.p[s.n - 1] == ':')
        s.n--;
    *user = s;
    return s.n > 0;
}

static bool denied(struct str text)
{
    return has(text, "denied by server configuration") ||
           has(text, "access forbidden by rule") || has(text, "is forbidden") ||
           has(text, "ModSecurity: Access denied");
}

static void put(struct buf *b, const char *words, struct str s)
{
    if (s.n) {
        buf_putz(b, words);
        buf_put(b, s);
    }
}

static int give(struct reader *r, const struct entry *e, struct record *rec)
{
    struct arena *arena = r->h.job->arena;
    struct web_request w = { .client = e->client };
    struct buf *b = &r->words;
    struct str user;
    bool asked = web_request_line(e->request, &w); /* only nginx has it, raw */
    w.host = e->host.n ? e->host : STR_NONE;
    w.upstream = e->upstream;
    cloudhost_begin(&r->h);
    if (!web_record(&r->h, &w, &r->text, rec))
        return ERR_INTERNAL;
    buf_clear(b);
    buf_put(b, e->level);
    bool escaped = str_eq(rec->service, STR("httpd"));
    put(b, e->level.n ? ": " : "",
        escaped ? web_unescape(e->text, arena) : e->text);
    if (asked) {
        put(b, ", request ", w.method);
        put(b, " ", w.target);
    }
    put(b, ", by ", e->upstream);
    put(b, ", from ", e->referrer);
    size_t note = str_find(rec->text, STR(" [asks for "));
    if (note != SIZE_MAX)
        buf_put(b, str_sub(rec->text, note, rec->text.n));
    rec->text = buf_str(b);
    uint8_t own = severity(e->level);
    if (rec->severity < own)
        rec->severity = own;
    rec->action = STR("log line");
    if (denied(e->text)) {
        rec->action = STR("access denied");
        rec->outcome = STR("denied");
    } else if (login(e->text, &user)) {
        rec->action = STR("login failed");
        rec->outcome = STR("failed");
        rec->actor = user;
        rec->actor_kind = KIND_USER;
    }
    return b->failed ? ERR_INTERNAL : cloudhost_record(&r->h, rec);
}

static int take_line(struct reader *r, const struct line *l)
{
    struct entry e;
    struct record rec = { .off = l->off, .len = (uint32_t)l->text.n };
    if (!l->rest && nginx(l->text, &e))
        rec.service = STR("nginx");
    else if (!l->rest && httpd(l->text, &e))
        rec.service = STR("httpd");
    else
        e = (struct entry){ .text = l->text };
    if (rec.service.n)
        record_time(r->h.job, &e.t, &rec);
    return give(r, &e, &rec);
}

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { 0 };
    struct lines l;
    struct line line;
    int rc;
    cloudhost_open(&r.h, job, web_service(job->name));
    lines_open(&l, job);
    while ((rc = lines_next(&l, &line)) == 0)
        if (str_trim(line.text).n && (rc = take_line(&r, &line)))
            break;
    rc = lines_end(&l, rc);
    cloudhost_close(&r.h);
    web_text_free(&r.text);
    buf_free(&r.words);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static const char *const paths[] = { "nginx/*error*", "httpd/*error*",
                                     "apache2/*error*", NULL };

static int probe(struct probe *p)
{
    enum { TRIED = 40 };
    struct str s = window_text(p->head);
    bool at_home = path_like_any(p->path, paths);
    for (unsigned i = 0; i < TRIED && s.n; i++) {
        const char *lf = memchr(s.p, '\n', s.n);
        struct str line = str_sub(s, 0, lf ? (size_t)(lf - s.p) : s.n);
        struct entry e;
        struct str text = str_trim(line);
        bool is_nginx = nginx(text, &e);
        p->reason = is_nginx ? "lines of nginx's error log"
                             : "lines of httpd's error log";
        if (is_nginx || httpd(text, &e))
            return at_home ? 93 : i == 0 ? 85 : 60;
        s = str_sub(s, line.n + 1, s.n);
    }
    p->reason = "an error log by its place, with lines of other programs";
    return at_home && str_trim(p->head).n && !memchr(p->head.p, 0, p->head.n)
               ? 60
               : 0;
}

const struct importer importers_web_error = {
    .name = "web-error",
    .title = "Error log of a web server",
    .reads = "error logs of nginx and httpd",
    .paths = paths,
    .probe = probe,
    .import = import,
};
