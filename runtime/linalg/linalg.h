/* linalg — dense linear algebra through OpenBLAS and LAPACK, loaded when first used. The kernels are those of
 * rt_kernels.h; beside each is a plain one of the same signature (ref_…), which tests compare with and which
 * runs where the library is missing or the problem is small.
 *
 * The library runs on one thread: large products are divided into tiles here and run on our own threads. */
#ifndef LAG_RT_LINALG_H
#define LAG_RT_LINALG_H

#include "../rt.h"

/* ---- the library ---- */

/* Loads the library now rather than at the first product; true when there is one. Choosing its kernels takes
 * a short change of this process's environment, so programs call this before they start threads. */
bool rt_blas_load(void);

/* Begins to load the library in a thread of its own, about 6 ms of work, so that the front end runs
 * meanwhile; the first call that needs the library waits for it. rt_blas_load_end waits too: call it before
 * the process ends. Between the two the caller neither changes the environment nor loads the library in
 * another thread. */
void rt_blas_load_begin(void);
void rt_blas_load_end(void);

typedef struct RtBlasInfo {
    bool loaded;
    char path[256];    /* file it came from */
    char config[256];  /* the library's own description, with its version */
    char core[64];     /* processor its kernels are for */
    char chosen[160];  /* how they were chosen */
    uint32_t threads;  /* the library's own; 1 unless a host program decides: products go to ours */
    char problem[256]; /* when not loaded: what is missing and how to mend it; else "" */
} RtBlasInfo;
const RtBlasInfo *rt_blas_describe(void); /* loads it */

/* ---- plain kernels ---- */
/* T is f32 or f64: the signatures of rt_kernels.h. */
#define REF_KERNELS(T, real)                                                                                 \
    void ref_gemm_##T(RtFrame *, int32_t, int32_t, int64_t, int64_t, int64_t, real, const real *, int64_t,   \
                      const real *, int64_t, real, real *, int64_t);                                         \
    void ref_gemv_##T(RtFrame *, int32_t, int64_t, int64_t, real, const real *, int64_t, const real *,       \
                      int64_t, real, real *, int64_t);                                                       \
    RtStatus ref_cholesky_##T(RtFrame *, int64_t, const real *, real *);                                     \
    RtStatus ref_solve_##T(RtFrame *, int64_t, int64_t, const real *, const real *, real *, void *);         \
    RtStatus ref_solve_spd_##T(RtFrame *, int64_t, int64_t, const real *, const real *, real *, void *);     \
    RtStatus ref_solve_triangular_##T(RtFrame *, int32_t, int32_t, int64_t, int64_t, const real *,           \
                                      const real *, real *);                                                 \
    RtStatus ref_inverse_##T(RtFrame *, int64_t, const real *, real *, void *);                              \
    RtStatus ref_logdet_##T(RtFrame *, int64_t, const real *, real *, void *);
REF_KERNELS(f32, float)
REF_KERNELS(f64, double)
#undef REF_KERNELS

#endif
