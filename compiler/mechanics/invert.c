/* invert — the Legendre transform of a convex function of one number, φ*(y) = y r − φ(r) at φ'(r) = y, in closed form.
 *
 * needs: φ(r), y      gives: φ*(y), r(y)      changes: nothing
 *
 * Three kinds are known:
 *   - φ' = k r^n: r = (y/k)^(1/n), φ* = n/(n+1) y r;
 *   - φ' = k r B^e with B = α + β r²: P = β (y/k)² = B^(2e) (B − α) is solved for B (relativity: e = −½), r = y B^(−e) / k;
 *   - r occurs once in φ', in functions that have an inverse: e^r, sinh r, … */
#include "dual.h"

#include <math.h>

enum { MOST_FACTORS = 24 };

IrTerm dual_power(Mech *m, IrTerm x, double n) {
    IrNode node = *ir_node(m->p, x);
    if (node.op == IR_ABS && n == rint(n) && fmod(n, 2) == 0)
        x = node.arg[0];
    if (node.op == IR_SQRT)
        return dual_power(m, node.arg[0], n / 2);
    return n == 0     ? ir_real(m->p, 1)
           : n == 1   ? x
           : n == 0.5 ? ir_op1(m->p, IR_SQRT, x)
           : n == -1  ? ir_div(m->p, ir_real(m->p, 1), x)
                      : ir_pow(m->p, x, ir_real(m->p, n));
}

/* ---- functions with an inverse ---- */

/* The x with x^n = y: for odd n the real root of either sign. */
static IrTerm root(Mech *m, IrTerm y, double n) {
    IrProgram *p = m->p;
    if (n == 3)
        return ir_op1(p, IR_CBRT, y);
    if (n == rint(n) && fmod(n, 2) != 0)
        return ir_mul(p, ir_op1(p, IR_SIGN, y), dual_power(m, ir_op1(p, IR_ABS, y), 1 / n));
    return dual_power(m, y, 1 / n);
}

/* The inverse of an elementary function at y; 0: it has none over all numbers. */
static IrTerm inverse_function(Mech *m, IrOp op, IrTerm y) {
    IrProgram *p = m->p;
    IrTerm one = ir_real(p, 1);
#define INVERSE(f, of) if (op == IR_##f) return ir_op1(p, IR_##of, y)
    INVERSE(NEG, NEG);
    INVERSE(EXP, LOG);
    INVERSE(LOG, EXP);
    INVERSE(EXPM1, LOG1P);
    INVERSE(LOG1P, EXPM1);
    INVERSE(SINH, ASINH);
    INVERSE(ASINH, SINH);
    INVERSE(TANH, ATANH);
    INVERSE(ATANH, TANH);
    INVERSE(ATAN, TAN);
    INVERSE(TAN, ATAN);
    INVERSE(ASIN, SIN);
#undef INVERSE
    if (op == IR_CBRT)
        return dual_power(m, y, 3);
    if (op == IR_SIGMOID)
        return ir_op1(p, IR_LOG, ir_div(p, y, ir_sub(p, one, y)));
    if (op == IR_SOFTPLUS)
        return ir_op1(p, IR_LOG, ir_op1(p, IR_EXPM1, y));
    return 0;
}

static IrTerm peel(Mech *m, IrTerm g, IrTerm x, IrTerm y);

/* g = a ∘ b with x in one of them. */
static IrTerm peel_two(Mech *m, const IrNode *node, bool in_a, IrTerm x, IrTerm y) {
    IrProgram *p = m->p;
    IrTerm a = node->arg[0], b = node->arg[1], moving = in_a ? a : b, other = in_a ? b : a;
    double n;
    if (node->op == IR_ADD)
        return peel(m, moving, x, ir_sub(p, y, other));
    if (node->op == IR_SUB)
        return peel(m, moving, x, in_a ? ir_add(p, y, other) : ir_sub(p, other, y));
    if (node->op == IR_MUL)
        return peel(m, moving, x, ir_div(p, y, other));
    if (node->op == IR_DIV)
        return peel(m, moving, x, in_a ? ir_mul(p, y, other) : ir_div(p, other, y));
    if (node->op == IR_POW && in_a && ir_is_const(p, b, &n) && n != 0 && n == rint(n) && fmod(n, 2) != 0)
        return peel(m, moving, x, root(m, y, n));
    return 0;
}

/* The x (a READ) with g(x) = y, where x occurs once. 0: it is not found. */
static IrTerm peel(Mech *m, IrTerm g, IrTerm x, IrTerm y) {
    IrDef d = ir_node(m->p, x)->arg[0];
    if (g == x)
        return y;
    IrNode node = *ir_node(m->p, g);
    uint32_t arity = ir_op_arity((IrOp)node.op);
    if (arity == 1) {
        IrTerm inverse = inverse_function(m, (IrOp)node.op, y);
        return inverse ? peel(m, node.arg[0], x, inverse) : 0;
    }
    if (arity != 2)
        return 0;
    bool in_a = ir_depends(m->p, node.arg[0], d), in_b = ir_depends(m->p, node.arg[1], d);
    return in_a != in_b ? peel_two(m, &node, in_a, x, y) : 0;
}

/* f(f⁻¹(x)) and its like, in what a transform is put together from. */
static IrTerm map_inverse(Mech *m, void *context, IrTerm t) {
    IrProgram *p = m->p;
    IrNode node = *ir_node(p, t);
    (void)context;
    if (ir_op_arity((IrOp)node.op) != 1 || ir_op_arity((IrOp)ir_node(p, node.arg[0])->op) != 1)
        return 0;
    IrNode inner = *ir_node(p, node.arg[0]);
    IrTerm x = inner.arg[0], one = ir_real(p, 1);
    if (node.op == IR_COSH && inner.op == IR_ASINH)
        return ir_op1(p, IR_SQRT, ir_add(p, one, ir_mul(p, x, x)));
    if ((node.op == IR_SINH && inner.op == IR_ASINH) || (node.op == IR_EXP && inner.op == IR_LOG) ||
        (node.op == IR_EXPM1 && inner.op == IR_LOG1P) || (node.op == IR_TAN && inner.op == IR_ATAN) ||
        (node.op == IR_LOG && inner.op == IR_EXP) || (node.op == IR_TANH && inner.op == IR_ATANH))
        return x;
    if (node.op == IR_EXP && inner.op == IR_LOG1P)
        return ir_add(p, one, x);
    return 0;
}

/* ---- φ' = k r^n B^e ---- */

typedef struct Slope {
    IrTerm k;     /* free of r */
    double n;     /* power of r */
    IrTerm base;  /* B; 0: none */
    double e;
} Slope;

static bool split_slope(Mech *m, IrTerm g, IrTerm r, Slope *out) {
    IrFactor factor[MOST_FACTORS];
    IrDef d = ir_node(m->p, r)->arg[0];
    IrTerm cond;
    uint32_t n;
    double c;
    if (!ir_product(m->p, g, &c, &cond, factor, MOST_FACTORS, &n) || cond)
        return false;
    *out = (Slope){.k = ir_real(m->p, c)};
    for (uint32_t i = 0; i < n; i++) {
        IrFactor f = factor[i];
        if (f.base == r)
            out->n += f.exponent;
        else if (!ir_depends(m->p, f.base, d))
            out->k = ir_mul(m->p, out->k, dual_power(m, f.base, f.exponent));
        else if (out->base)
            return false;
        else {
            out->base = f.base;
            out->e = f.exponent;
        }
    }
    return true;
}

static IrTerm at_number(Mech *m, IrTerm t, IrTerm r, double value) {
    IrReplace put = {.from = ir_node(m->p, r)->arg[0], .body = ir_real(m->p, value)};
    return ir_replace(m->p, t, &put, 1);
}

/* B = α + β r². */
static bool is_square(Mech *m, IrTerm base, IrTerm r, IrTerm *alpha, IrTerm *beta) {
    IrProgram *p = m->p;
    *alpha = at_number(m, base, r, 0);
    *beta = calc_tidy(p, ir_sub(p, at_number(m, base, r, 1), *alpha));
    IrTerm again = ir_add(p, *alpha, ir_mul(p, *beta, ir_mul(p, r, r)));
    return mech_vanishes(m, mech_smallest(m, calc_tidy(p, ir_sub(p, base, again))));
}

static IrTerm near(Mech *m, IrTerm t) { return mech_smallest(m, calc_tidy(m->p, t)); }

/* e = −½: B = α/(1 − P), and nothing cancels in r = (y/k) √(α/(1 − P)) and φ* = φ(0)-free −k/β √(α (1 − P)). */
static void relativistic(Mech *m, const Slope *s, IrTerm alpha, IrTerm beta, IrTerm y, IrTerm *value, IrTerm *x) {
    IrProgram *p = m->p;
    IrTerm ratio = ir_div(p, y, s->k), one = ir_real(p, 1);
    IrTerm square = near(m, ir_sub(p, one, ir_mul(p, beta, ir_mul(p, ratio, ratio))));
    IrTerm scale = dual_power(m, alpha, 0.5), length = dual_power(m, square, 0.5);
    *x = ir_div(p, ir_mul(p, ratio, scale), length);
    *value = ir_neg(p, ir_mul(p, ir_mul(p, ir_div(p, s->k, beta), scale), length));
}

/* e = ½: B² − αB = P. */
static void stiffening(Mech *m, const Slope *s, IrTerm alpha, IrTerm beta, IrTerm y, IrTerm *value, IrTerm *x) {
    IrProgram *p = m->p;
    IrTerm ratio = ir_div(p, y, s->k), P = ir_mul(p, beta, ir_mul(p, ratio, ratio));
    IrTerm disc = ir_op1(p, IR_SQRT, near(m, ir_add(p, ir_mul(p, alpha, alpha), ir_mul(p, ir_real(p, 4), P))));
    IrTerm B = ir_mul(p, ir_real(p, 0.5), ir_add(p, alpha, disc)), length = dual_power(m, B, 0.5);
    *x = ir_div(p, ratio, length);
    IrTerm size = ir_mul(p, ir_div(p, s->k, ir_mul(p, ir_real(p, 3), beta)), length);
    *value = ir_mul(p, size, ir_sub(p, ir_mul(p, ir_real(p, 2), B), ir_mul(p, ir_real(p, 3), alpha)));
}

/* φ − φ(0), the constant at rest (or what is left of φ where r = 0 has no value: 0). */
static IrTerm at_rest(Mech *m, IrTerm phi, IrTerm r) {
    double v;
    IrTerm t = at_number(m, phi, r, 0);
    return ir_is_const(m->p, t, &v) && !isfinite(v) ? 0 : t;
}

bool dual_slope_grows(Mech *m, IrTerm phi, IrTerm r, bool is_signed, double *where) {
    static const double place[] = {1e-3, 0.1, 0.5, 0.9, 1.1, 2, 10, 100};
    IrDef d = ir_node(m->p, r)->arg[0];
    IrTerm slope = calc_partial(m->p, phi, d, NULL), second = slope ? calc_partial(m->p, slope, d, NULL) : 0;
    for (uint32_t k = 0; second && k < 2 * sizeof place / sizeof *place; k++) {
        double v;
        *where = k % 2 ? -place[k / 2] : place[k / 2];
        if ((*where < 0 && !is_signed) || !mech_value(m, at_number(m, phi, r, *where), &v) || !isfinite(v))
            continue; /* not where φ is defined */
        if (mech_value(m, at_number(m, second, r, *where), &v) && v < -1e-9)
            return false;
    }
    return true;
}

bool dual_of_scalar(Mech *m, IrTerm phi, IrTerm r, IrTerm y, bool is_signed, IrTerm *value, IrTerm *x) {
    IrProgram *p = m->p;
    IrTerm slope = calc_partial(p, phi, ir_node(p, r)->arg[0], NULL), alpha, beta, rest = at_rest(m, phi, r);
    Slope s = {0};
    if (!slope)
        return false;
    slope = near(m, calc_factor(p, slope));
    bool is_split = split_slope(m, slope, r, &s), is_odd = s.n == rint(s.n) && fmod(s.n, 2) != 0;
    if (is_split && !s.base && s.n > 0 && (!is_signed || is_odd) && rest) {
        IrTerm ratio = ir_div(p, y, s.k);
        *x = is_signed ? root(m, ratio, s.n) : dual_power(m, ratio, 1 / s.n);
        *value = ir_sub(p, ir_mul(p, ir_real(p, s.n / (s.n + 1)), ir_mul(p, y, *x)), rest);
        return true;
    }
    if (is_split && s.base && s.n == 1 && (s.e == -0.5 || s.e == 0.5) && is_square(m, s.base, r, &alpha, &beta)) {
        if (s.e < 0)
            relativistic(m, &s, alpha, beta, y, value, x);
        else
            stiffening(m, &s, alpha, beta, y, value, x);
        /* φ = (k / 2β(e+1)) B^(e+1) + a constant */
        IrTerm c = ir_div(p, s.k, ir_mul(p, ir_real(p, 2 * (s.e + 1)), beta));
        IrTerm own = ir_sub(p, rest, ir_mul(p, c, dual_power(m, alpha, s.e + 1)));
        own = near(m, own);
        *value = mech_vanishes(m, own) ? *value : ir_sub(p, *value, own);
        return true;
    }
    *x = peel(m, slope, r, y);
    if (!*x)
        return false;
    IrReplace put = {.from = ir_node(p, r)->arg[0], .body = *x};
    IrTerm at_x = mech_rewrite(m, ir_replace(p, phi, &put, 1), map_inverse, NULL);
    *value = near(m, ir_sub(p, ir_mul(p, y, *x), at_x));
    return true;
}
