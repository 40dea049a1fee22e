/* Newton's method between the evaluations of generated code, here plain functions: roots to rounding, also at 0 and among
 * numbers that cancel; steps cut where a whole one would leave; equations without a root. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rt.h"

typedef double (*Function)(double u, double *slope);

static double cube(double u, double *slope) { return *slope = 3 * u * u, u * u * u - 8; }
static double arctan(double u, double *slope) { return *slope = 1 / (1 + u * u), atan(u); }
static double cancels(double u, double *slope) { return *slope = 1.5, (5 + 1.5 * u) - 5; }
static double parabola(double u, double *slope) { return *slope = 2 * u, u * u + 1; }
static double logarithm(double u, double *slope) { return *slope = 1 / u, log(u) - 1; }
static double twice(double u, double *slope) { return *slope = 2 * (u - 1), (u - 1) * (u - 1); }

/* The verdict at the end; *evaluations of the residual. */
static int solve(Function f, double *u, int *evaluations) {
    double work[RT_NEWTON_WORK(1)], start = *u, slope, correction;
    rt_newton_begin_f64(NULL, 1, &start, u, work);
    for (*evaluations = 1; *evaluations < 1000; ++*evaluations) {
        double r = f(*u, &slope);
        int32_t verdict = rt_newton_residual_f64(NULL, 1, &r, u, work);
        if (verdict == RT_NEWTON_GO_ON) {
            correction = r / slope;
            verdict = rt_newton_correct_f64(NULL, 1, &correction, u, work);
        }
        if (verdict != RT_NEWTON_AGAIN)
            return verdict;
    }
    return -1;
}

static void finds_roots(void **state) {
    (void)state;
    double u = 1.5;
    int n;
    assert_int_equal(solve(cube, &u, &n), RT_NEWTON_FOUND);
    assert_true(fabs(u - 2) <= DBL_EPSILON * 2 && n <= 6); /* quadratic: 4 corrections from a quarter off */
    u = 20; /* whole steps from beyond 1.39 run away */
    assert_int_equal(solve(arctan, &u, &n), RT_NEWTON_FOUND);
    assert_true(fabs(u) <= 1e-15);
    u = 8; /* the first whole step leaves the domain: log of a negative number */
    assert_int_equal(solve(logarithm, &u, &n), RT_NEWTON_FOUND);
    assert_true(fabs(u - exp(1)) <= 4 * DBL_EPSILON);
    u = 0.7; /* the root is 0, and r is exact to the rounding of 5 alone */
    assert_int_equal(solve(cancels, &u, &n), RT_NEWTON_FOUND);
    assert_true(fabs(u) <= 2 * 5 * DBL_EPSILON);
    u = 1e-16;
    assert_int_equal(solve(cancels, &u, &n), RT_NEWTON_FOUND);
    u = 0; /* a double root: half of the digits, linearly */
    assert_int_equal(solve(twice, &u, &n), RT_NEWTON_FOUND);
    assert_true(fabs(u - 1) <= 1e-7);
}

static void says_when_there_is_none(void **state) {
    (void)state;
    double u = 0.3;
    int n;
    assert_int_equal(solve(parabola, &u, &n), RT_NEWTON_FAILED);
    u = -1; /* no number to begin with */
    assert_int_equal(solve(logarithm, &u, &n), RT_NEWTON_FAILED);
    assert_int_equal(n, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_roots), cmocka_unit_test(says_when_there_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
