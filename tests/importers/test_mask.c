/* Secrets in text: what is masked, and what looks like one and stays. The
 * shapes are those that the tools document; the values are invented. */
#include "base/mask.h"
#include "tests/tap.h"

#include <stdlib.h>

/* Put together here, so that no scanner takes this file for a leak. */
#define SECRET40                                                               \
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCY"                                           \
    "EXAMPLEKEY"
#define TOKEN30 "0123456789abcdefABCDEF0123456789abcd"
#define CRYPT   "saltsalt$Fq1wYv0mNq3n.kK2Jw/8aV9pT5cXz"

static const struct {
    const char *text, *masked; /* NULL: holds no secret */
} cases[] = {
    /* settings and variables */
    { "AWS_SECRET_ACCESS_KEY=" SECRET40, "AWS_SECRET_ACCESS_KEY=[masked]" },
    { "export AWS_ACCESS_KEY_ID=AKIASVCBACKUPEXAMPLE "
      "AWS_SECRET_ACCESS_KEY=\"" SECRET40 "\" REGION=us-east-1",
      "export AWS_ACCESS_KEY_ID=AKIASVCBACKUPEXAMPLE "
      "AWS_SECRET_ACCESS_KEY=\"[masked]\" REGION=us-east-1" },
    { "aws_secret_access_key = " SECRET40, "aws_secret_access_key = [masked]" },
    { "\"SecretAccessKey\": \"" SECRET40 "\",",
      "\"SecretAccessKey\": \"[masked]\"," },
    { "{\\\"SecretAccessKey\\\": \\\"" SECRET40 "\\\"}",
      "{\\\"SecretAccessKey\\\": \\\"[masked]\\\"}" },
    { "aws configure set aws_secret_access_key " SECRET40,
      "aws configure set aws_secret_access_key [masked]" },
    { "AKIASVCBACKUPEXAMPLE," SECRET40, "AKIASVCBACKUPEXAMPLE,[masked]" },
    { "the secret is " SECRET40 ".",
      NULL }, /* a dot: 41 characters of a path */
    { "the secret is " SECRET40 " now", "the secret is [masked] now" },
    { "file " SECRET40, NULL },
    { "commit 0123456789abcdef0123456789abcdef01234567 of the secret", NULL },
    { "AccessKeyId=AKIASVCBACKUPEXAMPLE", NULL },
    { "DB_PASSWORD='a b c' run", "DB_PASSWORD='[masked]' run" },
    { "PGPASSWORD=hunter2 psql -h db", "PGPASSWORD=[masked] psql -h db" },
    { "MYSQL_PWD=x1 mysql", "MYSQL_PWD=[masked] mysql" },
    { "password: Tr0ub4dor", "password: [masked]" },
    { "Failed password: wrong", NULL },
    { "PASSWORD=$DB_PW ./run", NULL },
    { "PASSWORD=$(cat /run/pw) ./run", NULL },
    { "PasswordAuthentication no", NULL },
    { "password_file=/etc/pw", NULL },
    { "token=true", NULL },
    { "token=", NULL },
    { "pam_unix(sshd:auth): authentication failure; user=root", NULL },
    /* options */
    { "mysql -u root -phunter2 app", "mysql -u root -p[masked] app" },
    { "mysql -u root -p app", NULL },
    { "mkdir -p /srv/data", NULL },
    { "cp -pr a b", NULL },
    { "sshpass -p 'two words' ssh alice@192.0.2.10",
      "sshpass -p '[masked]' ssh alice@192.0.2.10" },
    { "cd /tmp && /usr/bin/mysqldump -pX9 db | gzip -p9",
      "cd /tmp && /usr/bin/mysqldump -p[masked] db | gzip -p9" },
    { "docker login -u alice -p s3cret registry.example",
      "docker login -u alice -p [masked] registry.example" },
    { "docker run -p 8080:80 web", NULL },
    { "curl -u alice:s3cret https://a.example/",
      "curl -u alice:[masked] https://a.example/" },
    { "curl -u alice https://a.example/", NULL },
    { "smbclient //h/s -U alice%s3cret", "smbclient //h/s -U alice%[masked]" },
    { "redis-cli -a s3cret ping", "redis-cli -a [masked] ping" },
    { "tool --password s3cret --user alice",
      "tool --password [masked] --user alice" },
    { "tool --password=s3cret", "tool --password=[masked]" },
    { "tool --password --user alice", NULL },
    { "tool --token-file /etc/t", NULL },
    { "useradd -p '$6$" CRYPT "' bob", "useradd -p '[masked]' bob" },
    { "echo 'bob:$6$" CRYPT "' | chpasswd -e",
      "echo 'bob:$6$[masked]' | chpasswd -e" },
    /* headers and addresses */
    { "curl -H 'Authorization: Bearer abc.def-123' https://a.example",
      "curl -H 'Authorization: Bearer [masked]' https://a.example" },
    { "Authorization: Basic YWxpY2U6czNjcmV0",
      "Authorization: Basic [masked]" },
    { "-H \"X-Api-Key: k-123\"", "-H \"X-Api-Key: [masked]\"" },
    { "sent bearer " TOKEN30, "sent bearer [masked]" },
    { "git clone https://alice:s3cret@git.example/x.git",
      "git clone https://alice:[masked]@git.example/x.git" },
    { "git clone https://alice@git.example/x.git", NULL },
    { "https://a.example:8443/x?y=@z", NULL },
    { "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIASVCBACKUPEXAMPLE"
      "&X-Amz-Signature=0123abcd&x=1",
      "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIASVCBACKUPEXAMPLE"
      "&X-Amz-Signature=[masked]&x=1" },
    /* shapes */
    { "use ghp_" TOKEN30 " here", "use ghp_[masked] here" },
    { "https://hooks.example/xoxb-" TOKEN30,
      "https://hooks.example/xoxb-[masked]" },
    { "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl", "eyJ[masked]" },
    { "a\n-----BEGIN OPENSSH PRIVATE "
      "KEY-----\nAAAA\nBBBB\n-----END OPENSSH "
      "PRIVATE KEY-----\nb",
      "a\n-----BEGIN OPENSSH PRIVATE "
      "KEY-----[masked]-----END OPENSSH PRIVATE "
      "KEY-----\nb" },
    { "-----BEGIN RSA PRIVATE "
      "KEY-----\nAAAA",
      "-----BEGIN RSA PRIVATE "
      "KEY-----[masked]" },
    { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", NULL },
    /* twice, and again */
    { "--token abc123x --secret def456y",
      "--token [masked] --secret [masked]" },
    { "password=[masked]", NULL },
    { "", NULL },
    { "-", NULL },
    { "-----", NULL },
    { "--password ", NULL },
    { "password=\"", NULL },
    { "password=\\", "password=[masked]" },
};

START_TEST(secrets_are_masked)
{
    struct buf out = { 0 };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct str text = str_from(cases[i].text);
        char *copy = malloc(text.n ? text.n : 1);
        ck_assert(copy != NULL);
        if (text.n)
            memcpy(copy, text.p, text.n);
        buf_clear(&out);
        buf_putz(&out, "before ");
        bool any = mask_secrets((struct str){ copy, text.n }, &out);
        free(copy);
        struct str got = str_sub(buf_str(&out), 7, out.n);
        struct str want = str_from(cases[i].masked ? cases[i].masked : "");
        ck_assert_msg(any == (cases[i].masked != NULL) && str_eq(got, want),
                      "%s\ngives %.*s", cases[i].text, STR_ARG(got));
    }
    buf_free(&out);
}
END_TEST

START_TEST(names_tell)
{
    static const char *const yes[] = { "AWS_SECRET_ACCESS_KEY",
                                       "db-password",
                                       "X-Api-Key",
                                       "userPasswd",
                                       "DB_PASS",
                                       "SessionToken" };
    static const char *const no[] = {
        "AWS_ACCESS_KEY_ID", "password_file", "bypass", "compass",
        "token_type",        "user",          ""
    };
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        ck_assert_msg(mask_name(str_from(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
        ck_assert_msg(!mask_name(str_from(no[i])), "%s", no[i]);
}
END_TEST

static void is_record(const char *raw, const char *shown)
{
    struct buf out = { 0 };
    mask_record(str_from(raw), &out);
    ck_assert_msg(str_eq(buf_str(&out), str_from(shown)), "%s: %.*s", raw,
                  STR_ARG(buf_str(&out)));
    buf_free(&out);
}

START_TEST(records_are_masked)
{
    is_record("DB_PASSWORD=hunter2x\nnext", "DB_PASSWORD=[masked]\nnext");
    is_record("chpasswd:\n  list: |\n    alice:hunter2x\n    bob:x\nruncmd:\n"
              "  - a:b\n",
              "chpasswd:\n  list: |\n    alice:[masked]\n    bob:[masked]\n"
              "runcmd:\n  - a:b\n");
    is_record("machine h login alice password hunter2x\n",
              "machine h login alice password [masked]\n");
    is_record(
        "{\"auths\":{\"r\":{\"auth\" : \"QVdTOnM=\"},\"q\":{\"auth\":\"eA=="
        "\"}}}",
        "{\"auths\":{\"r\":{\"auth\" : \"[masked]\"},\"q\":{\"auth\":\""
        "[masked]\"}}}");
    /* what is encoded is not shown at all */
    is_record("IyEvYmluL3NoCg==", "[masked: 16 bytes]");
    is_record("", "[masked: 0 bytes]");
    is_record("\"auth\"", "[masked: 6 bytes]");
    is_record("\"auth\":\"", "[masked: 8 bytes]");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("mask");
    tap_case(s, "secrets", secrets_are_masked);
    tap_case(s, "names", names_tell);
    tap_case(s, "records", records_are_masked);
    return s;
}
