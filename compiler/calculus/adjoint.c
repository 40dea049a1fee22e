/* adjoint — what has come to a definition from its readers, summed: its adjoint as a definition, and the gradient by a stored
 * block, parts of which were read under other names.
 *
 * Needs: contributions of the steps so far. Gives: definitions. Changes nothing that was there. */
#include "reverse.h"

#include <stdlib.h>
#include <string.h>

struct Slot *reverse_slot(Reverse *r, IrDef d) {
    if (d >= r->n_slots) {
        uint32_t n = ir_def_count(r->p) + 1;
        n = n > d ? n : d + 1;
        n += n / 2;
        r->slots = base_realloc(r->slots, sizeof *r->slots * n);
        memset(r->slots + r->n_slots, 0, sizeof *r->slots * (n - r->n_slots));
        r->n_slots = n;
    }
    return &r->slots[d];
}

void reverse_contribute(Reverse *r, IrDef d, const IrTerm *subs, IrTerm coefficient, const IrIdx *idx,
                       uint32_t n) {
    Contribution c = {.coefficient = coefficient, .n_idx = n};
    if (ir_is_zero(r->p, coefficient))
        return;
    memcpy(c.subs, subs, sizeof *subs * ir_def(r->p, d)->rank);
    c.idx = n ? arena_copy(r->arena, idx, sizeof *idx * n) : NULL;
    Place place = {d, reverse_slot(r, d)->parts.n};
    vec_push(&reverse_slot(r, d)->parts, c);
    vec_push(&r->present, place);
}

/* Σ over the contribution's indices of coefficient · δ. Long ranges are summed first, so that a delta that
 * ties a long index to short ones removes the long one. */
static IrTerm close_contribution(Reverse *r, const Contribution *c, const IrTerm *at, uint32_t rank) {
    IrProgram *p = r->p;
    IrTerm t = c->coefficient;
    for (uint32_t k = 0; k < rank; k++)
        t = ir_mul(p, t, ir_bracket(p, c->subs[k], at[k]));
    IrIdx *order = base_calloc(c->n_idx + 1, sizeof *order);
    for (uint32_t k = 0; k < c->n_idx; k++) {
        uint32_t j = k;
        for (; j > 0 && ir_index(p, order[j - 1])->extent < ir_index(p, c->idx[k])->extent; j--)
            order[j] = order[j - 1];
        order[j] = c->idx[k];
    }
    for (uint32_t k = 0; k < c->n_idx; k++)
        t = ir_reduce(p, IR_SUM, order[k], 0, t);
    free(order);
    return t;
}

/* The adjoint of d from all contributions, as a term at FRESH subscripts. */
static IrTerm adjoint_term(Reverse *r, IrDef d, const IrTerm *at) {
    IrProgram *p = r->p;
    uint32_t rank = ir_def(p, d)->rank;
    IrTerm sum = ir_real(p, 0);
    for (uint32_t k = 0; k < reverse_slot(r, d)->parts.n; k++) {
        Contribution c = reverse_slot(r, d)->parts.at[k];
        sum = ir_add(p, sum, close_contribution(r, &c, at, rank));
    }
    IrDef whole = reverse_slot(r, d)->adjoint;
    return whole ? ir_add(p, sum, ir_read(p, whole, at, rank)) : sum;
}

void reverse_add_whole(Reverse *r, IrDef d, IrDef adjoint) {
    IrProgram *p = r->p;
    IrDef before = reverse_slot(r, d)->adjoint;
    if (!adjoint) {
        r->failed = true;
        return;
    }
    if (before) {
        IrIdx axes[IR_MAX_RANK];
        IrTerm subs[IR_MAX_RANK];
        uint32_t rank = ir_def(p, d)->rank;
        calc_open_axes(p, d, axes, subs);
        IrTerm sum = ir_add(p, ir_read(p, before, subs, rank), ir_read(p, adjoint, subs, rank));
        adjoint = calc_define_like(p, d, axes, sum, "∂/∂");
    }
    reverse_slot(r, d)->adjoint = adjoint;
}

typedef struct Placed {
    uint64_t place;
    IrTerm term;
} Placed;

static int by_place(const void *a, const void *b) {
    const Placed *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->term < y->term ? -1 : x->term > y->term;
}

static bool is_placed(const Reverse *r, const Contribution *c, uint64_t extent, uint64_t *place) {
    double at;
    if (!ir_is_const(r->p, c->subs[0], &at) || !(at >= 0 && at < (double)extent))
        return false;
    *place = (uint64_t)at;
    return true;
}

/* Takes the contributions at constant places out of a vector's parts. */
static uint32_t take_placed(Reverse *r, IrDef d, Placed *list) {
    uint32_t n = 0, kept = 0, parts = reverse_slot(r, d)->parts.n;
    for (uint32_t k = 0; k < parts; k++) {
        Contribution c = reverse_slot(r, d)->parts.at[k];
        if (is_placed(r, &c, ir_def(r->p, d)->extent[0], &list[n].place)) {
            list[n++].term = close_contribution(r, &c, NULL, 0);
        } else {
            reverse_slot(r, d)->parts.at[kept++] = c;
        }
    }
    reverse_slot(r, d)->parts.n = kept;
    return n;
}

/* Many elements of a vector that were read one by one (x[0], x[1], …): what comes to each of them is a number of its
 * own, put in its place. As one term over the axis, a delta for each, every element would pay for all the others. */
static void gather_places(Reverse *r, IrDef d) {
    enum { MANY = 16 };
    IrProgram *p = r->p;
    IrDefInfo info = *ir_def(p, d);
    uint64_t place;
    uint32_t n = 0, parts = reverse_slot(r, d)->parts.n, n_pieces = 0;
    for (uint32_t k = 0; info.rank == 1 && k < parts; k++)
        n += is_placed(r, &reverse_slot(r, d)->parts.at[k], info.extent[0], &place);
    if (n < MANY)
        return;
    Placed *list = base_calloc(n + 1, sizeof *list);
    IrPiece *pieces = base_calloc(n, sizeof *pieces);
    n = take_placed(r, d, list);
    qsort(list, n, sizeof *list, by_place);
    for (uint32_t k = 0; k < n;) {
        uint64_t at = list[k].place;
        IrTerm sum = ir_real(p, 0);
        for (; k < n && list[k].place == at; k++)
            sum = ir_add(p, sum, list[k].term);
        pieces[n_pieces++] = (IrPiece){ir_define(p, 0, info.elem, NULL, 0, sum), {at, 0}};
    }
    reverse_add_whole(r, d, ir_concat(p, 0, info.elem, 1, info.extent, pieces, n_pieces));
    free(pieces);
    free(list);
}

IrDef reverse_adjoint(Reverse *r, IrDef d) {
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    gather_places(r, d);
    if (reverse_slot(r, d)->adjoint && !reverse_slot(r, d)->parts.n)
        return reverse_slot(r, d)->adjoint;
    calc_open_axes(r->p, d, axes, subs);
    return calc_define_like(r->p, d, axes, adjoint_term(r, d, subs), "∂/∂");
}

bool reverse_has_parts(Reverse *r, IrDef d) { return reverse_slot(r, d)->parts.n || reverse_slot(r, d)->adjoint; }

/* The block's gradient as its views' gradients side by side, when only disjoint views inside it were read. */
static IrDef gather_views(Reverse *r, IrDef w) {
    IrProgram *p = r->p;
    IrDefInfo info = *ir_def(p, w);
    uint64_t base, size;
    IrDef root = calc_storage(p, w, &base, &size);
    VEC(IrPiece) pieces = {0};
    bool apart = info.rank == 1 && !reverse_has_parts(r, w);
    for (IrDef d = 1; d < r->graph.n_defs && apart; d++) {
        uint64_t first, count;
        IrDefKind kind = ir_def(p, d)->kind;
        if ((kind != IR_DEF_VIEW && kind != IR_DEF_INPUT) || !reverse_has_parts(r, d) || !calc_overlaps(p, d, w))
            continue;
        apart = calc_storage(p, d, &first, &count) == root && first >= base && first + count <= base + size;
        for (uint32_t k = 0; apart && k < pieces.n; k++)
            apart = first - base >= pieces.at[k].at[0] + ir_size(p, pieces.at[k].def)
                    || first - base + count <= pieces.at[k].at[0];
        if (apart) {
            IrPiece piece = {reverse_adjoint(r, d), {first - base, 0}};
            vec_push(&pieces, piece);
        }
    }
    IrDef result = 0;
    if (apart && pieces.n)
        result = ir_concat(p, 0, info.elem, 1, info.extent, pieces.at, pieces.n);
    vec_free(&pieces);
    return result;
}

/* Any overlap: element by element, from every stored definition that shares elements with w. */
static IrDef gather_elements(Reverse *r, IrDef w) {
    IrProgram *p = r->p;
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK], at[IR_MAX_RANK], sum = ir_real(p, 0);
    calc_open_axes(p, w, axes, subs);
    for (IrDef d = 1; d < r->graph.n_defs; d++) {
        if (!reverse_has_parts(r, d) || !calc_overlaps(p, d, w))
            continue;
        if (d == w) {
            sum = ir_add(p, sum, adjoint_term(r, d, subs));
            continue;
        }
        uint64_t first, count;
        calc_storage(p, d, &first, &count);
        IrTerm place = ir_sub(p, calc_place(p, w, subs), ir_int(p, (int64_t)first));
        calc_unravel(p, d, place, at);
        IrDef adjoint = reverse_adjoint(r, d);
        IrTerm value = ir_read(p, adjoint, at, ir_def(p, d)->rank);
        sum = ir_add(p, sum, ir_select(p, calc_in_range(p, place, count), value, ir_real(p, 0)));
    }
    return calc_define_like(p, w, axes, sum, "∂/∂");
}

IrDef reverse_gradient(Reverse *r, IrDef w) {
    IrDefKind kind = ir_def(r->p, w)->kind;
    bool shares = false;
    for (IrDef d = 1; d < r->graph.n_defs && !shares; d++)
        shares = d != w && reverse_has_parts(r, d) && calc_overlaps(r->p, d, w);
    if (!shares || (kind != IR_DEF_INPUT && kind != IR_DEF_VIEW))
        return reverse_has_parts(r, w) ? reverse_adjoint(r, w) : calc_zero_like(r->p, w);
    IrDef whole = gather_views(r, w);
    return whole ? whole : gather_elements(r, w);
}
