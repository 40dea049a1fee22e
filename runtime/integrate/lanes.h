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

/* The loops over elements and lanes, for one number of lanes: lanes.inc. */
typedef struct RtLaneKernels {
    unsigned lanes;
    /* Row i of out = y + h Σ_{j<m} a_j k_j as rt_rk_combine, h[lanes] */
    void (*combine)(size_t n, const double *y, const double *h, int m, const double *a, double *const *k,
                    double *const *out);
    /* k ← the n rows dy. bad[l]: not 0 where lane l has a status or an element that is not finite; false: there is none */
    bool (*slope)(size_t n, double *const *dy, const int32_t *status, double *k, double *bad);
    /* to ← from in lanes where take[l] */
    void (*take)(size_t n, const double *from, const bool *take, double *to);
    /* y_old ← y ← the rows y_new in lanes where take[l] */
    void (*advance)(size_t n, double *const *y_new, const bool *take, double *y, double *y_old);
    /* Σ_i (Σ_s e_s k_s / scale)² for both rows e of m weights (those with e5 = 0 are left out), and the element
     * where the first is largest */
    void (*estimate)(const RtLanes *g, int m, const double *e5, const double *e3, double *sum5, double *sum3,
                     size_t *culprit);
    /* control_factor and control_log_error of each lane */
    void (*control)(int order, const double *error, const double *log_old, double *factor, double *log_error);
} RtLaneKernels;

extern const RtLaneKernels rt_lane_kernels_2, rt_lane_kernels_4, rt_lane_kernels_8; /* by the numbers in a vector */

struct RtLanes {
    const RtTableau *tableau;
    const RtLaneKernels *kernels;
    size_t n;
    unsigned lanes;
    RtLaneOde ode;
    RtIntegrator *copy[RT_MAX_LANES]; /* NULL: the lane is free */
    double rtol[RT_MAX_LANES], atol[RT_MAX_LANES];
    double *y, *y_old, *k[RT_RK_STAGES + 1];
    double *memory;
    bool fresh[RT_MAX_LANES]; /* the last try was accepted: k[0] is still the slope before it */
    RtStatus status[RT_MAX_LANES];
};

#endif
