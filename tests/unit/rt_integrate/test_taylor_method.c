/* Taylor's method on motions whose coefficients are written by hand: its order, steps from the tolerance, the polynomial
 * between steps, failures. The recursions that are derived are tested in lag_calculus and by programs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "integrate/integrate.h"

static RtStatus oscillator(void *context, double t, const double *y, int order, double *c) {
    (void)context, (void)t;
    memcpy(c, y, 2 * sizeof *c);
    for (int k = 0; k < order; k++) {
        c[2 * k + 2] = c[2 * k + 1] / (k + 1);
        c[2 * k + 3] = -c[2 * k] / (k + 1);
    }
    return RT_OK;
}

/* y' = y²: y = 1/(1 − t), c_k = y^(k+1). */
static RtStatus runs_away(void *context, double t, const double *y, int order, double *c) {
    (void)context, (void)t;
    for (int k = 0; k <= order; k++)
        c[k] = pow(y[0], k + 1);
    return RT_OK;
}

static RtStatus no_value(void *context, double t, const double *y, int order, double *c) {
    (void)context;
    memset(c, 0, (size_t)(order + 1) * sizeof *c);
    c[0] = y[0];
    return t > 0.5 ? RT_SINGULAR : RT_OK;
}

/* A body without force: every coefficient beyond the first is 0. */
static RtStatus straight(void *context, double t, const double *y, int order, double *c) {
    (void)context, (void)t;
    memset(c, 0, 2 * (size_t)(order + 1) * sizeof *c);
    c[0] = y[0], c[1] = y[1], c[2] = y[1];
    return RT_OK;
}

static RtIntegrator *start(size_t n, RtJet jet, RtOdeOptions o, double t_end, const double *y0) {
    RtMessage m = {""};
    RtIntegrator *g = rt_ode_new(rt_method("taylor"), &(RtOde){.n = n, .jet = jet}, &o, 0, t_end, y0, &m);
    if (!g)
        fail_msg("%s", m.text);
    return g;
}

static double error_with(double order, double h, bool dense) {
    double y0[] = {1, 0}, y[2], worst = 0;
    RtIntegrator *g = start(2, oscillator, (RtOdeOptions){.rtol = 1e-9, .h = h, .order = order}, 3, y0);
    for (double t = dense ? 0.013 : 3; t <= 3; t += 0.029) {
        assert_int_equal(rt_ode_at(g, t, y), RT_OK);
        worst = fmax(worst, fabs(y[0] - cos(t)));
    }
    rt_ode_free(g);
    return worst;
}

/* A polynomial of degree p has a global error of order p: halving the step divides it by 2^p, within 0.4 of the exponent at these
 * steps; between steps the same. Orders that are even gain nothing more here. */
static void order_is_that_asked_for(void **state) {
    (void)state;
    for (int order = 3; order <= 7; order++)
        for (int dense = 0; dense < 2; dense++) {
            double found = log2(error_with(order, 0.2, dense) / error_with(order, 0.1, dense));
            if (found < order - 0.4 || found > order + 1.4)
                fail_msg("order %d%s: %.2f", order, dense ? " between steps" : "", found);
        }
}

/* 1 − ½ ln 1e-15 is 18.3, so order 20; steps near (p!)^(1/p) / e², that is 8.3 / 7.4. After 100 revolutions the error is rounding
 * alone: 1e-16 for some 600 steps, added up as a random walk, and its growth with time. */
static void tolerance_is_met(void **state) {
    (void)state;
    double y0[] = {1, 0}, y[2], end = 200 * M_PI;
    RtIntegrator *g = start(2, oscillator, (RtOdeOptions){.rtol = 1e-15}, end, y0);
    assert_int_equal(rt_ode_at(g, 1, y), RT_OK);
    assert_true(fabs(y[0] - cos(1)) < 5e-16 && fabs(y[1] + sin(1)) < 5e-16);
    assert_int_equal(rt_ode_at(g, end, y), RT_OK);
    assert_true(fabs(y[0] - 1) < 2e-13 && fabs(y[1]) < 2e-13);
    assert_true(fabs(y[0] * y[0] + y[1] * y[1] - 1) < 2e-14);
    RtOdeStats s = rt_ode_stats(g);
    assert_true(s.accepted > 300 && s.accepted < 1500);
    assert_int_equal(s.rejected, 0);
    assert_int_equal(s.evaluations, s.accepted);
    rt_ode_free(g);
}

/* From a kink: one step that is a part of what it would be, then whole ones, from there on in multiples of h where that is given. */
static void probes_are_short(void **state) {
    (void)state;
    double y0[] = {1, 0}, whole;
    for (int fixed = 0; fixed < 2; fixed++) {
        RtIntegrator *g = start(2, oscillator, (RtOdeOptions){.rtol = 1e-15, .h = fixed ? 0.125 : 0}, 100, y0);
        rt_ode_probe(g, 1e-6);
        assert_int_equal(rt_ode_step(g), RT_OK);
        double probe = rt_ode_time(g);
        assert_int_equal(rt_ode_step(g), RT_OK);
        whole = rt_ode_time(g) - probe;
        assert_true(whole > 0.1 && fabs(probe / whole - 1e-6) < 1e-7); /* the step is chosen anew */
        assert_true(!fixed || fabs(whole - 0.125) < 1e-15);
        rt_ode_probe(g, 1e-30); /* less than t can tell: some units in its last place */
        double t = rt_ode_time(g);
        assert_int_equal(rt_ode_step(g), RT_OK);
        assert_true(rt_ode_time(g) > t && rt_ode_time(g) < t + 1e-14);
        rt_ode_free(g);
    }
}

static void steps_of_given_length(void **state) {
    (void)state;
    double y0[] = {1, 0}, y[2];
    RtIntegrator *g = start(2, oscillator, (RtOdeOptions){.rtol = 1e-12, .h = 0.1}, 10, y0);
    assert_int_equal(rt_ode_at(g, 10, y), RT_OK);
    assert_int_equal(rt_ode_stats(g).accepted, 100);
    rt_ode_extend(g, 10.25);
    assert_int_equal(rt_ode_at(g, 10.25, y), RT_OK);
    assert_int_equal(rt_ode_stats(g).accepted, 103);
    assert_true(fabs(y[0] - cos(10.25)) < 1e-11);
    rt_ode_free(g);
    g = start(2, oscillator, (RtOdeOptions){.rtol = 1e-12, .hmax = 0.01}, 1, y0);
    assert_int_equal(rt_ode_at(g, 1, y), RT_OK);
    assert_true(rt_ode_stats(g).h_max <= 0.01 * (1 + 1e-12)); /* t + h rounds */
    rt_ode_free(g);
}

static void restarts_and_runs_back(void **state) {
    (void)state;
    double y0[] = {1, 0}, hit[] = {0, 1}, y[2];
    RtIntegrator *g = start(2, oscillator, (RtOdeOptions){.rtol = 1e-15}, 5, y0);
    assert_int_equal(rt_ode_at(g, 1, y), RT_OK);
    rt_ode_restart(g, 1, hit);
    assert_int_equal(rt_ode_at(g, 3, y), RT_OK);
    assert_true(fabs(y[0] - sin(2)) < 2e-15 && fabs(y[1] - cos(2)) < 2e-15);
    rt_ode_free(g);
    g = start(2, oscillator, (RtOdeOptions){.rtol = 1e-15}, -2, y0);
    assert_int_equal(rt_ode_at(g, -2, y), RT_OK);
    assert_true(fabs(y[0] - cos(2)) < 2e-15 && fabs(y[1] - sin(2)) < 2e-15);
    rt_ode_free(g);
}

static void failures_are_explained(void **state) {
    (void)state;
    double one = 1, y[2], t, moving[] = {1, 2};
    RtMessage m;
    RtIntegrator *g = start(1, runs_away, (RtOdeOptions){.rtol = 1e-14}, 2, &one);
    RtStatus status = rt_ode_at(g, 2, y);
    assert_true(status == RT_STEP_TOO_SMALL || status == RT_NOT_FINITE);
    assert_true(fabs(rt_ode_time(g) - 1) < 1e-6);
    rt_ode_culprit(g, &t);
    assert_true(fabs(t - 1) < 1e-6);
    rt_ode_explain(g, status, "v", &m);
    assert_non_null(strstr(m.text, "v "));
    rt_ode_free(g);
    g = start(1, no_value, (RtOdeOptions){.rtol = 1e-14, .h = 0.1}, 2, &one);
    assert_int_equal(rt_ode_at(g, 2, y), RT_SINGULAR);
    assert_true(fabs(rt_ode_time(g) - 0.6) < 1e-12);
    rt_ode_free(g);
    g = start(2, straight, (RtOdeOptions){.rtol = 1e-15}, 7, moving);
    assert_int_equal(rt_ode_at(g, 7, y), RT_OK);
    assert_true(y[0] == 15);
    assert_int_equal(rt_ode_stats(g).accepted, 1);
    rt_ode_free(g);
    assert_null(rt_ode_new(rt_method("taylor"), &(RtOde){.n = 1}, &(RtOdeOptions){.rtol = 1e-15}, 0, 1, &one, &m));
    assert_non_null(strstr(m.text, "taylor takes Taylor coefficients"));
    assert_null(rt_ode_new(rt_method("taylor"), &(RtOde){.n = 1, .jet = no_value}, &(RtOdeOptions){.rtol = 1e-17}, 0, 1,
                           &one, &m));
    assert_non_null(strstr(m.text, "below what double precision resolves"));
    assert_null(rt_ode_new(rt_method("taylor"), &(RtOde){.n = 1, .jet = no_value}, &(RtOdeOptions){.rtol = 1e-15, .order = 1},
                           0, 1, &one, &m));
    assert_non_null(strstr(m.text, "order"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_that_asked_for),
        cmocka_unit_test(tolerance_is_met),
        cmocka_unit_test(steps_of_given_length), cmocka_unit_test(probes_are_short),
        cmocka_unit_test(restarts_and_runs_back),
        cmocka_unit_test(failures_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
