/* builtin_tensor — built-in functions of whole tensors: softmax and its kin in stable form, conversions,
 * filled tensors. */
#include "builtin.h"

/* int(a / b) of integers, a not negative and b a positive constant: a division of integers, whose range as a
 * subscript is known. 0 when it is not of this form. */
static IrTerm integer_division(Args *a) {
    Sema *s = a->s;
    const Expr *e = a->call->call.args.at[0].value;
    if (e->kind != EXPR_BINARY || e->binary.op != BINARY_DIV) return 0;
    s->mute++;
    Val left = sema_expr(s, a->scope, e->binary.a), right = sema_expr(s, a->scope, e->binary.b);
    s->mute--;
    if (!val_ok(&left) || !val_ok(&right) || left.rank || right.rank) return 0;
    int64_t lo, hi;
    double divisor;
    bool integers = val_type(s, &left) == IR_INT && val_type(s, &right) == IR_INT;
    if (!integers || !ir_is_const(s->ir, right.body, &divisor) || divisor <= 0) return 0;
    if (!ir_int_range(s->ir, left.body, &lo, &hi) || lo < 0) return 0;
    return ir_op2(s->ir, IR_IDIV, left.body, right.body);
}

Val builtin_int(Args *a) {
    Val v = a->at[0];
    IrProgram *p = a->s->ir;
    IrTerm whole = integer_division(a);
    if (whole) return val_scalar(whole);
    IrType type = val_type(a->s, &v);
    if (type == IR_BOOL) v.body = ir_select(p, v.body, ir_int(p, 1), ir_int(p, 0));
    if (type == IR_REAL) v.body = ir_op1(p, IR_TO_INT, v.body);
    return v;
}

Val builtin_real(Args *a) { return val_to_real(a->s, a->at[0]); }

Val builtin_clamp(Args *a) {
    IrProgram *p = a->s->ir;
    for (uint32_t k = 0; k < 3; k++)
        if (!args_real(a, k)) return val_poison();
    if (a->at[1].rank || a->at[2].rank) {
        sema_error(a->s, DIAG_SHAPE, a->call->span, "the bounds of `clamp(x, low, high)` are numbers");
        return val_poison();
    }
    Val v = a->at[0];
    v.body = F2(MIN, F2(MAX, v.body, a->at[1].body), a->at[2].body);
    return v;
}

Val builtin_logsumexp_last(Sema *s, Val z, Span span, Scope *scope) {
    IrIdx idx = z.axis[z.rank - 1].idx;
    z.rank--;
    z.body = ir_reduce(s->ir, IR_LOGSUMEXP, idx, 0, z.body);
    return val_define(s, z, 0, span, scope);
}

static bool logits(Args *a, uint32_t k) {
    if (a->at[k].rank == 0) {
        sema_error(a->s, DIAG_SHAPE, args_span(a, k), "`%s` is of a vector, and this is a number", a->name);
        return false;
    }
    if (!args_real(a, k)) return false;
    args_define(a, k);
    return val_ok(&a->at[k]);
}

/* z[…, k] − logsumexp over k of z, the stable form of the logarithm of softmax. */
static Val log_softmax(Args *a, Val z) {
    Val lse = builtin_logsumexp_last(a->s, val_fresh_axes(a->s, &z), a->call->span, a->scope);
    if (!val_ok(&lse)) return lse;
    z.body = ir_sub(a->s->ir, z.body, val_aligned(a->s, &z, &lse));
    return z;
}

Val builtin_log_softmax(Args *a) { return logits(a, 0) ? log_softmax(a, a->at[0]) : val_poison(); }

Val builtin_softmax(Args *a) {
    if (!logits(a, 0)) return val_poison();
    Val z = log_softmax(a, a->at[0]);
    if (val_ok(&z)) z.body = ir_op1(a->s->ir, IR_EXP, z.body);
    return z;
}

/* z[…, label[…]]: the element of the last axis that the label says. */
Val builtin_pick(Sema *s, const Val *z, const Val *label, Span span) {
    Val out = *z;
    IrTerm at[IR_MAX_RANK];
    out.rank = (uint8_t)(z->rank - 1);
    for (uint32_t k = 0; k < out.rank; k++) at[k] = ir_idx(s->ir, z->axis[k].idx);
    at[out.rank] = sema_place(s, z, out.rank, val_aligned(s, &out, label), span);
    if (!at[out.rank]) return val_poison();
    out.body = val_at(s, z, at);
    return out;
}

static bool leading_shape(Sema *s, const Val *z, const Val *label) {
    if (label->rank + 1 != z->rank) return false;
    for (uint32_t k = 0; k < label->rank; k++)
        if (val_extent(s, z, k) != val_extent(s, label, k)) return false;
    return true;
}

/* cross_entropy(logits, label) = logsumexp(logits) − logits[label]; with probabilities in the place of the
 * label, Σ q (logsumexp(logits) − logits). */
Val builtin_cross_entropy(Args *a) {
    Sema *s = a->s;
    if (!logits(a, 0)) return val_poison();
    Val z = a->at[0], y = a->at[1];
    if (val_type(s, &y) == IR_INT && leading_shape(s, &z, &y)) {
        Val picked = builtin_pick(s, &z, &y, args_span(a, 1));
        Val lse = builtin_logsumexp_last(s, val_fresh_axes(s, &z), a->call->span, a->scope);
        if (!val_ok(&picked) || !val_ok(&lse)) return val_poison();
        picked.body = ir_sub(s->ir, val_aligned(s, &picked, &lse), picked.body);
        return picked;
    }
    if (val_same_shape(s, &z, &y) && val_type(s, &y) != IR_BOOL) {
        Val out = log_softmax(a, z);
        if (!val_ok(&out)) return out;
        IrTerm weight = ir_to_real(s->ir, val_aligned(s, &out, &y));
        out.body = ir_reduce(s->ir, IR_SUM, out.axis[out.rank - 1].idx, 0,
                             ir_mul(s->ir, weight, ir_neg(s->ir, out.body)));
        out.rank--;
        return out;
    }
    Diag *d =
        sema_error(s, DIAG_SHAPE, args_span(a, 1),
                   "`cross_entropy(logits, label)` needs an integer label or %s of "
                   "probabilities, and this is %s",
                   sema_shape_text(s, &z), y.rank ? sema_shape_text(s, &y) : sema_type_text(val_type(s, &y)));
    if (y.rank == 0 && val_type(s, &y) == IR_REAL)
        sema_help(s, d, "declare the label as int, or write `int(…)`");
    return val_poison();
}

static bool const_extent(Args *a, uint32_t k, uint64_t *extent) {
    double value;
    if (!val_ok(&a->at[k]) || a->at[k].rank || !sema_const_term(a->s, a->at[k].body, &value) || value < 1 ||
        value != floor(value)) {
        sema_error(a->s, DIAG_EXTENT, args_span(a, k),
                   "`%s` needs a positive integer here that is known before the program "
                   "runs",
                   a->name);
        return false;
    }
    *extent = (uint64_t)value;
    return true;
}

/* one_hot(label, K)[k] = 1 where k is the label. */
Val builtin_one_hot(Args *a) {
    Sema *s = a->s;
    uint64_t n;
    if (!const_extent(a, 1, &n)) return val_poison();
    Val v = a->at[0];
    if (val_type(s, &v) != IR_INT || v.rank == IR_MAX_RANK) {
        sema_error(s, DIAG_TYPE, args_span(a, 0), "`one_hot` is of an integer, and this is %s",
                   sema_type_text(val_type(s, &v)));
        return val_poison();
    }
    v.axis[v.rank] = (Axis){.idx = ir_fresh(s->ir, n, 0), .full = n};
    v.body = ir_bracket(s->ir, ir_idx(s->ir, v.axis[v.rank].idx), v.body);
    v.rank++;
    return v;
}

/* Mean of the squared distance from the mean, over all elements. */
Val builtin_variance(Args *a) {
    Sema *s = a->s;
    if (a->at[0].rank == 0) {
        sema_error(s, DIAG_SHAPE, args_span(a, 0), "`variance` is of a tensor, and this is a number");
        return val_poison();
    }
    if (!args_real(a, 0)) return val_poison();
    args_define(a, 0);
    Val v = a->at[0];
    Val mean = sema_reduce_whole(s, REDUCE_MEAN, val_fresh_axes(s, &v), a->call->span);
    mean = val_define(s, mean, 0, a->call->span, a->scope);
    if (!val_ok(&v) || !val_ok(&mean)) return val_poison();
    IrTerm from = ir_sub(s->ir, v.body, mean.body);
    v.body = ir_mul(s->ir, from, from);
    return sema_reduce_whole(s, REDUCE_MEAN, v, a->call->span);
}

/* length(x): the number of elements; length(x, k): along the k-th axis, from 0. */
Val builtin_length(Args *a) {
    double axis = 0;
    if (a->n == 2 && (a->at[1].rank || !sema_const_term(a->s, a->at[1].body, &axis))) {
        sema_error(a->s, DIAG_CONST_NEEDED, args_span(a, 1),
                   "the axis must be known before the program runs");
        return val_poison();
    }
    if (axis < 0 || axis >= a->at[0].rank) {
        sema_error(a->s, DIAG_SHAPE, args_span(a, 0), "%s has no axis %g", sema_shape_text(a->s, &a->at[0]),
                   axis);
        return val_poison();
    }
    uint64_t n = 1;
    for (uint32_t k = 0; k < a->at[0].rank; k++)
        if (a->n == 1 || k == (uint32_t)axis) n *= val_extent(a->s, &a->at[0], k);
    return val_int(a->s, (int64_t)n);
}

/* cumsum(x)[i] = sum of x[0 .. i] */
Val builtin_cumsum(Args *a) {
    Sema *s = a->s;
    if (!args_rank(a, 0, 1, "a vector")) return val_poison();
    args_define(a, 0);
    Val v = a->at[0], inner = val_fresh_axes(s, &v);
    IrTerm guard = ir_op2(s->ir, IR_LE, ir_idx(s->ir, inner.axis[0].idx), ir_idx(s->ir, v.axis[0].idx));
    v.body = ir_reduce(s->ir, IR_SUM, inner.axis[0].idx, guard, inner.body);
    return v;
}

static Val filled(Args *a, double value) {
    Val v = val_real(a->s, value);
    for (uint32_t k = 0; k < a->n; k++) {
        uint64_t extent;
        if (!const_extent(a, k, &extent)) return val_poison();
        v.axis[k] = (Axis){.idx = ir_fresh(a->s->ir, extent, 0), .full = extent};
    }
    v.rank = (uint8_t)a->n;
    return v;
}

Val builtin_zeros(Args *a) { return filled(a, 0); }
Val builtin_ones(Args *a) { return filled(a, 1); }
