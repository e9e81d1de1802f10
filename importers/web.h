/*
 * Requests as web servers log them: nginx, httpd, HAProxy, load balancers of
 * AWS, and programs that log the same as JSON. docs/formats/host.md, "Web
 * servers". For every importer whose lines may be such: access logs, error
 * logs, logs of containers.
 */
#pragma once

#include "importers/cloudhost.h"

struct web_request {
    bool timed;
    struct time_text t;
    struct str client;    /* as written, with its port where there is one */
    struct str forwarded; /* addresses of X-Forwarded-For, or empty */
    struct str user;
    struct str request; /* the whole request line */
    struct str method, target;
    struct str status, bytes; /* digits, or empty */
    struct str referrer, agent;
    struct str host, scheme; /* that were asked, where the log has them */
    struct str upstream;     /* who answered */
    struct str service;      /* where the form tells it */
    bool cut;                /* the line ends within a field */
};

/* One line without its ending. Values lie in the line or, unescaped, in the
 * arena (NULL: escapes stay, for probes). False: none of the forms. */
bool web_line(struct str line, struct arena *arena, struct web_request *out);
/* The same of one JSON object. */
bool web_json(struct str line, struct arena *arena, struct web_request *out);
/* "GET /x HTTP/1.1" into method and target; false: no request line. */
bool web_request_line(struct str line, struct web_request *out);
/* [TIME] of the common log format, or RFC 3339. */
bool web_time(struct str s, struct time_text *t);
/* Without the escapes of httpd and nginx: \" \\ \n \xHH. */
struct str web_unescape(struct str s, struct arena *arena);
/* Canonical, without a port; empty: not an address. */
struct str web_address(struct str s, struct arena *arena);
/* "nginx" by a path below nginx/, .. else "http". */
struct str web_service(struct str path);

/* The record's columns and entities; buffers for its text are the caller's and
 * must last until it is given. cloudhost_begin comes before. */
struct web_text {
    struct buf text, target;
};
bool web_record(struct cloudhost *h, const struct web_request *w,
                struct web_text *b, struct record *r);
/* Address and URL that a server was made to ask for, into a record: severity,
 * entities, words. False: no memory. */
bool web_ssrf(struct cloudhost *h, struct str target, struct buf *text,
              struct record *r);
void web_text_free(struct web_text *b);
