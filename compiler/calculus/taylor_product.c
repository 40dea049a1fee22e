/* taylor_product — products, quotients and powers as operations with a recursion, and the names operations get.
 *
 * A product is taken apart into its factors and put together two at a time, those first that vary with the fewest indices:
 * w[i,l] c[i] c[l] x[l] under a sum over l has the operation c[l] x[l], and one more outside the sum. */
#include "taylor.h"

#include <math.h>
#include <string.h>

enum { MOST_FACTORS = 24, LARGEST_POWER = 64 };

typedef struct Factors {
    IrTerm at[4 * MOST_FACTORS];
    uint32_t n;
} Factors;

/* ---- names ---- */

static IrTerm renamed(IrProgram *p, IrTerm t, const IrIdx *from, const IrTerm *to, uint32_t n) {
    return t ? ir_subst(p, t, from, to, n) : 0;
}

IrTerm taylor_name(Taylor *s, TaylorOp op) {
    IrProgram *p = s->p;
    uint32_t n;
    Span before = ir_at(p, ir_node(p, op.value)->span);
    op.value = calc_guard_reads(p, op.value);
    for (uint32_t k = 0; k < 2; k++)
        op.operand[k] = op.operand[k] ? calc_guard_reads(p, op.operand[k]) : 0;
    const IrIdx *set = ir_set(p, ir_node(p, op.value)->free, &n);
    IrIdx from[IR_MAX_RANK];
    IrTerm to[IR_MAX_RANK], at[IR_MAX_RANK];
    if (n > IR_MAX_RANK) {
        taylor_refuse(s, op.value);
        return op.value;
    }
    memcpy(from, set, n * sizeof *from);
    for (uint32_t k = 0; k < n; k++) {
        op.axes[k] = ir_fresh(p, ir_index(p, from[k])->extent, ir_index(p, from[k])->name);
        to[k] = ir_idx(p, op.axes[k]);
        at[k] = ir_idx(p, from[k]);
    }
    op.rank = n;
    op.value = renamed(p, op.value, from, to, n);
    for (uint32_t k = 0; k < 2; k++)
        op.operand[k] = renamed(p, op.operand[k], from, to, n);
    op.def = ir_define(p, 0, IR_F64, op.axes, n, op.value);
    ir_at(p, before);
    op.depth = s->depth;
    if (s->source || !op.source)
        op.source = s->source ? s->source : op.value;
    if (!*taylor_at(&s->op_of, op.def)) {
        vec_push(&s->ops, op);
        *taylor_at(&s->op_of, op.def) = s->ops.n;
        *taylor_at(&s->flat, op.def) = op.def;
        *taylor_at(&s->varies, op.def) = 2;
    }
    return ir_read(p, op.def, at, n);
}

/* ---- two factors ---- */

/* A term that is more than a read times a number gets a definition, so that a product of two does not become one of three. */
static IrTerm as_read(Taylor *s, IrTerm t) {
    double scale;
    IrTerm core = calc_coefficient(s->p, t, &scale);
    return ir_node(s->p, core)->op == IR_READ ? t : calc_named(s->p, t, IR_F64, false);
}

static IrTerm product(Taylor *s, IrTerm a, IrTerm b) {
    double x, y;
    IrProgram *p = s->p;
    a = calc_coefficient(p, as_read(s, a), &x);
    b = calc_coefficient(p, as_read(s, b), &y);
    TaylorOp op = {.rule = TAYLOR_PRODUCT, .value = ir_mul(p, a, b), .operand = {a, b}};
    return ir_mul(p, ir_real(p, x * y), taylor_name(s, op));
}

static double points_of_both(Taylor *s, IrTerm a, IrTerm b) {
    const IrProgram *p = s->p;
    uint32_t n, m;
    double points = 1;
    const IrIdx *set = ir_set(p, ir_node(p, a)->free, &n);
    for (uint32_t k = 0; k < n; k++)
        points *= (double)ir_index(p, set[k])->extent;
    set = ir_set(p, ir_node(p, b)->free, &m);
    for (uint32_t k = 0; k < m; k++)
        points *= ir_set_has(p, ir_node(p, a)->free, set[k]) ? 1 : (double)ir_index(p, set[k])->extent;
    return points;
}

static IrTerm multiply(Taylor *s, Factors *f) {
    while (f->n > 1) {
        uint32_t i = 0, j = 1;
        double best = INFINITY;
        for (uint32_t a = 0; a < f->n; a++)
            for (uint32_t b = a + 1; b < f->n; b++) {
                double points = points_of_both(s, f->at[a], f->at[b]);
                if (points < best) {
                    best = points;
                    i = a;
                    j = b;
                }
            }
        f->at[i] = product(s, f->at[i], f->at[j]);
        f->at[j] = f->at[--f->n];
    }
    return f->at[0];
}

static IrTerm quotient(Taylor *s, IrTerm a, IrTerm b) {
    IrProgram *p = s->p;
    double x = 1, y;
    if (taylor_varies(s, a))
        a = calc_coefficient(p, as_read(s, a), &x);
    b = calc_coefficient(p, as_read(s, b), &y);
    TaylorOp op = {.rule = TAYLOR_QUOTIENT, .value = ir_div(p, a, b), .operand = {a, b}};
    return ir_mul(p, ir_real(p, x / y), taylor_name(s, op));
}

/* ---- powers ---- */

static void push(Factors *f, IrTerm t) {
    if (f->n < sizeof f->at / sizeof *f->at)
        f->at[f->n++] = t;
}

/* u^n by squaring, as factors still to be multiplied. */
static void push_power(Taylor *s, Factors *f, IrTerm u, uint32_t n) {
    for (; n; n /= 2) {
        if (n % 2)
            push(f, u);
        if (n > 1)
            u = product(s, u, u);
    }
}

static IrTerm any_power(Taylor *s, IrTerm u, IrTerm exponent) {
    u = as_read(s, u);
    TaylorOp op = {.rule = TAYLOR_POWER, .value = ir_pow(s->p, u, exponent), .operand = {u, exponent}};
    return taylor_name(s, op);
}

/* base^exponent, to what is multiplied or divided by. Whole powers are products, so that they are right at 0; what is singular
 * there anyway has the recursion of a power, but for reciprocals and roots, which are shorter. */
static void push_factor(Taylor *s, Factors *up, Factors *down, IrTerm base, double exponent) {
    IrProgram *p = s->p;
    IrTerm u = taylor_flat(s, base);
    double size = fabs(exponent);
    if (exponent == floor(exponent) && size <= (exponent > 0 ? LARGEST_POWER : 2)) {
        push_power(s, exponent > 0 ? up : down, u, (uint32_t)size);
        return;
    }
    if (exponent == 0.5) {
        TaylorOp root = {.rule = TAYLOR_ROOT, .value = ir_op1(p, IR_SQRT, as_read(s, u)), .operand = {as_read(s, u)}};
        push(up, taylor_name(s, root));
        return;
    }
    push(up, any_power(s, u, ir_real(p, exponent)));
}

/* u^v with v that is not a number: e^(v ln u) where v varies. */
static IrTerm power_of_terms(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    const IrNode node = *ir_node(p, t);
    if (!taylor_varies(s, node.arg[1]))
        return any_power(s, taylor_flat(s, node.arg[0]), node.arg[1]);
    IrTerm log = taylor_flat(s, ir_op1(p, IR_LOG, node.arg[0]));
    IrTerm by = taylor_flat(s, node.arg[1]);
    IrTerm exponent = taylor_varies(s, log) ? product(s, by, log) : ir_mul(p, by, log);
    return taylor_flat(s, ir_op1(p, IR_EXP, as_read(s, exponent)));
}

/* ---- products ---- */

/* What a product has too many factors for, one operation at a time. */
static IrTerm two_at_a_time(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    const IrNode node = *ir_node(p, t);
    IrTerm a = taylor_flat(s, node.arg[0]);
    if (node.op == IR_NEG)
        return ir_neg(p, a);
    if (node.op == IR_POW)
        return power_of_terms(s, t);
    IrTerm b = taylor_flat(s, node.arg[1]);
    bool left = taylor_varies(s, a), right = taylor_varies(s, b);
    if (node.op == IR_DIV)
        return right ? quotient(s, a, b) : ir_div(p, a, b);
    return left && right ? product(s, a, b) : ir_mul(p, a, b);
}

IrTerm taylor_flat_product(Taylor *s, IrTerm t) {
    IrProgram *p = s->p;
    double coefficient;
    IrTerm cond;
    IrFactor factor[MOST_FACTORS];
    uint32_t n;
    if (!ir_product(p, t, &coefficient, &cond, factor, MOST_FACTORS, &n))
        return two_at_a_time(s, t);
    if (n == 1 && factor[0].base == t) /* u^v, v not a number */
        return ir_node(p, t)->op == IR_POW ? power_of_terms(s, t) : two_at_a_time(s, t);
    Factors up = {0}, down = {0};
    IrTerm still = ir_real(p, coefficient);
    for (uint32_t k = 0; k < n && !s->failed; k++) {
        if (taylor_varies(s, factor[k].base))
            push_factor(s, &up, &down, factor[k].base, factor[k].exponent);
        else
            still = ir_mul(p, still, ir_pow(p, factor[k].base, ir_real(p, factor[k].exponent)));
    }
    if (s->failed)
        return t;
    IrTerm value = up.n ? multiply(s, &up) : ir_real(p, 1);
    if (down.n)
        value = quotient(s, value, multiply(s, &down));
    value = ir_mul(p, still, value);
    return cond ? ir_select(p, cond, value, ir_real(p, 0)) : value;
}
