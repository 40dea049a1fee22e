/* jet — Taylor coefficients by compiled recursions: order by order, with the sums over lower orders in between. */
#include "jet.h"

#include <stdlib.h>
#include <string.h>

/* Vectors of eight doubles; the code is compiled for each kind of processor it may meet. */
typedef double Eight __attribute__((vector_size(64), aligned(8), may_alias));

/* sums[i] = Σ_{j=1}^{k−1} left[j n + i] · right[(k−j) n + i], n a multiple of 8: rows of memory, and each sum in a register. Every
 * element's terms are added in the same order on every processor. */
#define SUMS(variant, ...)                                                                                   \
    __VA_ARGS__ static void sums_##variant(size_t n, size_t k, const double *left, const double *right,      \
                                           double *sums) {                                                   \
        size_t i = 0;                                                                                        \
        for (; i + 32 <= n; i += 32) {                                                                       \
            Eight a = {0}, b = {0}, c = {0}, d = {0};                                                        \
            for (size_t j = 1; j < k; j++) {                                                                 \
                const Eight *x = (const Eight *)(left + j * n + i);                                          \
                const Eight *y = (const Eight *)(right + (k - j) * n + i);                                   \
                a += x[0] * y[0];                                                                            \
                b += x[1] * y[1];                                                                            \
                c += x[2] * y[2];                                                                            \
                d += x[3] * y[3];                                                                            \
            }                                                                                                \
            Eight *out = (Eight *)(sums + i);                                                                \
            out[0] = a, out[1] = b, out[2] = c, out[3] = d;                                                  \
        }                                                                                                    \
        for (; i < n; i += 8) {                                                                              \
            Eight a = {0};                                                                                   \
            for (size_t j = 1; j < k; j++)                                                                   \
                a += *(const Eight *)(left + j * n + i) * *(const Eight *)(right + (k - j) * n + i);         \
            *(Eight *)(sums + i) = a;                                                                        \
        }                                                                                                    \
    }

SUMS(any)
#if defined(__x86_64__)
SUMS(avx2, __attribute__((target("avx2"))))
SUMS(avx512, __attribute__((target("avx512f"))))

static RtSums best_sums(void) {
    return __builtin_cpu_supports("avx512f") ? sums_avx512 : __builtin_cpu_supports("avx2") ? sums_avx2 : sums_any;
}
#else
static RtSums best_sums(void) { return sums_any; }
#endif

RtSums rt_taylor_sums(void) { return best_sums(); }

static double *at(const RtRun *run, const RtBlock *block) {
    return (double *)(void *)(run->frame->mem + block->offset);
}

/* Two tables of rows, 1 … order − 1, of the factors. */
static bool take_memory(RtJetWork *work, int order) {
    size_t n = work->run->jets.sums.n, bytes = n * (size_t)(order + 1) * sizeof(double);
    if (work->order >= order)
        return true;
    rt_jet_free(work);
    work->left = n ? aligned_alloc(64, bytes) : NULL; /* n is a multiple of 8 */
    work->right = n ? aligned_alloc(64, bytes) : NULL;
    if (n && (!work->left || !work->right))
        return false;
    work->order = order;
    work->sums = rt_taylor_sums();
    return true;
}

void rt_jet_free(RtJetWork *work) {
    free(work->left);
    free(work->right);
    work->left = work->right = NULL;
    work->order = 0;
}

/* What follows moves a few numbers for each order of each step, where a call of memcpy would take as long as the sums. */

static void write_rows(const RtRun *run, const double *c) {
    for (uint32_t b = 0; b < run->n_y; c += run->y[b].n, b++) {
        double *row = at(run, &run->jets.rows[b]);
        for (uint64_t i = 0; i < run->jets.rows[b].n; i++)
            row[i] = c[i];
    }
}

/* c_{k+1} = (coefficients of f of order k) / (k + 1). */
static void read_rates(const RtRun *run, int k, double *c) {
    for (uint32_t b = 0; b < run->n_y; c += run->dy[b].n, b++) {
        const double *rate = at(run, &run->dy[b]);
        bool single = run->dy[b].elem == RT_F32;
        for (uint64_t i = 0; i < run->dy[b].n; i++)
            c[i] = (single ? (double)((const float *)(const void *)rate)[i] : rate[i]) / (k + 1);
    }
}

/* to[n] and to2[n], n a multiple of 8. */
static void copy_two(size_t n, const double *from, double *to, const double *from2, double *to2) {
    for (size_t i = 0; i < n; i += 8) {
        *(Eight *)(to + i) = *(const Eight *)(from + i);
        *(Eight *)(to2 + i) = *(const Eight *)(from2 + i);
    }
}

static int32_t next_order(RtJetWork *work, int k, const double *c) {
    const RtRun *run = work->run;
    const RtJets *jets = &run->jets;
    size_t n = jets->sums.n;
    write_rows(run, c);
    if (jets->order)
        *jets->order = k;
    if (jets->inverse)
        *jets->inverse = 1.0 / k;
    if (n)
        work->sums(n, (size_t)k, work->left, work->right, at(run, &jets->sums));
    int32_t status = jets->next(run->frame);
    if (n)
        copy_two(n, at(run, &jets->left), work->left + (size_t)k * n, at(run, &jets->right), work->right + (size_t)k * n);
    return status;
}

RtStatus rt_jet(void *context, double t, const double *y, int order, double *c) {
    RtJetWork *work = context;
    const RtRun *run = work->run;
    if (!take_memory(work, order))
        return RT_NO_MEMORY;
    rt_blocks_write(run, run->y, y);
    if (run->time)
        *run->time = t;
    size_t n = 0;
    for (uint32_t b = 0; b < run->n_y; b++)
        n += run->y[b].n;
    memcpy(c, y, n * sizeof *c);
    int32_t status = run->jets.first(run->frame);
    if (!status && run->jets.prepare)
        status = run->jets.prepare(run->frame);
    if (!status)
        read_rates(run, 0, c + n);
    for (int k = 1; k < order && !status; k++) {
        status = next_order(work, k, c + (size_t)k * n);
        read_rates(run, k, c + (size_t)(k + 1) * n);
    }
    return (RtStatus)status;
}
