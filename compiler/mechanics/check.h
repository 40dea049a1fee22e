/* check — what the checks of a derivation (check.c) and the points they look at (check_point.c) share. */
#ifndef LAG_MECHANICS_CHECK_H
#define LAG_MECHANICS_CHECK_H

#include "internal.h"

typedef struct Check {
    const Mech *m;
    IrProgram *p;
    IrEnv *env;
    Buf *out;
    uint64_t random;
    double tolerance, worst; /* the largest error over the points so far */
    double error, scale;     /* of the present point, at the present scale */
    bool ok, complete;
    bool outside; /* the present point is outside the domain: the reference value is not finite */
} Check;

typedef struct Direction {
    double **w; /* per body */
} Direction;

typedef enum Along { ALONG_Q, ALONG_V, ALONG_P } Along;

double check_uniform(Check *c); /* in [0, 1) */
/* The noise of a run that is checked: an IrDrawFunction over a Check. */
double check_draw(void *check, IrDrawKind kind, uint32_t site, int64_t position);
/* A point near the start of the run; false: the start has no value. */
bool check_set_point(Check *c);
/* Random, of length about 1; freed with check_free_direction. */
Direction check_direction(Check *c);
void check_free_direction(Check *c, Direction d);
IrDef check_variable(const MechBody *b, Along along);
/* d ← d + scale · w; `w` NULL: every element by its own random number. */
void check_move(Check *c, IrDef d, double scale, const double *w);
/* The value of d, to be freed; of a scalar term. Without one `complete` ends. */
double *check_values(Check *c, IrDef d);
double check_evaluate(Check *c, IrTerm scalar);
/* ∂S/∂x·w by differences. */
double check_slope(Check *c, IrTerm scalar, Along along, const Direction *d);
/* x·w for terms over the bodies' axes; NULL entries are 0. */
double check_project(Check *c, IrTerm (*get)(const MechBody *), const Direction *d);

#endif
