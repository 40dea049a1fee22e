/* Draws: moments of every distribution that can be drawn from, independence of elements and places. */
#include "harness.h"

enum { N = 20000 };

typedef struct Moments {
    const char *dist;
    double mean, deviation;
} Moments;

/* Means and standard deviations from the textbook formulas of each distribution. */
static const Moments moments[] = {
    {"uniform(1, 3)", 2, 0.57735026918962573},
    {"normal(1, 2)", 1, 2},
    {"lognormal(0, 0.5)", 1.1331484530668263, 0.6039005332108811},
    {"half_normal(2)", 1.5957691216057308, 1.2056205464164063},
    {"exponential(0.5)", 2, 2},
    {"laplace(1, 2)", 1, 2.8284271247461903},
    {"logistic(1, 2)", 1, 3.6275987284684357},
    {"gumbel(1, 2)", 2.1544313298030655, 2.5650996603237282},
    {"weibull(2, 1)", 0.88622692545275794, 0.46325137517610425},
    {"pareto(1, 4)", 1.3333333333333333, 0.47140452079103168},
    {"bernoulli(0.3)", 0.3, 0.45825756949558399},
    {"bernoulli_logit(0)", 0.5, 0.5},
    {"spin()", 0, 1},
};

static void test_moments(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof moments / sizeof *moments; k++) {
        Buf let = {0};
        buf_printf(&let, "let x[n : %d] = draw %s", N, moments[k].dist);
        Lowered l = lower_recording(let.at, "x");
        const double *x = recorded(&l, 0);
        double mean = 0, square = 0;
        for (int n = 0; n < N; n++) mean += x[n] / N;
        for (int n = 0; n < N; n++) square += (x[n] - mean) * (x[n] - mean) / N;
        double error = moments[k].deviation / sqrt(N);
        /* five standard errors of the mean; 8 % of the deviation, for the heaviest tails here */
        if (fabs(mean - moments[k].mean) > 5 * error || fabs(sqrt(square) / moments[k].deviation - 1) > 0.08)
            fail_msg("%s: mean %g, deviation %g", moments[k].dist, mean, sqrt(square));
        release(&l);
        buf_free(&let);
    }
}

/* Medians and quartiles, where there are no moments. */
static void test_cauchy(void **state) {
    (void)state;
    static const char *const dists[] = {"cauchy(1, 2)", "half_cauchy(0, 2)"};
    static const double quartile[] = {-1, 0.82842712474619007}; /* 2 tan(π/8) */
    for (size_t k = 0; k < 2; k++) {
        Buf let = {0};
        buf_printf(&let, "let x[n : %d] = draw %s", N, dists[k]);
        Lowered l = lower_recording(let.at, "x");
        const double *x = recorded(&l, 0);
        int below = 0;
        for (int n = 0; n < N; n++) below += x[n] < quartile[k];
        if (fabs((double)below / N - 0.25) > 0.016)
            fail_msg("%s: %d of %d below its quartile", dists[k], below, N);
        release(&l);
        buf_free(&let);
    }
}

static void test_each_place_and_element_its_own(void **state) {
    (void)state;
    Lowered l = lower_recording(
        "fn noise(m) = m + draw uniform(0, 1)\nlet a[i : 2, j : 2] = draw uniform(0, 1)\nlet b = noise(0)\n"
        "let c = noise(0)",
        "a, b, c, b - b, sum[i : 3](draw uniform(0, 1))");
    const double *a = recorded(&l, 0);
    assert_true(a[0] != a[1] && a[0] != a[2] && a[1] != a[2] && a[2] != a[3]);
    assert_true(recorded(&l, 1)[0] != recorded(&l, 2)[0]); /* two calls draw twice */
    assert_true(recorded(&l, 3)[0] == 0);                  /* one value, used twice */
    release(&l);
}

static void test_sphere(void **state) {
    (void)state;
    Lowered l = lower("param X[n : 3] : sphere[4] = draw uniform_sphere(4)\nsystem s { potential = sum(X) }\n"
                      "run gradient_descent on s for 1 steps");
    const SemaVar *var = &l.model->runs[0].vars[0];
    double *x = elements(&l, var->init, var->q);
    for (int n = 0; n < 3; n++) {
        double square = 0;
        for (int k = 0; k < 4; k++) square += x[4 * n + k] * x[4 * n + k];
        assert_near(square, 1, "on the sphere");
    }
    assert_true(x[0] != x[4]);
    assert_string_equal(l.model->runs[0].missing, "motion on spheres and Stiefel manifolds");
    free(x);
    release(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_cauchy),
        cmocka_unit_test(test_each_place_and_element_its_own),
        cmocka_unit_test(test_sphere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
