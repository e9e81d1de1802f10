/*
 * Access logs as JSON: one object a line. Which members there are is up to
 * whoever wrote the form; the names below are those of the variables of nginx
 * and of the logs of httpd, Caddy, Traefik and Envoy.
 */
#include "base/json.h"
#include "importers/stamped.h"
#include "importers/web.h"

#include <stddef.h>

enum { TIME = 1, ARGS };

#define AT(field) (offsetof(struct web_request, field))

static const struct {
    const char *name;
    size_t at; /* offset of the field; small numbers: see above */
} keys[] = {
    { "time_local", TIME },
    { "time_iso8601", TIME },
    { "@timestamp", TIME },
    { "timestamp", TIME },
    { "time", TIME },
    { "ts", TIME },
    { "msec", TIME },
    { "start_time", TIME },
    { "StartUTC", TIME },
    { "args", ARGS },
    { "query_string", ARGS },
    { "remote_addr", AT(client) },
    { "remoteAddr", AT(client) },
    { "remote_ip", AT(client) },
    { "remoteIP", AT(client) },
    { "client_ip", AT(client) },
    { "clientip", AT(client) },
    { "client", AT(client) },
    { "ClientHost", AT(client) },
    { "downstream_remote_address", AT(client) },
    { "http_x_forwarded_for", AT(forwarded) },
    { "x_forwarded_for", AT(forwarded) },
    { "X-Forwarded-For", AT(forwarded) },
    { "xff", AT(forwarded) },
    { "remote_user", AT(user) },
    { "user_id", AT(user) },
    { "ClientUsername", AT(user) },
    { "request", AT(request) },
    { "request_method", AT(method) },
    { "requestMethod", AT(method) },
    { "RequestMethod", AT(method) },
    { "method", AT(method) },
    { "verb", AT(method) },
    { "request_uri", AT(target) },
    { "requestUrl", AT(target) },
    { "RequestPath", AT(target) },
    { "uri", AT(target) },
    { "url", AT(target) },
    { "path", AT(target) },
    { "status", AT(status) },
    { "status_code", AT(status) },
    { "response_code", AT(status) },
    { "DownstreamStatus", AT(status) },
    { "response", AT(status) },
    { "body_bytes_sent", AT(bytes) },
    { "bytes_sent", AT(bytes) },
    { "DownstreamContentSize", AT(bytes) },
    { "responseSize", AT(bytes) },
    { "bytes", AT(bytes) },
    { "size", AT(bytes) },
    { "http_referer", AT(referrer) },
    { "http_referrer", AT(referrer) },
    { "request_Referer", AT(referrer) },
    { "Referer", AT(referrer) },
    { "referer", AT(referrer) },
    { "referrer", AT(referrer) },
    { "http_user_agent", AT(agent) },
    { "request_User-Agent", AT(agent) },
    { "User-Agent", AT(agent) },
    { "userAgent", AT(agent) },
    { "user_agent", AT(agent) },
    { "agent", AT(agent) },
    { "http_host", AT(host) },
    { "RequestHost", AT(host) },
    { "server_name", AT(host) },
    { "authority", AT(host) },
    { "host", AT(host) },
    { "vhost", AT(host) },
    { "scheme", AT(scheme) },
    { "RequestScheme", AT(scheme) },
    { "upstream_addr", AT(upstream) },
    { "upstream_host", AT(upstream) },
};

static struct str *field(struct web_request *w, size_t at)
{
    return (struct str *)(void *)((char *)w + at);
}

static size_t key_index(struct str key)
{
    size_t i = 0;
    while (i < sizeof(keys) / sizeof(*keys) &&
           !str_eq(key, str_from(keys[i].name)))
        i++;
    return i;
}

/* Seconds since 1970, with a fraction. */
static void epoch(struct str s, struct web_request *out)
{
    out->timed = stamped_epoch(s, &out->t);
}

static void take(struct web_request *w, struct str *args, size_t at,
                 enum json_type type, struct str v)
{
    if (v.n == 0 || str_eq(v, STR("-")))
        return;
    if (at == TIME) {
        if (w->timed)
            return;
        if (type == JSON_NUMBER)
            epoch(v, w);
        else if (!(w->timed = web_time(v, &w->t)))
            epoch(v, w);
    } else if (at == ARGS) {
        *args = v;
    } else if (field(w, at)->n == 0) {
        *field(w, at) = v;
    }
}

static bool walk(struct str line, struct arena *arena, struct web_request *out,
                 struct str *args)
{
    struct json j;
    enum json_type t;
    struct str array = STR_NONE; /* the key that an array came with */
    json_open(&j, line);
    while ((t = json_member(&j)) > JSON_END) {
        struct str key = j.key.p ? j.key : array, v;
        if (t == JSON_ARRAY)
            array = j.key;
        if (t == JSON_ARRAY_END || t == JSON_OBJECT)
            array = STR_NONE;
        size_t i = key.n && j.depth < 6 ? key_index(key)
                                        : sizeof(keys) / sizeof(*keys);
        if (i == sizeof(keys) / sizeof(*keys) ||
            (t != JSON_STRING && t != JSON_NUMBER))
            continue;
        v = j.text;
        if (t == JSON_STRING && arena && !json_decode(j.text, arena, &v))
            return false;
        take(out, args, keys[i].at, t, v);
    }
    return t == JSON_END && json_rest(&j) == line.n;
}

static bool is_status(struct str s)
{
    uint64_t v;
    return s.n == 3 && str_u64(s, &v) && v >= 100;
}

bool web_json(struct str line, struct arena *arena, struct web_request *out)
{
    struct str args = STR_NONE;
    uint64_t v;
    *out = (struct web_request){ 0 };
    line = str_trim(line);
    if (line.n == 0 || line.p[0] != '{' || !walk(line, arena, out, &args))
        return false;
    if (out->request.n && !out->method.n)
        web_request_line(out->request, out);
    bool status = is_status(out->status);
    if (!status)
        out->status = STR_NONE;
    if (!str_u64(out->bytes, &v))
        out->bytes = STR_NONE;
    if (arena && args.n && out->target.n &&
        !memchr(out->target.p, '?', out->target.n)) {
        struct buf b = { 0 };
        buf_put(&b, out->target);
        buf_putc(&b, '?');
        buf_put(&b, args);
        out->target = buf_to_arena(&b, arena);
    }
    bool asked = (out->method.n && out->target.n) || out->request.n;
    return asked && status && out->client.n;
}
