/* Streams: Philox keyed by the bits of one draw, its counter the number of the draw; and the distributions
 * that need an unforeseen number of draws. */
#include "philox.h"

RtStream rt_stream(uint64_t seed, uint64_t step, uint32_t site, int64_t position) {
    return (RtStream){rt_random_bits(seed, step, site, position), 0};
}

uint64_t rt_stream_bits(RtStream *s) {
    return rt_random_bits(s->key, 0, 0, (int64_t)s->next++);
}

double rt_stream_uniform(RtStream *s) {
    return philox_uniform(rt_stream_bits(s));
}

double rt_stream_normal(RtStream *s) {
    return philox_normal(rt_stream_uniform(s));
}

double rt_stream_exponential(RtStream *s) {
    return -philox_log(rt_stream_uniform(s));
}

/* Marsaglia and Tsang, A simple method for generating gamma variables, ACM TOMS 26 (2000): for shape >= 1, d
 * v with d = shape - 1/3, v = (1 + z / √(9 d))³, accepted when ln u < z²/2 + d - d v + d ln v. Below 1 by
 * Γ(a) = Γ(a + 1) U^(1/a), in logarithms because U^(1/a) may underflow. */
double rt_stream_gamma(RtStream *s, double shape) {
    if (!(shape > 0) || isinf(shape))
        return NAN;
    if (shape < 1) {
        double g = rt_stream_gamma(s, shape + 1);
        return exp(log(g) - rt_stream_exponential(s) / shape);
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double z = rt_stream_normal(s), v = 1 + c * z;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(rt_stream_uniform(s)) < z * z / 2 + d - d * v + d * log(v))
            return d * v;
    }
}

double rt_stream_beta(RtStream *s, double a, double b) {
    double x = rt_stream_gamma(s, a), y = rt_stream_gamma(s, b);
    if (x + y == 0) /* both shapes tiny: nearly all mass at the ends */
        return rt_stream_uniform(s) < a / (a + b) ? 1 : 0;
    return x / (x + y);
}

/* Sums of exponentials for small means; for large ones by halves: the number of points of a Poisson process
 * up to its m-th point, which lies at a gamma(m) time (Ahrens and Dieter, 1974). */
double rt_stream_poisson(RtStream *s, double mean) {
    if (!(mean >= 0) || mean >= 0x1p52)
        return NAN;
    double count = 0;
    while (mean > 16) {
        double m = floor(mean * 7 / 8), time = rt_stream_gamma(s, m);
        if (time > mean)
            return count + rt_stream_binomial(s, m - 1, mean / time);
        count += m;
        mean -= time;
    }
    for (double time = rt_stream_exponential(s); time <= mean; time += rt_stream_exponential(s))
        count++;
    return count;
}

/* Halving by the median of n uniforms, which is beta distributed (Devroye, Non-Uniform Random Variate
 * Generation, X.4.4), then trial by trial. */
double rt_stream_binomial(RtStream *s, double n, double p) {
    if (!(n >= 0) || !(p >= 0 && p <= 1) || n >= 0x1p52)
        return NAN;
    n = floor(n);
    double count = 0;
    while (n > 16) {
        double i = floor((n + 1) / 2), median = rt_stream_beta(s, i, n + 1 - i);
        if (median <= p) {
            count += i;
            n -= i;
            p = median < 1 ? (p - median) / (1 - median) : 0;
        } else {
            n = i - 1;
            p = p / median;
        }
    }
    for (; n > 0; n--)
        count += rt_stream_uniform(s) < p;
    return count;
}

/* Lemire, Fast random integer generation in an interval, ACM TOMACS 29 (2019): the upper half of bits × n,
 * drawn again where the lower half falls into the part that would be counted once too often. */
uint64_t rt_stream_below(RtStream *s, uint64_t n) {
    unsigned __int128 product = (unsigned __int128)rt_stream_bits(s) * n;
    if ((uint64_t)product < n) {
        uint64_t surplus = (0 - n) % n;
        while ((uint64_t)product < surplus)
            product = (unsigned __int128)rt_stream_bits(s) * n;
    }
    return (uint64_t)(product >> 64);
}

void rt_random_permutation(uint64_t seed, uint64_t epoch, uint32_t site, int64_t n, int64_t *out) {
    RtStream s = rt_stream(seed, epoch, site, 0);
    for (int64_t i = 0; i < n; i++) {
        int64_t j = (int64_t)rt_stream_below(&s, (uint64_t)i + 1);
        if (j != i) /* out[i] is not yet written */
            out[i] = out[j];
        out[j] = i;
    }
}
