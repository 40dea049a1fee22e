/* scheme_discrete_gradient — z₁ = z + h J ∇̄H(z, z₁) with Gonzalez's midpoint discrete gradient
 *
 *     ∇̄H = ∇H(z̄) + (H(z₁) − H(z) − ∇H(z̄)·Δ) / |Δ|² Δ,      z̄ = (z + z₁)/2, Δ = z₁ − z:
 *
 * ∇̄H·Δ is H(z₁) − H(z), so the energy is kept exactly; order 2, symmetric (O. Gonzalez, J. Nonlinear Sci. 6 (1996) 449).
 * Friction and external forces act as they are at z̄. */
#include "internal.h"

typedef struct Slopes {
    IrTerm *q, *p;             /* per body: (q₁ − q)/h, (p₁ − p)/h */
    IrTerm *mid_q, *mid_p;     /* z̄ */
    IrTerm *end_q, *end_p;     /* z₁ */
} Slopes;

static IrTerm half(Mech *m) { return ir_mul(m->p, ir_real(m->p, 0.5), m->step); }

/* (H(z₁) − H(z) − ∇H(z̄)·Δ) / |Δ|², a scalar definition. */
static IrTerm correction(Mech *m, const Slopes *s, const IrTerm *gq, const IrTerm *gp) {
    IrProgram *p = m->p;
    IrTerm here = mech_shift_time(m, m->hamiltonian, half(m)), there = mech_stage(m, m->hamiltonian, half(m), s->end_q, NULL, s->end_p);
    IrTerm along = ir_real(p, 0), square = ir_real(p, 0);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        along = ir_add(p, along, mech_sum(m, b, ir_add(p, ir_mul(p, gq[a], s->q[a]), ir_mul(p, gp[a], s->p[a]))));
        square = ir_add(p, square, mech_sum(m, b, ir_add(p, ir_mul(p, s->q[a], s->q[a]), ir_mul(p, s->p[a], s->p[a]))));
    }
    IrTerm above = ir_sub(p, ir_sub(p, there, here), ir_mul(p, m->step, along));
    IrTerm below = ir_mul(p, ir_mul(p, m->step, m->step), square);
    IrTerm quotient = ir_select(p, ir_op2(p, IR_EQ, below, ir_real(p, 0)), ir_real(p, 0), ir_div(p, above, below));
    return ir_read0(p, mech_define(m, "μ", IR_F64, 0, NULL, quotient));
}

static IrTerm *terms(Mech *m, uint32_t n) { return ARENA_ARRAY(m->arena, IrTerm, n); }
static IrTerm own(Mech *m, IrDef d, uint32_t a) { return ir_read(m->p, d, m->bodies[a].at, m->bodies[a].rank); }

static bool step(Mech *m) {
    IrProgram *p = m->p;
    uint32_t n = m->n;
    const double whole = 1, middle = 0.5;
    IrTerm *z = terms(m, 2 * n), *residual = terms(m, 2 * n), *start = terms(m, 2 * n), *gq = terms(m, n), *gp = terms(m, n);
    Slopes s = {z, z + n, terms(m, n), terms(m, n), terms(m, n), terms(m, n)};
    MechShape *shape = ARENA_ARRAY(m->arena, MechShape, 2 * n);
    IrDef *value = ARENA_ARRAY(m->arena, IrDef, 2 * n);
    MechUnknowns u;
    for (uint32_t k = 0; k < 2 * n; k++) {
        shape[k] = mech_shape_like(&m->bodies[k % n], k < n ? "V" : "W");
        start[k] = k < n ? m->bodies[k].velocity : mech_force_of_p(m, k - n);
    }
    mech_unknowns(m, shape, 2 * n, &u);
    mech_terms_of(m, u.part, 2 * n, z);
    for (uint32_t a = 0; a < n; a++) {
        IrTerm q = own(m, m->bodies[a].q, a), momentum = own(m, m->bodies[a].p, a);
        s.mid_q[a] = mech_advance(m, a, q, &middle, s.q, 1, "Q");
        s.mid_p[a] = mech_advance(m, a, momentum, &middle, s.p, 1, "P");
        s.end_q[a] = mech_advance(m, a, q, &whole, s.q, 1, "Q₁");
        s.end_p[a] = mech_advance(m, a, momentum, &whole, s.p, 1, "P₁");
    }
    IrTerm *force = terms(m, n);
    for (uint32_t a = 0; a < n; a++) {
        const MechBody *b = &m->bodies[a];
        IrTerm pull = mech_stage(m, b->pull, half(m), s.mid_q, NULL, s.mid_p);
        IrTerm external = b->external ? mech_stage(m, mech_resolve(m, b->external), half(m), s.mid_q, NULL, s.mid_p) : ir_real(p, 0);
        force[a] = mech_stage(m, mech_force_of_p(m, a), half(m), s.mid_q, NULL, s.mid_p);
        gq[a] = ir_sub(p, external, pull);
        gp[a] = mech_stage(m, b->velocity, half(m), s.mid_q, NULL, s.mid_p);
    }
    IrTerm mu = ir_mul(p, m->step, correction(m, &s, gq, gp));
    for (uint32_t a = 0; a < n; a++) {
        residual[a] = ir_sub(p, s.q[a], ir_add(p, gp[a], ir_mul(p, mu, s.p[a])));
        residual[n + a] = ir_sub(p, s.p[a], ir_sub(p, force[a], ir_mul(p, mu, s.q[a])));
    }
    if (!mech_root(m, &u, residual, start, m->run->dynamics_span, value))
        return false;
    mech_terms_of(m, value, 2 * n, z);
    for (uint32_t a = 0; a < n; a++) {
        s.end_q[a] = mech_advance(m, a, own(m, m->bodies[a].q, a), &whole, s.q, 1, NULL);
        s.end_p[a] = mech_advance(m, a, own(m, m->bodies[a].p, a), &whole, s.p, 1, NULL);
    }
    mech_scheme_assign(m, s.end_q, s.end_p);
    return true;
}

static uint32_t order(const Mech *m) {
    (void)m;
    return 2;
}

static const MechFormula derivation[] = {
    {"discrete gradient (Gonzalez), order 2, symmetric: z = (q, p), m = (z + z₁)/2, Δ = z₁ − z, all at the time t + h/2",
     "discrete gradient (Gonzalez), order 2, symmetric: $z = (q, p)$, $m = (z + z_1)/2$, $\\Delta = z_1 - z$, all at the time $t + h/2$",
     FOR_BOTH},
    {"G = ∇H(m) + μ Δ with μ = (H(z₁) − H(z) − ∇H(m)·Δ) / |Δ|², so that G·Δ = H(z₁) − H(z) and the energy is kept exactly",
     "$G = \\nabla H(m) + \\mu \\Delta$ with $\\mu = (H(z_1) - H(z) - \\nabla H(m) \\cdot \\Delta) / |\\Delta|^2$, so that $G \\cdot \\Delta = H(z_1) - H(z)$ and the energy is kept exactly",
     FOR_BOTH},
    {"for z₁: q₁ = q + h G_p, p₁ = p + h (−G_q + (Q − ∂R/∂q')(m))",
     "for $z_1$: $q_1 = q + h\\, G_p$, $p_1 = p + h\\, (-G_q + (Q - \\partial R/\\partial q')(m))$",
     FOR_BOTH},
    {NULL, NULL, FOR_BOTH},
};

const MechScheme mech_scheme_discrete_gradient = {"discrete_gradient", step, order, false, derivation, false};
