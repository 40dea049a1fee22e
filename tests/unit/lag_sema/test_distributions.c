/* Log densities of every distribution against independent values. */
#include "harness.h"

#define COV "[[2, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 0.8]]"
#define CORR "[[1, 0.3, -0.2], [0.3, 1, 0.4], [-0.2, 0.4, 1]]"

typedef struct Case {
    const char *x, *dist;
    double log_density;
} Case;

/* Values of SciPy 1.10: scipy.stats' logpdf and logpmf in its parametrization (gamma: scale = 1/rate;
 * neg_binomial: nbinom(φ, φ/(μ+φ)); geometric counts failures: geom at x + 1). LKJ: det(R)^(η−1) over its
 * integral over all correlation matrices of size 3, by scipy.integrate, and with the Jacobian of R = LLᵀ for
 * the factor. */
static const Case cases[] = {
    {"0.7", "normal(0.3, 1.7)", -1.477248445166497},
    {"0.7", "student_t(4.5, 0.3, 1.7)", -1.538315648983525},
    {"0.7", "cauchy(0.3, 1.7)", -1.72924322540655},
    {"0.7", "laplace(0.3, 1.7)", -1.459069549269175},
    {"0.7", "logistic(0.3, 1.7)", -1.930731631884074},
    {"0.7", "gumbel(0.3, 1.7)", -1.556260731690728},
    {"0.7", "uniform(-1, 2.5)", -1.252762968495368},
    {"0.7", "lognormal(0.3, 1.7)", -1.167497719566335},
    {"0.7", "half_normal(1.7)", -0.841194690212088},
    {"0.7", "half_cauchy(1.7)", -1.138830163722212},
    {"0.7", "half_cauchy(0, 1.7)", -1.138830163722212},
    {"0.7", "exponential(1.7)", -0.6593717489378296},
    {"0.7", "gamma(2.3, 1.7)", -0.5874219046369907},
    {"0.7", "inv_gamma(2.3, 1.7)", -0.1852885910902505},
    {"0.7", "chi_squared(2.3)", -1.1313142905637},
    {"0.7", "rayleigh(1.7)", -1.502706532568264},
    {"0.7", "weibull(2.3, 1.7)", -0.9811383556316644},
    {"2.7", "pareto(1.7, 2.3)", -1.22437675055584},
    {"0.7", "beta(2.3, 1.7)", 0.4269193215269831},
    {"0.7", "von_mises(0.3, 1.7)", -0.8947792955204841},
    {"0.7", "von_mises(0.3, 300)", -21.74916645854605},
    {"1", "bernoulli(0.3)", -1.203972804325936},
    {"0", "bernoulli(0.3)", -0.3566749439387324},
    {"1", "bernoulli_logit(-0.8)", -1.171100665947778},
    {"0", "bernoulli_logit(-0.8)", -0.3711006659477776},
    {"3", "binomial(7, 0.3)", -1.483270127243324},
    {"3", "binomial_logit(7, -0.8)", -1.44235660014503},
    {"3", "poisson(2.7)", -1.512004150197205},
    {"3", "poisson_log(0.9)", -1.551362580385005},
    {"3", "neg_binomial(2.7, 1.4)", -2.113569297655431},
    {"3", "neg_binomial_log(0.9, 1.4)", -2.127465104245764},
    {"3", "geometric(0.3)", -2.273997636142133},
    {"2", "categorical([0.2, 0.5, 0.3])", -1.203972804325936},
    {"2", "categorical_logit([0.2, -0.5, 0.9])", -0.5557123323460859},
    {"[2, 0, 3]", "multinomial([0.2, 0.5, 0.3])", -4.528209144851963},
    {"[0.2, 0.5, 0.3]", "dirichlet([1.5, 2.5, 0.7])", 0.8283893811870395},
    {"[0.2, 0.5, 0.3]", "multi_normal([1.0, -0.5, 0.3], " COV ")", -3.77452467373608},
    {"[0.2, 0.5, 0.3]", "multi_normal_cholesky([1.0, -0.5, 0.3], cholesky(" COV "))", -3.77452467373608},
    {CORR, "lkj(1.8)", -1.096786605280692},
    {"cholesky(" CORR ")", "lkj_cholesky(1.8)", -1.143941945016312},
};

/* The distributions under test, as written in distributions.def. */
static const char *const names[] = {
#define SCALAR(name, ...) #name,
#define TENSOR(name, ...) #name,
#include "sema/distributions.def"
#undef SCALAR
#undef TENSOR
};

static double log_density(const char *x, const char *dist) {
    Buf buf = {0};
    buf_printf(&buf,
               "let x = %s\nparam free_ = 0\nsystem s { potential = free_; x ~ %s }\n"
               "run gradient_descent on s for 1 steps\n",
               x, dist);
    Lowered l = lower(buf.at);
    bool ok;
    double value = -ir_eval(l.env, l.model->runs[0].potential.term, NULL, &ok);
    assert_true(ok);
    release(&l);
    buf_free(&buf);
    return value;
}

static void test_values(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double found = log_density(cases[k].x, cases[k].dist);
        /* 1e-9: the quadrature behind the values of lkj; lgamma differences behind the others */
        if (fabs(found - cases[k].log_density) > 1e-9 * fmax(1, fabs(cases[k].log_density)))
            fail_msg("%s at %s: %.16g instead of %.16g", cases[k].dist, cases[k].x, found,
                     cases[k].log_density);
    }
}

static void test_every_distribution_has_a_case(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        bool found = false;
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            size_t length = strlen(names[n]);
            found = found || (!strncmp(cases[k].dist, names[n], length) && cases[k].dist[length] == '(');
        }
        if (!found) fail_msg("no case for %s", names[n]);
    }
}

/* Over an index, over a whole tensor and element by element a statement says the same. */
static void test_forms_agree(void **state) {
    (void)state;
    static const char *const forms[] = {
        "y[j] ~ normal(m[j], 2)",
        "y ~ normal(m, 2)",
        "y[0] ~ normal(m[0], 2); y[1] ~ normal(m[1], 2)",
        "for_ ~ normal(m[0], 2); y[1] ~ normal(m[1], 2)",
    };
    double value[4];
    for (size_t k = 0; k < 4; k++) {
        Buf buf = {0};
        buf_printf(&buf,
                   "let y = [0.3, 1.5]\nlet for_ = 0.3\nparam m[2] = [0.1, 0.7]\nsystem s { %s }\n"
                   "run gradient_descent on s for 1 steps\n",
                   forms[k]);
        Lowered l = lower(buf.at);
        bool ok;
        value[k] = ir_eval(l.env, l.model->runs[0].potential.term, NULL, &ok);
        release(&l);
        buf_free(&buf);
    }
    for (size_t k = 1; k < 4; k++) assert_near(value[k], value[0], forms[k]);
}

/* Rows of a matrix under one index: Σ of the densities of the rows. */
static void test_multi_normal_of_rows(void **state) {
    (void)state;
    Lowered l = lower("let y = [[0.2, 0.5, 0.3], [0.2, 0.5, 0.3]]\nparam m[3] = [1.0, -0.5, 0.3]\n"
                      "let S = " COV "\nsystem s { y[n, :] ~ multi_normal(m, S) }\n"
                      "run gradient_descent on s for 1 steps\n");
    bool ok;
    double found = ir_eval(l.env, l.model->runs[0].potential.term, NULL, &ok);
    assert_near(found, 2 * 3.77452467373608, "two rows");
    release(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_every_distribution_has_a_case),
        cmocka_unit_test(test_forms_agree),
        cmocka_unit_test(test_multi_normal_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
