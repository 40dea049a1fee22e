/* batches — which rows each step sees.
 *
 * An epoch is a forward Fisher-Yates shuffle drawn as far as it is used: place i exchanges with a uniform
 * place of i … n-1 and is then final. The only pause at the beginning of an epoch is writing n integers in
 * order. The draw for place i is a function of (seed, epoch, i), so an epoch depends on nothing that came
 * before it; one block of the generator serves four places, and a piece of places is drawn ahead so that the
 * exchanges of a large set can be fetched into the cache before they are made. */
#include "data.h"

#include "../random/random.h"

#include <stdlib.h>
#include <string.h>

struct RtBatches {
    int64_t *rows;   /* NULL: place is row */
    uint32_t *order; /* the present epoch's permutation, final below `place`; NULL: no shuffle */
    uint64_t n, batch, seed, epoch, place, number;
};

enum { PIECE = 64 };

static void begin_epoch(RtBatches *b, uint64_t epoch) {
    b->epoch = epoch;
    b->place = 0;
    if (!b->order)
        return;
    for (uint64_t i = 0; i < b->n; i++)
        b->order[i] = (uint32_t)i;
}

RtBatches *rt_batches_new(const int64_t *rows, uint64_t n, uint64_t batch, uint64_t seed, bool shuffle,
                          RtMessage *m) {
    if (n == 0 || batch == 0 || batch > n) {
        rt_fail(m,
                n == 0       ? "there are no rows to make batches of"
                : batch == 0 ? "a batch needs at least one row"
                             : "a batch of %llu rows is larger than the data (%llu rows)",
                (unsigned long long)batch, (unsigned long long)n);
        return NULL;
    }
    if (n > UINT32_MAX) {
        rt_fail(m, "%llu rows are more than batches can be made of (4294967295)", (unsigned long long)n);
        return NULL;
    }
    RtBatches *b = calloc(1, sizeof *b);
    bool ok = b != NULL;
    if (ok && shuffle)
        ok = (b->order = malloc(n * sizeof *b->order)) != NULL;
    if (ok && rows)
        ok = (b->rows = malloc(n * sizeof *b->rows)) != NULL;
    if (!ok) {
        rt_batches_free(b);
        rt_fail(m, "not enough memory to shuffle %llu rows", (unsigned long long)n);
        return NULL;
    }
    if (rows)
        memcpy(b->rows, rows, n * sizeof *rows);
    b->n = n;
    b->batch = batch;
    b->seed = seed;
    begin_epoch(b, 0);
    return b;
}

void rt_batches_free(RtBatches *b) {
    if (!b)
        return;
    free(b->order);
    free(b->rows);
    free(b);
}

/* Uniform on 0 … below-1 from 32 random bits, without bias (D. Lemire, "Fast random integer generation in an
 * interval", 2019): where the bits do not decide, a stream of further ones at this place does. */
static uint32_t bounded(const RtBatches *b, uint32_t bits, uint32_t below, uint64_t place) {
    uint64_t product = (uint64_t)bits * below;
    if ((uint32_t)product < below && (uint32_t)product < (0u - below) % below) {
        RtStream s = rt_stream(b->seed, b->epoch, RT_SITE_SHUFFLE, (int64_t)place);
        return (uint32_t)rt_stream_below(&s, below);
    }
    return (uint32_t)(product >> 32);
}

/* partner[k]: the place that place first + k exchanges with; first + count <= n, count at most PIECE. */
static void draw_partners(const RtBatches *b, uint64_t first, uint64_t count, uint32_t *partner) {
    const uint32_t key[2] = {(uint32_t)b->seed, (uint32_t)(b->seed >> 32)};
    uint32_t counter[4] = {0, (uint32_t)(b->epoch >> 32), RT_SITE_SHUFFLE, (uint32_t)b->epoch}, bits[4];
    for (uint64_t k = 0; k < count; k++) {
        uint64_t place = first + k;
        if (k == 0 || place % 4 == 0) {
            counter[0] = (uint32_t)(place / 4);
            rt_philox4x32(counter, key, bits);
        }
        partner[k] = (uint32_t)place + bounded(b, bits[place % 4], (uint32_t)(b->n - place), place);
        __builtin_prefetch(&b->order[partner[k]], 1);
    }
}

/* The next `count` places of the present epoch, which has as many left; the rows to `out`, or nowhere. */
static void draw(RtBatches *b, uint64_t count, int64_t *out) {
    while (count > 0) {
        uint32_t partner[PIECE];
        uint64_t piece = count < PIECE ? count : PIECE;
        if (b->order)
            draw_partners(b, b->place, piece, partner);
        for (uint64_t k = 0; k < piece; k++) {
            uint64_t at = b->place + k;
            if (b->order) {
                uint32_t chosen = b->order[partner[k]];
                b->order[partner[k]] = b->order[at];
                b->order[at] = chosen;
                at = chosen;
            }
            if (out)
                *out++ = b->rows ? b->rows[at] : (int64_t)at;
        }
        b->place += piece;
        count -= piece;
    }
}

void rt_batches_next(RtBatches *b, int64_t *rows) {
    for (uint64_t done = 0; done < b->batch;) {
        if (b->place == b->n)
            begin_epoch(b, b->epoch + 1);
        uint64_t left = b->n - b->place, count = b->batch - done < left ? b->batch - done : left;
        draw(b, count, rows + done);
        done += count;
    }
    b->number++;
}

void rt_batches_seek(RtBatches *b, uint64_t k) {
    unsigned __int128 place = (unsigned __int128)k * b->batch;
    begin_epoch(b, (uint64_t)(place / b->n));
    draw(b, (uint64_t)(place % b->n), NULL);
    b->number = k;
}

uint64_t rt_batches_position(const RtBatches *b) {
    return b->number;
}

uint64_t rt_batches_in_epochs(const RtBatches *b, uint64_t epochs) {
    return (uint64_t)(((unsigned __int128)epochs * b->n + b->batch - 1) / b->batch);
}
