/* scheme_galerkin — the action of a step over polynomials of degree s in time, by a quadrature with r points, made
 * stationary: a variational integrator (Marsden, West, Discrete mechanics and variational integrators, Acta Numerica 2001,
 * 2.2.6; forces: 3.2, Lagrange-d'Alembert). Its order is 2s, or that of the quadrature where this is less: 2r with Gauss,
 * 2r − 2 with Lobatto (S. Ober-Blöbaum, N. Saake, Adv. Comput. Math. 41 (2015) 955). Degree 1 with one point of Gauss is the
 * midpoint rule, with two of Lobatto leapfrog.
 *
 * q(τ) = Σ_k l_k(τ) q_k on control points τ_0 = 0 … τ_s = 1, L_d = h Σ_j b_j L(q(c_j), q'(c_j), t + c_j h). The new momentum D_s L_d is p + h Σ_j b_j F_j, since the l_k' add up to 0; written so, it
 * does not carry the rounding of the weights l_s'(c_j) from step to step. */
#include "internal.h"

#include <math.h>

typedef struct Galerkin {
    uint32_t degree, points;
    bool lobatto;
    double tau[MECH_MOST_STAGES + 1], c[MECH_MOST_STAGES], b[MECH_MOST_STAGES];
    IrTerm *force, *momentum; /* by point and body */
} Galerkin;

/* ∂L_d/∂q_k with the forces: Σ_j b_j (h l_k(c_j) F_j + l_k'(c_j) ∂L/∂q'_j), for body a. */
static IrTerm variation(Mech *m, const Galerkin *g, uint32_t k, uint32_t a) {
    IrTerm sum = ir_real(m->p, 0);
    for (uint32_t j = 0; j < g->points; j++) {
        double slope, value = mech_lagrange(g->degree + 1, g->tau, k, g->c[j], &slope);
        IrTerm force = ir_mul(m->p, ir_mul(m->p, m->step, ir_real(m->p, g->b[j] * value)), g->force[j * m->n + a]);
        IrTerm momentum = ir_mul(m->p, ir_real(m->p, g->b[j] * slope), g->momentum[j * m->n + a]);
        sum = ir_add(m->p, sum, ir_add(m->p, force, momentum));
    }
    return sum;
}

/* Forces and momenta at the points, with the control points at q + h d_k (k = 1 … degree; d by k − 1 and body). */
static void at_points(Mech *m, Galerkin *g, const IrTerm *d) {
    IrTerm *q = ARENA_ARRAY(m->arena, IrTerm, m->n), *v = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t j = 0; j < g->points; j++) {
        IrTerm time = ir_mul(m->p, ir_real(m->p, g->c[j]), m->step);
        double value[MECH_MOST_STAGES], slope[MECH_MOST_STAGES];
        for (uint32_t k = 0; k < g->degree; k++)
            value[k] = mech_lagrange(g->degree + 1, g->tau, k + 1, g->c[j], &slope[k]);
        for (uint32_t a = 0; a < m->n; a++) {
            const MechBody *b = &m->bodies[a];
            IrTerm sum = ir_real(m->p, 0);
            q[a] = mech_advance(m, a, ir_read(m->p, b->q, b->at, b->rank), value, d, g->degree, "Q");
            for (uint32_t k = 0; k < g->degree; k++)
                sum = ir_add(m->p, sum, ir_mul(m->p, ir_real(m->p, slope[k]), d[k * m->n + a]));
            v[a] = ir_read(m->p, mech_define(m, "V", IR_F64, b->rank, b->extent, sum), b->at, b->rank);
        }
        for (uint32_t a = 0; a < m->n; a++) {
            const MechBody *b = &m->bodies[a];
            IrTerm force = mech_stage(m, mech_force_of_v(m, a), time, q, v, NULL);
            IrTerm momentum = mech_stage(m, b->momentum, time, q, v, NULL);
            g->force[j * m->n + a] = ir_read(m->p, mech_define(m, "F", IR_F64, b->rank, b->extent, force), b->at, b->rank);
            g->momentum[j * m->n + a] = ir_read(m->p, mech_define(m, NULL, IR_F64, b->rank, b->extent, momentum), b->at, b->rank);
        }
    }
}

static bool solve(Mech *m, Galerkin *g) {
    uint32_t n = g->degree * m->n;
    MechShape *shape = ARENA_ARRAY(m->arena, MechShape, n);
    IrTerm *d = ARENA_ARRAY(m->arena, IrTerm, n), *residual = ARENA_ARRAY(m->arena, IrTerm, n);
    IrTerm *start = ARENA_ARRAY(m->arena, IrTerm, n), *q1 = ARENA_ARRAY(m->arena, IrTerm, m->n);
    IrTerm *p1 = ARENA_ARRAY(m->arena, IrTerm, m->n);
    IrDef *value = ARENA_ARRAY(m->arena, IrDef, n);
    MechUnknowns u;
    for (uint32_t k = 0; k < n; k++) {
        shape[k] = mech_shape_like(&m->bodies[k % m->n], "D");
        start[k] = ir_mul(m->p, ir_real(m->p, g->tau[k / m->n + 1]), m->bodies[k % m->n].velocity);
    }
    mech_unknowns(m, shape, n, &u);
    mech_terms_of(m, u.part, n, d);
    at_points(m, g, d);
    for (uint32_t k = 0; k < g->degree; k++)
        for (uint32_t a = 0; a < m->n; a++) {
            residual[k * m->n + a] = variation(m, g, k, a);
            if (k == 0)
                residual[a] = ir_add(m->p, residual[a], ir_read(m->p, m->bodies[a].p, m->bodies[a].at, m->bodies[a].rank));
        }
    if (!mech_root(m, &u, residual, start, m->run->dynamics_span, value))
        return false;
    mech_terms_of(m, value, n, d);
    at_points(m, g, d);
    for (uint32_t a = 0; a < m->n; a++) {
        IrTerm q = ir_read(m->p, m->bodies[a].q, m->bodies[a].at, m->bodies[a].rank);
        q1[a] = ir_add(m->p, q, ir_mul(m->p, m->step, d[(g->degree - 1) * m->n + a]));
        p1[a] = mech_advance(m, a, ir_read(m->p, m->bodies[a].p, m->bodies[a].at, m->bodies[a].rank), g->b, g->force, g->points, NULL);
    }
    mech_scheme_assign(m, q1, p1);
    return true;
}

/* Degree and quadrature as the run gives them; 0 points are as many of Gauss as the degree. */
static Galerkin arguments(const Mech *m) {
    Galerkin g = {.degree = mech_scheme_count(m, "degree", 2), .lobatto = mech_scheme_count(m, "lobatto", 0) > 0};
    g.points = mech_scheme_count(m, g.lobatto ? "lobatto" : "points", 0);
    if (!g.points)
        g.points = g.degree;
    return g;
}

static uint32_t order(const Mech *m) {
    Galerkin g = arguments(m);
    uint32_t of_quadrature = 2 * g.points - (g.lobatto ? 2 : 0);
    return of_quadrature < 2 * g.degree ? of_quadrature : 2 * g.degree;
}

static bool step(Mech *m) {
    Galerkin g = arguments(m);
    if (g.lobatto && mech_scheme_count(m, "points", 0))
        return mech_scheme_refuse(m, "it has one quadrature: `points` of Gauss, or `lobatto` points of Lobatto",
                                  "galerkin(h = …, degree = 2, lobatto = 3)");
    if (g.degree < 1 || g.degree > MECH_MOST_STAGES || g.points < g.degree || g.points < (g.lobatto ? 2u : 1u) || g.points > MECH_MOST_STAGES)
        return mech_scheme_refuse(m, "degree is 1 to 8, and the points of its quadrature are from degree (of Lobatto from 2) to 8: "
                                     "fewer leave motions that cost nothing",
                                  "galerkin(h = …, degree = 2) has as many points as its degree");
    for (uint32_t k = 0; k <= g.degree; k++) /* the extremes of Chebyshev's polynomial */
        g.tau[k] = (1 - cos(3.14159265358979323846 * k / g.degree)) / 2;
    (g.lobatto ? mech_lobatto_nodes : mech_gauss_nodes)(g.points, g.c, g.b);
    g.force = ARENA_ARRAY(m->arena, IrTerm, g.points * m->n);
    g.momentum = ARENA_ARRAY(m->arena, IrTerm, g.points * m->n);
    return solve(m, &g);
}

static const MechFormula derivation[] = {
    {"Galerkin variational integrator, symplectic: q(τ) = Σ_k l_k(τ) q_k on control points from τ_0 = 0 to τ_s = 1; c_j and b_j are the nodes and weights of the quadrature; order 2s, or that of the quadrature if less: 2r with r nodes of Gauss, 2r − 2 of Lobatto",
     "Galerkin variational integrator, symplectic: $q(\\tau) = \\sum_k l_k(\\tau)\\, q_k$ on control points from $\\tau_0 = 0$ to $\\tau_s = 1$; $c_j$ and $b_j$ are the nodes and weights of the quadrature; order $2s$, or that of the quadrature if less: $2r$ with $r$ nodes of Gauss, $2r - 2$ of Lobatto",
     FOR_BOTH},
    {"L_d(q_0, …, q_s) = h Σ_j b_j L(q(c_j), q'(c_j), t + c_j h)",
     "$L_d(q_0, \\dots, q_s) = h \\sum_j b_j L(q(c_j), q'(c_j), t + c_j h)$",
     FOR_BOTH},
    {"with F = ∂L/∂q + Q − ∂R/∂q': D_k L_d = Σ_j b_j (h l_k(c_j) F_j + l_k'(c_j) ∂L/∂q'_j)",
     "with $F = \\partial L/\\partial q + Q - \\partial R/\\partial q'$: $D_k L_d = \\sum_j b_j (h\\, l_k(c_j) F_j + l_k'(c_j)\\, \\partial L/\\partial q'_j)$",
     FOR_BOTH},
    {"for q_1 … q_s: p = −D_0 L_d, D_k L_d = 0 for k = 1 … s − 1",
     "for $q_1 \\dots q_s$: $p = -D_0 L_d$, $D_k L_d = 0$ for $k = 1 \\dots s - 1$",
     FOR_BOTH},
    {"q ← q_s, p ← D_s L_d = p + h Σ_j b_j F_j",
     "$q \\leftarrow q_s$, $p \\leftarrow D_s L_d = p + h \\sum_j b_j F_j$",
     FOR_BOTH},
    {NULL, NULL, FOR_BOTH},
};

const MechScheme mech_scheme_galerkin = {"galerkin", step, order, true, derivation, false};
