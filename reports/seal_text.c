/* The commands are the same in both languages; tests run them from the file
 * itself, between the lines of dashes. */
#include "reports/seal_text.h"

#include "base/text.h"

/* @ stands for the bag's name, as one word of the shell. */
static const char complete[] =
    "(cd @ && export LC_ALL=C &&\n"
    "diff <(find . ! -type d | cut -c3- | sort) \\\n"
    "     <({ cut -c67- manifest-sha256.txt tagmanifest-sha256.txt\n"
    "         printf 'tagmanifest-%s.txt\\n' sha256 sha512; } | sort) &&\n"
    "! grep -Ev '^[0-9a-f]{64,128}  [A-Za-z0-9._/-]+$' tagmanifest-*.txt &&\n"
    "sha256sum -c --quiet --strict tagmanifest-sha256.txt"
    " manifest-sha256.txt &&\n"
    "sha512sum -c --quiet --strict tagmanifest-sha512.txt"
    " manifest-sha512.txt &&\n"
    "echo COMPLETE)\n";

static const char who[] =
    "openssl cms -verify -binary -inform DER -in @.p7s \\\n"
    "  -content @/tagmanifest-sha256.txt -CAfile lab-root.pem -out /dev/null\n";

static const char when[] =
    "openssl ts -verify -data @.p7s -in @.tsr -CAfile tsa-root.pem\n";

static const char line[] =
    "----------------------------------------------------------------\n";

struct part {
    const char *words[REPORT_LANGS];
    const char *commands; /* after the words; NULL = none */
};

static const struct part parts[] = {
    { { "How to verify this sealed folder with bash, coreutils and openssl\n"
        "==================================================================\n"
        "\n"
        "Run these in the folder that holds it. Each step answers one"
        " question.\n"
        "\n"
        "1. Is it complete and unaltered? Prints COMPLETE, and nothing else.\n",
        "この封印フォルダーを bash・coreutils・openssl だけで検証する方法\n"
        "=================================================================\n"
        "\n"
        "フォルダーの一つ上で実行する。各手順は一つの問いに答える。\n"
        "\n"
        "1. 欠落も改変もないか。COMPLETE とだけ表示されればよい。\n" },
      complete },
    { { "2. Who sealed it? (when there is a .p7s beside it) Prints"
        " \"CMS Verification\n"
        "successful\". lab-root.pem must come to you by another road than this"
        " folder;\ncompare its fingerprint by telephone or on paper:\n"
        "  openssl x509 -noout -fingerprint -sha256 -in lab-root.pem\n",
        "2. 誰が封印したか（隣に .p7s がある場合）。\"CMS Verification"
        " successful\" と\n表示されればよい。lab-root.pem は"
        "このフォルダーとは別の経路で受け取り、指紋を電話や\n書面で照合する：\n"
        "  openssl x509 -noout -fingerprint -sha256 -in lab-root.pem\n" },
      who },
    { { "After the certificate has expired add -attime SECONDS, a time (seconds"
        " since\n1970) at which it was valid and that you can prove, such as"
        " the time stamp's.\n"
        "\n"
        "3. Not later than when? (when there is a .tsr beside it) Prints"
        " \"Verification: OK\".\n",
        "証明書の期限後は -attime 秒（1970 年からの秒数。有効期間内で、"
        "タイムスタンプなど\nにより証明できる時刻）を加える。\n"
        "\n"
        "3. いつより遅くないか（隣に .tsr がある場合）。\"Verification: OK\""
        " と表示されれば\nよい。\n" },
      when },
    { { "What is not proved: that an entry of the audit log was true when it"
        " was made,\nand that a clock was right. Without a signature step 1"
        " shows accidents, not a\nperson who writes new manifests.\n",
        "証明されないこと：監査記録の各記載が当時真実であったこと、時計が正しか"
        "った"
        "こと。\n署名がない場合、手順 1 "
        "は事故を示すが、目録を書き直す者は示さない。"
        "\n" },
      NULL },
};

static void put_commands(struct buf *out, const char *commands, struct str bag)
{
    struct buf word = { 0 };
    text_shell(&word, bag);
    buf_putz(out, line);
    for (const char *p = commands; *p; p++)
        if (*p == '@')
            buf_put(out, buf_str(&word));
        else
            buf_putc(out, *p);
    buf_putz(out, line);
    buf_putc(out, '\n');
    out->failed |= word.failed;
    buf_free(&word);
}

void seal_text(struct buf *out, enum report_lang lang, struct str bag)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        buf_putz(out, parts[i].words[lang]);
        if (parts[i].commands)
            put_commands(out, parts[i].commands, bag);
    }
}
