/* hold — what keeps a motion on its constraints: the way back to them after a step, and what is looked at at the start.
 *
 * needs: MechConstraint[], conditions, the mass matrix, q'(q, p, t)      gives: MechRun.hold      changes: nothing
 *
 * The accelerations keep the second derivative of c at 0, and the error of a method lets c itself drift. After each step the
 * state goes back: q ← q + δq with J δq = −c, the shortest way in the metric M (one step of Newton's method), then
 * q' ← q' + δv with J δv = −(J q' + b). The way is as long as the method's error, so its order stays (Hairer, Lubich, Wanner,
 * Geometric Numerical Integration, section IV.4). */
#include "internal.h"

/* Without masses (first-order motion) distances are those of the coordinates themselves. */
static const MechForm *metric(Mech *m) {
    if (!m->out->first_order)
        return &m->mass;
    MechForm *f = ARENA_NEW(m->arena, MechForm);
    *f = (MechForm){.quadratic = true};
    f->block = ARENA_ARRAY(m->arena, IrTerm, m->n * m->n);
    f->diagonal = ARENA_ARRAY(m->arena, IrTerm, m->n);
    f->component = ARENA_ARRAY(m->arena, uint32_t, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrTerm one = ir_real(m->p, 1);
        for (uint32_t k = 0; k < b->rank; k++)
            one = ir_mul(m->p, one, ir_bracket(m->p, b->at[k], ir_idx(m->p, ir_axis(m->p, b->rank + k, b->extent[k]))));
        f->block[a * m->n + a] = one;
    }
    mech_form_couple(m, f);
    return f;
}

static IrTerm read_body(Mech *m, const MechBody *b, IrDef d) { return ir_read(m->p, d, b->at, b->rank); }

/* A group that adds change[a] to variable of[a]; momenta and velocities stand for mass · velocity where q is stored alone. */
static void add_changes(Mech *m, IrFunc *f, const IrDef *of, const IrTerm *change) {
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, m->n);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        if (!change[a] || ir_is_zero(m->p, change[a]))
            continue;
        IrTerm value = ir_add(m->p, read_body(m, &m->bodies[a], of[a]), change[a]);
        assign[n++] = (IrAssign){of[a], value, m->bodies[a].sema->span};
    }
    mech_func_add(f, assign, n);
}

const MechForm *mech_stored_metric(Mech *m) {
    const MechForm *f = metric(m);
    if (!m->stores_p || m->out->first_order || f->of_momenta)
        return f;
    MechForm *out = ARENA_NEW(m->arena, MechForm);
    *out = *f;
    out->block = ARENA_ARRAY(m->arena, IrTerm, m->n * m->n);
    out->diagonal = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t i = 0; i < m->n * m->n; i++)
        out->block[i] = mech_resolve(m, f->block[i]);
    for (uint32_t a = 0; a < m->n; a++)
        out->diagonal[a] = mech_resolve(m, f->diagonal[a]);
    return out;
}

static bool project_positions(Mech *m, const MechForm *mass, IrFunc *f) {
    IrTerm *g = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints), *mu = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints);
    IrTerm *x = ARENA_ARRAY(m->arena, IrTerm, m->n);
    IrDef *q = ARENA_ARRAY(m->arena, IrDef, m->n);
    bool any = false;
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        g[r] = m->constraints[r].holonomic ? ir_neg(m->p, m->constraints[r].residual) : 0;
        any = any || g[r];
    }
    if (!any)
        return true;
    if (!mech_multipliers(m, mass, NULL, g, "μ", x, mu))
        return false;
    for (uint32_t a = 0; a < m->n; a++)
        q[a] = m->bodies[a].q;
    add_changes(m, f, q, x);
    return true;
}

/* δv with J δv = −(J q' + b), or δp = Jᵀμ. */
static bool project_velocities(Mech *m, const MechForm *mass, IrFunc *f) {
    IrTerm *g = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints), *mu = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints);
    IrTerm *x = ARENA_ARRAY(m->arena, IrTerm, m->n);
    IrDef *v = ARENA_ARRAY(m->arena, IrDef, m->n);
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        IrTerm rate = m->constraints[r].rate;
        g[r] = ir_neg(m->p, m->stores_p ? mech_resolve(m, rate) : rate);
    }
    if (!mech_multipliers(m, mass, NULL, g, "ν", m->stores_p ? NULL : x, mu))
        return false;
    if (m->stores_p)
        mech_reaction(m, mu, x);
    for (uint32_t a = 0; a < m->n; a++)
        v[a] = m->stores_p ? m->bodies[a].p : m->bodies[a].v;
    add_changes(m, f, v, x);
    return true;
}

/* ---- what is looked at ---- */

/* An OUTPUT that holds the values of a definition. */
static IrDef output(Mech *m, IrAssign *assign, const char *name, IrDef value, Span span) {
    const IrDefInfo info = *ir_def(m->p, value);
    IrDef out = ir_input(m->p, name_of(m->session->names, name), IR_ROLE_OUTPUT, IR_F64, info.rank, info.extent);
    *assign = (IrAssign){out, ir_read_whole(m->p, value), span};
    return out;
}

/* The rows of all constraints one after the other. */
static IrDef stacked(Mech *m, IrTerm (*get)(Mech *, const MechConstraint *)) {
    IrPiece *pieces = ARENA_ARRAY(m->arena, IrPiece, m->n_constraints);
    uint64_t offset = 0;
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        const MechBody *row = &m->constraints[r].row;
        pieces[r] = (IrPiece){mech_define(m, NULL, IR_F64, row->rank, row->extent, get(m, &m->constraints[r])), {offset, 0}};
        offset += row->size;
    }
    return ir_concat(m->p, 0, IR_F64, 1, &m->n_rows, pieces, m->n_constraints);
}

static IrTerm get_residual(Mech *m, const MechConstraint *c) { return mech_resolve(m, c->residual); }
static IrTerm get_rate(Mech *m, const MechConstraint *c) { return mech_resolve(m, c->rate); }

/* t over row-major position 0 of the row and 1 of the body: a matrix. */
static IrDef flat(Mech *m, const MechConstraint *c, const MechBody *b, IrTerm t) {
    MechForm pair = {.symbol = "J"};
    Mech two = *m;
    MechBody bodies[2] = {c->row, *b};
    IrTerm block[4] = {0, t, 0, 0};
    two.bodies = bodies;
    two.n = 2;
    pair.block = block;
    return mech_form_flat(&two, &pair, 0, 1);
}

static IrDef jacobian(Mech *m) {
    uint64_t extent[2] = {m->n_rows, 0}, row = 0;
    uint32_t n = 0;
    IrPiece *pieces = ARENA_ARRAY(m->arena, IrPiece, m->n_constraints * m->n);
    for (uint32_t a = 0; a < m->n; a++)
        extent[1] += m->bodies[a].size;
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        const MechConstraint *c = &m->constraints[r];
        uint64_t column = 0;
        for (uint32_t a = 0; a < m->n; a++) {
            if (c->jacobian[a])
                pieces[n++] = (IrPiece){flat(m, c, &m->bodies[a], c->jacobian[a]), {row, column}};
            column += m->bodies[a].size;
        }
        row += c->row.size;
    }
    return ir_concat(m->p, 0, IR_F64, 2, extent, pieces, n);
}

bool mech_pass_hold(Mech *m) {
    bool conditions = m->mixed && m->mixed->n_algebraic;
    if (!m->n_constraints && !conditions)
        return true;
    MechHold *h = m->out->hold = ARENA_NEW(m->arena, MechHold);
    mech_func_start(m, &h->project, "project", false, 3);
    if (!m->n_constraints)
        return mech_add_conditions(m, NULL, &h->project);
    const MechForm *mass = mech_stored_metric(m);
    if (!project_positions(m, mass, &h->project) ||
        (!m->out->first_order && !project_velocities(m, mass, &h->project)) ||
        !mech_add_conditions(m, NULL, &h->project))
        return false;
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, 3);
    h->violation = output(m, &assign[0], "violation", stacked(m, get_residual), m->run->span);
    h->rate = output(m, &assign[1], "rate", stacked(m, get_rate), m->run->span);
    h->jacobian = output(m, &assign[2], "jacobian", jacobian(m), m->run->span);
    mech_func_start(m, &h->inspect, "inspect", false, 1);
    mech_func_add(&h->inspect, assign, 3);
    h->n = m->n_constraints;
    h->at = ARENA_ARRAY(m->arena, MechHeld, h->n);
    for (uint32_t r = 0; r < h->n; r++) {
        const MechConstraint *c = &m->constraints[r];
        h->at[r] = (MechHeld){c->span, c->row.size, c->holonomic, c->kept};
    }
    return true;
}
