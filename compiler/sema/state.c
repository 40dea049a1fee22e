/* state — estimators: `state v' = rate`, `state v = next`, `state v`. Needs: the scope of the dynamics.
 * Gives: an INPUT per state with its shape, which is that of its rate: the rate is tried out with the states
 * standing for any shape, and elaborated again once the shapes are known. */
#include "run.h"

/* The value of `e` for the elements of `like`: over the indices on the left, or whole, or one number for all.
 */
Val state_value(Join *j, Part *part, const Declarator *d, const Val *like, const Expr *e, const char *what) {
    Sema *s = j->s;
    Scope *inner = scope_new(s, SCOPE_LOCAL, part->scope);
    Val out = *like;
    if (d->has_axes && d->axes.n != like->rank) {
        sema_error(s, DIAG_STATE, d->span, "`%s` has %u ax%ss, and %u are named here", sema_name(s, d->name),
                   like->rank, like->rank == 1 ? "i" : "e", d->axes.n);
        return val_poison();
    }
    for (uint32_t k = 0; k < like->rank; k++) {
        Name name =
            d->has_axes && !axis_is_extent(s, part->scope, &d->axes.at[k], e) ? d->axes.at[k].name : 0;
        int64_t lo = like->axis[k].lo;
        IndexVar var = {.name = name,
                        .span = d->span,
                        .known = true,
                        .lo = lo,
                        .full = like->axis[k].full,
                        .hi = lo + (int64_t)val_extent(s, like, k) - 1};
        out.axis[k].idx = index_enter(s, inner, &var);
    }
    Val v = sema_expr(s, inner, e);
    index_leave(s, like->rank);
    if (v.kind == VAL_POISON) return v;
    if (!val_ok(&v) || val_type(s, &v) == IR_BOOL || (v.rank && !val_same_shape(s, like, &v))) {
        sema_error(s, DIAG_STATE, e->span, "`%s` is %s, but its %s is %s", sema_name(s, d->name),
                   sema_shape_text(s, like), what,
                   val_ok(&v) && val_type(s, &v) == IR_BOOL ? "true or false" : sema_shape_text(s, &v));
        return val_poison();
    }
    out.open_shape = false;
    out.body = v.rank ? val_aligned(s, &out, &v) : v.body;
    return out;
}

/* ---- shapes ---- */

static Val open_value(Sema *s) {
    Val v = val_scalar(ir_read0(s->ir, ir_scalar_input(s->ir, 0, IR_ROLE_NONE)));
    v.open_shape = true;
    return v;
}

/* The shape a state has by its declared axes; open when it has none. */
static bool declared_shape(Join *j, Part *part, const Declarator *d, Val *shape) {
    Sema *s = j->s;
    *shape = open_value(s);
    if (!d->has_axes || !d->axes.n) return true;
    IndexVar vars[IR_MAX_RANK];
    const Expr *roots[2] = {d->init, d->start};
    uint32_t n = d->axes.n;
    if (n > IR_MAX_RANK) return false;
    index_vars(s, part->scope, d->axes.at, n, vars);
    if (!index_no_lists(s, vars, n)) return false;
    bool all = true;
    for (uint32_t k = 0; k < n; k++) {
        if (vars[k].bad) return false;
        if (!d->init || axis_is_extent(s, part->scope, &d->axes.at[k], d->init)) {
            uint64_t extent;
            if (vars[k].known) continue;
            if (!axis_extent(s, part->scope, &d->axes.at[k], &extent)) return false;
            vars[k].known = vars[k].stated = true;
            vars[k].hi = (int64_t)extent - 1;
            vars[k].full = extent;
        }
        all = all && vars[k].known;
    }
    if (!all && !index_infer(s, part->scope, vars, n, roots, d->start ? 2 : 1)) return false;
    *shape = (Val){.kind = VAL_TENSOR, .rank = (uint8_t)n};
    for (uint32_t k = 0; k < n; k++) {
        uint64_t extent = (uint64_t)(vars[k].hi - vars[k].lo + 1);
        shape->axis[k] =
            (Axis){ir_fresh(s->ir, extent, vars[k].name), vars[k].periodic, vars[k].lo, vars[k].full};
    }
    return true;
}

static void tried_shape(Join *j, Part *part, const Declarator *d, Val *shape, bool *integer) {
    Sema *s = j->s;
    const Expr *parts[2] = {d->init, d->start};
    *integer = d->primes == 0;
    for (uint32_t k = 0; k < 2; k++) {
        if (!parts[k]) continue;
        if (shape->open_shape) {
            Val v = sema_expr(s, part->scope, parts[k]);
            if (val_ok(&v) && v.rank) *shape = v;
            *integer = *integer && val_ok(&v) && val_type(s, &v) == IR_INT;
        } else if (*integer) {
            Val v = state_value(j, part, d, shape, parts[k], "value");
            *integer = val_ok(&v) && val_type(s, &v) == IR_INT;
        }
    }
    shape->open_shape = false;
}

static void make_input(Join *j, Part *part, Ent *ent, const Val *shape, bool integer) {
    Sema *s = j->s;
    uint64_t extent[IR_MAX_RANK];
    for (uint32_t k = 0; k < shape->rank; k++) extent[k] = val_extent(s, shape, k);
    IrElem elem = integer ? IR_I64 : sema_real_elem(s, part->scope);
    const char *name = arena_printf(s->arena, "%s%s", sema_name(s, ent->name), part->suffix);
    ent->q = ir_input(s->ir, name_of(s->session->names, name), IR_ROLE_STATE, elem, shape->rank, extent);
    ent->val = val_read(s, ent->q, shape);
    for (uint32_t k = 0; k < shape->rank; k++) ent->val.axis[k].full = extent[k];
}

/* ---- rates ---- */

static IrTerm state_term(Join *j, Part *part, Ent *ent, const Expr *e, const char *what) {
    if (!e) return 0;
    Val v = state_value(j, part, ent->decl, &ent->val, e, what);
    if (!val_ok(&v)) {
        j->failed = true;
        return 0;
    }
    bool integer = ir_def(j->s->ir, ent->q)->elem == IR_I64;
    if (!integer) v = val_to_real(j->s, v);
    return val_close(j->s, &v);
}

static void add_state(Join *j, Part *part, Ent *ent) {
    const Declarator *d = ent->decl;
    SemaState state = {.name = ir_def(j->s->ir, ent->q)->name, .span = d->span, .s = ent->q};
    IrTerm value = state_term(j, part, ent, d->init, d->primes ? "rate" : "next value");
    *(d->primes ? &state.rate : &state.next) = value;
    state.start = state_term(j, part, ent, d->start, "value at the start");
    vec_push(&j->states, state);
    vec_push(&j->state_ents, ent);
}

/* Two states of one system or dynamics, `v` of the pattern's parts apart, have different names already. */
void join_states(Join *j, Part *part, StmtList items) {
    Sema *s = j->s;
    EntVec ents = {0};
    for (uint32_t k = 0; k < items.n; k++) {
        const Stmt *st = items.at[k];
        for (uint32_t d = 0; st->kind == STMT_DECLARE && st->declare.kind == DECL_STATE && d < st->declare.n;
             d++) {
            Ent *ent = scope_own(part->scope, st->declare.at[d].name);
            if (ent && ent->kind == ENT_STATE && ent->decl == &st->declare.at[d]) vec_push(&ents, ent);
        }
    }
    if (!ents.n) return;
    for (uint32_t k = 0; k < ents.n; k++) ents.at[k]->val = open_value(s);
    Val *shape = base_calloc(ents.n, sizeof *shape);
    bool *integer = base_calloc(ents.n, sizeof *integer);
    s->trial++;
    s->mute++;
    s->world = ++s->worlds;
    for (uint32_t k = 0; k < ents.n; k++) {
        if (!declared_shape(j, part, ents.at[k]->decl, &shape[k])) shape[k] = open_value(s);
        if (!shape[k].open_shape) ents.at[k]->val = shape[k], ents.at[k]->val.body = open_value(s).body;
    }
    for (uint32_t k = 0; k < ents.n; k++) { /* a state may take its shape from one before it */
        tried_shape(j, part, ents.at[k]->decl, &shape[k], &integer[k]);
        if (shape[k].rank) ents.at[k]->val = shape[k], ents.at[k]->val.body = open_value(s).body;
    }
    s->mute--;
    s->trial--;
    s->world = ++s->worlds;
    for (uint32_t k = 0; k < ents.n; k++) make_input(j, part, ents.at[k], &shape[k], integer[k]);
    for (uint32_t k = 0; k < ents.n; k++) add_state(j, part, ents.at[k]);
    free(shape);
    free(integer);
    vec_free(&ents);
}
