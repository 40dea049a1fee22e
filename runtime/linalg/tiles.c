#include "tiles.h"

/* A tile below TILE_WORK multiplications is not worth a thread's attention (20 microseconds at 100 GFLOP/s); more than
 * MOST_TILES are of no use to the threads of one machine, and every tile packs its share of A and B again. Edges are
 * multiples of 48, which the register blocks of the library's kernels (4 to 48 wide) divide or nearly so. */
enum { TILE_WORK = 1 << 20, MOST_TILES = 64, SIDE = 48, ROW_WORK = 1 << 16 };

static int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

/* Length of the pieces when `size` is cut into about `parts`. */
static int64_t piece(int64_t size, int64_t parts)
{
    int64_t length = ceil_div(ceil_div(size, parts), SIDE) * SIDE;
    return length < size ? length : size;
}

Tiles tiles_of(int64_t m, int64_t n, int64_t k)
{
    double parts = (double)m * (double)n * (double)k / TILE_WORK;
    if (parts > MOST_TILES)
        parts = MOST_TILES;
    int64_t down = 1, across = 1;
    while ((double)(down * across) * 2 <= parts) { /* halve the longer side */
        if (m * across >= n * down)
            down *= 2;
        else
            across *= 2;
    }
    Tiles t = {piece(m, down), piece(n, across), 1, 1};
    t.down = t.rows > 0 ? ceil_div(m, t.rows) : 0;
    t.across = t.columns > 0 ? ceil_div(n, t.columns) : 0;
    return t;
}

int64_t tiles_row_chunk(int64_t m, int64_t n)
{
    int64_t rows = n > 0 ? ceil_div(ROW_WORK, n) : m;
    rows = ceil_div(rows, 16) * 16;
    return rows < m ? rows : (m > 0 ? m : 1);
}
