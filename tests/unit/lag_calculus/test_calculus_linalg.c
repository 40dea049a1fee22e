/* Whole-tensor operations inside a scalar: gradient against central differences, forward against reverse,
 * Hessian against differences of the gradient, for every operation and both shapes of right sides. */
#include "../lag_ir/random_program.h"

#include "calculus/calculus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define N 3

typedef struct Lin {
    Session *session;
    IrProgram *p;
    IrEnv *env;
    Rng rng;
    IrDef q; /* nine parameters the matrix is made of, and six of the right side */
    IrTerm loss;
} Lin;

/* A[i, j] = Σ_k B[i, k] B[j, k] + 2 δ(i, j) with B nonlinear in q: symmetric, positive definite; or lower
 * triangular with a diagonal near 2; or B + 3·1 without symmetry. */
static IrDef matrix(Lin *l, IrLinalg fn) {
    IrProgram *p = l->p;
    uint64_t n = N;
    IrIdx axes[2] = {ir_fresh(p, n, 0), ir_fresh(p, n, 0)}, k = ir_fresh(p, n, 0);
    IrTerm i = ir_idx(p, axes[0]), j = ir_idx(p, axes[1]), kk = ir_idx(p, k), three = ir_int(p, N);
    IrTerm place = ir_add(p, ir_mul(p, i, three), j);
    IrDef b = ir_define(p, name_of(l->session->names, "B"), IR_F64, axes, 2,
                        ir_op1(p, IR_SIN, ir_read(p, l->q, &place, 1)));
    IrTerm ik[2] = {i, kk}, jk[2] = {j, kk}, ij[2] = {i, j}, body;
    if (fn == IR_SOLVE || fn == IR_INVERSE)
        body = ir_add(p, ir_read(p, b, ij, 2), ir_mul(p, ir_real(p, 3), ir_bracket(p, i, j)));
    else if (fn == IR_SOLVE_LOWER || fn == IR_SOLVE_LOWER_T)
        body = ir_add(p, ir_read(p, b, ij, 2), ir_mul(p, ir_real(p, 2), ir_bracket(p, i, j)));
    else
        body = ir_add(p, ir_reduce(p, IR_SUM, k, 0, ir_mul(p, ir_read(p, b, ik, 2), ir_read(p, b, jk, 2))),
                      ir_mul(p, ir_real(p, 2), ir_bracket(p, i, j)));
    return ir_define(p, name_of(l->session->names, "A"), IR_F64, axes, 2, body);
}

static IrDef right_side(Lin *l, uint32_t rank) {
    IrProgram *p = l->p;
    IrIdx axes[2] = {ir_fresh(p, N, 0), ir_fresh(p, 2, 0)};
    IrTerm place = ir_add(p, ir_int(p, 9), ir_idx(p, axes[0]));
    if (rank == 2)
        place = ir_add(p, ir_add(p, ir_int(p, 9), ir_mul(p, ir_idx(p, axes[0]), ir_int(p, 2))),
                       ir_idx(p, axes[1]));
    return ir_define(p, name_of(l->session->names, "b"), IR_F64, axes, rank,
                     ir_op1(p, IR_EXP, ir_read(p, l->q, &place, 1)));
}

static void lin_start(Lin *l, IrLinalg fn, uint32_t rank, uint64_t seed) {
    l->session = session_new();
    l->rng = (Rng){seed};
    IrProgram *p = l->p = ir_new(l->session);
    l->env = ir_env_new(p);
    uint64_t size = 15;
    l->q = ir_input(p, name_of(l->session->names, "q"), IR_ROLE_COORD, IR_F64, 1, &size);
    double values[15];
    for (int k = 0; k < 15; k++)
        values[k] = rng_real(&l->rng, -0.6, 0.6);
    ir_env_set(l->env, l->q, values);
    bool solves = fn >= IR_SOLVE && fn <= IR_SOLVE_LOWER_T;
    IrDef x = ir_linalg(p, fn, matrix(l, fn), solves ? right_side(l, rank) : 0);
    IrIdx axes[2];
    IrTerm subs[2], t, weight = ir_real(p, 1);
    uint32_t r = ir_def(p, x)->rank;
    for (uint32_t k = 0; k < r; k++) {
        axes[k] = ir_fresh(p, ir_def(p, x)->extent[k], 0);
        subs[k] = ir_idx(p, axes[k]);
        weight = ir_add(p, ir_mul(p, weight, ir_real(p, 0.7)), ir_to_real(p, subs[k]));
    }
    t = ir_mul(p, weight, ir_op1(p, IR_SIN, ir_read(p, x, subs, r)));
    for (uint32_t k = r; k-- > 0;)
        t = ir_reduce(p, IR_SUM, axes[k], 0, t);
    l->loss = t;
}

static void lin_end(Lin *l) {
    ir_env_free(l->env);
    ir_free(l->p);
    session_free(l->session);
}

static void check(IrLinalg fn, uint32_t rank, uint64_t seed) {
    Lin l;
    bool ok;
    lin_start(&l, fn, rank, seed);
    IrProgram *p = l.p;
    double where, error = calc_check_gradient(p, l.env, l.loss, l.q, &where);
    if (!(error < 1e-7)) /* h² truncation at h = 6e-6 */
        fail_msg("%d, rank %u: gradient off by %g", (int)fn, rank, error);
    IrDef gradient, hessian = calc_hessian(p, l.loss, l.q, l.q), v, turned;
    assert_true(calc_gradient(p, l.loss, &l.q, 1, &gradient) && hessian);
    uint64_t size = 15;
    v = ir_input(p, 0, IR_ROLE_NONE, IR_F64, 1, &size);
    double dir[15], at[15], up[15], down[15];
    for (int k = 0; k < 15; k++)
        dir[k] = rng_real(&l.rng, -1, 1);
    ir_env_set(l.env, v, dir);
    CalcSeed seeds = {l.q, v};
    double along = ir_eval(l.env, calc_tangent(p, l.loss, &seeds, 1), NULL, &ok), want = 0;
    for (int k = 0; k < 15; k++)
        want += ir_eval_def(l.env, gradient)[k] * dir[k];
    assert_true(fabs(along - want) < 1e-10 * (1 + fabs(want)));
    turned = calc_tangent_def(p, gradient, &seeds, 1);
    memcpy(at, ir_eval_def(l.env, l.q), sizeof at);
    for (int k = 0; k < 15; k++)
        at[k] += 1e-5 * dir[k];
    ir_env_set(l.env, l.q, at);
    memcpy(up, ir_eval_def(l.env, gradient), sizeof up);
    for (int k = 0; k < 15; k++)
        at[k] -= 2e-5 * dir[k];
    ir_env_set(l.env, l.q, at);
    memcpy(down, ir_eval_def(l.env, gradient), sizeof down);
    for (int k = 0; k < 15; k++)
        at[k] += 1e-5 * dir[k];
    ir_env_set(l.env, l.q, at);
    for (int a = 0; a < 15; a++) {
        double product = 0, numeric = (up[a] - down[a]) / 2e-5;
        for (int b = 0; b < 15; b++)
            product += ir_eval_def(l.env, hessian)[a * 15 + b] * dir[b];
        double hv = ir_eval_def(l.env, turned)[a];
        if (!(fabs(hv - product) < 1e-9 * (1 + fabs(hv))
              && fabs(hv - numeric) < 1e-7 * (1 + fabs(hv)))) /* h² again */
            fail_msg("%d, rank %u: second derivative %.12g %.12g, differences %.12g", (int)fn, rank, hv,
                     product, numeric);
    }
    Buf out = {0};
    if (!ir_check(p, &out))
        fail_msg("%s", out.at);
    lin_end(&l);
}

static void every_whole_tensor_operation(void **state) {
    (void)state;
    for (int fn = 0; fn <= IR_LOGDET; fn++)
        for (uint32_t rank = 1; rank <= 2; rank++)
            check((IrLinalg)fn, rank, 10 + (uint64_t)fn);
}

/* The factor read as an input of its own: only the lower triangle of A moves it. */
static void cholesky_reads_the_lower_triangle(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    IrEnv *env = ir_env_new(p);
    IrDef a = ir_input(p, name_of(s->names, "A"), IR_ROLE_COORD, IR_F64, 2, (uint64_t[]){3, 3});
    double values[9] = {4, 9, 9, 1, 5, 9, 0.5, -1, 6}, where;
    ir_env_set(env, a, values);
    IrDef l = ir_linalg(p, IR_CHOLESKY, a, 0);
    IrIdx i = ir_fresh(p, 3, 0), j = ir_fresh(p, 3, 0);
    IrTerm at[2] = {ir_idx(p, i), ir_idx(p, j)};
    IrTerm t = ir_reduce(p, IR_SUM, i, 0,
                         ir_reduce(p, IR_SUM, j, 0, ir_op1(p, IR_SIN, ir_read(p, l, at, 2))));
    assert_true(calc_check_gradient(p, env, t, a, &where) < 1e-8);
    ir_env_free(env);
    ir_free(p);
    session_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_whole_tensor_operation),
        cmocka_unit_test(cholesky_reads_the_lower_triangle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
