/* Roots and dips along a path: to rounding, and with a bounded number of looks. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/curve.h"

typedef struct Function {
    double (*f)(double s);
    int looks;
    RtStatus fails;
} Function;

static RtStatus look(void *context, double s, double *value) {
    Function *function = context;
    function->looks++;
    *value = function->f(s);
    return function->fails;
}

static double line(double s) { return s - 0.3; }
static double steep(double s) { return expm1(50 * (s - 0.7)); }
static double flat(double s) { return pow(s - 0.5, 9); }
static double jump(double s) { return s < 1.0 / 3 ? -1 : 1; }
static double tiny(double s) { return 1e-300 * (s - 1e-5); }

/* The root is where the sign changes between neighbouring numbers, or where the value is 0. */
static void roots_are_found_to_rounding(void **state) {
    (void)state;
    struct { double (*f)(double); double root, within; } cases[] = {
        {line, 0.3, 2 * DBL_EPSILON}, {steep, 0.7, 2 * DBL_EPSILON}, {flat, 0.5, 1e-15}, {jump, 1.0 / 3, 2 * DBL_EPSILON},
        {tiny, 1e-5, 1e-20},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        Function function = {.f = cases[k].f};
        RtStatus status = RT_OK;
        double root = rt_curve_root(look, &function, 0, cases[k].f(0), 1, cases[k].f(1), &status);
        assert_int_equal(status, RT_OK);
        /* a ninefold root is as flat as rounding lets it be: (1e-36)^(1/9) */
        assert_true(fabs(root - cases[k].root) <= (cases[k].f == flat ? 1e-4 : cases[k].within));
        assert_true(function.looks <= 120);
    }
    Function function = {.f = line, .fails = RT_SINGULAR};
    RtStatus status = RT_OK;
    rt_curve_root(look, &function, 0, -0.3, 1, 0.7, &status);
    assert_int_equal(status, RT_SINGULAR);
}

static double depth;
static double bowl(double s) { return (s - 0.52) * (s - 0.52) + 0.1 * pow(s - 0.52, 3) - depth; }
static double turned(double s) { return -bowl(s); }

/* A double crossing is seen down to the rounding of the function; a touch and a distance are none. */
static void dips_are_followed(void **state) {
    (void)state;
    double (*functions[])(double) = {bowl, turned};
    for (int k = 0; k < 2; k++) {
        for (depth = 1e-2; depth > 1e-15; depth *= 0.1) {
            Function function = {.f = functions[k]};
            RtStatus status = RT_OK;
            double s = 0;
            bool found = rt_curve_dips(look, &function, 0, function.f(0), 0.4, function.f(0.4), 1, function.f(1), &s, &status);
            assert_true(found && (k == 0 ? function.f(s) < 0 : function.f(s) > 0));
            assert_true(function.looks <= 30);
        }
        depth = -1e-3;
        Function function = {.f = functions[k]};
        RtStatus status = RT_OK;
        double s = 0;
        assert_false(rt_curve_dips(look, &function, 0, function.f(0), 0.4, function.f(0.4), 1, function.f(1), &s, &status));
        assert_true(function.looks <= 30);
        function.fails = RT_SINGULAR;
        assert_false(rt_curve_dips(look, &function, 0, function.f(0), 0.4, function.f(0.4), 1, function.f(1), &s, &status));
        assert_int_equal(status, RT_SINGULAR);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_found_to_rounding),
        cmocka_unit_test(dips_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
