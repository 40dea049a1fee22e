/* eval — the reference evaluator: every operation by the expression in op.def, in doubles or 64-bit integers,
 * nothing fused or reordered. Slow, and independent of planning and code generation, which are tested against
 * it. Terms are in eval_term.c. */
#include "eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        env->value[d][place] = ir_eval_root(env, info.body);
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
        ir_linalg_eval(info->linalg, a->extent[0], info->linalg >= IR_POLAR ? a->extent[1] : info->rank > 1 ? info->extent[1] : 1, &x->real,
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
        inside[k] = inside[k] && ir_is_inside(env->p, d, k);
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
    const uint64_t size[2] = {n, ir_size(q->env->p, q->root.operand[1])};
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
    uint64_t block = ir_root_is_convex(env->p, d);
    bool found = ir_newton(n, block ? block : n, u, equation_at, &q);
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
    double v = number_real(ir_eval_root(env, t), type_of(env->p, t));
    *ok = !env->missing;
    return *ok ? v : NAN;
}
