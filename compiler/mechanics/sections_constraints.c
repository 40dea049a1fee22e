/* sections_constraints — the constraints and the forces that keep them, as a reader sees them.
 *
 * needs: MechConstraint[], λ      gives: lines of the derivation      changes: nothing */
#include "internal.h"

#include <string.h>

enum { MOST_LINES = 400 };

static void add(MechLine *at, uint32_t *n, MechLine line) {
    if (*n < MOST_LINES)
        at[(*n)++] = line;
}

/* "c", or "c_2" with several constraints. */
static const char *numbered(Mech *m, const char *symbol, uint32_t r) {
    return m->n_constraints == 1 ? symbol : mech_text(m, "%s_%u", symbol, r + 1);
}

/* A definition whose axes a block over rows and columns runs over. */
static IrDef like_block(Mech *m, const MechBody *rows, const MechBody *columns, IrTerm t) {
    uint64_t extent[2 * IR_MAX_RANK];
    memcpy(extent, rows->extent, rows->rank * sizeof *extent);
    memcpy(extent + rows->rank, columns->extent, columns->rank * sizeof *extent);
    return mech_define(m, NULL, IR_F64, rows->rank + columns->rank, extent, t);
}

void mech_constraint_lines(Mech *m, MechLine *at, uint32_t *n) {
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        const MechConstraint *c = &m->constraints[r];
        add(at, n, (MechLine){.lhs = numbered(m, "c", r),
                              .like = c->sema->residual,
                              .relation = "=",
                              .rhs = c->residual,
                              .remark = c->holonomic ? "is 0, and so is its rate" : "is 0: a constraint on velocities",
                              .span = c->span});
        if (c->holonomic)
            add(at, n, (MechLine){.lhs = mech_text(m, "%s'", numbered(m, "c", r)),
                                  .like = c->sema->residual,
                                  .relation = "=",
                                  .rhs = c->rate,
                                  .span = c->span});
        for (uint32_t a = 0; a < m->n; a++) {
            const MechBody *b = &m->bodies[a];
            if (!c->jacobian[a] || c->row.rank + b->rank > IR_MAX_RANK)
                continue;
            const char *name = mech_text(m, "%s_%s", m->n_constraints == 1 ? "J" : mech_text(m, "J%u", r + 1), b->symbol);
            add(at, n, (MechLine){.lhs = name,
                                  .like = like_block(m, &c->row, b, c->jacobian[a]),
                                  .relation = "=",
                                  .rhs = c->jacobian[a],
                                  .span = c->span});
        }
    }
}

/* S = J M⁻¹ Jᵀ, where λ follows from it. */
static void complement_lines(Mech *m, MechLine *at, uint32_t *n) {
    for (uint32_t r = 0; r < m->n_constraints && !m->out->first_order; r++) {
        for (uint32_t s = r; s < m->n_constraints; s++) {
            const MechBody *rows = &m->constraints[r].row, *columns = &m->constraints[s].row;
            IrTerm t = rows->rank + columns->rank > IR_MAX_RANK ? 0 : mech_schur(m, &m->mass, r, s);
            if (!t)
                continue;
            const char *name = m->n_constraints == 1 ? "S" : mech_text(m, "S_%u_%u", r + 1, s + 1);
            add(at, n, (MechLine){.lhs = name,
                                  .like = like_block(m, rows, columns, t),
                                  .relation = "=",
                                  .rhs = t,
                                  .span = m->constraints[r].span});
        }
    }
}

void mech_force_lines(Mech *m, MechLine *at, uint32_t *n) {
    if (!m->n_constraints)
        return;
    if (m->out->first_order)
        add(at, n, (MechLine){.remark = "the multipliers λ keep J q' + b = 0"});
    else
        add(at, n, (MechLine){.remark = m->stores_p ? "p' = f + Jᵀλ with J q'' + γ = 0, so S λ = −γ − J M⁻¹ f, S = J M⁻¹ Jᵀ"
                                : mech_schur(m, &m->mass, 0, 0)
                                    ? "M q'' = f + Jᵀλ with J q'' + γ = 0, so S λ = s = −γ − J M⁻¹ f, S = J M⁻¹ Jᵀ"
                                    : "M q'' = f + Jᵀλ with J q'' + γ = 0, solved together: K (q'', λ) = k"});
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        const MechConstraint *c = &m->constraints[r];
        if (c->bias)
            add(at, n, (MechLine){.lhs = numbered(m, "γ", r),
                                  .like = c->sema->residual,
                                  .relation = "=",
                                  .rhs = c->bias,
                                  .span = c->span});
    }
    complement_lines(m, at, n);
    for (uint32_t r = 0; r < m->n_constraints; r++) {
        const MechConstraint *c = &m->constraints[r];
        const IrNode node = *ir_node(m->p, m->lambda[r]);
        IrDef d = node.op == IR_READ ? node.arg[0] : 0;
        if (d && ir_def(m->p, d)->kind == IR_DEF_LINALG && ir_def(m->p, d)->label)
            continue; /* the equations of motion say λ = S⁻¹ s where they use it */
        bool shown = d && ir_def(m->p, d)->kind == IR_DEF_EXPR && ir_def(m->p, d)->label;
        add(at, n, (MechLine){.lhs = numbered(m, "λ", r),
                              .like = shown ? d : c->sema->residual,
                              .relation = "=",
                              .rhs = shown ? ir_def(m->p, d)->body : m->lambda[r],
                              .span = c->span});
    }
    if (m->is_word)
        add(at, n, (MechLine){.remark = m->out->first_order
                                            ? "a drift ends on the constraints: q → q + h q' + Jᵀμ with c = 0 there"
                                            : "in the word p → p + Jᵀν after each kick, with J q' + ∂c/∂t = 0; a drift begins "
                                              "with p → p + Jᵀμ such that c(q + h q'(p)) = 0"});
    if (m->constraints[0].kept)
        add(at, n, (MechLine){.remark = "a row that is found to follow from others at the start is struck out"});
}

/* Ω of a Lagrangian that is linear in the velocities. */
void mech_omega_lines(Mech *m, MechLine *at, uint32_t *n) {
    for (uint32_t a = 0; a < m->n; a++)
        add(at, n, (MechLine){.lhs = m->n == 1 ? "a" : mech_text(m, "a_%s", m->bodies[a].symbol),
                              .like = m->bodies[a].q,
                              .relation = "=",
                              .rhs = m->mass.linear[a],
                              .span = m->kinetic_span});
    for (uint32_t a = 0; a < m->n; a++) {
        for (uint32_t c = a; c < m->n; c++) {
            IrTerm t = m->omega[a * m->n + c];
            if (!t)
                continue;
            const char *name = m->n == 1 ? "Ω" : mech_text(m, "Ω_%s_%s", m->bodies[a].symbol, m->bodies[c].symbol);
            add(at, n, (MechLine){.lhs = name,
                                  .like = like_block(m, &m->bodies[a], &m->bodies[c], t),
                                  .relation = "=",
                                  .rhs = t,
                                  .span = m->kinetic_span});
        }
    }
    add(at, n, (MechLine){.remark = "L = a·q' − V is linear in the velocities: Ω q' = ∂V/∂q + ∂a/∂t + ∂R/∂q' − Q − Jᵀλ is of "
                                    "first order"});
}
