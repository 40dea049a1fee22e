/* The choice of OpenBLAS's kernels on a processor it does not know. Such a processor is imitated by loading
 * the library with OPENBLAS_CORETYPE=Prescott, which is what it falls back to by itself, and taking the
 * variable away again. A program of its own, because a process loads the library once. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linalg/blas.h"

static void *handle; /* of the library, as it comes up on a processor it does not know */

static bool is_modern(const char *core) {
    return !strcmp(core, "SkylakeX") || !strcmp(core, "Haswell") || !strcmp(core, "Zen");
}

static void check_product(void) {
    double A[6] = {1, 2, 3, 4, 5, 6}, B[6] = {1, 0, 2, 1, 0, 3}, C[4], D[4];
    rt_gemm_f64(NULL, 0, 0, 2, 2, 3, 1, A, 3, B, 2, 0, C, 2);
    ref_gemm_f64(NULL, 0, 0, 2, 2, 3, 1, A, 3, B, 2, 0, D, 2);
    assert_memory_equal(C, D, sizeof C); /* small integers: exact */
}

static void test_falls_back(void **state) {
    (void)state;
    if (!handle)
        skip();
    RtBlasInfo info = {.loaded = false};
    setenv("OPENBLAS_NUM_THREADS", "7", 1); /* not ours to change */
    blas_choose_kernels(handle, &info);
    assert_null(getenv("OPENBLAS_CORETYPE"));
    assert_string_equal(getenv("OPENBLAS_NUM_THREADS"), "7");
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        assert_true(is_modern(info.core));
        assert_non_null(strstr(info.chosen, "by lag"));
        assert_non_null(strstr(info.chosen, "Prescott"));
    }
#endif
    check_product();
}

/* Asked again, there is nothing to mend. */
static void test_stays(void **state) {
    (void)state;
    if (!handle)
        skip();
    RtBlasInfo first = {.loaded = false}, again = {.loaded = false};
    blas_choose_kernels(handle, &first);
    blas_choose_kernels(handle, &again);
    assert_string_equal(first.core, again.core);
    assert_null(strstr(again.chosen, "by lag"));
}

/* The library was here before us, so its choices are left to whoever loaded it, and it is used as it is. */
static void test_host(void **state) {
    (void)state;
    if (!handle)
        skip();
    const RtBlasInfo *info = rt_blas_describe();
    assert_true(info->loaded);
    assert_non_null(strstr(info->chosen, "loaded the library before"));
    check_product();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_falls_back),
        cmocka_unit_test(test_stays),
        cmocka_unit_test(test_host),
    };
    setenv("OPENBLAS_CORETYPE", "Prescott", 1);
    handle = dlopen("libopenblas.so.0", RTLD_NOW);
    unsetenv("OPENBLAS_CORETYPE");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
