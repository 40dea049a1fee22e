/* Vector variants of the single draws, under the names of the vector function ABI: a loop that draws at
 * each element is vectorized whole, noise included. See vector.inc. */
#include "philox.h"

#ifdef __x86_64__
#include <immintrin.h>

#define LANES 8
#define VEC(x) x##8
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#define MUL32(a, b) ((U8)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define SQRT(x) ((D8)_mm512_sqrt_pd((__m512d)(x)))
#define VARIANT(name) _ZGVeN8uuuv_##name
#include "vector.inc"
#undef LANES
#undef VEC
#undef TARGET
#undef MUL32
#undef SQRT
#undef VARIANT

#define LANES 4
#define VEC(x) x##4
#define TARGET __attribute__((target("avx2")))
#define MUL32(a, b) ((U4)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#define SQRT(x) ((D4)_mm256_sqrt_pd((__m256d)(x)))
#define VARIANT(name) _ZGVdN4uuuv_##name
#include "vector.inc"
#endif
