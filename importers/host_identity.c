/*
 * Which machine is this: names, ids, release, file systems, clock, network.
 * Each statement is a `host fact` whose target is the thing stated. Settings
 * have no time of their own but that of their file's last change.
 */
#include "importers/cloudhost.h"
#include "importers/stamped.h"

enum { TEXT_MOST = 4000, WHOLE_MOST = 1 << 20 };

struct reader {
    struct cloudhost h;
    struct str all;
};

static int emit(struct reader *r, struct str line, struct record *rec)
{
    rec->off = (uint64_t)(line.p - r->all.p);
    rec->len = (uint32_t)line.n;
    rec->action = STR("host fact");
    if (!rec->timed)
        cloudhost_modified(&r->h, rec);
    return cloudhost_record(&r->h, rec);
}

static int fact(struct reader *r, struct str line, unsigned kind,
                struct str value, struct str text)
{
    struct record rec = { .target = value,
                          .target_kind = (uint8_t)kind,
                          .text = text };
    cloudhost_begin(&r->h);
    return emit(r, line, &rec);
}

/* The next line of the file without blanks around it; false at the end.
 * Comments and empty lines are passed over. */
static bool next_line(struct reader *r, size_t *at, struct str *line)
{
    while (*at < r->all.n) {
        struct str rest = str_sub(r->all, *at, r->all.n);
        const char *lf = memchr(rest.p, '\n', rest.n);
        size_t n = lf ? (size_t)(lf - rest.p) : rest.n;
        *at += n + (lf ? 1 : 0);
        *line = str_trim(str_sub(rest, 0, n));
        if (line->n && line->p[0] != '#' && line->p[0] != ';')
            return true;
    }
    return false;
}

static struct str next_word(struct str *s)
{
    size_t n = 0;
    *s = str_trim(*s);
    while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
        n++;
    struct str w = str_sub(*s, 0, n);
    *s = str_sub(*s, n, s->n);
    return w;
}

/* ---- names and ids ------------------------------------------------------- */

static int host_name(struct reader *r)
{
    struct str line;
    size_t at = 0;
    return next_line(r, &at, &line)
               ? fact(r, line, KIND_HOST, str_sub(line, 0, 256),
                      STR("host name"))
               : 0;
}

static bool is_machine(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (str_hex(s.p[i]) < 0)
            return false;
    return s.n == 32;
}

static int machine_id(struct reader *r)
{
    struct str line;
    size_t at = 0;
    if (!next_line(r, &at, &line))
        return 0;
    if (!is_machine(line)) /* "uninitialized": of an image that never ran */
        return fact(r, line, KIND_NONE, STR_NONE, str_sub(line, 0, 100));
    return fact(r, line, KIND_MACHINE, line, STR("machine id"));
}

/* os-release, image-id: the lines that name the release. */
static int release(struct reader *r)
{
    static const char *const names[] = { "PRETTY_NAME=", "image_name=",
                                         "image_version=", "image_file=",
                                         "image_stamp=" };
    struct str line;
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && next_line(r, &at, &line))
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (str_starts(line, str_from(names[i]))) {
                rc = fact(r, line, KIND_NONE, STR_NONE, line);
                break;
            }
    return rc;
}

static int first_line(struct reader *r)
{
    struct str line;
    size_t at = 0;
    return next_line(r, &at, &line)
               ? fact(r, line, KIND_NONE, STR_NONE, str_sub(line, 0, 300))
               : 0;
}

static int hosts(struct reader *r)
{
    struct str line;
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && next_line(r, &at, &line)) {
        struct str rest = line, ip = next_word(&rest), name;
        char tmp[46];
        struct record rec = { .target_kind = KIND_IP, .text = line };
        if (!identify_ip(ip, tmp, &rec.target)) {
            rc = sink_reject(r->h.job->sink, (uint64_t)(line.p - r->all.p),
                             line.n, "hosts-line", "no address in front");
            continue;
        }
        cloudhost_begin(&r->h);
        while ((name = next_word(&rest)).n && name.p[0] != '#')
            refs_add(&r->h.refs, KIND_DOMAIN, ROLE_MENTIONED, name);
        rc = emit(r, line, &rec);
    }
    return rc;
}

/* ---- file systems -------------------------------------------------------- */

static int fstab(struct reader *r)
{
    static const struct {
        struct str before;
        uint8_t kind;
    } forms[] = { { { "UUID=", 5 }, KIND_FS_UUID },
                  { { "PARTUUID=", 9 }, KIND_FS_UUID },
                  { { "LABEL=", 6 }, KIND_VOLUME_LABEL },
                  { { "PARTLABEL=", 10 }, KIND_VOLUME_LABEL } };
    struct str line;
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && next_line(r, &at, &line)) {
        struct str rest = line, what = next_word(&rest);
        unsigned kind = KIND_RESOURCE;
        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
            if (str_starts(what, forms[i].before)) {
                kind = forms[i].kind;
                what = str_sub(what, forms[i].before.n, what.n);
                if (what.n > 1 && what.p[0] == '"')
                    what = str_sub(what, 1, what.n - 2);
                break;
            }
        rc = fact(r, line, kind, what, line);
    }
    return rc;
}

/* ---- clock --------------------------------------------------------------- */

/* The rule in the footer of a TZif file (RFC 8536, 3.3); of old files, which
 * have none, only that it is one. */
static int local_time(struct reader *r)
{
    struct str s = r->all;
    size_t end = s.n, from;
    if (end && s.p[end - 1] == '\n')
        end--;
    for (from = end; from && s.p[from - 1] != '\n' && end - from < 100; from--)
        ;
    struct str rule = str_sub(s, from, end - from);
    bool text = end < s.n && from && rule.n;
    for (size_t i = 0; i < rule.n; i++)
        text &= rule.p[i] > ' ' && rule.p[i] < 0x7f;
    return fact(r, text ? rule : str_sub(s, 0, 44), KIND_NONE, STR_NONE,
                text ? rule : STR("a time zone without a rule for the future"));
}

/* Third line: UTC or LOCAL. Second: when the clock was last corrected. */
static int adjtime(struct reader *r)
{
    struct str line;
    struct time_text t;
    size_t at = 0;
    int rc = 0;
    for (int i = 0; rc == 0 && next_line(r, &at, &line); i++) {
        struct record rec = { .text = STR("hardware clock last corrected") };
        if (i == 1 && stamped_epoch(line, &t) && t.t.s > 0) {
            record_time(r->h.job, &t, &rec);
            cloudhost_begin(&r->h);
            rc = emit(r, line, &rec);
        } else if (i == 2) {
            rc = fact(r, line, KIND_NONE, STR_NONE,
                      str_eq(line, STR("LOCAL"))
                          ? STR("the hardware clock runs in local time")
                          : STR("the hardware clock runs in UTC"));
        }
    }
    return rc;
}

/* chrony's logs: "2026-03-09 00:00:00 ..", always in UTC (chrony.conf(5)). */
static int chrony(struct reader *r)
{
    struct str line;
    struct time_text t;
    size_t at = 0, skip;
    int rc = 0;
    while (rc == 0 && next_line(r, &at, &line)) {
        struct record rec = { .text = line };
        if (line.p[0] == '=' || !stamped_time(line, &t, &skip))
            continue; /* the table's head, repeated now and then */
        record_time(r->h.job, &t, &rec);
        rec.t = t.t;
        rec.t_zone = ZONE_FORMAT;
        rec.text = str_sub(line, skip, line.n);
        cloudhost_begin(&r->h);
        rc = emit(r, line, &rec);
    }
    return rc;
}

static int seed(struct reader *r)
{
    return fact(r, r->all, KIND_NONE, STR_NONE,
                STR("seed of random numbers, written when a boot begins or "
                    "ends"));
}

/* ---- network ------------------------------------------------------------- */

static int resolv(struct reader *r)
{
    struct str line;
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && next_line(r, &at, &line)) {
        struct str rest = line, word = next_word(&rest);
        struct str value = next_word(&rest);
        bool server = str_eq(word, STR("nameserver"));
        if (server || str_eq(word, STR("search")) ||
            str_eq(word, STR("domain")))
            rc = fact(r, line, server ? KIND_IP : KIND_DOMAIN, value, line);
    }
    return rc;
}

/* Settings as a whole, their addresses mentioned. */
static int settings(struct reader *r)
{
    struct str text = str_trim(str_sub(r->all, 0, TEXT_MOST));
    return text.n ? fact(r, r->all, KIND_NONE, STR_NONE, text) : 0;
}

/* dhclient.leases(5): "renew 1 2026/03/09 12:00:00;" in UTC, or "epoch N;". */
static bool lease_time(struct str rest, struct time_text *t)
{
    size_t skip;
    struct str word = next_word(&rest);
    if (str_eq(word, STR("epoch"))) {
        word = next_word(&rest);
        while (word.n && word.p[word.n - 1] == ';')
            word.n--;
        return stamped_epoch(word, t);
    }
    return stamped_time(str_trim(rest), t, &skip);
}

struct lease {
    const char *from; /* NULL: none is open */
    struct str address;
    struct time_text renew, expire;
    bool renews, expires;
};

static int lease_end(struct reader *r, const struct lease *l, struct str line)
{
    struct str all = { l->from, (size_t)(line.p + line.n - l->from) };
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++) {
        struct record rec = { .target = l->address,
                              .target_kind = KIND_IP,
                              .sub = (uint16_t)i,
                              .text = i ? STR("the lease of the address ends")
                                        : STR("the lease of the address is "
                                              "to be renewed") };
        if (i ? !l->expires : !l->renews)
            continue;
        record_time(r->h.job, i ? &l->expire : &l->renew, &rec);
        rec.t = i ? l->expire.t : l->renew.t;
        rec.t_zone = ZONE_FORMAT;
        rec.t_kind = i ? TIME_END : TIME_EVENT;
        cloudhost_begin(&r->h);
        rc = emit(r, all, &rec);
    }
    return rc || l->renews || l->expires
               ? rc
               : fact(r, all, KIND_IP, l->address, STR("lease of an address"));
}

static int leases(struct reader *r)
{
    struct str line;
    struct lease l = { .from = NULL };
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && next_line(r, &at, &line)) {
        struct str rest = line, word = next_word(&rest);
        if (str_eq(word, STR("lease")) || str_eq(word, STR("lease{"))) {
            l = (struct lease){ .from = line.p };
        } else if (l.from && line.p[0] == '}') {
            rc = lease_end(r, &l, line);
            l.from = NULL;
        } else if (l.from && str_eq(word, STR("fixed-address"))) {
            l.address = next_word(&rest);
            while (l.address.n && l.address.p[l.address.n - 1] == ';')
                l.address.n--;
        } else if (l.from && str_eq(word, STR("renew"))) {
            l.renews = lease_time(rest, &l.renew);
        } else if (l.from && str_eq(word, STR("expire"))) {
            l.expires = lease_time(rest, &l.expire);
        }
    }
    if (rc == 0 && l.from)
        rc = sink_reject(r->h.job->sink, (uint64_t)(l.from - r->all.p),
                         (uint64_t)(r->all.p + r->all.n - l.from), "lease-cut",
                         "a lease that does not end");
    return rc;
}

/* ---- descriptor ---------------------------------------------------------- */

static const struct {
    const char *path;
    int (*read)(struct reader *);
} files[] = {
    { "etc/hostname", host_name },
    { "etc/HOSTNAME", host_name },
    { "etc/machine-id", machine_id },
    { "var/lib/dbus/machine-id", machine_id },
    { "etc/os-release", release },
    { "usr/lib/os-release", release },
    { "etc/image-id", release },
    { "etc/system-release", first_line },
    { "etc/redhat-release", first_line },
    { "etc/debian_version", first_line },
    { "etc/hosts", hosts },
    { "etc/fstab", fstab },
    { "etc/timezone", first_line },
    { "etc/localtime", local_time },
    { "etc/adjtime", adjtime },
    { "etc/resolv.conf", resolv },
    { "sysconfig/network", settings },
    { "sysconfig/network-scripts/ifcfg-*", settings },
    { "etc/network/interfaces", settings },
    { "etc/network/interfaces.d/*", settings },
    { "etc/netplan/*.yaml", settings },
    { "systemd/network/*.network", settings },
    { "NetworkManager/system-connections/*", settings },
    { "systemd/netif/leases/*", settings },
    { "NetworkManager/*.lease", settings },
    { "dhcp/*.leases", leases },
    { "dhclient/*.lease*", leases },
    { "chrony/drift", first_line },
    { "ntp/drift", first_line },
    { "log/chrony/*.log", chrony },
    { "lib/systemd/random-seed", seed },
};
enum { FILES = sizeof(files) / sizeof(files[0]) };

static size_t file_of(struct str path)
{
    size_t i = 0;
    while (i < FILES && !path_like(path, files[i].path))
        i++;
    return i;
}

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { .all = STR_NONE };
    size_t i = file_of(job->name);
    int rc = 0;
    if (!cloudhost_whole(job,
                         i < FILES && files[i].read == chrony ? (size_t)64 << 20
                                                              : WHOLE_MOST,
                         &r.all))
        return err_set(err, ERR_INTERNAL, "out of memory");
    cloudhost_open(&r.h, job, STR_NONE);
    if (!job->in->eof)
        rc = sink_issue(job->sink, ISSUE_WARNING, r.all.n, 0, "settings-size",
                        "larger than such a file is: what follows is not "
                        "read");
    if (rc == 0)
        rc = i < FILES ? files[i].read(&r) : settings(&r);
    cloudhost_close(&r.h);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static int probe(struct probe *p)
{
    size_t i = file_of(p->path);
    if (p->head.n == 0 || i == FILES)
        return 0;
    if (files[i].read == local_time && !str_starts(p->head, STR("TZif")))
        return 0;
    p->reason = "where a system states what machine it is";
    return 80;
}

static const char *const paths[] = {
    "etc/hostname",
    "etc/HOSTNAME",
    "etc/machine-id",
    "var/lib/dbus/machine-id",
    "etc/os-release",
    "usr/lib/os-release",
    "etc/image-id",
    "etc/system-release",
    "etc/redhat-release",
    "etc/debian_version",
    "etc/hosts",
    "etc/fstab",
    "etc/timezone",
    "etc/localtime",
    "etc/adjtime",
    "etc/resolv.conf",
    "sysconfig/network",
    "sysconfig/network-scripts/ifcfg-*",
    "etc/network/interfaces",
    "etc/network/interfaces.d/*",
    "etc/netplan/*.yaml",
    "systemd/network/*.network",
    "NetworkManager/system-connections/*",
    "systemd/netif/leases/*",
    "NetworkManager/*.lease",
    "dhcp/*.leases",
    "dhclient/*.lease*",
    "chrony/drift",
    "ntp/drift",
    "log/chrony/*.log",
    "lib/systemd/random-seed",
    NULL,
};

const struct importer importers_host_identity = {
    .name = "host-identity",
    .title = "What machine a system is",
    .reads = "host name, machine id, release, fstab, hosts, clock, network "
             "settings, leases",
    .paths = paths,
    .probe = probe,
    .import = import,
};
