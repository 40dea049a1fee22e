/* dynamics — how it moves: the parameters of a dynamics, what it adds to the Lagrangian, its flows. Needs:
 * the bodies. Gives: hyper-parameters with their values, terms, flows. The names `q`, `p` and `force` stand
 * for the whole block, or under a pattern `on q[i, j]` for one coordinate at a time. */
#include "run.h"

/* ---- what the dynamics speaks of ---- */

typedef struct Speech {
    Name q, p, force, pattern;
    bool block, of_force;
} Speech;

static void hear(void *context, Name name) {
    Speech *speech = context;
    if (name == speech->q || name == speech->p || name == speech->force) speech->block = true;
    if (name == speech->force) speech->of_force = true;
}

static void hear_items(StmtList items, Speech *speech);

static void hear_stmt(const Stmt *st, Speech *speech) {
    if (st->kind == STMT_DECLARE)
        for (uint32_t d = 0; d < st->declare.n; d++) {
            index_each_name(st->declare.at[d].init, hear, speech);
            index_each_name(st->declare.at[d].start, hear, speech);
        }
    if (st->kind == STMT_TERM) {
        index_each_name(st->term.value, hear, speech);
        index_each_name(st->term.rhs, hear, speech);
    }
    if (st->kind == STMT_FLOW) {
        hear_items(st->flow.items, speech);
        for (uint32_t k = 0; k < st->flow.items.n; k++) {
            const Stmt *rate = st->flow.items.at[k];
            if (rate->kind != STMT_DECLARE) continue;
            for (uint32_t d = 0; d < rate->declare.n; d++) hear(speech, rate->declare.at[d].name);
        }
    }
    if (st->kind == STMT_STEP && st->step.by) index_each_name(st->step.by, hear, speech);
    if (st->kind == STMT_FN) index_each_name(st->fn.body, hear, speech);
}

static void hear_items(StmtList items, Speech *speech) {
    for (uint32_t k = 0; k < items.n; k++) hear_stmt(items.at[k], speech);
}

void join_listen_to(Join *j, const Stmt *st) {
    Names *names = j->s->session->names;
    Speech speech = {.q = name_of(names, "q"), .p = name_of(names, "p"), .force = name_of(names, "force")};
    hear_items(st->dynamics.items, &speech);
    j->block |= speech.block && !st->dynamics.has_pattern;
    j->speaks_of_force |= speech.of_force;
    if (push_is_said(j->st->run.items)) {
        j->speaks_of_force = true;
        j->block |= !st->dynamics.has_pattern;
    }
}

bool join_speaks_of(const Stmt *dynamics, Name name) {
    Speech speech = {.q = name};
    StmtList items = dynamics->dynamics.items;
    for (uint32_t k = 0; k < items.n; k++)
        if (items.at[k]->kind != STMT_STEP) hear_stmt(items.at[k], &speech);
    return speech.block;
}

/* ---- parameters ---- */

static const Arg *find_arg(ArgList args, Name name, uint32_t position) {
    for (uint32_t k = 0; k < args.n; k++)
        if (args.at[k].name == name) return &args.at[k];
    return position < args.n && !args.at[position].name ? &args.at[position] : NULL;
}

/* A number becomes an input whose value is known (so that the same code serves other values); anything else,
 * such as a schedule over the steps, stands for itself. */
static void bind_hyper(Join *j, Scope *scope, const Param *p, Val v, Span span) {
    Sema *s = j->s;
    double value;
    if (!val_ok(&v) || v.rank || val_type(s, &v) == IR_BOOL || !sema_const_term(s, v.body, &value)) {
        if (v.kind == VAL_POISON) j->failed = true;
        scope_bind(s, scope, p->name, p->span, v);
        return;
    }
    Name name = !j->n_groups ? p->name
                             : name_of(s->session->names, arena_printf(s->arena, "%s%s", sema_name(s, p->name), j->suffix));
    SemaHyper hyper = {.name = name, .span = span, .value = value};
    hyper.def = ir_scalar_input(s->ir, name, IR_ROLE_HYPER);
    vec_push(&j->hypers, hyper);
    vec_push(&s->hypers, hyper);
    scope_bind(s, scope, p->name, p->span, val_scalar(ir_read0(s->ir, hyper.def)));
}

/* The same argument twice, by name, or by place and name. */
static bool no_twice(Join *j, ArgList args, ParamList params) {
    Sema *s = j->s;
    for (uint32_t k = 1; k < args.n; k++)
        for (uint32_t b = 0; b < k && args.at[k].name; b++) {
            Name before = args.at[b].name ? args.at[b].name : b < params.n ? params.at[b].name : 0;
            if (before != args.at[k].name) continue;
            Diag *d = sema_error(s, DIAG_ARG_NAME, args.at[k].span, "the argument `%s` is given twice",
                                 sema_name(s, before));
            sema_note(s, d, args.at[b].span, "given here before");
            return false;
        }
    return true;
}

static bool no_stranger(Join *j, ArgList args, ParamList params, const Ent *ent, Span span) {
    Sema *s = j->s;
    bool ok = true;
    for (uint32_t k = 0; k < args.n; k++) {
        bool found = !args.at[k].name && k < params.n;
        for (uint32_t p = 0; p < params.n; p++) found = found || params.at[p].name == args.at[k].name;
        if (found) continue;
        ok = false;
        if (!args.at[k].name) {
            Diag *d = sema_error(s, DIAG_ARG_COUNT, span, "`%s` takes %u argument%s, and %u are given",
                                 sema_name(s, ent->name), params.n, params.n == 1 ? "" : "s", args.n);
            sema_note(s, d, ent->span, "declared here");
            break;
        }
        const char **names = base_calloc(params.n + 1, sizeof *names);
        for (uint32_t p = 0; p < params.n; p++) names[p] = sema_name(s, params.at[p].name);
        Diag *d = sema_error(s, DIAG_ARG_NAME, args.at[k].span, "`%s` has no parameter `%s`",
                             sema_name(s, ent->name), sema_name(s, args.at[k].name));
        const char *near = diag_nearest(sema_name(s, args.at[k].name), names, params.n);
        sema_note(s, d, ent->span, "declared here");
        if (near) sema_help(s, d, "did you mean `%s`?", near);
        free(names);
    }
    return ok;
}

void join_bind_params(Join *j, Scope *scope, Scope *from, ArgList args, ParamList params, const Ent *ent,
                      Span span, bool hyper) {
    Sema *s = j->s;
    if (!no_stranger(j, args, params, ent, span) || !no_twice(j, args, params)) j->failed = true;
    for (uint32_t k = 0; k < params.n; k++) {
        const Param *p = &params.at[k];
        const Arg *arg = find_arg(args, p->name, k);
        Val v = val_poison();
        if (arg) {
            v = sema_expr(s, from, arg->value);
        } else if (p->init) {
            v = sema_expr(s, scope, p->init);
        } else {
            Diag *d = sema_error(s, DIAG_ARG_COUNT, span, "`%s` needs its argument `%s`",
                                 sema_name(s, ent->name), sema_name(s, p->name));
            sema_note(s, d, p->span, "declared here");
        }
        if (arg && v.kind == VAL_STRING) {
            sema_error(s, DIAG_TYPE, arg->value->span, "`%s` of `%s` is a number, and this is a text",
                       sema_name(s, p->name), sema_name(s, ent->name));
            v = val_poison();
        }
        if (v.kind == VAL_POISON) j->failed = true;
        if (hyper)
            bind_hyper(j, scope, p, v, arg ? arg->span : p->span);
        else
            scope_bind(s, scope, p->name, p->span, v);
    }
}

/* ---- q, p, force ---- */

static Val read_like(Join *j, IrDef def, const Val *like) { return val_read(j->s, def, like); }

IrDef join_force(Join *j, IrDef q) {
    Sema *s = j->s;
    SemaRun *out = j->out;
    IrTerm energy = out->potential.term     ? out->potential.term
                    : out->lagrangian.term  ? ir_neg(s->ir, out->lagrangian.term)
                    : out->hamiltonian.term ? out->hamiltonian.term
                                            : ir_real(s->ir, 0);
    energy = join_blocked(j, energy);
    uint32_t errors = s->session->n_errors;
    IrDef grad;
    ir_at(s->ir, out->potential.term ? out->potential.span : j->st->span);
    if (!calc_gradient(s->ir, energy, &q, 1, &grad)) {
        if (s->session->n_errors == errors)
            sema_error(s, DIAG_NO_DERIVATIVE, out->potential.span,
                       "the potential has no derivative by the coordinates");
        j->failed = true;
        return 0;
    }
    return grad;
}

static void bind_motion(Join *j, Part *part, const Stmt *st) {
    Sema *s = j->s;
    Names *names = s->session->names;
    Val q, v, p, like = {.kind = VAL_TENSOR};
    Name name = st->dynamics.has_pattern ? st->dynamics.pattern.name : name_of(names, "q");
    IrDef q_def = part->on ? part->on->q : j->q;
    if (!q_def) return;
    if (part->on) like = part->on->val;
    like = part->on ? part->on->val : read_like(j, j->q, NULL);
    for (uint32_t k = 0; k < like.rank && !part->on; k++) like.axis[k].full = val_extent(s, &like, k);
    q = read_like(j, q_def, &like);
    v = read_like(j, part->on ? sema_var_v(s, part->on) : j->v, &like);
    p = read_like(j, part->on ? sema_var_p(s, part->on) : j->p, &like);
    Ent *ent = scope_bind(s, part->scope, name, st->dynamics.name_span, q);
    if (ent && part->on) {
        ent->kind = ENT_VAR;
        *ent = (Ent){.kind = ENT_VAR,
                     .state = ENT_DONE,
                     .name = name,
                     .span = ent->span,
                     .scope = part->scope,
                     .decl = part->on->decl,
                     .decl_kind = part->on->decl_kind,
                     .val = q,
                     .q = q_def,
                     .v = part->on->v,
                     .p = part->on->p,
                     .support = part->on->support,
                     .next = ent->next};
    } else if (ent) {
        ent->q = q_def;
        ent->v = j->v;
        (void)v;
    }
    scope_bind(s, part->scope, name_of(names, "p"), st->dynamics.name_span, p);
    if (j->speaks_of_force) {
        IrDef grad = join_force(j, q_def);
        Val force = grad ? read_like(j, grad, &like) : val_poison();
        if (grad) force.body = ir_neg(s->ir, force.body);
        push_force(j, part, force, st);
    }
}

/* ---- terms of the dynamics ---- */

static void dynamics_scalars(Join *j, Part *part, StmtList items, TermKind kind) {
    for (uint32_t k = 0; k < items.n; k++) {
        const Stmt *st = items.at[k];
        if (st->kind != STMT_TERM || st->term.kind != kind) continue;
        IrTerm t = join_scalar(j, part->scope, st->term.value, join_quoted(j, kind));
        SemaTerm *slot = join_slot(j, kind);
        bool again =
            slot->from_dynamics && slot->term && part != j->parts && slot->span.start == st->span.start;
        bool same = t && slot->term == t && slot->from_dynamics && j->composed.n; /* composed twice, said once */
        if (same) continue;
        if (again && t)
            slot->term =
                ir_add(j->s->ir, slot->term, t); /* the same term for the next coordinate of a pattern */
        else
            join_term(j, slot, join_term_name(kind), t, st->span, true);
        if (t) join_bind_term(j, part->scope, join_term_name(kind), t);
    }
}

static void metric_term(Join *j, Part *part, StmtList items) {
    for (uint32_t k = 0; k < items.n; k++) {
        const Stmt *st = items.at[k];
        if (st->kind != STMT_TERM || st->term.kind != TERM_METRIC) continue;
        Val v = sema_real_expr(j->s, part->scope, st->term.value);
        join_term(j, &j->out->metric, "metric", val_ok(&v) ? val_close(j->s, &v) : 0, st->span, true);
    }
}

/* `proposal[i] = …`: a value for every element of q. */
static void proposal(Join *j, Part *part, const Stmt *st) {
    Val like = val_poison();
    Ent *q = scope_own(part->scope, name_of(j->s->session->names, "q"));
    if (q) like = q->val;
    if (!st->term.has_axes || !val_ok(&like)) {
        if (sema_expr(j->s, part->scope, st->term.value).kind == VAL_POISON) j->failed = true;
        return;
    }
    Declarator d = {
        .span = st->span, .name_span = st->span, .name = q->name, .has_axes = true, .axes = st->term.axes};
    Val v = state_value(j, part, &d, &like, st->term.value, "proposal");
    if (!val_ok(&v)) j->failed = true;
}

static void other_terms(Join *j, Part *part, StmtList items) {
    for (uint32_t k = 0; k < items.n; k++) {
        const Stmt *st = items.at[k];
        if (st->kind == STMT_TILDE) {
            sema_error(j->s, DIAG_NOT_HERE, st->span,
                       "`~` belongs to a system: it says what things are, not how they move");
        } else if (st->kind == STMT_TERM &&
                   (st->term.kind == TERM_PROPOSAL || st->term.kind == TERM_ACCEPT)) {
            proposal(j, part, st);
            if (!j->out->missing) {
                j->out->missing = "sampling by accept and reject";
                j->out->missing_span = st->span;
            }
        } else if (st->kind == STMT_TERM &&
                   (st->term.kind == TERM_FORCE || st->term.kind == TERM_CONSTRAINT)) {
            sema_error(j->s, DIAG_NOT_HERE, st->span,
                       "`%s` belongs to a system: it says what things are, not how they move",
                       join_term_name(st->term.kind));
        }
    }
}

/* ---- flows ---- */

static bool flow_target(Join *j, Part *part, const Declarator *d, IrDef *def, Val *like) {
    Sema *s = j->s;
    const char *name = sema_name(s, d->name);
    Ent *ent = scope_find(s, part->scope, d->name);
    if (ent && ent->kind == ENT_STATE) {
        *def = ent->q;
        *like = ent->val;
    } else if (d->name == name_of(s->session->names, "p") && ent && ent->kind == ENT_VALUE) {
        *def = part->on ? sema_var_p(s, part->on) : j->p;
        *like = ent->val;
    } else if (ent && (ent->kind == ENT_VAR || ent->q)) {
        *def = ent->q;
        *like = ent->val;
    } else {
        Diag *e = sema_error(s, DIAG_FLOW, d->name_span,
                             "a flow moves `q`, `p`, a coordinate or a state, and `%s` is %s", name,
                             ent ? sema_ent_kind_text(ent) : "none of these");
        if (ent) sema_note(s, e, ent->span, "declared here");
        return false;
    }
    return *def != 0;
}

static void add_flow(Join *j, Part *part, const Stmt *st) {
    Sema *s = j->s;
    SemaFlow flow = {.name = st->flow.name, .span = st->span};
    if (part->suffix[0]) {
        const char *name = arena_printf(s->arena, "%s%s", sema_name(s, flow.name), part->suffix);
        flow.name = name_of(s->session->names, name);
    }
    uint32_t most = 0;
    for (uint32_t k = 0; k < st->flow.items.n; k++)
        if (st->flow.items.at[k]->kind == STMT_DECLARE) most += st->flow.items.at[k]->declare.n;
    flow.target = ARENA_ARRAY(s->arena, IrDef, most + 1);
    flow.rate = ARENA_ARRAY(s->arena, IrTerm, most + 1);
    flow.at_once = ARENA_ARRAY(s->arena, bool, most + 1);
    for (uint32_t k = 0; k < st->flow.items.n; k++) {
        const Stmt *item = st->flow.items.at[k];
        for (uint32_t d = 0; item->kind == STMT_DECLARE && d < item->declare.n; d++) {
            const Declarator *decl = &item->declare.at[d];
            Val like;
            if (!flow_target(j, part, decl, &flow.target[flow.n], &like)) {
                j->failed = true;
                continue;
            }
            flow.at_once[flow.n] = !decl->primes;
            Val v = state_value(j, part, decl, &like, decl->init, decl->primes ? "rate" : "new value");
            if (!val_ok(&v)) {
                j->failed = true;
                continue;
            }
            flow.rate[flow.n++] = val_close(s, &v);
        }
    }
    vec_push(&j->flows, flow);
}

/* ---- parts ---- */

bool join_make_parts(Join *j, const Stmt *st) {
    Sema *s = j->s;
    if (!st->dynamics.has_pattern) {
        j->n_parts = 1;
        j->parts = ARENA_ARRAY(s->arena, Part, 1);
        j->parts[0] = (Part){NULL, NULL, j->suffix};
        return true;
    }
    uint32_t rank = st->dynamics.pattern.has_axes ? st->dynamics.pattern.axes.n : 0;
    j->parts = ARENA_ARRAY(s->arena, Part, j->vars.n + 1);
    for (uint32_t k = j->first_var; k < j->first_var + j->n_moved; k++) {
        Ent *ent = j->vars.at[k];
        if (ent->val.rank != rank) {
            Diag *d = sema_error(s, DIAG_PATTERN, j->out->dynamics_span,
                                 "`%s` moves coordinates of %u ax%ss, and `%s` has %u",
                                 sema_name(s, j->out->dynamics), rank, rank == 1 ? "i" : "e",
                                 sema_name(s, ent->name), ent->val.rank);
            sema_note(s, d, ent->span, "declared here");
            sema_note(s, d, st->dynamics.name_span, "the dynamics is declared here");
            return false;
        }
        j->parts[j->n_parts++] =
            (Part){NULL, ent, j->vars.n == 1 && !j->n_groups ? "" : arena_printf(s->arena, "_%s", sema_name(s, ent->name))};
    }
    return true;
}

/* The arguments of the call are elaborated once, and bound in the scope of every part. */
static void bind_params(Join *j, const Stmt *st) {
    static const ArgList none = {NULL, 0};
    const Expr *call = j->call;
    ArgList args = call->kind == EXPR_CALL ? call->call.args : none;
    j->params = scope_new(j->s, SCOPE_DYNAMICS, j->run->dynamics->scope);
    join_bind_params(j, j->params, j->body, args, st->dynamics.params, j->run->dynamics, call->span, true);
}

void join_part(Join *j, Part *part, const Stmt *st) {
    StmtList items = st->dynamics.items;
    part->scope = scope_new(j->s, SCOPE_DYNAMICS, j->params);
    scope_collect(j->s, part->scope, items);
    bind_motion(j, part, st);
    join_bind_term(j, part->scope, "potential", join_blocked(j, j->out->potential.term));
    if (!j->out->kinetic.from_dynamics)
        join_bind_term(j, part->scope, "kinetic", join_blocked(j, j->out->kinetic.term));
    if (!j->out->dissipation.from_dynamics)
        join_bind_term(j, part->scope, "dissipation", join_blocked(j, j->out->dissipation.term));
    if (!j->out->temperature.from_dynamics)
        join_bind_term(j, part->scope, "temperature", join_blocked(j, j->out->temperature.term));
    if (j->failed) return;
    join_states(j, part, items);
    static const TermKind kinds[] = {TERM_LAGRANGIAN, TERM_HAMILTONIAN, TERM_KINETIC,
                                     TERM_POTENTIAL,  TERM_DISSIPATION, TERM_TEMPERATURE};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) dynamics_scalars(j, part, items, kinds[k]);
    metric_term(j, part, items);
    other_terms(j, part, items);
    for (uint32_t k = 0; k < items.n; k++)
        if (items.at[k]->kind == STMT_FLOW) add_flow(j, part, items.at[k]);
}

void join_listen(Join *j) {
    if (!j->run->dynamics) return;
    join_listen_to(j, j->run->dynamics->stmt);
    compose_listen(j);
}

void join_dynamics(Join *j) {
    if (!j->run->dynamics) return;
    const Stmt *st = j->run->dynamics->stmt;
    bind_params(j, st);
    if (j->failed || !join_make_parts(j, st)) {
        j->failed = true;
        return;
    }
    for (uint32_t k = 0; k < j->n_parts; k++) join_part(j, &j->parts[k], st);
    if (!j->failed) compose_open(j);
}
