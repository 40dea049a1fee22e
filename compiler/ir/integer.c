/* integer — folding of INT terms and their comparisons. An INT term is a linear form over atoms (index values
 * and whatever is not linear: gathers, quotients); sums, multiples and comparisons are rebuilt from that
 * form, so that equal subscripts are equal references. */
#include "program.h"

#include <math.h>

static void affine_atom(Affine *a, IrTerm atom, int64_t coef, bool *fits) {
    uint32_t k = 0;
    while (k < a->n && a->atom[k] != atom)
        k++;
    if (k == a->n) {
        if (k == AFFINE_MAX) {
            *fits = false;
            return;
        }
        a->atom[a->n] = atom;
        a->coef[a->n++] = 0;
    }
    if (__builtin_add_overflow(a->coef[k], coef, &a->coef[k]) || a->coef[k] == INT64_MIN)
        *fits = false; /* the sign of a coefficient can be turned */
    if (a->coef[k] == 0) {
        a->n--;
        a->atom[k] = a->atom[a->n];
        a->coef[k] = a->coef[a->n];
    }
}

static void affine_walk(const IrProgram *p, IrTerm t, int64_t scale, Affine *out, bool *fits, int depth) {
    int64_t v;
    while (*fits) {
        IrOp op = op_of(p, t);
        IrTerm a = arg_of(p, t, 0), b = arg_of(p, t, 1);
        if (const_int(p, t, &v)) {
            if (__builtin_mul_overflow(v, scale, &v) || __builtin_add_overflow(out->c, v, &out->c)
                || out->c == INT64_MIN)
                *fits = false;
            return;
        }
        if (depth < 16 && (op == IR_ADD || op == IR_SUB)) {
            affine_walk(p, b, op == IR_ADD ? scale : -scale, out, fits, ++depth);
            t = a;
        } else if (op == IR_NEG) {
            scale = -scale;
            t = a;
        } else if (op == IR_MUL && const_int(p, a, &v)) {
            if (__builtin_mul_overflow(v, scale, &scale) || scale == INT64_MIN) {
                *fits = false;
                return;
            }
            t = b;
        } else {
            affine_atom(out, t, scale, fits);
            return;
        }
    }
}

/* By atom: one form, one term. */
void affine_sort(Affine *a) {
    for (uint32_t k = 1; k < a->n; k++)
        for (uint32_t j = k; j > 0 && a->atom[j] < a->atom[j - 1]; j--) {
            IrTerm atom = a->atom[j];
            int64_t coef = a->coef[j];
            a->atom[j] = a->atom[j - 1];
            a->coef[j] = a->coef[j - 1];
            a->atom[j - 1] = atom;
            a->coef[j - 1] = coef;
        }
}

bool affine_of(const IrProgram *p, IrTerm t, Affine *out) {
    bool fits = true;
    out->n = 0;
    out->c = 0;
    affine_walk(p, t, 1, out, &fits, 0);
    affine_sort(out);
    return fits;
}

/* Σ over the atoms whose coefficient has sign `sign`, as a term; 0 when there are none. */
static IrTerm affine_side(IrProgram *p, const Affine *a, int sign) {
    IrTerm sum = 0;
    for (uint32_t k = 0; k < a->n; k++) {
        if ((a->coef[k] > 0) != (sign > 0))
            continue;
        int64_t c = a->coef[k] * sign;
        IrTerm term = c == 1 ? a->atom[k] : raw_node(p, IR_MUL, IR_INT, ir_int(p, c), a->atom[k], 0);
        sum = sum ? raw_node(p, IR_ADD, IR_INT, sum, term, 0) : term;
    }
    return sum;
}

IrTerm affine_term(IrProgram *p, Affine *a) {
    affine_sort(a);
    IrTerm plus = affine_side(p, a, 1), minus = affine_side(p, a, -1);
    if (!plus && !minus)
        return ir_int(p, a->c);
    if (!plus) {
        IrTerm first = a->c ? ir_int(p, a->c) : 0;
        return first ? raw_node(p, IR_SUB, IR_INT, first, minus, 0)
                     : raw_node(p, IR_NEG, IR_INT, minus, 0, 0);
    }
    if (minus)
        plus = raw_node(p, IR_SUB, IR_INT, plus, minus, 0);
    return a->c ? raw_node(p, IR_ADD, IR_INT, plus, ir_int(p, a->c), 0) : plus;
}

/* u·a + v·b, where v is 1 or −1 or b is none (0). */
static IrTerm int_linear(IrProgram *p, IrTerm a, int64_t u, IrTerm b, int64_t v) {
    Affine sum = {.n = 0};
    bool fits = u != INT64_MIN;
    affine_walk(p, a, u, &sum, &fits, 0);
    if (b)
        affine_walk(p, b, v, &sum, &fits, 0);
    if (fits)
        return affine_term(p, &sum);
    if (!b)
        return u == -1 ? raw_node(p, IR_NEG, IR_INT, a, 0, 0)
                       : raw_node(p, IR_MUL, IR_INT, ir_int(p, u), a, 0);
    if (v > 0 && b < a)
        return raw_node(p, IR_ADD, IR_INT, b, a, 0);
    return raw_node(p, v > 0 ? IR_ADD : IR_SUB, IR_INT, a, b, 0);
}

bool ir_affine(const IrProgram *p, IrTerm t, IrIdx *idx, int64_t *coef, uint32_t *n, int64_t *constant) {
    Affine a;
    if (type_of(p, t) != IR_INT || !affine_of(p, t, &a))
        return false;
    for (uint32_t k = 0; k < a.n; k++) {
        if (!is_op(p, a.atom[k], IR_INDEX))
            return false;
        idx[k] = arg_of(p, a.atom[k], 0);
        coef[k] = a.coef[k];
    }
    *n = a.n;
    *constant = a.c;
    return true;
}

/* ---- ranges -------------------------------------------------------------------------------------------- */

static bool range_walk(const IrProgram *p, IrTerm t, int64_t *lo, int64_t *hi, int depth);

static bool range_is(int64_t *lo, int64_t *hi, int64_t first, int64_t last) {
    *lo = first;
    *hi = last;
    return true;
}

/* a div m or a mod m. */
static bool range_quotient(const IrProgram *p, IrTerm t, int64_t *lo, int64_t *hi, int depth) {
    int64_t l, h, m;
    if (!const_int(p, arg_of(p, t, 1), &m) || m <= 0)
        return false;
    if (is_op(p, t, IR_IMOD))
        return range_is(lo, hi, 0, m - 1);
    return range_walk(p, arg_of(p, t, 0), &l, &h, depth) && range_is(lo, hi, int_div(l, m), int_div(h, m));
}

/* min(a, b), max(a, b), or one of a and b. */
static bool range_choice(const IrProgram *p, IrOp op, IrTerm a, IrTerm b, int64_t *lo, int64_t *hi,
                         int depth) {
    int64_t l, h;
    if (!range_walk(p, a, lo, hi, depth) || !range_walk(p, b, &l, &h, depth))
        return false;
    *lo = (l < *lo) == (op != IR_MAX) ? l : *lo;
    *hi = (h < *hi) == (op == IR_MIN) ? h : *hi;
    return true;
}

static bool range_atom(const IrProgram *p, IrTerm t, int64_t *lo, int64_t *hi, int depth) {
    IrOp op = op_of(p, t);
    IrTerm a = arg_of(p, t, 0), b = arg_of(p, t, 1);
    int64_t l, h;
    if (op == IR_INDEX || op == IR_ARGMAX || op == IR_ARGMIN)
        return range_is(lo, hi, 0, (int64_t)p->indices.at[a].extent - 1);
    if (op == IR_IMOD || op == IR_IDIV)
        return range_quotient(p, t, lo, hi, depth);
    if (op == IR_MIN || op == IR_MAX)
        return range_choice(p, op, a, b, lo, hi, depth);
    if (op == IR_SELECT)
        return range_choice(p, op, b, arg_of(p, t, 2), lo, hi, depth);
    if (op == IR_ABS) { /* the lowest integer has no counterpart */
        bool known = range_walk(p, a, &l, &h, depth) && l != INT64_MIN;
        return known && range_is(lo, hi, l > 0 ? l : (h < 0 ? -h : 0), h > -l ? h : -l);
    }
    if (op == IR_TO_INT)
        return type_of(p, a) == IR_BOOL && range_is(lo, hi, 0, 1);
    if (op == IR_READ && p->defs.at[a].role == IR_ROLE_BOUND && p->defs.at[a].lo <= p->defs.at[a].hi)
        return range_is(lo, hi, p->defs.at[a].lo, p->defs.at[a].hi);
    return op == IR_READ && p->defs.at[a].elem == IR_U8 && range_is(lo, hi, 0, 255);
}

static bool range_walk(const IrProgram *p, IrTerm t, int64_t *lo, int64_t *hi, int depth) {
    Affine form;
    if (depth > 12 || !affine_of(p, t, &form))
        return false;
    *lo = *hi = form.c;
    for (uint32_t k = 0; k < form.n; k++) {
        int64_t l, h, c = form.coef[k];
        if (!range_atom(p, form.atom[k], &l, &h, depth + 1))
            return false;
        if (__builtin_mul_overflow(l, c, &l) || __builtin_mul_overflow(h, c, &h))
            return false;
        if (__builtin_add_overflow(*lo, c > 0 ? l : h, lo) || __builtin_add_overflow(*hi, c > 0 ? h : l, hi))
            return false;
    }
    return true;
}

bool ir_int_range(const IrProgram *p, IrTerm t, int64_t *lo, int64_t *hi) {
    return type_of(p, t) == IR_INT && range_walk(p, t, lo, hi, 0);
}

/* ---- constructors -------------------------------------------------------------------------------------- */

IrTerm fold_int1(IrProgram *p, IrOp op, IrTerm a) {
    int64_t v, lo, hi;
    if (const_int(p, a, &v))
        return ir_int(p, op_eval_int(op, v, 0, 0));
    if (op == IR_NEG)
        return int_linear(p, a, -1, 0, 0);
    if (op == IR_ABS && ir_int_range(p, a, &lo, &hi) && (lo >= 0 || (hi <= 0 && lo > INT64_MIN)))
        return lo >= 0 ? a : int_linear(p, a, -1, 0, 0);
    return raw_node(p, op, IR_INT, a, 0, 0);
}

/* a div m and a mod m for constant m > 0: multiples of m leave the quotient, a remainder in range is itself. The
 * constant left inside is one of 0 … m-1 where the range of the sum is known; else it keeps its sign, since n − 1
 * is an integer for the last n and n + m − 1 is none. All stays as it is where a constant would leave the
 * integers. */
static IrTerm fold_quotient(IrProgram *p, IrOp op, IrTerm a, int64_t m) {
    Affine form, whole = {.n = 0}, rest = {.n = 0};
    if (!affine_of(p, a, &form))
        return raw_node(p, op, IR_INT, a, ir_int(p, m), 0);
    bool fits = true;
    for (uint32_t k = 0; k < form.n; k++) {
        IrTerm atom = form.atom[k];
        int64_t c = form.coef[k], inner;
        if (c % m == 0)
            affine_atom(&whole, atom, c / m, &fits);
        else if (op == IR_IMOD && is_op(p, atom, IR_IMOD) && const_int(p, arg_of(p, atom, 1), &inner)
                 && inner % m == 0)
            affine_walk(p, arg_of(p, atom, 0), c, &rest, &fits, 0);
        else
            affine_atom(&rest, atom, c, &fits);
    }
    if (!fits || __builtin_add_overflow(rest.c, form.c, &rest.c))
        return raw_node(p, op, IR_INT, a, ir_int(p, m), 0);
    int64_t constant = rest.c, lo, hi, q, multiple;
    whole.c = int_div(constant, m);
    rest.c = int_mod(constant, m);
    bool known = ir_int_range(p, affine_term(p, &rest), &lo, &hi);
    if (!known) {
        whole.c = constant / m;
        rest.c = constant % m;
    }
    IrTerm remainder = affine_term(p, &rest);
    if (known && (q = int_div(lo, m)) == int_div(hi, m)) {
        if (__builtin_add_overflow(whole.c, q, &whole.c) || __builtin_mul_overflow(q, m, &multiple))
            return raw_node(p, op, IR_INT, a, ir_int(p, m), 0);
        return op == IR_IDIV ? affine_term(p, &whole) : int_linear(p, remainder, 1, ir_int(p, multiple), -1);
    }
    IrTerm quotient = raw_node(p, op, IR_INT, remainder, ir_int(p, m), 0);
    return op == IR_IMOD ? quotient : int_linear(p, affine_term(p, &whole), 1, quotient, 1);
}

static IrTerm fold_minmax(IrProgram *p, IrOp op, IrTerm a, IrTerm b) {
    int64_t lo, hi;
    if (a == b)
        return a;
    if (ir_int_range(p, int_linear(p, a, 1, b, -1), &lo, &hi)) {
        if (lo >= 0)
            return op == IR_MAX ? a : b;
        if (hi <= 0)
            return op == IR_MAX ? b : a;
    }
    return b < a ? raw_node(p, op, IR_INT, b, a, 0) : raw_node(p, op, IR_INT, a, b, 0);
}

IrTerm fold_int2(IrProgram *p, IrOp op, IrTerm a, IrTerm b) {
    int64_t x, y;
    bool ca = const_int(p, a, &x), cb = const_int(p, b, &y);
    if (ca && cb)
        return ir_int(p, op_eval_int(op, x, y, 0));
    if (op == IR_ADD || op == IR_SUB)
        return int_linear(p, a, 1, b, op == IR_ADD ? 1 : -1);
    if (op == IR_MUL && (ca || cb)) {
        if ((ca ? x : y) == 0)
            return ir_int(p, 0);
        return int_linear(p, ca ? b : a, ca ? x : y, 0, 0);
    }
    if (op == IR_MUL)
        return b < a ? raw_node(p, op, IR_INT, b, a, 0) : raw_node(p, op, IR_INT, a, b, 0);
    if (op == IR_MIN || op == IR_MAX)
        return fold_minmax(p, op, a, b);
    if (cb && y == 0) /* what is left is a quotient or a remainder */
        return ir_int(p, 0);
    if (cb && y == 1)
        return op == IR_IDIV ? a : ir_int(p, 0);
    if (cb && y > 0)
        return fold_quotient(p, op, a, y);
    return raw_node(p, op, IR_INT, a, b, 0);
}

/* ---- comparisons of INT terms -------------------------------------------------------------------------- */

/* lhs op rhs + c with all coefficients positive, constants on the right; < written as ≤ where it can be: above
 * the last integer there is none. */
static IrTerm compare_parts(IrProgram *p, IrOp op, Affine *d) {
    IrTerm lhs = affine_side(p, d, 1), rhs = affine_side(p, d, -1);
    int64_t c = -d->c; /* lhs op rhs + c */
    if (op == IR_LT && d->c < INT64_MAX) {
        op = IR_LE;
        c -= 1;
    }
    if ((op == IR_EQ || op == IR_NE) && (!lhs || (rhs && rhs < lhs))) {
        IrTerm swap = lhs;
        lhs = rhs;
        rhs = swap;
        c = -c;
    }
    if (!lhs)
        return raw_node(p, op, IR_BOOL, ir_int(p, -c), rhs, 0);
    if (op == IR_LE && c == -1 && rhs)
        return raw_node(p, IR_LT, IR_BOOL, lhs, rhs, 0);
    if (!rhs)
        rhs = ir_int(p, c);
    else if (c)
        rhs = raw_node(p, IR_ADD, IR_INT, rhs, ir_int(p, c), 0);
    return raw_node(p, op, IR_BOOL, lhs, rhs, 0);
}

static int64_t affine_gcd(const Affine *d) {
    int64_t g = 0;
    for (uint32_t k = 0; k < d->n; k++) {
        int64_t b = d->coef[k] < 0 ? -d->coef[k] : d->coef[k];
        while (b) {
            int64_t r = g % b;
            g = b;
            b = r;
        }
    }
    return g;
}

static IrTerm compare_int(IrProgram *p, IrOp op, IrTerm a, IrTerm b) {
    IrTerm diff = int_linear(p, a, 1, b, -1);
    Affine d;
    int64_t lo, hi;
    if (ir_int_range(p, diff, &lo, &hi)) {
        bool never_eq = lo > 0 || hi < 0;
        if ((op == IR_EQ || op == IR_NE) && never_eq)
            return ir_bool(p, op == IR_NE);
        if ((op == IR_EQ || op == IR_NE) && lo == 0 && hi == 0)
            return ir_bool(p, op == IR_EQ);
        if (op == IR_LT && (hi < 0 || lo >= 0))
            return ir_bool(p, hi < 0);
        if (op == IR_LE && (hi <= 0 || lo > 0))
            return ir_bool(p, hi <= 0);
    }
    if (!affine_of(p, diff, &d))
        return raw_node(p, op, IR_BOOL, a, b, 0);
    int64_t g = affine_gcd(&d);
    if (g > 1) {
        if (d.c % g != 0 && (op == IR_EQ || op == IR_NE))
            return ir_bool(p, op == IR_NE);
        int64_t c = int_div(d.c, g);
        if (op == IR_LE) /* g·x + c ≤ 0 ⟺ x ≤ floor(−c/g) */
            c = -int_div(-d.c, g);
        if (op == IR_LT) /* g·x + c < 0 ⟺ x ≤ floor((−c−1)/g) ⟺ x − floor((−c−1)/g) − 1 < 0 */
            c = -int_div(-d.c - 1, g) - 1;
        for (uint32_t k = 0; k < d.n; k++)
            d.coef[k] /= g;
        d.c = c;
    }
    return compare_parts(p, op, &d);
}

#define EXACT ((int64_t)1 << 53)

/* Whether real(t) and t are one number whatever the indices are. Against such a number a larger one, rounded
 * or not, compares the same. */
static bool is_exact(const IrProgram *p, IrTerm t) {
    int64_t lo, hi;
    return ir_int_range(p, t, &lo, &hi) && lo > -EXACT && hi < EXACT;
}

/* INT behind a TO_REAL, or a whole REAL constant, as an INT term; 0 otherwise. */
static IrTerm as_int(IrProgram *p, IrTerm t) {
    double v;
    if (is_op(p, t, IR_TO_REAL) && type_of(p, arg_of(p, t, 0)) == IR_INT)
        return arg_of(p, t, 0);
    if (const_real(p, t, &v) && floor(v) == v && fabs(v) < 9e15)
        return ir_int(p, (int64_t)v);
    return 0;
}

IrTerm fold_compare(IrProgram *p, IrOp op, IrTerm a, IrTerm b) {
    double x, y;
    int64_t m, n;
    if (const_int(p, a, &m) && const_int(p, b, &n))
        return ir_bool(p, op_eval_int(op, m, n, 0));
    if (type_of(p, a) == IR_INT)
        return compare_int(p, op, a, b);
    if (ir_is_const(p, a, &x) && ir_is_const(p, b, &y))
        return ir_bool(p, op_eval(op, x, y, 0) != 0);
    if (type_of(p, a) == IR_BOOL) {
        bool v;
        if (const_bool(p, a, &v) || const_bool(p, b, &v)) {
            IrTerm other = op_of(p, a) == IR_CONST ? b : a;
            if (op == IR_EQ || op == IR_NE)
                return v == (op == IR_EQ) ? other : fold_not(p, other);
        }
    } else if (is_op(p, a, IR_TO_REAL) || is_op(p, b, IR_TO_REAL)) {
        IrTerm u = as_int(p, a), v = as_int(p, b);
        if (u && v && (is_exact(p, u) || is_exact(p, v)))
            return compare_int(p, op, u, v);
    }
    if (a == b && (op == IR_LT || type_of(p, a) == IR_BOOL)) /* a NaN is not even equal to itself */
        return ir_bool(p, op == IR_EQ || op == IR_LE);
    if ((op_flags(op) & COMM) && b < a)
        return raw_node(p, op, IR_BOOL, b, a, 0);
    return raw_node(p, op, IR_BOOL, a, b, 0);
}
