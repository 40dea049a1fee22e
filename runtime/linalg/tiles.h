/* tiles.h — how a product is divided. Internal to runtime/linalg. The division depends on the sizes alone,
 * never on the threads: each element of the result is computed inside one tile, so its bits do not depend on
 * who computes it. */
#ifndef LAG_RT_TILES_H
#define LAG_RT_TILES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Tiles {
    int64_t m, n;         /* of the whole */
    int64_t down, across; /* tiles in each direction, at least 1 */
} Tiles;

/* A tile below TILE_WORK multiplications is not worth a thread's attention (some 30 microseconds), and
 * kernels for small matrices, which may add in another order, take over below a million. */
enum { TILE_WORK = 2 << 20 };

/* Whether such a product is surely a single tile. */
static inline bool tiles_is_one(int64_t m, int64_t n, int64_t k) {
    return (double)m * (double)n * (double)k < 2.0 * TILE_WORK;
}

/* Tiles of an m×n result with inner size k. Small products are one tile. */
Tiles tiles_of(int64_t m, int64_t n, int64_t k);
/* First row of the i-th tile from the top (m for i = down), first column of the j-th from the left. */
int64_t tiles_row(const Tiles *t, int64_t i);
int64_t tiles_column(const Tiles *t, int64_t j);
/* Rows in a piece of a matrix-vector operation that passes over m rows of n elements. */
int64_t tiles_row_chunk(int64_t m, int64_t n);

/* ---- whole products: on one thread the tiles could be computed by a single call of the library, which packs
 * its operands once instead of once a tile, if only that gave the same bits. Whether it does is a property of
 * the library's kernels and of the shape (the order in which they add never depends on the numbers), and is
 * found out by doing both. ---- */

typedef enum Whole { WHOLE_TILES, WHOLE_TRY, WHOLE_SAME } Whole;
/* Counts a product of the shape that `hash` stands for: compute it by tiles; now find out and call
 * whole_learn (said once, after a few such products, so that a single product never pays for it); or compute
 * it whole. */
Whole whole_ask(uint64_t hash);
void whole_learn(uint64_t hash, bool same_bits);

#endif
