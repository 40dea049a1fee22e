/* Labels of axes and legends: source text as people write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sema/run.h"

static void test_labels(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"theta", "θ"},           {"theta[0]", "θ₀"},       {"θ[12]'", "θ₁₂′"},        {"theta2", "θ₂"},
        {"x'", "x′"},             {"x''", "x′′"},           {"energy - E0", "energy − E₀"}, {"x^2 + y^2", "x² + y²"},
        {"2 * Omega", "2 · Ω"},   {"log10(x)", "log10(x)"}, {"x[i, 3]", "x[i, 3]"},    {"x[1..3]", "x[1..3]"},
        {"sigma", "σ"},           {"mass", "mass"},         {"beta1", "β₁"},           {"x^10", "x^10"},
        {"1e-9*q", "1e−9·q"},     {"a_1", "a_1"},           {"", ""},                  {"λ_ω", "λ_ω"},
    };
    Session *session = session_new();
    Sema s = {.session = session, .arena = session->arena};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        assert_string_equal(plot_text(&s, cases[k][0]), cases[k][1]);
    session_free(session);
}

static void test_letters(void **state) {
    (void)state;
    assert_string_equal(name_letter("theta_dot", 5), "θ");
    assert_string_equal(name_letter("sigma", 5), "σ");
    assert_string_equal(name_letter("Omega", 5), "Ω");
    assert_null(name_letter("thet", 4));
    assert_null(name_letter("", 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_labels), cmocka_unit_test(test_letters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
