/* taylor_order — the order of Taylor's method, for the runtime that steps and the compiler that shows what is derived. */
#ifndef LAG_RT_TAYLOR_ORDER_H
#define LAG_RT_TAYLOR_ORDER_H

#include <math.h>

enum { RT_TAYLOR_LEAST = 2, RT_TAYLOR_MOST = 200 };

/* That asked for, or where it is 0 the one at which a given tolerance costs least: p = 1 − ½ ln ε (A. Jorba, M. Zou, Experimental
 * Mathematics 14 (2005) 99), ε being rtol or else atol, rounded up to an even number. */
static inline int rt_taylor_order(double rtol, double atol, double asked) {
    double p = asked > 0 ? asked : 2 * ceil(0.5 - 0.25 * log(rtol > 0 ? rtol : atol));
    return (int)fmin(fmax(p, RT_TAYLOR_LEAST), RT_TAYLOR_MOST);
}

#endif
