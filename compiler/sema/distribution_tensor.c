/* distribution_tensor — log densities of vectors and matrices. */
#include "distribution.h"

static Val fail(Density *d, uint32_t k, const char *expected) {
    sema_error(d->s, DIAG_DISTRIBUTION_ARG, d->arg_span[k], "`%s` of %s needs %s here, and this is %s",
               d->name, sema_shape_text(d->s, &d->x), expected, sema_shape_text(d->s, &d->arg[k]));
    return val_poison();
}

static bool same_length(Density *d, uint32_t k) {
    if (val_extent(d->s, &d->x, 0) == val_extent(d->s, &d->arg[k], 0)) return true;
    fail(d, k, "a vector of equal length");
    return false;
}

static IrTerm sum_over(IrProgram *p, const Val *v, IrTerm body) {
    for (uint32_t k = v->rank; k-- > 0;) body = ir_reduce(p, IR_SUM, v->axis[k].idx, 0, body);
    return body;
}

/* ---- categories ---- */

Val density_categorical(Density *d) {
    d->arg[0] = val_define(d->s, d->arg[0], 0, d->arg_span[0], d->scope);
    Val v = builtin_pick(d->s, &d->arg[0], &d->x, d->x_span);
    if (val_ok(&v)) v.body = ir_op1(d->s->ir, IR_LOG, v.body);
    return v;
}

Val density_categorical_logit(Density *d) {
    Val z = d->arg[0] = val_define(d->s, d->arg[0], 0, d->arg_span[0], d->scope);
    Val picked = builtin_pick(d->s, &z, &d->x, d->x_span);
    Val lse = builtin_logsumexp_last(d->s, val_fresh_axes(d->s, &z), d->arg_span[0], d->scope);
    if (!val_ok(&picked) || !val_ok(&lse)) return val_poison();
    picked.body = ir_sub(d->s->ir, picked.body, lse.body);
    return picked;
}

/* N!/Π x! Π p^x */
Val density_multinomial(Density *d) {
    IrProgram *p = d->s->ir;
    if (!same_length(d, 0)) return val_poison();
    Val x = val_to_real(d->s, d->x), n = val_fresh_axes(d->s, &x);
    IrTerm total = sum_over(p, &n, n.body);
    IrTerm each = SUB(MUL(x.body, F1(LOG, val_aligned(d->s, &x, &d->arg[0]))), F1(LGAMMA, ADD(x.body, C(1))));
    return val_scalar(ADD(F1(LGAMMA, ADD(total, C(1))), sum_over(p, &x, each)));
}

/* Γ(Σα)/Π Γ(α) Π x^(α−1) */
Val density_dirichlet(Density *d) {
    IrProgram *p = d->s->ir;
    if (!same_length(d, 0)) return val_poison();
    Val alpha = val_define(d->s, d->arg[0], 0, d->arg_span[0], d->scope),
        other = val_fresh_axes(d->s, &alpha);
    IrTerm total = sum_over(p, &other, other.body), a = val_aligned(d->s, &d->x, &alpha);
    IrTerm each = SUB(MUL(SUB(a, C(1)), F1(LOG, d->x.body)), F1(LGAMMA, a));
    return val_scalar(ADD(F1(LGAMMA, total), sum_over(p, &d->x, each)));
}

/* ---- multivariate normal ---- */

static IrIdx outer_index(Density *d, const Val *v, uint32_t *n_outer) {
    uint32_t n;
    IrIdx outer = 0;
    const IrIdx *free = ir_set(d->s->ir, ir_node(d->s->ir, v->body)->free, &n);
    *n_outer = 0;
    for (uint32_t k = 0; k < n; k++) {
        if (free[k] == v->axis[0].idx) continue;
        outer = free[k];
        (*n_outer)++;
    }
    return outer;
}

/* L⁻¹ v for a vector that may depend on one index of the context: then all of them are solved at once, as the
 * columns of a matrix. */
static Val solve_columns(Density *d, IrDef factor, Val v) {
    Sema *s = d->s;
    uint32_t n_outer;
    IrIdx outer = outer_index(d, &v, &n_outer);
    if (n_outer > 1) {
        sema_error(s, DIAG_SHAPE, d->x_span,
                   "`%s` can run over one index of samples, and here it depends on %u", d->name, n_outer);
        return val_poison();
    }
    Val columns = v;
    if (n_outer) {
        columns.axis[1] = (Axis){.idx = outer, .full = ir_index(s->ir, outer)->extent};
        columns.rank = 2;
    }
    IrDef right = val_def(s, &columns, 0, d->x_span, d->scope);
    if (!right) return val_poison();
    IrTerm at[2] = {ir_idx(s->ir, v.axis[0].idx), n_outer ? ir_idx(s->ir, outer) : 0};
    v.body = ir_read(s->ir, ir_linalg(s->ir, IR_SOLVE_LOWER, factor, right), at, columns.rank);
    return v;
}

static bool square_of(Density *d, uint32_t k) {
    uint64_t n = val_extent(d->s, &d->x, 0);
    if (val_extent(d->s, &d->arg[k], 0) == n && val_extent(d->s, &d->arg[k], 1) == n) return true;
    fail(d, k, arena_printf(d->s->arena, "a %llu×%llu matrix", (unsigned long long)n, (unsigned long long)n));
    return false;
}

static IrDef closed_def(Density *d, uint32_t k) {
    IrDef def = val_def(d->s, &d->arg[k], 0, d->arg_span[k], d->scope);
    if (!def)
        sema_error(d->s, DIAG_SHAPE, d->arg_span[k],
                   "the matrix of `%s` cannot depend on an index of the samples", d->name);
    return def;
}

/* −½ |L⁻¹(x − μ)|² − Σ log L_ii − ½ K log 2π */
static Val with_factor(Density *d, IrDef factor) {
    IrProgram *p = d->s->ir;
    uint64_t n = val_extent(d->s, &d->x, 0);
    Val from = d->x;
    from.body = SUB(from.body, val_aligned(d->s, &d->x, &d->arg[0]));
    Val z = solve_columns(d, factor, from);
    if (!val_ok(&z)) return z;
    IrIdx i = ir_fresh(p, n, 0);
    IrTerm at[2] = {ir_idx(p, i), ir_idx(p, i)};
    IrTerm half_logdet = ir_reduce(p, IR_SUM, i, 0, F1(LOG, ir_read(p, factor, at, 2)));
    IrTerm norm = ir_reduce(p, IR_SUM, z.axis[0].idx, 0, MUL(z.body, z.body));
    return val_scalar(SUB(MUL(C(-0.5), norm), ADD(half_logdet, C(0.5 * (double)n * log(2 * M_PI)))));
}

Val density_multi_normal(Density *d) {
    if (!same_length(d, 0) || !square_of(d, 1)) return val_poison();
    IrDef cov = closed_def(d, 1);
    return cov ? with_factor(d, ir_linalg(d->s->ir, IR_CHOLESKY, cov, 0)) : val_poison();
}

Val density_multi_normal_cholesky(Density *d) {
    if (!same_length(d, 0) || !square_of(d, 1)) return val_poison();
    IrDef factor = closed_def(d, 1);
    return factor ? with_factor(d, factor) : val_poison();
}

/* ---- correlation matrices (Lewandowski, Kurowicka and Joe 2009) ---- */

/* log of ∫ det(R)^(η−1) dR over correlation matrices of size n:
 * Σ_{k=1}^{n−1} (2(η−1) + n−k)(n−k) log 2 + (n−k) log B(η + (n−k−1)/2, η + (n−k−1)/2) */
static IrTerm lkj_volume(IrProgram *p, uint64_t n, IrTerm eta) {
    IrTerm total = C(0);
    for (uint64_t m = 1; m < n; m++) {
        IrTerm a = ADD(eta, C(((double)m - 1) / 2));
        IrTerm power = MUL(C(M_LN2), ADD(MUL(C(2), SUB(eta, C(1))), C((double)m)));
        total = ADD(total, MUL(C((double)m), ADD(power, lbeta(p, a, a))));
    }
    return total;
}

static bool square_value(Density *d) {
    if (val_extent(d->s, &d->x, 0) == val_extent(d->s, &d->x, 1)) return true;
    sema_error(d->s, DIAG_SHAPE, d->x_span, "`%s` is a distribution of square matrices, and this is %s",
               d->name, sema_shape_text(d->s, &d->x));
    return false;
}

Val density_lkj(Density *d) {
    IrProgram *p = d->s->ir;
    if (!square_value(d)) return val_poison();
    IrDef corr = val_def(d->s, &d->x, 0, d->x_span, d->scope);
    if (!corr) {
        sema_error(d->s, DIAG_SHAPE, d->x_span, "the matrix of `%s` cannot depend on an index of the context",
                   d->name);
        return val_poison();
    }
    IrTerm logdet = ir_read0(p, ir_linalg(p, IR_LOGDET, corr, 0)), eta = d->arg[0].body;
    return val_scalar(SUB(MUL(SUB(eta, C(1)), logdet), lkj_volume(p, val_extent(d->s, &d->x, 0), eta)));
}

/* The density of the Cholesky factor: Π_{i≥1} L_ii^(n−1−i + 2(η−1)), rows counted from 0. */
Val density_lkj_cholesky(Density *d) {
    IrProgram *p = d->s->ir;
    if (!square_value(d)) return val_poison();
    uint64_t n = val_extent(d->s, &d->x, 0);
    IrTerm eta = d->arg[0].body;
    IrIdx i = ir_fresh(p, n, 0);
    IrTerm row = ir_idx(p, i), at[2] = {row, row};
    IrTerm power = ADD(SUB(C((double)n - 1), ir_to_real(p, row)), MUL(C(2), SUB(eta, C(1))));
    IrTerm each = MUL(power, F1(LOG, val_at(d->s, &d->x, at)));
    IrTerm guard = F2(LE, ir_int(p, 1), row);
    return val_scalar(SUB(ir_reduce(p, IR_SUM, i, guard, each), lkj_volume(p, n, eta)));
}
