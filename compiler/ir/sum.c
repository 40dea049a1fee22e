/* sum — folding of REAL sums. A sum keeps the association it was written with; only like terms merge: leaves
 * with one base (x and 3·x), and terms guarded by one condition. Each rule leaves fewer nodes or only turns a
 * sign. */
#include "program.h"

#include <math.h>

#define LEAVES_A 32
#define LEAVES_B 8

typedef struct Leaf {
    IrTerm base;
    Coef coef;
} Leaf; /* coef · base */

#define DEPTH 64

static bool is_sum(const IrProgram *p, IrTerm t) { return is_op(p, t, IR_ADD) || is_op(p, t, IR_SUB); }

/* The operand of a sum to visit first: a leaf before a sum, so that a long chain is walked along and not
 * down. */
static int first_side(const IrProgram *p, IrTerm t) {
    return is_sum(p, arg_of(p, t, 1)) && !is_sum(p, arg_of(p, t, 0)) ? 0 : 1;
}

static uint32_t leaves_of(IrProgram *p, IrTerm t, Coef scale, Leaf *out, uint32_t n, uint32_t max,
                          int depth) {
    while (n < max) {
        Coef c;
        t = coef_split(p, t, &c);
        scale = coef_mul(scale, c);
        if (!is_sum(p, t) || depth >= DEPTH) {
            out[n++] = (Leaf){t, scale};
            break;
        }
        int side = first_side(p, t);
        Coef turned = {-scale.n, scale.d}, scales[2] = {scale, is_op(p, t, IR_ADD) ? scale : turned};
        n = leaves_of(p, arg_of(p, t, side), scales[side], out, n, max, ++depth);
        t = arg_of(p, t, 1 - side);
        scale = scales[1 - side];
    }
    return n;
}

static bool is_negative(IrProgram *p, IrTerm t) {
    Coef c;
    double v;
    if (const_real(p, t, &v))
        return v < 0;
    coef_split(p, t, &c);
    return c.n < 0;
}

static IrTerm negated(IrProgram *p, IrTerm t) { return coef_apply(p, (Coef){-1, 1}, t); }

/* exp(u) − 1 and exp(u) + … in their stable forms; 0 when no rule applies. */
static IrTerm pair_rule(IrProgram *p, IrTerm a, IrTerm b, int sign) {
    double x;
    if (sign > 0 && const_real(p, b, &x)) {
        if (x == -1 && is_op(p, a, IR_EXP))
            return ir_op1(p, IR_EXPM1, arg_of(p, a, 0));
        if (x == 1 && is_op(p, a, IR_EXPM1))
            return ir_op1(p, IR_EXP, arg_of(p, a, 0));
    }
    if (sign < 0 && ir_is_one(p, a)) {
        if (is_op(p, b, IR_EXP))
            return ir_neg(p, ir_op1(p, IR_EXPM1, arg_of(p, b, 0)));
        if (is_op(p, b, IR_SIGMOID))
            return ir_op1(p, IR_SIGMOID, ir_neg(p, arg_of(p, b, 0)));
    }
    return 0;
}

/* a + sign·b where nothing merges: constants second, no sum of negatives, operands of + in order. */
static IrTerm raw_sum(IrProgram *p, IrTerm a, IrTerm b, int sign) {
    double x;
    if (!a || !b)
        return !b ? a : sign > 0 ? b : negated(p, b);
    bool swap_b = const_real(p, b, &x) ? sign < 0 : is_negative(p, b);
    if (swap_b) {
        b = negated(p, b);
        sign = -sign;
    }
    if (const_real(p, a, &x)) {
        if (x == 0)
            return sign > 0 ? b : negated(p, b);
        if (sign > 0) {
            IrTerm swap = a;
            a = b;
            b = swap;
        }
    } else if (is_negative(p, a) && !const_real(p, b, &x)) {
        if (sign > 0)
            return raw_sum(p, b, negated(p, a), -1);
        return negated(p, raw_sum(p, negated(p, a), b, 1));
    }
    if (const_real(p, b, &x) && x == 0)
        return a;
    IrTerm special = pair_rule(p, a, b, sign);
    if (special)
        return special;
    Coef u, v;
    IrTerm base_a = coef_split(p, a, &u), base_b = coef_split(p, b, &v);
    if (u.n == v.n && u.d == v.d && u.n != u.d) /* c·x ± c·y = c·(x ± y) */
        return coef_apply(p, u, raw_sum(p, base_a, base_b, sign));
    if (sign > 0 && !const_real(p, b, &x) && b < a)
        return raw_node(p, IR_ADD, IR_REAL, b, a, 0);
    return raw_node(p, sign > 0 ? IR_ADD : IR_SUB, IR_REAL, a, b, 0);
}

/* t without the leaf of base `leaf` (searched in the order of leaves_of); 0 when nothing is left. */
static IrTerm sum_without(IrProgram *p, IrTerm t, IrTerm leaf, bool *done, int depth) {
    Coef c;
    if (*done)
        return t;
    IrTerm base = coef_split(p, t, &c);
    if (base == leaf) {
        *done = true;
        return 0;
    }
    if (!is_sum(p, base) || depth >= 2 * DEPTH)
        return t;
    IrTerm side[2] = {arg_of(p, base, 0), arg_of(p, base, 1)};
    int first = first_side(p, base);
    for (int k = 0; k < 2; k++) {
        int which = k ? 1 - first : first;
        side[which] = sum_without(p, side[which], leaf, done, depth + 1);
    }
    if (!*done)
        return t;
    IrTerm rest = raw_sum(p, side[0], side[1], is_op(p, base, IR_ADD) ? 1 : -1);
    return rest ? coef_apply(p, c, rest) : 0;
}

/* The condition and value of a guarded leaf SELECT(c, x, 0) or TO_REAL(c); cond 0 otherwise. */
static IrTerm guarded(IrProgram *p, IrTerm t, IrTerm *value) {
    if (is_op(p, t, IR_SELECT) && ir_is_zero(p, arg_of(p, t, 2))) {
        *value = arg_of(p, t, 1);
        return arg_of(p, t, 0);
    }
    if (is_op(p, t, IR_TO_REAL) && type_of(p, arg_of(p, t, 0)) == IR_BOOL) {
        *value = ir_real(p, 1);
        return arg_of(p, t, 0);
    }
    return 0;
}

/* The sum of two leaves as one term; 0 when they are not alike. */
static IrTerm like_terms(IrProgram *p, Leaf x, Leaf y) {
    IrTerm at_x, at_y;
    if (x.base == y.base)
        return coef_apply(p, coef_add(x.coef, y.coef), x.base);
    IrTerm cond = guarded(p, x.base, &at_x);
    IrTerm other = cond ? guarded(p, y.base, &at_y) : 0;
    if (other && other == fold_not(p, cond)) /* one or the other */
        return ir_select(p, cond, coef_apply(p, x.coef, at_x), coef_apply(p, y.coef, at_y));
    if (!other || other != cond)
        return 0;
    IrTerm sum = ir_add(p, coef_apply(p, x.coef, at_x), coef_apply(p, y.coef, at_y));
    return ir_select(p, cond, sum, ir_real(p, 0));
}

IrTerm fold_add(IrProgram *p, IrTerm a, IrTerm b, int sign) {
    double x, y;
    bool ca = const_real(p, a, &x), cb = const_real(p, b, &y);
    if (ca && cb) {
        Coef c = coef_add(coef_of(x), coef_of(sign * y));
        return ir_real(p, isfinite(c.n / c.d) ? c.n / c.d : x + sign * y);
    }
    if (cb && y == 0)
        return a;
    if (ca && x == 0)
        return sign > 0 ? b : negated(p, b);
    Leaf in_a[LEAVES_A], in_b[LEAVES_B + 1];
    uint32_t na = leaves_of(p, a, (Coef){1, 1}, in_a, 0, LEAVES_A, 0);
    uint32_t nb = leaves_of(p, b, (Coef){sign, 1}, in_b, 0, LEAVES_B, 0);
    for (uint32_t i = 0; i < na; i++) {
        for (uint32_t j = 0; j < nb; j++) {
            IrTerm merged = like_terms(p, in_a[i], in_b[j]);
            if (!merged)
                continue;
            bool done_a = false, done_b = false;
            IrTerm rest_a = sum_without(p, a, in_a[i].base, &done_a, 0);
            IrTerm rest_b = sum_without(p, b, in_b[j].base, &done_b, 0);
            IrTerm rest = rest_b ? (rest_a     ? fold_add(p, rest_a, rest_b, sign)
                                    : sign > 0 ? rest_b
                                               : negated(p, rest_b))
                                 : rest_a;
            return rest ? fold_add(p, rest, merged, 1) : merged;
        }
    }
    return raw_sum(p, a, b, sign);
}
