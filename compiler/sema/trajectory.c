/* trajectory — a value made from a system's motion: `trajectory(pendulum, θ, at = time, steps = 20)`.
 *
 * Needs: the system, from which the equations of motion are derived as for a run (SemaOptions.motion). Gives: a recursion over
 * the steps of a Runge-Kutta method from the declared start, and what is asked for at the moments `at`. The value is a value
 * like any other: its tangents are the variational equations of the discrete motion, its gradients their adjoint. */
#include "run.h"

enum { MOST_STAGES = 4, MOST_PARTS = 32, MOST_ROWS = 1 << 24 };

/* Explicit Runge-Kutta methods (Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.1). */
typedef struct Scheme {
    const char *name;
    uint32_t n;
    double a[MOST_STAGES][MOST_STAGES], b[MOST_STAGES], c[MOST_STAGES];
} Scheme;
static const Scheme schemes[] = {
    {"rk4", 4, {{0}, {0.5}, {0, 0.5}, {0, 0, 1}}, {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}, {0, 0.5, 0.5, 1}},
    {"midpoint", 2, {{0}, {0.5}}, {0, 1}, {0, 0.5}},
    {"euler", 1, {{0}}, {1}, {0}},
};

typedef struct Path {
    Sema *s;
    IrProgram *ir;
    SemaMotion motion;
    const Scheme *scheme;
    uint64_t steps, n; /* steps before each moment, moments */
    uint64_t place[MOST_PARTS], size; /* of each part of the state in a row; all of it */
    IrDef at;          /* the moments */
    IrElem elem;
} Path;

/* ---- the call ---- */

static const Arg *named_arg(const Expr *call, Sema *s, const char *name) {
    for (uint32_t k = 0; k < call->call.args.n; k++)
        if (call->call.args.at[k].name == name_of(s->session->names, name)) return &call->call.args.at[k];
    return NULL;
}

static bool find_scheme(Path *p, const Expr *call) {
    Sema *s = p->s;
    const Arg *arg = named_arg(call, s, "method");
    p->scheme = &schemes[0];
    if (!arg) return true;
    const char *name = arg->value->kind == EXPR_NAME ? sema_name(s, arg->value->name.name) : "";
    for (size_t k = 0; k < sizeof schemes / sizeof *schemes; k++)
        if (!strcmp(schemes[k].name, name)) {
            p->scheme = &schemes[k];
            return true;
        }
    Diag *d = sema_error(s, DIAG_METHOD, arg->value->span, "a trajectory is not computed by `%s`", sema_span_text(s, arg->value->span));
    sema_help(s, d, "the methods are rk4, midpoint and euler; with `steps = …` the step is as short as it has to be");
    return false;
}

static bool check_args(Sema *s, const Expr *call) {
    static const char *const known[] = {"at", "steps", "method"};
    uint32_t plain = 0;
    for (uint32_t k = 0; k < call->call.args.n; k++) {
        const Arg *arg = &call->call.args.at[k];
        if (!arg->name) {
            plain++;
            continue;
        }
        const char *name = sema_name(s, arg->name), *near = diag_nearest(name, known, 3);
        if (!strcmp(name, known[0]) || !strcmp(name, known[1]) || !strcmp(name, known[2])) continue;
        Diag *d = sema_error(s, DIAG_ARG_NAME, arg->value->span, "`trajectory` has no argument `%s`", name);
        sema_help(s, d, near ? "did you mean `%s`?" : "it has at, steps and method", near);
        return false;
    }
    if (plain == 2 && named_arg(call, s, "at")) return true;
    Diag *d = sema_error(s, DIAG_ARG_COUNT, call->span, "a trajectory is of a system, of what is looked at, and at some moments");
    sema_help(s, d, "write `trajectory(pendulum, θ, at = time)`, with `steps = 20` between the moments");
    return false;
}

static bool find_moments(Path *p, Scope *scope, const Expr *call) {
    Sema *s = p->s;
    const Arg *at = named_arg(call, s, "at"), *steps = named_arg(call, s, "steps");
    int64_t n = 10;
    Val v = sema_real_expr(s, scope, at->value);
    if (v.kind == VAL_POISON) return false;
    if (!val_ok(&v) || v.rank != 1) {
        sema_error(s, DIAG_SHAPE, at->value->span, "the moments of a trajectory are a vector, and this is %s",
                   sema_shape_text(s, &v));
        return false;
    }
    if (steps && !sema_const_int(s, scope, steps->value, &n, "the number of steps")) return false;
    p->n = val_extent(s, &v, 0);
    if (n < 1 || (uint64_t)n * p->n > MOST_ROWS) {
        sema_error(s, DIAG_NUMBER_RANGE, steps ? steps->value->span : call->span,
                   "a trajectory has between 1 and %d steps in all, and these are %lld for each of %llu moments", MOST_ROWS,
                   (long long)n, (unsigned long long)p->n);
        return false;
    }
    p->steps = (uint64_t)n;
    p->at = val_def(s, &v, 0, at->value->span, scope);
    if (!p->at)
        sema_error(s, DIAG_SHAPE, at->value->span, "the moments of a trajectory cannot depend on an index of the context");
    return p->at != 0;
}

/* ---- the system ---- */

/* The system joined as for a run by a method, its own world around it, and its equations of motion. */
static bool join_motion(Path *p, Scope *scope, const Expr *system) {
    Sema *s = p->s;
    const Expr *callee = system->kind == EXPR_CALL ? system->call.callee : system;
    Ent *ent = callee->kind == EXPR_NAME ? scope_find_kind(s, scope, callee->name.name, ENT_SYSTEM) : NULL;
    if (!ent) {
        sema_error(s, DIAG_RUN_OF, system->span, "a trajectory is of a system, and `%s` is none", sema_span_text(s, system->span));
        return false;
    }
    ent->called = ent->used = true;
    Stmt *st = ARENA_NEW(s->arena, Stmt);
    *st = (Stmt){.kind = STMT_RUN, .span = system->span};
    st->run.system = ent->name;
    st->run.system_span = callee->span;
    if (system->kind == EXPR_CALL) st->run.system_args = system->call.args;
    SemaRun *out = ARENA_NEW(s->arena, SemaRun);
    *out = (SemaRun){.span = system->span, .system = ent->name, .system_span = callee->span, .method = "rk4"};
    RunState *run = ARENA_NEW(s->arena, RunState), *before = s->run;
    run->out = out;
    run->stmt = st;
    run->system = ent;
    Join j = {.s = s, .errors = s->session->n_errors, .run = run, .out = out, .st = st, .unit = scope->unit};
    uint32_t errors = s->session->n_errors, world = s->world, active = s->active_base, conditions = s->condition_base;
    const CallFrame *frame = s->call;
    s->active_base = s->active.n;
    s->condition_base = s->conditions.n;
    s->call = NULL;
    s->run = run;
    s->world = ++s->worlds;
    join_motion_of_system(&j);
    s->run = before;
    s->world = world;
    s->active_base = active;
    s->condition_base = conditions;
    s->call = frame;
    if (j.failed || s->session->n_errors != errors) return false;
    if (out->n_constraints) {
        Diag *d = sema_error(s, DIAG_RUN_OF, system->span, "a trajectory cannot be held to the constraints of `%s`",
                             sema_name(s, ent->name));
        sema_note(s, d, out->constraints[0].span, "the constraint");
        sema_help(s, d, "choose coordinates that obey it by themselves, such as angles");
        return false;
    }
    if (!s->options->motion) {
        sema_error(s, DIAG_RUN_MISSING, system->span, "equations of motion cannot be derived here");
        return false;
    }
    return s->options->motion(s->session, s->model, out, &p->motion);
}

/* ---- the recursion ---- */

/* Element AXIS… of part j in row `row` (a definition over the whole state; with axis 0 at `k` where that is not 0). */
static IrTerm state_at(Path *p, IrDef rows, IrTerm k, uint32_t j) {
    IrProgram *ir = p->ir;
    IrDefInfo info = *ir_def(ir, p->motion.y[j]);
    IrTerm place = ir_int(ir, 0), at[2];
    uint32_t n = 0;
    for (uint32_t a = 0; a < info.rank; a++)
        place = ir_add(ir, ir_mul(ir, place, ir_int(ir, (int64_t)info.extent[a])), ir_idx(ir, ir_axis(ir, a, info.extent[a])));
    if (k) at[n++] = k;
    at[n++] = ir_add(ir, place, ir_int(ir, (int64_t)p->place[j]));
    return ir_read(ir, rows, at, n);
}

static IrDef define_part(Path *p, uint32_t j, IrTerm body) {
    IrIdx axes[IR_MAX_RANK];
    IrDefInfo info = *ir_def(p->ir, p->motion.y[j]);
    for (uint32_t a = 0; a < info.rank; a++) axes[a] = ir_axis(p->ir, a, info.extent[a]);
    return ir_define(p->ir, 0, p->elem, axes, info.rank, body);
}

/* One step of the method from the row before: all parts side by side. */
static IrDef step_row(Path *p, IrDef before, IrTerm h, IrTerm t) {
    IrProgram *ir = p->ir;
    const Scheme *m = p->scheme;
    uint32_t n = p->motion.n;
    IrDef slope[MOST_STAGES][MOST_PARTS];
    IrReplace at[MOST_PARTS + 1];
    IrPiece pieces[MOST_PARTS];
    for (uint32_t i = 0; i < m->n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            IrTerm y = state_at(p, before, 0, j);
            for (uint32_t l = 0; l < i; l++)
                if (m->a[i][l] != 0)
                    y = ir_add(ir, y, ir_mul(ir, ir_mul(ir, ir_real(ir, m->a[i][l]), h), ir_read_whole(p->ir, slope[l][j])));
            at[j] = (IrReplace){.from = p->motion.y[j], .to = define_part(p, j, y)};
        }
        at[n] = (IrReplace){.from = p->s->time, .body = ir_add(ir, t, ir_mul(ir, ir_real(ir, m->c[i]), h))};
        for (uint32_t j = 0; j < n; j++)
            slope[i][j] = ir_replace_def(ir, define_part(p, j, p->motion.rate[j]), at, n + (p->s->time != 0));
    }
    for (uint32_t j = 0; j < n; j++) {
        IrTerm y = state_at(p, before, 0, j);
        for (uint32_t i = 0; i < m->n; i++)
            if (m->b[i] != 0) y = ir_add(ir, y, ir_mul(ir, ir_mul(ir, ir_real(ir, m->b[i]), h), ir_read_whole(p->ir, slope[i][j])));
        pieces[j] = (IrPiece){define_part(p, j, y), {p->place[j], 0}};
    }
    return ir_concat(ir, 0, p->elem, 1, &p->size, pieces, n);
}

/* The start as one row [1, size]. */
static IrDef start_row(Path *p) {
    IrProgram *ir = p->ir;
    IrPiece pieces[MOST_PARTS];
    for (uint32_t j = 0; j < p->motion.n; j++)
        pieces[j] = (IrPiece){define_part(p, j, ir_to_real(ir, p->motion.start[j])), {p->place[j], 0}};
    IrDef row = ir_concat(ir, 0, p->elem, 1, &p->size, pieces, p->motion.n);
    IrIdx axes[2] = {ir_fresh(ir, 1, 0), ir_fresh(ir, p->size, 0)};
    IrTerm place = ir_idx(ir, axes[1]);
    return ir_define(ir, 0, p->elem, axes, 2, ir_read(ir, row, &place, 1));
}

/* Row k = 1, 2, … is `steps` to a moment: step k goes over a part of the way from moment n − 1 (0 for n = 0) to moment n. */
static IrDef rows_of(Path *p) {
    IrProgram *ir = p->ir;
    uint64_t rows = p->n * p->steps + 1;
    IrScan scan = {.count = rows, .lags = 1, .counter = ir_counter(ir, name_of(p->s->session->names, "step"), 1, (int64_t)rows - 1)};
    scan.before[0] = ir_before(ir, 0, p->elem, 1, &p->size);
    IrTerm done = ir_sub(ir, ir_read0(ir, scan.counter), ir_int(ir, 1)), steps = ir_int(ir, (int64_t)p->steps);
    IrTerm n = ir_op2(ir, IR_IDIV, done, steps), part = ir_op2(ir, IR_IMOD, done, steps);
    IrTerm last = ir_op2(ir, IR_MAX, ir_sub(ir, n, ir_int(ir, 1)), ir_int(ir, 0));
    IrTerm from = ir_select(ir, ir_op2(ir, IR_LT, ir_int(ir, 0), n), ir_read(ir, p->at, &last, 1), ir_real(ir, 0));
    IrTerm h = ir_div(ir, ir_sub(ir, ir_read(ir, p->at, &n, 1), from), ir_to_real(ir, steps));
    IrDef length = ir_define(ir, name_of(p->s->session->names, "h"), p->elem, NULL, 0, h);
    h = ir_read0(ir, length);
    scan.row = step_row(p, scan.before[0], h, ir_add(ir, from, ir_mul(ir, ir_to_real(ir, part), h)));
    scan.start = start_row(p);
    return ir_scan(ir, 0, &scan);
}

/* What is looked at, at every moment: a loop over the moments. */
static IrDef look(Path *p, IrDef rows, IrDef what) {
    IrProgram *ir = p->ir;
    IrScan loop = {.count = p->n, .counter = ir_counter(ir, 0, 0, (int64_t)p->n - 1)};
    IrReplace at[MOST_PARTS + 1];
    IrTerm n = ir_read0(ir, loop.counter);
    IrTerm row = ir_mul(ir, ir_add(ir, n, ir_int(ir, 1)), ir_int(ir, (int64_t)p->steps));
    for (uint32_t j = 0; j < p->motion.n; j++)
        at[j] = (IrReplace){.from = p->motion.y[j], .body = state_at(p, rows, row, j)};
    at[p->motion.n] = (IrReplace){.from = p->s->time, .body = ir_read(ir, p->at, &n, 1)};
    loop.row = ir_replace_def(ir, what, at, p->motion.n + (p->s->time != 0));
    return ir_scan(ir, 0, &loop);
}

/* A whole coordinate, or velocity, is taken from the rows as it is. */
static IrDef look_at_part(Path *p, IrDef rows, uint32_t j) {
    IrProgram *ir = p->ir;
    IrDefInfo info = *ir_def(ir, p->motion.y[j]);
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    IrIdx from[IR_MAX_RANK];
    axes[0] = ir_fresh(ir, p->n, 0);
    for (uint32_t a = 0; a < info.rank; a++) {
        axes[a + 1] = ir_fresh(ir, info.extent[a], ir_axis_name(ir, p->motion.y[j], a));
        from[a] = ir_axis(ir, a, info.extent[a]);
        subs[a] = ir_idx(ir, axes[a + 1]);
    }
    IrTerm row = ir_mul(ir, ir_add(ir, ir_idx(ir, axes[0]), ir_int(ir, 1)), ir_int(ir, (int64_t)p->steps));
    IrTerm body = ir_subst(ir, state_at(p, rows, row, j), from, subs, info.rank);
    return ir_define(ir, 0, p->elem, axes, info.rank + 1, body);
}

/* The state side by side; false when there is too much of it. */
static bool measure(Path *p, Span span) {
    p->size = 0;
    for (uint32_t j = 0; j < p->motion.n && j < MOST_PARTS; j++) {
        p->place[j] = p->size;
        p->size += ir_size(p->ir, p->motion.y[j]);
    }
    if (p->motion.n <= MOST_PARTS) return true;
    sema_error(p->s, DIAG_RUN_OF, span, "a trajectory is of at most %d coordinates, velocities and states", MOST_PARTS);
    return false;
}

Val sema_trajectory(Sema *s, Scope *scope, const Expr *call) {
    Path p = {.s = s, .ir = s->ir, .elem = sema_real_elem(s, scope)};
    if (!check_args(s, call) || !find_scheme(&p, call) || !find_moments(&p, scope, call)) return val_poison();
    const Expr *plain[2];
    for (uint32_t k = 0, n = 0; k < call->call.args.n; k++)
        if (!call->call.args.at[k].name) plain[n++] = call->call.args.at[k].value;
    Val v = sema_real_expr(s, scope, plain[1]);
    if (!val_ok(&v)) return val_poison();
    IrDef what = val_def(s, &v, 0, plain[1]->span, scope), made = 0;
    if (!what || v.rank + 1 > IR_MAX_RANK - 1) {
        sema_error(s, DIAG_SHAPE, plain[1]->span, "what a trajectory looks at cannot depend on an index of the context");
        return val_poison();
    }
    Val out = {.kind = VAL_TENSOR, .rank = (uint8_t)(v.rank + 1)};
    memcpy(out.axis + 1, v.axis, sizeof *v.axis * v.rank);
    out.axis[0] = (Axis){.idx = ir_fresh(s->ir, p.n, 0), .full = p.n};
    if (s->guarded) { /* the shape is all that is wanted */
        out.body = ir_real(s->ir, 0);
        return out;
    }
    if (!join_motion(&p, scope, plain[0]) || !measure(&p, plain[0]->span)) return val_poison();
    Span before = ir_at(s->ir, call->span);
    IrDef rows = rows_of(&p);
    for (uint32_t j = 0; j < p.motion.n; j++)
        if (p.motion.y[j] == what) made = look_at_part(&p, rows, j);
    if (!made) made = look(&p, rows, what);
    ir_at(s->ir, before);
    return val_read(s, made, &out);
}
