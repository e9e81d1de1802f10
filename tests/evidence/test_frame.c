#include "tests/tap.h"

#include "base/varint.h"
#include "evidence/frame.h"

#include <stdlib.h>

enum { JOB = 42 };

static struct frames f;

static void open_with(bool two_step, unsigned jobs, uint64_t budget)
{
    ck_assert_int_eq(frames_open(&f, two_step, NULL), 0);
    for (unsigned i = 0; i < jobs; i++)
        ck_assert(frames_expect(&f, JOB + i, budget));
}

static void feed(const void *bytes, size_t n)
{
    size_t room;
    void *p = frames_space(&f, &room);
    ck_assert_uint_ge(room, n);
    memcpy(p, bytes, n);
    frames_fed(&f, n);
}

/* A frame with n zero bytes, of which `sent` are sent. */
static void feed_frame(unsigned type, uint64_t job, uint64_t sequence, size_t n,
                       size_t sent)
{
    static const char zeros[FRAME_MAX];
    unsigned char h[FRAME_HEADER];
    frame_header(h, &(struct frame){ .type = (uint8_t)type,
                                     .job = job,
                                     .sequence = sequence,
                                     .payload = { zeros, n } });
    feed(h, sizeof h);
    feed(zeros, sent);
}

static void greet(void)
{
    struct frame got;
    feed_frame(FRAME_HELLO, 0, 0, 0, 0);
    ck_assert(frames_next(&f, &got));
    ck_assert_uint_eq(got.type, FRAME_HELLO);
}

static void expect_rule(unsigned rule)
{
    struct frame got;
    ck_assert(!frames_next(&f, &got));
    ck_assert_uint_eq(f.rule, rule);
    ck_assert_int_ne(f.broken[0], 0);
    /* For good. */
    ck_assert(!frames_next(&f, &got));
    frames_close(&f);
}

static const struct violation {
    unsigned type;
    uint64_t job, sequence;
    size_t length;
    bool two_step;
    unsigned jobs, rule;
} violations[] = {
    { FRAME_HELLO, 0, 1, 0, false, 1, 2 },
    { 0, JOB, 1, 0, false, 1, 2 },
    { FRAME_TYPES, JOB, 1, 0, false, 1, 2 },
    { 255, JOB, 1, 0, false, 1, 2 },
    { FRAME_DONE, 0, 1, 0, false, 0, 2 },     /* idle */
    { FRAME_SEALED, JOB, 1, 0, false, 1, 2 }, /* one step only */
    { FRAME_RECORDS, JOB, 1, 0, true, 1, 2 }, /* before SEALED */
    { FRAME_FILES, JOB, 1, 0, true, 1, 2 },
    { FRAME_DATA, JOB, 1, 0, true, 1, 2 },
    { FRAME_HIT, JOB, 1, 0, true, 1, 2 },
    { FRAME_RECORDS, JOB, 1, FRAME_MAX + 1, false, 1, 3 },
    { FRAME_PROGRESS, JOB, 1, 9, false, 1, 3 },
    { FRAME_ERROR, JOB, 1, 513, false, 1, 3 },
    { FRAME_DONE, JOB, 1, 0xffffffff, false, 1, 3 },
    { FRAME_DONE, JOB + 1, 1, 0, false, 2, 4 }, /* not the oldest */
    { FRAME_DONE, JOB, 0, 0, false, 1, 5 },
    { FRAME_DONE, JOB, 2, 0, false, 1, 5 },
    { FRAME_RECORDS, JOB, 1, 1001, false, 1, 6 },
};

START_TEST(broken_rules_are_named)
{
    for (size_t i = 0; i < sizeof violations / sizeof *violations; i++) {
        const struct violation *v = &violations[i];
        open_with(v->two_step, v->jobs, 1000);
        greet();
        /* No payload follows: the header alone is enough to refuse. */
        feed_frame(v->type, v->job, v->sequence, v->length, 0);
        expect_rule(v->rule);
    }
}
END_TEST

START_TEST(headers_that_are_none_are_refused)
{
    static const unsigned at[] = { 0, 1, 2, 3, 4, 12, 13, 14, 15 };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        unsigned char h[FRAME_HEADER];
        open_with(false, 1, 1000);
        greet();
        frame_header(h, &(struct frame){
                            .type = FRAME_DONE, .job = JOB, .sequence = 1 });
        h[at[i]] ^= 1;
        feed(h, sizeof h);
        expect_rule(1);
    }
}
END_TEST

START_TEST(nothing_is_said_before_hello)
{
    for (unsigned type = 0; type < 256; type++) {
        if (type == FRAME_HELLO)
            continue;
        open_with(false, 1, 1000);
        feed_frame(type, JOB, 0, 0, 0);
        expect_rule(2);
    }
}
END_TEST

START_TEST(a_frame_comes_whole_however_it_is_cut)
{
    struct frame got;
    unsigned char h[FRAME_HEADER];
    open_with(false, 1, 1000);
    greet();
    frame_header(h, &(struct frame){ .type = FRAME_FACT,
                                     .flags = 0xabcd,
                                     .job = JOB,
                                     .sequence = 1,
                                     .payload = STR("abc") });
    for (size_t i = 0; i < sizeof h; i++) {
        feed(h + i, 1);
        ck_assert(!frames_next(&f, &got));
    }
    feed("ab", 2);
    ck_assert(!frames_next(&f, &got));
    feed("c", 1);
    ck_assert(frames_next(&f, &got));
    ck_assert_uint_eq(got.type, FRAME_FACT);
    ck_assert_uint_eq(got.flags, 0xabcd);
    ck_assert_uint_eq(got.job, JOB);
    ck_assert_uint_eq(got.sequence, 1);
    ck_assert(str_eq(got.payload, STR("abc")));
    ck_assert(!frames_next(&f, &got));
    ck_assert_uint_eq(f.rule, 0);
    frames_close(&f);
}
END_TEST

START_TEST(jobs_end_in_the_order_they_were_sent)
{
    struct frame got;
    open_with(false, 2, 1000);
    greet();
    feed_frame(FRAME_DONE, JOB, 1, 0, 0);
    feed_frame(FRAME_ERROR, JOB + 1, 2, 4, 4);
    ck_assert(frames_next(&f, &got));
    ck_assert_uint_eq(f.open, 1);
    ck_assert(frames_next(&f, &got));
    ck_assert_uint_eq(f.open, 0);
    feed_frame(FRAME_DONE, JOB + 1, 3, 0, 0);
    expect_rule(2);
}
END_TEST

START_TEST(the_queue_is_bounded_and_goes_round)
{
    struct frame got;
    open_with(false, FRAME_QUEUE, 0);
    greet();
    ck_assert(!frames_expect(&f, 1, 0));
    for (unsigned i = 0; i < 3 * FRAME_QUEUE; i++) {
        feed_frame(FRAME_DONE, JOB + i, i + 1, 0, 0);
        ck_assert(frames_next(&f, &got));
        ck_assert(frames_expect(&f, JOB + FRAME_QUEUE + i, 0));
    }
    frames_close(&f);
}
END_TEST

START_TEST(largest_frames_pass_one_after_the_other)
{
    struct frame got;
    open_with(false, 1, 20ull * FRAME_MAX);
    greet();
    for (unsigned i = 1; i <= 20; i++) {
        feed_frame(FRAME_RECORDS, JOB, i, FRAME_MAX, FRAME_MAX);
        ck_assert(frames_next(&f, &got));
        ck_assert_uint_eq(got.payload.n, FRAME_MAX);
    }
    feed_frame(FRAME_PROGRESS, JOB, 21, 8, 8); /* free of the budget */
    ck_assert(frames_next(&f, &got));
    feed_frame(FRAME_RECORDS, JOB, 22, 1, 0);
    expect_rule(6);
}
END_TEST

START_TEST(content_is_taken_after_the_second_seal)
{
    struct frame got;
    open_with(true, 1, 1000);
    greet();
    feed_frame(FRAME_FACT, JOB, 1, 3, 3);
    feed_frame(FRAME_SEALED, JOB, 2, 9, 9);
    feed_frame(FRAME_FILES, JOB, 3, 5, 5);
    for (int i = 0; i < 3; i++)
        ck_assert(frames_next(&f, &got));
    ck_assert_uint_eq(got.type, FRAME_FILES);
    feed_frame(FRAME_SEALED, JOB, 4, 9, 9);
    expect_rule(2);
}
END_TEST

START_TEST(types_have_names_and_caps)
{
    for (unsigned t = FRAME_HELLO; t < FRAME_TYPES; t++) {
        ck_assert_str_ne(frame_type_name(t), "?");
        ck_assert_uint_gt(frame_cap(t), 0);
        ck_assert_uint_le(frame_cap(t), FRAME_MAX);
    }
    ck_assert_str_eq(frame_type_name(FRAME_TYPES), "?");
    ck_assert_str_eq(frame_type_name(0), "?");
    ck_assert_uint_eq(frame_cap(FRAME_TYPES), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("frame");
    tap_case(s, "rules", broken_rules_are_named);
    tap_case(s, "header", headers_that_are_none_are_refused);
    tap_case(s, "hello", nothing_is_said_before_hello);
    tap_case(s, "pieces", a_frame_comes_whole_however_it_is_cut);
    tap_case(s, "order", jobs_end_in_the_order_they_were_sent);
    tap_case(s, "queue", the_queue_is_bounded_and_goes_round);
    tap_case(s, "large", largest_frames_pass_one_after_the_other);
    tap_case(s, "two steps", content_is_taken_after_the_second_seal);
    tap_case(s, "types", types_have_names_and_caps);
    return s;
}
