/* conserve — what the exact motion conserves: the energy, the momenta of cyclic coordinates, the total
 * momentum and the angular momenta, each found as a symmetry of the Lagrangian (Noether's theorem; Goldstein,
 * Poole, Safko, section 13.7).
 *
 * needs: Lagrangian or Hamiltonian, gradients      gives: lines of the derivation      changes: nothing */
#include "internal.h"

#include <string.h>

static bool changes_by_itself(Mech *m, IrTerm t) {
    const SemaRun *run = m->run;
    if ((run->time && ir_depends(m->p, t, run->time)) || (run->step && ir_depends(m->p, t, run->step)) ||
        (run->batch && ir_depends(m->p, t, run->batch)))
        return true;
    for (uint32_t i = 0; i < run->n_states; i++) {
        if (ir_depends(m->p, t, run->states[i].s))
            return true;
    }
    return false;
}

static bool is_driven(Mech *m) {
    bool driven = m->dissipation != 0 || mech_constraints_move(m);
    for (uint32_t a = 0; a < m->n; a++)
        driven = driven || m->bodies[a].external;
    return driven;
}

static void remark(MechLine *at, uint32_t *n, const char *text) { at[(*n)++] = (MechLine){.remark = text}; }

static IrTerm generator(Mech *m) { return m->run->hamiltonian.term ? m->hamiltonian : m->lagrangian; }

/* ---- energy ---- */

static void energy_line(Mech *m, MechLine *at, uint32_t *n) {
    if (m->out->first_order && !m->skew) {
        if (m->potential && !changes_by_itself(m, m->potential))
            remark(at, n, "V never rises along the exact motion: V' = −2R + Q·q'");
        return;
    }
    if (changes_by_itself(m, generator(m))) {
        remark(
            at, n,
            "the energy is not conserved: the Lagrangian changes by itself, E' = −∂L/∂t + (Q − ∂R/∂q')·q'");
        return;
    }
    if (mech_constraints_move(m)) {
        remark(at, n, "the energy is not conserved: the constraints move, E' = −λ·b + (Q − ∂R/∂q')·q' with b = ∂c/∂t");
        return;
    }
    if (is_driven(m)) {
        remark(at, n,
               m->dissipation && m->friction.quadratic && m->friction.structure != MECH_MASS_NONE
                   ? "the energy is not conserved: E' = −2R + Q·q'"
                                                       : "the energy is not conserved: E' = (Q − ∂R/∂q')·q'");
        return;
    }
    IrTerm e = m->stores_p && m->hamiltonian ? m->hamiltonian : m->energy;
    at[(*n)++] =
        (MechLine){.lhs = "E", .relation = "=", .rhs = e, .remark = "the energy: L does not depend on t"};
}

/* ---- momenta ---- */

static bool is_free(Mech *m, uint32_t a) {
    return !m->bodies[a].external &&
           (!m->dissipation || !m->friction.gradient[a] || ir_is_zero(m->p, m->friction.gradient[a]));
}

static void cyclic_lines(Mech *m, MechLine *at, uint32_t *n) {
    for (uint32_t a = 0; a < m->n && *n < 40; a++) {
        MechBody *b = &m->bodies[a];
        bool held = false;
        for (uint32_t r = 0; r < m->n_constraints; r++)
            held = held || m->constraints[r].jacobian[a];
        if (!held && is_free(m, a) && ir_is_zero(m->p, b->dl_dq))
            at[(*n)++] = (MechLine){
                .lhs = b->momentum_symbol,
                .like = b->q,
                .relation = "=",
                .rhs = m->mass.of_momenta ? ir_read(m->p, b->p, b->at, b->rank) : m->mass.gradient[a],
                .remark = mech_text(m, "%s is cyclic: L does not depend on it", b->symbol)};
    }
}

/* True when L does not change along (δq, δq'). The directions are written out before terms can cancel. */
static bool is_symmetry(Mech *m, const CalcSeed *seeds, uint32_t n) {
    if (!mech_constraints_allow(m, seeds, n))
        return false;
    IrTerm change = calc_tangent(m->p, m->lagrangian, seeds, n);
    if (!change)
        return false;
    IrReplace out[4];
    uint32_t n_out = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (ir_def(m->p, seeds[i].dx)->kind == IR_DEF_EXPR)
            out[n_out++] = (IrReplace){.from = seeds[i].dx, .body = ir_def(m->p, seeds[i].dx)->body};
    }
    change = n_out ? ir_replace(m->p, change, out, n_out) : change;
    return mech_vanishes(m, calc_tidy(m->p, calc_factor(m->p, change)));
}

/* All elements of one body moved together. */
static void translation_lines(Mech *m, MechLine *at, uint32_t *n) {
    for (uint32_t a = 0; a < m->n && *n < 40; a++) {
        MechBody *b = &m->bodies[a];
        if (b->rank == 0 || !is_free(m, a) || ir_is_zero(m->p, b->dl_dq))
            continue;
        CalcSeed seed = {b->q, mech_define(m, NULL, b->elem, b->rank, b->extent, ir_real(m->p, 1))};
        if (is_symmetry(m, &seed, 1))
            at[(*n)++] =
                (MechLine){.lhs = mech_text(m, "P_%s", b->symbol),
                           .relation = "=",
                           .rhs = mech_sum(m, b, m->mass.gradient[a]),
                           .remark = "the total momentum: L does not change when all elements move together"};
    }
}

/* Two scalar coordinates turned into each other: x → −y, y → x. */
static void rotation_lines(Mech *m, MechLine *at, uint32_t *n) {
    IrProgram *p = m->p;
    for (uint32_t a = 0; a < m->n && m->n <= 8; a++) {
        for (uint32_t c = a + 1; c < m->n && *n < 40; c++) {
            const MechBody *x = &m->bodies[a], *y = &m->bodies[c];
            if (x->rank || y->rank || !is_free(m, a) || !is_free(m, c))
                continue;
            IrTerm qx = ir_read0(p, x->q), qy = ir_read0(p, y->q), vy = ir_read0(p, y->v);
            CalcSeed seeds[4] = {{x->q, mech_define(m, NULL, x->elem, 0, NULL, ir_neg(p, qy))},
                                 {y->q, x->q},
                                 {x->v, mech_define(m, NULL, x->elem, 0, NULL, ir_neg(p, vy))},
                                 {y->v, x->v}};
            if (ir_is_zero(p, x->dl_dq) || ir_is_zero(p, y->dl_dq) || !is_symmetry(m, seeds, 4))
                continue;
            IrTerm J = ir_sub(p, ir_mul(p, qx, m->mass.gradient[c]), ir_mul(p, qy, m->mass.gradient[a]));
            at[(*n)++] = (MechLine){
                .lhs = mech_text(m, "J_%s%s", x->symbol, y->symbol),
                .relation = "=",
                .rhs = mech_smallest(m, J),
                .remark = mech_text(m, "the angular momentum: L does not change when (%s, %s) turns",
                                    x->symbol, y->symbol)};
        }
    }
}

/* A flow of the user's own in the word is not part of the Lagrangian's motion. */
static bool has_own_flow(const Mech *m) {
    for (uint32_t i = 0; i < m->n_parts; i++) {
        if (m->parts[i].kind == PART_FLOW)
            return true;
    }
    return false;
}

void mech_conserved_lines(Mech *m, MechLine *at, uint32_t *n) {
    if (has_own_flow(m)) {
        remark(at, n,
               "nothing is claimed: the word has flows of its own beside the motion of the Lagrangian");
        return;
    }
    energy_line(m, at, n);
    if (m->out->first_order || m->run->block)
        return;
    cyclic_lines(m, at, n);
    if (!m->run->hamiltonian.term) {
        translation_lines(m, at, n);
        rotation_lines(m, at, n);
    }
}
