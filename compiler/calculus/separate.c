/* separate — what depends on two indices through a sum of angles, as products of what depends on one.
 *
 * needs: any term.   gives: an equal one (in real arithmetic).   changes: nothing.
 *
 * cos(a[i] − b[j]) is cos a[i] cos b[j] + sin a[i] sin b[j]: 2 (N + M) functions in the place of N M, and sums over j of it times
 * what depends on j come down to sums over j alone. A mass matrix of a chain, Σ_j M[i,j] x[j], is of this kind. The sine
 * of a small difference is then good to the rounding of 1, no longer to its own. */
#include "taylor.h"

#include <math.h>
#include <string.h>

/* ---- sines and cosines of sums ---- */

static bool shares_index(const IrProgram *p, IrTerm a, IrTerm b) {
    uint32_t n;
    const IrIdx *set = ir_set(p, ir_node(p, a)->free, &n);
    for (uint32_t k = 0; k < n; k++)
        if (ir_set_has(p, ir_node(p, b)->free, set[k]))
            return true;
    return false;
}

static uint32_t index_count(const IrProgram *p, IrTerm t) {
    uint32_t n;
    ir_set(p, ir_node(p, t)->free, &n);
    return n;
}

enum { MOST_ADDENDS = 16 };

/* The addends of t with their signs; how many, 0 when there are more than fit. */
static uint32_t addends_of(IrProgram *p, IrTerm t, bool minus, IrTerm *out, uint32_t n) {
    const IrNode node = *ir_node(p, t);
    if (node.op == IR_NEG)
        return addends_of(p, node.arg[0], !minus, out, n);
    if (node.op == IR_ADD || node.op == IR_SUB) {
        n = addends_of(p, node.arg[0], minus, out, n);
        return n ? addends_of(p, node.arg[1], minus != (node.op == IR_SUB), out, n) : 0;
    }
    if (n > MOST_ADDENDS)
        return 0;
    out[n - 1] = minus ? ir_neg(p, t) : t;
    return n + 1;
}

/* u = part + rest, where both depend on indices and share none; scalars stay with `part`. */
static bool split(IrProgram *p, IrTerm u, IrTerm *part, IrTerm *rest) {
    IrTerm at[MOST_ADDENDS];
    bool mine[MOST_ADDENDS] = {false}, grown = true;
    uint32_t n = addends_of(p, u, false, at, 1), first = 0;
    if (n-- < 3)
        return false;
    while (first < n && !index_count(p, at[first]))
        first++;
    if (first == n)
        return false;
    for (uint32_t k = 0; k < n; k++)
        mine[k] = k == first || !index_count(p, at[k]);
    while (grown) {
        grown = false;
        for (uint32_t a = 0; a < n; a++)
            for (uint32_t b = 0; b < n; b++)
                if (mine[a] && !mine[b] && shares_index(p, at[a], at[b]))
                    mine[b] = grown = true;
    }
    *part = *rest = 0;
    for (uint32_t k = 0; k < n; k++) {
        IrTerm *sum = mine[k] ? part : rest;
        *sum = *sum ? ir_add(p, *sum, at[k]) : at[k];
    }
    return *rest != 0;
}

static IrTerm separate_angle(IrProgram *p, IrTerm t) {
    IrTerm a, b;
    IrOp op = (IrOp)ir_node(p, t)->op;
    if (!split(p, ir_node(p, t)->arg[0], &a, &b))
        return t;
    IrTerm sa = ir_op1(p, IR_SIN, a), ca = ir_op1(p, IR_COS, a);
    IrTerm sb = separate_angle(p, ir_op1(p, IR_SIN, b)), cb = separate_angle(p, ir_op1(p, IR_COS, b));
    if (op == IR_COS)
        return ir_sub(p, ir_mul(p, ca, cb), ir_mul(p, sa, sb));
    return ir_add(p, ir_mul(p, sa, cb), ir_mul(p, ca, sb));
}

/* ---- sums of products of such sums ---- */

/* Whether t is a product with a factor that depends on indices but not on i. */
static bool has_factor_without(IrProgram *p, IrTerm t, IrIdx i) {
    double coefficient;
    IrTerm cond;
    IrFactor factor[8];
    uint32_t n;
    if (!ir_product(p, t, &coefficient, &cond, factor, 8, &n) || n < 2)
        return false;
    for (uint32_t k = 0; k < n; k++)
        if (index_count(p, factor[k].base) && !ir_uses_index(p, factor[k].base, i))
            return true;
    return false;
}

static IrTerm sum_over(IrProgram *p, IrIdx i, IrTerm guard, IrTerm body);

/* Σ_i rest · (a ± b) with a and b that have factors without i, as two sums; 0 where the body is not of this kind. */
static IrTerm distribute(IrProgram *p, IrIdx i, IrTerm guard, IrTerm body) {
    double coefficient;
    IrTerm cond;
    IrFactor factor[16];
    uint32_t n;
    if (!ir_product(p, body, &coefficient, &cond, factor, 16, &n))
        return 0;
    for (uint32_t k = 0; k < n; k++) {
        const IrNode sum = *ir_node(p, factor[k].base);
        if (factor[k].exponent != 1 || (sum.op != IR_ADD && sum.op != IR_SUB) || !ir_uses_index(p, factor[k].base, i) ||
            !has_factor_without(p, sum.arg[0], i) || !has_factor_without(p, sum.arg[1], i))
            continue;
        IrTerm rest = ir_real(p, coefficient);
        for (uint32_t j = 0; j < n; j++)
            if (j != k)
                rest = ir_mul(p, rest, ir_pow(p, factor[j].base, ir_real(p, factor[j].exponent)));
        if (cond)
            rest = ir_select(p, cond, rest, ir_real(p, 0));
        IrTerm a = sum_over(p, i, guard, ir_mul(p, rest, sum.arg[0]));
        IrTerm b = sum_over(p, i, guard, ir_mul(p, rest, sum.arg[1]));
        return ir_op2(p, (IrOp)sum.op, a, b);
    }
    return 0;
}

static IrTerm sum_over(IrProgram *p, IrIdx i, IrTerm guard, IrTerm body) {
    IrTerm parts = distribute(p, i, guard, body);
    return parts ? parts : ir_reduce(p, IR_SUM, i, guard, body);
}

static IrTerm separate_sum(IrProgram *p, IrTerm t) {
    IrIdx i;
    IrTerm guard, body;
    ir_open(p, t, &i, &guard, &body);
    IrTerm parts = distribute(p, i, guard, body);
    return parts ? parts : t;
}

static IrTerm rewrite(IrProgram *p, void *context, IrTerm t) {
    (void)context;
    IrOp op = (IrOp)ir_node(p, t)->op;
    return op == IR_SIN || op == IR_COS ? separate_angle(p, t) : op == IR_SUM ? separate_sum(p, t) : t;
}

IrTerm calc_separate(IrProgram *p, IrTerm t) { return calc_rebuild(p, t, rewrite, NULL); }
