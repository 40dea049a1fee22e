/* lanes_8 — 8 lanes, with AVX-512. */
#define LANES 8
#define NAME(x) x##_8
#include "lanes.inc"
