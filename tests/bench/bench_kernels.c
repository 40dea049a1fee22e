/* bench_kernels — the runtime's own parts: products in turns with direct calls of the library, the cost of a loop on
 * threads, noise. Minimum over many short turns, which other work on the machine disturbs least.
 *
 *   bench_kernels THREADS
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/core.h"
#include "harness.h"
#include "linalg/blas.h"
#include "random/random.h"

typedef struct Shape {
    int m, n, k, trans_a, trans_b;
} Shape;

static float *filled(size_t n, uint32_t site) {
    float *x = rt_alloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rt_random_normal(1, 0, site, (int64_t)i);
    return x;
}

static double least(double a, double b) {
    return a < b ? a : b;
}

static void product(RtFrame *frame, Shape s) {
    const Blas *lib = blas();
    float *A = filled((size_t)s.m * s.k, 1), *B = filled((size_t)s.k * s.n, 2), *C = filled((size_t)s.m * s.n, 3);
    int lda = s.trans_a ? s.m : s.k, ldb = s.trans_b ? s.k : s.n;
    double work = 2e-9 * s.m * s.n * s.k, ours = 1e9, direct = 1e9;
    int rounds = (int)(1e-4 / (work / 100) + 1), turns = rounds > 1 ? 400 : work < 0.1 ? 100 : 12;
    for (int turn = 0; turn < turns; turn++) {
        double start = bench_now();
        for (int i = 0; i < rounds; i++)
            rt_gemm_f32(frame, s.trans_a, s.trans_b, s.m, s.n, s.k, 1, A, lda, B, ldb, 0, C, s.n);
        ours = least(ours, (bench_now() - start) / rounds);
        start = bench_now();
        for (int i = 0; i < rounds && lib; i++)
            lib->cblas_sgemm(BLAS_ROWS, s.trans_a ? BLAS_TRANS : BLAS_PLAIN, s.trans_b ? BLAS_TRANS : BLAS_PLAIN, s.m,
                             s.n, s.k, 1, A, lda, B, ldb, 0, C, s.n);
        direct = least(direct, (bench_now() - start) / rounds);
    }
    printf("sgemm %4d x %4d x %4d %c%c  %6.1f GFLOP/s on %u, direct on 1 %6.1f\n", s.m, s.n, s.k,
           s.trans_a ? 'T' : 'N', s.trans_b ? 'T' : 'N', work / ours, rt_pool_threads(frame->pool), work / direct);
    rt_free(A);
    rt_free(B);
    rt_free(C);
}

static void nothing(RtFrame *frame, void *env, int64_t begin, int64_t end) {
    (void)frame, (void)env, (void)begin, (void)end;
}

static void loops(RtFrame *frame) {
    enum { LOOPS = 100 };
    double best = 1e9;
    for (int turn = 0; turn < 200; turn++) {
        double start = bench_now();
        for (int i = 0; i < LOOPS; i++)
            rt_parallel(frame, nothing, NULL, rt_pool_threads(frame->pool), 1);
        best = least(best, (bench_now() - start) / LOOPS);
    }
    printf("an empty loop on %u threads: %.2f us\n", rt_pool_threads(frame->pool), best * 1e6);
}

static void noise(void) {
    enum { N = 4096 };
    double uniform = 1e9, normal = 1e9, sum = 0;
    for (int turn = 0; turn < 500; turn++) {
        double start = bench_now();
        for (int i = 0; i < N; i++)
            sum += rt_random_uniform(1, 2, 3, i) - 0.5;
        uniform = least(uniform, (bench_now() - start) / N);
        start = bench_now();
        for (int i = 0; i < N; i++)
            sum += rt_random_normal(1, 2, 3, i);
        normal = least(normal, (bench_now() - start) / N);
    }
    printf("noise one by one: uniform %.2f ns, normal %.2f ns (mean %.2g)\n", uniform * 1e9, normal * 1e9,
           sum / 1000 / N);
}

int main(int argc, char **argv) {
    static const Shape shapes[] = {{784, 128, 128, 1, 0},   {128, 128, 784, 0, 0},   {128, 10, 128, 0, 0},
                                   {16, 16, 16, 0, 0},      {64, 64, 64, 0, 1},      {512, 512, 512, 0, 0},
                                   {1024, 1024, 1024, 0, 0}};
    RtFrame frame = {.pool = rt_pool_new(argc > 1 ? (uint32_t)atoi(argv[1]) : 1)};
    double start = bench_now();
    const RtBlasInfo *info = rt_blas_describe();
    printf("OpenBLAS opened in %.1f ms: kernels for %s, chosen %s%s\n", (bench_now() - start) * 1e3, info->core,
           info->chosen, info->problem);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        product(&frame, shapes[i]);
    loops(&frame);
    noise();
    rt_pool_free(frame.pool);
    return 0;
}
