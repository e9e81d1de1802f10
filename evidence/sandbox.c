#include "config.h"

#include "evidence/sandbox.h"

#include "evidence/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <linux/seccomp.h>
#include <locale.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef KANSHIKI_SANITIZERS
enum { RELAXED = 1 };
#else
enum { RELAXED = 0 };
#endif

/* ---- report ------------------------------------------------------------- */

void fences_missing(struct fences *f, const char *fmt, ...)
{
    size_t n = strlen(f->missing), room = sizeof(f->missing) - n;
    va_list ap;
    va_start(ap, fmt);
    if (n && room > 2) {
        memcpy(f->missing + n, "; ", 3);
        n += 2;
        room -= 2;
    }
    vsnprintf(f->missing + n, room, fmt, ap);
    va_end(ap);
}

static const struct {
    enum fence bit;
    const char *name;
} names[] = {
    { FENCE_DEATH, "dies with its parent" },
    { FENCE_FDS, "no inherited descriptors" },
    { FENCE_LIMITS, "limits" },
    { FENCE_NO_PRIVS, "no new privileges" },
    { FENCE_LANDLOCK, "Landlock" },
    { FENCE_SECCOMP, "seccomp" },
    { FENCE_OPENING, "may still open the exhibit's files" },
    { FENCE_NETWORK, "no network" },
    { FENCE_WRITING, "writing confined" },
};

const char *fence_name(enum fence bit)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].bit == bit)
            return names[i].name;
    return "?";
}

void fences_text(struct buf *out, const struct fences *f)
{
    const char *comma = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(f->got & names[i].bit))
            continue;
        buf_printf(out, "%s%s", comma, names[i].name);
        if (names[i].bit == FENCE_LANDLOCK)
            buf_printf(out, " ABI %d", f->abi);
        comma = ", ";
    }
    if (!*comma)
        buf_putz(out, "none");
    if (f->missing[0])
        buf_printf(out, " (missing: %s)", f->missing);
}

/* ---- before sealing ----------------------------------------------------- */

static int compare_bytes(const void *a, const void *b)
{
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

void sandbox_warm_up(void)
{
    /* The C library's first conversion of a time opens a zone file. And a
     * library that takes a time for a local one (FAT in libtsk) must give the
     * same on every machine. */
    setenv("TZ", "UTC0", 1);
    tzset(); /* banned-ok: before sealing, so that a library's call is safe */
    /* glibc 2.36 asks sysinfo once when it sorts more than 1 KiB. */
    unsigned char many[2048];
    memset(many, 1, sizeof many);
    qsort(many, sizeof many, 1, compare_bytes);
    /* Sets up the allocator's per-thread cache and its random key. */
    free(malloc(1 << 10));
}

/* Only converters that are built into the C library: any other one opens a
 * file, which is forbidden and ends the worker. */
void sandbox_warm_up_archives(void)
{
    static const char *const sets[] = { "UTF-8", "UTF-16LE", "UTF-16BE" };
    enum { SETS = sizeof sets / sizeof *sets };
    /* Without it names that are not ASCII are lost. */
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* banned-ok: worker */
    for (size_t i = 0; i < (size_t)SETS * SETS; i++) {
        iconv_t c = iconv_open(sets[i % SETS], sets[i / SETS]);
        if (c != (iconv_t)-1)
            iconv_close(c);
    }
}

static void limit(int what, uint64_t value, const char *name, struct fences *f)
{
    struct rlimit now, want;
    if (getrlimit((__rlimit_resource_t)what, &now))
        now.rlim_max = RLIM_INFINITY;
    want.rlim_cur = want.rlim_max =
        value < now.rlim_max ? (rlim_t)value : now.rlim_max;
    if (setrlimit((__rlimit_resource_t)what, &want)) {
        f->got &= ~(uint32_t)FENCE_LIMITS;
        fences_missing(f, "limit of %s: %s", name, strerror(errno));
    }
}

void sandbox_limit(const struct sandbox_limits *l, struct fences *f)
{
    f->got |= FENCE_LIMITS;
    f->relaxed = RELAXED;
    if (RELAXED) /* the sanitizers' shadow is terabytes of addresses */
        fences_missing(f, "limit of memory: sanitizer build");
    else
        limit(RLIMIT_AS, l->memory, "memory", f);
    /* Soft and hard alike: SIGKILL, which no handler sees. */
    limit(RLIMIT_CPU, l->cpu_s, "CPU time", f);
    limit(RLIMIT_CORE, 0, "core dumps", f);
    limit(RLIMIT_FSIZE, 0, "file size", f);
    limit(RLIMIT_NPROC, 0, "processes", f);
    limit(RLIMIT_STACK, l->stack, "stack", f);
    limit(RLIMIT_MEMLOCK, 0, "locked memory", f);
    limit(RLIMIT_NOFILE, l->files, "descriptors", f);
}

/* ---- Landlock ----------------------------------------------------------- */

static void seal_landlock(const int *files, size_t n, struct fences *f)
{
    int abi = landlock_abi();
    if (abi == 0) {
        fences_missing(f, "Landlock: %s", strerror(errno));
        return;
    }
    int ruleset = landlock_open(abi, LANDLOCK_EVERYTHING, true);
    if (ruleset < 0) {
        fences_missing(f, "Landlock: %s", strerror(errno));
        return;
    }
    /* A file that cannot be allowed only fails to open later. */
    for (size_t i = 0; i < n; i++)
        (void)landlock_allow(ruleset, files[i], LANDLOCK_READ_FILE);
    if (landlock_enforce(ruleset)) {
        fences_missing(f, "Landlock: %s", strerror(errno));
        return;
    }
    f->abi = abi;
    f->got |= FENCE_LANDLOCK;
}

/* ---- seccomp ------------------------------------------------------------ */

/* What libtsk, libewf, inflating libraries and malloc were seen to call
 * (measured), and no more. Descriptors, memory, time; nothing by name. */
static const int always[] = {
    SCMP_SYS(read),         SCMP_SYS(write),
    SCMP_SYS(pread64),      SCMP_SYS(readv),
    SCMP_SYS(writev),       SCMP_SYS(lseek),
    SCMP_SYS(close),        SCMP_SYS(poll),
    SCMP_SYS(ppoll),        SCMP_SYS(brk),
    SCMP_SYS(munmap),       SCMP_SYS(mremap),
    SCMP_SYS(madvise),      SCMP_SYS(futex),
    SCMP_SYS(fstat),        SCMP_SYS(fadvise64),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction), SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(getrandom),    SCMP_SYS(getpid),
    SCMP_SYS(gettid),       SCMP_SYS(exit),
    SCMP_SYS(exit_group),   SCMP_SYS(restart_syscall),
    SCMP_SYS(recvmsg),
};

/* Step 1 also: what opening a container by name needs. */
static const int opening[] = {
    SCMP_SYS(newfstatat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(landlock_create_ruleset),
    SCMP_SYS(landlock_restrict_self),
};

enum { WRITING = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND };

static int allow_all(scmp_filter_ctx ctx, const int *calls, size_t n)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
    return rc;
}

static int allow_checked(scmp_filter_ctx ctx)
{
    const struct scmp_arg_cmp not_code =
        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_code);
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              not_code);
    /* abort() signals itself and nobody else. */
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    return rc;
}

static int allow_opening(scmp_filter_ctx ctx)
{
    int rc = allow_all(ctx, opening, sizeof opening / sizeof *opening);
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, WRITING, O_RDONLY));
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                              SCMP_A1(SCMP_CMP_MASKED_EQ, WRITING, O_RDONLY));
    /* Whether a descriptor is closed on exec, and the like; F_SETFL could
     * make a request socket block, which hurts only the worker. */
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                              SCMP_A1(SCMP_CMP_LE, F_SETFL));
    /* The way to step 2: filters can only be added. */
    if (rc == 0)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(seccomp), 1,
                              SCMP_A0(SCMP_CMP_EQ, SECCOMP_SET_MODE_FILTER));
    return rc;
}

static int fill_filter(scmp_filter_ctx ctx, bool may_open)
{
    /* no_new_privs is set by us: libseccomp's own prctl would be killed in
     * step 2. Level 2 is a binary tree. */
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
    if (rc == 0)
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc == 0)
        rc = allow_all(ctx, always, sizeof always / sizeof *always);
    if (rc == 0)
        rc = allow_checked(ctx);
    if (rc == 0 && may_open)
        rc = allow_opening(ctx);
    return rc;
}

static void seal_seccomp(bool may_open, struct fences *f)
{
    if (RELAXED) {
        fences_missing(f, "seccomp: sanitizer build");
        return;
    }
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int rc = ctx ? fill_filter(ctx, may_open) : -EOPNOTSUPP;
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    if (rc == 0)
        f->got |= FENCE_SECCOMP;
    else
        fences_missing(f, "seccomp: %s", strerror(-rc));
}

static void seal(const int *files, size_t n, bool may_open, struct fences *f)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        f->got |= FENCE_NO_PRIVS;
    else
        fences_missing(f, "no new privileges: %s", strerror(errno));
    seal_landlock(files, n, f);
    seal_seccomp(may_open, f);
}

void sandbox_seal(struct fences *f)
{
    seal(NULL, 0, false, f);
}

void sandbox_seal_files(const int *files, size_t n, struct fences *f)
{
    f->got |= FENCE_OPENING;
    seal(files, n, true, f);
}

void sandbox_seal_again(struct fences *f)
{
    /* Set before and kept for good; prctl is forbidden since step 1. What
     * step 1 did not obtain, step 2 cannot. */
    bool landlock = f->got & FENCE_LANDLOCK, filter = f->got & FENCE_SECCOMP;
    f->got &= ~(uint32_t)(FENCE_OPENING | FENCE_LANDLOCK | FENCE_SECCOMP);
    if (landlock)
        seal_landlock(NULL, 0, f);
    if (filter)
        seal_seccomp(false, f);
}
