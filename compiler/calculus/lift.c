/* lift — what a scan computes for one row, written for all rows at once.
 *
 * Needs: the scan's rows, which then are stored. Gives: definitions with one axis more, in front. Elementwise
 * definitions, sums and products take the axis as an index like any other; whole-tensor operations and scans inside of the scan
 * stay as they are and are gone through row by row, by a scan that looks at no row before. */
#include "calculus_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct Lift {
    IrProgram *p;
    IrDef of;
    IrScan scan;
    int64_t lo;      /* the first row that is computed … */
    uint64_t count;  /* … and how many are */
    IrDef stands, rows;
    IrDef *image;    /* by definition: lifted; 0 not yet */
    uint32_t n_image;
    IrTerm at;       /* the row at hand, among those computed */
    bool failed;
} Lift;

static IrDef lift_def(Lift *l, IrDef d);

/* What a bound INPUT stands for at row `l->at`, read at subs; 0 for any other definition. */
static IrTerm bound_at(Lift *l, IrDef d, const IrTerm *subs, uint32_t n) {
    IrProgram *p = l->p;
    IrTerm k = ir_add(p, l->at, ir_int(p, l->lo)), at[IR_MAX_RANK];
    if (d == l->scan.counter)
        return k;
    memcpy(at + 1, subs, sizeof *subs * n);
    at[0] = k;
    if (d == l->stands)
        return ir_read(p, l->rows, at, n + 1);
    for (uint32_t j = 0; j < l->scan.lags; j++) {
        if (d != l->scan.before[j])
            continue;
        at[0] = ir_add(p, k, ir_int(p, l->scan.backward ? (int64_t)j + 1 : -(int64_t)j - 1));
        return ir_read(p, l->of, at, n + 1);
    }
    return 0;
}

static bool is_inside(Lift *l, IrDef d) {
    return ir_is_inside(l->p, l->of, d) || ir_def_depends(l->p, d, l->stands);
}

static IrTerm lift_read(IrProgram *p, void *context, IrTerm read) {
    Lift *l = context;
    IrDef d = ir_node(p, read)->arg[0];
    IrTerm at[IR_MAX_RANK + 1];
    uint32_t n = ir_operands(p, read, at + 1);
    IrTerm bound = bound_at(l, d, at + 1, n);
    if (bound || !is_inside(l, d))
        return bound ? bound : read;
    IrTerm row = l->at;
    IrDef image = lift_def(l, d);
    l->at = at[0] = row;
    l->failed |= !image;
    if (!image)
        return read;
    bool simple = ir_def(p, image)->kind == IR_DEF_EXPR && calc_is_inline(p, ir_def(p, image)->body);
    return simple ? ir_at_subs(p, image, at) : ir_read(p, image, at, n + 1);
}

static IrDef lift_expr(Lift *l, IrDef d) {
    IrProgram *p = l->p;
    IrDefInfo info = *ir_def(p, d);
    IrIdx axes[IR_MAX_RANK + 1];
    IrTerm subs[IR_MAX_RANK];
    axes[0] = ir_fresh(p, l->count, ir_def(p, l->scan.counter)->name);
    calc_open_axes(p, d, axes + 1, subs);
    l->at = ir_idx(p, axes[0]);
    Span before = ir_at(p, info.span);
    IrTerm body = ir_map_reads(p, ir_at_subs(p, d, subs), lift_read, l);
    IrDef made = ir_define(p, 0, info.elem, axes, info.rank + 1, body);
    ir_at(p, before);
    return made;
}

/* The pieces of a vector side by side, for every row. */
static IrDef lift_concat(Lift *l, IrDef d) {
    IrProgram *p = l->p;
    IrDefInfo info = *ir_def(p, d);
    uint64_t extent[2] = {l->count, info.extent[0]};
    IrPiece *pieces = base_calloc(info.n_pieces + 1, sizeof *pieces);
    for (uint32_t k = 0; k < info.n_pieces; k++) {
        IrDef piece = info.pieces[k].def;
        IrIdx axes[2] = {ir_fresh(p, l->count, 0), ir_fresh(p, ir_size(p, piece), 0)};
        IrTerm at[IR_MAX_RANK];
        calc_unravel(p, piece, ir_idx(p, axes[1]), at);
        l->at = ir_idx(p, axes[0]);
        IrTerm value = lift_read(p, l, ir_read(p, piece, at, ir_def(p, piece)->rank));
        pieces[k] = (IrPiece){ir_define(p, 0, info.elem, axes, 2, value), {0, info.pieces[k].at[0]}};
    }
    IrDef made = ir_concat(p, 0, info.elem, 2, extent, pieces, info.n_pieces);
    free(pieces);
    return made;
}

/* Row by row: everything d depends on inside of the scan is computed again for each. */
static IrDef lift_by_loop(Lift *l, IrDef d) {
    IrProgram *p = l->p;
    IrScan loop = {.count = l->count};
    IrReplace with[2 + IR_MAX_LAGS];
    uint32_t n = 0;
    loop.counter = ir_counter(p, ir_def(p, l->scan.counter)->name, 0, (int64_t)l->count - 1);
    IrTerm k = ir_add(p, ir_read0(p, loop.counter), ir_int(p, l->lo)), subs[IR_MAX_RANK];
    with[n++] = (IrReplace){.from = l->scan.counter, .body = k};
    for (uint32_t j = 0; j < l->scan.lags; j++)
        with[n++] = (IrReplace){.from = l->scan.before[j], .body = calc_row_before(p, l->of, k, j + 1)};
    if (l->stands) {
        IrDefInfo info = *ir_def(p, l->stands);
        subs[0] = k;
        for (uint32_t j = 0; j < info.rank; j++)
            subs[j + 1] = ir_idx(p, ir_axis(p, j, info.extent[j]));
        with[n++] = (IrReplace){.from = l->stands, .body = ir_read(p, l->rows, subs, info.rank + 1)};
    }
    loop.row = ir_replace_def(p, d, with, n);
    return ir_scan(p, 0, &loop);
}

/* What does not depend on the row. */
static IrDef same_for_all(Lift *l, IrDef d) {
    IrProgram *p = l->p;
    IrIdx axes[IR_MAX_RANK + 1];
    IrTerm subs[IR_MAX_RANK];
    axes[0] = ir_fresh(p, l->count, 0);
    calc_open_axes(p, d, axes + 1, subs);
    return ir_define(p, 0, ir_def(p, d)->elem, axes, ir_def(p, d)->rank + 1,
                     ir_read(p, d, subs, ir_def(p, d)->rank));
}

static IrDef lift_def(Lift *l, IrDef d) {
    IrProgram *p = l->p;
    IrDefInfo info = *ir_def(p, d);
    if (d < l->n_image && l->image[d])
        return l->image[d];
    if (info.rank == IR_MAX_RANK) {
        diag_error(ir_session(p), DIAG_DERIVATIVE_RANK, info.span,
                   "the derivative of a recursion over a quantity with %u indices needs more than %d indices", info.rank,
                   IR_MAX_RANK);
        return 0;
    }
    IrDef made;
    if (!is_inside(l, d))
        made = same_for_all(l, d);
    else if (info.kind == IR_DEF_EXPR)
        made = lift_expr(l, d);
    else if (info.kind == IR_DEF_CONCAT && info.rank == 1)
        made = lift_concat(l, d);
    else
        made = lift_by_loop(l, d);
    if (d < l->n_image)
        l->image[d] = made;
    return l->failed ? 0 : made;
}

IrDef calc_lift(IrProgram *p, IrDef d, IrDef of, IrDef stands, IrDef rows) {
    Lift l = {.p = p, .of = of, .scan = ir_scan_of(p, of), .stands = stands, .rows = rows};
    int64_t hi;
    ir_scan_range(&l.scan, &l.lo, &hi);
    l.count = (uint64_t)(hi - l.lo + 1);
    l.n_image = ir_def_count(p) + 1;
    l.image = base_calloc(l.n_image, sizeof *l.image);
    IrDef made = lift_def(&l, d);
    free(l.image);
    return made;
}
