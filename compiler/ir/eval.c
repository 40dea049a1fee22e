/* eval — the reference evaluator: every operation by the expression in op.def, in doubles, nothing fused or
 * reordered. Slow, and independent of planning and code generation, which are tested against it.
 *
 * A root (a definition's body, a reduction's guard or body) is a list of the terms below it, operands first.
 * A value is kept with the time it was computed and counts as long as no index it depends on has moved since.
 * Reads outside a tensor give NaN: they stand behind a condition that does not hold, or are an error. */
#include "program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Root {
    IrTerm *at;
    uint32_t n;
} Root;

struct IrEnv {
    IrProgram *p;
    double **value; /* by definition; NULL not known */
    uint32_t n_defs;
    Root *root;     /* by term; at NULL: not listed yet */
    double *term;   /* by term: last value … */
    uint64_t *when; /* … and the time it was computed */
    uint32_t n_terms;
    int64_t *index;  /* by index: value … */
    uint64_t *moved; /* … and the time it was given */
    uint32_t n_indices;
    uint64_t clock, epoch; /* nothing computed before epoch counts */
    IrDrawFunction draw;
    void *draw_context;
    bool missing;
};

IrEnv *ir_env_new(IrProgram *p) {
    IrEnv *env = base_calloc(1, sizeof *env);
    env->p = p;
    env->clock = env->epoch = 1;
    return env;
}

void ir_env_free(IrEnv *env) {
    if (!env)
        return;
    for (uint32_t k = 0; k < env->n_defs; k++)
        free(env->value[k]);
    for (uint32_t k = 0; k < env->n_terms; k++)
        free(env->root[k].at);
    free(env->value);
    free(env->root);
    free(env->term);
    free(env->when);
    free(env->index);
    free(env->moved);
    free(env);
}

void ir_env_set_draw(IrEnv *env, IrDrawFunction draw, void *context) {
    env->draw = draw;
    env->draw_context = context;
}

static void *grown(void *at, uint32_t from, uint32_t to, size_t size) {
    at = base_realloc(at, size * to);
    memset((char *)at + size * from, 0, size * (to - from));
    return at;
}

/* Makes room for everything the program has by now. */
static void env_extend(IrEnv *env) {
    const IrProgram *p = env->p;
    if (env->n_defs < p->defs.n) {
        env->value = grown(env->value, env->n_defs, p->defs.n, sizeof *env->value);
        env->n_defs = p->defs.n;
    }
    if (env->n_terms < p->nodes.n) {
        env->root = grown(env->root, env->n_terms, p->nodes.n, sizeof *env->root);
        env->term = grown(env->term, env->n_terms, p->nodes.n, sizeof *env->term);
        env->when = grown(env->when, env->n_terms, p->nodes.n, sizeof *env->when);
        env->n_terms = p->nodes.n;
    }
    if (env->n_indices < p->indices.n) {
        env->index = grown(env->index, env->n_indices, p->indices.n, sizeof *env->index);
        env->moved = grown(env->moved, env->n_indices, p->indices.n, sizeof *env->moved);
        env->n_indices = p->indices.n;
    }
}

void ir_env_set(IrEnv *env, IrDef d, const double *values) {
    env_extend(env);
    uint64_t size = ir_size(env->p, d);
    for (uint32_t k = 0; k < env->n_defs; k++) {
        if (env->p->defs.at[k].kind == IR_DEF_INPUT)
            continue;
        free(env->value[k]);
        env->value[k] = NULL;
    }
    env->value[d] = base_realloc(env->value[d], sizeof(double) * (size ? size : 1));
    memcpy(env->value[d], values, sizeof(double) * size);
    env->epoch = ++env->clock;
}

/* ---- terms --------------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
    IrTerm x = *(const IrTerm *)a, y = *(const IrTerm *)b;
    return (x > y) - (x < y);
}

/* The terms below `root` outside of reductions, operands first. */
static const Root *root_of(IrEnv *env, IrTerm root) {
    const IrProgram *p = env->p;
    Root *r = &env->root[root];
    if (r->at)
        return r;
    VEC(IrTerm) list = {0};
    IrTerm operands[IR_MAX_RANK];
    uint8_t *seen = base_calloc(root / 8 + 1, 1);
    vec_push(&list, root);
    seen[root >> 3] |= (uint8_t)(1u << (root & 7));
    for (uint32_t k = 0; k < list.n; k++) {
        if (ir_op_is_reduce(op_of(p, list.at[k])))
            continue;
        uint32_t n = term_operands(p, list.at[k], operands);
        for (uint32_t j = 0; j < n; j++) {
            IrTerm u = operands[j];
            if (seen[u >> 3] & (1u << (u & 7)))
                continue;
            seen[u >> 3] |= (uint8_t)(1u << (u & 7));
            vec_push(&list, u);
        }
    }
    free(seen);
    qsort(list.at, list.n, sizeof *list.at, by_number);
    *r = (Root){list.at, list.n};
    return r;
}

static bool is_current(const IrEnv *env, IrTerm t) {
    uint64_t when = env->when[t];
    uint32_t n;
    if (when < env->epoch)
        return false;
    const IrIdx *free_of = ir_set(env->p, node_of(env->p, t)->free, &n);
    for (uint32_t k = 0; k < n; k++)
        if (env->moved[free_of[k]] > when)
            return false;
    return true;
}

static double eval_root(IrEnv *env, IrTerm root);

static double eval_read(IrEnv *env, IrTerm t) {
    const IrProgram *p = env->p;
    const IrNode *n = node_of(p, t);
    const IrDefInfo *info = &p->defs.at[n->arg[0]];
    const IrTerm *subs = ir_read_subs(p, t);
    uint64_t place = 0;
    if (!env->value[n->arg[0]]) {
        env->missing = true;
        return NAN;
    }
    for (uint32_t k = 0; k < n->arg[2]; k++) {
        double s = env->term[subs[k]];
        if (!(s >= 0 && s < (double)info->extent[k]))
            return NAN;
        place = place * info->extent[k] + (uint64_t)s;
    }
    return env->value[n->arg[0]][place];
}

/* One more value v at k = i of a reduction over i; `first` for the first one. */
static double accumulate(IrOp op, double sum, double v, double *best, double i, bool first) {
    switch ((int)op) {
    case IR_SUM: return sum + v;
    case IR_PROD: return sum * v;
    case IR_MAXIMUM: return first || v > sum ? v : sum;
    case IR_MINIMUM: return first || v < sum ? v : sum;
    case IR_ANY: return sum != 0 || v != 0;
    case IR_ALL: return sum != 0 && v != 0;
    case IR_LOGSUMEXP:
        if (first || v == -INFINITY || sum == v)
            return first ? v : sum == v && isfinite(v) ? v + M_LN2 : sum;
        return v > sum ? v + log1p(exp(sum - v)) : sum + log1p(exp(v - sum));
    case IR_ARGMAX:
    case IR_ARGMIN:
        if (!first && !(op == IR_ARGMAX ? v > *best : v < *best))
            return sum;
        *best = v;
        return i;
    }
    return NAN;
}

static double eval_reduce(IrEnv *env, IrTerm t) {
    const IrProgram *p = env->p;
    IrIdx i = arg_of(p, t, 0);
    IrTerm guard = arg_of(p, t, 1), body = arg_of(p, t, 2);
    uint64_t extent = p->indices.at[i].extent;
    IrOp op = op_of(p, t);
    double sum = reduce_identity(op), best = 0;
    bool first = true;
    int64_t outer = env->index[i];
    for (uint64_t k = 0; k < extent; k++) {
        env->index[i] = (int64_t)k;
        env->moved[i] = ++env->clock;
        if (guard && eval_root(env, guard) == 0)
            continue;
        sum = accumulate(op, sum, eval_root(env, body), &best, (double)k, first);
        first = false;
    }
    env->index[i] = outer;
    env->moved[i] = ++env->clock;
    return sum;
}

static double eval_node(IrEnv *env, IrTerm t) {
    const IrProgram *p = env->p;
    const IrNode *n = node_of(p, t);
    double v = NAN;
    switch ((int)n->op) {
    case IR_CONST: ir_is_const(p, t, &v); return v;
    case IR_INDEX: return (double)env->index[n->arg[0]];
    case IR_READ: return eval_read(env, t);
    case IR_DRAW:
        if (!env->draw) {
            env->missing = true;
            return NAN;
        }
        return env->draw(env->draw_context, (IrDrawKind)n->arg[0], n->arg[1], (int64_t)env->term[n->arg[2]]);
    }
    if (ir_op_is_reduce((IrOp)n->op))
        return eval_reduce(env, t);
    return op_eval((IrOp)n->op, n->arg[0] ? env->term[n->arg[0]] : 0, n->arg[1] ? env->term[n->arg[1]] : 0,
                   n->arg[2] ? env->term[n->arg[2]] : 0);
}

static double eval_root(IrEnv *env, IrTerm root) {
    const Root *r = root_of(env, root);
    for (uint32_t k = 0; k < r->n; k++) {
        IrTerm t = r->at[k];
        if (is_current(env, t))
            continue;
        double v = eval_node(env, t);
        env->term[t] = v;
        env->when[t] = env->clock;
    }
    return env->term[root];
}

/* ---- definitions --------------------------------------------------------------------------------------- */

/* Sets the AXIS indices 0 … rank−1 of the given extents to `at`. */
static void set_axes(IrEnv *env, const IrDefInfo *info, const uint64_t *at) {
    for (uint32_t k = 0; k < info->rank; k++) {
        IrIdx axis = ir_axis(env->p, k, info->extent[k]);
        env_extend(env);
        if (env->index[axis] == (int64_t)at[k] && env->moved[axis])
            continue;
        env->index[axis] = (int64_t)at[k];
        env->moved[axis] = ++env->clock;
    }
}

static void eval_expr(IrEnv *env, IrDef d) {
    IrDefInfo info = env->p->defs.at[d];
    uint64_t at[IR_MAX_RANK] = {0}, size = ir_size(env->p, d);
    for (uint64_t place = 0; place < size; place++) {
        uint64_t rest = place;
        for (uint32_t k = info.rank; k-- > 0; rest /= info.extent[k])
            at[k] = rest % info.extent[k];
        set_axes(env, &info, at);
        env->value[d][place] = eval_root(env, info.body);
    }
}

static void eval_concat(IrEnv *env, IrDef d) {
    const IrProgram *p = env->p;
    const IrDefInfo *info = &p->defs.at[d];
    double *out = env->value[d];
    for (uint32_t k = 0; k < info->n_pieces; k++) {
        const IrPiece *piece = &info->pieces[k];
        const IrDefInfo *of = &p->defs.at[piece->def];
        const double *in = env->value[piece->def];
        uint64_t size = ir_size(p, piece->def);
        for (uint64_t j = 0; in && j < size; j++) {
            uint64_t place = piece->at[0] + j;
            if (info->rank == 2) {
                uint64_t columns = of->extent[1];
                place = (piece->at[0] + j / columns) * info->extent[1] + piece->at[1] + j % columns;
            }
            out[place] = in[j];
        }
        env->missing |= !in;
    }
}

static void eval_view(IrEnv *env, IrDef d) {
    const IrDefInfo *info = &env->p->defs.at[d];
    const double *in = env->value[info->parent];
    if (in)
        memcpy(env->value[d], in + info->offset, sizeof(double) * ir_size(env->p, d));
    else
        env->missing = true;
}

static void eval_linalg(IrEnv *env, IrDef d) {
    const IrDefInfo *info = &env->p->defs.at[d];
    const IrDefInfo *a = &env->p->defs.at[info->operand[0]];
    const double *x = env->value[info->operand[0]];
    const double *b = info->operand[1] ? env->value[info->operand[1]] : NULL;
    if (x && (b || !info->operand[1]))
        ir_linalg_eval(info->linalg, a->extent[0], info->rank > 1 ? info->extent[1] : 1, x, b, env->value[d]);
    else
        env->missing = true;
}

/* Computes every definition marked, in order; operands have smaller numbers. */
static bool eval_marked(IrEnv *env, const uint8_t *mark, uint32_t n) {
    for (IrDef d = 1; d < n; d++) {
        IrDefKind kind = env->p->defs.at[d].kind;
        if (!mark[d] || env->value[d])
            continue;
        if (kind == IR_DEF_INPUT)
            return false;
        uint64_t size = ir_size(env->p, d);
        double *values = base_calloc(size ? size : 1, sizeof(double));
        env_extend(env);
        env->value[d] = values;
        env->missing = false;
        switch (kind) {
        case IR_DEF_INPUT: break;
        case IR_DEF_VIEW: eval_view(env, d); break;
        case IR_DEF_EXPR: eval_expr(env, d); break;
        case IR_DEF_CONCAT: eval_concat(env, d); break;
        case IR_DEF_LINALG: eval_linalg(env, d); break;
        }
        if (env->missing) {
            free(env->value[d]);
            env->value[d] = NULL;
            return false;
        }
    }
    return true;
}

const double *ir_eval_def(IrEnv *env, IrDef d) {
    if (!d)
        return NULL;
    env_extend(env);
    uint32_t n = env->p->defs.n;
    uint8_t *mark = base_calloc(n, 1);
    mark[d] = 1;
    ir_reach(env->p, 0, mark);
    bool ok = eval_marked(env, mark, n);
    free(mark);
    return ok ? env->value[d] : NULL;
}

double ir_eval(IrEnv *env, IrTerm t, const int64_t *axes, bool *ok) {
    bool unused;
    ok = ok ? ok : &unused;
    *ok = false;
    if (!t)
        return NAN;
    env_extend(env);
    uint32_t n = env->p->defs.n, n_free;
    uint8_t *mark = base_calloc(n, 1);
    ir_reach(env->p, t, mark);
    bool known = eval_marked(env, mark, n);
    free(mark);
    if (!known)
        return NAN;
    const IrIdx *free_of = ir_set(env->p, node_of(env->p, t)->free, &n_free);
    for (uint32_t k = 0; k < n_free; k++) {
        const IrIndex *i = &env->p->indices.at[free_of[k]];
        if (i->kind != IR_AXIS || !axes)
            return NAN;
        env->index[free_of[k]] = axes[i->number];
        env->moved[free_of[k]] = ++env->clock;
    }
    env->missing = false;
    double v = eval_root(env, t);
    *ok = !env->missing;
    return *ok ? v : NAN;
}
