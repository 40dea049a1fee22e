/* Loops on threads: every iteration once, the same pieces on any number of threads, nested and concurrent
 * loops, the floating-point mode, pools made and freed. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"

enum { MOST = 5000 };

typedef struct Visits {
    atomic_int times[MOST];
    int64_t begin[MOST], end[MOST]; /* of the piece an iteration was in */
} Visits;

static void visit(RtFrame *frame, void *env, int64_t begin, int64_t end) {
    (void)frame;
    Visits *v = env;
    for (int64_t i = begin; i < end; i++) {
        atomic_fetch_add(&v->times[i], 1);
        v->begin[i] = begin;
        v->end[i] = end;
    }
}

static void test_pieces(void **state) {
    (void)state;
    static const struct {
        int64_t n, chunk;
    } loops[] = {{0, 5},    {-3, 5},      {1, 1},      {1, 10},   {10, 3},  {100, 1}, {100, 0},
                 {MOST, 7}, {MOST, 5000}, {999, 1000}, {4999, 2}, {64, 64}, {65, 64}, {33, INT64_MAX}};
    Visits *v = malloc(sizeof *v);
    for (uint32_t threads = 1; threads <= 5; threads++) {
        RtPool *pool = rt_pool_new(threads);
        RtFrame frame = {.pool = pool};
        assert_int_equal(rt_pool_threads(pool), threads);
        for (size_t l = 0; l < sizeof loops / sizeof *loops; l++) {
            int64_t n = loops[l].n, chunk = loops[l].chunk < 1 ? 1 : loops[l].chunk;
            memset(v, 0, sizeof *v);
            rt_parallel(&frame, visit, v, n, loops[l].chunk);
            for (int64_t i = 0; i < MOST; i++) {
                assert_int_equal(atomic_load(&v->times[i]), i < n);
                if (i >= n)
                    continue;
                assert_true(v->begin[i] == i / chunk * chunk);
                assert_true(v->end[i] == (n - v->begin[i] < chunk ? n : v->begin[i] + chunk));
            }
        }
        rt_pool_free(pool);
    }
    free(v);
    rt_parallel(NULL, visit, NULL, 0, 1);
    assert_int_equal(rt_pool_threads(NULL), 1);
    rt_pool_free(NULL);
}

/* Sums of numbers of very different size, one partial sum for each piece, added in order: the last bit
 * depends on the order, and is the same on any number of threads. */
typedef struct Sum {
    const double *x;
    double part[64];
} Sum;

static void add_up(RtFrame *frame, void *env, int64_t begin, int64_t end) {
    (void)frame;
    Sum *sum = env;
    for (int64_t i = begin; i < end; i++)
        sum->part[begin / 100] += sum->x[i];
}

static void test_same_bits(void **state) {
    (void)state;
    double x[MOST], expected = 0;
    for (int i = 0; i < MOST; i++)
        x[i] = sin(i) * exp(20 * cos(i * 0.7));
    for (uint32_t threads = 1; threads <= 7; threads += 2) {
        RtFrame frame = {.pool = rt_pool_new(threads)};
        for (int round = 0; round < 50; round++) {
            Sum sum = {.x = x};
            double total = 0;
            rt_parallel(&frame, add_up, &sum, MOST, 100);
            for (int p = 0; p < MOST / 100; p++)
                total += sum.part[p];
            if (threads == 1 && round == 0)
                expected = total;
            assert_memory_equal(&total, &expected, sizeof total);
        }
        rt_pool_free(frame.pool);
    }
}

/* Many short loops one after the other: what one wrote the next reads. */
static void increment(RtFrame *frame, void *env, int64_t begin, int64_t end) {
    (void)frame;
    int *counter = env;
    for (int64_t i = begin; i < end; i++)
        counter[i]++;
}

static void test_many_loops(void **state) {
    (void)state;
    int counter[16] = {0};
    RtFrame frame = {.pool = rt_pool_new(4)};
    for (int round = 0; round < 5000; round++)
        rt_parallel(&frame, increment, counter, 16, 1);
    for (int i = 0; i < 16; i++)
        assert_int_equal(counter[i], 5000);
    rt_pool_free(frame.pool);
}

/* A loop inside a loop runs on the thread that came to it. */
typedef struct Inner {
    pthread_t owner;
    int mistakes, visits;
} Inner;

static void inner(RtFrame *frame, void *env, int64_t begin, int64_t end) {
    (void)frame;
    Inner *in = env;
    in->visits += (int)(end - begin);
    in->mistakes += !pthread_equal(pthread_self(), in->owner);
}

static void outer(RtFrame *frame, void *env, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        Inner in = {pthread_self(), 0, 0};
        rt_parallel(frame, inner, &in, 100, 3);
        atomic_fetch_add((atomic_int *)env, in.mistakes == 0 && in.visits == 100);
    }
}

static void test_nested(void **state) {
    (void)state;
    atomic_int right = 0;
    RtFrame frame = {.pool = rt_pool_new(3)};
    rt_parallel(&frame, outer, &right, 200, 1);
    assert_int_equal(right, 200);
    rt_pool_free(frame.pool);
}

/* Two threads that use one pool at once both get all their iterations. */
static void *use_pool(void *argument) {
    for (int round = 0; round < 300; round++) {
        int counter[40] = {0};
        rt_parallel(argument, increment, counter, 40, 1);
        for (int i = 0; i < 40; i++)
            if (counter[i] != 1)
                return "an iteration was lost";
    }
    return NULL;
}

static void test_shared_pool(void **state) {
    (void)state;
    RtFrame frame = {.pool = rt_pool_new(3)};
    pthread_t other;
    void *wrong = NULL;
    assert_int_equal(pthread_create(&other, NULL, use_pool, &frame), 0);
    assert_null(use_pool(&frame));
    pthread_join(other, &wrong);
    assert_null(wrong);
    rt_pool_free(frame.pool);
}

/* Bodies run under the caller's mode, whichever it is, and threads forget it afterwards. */
static void halve_denormal(RtFrame *frame, void *env, int64_t begin, int64_t end) {
    (void)frame;
    volatile float tiny = 1e-38f;
    for (int64_t i = begin; i < end; i++)
        ((float *)env)[i] = tiny * 0.5f;
}

static void test_float_mode(void **state) {
    (void)state;
    if (!rt_can_flush_denormals())
        skip();
    float result[200];
    RtFrame frame = {.pool = rt_pool_new(4)};
    RtFloatMode before = rt_float_mode_save();
    for (int round = 0; round < 6; round++) {
        bool flush = round % 2;
        rt_flush_denormals(flush);
        assert_int_equal(rt_flushes_denormals(), flush);
        rt_parallel(&frame, halve_denormal, result, 200, 1);
        for (int i = 0; i < 200; i++)
            assert_int_equal(result[i] == 0, flush);
    }
    rt_flush_denormals(true);
    rt_float_mode_restore(before);
    assert_int_equal(rt_float_mode_save().bits & ~(uint64_t)0x3f, before.bits & ~(uint64_t)0x3f);
    assert_non_null(rt_float_mode_text());
    rt_pool_free(frame.pool);
}

static void test_short_lives(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        int counter[8] = {0};
        RtFrame frame = {.pool = rt_pool_new(i % 4)};
        if (i % 3)
            rt_parallel(&frame, increment, counter, 8, 1);
        rt_pool_free(frame.pool);
    }
    assert_true(rt_processor_count() >= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),      cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_many_loops),  cmocka_unit_test(test_nested),
        cmocka_unit_test(test_shared_pool), cmocka_unit_test(test_float_mode),
        cmocka_unit_test(test_short_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
