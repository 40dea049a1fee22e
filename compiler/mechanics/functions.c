/* functions — what is compiled beside the step: the start, and what is looked at.
 *
 * needs: momenta, energy, resolve      gives: MechRun.init, .observe and their outputs      changes: nothing
 */
#include "internal.h"

#include <string.h>

/* ---- start ---- */

/* The initial velocity of a body over its axes; 0 when every variable starts at rest. */
static IrTerm initial_velocity(Mech *m, const MechBody *b) {
    const SemaVar *vars = &m->run->vars[b->sema->first];
    uint32_t n = b->sema->n;
    bool moves = false;
    for (uint32_t i = 0; i < n; i++)
        moves = moves || (vars[i].init_v && !ir_is_zero(m->p, vars[i].init_v));
    if (!moves)
        return 0;
    if (n == 1 && vars[0].v == b->v)
        return vars[0].init_v;
    IrPiece *pieces = ARENA_ARRAY(m->arena, IrPiece, n);
    uint64_t offset = 0;
    for (uint32_t i = 0; i < n; i++) {
        const IrDefInfo *info = ir_def(m->p, vars[i].q);
        uint64_t extent[IR_MAX_RANK];
        uint32_t rank = info->rank;
        memcpy(extent, info->extent, sizeof extent);
        uint64_t at = info->kind == IR_DEF_VIEW ? info->offset : offset;
        IrTerm v = vars[i].init_v ? vars[i].init_v : ir_real(m->p, 0);
        pieces[i] = (IrPiece){mech_define(m, NULL, b->elem, rank, extent, v), {at, 0}};
        offset += ir_size(m->p, vars[i].q);
    }
    IrDef d = ir_concat(m->p, 0, b->elem, b->rank, b->extent, pieces, n);
    return ir_read(m->p, d, b->at, b->rank);
}

/* q from its declarations. */
static void init_coordinates(Mech *m, IrFunc *f) {
    const SemaRun *run = m->run;
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, run->n_vars);
    for (uint32_t i = 0; i < run->n_vars; i++) {
        IrTerm value = run->vars[i].init ? run->vars[i].init : ir_real(m->p, 0);
        assign[i] = (IrAssign){run->vars[i].q, value, run->vars[i].span};
    }
    mech_func_add(f, assign, run->n_vars);
}

/* Data that are drawn are states which nothing moves; what else starts may read them. */
static bool is_drawn(const SemaState *s) { return s->drawn; }

/* The states that are drawn data, or all others. */
static void init_states(Mech *m, IrFunc *f, bool drawn) {
    const SemaRun *run = m->run;
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, run->n_states);
    uint32_t n = 0;
    for (uint32_t i = 0; i < run->n_states; i++) {
        if (is_drawn(&run->states[i]) != drawn)
            continue;
        IrTerm value = run->states[i].start ? run->states[i].start : ir_real(m->p, 0);
        assign[n++] = (IrAssign){run->states[i].s, value, run->states[i].span};
    }
    mech_func_add(f, assign, n);
}

/* v, or p = ∂L/∂q' at the initial velocities. What follows from conditions comes first. */
static bool init_motion(Mech *m, IrFunc *f) {
    if (m->out->first_order)
        return true;
    IrReplace *start = ARENA_ARRAY(m->arena, IrReplace, m->n);
    IrTerm *velocity = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        IrTerm v = initial_velocity(m, &m->bodies[a]);
        velocity[a] = v ? v : ir_real(m->p, 0);
        start[a] = (IrReplace){.from = m->bodies[a].v, .body = velocity[a]};
    }
    if (!mech_add_conditions(m, velocity, f))
        return false;
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, m->n);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        if (b->order != MECH_SECOND)
            continue;
        IrTerm p = m->stores_p && b->momentum ? ir_replace(m->p, b->momentum, start, m->n) : ir_real(m->p, 0);
        assign[n++] = (IrAssign){m->stores_p ? b->p : b->v, m->stores_p ? p : start[a].body, b->sema->span};
    }
    mech_func_add(f, assign, n);
    return true;
}

/* Every row of the constraints is kept until the start has been looked at. */
static void init_kept(Mech *m, IrFunc *f) {
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, m->n_constraints);
    uint32_t n = 0;
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        if (m->constraints[r].kept)
            assign[n++] = (IrAssign){m->constraints[r].kept, ir_real(m->p, 1), m->constraints[r].span};
    }
    mech_func_add(f, assign, n);
}

/* ---- what is looked at ---- */

typedef struct Outputs {
    IrAssign *at;
    uint32_t n;
} Outputs;

IrDef mech_output(Mech *m, IrDef value, Span span, IrAssign *assign) {
    value = mech_resolve_def(m, value);
    const IrDefInfo *info = ir_def(m->p, value);
    uint32_t rank = info->rank;
    Name name = info->name;
    uint64_t extent[IR_MAX_RANK];
    memcpy(extent, info->extent, sizeof extent);
    IrTerm at[IR_MAX_RANK];
    for (uint32_t k = 0; k < rank; k++)
        at[k] = ir_idx(m->p, ir_axis(m->p, k, extent[k]));
    IrDef out = ir_input(m->p, name, IR_ROLE_OUTPUT, IR_F64, rank, extent);
    IrTerm read = ir_to_real(m->p, ir_read(m->p, value, at, rank));
    *assign = (IrAssign){out, read, span};
    return out;
}

static IrDef add_output(Mech *m, Outputs *o, IrDef value, Span span) {
    return mech_output(m, value, span, &o->at[o->n++]);
}

static IrDef add_scalar(Mech *m, Outputs *o, const char *name, IrTerm value, Span span) {
    IrDef out = ir_input(m->p, name_of(m->session->names, name), IR_ROLE_OUTPUT, IR_F64, 0, NULL);
    o->at[o->n++] = (IrAssign){out, mech_resolve(m, value), span};
    return out;
}

static void add_records(Mech *m, Outputs *o) {
    const SemaRun *run = m->run;
    m->out->outputs = ARENA_ARRAY(m->arena, IrDef, run->n_records);
    for (uint32_t i = 0; i < run->n_records; i++)
        m->out->outputs[i] = add_output(m, o, run->records[i].value, run->records[i].span);
    m->out->expects = ARENA_ARRAY(m->arena, IrDef, 3 * run->n_expects);
    for (uint32_t i = 0; i < run->n_expects; i++) {
        const SemaExpect *e = &run->expects[i];
        IrDef side[3] = {e->a, e->b, e->within};
        for (uint32_t k = 0; k < 3; k++) {
            if (side[k])
                m->out->expects[3 * i + k] = add_output(m, o, side[k], e->span);
        }
    }
}

static void add_charges(Mech *m, Outputs *o) {
    for (uint32_t i = 0; i < m->charges.n; i++) {
        MechCharge *c = &m->charges.at[i];
        uint32_t rank = c->like ? ir_def(m->p, c->like)->rank : 0;
        uint64_t extent[IR_MAX_RANK] = {0};
        if (c->like)
            memcpy(extent, ir_def(m->p, c->like)->extent, sizeof extent);
        c->output = ir_input(m->p, name_of(m->session->names, c->name), IR_ROLE_OUTPUT, IR_F64, rank, extent);
        o->at[o->n++] = (IrAssign){c->output, mech_resolve(m, c->value), c->span};
    }
    m->out->charges = arena_copy(m->arena, m->charges.at, m->charges.n * sizeof *m->charges.at);
    m->out->n_charges = m->charges.n;
}

bool mech_pass_functions(Mech *m) {
    const SemaRun *run = m->run;
    mech_func_start(m, &m->out->init, "init", false, 6);
    m->out->init.seldom = true;
    if (run->copies)
        mech_func_start(m, &m->out->draw, "draw", false, 1);
    init_states(m, run->copies ? &m->out->draw : &m->out->init, true);
    init_coordinates(m, &m->out->init);
    init_states(m, &m->out->init, false);
    if (!init_motion(m, &m->out->init))
        return false;
    init_kept(m, &m->out->init);
    uint32_t most = run->n_records + 3 * run->n_expects + run->n_gathers + 2 + m->charges.n;
    Outputs o = {ARENA_ARRAY(ir_arena(m->p), IrAssign, most), 0};
    add_records(m, &o);
    m->out->gathers = ARENA_ARRAY(m->arena, IrDef, run->n_gathers + 1);
    for (uint32_t k = 0; k < run->n_gathers; k++)
        m->out->gathers[k] = add_output(m, &o, run->gathers[k].value, run->span);
    add_charges(m, &o);
    if (m->potential)
        m->out->loss = add_scalar(m, &o, "loss", m->potential, m->potential_span);
    if (m->energy && (!m->out->first_order || m->skew) && !run->block)
        m->out->energy = add_scalar(m, &o, "energy",
                                    m->stores_p && m->hamiltonian ? m->hamiltonian : m->energy, run->span);
    mech_func_start(m, &m->out->observe, "observe", false, 1);
    mech_func_add(&m->out->observe, o.at, o.n);
    return true;
}
