#include "cli/evidence_verify.h"

#include "cli/exhibit_files.h"
#include "cli/names.h"
#include "cli/progress.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "importers/discover.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, HEX = 64 };

enum outcome { MATCH, DIFFERS, MISSING, UNREADABLE, NEW, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {
    "match", "differs", "missing", "unreadable", "new",
};

struct expected {
    struct str path;
    unsigned char sha256[SHA256_LEN];
    bool known; /* a digest was taken */
    bool segment;
};

struct verifying {
    struct cli *cli;
    struct casedb *c;
    struct table *t;
    struct progress progress;
    struct progress_state at;
    struct hasher *hasher;
    unsigned char *chunk;
    bool failed; /* any outcome but match */
    /* of the exhibit at work */
    struct arena arena;
    const struct exhibit *e;
    struct expected *files;
    size_t n, cap;
    struct hasher *tree;
    uint64_t counts[OUTCOMES];
};

static const struct table_column columns[] = {
    { "exhibit", "EXHIBIT", false, 0 },   { "outcome", "OUTCOME", false, 0 },
    { "files", "FILES", true, 0 },        { "path", "PATH", false, 0 },
    { "expected", "EXPECTED", false, 0 }, { "found", "FOUND", false, 0 },
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "out of memory");
}

/* ---- what was there at the import ---------------------------------------- */

static struct expected *push(struct verifying *v)
{
    if (v->n == v->cap) {
        size_t cap = v->cap ? 2 * v->cap : 64;
        struct expected *more = realloc(v->files, cap * sizeof(*more));
        if (!more)
            return NULL;
        v->files = more;
        v->cap = cap;
    }
    struct expected *e = &v->files[v->n++];
    *e = (struct expected){ .known = false };
    return e;
}

static int add_member(void *ctx, const struct member *m)
{
    struct verifying *v = ctx;
    if (m->sha256.n != SHA256_LEN)
        return 0;
    struct expected *e = push(v);
    if (!e)
        return ERR_INTERNAL;
    e->path = arena_copy(&v->arena, m->path);
    memcpy(e->sha256, m->sha256.p, SHA256_LEN);
    e->known = true;
    return e->path.p ? 0 : ERR_INTERNAL;
}

/* "hex  name": the files of a segmented image beyond the first. */
static int add_segment(void *ctx, int64_t member, struct str name,
                       struct str value)
{
    struct verifying *v = ctx;
    (void)member;
    if (!str_eq(name, STR("segment sha256")) || value.n <= HEX + 2)
        return 0;
    struct expected *e = push(v);
    if (!e)
        return ERR_INTERNAL;
    e->known = hash_from_hex(str_sub(value, 0, HEX), e->sha256, SHA256_LEN);
    e->path = arena_copy(&v->arena, str_sub(value, HEX + 2, value.n));
    e->segment = true;
    return e->path.p ? 0 : ERR_INTERNAL;
}

static int by_path(const void *a, const void *b)
{
    const struct expected *x = a, *y = b;
    int order = str_cmp(x->path, y->path);
    return order ? order : (int)x->segment - (int)y->segment;
}

static int load_expected(struct verifying *v, struct err *err)
{
    v->n = 0;
    int rc = case_members(v->c, v->e->no, add_member, v, err);
    if (rc == 0)
        rc = case_facts(v->c, v->e->no, add_segment, v, err);
    if (rc == ERR_INTERNAL)
        return no_memory(err);
    if (rc)
        return rc;
    if (v->n)
        qsort(v->files, v->n, sizeof(*v->files), by_path);
    size_t out = 0;
    for (size_t i = 0; i < v->n; i++)
        if (i == 0 || !str_eq(v->files[i].path, v->files[out - 1].path))
            v->files[out++] = v->files[i];
    v->n = out;
    return 0;
}

/* ---- reading ------------------------------------------------------------- */

/* 0 and the digest; 1 = cannot be read to its end; negative: stop. */
static int hash_file(struct verifying *v, int fd, unsigned char *sha256,
                     struct err *err)
{
    hasher_reset(v->hasher);
    for (;;) {
        ssize_t n = read(fd, v->chunk, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return 1;
        if (n == 0)
            break;
        hasher_add(v->hasher, v->chunk, (size_t)n);
        v->at.done += (uint64_t)n;
        if (progress_tell(&v->progress, &v->at))
            return err_set(err, ERR_STOPPED,
                           "evidence verify: interrupted, nothing is kept");
    }
    return hasher_end(v->hasher, HASH_SHA256, sha256) == SHA256_LEN
               ? 0
               : no_memory(err);
}

static void add_to_tree(struct verifying *v, struct str path,
                        const unsigned char *sha256)
{
    struct buf line = { 0 };
    buf_put_hex(&line, sha256, SHA256_LEN);
    buf_putz(&line, "  ");
    buf_put(&line, path);
    buf_putc(&line, '\n');
    hasher_add(v->tree, line.p, line.n);
    buf_free(&line);
}

/* ---- one outcome --------------------------------------------------------- */

static int keep_digest(struct verifying *v, struct str path,
                       const unsigned char *found, enum outcome o,
                       struct err *err)
{
    struct digest d = {
        .exhibit = v->e->no,
        .path = path,
        .scope = STR("file"),
        .algo = STR("sha256"),
        .outcome = str_from(outcome_names[o]),
        .note = STR("evidence verify"),
    };
    if (found)
        d.value = (struct str){ (const char *)found, SHA256_LEN };
    return case_digest_add(v->c, &d, err);
}

static void put_row(struct verifying *v, enum outcome o, uint64_t n,
                    struct str path, const unsigned char *expected,
                    const unsigned char *found)
{
    struct arena a = { 0 };
    table_str(v->t, name_exhibit(v->e->no));
    table_str(v->t, str_from(outcome_names[o]));
    table_u64(v->t, n);
    table_str(v->t, path);
    for (int i = 0; i < 2; i++) {
        const unsigned char *sha = i ? found : expected;
        if (sha)
            table_str(v->t, name_hex(&a, (struct str){ (const char *)sha,
                                                       SHA256_LEN }));
        else
            table_null(v->t);
    }
    arena_free(&a);
}

static int put_file(struct verifying *v, enum outcome o, struct str path,
                    const unsigned char *expected, const unsigned char *found,
                    struct err *err)
{
    v->counts[o]++;
    v->failed |= o != MATCH && o != NEW;
    if (o == MATCH && !arg_has(v->cli, "--all"))
        return 0;
    put_row(v, o, 1, path, expected, found);
    return o == MATCH ? 0 : keep_digest(v, path, found, o, err);
}

/* ---- one exhibit --------------------------------------------------------- */

static int check_file(struct verifying *v, const struct expected *e,
                      struct found *found, size_t name, struct err *err)
{
    unsigned char sha256[SHA256_LEN];
    struct err open_err;
    const unsigned char *want = e && e->known ? e->sha256 : NULL;
    struct str path = found->names[name];
    v->at.path = path;
    v->at.items++;
    int fd = discover_open(found, name, &open_err);
    if (fd < 0)
        return put_file(v, UNREADABLE, path, want, NULL, err);
    int rc = hash_file(v, fd, sha256, err);
    close(fd);
    if (rc < 0)
        return rc;
    if (rc)
        return put_file(v, UNREADABLE, path, want, NULL, err);
    if (e)
        add_to_tree(v, path, sha256);
    enum outcome o = MATCH;
    if (!e)
        o = NEW;
    else if (want && memcmp(want, sha256, SHA256_LEN) != 0)
        o = DIFFERS;
    return put_file(v, o, path, want, sha256, err);
}

/* Both lists are sorted by path. */
static int compare(struct verifying *v, struct found *found, struct err *err)
{
    size_t i = 0, k = 0;
    int rc = 0;
    while (rc == 0 && (i < v->n || k < found->n_names)) {
        int order = i == v->n ? 1
                    : k == found->n_names
                        ? -1
                        : str_cmp(v->files[i].path, found->names[k]);
        const struct expected *e = &v->files[i];
        if (order < 0)
            rc = put_file(v, MISSING, e->path, e->known ? e->sha256 : NULL,
                          NULL, err);
        else
            rc = check_file(v, order ? NULL : e, found, k, err);
        i += order <= 0;
        k += order >= 0;
    }
    return rc;
}

static int audit_outcome(struct verifying *v, struct err *err)
{
    struct buf b = { 0 };
    struct json_out o = { .b = &b };
    /* keys sorted, as the log wants them */
    static const enum outcome order[] = { DIFFERS, MATCH, MISSING, NEW,
                                          UNREADABLE };
    json_put_open(&o, '{');
    for (size_t i = 0; i < OUTCOMES; i++)
        json_put_ki64(&o, outcome_names[order[i]],
                      (int64_t)v->counts[order[i]]);
    json_put_close(&o, '}');
    int rc = b.failed ? no_memory(err)
                      : case_audit(v->c, STR("evidence.verify"),
                                   name_exhibit(v->e->no), buf_str(&b), err);
    buf_free(&b);
    return rc;
}

static int finish_exhibit(struct verifying *v, bool single, struct err *err)
{
    unsigned char sha256[SHA256_LEN];
    const unsigned char *want = NULL;
    enum outcome o = MATCH;
    uint64_t files = 0;
    for (size_t i = 0; i < OUTCOMES; i++) {
        files += v->counts[i];
        if (i != MATCH && i != NEW && v->counts[i] && o == MATCH)
            o = (enum outcome)i;
    }
    if (hasher_end(v->tree, HASH_SHA256, sha256) != SHA256_LEN)
        return no_memory(err);
    if (v->e->sha256.n == SHA256_LEN)
        want = (const unsigned char *)v->e->sha256.p;
    /* of a single file the exhibit's digest is the file's own */
    if (single && v->n == 1 && o == MATCH && want)
        memcpy(sha256, v->files[0].sha256, SHA256_LEN);
    if (o == MATCH && want && memcmp(want, sha256, SHA256_LEN) != 0)
        o = DIFFERS;
    v->failed |= o != MATCH;
    put_row(v, o, files, v->e->path, want, sha256);
    int rc = keep_digest(v, STR(""), sha256, o, err);
    return rc ? rc : audit_outcome(v, err);
}

/* A folder that is gone is one outcome, not one for each file. */
static int all_missing(struct verifying *v, const struct err *why,
                       struct err *err)
{
    const struct str sha = v->e->sha256;
    v->counts[MISSING] = v->n;
    v->failed = true;
    message("X%lld: %s", (long long)v->e->no, why->what);
    put_row(v, MISSING, v->n, v->e->path,
            sha.n == SHA256_LEN ? (const unsigned char *)sha.p : NULL, NULL);
    int rc = keep_digest(v, STR(""), NULL, MISSING, err);
    return rc ? rc : audit_outcome(v, err);
}

static int verify_exhibit(struct verifying *v, struct err *err)
{
    struct str path;
    struct found found = { .root_fd = -1 };
    struct err where_err = { 0 };
    memset(v->counts, 0, sizeof(v->counts));
    hasher_reset(v->tree);
    int rc = load_expected(v, err);
    if (rc == 0)
        rc = case_exhibit_path(v->c, v->e->no, &v->arena, &path, err);
    if (rc)
        return rc;
    bool gone = discover(path, &found, &where_err) != 0;
    v->at.all = v->at.done + found.bytes;
    rc = case_begin(v->c, err);
    if (rc == 0) {
        rc = gone ? all_missing(v, &where_err, err) : compare(v, &found, err);
        if (rc == 0 && !gone)
            rc = finish_exhibit(v, found.single, err);
        if (rc == 0)
            rc = case_commit(v->c, err);
        else
            case_rollback(v->c);
    }
    discover_close(&found);
    return rc;
}

/* ---- all ----------------------------------------------------------------- */

struct exhibits {
    struct arena arena;
    struct exhibit list[1024];
    size_t n;
    int64_t only;
};

static int keep_exhibit(void *ctx, const struct exhibit *e)
{
    struct exhibits *x = ctx;
    if ((x->only && x->only != e->no) || x->n == 1024)
        return 0;
    struct exhibit *k = &x->list[x->n++];
    *k = *e;
    k->path = arena_copy(&x->arena, e->path);
    k->sha256 = arena_copy(&x->arena, e->sha256);
    return k->path.p && k->sha256.p ? 0 : ERR_INTERNAL;
}

static int verify_all(struct verifying *v, struct exhibits *x, struct err *err)
{
    int rc = case_exhibits(v->c, keep_exhibit, x, err);
    if (rc)
        return rc == ERR_INTERNAL ? no_memory(err) : rc;
    if (x->n == 0)
        return err_set(err, ERR_USAGE,
                       x->only ? "X%lld: no such exhibit"
                               : "no exhibit is in the case",
                       (long long)x->only);
    for (size_t i = 0; i < x->n && rc == 0; i++) {
        v->e = &x->list[i];
        arena_reset(&v->arena);
        rc = verify_exhibit(v, err);
    }
    return rc;
}

int evidence_verify(struct cli *cli, int64_t exhibit, struct err *err)
{
    struct verifying v = { .cli = cli, .at = { .unit = "files" } };
    struct exhibits *x = calloc(1, sizeof(*x));
    v.hasher = hasher_open(1u << HASH_SHA256);
    v.tree = hasher_open(1u << HASH_SHA256);
    v.chunk = malloc(CHUNK);
    int rc = x && v.hasher && v.tree && v.chunk ? 0 : no_memory(err);
    if (rc == 0)
        rc = progress_open(&v.progress, cli, "verifying", err);
    if (rc == 0)
        rc = cli_open(cli, CASE_WRITE, &v.c, err);
    if (rc == 0) {
        x->only = exhibit;
        v.t =
            out_table(cli, columns, sizeof(columns) / sizeof(columns[0]), err);
        rc = v.t ? verify_all(&v, x, err) : err->code;
        case_close(v.c);
    }
    progress_end(&v.progress);
    struct err close_err = { 0 };
    int closed = v.t ? table_close(v.t, rc ? &close_err : err) : 0;
    rc = rc ? rc : closed;
    if (x)
        arena_free(&x->arena);
    free(x);
    free(v.files);
    free(v.chunk);
    arena_free(&v.arena);
    hasher_close(v.hasher);
    hasher_close(v.tree);
    if (rc == 0 && v.failed)
        rc = err_set(err, ERR_VERIFY,
                     "the evidence is not what it was at the import");
    return rc;
}
