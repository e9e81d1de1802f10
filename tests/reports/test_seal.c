/*
 * Sealed bags: whatever is changed, added, removed or renamed, both our own
 * check and the commands printed in VERIFY-en.txt find it.
 */
#include "tests/tap.h"

#include "reports/seal.h"
#include "tests/reports/small_case.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a signer ------------------------------------------------------------ */

static void make_signer(const char *key_path, const char *cert_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    FILE *f = fopen(key_path, "w");
    ck_assert(key && x && f);
    ck_assert(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"Test Lab", -1, -1, 0);
    X509_set_issuer_name(x, name);
    static const struct {
        int nid;
        const char *value;
    } extensions[] = {
        { NID_basic_constraints, "critical,CA:TRUE" },
        { NID_key_usage, "critical,keyCertSign,digitalSignature" },
        { NID_ext_key_usage, "emailProtection" },
    };
    for (size_t i = 0; i < 3; i++) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, extensions[i].nid,
                                                extensions[i].value);
        ck_assert(e && X509_add_ext(x, e, -1));
        X509_EXTENSION_free(e);
    }
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    f = fopen(cert_path, "w");
    ck_assert(f && PEM_write_X509(f, x));
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* ---- the bag ------------------------------------------------------------- */

static void make_bag(bool with_signature)
{
    static const struct str texts[] = { { "one", 3 }, { "two", 3 } };
    struct seal_result out;
    struct casedb *c;
    struct err err = { 0 };
    if (access(small_case_path("c.kan"), F_OK))
        small_case_make(small_case_path("c.kan"), texts, 2);
    struct seal_options o = { .bag = small_case_path("bag") };
    if (with_signature) {
        make_signer(small_case_path("key.pem"),
                    small_case_path("lab-root.pem"));
        o.key = small_case_path("key.pem");
        o.cert = small_case_path("lab-root.pem");
    }
    ck_assert_int_eq(case_open(small_case_path("c.kan"), CASE_WRITE, &c, &err),
                     0);
    int rc = seal_write(c, &o, &out, &err);
    ck_assert_msg(rc == 0, "%s", err.what);
    ck_assert_uint_eq(out.number, 1);
    ck_assert_uint_eq(out.files, 8);
    ck_assert_int_eq(out.signature[0] != 0, with_signature);
    ck_assert_int_eq(case_audit_verify(c, NULL, NULL, NULL, &err), 0);
    case_close(c);
}

static void show(void *ctx, struct str line)
{
    char *last = ctx;
    snprintf(last, 256, "%.*s", (int)line.n, line.p);
}

static int own_check(const char *ca, struct seal_check *out, char last[256])
{
    struct err err = { 0 };
    last[0] = 0;
    return seal_verify(small_case_path("bag"), ca, show, last, out, &err);
}

/* The n-th block of commands of VERIFY-en.txt, in the folder of the bag. */
static int printed_check(unsigned n)
{
    struct buf text = small_case_read(small_case_path("commands.txt"));
    struct buf script = { 0 };
    struct str rest = buf_str(&text);
    unsigned lines = 0;
    while (rest.n) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        size_t len = lf ? (size_t)(lf - rest.p) + 1 : rest.n;
        struct str line = str_sub(rest, 0, len);
        rest = str_sub(rest, len, rest.n);
        if (str_starts(line, STR("-----")))
            lines++;
        else if (lines == 2 * n + 1)
            buf_put(&script, line);
    }
    buf_putc(&script, '\0');
    ck_assert_uint_gt(script.n, 40);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        if (chdir(small_case_path("")) == 0)
            execlp("bash", "bash", "-c", script.p, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    buf_free(&text);
    buf_free(&script);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void keep_commands(void)
{
    struct buf text = small_case_read(small_case_path("bag/VERIFY-en.txt"));
    FILE *f = fopen(small_case_path("commands.txt"), "w");
    ck_assert(f && fwrite(text.p, 1, text.n, f) == text.n);
    fclose(f);
    buf_free(&text);
}

static bool have(const char *program)
{
    char path[64];
    snprintf(path, sizeof(path), "/usr/bin/%s", program);
    return access(path, X_OK) == 0;
}

/* ---- tests --------------------------------------------------------------- */

START_TEST(whole_bag_is_good)
{
    struct seal_check out;
    char last[256];
    make_bag(true);
    keep_commands();
    ck_assert(seal_is_bag(small_case_path("bag")));
    ck_assert(!seal_is_bag(small_case_path("")));
    int rc = own_check(small_case_path("lab-root.pem"), &out, last);
    ck_assert_msg(rc == 0, "%s", last);
    ck_assert(out.signed_ok);
    ck_assert_str_eq(out.signer, "CN=Test Lab");
    ck_assert_int_eq(own_check(NULL, &out, last), 0);
    ck_assert(out.has_signature && !out.signed_ok);
    if (have("bash"))
        ck_assert_int_eq(printed_check(0), 0);
    if (have("openssl"))
        ck_assert_int_eq(printed_check(1), 0);
    /* another's certificate */
    make_signer(small_case_path("other.pem"), small_case_path("lab-root.pem"));
    ck_assert_int_eq(own_check(small_case_path("lab-root.pem"), &out, last),
                     ERR_VERIFY);
    if (have("openssl"))
        ck_assert_int_ne(printed_check(1), 0);
    ck_assert_int_eq(own_check(small_case_path("none.pem"), &out, last),
                     ERR_USAGE);
}
END_TEST

static const char *const files[] = {
    "VERIFY-en.txt",
    "VERIFY-ja.txt",
    "bag-info.txt",
    "bagit.txt",
    "data/audit/audit.log",
    "data/case/case.kan",
    "data/export/events.csv",
    "data/export/events.csv.manifest.json",
    "data/export/events.jsonl",
    "data/export/events.jsonl.manifest.json",
    "data/items/items.csv",
    "data/report/report.html",
    "manifest-sha256.txt",
    "manifest-sha512.txt",
    "tagmanifest-sha256.txt",
    "tagmanifest-sha512.txt",
};
enum { FILES = sizeof(files) / sizeof(files[0]), FLIPS = 6 };

static uint64_t random_step(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void flip(const char *path, off_t at, unsigned bit)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= (unsigned char)(1u << bit);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

START_TEST(each_flipped_bit_is_found)
{
    struct seal_check out;
    char last[256], name[64];
    uint64_t state = 0x9e3779b97f4a7c15;
    make_bag(false);
    keep_commands();
    for (size_t i = 0; i < FILES * FLIPS; i++) {
        struct stat st;
        snprintf(name, sizeof(name), "bag/%s", files[i % FILES]);
        const char *path = small_case_path(name);
        ck_assert_int_eq(stat(path, &st), 0);
        off_t at = (off_t)(random_step(&state) % (uint64_t)st.st_size);
        /* bit 5 is the case of a letter: junk that sha256sum accepts */
        unsigned bit = i < FILES ? 5 : (unsigned)(random_step(&state) % 8);
        flip(path, at, bit);
        ck_assert_msg(own_check(NULL, &out, last) == ERR_VERIFY,
                      "%s: bit %u of byte %lld is not seen", name, bit,
                      (long long)at);
        if (have("bash"))
            ck_assert_msg(printed_check(0) > 0,
                          "%s: the commands do not see bit %u of byte %lld",
                          name, bit, (long long)at);
        flip(path, at, bit);
    }
    ck_assert_int_eq(own_check(NULL, &out, last), 0);
}
END_TEST

static void found(const char *what, bool by_commands)
{
    struct seal_check out;
    char last[256];
    ck_assert_msg(own_check(NULL, &out, last) == ERR_VERIFY, "%s", what);
    if (by_commands && have("bash"))
        ck_assert_msg(printed_check(0) > 0, "commands: %s", what);
}

START_TEST(changes_of_the_tree_are_found)
{
    struct seal_check out;
    char last[256];
    make_bag(false);
    keep_commands();
    const char *extra = small_case_path("bag/data/extra.txt");
    close(open(extra, O_CREAT | O_WRONLY, 0600));
    found("an added file", true);
    unlink(extra);
    const char *tag = small_case_path("bag/note.txt");
    close(open(tag, O_CREAT | O_WRONLY, 0600));
    found("an added tag file", true);
    unlink(tag);
    ck_assert_int_eq(symlink("items/items.csv", extra), 0);
    found("an added link", true);
    unlink(extra);
    ck_assert_int_eq(mkdir(extra, 0700), 0);
    found("an empty folder", false);
    rmdir(extra);
    const char *items = small_case_path("bag/data/items/items.csv");
    ck_assert_int_eq(rename(items, extra), 0);
    found("a renamed file", true);
    ck_assert_int_eq(symlink(extra, items), 0);
    found("a link in its place", true);
    unlink(items);
    ck_assert_int_eq(rename(extra, small_case_path("kept")), 0);
    found("a removed file", true);
    ck_assert_int_eq(rename(small_case_path("kept"), items), 0);
    ck_assert_int_eq(own_check(NULL, &out, last), 0);
}
END_TEST

START_TEST(junk_in_manifests_is_found)
{
    static const char *const manifests[] = { "bag/manifest-sha256.txt",
                                             "bag/manifest-sha512.txt",
                                             "bag/tagmanifest-sha256.txt",
                                             "bag/tagmanifest-sha512.txt" };
    struct seal_check out;
    char last[256];
    make_bag(false);
    keep_commands();
    for (size_t i = 0; i < 4; i++) {
        const char *path = small_case_path(manifests[i]);
        struct stat st;
        ck_assert_int_eq(stat(path, &st), 0);
        int fd = open(path, O_WRONLY | O_APPEND);
        ck_assert_int_eq(write(fd, "junk\n", 5), 5);
        close(fd);
        found(manifests[i], true);
        ck_assert_int_eq(truncate(path, st.st_size), 0);
    }
    ck_assert_int_eq(own_check(NULL, &out, last), 0);
}
END_TEST

START_TEST(seals_follow_each_other)
{
    struct seal_result out;
    struct casedb *c;
    struct err err = { 0 };
    make_bag(false);
    struct seal_options o = { .bag = small_case_path("bag") };
    ck_assert_int_eq(case_open(small_case_path("c.kan"), CASE_WRITE, &c, &err),
                     0);
    ck_assert_int_eq(seal_write(c, &o, &out, &err), ERR_USAGE); /* exists */
    o.bag = small_case_path("second");
    o.key = small_case_path("none.pem");
    ck_assert_int_eq(seal_write(c, &o, &out, &err), ERR_USAGE);
    o.cert = small_case_path("none.pem");
    ck_assert_int_eq(seal_write(c, &o, &out, &err), ERR_USAGE);
    o.key = o.cert = NULL;
    ck_assert_int_eq(seal_write(c, &o, &out, &err), 0);
    ck_assert_uint_eq(out.number, 2);
    case_close(c);
    struct buf info = small_case_read(small_case_path("second/bag-info.txt"));
    ck_assert(str_find(buf_str(&info), STR("Kanshiki-Previous-Seal: ")) !=
              SIZE_MAX);
    buf_free(&info);
}
END_TEST

Suite *suite(void)
{
    const struct {
        const char *name;
        const TTest *test;
    } tests[] = {
        { "whole", whole_bag_is_good },
        { "flips", each_flipped_bit_is_found },
        { "tree", changes_of_the_tree_are_found },
        { "junk", junk_in_manifests_is_found },
        { "series", seals_follow_each_other },
    };
    Suite *s = suite_create("seal");
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        TCase *t = tap_case(s, tests[i].name, tests[i].test);
        tcase_add_checked_fixture(t, small_case_fresh, NULL);
        tcase_set_timeout(t, 120);
    }
    return s;
}
