/* Exponential, logarithm and hyperbolic tangent, and sine and cosine in vectors,
 * of strict double precision: within 1 unit in the last place of extended
 * precision (the hyperbolic tangent 2), over their whole range and where their
 * reductions are hardest, and the same bits at every vector width. */
#include "rig.h"

#include <float.h>

enum { N = 1 << 16, FUNCTIONS = 5 };
static const IrOp ops[FUNCTIONS] = {IR_SIN, IR_COS, IR_EXP, IR_LOG, IR_TANH};
static long double (*const exact[FUNCTIONS])(long double) = {sinl, cosl, expl, logl, tanhl};
static const char *const names[FUNCTIONS] = {"sin", "cos", "exp", "log", "tanh"};
static const double bound[FUNCTIONS] = {1, 1, 1, 1, 2};

/* All the functions of `n` arguments, row by row into out[FUNCTIONS × n]. */
static void apply(uint64_t n, const double *x, double *out) {
    Rig *r = rig_new(false);
    IrDef in = rig_input(r, IR_ROLE_COORD, IR_F64, 1, &n, 0), to[FUNCTIONS];
    memcpy(r->start[0], x, n * sizeof *x);
    IrAssign assign[FUNCTIONS];
    for (int k = 0; k < FUNCTIONS; k++) {
        to[k] = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 1, &n, 0);
        IrTerm at = ir_idx(r->ir, ir_axis(r->ir, 0, n));
        assign[k] = (IrAssign){.target = to[k], .value = ir_op1(r->ir, ops[k], ir_read(r->ir, in, &at, 1))};
    }
    rig_group(r, FUNCTIONS, assign);
    rig_compile(r);
    assert_int_equal(rig_call(r, 1), 0);
    for (int k = 0; k < FUNCTIONS; k++) {
        PlanPlace place;
        assert_true(plan_place(r->plan, to[k], &place));
        memcpy(out + (uint64_t)k * n, r->frame.mem + place.offset, n * sizeof *out);
    }
    rig_free(r);
}

/* |got − right| in units of the last place of the right value. */
static double error_in_ulps(double got, long double right) {
    double nearest = (double)right;
    if (isnan(nearest) || isinf(nearest) || nearest == 0)
        return isnan(nearest) ? !isnan(got) : got != nearest;
    int exponent;
    frexp(nearest, &exponent);
    double ulp = ldexp(1, exponent < -1021 ? -1074 : exponent - 53);
    return (double)(fabsl((long double)got - right) / ulp);
}

/* Arguments of one kind. */
static double argument(int kind, double u, double v) {
    switch (kind) {
    case 0:
        return 8 * u; /* usual angles */
    case 1:
        return 800 * u; /* the whole range of exp, and beyond */
    case 2:
        return copysign(exp(20 * v), u); /* angles up to 2^30 */
    case 3:
        return copysign(exp(700 * v), u); /* anything */
    case 4:
        return rint(1e6 * u) * 1.5707963267948966; /* near multiples of π/2 */
    case 5:
        return 1 + 1e-3 * u * fabs(v); /* where the logarithm is small */
    case 6:
        return rint(1000 * u) * 0.6931471805599453; /* near multiples of ln 2 */
    default:
        return 1e-300 * u * fabs(v) * 1e-10; /* denormal numbers */
    }
}

static void test_accuracy(void **state) {
    (void)state;
    double *x = malloc(N * sizeof *x), *out = malloc(FUNCTIONS * N * sizeof *out);
    Rig *r = rig_new(false); /* for its numbers */
    for (int i = 0; i < N; i++)
        x[i] = argument(i % 8, rig_random(r), rig_random(r));
    apply(N, x, out);
    for (int k = 0; k < FUNCTIONS; k++) {
        double worst = 0, where = 0;
        for (int i = 0; i < N; i++) {
            double error = error_in_ulps(out[k * N + i], exact[k](x[i]));
            if (error > worst) {
                worst = error;
                where = x[i];
            }
        }
        print_message("%s: %.3f ulp at %.17g\n", names[k], worst, where);
        if (worst >= bound[k])
            fail_msg("%s is off by %.3f ulp at %.17g", names[k], worst, where);
    }
    rig_free(r);
    free(x);
    free(out);
}

/* Alone, in twos and threes (as scalars), in eights and many (as vectors):
 * equal bits. */
static void test_every_width(void **state) {
    (void)state;
    enum { M = 96 };
    double x[M], all[FUNCTIONS * M], part[FUNCTIONS * M];
    Rig *r = rig_new(false);
    for (int i = 0; i < M; i++)
        x[i] = argument(i % 8, rig_random(r), rig_random(r));
    rig_free(r);
    apply(M, x, all);
    static const uint64_t widths[] = {1, 2, 3, 8, 17};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        uint64_t n = widths[w];
        for (uint64_t i = 0; i + n <= M; i += n * 4) {
            apply(n, x + i, part);
            for (int k = 0; k < FUNCTIONS; k++)
                assert_memory_equal(part + (uint64_t)k * n, all + (uint64_t)k * M + i, n * sizeof *part);
        }
    }
}

static void test_edges(void **state) {
    (void)state;
    static const double x[] = {0.0,     INFINITY,       -INFINITY, NAN,       DBL_MAX,   -DBL_MAX,
                               0x1p30,  0x1.0000001p30, 1e22,      709.7827,  709.79,    -745.1,
                               -745.14, -708.397,       1.0,       0x1p-1022, 0x1p-1074, -1.0};
    enum { M = sizeof x / sizeof *x };
    double out[FUNCTIONS * M];
    apply(M, x, out);
    for (int k = 0; k < FUNCTIONS; k++)
        for (int i = 0; i < M; i++)
            if (!(error_in_ulps(out[k * M + i], exact[k](x[i])) < bound[k]))
                fail_msg("%s(%.17g) is %.17g", names[k], x[i], out[k * M + i]);
}

/* What is summed may be computed in vectors; strict sums add one number after the other all the same. */
static void test_sums_keep_their_order(void **state) {
    (void)state;
    enum { M = 1001 };
    static double x[M], out[FUNCTIONS * M];
    uint64_t n = M;
    Rig *r = rig_new(false);
    IrDef in = rig_input(r, IR_ROLE_COORD, IR_F64, 1, &n, 0), to[FUNCTIONS];
    for (int i = 0; i < M; i++)
        r->start[0][i] = x[i] = 1 + 0.5 * rig_random(r);
    for (int k = 0; k < FUNCTIONS; k++) {
        IrIdx i = ir_fresh(r->ir, n, 0);
        IrTerm value = ir_op1(r->ir, ops[k], rig_read1(r, in, ir_idx(r->ir, i)));
        to[k] = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 0, NULL, 0);
        rig_assign(r, to[k], ir_reduce(r->ir, IR_SUM, i, 0, value));
    }
    apply(n, x, out);
    rig_compile(r);
    assert_int_equal(rig_call(r, 1), 0);
    for (int k = 0; k < FUNCTIONS; k++) {
        PlanPlace place;
        double sum = 0;
        for (int i = 0; i < M; i++)
            sum += out[k * M + i];
        assert_true(plan_place(r->plan, to[k], &place));
        assert_memory_equal(r->frame.mem + place.offset, &sum, sizeof sum);
    }
    rig_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_every_width),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_sums_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
