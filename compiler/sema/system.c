/* system — what is: the terms of a system, `~` statements added to the potential. Needs: the system's scope.
 * Gives: terms over the declared coordinates, forces and constraints. */
#include "run.h"

const char *join_term_name(TermKind kind) {
    static const char *const names[] = {"kinetic",    "potential",   "dissipation", "force",
                                        "constraint", "temperature", "lagrangian",  "hamiltonian",
                                        "metric",     "proposal",    "accept",      "law",
                                        "force"};
    return names[kind];
}

const char *join_quoted(Join *j, TermKind kind) {
    return arena_printf(j->s->arena, "`%s`", join_term_name(kind));
}

SemaTerm *join_slot(Join *j, TermKind kind) {
    SemaRun *out = j->out;
    switch (kind) {
    case TERM_KINETIC: return &out->kinetic;
    case TERM_POTENTIAL: return &out->potential;
    case TERM_DISSIPATION: return &out->dissipation;
    case TERM_TEMPERATURE: return &out->temperature;
    case TERM_LAGRANGIAN: return &out->lagrangian;
    case TERM_HAMILTONIAN: return &out->hamiltonian;
    case TERM_METRIC: return &out->metric;
    case TERM_FORCE:
    case TERM_CONSTRAINT:
    case TERM_PROPOSAL:
    case TERM_ACCEPT:
    case TERM_LAW:
    case TERM_PUSH: break;
    }
    return NULL;
}

/* The terms that say what another one says too. */
static const SemaTerm *rival(Join *j, const SemaTerm *slot, const char **what) {
    SemaRun *out = j->out;
    bool part = slot == &out->kinetic || slot == &out->potential;
    if (slot == &out->lagrangian || part || slot == &out->hamiltonian) {
        if (slot != &out->lagrangian && out->lagrangian.term) return *what = "lagrangian", &out->lagrangian;
        if (slot != &out->hamiltonian && out->hamiltonian.term)
            return *what = "hamiltonian", &out->hamiltonian;
    }
    if (slot == &out->lagrangian || slot == &out->hamiltonian) {
        if (out->kinetic.term) return *what = "kinetic", &out->kinetic;
        if (out->potential.term) return *what = "potential", &out->potential;
    }
    return NULL;
}

/* Beside `x' = …` nothing else says what moves. */
static bool law_alone(Join *j, const SemaTerm *slot, const char *what, Span span, bool from_dynamics) {
    if (!j->law.file || slot == &j->out->temperature || slot == &j->out->metric) return true;
    Diag *d = sema_error(j->s, DIAG_TERM_TWICE, from_dynamics ? j->out->dynamics_span : span,
                         "`%s` gives `%s`, but a law of first order says the whole motion",
                         sema_name(j->s, from_dynamics ? j->out->dynamics : j->out->system), what);
    sema_note(j->s, d, j->law, "the law is here");
    if (from_dynamics)
        sema_help(j->s, d, "run a method such as rk4 or dop853, or, for noise of a temperature, euler_maruyama");
    else
        sema_help(j->s, d, "put what is missing into the law, or write the system in energies and forces");
    j->failed = true;
    return false;
}

void join_term(Join *j, SemaTerm *slot, const char *what, IrTerm term, Span span, bool from_dynamics) {
    const char *other = what;
    const SemaTerm *before = slot->term ? slot : rival(j, slot, &other);
    if (!term) {
        j->failed = true;
        return;
    }
    if (!law_alone(j, slot, what, span, from_dynamics)) return;
    if (before && from_dynamics && !before->from_dynamics) {
        Diag *d = sema_error(j->s, DIAG_TERM_TWICE, j->out->dynamics_span,
                             "`%s` gives `%s`, but `%s` gives `%s` already",
                             sema_name(j->s, j->out->dynamics), what, sema_name(j->s, j->out->system), other);
        sema_note(j->s, d, before->span, "by the system, here");
        sema_note(j->s, d, span, "by the dynamics, here");
        sema_help(j->s, d, "a system and a dynamics together say each part of the Lagrangian once");
        j->failed = true;
        return;
    }
    if (before) {
        Diag *d = before == slot ? sema_error(j->s, DIAG_TERM_TWICE, span, "`%s` is given twice", what)
                                 : sema_error(j->s, DIAG_TERM_TWICE, span,
                                              "`%s` is given, but `%s` says it already", what, other);
        sema_note(j->s, d, before->span, "`%s` is given here, by the %s", other,
                  before->from_dynamics ? "dynamics" : "system");
        if (before == slot && before->from_dynamics == from_dynamics)
            sema_help(j->s, d, "add the two: `%s = … + …`", what);
        else
            sema_help(j->s, d, "a system and a dynamics together say each part of the Lagrangian once");
        j->failed = true;
        return;
    }
    *slot = (SemaTerm){term, span, from_dynamics};
}

/* T(p) + V is a Hamiltonian. Mechanics adds the potential. */
void join_momenta(Join *j) {
    SemaTerm *kinetic = &j->out->kinetic;
    bool of_p = false, of_v = false;
    for (uint32_t k = 0; k < j->out->n_bodies && kinetic->term; k++) {
        const SemaBody *body = &j->out->bodies[k];
        of_p = of_p || (body->p && ir_depends(j->s->ir, kinetic->term, body->p));
        of_v = of_v || (body->v && ir_depends(j->s->ir, kinetic->term, body->v));
    }
    if (!of_p) return;
    if (of_v) {
        Diag *d = sema_error(j->s, DIAG_TERM_SHAPE, kinetic->from_dynamics ? join_place(j, kinetic->span) : kinetic->span,
                             "a kinetic energy is a function of the velocities or of the momenta, and this one is of both");
        sema_help(j->s, d, "write it in one of them: T(q') for a Lagrangian, T(p) for a Hamiltonian");
        j->failed = true;
        return;
    }
    j->out->hamiltonian = *kinetic;
    *kinetic = (SemaTerm){0};
}

IrTerm join_scalar(Join *j, Scope *scope, const Expr *e, const char *what) {
    Val v = sema_real_expr(j->s, scope, e);
    if (v.kind == VAL_POISON) return 0;
    if (v.rank == 0) return v.body;
    Diag *d = sema_error(j->s, DIAG_TERM_SHAPE, e->span, "%s is a number, and this is %s", what,
                         sema_shape_text(j->s, &v));
    sema_help(j->s, d, "sum it: `sum(…)`");
    return 0;
}

void join_bind_term(Join *j, Scope *scope, const char *name, IrTerm term) {
    Name n = name_of(j->s->session->names, name);
    if (term && !scope_own(scope, n)) scope_bind(j->s, scope, n, (Span){0}, val_scalar(term));
}

/* ---- forces ---- */

static Val force_value(Join *j, const Stmt *st, const Val *like) {
    Sema *s = j->s;
    if (!st->term.has_axes) return sema_real_expr(s, j->system, st->term.value);
    uint32_t n = st->term.axes.n;
    if (n != like->rank) {
        sema_error(s, DIAG_FORCE_ON, st->span, "`%s` has %u ax%ss, and the %s names %u",
                   sema_name(s, st->term.on), like->rank, like->rank == 1 ? "i" : "e",
                   st->term.kind == TERM_LAW ? "law" : "force", n);
        return val_poison();
    }
    IndexVar vars[IR_MAX_RANK];
    index_vars(s, j->system, st->term.axes.at, n, vars);
    if (!index_no_lists(s, vars, n)) return val_poison();
    Scope *inner = scope_new(s, SCOPE_LOCAL, j->system);
    Val out = *like;
    for (uint32_t k = 0; k < n; k++) {
        int64_t lo = like->axis[k].lo, hi = lo + (int64_t)val_extent(s, like, k) - 1;
        if (vars[k].bad) return val_poison();
        if (vars[k].stated && (vars[k].lo != lo || vars[k].hi != hi)) {
            sema_error(s, DIAG_FORCE_ON, vars[k].span,
                       "the force acts on every element: %lld..%lld, not %lld..%lld", (long long)lo,
                       (long long)hi, (long long)vars[k].lo, (long long)vars[k].hi);
            return val_poison();
        }
        vars[k] = (IndexVar){.name = vars[k].name, .span = vars[k].span, .known = true, .lo = lo, .hi = hi};
        out.axis[k].idx = index_enter(s, inner, &vars[k]);
    }
    Val v = sema_real_expr(s, inner, st->term.value);
    index_leave(s, n);
    if (!val_ok(&v)) return v;
    if (v.rank) {
        sema_error(s, DIAG_TERM_SHAPE, st->term.value->span,
                   "a force on one element is a number, and this is %s", sema_shape_text(s, &v));
        return val_poison();
    }
    out.body = v.body;
    return out;
}

static void add_force(Join *j, const Stmt *st) {
    Sema *s = j->s;
    Ent *on = st->term.on ? scope_find(s, j->system, st->term.on) : NULL;
    if (!on || on->kind != ENT_VAR) {
        if (!st->term.on) {
            Diag *d = sema_error(s, DIAG_FORCE_ON, st->span, "this force does not say on what it acts");
            sema_help(s, d, "write `force on x = …`");
        } else if (!on) {
            scope_unknown(s, j->system, st->term.on, st->span, "coordinate", DIAG_UNKNOWN_NAME);
        } else {
            Diag *d = sema_error(s, DIAG_FORCE_ON, st->span, "%s a coordinate, and `%s` is %s",
                                 st->term.kind == TERM_LAW ? "a law moves" : "a force acts on",
                                 sema_name(s, st->term.on), sema_ent_kind_text(on));
            sema_note(s, d, on->span, "declared here");
        }
        j->failed = true;
        return;
    }
    Val like = sema_ent_value(s, on, st->span);
    Val v = val_ok(&like) ? force_value(j, st, &like) : val_poison();
    if (!val_ok(&v)) {
        j->failed = true;
        return;
    }
    if (v.rank && !val_same_shape(s, &like, &v)) {
        sema_error(s, DIAG_TERM_SHAPE, st->term.value->span, "`%s` is %s, but the %s is %s",
                   sema_name(s, on->name), sema_shape_text(s, &like),
                   st->term.kind == TERM_LAW ? "law of its motion" : "force on it", sema_shape_text(s, &v));
        j->failed = true;
        return;
    }
    Val out = like;
    out.body = v.rank ? val_aligned(s, &like, &v) : v.body;
    for (uint32_t k = 0; k < j->forces.n; k++)
        if (j->forces.at[k].on == on) {
            Diag *d = sema_error(s, DIAG_TERM_TWICE, st->span, "the %s `%s` is given twice",
                                 st->term.kind == TERM_LAW ? "motion of" : "force on", sema_name(s, on->name));
            sema_note(s, d, j->forces.at[k].span, "given here before");
            sema_help(s, d, "add the two");
            return;
        }
    vec_push(&j->forces, (ForceOn){on, out, st->span});
}

/* `x' = f` is short for `force on x = f` and a dissipation ½ Σ x'²: without inertia, ∂R/∂x' = f. */
static void add_law(Join *j, const Stmt *st) {
    Sema *s = j->s;
    SemaTerm *friction = &j->out->dissipation;
    add_force(j, st);
    if (j->failed) return;
    Val v = sema_var_value(s, scope_find(s, j->system, st->term.on), 1, st->span);
    if (val_ok(&v)) v = sema_binary(s, BINARY_MUL, st->span, v, v, st->span, st->span);
    if (val_ok(&v) && v.rank) v = sema_reduce_whole(s, REDUCE_SUM, v, st->span);
    if (!val_ok(&v)) {
        j->failed = true;
        return;
    }
    IrTerm half = ir_mul(s->ir, ir_real(s->ir, 0.5), v.body);
    *friction = (SemaTerm){friction->term ? ir_add(s->ir, friction->term, half) : half, st->span, false};
    j->law = st->span;
}

/* ---- constraints ---- */

/* `constraint a = b`, over the indices that its subscripts leave open: the residual a − b as a definition. */
static void add_constraint(Join *j, const Stmt *st) {
    Sema *s = j->s;
    Scope *inner = scope_new(s, SCOPE_LOCAL, j->system);
    IndexVar vars[IR_MAX_RANK];
    IndexOpen open = {0};
    const Expr *roots[2] = {st->term.value, st->term.rhs};
    Val out = {.kind = VAL_TENSOR};
    index_open(s, j->system, st->term.value, &open);
    if (st->term.rhs) index_open(s, j->system, st->term.rhs, &open);
    const uint32_t n = open.n;
    index_vars(s, j->system, open.at, n, vars);
    if (n && !index_infer(s, j->system, vars, n, roots, st->term.rhs ? 2 : 1)) {
        j->failed = true;
        return;
    }
    for (uint32_t k = 0; k < n; k++)
        out.axis[k] = (Axis){index_enter(s, inner, &vars[k]), vars[k].periodic, vars[k].lo, vars[k].full};
    Val a = sema_real_expr(s, inner, st->term.value);
    if (st->term.rhs) {
        Val b = sema_real_expr(s, inner, st->term.rhs);
        if (val_ok(&a) && b.kind != VAL_POISON)
            a = sema_binary(s, BINARY_SUB, st->span, a, b, st->term.value->span, st->term.rhs->span);
        else
            a = val_poison();
    }
    index_leave(s, n);
    if (!val_ok(&a) || a.rank + n > IR_MAX_RANK) {
        j->failed = true;
        return;
    }
    for (uint32_t k = 0; k < a.rank; k++) out.axis[n + k] = a.axis[k];
    out.rank = (uint8_t)(n + a.rank);
    out.body = a.body;
    IrDef residual = val_def(s, &out, 0, st->span, j->system);
    if (residual) vec_push(&j->constraints, (SemaConstraint){residual, st->span});
}

/* ---- the statements ---- */

static bool is_kind(const Stmt *st, TermKind kind) { return st->kind == STMT_TERM && st->term.kind == kind; }

/* `1/2 * k * x^2` where nobody has declared k: it is the number of the step, which the energy of a coordinate
 * hardly means. */
static void warn_of_step(Join *j, const Expr *e, TermKind kind, IrTerm t) {
    Sema *s = j->s;
    if (!t || kind == TERM_DISSIPATION || kind == TERM_TEMPERATURE) return;
    uint8_t *mark = base_calloc(ir_def_count(s->ir) + 1, 1);
    ir_reach(s->ir, t, mark);
    bool of_coordinate = false, of_step = mark[s->step];
    for (uint32_t v = 0; v < s->vars.n && of_step; v++) {
        const Ent *var = s->vars.at[v];
        of_coordinate |= var->decl_kind == DECL_COORD && var->q && mark[var->q];
    }
    free(mark);
    if (!of_coordinate) return;
    Diag *d = sema_warn(s, DIAG_NAME_KIND, e->span, "`k` is the number of the step here");
    if (d) sema_help(s, d, "declare `const k = …` if a constant is meant");
}

static void scalar_terms(Join *j, StmtList items, TermKind kind) {
    for (uint32_t k = 0; k < items.n; k++) {
        const Stmt *st = items.at[k];
        if (!is_kind(st, kind)) continue;
        IrTerm t = join_scalar(j, j->system, st->term.value, join_quoted(j, kind));
        warn_of_step(j, st->term.value, kind, t);
        join_term(j, join_slot(j, kind), join_term_name(kind), t, st->span, false);
    }
    SemaTerm *slot = join_slot(j, kind);
    if (slot->term && !slot->from_dynamics) join_bind_term(j, j->system, join_term_name(kind), slot->term);
}

static void tildes(Join *j, StmtList items) {
    SemaTerm *v = &j->out->potential;
    for (uint32_t k = 0; k < items.n; k++) {
        if (items.at[k]->kind != STMT_TILDE) continue;
        IrTerm t = sema_tilde(j->s, j->system, items.at[k]);
        if (!t)
            j->failed = true;
        else if (j->out->lagrangian.term || j->out->hamiltonian.term || j->law.file)
            join_term(j, v, "potential", t, items.at[k]->span, false);
        else
            *v = (SemaTerm){v->term ? ir_add(j->s->ir, v->term, t) : t, v->term ? v->span : items.at[k]->span,
                            false};
    }
}

static void misplaced(Join *j, const Stmt *st) {
    const char *what = NULL;
    switch (st->kind) {
    case STMT_STEP: what = "`step` belongs to a dynamics: it says how things move, not what they are"; break;
    case STMT_METHOD:
        what = "`method` belongs to a dynamics: it says how things move, not what they are";
        break;
    case STMT_FLOW: what = "`flow` belongs to a dynamics: it says how things move, not what they are"; break;
    case STMT_TERM:
        if (st->term.kind == TERM_METRIC) what = "`metric` belongs to a dynamics";
        if (st->term.kind == TERM_PROPOSAL || st->term.kind == TERM_ACCEPT)
            what = "this belongs to a dynamics";
        break;
    case STMT_PRECISION:
    case STMT_USE:
    case STMT_DECLARE:
    case STMT_FN:
    case STMT_SYSTEM:
    case STMT_DYNAMICS:
    case STMT_TILDE:
    case STMT_RUN:
    case STMT_RECORD:
    case STMT_PRINT:
    case STMT_PLOT:
    case STMT_SAVE:
    case STMT_EXPECT:
    case STMT_SETTING:
    case STMT_WHEN:
    case STMT_STOP:
    case STMT_START:
    case STMT_ACT:
    case STMT_SYMMETRY:
    case STMT_ERROR:
    case STMT_COUNT: break;
    }
    if (what) sema_error(j->s, DIAG_NOT_HERE, st->span, "%s", what);
}

void join_system(Join *j) {
    StmtList items = j->run->system->stmt->system.items;
    static const TermKind first[] = {TERM_LAGRANGIAN, TERM_HAMILTONIAN, TERM_KINETIC, TERM_POTENTIAL};
    for (uint32_t k = 0; k < items.n; k++)
        if (is_kind(items.at[k], TERM_LAW)) add_law(j, items.at[k]);
    for (size_t k = 0; k < sizeof first / sizeof *first; k++) scalar_terms(j, items, first[k]);
    tildes(j, items);
    join_bind_term(j, j->system, "potential", j->out->potential.term);
    scalar_terms(j, items, TERM_DISSIPATION);
    scalar_terms(j, items, TERM_TEMPERATURE);
    for (uint32_t k = 0; k < items.n; k++) {
        if (is_kind(items.at[k], TERM_FORCE)) add_force(j, items.at[k]);
        if (is_kind(items.at[k], TERM_CONSTRAINT)) add_constraint(j, items.at[k]);
        misplaced(j, items.at[k]);
    }
    for (uint32_t k = 0; k < items.n; k++)
        if (items.at[k]->kind == STMT_SYMMETRY) join_symmetry(j, items.at[k]);
}
