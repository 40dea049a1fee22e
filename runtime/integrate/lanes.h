/* lanes — the inside of integration in lanes: several copies of a system advance at once, a copy in each lane of the
 * machine's vectors, each with its own time, step and decisions. Private to this folder.
 *
 * A lane makes exactly the steps that rt_ode_step makes for its copy alone: the arithmetic on vectors is that of
 * rk.c in the same order, and what is decided is decided by the same functions on the copy's own RtIntegrator.
 *
 * Element i of the copy in lane l lies at [i * lanes + l]. */
#ifndef LAG_RT_INTEGRATE_LANES_H
#define LAG_RT_INTEGRATE_LANES_H

#include "method.h"

/* The loops over elements and lanes, for one number of lanes: lanes.inc. */
typedef struct RtLaneKernels {
    unsigned lanes;
    /* out = y + h Σ_{j<m} a_j k_j as rt_rk_combine, h[lanes] */
    void (*combine)(size_t n, const double *y, const double *h, int m, const double *a, double *const *k,
                    double *out);
    /* finite[l]: 0 when all elements of lane l are finite, else NaN */
    void (*check)(size_t n, const double *x, double *finite);
    /* to ← from in lanes where take[l] */
    void (*take)(size_t n, const double *from, const bool *take, double *to);
    /* Σ_i (Σ_s e_s k_s / scale)² for both rows e of m weights (those with e5 = 0 are left out), and the element
     * where the first is largest */
    void (*estimate)(const RtLanes *g, int m, const double *e5, const double *e3, double *sum5, double *sum3,
                     size_t *culprit);
} RtLaneKernels;

extern const RtLaneKernels rt_lane_kernels_2, rt_lane_kernels_4, rt_lane_kernels_8;

struct RtLanes {
    const RtTableau *tableau;
    const RtLaneKernels *kernels;
    size_t n;
    unsigned lanes;
    RtLaneRhs rhs;
    void *context;
    RtIntegrator *copy[RT_MAX_LANES]; /* NULL: the lane is free */
    double rtol[RT_MAX_LANES], atol[RT_MAX_LANES];
    double *y, *y_old, *y_new, *k[RT_RK_STAGES + 1];
    double *memory;
    bool fresh[RT_MAX_LANES]; /* the last try was accepted: k[0] is still the slope before it */
    RtStatus status[RT_MAX_LANES];
};

#endif
