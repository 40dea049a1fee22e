/* Vectors of 4 draws, called from code compiled for them. */
#define LANES 4
#define DRAW draw_4
#define VARIANT(name) _ZGVdN4uuuv_##name
#include "lanes.inc"
