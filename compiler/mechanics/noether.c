/* noether — from an infinitesimal map q → q + ε δq, t → t + ε δt that leaves the Lagrangian unchanged, but for a total time
 * derivative dF/dt, to its conserved charge
 *
 *     δL = ∂L/∂q·δq + ∂L/∂q'·(d(δq)/dt − q' d(δt)/dt) + ∂L/∂t δt + L d(δt)/dt = dF/dt,
 *     Q = p·δq − E δt − F,      Q' = (Q_ext − ∂R/∂q')·(δq − q' δt)
 *
 * (E. Noether, 1918; Goldstein, Poole, Safko, section 13.7; H. Rund, Hamilton-Jacobi Theory in the Calculus of
 * Variations, for maps that move the time).
 *
 * needs: L, momenta, friction, forces      gives: charges      changes: nothing
 *
 * That a term vanishes is decided by its algebra, or else by its values at generic points: it is an analytic function of
 * its inputs, and one that is not zero is zero on a set of measure zero only. F is found where it is a polynomial in the
 * coordinates and the time, by the homotopy F(q, t) = ∫₀¹ a(sq, t)·q ds + ∫₀¹ b(0, st) t ds for δL = a·q' + b, and is always
 * held against δL afterwards. */
#include "noether.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEGREE = 12, POINTS = 3, MOST_TESTED = 4000 };

/* ---- zero, at generic points ---- */

static double sum_of_sizes(Mech *m, const MechBody *b, IrTerm t, bool *ok) {
    double sum = 0;
    for (uint64_t i = 0; i < b->size && *ok; i++) {
        int64_t at[IR_MAX_RANK];
        uint64_t rest = i;
        for (uint32_t k = b->rank; k-- > 0; rest /= b->extent[k])
            at[k] = (int64_t)(rest % b->extent[k]);
        sum += fabs(ir_eval(m->env, t, at, ok));
    }
    return sum;
}

/* Whether the scalar t is nothing against Σ |parts[a]|, a term over the axes of each body (0: none). */
static bool is_nothing(Mech *m, IrTerm t, const IrTerm *parts) {
    if (mech_vanishes(m, t))
        return true;
    uint64_t total = 0;
    IrTerm all[2 * MECH_MOST_BODIES + 1];
    uint32_t n = 0;
    all[n++] = t;
    for (uint32_t a = 0; a < m->n && a < 2 * MECH_MOST_BODIES; a++) {
        total += m->bodies[a].size;
        if (parts[a])
            all[n++] = parts[a];
    }
    if (total > MOST_TESTED || m->n > MECH_MOST_BODIES)
        return false;
    for (uint32_t point = 0; point < POINTS; point++) {
        if (!mech_set_generic(m, all, n, 17 * point + 5))
            return false;
        bool ok = true;
        double value = ir_eval(m->env, t, NULL, &ok), scale = 0;
        for (uint32_t a = 0; a < m->n && ok; a++)
            scale += parts[a] ? sum_of_sizes(m, &m->bodies[a], parts[a], &ok) : 0;
        if (!ok || !(fabs(value) <= 1e-10 * scale))
            return false;
    }
    return true;
}

/* ---- derivatives along the motion and along the map ---- */

typedef struct Seeds {
    CalcSeed *at;
    uint32_t n;
} Seeds;

static Seeds new_seeds(Mech *m) { return (Seeds){ARENA_ARRAY(m->arena, CalcSeed, 2 * m->n + 1), 0}; }

static void add_seed(Mech *m, Seeds *s, const MechBody *b, IrDef x, IrTerm dx) {
    if (dx && !ir_is_zero(m->p, dx))
        s->at[s->n++] = (CalcSeed){x, mech_define(m, NULL, b->elem, b->rank, b->extent, dx)};
}

static void add_time(Mech *m, Seeds *s, IrTerm rate) {
    if (m->run->time && rate && !ir_is_zero(m->p, rate))
        s->at[s->n++] = (CalcSeed){m->run->time, ir_define(m->p, 0, IR_F64, NULL, 0, rate)};
}

/* The tangent of t, the directions written out so that terms can cancel. */
static IrTerm tangent(Mech *m, IrTerm t, const Seeds *s) {
    if (!t || !s->n)
        return ir_real(m->p, 0);
    IrTerm d = calc_tangent(m->p, t, s->at, s->n);
    if (!d)
        return ir_real(m->p, 0);
    IrReplace *out = ARENA_ARRAY(m->arena, IrReplace, s->n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (ir_def(m->p, s->at[i].dx)->kind == IR_DEF_EXPR)
            out[n++] = (IrReplace){.from = s->at[i].dx, .body = ir_def(m->p, s->at[i].dx)->body};
    return n ? ir_replace(m->p, d, out, n) : d;
}

static Seeds along_motion(Mech *m) {
    Seeds s = new_seeds(m);
    for (uint32_t a = 0; a < m->n; a++)
        s.at[s.n++] = (CalcSeed){m->bodies[a].q, m->bodies[a].v};
    add_time(m, &s, ir_real(m->p, 1));
    return s;
}

/* L in (q, q', t); of a Hamiltonian that is quadratic in the momenta p·q' − H. 0: there is none in closed form. */
static IrTerm lagrangian(Mech *m) {
    if (!m->run->hamiltonian.term)
        return m->lagrangian;
    IrTerm l = ir_real(m->p, 0);
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        if (!b->momentum)
            return 0;
        r[a] = (IrReplace){.from = b->p, .body = b->momentum};
        l = ir_add(m->p, l, mech_sum(m, b, ir_mul(m->p, b->momentum, ir_read(m->p, b->v, b->at, b->rank))));
    }
    return calc_tidy(m->p, ir_sub(m->p, l, ir_replace(m->p, m->hamiltonian, r, m->n)));
}

/* δL, and per body what it is the sum of: the measure of its rounding. */
static IrTerm change_of(Mech *m, IrTerm l, const MechMotion *map, IrTerm *parts) {
    IrProgram *p = m->p;
    Seeds motion = along_motion(m), seeds = new_seeds(m);
    IrTerm stretch = map->time ? tangent(m, map->time, &motion) : ir_real(p, 0);
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        IrTerm rate = map->shift[a] ? tangent(m, map->shift[a], &motion) : ir_real(p, 0);
        IrTerm v = ir_read(p, b->v, b->at, b->rank);
        rate = ir_sub(p, rate, ir_mul(p, v, stretch));
        add_seed(m, &seeds, b, b->q, map->shift[a]);
        add_seed(m, &seeds, b, b->v, rate);
        IrTerm pull = b->dl_dq && map->shift[a] ? ir_op1(p, IR_ABS, ir_mul(p, b->dl_dq, map->shift[a])) : ir_real(p, 0);
        IrTerm momentum = b->momentum ? b->momentum : m->mass.gradient[a];
        IrTerm push = momentum ? ir_op1(p, IR_ABS, ir_mul(p, momentum, rate)) : ir_real(p, 0);
        parts[a] = ir_add(p, pull, push);
    }
    add_time(m, &seeds, map->time);
    IrTerm change = ir_add(p, tangent(m, l, &seeds), ir_mul(p, l, stretch));
    return calc_tidy(p, calc_factor(p, change));
}

/* ---- F with dF/dt = δL ---- */

/* ∫₀¹ t ds of a polynomial in s; 0 where it is none of a moderate degree. */
static IrTerm integrate(Mech *m, IrTerm t, IrDef s) {
    IrReplace start = {.from = s, .body = ir_real(m->p, 0)};
    IrTerm sum = ir_real(m->p, 0);
    double weight = 1;
    for (int k = 0; k <= MOST_DEGREE; k++) {
        weight /= k + 1;
        sum = ir_add(m->p, sum, ir_mul(m->p, ir_real(m->p, weight), ir_replace(m->p, t, &start, 1)));
        if (!ir_depends(m->p, t, s))
            return calc_tidy(m->p, sum);
        t = calc_tidy(m->p, calc_partial(m->p, t, s, NULL));
        if (!t || mech_vanishes(m, t))
            return calc_tidy(m->p, sum);
    }
    return 0;
}

static IrTerm replace_all(Mech *m, IrTerm t, IrTerm (*q)(Mech *m, const MechBody *b, IrTerm s),
                          IrTerm (*v)(Mech *m, const MechBody *b, IrTerm s), IrTerm s, bool time) {
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, 2 * m->n + 1);
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        if (q)
            r[n++] = (IrReplace){.from = m->bodies[a].q, .body = q(m, &m->bodies[a], s)};
        if (v)
            r[n++] = (IrReplace){.from = m->bodies[a].v, .body = v(m, &m->bodies[a], s)};
    }
    if (time && m->run->time)
        r[n++] = (IrReplace){.from = m->run->time, .body = ir_mul(m->p, s, ir_read0(m->p, m->run->time))};
    return n ? ir_replace(m->p, t, r, n) : t;
}

static IrTerm nothing(Mech *m, const MechBody *b, IrTerm s) {
    (void)b, (void)s;
    return ir_real(m->p, 0);
}
static IrTerm place(Mech *m, const MechBody *b, IrTerm s) {
    (void)s;
    return ir_read(m->p, b->q, b->at, b->rank);
}
static IrTerm scaled(Mech *m, const MechBody *b, IrTerm s) {
    return ir_mul(m->p, s, ir_read(m->p, b->q, b->at, b->rank));
}

static IrTerm find_gauge(Mech *m, IrTerm change) {
    IrProgram *p = m->p;
    IrDef s = ir_scalar_input(p, name_of(m->session->names, "s"), IR_ROLE_NONE);
    IrTerm at = ir_read0(p, s);
    IrTerm rest = calc_tidy(p, replace_all(m, change, NULL, nothing, at, false));
    IrTerm moving = calc_tidy(p, ir_sub(p, change, rest));
    IrTerm first = integrate(m, replace_all(m, moving, scaled, place, at, false), s);
    IrTerm second = ir_real(p, 0);
    if (!mech_vanishes(m, rest) && m->run->time) {
        IrTerm b = replace_all(m, rest, nothing, NULL, at, true);
        second = integrate(m, ir_mul(p, b, ir_read0(p, m->run->time)), s);
    }
    return first && second ? calc_tidy(p, ir_add(p, first, second)) : 0;
}

/* ---- the charge ---- */

static IrTerm momentum_of(Mech *m, uint32_t a) {
    const MechBody *b = &m->bodies[a];
    return m->stores_p || m->mass.of_momenta ? ir_read(m->p, b->p, b->at, b->rank) : m->mass.gradient[a];
}

static IrTerm charge_of(Mech *m, const MechMotion *map, IrTerm gauge) {
    IrProgram *p = m->p;
    IrTerm sum = ir_real(p, 0);
    for (uint32_t a = 0; a < m->n; a++)
        if (map->shift[a])
            sum = ir_add(p, sum, mech_sum(m, &m->bodies[a], ir_mul(p, momentum_of(m, a), map->shift[a])));
    if (map->time)
        sum = ir_sub(p, sum, ir_mul(p, map->time, m->stores_p && m->hamiltonian ? m->hamiltonian : m->energy));
    if (gauge)
        sum = ir_sub(p, sum, gauge);
    return mech_smallest(m, calc_tidy(p, sum));
}

/* Q' by friction and forces; 0: none acts along the map. */
static IrTerm rate_of(Mech *m, const MechMotion *map, MechNoether *out) {
    IrProgram *p = m->p;
    IrTerm sum = ir_real(p, 0);
    bool forced = false;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrTerm force = b->external ? b->external : ir_real(p, 0), way = map->shift[a] ? map->shift[a] : ir_real(p, 0);
        if (m->dissipation)
            force = ir_sub(p, force, m->friction.gradient[a]);
        if (map->time)
            way = ir_sub(p, way, ir_mul(p, map->time, ir_read(p, b->v, b->at, b->rank)));
        forced = forced || (b->external && !ir_is_zero(p, way));
        sum = ir_add(p, sum, mech_sum(m, b, ir_mul(p, force, way)));
    }
    sum = calc_tidy(p, sum);
    if (mech_vanishes(m, sum))
        return 0;
    if (m->proportional && !forced && !map->time && !out->gauge)
        out->decay = m->proportional;
    return calc_tidy(p, mech_resolve(m, sum));
}

/* ---- what the constraints allow ---- */

/* Whether J·δq, over the rows of c, is nothing against Σ|J| Σ|δq|. */
static bool row_allows(Mech *m, const MechConstraint *c, const MechMotion *map, IrTerm work) {
    if (mech_vanishes(m, work))
        return true;
    IrTerm all[2 * MECH_MOST_BODIES + 1];
    uint32_t n = 0;
    if (m->n > MECH_MOST_BODIES)
        return false;
    all[n++] = work;
    for (uint32_t a = 0; a < m->n; a++) {
        if (!map->shift[a] || !c->jacobian[a])
            continue;
        if (c->row.size * m->bodies[a].size > MOST_TESTED)
            return false;
        all[n++] = map->shift[a];
        all[n++] = c->jacobian[a];
    }
    for (uint32_t point = 0; point < POINTS; point++) {
        if (!mech_set_generic(m, all, n, 17 * point + 5))
            return false;
        bool ok = true;
        double value = sum_of_sizes(m, &c->row, work, &ok), scale = 0;
        for (uint32_t a = 0; a < m->n && ok; a++) {
            if (!map->shift[a] || !c->jacobian[a])
                continue;
            const MechBody *b = &m->bodies[a];
            MechBody both = {.rank = c->row.rank + b->rank, .size = c->row.size * b->size};
            memcpy(both.extent, c->row.extent, c->row.rank * sizeof *both.extent);
            memcpy(both.extent + c->row.rank, b->extent, b->rank * sizeof *both.extent);
            scale += sum_of_sizes(m, &both, c->jacobian[a], &ok) * sum_of_sizes(m, b, map->shift[a], &ok);
        }
        if (!ok || !(value <= 1e-10 * scale))
            return false;
    }
    return true;
}

static bool constraints_allow(Mech *m, const MechMotion *map) {
    Seeds seeds = new_seeds(m);
    for (uint32_t a = 0; a < m->n; a++)
        add_seed(m, &seeds, &m->bodies[a], m->bodies[a].v, map->shift[a]);
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        IrTerm work = tangent(m, m->constraints[r].rate, &seeds);
        if (!row_allows(m, &m->constraints[r], map, calc_tidy(m->p, calc_factor(m->p, work))))
            return false;
    }
    return true;
}

/* ---- the map ---- */

bool mech_noether(Mech *m, const MechMotion *map, MechNoether *out) {
    *out = (MechNoether){0};
    IrTerm l = lagrangian(m);
    if (!l)
        return false;
    IrTerm *parts = ARENA_ARRAY(m->arena, IrTerm, m->n);
    out->change = change_of(m, l, map, parts);
    if (!is_nothing(m, out->change, parts)) {
        Seeds motion = along_motion(m);
        out->gauge = find_gauge(m, out->change);
        if (!out->gauge || !is_nothing(m, calc_tidy(m->p, ir_sub(m->p, out->change, tangent(m, out->gauge, &motion))), parts))
            return false;
    }
    if (!constraints_allow(m, map)) {
        out->held = true;
        return false;
    }
    out->charge = charge_of(m, map, out->gauge);
    out->rate = rate_of(m, map, out);
    return true;
}

/* ---- what a word does to it ---- */

/* Whether the exact solution of every part leaves p·δq as it is: a kick changes it by F·δq, a drift by p·d(δq)/dt at the
 * velocities of the frozen momenta, on a straight line. */
bool mech_word_keeps(Mech *m, const MechMotion *map, const MechNoether *n) {
    IrProgram *p = m->p;
    if (!m->is_word || map->time || n->gauge || m->n_constraints || (n->rate && !n->decay))
        return false;
    for (uint32_t i = 0; i < m->n_parts; i++)
        if (m->parts[i].kind == PART_FLOW || m->parts[i].kind == PART_BATH)
            return false;
    IrTerm kick = ir_real(p, 0), drift = ir_real(p, 0);
    IrTerm *kicks = ARENA_ARRAY(m->arena, IrTerm, m->n), *drifts = ARENA_ARRAY(m->arena, IrTerm, m->n);
    Seeds along = new_seeds(m);
    for (uint32_t a = 0; a < m->n; a++)
        add_seed(m, &along, &m->bodies[a], m->bodies[a].q, m->bodies[a].velocity);
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        if (!map->shift[a])
            continue;
        if (m->run->time && ir_depends(p, map->shift[a], m->run->time))
            return false;
        IrTerm rate = tangent(m, map->shift[a], &along);
        if (!mech_vanishes(m, tangent(m, rate, &along)))
            return false;
        kicks[a] = ir_mul(p, b->pull, map->shift[a]);
        drifts[a] = ir_mul(p, ir_read(p, b->p, b->at, b->rank), rate);
        kick = ir_add(p, kick, mech_sum(m, b, kicks[a]));
        drift = ir_add(p, drift, mech_sum(m, b, drifts[a]));
    }
    return is_nothing(m, calc_tidy(p, kick), kicks) && is_nothing(m, calc_tidy(p, drift), drifts);
}
