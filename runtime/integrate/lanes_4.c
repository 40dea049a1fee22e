/* lanes_4 — 4 lanes, with AVX2. */
#define LANES 4
#define NAME(x) x##_4
#include "lanes.inc"
