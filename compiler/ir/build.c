/* build — the public constructors of terms: operands converted, constants evaluated, then the folding rules
 * of the operation's family, then hash-consing.
 *
 * Why the rules end: each leaves fewer nodes than it took, or moves a coefficient, a sign or a condition
 * outwards, and nothing moves those inwards again. */
#include "program.h"

#include <math.h>
#include <string.h>

/* ---- constants ----------------------------------------------------------------------------------------- */

IrTerm ir_real(IrProgram *p, double value) {
    uint64_t bits;
    if (value == 0)
        value = 0; /* one zero: −0 and 0 are one coefficient */
    if (isnan(value))
        value = NAN;
    memcpy(&bits, &value, sizeof bits);
    return raw_const(p, IR_REAL, bits);
}

IrTerm ir_int(IrProgram *p, int64_t value) { return raw_const(p, IR_INT, (uint64_t)value); }

IrTerm ir_bool(IrProgram *p, bool value) { return raw_const(p, IR_BOOL, value); }

static uint64_t const_bits(const IrNode *n) { return n->arg[0] | (uint64_t)n->arg[1] << 32; }

int64_t const_whole(const IrProgram *p, IrTerm t) { return (int64_t)const_bits(node_of(p, t)); }

bool const_int(const IrProgram *p, IrTerm t, int64_t *value) {
    const IrNode *n = node_of(p, t);
    if (n->op != IR_CONST || n->type != IR_INT)
        return false;
    *value = (int64_t)const_bits(n);
    return true;
}

bool const_real(const IrProgram *p, IrTerm t, double *value) {
    const IrNode *n = node_of(p, t);
    if (n->op != IR_CONST || n->type != IR_REAL)
        return false;
    uint64_t bits = const_bits(n);
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool const_bool(const IrProgram *p, IrTerm t, bool *value) {
    const IrNode *n = node_of(p, t);
    if (n->op != IR_CONST || n->type != IR_BOOL)
        return false;
    *value = n->arg[0] != 0;
    return true;
}

bool ir_is_const(const IrProgram *p, IrTerm t, double *value) {
    int64_t i;
    bool b;
    if (const_real(p, t, value))
        return true;
    if (const_int(p, t, &i))
        *value = (double)i;
    else if (const_bool(p, t, &b))
        *value = b;
    else
        return false;
    return true;
}

bool ir_is_zero(const IrProgram *p, IrTerm t) {
    double v;
    return ir_is_const(p, t, &v) && v == 0;
}

bool ir_is_one(const IrProgram *p, IrTerm t) {
    double v;
    return ir_is_const(p, t, &v) && v == 1;
}

IrTerm ir_idx(IrProgram *p, IrIdx i) {
    if (p->indices.at[i].extent == 1)
        return ir_int(p, 0);
    return raw_node(p, IR_INDEX, IR_INT, i, 0, 0);
}

/* ---- elementary functions ------------------------------------------------------------------------------ */

/* Whether t is −x or a difference written the wrong way round; then *positive is x or the difference turned.
 */
static bool turn_sign(IrProgram *p, IrTerm t, IrTerm *positive) {
    Coef c;
    if (is_op(p, t, IR_SUB)) {
        if (arg_of(p, t, 0) < arg_of(p, t, 1) || op_of(p, arg_of(p, t, 0)) == IR_CONST)
            return false;
        *positive = raw_node(p, IR_SUB, IR_REAL, arg_of(p, t, 1), arg_of(p, t, 0), 0);
        return true;
    }
    IrTerm base = coef_split(p, t, &c);
    if (c.n >= 0)
        return false;
    c.n = -c.n;
    *positive = coef_apply(p, c, base);
    return true;
}

static IrTerm log_of_sum(IrProgram *p, IrTerm a) {
    IrTerm x = arg_of(p, a, 0), y = arg_of(p, a, 1);
    if (is_op(p, a, IR_ADD) && ir_is_one(p, y))
        return ir_op1(p, IR_LOG1P, x);
    if (is_op(p, a, IR_SUB) && ir_is_one(p, x))
        return ir_op1(p, IR_LOG1P, ir_neg(p, y));
    return 0;
}

/* log of a sum of exponentials, as the stable reduction; 0 when `a` is none. */
static IrTerm log_sum_exp(IrProgram *p, IrTerm a) {
    if (!is_op(p, a, IR_SUM))
        return 0;
    IrTerm guard = arg_of(p, a, 1), body = arg_of(p, a, 2);
    if (!is_op(p, body, IR_EXP))
        return 0;
    return raw_reduce(p, IR_LOGSUMEXP, arg_of(p, a, 0), guard, arg_of(p, body, 0));
}

static IrTerm fold_log(IrProgram *p, IrTerm a) {
    IrTerm x = arg_of(p, a, 0), y = arg_of(p, a, 1), t;
    double e;
    if (is_op(p, a, IR_EXP))
        return x;
    if (is_op(p, a, IR_SQRT))
        return ir_mul(p, ir_real(p, 0.5), ir_op1(p, IR_LOG, x));
    if (is_op(p, a, IR_SIGMOID))
        return ir_neg(p, ir_op1(p, IR_SOFTPLUS, ir_neg(p, x)));
    if ((t = log_of_sum(p, a)) || (t = log_sum_exp(p, a)))
        return t;
    if (is_op(p, a, IR_DIV) && ir_is_one(p, x))
        return ir_neg(p, ir_op1(p, IR_LOG, y));
    if (is_op(p, a, IR_DIV)
        && (is_op(p, x, IR_EXP) || (is_op(p, y, IR_SUM) && is_op(p, arg_of(p, y, 2), IR_EXP))))
        return ir_sub(p, ir_op1(p, IR_LOG, x), ir_op1(p, IR_LOG, y));
    if (is_op(p, a, IR_MUL) && (is_op(p, x, IR_EXP) || is_op(p, y, IR_EXP)))
        return ir_add(p, ir_op1(p, IR_LOG, x), ir_op1(p, IR_LOG, y));
    if (is_op(p, a, IR_POW) && const_real(p, y, &e)) { /* x < 0 may have an even power: log x² is 2 log |x| */
        IrTerm base = fmod(e, 2) != 0 ? x : ir_op1(p, IR_ABS, x);
        return ir_mul(p, y, ir_op1(p, IR_LOG, base));
    }
    return raw_node(p, IR_LOG, IR_REAL, a, 0, 0);
}

static IrTerm fold_log1p(IrProgram *p, IrTerm a) {
    if (is_op(p, a, IR_EXP))
        return ir_op1(p, IR_SOFTPLUS, arg_of(p, a, 0));
    if (is_op(p, a, IR_EXPM1))
        return arg_of(p, a, 0);
    if (is_op(p, a, IR_NEG) && is_op(p, arg_of(p, a, 0), IR_SIGMOID))
        return ir_neg(p, ir_op1(p, IR_SOFTPLUS, arg_of(p, arg_of(p, a, 0), 0)));
    return raw_node(p, IR_LOG1P, IR_REAL, a, 0, 0);
}

/* u = a·log x with a constant or the same everywhere: exp u = x^a, wherever u is defined (x > 0). 0 when it is not of
 * that form. */
static IrTerm power_of_log(IrProgram *p, IrTerm u) {
    Coef c;
    IrTerm base = coef_split(p, u, &c), x = 0, a = 0;
    if (is_op(p, base, IR_LOG)) {
        x = arg_of(p, base, 0);
        a = ir_real(p, 1);
    } else if (is_op(p, base, IR_MUL)) {
        for (int k = 0; k < 2 && !x; k++) {
            IrTerm log = arg_of(p, base, k), other = arg_of(p, base, 1 - k);
            if (is_op(p, log, IR_LOG) && free_count(p, other) == 0 && !node_of(p, other)->height) {
                x = arg_of(p, log, 0);
                a = other;
            }
        }
    }
    return x ? ir_pow(p, x, coef_apply(p, c, a)) : 0;
}

static IrTerm fold_exp(IrProgram *p, IrOp op, IrTerm a) {
    IrTerm power = power_of_log(p, a);
    if (power)
        return op == IR_EXP ? power : ir_sub(p, power, ir_real(p, 1));
    if (is_op(p, a, IR_LOG1P))
        return op == IR_EXPM1 ? arg_of(p, a, 0) : ir_add(p, arg_of(p, a, 0), ir_real(p, 1));
    if (op == IR_EXP && is_op(p, a, IR_NEG) && is_op(p, arg_of(p, a, 0), IR_SOFTPLUS)) /* 1/(1 + e^x) */
        return ir_op1(p, IR_SIGMOID, ir_neg(p, arg_of(p, arg_of(p, a, 0), 0)));
    return raw_node(p, op, IR_REAL, a, 0, 0);
}

static IrTerm fold_sqrt(IrProgram *p, IrTerm a) {
    Coef c;
    IrTerm base = coef_split(p, a, &c);
    double v = c.n / c.d, root = sqrt(v);
    if (base != a && v > 0 && root * root == v && root == floor(root)) /* √(4x) = 2√x */
        return ir_mul(p, ir_real(p, root), ir_op1(p, IR_SQRT, base));
    if (is_op(p, a, IR_POW)) {
        double e;
        if (const_real(p, arg_of(p, a, 1), &e) && e == 2)
            return ir_op1(p, IR_ABS, arg_of(p, a, 0));
    }
    if (is_op(p, a, IR_TO_REAL) && type_of(p, arg_of(p, a, 0)) == IR_BOOL)
        return a;
    return raw_node(p, IR_SQRT, IR_REAL, a, 0, 0);
}

IrTerm fold_real1(IrProgram *p, IrOp op, IrTerm a) {
    IrTerm turned;
    if ((op_flags(op) & (ODD | EVEN)) && op != IR_NEG && turn_sign(p, a, &turned)) {
        IrTerm t = fold_real1(p, op, turned);
        return op_flags(op) & ODD ? ir_neg(p, t) : t;
    }
    if (op == IR_NEG) {
        Coef c;
        IrTerm base = coef_split(p, a, &c);
        c.n = -c.n;
        return coef_apply(p, c, base);
    }
    if (op == IR_LOG)
        return fold_log(p, a);
    if (op == IR_LOG1P)
        return fold_log1p(p, a);
    if (op == IR_EXP || op == IR_EXPM1)
        return fold_exp(p, op, a);
    if (op == IR_SQRT)
        return fold_sqrt(p, a);
    if ((op_flags(op) & IDEM && is_op(p, a, op)) || (op == IR_ABS && op_flags(op_of(p, a)) & NOTNEG))
        return a;
    return raw_node(p, op, IR_REAL, a, 0, 0);
}

/* ---- the constructors ---------------------------------------------------------------------------------- */

IrTerm ir_to_real(IrProgram *p, IrTerm a) {
    double v;
    if (!a || type_of(p, a) == IR_REAL)
        return a;
    if (ir_is_const(p, a, &v))
        return ir_real(p, v);
    return raw_node(p, IR_TO_REAL, IR_REAL, a, 0, 0);
}

static IrTerm to_int(IrProgram *p, IrTerm a) {
    double v;
    if (type_of(p, a) == IR_INT)
        return a;
    if (ir_is_const(p, a, &v))
        return ir_int(p, ir_int_of(v));
    if (is_op(p, a, IR_TO_REAL))
        return to_int(p, arg_of(p, a, 0));
    return raw_node(p, IR_TO_INT, IR_INT, a, 0, 0);
}

IrTerm ir_op1(IrProgram *p, IrOp op, IrTerm a) {
    double v;
    if (!a)
        return 0;
    if (op == IR_TO_REAL)
        return ir_to_real(p, a);
    if (op == IR_TO_INT)
        return to_int(p, a);
    if (op == IR_NOT)
        return fold_not(p, a);
    if (type_of(p, a) == IR_BOOL || (type_of(p, a) == IR_INT && op_result(op) == RESULT_REAL))
        a = ir_to_real(p, a);
    if (type_of(p, a) == IR_INT)
        return fold_int1(p, op, a);
    if (const_real(p, a, &v))
        return ir_real(p, op_eval(op, v, 0, 0));
    return fold_real1(p, op, a);
}

static IrTerm real_op2(IrProgram *p, IrOp op, IrTerm a, IrTerm b) {
    double x, y;
    if (op == IR_ADD || op == IR_SUB)
        return fold_add(p, a, b, op == IR_ADD ? 1 : -1);
    if (op == IR_MUL)
        return fold_mul(p, a, b);
    if (op == IR_DIV)
        return fold_div(p, a, b);
    if (op == IR_POW)
        return fold_pow(p, a, b);
    if (const_real(p, a, &x) && const_real(p, b, &y))
        return ir_real(p, op_eval(op, x, y, 0));
    if ((op == IR_MIN || op == IR_MAX) && a == b)
        return a;
    if (op == IR_MAX && (ir_is_zero(p, a) || ir_is_zero(p, b)))
        return ir_op1(p, IR_RELU, ir_is_zero(p, a) ? b : a);
    if ((op_flags(op) & COMM) && b < a)
        return raw_node(p, op, IR_REAL, b, a, 0);
    return raw_node(p, op, IR_REAL, a, b, 0);
}

IrTerm ir_op2(IrProgram *p, IrOp op, IrTerm a, IrTerm b) {
    if (!a || !b)
        return 0;
    if (op == IR_AND || op == IR_OR)
        return fold_logic2(p, op, a, b);
    bool both_int = type_of(p, a) == IR_INT && type_of(p, b) == IR_INT;
    bool both_bool = type_of(p, a) == IR_BOOL && type_of(p, b) == IR_BOOL;
    if (op_result(op) == RESULT_BOOL) {
        if (!both_int && !both_bool) {
            a = ir_to_real(p, a);
            b = ir_to_real(p, b);
        }
        return fold_compare(p, op, a, b);
    }
    if (both_int && op_result(op) != RESULT_REAL)
        return fold_int2(p, op, a, b);
    return real_op2(p, op, ir_to_real(p, a), ir_to_real(p, b));
}

IrTerm ir_op3(IrProgram *p, IrOp op, IrTerm a, IrTerm b, IrTerm c) {
    if (!a || !b || !c)
        return 0;
    if (op == IR_SELECT) {
        if (type_of(p, b) != type_of(p, c)) {
            b = ir_to_real(p, b);
            c = ir_to_real(p, c);
        }
        return fold_select(p, a, b, c);
    }
    return raw_node(p, op, IR_REAL, a, b, c);
}

IrTerm ir_add(IrProgram *p, IrTerm a, IrTerm b) { return ir_op2(p, IR_ADD, a, b); }
IrTerm ir_sub(IrProgram *p, IrTerm a, IrTerm b) { return ir_op2(p, IR_SUB, a, b); }
IrTerm ir_mul(IrProgram *p, IrTerm a, IrTerm b) { return ir_op2(p, IR_MUL, a, b); }
IrTerm ir_div(IrProgram *p, IrTerm a, IrTerm b) { return ir_op2(p, IR_DIV, a, b); }
IrTerm ir_neg(IrProgram *p, IrTerm a) { return ir_op1(p, IR_NEG, a); }
IrTerm ir_pow(IrProgram *p, IrTerm a, IrTerm b) { return ir_op2(p, IR_POW, a, b); }
IrTerm ir_select(IrProgram *p, IrTerm cond, IrTerm a, IrTerm b) { return ir_op3(p, IR_SELECT, cond, a, b); }
IrTerm ir_bracket(IrProgram *p, IrTerm a, IrTerm b) { return ir_to_real(p, ir_op2(p, IR_EQ, a, b)); }
