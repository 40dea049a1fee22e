/* Optimizers from their kinetic energy and dissipation, against plain loops over the textbook rules, on
 * Rosenbrock. */
#include <math.h>

#include "rig.h"

enum { STEPS = 100 };
/* The derived step rounds differently from the loop: 100 steps amplify 1 ulp by a few hundred. */
static const double tolerance = 1e-12;

/* ---- the problem ---- */

static void rosenbrock_gradient(const double *x, double *g) {
    g[0] = -2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] * x[0]);
    g[1] = 200 * (x[1] - x[0] * x[0]);
}

static Rig *valley(SemaBody **body) {
    Rig *r = rig_new();
    IrProgram *p = r->p;
    uint64_t two = 2;
    SemaBody *b = rig_coord(r, "q", 1, &two);
    r->run.block = true;
    IrTerm x = rig_at(r, b->q, 0), y = rig_at(r, b->q, 1), one = ir_real(p, 1);
    IrTerm a = ir_sub(p, one, x), c = ir_sub(p, y, ir_mul(p, x, x));
    IrTerm v = ir_add(p, ir_mul(p, a, a), ir_mul(p, ir_real(p, 100), ir_mul(p, c, c)));
    r->run.potential = (SemaTerm){v, r->run.system_span, false};
    IrTerm first = ir_op2(p, IR_EQ, ir_idx(p, ir_axis(p, 0, 2)), ir_int(p, 0));
    r->vars[0].init = ir_select(p, first, ir_real(p, -1.5), ir_real(p, 2));
    *body = b;
    return r;
}

/* −∂V/∂q as sema gives `force` */
static IrTerm force_of(Rig *r, SemaBody *b) {
    IrDef g;
    assert_true(calc_gradient(r->p, r->run.potential.term, &b->q, 1, &g));
    return ir_neg(r->p, rig_axis(r, g));
}

static IrDef add_state(Rig *r, const char *name) {
    uint64_t two = 2;
    Name id = rig_name(r, name);
    IrDef s = ir_input(r->p, id, IR_ROLE_STATE, IR_F64, 1, &two);
    r->states[r->run.n_states++] = (SemaState){.name = id, .span = r->run.dynamics_span, .s = s};
    return s;
}

/* ln(1/beta) (force² − v) */
static IrTerm running_square(Rig *r, IrTerm beta, IrTerm force, IrDef v) {
    IrProgram *p = r->p;
    IrTerm rate = ir_op1(p, IR_LOG, ir_div(p, ir_real(p, 1), beta));
    return ir_mul(p, rate, ir_sub(p, ir_mul(p, force, force), rig_axis(r, v)));
}

static void give(SemaTerm *slot, Rig *r, IrTerm t) { *slot = (SemaTerm){t, r->run.dynamics_span, true}; }

/* Runs STEPS steps beside `loop`, which moves x by one step. */
static void compare(Rig *r, SemaBody *b, void (*loop)(int k, double *x, double *memory), const char *what) {
    assert_non_null(rig_derive(r));
    rig_start(r);
    double x[2] = {-1.5, 2}, memory[8] = {0};
    for (int k = 1; k <= STEPS; k++) {
        rig_step(r, (uint64_t)k);
        loop(k, x, memory);
        for (int i = 0; i < 2; i++)
            rig_close(rig_get(r, b->q, (uint64_t)i), x[i], tolerance, what);
    }
    rig_free(r);
}

/* ---- the rules ---- */

static void loop_descent(int k, double *x, double *memory) {
    (void)k;
    (void)memory;
    double g[2];
    rosenbrock_gradient(x, g);
    for (int i = 0; i < 2; i++)
        x[i] -= 1e-4 * g[i];
}

static void loop_momentum(int k, double *x, double *b) {
    (void)k;
    double g[2];
    rosenbrock_gradient(x, g);
    for (int i = 0; i < 2; i++) {
        b[i] = 0.9 * b[i] + g[i];
        x[i] -= 1e-4 * b[i];
    }
}

static void loop_rmsprop(int k, double *x, double *v) {
    (void)k;
    double g[2];
    rosenbrock_gradient(x, g);
    for (int i = 0; i < 2; i++) {
        v[i] = 0.99 * v[i] + (1 - 0.99) * g[i] * g[i];
        x[i] -= 0.01 * g[i] / (sqrt(v[i]) + 1e-8);
    }
}

static void adam_rule(int k, double *x, double *memory, double decay) {
    double g[2], *m = memory, *v = memory + 2;
    rosenbrock_gradient(x, g);
    for (int i = 0; i < 2; i++) {
        x[i] *= 1 - decay;
        m[i] = 0.9 * m[i] + (1 - 0.9) * g[i];
        v[i] = 0.999 * v[i] + (1 - 0.999) * g[i] * g[i];
        x[i] -= 1e-3 / (1 - pow(0.9, k)) * m[i] / (sqrt(v[i]) / sqrt(1 - pow(0.999, k)) + 1e-8);
    }
}

static void loop_adam(int k, double *x, double *memory) { adam_rule(k, x, memory, 0); }
static void loop_adamw(int k, double *x, double *memory) { adam_rule(k, x, memory, 1e-3 * 0.01); }

/* ---- the tests ---- */

static void test_gradient_descent(void **state) {
    (void)state;
    SemaBody *b;
    Rig *r = valley(&b);
    IrTerm lr = rig_hyper(r, "lr", 1e-4);
    give(&r->run.dissipation, r, ir_div(r->p, rig_half_squares(r, b->v, 0), lr));
    rig_word(r, "q");
    compare(r, b, loop_descent, "gradient descent");
}

static void test_momentum(void **state) {
    (void)state;
    SemaBody *b;
    Rig *r = valley(&b);
    IrProgram *p = r->p;
    IrTerm lr = rig_hyper(r, "lr", 1e-4), mu = rig_hyper(r, "mu", 0.9);
    IrTerm gamma = rig_let(r, "gamma", ir_neg(p, ir_op1(p, IR_LOG, mu)));
    IrTerm mass = ir_div(p, ir_sub(p, ir_real(p, 1), mu), ir_mul(p, gamma, lr));
    give(&r->run.kinetic, r, ir_mul(p, mass, rig_half_squares(r, b->v, 0)));
    give(&r->run.dissipation, r, ir_mul(p, gamma, r->run.kinetic.term));
    rig_word(r, "p q");
    compare(r, b, loop_momentum, "momentum");
}

static void test_rmsprop(void **state) {
    (void)state;
    SemaBody *b;
    Rig *r = valley(&b);
    IrProgram *p = r->p;
    IrTerm lr = rig_hyper(r, "lr", 0.01), alpha = rig_hyper(r, "alpha", 0.99),
           eps = rig_hyper(r, "eps", 1e-8);
    IrDef v = add_state(r, "v");
    r->states[0].rate = running_square(r, alpha, force_of(r, b), v);
    IrTerm G = ir_add(p, ir_op1(p, IR_SQRT, rig_axis(r, v)), eps);
    give(&r->run.dissipation, r, ir_div(p, rig_half_squares(r, b->v, G), lr));
    rig_word(r, "v q");
    compare(r, b, loop_rmsprop, "rmsprop");
}

static Rig *adam(SemaBody **b) {
    Rig *r = valley(b);
    IrProgram *p = r->p;
    IrTerm one = ir_real(p, 1), k = ir_read0(p, r->run.step);
    IrTerm lr = rig_hyper(r, "lr", 1e-3), beta1 = rig_hyper(r, "beta1", 0.9),
           beta2 = rig_hyper(r, "beta2", 0.999);
    IrTerm eps = rig_hyper(r, "eps", 1e-8);
    IrTerm gamma = rig_let(r, "gamma", ir_neg(p, ir_op1(p, IR_LOG, beta1)));
    IrDef v = add_state(r, "v");
    r->states[0].rate = running_square(r, beta2, force_of(r, *b), v);
    IrIdx i = ir_fresh(p, 2, rig_name(r, "i"));
    IrTerm at = ir_idx(p, i), vi = ir_read(p, v, &at, 1);
    IrTerm unbiased = ir_div(p, vi, ir_sub(p, one, ir_pow(p, beta2, k)));
    IrTerm body =
        ir_mul(p, ir_add(p, ir_op1(p, IR_SQRT, unbiased), eps), ir_sub(p, one, ir_pow(p, beta1, k)));
    IrDef G = ir_define(p, rig_name(r, "G"), IR_F64, &i, 1, body);
    IrTerm kinetic = ir_div(p, rig_half_squares(r, (*b)->v, rig_axis(r, G)), ir_mul(p, gamma, lr));
    give(&r->run.kinetic, r, kinetic);
    give(&r->run.dissipation, r, ir_mul(p, gamma, kinetic));
    return r;
}

static void test_adam(void **state) {
    (void)state;
    SemaBody *b;
    Rig *r = adam(&b);
    rig_word(r, "v p q");
    compare(r, b, loop_adam, "adam");
}

static void test_adamw(void **state) {
    (void)state;
    SemaBody *b;
    Rig *r = adam(&b);
    IrProgram *p = r->p;
    IrTerm decay = rig_hyper(r, "decay", 0.01), lr = ir_read0(p, r->hypers[0].def);
    IrTerm rate = ir_op1(p, IR_LOG, ir_sub(p, ir_real(p, 1), ir_mul(p, lr, decay)));
    rig_flow(r, "shrink", b->q, ir_mul(p, rate, rig_axis(r, b->q)));
    rig_word(r, "v p shrink q");
    compare(r, b, loop_adamw, "adamw");
}

/* The derivation of Adam shows the rule and its constants. */
static void test_adam_text(void **state) {
    (void)state;
    SemaBody *b;
    Rig *r = adam(&b);
    rig_word(r, "v p q");
    assert_non_null(rig_derive(r));
    Buf text = {0};
    mech_print_text(&r->model, r->mech, false, &text);
    if (getenv("SHOW"))
        puts(text.at);
    assert_non_null(strstr(text.at, "γ = −ln(β₁)"));
    assert_non_null(strstr(text.at, "β₁ p[i]"));
    buf_free(&text);
    Buf checked = {0};
    bool holds = mech_check(r->session, &r->model, r->mech, 3, 1e-6, 1, &checked);
    if (!holds || getenv("SHOW"))
        puts(checked.at);
    assert_true(holds);
    buf_free(&checked);
    rig_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient_descent),
        cmocka_unit_test(test_momentum),
        cmocka_unit_test(test_rmsprop),
        cmocka_unit_test(test_adam),
        cmocka_unit_test(test_adamw),
        cmocka_unit_test(test_adam_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
