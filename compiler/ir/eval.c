/* eval — the reference evaluator: every operation by the expression in op.def, in doubles or 64-bit integers,
 * nothing fused or reordered. Slow, and independent of planning and code generation, which are tested against
 * it.
 *
 * A root (a definition's body, a reduction's guard or body) is a list of the terms below it, operands first.
 * A value is kept with the time it was computed and counts as long as no index it depends on has moved since.
 * Reads outside a tensor give NaN, or 0: they stand behind a condition that does not hold, or are an error.
 */
#include "program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A REAL value, or an INT or BOOL one. */
typedef union Number {
    double real;
    int64_t whole;
} Number;

struct IrEnv {
    IrProgram *p;
    Number **value; /* by definition; NULL not known */
    double **shown; /* by definition: value of INT and BOOL ones as last given out */
    uint32_t n_defs;
    IrTerms *root;  /* by term: the terms below it; empty: not listed yet */
    Number *term;   /* by term: last value … */
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
    for (uint32_t k = 0; k < env->n_defs; k++) {
        free(env->value[k]);
        free(env->shown[k]);
    }
    for (uint32_t k = 0; k < env->n_terms; k++)
        vec_free(&env->root[k]);
    free(env->value);
    free(env->shown);
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
        env->shown = grown(env->shown, env->n_defs, p->defs.n, sizeof *env->shown);
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

static bool is_real_def(const IrProgram *p, IrDef d) {
    IrElem elem = p->defs.at[d].elem;
    return elem == IR_F64 || elem == IR_F32;
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
    Number *to = env->value[d] = base_realloc(env->value[d], sizeof *to * (size ? size : 1));
    for (uint64_t k = 0; k < size; k++)
        to[k] =
            is_real_def(env->p, d) ? (Number){.real = values[k]} : (Number){.whole = ir_int_of(values[k])};
    env->epoch = ++env->clock;
}

/* ---- terms --------------------------------------------------------------------------------------------- */

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

static Number eval_root(IrEnv *env, IrTerm root);

static double real_of(Number v, IrType type) { return type == IR_REAL ? v.real : (double)v.whole; }

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
        if (guard && !eval_root(env, guard).whole)
            continue;
        Number v = eval_root(env, body);
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
        return (Number){.real = real_of(v[0], type)};
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

static Number eval_root(IrEnv *env, IrTerm root) {
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
    Number *out = env->value[d];
    for (uint32_t k = 0; k < info->n_pieces; k++) {
        const IrPiece *piece = &info->pieces[k];
        const IrDefInfo *of = &p->defs.at[piece->def];
        const Number *in = env->value[piece->def];
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
    const Number *in = env->value[info->parent];
    if (in)
        memcpy(env->value[d], in + info->offset, sizeof *in * ir_size(env->p, d));
    else
        env->missing = true;
}

static void eval_linalg(IrEnv *env, IrDef d) {
    const IrDefInfo *info = &env->p->defs.at[d];
    const IrDefInfo *a = &env->p->defs.at[info->operand[0]];
    const Number *x = env->value[info->operand[0]]; /* all REAL */
    const Number *b = info->operand[1] ? env->value[info->operand[1]] : NULL;
    if (x && (b || !info->operand[1]))
        ir_linalg_eval(info->linalg, a->extent[0], info->rank > 1 ? info->extent[1] : 1, &x->real,
                       b ? &b->real : NULL, &env->value[d]->real);
    else
        env->missing = true;
}

static bool eval_marked(IrEnv *env, const uint8_t *mark, uint32_t n);

static void forget(IrEnv *env, IrDef d) {
    free(env->value[d]);
    env->value[d] = NULL;
}

/* What is computed anew for every k of scan d, among the definitions 1 … n−1; of roots in it all, or what they start from. */
static uint8_t *inside_scan(IrEnv *env, IrDef d, uint32_t n, IrInto into) {
    uint8_t *inside = base_calloc(n, 1);
    inside[d] = 1; /* reaches what it binds, used or not */
    ir_reach_into(env->p, 0, inside, into);
    inside[d] = 0;
    for (IrDef k = 1; k < n; k++)
        inside[k] = inside[k] && ir_in_scan(env->p, d, k);
    return inside;
}

/* One row after the other: the bound INPUTs are given their values, and what depends on them is computed again. */
static void eval_scan(IrEnv *env, IrDef d) {
    IrScan scan = ir_scan_of(env->p, d);
    uint32_t n = env->p->defs.n;
    uint8_t *inside = inside_scan(env, d, n, IR_INTO_ALL), *wanted = inside_scan(env, d, n, IR_INTO_START);
    Number *given[1 + IR_MAX_LAGS]; /* what somebody has set for bound INPUTs comes back at the end */
    for (uint32_t j = 0; j <= scan.lags; j++)
        given[j] = env->value[j ? scan.before[j - 1] : scan.counter];
    uint64_t size = ir_size(env->p, d) / scan.count;
    Number *out = env->value[d], *counter = base_calloc(1, sizeof *counter);
    int64_t lo, hi, step = scan.backward ? -1 : 1;
    ir_scan_range(&scan, &lo, &hi);
    if (scan.start && env->value[scan.start])
        memcpy(out + (scan.backward ? (scan.count - scan.lags) * size : 0), env->value[scan.start],
               sizeof *out * size * scan.lags);
    bool ok = !scan.start || env->value[scan.start];
    inside[scan.counter] = 0;
    for (uint32_t j = 0; j < scan.lags; j++)
        inside[scan.before[j]] = 0;
    for (int64_t at = 0; at <= hi - lo && ok; at++) {
        int64_t k = scan.backward ? hi - at : lo + at;
        for (IrDef m = 1; m < n; m++)
            if (inside[m])
                forget(env, m);
        counter->whole = k;
        env->value[scan.counter] = counter;
        for (uint32_t j = 0; j < scan.lags; j++)
            env->value[scan.before[j]] = out + (uint64_t)(k - step * (int64_t)(j + 1)) * size;
        env->epoch = ++env->clock;
        ok = eval_marked(env, wanted, n) && env->value[scan.row];
        if (ok)
            memcpy(out + (uint64_t)k * size, env->value[scan.row], sizeof *out * size);
    }
    for (IrDef m = 1; m < n; m++)
        if (inside[m])
            forget(env, m);
    for (uint32_t j = 0; j <= scan.lags; j++)
        env->value[j ? scan.before[j - 1] : scan.counter] = given[j];
    env->epoch = ++env->clock;
    env->missing = !ok;
    free(counter);
    free(inside);
    free(wanted);
}

/* Takes out of `now` what has a value only inside of a scan that is marked. */
static void leave_out_inside(IrEnv *env, const uint8_t *mark, uint8_t *now, uint32_t n) {
    for (IrDef d = n; d-- > 1;) {
        if (!mark[d] || env->p->defs.at[d].kind != IR_DEF_SCAN)
            continue;
        uint8_t *inside = inside_scan(env, d, n, IR_INTO_ALL);
        for (IrDef k = 1; k < n; k++)
            now[k] = now[k] && !inside[k];
        free(inside);
    }
}

/* What d needs, outside of the equations it is given by. */
static bool eval_one(IrEnv *env, IrDef d) {
    uint32_t n = env->p->defs.n;
    uint8_t *mark = base_calloc(n, 1);
    mark[d] = 1;
    ir_reach_into(env->p, 0, mark, IR_INTO_START);
    bool ok = eval_marked(env, mark, n);
    free(mark);
    return ok;
}

typedef struct Equation {
    IrEnv *env;
    IrDefInfo root;
    bool missing;
} Equation;

/* Another value of the unknown (NULL: none any more): what was computed from the last one is forgotten. */
static void set_unknown(const Equation *q, const double *u) {
    IrEnv *env = q->env;
    uint64_t bytes = q->root.extent[0] * sizeof(Number);
    for (IrDef d = 1; d < env->n_defs; d++) {
        if (env->value[d] && ir_def_depends(env->p, d, q->root.unknown))
            forget(env, d);
    }
    if (u)
        env->value[q->root.unknown] = memcpy(base_calloc(1, bytes), u, bytes);
    env->epoch = ++env->clock;
}

static bool equation_at(void *context, const double *u, double *r, double *jacobian) {
    Equation *q = context;
    uint64_t n = q->root.extent[0];
    const uint64_t size[2] = {n, n * n};
    double *out[2] = {r, jacobian};
    set_unknown(q, u);
    for (int k = 0; k < (jacobian ? 2 : 1); k++) {
        q->missing = !eval_one(q->env, q->root.operand[k]);
        if (q->missing)
            return false;
        memcpy(out[k], q->env->value[q->root.operand[k]], size[k] * sizeof(double));
    }
    return true;
}

/* NaN where no root is found. */
static void eval_equation(IrEnv *env, IrDef d) {
    Equation q = {.env = env, .root = env->p->defs.at[d]};
    uint64_t n = q.root.extent[0];
    double *u = base_calloc(n + 1, sizeof *u);
    memcpy(u, env->value[q.root.start], n * sizeof *u);
    bool found = ir_newton(n, u, equation_at, &q);
    set_unknown(&q, NULL);
    for (uint64_t k = 0; k < n; k++)
        env->value[d][k].real = found ? u[k] : NAN;
    env->missing = q.missing;
    free(u);
}

static bool eval_each(IrEnv *env, const uint8_t *mark, uint32_t n) {
    for (IrDef d = 1; d < n; d++) {
        IrDefKind kind = env->p->defs.at[d].kind;
        if (!mark[d] || env->value[d])
            continue;
        if (kind == IR_DEF_INPUT)
            return false;
        uint64_t size = ir_size(env->p, d);
        Number *values = base_calloc(size ? size : 1, sizeof *values);
        env_extend(env);
        env->value[d] = values;
        env->missing = false;
        switch (kind) {
        case IR_DEF_INPUT: break;
        case IR_DEF_VIEW: eval_view(env, d); break;
        case IR_DEF_EXPR: eval_expr(env, d); break;
        case IR_DEF_CONCAT: eval_concat(env, d); break;
        case IR_DEF_LINALG: eval_linalg(env, d); break;
        case IR_DEF_SCAN: eval_scan(env, d); break;
        case IR_DEF_ROOT: eval_equation(env, d); break;
        }
        if (env->missing) {
            free(env->value[d]);
            env->value[d] = NULL;
            return false;
        }
    }
    return true;
}

/* Computes every definition marked, in order; operands have smaller numbers. */
static bool eval_marked(IrEnv *env, const uint8_t *mark, uint32_t n) {
    uint8_t *now = base_calloc(n, 1);
    memcpy(now, mark, n);
    leave_out_inside(env, mark, now, n);
    bool ok = eval_each(env, now, n);
    free(now);
    return ok;
}

const double *ir_eval_def(IrEnv *env, IrDef d) {
    if (!d)
        return NULL;
    env_extend(env);
    bool ok = eval_one(env, d);
    if (!ok || is_real_def(env->p, d))
        return ok ? &env->value[d]->real : NULL;
    uint64_t size = ir_size(env->p, d);
    double *shown = env->shown[d] = base_realloc(env->shown[d], sizeof *shown * (size ? size : 1));
    for (uint64_t k = 0; k < size; k++)
        shown[k] = (double)env->value[d][k].whole;
    return shown;
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
    ir_reach_into(env->p, t, mark, IR_INTO_START);
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
    double v = real_of(eval_root(env, t), type_of(env->p, t));
    *ok = !env->missing;
    return *ok ? v : NAN;
}
