/* mixed — coordinates without inertia beside others that have it.
 *
 * needs: p = ∂L/∂q', M, dissipation, ∂L/∂q      gives: the order of each coordinate, its velocity or its condition
 * changes: the mass matrix, which gets 1 for what has no mass, so that it can be solved as a whole
 *
 * Where the Hessian of L in the velocities vanishes for some coordinates, the equation of each of them,
 *
 *     d/dt ∂L/∂z' = ∂L/∂z − ∂R/∂z' + Q,      ∂L/∂z' = a_z(q, t),
 *
 * has no acceleration in it (P. Dirac, Lectures on Quantum Mechanics, chapter 1; L. Faddeev, R. Jackiw, Phys. Rev. Lett. 60 (1988)
 * 1692). Its velocities stand in it linearly, before the matrix Ω − G with Ω_zw = ∂a_w/∂z − ∂a_z/∂w and the friction G:
 *
 *   - a light coordinate has an entry there: (G − Ω) z' = ∂L/∂z at z' = 0 − ∂a_z/∂x x' − ∂a_z/∂t + Q gives z' by positions and
 *     the velocities x' of what has inertia, which moves by M x'' = … with that z';
 *   - an algebraic one has none: what is left is a condition g(q, x', t) = 0, and where ∂g/∂s is regular it gives s (a system of
 *     index one). Its rate of change, ∂g/∂x' x'' + ∂g/∂s s' + … = 0, is solved together with M x'' = …, and s is put back on
 *     g = 0 after each step. */
#include "internal.h"

#include <stdlib.h>

/* ---- which coordinates ---- */

static bool has_inertia(Mech *m, uint32_t a) {
    bool any = mech_is_held(m, &m->bodies[a]);
    for (uint32_t c = 0; c < m->n; c++)
        any = any || m->mass.block[a * m->n + c];
    return any;
}

static bool has_friction(Mech *m, uint32_t a, uint32_t c) {
    return m->dissipation && m->friction.block[a * m->n + c];
}

/* Ω among the candidates; a candidate with an entry there, or a friction, is light. */
static bool sort_candidates(Mech *m, const uint32_t *candidate, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t a = candidate[i];
        m->bodies[a].order = MECH_ALGEBRAIC;
        for (uint32_t k = 0; k < n; k++) {
            IrTerm *omega = &m->omega[a * m->n + candidate[k]];
            if (!mech_omega(m, a, candidate[k], omega))
                return false;
            if (*omega || has_friction(m, a, candidate[k]))
                m->bodies[a].order = MECH_FIRST;
        }
        for (uint32_t c = 0; c < m->n; c++)
            if (has_friction(m, a, c))
                m->bodies[a].order = MECH_FIRST;
    }
    return true;
}

/* δ over the axes of a body and as many more. */
static IrTerm identity(Mech *m, const MechBody *b) {
    IrTerm one = ir_real(m->p, 1);
    for (uint32_t k = 0; k < b->rank; k++)
        one = ir_mul(m->p, one, ir_bracket(m->p, b->at[k], ir_idx(m->p, ir_axis(m->p, b->rank + k, b->extent[k]))));
    return one;
}

/* A velocity that an equation of first order gives cannot be given at the start. */
static void warn_of_velocity(Mech *m, const MechBody *b) {
    for (uint32_t i = b->sema->first; i < b->sema->first + b->sema->n; i++) {
        const SemaVar *v = &m->run->vars[i];
        if (!v->init_v || ir_is_zero(m->p, v->init_v))
            continue;
        Diag *d = diag_warn(m->session, DIAG_MECH_VELOCITY, v->span,
                            "the velocity given for `%s` at the start is not used: %s has no inertia, and %s' follows from the "
                            "equations of motion",
                            name_text(m->session->names, v->name), name_text(m->session->names, v->name),
                            name_text(m->session->names, v->name));
        diag_help(m->session, d, "leave it out, or give `%s` a kinetic energy", name_text(m->session->names, v->name));
    }
}

static MechMixed *new_mixed(Mech *m) {
    MechMixed *x = ARENA_NEW(m->arena, MechMixed);
    x->light = ARENA_ARRAY(m->arena, uint32_t, m->n);
    x->algebraic = ARENA_ARRAY(m->arena, uint32_t, m->n);
    x->rhs = ARENA_ARRAY(m->arena, IrTerm, m->n);
    x->velocity = ARENA_ARRAY(m->arena, IrTerm, m->n);
    x->condition = ARENA_ARRAY(m->arena, IrTerm, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        if (m->bodies[a].order == MECH_SECOND)
            continue;
        if (m->bodies[a].order == MECH_FIRST)
            x->light[x->n_light++] = a;
        else
            x->algebraic[x->n_algebraic++] = a;
        m->mass.block[a * m->n + a] = identity(m, &m->bodies[a]);
        warn_of_velocity(m, &m->bodies[a]);
    }
    mech_form_couple(m, &m->mass);
    return x;
}

bool mech_pass_orders(Mech *m) {
    if (m->hamiltonian || m->dual) /* the kinetic energy is a norm's, of all velocities that occur in it */
        return true;
    for (uint32_t a = 0; a < m->n && m->out->first_order; a++)
        m->bodies[a].order = MECH_FIRST;
    if (m->out->first_order)
        return true;
    uint32_t *candidate = ARENA_ARRAY(m->arena, uint32_t, m->n), n = 0;
    for (uint32_t a = 0; a < m->n; a++)
        if (!has_inertia(m, a))
            candidate[n++] = a;
    if (n) {
        m->omega = ARENA_ARRAY(m->arena, IrTerm, m->n * m->n);
        if (!sort_candidates(m, candidate, n))
            return false;
        m->mixed = new_mixed(m);
    }
    return mech_check_inertia(m, &m->mass, m->kinetic_span);
}

/* ---- what their equations say ---- */

IrTerm mech_without_light(Mech *m, IrTerm t) {
    IrReplace *still = ARENA_ARRAY(m->arena, IrReplace, m->n);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++)
        if (m->bodies[a].order != MECH_SECOND)
            still[n++] = (IrReplace){.from = m->bodies[a].v, .body = ir_real(m->p, 0)};
    return ir_replace(m->p, t, still, n);
}

static bool on_lower_velocities(Mech *m, IrTerm t) {
    for (uint32_t a = 0; a < m->n; a++)
        if (m->bodies[a].order != MECH_SECOND && ir_depends(m->p, t, m->bodies[a].v))
            return true;
    return false;
}

/* The derivative of a term over the axes of body b along q → q', t → 1 of the bodies up to an order; 0 after an error. */
static IrTerm along(Mech *m, const MechBody *b, const char *label, IrTerm t, MechBodyOrder most) {
    CalcSeed *seeds = ARENA_ARRAY(m->arena, CalcSeed, m->n + 1);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++)
        if (m->bodies[a].order <= most)
            seeds[n++] = (CalcSeed){m->bodies[a].q, m->bodies[a].v};
    if (m->run->time)
        seeds[n++] = (CalcSeed){m->run->time, ir_define(m->p, 0, IR_F64, NULL, 0, ir_real(m->p, 1))};
    IrDef d = calc_tangent_def(m->p, mech_define(m, label, b->elem, b->rank, b->extent, t), seeds, n);
    return d ? calc_tidy(m->p, calc_factor(m->p, ir_at_subs(m->p, d, b->at))) : 0;
}

static bool refuse_force(Mech *m, const MechBody *b) {
    Diag *d = diag_error(m->session, DIAG_MECH_FRICTION, b->external_span,
                         "the force on `%s` depends on velocities that follow from it: without kinetic energy only the dissipation may",
                         b->name);
    diag_help(m->session, d, "write a force against the velocity as a `dissipation`");
    return false;
}

/* ∂L/∂z − d/dt a_z − ∂R/∂z' + Q where nothing without inertia moves: in (q, q' of the others, t). 0 after an error. */
static IrTerm rest_of_equation(Mech *m, uint32_t a) {
    const MechBody *b = &m->bodies[a];
    IrTerm t = mech_without_light(m, b->dl_dq), own = along(m, b, mech_text(m, "a_%s", b->symbol), m->mass.linear[a], MECH_SECOND);
    if (!own)
        return 0;
    t = ir_sub(m->p, t, own);
    if (m->dissipation)
        t = ir_sub(m->p, t, mech_without_light(m, m->friction.gradient[a]));
    if (b->external)
        t = ir_add(m->p, t, b->external);
    return mech_smallest(m, calc_tidy(m->p, t));
}

/* ---- light coordinates ---- */

/* Those bodies alone. */
static Mech *only(Mech *m, const uint32_t *of, uint32_t n) {
    Mech *part = ARENA_NEW(m->arena, Mech);
    *part = *m;
    part->n = n;
    part->bodies = ARENA_ARRAY(m->arena, MechBody, n + 1);
    for (uint32_t i = 0; i < n; i++)
        part->bodies[i] = m->bodies[of[i]];
    return part;
}

static MechForm new_form(Mech *m, uint32_t n) {
    return (MechForm){.quadratic = true,
                      .block = ARENA_ARRAY(m->arena, IrTerm, n * n + 1),
                      .diagonal = ARENA_ARRAY(m->arena, IrTerm, n + 1),
                      .component = ARENA_ARRAY(m->arena, uint32_t, n + 1)};
}

static bool report_flow(Mech *m, const char *why, const char *help) {
    const MechMixed *x = m->mixed;
    bool one = x->n_light == 1;
    Diag *d = diag_error(m->session, DIAG_MECH_OMEGA, m->kinetic_span,
                         "the velocit%s of %s occur%s linearly beside others that have inertia, and %s equation%s %s not determine %s: %s",
                         one ? "y" : "ies", mech_list_of(m, x->light, x->n_light), one ? "s" : "", one ? "its" : "their",
                         one ? "" : "s", one ? "does" : "do", one ? "it" : "them", why);
    diag_help(m->session, d, "%s", help);
    return false;
}

/* Ω − G must be regular: for small systems at a generic point, for all where the size is odd and nothing rubs. */
static bool check_flow(Mech *m, Mech *light) {
    const MechMixed *x = m->mixed;
    double direction[MECH_SMALL];
    uint64_t size = 0;
    bool rubs = false;
    for (uint32_t i = 0; i < x->n_light; i++) {
        size += light->bodies[i].size;
        for (uint32_t k = 0; k < x->n_light; k++)
            rubs = rubs || has_friction(m, x->light[i], x->light[k]);
    }
    if (size % 2 && !rubs)
        return report_flow(m,
                           mech_text(m,
                                     "Ω = ∂a_j/∂q_i − ∂a_i/∂q_j among them is antisymmetric, and of odd size %llu it is singular",
                                     (unsigned long long)size),
                           "coordinates of such a motion come in pairs, each other's momenta: leave one out, add its partner, or "
                           "give a kinetic energy");
    if (!mech_form_singular(light, &x->flow, direction))
        return true;
    return report_flow(m,
                       mech_text(m, "Ω = ∂a_j/∂q_i − ∂a_i/∂q_j among them is singular, so nothing determines a motion with %s",
                                 mech_direction_text(light, direction)),
                       "leave that combination of coordinates out, or give it a friction or a kinetic energy");
}

static bool set_flow(Mech *m, Mech *light) {
    MechMixed *x = m->mixed;
    uint32_t n = x->n_light;
    x->flow = new_form(m, n);
    x->flow.skew = true;
    x->flow.symbol = "Ω";
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < n; k++) {
            uint32_t at = x->light[i] * m->n + x->light[k];
            IrTerm g = m->dissipation ? m->friction.block[at] : 0;
            if (g && mech_depends_any(m, g, MECH_ON_V)) {
                const char *name = m->bodies[x->light[i]].name;
                Diag *d = diag_error(m->session, DIAG_MECH_FRICTION, m->dissipation_span,
                                     "`%s` has no kinetic energy beside others that have, and this dissipation is not quadratic in its "
                                     "velocity, so ∂R/∂%s' = … is not solved for %s'",
                                     name, name, name);
                diag_help(m->session, d, "give `%s` a quadratic dissipation or a kinetic energy", name);
                return false;
            }
            IrTerm omega = m->omega[at];
            x->flow.block[i * n + k] = g && omega ? ir_sub(m->p, g, omega) : omega ? ir_neg(m->p, omega) : g;
        }
    }
    mech_form_couple(light, &x->flow);
    return check_flow(m, light);
}

IrTerm mech_by_stored(Mech *m, IrTerm t) {
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, m->n);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++)
        if (m->bodies[a].order == MECH_SECOND && m->bodies[a].velocity)
            r[n++] = (IrReplace){.from = m->bodies[a].v, .body = m->bodies[a].velocity};
    return m->stores_p ? ir_replace(m->p, t, r, n) : t;
}

static bool set_velocities(Mech *m) {
    MechMixed *x = m->mixed;
    Mech *light = only(m, x->light, x->n_light);
    if (!x->n_light)
        return true;
    if (!set_flow(m, light) || !mech_form_solve(light, &x->flow, x->rhs, x->velocity, false))
        return false;
    for (uint32_t i = 0; i < x->n_light; i++)
        m->bodies[x->light[i]].velocity = mech_by_stored(m, x->velocity[i]);
    return true;
}

/* ∂t/∂x of a term over the axes of rows, over those and then the columns'; 0: vanishes. False after an error. */
static bool slope(Mech *m, const MechBody *rows, IrTerm t, const MechBody *columns, IrDef x, IrTerm *out) {
    IrTerm at[IR_MAX_RANK];
    *out = 0;
    if (!ir_depends(m->p, t, x))
        return true;
    if (rows->rank + columns->rank > IR_MAX_RANK) {
        diag_error(m->session, DIAG_MECH_NO_INERTIA, columns->sema->span, "`%s` and `%s` have more than %d indices together",
                   rows->name, columns->name, IR_MAX_RANK);
        return false;
    }
    for (uint32_t k = 0; k < columns->rank; k++)
        at[k] = ir_idx(m->p, ir_axis(m->p, rows->rank + k, columns->extent[k]));
    IrTerm d = calc_partial(m->p, t, x, at);
    d = d ? calc_tidy(m->p, calc_factor(m->p, d)) : 0;
    *out = d && !ir_is_zero(m->p, d) ? d : 0;
    return d != 0;
}

/* ∂g/∂s must be regular. */
static bool check_conditions(Mech *m) {
    MechMixed *x = m->mixed;
    uint32_t n = x->n_algebraic, bad = 0;
    Mech *part = only(m, x->algebraic, n);
    MechForm form = new_form(m, n);
    double direction[MECH_SMALL];
    for (uint32_t i = 0; i < n; i++) {
        bool any = false;
        for (uint32_t k = 0; k < n; k++) {
            if (!slope(m, &part->bodies[i], x->condition[i], &part->bodies[k], part->bodies[k].q, &form.block[i * n + k]))
                return false;
            any = any || form.block[i * n + k];
        }
        if (!any) {
            mech_report_no_inertia(m, x->algebraic[i], x->condition[i]);
            bad++;
        }
    }
    if (bad)
        return false;
    if (!n || !mech_form_singular(part, &form, direction))
        return true;
    Diag *d = diag_error(m->session, DIAG_MECH_NO_INERTIA, part->bodies[0].sema->span,
                         "%s %s no kinetic energy, and the condition%s ∂L/∂q = 0 that %s equation%s leave%s do%s not determine %s: "
                         "their derivative vanishes along %s",
                         mech_list_of(m, x->algebraic, n), n == 1 ? "has" : "have", n == 1 ? "" : "s", n == 1 ? "its" : "their",
                         n == 1 ? "" : "s", n == 1 ? "s" : "", n == 1 ? "es" : "", n == 1 ? "it" : "them",
                         mech_direction_text(part, direction));
    diag_help(m->session, d, "a coordinate that enters linearly is a multiplier: write what it imposes as a `constraint`");
    return false;
}

bool mech_light_velocities(Mech *m) {
    MechMixed *x = m->mixed;
    if (!x)
        return true;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        if (b->external && b->order != MECH_SECOND && on_lower_velocities(m, b->external))
            return refuse_force(m, b);
    }
    for (uint32_t i = 0; i < x->n_light; i++)
        if (!(x->rhs[i] = rest_of_equation(m, x->light[i])))
            return false;
    for (uint32_t i = 0; i < x->n_algebraic; i++)
        if (!(x->condition[i] = rest_of_equation(m, x->algebraic[i])))
            return false;
    return set_velocities(m) && check_conditions(m);
}

IrTerm mech_at_light(Mech *m, IrTerm t) {
    const MechMixed *x = m->mixed;
    if (!x || !t)
        return t;
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, m->n);
    for (uint32_t i = 0; i < x->n_light; i++) {
        const MechBody *b = &m->bodies[x->light[i]];
        r[i] = (IrReplace){.from = b->v,
                           .to = mech_define(m, mech_text(m, "%s'", b->symbol), b->elem, b->rank, b->extent, x->velocity[i])};
    }
    return ir_replace(m->p, t, r, x->n_light);
}

/* ---- algebraic coordinates ---- */

/* Row of an algebraic body: −∂g/∂x' x'' − ∂g/∂s s' = the rest of g's rate. */
static bool add_condition_row(Mech *m, MechForm *form, uint32_t i, IrTerm *rhs) {
    const MechMixed *x = m->mixed;
    uint32_t row = x->algebraic[i];
    const MechBody *b = &m->bodies[row];
    IrTerm minus = calc_tidy(m->p, ir_sub(m->p, ir_real(m->p, 0), x->condition[i]));
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *other = &m->bodies[a];
        IrTerm *t = &form->block[row * m->n + a];
        *t = 0;
        if (other->order != MECH_FIRST && !slope(m, b, minus, other, other->order == MECH_SECOND ? other->v : other->q, t))
            return false;
    }
    rhs[row] = along(m, b, "g", x->condition[i], MECH_FIRST);
    return rhs[row] != 0;
}

/* What stands before the algebraic velocities in the equations of the others goes to the left. */
static bool move_velocities(Mech *m, MechForm *form, IrTerm *rhs) {
    const MechMixed *x = m->mixed;
    for (uint32_t a = 0; a < m->n; a++) {
        IrTerm t;
        if (m->bodies[a].order != MECH_SECOND)
            continue;
        for (uint32_t i = 0; i < x->n_algebraic; i++) {
            const MechBody *s = &m->bodies[x->algebraic[i]];
            if (!slope(m, &m->bodies[a], rhs[a], s, s->v, &t))
                return false;
            form->block[a * m->n + x->algebraic[i]] = t ? ir_neg(m->p, t) : 0;
            if (t && on_lower_velocities(m, t))
                return refuse_force(m, &m->bodies[a]);
        }
        for (uint32_t i = 0; i < x->n_algebraic; i++) {
            IrReplace still = {.from = m->bodies[x->algebraic[i]].v, .body = ir_real(m->p, 0)};
            rhs[a] = ir_replace(m->p, rhs[a], &still, 1);
        }
        rhs[a] = calc_tidy(m->p, rhs[a]);
    }
    return true;
}

bool mech_mixed_system(Mech *m, MechForm *form, IrTerm *rhs) {
    const MechMixed *x = m->mixed;
    *form = m->mass;
    if (!x)
        return true;
    for (uint32_t i = 0; i < x->n_light; i++)
        rhs[x->light[i]] = ir_real(m->p, 0);
    if (!x->n_algebraic)
        return true;
    MechForm whole = new_form(m, m->n);
    whole.structure = m->mass.structure;
    for (uint32_t i = 0; i < m->n * m->n; i++)
        whole.block[i] = m->mass.block[i];
    if (!move_velocities(m, &whole, rhs))
        return false;
    for (uint32_t i = 0; i < x->n_algebraic; i++)
        if (!add_condition_row(m, &whole, i, rhs))
            return false;
    mech_form_couple(m, &whole);
    *form = whole;
    return true;
}

/* t at other positions and velocities. */
static IrTerm elsewhere(Mech *m, IrTerm t, const IrTerm *q, const IrTerm *v) {
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, 2 * m->n + 1);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        if (q && m->bodies[a].order != MECH_ALGEBRAIC)
            r[n++] = (IrReplace){.from = m->bodies[a].q, .body = q[a]};
        if (v)
            r[n++] = (IrReplace){.from = m->bodies[a].v, .body = v[a]};
    }
    return ir_replace(m->p, t, r, n);
}

bool mech_solve_conditions(Mech *m, const IrTerm *q, const IrTerm *v, IrTerm *value) {
    const MechMixed *x = m->mixed;
    uint32_t n = x->n_algebraic;
    MechShape *shape = ARENA_ARRAY(m->arena, MechShape, n);
    IrTerm *residual = ARENA_ARRAY(m->arena, IrTerm, n), *start = ARENA_ARRAY(m->arena, IrTerm, n);
    IrReplace *unknown = ARENA_ARRAY(m->arena, IrReplace, n);
    IrDef *found = ARENA_ARRAY(m->arena, IrDef, n);
    MechUnknowns u;
    for (uint32_t i = 0; i < n; i++) {
        const MechBody *b = &m->bodies[x->algebraic[i]];
        shape[i] = mech_shape_like(b, b->symbol);
        start[i] = ir_read(m->p, b->q, b->at, b->rank);
    }
    mech_unknowns(m, shape, n, &u);
    for (uint32_t i = 0; i < n; i++)
        unknown[i] = (IrReplace){.from = m->bodies[x->algebraic[i]].q, .to = u.part[i]};
    for (uint32_t i = 0; i < n; i++) {
        IrTerm g = elsewhere(m, x->condition[i], q, v);
        residual[i] = ir_replace(m->p, g, unknown, n);
    }
    if (!mech_root(m, &u, residual, start, m->bodies[x->algebraic[0]].sema->span, found))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const MechBody *b = &m->bodies[x->algebraic[i]];
        value[i] = ir_read(m->p, found[i], b->at, b->rank);
    }
    return true;
}

bool mech_add_conditions(Mech *m, const IrTerm *v, IrFunc *f) {
    const MechMixed *x = m->mixed;
    if (!x || !x->n_algebraic)
        return true;
    IrTerm *value = ARENA_ARRAY(m->arena, IrTerm, x->n_algebraic), *by = ARENA_ARRAY(m->arena, IrTerm, m->n);
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, x->n_algebraic);
    for (uint32_t a = 0; a < m->n && !v && m->stores_p; a++)
        by[a] = m->bodies[a].order == MECH_SECOND ? m->bodies[a].velocity : ir_real(m->p, 0);
    if (!mech_solve_conditions(m, NULL, v ? v : m->stores_p ? by : NULL, value))
        return false;
    for (uint32_t i = 0; i < x->n_algebraic; i++) {
        const MechBody *b = &m->bodies[x->algebraic[i]];
        assign[i] = (IrAssign){b->q, value[i], b->sema->span};
    }
    mech_func_add(f, assign, x->n_algebraic);
    return true;
}
