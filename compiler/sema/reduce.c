/* reduce — sum, prod, mean, max, min, logsumexp, argmax, argmin, any, all: over bound indices with a guard,
 * or over a whole tensor. Needs: the ranges of the indices. Gives: reductions of the IR, a mean as a sum
 * divided by the number of its terms. */
#include "internal.h"

#define MAX_BINDERS 8

static IrOp reduce_op(ReduceOp op) {
    switch (op) {
    case REDUCE_SUM:
    case REDUCE_MEAN: return IR_SUM;
    case REDUCE_PROD: return IR_PROD;
    case REDUCE_MAX: return IR_MAXIMUM;
    case REDUCE_MIN: return IR_MINIMUM;
    case REDUCE_LOGSUMEXP: return IR_LOGSUMEXP;
    case REDUCE_ARGMAX: return IR_ARGMAX;
    case REDUCE_ARGMIN: return IR_ARGMIN;
    case REDUCE_ANY: return IR_ANY;
    case REDUCE_ALL: return IR_ALL;
    }
    return IR_SUM;
}

static const char *reduce_text(ReduceOp op) {
    static const char *const text[] = {"sum",       "prod",   "max",    "min", "mean",
                                       "logsumexp", "argmax", "argmin", "any", "all"};
    return text[op];
}

static bool is_logic(ReduceOp op) { return op == REDUCE_ANY || op == REDUCE_ALL; }
static bool is_arg(ReduceOp op) { return op == REDUCE_ARGMAX || op == REDUCE_ARGMIN; }

/* Reduces over idx[0..n-1], the last innermost; a guard stands at the innermost index it speaks of. */
static IrTerm close_all(Sema *s, ReduceOp op, const IrIdx *idx, uint32_t n, IrTerm guard, IrTerm body) {
    uint32_t at = 0;
    for (uint32_t k = 0; k < n && guard; k++)
        if (ir_uses_index(s->ir, guard, idx[k])) at = k;
    for (uint32_t k = n; k-- > 0;) body = ir_reduce(s->ir, reduce_op(op), idx[k], k == at ? guard : 0, body);
    return body;
}

static IrTerm mean_of(Sema *s, const IrIdx *idx, uint32_t n, IrTerm guard, IrTerm body) {
    IrTerm total = close_all(s, REDUCE_SUM, idx, n, guard, body);
    double size = 1;
    for (uint32_t k = 0; k < n; k++) size *= (double)ir_index(s->ir, idx[k])->extent;
    IrTerm count = ir_real(s->ir, size);
    if (guard) count = close_all(s, REDUCE_SUM, idx, n, 0, ir_to_real(s->ir, guard));
    return ir_div(s->ir, total, count);
}

/* The body's type as the reduction wants it; 0 after an error. */
static IrTerm typed_body(Sema *s, ReduceOp op, IrTerm body, Span span) {
    IrType type = (IrType)ir_node(s->ir, body)->type;
    if (is_logic(op)) {
        if (type == IR_BOOL) return body;
        sema_error(s, DIAG_TYPE, span, "`%s` is over conditions, and this is %s", reduce_text(op),
                   sema_type_text(type));
        return 0;
    }
    if (type == IR_BOOL && op == REDUCE_SUM) /* how many, */
        return ir_select(s->ir, body, ir_int(s->ir, 1), ir_int(s->ir, 0));
    if (type == IR_BOOL && op == REDUCE_MEAN) /* and what share of them, are true */
        return ir_to_real(s->ir, body);
    if (type == IR_BOOL) {
        Diag *d = sema_error(s, DIAG_TYPE, span, "`%s` is over numbers, and this is true or false",
                             reduce_text(op));
        sema_help(s, d, "use `any` or `all`, or `sum` or `mean` to count");
        return 0;
    }
    bool integer =
        type == IR_INT && (op == REDUCE_SUM || op == REDUCE_PROD || op == REDUCE_MAX || op == REDUCE_MIN);
    return integer ? body : ir_to_real(s->ir, body);
}

static Val apply(Sema *s, ReduceOp op, const IrIdx *idx, uint32_t n, IrTerm guard, Val v, Span span) {
    v.body = typed_body(s, op, v.body, span);
    if (!v.body) return val_poison();
    v.body = op == REDUCE_MEAN ? mean_of(s, idx, n, guard, v.body) : close_all(s, op, idx, n, guard, v.body);
    return v;
}

Val sema_reduce_whole(Sema *s, ReduceOp op, Val v, Span span) {
    if (v.kind == VAL_POISON || v.open_shape) return v;
    if (!val_ok(&v) || (v.rank == 0 && !is_logic(op))) {
        Diag *d = sema_error(s, DIAG_SHAPE, span, "`%s` reduces a whole tensor, and this is %s",
                             reduce_text(op), sema_shape_text(s, &v));
        sema_help(s, d, "name the index it runs over: `%s[i](…)`", reduce_text(op));
        return val_poison();
    }
    if (is_arg(op) && v.rank != 1) {
        sema_error(s, DIAG_SHAPE, span, "`%s` finds one position, and this is %s", reduce_text(op),
                   sema_shape_text(s, &v));
        return val_poison();
    }
    IrIdx idx[IR_MAX_RANK] = {0};
    for (uint32_t k = 0; k < v.rank; k++) idx[k] = v.axis[k].idx;
    uint32_t n = v.rank;
    int64_t lo = n ? v.axis[0].lo : 0;
    v.rank = 0;
    v = apply(s, op, idx, n, 0, v, span);
    if (val_ok(&v) && is_arg(op) && lo) v.body = ir_add(s->ir, v.body, ir_int(s->ir, lo));
    return v;
}

static IrTerm lower_guard(Sema *s, Scope *scope, const Expr *e, bool *ok) {
    if (!e) return 0;
    Val v = sema_expr(s, scope, e);
    if (val_ok(&v) && v.rank == 0 && val_type(s, &v) == IR_BOOL) return v.body;
    if (v.kind != VAL_POISON)
        sema_error(s, DIAG_TYPE, e->span, "a guard is a condition, and this is %s",
                   val_ok(&v) && !v.rank ? sema_type_text(val_type(s, &v)) : sema_shape_text(s, &v));
    *ok = false;
    return 0;
}

static Val reduce_bound(Sema *s, Scope *scope, const Expr *e, const IndexVar *vars, uint32_t n) {
    Scope *inner = scope_new(s, SCOPE_LOCAL, scope);
    IrIdx idx[MAX_BINDERS] = {0};
    for (uint32_t k = 0; k < n; k++) idx[k] = index_enter(s, inner, &vars[k]);
    bool ok = true;
    IrTerm guard = lower_guard(s, inner, e->reduce.guard, &ok);
    if (guard) vec_push(&s->conditions, guard);
    Val v = sema_expr(s, inner, e->reduce.body);
    if (guard) sema_forget(s);
    index_leave(s, n);
    if (v.kind == VAL_POISON || !ok) return val_poison();
    if (!val_ok(&v)) {
        sema_error(s, DIAG_TYPE, e->reduce.body->span, "`%s` is over numbers, and this is %s",
                   reduce_text(e->reduce.op), sema_shape_text(s, &v));
        return val_poison();
    }
    v = apply(s, e->reduce.op, idx, n, guard, v, e->reduce.body->span);
    if (val_ok(&v) && is_arg(e->reduce.op) && vars[0].list)
        v.body = val_at(s, vars[0].list, &v.body);
    else if (val_ok(&v) && is_arg(e->reduce.op) && vars[0].lo)
        v.body = ir_add(s->ir, v.body, ir_int(s->ir, vars[0].lo));
    return v;
}

/* `mean[copy](θ)`: over the copies of a run, when all have ended. */
static Val reduce_copies(Sema *s, Scope *scope, const Expr *e) {
    bool ok = true;
    IrIdx copy = 0;
    Val guard = val_poison(), v = sema_expr(s, scope, e->reduce.body);
    if (e->reduce.guard) {
        guard = val_scalar(lower_guard(s, scope, e->reduce.guard, &ok));
        if (ok) guard = copies_gather(s, guard, e->reduce.guard->span, &copy);
    }
    v = copies_gather(s, v, e->reduce.body->span, &copy);
    if (!ok || !val_ok(&v) || (e->reduce.guard && !val_ok(&guard))) return val_poison();
    return apply(s, e->reduce.op, &copy, 1, e->reduce.guard ? guard.body : 0, v, e->reduce.body->span);
}

Val sema_reduce(Sema *s, Scope *scope, const Expr *e) {
    uint32_t n = e->reduce.binders.n;
    if (copies_is_reduction(s, scope, e)) return reduce_copies(s, scope, e);
    if (n == 0) return sema_reduce_whole(s, e->reduce.op, sema_expr(s, scope, e->reduce.body), e->span);
    if (n > MAX_BINDERS) {
        sema_error(s, DIAG_INDEX_BINDER, e->span, "a reduction binds at most %d indices", MAX_BINDERS);
        return val_poison();
    }
    if (is_arg(e->reduce.op) && n != 1) {
        sema_error(s, DIAG_INDEX_BINDER, e->span, "`%s` runs over one index", reduce_text(e->reduce.op));
        return val_poison();
    }
    IndexVar vars[MAX_BINDERS];
    index_vars(s, scope, e->reduce.binders.at, n, vars);
    bool ok = true;
    for (uint32_t k = 0; k < n; k++) {
        if (!e->reduce.binders.at[k].name) {
            Diag *d = sema_error(s, DIAG_INDEX_BINDER, e->reduce.binders.at[k].span,
                                 "`%s` needs the name of an index here", reduce_text(e->reduce.op));
            sema_help(s, d, "write `%s[i : N](…)`", reduce_text(e->reduce.op));
            vars[k].bad = true;
        }
        ok = ok && !vars[k].bad;
    }
    if (!ok) return val_poison();
    const Expr *roots[2] = {e->reduce.body, e->reduce.guard};
    if (!index_infer(s, scope, vars, n, roots, e->reduce.guard ? 2 : 1)) return val_poison();
    return reduce_bound(s, scope, e, vars, n);
}
