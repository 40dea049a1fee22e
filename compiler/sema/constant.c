/* constant — compile-time numbers. Most fold as their terms are built; what does not (sums, hyper-parameters,
 * which stand for their values here) is computed by the reference evaluator. */
#include "internal.h"

static bool reads_only_hypers(Sema *s, IrTerm t) {
    uint32_t n = ir_def_count(s->ir);
    uint8_t *mark = base_calloc(n + 1, 1);
    ir_reach(s->ir, t, mark);
    bool ok = true;
    for (IrDef d = 1; d <= n && ok; d++)
        if (mark[d] && ir_def(s->ir, d)->kind == IR_DEF_INPUT) ok = ir_def(s->ir, d)->role == IR_ROLE_HYPER;
    free(mark);
    return ok;
}

bool sema_const_term(Sema *s, IrTerm t, double *value) {
    if (ir_is_const(s->ir, t, value)) return true;
    uint32_t n_free;
    ir_set(s->ir, ir_node(s->ir, t)->free, &n_free);
    if (n_free || !reads_only_hypers(s, t)) return false;
    IrEnv *env = ir_env_new(s->ir);
    for (uint32_t k = 0; k < s->hypers.n; k++) ir_env_set(env, s->hypers.at[k].def, &s->hypers.at[k].value);
    bool ok;
    *value = ir_eval(env, t, NULL, &ok);
    ir_env_free(env);
    return ok;
}

bool sema_const(Sema *s, Scope *scope, const Expr *e, double *value, const char *what) {
    Val v = sema_expr(s, scope, e);
    if (v.kind == VAL_POISON) return false;
    if (!val_ok(&v) || v.rank || val_type(s, &v) == IR_BOOL) {
        sema_error(s, DIAG_CONST_NEEDED, e->span, "%s is a number, and this is %s", what,
                   val_ok(&v) && !v.rank ? sema_type_text(val_type(s, &v)) : sema_shape_text(s, &v));
        return false;
    }
    if (sema_const_term(s, v.body, value)) return true;
    Diag *d = sema_error(s, DIAG_CONST_NEEDED, e->span,
                         "%s must be known before the program runs, and this is not", what);
    sema_help(s, d, "use numbers and `const`s only");
    return false;
}

bool sema_const_int(Sema *s, Scope *scope, const Expr *e, int64_t *value, const char *what) {
    double real;
    if (!sema_const(s, scope, e, &real, what)) return false;
    if (real != floor(real) || fabs(real) > 9007199254740992.0) {
        sema_error(s, DIAG_CONST_NEEDED, e->span, "%s is an integer, and this is %g", what, real);
        return false;
    }
    *value = (int64_t)real;
    return true;
}
