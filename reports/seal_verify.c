/*
 * Checking a sealed bag: every file is named, every name is a file, every
 * digest fits, in both algorithms; nothing else is in the folder; what
 * bag-info says of the payload and of the audit log is so; the signature.
 * Stricter than BagIt: lower-case digits, plain names, no other tag files.
 */
#include "reports/seal.h"

#include "reports/bag.h"
#include "reports/cms.h"
#include "reports/head.h"

#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    struct str path;
    struct str hex[BAG_ALGOS]; /* of the manifests; empty = not named */
    bool there, regular;       /* in the folder */
};

struct check {
    int dir;
    void (*problem)(void *ctx, struct str line);
    void *ctx;
    struct seal_check *out;
    struct err *err;
    struct arena a;
    struct buf text[2 * BAG_ALGOS]; /* of the manifests; views into them */
    struct entry *v;                /* by path */
    size_t n, cap;
};

static const char *const kinds[] = { "manifest", "tagmanifest" };

static void tell(struct check *k, struct str path, const char *what)
{
    struct buf b = { 0 };
    text_show(&b, path, 0);
    buf_putz(&b, ": ");
    buf_putz(&b, what);
    k->out->problems++;
    if (k->problem)
        k->problem(k->ctx, buf_str(&b));
    buf_free(&b);
}

/* ---- what there is, what is named ---------------------------------------- */

static struct entry *add(struct check *k, struct str path)
{
    if (k->n == k->cap) {
        size_t cap = k->cap ? 2 * k->cap : 64;
        struct entry *more = realloc(k->v, cap * sizeof(*more));
        if (!more)
            return NULL;
        k->v = more;
        k->cap = cap;
    }
    k->v[k->n] = (struct entry){ .path = path };
    return &k->v[k->n++];
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct entry *)a)->path,
                   ((const struct entry *)b)->path);
}

/* Entries of one path become one; a name twice in a manifest is told. */
static void merge(struct check *k)
{
    size_t n = 0;
    if (k->n)
        qsort(k->v, k->n, sizeof(*k->v), by_path);
    for (size_t i = 0; i < k->n; i++) {
        if (n == 0 || !str_eq(k->v[n - 1].path, k->v[i].path)) {
            k->v[n++] = k->v[i];
            continue;
        }
        struct entry *to = &k->v[n - 1], *from = &k->v[i];
        for (int a = 0; a < BAG_ALGOS; a++) {
            if (from->hex[a].n && to->hex[a].n)
                tell(k, to->path, "is named twice in a manifest");
            else if (from->hex[a].n)
                to->hex[a] = from->hex[a];
        }
        to->there |= from->there;
        to->regular |= from->regular;
    }
    k->n = n;
}

static int read_manifest(struct check *k, int tag, int algo)
{
    static const size_t hex_n[BAG_ALGOS] = { 64, 128 };
    char name[64];
    struct buf *text = &k->text[tag * BAG_ALGOS + algo];
    snprintf(name, sizeof(name), "%s-%s.txt", kinds[tag], bag_algo_names[algo]);
    struct err err = { 0 };
    int rc = bag_read(k->dir, name, text, &err);
    if (rc == ERR_VERIFY) {
        tell(k, str_from(name), "is missing or cannot be read");
        return 0;
    }
    if (rc)
        return err_set(k->err, rc, "%s", err.what);
    struct str rest = buf_str(text);
    struct bag_line line;
    while (bag_line_next(&rest, hex_n[algo], &line)) {
        if (line.hex.n == 0 ||
            str_starts(line.path, STR("data/")) != (tag == 0) ||
            str_starts(line.path, STR("tagmanifest-"))) {
            tell(k, str_from(name), "has a line that does not belong there");
            continue;
        }
        struct entry *e = add(k, line.path);
        if (!e)
            return err_set(k->err, ERR_INTERNAL, "out of memory");
        e->hex[algo] = line.hex;
    }
    return 0;
}

static int list_folder(struct check *k)
{
    struct bag_files files = { 0 };
    int rc = bag_walk(k->dir, &k->a, &files, k->err);
    for (size_t i = 0; rc == 0 && i < files.n; i++) {
        struct entry *e = add(k, files.v[i].path);
        if (!e)
            rc = err_set(k->err, ERR_INTERNAL, "out of memory");
        else if (files.v[i].empty_dir)
            tell(k, e->path, "is an empty folder, which was not sealed");
        if (e) {
            e->there = !files.v[i].empty_dir;
            e->regular = files.v[i].regular;
        }
    }
    bag_files_free(&files);
    return rc;
}

/* ---- files --------------------------------------------------------------- */

static int check_digest(struct check *k, const struct entry *e)
{
    struct bag_digest d;
    struct err err = { 0 };
    int fd = bag_open(k->dir, e->path);
    int rc = fd < 0 ? ERR_VERIFY : bag_digest(fd, &d, &err);
    if (fd >= 0)
        close(fd);
    if (rc == ERR_VERIFY) {
        tell(k, e->path, "cannot be read");
        return 0;
    }
    if (rc)
        return err_set(k->err, rc, "%s", err.what);
    for (int a = 0; a < BAG_ALGOS; a++)
        if (!str_eq(e->hex[a], str_from(d.hex[a]))) {
            tell(k, e->path,
                 a == BAG_SHA256 ? "does not have its SHA-256"
                                 : "does not have its SHA-512");
            break;
        }
    if (str_starts(e->path, STR("data/"))) {
        k->out->files++;
        k->out->octets += d.size;
    }
    return 0;
}

static int check_entry(struct check *k, const struct entry *e)
{
    bool named = e->hex[0].n && e->hex[1].n;
    if (!e->there) {
        if (e->hex[0].n || e->hex[1].n)
            tell(k, e->path, "is missing");
        return 0;
    }
    if (!e->regular) {
        tell(k, e->path, "is not a regular file (a link?)");
        return 0;
    }
    if (str_starts(e->path, STR("tagmanifest-")) &&
        (str_eq(e->path, STR("tagmanifest-sha256.txt")) ||
         str_eq(e->path, STR("tagmanifest-sha512.txt"))))
        return 0; /* the roots */
    if (!named) {
        tell(k, e->path,
             e->hex[0].n || e->hex[1].n
                 ? "is not in every manifest"
                 : "was not sealed: no manifest names it");
        return 0;
    }
    return check_digest(k, e);
}

/* ---- what bag-info says -------------------------------------------------- */

static struct str info_of(struct str info, struct str label)
{
    while (info.n) {
        const char *lf = memchr(info.p, '\n', info.n);
        size_t n = lf ? (size_t)(lf - info.p) : info.n;
        struct str one = str_sub(info, 0, n);
        if (str_starts(one, label))
            return str_sub(one, label.n, one.n);
        info = str_sub(info, lf ? n + 1 : n, info.n);
    }
    return STR_NONE;
}

/* The chain of audit.log (case.md 2.4), and its last entry that counts. */
static const char *check_chain(struct str log, char head[96])
{
    char prev[65] = "";
    for (uint64_t seq = 1; log.n; seq++) {
        const char *lf = memchr(log.p, '\n', log.n);
        if (!lf)
            return "ends within a line";
        struct str one = str_sub(log, 0, (size_t)(lf - log.p));
        log = str_sub(log, one.n + 1, log.n);
        unsigned char sha[SHA256_LEN];
        struct buf hex = { 0 };
        uint64_t no;
        hash_sha256(str_sub(one, 65, one.n), sha);
        buf_put_hex(&hex, sha, sizeof(sha));
        bool good = one.n > 65 && one.p[64] == ' ' &&
                    str_eq(buf_str(&hex), str_sub(one, 0, 64));
        buf_free(&hex);
        if (!good)
            return "has an entry without its hash";
        if (!str_u64(head_field(one, 0), &no) || no != seq ||
            (seq > 1 && !str_eq(head_field(one, 1), str_from(prev))))
            return "has an entry that does not follow the one before it";
        memcpy(prev, one.p, 64);
        if (!head_is_disclosure(head_field(one, 4)))
            snprintf(head, 96, "%llu:%s", (unsigned long long)no, prev);
    }
    return NULL;
}

static int check_info(struct check *k)
{
    struct buf info = { 0 }, log = { 0 };
    struct err err = { 0 };
    char oxum[64], head[96] = "";
    int n = snprintf(oxum, sizeof(oxum), "%llu.%llu",
                     (unsigned long long)k->out->octets,
                     (unsigned long long)k->out->files);
    int rc = bag_read(k->dir, "bag-info.txt", &info, &err);
    if (rc == 0 && !str_eq(info_of(buf_str(&info), STR("Payload-Oxum: ")),
                           (struct str){ oxum, (size_t)n }))
        tell(k, STR("bag-info.txt"), "Payload-Oxum is not that of the payload");
    if (rc == 0)
        rc = bag_read(k->dir, "data/audit/audit.log", &log, &err);
    if (rc == 0) {
        const char *why = check_chain(buf_str(&log), head);
        struct str said = info_of(buf_str(&info), STR("Kanshiki-Audit-Head: "));
        if (why)
            tell(k, STR("data/audit/audit.log"), why);
        else if (!str_eq(said, str_from(head)))
            tell(k, STR("data/audit/audit.log"),
                 "does not end where bag-info.txt says");
        memcpy(k->out->audit_head, head, sizeof(head));
    }
    buf_free(&info);
    buf_free(&log);
    return rc == ERR_INTERNAL ? err_set(k->err, rc, "%s", err.what) : 0;
}

static void check_declaration(struct check *k)
{
    static const char want[] =
        "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
    struct buf text = { 0 };
    struct err err;
    if (bag_read(k->dir, "bagit.txt", &text, &err) ||
        !str_eq(buf_str(&text), str_from(want)))
        tell(k, STR("bagit.txt"), "is not the declaration of BagIt 1.0");
    buf_free(&text);
}

/* ---- the signature ------------------------------------------------------- */

/* BAG.p7s; the caller frees it. */
static char *signature_path(const char *bag)
{
    size_t n = strlen(bag);
    char *path;
    while (n > 1 && bag[n - 1] == '/')
        n--;
    return asprintf(&path, "%.*s.p7s", (int)n, bag) < 0 ? NULL : path;
}

static int examine(struct check *k, struct str name, struct str der,
                   const char *ca)
{
    struct buf content = { 0 };
    struct cms_check cms = { 0 };
    struct err err = { 0 };
    int rc = bag_read(k->dir, "tagmanifest-sha256.txt", &content, &err);
    if (rc == 0)
        rc = cms_check(der, buf_str(&content), ca, &cms, k->err);
    else if (rc == ERR_VERIFY) /* told already */
        rc = 0;
    if (rc == 0 && !cms.fits)
        tell(k, name, "is not a signature of tagmanifest-sha256.txt");
    else if (rc == 0 && ca && !cms.trusted)
        tell(k, name, "the certificates given do not vouch for its signer now");
    k->out->signed_ok = cms.trusted;
    memcpy(k->out->signer, cms.signer, sizeof(cms.signer));
    buf_free(&content);
    return rc;
}

static int check_signature(struct check *k, const char *bag, const char *ca)
{
    struct buf der = { 0 };
    struct err err = { 0 };
    char *path = signature_path(bag);
    if (!path)
        return err_set(k->err, ERR_INTERNAL, "out of memory");
    const char *slash = strrchr(path, '/');
    struct str name = str_from(slash ? slash + 1 : path);
    int rc = 0;
    k->out->has_signature =
        faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (!k->out->has_signature && ca)
        tell(k, name, "is missing: nobody signed, or it was left behind");
    if (k->out->has_signature) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        rc = bag_read_fd(fd, path, &der, &err);
        if (rc == 0)
            rc = examine(k, name, buf_str(&der), ca);
        else if (rc == ERR_VERIFY) {
            tell(k, name, "cannot be read");
            rc = 0;
        }
    }
    buf_free(&der);
    free(path);
    return rc;
}

/* ---- all ----------------------------------------------------------------- */

bool seal_is_bag(const char *path)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = dir < 0 ? -1 : bag_open(dir, STR("bagit.txt"));
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return fd >= 0;
}

static int check_all(struct check *k, const char *bag, const char *ca)
{
    int rc = list_folder(k);
    for (int tag = 0; tag < 2 && rc == 0; tag++)
        for (int algo = 0; algo < BAG_ALGOS && rc == 0; algo++)
            rc = read_manifest(k, tag, algo);
    if (rc)
        return rc;
    merge(k);
    for (size_t i = 0; i < k->n && rc == 0; i++)
        rc = check_entry(k, &k->v[i]);
    check_declaration(k);
    if (rc == 0)
        rc = check_info(k);
    return rc ? rc : check_signature(k, bag, ca);
}

int seal_verify(const char *bag, const char *ca,
                void (*problem)(void *ctx, struct str line), void *ctx,
                struct seal_check *out, struct err *err)
{
    struct err own = { 0 };
    memset(out, 0, sizeof(*out));
    struct check k = {
        .problem = problem, .ctx = ctx, .out = out, .err = err ? err : &own
    };
    k.dir = open(bag, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (k.dir < 0)
        return err_errno(k.err, ERR_CASE, "%s", text_line(str_from(bag)));
    int rc = check_all(&k, bag, ca);
    for (size_t i = 0; i < sizeof(k.text) / sizeof(k.text[0]); i++)
        buf_free(&k.text[i]);
    free(k.v);
    arena_free(&k.a);
    close(k.dir);
    if (rc == 0 && out->problems)
        rc = err_set(
            k.err, ERR_VERIFY, "%s: %llu problem%s", text_line(str_from(bag)),
            (unsigned long long)out->problems, out->problems == 1 ? "" : "s");
    return rc;
}
