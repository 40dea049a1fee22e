/* Singular values in single precision. */
#include <float.h>
#include <math.h>
#include <stdbool.h>

#define REAL float
#define NAME(x) x##_f32
#define BLAS_NAME(x) cblas_s##x
#define LAPACK_NAME(x) s##x##_
#define SQRT sqrtf
#define FABS fabsf
#define EPSILON FLT_EPSILON
#include "singular.inc"
