/* run — one `run` statement: finds the system and the dynamics, joins them through the passes declared in
 * run.h, and fills a SemaRun. */
#include "run.h"

/* ---- what is run ---- */

static Ent *find_system(Join *j, Unit *unit, const Stmt *st) {
    Sema *s = j->s;
    Ent *ent = scope_find_kind(s, unit->scope, st->run.system, ENT_SYSTEM);
    if (ent) return ent;
    ent = scope_find(s, unit->scope, st->run.system);
    if (!ent) {
        scope_unknown(s, unit->scope, st->run.system, st->run.system_span, "system", DIAG_UNKNOWN_NAME);
    } else {
        Diag *d = sema_error(s, DIAG_RUN_OF, st->run.system_span, "a run is on a system, and `%s` is %s",
                             sema_name(s, st->run.system), sema_ent_kind_text(ent));
        sema_note(s, d, ent->span, "declared here");
    }
    return NULL;
}

static void unknown_dynamics(Sema *s, Scope *scope, const Expr *callee) {
    VEC(const char *) names = {0};
    load_library_all(s);
    for (Ent *e = scope->first; e; e = e->next)
        if (e->kind == ENT_DYNAMICS) vec_push(&names, sema_name(s, e->name));
    for (uint32_t k = 0; k < s->units.n; k++)
        for (Ent *e = s->units.at[k]->scope->first; e; e = e->next)
            if (e->kind == ENT_DYNAMICS && s->units.at[k]->scope != scope)
                vec_push(&names, sema_name(s, e->name));
    for (uint32_t k = 0; k < method_count(); k++) vec_push(&names, method_name(k));
    const char *name = sema_name(s, callee->name.name);
    Diag *d = sema_error(s, DIAG_UNKNOWN_NAME, callee->span, "unknown dynamics `%s`", name);
    const char *near = diag_nearest(name, names.at, names.n);
    if (near) sema_help(s, d, "did you mean `%s`?", near);
    vec_free(&names);
}

bool join_find_dynamics(Join *j, Unit *unit, const Expr *e) {
    Sema *s = j->s;
    const Expr *callee = e->kind == EXPR_CALL ? e->call.callee : e;
    if (callee->kind != EXPR_NAME) return false;
    j->call = e;
    j->out->dynamics = callee->name.name;
    j->out->dynamics_span = callee->span;
    j->run->dynamics = scope_find_kind(s, unit->scope, callee->name.name, ENT_DYNAMICS);
    if (j->run->dynamics || method_find(name_ascii(s->session->names, callee->name.name))) return true;
    Ent *ent = scope_find(s, unit->scope, callee->name.name);
    if (ent) {
        Diag *d = sema_error(s, DIAG_RUN_OF, callee->span, "a run is of a dynamics, and `%s` is %s",
                             sema_name(s, ent->name), sema_ent_kind_text(ent));
        sema_note(s, d, ent->span, "declared here");
        return false;
    }
    unknown_dynamics(s, unit->scope, callee);
    return false;
}

/* ---- settings and duration ---- */

/* `batch 32 of train`: the list of rows that the minibatch is drawn from. */
static void batch_from(Join *j, const Expr *of) {
    Sema *s = j->s;
    if (!of) return;
    Val v = sema_expr(s, j->unit->scope, of);
    if (v.kind == VAL_POISON) return;
    Ent *ent = of->kind == EXPR_NAME ? scope_find(s, j->unit->scope, of->name.name) : NULL;
    if (ent && ent->kind == ENT_DATA && ent->q && val_ok(&v) && v.rank == 1 && val_type(s, &v) == IR_INT &&
        ir_def(s->ir, ent->q)->role == IR_ROLE_DATA) {
        j->run->batch_from = ent->q;
        j->run->batch_rows = val_extent(s, &v, 0);
        return;
    }
    Diag *d = sema_error(s, DIAG_BATCH, of->span, "a minibatch is drawn from a list of rows, and this is %s",
                         sema_shape_text(s, &v));
    if (ent) sema_note(s, d, ent->span, "`%s` is declared here", sema_name(s, ent->name));
    sema_help(s, d, "name a part that `data train, test = split(N, test = 0.2)` gives");
}

static void setting(Join *j, const Stmt *st) {
    Sema *s = j->s;
    const char *name = sema_name(s, st->setting.name);
    int64_t value;
    if (st->setting.of && strcmp(name, "batch"))
        sema_error(s, DIAG_RUN_SETTING, st->setting.of->span, "only a batch is `of` something");
    if (!strcmp(name, "batch")) {
        if (!sema_const_int(s, j->unit->scope, st->setting.value, &value, "the size of a minibatch")) return;
        if (value < 1) {
            sema_error(s, DIAG_RUN_SETTING, st->setting.value->span,
                       "a minibatch has at least one row, and this is %lld", (long long)value);
            return;
        }
        j->run->batch_size = (uint64_t)value;
        j->run->batch_span = st->span;
        batch_from(j, st->setting.of);
    } else if (!strcmp(name, "seed")) {
        if (!sema_const_int(s, j->unit->scope, st->setting.value, &value, "a seed")) return;
        j->out->has_seed = true;
        j->out->seed = (uint64_t)value;
    } else if (!strcmp(name, "threads")) {
        if (!sema_const_int(s, j->unit->scope, st->setting.value, &value, "the number of threads")) return;
        if (value < 1 || value > 1024)
            sema_error(s, DIAG_RUN_SETTING, st->setting.value->span,
                       "a run has between 1 and 1024 threads, and this is %lld", (long long)value);
        else
            j->out->threads = (uint32_t)value;
    } else {
        static const char *const known[] = {"batch", "seed", "threads"};
        Diag *d = sema_error(s, DIAG_RUN_SETTING, st->span, "`%s` is not a setting of a run", name);
        const char *near = diag_nearest(name, known, 3);
        sema_help(s, d, near ? "did you mean `%s`?" : "the settings are batch, seed and threads", near);
    }
}

static void duration(Join *j, const Stmt *st) {
    Sema *s = j->s;
    SemaRun *out = j->out;
    out->unit = st->run.unit;
    const Method *method = out->method ? method_find(out->method) : NULL;
    if (!st->run.duration) {
        if (method && !method->needs_duration) return;
        Diag *d = sema_error(s, DIAG_RUN_DURATION, st->span, "this run has no end: its duration is missing");
        sema_help(s, d, "add `for 10` (time), `for 1000 steps` or `for 5 epochs`");
        j->failed = true;
        return;
    }
    out->has_duration =
        sema_const(s, j->unit->scope, st->run.duration, &out->duration, "the duration of a run");
    bool whole = out->unit != DURATION_TIME;
    j->run->duration = out->duration;
    if (!out->has_duration) {
        j->failed = true;
    } else if (!(out->duration > 0) || !isfinite(out->duration) ||
               (whole && out->duration != floor(out->duration))) {
        const char *unit = out->unit == DURATION_STEPS    ? "steps"
                           : out->unit == DURATION_EPOCHS ? "epochs"
                                                          : sema_name(s, st->run.unit_name);
        sema_error(s, DIAG_RUN_DURATION, st->run.duration->span,
                   "a run lasts a positive %s%s, and this is %g", whole ? "whole number of " : "time",
                   whole ? unit : "", out->duration);
        j->failed = true;
    } else if (out->unit == DURATION_EPOCHS && !j->run->batch_of && !out->missing &&
               s->session->n_errors == j->errors) {
        Diag *d = sema_error(s, DIAG_RUN_DURATION, st->run.duration->span,
                             "an epoch is one pass over the data, and `%s` "
                             "does not run over a batch of any",
                             sema_name(s, out->system));
        sema_help(s, d, "write the loss as `mean[n in batch](…)`, or give the duration in steps");
        j->failed = true;
    }
}

/* ---- scopes ---- */

static void body_scope(Join *j, const Stmt *st) {
    Sema *s = j->s;
    j->body = scope_new(s, SCOPE_RUN, j->unit->scope);
    j->run->scope = j->body;
    join_copies(j, st);
    scope_collect(s, j->body, st->run.items);
    for (uint32_t k = 0; k < st->run.items.n; k++)
        if (st->run.items.at[k]->kind == STMT_SETTING) setting(j, st->run.items.at[k]);
    j->system = scope_new(s, SCOPE_SYSTEM, j->run->system->scope);
    join_bind_params(j, j->system, j->body, st->run.system_args, j->run->system->stmt->system.params,
                     j->run->system, st->run.system_span, false);
    scope_collect(s, j->system, j->run->system->stmt->system.items);
}

/* A name of the run, unless the system or the file declares a value of that name: what the program says goes first. */
static void run_name(Join *j, const char *text, IrTerm term) {
    Name name = name_of(j->s->session->names, text);
    const Ent *ent = scope_own(j->system, name);
    if (!ent || !ent->decl) ent = scope_find_declared(j->s, j->system->parent, name);
    if (!ent || !ent->decl) join_bind_term(j, j->body, text, term);
}

/* `progress`, the part of the run that lies before the present step: for schedules. What is wrong with the duration is said
 * later. */
static void progress_name(Join *j, const Stmt *st) {
    Sema *s = j->s;
    IrProgram *p = s->ir;
    double length = 0;
    s->mute++;
    bool known = st->run.duration && sema_const(s, j->unit->scope, st->run.duration, &length, "the duration of a run");
    s->mute--;
    if (!known || !(length > 0)) return;
    const RunState *run = j->run;
    uint64_t rows = run->batch_from ? run->batch_rows : run->batch_of;
    if (st->run.unit == DURATION_EPOCHS && run->batch_size && rows) /* else an epoch is a step */
        length = ceil(length * (double)rows / (double)run->batch_size - 1e-9);
    IrTerm before = ir_sub(p, ir_to_real(p, ir_read0(p, s->step)), ir_real(p, 1));
    IrTerm done = st->run.unit == DURATION_TIME ? ir_read0(p, s->time) : ir_op2(p, IR_MAX, before, ir_real(p, 0));
    run_name(j, "progress", ir_div(p, done, ir_real(p, length)));
}

/* Charges of named symmetries can be recorded: each is a placeholder that mechanics fills. */
static void symmetry_names(Join *j) {
    SemaRun *out = j->out;
    out->n_symmetries = j->symmetries.n;
    out->symmetries = ARENA_ARRAY(j->s->arena, SemaSymmetry, j->symmetries.n + 1);
    for (uint32_t k = 0; k < j->symmetries.n; k++) {
        const Generator *g = &j->symmetries.at[k];
        SemaSymmetry *to = &out->symmetries[k];
        *to = (SemaSymmetry){.name = g->name, .span = g->span};
        to->charge = ir_input(j->s->ir, g->name, IR_ROLE_NONE, IR_F64, 0, NULL);
        if (g->name) run_name(j, sema_name(j->s, g->name), ir_read0(j->s->ir, to->charge));
    }
}

/* The names of the run's body and of what stands after the run. */
static void run_names(Join *j) {
    Sema *s = j->s;
    SemaRun *out = j->out;
    IrProgram *p = s->ir;
    IrTerm potential = out->potential.term;
    if (!potential && out->hamiltonian.term) potential = 0;
    run_name(j, "loss", potential);
    run_name(j, "potential", potential);
    run_name(j, "kinetic", out->kinetic.term);
    run_name(j, "dissipation", out->dissipation.term);
    run_name(j, "temperature", out->temperature.term);
    run_name(j, "energy", ir_read0(p, s->energy));
    symmetry_names(j);
    j->body->also = j->system;
    if (j->n_parts) j->body->fallback = j->parts[0].scope;
}

/* ---- the passes ---- */

static void system_states(Join *j) {
    j->parts = ARENA_ARRAY(j->s->arena, Part, 1);
    j->parts[0] = (Part){j->system, NULL, ""};
    j->n_parts = 1;
    join_states(j, &j->parts[0], j->run->system->stmt->system.items);
    j->n_system_states = j->states.n;
    j->parts = NULL;
    j->n_parts = 0;
}

static void store(Join *j) {
    SemaRun *out = j->out;
    Arena *arena = j->s->arena;
#define STORE(field, type)                                                                                   \
    (out->n_##field = j->field.n,                                                                            \
     out->field = j->field.n ? arena_copy(arena, j->field.at, sizeof(type) * j->field.n) : NULL)
    STORE(constraints, SemaConstraint);
    STORE(states, SemaState);
    STORE(flows, SemaFlow);
    STORE(hypers, SemaHyper);
    STORE(records, SemaRecord);
    STORE(plots, SemaPlot);
    STORE(expects, SemaExpect);
    STORE(events, SemaEvent);
#undef STORE
    out->batch = j->run->batch;
    out->batch_size = j->run->batch ? j->run->batch_size : 0;
    out->batch_of = j->run->batch_from ? j->run->batch_rows : j->run->batch_of;
    out->batch_from = j->run->batch ? j->run->batch_from : 0;
    out->copies = j->run->copies;
    out->copy = j->run->copy;
    out->n_gathers = j->run->gathers.n;
    out->gathers = out->n_gathers ? arena_copy(arena, j->run->gathers.at, sizeof(SemaGather) * out->n_gathers) : NULL;
    out->time = j->s->time;
    out->step = j->s->step;
    out->energy = j->s->energy;
}

static void release(Join *j) {
    vec_free(&j->forces);
    vec_free(&j->constraints);
    join_free_symmetries(j);
    vec_free(&j->states);
    vec_free(&j->flows);
    vec_free(&j->hypers);
    vec_free(&j->records);
    vec_free(&j->plots);
    vec_free(&j->expects);
    vec_free(&j->events);
    vec_free(&j->run->gathers);
    vec_free(&j->vars);
    vec_free(&j->state_ents);
    j->run->n_windows = 0;
    vec_free(&j->replace);
    vec_free(&j->composed);
}

void join_motion_of_system(Join *j) {
    body_scope(j, j->st);
    if (!j->failed) system_states(j);
    if (!j->failed) join_system(j);
    if (!j->failed) join_vars(j);
    if (!j->failed) join_held(j);
    if (!j->failed) join_bodies(j);
    if (!j->failed) join_complete(j);
    if (!j->failed) join_replace(j);
    if (!j->failed) join_momenta(j);
    if (j->s->session->n_errors == j->errors && !j->failed) store(j);
    release(j);
}

static void join(Join *j, const Stmt *st, const After *after, uint32_t n_after) {
    body_scope(j, st);
    if (!j->failed) system_states(j);
    if (!j->failed) join_system(j);
    if (!j->failed) join_restrict(j);
    if (!j->failed && j->s->session->n_errors == j->errors) split_warn(j->s, j->unit->scope, j->run);
    if (!j->failed) {
        j->n_groups ? groups_listen(j) : join_listen(j);
        join_vars(j);
    }
    if (!j->failed) j->n_groups ? groups_vars(j) : join_held(j);
    if (!j->failed) join_bodies(j);
    if (!j->failed) progress_name(j, st);
    if (!j->failed && j->n_groups) groups_join(j);
    if (!j->failed && !j->n_groups) join_dynamics(j);
    if (!j->failed && !j->n_groups) join_word(j);
    if (!j->failed) join_complete(j);
    if (!j->failed) duration(j, st);
    if (j->failed) return;
    run_names(j);
    join_run_states(j);
    if (j->failed) return;
    join_starts(j, st->run.items);
    join_outputs(j, st->run.items);
    for (uint32_t k = 0; k < n_after; k++) {
        j->foreign = !after[k].own;
        join_output(j, after[k].st);
    }
    join_check_gathers(j);
    join_restrict(j);
    join_replace(j);
    join_momenta(j);
    groups_replace(j);
    join_kept(j);
    join_missing(j);
}

void sema_run(Sema *s, Unit *unit, const Stmt *st, const After *after, uint32_t n_after) {
    SemaRun out = {.span = st->span,
                   .label = st->run.label,
                   .system = st->run.system,
                   .system_span = st->run.system_span};
    RunState *run = ARENA_NEW(s->arena, RunState);
    Join j = {.s = s, .errors = s->session->n_errors, .run = run, .out = &out, .st = st, .unit = unit, .suffix = ""};
    run->out = &out;
    run->stmt = st;
    s->run = run;
    s->world = ++s->worlds;
    uint32_t errors = s->session->n_errors;
    run->system = find_system(&j, unit, st);
    bool found = st->run.n_groups ? groups_find(&j, unit, st) : join_find_dynamics(&j, unit, st->run.dynamics);
    if (found && run->system) run->system->called = true;
    if (found && run->dynamics && run->system) run->dynamics->called = true;
    if (!found || !run->system)
        j.failed = true;
    else
        join(&j, st, after, n_after);
    if (!j.failed && s->session->n_errors == errors) {
        store(&j);
        vec_push(&s->runs, out);
    }
    release(&j);
    run->out = NULL;
    run->world = s->world;
    vec_push(&s->finished, run);
    s->run = NULL;
    s->world = ++s->worlds;
}
