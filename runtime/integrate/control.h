/* control — how long the next step of an adaptive method is, from the error of this one: straight code without a call or a
 * branch, so that a loop over lanes becomes vectors and a copy in a lane gets the bits that it gets alone. Private to this
 * folder. */
#ifndef LAG_RT_INTEGRATE_CONTROL_H
#define LAG_RT_INTEGRATE_CONTROL_H

#include <stdint.h>
#include <string.h>

#define CONTROL_LEAST_ERROR 1e-4 /* that is remembered for the next step */

static inline uint64_t control_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double control_number(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* log₂ x of a normal number above 0, to 2e-8: x = m 2^e with 1 ≤ m < 2, log₂ m = 1/2 + 2/ln 2 artanh s with
 * s = (m − √2) / (m + √2), |s| < 0.172, by its series. */
static inline double control_log2(double x) {
    const double root = 0x1.6a09e667f3bcdp+0, shift = 0x1p52 + 1023;
    uint64_t bits = control_bits(x);
    double e = control_number(bits >> 52 | UINT64_C(0x4330000000000000)) - shift;
    double m = control_number((bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000));
    double s = (m - root) / (m + root), z = s * s;
    const double a = 2.8853900817779268, b = a / 3, c = a / 5, d = a / 7;
    return e + (0.5 + s * (a + z * (b + z * (c + z * d))));
}

/* 2^x for |x| < 1000, to 2e-8: the nearest whole number goes into the exponent, the series of e^y does the rest. */
static inline double control_exp2(double x) {
    const double round = 0x1.8p52;
    double shifted = x + round, y = (x - (shifted - round)) * 0.69314718055994531;
    double p = 1 + y * (1 + y * (1.0 / 2 + y * (1.0 / 6 + y * (1.0 / 24 + y * (1.0 / 120 + y * (1.0 / 720))))));
    return control_number(control_bits(p) + (control_bits(shifted) << 52));
}

static inline double control_log_error(double error) {
    return control_log2(error > CONTROL_LEAST_ERROR ? error : CONTROL_LEAST_ERROR);
}

/* Step-size control with memory of the last error (PI control): h ← h · 0.9 err^-α err_old^β, β = 0.04, α = 1/order − 0.2 β,
 * within 1/3 … 6 (E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd edition, II.4 and
 * IV.2). log_old: control_log_error of the last accepted step. */
static inline double control_factor(int order, double error, double log_old) {
    const double beta = 0.04, alpha = 1.0 / order - 0.2 * beta;
    double f = 0.9 * control_exp2(beta * log_old - alpha * control_log2(error > 1e-10 ? error : 1e-10));
    f = f > 1.0 / 3 ? f : 1.0 / 3;
    return f < 6 ? f : 6;
}

#endif
