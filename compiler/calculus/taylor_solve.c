/* taylor_solve — linear systems with a matrix that varies, A x = b: from (A x)_k = b_k,
 *
 *     A_0 x_k = b_k − Σ_{j=1}^{k} A_j x_{k−j} = (b − A x)_k  where x_k is taken to be 0.
 *
 * The right side is the coefficient of a term, the residual b − A x, whose own operations have recursions; A_0 is factored once.
 * The residual is written with the formula of A, not its elements, so that it is factorized like any other sum. */
#include "taylor.h"

#include <string.h>

/* Σ_l A[i,l] x[l], or Σ_l A[l,i] x[l]; the lower triangle alone for triangular systems. */
static IrTerm applied(Taylor *s, IrLinalg fn, IrDef a, IrDef x, const IrTerm *at, uint32_t rank) {
    IrProgram *p = s->p;
    IrIdx l = ir_fresh(p, ir_def(p, a)->extent[1], 0);
    IrTerm to[2] = {at[0], ir_idx(p, l)}, of[2] = {ir_idx(p, l), rank == 2 ? at[1] : 0}, guard = 0;
    if (fn == IR_SOLVE_LOWER_T) {
        to[0] = ir_idx(p, l);
        to[1] = at[0];
    }
    if (fn == IR_SOLVE_LOWER || fn == IR_SOLVE_LOWER_T)
        guard = ir_op2(p, IR_LE, to[1], to[0]);
    IrTerm body = ir_mul(p, ir_at_subs(p, a, to), ir_read(p, x, of, rank));
    return ir_reduce(p, IR_SUM, l, guard, body);
}

/* a with its angles separated: the value at order 0 is computed from what the recursions need anyway. */
static IrDef separated(Taylor *s, IrDef a) {
    if (ir_def(s->p, a)->kind != IR_DEF_EXPR)
        return a;
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    calc_open_axes(s->p, a, axes, subs);
    IrTerm body = calc_separate(s->p, ir_at_subs(s->p, a, subs));
    return ir_define(s->p, 0, IR_F64, axes, ir_def(s->p, a)->rank, body);
}

/* x, and what of A_0 is kept to solve for each order. */
static IrDef solved(Taylor *s, IrLinalg fn, IrDef a, IrDef b, IrDef *factor) {
    IrProgram *p = s->p;
    *factor = a;
    switch (fn) {
    case IR_SOLVE_SPD:
        *factor = ir_linalg(p, IR_CHOLESKY, a, 0);
        return ir_linalg(p, IR_SOLVE_LOWER_T, *factor, ir_linalg(p, IR_SOLVE_LOWER, *factor, b));
    case IR_SOLVE:
        *factor = ir_linalg(p, IR_INVERSE, a, 0);
        return ir_linalg(p, IR_SOLVE, a, b);
    case IR_INVERSE: return *factor = ir_linalg(p, IR_INVERSE, a, 0);
    case IR_SOLVE_LOWER:
    case IR_SOLVE_LOWER_T: return ir_linalg(p, fn, a, b);
    case IR_CHOLESKY:
    case IR_LOGDET:
    case IR_POLAR:
    case IR_LEADING:
    case IR_SPECTRAL:
    case IR_NUCLEAR:
    case IR_LINALG_COUNT: break;
    }
    return 0;
}

IrDef taylor_flat_linalg(Taylor *s, IrDef d) {
    IrProgram *p = s->p;
    IrDefInfo info = *ir_def(p, d);
    IrDef a = separated(s, info.operand[0]), factor;
    IrDef b = info.operand[1] ? taylor_flat_def(s, info.operand[1]) : 0;
    IrDef x = solved(s, info.linalg, a, b, &factor);
    if (!x) {
        taylor_refuse_def(s, d, info.linalg == IR_CHOLESKY ? "`cholesky`" : info.linalg == IR_LOGDET ? "`logdet`" : "a norm of singular values");
        return d;
    }
    TaylorSolve solve = {.x = x, .fn = info.linalg, .factor = factor, .rank = info.rank};
    IrTerm at[IR_MAX_RANK];
    calc_open_axes(p, x, solve.axes, at);
    *taylor_at(&s->flat, x) = x; /* the residual reads it */
    IrTerm residual = ir_real(p, 0);
    if (info.operand[1])
        residual = ir_at_subs(p, info.operand[1], at);
    if (taylor_def_varies(s, info.operand[0]))
        residual = ir_sub(p, residual, applied(s, info.linalg, info.operand[0], x, at, info.rank));
    solve.residual = taylor_flat(s, calc_tidy(p, calc_separate(p, residual)));
    vec_push(&s->solves, solve);
    *taylor_at(&s->solve_of, x) = s->solves.n;
    return x;
}
