/* Ranges and ticks: round numbers, few of them, whatever the numbers are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "plot/draw.h"

static Ticks ticks_between(double lo, double hi, bool is_log) {
    Ticks ticks;
    Range range = range_empty();
    range_add(&range, lo, is_log);
    range_add(&range, hi, is_log);
    Scale scale = scale_of(range, is_log, 0);
    ticks_of(&scale, 6, &ticks);
    return ticks;
}

static void expect_texts(const Ticks *ticks, const char *want) {
    char have[512] = "";
    for (uint32_t k = 0; k < ticks->n; k++)
        if (!ticks->tick[k].is_minor)
            snprintf(have + strlen(have), sizeof have - strlen(have), "%s%s", *have ? " " : "", ticks->tick[k].text);
    assert_string_equal(have, want);
}

static void test_round_numbers(void **state) {
    (void)state;
    Ticks ticks = ticks_between(0, 10, false);
    expect_texts(&ticks, "0 2 4 6 8 10");
    ticks = ticks_between(-1, 1, false);
    expect_texts(&ticks, "−1.0 −0.5 0.0 0.5 1.0");
    ticks = ticks_between(0.013, 0.047, false);
    expect_texts(&ticks, "0.02 0.03 0.04");
    assert_string_equal(ticks.note, "");
}

static void test_powers_and_offsets_are_said_once(void **state) {
    (void)state;
    Ticks ticks = ticks_between(0, 3e-9, false);
    expect_texts(&ticks, "0.0 0.5 1.0 1.5 2.0 2.5 3.0");
    assert_string_equal(ticks.note, "×10⁻⁹");
    ticks = ticks_between(-9.8 - 1e-9, -9.8 + 1e-9, false);
    expect_texts(&ticks, "−1.0 −0.5 0.0 0.5 1.0");
    assert_string_equal(ticks.note, "×10⁻⁹ − 9.8");
}

static void test_logarithmic(void **state) {
    (void)state;
    Ticks ticks = ticks_between(1e-3, 100, true);
    expect_texts(&ticks, "10⁻³ 10⁻² 10⁻¹ 1 10 10²");
    ticks = ticks_between(1e-16, 1, true);
    assert_in_range(ticks.n, 4, 9);
    ticks = ticks_between(2, 5, true);
    expect_texts(&ticks, "2 5");
}

/* Any range there is has some ticks, all of them inside, in order, and no more than the array holds. */
static void test_any_range(void **state) {
    (void)state;
    static const double ends[] = {-INFINITY, -1e300, -1e17, -3.7, -1e-300, 0, 5e-324, 1e-12, 1, 1 + 2e-16, 1e8, 1e8 + 1, 1e307, NAN};
    enum { N = sizeof ends / sizeof *ends };
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++)
            for (int is_log = 0; is_log < 2; is_log++) {
                Range range = range_empty();
                range_add(&range, ends[a], is_log);
                range_add(&range, ends[b], is_log);
                Scale scale = scale_of(range, is_log, 0.05);
                scale.from = 0;
                scale.to = 100;
                assert_true(scale.hi > scale.lo && isfinite(scale.lo) && isfinite(scale.hi));
                Ticks ticks;
                ticks_of(&scale, 6, &ticks);
                assert_in_range(ticks.n, 1, MAX_TICKS);
                for (uint32_t k = 0; k < ticks.n; k++) {
                    double slack = 1e-6 * (scale.hi - scale.lo); /* rounding of k·step against the ends */
                    assert_true(ticks.tick[k].at >= scale.lo - slack && ticks.tick[k].at <= scale.hi + slack);
                }
                double at = scale_at(&scale, ends[a]);
                assert_true(isnan(at) || (at >= -1e-6 && at <= 100 + 1e-6));
            }
}

static void test_places(void **state) {
    (void)state;
    Scale scale = {.lo = -2, .hi = 2, .from = 100, .to = 0, .is_log = true};
    assert_float_equal(scale_at(&scale, 1), 50, 1e-12);
    assert_float_equal(scale_at(&scale, 0.01), 100, 1e-12);
    assert_true(isnan(scale_at(&scale, 0)) && isnan(scale_at(&scale, -1)) && isnan(scale_at(&scale, INFINITY)));
}

static void test_widths(void **state) {
    (void)state;
    assert_float_equal(text_width("mm", 10), 19.4, 1e-9);
    assert_true(text_width("θ₀", 10) < text_width("mm", 10));
    char buffer[256];
    const char *fitted = text_fitted("a label that is much too long", 10, 60, buffer);
    assert_true(text_width(fitted, 10) <= 60);
    assert_non_null(strstr(fitted, "…"));
    assert_string_equal(text_fitted("short", 10, 60, buffer), "short");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_numbers), cmocka_unit_test(test_powers_and_offsets_are_said_once),
        cmocka_unit_test(test_logarithmic),   cmocka_unit_test(test_any_range),
        cmocka_unit_test(test_places),        cmocka_unit_test(test_widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
