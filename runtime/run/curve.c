#include "curve.h"

#include <float.h>
#include <math.h>

static bool same_sign(double x, double y) {
    return (x > 0) == (y > 0) && (x < 0) == (y < 0);
}

/* c is the end of the bracket opposite to b, the best value so far; a the one before it; e the step before last. */
double rt_curve_root(RtCurve f, void *context, double a, double fa, double b, double fb, RtStatus *status) {
    double c = a, fc = fa, d = b - a, e = d;
    for (int k = 0; k < 200; k++) {
        if (same_sign(fb, fc)) {
            c = a, fc = fa;
            d = e = b - a;
        }
        if (fabs(fc) < fabs(fb)) {
            a = b, b = c, c = a;
            fa = fb, fb = fc, fc = fa;
        }
        double tolerance = DBL_EPSILON * fabs(b) + DBL_MIN, half = 0.5 * (c - b);
        if (fabs(half) <= tolerance || fb == 0)
            break;
        double before = e;
        d = e = half;
        if (fabs(before) >= tolerance && fabs(fa) > fabs(fb)) {
            double s = fb / fa, p = 2 * half * s, q = 1 - s;
            if (a != c) {
                double u = fa / fc, r = fb / fc;
                p = s * (2 * half * u * (u - r) - (b - a) * (r - 1));
                q = (u - 1) * (r - 1) * (s - 1);
            }
            q = p > 0 ? -q : q;
            p = fabs(p);
            if (2 * p < fmin(3 * half * q - fabs(tolerance * q), fabs(before * q)))
                d = p / q;
        }
        a = b, fa = fb;
        b += fabs(d) > tolerance ? d : copysign(tolerance, half);
        if ((*status = f(context, b, &fb)))
            break;
    }
    return b;
}

/* The lowest point of the parabola through three points, or, where that is no way down, a golden section of the longer
 * side. */
static double lowest(double a, double fa, double x, double fx, double b, double fb) {
    const double golden = 0.3819660112501051;
    double l = (x - a) * (fx - fb), r = (x - b) * (fx - fa), least = 1e-4 * (b - a);
    double t = l != r ? x - 0.5 * ((x - a) * l - (x - b) * r) / (l - r) : NAN;
    if (t > a + least && t < b - least && fabs(t - x) > least)
        return t;
    return b - x > x - a ? x + golden * (b - x) : x - golden * (x - a);
}

bool rt_curve_dips(RtCurve f, void *context, double a, double fa, double x, double fx, double b, double fb, double *s,
                   RtStatus *status) {
    enum { MOST = 30 };
    double sign = fx > 0 ? 1 : -1;
    fa *= sign, fx *= sign, fb *= sign;
    for (int k = 0; k < MOST && b - a > 1e-9 * fmax(fabs(a), fabs(b)) && fx > 0; k++) {
        double t = lowest(a, fa, x, fx, b, fb), ft;
        if ((*status = f(context, t, &ft)))
            return false;
        ft *= sign;
        *s = t;
        if (ft < 0)
            return true;
        bool better = ft < fx;
        if (better == (t > x))
            a = better ? x : t, fa = better ? fx : ft;
        else
            b = better ? x : t, fb = better ? fx : ft;
        if (better)
            x = t, fx = ft;
    }
    return false;
}
