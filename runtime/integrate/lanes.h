/* lanes — the inside of integration in lanes: several copies of a system advance at once, a copy in each lane of the
 * machine's vectors, each with its own time, step and decisions. Private to this folder.
 *
 * A lane makes exactly the steps that rt_ode_step makes for its copy alone: the arithmetic on vectors is that of
 * rk.c in the same order, and what is decided is decided by the same functions on the copy's own RtIntegrator.
 *
 * Element i of the copy in lane l lies at [i * lanes + l], a row. There are as many lanes as fill two vectors: a step is
 * a chain of operations that wait for one another, and two chains beside each other wait half as long. */
#ifndef LAG_RT_INTEGRATE_LANES_H
#define LAG_RT_INTEGRATE_LANES_H

#include "method.h"

/* The sum over slopes that a stage begins with; terms without weight are left out. */
typedef struct RtLaneSum {
    int terms;
    double weight[RT_RK_STAGES];
    const double *k[RT_RK_STAGES];
} RtLaneSum;

/* What an RtIntegrator with controlled steps knows of its step, of each lane: numbers in the place of counts and truth
 * values, so that loops over lanes are vectors. It is the copy's own again when the lane is shown or left. */
typedef struct RtLaneClock {
    double t[RT_MAX_LANES], t_old[RT_MAX_LANES], t_end[RT_MAX_LANES], direction[RT_MAX_LANES];
    double h[RT_MAX_LANES], h_next[RT_MAX_LANES], hmax[RT_MAX_LANES], h_least[RT_MAX_LANES], h_most[RT_MAX_LANES];
    double log_error_old[RT_MAX_LANES], rejected[RT_MAX_LANES];
    double n_accepted[RT_MAX_LANES], n_rejected[RT_MAX_LANES], evaluations[RT_MAX_LANES];
    double look[RT_MAX_LANES]; /* a step that ends there or beyond is one to look at */
} RtLaneClock;

/* A step that is tried in each lane: RtTry. */
typedef struct RtLaneTry {
    double t[RT_MAX_LANES], h[RT_MAX_LANES], t1[RT_MAX_LANES], last[RT_MAX_LANES];
    double on[RT_MAX_LANES]; /* 1: still in the running, 0: no more */
    unsigned slopes;         /* evaluated for those */
} RtLaneTry;

/* The loops over elements and lanes, for one number of lanes: lanes.inc. */
typedef struct RtLaneKernels {
    unsigned lanes;
    /* Row i of out = y + h · sum as rt_rk_combine, h[lanes] */
    void (*combine)(size_t n, const double *y, const double *h, const RtLaneSum *sum, double *const *out);
    /* k ← the n rows dy. bad[l] += what is not 0 where lane l has a status or an element that is not finite */
    void (*slope)(size_t n, double *const *dy, const int32_t *status, double *k, double *bad);
    /* to ← from in lanes where take[l] */
    void (*take)(size_t n, const double *from, const bool *take, double *to);
    /* y_old ← y ← the rows y_new in lanes where take[l] */
    void (*advance)(size_t n, double *const *y_new, const bool *take, double *y, double *y_old);
    /* Σ_i (Σ_s e_s k_s / scale)² for both rows e of m weights (those with e5 = 0 are left out), and the element
     * where the first is largest */
    void (*estimate)(const RtLanes *g, int m, const double *e5, const double *e3, double *sum5, double *sum3,
                     size_t *culprit);
    /* rt_rk_propose in lanes whose on is 1: 0 where the step is too small for the clock; elsewhere h and t are 0 */
    void (*propose)(const RtLaneClock *clock, RtLaneTry *try);
    /* An error that is not a number, or of a lane that is out, is infinite; lanes whose error is above 1 are out, and with
     * needs_last all, for there is no slope to come. Whether any is a number and at most 1. */
    bool (*weigh)(RtLaneClock *clock, RtLaneTry *try, bool needs_last, double *error);
    /* rt_rk_decide. good[l]: 1 where the try is accepted, -1 where it is not and no shorter one is possible, else 0 */
    void (*decide)(RtLaneClock *clock, const RtLaneTry *try, int order, const double *error, double *good);
} RtLaneKernels;

extern const RtLaneKernels rt_lane_kernels_2, rt_lane_kernels_4, rt_lane_kernels_8; /* by the numbers in a vector */

struct RtLanes {
    const RtTableau *tableau;
    const RtLaneKernels *kernels;
    size_t n;
    unsigned lanes;
    RtLaneOde ode;
    RtIntegrator *copy[RT_MAX_LANES]; /* NULL: the lane is free */
    double busy[RT_MAX_LANES];        /* 1 where there is a copy, else 0 */
    double rtol[RT_MAX_LANES], atol[RT_MAX_LANES];
    RtLaneClock clock;
    RtLaneSum sum[RT_RK_STAGES + 1]; /* of each stage, and of y at the end */
    double *y, *y_old, *k[RT_RK_STAGES + 1];
    double *memory;
    bool fresh[RT_MAX_LANES]; /* the last try was accepted: k[0] is still the slope before it */
    bool blamed[RT_MAX_LANES]; /* the copy knows the culprit of the last try; else it is the component with the largest error */
    size_t culprit[RT_MAX_LANES];
    RtStatus status[RT_MAX_LANES];
};

#endif
