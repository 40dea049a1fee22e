/* statistic — values that only a later part of the runtime can give: statistics of draws, recorded series.
 * They are checked like any other function, and mark the run that needs them. */
#include "builtin.h"
#include "run.h"

static Val opaque_like(Args *a, uint32_t k, const char *phrase) {
    if (!args_real(a, k)) return val_poison();
    return sema_opaque(a->s, &a->at[k], IR_REAL, phrase, a->call->span);
}

static const char of_draws[] = "statistics of draws";

Val statistic_of_draws(Args *a) { return opaque_like(a, 0, of_draws); }

Val statistic_quantile(Args *a) {
    double p;
    if (a->at[1].rank || !sema_const_term(a->s, a->at[1].body, &p) || !(p >= 0 && p <= 1)) {
        sema_error(a->s, DIAG_NUMBER_RANGE, args_span(a, 1),
                   "a quantile is asked for at a number between 0 and 1");
        return val_poison();
    }
    return opaque_like(a, 0, of_draws);
}

/* frozen(x): x, held fixed while differentiating. What is not real has no derivative anyway. */
Val statistic_frozen(Args *a) {
    Val v = a->at[0];
    if (val_type(a->s, &v) == IR_REAL) v.body = ir_op1(a->s->ir, IR_FROZEN, v.body);
    return v;
}

/* series(run.x): what the run recorded, its records along the first axis. */
Val statistic_series(Sema *s, Scope *scope, const Expr *call) {
    const Expr *e = call->call.args.at[0].value;
    (void)scope;
    if (e->kind != EXPR_FIELD) {
        sema_error(s, DIAG_TYPE, e->span, "`series` is of what a run recorded: `series(run.x)`");
        return val_poison();
    }
    Val v = sema_field(s, e);
    if (!val_ok(&v) || v.rank == IR_MAX_RANK) return val_poison();
    double n = 1;
    for (uint32_t k = 0; k < s->finished.n; k++)
        if (s->finished.at[k]->stmt->run.label == e->field.of->name.name) n = s->finished.at[k]->duration;
    if (!(n >= 1)) n = 1;
    memmove(&v.axis[1], &v.axis[0], sizeof v.axis[0] * v.rank);
    v.rank++;
    v.axis[0] = (Axis){.idx = ir_fresh(s->ir, (uint64_t)n, 0), .full = (uint64_t)n};
    return sema_opaque(s, &v, val_type(s, &v), "recorded series as data", call->span);
}
