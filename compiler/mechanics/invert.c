/* invert — y = ∂S/∂x solved for x in closed form, S a convex function of velocities (or momenta): the gradient of S*, the
 * Legendre transform of S.
 *
 * needs: the gradient of S, terms y      gives: x as a function of y      changes: nothing
 *
 * Three kinds are known (R. T. Rockafellar, Convex Analysis, section 26):
 *   - each gradient depends on its own element alone, through functions that have an inverse: powers, e^x, sinh, …;
 *   - radial: y_i = k_i x_i B^e with B = α + Q(x), Q quadratic: then P = Q(y/k) = B^(2e) (B − α) is solved for B (the mass of
 *     relativity: e = −½, α = 1; powers of a length: α = 0), and x_i = y_i B^(−e) / k_i;
 *   - half the square of a norm: S* is half the square of the dual norm (norms.c). */
#include "internal.h"

#include <math.h>

static IrDef variable(const MechBody *b, bool of_momenta) { return of_momenta ? b->p : b->v; }

static bool on_variables(Mech *m, IrTerm t, bool of_momenta) {
    return mech_depends_any(m, t, of_momenta ? MECH_ON_P : MECH_ON_V);
}

/* ---- one element at a time ---- */

static IrTerm power(Mech *m, IrTerm x, double n) {
    return n == 1 ? x : n == 0.5 ? ir_op1(m->p, IR_SQRT, x) : ir_pow(m->p, x, ir_real(m->p, n));
}

/* The x with x^n = y: for odd n the real root of either sign. */
static IrTerm root(Mech *m, IrTerm y, double n) {
    IrProgram *p = m->p;
    if (n == 3)
        return ir_op1(p, IR_CBRT, y);
    if (n == rint(n) && fmod(n, 2) != 0)
        return ir_mul(p, ir_op1(p, IR_SIGN, y), power(m, ir_op1(p, IR_ABS, y), 1 / n));
    return power(m, y, 1 / n);
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
#undef INVERSE
    if (op == IR_CBRT)
        return power(m, y, 3);
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

/* ---- radial ---- */

/* y = k x B^e. */
typedef struct Radial {
    IrTerm k; /* over the body's axes */
    IrTerm base;
    double exponent;
} Radial;

static bool split_radial(Mech *m, const MechBody *b, IrTerm g, bool of_momenta, Radial *out) {
    enum { MOST = 24 };
    IrFactor factor[MOST];
    uint32_t n;
    double c;
    IrTerm cond, x = ir_read(m->p, variable(b, of_momenta), b->at, b->rank);
    bool has_x = false;
    if (!ir_product(m->p, g, &c, &cond, factor, MOST, &n) || cond)
        return false;
    *out = (Radial){.k = ir_real(m->p, c)};
    for (uint32_t i = 0; i < n; i++) {
        if (factor[i].base == x && factor[i].exponent == 1)
            has_x = true;
        else if (!on_variables(m, factor[i].base, of_momenta))
            out->k = ir_mul(m->p, out->k, power(m, factor[i].base, factor[i].exponent));
        else if (out->base)
            return false;
        else
            *out = (Radial){out->k, factor[i].base, factor[i].exponent};
    }
    return has_x;
}

/* |x|^e is a power of x² with half the exponent: the base as it is squared, if it is a length itself. */
static void square_length(Mech *m, Radial *r) {
    IrNode node = *ir_node(m->p, r->base);
    if (node.op == IR_ABS)
        *r = (Radial){r->k, ir_mul(m->p, node.arg[0], node.arg[0]), r->exponent / 2};
}

/* The B with B^(2e) (B − α) = P. 0: not in closed form. */
static IrTerm radial_base(Mech *m, IrTerm P, IrTerm alpha, double e) {
    IrProgram *p = m->p;
    IrTerm one = ir_real(p, 1);
    if (ir_is_zero(p, alpha))
        return e == -0.5 ? 0 : power(m, P, 1 / (2 * e + 1));
    if (e == -0.5)
        return ir_div(p, alpha, ir_sub(p, one, P));
    if (e == 0.5) {
        IrTerm root = ir_op1(p, IR_SQRT, ir_add(p, ir_mul(p, alpha, alpha), ir_mul(p, ir_real(p, 4), P)));
        return ir_mul(p, ir_real(p, 0.5), ir_add(p, alpha, root));
    }
    return 0;
}

/* Every velocity scaled by a term per body (0: by `number`). */
static IrTerm scaled(Mech *m, IrTerm t, bool of_momenta, const IrTerm *by, double number) {
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrDef x = variable(b, of_momenta);
        r[a] = (IrReplace){.from = x,
                           .body = by && by[a] ? by[a]
                                               : ir_mul(m->p, ir_real(m->p, number), ir_read(m->p, x, b->at, b->rank))};
    }
    return ir_replace(m->p, t, r, m->n);
}

/* B − α is a quadratic form. */
static bool is_quadratic(Mech *m, IrTerm base, IrTerm alpha, bool of_momenta) {
    IrTerm q = ir_sub(m->p, base, alpha), four = ir_mul(m->p, ir_real(m->p, 4), q);
    IrTerm twice = ir_sub(m->p, scaled(m, base, of_momenta, NULL, 2), alpha);
    return mech_vanishes(m, mech_smallest(m, calc_tidy(m->p, calc_factor(m->p, ir_sub(m->p, twice, four)))));
}

static IrTerm invert_radial(Mech *m, uint32_t a, const IrTerm *gradient, const IrTerm *y, bool of_momenta) {
    IrProgram *p = m->p;
    Radial own, other;
    IrTerm *ratio = ARENA_ARRAY(m->arena, IrTerm, m->n); /* y / k */
    if (!split_radial(m, &m->bodies[a], gradient[a], of_momenta, &own) || !own.base)
        return 0;
    square_length(m, &own);
    for (uint32_t c = 0; c < m->n; c++) {
        if (!ir_depends(p, own.base, variable(&m->bodies[c], of_momenta)))
            continue;
        if (!split_radial(m, &m->bodies[c], gradient[c], of_momenta, &other) || !other.base)
            return 0;
        square_length(m, &other);
        if (other.exponent != own.exponent || (other.base != own.base && c != a && !ir_node(p, own.base)->free))
            return 0;
        ratio[c] = ir_div(p, y[c], other.k);
    }
    IrTerm alpha = scaled(m, own.base, of_momenta, NULL, 0);
    if (!is_quadratic(m, own.base, alpha, of_momenta))
        return 0;
    IrTerm P = calc_tidy(p, ir_sub(p, scaled(m, own.base, of_momenta, ratio, 0), alpha));
    IrTerm base = radial_base(m, P, alpha, own.exponent);
    if (!base)
        return 0;
    base = mech_smallest(m, base);
    IrTerm x = ir_mul(p, ratio[a], power(m, base, -own.exponent));
    if (own.exponent > 0 && ir_is_zero(p, alpha)) /* at rest: 0 · 0^(−e) */
        x = ir_select(p, ir_op2(p, IR_EQ, P, ir_real(p, 0)), ir_real(p, 0), x);
    return x;
}

bool mech_invert_gradient(Mech *m, const IrTerm *gradient, const IrTerm *y, bool of_momenta, IrTerm *x) {
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrTerm own = ir_read(m->p, variable(b, of_momenta), b->at, b->rank);
        x[a] = peel(m, gradient[a], own, y[a]);
        if (!x[a] || on_variables(m, x[a], of_momenta))
            x[a] = invert_radial(m, a, gradient, y, of_momenta);
        if (!x[a])
            return false;
    }
    return true;
}
