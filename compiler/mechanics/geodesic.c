/* geodesic — the parts of a word on constraints: kicks that stay in the cotangent space, drifts that stay on c = 0.
 *
 * needs: MechConstraint[] (holonomic), MechPart[]      gives: groups of assignments      changes: the function of the step
 *
 * A kick moves the momenta as if they were free and takes back what leads away from the constraints: p ← p + Jᵀν with
 * J q'(p) + ∂c/∂t = 0. A drift over h goes along q' of momenta that the constraints have pushed, p ← p + Jᵀ(q) μ, so that it ends
 * on them, c(q⁺) = 0 with q⁺ = q + h M⁻¹ p: μ is the root of as many equations as there are rows. So half a kick, a drift, half a
 * kick is RATTLE (H. Andersen, J. Comput. Phys. 52 (1983) 24; B. Leimkuhler, R. Skeel, J. Comput. Phys. 112 (1994) 117), and the
 * drift by itself is a symmetric, symplectic map of order two along the geodesics. With a bath, whose noise is projected like
 * any kick, the words of Langevin motion are those of B. Leimkuhler, C. Matthews, Proc. R. Soc. A 472 (2016) 20160138. */
#include "internal.h"

/* ---- what a word cannot keep ---- */

static bool refuse(Mech *m, Span span, const char *what, const char *help) {
    Diag *d = diag_error(m->session, DIAG_MECH_CONSTRAINT, span, "%s", what);
    diag_help(m->session, d, "%s", help);
    return false;
}

static const char *const by_method = "use a method such as dop853 or rk4 on the same system";

/* The rate of a momentum's decay must be one number for all: then decay and constraint do not disturb each other. */
static bool decay_is_even(Mech *m, const MechPart *part) {
    for (uint32_t i = 0; i < part->n; i++) {
        const MechRate *r = &part->rate[i];
        if (r->drag || r->implicit)
            return false;
        bool even = (r->b ? r->b : 0) == (part->rate[0].b ? part->rate[0].b : 0);
        if (!even || (r->b && ir_node(m->p, r->b)->free))
            return false;
    }
    return true;
}

static bool moves_bodies(Mech *m, const MechPart *part) {
    for (uint32_t i = 0; i < part->n; i++) {
        for (uint32_t a = 0; a < m->n; a++) {
            if (part->rate[i].target == m->bodies[a].q || part->rate[i].target == m->bodies[a].p)
                return true;
        }
    }
    return false;
}

static bool check_part(Mech *m, const MechPart *part) {
    const char *name = name_text(m->session->names, part->name);
    if (part->kind == PART_FLOW && moves_bodies(m, part))
        return refuse(m, part->span, mech_text(m, "the flow `%s` moves coordinates that constraints hold", name),
                      "write what it does as a force or a dissipation, which constraints answer to");
    if (part->kind == PART_BATH && m->out->first_order)
        return refuse(m, part->span, "the noise of a bath without inertia is not that of motion on constraints",
                      "give `kinetic`: with inertia the noise is projected to the constraints");
    if ((part->kind == PART_P || part->kind == PART_BATH) && !decay_is_even(m, part))
        return refuse(m, m->dissipation_span,
                      mech_text(m,
                                "the part `%s` cannot keep the constraints: the friction damps momenta at different rates, "
                                "and constraints tie them",
                                name),
                      "give a dissipation proportional to the kinetic energy, `dissipation = γ * kinetic`, or use a method");
    return true;
}

bool mech_check_held_word(Mech *m) {
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        if (!m->constraints[r].holonomic)
            return refuse(m, m->constraints[r].span,
                          mech_text(m, "the word of `%s` keeps constraints between positions, and this one is on velocities",
                                    name_text(m->session->names, m->run->dynamics)),
                          by_method);
    }
    for (uint32_t i = 0; i < m->n_parts; i++) {
        if (!check_part(m, &m->parts[i]))
            return false;
    }
    return true;
}

/* ---- kicks ---- */

/* p ← p + Jᵀν with J q'(p) + ∂c/∂t = 0 at time t + now. */
static bool add_projection(Mech *m, IrFunc *f, IrTerm now, Span span) {
    IrTerm *g = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints), *nu = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints);
    IrTerm *push = ARENA_ARRAY(m->arena, IrTerm, m->n);
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, m->n);
    uint32_t n = 0;
    for (uint32_t r = 0; r < m->n_constraints; r++)
        g[r] = ir_neg(m->p, mech_resolve(m, m->constraints[r].rate));
    if (!mech_multipliers(m, mech_stored_metric(m), NULL, g, "ν", NULL, nu))
        return false;
    mech_reaction(m, nu, push);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        if (!push[a])
            continue;
        IrTerm value = mech_shift_time(m, ir_add(m->p, ir_read(m->p, b->p, b->at, b->rank), push[a]), now);
        assign[n++] = (IrAssign){b->p, value, span};
    }
    mech_func_add(f, assign, n);
    return true;
}

/* ---- drifts ---- */

/* The rate of part `part` that moves body a. */
static const MechRate *rate_of(Mech *m, const MechPart *part, uint32_t a) {
    for (uint32_t i = 0; i < part->n; i++) {
        if (part->rate[i].target == m->bodies[a].q)
            return &part->rate[i];
    }
    return NULL;
}

typedef struct Drift {
    IrTerm *free;  /* per body: where it ends without constraints, in (q, p) */
    IrTerm *push;  /* per body: Jᵀλ; 0: none */
    IrTerm *end;   /* per body: where it ends with them */
} Drift;

/* Where the drift ends when the constraints push by Jᵀλ at its beginning: the momenta, or, without inertia, the coordinates. */
static void set_end(Mech *m, Drift *d, const IrTerm *lambda) {
    IrReplace *pushed = ARENA_ARRAY(m->arena, IrReplace, m->n);
    uint32_t n = 0;
    mech_reaction(m, lambda, d->push);
    for (uint32_t a = 0; a < m->n && !m->out->first_order; a++) {
        const MechBody *b = &m->bodies[a];
        if (d->push[a])
            pushed[n++] = (IrReplace){b->p, ir_add(m->p, ir_read(m->p, b->p, b->at, b->rank), d->push[a]), 0};
    }
    for (uint32_t a = 0; a < m->n; a++) {
        d->end[a] = n ? ir_replace(m->p, d->free[a], pushed, n) : d->free[a];
        if (m->out->first_order && d->push[a])
            d->end[a] = ir_add(m->p, d->free[a], d->push[a]);
    }
}

/* c, or 0 where it is nothing but rounding; its derivative stays. */
static IrTerm without_rounding(Mech *m, uint32_t r, IrTerm c) {
    IrProgram *p = m->p;
    IrTerm least = ir_mul(p, ir_real(p, 0x1p-50), mech_row_scale(m, r));
    IrTerm small = ir_select(p, ir_op2(p, IR_LE, ir_op1(p, IR_ABS, c), least), c, ir_real(p, 0));
    return ir_sub(p, c, ir_op1(p, IR_FROZEN, small));
}

/* c of constraint r at the end of the drift, at time t + then; a row that is left out says λ = 0. */
static IrTerm residual_at(Mech *m, const Drift *d, uint32_t r, IrTerm lambda, IrTerm then) {
    const MechConstraint *c = &m->constraints[r];
    IrReplace *moved = ARENA_ARRAY(m->arena, IrReplace, m->n);
    for (uint32_t a = 0; a < m->n; a++)
        moved[a] = (IrReplace){.from = m->bodies[a].q, .body = d->end[a]};
    IrTerm t = without_rounding(m, r, ir_replace(m->p, mech_shift_time(m, c->residual, then), moved, m->n));
    if (!c->kept)
        return t;
    IrTerm kept = ir_read(m->p, c->kept, c->row.at, c->row.rank);
    return ir_add(m->p, ir_mul(m->p, kept, t), ir_mul(m->p, ir_sub(m->p, ir_real(m->p, 1), kept), lambda));
}

/* λ for which the drift ends on the constraints. */
static bool solve_lambda(Mech *m, Drift *d, IrTerm then, IrTerm *lambda) {
    uint32_t n = m->n_constraints;
    MechShape *shape = ARENA_ARRAY(m->arena, MechShape, n);
    IrTerm *residual = ARENA_ARRAY(m->arena, IrTerm, n), *start = ARENA_ARRAY(m->arena, IrTerm, n);
    IrDef *value = ARENA_ARRAY(m->arena, IrDef, n);
    MechUnknowns u;
    for (uint32_t r = 0; r < n; r++)
        shape[r] = mech_shape_like(&m->constraints[r].row, n == 1 ? "μ" : mech_text(m, "μ_%u", r + 1));
    mech_unknowns(m, shape, n, &u);
    for (uint32_t r = 0; r < n; r++) {
        const MechBody *row = &m->constraints[r].row;
        lambda[r] = ir_read(m->p, u.part[r], row->at, row->rank);
        start[r] = ir_real(m->p, 0);
    }
    set_end(m, d, lambda);
    for (uint32_t r = 0; r < n; r++)
        residual[r] = residual_at(m, d, r, lambda[r], then);
    if (!mech_root(m, &u, residual, start, m->constraints[0].span, value))
        return false;
    for (uint32_t r = 0; r < n; r++)
        lambda[r] = ir_read(m->p, value[r], m->constraints[r].row.at, m->constraints[r].row.rank);
    set_end(m, d, lambda);
    return true;
}

/* The constraints with J as it is at time t + now. */
static MechConstraint *constraints_at(Mech *m, IrTerm now) {
    MechConstraint *at = arena_copy(m->arena, m->constraints, m->n_constraints * sizeof *at);
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        at[r].jacobian = ARENA_ARRAY(m->arena, IrTerm, m->n);
        for (uint32_t a = 0; a < m->n; a++) {
            IrTerm t = m->constraints[r].jacobian[a];
            at[r].jacobian[a] = t ? mech_shift_time(m, t, now) : 0;
        }
    }
    return at;
}

/* The drift over h from t + now to t + then, with what it itself needs of the time at the middle. */
static bool add_drift(Mech *m, IrFunc *f, const MechPart *part, IrTerm h, IrTerm now, IrTerm middle, IrTerm then, Span span) {
    IrTerm *lambda = ARENA_ARRAY(m->arena, IrTerm, m->n_constraints);
    Drift d = {ARENA_ARRAY(m->arena, IrTerm, m->n), ARENA_ARRAY(m->arena, IrTerm, m->n), ARENA_ARRAY(m->arena, IrTerm, m->n)};
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, 2 * m->n);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        const MechRate *rate = rate_of(m, part, a);
        d.free[a] = rate ? mech_shift_time(m, mech_flow_value(m, rate, h, m->next_site++), middle)
                         : ir_read(m->p, b->q, b->at, b->rank);
    }
    MechConstraint *present = m->constraints;
    m->constraints = constraints_at(m, now); /* they push at the beginning */
    bool ok = solve_lambda(m, &d, then, lambda);
    m->constraints = present;
    if (!ok)
        return false;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        assign[n++] = (IrAssign){b->q, d.end[a], span};
        if (d.push[a] && !m->out->first_order)
            assign[n++] = (IrAssign){b->p, ir_add(m->p, ir_read(m->p, b->p, b->at, b->rank), d.push[a]), span};
    }
    mech_func_add(f, assign, n);
    return true;
}

/* ---- an element of the word ---- */

bool mech_add_held(Mech *m, IrFunc *f, const MechPart *part, const SemaWord *element, double elapsed) {
    IrTerm h = mech_times(m, ir_real(m->p, element->fraction), m->step);
    double passes = part->moves_time ? element->fraction : 0;
    IrTerm now = mech_times(m, ir_real(m->p, elapsed), m->step);
    IrTerm middle = mech_times(m, ir_real(m->p, elapsed + passes / 2), m->step);
    IrTerm then = mech_times(m, ir_real(m->p, elapsed + passes), m->step);
    if (part->kind == PART_Q)
        return add_drift(m, f, part, h, now, middle, then, element->span) &&
               (m->out->first_order || add_projection(m, f, then, element->span));
    return add_projection(m, f, now, element->span);
}
