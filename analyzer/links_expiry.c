#include "analyzer/links_expiry.h"

#include "base/json.h"

/* ---- Java's dates -------------------------------------------------------- */

struct text {
    const char *p, *end;
};

static bool number(struct text *t, int least, int most, int *out)
{
    const char *from = t->p;
    *out = 0;
    while (t->p < t->end && t->p - from < 4 && *t->p >= '0' && *t->p <= '9')
        *out = *out * 10 + (*t->p++ - '0');
    return t->p > from && *out >= least && *out <= most;
}

static bool character(struct text *t, char c)
{
    if (t->p == t->end || *t->p != c)
        return false;
    t->p++;
    return true;
}

/* A blank, or U+202F as newer Java has it. */
static bool blank(struct text *t)
{
    static const char narrow[] = "\xe2\x80\xaf";
    if (character(t, ' '))
        return true;
    if (t->end - t->p < 3 || memcmp(t->p, narrow, 3) != 0)
        return false;
    t->p += 3;
    return true;
}

static bool month(struct text *t, int *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12 && t->end - t->p >= 3; i++)
        if (memcmp(t->p, names + (size_t)i * 3, 3) == 0) {
            t->p += 3;
            *out = i + 1;
            return true;
        }
    return false;
}

bool expiry_parse(struct str s, struct instant *out)
{
    struct text t = { s.p, s.p + s.n };
    struct time_text iso;
    int y, mon, d, h, min, sec, check_m, check_d;
    int64_t check_y;
    if (time_parse(s, &iso)) {
        *out = iso.t;
        return true;
    }
    if (!month(&t, &mon) || !character(&t, ' ') || !number(&t, 1, 31, &d) ||
        !character(&t, ',') || !character(&t, ' ') ||
        !number(&t, 1970, 9999, &y))
        return false;
    character(&t, ',');
    if (!blank(&t) || !number(&t, 1, 12, &h) || !character(&t, ':') ||
        !number(&t, 0, 59, &min) || !character(&t, ':') ||
        !number(&t, 0, 59, &sec) || !blank(&t))
        return false;
    bool pm = character(&t, 'P');
    if ((!pm && !character(&t, 'A')) || !character(&t, 'M') || t.p != t.end)
        return false;
    int64_t days = time_days_from_civil(y, mon, d);
    time_civil_from_days(days, &check_y, &check_m, &check_d);
    if (check_m != mon || check_d != d)
        return false;
    h = h % 12 + (pm ? 12 : 0);
    *out = (struct instant){ days * 86400 + h * 3600 + min * 60 + sec, 0 };
    return true;
}

bool expiry_of_record(struct str record, struct instant *out)
{
    struct str value;
    unsigned flags;
    struct arena a = { 0 };
    bool found =
        json_path(record, STR("responseElements.credentials.expiration"),
                  &value, &flags) == JSON_STRING;
    if (found && flags & JSON_ESCAPED)
        found = json_decode(value, &a, &value);
    found = found && expiry_parse(value, out);
    arena_free(&a);
    return found;
}

int expiry_read(const struct raw_reader *raw, const struct event *const *e,
                size_t n, struct expiry *out, struct err *err)
{
    struct arena a = { 0 };
    struct str *records = arena_array(&a, n + 1, sizeof(*records));
    int rc = records ? raw_read_many(raw, e, n, &a, records, err)
                     : err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct expiry *x = &out[i];
        *x = (struct expiry){ .known = e[i]->timed };
        if (records[i].p && expiry_of_record(records[i], &x->t)) {
            x->known = x->stated = true;
        } else if (x->known) {
            x->t = e[i]->t;
            if (__builtin_add_overflow(x->t.s, EXPIRY_LONGEST_S, &x->t.s))
                x->known = false;
        }
    }
    arena_free(&a);
    return rc;
}
