/* random — noise as a pure function of its key. Every draw is a function of (seed, step, site, position): the
 * run's seed, the number of the step, the place in the source and the index of the element. Nothing is
 * carried from draw to draw, so the same run has the same noise on any number of threads and in any order of
 * evaluation, and the compiler's evaluator gets the very bits generated code gets.
 *
 * Generator: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC11).
 * Its key is the seed, its counter position / 2, site and step; one block serves two positions.
 * Floating-point operations here are additions, multiplications, divisions and square roots only, so the bits
 * do not depend on the C library, on the vector width or on the processor. */
#ifndef LAG_RT_RANDOM_H
#define LAG_RT_RANDOM_H

#include "../rt.h"

/* Sites from here on belong to the runtime (shuffles, drivers); the compiler numbers its own from 0. */
#define RT_SITE_RUNTIME 0xf0000000u
#define RT_SITE_SHUFFLE (RT_SITE_RUNTIME + 0)
#define RT_SITE_SPLIT (RT_SITE_RUNTIME + 1)
#define RT_SITE_INIT (RT_SITE_RUNTIME + 2)
#define RT_SITE_DRIVER (RT_SITE_RUNTIME + 16) /* first of those that drivers number themselves */

/* One block: ten rounds over `counter` under `key`. */
void rt_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* ---- single draws; rt_random_uniform and rt_random_normal are in rt_kernels.h: odd multiples of 2⁻⁵³ in (0,
 * 1), and Φ⁻¹ of those ---- */
uint64_t rt_random_bits(uint64_t seed, uint64_t step, uint32_t site, int64_t position); /* 64 random bits */

/* ---- a stream: as many draws as wanted at one (seed, step, site, position), for rejection methods ---- */
typedef struct RtStream {
    uint64_t key, next;
} RtStream;
RtStream rt_stream(uint64_t seed, uint64_t step, uint32_t site, int64_t position);
uint64_t rt_stream_bits(RtStream *s);
double rt_stream_uniform(RtStream *s);
double rt_stream_normal(RtStream *s);
double rt_stream_exponential(RtStream *s);         /* rate 1 */
double rt_stream_gamma(RtStream *s, double shape); /* scale 1; shape > 0, else NaN (Marsaglia, Tsang 2000) */
double rt_stream_beta(RtStream *s, double a, double b);
/* Poisson of mean `mean` >= 0 (below 2⁵²; else NaN), as a double. */
double rt_stream_poisson(RtStream *s, double mean);
/* Binomial: successes in n trials of probability p; NaN outside n >= 0, 0 <= p <= 1. */
double rt_stream_binomial(RtStream *s, double n, double p);
/* Uniform on 0 .. n-1 without bias, n > 0 (Lemire 2019). */
uint64_t rt_stream_below(RtStream *s, uint64_t n);

/* ---- shuffles ---- */
/* Writes a random order of 0 .. n-1, every order equally likely (Fisher-Yates), a function of seed and
 * epoch. */
void rt_random_permutation(uint64_t seed, uint64_t epoch, uint32_t site, int64_t n, int64_t *out);

#endif
