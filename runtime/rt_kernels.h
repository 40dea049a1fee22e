/* rt_kernels.h — prototypes of everything in rt_abi.def: what generated code may call. Included by rt.h.
 *
 * Matrices are row-major: element (i, j) of A is A[i * lda + j]. Sizes are numbers of elements. Where
 * frame->pool is set, large products use its threads; the bits of a result never depend on how many there
 * are. `frame` may be NULL. */
#ifndef LAG_RT_KERNELS_H
#define LAG_RT_KERNELS_H

#include "rt.h"

/* ---- threads ---- */

/* A piece of a loop: iterations begin .. end-1. */
typedef void (*RtBody)(RtFrame *frame, void *env, int64_t begin, int64_t end);

/* Runs `body` over 0 .. n-1 in pieces of `chunk` iterations (the last may be shorter), in any order and on
 * any thread of frame->pool; returns when all are done. The pieces depend on n and chunk alone: a body that
 * keeps one partial result per piece (piece number begin / chunk) and has them combined in order afterwards
 * gives the same bits on any number of threads. A call from inside a body runs its pieces one after the other
 * on the calling thread. Bodies run under the caller's floating-point mode. n <= 0 does nothing; chunk < 1
 * counts as 1. */
void rt_parallel(RtFrame *frame, RtBody body, void *env, int64_t n, int64_t chunk);

/* ---- noise: pure functions of (seed, step, site, position) ---- */

double rt_random_uniform(uint64_t seed, uint64_t step, uint32_t site, int64_t position); /* in (0, 1) */
double rt_random_normal(uint64_t seed, uint64_t step, uint32_t site,
                        int64_t position); /* mean 0, variance 1 */

/* ---- special functions; the f32 spellings compute in f64 and round ---- */

double rt_lgamma(double x); /* ln |Γ(x)|, without the C library's global sign */
float rt_lgammaf(float x);
/* ψ⁽ⁿ⁾(x), order n = 0, 1, 2, … (NaN for others): order 0 is digamma, d/dx ln Γ(x), order n its n-th
 * derivative. At the poles 0, -1, -2, … +∞ for odd n, else NaN. */
double rt_polygamma(double order, double x);
float rt_polygammaf(float order, float x);

/* ---- products ---- */

/* C = alpha op(A) op(B) + beta C; op(A) is m×k, op(B) is k×n, C is m×n; trans_a, trans_b nonzero: transposed.
 * With beta 0, C is not read. */
void rt_gemm_f32(RtFrame *frame, int32_t trans_a, int32_t trans_b, int64_t m, int64_t n, int64_t k,
                 float alpha, const float *A, int64_t lda, const float *B, int64_t ldb, float beta, float *C,
                 int64_t ldc);
void rt_gemm_f64(RtFrame *frame, int32_t trans_a, int32_t trans_b, int64_t m, int64_t n, int64_t k,
                 double alpha, const double *A, int64_t lda, const double *B, int64_t ldb, double beta,
                 double *C, int64_t ldc);
/* `count` such products; matrix b of A begins at A + b * stride_a, and so on (a stride may be 0 for A and
 * B). */
void rt_gemm_batch_f32(RtFrame *frame, int32_t trans_a, int32_t trans_b, int64_t m, int64_t n, int64_t k,
                       float alpha, const float *A, int64_t lda, int64_t stride_a, const float *B,
                       int64_t ldb, int64_t stride_b, float beta, float *C, int64_t ldc, int64_t stride_c,
                       int64_t count);
void rt_gemm_batch_f64(RtFrame *frame, int32_t trans_a, int32_t trans_b, int64_t m, int64_t n, int64_t k,
                       double alpha, const double *A, int64_t lda, int64_t stride_a, const double *B,
                       int64_t ldb, int64_t stride_b, double beta, double *C, int64_t ldc, int64_t stride_c,
                       int64_t count);
/* y = alpha op(A) x + beta y; A is m×n as stored. Increments are positive. */
void rt_gemv_f32(RtFrame *frame, int32_t trans, int64_t m, int64_t n, float alpha, const float *A,
                 int64_t lda, const float *x, int64_t incx, float beta, float *y, int64_t incy);
void rt_gemv_f64(RtFrame *frame, int32_t trans, int64_t m, int64_t n, double alpha, const double *A,
                 int64_t lda, const double *x, int64_t incx, double beta, double *y, int64_t incy);

/* ---- factorizations. Matrices are packed: n×n, and n×m for right-hand sides (m = 1: a vector). Outputs are
 * whole (a triangular factor has zeros in its other half), may be the array B (A, where there is no B), and
 * are unspecified when the status is not RT_OK. `work`: RT_LINALG_WORK(n, m, element size) bytes aligned to
 * 64, m = n for the inverse and 0 for logdet; NULL: taken from the heap for the call, which may then give
 * RT_NO_MEMORY. ---- */

#define RT_LINALG_WORK(n, m, size) ((((n) * (n) + (n) * (m)) * (int64_t)(size) + (n)*4 + 191) / 64 * 64)

/* A = L Lᵀ, A symmetric positive definite (its lower triangle is read). RT_NOT_POSITIVE_DEFINITE. */
RtStatus rt_cholesky_f32(RtFrame *frame, int64_t n, const float *A, float *L);
RtStatus rt_cholesky_f64(RtFrame *frame, int64_t n, const double *A, double *L);
/* X = A⁻¹ B by LU with row exchanges. RT_SINGULAR. */
RtStatus rt_solve_f32(RtFrame *frame, int64_t n, int64_t m, const float *A, const float *B, float *X,
                      void *work);
RtStatus rt_solve_f64(RtFrame *frame, int64_t n, int64_t m, const double *A, const double *B, double *X,
                      void *work);
/* The same by Cholesky, A symmetric positive definite. RT_NOT_POSITIVE_DEFINITE. */
RtStatus rt_solve_spd_f32(RtFrame *frame, int64_t n, int64_t m, const float *A, const float *B, float *X,
                          void *work);
RtStatus rt_solve_spd_f64(RtFrame *frame, int64_t n, int64_t m, const double *A, const double *B, double *X,
                          void *work);
/* X = op(T)⁻¹ B; T lower (upper 0) or upper (upper 1) triangular, its other half is not read; trans 1: op(T)
 * = Tᵀ. RT_SINGULAR when a diagonal element is 0. */
RtStatus rt_solve_triangular_f32(RtFrame *frame, int32_t upper, int32_t trans, int64_t n, int64_t m,
                                 const float *T, const float *B, float *X);
RtStatus rt_solve_triangular_f64(RtFrame *frame, int32_t upper, int32_t trans, int64_t n, int64_t m,
                                 const double *T, const double *B, double *X);
/* X = A⁻¹. RT_SINGULAR. */
RtStatus rt_inverse_f32(RtFrame *frame, int64_t n, const float *A, float *X, void *work);
RtStatus rt_inverse_f64(RtFrame *frame, int64_t n, const double *A, double *X, void *work);
/* *result = ln det A by LU. RT_SINGULAR when the determinant is 0; RT_NOT_FINITE (and NaN) when it is
 * negative. */
RtStatus rt_logdet_f32(RtFrame *frame, int64_t n, const float *A, float *result, void *work);
RtStatus rt_logdet_f64(RtFrame *frame, int64_t n, const double *A, double *result, void *work);

/* ---- singular values of A[n, m] = W diag(s) Z. Singular values that are 0 but for rounding have no part in the results, which are 0
 * for A = 0. RT_NOT_FINITE for an A that is not, RT_NO_MEMORY. ---- */

/* X[n, m] = W Z, the polar factor: the orthogonal matrix nearest to A. */
RtStatus rt_polar_f32(RtFrame *frame, int64_t n, int64_t m, const float *A, float *X);
RtStatus rt_polar_f64(RtFrame *frame, int64_t n, int64_t m, const double *A, double *X);
/* X[n, m] = w z, the vectors of the largest singular value. */
RtStatus rt_leading_f32(RtFrame *frame, int64_t n, int64_t m, const float *A, float *X);
RtStatus rt_leading_f64(RtFrame *frame, int64_t n, int64_t m, const double *A, double *X);
/* *result = the largest singular value. */
RtStatus rt_spectral_norm_f32(RtFrame *frame, int64_t n, int64_t m, const float *A, float *result);
RtStatus rt_spectral_norm_f64(RtFrame *frame, int64_t n, int64_t m, const double *A, double *result);
/* *result = Σ A P with P the polar factor of A, or what stands for it: the sum of the singular values. RT_OK. */
RtStatus rt_nuclear_norm_f32(RtFrame *frame, int64_t n, int64_t m, const float *A, const float *P, float *result);
RtStatus rt_nuclear_norm_f64(RtFrame *frame, int64_t n, int64_t m, const double *A, const double *P, double *result);

/* ---- Newton's method for r(u) = 0, u[n]. Generated code runs
 *
 *     begin(start, u);  repeat { r = r(u); residual(r, u); J = ∂r/∂u; c = J⁻¹ r; correct(c, u); }
 *
 * and does what the two verdicts say. `work`: RT_NEWTON_WORK(n) doubles, kept between the calls. ---- */

enum {
    RT_NEWTON_GO_ON,  /* to what comes next in the iteration */
    RT_NEWTON_AGAIN,  /* u has moved: the next iteration */
    RT_NEWTON_FOUND,  /* u is the root, to rounding */
    RT_NEWTON_FAILED, /* there is none to be found from that start: RT_NO_ROOT */
    RT_NEWTON_NOT_CONVEX, /* ∂r/∂u is not positive definite at the root of block frame->bad_place: RT_NOT_CONVEX */
};
#define RT_NEWTON_WORK(n) (6 + 2 * (n))
void rt_newton_begin_f64(RtFrame *frame, int64_t n, const double *start, double *u, double *work);
/* r[n] at u: goes on, or moves u back towards where |r| was smaller. */
int32_t rt_newton_residual_f64(RtFrame *frame, int64_t n, const double *r, double *u, double *work);
/* u ← u − correction[n]. */
int32_t rt_newton_correct_f64(RtFrame *frame, int64_t n, const double *correction, double *u, double *work);

/* ---- The same for r the gradient of a convex function, where u falls into blocks of `size` numbers with an equation of their own
 * each: J[n / size, size, size] holds the blocks of ∂r/∂u, and correct solves with it. `work`: RT_NEWTON_CONVEX_WORK(n, size). ---- */

#define RT_NEWTON_CONVEX_WORK(n, size) (1 + 3 * (n) + ((size) ? 3 * ((n) / ((size) ? (size) : 1)) : 0) + (size) * (size))
void rt_newton_convex_begin_f64(RtFrame *frame, int64_t n, int64_t size, const double *start, double *u, double *work);
int32_t rt_newton_convex_residual_f64(RtFrame *frame, int64_t n, int64_t size, const double *r, double *u, double *work);
int32_t rt_newton_convex_correct_f64(RtFrame *frame, int64_t n, int64_t size, const double *J, double *u, double *work);

#endif
