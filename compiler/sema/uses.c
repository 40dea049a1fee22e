/* uses — every use of an index in a subscript, as a constraint. Needs: the tree and the shapes of what is
 * subscripted, which are elaborated on the way or tried out. Gives: the list of uses; changes nothing. */
#include "range.h"

static const Env *env_find(const Env *env, Name name) {
    for (; env; env = env->up)
        if (env->name == name) return env;
    return NULL;
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
    if (e->kind == EXPR_UNARY && e->unary.op == UNARY_NEG)
        return affine(w, env, e->unary.a, -scale, use, depth + 1);
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

static void push_condition(void *context, Name name) {
    Walk *w = context;
    vec_push(&w->conditions, name);
}

/* ---- shapes of what is subscripted ---- */

static bool mentions_bound(const Env *env, const Expr *e) {
    for (; env; env = env->up)
        if (index_mentions(e, env->name)) return true;
    return false;
}

typedef struct Reach {
    Sema *s;
    Ent *of;
    VEC(Ent *) seen;
    bool busy;
} Reach;

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

static bool shape_of(Walk *w, const Env *env, const Expr *e, Val *shape);

/* The shape of a op b op c …: that of the first operand that is no number, or else of the last. */
static bool shape_of_chain(Walk *w, const Env *env, const Expr *e, Val *shape) {
    VEC(const Expr *) operands = {0};
    for (; e->kind == EXPR_BINARY && e->binary.op != BINARY_MATMUL; e = e->binary.a)
        vec_push(&operands, e->binary.b);
    bool known = shape_of(w, env, e, shape);
    while (operands.n && !(known && shape->rank)) known = shape_of(w, env, vec_pop(&operands), shape);
    vec_free(&operands);
    return known;
}

/* The shape of a base, as a value whose body is not used; false when it cannot be told without the open
 * indices. */
static bool shape_of(Walk *w, const Env *env, const Expr *e, Val *shape) {
    if (e->kind == EXPR_NAME && env_find(env, e->name.name)) return false;
    if (e->kind == EXPR_PRIME) return shape_of(w, env, e->prime.of, shape);
    if (e->kind == EXPR_NAME) {
        Ent *ent = scope_find(w->s, w->scope, e->name.name);
        if (!ent || ent->state == ENT_BUSY) return false;
        if (w->seeking && ent->kind == ENT_LET && ent->state != ENT_DONE && leads_to_busy(w->s, ent))
            return false;
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
    if (e->kind == EXPR_BINARY && e->binary.op != BINARY_MATMUL) return shape_of_chain(w, env, e, shape);
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
            uses_walk(w, env, subs.at[k]);
        }
    }
    if (e->subscript.of->kind != EXPR_NAME) uses_walk(w, env, e->subscript.of);
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
        uses_walk(w, env, e->reduce.guard);
        index_each_name(e->reduce.guard, push_condition, w);
    }
    uses_walk(w, env, e->reduce.body);
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
            if (!decl->has_axes && decl->init) uses_walk(w, env, decl->init);
            locals[n] = (Env){env, decl->name, -1};
            env = &locals[n++];
        }
    }
    uses_walk(w, env, e->block.value);
    free(locals);
}

static void walk_if(Walk *w, const Env *env, const Expr *e) {
    uint32_t before = w->conditions.n;
    for (; e->kind == EXPR_IF; e = e->cond.other) {
        uses_walk(w, env, e->cond.cond);
        index_each_name(e->cond.cond, push_condition, w);
        uses_walk(w, env, e->cond.then);
        if (!e->cond.other) break;
    }
    if (e->kind != EXPR_IF) uses_walk(w, env, e);
    w->conditions.n = before;
}

/* A function that is handed an index itself: its body says where the index subscripts. */
static void walk_call(Walk *w, const Env *env, const Expr *e) {
    const ArgList args = e->call.args;
    bool hands_index = false;
    for (uint32_t k = 0; k < args.n; k++) {
        const Expr *value = args.at[k].value;
        uses_walk(w, env, value);
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
    uses_walk(w, top, fn->stmt->fn.body);
    free(result);
    w->calls--;
    w->depth -= 10;
    w->scope = before;
    free(inner);
}

void uses_walk(Walk *w, const Env *env, const Expr *e) {
    if (!e || w->depth > 1000) return;
    w->depth++;
    switch (e->kind) {
    case EXPR_SUBSCRIPT: walk_subscript(w, env, e); break;
    case EXPR_REDUCE: walk_reduce(w, env, e); break;
    case EXPR_BLOCK: walk_block(w, env, e); break;
    case EXPR_IF: walk_if(w, env, e); break;
    case EXPR_PRIME: uses_walk(w, env, e->prime.of); break;
    case EXPR_ARRAY:
        for (uint32_t k = 0; k < e->array.items.n; k++) uses_walk(w, env, e->array.items.at[k]);
        break;
    case EXPR_UNARY: uses_walk(w, env, e->unary.a); break;
    case EXPR_BINARY:
        for (; e->kind == EXPR_BINARY; e = e->binary.a) uses_walk(w, env, e->binary.b);
        uses_walk(w, env, e);
        break;
    case EXPR_CALL: walk_call(w, env, e); break;
    case EXPR_TRANSPOSE: uses_walk(w, env, e->transpose.of); break;
    case EXPR_DRAW: uses_walk(w, env, e->draw.dist); break;
    case EXPR_RANGE:
        uses_walk(w, env, e->range.lo);
        uses_walk(w, env, e->range.hi);
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
