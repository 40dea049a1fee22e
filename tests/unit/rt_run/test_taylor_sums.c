/* The sums of products of Taylor rows: the kernel of the processor against the formula, at every length around its blocks. */
#include "run/jet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MOST_N = 104, MOST_K = 23 };

/* Every element is added up in the order of j, so the bits are those of the plain loop. */
static void sums_are_the_formula(void **state) {
    (void)state;
    double *left = malloc(sizeof *left * MOST_N * MOST_K), *right = malloc(sizeof *right * MOST_N * MOST_K);
    double sums[MOST_N + 1];
    for (size_t i = 0; i < MOST_N * MOST_K; i++) {
        left[i] = (double)((i * 7919) % 1009) / 1009 - 0.5;
        right[i] = (double)((i * 104729) % 997) / 997 - 0.4;
    }
    for (size_t n = 8; n <= MOST_N; n += 8)
        for (size_t k = 1; k < MOST_K; k++) {
            sums[n] = 42;
            rt_taylor_sums()(n, k, left, right, sums);
            for (size_t i = 0; i < n; i++) {
                double want = 0;
                for (size_t j = 1; j < k; j++)
                    want += left[j * n + i] * right[(k - j) * n + i];
                if (sums[i] != want)
                    fail_msg("n = %zu, k = %zu, element %zu: %.17g instead of %.17g", n, k, i, sums[i], want);
            }
            assert_true(sums[n] == 42);
        }
    free(left);
    free(right);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_the_formula)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
