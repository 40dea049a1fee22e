/* sum — folding of REAL sums. A sum keeps the association it was written with; only like terms merge: leaves with
 * one base (x and 3·x), and terms guarded by one condition. Each rule leaves fewer nodes or only turns a sign. */
#include "program.h"

#include <math.h>

#define LEAVES_A 32
#define LEAVES_B 8

typedef struct Leaf { IrTerm term; int sign; } Leaf;

#define DEPTH 64

static bool is_sum(const IrProgram *p, IrTerm t) {
    return is_op(p, t, IR_ADD) || is_op(p, t, IR_SUB);
}

/* The operand of a sum to visit first: a leaf before a sum, so that a long chain is walked along and not down. */
static int first_side(const IrProgram *p, IrTerm t) {
    return is_sum(p, arg_of(p, t, 1)) && !is_sum(p, arg_of(p, t, 0)) ? 0 : 1;
}

static uint32_t leaves_of(const IrProgram *p, IrTerm t, int sign, Leaf *out, uint32_t n, uint32_t max, int depth) {
    while (n < max) {
        if (is_sum(p, t) && depth < DEPTH) {
            int side = first_side(p, t);
            int signs[2] = {sign, is_op(p, t, IR_ADD) ? sign : -sign};
            n = leaves_of(p, arg_of(p, t, side), signs[side], out, n, max, ++depth);
            t = arg_of(p, t, 1 - side);
            sign = signs[1 - side];
        } else if (is_op(p, t, IR_NEG)) {
            sign = -sign;
            t = arg_of(p, t, 0);
        } else {
            out[n++] = (Leaf){t, sign};
            break;
        }
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

static IrTerm negated(IrProgram *p, IrTerm t) {
    return coef_apply(p, (Coef){-1, 1}, t);
}

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
    if (sign > 0 && !const_real(p, b, &x) && b < a)
        return raw_node(p, IR_ADD, IR_REAL, b, a, 0);
    if (sign < 0 && a == b)
        return ir_real(p, 0);
    return raw_node(p, sign > 0 ? IR_ADD : IR_SUB, IR_REAL, a, b, 0);
}

/* t without the leaf (searched in the order of leaves_of); 0 when nothing is left. */
static IrTerm sum_without(IrProgram *p, IrTerm t, IrTerm leaf, bool *done, int depth) {
    if (*done)
        return t;
    if (t == leaf) {
        *done = true;
        return 0;
    }
    if (is_sum(p, t) && depth < 2 * DEPTH) {
        IrTerm side[2] = {arg_of(p, t, 0), arg_of(p, t, 1)};
        int first = first_side(p, t);
        for (int k = 0; k < 2; k++) {
            int which = k ? 1 - first : first;
            side[which] = sum_without(p, side[which], leaf, done, depth + 1);
        }
        return *done ? raw_sum(p, side[0], side[1], is_op(p, t, IR_ADD) ? 1 : -1) : t;
    }
    if (is_op(p, t, IR_NEG)) {
        IrTerm rest = sum_without(p, arg_of(p, t, 0), leaf, done, depth + 1);
        return !*done ? t : rest ? negated(p, rest) : 0;
    }
    return t;
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

/* a·x + b·y for two leaves, as one term; 0 when they are not alike. */
static IrTerm like_terms(IrProgram *p, Leaf x, Leaf y) {
    Coef a, b;
    if (op_of(p, x.term) == IR_CONST && op_of(p, y.term) != IR_CONST)
        return 0;
    IrTerm u = coef_split(p, x.term, &a), v = coef_split(p, y.term, &b);
    a.n *= x.sign;
    b.n *= y.sign;
    if (u == v)
        return coef_apply(p, coef_add(a, b), u);
    IrTerm at_u, at_v, cond = guarded(p, u, &at_u);
    if (!cond || type_of(p, u) != IR_REAL)
        return 0;
    IrTerm other = guarded(p, v, &at_v);
    if (!other)
        return 0;
    IrTerm s = coef_apply(p, a, at_u), t = coef_apply(p, b, at_v);
    if (other == cond)
        return ir_select(p, cond, ir_add(p, s, t), ir_real(p, 0));
    return 0;
}

IrTerm fold_add(IrProgram *p, IrTerm a, IrTerm b, int sign) {
    double x, y;
    bool ca = const_real(p, a, &x), cb = const_real(p, b, &y);
    if (ca && cb)
        return ir_real(p, x + sign * y);
    if (cb && y == 0)
        return a;
    if (ca && x == 0)
        return sign > 0 ? b : negated(p, b);
    Leaf in_a[LEAVES_A], in_b[LEAVES_B + 1];
    uint32_t na = leaves_of(p, a, 1, in_a, 0, LEAVES_A, 0);
    uint32_t nb = leaves_of(p, b, sign, in_b, 0, LEAVES_B, 0);
    for (uint32_t i = 0; i < na; i++) {
        for (uint32_t j = 0; j < nb; j++) {
            IrTerm merged = like_terms(p, in_a[i], in_b[j]);
            if (!merged)
                continue;
            bool done_a = false, done_b = false;
            IrTerm rest_a = sum_without(p, a, in_a[i].term, &done_a, 0);
            IrTerm rest_b = sum_without(p, b, in_b[j].term, &done_b, 0);
            IrTerm rest = rest_b ? (rest_a ? fold_add(p, rest_a, rest_b, sign)
                                           : sign > 0 ? rest_b : negated(p, rest_b))
                                 : rest_a;
            return rest ? fold_add(p, rest, merged, 1) : merged;
        }
    }
    return raw_sum(p, a, b, sign);
}
