/* The plain kernels for float. */
#include <math.h>

#define REAL float
#define NAME(x) x##_f32
#define SQRT sqrtf
#define LOG logf
#define FABS fabsf
#include "ref.inc"
