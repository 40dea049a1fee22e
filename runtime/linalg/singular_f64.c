/* Singular values in double precision. */
#include <float.h>
#include <math.h>
#include <stdbool.h>

#define REAL double
#define NAME(x) x##_f64
#define BLAS_NAME(x) cblas_d##x
#define LAPACK_NAME(x) d##x##_
#define SQRT sqrt
#define FABS fabs
#define EPSILON DBL_EPSILON
#include "singular.inc"
