/* Vectors of eight draws, compiled for AVX-512 (see vector.inc); empty for other processors. */
#ifdef __AVX512DQ__
#define LANES 8
#define VEC(x) x##8
#define MUL32(a, b) ((U8)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define SQRT(x) ((D8)_mm512_sqrt_pd((__m512d)(x)))
#define VARIANT(params, name) _ZGVeN8##params##_##name
#include "vector.inc"
#endif
