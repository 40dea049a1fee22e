/* Vectors of 8 draws, called from code compiled for them. */
#define LANES 8
#define DRAW draw_8
#define SEEDS seeds_8
#define VARIANT(params, name) _ZGVeN8##params##_##name
#include "lanes.inc"
