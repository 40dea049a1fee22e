/* tree — walks of expressions that several passes share: their names, their parts. Changes nothing. */
#include "internal.h"

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
        for (uint32_t k = 0; k < e->call.args.n; k++)
            visit_names(e->call.args.at[k].value, visit, context, depth);
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
            for (uint32_t d = 0; d < st->declare.n; d++)
                visit_names(st->declare.at[d].init, visit, context, depth);
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

typedef struct Seek {
    Name name;
    bool found;
} Seek;
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
    for (; e->kind == EXPR_BINARY; e = e->binary.a)
        if (index_subscripts_by(e->binary.b, name)) return true;
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
