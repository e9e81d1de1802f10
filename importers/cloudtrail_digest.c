/*
 * CloudTrail digest files lie in the same tree as the logs and end alike
 * (cloud.md 1.1, 2.2). They hold hashes, no events: recognised, so that they
 * are neither taken for damaged logs nor passed over in silence.
 */
#include "base/json.h"
#include "importers/importer.h"

static int import(struct import_job *job, struct err *err)
{
    static const char *const keys[] = { "awsAccountId", "digestStartTime",
                                        "digestEndTime", "digestS3Object",
                                        "digestPublicKeyFingerprint" };
    struct str whole = { job->in->p, job->in->n }, v;
    unsigned flags;
    size_t at;
    const char *why;
    int rc = 0;
    if (!job->in->eof || !json_valid(whole, &at, &why))
        return err_set(err, ERR_EVIDENCE, "a digest file that is not JSON");
    for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(*keys); i++)
        if (json_get(str_trim(whole), str_from(keys[i]), &v, &flags) ==
            JSON_STRING)
            rc = sink_fact(job->sink, keys[i], v);
    if (rc == 0)
        rc = sink_issue(job->sink, ISSUE_NOTE, 0, whole.n, "digest-not-checked",
                        "a digest file: this version does not check the logs "
                        "against it");
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

static int probe(struct probe *p)
{
    p->reason = "an object with digestS3Object and digestEndTime";
    return str_find(p->head, STR("\"digestS3Object\"")) != SIZE_MAX &&
                   str_find(p->head, STR("\"digestEndTime\"")) != SIZE_MAX
               ? 96
               : 0;
}

const struct importer importers_cloudtrail_digest = {
    .name = "cloudtrail-digest",
    .title = "CloudTrail digest file",
    .reads = "digest files of log file integrity validation",
    .probe = probe,
    .import = import,
};
