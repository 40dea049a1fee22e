/* euler — Euler's method, y₁ = y + h f(t, y): order 1, fixed step. */
#include "method.h"

static const double c[] = {0}, a[][RT_RK_STAGES] = {{0}}, b[] = {1};
static const RtTableau table = {.stages = 1, .c = c, .a = a, .b = b};

static bool setup(RtIntegrator *g) {
    return rt_rk_setup(g, &table, 2, 0);
}

/* Straight between the ends: as good as the ends are. */
static RtStatus interpolate(RtIntegrator *g, double t, double *y) {
    double x = (t - g->t_old) / g->h;
    for (size_t i = 0; i < g->ode.n; i++)
        y[i] = g->y_old[i] + x * (g->y[i] - g->y_old[i]);
    return RT_OK;
}

const RtMethod rt_method_euler = {"euler", 1, 1, false, setup, rt_rk_step_fixed, interpolate, rt_rk_free, false, true, NULL};
