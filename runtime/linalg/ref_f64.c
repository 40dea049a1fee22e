/* The plain kernels for double. */
#include <math.h>

#define REAL double
#define NAME(x) x##_f64
#define SQRT sqrt
#define LOG log
#define FABS fabs
#include "ref.inc"
