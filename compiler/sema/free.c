/* free — the indices that an equation leaves open: names in subscripts that nobody declared and that no
 * reduction or definition around them binds. They are the indices of a statement with `~` and of a
 * constraint. */
#include "internal.h"

typedef struct Bound {
    const struct Bound *up;
    Name name;
} Bound;
typedef struct Open {
    Sema *s;
    Scope *scope;
    IndexOpen *out;
    const Bound *bound;
} Open;

bool index_is_undeclared(Sema *s, Scope *scope, Name name) {
    Ent *ent = scope_find_declared(s, scope, name);
    return !ent || ent->kind == ENT_EXTENT || (ent->kind == ENT_VALUE && ent->scope->kind == SCOPE_ROOT);
}

static void take(Open *o, Name name, Span span) {
    for (const Bound *b = o->bound; b; b = b->up)
        if (b->name == name) return;
    for (uint32_t k = 0; k < o->out->n; k++)
        if (o->out->at[k].name == name) return;
    if (o->out->n < IR_MAX_RANK && index_is_undeclared(o->s, o->scope, name))
        o->out->at[o->out->n++] = (Binder){.span = span, .name = name};
}

static void open_in(Open *o, const Expr *e, bool subscripts);

static void open_under(Open *o, BinderList binders, const Expr *const *parts, uint32_t n, bool subscripts) {
    const Bound *before = o->bound;
    Bound *inner = base_calloc(binders.n + 1, sizeof *inner);
    for (uint32_t k = 0; k < binders.n; k++) {
        open_in(o, binders.at[k].set, subscripts);
        inner[k] = (Bound){o->bound, binders.at[k].name};
        if (inner[k].name) o->bound = &inner[k];
    }
    for (uint32_t k = 0; k < n; k++) open_in(o, parts[k], subscripts);
    o->bound = before;
    free(inner);
}

/* The operands of a op b op c … from left to right. */
static void open_in_chain(Open *o, const Expr *e, bool subscripts) {
    VEC(const Expr *) operands = {0};
    for (; e->kind == EXPR_BINARY; e = e->binary.a) vec_push(&operands, e->binary.b);
    open_in(o, e, subscripts);
    while (operands.n) open_in(o, vec_pop(&operands), subscripts);
    vec_free(&operands);
}

/* `subscripts`: e stands in a subscript, where a lone name may be an index. */
static void open_in(Open *o, const Expr *e, bool subscripts) {
    if (!e) return;
    if (e->kind == EXPR_NAME && subscripts) {
        take(o, e->name.name, e->span);
    } else if (e->kind == EXPR_SUBSCRIPT) {
        open_in(o, e->subscript.of, subscripts && e->subscript.of->kind != EXPR_NAME);
        for (uint32_t k = 0; k < e->subscript.subs.n; k++) open_in(o, e->subscript.subs.at[k], true);
    } else if (e->kind == EXPR_REDUCE) {
        const Expr *parts[2] = {e->reduce.guard, e->reduce.body};
        open_under(o, e->reduce.binders, parts, 2, subscripts);
    } else if (e->kind == EXPR_BINARY) {
        open_in_chain(o, e, subscripts);
    } else {
        const Expr *part;
        for (uint32_t k = 0; (part = expr_child(e, k)); k++) open_in(o, part, subscripts);
    }
}

void index_open(Sema *s, Scope *scope, const Expr *e, IndexOpen *out) {
    Open o = {.s = s, .scope = scope, .out = out};
    open_in(&o, e, false);
}
