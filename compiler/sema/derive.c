/* derive — derivatives as terms: total time derivatives, grad, hess, jvp, vjp. Needs elaborated values; gives
 * values built by calculus, whose messages stand at the user's lines. */
#include "internal.h"

static Val no_derivative(Sema *s, Span span) {
    if (s->session->n_errors == s->errors_at_derivative)
        sema_error(s, DIAG_NO_DERIVATIVE, span, "this has no derivative");
    return val_poison();
}

/* ---- total time derivative ---- */

typedef struct Seeds {
    VEC(CalcSeed) all;
} Seeds;

static bool add_motion(Sema *s, IrTerm t, IrDef q, IrDef v, Name name, Span span, Seeds *seeds) {
    if (v && ir_depends(s->ir, t, v)) {
        Diag *d = sema_error(s, DIAG_NO_DERIVATIVE, span,
                             "this needs the acceleration of `%s`, which follows from the "
                             "equations of motion and is not known here",
                             sema_name(s, name));
        sema_help(s, d, "a Lagrangian holds positions and velocities, no accelerations");
        return false;
    }
    if (q && ir_depends(s->ir, t, q)) vec_push(&seeds->all, (CalcSeed){q, v});
    return true;
}

static bool add_seeds(Sema *s, IrTerm t, Span span, Seeds *seeds) {
    for (uint32_t k = 0; k < s->vars.n; k++) {
        Ent *ent = s->vars.at[k];
        if (!ent->q || ent->support == SUPPORT_DISCRETE || !ir_depends(s->ir, t, ent->q)) {
            if (ent->v && ir_depends(s->ir, t, ent->v) &&
                !add_motion(s, t, 0, ent->v, ent->name, span, seeds))
                return false;
            continue;
        }
        if (!add_motion(s, t, ent->q, sema_var_v(s, ent), ent->name, span, seeds)) return false;
    }
    Name q_name = name_of(s->session->names, "q");
    for (uint32_t k = 0; s->run && k < s->run->n_blocks; k++)
        if (!add_motion(s, t, s->run->blocks[k].q, s->run->blocks[k].v, q_name, span, seeds)) return false;
    if (ir_depends(s->ir, t, s->time)) {
        IrDef one = ir_define(s->ir, 0, IR_F64, NULL, 0, ir_real(s->ir, 1));
        ir_mark_flex(s->ir, one);
        vec_push(&seeds->all, (CalcSeed){s->time, one});
    }
    return true;
}

Val sema_tangent(Sema *s, Val v, uint32_t times, Span span) {
    for (; times && val_ok(&v); times--) {
        Seeds seeds = {0};
        v = val_to_real(s, v);
        s->errors_at_derivative = s->session->n_errors;
        if (!add_seeds(s, v.body, span, &seeds)) {
            vec_free(&seeds.all);
            return val_poison();
        }
        IrTerm t = seeds.all.n ? calc_tangent(s->ir, v.body, seeds.all.at, seeds.all.n) : ir_real(s->ir, 0);
        vec_free(&seeds.all);
        if (!t) return no_derivative(s, span);
        v.body = t;
    }
    return v;
}

Val sema_prime(Sema *s, Scope *scope, const Expr *e) {
    const Expr *of = e->prime.of;
    uint32_t count = e->prime.count ? e->prime.count : 1;
    if (of->kind == EXPR_NAME) {
        Ent *ent = scope_find(s, scope, of->name.name);
        if (ent && ent->kind == ENT_VAR) return sema_var_value(s, ent, count, e->span);
    }
    Val v = sema_expr(s, scope, of);
    if (v.kind == VAL_POISON || v.open_shape) return v;
    if (!val_ok(&v) || val_type(s, &v) == IR_BOOL) {
        sema_error(s, DIAG_TYPE, e->span, "only a number has a time derivative, and this is %s",
                   val_ok(&v) ? sema_type_text(val_type(s, &v)) : sema_shape_text(s, &v));
        return val_poison();
    }
    return sema_tangent(s, v, count, e->span);
}

/* ---- grad and friends ---- */

bool sema_variable(Sema *s, Scope *scope, const Expr *e, Variable *x) {
    Val v = sema_expr(s, scope, e);
    if (v.kind == VAL_POISON) return false;
    if (val_ok(&v)) v = val_fresh_axes(s, &v);
    if (!val_ok(&v) || ir_node(s->ir, v.body)->op != IR_READ) {
        Diag *d = sema_error(s, DIAG_NO_DERIVATIVE, e->span,
                             "a derivative is taken by a coordinate, a parameter or a "
                             "definition, and this is an expression");
        sema_help(s, d, "give it a name with `let`, and use the name in both places");
        return false;
    }
    if (val_type(s, &v) != IR_REAL) {
        Diag *d = sema_error(s, DIAG_NO_DERIVATIVE, e->span,
                             "a derivative is taken by real numbers, and these are "
                             "integers");
        sema_help(s, d, "declare it with `: real`");
        return false;
    }
    *x = (Variable){.def = ir_node(s->ir, v.body)->arg[0], .val = v, .whole = true};
    x->rank = ir_def(s->ir, x->def)->rank;
    for (uint32_t k = 0; k < x->rank; k++) {
        x->at[k] = ir_read_subs(s->ir, v.body)[k];
        x->whole = x->whole && k < v.rank && x->at[k] == ir_idx(s->ir, v.axis[k].idx);
    }
    x->whole = x->whole && x->rank == v.rank;
    return true;
}

static bool is_closed(Sema *s, const Val *v) {
    uint32_t n, own = 0;
    const IrIdx *free = ir_set(s->ir, ir_node(s->ir, v->body)->free, &n);
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t a = 0; a < v->rank; a++) own += v->axis[a].idx == free[k];
    return own == n;
}

static const Expr *arg_at(const Expr *call, uint32_t k) { return call->call.args.at[k].value; }

static bool count_args(Sema *s, const Expr *call, uint32_t lo, uint32_t hi, const char *form) {
    uint32_t n = call->call.args.n;
    if (n >= lo && n <= hi) return true;
    sema_error(s, DIAG_ARG_COUNT, call->span, "`%s` is written %s, and %u argument%s given",
               sema_name(s, call->call.callee->name.name), form, n, n == 1 ? " is" : "s are");
    return false;
}

/* ∂f/∂x with the axes of f, then those of x. */
static Val partial(Sema *s, Val f, const Variable *x, Span span) {
    if (f.rank + x->val.rank > IR_MAX_RANK) {
        sema_error(s, DIAG_DERIVATIVE_RANK, span, "this derivative has more than %d axes", IR_MAX_RANK);
        return val_poison();
    }
    IrTerm t = calc_partial(s->ir, f.body, x->def, x->at);
    if (!t) return no_derivative(s, span);
    for (uint32_t k = 0; k < x->val.rank; k++) f.axis[f.rank + k] = x->val.axis[k];
    f.rank = (uint8_t)(f.rank + x->val.rank);
    f.body = t;
    return f;
}

static Val gradient(Sema *s, Val f, const Variable *x, Span span) {
    s->errors_at_derivative = s->session->n_errors;
    if (f.rank || !x->whole || !is_closed(s, &f)) return partial(s, f, x, span);
    IrDef def;
    if (!calc_gradient(s->ir, f.body, &x->def, 1, &def)) return no_derivative(s, span);
    return val_read(s, def, &x->val);
}

Val sema_grad(Sema *s, Scope *scope, const Expr *call) {
    Variable x;
    if (!count_args(s, call, 2, 2, "grad(f, x)")) return val_poison();
    Val f = sema_real_expr(s, scope, arg_at(call, 0));
    if (!sema_variable(s, scope, arg_at(call, 1), &x) || !val_ok(&f)) return val_poison();
    return gradient(s, f, &x, call->span);
}

Val sema_hess(Sema *s, Scope *scope, const Expr *call) {
    Variable x, y;
    if (!count_args(s, call, 2, 3, "hess(f, x) or hess(f, x, y)")) return val_poison();
    Val f = sema_real_expr(s, scope, arg_at(call, 0));
    if (!sema_variable(s, scope, arg_at(call, 1), &x)) return val_poison();
    if (!sema_variable(s, scope, arg_at(call, call->call.args.n - 1), &y) || !val_ok(&f)) return val_poison();
    s->errors_at_derivative = s->session->n_errors;
    if (x.val.rank + y.val.rank > IR_MAX_RANK || f.rank || !x.whole || !y.whole || !is_closed(s, &f))
        return partial(s, partial(s, f, &x, call->span), &y, call->span);
    IrDef def = calc_hessian(s->ir, f.body, x.def, y.def);
    return def ? val_read(s, def, NULL) : no_derivative(s, call->span);
}

static bool same_as(Sema *s, const Val *like, const Val *v, const Expr *e, const char *what) {
    if (val_same_shape(s, like, v)) return true;
    sema_error(s, DIAG_SHAPE, e->span, "the direction is %s, but %s is %s", sema_shape_text(s, v), what,
               sema_shape_text(s, like));
    return false;
}

Val sema_jvp(Sema *s, Scope *scope, const Expr *call) {
    Variable x;
    if (!count_args(s, call, 3, 3, "jvp(f, x, v)")) return val_poison();
    Val f = sema_real_expr(s, scope, arg_at(call, 0)), v = sema_real_expr(s, scope, arg_at(call, 2));
    if (!sema_variable(s, scope, arg_at(call, 1), &x) || !val_ok(&f) || !val_ok(&v)) return val_poison();
    if (!same_as(s, &x.val, &v, arg_at(call, 2), "the variable")) return val_poison();
    s->errors_at_derivative = s->session->n_errors;
    IrDef dx = x.whole ? val_def(s, &v, 0, call->span, scope) : 0;
    if (dx) {
        CalcSeed seed = {x.def, dx};
        f.body = calc_tangent(s->ir, f.body, &seed, 1);
        return f.body ? f : no_derivative(s, call->span);
    }
    Val j = partial(s, f, &x, call->span);
    if (!val_ok(&j)) return j;
    IrTerm t = ir_mul(s->ir, j.body, val_aligned(s, &x.val, &v));
    for (uint32_t k = x.val.rank; k-- > 0;) t = ir_reduce(s->ir, IR_SUM, x.val.axis[k].idx, 0, t);
    f.body = t;
    return f;
}

Val sema_vjp(Sema *s, Scope *scope, const Expr *call) {
    Variable x;
    if (!count_args(s, call, 3, 3, "vjp(f, x, u)")) return val_poison();
    Val f = sema_real_expr(s, scope, arg_at(call, 0)), u = sema_real_expr(s, scope, arg_at(call, 2));
    if (!sema_variable(s, scope, arg_at(call, 1), &x) || !val_ok(&f) || !val_ok(&u)) return val_poison();
    if (!same_as(s, &f, &u, arg_at(call, 2), "the function")) return val_poison();
    s->errors_at_derivative = s->session->n_errors;
    IrDef y = x.whole && f.rank ? val_def(s, &f, 0, call->span, scope) : 0;
    IrDef w = y ? val_def(s, &u, 0, call->span, scope) : 0;
    if (w) {
        IrDef grad;
        return calc_vjp(s->ir, y, w, &x.def, 1, &grad) ? val_read(s, grad, &x.val)
                                                       : no_derivative(s, call->span);
    }
    f.body = ir_mul(s->ir, f.body, val_aligned(s, &f, &u));
    for (uint32_t k = f.rank; k-- > 0;) f.body = ir_reduce(s->ir, IR_SUM, f.axis[k].idx, 0, f.body);
    f.rank = 0;
    return gradient(s, f, &x, call->span);
}

/* p(x): the conjugate momentum of coordinate x, in Hamiltonians. */
Val sema_momentum(Sema *s, Scope *scope, const Expr *call) {
    const Expr *e = arg_at(call, 0);
    Ent *ent = e->kind == EXPR_NAME ? scope_find(s, scope, e->name.name) : NULL;
    if (!ent || ent->kind != ENT_VAR) {
        sema_error(s, DIAG_TYPE, e->span, "`p(x)` is the momentum of a coordinate, and `%s` is not one",
                   sema_span_text(s, e->span));
        return val_poison();
    }
    Val v = sema_ent_value(s, ent, e->span);
    if (!val_ok(&v) || ent->support == SUPPORT_DISCRETE) return val_poison();
    return val_read(s, sema_var_p(s, ent), &v);
}
