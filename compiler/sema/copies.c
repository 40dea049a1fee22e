/* copies — `run … over 100 copies { θ[0] from linspace(0, 3) }`: how many, what each starts from, and what is said of
 * all of them when they have ended. A copy is the run itself with another number in an integer, `copy`: what it starts
 * from is a function of that, and of noise of its own. A reduction over `copy` reads what every copy has left. */
#include "run.h"

void join_copies(Join *j, const Stmt *st) {
    Sema *s = j->s;
    int64_t n = 1;
    if (st->run.over && sema_const_int(s, j->unit->scope, st->run.over, &n, "the number of copies")) {
        if (n < 1 || n > 1000000000) {
            sema_error(s, DIAG_RUN_DURATION, st->run.over->span,
                       n < 1 ? "a run is over at least one copy, and this is %lld"
                             : "a run is over at most 10^9 copies, and this is %lld",
                       (long long)n);
            n = 1;
        }
        j->run->copies = (uint64_t)n;
    }
    Names *names = s->session->names;
    j->run->copy = ir_input(s->ir, name_of(names, "copy"), IR_ROLE_NONE, IR_I64, 0, NULL);
    if (!j->run->copies) return;
    const char *const text[] = {"copy", "copies"};
    const IrTerm value[] = {ir_read0(s->ir, j->run->copy), ir_int(s->ir, n)};
    for (uint32_t k = 0; k < 2; k++)
        if (!scope_find_declared(s, j->body, name_of(names, text[k])))
            scope_bind(s, j->body, name_of(names, text[k]), (Span){0}, val_scalar(value[k]));
}

/* ---- what each starts from ---- */

/* `linspace(a, b)` and `logspace(a, b)`: from a, of the first copy, to b, of the last, in equal steps or ratios. Both
 * ends are met exactly. */
static bool is_spaced(Join *j, const Expr *e, bool *logarithmic) {
    if (e->kind != EXPR_CALL || e->call.callee->kind != EXPR_NAME) return false;
    const char *name = sema_name(j->s, e->call.callee->name.name);
    *logarithmic = !strcmp(name, "logspace");
    return (*logarithmic || !strcmp(name, "linspace")) &&
           !scope_find_declared(j->s, j->body, e->call.callee->name.name);
}

/* a (1 - s) + b s, or a^(1 - s) b^s, as an expression of the language over the names `copy` and `copies`. */
static Val spaced(Join *j, Scope *scope, const Expr *e, bool logarithmic) {
    Sema *s = j->s;
    IrProgram *p = s->ir;
    const ArgList args = e->call.args;
    if (args.n != 2 || args.at[0].name || args.at[1].name) {
        Diag *d = sema_error(s, DIAG_ARG_COUNT, e->span, "this takes the value of the first copy and that of the last");
        sema_help(s, d, "write `from %s(0.1, 2)`", logarithmic ? "logspace" : "linspace");
        return val_poison();
    }
    Val a = sema_real_expr(s, scope, args.at[0].value), b = sema_real_expr(s, scope, args.at[1].value);
    if (!val_ok(&a) || !val_ok(&b)) return val_poison();
    if (!j->run->copies || j->run->copies == 1) return a;
    double last = (double)(j->run->copies - 1);
    IrTerm number = ir_to_real(p, ir_read0(p, j->run->copy));
    IrTerm part = ir_div(p, number, ir_real(p, last)), rest = ir_div(p, ir_sub(p, ir_real(p, last), number), ir_real(p, last));
    BinaryOp weigh = logarithmic ? BINARY_POW : BINARY_MUL, join = logarithmic ? BINARY_MUL : BINARY_ADD;
    Span sa = args.at[0].value->span, sb = args.at[1].value->span;
    Val left = sema_binary(s, weigh, e->span, a, val_scalar(rest), sa, sa);
    Val right = sema_binary(s, weigh, e->span, b, val_scalar(part), sb, sb);
    if (!val_ok(&left) || !val_ok(&right)) return val_poison();
    return sema_binary(s, join, e->span, left, right, sa, sb);
}

/* The start term that a target has, to be replaced. */
static IrTerm *slot_of(Join *j, const Target *t) {
    for (uint32_t k = 0; k < j->vars.n; k++) {
        if (j->vars.at[k] != t->ent) continue;
        return t->def == t->ent->q ? &j->out->vars[k].init : &j->out->vars[k].init_v;
    }
    for (uint32_t k = 0; k < j->states.n; k++) {
        SemaState *state = &j->states.at[k];
        if (state->s != t->def) continue;
        state->held = false;
        return &state->start;
    }
    return NULL;
}

static void add_start(Join *j, const Stmt *st) {
    Sema *s = j->s;
    Scope *scope = scope_new(s, SCOPE_LOCAL, j->body);
    Target t;
    IrTerm condition;
    bool logarithmic;
    if (!join_target(j, scope, st->start.target, &t)) return;
    Val v;
    const Expr *value = st->start.value;
    if (is_spaced(j, value, &logarithmic)) {
        Val spaced_value = spaced(j, scope, value, logarithmic);
        if (!val_ok(&spaced_value)) return;
        Name name = name_of(s->session->names, "(the copy's value)");
        scope_bind(s, scope, name, value->span, spaced_value);
        const Expr read = {.kind = EXPR_NAME, .span = value->span, .depth = 1, .name.name = name};
        v = join_target_value(j, scope, &t, &read, &condition);
    } else {
        v = join_target_value(j, scope, &t, value, &condition);
    }
    IrTerm *slot = val_ok(&v) ? slot_of(j, &t) : NULL;
    if (!slot) return;
    if (condition) {
        IrIdx axes[IR_MAX_RANK];
        IrTerm at[IR_MAX_RANK];
        for (uint32_t k = 0; k < v.rank; k++) {
            axes[k] = ir_axis(s->ir, k, val_extent(s, &v, k));
            at[k] = ir_idx(s->ir, v.axis[k].idx);
        }
        bool integer = ir_node(s->ir, v.body)->type == IR_INT;
        IrTerm declared = *slot ? ir_subst(s->ir, *slot, axes, at, v.rank)
                                : integer ? ir_int(s->ir, 0) : ir_real(s->ir, 0);
        v.body = ir_select(s->ir, condition, v.body, declared);
    }
    *slot = val_close(s, &v);
}

void join_starts(Join *j, StmtList items) {
    j->starting = true;
    for (uint32_t k = 0; k < items.n; k++)
        if (items.at[k]->kind == STMT_START) add_start(j, items.at[k]);
    j->starting = false;
}

/* ---- what is said of all ---- */

bool copies_is_reduction(Sema *s, Scope *scope, const Expr *e) {
    const BinderList binders = e->reduce.binders;
    if (!s->run || !s->run->copies || binders.n != 1) return false;
    const Binder *b = &binders.at[0];
    Name copy = name_of(s->session->names, "copy");
    return b->name == copy && !b->extent && !b->set && !scope_find_declared(s, s->run->scope->parent, copy) &&
           scope_find(s, scope, copy);
}

/* The value of every copy: `copy` is set to the index over them, made by the first call. */
Val copies_gather(Sema *s, Val v, Span span, IrIdx *copy) {
    IrProgram *p = s->ir;
    if (!val_ok(&v)) return val_poison();
    if (!s->run->comparing) {
        Diag *d = sema_error(s, DIAG_COPIES, span, "copies run one beside the other, and none sees the others");
        sema_help(s, d, "`expect` and `print` at the end look at all of them: `print mean[copy](x)`");
        return val_poison();
    }
    IrIdx axes[IR_MAX_RANK];
    IrTerm at[IR_MAX_RANK];
    uint64_t extent[IR_MAX_RANK] = {s->run->copies};
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->active.n + v.rank; k++) {
        IrIdx idx = k < s->active.n ? s->active.at[k] : v.axis[k - s->active.n].idx;
        if (k < s->active.n && !ir_uses_index(p, v.body, idx)) continue;
        if (n + 1 == IR_MAX_RANK) return val_poison();
        axes[n] = idx;
        at[n + 1] = ir_idx(p, idx);
        extent[++n] = ir_index(p, idx)->extent;
    }
    bool truth = val_type(s, &v) == IR_BOOL;
    IrDef value = ir_define(p, 0, IR_F64, axes, n, ir_to_real(p, v.body));
    IrDef all = ir_input(p, 0, IR_ROLE_NONE, IR_F64, n + 1, extent);
    vec_push(&s->run->gathers, (SemaGather){value, all});
    if (!*copy) *copy = ir_fresh(p, s->run->copies, name_of(s->session->names, "copy"));
    at[0] = ir_idx(p, *copy);
    v.body = ir_read(p, all, at, n + 1);
    if (truth) v.body = ir_op2(p, IR_NE, v.body, ir_real(p, 0));
    return v;
}

void join_check_gathers(Join *j) {
    for (uint32_t k = 0; k < j->records.n; k++) {
        const SemaRecord *record = &j->records.at[k];
        bool later = record->form == RECORD_PRINT && record->unit == EVERY_NONE && !record->event;
        for (uint32_t g = 0; g < j->run->gathers.n && !later; g++)
            if (ir_def_depends(j->s->ir, record->value, j->run->gathers.at[g].all))
                sema_error(j->s, DIAG_COPIES, record->span, "copies run one beside the other, and none sees the others");
    }
}
