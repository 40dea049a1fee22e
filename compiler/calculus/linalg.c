/* linalg — derivatives of whole-tensor operations.
 *
 * Reverse rules: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
 * differentiation" (2008); I. Murray, "Differentiation of the Cholesky decomposition" (2016). Bars are adjoints:
 *   C = A⁻¹      Ā = −Cᵀ C̄ Cᵀ                     dC = −C dA C
 *   c = log det A  Ā = c̄ A⁻ᵀ                       dc = tr(A⁻¹ dA)
 *   X = A⁻¹ B    B̄ = A⁻ᵀ X̄,  Ā = −B̄ Xᵀ             dX = A⁻¹ (dB − dA X)
 *   X = L⁻¹ B    B̄ = L⁻ᵀ X̄,  L̄ = −tril(B̄ Xᵀ)       dX = L⁻¹ (dB − tril(dL) X)
 *   X = L⁻ᵀ B    B̄ = L⁻¹ X̄,  L̄ = −tril(X B̄ᵀ)       dX = L⁻ᵀ (dB − tril(dL)ᵀ X)
 *   L = chol A   Ā = tril(S + Sᵀ − diag S), S = ½ L⁻ᵀ (P + Pᵀ) L⁻¹, P = Φ(Lᵀ L̄)      dL = L Φ(L⁻¹ dA L⁻ᵀ)
 *   s = |A|₂     Ā = s̄ w z                         ds = Σ w z dA        (w, z the vectors of the largest singular value)
 *   s = |A|_*    Ā = s̄ P                           ds = Σ P dA          (P the polar factor)
 * with Φ the lower triangle, its diagonal halved. The factorization reads the lower triangle of A only, and so A's
 * adjoint lies there. */
#include "calculus_internal.h"

#include <string.h>

/* Everything below is written on matrices as functions of two INT terms. */
typedef struct Mat {
    IrDef def;
    bool transposed;
} Mat;

static IrTerm at2(IrProgram *p, Mat m, IrTerm i, IrTerm j) {
    IrTerm subs[2] = {m.transposed ? j : i, m.transposed ? i : j};
    return ir_read(p, m.def, subs, 2);
}

static IrElem elem_of(const IrProgram *p, IrDef d) { return ir_def(p, d)->elem; }

/* C[i, j] = Σ_k A[i, k] B[k, j] */
static Mat product(IrProgram *p, Mat a, Mat b) {
    uint64_t rows = ir_def(p, a.def)->extent[a.transposed], columns = ir_def(p, b.def)->extent[!b.transposed];
    IrIdx axes[2] = {ir_fresh(p, rows, 0), ir_fresh(p, columns, 0)};
    IrIdx k = ir_fresh(p, ir_def(p, a.def)->extent[!a.transposed], 0);
    IrTerm i = ir_idx(p, axes[0]), j = ir_idx(p, axes[1]), kk = ir_idx(p, k);
    IrTerm body = ir_reduce(p, IR_SUM, k, 0, ir_mul(p, at2(p, a, i, kk), at2(p, b, kk, j)));
    return (Mat){ir_define(p, 0, elem_of(p, a.def), axes, 2, body), false};
}

/* factor(i, j) · A[i, j], where factor takes one value below, on and above the diagonal. */
static Mat by_triangle(IrProgram *p, Mat a, double below, double on, double above) {
    uint64_t n = ir_def(p, a.def)->extent[0];
    IrIdx axes[2] = {ir_fresh(p, n, 0), ir_fresh(p, n, 0)};
    IrTerm i = ir_idx(p, axes[0]), j = ir_idx(p, axes[1]), value = at2(p, a, i, j);
    IrTerm upper = ir_select(p, ir_op2(p, IR_EQ, i, j), ir_real(p, on), ir_real(p, above));
    IrTerm factor = ir_select(p, ir_op2(p, IR_LT, j, i), ir_real(p, below), upper);
    if (below == 1 && on == 1 && above == 0)
        factor = ir_to_real(p, ir_op2(p, IR_LE, j, i));
    return (Mat){ir_define(p, 0, elem_of(p, a.def), axes, 2, ir_mul(p, factor, value)), false};
}

static Mat scaled(IrProgram *p, Mat a, IrTerm factor) {
    IrIdx axes[2] = {ir_fresh(p, ir_def(p, a.def)->extent[a.transposed], 0),
                     ir_fresh(p, ir_def(p, a.def)->extent[!a.transposed], 0)};
    IrTerm body = ir_mul(p, factor, at2(p, a, ir_idx(p, axes[0]), ir_idx(p, axes[1])));
    return (Mat){ir_define(p, 0, elem_of(p, a.def), axes, 2, body), false};
}

/* A + Aᵀ */
static Mat symmetric(IrProgram *p, Mat a) {
    uint64_t n = ir_def(p, a.def)->extent[0];
    IrIdx axes[2] = {ir_fresh(p, n, 0), ir_fresh(p, n, 0)};
    IrTerm i = ir_idx(p, axes[0]), j = ir_idx(p, axes[1]);
    IrTerm body = ir_add(p, at2(p, a, i, j), at2(p, a, j, i));
    return (Mat){ir_define(p, 0, elem_of(p, a.def), axes, 2, body), false};
}

static IrDef plain(IrProgram *p, Mat a) { return a.transposed ? scaled(p, a, ir_real(p, 1)).def : a.def; }

static Mat solve(IrProgram *p, IrLinalg fn, IrDef a, Mat b) {
    return (Mat){ir_linalg(p, fn, a, plain(p, b)), false};
}

/* −Σ_m U[i, m] V[j, m] (or −u[i] v[j] for vectors). */
static Mat minus_outer(IrProgram *p, IrDef u, IrDef v) {
    uint32_t rank = ir_def(p, u)->rank;
    uint64_t n = ir_def(p, u)->extent[0];
    IrIdx axes[2] = {ir_fresh(p, n, 0), ir_fresh(p, n, 0)}, m = 0;
    IrTerm left[2] = {ir_idx(p, axes[0]), 0}, right[2] = {ir_idx(p, axes[1]), 0};
    if (rank == 2) {
        m = ir_fresh(p, ir_def(p, u)->extent[1], 0);
        left[1] = right[1] = ir_idx(p, m);
    }
    IrTerm body = ir_mul(p, ir_read(p, u, left, rank), ir_read(p, v, right, rank));
    if (rank == 2)
        body = ir_reduce(p, IR_SUM, m, 0, body);
    return (Mat){ir_define(p, 0, elem_of(p, u), axes, 2, ir_neg(p, body)), false};
}

static IrDef cholesky_adjoint(IrProgram *p, IrDef l, IrDef adjoint) {
    Mat L = {l, false};
    Mat P = by_triangle(p, product(p, (Mat){l, true}, by_triangle(p, (Mat){adjoint, false}, 1, 1, 0)), 1, 0.5,
                        0);
    Mat half = solve(p, IR_SOLVE_LOWER_T, L.def, symmetric(p, P));    /* L⁻ᵀ (P + Pᵀ) */
    Mat S = solve(p, IR_SOLVE_LOWER_T, L.def, (Mat){half.def, true}); /* (… L⁻¹)ᵀ, symmetric */
    return by_triangle(p, S, 1, 0.5, 0).def;
}

static IrDef inverse_adjoint(IrProgram *p, IrDef c, IrDef adjoint) {
    Mat ct = {c, true};
    Mat inner = product(p, ct, (Mat){adjoint, false});
    return scaled(p, product(p, inner, ct), ir_real(p, -1)).def;
}

/* The adjoint of the right side: the transposed system solved with the adjoint. */
static IrDef right_side_adjoint(IrProgram *p, const IrDefInfo *info, IrDef adjoint) {
    switch (info->linalg) {
    case IR_SOLVE: return ir_linalg(p, IR_SOLVE, plain(p, (Mat){info->operand[0], true}), adjoint);
    case IR_SOLVE_SPD: return ir_linalg(p, IR_SOLVE_SPD, info->operand[0], adjoint);
    case IR_SOLVE_LOWER: return ir_linalg(p, IR_SOLVE_LOWER_T, info->operand[0], adjoint);
    case IR_SOLVE_LOWER_T: return ir_linalg(p, IR_SOLVE_LOWER, info->operand[0], adjoint);
    case IR_CHOLESKY:
    case IR_INVERSE:
    case IR_LOGDET:
    case IR_POLAR:
    case IR_LEADING:
    case IR_SPECTRAL:
    case IR_NUCLEAR:
    case IR_LINALG_COUNT: break; /* one operand */
    }
    return 0;
}

/* The derivative of the largest singular value is w z, of their sum the polar factor. */
static IrDef gradient_of_norm(IrProgram *p, const IrDefInfo *info) {
    return info->linalg == IR_NUCLEAR ? info->operand[1] : ir_linalg(p, IR_LEADING, info->operand[0], 0);
}

static IrDef no_derivative(IrProgram *p, const IrDefInfo *info) {
    diag_error(ir_session(p), DIAG_NOT_DIFFERENTIABLE, info->span,
               "singular vectors cannot be differentiated: where two singular values meet they have no derivative");
    return 0;
}

IrDef calc_linalg_adjoint(IrProgram *p, IrDef d, IrDef adjoint, uint32_t k) {
    IrDefInfo info = *ir_def(p, d);
    switch (info.linalg) {
    case IR_CHOLESKY: return cholesky_adjoint(p, d, adjoint);
    case IR_INVERSE: return inverse_adjoint(p, d, adjoint);
    case IR_LOGDET: {
        IrDef inverse = ir_linalg(p, IR_INVERSE, info.operand[0], 0);
        return scaled(p, (Mat){inverse, true}, ir_read0(p, adjoint)).def;
    }
    case IR_SOLVE:
    case IR_SOLVE_SPD:
    case IR_SOLVE_LOWER:
    case IR_SOLVE_LOWER_T: {
        IrDef right = right_side_adjoint(p, &info, adjoint);
        if (k == 1)
            return right;
        if (info.linalg == IR_SOLVE || info.linalg == IR_SOLVE_SPD)
            return minus_outer(p, right, d).def;
        Mat outer = info.linalg == IR_SOLVE_LOWER ? minus_outer(p, right, d) : minus_outer(p, d, right);
        return by_triangle(p, outer, 1, 1, 0).def;
    }
    case IR_SPECTRAL:
    case IR_NUCLEAR: return k ? calc_zero_like(p, info.operand[1]) : scaled(p, (Mat){gradient_of_norm(p, &info), false}, ir_read0(p, adjoint)).def;
    case IR_POLAR:
    case IR_LEADING: return no_derivative(p, &info);
    case IR_LINALG_COUNT: break;
    }
    return 0;
}

/* ---- forward ------------------------------------------------------------------------------------------- */

/* A tensor with `extra` axes behind its matrix or vector axes, those fixed to FRESH indices. */
typedef struct Moved {
    IrDef def;
    IrTerm extra[IR_MAX_RANK];
    uint32_t n_extra;
    bool lower; /* only the lower triangle counts */
} Moved;

static IrTerm moved_at(IrProgram *p, const Moved *m, IrTerm i, IrTerm j) {
    IrTerm subs[IR_MAX_RANK] = {i, j};
    uint32_t rank = j ? 2 : 1;
    memcpy(subs + rank, m->extra, sizeof *subs * m->n_extra);
    IrTerm value = ir_read(p, m->def, subs, rank + m->n_extra);
    return m->lower ? ir_select(p, ir_op2(p, IR_LE, j, i), value, ir_real(p, 0)) : value;
}

/* Σ_a Σ_b U[i, a] dA[a, b] V[b, j], U and V matrices. */
static IrTerm sandwich(IrProgram *p, Mat u, const Moved *da, Mat v, IrTerm i, IrTerm j) {
    uint64_t n = ir_def(p, u.def)->extent[0];
    IrIdx a = ir_fresh(p, n, 0), b = ir_fresh(p, n, 0);
    IrTerm s = ir_idx(p, a), t = ir_idx(p, b);
    IrTerm inner = ir_reduce(p, IR_SUM, b, 0, ir_mul(p, moved_at(p, da, s, t), at2(p, v, t, j)));
    inner = calc_named(p, inner, elem_of(p, u.def), true);
    return ir_reduce(p, IR_SUM, a, 0, ir_mul(p, at2(p, u, i, s), inner));
}

/* The change of the right side of a linear system, dB − dA X, at [i, m] (m 0 for vectors). */
static IrTerm residual(IrProgram *p, const IrDefInfo *info, IrDef x, const Moved *da, const Moved *db,
                       IrTerm i, IrTerm m) {
    IrTerm sum = db->def ? moved_at(p, db, i, m) : ir_real(p, 0);
    if (!da->def)
        return sum;
    IrIdx k = ir_fresh(p, info->extent[0], 0);
    IrTerm kk = ir_idx(p, k), subs[2] = {kk, m};
    bool turned = info->linalg == IR_SOLVE_LOWER_T;
    IrTerm slope = turned ? moved_at(p, da, kk, i) : moved_at(p, da, i, kk);
    IrTerm body = ir_mul(p, slope, ir_read(p, x, subs, info->rank));
    return ir_sub(p, sum, ir_reduce(p, IR_SUM, k, 0, body));
}

/* dX = A⁻¹ residual: by solving when nothing hangs behind the axes, else through the inverse. */
static IrDef solve_forward(IrProgram *p, IrDef d, Moved *da, Moved *db, const IrIdx *more, uint32_t extra) {
    IrDefInfo info = *ir_def(p, d);
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    da->lower = info.linalg == IR_SOLVE_LOWER || info.linalg == IR_SOLVE_LOWER_T;
    calc_open_axes(p, d, axes, subs);
    memcpy(axes + info.rank, more, sizeof *more * extra);
    IrTerm r = residual(p, &info, d, da, db, subs[0], info.rank == 2 ? subs[1] : 0);
    if (!extra)
        return ir_linalg(p, info.linalg, info.operand[0], ir_define(p, 0, info.elem, axes, info.rank, r));
    IrDef lower = info.operand[0];
    if (da->lower)
        lower = by_triangle(p, (Mat){lower, false}, 1, 1, 0).def;
    Mat inverse = {ir_linalg(p, IR_INVERSE, lower, 0), info.linalg == IR_SOLVE_LOWER_T};
    IrDef right = ir_define(p, 0, info.elem, axes, info.rank + extra, r);
    IrIdx out = ir_fresh(p, info.extent[0], 0), k = axes[0];
    IrTerm at[IR_MAX_RANK];
    for (uint32_t j = 0; j < info.rank + extra; j++)
        at[j] = ir_idx(p, axes[j]);
    IrTerm body = ir_mul(p, at2(p, inverse, ir_idx(p, out), at[0]), ir_read(p, right, at, info.rank + extra));
    axes[0] = out;
    return ir_define(p, 0, info.elem, axes, info.rank + extra, ir_reduce(p, IR_SUM, k, 0, body));
}

/* dL = L Φ(L⁻¹ dA L⁻ᵀ), where the lower triangle of dA stands for a symmetric matrix. */
static IrDef cholesky_forward(IrProgram *p, IrDef l, const Moved *da, const IrIdx *more, uint32_t extra) {
    IrDefInfo info = *ir_def(p, l);
    IrIdx axes[IR_MAX_RANK], k;
    IrTerm subs[IR_MAX_RANK];
    calc_open_axes(p, l, axes, subs);
    memcpy(axes + 2, more, sizeof *more * extra);
    IrTerm i = subs[0], j = subs[1];
    IrTerm whole = ir_select(p, ir_op2(p, IR_LE, j, i), moved_at(p, da, i, j), moved_at(p, da, j, i));
    Moved symmetric_da = {.n_extra = extra};
    memcpy(symmetric_da.extra, da->extra, sizeof da->extra);
    symmetric_da.def = ir_define(p, 0, info.elem, axes, 2 + extra, whole);
    Mat inverse = {ir_linalg(p, IR_INVERSE, l, 0), false};
    IrTerm middle = sandwich(p, inverse, &symmetric_da, (Mat){inverse.def, true}, i, j);
    IrTerm half = ir_select(p, ir_op2(p, IR_EQ, i, j), ir_real(p, 0.5), ir_real(p, 1));
    middle = ir_select(p, ir_op2(p, IR_LE, j, i), ir_mul(p, half, middle), ir_real(p, 0));
    Moved phi = symmetric_da;
    phi.def = ir_define(p, 0, info.elem, axes, 2 + extra, middle);
    k = ir_fresh(p, info.extent[0], 0);
    IrTerm kk = ir_idx(p, k);
    IrTerm body = ir_mul(p, at2(p, (Mat){l, false}, i, kk), moved_at(p, &phi, kk, j));
    return ir_define(p, 0, info.elem, axes, 2 + extra, ir_reduce(p, IR_SUM, k, 0, body));
}

IrDef calc_linalg_forward(IrProgram *p, IrDef d, const IrDef *moved, uint32_t extra, const uint64_t *more) {
    IrDefInfo info = *ir_def(p, d);
    Moved da = {.def = moved[0], .n_extra = extra}, db = {.def = moved[1], .n_extra = extra};
    IrIdx axes[IR_MAX_RANK], behind[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    if (!moved[0] && !moved[1])
        return 0;
    for (uint32_t k = 0; k < extra; k++) {
        behind[k] = ir_fresh(p, more[k], 0);
        da.extra[k] = db.extra[k] = ir_idx(p, behind[k]);
    }
    switch (info.linalg) {
    case IR_CHOLESKY: return cholesky_forward(p, d, &da, behind, extra);
    case IR_INVERSE:
        calc_open_axes(p, d, axes, subs);
        memcpy(axes + 2, behind, sizeof *behind * extra);
        return ir_define(p, 0, info.elem, axes, 2 + extra,
                         ir_neg(p, sandwich(p, (Mat){d, false}, &da, (Mat){d, false}, subs[0], subs[1])));
    case IR_LOGDET: {
        IrDef inverse = ir_linalg(p, IR_INVERSE, info.operand[0], 0);
        uint64_t n = ir_def(p, inverse)->extent[0];
        IrIdx a = ir_fresh(p, n, 0), b = ir_fresh(p, n, 0);
        IrTerm i = ir_idx(p, a), j = ir_idx(p, b);
        IrTerm body = ir_mul(p, at2(p, (Mat){inverse, true}, i, j), moved_at(p, &da, i, j));
        body = ir_reduce(p, IR_SUM, a, 0, ir_reduce(p, IR_SUM, b, 0, body));
        return ir_define(p, 0, info.elem, behind, extra, body);
    }
    case IR_SOLVE:
    case IR_SOLVE_SPD:
    case IR_SOLVE_LOWER:
    case IR_SOLVE_LOWER_T: return solve_forward(p, d, &da, &db, behind, extra);
    case IR_SPECTRAL:
    case IR_NUCLEAR: {
        if (!moved[0])
            return 0;
        Mat slope = {gradient_of_norm(p, &info), false};
        IrIdx a = ir_fresh(p, ir_def(p, slope.def)->extent[0], 0), b = ir_fresh(p, ir_def(p, slope.def)->extent[1], 0);
        IrTerm i = ir_idx(p, a), j = ir_idx(p, b), at[IR_MAX_RANK] = {i, j};
        memcpy(at + 2, da.extra, sizeof *at * extra);
        IrTerm body = ir_mul(p, at2(p, slope, i, j), ir_at_subs(p, da.def, at)); /* deltas, of dA/dA, fall away */
        body = ir_reduce(p, IR_SUM, b, 0, body);
        return ir_define(p, 0, info.elem, behind, extra, ir_reduce(p, IR_SUM, a, 0, body));
    }
    case IR_POLAR:
    case IR_LEADING: return no_derivative(p, &info);
    case IR_LINALG_COUNT: break;
    }
    return 0;
}
