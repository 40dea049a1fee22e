/* Vectors of 8 draws, called from code compiled for them. */
#define LANES 8
#define DRAW draw_8
#define VARIANT(name) _ZGVeN8uuuv_##name
#include "lanes.inc"
