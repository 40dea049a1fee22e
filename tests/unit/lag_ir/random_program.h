/* random_program — random definition graphs for the tests of ir/ and calculus/: elementwise functions,
 * stencils with guards, periodic subscripts, gathers, diagonals, nested and guarded reductions, views of a
 * block. Every function used is smooth near the values it gets, so that differences converge. */
#ifndef LAG_TEST_RANDOM_PROGRAM_H
#define LAG_TEST_RANDOM_PROGRAM_H

#include "ir/ir.h"

#include <math.h>
#include <stdlib.h>

typedef struct Rng {
    uint64_t state;
} Rng;

static inline uint64_t rng_next(Rng *r) { /* splitmix64 */
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static inline uint32_t rng_below(Rng *r, uint32_t n) { return (uint32_t)(rng_next(r) % n); }
static inline double rng_real(Rng *r, double lo, double hi) {
    return lo + (hi - lo) * (double)(rng_next(r) >> 11) / 9007199254740992.0;
}

#define RP_MAX_DEFS 64
typedef struct RandomProgram {
    Session *session;
    IrProgram *p;
    Rng rng;
    uint64_t extent[3]; /* three sizes, so that axes of equal size meet */
    IrDef block, x, A, s, data, rows;
    IrDef real_defs[RP_MAX_DEFS];
    uint32_t n_real;
    IrTerm loss;
} RandomProgram;

static inline Name rp_name(RandomProgram *g, const char *stem, uint32_t k) {
    char text[32];
    snprintf(text, sizeof text, "%s%u", stem, k);
    return name_of(g->session->names, text);
}

/* An INT term in 0 .. extent-1 from the indices in scope, with a condition that must hold (0: none). */
static inline IrTerm rp_subscript(RandomProgram *g, uint64_t extent, const IrIdx *scope, uint32_t n,
                                  IrTerm *guard) {
    IrProgram *p = g->p;
    if (!n)
        return ir_int(p, rng_below(&g->rng, (uint32_t)extent));
    IrIdx i = scope[rng_below(&g->rng, n)];
    IrTerm t = ir_idx(p, i);
    uint64_t runs = ir_index(p, i)->extent;
    int64_t lo, hi;
    switch (rng_below(&g->rng, 7)) {
    case 0: t = ir_add(p, t, ir_int(p, (int64_t)rng_below(&g->rng, 3) - 1)); break;
    case 1:
        t = ir_op2(p, IR_IMOD, ir_add(p, t, ir_int(p, (int64_t)rng_below(&g->rng, 5) - 2)),
                   ir_int(p, (int64_t)extent));
        break;
    case 2: t = ir_sub(p, ir_int(p, (int64_t)runs - 1), t); break;
    case 3: t = ir_add(p, ir_mul(p, ir_int(p, 2), t), ir_int(p, rng_below(&g->rng, 2))); break;
    case 4:
        if (runs == g->extent[0]) {
            t = ir_read(p, g->rows, &t, 1);
            break;
        }
        break;
    case 5: t = ir_op2(p, IR_IDIV, t, ir_int(p, 2)); break;
    default: break;
    }
    if (!ir_int_range(p, t, &lo, &hi) || lo < 0 || hi >= (int64_t)extent) {
        IrTerm inside = ir_op2(p, IR_AND, ir_op2(p, IR_LE, ir_int(p, 0), t),
                               ir_op2(p, IR_LT, t, ir_int(p, (int64_t)extent)));
        *guard = *guard ? ir_op2(p, IR_AND, *guard, inside) : inside;
    }
    return t;
}

static inline IrTerm rp_read(RandomProgram *g, const IrIdx *scope, uint32_t n) {
    IrDef d = g->real_defs[rng_below(&g->rng, g->n_real)];
    IrTerm subs[IR_MAX_RANK], guard = 0;
    for (uint32_t k = 0; k < ir_def(g->p, d)->rank; k++)
        subs[k] = rp_subscript(g, ir_def(g->p, d)->extent[k], scope, n, &guard);
    IrTerm t = ir_read(g->p, d, subs, ir_def(g->p, d)->rank);
    return guard ? ir_select(g->p, guard, t, ir_real(g->p, 0)) : t;
}

static inline IrTerm rp_term(RandomProgram *g, const IrIdx *scope, uint32_t n, int depth);

static inline IrTerm rp_reduce(RandomProgram *g, const IrIdx *scope, uint32_t n, int depth) {
    static const IrOp ops[] = {IR_SUM, IR_SUM, IR_SUM, IR_LOGSUMEXP, IR_PROD, IR_MAXIMUM, IR_MINIMUM};
    IrProgram *p = g->p;
    IrIdx inner[8], k = ir_fresh(p, g->extent[rng_below(&g->rng, 3)], rp_name(g, "k", n));
    for (uint32_t j = 0; j < n; j++)
        inner[j] = scope[j];
    inner[n] = k;
    IrOp op = ops[rng_below(&g->rng, 7)];
    IrTerm guard = 0;
    if (n && rng_below(&g->rng, 2)) { /* never empty: k ≤ i + 1 or k = e or i ≠ k */
        IrTerm i = ir_idx(p, scope[rng_below(&g->rng, n)]);
        if (rng_below(&g->rng, 2))
            guard = ir_op2(p, IR_LE, ir_idx(p, k), ir_add(p, i, ir_int(p, 1)));
        else if (op == IR_SUM)
            guard = ir_op2(p, IR_EQ, ir_idx(p, k),
                           ir_add(p, i, ir_int(p, (int64_t)rng_below(&g->rng, 3) - 1)));
        else
            guard = ir_op2(p, IR_NE, ir_idx(p, k), i);
    }
    return ir_reduce(p, op, k, guard, rp_term(g, inner, n + 1, depth - 1));
}

static inline IrTerm rp_term(RandomProgram *g, const IrIdx *scope, uint32_t n, int depth) {
    static const IrOp smooth[] = {IR_SIN,     IR_COS,  IR_TANH, IR_SOFTPLUS,
                                  IR_SIGMOID, IR_ATAN, IR_ERF,  IR_ASINH};
    IrProgram *p = g->p;
    if (depth <= 0)
        return rng_below(&g->rng, 6) ? rp_read(g, scope, n) : ir_real(p, rng_real(&g->rng, -1, 1));
    switch (rng_below(&g->rng, 10)) {
    case 0: return ir_add(p, rp_term(g, scope, n, depth - 1), rp_term(g, scope, n, depth - 1));
    case 1: return ir_sub(p, rp_term(g, scope, n, depth - 1), rp_term(g, scope, n, depth - 1));
    case 2:
    case 3: return ir_mul(p, rp_term(g, scope, n, depth - 1), rp_term(g, scope, n, depth - 1));
    case 4: {
        IrTerm a = rp_term(g, scope, n, depth - 1);
        return ir_div(p, rp_term(g, scope, n, depth - 1), ir_add(p, ir_mul(p, a, a), ir_real(p, 1.5)));
    }
    case 5: return ir_op1(p, smooth[rng_below(&g->rng, 8)], rp_term(g, scope, n, depth - 1));
    case 6: return ir_op1(p, IR_EXP, ir_op1(p, IR_TANH, rp_term(g, scope, n, depth - 1)));
    case 7:
        return ir_op1(p, IR_LOG,
                      ir_add(p, ir_real(p, 1.2), ir_op1(p, IR_TANH, rp_term(g, scope, n, depth - 1))));
    default: return n < 4 ? rp_reduce(g, scope, n, depth) : rp_read(g, scope, n);
    }
}

/* A definition of random rank and body, bounded by tanh so that values stay near one. */
static inline IrDef rp_define(RandomProgram *g, uint32_t number, int depth) {
    IrIdx axes[2];
    uint32_t rank = rng_below(&g->rng, 3);
    for (uint32_t k = 0; k < rank; k++)
        axes[k] = ir_fresh(g->p, g->extent[rng_below(&g->rng, 3)], rp_name(g, "i", k));
    IrTerm body = ir_op1(g->p, IR_TANH, rp_term(g, axes, rank, depth));
    return ir_define(g->p, rp_name(g, "d", number), IR_F64, axes, rank, body);
}

/* A whole-tensor operation on a matrix with a dominant diagonal, made symmetric where the operation asks for
 * it. */
static inline IrDef rp_linalg(RandomProgram *g, uint32_t number) {
    IrProgram *p = g->p;
    uint64_t n = g->extent[rng_below(&g->rng, 3)];
    IrLinalg fn = (IrLinalg)rng_below(&g->rng, IR_LOGDET + 1);
    IrIdx axes[2] = {ir_fresh(p, n, rp_name(g, "r", 0)), ir_fresh(p, n, rp_name(g, "c", 0))};
    IrTerm i = ir_idx(p, axes[0]), j = ir_idx(p, axes[1]), at[2] = {i, j}, turned[2] = {j, i};
    IrTerm small = ir_mul(p, ir_real(p, 0.3), ir_op1(p, IR_SIN, rp_term(g, axes, 2, 1)));
    IrDef b = ir_define(p, rp_name(g, "B", number), IR_F64, axes, 2, small);
    IrTerm body = ir_read(p, b, at, 2);
    if (fn == IR_CHOLESKY || fn == IR_SOLVE_SPD || fn == IR_LOGDET)
        body = ir_add(p, body, ir_read(p, b, turned, 2));
    body = ir_add(p, body, ir_mul(p, ir_real(p, 3), ir_bracket(p, i, j)));
    IrDef a = ir_define(p, rp_name(g, "M", number), IR_F64, axes, 2, body), right = 0;
    if (fn >= IR_SOLVE && fn <= IR_SOLVE_LOWER_T) {
        IrIdx rows[2] = {axes[0], ir_fresh(p, g->extent[0], 0)};
        uint32_t rank = 1 + rng_below(&g->rng, 2);
        right = ir_define(p, rp_name(g, "R", number), IR_F64, rows, rank, rp_term(g, rows, rank, 1));
    }
    return ir_linalg(p, fn, a, right);
}

/* Two definitions side by side, with a gap that stays 0. */
static inline IrDef rp_concat(RandomProgram *g, uint32_t number) {
    IrDef a = g->real_defs[rng_below(&g->rng, g->n_real)], b = g->real_defs[rng_below(&g->rng, g->n_real)];
    uint64_t first = ir_size(g->p, a), total = first + 1 + ir_size(g->p, b);
    IrPiece pieces[2] = {{a, {0, 0}}, {b, {first + 1, 0}}};
    return ir_concat(g->p, rp_name(g, "cat", number), IR_F64, 1, &total, pieces, 2);
}

/* Σ of all elements of d, each through a smooth function. */
static inline IrTerm rp_total(RandomProgram *g, IrDef d) {
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank = ir_def(g->p, d)->rank;
    for (uint32_t k = 0; k < rank; k++) {
        axes[k] = ir_fresh(g->p, ir_def(g->p, d)->extent[k], 0);
        subs[k] = ir_idx(g->p, axes[k]);
    }
    IrTerm t = ir_op1(g->p, IR_SIN, ir_read(g->p, d, subs, rank));
    for (uint32_t k = rank; k-- > 0;)
        t = ir_reduce(g->p, IR_SUM, axes[k], 0, t);
    return t;
}

/* n_defs definitions over a block q of parameters seen through views, and a scalar loss of the last ones. */
static inline void rp_make(RandomProgram *g, Session *session, uint64_t seed, uint32_t n_defs, int depth) {
    *g = (RandomProgram){.session = session, .p = ir_new(session), .rng = {seed}};
    IrProgram *p = g->p;
    for (int k = 0; k < 3; k++)
        g->extent[k] = 2 + rng_below(&g->rng, 3);
    uint64_t N = g->extent[0], M = g->extent[1], size = N + N * M + 1;
    g->block = ir_input(p, rp_name(g, "q", 0), IR_ROLE_COORD, IR_F64, 1, &size);
    g->x = ir_view(p, rp_name(g, "x", 0), g->block, 0, 1, &N);
    g->A = ir_view(p, rp_name(g, "A", 0), g->block, N, 2, (uint64_t[]){N, M});
    g->s = ir_view(p, rp_name(g, "s", 0), g->block, N + N * M, 0, NULL);
    g->data = ir_input(p, rp_name(g, "data", 0), IR_ROLE_DATA, IR_F64, 2, (uint64_t[]){M, N});
    g->rows = ir_input(p, rp_name(g, "rows", 0), IR_ROLE_DATA, IR_I64, 1, &N);
    IrDef first[] = {g->x, g->A, g->s, g->data, g->x, g->A};
    for (uint32_t k = 0; k < 6; k++)
        g->real_defs[g->n_real++] = first[k];
    g->loss = ir_real(p, 0);
    for (uint32_t k = 0; k < n_defs; k++) {
        uint32_t kind = rng_below(&g->rng, 8);
        IrDef d = kind == 0 ? rp_linalg(g, k) : kind == 1 ? rp_concat(g, k) : rp_define(g, k, depth);
        g->real_defs[g->n_real++] = d;
        if (k + 3 >= n_defs)
            g->loss = ir_add(p, g->loss, rp_total(g, d));
    }
}

static inline void rp_set(RandomProgram *g, IrEnv *env) {
    double values[256];
    for (uint64_t k = 0; k < ir_size(g->p, g->block); k++)
        values[k] = rng_real(&g->rng, -1, 1);
    ir_env_set(env, g->block, values);
    for (uint64_t k = 0; k < ir_size(g->p, g->data); k++)
        values[k] = rng_real(&g->rng, -1, 1);
    ir_env_set(env, g->data, values);
    for (uint64_t k = 0; k < g->extent[0]; k++)
        values[k] = rng_below(&g->rng, (uint32_t)g->extent[0]);
    ir_env_set(env, g->rows, values);
}

#endif
