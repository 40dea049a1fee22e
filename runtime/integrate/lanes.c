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

static bool is_fixed(const RtLanes *g) { return !g->tableau->error; }

/* The terms of each stage, and behind them those of y at the end. */
static void list_sums(RtLanes *g) {
    const RtTableau *T = g->tableau;
    for (int s = 1; s <= T->stages; s++) {
        const double *weight = s == T->stages ? T->b : T->a[s];
        RtLaneSum *sum = &g->sum[s];
        for (int j = 0; j < s; j++)
            if (weight[j] != 0) {
                sum->weight[sum->terms] = weight[j];
                sum->k[sum->terms++] = g->k[j];
            }
    }
}

RtLanes *rt_lanes_new(const RtIntegrator *like, const RtLaneOde *ode) {
    if (!rt_method_has_lanes(like->method, ode->lanes))
        return NULL;
    RtLanes *g = aligned_alloc(64, (sizeof *g + 63) / 64 * 64);
    if (!g)
        return NULL;
    memset(g, 0, sizeof *g);
    g->tableau = like->tableau;
    g->kernels = kernels_for(ode->lanes);
    g->n = like->ode.n;
    g->lanes = ode->lanes;
    g->ode = *ode;
    if (reserve(g)) {
        list_sums(g);
        return g;
    }
    free(g);
    return NULL;
}

void rt_lanes_free(RtLanes *g) {
    if (g)
        free(g->memory);
    free(g);
}

/* ---- copies come and go ---- */

/* Column `lane` of a block from or to a vector of its own. */
static void put(const RtLanes *g, unsigned lane, double *to, const double *from) {
    for (size_t i = 0; i < g->n; i++)
        to[i * g->lanes + lane] = from[i];
}

static void get(const RtLanes *g, unsigned lane, const double *from, double *to) {
    for (size_t i = 0; i < g->n; i++)
        to[i] = from[i * g->lanes + lane];
}

static void put_clock(RtLaneClock *c, unsigned l, const RtIntegrator *copy) {
    c->t[l] = copy->t;
    c->t_old[l] = copy->t_old;
    c->t_end[l] = copy->t_end;
    c->direction[l] = copy->direction;
    c->h[l] = copy->h;
    c->h_next[l] = copy->h_next;
    c->hmax[l] = copy->options.hmax;
    c->log_error_old[l] = copy->log_error_old;
    c->rejected[l] = copy->rejected;
    c->h_least[l] = copy->stats.h_min;
    c->h_most[l] = copy->stats.h_max;
    c->n_accepted[l] = (double)copy->stats.accepted;
    c->n_rejected[l] = (double)copy->stats.rejected;
    c->evaluations[l] = 0; /* since the copy was shown: it may make some by itself */
}

static void get_clock(RtLaneClock *c, unsigned l, RtIntegrator *copy) {
    copy->t = c->t[l];
    copy->t_old = c->t_old[l];
    copy->h = c->h[l];
    copy->h_next = c->h_next[l];
    copy->log_error_old = c->log_error_old[l];
    copy->rejected = c->rejected[l] != 0;
    copy->stats = (RtOdeStats){(uint64_t)c->n_accepted[l], (uint64_t)c->n_rejected[l],
                               copy->stats.evaluations + (uint64_t)c->evaluations[l], c->h_least[l], c->h_most[l]};
    c->evaluations[l] = 0;
}

void rt_lanes_look(RtLanes *g, unsigned lane, double t) {
    g->clock.look[lane] = t;
}

RtStatus rt_lanes_enter(RtLanes *g, unsigned lane, RtIntegrator *copy) {
    if (copy->ode.n != g->n || copy->tableau != g->tableau || g->copy[lane])
        return RT_OUT_OF_RANGE;
    RtStatus status = rt_rk_begin_step(copy);
    if (status != RT_OK)
        return status;
    g->copy[lane] = copy;
    g->busy[lane] = 1;
    g->rtol[lane] = copy->options.rtol;
    g->atol[lane] = copy->options.atol;
    g->fresh[lane] = false;
    g->blamed[lane] = true;
    g->status[lane] = RT_OK;
    put_clock(&g->clock, lane, copy);
    rt_lanes_look(g, lane, -copy->direction * INFINITY);
    put(g, lane, g->y, copy->y);
    put(g, lane, g->y_old, copy->y);
    put(g, lane, g->k[0], copy->k[0]);
    return RT_OK;
}

void rt_lanes_show(RtLanes *g, unsigned lane) {
    RtIntegrator *copy = g->copy[lane];
    if (!is_fixed(g))
        get_clock(&g->clock, lane, copy);
    if (!g->blamed[lane]) {
        copy->culprit = g->culprit[lane];
        copy->culprit_t = copy->t;
    }
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
    g->busy[lane] = 0;
}

/* ---- a try in every lane ---- */

enum { END = -1 }; /* in the place of c: the end of the step */

static double time_of(const RtLaneTry *try, unsigned l, double c) {
    return c == END ? try->t1[l] : try->t[l] + c * try->h[l];
}

static void blame(RtLanes *g, unsigned l, size_t culprit, double t, RtStatus status) {
    g->copy[l]->culprit = culprit;
    g->copy[l]->culprit_t = t;
    g->blamed[l] = true;
    g->status[l] = status;
}

/* Lanes without a value are out of this try. */
static void leave_out(RtLanes *g, RtLaneTry *try, double c, const double *k, const int32_t *status, const double *bad) {
    for (unsigned l = 0; l < g->lanes; l++) {
        size_t i = 0, before;
        if (try->on[l] == 0 || bad[l] == 0)
            continue;
        try->on[l] = 0;
        g->clock.evaluations[l] += try->slopes;
        while (i < g->n - 1 && isfinite(k[i * g->lanes + l]))
            i++;
        before = g->blamed[l] ? g->copy[l]->culprit : g->culprit[l];
        blame(g, l, status[l] ? before : i, time_of(try, l, c), status[l] ? (RtStatus)status[l] : RT_NOT_FINITE);
    }
}

/* Slope k at the times t + c h, of what stands in the rows of y; bad as the kernel has it. */
static void evaluate(RtLanes *g, RtLaneTry *try, double c, double *k, int32_t *status, double *bad) {
    for (unsigned l = 0; g->ode.t && l < g->lanes; l++)
        g->ode.t[l] = time_of(try, l, c);
    g->ode.rhs(g->ode.frame, status);
    try->slopes++;
    g->kernels->slope(g->n, g->ode.dy, status, k, bad);
}

/* Whether x is not 0 in a lane that is in the running; what free lanes hold does not matter. */
static bool is_any(const RtLanes *g, const RtLaneTry *try, const double *x) {
    double sum = 0;
    for (unsigned l = 0; l < g->lanes; l++)
        sum += try->on[l] != 0 ? fabs(x[l]) : 0;
    return sum != 0; /* a NaN too */
}

static void slope(RtLanes *g, RtLaneTry *try, double c, double *k) {
    int32_t status[RT_MAX_LANES];
    double bad[RT_MAX_LANES] = {0};
    evaluate(g, try, c, k, status, bad);
    if (is_any(g, try, bad))
        leave_out(g, try, c, k, status, bad);
}

/* All stages, looked over at their end: true where every slope of every lane has a value, else nothing has happened. */
static bool stages_at_once(RtLanes *g, RtLaneTry *try) {
    const RtTableau *T = g->tableau;
    int32_t status[RT_MAX_LANES];
    double bad[RT_MAX_LANES] = {0};
    for (int i = 1; i <= T->stages; i++) {
        g->kernels->combine(g->n, g->y, try->h, &g->sum[i], g->ode.y);
        if (i < T->stages)
            evaluate(g, try, T->c[i], g->k[i], status, bad);
    }
    if (!is_any(g, try, bad))
        return true;
    try->slopes = 0;
    return false;
}

static void stages(RtLanes *g, RtLaneTry *try) {
    const RtTableau *T = g->tableau;
    if (stages_at_once(g, try))
        return;
    for (int i = 1; i <= T->stages; i++) {
        g->kernels->combine(g->n, g->y, try->h, &g->sum[i], g->ode.y);
        if (i < T->stages)
            slope(g, try, T->c[i], g->k[i]);
    }
}

/* Slopes at the end of the step, where it is not the error that needs them. */
static void last_slopes(RtLanes *g, RtLaneTry *try) {
    slope(g, try, END, g->k[g->tableau->stages]);
    for (unsigned l = 0; l < g->lanes; l++)
        g->clock.evaluations[l] += try->on[l] * try->slopes;
}

/* The error of each lane in units of its tolerance; where it is at most 1 there is a slope at the end, too. */
static void errors(RtLanes *g, RtLaneTry *try, double *error) {
    const RtTableau *T = g->tableau;
    double on[RT_MAX_LANES];
    if (T->error_needs_last)
        slope(g, try, END, g->k[T->stages]);
    T->error_lanes(g, try->h, error, g->culprit);
    for (unsigned l = 0; l < g->lanes; l++) {
        if (try->on[l] == 0)
            continue;
        g->blamed[l] = false;
        g->status[l] = isnan(error[l]) ? RT_NOT_FINITE : RT_OK;
    }
    bool any = g->kernels->weigh(&g->clock, try, T->error_needs_last, error);
    if (!any || T->error_needs_last)
        return;
    memcpy(on, try->on, sizeof on);
    last_slopes(g, try);
    for (unsigned l = 0; l < g->lanes; l++)
        error[l] = on[l] != try->on[l] ? INFINITY : error[l];
}

/* What the owner is to know of an accepted step: nothing while it has not asked to look. */
static RtLaneResult seen(const RtLanes *g, unsigned l, double t, double t_end) {
    double direction = g->clock.direction[l];
    return (t - g->clock.look[l]) * direction >= 0 || t == t_end ? RT_LANE_ACCEPTED : RT_LANE_BUSY;
}

/* A step of fixed length is made unless it leads out of the numbers. The slope at its end is the next step's first: where
 * it has no value, it is that step which fails. */
static void steps_of_fixed_length(RtLanes *g, RtLaneResult *result) {
    RtTry one[RT_MAX_LANES];
    RtLaneTry try = {.slopes = 0};
    for (unsigned l = 0; l < g->lanes; l++) {
        if (!g->copy[l] || g->status[l] != RT_OK)
            continue;
        rt_rk_propose_fixed(g->copy[l], &one[l]);
        try.on[l] = 1;
        try.h[l] = one[l].h;
        try.t[l] = g->copy[l]->t;
        try.t1[l] = one[l].t1;
    }
    stages(g, &try);
    for (unsigned l = 0; l < g->lanes; l++) {
        for (size_t i = 0; i < g->n && try.on[l] != 0; i++) {
            if (isfinite(g->ode.y[i][l]))
                continue;
            blame(g, l, i, g->copy[l]->t, RT_NOT_FINITE);
            try.on[l] = 0;
        }
        g->fresh[l] = try.on[l] != 0;
        result[l] = !g->copy[l] ? RT_LANE_FREE : RT_LANE_FAILED;
        if (g->fresh[l]) {
            rt_rk_accept_fixed(g->copy[l], &one[l]);
            result[l] = seen(g, l, g->copy[l]->t, g->copy[l]->t_end);
        }
    }
    last_slopes(g, &try);
}

static void steps_under_control(RtLanes *g, RtLaneResult *result) {
    RtLaneTry try = {.slopes = 0};
    double error[RT_MAX_LANES], good[RT_MAX_LANES], proposed[RT_MAX_LANES];
    memcpy(try.on, g->busy, sizeof try.on);
    g->kernels->propose(&g->clock, &try);
    memcpy(good, try.on, sizeof good);
    memcpy(proposed, try.on, sizeof proposed);
    for (unsigned l = 0; l < g->lanes; l++) {
        g->status[l] = g->fresh[l] ? RT_OK : g->status[l];
        if (g->busy[l] != proposed[l])
            blame(g, l, g->blamed[l] ? g->copy[l]->culprit : g->culprit[l], g->clock.t[l], g->status[l]);
    }
    memset(g->fresh, 0, sizeof g->fresh);
    stages(g, &try);
    errors(g, &try, error);
    g->kernels->decide(&g->clock, &try, g->tableau->error_order, error, good);
    for (unsigned l = 0; l < g->lanes; l++) {
        g->fresh[l] = good[l] > 0;
        result[l] = g->busy[l] == 0                       ? RT_LANE_FREE
                    : good[l] < 0 || proposed[l] == 0     ? RT_LANE_FAILED
                    : good[l] > 0                         ? seen(g, l, g->clock.t[l], g->clock.t_end[l])
                                                          : RT_LANE_BUSY;
    }
}

void rt_lanes_try(RtLanes *g, RtLaneResult *result) {
    g->kernels->take(g->n, g->k[g->tableau->stages], g->fresh, g->k[0]);
    if (is_fixed(g))
        steps_of_fixed_length(g, result);
    else
        steps_under_control(g, result);
    g->kernels->advance(g->n, g->ode.y, g->fresh, g->y, g->y_old);
}

RtStatus rt_lanes_status(const RtLanes *g, unsigned lane) {
    return g->status[lane] == RT_OK ? RT_STEP_TOO_SMALL : g->status[lane];
}
