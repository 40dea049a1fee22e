/* curve — roots and dips of one number along a path. Private to this folder. */
#ifndef LAG_RT_RUN_CURVE_H
#define LAG_RT_RUN_CURVE_H

#include "../rt.h"

/* f(s) to *value. */
typedef RtStatus (*RtCurve)(void *context, double s, double *value);

/* Where f changes its sign between a and b, to rounding: fa = f(a) and fb = f(b) differ in sign. By inverse
 * interpolation and bisection: R. P. Brent, Algorithms for Minimization without Derivatives (1973), chapter 4. */
double rt_curve_root(RtCurve f, void *context, double a, double fa, double b, double fb, RtStatus *status);

/* f has one sign at a < x < b and is nearest to 0 at x. Whether it has the other one somewhere between, by
 * following its least distance from 0 with parabolas and golden sections (loc. cit., chapter 5); *s is such a place. */
bool rt_curve_dips(RtCurve f, void *context, double a, double fa, double x, double fx, double b, double fb, double *s,
                   RtStatus *status);

#endif
