/* logic — folding of BOOL terms: conditions are conjunctions, in which a comparison that another one implies
 * is left out and two that exclude each other make the whole false. */
#include "program.h"

uint32_t conjuncts(const IrProgram *p, IrTerm cond, IrTerm *out, uint32_t max) {
    uint32_t n = 0;
    if (!cond)
        return 0;
    while (is_op(p, cond, IR_AND) && n + 1 < max) {
        IrTerm a = arg_of(p, cond, 0), b = arg_of(p, cond, 1);
        if (is_op(p, b, IR_AND) && !is_op(p, a, IR_AND)) {
            out[n++] = a;
            cond = b;
        } else {
            n += conjuncts(p, b, out + n, is_op(p, b, IR_AND) ? (max - n) / 2 : 1);
            cond = a;
        }
    }
    out[n++] = cond;
    return n;
}

IrTerm and2(IrProgram *p, IrTerm a, IrTerm b) { return !a ? b : !b ? a : ir_op2(p, IR_AND, a, b); }

/* ---- one condition against another --------------------------------------------------------------------- */

/* A comparison of INT terms as sign·P + c (relation) 0 over the atoms of P; relation LE, EQ or NE. */
static bool bound_of(const IrProgram *p, IrTerm t, Affine *form, IrOp *relation) {
    Affine rhs;
    IrOp op = op_of(p, t);
    if ((op != IR_LE && op != IR_LT && op != IR_EQ && op != IR_NE) || type_of(p, arg_of(p, t, 0)) != IR_INT)
        return false;
    if (!affine_of(p, arg_of(p, t, 0), form) || !affine_of(p, arg_of(p, t, 1), &rhs))
        return false;
    if (form->n + rhs.n > AFFINE_MAX)
        return false;
    for (uint32_t k = 0; k < rhs.n; k++) { /* atoms of one side do not stand on the other */
        form->atom[form->n] = rhs.atom[k];
        form->coef[form->n++] = -rhs.coef[k];
    }
    if (__builtin_sub_overflow(form->c, rhs.c, &form->c)
        || __builtin_add_overflow(form->c, op == IR_LT, &form->c)
        || form->c == INT64_MIN) /* its sign can be turned */
        return false;
    *relation = op == IR_LT ? IR_LE : op;
    affine_sort(form);
    return true;
}

/* 1 when the atoms of both are the same with the same coefficients, −1 with opposite ones, else 0. */
static int compare_forms(const Affine *a, const Affine *b) {
    int sign = 0;
    if (a->n != b->n)
        return 0;
    for (uint32_t k = 0; k < a->n; k++) {
        int here = a->coef[k] == b->coef[k] ? 1 : a->coef[k] == -b->coef[k] ? -1 : 0;
        if (a->atom[k] != b->atom[k] || !here || (sign && here != sign))
            return 0;
        sign = here;
    }
    return sign;
}

typedef enum Verdict { UNRELATED, IMPLIED, EXCLUDED } Verdict;

/* What a, known to hold, says about b: with P + c ≤ 0 or P + c = 0 for a, and ±P + d (relation) 0 for b. */
static Verdict verdict(const IrProgram *p, IrTerm a, IrTerm b) {
    Affine f, g;
    IrOp r, s;
    if (!bound_of(p, a, &f, &r) || !bound_of(p, b, &g, &s) || r == IR_NE)
        return UNRELATED;
    int sign = compare_forms(&f, &g);
    if (!sign)
        return UNRELATED;
    int64_t value; /* of b's left side where a holds with equality: its extreme */
    if (__builtin_sub_overflow(g.c, sign * f.c, &value))
        return UNRELATED;
    if (r == IR_EQ) {
        bool holds = s == IR_LE ? value <= 0 : (value == 0) == (s == IR_EQ);
        return holds ? IMPLIED : EXCLUDED;
    }
    if (sign > 0) /* b's left side is at most value */
        return s == IR_LE && value <= 0  ? IMPLIED
               : s == IR_NE && value < 0 ? IMPLIED
               : s == IR_EQ && value < 0 ? EXCLUDED
                                         : UNRELATED;
    return s == IR_NE && value > 0                   ? IMPLIED
           : (s == IR_LE || s == IR_EQ) && value > 0 ? EXCLUDED
                                                     : UNRELATED; /* at least value */
}

/* ---- and, or, not -------------------------------------------------------------------------------------- */

/* a and b for conjunctions: what one part says about another is used once. 0 when nothing is gained. */
static IrTerm and_parts(IrProgram *p, IrTerm a, IrTerm b) {
    IrTerm in[CONJUNCTS], add[CONJUNCTS];
    uint32_t n = conjuncts(p, a, in, CONJUNCTS), m = conjuncts(p, b, add, CONJUNCTS), kept = 0;
    bool dropped[CONJUNCTS] = {false}, gained = false;
    for (uint32_t j = 0; j < m; j++) {
        bool known = false;
        for (uint32_t k = 0; k < n && !known; k++) {
            Verdict there = verdict(p, in[k], add[j]), back = verdict(p, add[j], in[k]);
            if (in[k] == fold_not(p, add[j]) || there == EXCLUDED || back == EXCLUDED)
                return ir_bool(p, false);
            known = in[k] == add[j] || there == IMPLIED;
            if (!known && back == IMPLIED)
                dropped[k] = gained = true;
        }
        if (!known)
            add[kept++] = add[j];
    }
    if (kept == m && !gained)
        return 0;
    IrTerm all = 0;
    for (uint32_t k = n; k-- > 0;)
        if (!dropped[k])
            all = and2(p, all, in[k]);
    for (uint32_t k = kept; k-- > 0;)
        all = and2(p, all, add[k]);
    return all;
}

IrTerm fold_logic2(IrProgram *p, IrOp op, IrTerm a, IrTerm b) {
    bool v, is_and = op == IR_AND;
    IrTerm t;
    if (const_bool(p, a, &v))
        return v == is_and ? b : a;
    if (const_bool(p, b, &v))
        return v == is_and ? a : b;
    if (a == b)
        return a;
    if (a == fold_not(p, b))
        return ir_bool(p, !is_and);
    if (is_and && (t = and_parts(p, a, b)))
        return t;
    return b < a ? raw_node(p, op, IR_BOOL, b, a, 0) : raw_node(p, op, IR_BOOL, a, b, 0);
}

IrTerm fold_not(IrProgram *p, IrTerm a) {
    IrTerm x = arg_of(p, a, 0), y = arg_of(p, a, 1);
    bool v;
    if (const_bool(p, a, &v))
        return ir_bool(p, !v);
    if (is_op(p, a, IR_NOT))
        return x;
    if (is_op(p, a, IR_EQ) || is_op(p, a, IR_NE))
        return raw_node(p, is_op(p, a, IR_EQ) ? IR_NE : IR_EQ, IR_BOOL, x, y, 0);
    bool is_order = is_op(p, a, IR_LT) || is_op(p, a, IR_LE);
    if (is_order && type_of(p, x) == IR_INT)
        return fold_compare(p, is_op(p, a, IR_LT) ? IR_LE : IR_LT, y, x);
    return raw_node(p, IR_NOT, IR_BOOL, a, 0, 0);
}

IrTerm fold_select(IrProgram *p, IrTerm c, IrTerm a, IrTerm b) {
    bool v;
    if (const_bool(p, c, &v))
        return v ? a : b;
    if (a == b)
        return a;
    if (is_op(p, c, IR_NOT) && !ir_is_zero(p, b))
        return fold_select(p, arg_of(p, c, 0), b, a);
    if (is_op(p, a, IR_SELECT) && arg_of(p, a, 0) == c)
        return fold_select(p, c, arg_of(p, a, 1), b);
    if (is_op(p, b, IR_SELECT) && arg_of(p, b, 0) == c)
        return fold_select(p, c, a, arg_of(p, b, 2));
    IrType type = type_of(p, a);
    if (type == IR_BOOL) {
        if (const_bool(p, b, &v))
            return v ? ir_op2(p, IR_OR, fold_not(p, c), a) : ir_op2(p, IR_AND, c, a);
        if (const_bool(p, a, &v))
            return v ? ir_op2(p, IR_OR, c, b) : ir_op2(p, IR_AND, fold_not(p, c), b);
    }
    if (type == IR_REAL && ir_is_zero(p, a))
        return fold_select(p, fold_not(p, c), b, a);
    if (type == IR_REAL && ir_is_zero(p, b)) { /* the form of a guarded product */
        Mono m;
        mono_start(&m);
        Coef coef;
        IrTerm base = coef_split(p, a, &coef);
        if (is_op(p, base, IR_SELECT) && ir_is_zero(p, arg_of(p, base, 2))) {
            c = fold_logic2(p, IR_AND, c, arg_of(p, base, 0));
            return coef_apply(p, coef, fold_select(p, c, arg_of(p, base, 1), b));
        }
        if (is_op(p, base, IR_TO_REAL) && type_of(p, arg_of(p, base, 0)) == IR_BOOL)
            return coef_apply(p, coef, ir_to_real(p, fold_logic2(p, IR_AND, c, arg_of(p, base, 0))));
        if (ir_is_one(p, base))
            return coef_apply(p, coef, ir_to_real(p, c));
        return coef_apply(p, coef, raw_node(p, IR_SELECT, IR_REAL, c, base, b));
    }
    return raw_node(p, IR_SELECT, type, c, a, b);
}
