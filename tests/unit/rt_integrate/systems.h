/* systems — right-hand sides that several tests of methods integrate. */
#ifndef TEST_SYSTEMS_H
#define TEST_SYSTEMS_H

#include <math.h>

#include "integrate/integrate.h"

/* A body of unit mass about a centre that attracts as 1/r²: y = (x, y, x', y'). */
static inline RtStatus kepler(void *context, double t, const double *y, double *dy) {
    (void)context, (void)t;
    double r2 = y[0] * y[0] + y[1] * y[1], r3 = r2 * sqrt(r2);
    dy[0] = y[2];
    dy[1] = y[3];
    dy[2] = -y[0] / r3;
    dy[3] = -y[1] / r3;
    return RT_OK;
}

#endif
