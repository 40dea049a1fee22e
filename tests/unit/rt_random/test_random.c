/* The generator against published values, vectors of draws against single ones bit by bit, and the distributions
 * against their moments and distribution functions. Every draw here is a fixed number: a test either always
 * passes or always fails; the tolerances say how far from the expectation such a number may honestly be. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random/philox.h"

/* Known answers of Philox 4x32-10: all zeros, all ones, the digits of π (Random123's kat_vectors). */
static void test_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        rt_philox4x32(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

/* The key and counter a draw uses are a promise: results are reproduced by them. */
static void test_layout(void **state) {
    (void)state;
    uint32_t counter[4] = {0x9abcdef0 >> 1 | 1u << 31, 0x12345679 >> 1, 77, 5},
             key[2] = {0xdeadbeef, 0x01234567}, out[4];
    rt_philox4x32(counter, key, out);
    int64_t position = 0x123456799abcdef0;
    assert_true(rt_random_bits(0x01234567deadbeef, 5, 77, position) == ((uint64_t)out[1] << 32 | out[0]));
    assert_true(rt_random_bits(0x01234567deadbeef, 5, 77, position + 1) == ((uint64_t)out[3] << 32 | out[2]));
}

/* Changing any one of the four arguments, by any one bit, gives other bits. */
static void test_arguments_matter(void **state) {
    (void)state;
    uint64_t base = rt_random_bits(1, 2, 3, 4);
    for (int bit = 0; bit < 64; bit++) {
        assert_true(rt_random_bits(1 ^ (uint64_t)1 << bit, 2, 3, 4) != base);
        assert_true(rt_random_bits(1, 2 ^ (uint64_t)1 << bit, 3, 4) != base);
        assert_true(rt_random_bits(1, 2, 3 ^ (uint32_t)1 << bit % 32, 4) != base);
        assert_true(rt_random_bits(1, 2, 3, (int64_t)(4 ^ (uint64_t)1 << bit)) != base);
    }
}

#ifdef __x86_64__
/* The vectors of draws at first, first + stride, …: lanes_4.c and lanes_8.c, compiled for processors that have them. */
void draw_4(uint64_t step, int64_t first, int64_t stride, double *uniform, double *normal);
void draw_8(uint64_t step, int64_t first, int64_t stride, double *uniform, double *normal);
/* The same of as many seeds at one position. */
void seeds_4(uint64_t step, const uint64_t *seeds, int64_t position, double *uniform, double *normal);
void seeds_8(uint64_t step, const uint64_t *seeds, int64_t position, double *uniform, double *normal);
#endif

/* The variants a vectorizer calls give the bits of the single draws, at any positions. */
static void test_variants(void **state) {
    (void)state;
#ifdef __x86_64__
    static const int64_t strides[] = {0, 1, 2, 3, 784, -5, (int64_t)1 << 40};
    bool wide = __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    bool middle = __builtin_cpu_supports("avx2");
    for (int lanes = 4; lanes <= 8; lanes += 4)
        for (size_t s = 0; s < sizeof strides / sizeof *strides; s++)
            for (int64_t round = 0; round < 500 && (lanes == 8 ? wide : middle); round++) {
                double u[8], x[8];
                int64_t first = round * 7919 - 300;
                uint64_t step = (uint64_t)round << 28;
                (lanes == 8 ? draw_8 : draw_4)(step, first, strides[s], u, x);
                for (int i = 0; i < lanes; i++) {
                    assert_true(u[i] == rt_random_uniform(99, step, 12, first + strides[s] * i));
                    assert_true(x[i] == rt_random_normal(99, step, 12, first + strides[s] * i));
                }
                uint64_t seeds[8];
                for (int i = 0; i < lanes; i++)
                    seeds[i] = (uint64_t)(first + strides[s] * i) * UINT64_C(0x9e3779b97f4a7c15);
                (lanes == 8 ? seeds_8 : seeds_4)(step, seeds, first, u, x);
                for (int i = 0; i < lanes; i++) {
                    assert_true(u[i] == rt_random_uniform(seeds[i], step, 12, first));
                    assert_true(x[i] == rt_random_normal(seeds[i], step, 12, first));
                }
            }
    if (!middle)
        skip();
#else
    skip();
#endif
}

static double mean_of(const double *x, int n, int power, double centre) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += pow(x[i] - centre, power);
    return sum / n;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double normal_cdf(double x) {
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static double uniform_cdf(double x) {
    return x;
}

/* √n times the largest distance between the distribution of x and `cdf` (Kolmogorov-Smirnov); sorts x.
 * Above 2.0 with probability 2 exp(-2·2²) = 7e-4. */
static double distance(double *x, int n, double (*cdf)(double)) {
    qsort(x, (size_t)n, sizeof *x, ascending);
    double most = 0;
    for (int i = 0; i < n; i++) {
        double f = cdf(x[i]), above = (i + 1.0) / n - f, below = f - (double)i / n;
        most = fmax(most, fmax(above, below));
    }
    return most * sqrt(n);
}

enum { N = 100000 };

static void fill(double (*draw)(uint64_t, uint64_t, uint32_t, int64_t), uint32_t site, double *x) {
    for (int64_t i = 0; i < N; i++)
        x[i] = draw(1, 0, site, i);
}

static void test_uniform(void **state) {
    (void)state;
    double *x = malloc(N * sizeof *x), correlation = 0;
    fill(rt_random_uniform, 0, x);
    for (int i = 0; i < N; i++)
        assert_true(x[i] > 0 && x[i] < 1);
    for (int i = 0; i + 1 < N; i++)
        correlation += (x[i] - 0.5) * (x[i + 1] - 0.5) * 12 / N;
    /* standard errors √(1/12/N) = 9e-4, 1/√N = 3e-3; four of them */
    assert_true(fabs(mean_of(x, N, 1, 0) - 0.5) < 3.7e-3);
    assert_true(fabs(correlation) < 0.013);
    assert_true(distance(x, N, uniform_cdf) < 2.0);
    free(x);
}

static void test_normal(void **state) {
    (void)state;
    double *x = malloc(N * sizeof *x);
    for (uint32_t site = 0; site < 4; site++) {
        fill(rt_random_normal, site, x);
        /* standard errors √(1/N) = 3.2e-3, √(2/N) = 4.5e-3, √(15/N) = 1.2e-2, √(96/N) = 3.1e-2; four of
         * them */
        assert_true(fabs(mean_of(x, N, 1, 0)) < 0.0127);
        assert_true(fabs(mean_of(x, N, 2, 0) - 1) < 0.018);
        assert_true(fabs(mean_of(x, N, 3, 0)) < 0.049);
        assert_true(fabs(mean_of(x, N, 4, 0) - 3) < 0.124);
        assert_true(distance(x, N, normal_cdf) < 2.0);
    }
    free(x);
}

/* The same element at successive steps, and at successive sites, is white noise too: √N times a correlation
 * is standard normal, above 4 with probability 6e-5. */
static void test_across_steps(void **state) {
    (void)state;
    enum { M = 20000 };
    double by_step = 0, by_site = 0;
    for (int i = 0; i < M; i++) {
        by_step += rt_random_normal(3, (uint64_t)i, 0, 9) * rt_random_normal(3, (uint64_t)i + 1, 0, 9);
        by_site += rt_random_normal(3, 4, (uint32_t)i, 9) * rt_random_normal(3, 4, (uint32_t)i + 1, 9);
    }
    assert_true(fabs(by_step) / sqrt(M) < 4 && fabs(by_site) / sqrt(M) < 4);
}

/* The inverse of the distribution function, in the middle and far out. AS 241 promises 1e-15 for the
 * quantile; going back through erfc multiplies a relative error by about x². */
static void test_quantile(void **state) {
    (void)state;
    for (double x = -37; x <= 0; x += 0.173) {
        double p = 0.5 * erfc(-x * M_SQRT1_2);
        assert_true(fabs(philox_normal(p) - x) <= 4e-15 * (1 + fabs(x)));
    }
    assert_true(fabs(philox_normal(0.975) - 1.959963984540054) < 2e-15);
    assert_true(philox_normal(0.5) == 0);
}

/* Mean and variance of a stream's draws, within four standard errors; `kurtosis` is E(x-m)⁴ / variance². */
static void check_moments(double (*draw)(RtStream *, double, double), double a, double b, double mean,
                          double variance, double kurtosis) {
    enum { M = 40000 };
    RtStream s = rt_stream(11, 0, 1, (int64_t)(a * 1000 + b));
    double sum = 0, squares = 0;
    for (int i = 0; i < M; i++) {
        double x = draw(&s, a, b);
        sum += x - mean;
        squares += (x - mean) * (x - mean);
    }
    assert_true(fabs(sum / M) < 4 * sqrt(variance / M));
    assert_true(fabs(squares / M - variance) < 4 * variance * sqrt((kurtosis - 1) / M));
}

static double draw_gamma(RtStream *s, double a, double b) {
    (void)b;
    return rt_stream_gamma(s, a);
}

static double draw_poisson(RtStream *s, double a, double b) {
    (void)b;
    return rt_stream_poisson(s, a);
}

static double draw_exponential(RtStream *s, double a, double b) {
    (void)a, (void)b;
    return rt_stream_exponential(s);
}

static void test_streams(void **state) {
    (void)state;
    static const double shapes[] = {0.05, 0.5, 1, 2.5, 30, 1000};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_moments(draw_gamma, shapes[i], 0, shapes[i], shapes[i], 3 + 6 / shapes[i]);
    static const double means[] = {0.01, 1, 15, 40, 5000};
    for (size_t i = 0; i < sizeof means / sizeof *means; i++)
        check_moments(draw_poisson, means[i], 0, means[i], means[i], 3 + 1 / means[i]);
    static const struct { double n, p; } trials[] = {{1, 0.3}, {16, 0.5}, {100, 0.02}, {1000, 0.9}};
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        double n = trials[i].n, p = trials[i].p, v = n * p * (1 - p);
        check_moments(rt_stream_binomial, n, p, n * p, v, 3 + (1 - 6 * p * (1 - p)) / v);
    }
    static const struct { double a, b; } betas[] = {{2, 3}, {0.5, 0.5}, {20, 1}};
    for (size_t i = 0; i < sizeof betas / sizeof *betas; i++) {
        double a = betas[i].a, b = betas[i].b, s = a + b, v = a * b / (s * s * (s + 1));
        double excess = 6 * ((a - b) * (a - b) * (s + 1) - a * b * (s + 2)) / (a * b * (s + 2) * (s + 3));
        check_moments(rt_stream_beta, a, b, a / s, v, 3 + excess);
    }
    check_moments(draw_exponential, 0, 0, 1, 1, 9);
}

static void test_stream_edges(void **state) {
    (void)state;
    RtStream s = rt_stream(1, 2, 3, 4), again = rt_stream(1, 2, 3, 4);
    for (int i = 0; i < 10; i++)
        assert_true(rt_stream_bits(&s) == rt_stream_bits(&again));
    assert_true(isnan(rt_stream_gamma(&s, 0)) && isnan(rt_stream_gamma(&s, NAN)));
    assert_true(isnan(rt_stream_poisson(&s, -1)) && rt_stream_poisson(&s, 0) == 0);
    assert_true(rt_stream_binomial(&s, 0, 0.5) == 0 && rt_stream_binomial(&s, 1000, 0) == 0);
    assert_true(rt_stream_binomial(&s, 1000, 1) == 1000 && isnan(rt_stream_binomial(&s, 10, 1.5)));
    for (int i = 0; i < 100; i++)
        assert_true(rt_stream_below(&s, 1) == 0);
    int seen[7] = {0};
    for (int i = 0; i < 7000; i++)
        seen[rt_stream_below(&s, 7)]++;
    for (int i = 0; i < 7; i++) /* five standard errors of √(7000 · 1/7 · 6/7) = 29 */
        assert_true(abs(seen[i] - 1000) < 147);
}

/* Every order of four things comes up equally often: 24 cells, χ² with 23 degrees of freedom is above 58 with
 * probability 1e-4. And a shuffle is an order, the same when asked again, another in another epoch. */
static void test_permutation(void **state) {
    (void)state;
    enum { ROUNDS = 24000, ROWS = 5000 };
    int seen[256] = {0};
    double chi = 0;
    for (uint64_t epoch = 0; epoch < ROUNDS; epoch++) {
        int64_t order[4];
        rt_random_permutation(5, epoch, RT_SITE_SHUFFLE, 4, order);
        seen[order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3]]++;
    }
    for (int i = 0; i < 256; i++)
        chi += seen[i] ? (seen[i] - 1000.0) * (seen[i] - 1000.0) / 1000 : 0;
    assert_true(chi < 58);
    int64_t *a = malloc(ROWS * sizeof *a), *b = malloc(ROWS * sizeof *b);
    char *met = calloc(ROWS, 1);
    rt_random_permutation(1, 1, RT_SITE_SHUFFLE, ROWS, a);
    rt_random_permutation(1, 1, RT_SITE_SHUFFLE, ROWS, b);
    assert_memory_equal(a, b, ROWS * sizeof *a);
    for (int i = 0; i < ROWS; i++) {
        assert_in_range(a[i], 0, ROWS - 1);
        assert_int_equal(met[a[i]]++, 0);
    }
    rt_random_permutation(1, 2, RT_SITE_SHUFFLE, ROWS, b);
    assert_memory_not_equal(a, b, ROWS * sizeof *a);
    rt_random_permutation(1, 1, RT_SITE_SHUFFLE, 0, NULL);
    free(met);
    free(b);
    free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),    cmocka_unit_test(test_layout),
        cmocka_unit_test(test_arguments_matter), cmocka_unit_test(test_variants),
        cmocka_unit_test(test_uniform),          cmocka_unit_test(test_normal),
        cmocka_unit_test(test_across_steps),     cmocka_unit_test(test_quantile),
        cmocka_unit_test(test_streams),          cmocka_unit_test(test_stream_edges),
        cmocka_unit_test(test_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
