/*
 * Worker processes: everything that parses evidence runs in one. A worker is
 * our own binary, started anew by exec, sealed (sandbox.h) and fed requests
 * over a socket with the evidence as descriptors; results come back as frames
 * (frame.h) over a pipe.
 *
 * Parent: spawn, send some requests, poll worker_fd, worker_fill, take frames
 * by worker_next_frame until it says no, worker_check now and then. All calls
 * of one worker come from one thread; spawn only from a thread that lives as
 * long as the workers do (they die with the thread that started them).
 */
#pragma once

#include "evidence/frame.h"
#include "evidence/sandbox.h"

enum worker_kind {
    WORKER_LOG,    /* many small files */
    WORKER_IMAGE,  /* one container or dump; more memory and time */
    WORKER_READER, /* reads, hashes, searches for the parent */
    WORKER_TEST,   /* selftest */
    WORKER_KINDS
};

/* ---- parent ------------------------------------------------------------ */

struct worker;

struct worker_options {
    enum worker_kind kind;
    /* Only for libraries that insist on opening by name: files that may be
     * opened in step 1 (borrowed for the call), in the worker worker_files().
     * Without any, the worker is fully sealed before its first request. */
    const int *files;
    size_t n_files;
    bool unsandboxed_ok; /* go on when the kernel lacks fences */
    /* 0 = the kind's default */
    uint64_t memory;
    unsigned silent_s;  /* no frame for so long while busy: killed */
    unsigned job_cpu_s; /* CPU time of one job */
};

struct worker *worker_spawn(const struct worker_options *o, struct err *err);
/* Readable: call worker_fill. */
int worker_fd(const struct worker *w);
/* The process by pidfd (poll: readable when it ended), -1 without. */
int worker_pidfd(const struct worker *w);

enum worker_sent { WORKER_SENT = 0, WORKER_FULL = 1 }; /* negative: err */
enum { WORKER_REQUEST_MAX = 64 << 10 };
/* Queues a request (up to WORKER_REQUEST_MAX bytes) with descriptors, which
 * stay the caller's. Answered in order; a job ends with DONE or ERROR. At
 * most max_bytes of payload may answer it: derive it from the evidence's
 * length, so that a worker gone bad cannot fill the disk. Never blocks;
 * WORKER_FULL: try again after frames came. */
int worker_send(struct worker *w, uint64_t job, struct str request,
                const int *fds, size_t n_fds, uint64_t max_bytes,
                struct err *err) CHECKED;
/* Files that the open job asks for by number (worker_want): opened by `open`,
 * which returns a read-only descriptor or -1, and closed when sent. Only for
 * workers with one request at a time. */
void worker_supply(struct worker *w, int (*open)(void *ctx, uint64_t file),
                   void *ctx);
/* Bytes as a descriptor that a worker may be given; the caller closes it. */
int worker_memory(struct str bytes, struct err *err);
unsigned worker_open_jobs(const struct worker *w); /* sent, not ended */
uint64_t worker_oldest_job(const struct worker *w);
uint64_t worker_ended_jobs(const struct worker *w);

enum worker_state {
    WORKER_ALIVE, /* take frames, then poll */
    WORKER_GONE,  /* ended or killed: take the last frames, worker_close */
};
/* Reads what is there (once, nonblocking) and drops frames taken before. */
enum worker_state worker_fill(struct worker *w);
/* False: no complete frame is left (or a rule was broken: the worker has been
 * killed and worker_fill says GONE). HELLO is not given out. */
bool worker_next_frame(struct worker *w, struct frame *f);
/* Kills the worker when it is silent or over its CPU time; call about once a
 * second. */
enum worker_state worker_check(struct worker *w, int64_t now_mono_ns);
/* What it obtained; got = 0 before HELLO. */
const struct fences *worker_fences(const struct worker *w);
void worker_kill(struct worker *w, const char *why); /* why is copied */

struct worker_end {
    bool clean;        /* exited by itself with nothing open */
    bool violation;    /* broke a frame rule or a fence */
    bool reproducible; /* false: time or memory cut it, another run may not */
    int signal;        /* 0 = exited */
    uint64_t job;      /* the open job it stood at, when busy */
    bool busy;
    char words[256]; /* "crashed (segmentation fault)" */
};
/* Ends the worker (an idle one is asked to leave, a busy one is killed),
 * reaps it, frees it. end may be NULL. NULL worker is fine. */
void worker_close(struct worker *w, struct worker_end *end);

/* The text of an ERROR frame (hostile: shown by text_line already). */
int worker_error(const struct frame *f, struct err *err);

/* ---- in the worker ------------------------------------------------------ */

/* Reads requests until the parent closes. Returns 0 after emitting DONE (an
 * empty one is sent when it did not), or an error, which becomes the ERROR
 * frame. The descriptors are closed afterwards. */
struct worker_handler {
    int (*handle)(void *ctx, struct str request, const int *fds, size_t n_fds,
                  struct err *err);
    void (*warm_up)(void); /* optional: first uses that need files */
    void *ctx;
};

/* True when this process was started as a worker: main calls it before
 * anything else and leaves with worker_main's result. */
bool worker_is(int argc, char **argv);
/* handlers[kind]; READER and TEST are filled in by worker_main when empty. */
int worker_main(int argc, char **argv,
                const struct worker_handler handlers[WORKER_KINDS]);

struct iovec;
/* One frame; blocks while the parent does not read. Nonzero: the parent is
 * gone or the payload is over the cap: stop. */
int worker_emit(unsigned type, unsigned flags, const struct iovec *parts,
                size_t n) CHECKED;
int worker_emit_str(unsigned type, struct str payload) CHECKED;
/* Bytes of input done; becomes a frame at most ten times a second. Any long
 * computation calls it, else the parent takes the worker for hung. */
int worker_progress(uint64_t done);
uint64_t worker_job(void);
enum worker_kind worker_kind(void);
/* The descriptors of worker_options.files. */
const int *worker_files(size_t *n);
/* File number i of the job's set, from the parent; the caller closes it. -1:
 * it is not to be had. */
int worker_want(uint64_t i, struct err *err);
/* The descriptors of this request stay open; the handler owns them now. */
void worker_keep_fds(void);
/* Step 2: nothing can be opened from here on. To be called once the container
 * is open; RECORDS, FILES, DATA and HIT before it are refused. Does nothing
 * when already sealed. */
int worker_seal(struct err *err) CHECKED;
