/* Values of the registry with a form of their own. */
#include "importers/registry.h"

#include <stdio.h>

#include "base/varint.h"
#include "base/zone.h"
#include "importers/hosttime.h"
#include "importers/windows.h"

/* ---- what a user started ------------------------------------------------- */

static char rot13(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)('a' + (c - 'a' + 13) % 26);
    if (c >= 'A' && c <= 'Z')
        return (char)('A' + (c - 'A' + 13) % 26);
    return c;
}

/* 72 bytes since Windows 7, 16 before: how often, when last. */
int registry_assist(struct hive *h, const struct regf_key *k,
                    const struct registry_rule *rule,
                    const struct regf_value *v, struct str name)
{
    struct registry_event e;
    struct str d = registry_data(h, v);
    if (d.n != 72 && d.n != 16)
        return 0;
    char *p = arena_alloc(h->job->arena, name.n + 1);
    for (size_t i = 0; p && i < name.n; i++)
        p[i] = rot13(name.p[i]);
    registry_event(h, &e, &v->cell, k->written);
    registry_time(&e, u64le(d.p + (d.n == 72 ? 60 : 8)));
    e.r.t_kind = TIME_EVENT;
    e.r.action = str_from(rule->action);
    e.r.target = (struct str){ p, p ? name.n : 0 };
    e.r.target_kind = rule->target_kind;
    unsigned long often = u32le(d.p + 4);
    if (d.n == 16 && often > 5)
        often -= 5; /* it began with five */
    buf_printf(&h->text, "%s, last time; so often: %lu", rule->says, often);
    if (d.n == 72)
        buf_printf(&h->text, "; in front for %lu ms",
                   (unsigned long)u32le(d.p + 12));
    return registry_emit(h, &e);
}

/* ---- the machine --------------------------------------------------------- */

int registry_shutdown(struct hive *h, const struct regf_key *k,
                      const struct registry_rule *rule)
{
    struct registry_event e;
    struct regf_value v;
    if (!registry_value(h, k, str_from(rule->values), &v))
        return 0;
    struct str d = registry_data(h, &v);
    if (d.n < 8)
        return 0;
    registry_event(h, &e, &v.cell, k->written);
    registry_time(&e, u64le(d.p));
    e.r.t_kind = TIME_EVENT;
    e.r.action = str_from(rule->action);
    buf_printf(&h->text, "%s ", rule->says);
    buf_put(&h->text, buf_str(&h->path));
    return registry_emit(h, &e);
}

/* InstallDate: seconds since 1970, UTC. */
int registry_installed(struct hive *h, const struct regf_key *k)
{
    struct registry_event e;
    struct regf_value v;
    if (!registry_value(h, k, STR("InstallDate"), &v))
        return 0;
    struct str d = registry_data(h, &v);
    if (v.type != REGF_DWORD || d.n < 4)
        return 0;
    registry_event(h, &e, &v.cell, k->written);
    e.r.t = (struct instant){ u32le(d.p), 0 };
    e.r.t_res = 0;
    e.r.timed = true;
    e.r.t_kind = TIME_EVENT;
    e.r.action = STR("host fact");
    buf_putz(&h->text, "Windows installed");
    return registry_emit(h, &e);
}

/* SYSTEMTIME (MS-DTYP 2.3.13) in the host's local time. */
static bool local_time(struct hive *h, struct str d, struct record *r)
{
    char text[32];
    struct time_text t;
    if (d.n < 16 || u16le(d.p) > 9999)
        return false;
    int n = snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%03u",
                     u16le(d.p), u16le(d.p + 2), u16le(d.p + 6), u16le(d.p + 8),
                     u16le(d.p + 10), u16le(d.p + 12), u16le(d.p + 14) % 1000u);
    if (n < 0 || !time_parse((struct str){ text, (size_t)n }, &t))
        return false;
    record_time(h->job, &t, r);
    return true;
}

int registry_network(struct hive *h, const struct regf_key *k, struct str name)
{
    static const char *const times[][2] = {
        { "DateCreated", "network first joined: " },
        { "DateLastConnected", "network last joined: " },
    };
    int rc = 0;
    for (size_t i = 0; !rc && i < 2; i++) {
        struct registry_event e;
        struct regf_value v;
        if (!registry_value(h, k, str_from(times[i][0]), &v))
            continue;
        registry_event(h, &e, &v.cell, k->written);
        e.r.t_kind = TIME_EVENT;
        if (!local_time(h, registry_data(h, &v), &e.r))
            continue;
        e.r.action = STR("host fact");
        buf_putz(&h->text, times[i][1]);
        buf_put(&h->text, name);
        rc = registry_emit(h, &e);
    }
    return rc;
}

/* ---- accounts (SAM) ------------------------------------------------------ */

/* The i-th text of V: offset and length, after the table of 0xcc bytes. */
static struct str text_of(struct hive *h, struct str v, size_t i)
{
    enum { TABLE = 0xcc };
    if (v.n < TABLE || 12 * i + 8 > TABLE)
        return STR("");
    uint64_t off = (uint64_t)u32le(v.p + 12 * i) + TABLE;
    uint64_t n = u32le(v.p + 12 * i + 4);
    if (off > v.n || n > v.n - off)
        return STR("");
    return windows_text(h->job->arena, str_sub(v, (size_t)off, (size_t)n));
}

/* Bits of the account's control word (MS-SAMR 2.2.1.12). */
static void put_control(struct buf *out, unsigned acb)
{
    static const struct {
        unsigned bit;
        const char *name;
    } bits[] = { { 0x0001, "disabled" },
                 { 0x0004, "no password needed" },
                 { 0x0010, "normal" },
                 { 0x0200, "password never expires" },
                 { 0x0400, "locked out" } };
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (acb & bits[i].bit)
            buf_printf(out, "; %s", bits[i].name);
}

static int user_time(struct hive *h, const struct regf_value *f,
                     struct str name, uint64_t time, unsigned sub)
{
    static const char *const what[][2] = {
        { "login", "last login by the SAM" },
        { "account changed", "password last set by the SAM" },
        { "login failed", "last failed login by the SAM" },
    };
    struct registry_event e;
    if (time == 0 || time >= INT64_MAX)
        return 0;
    registry_event(h, &e, &f->cell, time);
    e.r.t_kind = TIME_EVENT;
    e.r.sub = (uint16_t)sub;
    e.r.action = str_from(what[sub][0]);
    if (sub == 1) {
        e.r.target = name;
        e.r.target_kind = KIND_HOST_USER;
    } else {
        e.r.actor = name;
    }
    if (sub == 2)
        e.r.outcome = STR("failed");
    buf_putz(&h->text, what[sub][1]);
    return registry_emit(h, &e);
}

/* Hashes of passwords are in V, too; they are not looked at. */
int registry_user(struct hive *h, const struct regf_key *k,
                  const struct registry_rule *rule)
{
    struct registry_event e;
    struct regf_value fv, vv;
    if (!registry_value(h, k, STR("F"), &fv) ||
        !registry_value(h, k, STR("V"), &vv))
        return 0;
    struct str f = registry_data(h, &fv), v = registry_data(h, &vv);
    if (f.n < 68)
        return 0;
    struct str name = text_of(h, v, 1), full = text_of(h, v, 2),
               comment = text_of(h, v, 3);
    registry_event(h, &e, &k->cell, k->written);
    e.r.sub = 1;
    e.r.action = str_from(rule->action);
    e.r.target = name;
    e.r.target_kind = rule->target_kind;
    buf_printf(&h->text, "RID %lu", (unsigned long)u32le(f.p + 48));
    if (full.n) {
        buf_putz(&h->text, "; full name: ");
        buf_put(&h->text, full);
    }
    if (comment.n) {
        buf_putz(&h->text, "; comment: ");
        buf_put(&h->text, comment);
    }
    buf_printf(&h->text, "; logins: %u; failed since: %u", u16le(f.p + 66),
               u16le(f.p + 64));
    put_control(&h->text, u16le(f.p + 56));
    int rc = registry_emit(h, &e);
    if (!rc)
        rc = user_time(h, &fv, name, u64le(f.p + 8), 0);
    if (!rc)
        rc = user_time(h, &fv, name, u64le(f.p + 24), 1);
    return rc ? rc : user_time(h, &fv, name, u64le(f.p + 40), 2);
}

int registry_domain(struct hive *h, const struct regf_key *k,
                    const struct registry_rule *rule)
{
    struct registry_event e;
    struct regf_value v;
    char sid[64];
    if (!registry_value(h, k, STR("V"), &v))
        return 0;
    struct str d = registry_data(h, &v);
    if (d.n < 12)
        return 0;
    const char *p = d.p + d.n - 12;
    int n = snprintf(sid, sizeof sid, "S-1-5-21-%lu-%lu-%lu",
                     (unsigned long)u32le(p), (unsigned long)u32le(p + 4),
                     (unsigned long)u32le(p + 8));
    registry_event(h, &e, &v.cell, k->written);
    e.r.action = str_from(rule->action);
    e.r.target = (struct str){ sid, (size_t)n };
    e.r.target_kind = rule->target_kind;
    buf_putz(&h->text, rule->says);
    return registry_emit(h, &e);
}

/* ---- the time zone ------------------------------------------------------- */

static int32_t minutes(struct hive *h, const struct regf_key *k,
                       const char *name)
{
    struct regf_value v;
    if (!registry_value(h, k, str_from(name), &v))
        return 0;
    struct str d = registry_data(h, &v);
    int32_t m = v.type == REGF_DWORD && d.n >= 4 ? (int32_t)u32le(d.p) : 0;
    return m > -24 * 60 && m < 24 * 60 ? m : 0;
}

/* ",M11.1.0/2:00": the kernel's TIME_FIELDS, whose day counts the weeks. */
static bool put_change(struct hive *h, const struct regf_key *k,
                       const char *name, struct buf *out)
{
    struct regf_value v;
    if (!registry_value(h, k, str_from(name), &v))
        return false;
    struct str d = registry_data(h, &v);
    if (d.n < 16 || u16le(d.p) != 0)
        return false;
    unsigned month = u16le(d.p + 2), week = u16le(d.p + 4),
             hour = u16le(d.p + 6), minute = u16le(d.p + 8),
             weekday = u16le(d.p + 14);
    if (month < 1 || month > 12 || week < 1 || week > 5 || hour > 23 ||
        minute > 59 || weekday > 6)
        return false;
    buf_printf(out, ",M%u.%u.%u/%u:%02u", month, week, weekday, hour, minute);
    return true;
}

static void put_zone(struct buf *out, const char *name, int32_t west)
{
    int32_t m = west < 0 ? -west : west;
    buf_printf(out, "<%s>%s%d:%02d", name, west < 0 ? "-" : "", (int)(m / 60),
               (int)(m % 60));
}

/* What the host's clock on the wall showed, as a rule in the form of POSIX:
 * by it local times of its logs can be understood (base/zone.h). */
int registry_zone(struct hive *h, const struct regf_key *k)
{
    struct buf rule = { 0 }, changes = { 0 };
    int32_t bias = minutes(h, k, "Bias");
    put_zone(&rule, "STD", bias + minutes(h, k, "StandardBias"));
    if (!minutes(h, k, "DynamicDaylightTimeZoneDisabled") &&
        put_change(h, k, "DaylightStart", &changes) &&
        put_change(h, k, "StandardStart", &changes)) {
        put_zone(&rule, "DST", bias + minutes(h, k, "DaylightBias"));
        buf_put(&rule, buf_str(&changes));
    }
    struct zone *z = zone_open_rule(buf_str(&rule), NULL);
    int rc = 0;
    if (z && !rule.failed && !changes.failed) {
        struct registry_event e;
        registry_event(h, &e, &k->cell, k->written);
        e.r.sub = 2;
        e.r.action = STR("host fact");
        buf_putz(&h->text, "time zone as a rule: ");
        buf_put(&h->text, buf_str(&rule));
        rc = registry_emit(h, &e);
    }
    zone_close(z);
    buf_free(&rule);
    buf_free(&changes);
    return rc;
}
