#include "evidence/frame.h"

#include "base/varint.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MAGIC = 0x4d52464b, /* "KFRM" */
    VERSION = 1,
    BUFFER = 4 << 20,
};

/* When a type may come. */
enum {
    GREETING = 1, /* first and only first */
    ANSWERS = 2,  /* while a job is open */
    CONTENT = 4,  /* not before step 2 of a two-step worker */
    SEALING = 8,  /* once, in a two-step worker */
    ENDS = 16,    /* ends the job */
};

static const struct {
    const char *name;
    uint32_t cap;
    unsigned when;
} types[FRAME_TYPES] = {
    [FRAME_HELLO] = { "hello", 512, GREETING },
    [FRAME_SEALED] = { "sealed", 512, ANSWERS | SEALING },
    [FRAME_MEMBER] = { "member", 64 << 10, ANSWERS },
    [FRAME_RECORDS] = { "records", FRAME_MAX, ANSWERS | CONTENT },
    [FRAME_FILES] = { "files", FRAME_MAX, ANSWERS | CONTENT },
    [FRAME_ISSUE] = { "issue", 64 << 10, ANSWERS },
    [FRAME_FACT] = { "fact", 64 << 10, ANSWERS },
    [FRAME_PROGRESS] = { "progress", 8, ANSWERS },
    [FRAME_DATA] = { "data", FRAME_MAX, ANSWERS | CONTENT },
    [FRAME_HIT] = { "hit", 64 << 10, ANSWERS | CONTENT },
    [FRAME_DONE] = { "done", 4 << 10, ANSWERS | ENDS },
    [FRAME_ERROR] = { "error", 512, ANSWERS | ENDS },
    [FRAME_WANT] = { "want", 8, ANSWERS },
};

const char *frame_type_name(unsigned type)
{
    return type < FRAME_TYPES && types[type].name ? types[type].name : "?";
}

size_t frame_cap(unsigned type)
{
    return type < FRAME_TYPES ? types[type].cap : 0;
}

void frame_header(unsigned char out[FRAME_HEADER], const struct frame *f)
{
    put_u32le(out, MAGIC);
    out[4] = VERSION;
    out[5] = f->type;
    out[6] = (unsigned char)f->flags;
    out[7] = (unsigned char)(f->flags >> 8);
    put_u32le(out + 8, (uint32_t)f->payload.n);
    put_u32le(out + 12, 0);
    put_u64le(out + 16, f->job);
    put_u64le(out + 24, f->sequence);
}

int frames_open(struct frames *f, bool two_step, struct err *err)
{
    *f = (struct frames){ .two_step = two_step };
    f->buf = malloc(BUFFER);
    if (!f->buf)
        return err_set(err, ERR_INTERNAL, "out of memory");
    f->cap = BUFFER;
    return 0;
}

void frames_close(struct frames *f)
{
    free(f->buf);
    f->buf = NULL;
    f->cap = f->at = f->end = 0;
}

bool frames_expect(struct frames *f, uint64_t job, uint64_t max_bytes)
{
    if (f->open == FRAME_QUEUE)
        return false;
    unsigned slot = (f->first + f->open++) % FRAME_QUEUE;
    f->queue[slot].job = job;
    f->queue[slot].left = max_bytes;
    return true;
}

void *frames_space(struct frames *f, size_t *n)
{
    if (f->at == f->end) {
        f->at = f->end = 0;
    } else if (f->cap - f->end < FRAME_HEADER + FRAME_MAX) {
        memmove(f->buf, f->buf + f->at, f->end - f->at);
        f->end -= f->at;
        f->at = 0;
    }
    *n = f->cap - f->end;
    return f->buf + f->end;
}

void frames_fed(struct frames *f, size_t n)
{
    f->end += n <= f->cap - f->end ? n : f->cap - f->end;
}

static bool broken(struct frames *f, unsigned rule, const char *what,
                   uint64_t value)
{
    f->rule = rule;
    snprintf(f->broken, sizeof(f->broken), "rule %u: %s (%llu)", rule, what,
             (unsigned long long)value);
    return false;
}

static bool allowed_now(const struct frames *f, unsigned type)
{
    if (type >= FRAME_TYPES || !types[type].when)
        return false;
    unsigned when = types[type].when;
    if (!f->greeted)
        return when & GREETING;
    if (!(when & ANSWERS) || f->open == 0)
        return false;
    if (when & SEALING)
        return f->two_step && !f->sealed;
    return !(when & CONTENT) || !f->two_step || f->sealed;
}

/* Nothing of these is kept. */
static bool is_free(unsigned type)
{
    return type == FRAME_PROGRESS || type == FRAME_WANT;
}

/* The rules that the header alone can break: before the payload is waited
 * for, so that no length from the worker is ever relied on. */
static bool header_ok(struct frames *f, const unsigned char *h)
{
    if (u32le(h) != MAGIC || h[4] != VERSION || u32le(h + 12) != 0)
        return broken(f, 1, "not a frame", u32le(h));
    if (!allowed_now(f, h[5]))
        return broken(f, 2, "frame type not allowed here", h[5]);
    uint32_t length = u32le(h + 8);
    if (length > types[h[5]].cap)
        return broken(f, 3, "payload too long", length);
    uint64_t job = f->greeted ? f->queue[f->first].job : 0;
    if (u64le(h + 16) != job)
        return broken(f, 4, "answers another job", u64le(h + 16));
    if (u64le(h + 24) != f->sequence)
        return broken(f, 5, "out of sequence", u64le(h + 24));
    if (f->greeted && !is_free(h[5]) && length > f->queue[f->first].left)
        return broken(f, 6, "more than the job may give", length);
    return true;
}

/* State after a whole frame of this type. */
static void advance(struct frames *f, unsigned type, uint32_t length)
{
    f->sequence++;
    if (type == FRAME_HELLO) {
        f->greeted = true;
        return;
    }
    if (!is_free(type))
        f->queue[f->first].left -= length;
    if (type == FRAME_SEALED)
        f->sealed = true;
    if (types[type].when & ENDS) {
        f->first = (f->first + 1) % FRAME_QUEUE;
        f->open--;
    }
}

bool frames_next(struct frames *f, struct frame *out)
{
    size_t have = f->end - f->at;
    if (f->rule || have < FRAME_HEADER)
        return false;
    const unsigned char *h = f->buf + f->at;
    if (!header_ok(f, h))
        return false;
    uint32_t length = u32le(h + 8);
    if (have - FRAME_HEADER < length)
        return false;
    *out = (struct frame){
        .type = h[5],
        .flags = u16le(h + 6),
        .job = u64le(h + 16),
        .sequence = u64le(h + 24),
        .payload = { (const char *)h + FRAME_HEADER, length },
    };
    f->at += FRAME_HEADER + length;
    advance(f, out->type, length);
    return true;
}
