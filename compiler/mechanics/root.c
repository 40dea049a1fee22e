/* root — systems of equations solved in a step: the unknowns of several shapes as one, with the Jacobian derived. See
 * "equations" in internal.h. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Row-major place of AXIS indices in shape `s`, from element `at` on. */
static IrTerm place_of(Mech *m, const MechShape *s, uint64_t at) {
    return ir_add(m->p, mech_ravel(m, s->rank, s->extent), ir_int(m->p, (int64_t)at));
}

/* Elements at … of vector u as a tensor of shape s. */
static IrDef part_of(Mech *m, IrDef u, const MechShape *s, uint64_t at) {
    IrTerm place = place_of(m, s, at);
    return mech_define(m, s->symbol, IR_F64, s->rank, s->extent, ir_read(m->p, u, &place, 1));
}

static uint64_t size_of(const MechShape *s) {
    uint64_t size = 1;
    for (uint32_t k = 0; k < s->rank; k++)
        size *= s->extent[k];
    return size;
}

MechShape mech_shape_like(const MechBody *b, const char *symbol) {
    MechShape s = {.rank = b->rank, .symbol = symbol};
    memcpy(s.extent, b->extent, sizeof s.extent);
    return s;
}

void mech_unknowns(Mech *m, const MechShape *shapes, uint32_t n, MechUnknowns *u) {
    *u = (MechUnknowns){.n = n, .shape = arena_copy(m->arena, shapes, sizeof *shapes * n)};
    u->piece = ARENA_ARRAY(m->arena, IrPiece, n + 1);
    u->part = ARENA_ARRAY(m->arena, IrDef, n + 1);
    for (uint32_t k = 0; k < n; k++) {
        u->piece[k].at[0] = u->size;
        u->size += size_of(&shapes[k]);
    }
    u->vector = ir_unknown(m->p, 0, u->size);
    for (uint32_t k = 0; k < n; k++)
        u->part[k] = u->piece[k].def = part_of(m, u->vector, &shapes[k], u->piece[k].at[0]);
}

/* The terms, one over the axes of each shape, side by side as one vector. */
static IrDef stacked(Mech *m, const MechUnknowns *u, const IrTerm *terms) {
    IrPiece *pieces = ARENA_ARRAY(m->arena, IrPiece, u->n + 1);
    for (uint32_t k = 0; k < u->n; k++) {
        if (!terms[k])
            return 0;
        const MechShape *s = &u->shape[k];
        pieces[k] = u->piece[k];
        if (u->n > 1) {
            pieces[k].def = mech_define(m, NULL, IR_F64, s->rank, s->extent, terms[k]);
            continue;
        }
        IrTerm at[IR_MAX_RANK], place = ir_idx(m->p, ir_axis(m->p, 0, u->size));
        for (uint32_t j = s->rank; j-- > 0;) {
            IrTerm extent = ir_int(m->p, (int64_t)s->extent[j]);
            at[j] = j ? ir_op2(m->p, IR_IMOD, place, extent) : place;
            place = ir_op2(m->p, IR_IDIV, place, extent);
        }
        return mech_define(m, NULL, IR_F64, 1, &u->size, mech_at(m, terms[k], s->rank, s->extent, at));
    }
    return ir_concat(m->p, 0, IR_F64, 1, &u->size, pieces, u->n);
}

bool mech_root(Mech *m, const MechUnknowns *u, const IrTerm *residual, const IrTerm *start, Span span, IrDef *value) {
    Span before = ir_at(m->p, span);
    IrDef equation = stacked(m, u, residual), from = stacked(m, u, start);
    IrDef root = equation && from ? calc_root(m->p, 0, u->vector, equation, from, u->piece, u->n) : 0;
    for (uint32_t k = 0; k < u->n && root; k++)
        value[k] = part_of(m, root, &u->shape[k], u->piece[k].at[0]);
    ir_at(m->p, before);
    return root != 0;
}
