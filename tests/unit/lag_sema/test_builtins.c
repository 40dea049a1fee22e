/* Every built-in function and operator against values computed elsewhere. */
#include "harness.h"

#define SPD "[[2, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 0.8]]"

typedef struct Case {
    const char *expression;
    double value;
} Case;

/* Values of Python's math, NumPy 1.24 and SciPy 1.10 (scipy.special for erf, gammaln, digamma, polygamma,
 * betaln, expit, log_expit, logit, logsumexp; numpy.linalg for matrices). */
static const Case functions[] = {
    {"exp(0.7)", 2.013752707470477},
    {"expm1(0.7)", 1.013752707470476},
    {"log(0.7)", -0.3566749439387324},
    {"ln(0.7)", -0.3566749439387324},
    {"log1p(0.7)", 0.5306282510621704},
    {"log2(0.7)", -0.5145731728297583},
    {"log10(0.7)", -0.1549019599857432},
    {"sqrt(0.7)", 0.8366600265340756},
    {"cbrt(-0.7)", -0.8879040017426006},
    {"square(0.7)", 0.49},
    {"sin(0.7)", 0.644217687237691},
    {"cos(0.7)", 0.7648421872844885},
    {"tan(0.7)", 0.8422883804630794},
    {"asin(0.7)", 0.775397496610753},
    {"acos(0.7)", 0.7953988301841436},
    {"atan(0.7)", 0.6107259643892086},
    {"sinh(0.7)", 0.7585837018395334},
    {"cosh(0.7)", 1.255169005630943},
    {"tanh(0.7)", 0.6043677771171636},
    {"asinh(0.7)", 0.6526665660823557},
    {"atanh(0.7)", 0.8673005276940531},
    {"acosh(1.7)", 1.123230982587296},
    {"atan2(0.7, -1.2)", 2.613518205163434},
    {"abs(-0.7)", 0.7},
    {"abs(-3)", 3},
    {"sign(-0.7)", -1},
    {"floor(-0.7)", -1},
    {"ceil(0.2)", 1},
    {"round(2.6)", 3},
    {"min(0.7, 2)", 0.7},
    {"max(0.7, 2)", 2},
    {"pow(0.7, 1.3)", 0.6289664092534478},
    {"hypot(3, 4)", 5},
    {"hypot(-3e200, 4e200)", 5e200},
    {"erf(0.7)", 0.6778011938374183},
    {"erfc(0.7)", 0.3221988061625817},
    {"lgamma(3.7)", 1.428072326665388},
    {"gamma(5)", 24},
    {"gamma(-0.5)", -3.544907701811032}, /* -2 √π */
    {"gamma(3.7)", 4.170651783796604},
    {"digamma(3.7)", 1.167153539361511},
    {"trigamma(3.7)", 0.3100378576700383},
    {"lbeta(2.3, 1.7)", -1.73337771167549},
    {"beta(2.3, 1.7)", 0.1766866045240175},
    {"lchoose(7, 3)", 3.555348061489414},
    {"choose(7, 3)", 35},
    {"normal_cdf(0.7)", 0.758036347776927},
    {"softplus(0.7)", 1.103186048885458},
    {"sigmoid(0.7)", 0.6681877721681662},
    {"log_sigmoid(0.7)", -0.4031860488854579},
    {"logit(0.7)", 0.8472978603872034},
    {"relu(-0.7)", 0},
    {"relu(0.7)", 0.7},
    {"leaky_relu(-0.7, 0.1)", -0.07},
    {"gelu(0.7)", 0.5306254434438489},
    {"silu(0.7)", 0.4677314405177163},
    {"elu(-0.7)", -0.5034146962085905},
    {"elu(0.7)", 0.7},
    {"logaddexp(0.7, 2.1)", 2.320417409918451},
    {"int(2.7)", 2},
    {"int(3 > 2)", 1},
    {"int(7 / 2)", 3},
    {"int(-7 / 2)", -3},
    {"sum[i : 6]([10, 20, 30][int(i / 2)])", 120},
    {"real(3)", 3},
    {"clamp(2.7, 0, 1)", 1},
    {"frozen(0.7)", 0.7},
    {"softmax([0.2, -0.5, 0.9])[1]", 0.1414636716459388},
    {"log_softmax([0.2, -0.5, 0.9])[1]", -1.955712332346086},
    {"cross_entropy([0.2, -0.5, 0.9], 2)", 0.5557123323460859},
    {"cross_entropy([0.2, -0.5, 0.9], [0.1, 0.6, 0.3])", 1.465712332346086},
    {"logsumexp([0.2, -0.5, 0.9])", 1.455712332346086},
    {"one_hot(2, 4)[2]", 1},
    {"one_hot(2, 4)[1]", 0},
    {"variance([0.2, -0.5, 0.9])", 0.3266666666666667},
    {"length([0.2, -0.5, 0.9])", 3},
    {"cumsum([0.2, -0.5, 0.9])[1]", -0.3},
    {"sum(zeros(2, 3))", 0},
    {"sum(ones(2, 3))", 6},
    {"dot([1, 2, 3], [4, 5, 6])", 32},
    {"outer([1, 2], [3, 4])[1, 0]", 6},
    {"cross([1, 2, 3], [4, 5, 7])[1]", 5},
    {"norm([3, 4])", 5},
    {"norm([[1, 2], [3, 4]])", 5.477225575051661},
    {"trace([[1, 2], [3, 4]])", 5},
    {"diag([[1, 2], [3, 4]])[1]", 4},
    {"diag([1, 2])[1, 1]", 2},
    {"diag([1, 2])[0, 1]", 0},
    {"identity(3)[1, 1]", 1},
    {"transpose([[1, 2], [3, 4]])[0, 1]", 3},
    {"cholesky(" SPD ")[2, 1]", -0.1782407345422808},
    {"solve(" SPD ", [1, 2, 3])[1]", 1.895542548401621},
    {"solve_spd(" SPD ", [1, 2, 3])[1]", 1.895542548401621},
    {"solve_lower([[2, 0, 0], [1, 3, 0], [4, 5, 6]], [1, 2, 3])[2]", -0.25},
    {"inverse(" SPD ")[1, 2]", 0.1936064835659613},
    {"logdet(" SPD ")", 0.7979575449122907},
    {"norm([3, -4], 1)", 7},
    {"norm([3, -4], inf)", 4},
    {"norm([3, -4], 3)", 4.497941445275415},           /* 91^(1/3) */
    {"spectral_norm([[3, 0], [4, 5]])", 6.708203932499369}, /* singular values √45 and √5 */
    {"nuclear_norm([[3, 0], [4, 5]])", 8.94427190999916},
    {"polar([[3, 0], [4, 5]])[0, 0]", 0.8944271909999159},
    {"polar([[3, 0], [4, 5]])[0, 1]", -0.4472135954999579},
    {"det(" SPD ")", 2.221},
    {"det([[1, 2], [3, 4]])", -2},
    {"det([[2, 0.3, 0.1, 0], [0.3, 1.5, -0.2, 0.1], [0.1, -0.2, 0.8, 0.2], [0, 0.1, 0.2, 1.1]])", 2.2936},
};

static const Case operators[] = {
    {"[[1, 2], [3, 4]] @ [5, 6] @ [1, 1]", 56},
    {"([[1, 2], [3, 4]] @ [[5, 6], [7, 8]])[1, 0]", 43},
    {"([[1, 2], [3, 4]]^T)[0, 1]", 3},
    {"7 % 3", 1},
    {"-7 % 3", 2},
    {"2.5 % 1.0", 0.5},
    {"-2.5 % 1.0", 0.5},
    {"2^10", 1024},
    {"2^0.5", 1.4142135623730951},
    {"7 / 2", 3.5},
    {"sum[i : 4 | i != 2](i)", 4},
    {"mean[i : 4 | i > 1](i)", 2.5},
    {"prod[i in 1..4](i)", 24},
    {"max[i : 4](i * (3 - i))", 2},
    {"min[i : 4](i * (i - 3))", -2},
    {"argmax[i : 4](i * (5 - 2 * i))", 1},
    {"argmin[i in 1..3]((i - 2)^2)", 2},
    {"logsumexp[i : 3](i)", 2.4076059644443806},
    {"if any[i : 4](i > 2) then 1 else 0", 1},
    {"if all[i : 4](i > 2) then 1 else 0", 0},
    {"mean([1, 2, 6])", 3},
    {"max([1, 7, 3])", 7},
    {"argmax([1, 7, 3])", 1},
    {"sum[i : 3, j : 3 | i < j](10 * i + j)", 15},
    {"if 1 < 2 and not 3 == 4 then 10 else 20", 10},
    {"sum(if [1, 5, 2] == [1, 2, 2] then [1, 1, 1] else [0, 0, 0])", 2},
    {"[1, 5, 2][0..1][1]", 5},
    {"sum([[1, 2], [3, 4]][1, :])", 7},
    {"-2^2", -4},
    {"2 * [1, 2][1] + 1", 5},
};

/* What the language has, from the tables; the last ones only mean something after a run. */
static const char *const names[] = {
#define FN1(ident, print, ...) print,
#define FN2(ident, print, ...) print,
#include "ir/op.def"
#define MAP1(name, ...) #name,
#define MAP2(name, ...) #name,
#define SPECIAL(name, ...) #name,
#include "sema/builtins.def"
#undef MAP1
#undef MAP2
#undef SPECIAL
};
static const char *const of_runs[] = {"expectation", "deviation", "mcse",      "rhat",
                                      "ess",         "quantile"};

static void check(const Case *cases, size_t n) {
    for (size_t k = 0; k < n; k++) {
        Buf let = {0};
        buf_printf(&let, "let value_ = %s", cases[k].expression);
        assert_near(value_in(let.at, "value_"), cases[k].value, cases[k].expression);
        buf_free(&let);
    }
}

static void test_functions(void **state) {
    (void)state;
    check(functions, sizeof functions / sizeof *functions);
}

static void test_operators(void **state) {
    (void)state;
    check(operators, sizeof operators / sizeof *operators);
}

static bool has_case(const char *name) {
    size_t length = strlen(name);
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        const char *e = functions[k].expression;
        if (!strncmp(e, name, length) && e[length] == '(') return true;
        const char *inside = strstr(e, name); /* sum(zeros(2, 3)) */
        if (inside && inside[length] == '(' && inside > e && inside[-1] == '(') return true;
    }
    for (size_t k = 0; k < sizeof of_runs / sizeof *of_runs; k++)
        if (!strcmp(of_runs[k], name)) return true;
    return false;
}

static void test_every_function_has_a_case(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if (!has_case(names[n])) fail_msg("no case for %s", names[n]);
}

/* Of two lines with one name, in one table or in two, a program would reach the first. */
static void test_every_function_has_one_line(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (size_t k = 0; k < n; k++)
            if (!strcmp(names[k], names[n])) fail_msg("%s stands in two lines of ir/op.def and sema/builtins.def", names[n]);
}

/* The same functions of values that are not known before the run: nothing folds. */
static void test_unfolded(void **state) {
    (void)state;
    assert_near(value_in("param x = 0.7", "gelu(x)"), 0.5306254434438489, "gelu");
    assert_near(value_in("param z[3] = [0.2, -0.5, 0.9]", "softmax(z)[1]"), 0.1414636716459388, "softmax");
    assert_near(value_in("param z[3] = [0.2, -0.5, 0.9]", "cross_entropy(z, 2)"), 0.5557123323460859,
                "cross_entropy");
    assert_near(value_in("param z[2] = [1000, 0]", "cross_entropy(z, 1)"), 1000, "cross_entropy far out");
    assert_near(value_in("param A[3, 3] = " SPD, "logdet(A)"), 0.7979575449122907, "logdet");
    assert_near(value_in("param A[3, 3] = " SPD, "solve(A, [1, 2, 3])[1]"), 1.895542548401621, "solve");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_every_function_has_a_case),
        cmocka_unit_test(test_every_function_has_one_line),
        cmocka_unit_test(test_unfolded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
