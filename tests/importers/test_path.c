#include "importers/path.h"
#include "importers/importer.h"
#include "importers/wanted.h"
#include "tests/tap.h"

START_TEST(patterns)
{
    static const struct {
        const char *pattern, *path;
        bool fits;
    } v[] = {
        { ".bash_history", "/root/.bash_history", true },
        { ".bash_history", ".bash_history", true },
        { ".bash_history", "/root/x.bash_history", false },
        { ".bash_history", "/root/.bash_history/x", false },
        { "etc/cron.d/*", "/etc/cron.d/sysupd", true },
        { "etc/cron.d/*", "copy/etc/cron.d/sysupd", true },
        { "etc/cron.d/*", "/etc/cron.d/a/b", false },
        { "etc/cron.d/*", "/etc/cron.daily/b", false },
        { "/etc/passwd", "/etc/passwd", true },
        { "/etc/passwd", "etc/passwd", true },
        { "/etc/passwd", "/a/etc/passwd", false },
        { "/var/log/**", "/var/log/secure", true },
        { "/var/log/**", "/var/log/a/b/c", true },
        { "/var/log/**", "/var/logs/a", false },
        { "/var/log/**", "/x/var/log/a", false },
        { "var/log/**", "/x/var/log/a", true },
        { "home/**/user", "/home/user", true },
        { "home/**/x", "/home/alice/b/x", true },
        { "home/**/x", "/home/alice/b/xx", false },
        { "a/**/b/**/c", "/a/b/c", true },
        { "a/**/b/**/c", "/a/1/b/2/3/c", true },
        { "a/**/b/**/c", "/a/1/2/3/c", false },
        { "*.evtx", "/C/x.evtx", true },
        { "*.evtx", "/C/x.EVTX", false },
        { "(?i)winevt/logs/*.evtx", "/Windows/System32/WINEVT/Logs/S.EVTX",
          true },
        { "(?i)winevt/logs/*.evtx", "/Windows/winevt/S.EVTX", false },
        { "x", "", false },
        { "x", "/", false },
        { "x", "x/", true },
        { "a//b", "/a/b", true },
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        ck_assert_msg(path_like(str_from(v[i].path), v[i].pattern) == v[i].fits,
                      "%s with %s", v[i].pattern, v[i].path);
}
END_TEST

/* Long paths and many stars: ends, and soon. */
START_TEST(deep_paths)
{
    static char path[64 << 10];
    for (size_t i = 0; i < sizeof path; i++)
        path[i] = i % 2 ? 'a' : '/';
    struct str s = { path, sizeof path };
    ck_assert(path_like(s, "a/a/a"));
    ck_assert(path_like(s, "a/**/a"));
    ck_assert(!path_like(s, "/a/**/b/**/a/**/c/**/a"));
    ck_assert(!path_like(s, "b"));
}
END_TEST

/* The plain way: every pattern of every importer. */
static bool listed(struct str path)
{
    for (size_t i = 0; importers[i]; i++)
        if (path_like_any(path, importers[i]->paths))
            return true;
    return false;
}

/* The quick way says what the patterns say, whatever comes before. */
START_TEST(wanted_is_what_the_patterns_say)
{
    static const char *const folders[] = {
        "/",
        "/var/log/",
        "/var/log/journal/0123/",
        "/root/",
        "/home/alice/",
        "/home/alice/.ssh/",
        "/home/alice/.aws/",
        "/etc/",
        "/etc/cron.d/",
        "/usr/bin/",
        "/Windows/System32/winevt/Logs/",
        "/var/lib/rpm/",
        "",
    };
    static const char *const names[] = {
        "x",
        "secure",
        "wtmp",
        "a.log",
        ".bash_history",
        "passwd",
        "crontab",
        "authorized_keys",
        "credentials",
        "System.evtx",
        "SYSTEM",
        "rpmdb.sqlite",
        "audit.log",
        "messages-20260301.gz",
        "dpkg.log",
    };
    struct wanted *w = wanted_open();
    ck_assert_ptr_nonnull(w);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            struct buf b = { 0 };
            buf_putz(&b, folders[i]);
            buf_putz(&b, names[k]);
            ck_assert_msg(wanted_path(w, buf_str(&b)) == listed(buf_str(&b)),
                          "%s%s", folders[i], names[k]);
            buf_free(&b);
        }
    wanted_close(w);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("path");
    tap_case(s, "patterns", patterns);
    tap_case(s, "deep", deep_paths);
    tap_case(s, "wanted", wanted_is_what_the_patterns_say);
    return s;
}
