/*
 * Imports with what the program does not offer, for shell tests:
 *
 *   importtool new CASE
 *   importtool import CASE PATH [BATCH [JOBS]]   events per batch
 *   importtool hash CASE                         verified, then its content
 *
 * KAN_DIE_AT=N: is killed before its Nth batch is written. KAN_REASON: goes on
 * although evidence changed. KAN_KILL=start|middle|idle: one of its workers is
 * killed when it was started; when it has work; when it has none while another
 * one works. Workers started are told on stderr.
 *
 * KAN_GROW=FILE, KAN_CUT=FILE, KAN_REPLACE=FILE (by the file new): what happens
 * to evidence while it is read, after the first file was hashed.
 *
 * Its workers misbehave at files whose names end so:
 *
 *   .crash  at once    .late  after some records    .hang    .eat  memory
 */
#include "importers/import.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "evidence/worker.h"
#include "importers/wire.h"

struct worker *__real_worker_spawn(const struct worker_options *o,
                                   struct err *err);
struct worker *__wrap_worker_spawn(const struct worker_options *o,
                                   struct err *err);
int __real_worker_emit_str(unsigned type, struct str payload);
int __wrap_worker_emit_str(unsigned type, struct str payload);

int __real_worker_send(struct worker *w, uint64_t job, struct str request,
                       const int *fds, size_t n, uint64_t max, struct err *e);
int __wrap_worker_send(struct worker *w, uint64_t job, struct str request,
                       const int *fds, size_t n, uint64_t max, struct err *e);
struct batch;
int __real_batch_write(struct casedb *c, struct batch *b, struct err *e);
int __wrap_batch_write(struct casedb *c, struct batch *b, struct err *e);

size_t __real_hasher_end(struct hasher *h, enum hash_algo a,
                         unsigned char out[32]);
size_t __wrap_hasher_end(struct hasher *h, enum hash_algo a,
                         unsigned char out[32]);

static bool in_worker;
static unsigned spawned;
static unsigned long batches;
static bool killed;
static struct worker *first;

static bool kill_when(const char *when)
{
    const char *want = getenv("KAN_KILL");
    return want && strcmp(want, when) == 0;
}

/* Returns when it is dead: what it is sent afterwards does not arrive. */
static void end_worker(struct worker *w)
{
    struct pollfd p = { worker_pidfd(w), POLLIN, 0 };
    killed = true;
    if (syscall(SYS_pidfd_send_signal, p.fd, SIGKILL, NULL, 0) == 0)
        poll(&p, 1, 5000);
}

/* A silent worker is given up after two seconds, and one that eats memory
 * soon meets its limit. */
struct worker *__wrap_worker_spawn(const struct worker_options *o,
                                   struct err *err)
{
    struct worker_options own = *o;
    own.silent_s = 2;
    own.memory = 320u << 20;
    struct worker *w = __real_worker_spawn(&own, err);
    if (w && spawned++ == 0) {
        first = w;
        if (kill_when("start"))
            end_worker(w);
    } else if (!killed && first && kill_when("idle") &&
               worker_open_jobs(first) == 0) {
        end_worker(first);
    }
    return w;
}

int __wrap_worker_send(struct worker *w, uint64_t job, struct str request,
                       const int *fds, size_t n, uint64_t max, struct err *e)
{
    int rc = __real_worker_send(w, job, request, fds, n, max, e);
    if (!killed && rc == 0 && worker_open_jobs(w) > 2 && kill_when("middle"))
        end_worker(w);
    return rc;
}

static void touch_evidence(void)
{
    const char *grow = getenv("KAN_GROW"), *cut = getenv("KAN_CUT");
    const char *replace = getenv("KAN_REPLACE");
    int fd = grow ? open(grow, O_WRONLY | O_APPEND) : -1;
    if (fd >= 0 && write(fd, "\n", 1) != 1)
        abort();
    if (fd >= 0)
        close(fd);
    if (cut && truncate(cut, 10))
        abort();
    if (replace && rename("new", replace))
        abort();
}

size_t __wrap_hasher_end(struct hasher *h, enum hash_algo a,
                         unsigned char out[32])
{
    static bool done;
    if (!done && !in_worker) {
        done = true;
        touch_evidence();
    }
    return __real_hasher_end(h, a, out);
}

int __wrap_batch_write(struct casedb *c, struct batch *b, struct err *e)
{
    const char *at = getenv("KAN_DIE_AT");
    if (at && ++batches == strtoul(at, NULL, 10))
        raise(SIGKILL);
    return __real_batch_write(c, b, e);
}

/* ---- in the worker ------------------------------------------------------- */

static struct worker_handler real;
static bool late;

__attribute__((noinline)) static void crash(void)
{
    raise(SIGSEGV);
    abort();
}

int __wrap_worker_emit_str(unsigned type, struct str payload)
{
    int rc = __real_worker_emit_str(type, payload);
    if (late && type == FRAME_RECORDS)
        crash();
    return rc;
}

static int misbehave(void *ctx, struct str request, const int *fds, size_t n,
                     struct err *err)
{
    struct wire_request r;
    if (!wire_get_request(request, &r))
        return err_set(err, ERR_INTERNAL, "bad request");
    struct str path = r.inside.n ? r.name : r.path;
    late = str_ends(path, STR(".late"));
    if (str_ends(path, STR(".crash")))
        crash();
    if (str_ends(path, STR(".hang")))
        poll(NULL, 0, -1);
    if (str_ends(path, STR(".eat"))) {
        struct arena a = { 0 };
        while (arena_alloc(&a, 1 << 20))
            ;
        return err_set(err, ERR_INTERNAL, "out of memory");
    }
    return real.handle(ctx, request, fds, n, err);
}

static int be_worker(int argc, char **argv)
{
    struct worker_handler handlers[WORKER_KINDS] = { 0 };
    in_worker = true;
    import_worker_handlers(handlers);
    real = handlers[WORKER_LOG];
    handlers[WORKER_LOG].handle = handlers[WORKER_IMAGE].handle = misbehave;
    return worker_main(argc, argv, handlers);
}

/* ---- commands ------------------------------------------------------------ */

static struct err err;

static int fail(void)
{
    fprintf(stderr, "importtool: %d: %s\n", err.code, err.what);
    return 1;
}

static uint32_t number(const char *text)
{
    return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static int import(struct casedb *c, char **argv, int argc)
{
    struct import_result r = { 0 };
    struct import_options o = { .path = str_from(argv[0]),
                                .batch = number(argc > 1 ? argv[1] : NULL),
                                .jobs = number(argc > 2 ? argv[2] : NULL),
                                .changed_reason =
                                    str_from(getenv("KAN_REASON")),
                                .version = STR("0"),
                                .argv = STR("{}") };
    int rc = import_path(c, &o, &r, &err);
    fprintf(stderr, "%u workers started\n", spawned);
    if (rc)
        return fail();
    printf("%llu read %llu stored %llu duplicates %llu rejected %llu issues\n",
           (unsigned long long)r.read, (unsigned long long)r.stored,
           (unsigned long long)r.duplicates, (unsigned long long)r.rejected,
           (unsigned long long)r.issues);
    return r.read != r.stored + r.duplicates + r.rejected;
}

static int hash(struct casedb *c)
{
    unsigned char sha[32];
    if (case_verify(c, &err) || case_content_hash(c, sha, &err))
        return fail();
    for (int i = 0; i < 32; i++)
        printf("%02x", sha[i]);
    putchar('\n');
    return 0;
}

int main(int argc, char **argv)
{
    const struct case_info info = { .title = STR("Test"),
                                    .examiner = STR("alice"),
                                    .version = STR("0") };
    struct casedb *c;
    if (worker_is(argc, argv))
        return be_worker(argc, argv);
    if (argc < 3)
        return 2;
    if (!strcmp(argv[1], "new"))
        return case_create(argv[2], &info, &err) ? fail() : 0;
    bool writes = !strcmp(argv[1], "import") && argc > 3;
    if (case_open(argv[2], writes ? CASE_WRITE : CASE_READ, &c, &err))
        return fail();
    int rc = writes ? import(c, argv + 3, argc - 3) : hash(c);
    case_close(c);
    return rc;
}
