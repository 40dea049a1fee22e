/* Operations on vectors in float. */
#define REAL float
#define NAME(x) x##_f32
#define BLAS_NAME(x) cblas_s##x
#include "vectors.inc"
