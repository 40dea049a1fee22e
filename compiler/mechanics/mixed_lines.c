/* mixed_lines — what lag derive says of coordinates without inertia beside others that have it; and that no word moves them. */
#include "internal.h"

const char *mech_list_of(Mech *m, const uint32_t *of, uint32_t n) {
    Buf text = {0};
    for (uint32_t i = 0; i < n; i++)
        buf_printf(&text, "%s`%s`", !i ? "" : i + 1 == n ? " and " : ", ", m->bodies[of[i]].name);
    const char *kept = mech_text(m, "%s", text.at);
    buf_free(&text);
    return kept;
}

void mech_mixed_lines(Mech *m, MechLine *at, uint32_t *n) {
    const MechMixed *x = m->mixed;
    enum { MOST = 200 };
    if (!x)
        return;
    if (x->n_light)
        at[(*n)++] = (MechLine){.remark = mech_text(m, "%s: no acceleration occurs, and the velocities before Ω = ∂a_j/∂q_i − ∂a_i/∂q_j and "
                                                       "G = ∂²R/∂q'∂q': (G − Ω) q' = f",
                                                    mech_list_of(m, x->light, x->n_light))};
    for (uint32_t i = 0; i < x->n_light && *n < MOST; i++) {
        for (uint32_t k = 0; k < x->n_light && *n < MOST; k++) {
            const MechBody *rows = &m->bodies[x->light[i]], *columns = &m->bodies[x->light[k]];
            IrTerm omega = m->omega[x->light[i] * m->n + x->light[k]];
            IrTerm block = x->flow.block[i * x->n_light + k];
            if (!block || (k < i && omega && !m->dissipation))
                continue;
            bool plain = omega && block == ir_neg(m->p, omega);
            uint64_t extent[2 * IR_MAX_RANK];
            uint32_t rank = 0;
            for (uint32_t j = 0; j < rows->rank; j++)
                extent[rank++] = rows->extent[j];
            for (uint32_t j = 0; j < columns->rank; j++)
                extent[rank++] = columns->extent[j];
            IrTerm t = plain ? omega : block;
            at[(*n)++] = (MechLine){.lhs = mech_text(m, "%s_%s_%s", plain ? "Ω" : omega ? "(G − Ω)" : "G", rows->symbol, columns->symbol),
                                    .like = mech_define(m, NULL, IR_F64, rank, extent, t),
                                    .relation = "=",
                                    .rhs = t,
                                    .span = m->kinetic_span};
        }
    }
    for (uint32_t i = 0; i < x->n_light && *n < MOST; i++) {
        const MechBody *b = &m->bodies[x->light[i]];
        at[(*n)++] = (MechLine){.lhs = mech_text(m, "f_%s", b->symbol), .like = b->q, .relation = "=", .rhs = x->rhs[i], .span = b->sema->span};
    }
    if (x->n_algebraic)
        at[(*n)++] = (MechLine){.remark = mech_text(m, "%s: no velocity occurs, so the equation is a condition g = 0, solved by Newton's "
                                                       "method at the start and after each step; between, by its rate g' = 0",
                                                    mech_list_of(m, x->algebraic, x->n_algebraic))};
    for (uint32_t i = 0; i < x->n_algebraic && *n < MOST; i++) {
        const MechBody *b = &m->bodies[x->algebraic[i]];
        at[(*n)++] = (MechLine){.lhs = mech_text(m, "g_%s", b->symbol), .like = b->q, .relation = "=", .rhs = x->condition[i],
                                .remark = "is 0", .span = b->sema->span};
    }
}

bool mech_refuse_mixed_word(Mech *m) {
    const MechMixed *x = m->mixed;
    uint32_t n = x->n_light + x->n_algebraic, *of = ARENA_ARRAY(m->arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++)
        of[i] = i < x->n_light ? x->light[i] : x->algebraic[i - x->n_light];
    Diag *d = diag_error(m->session, DIAG_MECH_OMEGA, m->bodies[of[0]].sema->span,
                         "%s %s no inertia, so there is no momentum that the word of `%s` could move", mech_list_of(m, of, n),
                         n == 1 ? "has" : "have", name_text(m->session->names, m->run->dynamics));
    diag_note_at(m->session, d, m->kinetic_span, "the kinetic energy is given here");
    diag_help(m->session, d, "use a method such as dop853 or taylor, or gauss, on the same system");
    return false;
}
