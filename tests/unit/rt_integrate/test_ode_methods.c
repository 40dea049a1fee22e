/* Every method on problems with known solutions: order by halving, dense output, trajectories, failures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "systems.h"

/* Over the methods that take a right-hand side; test_taylor_method.c has the others. */
#define RIGHT_SIDES(m)                                                                                       \
    for (const RtMethod *const *m = rt_methods(); *m; m++)                                                   \
        if (!(*m)->of_jets)

static RtStatus oscillator(void *context, double t, const double *y, double *dy) {
    (void)context, (void)t;
    dy[0] = y[1];
    dy[1] = -y[0];
    return RT_OK;
}

static RtStatus pendulum(void *context, double t, const double *y, double *dy) {
    (void)context, (void)t;
    dy[0] = y[1];
    dy[1] = -9.81 * sin(y[0]);
    return RT_OK;
}

static RtStatus damped(void *context, double t, const double *y, double *dy) {
    (void)context, (void)t;
    dy[0] = y[1];
    dy[1] = -4 * y[0] - 0.3 * y[1];
    return RT_OK;
}

/* Unit masses on unit rods, absolute angles: [2 c; c 1] θ'' = (-s θ₂'² - 2 g sin θ₁, s θ₁'² - g sin θ₂) with
 * c, s the cosine and sine of θ₁ - θ₂. */
static RtStatus double_pendulum(void *context, double t, const double *y, double *dy) {
    (void)context, (void)t;
    double s = sin(y[0] - y[1]), c = cos(y[0] - y[1]), determinant = 2 - c * c;
    double r1 = -s * y[3] * y[3] - 2 * 9.81 * sin(y[0]), r2 = s * y[2] * y[2] - 9.81 * sin(y[1]);
    dy[0] = y[2];
    dy[1] = y[3];
    dy[2] = (r1 - c * r2) / determinant;
    dy[3] = (2 * r2 - c * r1) / determinant;
    return RT_OK;
}

/* y' = cos t · y depends on t, so that a wrong c_i shows. y = exp(sin t). */
static RtStatus driven(void *context, double t, const double *y, double *dy) {
    (void)context;
    dy[0] = cos(t) * y[0];
    return RT_OK;
}

static RtIntegrator *start(const char *method, size_t n, RtRhs rhs, RtOdeOptions o, double t0, double t_end,
                           const double *y0) {
    RtMessage m = {""};
    RtIntegrator *g = rt_ode_new(rt_method(method), &(RtOde){.n = n, .rhs = rhs}, &o, t0, t_end, y0, &m);
    if (!g)
        fail_msg("%s", m.text);
    return g;
}

/* Error at t = 3 of y' = y cos t with equal steps h: adaptive methods are held to h by hmax and a tolerance
 * that accepts. */
static double error_with(const RtMethod *method, double h, bool dense) {
    double y0 = 1, y, worst = 0;
    RtOdeOptions o = {.rtol = 1e3, .atol = 1e3, .h = h, .hmax = h};
    RtIntegrator *g = start(method->name, 1, driven, o, 0, 3, &y0);
    if (!dense) {
        assert_int_equal(rt_ode_at(g, 3, &y), RT_OK);
        worst = fabs(y - exp(sin(3)));
    }
    for (double t = 0.013; dense && t < 3; t += 0.029) {
        assert_int_equal(rt_ode_at(g, t, &y), RT_OK);
        worst = fmax(worst, fabs(y - exp(sin(t))));
    }
    rt_ode_free(g);
    return worst;
}

/* Halving the step divides the error by 2^order, within 0.45 of the exponent: the next order's share at these
 * steps. */
static void orders(void **state) {
    (void)state;
    RIGHT_SIDES(m)
        for (int dense = 0; dense < 2; dense++) {
            double h = (*m)->order == 8 ? 0.5 : (*m)->order == 1 ? 0.005 : 0.1;
            double order = log2(error_with(*m, h, dense) / error_with(*m, h / 2, dense));
            int want = dense ? (*m)->dense_order : (*m)->order;
            if (order < want - 0.45 || order > want + 1.2)
                fail_msg("%s%s: order %.2f instead of %d", (*m)->name, dense ? " between steps" : "", order,
                         want);
        }
}

/* One revolution of the oscillator and of the Kepler ellipse of eccentricity 0.6 comes back to where it
 * began. The bound is 100 times the tolerance per unit of arc: local errors add up along some hundred
 * steps. */
static void one_revolution(void **state) {
    (void)state;
    const double period = 2 * M_PI, q0[] = {1, 0}, k0[] = {0.4, 0, 0, 2};
    double y[4];
    RtOdeOptions o = {.rtol = 1e-12, .atol = 1e-14};
    RtIntegrator *g = start("dop853", 2, oscillator, o, 0, period, q0);
    assert_int_equal(rt_ode_at(g, period, y), RT_OK);
    assert_true(fabs(y[0] - 1) < 1e-11 && fabs(y[1]) < 1e-11);
    rt_ode_free(g);
    g = start("dop853", 4, kepler, o, 0, period, k0);
    assert_int_equal(rt_ode_at(g, period, y), RT_OK);
    assert_true(rt_ode_done(g));
    for (int i = 0; i < 4; i++)
        assert_true(fabs(y[i] - k0[i]) < 1e-10);
    RtOdeStats s = rt_ode_stats(g);
    assert_true(s.accepted > 20 && s.accepted < 400);
    assert_true(s.evaluations >= 12 * s.accepted && s.evaluations <= 12 * (s.accepted + s.rejected) + 2);
    assert_true(s.h_min > 0 && s.h_max > s.h_min);
    rt_ode_free(g);
}

/* A reference file: t, coordinates, velocities in its first 1 + n columns; all rows within `bound`. */
static void follow(const char *file, const char *method, size_t n, RtRhs rhs, const double *y0,
                   RtOdeOptions o, double bound) {
    char path[100], line[1000];
    snprintf(path, sizeof path, "numeric/mechanics/%s.csv", file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    RtIntegrator *g = start(method, n, rhs, o, 0, 10, y0);
    int rows = 0;
    for (; fgets(line, sizeof line, f); rows++) {
        char *p = line;
        double t = strtod(p, &p), y[8];
        assert_int_equal(rt_ode_at(g, t, y), RT_OK);
        for (size_t i = 0; i < n; i++) {
            double want = strtod(p + 1, &p);
            if (!(fabs(y[i] - want) < bound))
                fail_msg("%s with %s, t = %g: %.17g instead of %.17g", file, method, t, y[i], want);
        }
    }
    assert_true(rows > 70);
    fclose(f);
    rt_ode_free(g);
}

static void reference_trajectories(void **state) {
    (void)state;
    const double p0[] = {2, 0}, k0[] = {0.4, 0, 0, 2}, d0[] = {1, 0.5}, c0[] = {2, 1, 0, 0};
    RtOdeOptions tightest = {.rtol = 1e-13, .atol = 1e-13};
    RtOdeOptions tight = {.rtol = 1e-12, .atol = 1e-13}, fixed = {.h = 1e-3};
    follow("pendulum", "dop853", 2, pendulum, p0, tight, 1e-9);
    follow("kepler", "dop853", 4, kepler, k0, tight, 1e-9);
    follow("damped_oscillator", "dop853", 2, damped, d0, tight, 1e-9);
    follow("double_pendulum", "dop853", 4, double_pendulum, c0, tightest, 1e-9); /* chaotic */
    follow("pendulum", "dopri5", 2, pendulum, p0, tight, 1e-8); /* many more steps, each with its rounding */
    follow("damped_oscillator", "rk4", 2, damped, d0, fixed,
           1e-10); /* h⁴ = 1e-12 times a span of 10 and derivatives 2⁵ */
}

/* Asking for values in between costs further evaluations but moves no step. */
static void records_do_not_change_steps(void **state) {
    (void)state;
    RIGHT_SIDES(m) {
        const double k0[] = {0.4, 0, 0, 2};
        double y[4], end[2][4];
        RtOdeOptions o = {.rtol = 1e-9, .atol = 1e-9, .h = 1e-3};
        uint64_t steps[2];
        for (int dense = 0; dense < 2; dense++) {
            RtIntegrator *g = start((*m)->name, 4, kepler, o, 0, 1, k0);
            for (double t = 0.0007; dense && t < 1; t += 0.00213)
                assert_int_equal(rt_ode_at(g, t, y), RT_OK);
            assert_int_equal(rt_ode_at(g, 1, end[dense]), RT_OK);
            steps[dense] = rt_ode_stats(g).accepted;
            rt_ode_free(g);
        }
        assert_int_equal(steps[0], steps[1]);
        assert_memory_equal(end[0], end[1], sizeof y);
    }
}

/* There and back again; the way back is integrated with t_end before t0. */
static void backwards(void **state) {
    (void)state;
    RIGHT_SIDES(m) {
        const double q0[] = {1, 0};
        double y[2], z[2], middle[2];
        RtOdeOptions o = {.rtol = 1e-10, .atol = 1e-10, .h = (*m)->order == 1 ? 1e-5 : 1e-3};
        RtIntegrator *g = start((*m)->name, 2, oscillator, o, 0, 2, q0);
        assert_int_equal(rt_ode_at(g, 2, y), RT_OK);
        rt_ode_free(g);
        g = start((*m)->name, 2, oscillator, o, 2, 0, y);
        assert_int_equal(rt_ode_at(g, 1.2345, middle), RT_OK);
        assert_true(fabs(middle[0] - cos(1.2345)) < 1e-4); /* Euler's accuracy */
        assert_int_equal(rt_ode_at(g, 0, z), RT_OK);
        assert_true(rt_ode_time(g) == 0);
        assert_true(fabs(z[0] - 1) < 1e-4 && fabs(z[1]) < 1e-4);
        rt_ode_free(g);
    }
}

/* Fixed steps: 10 / 0.1 is 100 steps and the last ends at 10 exactly; 1 / 0.3 is four, the last one short. */
static void fixed_steps_are_counted(void **state) {
    (void)state;
    double y0 = 1, y;
    RtIntegrator *g = start("rk4", 1, driven, (RtOdeOptions){.h = 0.1}, 0, 10, &y0);
    assert_int_equal(rt_ode_at(g, 10, &y), RT_OK);
    assert_int_equal(rt_ode_stats(g).accepted, 100);
    assert_true(rt_ode_time(g) == 10);
    assert_int_equal(rt_ode_at(g, 10.5, &y), RT_OUT_OF_RANGE);
    assert_int_equal(rt_ode_at(g, 1, &y), RT_OUT_OF_RANGE);
    rt_ode_extend(g, 10.5);
    assert_int_equal(rt_ode_at(g, 10.5, &y), RT_OK);
    assert_true(fabs(y - exp(sin(10.5))) < 1e-5);
    rt_ode_free(g);
    /* 3 of 0.3 and a short one, then on by 0.3 from where that ended, in both directions */
    for (int sign = -1; sign <= 1; sign += 2) {
        g = start("rk4", 1, driven, (RtOdeOptions){.h = 0.3}, 0, sign * 1.0, &y0);
        assert_int_equal(rt_ode_at(g, sign * 1.0, &y), RT_OK);
        assert_int_equal(rt_ode_stats(g).accepted, 4);
        assert_int_equal(rt_ode_at(g, sign * 0.95, &y), RT_OK);
        assert_true(fabs(y - exp(sin(sign * 0.95))) < 1e-3);
        rt_ode_extend(g, sign * 2.0);
        assert_int_equal(rt_ode_step(g), RT_OK);
        assert_true(fabs(rt_ode_time(g) - sign * 1.3) < 1e-12);
        assert_int_equal(rt_ode_at(g, sign * 2.0, &y), RT_OK);
        assert_int_equal(rt_ode_stats(g).accepted, 8);
        assert_true(fabs(y - exp(sin(sign * 2.0))) < 1e-3);
        rt_ode_free(g);
    }
}

static RtStatus runs_away(void *context, double t, const double *y, double *dy) {
    (void)context, (void)t;
    dy[0] = 0;
    dy[1] = y[1] * y[1]; /* y = 1 / (1 - t) */
    return RT_OK;
}

static RtStatus no_value(void *context, double t, const double *y, double *dy) {
    (void)context, (void)y;
    dy[0] = 1;
    return t > 0.5 ? RT_SINGULAR : RT_OK;
}

static RtStatus root(void *context, double t, const double *y, double *dy) {
    (void)context, (void)t;
    dy[0] = y[0] > 0 ? -1 / (2 * y[0]) : NAN; /* y = √(1 - t) */
    return RT_OK;
}

static void failures_are_explained(void **state) {
    (void)state;
    const double y0[] = {1, 1}, one = 1;
    double y[2], t;
    RtMessage m;
    static const char *const adaptive[] = {"dopri5", "dop853"};
    for (int k = 0; k < 2; k++) {
        RtOdeOptions o = {.rtol = 1e-8, .atol = 1e-8};
        RtIntegrator *g = start(adaptive[k], 2, runs_away, o, 0, 2, y0);
        RtStatus status = rt_ode_at(g, 2, y);
        assert_true(status == RT_STEP_TOO_SMALL || status == RT_NOT_FINITE);
        assert_int_equal(rt_ode_culprit(g, &t), 1);
        assert_true(fabs(t - 1) < 1e-6);
        assert_true(fabs(rt_ode_time(g) - 1) < 1e-6); /* the last good state is kept */
        rt_ode_explain(g, status, "v", &m);
        assert_non_null(strstr(m.text, "at t = "));
        assert_non_null(strstr(m.text, "v "));
        rt_ode_free(g);
        g = start(adaptive[k], 1, no_value, o, 0, 2, &one);
        status = rt_ode_at(g, 2, y);
        assert_int_equal(status, RT_SINGULAR);
        assert_true(fabs(rt_ode_time(g) - 0.5) < 1e-9);
        rt_ode_explain(g, status, NULL, &m);
        assert_non_null(strstr(m.text, "singular"));
        rt_ode_free(g);
        g = start(adaptive[k], 1, root, o, 0, 2, &one);
        assert_true(rt_ode_at(g, 2, y) != RT_OK);
        assert_true(fabs(rt_ode_time(g) - 1) < 1e-4);
        rt_ode_free(g);
    }
    RtIntegrator *g = start("rk4", 2, runs_away, (RtOdeOptions){.h = 0.1}, 0, 20, y0);
    RtStatus status = rt_ode_at(g, 20, y);
    assert_int_equal(status, RT_NOT_FINITE);
    assert_int_equal(rt_ode_culprit(g, &t), 1);
    assert_true(isfinite(rt_ode_state(g)[1]));
    assert_int_equal(rt_ode_step(g), RT_NOT_FINITE); /* again, and nothing has moved */
    rt_ode_free(g);
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *method;
        RtOdeOptions o;
        size_t n;
        double t_end, y0;
        const char *part;
    } t[] = {
        {"rk4", {.h = 0}, 1, 1, 0, "rk4 needs a step h above 0"},
        {"rk4", {.h = 1e-300}, 1, 1, 0, "more than 9e15 steps"},
        {"dop853", {.h = 0}, 1, 1, 0, "dop853 needs tolerances"},
        {"dop853", {.rtol = -1, .atol = 1}, 1, 1, 0, "dop853 needs tolerances"},
        {"dop853", {.rtol = 1e-17, .atol = 0}, 1, 1, 0, "below what double precision resolves"},
        {"dop853", {.rtol = 1e-9, .hmax = -1}, 1, 1, 0, "hmax must be at least 0"},
        {"dop853", {.rtol = 1e-9}, 0, 1, 0, "no coordinates"},
        {"dop853", {.rtol = 1e-9}, 1, INFINITY, 0, "is not finite"},
        {"dop853", {.rtol = 1e-9}, 1, 1, NAN, "initial value 0 is not finite"},
    };
    for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
        RtMessage m = {""};
        assert_null(rt_ode_new(rt_method(t[k].method), &(RtOde){.n = t[k].n, .rhs = driven}, &t[k].o, 0, t[k].t_end,
                               &t[k].y0, &m));
        if (!strstr(m.text, t[k].part))
            fail_msg("expected \"%s\": %s", t[k].part, m.text);
    }
    assert_null(rt_method("leapfrog"));
}

/* Many equal components give what one gives, at lengths around the blocks of the inner loops. */
static RtStatus many(void *context, double t, const double *y, double *dy) {
    for (size_t i = 0; i < *(size_t *)context; i++)
        dy[i] = cos(t) * y[i];
    return RT_OK;
}

static void any_number_of_components(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 3, 8, 63, 64, 65, 200, 1000};
    double *y0 = malloc(1000 * sizeof *y0), *y = malloc(1000 * sizeof *y), one[2];
    for (size_t i = 0; i < 1000; i++)
        y0[i] = 1;
    RIGHT_SIDES(m)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            RtMessage message;
            size_t n = sizes[k];
            RtOdeOptions o = {.rtol = 1e-8, .atol = 1e-8, .h = 0.01};
            RtIntegrator *g = rt_ode_new(*m, &(RtOde){.n = n, .rhs = many, .context = &n}, &o, 0, 1.7, y0, &message);
            assert_int_equal(rt_ode_at(g, 0.83, y), RT_OK);
            double between = y[n - 1];
            assert_int_equal(rt_ode_at(g, 1.7, y), RT_OK);
            for (size_t i = 0; i < n; i++)
                assert_true(y[i] == y[0]);
            if (k == 0)
                one[0] = between, one[1] = y[0];
            /* the error norm sums in another order, so steps agree to rounding only */
            assert_true(fabs(one[0] - between) < 1e-12 && fabs(one[1] - y[0]) < 1e-12);
            rt_ode_free(g);
        }
    free(y0);
    free(y);
}

static void restarts(void **state) {
    (void)state;
    const double q0[] = {1, 0}, hit[] = {0, 1};
    double y[2];
    RtIntegrator *g = start("dop853", 2, oscillator, (RtOdeOptions){.rtol = 1e-11, .atol = 1e-11}, 0, 5, q0);
    assert_int_equal(rt_ode_at(g, 1, y), RT_OK);
    rt_ode_restart(g, 1, hit);
    assert_int_equal(rt_ode_at(g, 3, y), RT_OK);
    assert_true(fabs(y[0] - sin(2)) < 1e-9 && fabs(y[1] - cos(2)) < 1e-9);
    rt_ode_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders),
        cmocka_unit_test(one_revolution),
        cmocka_unit_test(reference_trajectories),
        cmocka_unit_test(records_do_not_change_steps),
        cmocka_unit_test(backwards),
        cmocka_unit_test(fixed_steps_are_counted),
        cmocka_unit_test(failures_are_explained),
        cmocka_unit_test(refusals),
        cmocka_unit_test(any_number_of_components),
        cmocka_unit_test(restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
