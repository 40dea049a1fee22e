/* lanes_4 — vectors of 4 numbers, with AVX2. */
#define VECTOR 4
#define NAME(x) x##_4
#include "lanes.inc"
