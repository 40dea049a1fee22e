/* tiles.h — how a product is divided. Internal to runtime/linalg. The division depends on the sizes alone, never on the
 * threads: each element of the result is computed inside one tile, so its bits do not depend on who computes it. */
#ifndef LAG_RT_TILES_H
#define LAG_RT_TILES_H

#include <stdint.h>

typedef struct Tiles {
    int64_t rows, columns; /* of one tile (those at the edges are smaller) */
    int64_t down, across;  /* tiles in each direction */
} Tiles;

/* Tiles of an m×n result with inner size k. Small products are one tile. */
Tiles tiles_of(int64_t m, int64_t n, int64_t k);
/* Rows in a piece of a matrix-vector operation that passes over m rows of n elements. */
int64_t tiles_row_chunk(int64_t m, int64_t n);

#endif
