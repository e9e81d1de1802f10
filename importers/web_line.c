/*
 * Forms of access logs. A line is split into fields: bare words, "quoted"
 * ones with backslash escapes, [bracketed] ones. What a field is follows from
 * its place beside the time and the request, so that forms with fields in
 * front or behind are read without a table of forms.
 */
#include "importers/web.h"

enum { FIELDS = 64 };

struct field {
    struct str s;
    char how; /* '"', '[', or 0 */
    size_t at, end;
};

struct fields {
    struct field v[FIELDS];
    size_t n;
    bool cut; /* the last has no end */
};

/* ---- fields -------------------------------------------------------------- */

/* The quote that ends a field: not escaped, with a blank or nothing behind. */
static size_t quote_end(struct str s, size_t at)
{
    for (; at < s.n; at++) {
        if (s.p[at] == '\\')
            at++;
        else if (s.p[at] == '"' &&
                 (at + 1 == s.n || s.p[at + 1] == ' ' || s.p[at + 1] == '\t'))
            return at;
    }
    return s.n;
}

static size_t find_from(struct str s, size_t at, char c)
{
    const char *p = at < s.n ? memchr(s.p + at, c, s.n - at) : NULL;
    return p ? (size_t)(p - s.p) : s.n;
}

static void split(struct str s, struct fields *f)
{
    size_t at = 0;
    f->n = 0;
    f->cut = false;
    while (f->n < FIELDS) {
        while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
            at++;
        if (at == s.n)
            return;
        struct field *v = &f->v[f->n++];
        char c = s.p[at];
        size_t end;
        v->how = c == '"' || c == '[' ? c : 0;
        v->at = at;
        if (c == '"')
            end = quote_end(s, at + 1);
        else
            end = find_from(s, at, c == '[' ? ']' : ' ');
        f->cut = v->how && end == s.n;
        v->s = str_sub(s, at + (v->how != 0), end - at - (v->how != 0));
        v->end = v->how && !f->cut ? end + 1 : end;
        at = v->end;
    }
}

/* ---- values -------------------------------------------------------------- */

struct str web_unescape(struct str s, struct arena *arena)
{
    if (!s.n || !memchr(s.p, '\\', s.n))
        return s;
    char *p = arena_alloc(arena, s.n);
    size_t n = 0;
    for (size_t i = 0; p && i < s.n; i++) {
        char c = s.p[i], next = i + 1 < s.n ? s.p[i + 1] : 0;
        if (c != '\\' || i + 1 == s.n) {
            p[n++] = c;
        } else if (next == 'x' && i + 3 < s.n && str_hex(s.p[i + 2]) >= 0 &&
                   str_hex(s.p[i + 3]) >= 0) {
            p[n++] = (char)(str_hex(s.p[i + 2]) << 4 | str_hex(s.p[i + 3]));
            i += 3;
        } else {
            static const char from[] = "nrtvbf\"\\", to[] = "\n\r\t\v\b\f\"\\";
            const char *k = next ? strchr(from, next) : NULL;
            if (!k)
                p[n++] = c;
            else
                p[n++] = to[k - from];
            i += k != NULL;
        }
    }
    return (struct str){ p, n };
}

/* 10/Oct/2000:13:55:36[.123][ -0700] */
static bool clf_time(struct str s, struct time_text *t)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[48];
    size_t month = 0, n = 19;
    if (s.n < 20 || s.n > 40 || s.p[2] != '/' || s.p[6] != '/' ||
        s.p[11] != ':')
        return false;
    while (month < 12 && memcmp(months + 3 * month, s.p + 3, 3) != 0)
        month++;
    if (month == 12)
        return false;
    memcpy(text, s.p + 7, 4);
    text[4] = text[7] = '-';
    text[5] = (char)('0' + (month + 1) / 10);
    text[6] = (char)('0' + (month + 1) % 10);
    memcpy(text + 8, s.p, 2);
    text[10] = 'T';
    memcpy(text + 11, s.p + 12, 8);
    for (size_t i = 20; i < s.n; i++)
        if (s.p[i] != ' ')
            text[n++] = s.p[i];
    return time_parse((struct str){ text, n }, t);
}

bool web_time(struct str s, struct time_text *t)
{
    return clf_time(s, t) || time_parse(s, t);
}

static bool digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0 && s.n < 20;
}

static bool is_status(struct str s)
{
    return digits(s) && s.n == 3 && s.p[0] >= '1' && s.p[0] <= '9';
}

static struct str known(struct str s)
{
    return str_eq(s, STR("-")) ? STR_NONE : s;
}

bool web_request_line(struct str line, struct web_request *out)
{
    size_t n = 0, end = line.n;
    out->request = line;
    while (n < line.n && ((line.p[n] >= 'A' && line.p[n] <= 'Z') ||
                          line.p[n] == '-' || line.p[n] == '_'))
        n++;
    if (n == 0 || n > 32 || n == line.n || line.p[n] != ' ' || line.p[0] == '-')
        return false;
    while (end > n && line.p[end - 1] != ' ')
        end--;
    bool has_protocol = str_starts(str_sub(line, end, line.n), STR("HTTP/"));
    out->method = str_sub(line, 0, n);
    out->target = str_trim(str_sub(line, n, has_protocol ? end - n : line.n));
    return true;
}

/* ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT without the port. */
static struct str without_port(struct str s)
{
    if (s.n && s.p[0] == '[') {
        const char *end = memchr(s.p, ']', s.n);
        return str_sub(s, 1, end ? (size_t)(end - s.p) - 1 : 0);
    }
    const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
    size_t at = colon ? (size_t)(colon - s.p) : s.n;
    bool one = colon && !memchr(colon + 1, ':', s.n - at - 1);
    return one ? str_sub(s, 0, at) : s;
}

struct str web_address(struct str s, struct arena *arena)
{
    char tmp[46];
    struct str ip;
    return identify_ip(without_port(str_trim(s)), tmp, &ip)
               ? arena_copy(arena, ip)
               : STR_NONE;
}

/* Could it be a client: an address, a name of a host. */
static bool is_client(struct str s)
{
    char tmp[46];
    struct str ip;
    s = without_port(s);
    if (identify_ip(s, tmp, &ip) || str_eq(s, STR("localhost")) ||
        str_eq(s, STR("unix:")))
        return true;
    bool dot = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = (char)(s.p[i] | 0x20);
        if (s.p[i] == '.')
            dot = true;
        else if (!(c >= 'a' && c <= 'z') && s.p[i] != '-' && s.p[i] != '_' &&
                 !(s.p[i] >= '0' && s.p[i] <= '9'))
            return false;
    }
    return dot && s.n < 256;
}

static bool is_address(struct str s)
{
    char tmp[46];
    struct str ip;
    if (s.n && s.p[s.n - 1] == ',')
        s.n--;
    return identify_ip(without_port(s), tmp, &ip);
}

/* ---- fields around the time ---------------------------------------------- */

static struct str span(struct str line, const struct fields *f, size_t from,
                       size_t to)
{
    return str_sub(line, f->v[from].at, f->v[to - 1].end - f->v[from].at);
}

static void host_and_port(struct str s, struct web_request *out)
{
    out->host = without_port(s);
    if (str_ends(s, STR(":443")))
        out->scheme = STR("https");
    else if (str_ends(s, STR(":80")))
        out->scheme = STR("http");
}

/* What stands before the client: a virtual host, or who a proxy asked for. */
static void in_front(struct str line, const struct fields *f, size_t n,
                     struct web_request *out)
{
    if (n == 0 || str_eq(f->v[0].s, STR("-")))
        return;
    if (is_address(f->v[0].s) || f->v[0].how == '"')
        out->forwarded = f->v[0].how ? f->v[0].s : span(line, f, 0, n);
    else
        host_and_port(f->v[0].s, out);
}

/* [VHOST | FORWARDED ..] CLIENT [IDENT [USER ..]] before the time. The user
 * may have blanks. */
static bool before_time(struct str line, const struct fields *f, size_t time,
                        struct web_request *out)
{
    size_t c = time >= 3 ? time - 3 : 0;
    if (!is_client(f->v[c].s) || (c && f->v[c].how)) {
        for (c = 0; c < time && !is_client(f->v[c].s); c++)
            ;
        if (c == time)
            return false;
    }
    out->client = f->v[c].s;
    if (c + 2 < time)
        out->user = known(span(line, f, c + 2, time));
    else if (c + 1 < time)
        out->user = known(f->v[c + 1].s);
    in_front(line, f, c, out);
    return true;
}

/* Behind the request: status, bytes, then referrer, agent, forwarded. */
static void after_request(const struct fields *f, size_t i, bool only_bytes,
                          struct web_request *out)
{
    size_t quoted = 0, total = 0;
    if (!only_bytes && i < f->n && is_status(f->v[i].s))
        out->status = f->v[i++].s;
    if (i < f->n && !f->v[i].how && digits(f->v[i].s))
        out->bytes = f->v[i++].s;
    for (size_t k = i; k < f->n; k++)
        total += f->v[k].how == '"';
    for (; i < f->n; i++) {
        struct str s = f->v[i].s;
        if (f->v[i].how != '"')
            continue;
        if (quoted == 0 && total > 1)
            out->referrer = known(s);
        else if (quoted == (total > 1))
            out->agent = known(s);
        else if (!out->forwarded.n && s.n &&
                 is_address(str_sub(s, 0, find_from(s, 0, ','))))
            out->forwarded = s;
        quoted++;
    }
}

static bool common(struct str line, const struct fields *f,
                   struct web_request *out)
{
    size_t time = 0, request;
    while (time < f->n && time < 12 &&
           !(f->v[time].how == '[' && clf_time(f->v[time].s, &out->t)))
        time++;
    if (time == f->n || time == 12)
        return false;
    out->timed = true;
    if (time == 0) { /* [TIME] CLIENT .. "REQUEST" BYTES */
        if (f->n < 3 || !is_client(f->v[1].s))
            return false;
        out->client = f->v[1].s;
    } else if (!before_time(line, f, time, out)) {
        return false;
    }
    for (request = time + 1; request < f->n; request++)
        if (f->v[request].how == '"')
            break;
    if (request == f->n || request > time + 6)
        return false;
    out->request = f->v[request].s;
    after_request(f, request + 1, time == 0 && request + 2 >= f->n, out);
    return out->status.n || out->bytes.n || f->cut ||
           (request + 1 < f->n && str_eq(f->v[request + 1].s, STR("-")));
}

/* ---- load balancers ------------------------------------------------------ */

/* TYPE TIME ELB CLIENT TARGET t t t STATUS STATUS RECEIVED SENT "REQUEST"
 * "AGENT" CIPHER PROTOCOL GROUP "TRACE" "DOMAIN" .. */
static bool load_balancer(const struct fields *f, struct web_request *out)
{
    static const char *const types[] = { "http",  "https", "h2",
                                         "grpcs", "ws",    "wss" };
    size_t i = 0, o;
    while (i < sizeof(types) / sizeof(*types) &&
           !str_eq(f->v[0].s, str_from(types[i])))
        i++;
    /* the classic one has neither a type nor tells the target's group */
    o = i < sizeof(types) / sizeof(*types);
    if (f->n < 12 + o || f->v[11 + o].how != '"' || f->v[o].how ||
        !time_parse(f->v[o].s, &out->t) || out->t.zone != ZONE_EXPLICIT ||
        !is_address(f->v[2 + o].s) ||
        !(is_status(f->v[7 + o].s) || str_eq(f->v[7 + o].s, STR("-"))))
        return false;
    out->timed = true;
    out->client = f->v[2 + o].s;
    out->upstream = known(f->v[3 + o].s);
    out->status = known(f->v[7 + o].s);
    out->bytes = known(f->v[10 + o].s);
    out->request = f->v[11 + o].s;
    out->service = STR("elb");
    if (f->n > 12 + o)
        out->agent = known(f->v[12 + o].s);
    return true;
}

/* .. haproxy[PID]: CLIENT:PORT [TIME] FRONTEND BACKEND/SERVER TIMERS STATUS
 * BYTES - - ---- COUNTS QUEUES [{..}] [{..}] "REQUEST" */
static bool haproxy(struct str line, struct fields *f, struct web_request *out)
{
    size_t at = str_find(str_sub(line, 0, 200), STR("haproxy["));
    size_t from =
        at == SIZE_MAX ? at : str_find(str_sub(line, at, 200), STR("]: "));
    if (from == SIZE_MAX)
        return false;
    split(str_sub(line, at + from + 3, line.n), f);
    if (f->n < 8 || f->v[1].how != '[' || !is_client(f->v[0].s) ||
        !clf_time(f->v[1].s, &out->t))
        return false;
    if (!is_status(f->v[5].s) && !str_eq(f->v[5].s, STR("-1")))
        return false; /* connections of TCP */
    out->timed = true;
    out->client = f->v[0].s;
    out->upstream = f->v[3].s;
    out->status = is_status(f->v[5].s) ? f->v[5].s : STR_NONE;
    out->bytes = digits(f->v[6].s) ? f->v[6].s : STR_NONE;
    out->service = STR("haproxy");
    for (size_t i = 7; i < f->n; i++)
        if (f->v[i].how == '"')
            out->request = f->v[i].s;
    out->cut = f->cut;
    return true;
}

/* ---- lines --------------------------------------------------------------- */

static void unescape_all(struct web_request *w, struct arena *arena)
{
    struct str *const all[] = { &w->request, &w->referrer, &w->agent, &w->user,
                                &w->forwarded };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        *all[i] = web_unescape(*all[i], arena);
}

bool web_line(struct str line, struct arena *arena, struct web_request *out)
{
    UNINITIALIZED struct fields f;
    *out = (struct web_request){ 0 };
    if (!haproxy(line, &f, out)) {
        *out = (struct web_request){ 0 };
        split(line, &f);
        if (f.n == 0)
            return false;
        if (!load_balancer(&f, out)) {
            *out = (struct web_request){ 0 };
            if (!common(line, &f, out))
                return false;
        }
        out->cut = f.cut;
    }
    if (arena)
        unescape_all(out, arena);
    web_request_line(out->request, out);
    return true;
}
