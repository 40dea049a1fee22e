/* names — what nothing calls and nothing runs is checked as well: functions and dynamics for their names,
 * systems for everything. Needs: the scopes. Changes nothing; only reports. */
#include "run.h"

typedef struct Known {
    const struct Known *up;
    Name name;
} Known;
typedef struct Check {
    Sema *s;
    Scope *scope;
} Check;

static void check(Check *c, const Known *known, const Expr *e);

static bool is_known(const Known *known, Name name) {
    for (; known; known = known->up)
        if (known->name == name) return true;
    return false;
}

static void check_name(Check *c, const Known *known, Name name, Span span) {
    if (is_known(known, name) || scope_find(c->s, c->scope, name)) return;
    if (builtin_find(sema_name(c->s, name))) return;
    scope_unknown(c->s, c->scope, name, span, "name", DIAG_UNKNOWN_NAME);
}

static void check_call(Check *c, const Known *known, const Expr *e) {
    const Expr *callee = e->call.callee;
    Name name = callee->kind == EXPR_NAME ? callee->name.name : 0;
    if (name && !is_known(known, name) && !builtin_find(name_ascii(c->s->session->names, name)) &&
        !scope_find(c->s, c->scope, name))
        scope_unknown(c->s, c->scope, name, callee->span, "function", DIAG_UNKNOWN_FUNCTION);
    for (uint32_t k = 0; k < e->call.args.n; k++) check(c, known, e->call.args.at[k].value);
}

/* Binders, then what stands under them. */
static void check_under(Check *c, const Known *known, BinderList binders, const Expr *const *parts,
                        uint32_t n) {
    Known *inner = base_calloc(binders.n + 1, sizeof *inner);
    Name batch = name_of(c->s->session->names, "batch");
    for (uint32_t k = 0; k < binders.n; k++) {
        const Binder *b = &binders.at[k];
        check(c, known, b->extent);
        if (b->set && !(b->set->kind == EXPR_NAME && b->set->name.name == batch)) check(c, known, b->set);
    }
    for (uint32_t k = 0; k < binders.n; k++) {
        if (!binders.at[k].name) continue;
        inner[k] = (Known){known, binders.at[k].name};
        known = &inner[k];
    }
    for (uint32_t k = 0; k < n; k++) check(c, known, parts[k]);
    free(inner);
}

static void check_block(Check *c, const Known *known, const Expr *e) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < e->block.lets.n; k++)
        if (e->block.lets.at[k]->kind == STMT_DECLARE) n += e->block.lets.at[k]->declare.n;
    Known *locals = base_calloc(n + 1, sizeof *locals);
    n = 0;
    for (uint32_t k = 0; k < e->block.lets.n; k++) {
        const Stmt *st = e->block.lets.at[k];
        for (uint32_t d = 0; st->kind == STMT_DECLARE && d < st->declare.n; d++) {
            const Declarator *decl = &st->declare.at[d];
            Known itself = {known, decl->name};
            const Expr *parts[1] = {decl->init};
            check_under(c, decl->has_axes ? &itself : known, decl->axes, parts, 1);
            locals[n] = (Known){known, decl->name};
            known = &locals[n++];
        }
    }
    check(c, known, e->block.value);
    free(locals);
}

static void check(Check *c, const Known *known, const Expr *e) {
    if (!e) return;
    const Expr *parts[2], *part;
    switch (e->kind) {
    case EXPR_NAME: check_name(c, known, e->name.name, e->span); return;
    case EXPR_CALL: check_call(c, known, e); return;
    case EXPR_BLOCK: check_block(c, known, e); return;
    case EXPR_REDUCE:
        parts[0] = e->reduce.guard;
        parts[1] = e->reduce.body;
        check_under(c, known, e->reduce.binders, parts, 2);
        return;
    case EXPR_DRAW:
        for (uint32_t k = 0; e->draw.dist->kind == EXPR_CALL && k < e->draw.dist->call.args.n; k++)
            check(c, known, e->draw.dist->call.args.at[k].value);
        return;
    case EXPR_SUBSCRIPT:
        for (uint32_t k = 0; k < e->subscript.subs.n; k++) check(c, known, e->subscript.subs.at[k]);
        check(c, known, e->subscript.of);
        return;
    case EXPR_BINARY:
        for (; e->kind == EXPR_BINARY; e = e->binary.a) check(c, known, e->binary.b);
        check(c, known, e);
        return;
    case EXPR_PRIME:
    case EXPR_ARRAY:
    case EXPR_UNARY:
    case EXPR_TRANSPOSE:
    case EXPR_IF:
    case EXPR_RANGE:
        for (uint32_t k = 0; (part = expr_child(e, k)); k++) check(c, known, part);
        return;
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_BOOL:
    case EXPR_FIELD:
    case EXPR_ERROR:
    case EXPR_COUNT: return;
    }
}

/* ---- functions ---- */

static void check_params(Check *c, ParamList params, Known *known) {
    const Known *top = NULL;
    for (uint32_t k = 0; k < params.n; k++) {
        check(c, top, params.at[k].init);
        known[k] = (Known){top, params.at[k].name};
        top = &known[k];
    }
}

static uint32_t count_axes(ParamList params) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < params.n; k++) n += params.at[k].axes.n;
    return n;
}

void names_check_fn(Sema *s, Ent *ent) {
    const ParamList params = ent->stmt->fn.params;
    Check c = {s, ent->scope};
    uint32_t axes = count_axes(params);
    Known *known = base_calloc(params.n + 2 * axes + 1, sizeof *known);
    check_params(&c, params, known);
    const Known *top = params.n ? &known[params.n - 1] : NULL;
    Known *more = known + params.n;
    for (uint32_t k = 0; k < params.n; k++)
        for (uint32_t a = 0; a < params.at[k].axes.n; a++) {
            const Binder *b = &params.at[k].axes.at[a];
            if (b->name) *more = (Known){top, b->name}, top = more++;
            if (b->extent && b->extent->kind == EXPR_NAME)
                *more = (Known){top, b->extent->name.name}, top = more++;
        }
    const Expr *parts[1] = {ent->stmt->fn.body};
    check_under(&c, top, ent->stmt->fn.axes, parts, 1);
    free(known);
}

/* ---- dynamics ---- */

static const char *const motion_names[] = {"q",         "p",           "force",      "kinetic",
                                           "potential", "dissipation", "temperature"};
#define N_MOTION (sizeof motion_names / sizeof *motion_names)

static void check_item(Check *c, const Known *known, const Stmt *st) {
    const Expr *parts[2];
    if (st->kind == STMT_DECLARE)
        for (uint32_t d = 0; d < st->declare.n; d++) {
            parts[0] = st->declare.at[d].init;
            parts[1] = st->declare.at[d].start;
            check_under(c, known, st->declare.at[d].axes, parts, 2);
        }
    if (st->kind == STMT_TERM) {
        parts[0] = st->term.value;
        parts[1] = st->term.rhs;
        check_under(c, known, st->term.axes, parts, 2);
    }
    if (st->kind == STMT_FLOW)
        for (uint32_t k = 0; k < st->flow.items.n; k++) check_item(c, known, st->flow.items.at[k]);
    if (st->kind == STMT_STEP) check(c, known, st->step.by);
    if (st->kind == STMT_METHOD && st->method.call->kind == EXPR_CALL)
        for (uint32_t k = 0; k < st->method.call->call.args.n; k++)
            check(c, known, st->method.call->call.args.at[k].value);
}

void names_check_dynamics(Sema *s, Ent *ent) {
    const Stmt *st = ent->stmt;
    Scope *scope = scope_new(s, SCOPE_DYNAMICS, ent->scope);
    scope_collect(s, scope, st->dynamics.items);
    Check c = {s, scope};
    const ParamList params = st->dynamics.params;
    Known *known = base_calloc(params.n + N_MOTION + 1, sizeof *known);
    check_params(&c, params, known);
    const Known *top = params.n ? &known[params.n - 1] : NULL;
    for (size_t k = 0; k < N_MOTION; k++) {
        known[params.n + k] = (Known){top, name_of(s->session->names, motion_names[k])};
        top = &known[params.n + k];
    }
    Known pattern = {top, st->dynamics.has_pattern ? st->dynamics.pattern.name : 0};
    for (uint32_t k = 0; k < st->dynamics.items.n; k++) check_item(&c, &pattern, st->dynamics.items.at[k]);
    free(known);
}

/* ---- systems ---- */

void names_check_system(Sema *s, Ent *ent) {
    static const ArgList none = {NULL, 0};
    const Stmt *st = ent->stmt;
    SemaRun out = {.system = ent->name, .system_span = ent->span};
    RunState run = {.out = &out, .stmt = st, .system = ent};
    Join j = {.s = s, .run = &run, .out = &out, .st = st, .errors = s->session->n_errors};
    for (uint32_t k = 0; k < st->system.params.n; k++)
        if (!st->system.params.at[k].init) return; /* its parameters have no values without a run */
    j.body = ent->scope;
    j.system = scope_new(s, SCOPE_SYSTEM, ent->scope);
    join_bind_params(&j, j.system, j.body, none, st->system.params, ent, ent->span, false);
    scope_collect(s, j.system, st->system.items);
    join_system(&j);
    for (Ent *e = j.system->first; e; e = e->next)
        if ((e->kind == ENT_LET || e->kind == ENT_VAR) && e->state == ENT_NEW) sema_ent_value(s, e, e->span);
    vec_free(&j.forces);
    vec_free(&j.constraints);
    join_free_symmetries(&j);
}
