/* Special functions against values to 20 digits (computed with 50-digit arithmetic) and against their own
 * identities; memory and texts of statuses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/core.h"

/* 1e-13 is what the header promises; near a zero of the function it is absolute. */
static void check(double got, double expected) {
    if (!(fabs(got - expected) <= 1e-13 * fmax(1, fabs(expected))))
        fail_msg("%.17g instead of %.17g", got, expected);
}

static void test_values(void **state) {
    (void)state;
    static const struct {
        double n, x, value;
    } polygamma[] = {
        {0, 1e-3, -1.0005755719318102797e+3},
        {0, 0.25, -4.2274535333762654081},
        {0, 1.4616321449683622, -9.2412655217294275168e-17},
        {0, 3.5, 1.1031566406452431872},
        {0, 12.75, 2.5058032764013554687},
        {0, 100, 4.6001618527380874002},
        {0, 1e6, 1.3815510057964190771e+1},
        {0, -0.3, 2.1133097796353988734},
        {0, -7.6, 1.071732116277543973},
        {0, -40.45, 4.2099560492730017293},
        {1, 1e-3, 1.0000016425331958273e+6},
        {1, 0.25, 1.7197329154507110739e+1},
        {1, 1.4616321449683622, 9.67672245447621255e-1},
        {1, 3.5, 3.3035775610023486497e-1},
        {1, 12.75, 8.1587425655902732132e-2},
        {1, 100, 1.0050166663333571395e-2},
        {1, 1e6, 1.0000005000001666667e-6},
        {1, -0.3, 1.3945160267805722489e+1},
        {1, -7.6, 1.078826545105469903e+1},
        {1, -40.45, 1.0092770843463445457e+1},
        {2, 1e-3, -2.0000000023976321648e+9},
        {2, 0.25, -1.2932773993753692033e+2},
        {2, 1.4616321449683622, -8.8552633796718436031e-1},
        {2, 3.5, -1.08204051641727403e-1},
        {2, 12.75, -6.6528310295293177045e-3},
        {2, 100, -1.01004999833349997e-4},
        {2, 1e6, -1.0000010000005e-12},
        {2, -0.3, 6.763908119988316004e+1},
        {2, -7.6, -2.229148109690428639e+1},
        {2, -40.45, 1.0067613949275731859e+1},
        {3, 1e-3, 6.0000000000064686145e+12},
        {3, 0.25, 1.538782144009188396e+3},
        {3, 1.4616321449683622, 1.5509985657339064395},
        {3, 3.5, 7.0305848817252051255e-2},
        {3, 12.75, 1.0843778847033700808e-3},
        {3, 100, 2.0301999900013330334e-6},
        {3, 1e6, 2.000003000002e-18},
        {3, -0.3, 7.6661989041916858035e+2},
        {3, -7.6, 2.8359856503199991937e+2},
        {3, -40.45, 2.147344917586623067e+2},
        {5, 1e-3, 1.1999999999999998513e+20},
        {5, 0.25, 4.9155251376768129205e+5},
        {5, 1.4616321449683622, 1.2938886082951488855e+1},
        {5, 3.5, 8.7049178567183484554e-2},
        {5, 12.75, 8.6285361688034383587e-5},
        {5, 100, 2.4605999440119960418e-9},
        {5, 1e6, 2.400006000006e-29},
        {5, -0.3, 1.656343818520858948e+5},
        {5, -7.6, 3.1893173701512315049e+4},
        {5, -40.45, 1.8809165666675002994e+4},
        {10, 1e-3, -3.6287999999999991691e+39},
        {10, 0.25, -1.5220290667405549981e+13},
        {10, 1.4616321449683622, -5.5973390515878823097e+4},
        {10, 3.5, -4.0266930412329947594},
        {10, 12.75, -4.627333693376297329e-6},
        {10, 100, -3.8135655355681381999e-15},
        {10, 1e6, -3.628818144033264e-55},
        {10, -0.3, 2.0482846901482025275e+12},
        {10, -7.6, -8.5517174485117731227e+10},
        {10, -40.45, 2.1077619300885309646e+10},
        {20, 1e-3, -2.4329020081766389365e+81},
        {20, 0.25, -1.0700016188919209272e+31},
        {20, 1.4616321449683622, -8.4048985204195504089e+14},
        {20, 3.5, -9.1820702049456267029e+6},
        {20, 12.75, -1.8775803007645681116e-5},
        {20, 100, -1.3423500975739654937e-23},
        {20, 1e6, -1.2164631686409366683e-103},
        {20, -0.3, 2.3258315617066463429e+29},
        {20, -7.6, -5.5306696730097244361e+26},
        {20, -40.45, 4.5940156263924700703e+25},
    };
    static const struct {
        double x, value;
    } gamma[] = {
        {1e-5, 1.1512919692895825626e+1}, {0.5, 5.7236494292470008707e-1}, {7.25, 7.0521854507385394449},
        {150, 6.0000947055532742811e+2},  {-0.5, 1.2655121234846453965},   {-3.3, -8.2435580501742646015e-1},
    };
    for (size_t i = 0; i < sizeof polygamma / sizeof *polygamma; i++)
        check(rt_polygamma(polygamma[i].n, polygamma[i].x), polygamma[i].value);
    for (size_t i = 0; i < sizeof gamma / sizeof *gamma; i++)
        check(rt_lgamma(gamma[i].x), gamma[i].value);
}

/* ψ⁽ⁿ⁾(x + 1) = ψ⁽ⁿ⁾(x) + (-1)ⁿ n! / xⁿ⁺¹, on both sides of zero. */
static void test_recurrence(void **state) {
    (void)state;
    for (int n = 0; n <= 6; n++)
        for (double x = -4.77; x < 30; x += 0.61) {
            double low = rt_polygamma(n, x), step = tgamma(n + 1) / pow(x, n + 1) * (n % 2 ? -1 : 1);
            double scale = fmax(1, fmax(fabs(low), fabs(step)));
            assert_true(fabs(rt_polygamma(n, x + 1) - low - step) < 1e-12 * scale);
        }
}

static void test_edges(void **state) {
    (void)state;
    assert_true(isnan(rt_polygamma(0, 0)) && isnan(rt_polygamma(0, -3)) && isnan(rt_polygamma(0, NAN)));
    assert_true(rt_polygamma(1, 0) == INFINITY && rt_polygamma(1, -2) == INFINITY);
    assert_true(isnan(rt_polygamma(1.5, 2)) && isnan(rt_polygamma(-1, 2)) && isnan(rt_polygamma(2, -1)));
    assert_true(rt_polygamma(0, INFINITY) == INFINITY && rt_polygamma(3, INFINITY) == 0);
    assert_true(rt_polygammaf(1, 2.5f) == (float)rt_polygamma(1, 2.5));
    assert_true(rt_lgammaf(2.5f) == (float)rt_lgamma(2.5) && rt_lgamma(-0.5) == rt_lgamma(-0.5));
}

static void test_memory(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, (size_t)5 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = rt_alloc_zeroed(sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(block[k], 0);
        rt_free(block);
    }
    assert_null(rt_alloc(SIZE_MAX - 10));
    assert_null(rt_alloc_zeroed((size_t)PTRDIFF_MAX));
    rt_free(NULL);
}

static void test_status(void **state) {
    (void)state;
    assert_string_equal(rt_status_text(RT_OK), "");
    for (int s = 1; s < RT_STATUS_COUNT; s++)
        assert_true(rt_status_text((RtStatus)s)[0] != 0);
    assert_non_null(rt_status_text((RtStatus)-1));
    assert_non_null(rt_status_text((RtStatus)1000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_recurrence), cmocka_unit_test(test_edges),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
