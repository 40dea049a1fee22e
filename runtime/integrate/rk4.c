/* rk4 — the classical method of order 4 with four stages (W. Kutta, 1901), fixed step; cubic Hermite between
 * steps. */
#include "method.h"

static const double c[] = {0, 0.5, 0.5, 1};
static const double a[][RT_RK_STAGES] = {{0}, {0.5}, {0, 0.5}, {0, 0, 1}};
static const double b[] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
static const RtTableau table = {.stages = 4, .c = c, .a = a, .b = b};

static bool setup(RtIntegrator *g) {
    return rt_rk_setup(g, &table, 5, 0);
}

const RtMethod rt_method_rk4 = {"rk4", 4, 4, false, setup, rt_rk_step_fixed, rt_rk_hermite, rt_rk_free, false, true, NULL};
