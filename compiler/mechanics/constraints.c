/* constraints — what is said to hold at all times: c(q, t) = 0 (holonomic), or A(q, t) q' + b(q, t) = 0 (not holonomic,
 * linear in the velocities), as rows over the constraint's own indices.
 *
 * needs: bodies      gives: MechConstraint[]: J, the rate J q' + b, and later its own rate γ      changes: nothing
 *
 * A holonomic constraint holds through its rate, c' = J q' + ∂c/∂t with J = ∂c/∂q, once it holds at the start; one that
 * speaks of velocities is such a rate itself. Differentiated once more, J q'' + γ = 0 with γ the derivative of the rate
 * along q → q', t → 1 at fixed velocities (fixed momenta where those are stored): one tangent, whatever the size. The force
 * that keeps a constraint does no work on motions that obey it, Jᵀλ (Goldstein, Poole, Safko, section 2.4). */
#include "internal.h"

#include <string.h>

/* ---- what can be wrong with a constraint ---- */

/* No coordinate enters it. */
static bool report_idle(Mech *m, const MechConstraint *c) {
    double value;
    Diag *d;
    if (ir_is_const(m->p, c->residual, &value) && value != 0) {
        d = diag_error(m->session, DIAG_MECH_CONSTRAINT, c->span,
                       "no motion satisfies this constraint: no coordinate enters it, and its sides differ by %s",
                       pretty_number(m->arena, value));
    } else {
        d = diag_error(m->session, DIAG_MECH_CONSTRAINT, c->span,
                       "no coordinate of the motion enters this constraint, so no force can make it hold");
    }
    diag_help(m->session, d, "write it in the coordinates of the system, or leave it out");
    return false;
}

static bool report_momenta(Mech *m, const MechConstraint *c) {
    Diag *d = diag_error(m->session, DIAG_MECH_CONSTRAINT, c->span, "a constraint on momenta has no force of its own");
    diag_help(m->session, d, "write it in the velocities, as a motion must obey it");
    return false;
}

static bool report_nonlinear(Mech *m, const MechConstraint *c) {
    Diag *d = diag_error(m->session, DIAG_MECH_CONSTRAINT, c->span,
                         "this constraint is not linear in the velocities: d'Alembert's principle gives the force that "
                         "keeps a constraint only for A(q, t) q' + b(q, t) = 0");
    diag_help(m->session, d,
              "write it linearly in the velocities; what drives or brakes a motion otherwise is a `force` or a "
              "`dissipation`");
    return false;
}

/* ---- derivatives ---- */

/* Terms of a body's axes after `first` others. */
static void columns_of(Mech *m, const MechBody *b, uint32_t first, IrTerm *at) {
    for (uint32_t k = 0; k < b->rank; k++)
        at[k] = ir_idx(m->p, ir_axis(m->p, first + k, b->extent[k]));
}

static IrTerm short_form(Mech *m, IrTerm t) {
    return mech_smallest(m, calc_tidy(m->p, calc_factor(m->p, t)));
}

/* The derivative of a term over the constraint's rows along q → q' and t → 1, with q' as given per body (0: the velocities
 * themselves); velocities and momenta stay. */
static IrTerm along_motion(Mech *m, const MechConstraint *c, const char *label, IrTerm t, bool of_momenta) {
    CalcSeed *seeds = ARENA_ARRAY(m->arena, CalcSeed, m->n + 1);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        IrDef rate = b->v;
        if (of_momenta)
            rate = mech_define(m, mech_text(m, "%s'", b->symbol), b->elem, b->rank, b->extent, b->velocity);
        seeds[n++] = (CalcSeed){b->q, rate};
    }
    if (m->run->time)
        seeds[n++] = (CalcSeed){m->run->time, ir_define(m->p, 0, IR_F64, NULL, 0, ir_real(m->p, 1))};
    IrDef d = mech_define(m, label, c->row.elem, c->row.rank, c->row.extent, t);
    IrDef rate = calc_tangent_def(m->p, d, seeds, n);
    return rate ? short_form(m, ir_at_subs(m->p, rate, c->row.at)) : 0;
}

/* J per body: ∂c/∂q, or what multiplies the velocities. */
static bool set_jacobian(Mech *m, MechConstraint *c) {
    bool any = false;
    c->jacobian = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrDef x = c->holonomic ? b->q : b->v;
        IrTerm at[IR_MAX_RANK];
        if (!ir_depends(m->p, c->residual, x))
            continue;
        if (c->row.rank + b->rank > IR_MAX_RANK) {
            diag_error(m->session, DIAG_MECH_CONSTRAINT, c->span,
                       "this constraint and `%s` have more than %d indices together", b->name, IR_MAX_RANK);
            return false;
        }
        columns_of(m, b, c->row.rank, at);
        IrTerm t = calc_partial(m->p, c->residual, x, at);
        if (!t)
            return false;
        t = short_form(m, t);
        if (ir_is_zero(m->p, t))
            continue;
        if (!c->holonomic && mech_depends_any(m, t, MECH_ON_V))
            return report_nonlinear(m, c);
        c->jacobian[a] = t;
        any = true;
    }
    return any || report_idle(m, c);
}

static bool set_rate(Mech *m, MechConstraint *c) {
    c->rate = c->holonomic ? along_motion(m, c, "c", c->residual, false) : c->residual;
    return c->rate != 0;
}

bool mech_constraint_bias(Mech *m) {
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        MechConstraint *c = &m->constraints[r];
        c->bias = along_motion(m, c, "c'", m->stores_p ? mech_resolve(m, c->rate) : c->rate, m->stores_p);
        if (!c->bias)
            return false;
    }
    return true;
}

/* ∂c/∂t, or b: the rate where nothing moves. */
static void set_drift(Mech *m, MechConstraint *c) {
    IrReplace *still = ARENA_ARRAY(m->arena, IrReplace, m->n);
    for (uint32_t a = 0; a < m->n; a++)
        still[a] = (IrReplace){.from = m->bodies[a].v, .body = ir_real(m->p, 0)};
    IrTerm t = ir_replace(m->p, c->rate, still, m->n);
    c->drift = mech_vanishes(m, t) ? ir_real(m->p, 0) : t;
}

/* ---- questions of others ---- */

bool mech_constraints_move(Mech *m) {
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        if (!ir_is_zero(m->p, m->constraints[r].drift))
            return true;
    }
    return false;
}

/* ---- rows ---- */

/* The multipliers of a constraint are laid out like a body's coordinates. */
static void set_row(Mech *m, MechConstraint *c, uint32_t number) {
    IrDef residual = c->sema->residual;
    const IrDefInfo *info = ir_def(m->p, residual);
    MechBody *row = &c->row;
    *row = (MechBody){.q = residual, .v = residual, .p = residual, .elem = info->elem, .rank = info->rank};
    memcpy(row->extent, info->extent, sizeof row->extent);
    row->size = ir_size(m->p, residual);
    columns_of(m, row, 0, row->at);
    row->symbol = m->run->n_constraints == 1 ? "λ" : mech_text(m, "λ_%u", number + 1);
    row->name = row->symbol;
    c->residual = ir_at_subs(m->p, residual, row->at);
    c->span = c->sema->span;
}

/* Rows that follow from others are found at the start of a run and left out: a number for every row, 1 or 0. */
static void set_kept(Mech *m, MechConstraint *c) {
    c->kept = ir_input(m->p, name_of(m->session->names, "kept"), IR_ROLE_STATE, IR_F64, c->row.rank, c->row.extent);
    ir_set_label(m->p, c->kept, m->n_constraints == 1 ? "kept" : mech_text(m, "kept_%s", c->row.symbol + 3));
}

bool mech_pass_constraints(Mech *m) {
    m->n_constraints = m->run->n_constraints;
    m->constraints = ARENA_ARRAY(m->arena, MechConstraint, m->n_constraints + 1);
    m->lambda = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints + 1);
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        MechConstraint *c = &m->constraints[r];
        c->sema = &m->run->constraints[r];
        set_row(m, c, r);
        if (mech_depends_any(m, c->residual, MECH_ON_P))
            return report_momenta(m, c);
        c->holonomic = !mech_depends_any(m, c->residual, MECH_ON_V);
        if (!set_jacobian(m, c) || !set_rate(m, c))
            return false;
        set_drift(m, c);
        m->n_rows += c->row.size;
    }
    for (uint32_t r = 0; r < m->n_constraints && m->n_rows > 1; r++)
        set_kept(m, &m->constraints[r]);
    return true;
}
