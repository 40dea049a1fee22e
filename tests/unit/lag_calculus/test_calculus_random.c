/* Random definition graphs: gradients against central differences, forward against reverse, second
 * derivatives, and the invariants of the IR after all of it. */
#include "../lag_ir/random_program.h"

#include "calculus/calculus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void assert_sound(RandomProgram *g, uint64_t seed) {
    Buf out = {0};
    if (!ir_check(g->p, &out))
        fail_msg("seed %llu: %s", (unsigned long long)seed, out.at);
}

/* 3e-6: differences with h = 6e-6 of functions whose third derivatives are of order 100, relative to the
 * largest slope. */
static void gradients_match_differences(void **state) {
    (void)state;
    int moved = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        Session *s = session_new();
        RandomProgram g;
        rp_make(&g, s, seed, 4, 3);
        IrEnv *env = ir_env_new(g.p);
        rp_set(&g, env);
        double where = 0, error = calc_check_gradient(g.p, env, g.loss, g.block, &where);
        if (!(error < 3e-6)) {
            Buf out = {0};
            IrDef root = ir_define(g.p, 0, IR_F64, NULL, 0, g.loss);
            ir_print(g.p, &root, 1, &out);
            fail_msg("seed %llu: error %g at element %g\n%s", (unsigned long long)seed, error, where, out.at);
        }
        moved += ir_depends(g.p, g.loss, g.block);
        assert_sound(&g, seed);
        ir_env_free(env);
        ir_free(g.p);
        session_free(s);
    }
    assert_true(moved > 100);
}

static IrDef direction_def(RandomProgram *g, IrEnv *env) {
    uint64_t size = ir_size(g->p, g->block);
    IrDef v = ir_input(g->p, 0, IR_ROLE_NONE, IR_F64, 1, &size);
    double values[64];
    for (uint64_t k = 0; k < size; k++)
        values[k] = rng_real(&g->rng, -1, 1);
    ir_env_set(env, v, values);
    return v;
}

static double along(RandomProgram *g, IrEnv *env, IrDef gradient, IrDef v) {
    const double *slope = ir_eval_def(env, gradient);
    assert_non_null(slope);
    double sum = 0;
    for (uint64_t k = 0; k < ir_size(g->p, g->block); k++)
        sum += slope[k] * ir_eval_def(env, v)[k];
    return sum;
}

/* v·∇f by reverse, by tangent and by partials with respect to views; then ∂(v·∇f) along v by forward over
 * reverse against the Hessian. 1e-9: the same function evaluated in another order, values of order one to a
 * hundred. */
static void forward_and_reverse_agree(void **state) {
    (void)state;
    for (uint64_t seed = 200; seed <= 280; seed++) {
        Session *s = session_new();
        RandomProgram g;
        bool ok;
        rp_make(&g, s, seed, 3, 3);
        IrProgram *p = g.p;
        IrEnv *env = ir_env_new(p);
        rp_set(&g, env);
        IrDef v = direction_def(&g, env), gradient, parts[3], views[3] = {g.x, g.A, g.s};
        assert_true(calc_gradient(p, g.loss, &g.block, 1, &gradient));
        assert_true(calc_gradient(p, g.loss, views, 3, parts));
        CalcSeed seeds = {g.block, v};
        IrTerm tangent = calc_tangent(p, g.loss, &seeds, 1);
        double want = along(&g, env, gradient, v), got = ir_eval(env, tangent, NULL, &ok);
        if (!(fabs(want - got) <= 1e-9 * (1 + fabs(want))))
            fail_msg("seed %llu: tangent %.15g, gradient %.15g", (unsigned long long)seed, got, want);
        uint64_t at = 0; /* the views' gradients are the block's, side by side */
        for (int k = 0; k < 3; k++)
            for (uint64_t j = 0; j < ir_size(p, views[k]); j++, at++)
                assert_true(fabs(ir_eval_def(env, parts[k])[j] - ir_eval_def(env, gradient)[at])
                            <= 1e-9 * (1 + fabs(want)));
        IrTerm element = ir_idx(p, ir_axis(p, 0, ir_size(p, g.block)));
        IrTerm partial = calc_partial(p, g.loss, g.block, &element);
        for (int64_t k = 0; k < (int64_t)ir_size(p, g.block); k++) {
            double slope = ir_eval(env, partial, &k, &ok);
            double reverse = ir_eval_def(env, gradient)[k];
            if (!(fabs(slope - reverse) <= 1e-9 * (1 + fabs(slope))))
                fail_msg("seed %llu: partial %lld is %.15g, gradient %.15g", (unsigned long long)seed,
                         (long long)k, slope, reverse);
        }
        IrDef hessian = calc_hessian(p, g.loss, g.block, g.block),
              turned = calc_tangent_def(p, gradient, &seeds, 1);
        assert_true(hessian && turned);
        uint64_t n = ir_size(p, g.block);
        const double *h = ir_eval_def(env, hessian), *hv = ir_eval_def(env, turned),
                     *dir = ir_eval_def(env, v);
        for (uint64_t a = 0; a < n; a++) {
            double product = 0;
            for (uint64_t b = 0; b < n; b++) {
                product += h[a * n + b] * dir[b];
                if (!(fabs(h[a * n + b] - h[b * n + a]) <= 1e-8 * (1 + fabs(h[a * n + b]))))
                    fail_msg("seed %llu: the Hessian is not symmetric", (unsigned long long)seed);
            }
            if (!(fabs(product - hv[a]) <= 1e-8 * (1 + fabs(product))))
                fail_msg("seed %llu: H·v is %.15g, forward over reverse %.15g", (unsigned long long)seed,
                         product, hv[a]);
        }
        assert_sound(&g, seed);
        ir_env_free(env);
        ir_free(p);
        session_free(s);
    }
}

/* calc_tidy, calc_factor and calc_vjp keep values. */
static void rewrites_keep_values(void **state) {
    (void)state;
    for (uint64_t seed = 300; seed <= 400; seed++) {
        Session *s = session_new();
        RandomProgram g;
        bool ok;
        rp_make(&g, s, seed, 3, 3);
        IrEnv *env = ir_env_new(g.p);
        rp_set(&g, env);
        IrDef last = rp_define(&g, 9, 3);
        IrTerm body = ir_def(g.p, last)->body, tidy = calc_tidy(g.p, body), factor = calc_factor(g.p, body);
        assert_int_equal(calc_tidy(g.p, tidy), tidy);
        int64_t at[2] = {1, 1};
        double want = ir_eval(env, body, at, &ok), a = ir_eval(env, tidy, at, &ok),
               b = ir_eval(env, factor, at, &ok);
        if (!(fabs(want - a) <= 1e-9 * (1 + fabs(want)) && fabs(want - b) <= 1e-9 * (1 + fabs(want))))
            fail_msg("seed %llu: %.15g tidy %.15g factor %.15g", (unsigned long long)seed, want, a, b);
        assert_sound(&g, seed);
        ir_env_free(env);
        ir_free(g.p);
        session_free(s);
    }
}

/* What derivatives are made of can be printed and read back to the same text. */
static void gradients_print_and_read(void **state) {
    (void)state;
    for (uint64_t seed = 500; seed <= 560; seed++) {
        Session *s = session_new(), *other = session_new();
        RandomProgram g;
        IrDef gradient;
        Buf a = {0}, b = {0};
        rp_make(&g, s, seed, 4, 3);
        assert_true(calc_gradient(g.p, g.loss, &g.block, 1, &gradient));
        ir_print(g.p, &gradient, 1, &a);
        IrProgram *q = ir_new(other);
        if (!ir_read_text(q, a.at))
            fail_msg("seed %llu cannot be read:\n%s", (unsigned long long)seed, a.at);
        IrDef *all = base_calloc(ir_def_count(q), sizeof *all);
        for (uint32_t k = 0; k < ir_def_count(q); k++)
            all[k] = k + 1;
        ir_print(q, all, ir_def_count(q), &b);
        assert_string_equal(a.at, b.at);
        free(all);
        buf_free(&a);
        buf_free(&b);
        ir_free(q);
        ir_free(g.p);
        session_free(s);
        session_free(other);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(forward_and_reverse_agree),
        cmocka_unit_test(rewrites_keep_values),
        cmocka_unit_test(gradients_print_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
