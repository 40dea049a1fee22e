/* lanes_2 — 2 lanes, with every machine's vectors. */
#define LANES 2
#define NAME(x) x##_2
#include "lanes.inc"
