/* conserve — what the exact motion conserves: the energy, the momenta of cyclic coordinates, the total
 * momentum and the angular momenta, each found as a symmetry of the Lagrangian (Noether's theorem; Goldstein,
 * Poole, Safko, section 13.7).
 *
 * needs: Lagrangian or Hamiltonian, gradients, parts      gives: charges, lines of the derivation      changes: nothing */
#include "noether.h"

#include <math.h>
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
            remark(at, n,
                   m->friction.quadratic ? "V never rises along the exact motion: V' = −2R + Q·q'"
                                         : "V never rises along the exact motion: V' = −q'·∂R/∂q' + Q·q'");
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
    at[*n] = (MechLine){.lhs = "E", .relation = "=", .rhs = e, .remark = "the energy: L does not depend on t"};
    if (m->energy && (!m->out->first_order || m->skew))
        mech_add_charge(m, "energy", &at[*n]);
    (*n)++;
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
        if (held || !is_free(m, a) || !ir_is_zero(m->p, b->dl_dq))
            continue;
        at[*n] = (MechLine){
                .lhs = b->momentum_symbol,
                .like = b->q,
                .relation = "=",
                .rhs = m->mass.of_momenta ? ir_read(m->p, b->p, b->at, b->rank) : m->mass.gradient[a],
                .remark = mech_text(m, "%s is cyclic: L does not depend on it", b->symbol)};
        if (mech_has_charge(m, at[*n].rhs))
            continue;
        mech_add_charge(m, b->momentum_symbol, &at[*n]);
        (*n)++;
    }
}

/* ---- maps that are tried: all elements moved together, two coordinates turned into each other ---- */

enum { MOST_TRIED = 40, MOST_TURNED = 8 };

static MechMotion no_map(Mech *m) { return (MechMotion){ARENA_ARRAY(m->arena, IrTerm, m->n), 0}; }

static bool is_free_map(Mech *m, const MechMotion *map) {
    for (uint32_t a = 0; a < m->n; a++)
        if (map->shift[a] && !is_free(m, a))
            return false;
    return true;
}

/* The charge of a map of the compiler's own, where it is one and L stays as it is. */
static bool try_map(Mech *m, MechLine *at, uint32_t *n, const MechMotion *map, const char *name, const char *why) {
    MechNoether found;
    if (*n >= MOST_TRIED || !is_free_map(m, map) || !mech_noether(m, map, &found) || found.gauge || found.rate ||
        mech_has_charge(m, found.charge))
        return false;
    at[*n] = (MechLine){.lhs = name, .relation = "=", .rhs = found.charge, .remark = why};
    mech_add_charge(m, name, &at[*n]);
    (*n)++;
    if (mech_word_keeps(m, map, &found))
        at[(*n)++] = (MechLine){.remark = mech_text(m, "the word keeps %s exactly, whatever its step", name)};
    return true;
}

/* q, q', ∂L/∂q and p of every body at a generic point: whether a linear map may be a symmetry is seen there before any term
 * is built. */
typedef struct Probe {
    double *q[MECH_MOST_BODIES], *v[MECH_MOST_BODIES], *g[MECH_MOST_BODIES], *p[MECH_MOST_BODIES];
} Probe;

enum { MOST_PROBED = 400 };

static double *values_of(Mech *m, const MechBody *b, IrTerm t, bool *ok) {
    double *x = ARENA_ARRAY(m->arena, double, b->size);
    for (uint64_t i = 0; i < b->size && *ok; i++) {
        int64_t at[IR_MAX_RANK];
        uint64_t rest = i;
        for (uint32_t k = b->rank; k-- > 0; rest /= b->extent[k])
            at[k] = (int64_t)(rest % b->extent[k]);
        x[i] = ir_eval(m->env, t, at, ok);
    }
    return x;
}

static bool probe(Mech *m, Probe *out) {
    uint64_t total = 0;
    IrTerm all[4 * MECH_MOST_BODIES];
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++)
        total += m->bodies[a].size;
    if (m->n > MECH_MOST_BODIES || total > MOST_PROBED)
        return false;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        bool by_p = m->mass.of_momenta;
        all[n++] = ir_read(m->p, b->q, b->at, b->rank);
        all[n++] = by_p ? b->velocity : ir_read(m->p, b->v, b->at, b->rank);
        all[n++] = b->dl_dq;
        all[n++] = by_p ? ir_read(m->p, b->p, b->at, b->rank) : m->mass.gradient[a];
        if (!all[n - 3] || !all[n - 1])
            return false;
    }
    bool ok = mech_set_generic(m, all, n, 3);
    for (uint32_t a = 0; a < m->n && ok; a++) {
        const MechBody *b = &m->bodies[a];
        out->q[a] = values_of(m, b, all[4 * a], &ok);
        out->v[a] = values_of(m, b, all[4 * a + 1], &ok);
        out->g[a] = values_of(m, b, all[4 * a + 2], &ok);
        out->p[a] = values_of(m, b, all[4 * a + 3], &ok);
    }
    return ok;
}

static bool is_small(double sum, double size) { return fabs(sum) <= 1e-9 * size; }

/* ∂L/∂q over the elements first, first + stride, … adds up to nothing. */
static bool may_shift(const Probe *at, const MechBody *b, uint32_t a, uint64_t first, uint64_t stride) {
    double sum = 0, size = 0;
    for (uint64_t i = first; i < b->size; i += stride) {
        sum += at->g[a][i];
        size += fabs(at->g[a][i]);
    }
    return is_small(sum, size);
}

/* δL of x → −y, y → x for the elements x0, x0 + stride, … of body a against y0, y0 + stride, … of body c. */
static bool may_turn(const Probe *at, uint64_t n, uint32_t a, uint64_t x0, uint32_t c, uint64_t y0, uint64_t stride) {
    double sum = 0, size = 0;
    for (uint64_t i = 0; i < n; i += stride) {
        double term[4] = {-at->g[a][x0 + i] * at->q[c][y0 + i], at->g[c][y0 + i] * at->q[a][x0 + i],
                          -at->p[a][x0 + i] * at->v[c][y0 + i], at->p[c][y0 + i] * at->v[a][x0 + i]};
        for (int k = 0; k < 4; k++) {
            sum += term[k];
            size += fabs(term[k]);
        }
    }
    return is_small(sum, size);
}

static bool is_still(Mech *m, uint32_t a) { return ir_is_zero(m->p, m->bodies[a].dl_dq); }

/* [axis = at] over the axes of a body. */
static IrTerm on_axis(Mech *m, const MechBody *b, uint32_t axis, uint64_t at, IrTerm value) {
    IrTerm here = ir_op2(m->p, IR_EQ, b->at[axis], ir_int(m->p, (int64_t)at));
    return ir_select(m->p, here, value, ir_real(m->p, 0));
}

/* All elements of one body together; of a body of vectors (the last axis of 2 or 3), each component. Several scalar coordinates
 * together, where one alone does not do. */
static void translation_lines(Mech *m, const Probe *seen, MechLine *at, uint32_t *n) {
    uint32_t scalars = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        MechBody *b = &m->bodies[a];
        scalars += b->rank == 0;
        if (b->rank == 0 || is_still(m, a))
            continue;
        uint64_t last = b->extent[b->rank - 1];
        bool vectors = b->rank >= 2 && last <= 3, all = vectors;
        for (uint64_t d = 0; vectors && d < last; d++) {
            if (!may_shift(seen, b, a, d, last)) {
                all = false;
                continue;
            }
            MechMotion map = no_map(m);
            map.shift[a] = on_axis(m, b, b->rank - 1, d, ir_real(m->p, 1));
            all = try_map(m, at, n, &map, mech_text(m, "P_%s%llu", b->symbol, (unsigned long long)d),
                          "the total momentum: L does not change when all elements move together") && all;
        }
        MechMotion map = no_map(m);
        map.shift[a] = ir_real(m->p, 1);
        if (!all && may_shift(seen, b, a, 0, 1))
            try_map(m, at, n, &map, mech_text(m, "P_%s", b->symbol),
                    "the total momentum: L does not change when all elements move together");
    }
    if (scalars < 2 || m->n > MOST_TURNED)
        return;
    MechMotion map = no_map(m);
    uint32_t moved = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        if (m->bodies[a].rank == 0 && !is_still(m, a)) {
            map.shift[a] = ir_real(m->p, 1);
            moved++;
        }
    }
    double sum = 0, size = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        sum += map.shift[a] ? seen->g[a][0] : 0;
        size += map.shift[a] ? fabs(seen->g[a][0]) : 0;
    }
    if (moved < 2 || !is_small(sum, size))
        return;
    try_map(m, at, n, &map, "P", "the total momentum: L does not change when all coordinates move together");
}

/* The components of one body's vectors turned into each other. */
static void turn_components(Mech *m, const Probe *seen, MechLine *at, uint32_t *n, uint32_t a) {
    MechBody *b = &m->bodies[a];
    uint32_t last = b->rank - 1;
    IrTerm from[IR_MAX_RANK];
    for (uint32_t k = 0; k < b->rank; k++)
        from[k] = b->at[k];
    for (uint64_t c = 0; c < b->extent[last]; c++) {
        for (uint64_t d = c + 1; d < b->extent[last]; d++) {
            if (!may_turn(seen, b->size, a, c, a, d, b->extent[last]))
                continue;
            MechMotion map = no_map(m);
            from[last] = ir_int(m->p, (int64_t)d);
            IrTerm away = ir_neg(m->p, ir_read(m->p, b->q, from, b->rank));
            from[last] = ir_int(m->p, (int64_t)c);
            IrTerm to = ir_read(m->p, b->q, from, b->rank);
            map.shift[a] = ir_add(m->p, on_axis(m, b, last, c, away), on_axis(m, b, last, d, to));
            try_map(m, at, n, &map,
                    mech_text(m, "J_%s%llu%llu", b->symbol, (unsigned long long)c, (unsigned long long)d),
                    mech_text(m, "the angular momentum: L does not change when components %llu and %llu of %s turn",
                              (unsigned long long)c, (unsigned long long)d, b->symbol));
        }
    }
}

static bool same_shape(const MechBody *x, const MechBody *y) {
    bool same = x->rank == y->rank;
    for (uint32_t k = 0; k < x->rank && same; k++)
        same = x->extent[k] == y->extent[k];
    return same;
}

/* Two coordinates of one shape turned into each other, x → −y, y → x: all their elements at once. */
static void rotation_lines(Mech *m, const Probe *seen, MechLine *at, uint32_t *n) {
    for (uint32_t a = 0; a < m->n && m->n <= MOST_TURNED; a++) {
        MechBody *x = &m->bodies[a];
        if (x->rank && x->extent[x->rank - 1] >= 2 && x->extent[x->rank - 1] <= 3 && !is_still(m, a))
            turn_components(m, seen, at, n, a);
        for (uint32_t c = a + 1; c < m->n; c++) {
            MechBody *y = &m->bodies[c];
            if (!same_shape(x, y) || is_still(m, a) || is_still(m, c) || !may_turn(seen, x->size, a, 0, c, 0, 1))
                continue;
            MechMotion map = no_map(m);
            map.shift[a] = ir_neg(m->p, ir_read(m->p, y->q, y->at, y->rank));
            map.shift[c] = ir_read(m->p, x->q, x->at, x->rank);
            try_map(m, at, n, &map, mech_text(m, "J_%s%s", x->symbol, y->symbol),
                    mech_text(m, "the angular momentum: L does not change when (%s, %s) turns", x->symbol, y->symbol));
        }
    }
}

/* ---- charges ---- */

void mech_add_charge(Mech *m, const char *name, const MechLine *line) {
    vec_push(&m->charges, (MechCharge){.name = name, .value = line->rhs, .like = line->like, .span = m->run->span});
}

/* Whether two scalars are multiples of each other: at generic points. */
static bool is_multiple(Mech *m, IrTerm a, IrTerm b) {
    enum { POINTS = 3 };
    double ratio = 0;
    IrTerm both[2] = {a, b};
    for (uint32_t k = 0; k < POINTS; k++) {
        bool ok = mech_set_generic(m, both, 2, 41 * k + 7);
        double x = ok ? ir_eval(m->env, a, NULL, &ok) : 0, y = ok ? ir_eval(m->env, b, NULL, &ok) : 0;
        if (!ok || !isfinite(x) || !isfinite(y) || y == 0 || x == 0 || (k && fabs(x / y - ratio) > 1e-9 * fabs(ratio)))
            return false;
        ratio = x / y;
    }
    return true;
}

bool mech_has_charge(Mech *m, IrTerm value) {
    for (uint32_t k = 0; k < m->charges.n; k++) {
        const MechCharge *c = &m->charges.at[k];
        bool scalars = !c->like && !ir_node(m->p, value)->free;
        if (c->value == value || (scalars && is_multiple(m, value, c->value)))
            return true;
    }
    return false;
}

/* A flow of the user's own in the word is not part of the Lagrangian's motion. */
static bool has_own_flow(const Mech *m) {
    for (uint32_t i = 0; i < m->n_parts; i++) {
        if (m->parts[i].kind == PART_FLOW)
            return true;
    }
    return false;
}

static bool conserved_lines(Mech *m, MechLine *at, uint32_t *n) {
    if (has_own_flow(m)) {
        remark(at, n,
               "nothing is claimed: the word has flows of its own beside the motion of the Lagrangian");
        return true;
    }
    energy_line(m, at, n);
    if (!mech_declared_lines(m, at, n))
        return false;
    if ((m->out->first_order && !m->skew) || m->run->block)
        return true;
    cyclic_lines(m, at, n);
    Probe seen;
    if (probe(m, &seen)) {
        translation_lines(m, &seen, at, n);
        rotation_lines(m, &seen, at, n);
    }
    return true;
}

bool mech_pass_conserved(Mech *m) {
    m->conserved = ARENA_ARRAY(m->arena, MechLine, 4 * MOST_TRIED + 6 * m->run->n_symmetries + 8);
    return conserved_lines(m, m->conserved, &m->n_conserved);
}
