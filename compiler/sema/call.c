/* call — user functions, inlined. The argument's value takes the parameter's name; indices of the context
 * stay free in it, which is all that lifting is. A parameter's axis names may be used in the body: what is
 * left free of them becomes axes of the result, and `x[i : N]` binds N to the extent. */
#include "internal.h"

#define MAX_CALLS 60

static bool bind_extent(Sema *s, Scope *scope, const Binder *b, const Val *v, uint32_t k, Span span) {
    int64_t have = (int64_t)val_extent(s, v, k), want;
    const Expr *e = b->extent;
    if (e->kind == EXPR_NAME && !scope_find(s, scope, e->name.name)) {
        scope_bind(s, scope, e->name.name, e->span, val_int(s, have));
        return true;
    }
    if (!sema_const_int(s, scope, e, &want, "an extent")) return false;
    if (want == have) return true;
    Diag *d = sema_error(s, DIAG_SHAPE, span,
                         "this argument has %lld elements along axis %u, and the function takes "
                         "%lld",
                         (long long)have, k + 1, (long long)want);
    sema_note(s, d, e->span, "stated here");
    return false;
}

/* A bare extent or an index name on a parameter's axis. A lone name that is known as a constant is an extent.
 */
static bool bind_axis(Sema *s, Scope *scope, const Binder *b, Val *v, uint32_t k, Span span) {
    if (b->extent) {
        if (!bind_extent(s, scope, b, v, k, span)) return false;
    } else if (b->name) {
        Ent *known = scope_find(s, scope, b->name);
        if (known && known->kind == ENT_CONST) {
            Expr name = {.kind = EXPR_NAME, .span = b->span, .name.name = b->name};
            Binder extent = {.span = b->span, .extent = &name};
            return bind_extent(s, scope, &extent, v, k, span);
        }
    }
    if (b->periodic) v->axis[k].periodic = true;
    return true;
}

static bool bind_param(Sema *s, Scope *scope, const Param *p, Val v, Span span) {
    if (v.kind == VAL_POISON) {
        scope_bind(s, scope, p->name, p->span, v);
        return false;
    }
    if (p->has_axes && (!val_ok(&v) || v.rank != p->axes.n)) {
        Diag *d =
            sema_error(s, DIAG_SHAPE, span, "the parameter `%s` has %u ax%ss, and this is %s",
                       sema_name(s, p->name), p->axes.n, p->axes.n == 1 ? "i" : "e", sema_shape_text(s, &v));
        sema_note(s, d, p->span, "declared here");
        scope_bind(s, scope, p->name, p->span, val_poison());
        return false;
    }
    bool ok = true;
    for (uint32_t k = 0; k < p->axes.n && p->has_axes; k++)
        ok = bind_axis(s, scope, &p->axes.at[k], &v, k, span) && ok;
    scope_bind(s, scope, p->name, p->span, ok ? v : val_poison());
    return ok;
}

static const Arg *find_arg(const Expr *call, const Param *p, uint32_t position) {
    for (uint32_t k = 0; k < call->call.args.n; k++)
        if (call->call.args.at[k].name == p->name && p->name) return &call->call.args.at[k];
    if (position < call->call.args.n && !call->call.args.at[position].name)
        return &call->call.args.at[position];
    return NULL;
}

/* Reports arguments that no parameter takes. */
static bool check_args(Sema *s, const Expr *call, const Ent *fn, ParamList params) {
    uint32_t n_positional = 0;
    bool ok = true;
    for (uint32_t k = 0; k < call->call.args.n; k++) {
        const Arg *arg = &call->call.args.at[k];
        if (!arg->name) {
            n_positional++;
            continue;
        }
        bool found = false;
        for (uint32_t j = 0; j < params.n; j++) found = found || params.at[j].name == arg->name;
        if (found) continue;
        const char **names = base_calloc(params.n + 1, sizeof *names);
        for (uint32_t j = 0; j < params.n; j++) names[j] = sema_name(s, params.at[j].name);
        Diag *d = sema_error(s, DIAG_ARG_NAME, arg->span, "`%s` has no parameter `%s`",
                             sema_name(s, fn->name), sema_name(s, arg->name));
        const char *near = diag_nearest(sema_name(s, arg->name), names, params.n);
        sema_note(s, d, fn->span, "declared here");
        if (near) sema_help(s, d, "did you mean `%s`?", near);
        free(names);
        ok = false;
    }
    if (n_positional > params.n) {
        Diag *d = sema_error(s, DIAG_ARG_COUNT, call->span, "`%s` takes %u argument%s, and %u are given",
                             sema_name(s, fn->name), params.n, params.n == 1 ? "" : "s", n_positional);
        sema_note(s, d, fn->span, "declared here");
        ok = false;
    }
    return ok;
}

bool call_bind_args(Sema *s, Scope *caller, Scope *inner, const Expr *call, const Ent *fn, ParamList params) {
    bool ok = check_args(s, call, fn, params);
    for (uint32_t k = 0; k < params.n; k++) {
        const Param *p = &params.at[k];
        const Arg *arg = find_arg(call, p, k);
        Val v = val_poison();
        if (arg) {
            v = sema_expr(s, caller, arg->value);
        } else if (p->init) {
            v = sema_expr(s, inner, p->init);
        } else {
            if (ok) {
                Diag *d = sema_error(s, DIAG_ARG_COUNT, call->span, "`%s` needs its argument `%s`",
                                     sema_name(s, fn->name), sema_name(s, p->name));
                sema_note(s, d, p->span, "declared here");
            }
            ok = false;
        }
        ok = bind_param(s, inner, p, v, arg ? arg->value->span : call->span) && ok;
    }
    return ok;
}

/* Names of the parameters' axes, where the body may use them freely: the index of that axis itself. */
static void bind_axis_names(Sema *s, Scope *inner, ParamList params) {
    for (uint32_t k = 0; k < params.n; k++) {
        const Param *p = &params.at[k];
        Ent *ent = scope_own(inner, p->name);
        if (!p->has_axes || !ent || !val_ok(&ent->val)) continue;
        for (uint32_t a = 0; a < p->axes.n; a++) {
            Name name = p->axes.at[a].name;
            if (!name || scope_own(inner, name)) continue;
            Ent *known = scope_find(s, inner, name);
            if (known && known->kind == ENT_CONST) continue;
            const Axis *axis = &ent->val.axis[a];
            IrIdx idx = ir_fresh(s->ir, ir_index(s->ir, axis->idx)->extent, name);
            IrTerm value = ir_idx(s->ir, idx);
            if (axis->lo) value = ir_add(s->ir, value, ir_int(s->ir, axis->lo));
            Ent *index = scope_bind(s, inner, name, p->axes.at[a].span, val_scalar(value));
            index->is_index = true;
            index->q = idx;
            index->extent = axis->full;
        }
    }
}

/* The index of an axis of one element leaves no trace in the terms, so there it counts that it was written. */
static bool is_left_free(Sema *s, const Ent *index, IrTerm body) {
    if (!index || !index->is_index || !index->q) return false;
    return ir_uses_index(s->ir, body, index->q) || (ir_index(s->ir, index->q)->extent == 1 && index->used);
}

static Val free_axes_to_result(Sema *s, Scope *inner, const Stmt *fn, Val v, Span span) {
    const ParamList params = fn->fn.params;
    Axis extra[IR_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t k = 0; k < params.n && val_ok(&v); k++)
        for (uint32_t a = 0; params.at[k].has_axes && a < params.at[k].axes.n; a++) {
            Ent *index = scope_own(inner, params.at[k].axes.at[a].name);
            if (!is_left_free(s, index, v.body)) continue;
            bool seen = false;
            for (uint32_t j = 0; j < n; j++) seen = seen || extra[j].idx == index->q;
            if (seen) continue;
            if (fn->fn.has_axes) {
                Diag *d = sema_error(s, DIAG_SHAPE, fn->fn.name_span,
                                     "the value of `%s` depends on `%s`, which its head "
                                     "does not name",
                                     sema_name(s, fn->fn.name), sema_name(s, index->name));
                sema_note(s, d, index->span, "the index of this axis");
                sema_help(s, d, "write `%s` among the indices after the parameters, or sum over it",
                          sema_name(s, index->name));
                return val_poison();
            }
            if (n + v.rank >= IR_MAX_RANK) {
                sema_error(s, DIAG_SHAPE, span, "the result has more than %d axes", IR_MAX_RANK);
                return val_poison();
            }
            const Val *of = &scope_own(inner, params.at[k].name)->val;
            extra[n] = of->axis[a];
            extra[n++].idx = index->q;
        }
    if (!n || !val_ok(&v)) return v;
    memmove(&v.axis[n], &v.axis[0], sizeof v.axis[0] * v.rank);
    memcpy(&v.axis[0], extra, sizeof extra[0] * n);
    v.rank = (uint8_t)(v.rank + n);
    return v;
}

static Val inline_call(Sema *s, Scope *scope, const Expr *e, Ent *fn) {
    const Stmt *st = fn->stmt;
    uint32_t depth = s->call ? s->call->depth + 1 : 1;
    for (const CallFrame *at = s->call; at; at = at->up)
        if (at->fn == fn) {
            Diag *d =
                sema_error(s, DIAG_RECURSION, e->span, "`%s` calls itself; functions are inlined and cannot",
                           sema_name(s, fn->name));
            sema_note(s, d, fn->span, "declared here");
            return val_poison();
        }
    if (depth > MAX_CALLS) {
        sema_error(s, DIAG_NESTING, e->span, "calls are nested more than %d deep here", MAX_CALLS);
        return val_poison();
    }
    fn->called = true;
    Scope *inner = scope_new(s, SCOPE_FN, fn->scope);
    if (!call_bind_args(s, scope, inner, e, fn, st->fn.params)) return val_poison();
    bind_axis_names(s, inner, st->fn.params);
    CallFrame frame = {s->call, fn, e->span, depth};
    const CallFrame *before = s->call;
    s->call = &frame;
    Val v = sema_fn_result(s, inner, st);
    s->call = before;
    return free_axes_to_result(s, inner, st, v, e->span);
}

Val sema_call(Sema *s, Scope *scope, const Expr *e) {
    if (e->call.callee->kind != EXPR_NAME) return val_poison();
    Name name = e->call.callee->name.name;
    const char *text = name_ascii(s->session->names, name);
    Ent *ent = scope_find_declared(s, scope, name);
    if (ent && ent->kind == ENT_FN) return inline_call(s, scope, e, ent);
    const Builtin *builtin = builtin_find(text);
    if (builtin && (!ent || ent->kind == ENT_VALUE)) return builtin_call(s, scope, builtin, e);
    if (!ent) ent = scope_find(s, scope, name);
    if (ent && ent->kind == ENT_FN) return inline_call(s, scope, e, ent);
    if (builtin) return builtin_call(s, scope, builtin, e);
    if (ent) {
        Diag *d = sema_error(s, DIAG_NAME_KIND, e->call.callee->span, "`%s` is %s, not a function",
                             sema_name(s, name), sema_ent_kind_text(ent));
        sema_note(s, d, ent->span, "declared here");
        sema_help(s, d, "write `*` between factors: `%s * (…)`", sema_name(s, name));
    } else {
        scope_unknown(s, scope, name, e->call.callee->span, "function", DIAG_UNKNOWN_FUNCTION);
    }
    return val_poison();
}
