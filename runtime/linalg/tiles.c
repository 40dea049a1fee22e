#include "tiles.h"

/* Every tile packs its share of A and B again, so there are only FEW_TILES, which is enough for the threads
 * of a common machine, until they have become LARGE_WORK. Edges are multiples of EDGE, which register blocks
 * divide. */
enum { FEW_TILES = 16, LARGE_WORK = 64 << 20, MOST_TILES = 256, EDGE = 16, ROW_WORK = 1 << 16 };

static int64_t ceil_div(int64_t a, int64_t b) {
    return a / b + (a % b != 0);
}

Tiles tiles_of(int64_t m, int64_t n, int64_t k) {
    double work = (double)m * (double)n * (double)k, parts = work / TILE_WORK;
    if (parts > FEW_TILES)
        parts = FEW_TILES;
    if (work / LARGE_WORK > parts)
        parts = work / LARGE_WORK;
    if (parts > MOST_TILES)
        parts = MOST_TILES;
    Tiles t = {m, n, 1, 1};
    while ((double)(t.down * t.across) * 2 <= parts) { /* halve the longer side */
        bool by_rows = m * t.across >= n * t.down;
        int64_t *side = by_rows ? &t.down : &t.across, length = by_rows ? m : n;
        if (length < 2 * *side * EDGE)
            break;
        *side *= 2;
    }
    return t;
}

/* Where the i-th of `parts` nearly equal parts of `length` begins. */
static int64_t part_begin(int64_t length, int64_t parts, int64_t i) {
    if (i == parts)
        return length;
    return ceil_div(length, EDGE) * i / parts * EDGE;
}

int64_t tiles_row(const Tiles *t, int64_t i) {
    return part_begin(t->m, t->down, i);
}

int64_t tiles_column(const Tiles *t, int64_t j) {
    return part_begin(t->n, t->across, j);
}

int64_t tiles_row_chunk(int64_t m, int64_t n) {
    int64_t rows = n > 0 ? ceil_div(ROW_WORK, n) : m;
    rows = ceil_div(rows, EDGE) * EDGE;
    return rows < m ? rows : (m > 0 ? m : 1);
}
