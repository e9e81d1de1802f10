/*
 * User data and vendor data as cloud-init keeps them (instances/ID/user-data
 * .txt and the like): the whole with its hash, each part of a MIME message
 * with its own, the scripts that were made of it. Parts that are gzip are
 * unpacked. The text shows how a part begins, its secrets masked.
 */
#include "base/hash.h"
#include "evidence/gzip.h"
#include "importers/cloudhost.h"
#include "base/mask.h"
#include "importers/mime.h"
#include "importers/window.h"

enum {
    TEXT_MOST = 4000,      /* bytes of a part that its event shows */
    WHOLE_MOST = 64 << 20, /* read as a message */
    UNPACKED_MOST = 16 << 20,
};

struct reader {
    struct cloudhost h;
    struct gzip_inflater *gzip;
    struct buf decoded, unpacked, hex, text;
};

/* ---- what a part is ------------------------------------------------------ */

/* By its first line, as cloud-init tells (cloudinit/handlers/__init__.py). */
static struct str type_of(struct str content)
{
    static const struct {
        struct str begins, type;
    } types[] = {
#define T(begins, type)                                                        \
    {                                                                          \
        { begins, sizeof(begins) - 1 },                                        \
        {                                                                      \
            type, sizeof(type) - 1                                             \
        }                                                                      \
    }
        T("#include-once", "text/x-include-once-url"),
        T("#include", "text/x-include-url"),
        T("#!", "text/x-shellscript"),
        T("#cloud-config-archive", "text/cloud-config-archive"),
        T("#cloud-config-jsonp", "text/cloud-config-jsonp"),
        T("#cloud-config", "text/cloud-config"),
        T("#part-handler", "text/part-handler"),
        T("#cloud-boothook", "text/cloud-boothook"),
        T("## template: jinja", "text/jinja2"),
        T("<powershell>", "powershell"),
        T("<script>", "cmd"),
        T("<persist>", "powershell"),
#undef T
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (str_starts(content, types[i].begins))
            return types[i].type;
    return STR_NONE;
}

static bool is_gzip(struct str s)
{
    return s.n > 18 && memcmp(s.p, "\x1f\x8b\x08", 3) == 0;
}

/* Packed content unpacked, else as it is. */
static int unpack(struct reader *r, struct str *content, uint64_t off,
                  uint64_t len)
{
    struct gzip_report report;
    if (!is_gzip(*content))
        return 0;
    if (!r->gzip)
        r->gzip = gzip_inflater_open();
    if (!r->gzip || gzip_inflate_all(r->gzip, *content, &r->unpacked,
                                     UNPACKED_MOST, &report))
        return ERR_INTERNAL;
    *content = buf_str(&r->unpacked);
    if (report.damage == GZIP_OK)
        return 0;
    return sink_issue(r->h.job->sink, ISSUE_ERROR, off, len,
                      gzip_damage_code(report.damage), "in a part: %s",
                      gzip_damage_text(report.damage));
}

/* ---- events -------------------------------------------------------------- */

static void add_hash(struct reader *r, struct str content)
{
    unsigned char digest[SHA256_LEN];
    buf_clear(&r->hex);
    if (!hash_sha256(content, digest))
        return;
    buf_put_hex(&r->hex, digest, sizeof(digest));
    refs_add(&r->h.refs, KIND_HASH, ROLE_TARGET, buf_str(&r->hex));
}

static int give(struct reader *r, struct record *rec, struct str name,
                struct str type, struct str content)
{
    struct str begins = type_of(content);
    cloudhost_begin(&r->h);
    buf_clear(&r->text);
    rec->action = STR("user data");
    rec->target = name.n ? name : path_base(r->h.job->name);
    rec->target_kind = KIND_FILE;
    cloudhost_modified(&r->h, rec);
    add_hash(r, content);
    buf_put(&r->text, begins.n ? begins : type);
    buf_putz(&r->text, r->text.n ? ": " : "");
    if (mask_lines(str_trim(str_sub(content, 0, TEXT_MOST)), &r->text))
        rec->flags |= EVENT_SECRET;
    rec->text = buf_str(&r->text);
    return cloudhost_record(&r->h, rec);
}

static int part(struct reader *r, const struct mime_part *p, uint64_t base)
{
    uint64_t off = base + (uint64_t)(p->body.p - r->h.job->in->p);
    struct record rec = { .off = off, .len = (uint32_t)p->body.n };
    struct sink *sink = r->h.job->sink;
    int rc = 0;
    buf_clear(&r->decoded);
    if (!mime_decode(p, &r->decoded))
        rc = sink_issue(sink, ISSUE_WARNING, off, p->body.n, "mime-encoding",
                        "bytes that do not belong into the encoding");
    if (rc == 0 && p->cut)
        rc = sink_issue(sink, ISSUE_WARNING, off, p->body.n, "mime-cut",
                        "the message ends within this part");
    struct str content = buf_str(&r->decoded);
    if (rc == 0)
        rc = r->decoded.failed ? ERR_INTERNAL
                               : unpack(r, &content, off, p->body.n);
    return rc ? rc : give(r, &rec, p->name, p->type, content);
}

/* Encoded parts would show their secrets to whoever decodes them. */
static bool holds_secrets(struct reader *r, struct str all)
{
    struct mime m;
    struct mime_part p;
    bool found = false;
    mime_open(&m, all);
    while (!found && mime_next(&m, &p)) {
        buf_clear(&r->decoded);
        buf_clear(&r->text);
        mime_decode(&p, &r->decoded);
        found = is_gzip(buf_str(&r->decoded)) ||
                mask_secrets(buf_str(&r->decoded), &r->text) ||
                mask_lines(buf_str(&r->decoded), &r->text);
    }
    return found;
}

static int whole(struct reader *r, struct str all, uint64_t base)
{
    struct record rec = { .off = base,
                          .len = (uint32_t)all.n,
                          .action = STR("user data"),
                          .target = path_base(r->h.job->name),
                          .target_kind = KIND_FILE,
                          .text = STR("MIME message"),
                          .flags = holds_secrets(r, all) ? EVENT_SECRET : 0u };
    cloudhost_begin(&r->h);
    cloudhost_modified(&r->h, &rec);
    add_hash(r, all);
    return cloudhost_record(&r->h, &rec);
}

static int message(struct reader *r, struct str all, uint64_t base)
{
    struct mime m;
    struct mime_part p;
    int rc = whole(r, all, base);
    mime_open(&m, all);
    while (rc == 0 && mime_next(&m, &p))
        rc = part(r, &p, base);
    if (rc == 0 && m.parts == 0)
        rc = sink_issue(r->h.job->sink, ISSUE_WARNING, base, all.n, "mime-cut",
                        "a MIME message without a part");
    if (rc == 0 && m.deep)
        rc = sink_issue(
            r->h.job->sink, ISSUE_WARNING, base, all.n, "mime-depth",
            "parts within parts deeper than %d are one part", MIME_DEPTH);
    if (rc == 0 && m.more)
        rc =
            sink_issue(r->h.job->sink, ISSUE_WARNING, base, all.n, "mime-parts",
                       "parts after the first %d are not read", MIME_PARTS);
    return rc;
}

static int plain(struct reader *r, struct str all)
{
    struct record rec = { .len = (uint32_t)all.n };
    struct str content = all;
    int rc = unpack(r, &content, 0, all.n);
    return rc ? rc : give(r, &rec, STR_NONE, STR_NONE, content);
}

/* ---- descriptor ---------------------------------------------------------- */

static const char *const paths[] = {
    "cloud/instances/*/user-data.txt*",
    "cloud/instances/*/vendor-data.txt*",
    "cloud/instances/*/vendor-data2.txt*",
    "cloud/instances/*/cloud-config.txt",
    "cloud/instances/*/vendor-cloud-config.txt",
    "cloud/instances/*/vendor2-cloud-config.txt",
    "cloud/instances/*/scripts/*",
    "cloud/instances/*/scripts/vendor/*",
    "cloud/instances/*/handlers/*",
    "cloud/instances/*/boothooks/*",
    "cloud/seed/*/user-data",
    "cloud/seed/*/vendor-data",
    "user-data.txt",
    NULL,
};

static int import(struct import_job *job, struct err *err)
{
    struct reader r = { 0 };
    struct input *in = job->in;
    int rc = 0;
    struct str all;
    if (!cloudhost_whole(job, WHOLE_MOST, &all))
        return err_set(err, ERR_INTERNAL, "out of memory");
    cloudhost_open(&r.h, job, STR("cloud-init"));
    if (rc == 0 && !in->eof)
        rc = sink_issue(job->sink, ISSUE_WARNING, 0, all.n, "user-data-size",
                        "larger than user data can be: the first %zu bytes "
                        "are read",
                        all.n);
    if (rc == 0)
        rc = mime_is(all) ? message(&r, all, in->base) : plain(&r, all);
    cloudhost_close(&r.h);
    gzip_inflater_close(r.gzip);
    buf_free(&r.decoded);
    buf_free(&r.unpacked);
    buf_free(&r.hex);
    buf_free(&r.text);
    return rc ? err_set(err, rc, "stopped") : 0;
}

static int probe(struct probe *p)
{
    p->reason = "where cloud-init keeps user data";
    if (p->head.n && path_like_any(p->path, paths))
        return 85;
    p->reason = "begins as user data of cloud-init";
    struct str type = type_of(window_text(p->head));
    return str_starts(type, STR("text/cloud")) ? 60 : 0;
}

const struct importer importers_user_data = {
    .name = "user-data",
    .title = "User data of instances",
    .reads = "user-data.txt, vendor-data.txt, parts and scripts made of them",
    .paths = paths,
    .probe = probe,
    .import = import,
};
