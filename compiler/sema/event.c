/* event — `when a = b { … }`: moments of a run, and what is done at them. Needs: the joined run, whose scope has
 * every name of the system. Gives: the difference a − b over the indices that the equation leaves open, what the
 * event does to the state, and records that belong to it. In the body these indices are those of the element that
 * crossed, which the run puts into an integer before it does what the body says. */
#include "run.h"

IrTerm event_at_element(Join *j, IrTerm t) {
    const EventBody *event = j->event;
    return event && event->n && t ? ir_subst(j->s->ir, t, event->index, event->element, event->n) : t;
}

/* ---- the equation ---- */

static void vector_compared(Join *j, const Stmt *st, const Val *v) {
    Sema *s = j->s;
    Diag *d = sema_error(s, DIAG_RUN_OUTPUT, st->when.a->span, "`when` compares numbers, and this is %s",
                         sema_shape_text(s, v));
    if (st->when.a->kind == EXPR_NAME)
        sema_help(s, d, "for each element: `when %s[i] = … { … }`", sema_span_text(s, st->when.a->span));
}

/* a − b over its open indices, which stay entered; false after an error, with none entered. */
static bool equation(Join *j, const Stmt *st, Scope *inner, Val *out) {
    Sema *s = j->s;
    IndexVar vars[IR_MAX_RANK];
    IndexOpen open = {0};
    const Expr *roots[2] = {st->when.a, st->when.b};
    for (uint32_t k = 0; k < 2; k++) index_open(s, j->body, roots[k], &open);
    index_vars(s, j->body, open.at, open.n, vars);
    if (open.n && !index_infer(s, j->body, vars, open.n, roots, 2)) return false;
    *out = (Val){.kind = VAL_TENSOR, .rank = (uint8_t)open.n};
    for (uint32_t k = 0; k < open.n; k++)
        out->axis[k] = (Axis){index_enter(s, inner, &vars[k]), vars[k].periodic, vars[k].lo, vars[k].full};
    Val a = sema_real_expr(s, inner, st->when.a), b = sema_real_expr(s, inner, st->when.b);
    bool ok = val_ok(&a) && val_ok(&b);
    if (ok && (a.rank || b.rank)) {
        vector_compared(j, st, a.rank ? &a : &b);
        ok = false;
    }
    if (ok) out->body = ir_sub(s->ir, a.body, b.body);
    if (!ok) index_leave(s, open.n);
    return ok;
}

/* Whether the difference can change while the run goes on. */
static bool can_change(Join *j, IrDef value) {
    Sema *s = j->s;
    bool changes = ir_def_depends(s->ir, value, s->time) || ir_def_depends(s->ir, value, s->step) ||
                   ir_def_depends(s->ir, value, s->energy);
    for (uint32_t k = 0; k < j->vars.n && !changes; k++) {
        const IrDef parts[] = {j->vars.at[k]->q, j->vars.at[k]->v, j->vars.at[k]->p};
        for (uint32_t p = 0; p < 3; p++) changes = changes || (parts[p] && ir_def_depends(s->ir, value, parts[p]));
    }
    for (uint32_t k = 0; k < j->states.n && !changes; k++)
        changes = !j->states.at[k].held && ir_def_depends(s->ir, value, j->states.at[k].s);
    if (j->run->n_blocks && !changes)
        changes = ir_def_depends(s->ir, value, j->q) || ir_def_depends(s->ir, value, j->v) ||
                  ir_def_depends(s->ir, value, j->p);
    return changes;
}

static IrDef checked_value(Join *j, const Stmt *st, const Val *difference) {
    Sema *s = j->s;
    IrDef value = val_def(s, difference, 0, st->span, j->body);
    if (!value) return 0;
    Span both = span_join(st->when.a->span, st->when.b->span);
    if (sema_draws(s, difference->body)) {
        Diag *d = sema_error(s, DIAG_EVENT, both, "this is drawn anew, so no moment can be found at which it holds");
        sema_help(s, d, "compare what moves; what is drawn once belongs into a `data` or `coord` declaration");
        return 0;
    }
    if (can_change(j, value)) return value;
    Diag *d = sema_error(s, DIAG_EVENT, both, "nothing in this moves, so it never begins to hold");
    sema_help(s, d, "an event compares coordinates, velocities, states or the time `t`, as in `when x = 0 { … }`");
    return 0;
}

/* ---- what it does ---- */

static bool moves(const Join *j, const Ent *ent) {
    for (uint32_t k = 0; k < j->vars.n; k++)
        if (j->vars.at[k] == ent) return true;
    for (uint32_t k = 0; k < j->state_ents.n; k++)
        if (j->state_ents.at[k] == ent) return true;
    return false;
}

/* What a run starts from may also be a parameter that it reads. */
static bool starts(const Join *j, const Ent *ent) {
    for (uint32_t k = 0; k < j->states.n; k++)
        if (ent->kind == ENT_VAR && j->states.at[k].s == ent->q) return true;
    return moves(j, ent);
}

static bool cannot_act(Join *j, const Expr *target, const Ent *ent) {
    Sema *s = j->s;
    Diag *d;
    const char *may = j->starting ? "a run starts from coordinates, states and parameters" : "an event changes what moves";
    if (ent) {
        d = sema_error(s, DIAG_ACT, target->span, "%s, and `%s` is %s%s", may, sema_name(s, ent->name),
                       sema_ent_kind_text(ent),
                       ent->kind != ENT_VAR ? ""
                       : j->starting        ? " that this run does not read"
                                            : " that this run does not move");
        sema_note(s, d, ent->span, "declared here");
        if (j->starting && ent->kind == ENT_CONST)
            sema_help(s, d, "declare it with `param`: constants are known before the program runs");
    } else {
        d = sema_error(s, DIAG_ACT, target->span, "%s, and this is none of them", may);
    }
    if (j->starting) return false;
    sema_help(s, d, "on the left stands a coordinate `x`, its velocity `x'` or momentum `p(x)`, an element of one, or a "
                    "state; a switch is `state on from 1` in the system");
    return false;
}

bool join_target(Join *j, Scope *scope, const Expr *e, Target *t) {
    Sema *s = j->s;
    uint32_t primes = 0;
    bool momentum = false;
    const Expr *at = e;
    *t = (Target){0};
    for (; at->kind == EXPR_PRIME || at->kind == EXPR_SUBSCRIPT; at = at->kind == EXPR_PRIME ? at->prime.of : at->subscript.of) {
        if (at->kind == EXPR_PRIME) primes += at->prime.count;
        if (at->kind == EXPR_SUBSCRIPT && t->element) return cannot_act(j, e, NULL);
        if (at->kind == EXPR_SUBSCRIPT) t->element = at;
    }
    if (at->kind == EXPR_CALL && at->call.callee->kind == EXPR_NAME && at->call.args.n == 1 &&
        at->call.callee->name.name == name_of(s->session->names, "p")) {
        momentum = true;
        at = at->call.args.at[0].value;
    }
    if (at->kind != EXPR_NAME || primes > 1 || (momentum && (primes || j->starting))) return cannot_act(j, e, NULL);
    t->ent = scope_find(s, scope, at->name.name);
    if (!t->ent) {
        scope_unknown(s, scope, at->name.name, at->span, "coordinate", DIAG_UNKNOWN_NAME);
        return false;
    }
    bool var = t->ent->kind == ENT_VAR;
    if (!(j->starting ? starts(j, t->ent) : moves(j, t->ent)) || (!var && (primes || momentum))) return cannot_act(j, e, t->ent);
    t->like = sema_ent_value(s, t->ent, at->span);
    t->def = primes ? sema_var_v(s, t->ent) : momentum ? sema_var_p(s, t->ent) : t->ent->q;
    return val_ok(&t->like) && t->def;
}

/* Where an assignment to an element applies, over the target's axes `out`: names that stand for nothing yet run over
 * their axis, other subscripts pick one place. 0 after an error; the entered indices are counted. */
static IrTerm element_condition(Join *j, Scope *scope, const Target *t, Val *out, uint32_t *entered) {
    Sema *s = j->s;
    const Expr *e = t->element;
    IrTerm condition = ir_bool(s->ir, true);
    if (e->subscript.subs.n != t->like.rank) {
        sema_error(s, DIAG_SUBSCRIPT_COUNT, e->span, "`%s` is %s and takes %u subscript%s, not %u",
                   sema_name(s, t->ent->name), sema_shape_text(s, &t->like), t->like.rank,
                   t->like.rank == 1 ? "" : "s", e->subscript.subs.n);
        return 0;
    }
    for (uint32_t k = 0; k < t->like.rank; k++) {
        const Expr *sub = e->subscript.subs.at[k];
        if (!sub || sub->kind == EXPR_RANGE) {
            Diag *d = sema_error(s, DIAG_ACT, e->span, "an event changes single elements, or all of them");
            sema_help(s, d, "say which with an index: `x[j] = …` is every j");
            return 0;
        }
        if (sub->kind == EXPR_NAME && index_is_undeclared(s, scope, sub->name.name)) {
            IndexVar var = {.name = sub->name.name, .span = sub->span, .known = true, .lo = t->like.axis[k].lo,
                            .hi = t->like.axis[k].lo + (int64_t)val_extent(s, &t->like, k) - 1};
            out->axis[k].idx = index_enter(s, scope, &var);
            ++*entered;
            continue;
        }
        out->axis[k].idx = ir_fresh(s->ir, val_extent(s, &t->like, k), 0);
        Val v = sema_expr(s, scope, sub);
        if (v.kind == VAL_POISON) return 0;
        if (!val_ok(&v) || v.rank || val_type(s, &v) != IR_INT) {
            sema_error(s, DIAG_SUBSCRIPT_TYPE, sub->span, "a subscript is an integer, and this is %s",
                       sema_shape_text(s, &v));
            return 0;
        }
        IrTerm place = sema_place(s, &t->like, k, v.body, sub->span);
        if (!place) return 0;
        condition = ir_op2(s->ir, IR_AND, condition,
                           ir_op2(s->ir, IR_EQ, ir_idx(s->ir, out->axis[k].idx), place));
    }
    return condition;
}

Val join_target_value(Join *j, Scope *scope, const Target *t, const Expr *e, IrTerm *condition) {
    Sema *s = j->s;
    Val out = val_fresh_axes(s, &t->like);
    uint32_t entered = 0;
    *condition = 0;
    if (t->element && !(*condition = element_condition(j, scope, t, &out, &entered))) {
        index_leave(s, entered);
        return val_poison();
    }
    Val v = sema_expr(s, scope, e);
    index_leave(s, entered);
    if (!val_ok(&v)) return val_poison();
    bool integer = ir_def(s->ir, t->def)->elem == IR_I64;
    if (val_type(s, &v) == IR_BOOL || (integer && val_type(s, &v) != IR_INT)) {
        sema_error(s, DIAG_ACT, e->span, "`%s` is %s, and this is %s", sema_name(s, t->ent->name),
                   integer ? "an integer" : "a number", sema_type_text(val_type(s, &v)));
        return val_poison();
    }
    if (v.rank && (t->element || !val_same_shape(s, &t->like, &v))) {
        sema_error(s, DIAG_ACT, e->span, "`%s` is %s, and this is %s",
                   t->element ? sema_span_text(s, t->element->span) : sema_name(s, t->ent->name),
                   t->element ? "a number" : sema_shape_text(s, &t->like), sema_shape_text(s, &v));
        return val_poison();
    }
    if (!integer) v = val_to_real(s, v);
    out.body = v.rank ? val_aligned(s, &out, &v) : v.body;
    return out;
}

typedef VEC(SemaAct) Acts;

/* Assignments to elements of one tensor become one assignment to the tensor. */
static void add_act(Join *j, Acts *acts, const Target *t, Val v, IrTerm condition, Span span) {
    Sema *s = j->s;
    SemaAct *act = NULL;
    for (uint32_t k = 0; k < acts->n; k++)
        if (acts->at[k].target == t->def) act = &acts->at[k];
    if (act && !condition) {
        Diag *d = sema_error(s, DIAG_TWICE, span, "`%s` takes two values at once", sema_name(s, t->ent->name));
        sema_note(s, d, act->span, "it takes one here");
        return;
    }
    IrTerm at[IR_MAX_RANK];
    Val before = v;
    for (uint32_t k = 0; k < v.rank; k++) at[k] = ir_idx(s->ir, v.axis[k].idx);
    if (act) {
        IrIdx axes[IR_MAX_RANK];
        for (uint32_t k = 0; k < v.rank; k++) axes[k] = ir_axis(s->ir, k, val_extent(s, &v, k));
        before.body = ir_subst(s->ir, act->value, axes, at, v.rank);
    } else {
        before.body = ir_read(s->ir, t->def, at, v.rank);
    }
    if (condition) v.body = ir_select(s->ir, event_at_element(j, condition), event_at_element(j, v.body), before.body);
    v.body = event_at_element(j, v.body);
    if (act)
        act->value = val_close(s, &v);
    else
        vec_push(acts, (SemaAct){t->ent->name, span, t->def, val_close(s, &v)});
}

static void add_stop(Join *j, const Stmt *st, SemaEvent *event) {
    int64_t times = 1;
    if (st->stop.after && !sema_const_int(j->s, j->body, st->stop.after, &times, "how often the event happens")) return;
    if (times < 1)
        sema_error(j->s, DIAG_NUMBER_RANGE, st->stop.after->span, "an event happens at least once, and this is %lld",
                   (long long)times);
    else
        event->stop_after = (uint64_t)times;
}

static void body(Join *j, const Stmt *st, SemaEvent *event) {
    Sema *s = j->s;
    Acts acts = {0};
    for (uint32_t k = 0; k < st->when.items.n; k++) {
        const Stmt *item = st->when.items.at[k];
        if (item->kind == STMT_STOP) add_stop(j, item, event);
        if (item->kind == STMT_RECORD || item->kind == STMT_PRINT || item->kind == STMT_PLOT) join_output(j, item);
        if (item->kind != STMT_ACT) continue;
        Scope *scope = scope_new(s, SCOPE_LOCAL, j->body);
        Target target;
        IrTerm condition;
        if (!join_target(j, scope, item->act.target, &target)) continue;
        Val v = join_target_value(j, scope, &target, item->act.value, &condition);
        if (val_ok(&v)) add_act(j, &acts, &target, v, condition, item->span);
    }
    event->n_acts = acts.n;
    event->acts = acts.n ? arena_copy(s->arena, acts.at, acts.n * sizeof *acts.at) : NULL;
    vec_free(&acts);
}

/* The element that crossed and the number of times, as the body sees them. */
static void bind_body(Join *j, const Val *difference, SemaEvent *event, EventBody *out) {
    Sema *s = j->s;
    Names *names = s->session->names;
    event->element = ir_input(s->ir, name_of(names, "element"), IR_ROLE_NONE, IR_I64, 0, NULL);
    event->count = ir_input(s->ir, name_of(names, "count"), IR_ROLE_NONE, IR_I64, 0, NULL);
    ir_mark_volatile(s->ir, event->element);
    ir_mark_volatile(s->ir, event->count);
    IrTerm rest = ir_read0(s->ir, event->element);
    *out = (EventBody){.number = j->events.n + 1, .n = difference->rank};
    for (uint32_t k = difference->rank; k-- > 0;) {
        IrTerm extent = ir_int(s->ir, (int64_t)val_extent(s, difference, k));
        out->index[k] = difference->axis[k].idx;
        out->element[k] = k ? ir_op2(s->ir, IR_IMOD, rest, extent) : rest;
        rest = ir_op2(s->ir, IR_IDIV, rest, extent);
    }
    Name count = name_of(names, "count");
    const Ent *ent = scope_find_declared(s, j->body, count);
    if (!ent) scope_bind(s, j->body, count, (Span){0}, val_scalar(ir_read0(s->ir, event->count)));
}

static const char *event_text(Join *j, const Stmt *st) {
    Sema *s = j->s;
    return arena_printf(s->arena, "%s = %s%s", sema_span_text(s, st->when.a->span),
                        sema_span_text(s, st->when.b->span),
                        st->when.direction > 0   ? " rising"
                        : st->when.direction < 0 ? " falling"
                                                 : "");
}

void join_event(Join *j, const Stmt *st) {
    Sema *s = j->s;
    if (!st->when.a || !st->when.b) return;
    Scope *outer = j->body, *inner = scope_new(s, SCOPE_LOCAL, outer);
    Val difference;
    if (!equation(j, st, inner, &difference)) return;
    SemaEvent event = {.span = st->span, .text = event_text(j, st), .direction = st->when.direction};
    EventBody at;
    uint32_t entered = difference.rank, records = j->records.n, errors = s->session->n_errors;
    j->body = inner;
    scope_collect(s, inner, st->when.items);
    bind_body(j, &difference, &event, &at);
    j->event = &at;
    body(j, st, &event);
    j->event = NULL;
    j->body = outer;
    index_leave(s, entered);
    event.value = checked_value(j, st, &difference);
    bool idle = !event.n_acts && !event.stop_after && j->records.n == records && s->session->n_errors == errors;
    if (idle) {
        Diag *d = sema_error(s, DIAG_EVENT, st->span, "nothing is done at this event");
        sema_help(s, d, "`record t, x`, `print`, `stop`, or a change of the state such as `x' = -x'`");
    }
    if (event.value) vec_push(&j->events, event);
}
