#include "importers/web.h"

#include "base/mask.h"
#include "importers/hosttime.h"
#include "importers/ssrf.h"

struct str web_service(struct str path)
{
    static const struct {
        const char *part, *name;
    } known[] = {
        { "nginx", "nginx" },  { "httpd", "httpd" },
        { "apache", "httpd" }, { "haproxy", "haproxy" },
        { "caddy", "caddy" },  { "traefik", "traefik" },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (str_ifind(path, str_from(known[i].part)) != SIZE_MAX)
            return str_from(known[i].name);
    return STR("http");
}

/* ---- who asked ----------------------------------------------------------- */

/* Addresses that only a proxy of one's own has. */
static bool is_inner(struct str ip)
{
    static const char *const starts[] = { "10.", "192.168.", "127.",
                                          "::1", "fe80:",    "fc",
                                          "fd",  "169.254.", NULL };
    for (size_t i = 0; starts[i]; i++)
        if (str_starts(ip, str_from(starts[i])))
            return true;
    uint64_t second;
    const char *dot = ip.n > 4 ? memchr(ip.p + 4, '.', ip.n - 4) : NULL;
    struct str middle = str_sub(ip, 4, dot ? (size_t)(dot - ip.p) - 4 : 0);
    if (str_starts(ip, STR("172.")) && str_u64(middle, &second))
        return second >= 16 && second < 32;
    return str_starts(ip, STR("100.")) && str_u64(middle, &second) &&
           second >= 64 && second < 128;
}

/* The last address of the list that is not of one's own proxies: those before
 * it are what the client says of itself. */
static struct str through_proxies(struct cloudhost *h, struct str list,
                                  struct str peer)
{
    struct str found = STR_NONE, last = STR_NONE;
    for (int i = 0; i < 64 && list.n; i++) {
        const char *comma = memchr(list.p, ',', list.n);
        struct str one =
            str_sub(list, 0, comma ? (size_t)(comma - list.p) : list.n);
        struct str ip = web_address(one, h->job->arena);
        list = str_sub(list, one.n + 1, list.n);
        if (ip.n == 0)
            continue;
        refs_add(&h->refs, KIND_IP, ROLE_FROM, ip);
        last = ip;
        if (!is_inner(ip))
            found = ip;
    }
    if (peer.n && !is_inner(peer))
        return peer;
    return found.n ? found : last.n ? last : peer;
}

static void who(struct cloudhost *h, const struct web_request *w,
                struct record *r)
{
    struct str peer = web_address(w->client, h->job->arena);
    r->ip = through_proxies(h, w->forwarded, peer);
    if (peer.n && !str_eq(peer, r->ip))
        refs_add(&h->refs, KIND_IP, ROLE_FROM, peer);
    if (peer.n == 0 && w->client.n && memchr(w->client.p, '.', w->client.n))
        refs_add(&h->refs, KIND_DOMAIN, ROLE_FROM, w->client);
    if (w->user.n) {
        r->actor = w->user;
        r->actor_kind = KIND_USER;
    }
}

/* ---- what was asked ------------------------------------------------------ */

bool web_ssrf(struct cloudhost *h, struct str target, struct buf *text,
              struct record *r)
{
    struct ssrf found;
    if (!ssrf_look(target, h->job->arena, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        const struct ssrf_found *f = &found.v[i];
        if (r->severity < f->severity)
            r->severity = f->severity;
        refs_add(&h->refs, f->kind, ROLE_MENTIONED, f->value);
        buf_putz(text, i ? ", " : " [asks for ");
        buf_put(text, f->value);
        if (!str_eq(f->value, f->spelled)) {
            buf_putz(text, " as ");
            buf_put(text, f->spelled);
        }
        buf_putz(text, ": ");
        buf_putz(text, f->what);
    }
    if (found.n)
        buf_putc(text, ']');
    return !text->failed;
}

/* http://HOST/x where the log says both, else as asked. Secrets in its query
 * are masked, and then it names nothing. */
static bool target_of(const struct web_request *w, struct web_text *b,
                      struct record *r)
{
    struct buf whole = { 0 };
    buf_clear(&b->target);
    if (w->host.n && w->scheme.n && w->target.n && w->target.p[0] == '/') {
        buf_put(&whole, w->scheme);
        buf_putz(&whole, "://");
        buf_put(&whole, w->host);
    }
    buf_put(&whole, w->target);
    if (mask_secrets(buf_str(&whole), &b->target))
        r->flags |= EVENT_SECRET;
    else
        buf_put(&b->target, buf_str(&whole));
    bool ok = !whole.failed && !b->target.failed;
    buf_free(&whole);
    r->target = buf_str(&b->target);
    r->target_kind = KIND_URL;
    return ok;
}

static void put(struct buf *b, const char *words, struct str s)
{
    if (s.n == 0)
        return;
    buf_putz(b, words);
    buf_put(b, s);
}

/* What a server was asked to ask for. Load balancers put the host that they
 * were asked at in front: no wish of the client to go elsewhere. */
static struct str beyond_host(const struct web_request *w)
{
    struct str s = w->target.n ? w->target : w->request;
    size_t at = str_find(str_sub(s, 0, 16), STR("://"));
    if (at == SIZE_MAX || !str_eq(w->service, STR("elb")))
        return s;
    s = str_sub(s, at + 3, s.n);
    const char *path = s.n ? memchr(s.p, '/', s.n) : NULL;
    return path ? str_sub(s, (size_t)(path - s.p), s.n) : STR_NONE;
}

static bool text_of(struct cloudhost *h, const struct web_request *w,
                    struct buf *b, struct record *r)
{
    buf_clear(b);
    if (w->method.n) {
        buf_put(b, w->method);
        put(b, " ", w->target);
    } else if (w->request.n && !str_eq(w->request, STR("-"))) {
        put(b, "not a request: ", w->request);
    } else {
        buf_putz(b, "no request");
    }
    put(b, " ", w->status);
    put(b, " ", w->bytes);
    put(b, ", from ", w->referrer);
    put(b, ", of ", w->forwarded);
    put(b, ", by ", w->upstream);
    if (w->cut)
        buf_putz(b, " (cut off)");
    return !b->failed && web_ssrf(h, beyond_host(w), b, r);
}

bool web_record(struct cloudhost *h, const struct web_request *w,
                struct web_text *b, struct record *r)
{
    r->action = STR("http request");
    if (w->timed)
        record_time(h->job, &w->t, r);
    who(h, w, r);
    if (w->status.n == 3 && w->status.p[0] >= '4')
        r->outcome = w->status;
    r->agent = w->agent;
    if (w->service.n)
        r->service = w->service;
    struct str address = web_address(w->host, h->job->arena);
    refs_add(&h->refs, address.n ? KIND_IP : KIND_DOMAIN, ROLE_TARGET,
             address.n ? address : w->host);
    bool ok = text_of(h, w, &b->text, r);
    r->text = buf_str(&b->text);
    return ok && (w->target.n == 0 || target_of(w, b, r));
}

void web_text_free(struct web_text *b)
{
    buf_free(&b->text);
    buf_free(&b->target);
}
