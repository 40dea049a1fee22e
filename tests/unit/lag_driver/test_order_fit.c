/* Where a ladder of steps shows its order: ladders with known errors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/order.h"

static const double resolved = 0.05;

/* n rungs from h = 1, each half of the one before, with error c h^order + rounding that grows as 1/h. */
static void ladder(OrderRung *rung, uint32_t n, double c, double order, double rounding) {
    for (uint32_t k = 0; k < n; k++) {
        double h = ldexp(1, -(int)k);
        rung[k] = (OrderRung){.steps = 1u << k, .h = h, .error = c * pow(h, order) + rounding / h, .floor = 20 * rounding / h};
    }
}

static void test_clean(void **state) {
    (void)state;
    OrderRung rung[20];
    for (int order = 1; order <= 8; order++) {
        ladder(rung, 12, 0.01, order, 1e-17);
        OrderFit fit = order_fit(rung, 12, resolved);
        assert_in_range(fit.n, 4, 5);
        assert_true(fabs(fit.slope - order) < 0.05); /* rounding is at most a twentieth of the errors that count */
        assert_true(fit.spread < 0.15);
        for (uint32_t k = fit.first; k < fit.first + fit.n; k++)
            assert_true(rung[k].error > rung[k].floor);
    }
}

/* An error of order 4 under one of order 2 whose coefficient is small: the finest rungs say 2. */
static void test_finest(void **state) {
    (void)state;
    OrderRung rung[20];
    ladder(rung, 16, 0.1, 4, 0);
    for (uint32_t k = 0; k < 16; k++)
        rung[k].error += 1e-6 * rung[k].h * rung[k].h;
    assert_true(fabs(order_fit(rung, 16, resolved).slope - 2) < 0.1);
    assert_true(fabs(order_fit(rung, 6, resolved).slope - 4) < 0.1);
}

/* Rungs that are not resolved, or failed, are not looked at. */
static void test_coarse(void **state) {
    (void)state;
    OrderRung rung[20];
    ladder(rung, 12, 10, 3, 0);
    rung[0].error = NAN;
    rung[1].error = 1e30;
    OrderFit fit = order_fit(rung, 12, resolved);
    assert_true(fit.first >= 2 && fabs(fit.slope - 3) < 1e-10);
    for (uint32_t k = 0; k < 12; k++)
        rung[k].error = NAN;
    assert_int_equal(order_fit(rung, 12, resolved).n, 0);
    assert_int_equal(order_fit_loosely(rung, 12, resolved).n, 0);
    assert_int_equal(order_fit(rung, 0, resolved).n, 0);
}

/* Errors that do not fall have no order, nor has rounding. */
static void test_none(void **state) {
    (void)state;
    OrderRung rung[20];
    ladder(rung, 12, 0.01, 0, 0);
    assert_int_equal(order_fit(rung, 12, resolved).n, 0);
    assert_int_equal(order_fit_loosely(rung, 12, resolved).n, 0);
    ladder(rung, 12, 0, 1, 1e-9);
    assert_int_equal(order_fit(rung, 12, resolved).n, 0);
}

/* Slopes that jump about their mean, as past a kink: only the loose fit says something, and how well. */
static void test_loose(void **state) {
    (void)state;
    OrderRung rung[20];
    ladder(rung, 14, 0.01, 1.5, 0);
    for (uint32_t k = 0; k < 14; k++)
        rung[k].error *= k % 2 ? 2.5 : 0.4;
    assert_int_equal(order_fit(rung, 14, resolved).n, 0);
    OrderFit fit = order_fit_loosely(rung, 14, resolved);
    assert_true(fit.loose && fit.n == 12);
    assert_true(fabs(fit.slope - 1.5) < fit.spread && fit.spread < 0.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean), cmocka_unit_test(test_finest), cmocka_unit_test(test_coarse),
        cmocka_unit_test(test_none),  cmocka_unit_test(test_loose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
