/* lanes_8 — vectors of 8 numbers, with AVX-512. */
#define VECTOR 8
#define NAME(x) x##_8
#include "lanes.inc"
