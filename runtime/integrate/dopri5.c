/* dopri5 — order 5 with an embedded estimate of order 4, controlled step, dense output of order 4 (J. R.
 * Dormand, P. J. Prince, "A family of embedded Runge-Kutta formulae", J. Comp. Appl. Math. 6 (1980); the
 * interpolant by Shampine as in Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, 2nd
 * edition, II.6). */
#include "lanes.h"
#include "method.h"

#include <float.h>
#include <math.h>

static const double c[] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1};
static const double a[][RT_RK_STAGES] = {
    {0},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
};
static const double b[] = {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84};
/* b minus the weights of order 4 */
static const double e[] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                           -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
static const double d[] = {
    -12715105075.0 / 11282082432,  0,
    87487479700.0 / 32700410799,   -10690763975.0 / 1880347072,
    701980252875.0 / 199316789632, -1453857185.0 / 822651844,
    69997945.0 / 29380423,
};

static double error(const RtIntegrator *g, double h, const double *y1, size_t *culprit) {
    double sum = 0, worst = -1;
    for (size_t i = 0; i < g->ode.n; i++) {
        double x = 0;
        for (int s = 0; s < 7; s++)
            x += e[s] * g->k[s][i];
        x *= h / rt_rk_scale(g, g->y[i], y1[i]);
        sum += x * x;
        if (x * x > worst || isnan(x)) {
            worst = x * x;
            *culprit = i;
        }
    }
    return sqrt(sum / (double)g->ode.n);
}

static void error_lanes(const RtLanes *g, const double *h, double *result, size_t *culprit) {
    double worst[RT_MAX_LANES];
    for (unsigned l = 0; l < g->lanes; l++) {
        result[l] = 0;
        worst[l] = -1;
    }
    for (size_t i = 0; i < g->n; i++) {
        for (unsigned l = 0; l < g->lanes; l++) {
            size_t at = i * g->lanes + l;
            double x = 0, y = fabs(g->y[at]), y1 = fabs(g->ode.y[i][l]);
            for (int s = 0; s < 7; s++)
                x += e[s] * g->k[s][at];
            x *= h[l] / (g->atol[l] + g->rtol[l] * (y1 > y ? y1 : y) + DBL_MIN);
            result[l] += x * x;
            if (x * x > worst[l] || isnan(x)) {
                worst[l] = x * x;
                culprit[l] = i;
            }
        }
    }
    for (unsigned l = 0; l < g->lanes; l++)
        result[l] = sqrt(result[l] / (double)g->n);
}

static const RtTableau table = {
    .stages = 6,
    .c = c,
    .a = a,
    .b = b,
    .error_needs_last = true,
    .error_order = 5,
    .error = error,
    .error_lanes = error_lanes,
};

static bool setup(RtIntegrator *g) {
    return rt_rk_setup(g, &table, 7, 0);
}

static RtStatus interpolate(RtIntegrator *g, double t, double *y) {
    double x = (t - g->t_old) / g->h, x1 = 1 - x;
    for (size_t i = 0; i < g->ode.n; i++) {
        double delta = g->y[i] - g->y_old[i], bump = g->h * g->k[0][i] - delta, r = 0;
        double bend = delta - g->h * g->k[6][i] - bump;
        for (int s = 0; s < 7; s++)
            r += d[s] * g->k[s][i];
        y[i] = g->y_old[i] + x * (delta + x1 * (bump + x * (bend + x1 * g->h * r)));
    }
    return RT_OK;
}

const RtMethod rt_method_dopri5 = {"dopri5", 5, 4, true, setup, rt_rk_step_adaptive, interpolate, rt_rk_free, false,
                                   true, NULL};
