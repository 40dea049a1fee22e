/* integrate — what drives a method: options checked, records at exact times, messages. */
#include "control.h"
#include "../taylor_order.h"
#include "method.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool check(const RtMethod *method, const RtOde *ode, const RtOdeOptions *o, double t0, double t_end,
                  const double *y0, RtMessage *m) {
    if (ode->n == 0)
        return rt_fail(m, "there is nothing to integrate: the system has no coordinates");
    if (!isfinite(t0) || !isfinite(t_end))
        return rt_fail(m, "the time span %g to %g is not finite", t0, t_end);
    if (!method->adaptive && !(o->h > 0 && isfinite(o->h)))
        return rt_fail(m, "%s needs a step h above 0 (found %g)", method->name, o->h);
    if (!method->adaptive && fabs(t_end - t0) / o->h > 9e15)
        return rt_fail(m, "%s would need more than 9e15 steps of %g", method->name, o->h);
    if (method->adaptive &&
        !(o->rtol >= 0 && o->atol >= 0 && o->rtol + o->atol > 0 && isfinite(o->rtol + o->atol)))
        return rt_fail(m, "%s needs tolerances: rtol and atol at least 0 and not both 0 (found %g and %g)",
                       method->name, o->rtol, o->atol);
    double finest = method->of_jets ? DBL_EPSILON : 10 * DBL_EPSILON; /* differences of stages lose a digit */
    if (method->adaptive && o->rtol > 0 && o->rtol < finest)
        return rt_fail(
            m, "rtol = %g is below what double precision resolves; %g is the smallest that can be met",
            o->rtol, finest);
    if (method->of_jets && o->order != 0 && !(o->order >= RT_TAYLOR_LEAST && o->order <= RT_TAYLOR_MOST))
        return rt_fail(m, "the order of %s lies in %d … %d, or is 0: from the tolerance (found %g)", method->name,
                       RT_TAYLOR_LEAST, RT_TAYLOR_MOST, o->order);
    if (!(method->of_jets ? ode->jet != NULL : ode->rhs != NULL))
        return rt_fail(m, "%s takes %s", method->name, method->of_jets ? "Taylor coefficients" : "a right-hand side");
    if (!(o->h >= 0 && o->hmax >= 0))
        return rt_fail(m, "h and hmax must be at least 0 (found %g and %g)", o->h, o->hmax);
    for (size_t i = 0; i < ode->n; i++)
        if (!isfinite(y0[i]))
            return rt_fail(m, "initial value %zu is not finite", i);
    return true;
}

RtIntegrator *rt_ode_new(const RtMethod *method, const RtOde *ode, const RtOdeOptions *options, double t0,
                         double t_end, const double *y0, RtMessage *m) {
    if (!check(method, ode, options, t0, t_end, y0, m))
        return NULL;
    RtIntegrator *g = calloc(1, sizeof *g);
    if (g) {
        g->method = method;
        g->ode = *ode;
        g->options = *options;
        if (!method->setup(g)) {
            free(g);
            g = NULL;
        }
    }
    if (!g) {
        rt_fail(m, "not enough memory for %s on %zu quantities", method->name, ode->n);
        return NULL;
    }
    g->t0 = g->t = g->t_old = t0;
    g->t_end = t_end;
    g->direction = t_end < t0 ? -1 : 1;
    g->h_next = g->direction * options->h;
    g->log_error_old = control_log_error(0);
    memcpy(g->y, y0, ode->n * sizeof *y0);
    memcpy(g->y_old, y0, ode->n * sizeof *y0);
    return g;
}

void rt_ode_free(RtIntegrator *g) {
    if (!g)
        return;
    g->method->free(g);
    free(g);
}

bool rt_ode_done(const RtIntegrator *g) {
    return g->t == g->t_end;
}

RtStatus rt_ode_step(RtIntegrator *g) {
    return rt_ode_done(g) ? RT_OK : g->method->step(g);
}

/* Whether t lies at or before the present time, seen in the direction of integration. */
bool rt_ode_covers(const RtIntegrator *g, double t) {
    return (t - g->t) * g->direction <= 0;
}

RtStatus rt_ode_at(RtIntegrator *g, double t, double *y) {
    while (!rt_ode_covers(g, t) && !rt_ode_done(g)) {
        RtStatus status = g->method->step(g);
        if (status != RT_OK)
            return status;
    }
    /* a time past the end by no more than the rounding of its own computation is the end */
    double slack = 1e-12 * fmax(fabs(t), fabs(g->t_end));
    if ((g->t_old - t) * g->direction > 0 || (t - g->t_end) * g->direction > slack)
        return RT_OUT_OF_RANGE;
    const double *exact = t == g->t_old ? g->y_old : rt_ode_covers(g, t) && t != g->t ? NULL : g->y;
    if (!exact)
        return g->method->interpolate(g, t, y);
    memcpy(y, exact, g->ode.n * sizeof *y);
    return RT_OK;
}

double rt_ode_time(const RtIntegrator *g) {
    return g->t;
}

double rt_ode_from(const RtIntegrator *g) {
    return g->t_old;
}

const double *rt_ode_state(const RtIntegrator *g) {
    return g->y;
}

void rt_ode_extend(RtIntegrator *g, double t_end) {
    g->t_end = t_end;
}

void rt_ode_restart(RtIntegrator *g, double t, const double *y) {
    memmove(g->y, y, g->ode.n * sizeof *y);
    memcpy(g->y_old, g->y, g->ode.n * sizeof *y);
    g->t0 = g->t = g->t_old = t;
    g->h = 0;
    g->steps = 0;
    g->have_slope = g->dense_ready = g->rejected = false;
    g->log_error_old = control_log_error(0);
}

void rt_ode_probe(RtIntegrator *g, double part) {
    g->probe = part;
}

RtOdeStats rt_ode_stats(const RtIntegrator *g) {
    return g->stats;
}

size_t rt_ode_culprit(const RtIntegrator *g, double *t) {
    *t = g->culprit_t;
    size_t worst = g->culprit == RT_LARGEST_ESTIMATE ? 0 : g->culprit;
    for (size_t i = 1; i < g->ode.n && g->culprit == RT_LARGEST_ESTIMATE; i++)
        if (g->estimate[i] > g->estimate[worst] || isnan(g->estimate[i]))
            worst = i;
    return worst;
}

void rt_ode_explain(const RtIntegrator *g, RtStatus status, const char *name, RtMessage *m) {
    char number[40];
    double when;
    snprintf(number, sizeof number, "component %zu", rt_ode_culprit(g, &when));
    name = name ? name : number;
    if (status == RT_OK)
        m->text[0] = '\0';
    else if (status == RT_STEP_TOO_SMALL)
        rt_fail(
            m,
            "at t = %.10g, %s changes so fast that no step the clock can resolve meets rtol = %g, atol = "
            "%g: the motion may be singular there",
            g->culprit_t, name, g->options.rtol, g->options.atol);
    else if (status == RT_NOT_FINITE)
        rt_fail(
            m,
            "at t = %.10g, %s or its derivative is no longer finite: the motion may run away or be "
            "singular there",
            g->culprit_t, name);
    else
        rt_fail(m, "at t = %.10g the equations of motion have no value: %s", g->culprit_t,
                rt_status_text(status));
}
