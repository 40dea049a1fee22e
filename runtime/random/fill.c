/* Many draws at once: tiles small enough for the first cache, loops the compiler vectorizes, one copy for
 * each width of vector unit. The operations are those of the single draws in the same order, so the bits are
 * too. */
#include "philox.h"

enum { BLOCKS = 128, TILE = 2 * BLOCKS };

/* bits[2 b], bits[2 b + 1] of blocks first .. first + BLOCKS - 1. */
PHILOX_INLINE void tile_bits(PhiloxKey key, uint64_t first, uint64_t *restrict bits) {
    uint32_t c0[BLOCKS], c1[BLOCKS], c2[BLOCKS], c3[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        uint64_t block = first + (uint64_t)i;
        c0[i] = (uint32_t)block;
        c1[i] = (uint32_t)(block >> 32);
        c2[i] = key.site;
        c3[i] = key.step;
    }
    uint32_t k0 = key.key[0], k1 = key.key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            uint64_t p0 = (uint64_t)PHILOX_M0 * c0[i], p1 = (uint64_t)PHILOX_M1 * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c1[i] = (uint32_t)p1;
            c3[i] = (uint32_t)p0;
        }
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    for (int i = 0; i < BLOCKS; i++) {
        bits[2 * i] = (uint64_t)c1[i] << 32 | c0[i];
        bits[2 * i + 1] = (uint64_t)c3[i] << 32 | c2[i];
    }
}

PHILOX_INLINE void tile_uniform(PhiloxKey key, uint64_t first, double *restrict u) {
    uint64_t bits[TILE];
    tile_bits(key, first, bits);
    for (int i = 0; i < TILE; i++)
        u[i] = philox_uniform(bits[i]);
}

/* The middle of the distribution for all; then for the sixth part that lies outside it, gathered so that the
 * longer computation runs on full vectors, the tails. */
PHILOX_INLINE void tile_normal(PhiloxKey key, uint64_t first, double *restrict x) {
    enum { ROUND = 8 };
    double u[TILE], p[TILE + ROUND], r[TILE + ROUND], tail[TILE + ROUND];
    int at[TILE + 1], n = 0;
    tile_uniform(key, first, u);
    for (int i = 0; i < TILE; i++)
        x[i] = philox_normal_middle(u[i] - 0.5);
    for (int i = 0; i < TILE; i++) { /* without a branch, which would be mispredicted */
        at[n] = i;
        p[n] = u[i] < 0.5 ? u[i] : 1.0 - u[i];
        n += fabs(u[i] - 0.5) > PHILOX_MIDDLE;
    }
    int padded = (n + ROUND - 1) / ROUND * ROUND;
    for (int i = n; i < padded; i++)
        p[i] = 0.05;
    for (int i = 0; i < padded; i++)
        r[i] = sqrt(-philox_log(p[i]));
    for (int i = 0; i < padded; i++)
        tail[i] = philox_normal_tail(r[i]);
    for (int i = 0; i < n; i++) {
        if (r[i] > PHILOX_FAR) /* once in 10¹¹ draws */
            tail[i] = philox_normal_far(r[i]);
        x[at[i]] = copysign(tail[i], u[at[i]] - 0.5);
    }
}

typedef void (*TileFill)(PhiloxKey key, uint64_t first, double *out);

static void uniform_base(PhiloxKey key, uint64_t first, double *out) {
    tile_uniform(key, first, out);
}

static void normal_base(PhiloxKey key, uint64_t first, double *out) {
    tile_normal(key, first, out);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void uniform_avx2(PhiloxKey key, uint64_t first, double *out) {
    tile_uniform(key, first, out);
}

__attribute__((target("avx2"))) static void normal_avx2(PhiloxKey key, uint64_t first, double *out) {
    tile_normal(key, first, out);
}

#define TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl")))
TARGET_AVX512 static void uniform_avx512(PhiloxKey key, uint64_t first, double *out) {
    tile_uniform(key, first, out);
}

TARGET_AVX512 static void normal_avx512(PhiloxKey key, uint64_t first, double *out) {
    tile_normal(key, first, out);
}
#endif

static TileFill choose(bool normal) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return normal ? normal_avx512 : uniform_avx512;
    if (__builtin_cpu_supports("avx2"))
        return normal ? normal_avx2 : uniform_avx2;
#endif
    return normal ? normal_base : uniform_base;
}

/* Calls the tile function over positions first .. first + n - 1, of which only the ends may lie inside a
 * tile. Exactly one of out64 and out32 is given. */
static void fill(PhiloxKey key, bool normal, int64_t first, int64_t n, double *out64, float *out32) {
    TileFill tile_fill = choose(normal);
    double tile[TILE];
    for (int64_t done = 0; done < n;) {
        uint64_t position = (uint64_t)first + (uint64_t)done;
        int64_t skip = (int64_t)(position & 1), take = n - done < TILE - skip ? n - done : TILE - skip;
        if (out64 && skip == 0 && take == TILE) {
            tile_fill(key, position >> 1, out64 + done);
        } else {
            tile_fill(key, position >> 1, tile);
            for (int64_t i = 0; i < take; i++) {
                if (out64)
                    out64[done + i] = tile[skip + i];
                else
                    out32[done + i] = (float)tile[skip + i];
            }
        }
        done += take;
    }
}

void rt_random_fill_uniform(uint64_t seed, uint64_t step, uint32_t site, int64_t first, int64_t n,
                            double *out) {
    fill(philox_key(seed, step, site), false, first, n, out, NULL);
}

void rt_random_fill_normal(uint64_t seed, uint64_t step, uint32_t site, int64_t first, int64_t n,
                           double *out) {
    fill(philox_key(seed, step, site), true, first, n, out, NULL);
}

void rt_fill_uniform_f32(RtFrame *frame, uint32_t site, int64_t first, int64_t n, float *out) {
    fill(philox_key(frame->seed, frame->draw_step, site), false, first, n, NULL, out);
    for (int64_t i = 0; i < n; i++)
        out[i] = out[i] < 1.0f ? out[i] : 0x1.fffffep-1f; /* rounding may have reached 1 */
}

void rt_fill_uniform_f64(RtFrame *frame, uint32_t site, int64_t first, int64_t n, double *out) {
    rt_random_fill_uniform(frame->seed, frame->draw_step, site, first, n, out);
}

void rt_fill_normal_f32(RtFrame *frame, uint32_t site, int64_t first, int64_t n, float *out) {
    fill(philox_key(frame->seed, frame->draw_step, site), true, first, n, NULL, out);
}

void rt_fill_normal_f64(RtFrame *frame, uint32_t site, int64_t first, int64_t n, double *out) {
    rt_random_fill_normal(frame->seed, frame->draw_step, site, first, n, out);
}
