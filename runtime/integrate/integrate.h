/* integrate — methods for ordinary differential equations y' = f(t, y), y of n doubles.
 *
 * A method is one file (euler.c, rk4.c, dopri5.c, dop853.c, taylor.c) that ends in a const RtMethod; methods.def lists
 * them. All of a method's memory is taken at setup; a step allocates nothing. Steps end where the method
 * wants them; values at exact times in between come from the method's dense output, which costs a step
 * nothing and does not change it. */
#ifndef LAG_RT_INTEGRATE_H
#define LAG_RT_INTEGRATE_H

#include "../message.h"
#include "../rt.h"

/* Writes f(t, y) to dy[n]. RT_OK, or a status that says why there is no value here (a singular mass matrix):
 * adaptive methods try a shorter step then. */
typedef RtStatus (*RtRhs)(void *context, double t, const double *y, double *dy);

/* Writes the Taylor coefficients of the solution through y at t: c[k n + i] is the k-th derivative of y_i over k!,
 * k = 0 … order. */
typedef RtStatus (*RtJet)(void *context, double t, const double *y, int order, double *c);

/* The same function inside compiled code that computes the stages of a Runge-Kutta step at once; see RtStages. Where it
 * fails, the method goes the same way by rhs and finds out why. */
typedef RtStatus (*RtStagesOf)(void *context, const RtStages *stages);

typedef struct RtOde {
    size_t n;
    RtRhs rhs;     /* NULL where the method takes jets */
    RtStagesOf stages; /* NULL: there is none, or n is above RT_STAGES_WIDTH */
    void *context; /* of either */
    RtJet jet;
} RtOde;

typedef struct RtOdeOptions {
    double rtol, atol; /* adaptive methods: the error of a step is held below atol + rtol |y| (root mean
                          square over y) */
    double h;    /* fixed methods: the step, needed; adaptive ones: the first step, 0: chosen by the method */
    double hmax; /* 0: no limit */
    double order; /* of methods that have a choice; 0: from the tolerance */
} RtOdeOptions;

/* The option of this name ("rtol", "atol", "h", "hmax"); NULL: there is none. */
double *rt_ode_option(RtOdeOptions *options, const char *name);

typedef struct RtOdeStats {
    uint64_t accepted, rejected; /* steps */
    uint64_t evaluations;        /* of the right-hand side */
    double h_min, h_max;         /* of accepted steps, absolute */
} RtOdeStats;

typedef struct RtIntegrator RtIntegrator;

typedef struct RtMethod {
    const char *name;
    int order;       /* global error O(h^order) */
    int dense_order; /* global error of values between steps */
    bool adaptive;
    /* Takes the method's workspace, sized for g's n; false: out of memory. */
    bool (*setup)(RtIntegrator *g);
    /* One accepted step, not beyond the end. RT_STEP_TOO_SMALL, RT_NOT_FINITE, or the status of the
     * right-hand side when no step succeeds; then t and y are as before. */
    RtStatus (*step)(RtIntegrator *g);
    /* y at time t within the last step. May evaluate the right-hand side. */
    RtStatus (*interpolate)(RtIntegrator *g, double t, double *y);
    void (*free)(RtIntegrator *g);
    bool of_jets; /* takes RtOde.jet */
    bool has_lanes; /* copies may advance together: rt_lanes_new */
    int (*order_for)(const RtOdeOptions *options); /* where the order is one of them; NULL: `order` */
} RtMethod;

/* The order with these options. */
int rt_ode_order(const RtMethod *method, const RtOdeOptions *options);

const RtMethod *rt_method(const char *name); /* NULL: no such method */
const RtMethod *const *rt_methods(void);     /* all, NULL-terminated */

/* Starts at y0 (n doubles, copied) at t0 with the aim of t_end, which may lie before t0. NULL with a message
 * when the options make no sense or memory is short. */
RtIntegrator *rt_ode_new(const RtMethod *method, const RtOde *ode, const RtOdeOptions *options, double t0,
                         double t_end, const double *y0, RtMessage *message);
void rt_ode_free(RtIntegrator *g);

/* One step, at most to t_end; nothing happens there. */
RtStatus rt_ode_step(RtIntegrator *g);
/* Steps until t lies behind or at the present time, then writes y(t) (n doubles). t must not lie before the
 * beginning of the last step nor behind t_end (RT_OUT_OF_RANGE). The steps are those taken anyway. On failure
 * y is not written. */
RtStatus rt_ode_at(RtIntegrator *g, double t, double *y);
/* Whether t lies within what has been integrated since the beginning of the last step: rt_ode_at costs no
 * step then. */
bool rt_ode_covers(const RtIntegrator *g, double t);

double rt_ode_time(const RtIntegrator *g);         /* the end of the last step */
double rt_ode_from(const RtIntegrator *g);         /* its beginning */
const double *rt_ode_state(const RtIntegrator *g); /* y there */
bool rt_ode_done(const RtIntegrator *g);           /* t_end is reached */
void rt_ode_extend(RtIntegrator *g, double t_end); /* moves the end, onward */
/* After y or f was changed from outside (an event): go on from (t, y) with fresh slopes, keeping the step
 * size. */
void rt_ode_restart(RtIntegrator *g, double t, const double *y);
/* The next step of a method of jets is this part of its length, or as short as t allows: y lies on a kink of f. */
void rt_ode_probe(RtIntegrator *g, double part);
RtOdeStats rt_ode_stats(const RtIntegrator *g);
/* After a failure: the time it happened at and the component of y with the largest error or without a
 * value. */
size_t rt_ode_culprit(const RtIntegrator *g, double *t);
/* The same in words; `name` is what the user calls that component, NULL: its number. */
void rt_ode_explain(const RtIntegrator *g, RtStatus status, const char *name, RtMessage *message);

/* ---- many copies at once ----
 *
 * Copies of one system with their own initial values, parameters and times advance together, one in each lane of the
 * machine's vectors. A copy makes the steps it makes alone, to the bit, as long as rhs gives the bits of the
 * copy's own right-hand side. A copy is an RtIntegrator that is lent to a lane and comes back as if it had made the
 * steps itself. */
#define RT_MAX_LANES 16

typedef struct RtLaneOde {
    unsigned lanes;      /* 4, 8 or 16: two vectors of the machine */
    RtLaneFunction rhs;  /* from the rows y, and t, to the rows dy. Free lanes hold old numbers */
    RtFrame *frame;
    double *const *y, *const *dy; /* a row of `lanes` numbers for each element, aligned to 64 bytes */
    double *t;           /* lanes; NULL: nothing reads it */
} RtLaneOde;

typedef enum RtLaneResult {
    RT_LANE_FREE,
    RT_LANE_BUSY,     /* on its way: a step too long, which will be tried again, or one that nobody asked to see */
    RT_LANE_ACCEPTED, /* one step further */
    RT_LANE_FAILED,   /* no step succeeds: rt_lanes_status, rt_ode_explain after rt_lanes_leave */
} RtLaneResult;

typedef struct RtLanes RtLanes;
bool rt_method_has_lanes(const RtMethod *method, unsigned lanes); /* so many on this machine */
/* For copies made as `like` is. NULL: the method has no lanes, or memory is short. */
RtLanes *rt_lanes_new(const RtIntegrator *like, const RtLaneOde *ode);
void rt_lanes_free(RtLanes *g);
/* Lends a copy that has made no step since rt_ode_new, rt_ode_restart or rt_lanes_leave to a free lane. On failure it
 * stays outside. */
RtStatus rt_lanes_enter(RtLanes *g, unsigned lane, RtIntegrator *copy);
/* From now on accepted steps are told of when they end at t or beyond, and the last one; after rt_lanes_enter all are. */
void rt_lanes_look(RtLanes *g, unsigned lane, double t);
/* One try of a step in every lane: result[lanes]. */
void rt_lanes_try(RtLanes *g, RtLaneResult *result);
/* After an accepted try: the copy knows its state and its last step, so that rt_ode_at and rt_ode_state answer. */
void rt_lanes_show(RtLanes *g, unsigned lane);
/* The copy goes back to its owner, and the lane is free. */
void rt_lanes_leave(RtLanes *g, unsigned lane);
RtStatus rt_lanes_status(const RtLanes *g, unsigned lane); /* of a lane that failed */

#endif
