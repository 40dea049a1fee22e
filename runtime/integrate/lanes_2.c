/* lanes_2 — vectors of 2 numbers, with every machine's vectors. */
#define VECTOR 2
#define NAME(x) x##_2
#include "lanes.inc"
