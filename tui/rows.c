#include "tui/rows.h"

#include "base/text.h"

#include <stdio.h>

const char *const field_names[FIELDS] = {
    "source", "actor", "action", "target",  "outcome", "ip",
    "key",    "agent", "region", "account", "service",
};

int row_read(struct casedb *c, int64_t event, struct arena *a, struct row *out,
             struct err *err)
{
    *out = (struct row){ 0 };
    int rc = case_event(c, event, a, &out->e, err);
    for (unsigned f = 0; f < FIELDS && rc == 0; f++) {
        uint32_t id = row_id(out, (enum field)f);
        if (id == 0)
            continue;
        out->value[f] = arena_copy(a, case_text(c, id));
        if (!out->value[f].p)
            rc = err_set(err, ERR_INTERNAL, "out of memory");
    }
    return rc;
}

/* ---- sources ------------------------------------------------------------- */

static const struct lane_row {
    const char *prefix;
    char letter;
    enum style style;
} lanes[] = {
    { "cloudtrail", 'C', STYLE_LANE_C }, { "guardduty", 'G', STYLE_LANE_C },
    { "config", 'K', STYLE_LANE_C },     { "s3-access", 'S', STYLE_LANE_C },
    { "s3", 'S', STYLE_LANE_C },         { "vpc", 'F', STYLE_LANE_F },
    { "flow", 'F', STYLE_LANE_F },       { "dns", 'N', STYLE_LANE_F },
    { "route53", 'N', STYLE_LANE_F },    { "alb", 'A', STYLE_LANE_F },
    { "elb", 'A', STYLE_LANE_F },        { "waf", 'A', STYLE_LANE_F },
    { "cloudwatch", 'W', STYLE_LANE_J }, { "journal", 'J', STYLE_LANE_J },
    { "syslog", 'L', STYLE_LANE_J },     { "audit", 'U', STYLE_LANE_J },
    { "nginx", 'H', STYLE_LANE_J },      { "web", 'H', STYLE_LANE_J },
    { "memory", 'M', STYLE_LANE_M },     { "disk", 'D', STYLE_LANE_M },
};

static const struct lane_row *lane_of(struct str source)
{
    for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++)
        if (str_starts(source, str_from(lanes[i].prefix)))
            return &lanes[i];
    return NULL;
}

char lane_letter(struct str source)
{
    const struct lane_row *lane = lane_of(source);
    if (lane)
        return lane->letter;
    return source.n && source.p[0] >= 'a' && source.p[0] <= 'z'
               ? (char)(source.p[0] - 32)
               : '?';
}

enum style lane_style(struct str source)
{
    const struct lane_row *lane = lane_of(source);
    return lane ? lane->style : STYLE_LANE_M;
}

/* ---- times --------------------------------------------------------------- */

void pen_instant(struct pen *p, struct instant t, int digits)
{
    char text[TIME_TEXT_MAX];
    size_t n = time_format(text, t, digits, 0);
    text[n < sizeof(text) ? n : sizeof(text) - 1] = '\0';
    pen_z(p, text);
}

static void pen_time_in(struct pen *p, const struct event *e, bool year,
                        bool all, int zone_min)
{
    char text[TIME_TEXT_MAX];
    if (!e->timed) {
        pen_z(p, "(no time)");
        return;
    }
    int digits = e->t_res == 0 ? 0 : e->t_res <= 3 ? 3 : all ? 9 : 3;
    if (all && e->t_res > 3 && e->t_res <= 6)
        digits = 6;
    size_t n = time_format(text, e->t, digits, zone_min);
    size_t zone = zone_min ? 6 : 1; /* "+09:00", "Z" */
    text[n > zone ? n - zone : n] = '\0';
    char *t = strchr(text, 'T');
    if (t)
        *t = ' ';
    /* YYYY- of common years only; others are shown whole */
    pen_z(p, !year && n > 5 && text[4] == '-' ? text + 5 : text);
}

void pen_time(struct pen *p, const struct event *e, bool year, bool all)
{
    pen_time_in(p, e, year, all, 0);
}

void pen_time_zone(struct pen *p, const struct event *e, bool year,
                   int zone_min)
{
    if (e->timed)
        pen_time_in(p, e, year, false, zone_min);
}

int64_t seconds_between(struct instant a, struct instant b)
{
    int64_t d;
    if (__builtin_sub_overflow(b.s, a.s, &d))
        return b.s > a.s ? INT64_MAX : INT64_MIN;
    return d;
}

void span_text(char out[24], int64_t s)
{
    if (s < 60)
        snprintf(out, 24, "%ds", (int)s);
    else if (s < 3600)
        snprintf(out, 24, "%dm%02ds", (int)(s / 60), (int)(s % 60));
    else if (s < 86400)
        snprintf(out, 24, "%dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
    else
        snprintf(out, 24, "%lldd%02dh", (long long)(s / 86400),
                 (int)(s / 3600 % 24));
}

void pen_delta(struct pen *p, struct instant from, struct instant to)
{
    char text[24];
    bool back = instant_cmp(to, from) < 0;
    struct instant a = back ? to : from, b = back ? from : to;
    int64_t s = seconds_between(a, b);
    if (b.ns < a.ns && s > 0)
        s--;
    if (s < 10 && s >= 0) {
        int64_t ms = seconds_between(a, b) * 1000 +
                     ((int64_t)b.ns - (int64_t)a.ns) / 1000000;
        if (ms % 1000) {
            pen_f(p, "%c%d.%03ds", back ? '-' : '+', (int)(ms / 1000),
                  (int)(ms % 1000));
            return;
        }
    }
    span_text(text, s);
    pen_f(p, "%c%s", back ? '-' : '+', text);
}
