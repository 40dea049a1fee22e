/* analyze — the whole of sema for one program, pass by pass:
 *
 *   load       files, the library's scopes                        load.c scope.c
 *   runs       each `run` with the statements after it            run.c and what it calls
 *   rest       definitions, functions, systems and dynamics that no run has reached are checked too
 *
 * Needs a parsed file; gives the Model. */
#include "run.h"

static void root_scope(Sema *s) {
    Names *names = s->session->names;
    s->root = scope_new(s, SCOPE_ROOT, NULL);
    s->time = ir_scalar_input(s->ir, name_of(names, "t"), IR_ROLE_TIME);
    s->step = ir_scalar_input(s->ir, name_of(names, "k"), IR_ROLE_STEP);
    s->energy = ir_scalar_input(s->ir, name_of(names, "energy"), IR_ROLE_NONE);
    const Span nowhere = {0};
    scope_bind(s, s->root, name_of(names, "t"), nowhere, val_scalar(ir_read0(s->ir, s->time)));
    scope_bind(s, s->root, name_of(names, "k"), nowhere, val_scalar(ir_read0(s->ir, s->step)));
    scope_bind(s, s->root, name_of(names, "pi"), nowhere, val_real(s, M_PI));
    scope_bind(s, s->root, name_of(names, "inf"), nowhere, val_real(s, INFINITY));
}

static void precision(Sema *s, const File *file) {
    for (uint32_t k = 0; k < file->items.n; k++) {
        const Stmt *st = file->items.at[k];
        if (st->kind != STMT_PRECISION) continue;
        const char *type = sema_name(s, st->precision.type);
        if (!strcmp(type, "f32"))
            s->model->is_f32 = true;
        else if (strcmp(type, "f64"))
            sema_error(s, DIAG_DECL_TYPE, st->span, "the precision is f32 or f64, and this is `%s`", type);
    }
}

/* ---- runs ---- */

static bool belongs_to_run(const Stmt *st) {
    return st->kind == STMT_RECORD || st->kind == STMT_PRINT || st->kind == STMT_SAVE ||
           st->kind == STMT_EXPECT || st->kind == STMT_PLOT;
}

typedef struct RunOf {
    const Stmt *run;
    VEC(After) after;
} RunOf;

static RunOf *labelled(RunOf *runs, uint32_t n, Name label) {
    for (uint32_t k = n; k-- > 0;)
        if (runs[k].run->run.label == label) return &runs[k];
    return NULL;
}

/* `print a.loss, b.loss`: what speaks of another run than the statement's own goes there. */
static void share(RunOf *runs, uint32_t n, const RunOf *own, const Stmt *st) {
    ArgList items = {0};
    if (st->kind == STMT_RECORD) items = st->record.items;
    if (st->kind == STMT_PRINT) items = st->print.items;
    for (uint32_t k = 0; k < items.n; k++) {
        Name label = field_label_of(items.at[k].value);
        RunOf *of = label ? labelled(runs, n, label) : NULL;
        if (!of || of == own || (of->after.n && of->after.at[of->after.n - 1].st == st)) continue;
        vec_push(&of->after, (After){st, false});
    }
}

static void all_runs(Sema *s, Unit *unit) {
    StmtList items = unit->file->items;
    RunOf *runs = base_calloc(items.n + 1, sizeof *runs);
    uint32_t n = 0;
    for (uint32_t k = 0; k < items.n; k++) {
        const Stmt *st = items.at[k];
        if (st->kind == STMT_RUN) {
            runs[n++].run = st;
        } else if (belongs_to_run(st)) {
            Name label = field_label(st);
            RunOf *of = label ? labelled(runs, n, label) : NULL;
            if (!of && n) of = &runs[n - 1];
            if (of) {
                share(runs, n, of, st);
                vec_push(&of->after, (After){st, true});
                continue;
            }
            Diag *d = sema_error(s, DIAG_NO_RUN, st->span,
                                 "there is no run before this, so there is nothing to look at");
            sema_help(s, d, "put it after a `run`");
        }
    }
    for (uint32_t k = 0; k < n; k++) {
        sema_run(s, unit, runs[k].run, runs[k].after.at, runs[k].after.n);
        vec_free(&runs[k].after);
    }
    free(runs);
}

/* ---- what no run has reached ---- */

static void check_overrides(Sema *s) {
    for (uint32_t k = 0; k < s->options->n_overrides; k++) {
        if (s->override_used[k]) continue;
        const char *name = s->options->overrides[k].name;
        VEC(const char *) names = {0};
        for (Ent *e = s->main->scope->first; e; e = e->next)
            if (e->kind == ENT_CONST) vec_push(&names, sema_name(s, e->name));
        Span at = {s->main->file->source, 0, 0};
        Diag *d =
            sema_error(s, DIAG_OVERRIDE, at, "--set %s: the program has no constant of this name", name);
        const char *near = diag_nearest(name, names.at, names.n);
        if (near) sema_help(s, d, "did you mean `%s`?", near);
        vec_free(&names);
    }
}

static void check_rest(Sema *s, Unit *unit) {
    for (Ent *e = unit->scope->first; e; e = e->next) {
        if (e->kind == ENT_FN && !e->called) names_check_fn(s, e);
        if (e->kind == ENT_DYNAMICS && !e->called) names_check_dynamics(s, e);
        if (e->kind == ENT_SYSTEM && !e->called) names_check_system(s, e);
        if (e->kind == ENT_CONST || e->kind == ENT_LET || e->kind == ENT_VAR || e->kind == ENT_DATA)
            if (e->state == ENT_NEW) sema_ent_value(s, e, e->span);
        if (e->kind == ENT_VAR && e->state == ENT_DONE && !e->checked) {
            sema_var_init(s, e, 0);
            sema_var_init(s, e, 1);
        }
    }
}

static void statements_of_nowhere(Sema *s, const File *file) {
    for (uint32_t k = 0; k < file->items.n; k++) {
        const Stmt *st = file->items.at[k];
        const char *belongs = NULL;
        if (st->kind == STMT_TERM || st->kind == STMT_TILDE) belongs = "a system";
        if (st->kind == STMT_FLOW || st->kind == STMT_STEP || st->kind == STMT_METHOD) belongs = "a dynamics";
        if (st->kind == STMT_SETTING || st->kind == STMT_WHEN) belongs = "the body of a run";
        if (belongs) sema_error(s, DIAG_NOT_HERE, st->span, "this belongs into %s", belongs);
    }
}

/* ---- in and out ---- */

static Model *finish(Sema *s) {
    Model *model = s->model;
    model->n_data = s->data.n;
    model->data = s->data.n ? arena_copy(s->arena, s->data.at, sizeof(SemaData) * s->data.n) : NULL;
    model->n_runs = s->runs.n;
    model->runs = s->runs.n ? arena_copy(s->arena, s->runs.at, sizeof(SemaRun) * s->runs.n) : NULL;
    return model;
}

static void sema_free(Sema *s) {
    vec_free(&s->units);
    vec_free(&s->library_names);
    vec_free(&s->busy);
    vec_free(&s->recursions);
    vec_free(&s->joined);
    vec_free(&s->passing);
    vec_free(&s->active);
    vec_free(&s->conditions);
    vec_free(&s->wrapping);
    vec_free(&s->precision);
    vec_free(&s->data);
    for (uint32_t k = 0; k < s->splits.n; k++) free(s->splits.at[k].count);
    vec_free(&s->splits);
    vec_free(&s->runs);
    vec_free(&s->vars);
    vec_free(&s->hypers);
    vec_free(&s->opaque);
    vec_free(&s->drawn);
    vec_free(&s->sites);
    vec_free(&s->finished);
}

Model *sema_analyze(Session *session, const File *file, const SemaOptions *options) {
    static const SemaOptions defaults = {0};
    if (!options) options = &defaults;
    Sema s = {.session = session, .options = options, .arena = session->arena};
    s.model = ARENA_NEW(s.arena, Model);
    s.ir = s.model->ir = ir_new(session);
    s.library = ARENA_ARRAY(s.arena, Unit *, sema_library_count + 1);
    s.override_used = ARENA_ARRAY(s.arena, bool, options->n_overrides + 1);
    root_scope(&s);
    precision(&s, file);
    const Source *source = source_get(session, file->source);
    s.main = load_unit(&s, (File *)file, source ? source->path : "", false);
    s.main->directory = options->directory;
    load_uses(&s, s.main);
    all_runs(&s, s.main);
    check_rest(&s, s.main);
    statements_of_nowhere(&s, file);
    check_overrides(&s);
    Model *model = finish(&s);
    sema_free(&s);
    return model;
}

void model_free(Model *model) {
    if (!model) return;
    ir_free(model->ir);
    model->ir = NULL;
}
