/* Singular values and what is made of them: properties for matrices of all shapes, by rotations and by the library, in both
 * precisions; matrices without full rank, and what is no number. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rt.h"

static const int64_t shapes[][2] = {{1, 1}, {1, 5}, {5, 1}, {3, 3}, {4, 7}, {7, 4}, {11, 30}, {20, 20}, {30, 14}, {16, 90}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static double element(int64_t i, int64_t j) { return sin(1.3 * (double)i + 2.1 * (double)j + 0.1 * (double)(i * j)) + (i == j); }

/* X has orthonormal rows or columns, and Xᵀ A (A Xᵀ) is symmetric with the nuclear norm as its trace. */
static void polar_factors(void **state) {
    (void)state;
    for (int s = 0; s < N_SHAPES; s++) {
        int64_t n = shapes[s][0], m = shapes[s][1], k = n < m ? n : m;
        double *A = malloc((size_t)(n * m) * sizeof *A), *X = malloc((size_t)(n * m) * sizeof *X), nuclear, trace = 0, spectral;
        for (int64_t i = 0; i < n * m; i++)
            A[i] = element(i / m, i % m);
        assert_int_equal(rt_polar_f64(NULL, n, m, A, X), RT_OK);
        for (int64_t a = 0; a < k; a++) {
            for (int64_t b = 0; b < k; b++) {
                double xx = 0, ax = 0, xa = 0;
                for (int64_t j = 0; j < (n < m ? m : n); j++) {
                    int64_t at = n < m ? a * m + j : j * m + a, to = n < m ? b * m + j : j * m + b;
                    xx += X[at] * X[to];
                    ax += A[at] * X[to];
                    xa += X[at] * A[to];
                }
                assert_true(fabs(xx - (a == b)) < 1e-12); /* some 90 products, and the condition of A */
                assert_true(fabs(ax - xa) < 1e-12);
                trace += a == b ? ax : 0;
            }
        }
        assert_int_equal(rt_nuclear_norm_f64(NULL, n, m, A, X, &nuclear), RT_OK);
        assert_true(fabs(nuclear - trace) <= 1e-13 * trace);
        assert_int_equal(rt_spectral_norm_f64(NULL, n, m, A, &spectral), RT_OK);
        assert_int_equal(rt_leading_f64(NULL, n, m, A, X), RT_OK);
        double along = 0, size = 0;
        for (int64_t i = 0; i < n * m; i++) {
            along += A[i] * X[i];
            size += X[i] * X[i];
        }
        assert_true(fabs(along - spectral) <= 1e-13 * spectral && fabs(size - 1) < 1e-13);
        assert_true(spectral <= nuclear * (1 + 1e-14) && nuclear <= spectral * (double)k * (1 + 1e-14));
        free(A);
        free(X);
    }
}

static void the_same_in_single_precision(void **state) {
    (void)state;
    for (int s = 0; s < N_SHAPES; s++) {
        int64_t n = shapes[s][0], m = shapes[s][1];
        double *A = malloc((size_t)(n * m) * sizeof *A), spectral;
        float *B = malloc((size_t)(n * m) * sizeof *B), *Y = malloc((size_t)(n * m) * sizeof *Y), one, sum;
        for (int64_t i = 0; i < n * m; i++) {
            B[i] = (float)element(i / m, i % m);
            A[i] = (double)B[i];
        }
        assert_int_equal(rt_spectral_norm_f64(NULL, n, m, A, &spectral), RT_OK);
        assert_int_equal(rt_spectral_norm_f32(NULL, n, m, B, &one), RT_OK);
        assert_true(fabs((double)one - spectral) <= 1e-5 * spectral);
        assert_int_equal(rt_polar_f32(NULL, n, m, B, Y), RT_OK);
        assert_int_equal(rt_nuclear_norm_f32(NULL, n, m, B, Y, &sum), RT_OK);
        assert_true(sum >= one * (1 - 1e-5f));
        assert_int_equal(rt_leading_f32(NULL, n, m, B, Y), RT_OK);
        free(A);
        free(B);
        free(Y);
    }
}

/* What has no singular value in a direction has no part of the factor there; 0 has none. */
static void without_full_rank(void **state) {
    (void)state;
    for (int64_t n = 4; n <= 20; n += 16) {
        double A[400], X[400], s;
        for (int64_t i = 0; i < n * n; i++)
            A[i] = (double)(i / n + 1) * cos((double)(i % n));
        assert_int_equal(rt_polar_f64(NULL, n, n, A, X), RT_OK);
        double sum = 0;
        for (int64_t i = 0; i < n * n; i++)
            sum += X[i] * X[i];
        assert_true(fabs(sum - 1) < 1e-12);
        memset(A, 0, sizeof A);
        assert_int_equal(rt_polar_f64(NULL, n, n, A, X), RT_OK);
        assert_int_equal(rt_spectral_norm_f64(NULL, n, n, A, &s), RT_OK);
        assert_true(s == 0 && X[0] == 0 && X[n * n - 1] == 0);
        A[3] = NAN;
        assert_int_equal(rt_polar_f64(NULL, n, n, A, X), RT_NOT_FINITE);
        assert_int_equal(rt_spectral_norm_f64(NULL, n, n, A, &s), RT_NOT_FINITE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(polar_factors), cmocka_unit_test(the_same_in_single_precision),
                                       cmocka_unit_test(without_full_rank)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
