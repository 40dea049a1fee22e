/* norms — a term as a power of a norm of the velocities, by the dual norm of the momenta.
 *
 * needs: a term in velocities (or momenta)      gives: the norm's dual, or a function of it      changes: nothing
 *
 * Norms are recognized by how they are built, from the inside out (R. T. Rockafellar, Convex Analysis, section 15):
 *
 *     N(x)                               N*(y)
 *     |x|                                |y|
 *     c N                                (N*) / c
 *     (Σ_k c_k N_k^a)^(1/a), a > 1       (Σ_k c_k^(1−b) N_k*^b)^(1/b), 1/a + 1/b = 1
 *     Σ_k c_k N_k                        max_k (N_k*) / c_k
 *     max_k c_k N_k                      Σ_k (N_k*) / c_k
 *
 * where the N_k are norms of different velocities. So the length, l1, l∞, p-norms, groups, layers and all that is made of them
 * need no case of their own. */
#include "dual.h"

#include <math.h>

enum { MOST_FACTORS = 24, MOST_ADDENDS = 64 };

/* ---- combining ---- */

/* What N_k* contributes to the dual: c^(1−b) N*^b, or (N*)/c for sums of degree 1 and for the largest. */
static IrTerm dual_part(Mech *m, const DualNorm *n, bool of_max) {
    double a = n->degree;
    if (of_max)
        return ir_div(m->p, n->dual, dual_power(m, n->scale, 1 / a));
    if (a == 1)
        return ir_div(m->p, n->dual, n->scale);
    double b = a / (a - 1);
    return ir_mul(m->p, dual_power(m, n->scale, 1 - b), dual_power(m, n->dual, b));
}

/* The norm whose dual is made of the parts, put together already: their sum, or for `sum` of degree 1 their maximum. */
static DualNorm combined(Mech *m, const DualNorm *like, bool of_max, IrTerm parts) {
    double a = like->degree;
    DualNorm n = {.sign = like->sign, .degree = a, .scale = ir_real(m->p, 1), .dual = parts};
    n.has_corners = like->has_corners || of_max || a == 1;
    if (!of_max && a > 1)
        n.dual = dual_power(m, parts, (a - 1) / a);
    return n;
}

/* The sum of the addends (or, of_max, the larger of them), each a multiple of the same power of a norm. */
static bool norm_of_several(DualSpace *s, const IrTerm *addend, uint32_t n, bool of_max, DualNorm *out) {
    Mech *m = s->m;
    DualNorm one = {0};
    IrTerm parts = 0;
    bool has_corners = false;
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t j = 0; j < k; j++)
            if (!dual_are_apart(s, addend[j], addend[k]))
                return false;
        if (!dual_norm(s, addend[k], &one) || one.degree < 1)
            return false;
        if (k && (one.degree != out->degree || one.sign != out->sign))
            return false;
        has_corners = has_corners || one.has_corners;
        if (n == 1) {
            *out = one;
            return true;
        }
        IrTerm part = dual_part(m, &one, of_max);
        bool larger = !of_max && one.degree == 1;
        parts = !parts ? part : larger ? ir_op2(m->p, IR_MAX, parts, part) : ir_add(m->p, parts, part);
        *out = one;
    }
    if (!n)
        return false;
    *out = combined(m, &one, of_max, parts);
    out->has_corners = out->has_corners || has_corners;
    return true;
}

/* Σ_i or max_i over an index. */
static bool norm_of_reduction(DualSpace *s, IrTerm t, DualNorm *out) {
    Mech *m = s->m;
    bool of_max = ir_node(m->p, t)->op == IR_MAXIMUM;
    IrIdx i;
    IrTerm guard, body;
    DualNorm one;
    ir_open(m->p, t, &i, &guard, &body);
    if (guard || s->n_open == IR_MAX_RANK || !dual_is_spread(s, body, i))
        return false;
    s->open[s->n_open++] = i;
    bool ok = dual_norm(s, body, &one) && one.degree >= 1 && (!of_max || one.sign > 0);
    s->n_open--;
    if (!ok)
        return false;
    IrOp op = !of_max && one.degree == 1 ? IR_MAXIMUM : IR_SUM;
    bool has_corners = one.has_corners;
    *out = combined(m, &one, of_max, ir_reduce(m->p, op, i, 0, dual_part(m, &one, of_max)));
    out->has_corners = out->has_corners || has_corners;
    return true;
}

/* ---- one term ---- */

/* t = scale · x, x one element: |x|, its scale without sign. */
static bool norm_of_element(DualSpace *s, IrTerm t, DualNorm *out) {
    Mech *m = s->m;
    IrFactor factor[MOST_FACTORS];
    IrTerm cond;
    uint32_t n;
    double c;
    if (!ir_product(m->p, t, &c, &cond, factor, MOST_FACTORS, &n) || cond)
        return false;
    *out = (DualNorm){.sign = 1, .degree = 1, .scale = ir_real(m->p, fabs(c))};
    for (uint32_t k = 0; k < n; k++) {
        IrTerm y = dual_element(s, factor[k].base);
        if (y && factor[k].exponent == 1 && !out->dual)
            out->dual = ir_op1(m->p, IR_ABS, y);
        else if (dual_moves(s, factor[k].base))
            return false;
        else
            out->scale = ir_mul(m->p, out->scale,
                                ir_op1(m->p, IR_ABS, dual_power(m, factor[k].base, factor[k].exponent)));
    }
    return out->dual != 0;
}

/* READ0 of a norm of singular values of c·x, x a whole matrix of elements: the dual of the largest is their sum, and the other
 * way round. What stands for the polar factor of x stands for that of y in its dual. */
static bool norm_of_singular_values(DualSpace *s, IrTerm t, DualNorm *out) {
    Mech *m = s->m;
    IrProgram *p = m->p;
    IrDefInfo info = *ir_def(p, ir_node(p, t)->arg[0]);
    IrFactor factor[MOST_FACTORS];
    IrTerm cond, y = 0, scale, at[2];
    IrIdx axes[2];
    uint32_t n;
    double c;
    if (info.linalg != IR_SPECTRAL && info.linalg != IR_NUCLEAR)
        return false;
    IrDefInfo matrix = *ir_def(p, info.operand[0]);
    for (int k = 0; k < 2; k++) {
        axes[k] = ir_fresh(p, matrix.extent[k], 0);
        at[k] = ir_idx(p, axes[k]);
    }
    IrTerm element = ir_at_subs(p, info.operand[0], at);
    if (!ir_product(p, element, &c, &cond, factor, MOST_FACTORS, &n) || cond)
        return false;
    scale = ir_real(p, fabs(c));
    for (uint32_t k = 0; k < n; k++) {
        IrTerm one = dual_element(s, factor[k].base);
        if (one && factor[k].exponent == 1 && !y && dual_is_spread(s, factor[k].base, axes[0]) &&
            dual_is_spread(s, factor[k].base, axes[1]))
            y = one;
        else if (dual_moves(s, factor[k].base) || ir_node(p, factor[k].base)->free)
            return false;
        else
            scale = ir_mul(p, scale, ir_op1(p, IR_ABS, dual_power(m, factor[k].base, factor[k].exponent)));
    }
    if (!y)
        return false;
    IrDef momenta = ir_define(p, 0, matrix.elem, axes, 2, y);
    IrReplace put = {.from = info.operand[0], .to = momenta};
    IrDef polar = ir_replace_def(p, info.operand[1], &put, 1);
    IrDef dual = ir_linalg(p, info.linalg == IR_SPECTRAL ? IR_NUCLEAR : IR_SPECTRAL, momenta, polar);
    *out = (DualNorm){.sign = 1, .degree = 1, .scale = scale, .dual = ir_read0(p, dual), .has_corners = true};
    return true;
}

/* A base of a product, which is no product itself. */
static bool norm_of_base(DualSpace *s, IrTerm t, DualNorm *out) {
    Mech *m = s->m;
    IrProgram *p = m->p;
    IrNode node = *ir_node(p, t);
    IrTerm list[MOST_ADDENDS], subs[IR_MAX_RANK];
    uint32_t n;
    if (node.op == IR_ABS)
        return norm_of_element(s, node.arg[0], out);
    if (node.op == IR_SUM || node.op == IR_MAXIMUM)
        return norm_of_reduction(s, t, out);
    if (node.op == IR_MAX) {
        list[0] = node.arg[0];
        list[1] = node.arg[1];
        return norm_of_several(s, list, 2, true, out);
    }
    if (node.op == IR_READ && ir_def(p, node.arg[0])->kind == IR_DEF_EXPR) {
        for (uint32_t k = 0; k < node.arg[2]; k++)
            subs[k] = ir_read_subs(p, t)[k];
        return dual_norm(s, ir_at_subs(p, node.arg[0], subs), out);
    }
    if (node.op == IR_READ && ir_def(p, node.arg[0])->kind == IR_DEF_LINALG)
        return norm_of_singular_values(s, t, out);
    return dual_addends(m, t, list, MOST_ADDENDS, &n) && n > 1 && norm_of_several(s, list, n, false, out);
}

bool dual_norm(DualSpace *s, IrTerm t, DualNorm *out) {
    Mech *m = s->m;
    IrFactor factor[MOST_FACTORS];
    IrTerm cond, scale, base = 0;
    uint32_t n;
    double c, e = 0;
    if (!ir_product(m->p, t, &c, &cond, factor, MOST_FACTORS, &n) || cond || c == 0)
        return false;
    scale = ir_real(m->p, fabs(c));
    for (uint32_t k = 0; k < n; k++) {
        if (!dual_moves(s, factor[k].base)) {
            scale = ir_mul(m->p, scale, dual_power(m, factor[k].base, factor[k].exponent));
            continue;
        }
        if (base)
            return false;
        base = factor[k].base;
        e = factor[k].exponent;
    }
    if (!base || e <= 0)
        return false;
    bool even = e == rint(e) && fmod(e, 2) == 0;
    bool is_element = dual_element(s, base) != 0;
    if (is_element ? !even || !norm_of_element(s, base, out) : !norm_of_base(s, base, out))
        return false;
    if (out->sign < 0 && e != 1)
        return false;
    out->sign = c < 0 ? -out->sign : out->sign;
    out->scale = ir_mul(m->p, scale, dual_power(m, out->scale, e));
    out->degree *= e;
    return true;
}

/* ---- functions of a norm ---- */

/* scale · r^degree for the same norm as before; 0: it is another one. */
static IrTerm power_of_norm(Mech *m, const DualNorm *found, IrTerm r, DualNorm *norm) {
    if (!norm->dual)
        *norm = *found;
    if (norm->dual != found->dual)
        return 0;
    IrTerm power = ir_mul(m->p, found->scale, dual_power(m, r, found->degree));
    return found->sign < 0 ? ir_neg(m->p, power) : power;
}

/* A sum: its addends that move, together a power of one norm, or each a function of it. */
static IrTerm profile_of_sum(DualSpace *s, const IrTerm *addend, uint32_t n, IrTerm r, DualNorm *norm) {
    Mech *m = s->m;
    IrTerm moving[MOST_ADDENDS], sum = ir_real(m->p, 0);
    uint32_t n_moving = 0;
    DualNorm found;
    for (uint32_t k = 0; k < n; k++) {
        if (dual_moves(s, addend[k]))
            moving[n_moving++] = addend[k];
        else
            sum = ir_add(m->p, sum, addend[k]);
    }
    if (norm_of_several(s, moving, n_moving, false, &found)) {
        IrTerm power = power_of_norm(m, &found, r, norm);
        return power ? ir_add(m->p, sum, power) : 0;
    }
    for (uint32_t k = 0; k < n_moving && n_moving > 1; k++) {
        IrTerm one = dual_profile(s, moving[k], r, norm);
        if (!one)
            return 0;
        sum = ir_add(m->p, sum, one);
    }
    return n_moving > 1 ? sum : 0;
}

IrTerm dual_profile(DualSpace *s, IrTerm t, IrTerm r, DualNorm *norm) {
    Mech *m = s->m;
    IrProgram *p = m->p;
    DualNorm found;
    IrTerm list[MOST_ADDENDS], operand[IR_MAX_RANK];
    uint32_t n;
    if (!dual_moves(s, t))
        return t;
    if (dual_norm(s, t, &found))
        return power_of_norm(m, &found, r, norm);
    IrNode node = *ir_node(p, t);
    if (ir_op_is_reduce((IrOp)node.op) || !dual_addends(m, t, list, MOST_ADDENDS, &n))
        return 0;
    if (n > 1)
        return profile_of_sum(s, list, n, r, norm);
    if (node.op == IR_READ) {
        if (ir_def(p, node.arg[0])->kind != IR_DEF_EXPR)
            return 0;
        n = node.arg[2];
        for (uint32_t k = 0; k < n; k++)
            operand[k] = ir_read_subs(p, t)[k];
        return dual_profile(s, ir_at_subs(p, node.arg[0], operand), r, norm);
    }
    n = ir_operands(p, t, operand);
    for (uint32_t k = 0; k < n; k++) {
        operand[k] = dual_profile(s, operand[k], r, norm);
        if (!operand[k])
            return 0;
    }
    return ir_with_operands(p, t, operand, n);
}
