/* Factorizations in double. */
#define REAL double
#define NAME(x) x##_f64
#define BLAS_NAME(x) cblas_d##x
#define LAPACK_NAME(x) d##x##_
#define LOG log
#define FABS fabs
#include "factor.inc"
