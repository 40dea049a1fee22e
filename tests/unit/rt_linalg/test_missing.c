/* A machine without OpenBLAS, imitated by a dlopen of our own that finds nothing: every kernel still gives right
 * results, and one message says what is missing and how to mend it. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "linalg/linalg.h"

__attribute__((visibility("default"))) void *dlopen(const char *name, int flags) {
    (void)name, (void)flags;
    return NULL;
}

#define REAL double
#define NAME(x) x##_f64
#define EPSILON DBL_EPSILON
#include "kernels.inc"

static void test_described(void **state) {
    (void)state;
    const RtBlasInfo *info = rt_blas_describe();
    assert_false(info->loaded);
    assert_false(rt_blas_load());
    assert_non_null(strstr(info->problem, "OpenBLAS"));
    assert_non_null(strstr(info->problem, "install"));
    assert_int_equal(info->threads, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_described),          cmocka_unit_test(test_gemm_f64),
        cmocka_unit_test(test_batch_f64),          cmocka_unit_test(test_gemv_f64),
        cmocka_unit_test(test_cholesky_f64),       cmocka_unit_test(test_solve_f64),
        cmocka_unit_test(test_inverse_logdet_f64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
