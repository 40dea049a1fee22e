/* Sine and cosine of generated code, against the C library in extended precision: in units of the last place, for
 * every quarter of the circle, next to multiples of π/2, beyond the range of the code of our own, and for numbers
 * that are none; with and without fused multiplication. */
#include "rig.h"

enum { N = 4096 };

static int64_t far_apart(double x, double y) { /* in units of the last place; 0 for equal or both NaN */
    int64_t a, b;
    if (x == y || (isnan(x) && isnan(y)))
        return 0;
    memcpy(&a, &x, sizeof a);
    memcpy(&b, &y, sizeof b);
    if ((a ^ b) < 0 || isnan(x) || isnan(y))
        return INT64_MAX;
    return a > b ? a - b : b - a;
}

static void fill(Rig *r, double *x) {
    static const double special[] = {0.0, -0.0, 1e-310, -1e-20, 1.6e6, 1.7e6, -1e22, 1e300, INFINITY, -INFINITY, NAN};
    for (int i = 0; i < N; i++) {
        double u = rig_random(r);
        double quarter = (double)(int64_t)(u * (i % 2 ? 8 : 1e6)) * 1.57079632679489661923;
        x[i] = i % 4 == 0 ? u * 10 : i % 4 == 1 ? u * 1.5e6 : i % 4 == 2 ? quarter : quarter + 1e-9 * u;
    }
    memcpy(x, special, sizeof special);
}

static void against_extended(bool fused) {
    Rig *r = rig_new(false);
    IrDef x = rig_input(r, IR_ROLE_COORD, IR_F64, 1, (uint64_t[]){N}, 0);
    IrDef s = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 1, (uint64_t[]){N}, 0);
    IrDef c = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 1, (uint64_t[]){N}, 0);
    fill(r, r->start[0]);
    rig_assign(r, s, ir_op1(r->ir, IR_SIN, rig_whole(r, x)));
    rig_assign(r, c, ir_op1(r->ir, IR_COS, rig_whole(r, x)));
    r->features = fused ? NULL : "";
    rig_compile(r);
    assert_int_equal(rig_call(r, 1), 0);
    PlanPlace at[2];
    assert_true(plan_place(r->plan, s, &at[0]) && plan_place(r->plan, c, &at[1]));
    for (int i = 0; i < N; i++) {
        double v = r->start[0][i], sine = rig_get(r->frame.mem + at[0].offset, IR_F64, (uint64_t)i);
        double cosine = rig_get(r->frame.mem + at[1].offset, IR_F64, (uint64_t)i);
        /* the extended result is rounded right but for one in two thousand, so the difference is an integer and below
         * one unit of error means at most one */
        if (far_apart(sine, (double)sinl((long double)v)) > 1)
            fail_msg("sin(%.17g) is %.17g", v, sine);
        if (far_apart(cosine, (double)cosl((long double)v)) > 1)
            fail_msg("cos(%.17g) is %.17g", v, cosine);
        if (v == 0)
            assert_int_equal(signbit(sine) != 0, signbit(v) != 0);
    }
    rig_free(r);
}

static void sine_and_cosine(void **state) {
    (void)state;
    against_extended(true);
}

static void without_fused(void **state) {
    (void)state;
    against_extended(false);
}

/* cos(a[i] − b[j]) and cos(a[i] + b[j]) by sines and cosines of each: 2 N of them, and right to a unit of 1. */
static void pairs(void **state) {
    (void)state;
    for (int plus = 0; plus < 2; plus++) {
        Rig *r = rig_new(false);
        IrProgram *ir = r->ir;
        IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 1, (uint64_t[]){30}, 0);
        IrDef b = rig_input(r, IR_ROLE_COORD, IR_F64, 1, (uint64_t[]){40}, 0);
        IrDef out = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 2, (uint64_t[]){30, 40}, 0);
        IrTerm i = ir_idx(ir, ir_axis(ir, 0, 30)), j = ir_idx(ir, ir_axis(ir, 1, 40));
        IrTerm x = rig_read1(r, a, i), y = rig_read1(r, b, j);
        rig_assign(r, out, ir_op1(ir, IR_COS, plus ? ir_add(ir, x, y) : ir_sub(ir, x, y)));
        r->tolerance = 4e-16;
        rig_compile(r);
        const PlanFunc *f = plan_func(r->plan, 0);
        for (uint32_t s = 1; s < f->scopes.n; s++)
            for (uint32_t k = 0; k < f->scopes.at[s].body.n && f->scopes.at[s].depth > 1; k++)
                assert_int_not_equal(f->nodes.at[f->scopes.at[s].body.at[k]].op, IR_COS);
        plan_free(r->plan);
        jit_free(r->code);
        free(r->frame.mem);
        free(r->data);
        rig_check(r, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sine_and_cosine),
        cmocka_unit_test(without_fused),
        cmocka_unit_test(pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
