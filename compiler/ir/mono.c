/* mono — products seen as coefficient · Π base^exponent, the view in which factors cancel and merge.
 *
 * Constructors keep a product as it was written unless something cancels or merges: then it is rebuilt from
 * this view. Every rebuild has fewer factors than what went in, so folding ends. */
#include "program.h"

#include <math.h>

static bool is_whole(double x) { return fabs(x) < 9007199254740992.0 && floor(x) == x; }

static double gcd(double a, double b) {
    a = fabs(a);
    b = fabs(b);
    while (b != 0) {
        double r = fmod(a, b);
        a = b;
        b = r;
    }
    return a;
}

/* n/d in lowest terms while both are whole numbers; else the quotient as it is. */
static Coef coef_reduce(double n, double d) {
    if (d == 1 || !is_whole(n) || !is_whole(d) || d == 0)
        return (Coef){n / d, 1};
    double g = gcd(n, d);
    if (d < 0)
        g = -g;
    return (Coef){n / g, d / g};
}

#define MAX_DENOMINATOR 100000

/* The double v is the nearest one to n/d for at most one fraction with a small d: coefficients are computed
 * with as that fraction, so that 0.2 · 0.2 is 0.04 and x/5 · 5 is x. Continued fractions. */
Coef coef_of(double v) {
    double x = fabs(v), n0 = 1, d0 = 0, n1 = floor(x), d1 = 1, rest = x - n1;
    if (is_whole(v) || !(x > 1e-9 && x < 1e9))
        return (Coef){v, 1};
    while (n1 / d1 != x) {
        double inverse = 1 / rest, whole = floor(inverse), n2 = whole * n1 + n0, d2 = whole * d1 + d0;
        if (!(rest > 0) || d2 > MAX_DENOMINATOR)
            return (Coef){v, 1};
        rest = inverse - whole;
        n0 = n1;
        d0 = d1;
        n1 = n2;
        d1 = d2;
    }
    return (Coef){v < 0 ? -n1 : n1, d1};
}

bool ir_fraction(double v, int64_t *n, int64_t *d) {
    Coef c = coef_of(v);
    if (!is_whole(c.n))
        return false;
    *n = (int64_t)c.n;
    *d = (int64_t)c.d;
    return true;
}

Coef coef_mul(Coef a, Coef b) {
    if (b.n == 1 && b.d == 1)
        return a;
    return coef_reduce(a.n * b.n, a.d * b.d);
}

Coef coef_add(Coef a, Coef b) {
    if (!is_whole(a.n) || !is_whole(b.n))
        return (Coef){a.n / a.d + b.n / b.d, 1};
    double x = a.n * b.d, y = b.n * a.d, d = a.d * b.d;
    if (!is_whole(x) || !is_whole(y) || !is_whole(d)) /* as a fraction the sum would lose digits */
        return (Coef){a.n / a.d + b.n / b.d, 1};
    return coef_reduce(x + y, d);
}

static Coef coef_inverse(Coef c) { return coef_reduce(c.d, c.n); }

/* A finite REAL constant other than 0: what may be a coefficient. */
static bool is_coef(const IrProgram *p, IrTerm t, double *value) {
    return const_real(p, t, value) && isfinite(*value) && *value != 0;
}

IrTerm coef_split(IrProgram *p, IrTerm t, Coef *coef) {
    *coef = (Coef){1, 1};
    for (;;) {
        double v;
        IrTerm a = arg_of(p, t, 0), b = arg_of(p, t, 1);
        if (is_coef(p, t, &v)) {
            *coef = coef_mul(*coef, coef_of(v));
            return ir_real(p, 1);
        } else if (is_op(p, t, IR_NEG)) {
            coef->n = -coef->n;
            t = a;
        } else if (is_op(p, t, IR_MUL) && is_coef(p, a, &v)) {
            *coef = coef_mul(*coef, coef_of(v));
            t = b;
        } else if (is_op(p, t, IR_DIV) && is_coef(p, b, &v)) {
            *coef = coef_mul(*coef, coef_inverse(coef_of(v)));
            t = a;
        } else if (is_op(p, t, IR_DIV) && is_coef(p, a, &v) && v != 1) {
            *coef = coef_mul(*coef, coef_of(v));
            t = raw_node(p, IR_DIV, IR_REAL, ir_real(p, 1), b, 0);
        } else if (is_op(p, t, IR_DIV) && is_op(p, b, IR_MUL) && is_coef(p, arg_of(p, b, 0), &v)) {
            *coef = coef_mul(*coef, coef_inverse(coef_of(v)));
            t = raw_node(p, IR_DIV, IR_REAL, a, arg_of(p, b, 1), 0);
        } else {
            return t;
        }
    }
}

/* coefficient · base, the coefficient outermost: v·b, −b; v/x for base 1/x. */
IrTerm coef_apply(IrProgram *p, Coef c, IrTerm base) {
    Coef inner;
    base = coef_split(p, base, &inner);
    c = coef_mul(c, inner);
    double v = c.n / c.d, number;
    if (v == 0)
        return ir_real(p, 0);
    if (const_real(p, base, &number))
        return ir_real(p, number == 1 ? v : v * number);
    if (v == 1)
        return base;
    if (is_op(p, base, IR_DIV) && ir_is_one(p, arg_of(p, base, 0)) && v != -1)
        return raw_node(p, IR_DIV, IR_REAL, ir_real(p, v), arg_of(p, base, 1), 0);
    if (v != -1)
        return raw_node(p, IR_MUL, IR_REAL, ir_real(p, v), base, 0);
    if (is_op(p, base, IR_SUB))
        return raw_node(p, IR_SUB, IR_REAL, arg_of(p, base, 1), arg_of(p, base, 0), 0);
    return raw_node(p, IR_NEG, IR_REAL, base, 0, 0);
}

void mono_start(Mono *m) {
    m->coef = (Coef){1, 1};
    m->n = 0;
    m->cond = 0;
    m->merged = m->full = false;
}

static bool mono_factor(Mono *m, IrTerm base, double exponent, bool is_exp) {
    for (uint32_t k = 0; k < m->n; k++) {
        if (m->at[k].base != base || m->at[k].is_exp != is_exp)
            continue;
        m->merged = true;
        m->at[k].exponent += exponent;
        if (m->at[k].exponent == 0)
            m->at[k] = m->at[--m->n];
        return true;
    }
    if (m->n == MONO_MAX) {
        m->full = true;
        return false;
    }
    m->at[m->n++] = (Factor){base, exponent, is_exp};
    return true;
}

static bool mono_const(Mono *m, double v, double e) {
    bool fits = true;
    Coef c = coef_of(v), power = coef_reduce(pow(c.n, fabs(e)), pow(c.d, fabs(e)));
    c = e > 0 ? power : coef_inverse(power);
    Coef product = coef_mul(m->coef, c);
    if (!isfinite(product.n) || !isfinite(product.d) || product.n == 0)
        fits = false;
    else
        m->coef = product;
    return fits;
}

static bool mono_walk(IrProgram *p, Mono *m, IrTerm t, double e, int depth) {
    double v;
    bool whole = floor(e) == e;
    IrTerm a = arg_of(p, t, 0), b = arg_of(p, t, 1);
    if (m->full)
        return false;
    if (depth > 2 * MONO_MAX) {
        m->full = true;
        return false;
    }
    if (!whole)
        return mono_factor(m, t, e, false);
    IrOp op = op_of(p, t);
    bool even = fmod(e, 2) == 0, is_power = op == IR_POW && const_real(p, b, &v);
    if (op == IR_CONST && is_coef(p, t, &v) && mono_const(m, v, e))
        return true;
    if (op == IR_NEG) {
        m->coef.n = even ? m->coef.n : -m->coef.n;
        return mono_walk(p, m, a, e, depth + 1);
    }
    if (op == IR_MUL || op == IR_DIV)
        return mono_walk(p, m, a, e, depth + 1) && mono_walk(p, m, b, op == IR_MUL ? e : -e, depth + 1);
    if (is_power)
        return floor(v) == v ? mono_walk(p, m, a, v * e, depth + 1) : mono_factor(m, a, v * e, false);
    if (op == IR_SQRT)
        return even ? mono_walk(p, m, a, e / 2, depth + 1) : mono_factor(m, a, e / 2, false);
    if (op == IR_ABS && even)
        return mono_walk(p, m, a, e, depth + 1);
    if (op == IR_EXP) {
        Coef c;
        IrTerm base = coef_split(p, a, &c);
        return mono_factor(m, base, e * c.n / c.d, true);
    }
    if (op == IR_SELECT && e >= 0 && ir_is_zero(p, arg_of(p, t, 2))) {
        m->cond = and2(p, m->cond, a);
        return mono_walk(p, m, b, e, depth + 1);
    }
    if (op == IR_TO_REAL && e >= 0 && type_of(p, a) == IR_BOOL) {
        m->cond = and2(p, m->cond, a);
        return true;
    }
    return mono_factor(m, t, e, false);
}

bool mono_times(IrProgram *p, Mono *m, IrTerm t, double exponent) { return mono_walk(p, m, t, exponent, 0); }

/* ---- back to a term ------------------------------------------------------------------------------------ */

static bool comes_before(const IrProgram *p, IrTerm a, IrTerm b) {
    uint32_t x = free_count(p, a), y = free_count(p, b);
    return x != y ? x < y : a < b;
}

/* a·b with the operand that varies over fewer indices first: what is invariant in a loop stands together. */
static IrTerm raw_mul(IrProgram *p, IrTerm a, IrTerm b) {
    if (!a || !b)
        return a ? a : b;
    return comes_before(p, b, a) ? raw_node(p, IR_MUL, IR_REAL, b, a, 0)
                                 : raw_node(p, IR_MUL, IR_REAL, a, b, 0);
}

static void times_power(IrProgram *p, IrTerm *product, IrTerm base, double e) {
    double whole = floor(e), rest = e - whole;
    if (rest == 0 || rest == 0.5) {
        if (whole == 1)
            *product = raw_mul(p, *product, base);
        else if (whole > 1)
            *product = raw_mul(p, *product, raw_node(p, IR_POW, IR_REAL, base, ir_real(p, whole), 0));
        if (rest != 0)
            *product = raw_mul(p, *product, ir_op1(p, IR_SQRT, base));
    } else {
        *product = raw_mul(p, *product, raw_node(p, IR_POW, IR_REAL, base, ir_real(p, e), 0));
    }
}

IrTerm mono_term(IrProgram *p, const Mono *m) {
    Factor order[MONO_MAX];
    for (uint32_t k = 0; k < m->n; k++) {
        uint32_t j = k;
        for (; j > 0 && comes_before(p, m->at[k].base, order[j - 1].base); j--)
            order[j] = order[j - 1];
        order[j] = m->at[k];
    }
    IrTerm num = 0, den = 0;
    for (uint32_t k = 0; k < m->n; k++) {
        Factor f = order[k];
        if (f.is_exp)
            num = raw_mul(p, num, ir_op1(p, IR_EXP, coef_apply(p, (Coef){f.exponent, 1}, f.base)));
        else
            times_power(p, f.exponent > 0 ? &num : &den, f.base, fabs(f.exponent));
    }
    IrTerm one = ir_real(p, 1), result = num ? num : one;
    if (den)
        result = raw_node(p, IR_DIV, IR_REAL, result, den, 0);
    bool holds = true;
    if (m->cond && (!const_bool(p, m->cond, &holds) || !holds))
        result = !holds          ? ir_real(p, 0)
                 : result == one ? raw_node(p, IR_TO_REAL, IR_REAL, m->cond, 0, 0)
                                 : raw_node(p, IR_SELECT, IR_REAL, m->cond, result, ir_real(p, 0));
    return coef_apply(p, m->coef, result);
}

bool ir_product(IrProgram *p, IrTerm t, double *coefficient, IrTerm *cond, IrFactor *out, uint32_t max,
                uint32_t *n) {
    Mono m;
    mono_start(&m);
    if (!mono_times(p, &m, t, 1) || m.n > max)
        return false;
    *coefficient = m.coef.n / m.coef.d;
    *cond = m.cond;
    *n = m.n;
    for (uint32_t k = 0; k < m.n; k++) {
        Factor f = m.at[k];
        out[k] = (IrFactor){f.base, f.exponent};
        if (f.is_exp)
            out[k] = (IrFactor){ir_op1(p, IR_EXP, coef_apply(p, (Coef){f.exponent, 1}, f.base)), 1};
    }
    return true;
}

/* ---- constructors -------------------------------------------------------------------------------------- */

static IrTerm product_of(IrProgram *p, IrTerm a, IrTerm b, double exponent, bool rebuild, IrOp op) {
    Mono m;
    mono_start(&m);
    bool fits = mono_times(p, &m, a, 1) && mono_times(p, &m, b, exponent);
    if (fits && (rebuild || m.merged || m.cond))
        return mono_term(p, &m);
    return op == IR_MUL ? raw_mul(p, a, b) : raw_node(p, op, IR_REAL, a, b, 0);
}

/* x·y or x/y as fractions where they are fractions. */
static double const_product(double x, double y, int exponent) {
    Coef c = coef_mul(coef_of(x), exponent > 0 ? coef_of(y) : coef_inverse(coef_of(y)));
    double v = c.n / c.d;
    return isfinite(v) && v != 0 ? v : exponent > 0 ? x * y : x / y;
}

static bool is_inverse(const IrProgram *p, IrTerm t) {
    return is_op(p, t, IR_DIV) && ir_is_one(p, arg_of(p, t, 0));
}

IrTerm fold_mul(IrProgram *p, IrTerm a, IrTerm b) {
    double x, y;
    bool ca = const_real(p, a, &x), cb = const_real(p, b, &y);
    if (ca && cb)
        return ir_real(p, const_product(x, y, 1));
    if ((ca && x == 0) || (cb && y == 0))
        return ir_real(p, 0);
    if ((ca && !isfinite(x)) || (cb && !isfinite(y)))
        return raw_mul(p, a, b);
    Coef u, v;
    a = coef_split(p, a, &u);
    b = coef_split(p, b, &v);
    Coef c = coef_mul(u, v);
    IrTerm base;
    if (ir_is_one(p, a) || ir_is_one(p, b))
        base = ir_is_one(p, a) ? b : a;
    else
        base = product_of(p, a, b, 1, is_inverse(p, a) || is_inverse(p, b), IR_MUL);
    return coef_apply(p, c, base);
}

/* 1/(1 + exp(u)) is sigmoid(−u). */
static IrTerm fold_inverse(IrProgram *p, IrTerm b) {
    if (is_op(p, b, IR_ADD) && is_op(p, arg_of(p, b, 0), IR_EXP) && ir_is_one(p, arg_of(p, b, 1)))
        return ir_op1(p, IR_SIGMOID, ir_neg(p, arg_of(p, arg_of(p, b, 0), 0)));
    if (is_op(p, b, IR_EXP))
        return ir_op1(p, IR_EXP, ir_neg(p, arg_of(p, b, 0)));
    if (is_op(p, b, IR_DIV))
        return raw_node(p, IR_DIV, IR_REAL, arg_of(p, b, 1), arg_of(p, b, 0), 0);
    return raw_node(p, IR_DIV, IR_REAL, ir_real(p, 1), b, 0);
}

IrTerm fold_div(IrProgram *p, IrTerm a, IrTerm b) {
    double x, y;
    bool ca = const_real(p, a, &x), cb = const_real(p, b, &y);
    if (ca && cb)
        return ir_real(p, y == 0 ? x / y : const_product(x, y, -1));
    if (cb && (y == 0 || !isfinite(y)))
        return raw_node(p, IR_DIV, IR_REAL, a, b, 0);
    if (ca && x == 0)
        return a;
    if (ca && !isfinite(x))
        return raw_node(p, IR_DIV, IR_REAL, a, b, 0);
    Coef u, v;
    a = coef_split(p, a, &u);
    b = coef_split(p, b, &v);
    Coef c = coef_mul(u, coef_inverse(v));
    IrTerm base;
    if (a == b)
        base = ir_real(p, 1);
    else if (ir_is_one(p, b))
        base = a;
    else if (ir_is_one(p, a))
        base = fold_inverse(p, b);
    else
        base = product_of(p, a, b, -1, is_op(p, a, IR_DIV) || is_op(p, b, IR_DIV) || is_op(p, b, IR_EXP),
                          IR_DIV);
    return coef_apply(p, c, base);
}

IrTerm fold_pow(IrProgram *p, IrTerm a, IrTerm b) {
    double x, e;
    bool ca = const_real(p, a, &x), ce = const_real(p, b, &e);
    if (ca && ce)
        return ir_real(p, op_eval(IR_POW, x, e, 0));
    if (ca && x == 1)
        return a;
    if (is_op(p, a, IR_EXP))
        return ir_op1(p, IR_EXP, ir_mul(p, arg_of(p, a, 0), b));
    if (!ce || !isfinite(e))
        return raw_node(p, IR_POW, IR_REAL, a, b, 0);
    if (e == 0 || e == 1)
        return e == 0 ? ir_real(p, 1) : a;
    if (e < 0)
        return ir_div(p, ir_real(p, 1), ir_pow(p, a, ir_real(p, -e)));
    if (e == 0.5)
        return ir_op1(p, IR_SQRT, a);
    if (floor(e) != e)
        return raw_node(p, IR_POW, IR_REAL, a, b, 0);
    Coef c;
    IrTerm base = coef_split(p, a, &c);
    Coef power = coef_reduce(pow(c.n, e), pow(c.d, e));
    bool is_simple = is_op(p, base, IR_POW) || is_op(p, base, IR_SQRT) || is_op(p, base, IR_ABS)
                     || is_op(p, base, IR_SELECT) || is_op(p, base, IR_TO_REAL) || is_inverse(p, base)
                     || is_op(p, base, IR_EXP);
    Mono m;
    mono_start(&m);
    if (is_simple && mono_times(p, &m, base, e)
        && !(m.n == 1 && m.at[0].base == base && !m.at[0].is_exp && !m.cond))
        return coef_apply(p, power, mono_term(p, &m));
    return coef_apply(p, power, raw_node(p, IR_POW, IR_REAL, base, b, 0));
}
