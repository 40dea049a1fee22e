/* blas.h — the loaded library. Internal to runtime/linalg. */
#ifndef LAG_RT_BLAS_H
#define LAG_RT_BLAS_H

#include <stdatomic.h>

#include "linalg.h"

typedef struct Blas {
#define BLAS(result, name, parameters) result(*name) parameters;
#include "blas.def"
#undef BLAS
} Blas;

/* Written once, when the library has been loaded. */
extern _Atomic(const Blas *) blas_loaded;
const Blas *blas_first(void);

/* The library, loaded by the first call; NULL: there is none. */
static inline const Blas *blas(void) {
    const Blas *lib = atomic_load_explicit(&blas_loaded, memory_order_acquire);
    return lib ? lib : blas_first();
}

/* Compares the choice of the library, just loaded as `handle`, with the processor, and where it fell behind
 * initializes the library again for each of the best kernels in turn until it takes one. Fills info->core and
 * info->chosen. */
void blas_choose_kernels(void *handle, RtBlasInfo *info);

/* The constants of the C interface to BLAS (BLAS Technical Forum standard, annex B). */
enum {
    BLAS_ROWS = 101,
    BLAS_PLAIN = 111,
    BLAS_TRANS = 112,
    BLAS_UPPER = 121,
    BLAS_LOWER = 122,
    BLAS_NONUNIT = 131,
    BLAS_LEFT = 141
};

/* Whether every size fits the library's 32-bit integers. */
static inline bool blas_fits(int64_t a, int64_t b, int64_t c) {
    return a <= INT32_MAX && b <= INT32_MAX && c <= INT32_MAX;
}

#endif
