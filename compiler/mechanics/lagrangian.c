/* lagrangian — joins what system and dynamics say into one Lagrangian, and finds the conjugate momenta and
 * the mass matrix with its structure.
 *
 * needs: SemaRun       gives: L, T, V, p = ∂L/∂q', M = ∂²L/∂q'∂q', dissipation, forces      changes: nothing
 *
 * Source of the formulas: Goldstein, Poole, Safko, Classical Mechanics, chapters 1, 2 and 8. */
#include "internal.h"

#include <math.h>

static void set_body(Mech *m, MechBody *b, const SemaBody *sema) {
    const IrDefInfo *info = ir_def(m->p, sema->q);
    *b = (MechBody){
        .sema = sema, .q = sema->q, .v = sema->v, .p = sema->p, .elem = info->elem, .rank = info->rank};
    b->size = ir_size(m->p, sema->q);
    for (uint32_t k = 0; k < b->rank; k++)
        b->extent[k] = ir_def(m->p, sema->q)->extent[k];
    for (uint32_t k = 0; k < b->rank; k++)
        b->at[k] = ir_idx(m->p, ir_axis(m->p, k, b->extent[k]));
    Buf shown = {0};
    symbol_write_text(&shown, name_ascii(m->session->names, sema->name));
    b->name = name_text(m->session->names, sema->name);
    b->symbol = mech_text(m, "%s", shown.at ? shown.at : "q");
    buf_free(&shown);
    b->momentum_symbol = m->all->n_bodies == 1 ? "p" : mech_text(m, "p_%s", b->symbol);
}

void mech_set_bodies(Mech *m) {
    const SemaRun *run = m->run;
    m->n = run->n_bodies;
    m->bodies = ARENA_ARRAY(m->arena, MechBody, m->n ? m->n : 1);
    for (uint32_t a = 0; a < m->n; a++)
        set_body(m, &m->bodies[a], &run->bodies[a]);
    for (uint32_t i = 0; i < run->n_forces; i++) {
        MechBody *b = &m->bodies[run->forces[i].body];
        IrTerm value = run->forces[i].value;
        b->external = b->external ? ir_add(m->p, b->external, value) : value;
        b->external_span = run->forces[i].span;
    }
    for (uint32_t a = 0; run->pushes && a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        const SemaPush *push = &run->pushes[a];
        if (!push->value)
            continue;
        IrTerm more = ir_sub(m->p, push->value, push->bare);
        b->push = b->external ? ir_add(m->p, push->value, b->external) : push->value;
        b->bare = push->bare;
        b->external = b->external ? ir_add(m->p, b->external, more) : more;
        b->external_span = push->span;
    }
}

void mech_set_watches(Mech *m) {
    IrDef *q = ARENA_ARRAY(m->arena, IrDef, m->n), *v = ARENA_ARRAY(m->arena, IrDef, m->n),
          *p = ARENA_ARRAY(m->arena, IrDef, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        q[a] = m->bodies[a].q;
        v[a] = m->bodies[a].v;
        p[a] = m->bodies[a].p;
    }
    m->watch[0] = ir_watch(m->p, q, m->n);
    m->watch[1] = ir_watch(m->p, v, m->n);
    m->watch[2] = ir_watch(m->p, p, m->n);
}

/* What was said about the energy, as scalars in (q, q', t). */
static bool set_energies(Mech *m) {
    const SemaRun *run = m->run;
    IrProgram *p = m->p;
    m->kinetic = run->kinetic.term;
    m->potential = run->potential.term;
    m->dissipation = run->dissipation.term;
    m->kinetic_span = run->lagrangian.term ? run->lagrangian.span : run->kinetic.span;
    m->potential_span = run->potential.term ? run->potential.span : run->system_span;
    m->dissipation_span = run->dissipation.span;
    if (run->hamiltonian.term) {
        m->kinetic_span = run->hamiltonian.span;
        m->hamiltonian = run->hamiltonian.term;
        if (m->potential)
            m->hamiltonian = ir_add(p, m->hamiltonian, m->potential);
        return true;
    }
    IrTerm zero = ir_real(p, 0);
    IrTerm t = run->lagrangian.term ? run->lagrangian.term : m->kinetic ? m->kinetic : zero;
    m->lagrangian = m->potential ? ir_sub(p, t, m->potential) : t;
    return true;
}

/* ---- momenta ---- */

static bool starts_moving(Mech *m) {
    bool moves = false;
    for (uint32_t i = 0; i < m->run->n_vars; i++)
        moves = moves || (m->run->vars[i].init_v && !ir_is_zero(m->p, m->run->vars[i].init_v));
    return moves;
}

/* Without a formula for p at given velocities the motion can only start from momenta 0. */
static bool check_at_rest(Mech *m) {
    for (uint32_t i = 0; i < m->run->n_vars; i++) {
        const SemaVar *v = &m->run->vars[i];
        if (!v->init_v || ir_is_zero(m->p, v->init_v))
            continue;
        Diag *d = diag_error(m->session, DIAG_MECH_NONQUADRATIC, v->span,
                             "the velocity of `%s` at the start does not give its momentum: q' = ∂H/∂p has corners and no solution "
                             "that is known",
                             name_text(m->session->names, v->name));
        diag_note_at(m->session, d, m->kinetic_span, "the Hamiltonian is given here");
        diag_help(m->session, d, "start from rest (momenta 0), or write the system as a Lagrangian");
        return false;
    }
    return true;
}

static bool report_corners(Mech *m) {
    Diag *d = diag_error(m->session, DIAG_MECH_NONQUADRATIC, m->kinetic_span,
                         "the kinetic energy has corners in the velocities, where a maximum changes, and is no function of norms "
                         "that is known: p = ∂L/∂q' cannot be solved for q'");
    diag_help(m->session, d, "a norm is a length, a sum or a maximum of absolute values or of norms of different velocities; "
                             "each velocity stands in it once");
    return false;
}

/* The mass matrix, or without one the Legendre transform of what has corners: a method needs the matrix. */
static bool set_form(Mech *m, IrTerm scalar, bool of_momenta) {
    MechCorners corners = m->stores_p ? mech_corners(m, scalar, of_momenta) : MECH_SMOOTH;
    if (corners != MECH_SMOOTH) {
        MechDual *dual = ARENA_NEW(m->arena, MechDual);
        bool found = mech_dual(m, scalar, of_momenta, false, dual);
        if (!found && corners == MECH_CORNERS && !of_momenta)
            return report_corners(m);
        if (found && dual->has_corners) {
            m->dual = dual;
            return mech_form_without_mass(m, scalar, of_momenta, &m->mass);
        }
    }
    return mech_form(m, scalar, of_momenta, &m->mass);
}

/* Kinks, as of |p|, have no curvature, and still a velocity for either sign. */
static bool is_kinked(Mech *m, const MechForm *f) {
    bool on_momenta = false;
    for (uint32_t a = 0; a < m->n; a++)
        on_momenta = on_momenta || mech_depends_any(m, f->gradient[a], MECH_ON_P);
    return f->structure == MECH_MASS_NONE && on_momenta;
}

/* A Hamiltonian gives q' = ∂H/∂p; where it is quadratic in p, the momenta at given velocities follow by
 * solving. */
static bool hamilton_momenta(Mech *m) {
    MechForm *f = &m->mass;
    if (!set_form(m, m->hamiltonian, true))
        return false;
    if (!m->dual && is_kinked(m, f)) {
        f->structure = MECH_MASS_NONQUADRATIC;
        f->quadratic = false;
    }
    if (f->structure == MECH_MASS_NONE) {
        diag_error(m->session, DIAG_MECH_NO_INERTIA, m->kinetic_span,
                   "the Hamiltonian does not contain the momenta, so nothing moves");
        return false;
    }
    if (!f->quadratic) {
        MechDual *dual = m->dual ? m->dual : ARENA_NEW(m->arena, MechDual);
        bool solves = starts_moving(m) && mech_corners(m, m->hamiltonian, true) != MECH_CORNERS;
        bool known = m->dual || mech_dual(m, m->hamiltonian, true, solves, dual);
        for (uint32_t a = 0; a < m->n && known; a++)
            m->bodies[a].momentum = dual->x[a];
        m->dual = known ? dual : NULL;
        m->back = known ? mech_smallest(m, dual->value) : 0;
        return known || check_at_rest(m);
    }
    if (!mech_check_inertia(m, f, m->kinetic_span))
        return false;
    IrTerm *rhs = ARENA_ARRAY(m->arena, IrTerm, m->n), *x = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t a = 0; a < m->n; a++)
        rhs[a] =
            ir_sub(m->p, ir_read(m->p, m->bodies[a].v, m->bodies[a].at, m->bodies[a].rank), f->linear[a]);
    if (!mech_form_solve(m, f, rhs, x, true))
        return false;
    for (uint32_t a = 0; a < m->n; a++)
        m->bodies[a].momentum = x[a];
    return true;
}

/* Σ_c M_ac q'_c + b_a, where every coordinate is a scalar: often shorter than the gradient (sin² + cos² has
 * gone). */
static IrTerm momentum_from_mass(Mech *m, uint32_t a) {
    IrTerm sum = m->mass.linear[a];
    for (uint32_t c = 0; c < m->n; c++) {
        if (m->bodies[c].rank)
            return 0;
        if (m->mass.block[a * m->n + c])
            sum =
                ir_add(m->p, ir_mul(m->p, m->mass.block[a * m->n + c], ir_read0(m->p, m->bodies[c].v)), sum);
    }
    return sum;
}

typedef struct Jump {
    Mech *m;
    bool found;
} Jump;

static bool note_jump(const IrProgram *p, void *context, IrTerm t) {
    Jump *jump = context;
    IrNode node = *ir_node(p, t);
    if (jump->found || !mech_depends_any(jump->m, t, MECH_ON_V))
        return false;
    if (node.op == IR_READ && ir_def(p, node.arg[0])->kind == IR_DEF_EXPR)
        ir_walk(p, ir_def(p, node.arg[0])->body, note_jump, jump);
    jump->found = jump->found || node.op == IR_SIGN;
    return !jump->found;
}

/* What jumps with the sign of a velocity has no second derivative where it does, and would be lost between momenta and mass. */
static bool check_jumps(Mech *m) {
    for (uint32_t a = 0; m->mass.quadratic && !m->dual && a < m->n; a++) {
        Jump jump = {.m = m};
        ir_walk(m->p, m->mass.gradient[a], note_jump, &jump);
        if (!jump.found)
            continue;
        Diag *d = diag_error(m->session, DIAG_MECH_NONQUADRATIC, m->kinetic_span,
                             "the momentum of `%s`, ∂L/∂q', jumps where a velocity changes its sign, and nothing moves it over the "
                             "jump", m->bodies[a].symbol);
        diag_help(m->session, d, "dry friction, μ |q'|, is a `dissipation`; a kinetic energy is smooth, as √(q'² + ε²), or a "
                                 "function of a norm alone");
        return false;
    }
    return true;
}

static bool lagrange_momenta(Mech *m) {
    if (!set_form(m, m->lagrangian, false) || !check_jumps(m))
        return false;
    m->out->first_order = m->mass.structure == MECH_MASS_NONE;
    for (uint32_t a = 0; a < m->n; a++) {
        IrTerm product = m->mass.quadratic ? momentum_from_mass(m, a) : 0;
        if (product)
            m->mass.gradient[a] = mech_smaller(m, m->mass.gradient[a], product);
        m->bodies[a].momentum =
            m->mass.quadratic ? m->mass.gradient[a] : mech_zero_at_rest(m, m->mass.gradient[a], false);
        m->skew = m->skew || (m->out->first_order && !ir_is_zero(m->p, m->mass.gradient[a]));
    }
    return true;
}

bool mech_pass_lagrangian(Mech *m) {
    mech_set_bodies(m);
    if (m->n == 0) {
        diag_error(m->session, DIAG_MECH_NO_COORDINATE, m->run->span,
                   "`%s` has no coordinates, so nothing can move",
                   name_text(m->session->names, m->run->system));
        return false;
    }
    if (!set_energies(m))
        return false;
    mech_set_watches(m);
    bool ok = m->hamiltonian ? hamilton_momenta(m) : lagrange_momenta(m);
    m->out->mass = m->mass.structure;
    return ok;
}

/* ---- dissipation ---- */

static bool note_infinite(const IrProgram *p, void *context, IrTerm t) {
    double v;
    bool *found = context;
    *found = *found || (ir_is_const(p, t, &v) && isinf(v));
    return !*found;
}

/* A multiple of ∞ does not say which: a ball has no friction that is read off it. */
static bool report_infinite_friction(Mech *m) {
    bool found = false;
    if (m->dissipation)
        ir_walk(m->p, m->dissipation, note_infinite, &found);
    if (!found)
        return false;
    Diag *d = diag_error(m->session, DIAG_MECH_FRICTION, m->dissipation_span,
                         "the dissipation is infinite somewhere, like a kinetic energy that bounds the speed, and the friction "
                         "∂R/∂q' does not follow from it");
    diag_help(m->session, d, "write the friction as a flow of its own: `flow drag { p' = -γ * p }`, and `drag` in the word");
    return true;
}

/* dissipation — the Rayleigh function R as a form in the velocities, and whether it is a multiple of the
 * kinetic energy, R = c T: then the friction is c p whatever the mass matrix.
 *
 * needs: mass matrix      gives: friction form, proportional      changes: nothing */
bool mech_pass_dissipation(Mech *m) {
    if (report_infinite_friction(m))
        return false;
    if (m->dissipation && !mech_form(m, m->dissipation, false, &m->friction))
        return false;
    if (m->dissipation)
        mech_look_for_corners(m, m->dissipation, &m->friction);
    bool moved = m->dissipation && m->friction.structure != MECH_MASS_NONE;
    m->by_flows = m->out->first_order && !m->skew && !moved && m->is_word && !m->run->scheme && m->run->n_flows &&
                  !mech_word_has(m, "q") && !mech_word_has(m, "p") && !mech_word_has(m, "bath");
    if (m->out->first_order && !m->skew && !moved && !m->by_flows) {
        Diag *d = diag_error(
            m->session, DIAG_MECH_NO_MOTION, m->run->dynamics_span,
            "the motion is not determined: neither `%s` nor `%s` gives a kinetic energy or a "
            "dissipation in the velocities",
            name_text(m->session->names, m->run->system), name_text(m->session->names, m->run->dynamics));
        diag_help(m->session, d,
                  "give `kinetic` for motion with inertia, or `dissipation` for motion of first order");
        return false;
    }
    if (m->by_flows)
        return true;
    if (m->out->first_order && !m->skew)
        return mech_check_inertia(m, &m->friction, m->dissipation_span);
    IrTerm c;
    if (m->dissipation && m->kinetic && mech_divides(m, m->dissipation, m->kinetic, &c) &&
        !mech_depends_any(m, c, MECH_ON_Q | MECH_ON_V | MECH_ON_P) && !m->run->lagrangian.term)
        m->proportional = c;
    return true;
}
