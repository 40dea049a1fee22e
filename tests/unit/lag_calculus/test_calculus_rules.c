/* Every operation of op.def: its derivative against central differences at random points of its domain,
 * forward against reverse, and second derivatives; and at 0 and next to it where the domain has it inside, since there
 * rules divide by what vanishes. An operation without an entry in the table of domains fails. */
#include "../lag_ir/random_program.h"
#include "domains.h"

#include "calculus/calculus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

typedef struct Point {
    Session *session;
    IrProgram *p;
    IrEnv *env;
    IrDef x[2];
    double at[2];
    IrTerm t;
} Point;

/* Whether operand k may be 0 and what is around it. */
static bool has_zero(const Domain *d, int k) { return d->lo[k] < 0 && d->hi[k] > 0; }

/* At random operands; at `fixed`, when there is one, those that may be. */
static void point_start(Point *q, const Domain *d, Rng *rng, const double *fixed) {
    q->session = session_new();
    IrProgram *p = q->p = ir_new(q->session);
    q->env = ir_env_new(p);
    IrTerm operand[2];
    for (int k = 0; k < 2; k++) {
        q->x[k] = ir_input(p, name_of(q->session->names, k ? "y" : "x"), IR_ROLE_COORD, IR_F64, 0, NULL);
        q->at[k] = fixed && has_zero(d, k) ? *fixed : rng_real(rng, d->lo[k], d->hi[k]);
        ir_env_set(q->env, q->x[k], &q->at[k]);
        operand[k] = ir_read0(p, q->x[k]);
    }
    if (d->fixed)
        operand[d->fixed - 1] = ir_real(p, floor(q->at[d->fixed - 1]));
    if (d->op == IR_SELECT)
        q->t = ir_select(p, ir_op2(p, IR_LT, operand[0], ir_real(p, 0.25)), ir_op1(p, IR_SIN, operand[0]),
                         ir_mul(p, operand[1], operand[0]));
    else if (ir_op_arity(d->op) == 1)
        q->t = ir_op1(p, d->op, operand[0]);
    else
        q->t = ir_op2(p, d->op, operand[0], operand[1]);
}

static void point_end(Point *q) {
    ir_env_free(q->env);
    ir_free(q->p);
    session_free(q->session);
}

/* Central difference of t in x[k]; the step balances truncation (h²) and rounding (ε/h). */
static double difference(Point *q, IrTerm t, int k) {
    bool ok;
    double h = 1e-5, x = q->at[k], up, down;
    q->at[k] = x + h;
    ir_env_set(q->env, q->x[k], &q->at[k]);
    up = ir_eval(q->env, t, NULL, &ok);
    q->at[k] = x - h;
    ir_env_set(q->env, q->x[k], &q->at[k]);
    down = ir_eval(q->env, t, NULL, &ok);
    q->at[k] = x;
    ir_env_set(q->env, q->x[k], &q->at[k]);
    return (up - down) / (2 * h);
}

/* 2e-7: h² truncation with derivatives of order 100, and ε/h rounding with values of order 10. */
static void assert_near(IrOp op, const char *what, double got, double want) {
    if (!(fabs(got - want) <= 2e-7 * (1 + fabs(want))))
        fail_msg("%s: %s is %.12g, differences say %.12g", ir_op_name(op), what, got, want);
}

static void check_operation(const Domain *d, Rng *rng, const double *fixed) {
    Point q;
    bool ok;
    point_start(&q, d, rng, fixed);
    IrDef grad[2];
    if (!calc_gradient(q.p, q.t, q.x, 2, grad))
        fail_msg("%s: no gradient", ir_op_name(d->op));
    for (int k = 0; k < 2; k++) {
        double want = d->kind == HELD ? 0 : difference(&q, q.t, k);
        assert_near(d->op, "reverse", *ir_eval_def(q.env, grad[k]), want);
        IrTerm forward = calc_partial(q.p, q.t, q.x[k], NULL);
        assert_near(d->op, "forward", ir_eval(q.env, forward, NULL, &ok), want);
        for (int j = 0; j < 2; j++) {
            IrDef second = calc_hessian(q.p, q.t, q.x[k], q.x[j]);
            assert_true(second);
            assert_near(d->op, "second", *ir_eval_def(q.env, second), difference(&q, forward, j));
        }
        if (d->kind == FLAT)
            assert_float_equal(want, 0, 0);
    }
    Buf out = {0};
    if (!ir_check(q.p, &out))
        fail_msg("%s: %s", ir_op_name(d->op), out.at);
    point_end(&q);
}

static void every_operation(void **state) {
    (void)state;
    static const double points[] = {0, 1e-6, -1e-6};
    Rng rng = {1};
    for (int op = IR_NONE + 1; op < IR_OP_COUNT; op++) {
        if (!ir_op_arity((IrOp)op))
            continue;
        const Domain *d = domain_of((IrOp)op);
        if (!d)
            fail_msg("%s has no domain to be tested on", ir_op_name((IrOp)op));
        for (int round = 0; round < 8 && d->kind != LOGIC; round++)
            check_operation(d, &rng, NULL);
        for (int k = 0; k < 3 && d->kind == SMOOTH && (has_zero(d, 0) || has_zero(d, 1)); k++)
            check_operation(d, &rng, &points[k]);
    }
}

/* Logic has no derivative of its own: a bracket of a comparison is constant almost everywhere. */
static void brackets_are_constant(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    IrDef x = ir_input(p, name_of(s->names, "x"), IR_ROLE_COORD, IR_F64, 0, NULL);
    IrTerm t = ir_read0(p, x), one = ir_real(p, 1);
    static const IrOp compare[] = {IR_EQ, IR_NE, IR_LT, IR_LE};
    for (int k = 0; k < 4; k++) {
        IrTerm c = ir_op2(p, compare[k], t, one);
        IrTerm f = ir_to_real(p, ir_op2(p, IR_OR, ir_op1(p, IR_NOT, c), ir_op2(p, IR_LT, t, ir_real(p, 3))));
        assert_true(ir_is_zero(p, calc_partial(p, f, x, NULL)));
    }
    assert_true(ir_is_zero(p, calc_partial(p, ir_to_real(p, ir_op1(p, IR_TO_INT, t)), x, NULL)));
    ir_free(p);
    session_free(s);
}

static void what_has_no_derivative_is_reported(void **state) {
    (void)state;
    for (int mode = 0; mode < 3; mode++) {
        Session *s = session_new();
        IrProgram *p = ir_new(s);
        IrDef x = ir_input(p, name_of(s->names, "x"), IR_ROLE_COORD, IR_F64, 0, NULL), grad;
        IrTerm t = ir_read0(p, x);
        Span span = {1, 4, 9}, before = ir_at(p, span);
        IrTerm bad = ir_op2(p, IR_POLYGAMMA, t, ir_real(p, 2));
        ir_at(p, before);
        IrDef one = ir_define(p, 0, IR_F64, NULL, 0, ir_real(p, 1));
        CalcSeed seed = {x, one};
        if (mode == 0)
            assert_false(calc_gradient(p, bad, &x, 1, &grad));
        else if (mode == 1)
            assert_int_equal(calc_partial(p, bad, x, NULL), 0);
        else
            assert_int_equal(calc_tangent(p, bad, &seed, 1), 0);
        assert_int_equal(diag_error_count(s), 1);
        ir_free(p);
        session_free(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation),
        cmocka_unit_test(brackets_are_constant),
        cmocka_unit_test(what_has_no_derivative_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
