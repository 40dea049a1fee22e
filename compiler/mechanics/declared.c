/* declared — the symmetries a system declares: each is held against the Lagrangian, and gives a charge or an error at its line.
 *
 * needs: L, momenta, parts      gives: lines of the derivation, charges      changes: nothing */
#include "noether.h"

#include <string.h>

static const char *as_text(Mech *m, IrTerm t) {
    Buf text = {0};
    pretty_write_text(&text, pretty_term(pretty_scope_new(m->model, m->run), t, 0));
    const char *kept = mech_text(m, "%s", text.at ? text.at : "");
    buf_free(&text);
    return kept;
}

static void report(Mech *m, const SemaSymmetry *s, const MechNoether *n) {
    if (n->held) {
        Diag *d = diag_error(m->session, DIAG_MECH_SYMMETRY, s->span, "the constraints do not allow this motion");
        diag_help(m->session, d, "a symmetry moves along the constraints: ∂c/∂q·δq = 0");
    } else if (!n->change) {
        Diag *d = diag_error(m->session, DIAG_MECH_SYMMETRY, s->span,
                             "the Hamiltonian is not quadratic in the momenta, so there is no Lagrangian to hold this against");
        diag_help(m->session, d, "declare symmetries of systems in `lagrangian`, or in a Hamiltonian quadratic in p");
    } else {
        Diag *d = diag_error(m->session, DIAG_MECH_SYMMETRY, s->span, "L is not unchanged: δL = %s",
                             as_text(m, n->change));
        diag_help(m->session, d,
                  "a symmetry leaves L as it is, or changes it by the time derivative of a polynomial in the coordinates "
                  "and the time");
    }
}

/* Whether δq and δt are functions of place and time. */
static bool is_point_map(Mech *m, const MechMotion *map) {
    bool ok = !map->time || !mech_depends_any(m, map->time, MECH_ON_V | MECH_ON_P);
    for (uint32_t a = 0; a < m->n; a++)
        ok = ok && (!map->shift[a] || !mech_depends_any(m, map->shift[a], MECH_ON_V | MECH_ON_P));
    return ok;
}

static void word_line(Mech *m, MechLine *at, uint32_t *n, const MechMotion *map, const MechNoether *found, const char *name) {
    if (!mech_word_keeps(m, map, found))
        return;
    at[(*n)++] = (MechLine){.remark = found->decay ? mech_text(m, "the word multiplies %s by e^(−c h) in a step, exactly: phase "
                                                                  "space and charge shrink together", name)
                                                   : mech_text(m, "the word keeps %s exactly, whatever its step: no part of "
                                                                  "it changes %s", name, name)};
}

static void charge_lines(Mech *m, MechLine *at, uint32_t *n, const SemaSymmetry *s, const MechMotion *map,
                         const MechNoether *found, const char *name) {
    if (found->gauge)
        at[(*n)++] = (MechLine){.lhs = "F", .relation = "=", .rhs = found->gauge, .span = s->span,
                                .remark = mech_text(m, "under the symmetry %s, L changes by dF/dt only", name)};
    at[*n] = (MechLine){.lhs = name, .relation = "=", .rhs = found->charge, .span = s->span,
                        .remark = found->rate ? "the charge of a declared symmetry of L, without friction and forces"
                                : found->gauge ? "conserved: p·δq − F of a declared symmetry"
                                               : "conserved: the charge of a declared symmetry"};
    if (!found->rate)
        mech_add_charge(m, name, &at[*n]);
    (*n)++;
    if (found->rate)
        at[(*n)++] = (MechLine){.lhs = mech_text(m, "%s'", name), .relation = "=", .rhs = found->rate, .span = s->span,
                                .remark = found->decay ? "not conserved: −c times the charge, with the friction R = c T"
                                                       : "not conserved: friction and forces along the symmetry"};
    word_line(m, at, n, map, found, name);
}

/* The charge takes the place of its name in what is recorded. */
static void bind_charge(Mech *m, const SemaSymmetry *s, IrTerm charge) {
    vec_push(&m->named, (IrReplace){.from = s->charge, .body = charge});
}

static bool declared(Mech *m, const SemaSymmetry *s, uint32_t number, MechLine *at, uint32_t *n) {
    MechMotion map = {ARENA_ARRAY(m->arena, IrTerm, m->n), s->time};
    for (uint32_t a = 0; a < m->n; a++)
        map.shift[a] = s->shift[m->bodies[a].sema->first];
    if (!is_point_map(m, &map)) {
        Diag *d = diag_error(m->session, DIAG_MECH_SYMMETRY, s->span,
                             "a symmetry moves coordinates by what depends on them and the time, not on velocities");
        diag_help(m->session, d, "record a quantity that needs velocities by its formula");
        return false;
    }
    MechNoether found;
    if (!mech_noether(m, &map, &found)) {
        report(m, s, &found);
        return false;
    }
    const char *name = s->name ? name_text(m->session->names, s->name) : mech_text(m, "Q_%u", number);
    charge_lines(m, at, n, s, &map, &found, name);
    bind_charge(m, s, found.charge);
    return true;
}

/* Along −∂V/∂q: what V does not change along, the motion is across. */
static bool first_order(Mech *m, MechLine *at, uint32_t *n) {
    for (uint32_t k = 0; k < m->run->n_symmetries; k++) {
        const SemaSymmetry *s = &m->run->symmetries[k];
        if (s->name) {
            Diag *d = diag_error(m->session, DIAG_MECH_SYMMETRY, s->span,
                                 "this symmetry has no charge to be named: %s",
                                 m->run->block ? "the dynamics takes all coordinates as one block"
                                               : "the motion is of first order, without momenta");
            diag_help(m->session, d, "declare it without a name");
            return false;
        }
    }
    if (m->run->n_symmetries)
        at[(*n)++] = (MechLine){.remark = m->run->block && !m->out->first_order
                                   ? "declared symmetries are not followed where the dynamics takes all coordinates as one block"
                                   : "declared symmetries of V: the exact motion is across them, δq·∂R/∂q' = 0 where V does not "
                                     "change"};
    return true;
}

bool mech_declared_lines(Mech *m, MechLine *at, uint32_t *n) {
    if ((m->out->first_order && !m->skew) || m->run->block)
        return first_order(m, at, n);
    bool ok = true;
    for (uint32_t k = 0; k < m->run->n_symmetries; k++)
        ok = declared(m, &m->run->symmetries[k], k + 1, at, n) && ok;
    return ok;
}
