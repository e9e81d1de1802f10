/*
 * What the logs look like (dc3dd 7, dcfldd 1.3, ewfacquire, FTK Imager):
 *
 *   HEX (sha256)                                     dc3dd
 *   Total (md5): HEX                                 dcfldd
 *   MD5 hash calculated over data:    HEX            ewfacquire
 *   SHA1 checksum:   HEX : verified                  FTK Imager
 *
 * So: a number of hex digits as long as a digest, on a line that names the
 * digest. Lines on a part of the medium ("0 - 1048576: HEX") are left out.
 */
#include "cli/acquisition.h"
#include "cli/import_record.h"

#include "base/text.h"
#include "casedb/examiner.h"

#include <stdlib.h>

enum { LOG_MAX = 1 << 20 };

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* "12 - 34": of a part. */
static bool of_a_part(struct str line)
{
    size_t at = str_find(line, STR(" - "));
    return at != SIZE_MAX && at > 0 && at + 3 < line.n &&
           line.p[at - 1] >= '0' && line.p[at - 1] <= '9' &&
           line.p[at + 3] >= '0' && line.p[at + 3] <= '9';
}

static bool names(struct str line, enum hash_algo a)
{
    if (a == HASH_MD5)
        return str_ifind(line, STR("md5")) != SIZE_MAX;
    if (a == HASH_SHA1)
        return str_ifind(line, STR("sha1")) != SIZE_MAX ||
               str_ifind(line, STR("sha-1")) != SIZE_MAX;
    return str_ifind(line, STR("sha256")) != SIZE_MAX ||
           str_ifind(line, STR("sha-256")) != SIZE_MAX;
}

static void add(struct acquisition *a, enum hash_algo algo, struct str hex)
{
    unsigned char v[32] = { 0 };
    if (a->n == ACQUISITION_DIGESTS || !hash_from_hex(hex, v, hash_len(algo)))
        return;
    for (size_t i = 0; i < a->n; i++)
        if (a->digest[i].algo == algo &&
            memcmp(a->digest[i].value, v, sizeof(v)) == 0)
            return;
    a->digest[a->n].algo = algo;
    memcpy(a->digest[a->n++].value, v, sizeof(v));
}

static void take_line(struct acquisition *a, struct str line)
{
    if (of_a_part(line))
        return;
    for (size_t i = 0; i < line.n;) {
        size_t n = 0;
        bool hex = true;
        while (i + n < line.n && is_word(line.p[i + n]))
            hex &= str_hex(line.p[i + n++]) >= 0;
        for (int k = 0; hex && k < HASH_COUNT; k++)
            if (n == 2 * hash_len((enum hash_algo)k) &&
                names(line, (enum hash_algo)k))
                add(a, (enum hash_algo)k, str_sub(line, i, n));
        i += n ? n : 1;
    }
    size_t at = str_find(line, STR("started at "));
    struct time_text t;
    if (!a->timed && at != SIZE_MAX &&
        time_parse(str_trim(str_sub(line, at + 11, line.n)), &t) &&
        t.zone == ZONE_EXPLICIT) {
        a->timed = true;
        a->began = t.t;
    }
}

static const char *tool_of(struct str text)
{
    static const char *const tools[] = { "dc3dd", "dcfldd",   "ewfacquire",
                                         "FTK",   "guymager", "dd",
                                         NULL };
    for (size_t i = 0; tools[i]; i++)
        if (str_ifind(text, str_from(tools[i])) != SIZE_MAX)
            return tools[i];
    return "an unknown tool";
}

int acquisition_take(struct cli *cli, struct acquisition *a,
                     struct import_options *o, struct err *err)
{
    const char *path = arg_value(cli, "--acquisition");
    *a = (struct acquisition){ .tool = "" };
    if (!path)
        return 0;
    if (cli->n_words != 2)
        return err_set(err, ERR_USAGE,
                       "--acquisition: only with a single "
                       "image or folder");
    int rc = import_record_file(cli, path, &a->text, err);
    if (rc)
        return rc;
    a->name = str_from(path);
    if (a->text.n > LOG_MAX)
        return err_set(err, ERR_USAGE, "%s: longer than 1 MiB",
                       text_line(a->name));
    a->tool = tool_of(a->text);
    for (struct str s = a->text; s.n;) {
        size_t n = str_find(s, STR("\n"));
        take_line(a, str_sub(s, 0, n));
        s = n < s.n ? str_sub(s, n + 1, s.n) : STR("");
    }
    for (size_t i = 0; i < a->n; i++)
        o->algos |= 1u << a->digest[i].algo;
    o->acquisition = a->text;
    if (a->n == 0)
        message("%s: no digest is stated in it", text_line(a->name));
    return 0;
}

/* ---- comparing ----------------------------------------------------------- */

struct compare {
    const struct acquisition *a;
    bool known[ACQUISITION_DIGESTS], same[ACQUISITION_DIGESTS];
};

static void compare_one(struct compare *k, enum hash_algo algo,
                        const unsigned char *value)
{
    for (size_t i = 0; i < k->a->n; i++) {
        if (k->a->digest[i].algo != algo)
            continue;
        k->known[i] = true;
        k->same[i] |= memcmp(k->a->digest[i].value, value, hash_len(algo)) == 0;
    }
}

/* "media sha256", "file md5", "physical sha256": hex digits first. */
static int take_fact(void *ctx, int64_t member, struct str name,
                     struct str value)
{
    struct compare *k = ctx;
    unsigned char v[32];
    (void)member;
    for (int i = 0; i < HASH_COUNT; i++) {
        enum hash_algo algo = (enum hash_algo)i;
        size_t space = str_find(name, STR(" "));
        struct str kind = str_sub(name, 0, space);
        if (space == SIZE_MAX ||
            !str_eq(str_sub(name, space + 1, name.n),
                    str_from(hash_name(algo))) ||
            !(str_eq(kind, STR("media")) || str_eq(kind, STR("file")) ||
              str_eq(kind, STR("physical"))))
            continue;
        if (hash_from_hex(value, v, hash_len(algo)))
            compare_one(k, algo, v);
    }
    return 0;
}

static int keep_outcome(struct casedb *c, const struct compare *k, size_t i,
                        int64_t exhibit, struct str reason, struct err *err)
{
    const struct acquisition *a = k->a;
    struct buf note = { 0 };
    buf_printf(&note, "acquisition log of %s", a->tool);
    if (k->known[i] && !k->same[i] && reason.n) {
        buf_putz(&note, ": ");
        buf_put(&note, reason);
    }
    struct digest d = {
        .exhibit = exhibit,
        .scope = STR("claimed"),
        .algo = str_from(hash_name(a->digest[i].algo)),
        .value = { (const char *)a->digest[i].value,
                   hash_len(a->digest[i].algo) },
        .outcome = !k->known[i] ? STR("not compared")
                   : k->same[i] ? STR("match")
                                : STR("differs"),
        .note = buf_str(&note),
    };
    int rc = case_digest_add(c, &d, err);
    buf_free(&note);
    return rc;
}

static int keep_custody(struct casedb *c, const struct acquisition *a,
                        int64_t exhibit, struct err *err)
{
    unsigned char sha[SHA256_LEN];
    struct buf b = { 0 };
    char at[TIME_TEXT_MAX];
    size_t n = time_format(at, a->began, 0, 0);
    hash_sha256(a->text, sha);
    buf_printf(&b, "made by %s, log with SHA-256 ", a->tool);
    buf_put_hex(&b, sha, sizeof(sha));
    struct custody e = {
        .exhibit = exhibit,
        .action = STR("acquire"),
        .purpose = buf_str(&b),
        .at = a->timed ? a->began : time_now(),
        .at_text = a->timed ? (struct str){ at, n }
                            : STR("not stated: when the log was given"),
    };
    int rc = case_custody_add(c, &e, err);
    buf_free(&b);
    return rc;
}

int acquisition_keep(struct cli *cli, struct casedb *c,
                     const struct acquisition *a, int64_t exhibit,
                     struct str reason, struct err *err)
{
    struct compare k = { .a = a };
    struct exhibit e;
    bool differs = false;
    if (a->text.n == 0)
        return 0;
    int rc = case_exhibit(c, exhibit, &cli->arena, &e, err);
    if (rc == 0 && e.n_files == 1 && e.sha256.n == 32)
        compare_one(&k, HASH_SHA256, (const unsigned char *)e.sha256.p);
    if (rc == 0)
        rc = case_facts(c, exhibit, take_fact, &k, err);
    if (rc == 0)
        rc = case_begin(c, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < a->n && rc == 0; i++) {
        rc = keep_outcome(c, &k, i, exhibit, reason, err);
        differs |= k.known[i] && !k.same[i];
    }
    if (rc == 0)
        rc = keep_custody(c, a, exhibit, err);
    if (rc) {
        case_rollback(c);
        return rc;
    }
    rc = case_commit(c, err);
    if (rc || !differs || reason.n)
        return rc;
    err_set(err, ERR_VERIFY, "X%lld: the acquisition log states another digest",
            (long long)exhibit);
    err_hint(err, "kanshiki evidence CASE show X%lld lists them",
             (long long)exhibit);
    return err->code;
}
