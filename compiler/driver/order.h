/* order — `lag derive --order`: the order of a run's integrator, measured on the run's own system. Private to driver/.
 *
 * The same stretch of the motion is integrated with N steps of one length, more from rung to rung of a ladder; the error at its
 * end falls as h^order where truncation dominates: below it is rounding, above it the motion is not resolved. */
#ifndef LAG_DRIVER_ORDER_H
#define LAG_DRIVER_ORDER_H

#include "driver.h"

typedef struct OrderRung {
    uint64_t steps;
    double h;
    double error;   /* of the coordinates at the end, Euclidean, relative to their size; NaN: the run failed */
    double floor;   /* below this, rounding and the reference's own error count */
    double energy;  /* relative error of the energy there; NaN: it is not conserved */
} OrderRung;

/* Slope of log error against log h over the rungs first … first + n − 1. */
typedef struct OrderFit {
    double slope;
    double spread;  /* how far the slopes between neighbouring rungs stray from it; loose: two standard errors */
    uint32_t first, n; /* n 0: there is none */
    bool loose;     /* the slopes do not agree with each other */
} OrderFit;

enum { ORDER_RUNGS = 40 };
/* Looks for the finest rungs, four or more, between floor and `most` whose slopes agree. */
OrderFit order_fit(const OrderRung *rung, uint32_t n, double most);
/* Where there are none: the slope of the finest rungs all the same, as kinks and stiffness let it be seen. */
OrderFit order_fit_loosely(const OrderRung *rung, uint32_t n, double most);
/* Slope between rungs k and k + 1. */
double order_slope(const OrderRung *rung, uint32_t k);

typedef enum OrderVerdict {
    ORDER_AGREES,      /* with the order derived */
    ORDER_MEASURED,    /* none is derived */
    ORDER_HIGHER,
    ORDER_LOWER,
    ORDER_ELSEWHERE,   /* the errors settle away from 0: it converges to another motion */
    ORDER_EXACT,       /* the errors are rounding at every step */
    ORDER_NOT_SETTLED, /* no slope */
    ORDER_FAILED,      /* the run fails at every step */
    ORDER_NONE,        /* there is nothing to measure: see `why` */
} OrderVerdict;

/* What holds of single steps of words and implicit steps, of the length `step`. NaN: not looked at. */
typedef struct OrderSteps {
    double step;
    double back;        /* error after some steps forth and as many of −h back, relative */
    uint64_t steps;
    double symplectic;  /* largest element of JᵀΩJ − c Ω, J = ∂(q₁, p₁)/∂(q, p) by differences */
    double factor;      /* c; 1: symplectic, else conformally */
} OrderSteps;

typedef struct OrderReport {
    const char *run, *system;
    const char *reference; /* the method it is held against; NULL: its own next rung */
    double reference_error;
    double stretch;        /* of time, from the start */
    OrderRung rung[ORDER_RUNGS];
    uint32_t n;
    OrderFit fit;
    int derived;           /* 0: no order is derived */
    bool open;             /* that is the least it may be */
    bool energy;           /* is conserved by the motion */
    bool events;           /* are left out */
    OrderSteps steps;
    OrderVerdict verdict;
    const char *why;
} OrderReport;

/* ---- order_variant.c: the run, or what it is held against, derived, compiled and open ---- */

typedef struct OrderVariant {
    SemaRun run;
    MechRun *mech;           /* NULL: it cannot be had */
    Code *code;
    RtTrial *trial;
    RtRun *r;                /* the trial's */
    double *h;               /* what a word reads as its step; NULL: a method */
    double *hyper;           /* the hyper-parameter that it is by itself; NULL: none */
    RtBlock *q;              /* coordinates */
    uint32_t n_q;
    uint64_t n;              /* elements of them */
    double began, energy0;
    volatile sig_atomic_t stop;
} OrderVariant;
typedef struct OrderSource { /* what variants are made of */
    Session *session;
    Model *model;
    const SemaRun *run;
    Options options;
    RtHost *host;
} OrderSource;

/* The run itself, its step free to be set; *h: what the program says, 0: it leaves that to its method. False after errors. */
bool order_open_own(OrderVariant *v, const OrderSource *source, double *h);
/* The same system under a method of the runtime with error control, not a word said where it takes none (v->mech NULL). */
void order_open_reference(OrderVariant *v, const OrderSource *source, const char *method, double rtol, double atol);
void order_close(OrderVariant *v);
/* The run itself is to go `stretch` far in so many steps of one length. */
void order_set_steps(OrderVariant *v, double stretch, uint64_t steps);
/* From the start to where it is to go: the coordinates there, and a method's steps. False where it does not get there. */
bool order_integrate(OrderVariant *v, double *q, uint64_t *steps);
/* Where a definition lies in frame memory; false when nothing uses it. */
bool order_block(const OrderVariant *v, IrDef def, RtBlock *block);
/* Error of the energy there, relative unless it is 0. */
double order_energy_error(OrderVariant *v);

/* Measures; false after errors, which are reported. */
bool order_measure(Session *session, Model *model, const SemaRun *run, const Options *options, OrderReport *out);
/* order_steps.c: of a word or scheme, at its start. */
void order_look_at_steps(OrderVariant *v, Arena *arena, double step, OrderSteps *out);
/* order_say.c: as text, or as one JSON object on a line. */
void order_say(const OrderReport *report, bool json, Buf *out);
/* Whether the report is in keeping with what was derived: EXIT_EXPECT is for those that are not. */
bool order_holds(const OrderReport *report);

#endif
