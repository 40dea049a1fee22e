/* philox.h — the generator and the transforms as inline functions, shared by single draws and vectors of
 * them so that both give the same bits. Internal to runtime/random. */
#ifndef LAG_RT_PHILOX_H
#define LAG_RT_PHILOX_H

#include <math.h>
#include <string.h>

#include "random.h"

#define PHILOX_INLINE static inline __attribute__((always_inline))

/* Multipliers and key increments of Philox 4x32 (section 4 of the paper); the increments are the golden ratio
 * and √3 - 1 as 32-bit fractions. */
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u
#define PHILOX_ROUNDS 10

/* The key and the part of the counter that (seed, step, site) give. The counter has room for 32 bits of the
 * step; the rest moves the key along a Weyl sequence. */
typedef struct PhiloxKey {
    uint32_t key[2], site, step;
} PhiloxKey;

PHILOX_INLINE PhiloxKey philox_key(uint64_t seed, uint64_t step, uint32_t site) {
    uint64_t key = seed + (step >> 32) * 0x9E3779B97F4A7C15u;
    return (PhiloxKey){{(uint32_t)key, (uint32_t)(key >> 32)}, site, (uint32_t)step};
}

/* Ten rounds on one block c[0..3]. */
PHILOX_INLINE void philox_rounds(uint32_t c[4], uint32_t k0, uint32_t k1) {
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = (uint64_t)PHILOX_M0 * c[0], p1 = (uint64_t)PHILOX_M1 * c[2];
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
        c[1] = (uint32_t)p1;
        c[3] = (uint32_t)p0;
        c[0] = n0;
        c[2] = n2;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
}

PHILOX_INLINE double philox_double_of_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

PHILOX_INLINE uint64_t philox_bits_of_double(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* (2 m + 1) 2⁻⁵³ for the upper 52 bits m: symmetric about 1/2, never 0 or 1. A number in [1, 2) is made from
 * the bits and 1 - 2⁻⁵³ taken off, which is exact. */
PHILOX_INLINE double philox_uniform(uint64_t bits) {
    return philox_double_of_bits(bits >> 12 | 0x3ff0000000000000u) - (1.0 - 0x1p-53);
}

/* ln x for normal x > 0, to about an ulp: x = 2^e m with m in [√½, √2), ln m = 2 atanh((m - 1) / (m + 1)) by
 * its series, whose first left-out term is below 2e-17. No branches, so that loops over it vectorize. */
PHILOX_INLINE double philox_log(double x) {
    uint64_t bits = philox_bits_of_double(x);
    uint64_t shifted = bits - 0x3fe6a09e667f3bcdu; /* less the bits of √½: the upper 12 bits are e */
    int64_t e = (int64_t)shifted >> 52;
    double m = philox_double_of_bits(bits - ((uint64_t)e << 52));
    double s = (m - 1.0) / (m + 1.0), z = s * s;
    double z2 = z * z, z4 = z2 * z2;
    double low = (1.0 / 3 + 1.0 / 5 * z) + (1.0 / 7 + 1.0 / 9 * z) * z2;
    double high = (1.0 / 11 + 1.0 / 13 * z) + (1.0 / 15 + 1.0 / 17 * z) * z2;
    double series = (low + high * z4) + (1.0 / 19 + 1.0 / 21 * z) * (z4 * z4);
    double log_m = 2.0 * s + 2.0 * s * z * series;
    return (double)(int32_t)e * 0.6931471805599453 + log_m;
}

/* Numerator and denominator of degree 7 in r, coefficients from the constant term up; by halves (Estrin),
 * because a chain of dependent operations is what bounds a draw. */
PHILOX_INLINE double philox_poly(const double a[8], double r, double r2, double r4) {
    double low = (a[0] + a[1] * r) + (a[2] + a[3] * r) * r2,
           high = (a[4] + a[5] * r) + (a[6] + a[7] * r) * r2;
    return low + high * r4;
}

PHILOX_INLINE double philox_ratio(const double a[8], const double b[8], double r) {
    double r2 = r * r, r4 = r2 * r2;
    return philox_poly(a, r, r2, r4) / philox_poly(b, r, r2, r4);
}

/* The inverse of the normal distribution function, algorithm AS 241 (PPND16) of Wichura, Applied Statistics
 * 37 (1988), relative error below 1e-15: one rational function for the middle, two for the tails in r = √(-ln
 * min(p, 1 - p)). */
#define PHILOX_MIDDLE 0.425
#define PHILOX_FAR 5.0

static const double philox_middle_num[8] = {
    3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
    4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
static const double philox_middle_den[8] = {1.0,
                                            4.2313330701600911252e+1,
                                            6.8718700749205790830e+2,
                                            5.3941960214247511077e+3,
                                            2.1213794301586595867e+4,
                                            3.9307895800092710610e+4,
                                            2.8729085735721942674e+4,
                                            5.2264952788528545610e+3};
static const double philox_tail_num[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                          5.76949722146069140550e0,  3.64784832476320460504e0,
                                          1.27045825245236838258e0,  2.41780725177450611770e-1,
                                          2.27238449892691845833e-2, 7.74545014278341407640e-4};
static const double philox_tail_den[8] = {1.0,
                                          2.05319162663775882187e0,
                                          1.67638483018380384940e0,
                                          6.89767334985100004550e-1,
                                          1.48103976427480074590e-1,
                                          1.51986665636164571966e-2,
                                          5.47593808499534494600e-4,
                                          1.05075007164441684324e-9};
static const double philox_far_num[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                         1.78482653991729133580e0,  2.96560571828504891230e-1,
                                         2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                         2.71155556874348757815e-5, 2.01033439929228813265e-7};
static const double philox_far_den[8] = {1.0,
                                         5.99832206555887937690e-1,
                                         1.36929880922735805310e-1,
                                         1.48753612908506148525e-2,
                                         7.86869131145613259100e-4,
                                         1.84631831751005468180e-5,
                                         1.42151175831644588870e-7,
                                         2.04426310338993978564e-15};

PHILOX_INLINE double philox_normal_middle(double q) {
    return q * philox_ratio(philox_middle_num, philox_middle_den, PHILOX_MIDDLE * PHILOX_MIDDLE - q * q);
}

PHILOX_INLINE double philox_normal_tail(double r) {
    return philox_ratio(philox_tail_num, philox_tail_den, r - 1.6);
}

PHILOX_INLINE double philox_normal_far(double r) {
    return philox_ratio(philox_far_num, philox_far_den, r - PHILOX_FAR);
}

PHILOX_INLINE double philox_normal(double p) {
    double q = p - 0.5;
    if (fabs(q) <= PHILOX_MIDDLE)
        return philox_normal_middle(q);
    double r = sqrt(-philox_log(q < 0 ? p : 1.0 - p));
    double x = r <= PHILOX_FAR ? philox_normal_tail(r) : philox_normal_far(r);
    return copysign(x, q);
}

#endif
