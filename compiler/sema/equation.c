/* equation — values given by an equation: stationary(f, x) and root(r, x). Both put an unknown in the place of x, and
 * start Newton's method from the value x has. */
#include "internal.h"

/* Element number of subscripts `at` in a tensor shaped like x. */
static IrTerm place_in(Sema *s, const Variable *x, const IrTerm *at) {
    IrTerm place = ir_int(s->ir, 0);
    for (uint32_t k = 0; k < x->rank; k++) {
        IrTerm extent = ir_int(s->ir, (int64_t)ir_def(s->ir, x->def)->extent[k]);
        place = ir_add(s->ir, ir_mul(s->ir, place, extent), at[k]);
    }
    return place;
}

/* Tensor d, shaped like x, as a vector in double precision: what an equation is made of. */
static IrDef raveled(Sema *s, const Variable *x, IrDef d) {
    IrTerm at[IR_MAX_RANK];
    IrIdx i = ir_fresh(s->ir, ir_size(s->ir, x->def), 0);
    IrTerm place = ir_idx(s->ir, i);
    for (uint32_t k = x->rank; k-- > 0;) {
        IrTerm extent = ir_int(s->ir, (int64_t)ir_def(s->ir, x->def)->extent[k]);
        at[k] = k ? ir_op2(s->ir, IR_IMOD, place, extent) : place;
        place = ir_op2(s->ir, IR_IDIV, place, extent);
    }
    return ir_define(s->ir, 0, IR_F64, &i, 1, ir_read(s->ir, d, at, x->rank));
}

/* Vector u as a tensor shaped like x. */
static IrDef shaped(Sema *s, const Variable *x, IrDef u) {
    IrIdx axes[IR_MAX_RANK];
    IrTerm at[IR_MAX_RANK];
    for (uint32_t k = 0; k < x->rank; k++) {
        axes[k] = ir_fresh(s->ir, ir_def(s->ir, x->def)->extent[k], ir_axis_name(s->ir, x->def, k));
        at[k] = ir_idx(s->ir, axes[k]);
    }
    IrTerm place = place_in(s, x, at);
    return ir_define(s->ir, 0, IR_F64, axes, x->rank, ir_read(s->ir, u, &place, 1));
}

/* The x with residual(x) = 0, where the residual is a definition that reads `part`, the unknown shaped like x. */
static Val solved(Sema *s, const Variable *x, IrDef unknown, IrDef part, IrDef residual, Span span) {
    Span before = ir_at(s->ir, span);
    IrPiece piece = {part, {0, 0}};
    IrDef root = residual ? calc_root(s->ir, 0, unknown, raveled(s, x, residual), raveled(s, x, x->def), &piece, 1) : 0;
    Val v = root ? val_read(s, shaped(s, x, root), &x->val) : val_poison();
    ir_at(s->ir, before);
    if (!root && s->session->n_errors == s->errors_at_derivative)
        sema_error(s, DIAG_NO_DERIVATIVE, span, "this equation has no derivative");
    return v;
}

/* The arguments of `name(f, x)`: f, and the whole x that it is solved for. */
static bool arguments(Sema *s, Scope *scope, const Expr *call, Val *f, Variable *x) {
    const char *name = sema_name(s, call->call.callee->name.name);
    if (call->call.args.n != 2) {
        sema_error(s, DIAG_ARG_COUNT, call->span, "`%s` is written %s(f, x)", name, name);
        return false;
    }
    const Expr *unknown = call->call.args.at[1].value;
    *f = sema_real_expr(s, scope, call->call.args.at[0].value);
    if (!sema_variable(s, scope, unknown, x) || !val_ok(f)) return false;
    if (!x->whole) {
        Diag *d = sema_error(s, DIAG_SHAPE, unknown->span, "an equation is solved for the whole of what it is solved for, "
                                                             "and this is a part of it");
        sema_help(s, d, "give the part a name with `let`, and use the name in both places");
        return false;
    }
    s->errors_at_derivative = s->session->n_errors;
    return true;
}

/* f with `part` in the place of x, as a definition. */
static IrDef with_unknown(Sema *s, Scope *scope, const Val *f, const Variable *x, IrDef part, Span span) {
    Val g = *f;
    IrReplace replace = {.from = x->def, .to = part};
    g.body = ir_replace(s->ir, f->body, &replace, 1);
    IrDef d = val_def(s, &g, 0, span, scope);
    if (!d)
        sema_error(s, DIAG_SHAPE, span, "an equation cannot depend on indices from outside of it");
    return d;
}

Val sema_stationary(Sema *s, Scope *scope, const Expr *call) {
    Val f;
    Variable x;
    Span span = call->call.args.at[0].value->span;
    if (!arguments(s, scope, call, &f, &x)) return val_poison();
    if (f.rank) {
        sema_error(s, DIAG_SHAPE, span, "`stationary(f, x)` needs a number f, and this is %s", sema_shape_text(s, &f));
        return val_poison();
    }
    IrDef unknown = ir_unknown(s->ir, 0, ir_size(s->ir, x.def)), part = shaped(s, &x, unknown), gradient = 0;
    IrDef value = with_unknown(s, scope, &f, &x, part, span);
    if (!value) return val_poison();
    if (!calc_gradient(s->ir, ir_read0(s->ir, value), &part, 1, &gradient)) gradient = 0;
    return solved(s, &x, unknown, part, gradient, call->span);
}

Val sema_root(Sema *s, Scope *scope, const Expr *call) {
    Val r;
    Variable x;
    Span span = call->call.args.at[0].value->span;
    if (!arguments(s, scope, call, &r, &x)) return val_poison();
    if (!val_same_shape(s, &r, &x.val)) {
        sema_error(s, DIAG_SHAPE, span, "`root(r, x)` needs as many equations as unknowns: r is %s, and x is %s",
                   sema_shape_text(s, &r), sema_shape_text(s, &x.val));
        return val_poison();
    }
    IrDef unknown = ir_unknown(s->ir, 0, ir_size(s->ir, x.def)), part = shaped(s, &x, unknown);
    return solved(s, &x, unknown, part, with_unknown(s, scope, &r, &x, part, span), call->span);
}
