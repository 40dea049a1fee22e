/* Recursions: gradient against central differences, forward against reverse, forward over reverse against differences of
 * the gradient, Hessian by partial derivatives; equal recursions are one. */
#include "../lag_ir/random_program.h"
#include "../lag_ir/scans.h"

#include "calculus/calculus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define N 15

typedef struct Case {
    Session *session;
    IrProgram *p;
    IrEnv *env;
    Rng rng;
    IrDef q, loss;
} Case;

static void start(Case *c, const ScanText *text) {
    c->session = session_new();
    c->p = ir_new(c->session);
    c->env = ir_env_new(c->p);
    c->rng = (Rng){7};
    if (!ir_read_text(c->p, text->text))
        fail_msg("%s: does not read", text->name);
    c->q = 1;
    c->loss = ir_def_count(c->p);
    double values[N];
    for (int k = 0; k < N; k++)
        values[k] = rng_real(&c->rng, 0.2, 0.9);
    ir_env_set(c->env, c->q, values);
    Buf out = {0};
    if (!ir_check(c->p, &out))
        fail_msg("%s: %s", text->name, out.at);
}

static void end(Case *c) {
    ir_env_free(c->env);
    ir_free(c->p);
    session_free(c->session);
}

static void check(const ScanText *text) {
    Case c;
    start(&c, text);
    IrProgram *p = c.p;
    IrTerm loss = ir_read0(p, c.loss);
    double where, error = calc_check_gradient(p, c.env, loss, c.q, &where);
    if (!(error < 1e-7)) /* h² truncation at h = 6e-6 */
        fail_msg("%s: gradient off by %g", text->name, error);
    IrDef gradient, hessian = calc_hessian(p, loss, c.q, c.q);
    assert_true(calc_gradient(p, loss, &c.q, 1, &gradient) && hessian);
    uint64_t size = N;
    IrDef v = ir_input(p, 0, IR_ROLE_NONE, IR_F64, 1, &size);
    double dir[N], at[N], up[N], down[N];
    for (int k = 0; k < N; k++)
        dir[k] = rng_real(&c.rng, -1, 1);
    ir_env_set(c.env, v, dir);
    CalcSeed seeds = {c.q, v};
    bool ok;
    double along = ir_eval(c.env, calc_tangent(p, loss, &seeds, 1), NULL, &ok), want = 0;
    for (int k = 0; k < N; k++)
        want += ir_eval_def(c.env, gradient)[k] * dir[k];
    if (!(fabs(along - want) < 1e-12 * (1 + fabs(want))))
        fail_msg("%s: forward %.15g, reverse %.15g", text->name, along, want);
    IrDef turned = calc_tangent_def(p, gradient, &seeds, 1);
    memcpy(at, ir_eval_def(c.env, c.q), sizeof at);
    for (int k = 0; k < N; k++)
        at[k] += 1e-5 * dir[k];
    ir_env_set(c.env, c.q, at);
    memcpy(up, ir_eval_def(c.env, gradient), sizeof up);
    for (int k = 0; k < N; k++)
        at[k] -= 2e-5 * dir[k];
    ir_env_set(c.env, c.q, at);
    memcpy(down, ir_eval_def(c.env, gradient), sizeof down);
    for (int k = 0; k < N; k++)
        at[k] += 1e-5 * dir[k];
    ir_env_set(c.env, c.q, at);
    for (int a = 0; a < N; a++) {
        double product = 0, numeric = (up[a] - down[a]) / 2e-5, hv = ir_eval_def(c.env, turned)[a];
        for (int b = 0; b < N; b++)
            product += ir_eval_def(c.env, hessian)[a * N + b] * dir[b];
        if (!(fabs(hv - product) < 1e-11 * (1 + fabs(hv)) && fabs(hv - numeric) < 1e-6 * (1 + fabs(hv)))) /* h² */
            fail_msg("%s: second derivative %.12g %.12g, differences %.12g", text->name, hv, product, numeric);
    }
    Buf out = {0};
    if (!ir_check(p, &out))
        fail_msg("%s: %s", text->name, out.at);
    end(&c);
}

static void every_recursion(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof scan_texts / sizeof *scan_texts; k++)
        check(&scan_texts[k]);
}

/* print, read, print is the identity, of gradients too. */
static void text_is_read_back(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof scan_texts / sizeof *scan_texts; k++) {
        Case c;
        start(&c, &scan_texts[k]);
        IrDef roots[2] = {c.loss};
        assert_true(calc_gradient(c.p, ir_read0(c.p, c.loss), &c.q, 1, &roots[1]));
        Buf once = {0}, twice = {0};
        ir_print(c.p, roots, 2, &once);
        IrProgram *again = ir_new(c.session);
        if (!ir_read_text(again, once.at))
            fail_msg("%s: not read back\n%s", scan_texts[k].name, once.at);
        IrDef back[2] = {0};
        for (IrDef d = 1; d <= ir_def_count(again); d++) {
            const IrDefInfo *info = ir_def(again, d);
            back[0] = info->name == ir_def(c.p, c.loss)->name ? d : back[0];
            back[1] = info->label && !strcmp(info->label, "∂/∂q") ? d : back[1];
        }
        ir_print(again, back, 2, &twice);
        assert_string_equal(once.at, twice.at);
        buf_free(&once);
        buf_free(&twice);
        ir_free(again);
        end(&c);
    }
}

/* The same derivative taken twice is the same definition, though each recursion binds INPUTs of its own. */
static void equal_recursions_are_one(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof scan_texts / sizeof *scan_texts; k++) {
        Case c;
        IrDef first = 0, second = 0;
        start(&c, &scan_texts[k]);
        IrTerm loss = ir_read0(c.p, c.loss);
        assert_true(calc_gradient(c.p, loss, &c.q, 1, &first) && calc_gradient(c.p, loss, &c.q, 1, &second));
        if (first != second)
            fail_msg("%s: its gradient is made twice", scan_texts[k].name);
        end(&c);
    }
}

/* y[k] = a y[k−1] has y[n] = aⁿ y[0] and ∂y[n]/∂a = n aⁿ⁻¹ y[0]; replacing the input goes through the scan. */
static void powers(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    IrEnv *env = ir_env_new(p);
    IrDef a = ir_input(p, name_of(s->names, "a"), IR_ROLE_COORD, IR_F64, 0, NULL), grad;
    IrScan scan = {.count = 11, .lags = 1, .counter = ir_counter(p, 0, 1, 10), .before = {ir_before(p, 0, IR_F64, 0, NULL)}};
    IrIdx axis = ir_fresh(p, 1, 0);
    scan.row = ir_define(p, 0, IR_F64, NULL, 0, ir_mul(p, ir_read0(p, a), ir_read0(p, scan.before[0])));
    scan.start = ir_define(p, 0, IR_F64, &axis, 1, ir_real(p, 2));
    IrDef y = ir_scan(p, 0, &scan), b = ir_input(p, 0, IR_ROLE_COORD, IR_F64, 0, NULL);
    double value = 1.1, other = 0.5;
    ir_env_set(env, a, &value);
    ir_env_set(env, b, &other);
    IrTerm last = ir_read(p, y, (IrTerm[]){ir_int(p, 10)}, 1);
    assert_true(calc_gradient(p, last, &a, 1, &grad));
    assert_true(fabs(ir_eval(env, last, NULL, NULL) - 2 * pow(1.1, 10)) < 1e-13);
    assert_true(fabs(*ir_eval_def(env, grad) - 20 * pow(1.1, 9)) < 1e-11);
    IrReplace with = {.from = a, .to = b};
    IrTerm moved = ir_replace(p, last, &with, 1);
    assert_true(moved != last && fabs(ir_eval(env, moved, NULL, NULL) - 2 * pow(0.5, 10)) < 1e-17);
    assert_true(ir_depends(p, last, a) && !ir_depends(p, moved, a) && !ir_def_depends(p, y, scan.before[0]));
    assert_true(ir_is_inside(p, y, scan.row) && !ir_is_inside(p, y, scan.start) && !ir_is_inside(p, y, y));
    ir_env_free(env);
    ir_free(p);
    session_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recursion),
        cmocka_unit_test(text_is_read_back),
        cmocka_unit_test(equal_recursions_are_one),
        cmocka_unit_test(powers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
