/* taylor — Taylor's method of any order: y(t + h) = Σ c_k h^k with the exact coefficients c_k of the solution (A. Jorba,
 * M. Zou, Experimental Mathematics 14 (2005) 99). The order follows from the tolerance, p = 1 − ½ ln ε rounded up to an even number, and
 * is kept; the step is what the last two coefficients allow, so no step is ever rejected; the polynomial itself is the dense output.
 *
 * Why even: what a step leaves out then goes with an odd power of h. Where a motion comes as it goes, as past a pericentre, the
 * parts of it that move the energy cancel; with odd orders they add up (tests/golden/check/kepler_long.lag: 4e-14 in a
 * thousand periods with order 20, 4e-13 with 19 and 6e-13 with 21). */
#include "../taylor_order.h"
#include "method.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int order_for(const RtOdeOptions *o) { return rt_taylor_order(o->rtol, o->atol, o->order); }

static bool setup(RtIntegrator *g) {
    size_t n = g->ode.n, size, rows;
    g->order = order_for(&g->options);
    rows = (size_t)g->order + 1 + 4;
    if (__builtin_mul_overflow(n, rows * sizeof(double), &size))
        return false;
    double *at = g->memory = calloc(1, size);
    if (!at)
        return false;
    double **vector[] = {&g->y, &g->y_old, &g->y_new, &g->extra, &g->c};
    for (int i = 0; i < 5; i++, at += n)
        *vector[i] = at;
    return true;
}

/* Σ_{k=1}^{p} c_k h^k, what a step adds to y, by Horner's rule. */
static void increment(const RtIntegrator *g, double h, double *restrict sum) {
    size_t n = g->ode.n;
    memcpy(sum, g->c + (size_t)g->order * n, n * sizeof *sum);
    for (int k = g->order - 1; k >= 1; k--) {
        const double *restrict row = g->c + (size_t)k * n;
        for (size_t i = 0; i < n; i++)
            sum[i] = row[i] + h * sum[i];
    }
    for (size_t i = 0; i < n; i++)
        sum[i] *= h;
}

static double largest(const RtIntegrator *g, int k) {
    double most = 0;
    for (size_t i = 0; i < g->ode.n; i++)
        most = fmax(most, fabs(g->c[(size_t)k * g->ode.n + i]));
    return most;
}

/* The step whose last two terms are as large as the tolerance allows: h = min_m (e / |c_m|)^(1/m) · e^(−0.7/(p−1)), m = p−1, p, in
 * the largest norm, with e = ε |y| or the absolute tolerance, whichever is larger (loc. cit., 3.2). */
static double choose(RtIntegrator *g) {
    int p = g->order;
    double allowed = fmax(g->options.atol, g->options.rtol * largest(g, 0)) + DBL_MIN, h = INFINITY;
    for (int m = p - 1; m <= p; m++) {
        double c = largest(g, m);
        if (c > 0)
            h = fmin(h, pow(allowed / c, 1.0 / m));
    }
    return h * exp(-0.7 / (p - 1));
}

/* The coefficients at (t, y), all of them finite. */
static RtStatus expand(RtIntegrator *g) {
    size_t n = g->ode.n, count = n * ((size_t)g->order + 1);
    g->stats.evaluations++;
    g->culprit_t = g->t;
    RtStatus status = g->ode.jet(g->ode.context, g->t, g->y, g->order, g->c);
    if (status != RT_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(g->c[i])) {
            g->culprit = i % n;
            return RT_NOT_FINITE;
        }
    return RT_OK;
}

/* The end of the step that starts at t: of given length, t0 + (steps + 1) h so that times do not add up their rounding, or chosen. */
static double end_of_step(RtIntegrator *g) {
    bool fixed = g->options.h > 0;
    double h = fixed ? g->options.h : choose(g), left = fabs(g->t_end - g->t);
    if (g->probe > 0)
        return g->t + g->direction * fmax(g->probe * fmin(h, left), 16 * DBL_EPSILON * fabs(g->t));
    if (!fixed && g->options.hmax > 0)
        h = fmin(h, g->options.hmax);
    if (fixed ? left - h <= 1e-9 * h : h >= left)
        return g->t_end;
    return fixed ? g->t0 + (double)(g->steps + 1) * g->direction * h : g->t + g->direction * h;
}

/* y + sum, and what rounding took from it: added to the next step (W. Kahan, 1965; D. Knuth's exact difference). */
static void add(RtIntegrator *g, const double *sum) {
    for (size_t i = 0; i < g->ode.n; i++) {
        double a = g->y[i], b = sum[i] + g->extra[i], y = a + b, part = y - a;
        g->extra[i] = (a - (y - part)) + (b - part);
        g->y_new[i] = y;
    }
}

static RtStatus step(RtIntegrator *g) {
    size_t n = g->ode.n;
    if (!g->have_slope) /* y is new */
        memset(g->extra, 0, n * sizeof *g->extra);
    RtStatus status = expand(g);
    if (status != RT_OK)
        return status;
    double t1 = end_of_step(g), h = t1 - g->t, size = fabs(h);
    if (size <= 4 * DBL_EPSILON * fabs(g->t) && t1 != g->t_end)
        return RT_STEP_TOO_SMALL;
    if (size < DBL_MIN / DBL_EPSILON)
        return RT_STEP_TOO_SMALL;
    increment(g, h, g->y_old);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(g->y_old[i])) {
            g->culprit = i;
            return RT_NOT_FINITE;
        }
    add(g, g->y_old);
    double *y = g->y_old;
    g->y_old = g->y;
    g->y = g->y_new;
    g->y_new = y;
    g->t_old = g->t;
    g->t = t1;
    g->h = h;
    g->steps++;
    if (g->options.h > 0 && (t1 == g->t_end || g->probe > 0)) {
        g->t0 = t1;
        g->steps = 0;
    }
    g->probe = 0;
    g->have_slope = true;
    g->stats.h_min = g->stats.accepted == 0 || size < g->stats.h_min ? size : g->stats.h_min;
    g->stats.h_max = size > g->stats.h_max ? size : g->stats.h_max;
    g->stats.accepted++;
    return RT_OK;
}

static RtStatus interpolate(RtIntegrator *g, double t, double *y) {
    increment(g, t - g->t_old, y);
    for (size_t i = 0; i < g->ode.n; i++)
        y[i] += g->y_old[i];
    return RT_OK;
}

const RtMethod rt_method_taylor = {"taylor", 0, 0, true, setup, step, interpolate, rt_rk_free, true, false, order_for};
