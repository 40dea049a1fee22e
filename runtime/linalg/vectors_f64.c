/* Operations on vectors in double. */
#define REAL double
#define NAME(x) x##_f64
#define BLAS_NAME(x) cblas_d##x
#include "vectors.inc"
