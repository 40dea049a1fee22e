/* The loop of steps, on a leapfrog written here: looks between steps, and the shorter step at the end. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/run.h"

/* Frame memory: x, v, the time, the length of a part, what is observed. */
enum { X, V, T, PART, SEEN, NUMBERS };
static double *numbers(RtFrame *frame) { return (double *)(void *)frame->mem; }

static const double h = 0.3;

static void leapfrog(double *at, double step) {
    at[V] -= step / 2 * at[X];
    at[X] += step * at[V];
    at[V] -= step / 2 * at[X];
}
static int32_t init(RtFrame *frame) {
    numbers(frame)[X] = 1;
    numbers(frame)[V] = 0;
    return RT_OK;
}
static int32_t whole(RtFrame *frame) { return leapfrog(numbers(frame), h), RT_OK; }
static int32_t part(RtFrame *frame) { return leapfrog(numbers(frame), numbers(frame)[PART]), RT_OK; }
static int32_t overflows(RtFrame *frame) { return numbers(frame)[X] = INFINITY, RT_OK; }
static int32_t observe(RtFrame *frame) { return numbers(frame)[SEEN] = numbers(frame)[X], RT_OK; }

typedef struct Seen {
    double time[100], x[100];
    uint64_t n, at_end;
    const double *at;
} Seen;

static bool record(void *context, uint32_t index, const RtRunState *at, RtMessage *message) {
    (void)message, (void)index;
    Seen *seen = context;
    assert_true(seen->at[T] == at->time);
    seen->time[seen->n] = at->time;
    seen->x[seen->n++] = seen->at[SEEN];
    seen->at_end += at->at_end;
    return true;
}

static double memory[NUMBERS];
static RtFrame frame;
static const RtBlock state[] = {{"x", X * sizeof(double), RT_F64, 1}, {"v", V * sizeof(double), RT_F64, 1}};

static RtRun words(Seen *seen, RtOutput *output, uint64_t steps, double rest, double every) {
    memset(memory, 0, sizeof memory);
    frame = (RtFrame){.mem = (char *)memory};
    *seen = (Seen){.at = memory};
    *output = (RtOutput){.block = {"x", SEEN * sizeof(double), RT_F64, 1}, .observe = observe, .unit = RT_EVERY_TIME,
                         .every = every};
    return (RtRun){.frame = &frame, .init = init, .step = whole, .state = state, .n_state = 2, .time = &memory[T], .h = h,
                   .steps = steps, .rest = rest, .ends_at = ((double)steps + rest) * h, .outputs = output,
                   .n_outputs = every > 0, .part = part, .part_length = &memory[PART], .record = record, .context = seen};
}

/* x after this time: whole steps, then a shorter one. */
static double after(double time) {
    double at[NUMBERS] = {1, 0}, steps = floor(time / h + 1e-9);
    for (double k = 0; k < steps; k++)
        leapfrog(at, h);
    if (time - steps * h > 1e-9)
        leapfrog(at, time - steps * h);
    return at[X];
}

static void test_between(void **unused) {
    (void)unused;
    static const double intervals[] = {0.1, 0.07, 0.3, 0.45, 0.9, 1.7};
    for (size_t k = 0; k < sizeof intervals / sizeof *intervals; k++) {
        Seen seen;
        RtOutput output;
        RtRun run = words(&seen, &output, 7, 0.5, intervals[k]);
        RtRunResult result = rt_run_words(&run);
        assert_int_equal(result.status, RT_OK);
        assert_int_equal(seen.n, floor(2.25 / intervals[k] + 1e-9) + 1);
        for (uint64_t i = 0; i < seen.n; i++) {
            assert_true(fabs(seen.time[i] - (double)i * intervals[k]) < 1e-14);
            assert_true(fabs(seen.x[i] - after(seen.time[i])) < 1e-14); /* the same operations, but for the length of a part */
        }
    }
}

/* Whether and how often it is looked at, the motion is the same to the bit. */
static void test_same_motion(void **unused) {
    (void)unused;
    double end[2][2];
    static const double intervals[] = {0, 0.011};
    for (int k = 0; k < 2; k++) {
        Seen seen;
        RtOutput output;
        RtRun run = words(&seen, &output, 100, 0.3, intervals[k]);
        run.record = NULL;
        assert_int_equal(rt_run_words(&run).status, RT_OK);
        memcpy(end[k], memory, sizeof end[k]);
    }
    assert_memory_equal(end[0], end[1], sizeof end[0]);
}

static void test_end(void **unused) {
    (void)unused;
    Seen seen;
    RtOutput output;
    RtRun run = words(&seen, &output, 3, 0.5, 0);
    RtRunResult result = rt_run_words(&run);
    assert_true(result.at.at_end && result.at.step == 4 && result.at.time == 1.05 && memory[T] == 1.05);
    assert_true(fabs(memory[X] - after(1.05)) < 1e-15);
    run = words(&seen, &output, 0, 0.5, 0.1); /* shorter than a step */
    result = rt_run_words(&run);
    assert_true(result.at.time == 0.15 && seen.n == 2 && fabs(memory[X] - after(0.15)) < 1e-15);
    run = words(&seen, &output, 3, 0, 0); /* no shorter step */
    result = rt_run_words(&run);
    assert_true(result.at.step == 3 && memory[T] == 3 * h && memory[X] == after(3 * h));
    run = words(&seen, &output, 3, 0.5, 0.9); /* the end is looked at once */
    output.unit = RT_AT_END;
    rt_run_words(&run);
    assert_true(seen.n == 1 && seen.at_end == 1);
}

/* Without a part of a step, looks wait for its end. */
static void test_whole_steps(void **unused) {
    (void)unused;
    Seen seen;
    RtOutput output;
    RtRun run = words(&seen, &output, 5, 0, 0.4);
    run.part = NULL;
    assert_int_equal(rt_run_words(&run).status, RT_OK);
    assert_int_equal(seen.n, 4); /* 0, and the first steps at or after 0.4, 0.8 and 1.2 */
    assert_true(seen.time[1] == 2 * h && seen.time[2] == 3 * h && seen.time[3] == 4 * h);
}

/* A last step that is not finite leaves the state before it. */
static void test_last_diverges(void **unused) {
    (void)unused;
    Seen seen;
    RtOutput output;
    RtRun run = words(&seen, &output, 3, 0.5, 0);
    run.part = overflows;
    RtRunResult result = rt_run_words(&run);
    assert_int_equal(result.status, RT_NOT_FINITE);
    assert_int_equal(result.bad_step, 4);
    assert_true(result.at.step == 3 && memory[X] == after(3 * h) && memory[T] == 3 * h);
    assert_non_null(strstr(result.message.text, "x is no longer finite after step 4"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between),     cmocka_unit_test(test_same_motion),   cmocka_unit_test(test_end),
        cmocka_unit_test(test_whole_steps), cmocka_unit_test(test_last_diverges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
