/* The medium of a disk image; see the header. */
#include "importers/disk_media.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "evidence/container.h"
#include "evidence/ebs.h"
#include "evidence/ewf.h"

enum {
    STEP = 1 << 20,
    GAP_ISSUES_MAX = 1000,
    SECTOR = 512,
};

struct medium {
    struct import_job *job;
    struct source *src;
};

int disk_fact(struct sink *s, const char *name, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return sink_fact(s, name, str_from(text));
}

static int fact_hex(struct medium *m, const char *name, const unsigned char *p,
                    size_t n)
{
    struct buf b = { 0 };
    buf_put_hex(&b, p, n);
    int stop = sink_fact(m->job->sink, name, buf_str(&b));
    buf_free(&b);
    return stop;
}

static int ewf_facts(struct medium *m, const struct ewf_info *in)
{
    struct sink *s = m->job->sink;
    int stop = disk_fact(m->job->sink, "container",
                         "EWF (E01), segments: %u, chunks: %u bytes",
                         in->segments, in->chunk_size);
    for (size_t i = 0; i < in->n_values && !stop; i++)
        stop = sink_fact(s, in->values[i].name, in->values[i].text);
    uint64_t placed = in->chunks * in->chunk_size, size = m->src->size;
    if (!stop && in->foreign)
        stop = sink_issue(
            s, ISSUE_ERROR, placed < size ? placed : size,
            placed < size ? size - placed : 0, "ewf-foreign",
            "segment %u is of another acquisition (%s): it is not used, and "
            "%llu bytes from here on count as absent",
            in->foreign, in->foreign_why,
            (unsigned long long)(placed < size ? size - placed : 0));
    else if (!stop && in->missing)
        stop = sink_issue(s, ISSUE_ERROR, 0, 0, "ewf-segment",
                          "segment %u of the image is missing", in->missing);
    else if (!stop && in->incomplete)
        stop = sink_issue(s, ISSUE_ERROR, 0, 0, "ewf-incomplete",
                          "the image is incomplete: segments are missing, cut "
                          "short or damaged");
    if (!stop && in->bad_sections)
        stop = sink_issue(s, ISSUE_WARNING, 0, 0, "ewf-section",
                          "%u sections of the image are damaged",
                          in->bad_sections);
    if (!stop && in->bad_digest)
        stop = sink_issue(s, ISSUE_WARNING, 0, 0, "ewf-digest",
                          "a stored digest is damaged and not used");
    if (!stop && in->acquiry_errors)
        stop = sink_issue(s, ISSUE_ERROR, 0, 0, "ewf-acquisition",
                          "the acquisition could not read %u ranges",
                          in->acquiry_errors);
    return stop;
}

static int gap_issues(struct medium *m)
{
    const struct source *src = m->src;
    int stop = 0;
    size_t i = 0;
    for (; i < src->n_gaps && i < GAP_ISSUES_MAX && !stop; i++) {
        const struct gap *g = &src->gaps[i];
        stop = sink_issue(
            m->job->sink, ISSUE_ERROR, g->off, g->len,
            g->kind == GAP_ABSENT ? "media-absent" : "media-unreadable",
            "%llu bytes of the medium at %llu %s; they read as "
            "zeros",
            (unsigned long long)g->len, (unsigned long long)g->off,
            g->kind == GAP_ABSENT ? "are not in the evidence"
                                  : "cannot be read");
    }
    if (i < src->n_gaps && !stop)
        stop = sink_issue(m->job->sink, ISSUE_ERROR, 0, 0, "media-unreadable",
                          "%zu more ranges; in all %llu bytes", src->n_gaps - i,
                          (unsigned long long)source_gap_bytes(src));
    return stop;
}

static int compare(struct medium *m, struct hasher *h, enum hash_algo algo,
                   const char *name, const unsigned char *stored, size_t n)
{
    unsigned char have[32];
    char label[64];
    if (hasher_end(h, algo, have) != n)
        return 0;
    snprintf(label, sizeof label, "stored %s", name);
    int stop = fact_hex(m, label, stored, n);
    snprintf(label, sizeof label, "media %s", name);
    if (!stop)
        stop = fact_hex(m, label, have, n);
    bool same = memcmp(have, stored, n) == 0;
    snprintf(label, sizeof label, "stored %s verified", name);
    if (!stop)
        stop =
            disk_fact(m->job->sink, label, "%s", same ? "matches" : "DIFFERS");
    if (!stop && !same)
        stop = sink_issue(m->job->sink, ISSUE_ERROR, 0, 0, "digest-differs",
                          "the medium differs from the %s that the image "
                          "states",
                          name);
    return stop;
}

static int media_digests(struct medium *m, struct hasher *h,
                         const struct ewf_info *in)
{
    unsigned char sha256[SHA256_LEN];
    hasher_end(h, HASH_SHA256, sha256);
    int stop = fact_hex(m, "media sha256", sha256, sizeof sha256);
    uint64_t lost = source_gap_bytes(m->src);
    if (!stop && lost)
        stop = disk_fact(m->job->sink, "media sha256 covers",
                         "zeros in place of %llu unreadable bytes",
                         (unsigned long long)lost);
    if (!stop && in && in->stored & EWF_MD5)
        stop = compare(m, h, HASH_MD5, "md5", in->md5, sizeof in->md5);
    if (!stop && in && in->stored & EWF_SHA1)
        stop = compare(m, h, HASH_SHA1, "sha1", in->sha1, sizeof in->sha1);
    if (!stop && in && !in->stored)
        stop = sink_issue(m->job->sink, ISSUE_NOTE, 0, 0, "digest-none",
                          "the image states no digest of its medium");
    return stop;
}

/* One pass over the medium. Progress is told in bytes of the input. */
static int media_read(struct medium *m, const struct ewf_info *in,
                      struct err *err)
{
    unsigned algos = 1u << HASH_SHA256;
    if (in && in->stored & EWF_MD5)
        algos |= 1u << HASH_MD5;
    if (in && in->stored & EWF_SHA1)
        algos |= 1u << HASH_SHA1;
    struct hasher *h = hasher_open(algos);
    char *buf = malloc(STEP);
    int code = h && buf ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
    struct source *src = m->src;
    double scale = src->size && m->job->in->src->size
                       ? (double)m->job->in->src->size / (double)src->size
                       : 1;
    for (uint64_t off = 0; off < src->size && !code;) {
        size_t got = 0;
        code = source_read(src, off, buf, STEP, &got, err);
        hasher_add(h, buf, got);
        off += got;
        sink_progress(m->job->sink, (uint64_t)((double)off * scale));
    }
    if (!code)
        code = media_digests(m, h, in);
    hasher_close(h);
    free(buf);
    return code;
}

static int container_facts(struct medium *m, const struct container_info *in)
{
    struct sink *s = m->job->sink;
    int stop = 0;
    for (size_t i = 0; i < in->n_values && !stop; i++)
        stop = sink_fact(s, in->values[i].name, str_from(in->values[i].text));
    for (size_t i = 0; i < in->n_issues && !stop; i++)
        stop = sink_issue(s, in->issues[i].error ? ISSUE_ERROR : ISSUE_WARNING,
                          0, 0, in->issues[i].code, "%s", in->issues[i].text);
    return stop;
}

/* Of a block set all is named by block, also what is met while reading. */
static int ebs_issues(struct medium *m)
{
    const struct ebs_info *in = ebs_info(m->src);
    struct sink *s = m->job->sink;
    int stop = 0;
    for (size_t i = 0; i < in->n_issues && !stop; i++) {
        const struct ebs_issue *x = &in->issues[i];
        stop = sink_issue(s, x->error ? ISSUE_ERROR : ISSUE_WARNING, x->off,
                          x->len, x->code, "%s", x->text);
    }
    if (in->more_issues && !stop)
        stop = sink_issue(s, ISSUE_ERROR, 0, 0, "ebs-more",
                          "%llu more issues of blocks",
                          (unsigned long long)in->more_issues);
    if (in->unchecked && !stop)
        stop = sink_issue(s, ISSUE_WARNING, 0, 0, "ebs-unchecked",
                          "%llu blocks have no checksum",
                          (unsigned long long)in->unchecked);
    if (!stop)
        stop = disk_fact(
            s, "ebs blocks",
            "%llu used, %llu missing, %llu altered, %llu extra, "
            "%llu without checksum; %llu files, %zu pages of "
            "listings",
            (unsigned long long)in->listed, (unsigned long long)in->missing,
            (unsigned long long)in->altered, (unsigned long long)in->extra,
            (unsigned long long)in->unchecked, (unsigned long long)in->files,
            in->pages);
    return stop;
}

static int ebs_facts(struct medium *m)
{
    const struct ebs_info *in = ebs_info(m->src);
    int stop = disk_fact(m->job->sink, "container",
                         "EBS blocks of %u bytes, snapshots: %zu",
                         in->block_size, in->layers);
    if (!stop && in->snapshot[0])
        stop = disk_fact(m->job->sink, "snapshot", "%s", in->snapshot);
    return stop;
}

/* The container around the medium, when there is one. */
static int unpack(struct medium *m, enum container_kind kind,
                  const struct ewf_info **ewf, struct err *err)
{
    struct source *src = m->job->in->src;
    struct str head = { m->job->in->p, m->job->in->n };
    m->src = src;
    if (kind == CONTAINER_NONE)
        return 0;
    if (kind == CONTAINER_OTHER)
        return err_set(err, ERR_EVIDENCE,
                       "%s: not read by this version; convert it to raw",
                       container_name(kind, head));
    m->src = container_open(kind, src, err);
    if (!m->src)
        return err && err->code ? err->code : ERR_EVIDENCE;
    const struct container_info *in = container_info(m->src);
    if (in)
        return container_facts(m, in);
    if (kind == CONTAINER_EBS)
        return ebs_facts(m);
    *ewf = ewf_source_info(m->src);
    return ewf_facts(m, *ewf);
}

static int medium_open(struct medium *m, struct err *err)
{
    struct source *src = m->job->in->src;
    /* An archive of blocks begins like any archive: its layer says it. */
    enum container_kind kind = str_ends(m->job->layers, STR("!ebs"))
                                   ? CONTAINER_EBS
                                   : container_of(src);
    if (kind != CONTAINER_EBS && src->size < SECTOR)
        return err_set(err, ERR_EVIDENCE, "%s",
                       src->size ? "smaller than one sector: no image"
                                 : "the image is empty");
    const struct ewf_info *ewf = NULL;
    int stop = unpack(m, kind, &ewf, err);
    if (!stop)
        stop = disk_fact(m->job->sink, "media size", "%llu",
                         (unsigned long long)m->src->size);
    if (!stop && m->src->size % SECTOR)
        stop = sink_issue(m->job->sink, ISSUE_NOTE,
                          m->src->size / SECTOR * SECTOR, m->src->size % SECTOR,
                          "media-tail", "the last sector is not whole");
    /* A plain file's digest is the exhibit's. */
    if (!stop && (kind || source_part(src, 1) || m->job->layers.n))
        stop = media_read(m, ewf, err);
    if (stop)
        return stop;
    return kind == CONTAINER_EBS ? ebs_issues(m) : gap_issues(m);
}

int disk_media_open(struct import_job *job, struct source **media,
                    struct err *err)
{
    struct medium m = { .job = job };
    int code = medium_open(&m, err);
    *media = m.src;
    return code;
}
