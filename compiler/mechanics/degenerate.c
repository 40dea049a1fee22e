/* degenerate — Lagrangians that do not give every coordinate an inertia: what that implies, and the motion of those that are
 * linear in all velocities.
 *
 * needs: p = ∂L/∂q', M, dissipation      gives: messages; G − Ω and what q' is solved from      changes: nothing
 *
 * L = a(q, t)·q' − V: the equations of Lagrange are of first order, Ω q' = ∂V/∂q + ∂a/∂t + ∂R/∂q' − Q with the antisymmetric
 * Ω_ij = ∂a_j/∂q_i − ∂a_i/∂q_j (point vortices, a charge in a strong magnetic field; L. Faddeev, R. Jackiw, Phys. Rev. Lett. 60
 * (1988) 1692). With friction, ∂R/∂q' = G q', that is (G − Ω) q' = −∂V/∂q − ∂a/∂t + Q. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

/* ---- directions without inertia ---- */

/* The element a position in the stacked bodies means: `θ[2]'`. */
static const char *element_velocity(Mech *m, uint64_t flat) {
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        if (flat >= b->size) {
            flat -= b->size;
            continue;
        }
        if (b->rank == 0)
            return mech_text(m, "%s'", b->name);
        Buf text = {0};
        uint64_t stride = b->size;
        for (uint32_t k = 0; k < b->rank; k++) {
            stride /= b->extent[k];
            buf_printf(&text, "%s%llu", k ? "," : "", (unsigned long long)(flat / stride % b->extent[k]));
        }
        const char *name = mech_text(m, "%s[%s]'", b->name, text.at);
        buf_free(&text);
        return name;
    }
    return "?";
}

/* "x' = 1, y' = -1" of a null direction. */
const char *mech_direction_text(Mech *m, const double *x) {
    uint64_t size = 0;
    double largest = 0;
    for (uint32_t a = 0; a < m->n; a++)
        size += m->bodies[a].size;
    for (uint64_t i = 0; i < size; i++)
        largest = fmax(largest, fabs(x[i]));
    Buf text = {0};
    uint32_t shown = 0;
    for (uint64_t i = 0; i < size; i++) {
        double value = x[i] / largest;
        if (fabs(value) < 1e-9)
            continue;
        buf_printf(&text, "%s%s = %.4g", shown++ ? ", " : "", element_velocity(m, i), value);
    }
    const char *kept = mech_text(m, "%s", text.at ? text.at : "");
    buf_free(&text);
    return kept;
}

static void report_null_direction(Mech *m, const double *x, Span span) {
    Diag *d = diag_error(
        m->session, DIAG_MECH_SINGULAR, span,
        "the mass matrix is singular: a motion with %s costs no kinetic energy, so nothing determines "
        "its acceleration",
        mech_direction_text(m, x));
    diag_help(m->session, d,
              "drop that combination of coordinates, give it a kinetic energy, or hold it by a constraint");
}

/* ---- coordinates without inertia ---- */

const char *mech_term_text(Mech *m, IrTerm t) {
    Buf text = {0};
    pretty_write_text(&text, pretty_term(pretty_scope_new(m->model, m->run), t, 0));
    const char *kept = mech_text(m, "%s", text.at ? text.at : "");
    buf_free(&text);
    return kept;
}

/* What a coordinate without inertia means whose condition does not contain itself. */
static void explain_no_inertia(Mech *m, Diag *d, const MechBody *b, IrTerm condition) {
    const char *name = b->name;
    if (!condition || b->rank || m->run->block)
        diag_help(m->session, d, "add a kinetic term for `%s`, or make it a `let` of the other coordinates", name);
    else
        diag_help(m->session, d, "it is a multiplier: its equation says %s = 0; write that as a `constraint` and leave `%s` out",
                  mech_term_text(m, condition), name);
}

void mech_report_no_inertia(Mech *m, uint32_t a, IrTerm condition) {
    const MechBody *b = &m->bodies[a];
    const char *name = b->name;
    Diag *d = diag_error(m->session, DIAG_MECH_NO_INERTIA, b->sema->span,
                         "`%s` has no kinetic energy: ∂²L/∂%s'² = 0, so its equation of motion does not determine %s''", name, name,
                         name);
    diag_note_at(m->session, d, m->kinetic_span, "the kinetic energy is given here, without %s'", name);
    explain_no_inertia(m, d, b, condition);
}

bool mech_is_held(Mech *m, const MechBody *b) {
    for (uint32_t r = 0; r < m->run->n_constraints; r++) {
        if (ir_def_depends(m->p, m->run->constraints[r].residual, b->q))
            return true;
    }
    return false;
}

bool mech_check_inertia(Mech *m, const MechForm *f, Span span) {
    bool complete = true;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        bool any = mech_is_held(m, b);
        for (uint32_t c = 0; c < m->n; c++)
            any = any || f->block[a * m->n + c];
        if (!any)
            mech_report_no_inertia(m, a, 0);
        complete = complete && any;
    }
    if (!complete)
        return false;
    double direction[MECH_SMALL];
    if (!m->run->n_constraints && mech_form_singular(m, f, direction)) {
        report_null_direction(m, direction, span);
        return false;
    }
    return true;
}

/* ---- motion of first order ---- */

/* Ω_ac = ∂a_c/∂q_a − ∂a_a/∂q_c over the axes of a, then of c. */
bool mech_omega(Mech *m, uint32_t a, uint32_t c, IrTerm *out) {
    const MechBody *rows = &m->bodies[a], *columns = &m->bodies[c];
    IrTerm at[IR_MAX_RANK], back[IR_MAX_RANK];
    if (rows->rank + columns->rank > IR_MAX_RANK) {
        diag_error(m->session, DIAG_MECH_OMEGA, m->kinetic_span, "`%s` and `%s` have more than %d indices together",
                   rows->name, columns->name, IR_MAX_RANK);
        return false;
    }
    for (uint32_t k = 0; k < columns->rank; k++)
        at[k] = ir_idx(m->p, ir_axis(m->p, rows->rank + k, columns->extent[k]));
    for (uint32_t k = 0; k < rows->rank; k++)
        back[k] = ir_idx(m->p, ir_axis(m->p, columns->rank + k, rows->extent[k]));
    IrTerm forth = calc_partial(m->p, m->mass.linear[a], columns->q, at),
           other = calc_partial(m->p, m->mass.linear[c], rows->q, back);
    if (!forth || !other)
        return false;
    IrTerm omega = ir_sub(m->p, mech_exchange(m, other, columns, rows), forth);
    omega = calc_tidy(m->p, calc_factor(m->p, omega));
    *out = ir_is_zero(m->p, omega) ? 0 : omega;
    return true;
}

static bool add_omega(Mech *m, MechForm *flow, uint32_t a, uint32_t c) {
    IrTerm omega;
    if (!mech_omega(m, a, c, &omega))
        return false;
    if (!omega)
        return true;
    m->omega[a * m->n + c] = omega;
    IrTerm *block = &flow->block[a * m->n + c];
    *block = *block ? ir_sub(m->p, *block, omega) : ir_neg(m->p, omega);
    return true;
}

static bool report_omega(Mech *m, const char *why, const char *help) {
    Diag *d = diag_error(m->session, DIAG_MECH_OMEGA, m->kinetic_span,
                         "the Lagrangian is linear in the velocities, L = a·q' − V, and does not determine them: %s", why);
    diag_help(m->session, d, "%s", help);
    return false;
}

static bool check_omega(Mech *m, const MechForm *flow) {
    uint64_t size = 0;
    double direction[MECH_SMALL];
    for (uint32_t a = 0; a < m->n; a++)
        size += m->bodies[a].size;
    if (m->run->n_constraints)
        return true;
    if (size % 2 && !m->dissipation)
        return report_omega(m,
                            mech_text(m,
                                      "Ω = ∂a_j/∂q_i − ∂a_i/∂q_j is antisymmetric, and there are %llu coordinates: an "
                                      "antisymmetric matrix of odd size is singular",
                                      (unsigned long long)size),
                            "coordinates of such a motion come in pairs, each other's momenta: leave one out, or add its "
                            "partner");
    if (!mech_form_singular(m, flow, direction))
        return true;
    return report_omega(m,
                        mech_text(m, "Ω = ∂a_j/∂q_i − ∂a_i/∂q_j is singular, so nothing determines a motion with %s",
                                  mech_direction_text(m, direction)),
                        "leave that combination of coordinates out (a term of L that is a total time derivative moves "
                        "nothing), or give it a friction or a kinetic energy");
}

/* ∂a/∂t at fixed q; 0: does not change. */
static IrTerm own_rate(Mech *m, uint32_t a) {
    const MechBody *b = &m->bodies[a];
    IrTerm t = m->mass.linear[a];
    if (!m->run->time || !ir_depends(m->p, t, m->run->time))
        return ir_real(m->p, 0);
    CalcSeed seed = {m->run->time, ir_define(m->p, 0, IR_F64, NULL, 0, ir_real(m->p, 1))};
    IrDef d = calc_tangent_def(m->p, mech_define(m, "a", b->elem, b->rank, b->extent, t), &seed, 1);
    return d ? ir_at_subs(m->p, d, b->at) : 0;
}

bool mech_first_order(Mech *m, MechForm *flow, IrTerm *rhs) {
    uint32_t n = m->n;
    *flow = m->friction;
    if (!m->skew)
        return true;
    *flow = (MechForm){.skew = true, .quadratic = true, .symbol = "Ω"};
    flow->block = ARENA_ARRAY(m->arena, IrTerm, n * n);
    flow->diagonal = ARENA_ARRAY(m->arena, IrTerm, n);
    flow->component = ARENA_ARRAY(m->arena, uint32_t, n);
    m->omega = ARENA_ARRAY(m->arena, IrTerm, n * n);
    IrReplace *still = ARENA_ARRAY(m->arena, IrReplace, n);
    for (uint32_t a = 0; a < n; a++)
        still[a] = (IrReplace){.from = m->bodies[a].v, .body = ir_real(m->p, 0)};
    for (uint32_t a = 0; a < n; a++) {
        for (uint32_t c = 0; c < n; c++) {
            flow->block[a * n + c] = m->dissipation ? m->friction.block[a * n + c] : 0;
            if (!add_omega(m, flow, a, c))
                return false;
        }
        IrTerm own = own_rate(m, a);
        if (!own)
            return false;
        rhs[a] = calc_tidy(m->p, ir_sub(m->p, ir_replace(m->p, rhs[a], still, n), own));
    }
    mech_form_couple(m, flow);
    return check_omega(m, flow);
}
