/* Factorizations in float. */
#define REAL float
#define NAME(x) x##_f32
#define BLAS_NAME(x) cblas_s##x
#define LAPACK_NAME(x) s##x##_
#define LOG logf
#define FABS fabsf
#include "factor.inc"
