/*
 * Making a sealed bag: everything is written below a temporary name beside
 * the bag, synced, and gets the bag's name at the end. The audit entry before
 * is inside; the one after names what was sealed and is in the next seal.
 */
#include "reports/seal.h"

#include "reports/bag.h"
#include "reports/cms.h"
#include "reports/export.h"
#include "reports/head.h"
#include "reports/seal_text.h"

#include "config.h"

#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct seal {
    struct casedb *c;
    const struct seal_options *o;
    struct seal_result *out;
    struct err *err;
    struct arena a;
    struct case_info info;
    struct head head;
    struct signer *signer;
    char *parent, *temporary; /* folder; path of the unfinished bag */
    const char *name;         /* of the bag */
    int parent_fd, dir;
};

/* A path below the unfinished bag; in the arena. */
static const char *below(struct seal *s, const char *name)
{
    struct buf b = { 0 };
    buf_putz(&b, s->temporary);
    buf_putc(&b, '/');
    buf_putz(&b, name);
    return buf_to_arena(&b, &s->a).p;
}

/* ---- before -------------------------------------------------------------- */

static int place(struct seal *s)
{
    const char *bag = s->o->bag;
    const char *slash = strrchr(bag, '/');
    struct stat st;
    s->name = slash ? slash + 1 : bag;
    if (!s->name[0] || strcmp(s->name, ".") == 0 || strcmp(s->name, "..") == 0)
        return err_set(s->err, ERR_USAGE, "%s: is not the name of a new folder",
                       text_line(str_from(bag)));
    s->parent = slash == NULL  ? strdup(".")
                : slash == bag ? strdup("/")
                               : strndup(bag, (size_t)(slash - bag));
    if (!s->parent || asprintf(&s->temporary, "%s/.%.*s.tmp-%ld", s->parent,
                               200, s->name, (long)getpid()) < 0)
        return err_set(s->err, ERR_INTERNAL, "out of memory");
    s->parent_fd = open(s->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->parent_fd < 0)
        return err_errno(s->err, ERR_WRITE, "%s",
                         text_line(str_from(s->parent)));
    if (fstatat(s->parent_fd, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(s->err, ERR_USAGE, "%s: exists",
                       text_line(str_from(bag)));
    return 0;
}

static int make_folders(struct seal *s)
{
    static const char *const folders[] = {
        "",           "data",        "data/case",
        "data/audit", "data/report", "data/export",
        "data/items"
    };
    bag_remove(s->parent_fd, strrchr(s->temporary, '/') + 1);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *path = below(s, folders[i]);
        if (!path || mkdir(path, 0777))
            return err_errno(s->err, ERR_WRITE, "%s",
                             text_line(str_from(s->temporary)));
    }
    s->dir = open(s->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0)
        return err_errno(s->err, ERR_WRITE, "%s",
                         text_line(str_from(s->temporary)));
    return 0;
}

static int audit_begin(struct seal *s)
{
    struct buf b = { 0 };
    struct json_out j = { .b = &b };
    int rc = head_find(s->c, &s->head, s->err);
    if (rc == 0 && s->head.broken[0])
        rc = err_set(s->err, ERR_VERIFY, "the case cannot be sealed: %s",
                     s->head.broken);
    if (rc)
        return rc;
    s->out->number = s->head.seals + 1;
    json_put_open(&j, '{');
    json_put_ki64(&j, "number", (int64_t)s->out->number);
    json_put_kstr(&j, "previous", str_from(s->head.previous));
    json_put_close(&j, '}');
    rc = b.failed ? err_set(s->err, ERR_INTERNAL, "out of memory")
                  : case_audit(s->c, STR("seal.begin"), str_from(s->name),
                               buf_str(&b), s->err);
    buf_free(&b);
    if (rc == 0)
        rc = head_find(s->c, &s->head, s->err);
    s->out->head = s->head.audit;
    return rc;
}

/* ---- the payload --------------------------------------------------------- */

static int write_text(struct seal *s, const char *name, struct buf *text)
{
    struct output *to;
    const char *path = below(s, name);
    if (!path || text->failed)
        return err_set(s->err, ERR_INTERNAL, "out of memory");
    int rc = output_open(path, false, &to, s->err);
    if (rc)
        return rc;
    output_put(to, buf_str(text));
    rc = output_commit(to, s->err);
    output_close(to);
    return rc;
}

static int put_line(void *ctx, struct str line)
{
    struct output *to = ctx;
    output_put(to, line);
    output_put(to, STR("\n"));
    return 0;
}

static int write_audit(struct seal *s)
{
    struct output *to;
    int rc = output_open(below(s, "data/audit/audit.log"), false, &to, s->err);
    if (rc)
        return rc;
    rc = case_audit_verify(s->c, NULL, put_line, to, s->err);
    if (rc == 0)
        rc = output_commit(to, s->err);
    output_close(to);
    return rc;
}

static int write_report(struct seal *s)
{
    const struct report_options o = { .dir = below(s, "data/report"),
                                      .lang = s->o->lang,
                                      .timed = s->o->timed,
                                      .time = s->o->time,
                                      .raw = s->o->raw,
                                      .ticker = s->o->ticker };
    struct report_result out;
    return report_write(s->c, &o, &out, s->err);
}

static int write_export(struct seal *s, const char *form, const char *name)
{
    const struct export_options o = { .form = export_form_find(str_from(form)),
                                      .ticker = s->o->ticker };
    struct export_result out;
    return export_write(s->c, below(s, name), &o, &out, s->err);
}

/* ---- items: the names that payload names cannot hold --------------------- */

struct items {
    struct buf b;
    struct output *to;
};

static void put_item(struct items *x, int64_t exhibit, const char *what,
                     struct str path, struct str layers, struct str format,
                     uint64_t size, struct str sha256)
{
    struct buf *b = &x->b;
    buf_printf(b, "X%lld,%s,", (long long)exhibit, what);
    text_csv(b, path, false);
    buf_putc(b, ',');
    text_csv(b, layers, false);
    buf_putc(b, ',');
    text_csv(b, format, false);
    buf_printf(b, ",%llu,", (unsigned long long)size);
    buf_put_hex(b, sha256.p, sha256.n);
    buf_putz(b, "\r\n");
    if (b->n < 65536)
        return;
    output_put(x->to, buf_str(b));
    b->n = 0;
}

static int item_exhibit(void *ctx, const struct exhibit *e)
{
    put_item(ctx, e->no, "exhibit", e->path, STR(""), e->kind, e->size,
             e->sha256);
    return 0;
}

static int item_member(void *ctx, const struct member *m)
{
    put_item(ctx, m->exhibit, "file", m->path, m->layers, m->format, m->size,
             m->sha256);
    return 0;
}

static int write_items(struct seal *s)
{
    struct items x = { 0 };
    int rc =
        output_open(below(s, "data/items/items.csv"), false, &x.to, s->err);
    if (rc)
        return rc;
    buf_putz(&x.b, "exhibit,what,path,layers,format,size,sha256\r\n");
    rc = case_exhibits(s->c, item_exhibit, &x, s->err);
    if (rc == 0)
        rc = case_members(s->c, 0, item_member, &x, s->err);
    output_put(x.to, buf_str(&x.b));
    if (rc == 0 && x.b.failed)
        rc = err_set(s->err, ERR_INTERNAL, "out of memory");
    if (rc == 0)
        rc = output_commit(x.to, s->err);
    output_close(x.to);
    buf_free(&x.b);
    return rc;
}

static int write_payload(struct seal *s)
{
    int rc = case_copy(s->c, below(s, "data/case/case.kan"), s->err);
    if (rc == 0)
        rc = write_audit(s);
    if (rc == 0)
        rc = write_report(s);
    if (rc == 0)
        rc = write_export(s, "jsonl", "data/export/events.jsonl");
    if (rc == 0)
        rc = write_export(s, "csv", "data/export/events.csv");
    return rc ? rc : write_items(s);
}

/* ---- manifests ----------------------------------------------------------- */

/* One manifest per algorithm over the files whose path begins so, or that
 * are no payload; names as below. */
static int write_manifests(struct seal *s, bool payload)
{
    struct buf text[BAG_ALGOS] = { 0 };
    struct arena a = { 0 };
    struct bag_files files = { 0 };
    int rc = bag_walk(s->dir, &a, &files, s->err);
    for (size_t i = 0; rc == 0 && i < files.n; i++) {
        struct str path = files.v[i].path;
        if (str_starts(path, STR("data/")) != payload)
            continue;
        struct bag_digest d;
        int fd = bag_name_good(path) ? bag_open(s->dir, path) : -1;
        rc = fd < 0 ? err_set(s->err, ERR_INTERNAL, "%s: not a payload name",
                              text_line(path))
                    : bag_digest(fd, &d, s->err);
        if (fd >= 0)
            close(fd);
        for (int k = 0; rc == 0 && k < BAG_ALGOS; k++) {
            buf_putz(&text[k], d.hex[k]);
            buf_putz(&text[k], "  ");
            buf_put(&text[k], path);
            buf_putc(&text[k], '\n');
        }
        if (rc == 0 && payload) {
            s->out->files++;
            s->out->octets += d.size;
        }
    }
    for (int k = 0; k < BAG_ALGOS; k++) {
        char name[64];
        snprintf(name, sizeof(name), "%smanifest-%s.txt", payload ? "" : "tag",
                 bag_algo_names[k]);
        if (rc == 0)
            rc = write_text(s, name, &text[k]);
        buf_free(&text[k]);
    }
    bag_files_free(&files);
    arena_free(&a);
    return rc;
}

/* ---- tag files ----------------------------------------------------------- */

static void put_info(struct buf *b, const char *label, struct str value)
{
    if (value.n == 0)
        return;
    buf_putz(b, label);
    buf_putz(b, ": ");
    text_show(b, value, 0);
    buf_putc(b, '\n');
}

static int write_info(struct seal *s)
{
    struct buf b = { 0 }, head = { 0 };
    char date[TIME_TEXT_MAX];
    struct instant at = s->o->timed ? s->o->time : s->head.at;
    time_format(date, at, 0, 0);
    buf_printf(&head, "%llu:%s", (unsigned long long)s->head.audit.seq,
               s->head.audit.hex);
    const struct case_info *i = &s->info;
    put_info(&b, "Source-Organization", i->organization);
    put_info(&b, "Contact-Name", i->examiner);
    put_info(&b, "External-Description", i->title);
    put_info(&b, "External-Identifier", i->number.n ? i->number : i->uuid);
    put_info(&b, "Bagging-Date", (struct str){ date, 10 });
    buf_printf(&b, "Payload-Oxum: %llu.%llu\n",
               (unsigned long long)s->out->octets,
               (unsigned long long)s->out->files);
    put_info(&b, "Bag-Software-Agent", STR("kanshiki " PACKAGE_VERSION));
    put_info(&b, "Kanshiki-Case-Id", i->uuid);
    put_info(&b, "Kanshiki-Audit-Head", buf_str(&head));
    buf_printf(&b, "Kanshiki-Seal-Number: %llu\n",
               (unsigned long long)s->out->number);
    put_info(&b, "Kanshiki-Previous-Seal", str_from(s->head.previous));
    b.failed |= head.failed;
    int rc = write_text(s, "bag-info.txt", &b);
    buf_free(&b);
    buf_free(&head);
    return rc;
}

static int write_tags(struct seal *s)
{
    struct buf b = { 0 };
    buf_putz(&b, "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    int rc = write_text(s, "bagit.txt", &b);
    if (rc == 0)
        rc = write_info(s);
    for (unsigned lang = 0; rc == 0 && lang < REPORT_LANGS; lang++) {
        static const char *const names[] = { "VERIFY-en.txt", "VERIFY-ja.txt" };
        buf_clear(&b);
        seal_text(&b, (enum report_lang)lang, str_from(s->name));
        rc = write_text(s, names[lang], &b);
    }
    buf_free(&b);
    return rc;
}

/* ---- signature, name, end ------------------------------------------------ */

static int sign(struct seal *s, struct output **to)
{
    struct buf content = { 0 }, der = { 0 };
    char *path = NULL;
    unsigned char sha[SHA256_LEN];
    *to = NULL;
    int rc = bag_read(s->dir, "tagmanifest-sha256.txt", &content, s->err);
    if (rc == 0) {
        struct buf hex = { 0 };
        hash_sha256(buf_str(&content), sha);
        buf_put_hex(&hex, sha, sizeof(sha));
        snprintf(s->out->tagmanifest, sizeof(s->out->tagmanifest), "%.*s",
                 (int)hex.n, hex.p);
        buf_free(&hex);
    }
    if (rc == 0 && s->signer) {
        rc = signer_sign(s->signer, buf_str(&content), &der, s->err);
        if (rc == 0 && asprintf(&path, "%s/%s.p7s", s->parent, s->name) < 0)
            rc = err_set(s->err, ERR_INTERNAL, "out of memory");
        if (rc == 0)
            rc = output_open(path, false, to, s->err);
        if (rc == 0) {
            output_put(*to, buf_str(&der));
            rc = output_finish(*to, s->out->signature, s->err);
        }
        free(path);
    }
    buf_free(&content);
    buf_free(&der);
    return rc;
}

static int sync_folders(struct seal *s)
{
    static const char *const folders[] = {
        "data/case", "data/audit", "data/report", "data/export", "data/items",
        "data",      "."
    };
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        int fd = openat(s->dir, folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int failed = fd < 0 || fsync(fd);
        if (fd >= 0)
            close(fd);
        if (failed)
            return err_errno(s->err, ERR_WRITE, "%s",
                             text_line(str_from(s->o->bag)));
    }
    return 0;
}

static int give_name(struct seal *s)
{
    const char *temporary = strrchr(s->temporary, '/') + 1;
    int rc = renameat2(s->parent_fd, temporary, s->parent_fd, s->name,
                       RENAME_NOREPLACE);
    if (rc && (errno == EINVAL || errno == ENOSYS))
        rc = renameat(s->parent_fd, temporary, s->parent_fd, s->name);
    if (rc || fsync(s->parent_fd))
        return err_errno(s->err, ERR_WRITE, "%s",
                         text_line(str_from(s->o->bag)));
    return 0;
}

static int audit_end(struct seal *s)
{
    struct buf b = { 0 };
    struct json_out j = { .b = &b };
    json_put_open(&j, '{');
    json_put_ki64(&j, "files", (int64_t)s->out->files);
    json_put_ki64(&j, "number", (int64_t)s->out->number);
    json_put_ki64(&j, "octets", (int64_t)s->out->octets);
    json_put_kstr(&j, "signature", str_from(s->out->signature));
    json_put_kstr(&j, "tagmanifest", str_from(s->out->tagmanifest));
    json_put_close(&j, '}');
    int rc = b.failed ? err_set(s->err, ERR_INTERNAL, "out of memory")
                      : case_audit(s->c, STR("seal.end"), str_from(s->name),
                                   buf_str(&b), s->err);
    buf_free(&b);
    return rc;
}

static int finish(struct seal *s)
{
    struct output *signature = NULL;
    int rc = write_manifests(s, true);
    if (rc == 0)
        rc = write_tags(s);
    if (rc == 0)
        rc = write_manifests(s, false);
    if (rc == 0)
        rc = sign(s, &signature);
    if (rc == 0)
        rc = sync_folders(s);
    /* the entry first: a bag without one could not be told from a stranger's */
    if (rc == 0)
        rc = audit_end(s);
    if (rc == 0)
        rc = give_name(s);
    if (rc == 0 && signature)
        rc = output_commit(signature, s->err);
    output_close(signature);
    return rc;
}

int seal_write(struct casedb *c, const struct seal_options *o,
               struct seal_result *out, struct err *err)
{
    struct err own = { 0 };
    memset(out, 0, sizeof(*out));
    struct seal s = { .c = c,
                      .o = o,
                      .out = out,
                      .err = err ? err : &own,
                      .parent_fd = -1,
                      .dir = -1 };
    int rc = place(&s);
    if (rc == 0 && !o->key != !o->cert)
        rc = err_set(s.err, ERR_USAGE, "a key needs its certificate");
    if (rc == 0 && o->key)
        rc = signer_open(o->key, o->cert, o->chain, &s.signer, s.err);
    if (rc == 0)
        rc = case_get_info(c, &s.a, &s.info, s.err);
    if (rc == 0)
        rc = make_folders(&s);
    if (rc == 0)
        rc = audit_begin(&s);
    if (rc == 0)
        rc = write_payload(&s);
    if (rc == 0)
        rc = finish(&s);
    if (rc && s.dir >= 0)
        bag_remove(s.parent_fd, strrchr(s.temporary, '/') + 1);
    signer_close(s.signer);
    if (s.dir >= 0)
        close(s.dir);
    if (s.parent_fd >= 0)
        close(s.parent_fd);
    free(s.parent);
    free(s.temporary);
    arena_free(&s.a);
    return rc;
}
