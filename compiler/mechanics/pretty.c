/* pretty — terms as a physicist writes them: a tree of sums, products, quotients and reductions in natural
 * order, which the text and LaTeX printers only have to lay out.
 *
 * needs: IR      gives: Pretty trees and the definitions they mention      changes: nothing
 *
 * Natural order: a number, then scalars, then what has indices, sums last; positive terms before negative
 * ones; x⁻¹ is a denominator. A removable singularity, written select(c = 0, limit, f), shows as f. */
#include "pretty.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

PrettyScope *pretty_scope_new(const Model *model, const SemaRun *run) {
    Session *session = ir_session(model->ir);
    PrettyScope *s = ARENA_NEW(session->arena, PrettyScope);
    s->model = model;
    s->p = model->ir;
    s->run = run;
    s->session = session;
    s->arena = session->arena;
    s->n_state = ir_def_count(s->p) + 1;
    s->state = ARENA_ARRAY(s->arena, uint8_t, s->n_state);
    s->given = ARENA_ARRAY(s->arena, const char *, s->n_state);
    s->cap_wanted = s->n_state;
    s->wanted = ARENA_ARRAY(s->arena, IrDef, s->cap_wanted);
    return s;
}

/* ---- tree ---- */

Pretty *pretty_node(PrettyScope *s, PrettyKind kind, uint32_t room) {
    Pretty *t = ARENA_NEW(s->arena, Pretty);
    t->kind = kind;
    t->at = ARENA_ARRAY(s->arena, Pretty *, room ? room : 1);
    return t;
}

Pretty *pretty_value(PrettyScope *s, double value) {
    Pretty *t = pretty_node(s, PRETTY_NUMBER, 0);
    t->negative = value < 0;
    t->number = fabs(value);
    return t;
}

static Pretty *symbol(PrettyScope *s, const char *text) {
    Pretty *t = pretty_node(s, PRETTY_SYMBOL, IR_MAX_RANK);
    t->text = text;
    return t;
}

Pretty *pretty_call(PrettyScope *s, const char *function, Pretty **args, uint32_t n) {
    Pretty *t = pretty_node(s, PRETTY_CALL, n);
    t->text = function;
    for (uint32_t i = 0; i < n; i++)
        t->at[t->n++] = args[i];
    return t;
}

const char *pretty_number(Arena *arena, double value) {
    if (isinf(value))
        return value < 0 ? "−∞" : "∞";
    if (!isfinite(value))
        return arena_printf(arena, "%g", value);
    char text[40];
    int digits = 15; /* enough for every short decimal; zeros at the end are dropped */
    for (; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    for (digits = digits > 17 ? 17 : digits; digits > 1 && text[digits + (value < 0)] == '0'; digits--)
        continue;
    snprintf(text, sizeof text, "%.*e", digits - 1, value);
    char *e = strchr(text, 'e');
    int exponent = atoi(e + 1);
    if (exponent < -4 || exponent > 6)
        return arena_printf(arena, "%.*se%d", (int)(e - text), text, exponent);
    int decimals = digits - 1 - exponent;
    return arena_printf(arena, "%.*f", decimals > 0 ? decimals : 0, value);
}

static uint32_t term_size(const IrProgram *p, IrTerm t, uint32_t most) {
    IrNode n = *ir_node(p, t);
    IrOp op = (IrOp)n.op;
    uint32_t size = 1;
    if (op == IR_CONST || op == IR_INDEX || op == IR_READ || op == IR_DRAW)
        return size;
    if (ir_op_is_reduce(op))
        return 2 + term_size(p, n.arg[2], most);
    for (uint32_t k = 0; k < ir_op_arity(op) && size < most; k++)
        size += term_size(p, n.arg[k], most);
    return size;
}

/* ---- terms ---- */

static const char *linalg_name(IrLinalg fn) {
    switch (fn) {
    case IR_CHOLESKY: return "chol";
    case IR_SOLVE:
    case IR_SOLVE_SPD:
    case IR_SOLVE_LOWER: return "solve";
    case IR_SOLVE_LOWER_T: return "solve_t";
    case IR_INVERSE: return "inverse";
    case IR_LOGDET: return "logdet";
    case IR_POLAR: return "polar";
    case IR_LEADING: return "leading";
    case IR_SPECTRAL: return "spectral_norm";
    case IR_NUCLEAR: return "nuclear_norm";
    case IR_LINALG_COUNT: break;
    }
    return "";
}

static Pretty *def_name(PrettyScope *s, IrDef d) {
    uint32_t primes;
    const char *text = pretty_def_symbol(s, d, &primes);
    pretty_mention(s, d);
    Pretty *t = symbol(s, text);
    t->primes = primes;
    uint32_t ignored;
    t->varies = pretty_dynamic_symbol(s, d, &ignored) != NULL;
    return t;
}

static Pretty *build_linalg(PrettyScope *s, IrDef d) {
    IrDefInfo info = *ir_def(s->p, d);
    Pretty *args[2];
    if (info.kind == IR_DEF_ROOT) { /* the u with r(u) = 0 */
        args[0] = def_name(s, info.operand[0]);
        args[1] = def_name(s, info.unknown);
        return pretty_call(s, "root", args, 2);
    }
    uint32_t n = 0, most = info.linalg == IR_SPECTRAL || info.linalg == IR_NUCLEAR ? 1 : 2; /* not the polar factor beside */
    for (uint32_t k = 0; k < most && info.operand[k]; k++)
        args[n++] = def_name(s, info.operand[k]);
    return pretty_call(s, linalg_name(info.linalg), args, n);
}

/* A subscript wrapped around its axis shows without the wrapping, at the nearer side: u[x − 1], not u[(x +
 * 63) mod 64]. */
static IrTerm periodic_subscript(PrettyScope *s, IrTerm sub, uint64_t extent) {
    IrNode n = *ir_node(s->p, sub);
    double length;
    if (n.op != IR_IMOD || !ir_is_const(s->p, n.arg[1], &length) || length != (double)extent)
        return sub;
    IrIdx index[8];
    int64_t factor[8], constant;
    uint32_t count;
    if (!ir_affine(s->p, n.arg[0], index, factor, &count, &constant))
        return sub;
    bool far = constant > (int64_t)extent / 2;
    return far ? ir_sub(s->p, n.arg[0], ir_int(s->p, (int64_t)extent)) : n.arg[0];
}

static Pretty *build_read(PrettyScope *s, IrTerm t) {
    IrDef d = ir_node(s->p, t)->arg[0];
    uint32_t n = ir_node(s->p, t)->arg[2];
    IrTerm subs[IR_MAX_RANK];
    for (uint32_t k = 0; k < n; k++)
        subs[k] = ir_read_subs(s->p, t)[k];
    IrDefInfo info = *ir_def(s->p, d);
    bool named = info.name || info.label;
    uint32_t primes;
    if (info.kind == IR_DEF_EXPR && !named && !pretty_dynamic_symbol(s, d, &primes) &&
        term_size(s->p, info.body, INLINE_SIZE) < INLINE_SIZE)
        return pretty_build(s, ir_at_subs(s->p, d, subs));
    bool is_call = (info.kind == IR_DEF_LINALG || info.kind == IR_DEF_ROOT) && !named;
    Pretty *r = is_call ? build_linalg(s, d) : def_name(s, d);
    Pretty **at = is_call ? ARENA_ARRAY(s->arena, Pretty *, n ? n : 1) : r->at;
    for (uint32_t k = 0; k < n; k++)
        at[k] = pretty_build(s, periodic_subscript(s, subs[k], info.extent[k]));
    if (is_call) {
        r->below = at;
        r->n_below = n;
    } else {
        r->n = n;
    }
    return r;
}

/* ---- the rest ---- */

static Pretty *build_relation(PrettyScope *s, const char *text, IrTerm a, IrTerm b) {
    Pretty *t = pretty_node(s, PRETTY_RELATION, 2);
    t->text = text;
    t->at[t->n++] = pretty_build(s, a);
    t->at[t->n++] = pretty_build(s, b);
    return t;
}

/* select(c = 0, limit, f): the limit of f; shown as f. */
static bool is_removable(const IrProgram *p, IrOp op, IrTerm condition) {
    const IrNode *n = ir_node(p, condition);
    return n->op == op && ir_node(p, n->arg[0])->type == IR_REAL &&
           (ir_is_zero(p, n->arg[0]) || ir_is_zero(p, n->arg[1]));
}

/* The condition of a table: index ≤ k. */
static bool is_up_to(const IrProgram *p, IrTerm condition, IrIdx *index, uint64_t k) {
    IrNode node = *ir_node(p, condition);
    double value;
    if (node.op != IR_LE || ir_node(p, node.arg[0])->op != IR_INDEX || !ir_is_const(p, node.arg[1], &value))
        return false;
    IrIdx of = ir_node(p, node.arg[0])->arg[0];
    bool fits = value == (double)k && (!*index || *index == of);
    *index = fits ? of : *index;
    return fits;
}

/* (a, b, c)[i]: what a list written with brackets is, a number, or a list again, for each value of an index in turn; NULL: it
 * is not one. */
static Pretty *build_table(PrettyScope *s, IrTerm t) {
    enum { MOST = 64 };
    IrTerm item[MOST];
    IrIdx index = 0;
    uint32_t n = 0;
    double value;
    for (; ir_node(s->p, t)->op == IR_SELECT; t = ir_node(s->p, t)->arg[2]) {
        if (n + 1 >= MOST || !is_up_to(s->p, ir_node(s->p, t)->arg[0], &index, n))
            break;
        item[n++] = ir_node(s->p, t)->arg[1];
    }
    if (!n || ir_index(s->p, index)->extent != n + 1)
        return NULL;
    item[n++] = t;
    Pretty *list = pretty_node(s, PRETTY_TUPLE, n);
    list->below = ARENA_ARRAY(s->arena, Pretty *, IR_MAX_RANK);
    list->below[list->n_below++] = pretty_build(s, ir_idx(s->p, index));
    for (uint32_t k = 0; k < n; k++) {
        Pretty *one = ir_is_const(s->p, item[k], &value) ? pretty_build(s, item[k]) : build_table(s, item[k]);
        if (!one)
            return NULL;
        for (uint32_t b = 0; b < one->n_below && !k && list->n_below < IR_MAX_RANK; b++)
            list->below[list->n_below++] = one->below[b];
        one->n_below = 0;
        list->at[list->n++] = one;
    }
    return list;
}

static Pretty *build_select(PrettyScope *s, IrTerm term, const IrNode *n) {
    if (is_removable(s->p, IR_EQ, n->arg[0]))
        return pretty_build(s, n->arg[2]);
    if (is_removable(s->p, IR_NE, n->arg[0]) && ir_is_zero(s->p, n->arg[2]))
        return pretty_build(s, n->arg[1]);
    Pretty *t = build_table(s, term);
    if (t)
        return t;
    t = pretty_node(s, PRETTY_CASES, 3);
    IrNode condition = *ir_node(s->p, n->arg[0]);
    bool other = condition.op == IR_NOT; /* the other case first */
    t->at[t->n++] = pretty_build(s, other ? condition.arg[0] : n->arg[0]);
    t->at[t->n++] = pretty_build(s, n->arg[other ? 2 : 1]);
    t->at[t->n++] = pretty_build(s, n->arg[other ? 1 : 2]);
    return t;
}

static Pretty *build_draw(PrettyScope *s, IrTerm t) {
    Pretty *xi = symbol(s, "xi");
    uint32_t n;
    const IrIdx *free = ir_set(s->p, ir_node(s->p, t)->free, &n);
    for (uint32_t k = 0; k < n && k < IR_MAX_RANK; k++)
        xi->at[xi->n++] = symbol(s, pretty_index_name(s, free[k]));
    return xi;
}

static Pretty *build_operation(PrettyScope *s, IrTerm t, const IrNode *n) {
    IrOp op = (IrOp)n->op;
    if (ir_op_is_reduce(op))
        return pretty_reduce(s, t);
    if (op == IR_EXPM1) {
        IrTerm x = n->arg[0];
        Pretty *e = pretty_build(s, x), *terms[2] = {pretty_call(s, "exp", &e, 1), pretty_value(s, -1)};
        return pretty_sum_of(s, terms, 2);
    }
    Pretty *args[3];
    uint32_t arity = ir_op_arity(op);
    for (uint32_t k = 0; k < arity; k++)
        args[k] = pretty_build(s, n->arg[k]);
    return pretty_call(s, ir_op_name(op), args, arity);
}

Pretty *pretty_build(PrettyScope *s, IrTerm t) {
    IrNode n = *ir_node(s->p, t);
    double value;
    if (ir_is_const(s->p, t, &value))
        return pretty_value(s, value);
    IrOp op = (IrOp)n.op;
    if (op == IR_INDEX)
        return symbol(s, pretty_index_name(s, n.arg[0]));
    if (op == IR_READ)
        return build_read(s, t);
    if (op == IR_DRAW)
        return build_draw(s, t);
    if (op == IR_ADD || op == IR_SUB)
        return pretty_sum(s, t);
    if (op == IR_MUL || op == IR_DIV || op == IR_NEG)
        return pretty_product(s, t);
    if (op == IR_SQRT)
        return pretty_product(s, t);
    if (op == IR_POW)
        return ir_is_const(s->p, n.arg[1], &value)
                 ? pretty_product(s, t)
                 : pretty_power(s, pretty_build(s, n.arg[0]), pretty_build(s, n.arg[1]));
    if (op == IR_EQ || op == IR_NE || op == IR_LT || op == IR_LE || op == IR_AND || op == IR_OR)
        return build_relation(s, ir_op_name(op), n.arg[0], n.arg[1]);
    if (op == IR_SELECT)
        return build_select(s, t, &n);
    if (op == IR_TO_REAL) {
        Pretty *inner = pretty_build(s, n.arg[0]);
        if (ir_node(s->p, n.arg[0])->type != IR_BOOL)
            return inner;
        Pretty *bracket = pretty_node(s, PRETTY_BRACKET, 1);
        bracket->at[bracket->n++] = inner;
        return bracket;
    }
    return build_operation(s, t, &n);
}

Pretty *pretty_term(PrettyScope *s, IrTerm t, IrDef like) {
    uint32_t before = s->n_bound;
    pretty_push_axes(s, like);
    Pretty *tree = pretty_build(s, t);
    s->n_bound = before;
    return tree;
}

Pretty *pretty_subscripted(PrettyScope *s, const char *text, uint32_t primes, IrDef like) {
    uint32_t before = s->n_bound;
    pretty_push_axes(s, like);
    Pretty *t = symbol(s, text);
    t->primes = primes;
    for (uint32_t k = before; k < s->n_bound; k++) {
        bool one = ir_index(s->p, s->bound[k].index)->extent == 1;
        t->at[t->n++] = one ? pretty_value(s, 0) : symbol(s, s->bound[k].name);
    }
    s->n_bound = before;
    return t;
}

/* ---- where ---- */

static Pretty *where_body(PrettyScope *s, IrDef d) {
    IrDefInfo info = *ir_def(s->p, d);
    switch (info.kind) {
    case IR_DEF_EXPR: return pretty_term(s, info.body, d);
    case IR_DEF_LINALG:
    case IR_DEF_ROOT: return build_linalg(s, d);
    case IR_DEF_SCAN: return def_name(s, info.operand[0]);
    case IR_DEF_CONCAT: {
        Pretty *t = pretty_node(s, PRETTY_TUPLE, info.n_pieces);
        for (uint32_t i = 0; i < info.n_pieces; i++)
            t->at[t->n++] = def_name(s, info.pieces[i].def);
        return t;
    }
    case IR_DEF_INPUT:
        for (uint32_t i = 0; i < s->run->n_hypers; i++) {
            if (s->run->hypers[i].def == d)
                return pretty_value(s, s->run->hypers[i].value);
        }
        return NULL;
    case IR_DEF_VIEW: return NULL;
    }
    return NULL;
}

static bool reaches_only_hypers(PrettyScope *s, IrDef d) {
    uint32_t n = ir_def_count(s->p);
    uint8_t *mark = base_calloc(n + 1, 1);
    ir_reach(s->p, ir_def(s->p, d)->body, mark);
    bool only = true;
    for (IrDef k = 1; k <= n && only; k++)
        only = !mark[k] || ir_def(s->p, k)->kind != IR_DEF_INPUT || ir_def(s->p, k)->role == IR_ROLE_HYPER ||
               ir_def(s->p, k)->role == IR_ROLE_UNKNOWN;
    free(mark);
    return only;
}

/* The value of a scalar that follows from the hyper-parameters alone, else NaN. */
static double constant_value(PrettyScope *s, IrDef d) {
    double value;
    if (ir_def(s->p, d)->rank || ir_is_const(s->p, ir_def(s->p, d)->body, &value))
        return NAN;
    IrEnv *env = ir_env_new(s->p);
    for (uint32_t i = 0; i < s->run->n_hypers; i++)
        ir_env_set(env, s->run->hypers[i].def, &s->run->hypers[i].value);
    bool ok = false;
    if (reaches_only_hypers(s, d))
        value = ir_eval(env, ir_def(s->p, d)->body, NULL, &ok);
    ir_env_free(env);
    return ok ? value : NAN;
}

IrDef pretty_next_where(PrettyScope *s, Pretty **lhs, Pretty **rhs, double *value) {
    for (uint32_t i = 0; i < s->n_wanted; i++) {
        IrDef d = s->wanted[i];
        if (s->state[d] == 2)
            continue;
        s->state[d] = 2;
        *rhs = where_body(s, d);
        if (!*rhs)
            continue;
        uint32_t primes;
        const char *text = pretty_def_symbol(s, d, &primes);
        IrDefKind kind = ir_def(s->p, d)->kind;
        *value = kind == IR_DEF_EXPR ? constant_value(s, d) : NAN;
        *lhs = pretty_subscripted(s, text, primes, kind == IR_DEF_EXPR ? d : 0);
        return d;
    }
    return 0;
}
