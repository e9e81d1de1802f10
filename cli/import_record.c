#include "cli/import_record.h"

#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct str system_name(char out[256])
{
    struct utsname u;
    if (uname(&u))
        return STR("");
    int n = snprintf(out, 256, "%.60s %.100s %.60s", u.sysname, u.release,
                     u.machine);
    return (struct str){ out, n > 0 ? (size_t)n : 0 };
}

/* The user's; no command but the tui takes it up. */
static struct str locale_name(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (size_t i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return str_from(v);
    }
    return STR("C");
}

/* Keys in bytewise order: json_put_* does not sort. */
int import_record(struct cli *cli, struct import_options *o, struct err *err)
{
    char name[256];
    struct buf b = { 0 };
    struct json_out j = { .b = &b };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned jobs = o->jobs ? o->jobs : cores > 0 ? (unsigned)cores : 1;
    json_put_open(&j, '{');
    json_put_kstr(&j, "argv", cli->line);
    json_put_kstr(&j, "as", o->as);
    json_put_kstr(&j, "changed_reason", o->changed_reason);
    json_put_ki64(&j, "claims", (int64_t)o->n_claims);
    json_put_kbool(&j, "embed", o->embed);
    json_put_kbool(&j, "hash_files", o->hash_files);
    if (o->hash_weak)
        json_put_kbool(&j, "hash_weak", true);
    json_put_ki64(&j, "jobs", jobs);
    json_put_kstr(&j, "libraries", o->libraries);
    json_put_kstr(&j, "locale", locale_name());
    json_put_kstr(&j, "note", o->note);
    json_put_kstr(&j, "reason", o->claim_reason);
    json_put_kstr(&j, "system", system_name(name));
    json_put_ki64(&j, "tz_minutes", cli->tz);
    json_put_kbool(&j, "unsandboxed", o->unsandboxed_ok);
    json_put_kstr(&j, "version", o->version);
    json_put_close(&j, '}');
    o->detail = buf_to_arena(&b, &cli->arena);
    return o->detail.p ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

int import_record_file(struct cli *cli, const char *path, struct str *out,
                       struct err *err)
{
    enum { LARGEST = 64 << 20 };
    struct stat st;
    struct str name = str_from(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st)) {
        int rc = err_errno(err, ERR_USAGE, "%s", text_line(name));
        if (fd >= 0)
            close(fd);
        return rc;
    }
    bool fits = S_ISREG(st.st_mode) && st.st_size <= LARGEST;
    char *p = fits ? arena_alloc(&cli->arena, (size_t)st.st_size + 1) : NULL;
    size_t n = 0;
    ssize_t got = 1;
    while (p && n < (size_t)st.st_size && got > 0) {
        got = pread(fd, p + n, (size_t)st.st_size - n, (off_t)n);
        n += got > 0 ? (size_t)got : 0;
        if (got < 0 && errno == EINTR)
            got = 1;
    }
    close(fd);
    *out = (struct str){ p, n };
    if (!fits)
        return err_set(err, ERR_USAGE, "%s: not a file of at most 64 MiB",
                       text_line(name));
    return p ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}
