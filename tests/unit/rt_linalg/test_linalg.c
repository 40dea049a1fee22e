/* Every kernel against its plain counterpart or against the equation it solves, in both precisions, and with
 * the same bits on any number of threads; calls from several threads at once; what is known of the
 * library. */
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "linalg/linalg.h"
#include "linalg/tiles.h"

#define REAL float
#define NAME(x) x##_f32
#define EPSILON FLT_EPSILON
#include "kernels.inc"
#undef REAL
#undef NAME
#undef EPSILON

#define REAL double
#define NAME(x) x##_f64
#define EPSILON DBL_EPSILON
#include "kernels.inc"

/* Tiles cover the result in order, none is empty, and none of several is small. */
static void test_tiles(void **state) {
    (void)state;
    for (int64_t m = 1; m < 3000; m += 1 + m / 3)
        for (int64_t n = 1; n < 3000; n += 1 + n / 3)
            for (int64_t k = 0; k < 3000; k += 1 + k / 2) {
                Tiles t = tiles_of(m, n, k);
                assert_true(tiles_row(&t, 0) == 0 && tiles_row(&t, t.down) == m);
                assert_true(tiles_column(&t, 0) == 0 && tiles_column(&t, t.across) == n);
                for (int64_t i = 0; i < t.down; i++)
                    assert_true(tiles_row(&t, i) < tiles_row(&t, i + 1));
                for (int64_t j = 0; j < t.across; j++)
                    assert_true(tiles_column(&t, j) < tiles_column(&t, j + 1));
                assert_true(t.down * t.across == 1 || m * n * k / (t.down * t.across) >= 1000000);
            }
    assert_true(tiles_row_chunk(10, 10) == 10 && tiles_row_chunk(1000000, 1000) < 1000);
    assert_true(tiles_row_chunk(5, 0) == 5 && tiles_row_chunk(0, 5) >= 1);
}

/* What is learned of a shape is said of that shape only, and finding out is asked for once. */
static void test_whole(void **state) {
    (void)state;
    int tries = 0;
    for (int i = 0; i < 50; i++)
        tries += whole_ask(0x123456789abcd00) == WHOLE_TRY;
    assert_int_equal(tries, 1);
    whole_learn(0x123456789abcd00, true);
    assert_int_equal(whole_ask(0x123456789abcd00), WHOLE_SAME);
    assert_int_equal(whole_ask(0x923456789abce00 ^ 1), WHOLE_TILES);
    whole_learn(0x777777777777777, false);
    for (int i = 0; i < 50; i++)
        assert_int_equal(whole_ask(0x777777777777777), WHOLE_TILES);
    for (uint64_t i = 0; i < 1000; i++) /* more shapes than there is room for */
        assert_int_not_equal(whole_ask(i * 0x9e3779b97f4a7c15u), WHOLE_SAME);
    assert_int_equal(whole_ask(0x123456789abcd00), WHOLE_SAME);
}

/* Products of several threads at once, each with its own data: OpenBLAS shares buffers between them. */
typedef struct Job {
    uint32_t site;
    int wrong;
} Job;

static void *multiply(void *argument) {
    enum { SIZE = 70, ROUNDS = 60 };
    Job *job = argument;
    double *A = numbers_f64(SIZE * SIZE, job->site), *B = numbers_f64(SIZE * SIZE, job->site + 1);
    double *C = rt_alloc(SIZE * SIZE * sizeof *C), *D = rt_alloc(SIZE * SIZE * sizeof *D);
    rt_gemm_f64(NULL, 0, 0, SIZE, SIZE, SIZE, 1, A, SIZE, B, SIZE, 0, C, SIZE);
    for (int i = 0; i < ROUNDS; i++) {
        rt_gemm_f64(NULL, 0, 0, SIZE, SIZE, SIZE, 1, A, SIZE, B, SIZE, 0, D, SIZE);
        job->wrong += memcmp(C, D, SIZE * SIZE * sizeof *C) != 0;
    }
    rt_free(A), rt_free(B), rt_free(C), rt_free(D);
    return NULL;
}

static void test_concurrent(void **state) {
    (void)state;
    pthread_t thread[4];
    Job job[4];
    for (uint32_t i = 0; i < 4; i++) {
        job[i] = (Job){10 * i, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, multiply, &job[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(job[i].wrong, 0);
    }
}

/* Denormal products are flushed or kept as the caller's mode says, inside the library too. */
static void test_denormals(void **state) {
    (void)state;
    if (!rt_can_flush_denormals())
        skip();
    enum { SIZE = 64 };
    float *A = numbers_f32(SIZE * SIZE, 1), *C = numbers_f32(SIZE * SIZE, 2);
    for (int i = 0; i < SIZE * SIZE; i++)
        A[i] = 1e-20f;
    RtFloatMode before = rt_float_mode_save();
    rt_flush_denormals(false);
    rt_gemm_f32(NULL, 0, 0, SIZE, SIZE, SIZE, 1, A, SIZE, A, SIZE, 0, C, SIZE);
    assert_true(C[5] > 0);
    rt_flush_denormals(true);
    rt_gemm_f32(NULL, 0, 0, SIZE, SIZE, SIZE, 1, A, SIZE, A, SIZE, 0, C, SIZE);
    assert_true(C[5] == 0);
    rt_float_mode_restore(before);
    rt_free(A), rt_free(C);
}

static void test_describe(void **state) {
    (void)state;
    const RtBlasInfo *info = rt_blas_describe();
    assert_int_equal(info->loaded, rt_blas_load());
    if (info->loaded) {
        assert_true(info->path[0] && info->config[0] && info->core[0] && info->chosen[0]);
        assert_string_equal(info->problem, "");
        assert_int_equal(info->threads, 1);
    } else {
        assert_non_null(strstr(info->problem, "OpenBLAS"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_f32),
        cmocka_unit_test(test_gemm_f64),
        cmocka_unit_test(test_batch_f32),
        cmocka_unit_test(test_batch_f64),
        cmocka_unit_test(test_gemv_f32),
        cmocka_unit_test(test_gemv_f64),
        cmocka_unit_test(test_cholesky_f32),
        cmocka_unit_test(test_cholesky_f64),
        cmocka_unit_test(test_solve_f32),
        cmocka_unit_test(test_solve_f64),
        cmocka_unit_test(test_inverse_logdet_f32),
        cmocka_unit_test(test_inverse_logdet_f64),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_repeated_f32),
        cmocka_unit_test(test_repeated_f64),
        cmocka_unit_test(test_concurrent),
        cmocka_unit_test(test_denormals),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
