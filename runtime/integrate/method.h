/* method — the inside of an integrator, for the files of this folder: explicit Runge-Kutta methods by their
 * tables. */
#ifndef LAG_RT_INTEGRATE_METHOD_H
#define LAG_RT_INTEGRATE_METHOD_H

#include "integrate.h"

#include <float.h>
#include <math.h>

#define RT_RK_STAGES 16
#define RT_LARGEST_ESTIMATE SIZE_MAX /* the culprit is looked for when somebody asks */

/* An explicit Runge-Kutta method: k_i = f(t + c_i h, y + h Σ_j a_ij k_j) for i < stages, y₁ = y + h Σ b_i
 * k_i, and k_stages = f(t + h, y₁), which is the next step's k_0. */
typedef struct RtTableau {
    int stages;
    const double *c;                 /* stages */
    const double (*a)[RT_RK_STAGES]; /* stages rows */
    const double *b;
    bool error_needs_last; /* the error estimate uses k_stages */
    int error_order;       /* the estimate is O(h^error_order) */
    /* Size of the step's error in units of the tolerance; the worst component to *culprit. */
    double (*error)(const RtIntegrator *g, double h, const double *y1, size_t *culprit);
    /* The same for the copies in lanes, their steps h[lanes]. */
    void (*error_lanes)(const RtLanes *g, const double *h, double *error, size_t *culprit);
} RtTableau;

struct RtIntegrator {
    const RtMethod *method;
    const RtTableau *tableau;
    RtOde ode;
    RtOdeOptions options;
    double t0, t_end;
    double direction;            /* 1: t grows, -1: t falls */
    uint64_t steps;              /* since t0, fixed step; t0 moves to where a step was cut */
    double t, h_next;            /* h_next is signed; 0: not chosen yet */
    double t_old, h;             /* the last step */
    double *y, *y_old, *y_new;   /* at t, at t_old, scratch */
    double *k[RT_RK_STAGES + 1]; /* slopes: k[0] … of the last step, k[stages] at its end */
    double *estimate;            /* squares of what `error` found per component */
    double *extra;               /* scratch of dense output; taylor: what rounding took from y */
    double *c;                   /* taylor: coefficients of the last step, order + 1 rows of n */
    int order;                   /* taylor */
    double probe;                /* taylor: the part of the next step that is gone; 0: all of it */
    double *memory;
    RtStages *stages; /* the table as compiled code reads it; NULL: stages go by rhs */
    bool have_slope;  /* k[stages] is f(t, y) */
    bool dense_ready; /* what interpolate prepares has been */
    bool rejected;    /* the try before this one */
    double log_error_old; /* of the last accepted step, as control.h has it */
    size_t culprit; /* or RT_LARGEST_ESTIMATE */
    double culprit_t;
    RtOdeStats stats;
};

/* out = y + h Σ_{j<m} a_j k_j over n elements; terms with a_j = 0 are left out. */
void rt_rk_combine(size_t n, const double *y, double h, int m, const double *a, double *const *k,
                   double *restrict out);
/* atol + rtol · max(|y|, |y₁|), never 0 */
static inline double rt_rk_scale(const RtIntegrator *g, double y, double y1) {
    double a = fabs(y), b = fabs(y1);
    return g->options.atol + g->options.rtol * (b > a ? b : a) + DBL_MIN;
}
/* Evaluates the right-hand side and checks that it is finite (culprit set). */
RtStatus rt_rk_slope(RtIntegrator *g, double t, const double *y, double *dy);

/* Makes g->stages for a table with `slopes` rows; false: out of memory. */
bool rt_rk_open_stages(RtIntegrator *g, const RtTableau *tableau, int slopes);
/* Slopes k[from … to] from y at t, and the y of the next row in y_new, by compiled code; false: not this way. */
bool rt_rk_stages(RtIntegrator *g, int from, int to, const double *y, double t, double t1, double h);

/* Setup with `slopes` slope vectors in all and `extra` further vectors; step; and free, the same for every
 * table. */
bool rt_rk_setup(RtIntegrator *g, const RtTableau *tableau, int slopes, int extra);
RtStatus rt_rk_step_adaptive(RtIntegrator *g);

/* An adaptive step in parts, for those who make many at once. */
typedef struct RtTry { /* a step of h to t1; last: it ends the integration */
    double h, t1;
    bool last;
} RtTry;
typedef enum RtVerdict { RT_TRY_ACCEPTED, RT_TRY_AGAIN, RT_TRY_TOO_SMALL } RtVerdict;
RtStatus rt_rk_begin_step(RtIntegrator *g);        /* k[0], and the first step's size */
bool rt_rk_propose(RtIntegrator *g, RtTry *try);   /* false: too small for the clock */
/* Accepts the try or makes the next one shorter; `error` in units of the tolerance, infinite: no value. factor and log_error:
 * control_factor and control_log_error of it. */
RtVerdict rt_rk_decide(RtIntegrator *g, const RtTry *try, double error, double factor, double log_error);
RtStatus rt_rk_step_fixed(RtIntegrator *g);
bool rt_rk_propose_fixed(const RtIntegrator *g, RtTry *try); /* true */
void rt_rk_accept_fixed(RtIntegrator *g, const RtTry *try);
/* Cubic Hermite interpolation between both ends of the last step; order 3. */
RtStatus rt_rk_hermite(RtIntegrator *g, double t, double *y);
void rt_rk_free(RtIntegrator *g);

#endif
