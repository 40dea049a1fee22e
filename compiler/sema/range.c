/* range — the ranges of indices. Needs: binders and the expressions they are used in, as trees. Gives: for every index
 * its range, found from its uses as a subscript. Changes nothing in the tree.
 *
 * Each use of an index in a subscript gives a constraint Σ coefficient·index + offset within the axis. A plain use
 * `x[i]` says that i runs over the axis; two plain uses must agree. A use such as `x[i+1]` shortens the range so that
 * the subscript stays inside. Where several indices meet in one subscript (`img[y+dy, x+dx]`) the constraint
 * determines the one whose range nothing else says, for all values of the others. Periodic axes constrain nothing,
 * but their extent is taken when there is no other source. */
#include "internal.h"

#define MAX_AFFINE 6

typedef struct Use {
    uint32_t var[MAX_AFFINE];
    int64_t coef[MAX_AFFINE];
    uint32_t n;
    int64_t lo, hi;       /* the rest of the subscript lies in lo..hi */
    int64_t axis_lo;
    uint64_t extent, full;
    bool periodic, guarded;
    bool indirect; /* inside a function that the index is handed to: serves where nothing else says a range */
    Span span;
} Use;

/* A name bound on the way down: an index (var ≥ 0) or something whose shape is not known here (-1). */
typedef struct Env { const struct Env *up; Name name; int64_t var; } Env;

typedef struct Walk {
    Sema *s;
    Scope *scope;
    VEC(IndexVar) vars;
    VEC(Use) uses;
    VEC(Name) conditions; /* names in the conditions of the guards and ifs around the present place */
    uint32_t depth;
    uint32_t calls;       /* functions entered on the way */
    bool poisoned;        /* something subscripted is wrong itself, and was reported there */
    bool seeking;         /* for index_seek: nothing is elaborated on the way */
    Name wanted;          /* index_seek: the definition whose axis is looked for, */
    uint32_t wanted_axis;
    VEC(uint32_t) wanted_vars; /* and the indices that subscript it */
} Walk;

static void walk(Walk *w, const Env *env, const Expr *e);

static const Env *env_find(const Env *env, Name name) {
    for (; env; env = env->up)
        if (env->name == name) return env;
    return NULL;
}

/* ---- free names of an expression ---- */

static void visit_names(const Expr *e, NameVisit visit, void *context, uint32_t depth);

static void visit_list(ExprList list, NameVisit visit, void *context, uint32_t depth) {
    for (uint32_t k = 0; k < list.n; k++)
        if (list.at[k]) visit_names(list.at[k], visit, context, depth);
}

static void visit_names(const Expr *e, NameVisit visit, void *context, uint32_t depth) {
    if (!e || depth > 4000) return;
    depth++;
    switch (e->kind) {
    case EXPR_NAME: visit(context, e->name.name); return;
    case EXPR_PRIME: visit_names(e->prime.of, visit, context, depth); return;
    case EXPR_ARRAY: visit_list(e->array.items, visit, context, depth); return;
    case EXPR_UNARY: visit_names(e->unary.a, visit, context, depth); return;
    case EXPR_BINARY:
        for (; e->kind == EXPR_BINARY; e = e->binary.a) visit_names(e->binary.b, visit, context, depth);
        visit_names(e, visit, context, depth);
        return;
    case EXPR_SUBSCRIPT:
        visit_names(e->subscript.of, visit, context, depth);
        visit_list(e->subscript.subs, visit, context, depth);
        return;
    case EXPR_CALL:
        for (uint32_t k = 0; k < e->call.args.n; k++) visit_names(e->call.args.at[k].value, visit, context, depth);
        return;
    case EXPR_REDUCE:
        visit_names(e->reduce.guard, visit, context, depth);
        visit_names(e->reduce.body, visit, context, depth);
        return;
    case EXPR_TRANSPOSE: visit_names(e->transpose.of, visit, context, depth); return;
    case EXPR_IF:
        visit_names(e->cond.cond, visit, context, depth);
        visit_names(e->cond.then, visit, context, depth);
        visit_names(e->cond.other, visit, context, depth);
        return;
    case EXPR_DRAW: visit_names(e->draw.dist, visit, context, depth); return;
    case EXPR_BLOCK:
        for (uint32_t k = 0; k < e->block.lets.n; k++) {
            const Stmt *st = e->block.lets.at[k];
            if (st->kind != STMT_DECLARE) continue;
            for (uint32_t d = 0; d < st->declare.n; d++) visit_names(st->declare.at[d].init, visit, context, depth);
        }
        visit_names(e->block.value, visit, context, depth);
        return;
    case EXPR_FIELD: return;
    case EXPR_RANGE:
        visit_names(e->range.lo, visit, context, depth);
        visit_names(e->range.hi, visit, context, depth);
        return;
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_BOOL:
    case EXPR_ERROR:
    case EXPR_COUNT: return;
    }
}

void index_each_name(const Expr *e, NameVisit visit, void *context) { visit_names(e, visit, context, 0); }

typedef struct Seek { Name name; bool found; } Seek;
static void seek(void *context, Name name) {
    Seek *k = context;
    k->found = k->found || k->name == name;
}

const Expr *expr_child(const Expr *e, uint32_t k) {
    switch (e->kind) {
    case EXPR_PRIME: return k == 0 ? e->prime.of : NULL;
    case EXPR_ARRAY: return k < e->array.items.n ? e->array.items.at[k] : NULL;
    case EXPR_UNARY: return k == 0 ? e->unary.a : NULL;
    case EXPR_BINARY: return k == 0 ? e->binary.a : k == 1 ? e->binary.b : NULL;
    case EXPR_SUBSCRIPT: return k == 0 ? e->subscript.of : NULL;
    case EXPR_CALL: return k < e->call.args.n ? e->call.args.at[k].value : NULL;
    case EXPR_REDUCE: return k == 0 ? e->reduce.body : k == 1 ? e->reduce.guard : NULL;
    case EXPR_TRANSPOSE: return k == 0 ? e->transpose.of : NULL;
    case EXPR_IF: return k == 0 ? e->cond.cond : k == 1 ? e->cond.then : k == 2 ? e->cond.other : NULL;
    case EXPR_DRAW: return k == 0 ? e->draw.dist : NULL;
    case EXPR_BLOCK: return k == 0 ? e->block.value : NULL;
    case EXPR_RANGE: return k == 0 ? e->range.lo : k == 1 ? e->range.hi : NULL;
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_BOOL:
    case EXPR_NAME:
    case EXPR_FIELD:
    case EXPR_ERROR:
    case EXPR_COUNT: break;
    }
    return NULL;
}

bool index_subscripts_by(const Expr *e, Name name) {
    const Expr *part;
    for (uint32_t k = 0; e->kind == EXPR_SUBSCRIPT && k < e->subscript.subs.n; k++)
        if (e->subscript.subs.at[k] && index_mentions(e->subscript.subs.at[k], name)) return true;
    for (uint32_t k = 0; (part = expr_child(e, k)); k++)
        if (index_subscripts_by(part, name)) return true;
    return false;
}

bool index_mentions(const Expr *e, Name name) {
    Seek k = {name, false};
    visit_names(e, seek, &k, 0);
    return k.found;
}

static void push_condition(void *context, Name name) {
    Walk *w = context;
    vec_push(&w->conditions, name);
}

/* ---- subscripts as affine forms ---- */

static bool affine_add(Use *use, uint32_t var, int64_t coef) {
    for (uint32_t k = 0; k < use->n; k++)
        if (use->var[k] == var) {
            use->coef[k] += coef;
            return true;
        }
    if (use->n == MAX_AFFINE) return false;
    use->var[use->n] = var;
    use->coef[use->n++] = coef;
    return true;
}

/* A subexpression without open indices: its range, from its value. */
static bool known_range(Walk *w, const Env *env, const Expr *e, int64_t *lo, int64_t *hi) {
    for (const Env *at = env; at; at = at->up)
        if (index_mentions(e, at->name)) return false;
    w->s->mute++;
    Val v = sema_expr(w->s, w->scope, e);
    w->s->mute--;
    if (!val_ok(&v) || v.rank || val_type(w->s, &v) != IR_INT) return false;
    double value;
    if (ir_is_const(w->s->ir, v.body, &value)) {
        *lo = *hi = (int64_t)value;
        return true;
    }
    return ir_int_range(w->s->ir, v.body, lo, hi);
}

static bool affine(Walk *w, const Env *env, const Expr *e, int64_t scale, Use *use, uint32_t depth) {
    if (depth > 200) return false;
    if (e->kind == EXPR_NAME) {
        const Env *bound = env_find(env, e->name.name);
        if (bound) return bound->var >= 0 && affine_add(use, (uint32_t)bound->var, scale);
    }
    if (e->kind == EXPR_UNARY && e->unary.op == UNARY_NEG) return affine(w, env, e->unary.a, -scale, use, depth + 1);
    if (e->kind == EXPR_BINARY && (e->binary.op == BINARY_ADD || e->binary.op == BINARY_SUB))
        return affine(w, env, e->binary.a, scale, use, depth + 1) &&
               affine(w, env, e->binary.b, e->binary.op == BINARY_ADD ? scale : -scale, use, depth + 1);
    int64_t lo, hi;
    if (e->kind == EXPR_BINARY && e->binary.op == BINARY_MUL) {
        if (known_range(w, env, e->binary.a, &lo, &hi) && lo == hi)
            return affine(w, env, e->binary.b, scale * lo, use, depth + 1);
        if (known_range(w, env, e->binary.b, &lo, &hi) && lo == hi)
            return affine(w, env, e->binary.a, scale * lo, use, depth + 1);
    }
    if (!known_range(w, env, e, &lo, &hi)) return false;
    use->lo += scale > 0 ? scale * lo : scale * hi;
    use->hi += scale > 0 ? scale * hi : scale * lo;
    return true;
}

/* ---- shapes of what is subscripted ---- */

static bool mentions_bound(const Env *env, const Expr *e) {
    for (; env; env = env->up)
        if (index_mentions(e, env->name)) return true;
    return false;
}

typedef struct Reach { Sema *s; Ent *of; VEC(Ent *) seen; bool busy; } Reach;

static void reach_name(void *context, Name name) {
    Reach *r = context;
    Ent *ent = scope_find_declared(r->s, r->of->scope, name);
    if (!ent || ent->kind != ENT_LET || ent->state == ENT_DONE) return;
    r->busy = r->busy || ent->state == ENT_BUSY;
    for (uint32_t k = 0; k < r->seen.n; k++)
        if (r->seen.at[k] == ent) return;
    vec_push(&r->seen, ent);
}

/* Whether a definition needs one that is being elaborated. */
static bool leads_to_busy(Sema *s, Ent *ent) {
    Reach r = {.s = s, .of = ent};
    vec_push(&r.seen, ent);
    for (uint32_t k = 0; k < r.seen.n && !r.busy && r.seen.n < 200; k++) {
        r.of = r.seen.at[k];
        index_each_name(r.of->decl->init, reach_name, &r);
    }
    bool busy = r.busy || r.seen.n >= 200;
    vec_free(&r.seen);
    return busy;
}

/* The shape of a base, as a value whose body is not used; false when it cannot be told without the open indices. */
static bool shape_of(Walk *w, const Env *env, const Expr *e, Val *shape) {
    if (e->kind == EXPR_NAME && env_find(env, e->name.name)) return false;
    if (e->kind == EXPR_PRIME) return shape_of(w, env, e->prime.of, shape);
    if (e->kind == EXPR_NAME) {
        Ent *ent = scope_find(w->s, w->scope, e->name.name);
        if (!ent || ent->state == ENT_BUSY) return false;
        if (w->seeking && ent->kind == ENT_LET && ent->state != ENT_DONE && leads_to_busy(w->s, ent)) return false;
    }
    if (w->seeking && e->kind != EXPR_NAME) return false;
    if (!mentions_bound(env, e)) {
        w->s->mute++;
        *shape = sema_expr(w->s, w->scope, e);
        w->s->mute--;
        w->poisoned = w->poisoned || shape->kind == VAL_POISON;
        return val_ok(shape);
    }
    if (e->kind == EXPR_UNARY) return shape_of(w, env, e->unary.a, shape);
    if (e->kind == EXPR_BINARY && e->binary.op != BINARY_MATMUL)
        return (shape_of(w, env, e->binary.a, shape) && shape->rank) || shape_of(w, env, e->binary.b, shape);
    /* Tried out with the open indices running over one element. */
    Scope *scope = scope_new(w->s, SCOPE_LOCAL, w->scope);
    uint32_t entered = 0;
    for (const Env *at = env; at; at = at->up) {
        if (scope_own(scope, at->name)) continue;
        if (at->var < 0) {
            index_leave(w->s, entered);
            return false;
        }
        IndexVar var = w->vars.at[at->var];
        if (!var.known || var.bad) var = (IndexVar){.name = at->name, .known = true};
        index_enter(w->s, scope, &var);
        entered++;
    }
    w->s->mute++;
    w->s->guarded++;
    *shape = sema_expr(w->s, scope, e);
    w->s->guarded--;
    w->s->mute--;
    index_leave(w->s, entered);
    return val_ok(shape);
}

/* ---- the walk ---- */

static bool is_guarded(Walk *w, const Env *env, const Use *use) {
    for (uint32_t c = 0; c < w->conditions.n; c++) {
        const Env *bound = env_find(env, w->conditions.at[c]);
        for (uint32_t k = 0; bound && k < use->n; k++)
            if (bound->var == (int64_t)use->var[k]) return true;
    }
    return false;
}

static void walk_subscript(Walk *w, const Env *env, const Expr *e) {
    const ExprList subs = e->subscript.subs;
    bool wanted = false;
    for (uint32_t k = 0; k < subs.n; k++) wanted = wanted || (subs.at[k] && mentions_bound(env, subs.at[k]));
    if (w->wanted && e->subscript.of->kind == EXPR_NAME && e->subscript.of->name.name == w->wanted &&
        w->wanted_axis < subs.n && subs.at[w->wanted_axis] && subs.at[w->wanted_axis]->kind == EXPR_NAME) {
        const Env *bound = env_find(env, subs.at[w->wanted_axis]->name.name);
        if (bound && bound->var >= 0) vec_push(&w->wanted_vars, (uint32_t)bound->var);
    }
    Val shape;
    bool known = wanted && shape_of(w, env, e->subscript.of, &shape) && shape.rank == subs.n;
    for (uint32_t k = 0; k < subs.n; k++) {
        if (!subs.at[k]) continue;
        Use use = {.span = subs.at[k]->span};
        if (known && affine(w, env, subs.at[k], 1, &use, 0) && use.n) {
            use.axis_lo = shape.axis[k].lo;
            use.extent = val_extent(w->s, &shape, k);
            use.full = shape.axis[k].full;
            use.periodic = shape.axis[k].periodic;
            use.guarded = is_guarded(w, env, &use);
            use.indirect = w->calls > 0;
            vec_push(&w->uses, use);
        } else {
            walk(w, env, subs.at[k]);
        }
    }
    if (e->subscript.of->kind != EXPR_NAME) walk(w, env, e->subscript.of);
}

static void walk_reduce(Walk *w, const Env *env, const Expr *e) {
    const BinderList binders = e->reduce.binders;
    if (binders.n > 16) return;
    Env inner[16];
    IndexVar vars[16];
    w->s->mute++;
    index_vars(w->s, w->scope, binders.at, binders.n, vars);
    w->s->mute--;
    for (uint32_t k = 0; k < binders.n; k++) {
        inner[k] = (Env){env, vars[k].name, (int64_t)w->vars.n};
        vec_push(&w->vars, vars[k]);
        env = &inner[k];
    }
    uint32_t before = w->conditions.n;
    if (e->reduce.guard) {
        walk(w, env, e->reduce.guard);
        visit_names(e->reduce.guard, push_condition, w, 0);
    }
    walk(w, env, e->reduce.body);
    w->conditions.n = before;
}

static void walk_block(Walk *w, const Env *env, const Expr *e) {
    const StmtList lets = e->block.lets;
    Env *locals = NULL;
    uint32_t n = 0;
    for (uint32_t k = 0; k < lets.n; k++)
        if (lets.at[k]->kind == STMT_DECLARE) n += lets.at[k]->declare.n;
    locals = base_calloc(n + 1, sizeof *locals);
    n = 0;
    for (uint32_t k = 0; k < lets.n; k++) {
        if (lets.at[k]->kind != STMT_DECLARE) continue;
        for (uint32_t d = 0; d < lets.at[k]->declare.n; d++) {
            const Declarator *decl = &lets.at[k]->declare.at[d];
            if (!decl->has_axes && decl->init) walk(w, env, decl->init);
            locals[n] = (Env){env, decl->name, -1};
            env = &locals[n++];
        }
    }
    walk(w, env, e->block.value);
    free(locals);
}

static void walk_if(Walk *w, const Env *env, const Expr *e) {
    uint32_t before = w->conditions.n;
    for (; e->kind == EXPR_IF; e = e->cond.other) {
        walk(w, env, e->cond.cond);
        visit_names(e->cond.cond, push_condition, w, 0);
        walk(w, env, e->cond.then);
        if (!e->cond.other) break;
    }
    if (e->kind != EXPR_IF) walk(w, env, e);
    w->conditions.n = before;
}

/* A function that is handed an index itself: its body says where the index subscripts. */
static void walk_call(Walk *w, const Env *env, const Expr *e) {
    const ArgList args = e->call.args;
    bool hands_index = false;
    for (uint32_t k = 0; k < args.n; k++) {
        const Expr *value = args.at[k].value;
        walk(w, env, value);
        const Env *bound = value->kind == EXPR_NAME ? env_find(env, value->name.name) : NULL;
        hands_index = hands_index || (bound && bound->var >= 0);
    }
    Ent *fn = hands_index ? scope_find_kind(w->s, w->scope, e->call.callee->name.name, ENT_FN) : NULL;
    if (!fn || w->depth > 40) return;
    const ParamList params = fn->stmt->fn.params;
    Env *inner = base_calloc(params.n + 1, sizeof *inner);
    const Env *top = NULL;
    for (uint32_t k = 0; k < params.n; k++) {
        const Expr *value = NULL;
        for (uint32_t a = 0; a < args.n; a++)
            if (args.at[a].name ? args.at[a].name == params.at[k].name : a == k) value = args.at[a].value;
        const Env *bound = value && value->kind == EXPR_NAME ? env_find(env, value->name.name) : NULL;
        inner[k] = (Env){top, params.at[k].name, bound ? bound->var : -1};
        top = &inner[k];
    }
    Scope *before = w->scope;
    w->scope = fn->scope;
    w->depth += 10;
    w->calls++;
    const BinderList axes = fn->stmt->fn.axes;
    Env *result = base_calloc(axes.n + 1, sizeof *result);
    for (uint32_t k = 0; k < axes.n; k++) {
        result[k] = (Env){top, axes.at[k].name, -1};
        if (result[k].name) top = &result[k];
    }
    walk(w, top, fn->stmt->fn.body);
    free(result);
    w->calls--;
    w->depth -= 10;
    w->scope = before;
    free(inner);
}

static void walk(Walk *w, const Env *env, const Expr *e) {
    if (!e || w->depth > 1000) return;
    w->depth++;
    switch (e->kind) {
    case EXPR_SUBSCRIPT: walk_subscript(w, env, e); break;
    case EXPR_REDUCE: walk_reduce(w, env, e); break;
    case EXPR_BLOCK: walk_block(w, env, e); break;
    case EXPR_IF: walk_if(w, env, e); break;
    case EXPR_PRIME: walk(w, env, e->prime.of); break;
    case EXPR_ARRAY:
        for (uint32_t k = 0; k < e->array.items.n; k++) walk(w, env, e->array.items.at[k]);
        break;
    case EXPR_UNARY: walk(w, env, e->unary.a); break;
    case EXPR_BINARY:
        for (; e->kind == EXPR_BINARY; e = e->binary.a) walk(w, env, e->binary.b);
        walk(w, env, e);
        break;
    case EXPR_CALL: walk_call(w, env, e); break;
    case EXPR_TRANSPOSE: walk(w, env, e->transpose.of); break;
    case EXPR_DRAW: walk(w, env, e->draw.dist); break;
    case EXPR_RANGE:
        walk(w, env, e->range.lo);
        walk(w, env, e->range.hi);
        break;
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_BOOL:
    case EXPR_NAME:
    case EXPR_FIELD:
    case EXPR_ERROR:
    case EXPR_COUNT: break;
    }
    w->depth--;
}

/* ---- solving ---- */

static bool is_plain(const Use *use) { return use->n == 1 && use->coef[0] == 1 && use->lo == 0 && use->hi == 0; }

static void conflict(Walk *w, IndexVar *var, const Use *use) {
    Diag *d = sema_error(w->s, DIAG_INDEX_CONFLICT, use->span,
                         "the index `%s` runs over %llu values here, but over %llu elsewhere",
                         sema_name(w->s, var->name), (unsigned long long)use->full, (unsigned long long)var->full);
    sema_note(w->s, d, var->why, var->stated ? "`%s` : %llu stated here" : "`%s` runs over %llu values here",
              sema_name(w->s, var->name), (unsigned long long)var->full);
    sema_help(w->s, d, "an index means the same range everywhere; use another index, or fix the shapes");
    var->bad = true;
}

static void take_range(IndexVar *var, int64_t lo, int64_t hi, Span why) {
    if (!var->known) {
        var->lo = lo;
        var->hi = hi;
        var->why = why;
        var->known = true;
        return;
    }
    if (lo > var->lo) var->lo = lo;
    if (hi < var->hi) var->hi = hi;
}

static void solve_plain(Walk *w, bool indirect) {
    bool *full_known = base_calloc(w->vars.n + 1, 1), *known = base_calloc(w->vars.n + 1, 1);
    for (uint32_t k = 0; k < w->vars.n; k++) known[k] = w->vars.at[k].known;
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        if (!is_plain(use) || use->indirect != indirect) continue;
        IndexVar *var = &w->vars.at[use->var[0]];
        if (var->stated || var->bad || (indirect && known[use->var[0]])) continue;
        if (full_known[use->var[0]] && var->full != use->full) {
            conflict(w, var, use);
            continue;
        }
        var->periodic = (var->periodic || !full_known[use->var[0]]) && use->periodic;
        full_known[use->var[0]] = true;
        var->full = use->full;
        take_range(var, use->axis_lo, use->axis_lo + (int64_t)use->extent - 1, use->span);
    }
    free(full_known);
    free(known);
}

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return (a % b != 0 && ((a < 0) != (b < 0))) ? q - 1 : q;
}
static int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

/* The values of the k-th index of `use` that keep the subscript inside, the others at their worst. */
static bool use_range(const Walk *w, const Use *use, uint32_t k, int64_t *lo, int64_t *hi) {
    int64_t rest_lo = use->lo, rest_hi = use->hi;
    for (uint32_t j = 0; j < use->n; j++) {
        if (j == k) continue;
        const IndexVar *other = &w->vars.at[use->var[j]];
        if (!other->known) return false;
        int64_t c = use->coef[j];
        rest_lo += c > 0 ? c * other->lo : c * other->hi;
        rest_hi += c > 0 ? c * other->hi : c * other->lo;
    }
    int64_t low = use->axis_lo - rest_lo, high = use->axis_lo + (int64_t)use->extent - 1 - rest_hi, c = use->coef[k];
    if (c == 0) return false;
    *lo = c > 0 ? ceil_div(low, c) : ceil_div(high, c);
    *hi = c > 0 ? floor_div(high, c) : floor_div(low, c);
    return true;
}

/* Shortens by subscripts of one index, then determines indices that only meet others. `guarded` uses only serve where
 * nothing else says a range. */
static void solve_single(Walk *w) {
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        IndexVar *var = &w->vars.at[use->var[0]];
        int64_t lo, hi;
        if (use->n != 1 || is_plain(use) || use->periodic || use->guarded || use->indirect || var->stated || var->bad) continue;
        if (var->stated_periodic || !use_range(w, use, 0, &lo, &hi)) continue;
        bool fresh = !var->known;
        take_range(var, lo, hi, use->span);
        if (fresh) var->full = use->full;
    }
}

static bool solve_several(Walk *w, bool guarded, bool periodic) {
    bool changed = false;
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        if (use->guarded != guarded || use->periodic != periodic) continue;
        for (uint32_t k = 0; k < use->n; k++) {
            IndexVar *var = &w->vars.at[use->var[k]];
            int64_t lo, hi;
            if (var->known || var->bad) continue;
            if (periodic) {
                if (use->n != 1 || (use->coef[0] != 1 && use->coef[0] != -1)) continue;
                take_range(var, 0, (int64_t)use->extent - 1, use->span);
                var->periodic = true;
            } else {
                if (!use_range(w, use, k, &lo, &hi)) continue;
                take_range(var, lo, hi, use->span);
                /* the other uses with the same partners shorten it as well */
                for (uint32_t o = u + 1; o < w->uses.n; o++) {
                    const Use *more = &w->uses.at[o];
                    if (more->guarded != guarded || more->periodic) continue;
                    for (uint32_t j = 0; j < more->n; j++)
                        if (more->var[j] == use->var[k] && use_range(w, more, j, &lo, &hi))
                            take_range(var, lo, hi, more->span);
                }
            }
            var->full = use->full;
            changed = true;
        }
    }
    return changed;
}

static void solve(Walk *w) {
    solve_plain(w, false);
    solve_single(w);
    while (solve_several(w, false, false)) continue;
    while (solve_several(w, false, true) || solve_several(w, true, true)) continue;
    solve_plain(w, true);
    while (solve_several(w, true, false) || solve_several(w, false, false)) continue;
}

/* Uses of an index whose range the user stated: plain uses must agree with it. */
static void check_stated(Walk *w, uint32_t n) {
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        if (!is_plain(use) || use->var[0] >= n || use->periodic || use->guarded || use->indirect) continue;
        IndexVar *var = &w->vars.at[use->var[0]];
        int64_t last = use->axis_lo + (int64_t)use->extent - 1;
        if (!var->stated || var->bad || (var->lo >= use->axis_lo && var->hi <= last)) continue;
        Diag *d = sema_error(w->s, DIAG_INDEX_CONFLICT, use->span,
                             "the index `%s` runs over %lld..%lld, but this axis has %lld..%lld",
                             sema_name(w->s, var->name), (long long)var->lo, (long long)var->hi,
                             (long long)use->axis_lo, (long long)last);
        sema_note(w->s, d, var->why, "the range of `%s` is stated here", sema_name(w->s, var->name));
        var->bad = true;
    }
}

/* An index that is called like an extent that is known (`data y[n] = …; let t[n] = draw …`) runs over it. */
static void take_extents(Walk *w, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        IndexVar *var = &w->vars.at[k];
        Ent *ent = var->known || var->bad || w->seeking ? NULL : scope_find_declared(w->s, w->scope, var->name);
        if (!ent || (ent->kind != ENT_EXTENT && ent->kind != ENT_CONST)) continue;
        Val v = sema_ent_value(w->s, ent, var->span);
        double value;
        if (!val_ok(&v) || v.rank || val_type(w->s, &v) != IR_INT || !ir_is_const(w->s->ir, v.body, &value) || value < 1)
            continue;
        take_range(var, 0, (int64_t)value - 1, var->span);
        var->full = (uint64_t)value;
    }
}

static bool report(Walk *w, uint32_t n, uint32_t errors_before) {
    bool ok = true;
    for (uint32_t k = 0; k < n; k++) {
        IndexVar *var = &w->vars.at[k];
        if (var->bad) {
            ok = false;
        } else if (!var->known) {
            ok = false;
            var->bad = true;
            if (w->s->session->n_errors > errors_before || w->poisoned) continue;
            Diag *d = sema_error(w->s, DIAG_INDEX_RANGE, var->span, "the range of the index `%s` is not known",
                                 sema_name(w->s, var->name));
            sema_help(w->s, d, "no subscript says it; write `%s : N` with the number of its values",
                      sema_name(w->s, var->name));
        } else if (var->hi < var->lo) {
            ok = false;
            var->bad = true;
            Diag *d = sema_error(w->s, DIAG_INDEX_EMPTY, var->span,
                                 "no value of the index `%s` keeps every subscript in range",
                                 sema_name(w->s, var->name));
            sema_note(w->s, d, var->why, "its range starts from this use");
        }
    }
    return ok;
}

/* The rows of a minibatch: every use says the same number of rows of data. */
static void take_batch(Walk *w, uint32_t n) {
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        if (use->n != 1 || use->var[0] >= n || !w->vars.at[use->var[0]].batch || is_plain(use)) continue;
        IndexVar *var = &w->vars.at[use->var[0]];
        if (var->bad) continue;
        sema_error(w->s, DIAG_BATCH, use->span, "`%s` runs over the rows of the minibatch, which are not in order: "
                   "only `[%s]` itself can be used as a subscript", sema_name(w->s, var->name),
                   sema_name(w->s, var->name));
        var->bad = true;
    }
}

static void release(Walk *w) {
    vec_free(&w->vars);
    vec_free(&w->uses);
    vec_free(&w->conditions);
    vec_free(&w->wanted_vars);
}

/* One sibling of a definition: whether it says what subscripts axis `axis` of `name`. */
static bool seek_in(Sema *s, Scope *scope, const Binder *axes, uint32_t n, const Expr *const *roots, uint32_t n_roots,
                    Name name, uint32_t axis, IndexVar *found) {
    if (n > IR_MAX_RANK) return false;
    Walk w = {.s = s, .scope = scope, .seeking = true, .wanted = name, .wanted_axis = axis};
    IndexVar vars[IR_MAX_RANK];
    Env env[IR_MAX_RANK + 1];
    s->mute++;
    index_vars(s, scope, axes, n, vars);
    for (uint32_t k = 0; k < n; k++) {
        env[k] = (Env){k ? &env[k - 1] : NULL, vars[k].name, (int64_t)k};
        vec_push(&w.vars, vars[k]);
    }
    for (uint32_t r = 0; r < n_roots; r++) walk(&w, n ? &env[n - 1] : NULL, roots[r]);
    solve(&w);
    s->mute--;
    bool ok = false;
    for (uint32_t k = 0; k < w.wanted_vars.n && !ok; k++) {
        const IndexVar *var = &w.vars.at[w.wanted_vars.at[k]];
        ok = var->known && !var->bad && var->hi >= var->lo;
        if (ok) *found = *var;
    }
    release(&w);
    return ok;
}

bool index_seek(Sema *s, Scope *scope, Name name, uint32_t axis, IndexVar *found) {
    for (uint32_t k = 0; k < scope->items.n; k++) {
        const Stmt *st = scope->items.at[k];
        for (uint32_t d = 0; st->kind == STMT_DECLARE && d < st->declare.n; d++) {
            const Declarator *decl = &st->declare.at[d];
            const Expr *roots[1] = {decl->init};
            uint32_t n = decl->has_axes ? decl->axes.n : 0;
            if (decl->init && decl->name != name && seek_in(s, scope, decl->axes.at, n, roots, 1, name, axis, found))
                return true;
        }
        const Expr *roots[2] = {NULL, NULL};
        if (st->kind == STMT_TERM) roots[0] = st->term.value, roots[1] = st->term.rhs;
        if (roots[0] && seek_in(s, scope, NULL, 0, roots, roots[1] ? 2 : 1, name, axis, found)) return true;
    }
    return false;
}

bool index_infer(Sema *s, Scope *scope, IndexVar *vars, uint32_t n, const Expr *const *roots, uint32_t n_roots) {
    return index_infer_of(s, scope, vars, n, roots, n_roots, 0);
}

bool index_infer_of(Sema *s, Scope *scope, IndexVar *vars, uint32_t n, const Expr *const *roots, uint32_t n_roots,
                    Name name) {
    Walk w = {.s = s, .scope = scope};
    uint32_t errors = s->session->n_errors;
    Env *env = base_calloc(n + 1, sizeof *env);
    for (uint32_t k = 0; k < n; k++) {
        env[k] = (Env){k ? &env[k - 1] : NULL, vars[k].name, (int64_t)k};
        vec_push(&w.vars, vars[k]);
    }
    bool all_stated = true;
    for (uint32_t k = 0; k < n; k++) all_stated = all_stated && vars[k].stated;
    for (uint32_t r = 0; r < n_roots && n; r++) walk(&w, &env[n - 1], roots[r]);
    if (!all_stated) solve(&w);
    take_extents(&w, n);
    for (uint32_t k = 0; k < n && name; k++) {
        IndexVar found, *var = &w.vars.at[k];
        if (var->known || var->bad || !index_seek(s, scope, name, k, &found)) continue;
        take_range(var, found.lo, found.hi, found.why);
        var->full = found.full;
    }
    take_batch(&w, n);
    check_stated(&w, n);
    bool ok = report(&w, n, errors);
    for (uint32_t k = 0; k < n; k++) vars[k] = w.vars.at[k];
    release(&w);
    free(env);
    return ok;
}
