/* scheme_gauss — collocation at the s nodes of Gauss: order 2s, symplectic, symmetric (Hairer, Lubich, Wanner, Geometric
 * Numerical Integration, II.1.3, IV.4, VI.4).
 *
 * What has no inertia has no momentum in it: its stage velocities solve its own equation at the stage, which for a Lagrangian
 * linear in the velocities is collocation of Ω q' = ∂V/∂q + …; what follows from a condition has its stage positions for
 * unknowns, and satisfies it in each and at the end.
 *
 * Of a Lagrangian the unknowns are the stage velocities alone, in the partitioned form that needs gradients of L and no
 * Legendre transform; of a Hamiltonian both slopes of every stage. */
#include "internal.h"

typedef struct Stages {
    uint32_t n;
    double c[MECH_MOST_STAGES], b[MECH_MOST_STAGES], a[MECH_MOST_STAGES][MECH_MOST_STAGES];
} Stages;

/* a_ij = ∫₀^c_i l_j, exact by the same quadrature on [0, c_i]. */
static void stages_of(uint32_t n, Stages *s) {
    s->n = n;
    mech_gauss_nodes(n, s->c, s->b);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            s->a[i][j] = 0;
            for (uint32_t k = 0; k < n; k++)
                s->a[i][j] += s->c[i] * s->b[k] * mech_lagrange(n, s->c, j, s->c[i] * s->c[k], NULL);
        }
}

static IrTerm *terms(Mech *m, uint32_t n) { return ARENA_ARRAY(m->arena, IrTerm, n * m->n + 1); }

static IrTerm own(Mech *m, IrDef d, uint32_t a) { return ir_read(m->p, d, m->bodies[a].at, m->bodies[a].rank); }

/* Q_i, by stage and body, from stage slopes v; of what follows from a condition v is Q itself. */
static void positions(Mech *m, const Stages *s, const IrTerm *v, IrTerm *q) {
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t a = 0; a < m->n; a++)
            q[i * m->n + a] = m->bodies[a].order == MECH_ALGEBRAIC
                                  ? v[i * m->n + a]
                                  : mech_advance(m, a, own(m, m->bodies[a].q, a), s->a[i], v, s->n, "Q");
}

static IrTerm time_of(Mech *m, double c) { return ir_mul(m->p, ir_real(m->p, c), m->step); }

/* The force at every stage. */
static void forces(Mech *m, const Stages *s, const IrTerm *q, const IrTerm *v, const IrTerm *p, IrTerm *f) {
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t a = 0; a < m->n; a++) {
            const IrTerm *vi = v ? v + i * m->n : NULL, *pi = p ? p + i * m->n : NULL;
            const MechBody *b = &m->bodies[a];
            IrTerm t = mech_stage(m, p ? mech_force_of_p(m, a) : mech_force_of_v(m, a), time_of(m, s->c[i]), q + i * m->n, vi, pi);
            f[i * m->n + a] = ir_read(m->p, mech_define(m, "F", IR_F64, b->rank, b->extent, t), b->at, b->rank);
        }
}

/* What is 0 at a stage for a body without inertia. */
static IrTerm condition_of(Mech *m, uint32_t a, const IrTerm *equation) {
    for (uint32_t i = 0; m->mixed && i < m->mixed->n_algebraic; i++)
        if (m->mixed->algebraic[i] == a)
            return m->mixed->condition[i];
    return equation[a];
}

/* The force on what has inertia must not read velocities that are no unknowns. */
static bool check_algebraic(Mech *m) {
    for (uint32_t i = 0; m->mixed && i < m->mixed->n_algebraic; i++)
        if (!ir_is_zero(m->p, m->mass.linear[m->mixed->algebraic[i]]))
            return mech_scheme_refuse(m,
                                      mech_text(m, "the velocity of `%s` occurs linearly, and its equation is a condition",
                                                m->bodies[m->mixed->algebraic[i]].name),
                                      "take the total time derivative out of the Lagrangian, or use a method such as dop853");
    return true;
}

static bool of_lagrangian(Mech *m, const Stages *s) {
    uint32_t n = s->n * m->n;
    IrTerm *equation = terms(m, 1);
    if (!check_algebraic(m) || ((m->mixed || m->out->first_order) && !mech_residuals(m, equation)))
        return false;
    MechShape *shape = ARENA_ARRAY(m->arena, MechShape, n);
    IrTerm *v = terms(m, s->n), *q = terms(m, s->n), *f = terms(m, s->n), *residual = terms(m, s->n), *start = terms(m, s->n);
    IrDef *value = ARENA_ARRAY(m->arena, IrDef, n);
    MechUnknowns u;
    for (uint32_t k = 0; k < n; k++) {
        shape[k] = mech_shape_like(&m->bodies[k % m->n], "V");
        const MechBody *b = &m->bodies[k % m->n];
        start[k] = b->order == MECH_ALGEBRAIC ? own(m, b->q, k % m->n) : b->velocity;
    }
    mech_unknowns(m, shape, n, &u);
    mech_terms_of(m, u.part, n, v);
    positions(m, s, v, q);
    forces(m, s, q, v, NULL, f);
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t a = 0; a < m->n; a++) {
            const MechBody *b = &m->bodies[a];
            if (b->order != MECH_SECOND) {
                residual[i * m->n + a] =
                    mech_stage(m, condition_of(m, a, equation), time_of(m, s->c[i]), q + i * m->n, v + i * m->n, NULL);
                continue;
            }
            IrTerm momentum = mech_stage(m, b->momentum, time_of(m, s->c[i]), q + i * m->n, v + i * m->n, NULL);
            residual[i * m->n + a] = ir_sub(m->p, momentum, mech_advance(m, a, own(m, b->p, a), s->a[i], f, s->n, NULL));
        }
    if (!mech_root(m, &u, residual, start, m->run->dynamics_span, value))
        return false;
    mech_terms_of(m, value, n, v);
    positions(m, s, v, q);
    forces(m, s, q, v, NULL, f);
    IrTerm *q1 = terms(m, 1), *p1 = terms(m, 1);
    for (uint32_t a = 0; a < m->n; a++) {
        q1[a] = mech_advance(m, a, own(m, m->bodies[a].q, a), s->b, v, s->n, NULL);
        p1[a] = mech_advance(m, a, own(m, m->bodies[a].p, a), s->b, f, s->n, NULL);
    }
    mech_scheme_assign(m, q1, p1);
    return mech_add_conditions(m, NULL, &m->out->step);
}

static bool of_hamiltonian(Mech *m, const Stages *s) {
    uint32_t n = s->n * m->n;
    MechShape *shape = ARENA_ARRAY(m->arena, MechShape, 2 * n);
    IrTerm *z = terms(m, 2 * s->n), *q = terms(m, s->n), *p = terms(m, s->n), *f = terms(m, s->n);
    IrTerm *residual = terms(m, 2 * s->n), *start = terms(m, 2 * s->n), *v = z, *w = z + n;
    IrDef *value = ARENA_ARRAY(m->arena, IrDef, 2 * n);
    MechUnknowns u;
    for (uint32_t k = 0; k < n; k++) {
        shape[k] = mech_shape_like(&m->bodies[k % m->n], "V");
        shape[n + k] = mech_shape_like(&m->bodies[k % m->n], "W");
        start[k] = m->bodies[k % m->n].velocity;
        start[n + k] = mech_force_of_p(m, k % m->n);
    }
    mech_unknowns(m, shape, 2 * n, &u);
    mech_terms_of(m, u.part, 2 * n, z);
    positions(m, s, v, q);
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t a = 0; a < m->n; a++)
            p[i * m->n + a] = mech_advance(m, a, own(m, m->bodies[a].p, a), s->a[i], w, s->n, "P");
    forces(m, s, q, NULL, p, f);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = k / m->n;
        IrTerm rate = mech_stage(m, m->bodies[k % m->n].velocity, time_of(m, s->c[i]), q + i * m->n, NULL, p + i * m->n);
        residual[k] = ir_sub(m->p, v[k], rate);
        residual[n + k] = ir_sub(m->p, w[k], f[k]);
    }
    if (!mech_root(m, &u, residual, start, m->run->dynamics_span, value))
        return false;
    mech_terms_of(m, value, 2 * n, z);
    IrTerm *q1 = terms(m, 1), *p1 = terms(m, 1);
    for (uint32_t a = 0; a < m->n; a++) {
        q1[a] = mech_advance(m, a, own(m, m->bodies[a].q, a), s->b, v, s->n, NULL);
        p1[a] = mech_advance(m, a, own(m, m->bodies[a].p, a), s->b, w, s->n, NULL);
    }
    mech_scheme_assign(m, q1, p1);
    return true;
}

static bool step(Mech *m) {
    Stages s;
    uint32_t n = mech_scheme_count(m, "stages", 2);
    if (n < 1 || n > MECH_MOST_STAGES)
        return mech_scheme_refuse(m, "Gauss collocation has 1 to 8 stages here", "stages = 3 is of order 6");
    stages_of(n, &s);
    return m->run->hamiltonian.term ? of_hamiltonian(m, &s) : of_lagrangian(m, &s);
}

static uint32_t order(const Mech *m) { return 2 * mech_scheme_count(m, "stages", 2); }

static const MechFormula derivation[] = {
    {"Gauss collocation: order 2s with s stages, symplectic, symmetric; c_i are the Gauss nodes on [0, 1], a_ij and b_i the integrals of the Lagrange polynomial l_j to c_i and of l_i to 1",
     "Gauss collocation: order $2s$ with $s$ stages, symplectic, symmetric; $c_i$ are the Gauss nodes on $[0, 1]$, $a_{ij} = \\int_0^{c_i} l_j$, $b_i = \\int_0^1 l_i$",
     FOR_BOTH},
    {"Q_i = q + h Σ_j a_ij V_j, F_i = (∂L/∂q + Q − ∂R/∂q')(Q_i, V_i, t + c_i h)",
     "$Q_i = q + h \\sum_j a_{ij} V_j$, $F_i = (\\partial L/\\partial q + Q - \\partial R/\\partial q')(Q_i, V_i, t + c_i h)$",
     FOR_LAGRANGIAN},
    {"for the stage velocities V: ∂L/∂q'(Q_i, V_i, t + c_i h) = p + h Σ_j a_ij F_j",
     "for the stage velocities $V$: $\\partial L/\\partial q'(Q_i, V_i, t + c_i h) = p + h \\sum_j a_{ij} F_j$",
     FOR_INERTIA},
    {"what has no inertia obeys its own equation at each stage: F_i = (d/dt ∂L/∂q')(Q_i, V_i, t + c_i h); a condition, which has no velocity in it, holds for Q_i, and at the end for q",
     "what has no inertia obeys its own equation at each stage: $F_i = (\\frac{d}{dt} \\partial L/\\partial q')(Q_i, V_i, t + c_i h)$; a condition, which has no velocity in it, holds for $Q_i$, and at the end for $q$",
     FOR_LIGHT},
    {"Q_i = q + h Σ_j a_ij V_j, P_i = p + h Σ_j a_ij F_j",
     "$Q_i = q + h \\sum_j a_{ij} V_j$, $P_i = p + h \\sum_j a_{ij} F_j$",
     FOR_HAMILTONIAN},
    {"for the slopes V, F: V_i = ∂H/∂p(Q_i, P_i, t + c_i h), F_i = (−∂H/∂q + Q − ∂R/∂q')(Q_i, P_i, t + c_i h)",
     "for the slopes $V$, $F$: $V_i = \\partial H/\\partial p(Q_i, P_i, t + c_i h)$, $F_i = (-\\partial H/\\partial q + Q - \\partial R/\\partial q')(Q_i, P_i, t + c_i h)$",
     FOR_HAMILTONIAN},
    {"q ← q + h Σ_i b_i V_i, p ← p + h Σ_i b_i F_i",
     "$q \\leftarrow q + h \\sum_i b_i V_i$, $p \\leftarrow p + h \\sum_i b_i F_i$",
     FOR_BOTH},
    {NULL, NULL, FOR_BOTH},
};

const MechScheme mech_scheme_gauss = {"gauss", step, order, false, derivation, true};
