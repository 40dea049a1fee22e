/* rk — one step of an explicit Runge-Kutta method given by its table, of fixed or controlled size. */
#include "control.h"
#include "method.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64, PIECE = 4 };

/* Blocks of constant length are what compilers vectorize whole; the terms are added in the same order for
 * every element, so where a block ends does not change the result. */
void rt_rk_combine(size_t n, const double *y, double h, int m, const double *a, double *const *k,
                   double *restrict out) {
    const double *term[RT_RK_STAGES + 1];
    double weight[RT_RK_STAGES + 1] = {0};
    int terms = 0;
    for (int j = 0; j < m; j++)
        if (a[j] != 0) {
            weight[terms] = a[j];
            term[terms++] = k[j];
        }
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        double sum[BLOCK] = {0};
        for (int j = 0; j < terms; j++) {
            const double *restrict kj = term[j] + i;
            for (int l = 0; l < BLOCK; l++)
                sum[l] += weight[j] * kj[l];
        }
        for (int l = 0; l < BLOCK; l++)
            out[i + l] = y[i + l] + h * sum[l];
    }
    for (; i + PIECE <= n; i += PIECE) {
        double sum[PIECE] = {0};
        for (int j = 0; j < terms; j++) {
            const double *restrict kj = term[j] + i;
            for (int l = 0; l < PIECE; l++)
                sum[l] += weight[j] * kj[l];
        }
        for (int l = 0; l < PIECE; l++)
            out[i + l] = y[i + l] + h * sum[l];
    }
    for (; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < terms; j++)
            sum += weight[j] * term[j][i];
        out[i] = y[i] + h * sum;
    }
}

RtStatus rt_rk_slope(RtIntegrator *g, double t, const double *y, double *dy) {
    size_t n = g->ode.n;
    g->stats.evaluations++;
    g->culprit_t = t;
    RtStatus status = g->ode.rhs(g->ode.context, t, y, dy);
    if (status != RT_OK)
        return status;
    double sum = 0; /* 0·x is 0 for finite x and NaN otherwise */
    for (size_t i = 0; i < n; i++)
        sum += 0.0 * dy[i];
    if (sum == 0)
        return RT_OK;
    for (g->culprit = 0; g->culprit < n - 1 && isfinite(dy[g->culprit]); g->culprit++)
        continue;
    return RT_NOT_FINITE;
}

bool rt_rk_setup(RtIntegrator *g, const RtTableau *tableau, int slopes, int extra) {
    size_t n = (g->ode.n + 7) / 8 * 8, vectors = 4 + (size_t)slopes + (size_t)extra, size;
    g->tableau = tableau;
    if (__builtin_mul_overflow(n, vectors * sizeof(double), &size))
        return false;
    double *at = g->memory = aligned_alloc(64, size ? size : 64);
    if (!at)
        return false;
    memset(at, 0, size);
    double **vector[] = {&g->y, &g->y_old, &g->y_new, &g->estimate};
    for (int i = 0; i < 4; i++, at += n)
        *vector[i] = at;
    for (int i = 0; i < slopes; i++, at += n)
        g->k[i] = at;
    g->extra = extra ? at : NULL;
    int rows = slopes < RT_RK_STAGES ? slopes : RT_RK_STAGES;
    if (rt_rk_open_stages(g, tableau, rows > tableau->stages ? rows : tableau->stages + 1))
        return true;
    rt_rk_free(g);
    return false;
}

void rt_rk_free(RtIntegrator *g) {
    free(g->memory);
    free(g->stages);
    g->memory = NULL;
    g->stages = NULL;
}

/* k[0] = f(t, y): the last slope of the step before, or a fresh one. */
static RtStatus first_slope(RtIntegrator *g) {
    int last = g->tableau->stages;
    g->dense_ready = false;
    if (!g->have_slope) {
        RtStatus status = rt_rk_slope(g, g->t, g->y, g->k[last]);
        if (status != RT_OK)
            return status;
    }
    double *slope = g->k[last];
    g->k[last] = g->k[0];
    g->k[0] = slope;
    g->have_slope = false; /* k[last] is stale until a step is accepted */
    return RT_OK;
}

/* Gives k[0] back its place as the slope at t when no step was made. */
static void keep_slope(RtIntegrator *g) {
    int last = g->tableau->stages;
    double *slope = g->k[0];
    g->k[0] = g->k[last];
    g->k[last] = slope;
    g->have_slope = true;
}

static RtStatus stages(RtIntegrator *g, double h) {
    const RtTableau *T = g->tableau;
    if (rt_rk_stages(g, 1, T->stages - 1, g->y, g->t, g->t, h))
        return RT_OK;
    for (int i = 1; i < T->stages; i++) {
        rt_rk_combine(g->ode.n, g->y, h, i, T->a[i], g->k, g->y_new);
        RtStatus status = rt_rk_slope(g, g->t + T->c[i] * h, g->y_new, g->k[i]);
        if (status != RT_OK)
            return status;
    }
    rt_rk_combine(g->ode.n, g->y, h, T->stages, T->b, g->k, g->y_new);
    return RT_OK;
}

/* The slope at the end of the step. */
static RtStatus last_slope(RtIntegrator *g, double h, double t1) {
    int last = g->tableau->stages;
    if (rt_rk_stages(g, last, last, g->y, g->t, t1, h))
        return RT_OK;
    return rt_rk_slope(g, t1, g->y_new, g->k[last]);
}

/* The step from t to t1 has succeeded: y_new is y there. */
static void accept(RtIntegrator *g, double h, double t1) {
    double *y = g->y_old;
    g->t_old = g->t;
    g->h = h;
    g->t = t1;
    g->y_old = g->y;
    g->y = g->y_new;
    g->y_new = y;
    g->steps++;
    double size = fabs(h);
    g->stats.h_min = g->stats.accepted == 0 || size < g->stats.h_min ? size : g->stats.h_min;
    g->stats.h_max = size > g->stats.h_max ? size : g->stats.h_max;
    g->stats.accepted++;
}

static RtStatus check_state(RtIntegrator *g) {
    for (size_t i = 0; i < g->ode.n; i++)
        if (!isfinite(g->y_new[i])) {
            g->culprit = i;
            g->culprit_t = g->t;
            return RT_NOT_FINITE;
        }
    return RT_OK;
}

/* Times are t0 + k h, not a running sum. The last step is cut at t_end; a rest below 1e-9 h belongs to the
 * step before. */
bool rt_rk_propose_fixed(const RtIntegrator *g, RtTry *try) {
    double h = g->direction * g->options.h;
    double t1 = g->t0 + (double)(g->steps + 1) * h;
    if ((g->t_end - t1) * g->direction <= 1e-9 * g->options.h)
        t1 = g->t_end;
    if (fabs(t1 - g->t - h) > 1e-9 * g->options.h)
        h = t1 - g->t;
    *try = (RtTry){h, t1, t1 == g->t_end};
    return true;
}

void rt_rk_accept_fixed(RtIntegrator *g, const RtTry *try) {
    accept(g, try->h, try->t1);
    if (try->h != g->direction * g->options.h) {
        g->t0 = try->t1;
        g->steps = 0;
    }
}

RtStatus rt_rk_step_fixed(RtIntegrator *g) {
    RtTry try;
    rt_rk_propose_fixed(g, &try);
    RtStatus status = first_slope(g);
    if (status != RT_OK)
        return status;
    bool with_last = rt_rk_stages(g, 1, g->tableau->stages, g->y, g->t, try.t1, try.h);
    status = with_last ? RT_OK : stages(g, try.h);
    if (status == RT_OK)
        status = check_state(g);
    if (status != RT_OK) {
        keep_slope(g);
        return status;
    }
    rt_rk_accept_fixed(g, &try);
    g->have_slope = with_last;
    return RT_OK;
}

/* Root mean square of x relative to the tolerance. */
static double norm(const RtIntegrator *g, const double *x, const double *minus) {
    double sum = 0;
    for (size_t i = 0; i < g->ode.n; i++) {
        double d = (minus ? x[i] - minus[i] : x[i]) / rt_rk_scale(g, g->y[i], g->y[i]);
        sum += d * d;
    }
    return g->ode.n ? sqrt(sum / (double)g->ode.n) : 0;
}

/* A first step from the size of y, y' and y'' (Hairer, Nørsett, Wanner, Solving Ordinary Differential
 * Equations I, 2nd edition, II.4). k[0] is f(t, y). */
static RtStatus choose_first(RtIntegrator *g) {
    const double one = 1;
    double span = g->t_end - g->t;
    double d0 = norm(g, g->y, NULL), d1 = norm(g, g->k[0], NULL), d2 = 0;
    double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
    h0 = fmin(h0, fabs(span));
    rt_rk_combine(g->ode.n, g->y, g->direction * h0, 1, &one, g->k, g->y_new);
    RtStatus status = rt_rk_slope(g, g->t + g->direction * h0, g->y_new, g->k[1]);
    if (status == RT_OK)
        d2 = norm(g, g->k[1], g->k[0]) / h0;
    double d = fmax(d1, d2);
    double h1 = d <= 1e-15 ? fmax(1e-6, 1e-3 * h0) : pow(0.01 / d, 1.0 / g->method->order);
    double h = fmin(fmin(100 * h0, h1), fabs(span));
    g->h_next = g->direction * (isfinite(h) && h > 0 ? h : h0);
    return RT_OK;
}

/* One try of size h. *error: in units of the tolerance; infinite where the right-hand side has no value. */
static RtStatus attempt(RtIntegrator *g, double h, double t1, double *error) {
    const RtTableau *T = g->tableau;
    *error = INFINITY;
    RtStatus status = stages(g, h);
    if (status == RT_OK && T->error_needs_last)
        status = last_slope(g, h, t1);
    if (status != RT_OK)
        return status;
    double e = T->error(g, h, g->y_new, &g->culprit);
    g->culprit_t = g->t;
    if (isnan(e))
        return RT_NOT_FINITE;
    *error = e;
    if (e <= 1 && !T->error_needs_last) {
        status = last_slope(g, h, t1);
        if (status != RT_OK)
            *error = INFINITY;
    }
    return status;
}

bool rt_rk_propose(RtIntegrator *g, RtTry *try) {
    double h = g->h_next, left = g->t_end - g->t;
    if (g->options.hmax > 0 && fabs(h) > g->options.hmax)
        h = copysign(g->options.hmax, h);
    try->last = fabs(h) * 1.01 >= fabs(left);
    try->h = try->last ? left : h;
    try->t1 = try->last ? g->t_end : g->t + h;
    if (fabs(try->h) > 4 * DBL_EPSILON * fabs(g->t) || try->last)
        return true;
    g->culprit_t = g->t;
    return false;
}

RtVerdict rt_rk_decide(RtIntegrator *g, const RtTry *try, double error, double factor, double log_error) {
    if (error <= 1) {
        accept(g, try->h, try->t1);
        g->have_slope = true;
        g->log_error_old = log_error;
        if (!try->last || factor < 1)
            g->h_next = try->h * (g->rejected ? fmin(factor, 1) : factor);
        g->rejected = false;
        return RT_TRY_ACCEPTED;
    }
    g->stats.rejected++;
    g->rejected = true;
    g->h_next = isfinite(error) ? try->h * fmin(0.9, factor) : 0.1 * try->h;
    /* at t = 0 there is no resolution to run into */
    return fabs(g->h_next) < DBL_MIN / DBL_EPSILON ? RT_TRY_TOO_SMALL : RT_TRY_AGAIN;
}

static RtVerdict judge(RtIntegrator *g, const RtTry *try, double error) {
    double factor = control_factor(g->tableau->error_order, error, g->log_error_old);
    return rt_rk_decide(g, try, error, factor, control_log_error(error));
}

RtStatus rt_rk_begin_step(RtIntegrator *g) {
    RtStatus status = first_slope(g);
    return status == RT_OK && g->h_next == 0 ? choose_first(g) : status;
}

RtStatus rt_rk_step_adaptive(RtIntegrator *g) {
    RtStatus status = rt_rk_begin_step(g);
    if (status != RT_OK)
        return status;
    RtVerdict verdict = RT_TRY_AGAIN;
    while (verdict == RT_TRY_AGAIN) {
        RtTry try;
        double error;
        if (!rt_rk_propose(g, &try))
            break;
        status = attempt(g, try.h, try.t1, &error);
        verdict = judge(g, &try, error);
    }
    if (verdict == RT_TRY_ACCEPTED)
        return RT_OK;
    keep_slope(g);
    return status == RT_OK ? RT_STEP_TOO_SMALL : status;
}

RtStatus rt_rk_hermite(RtIntegrator *g, double t, double *y) {
    int last = g->tableau->stages;
    if (!g->have_slope) {
        RtStatus status = rt_rk_slope(g, g->t, g->y, g->k[last]);
        if (status != RT_OK)
            return status;
        g->have_slope = true;
    }
    double x = (t - g->t_old) / g->h, x1 = 1 - x;
    for (size_t i = 0; i < g->ode.n; i++) {
        double d = g->y[i] - g->y_old[i], s0 = g->h * g->k[0][i], s1 = g->h * g->k[last][i];
        y[i] = g->y_old[i] + x * (d + x1 * (x1 * (s0 - d) + x * (d - s1)));
    }
    return RT_OK;
}
