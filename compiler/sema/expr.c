/* expr — expressions to values: names, literals, operators, conditions, blocks. Needs scopes; gives Vals over
 * the indices in force; poisons what is wrong and goes on. */
#include "internal.h"

#define MAX_NESTING 900
#define MAX_CHAIN 1000

static Val lower_name(Sema *s, Scope *scope, const Expr *e) {
    Ent *ent = scope_find(s, scope, e->name.name);
    if (!ent) {
        const char *name = sema_name(s, e->name.name);
        if (builtin_find(name)) {
            Diag *d =
                sema_error(s, DIAG_NAME_KIND, e->span, "`%s` is a function and needs its arguments", name);
            sema_help(s, d, "write `%s(…)`", name);
        } else {
            scope_unknown(s, scope, e->name.name, e->span, "name", DIAG_UNKNOWN_NAME);
        }
        return val_poison();
    }
    switch (ent->kind) {
    case ENT_FN:
    case ENT_SYSTEM:
    case ENT_DYNAMICS:
    case ENT_RUN:
    case ENT_FLOW: {
        Diag *d = sema_error(s, DIAG_NAME_KIND, e->span, "`%s` is %s, and a value is needed here",
                             sema_name(s, ent->name), sema_ent_kind_text(ent));
        sema_note(s, d, ent->span, "declared here");
        if (ent->kind == ENT_FN) sema_help(s, d, "write `%s(…)` to call it", sema_name(s, ent->name));
        return val_poison();
    }
    case ENT_CONST:
    case ENT_DATA:
    case ENT_VAR:
    case ENT_LET:
    case ENT_STATE:
    case ENT_EXTENT:
    case ENT_VALUE: break;
    }
    return sema_ent_value(s, ent, e->span);
}

static Val lower_number(Sema *s, const Expr *e) {
    if (e->number.is_int && fabs(e->number.value) < 9007199254740992.0)
        return val_int(s, (int64_t)e->number.value);
    return val_real(s, e->number.value);
}

static Val lower_array(Sema *s, Scope *scope, const Expr *e) {
    uint32_t n = e->array.items.n;
    if (n == 0) {
        sema_error(s, DIAG_SHAPE, e->span, "an array has at least one element");
        return val_poison();
    }
    Val *items = base_calloc(n, sizeof *items);
    bool ok = true;
    for (uint32_t k = 0; k < n; k++) {
        const Expr *item = e->array.items.at[k];
        items[k] = sema_expr(s, scope, item);
        if (items[k].kind == VAL_POISON) {
            ok = false;
        } else if (!val_ok(&items[k]) || items[k].rank + 1 > IR_MAX_RANK) {
            sema_error(s, DIAG_TYPE, item->span, "the elements of an array are numbers, and this is %s",
                       sema_shape_text(s, &items[k]));
            ok = false;
        } else if (ok && !val_same_shape(s, &items[0], &items[k])) {
            Diag *d = sema_error(s, DIAG_SHAPE, item->span,
                                 "the elements of an array have one shape, but this is %s and "
                                 "the first is %s",
                                 sema_shape_text(s, &items[k]), sema_shape_text(s, &items[0]));
            sema_note(s, d, e->array.items.at[0]->span, "%s", sema_shape_text(s, &items[0]));
            ok = false;
        } else if (ok && (val_type(s, &items[0]) == IR_BOOL) != (val_type(s, &items[k]) == IR_BOOL)) {
            sema_error(s, DIAG_TYPE, item->span,
                       "the elements of an array are all numbers or all true or false");
            ok = false;
        }
    }
    Val out = ok ? val_array(s, items, n, e->span) : val_poison();
    free(items);
    return out;
}

/* Whatever follows sema may recurse over terms, so a chain of operators is not one term however long it is: what
 * stands so far becomes a definition every MAX_CHAIN operators. It is the same arithmetic in the same order.
 * Not under a condition, where the parts may be meaningless without it. */
static Val name_part(Sema *s, Scope *scope, const Expr *node, Val v) {
    s->mute++; /* where it depends on too many indices for a definition it stays a term */
    Val named = val_define(s, v, 0, node->span, scope);
    s->mute--;
    return val_ok(&named) ? named : v;
}

/* a op b op c …: left-deep trees of any length, without recursion. */
static Val lower_binary(Sema *s, Scope *scope, const Expr *e) {
    VEC(const Expr *) spine = {0};
    Span whole = e->span;
    for (; e->kind == EXPR_BINARY; e = e->binary.a) vec_push(&spine, e);
    if (s->guarded && spine.n > 2 * MAX_CHAIN) {
        Diag *d = sema_error(s, DIAG_NESTING, whole, "more than %d operators in a row under a condition",
                             2 * MAX_CHAIN);
        sema_help(s, d, "give parts of it a name with `let`");
        vec_free(&spine);
        return val_poison();
    }
    uint32_t since = 0;
    Val v = sema_expr(s, scope, e);
    while (spine.n) {
        const Expr *node = vec_pop(&spine);
        bool first = node->binary.op == BINARY_AND || node->binary.op == BINARY_OR; /* the right side stands under the left */
        if (first) sema_assume(s, &v, node->binary.op == BINARY_AND);
        Val right = sema_expr(s, scope, node->binary.b);
        if (first) sema_forget(s);
        Span sa = node->binary.a->span, sb = node->binary.b->span;
        v = node->binary.op == BINARY_MATMUL ? sema_matmul(s, scope, node->span, v, right, sa, sb)
                                             : sema_binary(s, node->binary.op, node->span, v, right, sa, sb);
        if (++since < MAX_CHAIN || s->guarded || !spine.n) continue;
        v = name_part(s, scope, node, v);
        since = 0;
    }
    vec_free(&spine);
    return v;
}

static Val lower_unary(Sema *s, Scope *scope, const Expr *e) {
    Val a = sema_expr(s, scope, e->unary.a);
    if (a.kind == VAL_POISON) return a;
    if (e->unary.op == UNARY_NEG) return sema_negate(s, e->span, a);
    if (!val_ok(&a) || val_type(s, &a) != IR_BOOL) {
        sema_error(s, DIAG_TYPE, e->unary.a->span, "`not` needs a condition, and this is %s",
                   val_ok(&a) ? sema_type_text(val_type(s, &a)) : sema_shape_text(s, &a));
        return val_poison();
    }
    a.body = ir_op1(s->ir, IR_NOT, a.body);
    return a;
}

static Val join_branches(Sema *s, const Expr *e, Val c, Val a, Val b) {
    if (!val_ok(&a) || !val_ok(&b)) {
        if (a.kind != VAL_POISON && b.kind != VAL_POISON)
            sema_error(s, DIAG_TYPE, e->span, "the branches of `if` are numbers, and these are %s and %s",
                       sema_shape_text(s, &a), sema_shape_text(s, &b));
        return val_poison();
    }
    if ((val_type(s, &a) == IR_BOOL) != (val_type(s, &b) == IR_BOOL)) {
        sema_error(s, DIAG_TYPE, e->cond.other->span,
                   "the branches of `if` have one type, and these are %s and %s",
                   sema_type_text(val_type(s, &a)), sema_type_text(val_type(s, &b)));
        return val_poison();
    }
    Val shape = c.rank ? c : a.rank ? a : b;
    const Val *all[] = {&c, &a, &b};
    for (uint32_t k = 0; k < 3; k++) {
        if (all[k]->rank == 0 || val_same_shape(s, &shape, all[k])) continue;
        Diag *d = sema_error(s, DIAG_SHAPE, e->span,
                             "condition and branches of `if` have equal shapes or are numbers, "
                             "and these are %s and %s",
                             sema_shape_text(s, &shape), sema_shape_text(s, all[k]));
        sema_note(s, d, k == 1 ? e->cond.then->span : e->cond.other->span, "%s", sema_shape_text(s, all[k]));
        return val_poison();
    }
    IrTerm ta = val_aligned(s, &shape, &a), tb = val_aligned(s, &shape, &b);
    if (val_type(s, &a) != val_type(s, &b)) {
        ta = ir_to_real(s->ir, ta);
        tb = ir_to_real(s->ir, tb);
    }
    shape.open_shape = shape.rank == 0 && (a.open_shape || b.open_shape);
    shape.body = ir_select(s->ir, val_aligned(s, &shape, &c), ta, tb);
    return shape;
}

static Val lower_if(Sema *s, Scope *scope, const Expr *e) {
    Val c = sema_expr(s, scope, e->cond.cond);
    sema_assume(s, &c, true);
    Val a = sema_expr(s, scope, e->cond.then);
    sema_forget(s);
    sema_assume(s, &c, false);
    Val b = sema_expr(s, scope, e->cond.other);
    sema_forget(s);
    if (c.kind == VAL_POISON) return c;
    if (!val_ok(&c) || val_type(s, &c) != IR_BOOL) {
        Diag *d = sema_error(s, DIAG_TYPE, e->cond.cond->span, "`if` needs a condition, and this is %s",
                             val_ok(&c) ? sema_type_text(val_type(s, &c)) : sema_shape_text(s, &c));
        if (val_ok(&c))
            sema_help(s, d, "compare it: `if %s > 0 then …`", sema_span_text(s, e->cond.cond->span));
        return val_poison();
    }
    return join_branches(s, e, c, a, b);
}

static Val lower_range(Sema *s, Scope *scope, const Expr *e) {
    Val v = {.kind = VAL_RANGE};
    bool ok = sema_const_int(s, scope, e->range.lo, &v.lo, "the start of a range");
    ok = sema_const_int(s, scope, e->range.hi, &v.hi, "the end of a range") && ok;
    return ok ? v : val_poison();
}

/* The definitions of a function's block, in a scope of their own. */
static Scope *lower_lets(Sema *s, Scope *scope, const Expr *e) {
    Scope *inner = scope_new(s, SCOPE_LOCAL, scope);
    for (uint32_t k = 0; k < e->block.lets.n; k++) {
        const Stmt *st = e->block.lets.at[k];
        if (st->kind != STMT_DECLARE) continue;
        for (uint32_t d = 0; d < st->declare.n; d++) {
            const Declarator *decl = &st->declare.at[d];
            if (st->declare.kind != DECL_LET && st->declare.kind != DECL_CONST) {
                sema_error(s, DIAG_NOT_HERE, decl->span, "only `let` can stand inside a function");
                continue;
            }
            Val v = sema_let(s, inner, decl, true);
            scope_bind(s, inner, decl->name, decl->name_span, v);
        }
    }
    return inner;
}

static Val lower_block(Sema *s, Scope *scope, const Expr *e) {
    Scope *inner = lower_lets(s, scope, e);
    return e->block.value ? sema_expr(s, inner, e->block.value) : val_poison();
}

Val sema_fn_result(Sema *s, Scope *scope, const Stmt *fn) {
    const Expr *value = fn->fn.body;
    if (!fn->fn.has_axes) return sema_expr(s, scope, value);
    if (value->kind == EXPR_BLOCK) {
        scope = lower_lets(s, scope, value);
        value = value->block.value;
    }
    const Declarator result = {.span = fn->span,
                               .name = fn->fn.name,
                               .name_span = fn->fn.name_span,
                               .has_axes = true,
                               .axes = fn->fn.axes,
                               .init = (Expr *)value};
    return value ? sema_let(s, scope, &result, true) : val_poison();
}

static Val lower_transpose(Sema *s, Scope *scope, const Expr *e) {
    Val v = sema_expr(s, scope, e->transpose.of);
    if (v.kind == VAL_POISON) return v;
    if (!val_ok(&v) || v.rank != 2) {
        Diag *d = sema_error(s, DIAG_SHAPE, e->span, "`^T` transposes a matrix, and this is %s",
                             sema_shape_text(s, &v));
        if (val_ok(&v) && v.rank == 1)
            sema_help(s, d, "a vector needs no transposing: `a @ b` is the inner product");
        return val_poison();
    }
    Axis first = v.axis[0];
    v.axis[0] = v.axis[1];
    v.axis[1] = first;
    return v;
}

static Val dispatch(Sema *s, Scope *scope, const Expr *e) {
    switch (e->kind) {
    case EXPR_NUMBER: return lower_number(s, e);
    case EXPR_STRING: return (Val){.kind = VAL_STRING, .text = e->string.text};
    case EXPR_BOOL: return val_scalar(ir_bool(s->ir, e->boolean.value));
    case EXPR_NAME: return lower_name(s, scope, e);
    case EXPR_PRIME: return sema_prime(s, scope, e);
    case EXPR_ARRAY: return lower_array(s, scope, e);
    case EXPR_UNARY: return lower_unary(s, scope, e);
    case EXPR_BINARY: return lower_binary(s, scope, e);
    case EXPR_SUBSCRIPT: return sema_subscript(s, scope, e);
    case EXPR_CALL: return sema_call(s, scope, e);
    case EXPR_REDUCE: return sema_reduce(s, scope, e);
    case EXPR_TRANSPOSE: return lower_transpose(s, scope, e);
    case EXPR_IF: return lower_if(s, scope, e);
    case EXPR_DRAW: return sema_draw(s, scope, e);
    case EXPR_BLOCK: return lower_block(s, scope, e);
    case EXPR_RANGE: return lower_range(s, scope, e);
    case EXPR_FIELD: return sema_field(s, e);
    case EXPR_ERROR:
    case EXPR_COUNT: break;
    }
    return val_poison();
}

Val sema_expr(Sema *s, Scope *scope, const Expr *e) {
    if (!e) return val_poison();
    if (s->depth > MAX_NESTING) {
        sema_error(s, DIAG_NESTING, e->span, "expressions are nested more than %d deep here", MAX_NESTING);
        return val_poison();
    }
    s->depth++;
    Span before = ir_at(s->ir, e->span);
    Val v = dispatch(s, scope, e);
    ir_at(s->ir, before);
    s->depth--;
    return v;
}

Val sema_real_expr(Sema *s, Scope *scope, const Expr *e) {
    Val v = sema_expr(s, scope, e);
    if (v.kind == VAL_POISON) return v;
    if (!val_ok(&v)) {
        sema_error(s, DIAG_TYPE, e->span, "a number is needed, and this is %s", sema_shape_text(s, &v));
        return val_poison();
    }
    if (val_type(s, &v) == IR_BOOL) {
        Diag *d = sema_error(s, DIAG_TYPE, e->span, "a number is needed, and this is true or false");
        sema_help(s, d, "write `if … then 1 else 0`");
        return val_poison();
    }
    return val_to_real(s, v);
}
