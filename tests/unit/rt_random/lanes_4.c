/* Vectors of 4 draws, called from code compiled for them. */
#define LANES 4
#define DRAW draw_4
#define SEEDS seeds_4
#define VARIANT(params, name) _ZGVdN4##params##_##name
#include "lanes.inc"
