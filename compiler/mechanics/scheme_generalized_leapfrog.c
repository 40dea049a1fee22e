/* scheme_generalized_leapfrog — leapfrog for a Hamiltonian that is not a sum T(p) + V(q): half a kick implicit in p, a drift
 * implicit in q, half a kick that is explicit; order 2, symplectic, symmetric (Hairer, Lubich, Wanner, Geometric Numerical
 * Integration, VI.3, (3.3)):
 *
 *     p½ = p + h/2 F(q, p½, t),  q₁ = q + h/2 (∂H/∂p(q, p½, t) + ∂H/∂p(q₁, p½, t + h)),  p₁ = p½ + h/2 F(q₁, p½, t + h) */
#include "internal.h"

static IrTerm own(Mech *m, IrDef d, uint32_t a) { return ir_read(m->p, d, m->bodies[a].at, m->bodies[a].rank); }

/* x + h · factor · slope */
static IrTerm moved(Mech *m, uint32_t a, IrTerm x, double factor, IrTerm slope) {
    IrTerm *all = ARENA_ARRAY(m->arena, IrTerm, m->n);
    all[a] = slope;
    return mech_advance(m, a, x, &factor, all, 1, NULL);
}

static bool step(Mech *m) {
    uint32_t n = m->n;
    MechShape *shape = ARENA_ARRAY(m->arena, MechShape, n);
    IrTerm *x = ARENA_ARRAY(m->arena, IrTerm, n), *residual = ARENA_ARRAY(m->arena, IrTerm, n), *start = ARENA_ARRAY(m->arena, IrTerm, n);
    IrDef *value = ARENA_ARRAY(m->arena, IrDef, n);
    for (int drift = 0; drift < 2; drift++) {
        MechUnknowns u;
        for (uint32_t a = 0; a < n; a++)
            shape[a] = mech_shape_like(&m->bodies[a], drift ? "Q" : "P");
        mech_unknowns(m, shape, n, &u);
        mech_terms_of(m, u.part, n, x);
        for (uint32_t a = 0; a < n; a++) {
            const MechBody *b = &m->bodies[a];
            IrTerm before = own(m, drift ? b->q : b->p, a), rate = drift ? b->velocity : mech_force_of_p(m, a);
            start[a] = moved(m, a, before, drift ? 1 : 0.5, rate);
            IrTerm there = mech_stage(m, rate, drift ? m->step : 0, drift ? x : NULL, NULL, drift ? NULL : x);
            IrTerm after = moved(m, a, before, 0.5, drift ? ir_add(m->p, rate, there) : there);
            residual[a] = ir_sub(m->p, x[a], after);
        }
        if (!mech_root(m, &u, residual, start, m->run->dynamics_span, value))
            return false;
        IrTerm *new = ARENA_ARRAY(m->arena, IrTerm, n);
        mech_terms_of(m, value, n, new);
        mech_scheme_assign(m, drift ? new : NULL, drift ? NULL : new);
    }
    IrTerm *last = ARENA_ARRAY(m->arena, IrTerm, n);
    for (uint32_t a = 0; a < n; a++)
        last[a] = moved(m, a, own(m, m->bodies[a].p, a), 0.5, mech_shift_time(m, mech_force_of_p(m, a), m->step));
    mech_scheme_assign(m, NULL, last);
    return true;
}

static uint32_t order(const Mech *m) {
    (void)m;
    return 2;
}

static const MechFormula derivation[] = {
    {"generalized leapfrog: order 2, symplectic, symmetric; F = −∂H/∂q + Q − ∂R/∂q'",
     "generalized leapfrog: order 2, symplectic, symmetric; $F = -\\partial H/\\partial q + Q - \\partial R/\\partial q'$",
     FOR_BOTH},
    {"for P: P = p + h/2 F(q, P, t)",
     "for $P$: $P = p + \\frac{h}{2} F(q, P, t)$",
     FOR_BOTH},
    {"for q₁: q₁ = q + h/2 (∂H/∂p(q, P, t) + ∂H/∂p(q₁, P, t + h))",
     "for $q_1$: $q_1 = q + \\frac{h}{2} (\\partial H/\\partial p(q, P, t) + \\partial H/\\partial p(q_1, P, t + h))$",
     FOR_BOTH},
    {"p₁ = P + h/2 F(q₁, P, t + h)",
     "$p_1 = P + \\frac{h}{2} F(q_1, P, t + h)$",
     FOR_BOTH},
    {NULL, NULL, FOR_BOTH},
};

const MechScheme mech_scheme_generalized_leapfrog = {"generalized_leapfrog", step, order, false, derivation, false};
