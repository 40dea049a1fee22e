/* legendre — from velocities to momenta: q' = M⁻¹ (p − b) by the structure of M, the Hamiltonian, and the
 * energy.
 *
 * needs: momenta, mass matrix      gives: q'(q, p, t), H(q, p, t), E(q, q', t)      changes: nothing
 *
 * H(q, p, t) = p·q' − L at q' = q'(q, p, t) (Goldstein, Poole, Safko, section 8.1). For first-order motion q'
 * follows from the dissipation instead: G q' = −∂V/∂q + Q with G = ∂²R/∂q'∂q'. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* The part of L − or the whole H − whose gradient in q is the force. The kinetic energy is left out where it
 * is free of q, so that the force is the very gradient that `force` means in a dynamics. */
static IrTerm force_function(Mech *m, bool *negate) {
    *negate = true;
    if (m->hamiltonian && m->potential && !mech_depends_any(m, m->run->hamiltonian.term, MECH_ON_Q))
        return m->potential;
    if (m->hamiltonian)
        return m->hamiltonian;
    bool kinetic_moves =
        m->run->lagrangian.term || (m->kinetic && mech_depends_any(m, m->kinetic, MECH_ON_Q));
    if (!kinetic_moves)
        return m->potential ? m->potential : ir_real(m->p, 0);
    *negate = false;
    return m->lagrangian;
}

/* Derivatives of an unnamed scalar are shown as derivatives of what that scalar is: ∂/∂x becomes ∂V/∂x,
 * through everything the gradient is made of. */
static void label_gradient(Mech *m, IrTerm from, IrDef gradient, const MechBody *b, bool negate) {
    bool whole = m->hamiltonian && from == m->hamiltonian;
    const char *of = whole ? "H" : negate ? "V" : "L", *unnamed = "∂/∂";
    uint32_t n = ir_def_count(m->p);
    uint8_t *mark = base_calloc(n + 1, 1);
    IrTerm at[IR_MAX_RANK];
    const IrDefInfo *info = ir_def(m->p, gradient);
    for (uint32_t k = 0; k < info->rank; k++)
        at[k] = ir_idx(m->p, ir_axis(m->p, k, ir_def(m->p, gradient)->extent[k]));
    ir_reach(m->p, ir_read(m->p, gradient, at, ir_def(m->p, gradient)->rank), mark);
    for (IrDef d = 1; d <= n; d++) {
        const char *label = mark[d] && !ir_def(m->p, d)->name ? ir_def(m->p, d)->label : NULL;
        if (label && !strncmp(label, unnamed, strlen(unnamed)))
            ir_set_label(m->p, d, mech_text(m, "∂%s/∂%s", of, label + strlen(unnamed)));
    }
    free(mark);
    info = ir_def(m->p, gradient);
    if (info->kind == IR_DEF_CONCAT && !info->name && !info->label)
        ir_set_label(m->p, gradient, mech_text(m, "∂%s/∂%s", of, b->symbol));
}

static bool coordinate_gradients(Mech *m) {
    IrDef *wrt = ARENA_ARRAY(m->arena, IrDef, m->n), *gradient = ARENA_ARRAY(m->arena, IrDef, m->n);
    for (uint32_t a = 0; a < m->n; a++)
        wrt[a] = m->bodies[a].q;
    bool negate;
    IrTerm from = force_function(m, &negate);
    if (!calc_gradient(m->p, from, wrt, m->n, gradient))
        return false;
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        label_gradient(m, from, gradient[a], b, negate);
        IrTerm g =
            m->run->block ? ir_read(m->p, gradient[a], b->at, b->rank) : ir_at_subs(m->p, gradient[a], b->at);
        g = negate ? ir_neg(m->p, g) : g;
        b->dl_dq = m->run->block ? g : calc_tidy(m->p, g);
    }
    return true;
}

/* ∂L/∂q + Q in (q, q', t). */
static IrTerm pull(Mech *m, const MechBody *b) {
    if (b->push && b->bare == b->dl_dq) /* no rounding from a difference and a sum */
        return b->push;
    return b->external ? ir_add(m->p, b->dl_dq, b->external) : b->dl_dq;
}

/* ---- velocities ---- */

/* The terms q' is solved from: (G − Ω) q' = rhs + Jᵀλ, J q' = −b. */
static bool first_order_velocities(Mech *m) {
    IrTerm *rhs = ARENA_ARRAY(m->arena, IrTerm, m->n), *x = ARENA_ARRAY(m->arena, IrTerm, m->n);
    MechForm *flow = ARENA_NEW(m->arena, MechForm);
    for (uint32_t a = 0; a < m->n; a++)
        rhs[a] = m->bodies[a].dl_dq; /* of V, of which Ω may be made */
    if (!mech_first_order(m, flow, rhs))
        return false;
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        rhs[a] = rhs[a] == b->dl_dq ? pull(m, b) : b->external ? ir_add(m->p, rhs[a], b->external) : rhs[a];
        if (mech_depends_any(m, rhs[a], MECH_ON_V)) {
            diag_error(m->session, DIAG_MECH_FRICTION, b->external ? b->external_span : m->potential_span,
                       "the force on `%s` depends on the velocities, and without kinetic energy only the "
                       "dissipation may",
                       b->name);
            return false;
        }
        if (m->dissipation && m->friction.quadratic && !ir_is_zero(m->p, m->friction.linear[a]))
            rhs[a] = ir_sub(m->p, rhs[a], m->friction.linear[a]);
    }
    if (m->dissipation && !m->friction.quadratic)
        return mech_rayleigh_velocities(m, rhs);
    bool ok;
    if (m->n_constraints) {
        IrTerm *g = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints);
        for (uint32_t r = 0; r < m->n_constraints; r++)
            g[r] = ir_neg(m->p, m->constraints[r].drift);
        IrTerm *shown = ARENA_ARRAY(m->arena, IrTerm, m->n);
        ok = mech_multipliers(m, flow, rhs, g, "λ", x, m->lambda);
        m->shows = true;
        ok = ok && mech_multipliers(m, flow, rhs, g, "λ", shown, m->lambda);
        m->shows = false;
        for (uint32_t a = 0; a < m->n && ok; a++)
            m->bodies[a].shown = shown[a];
    } else {
        ok = mech_form_solve(m, flow, rhs, x, !flow->skew);
    }
    for (uint32_t a = 0; a < m->n && ok; a++)
        m->bodies[a].velocity = x[a];
    return ok;
}

static bool report_nonquadratic(Mech *m) {
    Diag *d = diag_error(
        m->session, DIAG_MECH_NONQUADRATIC, m->kinetic_span,
        "the kinetic energy is not quadratic in the velocities, and p = ∂L/∂q' has no closed inverse for "
        "the word of `%s`",
        name_text(m->session->names, m->run->dynamics));
    diag_help(m->session, d, "a method such as dop853 moves (q, q') and needs no Legendre transform");
    return false;
}

/* Where its slope falls, several velocities have the same momentum. */
static bool report_not_convex(Mech *m, double where) {
    Diag *d = diag_error(m->session, DIAG_MECH_NOT_CONVEX, m->kinetic_span,
                         "the kinetic energy is not convex in the velocities: the momentum p = ∂L/∂q' falls as the velocity grows "
                         "past %s, so that several velocities have the same momentum",
                         pretty_number(m->arena, where));
    diag_help(m->session, d, "check the sign of each term; a word moves momenta, and needs ∂²L/∂q'∂q' to be positive definite");
    return false;
}

/* q' from p where T is not quadratic. A method can do without. */
static bool invert_convex(Mech *m, bool *found) {
    MechDual *dual = m->dual ? m->dual : ARENA_NEW(m->arena, MechDual);
    *found = m->dual || mech_dual(m, m->lagrangian, false, m->is_word, dual);
    m->dual = *found ? dual : NULL;
    for (uint32_t a = 0; a < m->n && *found; a++)
        m->bodies[a].velocity = dual->x[a];
    if (*found)
        m->hamiltonian = mech_smallest(m, dual->value);
    if (*found || !m->is_word)
        return true;
    return dual->falls ? report_not_convex(m, dual->where) : report_nonquadratic(m);
}

static bool invert_momenta(Mech *m) {
    IrTerm *rhs = ARENA_ARRAY(m->arena, IrTerm, m->n), *x = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        rhs[a] = ir_read(m->p, b->p, b->at, b->rank);
        if (!ir_is_zero(m->p, m->mass.linear[a]))
            rhs[a] = ir_sub(m->p, rhs[a], m->mass.linear[a]);
    }
    if (!mech_form_solve(m, &m->mass, rhs, x, true))
        return false;
    for (uint32_t a = 0; a < m->n; a++)
        m->bodies[a].velocity = x[a];
    return true;
}

/* ---- energy ---- */

/* Σ x·y over all bodies with inertia: what is linear in a velocity is no part of the energy. */
static IrTerm contract(Mech *m, const IrTerm *x, const IrTerm *y) {
    IrTerm sum = ir_real(m->p, 0);
    for (uint32_t a = 0; a < m->n; a++)
        if (m->bodies[a].order == MECH_SECOND)
            sum = ir_add(m->p, sum, mech_sum(m, &m->bodies[a], ir_mul(m->p, x[a], y[a])));
    return sum;
}

/* T is homogeneous of degree two: then q'·∂L/∂q' − L = T + V. */
static bool kinetic_is_homogeneous(Mech *m) {
    if (!m->kinetic || !m->mass.quadratic || m->run->lagrangian.term)
        return false;
    IrReplace *still = ARENA_ARRAY(m->arena, IrReplace, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        if (!ir_is_zero(m->p, m->mass.linear[a]))
            return false;
        still[a] = (IrReplace){.from = m->bodies[a].v, .body = ir_real(m->p, 0)};
    }
    if (m->potential && mech_depends_any(m, m->potential, MECH_ON_V))
        return false;
    return mech_vanishes(m, ir_replace(m->p, m->kinetic, still, m->n));
}

static void set_energy(Mech *m) {
    IrProgram *p = m->p;
    if (m->skew) { /* q'·a − L = −L at rest */
        IrReplace *still = ARENA_ARRAY(m->arena, IrReplace, m->n);
        for (uint32_t a = 0; a < m->n; a++)
            still[a] = (IrReplace){.from = m->bodies[a].v, .body = ir_real(p, 0)};
        m->energy = calc_tidy(p, ir_neg(p, ir_replace(p, m->lagrangian, still, m->n)));
        return;
    }
    if (m->out->first_order) {
        m->energy = m->potential ? m->potential : ir_real(p, 0);
        return;
    }
    if (kinetic_is_homogeneous(m)) {
        m->energy = m->potential ? ir_add(p, m->kinetic, m->potential) : m->kinetic;
        return;
    }
    IrTerm *v = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t a = 0; a < m->n; a++)
        v[a] = ir_read(p, m->bodies[a].v, m->bodies[a].at, m->bodies[a].rank);
    IrTerm l = mech_without_light(m, m->lagrangian);
    m->energy = mech_smallest(m, calc_tidy(p, ir_sub(p, contract(m, v, m->mass.gradient), l)));
}

/* H from its pieces, so that it reads as it is written in a book: ½ (p − b)·M⁻¹(p − b) + V. */
static void set_hamiltonian(Mech *m) {
    if (m->hamiltonian)
        return;
    if (!kinetic_is_homogeneous(m)) {
        IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, m->n);
        for (uint32_t a = 0; a < m->n; a++)
            r[a] = (IrReplace){.from = m->bodies[a].v, .body = m->bodies[a].velocity};
        m->hamiltonian = mech_smallest(m, ir_replace(m->p, m->energy, r, m->n));
        return;
    }
    IrTerm sum = ir_real(m->p, 0);
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        IrTerm p = ir_read(m->p, b->p, b->at, b->rank);
        if (b->order != MECH_SECOND)
            continue;
        IrTerm density = mech_product(m, ir_mul(m->p, ir_real(m->p, 0.5), ir_mul(m->p, p, b->velocity)));
        sum = ir_add(m->p, sum, mech_sum(m, b, density));
    }
    m->kinetic_of_p = sum;
    m->hamiltonian = m->potential ? ir_add(m->p, sum, m->potential) : sum;
}

/* L = p·q' − H at p = p(q, q', t), where that is known. */
static void set_lagrangian(Mech *m) {
    IrTerm *v = ARENA_ARRAY(m->arena, IrTerm, m->n), *p = ARENA_ARRAY(m->arena, IrTerm, m->n);
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        v[a] = ir_read(m->p, b->v, b->at, b->rank);
        p[a] = b->momentum;
        r[a] = (IrReplace){.from = b->p, .body = b->momentum};
    }
    IrTerm H = ir_replace(m->p, m->hamiltonian, r, m->n);
    m->back = mech_smallest(m, calc_tidy(m->p, ir_sub(m->p, contract(m, v, p), H)));
}

/* q' = ∂H/∂p and p' = −∂H/∂q + Q. */
static void hamilton_equations(Mech *m) {
    for (uint32_t a = 0; a < m->n; a++) {
        m->bodies[a].velocity = m->mass.gradient[a];
        m->bodies[a].pull = pull(m, &m->bodies[a]);
    }
    m->energy = m->hamiltonian;
    if (m->bodies[0].momentum && !m->back)
        set_lagrangian(m);
}

bool mech_pass_legendre(Mech *m) {
    if (!coordinate_gradients(m))
        return false;
    if (m->hamiltonian) {
        hamilton_equations(m);
        return true;
    }
    if (m->out->first_order) {
        set_energy(m);
        for (uint32_t a = 0; m->by_flows && a < m->n; a++)
            m->bodies[a].velocity = ir_real(m->p, 0);
        return m->by_flows || first_order_velocities(m);
    }
    set_energy(m);
    bool found = true;
    if (m->mass.quadratic ? !invert_momenta(m) : !invert_convex(m, &found))
        return false;
    if (!mech_light_velocities(m))
        return false;
    if (!found)
        return true;
    for (uint32_t a = 0; a < m->n && m->is_word; a++)
        m->bodies[a].pull = mech_resolve(m, pull(m, &m->bodies[a]));
    set_hamiltonian(m);
    return true;
}
