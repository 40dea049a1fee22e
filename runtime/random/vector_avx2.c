/* Vectors of four draws, compiled for AVX2 (see vector.inc); empty for other processors. */
#ifdef __AVX2__
#define LANES 4
#define VEC(x) x##4
#define MUL32(a, b) ((U4)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#define SQRT(x) ((D4)_mm256_sqrt_pd((__m256d)(x)))
#define VARIANT(params, name) _ZGVdN4##params##_##name
#include "vector.inc"
#endif
