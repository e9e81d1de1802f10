/*
 * crontab(5), anacrontab(5), and the jobs of at(1), which are scripts with a
 * preamble; their file's name tells the time: queue letter, five hex digits of
 * the number, eight of minutes since 1970 (at.c).
 */
#include "importers/persistence.h"

/* One of the five fields: numbers, names, lists, ranges, steps. */
static bool is_field(struct str w)
{
    static const char names[] = "sunmontuewedthufrisatjanfebmaraprmayjunjulaug"
                                "sepoctnovdec";
    size_t letters = 0;
    if (w.n == 0 || w.n > 100)
        return false;
    for (size_t i = 0; i < w.n; i++) {
        char c = w.p[i];
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
            letters++;
            continue;
        }
        if (!strchr("0123456789*,-/~?LW#", c) || c == 0)
            return false;
        if (letters != 0 && letters != 3)
            return false;
        letters = 0;
    }
    struct str last = str_sub(w, w.n - letters, letters);
    return letters == 0 ||
           (letters == 3 && str_ifind((struct str){ names, sizeof(names) - 1 },
                                      last) != SIZE_MAX);
}

static struct str word(struct str *s)
{
    size_t from = 0;
    while (from < s->n && (s->p[from] == ' ' || s->p[from] == '\t'))
        from++;
    size_t to = from;
    while (to < s->n && s->p[to] != ' ' && s->p[to] != '\t')
        to++;
    struct str w = str_sub(*s, from, to - from);
    *s = str_sub(*s, to, s->n);
    return w;
}

/* Takes the schedule off *s. */
static bool take_schedule(struct str *s)
{
    struct str rest = *s, w = word(&rest);
    static const char *const words[] = { "@reboot",   "@yearly", "@annually",
                                         "@monthly",  "@weekly", "@daily",
                                         "@midnight", "@hourly" };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_ieq(w, str_from(words[i]))) {
            *s = rest;
            return true;
        }
    if (str_starts(w, STR("-"))) /* no line in the log, SUSE */
        w = str_sub(w, 1, w.n);
    for (int i = 0; i < 5; i++) {
        if (!is_field(w))
            return false;
        if (i < 4)
            w = word(&rest);
    }
    *s = rest;
    return true;
}

/* NAME=value, NAME = value */
static bool is_setting(struct str s)
{
    size_t i = 0;
    while (i < s.n && (s.p[i] == '_' || (s.p[i] >= '0' && s.p[i] <= '9') ||
                       ((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z')))
        i++;
    size_t name = i;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
        i++;
    return name && i < s.n && s.p[i] == '=';
}

bool persistence_is_cron(struct str head)
{
    unsigned good = 0, bad = 0;
    for (size_t lines = 0; head.n && lines < 200; lines++) {
        const char *lf = memchr(head.p, '\n', head.n);
        struct str s = str_sub(head, 0, lf ? (size_t)(lf - head.p) : head.n);
        head = str_sub(head, s.n + 1, head.n);
        s = str_trim(s);
        if (s.n == 0 || s.p[0] == '#' || is_setting(s))
            continue;
        if (take_schedule(&s) && str_trim(s).n)
            good++;
        else
            bad++;
    }
    return good > bad;
}

static int crontab(struct persistence *p, bool users)
{
    struct str s;
    struct entry e;
    int rc;
    while ((rc = persistence_next(p, "#", &s, &e)) == 0) {
        struct str command = s;
        e.text = s;
        e.actor = p->owner;
        e.service = "cron";
        if (!take_schedule(&command)) {
            if (is_setting(s))
                rc = persistence_give(p, &e);
            else
                rc = sink_reject(p->job->sink, e.off, e.end - e.off,
                                 "cron-syntax",
                                 "a line that is no schedule with a command");
        } else {
            if (users)
                e.actor = word(&command);
            e.target = persistence_program(command);
            e.why = persistence_odd(command);
            rc = persistence_give(p, &e);
        }
        if (rc)
            return rc;
    }
    return rc;
}

int persistence_cron_system(struct persistence *p)
{
    return crontab(p, true);
}

int persistence_cron_user(struct persistence *p)
{
    return crontab(p, false);
}

/* PERIOD DELAY NAME COMMAND */
int persistence_anacron(struct persistence *p)
{
    struct str s;
    struct entry e;
    int rc;
    while ((rc = persistence_next(p, "#", &s, &e)) == 0) {
        struct str command = s, period = word(&command), delay = word(&command);
        uint64_t number;
        e.text = s;
        e.service = "anacron";
        word(&command);
        bool good = str_trim(command).n && str_u64(delay, &number) &&
                    (str_u64(period, &number) || period.p[0] == '@');
        if (good)
            e.target = persistence_program(command);
        if (good || is_setting(s))
            rc = persistence_give(p, &e);
        else
            rc = sink_reject(p->job->sink, e.off, e.end - e.off, "cron-syntax",
                             "a line without period, delay, name and command");
        if (rc)
            return rc;
    }
    return rc;
}

/* ---- at ------------------------------------------------------------------ */

static bool time_of_name(struct str name, int64_t *t)
{
    if (name.n != 14)
        return false;
    int64_t minutes = 0;
    for (size_t i = 1; i < name.n; i++) {
        int digit = str_hex(name.p[i]);
        if (digit < 0)
            return false;
        if (i >= 6)
            minutes = minutes * 16 + digit;
    }
    *t = minutes * 60;
    return true;
}

/* The part that at(1) wrote itself: environment, umask, folder. */
static bool is_preamble(struct str s)
{
    return str_starts(s, STR("umask ")) ||
           (str_starts(s, STR("cd ")) && str_ends(s, STR("|| {"))) ||
           str_ends(s, STR("; export")) ||
           str_starts(s, STR("echo 'Execution "
                             "directory")) ||
           str_find(s, STR("; export ")) != SIZE_MAX ||
           str_eq(s, STR("exit 1")) || str_eq(s, STR("}")) ||
           str_starts(s, STR("${SHELL:-/bin/sh} <<"));
}

int persistence_at(struct persistence *p)
{
    struct entry job = { .service = "at", .actor = p->owner };
    struct str s, name = path_base(p->job->name);
    struct entry e;
    int rc;
    job.timed = time_of_name(name, &job.time);
    buf_clear(&p->text);
    while ((rc = persistence_next(p, "#", &s, &e)) == 0) {
        job.end = e.end;
        if ((p->text.n == 0 && is_preamble(s)) ||
            str_starts(s, STR("marcinDELIMITER")))
            continue;
        if (p->text.n == 0)
            job.off = e.off;
        buf_putz(&p->text, p->text.n ? "\n" : "");
        buf_put(&p->text, s);
    }
    job.text = buf_str(&p->text);
    job.joined = true;
    job.target = persistence_program(job.text);
    job.why = persistence_odd(job.text);
    if (rc == LINES_END && job.text.n) {
        int gave = p->text.failed ? ERR_INTERNAL : persistence_give(p, &job);
        rc = gave ? gave : rc;
    }
    return rc;
}
