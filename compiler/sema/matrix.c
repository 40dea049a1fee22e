/* matrix — linear algebra on values: products in index notation, factorizations as LINALG definitions. */
#include "builtin.h"

/* ---- products ---- */

static Val product_error(Sema *s, Span span, const Val *a, const Val *b, Span sa, Span sb) {
    Diag *d = sema_error(s, DIAG_SHAPE, span, "`@` cannot multiply %s by %s", sema_shape_text(s, a),
                         sema_shape_text(s, b));
    sema_note(s, d, sa, "%s", sema_shape_text(s, a));
    sema_note(s, d, sb, "%s", sema_shape_text(s, b));
    if (a->rank == 0 || b->rank == 0)
        sema_help(s, d, "a number multiplies with `*`");
    else
        sema_help(s, d, "the last axis of the left and the first axis of the right must be equal");
    return val_poison();
}

static bool is_number(Sema *s, const Val *v, Span span) {
    if (v->kind == VAL_POISON) return false;
    if (val_ok(v) && val_type(s, v) != IR_BOOL) return true;
    sema_error(s, DIAG_TYPE, span, "`@` needs numbers, and this is %s",
               val_ok(v) ? sema_type_text(val_type(s, v)) : sema_shape_text(s, v));
    return false;
}

Val sema_matmul(Sema *s, Scope *scope, Span span, Val a, Val b, Span sa, Span sb) {
    bool ok = is_number(s, &a, sa);
    if (!is_number(s, &b, sb) || !ok) return val_poison();
    if (a.open_shape || b.open_shape) return a.rank ? a : b;
    if (a.rank < 1 || a.rank > 2 || b.rank < 1 || b.rank > 2) return product_error(s, span, &a, &b, sa, sb);
    if (val_extent(s, &a, a.rank - 1) != val_extent(s, &b, 0)) return product_error(s, span, &a, &b, sa, sb);
    a = val_define(s, val_to_real(s, a), 0, sa, scope);
    b = val_define(s, val_to_real(s, b), 0, sb, scope);
    if (!val_ok(&a) || !val_ok(&b)) return val_poison();
    a = val_fresh_axes(s, &a);
    b = val_fresh_axes(s, &b);
    IrIdx sum = a.axis[a.rank - 1].idx;
    IrTerm at[2] = {ir_idx(s->ir, sum), b.rank > 1 ? ir_idx(s->ir, b.axis[1].idx) : 0};
    Val out = {.kind = VAL_TENSOR};
    if (a.rank == 2) out.axis[out.rank++] = a.axis[0];
    if (b.rank == 2) out.axis[out.rank++] = b.axis[1];
    out.body = ir_reduce(s->ir, IR_SUM, sum, 0, ir_mul(s->ir, a.body, val_at(s, &b, at)));
    return out;
}

Val matrix_dot(Args *a) {
    Sema *s = a->s;
    if (!args_real(a, 0) || !args_real(a, 1)) return val_poison();
    if (a->at[0].rank == 0 || !val_same_shape(s, &a->at[0], &a->at[1])) {
        Diag *d = sema_error(s, DIAG_SHAPE, a->call->span,
                             "`dot` needs two tensors of equal shape, and these are %s and %s",
                             sema_shape_text(s, &a->at[0]), sema_shape_text(s, &a->at[1]));
        sema_note(s, d, args_span(a, 1), "%s", sema_shape_text(s, &a->at[1]));
        return val_poison();
    }
    Val v = a->at[0];
    v.body = ir_mul(s->ir, v.body, val_aligned(s, &v, &a->at[1]));
    return sema_reduce_whole(s, REDUCE_SUM, v, a->call->span);
}

Val matrix_outer(Args *a) {
    Sema *s = a->s;
    if (!args_rank(a, 0, 1, "a vector") || !args_rank(a, 1, 1, "a vector")) return val_poison();
    Val out = val_fresh_axes(s, &a->at[0]), b = val_fresh_axes(s, &a->at[1]);
    out.axis[1] = b.axis[0];
    out.rank = 2;
    out.body = ir_mul(s->ir, out.body, b.body);
    return out;
}

/* (a × b)[i] = a[i+1] b[i+2] − a[i+2] b[i+1], subscripts modulo 3 */
Val matrix_cross(Args *a) {
    Sema *s = a->s;
    IrProgram *p = s->ir;
    if (!args_rank(a, 0, 1, "a vector") || !args_rank(a, 1, 1, "a vector")) return val_poison();
    if (val_extent(s, &a->at[0], 0) != 3 || val_extent(s, &a->at[1], 0) != 3) {
        sema_error(s, DIAG_SHAPE, a->call->span, "`cross` is of two vectors of 3, and these are %s and %s",
                   sema_shape_text(s, &a->at[0]), sema_shape_text(s, &a->at[1]));
        return val_poison();
    }
    args_define(a, 0);
    args_define(a, 1);
    Val items[3];
    for (int64_t i = 0; i < 3; i++) {
        IrTerm j = ir_int(p, (i + 1) % 3), k = ir_int(p, (i + 2) % 3);
        IrTerm left = MUL(val_at(s, &a->at[0], &j), val_at(s, &a->at[1], &k));
        IrTerm right = MUL(val_at(s, &a->at[0], &k), val_at(s, &a->at[1], &j));
        items[i] = val_scalar(SUB(left, right));
    }
    return val_array(s, items, 3, a->call->span);
}

/* (Σ |x|^n)^(1/n) over all elements; max |x| for n = ∞. */
static Val norm_of_order(Args *a) {
    Sema *s = a->s;
    double n;
    Val v = a->at[0];
    if (!val_ok(&a->at[1]) || a->at[1].rank || !sema_const_term(s, a->at[1].body, &n) || !(n >= 1)) {
        sema_error(s, DIAG_TYPE, args_span(a, 1),
                   "`norm(x, n)` needs a number n of at least 1, or `inf`, that is known before the program runs");
        return val_poison();
    }
    v.body = ir_op1(s->ir, IR_ABS, v.body);
    if (v.rank == 0) return v;
    if (n == INFINITY) return sema_reduce_whole(s, REDUCE_MAX, v, a->call->span);
    if (n > 1) v.body = ir_pow(s->ir, v.body, ir_real(s->ir, n));
    v = sema_reduce_whole(s, REDUCE_SUM, v, a->call->span);
    if (val_ok(&v) && n > 1) v.body = ir_pow(s->ir, v.body, ir_real(s->ir, 1 / n));
    return v;
}

/* √Σ x² over all elements: Euclidean or Frobenius */
Val matrix_norm(Args *a) {
    Sema *s = a->s;
    double order;
    if (!args_real(a, 0)) return val_poison();
    if (a->n == 2 && !(val_ok(&a->at[1]) && !a->at[1].rank && sema_const_term(s, a->at[1].body, &order) && order == 2))
        return norm_of_order(a);
    Val v = a->at[0];
    if (v.rank == 0) {
        v.body = ir_op1(s->ir, IR_ABS, v.body);
        return v;
    }
    v.body = ir_mul(s->ir, v.body, v.body);
    v = sema_reduce_whole(s, REDUCE_SUM, v, a->call->span);
    if (val_ok(&v)) v.body = ir_op1(s->ir, IR_SQRT, v.body);
    return v;
}

/* ---- square matrices ---- */

static bool square(Args *a, uint32_t k) {
    if (!args_rank(a, k, 2, "a matrix")) return false;
    if (val_extent(a->s, &a->at[k], 0) == val_extent(a->s, &a->at[k], 1)) return true;
    sema_error(a->s, DIAG_SHAPE, args_span(a, k), "`%s` needs a square matrix, and this is %s", a->name,
               sema_shape_text(a->s, &a->at[k]));
    return false;
}

Val matrix_trace(Args *a) {
    if (!square(a, 0)) return val_poison();
    Val v = a->at[0];
    IrIdx i = ir_fresh(a->s->ir, val_extent(a->s, &v, 0), 0);
    IrTerm at[2] = {ir_idx(a->s->ir, i), ir_idx(a->s->ir, i)};
    return val_scalar(ir_reduce(a->s->ir, IR_SUM, i, 0, val_at(a->s, &v, at)));
}

/* The diagonal of a matrix, or the matrix with the vector as its diagonal. */
Val matrix_diag(Args *a) {
    Sema *s = a->s;
    Val v = a->at[0];
    if (v.rank == 2) {
        if (!square(a, 0)) return val_poison();
        v = val_fresh_axes(s, &a->at[0]);
        IrTerm at[2] = {ir_idx(s->ir, v.axis[0].idx), ir_idx(s->ir, v.axis[0].idx)};
        v.body = val_at(s, &v, at);
        v.rank = 1;
        return v;
    }
    if (!args_rank(a, 0, 1, "a vector or a matrix")) return val_poison();
    v = val_fresh_axes(s, &a->at[0]);
    v.axis[1] = v.axis[0];
    v.axis[1].idx = ir_fresh(s->ir, val_extent(s, &v, 0), 0);
    v.rank = 2;
    v.body =
        ir_mul(s->ir, ir_bracket(s->ir, ir_idx(s->ir, v.axis[0].idx), ir_idx(s->ir, v.axis[1].idx)), v.body);
    return v;
}

Val matrix_identity(Args *a) {
    double n;
    if (a->at[0].rank || !sema_const_term(a->s, a->at[0].body, &n) || n < 1 || n != floor(n)) {
        sema_error(a->s, DIAG_EXTENT, args_span(a, 0),
                   "`identity` needs a positive integer that is known before the program "
                   "runs");
        return val_poison();
    }
    Val v = {.kind = VAL_TENSOR, .rank = 2};
    for (uint32_t k = 0; k < 2; k++)
        v.axis[k] = (Axis){.idx = ir_fresh(a->s->ir, (uint64_t)n, 0), .full = (uint64_t)n};
    v.body = ir_bracket(a->s->ir, ir_idx(a->s->ir, v.axis[0].idx), ir_idx(a->s->ir, v.axis[1].idx));
    return v;
}

Val matrix_transpose(Args *a) {
    if (!args_rank(a, 0, 2, "a matrix")) return val_poison();
    Val v = a->at[0];
    Axis first = v.axis[0];
    v.axis[0] = v.axis[1];
    v.axis[1] = first;
    return v;
}

/* ---- factorizations: whole definitions ---- */

IrDef matrix_def(Sema *s, const Val *v, Span span, Scope *scope, const char *name) {
    IrDef def = val_def(s, v, 0, span, scope);
    if (!def) {
        Diag *d = sema_error(s, DIAG_SHAPE, span,
                             "`%s` is of a whole matrix, and this one depends on an index of the "
                             "context",
                             name);
        sema_help(s, d, "take it out of the sum or the definition it stands in");
    }
    return def;
}

static bool is_lifted(Sema *s, const Val *v) {
    uint32_t n;
    const IrIdx *free = ir_set(s->ir, ir_node(s->ir, v->body)->free, &n);
    for (uint32_t k = 0; k < n; k++) {
        bool own = false;
        for (uint32_t a = 0; a < v->rank; a++) own = own || v->axis[a].idx == free[k];
        if (!own) return true;
    }
    return false;
}

/* The indices of the context that the values depend on. */
static uint32_t context_of(Sema *s, const Val *const *v, uint32_t n_v, IrIdx *out) {
    uint32_t n = 0;
    for (uint32_t j = 0; j < n_v; j++) {
        uint32_t n_free;
        const IrIdx *free = ir_set(s->ir, ir_node(s->ir, v[j]->body)->free, &n_free);
        for (uint32_t k = 0; k < n_free; k++) {
            bool known = false;
            for (uint32_t i = 0; i < v[j]->rank; i++) known = known || v[j]->axis[i].idx == free[k];
            for (uint32_t i = 0; i < n; i++) known = known || out[i] == free[k];
            if (!known && n < IR_MAX_RANK) out[n++] = free[k];
        }
    }
    return n;
}

/* One small matrix for each value of the indices of the context: a loop over each of them around the operation. */
static Val lifted(Args *a, IrLinalg fn, const Val *right) {
    Sema *s = a->s;
    IrProgram *p = s->ir;
    const Val *v[2] = {&a->at[0], right};
    IrIdx context[IR_MAX_RANK];
    IrTerm value[IR_MAX_RANK], at[2 * IR_MAX_RANK];
    IrScan loop[IR_MAX_RANK];
    IrDef operand[2] = {0}, made;
    uint32_t n = context_of(s, v, right ? 2 : 1, context);
    for (uint32_t k = 0; k < n; k++) {
        IrIndex index = *ir_index(p, context[k]);
        loop[k] = (IrScan){.count = index.extent};
        loop[k].counter = ir_counter(p, index.name, 0, (int64_t)index.extent - 1);
        value[k] = ir_read0(p, loop[k].counter);
    }
    for (uint32_t j = 0; j < (right ? 2u : 1u); j++) {
        Val one = val_to_real(s, *v[j]);
        one.body = ir_subst(p, one.body, context, value, n);
        operand[j] = matrix_def(s, &one, args_span(a, j), a->scope, a->name);
        if (!operand[j]) return val_poison();
    }
    made = ir_linalg(p, fn, operand[0], operand[1]);
    uint32_t rank = ir_def(p, made)->rank;
    if (rank + n > IR_MAX_RANK) {
        sema_error(s, DIAG_SHAPE, a->call->span, "`%s` depends on %u indices here, more than %d at once", a->name, rank + n,
                   IR_MAX_RANK);
        return val_poison();
    }
    for (uint32_t k = n; k-- > 0;) {
        loop[k].row = made;
        made = ir_scan(p, 0, &loop[k]);
        at[k] = ir_idx(p, context[k]);
    }
    Val out = {.kind = VAL_TENSOR, .rank = (uint8_t)rank};
    for (uint32_t k = 0; k < rank; k++) {
        uint64_t extent = ir_def(p, made)->extent[n + k];
        out.axis[k] = (Axis){.idx = ir_fresh(p, extent, 0), .full = extent};
        at[n + k] = ir_idx(p, out.axis[k].idx);
    }
    out.body = ir_read(p, made, at, n + rank);
    return out;
}

static Val linalg1(Args *a, IrLinalg fn) {
    if (!square(a, 0)) return val_poison();
    if (is_lifted(a->s, &a->at[0])) return lifted(a, fn, NULL);
    IrDef m = matrix_def(a->s, &a->at[0], args_span(a, 0), a->scope, a->name);
    return m ? val_read(a->s, ir_linalg(a->s->ir, fn, m, 0), NULL) : val_poison();
}

static Val linalg2(Args *a, IrLinalg fn) {
    Sema *s = a->s;
    if (!square(a, 0)) return val_poison();
    if (a->at[1].rank < 1 || a->at[1].rank > 2 ||
        val_extent(s, &a->at[1], 0) != val_extent(s, &a->at[0], 0)) {
        Diag *d = sema_error(s, DIAG_SHAPE, args_span(a, 1),
                             "`%s(A, b)` needs a vector or matrix of %llu rows here, and this "
                             "is %s",
                             a->name, (unsigned long long)val_extent(s, &a->at[0], 0),
                             sema_shape_text(s, &a->at[1]));
        sema_note(s, d, args_span(a, 0), "%s", sema_shape_text(s, &a->at[0]));
        return val_poison();
    }
    if (!args_real(a, 1)) return val_poison();
    if (is_lifted(s, &a->at[0]) || is_lifted(s, &a->at[1])) return lifted(a, fn, &a->at[1]);
    IrDef m = matrix_def(s, &a->at[0], args_span(a, 0), a->scope, a->name);
    IrDef b = m ? matrix_def(s, &a->at[1], args_span(a, 1), a->scope, a->name) : 0;
    return b ? val_read(s, ir_linalg(s->ir, fn, m, b), NULL) : val_poison();
}

Val matrix_cholesky(Args *a) { return linalg1(a, IR_CHOLESKY); }
Val matrix_inverse(Args *a) { return linalg1(a, IR_INVERSE); }
Val matrix_logdet(Args *a) { return linalg1(a, IR_LOGDET); }
Val matrix_solve(Args *a) { return linalg2(a, IR_SOLVE); }
Val matrix_solve_spd(Args *a) { return linalg2(a, IR_SOLVE_SPD); }
Val matrix_solve_lower(Args *a) { return linalg2(a, IR_SOLVE_LOWER); }

/* Up to 3×3 written out, of any sign; beyond, exp(logdet): positive determinants. */
Val matrix_det(Args *a) {
    Sema *s = a->s;
    IrProgram *p = s->ir;
    if (!square(a, 0)) return val_poison();
    uint64_t n = val_extent(s, &a->at[0], 0);
    if (n > 3) {
        Val v = linalg1(a, IR_LOGDET);
        if (val_ok(&v)) v.body = ir_op1(p, IR_EXP, v.body);
        return v;
    }
    args_define(a, 0);
    if (!val_ok(&a->at[0])) return val_poison();
    IrTerm m[3][3];
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t j = 0; j < n; j++) {
            IrTerm at[2] = {ir_int(p, (int64_t)i), ir_int(p, (int64_t)j)};
            m[i][j] = val_at(s, &a->at[0], at);
        }
    if (n == 1) return val_scalar(m[0][0]);
    if (n == 2) return val_scalar(SUB(MUL(m[0][0], m[1][1]), MUL(m[0][1], m[1][0])));
    IrTerm det = C(0);
    for (int j = 0; j < 3; j++) {
        int k = (j + 1) % 3, l = (j + 2) % 3;
        det = ADD(det, MUL(m[0][j], SUB(MUL(m[1][k], m[2][l]), MUL(m[1][l], m[2][k]))));
    }
    return val_scalar(det);
}

/* ---- singular values ---- */

/* A norm of singular values; the second argument stands for the polar factor of the first: how the dual is computed. */
static Val singular_norm(Args *a, IrLinalg fn) {
    Sema *s = a->s;
    if (!args_rank(a, 0, 2, "a matrix") || (a->n == 2 && !args_rank(a, 1, 2, "a matrix"))) return val_poison();
    IrDef m = matrix_def(s, &a->at[0], args_span(a, 0), a->scope, a->name), polar = 0;
    if (!m) return val_poison();
    if (a->n == 2 && !val_same_shape(s, &a->at[0], &a->at[1])) {
        Diag *d = sema_error(s, DIAG_SHAPE, args_span(a, 1),
                             "what stands for the polar factor in `%s(A, P)` is shaped like A, and this is %s", a->name,
                             sema_shape_text(s, &a->at[1]));
        sema_note(s, d, args_span(a, 0), "%s", sema_shape_text(s, &a->at[0]));
        return val_poison();
    }
    polar = a->n == 2 ? matrix_def(s, &a->at[1], args_span(a, 1), a->scope, a->name) : ir_linalg(s->ir, IR_POLAR, m, 0);
    return polar ? val_read(s, ir_linalg(s->ir, fn, m, polar), NULL) : val_poison();
}

Val matrix_spectral_norm(Args *a) { return singular_norm(a, IR_SPECTRAL); }
Val matrix_nuclear_norm(Args *a) { return singular_norm(a, IR_NUCLEAR); }

/* The orthogonal matrix nearest to A; of a matrix that is not square its rows, or columns, are orthonormal. */
Val matrix_polar(Args *a) {
    if (!args_rank(a, 0, 2, "a matrix")) return val_poison();
    IrDef m = matrix_def(a->s, &a->at[0], args_span(a, 0), a->scope, a->name);
    return m ? val_read(a->s, ir_linalg(a->s->ir, IR_POLAR, m, 0), NULL) : val_poison();
}
