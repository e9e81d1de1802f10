/*
 * What is known of a file by its digest: the exhibit's tree hash, claims,
 * segments, the copy kept inside the case.
 */
#include "importers/pipeline.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

int digests_tree(const struct pipeline *p, unsigned char sha[32],
                 struct err *err)
{
    struct hasher *tree = hasher_open(1u << HASH_SHA256);
    struct buf b = { 0 };
    for (size_t i = 0; tree && i < p->found.n_names; i++) {
        if (!p->digests[i].known)
            continue;
        buf_clear(&b);
        buf_put_hex(&b, p->digests[i].sha256, 32);
        buf_putz(&b, "  ");
        buf_put(&b, p->found.names[i]);
        buf_putc(&b, '\n');
        hasher_add(tree, b.p, b.n);
    }
    bool ok = tree && !b.failed && hasher_end(tree, HASH_SHA256, sha) == 32;
    buf_free(&b);
    hasher_close(tree);
    return ok ? 0 : err_set(err, ERR_INTERNAL, "import: out of memory");
}

static const unsigned char *value_of(const struct hashing_result *r,
                                     enum hash_algo a)
{
    return a == HASH_MD5 ? r->md5 : a == HASH_SHA1 ? r->sha1 : r->sha256;
}

static int check_claim(struct pipeline *p, const struct import_claim *claim,
                       struct str path, const struct hashing_result *r,
                       struct err *err)
{
    const char *algo = hash_name(claim->algo);
    bool same = memcmp(claim->value, value_of(r, claim->algo),
                       hash_len(claim->algo)) == 0;
    if (!same && p->o->claim_reason.n == 0) {
        err_set(err, ERR_VERIFY,
                "%s: its %s is not the claimed one; import stopped",
                text_line(path), algo);
        err_hint(err, "to go on, give --claim-reason with a reason, which is "
                      "recorded");
        return err->code;
    }
    struct buf b = { 0 };
    char name[24];
    snprintf(name, sizeof(name), "claimed %s", algo);
    buf_put_hex(&b, claim->value, hash_len(claim->algo));
    buf_putz(&b, same ? " match" : " differs: ");
    if (!same)
        buf_put(&b, p->o->claim_reason);
    int rc = intake_fact(p->in, str_from(name), buf_str(&b), err);
    buf_free(&b);
    return rc;
}

static int check_claims(struct pipeline *p, size_t name,
                        const struct hashing_result *r, struct err *err)
{
    size_t n;
    int rc = 0;
    const struct claimed *c = claims_of(&p->claims, name, &n);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = check_claim(p, c[i].claim, p->found.names[name], r, err);
    return rc;
}

int digests_front(struct pipeline *p, struct err *err)
{
    struct file_job *j = &p->jobs[p->front];
    const struct found_file *f = file_at(p, p->front);
    if (p->front_hashed)
        return 0;
    free(p->segments);
    p->segments = calloc(f->n_segments, sizeof(*p->segments));
    if (!p->segments)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    if (f->set) {
        struct hashing_result none;
        hashing_wait(p->hashing, j->tickets[0], &none);
        memcpy(p->segments, j->many->results,
               f->n_segments * sizeof(*p->segments));
    }
    for (uint32_t k = 0; k < f->n_segments; k++) {
        struct hashing_result *r = &p->segments[k];
        if (!f->set)
            hashing_wait(p->hashing, j->tickets[k], r);
        struct name_digest *d = &p->digests[found_name(f, k)];
        d->known = !r->failed || !f->set;
        memcpy(d->sha256, r->sha256, 32);
    }
    memcpy(p->front_sha, p->segments[0].sha256, 32);
    p->front_hashed = true;
    return 0;
}

/* What became of a file since it was opened, when it was read to its end by
 * both, the worker and the hashing thread. */
static const char *change_of(const struct pipeline *p, uint32_t k)
{
    const struct file_job *j = &p->jobs[p->front];
    const struct found_file *f = file_at(p, p->front);
    const struct stat *a = f->set ? NULL : &j->opened[k];
    struct str name = p->found.names[found_name(f, k)];
    struct stat b, c;
    if (f->set) /* each is open only while it is read */
        return p->segments[k].changed
                   ? "size or time of the file changed while it was read"
                   : NULL;
    if (p->segments[k].changed || fstat(j->fds[k], &b) ||
        a->st_size != b.st_size || a->st_mtim.tv_sec != b.st_mtim.tv_sec ||
        a->st_mtim.tv_nsec != b.st_mtim.tv_nsec)
        return "size or time of the file changed while it was read";
    /* names are followed by a NUL (discover) */
    if (fstatat(p->found.root_fd, name.p, &c, AT_SYMLINK_NOFOLLOW) ||
        b.st_dev != c.st_dev || b.st_ino != c.st_ino)
        return "another file took its place, or none, while it was read";
    return NULL;
}

/* Of an image of one file: what the tool that made it may have stated. */
static int digest_facts(struct pipeline *p, const struct hashing_result *r,
                        struct err *err)
{
    int rc = 0;
    for (int i = 0; i < HASH_COUNT && rc == 0; i++) {
        enum hash_algo a = (enum hash_algo)i;
        struct buf b = { 0 };
        char name[24];
        if (!(p->o->algos & 1u << i) || a == HASH_SHA256)
            continue;
        snprintf(name, sizeof(name), "file %s", hash_name(a));
        buf_put_hex(&b, value_of(r, a), hash_len(a));
        rc = intake_fact(p->in, str_from(name), buf_str(&b), err);
        buf_free(&b);
    }
    return rc;
}

static int segment_items(struct pipeline *p, uint32_t k, struct err *err)
{
    const struct found_file *f = file_at(p, p->front);
    const struct hashing_result *r = &p->segments[k];
    struct str name = p->found.names[found_name(f, k)];
    int rc = 0;
    if (r->failed)
        rc = intake_issue(p->in, 2, r->bytes, 0, STR("read-error"),
                          STR("the file could not be read to its end"), err);
    const char *change = change_of(p, k);
    if (rc == 0 && change)
        rc = intake_issue(p->in, 2, 0, 0, STR("changed-during-read"),
                          str_from(change), err);
    if (rc == 0 && f->n_segments > 1 && !f->set) {
        struct buf b = { 0 };
        buf_put_hex(&b, r->sha256, 32);
        buf_putz(&b, "  ");
        buf_put(&b, name);
        rc = intake_fact(p->in, STR("segment sha256"), buf_str(&b), err);
        buf_free(&b);
    }
    if (rc == 0 && f->n_segments == 1)
        rc = digest_facts(p, r, err);
    return rc ? rc : check_claims(p, found_name(f, k), r, err);
}

static int embed(struct pipeline *p, struct err *err)
{
    const struct found_file *f = file_at(p, p->front);
    if (f->n_segments > 1 || f->size > 900u << 20)
        return intake_issue(p->in, 1, 0, f->size, STR("not-embedded"),
                            STR("too large to be kept inside the case"), err);
    char *bytes = malloc(f->size ? (size_t)f->size : 1);
    if (!bytes)
        return err_set(err, ERR_INTERNAL, "import: out of memory");
    size_t n = 0;
    ssize_t got;
    while (n < f->size && (got = pread(p->jobs[p->front].fds[0], bytes + n,
                                       (size_t)f->size - n, (off_t)n)) > 0)
        n += (size_t)got;
    int rc = intake_embed(p->in, (struct str){ bytes, n }, err);
    free(bytes);
    return rc;
}

/* Each of its files is a member: it has its digest, and nothing of its own
 * was read as records. */
int digests_set_members(struct pipeline *p, struct err *err)
{
    const struct found_file *f = file_at(p, p->front);
    int rc = digests_front(p, err);
    for (uint32_t k = 0; rc == 0 && k < f->n_segments; k++) {
        const struct hashing_result *r = &p->segments[k];
        struct str sha = { (const char *)r->sha256, 32 };
        rc = intake_member(p->in, p->found.names[found_name(f, k)], STR(""),
                           STR("ebs-file"), r->bytes, err);
        if (rc == 0)
            rc = segment_items(p, k, err);
        if (rc == 0)
            rc = intake_member_end(p->in, r->failed ? STR_NONE : sha, err);
    }
    return rc;
}

int digests_outer_end(void *ctx, struct str *sha256, struct err *err)
{
    struct pipeline *p = ctx;
    if (file_at(p, p->front)->set) { /* its members have their own */
        *sha256 = STR_NONE;
        return 0;
    }
    int rc = digests_front(p, err);
    for (uint32_t k = 0; rc == 0 && k < file_at(p, p->front)->n_segments; k++)
        rc = segment_items(p, k, err);
    if (rc == 0 && p->o->embed)
        rc = embed(p, err);
    *sha256 = (struct str){ (char *)p->front_sha, 32 };
    return rc;
}
