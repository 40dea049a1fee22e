/* euler_lagrange — the equations of motion as right-hand sides for methods.
 *
 * needs: mass matrix, gradients, dissipation      gives: q''(q, q', t), MechRun.rhs      changes: nothing
 *
 * d/dt ∂L/∂q' − ∂L/∂q = −∂R/∂q' + Q + Jᵀλ, that is
 *     M q'' = ∂L/∂q − [(∂²L/∂q'∂q) q' + ∂²L/∂q'∂t] − ∂R/∂q' + Q + Jᵀλ   (Goldstein, Poole, Safko, eq. 1.70 and 2.23).
 * The bracket is the derivative of p = ∂L/∂q' along q → q', t → 1 at fixed q': one tangent of p, so a chain
 * of N links costs what p costs, and no derivative of M is ever formed. */
#include "internal.h"

/* d/dt ∂L/∂q' at fixed q', per body. */
static bool set_bias(Mech *m) {
    IrProgram *p = m->p;
    CalcSeed *seeds = ARENA_ARRAY(m->arena, CalcSeed, m->n + 1);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++)
        seeds[n++] = (CalcSeed){m->bodies[a].q, m->bodies[a].v};
    if (m->run->time)
        seeds[n++] = (CalcSeed){m->run->time, ir_define(p, 0, IR_F64, NULL, 0, ir_real(p, 1))};
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        IrTerm g = m->mass.gradient[a];
        bool moves = mech_depends_any(m, g, MECH_ON_Q) || (m->run->time && ir_depends(p, g, m->run->time));
        if (!moves)
            continue;
        IrDef momentum = mech_define(m, mech_text(m, "∂L/∂%s'", b->symbol), b->elem, b->rank, b->extent, g);
        IrDef rate = calc_tangent_def(p, momentum, seeds, n);
        if (!rate)
            return false;
        b->bias = calc_tidy(p, calc_factor(p, ir_at_subs(p, rate, b->at)));
    }
    return true;
}

static IrTerm right_side(Mech *m, uint32_t a) {
    MechBody *b = &m->bodies[a];
    IrTerm t = b->dl_dq;
    if (b->bias)
        t = ir_sub(m->p, t, b->bias);
    if (m->dissipation)
        t = ir_sub(m->p, t, m->friction.gradient[a]);
    if (b->external)
        t = ir_add(m->p, t, b->external);
    return m->run->block ? t : mech_smallest(m, calc_tidy(m->p, t));
}

bool mech_residuals(Mech *m, IrTerm *out) {
    if (!set_bias(m))
        return false;
    for (uint32_t a = 0; a < m->n; a++)
        out[a] = right_side(m, a);
    return true;
}


/* g with J x = g: J q'' = −γ. */
static IrTerm *minus_bias(Mech *m) {
    IrTerm *g = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints);
    for (uint32_t r = 0; r < m->n_constraints; r++)
        g[r] = ir_neg(m->p, m->constraints[r].bias);
    return g;
}

/* M q'' − Jᵀλ = f, J q'' = −γ: once for the machine, once for the reader. */
static bool held_accelerations(Mech *m, const MechForm *mass, const IrTerm *f) {
    IrTerm *x = ARENA_ARRAY(m->arena, IrTerm, m->n), *g;
    if (!mech_constraint_bias(m))
        return false;
    g = minus_bias(m);
    if (!mech_multipliers(m, mass, f, g, "λ", x, m->lambda))
        return false;
    for (uint32_t a = 0; a < m->n; a++)
        m->bodies[a].acceleration = x[a];
    m->shows = true;
    bool ok = mech_multipliers(m, mass, f, g, "λ", x, m->lambda);
    m->shows = false;
    for (uint32_t a = 0; a < m->n; a++)
        m->bodies[a].shown = x[a];
    return ok;
}

static bool set_accelerations(Mech *m) {
    if (!set_bias(m))
        return false;
    IrTerm *rhs = ARENA_ARRAY(m->arena, IrTerm, m->n), *x = ARENA_ARRAY(m->arena, IrTerm, m->n);
    MechForm mass;
    for (uint32_t a = 0; a < m->n; a++)
        rhs[a] = right_side(m, a);
    if (!mech_mixed_system(m, &mass, rhs))
        return false;
    bool positive = m->kinetic && !m->run->lagrangian.term && m->mass.quadratic && !m->mixed;
    if (m->n_constraints ? !held_accelerations(m, &mass, rhs) : !mech_form_solve(m, &mass, rhs, x, positive))
        return false;
    for (uint32_t a = 0; a < m->n && !m->n_constraints; a++)
        m->bodies[a].acceleration = x[a];
    for (uint32_t a = 0; a < m->n && m->mixed; a++) {
        MechBody *b = &m->bodies[a];
        if (b->order == MECH_FIRST) {
            b->shown = 0;
            continue;
        }
        b->shown = b->shown ? b->shown : b->acceleration;
        b->acceleration = mech_at_light(m, b->acceleration);
        if (b->order == MECH_ALGEBRAIC)
            b->velocity = mech_by_stored(m, b->acceleration); /* it stands in its place */
    }
    return true;
}

/* p' on a Hamiltonian: −∂H/∂q + Q − ∂R/∂q' at q' = ∂H/∂p. */
static IrTerm hamilton_rate(Mech *m, uint32_t a) {
    IrTerm t = m->bodies[a].pull;
    if (m->dissipation)
        t = ir_sub(m->p, t, m->friction.gradient[a]);
    return mech_resolve(m, t);
}

/* The forces that keep the constraints, on momenta: p' = … + Jᵀλ, per body. */
static bool hamilton_reactions(Mech *m, IrTerm *reaction) {
    IrTerm *f = ARENA_ARRAY(m->arena, IrTerm, m->n), *g;
    if (!m->n_constraints)
        return true;
    for (uint32_t a = 0; a < m->n; a++)
        f[a] = hamilton_rate(m, a);
    if (!mech_constraint_bias(m))
        return false;
    g = minus_bias(m);
    if (!mech_multipliers(m, &m->mass, f, g, "λ", NULL, m->lambda))
        return false;
    mech_reaction(m, m->lambda, reaction);
    m->shows = true;
    bool ok = mech_multipliers(m, &m->mass, f, g, "λ", NULL, m->lambda);
    m->shows = false;
    m->reaction = ARENA_ARRAY(m->arena, IrTerm, m->n);
    mech_reaction(m, m->lambda, m->reaction);
    return ok;
}

/* ---- the function ---- */

typedef struct Layout {
    IrDef *y;
    IrTerm *rate;
    uint32_t n;
} Layout;

static void layout_add(Layout *l, IrDef y, IrTerm rate) {
    l->y[l->n] = y;
    l->rate[l->n++] = rate;
}

/* y in order: coordinates, then velocities (or momenta), then states. */
static Layout layout_of(Mech *m, const IrTerm *reaction) {
    uint32_t most = 2 * m->n + m->run->n_states;
    Layout l = {ARENA_ARRAY(m->arena, IrDef, most), ARENA_ARRAY(m->arena, IrTerm, most), 0};
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        bool solved = b->order != MECH_SECOND || m->stores_p;
        layout_add(&l, b->q, solved ? b->velocity : ir_read(m->p, b->v, b->at, b->rank));
    }
    for (uint32_t a = 0; a < m->n && !m->out->first_order; a++) {
        MechBody *b = &m->bodies[a];
        if (b->order != MECH_SECOND)
            continue;
        if (m->stores_p)
            layout_add(&l, b->p, reaction[a] ? ir_add(m->p, hamilton_rate(m, a), reaction[a]) : hamilton_rate(m, a));
        else
            layout_add(&l, b->v, b->acceleration);
    }
    for (uint32_t i = 0; i < m->run->n_states; i++) {
        if (m->run->states[i].rate)
            layout_add(&l, m->run->states[i].s, mech_resolve(m, m->run->states[i].rate));
    }
    return l;
}

static IrDef rate_output(Mech *m, IrDef y) {
    const IrDefInfo *info = ir_def(m->p, y);
    uint64_t extent[IR_MAX_RANK];
    uint32_t rank = info->rank;
    IrElem elem = info->elem;
    for (uint32_t k = 0; k < rank; k++)
        extent[k] = info->extent[k];
    return ir_input(m->p, 0, IR_ROLE_OUTPUT, elem, rank, extent);
}

/* A method knows time, not steps: what changes once a step has no place in y. */
static bool check_states(Mech *m) {
    for (uint32_t i = 0; i < m->run->n_states; i++) {
        const SemaState *s = &m->run->states[i];
        if (s->rate || !s->next) /* what neither changes keeps its start */
            continue;
        diag_error(m->session, DIAG_MECH_PART, s->span,
                   "`%s` is given step by step, and the method %s has no steps of its "
                   "own: give it a rate, `state %s' = …`",
                   name_text(m->session->names, s->name), m->run->method,
                   name_text(m->session->names, s->name));
        return false;
    }
    return true;
}

bool mech_pass_equations(Mech *m) {
    IrTerm *reaction = ARENA_ARRAY(m->arena, IrTerm, m->n);
    if (m->mixed && m->is_word)
        return !m->mixed->n_algebraic || set_accelerations(m);
    if (m->is_word) /* for the reader: the word does the motion in parts */
        return !m->n_constraints || m->out->first_order || hamilton_reactions(m, reaction);
    if (!check_states(m))
        return false;
    if (!m->out->first_order && !m->stores_p && !set_accelerations(m))
        return false;
    if (m->stores_p && !m->out->first_order && !hamilton_reactions(m, reaction))
        return false;
    Layout l = layout_of(m, reaction);
    MechRun *out = m->out;
    out->y = l.y;
    out->n_y = l.n;
    out->dy = ARENA_ARRAY(m->arena, IrDef, l.n);
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, l.n);
    for (uint32_t i = 0; i < l.n; i++) {
        out->dy[i] = rate_output(m, l.y[i]);
        assign[i] = (IrAssign){out->dy[i], l.rate[i], m->run->span};
    }
    mech_func_start(m, &out->rhs, "rhs", false, 1);
    out->rhs.often = true;
    IrRates *rates = ARENA_NEW(ir_arena(m->p), IrRates);
    *rates = (IrRates){.y = out->y, .dy = out->dy, .n = out->n_y, .time = m->run->time};
    out->rhs.rates = rates;
    mech_func_add(&out->rhs, assign, l.n);
    return true;
}
