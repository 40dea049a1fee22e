/* Newton's method for gradients of convex functions, between the evaluations of generated code, here plain functions: from anywhere,
 * through flat places and ends of the domain, blocks apart from each other; and functions that are not convex. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rt.h"

typedef void (*Gradient)(const double *u, const double *y, double *g, double *J);

static void powers(const double *u, const double *y, double *g, double *J) {
    *g = 4 * pow(*u, 3) + 6 * pow(*u, 5) - *y;
    *J = 12 * pow(*u, 2) + 30 * pow(*u, 4);
}
static void bounded(const double *u, const double *y, double *g, double *J) { /* of −√(1 − u²) */
    *g = *u / sqrt(1 - *u * *u) - *y;
    *J = pow(1 - *u * *u, -1.5);
}
static void positive(const double *u, const double *y, double *g, double *J) { /* of u ln u */
    *g = log(*u) + 1 - *y;
    *J = 1 / *u;
}
static void root_like(const double *u, const double *y, double *g, double *J) { /* of |u|^(3/2): an infinite slope at 0 */
    *g = copysign(sqrt(fabs(*u)), *u) - *y;
    *J = 0.5 / sqrt(fabs(*u));
}
static void double_well(const double *u, const double *y, double *g, double *J) {
    *g = 4 * pow(*u, 3) - *u - *y;
    *J = 12 * *u * *u - 1;
}
static void constant(const double *u, const double *y, double *g, double *J) { *g = -*y, *J = 0, (void)u; }

/* of cosh(u₀ + u₁) + (u₀ − u₁)⁴ */
static void pair(const double *u, const double *y, double *g, double *J) {
    double s = sinh(u[0] + u[1]), c = cosh(u[0] + u[1]), d = 4 * pow(u[0] - u[1], 3), e = 12 * pow(u[0] - u[1], 2);
    g[0] = s + d - y[0];
    g[1] = s - d - y[1];
    J[0] = J[3] = c + e;
    J[1] = J[2] = c - e;
}
/* of ½ u₀² + ½ u₁² + 2 u₀ u₁ + u₀⁴: no minimum in some direction near rest */
static void saddle(const double *u, const double *y, double *g, double *J) {
    g[0] = u[0] + 2 * u[1] + 4 * pow(u[0], 3) - y[0];
    g[1] = u[1] + 2 * u[0] - y[1];
    J[0] = 1 + 12 * u[0] * u[0];
    J[1] = J[2] = 2;
    J[3] = 1;
}

static int solve(Gradient f, int64_t n, int64_t size, const double *y, double *u, RtFrame *frame, int *rounds) {
    double work[RT_NEWTON_CONVEX_WORK(8, 2)], start[8], g[8], J[16];
    for (int64_t k = 0; k < n; k++)
        start[k] = u[k];
    rt_newton_convex_begin_f64(frame, n, size, start, u, work);
    for (*rounds = 1; *rounds < 1000; ++*rounds) {
        for (int64_t b = 0; b < n / size; b++)
            f(u + b * size, y + b * size, g + b * size, J + b * size * size);
        int verdict = rt_newton_convex_residual_f64(frame, n, size, g, u, work);
        if (verdict == RT_NEWTON_GO_ON)
            verdict = rt_newton_convex_correct_f64(frame, n, size, J, u, work);
        if (verdict != RT_NEWTON_AGAIN)
            return verdict;
    }
    return -1;
}

static void finds_numbers_from_anywhere(void **state) {
    (void)state;
    static const struct Case { Gradient f; double y, start, root; } cases[] = {
        {powers, 10, 0, 1}, {powers, 10, 1e-3, 1}, {powers, 10, 1e3, 1}, {powers, 10, -50, 1}, {powers, 0, 0, 0},
        {bounded, 0.75, 0, 0.6}, {bounded, 0.75, 5, 0.6}, {bounded, -0.75, -1e9, -0.6}, {positive, 3, 1e-6, 0},
        {positive, 3, 1e4, 0}, {root_like, -3, 0, -9}, {root_like, 3, 1e-8, 9},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        RtFrame frame = {0};
        double u = cases[k].start, root = cases[k].f == positive ? exp(2) : cases[k].root;
        int rounds;
        assert_int_equal(solve(cases[k].f, 1, 1, &cases[k].y, &u, &frame, &rounds), RT_NEWTON_FOUND);
        assert_true(fabs(u - root) <= 4 * DBL_EPSILON * fabs(root));
        assert_true(rounds < 100);
    }
}

static void goes_to_the_edge_of_the_domain(void **state) {
    (void)state;
    RtFrame frame = {0};
    double u = 0, y = 1e12; /* 1 − u is 5e-25 */
    int rounds;
    assert_int_equal(solve(bounded, 1, 1, &y, &u, &frame, &rounds), RT_NEWTON_FOUND);
    assert_true(u < 1 && u > 1 - 2 * DBL_EPSILON);
}

static void keeps_blocks_apart(void **state) {
    (void)state;
    RtFrame frame = {0};
    double y[8] = {0, 0, 3, -1, 200, 100, 1e-3, 2e-3}, u[8] = {0, 0, 3, -1, 5, -5, 0, 0}, g[2], J[4];
    int rounds, alone;
    assert_int_equal(solve(pair, 8, 2, y, u, &frame, &rounds), RT_NEWTON_FOUND);
    for (int b = 0; b < 4; b++) {
        pair(u + 2 * b, y + 2 * b, g, J); /* y is rounded, and (u₀ − u₁)³ magnifies that where it is small */
        assert_true(fabs(g[0]) + fabs(g[1]) <= 1e-13 * (fabs(y[2 * b]) + fabs(y[2 * b + 1]) + 1));
    }
    double one[2] = {3, -1};
    assert_int_equal(solve(pair, 2, 2, y + 2, one, &frame, &alone), RT_NEWTON_FOUND);
    assert_true(one[0] == u[2] && one[1] == u[3]); /* the bits of a block do not depend on its neighbours */
}

static void says_what_is_not_convex(void **state) {
    (void)state;
    RtFrame frame = {0};
    double y[4] = {10, 10, 0.1, 0}, u[4] = {1, 1, 0, 0};
    int rounds;
    assert_int_equal(solve(double_well, 3, 1, y, u, &frame, &rounds), RT_NEWTON_NOT_CONVEX);
    assert_int_equal(frame.bad_place, 2);
    double v[2] = {1, 1}, z[2] = {0, 0};
    assert_int_equal(solve(saddle, 2, 2, v, z, &frame, &rounds), RT_NEWTON_NOT_CONVEX);
    assert_int_equal(frame.bad_place, 1);
}

static void gives_up_where_nothing_grows(void **state) {
    (void)state;
    RtFrame frame = {0};
    double y = 1, u = 0;
    int rounds;
    assert_int_equal(solve(constant, 1, 1, &y, &u, &frame, &rounds), RT_NEWTON_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_numbers_from_anywhere), cmocka_unit_test(goes_to_the_edge_of_the_domain),
        cmocka_unit_test(keeps_blocks_apart), cmocka_unit_test(says_what_is_not_convex),
        cmocka_unit_test(gives_up_where_nothing_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
