/* Definitions given by an equation: the unknown is bound, equal equations are one, replacement goes into them, text and
 * evaluator. */
#include "ir/program.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const uint64_t one = 1;

static IrTerm first(IrProgram *p, IrDef d) {
    IrTerm zero = ir_int(p, 0);
    return ir_read(p, d, &zero, 1);
}

static IrDef vector(IrProgram *p, IrTerm t) {
    IrIdx i = ir_fresh(p, 1, 0);
    return ir_define(p, 0, IR_F64, &i, 1, t);
}

static IrDef matrix(IrProgram *p, IrTerm t) {
    IrIdx i[2] = {ir_fresh(p, 1, 0), ir_fresh(p, 1, 0)};
    return ir_define(p, 0, IR_F64, i, 2, t);
}

/* The u with u² = x, from `start`. */
static IrDef square_root(IrProgram *p, IrTerm x, IrDef start) {
    IrDef u = ir_unknown(p, 0, 1);
    IrTerm v = first(p, u);
    return ir_root(p, 0, u, vector(p, ir_sub(p, ir_mul(p, v, v), x)), matrix(p, ir_mul(p, ir_real(p, 2), v)), start);
}

static void equal_equations_are_one(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    IrDef x = ir_input(p, 0, IR_ROLE_COORD, IR_F64, 1, &one), y = ir_input(p, 0, IR_ROLE_COORD, IR_F64, 1, &one);
    IrDef a = square_root(p, first(p, x), x), b = square_root(p, first(p, x), x), c = square_root(p, first(p, y), x);
    assert_int_equal(a, b);
    assert_int_not_equal(a, c);
    IrDef deep = square_root(p, first(p, a), x), deep2 = square_root(p, first(p, b), x);
    assert_int_equal(deep, deep2);
    IrReplace swap = {.from = x, .to = y};
    assert_int_equal(ir_replace_def(p, a, &swap, 1), square_root(p, first(p, y), y));
    assert_int_equal(ir_replace_def(p, c, &swap, 1), square_root(p, first(p, y), y));
    /* its unknown is its own, also after replacement: no two roots share one */
    IrDef moved = ir_replace_def(p, deep, &swap, 1);
    assert_int_not_equal(ir_def(p, moved)->unknown, ir_def(p, deep)->unknown);
    assert_true(ir_def_depends(p, a, x) && !ir_def_depends(p, a, y) && !ir_def_depends(p, a, ir_def(p, a)->unknown));
    assert_true(ir_depends(p, first(p, deep), x) && !ir_depends(p, first(p, deep), ir_def(p, a)->unknown));
    Buf out = {0};
    if (!ir_check(p, &out))
        fail_msg("%s", out.at);
    buf_free(&out);
    ir_free(p);
    session_free(s);
}

static void values(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    IrDef x = ir_input(p, 0, IR_ROLE_COORD, IR_F64, 1, &one);
    IrDef deep = square_root(p, first(p, square_root(p, first(p, x), x)), x);
    IrEnv *env = ir_env_new(p);
    assert_null(ir_eval_def(env, deep));
    for (double v = 0.01; v < 1e6; v *= 3) {
        ir_env_set(env, x, &v);
        const double *z = ir_eval_def(env, deep);
        assert_true(z && fabs(*z - pow(v, 0.25)) <= 1e-15 * pow(v, 0.25));
        bool ok;
        assert_true(ir_eval(env, first(p, deep), NULL, &ok) == *z && ok);
    }
    double none = -1;
    ir_env_set(env, x, &none);
    assert_true(isnan(*ir_eval_def(env, deep)));
    ir_env_free(env);
    ir_free(p);
    session_free(s);
}

static void text(void **state) {
    (void)state;
    Session *s = session_new(), *s2 = session_new();
    IrProgram *p = ir_new(s), *q = ir_new(s2);
    IrDef x = ir_input(p, 0, IR_ROLE_COORD, IR_F64, 1, &one);
    IrDef deep = square_root(p, first(p, square_root(p, first(p, x), x)), x);
    Buf a = {0}, b = {0}, out = {0};
    ir_print(p, &deep, 1, &a);
    assert_true(ir_read_text(q, a.at));
    IrDef last = ir_def_count(q);
    ir_print(q, &last, 1, &b);
    assert_string_equal(a.at, b.at);
    assert_non_null(strstr(a.at, "root "));
    if (!ir_check(q, &out))
        fail_msg("%s", out.at);
    buf_free(&a);
    buf_free(&b);
    buf_free(&out);
    ir_free(p);
    ir_free(q);
    session_free(s);
    session_free(s2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_equations_are_one), cmocka_unit_test(values),
                                       cmocka_unit_test(text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
