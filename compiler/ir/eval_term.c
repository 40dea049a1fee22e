/* eval_term — the reference evaluator's terms.
 *
 * A root (a definition's body, a reduction's guard or body) is a list of the terms below it, operands first.
 * A value is kept with the time it was computed and counts as long as no index it depends on has moved since.
 * Reads outside a tensor give NaN, or 0: they stand behind a condition that does not hold, or are an error.
 */
#include "eval.h"

#include <math.h>

static const IrTerms *root_of(IrEnv *env, IrTerm root) {
    IrTerms *list = &env->root[root];
    if (!list->n)
        ir_list_below(env->p, root, list);
    return list;
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

static Number eval_read(IrEnv *env, IrTerm t) {
    const IrProgram *p = env->p;
    const IrNode *n = node_of(p, t);
    const IrDefInfo *info = &p->defs.at[n->arg[0]];
    const IrTerm *subs = ir_read_subs(p, t);
    Number none = n->type == IR_REAL ? (Number){.real = NAN} : (Number){.whole = 0};
    uint64_t place = 0;
    if (!env->value[n->arg[0]]) {
        env->missing = true;
        return none;
    }
    for (uint32_t k = 0; k < n->arg[2]; k++) {
        int64_t s = env->term[subs[k]].whole;
        if (s < 0 || (uint64_t)s >= info->extent[k])
            return none;
        place = place * info->extent[k] + (uint64_t)s;
    }
    return env->value[n->arg[0]][place];
}

/* ---- reductions ---------------------------------------------------------------------------------------- */

typedef struct Sum {
    Number at;
    Number best; /* ARGMAX, ARGMIN: the largest or smallest value so far; `at` is where */
    bool first;
} Sum;

static Sum sum_start(IrOp op, IrType type) {
    Number at = {.real = ir_reduce_identity(op)};
    bool max = op == IR_MAXIMUM || op == IR_ARGMAX, arg = op == IR_ARGMAX || op == IR_ARGMIN;
    Number far = type == IR_REAL ? (Number){.real = max ? -INFINITY : INFINITY}
                                 : (Number){.whole = max ? INT64_MIN : INT64_MAX};
    if (arg || type != IR_REAL)
        at.whole = op == IR_MAXIMUM || op == IR_MINIMUM ? far.whole : (int64_t)ir_reduce_identity(op);
    return (Sum){at, far, true};
}

/* log(e^a + e^b) */
static double add_logs(double a, double b) {
    if (a == b)
        return isfinite(a) ? a + M_LN2 : a;
    return a > b ? a + log1p(exp(b - a)) : b + log1p(exp(a - b));
}

/* One more REAL value v at k = i. A NaN is the largest and the smallest, and not looked at for where those
 * are. */
static void add_real(IrOp op, Sum *s, double v, int64_t i) {
    double sum = s->at.real;
    if (op == IR_SUM) {
        s->at.real = sum + v;
    } else if (op == IR_PROD) {
        s->at.real = sum * v;
    } else if (op == IR_MAXIMUM || op == IR_MINIMUM) {
        s->at.real = op_eval(op == IR_MAXIMUM ? IR_MAX : IR_MIN, sum, v, 0);
    } else if (op == IR_LOGSUMEXP) {
        s->at.real = s->first ? v : add_logs(sum, v);
    } else if (op == IR_ARGMAX ? v > s->best.real : v < s->best.real) {
        s->best.real = v;
        s->at.whole = i;
    }
}

/* The same for INT and BOOL values. */
static void add_whole(IrOp op, Sum *s, int64_t v, int64_t i) {
    int64_t sum = s->at.whole;
    if (op == IR_ARGMAX ? v > s->best.whole : op == IR_ARGMIN && v < s->best.whole) {
        s->best.whole = v;
        s->at.whole = i;
    } else if (op != IR_ARGMAX && op != IR_ARGMIN) {
        s->at.whole = op_eval_int(ir_op_of_reduce(op), sum, v, 0);
    }
}

static Number eval_reduce(IrEnv *env, IrTerm t) {
    const IrProgram *p = env->p;
    IrIdx i = arg_of(p, t, 0);
    IrTerm guard = arg_of(p, t, 1), body = arg_of(p, t, 2);
    uint64_t extent = p->indices.at[i].extent;
    IrOp op = op_of(p, t);
    IrType type = type_of(p, body);
    Sum sum = sum_start(op, type);
    int64_t outer = env->index[i];
    for (uint64_t k = 0; k < extent; k++) {
        env->index[i] = (int64_t)k;
        env->moved[i] = ++env->clock;
        if (guard && !ir_eval_root(env, guard).whole)
            continue;
        Number v = ir_eval_root(env, body);
        if (type == IR_REAL)
            add_real(op, &sum, v.real, (int64_t)k);
        else
            add_whole(op, &sum, v.whole, (int64_t)k);
        sum.first = false;
    }
    env->index[i] = outer;
    env->moved[i] = ++env->clock;
    return sum.at;
}

static Number eval_draw(IrEnv *env, const IrNode *n) {
    if (env->draw)
        return (Number){.real = env->draw(env->draw_context, (IrDrawKind)n->arg[0], n->arg[1],
                                          env->term[n->arg[2]].whole)};
    env->missing = true;
    return (Number){.real = NAN};
}

/* A scalar operation, by the type of its operands. */
static Number eval_op(IrEnv *env, const IrNode *n) {
    IrOp op = (IrOp)n->op;
    IrType type = type_of(env->p, n->arg[0]);
    Number v[3] = {{0}};
    for (uint32_t k = 0; k < ir_op_arity(op); k++)
        v[k] = env->term[n->arg[k]];
    if (op == IR_SELECT)
        return v[0].whole ? v[1] : v[2];
    if (op == IR_TO_REAL)
        return (Number){.real = number_real(v[0], type)};
    if (op == IR_TO_INT)
        return type == IR_REAL ? (Number){.whole = ir_int_of(v[0].real)} : v[0];
    if (type != IR_REAL)
        return (Number){.whole = op_eval_int(op, v[0].whole, v[1].whole, v[2].whole)};
    double value = op_eval(op, v[0].real, v[1].real, v[2].real);
    return n->type == IR_REAL ? (Number){.real = value} : (Number){.whole = value != 0};
}

static Number eval_node(IrEnv *env, IrTerm t) {
    const IrProgram *p = env->p;
    const IrNode *n = node_of(p, t);
    double v;
    if (n->op == IR_CONST)
        return const_real(p, t, &v) ? (Number){.real = v} : (Number){.whole = const_whole(p, t)};
    if (n->op == IR_INDEX)
        return (Number){.whole = env->index[n->arg[0]]};
    if (n->op == IR_READ)
        return eval_read(env, t);
    if (n->op == IR_DRAW)
        return eval_draw(env, n);
    return ir_op_is_reduce((IrOp)n->op) ? eval_reduce(env, t) : eval_op(env, n);
}

Number ir_eval_root(IrEnv *env, IrTerm root) {
    const IrTerms *r = root_of(env, root);
    for (uint32_t k = 0; k < r->n; k++) {
        IrTerm t = r->at[k];
        if (is_current(env, t))
            continue;
        Number v = eval_node(env, t);
        env->term[t] = v;
        env->when[t] = env->clock;
    }
    return env->term[root];
}
