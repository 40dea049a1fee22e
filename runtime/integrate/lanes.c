/* lanes — several copies of a system integrated at once: see lanes.h. */
#include "lanes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const RtLaneKernels *kernels_for(unsigned lanes) {
    static const RtLaneKernels *const all[] = {&rt_lane_kernels_2, &rt_lane_kernels_4, &rt_lane_kernels_8};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->lanes == lanes)
            return all[i];
    return NULL;
}

static bool reserve(RtLanes *g) {
    size_t vectors = 3 + (size_t)g->tableau->stages, row = (g->n ? g->n : 1) * g->lanes, size;
    if (__builtin_mul_overflow(row * sizeof(double), vectors, &size))
        return false;
    double *at = g->memory = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!at)
        return false;
    memset(at, 0, size);
    g->y = at;
    g->y_old = at += row;
    for (int s = 0; s <= g->tableau->stages; s++)
        g->k[s] = at += row;
    return true;
}

bool rt_method_has_lanes(const RtMethod *method, unsigned lanes) {
    return method->has_lanes && kernels_for(lanes);
}

RtLanes *rt_lanes_new(const RtIntegrator *like, const RtLaneOde *ode) {
    if (!rt_method_has_lanes(like->method, ode->lanes))
        return NULL;
    RtLanes *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->tableau = like->tableau;
    g->kernels = kernels_for(ode->lanes);
    g->n = like->ode.n;
    g->lanes = ode->lanes;
    g->ode = *ode;
    if (reserve(g))
        return g;
    free(g);
    return NULL;
}

void rt_lanes_free(RtLanes *g) {
    if (g)
        free(g->memory);
    free(g);
}

/* Column `lane` of a block from or to a vector of its own. */
static void put(const RtLanes *g, unsigned lane, double *to, const double *from) {
    for (size_t i = 0; i < g->n; i++)
        to[i * g->lanes + lane] = from[i];
}

static void get(const RtLanes *g, unsigned lane, const double *from, double *to) {
    for (size_t i = 0; i < g->n; i++)
        to[i] = from[i * g->lanes + lane];
}

RtStatus rt_lanes_enter(RtLanes *g, unsigned lane, RtIntegrator *copy) {
    if (copy->ode.n != g->n || copy->tableau != g->tableau || g->copy[lane])
        return RT_OUT_OF_RANGE;
    RtStatus status = rt_rk_begin_step(copy);
    if (status != RT_OK)
        return status;
    g->copy[lane] = copy;
    g->rtol[lane] = copy->options.rtol;
    g->atol[lane] = copy->options.atol;
    g->fresh[lane] = false;
    g->status[lane] = RT_OK;
    put(g, lane, g->y, copy->y);
    put(g, lane, g->y_old, copy->y);
    put(g, lane, g->k[0], copy->k[0]);
    return RT_OK;
}

void rt_lanes_show(const RtLanes *g, unsigned lane) {
    RtIntegrator *copy = g->copy[lane];
    get(g, lane, g->y, copy->y);
    get(g, lane, g->y_old, copy->y_old);
    for (int s = 0; s <= g->tableau->stages; s++)
        get(g, lane, g->k[s], copy->k[s]);
    copy->have_slope = g->fresh[lane] && g->status[lane] == RT_OK;
    copy->dense_ready = false;
}

void rt_lanes_leave(RtLanes *g, unsigned lane) {
    rt_lanes_show(g, lane);
    if (!g->fresh[lane]) { /* k[0] takes its place as the slope at t */
        memcpy(g->copy[lane]->k[g->tableau->stages], g->copy[lane]->k[0], g->n * sizeof(double));
        g->copy[lane]->have_slope = true;
    }
    g->copy[lane] = NULL;
}

/* ---- a try in every lane ---- */

typedef struct Round {
    RtTry try[RT_MAX_LANES];
    double h[RT_MAX_LANES], t[RT_MAX_LANES], end[RT_MAX_LANES], log_old[RT_MAX_LANES];
    bool on[RT_MAX_LANES]; /* still in the running in this try */
    unsigned slopes;       /* evaluated for those */
} Round;

enum { END = -1 }; /* in the place of c: the end of the step */

static double time_of(const Round *r, unsigned l, double c) { return c == END ? r->end[l] : r->t[l] + c * r->h[l]; }

/* Lanes without a value are out of this try. */
static void leave_out(RtLanes *g, Round *r, double c, const double *k, const int32_t *status, const double *bad) {
    for (unsigned l = 0; l < g->lanes; l++) {
        if (!r->on[l] || bad[l] == 0)
            continue;
        RtIntegrator *copy = g->copy[l];
        r->on[l] = false;
        copy->stats.evaluations += r->slopes;
        copy->culprit_t = time_of(r, l, c);
        g->status[l] = (RtStatus)status[l];
        if (status[l] != RT_OK)
            continue;
        g->status[l] = RT_NOT_FINITE;
        for (copy->culprit = 0; copy->culprit < g->n - 1 && isfinite(k[copy->culprit * g->lanes + l]); copy->culprit++)
            continue;
    }
}

/* Slope k at the times t + c h, of what stands in the rows of y. */
static void slope(RtLanes *g, Round *r, double c, double *k) {
    int32_t status[RT_MAX_LANES];
    double bad[RT_MAX_LANES];
    for (unsigned l = 0; g->ode.t && l < g->lanes; l++)
        g->ode.t[l] = time_of(r, l, c);
    g->ode.rhs(g->ode.frame, status);
    r->slopes++;
    if (g->kernels->slope(g->n, g->ode.dy, status, k, bad))
        leave_out(g, r, c, k, status, bad);
}

static void stages(RtLanes *g, Round *r) {
    const RtTableau *T = g->tableau;
    for (int i = 1; i < T->stages; i++) {
        g->kernels->combine(g->n, g->y, r->h, i, T->a[i], g->k, g->ode.y);
        slope(g, r, T->c[i], g->k[i]);
    }
    g->kernels->combine(g->n, g->y, r->h, T->stages, T->b, g->k, g->ode.y);
}

static bool is_any_on(const RtLanes *g, const Round *r) {
    bool any = false;
    for (unsigned l = 0; l < g->lanes; l++)
        any |= r->on[l];
    return any;
}

/* The error of each lane in units of its tolerance; where it is at most 1 there is a slope at the end, too. */
static void errors(RtLanes *g, Round *r, double *error) {
    const RtTableau *T = g->tableau;
    size_t culprit[RT_MAX_LANES];
    if (T->error_needs_last)
        slope(g, r, END, g->k[T->stages]);
    T->error_lanes(g, r->h, error, culprit);
    for (unsigned l = 0; l < g->lanes; l++) {
        if (r->on[l]) {
            g->copy[l]->culprit = culprit[l];
            g->copy[l]->culprit_t = g->copy[l]->t;
            if (isnan(error[l]))
                g->status[l] = RT_NOT_FINITE;
        }
        if (!r->on[l] || isnan(error[l]))
            error[l] = INFINITY;
        if (r->on[l] && (T->error_needs_last || !(error[l] <= 1))) {
            g->copy[l]->stats.evaluations += r->slopes;
            r->on[l] = false;
        }
    }
    if (!is_any_on(g, r))
        return;
    bool good[RT_MAX_LANES];
    memcpy(good, r->on, sizeof good);
    slope(g, r, END, g->k[T->stages]);
    for (unsigned l = 0; l < g->lanes; l++) {
        if (good[l] && !r->on[l])
            error[l] = INFINITY;
        if (r->on[l])
            g->copy[l]->stats.evaluations += r->slopes;
    }
}

/* A step of fixed length is made unless it leads out of the numbers. The slope at its end is the next step's first: where
 * it has no value, it is that step which fails. */
static void steps_of_fixed_length(RtLanes *g, Round *r, RtLaneResult *result) {
    double *last = g->k[g->tableau->stages];
    for (unsigned l = 0; l < g->lanes; l++) {
        RtIntegrator *copy = g->copy[l];
        for (size_t i = 0; i < g->n && r->on[l]; i++) {
            if (isfinite(g->ode.y[i][l]))
                continue;
            copy->culprit = i;
            copy->culprit_t = copy->t;
            g->status[l] = RT_NOT_FINITE;
            copy->stats.evaluations += r->slopes;
            r->on[l] = false;
        }
        g->fresh[l] = r->on[l];
        if (copy && result[l] == RT_LANE_AGAIN)
            result[l] = r->on[l] ? RT_LANE_ACCEPTED : RT_LANE_FAILED;
        if (r->on[l])
            rt_rk_accept_fixed(copy, &r->try[l]);
    }
    if (!is_any_on(g, r))
        return;
    slope(g, r, END, last);
    for (unsigned l = 0; l < g->lanes; l++)
        if (r->on[l])
            g->copy[l]->stats.evaluations += r->slopes;
}

static void begin(RtLanes *g, Round *r, RtLaneResult *result) {
    const bool fixed = !g->tableau->error;
    g->kernels->take(g->n, g->k[g->tableau->stages], g->fresh, g->k[0]);
    r->slopes = 0;
    for (unsigned l = 0; l < g->lanes; l++) {
        RtIntegrator *copy = g->copy[l];
        r->h[l] = r->t[l] = r->end[l] = r->log_old[l] = 0;
        r->on[l] = false;
        result[l] = RT_LANE_FREE;
        if (!copy)
            continue;
        if (g->fresh[l] && !fixed)
            g->status[l] = RT_OK;
        r->on[l] = fixed ? g->status[l] == RT_OK && rt_rk_propose_fixed(copy, &r->try[l])
                         : rt_rk_propose(copy, &r->try[l]);
        result[l] = r->on[l] ? RT_LANE_AGAIN : RT_LANE_FAILED;
        if (r->on[l]) {
            r->h[l] = r->try[l].h;
            r->t[l] = copy->t;
            r->end[l] = r->try[l].t1;
            r->log_old[l] = copy->log_error_old;
        }
    }
    memset(g->fresh, 0, sizeof g->fresh);
}

void rt_lanes_try(RtLanes *g, RtLaneResult *result) {
    Round r;
    double error[RT_MAX_LANES];
    begin(g, &r, result);
    stages(g, &r);
    if (!g->tableau->error) {
        steps_of_fixed_length(g, &r, result);
    } else {
        double factor[RT_MAX_LANES], log_error[RT_MAX_LANES];
        errors(g, &r, error);
        g->kernels->control(g->tableau->error_order, error, r.log_old, factor, log_error);
        for (unsigned l = 0; l < g->lanes; l++) {
            if (result[l] != RT_LANE_AGAIN)
                continue;
            RtVerdict verdict = rt_rk_decide(g->copy[l], &r.try[l], error[l], factor[l], log_error[l]);
            g->fresh[l] = verdict == RT_TRY_ACCEPTED;
            result[l] = verdict == RT_TRY_ACCEPTED ? RT_LANE_ACCEPTED
                        : verdict == RT_TRY_AGAIN  ? RT_LANE_AGAIN
                                                   : RT_LANE_FAILED;
        }
    }
    g->kernels->advance(g->n, g->ode.y, g->fresh, g->y, g->y_old);
}

RtStatus rt_lanes_status(const RtLanes *g, unsigned lane) {
    return g->status[lane] == RT_OK ? RT_STEP_TOO_SMALL : g->status[lane];
}
